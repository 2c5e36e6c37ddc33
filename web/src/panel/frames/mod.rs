//! The frames: a list of what went over cables, and one of them opened.

mod bytes;
mod detail;
mod list;
mod story;
mod translation;

use std::rc::Rc;

use netmodes_core::id::Port;
use netmodes_core::view::LabView;
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
    let shown = use_memo((props.frames.clone(), props.view.clone(), props.filter.clone()), |(frames, view, filter)| {
        passing(frames, view, &Filter::new(filter))
    });
    let chosen = props.selected.and_then(|seq| props.frames.get(seq)).cloned();
    html! {
        <div class="split">
            <div class="list-box">
                { hidden_note(&props.frames, &texts) }
                if shown.is_empty() {
                    <p class="empty">{ texts.ui(if props.frames.is_empty() { "frames-none" } else { "frames-none-pass" }) }</p>
                } else {
                    <List view={props.view.clone()} {shown} outcomes={props.outcomes.clone()} selected={props.selected} />
                }
            </div>
            <div class="detail" aria-label={texts.ui("frame")} tabindex="0" role="region">
                if let Some(entry) = chosen {
                    <Detail key={entry.seq} seq={entry.seq} view={props.view.clone()} frames={props.frames.clone()}
                        outcomes={props.outcomes.clone()} />
                } else {
                    <p class="empty">{ texts.ui("frame-choose") }</p>
                }
            </div>
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
        if n > 0 { html! { <p class="note">{ texts.ui_count(key, n) }</p> } } else { html! {} }
    };
    html! { <>{ note("frames-not-shown", frames.not_shown) }{ note("frames-forgotten", frames.forgotten) }</> }
}

/// From where to where a frame went on its cable: `vm1 → nat-vm1`.
fn way(view: &LabView, entry: &FrameEntry) -> String {
    format!("{} → {}", end(view, entry.sent.from), end(view, entry.sent.to))
}

/// A cable's end: the node's name, with the interface's where the node has several cables.
fn end(view: &LabView, port: Port) -> String {
    let name = view.nodes.get(&port.node).map_or("?", |node| node.name.as_str());
    let cables = view.ifaces.range((port.node, 0)..=(port.node, u32::MAX)).filter(|(_, iface)| !iface.loopback).count();
    match view.ifaces.get(&(port.node, port.index)) {
        Some(iface) if cables > 1 => format!("{name} {}", iface.name),
        _ => name.to_owned(),
    }
}
