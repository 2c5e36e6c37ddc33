//! What a client is told, and what it wants done.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::lease::BoundLease;
use super::message::Message;
use super::timing::Manner;
use crate::addr::MacAddr;

/// What a client brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Its MAC.
    pub mac: MacAddr,
    /// Its host name.
    pub hostname: Option<String>,
    /// The options it wants to hear of.
    pub params: Vec<u8>,
    /// An address it had before, whose lease still runs: it asks whether it may keep it (INIT-REBOOT).
    pub remembered: Option<Ipv4Addr>,
    /// An address it would like to have.
    pub hint: Option<Ipv4Addr>,
    /// Its identifier (option 61).
    pub client_id: Option<Vec<u8>>,
    /// Further options of DISCOVER, REQUEST and INFORM.
    pub extra: Vec<(u8, Vec<u8>)>,
    /// Whose timers it has.
    pub manner: Manner,
    /// Probes an address by ARP before it uses it (RFC 5227; RFC 2131 4.4.1), and declines it when somebody answers.
    /// Whoever drives the client must then serve [`ClientAction::Probe`] and [`ClientAction::Announce`].
    pub probe: bool,
    /// Asks for an ACK at once, without an offer (RFC 4039).
    pub rapid_commit: bool,
    /// How long it collects offers before it chooses; at zero the first one is taken (dhclient.conf's `select-timeout`).
    pub select_wait: Duration,
    /// Which of several offers it chooses: of this server, if it is among them.
    pub prefer_server: Option<Ipv4Addr>,
}

impl ClientConfig {
    /// A client as dhclient is when nothing is set.
    pub fn new(mac: MacAddr) -> Self {
        Self {
            mac,
            hostname: None,
            params: Vec::new(),
            remembered: None,
            hint: None,
            client_id: None,
            extra: Vec::new(),
            manner: Manner::Dhclient,
            probe: false,
            rapid_commit: false,
            select_wait: Duration::ZERO,
            prefer_server: None,
        }
    }
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
        /// How long until it is sent again, if it will be.
        retry: Option<Duration>,
    },
    /// An offer came: address, server.
    Offered(Ipv4Addr, Ipv4Addr),
    /// The answer was yes: address, server.
    Acked(Ipv4Addr, Ipv4Addr),
    /// The answer was no: server, and its reason if it gave one.
    Refused(Ipv4Addr, Option<String>),
    /// Ask by ARP whether somebody has the address: the probe's number from 1, and how long until the next step.
    Probe {
        /// The address.
        addr: Ipv4Addr,
        /// The probe's number, from 1.
        number: u32,
        /// How long until the next one, or until the address is free.
        wait: Duration,
    },
    /// Somebody has the address: who.
    Conflict(Ipv4Addr, MacAddr),
    /// Tell everybody by ARP that the address is ours now.
    Announce {
        /// The address.
        addr: Ipv4Addr,
        /// The announcement's number, from 1.
        number: u32,
        /// How long until the next one, if there is one.
        wait: Option<Duration>,
    },
    /// The address may be used from now on.
    Bound(Box<BoundLease>),
    /// The same address for longer.
    Renewed(Box<BoundLease>),
    /// The address may not be used any more.
    Expired(Box<BoundLease>),
    /// A remembered address was not confirmed in time: the client looks for a server instead.
    NotConfirmed,
    /// T1 has come: the lease is to be renewed.
    Renewing(Ipv4Addr),
    /// T2 has come: nobody renewed the lease.
    Rebinding(Ipv4Addr),
    /// The answer to INFORM.
    Informed(Box<Message>),
    /// Nobody answered; the client rests.
    NoOffers,
}
