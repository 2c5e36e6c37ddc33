//! A server's decisions (RFC 2131 section 4.3).

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use super::message::{Message, MessageType};
use super::option;
use super::pool::{Binding, Pool};
use crate::addr::{Cidr, MacAddr};
use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::limits;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{DhcpServerRow, LeaseRow, LeaseState};

/// How long a declined address is not offered again (Kea's `decline-probation-period` default).
const DECLINE_PROBATION: Duration = Duration::from_secs(86_400);
/// Characters of a host name that are remembered.
const HOSTNAME_MAX: usize = 64;

/// An address kept for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The client's MAC.
    pub mac: MacAddr,
    /// Its address, inside or outside the pool.
    pub addr: Ipv4Addr,
}

/// A server's scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The server's own address, its identifier.
    pub server_id: Ipv4Addr,
    /// The network it serves.
    pub subnet: Cidr,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// Parts of the pool that are not handed out, both ends included.
    pub exclude: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Addresses kept for certain clients.
    pub reservations: Vec<Reservation>,
    /// How long a lease is when the client does not ask, in seconds.
    pub lease_secs: u32,
    /// A client that asks gets at least and at most this, in seconds.
    pub lease_secs_range: (u32, u32),
    /// Option 3.
    pub router: Option<Ipv4Addr>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Further options.
    pub options: Vec<(u8, Vec<u8>)>,
    /// Says no to clients whose address it does not know.
    pub authoritative: bool,
    /// How long an offer is kept, in seconds.
    pub offer_secs: u32,
}

impl ServerConfig {
    /// A scope with a lease of a week, no router, no name servers.
    pub fn new(server_id: Ipv4Addr, subnet: Cidr, first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self {
            server_id,
            subnet,
            first,
            last,
            exclude: Vec::new(),
            reservations: Vec::new(),
            lease_secs: 7 * 24 * 3600,
            lease_secs_range: (60, u32::MAX),
            router: None,
            dns: Vec::new(),
            options: Vec::new(),
            authoritative: true,
            offer_secs: 60,
        }
    }
}

/// Where an answer goes (RFC 2131 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// To everybody: the client cannot take unicast, or has no address.
    Broadcast,
    /// To this address at this MAC, without asking ARP.
    Unicast {
        /// The address.
        addr: Ipv4Addr,
        /// The MAC.
        mac: MacAddr,
    },
    /// To the relay.
    Relay(Ipv4Addr),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub message: Message,
    /// Where it goes.
    pub to: ReplyTo,
}

/// What a server does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAction {
    /// Answers.
    Reply(Reply),
    /// Takes note without a word.
    Taken,
    /// Does not want it.
    Ignore(DropReason),
}

/// A change of the lease table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseChange {
    /// New or changed.
    Put(Ipv4Addr),
    /// Forgotten.
    Del(Ipv4Addr),
}

/// A server and its leases.
#[derive(Clone, Debug)]
pub struct Server {
    config: ServerConfig,
    pool: Pool,
    changes: VecDeque<LeaseChange>,
}

impl Server {
    /// A server with nothing leased. `_rng` is for what it will draw (xids of its own pings).
    pub fn new(config: ServerConfig, _rng: Rng) -> Self {
        let mut reserved: BTreeSet<u32> = config.reservations.iter().map(|r| r.addr.to_bits()).collect();
        reserved.insert(config.server_id.to_bits());
        reserved.extend(config.router.map(Ipv4Addr::to_bits));
        for (first, last) in &config.exclude {
            let range = first.to_bits()..=last.to_bits();
            reserved.extend(range.take(limits::DHCP_POOL_MAX as usize));
        }
        let pool = Pool::new(config.first, config.last, reserved);
        Self { config, pool, changes: VecDeque::new() }
    }

    /// Its scope.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Decides on a client's message.
    pub fn handle_message(&mut self, now: SimTime, message: &Message) -> ServerAction {
        self.handle_timeout(now);
        if message.op != super::message::REQUEST || !message.chaddr.is_unicast() {
            return ServerAction::Ignore(DropReason::DhcpUnexpected);
        }
        match message.kind() {
            Some(MessageType::Discover) => self.discover(now, message),
            Some(MessageType::Request) => self.request(now, message),
            Some(MessageType::Decline) => self.decline(now, message),
            Some(MessageType::Release) => self.release(now, message),
            Some(MessageType::Inform) => self.inform(message),
            _ => ServerAction::Ignore(DropReason::DhcpUnexpected),
        }
    }

    fn reservation(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        self.config.reservations.iter().find(|r| r.mac == mac).map(|r| r.addr)
    }

    fn may_have(&self, addr: Ipv4Addr, mac: MacAddr) -> bool {
        match self.reservation(mac) {
            Some(kept) => kept == addr,
            None => self.pool.contains(addr) && self.pool.free_for(addr, mac),
        }
    }

    fn discover(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let mac = message.chaddr;
        let chosen = self
            .reservation(mac)
            .or_else(|| self.pool.of_client(mac).filter(|addr| self.may_have(*addr, mac)))
            .or_else(|| message.requested_ip().filter(|addr| self.may_have(*addr, mac)))
            .or_else(|| self.pool.choose());
        let Some(addr) = chosen else { return ServerAction::Ignore(DropReason::DhcpPoolEmpty) };
        // What the client holds already stays bound while it looks around.
        let bound = self.pool.get(addr).is_some_and(|b| b.mac == mac && b.state == LeaseState::Bound);
        if !bound {
            let expires = now + Duration::from_secs(u64::from(self.config.offer_secs));
            self.bind(addr, message, LeaseState::Offered, expires);
        }
        let mut offer = self.grant(MessageType::Offer, message, addr);
        offer.yiaddr = addr;
        self.reply(message, offer)
    }

    fn request(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let mac = message.chaddr;
        let (wanted, knows_us) = match (message.server_id(), message.requested_ip()) {
            // SELECTING: the client chose an offer.
            (Some(server), _) if server != self.config.server_id => {
                if let Some(addr) = self.pool.of_client(mac)
                    && self.pool.get(addr).is_some_and(|b| b.state == LeaseState::Offered)
                {
                    self.pool.forget(addr);
                    self.changes.push_back(LeaseChange::Del(addr));
                }
                return ServerAction::Taken;
            }
            (Some(_), wanted) => (wanted.unwrap_or(message.ciaddr), true),
            // INIT-REBOOT: the client remembers an address.
            (None, Some(wanted)) => (wanted, false),
            // RENEWING, REBINDING: the client has an address.
            (None, None) => (message.ciaddr, false),
        };
        let on_our_net = self.config.subnet.contains(wanted);
        let known = self.pool.get(wanted).is_some_and(|b| b.mac == mac) || self.reservation(mac) == Some(wanted);
        if !on_our_net && !message.giaddr.is_unspecified() && !self.config.authoritative {
            return ServerAction::Ignore(DropReason::DhcpUnknownLease);
        }
        if !on_our_net || !self.may_have(wanted, mac) {
            return if knows_us || self.config.authoritative {
                self.nak(message)
            } else {
                ServerAction::Ignore(DropReason::DhcpUnknownLease)
            };
        }
        if !known && !knows_us && !self.config.authoritative {
            return ServerAction::Ignore(DropReason::DhcpUnknownLease);
        }
        let secs = self.lease_secs(message);
        let expires = now + Duration::from_secs(u64::from(secs));
        self.bind(wanted, message, LeaseState::Bound, expires);
        let mut ack = self.grant(MessageType::Ack, message, wanted);
        ack.yiaddr = wanted;
        ack.ciaddr = message.ciaddr;
        self.reply(message, ack)
    }

    fn nak(&self, message: &Message) -> ServerAction {
        let mut nak = message.answer(MessageType::Nak, self.config.server_id);
        nak.set(option::MESSAGE, b"requested address not available");
        // RFC 2131 4.3.2: to everybody, unless a relay passes it on.
        let to = if message.giaddr.is_unspecified() { ReplyTo::Broadcast } else { ReplyTo::Relay(message.giaddr) };
        ServerAction::Reply(Reply { message: nak, to })
    }

    fn decline(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let addr = message.requested_ip();
        match addr.filter(|addr| self.pool.get(*addr).is_some_and(|b| b.mac == message.chaddr)) {
            Some(addr) => {
                self.bind(addr, message, LeaseState::Declined, now + DECLINE_PROBATION);
                ServerAction::Taken
            }
            None => ServerAction::Ignore(DropReason::DhcpUnknownLease),
        }
    }

    fn release(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if message.server_id().is_some_and(|server| server != self.config.server_id) {
            return ServerAction::Ignore(DropReason::DhcpNotForUs);
        }
        if self.pool.get(message.ciaddr).is_none_or(|b| b.mac != message.chaddr || b.state != LeaseState::Bound) {
            return ServerAction::Ignore(DropReason::DhcpUnknownLease);
        }
        self.bind(message.ciaddr, message, LeaseState::Released, now);
        ServerAction::Taken
    }

    fn inform(&self, message: &Message) -> ServerAction {
        if message.ciaddr.is_unspecified() {
            return ServerAction::Ignore(DropReason::DhcpUnexpected);
        }
        let mut ack = message.answer(MessageType::Ack, self.config.server_id);
        ack.ciaddr = message.ciaddr;
        self.add_options(message, &mut ack);
        let to = ReplyTo::Unicast { addr: message.ciaddr, mac: message.chaddr };
        ServerAction::Reply(Reply { message: ack, to })
    }

    fn lease_secs(&self, message: &Message) -> u32 {
        let (min, max) = self.config.lease_secs_range;
        message
            .lease_secs()
            .map_or(self.config.lease_secs, |asked| asked.clamp(min, max.min(self.config.lease_secs.max(min))))
    }

    fn grant(&self, kind: MessageType, message: &Message, _: Ipv4Addr) -> Message {
        let mut answer = message.answer(kind, self.config.server_id);
        answer.set(option::LEASE_TIME, &self.lease_secs(message).to_be_bytes());
        self.add_options(message, &mut answer);
        answer
    }

    /// The mask, and what the client asked for of what we have; all of it if it did not say.
    fn add_options(&self, message: &Message, answer: &mut Message) {
        let wanted = |code: u8| message.param_list().is_empty() || message.param_list().contains(&code);
        let config = &self.config;
        answer.set(option::SUBNET_MASK, &config.subnet.netmask().octets());
        if let Some(router) = config.router.filter(|_| wanted(option::ROUTERS)) {
            answer.set(option::ROUTERS, &router.octets());
        }
        if !config.dns.is_empty() && wanted(option::DOMAIN_NAME_SERVERS) {
            let bytes: Vec<u8> = config.dns.iter().flat_map(Ipv4Addr::octets).collect();
            answer.set(option::DOMAIN_NAME_SERVERS, &bytes);
        }
        if wanted(option::BROADCAST_ADDRESS) && config.subnet.prefix < 31 {
            answer.set(option::BROADCAST_ADDRESS, &config.subnet.broadcast().octets());
        }
        for (code, value) in config.options.iter().filter(|(code, _)| wanted(*code)) {
            answer.set(*code, value);
        }
    }

    fn reply(&self, message: &Message, reply: Message) -> ServerAction {
        let to = if !message.giaddr.is_unspecified() {
            ReplyTo::Relay(message.giaddr)
        } else if !message.ciaddr.is_unspecified() {
            ReplyTo::Unicast { addr: message.ciaddr, mac: message.chaddr }
        } else if message.broadcast {
            ReplyTo::Broadcast
        } else {
            ReplyTo::Unicast { addr: reply.yiaddr, mac: message.chaddr }
        };
        ServerAction::Reply(Reply { message: reply, to })
    }

    fn bind(&mut self, addr: Ipv4Addr, message: &Message, state: LeaseState, expires: SimTime) {
        let hostname =
            message.hostname().map(|name| name.chars().filter(|c| !c.is_control()).take(HOSTNAME_MAX).collect());
        let binding = Binding { mac: message.chaddr, hostname: hostname.unwrap_or_default(), state, expires };
        if let Some(old) = self.pool.put(addr, binding) {
            self.changes.push_back(LeaseChange::Del(old));
        }
        self.changes.push_back(LeaseChange::Put(addr));
    }

    /// Lets offers and leases end whose time is over.
    pub fn handle_timeout(&mut self, now: SimTime) {
        while let Some(addr) = self.pool.overdue(now) {
            let Some(binding) = self.pool.get(addr).cloned() else { return };
            if binding.state == LeaseState::Bound {
                self.pool.put(addr, Binding { state: LeaseState::Expired, ..binding });
                self.changes.push_back(LeaseChange::Put(addr));
            } else {
                self.pool.forget(addr);
                self.changes.push_back(LeaseChange::Del(addr));
            }
        }
    }

    /// When the next offer or lease ends.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.pool.next_deadline()
    }

    /// The next change of the lease table since the last call.
    pub fn poll_change(&mut self) -> Option<LeaseChange> {
        self.changes.pop_front()
    }

    /// One lease.
    pub fn lease_row(&self, node: NodeId, addr: Ipv4Addr) -> Option<LeaseRow> {
        let binding = self.pool.get(addr)?;
        Some(LeaseRow {
            server: node,
            addr,
            mac: binding.mac,
            hostname: binding.hostname.clone(),
            state: binding.state,
            expires: binding.expires,
        })
    }

    /// All leases, by address.
    pub fn lease_rows(&self, node: NodeId) -> Vec<LeaseRow> {
        self.pool.bindings().filter_map(|(addr, _)| self.lease_row(node, *addr)).collect()
    }

    /// The scope.
    pub fn row(&self, node: NodeId) -> DhcpServerRow {
        DhcpServerRow {
            node,
            server: self.config.server_id,
            first: self.config.first,
            last: self.config.last,
            lease_secs: self.config.lease_secs,
            router: self.config.router,
            dns: self.config.dns.clone(),
        }
    }
}
