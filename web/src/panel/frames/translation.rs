//! One packet before and after NAT, side by side, as the lecture writes it: four lines each with the roles of the MACs, below
//! them what else changed, and the flow entry that did it. Several NATs in a row stand one after the other.

use netmodes_core::addr::MacAddr;
use netmodes_core::event::Decision;
use netmodes_core::id::NodeId;
use netmodes_core::view::{FlowRow, LabView, NodeKind};
use yew::prelude::*;

use super::way_words;
use crate::app::TextsHandle;
use crate::format;
use crate::store::FrameEntry;
use crate::store::crossing::Crossing;

/// One line of the two blocks: its name, the two values, whether they differ.
type Line = (Html, Html, Html, bool);

/// All NATs of the way.
pub(super) fn translations(view: &LabView, crossings: &[Crossing], texts: &TextsHandle) -> Html {
    html! { <>{ for crossings.iter().map(|found| one(view, found, texts)) }</> }
}

fn one(view: &LabView, found: &Crossing, texts: &TextsHandle) -> Html {
    let line = |(name, before, after, changed): Line| {
        html! { <tr><th scope="row">{ name }</th><td>{ before }</td><td><span class={classes!(changed.then_some("chg"))}>{ after }</span></td></tr> }
    };
    html! {
        <div class="diff">
            <h4>{ title(view, found, texts) }</h4>
            <table>
                <thead><tr><td></td>
                    <th scope="col">{ texts.ui("before") }<small>{ way_words(view, &found.before) }</small></th>
                    <th scope="col">{ texts.ui("after") }<small>{ way_words(view, &found.after) }</small></th>
                </tr></thead>
                <tbody>{ for four(view, found, texts).into_iter().map(line) }</tbody>
                <tbody class="besides">{ for besides(found, texts).into_iter().map(line) }</tbody>
            </table>
            { flow(view, found, texts) }
        </div>
    }
}

/// The lecture's four lines.
fn four(view: &LabView, found: &Crossing, texts: &TextsHandle) -> Vec<Line> {
    let (a, b) = (&found.headers_before, &found.headers_after);
    let ends = |entry: &FrameEntry| [entry.sent.from.node, entry.sent.to.node];
    let mac = |mac: MacAddr, entry: &FrameEntry| {
        let role = role(view, mac, ends(entry)).map(|key| html! { <small>{ texts.ui(key) }</small> });
        html! { <>{ mac.to_string() }{ for role }</> }
    };
    let word = |key: &str| html! { { texts.ui(key) } };
    let addr = |addr: core::net::Ipv4Addr| html! { { addr.to_string() } };
    vec![
        (word("src-mac"), mac(a.src_mac, &found.before), mac(b.src_mac, &found.after), a.src_mac != b.src_mac),
        (word("dst-mac"), mac(a.dst_mac, &found.before), mac(b.dst_mac, &found.after), a.dst_mac != b.dst_mac),
        (word("src-ip"), addr(a.src), addr(b.src), a.src != b.src),
        (word("dst-ip"), addr(a.dst), addr(b.dst), a.dst != b.dst),
    ]
}

/// What else a NAT and a router may change.
fn besides(found: &Crossing, texts: &TextsHandle) -> Vec<Line> {
    let (a, b) = (&found.headers_before, &found.headers_after);
    let word = |key: &str| html! { { texts.ui(key) } };
    let port = |port: Option<u16>| html! { { port.map_or_else(|| "—".to_owned(), |port| port.to_string()) } };
    let ident = if a.proto == 1 { "icmp-id" } else { "src-port" };
    let mut lines = vec![(word("ttl"), html! { { a.ttl } }, html! { { b.ttl } }, a.ttl != b.ttl)];
    if a.src_port.is_some() {
        lines.push((word(ident), port(a.src_port), port(b.src_port), a.src_port != b.src_port));
    }
    if a.dst_port.is_some() {
        lines.push((word("dst-port"), port(a.dst_port), port(b.dst_port), a.dst_port != b.dst_port));
    }
    lines
}

fn title(view: &LabView, found: &Crossing, texts: &TextsHandle) -> std::rc::Rc<str> {
    let by = super::node_name(view, found.before.sent.to.node).to_owned();
    texts.ui_with("translated-by", &[("machine", by)])
}

/// The entry that did it, and how long it stays.
fn flow(view: &LabView, found: &Crossing, texts: &TextsHandle) -> Html {
    let Some((node, decision)) = &found.decided else { return html! {} };
    let (key, id, args) = match decision {
        Decision::TranslatedOut { flow, proto, inside, outside, remote } => {
            ("flow-out", flow, [proto.name().to_owned(), inside.to_string(), outside.to_string(), remote.to_string()])
        }
        Decision::TranslatedIn { flow, proto, inside, outside, remote } => {
            ("flow-in", flow, [proto.name().to_owned(), inside.to_string(), outside.to_string(), remote.to_string()])
        }
        _ => return html! {},
    };
    let [proto, inside, outside, remote] = args;
    let args = [("proto", proto), ("inside", inside), ("outside", outside), ("remote", remote)];
    let row = view.flows.values().find(|row| row.id == *id && (row.node == *node || row.engine == Some(*node)));
    html! {
        <>
            <p>{ texts.ui_with(key, &args) }</p>
            <p class="flow-entry"><span class="mono">{ texts.ui_with("flow-number", &[("id", id.to_string())]) }</span>{ " · " }{ stays(view, row, texts) }</p>
        </>
    }
}

fn stays(view: &LabView, row: Option<&FlowRow>, texts: &TextsHandle) -> Html {
    let Some(row) = row else { return html! { { texts.ui("flow-gone") } } };
    let units = ["unit-d", "unit-h", "unit-min", "unit-s"].map(|key| texts.ui(key));
    let units = [&*units[0], &*units[1], &*units[2], &*units[3]];
    match row.expires {
        Some(at) => html! { { texts.ui_with("flow-ends-in", &[("time", format::left(at, view.time, &units))]) } },
        None => html! { { texts.ui("flow-stays") } },
    }
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
