//! Attachment: what a NIC's mode builds is built, and what the mode before had built is taken down.

use core::time::Duration;

use super::World;
use super::command::CableState;
use super::node::Body;
use super::promisc::Card;
use crate::error::UserError;
use crate::hypervisor::{NAT_ENGINE_PORT, NatEngine, NatNetwork, Nic};
use crate::id::{LinkId, NodeId, Port, TapId};
use crate::link::LinkConfig;
use crate::view::{Mode, NodeKind, Row};

/// How long a frame takes from a guest's card through the hypervisor: our own choice, about what a virtual machine's
/// exit costs.
const VIRTUAL_CABLE_DELAY: Duration = Duration::from_micros(20);

/// Names a card: its VM and its adapter's number.
pub(super) type NicKey = (NodeId, u8);

impl World {
    /// Changes the mode of a VM's adapter.
    ///
    /// # Errors
    /// `unknown-machine`, `unknown-adapter`, `mode-not-available`, and those of [`World::network_for`].
    pub(super) fn attach(&mut self, vm: &str, adapter: u8, mode: Mode, network: &str) -> Result<(), UserError> {
        let key = self.nic_key(vm, adapter)?;
        if mode == Mode::UdpTunnel {
            return Err(UserError::new("mode-not-available").with("mode", mode.name()));
        }
        let host = self.host_of(key.0).ok_or_else(|| UserError::new("unknown-machine").with("name", vm))?;
        let remembered = self.nics.get(&key).and_then(|nic| nic.remembered.get(&mode)).filter(|_| network.is_empty());
        let asked = remembered.cloned().unwrap_or_else(|| network.to_owned());
        let network = self.network_for(host, mode, &asked)?;
        self.unplug(key);
        let Some(nic) = self.nics.get_mut(&key) else { return Ok(()) };
        nic.row.mode = mode;
        nic.row.network.clone_from(&network);
        if !network.is_empty() {
            nic.remembered.insert(mode, network);
        }
        let row = nic.row.clone();
        self.put(Row::Nic(row));
        self.build_mode(key);
        Ok(())
    }

    pub(super) fn nic_key(&self, vm: &str, adapter: u8) -> Result<NicKey, UserError> {
        let id = self.machine_id(vm)?;
        let key = (id, adapter);
        if self.nics.contains_key(&key) {
            Ok(key)
        } else {
            Err(UserError::new("unknown-adapter").with("vm", vm).with("adapter", adapter))
        }
    }

    /// Takes a card's cable away, and what stood for this card alone.
    pub(super) fn unplug(&mut self, key: NicKey) {
        let Some(nic) = self.nics.get_mut(&key) else { return };
        let (built, link) = (nic.built.take(), nic.link.take());
        let before = (nic.row.mode, nic.row.network.clone());
        if let Some(link) = link {
            self.remove_link(link);
        }
        if let Some(built) = built {
            self.take_down(built);
        }
        if let Some(host) = self.host_of(key.0) {
            self.leave_network(&(host, before.0, before.1));
        }
    }

    /// Builds what a card's mode needs, and plugs the card in. A card whose network is not there stays without a cable,
    /// and so does one of a VM that is switched off.
    pub(super) fn build_mode(&mut self, key: NicKey) {
        let Some(nic) = self.nics.get(&key) else { return };
        let (mode, network) = (nic.row.mode, nic.row.network.clone());
        let Some(vm) = self.node(key.0).map(|node| node.row.clone()).filter(|vm| !vm.off) else { return };
        let Some(host) = vm.host else { return };
        let (built, other) = match mode {
            Mode::NotAttached | Mode::UdpTunnel => return,
            Mode::Nat => {
                let engine = self.build_nat(host, &vm.name, key.1);
                (Some(engine), Some(Port::new(engine, NAT_ENGINE_PORT)))
            }
            _ => (None, self.join_network(host, mode, &network)),
        };
        if let Some(other) = other {
            self.plug(key, other);
        }
        self.open_forwards(built, key);
        if let Some(nic) = self.nics.get_mut(&key) {
            nic.built = built;
        }
    }

    /// A private network with its engine, for one card.
    fn build_nat(&mut self, host: NodeId, vm: &str, adapter: u8) -> NodeId {
        let seed = self.seed;
        let own = self.node_named(vm).and_then(|id| self.nics.get(&(id, adapter))?.row.nat_net);
        let numbers = NatNetwork::nat(self.profile, own.unwrap_or(NatNetwork::usual_network(adapter)));
        let name = self.free_name(&format!("nat-{vm}-{adapter}"));
        let engine = self.add_node(&name, NodeKind::NatEngine, Some(host), "", |id| {
            Body::Engine(Box::new(NatEngine::new(id, host, numbers.clone(), seed)))
        });
        self.show_node(engine);
        self.with_machine(host, |host, _| host.enable_nat(seed, crate::nat::NatConfig::rfc()));
        if let Some(vm) = self.node_named(vm) {
            self.engine_built(vm, engine, &numbers);
        }
        engine
    }

    /// Opens the sockets of a card's forwarding rules. One that cannot be opened is left out, as VirtualBox leaves it out
    /// (and logs it); [`World::rows`] shows those that are open.
    fn open_forwards(&mut self, built: Option<NodeId>, key: (NodeId, u8)) {
        let Some(engine) = built else { return };
        for rule in self.nics.get(&key).map(|nic| nic.row.forwards.clone()).unwrap_or_default() {
            let _ = self.open_forward(engine, &rule);
        }
    }

    /// Shows the rows that a node has from its beginning.
    pub(super) fn show_node(&mut self, id: NodeId) {
        let rows = self.node(id).map(|node| node.rows(self.now, false)).unwrap_or_default();
        for row in rows {
            self.put(row);
        }
    }

    /// A card's cable.
    fn plug(&mut self, key: NicKey, other: Port) {
        let Some(nic) = self.nics.get(&key) else { return };
        let (row, tap) = (nic.row.clone(), nic.tap.is_some());
        let delay = if tap { Duration::ZERO } else { VIRTUAL_CABLE_DELAY };
        let port = Port::new(key.0, row.iface);
        let link = self.add_link(port, other, &LinkConfig { delay, ..LinkConfig::default() });
        if !row.cable {
            self.set_cable(link, 0, CableState::Off);
        }
        // What a real machine's own kernel set as its MAC is not known here: its card is shown everything.
        if !tap {
            let listening = self.guest_listens(key.0, row.iface);
            self.set_card(other, Card { mac: row.mac, policy: row.promiscuous, listening });
        }
        if let Some(nic) = self.nics.get_mut(&key) {
            nic.link = Some(link);
        }
    }

    /// The port at the other end of a card's cable.
    pub(super) fn across(&self, link: LinkId) -> Option<Port> {
        self.links.get(link.0 as usize)?.as_ref().map(|cable| cable.ends[1])
    }

    /// Takes down what a mode had built.
    pub(super) fn take_down(&mut self, built: NodeId) {
        let host = match self.node(built).map(|node| &node.body) {
            Some(Body::Engine(engine)) => Some(engine.host()),
            _ => None,
        };
        self.remove_node(built);
        if let Some(host) = host {
            self.with_machine(host, |host, ctx| host.remove_engine(ctx, built));
            self.stop_hypervisor_process(built);
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
        let (row, link) = (nic.row.clone(), nic.link.take());
        self.put(Row::Nic(row));
        if let Some(node) = self.nodes.get_mut(key.0.0 as usize).and_then(Option::as_mut) {
            node.row.real = true;
            let row = node.row.clone();
            self.put(Row::Node(row));
        }
        // The same cable anew, without a delay of its own.
        if let Some((link, other)) = link.and_then(|link| Some((link, self.across(link)?))) {
            self.remove_link(link);
            self.plug(key, other);
        }
        Ok(tap)
    }

    /// The TAP port that stands for a VM's adapter.
    pub fn tap_of(&self, vm: &str, adapter: u8) -> Option<TapId> {
        self.nics.get(&(self.node_named(vm)?, adapter))?.tap
    }

    /// Gives a VM a card; it is plugged in with [`World::build_mode`].
    ///
    /// # Errors
    /// A mode that cannot be built.
    pub(super) fn define_nic(&mut self, mut nic: Nic) -> Result<(), UserError> {
        let key = nic.row.key();
        let mode = nic.row.mode;
        if mode == Mode::UdpTunnel {
            return Err(UserError::new("mode-not-available").with("mode", mode.name()));
        }
        if let Some(host) = self.host_of(key.0) {
            nic.row.network = self.network_for(host, mode, &nic.row.network)?;
        }
        if !nic.row.network.is_empty() {
            nic.remembered.insert(mode, nic.row.network.clone());
        }
        let row = nic.row.clone();
        self.nics.insert(key, nic);
        self.put(Row::Nic(row));
        Ok(())
    }
}
