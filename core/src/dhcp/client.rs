//! A client's state machine (RFC 2131 section 4.4, figure 5), with the timers of ISC's dhclient or of dhcpcd.
//!
//! INIT → SELECTING → REQUESTING → (probing the address) → BOUND → RENEWING (T1) → REBINDING (T2) → back to INIT when
//! the lease is over. INIT-REBOOT asks for a remembered address first; INFORM asks for everything but an address.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::VecDeque;

use super::action::{ClientAction, ClientConfig};
use super::lease::{BoundLease, bound};
use super::message::{Message, MessageType};
use super::option;
use super::timing::{ARP_ANNOUNCEMENTS, ARP_PROBES, Manner, secs};
use crate::addr::{Cidr, MacAddr};
use crate::id::NodeId;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{DhcpClientRow, DhcpClientState};

/// When something was begun, and when it is done again.
#[derive(Clone, Copy, Debug)]
struct Retry {
    since: SimTime,
    next: SimTime,
    interval: u32,
}

impl Retry {
    fn from(now: SimTime) -> Self {
        Self { since: now, next: now, interval: 0 }
    }
}

#[derive(Clone, Debug)]
enum State {
    /// Not begun.
    Idle,
    Resting(SimTime),
    Selecting(Retry),
    /// Offers are there, others may come.
    Choosing(Vec<Message>, SimTime),
    Requesting(Retry, Message),
    Rebooting(Retry),
    Probing(Box<BoundLease>, u32, SimTime),
    Bound(Box<BoundLease>),
    Renewing(Retry, Box<BoundLease>),
    Rebinding(Retry, Box<BoundLease>),
    Informing(Retry, Cidr),
    Informed,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    state: State,
    xid: u32,
    began: SimTime,
    /// Announcements that are still to be made: the next one's number, and when.
    announce: Option<(Ipv4Addr, u32, SimTime)>,
    actions: VecDeque<ClientAction>,
    rng: Rng,
}

impl Client {
    /// A client that has not begun.
    pub fn new(config: ClientConfig, mut rng: Rng) -> Self {
        let xid = rng.next_u32();
        let (state, actions) = (State::Idle, VecDeque::new());
        Self { config, state, xid, began: SimTime::ZERO, announce: None, actions, rng }
    }

    /// Begins: asks for its old address if it has one, else looks for a server.
    pub fn start(&mut self, now: SimTime) {
        self.began = now;
        match self.config.remembered {
            Some(_) => {
                self.state = State::Rebooting(Retry::from(now));
                self.ask_again(now);
            }
            None => self.look(now),
        }
    }

    /// Asks for everything but an address, which is this one.
    pub fn inform(&mut self, now: SimTime, own: Cidr) {
        self.began = now;
        self.state = State::Informing(Retry::from(now), own);
        self.ask_again(now);
    }

    /// Asks at once for more time (`dhcpcd -n`); looks for a server where there is no lease.
    pub fn renew_now(&mut self, now: SimTime) {
        match self.lease().cloned() {
            Some(lease) => self.renew(now, Box::new(lease)),
            None => self.look(now),
        }
    }

    /// Goes on with a lease that was recorded, though no server confirmed it (dhclient's `state_panic`).
    pub fn adopt(&mut self, lease: BoundLease) {
        self.state = State::Bound(Box::new(lease));
    }

    /// The message that gives the lease back (RFC 2131 4.4.6), and to whom; the client is done.
    pub fn release(&mut self) -> Option<(Message, Ipv4Addr)> {
        let lease = self.lease()?.clone();
        self.state = State::Idle;
        self.announce = None;
        let mut message = Message::request(MessageType::Release, self.rng.next_u32(), self.config.mac);
        message.ciaddr = lease.cidr.addr;
        message.set(option::SERVER_IDENTIFIER, &lease.server.octets());
        self.identify(&mut message);
        Some((message, lease.server))
    }

    fn look(&mut self, now: SimTime) {
        self.began = now;
        self.xid = self.rng.next_u32();
        self.announce = None;
        self.state = State::Selecting(Retry::from(now));
        self.ask_again(now);
    }

    fn renew(&mut self, now: SimTime, lease: Box<BoundLease>) {
        self.xid = self.rng.next_u32();
        self.began = now;
        self.actions.push_back(ClientAction::Renewing(lease.cidr.addr));
        self.state = State::Renewing(Retry::from(now), lease);
        self.ask_again(now);
    }

    fn rebind(&mut self, now: SimTime, lease: Box<BoundLease>) {
        self.actions.push_back(ClientAction::Rebinding(lease.cidr.addr));
        let retry = match (&self.state, self.config.manner) {
            // dhclient only changes whom it asks, at its own pace.
            (State::Renewing(retry, _), Manner::Dhclient) => *retry,
            _ => Retry::from(now),
        };
        self.state = State::Rebinding(retry, lease);
        self.ask_again(now);
    }

    fn base(&self, kind: MessageType, now: SimTime) -> Message {
        let mut message = Message::request(kind, self.xid, self.config.mac);
        message.secs = u16::try_from(now.since(self.began).as_secs()).unwrap_or(u16::MAX);
        message
    }

    /// RFC 2131 4.2: who uses an identifier, uses it in every message.
    fn identify(&self, message: &mut Message) {
        if let Some(id) = &self.config.client_id {
            message.set(option::CLIENT_IDENTIFIER, id);
        }
    }

    fn finish(&self, mut message: Message) -> Message {
        if let Some(hostname) = &self.config.hostname {
            message.set(option::HOST_NAME, hostname.as_bytes());
        }
        if !self.config.params.is_empty() {
            message.set(option::PARAMETER_REQUEST_LIST, &self.config.params);
        }
        self.identify(&mut message);
        for (code, value) in &self.config.extra {
            message.set(*code, value);
        }
        message
    }

    fn send(&mut self, message: Message, unicast_to: Option<Ipv4Addr>, retry: Option<Duration>) {
        self.actions.push_back(ClientAction::Send { message, unicast_to, retry });
    }

    /// Sends what the state sends, and sets when it is sent again.
    fn ask_again(&mut self, now: SimTime) {
        let mut retry = match &self.state {
            State::Selecting(retry)
            | State::Requesting(retry, _)
            | State::Rebooting(retry)
            | State::Renewing(retry, _)
            | State::Rebinding(retry, _)
            | State::Informing(retry, _) => *retry,
            State::Idle
            | State::Resting(_)
            | State::Choosing(..)
            | State::Probing(..)
            | State::Bound(_)
            | State::Informed => return,
        };
        let end = match &self.state {
            State::Selecting(retry) => self.config.manner.look_for().map(|wait| retry.since + wait),
            State::Renewing(_, lease) | State::Rebinding(_, lease) => Some(lease.expires),
            _ => None,
        };
        let (interval, wait) = self.config.manner.next_wait(now, retry.interval, end, &mut self.rng);
        (retry.interval, retry.next) = (interval, now + wait);
        let shown = match self.config.manner {
            Manner::Dhclient => secs(interval),
            Manner::Dhcpcd => wait,
        };
        let (message, unicast) = self.question(now);
        self.send(message, unicast, Some(shown));
        match &mut self.state {
            State::Selecting(old)
            | State::Requesting(old, _)
            | State::Rebooting(old)
            | State::Renewing(old, _)
            | State::Rebinding(old, _)
            | State::Informing(old, _) => *old = retry,
            _ => {}
        }
    }

    /// What the state asks (RFC 2131 4.3.2, table 5), and whom alone.
    fn question(&self, now: SimTime) -> (Message, Option<Ipv4Addr>) {
        let kind = match &self.state {
            State::Selecting(_) => MessageType::Discover,
            State::Informing(..) => MessageType::Inform,
            _ => MessageType::Request,
        };
        let mut message = self.base(kind, now);
        let mut unicast = None;
        match &self.state {
            State::Selecting(_) => {
                if let Some(hint) = self.config.hint {
                    message.set(option::REQUESTED_ADDRESS, &hint.octets());
                }
                if self.config.rapid_commit {
                    message.set(option::RAPID_COMMIT, &[]);
                }
            }
            State::Requesting(_, offer) => {
                let server = offer.server_id().unwrap_or(Ipv4Addr::UNSPECIFIED);
                message.set(option::SERVER_IDENTIFIER, &server.octets());
                message.set(option::REQUESTED_ADDRESS, &offer.yiaddr.octets());
            }
            State::Rebooting(_) => {
                let wanted = self.config.remembered.unwrap_or(Ipv4Addr::UNSPECIFIED);
                message.set(option::REQUESTED_ADDRESS, &wanted.octets());
            }
            State::Renewing(_, lease) => (message.ciaddr, unicast) = (lease.cidr.addr, Some(lease.server)),
            State::Rebinding(_, lease) => message.ciaddr = lease.cidr.addr,
            State::Informing(_, own) => message.ciaddr = own.addr,
            _ => {}
        }
        (self.finish(message), unicast)
    }

    /// Takes a server's message.
    pub fn handle_message(&mut self, now: SimTime, message: &Message) {
        if message.op != super::message::REPLY || message.xid != self.xid || message.chaddr != self.config.mac {
            return;
        }
        let Some(server) = message.server_id() else { return };
        match message.kind() {
            Some(MessageType::Offer) => self.handle_offer(now, message, server),
            Some(MessageType::Ack) if matches!(self.state, State::Informing(..)) => {
                self.state = State::Informed;
                self.actions.push_back(ClientAction::Informed(Box::new(message.clone())));
            }
            Some(MessageType::Ack) if !message.yiaddr.is_unspecified() => self.handle_ack(now, message, server),
            Some(MessageType::Nak) => self.handle_nak(now, message, server),
            _ => {}
        }
    }

    fn handle_offer(&mut self, now: SimTime, message: &Message, server: Ipv4Addr) {
        if message.yiaddr.is_unspecified() {
            return;
        }
        match &mut self.state {
            State::Selecting(_) if self.config.select_wait.is_zero() => {
                self.actions.push_back(ClientAction::Offered(message.yiaddr, server));
                self.request(now, message.clone());
            }
            State::Selecting(_) => {
                let until = now + self.config.select_wait;
                self.state = State::Choosing(vec![message.clone()], until);
                self.actions.push_back(ClientAction::Offered(message.yiaddr, server));
            }
            State::Choosing(offers, _) if offers.len() < OFFERS_MAX => {
                offers.push(message.clone());
                self.actions.push_back(ClientAction::Offered(message.yiaddr, server));
            }
            _ => {}
        }
    }

    fn request(&mut self, now: SimTime, offer: Message) {
        self.state = State::Requesting(Retry::from(now), offer);
        self.ask_again(now);
    }

    fn handle_ack(&mut self, now: SimTime, message: &Message, server: Ipv4Addr) {
        let (asked, known) = match &self.state {
            State::Requesting(retry, _) | State::Rebooting(retry) => (retry.since, None),
            State::Selecting(retry) if self.config.rapid_commit && message.get(option::RAPID_COMMIT).is_some() => {
                (retry.since, None)
            }
            State::Renewing(retry, lease) | State::Rebinding(retry, lease) => (retry.since, Some(lease.clone())),
            _ => return,
        };
        // The lease counts from the first REQUEST, so that it never outlives the server's (RFC 2131 4.4.1).
        let lease = Box::new(bound(self.config.manner, asked, server, message, &mut self.rng));
        self.actions.push_back(ClientAction::Acked(message.yiaddr, server));
        match known {
            Some(old) if old.cidr == lease.cidr => {
                self.state = State::Bound(lease.clone());
                self.actions.push_back(ClientAction::Renewed(lease));
                return;
            }
            Some(old) => self.actions.push_back(ClientAction::Expired(old)),
            None => {}
        }
        if self.config.probe {
            // RFC 5227 2.1.1: the first probe waits up to PROBE_WAIT, here nothing, as dhcpcd does after an ACK.
            self.state = State::Probing(lease, 0, now);
            self.probe(now);
        } else {
            self.state = State::Bound(lease.clone());
            self.actions.push_back(ClientAction::Bound(lease));
        }
    }

    fn handle_nak(&mut self, now: SimTime, message: &Message, server: Ipv4Addr) {
        let lost = match &self.state {
            State::Requesting(..) | State::Rebooting(_) => None,
            State::Renewing(_, lease) | State::Rebinding(_, lease) => Some(lease.clone()),
            _ => return,
        };
        let why = message.get(option::MESSAGE).map(|text| String::from_utf8_lossy(text).into_owned());
        self.actions.push_back(ClientAction::Refused(server, why));
        self.actions.extend(lost.map(ClientAction::Expired));
        (self.config.remembered, self.config.hint) = (None, None);
        match self.config.manner {
            Manner::Dhclient => self.look(now),
            // dhcpcd waits a moment, longer each time, so that a refusing server does not make it a flood.
            Manner::Dhcpcd => self.state = State::Resting(now + Duration::from_secs(1)),
        }
    }

    /// The next probe of an address, or its use.
    fn probe(&mut self, now: SimTime) {
        let State::Probing(lease, sent, next) = &mut self.state else { return };
        let addr = lease.cidr.addr;
        if *sent < ARP_PROBES {
            *sent += 1;
            let (number, wait) = (*sent, Manner::probe_wait(*sent, &mut self.rng));
            *next = now + wait;
            self.actions.push_back(ClientAction::Probe { addr, number, wait });
            return;
        }
        let lease = lease.clone();
        self.state = State::Bound(lease.clone());
        self.actions.push_back(ClientAction::Bound(lease));
        self.announce = Some((addr, 1, now));
        self.make_announcement(now);
    }

    fn make_announcement(&mut self, now: SimTime) {
        let Some((addr, number, _)) = self.announce.filter(|(_, _, at)| *at <= now) else { return };
        let wait = (number < ARP_ANNOUNCEMENTS).then_some(Manner::ANNOUNCE_INTERVAL);
        self.announce = wait.map(|wait| (addr, number + 1, now + wait));
        self.actions.push_back(ClientAction::Announce { addr, number, wait });
    }

    /// The address that is being probed.
    pub fn probing(&self) -> Option<Ipv4Addr> {
        self.probed().map(|cidr| cidr.addr)
    }

    /// The address that is being probed, with its network.
    pub fn probed(&self) -> Option<Cidr> {
        match &self.state {
            State::Probing(lease, ..) => Some(lease.cidr),
            _ => None,
        }
    }

    /// Somebody else has the address that is being probed: it is declined, and after a while another one is looked for
    /// (RFC 2131 3.1 step 5).
    pub fn handle_conflict(&mut self, now: SimTime, owner: MacAddr) {
        let State::Probing(lease, ..) = self.state.clone() else { return };
        self.actions.push_back(ClientAction::Conflict(lease.cidr.addr, owner));
        // RFC 2131 table 5: server and address, no ciaddr, no list of wishes.
        let mut decline = self.base(MessageType::Decline, now);
        decline.secs = 0;
        decline.set(option::REQUESTED_ADDRESS, &lease.cidr.addr.octets());
        decline.set(option::SERVER_IDENTIFIER, &lease.server.octets());
        self.identify(&mut decline);
        self.send(decline, None, None);
        (self.config.remembered, self.config.hint) = (None, None);
        self.state = State::Resting(now + Manner::DECLINE_WAIT);
    }

    /// Does what has come due.
    pub fn handle_timeout(&mut self, now: SimTime) {
        self.make_announcement(now);
        let manner = self.config.manner;
        match self.state.clone() {
            State::Resting(until) if until <= now => self.look(now),
            State::Choosing(offers, until) if until <= now => {
                let prefer = self.config.prefer_server;
                let liked = |offer: &&Message| prefer.is_some() && offer.server_id() == prefer;
                if let Some(offer) = offers.iter().find(liked).or(offers.first()) {
                    self.request(now, offer.clone());
                }
            }
            State::Selecting(retry)
                if retry.next <= now && manner.look_for().is_some_and(|w| now >= retry.since + w) =>
            {
                self.actions.push_back(ClientAction::NoOffers);
                self.state = State::Resting(now + manner.rest());
            }
            State::Requesting(retry, _) if retry.next <= now && now >= retry.since + manner.reboot() => self.look(now),
            State::Rebooting(retry) if retry.next <= now && now >= retry.since + manner.reboot() => {
                self.actions.push_back(ClientAction::NotConfirmed);
                self.config.hint = self.config.remembered.take();
                self.look(now);
            }
            State::Probing(_, _, next) if next <= now => self.probe(now),
            State::Bound(lease) if lease.renew_at <= now => self.renew(now, lease),
            State::Renewing(retry, lease) if lease.rebind_at <= now && (!manner.lazy() || retry.next <= now) => {
                self.rebind(now, lease);
            }
            State::Renewing(retry, lease) | State::Rebinding(retry, lease)
                if lease.expires <= now && (!manner.lazy() || retry.next <= now) =>
            {
                self.config.hint = Some(lease.cidr.addr);
                self.actions.push_back(ClientAction::Expired(lease));
                self.look(now);
            }
            _ if self.retry().is_some_and(|retry| retry.next <= now) => self.ask_again(now),
            _ => {}
        }
    }

    fn retry(&self) -> Option<Retry> {
        match &self.state {
            State::Selecting(retry)
            | State::Requesting(retry, _)
            | State::Rebooting(retry)
            | State::Renewing(retry, _)
            | State::Rebinding(retry, _)
            | State::Informing(retry, _) => Some(*retry),
            _ => None,
        }
    }

    /// When it wants to be woken.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        let own = match &self.state {
            State::Resting(until) | State::Choosing(_, until) | State::Probing(_, _, until) => Some(*until),
            State::Bound(lease) => Some(lease.renew_at),
            State::Renewing(retry, lease) if !self.config.manner.lazy() => {
                Some(retry.next.min(lease.rebind_at).min(lease.expires))
            }
            State::Rebinding(retry, lease) if !self.config.manner.lazy() => Some(retry.next.min(lease.expires)),
            _ => self.retry().map(|retry| retry.next),
        };
        own.into_iter().chain(self.announce.map(|(_, _, at)| at)).min()
    }

    /// The lease that is held.
    pub fn lease(&self) -> Option<&BoundLease> {
        match &self.state {
            State::Bound(lease) | State::Renewing(_, lease) | State::Rebinding(_, lease) => Some(lease),
            _ => None,
        }
    }

    /// Whether its question by INFORM was answered.
    pub fn is_informed(&self) -> bool {
        matches!(self.state, State::Informed)
    }

    /// The next thing it wants done.
    pub fn poll_action(&mut self) -> Option<ClientAction> {
        self.actions.pop_front()
    }

    /// Where it is.
    pub fn row(&self, node: NodeId, iface: u32) -> DhcpClientRow {
        let state = match &self.state {
            State::Resting(_) | State::Idle => DhcpClientState::Init,
            State::Selecting(_) | State::Choosing(..) => DhcpClientState::Selecting,
            // RFC 2131's figure has no state of its own for the probe: the address is not used yet.
            State::Requesting(..) | State::Probing(..) => DhcpClientState::Requesting,
            State::Rebooting(_) => DhcpClientState::InitReboot,
            State::Bound(_) | State::Informing(..) | State::Informed => DhcpClientState::Bound,
            State::Renewing(..) => DhcpClientState::Renewing,
            State::Rebinding(..) => DhcpClientState::Rebinding,
        };
        let lease = self.lease();
        let wanted = match &self.state {
            State::Requesting(_, offer) => Some(offer.yiaddr),
            State::Rebooting(_) => self.config.remembered,
            State::Probing(lease, ..) => Some(lease.cidr.addr),
            State::Informing(_, own) => Some(own.addr),
            _ => lease.map(|lease| lease.cidr.addr),
        };
        DhcpClientRow {
            node,
            iface,
            state,
            addr: wanted,
            server: lease.map(|lease| lease.server),
            since: lease.map(|lease| lease.since),
            renew_at: lease.map(|lease| lease.renew_at),
            rebind_at: lease.map(|lease| lease.rebind_at),
            expires: lease.map(|lease| lease.expires),
        }
    }
}

/// Offers that are collected.
const OFFERS_MAX: usize = 16;
