//! Answers that wait: for a server that takes its time, and for an address that is pinged before it is offered
//! (RFC 2131 2.2; ISC's `ping-check`).

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::reply::Reply;
use crate::limits;
use crate::time::SimTime;

/// How long an echo reply is waited for (dhcpd.conf's `ping-timeout`).
const PING_WAIT: Duration = Duration::from_secs(1);

/// What waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    /// By the instant they are due, in the order they were made.
    waiting: BTreeMap<(SimTime, u64), Reply>,
    made: u64,
    probes: BTreeMap<Ipv4Addr, (SimTime, Reply)>,
    to_ping: VecDeque<Ipv4Addr>,
    ready: VecDeque<Reply>,
}

impl Outbox {
    /// Keeps an answer until `at`. `false` when too many wait already.
    pub(super) fn later(&mut self, at: SimTime, reply: Reply) -> bool {
        if self.waiting.len() >= limits::DHCP_PENDING_MAX {
            return false;
        }
        self.made += 1;
        self.waiting.insert((at, self.made), reply);
        true
    }

    /// Pings an address; the offer of it goes out if nobody answers. The offer comes back when too many wait already.
    pub(super) fn probe(&mut self, now: SimTime, addr: Ipv4Addr, delay: Duration, offer: Reply) -> Option<Reply> {
        if self.probes.len() >= limits::DHCP_PENDING_MAX {
            return Some(offer);
        }
        self.probes.insert(addr, (now + PING_WAIT + delay, offer));
        self.to_ping.push_back(addr);
        None
    }

    pub(super) fn is_probing(&self, addr: Ipv4Addr) -> bool {
        self.probes.contains_key(&addr)
    }

    /// Somebody answered from this address: its offer is withdrawn.
    pub(super) fn answered(&mut self, addr: Ipv4Addr) -> bool {
        self.to_ping.retain(|waiting| *waiting != addr);
        self.probes.remove(&addr).is_some()
    }

    /// Moves what has come due to where it is fetched.
    pub(super) fn handle_timeout(&mut self, now: SimTime) {
        let due: Vec<Ipv4Addr> = self.probes.iter().filter(|(_, (at, _))| *at <= now).map(|(addr, _)| *addr).collect();
        for addr in due {
            self.ready.extend(self.probes.remove(&addr).map(|(_, offer)| offer));
        }
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            self.ready.push_back(first.remove());
        }
    }

    pub(super) fn next_wakeup(&self) -> Option<SimTime> {
        let probes = self.probes.values().map(|(at, _)| *at);
        probes.chain(self.waiting.keys().next().map(|(at, _)| *at)).min()
    }

    pub(super) fn poll_reply(&mut self) -> Option<Reply> {
        self.ready.pop_front()
    }

    pub(super) fn poll_ping(&mut self) -> Option<Ipv4Addr> {
        self.to_ping.pop_front()
    }
}
