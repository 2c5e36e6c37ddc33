//! IPv4 in a machine: in, on, out. Which packets are ours, where the others go, how a packet becomes a frame.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::hooks::Spot;
use super::iface::LOOPBACK;
use super::neigh::{NeighAction, NeighKey, Resolution};
use super::route::Route;
use super::socket::PacketFilter;
use crate::addr::{Cidr, MacAddr};
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::ethernet::{self, Ethernet, ethertype};
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::{HEADER_LEN, Ipv4, Ipv4Header, MAX_PAYLOAD};
use crate::frame::{Frame, rewrite};
use crate::id::FrameId;
use crate::netfilter::model::Hook;
use crate::programs::{Errno, PathMtu, RouteChoice};
use crate::view::{Key, NeighState, Row, Scope};

/// A packet to oneself takes this long, so that programs that talk to each other in a circle take lab time.
const LOOPBACK_DELAY: Duration = Duration::from_micros(1);

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Out of this interface.
    pub iface: u32,
    /// To the machine with this address.
    pub next_hop: Ipv4Addr,
    /// Everybody is meant.
    pub broadcast: bool,
    /// The largest packet that goes this way, in bytes.
    pub mtu: u32,
}

/// What a route is called where a decision is explained. Made into text only when somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteName {
    /// To everybody on the link.
    Broadcast,
    /// Out of the device that the socket is bound to; there is no route.
    Device,
    /// To the machine itself.
    Local,
    /// A route of the table.
    To(Cidr),
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broadcast => f.write_str("broadcast"),
            Self::Device => f.write_str("dev"),
            Self::Local => f.write_str("local"),
            Self::To(dst) if dst.prefix == 0 => f.write_str("default"),
            Self::To(dst) => dst.fmt(f),
        }
    }
}

/// What a sender wants of a packet it makes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SendOptions<'a> {
    /// From this address; chosen when missing.
    pub src: Option<Ipv4Addr>,
    /// Out of this interface only.
    pub iface: Option<u32>,
    /// Time to live; the machine's default when missing.
    pub ttl: Option<u8>,
    /// What happens to a packet that is too large.
    pub path_mtu: PathMtu,
    /// The packet that this one answers: it belongs to the same connection.
    pub about: Option<&'a PacketBuf>,
}

impl Machine {
    /// Takes a frame that came out of the cable at interface `index`.
    pub fn handle_frame(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: &Frame) {
        let drop = |ctx: &mut Ctx<'_>, reason| ctx.dropped(Some(frame.id), Some(index), reason);
        let Some(iface) = self.ifaces.get_mut(index) else { return drop(ctx, DropReason::NoCable) };
        iface.counters.rx_frames += 1;
        iface.counters.rx_bytes += frame.bytes.len() as u64;
        if !iface.up {
            iface.counters.rx_dropped += 1;
            return drop(ctx, DropReason::InterfaceDown);
        }
        let Some((header, payload)) = Ethernet::parse(&frame.bytes) else {
            return drop(ctx, DropReason::FrameTooShort);
        };
        if payload.len() > iface.mtu as usize {
            iface.counters.rx_dropped += 1;
            return drop(ctx, DropReason::FrameTooLong);
        }
        if !header.src.is_unicast() {
            return drop(ctx, DropReason::SourceMacInvalid);
        }
        if header.dst != iface.mac && !header.dst.is_multicast() {
            if iface.promisc {
                return self.overhear(ctx, index, frame, header.ethertype, payload);
            }
            return drop(ctx, DropReason::NotForThisMac);
        }
        match header.ethertype {
            ethertype::ARP => {
                let tapped = self.sockets.packet_receivers(index, PacketFilter::Arp);
                tapped.iter().for_each(|id| self.packet_socket_push(*id, frame));
                self.handle_arp(ctx, index, frame.id, payload, !tapped.is_empty());
            }
            ethertype::IPV4 => {
                let tapped = self.tap_packet_sockets(index, frame, payload);
                self.ip_input(ctx, index, PacketBuf::of_frame(frame), tapped);
            }
            ethertype::IPV6 => self.handle_ipv6(ctx, index, frame.id, header.src, payload),
            _ => drop(ctx, DropReason::UnknownEtherType),
        }
        self.run(ctx);
    }

    /// A frame for another MAC at a promiscuous interface: only packet sockets see it (`PACKET_OTHERHOST`).
    fn overhear(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: &Frame, kind: u16, payload: &[u8]) {
        let tapped = match kind {
            ethertype::ARP => {
                let receivers = self.sockets.packet_receivers(index, PacketFilter::Arp);
                receivers.iter().for_each(|id| self.packet_socket_push(*id, frame));
                !receivers.is_empty()
            }
            ethertype::IPV4 => self.tap_packet_sockets(index, frame, payload),
            _ => false,
        };
        if tapped {
            ctx.delivered(Some(frame.id), "packet socket");
        } else {
            ctx.dropped(Some(frame.id), Some(index), DropReason::ForAnotherMachine);
        }
        self.run(ctx);
    }

    /// Gives packet sockets their copy; returns whether one took it.
    fn tap_packet_sockets(&mut self, index: u32, frame: &Frame, payload: &[u8]) -> bool {
        if !self.sockets.has_packet_sockets() {
            return false;
        }
        let Some(port) = udp_destination(payload) else { return false };
        let receivers = self.sockets.packet_receivers(index, PacketFilter::Udp(port));
        for id in &receivers {
            self.packet_socket_push(*id, frame);
        }
        !receivers.is_empty()
    }

    /// An IPv4 packet that came in at `index`. `tapped`: a packet socket has seen it already, so that nobody else
    /// wanting it is no loss.
    pub(super) fn ip_input(&mut self, ctx: &mut Ctx<'_>, index: u32, mut buf: PacketBuf, tapped: bool) {
        let parent = buf.parent;
        if let Err(reason) = Ipv4::parse(buf.packet()) {
            return ctx.dropped(parent, Some(index), reason);
        }
        // Conntrack needs whole packets (`nf_defrag_ipv4`).
        if self.netfilter.is_tracking() && buf.is_fragment() {
            match self.defragment(ctx, index, buf, true) {
                Some(whole) => buf = whole,
                None => return,
            }
        }
        let spot = Spot { hook: Hook::Prerouting, index: Some(index), hop: None, arrived: !tapped };
        if self.hook(ctx, spot, &mut buf).is_err() {
            if tapped {
                ctx.delivered(parent, "packet socket");
            }
            return;
        }
        let (Some(src), Some(dst)) = (buf.source(), buf.destination()) else { return };
        if let Err(reason) = self.check_addresses(index, src, dst) {
            return ctx.dropped(parent, Some(index), reason);
        }
        if self.ifaces.is_local(dst) || self.ifaces.is_broadcast(index, dst) || dst.is_multicast() {
            self.ip_local(ctx, index, buf, tapped);
        } else if self.ifaces.get(index).is_some_and(|iface| iface.conf.v4.forwarding != 0) {
            self.forward(ctx, index, buf);
        } else if tapped {
            ctx.delivered(parent, "packet socket");
        } else {
            ctx.dropped(parent, Some(index), DropReason::NotForwarding);
        }
    }

    /// A packet for this machine, or for a guest behind one of its NAT engines.
    fn ip_local(&mut self, ctx: &mut Ctx<'_>, index: u32, mut buf: PacketBuf, tapped: bool) {
        if buf.is_fragment() {
            match self.defragment(ctx, index, buf, false) {
                Some(whole) => buf = whole,
                None => return,
            }
        }
        let spot = Spot { hook: Hook::Input, index: Some(index), hop: None, arrived: !tapped };
        if self.hook(ctx, spot, &mut buf).is_err() {
            if tapped {
                ctx.delivered(buf.parent, "packet socket");
            }
            return;
        }
        let to_us = buf.destination().is_some_and(|dst| self.ifaces.is_local(dst));
        if self.nat.is_some()
            && to_us
            && let super::translate::In::Done = self.translate_in(ctx, &mut buf)
        {
            return;
        }
        self.deliver(ctx, index, &buf, tapped);
    }

    /// Sends on a packet that is for somebody else.
    fn forward(&mut self, ctx: &mut Ctx<'_>, index: u32, mut buf: PacketBuf) {
        let parent = buf.parent;
        let Ok(packet) = Ipv4::parse(buf.packet()) else { return };
        let (dst, dont_fragment, total_len) = (packet.dst, packet.dont_fragment, packet.total_len);
        if dst.is_broadcast() || self.ifaces.iter().any(|i| i.index != index && self.ifaces.is_broadcast(i.index, dst))
        {
            return ctx.dropped(parent, Some(index), DropReason::BroadcastNotForwarded);
        }
        let Some((hop, route)) = self.next_hop(dst, None) else {
            self.icmp_error(ctx, &buf, Icmp::Unreachable { code: unreachable::NET, mtu: 0 });
            return ctx.dropped(parent, Some(index), DropReason::NoRoute);
        };
        let Some(ttl) = rewrite::decrement_ttl(buf.packet_mut()) else {
            self.icmp_error(ctx, &buf, Icmp::TimeExceeded { code: 0 });
            return ctx.dropped(parent, Some(index), DropReason::TtlExpired);
        };
        if total_len > hop.mtu as usize && dont_fragment {
            self.icmp_error(ctx, &buf, Icmp::Unreachable { code: unreachable::FRAGMENTATION, mtu: hop.mtu as u16 });
            return ctx.dropped(parent, Some(index), DropReason::FragmentationNeeded);
        }
        ctx.decided(parent, || Decision::TtlDecremented { ttl });
        self.say_route(ctx, parent, &hop, route);
        for hook in [Hook::Forward, Hook::Postrouting] {
            let spot = Spot { hook, index: Some(index), hop: Some(hop), arrived: true };
            if self.hook(ctx, spot, &mut buf).is_err() {
                return;
            }
        }
        ctx.forwarded();
        self.transmit(ctx, hop, buf);
    }

    pub(super) fn say_route(&self, ctx: &mut Ctx<'_>, frame: Option<FrameId>, hop: &Hop, route: RouteName) {
        ctx.decided(frame, || Decision::Routed {
            route: route.to_string(),
            next_hop: hop.next_hop.to_string(),
            iface: self.ifaces.get(hop.iface).map(|i| i.name.clone()).unwrap_or_default(),
        });
    }

    /// A route can be used: its interface is up. One without carrier (`linkdown`) is used all the same, and the packet
    /// lost, unless `ignore_routes_with_linkdown` is set.
    fn usable(&self, route: &Route, only: Option<u32>) -> bool {
        only.is_none_or(|index| index == route.iface)
            && self.ifaces.get(route.iface).is_some_and(|iface| {
                iface.up && (iface.carrier || !self.sysctl.either(iface, |conf| conf.ignore_routes_with_linkdown))
            })
    }

    /// Where a packet to `dst` goes next, with the route's name, if anywhere.
    pub(super) fn next_hop(&self, dst: Ipv4Addr, only: Option<u32>) -> Option<(Hop, RouteName)> {
        self.way(dst, only).map(|(hop, name, _)| (hop, name))
    }

    /// The same, with the route in the table.
    fn way(&self, dst: Ipv4Addr, only: Option<u32>) -> Option<(Hop, RouteName, Option<&Route>)> {
        if dst.is_broadcast() {
            let index = only.or_else(|| self.ifaces.iter().find(|i| i.index != LOOPBACK && i.up).map(|i| i.index))?;
            return Some((self.hop_by(index, dst, true), RouteName::Broadcast, None));
        }
        let Some(route) = self.routes.lookup(dst, |route| self.usable(route, only)) else {
            // A socket bound to a device reaches out of it even without a route, as Linux does.
            let index = only.filter(|index| self.ifaces.get(*index).is_some_and(|iface| iface.up))?;
            return Some((self.hop_by(index, dst, false), RouteName::Device, None));
        };
        let next_hop = route.via.unwrap_or(dst);
        let broadcast = route.via.is_none() && self.ifaces.is_broadcast(route.iface, dst);
        Some((self.hop_by(route.iface, next_hop, broadcast), RouteName::To(route.dst), Some(route)))
    }

    pub(super) fn hop_by(&self, iface: u32, next_hop: Ipv4Addr, broadcast: bool) -> Hop {
        Hop { iface, next_hop, broadcast, mtu: self.ifaces.get(iface).map_or(0, |iface| iface.mtu) }
    }

    /// How a packet to `dst` would travel.
    ///
    /// # Errors
    /// `ENETUNREACH` without a route or a source address.
    pub fn route_choice(&self, dst: Ipv4Addr, only: Option<u32>) -> Result<RouteChoice, Errno> {
        if self.ifaces.is_local(dst) {
            let route = Cidr::new(dst, 32);
            return Ok(RouteChoice {
                via: None,
                iface: LOOPBACK,
                src: dst,
                local: true,
                broadcast: false,
                route,
                mtu: None,
            });
        }
        let (hop, _, route) = self.way(dst, only).ok_or(Errno::ENETUNREACH)?;
        let src = route
            .and_then(|route| route.src)
            .or_else(|| self.ifaces.select_source(hop.iface, hop.next_hop, Scope::Link))
            .unwrap_or(Ipv4Addr::UNSPECIFIED);
        Ok(RouteChoice {
            via: route.and_then(|route| route.via),
            iface: hop.iface,
            src,
            local: false,
            broadcast: hop.broadcast,
            route: route.map_or(Cidr::DEFAULT, |route| route.dst),
            mtu: None,
        })
    }

    /// Makes a packet and sends it.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EADDRNOTAVAIL` (no address of its own), `EMSGSIZE` (larger than the MTU).
    pub(super) fn send_ip(
        &mut self,
        ctx: &mut Ctx<'_>,
        dst: Ipv4Addr,
        proto: u8,
        options: SendOptions<'_>,
        payload: impl FnOnce(Ipv4Addr) -> Vec<u8>,
    ) -> Result<(), Errno> {
        let choice = self.route_choice(dst, options.iface)?;
        let src = options.src.unwrap_or(choice.src);
        if src.is_unspecified() && !choice.broadcast {
            return Err(Errno::ENETUNREACH);
        }
        let payload = payload(src);
        let fits = payload.len() + HEADER_LEN <= self.path_mtu(ctx.now, dst, choice.iface) as usize;
        if payload.len() > MAX_PAYLOAD || (!fits && options.path_mtu == PathMtu::Do) {
            return Err(Errno::EMSGSIZE);
        }
        self.ip_ident = self.ip_ident.wrapping_add(1);
        let header = Ipv4Header {
            src,
            dst,
            proto,
            ttl: options.ttl.unwrap_or(self.default_ttl()),
            ident: self.ip_ident,
            tos: 0,
            dont_fragment: fits && options.path_mtu != PathMtu::Dont,
        };
        let packet = PacketBuf::made(&header, &payload, None);
        let packet = if let Some(about) = options.about { packet.answering(about) } else { packet };
        self.output(ctx, packet, options.iface, false)
    }

    /// The time to live of what this machine sends.
    pub(super) fn default_ttl(&self) -> u8 {
        self.sysctl.ipv4.ip_default_ttl as u8
    }

    /// Sends a packet of this machine's own, whole with its header.
    pub(super) fn send_packet(&mut self, ctx: &mut Ctx<'_>, buf: PacketBuf, only: Option<u32>) {
        let _ = self.output(ctx, buf, only, false);
    }

    /// A packet to this machine itself.
    pub(super) fn loop_back(&mut self, ctx: &Ctx<'_>, buf: PacketBuf) {
        self.loopback.push_back((ctx.now + LOOPBACK_DELAY, buf));
    }

    /// Packets to oneself that have come due.
    pub(super) fn run_loopback(&mut self, ctx: &mut Ctx<'_>) {
        while self.loopback.front().is_some_and(|(at, _)| *at <= ctx.now)
            && let Some((_, buf)) = self.loopback.pop_front()
        {
            ctx.account.arrived += 1;
            if let Some(lo) = self.ifaces.get_mut(LOOPBACK) {
                lo.counters.rx_frames += 1;
                lo.counters.tx_frames += 1;
                lo.counters.rx_bytes += buf.packet().len() as u64;
                lo.counters.tx_bytes += buf.packet().len() as u64;
            }
            self.ip_input(ctx, LOOPBACK, buf, false);
        }
    }

    /// Puts a packet on the wire towards its next hop, asking for the neighbour's MAC if need be.
    pub(super) fn transmit_whole(&mut self, ctx: &mut Ctx<'_>, hop: Hop, buf: PacketBuf) {
        if hop.broadcast {
            return self.send_to_mac(ctx, hop.iface, MacAddr::BROADCAST, buf);
        }
        if hop.next_hop.is_multicast() {
            let [_, b, c, d] = hop.next_hop.octets();
            return self.send_to_mac(ctx, hop.iface, MacAddr([1, 0, 0x5e, b & 0x7f, c, d]), buf);
        }
        if !self.ifaces.get(hop.iface).is_some_and(|iface| iface.up) {
            return ctx.lost(buf.parent, Some(hop.iface), DropReason::InterfaceDown);
        }
        let key = (hop.iface, hop.next_hop);
        let parent = buf.parent;
        let (resolution, changed) = self.neighs.resolve(ctx.now, key, buf);
        self.forget_neighbours(ctx);
        if changed && let Some(row) = self.neighs.row(self.node, key) {
            ctx.put(Row::Neigh(row));
        }
        match resolution {
            Resolution::Send(mac, buf) => self.send_to_mac(ctx, hop.iface, mac, buf),
            Resolution::Ask => {
                ctx.decided(parent, || Decision::WaitsForNeighbour { next_hop: hop.next_hop.to_string() });
                self.ask(ctx, key, None);
            }
            Resolution::Waits => {
                ctx.decided(parent, || Decision::WaitsForNeighbour { next_hop: hop.next_hop.to_string() });
            }
            Resolution::Overflow(oldest) => ctx.lost(oldest.parent, Some(hop.iface), DropReason::NeighbourQueueFull),
        }
    }

    pub(super) fn send_to_mac(&mut self, ctx: &mut Ctx<'_>, index: u32, dst: MacAddr, buf: PacketBuf) {
        let Some(iface) = self.ifaces.get(index) else { return };
        let parent = buf.parent;
        let frame = ctx.frame(parent, buf.into_frame(dst, iface.mac));
        self.send_frame(ctx, index, frame);
    }

    /// Puts a frame on the cable.
    pub(super) fn send_frame(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: Frame) {
        let Some(iface) = self.ifaces.get_mut(index) else { return };
        let reason = match (iface.up, iface.carrier) {
            (false, _) => Some(DropReason::InterfaceDown),
            (_, false) => Some(DropReason::CarrierOff),
            _ if frame.bytes.len() > iface.mtu as usize + ethernet::HEADER_LEN => Some(DropReason::FrameTooLong),
            _ => None,
        };
        if let Some(reason) = reason {
            iface.counters.tx_dropped += 1;
            return ctx.lost(Some(frame.id), Some(index), reason);
        }
        iface.counters.tx_frames += 1;
        iface.counters.tx_bytes += frame.bytes.len() as u64;
        ctx.send(index, frame);
    }

    /// Neighbours whose timers have come due.
    pub(super) fn run_neighbours(&mut self, ctx: &mut Ctx<'_>) {
        for action in self.neighs.handle_timeout(ctx.now) {
            match action {
                NeighAction::Ask(key, mac) => self.ask(ctx, key, mac),
                NeighAction::Changed(key) => {
                    if let Some(row) = self.neighs.row(self.node, key) {
                        ctx.put(Row::Neigh(row));
                    }
                }
                NeighAction::Failed(key, packets) => {
                    for buf in packets {
                        ctx.lost(buf.parent, Some(key.0), DropReason::NeighbourFailed);
                        self.neighbour_failed(ctx, key, &buf);
                    }
                }
            }
        }
    }

    /// Forgets the neighbours of an interface that cannot reach them any more.
    pub(super) fn flush_neighbours(&mut self, ctx: &mut Ctx<'_>, index: u32) {
        for (key, packets) in self.neighs.flush(index, true) {
            self.say_forgotten(ctx, key, packets);
        }
    }

    /// Forgets the neighbours for whom a full table has no room.
    pub(super) fn forget_neighbours(&mut self, ctx: &mut Ctx<'_>) {
        while let Some((key, packets)) = self.neighs.poll_forgotten() {
            self.say_forgotten(ctx, key, packets);
        }
    }

    pub(super) fn say_forgotten(&self, ctx: &mut Ctx<'_>, key: NeighKey, packets: Vec<PacketBuf>) {
        ctx.del(Key::Neigh((self.node, key.0, key.1)));
        for buf in packets {
            ctx.lost(buf.parent, Some(key.0), DropReason::NeighbourFailed);
        }
    }

    /// A confirmation from above: what came back proves that the next hop lives.
    pub(super) fn confirm_neighbour(&mut self, ctx: &mut Ctx<'_>, remote: Ipv4Addr) {
        let Some((hop, _)) = self.next_hop(remote, None) else { return };
        let key = (hop.iface, hop.next_hop);
        if self.neighs.confirm(ctx.now, key, &mut self.rng)
            && let Some(row) = self.neighs.row(self.node, key)
        {
            debug_assert_eq!(row.state, NeighState::Reachable);
            ctx.put(Row::Neigh(row));
        }
    }
}

/// The destination port of an unfragmented UDP datagram in an IPv4 packet.
fn udp_destination(packet: &[u8]) -> Option<u16> {
    let header = usize::from(packet.first()? & 15) * 4;
    let first_fragment = packet.get(6..8)?[0] & 0x1f == 0 && packet[7] == 0;
    if packet.get(9) != Some(&17) || !first_fragment {
        return None;
    }
    Some(u16::from_be_bytes(packet.get(header + 2..header + 4)?.try_into().ok()?))
}
