//! What a server is told: its scope, and whose manners it has.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::message::{ClientKey, Message};
use crate::addr::{Cidr, MacAddr};

/// Whose behaviour a server has. The sources disagree where RFC 2131 leaves room, and a student meets all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flavour {
    /// ISC's dhcpd 4.4.
    #[default]
    Isc,
    /// VirtualBox's server of internal, host-only and NAT networks (NetworkServices/Dhcpd/{DHCPD,Db,Config}.cpp).
    VBoxNetDhcp,
    /// The server inside VirtualBox's NAT mode (libslirp's bootp.c).
    Slirp,
}

impl Flavour {
    /// How long a lease is when nothing is set, in seconds.
    pub const fn lease_secs(self) -> u32 {
        match self {
            // common/tables.c, DEFAULT_DEFAULT_LEASE_TIME.
            Self::Isc => 43_200,
            // Config.cpp, GlobalConfig's defaults.
            Self::VBoxNetDhcp => 600,
            // bootp.h, LEASE_TIME.
            Self::Slirp => 24 * 3600,
        }
    }

    /// The least and the most that a client gets that asks, when nothing is set, in seconds.
    pub const fn lease_secs_range(self) -> (u32, u32) {
        match self {
            // DEFAULT_MIN_LEASE_TIME, DEFAULT_MAX_LEASE_TIME.
            Self::Isc => (300, 86_400),
            Self::VBoxNetDhcp => (300, 43_200),
            Self::Slirp => (24 * 3600, 24 * 3600),
        }
    }
}

/// An address kept for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The client's MAC, when it is known by that.
    pub mac: Option<MacAddr>,
    /// The client's identifier (option 61), when it is known by that.
    pub client_id: Option<Vec<u8>>,
    /// Its address, inside or outside the pool.
    pub addr: Ipv4Addr,
}

impl Reservation {
    /// For the client with this MAC.
    pub fn for_mac(mac: MacAddr, addr: Ipv4Addr) -> Self {
        Self { mac: Some(mac), client_id: None, addr }
    }

    /// Whether it is kept for who sent this.
    pub(super) fn is_for(&self, message: &Message) -> bool {
        let by_id = || matches!((&self.client_id, message.client()), (Some(id), ClientKey::Id(sent)) if *id == sent);
        self.mac == Some(message.chaddr) || by_id()
    }
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
    /// A client that asks gets at least and at most this, in seconds. A most of `u32::MAX` stands for `lease_secs`.
    pub lease_secs_range: (u32, u32),
    /// Option 3.
    pub router: Option<Ipv4Addr>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Further options; they win over those that the server makes itself.
    pub options: Vec<(u8, Vec<u8>)>,
    /// Says no to clients whose address it does not know.
    pub authoritative: bool,
    /// How long an offer is kept, in seconds.
    pub offer_secs: u32,
    /// Whose behaviour it has.
    pub flavour: Flavour,
    /// Pings an address before it offers it, for a second (dhcpd.conf's `ping-check`). Whoever drives the server must
    /// then serve [`super::Server::poll_probe`].
    pub ping_check: bool,
    /// How long it thinks before it answers: what decides a race between servers.
    pub delay: Duration,
    /// `siaddr`, the next server of a boot; unspecified when there is none.
    pub next_server: Ipv4Addr,
    /// `sname`, at most 63 bytes.
    pub server_name: String,
    /// `file`, at most 127 bytes.
    pub boot_file: String,
}

impl ServerConfig {
    /// A scope with a lease of a week, no router, no name servers, no ping before an offer.
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
            // server/dhcp.c: an offer is good for two minutes.
            offer_secs: 120,
            flavour: Flavour::Isc,
            ping_check: false,
            delay: Duration::ZERO,
            next_server: Ipv4Addr::UNSPECIFIED,
            server_name: String::new(),
            boot_file: String::new(),
        }
    }

    /// A scope as a server of this flavour has it when nothing more is set.
    pub fn of(flavour: Flavour, server_id: Ipv4Addr, subnet: Cidr, first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self {
            flavour,
            lease_secs: flavour.lease_secs(),
            lease_secs_range: flavour.lease_secs_range(),
            ..Self::new(server_id, subnet, first, last)
        }
    }

    /// How long a lease is for a client that asks for `asked` seconds, or does not ask.
    pub(super) fn granted_secs(&self, asked: Option<u32>) -> u32 {
        let (min, max) = self.lease_secs_range;
        let max = if max == u32::MAX { self.lease_secs.max(min) } else { max };
        match (self.flavour, asked) {
            (Flavour::Slirp, _) | (_, None) => self.lease_secs,
            (_, Some(asked)) => asked.clamp(min.min(max), max),
        }
    }
}
