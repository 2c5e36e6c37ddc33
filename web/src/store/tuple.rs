//! The display filter that shows a socket's frames.

use core::net::IpAddr;

use netmodes_core::view::{SocketEnd, SocketKind, SocketRow};

/// The filter, in Wireshark's language; none for a socket whose frames cannot be told apart.
pub fn filter_of(row: &SocketRow) -> Option<String> {
    let proto = match row.kind {
        SocketKind::Tcp => "tcp",
        SocketKind::Udp => "udp",
        SocketKind::Raw => return Some("icmp".to_owned()),
        SocketKind::PRaw => return None,
    };
    let mut parts = vec![];
    for end in [&row.local, &row.peer] {
        if let Some(addr) = address(end) {
            parts.push(format!("ip.addr == {addr}"));
        }
    }
    for end in [&row.local, &row.peer] {
        if end.port != 0 {
            parts.push(format!("{proto}.port == {}", end.port));
        }
    }
    if parts.is_empty() { Some(proto.to_owned()) } else { Some(parts.join(" && ")) }
}

/// An IPv4 address that means one machine.
fn address(end: &SocketEnd) -> Option<String> {
    match end.addr {
        IpAddr::V4(addr) if !addr.is_unspecified() => Some(addr.to_string()),
        IpAddr::V6(addr) => addr.to_ipv4_mapped().map(|addr| addr.to_string()),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netmodes_core::view::{SocketOwner, SocketState};

    fn row(local: &str, lport: u16, peer: &str, pport: u16) -> SocketRow {
        let end = |addr: &str, port| SocketEnd::new(addr.parse().unwrap(), port);
        SocketRow {
            node: None,
            id: 1,
            kind: SocketKind::Tcp,
            v6: false,
            v6_only: false,
            state: SocketState::Established,
            local: end(local, lport),
            peer: end(peer, pport),
            owner: SocketOwner::Nobody,
            uid: 0,
            queues: None,
        }
    }

    #[test]
    fn a_connection_is_both_ends_and_a_listener_its_port() {
        let filter = filter_of(&row("10.0.2.15", 40_000, "8.8.8.8", 80));
        assert_eq!(
            filter.as_deref(),
            Some("ip.addr == 10.0.2.15 && ip.addr == 8.8.8.8 && tcp.port == 40000 && tcp.port == 80")
        );
        assert_eq!(filter_of(&row("0.0.0.0", 80, "0.0.0.0", 0)).as_deref(), Some("tcp.port == 80"));
    }
}
