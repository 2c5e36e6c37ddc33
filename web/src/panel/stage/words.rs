//! The picture in words: a list that nobody sees, and a polite announcement when the topology changes.

use netmodes_core::view::{LabView, NodeKind};
use yew::prelude::*;

use crate::app::{TextsHandle, use_texts};
use crate::layout::{Spoken, modes, speak};
use crate::shared::Shared;

/// What is told.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Tables.
    pub(super) view: Shared<LabView>,
}

/// The list and the announcement. Only the second one is live: addresses come and go with every command, and whoever
/// typed it hears its output already.
#[component]
pub(super) fn InWords(props: &Props) -> Html {
    let texts = use_texts();
    let lines = speak(&props.view);
    // One element a card: what is announced is the card that changed, not all of them.
    let news = modes(&props.view).into_iter().map(|card| {
        let mut mode = texts.ui(&format!("mode-{}", card.mode.name())).to_string();
        if !card.network.is_empty() {
            mode = format!("{mode}, {}", card.network);
        }
        if !card.cable {
            mode = format!("{mode}, {}", texts.ui("cable-out"));
        }
        let key = format!("{}-{}", card.vm, card.adapter);
        let args = [("vm", card.vm), ("adapter", card.adapter.to_string()), ("mode", mode)];
        html! { <p {key}>{ &*texts.ui_with("in-words-mode", &args) }</p> }
    });
    html! {
        <div class="sr">
            <div role="status" aria-live="polite" aria-atomic="false">{ for news }</div>
            <ul aria-label={texts.ui("in-words")}>
                { for lines.iter().map(|line| html! { <li key={line.node.0}>{ sentence(&props.view, line, &texts) }</li> }) }
            </ul>
        </div>
    }
}

fn sentence(view: &LabView, line: &Spoken, texts: &TextsHandle) -> String {
    let Some(node) = view.nodes.get(&line.node) else { return String::new() };
    let nics: Vec<_> = view.nics.values().filter(|nic| nic.vm == line.node).collect();
    let addrs = match (line.addrs.is_empty(), node.kind) {
        _ if node.off => texts.ui("vm-off").to_string(),
        // Of a VM every card is told: interface, adapter, mode, network, address.
        _ if !nics.is_empty() => {
            nics.iter().map(|nic| super::cards::nic_told(view, nic, texts)).collect::<Vec<_>>().join("; ")
        }
        (false, _) => line.addrs.join(", "),
        (true, NodeKind::Switch | NodeKind::NatEngine) => texts.ui(kind_key(node.kind)).to_string(),
        (true, _) => texts.ui("no-address").to_string(),
    };
    let joined: Vec<_> = line.joined.iter().map(|(name, kind)| called(name, *kind, texts)).collect();
    let joined = if joined.is_empty() { "—".to_owned() } else { joined.join(", ") };
    let args = [("machine", called(&node.name, node.kind, texts)), ("addrs", addrs), ("joined", joined)];
    texts.ui_with("in-words-line", &args).to_string()
}

/// What the picture calls a node.
fn called(name: &str, kind: NodeKind, texts: &TextsHandle) -> String {
    if kind == NodeKind::NatEngine { texts.ui("nat-engine").to_string() } else { name.to_owned() }
}

fn kind_key(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Switch => "switch",
        NodeKind::DhcpServer => "kind-dhcp-server",
        _ => "kind-nat-engine",
    }
}
