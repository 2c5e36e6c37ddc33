//! A machine's neighbours: whose MAC an IPv4 address has, how sure the machine is, and the packets that wait for it.
//!
//! States and timers are Linux's (net/core/neighbour.c; defaults of arp(7)): three questions one second apart, 30 s of
//! certainty (between half and one and a half of it), 5 s of delay, then three unicast questions.
//! Decisions only: the machine sends what [`Neighs::handle_timeout`] says.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ctx::PacketBuf;
use crate::addr::MacAddr;
use crate::id::NodeId;
use crate::limits;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{NeighRow, NeighState};

/// `retrans_time_ms`: between two questions.
const RETRANS: Duration = Duration::from_secs(1);
/// `base_reachable_time_ms`.
const BASE_REACHABLE_MS: u32 = 30_000;
/// `delay_first_probe_time`.
const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);
/// `locktime`: for so long after a change an answer with another MAC is not believed.
const LOCKTIME: Duration = Duration::from_secs(1);
/// `mcast_solicit` and `ucast_solicit`.
const PROBES: u8 = 3;

/// Which neighbour: the interface's index and the address.
pub type NeighKey = (u32, Ipv4Addr);

#[derive(Clone, Debug)]
struct Entry {
    mac: Option<MacAddr>,
    state: NeighState,
    deadline: Option<SimTime>,
    /// Questions already asked in this state.
    probes: u8,
    waiting: VecDeque<PacketBuf>,
    /// When its MAC or state last changed by what somebody said.
    updated: SimTime,
}

impl Default for Entry {
    fn default() -> Self {
        let (state, waiting) = (NeighState::Incomplete, VecDeque::new());
        Self { mac: None, state, deadline: None, probes: 0, waiting, updated: SimTime::ZERO }
    }
}

/// What somebody said about a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Its MAC.
    pub mac: MacAddr,
    /// It answers our question, so the neighbour is confirmed.
    pub solicited: bool,
    /// An entry is made if there is none (it asked for us, so we will answer it soon).
    pub create: bool,
    /// Another MAC than the one that is known is believed even right after the last change.
    pub overrides: bool,
}

/// What to do with a packet for a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The MAC is known.
    Send(MacAddr, PacketBuf),
    /// The packet waits; ask now.
    Ask,
    /// The packet waits; the question is already out.
    Waits,
    /// Too many packets wait already: this, the oldest, has to go.
    Overflow(PacketBuf),
}

/// What a timer brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeighAction {
    /// Ask for the neighbour; at this MAC only, if there is one.
    Ask(NeighKey, Option<MacAddr>),
    /// Nobody answered: these packets are lost.
    Failed(NeighKey, Vec<PacketBuf>),
    /// The row changed.
    Changed(NeighKey),
}

/// The neighbour table.
#[derive(Clone, Debug, Default)]
pub struct Neighs {
    entries: BTreeMap<NeighKey, Entry>,
    deadlines: BTreeSet<(SimTime, NeighKey)>,
    forgotten: VecDeque<(NeighKey, Vec<PacketBuf>)>,
}

impl Neighs {
    /// Rows in the order of interface and address.
    pub fn rows(&self, node: NodeId) -> Vec<NeighRow> {
        self.entries.iter().map(|(key, entry)| entry.row(node, *key)).collect()
    }

    /// One row.
    pub fn row(&self, node: NodeId, key: NeighKey) -> Option<NeighRow> {
        self.entries.get(&key).map(|entry| entry.row(node, key))
    }

    /// The earliest deadline.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn set(&mut self, key: NeighKey, state: NeighState, deadline: Option<SimTime>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            if let Some(old) = entry.deadline {
                self.deadlines.remove(&(old, key));
            }
            entry.state = state;
            entry.deadline = deadline;
            if let Some(at) = deadline {
                self.deadlines.insert((at, key));
            }
        }
    }

    /// Looks up where a packet for `key` goes, and starts asking if need be. `true`: the row changed.
    pub fn resolve(&mut self, now: SimTime, key: NeighKey, packet: PacketBuf) -> (Resolution, bool) {
        let Some(entry) = self.entries.get_mut(&key) else {
            self.make_room();
            let waiting = VecDeque::from([packet]);
            let entry = Entry { probes: 1, waiting, updated: now, ..Entry::default() };
            self.entries.insert(key, entry);
            self.set(key, NeighState::Incomplete, Some(now + RETRANS));
            return (Resolution::Ask, true);
        };
        match (entry.state, entry.mac) {
            (NeighState::Incomplete, _) => {
                entry.waiting.push_back(packet);
                if entry.waiting.len() > limits::NEIGHBOUR_QUEUE_MAX
                    && let Some(oldest) = entry.waiting.pop_front()
                {
                    return (Resolution::Overflow(oldest), false);
                }
                (Resolution::Waits, false)
            }
            (NeighState::Stale, Some(mac)) => {
                self.set(key, NeighState::Delay, Some(now + DELAY_FIRST_PROBE));
                (Resolution::Send(mac, packet), true)
            }
            (state, Some(mac)) if state != NeighState::Failed => (Resolution::Send(mac, packet), false),
            _ => {
                entry.mac = None;
                entry.probes = 1;
                entry.waiting.push_back(packet);
                self.set(key, NeighState::Incomplete, Some(now + RETRANS));
                (Resolution::Ask, true)
            }
        }
    }

    /// The packet that has waited longest for a neighbour.
    pub fn first_waiting(&self, key: NeighKey) -> Option<&PacketBuf> {
        self.entries.get(&key)?.waiting.front()
    }

    /// Somebody said which MAC `key` has (net/core/neighbour.c `neigh_update`). Returns whether the row changed, and
    /// the packets that waited.
    pub fn learn(&mut self, now: SimTime, key: NeighKey, news: News, rng: &mut Rng) -> (bool, Vec<PacketBuf>) {
        let News { mac, solicited, create, overrides } = news;
        if !self.entries.contains_key(&key) {
            if !create {
                return (false, Vec::new());
            }
            self.make_room();
            let entry = Entry { mac: Some(mac), state: NeighState::Stale, updated: now, ..Entry::default() };
            self.entries.insert(key, entry);
            return (true, Vec::new());
        }
        let Some(entry) = self.entries.get_mut(&key) else { return (false, Vec::new()) };
        if entry.state == NeighState::Permanent {
            return (false, Vec::new());
        }
        let before = (entry.mac, entry.state);
        let same_mac = entry.mac == Some(mac);
        let valid = entry.mac.is_some() && !matches!(entry.state, NeighState::Incomplete | NeighState::Failed);
        if valid && !same_mac && !overrides && now.since(entry.updated) <= LOCKTIME {
            return (false, Vec::new());
        }
        entry.mac = Some(mac);
        entry.probes = 0;
        let waiting: Vec<_> = entry.waiting.drain(..).collect();
        if solicited {
            let at = now + reachable_time(rng);
            self.set(key, NeighState::Reachable, Some(at));
        } else if !same_mac || matches!(before.1, NeighState::Incomplete | NeighState::Failed) {
            self.set(key, NeighState::Stale, None);
        }
        let Some(entry) = self.entries.get_mut(&key) else { return (false, waiting) };
        let changed = (entry.mac, entry.state) != before;
        if changed {
            entry.updated = now;
        }
        (changed, waiting)
    }

    /// A layer above had proof that the neighbour answers (`MSG_CONFIRM`, TCP's acknowledgements).
    pub fn confirm(&mut self, now: SimTime, key: NeighKey, rng: &mut Rng) -> bool {
        let Some(entry) = self.entries.get(&key) else { return false };
        if !matches!(entry.state, NeighState::Stale | NeighState::Delay | NeighState::Probe) {
            return false;
        }
        let at = now + reachable_time(rng);
        self.set(key, NeighState::Reachable, Some(at));
        true
    }

    /// What has come due.
    pub fn handle_timeout(&mut self, now: SimTime) -> Vec<NeighAction> {
        let mut actions = Vec::new();
        while let Some(&(at, key)) = self.deadlines.first()
            && at <= now
        {
            let Some(entry) = self.entries.get_mut(&key) else {
                self.deadlines.pop_first();
                continue;
            };
            match entry.state {
                NeighState::Incomplete | NeighState::Probe if entry.probes < PROBES => {
                    entry.probes += 1;
                    let (state, mac) = (entry.state, entry.mac);
                    self.set(key, state, Some(now + RETRANS));
                    actions.push(NeighAction::Ask(key, mac));
                }
                NeighState::Incomplete | NeighState::Probe => {
                    entry.mac = None;
                    let waiting = entry.waiting.drain(..).collect();
                    self.set(key, NeighState::Failed, None);
                    actions.push(NeighAction::Changed(key));
                    actions.push(NeighAction::Failed(key, waiting));
                }
                NeighState::Delay => {
                    entry.probes = 1;
                    let mac = entry.mac;
                    self.set(key, NeighState::Probe, Some(now + RETRANS));
                    actions.push(NeighAction::Changed(key));
                    actions.push(NeighAction::Ask(key, mac));
                }
                NeighState::Reachable => {
                    self.set(key, NeighState::Stale, None);
                    actions.push(NeighAction::Changed(key));
                }
                NeighState::Stale | NeighState::Failed | NeighState::Permanent => {
                    let state = entry.state;
                    self.set(key, state, None);
                }
            }
        }
        actions
    }

    /// Sets an entry by hand.
    pub fn put(&mut self, key: NeighKey, mac: Option<MacAddr>, state: NeighState) -> Vec<PacketBuf> {
        let waiting = self.remove(key).unwrap_or_default();
        self.make_room();
        self.entries.insert(key, Entry { mac, state, ..Entry::default() });
        waiting
    }

    /// Whether there is an entry.
    pub fn contains(&self, key: NeighKey) -> bool {
        self.entries.contains_key(&key)
    }

    /// Removes an entry; returns the packets that waited.
    pub fn remove(&mut self, key: NeighKey) -> Option<Vec<PacketBuf>> {
        let entry = self.entries.remove(&key)?;
        if let Some(at) = entry.deadline {
            self.deadlines.remove(&(at, key));
        }
        Some(entry.waiting.into())
    }

    /// Removes all entries of an interface (it went down or lost its carrier); permanent ones stay if `keep_permanent`.
    pub fn flush(&mut self, iface: u32, keep_permanent: bool) -> Vec<(NeighKey, Vec<PacketBuf>)> {
        let gone: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, e)| key.0 == iface && !(keep_permanent && e.state == NeighState::Permanent))
            .map(|(key, _)| *key)
            .collect();
        gone.into_iter().filter_map(|key| self.remove(key).map(|waiting| (key, waiting))).collect()
    }

    /// Forgets the first entry that nothing waits for, when the table is full (`gc_thresh3`).
    fn make_room(&mut self) {
        if self.entries.len() >= limits::NEIGHBOURS_MAX {
            let idle = self.entries.iter().find(|(_, e)| e.waiting.is_empty() && e.state != NeighState::Permanent);
            if let Some(key) = idle.map(|(key, _)| *key).or_else(|| self.entries.keys().next().copied())
                && let Some(waiting) = self.remove(key)
            {
                self.forgotten.push_back((key, waiting));
            }
        }
    }

    /// The next entry that had to make room for another, with the packets that waited for it.
    pub fn poll_forgotten(&mut self) -> Option<(NeighKey, Vec<PacketBuf>)> {
        self.forgotten.pop_front()
    }
}

impl Entry {
    fn row(&self, node: NodeId, key: NeighKey) -> NeighRow {
        NeighRow { node, iface: key.0, addr: key.1, mac: self.mac, state: self.state }
    }
}

/// Between half and one and a half of `base_reachable_time_ms` (`neigh_rand_reach_time`).
fn reachable_time(rng: &mut Rng) -> Duration {
    Duration::from_millis(u64::from(BASE_REACHABLE_MS / 2 + rng.below(BASE_REACHABLE_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const KEY: NeighKey = (2, Ipv4Addr::new(10, 0, 2, 1));
    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn packet() -> PacketBuf {
        PacketBuf::new(&[0x45; 20], None)
    }

    fn answer(mac: MacAddr) -> News {
        News { mac, solicited: true, create: false, overrides: false }
    }

    #[test]
    fn of_two_answers_the_first_holds_and_an_announcement_flips_the_entry() {
        let mut rng = Rng::stream(1, Purpose::Machine, 1);
        let mut neighs = Neighs::default();
        let other = MacAddr([2, 0, 0, 0, 0, 2]);
        let mac = |neighs: &Neighs| neighs.row(NodeId(0), KEY).unwrap().mac;
        neighs.resolve(SimTime::ZERO, KEY, packet());
        neighs.learn(SimTime::from_millis(1), KEY, answer(MAC), &mut rng);
        assert!(!neighs.learn(SimTime::from_millis(2), KEY, answer(other), &mut rng).0);
        assert_eq!(mac(&neighs), Some(MAC));
        let announced = News { mac: other, solicited: false, create: false, overrides: true };
        assert!(neighs.learn(SimTime::from_millis(3), KEY, announced, &mut rng).0);
        assert_eq!((mac(&neighs), state(&neighs)), (Some(other), NeighState::Stale));
        assert!(neighs.learn(SimTime::from_millis(1_004), KEY, answer(MAC), &mut rng).0, "a second later it may");
    }

    fn state(neighs: &Neighs) -> NeighState {
        neighs.row(NodeId(0), KEY).unwrap().state
    }

    #[test]
    fn an_unanswered_neighbour_is_asked_three_times_and_then_fails_with_its_packets() {
        let mut neighs = Neighs::default();
        assert_eq!(neighs.resolve(SimTime::ZERO, KEY, packet()).0, Resolution::Ask);
        let mut asked = 1;
        let mut failed = None;
        while let Some(at) = neighs.next_wakeup() {
            for action in neighs.handle_timeout(at) {
                match action {
                    NeighAction::Ask(..) => asked += 1,
                    NeighAction::Failed(_, packets) => failed = Some((at, packets.len())),
                    NeighAction::Changed(_) => {}
                }
            }
        }
        assert_eq!(asked, 3);
        assert_eq!(failed, Some((SimTime::from_secs(3), 1)));
        assert_eq!(state(&neighs), NeighState::Failed);
    }

    #[test]
    fn an_answer_releases_the_packets_and_grows_stale_then_is_probed_when_used() {
        let mut rng = Rng::stream(1, Purpose::Machine, 1);
        let mut neighs = Neighs::default();
        neighs.resolve(SimTime::ZERO, KEY, packet());
        let (changed, waiting) = neighs.learn(SimTime::from_millis(1), KEY, answer(MAC), &mut rng);
        assert!(changed);
        assert_eq!(waiting.len(), 1);
        assert_eq!(state(&neighs), NeighState::Reachable);
        let stale_at = neighs.next_wakeup().unwrap();
        assert!((15..=45).contains(&stale_at.as_secs()), "{stale_at}");
        neighs.handle_timeout(stale_at);
        assert_eq!(state(&neighs), NeighState::Stale);
        assert_eq!(neighs.next_wakeup(), None, "a stale neighbour waits for its next use");
        assert!(matches!(neighs.resolve(stale_at, KEY, packet()).0, Resolution::Send(..)));
        assert_eq!(state(&neighs), NeighState::Delay);
        let probe_at = neighs.next_wakeup().unwrap();
        assert_eq!(probe_at.since(stale_at), DELAY_FIRST_PROBE);
        assert!(neighs.handle_timeout(probe_at).contains(&NeighAction::Ask(KEY, Some(MAC))));
        assert_eq!(state(&neighs), NeighState::Probe);
    }

    #[test]
    fn a_full_queue_loses_its_oldest_packet() {
        let mut neighs = Neighs::default();
        for _ in 0..limits::NEIGHBOUR_QUEUE_MAX {
            neighs.resolve(SimTime::ZERO, KEY, packet());
        }
        assert!(matches!(neighs.resolve(SimTime::ZERO, KEY, packet()).0, Resolution::Overflow(_)));
    }
}
