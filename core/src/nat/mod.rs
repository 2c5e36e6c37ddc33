//! Network address translation as mapping, filtering and timeouts (RFC 4787, 5382, 5508): decisions for a packet and a
//! time. Must not know NICs, frames or the event queue: [`crate::machine`] rewrites what is decided here.
//!
//! A flow is seen from three sides: the *inside* endpoint (the machine behind the NAT, in its *realm*: two NAT engines
//! of one host have equal addresses inside), the *outside* endpoint (what the world sees instead), and the *remote*
//! endpoint. For ICMP echo, the identifier stands for the inside's and the outside's port, and the remote has 0.

mod config;
mod flow;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

pub use config::{Filtering, Mapping, NatConfig, Timeouts};
use flow::Flow;

use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::id::{FlowId, NodeId};
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::FlowRow;

/// A packet on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The private network it comes from.
    pub realm: u32,
    /// Protocol.
    pub proto: L4Proto,
    /// Its source.
    pub inside: Endpoint,
    /// Its destination.
    pub remote: Endpoint,
    /// TCP's flags, 0 for others.
    pub tcp_flags: u8,
}

/// What a packet on its way out becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// Its new source.
    pub outside: Endpoint,
}

/// What a packet that comes in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A flow's: for this machine inside.
    To {
        /// The flow.
        flow: FlowId,
        /// The private network.
        realm: u32,
        /// Its new destination.
        inside: Endpoint,
    },
    /// No mapping has this outside endpoint: the translating machine's own stack decides.
    NotOurs,
    /// There is a mapping, but this sender may not use it.
    Refused(DropReason),
}

/// A port that is forwarded to the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The private network.
    pub realm: u32,
    /// Protocol.
    pub proto: L4Proto,
    /// Where it is listened; an unspecified address means any.
    pub outside: Endpoint,
    /// Where it goes.
    pub inside: Endpoint,
}

/// A change of the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// New, or in another state.
    Put(FlowId),
    /// Gone.
    Del(FlowId),
}

type OutKey = (u32, L4Proto, Endpoint, Endpoint);
type InKey = (L4Proto, Endpoint, Endpoint);

/// A NAT: its flow table and its port forwards.
#[derive(Clone, Debug)]
pub struct Nat {
    config: NatConfig,
    rng: Rng,
    flows: BTreeMap<FlowId, Flow>,
    by_inside: BTreeMap<OutKey, FlowId>,
    by_outside: BTreeMap<InKey, FlowId>,
    /// How many flows use an outside endpoint.
    outside_uses: BTreeMap<(L4Proto, Endpoint), u32>,
    /// At least one entry a flow, at its deadline or before: refreshing a flow does not touch it.
    deadlines: BinaryHeap<Reverse<(SimTime, FlowId)>>,
    forwards: Vec<Forward>,
    changes: VecDeque<FlowChange>,
    next_flow: u64,
}

impl Nat {
    /// An empty NAT.
    pub fn new(config: NatConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            flows: BTreeMap::new(),
            by_inside: BTreeMap::new(),
            by_outside: BTreeMap::new(),
            outside_uses: BTreeMap::new(),
            deadlines: BinaryHeap::new(),
            forwards: Vec::new(),
            changes: VecDeque::new(),
            next_flow: 1,
        }
    }

    /// Finds or makes the flow of a packet on its way out. `taken`: ports that the translating machine's own sockets
    /// use.
    ///
    /// # Errors
    /// `NatTableFull` when neither a flow nor a port is free.
    pub fn translate_outbound(
        &mut self,
        now: SimTime,
        packet: &Outgoing,
        outside_addr: Ipv4Addr,
        taken: &dyn Fn(L4Proto, u16) -> bool,
    ) -> Result<Outbound, DropReason> {
        let remote = normal(packet.proto, packet.remote);
        let key = (packet.realm, packet.proto, packet.inside, remote);
        let known = self.by_inside.get(&key).copied().filter(|id| self.alive(*id, now, outside_addr));
        let id = match known {
            Some(id) => id,
            None => {
                self.forget_dead(key, now);
                let outside = self.choose_outside(packet, remote, outside_addr, taken)?;
                self.add(now, packet, remote, outside)?
            }
        };
        self.touch(now, id, true, packet.tcp_flags);
        let flow = self.flows.get(&id).ok_or(DropReason::NatTableFull)?;
        Ok(Outbound { flow: id, outside: flow.outside })
    }

    /// A flow that has not run out, and that still leaves by this address.
    fn alive(&self, id: FlowId, now: SimTime, outside: Ipv4Addr) -> bool {
        self.flows.get(&id).is_some_and(|flow| flow.expires > now && flow.outside.addr == outside)
    }

    fn forget_dead(&mut self, key: OutKey, _: SimTime) {
        if let Some(id) = self.by_inside.get(&key).copied() {
            self.remove(id);
        }
    }

    fn choose_outside(
        &mut self,
        packet: &Outgoing,
        remote: Endpoint,
        addr: Ipv4Addr,
        taken: &dyn Fn(L4Proto, u16) -> bool,
    ) -> Result<Endpoint, DropReason> {
        if self.flows.len() >= self.config.flows_max {
            return Err(DropReason::NatTableFull);
        }
        if let Some(mapped) = self.mapping_of(packet, remote, addr) {
            return Ok(mapped);
        }
        let reply_to = |port| Endpoint::new(addr, port);
        let free = |nat: &Self, port: u16| {
            let outside = reply_to(port);
            let in_use = match nat.config.mapping {
                // An outside port may serve several remotes, as long as replies can be told apart.
                Mapping::AddressAndPortDependent => nat.by_outside.contains_key(&(packet.proto, outside, remote)),
                _ => nat.outside_uses.contains_key(&(packet.proto, outside)),
            };
            !in_use && !taken(packet.proto, port)
        };
        if self.config.port_preservation && packet.inside.port != 0 && free(self, packet.inside.port) {
            return Ok(reply_to(packet.inside.port));
        }
        let (first, last) = self.config.port_range;
        let span = u32::from(last - first) + 1;
        let start = self.rng.below(span);
        (0..span)
            .map(|i| first + ((start + i) % span) as u16)
            .find(|port| free(self, *port))
            .map(reply_to)
            .ok_or(DropReason::NatTableFull)
    }

    /// The outside endpoint that the inside endpoint has already, where the mapping says that it is to be used again
    /// (RFC 4787 4.1).
    fn mapping_of(&self, packet: &Outgoing, remote: Endpoint, addr: Ipv4Addr) -> Option<Endpoint> {
        let low = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
        let high = Endpoint::new(Ipv4Addr::BROADCAST, u16::MAX);
        let (realm, proto, inside) = (packet.realm, packet.proto, packet.inside);
        let fits = |other: &Endpoint| match self.config.mapping {
            Mapping::EndpointIndependent => true,
            Mapping::AddressDependent => other.addr == remote.addr,
            Mapping::AddressAndPortDependent => false,
        };
        self.by_inside
            .range((realm, proto, inside, low)..=(realm, proto, inside, high))
            .filter(|((_, _, _, other), _)| fits(other))
            .find_map(|(_, id)| self.flows.get(id))
            .map(|flow| flow.outside)
            .filter(|outside| outside.addr == addr)
    }

    fn add(
        &mut self,
        now: SimTime,
        packet: &Outgoing,
        remote: Endpoint,
        outside: Endpoint,
    ) -> Result<FlowId, DropReason> {
        if self.flows.len() >= self.config.flows_max {
            return Err(DropReason::NatTableFull);
        }
        let id = FlowId(self.next_flow);
        self.next_flow += 1;
        let flow = Flow::new(packet.realm, packet.proto, packet.inside, outside, remote, now);
        self.by_inside.insert((packet.realm, packet.proto, packet.inside, remote), id);
        self.by_outside.insert((packet.proto, outside, remote), id);
        *self.outside_uses.entry((packet.proto, outside)).or_default() += 1;
        self.flows.insert(id, flow);
        self.changes.push_back(FlowChange::Put(id));
        Ok(id)
    }

    /// A packet of a flow passed: its state and deadline follow.
    fn touch(&mut self, now: SimTime, id: FlowId, outward: bool, tcp_flags: u8) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let before = flow.state();
        flow.saw(outward, tcp_flags);
        let expires = now + flow.timeout(&self.config.timeouts);
        let earlier = expires < flow.queued;
        flow.expires = expires;
        if flow.queued == SimTime::MAX || earlier {
            flow.queued = expires;
            self.deadlines.push(Reverse((expires, id)));
        }
        if flow.state() != before {
            self.changes.push_back(FlowChange::Put(id));
        }
    }

    /// Finds the flow of a packet that came in for `outside` from `remote`; a port forward makes one.
    pub fn translate_inbound(
        &mut self,
        now: SimTime,
        proto: L4Proto,
        outside: Endpoint,
        remote: Endpoint,
        tcp_flags: u8,
    ) -> Inbound {
        let remote = normal(proto, remote);
        if let Some(id) = self.by_outside.get(&(proto, outside, remote)).copied()
            && self.flows.get(&id).is_some_and(|flow| flow.expires > now)
        {
            self.touch(now, id, false, tcp_flags);
            return self.to(id);
        }
        if let Some(forward) = self.forward_of(proto, outside) {
            let packet = Outgoing { realm: forward.realm, proto, inside: forward.inside, remote, tcp_flags: 0 };
            self.forget_dead((packet.realm, proto, packet.inside, remote), now);
            return match self.add(now, &packet, remote, outside) {
                Ok(id) => {
                    self.touch(now, id, false, tcp_flags);
                    self.to(id)
                }
                Err(reason) => Inbound::Refused(reason),
            };
        }
        if !self.outside_uses.contains_key(&(proto, outside)) {
            return Inbound::NotOurs;
        }
        match self.admitted_by(now, proto, outside, remote) {
            Some(flow) => {
                let packet = Outgoing { realm: flow.realm, proto, inside: flow.inside, remote, tcp_flags: 0 };
                match self.add(now, &packet, remote, outside) {
                    Ok(id) => {
                        self.touch(now, id, false, tcp_flags);
                        self.to(id)
                    }
                    Err(reason) => Inbound::Refused(reason),
                }
            }
            None => Inbound::Refused(DropReason::NatFiltered),
        }
    }

    fn to(&self, id: FlowId) -> Inbound {
        self.flows.get(&id).map_or(Inbound::NotOurs, |flow| Inbound::To {
            flow: id,
            realm: flow.realm,
            inside: flow.inside,
        })
    }

    fn forward_of(&self, proto: L4Proto, outside: Endpoint) -> Option<Forward> {
        let fits = |forward: &&Forward| {
            forward.proto == proto
                && forward.outside.port == outside.port
                && (forward.outside.addr.is_unspecified() || forward.outside.addr == outside.addr)
        };
        self.forwards.iter().find(fits).copied()
    }

    /// The flow whose mapping a stranger may use, by the filtering (RFC 4787 5).
    fn admitted_by(&self, now: SimTime, proto: L4Proto, outside: Endpoint, remote: Endpoint) -> Option<Flow> {
        let low = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
        let high = Endpoint::new(Ipv4Addr::BROADCAST, u16::MAX);
        let fits = |other: &Endpoint| match self.config.filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => other.addr == remote.addr,
            Filtering::AddressAndPortDependent => false,
        };
        self.by_outside
            .range((proto, outside, low)..=(proto, outside, high))
            .filter(|((_, _, other), _)| fits(other))
            .find_map(|(_, id)| self.flows.get(id).filter(|flow| flow.expires > now))
            .cloned()
    }

    /// Whether a flow has this outside endpoint.
    pub fn uses(&self, proto: L4Proto, outside: Endpoint) -> bool {
        self.outside_uses.contains_key(&(proto, outside))
    }

    /// Adds a port forward.
    pub fn add_forward(&mut self, forward: Forward) {
        self.forwards.push(forward);
    }

    /// Removes a port forward.
    pub fn remove_forward(&mut self, forward: &Forward) {
        self.forwards.retain(|other| other != forward);
    }

    /// For an ICMP error from outside: whose packet it is about, by the packet's translated source and destination.
    /// Nothing is refreshed (RFC 5508 7.1).
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
        self.by_inside.remove(&(flow.realm, flow.proto, flow.inside, flow.remote));
        self.by_outside.remove(&(flow.proto, flow.outside, flow.remote));
        let uses = (flow.proto, flow.outside);
        if let Some(count) = self.outside_uses.get_mut(&uses) {
            *count -= 1;
            if *count == 0 {
                self.outside_uses.remove(&uses);
            }
        }
        self.changes.push_back(FlowChange::Del(id));
    }

    /// Removes all flows and forwards of a private network.
    pub fn remove_realm(&mut self, realm: u32) {
        self.forwards.retain(|forward| forward.realm != realm);
        let gone: Vec<_> = self.flows.iter().filter(|(_, flow)| flow.realm == realm).map(|(id, _)| *id).collect();
        for id in gone {
            self.remove(id);
        }
    }

    /// The next change of the table since the last call.
    pub fn poll_change(&mut self) -> Option<FlowChange> {
        self.changes.pop_front()
    }

    /// All flows.
    pub fn flows(&self) -> impl Iterator<Item = FlowId> + '_ {
        self.flows.keys().copied()
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
            expires: samples.then_some(flow.expires),
        })
    }
}

/// ICMP's remote side has no port.
fn normal(proto: L4Proto, remote: Endpoint) -> Endpoint {
    if proto == L4Proto::Icmp { Endpoint::new(remote.addr, 0) } else { remote }
}
