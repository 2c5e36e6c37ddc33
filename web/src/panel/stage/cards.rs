//! The boxes of the picture: what each says.

use core::net::IpAddr;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NicRow, NodeKind};
use yew::prelude::*;

use super::f;
use crate::app::TextsHandle;
use crate::layout::{Card, CardKind, Rect};
use crate::store::state::lease_seen;

/// Height of a line of words.
const LINE: f64 = 21.0;

/// A rectangle with round corners.
pub(super) fn rect(rect: Rect, radius: f64, class: &'static str) -> Html {
    html! {
        <rect class={class} x={f(rect.x)} y={f(rect.y)} width={f(rect.w)} height={f(rect.h)} rx={f(radius)} />
    }
}

/// One line of a card: its words and how they are shown.
type Line = (String, &'static str);

/// A card.
pub(super) fn card(
    view: &LabView,
    card: &Card,
    chosen: bool,
    choose: Callback<MouseEvent>,
    texts: &TextsHandle,
) -> Html {
    let Some(node) = view.nodes.get(&card.node) else { return html! {} };
    let name = match card.kind {
        CardKind::Built => match node.kind {
            NodeKind::NatEngine => texts.ui("nat-engine").to_string(),
            NodeKind::Switch => texts.ui("switch").to_string(),
            _ => "DHCP".to_owned(),
        },
        CardKind::HostNic(index) => {
            view.ifaces.get(&(card.node, index)).map(|iface| iface.name.clone()).unwrap_or_default()
        }
        _ => node.name.clone(),
    };
    let lines = match card.kind {
        CardKind::Vm => vm_lines(view, card.node, texts),
        CardKind::Built => built_lines(view, card.node, texts),
        CardKind::HostNic(index) => vec![(first_addr(view, card.node, Some(index)).unwrap_or_default(), "mono small")],
        CardKind::Outside | CardKind::Far => vec![match node.kind {
            NodeKind::Switch => (texts.ui("office-lan").to_string(), "dim small"),
            _ => (first_addr(view, card.node, None).unwrap_or_default(), "mono small"),
        }],
    };
    let class = match card.kind {
        CardKind::Built => "box built",
        CardKind::Far => "box far",
        _ => "box",
    };
    let small = card.kind == CardKind::Far;
    let (x, top) = (card.rect.x + if small { 12.0 } else { 18.0 }, card.rect.y + if small { 19.0 } else { 27.0 });
    let step = if small { 16.0 } else { LINE };
    let title = match card.kind {
        CardKind::Vm | CardKind::Built => "title",
        CardKind::Far => "name small",
        _ => "name",
    };
    let marks = (node.real).then(|| html! {
        <text class="real" x={f(card.rect.x + card.rect.w - 14.0)} y={f(top)} text-anchor="end">{ &*texts.ui("real") }</text>
    });
    html! {
        <g class={classes!("card", chosen.then_some("chosen"))} onclick={choose}>
            <rect class={class} x={f(card.rect.x)} y={f(card.rect.y)} width={f(card.rect.w)} height={f(card.rect.h)} rx="11" />
            <text class={title} x={f(x)} y={f(top)}>{ name }</text>
            { for marks }
            { for (1..).zip(lines).map(|(at, (words, class))| html! {
                <text class={class} x={f(x)} y={f(top + f64::from(at) * step)}>{ words }</text>
            }) }
        </g>
    }
}

/// The first IPv4 address of a node's interface (or of any but the loopback), with its prefix where it is a VM's.
fn first_addr(view: &LabView, node: NodeId, iface: Option<u32>) -> Option<String> {
    let own = view.addrs.values().filter(|row| row.node == node && iface.is_none_or(|index| index == row.iface));
    own.filter_map(|row| match row.addr {
        IpAddr::V4(addr) if !addr.is_loopback() => Some(addr.to_string()),
        _ => None,
    })
    .next()
}

fn vm_lines(view: &LabView, node: NodeId, texts: &TextsHandle) -> Vec<Line> {
    let Some(nic) = view.nics.values().find(|nic| nic.vm == node) else { return Vec::new() };
    let iface = view.ifaces.get(&(node, nic.iface)).map(|iface| iface.name.clone()).unwrap_or_default();
    if let Some(device) = &nic.tap {
        return real_lines(view, nic, device, texts);
    }
    let card = texts.ui_with("nic-line", &[("iface", iface), ("adapter", nic.adapter.to_string())]);
    let addr = view.addrs.values().find(|row| row.node == node && row.iface == nic.iface && row.addr.is_ipv4());
    let addr = match addr {
        Some(row) => (format!("{}/{}", row.addr, row.prefix), "mono"),
        None => (texts.ui("no-address").to_string(), "mono dim"),
    };
    vec![(card.to_string(), "dim"), addr, (nic.mac.to_string(), "mono dim small")]
}

/// Of a real machine only what was seen on its cable is said.
fn real_lines(view: &LabView, nic: &NicRow, device: &str, texts: &TextsHandle) -> Vec<Line> {
    let card = texts.ui_with("nic-line", &[("iface", device.to_owned()), ("adapter", nic.adapter.to_string())]);
    let mut lines = vec![(card.to_string(), "dim")];
    match lease_seen(view, nic.vm) {
        Some(lease) => lines.extend([(lease.addr.to_string(), "mono"), (lease.mac.to_string(), "mono dim small")]),
        None => lines.push((texts.ui("no-lease").to_string(), "dim")),
    }
    lines
}

fn built_lines(view: &LabView, node: NodeId, texts: &TextsHandle) -> Vec<Line> {
    let name = || view.nodes.get(&node).map(|row| row.name.clone()).unwrap_or_default();
    let Some(server) = view.dhcp_servers.values().find(|row| row.node == node) else {
        return vec![(name(), "mono small")];
    };
    let pool = (format!("DHCP .{}–.{}", server.first.octets()[3], server.last.octets()[3]), "mono small");
    if view.nodes.get(&node).is_some_and(|row| row.kind != NodeKind::NatEngine) {
        return vec![(name(), "dim small"), (server.server.to_string(), "mono small"), pool];
    }
    let vm = view
        .links
        .values()
        .find_map(
            |link| if link.b.node == node { Some(link.a.node) } else { (link.a.node == node).then_some(link.b.node) },
        )
        .and_then(|vm| view.nodes.get(&vm))
        .map(|row| row.name.clone())
        .unwrap_or_default();
    let flows = view.flows.values().filter(|flow| flow.engine == Some(node)).count() as u64;
    vec![
        (texts.ui_with("built-for", &[("vm", vm)]).to_string(), "dim small"),
        (texts.ui_with("gateway-line", &[("addr", server.server.to_string())]).to_string(), "mono small"),
        pool,
        (texts.ui_count("flows-line", flows).to_string(), "dim small"),
    ]
}
