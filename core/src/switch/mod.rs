//! A switch (Linux: bridge): IEEE 802.1D's relay with spanning tree, port security and storm control.
//!
//! Owns to which of its ports a frame goes on, and what it says to other bridges. Must not know IP, links, or who is at
//! its ports.
//! Steps of [`Switch::forward`] are one function each, in the order of Linux's bridge (net/bridge/br_input.c,
//! br_forward.c), so that filters find their places between them. Without spanning tree and port security they cost a
//! look at one byte a frame.

mod config;
mod fdb;
mod rows;
mod security;
mod storm;
mod stp;

use std::collections::BTreeMap;

pub use self::config::{PortConfig, SwitchConfig, path_cost};
pub use self::fdb::FdbChange;
pub use self::security::{SecurityConfig, Violation};
pub use self::stp::{PORT_PRIORITY, PORT_PRIORITY_MAX, PortRole, PortState, StpConfig};

use self::fdb::Fdb;
use self::security::Security;
use self::storm::{Storm, Verdict};
use self::stp::{Dirty, Stp};
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::frame::stp::{Bpdu, GROUP};
use crate::id::FrameId;
use crate::limits;
use crate::time::SimTime;
use crate::view::{BridgePortRow, BridgeRow};

/// Bytes of an Ethernet header without tags.
const HEADER_BYTES: usize = 14;

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// Out of this switch port.
    Port(u32),
    /// Out of all switch ports that forward, but the one it came in by.
    Flood,
    /// Into the switch again at this instant: it came round in a loop, and has to wait for its turn.
    Hold(SimTime),
    /// It was for the switch itself: a message of spanning tree.
    Taken,
    /// Nowhere.
    Drop(DropReason),
}

/// A port, as far as every frame asks.
#[derive(Clone, Debug, Default)]
struct SwitchPort {
    /// A cable is in it.
    plugged: bool,
    /// What spanning tree lets it do; disabled without a living cable.
    state: PortState,
    config: PortConfig,
    /// What the cable's rate makes the path cost.
    link_cost: u32,
    security: Option<Box<Security>>,
}

/// A switch.
#[derive(Clone, Debug)]
pub struct Switch {
    config: SwitchConfig,
    /// By number. What is set for a port stays while no cable is in it.
    ports: Vec<SwitchPort>,
    /// Ports that forward, in order.
    forwarding: Vec<u32>,
    fdb: Fdb,
    stp: Stp,
    storm: Storm,
    /// Rows as they were said last.
    told_bridge: Option<BridgeRow>,
    told_ports: BTreeMap<u32, BridgePortRow>,
    /// Ports whose rows may have changed; with `dirty`, all of them.
    dirty_ports: Vec<u32>,
    dirty: bool,
}

impl Switch {
    /// A switch without ports.
    pub fn new(config: SwitchConfig) -> Self {
        Self {
            ports: Vec::new(),
            forwarding: Vec::new(),
            fdb: Fdb::new(config.ageing, config.fdb_max.min(limits::FDB_ENTRIES_MAX)),
            stp: Stp::new(config.stp, config.mac),
            storm: Storm::new(config.storm_copies_per_sec),
            told_bridge: None,
            told_ports: BTreeMap::new(),
            dirty_ports: Vec::new(),
            dirty: true,
            config,
        }
    }

    /// What it is like.
    pub fn config(&self) -> &SwitchConfig {
        &self.config
    }

    /// What a port is like; none for a port that nobody ever used.
    pub fn port_config(&self, port: u32) -> Option<&PortConfig> {
        self.ports.get(port as usize).map(|port| &port.config)
    }

    // --- ports --------------------------------------------------------------------------------------------------

    /// A cable is put in; `link_cost` is what its rate makes the path cost ([`path_cost`]).
    pub fn plug(&mut self, now: SimTime, port: u32, link_cost: u32) {
        let entry = self.entry(port);
        entry.plugged = true;
        entry.link_cost = link_cost;
        self.dirty_ports.push(port);
        self.set_carrier(now, port, true);
    }

    /// The cable is taken out.
    pub fn unplug(&mut self, now: SimTime, port: u32) {
        self.set_carrier(now, port, false);
        self.entry(port).plugged = false;
        self.dirty_ports.push(port);
    }

    /// The other end of the cable comes alive or dies; what was learned behind it is forgotten then.
    pub fn set_carrier(&mut self, now: SimTime, port: u32, carrier: bool) {
        let mac = self.config.port_mac(port);
        let Some(entry) = self.ports.get(port as usize).filter(|entry| entry.plugged) else { return };
        if carrier {
            self.stp.enable_port(now, port, entry.cost(), entry.config.priority, mac);
        } else {
            self.stp.disable_port(now, port);
            self.fdb.forget_port(port);
        }
        self.sync(now);
    }

    /// The cable's rate has changed.
    pub fn set_link_cost(&mut self, now: SimTime, port: u32, link_cost: u32) {
        self.entry(port).link_cost = link_cost;
        self.apply_port(now, port);
    }

    /// Sets what a port is like. Port security begins anew if it is another than before.
    pub fn configure_port(&mut self, now: SimTime, port: u32, config: PortConfig) {
        let entry = self.entry(port);
        if entry.config.security != config.security {
            entry.security = config.security.clone().map(|config| Box::new(Security::new(config)));
            // An address that is not allowed any more must not be found any more.
            self.fdb.forget_port(port);
        }
        self.entry(port).config = config;
        self.apply_port(now, port);
    }

    /// Opens a port again that port security has shut.
    pub fn reopen_port(&mut self, now: SimTime, port: u32) {
        if let Some(security) = self.entry(port).security.as_mut() {
            security.reopen();
        }
        self.dirty = true;
        self.sync_all(now);
    }

    fn apply_port(&mut self, now: SimTime, port: u32) {
        let entry = self.entry(port);
        let (cost, priority) = (entry.cost(), entry.config.priority);
        self.stp.set_port(now, port, cost, priority);
        self.dirty_ports.push(port);
        self.sync(now);
    }

    fn entry(&mut self, port: u32) -> &mut SwitchPort {
        let at = port as usize;
        if self.ports.len() <= at {
            self.ports.resize_with(at + 1, SwitchPort::default);
        }
        &mut self.ports[at]
    }

    /// Its ports that forward, in order: what [`Forwarding::Flood`] means, without the port a frame came in by.
    pub fn ports(&self) -> impl Iterator<Item = u32> + '_ {
        self.forwarding.iter().copied()
    }

    /// Whether frames go out of this port.
    pub fn forwards(&self, port: u32) -> bool {
        self.ports.get(port as usize).is_some_and(SwitchPort::forwards)
    }

    // --- settings -----------------------------------------------------------------------------------------------

    /// Changes the settings of spanning tree.
    pub fn set_stp(&mut self, now: SimTime, config: StpConfig) {
        self.config.stp = config;
        self.stp.set_config(now, config);
        self.sync(now);
    }

    /// Changes how long an address is remembered.
    pub fn set_ageing(&mut self, now: SimTime, ageing: core::time::Duration) {
        self.config.ageing = ageing;
        self.dirty = true;
        self.sync_all(now);
    }

    // --- frames -------------------------------------------------------------------------------------------------

    /// Learns where `frame` came from and decides where it goes.
    pub fn forward(&mut self, now: SimTime, in_port: u32, id: FrameId, frame: &[u8]) -> Forwarding {
        match self.try_forward(now, in_port, id, frame) {
            Ok(forwarding) => forwarding,
            Err(reason) => Forwarding::Drop(reason),
        }
    }

    fn try_forward(&mut self, now: SimTime, in_port: u32, id: FrameId, frame: &[u8]) -> Result<Forwarding, DropReason> {
        let (destination, source) = self.addresses(in_port, frame)?;
        let state = self.admit(in_port, source)?;
        if is_reserved(destination) && (destination != GROUP || self.stp.enabled()) {
            return self.take(now, in_port, (destination, source), state, frame);
        }
        if !matches!(state, PortState::Learning | PortState::Forwarding) {
            return Err(DropReason::StpBlocking);
        }
        let looked = destination.is_multicast() || self.storm.is_episode();
        if looked && let Some(at) = self.control_storm(now, id)? {
            return Ok(Forwarding::Hold(at));
        }
        self.fdb.learn(now, source, in_port);
        if state == PortState::Learning {
            return Err(DropReason::StpBlocking);
        }
        let forwarding = self.relay(now, in_port, destination)?;
        let flooded = forwarding == Forwarding::Flood;
        // An unknown destination is flooded too.
        if flooded
            && !looked
            && let Some(at) = self.control_storm(now, id)?
        {
            return Ok(Forwarding::Hold(at));
        }
        if flooded || looked {
            self.storm.sent(id);
        }
        Ok(forwarding)
    }

    /// The ingress check: whole header, a port of ours, a source that can be a card's (Linux: `br_handle_frame`
    /// refuses what `is_valid_ether_addr` does not accept).
    fn addresses(&self, in_port: u32, frame: &[u8]) -> Result<(MacAddr, MacAddr), DropReason> {
        let read = |at: usize| frame.get(at..).and_then(MacAddr::from_slice).ok_or(DropReason::FrameTooShort);
        if self.state_of(in_port) == PortState::Disabled {
            return Err(DropReason::NoCable);
        }
        if frame.len() < HEADER_BYTES {
            return Err(DropReason::FrameTooShort);
        }
        let (destination, source) = (read(0)?, read(6)?);
        if source.is_unicast() { Ok((destination, source)) } else { Err(DropReason::SourceMacInvalid) }
    }

    fn state_of(&self, port: u32) -> PortState {
        self.ports.get(port as usize).map_or(PortState::Disabled, |port| port.state)
    }

    /// Port security; the state of the port.
    fn admit(&mut self, in_port: u32, source: MacAddr) -> Result<PortState, DropReason> {
        let Some(port) = self.ports.get_mut(in_port as usize) else { return Err(DropReason::NoCable) };
        if let Some(security) = &mut port.security {
            let admission = security.admit(source);
            if admission.changed {
                self.dirty_ports.push(in_port);
                if security.shut {
                    self.forwarding.retain(|port| *port != in_port);
                }
            }
            admission.result?;
        }
        Ok(port.state)
    }

    /// A frame that no bridge carries further: a message of spanning tree is taken, whatever the port's state
    /// (`br_handle_frame`: without spanning tree such a message is forwarded like any other frame, so that bridges
    /// beyond find their loop).
    fn take(
        &mut self,
        now: SimTime,
        in_port: u32,
        (destination, source): (MacAddr, MacAddr),
        state: PortState,
        frame: &[u8],
    ) -> Result<Forwarding, DropReason> {
        if matches!(state, PortState::Learning | PortState::Forwarding) {
            self.fdb.learn(now, source, in_port);
        }
        if destination != GROUP {
            return Err(DropReason::ReservedMulticast);
        }
        let bpdu = Bpdu::parse(frame)?;
        self.stp.handle_bpdu(now, in_port, &bpdu);
        self.sync(now);
        Ok(Forwarding::Taken)
    }

    /// Storm control, for what is flooded, and for everything while frames come back: until when the frame has to wait.
    fn control_storm(&mut self, now: SimTime, id: FrameId) -> Result<Option<SimTime>, DropReason> {
        let before = self.storm.is_storm();
        let copies = (self.forwarding.len() as u32).saturating_sub(1);
        let verdict = self.storm.look_at(now, id, copies);
        self.dirty |= before != self.storm.is_storm();
        match verdict {
            Verdict::Pass => Ok(None),
            Verdict::Wait(at) => Ok(Some(at)),
            Verdict::Drop => Err(DropReason::Storm),
        }
    }

    /// The relay (IEEE 802.1D 7.7): to the one port behind which the destination is, or to all others.
    fn relay(&self, now: SimTime, in_port: u32, destination: MacAddr) -> Result<Forwarding, DropReason> {
        let known = if destination.is_multicast() { None } else { self.fdb.port_of(now, destination) };
        match known {
            Some(port) if port == in_port => Err(DropReason::SamePort),
            Some(port) => match self.ports.get(port as usize) {
                Some(entry) if entry.forwards() => Ok(Forwarding::Port(port)),
                Some(entry) if entry.is_shut() => Err(DropReason::PortErrDisabled),
                _ => Err(DropReason::StpBlocking),
            },
            None if self.forwarding.len() < 2 => Err(DropReason::NoOtherPort),
            None => Ok(Forwarding::Flood),
        }
    }

    // --- time ---------------------------------------------------------------------------------------------------

    /// When [`Switch::handle_timeout`] may have something to do.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        let at = self.fdb.next_wakeup();
        match (self.stp.next_wakeup(), self.storm.next_wakeup()) {
            (None, None) => at,
            (stp, storm) => [at, stp, storm].into_iter().flatten().min(),
        }
    }

    /// Forgets addresses that have not been seen for the ageing time; runs the timers of spanning tree.
    pub fn handle_timeout(&mut self, now: SimTime) {
        self.stp.handle_timeout(now);
        self.dirty |= self.storm.handle_timeout(now);
        self.sync(now);
        self.fdb.age_out(now);
    }

    /// What spanning tree has decided holds for frames.
    fn sync(&mut self, now: SimTime) {
        match self.stp.take_dirty() {
            Dirty::Clean => {}
            Dirty::Port(port) => self.sync_port(port),
            Dirty::All => self.sync_all(now),
        }
    }

    fn sync_all(&mut self, now: SimTime) {
        self.dirty = true;
        self.forwarding.clear();
        for (number, port) in (0..).zip(&mut self.ports) {
            port.state = if port.plugged { self.stp.state(number) } else { PortState::Disabled };
            if port.forwards() {
                self.forwarding.push(number);
            }
        }
        self.fdb.set_ageing(now, self.stp.ageing(self.config.ageing));
    }

    fn sync_port(&mut self, number: u32) {
        self.dirty_ports.push(number);
        let state = self.stp.state(number);
        let entry = self.entry(number);
        entry.state = if entry.plugged { state } else { PortState::Disabled };
        match (entry.forwards(), self.forwarding.binary_search(&number)) {
            (true, Err(at)) => self.forwarding.insert(at, number),
            (false, Ok(at)) => {
                self.forwarding.remove(at);
            }
            _ => {}
        }
    }

    /// The next fact about the FDB.
    pub fn poll_change(&mut self) -> Option<FdbChange> {
        self.fdb.poll_change()
    }

    /// The next message of spanning tree to send: the port, and the whole frame.
    pub fn poll_frame(&mut self) -> Option<(u32, Vec<u8>)> {
        self.stp.poll_frame()
    }

    /// A storm has begun: how many frames had come back by then.
    pub fn take_storm(&mut self) -> Option<u32> {
        self.storm.take_news()
    }

    /// Frames whose source was not learned because the FDB was full: a sample.
    pub fn learns_refused(&self) -> u64 {
        self.fdb.refused()
    }
}

impl SwitchPort {
    /// The path cost: what is set, else what the cable's rate makes it.
    fn cost(&self) -> u32 {
        self.config.cost.unwrap_or(self.link_cost)
    }

    /// Whether frames go out here.
    fn forwards(&self) -> bool {
        self.state == PortState::Forwarding && !self.is_shut()
    }

    fn is_shut(&self) -> bool {
        self.security.as_ref().is_some_and(|security| security.shut)
    }
}

/// Whether no bridge forwards this destination: spanning tree, LACP, LLDP and the like (IEEE 802.1Q table 8-1,
/// 01:80:c2:00:00:00 to :0f).
fn is_reserved(destination: MacAddr) -> bool {
    let [a, b, c, d, e, last] = destination.0;
    [a, b, c, d, e] == [0x01, 0x80, 0xc2, 0x00, 0x00] && last < 0x10
}

#[cfg(test)]
mod tests;
