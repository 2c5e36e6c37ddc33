//! What is pointed at: an address, a card, a machine or a cable that every panel marks at once, and how words of output
//! are resolved to it. Must not know who draws it.

use core::net::IpAddr;
use core::ops::Range;
use std::collections::{BTreeMap, VecDeque};

use netmodes_core::addr::{Cidr, MacAddr};
use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::view::{LabView, NodeKind};

/// An interface: its machine and its index there.
pub type IfaceKey = (NodeId, u32);

/// What is pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Highlight {
    /// A machine, a switch, something the hypervisor built.
    Node(NodeId),
    /// An interface: a VM's card or one of another machine's.
    Iface {
        /// Its machine.
        node: NodeId,
        /// Its index there.
        iface: u32,
    },
    /// An IP address, and the interface that holds it; none when no interface has it now.
    Addr {
        /// The address.
        addr: IpAddr,
        /// Whose it is.
        at: Option<IfaceKey>,
    },
    /// An Ethernet address, and the interface that has it; none when nobody has it.
    Mac {
        /// The address.
        mac: MacAddr,
        /// Whose it is.
        at: Option<IfaceKey>,
    },
    /// A cable.
    Link(LinkId),
}

impl Highlight {
    /// The interface that is to light up, if it is known.
    pub const fn iface(&self) -> Option<IfaceKey> {
        match self {
            Self::Iface { node, iface } => Some((*node, *iface)),
            Self::Addr { at, .. } | Self::Mac { at, .. } => *at,
            Self::Node(_) | Self::Link(_) => None,
        }
    }

    /// The node that is to light up, if it is known.
    pub const fn node(&self) -> Option<NodeId> {
        match (self, self.iface()) {
            (Self::Node(node), _) => Some(*node),
            (_, Some((node, _))) => Some(node),
            _ => None,
        }
    }

    /// Whether `self`, a word of some output, speaks of what `other` points at: the same thing, an address of that very
    /// interface, anything of that machine, an interface at an end of that cable.
    pub fn is_about(&self, other: &Self, view: &LabView) -> bool {
        if self == other {
            return true;
        }
        match other {
            Self::Node(node) => self.node() == Some(*node),
            Self::Link(link) => view.links.get(link).is_some_and(|link| {
                self.iface().is_some_and(|at| at == (link.a.node, link.a.index) || at == (link.b.node, link.b.index))
            }),
            _ => other.iface().is_some() && self.iface() == other.iface(),
        }
    }
}

/// The interface that has `addr`: of several the one nearest to machine `near`, counted in cables; so two VMs that both
/// have 10.0.2.15 are told apart by whose terminal speaks. A loopback address is the speaker's own.
pub fn holder(view: &LabView, addr: IpAddr, near: Option<NodeId>) -> Option<IfaceKey> {
    let rows = view.addrs.values().filter(|row| row.addr == addr).map(|row| (row.node, row.iface));
    let servers = view
        .dhcp_servers
        .values()
        .filter(|row| IpAddr::V4(row.server) == addr)
        .flat_map(|row| view.ifaces.keys().filter(|(node, _)| *node == row.node).copied());
    // Of a real machine's inside nothing is known but the lease that its card got.
    let leases = view.leases.values().filter(|row| IpAddr::V4(row.addr) == addr).filter_map(|row| {
        let nic = view.nics.values().find(|nic| nic.mac == row.mac)?;
        view.nodes.get(&nic.vm).filter(|node| node.real)?;
        Some((nic.vm, nic.iface))
    });
    nearest(view, rows.chain(servers).chain(leases).collect(), near, addr.is_loopback())
}

/// The interface that has `mac`: of several the one nearest to machine `near`.
pub fn holder_of_mac(view: &LabView, mac: MacAddr, near: Option<NodeId>) -> Option<IfaceKey> {
    let ifaces = view.ifaces.values().filter(|row| row.mac == mac && !row.loopback).map(|row| (row.node, row.index));
    let nics = view.nics.values().filter(|nic| nic.mac == mac).map(|nic| (nic.vm, nic.iface));
    nearest(view, nics.chain(ifaces).collect(), near, false)
}

fn nearest(view: &LabView, mut found: Vec<IfaceKey>, near: Option<NodeId>, own_only: bool) -> Option<IfaceKey> {
    found.sort_unstable();
    found.dedup();
    if own_only {
        return found.into_iter().find(|(node, _)| Some(*node) == near);
    }
    let Some(near) = near.filter(|_| found.len() > 1) else { return found.into_iter().next() };
    let far = distances(view, near);
    found.into_iter().min_by_key(|(node, _)| far.get(node).copied().unwrap_or(u32::MAX))
}

/// How many cables each node is away from `from`. What the hypervisor built hangs on its host as by a cable.
fn distances(view: &LabView, from: NodeId) -> BTreeMap<NodeId, u32> {
    let mut next: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    let mut join = |a: NodeId, b: NodeId| {
        next.entry(a).or_default().push(b);
        next.entry(b).or_default().push(a);
    };
    for link in view.links.values() {
        join(link.a.node, link.b.node);
    }
    for node in view.nodes.values().filter(|node| node.kind == NodeKind::NatEngine) {
        if let Some(host) = node.host {
            join(node.id, host);
        }
    }
    let mut known = BTreeMap::from([(from, 0)]);
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((node, steps)) = queue.pop_front() {
        for other in next.get(&node).into_iter().flatten() {
            if !known.contains_key(other) {
                known.insert(*other, steps + 1);
                queue.push_back((*other, steps + 1));
            }
        }
    }
    known
}

/// What one word means: an address (with or without its prefix or port), a MAC, an interface of machine `near`, or a
/// machine's name.
pub fn resolve(view: &LabView, word: &str, near: Option<NodeId>) -> Option<Highlight> {
    if let Some(found) = resolve_number(view, word, near) {
        return Some(found);
    }
    let iface = view.ifaces.values().find(|row| Some(row.node) == near && row.name == word && !row.loopback);
    if let Some(row) = iface {
        return Some(Highlight::Iface { node: row.node, iface: row.index });
    }
    view.nodes.values().find(|node| node.name == word).map(|node| Highlight::Node(node.id))
}

fn resolve_number(view: &LabView, word: &str, near: Option<NodeId>) -> Option<Highlight> {
    if let Ok(mac) = word.parse::<MacAddr>() {
        let told = mac.is_unicast().then(|| Highlight::Mac { mac, at: holder_of_mac(view, mac, near) });
        return told;
    }
    let bare = word.split('/').next().unwrap_or(word);
    let addr = bare.parse::<IpAddr>().ok()?;
    // 0.0.0.0, broadcasts and groups are nobody's; nor is a network: 10.0.2.0/24.
    let nobody = match addr {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    };
    let network = word
        .parse::<Cidr>()
        .is_ok_and(|cidr| bare.len() < word.len() && cidr.prefix < 31 && cidr.network().addr == cidr.addr);
    (!nobody && !network).then(|| Highlight::Addr { addr, at: holder(view, addr, near) })
}

/// The places in `text` that can be pointed at, in order: byte ranges and what they mean. With `names`, interfaces of
/// machine `near` and machines' names count too; without, addresses and MACs only: in prose `host` is no name.
pub fn mentions(view: &LabView, text: &str, near: Option<NodeId>, names: bool) -> Vec<(Range<usize>, Highlight)> {
    let mut found = Vec::new();
    for range in words(text) {
        let mut word = &text[range.clone()];
        let numeric = looks_numeric(word);
        if !numeric && !names {
            continue;
        }
        // `8.8.8.8:` ends a phrase and `10.0.2.15:68` has a port; `fe80::1` is neither.
        let mut told = resolve_in(view, word, near, names);
        if told.is_none() {
            word = word.trim_end_matches(['.', ':', ',']);
            told = resolve_in(view, word, near, names);
        }
        if told.is_none()
            && let Some((head, port)) = word.rsplit_once(':')
            && port.bytes().all(|b| b.is_ascii_digit())
        {
            word = head;
            told = resolve_in(view, word, near, names);
        }
        if let Some(told) = told {
            found.push((range.start..range.start + word.len(), told));
        }
    }
    found
}

fn resolve_in(view: &LabView, word: &str, near: Option<NodeId>, names: bool) -> Option<Highlight> {
    if names { resolve(view, word, near) } else { resolve_number(view, word, near) }
}

fn looks_numeric(word: &str) -> bool {
    word.len() >= 3
        && word.bytes().any(|b| matches!(b, b'.' | b':'))
        && word.bytes().any(|b| b.is_ascii_hexdigit() || b == b':')
}

/// Runs of characters that names and addresses are made of.
fn words(text: &str) -> Vec<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_');
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (part(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| from..text.len()));
    found
}

#[cfg(test)]
#[path = "highlight_tests.rs"]
mod tests;
