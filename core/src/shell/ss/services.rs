//! Names of L4 ports: the part of Debian's /etc/services that a student meets.

use core::net::IpAddr;

use crate::view::SocketKind;

/// Where names of ports and machines come from.
pub trait Names {
    /// The service at an L4 port; for a raw socket, the protocol of that number.
    fn service(&self, kind: SocketKind, port: u16) -> Option<String>;
    /// The machine that has an address (asked with `-r` only).
    fn host(&self, addr: IpAddr) -> Option<String>;
}

/// What a bare Debian knows without asking anybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct DebianNames;

/// Name, port, TCP, UDP (netbase's /etc/services).
const SERVICES: &[(&str, u16, bool, bool)] = &[
    ("ftp-data", 20, true, false),
    ("ftp", 21, true, false),
    ("ssh", 22, true, false),
    ("telnet", 23, true, false),
    ("smtp", 25, true, false),
    ("time", 37, true, true),
    ("whois", 43, true, false),
    ("domain", 53, true, true),
    ("bootps", 67, false, true),
    ("bootpc", 68, false, true),
    ("tftp", 69, false, true),
    ("finger", 79, true, false),
    ("http", 80, true, false),
    ("kerberos", 88, true, true),
    ("pop3", 110, true, false),
    ("sunrpc", 111, true, true),
    ("ntp", 123, false, true),
    ("netbios-ns", 137, false, true),
    ("netbios-dgm", 138, false, true),
    ("netbios-ssn", 139, true, false),
    ("imap2", 143, true, false),
    ("snmp", 161, true, true),
    ("snmp-trap", 162, true, true),
    ("bgp", 179, true, false),
    ("ldap", 389, true, true),
    ("https", 443, true, true),
    ("microsoft-ds", 445, true, true),
    ("submissions", 465, true, false),
    ("isakmp", 500, false, true),
    ("syslog", 514, false, true),
    ("printer", 515, true, false),
    ("dhcpv6-client", 546, false, true),
    ("dhcpv6-server", 547, false, true),
    ("submission", 587, true, false),
    ("ipp", 631, true, false),
    ("ldaps", 636, true, true),
    ("domain-s", 853, true, true),
    ("rsync", 873, true, false),
    ("imaps", 993, true, false),
    ("pop3s", 995, true, false),
    ("socks", 1080, true, false),
    ("openvpn", 1194, true, true),
    ("nfs", 2049, true, true),
    ("mysql", 3306, true, false),
    ("ms-wbt-server", 3389, true, false),
    ("sip", 5060, true, true),
    ("mdns", 5353, false, true),
    ("postgresql", 5432, true, false),
    ("amqp", 5672, true, false),
    ("x11", 6000, true, false),
    ("redis", 6379, true, false),
    ("http-alt", 8080, true, true),
];

/// The port of a service's name.
pub(in crate::shell) fn port(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(other, ..)| *other == name).map(|(_, port, ..)| *port)
}

impl Names for DebianNames {
    fn service(&self, kind: SocketKind, port: u16) -> Option<String> {
        let found = match kind {
            SocketKind::Tcp => {
                SERVICES.iter().find(|(_, number, tcp, _)| *number == port && *tcp).map(|(name, ..)| *name)
            }
            SocketKind::Udp => {
                SERVICES.iter().find(|(_, number, _, udp)| *number == port && *udp).map(|(name, ..)| *name)
            }
            SocketKind::Raw => match port {
                1 => Some("icmp"),
                2 => Some("igmp"),
                6 => Some("tcp"),
                17 => Some("udp"),
                58 => Some("ipv6-icmp"),
                _ => None,
            },
            SocketKind::PRaw => None,
        };
        found.map(str::to_owned)
    }

    fn host(&self, addr: IpAddr) -> Option<String> {
        (addr.is_loopback() && addr.is_ipv4()).then(|| "localhost".to_owned())
    }
}
