//! Addresses: MAC, IPv4 prefix, endpoint; parsing that says what is wrong.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::UserError;

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// All stations.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// No address: what ARP asks with, what a loopback shows.
    pub const ZERO: Self = Self([0; 6]);

    /// Whether the group bit is set (broadcast included).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether this is ff:ff:ff:ff:ff:ff.
    pub fn is_broadcast(self) -> bool {
        self == Self::BROADCAST
    }

    /// Whether this may be a card's own address: not a group's, not all zero.
    pub fn is_unicast(self) -> bool {
        !self.is_multicast() && self != Self::ZERO
    }

    /// From the first six bytes of `bytes`, if there are six.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.get(..6).and_then(|b| b.try_into().ok()).map(Self)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        let bad = || UserError::new("addr-mac-invalid").with("text", text);
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = u8::from_str_radix(part.ok_or_else(bad)?, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() { Err(bad()) } else { Ok(Self(bytes)) }
    }
}

/// A bridge's identity in spanning tree: priority first, then its MAC; the smallest of a network is the root
/// (IEEE 802.1D-1998, 9.2.5). Written as `brctl` does: `8000.0200000000a1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BridgeId {
    /// The part that people set; 32768 unless they do.
    pub priority: u16,
    /// The bridge's own MAC.
    pub mac: MacAddr,
}

impl BridgeId {
    /// Its eight bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        let ([p, q], [a, b, c, d, e, f]) = (self.priority.to_be_bytes(), self.mac.0);
        [p, q, a, b, c, d, e, f]
    }

    /// From its eight bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        let [p, q, a, b, c, d, e, f] = bytes;
        Self { priority: u16::from_be_bytes([p, q]), mac: MacAddr([a, b, c, d, e, f]) }
    }
}

impl fmt::Display for BridgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}.", self.priority)?;
        self.mac.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BridgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BridgeId {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        let bad = || UserError::new("addr-bridge-id-invalid").with("text", text);
        let (priority, mac) = text.split_once('.').ok_or_else(bad)?;
        let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex(priority, 4) || !hex(mac, 12) {
            return Err(bad());
        }
        let priority = u16::from_str_radix(priority, 16).map_err(|_| bad())?;
        let [_, _, bytes @ ..] = u64::from_str_radix(mac, 16).map_err(|_| bad())?.to_be_bytes();
        Ok(Self { priority, mac: MacAddr(bytes) })
    }
}

/// An IPv4 address with the length of its network's prefix, as `ip addr` writes it: `10.0.2.15/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// The address, host bits included.
    pub addr: Ipv4Addr,
    /// Prefix length, 0 to 32.
    pub prefix: u8,
}

impl Cidr {
    /// `addr/prefix`; a prefix over 32 is taken as 32.
    pub const fn new(addr: Ipv4Addr, prefix: u8) -> Self {
        Self { addr, prefix: if prefix > 32 { 32 } else { prefix } }
    }

    /// Everything: 0.0.0.0/0.
    pub const DEFAULT: Self = Self { addr: Ipv4Addr::UNSPECIFIED, prefix: 0 };

    /// The mask's bits.
    pub const fn mask_bits(self) -> u32 {
        if self.prefix == 0 { 0 } else { u32::MAX << (32 - self.prefix as u32) }
    }

    /// The mask: 255.255.255.0.
    pub const fn netmask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.mask_bits())
    }

    /// The network: host bits cleared.
    pub const fn network(self) -> Self {
        Self { addr: Ipv4Addr::from_bits(self.addr.to_bits() & self.mask_bits()), prefix: self.prefix }
    }

    /// The network's broadcast address. For /31 and /32 there is none on Linux either (RFC 3021); then the last address.
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.addr.to_bits() | !self.mask_bits())
    }

    /// Whether `addr` lies in this network.
    pub const fn contains(self, addr: Ipv4Addr) -> bool {
        (addr.to_bits() ^ self.addr.to_bits()) & self.mask_bits() == 0
    }

    /// The prefix length of a mask whose bits are contiguous.
    pub const fn prefix_of_mask(mask: Ipv4Addr) -> Option<u8> {
        let bits = mask.to_bits();
        if bits.leading_ones() + bits.trailing_zeros() >= 32 { Some(bits.leading_ones() as u8) } else { None }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cidr {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        let bad = || UserError::new("addr-cidr-invalid").with("text", text);
        let (addr, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let addr = addr.parse().map_err(|_| bad())?;
        let prefix = prefix.parse().ok().filter(|p| *p <= 32 && !prefix.starts_with('+')).ok_or_else(bad)?;
        Ok(Self { addr, prefix })
    }
}

/// An IPv4 address and an L4 port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address; unspecified means any.
    pub addr: Ipv4Addr,
    /// The L4 port; for ICMP echo, the identifier. 0 means any.
    pub port: u16,
}

impl Endpoint {
    /// `addr:port`.
    pub const fn new(addr: Ipv4Addr, port: u16) -> Self {
        Self { addr, port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.addr, self.port)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Endpoint {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        let bad = || UserError::new("addr-endpoint-invalid").with("text", text);
        let (addr, port) = text.rsplit_once(':').ok_or_else(bad)?;
        Ok(Self { addr: addr.parse().map_err(|_| bad())?, port: port.parse().map_err(|_| bad())? })
    }
}

/// What IP carries, as far as NAT, sockets and filters tell protocols apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum L4Proto {
    /// ICMP echo; its "port" is the identifier.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl L4Proto {
    /// The number in IP's protocol field (IANA).
    pub const fn number(self) -> u8 {
        match self {
            Self::Icmp => 1,
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// From IP's protocol field.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Icmp),
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }

    /// The name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(MacAddr, BridgeId, Cidr, Endpoint);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_six_pairs_of_hex_digits() {
        assert_eq!("08:00:27:a1:b2:c3".parse::<MacAddr>().unwrap().to_string(), "08:00:27:a1:b2:c3");
        for bad in
            ["", "08:00:27:a1:b2", "08:00:27:a1:b2:c3:d4", "8:0:27:a1:b2:c3", "08:00:27:a1:b2:g3", "+8:00:27:a1:b2:c3"]
        {
            assert!(bad.parse::<MacAddr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bridge_id_is_written_as_brctl_writes_it_and_the_priority_decides_first() {
        let id = BridgeId { priority: 0x8000, mac: MacAddr([2, 0, 0, 0, 0, 0xa1]) };
        assert_eq!(id.to_string(), "8000.0200000000a1");
        assert_eq!("8000.0200000000a1".parse(), Ok(id));
        assert_eq!(BridgeId::from_bytes(id.to_bytes()), id);
        assert!(BridgeId { priority: 0x7000, mac: MacAddr::BROADCAST } < id);
        for bad in
            ["", "8000", "8000.", "8000.0200000000a", "8000.0200000000a1f", "+800.0200000000a1", "8000.02:0:0:0:0:a1"]
        {
            assert!(bad.parse::<BridgeId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_knows_its_network_mask_and_broadcast() {
        let cidr: Cidr = "10.0.2.15/24".parse().unwrap();
        assert_eq!(cidr.network().to_string(), "10.0.2.0/24");
        assert_eq!(cidr.netmask().to_string(), "255.255.255.0");
        assert_eq!(cidr.broadcast().to_string(), "10.0.2.255");
        assert!(cidr.contains(Ipv4Addr::new(10, 0, 2, 200)));
        assert!(!cidr.contains(Ipv4Addr::new(10, 0, 3, 1)));
        assert!(Cidr::DEFAULT.contains(Ipv4Addr::new(8, 8, 8, 8)));
    }

    #[test]
    fn only_contiguous_masks_have_a_prefix() {
        assert_eq!(Cidr::prefix_of_mask(Ipv4Addr::new(255, 255, 255, 0)), Some(24));
        assert_eq!(Cidr::prefix_of_mask(Ipv4Addr::new(0, 0, 0, 0)), Some(0));
        assert_eq!(Cidr::prefix_of_mask(Ipv4Addr::new(255, 255, 255, 255)), Some(32));
        assert_eq!(Cidr::prefix_of_mask(Ipv4Addr::new(255, 0, 255, 0)), None);
    }
}
