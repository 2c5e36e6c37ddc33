//! The picture in words, for whoever does not see it: plain data, no Yew. The words themselves come from the page.

use core::net::IpAddr;

use netmodes_core::id::{NodeId, Port};
use netmodes_core::view::{LabView, Mode, NodeKind};

/// One machine or switch, and what its cables lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Whose line this is.
    pub node: NodeId,
    /// Its addresses with their prefixes, without loopback and link-local ones.
    pub addrs: Vec<String>,
    /// The nodes at the other ends of its plugged cables, by name and kind.
    pub joined: Vec<(String, NodeKind)>,
}

/// One line for every node, in the order of their identities.
pub fn speak(view: &LabView) -> Vec<Spoken> {
    view.nodes
        .keys()
        .map(|id| {
            let own = view.addrs.values().filter(|row| row.node == *id && told(row.addr));
            let mut joined: Vec<_> = view
                .links
                .values()
                .filter(|link| link.up)
                .filter_map(|link| other_end(link.a, link.b, *id))
                .filter_map(|other| view.nodes.get(&other))
                .map(|node| (node.name.clone(), node.kind))
                .collect();
            joined.dedup();
            Spoken { node: *id, addrs: own.map(|row| format!("{}/{}", row.addr, row.prefix)).collect(), joined }
        })
        .collect()
}

/// Addresses that everybody has, a loopback's and a link-local one, say nothing about who is who.
fn told(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => !addr.is_loopback(),
        IpAddr::V6(addr) => !addr.is_loopback() && !addr.is_unicast_link_local(),
    }
}

fn other_end(a: Port, b: Port, node: NodeId) -> Option<NodeId> {
    if a.node == node { Some(b.node) } else { (b.node == node).then_some(a.node) }
}

/// A VM's card, as a change of the topology changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokenCard {
    /// The VM's name.
    pub vm: String,
    /// Its adapter.
    pub adapter: u8,
    /// Its mode.
    pub mode: Mode,
    /// The network's name, for modes that have one.
    pub network: String,
    /// Its cable is plugged in.
    pub cable: bool,
}

/// What a change of the topology changes, and nothing else does: every VM's cards with their modes.
pub fn modes(view: &LabView) -> Vec<SpokenCard> {
    let card = |nic: &netmodes_core::view::NicRow| {
        let vm = view.nodes.get(&nic.vm)?.name.clone();
        let (adapter, mode, network, cable) = (nic.adapter, nic.mode, nic.network.clone(), nic.cable);
        Some(SpokenCard { vm, adapter, mode, network, cable })
    };
    view.nics.values().filter_map(card).collect()
}
