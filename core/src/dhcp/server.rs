//! A server's decisions (RFC 2131 section 4.3), as ISC's dhcpd takes them; what VirtualBox's servers do otherwise is in
//! `virtualbox.rs`. What RFC 2131 leaves open was tried with isc-dhcp-server 4.4.3-P1 in a namespace.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use super::config::{Flavour, ServerConfig};
use super::message::{ClientKey, Message, MessageType};
use super::option;
use super::pool::{Binding, Pool};
use super::probe::Outbox;
use super::reply::Reply;
use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::limits;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{DhcpServerRow, LeaseRow, LeaseState};

/// How long an address that somebody else uses is not offered again (dhcpd.conf's `abandon-lease-time`).
const ABANDONED: Duration = Duration::from_secs(86_400);
/// A client that spoke of its address so shortly ago gets its offer without a ping (server/dhcp.c, `ack_lease`).
const PING_CLTT: Duration = Duration::from_secs(60);
/// Characters of a host name that are remembered.
const HOSTNAME_MAX: usize = 64;

/// What a server does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAction {
    /// Answers.
    Reply(Reply),
    /// Takes note without a word, or answers later.
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
    pub(super) pool: Pool,
    pub(super) outbox: Outbox,
    changes: VecDeque<LeaseChange>,
}

impl Server {
    /// A server with nothing leased. `_rng` is for what it will draw.
    pub fn new(config: ServerConfig, _rng: Rng) -> Self {
        let mut reserved: BTreeSet<u32> = config.reservations.iter().map(|r| r.addr.to_bits()).collect();
        reserved.insert(config.server_id.to_bits());
        reserved.extend(config.router.map(Ipv4Addr::to_bits));
        for (first, last) in &config.exclude {
            let range = first.to_bits()..=last.to_bits();
            reserved.extend(range.take(limits::DHCP_POOL_MAX as usize));
        }
        let pool = Pool::new(config.first, config.last, reserved);
        Self { config, pool, outbox: Outbox::default(), changes: VecDeque::new() }
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
        let action = match self.config.flavour {
            Flavour::Isc => self.isc(now, message),
            Flavour::VBoxNetDhcp => self.vbox_net_dhcp(now, message),
            Flavour::Slirp => self.slirp(now, message),
        };
        match action {
            ServerAction::Reply(reply) if !self.config.delay.is_zero() => {
                if self.outbox.later(now + self.config.delay, reply) {
                    ServerAction::Taken
                } else {
                    ServerAction::Ignore(DropReason::DhcpBusy)
                }
            }
            action => action,
        }
    }

    fn isc(&mut self, now: SimTime, message: &Message) -> ServerAction {
        match message.kind() {
            Some(MessageType::Discover) => self.discover(now, message),
            Some(MessageType::Request) => self.request(now, message),
            Some(MessageType::Decline) => self.decline(now, message),
            Some(MessageType::Release) => self.release(now, message),
            Some(MessageType::Inform) if message.ciaddr.is_unspecified() => {
                ServerAction::Ignore(DropReason::DhcpUnexpected)
            }
            // "not authoritative for subnet": dhcpd informs nobody then.
            Some(MessageType::Inform) if !self.config.authoritative => {
                ServerAction::Ignore(DropReason::DhcpUnknownLease)
            }
            Some(MessageType::Inform) => self.informed(message),
            _ => ServerAction::Ignore(DropReason::DhcpUnexpected),
        }
    }

    /// The address that is kept for who sent this.
    pub(super) fn reservation(&self, message: &Message) -> Option<Ipv4Addr> {
        self.config.reservations.iter().find(|r| r.is_for(message)).map(|r| r.addr)
    }

    /// Whether who sent this may have the address.
    pub(super) fn may_have(&self, addr: Ipv4Addr, message: &Message) -> bool {
        let free = self.pool.free_for(addr, &message.client());
        match self.reservation(message) {
            Some(kept) => kept == addr && free,
            None => self.pool.contains(addr) && free,
        }
    }

    /// Whether this scope has something to say about a client: a reservation, or a lease of now or before.
    pub fn knows(&self, message: &Message) -> bool {
        self.reservation(message).is_some() || self.pool.of_client(&message.client()).is_some()
    }

    /// Whether the address is one of this scope's: in its pool, or reserved.
    pub fn owns(&self, addr: Ipv4Addr) -> bool {
        self.pool.contains(addr) || self.config.reservations.iter().any(|r| r.addr == addr)
    }

    /// Whether a new client could be given an address.
    pub fn has_room(&self) -> bool {
        self.pool.has_free()
    }

    fn discover(&mut self, now: SimTime, message: &Message) -> ServerAction {
        let client = message.client();
        let kept = self.reservation(message).filter(|addr| self.pool.free_for(*addr, &client));
        let chosen = kept
            .or_else(|| self.pool.of_client(&client).filter(|addr| self.may_have(*addr, message)))
            .or_else(|| message.requested_ip().filter(|addr| self.may_have(*addr, message)))
            .or_else(|| self.pool.choose())
            // "Reclaiming abandoned lease": better one that was in use than none.
            .or_else(|| self.pool.abandoned());
        let Some(addr) = chosen else { return ServerAction::Ignore(DropReason::DhcpPoolEmpty) };
        self.offer(now, message, addr)
    }

    /// Offers an address, after a ping where that is wanted.
    pub(super) fn offer(&mut self, now: SimTime, message: &Message, addr: Ipv4Addr) -> ServerAction {
        if self.outbox.is_probing(addr) {
            // "already acking lease": the answer is on its way.
            return ServerAction::Taken;
        }
        let before = self.pool.get(addr);
        let bound = before.is_some_and(|b| b.client == message.client() && b.state == LeaseState::Bound);
        let fresh = before.is_none_or(|b| b.state == LeaseState::Declined || now.since(b.since) > PING_CLTT);
        let ping = self.config.ping_check && fresh && self.reservation(message) != Some(addr);
        // What the client holds already stays bound while it looks around.
        if !bound {
            self.bind(now, addr, message, LeaseState::Offered, now + self.offer_time(message));
        }
        match self.grant(MessageType::Offer, message, addr) {
            ServerAction::Reply(offer) if ping => match self.outbox.probe(now, addr, self.config.delay, offer) {
                Some(offer) => ServerAction::Reply(offer),
                None => ServerAction::Taken,
            },
            action => action,
        }
    }

    /// Promises an address.
    pub(super) fn acknowledge(&mut self, now: SimTime, message: &Message, addr: Ipv4Addr) -> ServerAction {
        self.outbox.answered(addr);
        if let Some(left) = self.left_of_fresh_lease(now, message, addr) {
            let ServerAction::Reply(mut reply) = self.grant(MessageType::Ack, message, addr) else {
                return ServerAction::Taken;
            };
            reply.message.set(option::LEASE_TIME, &left.to_be_bytes());
            return ServerAction::Reply(reply);
        }
        let secs = self.config.granted_secs(message.lease_secs());
        self.bind(now, addr, message, LeaseState::Bound, now + Duration::from_secs(u64::from(secs)));
        self.grant(MessageType::Ack, message, addr)
    }

    /// A lease of which less than a quarter is over is not written anew: the client gets what is left of it
    /// (dhcpd.conf's `dhcp-cache-threshold`, 25 % when nothing is set).
    fn left_of_fresh_lease(&self, now: SimTime, message: &Message, addr: Ipv4Addr) -> Option<u32> {
        let binding = self.pool.get(addr).filter(|b| b.client == message.client() && b.state == LeaseState::Bound)?;
        let (whole, used) = (binding.expires.since(binding.since).as_secs(), now.since(binding.since).as_secs());
        let fresh = self.config.flavour == Flavour::Isc && used > 0 && used * 4 < whole;
        u32::try_from(whole - used.min(whole)).ok().filter(|_| fresh)
    }

    fn request(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if message.server_id().is_some_and(|server| server != self.config.server_id) {
            self.cancel_offer(message);
            return ServerAction::Ignore(DropReason::DhcpNotForUs);
        }
        // SELECTING and INIT-REBOOT name the address in an option, RENEWING and REBINDING in the header.
        let wanted = message.requested_ip().unwrap_or(message.ciaddr);
        if wanted.is_unspecified() {
            return ServerAction::Ignore(DropReason::DhcpUnexpected);
        }
        if self.reservation(message) == Some(wanted) && self.may_have(wanted, message) {
            return self.acknowledge(now, message, wanted);
        }
        if !self.config.subnet.contains(wanted) {
            // "wrong network", or "ignored (not authoritative)".
            return if self.config.authoritative {
                self.nak(message, Some("requested address not available"))
            } else {
                ServerAction::Ignore(DropReason::DhcpUnknownLease)
            };
        }
        if !self.owns(wanted) {
            // "unknown lease": some other server's, perhaps.
            return ServerAction::Ignore(DropReason::DhcpUnknownLease);
        }
        if self.may_have(wanted, message) {
            self.acknowledge(now, message, wanted)
        } else {
            // "lease … unavailable": another client has it.
            self.nak(message, Some("requested address not available"))
        }
    }

    fn decline(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if message.server_id().is_some_and(|server| server != self.config.server_id) {
            return ServerAction::Ignore(DropReason::DhcpNotForUs);
        }
        let client = message.client();
        let held = |addr: &Ipv4Addr| {
            let states = [LeaseState::Offered, LeaseState::Bound];
            self.pool.get(*addr).is_some_and(|b| b.client == client && states.contains(&b.state))
        };
        match message.requested_ip().filter(held) {
            Some(addr) => {
                self.bind(now, addr, message, LeaseState::Declined, now + ABANDONED);
                ServerAction::Taken
            }
            None => ServerAction::Ignore(DropReason::DhcpUnknownLease),
        }
    }

    pub(super) fn release(&mut self, now: SimTime, message: &Message) -> ServerAction {
        if message.server_id().is_some_and(|server| server != self.config.server_id) {
            return ServerAction::Ignore(DropReason::DhcpNotForUs);
        }
        let client = message.client();
        let held = |b: &Binding| b.client == client && b.state == LeaseState::Bound;
        if !self.pool.get(message.ciaddr).is_some_and(held) {
            return ServerAction::Ignore(DropReason::DhcpUnknownLease);
        }
        self.bind(now, message.ciaddr, message, LeaseState::Released, now);
        ServerAction::Taken
    }

    fn bind(&mut self, now: SimTime, addr: Ipv4Addr, message: &Message, state: LeaseState, expires: SimTime) {
        let hostname =
            message.hostname().map(|name| name.chars().filter(|c| !c.is_control()).take(HOSTNAME_MAX).collect());
        let binding = Binding {
            client: message.client(),
            mac: message.chaddr,
            hostname: hostname.unwrap_or_default(),
            state,
            since: now,
            expires,
        };
        if let Some(old) = self.pool.put(addr, binding) {
            self.changes.push_back(LeaseChange::Del(old));
        }
        self.changes.push_back(LeaseChange::Put(addr));
    }

    /// Forgets what was said of an address.
    pub(super) fn forget(&mut self, addr: Ipv4Addr) {
        self.pool.forget(addr);
        self.changes.push_back(LeaseChange::Del(addr));
    }

    /// Somebody answered a ping from this address: nobody gets it for a while.
    pub fn handle_echo(&mut self, now: SimTime, addr: Ipv4Addr) {
        if !self.outbox.answered(addr) {
            return;
        }
        if let Some(binding) = self.pool.get(addr).cloned() {
            self.pool.put(addr, Binding { state: LeaseState::Declined, expires: now + ABANDONED, ..binding });
            self.changes.push_back(LeaseChange::Put(addr));
        }
    }

    /// Lets offers and leases end whose time is over, and answers go whose time has come.
    pub fn handle_timeout(&mut self, now: SimTime) {
        self.outbox.handle_timeout(now);
        while let Some(addr) = self.pool.overdue(now) {
            let Some(binding) = self.pool.get(addr).cloned() else { return };
            if binding.state == LeaseState::Bound {
                self.pool.put(addr, Binding { state: LeaseState::Expired, ..binding });
                self.changes.push_back(LeaseChange::Put(addr));
            } else {
                self.forget(addr);
            }
        }
    }

    /// When the next offer or lease ends, or an answer is due.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.pool.next_deadline().into_iter().chain(self.outbox.next_wakeup()).min()
    }

    /// The next answer whose time has come.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.outbox.poll_reply()
    }

    /// The next address to ping; [`Self::handle_echo`] takes the answer.
    pub fn poll_probe(&mut self) -> Option<Ipv4Addr> {
        self.outbox.poll_ping()
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
            client_id: match &binding.client {
                ClientKey::Id(id) => Some(id.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")),
                ClientKey::Mac(_) => None,
            },
            hostname: binding.hostname.clone(),
            state: binding.state,
            since: Some(binding.since),
            expires: binding.expires,
        })
    }

    /// All leases, by address.
    pub fn lease_rows(&self, node: NodeId) -> Vec<LeaseRow> {
        self.pool.bindings().filter_map(|(addr, _)| self.lease_row(node, *addr)).collect()
    }

    /// How many addresses are held by offers, leases and conflicts.
    pub fn held(&self) -> usize {
        self.pool.held()
    }

    /// Takes a lease over that was promised before a restart.
    pub fn restore(&mut self, row: &LeaseRow) {
        let client = row.client_id.as_deref().map(crate::lab::hex_bytes).map_or(ClientKey::Mac(row.mac), ClientKey::Id);
        let binding = Binding {
            client,
            mac: row.mac,
            hostname: row.hostname.chars().take(HOSTNAME_MAX).collect(),
            state: row.state,
            since: row.since.unwrap_or(row.expires),
            expires: row.expires,
        };
        if let Some(old) = self.pool.put(row.addr, binding) {
            self.changes.push_back(LeaseChange::Del(old));
        }
    }

    /// The scope, which is the server's with this number.
    pub fn row(&self, node: NodeId, scope: u32) -> DhcpServerRow {
        let config = &self.config;
        DhcpServerRow {
            node,
            scope,
            server: config.server_id,
            first: config.first,
            last: config.last,
            lease_secs: config.lease_secs,
            router: config.router,
            dns: config.dns.clone(),
        }
    }
}
