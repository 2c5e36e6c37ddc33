//! One packet before and after NAT, side by side, as the lecture writes it, with the four MAC roles.

use netmodes_core::addr::MacAddr;
use netmodes_core::event::Decision;
use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NodeKind};
use yew::prelude::*;

use super::way;
use crate::app::TextsHandle;
use crate::store::crossing::{Crossing, crossing};
use crate::store::{FrameEntry, FrameLog, Outcomes};

/// The table, when the frame, one it came from or one it became crosses a NAT.
pub(super) fn translation(
    view: &LabView,
    frames: &FrameLog,
    outcomes: &Outcomes,
    entry: &FrameEntry,
    texts: &TextsHandle,
) -> Html {
    let Some(found) = crossing(frames, outcomes, entry) else { return html! {} };
    let (before, after) = (&found.headers_before, &found.headers_after);
    let mac = |mac: MacAddr, ends: [NodeId; 2]| {
        let role = role(view, mac, ends).map(|key| html! { <small>{ texts.ui(key) }</small> });
        html! { <>{ mac.to_string() }{ for role }</> }
    };
    let ends = |entry: &FrameEntry| [entry.sent.from.node, entry.sent.to.node];
    let (ends_before, ends_after) = (ends(&found.before), ends(&found.after));
    let port = |port: Option<u16>| port.map_or_else(|| "—".to_owned(), |port| port.to_string());
    let plain = |text: String| html! { { text } };
    let ports = texts.ui(if before.proto == 1 { "icmp-id" } else { "src-port" });
    let mut rows = vec![
        (
            texts.ui("src-mac"),
            mac(before.src_mac, ends_before),
            mac(after.src_mac, ends_after),
            before.src_mac != after.src_mac,
        ),
        (
            texts.ui("dst-mac"),
            mac(before.dst_mac, ends_before),
            mac(after.dst_mac, ends_after),
            before.dst_mac != after.dst_mac,
        ),
        (texts.ui("src-ip"), plain(before.src.to_string()), plain(after.src.to_string()), before.src != after.src),
        (texts.ui("dst-ip"), plain(before.dst.to_string()), plain(after.dst.to_string()), before.dst != after.dst),
        (texts.ui("ttl"), plain(before.ttl.to_string()), plain(after.ttl.to_string()), before.ttl != after.ttl),
        (ports, plain(port(before.src_port)), plain(port(after.src_port)), before.src_port != after.src_port),
    ];
    if before.dst_port.is_some() {
        let changed = before.dst_port != after.dst_port;
        rows.push((texts.ui("dst-port"), plain(port(before.dst_port)), plain(port(after.dst_port)), changed));
    }
    let rows = rows.into_iter().map(|(name, before, after, changed)| {
        html! { <tr><th scope="row">{ name }</th><td>{ before }</td><td><span class={classes!(changed.then_some("chg"))}>{ after }</span></td></tr> }
    });
    html! {
        <div class="diff">
            <h4>{ title(view, &found, texts) }</h4>
            <table>
                <thead><tr><td></td>
                    <th scope="col">{ texts.ui("before") }<small>{ way(view, &found.before) }</small></th>
                    <th scope="col">{ texts.ui("after") }<small>{ way(view, &found.after) }</small></th>
                </tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
            { flow(&found, texts) }
        </div>
    }
}

fn title(view: &LabView, found: &Crossing, texts: &TextsHandle) -> std::rc::Rc<str> {
    let by = super::node_name(view, found.before.sent.to.node).to_owned();
    texts.ui_with("translated-by", &[("machine", by)])
}

fn flow(found: &Crossing, texts: &TextsHandle) -> Html {
    let (key, args) = match &found.decision {
        Some(Decision::TranslatedOut { proto, inside, outside, remote, .. }) => {
            ("flow-out", [proto.name().to_owned(), inside.to_string(), outside.to_string(), remote.to_string()])
        }
        Some(Decision::TranslatedIn { proto, inside, outside, remote, .. }) => {
            ("flow-in", [proto.name().to_owned(), inside.to_string(), outside.to_string(), remote.to_string()])
        }
        _ => return html! {},
    };
    let [proto, inside, outside, remote] = args;
    let args = [("proto", proto), ("inside", inside), ("outside", outside), ("remote", remote)];
    html! { <p>{ texts.ui_with(key, &args) }</p> }
}

/// The lecture's name for whose MAC this is: the VM's, its gateway's, the host's or the Internet gateway's.
fn role(view: &LabView, mac: MacAddr, ends: [NodeId; 2]) -> Option<&'static str> {
    let owner = view.ifaces.values().find(|iface| iface.mac == mac).map(|iface| iface.node);
    let kind = |id: NodeId| view.nodes.get(&id).map(|node| node.kind);
    let kind = match owner {
        Some(owner) => kind(owner),
        // An engine's own card is no interface of a machine; on its cable it is the one that is not the VM.
        None => ends.into_iter().filter_map(kind).find(|kind| *kind == NodeKind::NatEngine),
    };
    match kind? {
        NodeKind::Vm => Some("role-vm"),
        NodeKind::NatEngine => Some("role-gateway"),
        NodeKind::Host => Some("role-host"),
        NodeKind::Router => Some("role-internet-gateway"),
        NodeKind::Computer | NodeKind::Switch | NodeKind::DhcpServer => None,
    }
}
