//! A server's addresses: which are free, who has which, whose time is over. Every question is answered without walking
//! through the pool.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use super::message::ClientKey;
use crate::addr::MacAddr;
use crate::time::SimTime;
use crate::view::LeaseState;

/// What a server remembers of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub client: ClientKey,
    pub mac: MacAddr,
    pub hostname: String,
    pub state: LeaseState,
    /// When the client last spoke of it.
    pub since: SimTime,
    pub expires: SimTime,
}

impl Binding {
    /// Nobody else may have the address now.
    fn holds(&self) -> bool {
        matches!(self.state, LeaseState::Offered | LeaseState::Bound | LeaseState::Declined)
    }
}

/// The addresses.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    first: u32,
    last: u32,
    /// Addresses that are not handed out to just anybody.
    reserved: BTreeSet<u32>,
    bindings: BTreeMap<Ipv4Addr, Binding>,
    by_client: BTreeMap<ClientKey, Ipv4Addr>,
    /// Deadlines of what is held.
    deadlines: BTreeSet<(SimTime, Ipv4Addr)>,
    /// What was held once and may be given to others, the longest unused first.
    reusable: BTreeSet<(SimTime, Ipv4Addr)>,
    /// What is held because somebody else uses it, the longest first.
    declined: BTreeSet<(SimTime, Ipv4Addr)>,
    /// Below this, every address has been used at least once.
    fresh: u32,
}

impl Pool {
    pub(super) fn new(first: Ipv4Addr, last: Ipv4Addr, reserved: BTreeSet<u32>) -> Self {
        let (first, last) = (first.to_bits(), last.to_bits());
        Self {
            first,
            last,
            reserved,
            bindings: BTreeMap::new(),
            by_client: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            reusable: BTreeSet::new(),
            declined: BTreeSet::new(),
            fresh: first,
        }
    }

    pub(super) fn contains(&self, addr: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&addr.to_bits()) && !self.reserved.contains(&addr.to_bits())
    }

    pub(super) fn get(&self, addr: Ipv4Addr) -> Option<&Binding> {
        self.bindings.get(&addr)
    }

    pub(super) fn bindings(&self) -> impl Iterator<Item = (&Ipv4Addr, &Binding)> {
        self.bindings.iter()
    }

    pub(super) fn of_client(&self, client: &ClientKey) -> Option<Ipv4Addr> {
        self.by_client.get(client).copied()
    }

    /// Whether this client may have the address: nobody else holds it.
    pub(super) fn free_for(&self, addr: Ipv4Addr, client: &ClientKey) -> bool {
        self.bindings.get(&addr).is_none_or(|binding| {
            (binding.client == *client && binding.state != LeaseState::Declined) || !binding.holds()
        })
    }

    /// An address for a client that has none: one that was never used, else the longest unused.
    pub(super) fn choose(&mut self) -> Option<Ipv4Addr> {
        while self.fresh <= self.last && self.fresh >= self.first {
            let addr = Ipv4Addr::from_bits(self.fresh);
            if self.contains(addr) && !self.bindings.contains_key(&addr) {
                return Some(addr);
            }
            self.fresh = self.fresh.checked_add(1)?;
        }
        self.reusable.iter().map(|(_, addr)| *addr).find(|addr| self.contains(*addr))
    }

    /// Whether [`Self::choose`] would find one.
    pub(super) fn has_free(&self) -> bool {
        let fresh = || {
            let unused = |addr: &u32| {
                let addr = Ipv4Addr::from_bits(*addr);
                self.contains(addr) && !self.bindings.contains_key(&addr)
            };
            (self.fresh.max(self.first)..=self.last).find(unused)
        };
        self.reusable.iter().any(|(_, addr)| self.contains(*addr)) || fresh().is_some()
    }

    /// The address that was given up longest ago because somebody else used it: the last resort.
    pub(super) fn abandoned(&self) -> Option<Ipv4Addr> {
        self.declined.iter().map(|(_, addr)| *addr).find(|addr| self.contains(*addr))
    }

    /// How many addresses are held now.
    pub(super) fn held(&self) -> usize {
        self.deadlines.len()
    }

    /// Remembers something of an address. A client has one address at a time: what it had before is free.
    /// Returns that one.
    pub(super) fn put(&mut self, addr: Ipv4Addr, binding: Binding) -> Option<Ipv4Addr> {
        let before = self.by_client.get(&binding.client).copied().filter(|old| *old != addr);
        if let Some(old) = before {
            self.forget(old);
        }
        self.forget(addr);
        if binding.holds() {
            self.deadlines.insert((binding.expires, addr));
        } else {
            self.reusable.insert((binding.expires, addr));
        }
        if binding.state == LeaseState::Declined {
            self.declined.insert((binding.expires, addr));
        } else {
            self.by_client.insert(binding.client.clone(), addr);
        }
        self.bindings.insert(addr, binding);
        before
    }

    /// Forgets an address altogether.
    pub(super) fn forget(&mut self, addr: Ipv4Addr) {
        if let Some(binding) = self.bindings.remove(&addr) {
            self.deadlines.remove(&(binding.expires, addr));
            self.reusable.remove(&(binding.expires, addr));
            self.declined.remove(&(binding.expires, addr));
            if self.by_client.get(&binding.client) == Some(&addr) {
                self.by_client.remove(&binding.client);
            }
            // An offer nobody took leaves no trace: the address is as fresh as before.
            self.fresh = self.fresh.min(addr.to_bits()).max(self.first);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<SimTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The next address whose time is over.
    pub(super) fn overdue(&self, now: SimTime) -> Option<Ipv4Addr> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, addr)| *addr)
    }
}
