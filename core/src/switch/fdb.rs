//! The forwarding database: which MAC address is behind which switch port.
//!
//! Owns learning, moving, ageing and the cap. Must not know frames.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BinaryHeap, VecDeque};

use crate::addr::MacAddr;
use crate::fixed_map::FixedMap;
use crate::time::SimTime;

/// A fact about the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdbChange {
    /// Learned, or seen behind another port than before.
    Put {
        /// Whose address.
        mac: MacAddr,
        /// Behind which switch port.
        port: u32,
    },
    /// Aged out, or its port is gone.
    Del {
        /// Whose address.
        mac: MacAddr,
    },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    port: u32,
    seen: SimTime,
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Fdb {
    ageing: Duration,
    entries_max: usize,
    entries: FixedMap<MacAddr, Entry>,
    /// Exactly one element for each entry, at or before the instant it ages out: a frame that refreshes an entry does
    /// not touch the heap; the element is put back when its time comes.
    deadlines: BinaryHeap<Reverse<(SimTime, MacAddr)>>,
    changes: VecDeque<FdbChange>,
    refused: u64,
}

impl Fdb {
    pub(super) fn new(ageing: Duration, entries_max: usize) -> Self {
        Self {
            ageing,
            entries_max,
            entries: FixedMap::new(),
            deadlines: BinaryHeap::new(),
            changes: VecDeque::new(),
            refused: 0,
        }
    }

    /// `mac` was seen at `port`.
    pub(super) fn learn(&mut self, now: SimTime, mac: MacAddr, port: u32) {
        if let Some(entry) = self.entries.get_mut(&mac) {
            entry.seen = now;
            if entry.port != port {
                entry.port = port;
                self.changes.push_back(FdbChange::Put { mac, port });
            }
        } else if self.entries.len() < self.entries_max {
            self.entries.insert(mac, Entry { port, seen: now });
            self.deadlines.push(Reverse((now + self.ageing, mac)));
            self.changes.push_back(FdbChange::Put { mac, port });
        } else {
            self.refused += 1;
        }
    }

    /// The switch port behind which `mac` is. An entry whose time is up does not count, even if nobody has called
    /// [`Fdb::age_out`] yet.
    pub(super) fn port_of(&self, now: SimTime, mac: MacAddr) -> Option<u32> {
        self.entries.get(&mac).filter(|entry| now < entry.seen + self.ageing).map(|entry| entry.port)
    }

    /// When [`Fdb::age_out`] may have something to do.
    pub(super) fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.peek().map(|Reverse((at, _))| *at)
    }

    /// Forgets what has not been seen for the ageing time.
    pub(super) fn age_out(&mut self, now: SimTime) {
        while let Some(&Reverse((at, mac))) = self.deadlines.peek() {
            if at > now {
                break;
            }
            self.deadlines.pop();
            let Some(entry) = self.entries.get(&mac) else { continue };
            let due = entry.seen + self.ageing;
            if due <= now {
                self.entries.remove(&mac);
                self.changes.push_back(FdbChange::Del { mac });
            } else {
                self.deadlines.push(Reverse((due, mac)));
            }
        }
    }

    /// Forgets everything behind `port`, in the order of addresses.
    pub(super) fn forget_port(&mut self, port: u32) {
        for mac in self.entries.sorted_keys(|_, entry| entry.port == port) {
            self.entries.remove(&mac);
            self.changes.push_back(FdbChange::Del { mac });
        }
        // One element for each entry again: an address that is learned anew must not find its old element.
        let entries = &self.entries;
        self.deadlines.retain(|Reverse((_, mac))| entries.contains_key(mac));
    }

    /// From now on addresses are forgotten after another time.
    pub(super) fn set_ageing(&mut self, now: SimTime, ageing: Duration) {
        if self.ageing == ageing {
            return;
        }
        self.ageing = ageing;
        let due = |(mac, entry): (MacAddr, &Entry)| Reverse((entry.seen + ageing, mac));
        self.deadlines = self.entries.sorted().into_iter().map(due).collect();
        self.age_out(now);
    }

    /// The time after which an address is forgotten.
    pub(super) const fn ageing(&self) -> Duration {
        self.ageing
    }

    /// The next fact.
    pub(super) fn poll_change(&mut self) -> Option<FdbChange> {
        self.changes.pop_front()
    }

    /// Every entry, by address: port and the instant it was last seen.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (MacAddr, u32, SimTime)> {
        self.entries.sorted().into_iter().map(|(mac, entry)| (mac, entry.port, entry.seen))
    }

    /// How many addresses were not learned because the table was full.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}
