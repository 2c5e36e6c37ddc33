//! A learning switch (Linux: bridge): IEEE 802.1D's relay without spanning tree.
//!
//! Owns to which of its ports a frame goes on. Must not know IP, links, or who is at its ports.
//! Steps of [`Switch::forward`] are one function each, so that spanning tree (states of ports), port security and
//! filters find their places between them.

mod fdb;

use core::time::Duration;
use std::collections::BTreeSet;

pub use self::fdb::FdbChange;

use self::fdb::Fdb;
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::limits;
use crate::time::SimTime;
use crate::view::FdbRow;

/// Bytes of an Ethernet header without tags.
const HEADER_BYTES: usize = 14;

/// What a switch is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchConfig {
    /// An address not seen for so long is forgotten (Linux: `BR_DEFAULT_AGEING_TIME`, 300 s; IEEE 802.1D table 7-5).
    pub ageing: Duration,
    /// Addresses it can remember, at most [`limits::FDB_ENTRIES_MAX`]; more are flooded.
    pub fdb_max: usize,
}

impl Default for SwitchConfig {
    fn default() -> Self {
        Self { ageing: Duration::from_secs(300), fdb_max: limits::FDB_ENTRIES_MAX }
    }
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// Out of this switch port.
    Port(u32),
    /// Out of all switch ports but the one it came in by.
    Flood,
    /// Nowhere.
    Drop(DropReason),
}

/// A switch.
#[derive(Clone, Debug)]
pub struct Switch {
    ports: BTreeSet<u32>,
    fdb: Fdb,
}

impl Switch {
    /// A switch without ports.
    pub fn new(config: SwitchConfig) -> Self {
        let fdb = Fdb::new(config.ageing, config.fdb_max.min(limits::FDB_ENTRIES_MAX));
        Self { ports: BTreeSet::new(), fdb }
    }

    /// Adds a switch port. Adding one that is there changes nothing.
    pub fn add_port(&mut self, port: u32) {
        self.ports.insert(port);
    }

    /// Takes a switch port away and forgets what was behind it.
    pub fn remove_port(&mut self, port: u32) {
        if self.ports.remove(&port) {
            self.fdb.forget_port(port);
        }
    }

    /// Its ports, in order: what [`Forwarding::Flood`] means, without the port a frame came in by.
    pub fn ports(&self) -> impl Iterator<Item = u32> + '_ {
        self.ports.iter().copied()
    }

    /// Learns where `frame` came from and decides where it goes.
    pub fn forward(&mut self, now: SimTime, in_port: u32, frame: &[u8]) -> Forwarding {
        let (destination, source) = match self.addresses(in_port, frame) {
            Ok(addresses) => addresses,
            Err(reason) => return Forwarding::Drop(reason),
        };
        self.fdb.learn(now, source, in_port);
        if is_reserved(destination) {
            return Forwarding::Drop(DropReason::ReservedMulticast);
        }
        self.relay(now, in_port, destination)
    }

    /// The ingress check: whole header, a port of ours, a source that can be a card's (Linux: `br_handle_frame`
    /// refuses what `is_valid_ether_addr` does not accept).
    fn addresses(&self, in_port: u32, frame: &[u8]) -> Result<(MacAddr, MacAddr), DropReason> {
        if !self.ports.contains(&in_port) {
            return Err(DropReason::NoCable);
        }
        if frame.len() < HEADER_BYTES {
            return Err(DropReason::FrameTooShort);
        }
        let read = |at: usize| frame.get(at..).and_then(MacAddr::from_slice).ok_or(DropReason::FrameTooShort);
        let (destination, source) = (read(0)?, read(6)?);
        if source.is_unicast() { Ok((destination, source)) } else { Err(DropReason::SourceMacInvalid) }
    }

    /// The relay (IEEE 802.1D 7.7): to the one port behind which the destination is, or to all others.
    fn relay(&self, now: SimTime, in_port: u32, destination: MacAddr) -> Forwarding {
        let known = if destination.is_multicast() { None } else { self.fdb.port_of(now, destination) };
        match known {
            Some(port) if port == in_port => Forwarding::Drop(DropReason::SamePort),
            Some(port) => Forwarding::Port(port),
            None if self.ports.len() < 2 => Forwarding::Drop(DropReason::NoOtherPort),
            None => Forwarding::Flood,
        }
    }

    /// When [`Switch::age_out`] may have something to do.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.fdb.next_wakeup()
    }

    /// Forgets addresses that have not been seen for the ageing time.
    pub fn age_out(&mut self, now: SimTime) {
        self.fdb.age_out(now);
    }

    /// The next fact about the FDB.
    pub fn poll_change(&mut self) -> Option<FdbChange> {
        self.fdb.poll_change()
    }

    /// The FDB as rows of switch `node`, in the order of addresses; with ages if `samples`.
    pub fn rows(&self, node: NodeId, now: SimTime, samples: bool) -> Vec<FdbRow> {
        let age = |seen: SimTime| samples.then(|| now.since(seen).as_secs());
        self.fdb.sorted().map(|(mac, port, seen)| FdbRow { switch: node, mac, port, age_secs: age(seen) }).collect()
    }

    /// Frames whose source was not learned because the FDB was full: a sample.
    pub fn learns_refused(&self) -> u64 {
        self.fdb.refused()
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
