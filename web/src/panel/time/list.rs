//! The timeline as a list: the same exchanges in words, each a button that goes there.

use netmodes_core::protocol::LookTo;
use yew::prelude::*;

use super::scale::label;
use super::until::use_dismiss;
use crate::app::{use_dispatch, use_texts};
use crate::format;
use crate::panel::parts::{Icon, chip};
use crate::store::exchange::Timeline;
use crate::store::{Action, PastState, Shared, Travel};

/// Exchanges listed; older ones are on the track.
const LISTED_MAX: usize = 200;

/// What the list shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Exchanges.
    pub timeline: Shared<Timeline>,
    /// Where in time the page is.
    pub past: Shared<PastState>,
    /// An earlier instant can be looked at, or why not.
    pub can: Result<(), &'static str>,
}

/// The button and the list that it opens.
#[component]
pub(super) fn AsList(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let open = use_state(|| false);
    let root = use_node_ref();
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let close = {
        let open = open.setter();
        Callback::from(move |()| open.set(false))
    };
    use_dismiss(&root, *open, &close);
    let title = texts.ui("timeline-list");
    let can = props.can.is_ok();
    let shown = props.past.look.as_ref().and_then(|look| props.timeline.at(look.seq)).map(|exchange| exchange.id);
    let items = |exchange: &std::rc::Rc<crate::store::exchange::Exchange>| {
        let seq = exchange.first;
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Travel(Travel::Look(LookTo::Event { seq })));
        let current = (shown == Some(exchange.id)).then_some("true");
        let frames = texts.ui_count("frames", u64::from(exchange.frames));
        html! {
            <li key={exchange.id}>
                <button type="button" class="item" disabled={!can} aria-current={current} {onclick}>
                    <span class="mono">{ format::row_time(exchange.start) }</span>
                    { chip(&exchange.proto) }
                    <span class="what">{ label(exchange) }</span>
                    <span class="dim">{ frames }</span>
                    if exchange.failed { <span class="bad">{ format!("✕ {}", texts.ui("timeline-failed")) }</span> }
                </button>
            </li>
        }
    };
    html! {
        <span class="as-list" ref={root}>
            <button type="button" id="timeline-list" class="icon" title={title.clone()} aria-label={title.clone()} aria-haspopup="dialog"
                aria-expanded={open.to_string()} onclick={toggle}><Icon name="list" /></button>
            if *open {
                <div class="menu" role="dialog" aria-label={title}>
                    if props.timeline.exchanges.is_empty() { <p class="note">{ texts.ui("timeline-empty") }</p> }
                    <ol class="exchanges">{ for props.timeline.exchanges.iter().rev().take(LISTED_MAX).map(items) }</ol>
                </div>
            }
        </span>
    }
}
