//! Names that `iptables` and `nft` print for numbers: protocols (Debian's /etc/protocols), services, ICMP types, TCP
//! flags, syslog levels.

use core::net::Ipv4Addr;

use crate::programs::Kernel;
use crate::shell::ss::services::{DebianNames, Names, port};
use crate::view::SocketKind;

/// The part of /etc/protocols that one meets.
const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ipip", 94),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("mobility-header", 135),
    ("udplite", 136),
];

/// A protocol's name.
pub(in crate::shell) fn protocol_name(number: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, other)| *other == number).map(|(name, _)| *name)
}

/// The number of a protocol's name, in lower case or all upper case.
pub(in crate::shell) fn protocol_number(name: &str) -> Option<u8> {
    let lower = name.to_ascii_lowercase();
    let known = PROTOCOLS.iter().find(|(other, _)| *other == lower && (name == lower || name == lower.to_uppercase()));
    known.map(|(_, number)| *number).or(matches!(name, "ip" | "hopopt").then_some(0))
}

/// The port of a service's name, or a number up to 65535 in C's notations.
pub(in crate::shell) fn port_number(text: &str) -> Option<u16> {
    number(text).map_or_else(|| port(text), |number| u16::try_from(number).ok())
}

/// `strtoul` with base 0 over the whole text.
pub(in crate::shell) fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.starts_with(['+', '-']) { None } else { u32::from_str_radix(digits, radix).ok() }
}

/// A port as `iptables -L` prints it: the service's name if there is one.
pub(super) fn port_word(port: u16, proto: Option<u8>, numeric: bool) -> String {
    let kind = match proto {
        Some(17) => SocketKind::Udp,
        _ => SocketKind::Tcp,
    };
    let name = if numeric { None } else { DebianNames.service(kind, port) };
    name.unwrap_or_else(|| port.to_string())
}

/// `/etc/networks` of a bare Debian.
const NETWORKS: &[(&str, Ipv4Addr)] = &[
    ("default", Ipv4Addr::UNSPECIFIED),
    ("loopback", Ipv4Addr::new(127, 0, 0, 0)),
    ("link-local", Ipv4Addr::new(169, 254, 0, 0)),
];

/// Names of addresses as /etc/hosts and /etc/networks have them. Name servers are not asked.
pub(super) struct Hosts(Vec<(Ipv4Addr, String)>);

impl Hosts {
    /// Reads /etc/hosts.
    pub(super) fn read(kernel: &dyn Kernel) -> Self {
        let text = kernel.read_file("/etc/hosts").unwrap_or_default();
        let mut hosts = Vec::new();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or("").split_whitespace();
            if let Some(addr) = words.next().and_then(|addr| addr.parse().ok()) {
                hosts.extend(words.map(|name| (addr, name.to_owned())));
            }
        }
        if !hosts.iter().any(|(_, name)| name == "localhost") {
            hosts.push((Ipv4Addr::LOCALHOST, "localhost".to_owned()));
        }
        Self(hosts)
    }

    /// The address of a name.
    pub(super) fn addr(&self, name: &str) -> Option<Ipv4Addr> {
        let network = NETWORKS.iter().find(|(other, _)| *other == name).map(|(_, addr)| *addr);
        network.or_else(|| self.0.iter().find(|(_, other)| other == name).map(|(addr, _)| *addr))
    }

    /// The name of an address, or the address.
    pub(super) fn name(&self, addr: Ipv4Addr) -> String {
        let host = self.0.iter().find(|(other, _)| *other == addr).map(|(_, name)| name.clone());
        let network = || NETWORKS.iter().find(|(_, other)| *other == addr).map(|(name, _)| (*name).to_owned());
        host.or_else(network).unwrap_or_else(|| addr.to_string())
    }
}

/// ICMP types and codes by iptables' names (libxt_icmp.h), in its order: name, type, code.
pub(super) const ICMP: &[(&str, u8, Option<u8>)] = &[
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

/// iptables' name of an ICMP type.
pub(super) fn icmp_name(kind: u8, code: Option<u8>) -> Option<&'static str> {
    ICMP.iter().find(|(_, other, other_code)| (*other, *other_code) == (kind, code)).map(|(name, ..)| *name)
}

/// TCP flags, lowest bit first.
pub(super) const FLAGS: &[(&str, u8)] = &[("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32)];

/// Flags by name, as `-S` prints them.
pub(super) fn flag_words(bits: u8) -> String {
    if bits == 0 {
        return "NONE".to_owned();
    }
    let names = FLAGS.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(",")
}

/// Syslog levels as iptables and nft print them.
pub(in crate::shell) const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// iptables' name of an ICMP unreachable code in `--reject-with`.
pub(super) const REJECTS: &[(&str, &str, u8)] = &[
    ("icmp-net-unreachable", "net-unreach", 0),
    ("icmp-host-unreachable", "host-unreach", 1),
    ("icmp-proto-unreachable", "proto-unreach", 2),
    ("icmp-port-unreachable", "port-unreach", 3),
    ("icmp-net-prohibited", "net-prohib", 9),
    ("icmp-host-prohibited", "host-prohib", 10),
    ("icmp-admin-prohibited", "admin-prohib", 13),
];
