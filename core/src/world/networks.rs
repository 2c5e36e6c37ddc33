//! Networks that several cards share: internal, host-only, NAT networks, and the bridge on a host's card. Built when the
//! first card comes, taken down when the last one goes (host-only stays, as VirtualBox's interfaces do).

use core::net::Ipv4Addr;
use core::time::Duration;

use super::World;
use super::node::Body;
use crate::addr::{Cidr, MacAddr};
use crate::dhcp::ServerConfig;
use crate::error::UserError;
use crate::hypervisor::{NAT_ENGINE_PORT, NatEngine, NatNetwork};
use crate::id::{LinkId, NodeId, Port};
use crate::link::LinkConfig;
use crate::machine::iface::Iface;
use crate::programs::{LinkChange, NewAddr, Program, dhcpd::Dhcpd};
use crate::switch::{Switch, SwitchConfig};
use crate::view::{Mode, NodeKind, Scope};

/// How long a frame takes inside the hypervisor, from one part to the next.
const INNER_DELAY: Duration = Duration::from_micros(5);
/// VirtualBox's default names (manual, chapter "Virtual Networking").
const DEFAULT_INTERNAL: &str = "intnet";
const DEFAULT_HOST_ONLY: &str = "vboxnet0";
const DEFAULT_NAT_NETWORK: &str = "NatNetwork";
/// The first host-only interface's MAC, and its network's numbers (include/iprt: VBOXNET_IPV4ADDR_DEFAULT; Main/Settings.cpp).
const HOST_ONLY_MAC: MacAddr = MacAddr([0x0a, 0, 0x27, 0, 0, 0]);
const HOST_ONLY_NET: [u8; 3] = [192, 168, 56];
/// Lease of VirtualBox's DHCP server when nothing is set, in seconds.
const HOST_ONLY_LEASE_SECS: u32 = 600;

/// A network that several cards share.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// The switch that cards are plugged into.
    pub switch: NodeId,
    /// What else was built for it, to be taken down with it.
    pub built: Vec<NodeId>,
    /// A bridge's: the host's port, and the cable that was cut to put the bridge in.
    bridged: Option<(Port, Port, LinkConfig)>,
}

/// Names a shared network: its host, mode and name.
pub(super) type NetworkKey = (NodeId, Mode, String);

impl World {
    /// The full name of the network that a card asks for.
    ///
    /// # Errors
    /// `unknown-interface` for a bridge to an interface that the host does not have.
    pub(super) fn network_name(&self, host: NodeId, mode: Mode, name: &str) -> Result<String, UserError> {
        let or = |default: &str| if name.is_empty() { default.to_owned() } else { name.to_owned() };
        Ok(match mode {
            Mode::Internal => or(DEFAULT_INTERNAL),
            Mode::HostOnly => or(DEFAULT_HOST_ONLY),
            Mode::NatNetwork => or(DEFAULT_NAT_NETWORK),
            Mode::Bridged => {
                let Some(Body::Machine(machine)) = self.node(host).map(|node| &node.body) else {
                    return Ok(String::new());
                };
                let cabled = |iface: &&Iface| self.cable_at(Port::new(host, iface.index)).is_some();
                let found = machine.ifaces().iter().filter(cabled).find(|iface| name.is_empty() || iface.name == name);
                let found = found.ok_or_else(|| {
                    UserError::new("unknown-interface").with("machine", machine.name()).with("name", name)
                })?;
                found.name.clone()
            }
            Mode::NotAttached | Mode::Nat | Mode::UdpTunnel => String::new(),
        })
    }

    /// The port of a shared network for one more card; the network is built if it is not there.
    pub(super) fn join_network(&mut self, host: NodeId, mode: Mode, name: &str) -> Port {
        let key = (host, mode, name.to_owned());
        let switch = match self.networks.get(&key) {
            Some(network) => network.switch,
            None => {
                let network = match mode {
                    Mode::Bridged => self.build_bridge(host, name),
                    Mode::HostOnly => self.build_host_only(host, name),
                    Mode::NatNetwork => self.build_nat_network(host, name),
                    _ => self.build_switch(host, name),
                };
                let switch = network.switch;
                self.networks.insert(key, network);
                switch
            }
        };
        self.free_port(switch)
    }

    fn free_port(&self, switch: NodeId) -> Port {
        let ports = self.node(switch).map(|node| node.ports.as_slice()).unwrap_or_default();
        let free = ports.iter().position(Option::is_none).unwrap_or(ports.len());
        Port::new(switch, free as u32)
    }

    /// Takes a network down that no card needs any more.
    pub(super) fn leave_network(&mut self, key: &NetworkKey) {
        let used = self.nics.values().any(|nic| {
            nic.row.mode == key.1
                && nic.row.network == key.2
                && self.host_of(nic.row.vm) == Some(key.0)
                && nic.link.is_some()
        });
        if used || key.1 == Mode::HostOnly {
            return;
        }
        let Some(network) = self.networks.remove(key) else { return };
        for node in network.built {
            self.take_down(node);
        }
        self.remove_node(network.switch);
        if let Some((host_port, far, config)) = network.bridged {
            self.add_link(host_port, far, &config);
        }
    }

    pub(super) fn host_of(&self, vm: NodeId) -> Option<NodeId> {
        self.node(vm)?.row.host
    }

    fn add_switch(&mut self, host: NodeId, name: &str) -> NodeId {
        let config = SwitchConfig::default();
        let name = self.free_name(name);
        self.add_node(&name, NodeKind::Switch, Some(host), "", |_| Body::Switch(Box::new(Switch::new(config))))
    }

    /// `name`, or with a number behind it where another node has that name.
    fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.node_named(name).is_some();
        let numbered = (2..).map(|n: u32| format!("{name}-{n}"));
        core::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    fn build_switch(&mut self, host: NodeId, name: &str) -> Network {
        Network { switch: self.add_switch(host, name), built: Vec::new(), bridged: None }
    }

    /// A bridge is put into the cable of the host's card: the host keeps its address, and what comes for a VM goes to
    /// the VM.
    fn build_bridge(&mut self, host: NodeId, iface: &str) -> Network {
        let switch = self.add_switch(host, &format!("br-{iface}"));
        let index = self.iface_index(host, iface);
        let host_port = Port::new(host, index.unwrap_or_default());
        let Some((link, end)) = self.cable_at(host_port) else {
            return Network { switch, built: Vec::new(), bridged: None };
        };
        let Some((far, config)) = self.cable_to(link, end) else {
            return Network { switch, built: Vec::new(), bridged: None };
        };
        self.remove_link(link);
        self.add_link(host_port, Port::new(switch, 0), &inner());
        self.add_link(Port::new(switch, 1), far, &config);
        Network { switch, built: Vec::new(), bridged: Some((host_port, far, config)) }
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
        let config = LinkConfig {
            delay: Duration::from_nanos(cable.row.delay_ns),
            rate_bps: cable.row.rate_bps,
            loss_ppm: cable.row.loss_ppm,
            ..LinkConfig::default()
        };
        Some((cable.ends[usize::from(1 - end)], config))
    }

    /// An interface of the host's own, and a DHCP server that sends a mask and nothing else.
    fn build_host_only(&mut self, host: NodeId, name: &str) -> Network {
        let [a, b, c] = HOST_ONLY_NET;
        let addr = |last| Cidr::new(Ipv4Addr::new(a, b, c, last), 24);
        let switch = self.add_switch(host, &format!("switch-{name}"));
        let index = self.add_host_iface(host, name, HOST_ONLY_MAC, addr(1));
        self.add_link(Port::new(host, index), Port::new(switch, 0), &inner());
        let seed = self.seed;
        let server_name = self.free_name(&format!("dhcp-{name}"));
        let server = self.add_node(&server_name, NodeKind::Computer, Some(host), "", |id| {
            Body::Machine(Box::new(crate::machine::Machine::new(id, &server_name, seed)))
        });
        self.show_node(server);
        let index = self.add_host_iface(server, "eth0", MacAddr([8, 0, 0x27, 0, 0x56, 100]), addr(100));
        self.add_link(Port::new(server, index), Port::new(switch, 1), &inner());
        let config = ServerConfig {
            lease_secs: HOST_ONLY_LEASE_SECS,
            ..ServerConfig::new(addr(100).addr, addr(0), addr(101).addr, addr(254).addr)
        };
        self.with_machine(server, |machine, ctx| {
            let program = Program::Dhcpd(Box::new(Dhcpd::new(vec![(index, config)])));
            machine.start_service(ctx, "dhcpd", vec!["VBoxNetDHCP".to_owned()], program);
        });
        Network { switch, built: vec![server], bridged: None }
    }

    fn add_host_iface(&mut self, node: NodeId, name: &str, mac: MacAddr, cidr: Cidr) -> u32 {
        let mut index = 0;
        self.with_machine(node, |machine, ctx| {
            index = machine.ifaces().next_index();
            machine.add_iface(ctx, Iface::new(index, name, mac));
            let up = LinkChange { up: Some(true), ..LinkChange::default() };
            let _ = machine.configure_link(ctx, index, up);
            let addr = NewAddr {
                iface: index,
                cidr,
                broadcast: Some(cidr.broadcast()),
                scope: Scope::Global,
                valid_until: None,
                label: None,
            };
            let _ = machine.configure_addr(ctx, &addr);
        });
        index
    }

    /// One NAT for several cards, with a switch before it.
    fn build_nat_network(&mut self, host: NodeId, name: &str) -> Network {
        let switch = self.add_switch(host, name);
        let seed = self.seed;
        let engine_name = self.free_name(&format!("nat-{name}"));
        let engine = self.add_node(&engine_name, NodeKind::NatEngine, Some(host), "", |id| {
            Body::Engine(Box::new(NatEngine::new(id, host, NatNetwork::shared(), seed)))
        });
        self.show_node(engine);
        self.with_machine(host, |host, _| host.enable_nat(seed, crate::nat::NatConfig::rfc()));
        self.add_link(Port::new(engine, NAT_ENGINE_PORT), Port::new(switch, 0), &inner());
        Network { switch, built: vec![engine], bridged: None }
    }
}

fn inner() -> LinkConfig {
    LinkConfig { delay: INNER_DELAY, ..LinkConfig::default() }
}
