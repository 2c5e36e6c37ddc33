//! The frames: a list of what went over cables, and one of them opened.

mod bar;
mod bytes;
mod detail;
mod download;
pub mod ladder;
mod list;
mod story;
mod translation;

use std::rc::Rc;

use netmodes_core::display_filter::{Filter, FilterError};
use netmodes_core::id::{NodeId, Port};
use netmodes_core::view::{LabView, NodeKind, NodeRow};
use yew::prelude::*;

use self::bar::Bar;
use self::detail::Detail;
use self::download::Download;
use self::list::List;
use crate::app::{TextsHandle, use_texts};
use crate::dom::{self, NextFrame};
use crate::store::matched::{Matched, SLICE};
use crate::store::{FrameEntry, FrameLog, Outcomes, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables, for names.
    pub view: Shared<LabView>,
    /// The frames.
    pub frames: Shared<FrameLog>,
    /// What became of them.
    pub outcomes: Shared<Outcomes>,
    /// The chosen frame's event number.
    pub selected: Option<u64>,
    /// The filter's text.
    pub filter: AttrValue,
    /// Another filter.
    pub on_filter: Callback<AttrValue>,
}

/// The frames.
#[component]
pub fn Frames(props: &Props) -> Html {
    let texts = use_texts();
    let view = use_memo((props.frames.clone(), props.view.clone()), |(frames, view)| frames.remembering(view));
    let view = (*view).clone();
    let hide_ipv6 = use_state(|| dom::recall("ipv6-noise").as_deref() != Some("shown"));
    let (filter, error) = use_filter(&props.filter);
    let (shown, noise) = use_matched(props, &view, &filter, *hide_ipv6);
    let on_hide_ipv6 = {
        let hide_ipv6 = hide_ipv6.setter();
        Callback::from(move |hide| {
            dom::keep("ipv6-noise", if hide { "hidden" } else { "shown" });
            hide_ipv6.set(hide);
        })
    };
    let chosen = props.selected.and_then(|seq| props.frames.get(seq)).cloned();
    let count = (shown.len(), props.frames.len());
    html! {
        <div class="frames">
            <Bar view={view.clone()} filter={props.filter.clone()} on_filter={props.on_filter.clone()} {error}
                lone_flag={filter.lone_flag().map(AttrValue::from)} hide_ipv6={*hide_ipv6} {on_hide_ipv6} {noise} {count}>
                <Download view={view.clone()} frames={props.frames.clone()} shown={shown.clone()} link={chosen.as_ref().map(|entry| entry.sent.link)} />
            </Bar>
            // As long as nothing is chosen the list has the whole width.
            <div class={classes!("split", chosen.is_none().then_some("alone"))}>
                <div class="list-box">
                    { hidden_note(&props.frames, &texts) }
                    if shown.is_empty() {
                        <p class="empty">{ texts.ui(if props.frames.is_empty() { "frames-none" } else { "frames-none-pass" }) }</p>
                    } else {
                        <List view={view.clone()} {shown} outcomes={props.outcomes.clone()} selected={props.selected} short={chosen.is_some()} />
                    }
                </div>
                if let Some(entry) = chosen {
                    <div class="detail" aria-label={texts.ui("frame")} tabindex="0" role="region">
                        <Detail key={entry.seq} seq={entry.seq} {view} frames={props.frames.clone()}
                            outcomes={props.outcomes.clone()} on_filter={props.on_filter.clone()} />
                    </div>
                } else if !props.frames.is_empty() {
                    <p class="note choose">{ texts.ui("frame-choose") }</p>
                }
            </div>
        </div>
    }
}

/// The filter as it was last right, and what is wrong with what is typed now.
#[hook]
fn use_filter(text: &AttrValue) -> (Rc<Filter>, Option<FilterError>) {
    let last = use_mut_ref(|| Rc::new(Filter::default()));
    let read = use_memo(text.clone(), |text| Filter::parse(text));
    match &*read {
        Ok(filter) => {
            if **last.borrow() != *filter {
                *last.borrow_mut() = Rc::new(filter.clone());
            }
            (last.borrow().clone(), None)
        }
        Err(error) => (last.borrow().clone(), Some(error.clone())),
    }
}

/// The frames that pass, and how many are IPv6's; a long log is gone through a slice a repaint.
#[hook]
fn use_matched(
    props: &Props,
    view: &Shared<LabView>,
    filter: &Filter,
    hide_ipv6: bool,
) -> (Rc<Vec<Rc<FrameEntry>>>, u64) {
    let matched = use_mut_ref(Matched::default);
    let next = use_mut_ref(|| None::<NextFrame>);
    let again = use_force_update();
    let mut matched = matched.borrow_mut();
    matched.set(filter, hide_ipv6);
    let done = matched.advance(&props.frames, &props.outcomes, view, SLICE);
    *next.borrow_mut() = if done { None } else { NextFrame::new(move |_| again.force_update()) };
    (matched.shown(), matched.noise())
}

/// What is not in the list is said.
fn hidden_note(frames: &FrameLog, texts: &TextsHandle) -> Html {
    let note = |key: &str, n: u64| {
        if n > 0 {
            html! { <p class="note">{ texts.ui_count(key, n) }</p> }
        } else {
            html! {}
        }
    };
    html! { <>{ note("frames-not-shown", frames.not_shown) }{ note("frames-forgotten", frames.forgotten) }</> }
}

/// From where to where a frame went on its cable: `vm1 → NAT`.
fn way_words(view: &LabView, entry: &FrameEntry) -> String {
    format!("{} → {}", node_name(view, entry.sent.from.node), node_name(view, entry.sent.to.node))
}

/// The same with the interfaces' names: `vm1 enp0s3 → NAT`.
fn way_with_ports(view: &LabView, entry: &FrameEntry) -> String {
    let end = |port: Port| {
        let name = node_name(view, port.node);
        match view.ifaces.get(&(port.node, port.index)) {
            Some(iface) => format!("{name} {}", iface.name),
            None => name.to_owned(),
        }
    };
    format!("{} → {}", end(entry.sent.from), end(entry.sent.to))
}

/// A node's name; the only NAT engine of a lab is just `NAT`.
pub(super) fn node_name(view: &LabView, id: NodeId) -> &str {
    let Some(node) = view.nodes.get(&id) else { return "?" };
    let other = |other: &NodeRow| other.kind == NodeKind::NatEngine && other.name != node.name;
    if node.kind == NodeKind::NatEngine && !view.nodes.values().any(other) { "NAT" } else { &node.name }
}
