//! Attachment: what a NIC's mode builds is built, and what the mode before had built is taken down.

use core::time::Duration;

use super::World;
use super::command::CableState;
use super::node::Body;
use crate::error::UserError;
use crate::hypervisor::{NAT_ENGINE_PORT, NatEngine, NatNetwork, Nic};
use crate::id::{LinkId, NodeId, Port, TapId};
use crate::link::LinkConfig;
use crate::view::{Mode, NodeKind, Row};

/// How long a frame takes from a guest's card through the hypervisor: our own choice, about what a virtual machine's
/// exit costs.
const VIRTUAL_CABLE_DELAY: Duration = Duration::from_micros(20);

impl World {
    /// Changes the mode of a VM's adapter.
    ///
    /// # Errors
    /// `unknown-machine`, `unknown-adapter`, `mode-not-available`.
    pub(super) fn attach(&mut self, vm: &str, adapter: u8, mode: Mode, network: &str) -> Result<(), UserError> {
        let key = self.nic_key(vm, adapter)?;
        if mode == Mode::UdpTunnel {
            return Err(UserError::new("mode-not-available").with("mode", mode.name()));
        }
        let host = self.host_of(key.0).ok_or_else(|| UserError::new("unknown-machine").with("name", vm))?;
        let network = self.network_name(host, mode, network)?;
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(()) };
        let before = (host, nic.row.mode, core::mem::replace(&mut nic.row.network, network));
        nic.row.mode = mode;
        let (built, link, row) = (nic.built.take(), nic.link.take(), nic.row.clone());
        if let Some(link) = link {
            self.remove_link(link);
        }
        if let Some(built) = built {
            self.take_down(built);
        }
        self.leave_network(&before);
        self.put(Row::Nic(row));
        self.build_mode(key);
        Ok(())
    }

    fn nic_key(&self, vm: &str, adapter: u8) -> Result<(NodeId, u8), UserError> {
        let id = self.machine_id(vm)?;
        let key = (id, adapter);
        if self.nics.contains_key(&key) {
            Ok(key)
        } else {
            Err(UserError::new("unknown-adapter").with("vm", vm).with("adapter", adapter))
        }
    }

    /// Builds what a card's mode needs, and plugs the card in.
    pub(super) fn build_mode(&mut self, key: (NodeId, u8)) {
        let Some(nic) = self.nics.get(&key) else { return };
        let (mode, port, cable, tap) =
            (nic.row.mode, Port::new(key.0, nic.row.iface), nic.row.cable, nic.tap.is_some());
        let Some(vm) = self.node(key.0).map(|node| node.row.clone()) else { return };
        let Some(host) = vm.host else { return };
        let (built, other) = match mode {
            Mode::NotAttached | Mode::UdpTunnel => return,
            Mode::Nat => {
                let engine = self.build_nat(host, &vm.name, key.1);
                (Some(engine), Port::new(engine, NAT_ENGINE_PORT))
            }
            _ => {
                let network = self.nics.get(&key).map(|nic| nic.row.network.clone()).unwrap_or_default();
                (None, self.join_network(host, mode, &network))
            }
        };
        let link = self.plug(port, other, cable, tap);
        if let Some(nic) = self.nics.get_mut(&key) {
            nic.built = built;
            nic.link = Some(link);
        }
    }

    /// A private network with its engine, for one card.
    fn build_nat(&mut self, host: NodeId, vm: &str, adapter: u8) -> NodeId {
        let seed = self.seed;
        let name = format!("nat-{vm}-{adapter}");
        let engine = self.add_node(&name, NodeKind::NatEngine, Some(host), "", |id| {
            Body::Engine(Box::new(NatEngine::new(id, host, NatNetwork::lecture(adapter), seed)))
        });
        self.show_node(engine);
        self.with_machine(host, |host, _| host.enable_nat(seed, crate::nat::NatConfig::rfc()));
        engine
    }

    /// Shows the rows that a node has from its beginning.
    pub(super) fn show_node(&mut self, id: NodeId) {
        let rows = self.node(id).map(|node| node.rows(self.now, false)).unwrap_or_default();
        for row in rows {
            self.put(row);
        }
    }

    fn plug(&mut self, card: Port, other: Port, cable: bool, tap: bool) -> LinkId {
        let delay = if tap { Duration::ZERO } else { VIRTUAL_CABLE_DELAY };
        let link = self.add_link(card, other, &LinkConfig { delay, ..LinkConfig::default() });
        if !cable {
            self.set_cable(link, 0, CableState::Off);
        }
        link
    }

    /// Takes down what a mode had built.
    pub(super) fn take_down(&mut self, built: NodeId) {
        let host = match self.node(built).map(|node| &node.body) {
            Some(Body::Engine(engine)) => Some(engine.host()),
            _ => None,
        };
        self.remove_node(built);
        if let Some(host) = host {
            self.with_machine(host, |host, ctx| host.remove_realm(ctx, built));
        }
    }

    /// Puts a real device in the place of a VM's card.
    ///
    /// # Errors
    /// `unknown-machine`, `unknown-adapter`, `tap-taken`.
    pub(super) fn attach_tap(&mut self, vm: &str, adapter: u8, device: &str) -> Result<TapId, UserError> {
        let key = self.nic_key(vm, adapter)?;
        let tap = TapId(self.next_tap);
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(tap) };
        if nic.tap.is_some() {
            return Err(UserError::new("tap-taken").with("vm", vm).with("adapter", adapter));
        }
        nic.tap = Some(tap);
        nic.row.tap = Some(device.to_owned());
        self.next_tap += 1;
        self.taps.insert(Port::new(key.0, nic.row.iface), tap);
        let (row, ends) = (nic.row.clone(), nic.link.take());
        self.put(Row::Nic(row.clone()));
        if let Some(node) = self.nodes.get_mut(key.0.0 as usize).and_then(Option::as_mut) {
            node.row.real = true;
            let row = node.row.clone();
            self.put(Row::Node(row));
        }
        // The same cable anew, without a delay of its own.
        let other = ends.and_then(|link| self.links.get(link.0 as usize)?.as_ref().map(|cable| (link, cable.ends[1])));
        if let Some((link, other)) = other {
            self.remove_link(link);
            let link = self.plug(Port::new(key.0, row.iface), other, row.cable, true);
            if let Some(nic) = self.nics.get_mut(&key) {
                nic.link = Some(link);
            }
        }
        Ok(tap)
    }

    /// The TAP port that stands for a VM's adapter.
    pub fn tap_of(&self, vm: &str, adapter: u8) -> Option<TapId> {
        self.nics.get(&(self.node_named(vm)?, adapter))?.tap
    }

    /// Adds a card to a VM.
    ///
    /// # Errors
    /// A mode that cannot be built.
    pub(super) fn add_nic(&mut self, mut nic: Nic) -> Result<(), UserError> {
        let key = nic.row.key();
        if nic.row.mode == Mode::UdpTunnel {
            return Err(UserError::new("mode-not-available").with("mode", nic.row.mode.name()));
        }
        if let Some(host) = self.host_of(key.0) {
            nic.row.network = self.network_name(host, nic.row.mode, &nic.row.network)?;
        }
        let row = nic.row.clone();
        self.nics.insert(key, nic);
        self.put(Row::Nic(row));
        self.build_mode(key);
        Ok(())
    }
}
