//! What a card says about what it stands for, as plain data: the words come from the page.

use core::net::{IpAddr, Ipv4Addr};

use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::view::{LabView, Mode, NodeKind};

/// One line of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A NAT engine: whose card it was built for.
    For {
        /// The VM.
        vm: String,
        /// Its adapter.
        adapter: u8,
    },
    /// What an internal network is for.
    AmongVms,
    /// The interface of the host that a bridge shares.
    Bridges(String),
    /// The name of the network.
    Network(String),
    /// Address of the gateway.
    Gateway(Ipv4Addr),
    /// Own address.
    Addr(String),
    /// What a DHCP server hands out.
    Pool(Ipv4Addr, Ipv4Addr),
    /// Flow entries.
    Flows(u64),
    /// Port forwardings: the host's and the guest's port.
    Forward(u16, u16),
    /// More port forwardings than are told.
    Forwards(u64),
    /// A switch: addresses learned.
    Learned(u64),
    /// A switch that runs spanning tree, and whether it is the root.
    Stp(bool),
    /// Storm on it.
    Storm,
}

/// The nodes at the other ends of a node's cables, with the cables.
pub(super) fn neighbours(view: &LabView, node: NodeId) -> impl Iterator<Item = (LinkId, NodeId)> {
    view.links.values().filter_map(move |link| {
        let other = if link.a.node == node { link.b.node } else { link.a.node };
        (link.a.node == node || link.b.node == node).then_some((link.id, other))
    })
}

/// The mode behind whose socket something that the hypervisor built stands.
pub fn mode_of(view: &LabView, node: NodeId) -> Mode {
    let is_port_of = |nic: &netmodes_core::view::NicRow| {
        view.links.values().any(|link| {
            let ends = [(link.a, link.b), (link.b, link.a)];
            ends.iter().any(|(a, b)| a.node == node && b.node == nic.vm && b.index == nic.iface)
        })
    };
    if let Some(nic) = view.nics.values().find(|nic| is_port_of(nic)) {
        return nic.mode;
    }
    let kind = |id: NodeId| view.nodes.get(&id).map(|row| row.kind);
    let near: Vec<_> = neighbours(view, node).map(|(_, other)| other).collect();
    if kind(node) == Some(NodeKind::NatEngine) {
        return if near.is_empty() { Mode::Nat } else { Mode::NatNetwork };
    }
    if near.iter().any(|id| kind(*id) == Some(NodeKind::NatEngine)) {
        return Mode::NatNetwork;
    }
    let outside = |id: &NodeId| view.nodes.get(id).is_some_and(|row| row.host.is_none() && row.kind != NodeKind::Host);
    if near.iter().any(outside) {
        return Mode::Bridged;
    }
    if near.iter().any(|id| kind(*id) == Some(NodeKind::Host)) {
        return Mode::HostOnly;
    }
    Mode::Internal
}

/// Addresses of a node that are not everybody's, IPv4 ones first.
pub(super) fn addresses(view: &LabView, node: NodeId, iface: Option<u32>) -> Vec<String> {
    let own = view.addrs.values().filter(|row| row.node == node && iface.is_none_or(|index| index == row.iface));
    let v4 = own.filter_map(|row| match row.addr {
        IpAddr::V4(addr) if !addr.is_loopback() => Some(addr.to_string()),
        _ => None,
    });
    v4.collect()
}

/// What is told of a node, the most important first.
pub fn facts(view: &LabView, node: NodeId) -> Vec<Fact> {
    let Some(row) = view.nodes.get(&node) else { return Vec::new() };
    match row.kind {
        NodeKind::NatEngine => engine(view, node),
        NodeKind::Switch if row.host.is_some() => inner_switch(view, node),
        NodeKind::Switch => switch(view, node),
        NodeKind::DhcpServer => {
            let mut told: Vec<_> = addresses(view, node, None).into_iter().take(1).map(Fact::Addr).collect();
            told.extend(pool(view, node));
            told
        }
        _ => {
            let mut told: Vec<_> = addresses(view, node, None).into_iter().take(2).map(Fact::Addr).collect();
            told.extend(pool(view, node));
            told
        }
    }
}

fn pool(view: &LabView, node: NodeId) -> Option<Fact> {
    let server = view.dhcp_servers.values().find(|row| row.node == node)?;
    Some(Fact::Pool(server.first, server.last))
}

fn engine(view: &LabView, node: NodeId) -> Vec<Fact> {
    let mut told = Vec::new();
    let nic = neighbours(view, node).find_map(|(_, other)| view.nics.values().find(|nic| nic.vm == other));
    let port = |nic: &&netmodes_core::view::NicRow| {
        view.links.values().any(|link| {
            [(link.a, link.b), (link.b, link.a)]
                .iter()
                .any(|(a, b)| a.node == node && b.node == nic.vm && b.index == nic.iface)
        })
    };
    let nic = view.nics.values().find(port).or(nic);
    if let Some(nic) = nic {
        let vm = view.nodes.get(&nic.vm).map(|row| row.name.clone()).unwrap_or_default();
        told.push(Fact::For { vm, adapter: nic.adapter });
    }
    let server = view.dhcp_servers.values().find(|row| row.node == node);
    if let Some(server) = server {
        told.push(Fact::Gateway(server.router.unwrap_or(server.server)));
    }
    told.extend(pool(view, node));
    told.push(Fact::Flows(view.flows.values().filter(|flow| flow.engine == Some(node)).count() as u64));
    let mut forwards = view.forwards.values().filter(|row| row.engine == node);
    match (forwards.next(), forwards.count() as u64) {
        (Some(one), 0) => told.push(Fact::Forward(one.host.port, one.guest.port)),
        (Some(_), more) => told.push(Fact::Forwards(more + 1)),
        (None, _) => {}
    }
    told
}

fn inner_switch(view: &LabView, node: NodeId) -> Vec<Fact> {
    let name = view.nodes.get(&node).map(|row| row.name.clone()).unwrap_or_default();
    let of_mode = |mode| view.host_networks.values().find(move |row| row.mode == mode && name_is(&row.name, &name));
    match mode_of(view, node) {
        Mode::HostOnly => of_mode(Mode::HostOnly)
            .map(|row| vec![Fact::Network(row.address.network().to_string())])
            .unwrap_or_default(),
        Mode::NatNetwork => of_mode(Mode::NatNetwork)
            .map(|row| vec![Fact::Network(row.address.network().to_string())])
            .unwrap_or_default(),
        Mode::Bridged => bridged_iface(view, node).map(|name| vec![Fact::Bridges(name)]).unwrap_or_default(),
        _ => vec![Fact::AmongVms],
    }
}

fn name_is(network: &str, node: &str) -> bool {
    node == network || node.strip_prefix("switch-") == Some(network)
}

/// The host's interface that a bridge shares.
fn bridged_iface(view: &LabView, node: NodeId) -> Option<String> {
    let host = view.nodes.get(&node)?.host?;
    view.links.values().find_map(|link| {
        let end = [(link.a, link.b), (link.b, link.a)].into_iter().find(|(a, b)| a.node == node && b.node == host);
        end.and_then(|(_, b)| view.ifaces.get(&(host, b.index))).map(|iface| iface.name.clone())
    })
}

fn switch(view: &LabView, node: NodeId) -> Vec<Fact> {
    let mut told = Vec::new();
    let bridge = view.bridges.get(&node);
    if bridge.is_some_and(|bridge| bridge.storm) {
        told.push(Fact::Storm);
    }
    if let Some(bridge) = bridge.filter(|bridge| bridge.stp) {
        told.push(Fact::Stp(bridge.root_id == bridge.bridge_id));
    }
    told.push(Fact::Learned(view.fdb.values().filter(|row| row.switch == node).count() as u64));
    told
}
