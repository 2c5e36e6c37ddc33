//! Where a host's stack meets its NAT engines: packets of the guests behind them (a realm each) go out as the host's
//! own. The table itself is [`crate::nat`]'s.

use core::net::Ipv4Addr;

use super::Machine;
use super::ctx::{Ctx, Effect, Handoff, PacketBuf};
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::Ipv4;
use crate::frame::{checksum, rewrite, tcp};
use crate::id::{FlowId, NodeId};
use crate::nat::{FlowChange, Inbound, Nat, NatConfig, Outgoing};
use crate::rng::{Purpose, Rng};
use crate::view::{Key, Row, Scope};

/// What became of an arriving packet that may belong to a translated flow.
pub(super) enum In {
    /// No flow's: for this machine itself.
    Ours,
    /// Handed to a NAT engine, or dropped.
    Done,
}

impl Machine {
    /// Gives the machine a NAT that behaves like this, if it has none.
    pub fn enable_nat(&mut self, seed: u64, config: NatConfig) {
        if self.nat.is_none() {
            let rng = Rng::stream(seed, Purpose::Nat, u64::from(self.node.0));
            self.nat = Some(Nat::new(config, rng));
        }
    }

    /// Why something that came for a port (or echo identifier) that nobody here has goes nowhere: a flow that has run
    /// out is told from a port that is closed.
    pub(super) fn nobody_at(&self, proto: L4Proto, local: Endpoint, otherwise: DropReason) -> DropReason {
        let late = self.nat.as_ref().is_some_and(|nat| nat.used_lately(proto, local));
        if late { DropReason::NatNoMapping } else { otherwise }
    }

    /// Rewrites a packet's source on its way out of the realm.
    pub(super) fn translate_out(
        &mut self,
        ctx: &mut Ctx<'_>,
        realm: u32,
        buf: &mut PacketBuf,
        outside: Option<Ipv4Addr>,
    ) -> Result<(), DropReason> {
        let outside = outside.ok_or(DropReason::NoRoute)?;
        let Some((proto, inside, remote)) = rewrite::l4_endpoints(buf.packet()) else {
            return self.translate_error_out(realm, buf, outside);
        };
        let Self { nat: Some(nat), sockets, tcp, .. } = self else { return Err(DropReason::NatProtocol) };
        let tcp_flags = tcp_flags(buf.packet());
        let taken = |proto, port| match proto {
            L4Proto::Tcp => tcp.taken(port),
            _ => sockets.taken(proto, port),
        };
        let packet = Outgoing { realm, proto, inside, remote, tcp_flags };
        let out = nat.translate_outbound(ctx.now, &packet, outside, &taken)?;
        rewrite::set_source(buf.packet_mut(), out.outside);
        let flow = out.flow;
        let outside = out.outside;
        ctx.decided(buf.parent, || Decision::TranslatedOut { flow, proto, inside, outside, remote });
        self.say_flows(ctx);
        Ok(())
    }

    /// An ICMP error that leaves the realm, about a packet that came in through a flow: the address it comes from is
    /// hidden, and its quote is put in the words of the outside.
    fn translate_error_out(&mut self, realm: u32, buf: &mut PacketBuf, outside: Ipv4Addr) -> Result<(), DropReason> {
        let quoted = quoted(buf.packet()).and_then(rewrite::l4_endpoints);
        let nat = self.nat.as_ref().ok_or(DropReason::NatProtocol)?;
        let (proto, remote, inside) = quoted.ok_or(DropReason::NatProtocol)?;
        check_error(buf.packet())?;
        let seen = nat.lookup_inbound_of_error(realm, proto, inside, remote).ok_or(DropReason::NatNoMapping)?;
        rewrite::set_inner_destination(buf.packet_mut(), seen);
        rewrite::set_source(buf.packet_mut(), Endpoint::new(outside, 0));
        Ok(())
    }

    /// Looks whether a packet for one of our addresses belongs to a flow, and rewrites its destination if so.
    pub(super) fn translate_in(&mut self, ctx: &mut Ctx<'_>, buf: &mut PacketBuf) -> In {
        let parent = buf.parent;
        let Some((proto, remote, outside)) = rewrite::l4_endpoints(buf.packet()) else {
            return self.translate_error_in(ctx, buf);
        };
        // An echo request from outside is for this machine; only replies belong to flows.
        if proto == L4Proto::Icmp && !is_echo_reply(buf.packet()) {
            return In::Ours;
        }
        let flags = tcp_flags(buf.packet());
        let Some(nat) = &mut self.nat else { return In::Ours };
        match nat.translate_inbound(ctx.now, proto, outside, remote, flags) {
            Inbound::To { flow, realm, inside } => {
                rewrite::set_destination(buf.packet_mut(), inside);
                ctx.decided(parent, || Decision::TranslatedIn { flow, proto, outside, inside, remote });
                self.say_flows(ctx);
                Self::enter_realm(ctx, realm, buf)
            }
            Inbound::NotOurs => In::Ours,
            Inbound::Refused(reason) => {
                ctx.dropped(parent, None, reason);
                In::Done
            }
        }
    }

    /// An ICMP error from outside about a packet that was translated: it is meant for the guest.
    fn translate_error_in(&mut self, ctx: &mut Ctx<'_>, buf: &mut PacketBuf) -> In {
        let Some((proto, outside, remote)) = quoted(buf.packet()).and_then(rewrite::l4_endpoints) else {
            return In::Ours;
        };
        // A message that is broken ends here (RFC 5508 REQ-3); the quoted packet's own transport checksum is not looked
        // at, since it is cut (REQ-3c).
        if let Err(reason) = check_error(buf.packet()) {
            ctx.dropped(buf.parent, None, reason);
            return In::Done;
        }
        let Some(nat) = &self.nat else { return In::Ours };
        let Some((flow, realm, inside)) = nat.lookup_outbound_of_error(proto, outside, remote) else { return In::Ours };
        ctx.decided(buf.parent, || Decision::TranslatedIn { flow, proto, outside, inside, remote });
        rewrite::set_inner_source(buf.packet_mut(), inside);
        rewrite::set_destination(buf.packet_mut(), Endpoint::new(inside.addr, 0));
        Self::enter_realm(ctx, realm, buf)
    }

    fn enter_realm(ctx: &mut Ctx<'_>, realm: u32, buf: &mut PacketBuf) -> In {
        let packet = core::mem::replace(buf, PacketBuf::new(&[], None));
        ctx.forwarded();
        ctx.effects.push(Effect::Handoff(NodeId(realm), Handoff::ToInside { packet }));
        In::Done
    }

    /// A guest's packet, handed over by its NAT engine: routed and translated as this machine's own.
    pub(super) fn send_for_engine(&mut self, ctx: &mut Ctx<'_>, engine: NodeId, mut buf: PacketBuf) {
        let parent = buf.parent;
        let Ok(packet) = Ipv4::parse(buf.packet()) else {
            return ctx.dropped(parent, None, DropReason::IpMalformed);
        };
        let dst = packet.dst;
        let (total_len, dont_fragment) = (packet.total_len, packet.dont_fragment);
        let to_self = self.ifaces.is_local(dst) && !dst.is_loopback();
        let found = self
            .next_hop(dst, None)
            .filter(|(hop, _)| !hop.broadcast && self.ifaces.get(hop.iface).is_some_and(super::iface::Iface::running));
        let refuse = |ctx: &mut Ctx<'_>, buf: PacketBuf, code, mtu, reason| {
            let icmp = Icmp::Unreachable { code, mtu };
            ctx.effects.push(Effect::Handoff(engine, Handoff::Refused { icmp, packet: buf }));
            ctx.dropped(parent, None, reason);
        };
        let (hop, route) = match found {
            Some(found) => found,
            None if to_self => (
                super::ip::Hop { iface: super::iface::LOOPBACK, next_hop: dst, broadcast: false, mtu: 65_536 },
                super::ip::RouteName::Local,
            ),
            None => return refuse(ctx, buf, unreachable::NET, 0, DropReason::NoRoute),
        };
        let mtu = self.ifaces.get(hop.iface).map_or(0, |iface| iface.mtu);
        if total_len > mtu as usize && dont_fragment {
            return refuse(ctx, buf, unreachable::FRAGMENTATION, mtu as u16, DropReason::FragmentationNeeded);
        }
        self.say_route(ctx, parent, &hop, route);
        let outside = if to_self {
            Some(dst)
        } else {
            self.routes
                .lookup(dst, |route| route.iface == hop.iface)
                .and_then(|route| route.src)
                .or_else(|| self.ifaces.select_source(hop.iface, hop.next_hop, Scope::Global))
        };
        if let Err(reason) = self.translate_out(ctx, engine.0, &mut buf, outside) {
            return ctx.dropped(parent, None, reason);
        }
        let _ = self.output(ctx, buf, None, true);
    }

    /// Whether a packet of ours on its way out was translated from somebody else's.
    pub(super) fn is_translated(&self, buf: &PacketBuf) -> bool {
        let of_engine = self.nat.as_ref().is_some_and(|nat| {
            rewrite::l4_endpoints(buf.packet())
                .is_some_and(|(proto, outside, remote)| nat.lookup_outbound_of_error(proto, outside, remote).is_some())
        });
        of_engine || self.is_masqueraded(buf)
    }

    /// A packet that this machine sent on for somebody else cannot go on: says so to the sender, translated back if
    /// it was translated.
    pub(super) fn refuse(&mut self, ctx: &mut Ctx<'_>, buf: &PacketBuf, message: Icmp) {
        let flow = self.nat.as_ref().and_then(|nat| {
            let (proto, outside, remote) = rewrite::l4_endpoints(buf.packet())?;
            nat.lookup_outbound_of_error(proto, outside, remote)
        });
        let mut buf = buf.clone();
        if let Some((_, realm, inside)) = flow {
            rewrite::set_source(buf.packet_mut(), inside);
            let handoff = Handoff::Refused { icmp: message, packet: buf };
            return ctx.effects.push(Effect::Handoff(NodeId(realm), handoff));
        }
        self.icmp_error(ctx, &buf, message);
    }

    /// Ends a realm: its engine is gone.
    pub fn remove_realm(&mut self, ctx: &mut Ctx<'_>, engine: NodeId) {
        if let Some(nat) = &mut self.nat {
            nat.remove_realm(engine.0);
        }
        self.say_flows(ctx);
    }

    /// Says which flow entries are new, changed or gone.
    pub(super) fn say_flows(&mut self, ctx: &mut Ctx<'_>) {
        self.say_connections(ctx);
        let Some(nat) = &mut self.nat else { return };
        let mut changes = Vec::new();
        while let Some(change) = nat.poll_change() {
            changes.push(change);
        }
        for change in changes {
            match change {
                FlowChange::Put(flow) => {
                    if let Some(row) = self.flow_row(flow, false) {
                        ctx.put(Row::Flow(row));
                    }
                }
                FlowChange::Del(flow) => ctx.del(Key::Flow((self.node, flow))),
            }
        }
    }

    fn flow_row(&self, flow: FlowId, samples: bool) -> Option<crate::view::FlowRow> {
        let nat = self.nat.as_ref()?;
        let engine = nat.realm_of(flow).map(NodeId);
        nat.row(flow, self.node, engine, samples)
    }

    /// All flow entries.
    pub(super) fn flow_rows(&self, samples: bool) -> Vec<crate::view::FlowRow> {
        let flows = self.nat.iter().flat_map(Nat::flows);
        let flows = flows.filter_map(|flow| self.flow_row(flow, samples));
        flows.chain(self.engine_flow_rows()).chain(self.conn_flows(samples)).collect()
    }
}

/// The packet that an ICMP error quotes.
fn quoted(packet: &[u8]) -> Option<&[u8]> {
    let header = usize::from(packet.first()? & 15) * 4;
    let is_error = packet.get(9) == Some(&1) && matches!(packet.get(header), Some(3 | 4 | 11 | 12));
    if is_error { packet.get(header + 8..) } else { None }
}

/// Whether an ICMP error and the header that it quotes are whole (RFC 5508 REQ-3).
fn check_error(packet: &[u8]) -> Result<(), DropReason> {
    let (_, quote) = Icmp::parse(Ipv4::parse(packet)?.payload)?;
    let header = usize::from(quote.first().copied().unwrap_or(0) & 15) * 4;
    match quote.get(..header) {
        Some(quoted) if header >= 20 && checksum::internet(&[quoted]) == 0 => Ok(()),
        _ => Err(DropReason::IcmpMalformed),
    }
}

fn is_echo_reply(packet: &[u8]) -> bool {
    let header = packet.first().map_or(0, |b| usize::from(b & 15) * 4);
    packet.get(header) == Some(&0)
}

/// The flags of a TCP segment in an IPv4 packet, 0 for anything else.
fn tcp_flags(packet: &[u8]) -> u8 {
    if packet.get(9) != Some(&6) {
        return 0;
    }
    let header = packet.first().map_or(0, |b| usize::from(b & 15) * 4);
    packet.get(header..).and_then(tcp::Tcp::peek).map_or(0, |tcp| tcp.flags)
}
