//! The flow table: finds, makes and ends flows.

use core::net::Ipv4Addr;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use super::flow::Flow;
use super::ports::Ports;
use super::recent::Recent;
use super::{Filtering, FlowChange, Inbound, Mapping, NatConfig, Outbound, Outgoing};
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::fixed_map::FixedMap;
use crate::id::{FlowId, NodeId};
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{FlowOrigin, FlowRow, FlowWhy};

const ANY: Endpoint = Endpoint { addr: Ipv4Addr::UNSPECIFIED, port: 0 };

/// Realm, protocol, inside, and remote (or as much of it as the mapping looks at).
type OutKey = (u32, L4Proto, Endpoint, Endpoint);
/// Protocol, outside, and remote (or as much of it as the filter looks at).
type InKey = (L4Proto, Endpoint, Endpoint);

/// An inside endpoint's outside endpoint, and how many flows use it.
#[derive(Clone, Copy, Debug)]
struct Mapped {
    outside: Endpoint,
    flows: u32,
}

/// A NAT: its flow table.
#[derive(Clone, Debug)]
pub struct Nat {
    config: NatConfig,
    rng: Rng,
    flows: FixedMap<FlowId, Flow>,
    by_inside: FixedMap<OutKey, FlowId>,
    by_outside: FixedMap<InKey, FlowId>,
    mapped: FixedMap<OutKey, Mapped>,
    admitting: FixedMap<InKey, BTreeSet<FlowId>>,
    /// How many flows use an outside endpoint.
    outside_uses: FixedMap<(L4Proto, Endpoint), u32>,
    ports: Ports,
    recent: Recent,
    /// At least one entry a flow, at its deadline or before: refreshing a flow does not touch it.
    deadlines: BinaryHeap<Reverse<(SimTime, FlowId)>>,
    changes: VecDeque<FlowChange>,
    next_flow: u64,
    refused: u64,
}

impl Nat {
    /// An empty NAT.
    pub fn new(config: NatConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            flows: FixedMap::new(),
            by_inside: FixedMap::new(),
            by_outside: FixedMap::new(),
            mapped: FixedMap::new(),
            admitting: FixedMap::new(),
            outside_uses: FixedMap::new(),
            ports: Ports::default(),
            recent: Recent::default(),
            deadlines: BinaryHeap::new(),
            changes: VecDeque::new(),
            next_flow: 1,
            refused: 0,
        }
    }

    /// How it behaves.
    pub fn config(&self) -> &NatConfig {
        &self.config
    }

    /// Packets for which neither a flow nor a port was free.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Finds or makes the flow of a packet on its way out. `taken`: ports that the translating machine's own sockets
    /// use.
    ///
    /// # Errors
    /// `NatTableFull` when neither a flow nor a port is free; a flow that is there is never given up for a new one.
    pub fn translate_outbound(
        &mut self,
        now: SimTime,
        packet: &Outgoing,
        outside_addr: Ipv4Addr,
        taken: &dyn Fn(L4Proto, u16) -> bool,
    ) -> Result<Outbound, DropReason> {
        let packet = Outgoing { remote: normal(packet.proto, packet.remote), ..*packet };
        let key = (packet.realm, packet.proto, packet.inside, packet.remote);
        let known = self.by_inside.get(&key).copied();
        let id = match known.filter(|id| self.alive(*id, now, outside_addr)) {
            Some(id) => id,
            None => {
                // It has run out, or the machine has another address now.
                known.into_iter().for_each(|id| self.remove(id));
                let made = match self.choose_outside(&packet, outside_addr, taken) {
                    Some(outside) => self.add(now, &packet, outside, FlowOrigin::Outgoing),
                    None => None,
                };
                made.ok_or_else(|| self.refuse())?
            }
        };
        self.touch(now, id, true, packet.tcp_flags);
        let flow = self.flows.get(&id).ok_or(DropReason::NatTableFull)?;
        Ok(Outbound { flow: id, outside: flow.outside })
    }

    fn refuse(&mut self) -> DropReason {
        self.refused += 1;
        DropReason::NatTableFull
    }

    /// A flow that has not run out, and that still leaves by this address.
    fn alive(&self, id: FlowId, now: SimTime, outside: Ipv4Addr) -> bool {
        self.flows.get(&id).is_some_and(|flow| flow.expires > now && flow.outside.addr == outside)
    }

    /// As much of `remote` as the mapping depends on.
    fn mapping_scope(&self, remote: Endpoint) -> Endpoint {
        match self.config.mapping {
            Mapping::EndpointIndependent => ANY,
            Mapping::AddressDependent => Endpoint { port: 0, ..remote },
            Mapping::AddressAndPortDependent => remote,
        }
    }

    /// As much of `remote` as the filter looks at.
    fn filter_scope(&self, remote: Endpoint) -> Endpoint {
        match self.config.filtering {
            Filtering::EndpointIndependent => ANY,
            Filtering::AddressDependent => Endpoint { port: 0, ..remote },
            Filtering::AddressAndPortDependent => remote,
        }
    }

    fn choose_outside(
        &mut self,
        packet: &Outgoing,
        addr: Ipv4Addr,
        taken: &dyn Fn(L4Proto, u16) -> bool,
    ) -> Option<Endpoint> {
        let (proto, port, remote) = (packet.proto, packet.inside.port, packet.remote);
        let scope = (packet.realm, proto, packet.inside, self.mapping_scope(remote));
        if let Some(mapped) = self.mapped.get(&scope).filter(|mapped| mapped.outside.addr == addr) {
            return Some(mapped.outside);
        }
        // What a port may be shared by: with Linux's mapping by several inside endpoints, as long as answers can be told
        // apart; with the others by none ("port overloading", RFC 4787 REQ-3).
        let overloading = self.config.mapping == Mapping::AddressAndPortDependent;
        let free = |port: u16| {
            let outside = Endpoint::new(addr, port);
            let used = if overloading {
                self.by_outside.contains_key(&(proto, outside, remote))
            } else {
                self.ports.taken(proto, outside)
            };
            !used && !taken(proto, port)
        };
        if self.config.port_preservation && port != 0 && free(port) {
            return Some(Endpoint::new(addr, port));
        }
        let start = self.rng.next_u32();
        let parity = (self.config.port_parity && proto == L4Proto::Udp).then_some(port % 2);
        let ranges = self.ranges(proto, port);
        let candidates = ranges.iter().flat_map(|(range, parity_kept)| {
            let parity = parity.filter(|_| *parity_kept);
            self.ports.free(proto, addr, *range, start, parity)
        });
        let shared = ranges.iter().filter(|_| overloading).flat_map(|((first, last), _)| *first..=*last);
        candidates.chain(shared).find(|port| free(*port)).map(|port| Endpoint::new(addr, port))
    }

    /// Where an outside port is looked for, one range after the other, and whether its parity is to be kept.
    fn ranges(&self, proto: L4Proto, port: u16) -> Vec<((u16, u16), bool)> {
        let (first, last) = self.config.port_range;
        let high = [((first, last), true), ((first, last), false)];
        match proto {
            // Identifiers are no ports: there are no low ones.
            L4Proto::Icmp => vec![((1, u16::MAX), false)],
            _ if port != 0 && port < first => {
                let low = (1, first - 1);
                [(low, true), (low, false)].into_iter().chain(high).collect()
            }
            _ => high.to_vec(),
        }
    }

    fn add(&mut self, now: SimTime, packet: &Outgoing, outside: Endpoint, origin: FlowOrigin) -> Option<FlowId> {
        if self.flows.len() >= self.config.flows_max {
            return None;
        }
        let id = FlowId(self.next_flow);
        // Even numbers are for what the host's own conntrack translates: both share the host's table of flows.
        self.next_flow += 2;
        let (realm, proto, inside, remote) = (packet.realm, packet.proto, packet.inside, packet.remote);
        let flow = Flow::new(realm, proto, inside, outside, remote, origin, now);
        self.by_inside.insert((realm, proto, inside, remote), id);
        self.by_outside.insert((proto, outside, remote), id);
        let scope = (realm, proto, inside, self.mapping_scope(remote));
        let mapped = self.mapped.get_or_insert_with(scope, || Mapped { outside, flows: 0 });
        mapped.flows += 1;
        if mapped.outside.addr != outside.addr {
            mapped.outside = outside;
        }
        let filter = (proto, outside, self.filter_scope(remote));
        self.admitting.get_or_insert_with(filter, BTreeSet::new).insert(id);
        *self.outside_uses.get_or_insert_with((proto, outside), || 0) += 1;
        self.ports.take(proto, outside);
        self.flows.insert(id, flow);
        self.changes.push_back(FlowChange::Put(id));
        Some(id)
    }

    /// A packet of a flow passed: its state and deadline follow.
    fn touch(&mut self, now: SimTime, id: FlowId, outward: bool, tcp_flags: u8) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let (before, timer) = (flow.state(), flow.timer());
        let first = flow.queued == SimTime::MAX;
        flow.saw(outward, tcp_flags);
        if first || outward || self.config.inbound_refresh || flow.proto != L4Proto::Udp {
            flow.expires = now + flow.timeout(&self.config.timeouts);
        }
        if first || flow.expires < flow.queued {
            flow.queued = flow.expires;
            self.deadlines.push(Reverse((flow.expires, id)));
        }
        if flow.state() != before || flow.timer() != timer {
            self.changes.push_back(FlowChange::Put(id));
        }
    }

    /// Finds the flow of a packet that came in for `outside` from `remote`; makes one where the filter lets a stranger
    /// in through a mapping.
    pub fn translate_inbound(
        &mut self,
        now: SimTime,
        proto: L4Proto,
        outside: Endpoint,
        remote: Endpoint,
        tcp_flags: u8,
    ) -> Inbound {
        let remote = normal(proto, remote);
        let known = self.by_outside.get(&(proto, outside, remote)).copied();
        if let Some(id) = known.filter(|id| self.flows.get(id).is_some_and(|flow| flow.expires > now)) {
            self.touch(now, id, false, tcp_flags);
            return self.to(id);
        }
        if !self.outside_uses.contains_key(&(proto, outside)) {
            return Inbound::NotOurs;
        }
        let Some(flow) = self.admitted_by(now, proto, outside, remote) else {
            return Inbound::Refused(DropReason::NatFiltered);
        };
        known.into_iter().for_each(|id| self.remove(id));
        let packet = Outgoing { realm: flow.realm, proto, inside: flow.inside, remote, tcp_flags: 0 };
        // The same two machines talk through another outside endpoint already: one answer could not go two ways.
        if self.by_inside.contains_key(&(flow.realm, proto, flow.inside, remote)) {
            return Inbound::Refused(DropReason::NatFiltered);
        }
        match self.add(now, &packet, outside, FlowOrigin::Incoming) {
            Some(id) => {
                self.touch(now, id, false, tcp_flags);
                self.to(id)
            }
            None => Inbound::Refused(self.refuse()),
        }
    }

    fn to(&self, id: FlowId) -> Inbound {
        self.flows.get(&id).map_or(Inbound::NotOurs, |flow| Inbound::To {
            flow: id,
            realm: flow.realm,
            inside: flow.inside,
        })
    }

    /// The flow whose mapping a stranger may use, by the filtering (RFC 4787 5).
    fn admitted_by(&self, now: SimTime, proto: L4Proto, outside: Endpoint, remote: Endpoint) -> Option<Flow> {
        let ids = self.admitting.get(&(proto, outside, self.filter_scope(remote)))?;
        ids.iter().find_map(|id| self.flows.get(id).filter(|flow| flow.expires > now)).cloned()
    }

    /// Whether a flow has this outside endpoint.
    pub fn uses(&self, proto: L4Proto, outside: Endpoint) -> bool {
        self.outside_uses.contains_key(&(proto, outside))
    }

    /// Whether a flow had this outside endpoint lately: what comes for it now is an answer that is too late.
    pub fn used_lately(&self, proto: L4Proto, outside: Endpoint) -> bool {
        self.recent.contains(proto, outside)
    }

    /// For an ICMP error from outside: whose packet it is about, by the packet's translated source and destination.
    /// Nothing is refreshed or ended (RFC 4787 REQ-12, RFC 5382 REQ-10, RFC 5508 REQ-6).
    pub fn lookup_outbound_of_error(
        &self,
        proto: L4Proto,
        outside: Endpoint,
        remote: Endpoint,
    ) -> Option<(FlowId, u32, Endpoint)> {
        let id = *self.by_outside.get(&(proto, outside, normal(proto, remote)))?;
        self.flows.get(&id).map(|flow| (id, flow.realm, flow.inside))
    }

    /// For an ICMP error from inside: which outside endpoint the packet it is about came in at.
    pub fn lookup_inbound_of_error(
        &self,
        realm: u32,
        proto: L4Proto,
        inside: Endpoint,
        remote: Endpoint,
    ) -> Option<Endpoint> {
        let id = self.by_inside.get(&(realm, proto, inside, normal(proto, remote)))?;
        self.flows.get(id).map(|flow| flow.outside)
    }

    /// When the next flow may run out.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.peek().map(|Reverse((at, _))| *at)
    }

    /// Removes flows that have run out.
    pub fn handle_timeout(&mut self, now: SimTime) {
        while let Some(&Reverse((at, id))) = self.deadlines.peek()
            && at <= now
        {
            self.deadlines.pop();
            match self.flows.get_mut(&id) {
                Some(flow) if flow.expires <= now => self.remove(id),
                // It was refreshed, or queued again for an earlier deadline.
                Some(flow) if flow.queued == at => {
                    flow.queued = flow.expires;
                    self.deadlines.push(Reverse((flow.expires, id)));
                }
                _ => {}
            }
        }
    }

    fn remove(&mut self, id: FlowId) {
        let Some(flow) = self.flows.remove(&id) else { return };
        let (proto, outside) = (flow.proto, flow.outside);
        self.by_inside.remove(&(flow.realm, proto, flow.inside, flow.remote));
        self.by_outside.remove(&(proto, outside, flow.remote));
        let scope = (flow.realm, proto, flow.inside, self.mapping_scope(flow.remote));
        if let Some(mapped) = self.mapped.get_mut(&scope) {
            mapped.flows -= 1;
            if mapped.flows == 0 {
                self.mapped.remove(&scope);
            }
        }
        let filter = (proto, outside, self.filter_scope(flow.remote));
        if let Some(ids) = self.admitting.get_mut(&filter) {
            ids.remove(&id);
            if ids.is_empty() {
                self.admitting.remove(&filter);
            }
        }
        if let Some(count) = self.outside_uses.get_mut(&(proto, outside)) {
            *count -= 1;
            if *count == 0 {
                self.outside_uses.remove(&(proto, outside));
                self.ports.release(proto, outside);
                self.recent.ended(proto, outside);
            }
        }
        self.changes.push_back(FlowChange::Del(id));
    }

    /// Removes all flows of a private network.
    pub fn remove_realm(&mut self, realm: u32) {
        for id in self.flows.sorted_keys(|_, flow| flow.realm == realm) {
            self.remove(id);
        }
    }

    /// The next change of the table since the last call.
    pub fn poll_change(&mut self) -> Option<FlowChange> {
        self.changes.pop_front()
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// All flows, in the order in which they were made.
    pub fn flows(&self) -> Vec<FlowId> {
        self.flows.sorted_keys(|_, _| true)
    }

    /// The private network of a flow.
    pub fn realm_of(&self, flow: FlowId) -> Option<u32> {
        self.flows.get(&flow).map(|flow| flow.realm)
    }

    /// The row of a flow; with samples, its deadline.
    pub fn row(&self, id: FlowId, node: NodeId, engine: Option<NodeId>, samples: bool) -> Option<FlowRow> {
        let flow = self.flows.get(&id)?;
        Some(FlowRow {
            node,
            id,
            engine,
            proto: flow.proto,
            inside: flow.inside,
            outside: flow.outside,
            remote: flow.remote,
            state: flow.state(),
            why: Some(FlowWhy {
                origin: flow.origin,
                rule: String::new(),
                mapping: self.config.mapping,
                timer: flow.timer(),
            }),
            expires: samples.then_some(flow.expires),
        })
    }

    /// Whether the indexes agree with the flows, for tests.
    #[cfg(test)]
    pub(super) fn consistent(&self) -> bool {
        let uses: u32 = self.outside_uses.sorted().iter().map(|(_, count)| **count).sum();
        let mapped: u32 = self.mapped.sorted().iter().map(|(_, mapped)| mapped.flows).sum();
        let admitting: usize = self.admitting.sorted().iter().map(|(_, ids)| ids.len()).sum();
        let count = self.flows.len();
        count == self.by_inside.len()
            && count == self.by_outside.len()
            && count == uses as usize
            && count == mapped as usize
            && count == admitting
    }
}

/// ICMP's remote side has no port.
fn normal(proto: L4Proto, remote: Endpoint) -> Endpoint {
    if proto == L4Proto::Icmp { Endpoint::new(remote.addr, 0) } else { remote }
}
