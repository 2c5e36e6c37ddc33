//! What is asked of the kernel: one dump request a protocol and address family, as bytes.

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_RAW, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netmodes_core::view::SocketKind;

/// One dump: all sockets of one kind and one address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    /// Which protocol.
    pub(crate) kind: SocketKind,
    /// IPv6 sockets, those that carry IPv4 as mapped addresses included.
    pub(crate) v6: bool,
}

impl Dump {
    /// All that are asked for, in the order in which iproute2's `ss` asks and prints (misc/ss.c, `main`): raw, UDP,
    /// TCP; of each, IPv4 first.
    pub(crate) const ALL: [Self; 6] = [
        Self { kind: SocketKind::Raw, v6: false },
        Self { kind: SocketKind::Raw, v6: true },
        Self { kind: SocketKind::Udp, v6: false },
        Self { kind: SocketKind::Udp, v6: true },
        Self { kind: SocketKind::Tcp, v6: false },
        Self { kind: SocketKind::Tcp, v6: true },
    ];

    /// The request's bytes; `sequence` comes back in the answer. None for a kind that sock_diag's inet family has not.
    pub(crate) fn request(self, sequence: u32) -> Option<Vec<u8>> {
        let protocol = match self.kind {
            SocketKind::Tcp => IPPROTO_TCP,
            SocketKind::Udp => IPPROTO_UDP,
            SocketKind::Raw => IPPROTO_RAW,
            SocketKind::PRaw => return None,
        };
        let request = InetRequest {
            family: if self.v6 { AF_INET6 } else { AF_INET },
            protocol,
            // Everything a row holds is in the fixed part; INET_DIAG_SKV6ONLY comes unasked for LISTEN and CLOSE.
            extensions: ExtensionFlags::empty(),
            states: StateFlags::all(),
            socket_id: if self.v6 { SocketId::new_v6() } else { SocketId::new_v4() },
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        header.sequence_number = sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(SockDiagMessage::InetRequest(request)));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_linux_sock_diag_h_lays_out() {
        let bytes = Dump { kind: SocketKind::Udp, v6: true }.request(7).unwrap();
        // struct nlmsghdr (16 bytes) and struct inet_diag_req_v2 (56 bytes).
        assert_eq!(bytes.len(), 72);
        assert_eq!(bytes[..4], 72u32.to_ne_bytes());
        assert_eq!(bytes[4..6], 20u16.to_ne_bytes());
        assert_eq!(bytes[8..12], 7u32.to_ne_bytes());
        assert_eq!(&bytes[16..19], &[10, 17, 0]);
    }

    #[test]
    fn packet_sockets_are_not_asked_for() {
        assert_eq!(Dump { kind: SocketKind::PRaw, v6: false }.request(1), None);
    }
}
