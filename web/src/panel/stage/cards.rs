//! The boxes of the picture: what each says.

use core::net::{IpAddr, Ipv4Addr};

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, Mode, NicRow, NodeKind, NodeRow};
use yew::prelude::*;

use super::f;
use crate::app::TextsHandle;
use crate::layout::{Card, CardKind, Detail, Fact, Plug, Rect, facts, mode_of};
use crate::store::state::lease_seen;

/// Height of a line of words.
const LINE: f64 = 18.0;

/// A rectangle with round corners.
pub(super) fn rect(rect: Rect, radius: f64, class: &'static str) -> Html {
    html! {
        <rect class={class} x={f(rect.x)} y={f(rect.y)} width={f(rect.w)} height={f(rect.h)} rx={f(radius)} />
    }
}

/// One line of a card: its words and how they are shown.
type Line = (String, &'static str);

/// Words that fit into `width` at a font's size, cut with an ellipsis where they do not. Letters are taken as wide as
/// they are on average: a card's tooltip has all of them.
pub(super) fn fit(words: &str, width: f64, size: f64, mono: bool) -> String {
    let each = size * if mono { 0.605 } else { 0.54 };
    let room = (width / each).floor().max(2.0) as usize;
    if words.chars().count() <= room {
        return words.to_owned();
    }
    let kept: String = words.chars().take(room - 1).collect();
    format!("{}…", kept.trim_end())
}

/// The words of a fact.
pub(super) fn words(fact: &Fact, texts: &TextsHandle) -> Line {
    let small = |key: &str, args: &[(&str, String)]| (texts.ui_with(key, args).to_string(), "dim small");
    match fact {
        Fact::For { vm, adapter } => small("built-for", &[("vm", vm.clone()), ("adapter", adapter.to_string())]),
        Fact::AmongVms => small("fact-among-vms", &[]),
        Fact::Bridges(iface) => small("fact-bridges", &[("iface", iface.clone())]),
        Fact::Network(network) => (network.clone(), "mono small"),
        Fact::Gateway(addr) => (texts.ui_with("gateway-line", &[("addr", addr.to_string())]).to_string(), "mono small"),
        Fact::Addr(addr) => (addr.clone(), "mono small"),
        Fact::Pool(first, last) => (format!("DHCP {}", range(*first, *last)), "mono small"),
        Fact::Flows(n) => (texts.ui_count("flows-line", *n).to_string(), "dim small"),
        Fact::Forward(host, guest) => {
            small("fact-forward", &[("host", host.to_string()), ("guest", guest.to_string())])
        }
        Fact::Forwards(n) => (texts.ui_count("fact-forwards", *n).to_string(), "dim small"),
        Fact::Learned(0) => small("office-lan", &[]),
        Fact::Learned(n) => (texts.ui_count("fact-learned", *n).to_string(), "dim small"),
        Fact::Stp(true) => small("fact-stp-root", &[]),
        Fact::Stp(false) => small("fact-stp", &[]),
        Fact::Storm => (texts.ui("fact-storm").to_string(), "bad small"),
    }
}

/// `.15–.254` where both are of one /24, else both addresses.
fn range(first: Ipv4Addr, last: Ipv4Addr) -> String {
    let (a, b) = (first.octets(), last.octets());
    if a[..3] == b[..3] { format!(".{}–.{}", a[3], b[3]) } else { format!("{first}–{last}") }
}

/// What the picture calls a node.
pub(super) fn title(view: &LabView, card: &Card, texts: &TextsHandle) -> String {
    let Some(node) = view.nodes.get(&card.node) else { return String::new() };
    match card.kind {
        CardKind::HostNic(index) => {
            view.ifaces.get(&(card.node, index)).map(|iface| iface.name.clone()).unwrap_or_default()
        }
        CardKind::Built | CardKind::Part => built_title(view, node, texts),
        _ => node.name.clone(),
    }
}

/// What something that the hypervisor built is called.
pub(super) fn built_title(view: &LabView, node: &NodeRow, texts: &TextsHandle) -> String {
    match node.kind {
        NodeKind::NatEngine => texts.ui("nat-engine").to_string(),
        NodeKind::DhcpServer => "DHCP".to_owned(),
        _ => {
            let name = node.name.strip_prefix("switch-").unwrap_or(&node.name).to_owned();
            let key = match mode_of(view, node.id) {
                Mode::Bridged => return texts.ui("built-bridge").to_string(),
                Mode::HostOnly => "built-hostonly",
                Mode::NatNetwork => "built-natnetwork",
                _ => "built-internal",
            };
            texts.ui_with(key, &[("name", name)]).to_string()
        }
    }
}

/// A box with its words, drawn from its own upper left corner.
pub(super) fn card(view: &LabView, card: &Card, texts: &TextsHandle) -> Html {
    let Some(node) = view.nodes.get(&card.node) else { return html! {} };
    match card.kind {
        CardKind::Vm => vm(view, card, node, texts),
        CardKind::Far => far(view, card, node),
        _ => plain(view, card, node, texts),
    }
}

fn frame(card: &Card, class: Classes) -> Html {
    html! { <rect class={class} x="0" y="0" width={f(card.rect.w)} height={f(card.rect.h)} rx="10" /> }
}

fn lines(card: &Card, from: f64, step: f64, lines: Vec<Line>) -> Html {
    let tiny = card.rect.w < 110.0;
    let (x, size) = if tiny { (10.0, 11.5) } else { (13.0, 12.0) };
    let lines = (0..).zip(lines).map(|(at, (words, class))| {
        let words = fit(&words, card.rect.w - x - 5.0, size, class.contains("mono"));
        let class = classes!(class, tiny.then_some("tiny"));
        html! { <text {class} x={f(x)} y={f(from + f64::from(at) * step)}>{ words }</text> }
    });
    html! { { for lines } }
}

/// What is told of a node in full, for its tooltip and its label.
pub(super) fn told(view: &LabView, card: &Card, texts: &TextsHandle) -> String {
    let mut parts = vec![title(view, card, texts)];
    match card.kind {
        CardKind::HostNic(index) => parts.extend(addresses(view, card.node, index)),
        CardKind::Vm => {
            let nics = view.nics.range((card.node, 0)..=(card.node, u8::MAX)).map(|(_, nic)| nic);
            parts.extend(nics.map(|nic| nic_told(view, nic, texts)));
        }
        _ => parts.extend(facts(view, card.node).iter().map(|fact| words(fact, texts).0)),
    }
    let node = view.nodes.get(&card.node);
    if node.is_some_and(|node| node.off) {
        parts.push(texts.ui("vm-off").to_string());
    }
    if node.is_some_and(|node| node.real) {
        parts.push(texts.ui("real-title").to_string());
    }
    parts.join(", ")
}

/// A card of a VM in words: its interface, adapter, mode, network, address, cable.
pub(super) fn nic_told(view: &LabView, nic: &NicRow, texts: &TextsHandle) -> String {
    let mut parts = vec![
        texts
            .ui_with("nic-line", &[("iface", iface_name(view, nic)), ("adapter", nic.adapter.to_string())])
            .to_string(),
        mode_words(nic, texts),
        addresses(view, nic.vm, nic.iface).first().cloned().unwrap_or_else(|| texts.ui("no-address").to_string()),
        nic.mac.to_string(),
    ];
    if !nic.cable {
        parts.push(texts.ui("cable-out").to_string());
    }
    parts.join(" · ")
}

/// A mode, and the network's name where it is not the only one there can be.
pub(super) fn mode_words(nic: &NicRow, texts: &TextsHandle) -> String {
    let mode = texts.ui(&format!("mode-{}", nic.mode.name()));
    if nic.network.is_empty() { mode.to_string() } else { format!("{mode}, {}", nic.network) }
}

pub(super) fn iface_name(view: &LabView, nic: &NicRow) -> String {
    let name = || view.ifaces.get(&(nic.vm, nic.iface)).map(|iface| iface.name.clone());
    nic.tap.clone().or_else(name).unwrap_or_default()
}

/// IPv4 addresses of an interface with their prefixes.
fn addresses(view: &LabView, node: NodeId, iface: u32) -> Vec<String> {
    let own = view.addrs.values().filter(|row| row.node == node && row.iface == iface);
    own.filter_map(|row| match row.addr {
        IpAddr::V4(addr) if !addr.is_loopback() => Some(format!("{addr}/{}", row.prefix)),
        _ => None,
    })
    .collect()
}

fn vm(view: &LabView, card: &Card, node: &NodeRow, texts: &TextsHandle) -> Html {
    let mini = card.detail == Detail::Mini;
    let (y, class) = match card.detail {
        Detail::Full => (22.0, "title"),
        Detail::Compact => (17.0, "name"),
        Detail::Mini => (card.rect.h / 2.0 + 4.5, "name small"),
    };
    let note = match (node.real, node.off) {
        (true, _) => Some((texts.ui("real"), "real")),
        (_, true) => Some((texts.ui("vm-off"), "dim small")),
        _ => None,
    };
    let room = card.rect.w - if note.is_some() { 84.0 } else { 32.0 };
    let name = fit(&node.name, room, if mini { 12.5 } else { 16.0 }, false);
    let rows = card.plugs.iter().filter(|_| !mini).map(|plug| nic_row(view, card, plug, texts));
    let none = (card.plugs.is_empty() && !mini).then(|| {
        html! { <text class="dim small" x="13" y={f(y + 19.0)}>{ &*texts.ui("vm-no-cards") }</text> }
    });
    html! {
        <>
            { frame(card, classes!("box", node.off.then_some("off"))) }
            <text class={class} x="13" y={f(y)}>{ name }</text>
            { for note.map(|(words, class)| html! {
                <text class={class} x={f(card.rect.w - 16.0)} y={f(y)} text-anchor="end">{ &*words }</text>
            }) }
            { for none }
            { for rows }
        </>
    }
}

/// A card's row: interface, mode, address; of the only card also the MAC.
fn nic_row(view: &LabView, card: &Card, plug: &Plug, texts: &TextsHandle) -> Html {
    let Some(nic) = view.nics.get(&(card.node, plug.adapter)) else { return html! {} };
    let top = plug.row.y - card.rect.y;
    let room = card.rect.w - 32.0;
    let iface = iface_name(view, nic);
    let addr = match (&nic.tap, addresses(view, nic.vm, nic.iface).first()) {
        (Some(_), _) => lease_seen(view, nic.vm).map(|lease| lease.addr.to_string()),
        (None, addr) => addr.cloned(),
    };
    let missing = if nic.tap.is_some() { "no-lease" } else { "no-address" };
    let (addr, class) = match addr {
        Some(addr) => (addr, "mono"),
        None => (texts.ui(missing).to_string(), "dim small"),
    };
    if card.detail == Detail::Compact {
        let addr = fit(&addr, room - 54.0, 12.0, class == "mono");
        return html! {
            <>
                <text class="dim small" x="13" y={f(top + 13.5)}>{ fit(&iface, 52.0, 12.0, false) }</text>
                <text class={classes!(class, "small")} x="66" y={f(top + 13.5)}>{ addr }</text>
            </>
        };
    }
    let mode = texts.ui(&format!("mode-{}", nic.mode.name()));
    // The network's name where there is room for it: the tooltip has it in any case.
    let whole = format!("{iface} · {}", mode_words(nic, texts));
    let first = if fit(&whole, room, 12.0, false) == whole { whole } else { format!("{iface} · {mode}") };
    let mac = (card.plugs.len() == 1).then(|| {
        html! { <text class="mono dim small" x="13" y={f(top + 50.0)}>{ nic.mac.to_string() }</text> }
    });
    html! {
        <>
            <text class="dim small" x="13" y={f(top + 13.0)}>{ fit(&first, room, 12.0, false) }</text>
            <text class={class} x="13" y={f(top + 31.0)}>{ fit(&addr, room, 13.0, class == "mono") }</text>
            { for mac }
        </>
    }
}

fn plain(view: &LabView, card: &Card, node: &NodeRow, texts: &TextsHandle) -> Html {
    let full = card.detail == Detail::Full;
    let part = matches!(card.kind, CardKind::Part | CardKind::HostNic(_));
    let told: Vec<Line> = match card.kind {
        CardKind::HostNic(index) => {
            let addr = addresses(view, card.node, index).first().cloned();
            let bare = addr.map(|addr| addr.split('/').next().unwrap_or_default().to_owned());
            vec![(bare.unwrap_or_else(|| "—".to_owned()), "mono small")]
        }
        CardKind::Part => part_fact(view, node.id).into_iter().collect(),
        _ => {
            let room = ((card.rect.h - 34.0) / LINE).floor().max(0.0) as usize;
            facts(view, card.node)
                .iter()
                .take(room.max(usize::from(card.rect.h > 40.0)))
                .map(|fact| words(fact, texts))
                .collect()
        }
    };
    let class = match card.kind {
        CardKind::Built | CardKind::Part => classes!("box", "built"),
        CardKind::HostNic(_) if card.rect.w < 110.0 => classes!("box", "built"),
        _ => classes!("box"),
    };
    let head = if full && !part { "title" } else { "name" };
    let y = if card.rect.h < 34.0 {
        card.rect.h / 2.0 + 4.5
    } else if full && !part {
        24.0
    } else {
        19.0
    };
    let size = if head == "title" { 16.0 } else { 14.0 };
    let head = if card.kind == CardKind::Outside { "name" } else { head };
    html! {
        <>
            { frame(card, class) }
            <text class={head} x={if card.rect.w < 110.0 { "10" } else { "13" }} y={f(y)}>
                { fit(&title(view, card, texts), card.rect.w - 20.0, size, false) }
            </text>
            { lines(card, y + if full && !part { 19.0 } else { 16.5 }, LINE, told) }
        </>
    }
}

/// The one thing that a small part has room for.
fn part_fact(view: &LabView, node: NodeId) -> Option<Line> {
    let all = facts(view, node);
    let told = all.into_iter().find_map(|fact| match fact {
        Fact::Gateway(addr) => Some(addr.to_string()),
        Fact::Pool(first, last) => Some(range(first, last)),
        _ => None,
    });
    told.map(|words| (words, "mono small"))
}

fn far(view: &LabView, card: &Card, node: &NodeRow) -> Html {
    let short = card.rect.h < 36.0;
    let y = if short { card.rect.h / 2.0 + 4.0 } else { 17.0 };
    let addr =
        facts(view, node.id).into_iter().find_map(|fact| if let Fact::Addr(addr) = fact { Some(addr) } else { None });
    let addr = addr.filter(|_| !short).map(|addr| {
        html! { <text class="mono small" x="11" y="33">{ fit(&addr, card.rect.w - 16.0, 12.0, true) }</text> }
    });
    html! {
        <>
            { frame(card, classes!("box", "far")) }
            <text class="name small" x="11" y={f(y)}>{ fit(&node.name, card.rect.w - 18.0, 13.0, false) }</text>
            { for addr }
        </>
    }
}
