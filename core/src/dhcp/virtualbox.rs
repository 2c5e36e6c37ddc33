//! VirtualBox's two servers, where they differ from ISC's: the one of internal, host-only and NAT networks, and the one
//! inside the NAT mode.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::message::{Message, MessageType};
use super::option;
use super::server::{Server, ServerAction};
use crate::drop_reason::DropReason;
use crate::time::SimTime;
use crate::view::LeaseState;

impl Server {
    /// DHCPD.cpp, `process`.
    pub(super) fn vbox_net_dhcp(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if message.server_id().is_some_and(|server| server != self.config().server_id) {
            if message.kind() == Some(MessageType::Request) {
                self.cancel_offer(message);
            }
            return ServerAction::Ignore(DropReason::DhcpNotForUs);
        }
        match message.kind() {
            Some(MessageType::Discover) => self.vbox_discover(now, message),
            Some(MessageType::Request) => self.vbox_request(now, message),
            // A client without a list of wishes gets no answer.
            Some(MessageType::Inform) if message.ciaddr.is_unspecified() || message.param_list().is_empty() => {
                ServerAction::Ignore(DropReason::DhcpUnexpected)
            }
            Some(MessageType::Inform) => self.informed(message),
            // Taken, and nothing is done about it: the conflict will come back.
            Some(MessageType::Decline) => ServerAction::Taken,
            Some(MessageType::Release) => self.release(now, message),
            _ => ServerAction::Ignore(DropReason::DhcpUnexpected),
        }
    }

    fn vbox_discover(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if !message.ciaddr.is_unspecified() {
            return ServerAction::Ignore(DropReason::DhcpUnexpected);
        }
        let asked = message.requested_ip().filter(|addr| self.pool.contains(*addr));
        let Some(addr) = self.vbox_allocate(message, asked) else {
            return ServerAction::Ignore(DropReason::DhcpPoolEmpty);
        };
        if message.get(option::RAPID_COMMIT).is_some() {
            let ServerAction::Reply(mut reply) = self.acknowledge(now, message, addr) else {
                return ServerAction::Taken;
            };
            reply.message.set(option::RAPID_COMMIT, &[]);
            return ServerAction::Reply(reply);
        }
        self.offer(now, message, addr)
    }

    fn vbox_request(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let asked = message.requested_ip();
        if !message.ciaddr.is_unspecified() && asked.is_some_and(|asked| asked != message.ciaddr) {
            return self.nak(message, Some("Requested address does not match ciaddr"));
        }
        let known = |addr: &Ipv4Addr| self.pool.contains(*addr) || self.reservation(message) == Some(*addr);
        if asked.is_some_and(|addr| !known(&addr)) {
            return self.nak(message, None);
        }
        // Whoever comes gets an address, though it may be another one than was asked for (Db.cpp, `i_allocateAddress`).
        match self.vbox_allocate(message, asked) {
            Some(addr) => self.acknowledge(now, message, addr),
            None => self.nak(message, None),
        }
    }

    /// Fixed; the client's own; the one asked for; a new one; one that was given back or has run out.
    fn vbox_allocate(&mut self, message: &Message, asked: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let client = message.client();
        self.reservation(message)
            .or_else(|| self.pool.of_client(&client).filter(|addr| self.pool.contains(*addr)))
            .or_else(|| asked.filter(|addr| self.pool.contains(*addr) && self.pool.free_for(*addr, &client)))
            .or_else(|| self.pool.choose())
    }

    /// bootp.c, `bootp_reply`: a table of clients without an end of leases.
    pub(super) fn slirp(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let client = message.client();
        let mine = |server: &Self| server.pool.of_client(&client).filter(|addr| server.pool.contains(*addr));
        match message.kind() {
            Some(MessageType::Discover) => {
                let asked = message.requested_ip().filter(|addr| self.may_have(*addr, message));
                match self.reservation(message).or(asked).or_else(|| mine(self)).or_else(|| self.pool.choose()) {
                    Some(addr) => self.offer(now, message, addr),
                    None => ServerAction::Ignore(DropReason::DhcpPoolEmpty),
                }
            }
            Some(MessageType::Request) => match message.requested_ip() {
                Some(addr) if self.may_have(addr, message) => self.acknowledge(now, message, addr),
                Some(_) => self.nak(message, Some("requested address not available")),
                None => match self.reservation(message).or_else(|| mine(self)).or_else(|| self.pool.choose()) {
                    Some(addr) => self.acknowledge(now, message, addr),
                    None => ServerAction::Ignore(DropReason::DhcpPoolEmpty),
                },
            },
            _ => ServerAction::Ignore(DropReason::DhcpUnexpected),
        }
    }

    /// The client chose another server: what was offered to it is free again.
    pub(super) fn cancel_offer(&mut self, message: &Message) {
        if let Some(addr) = self.pool.of_client(&message.client())
            && self.pool.get(addr).is_some_and(|binding| binding.state == LeaseState::Offered)
        {
            self.outbox.answered(addr);
            self.forget(addr);
        }
    }

    /// How long an offer is kept: the server of VirtualBox's networks keeps it for as long as a lease.
    pub(super) fn offer_time(&self, message: &Message) -> Duration {
        let secs = match self.config().flavour {
            super::Flavour::VBoxNetDhcp => self.config().granted_secs(message.lease_secs()),
            super::Flavour::Isc | super::Flavour::Slirp => self.config().offer_secs,
        };
        Duration::from_secs(u64::from(secs))
    }
}
