//! ICMP in a machine: echo, errors for what cannot go on, errors that come back to sockets.

use core::net::Ipv4Addr;

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::ip::SendOptions;
use super::neigh::NeighKey;
use super::socket::SocketBody;
use super::tcp::ConnKey;
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::Ipv4;
use crate::frame::rewrite;
use crate::id::FrameId;
use crate::programs::{EchoAnswer, Errno, IcmpNotice};

/// Bytes of an offending packet that an ICMP error quotes: as much as fits in 576 bytes (RFC 1812 4.3.2.3).
const QUOTE_MAX: usize = 576 - 20 - 8;
/// ICMP errors that wait in one UDP socket.
const NOTICES_MAX: usize = 64;

impl Machine {
    /// An ICMP message for this machine.
    pub(super) fn handle_icmp(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: Option<FrameId>, packet: &Ipv4<'_>) {
        let (message, data) = match Icmp::parse(packet.payload) {
            Ok(parsed) => parsed,
            Err(reason) => return ctx.dropped(frame, Some(index), reason),
        };
        match message {
            Icmp::EchoRequest { ident, seq } => {
                let (all, broadcasts) =
                    (self.sysctl.ipv4.icmp_echo_ignore_all, self.sysctl.ipv4.icmp_echo_ignore_broadcasts);
                let to_us = self.ifaces.is_local(packet.dst);
                if all != 0 || (broadcasts != 0 && !to_us) {
                    return ctx.dropped(frame, Some(index), DropReason::EchoIgnored);
                }
                ctx.account.delivered += 1;
                ctx.decided(frame, || Decision::Answered { by: "icmp".to_owned() });
                let answer = Icmp::EchoReply { ident, seq }.emit(data);
                let options = SendOptions { src: to_us.then_some(packet.dst), ..SendOptions::default() };
                let _ = self.send_ip(ctx, packet.src, L4Proto::Icmp.number(), options, |_| answer);
            }
            Icmp::EchoReply { ident, seq } => match self.sockets.ping_receiver(ident) {
                Some(id) => {
                    let answer = EchoAnswer::Reply { from: packet.src, seq, ttl: packet.ttl, payload: data.to_vec() };
                    self.ping_push(id, answer);
                    ctx.delivered(frame, "ping");
                }
                None => {
                    let to = Endpoint::new(packet.dst, ident);
                    let reason = self.nobody_at(L4Proto::Icmp, to, DropReason::IcmpUnexpected);
                    ctx.dropped(frame, Some(index), reason);
                }
            },
            _ if message.is_error() => {
                let taken = self.icmp_error_in(ctx, packet.src, message, data);
                if taken {
                    ctx.delivered(frame, "icmp");
                } else {
                    ctx.dropped(frame, Some(index), DropReason::IcmpUnexpected);
                }
            }
            _ => ctx.dropped(frame, Some(index), DropReason::IcmpUnexpected),
        }
    }

    /// An ICMP error from `from` about a packet of ours, quoted in `quote`. Returns whether a socket knew of it.
    fn icmp_error_in(&mut self, ctx: &mut Ctx<'_>, from: Ipv4Addr, message: Icmp, quote: &[u8]) -> bool {
        let Some((proto, local, remote)) = rewrite::l4_endpoints(quote) else { return false };
        let errno = errno_of(message);
        if let Icmp::Unreachable { code: unreachable::FRAGMENTATION, mtu } = message
            && self.has_socket_for(proto, local, remote)
        {
            self.learn_path_mtu(ctx, proto, local, remote, mtu);
        }
        match proto {
            L4Proto::Icmp => {
                let seq = quoted_echo_seq(quote);
                let (icmp_type, code) = message.type_and_code();
                let info = match message {
                    Icmp::Unreachable { mtu, .. } => mtu,
                    _ => 0,
                };
                let receiver = self.sockets.ping_receiver(local.port);
                if let Some(id) = receiver {
                    self.ping_push(id, EchoAnswer::Error { from, seq, icmp_type, code, info });
                }
                receiver.is_some()
            }
            L4Proto::Udp => self.udp_notice(local, from, message) | self.udp_error(local, remote, errno),
            L4Proto::Tcp => self.tcp_error(ctx, ConnKey { local, remote }, errno),
        }
    }

    /// The next hop of a packet does not answer. To the sender: "host unreachable"; when that is this machine, its
    /// socket hears of it directly.
    pub(super) fn neighbour_failed(&mut self, ctx: &mut Ctx<'_>, (index, _): NeighKey, buf: &PacketBuf) {
        let Ok(packet) = Ipv4::parse(buf.packet()) else { return };
        let message = Icmp::Unreachable { code: unreachable::HOST, mtu: 0 };
        if self.is_translated(buf) || !self.ifaces.is_local(packet.src) {
            return self.refuse(ctx, buf, message);
        }
        let Some((proto, local, remote)) = rewrite::l4_endpoints(buf.packet()) else { return };
        match proto {
            L4Proto::Icmp => {
                if let Some(id) = self.sockets.ping_receiver(local.port) {
                    let from = self.ifaces.select_source(index, packet.dst, crate::view::Scope::Link);
                    let seq = quoted_echo_seq(buf.packet());
                    self.ping_push(id, EchoAnswer::Unreachable { from: from.unwrap_or(packet.src), seq });
                }
            }
            L4Proto::Udp => {
                // net/ipv4/route.c `ipv4_link_failure`: the message is sent to ourselves, from the packet's own sender.
                self.udp_notice(local, packet.src, message);
                self.udp_error(local, remote, Errno::EHOSTUNREACH);
            }
            L4Proto::Tcp => {
                self.tcp_error(ctx, ConnKey { local, remote }, Errno::EHOSTUNREACH);
            }
        }
    }

    /// Tells a UDP socket that asked for ICMP errors (`IP_RECVERR`).
    fn udp_notice(&mut self, local: Endpoint, from: Ipv4Addr, message: Icmp) -> bool {
        let asked = self.sockets.iter().find_map(|(id, socket)| match &socket.body {
            SocketBody::Udp(udp) if udp.local.port == local.port && udp.notices.is_some() => Some(id),
            _ => None,
        });
        let Some(id) = asked else { return false };
        if let Some(notices) = self.sockets.udp_mut(id).and_then(|udp| udp.notices.as_mut())
            && notices.len() < NOTICES_MAX
        {
            notices.push_back(IcmpNotice { from, message });
        }
        self.wake_owner(id);
        true
    }

    /// Whether a packet that is quoted can be ours: nobody else is to narrow our paths.
    fn has_socket_for(&self, proto: L4Proto, local: Endpoint, remote: Endpoint) -> bool {
        match proto {
            L4Proto::Icmp => self.sockets.ping_receiver(local.port).is_some(),
            L4Proto::Udp => self.sockets.taken(proto, local.port),
            L4Proto::Tcp => self.tcp.get(ConnKey { local, remote }).is_some(),
        }
    }

    fn udp_error(&mut self, local: Endpoint, remote: Endpoint, errno: Errno) -> bool {
        let connected = self.sockets.iter().find_map(|(id, socket)| match &socket.body {
            SocketBody::Udp(udp) if udp.local.port == local.port && udp.remote == Some(remote) => Some(id),
            _ => None,
        });
        let Some(id) = connected else { return false };
        if let Some(udp) = self.sockets.udp_mut(id) {
            udp.error = Some(errno);
        }
        self.wake_owner(id);
        true
    }

    /// Answers a packet that cannot go on with an ICMP error, unless one must not be sent (RFC 1122 3.2.2): about
    /// another error, a broadcast, a later fragment, or too many at once.
    pub(super) fn icmp_error(&mut self, ctx: &mut Ctx<'_>, buf: &PacketBuf, message: Icmp) {
        let Ok(packet) = Ipv4::parse(buf.packet()) else { return };
        let about_error = packet.proto == L4Proto::Icmp.number()
            && packet.payload.first().is_none_or(|kind| !matches!(kind, 0 | 8 | 13 | 14));
        if about_error
            || packet.fragment_offset > 0
            || packet.src.is_unspecified()
            || packet.dst.is_broadcast()
            || packet.dst.is_multicast()
            || self.ifaces.iter().any(|iface| self.ifaces.is_broadcast(iface.index, packet.dst))
        {
            return;
        }
        if !self.icmp_limiter.allow(ctx.now, &self.sysctl.ipv4, packet.src, message, &mut self.rng) {
            return;
        }
        let quote = &buf.packet()[..packet.total_len.min(QUOTE_MAX)];
        let payload = message.emit(quote);
        // From the address it was sent to if that is ours, else from the interface that leads back.
        let src = self.ifaces.is_local(packet.dst).then_some(packet.dst);
        let options = SendOptions { src, about: Some(buf), ..SendOptions::default() };
        let _ = self.send_ip(ctx, packet.src, L4Proto::Icmp.number(), options, |_| payload);
    }
}

/// The error a socket gets for an ICMP error (net/ipv4/icmp.c `icmp_err_convert`).
fn errno_of(message: Icmp) -> Errno {
    match message {
        Icmp::Unreachable { code: unreachable::NET, .. } => Errno::ENETUNREACH,
        Icmp::Unreachable { code: unreachable::PORT, .. } => Errno::ECONNREFUSED,
        Icmp::Unreachable { code: unreachable::FRAGMENTATION, .. } => Errno::EMSGSIZE,
        _ => Errno::EHOSTUNREACH,
    }
}

/// The sequence number of the echo request quoted in an ICMP error.
fn quoted_echo_seq(packet: &[u8]) -> u16 {
    let header = packet.first().map_or(0, |b| usize::from(b & 15) * 4);
    packet.get(header + 6..header + 8).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
}
