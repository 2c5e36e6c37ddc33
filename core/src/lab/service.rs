//! Services of a machine, and what a DHCP server hands out.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defaults::{is_yes, yes};
use crate::addr::{Cidr, L4Proto, MacAddr};
use crate::dhcp::option::{self, Kind};

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// An HTTP server: `pages`.
    Http,
    /// A DNS server: `records`.
    Dns,
    /// Sends back what it gets (RFC 862).
    Echo,
    /// A DHCP server: `scope`.
    Dhcp,
}

impl ServiceKind {
    /// The L4 port when the file names none (IANA).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Dns => 53,
            Self::Echo => 7,
            Self::Dhcp => 67,
        }
    }

    /// The protocol when the file names none.
    pub const fn default_proto(self) -> L4Proto {
        match self {
            Self::Http | Self::Echo => L4Proto::Tcp,
            Self::Dns | Self::Dhcp => L4Proto::Udp,
        }
    }
}

/// Something that runs on a machine from the start and can be stopped and started (`@service`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its name, unique in the machine.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
    /// The command's name that `ps` and `ss` show; the service's name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// L4 port; the protocol's usual one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tcp` or `udp`, for an echo service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<L4Proto>,
    /// The address it listens on; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// Connections that may wait (`listen(2)`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u32>,
    /// Runs from the start.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub start: bool,
    /// Of a DNS server: names and their addresses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Of an HTTP server: paths and their text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pages: BTreeMap<String, String>,
    /// Of a DHCP server: its scopes.
    #[serde(rename = "scope", default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeSpec>,
}

impl ServiceSpec {
    /// The L4 port: the file's, else the usual one.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.kind.default_port())
    }

    /// The protocol: the file's, else the usual one.
    pub fn proto(&self) -> L4Proto {
        self.proto.unwrap_or(self.kind.default_proto())
    }

    /// The command's name in `ps` and `ss`.
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.name)
    }
}

/// A DHCP scope: a pool and what comes with an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeSpec {
    /// The interface whose network it serves.
    pub dev: String,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// How long a lease is, in seconds.
    pub lease_secs: u32,
    /// Option 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv4Addr>,
    /// Option 6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<Ipv4Addr>,
    /// Option 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Any further options.
    #[serde(rename = "option", default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOptionSpec>,
    /// Addresses kept for certain clients.
    #[serde(rename = "reservation", default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<ReservationSpec>,
    /// Parts of the pool that are not handed out.
    #[serde(rename = "exclusion", default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<RangeSpec>,
    /// Says no (NAK) to clients of other networks.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub authoritative: bool,
    /// The least that a client gets that asks for a time, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_secs_min: Option<u32>,
    /// The most that a client gets that asks for a time, in seconds; `lease_secs` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_secs_max: Option<u32>,
    /// Pings an address before it offers it, for a second: dhcpd does when left out, VirtualBox's servers do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_check: Option<bool>,
    /// How long it thinks before it answers, in milliseconds: what decides a race between servers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u32,
    /// Whose behaviour it has.
    #[serde(default, skip_serializing_if = "FlavourSpec::is_default")]
    pub flavour: FlavourSpec,
    /// `siaddr`, the next server of a boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_server: Option<Ipv4Addr>,
    /// `sname`, at most 63 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// `file`, at most 127 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_file: Option<String>,
}

/// Whose behaviour a DHCP server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlavourSpec {
    /// ISC's dhcpd.
    #[default]
    Isc,
    /// VirtualBox's server of internal, host-only and NAT networks.
    VBoxNetDhcp,
    /// The server inside VirtualBox's NAT mode.
    Slirp,
}

impl FlavourSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A DHCP option by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpOptionSpec {
    /// Its number, 1 to 254 (RFC 2132), or its name as in dhcp-options(5): `ntp-servers`.
    #[serde(deserialize_with = "option_code")]
    pub code: u8,
    /// What it holds.
    pub value: DhcpOptionValue,
}

/// What a DHCP option holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DhcpOptionValue {
    /// IPv4 addresses.
    Addresses(Vec<Ipv4Addr>),
    /// Text.
    Text(String),
    /// One byte.
    U8(u8),
    /// Two bytes.
    U16(u16),
    /// Four bytes.
    U32(u32),
    /// Four bytes, with a sign.
    I32(i32),
    /// Numbers of two bytes.
    U16s(Vec<u16>),
    /// A flag.
    Flag(bool),
    /// Domain names (option 119).
    Names(Vec<String>),
    /// Routes (option 121).
    Routes(Vec<RouteOptionSpec>),
    /// Any bytes, in hexadecimal.
    Hex(String),
}

/// A route that a DHCP server hands out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteOptionSpec {
    /// Destination.
    pub to: Cidr,
    /// Router.
    pub via: Ipv4Addr,
}

/// Reads an option's number or name.
fn option_code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Number(u8),
        Name(String),
    }
    match Code::deserialize(deserializer)? {
        Code::Number(code) => Ok(code),
        Code::Name(name) => crate::dhcp::option::code(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("no DHCP option is called `{name}`"))),
    }
}

/// Bytes from hexadecimal digits in pairs; colons may stand between them.
pub fn hex_bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// An address kept for one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservationSpec {
    /// The client's MAC, when it is known by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// The client's identifier (option 61) in hexadecimal, when it is known by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its address; may lie outside the pool.
    pub address: Ipv4Addr,
}

/// A range of addresses, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeSpec {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address.
    pub last: Ipv4Addr,
}

impl DhcpOptionValue {
    /// Whether an option of this type can hold it. Bytes fit everywhere: that is how one sends what is wrong.
    pub fn suits(&self, kind: Kind) -> bool {
        match self {
            Self::Hex(_) => true,
            Self::Addresses(list) => match kind {
                Kind::Address => list.len() == 1,
                Kind::Pairs => !list.is_empty() && list.len() % 2 == 0,
                _ => matches!(kind, Kind::Addresses | Kind::Bytes) && !list.is_empty(),
            },
            Self::Text(_) => matches!(kind, Kind::Text | Kind::Bytes),
            Self::U8(_) => matches!(kind, Kind::U8 | Kind::Bytes),
            Self::U16(_) => matches!(kind, Kind::U16 | Kind::Bytes),
            Self::U32(_) => matches!(kind, Kind::U32 | Kind::Bytes),
            Self::I32(_) => matches!(kind, Kind::I32 | Kind::Bytes),
            Self::U16s(_) => matches!(kind, Kind::U16s | Kind::Bytes),
            Self::Flag(_) => matches!(kind, Kind::Flag | Kind::Bytes),
            Self::Names(names) => kind == Kind::Names && option::emit_names(names.iter().map(String::as_str)).is_some(),
            Self::Routes(_) => kind == Kind::Codes,
        }
    }

    /// The bytes on the wire (RFC 2132).
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Addresses(addresses) => addresses.iter().flat_map(Ipv4Addr::octets).collect(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::U8(number) => vec![*number],
            Self::U16(number) => number.to_be_bytes().to_vec(),
            Self::U32(number) => number.to_be_bytes().to_vec(),
            Self::Flag(flag) => vec![u8::from(*flag)],
            Self::I32(number) => number.to_be_bytes().to_vec(),
            Self::U16s(numbers) => numbers.iter().flat_map(|number| number.to_be_bytes()).collect(),
            // The lab's check has seen to names that are none.
            Self::Names(names) => option::emit_names(names.iter().map(String::as_str)).unwrap_or_default(),
            Self::Routes(routes) => {
                let routes: Vec<_> = routes.iter().map(|route| (route.to.network(), route.via)).collect();
                option::emit_classless_routes(&routes)
            }
            // Digits in pairs, as the lab's check has seen to.
            Self::Hex(digits) => hex_bytes(digits),
        }
    }
}
