//! VMs come, go, are switched on and off. What a VM is made of stays in its definition; what it did is lost when its
//! plug is pulled, but for its files.

use super::World;
use super::attach::NicKey;
use super::node::Body;
use crate::error::UserError;
use crate::hypervisor::{NatNetwork, Nic, NicChange, check_nat_net};
use crate::id::NodeId;
use crate::lab::{NicSpec, VmSpec, derived_mac, guest_iface_name, is_name};
use crate::limits;
use crate::machine::Machine;
use crate::machine::iface::Iface;
use crate::view::{Key, Mode, NicRow, NodeKind, Row};

impl World {
    /// The VM with this name on this host.
    ///
    /// # Errors
    /// `hv-vm-unknown`.
    pub(super) fn vm_of(&self, host: NodeId, name: &str) -> Result<NodeId, UserError> {
        let own = |id: &NodeId| self.vms.contains_key(id) && self.host_of(*id) == Some(host);
        self.node_named(name).filter(own).ok_or_else(|| UserError::new("hv-vm-unknown").with("name", name))
    }

    /// The same, if it is switched off.
    ///
    /// # Errors
    /// `hv-vm-unknown`, `hv-vm-running`.
    pub(super) fn vm_off(&self, host: NodeId, name: &str) -> Result<NodeId, UserError> {
        let id = self.vm_of(host, name)?;
        if self.node(id).is_some_and(|node| node.row.off) {
            Ok(id)
        } else {
            Err(UserError::new("hv-vm-running").with("name", name))
        }
    }

    pub(super) fn build_vm(&mut self, spec: &VmSpec) -> Result<(), UserError> {
        let host = self.machine_id(&spec.host)?;
        let id = self.add_machine(&spec.name, NodeKind::Vm, Some(host), "");
        self.vms.insert(id, spec.clone());
        for nic in &spec.nics {
            self.define_nic(Nic::new(nic_row(id, &spec.name, nic), nic.mtu))?;
        }
        self.with_machine(id, |machine, _| super::build::write_files(machine, &spec.dns, &spec.files));
        self.power_on(id);
        Ok(())
    }

    pub(super) fn add_vm(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        if !is_name(name) {
            return Err(UserError::new("hv-vm-name").with("name", name));
        }
        if self.node_named(name).is_some() {
            return Err(UserError::new("hv-vm-exists").with("name", name));
        }
        if self.nodes.iter().flatten().count() >= limits::NODES_MAX {
            return Err(UserError::new("hv-too-many").with("max", limits::NODES_MAX));
        }
        let id = self.add_machine(name, NodeKind::Vm, Some(host), "");
        self.with_machine(id, |machine, _| machine.booted());
        let host_name = self.node(host).map(|node| node.row.name.clone()).unwrap_or_default();
        self.vms.insert(id, VmSpec::new(name, &host_name));
        self.set_off(id, true);
        Ok(())
    }

    pub(super) fn remove_vm(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        let id = self.vm_off(host, name)?;
        for key in self.cards_of(id) {
            self.drop_nic(key);
        }
        self.vms.remove(&id);
        self.forget_services(id);
        self.remove_node(id);
        Ok(())
    }

    pub(super) fn start_vm(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        let id = self.vm_of(host, name)?;
        if self.vm_off(host, name).is_err() {
            return Err(UserError::new("hv-vm-locked").with("name", name));
        }
        self.set_off(id, false);
        self.power_on(id);
        Ok(())
    }

    /// Gives a fresh machine its cards, its configuration, its services, and plugs its cards in.
    fn power_on(&mut self, id: NodeId) {
        let Some(spec) = self.vms.get(&id).cloned() else { return };
        self.with_machine(id, |machine, _| machine.set_forwarding(spec.forward));
        self.start_vm_process(id);
        for key in self.cards_of(id) {
            self.insert_card(key);
            self.build_mode(key);
        }
        self.set_sysctls(id, &spec.sysctl);
        let ifaces = spec.nics.iter().filter(|nic| self.nics.contains_key(&(id, nic.adapter)));
        let ifaces: Vec<_> = ifaces.map(|nic| (nic.iface_name(), nic.up, nic.address.as_slice())).collect();
        self.configure(id, &spec.routes, &spec.masquerade, ifaces.into_iter());
        self.start_services(id, &spec.services);
    }

    /// The guest's interface of a card.
    fn insert_card(&mut self, key: NicKey) {
        let Some(nic) = self.nics.get(&key) else { return };
        let mut iface = Iface::new(nic.row.iface, guest_iface_name(key.1).unwrap_or("enp0s3"), nic.row.mac);
        iface.mtu = nic.mtu;
        self.with_machine(key.0, |machine, ctx| machine.add_iface(ctx, iface));
    }

    pub(super) fn power_off(&mut self, host: NodeId, name: &str) -> Result<(), UserError> {
        let id = self.vm_of(host, name)?;
        if self.vm_off(host, name).is_ok() {
            return Err(UserError::new("hv-vm-not-running").with("name", name));
        }
        if self.node(id).is_some_and(|node| node.row.real) {
            return Err(UserError::new("machine-is-real").with("name", name));
        }
        for key in self.cards_of(id) {
            self.unplug(key);
        }
        self.stop_hypervisor_process(id);
        self.with_machine(id, |machine, ctx| machine.end_all(ctx));
        self.set_off(id, true);
        let gone = self.node(id).map(|node| node.rows(self.now, false)).unwrap_or_default();
        for row in gone {
            self.del(row.key());
        }
        let seed = self.seed;
        if let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::as_mut)
            && let Body::Machine(machine) = &mut node.body
        {
            **machine = machine.switched_off(seed);
        }
        self.show_node(id);
        Ok(())
    }

    fn set_off(&mut self, id: NodeId, off: bool) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::as_mut) {
            node.row.off = off;
            let row = node.row.clone();
            self.put(Row::Node(row));
        }
    }

    fn cards_of(&self, vm: NodeId) -> Vec<NicKey> {
        self.nics.range((vm, 0)..=(vm, u8::MAX)).map(|(key, _)| *key).collect()
    }

    pub(super) fn add_nic(&mut self, host: NodeId, vm: &str, adapter: u8, change: &NicChange) -> Result<(), UserError> {
        let id = self.vm_off(host, vm)?;
        if !(1..=limits::ADAPTERS_MAX).contains(&adapter) {
            return Err(UserError::new("hv-adapter").with("adapter", adapter).with("max", limits::ADAPTERS_MAX));
        }
        if self.nics.contains_key(&(id, adapter)) {
            return Err(UserError::new("hv-adapter-exists").with("vm", vm).with("adapter", adapter));
        }
        let mac = change.mac.unwrap_or_else(|| derived_mac([8, 0, 0x27], vm, &adapter.to_string()));
        if !mac.is_unicast() {
            return Err(UserError::new("hv-mac").with("text", mac));
        }
        change.nat_net.map_or(Ok(()), check_nat_net)?;
        let mode = change.mode.unwrap_or(Mode::NotAttached);
        let remembered = change.remember.iter().rev().find(|(other, _)| *other == mode).map(|(_, name)| name.clone());
        let row = NicRow {
            vm: id,
            adapter,
            mac,
            mode,
            network: change.network.clone().or(remembered).unwrap_or_default(),
            cable: change.cable.unwrap_or(true),
            promiscuous: change.promiscuous.unwrap_or_default(),
            iface: u32::from(adapter) + 1,
            tap: None,
            forwards: Vec::new(),
            nat_net: change.nat_net.filter(|network| *network != NatNetwork::usual_network(adapter)),
        };
        self.define_nic(Nic { remembered: change.remember.iter().cloned().collect(), ..Nic::new(row, 1_500) })
    }

    pub(super) fn remove_nic(&mut self, host: NodeId, vm: &str, adapter: u8) -> Result<(), UserError> {
        self.vm_off(host, vm)?;
        let key = self.nic_key(vm, adapter)?;
        self.drop_nic(key);
        Ok(())
    }

    fn drop_nic(&mut self, key: NicKey) {
        self.unplug(key);
        if self.nics.remove(&key).is_some() {
            self.del(Key::Nic(key));
        }
    }
}

/// What is shown of a lab file's card.
fn nic_row(vm: NodeId, name: &str, spec: &NicSpec) -> NicRow {
    NicRow {
        vm,
        adapter: spec.adapter,
        mac: spec.mac_of(name),
        mode: spec.mode,
        network: spec.network.clone(),
        cable: spec.cable,
        promiscuous: spec.promiscuous,
        // Adapter 1 is the guest's second interface, after its loopback.
        iface: u32::from(spec.adapter) + 1,
        tap: None,
        forwards: spec.forwards.clone(),
        nat_net: None,
    }
}

impl Machine {
    /// What is left of a machine when its plug is pulled: its name and its files.
    fn switched_off(&self, seed: u64) -> Self {
        let mut machine = Self::new(self.node(), self.name(), seed);
        for path in self.file_paths() {
            machine.write_file(path, self.read_file(path).unwrap_or_default());
        }
        machine.booted();
        machine
    }
}
