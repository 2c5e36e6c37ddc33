//! ARP in a machine (RFC 826): which questions it answers, what it learns, what it asks, as net/ipv4/arp.c of Linux 6.1
//! does; and which source addresses it believes (net/ipv4/fib_frontend.c `fib_validate_source`).

use core::net::Ipv4Addr;

use super::Machine;
use super::ctx::Ctx;
use super::iface::LOOPBACK;
use super::neigh::NeighKey;
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::arp::{self, Arp};
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::frame::ipv4::Ipv4;
use crate::id::FrameId;
use crate::view::{Row, Scope};

impl Machine {
    /// An ARP message. `tapped`: a packet socket has seen it.
    pub(super) fn handle_arp(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: FrameId, payload: &[u8], tapped: bool) {
        let message = match Arp::parse(payload) {
            Ok(message) => message,
            Err(reason) => return ctx.dropped(Some(frame), Some(index), reason),
        };
        let for_us = self.ifaces.is_local(message.target_ip);
        if message.op == arp::REQUEST && for_us {
            if self.arp_ignored(index, &message) {
                return ctx.dropped(Some(frame), Some(index), DropReason::ArpIgnored);
            }
            self.learn_from(ctx, index, &message, false, true);
            return self.answer_arp(ctx, index, frame, &message);
        }
        let proxied = message.op == arp::REQUEST && self.is_proxied(index, message.target_ip);
        if proxied {
            self.learn_from(ctx, index, &message, false, true);
            return self.answer_arp(ctx, index, frame, &message);
        }
        // A gratuitous one says "I have this address" to everybody.
        let gratuitous = message.sender_ip == message.target_ip;
        let accept = self.ifaces.get(index).is_some_and(|iface| self.sysctl.either(iface, |conf| conf.arp_accept));
        let solicited = message.op == arp::REPLY && for_us;
        self.learn_from(ctx, index, &message, solicited, gratuitous && accept);
        if solicited || tapped {
            ctx.delivered(Some(frame), "arp");
        } else {
            ctx.dropped(Some(frame), Some(index), DropReason::ArpNotForUs);
        }
    }

    fn learn_from(&mut self, ctx: &mut Ctx<'_>, index: u32, message: &Arp, solicited: bool, create: bool) {
        if !message.sender_mac.is_unicast()
            || message.sender_ip.is_unspecified()
            || self.ifaces.is_local(message.sender_ip)
        {
            return;
        }
        let key = (index, message.sender_ip);
        // Another MAC than the one that is known is believed at once from who asks us or announces itself; an answer
        // only a second after the last change, so that of two answers the first holds (`locktime`).
        let overrides = message.op == arp::REQUEST && create || message.sender_ip == message.target_ip;
        let news = super::neigh::News { mac: message.sender_mac, solicited, create, overrides };
        let (changed, waiting) = self.neighs.learn(ctx.now, key, news, &mut self.rng);
        self.forget_neighbours(ctx);
        if changed && let Some(row) = self.neighs.row(self.node, key) {
            ctx.put(Row::Neigh(row));
        }
        for packet in waiting {
            self.send_to_mac(ctx, key.0, message.sender_mac, packet);
        }
    }

    /// Whether a question about one of our addresses is left without an answer (`arp_ignore`, `arp_filter`).
    fn arp_ignored(&self, index: u32, message: &Arp) -> bool {
        let Some(iface) = self.ifaces.get(index) else { return true };
        let own = iface.addrs.iter().find(|addr| addr.cidr.addr == message.target_ip);
        let ignored = match self.sysctl.arp_ignore(iface) {
            1 => own.is_none(),
            2 => own.is_none_or(|addr| !addr.cidr.contains(message.sender_ip)),
            3 => self.ifaces.owner_of(message.target_ip).is_some_and(|owner| {
                owner.addrs.iter().any(|a| a.cidr.addr == message.target_ip && a.scope == Scope::Host)
            }),
            8 => true,
            _ => false,
        };
        let filtered = self.sysctl.either(iface, |conf| conf.arp_filter)
            && self.next_hop(message.sender_ip, None).is_none_or(|(hop, _)| hop.iface != index);
        ignored || filtered
    }

    /// Whether we answer for an address that is routed out of another interface (`proxy_arp`).
    fn is_proxied(&self, index: u32, target: Ipv4Addr) -> bool {
        self.ifaces.get(index).is_some_and(|iface| {
            iface.conf.v4.forwarding != 0
                && self.sysctl.either(iface, |conf| conf.proxy_arp)
                && self.next_hop(target, None).is_some_and(|(hop, _)| hop.iface != index)
        })
    }

    fn answer_arp(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: FrameId, message: &Arp) {
        let Some(iface) = self.ifaces.get(index) else { return };
        let reply = Arp {
            op: arp::REPLY,
            sender_mac: iface.mac,
            sender_ip: message.target_ip,
            target_mac: message.sender_mac,
            target_ip: message.sender_ip,
        };
        let header = Ethernet { dst: message.sender_mac, src: iface.mac, ethertype: ethertype::ARP };
        let bytes = header.emit(&reply.emit());
        ctx.account.delivered += 1;
        ctx.decided(Some(frame), || Decision::Answered { by: "arp".to_owned() });
        let answer = ctx.frame(Some(frame), bytes);
        self.send_frame(ctx, index, answer);
    }

    /// Sends an ARP question; to this MAC only, if there is one.
    pub(super) fn ask(&mut self, ctx: &mut Ctx<'_>, key: NeighKey, unicast: Option<MacAddr>) {
        let (index, addr) = key;
        let Some(iface) = self.ifaces.get(index) else { return };
        // The address that the waiting packet is from, unless `arp_announce` wants a better one (`arp_solicit`).
        let of_packet = self.neighs.first_waiting(key).and_then(|buf| Ipv4::parse(buf.packet()).ok()).map(|p| p.src);
        let on_link = |src: Ipv4Addr| iface.addrs.iter().any(|a| a.cidr.contains(addr) && a.cidr.contains(src));
        let told =
            of_packet.filter(|src| self.ifaces.is_local(*src)).filter(|src| match self.sysctl.arp_announce(iface) {
                0 => true,
                1 => on_link(*src),
                _ => false,
            });
        let sender_ip =
            told.or_else(|| self.ifaces.select_source(index, addr, Scope::Link)).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let question = Arp {
            op: arp::REQUEST,
            sender_mac: iface.mac,
            sender_ip,
            target_mac: unicast.unwrap_or(MacAddr::ZERO),
            target_ip: addr,
        };
        let dst = unicast.unwrap_or(MacAddr::BROADCAST);
        let bytes = Ethernet { dst, src: iface.mac, ethertype: ethertype::ARP }.emit(&question.emit());
        let frame = ctx.frame(None, bytes);
        self.send_frame(ctx, index, frame);
    }

    /// Whether a packet that came in at `index` can have these addresses.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check_addresses(&self, index: u32, src: Ipv4Addr, dst: Ipv4Addr) -> Result<(), DropReason> {
        if src.is_multicast() || src.is_broadcast() {
            return Err(DropReason::IpSourceInvalid);
        }
        if index == LOOPBACK {
            return Ok(());
        }
        // 127.0.0.0/8 stays inside (RFC 1122 3.2.1.3), and who has no address yet speaks to everybody only.
        if src.is_loopback() || (src.octets()[0] == 0 && !dst.is_broadcast() && !dst.is_multicast()) {
            return Err(DropReason::IpSourceInvalid);
        }
        if dst.is_loopback() || dst.octets()[0] == 0 {
            return Err(DropReason::IpDestinationInvalid);
        }
        let Some(iface) = self.ifaces.get(index) else { return Ok(()) };
        if self.ifaces.is_local(src) {
            let accepted = self.sysctl.either(iface, |conf| conf.accept_local);
            return if accepted { Ok(()) } else { Err(DropReason::IpSourceInvalid) };
        }
        let strictness = self.sysctl.rp_filter(iface);
        if strictness == 0 || src.is_unspecified() {
            return Ok(());
        }
        // The way back: by this interface if one of the best routes leads there; in loose mode by any.
        match self.next_hop(src, None) {
            Some((hop, _)) if hop.iface == index || strictness == 2 => Ok(()),
            _ => Err(DropReason::ReversePath),
        }
    }
}
