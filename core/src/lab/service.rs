//! Services of a machine, and what a DHCP server hands out.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defaults::{is_yes, yes};
use crate::addr::{L4Proto, MacAddr};

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
    /// Says no (NAK) to clients it does not know.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub authoritative: bool,
}

/// A DHCP option by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpOptionSpec {
    /// Its number, 1 to 254 (RFC 2132).
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
    /// A flag.
    Flag(bool),
    /// Any bytes, in hexadecimal.
    Hex(String),
}

/// An address kept for one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservationSpec {
    /// The client.
    pub mac: MacAddr,
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
    /// The bytes on the wire (RFC 2132).
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Addresses(addresses) => addresses.iter().flat_map(Ipv4Addr::octets).collect(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::U8(number) => vec![*number],
            Self::U16(number) => number.to_be_bytes().to_vec(),
            Self::U32(number) => number.to_be_bytes().to_vec(),
            Self::Flag(flag) => vec![u8::from(*flag)],
            // Digits in pairs, as the lab's check has seen to; colons may stand between them.
            Self::Hex(digits) => {
                let digits: Vec<_> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
                digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
            }
        }
    }
}
