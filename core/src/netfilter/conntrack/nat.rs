//! Translation by conntrack: which addresses and ports a connection gets, once, with its first packet; and how every
//! later packet of it, and ICMP errors about it, are rewritten (net/netfilter/nf_nat_core.c).

use core::net::Ipv4Addr;

use super::conn::{Conn, Dir};
use super::tuple::{ICMP, TCP, Tuple, UDP};
use super::{Conntrack, Held, Tracked};
use crate::addr::Endpoint;
use crate::frame::rewrite;
use crate::netfilter::model::{CtState, NatTo};

/// Ports that are tried in a row before another place is looked at (`NF_NAT_MAX_ATTEMPTS`).
const ATTEMPTS: u32 = 128;
/// With fewer tries than that, it is given up.
const ATTEMPTS_MIN: u32 = 16;

/// Which end of a connection is translated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Manip {
    /// Its source (postrouting, input).
    Source,
    /// Its destination (prerouting, output).
    Destination,
}

impl Conntrack {
    /// Whether it is still to be settled how this packet's connection is translated at this end.
    pub fn is_open(&self, tracked: &Tracked, manip: Manip) -> bool {
        let Held::New(conn) = &tracked.held else { return false };
        match manip {
            Manip::Source => !conn.snat_done,
            Manip::Destination => !conn.dnat_done,
        }
    }

    /// Settles how a new connection is translated at one end. `masquerade`: the interface whose address it gets.
    pub fn bind(&mut self, tracked: &mut Tracked, manip: Manip, to: &NatTo, masquerade: Option<u32>) {
        let Held::New(conn) = &mut tracked.held else { return };
        let Some(now) = conn.reply.inverted() else { return };
        let (new, mut conn) = (self.unique(now, manip, to), conn.clone());
        if new != now
            && let Some(reply) = new.inverted()
        {
            conn.reply = reply;
            match manip {
                Manip::Source => conn.snat = true,
                Manip::Destination => conn.dnat = true,
            }
        }
        match manip {
            Manip::Source => conn.snat_done = true,
            Manip::Destination => conn.dnat_done = true,
        }
        conn.masquerade = masquerade.or(conn.masquerade);
        tracked.held = Held::New(conn);
    }

    /// Notes the rule that chose a new connection's destination.
    pub fn note_rule(&mut self, tracked: &mut Tracked, rule: &str) {
        if let Held::New(conn) = &mut tracked.held {
            conn.rule = Some(rule.into());
        }
    }

    /// No rule wants it translated: it keeps its addresses; its source port too, unless another connection's answers
    /// would look the same (`nf_nat_alloc_null_binding`).
    pub fn bind_null(&mut self, tracked: &mut Tracked, manip: Manip) {
        let Held::New(conn) = &tracked.held else { return };
        let addr = match manip {
            Manip::Source => conn.reply.dst,
            Manip::Destination => conn.reply.src,
        };
        self.bind(tracked, manip, &NatTo { addrs: Some((addr, addr)), ports: None }, None);
    }

    /// The tuple that a connection gets, as far as one is free.
    fn unique(&mut self, tuple: Tuple, manip: Manip, to: &NatTo) -> Tuple {
        if manip == Manip::Source {
            if in_range(tuple, to) {
                if !self.is_used(tuple) {
                    return tuple;
                }
            } else if let Some(same) = self.same_source(tuple, to)
                && !self.is_used(same)
            {
                return same;
            }
        }
        let mut tuple = tuple;
        if let Some(range) = to.addrs {
            let addr = choose_addr(&tuple, range);
            match manip {
                Manip::Source => tuple.src = addr,
                Manip::Destination => tuple.dst = addr,
            }
        }
        let keeps = match to.ports {
            Some((first, last)) => {
                (first.min(last)..=first.max(last)).contains(&port_of(&tuple, manip))
                    && (first == last || !self.is_used(tuple))
            }
            None => !self.is_used(tuple),
        };
        if keeps { tuple } else { self.unique_port(tuple, manip, to.ports) }
    }

    /// The translated source that this source has already towards another destination.
    fn same_source(&self, tuple: Tuple, to: &NatTo) -> Option<Tuple> {
        let key = |id| (tuple.proto, tuple.src, tuple.src_port, id);
        self.sources.range(key(0)..=key(u32::MAX)).rev().find_map(|(_, _, _, id)| {
            let seen = self.conns.get(id)?.reply.inverted()?;
            let same = Tuple { src: seen.src, src_port: seen.src_port, ..tuple };
            in_range(same, to).then_some(same)
        })
    }

    fn is_used(&self, tuple: Tuple) -> bool {
        tuple.inverted().is_some_and(|reply| self.by_tuple.contains_key(&reply))
    }

    fn unique_port(&mut self, mut tuple: Tuple, manip: Manip, ports: Option<(u16, u16)>) -> Tuple {
        let port = port_of(&tuple, manip);
        let range = match (tuple.proto, manip, ports) {
            (TCP | UDP | ICMP, _, Some((a, b))) => (a.min(b), a.max(b)),
            // An identifier belongs to both ends; a destination's port is not changed unasked.
            (ICMP, Manip::Source, None) => (0, u16::MAX),
            (TCP | UDP, Manip::Source, None) => match port {
                0..512 => (1, 511),
                512..1024 => (600, 1_023),
                1024.. => (1_024, u16::MAX),
            },
            _ => return tuple,
        };
        let size = u32::from(range.1 - range.0) + 1;
        let mut attempts = size.min(ATTEMPTS);
        let mut offset = if manip == Manip::Source { self.rng.below(1 << 16) } else { 0 };
        loop {
            for i in 0..attempts {
                set_port(&mut tuple, manip, range.0 + ((offset + i) % size) as u16);
                if !self.is_used(tuple) {
                    return tuple;
                }
            }
            if attempts >= size || attempts < ATTEMPTS_MIN {
                return tuple;
            }
            attempts /= 2;
            offset = self.rng.below(1 << 16);
        }
    }

    /// Rewrites one end of a packet as its connection is translated. Returns whether it changed.
    pub fn translate(&self, tracked: &Tracked, manip: Manip, packet: &mut [u8]) -> bool {
        let Some(conn) = self.conn(tracked) else { return false };
        if !conn.changes(tracked.dir, manip) {
            return false;
        }
        let other = conn.tuple(tracked.dir.other());
        let Some(target) = other.inverted() else { return false };
        let end = match manip {
            Manip::Source => Endpoint::new(target.src, target.src_port),
            Manip::Destination => Endpoint::new(target.dst, port_of(&target, manip)),
        };
        if tracked.state == CtState::Related {
            // The quoted packet went the other way: its other end is this one.
            let inner = match manip {
                Manip::Source => Endpoint::new(other.dst, port_of(&other, Manip::Destination)),
                Manip::Destination => Endpoint::new(other.src, other.src_port),
            };
            match manip {
                Manip::Source => rewrite::set_inner_destination(packet, inner),
                Manip::Destination => rewrite::set_inner_source(packet, inner),
            }
        }
        match manip {
            Manip::Source => rewrite::set_source(packet, end),
            Manip::Destination => rewrite::set_destination(packet, end),
        }
        true
    }
}

impl Conn {
    /// Whether this end of a packet of that direction is rewritten: answers the other way round.
    pub const fn changes(&self, dir: Dir, manip: Manip) -> bool {
        match (dir, manip) {
            (Dir::Original, Manip::Source) | (Dir::Reply, Manip::Destination) => self.snat,
            (Dir::Original, Manip::Destination) | (Dir::Reply, Manip::Source) => self.dnat,
        }
    }
}

/// The port of one end; an identifier belongs to both.
fn port_of(tuple: &Tuple, manip: Manip) -> u16 {
    if tuple.proto == ICMP || manip == Manip::Source { tuple.src_port } else { tuple.dst_port }
}

fn set_port(tuple: &mut Tuple, manip: Manip, port: u16) {
    if tuple.proto == ICMP || manip == Manip::Source {
        tuple.src_port = port;
    } else {
        tuple.dst_port = port;
    }
}

fn in_range(tuple: Tuple, to: &NatTo) -> bool {
    to.addrs.is_none_or(|(first, last)| (first..=last).contains(&tuple.src))
        && to.ports.is_none_or(|(first, last)| (first..=last).contains(&tuple.src_port))
}

/// One of several addresses: the same for the same two machines (`find_best_ips_proto`).
fn choose_addr(tuple: &Tuple, (first, last): (Ipv4Addr, Ipv4Addr)) -> Ipv4Addr {
    let (first, last) = (first.to_bits(), last.to_bits());
    let size = u64::from(last.saturating_sub(first)) + 1;
    let ends = u64::from(tuple.src.to_bits()) << 32 | u64::from(tuple.dst.to_bits());
    let mixed = (ends ^ ends >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let index = (u128::from(mixed) * u128::from(size)) >> 64;
    Ipv4Addr::from_bits(first.saturating_add(index as u32))
}
