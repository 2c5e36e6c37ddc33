//! From a lab file to a running world.

use core::time::Duration;

use super::World;
use super::command::CableState;
use super::node::Body;
use crate::addr::Cidr;
use crate::error::UserError;
use crate::hypervisor::{HostOnly, HypervisorCommand, Inventory, NatNetworkChange};
use crate::id::{NodeId, Port};
use crate::lab::{
    CableEnd, CableSpec, HypervisorSpec, Lab, MachineKind, MachineSpec, RouteFileSpec, SecuritySpec, SwitchSpec,
};
use crate::limits;
use crate::link::LinkConfig;
use crate::machine::Machine;
use crate::machine::iface::Iface;
use crate::programs::{LinkChange, NewAddr, RouteSpec};
use crate::switch::{PORT_PRIORITY, PortConfig, SecurityConfig, StpConfig, SwitchConfig, Violation};
use crate::view::{NodeKind, Scope};

impl World {
    /// A world that runs `lab`. The facts of its building come out first.
    ///
    /// # Errors
    /// The first thing that is wrong with the lab.
    pub fn new(lab: &Lab, seed: u64) -> Result<Self, UserError> {
        lab.validate().map_err(|errors| errors.into_iter().next().unwrap_or_else(|| UserError::new("lab-invalid")))?;
        let mut world = Self::empty(seed);
        world.profile = lab.profile;
        for spec in &lab.machines {
            world.build_machine(spec);
        }
        for spec in &lab.switches {
            world.add_switch_node(&spec.name, None, &spec.site, switch_config(spec, lab.switches.len()));
        }
        for cable in &lab.cables {
            world.build_cable(lab, cable)?;
        }
        for spec in &lab.machines {
            let Some(id) = world.node_named(&spec.name) else { continue };
            world.configure(
                id,
                &spec.routes,
                &spec.masquerade,
                spec.interfaces.iter().map(|i| (i.name.as_str(), i.up, i.address.as_slice())),
            );
            world.start_services(id, &spec.services);
        }
        world.build_hypervisors(lab)?;
        for spec in &lab.vms {
            world.build_vm(spec)?;
        }
        world.settle();
        world.nodes.iter_mut().flatten().for_each(|node| {
            if let Body::Machine(machine) = &mut node.body {
                machine.booted();
            }
        });
        Ok(world)
    }

    /// Installs a hypervisor on every host, with what the lab defines of its objects.
    fn build_hypervisors(&mut self, lab: &Lab) -> Result<(), UserError> {
        for spec in lab.machines.iter().filter(|machine| machine.kind == MachineKind::Host) {
            let host = self.machine_id(&spec.name)?;
            self.with_machine(host, |machine, _| machine.install_hypervisor());
            self.hypervisors.insert(host, Inventory::of_profile(lab.profile));
            for hypervisor in lab.hypervisors.iter().filter(|hypervisor| hypervisor.host == spec.name) {
                self.define_objects(host, hypervisor)?;
            }
        }
        Ok(())
    }

    fn define_objects(&mut self, host: NodeId, spec: &HypervisorSpec) -> Result<(), UserError> {
        for net in &spec.nat_networks {
            let (dhcp, add_forwards) = (Some(net.dhcp), net.forwards.clone());
            let change = NatNetworkChange { dhcp, add_forwards, ..NatNetworkChange::default() };
            let (name, network) = (net.name.clone(), net.network);
            self.hypervise(host, &HypervisorCommand::AddNatNetwork { name, network, change })?;
        }
        for iface in &spec.host_only {
            let number = HostOnly::number_of(&iface.name).unwrap_or_default();
            self.create_host_only(host, number)?;
            let (name, address) = (iface.name.clone(), iface.address);
            self.hypervise(host, &HypervisorCommand::SetHostOnly { name, address })?;
            self.inventory(host)?.forget_foreign_dhcp(&iface.name);
        }
        for server in &spec.dhcp_servers {
            let network = self.inventory(host)?.network_named(&server.network);
            self.inventory(host)?.dhcp_servers.remove(&network);
            let (address, first, last, change) = (server.address, server.first, server.last, server.change());
            self.hypervise(host, &HypervisorCommand::AddDhcpServer { network, address, first, last, change })?;
        }
        Ok(())
    }

    fn build_machine(&mut self, spec: &MachineSpec) {
        let kind = match spec.kind {
            MachineKind::Host => NodeKind::Host,
            MachineKind::Computer => NodeKind::Computer,
            MachineKind::Router => NodeKind::Router,
        };
        let id = self.add_machine(&spec.name, kind, None, &spec.site);
        for (index, interface) in (2..).zip(&spec.interfaces) {
            let mut iface = Iface::new(index, &interface.name, interface.mac_of(&spec.name));
            iface.mtu = interface.mtu;
            self.with_machine(id, |machine, ctx| machine.add_iface(ctx, iface));
        }
        self.with_machine(id, |machine, _| {
            machine.set_forwarding(spec.forwards());
            write_files(machine, &spec.dns, &spec.files);
        });
        self.set_sysctls(id, &spec.sysctl);
    }

    pub(super) fn set_sysctls(&mut self, id: NodeId, settings: &std::collections::BTreeMap<String, String>) {
        self.with_machine(id, |machine, ctx| {
            for (name, value) in settings {
                // `Lab::validate` has tried them.
                let _ = machine.configure_sysctl(ctx, name, value);
            }
        });
    }

    pub(super) fn add_machine(&mut self, name: &str, kind: NodeKind, host: Option<NodeId>, site: &str) -> NodeId {
        let seed = self.seed;
        let id = self.add_node(name, kind, host, site, |id| Body::Machine(Box::new(Machine::new(id, name, seed))));
        self.show_node(id);
        id
    }

    /// Brings interfaces up, gives them addresses, adds routes.
    pub(super) fn configure<'a>(
        &mut self,
        id: NodeId,
        routes: &[RouteFileSpec],
        masquerade: &[String],
        ifaces: impl Iterator<Item = (&'a str, bool, &'a [Cidr])>,
    ) {
        self.with_machine(id, |machine, ctx| {
            for (name, up, addresses) in ifaces {
                let Some(index) = machine.ifaces().by_name(name).map(|iface| iface.index) else { continue };
                if up {
                    let change = LinkChange { up: Some(true), ..LinkChange::default() };
                    let _ = machine.configure_link(ctx, index, change);
                }
                for cidr in addresses {
                    let broadcast = (cidr.prefix < 31).then(|| cidr.broadcast());
                    let _ = machine.configure_addr(
                        ctx,
                        &NewAddr {
                            iface: index,
                            cidr: *cidr,
                            broadcast,
                            scope: Scope::Global,
                            valid_until: None,
                            label: None,
                        },
                    );
                }
            }
            for route in routes {
                let iface = route.dev.as_deref().and_then(|dev| machine.ifaces().by_name(dev)).map(|iface| iface.index);
                let spec = RouteSpec {
                    dst: route.to.0,
                    via: route.via,
                    iface,
                    src: None,
                    metric: Some(route.metric),
                    proto: None,
                    scope: None,
                    onlink: false,
                };
                let _ = machine.configure_route(ctx, &spec);
            }
            for name in masquerade {
                if let Some(index) = machine.ifaces().by_name(name).map(|iface| iface.index) {
                    machine.set_masquerade(index);
                }
            }
        });
    }

    fn build_cable(&mut self, lab: &Lab, cable: &CableSpec) -> Result<(), UserError> {
        let default = LinkConfig::default();
        let config = LinkConfig {
            delay: Duration::from_micros(u64::from(cable.delay_us)),
            jitter: Duration::from_micros(u64::from(cable.jitter_us)),
            rate_bps: cable.rate_mbit.map(|mbit| u64::from(mbit) * 1_000_000),
            loss_ppm: cable.loss_ppm,
            queue_frames: cable.queue_frames.map_or(default.queue_frames, |frames| frames as usize),
        };
        let (a, mut b) = (self.port_of(&cable.a)?, self.port_of(&cable.b)?);
        if a == b {
            // Both ends at one switch: its next two ports.
            b.index += 1;
        }
        let link = self.add_link(a, b, &config);
        if !cable.up {
            self.set_cable(link, 0, CableState::Off);
        }
        for (port, own, other) in [(a, &cable.a, &cable.b), (b, &cable.b, &cable.a)] {
            let Some(spec) = lab.switches.iter().find(|switch| switch.name == own.node) else { continue };
            let config = port_config(spec, other);
            if config != PortConfig::default() {
                self.with_switch(port.node, |switch, ctx| switch.configure_port(ctx.now, port.index, config));
            }
        }
        Ok(())
    }

    fn port_of(&mut self, end: &CableEnd) -> Result<Port, UserError> {
        let unknown = || UserError::new("unknown-machine").with("name", &end.node);
        let id = self.node_named(&end.node).ok_or_else(unknown)?;
        match (&end.iface, self.node(id).map(|node| &node.body)) {
            (Some(name), Some(Body::Machine(machine))) => {
                let iface = machine
                    .ifaces()
                    .by_name(name)
                    .ok_or_else(|| UserError::new("unknown-interface").with("machine", &end.node).with("name", name))?;
                Ok(Port::new(id, iface.index))
            }
            (_, Some(Body::Switch(_))) => {
                let used = self.node(id).map_or(0, |node| node.ports.len());
                Ok(Port::new(id, used as u32))
            }
            _ => Err(unknown()),
        }
    }
}

/// What the file says of a switch, one of `count`.
fn switch_config(spec: &SwitchSpec, count: usize) -> SwitchConfig {
    let default = SwitchConfig::default();
    let secs = |value: Option<u32>, or: Duration| value.map_or(or, |secs| Duration::from_secs(u64::from(secs)));
    // All switches of a loop together stay under the cap.
    let share = limits::STORM_COPIES_PER_SEC / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    SwitchConfig {
        ageing: secs(spec.ageing_secs, default.ageing),
        stp: StpConfig {
            enabled: spec.stp,
            priority: spec.priority.unwrap_or(default.stp.priority),
            hello_time: secs(spec.hello_secs, default.stp.hello_time),
            forward_delay: secs(spec.forward_delay_secs, default.stp.forward_delay),
            max_age: secs(spec.max_age_secs, default.stp.max_age),
        },
        storm_copies_per_sec: share.clamp(20, 2_000),
        ..default
    }
}

/// What the file says of the port of a switch whose cable's other end is `to`.
fn port_config(spec: &SwitchSpec, to: &CableEnd) -> PortConfig {
    let port = spec.ports.iter().find(|port| port.to == *to);
    let everywhere = spec.macs_per_port.filter(|_| to.iface.is_some()).map(|max| SecurityConfig {
        max,
        allowed: Vec::new(),
        violation: Violation::Restrict,
    });
    let Some(port) = port else { return PortConfig { security: everywhere, ..PortConfig::default() } };
    PortConfig {
        cost: port.cost,
        priority: port.priority.unwrap_or(PORT_PRIORITY),
        security: port.security.as_ref().map(security_config).or(everywhere),
    }
}

/// Port security as the file has it.
pub(super) fn security_config(spec: &SecuritySpec) -> SecurityConfig {
    SecurityConfig { max: spec.max, allowed: spec.allowed.clone(), violation: spec.violation }
}

pub(super) fn write_files(
    machine: &mut Machine,
    dns: &[core::net::Ipv4Addr],
    files: &std::collections::BTreeMap<String, String>,
) {
    if !dns.is_empty() {
        let lines: Vec<_> = dns.iter().map(|server| format!("nameserver {server}\n")).collect();
        machine.write_file("/etc/resolv.conf", &lines.concat());
    }
    for (path, text) in files {
        machine.write_file(path, text);
    }
}
