//! The frames: a list of what went over cables, and one of them opened.

mod bytes;
mod detail;
mod list;
mod story;
mod translation;

use std::rc::Rc;

use netmodes_core::id::{NodeId, Port};
use netmodes_core::view::{LabView, NodeKind, NodeRow};
use yew::prelude::*;

use self::detail::Detail;
use self::list::List;
use crate::app::{TextsHandle, use_texts};
use crate::store::filter::Filter;
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
}

/// The frames.
#[component]
pub fn Frames(props: &Props) -> Html {
    let texts = use_texts();
    let view = use_memo((props.frames.clone(), props.view.clone()), |(frames, view)| frames.remembering(view));
    let view = (*view).clone();
    let shown = use_memo((props.frames.clone(), view.clone(), props.filter.clone()), |(frames, view, filter)| {
        passing(frames, view, &Filter::new(filter))
    });
    let chosen = props.selected.and_then(|seq| props.frames.get(seq)).cloned();
    html! {
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
                        outcomes={props.outcomes.clone()} />
                </div>
            } else if !props.frames.is_empty() {
                <p class="note choose">{ texts.ui("frame-choose") }</p>
            }
        </div>
    }
}

fn passing(frames: &FrameLog, view: &LabView, filter: &Filter) -> Vec<Rc<FrameEntry>> {
    if filter.is_empty() {
        return frames.iter().cloned().collect();
    }
    let passes = |entry: &&Rc<FrameEntry>| {
        let summary = entry.summary();
        filter.passes(&summary.proto, || format!("{} {} {}", summary.proto, way(view, entry), summary.text))
    };
    frames.iter().filter(passes).cloned().collect()
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
fn way(view: &LabView, entry: &FrameEntry) -> String {
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
