//! What the hypervisor builds for one NIC in mode NAT, or for a NAT network: a private network with a gateway, a DHCP
//! server, a DNS forwarder, and the way to the host.
//!
//! Towards the guest it is an Ethernet neighbour of its own; towards the host it hands packets over without a cable
//! ([`Handoff`]). In the lecture's profile the host's kernel routes and translates them ("the packet goes to the
//! kernel, NAT rules are applied"); in VirtualBox's a process of the host's takes them ([`crate::programs::vbox`]).

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::NatNetwork;
use crate::addr::{Endpoint, L4Proto, MacAddr};
use crate::dhcp::{LeaseChange, Message, ReplyTo, Server, ServerAction, ServerConfig};
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::arp::{self, Arp};
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::{Ipv4, Ipv4Header};
use crate::frame::udp::Udp;
use crate::frame::{Frame, rewrite};
use crate::id::{FrameId, NodeId};
use crate::machine::ctx::{Ctx, Effect, Handoff, PacketBuf};
use crate::machine::fragment::{Outcome, Reassembler, split};
use crate::machine::sysctl;
use crate::rng::{Purpose, Rng};
use crate::time::SimTime;
use crate::view::{Key, LeaseState, Row};

/// The engine's only port: the guest's cable.
pub const PORT: u32 = 0;
/// Guests' addresses that the engine remembers, and questions to DNS whose answers it awaits.
const REMEMBERED_MAX: usize = 1_024;
/// Bytes of a packet that an ICMP error quotes (RFC 1812 4.3.2.3).
const QUOTE_MAX: usize = 548;
const DNS_PORT: u16 = 53;
/// Packets that wait for a guest's MAC, and how long they do (libslirp's slirp.c `if_encap4`: one question, one second).
const WAITING_MAX: usize = 64;
const WAITING_TIME: Duration = Duration::from_secs(1);
/// The time to live of the engine's own echo replies in VirtualBox (`MAXTTL`, by libslirp's `icmp_reflect`).
const REFLECTED_TTL: u8 = 255;
const TTL: u8 = 64;
/// Largest packet towards guests (DrvNATlibslirp.cpp).
const MTU: usize = 1_500;

/// One NAT engine.
#[derive(Clone, Debug)]
pub struct NatEngine {
    node: NodeId,
    host: NodeId,
    network: NatNetwork,
    dhcp: Server,
    /// Whose MAC a guest's address has, learned from ARP, DHCP and every packet.
    guests: BTreeMap<Ipv4Addr, MacAddr>,
    /// Questions that guests asked the gateway's DNS: by their endpoint, the server it was passed on to.
    dns: BTreeMap<Endpoint, Ipv4Addr>,
    /// Packets for guests whose MAC was asked for, and until when.
    waiting: VecDeque<(SimTime, Ipv4Addr, PacketBuf)>,
    fragments: Reassembler,
    ip_ident: u16,
}

impl NatEngine {
    /// An engine on `host` with these numbers.
    pub fn new(node: NodeId, host: NodeId, network: NatNetwork, seed: u64) -> Self {
        let server = network.dhcp.unwrap_or(network.gateway);
        let config = ServerConfig {
            router: Some(network.gateway),
            dns: vec![network.dns],
            lease_secs: network.lease_secs,
            ..ServerConfig::of(network.flavour, server, network.network, network.first, network.last)
        };
        let dhcp = Server::new(config, Rng::stream(seed, Purpose::DhcpServer, u64::from(node.0)));
        let (guests, dns) = (BTreeMap::new(), BTreeMap::new());
        Self {
            node,
            host,
            network,
            dhcp,
            guests,
            dns,
            waiting: VecDeque::new(),
            fragments: Reassembler::default(),
            ip_ident: 0,
        }
    }

    /// Its numbers.
    pub fn network(&self) -> &NatNetwork {
        &self.network
    }

    /// The host it was built on.
    pub fn host(&self) -> NodeId {
        self.host
    }

    /// Takes a frame from the guest's cable. `resolver`: the host's first name server, for DNS questions.
    pub fn handle_frame(&mut self, ctx: &mut Ctx<'_>, frame: &Frame, resolver: Option<Ipv4Addr>) {
        let drop = |ctx: &mut Ctx<'_>, reason| ctx.dropped(Some(frame.id), Some(PORT), reason);
        let Some((header, payload)) = Ethernet::parse(&frame.bytes) else {
            return drop(ctx, DropReason::FrameTooShort);
        };
        if !header.src.is_unicast() {
            return drop(ctx, DropReason::SourceMacInvalid);
        }
        if header.dst != self.network.mac && !header.dst.is_multicast() {
            return drop(ctx, DropReason::NotForThisMac);
        }
        match header.ethertype {
            ethertype::ARP => self.handle_arp(ctx, frame.id, payload),
            ethertype::IPV4 => self.handle_ipv4(ctx, frame.id, header.src, payload, resolver),
            ethertype::IPV6 => drop(ctx, DropReason::Ipv6NotUsed),
            _ => drop(ctx, DropReason::UnknownEtherType),
        }
    }

    fn handle_arp(&mut self, ctx: &mut Ctx<'_>, frame: FrameId, payload: &[u8]) {
        let message = match Arp::parse(payload) {
            Ok(message) => message,
            Err(reason) => return ctx.dropped(Some(frame), Some(PORT), reason),
        };
        self.remember(message.sender_ip, message.sender_mac);
        if message.op == arp::REPLY && message.target_ip == self.network.gateway {
            ctx.delivered(Some(frame), "arp");
            return self.send_waiting(ctx, message.sender_ip);
        }
        if message.op != arp::REQUEST || !self.network.owns(message.target_ip) {
            return ctx.dropped(Some(frame), Some(PORT), DropReason::ArpNotForUs);
        }
        let reply = Arp {
            op: arp::REPLY,
            sender_mac: self.network.mac,
            sender_ip: message.target_ip,
            target_mac: message.sender_mac,
            target_ip: message.sender_ip,
        };
        ctx.account.delivered += 1;
        ctx.decided(Some(frame), || Decision::Answered { by: "arp".to_owned() });
        let header = Ethernet { dst: message.sender_mac, src: self.network.mac, ethertype: ethertype::ARP };
        let answer = ctx.frame(Some(frame), header.emit(&reply.emit()));
        ctx.send(PORT, answer);
    }

    /// Asks for a guest's MAC.
    fn ask(&self, ctx: &mut Ctx<'_>, guest: Ipv4Addr) {
        let question = Arp {
            op: arp::REQUEST,
            sender_mac: self.network.mac,
            sender_ip: self.network.gateway,
            target_mac: MacAddr::ZERO,
            target_ip: guest,
        };
        let header = Ethernet { dst: MacAddr::BROADCAST, src: self.network.mac, ethertype: ethertype::ARP };
        let frame = ctx.frame(None, header.emit(&question.emit()));
        ctx.send(PORT, frame);
    }

    /// A guest's MAC is known: what waited for it goes.
    fn send_waiting(&mut self, ctx: &mut Ctx<'_>, guest: Ipv4Addr) {
        let (ready, others) = self.waiting.drain(..).partition(|(_, addr, _)| *addr == guest);
        self.waiting = others;
        let ready: VecDeque<(SimTime, Ipv4Addr, PacketBuf)> = ready;
        for (_, _, packet) in ready {
            self.send_to_guest(ctx, guest, packet);
        }
    }

    fn remember(&mut self, addr: Ipv4Addr, mac: MacAddr) {
        if !addr.is_unspecified() && !self.network.owns(addr) && mac.is_unicast() {
            if self.guests.len() >= REMEMBERED_MAX && !self.guests.contains_key(&addr) {
                self.guests.pop_first();
            }
            self.guests.insert(addr, mac);
        }
    }

    fn handle_ipv4(
        &mut self,
        ctx: &mut Ctx<'_>,
        frame: FrameId,
        src_mac: MacAddr,
        payload: &[u8],
        resolver: Option<Ipv4Addr>,
    ) {
        let drop = |ctx: &mut Ctx<'_>, reason| ctx.dropped(Some(frame), Some(PORT), reason);
        let packet = match Ipv4::parse(payload) {
            Ok(packet) => packet,
            Err(reason) => return drop(ctx, reason),
        };
        if packet.src.is_multicast() || packet.src.is_broadcast() || packet.src.is_loopback() {
            return drop(ctx, DropReason::IpSourceInvalid);
        }
        self.remember(packet.src, src_mac);
        if !packet.is_fragment() {
            return self.handle_whole(ctx, frame, src_mac, payload, resolver);
        }
        let piece = PacketBuf::new(&payload[..packet.total_len], Some(frame));
        if let Some(whole) = self.defragment(ctx, frame, piece) {
            self.handle_whole(ctx, frame, src_mac, whole.packet(), resolver);
        }
    }

    /// Puts fragments together, as libslirp does (ip_input.c `ip_reass`) and as a NAT must (RFC 4787 REQ-14).
    fn defragment(&mut self, ctx: &mut Ctx<'_>, frame: FrameId, piece: PacketBuf) -> Option<PacketBuf> {
        let pushed = self.fragments.push(ctx.now, &sysctl::Ipv4::default(), 0, piece);
        for (reason, lost) in pushed.lost {
            ctx.lost(lost.parent, Some(PORT), reason);
        }
        match pushed.outcome {
            Outcome::Whole(whole, fragments) => {
                ctx.decided(Some(frame), || Decision::Reassembled { fragments: fragments as u32 });
                Some(whole)
            }
            Outcome::Waits => {
                ctx.account.delivered += 1;
                ctx.decided(Some(frame), || Decision::WaitsForFragments);
                None
            }
            Outcome::Dropped(reason, _) => {
                ctx.dropped(Some(frame), Some(PORT), reason);
                None
            }
        }
    }

    /// A packet that is no fragment.
    fn handle_whole(
        &mut self,
        ctx: &mut Ctx<'_>,
        frame: FrameId,
        src_mac: MacAddr,
        payload: &[u8],
        resolver: Option<Ipv4Addr>,
    ) {
        let drop = |ctx: &mut Ctx<'_>, reason| ctx.dropped(Some(frame), Some(PORT), reason);
        let packet = match Ipv4::parse(payload) {
            Ok(packet) => packet,
            Err(reason) => return drop(ctx, reason),
        };
        let broadcast = packet.dst.is_broadcast() || packet.dst == self.network.network.broadcast();
        if self.network.owns(packet.dst) || broadcast {
            return self.handle_local(ctx, frame, src_mac, &packet, payload, resolver);
        }
        if packet.dst.is_multicast() || packet.dst.is_loopback() || self.network.network.contains(packet.dst) {
            return drop(ctx, DropReason::NoRoute);
        }
        let mut buf = PacketBuf::new(&payload[..packet.total_len], Some(frame));
        if self.network.sockets {
            // Of ICMP only echo requests pass (the manual, "NAT limitations").
            return match rewrite::l4_endpoints(buf.packet()) {
                Some((proto, ..)) if proto != L4Proto::Icmp || is_echo_request(&packet) => {
                    self.hand_to_host(ctx, buf, false);
                }
                _ => drop(ctx, DropReason::NatProtocol),
            };
        }
        let Some(ttl) = rewrite::decrement_ttl(buf.packet_mut()) else {
            self.answer_error(ctx, Icmp::TimeExceeded { code: 0 }, &buf);
            return drop(ctx, DropReason::TtlExpired);
        };
        ctx.decided(Some(frame), || Decision::TtlDecremented { ttl });
        self.hand_to_host(ctx, buf, false);
    }

    /// `own`: for an address of the engine's.
    fn hand_to_host(&self, ctx: &mut Ctx<'_>, packet: PacketBuf, own: bool) {
        ctx.forwarded();
        ctx.effects.push(Effect::Handoff(self.host, Handoff::FromInside { engine: self.node, packet, own }));
    }

    /// A packet for the engine itself.
    fn handle_local(
        &mut self,
        ctx: &mut Ctx<'_>,
        frame: FrameId,
        src_mac: MacAddr,
        packet: &Ipv4<'_>,
        whole: &[u8],
        resolver: Option<Ipv4Addr>,
    ) {
        let drop = |ctx: &mut Ctx<'_>, reason| ctx.dropped(Some(frame), Some(PORT), reason);
        let unicast = self.network.owns(packet.dst);
        let buf = PacketBuf::new(&whole[..packet.total_len], Some(frame));
        match L4Proto::from_number(packet.proto) {
            _ if self.network.silent == Some(packet.dst) => drop(ctx, DropReason::EngineNoService),
            Some(L4Proto::Icmp) => match Icmp::parse(packet.payload) {
                Ok((Icmp::EchoRequest { ident, seq }, data)) if unicast => {
                    ctx.account.delivered += 1;
                    ctx.decided(Some(frame), || Decision::Answered { by: "icmp".to_owned() });
                    let answer = Icmp::EchoReply { ident, seq }.emit(data);
                    let ttl = if self.network.sockets { REFLECTED_TTL } else { TTL };
                    self.answer(ctx, Some(frame), (packet.dst, packet.src), L4Proto::Icmp, ttl, &answer);
                }
                Ok(_) => drop(ctx, DropReason::IcmpUnexpected),
                Err(reason) => drop(ctx, reason),
            },
            Some(L4Proto::Udp) => match Udp::parse(packet.src, packet.dst, packet.payload) {
                Ok((Udp { dst_port: 67, .. }, payload)) if self.network.dhcp.is_some() => {
                    self.handle_dhcp(ctx, frame, src_mac, payload);
                }
                Ok((Udp { dst_port: DNS_PORT, src_port }, _))
                    if packet.dst == self.network.dns && !self.network.sockets =>
                {
                    match resolver {
                        Some(server) => self.forward_dns(ctx, Endpoint::new(packet.src, src_port), server, buf),
                        None => drop(ctx, DropReason::EngineNoService),
                    }
                }
                Ok(_) if unicast => self.hand_to_host(ctx, buf, true),
                Ok(_) => drop(ctx, DropReason::EngineNoService),
                Err(reason) => drop(ctx, reason),
            },
            Some(L4Proto::Tcp) if unicast => self.hand_to_host(ctx, buf, true),
            Some(L4Proto::Tcp) => drop(ctx, DropReason::EngineNoService),
            None => drop(ctx, DropReason::NatProtocol),
        }
    }

    /// What came for an address of the engine's, and the host has nobody for: an error or a RST answers.
    fn no_service(&mut self, ctx: &mut Ctx<'_>, packet: &PacketBuf) {
        if packet.packet().get(9) == Some(&L4Proto::Tcp.number()) {
            if let (Some(reset), Ok(about)) =
                (crate::machine::tcp_refusal(ctx.now, packet.packet()), Ipv4::parse(packet.packet()))
            {
                self.send_to_guest(ctx, about.src, PacketBuf::new(&reset, None));
            }
        } else {
            self.answer_error(ctx, Icmp::Unreachable { code: unreachable::PORT, mtu: 0 }, packet);
        }
        ctx.dropped(packet.parent, Some(PORT), DropReason::EngineNoService);
    }

    /// A question to the gateway's DNS goes to the host's server, as the guest's own packet would.
    fn forward_dns(&mut self, ctx: &mut Ctx<'_>, from: Endpoint, server: Ipv4Addr, mut buf: PacketBuf) {
        if self.dns.len() >= REMEMBERED_MAX && !self.dns.contains_key(&from) {
            self.dns.pop_first();
        }
        self.dns.insert(from, server);
        rewrite::set_destination(buf.packet_mut(), Endpoint::new(server, DNS_PORT));
        ctx.decided(buf.parent, || Decision::Delivered { socket: None, to: "dns".to_owned() });
        self.hand_to_host(ctx, buf, false);
    }

    fn handle_dhcp(&mut self, ctx: &mut Ctx<'_>, frame: FrameId, src_mac: MacAddr, payload: &[u8]) {
        let Ok(message) = Message::parse(payload) else {
            return ctx.dropped(Some(frame), Some(PORT), DropReason::DhcpMalformed);
        };
        match self.dhcp.handle_message(ctx.now, &message) {
            ServerAction::Ignore(reason) => ctx.dropped(Some(frame), Some(PORT), reason),
            ServerAction::Taken => ctx.delivered(Some(frame), "dhcp"),
            ServerAction::Reply(reply) => {
                ctx.account.delivered += 1;
                ctx.decided(Some(frame), || Decision::Answered { by: "dhcp".to_owned() });
                let (mac, addr) = match reply.to {
                    ReplyTo::Unicast { addr, mac } => (mac, addr),
                    ReplyTo::Relay(addr) => (src_mac, addr),
                    ReplyTo::Broadcast => (MacAddr::BROADCAST, Ipv4Addr::BROADCAST),
                };
                let server = self.network.dhcp.unwrap_or(self.network.gateway);
                let (bytes, _) = reply.emit();
                let datagram = Udp { src_port: 67, dst_port: 68 }.emit(server, addr, &bytes);
                let packet = self.packet((server, addr), L4Proto::Udp, TTL, &datagram, Some(frame));
                let bytes = packet.into_frame(mac, self.network.mac);
                let answer = ctx.frame(Some(frame), bytes);
                ctx.send(PORT, answer);
            }
        }
        self.say_leases(ctx);
    }

    fn say_leases(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(change) = self.dhcp.poll_change() {
            match change {
                LeaseChange::Put(addr) => {
                    let Some(row) = self.dhcp.lease_row(self.node, addr) else { continue };
                    if row.state == LeaseState::Bound {
                        let leased = Handoff::Leased { engine: self.node, guest: addr };
                        ctx.effects.push(Effect::Handoff(self.host, leased));
                    }
                    ctx.put(Row::Lease(row));
                }
                LeaseChange::Del(addr) => ctx.del(Key::Lease((self.node, addr))),
            }
        }
    }

    fn packet(
        &mut self,
        (src, dst): (Ipv4Addr, Ipv4Addr),
        proto: L4Proto,
        ttl: u8,
        payload: &[u8],
        parent: Option<FrameId>,
    ) -> PacketBuf {
        self.ip_ident = self.ip_ident.wrapping_add(1);
        let header =
            Ipv4Header { src, dst, proto: proto.number(), ttl, ident: self.ip_ident, tos: 0, dont_fragment: false };
        PacketBuf::made(&header, payload, parent)
    }

    fn answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        parent: Option<FrameId>,
        ends: (Ipv4Addr, Ipv4Addr),
        proto: L4Proto,
        ttl: u8,
        payload: &[u8],
    ) {
        let packet = self.packet(ends, proto, ttl, payload, parent);
        self.send_to_guest(ctx, ends.1, packet);
    }

    /// Tells a guest that its packet could not go on, unless an error must not be sent (RFC 1122 3.2.2): about another
    /// error, a broadcast, or a packet without a sender.
    fn answer_error(&mut self, ctx: &mut Ctx<'_>, message: Icmp, about: &PacketBuf) {
        let Ok(packet) = Ipv4::parse(about.packet()) else { return };
        let is_error = packet.proto == 1 && packet.payload.first().is_none_or(|kind| !matches!(kind, 0 | 8 | 13 | 14));
        let broadcast = packet.dst.is_broadcast() || packet.dst == self.network.network.broadcast();
        if is_error || broadcast || packet.src.is_unspecified() {
            return;
        }
        let quote = about.packet();
        let payload = message.emit(&quote[..quote.len().min(QUOTE_MAX)]);
        let ends = (self.network.gateway, packet.src);
        self.answer(ctx, about.parent, ends, L4Proto::Icmp, TTL, &payload);
    }

    /// Puts a packet on the guest's cable, asking for its MAC if need be.
    fn send_to_guest(&mut self, ctx: &mut Ctx<'_>, guest: Ipv4Addr, packet: PacketBuf) {
        let parent = packet.parent;
        if let Some(mac) = self.guests.get(&guest).copied() {
            return self.send_to_mac(ctx, mac, packet);
        }
        if !self.network.network.contains(guest) || self.waiting.len() >= WAITING_MAX {
            return ctx.lost(parent, Some(PORT), DropReason::NeighbourFailed);
        }
        let asked = self.waiting.iter().any(|(_, addr, _)| *addr == guest);
        self.waiting.push_back((ctx.now + WAITING_TIME, guest, packet));
        if !asked {
            self.ask(ctx, guest);
        }
    }

    /// Puts a packet on the guest's cable, cut where it is too large.
    fn send_to_mac(&self, ctx: &mut Ctx<'_>, mac: MacAddr, packet: PacketBuf) {
        let parent = packet.parent;
        if packet.packet().len() <= MTU {
            let frame = ctx.frame(parent, packet.into_frame(mac, self.network.mac));
            return ctx.send(PORT, frame);
        }
        let may_be_cut = Ipv4::parse(packet.packet()).is_ok_and(|packet| !packet.dont_fragment);
        let Some(pieces) = split(packet.packet(), MTU).filter(|_| may_be_cut) else {
            return ctx.lost(parent, Some(PORT), DropReason::FragmentationNeeded);
        };
        ctx.decided(parent, || Decision::Fragmented { pieces: pieces.len() as u32, mtu: MTU as u32 });
        for piece in pieces {
            let frame = ctx.frame(parent, PacketBuf::new(&piece, parent).into_frame(mac, self.network.mac));
            ctx.send(PORT, frame);
        }
    }

    /// A packet that the host hands over.
    pub fn handle_handoff(&mut self, ctx: &mut Ctx<'_>, handoff: Handoff) {
        match handoff {
            Handoff::ToInside { mut packet } => {
                if let Some((L4Proto::Udp, remote, inside)) = rewrite::l4_endpoints(packet.packet())
                    && remote.port == DNS_PORT
                    && self.dns.get(&inside) == Some(&remote.addr)
                {
                    rewrite::set_source(packet.packet_mut(), Endpoint::new(self.network.gateway, DNS_PORT));
                }
                let Some(ttl) = rewrite::decrement_ttl(packet.packet_mut()) else {
                    return ctx.dropped(packet.parent, Some(PORT), DropReason::TtlExpired);
                };
                ctx.decided(packet.parent, || Decision::TtlDecremented { ttl });
                let Ok(guest) = Ipv4::parse(packet.packet()).map(|packet| packet.dst) else {
                    return ctx.dropped(packet.parent, Some(PORT), DropReason::IpMalformed);
                };
                ctx.forwarded();
                self.send_to_guest(ctx, guest, packet);
            }
            Handoff::Refused { icmp, packet } => {
                ctx.account.delivered += 1;
                self.answer_error(ctx, icmp, &packet);
            }
            Handoff::ToGuest { packet } => {
                ctx.forwarded();
                let guest = Ipv4::parse(packet.packet()).map(|packet| packet.dst);
                match guest {
                    Ok(guest) => self.send_to_guest(ctx, guest, packet),
                    Err(reason) => ctx.lost(packet.parent, Some(PORT), reason),
                }
            }
            Handoff::NoService { packet } => self.no_service(ctx, &packet),
            Handoff::Leased { .. } => ctx.account.delivered += 1,
            Handoff::FromInside { packet, .. } => ctx.dropped(packet.parent, None, DropReason::NatProtocol),
        }
    }

    /// Does what has come due.
    pub fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) {
        self.dhcp.handle_timeout(ctx.now);
        self.say_leases(ctx);
        for expired in self.fragments.handle_timeout(ctx.now) {
            for piece in expired.fragments {
                ctx.lost(piece.parent, Some(PORT), DropReason::FragmentTimeout);
            }
        }
        while self.waiting.front().is_some_and(|(until, _, _)| *until <= ctx.now)
            && let Some((_, _, packet)) = self.waiting.pop_front()
        {
            ctx.lost(packet.parent, Some(PORT), DropReason::NeighbourFailed);
        }
    }

    /// When it wants to be woken.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        let waiting = self.waiting.front().map(|(until, _, _)| *until);
        self.dhcp.next_wakeup().into_iter().chain(waiting).chain(self.fragments.next_wakeup()).min()
    }

    /// Its rows.
    pub fn rows(&self) -> Vec<Row> {
        let leases = self.dhcp.lease_rows(self.node).into_iter().map(Row::Lease);
        let server = self.network.dhcp.map(|_| Row::DhcpServer(self.dhcp.row(self.node, 0)));
        server.into_iter().chain(leases).collect()
    }
}

fn is_echo_request(packet: &Ipv4<'_>) -> bool {
    matches!(Icmp::parse(packet.payload), Ok((Icmp::EchoRequest { .. }, _)))
}
