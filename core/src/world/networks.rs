//! Networks that several cards share: internal, host-only, NAT networks, and the bridge on a host's card. Built when the
//! first card comes, taken down when the last one goes (a host-only interface stays until it is removed, and a NAT
//! network that was started by hand until it is stopped).

use core::time::Duration;

use super::World;
use super::node::Body;
use crate::addr::{Cidr, MacAddr};
use crate::error::UserError;
use crate::hypervisor::{
    DEFAULT_HOST_ONLY, DEFAULT_INTERNAL, DEFAULT_NAT_NETWORK, HostOnly, Inventory, NAT_ENGINE_PORT, NatEngine,
    NatNetworkChange, NetworkDhcp, NetworkName,
};
use crate::id::{LinkId, NodeId, Port};
use crate::lab::derived_mac;
use crate::link::LinkConfig;
use crate::machine::Machine;
use crate::machine::iface::Iface;
use crate::programs::{LinkChange, NewAddr, Program, dhcpd::Dhcpd};
use crate::switch::SwitchConfig;
use crate::view::{HostNetworkRow, Key, Mode, NodeKind, Row, Scope};

/// How long a frame takes inside the hypervisor, from one part to the next.
const INNER_DELAY: Duration = Duration::from_micros(5);
/// The process that serves DHCP in an internal or host-only network.
const DHCP_PROCESS: &str = "VBoxNetDHCP";

/// A network that several cards share.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// The switch that cards are plugged into.
    pub switch: NodeId,
    /// A NAT network's engine, while its service runs.
    pub engine: Option<NodeId>,
    /// The hypervisor's DHCP server in it, while it runs.
    pub dhcp: Option<NodeId>,
    /// A bridge's: the host's port, and the cable that was cut to put the bridge in.
    pub(super) bridged: Option<(Port, Port, LinkConfig)>,
}

/// Names a shared network: its host, mode and name.
pub(super) type NetworkKey = (NodeId, Mode, String);

impl World {
    /// The full name of the network that a card asks for. What has a default name is made for it, unless somebody has
    /// removed such a thing before.
    ///
    /// # Errors
    /// `unknown-interface` for a bridge to an interface that the host does not have, `hv-hostonly-unknown`,
    /// `hv-natnetwork-unknown`, `hv-name`.
    pub(super) fn network_for(&mut self, host: NodeId, mode: Mode, name: &str) -> Result<String, UserError> {
        let or = |default: &str| if name.is_empty() { default.to_owned() } else { name.to_owned() };
        match mode {
            Mode::Internal => {
                let name = or(DEFAULT_INTERNAL);
                crate::hypervisor::check_name(&name)?;
                Ok(name)
            }
            Mode::HostOnly => {
                let name = or(DEFAULT_HOST_ONLY);
                let inventory = self.inventory(host)?;
                if name == DEFAULT_HOST_ONLY && inventory.makes_on_demand(mode, &name) {
                    self.create_host_only(host, 0)?;
                }
                self.inventory(host)?.host_only(&name)?;
                Ok(name)
            }
            Mode::NatNetwork => {
                let name = or(DEFAULT_NAT_NETWORK);
                let inventory = self.inventory(host)?;
                if name == DEFAULT_NAT_NETWORK && inventory.makes_on_demand(mode, &name) {
                    let network = inventory.default_nat_network;
                    inventory.add_nat_network(&name, network, &NatNetworkChange::default())?;
                    self.show_network(&(host, mode, name.clone()));
                }
                self.inventory(host)?.nat_network(&name)?;
                Ok(name)
            }
            Mode::Bridged => self.bridgeable(host, name),
            Mode::NotAttached | Mode::Nat | Mode::UdpTunnel => Ok(String::new()),
        }
    }

    /// The host's interface with this name (or its first) that has a cable.
    fn bridgeable(&self, host: NodeId, name: &str) -> Result<String, UserError> {
        let Some(Body::Machine(machine)) = self.node(host).map(|node| &node.body) else { return Ok(String::new()) };
        let found = self.bridgeable_ifaces(host).into_iter().find(|iface| name.is_empty() || iface == name);
        found.ok_or_else(|| UserError::new("unknown-interface").with("machine", machine.name()).with("name", name))
    }

    /// The host's interfaces that a card can be bridged to: those with a cable, and not the hypervisor's own.
    pub(super) fn bridgeable_ifaces(&self, host: NodeId) -> Vec<String> {
        let Some(Body::Machine(machine)) = self.node(host).map(|node| &node.body) else { return Vec::new() };
        let own = self.hypervisors.get(&host);
        let is_own = |iface: &Iface| own.is_some_and(|own| own.host_only.values().any(|own| own.iface == iface.index));
        let cabled = |iface: &&Iface| self.cable_at(Port::new(host, iface.index)).is_some() && !is_own(iface);
        machine.ifaces().iter().filter(cabled).map(|iface| iface.name.clone()).collect()
    }

    /// A host's inventory.
    ///
    /// # Errors
    /// `hv-none`: it runs no hypervisor.
    pub(super) fn inventory(&mut self, host: NodeId) -> Result<&mut Inventory, UserError> {
        let name = self.node(host).map(|node| node.row.name.clone()).unwrap_or_default();
        self.hypervisors.get_mut(&host).ok_or_else(|| UserError::new("hv-none").with("name", name))
    }

    /// The port of a shared network for one more card; the network is built if it is not there. None if it cannot be:
    /// its object has been removed.
    pub(super) fn join_network(&mut self, host: NodeId, mode: Mode, name: &str) -> Option<Port> {
        let key = (host, mode, name.to_owned());
        self.stand_up(&key)?;
        match mode {
            Mode::HostOnly => self.configure_host_only(&key),
            Mode::NatNetwork => self.start_engine(&key),
            _ => {}
        }
        self.start_dhcp(&key);
        self.networks.get(&key).map(|network| self.free_port(network.switch))
    }

    /// Builds a network if it is not there: its switch, and how it joins the host.
    pub(super) fn stand_up(&mut self, key: &NetworkKey) -> Option<()> {
        if self.networks.contains_key(key) {
            return Some(());
        }
        let inventory = self.hypervisors.get(&key.0)?;
        let network = match key.1 {
            Mode::Bridged => self.build_bridge(key.0, &key.2),
            // It stands from its interface's making on.
            Mode::HostOnly => return None,
            Mode::NatNetwork if !inventory.nat_networks.contains_key(&key.2) => return None,
            _ => Network { switch: self.add_switch(key.0, &key.2), engine: None, dhcp: None, bridged: None },
        };
        self.networks.insert(key.clone(), network);
        Some(())
    }

    fn free_port(&self, switch: NodeId) -> Port {
        let ports = self.node(switch).map(|node| node.ports.as_slice()).unwrap_or_default();
        let free = ports.iter().position(Option::is_none).unwrap_or(ports.len());
        Port::new(switch, free as u32)
    }

    /// Cards in a network.
    pub(super) fn cards_in(&self, key: &NetworkKey) -> Vec<super::attach::NicKey> {
        let here = |nic: &&crate::hypervisor::Nic| {
            nic.row.mode == key.1 && nic.row.network == key.2 && self.host_of(nic.row.vm) == Some(key.0)
        };
        self.nics.values().filter(here).map(|nic| nic.row.key()).collect()
    }

    /// Takes a network down that no card needs any more.
    pub(super) fn leave_network(&mut self, key: &NetworkKey) {
        let plugged = |card: &super::attach::NicKey| self.nics.get(card).is_some_and(|nic| nic.link.is_some());
        let started = match (key.1, self.hypervisors.get(&key.0)) {
            (Mode::HostOnly, _) => true,
            (Mode::NatNetwork, Some(inventory)) => inventory.nat_networks.get(&key.2).is_some_and(|net| net.started),
            _ => false,
        };
        if !started && !self.cards_in(key).iter().any(plugged) {
            self.raze(key);
        }
    }

    /// Takes a network down; cards that are in it lose their cables.
    pub(super) fn raze(&mut self, key: &NetworkKey) {
        let Some(network) = self.networks.remove(key) else { return };
        for card in self.cards_in(key) {
            if let Some(link) = self.nics.get_mut(&card).and_then(|nic| nic.link.take()) {
                self.remove_link(link);
            }
        }
        for node in [network.engine, network.dhcp].into_iter().flatten() {
            self.take_down(node);
        }
        self.remove_node(network.switch);
        if let Some((host_port, far, config)) = network.bridged {
            self.add_link(host_port, far, &config);
        }
        self.show_network(key);
    }

    pub(super) fn host_of(&self, vm: NodeId) -> Option<NodeId> {
        self.node(vm)?.row.host
    }

    /// Shows a network of the hypervisor as it is now.
    pub(super) fn show_network(&mut self, key: &NetworkKey) {
        match self.network_row(key) {
            Some(row) => self.put(Row::HostNetwork(row)),
            None if matches!(key.1, Mode::NatNetwork | Mode::HostOnly) => {
                self.del(Key::HostNetwork(key.clone()));
            }
            None => {}
        }
    }

    fn network_row(&self, key: &NetworkKey) -> Option<HostNetworkRow> {
        let inventory = self.hypervisors.get(&key.0)?;
        let server = |name: NetworkName| inventory.dhcp_servers.get(&name);
        let (host, mode, name) = key.clone();
        let stands = self.networks.get(key);
        let row = match key.1 {
            Mode::NatNetwork => {
                let net = inventory.nat_networks.get(&key.2)?;
                HostNetworkRow {
                    host,
                    mode,
                    name,
                    address: net.network,
                    enabled: net.enabled,
                    dhcp: net.dhcp,
                    running: stands.is_some_and(|network| network.engine.is_some()),
                    forwards: net.forwards.clone(),
                    server: None,
                }
            }
            Mode::HostOnly => {
                let server = server(NetworkName::HostOnly(name.clone()));
                HostNetworkRow {
                    address: inventory.host_only.get(&key.2)?.address,
                    host,
                    mode,
                    name,
                    enabled: true,
                    dhcp: server.is_some_and(|server| server.enabled),
                    running: stands.is_some(),
                    forwards: Vec::new(),
                    server: server.map(NetworkDhcp::row),
                }
            }
            Mode::Internal => {
                let server = server(NetworkName::Internal(name.clone()))?;
                HostNetworkRow {
                    host,
                    mode,
                    name,
                    address: server.address,
                    enabled: true,
                    dhcp: server.enabled,
                    running: server.enabled && !server.stopped,
                    forwards: Vec::new(),
                    server: Some(server.row()),
                }
            }
            _ => return None,
        };
        Some(row)
    }

    /// The rows of all NAT networks, host-only interfaces, and internal networks with a DHCP server.
    pub(super) fn network_rows(&self) -> Vec<HostNetworkRow> {
        let of_host = |(host, inventory): (&NodeId, &Inventory)| {
            let nets = inventory.nat_networks.keys().map(|name| (*host, Mode::NatNetwork, name.clone()));
            let ifaces = inventory.host_only.keys().map(|name| (*host, Mode::HostOnly, name.clone()));
            let internal = inventory.dhcp_servers.keys().filter(|name| name.mode() == Mode::Internal);
            let internal = internal.map(|name| (*host, Mode::Internal, name.name().to_owned()));
            nets.chain(ifaces).chain(internal).collect::<Vec<NetworkKey>>()
        };
        self.hypervisors.iter().flat_map(of_host).filter_map(|key| self.network_row(&key)).collect()
    }

    fn add_switch(&mut self, host: NodeId, name: &str) -> NodeId {
        let name = self.free_name(name);
        self.add_switch_node(&name, Some(host), "", SwitchConfig::default())
    }

    /// `name`, or with a number behind it where another node has that name.
    pub(super) fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.node_named(name).is_some();
        let numbered = (2..).map(|n: u32| format!("{name}-{n}"));
        core::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    /// A bridge is put into the cable of the host's card: the host keeps its address, and what comes for a VM goes to
    /// the VM.
    fn build_bridge(&mut self, host: NodeId, iface: &str) -> Network {
        let switch = self.add_switch(host, &format!("br-{iface}"));
        let index = self.iface_index(host, iface);
        let host_port = Port::new(host, index.unwrap_or_default());
        let Some((link, end)) = self.cable_at(host_port) else {
            return Network { switch, engine: None, dhcp: None, bridged: None };
        };
        let Some((far, config)) = self.cable_to(link, end) else {
            return Network { switch, engine: None, dhcp: None, bridged: None };
        };
        self.remove_link(link);
        self.add_link(host_port, Port::new(switch, 0), &inner());
        self.add_link(Port::new(switch, 1), far, &config);
        Network { switch, engine: None, dhcp: None, bridged: Some((host_port, far, config)) }
    }

    fn iface_index(&self, node: NodeId, name: &str) -> Option<u32> {
        match &self.node(node)?.body {
            Body::Machine(machine) => machine.ifaces().by_name(name).map(|iface| iface.index),
            _ => None,
        }
    }

    /// The other end of a cable, and how the cable is.
    fn cable_to(&self, link: LinkId, end: u8) -> Option<(Port, LinkConfig)> {
        let cable = self.links.get(link.0 as usize)?.as_ref()?;
        Some((cable.ends[usize::from(1 - end)], *cable.link.config()))
    }

    /// Makes a host-only interface: on the host, down and without an address, in a switch of its own.
    ///
    /// # Errors
    /// `hv-none`.
    pub(super) fn create_host_only(&mut self, host: NodeId, number: u8) -> Result<String, UserError> {
        let name = HostOnly::name_of(number);
        let switch = self.add_switch(host, &format!("switch-{name}"));
        let mut index = 0;
        self.with_machine(host, |machine, ctx| {
            index = machine.ifaces().next_index();
            machine.add_iface(ctx, Iface::new(index, &name, HostOnly::mac(number)));
        });
        self.add_link(Port::new(host, index), Port::new(switch, 0), &inner());
        let address = HostOnly::default_address(number);
        let made = HostOnly { number, address, configured: false, iface: index };
        self.inventory(host)?.host_only.insert(name.clone(), made);
        let key = (host, Mode::HostOnly, name.clone());
        self.networks.insert(key.clone(), Network { switch, engine: None, dhcp: None, bridged: None });
        self.show_network(&key);
        Ok(name)
    }

    /// Gives a host-only interface its address, once.
    pub(super) fn configure_host_only(&mut self, key: &NetworkKey) {
        let Ok(iface) = self.inventory(key.0).and_then(|inventory| inventory.host_only(&key.2)) else { return };
        if !core::mem::replace(&mut iface.configured, true) {
            let (index, address) = (iface.iface, iface.address);
            self.with_machine(key.0, |machine, ctx| configure(machine, ctx, index, address));
        }
    }

    /// Starts the DHCP server that is defined for a network, unless it runs.
    pub(super) fn start_dhcp(&mut self, key: &NetworkKey) {
        let name = match key.1 {
            Mode::Internal => NetworkName::Internal(key.2.clone()),
            Mode::HostOnly => NetworkName::HostOnly(key.2.clone()),
            _ => return,
        };
        let Some(server) = self.hypervisors.get(&key.0).and_then(|inventory| inventory.dhcp_servers.get(&name)) else {
            return;
        };
        let (config, address, runs) = (server.config(), server.address, server.enabled && !server.stopped);
        let Some(network) = self.networks.get(key).filter(|network| runs && network.dhcp.is_none()) else { return };
        let port = self.free_port(network.switch);
        let seed = self.seed;
        let node_name = self.free_name(&format!("dhcp-{}", key.2));
        let node = self.add_node(&node_name, NodeKind::DhcpServer, Some(key.0), "", |id| {
            Body::Machine(Box::new(Machine::new(id, &node_name, seed)))
        });
        self.show_node(node);
        // VBoxNetDHCP's MAC is under VirtualBox's prefix too, the rest of it by chance.
        let mac = derived_mac([8, 0, 0x27], DHCP_PROCESS, &key.2);
        // Of that process there is nothing on the wire but DHCP, ARP and ICMP.
        self.with_machine(node, |machine, ctx| {
            let _ = machine.configure_sysctl(ctx, "net.ipv6.conf.all.disable_ipv6", "1");
        });
        let index = self.add_iface(node, "eth0", mac, address);
        self.add_link(Port::new(node, index), port, &inner());
        self.with_machine(node, |machine, ctx| {
            let program = Program::Dhcpd(Box::new(Dhcpd::new(vec![(index, config)])));
            machine.start_service(ctx, "dhcpd", vec![DHCP_PROCESS.to_owned()], program);
        });
        if let Some(network) = self.networks.get_mut(key) {
            network.dhcp = Some(node);
        }
    }

    /// Stops a network's DHCP server; its leases go with it.
    pub(super) fn stop_dhcp(&mut self, key: &NetworkKey) {
        if let Some(node) = self.networks.get_mut(key).and_then(|network| network.dhcp.take()) {
            self.take_down(node);
        }
    }

    fn add_iface(&mut self, node: NodeId, name: &str, mac: MacAddr, cidr: Cidr) -> u32 {
        let mut index = 0;
        self.with_machine(node, |machine, ctx| {
            index = machine.ifaces().next_index();
            machine.add_iface(ctx, Iface::new(index, name, mac));
            configure(machine, ctx, index, cidr);
        });
        index
    }

    /// Starts a NAT network's engine, unless it runs or the network is not enabled.
    pub(super) fn start_engine(&mut self, key: &NetworkKey) {
        let Some(network) = self.networks.get(key).filter(|network| network.engine.is_none()) else { return };
        let switch = network.switch;
        let Some(net) = self.hypervisors.get(&key.0).and_then(|inventory| inventory.nat_networks.get(&key.2)) else {
            return;
        };
        if !net.enabled {
            return;
        }
        let (numbers, rules) = (net.numbers(self.profile), net.forwards.clone());
        let (host, seed) = (key.0, self.seed);
        let port = self.free_port(switch);
        let engine_name = self.free_name(&format!("nat-{}", key.2));
        let engine = self.add_node(&engine_name, NodeKind::NatEngine, Some(host), "", |id| {
            Body::Engine(Box::new(NatEngine::new(id, host, numbers.clone(), seed)))
        });
        self.show_node(engine);
        self.with_machine(host, |host, _| host.enable_nat(seed, crate::nat::NatConfig::rfc()));
        self.start_network_process(host, engine, &key.2);
        self.engine_built(engine, engine, &numbers);
        self.add_link(Port::new(engine, NAT_ENGINE_PORT), port, &inner());
        if let Some(network) = self.networks.get_mut(key) {
            network.engine = Some(engine);
        }
        for rule in &rules {
            // One that cannot be opened is left out, as VirtualBox leaves it out and logs it.
            let _ = self.open_forward(engine, rule);
        }
        self.show_network(key);
    }

    /// Stops a NAT network's engine: cards keep their cables, and nobody is at the other end.
    pub(super) fn stop_engine(&mut self, key: &NetworkKey) {
        if let Some(node) = self.networks.get_mut(key).and_then(|network| network.engine.take()) {
            self.take_down(node);
            self.show_network(key);
        }
    }
}

/// Brings an interface up with an address.
fn configure(machine: &mut Machine, ctx: &mut crate::machine::ctx::Ctx<'_>, index: u32, cidr: Cidr) {
    let _ = machine.configure_link(ctx, index, LinkChange { up: Some(true), ..LinkChange::default() });
    let addr = NewAddr {
        iface: index,
        cidr,
        broadcast: Some(cidr.broadcast()),
        scope: Scope::Global,
        valid_until: None,
        label: None,
    };
    let _ = machine.configure_addr(ctx, &addr);
}

fn inner() -> LinkConfig {
    LinkConfig { delay: INNER_DELAY, ..LinkConfig::default() }
}
