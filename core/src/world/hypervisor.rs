//! The hypervisor's objects in the world: what a [`HypervisorCommand`] changes, and what is built anew because of it.

use super::World;
use super::command::CableState;
use super::networks::NetworkKey;
use super::node::Body;
use crate::addr::Cidr;
use crate::error::UserError;
use crate::hypervisor::{
    DhcpServerChange, HypervisorAnswer, HypervisorCommand, HypervisorRequest, HypervisorView, NatNetwork,
    NatNetworkChange, NetworkDhcp, NetworkName, NicChange, NicView, Run, VmView, check_host_only_address,
    check_nat_net, forward,
};
use crate::id::NodeId;
use crate::lab::ForwardSpec;
use crate::programs::{LinkChange, NewAddr};
use crate::view::{Key, Mode, NodeKind, Row, Scope};

/// Where a Linux host says which host-only networks VirtualBox may use.
const NETWORKS_CONF: &str = "/etc/vbox/networks.conf";

impl World {
    /// The host that a command is for: the one with this name, or the lab's first.
    ///
    /// # Errors
    /// `hv-none`.
    pub(super) fn hypervisor_host(&self, name: &str) -> Result<NodeId, UserError> {
        let named = if name.is_empty() { self.hypervisors.keys().next().copied() } else { self.node_named(name) };
        let host = named.filter(|id| self.hypervisors.contains_key(id));
        host.ok_or_else(|| UserError::new("hv-none").with("name", name))
    }

    /// Answers a program on a host.
    pub(super) fn answer_hypervisor(&mut self, host: NodeId, request: &HypervisorRequest) -> HypervisorAnswer {
        match request {
            HypervisorRequest::Look => HypervisorAnswer::View(Box::new(self.hypervisor_view(host))),
            HypervisorRequest::Do(command) => HypervisorAnswer::Done(self.hypervise(host, command)),
        }
    }

    /// Does what a command says. The answer is the name of what was made, if it has one of its own.
    ///
    /// # Errors
    /// What VirtualBox refuses; nothing has changed then.
    pub(super) fn hypervise(&mut self, host: NodeId, command: &HypervisorCommand) -> Result<String, UserError> {
        use HypervisorCommand as C;
        match command {
            C::AddVm { name } => self.add_vm(host, name),
            C::RemoveVm { name } => self.remove_vm(host, name),
            C::StartVm { name } => self.start_vm(host, name),
            C::PowerOff { name } => self.power_off(host, name),
            C::AddNic { vm, adapter, change } => self.add_nic(host, vm, *adapter, change),
            C::RemoveNic { vm, adapter } => self.remove_nic(host, vm, *adapter),
            C::SetNic { vm, adapter, change } => self.set_nic(host, vm, *adapter, change),
            C::AddForward { vm, adapter, rule } => self.add_forward(host, vm, *adapter, rule),
            C::RemoveForward { vm, adapter, name } => self.remove_forward(host, vm, *adapter, name),
            C::AddNatNetwork { name, network, change } => {
                self.inventory(host)?.add_nat_network(name, *network, change)?;
                self.show_network(&(host, Mode::NatNetwork, name.clone()));
                Ok(())
            }
            C::SetNatNetwork { name, change } => self.set_nat_network(host, name, change),
            C::RemoveNatNetwork { name } => self.remove_nat_network(host, name),
            C::RunNatNetwork { name, start } => self.run_nat_network(host, name, *start),
            C::AddHostOnly => {
                let number = self.inventory(host)?.next_host_only()?;
                return self.create_host_only(host, number);
            }
            C::SetHostOnly { name, address } => self.set_host_only(host, name, *address),
            C::RemoveHostOnly { name } => self.remove_host_only(host, name),
            C::AddDhcpServer { network, address, first, last, change } => {
                let mut server = NetworkDhcp::new(*address, *first, *last)?;
                server.change(change)?;
                self.inventory(host)?.add_dhcp_server(network, server)?;
                self.renew_dhcp(host, network);
                Ok(())
            }
            C::SetDhcpServer { network, change } => self.set_dhcp_server(host, network, change),
            C::RemoveDhcpServer { network } => {
                self.inventory(host)?.dhcp_server(network)?;
                self.inventory(host)?.dhcp_servers.remove(network);
                self.renew_dhcp(host, network);
                if network.mode() == Mode::Internal {
                    self.del(Key::HostNetwork((host, Mode::Internal, network.name().to_owned())));
                }
                Ok(())
            }
            C::RunDhcpServer { network, run } => self.run_dhcp_server(host, network, *run),
        }
        .map(|()| String::new())
    }

    fn set_nic(&mut self, host: NodeId, vm: &str, adapter: u8, change: &NicChange) -> Result<(), UserError> {
        self.vm_of(host, vm)?;
        let key = self.nic_key(vm, adapter)?;
        let Some(nic) = self.nics.get(&key) else { return Ok(()) };
        let now = nic.row.mode;
        if let Some(mac) = change.mac {
            self.vm_off(host, vm)?;
            if !mac.is_unicast() {
                return Err(UserError::new("hv-mac").with("text", mac));
            }
        }
        if let Some(network) = change.nat_net {
            self.vm_off(host, vm)?;
            check_nat_net(network)?;
        }
        for (mode, name) in &change.remember {
            if let Some(nic) = self.nics.get_mut(&key) {
                nic.remembered.insert(*mode, name.clone());
            }
        }
        if change.mode.is_some() || change.network.is_some() || change.remember.iter().any(|(mode, _)| *mode == now) {
            self.attach(vm, adapter, change.mode.unwrap_or(now), change.network.as_deref().unwrap_or(""))?;
        }
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(()) };
        if let Some(network) = change.nat_net {
            nic.row.nat_net = Some(network).filter(|network| *network != NatNetwork::usual_network(adapter));
        }
        nic.row.mac = change.mac.unwrap_or(nic.row.mac);
        nic.row.promiscuous = change.promiscuous.unwrap_or(nic.row.promiscuous);
        nic.row.cable = change.cable.unwrap_or(nic.row.cable);
        let (row, link) = (nic.row.clone(), nic.link);
        if let Some(link) = link {
            if change.cable.is_some() {
                self.set_cable(link, 0, if row.cable { CableState::On } else { CableState::Off });
            }
            if change.promiscuous.is_some() && row.tap.is_none() {
                self.set_policy(link, row.promiscuous);
            }
        }
        self.put(Row::Nic(row));
        Ok(())
    }

    fn add_forward(&mut self, host: NodeId, vm: &str, adapter: u8, rule: &ForwardSpec) -> Result<(), UserError> {
        self.vm_of(host, vm)?;
        let key = self.nic_key(vm, adapter)?;
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(()) };
        forward::add(&mut nic.row.forwards, rule)?;
        let engine = nic.built.filter(|_| nic.row.mode == Mode::Nat);
        if let Some(Err(error)) = engine.map(|engine| self.open_forward(engine, rule)) {
            if let Some(nic) = self.nics.get_mut(&key) {
                nic.row.forwards.retain(|other| other.name != rule.name);
            }
            return Err(error);
        }
        self.show_nic(key);
        Ok(())
    }

    fn remove_forward(&mut self, host: NodeId, vm: &str, adapter: u8, name: &str) -> Result<(), UserError> {
        self.vm_of(host, vm)?;
        let key = self.nic_key(vm, adapter)?;
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(()) };
        forward::remove(&mut nic.row.forwards, name)?;
        if let Some(engine) = nic.built.filter(|_| nic.row.mode == Mode::Nat) {
            self.close_forward(engine, name);
        }
        self.show_nic(key);
        Ok(())
    }

    fn show_nic(&mut self, key: super::attach::NicKey) {
        if let Some(row) = self.nics.get(&key).map(|nic| nic.row.clone()) {
            self.put(Row::Nic(row));
        }
    }

    fn set_nat_network(&mut self, host: NodeId, name: &str, change: &NatNetworkChange) -> Result<(), UserError> {
        let key = (host, Mode::NatNetwork, name.to_owned());
        let running = self.networks.get(&key).is_some_and(|network| network.engine.is_some());
        let net = self.inventory(host)?.nat_network(name)?;
        if running && change.network.is_some_and(|network| network != net.network) {
            return Err(UserError::new("hv-natnetwork-running").with("name", name));
        }
        let before = net.forwards.clone();
        net.change(change)?;
        let after = net.forwards.clone();
        self.show_network(&key);
        let engine = self.networks.get(&key).and_then(|network| network.engine);
        engine.map_or(Ok(()), |engine| self.change_forwards(&key, engine, &before, &after))
    }

    /// The sockets of a running network's rules follow the rules. A rule whose socket cannot be opened is taken back.
    fn change_forwards(
        &mut self,
        key: &(NodeId, Mode, String),
        engine: NodeId,
        before: &[ForwardSpec],
        after: &[ForwardSpec],
    ) -> Result<(), UserError> {
        for rule in before.iter().filter(|rule| !after.contains(rule)) {
            self.close_forward(engine, &rule.name);
        }
        for rule in after.iter().filter(|rule| !before.contains(rule)) {
            if let Err(error) = self.open_forward(engine, rule) {
                self.inventory(key.0)?.nat_network(&key.2)?.forwards.retain(|other| other.name != rule.name);
                return Err(error);
            }
        }
        Ok(())
    }

    fn remove_nat_network(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        let inventory = self.inventory(host)?;
        inventory.nat_network(name)?;
        inventory.nat_networks.remove(name);
        inventory.made_on_demand.remove(&Mode::NatNetwork);
        let key = (host, Mode::NatNetwork, name.to_owned());
        self.raze(&key);
        self.show_network(&key);
        Ok(())
    }

    fn run_nat_network(&mut self, host: NodeId, name: &str, start: bool) -> Result<(), UserError> {
        let net = self.inventory(host)?.nat_network(name)?;
        let key = (host, Mode::NatNetwork, name.to_owned());
        // What is not enabled does not start, and VirtualBox does not say so (NATNetworkImpl.cpp `start`).
        net.started = start && net.enabled;
        if net.started {
            self.stand_up(&key);
            self.start_engine(&key);
        } else if !start {
            self.stop_engine(&key);
            self.leave_network(&key);
        }
        Ok(())
    }

    fn set_host_only(&mut self, host: NodeId, name: &str, address: Cidr) -> Result<(), UserError> {
        let Some(Body::Machine(machine)) = self.node(host).map(|node| &node.body) else { return Ok(()) };
        let conf = machine.read_file(NETWORKS_CONF).map(str::to_owned);
        let iface = self.inventory(host)?.host_only(name)?;
        check_host_only_address(address, conf.as_deref())?;
        let (index, before) = (iface.iface, core::mem::replace(&mut iface.address, address));
        iface.configured = true;
        self.with_machine(host, |machine, ctx| {
            let _ = machine.unconfigure_addr(ctx, index, before);
            let _ = machine.configure_link(ctx, index, LinkChange { up: Some(true), ..LinkChange::default() });
            let broadcast = (address.prefix < 31).then(|| address.broadcast());
            let (scope, valid_until, label) = (Scope::Global, None, None);
            let addr = NewAddr { iface: index, cidr: address, broadcast, scope, valid_until, label };
            let _ = machine.configure_addr(ctx, &addr);
        });
        self.show_network(&(host, Mode::HostOnly, name.to_owned()));
        Ok(())
    }

    fn remove_host_only(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        let inventory = self.inventory(host)?;
        let iface = inventory.host_only(name)?.iface;
        inventory.host_only.remove(name);
        inventory.made_on_demand.remove(&Mode::HostOnly);
        let key = (host, Mode::HostOnly, name.to_owned());
        self.raze(&key);
        self.with_machine(host, |machine, ctx| machine.remove_iface(ctx, iface));
        self.show_network(&key);
        Ok(())
    }

    fn set_dhcp_server(
        &mut self,
        host: NodeId,
        network: &NetworkName,
        change: &DhcpServerChange,
    ) -> Result<(), UserError> {
        let server = self.inventory(host)?.dhcp_server(network)?;
        server.change(change)?;
        self.renew_dhcp(host, network);
        Ok(())
    }

    fn run_dhcp_server(&mut self, host: NodeId, network: &NetworkName, run: Run) -> Result<(), UserError> {
        let server = self.inventory(host)?.dhcp_server(network)?;
        server.stopped = run == Run::Stop;
        self.renew_dhcp(host, network);
        Ok(())
    }

    /// Puts a network's DHCP server right after its definition has changed: the one that runs goes with its leases, and
    /// the one that is defined comes.
    fn renew_dhcp(&mut self, host: NodeId, network: &NetworkName) {
        let key = (host, network.mode(), network.name().to_owned());
        self.stop_dhcp(&key);
        if key.1 == Mode::Internal || self.cards_in(&key).iter().any(|card| self.is_plugged(*card)) {
            self.start_dhcp(&key);
        }
        self.show_network(&key);
    }

    fn is_plugged(&self, card: super::attach::NicKey) -> bool {
        self.nics.get(&card).is_some_and(|nic| nic.link.is_some())
    }

    /// Everything that a hypervisor has.
    pub fn hypervisor_view(&self, host: NodeId) -> HypervisorView {
        let of_host = |id: &NodeId| self.host_of(*id) == Some(host);
        let vms = self.nodes.iter().flatten().filter(|node| node.row.kind == NodeKind::Vm && of_host(&node.row.id));
        let nics = |vm: NodeId| {
            let own = self.nics.range((vm, 0)..=(vm, u8::MAX));
            own.map(|(key, nic)| (key.1, NicView { row: nic.row.clone(), remembered: nic.remembered.clone() }))
        };
        let vm_view = |row: &crate::view::NodeRow| VmView {
            name: row.name.clone(),
            running: !row.off,
            nics: nics(row.id).collect(),
        };
        HypervisorView {
            vms: vms.map(|node| vm_view(&node.row)).collect(),
            inventory: self.hypervisors.get(&host).cloned().unwrap_or_default(),
            built: self.networks.keys().filter(|key| key.0 == host).map(|key| (key.1, key.2.clone())).collect(),
            leases: self.networks.keys().filter(|key| key.0 == host).flat_map(|key| self.leases_in(key)).collect(),
            bridgeable: self.bridgeable_ifaces(host),
        }
    }

    fn leases_in(&self, key: &NetworkKey) -> Vec<(Mode, String, crate::view::LeaseRow)> {
        let servers = self.networks.get(key).map(|network| [network.dhcp, network.engine]).unwrap_or_default();
        let rows =
            servers.into_iter().flatten().filter_map(|id| self.node(id)).flat_map(|node| node.rows(self.now, false));
        let lease = |row| match row {
            Row::Lease(lease) => Some((key.1, key.2.clone(), lease)),
            _ => None,
        };
        rows.filter_map(lease).collect()
    }
}
