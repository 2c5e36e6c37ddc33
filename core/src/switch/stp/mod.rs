//! Spanning tree (IEEE 802.1D-1998, clause 8) as Linux's bridge runs it in the kernel (net/bridge/br_stp.c,
//! br_stp_if.c, br_stp_timer.c): who is the root, which port leads there, which ports serve a cable, which are shut.
//!
//! Owns the states of ports, the timers and the messages. Takes a message and a time, gives messages to send. Must not
//! know what is forwarded, and learns nothing.
//!
//! Without the protocol the same tables are kept, as Linux keeps them: every port serves its cable and forwards.

mod config;
mod port;
#[cfg(test)]
mod tests;
mod timer;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

pub use self::config::StpConfig;
pub use self::port::{PortRole, PortState};

use self::config::Times;
use self::port::Port;
use crate::addr::{BridgeId, MacAddr};
use crate::frame::stp::{Bpdu, ConfigBpdu};
use crate::time::SimTime;

/// How much older a message is counted at each bridge (net/bridge/br_private_stp.h, `MESSAGE_AGE_INCR`: 1/256 s).
const AGE_STEP: Duration = Duration::from_nanos(1_000_000_000 / 256 + 1);
/// No more than one configuration BPDU in so long at a port (IEEE 802.1D-1998, table 8-3; `BR_HOLD_TIME`).
const HOLD_TIME: Duration = Duration::from_secs(1);
/// A port's priority unless set (`0x8000 >> BR_PORT_BITS`).
pub const PORT_PRIORITY: u8 = 32;
/// Largest port priority (`BR_MAX_PORT_PRIORITY`: six bits).
pub const PORT_PRIORITY_MAX: u8 = 63;

/// Spanning tree of one bridge.
#[derive(Clone, Debug)]
pub(super) struct Stp {
    config: StpConfig,
    mac: MacAddr,
    /// In the order of their numbers: what is compared last when nothing else decides.
    ports: BTreeMap<u32, Port>,
    root: BridgeId,
    root_cost: u32,
    root_port: Option<u32>,
    /// The times in force: the root's.
    times: Times,
    topology_change: bool,
    topology_change_detected: bool,
    changes: u32,
    hello_timer: Option<SimTime>,
    tcn_timer: Option<SimTime>,
    topology_change_timer: Option<SimTime>,
    /// When [`Stp::handle_timeout`] may have something to do.
    wakeup: Option<SimTime>,
    frames: VecDeque<(u32, Vec<u8>)>,
    /// Ports whose row may have changed.
    dirty: Dirty,
}

/// What may have changed since somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Dirty {
    /// Nothing.
    #[default]
    Clean,
    /// One port, and nothing else.
    Port(u32),
    /// Anything.
    All,
}

impl Stp {
    pub(super) fn new(config: StpConfig, mac: MacAddr) -> Self {
        let mut stp = Self {
            config,
            mac,
            ports: BTreeMap::new(),
            root: BridgeId { priority: config.priority, mac },
            root_cost: 0,
            root_port: None,
            times: config.times(),
            topology_change: false,
            topology_change_detected: false,
            changes: 0,
            hello_timer: None,
            tcn_timer: None,
            topology_change_timer: None,
            wakeup: None,
            frames: VecDeque::new(),
            dirty: Dirty::All,
        };
        if config.enabled {
            stp.hello_timer = Some(SimTime::ZERO);
            stp.refresh();
        }
        stp
    }

    pub(super) const fn config(&self) -> &StpConfig {
        &self.config
    }

    pub(super) const fn enabled(&self) -> bool {
        self.config.enabled
    }

    pub(super) const fn id(&self) -> BridgeId {
        BridgeId { priority: self.config.priority, mac: self.mac }
    }

    pub(super) const fn root(&self) -> (BridgeId, Option<u32>, u32) {
        (self.root, self.root_port, self.root_cost)
    }

    pub(super) const fn times(&self) -> Times {
        self.times
    }

    /// How often this bridge has seen the tree change around it.
    pub(super) const fn changes(&self) -> u32 {
        self.changes
    }

    pub(super) const fn topology_change(&self) -> bool {
        self.topology_change
    }

    /// How long an address is remembered: the forward delay while the tree is changing
    /// (net/bridge/br_private.h, `hold_time`).
    pub(super) const fn ageing(&self, usual: Duration) -> Duration {
        if self.topology_change { self.times.forward_delay } else { usual }
    }

    pub(super) fn port(&self, port: u32) -> Option<&Port> {
        self.ports.get(&port)
    }

    pub(super) fn state(&self, port: u32) -> PortState {
        self.ports.get(&port).map_or(PortState::Disabled, |port| port.state)
    }

    pub(super) fn role(&self, port: u32) -> PortRole {
        match self.ports.get(&port) {
            None => PortRole::Disabled,
            Some(found) if found.state == PortState::Disabled => PortRole::Disabled,
            Some(_) if self.root_port == Some(port) => PortRole::Root,
            Some(found) if self.serves(found) => PortRole::Designated,
            Some(_) => PortRole::Blocked,
        }
    }

    /// What may have changed since this was asked last.
    pub(super) fn take_dirty(&mut self) -> Dirty {
        core::mem::take(&mut self.dirty)
    }

    /// The next message to send: the port, and the whole frame.
    pub(super) fn poll_frame(&mut self) -> Option<(u32, Vec<u8>)> {
        self.frames.pop_front()
    }

    /// When [`Stp::handle_timeout`] may have something to do.
    pub(super) const fn next_wakeup(&self) -> Option<SimTime> {
        self.wakeup
    }

    // --- ports come and go --------------------------------------------------------------------------------------

    /// A cable has come alive (`br_stp_enable_port`). `mac` is the port's own address.
    pub(super) fn enable_port(&mut self, now: SimTime, index: u32, cost: u32, priority: u8, mac: MacAddr) {
        if self.state(index) != PortState::Disabled {
            return;
        }
        self.ports.insert(index, Port::new(port_id(priority, index), cost, mac));
        self.become_designated(index);
        if self.is_simple() {
            self.make_forwarding(now, index);
            return self.changed_port(index);
        }
        self.select_states(now);
        self.changed();
    }

    /// A cable is gone (`br_stp_disable_port`).
    pub(super) fn disable_port(&mut self, now: SimTime, index: u32) {
        let was_root = self.is_root();
        let Some(port) = self.ports.get_mut(&index) else { return };
        if port.state == PortState::Disabled {
            return;
        }
        port.shut();
        self.become_designated(index);
        if self.is_simple() {
            return self.changed_port(index);
        }
        self.update_configuration();
        self.select_states(now);
        self.became_root_perhaps(now, was_root);
        self.changed();
    }

    /// Changes cost and priority of a port (`br_stp_set_path_cost`, `br_stp_set_port_priority`).
    pub(super) fn set_port(&mut self, now: SimTime, index: u32, cost: u32, priority: u8) {
        let (own, was_root) = (self.id(), self.is_root());
        let Some(port) = self.ports.get_mut(&index) else { return };
        let id = port_id(priority, index);
        if port.designated_bridge == own && port.designated_port == port.id {
            port.designated_port = id;
        }
        (port.id, port.path_cost) = (id, cost);
        if port.designated_bridge == own && id < port.designated_port {
            self.become_designated(index);
        }
        self.update_configuration();
        self.select_states(now);
        self.became_root_perhaps(now, was_root);
        self.changed();
    }

    // --- settings -----------------------------------------------------------------------------------------------

    /// Changes the settings (`br_stp_set_enabled`, `br_stp_set_bridge_priority`, `br_set_hello_time` and so on).
    pub(super) fn set_config(&mut self, now: SimTime, config: StpConfig) {
        let (own, was_root) = (self.id(), self.is_root());
        let old = core::mem::replace(&mut self.config, config);
        if old.priority != config.priority {
            self.rename(own);
            self.update_configuration();
            self.select_states(now);
            self.became_root_perhaps(now, was_root);
        }
        if self.is_root() {
            self.times = config.times();
        }
        if config.enabled && !old.enabled {
            self.hello_timer = Some(now + config.hello_time);
            self.select_states(now);
        } else if !config.enabled && old.enabled {
            self.stop(now);
        }
        self.changed();
    }

    /// The protocol is switched off: no more messages or timers of the bridge. A port that is blocked stays so until
    /// what it has heard is too old, as on Linux.
    fn stop(&mut self, now: SimTime) {
        (self.hello_timer, self.tcn_timer, self.topology_change_timer) = (None, None, None);
        (self.topology_change, self.topology_change_detected) = (false, false);
        self.frames.clear();
        self.select_states(now);
    }

    /// Ports that this bridge served under its old name, it serves under its new one (`br_stp_set_bridge_priority`).
    fn rename(&mut self, old: BridgeId) {
        let new = self.id();
        for port in self.ports.values_mut().filter(|port| port.designated_bridge == old) {
            port.designated_bridge = new;
        }
    }

    // --- messages -----------------------------------------------------------------------------------------------

    /// A message came in at `index`.
    pub(super) fn handle_bpdu(&mut self, now: SimTime, index: u32, bpdu: &Bpdu) {
        if !self.config.enabled || self.state(index) == PortState::Disabled {
            return;
        }
        match bpdu {
            Bpdu::Config(config) => self.received_config(now, index, config),
            Bpdu::TopologyChange => self.received_notification(now, index),
        }
        self.changed();
    }

    /// IEEE 802.1D-1998, 8.7.1; `br_received_config_bpdu`.
    fn received_config(&mut self, now: SimTime, index: u32, bpdu: &ConfigBpdu) {
        let was_root = self.is_root();
        // What is too old already says nothing.
        if bpdu.message_age > bpdu.max_age {
            return;
        }
        if self.supersedes(index, bpdu) {
            self.record(now, index, bpdu);
            self.update_configuration();
            self.select_states(now);
            if !self.is_root() {
                self.hello_timer = None;
                if was_root {
                    self.topology_change_timer = None;
                    if self.topology_change_detected {
                        self.send_notification();
                        self.tcn_timer = Some(now + self.config.hello_time);
                    }
                }
            }
            if self.root_port == Some(index) {
                self.take_times(bpdu);
                self.speak(now);
                if bpdu.topology_change_ack {
                    self.topology_change_detected = false;
                    self.tcn_timer = None;
                }
            }
        } else if self.ports.get(&index).is_some_and(|port| self.serves(port)) {
            // Somebody who knows less speaks where this bridge serves: it is told.
            self.send_config(now, index);
        }
    }

    /// IEEE 802.1D-1998, 8.7.2; `br_received_tcn_bpdu`.
    fn received_notification(&mut self, now: SimTime, index: u32) {
        if !self.ports.get(&index).is_some_and(|port| self.serves(port)) {
            return;
        }
        self.detect_change(now);
        if let Some(port) = self.ports.get_mut(&index) {
            port.acknowledge = true;
        }
        self.send_config(now, index);
    }

    /// Whether a message knows better than what its port has (8.6.2.2; `br_supersedes_port_info`).
    fn supersedes(&self, index: u32, bpdu: &ConfigBpdu) -> bool {
        let Some(port) = self.ports.get(&index) else { return false };
        let known = (port.designated_root, port.designated_cost, port.designated_bridge);
        let said = (bpdu.root, bpdu.root_cost, bpdu.bridge);
        said < known || said == known && (bpdu.bridge != self.id() || bpdu.port <= port.designated_port)
    }

    /// 8.6.2; `br_record_config_information`.
    fn record(&mut self, now: SimTime, index: u32, bpdu: &ConfigBpdu) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        port.designated_root = bpdu.root;
        port.designated_cost = bpdu.root_cost;
        port.designated_bridge = bpdu.bridge;
        port.designated_port = bpdu.port;
        port.message_age_timer = Some(now + (bpdu.max_age - bpdu.message_age));
    }

    /// 8.6.3; `br_record_config_timeout_values`.
    fn take_times(&mut self, bpdu: &ConfigBpdu) {
        self.times = Times { hello: bpdu.hello_time, forward_delay: bpdu.forward_delay, max_age: bpdu.max_age };
        self.topology_change = bpdu.topology_change;
    }

    /// Says at every port that this bridge serves what it knows (8.6.4; `br_config_bpdu_generation`).
    fn speak(&mut self, now: SimTime) {
        let serving: Vec<u32> = self.alive().filter(|(_, port)| self.serves(port)).map(|(index, _)| index).collect();
        for index in serving {
            self.send_config(now, index);
        }
    }

    /// 8.6.1; `br_transmit_config`.
    fn send_config(&mut self, now: SimTime, index: u32) {
        let age = match self.root_port.and_then(|root| self.ports.get(&root)) {
            None => Duration::ZERO,
            Some(root) => {
                let left = root.message_age_timer.map_or(Duration::ZERO, |at| at.since(now));
                self.times.max_age.saturating_sub(left) + AGE_STEP
            }
        };
        let (own, enabled) = (self.id(), self.config.enabled);
        let Some(port) = self.ports.get_mut(&index) else { return };
        if port.hold_timer.is_some_and(|at| at > now) {
            port.config_pending = true;
            return;
        }
        if !enabled || age >= self.times.max_age {
            return;
        }
        let bpdu = ConfigBpdu {
            topology_change: self.topology_change,
            topology_change_ack: core::mem::take(&mut port.acknowledge),
            root: self.root,
            root_cost: self.root_cost,
            bridge: own,
            port: port.id,
            message_age: age,
            max_age: self.times.max_age,
            hello_time: self.times.hello,
            forward_delay: self.times.forward_delay,
        };
        port.config_pending = false;
        port.hold_timer = Some(now + HOLD_TIME);
        self.frames.push_back((index, Bpdu::Config(bpdu).emit(port.mac)));
    }

    /// 8.6.6; `br_transmit_tcn`.
    fn send_notification(&mut self) {
        let Some((index, port)) = self.root_port.and_then(|index| Some((index, self.ports.get(&index)?))) else {
            return;
        };
        if self.config.enabled {
            self.frames.push_back((index, Bpdu::TopologyChange.emit(port.mac)));
        }
    }

    // --- decisions ----------------------------------------------------------------------------------------------

    fn is_root(&self) -> bool {
        self.root == self.id()
    }

    /// Ports whose cable is alive.
    fn alive(&self) -> impl Iterator<Item = (u32, &Port)> {
        self.ports.iter().filter(|(_, port)| port.state != PortState::Disabled).map(|(index, port)| (*index, port))
    }

    /// Whether this bridge is the one that serves the port's cable.
    fn serves(&self, port: &Port) -> bool {
        port.designated_bridge == self.id() && port.designated_port == port.id
    }

    /// 8.6.7; `br_configuration_update`.
    fn update_configuration(&mut self) {
        self.select_root();
        self.select_designated();
    }

    /// 8.6.8; `br_root_selection`: the port with the best way to the best root, if that is not this bridge.
    fn select_root(&mut self) {
        let own = self.id();
        let candidates = self.alive().filter(|(_, port)| !self.serves(port) && port.designated_root < own);
        let best = candidates.min_by_key(|(index, port)| {
            let cost = port.designated_cost.saturating_add(port.path_cost);
            (port.designated_root, cost, port.designated_bridge, port.designated_port, port.id, *index)
        });
        let best = best.map(|(index, port)| (index, port.designated_root, port.designated_cost, port.path_cost));
        match best {
            None => (self.root_port, self.root, self.root_cost) = (None, own, 0),
            Some((index, root, designated, path)) => {
                (self.root_port, self.root, self.root_cost) = (Some(index), root, designated.saturating_add(path));
            }
        }
    }

    /// 8.6.9; `br_designated_port_selection`.
    fn select_designated(&mut self) {
        let own = self.id();
        let better: Vec<u32> = self
            .alive()
            .filter(|(_, port)| {
                let stays = self.serves(port) || port.designated_root != self.root;
                let known = (port.designated_cost, port.designated_bridge, port.designated_port);
                stays || (self.root_cost, own, port.id) < known
            })
            .map(|(index, _)| index)
            .collect();
        for index in better {
            self.become_designated(index);
        }
    }

    /// 8.6.10; `br_become_designated_port`.
    fn become_designated(&mut self, index: u32) {
        let own = self.id();
        let Some(port) = self.ports.get_mut(&index) else { return };
        port.designated_root = self.root;
        port.designated_cost = self.root_cost;
        port.designated_bridge = own;
        port.designated_port = port.id;
    }

    /// 8.6.11; `br_port_state_selection`.
    fn select_states(&mut self, now: SimTime) {
        let alive: Vec<u32> = self.alive().map(|(index, _)| index).collect();
        for index in alive {
            let serves = self.ports.get(&index).is_some_and(|port| self.serves(port));
            if self.root_port == Some(index) {
                self.quiet(index);
                self.make_forwarding(now, index);
            } else if serves {
                if let Some(port) = self.ports.get_mut(&index) {
                    port.message_age_timer = None;
                }
                self.make_forwarding(now, index);
            } else {
                self.quiet(index);
                self.make_blocking(now, index);
            }
        }
    }

    /// Nothing is to be said at a port that does not serve its cable.
    fn quiet(&mut self, index: u32) {
        if let Some(port) = self.ports.get_mut(&index) {
            (port.config_pending, port.acknowledge) = (false, false);
        }
    }

    /// 8.6.12; `br_make_forwarding`.
    fn make_forwarding(&mut self, now: SimTime, index: u32) {
        let (enabled, delay) = (self.config.enabled, self.times.forward_delay);
        let Some(port) = self.ports.get_mut(&index).filter(|port| port.state == PortState::Blocking) else { return };
        if enabled {
            port.state = PortState::Listening;
            port.forward_delay_timer = Some(now + delay);
        } else {
            port.state = PortState::Forwarding;
            port.forward_delay_timer = None;
        }
    }

    /// 8.6.13; `br_make_blocking`.
    fn make_blocking(&mut self, now: SimTime, index: u32) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        if port.state == PortState::Blocking {
            return;
        }
        let used = matches!(port.state, PortState::Forwarding | PortState::Learning);
        port.state = PortState::Blocking;
        port.forward_delay_timer = None;
        if used {
            self.detect_change(now);
        }
    }

    /// 8.6.14; `br_topology_change_detection`.
    fn detect_change(&mut self, now: SimTime) {
        if !self.config.enabled {
            return;
        }
        self.changes = self.changes.saturating_add(1);
        if self.is_root() {
            self.topology_change = true;
            let lasts = self.config.forward_delay + self.config.max_age;
            self.topology_change_timer = Some(now + lasts);
        } else if !self.topology_change_detected {
            self.send_notification();
            self.tcn_timer = Some(now + self.config.hello_time);
        }
        self.topology_change_detected = true;
    }

    /// Nobody better is left: this bridge is the root from now on (`br_become_root_bridge`).
    fn became_root_perhaps(&mut self, now: SimTime, was_root: bool) {
        if was_root || !self.is_root() {
            return;
        }
        self.times = self.config.times();
        if !self.config.enabled {
            return;
        }
        self.detect_change(now);
        self.tcn_timer = None;
        self.speak(now);
        self.hello_timer = Some(now + self.times.hello);
    }

    /// Something may have changed: rows, and the next wake-up.
    fn changed(&mut self) {
        self.dirty = Dirty::All;
        self.refresh();
    }

    /// Without the protocol every port serves its cable, whatever the others do: a switch with a thousand ports is not
    /// gone through for each of them.
    fn is_simple(&self) -> bool {
        !self.config.enabled && self.root_port.is_none() && self.wakeup.is_none()
    }

    fn changed_port(&mut self, index: u32) {
        self.dirty = match self.dirty {
            Dirty::Clean => Dirty::Port(index),
            Dirty::Port(other) if other == index => Dirty::Port(index),
            _ => Dirty::All,
        };
    }
}

/// Six bits of priority, ten of number counted from 1 (net/bridge/br_stp_if.c, `br_make_port_id`). A switch with more
/// than 1,023 ports, which Linux refuses, has ports that share a number; their order decides then.
fn port_id(priority: u8, index: u32) -> u16 {
    u16::from(priority.min(PORT_PRIORITY_MAX)) << 10 | ((index + 1) & 0x3ff) as u16
}
