//! What the hypervisor builds for one NIC in mode NAT: a private network with a gateway that is a DHCP server, a DNS
//! forwarder, and the way to the host's stack.
//!
//! Towards the guest it is an Ethernet neighbour of its own; towards the host it hands packets over without a cable
//! ([`Handoff`]), and the host's kernel routes and translates them (the lecture's picture: "the packet goes to the
//! kernel, NAT rules are applied").

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use crate::addr::{Cidr, Endpoint, L4Proto, MacAddr};
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
use crate::rng::{Purpose, Rng};
use crate::time::SimTime;
use crate::view::{Key, Row};

/// The engine's only port: the guest's cable.
pub const PORT: u32 = 0;
/// Guests' addresses that the engine remembers, and questions to DNS whose answers it awaits.
const REMEMBERED_MAX: usize = 1_024;
/// Bytes of a packet that an ICMP error quotes (RFC 1812 4.3.2.3).
const QUOTE_MAX: usize = 548;
const DNS_PORT: u16 = 53;

/// The numbers of one private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatNetwork {
    /// The network: 10.0.2.0/24 for adapter 1.
    pub network: Cidr,
    /// The gateway.
    pub gateway: Ipv4Addr,
    /// The gateway's MAC.
    pub mac: MacAddr,
    /// First address that is handed out.
    pub first: Ipv4Addr,
    /// Last address that is handed out.
    pub last: Ipv4Addr,
    /// How long a lease is, in seconds.
    pub lease_secs: u32,
    /// It serves DHCP.
    pub dhcp: bool,
}

impl NatNetwork {
    /// The shared NAT network of the default lab: 10.0.10.0/24, so that it is not mistaken for NAT; the gateway .1 is
    /// DHCP and DNS server, leases from .4 (VirtualBox's first), for VirtualBox's 10 minutes.
    pub fn shared() -> Self {
        let addr = |last| Ipv4Addr::new(10, 0, 10, last);
        Self {
            network: Cidr::new(addr(0), 24),
            gateway: addr(1),
            // The service MAC of VirtualBox's NAT networks (NetworkServices/NAT/VBoxNetSlirpNAT.cpp).
            mac: MacAddr([0x52, 0x54, 0x00, 0x12, 0x35, 0x00]),
            first: addr(4),
            last: addr(254),
            lease_secs: 600,
            dhcp: true,
        }
    }

    /// The lecture's numbers for an adapter (1 to 8): 10.0.2.0/24 for the first, 10.0.3.0/24 for the second …; gateway,
    /// DHCP and DNS server are all .1; the first lease is .15, for a week.
    pub fn lecture(adapter: u8) -> Self {
        let net = adapter.saturating_add(1);
        Self {
            network: Cidr::new(Ipv4Addr::new(10, 0, net, 0), 24),
            gateway: Ipv4Addr::new(10, 0, net, 1),
            // The MAC that guests of VirtualBox's NAT engine see for its gateway.
            mac: MacAddr([0x52, 0x54, 0x00, 0x12, 0x35, 0x02]),
            first: Ipv4Addr::new(10, 0, net, 15),
            last: Ipv4Addr::new(10, 0, net, 254),
            lease_secs: 7 * 24 * 3600,
            dhcp: true,
        }
    }
}

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
    ip_ident: u16,
}

impl NatEngine {
    /// An engine on `host` with these numbers.
    pub fn new(node: NodeId, host: NodeId, network: NatNetwork, seed: u64) -> Self {
        let config = ServerConfig {
            router: Some(network.gateway),
            dns: vec![network.gateway],
            lease_secs: network.lease_secs,
            ..ServerConfig::new(network.gateway, network.network, network.first, network.last)
        };
        let dhcp = Server::new(config, Rng::stream(seed, Purpose::DhcpServer, u64::from(node.0)));
        Self { node, host, network, dhcp, guests: BTreeMap::new(), dns: BTreeMap::new(), ip_ident: 0 }
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
            _ => drop(ctx, DropReason::UnknownEtherType),
        }
    }

    fn handle_arp(&mut self, ctx: &mut Ctx<'_>, frame: FrameId, payload: &[u8]) {
        let message = match Arp::parse(payload) {
            Ok(message) => message,
            Err(reason) => return ctx.dropped(Some(frame), Some(PORT), reason),
        };
        self.remember(message.sender_ip, message.sender_mac);
        if message.op != arp::REQUEST || message.target_ip != self.network.gateway {
            return ctx.dropped(Some(frame), Some(PORT), DropReason::ArpNotForUs);
        }
        let reply = Arp {
            op: arp::REPLY,
            sender_mac: self.network.mac,
            sender_ip: self.network.gateway,
            target_mac: message.sender_mac,
            target_ip: message.sender_ip,
        };
        ctx.account.delivered += 1;
        ctx.decided(Some(frame), || Decision::Answered { by: "arp".to_owned() });
        let header = Ethernet { dst: message.sender_mac, src: self.network.mac, ethertype: ethertype::ARP };
        let answer = ctx.frame(Some(frame), header.emit(&reply.emit()));
        ctx.send(PORT, answer);
    }

    fn remember(&mut self, addr: Ipv4Addr, mac: MacAddr) {
        if !addr.is_unspecified() && addr != self.network.gateway && mac.is_unicast() {
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
        let broadcast = packet.dst.is_broadcast() || packet.dst == self.network.network.broadcast();
        if packet.dst == self.network.gateway || broadcast {
            return self.handle_local(ctx, frame, src_mac, &packet, payload, resolver);
        }
        if packet.dst.is_multicast() || packet.dst.is_loopback() || self.network.network.contains(packet.dst) {
            return drop(ctx, DropReason::NoRoute);
        }
        if packet.more_fragments || packet.fragment_offset > 0 {
            return drop(ctx, DropReason::FragmentUnsupported);
        }
        let mut buf = PacketBuf::new(&payload[..packet.total_len], Some(frame));
        let Some(ttl) = rewrite::decrement_ttl(buf.packet_mut()) else {
            self.answer_error(ctx, Icmp::TimeExceeded { code: 0 }, &buf);
            return drop(ctx, DropReason::TtlExpired);
        };
        ctx.decided(Some(frame), || Decision::TtlDecremented { ttl });
        self.hand_to_host(ctx, buf);
    }

    fn hand_to_host(&self, ctx: &mut Ctx<'_>, packet: PacketBuf) {
        ctx.forwarded();
        ctx.effects.push(Effect::Handoff(self.host, Handoff::FromInside { engine: self.node, packet }));
    }

    /// A packet for the gateway itself.
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
        if packet.more_fragments || packet.fragment_offset > 0 {
            return drop(ctx, DropReason::FragmentUnsupported);
        }
        match L4Proto::from_number(packet.proto) {
            Some(L4Proto::Icmp) => match Icmp::parse(packet.payload) {
                Ok((Icmp::EchoRequest { ident, seq }, data)) if packet.dst == self.network.gateway => {
                    ctx.account.delivered += 1;
                    ctx.decided(Some(frame), || Decision::Answered { by: "icmp".to_owned() });
                    let answer = Icmp::EchoReply { ident, seq }.emit(data);
                    self.answer(ctx, Some(frame), packet.src, L4Proto::Icmp, &answer);
                }
                Ok(_) => drop(ctx, DropReason::IcmpUnexpected),
                Err(reason) => drop(ctx, reason),
            },
            Some(L4Proto::Udp) => match Udp::parse(packet.src, packet.dst, packet.payload) {
                Ok((Udp { dst_port: 67, .. }, payload)) => self.handle_dhcp(ctx, frame, src_mac, payload),
                Ok((Udp { dst_port: DNS_PORT, src_port }, _)) if packet.dst == self.network.gateway => {
                    let from = Endpoint::new(packet.src, src_port);
                    let buf = PacketBuf::new(&whole[..packet.total_len], Some(frame));
                    match resolver {
                        Some(server) => self.forward_dns(ctx, from, server, buf),
                        None => drop(ctx, DropReason::EngineNoService),
                    }
                }
                Ok(_) => {
                    let buf = PacketBuf::new(&whole[..packet.total_len], Some(frame));
                    self.answer_error(ctx, Icmp::Unreachable { code: unreachable::PORT, mtu: 0 }, &buf);
                    drop(ctx, DropReason::EngineNoService);
                }
                Err(reason) => drop(ctx, reason),
            },
            Some(L4Proto::Tcp) => {
                if let Some(reset) = crate::machine::tcp_refusal(ctx.now, &whole[..packet.total_len])
                    && packet.dst == self.network.gateway
                {
                    let reset = PacketBuf::new(&reset, None);
                    self.send_to_guest(ctx, packet.src, reset);
                }
                drop(ctx, DropReason::EngineNoService);
            }
            None => drop(ctx, DropReason::NatProtocol),
        }
    }

    /// A question to the gateway's DNS goes to the host's server, as the guest's own packet would.
    fn forward_dns(&mut self, ctx: &mut Ctx<'_>, from: Endpoint, server: Ipv4Addr, mut buf: PacketBuf) {
        if self.dns.len() >= REMEMBERED_MAX && !self.dns.contains_key(&from) {
            self.dns.pop_first();
        }
        self.dns.insert(from, server);
        rewrite::set_destination(buf.packet_mut(), Endpoint::new(server, DNS_PORT));
        ctx.decided(buf.parent, || Decision::Delivered { socket: None, to: "dns".to_owned() });
        self.hand_to_host(ctx, buf);
    }

    fn handle_dhcp(&mut self, ctx: &mut Ctx<'_>, frame: FrameId, src_mac: MacAddr, payload: &[u8]) {
        if !self.network.dhcp {
            return ctx.dropped(Some(frame), Some(PORT), DropReason::EngineNoService);
        }
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
                let (bytes, _) = reply.emit();
                let datagram = Udp { src_port: 67, dst_port: 68 }.emit(self.network.gateway, addr, &bytes);
                let packet = self.packet(addr, L4Proto::Udp, &datagram, Some(frame));
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
                    if let Some(row) = self.dhcp.lease_row(self.node, addr) {
                        ctx.put(Row::Lease(row));
                    }
                }
                LeaseChange::Del(addr) => ctx.del(Key::Lease((self.node, addr))),
            }
        }
    }

    fn packet(&mut self, dst: Ipv4Addr, proto: L4Proto, payload: &[u8], parent: Option<FrameId>) -> PacketBuf {
        self.ip_ident = self.ip_ident.wrapping_add(1);
        let header = Ipv4Header {
            src: self.network.gateway,
            dst,
            proto: proto.number(),
            ttl: 64,
            ident: self.ip_ident,
            tos: 0,
            dont_fragment: false,
        };
        PacketBuf::new(&header.emit(payload), parent)
    }

    fn answer(&mut self, ctx: &mut Ctx<'_>, parent: Option<FrameId>, dst: Ipv4Addr, proto: L4Proto, payload: &[u8]) {
        let packet = self.packet(dst, proto, payload, parent);
        self.send_to_guest(ctx, dst, packet);
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
        self.answer(ctx, about.parent, packet.src, L4Proto::Icmp, &payload);
    }

    fn send_to_guest(&mut self, ctx: &mut Ctx<'_>, guest: Ipv4Addr, packet: PacketBuf) {
        let parent = packet.parent;
        match self.guests.get(&guest) {
            Some(mac) => {
                let frame = ctx.frame(parent, packet.into_frame(*mac, self.network.mac));
                ctx.send(PORT, frame);
            }
            None => ctx.lost(parent, Some(PORT), DropReason::NeighbourFailed),
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
            Handoff::FromInside { packet, .. } => ctx.dropped(packet.parent, None, DropReason::NatProtocol),
        }
    }

    /// Does what has come due.
    pub fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) {
        self.dhcp.handle_timeout(ctx.now);
        self.say_leases(ctx);
    }

    /// When it wants to be woken.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.dhcp.next_wakeup()
    }

    /// Its rows.
    pub fn rows(&self) -> Vec<Row> {
        let leases = self.dhcp.lease_rows(self.node).into_iter().map(Row::Lease);
        let server = self.network.dhcp.then(|| Row::DhcpServer(self.dhcp.row(self.node)));
        server.into_iter().chain(leases).collect()
    }
}
