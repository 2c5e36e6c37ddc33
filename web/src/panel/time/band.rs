//! The band above the strip: which instant is looked at and how to leave it, or what takes long and how to end it.

use netmodes_core::protocol::Doing;
use yew::prelude::*;

use crate::app::{use_dispatch, use_texts};
use crate::format;
use crate::store::past::{Long, Look};
use crate::store::{Action, Clock, PastState, Shared, Travel};

/// What the band shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Where in time the page is, and what takes long.
    pub past: Shared<PastState>,
    /// Lab time.
    pub clock: Clock,
    /// An earlier instant can become the present.
    pub can: bool,
}

/// The band; nothing while the page shows what is and nothing takes long.
#[component]
pub(super) fn Band(props: &Props) -> Html {
    let body = match (&props.past.long, &props.past.look) {
        (Some(long), _) => html! { <Takes long={*long} /> },
        (None, Some(look)) => html! { <Looks look={look.clone()} can={props.can} /> },
        (None, None) => return html! {},
    };
    html! { <div class="band">{ body }</div> }
}

#[derive(Clone, PartialEq, Properties)]
struct LooksProps {
    look: Look,
    can: bool,
}

#[component]
fn Looks(props: &LooksProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (then, now) = (format::clock(props.look.at), format::clock(props.look.past.now));
    let words = texts.ui_with("looking-at", &[("then", then), ("now", now)]);
    let hint = texts.ui(if props.can { "looking-starts-here" } else { "looking-only" });
    let go = |travel: Travel| dispatch.callback(move |_: MouseEvent| Action::Travel(travel.clone()));
    html! {
        <>
            <p class="band-text"><b>{ words }</b>{ " " }<span>{ hint }</span></p>
            if props.can {
                <button type="button" id="branch" class="btn" title={texts.ui("go-on-here-title")} onclick={go(Travel::Branch)}>{ texts.ui("go-on-here") }</button>
            }
            <button type="button" id="back-to-now" class="btn p" onclick={go(Travel::Now)}>{ texts.ui("back-to-now") }</button>
            // Said once, not at every instant that the head passes.
            <span class="sr" role="status">{ texts.ui("looking-said") }</span>
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TakesProps {
    long: Long,
}

#[component]
fn Takes(props: &TakesProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let long = props.long;
    let key = match long.doing {
        Doing::Step => "doing-step",
        Doing::Load => "doing-load",
        Doing::Branch => "doing-branch",
        Doing::Undo => "doing-undo",
        Doing::Redo => "doing-redo",
        Doing::Reach => "doing-reach",
    };
    let far = match (long.to, long.of) {
        (Some(to), _) => format!("{} / {}", format::clock(long.now), format::clock(to)),
        (None, Some(of)) => format!("{} / {of}", long.steps),
        (None, None) => format::clock(long.now),
    };
    let onclick = dispatch.callback(|_: MouseEvent| Action::Travel(Travel::Stop));
    html! {
        <>
            <p class="band-text" role="status"><b>{ texts.ui(key) }</b></p>
            if let Some(part) = long.part() {
                <progress max="1" value={format!("{part:.3}")} aria-label={texts.ui(key)}></progress>
            } else {
                <progress aria-label={texts.ui(key)}></progress>
            }
            <span class="mono">{ far }</span>
            <button type="button" id="stop" class="btn p" onclick={onclick}>{ texts.ui("stop") }</button>
        </>
    }
}
