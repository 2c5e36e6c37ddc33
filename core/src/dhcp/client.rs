//! A client's state machine (RFC 2131 section 4.4, figure 5), with the timers of ISC's dhclient.
//!
//! INIT → SELECTING → REQUESTING → BOUND → RENEWING (T1) → REBINDING (T2) → back to INIT when the lease is over.
//! INIT-REBOOT asks for a remembered address first.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::VecDeque;

use super::message::{Message, MessageType};
use super::option;
use crate::addr::{Cidr, MacAddr};
use crate::id::NodeId;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{DhcpClientRow, DhcpClientState};

/// dhclient.conf's `timeout`: so long it looks for a server.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// dhclient.conf's `retry`: so long it rests before it looks again.
const REST: Duration = Duration::from_secs(300);
/// dhclient.conf's `reboot`: so long it asks for a remembered address.
const REBOOT: Duration = Duration::from_secs(10);
/// dhclient.conf's `backoff-cutoff`: the longest time between two questions, in seconds.
const BACKOFF_MAX_SECS: u32 = 15;
/// The least time between two questions while renewing or rebinding (RFC 2131 4.4.5).
const RENEW_RETRY_MIN: Duration = Duration::from_secs(60);

/// What a client brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Its MAC.
    pub mac: MacAddr,
    /// Its host name.
    pub hostname: Option<String>,
    /// The options it wants to hear of.
    pub params: Vec<u8>,
    /// An address it had before.
    pub remembered: Option<Ipv4Addr>,
}

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundLease {
    /// The address with its network.
    pub cidr: Cidr,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// When its REQUEST was sent: the lease counts from there (RFC 2131 4.4.1).
    pub since: SimTime,
    /// T1.
    pub renew_at: SimTime,
    /// T2.
    pub rebind_at: SimTime,
    /// When it ends.
    pub expires: SimTime,
    /// The whole answer, for its options.
    pub ack: Message,
}

/// What a client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Send this; to everybody, unless there is an address.
    Send {
        /// The message.
        message: Message,
        /// To this server only.
        unicast_to: Option<Ipv4Addr>,
        /// Seconds until it is sent again, where dhclient says so.
        interval_secs: Option<u32>,
    },
    /// An offer came.
    Offered(Ipv4Addr, Ipv4Addr),
    /// The answer was yes: address, server.
    Acked(Ipv4Addr, Ipv4Addr),
    /// The answer was no: server.
    Refused(Ipv4Addr),
    /// The address may be used from now on.
    Bound(Box<BoundLease>),
    /// The same address for longer.
    Renewed(Box<BoundLease>),
    /// The address may not be used any more.
    Expired(Box<BoundLease>),
    /// Nobody answered; the client rests.
    NoOffers,
}

#[derive(Clone, Debug)]
enum State {
    Resting {
        until: SimTime,
    },
    Selecting {
        since: SimTime,
        next: SimTime,
        interval: u32,
    },
    Requesting {
        offer: Message,
        since: SimTime,
        next: SimTime,
        interval: u32,
    },
    Rebooting {
        since: SimTime,
        next: SimTime,
        interval: u32,
    },
    Bound(Box<BoundLease>),
    Renewing {
        lease: Box<BoundLease>,
        next: SimTime,
        asked: SimTime,
    },
    Rebinding {
        lease: Box<BoundLease>,
        next: SimTime,
        asked: SimTime,
    },
    /// Not begun.
    Idle,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    state: State,
    xid: u32,
    began: SimTime,
    actions: VecDeque<ClientAction>,
    rng: Rng,
}

impl Client {
    /// A client that has not begun.
    pub fn new(config: ClientConfig, mut rng: Rng) -> Self {
        let xid = rng.next_u32();
        Self { config, state: State::Idle, xid, began: SimTime::ZERO, actions: VecDeque::new(), rng }
    }

    /// Begins: asks for its old address if it has one, else looks for a server.
    pub fn start(&mut self, now: SimTime) {
        self.began = now;
        match self.config.remembered {
            Some(_) => {
                self.state = State::Rebooting { since: now, next: now, interval: 0 };
                self.ask_again(now);
            }
            None => self.look(now),
        }
    }

    fn look(&mut self, now: SimTime) {
        self.began = now;
        self.xid = self.rng.next_u32();
        self.state = State::Selecting { since: now, next: now, interval: 0 };
        self.ask_again(now);
    }

    /// The next interval, as dhclient's `send_discover` grows it: the first is drawn, later ones add up to twice the
    /// last one at random.
    fn grow(&mut self, interval: u32) -> u32 {
        let next = if interval == 0 { 3 + self.rng.below(6) } else { interval + self.rng.below(2 * interval + 1) };
        if next > BACKOFF_MAX_SECS { BACKOFF_MAX_SECS / 2 + self.rng.below(BACKOFF_MAX_SECS) } else { next }.max(1)
    }

    fn base(&self, kind: MessageType, now: SimTime) -> Message {
        let mut message = Message::request(kind, self.xid, self.config.mac);
        message.secs = u16::try_from(now.since(self.began).as_secs()).unwrap_or(u16::MAX);
        message
    }

    fn finish(&self, mut message: Message) -> Message {
        if let Some(hostname) = &self.config.hostname {
            message.set(option::HOST_NAME, hostname.as_bytes());
        }
        if !self.config.params.is_empty() {
            message.set(option::PARAMETER_REQUEST_LIST, &self.config.params);
        }
        message
    }

    fn send(&mut self, message: Message, unicast_to: Option<Ipv4Addr>, interval_secs: Option<u32>) {
        self.actions.push_back(ClientAction::Send { message, unicast_to, interval_secs });
    }

    /// Sends what the state sends, and sets when it is sent again.
    fn ask_again(&mut self, now: SimTime) {
        match self.state.clone() {
            State::Selecting { since, interval, .. } => {
                let interval = self.grow(interval);
                let message = self.finish(self.base(MessageType::Discover, now));
                self.state = State::Selecting { since, next: now + secs(interval), interval };
                self.send(message, None, Some(interval));
            }
            State::Requesting { offer, since, interval, .. } => {
                let interval = self.grow(interval);
                let mut message = self.base(MessageType::Request, now);
                message.set(option::SERVER_IDENTIFIER, &offer.server_id().unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
                message.set(option::REQUESTED_ADDRESS, &offer.yiaddr.octets());
                let message = self.finish(message);
                self.state = State::Requesting { offer, since, next: now + secs(interval), interval };
                self.send(message, None, None);
            }
            State::Rebooting { since, interval, .. } => {
                let interval = self.grow(interval);
                let mut message = self.base(MessageType::Request, now);
                let wanted = self.config.remembered.unwrap_or(Ipv4Addr::UNSPECIFIED);
                message.set(option::REQUESTED_ADDRESS, &wanted.octets());
                let message = self.finish(message);
                self.state = State::Rebooting { since, next: now + secs(interval), interval };
                self.send(message, None, None);
            }
            State::Renewing { lease, .. } => {
                let next = now + (lease.rebind_at.since(now) / 2).max(RENEW_RETRY_MIN);
                self.extend(now, &lease, Some(lease.server));
                self.state = State::Renewing { lease, next, asked: now };
            }
            State::Rebinding { lease, .. } => {
                let next = now + (lease.expires.since(now) / 2).max(RENEW_RETRY_MIN);
                self.extend(now, &lease, None);
                self.state = State::Rebinding { lease, next, asked: now };
            }
            State::Resting { .. } | State::Bound(_) | State::Idle => {}
        }
    }

    fn extend(&mut self, now: SimTime, lease: &BoundLease, server: Option<Ipv4Addr>) {
        let mut message = self.base(MessageType::Request, now);
        message.ciaddr = lease.cidr.addr;
        let message = self.finish(message);
        self.send(message, server, None);
    }

    /// Takes a server's message.
    pub fn handle_message(&mut self, now: SimTime, message: &Message) {
        if message.op != super::message::REPLY || message.xid != self.xid || message.chaddr != self.config.mac {
            return;
        }
        let Some(server) = message.server_id() else { return };
        match (message.kind(), &self.state) {
            (Some(MessageType::Offer), State::Selecting { .. }) if !message.yiaddr.is_unspecified() => {
                // dhclient.conf's `select-timeout` is 0: the first offer is taken.
                self.actions.push_back(ClientAction::Offered(message.yiaddr, server));
                self.state = State::Requesting { offer: message.clone(), since: now, next: now, interval: 0 };
                self.ask_again(now);
            }
            (Some(MessageType::Ack), state) => {
                let Some((asked, known)) = asked_at(state) else { return };
                self.actions.push_back(ClientAction::Acked(message.yiaddr, server));
                let lease = Box::new(bound(asked, server, message));
                let same = known.is_some_and(|addr| addr == lease.cidr.addr);
                self.state = State::Bound(lease.clone());
                let action = if same { ClientAction::Renewed(lease) } else { ClientAction::Bound(lease) };
                self.actions.push_back(action);
            }
            (Some(MessageType::Nak), state) => {
                if asked_at(state).is_none() {
                    return;
                }
                self.actions.push_back(ClientAction::Refused(server));
                if let State::Renewing { lease, .. } | State::Rebinding { lease, .. } = state.clone() {
                    self.actions.push_back(ClientAction::Expired(lease));
                }
                self.config.remembered = None;
                self.look(now);
            }
            _ => {}
        }
    }

    /// Does what has come due.
    pub fn handle_timeout(&mut self, now: SimTime) {
        match self.state.clone() {
            State::Resting { until } if until <= now => self.look(now),
            State::Selecting { since, .. } | State::Requesting { since, .. } if now.since(since) >= LOOK_FOR => {
                self.actions.push_back(ClientAction::NoOffers);
                self.state = State::Resting { until: now + REST };
            }
            State::Rebooting { since, .. } if now.since(since) >= REBOOT => {
                self.config.remembered = None;
                self.look(now);
            }
            State::Bound(lease) if lease.renew_at <= now => {
                self.xid = self.rng.next_u32();
                self.began = now;
                self.state = State::Renewing { lease, next: now, asked: now };
                self.ask_again(now);
            }
            State::Renewing { lease, .. } if lease.rebind_at <= now => {
                self.state = State::Rebinding { lease, next: now, asked: now };
                self.ask_again(now);
            }
            State::Renewing { lease, .. } | State::Rebinding { lease, .. } if lease.expires <= now => {
                self.actions.push_back(ClientAction::Expired(lease));
                self.look(now);
            }
            _ if self.retry_at().is_some_and(|at| at <= now) => self.ask_again(now),
            _ => {}
        }
    }

    fn retry_at(&self) -> Option<SimTime> {
        match &self.state {
            State::Selecting { next, .. }
            | State::Requesting { next, .. }
            | State::Rebooting { next, .. }
            | State::Renewing { next, .. }
            | State::Rebinding { next, .. } => Some(*next),
            State::Resting { .. } | State::Bound(_) | State::Idle => None,
        }
    }

    /// When it wants to be woken.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        match &self.state {
            State::Resting { until } => Some(*until),
            State::Selecting { since, next, .. } | State::Requesting { since, next, .. } => {
                Some((*next).min(*since + LOOK_FOR))
            }
            State::Rebooting { since, next, .. } => Some((*next).min(*since + REBOOT)),
            State::Bound(lease) => Some(lease.renew_at),
            State::Renewing { lease, next, .. } => Some((*next).min(lease.rebind_at).min(lease.expires)),
            State::Rebinding { lease, next, .. } => Some((*next).min(lease.expires)),
            State::Idle => None,
        }
    }

    /// The lease that is held.
    pub fn lease(&self) -> Option<&BoundLease> {
        match &self.state {
            State::Bound(lease) | State::Renewing { lease, .. } | State::Rebinding { lease, .. } => Some(lease),
            _ => None,
        }
    }

    /// The next thing it wants done.
    pub fn poll_action(&mut self) -> Option<ClientAction> {
        self.actions.pop_front()
    }

    /// Where it is.
    pub fn row(&self, node: NodeId, iface: u32) -> DhcpClientRow {
        let state = match &self.state {
            State::Resting { .. } | State::Idle => DhcpClientState::Init,
            State::Selecting { .. } => DhcpClientState::Selecting,
            State::Requesting { .. } => DhcpClientState::Requesting,
            State::Rebooting { .. } => DhcpClientState::InitReboot,
            State::Bound(_) => DhcpClientState::Bound,
            State::Renewing { .. } => DhcpClientState::Renewing,
            State::Rebinding { .. } => DhcpClientState::Rebinding,
        };
        let lease = self.lease();
        let wanted = match &self.state {
            State::Requesting { offer, .. } => Some(offer.yiaddr),
            State::Rebooting { .. } => self.config.remembered,
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

/// When the REQUEST was sent that an ACK answers, and the address that was held already.
fn asked_at(state: &State) -> Option<(SimTime, Option<Ipv4Addr>)> {
    match state {
        State::Requesting { since, .. } | State::Rebooting { since, .. } => Some((*since, None)),
        State::Renewing { lease, asked, .. } | State::Rebinding { lease, asked, .. } => {
            Some((*asked, Some(lease.cidr.addr)))
        }
        _ => None,
    }
}

fn bound(asked: SimTime, server: Ipv4Addr, ack: &Message) -> BoundLease {
    let lease = ack.lease_secs().unwrap_or(12 * 3600);
    // RFC 2131 4.4.5: half, and seven eighths.
    let t1 = ack.t1().unwrap_or(lease / 2);
    let t2 = ack.t2().unwrap_or((u64::from(lease) * 7 / 8) as u32);
    let prefix = ack.netmask().and_then(Cidr::prefix_of_mask).unwrap_or_else(|| classful_prefix(ack.yiaddr));
    BoundLease {
        cidr: Cidr::new(ack.yiaddr, prefix),
        server,
        since: asked,
        renew_at: asked + secs(t1.min(t2)),
        rebind_at: asked + secs(t2.min(lease)),
        expires: asked + secs(lease),
        ack: ack.clone(),
    }
}

/// The prefix of the address's class, when the server says no mask (RFC 791 2.3).
fn classful_prefix(addr: Ipv4Addr) -> u8 {
    match addr.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

fn secs(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs))
}
