//! The kernel's answer, from bytes to rows. Pure: no socket, no /proc. A datagram that is cut short or makes no sense is
//! an error, never a panic and never half a row.

use std::fmt;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6};
use netlink_packet_sock_diag::inet::{InetResponse, nlas::Nla};
use netmodes_core::view::{SocketEnd, SocketKind, SocketOwner, SocketQueues, SocketRow, SocketState};

use super::request::Dump;

/// A socket as the kernel told it: the row, and what still has to be looked up for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DumpedSocket {
    /// The row; its owner is `Nobody` and its interface unnamed until they are looked up.
    pub(crate) row: SocketRow,
    /// Inode of its file; 0 when no process has it open (TIME-WAIT, a connection not yet accepted).
    pub(crate) inode: u32,
    /// Index of the interface it is bound to; 0 for none.
    pub(crate) iface: u32,
}

/// One datagram of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// Its sockets, in the kernel's order.
    pub(crate) sockets: Vec<DumpedSocket>,
    /// The dump ends here.
    pub(crate) done: bool,
}

/// Why an answer could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// The bytes are not what sock_diag(7) says.
    Malformed(String),
    /// The kernel refused: an errno.
    Refused(i32),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::Refused(errno) => std::io::Error::from_raw_os_error(*errno).fmt(f),
        }
    }
}

impl std::error::Error for ParseError {}

/// Netlink aligns messages to 4 bytes (netlink(7), `NLMSG_ALIGNTO`).
const ALIGN: usize = 4;
/// `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;

/// The sockets of one datagram that answers `dump`.
///
/// # Errors
/// When the datagram is malformed, or carries the kernel's refusal.
pub(crate) fn parse_datagram(mut bytes: &[u8], dump: Dump) -> Result<Answer, ParseError> {
    let mut answer = Answer::default();
    while !bytes.is_empty() && !answer.done {
        let length = message_length(bytes)?;
        let message = bytes.get(..length).ok_or_else(|| malformed("a message longer than its datagram"))?;
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(message).map_err(|e| malformed(&e.to_string()))?;
        match message.payload {
            // A dump that could not even begin says why in its last message (af_netlink.c, `netlink_dump_done`).
            NetlinkPayload::Done(done) if done.code < 0 => return Err(ParseError::Refused(done.code.saturating_neg())),
            NetlinkPayload::Done(_) => answer.done = true,
            NetlinkPayload::Error(error) => {
                let errno = error.code.map_or(0, |code| code.get().saturating_neg());
                return Err(ParseError::Refused(errno));
            }
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                answer.sockets.push(socket(&response, dump)?);
            }
            NetlinkPayload::Overrun(_) => return Err(malformed("the kernel ran out of room")),
            NetlinkPayload::Noop => {}
            _ => return Err(malformed("a message of another kind")),
        }
        let next = length.next_multiple_of(ALIGN);
        bytes = bytes.get(next..).unwrap_or_default();
    }
    Ok(answer)
}

/// The length that the first message of `bytes` claims.
fn message_length(bytes: &[u8]) -> Result<usize, ParseError> {
    let field = bytes.get(..4).and_then(|b| b.try_into().ok()).ok_or_else(|| malformed("a header cut short"))?;
    let length = u32::from_ne_bytes(field) as usize;
    if length < HEADER_BYTES { Err(malformed("a length below its header's")) } else { Ok(length) }
}

fn malformed(what: &str) -> ParseError {
    ParseError::Malformed(what.to_owned())
}

/// One socket of an answer.
fn socket(response: &InetResponse, dump: Dump) -> Result<DumpedSocket, ParseError> {
    let header = &response.header;
    let v6 = match header.family {
        AF_INET => false,
        AF_INET6 => true,
        _ => return Err(malformed("an unknown address family")),
    };
    let id = &header.socket_id;
    let row = SocketRow {
        node: None,
        id: u64::from_ne_bytes(id.cookie),
        kind: dump.kind,
        v6,
        v6_only: response.nlas.iter().any(|nla| matches!(nla, Nla::SkV6Only(true))),
        state: state(header.state, dump.kind).ok_or_else(|| malformed("an unknown state"))?,
        local: SocketEnd::new(id.source_address, id.source_port),
        peer: SocketEnd::new(id.destination_address, id.destination_port),
        owner: SocketOwner::Nobody,
        uid: header.uid,
        queues: Some(SocketQueues { recv: header.recv_queue, send: header.send_queue }),
    };
    Ok(DumpedSocket { row, inode: header.inode, iface: id.interface_id })
}

/// From the kernel's number (include/net/tcp_states.h): 1 to 11 are the rows' own order, 12 is a connection that is
/// still a request.
fn state(number: u8, kind: SocketKind) -> Option<SocketState> {
    match number {
        12 if kind == SocketKind::Tcp => Some(SocketState::SynRecv),
        _ => SocketState::ALL.get(usize::from(number.checked_sub(1)?)).copied(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP4: Dump = Dump { kind: SocketKind::Tcp, v6: false };
    const TCP6: Dump = Dump { kind: SocketKind::Tcp, v6: true };
    const RECORDED_V4: &[u8] = include_bytes!("testdata/tcp4.bin");
    const RECORDED_V6: &[u8] = include_bytes!("testdata/tcp6.bin");

    fn lines(bytes: &[u8], dump: Dump) -> Vec<String> {
        let answer = parse_datagram(bytes, dump).unwrap();
        answer
            .sockets
            .iter()
            .map(|s| {
                let row = &s.row;
                let queues = row.queues.unwrap();
                let (local, peer) = (&row.local, &row.peer);
                format!(
                    "{} {} {} {}:{} {}:{} v6only={} owned={}",
                    row.state.name(),
                    queues.recv,
                    queues.send,
                    local.addr,
                    local.port,
                    peer.addr,
                    peer.port,
                    row.v6_only,
                    s.inode != 0
                )
            })
            .collect()
    }

    #[test]
    fn a_recorded_answer_over_ipv4_is_read() {
        assert_eq!(
            lines(RECORDED_V4, TCP4),
            [
                "LISTEN 0 7 127.0.0.1:8080 0.0.0.0:0 v6only=false owned=true",
                "ESTAB 5 0 127.0.0.1:8080 127.0.0.1:55236 v6only=false owned=true",
                "TIME-WAIT 0 0 127.0.0.1:40000 127.0.0.1:8080 v6only=false owned=false",
                "ESTAB 0 0 127.0.0.1:55236 127.0.0.1:8080 v6only=false owned=true",
                "ESTAB 0 0 127.0.0.1:58694 127.0.0.1:8082 v6only=false owned=true",
            ]
        );
    }

    #[test]
    fn a_recorded_answer_over_ipv6_is_read() {
        assert_eq!(
            lines(RECORDED_V6, TCP6),
            [
                "LISTEN 0 5 :::8081 :::0 v6only=true owned=true",
                "LISTEN 0 5 :::8082 :::0 v6only=false owned=true",
                "ESTAB 0 0 ::ffff:127.0.0.1:8082 ::ffff:127.0.0.1:58694 v6only=false owned=true",
                "ESTAB 0 0 ::1:8081 ::1:34450 v6only=false owned=true",
                "ESTAB 0 0 ::1:34450 ::1:8081 v6only=false owned=true",
            ]
        );
    }

    #[test]
    fn the_end_of_a_dump_is_seen() {
        // NLMSG_DONE (3) with its four bytes of status.
        let done = [20u8, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse_datagram(&done, TCP4), Ok(Answer { sockets: Vec::new(), done: true }));
    }

    #[test]
    fn a_refusal_carries_its_errno() {
        let mut done = vec![20u8, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        done.extend((-2i32).to_ne_bytes());
        assert_eq!(parse_datagram(&done, TCP4), Err(ParseError::Refused(2)));
        let mut refused = vec![36u8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        refused.extend((-2i32).to_ne_bytes());
        refused.extend([72, 0, 0, 0, 20, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parse_datagram(&refused, TCP4), Err(ParseError::Refused(2)));
    }

    #[test]
    fn every_cut_is_an_error_or_a_whole_number_of_sockets() {
        let whole = parse_datagram(RECORDED_V4, TCP4).unwrap().sockets;
        for cut in 0..RECORDED_V4.len() {
            if let Ok(answer) = parse_datagram(&RECORDED_V4[..cut], TCP4) {
                assert!(whole.starts_with(&answer.sockets), "cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_datagram(&bytes, TCP4);
        }

        #[test]
        fn no_damaged_answer_makes_it_panic(at in 0usize..RECORDED_V6.len(), byte: u8, cut in 0usize..RECORDED_V6.len()) {
            let mut bytes = RECORDED_V6.to_vec();
            bytes[at] = byte;
            let _ = parse_datagram(&bytes, TCP6);
            let _ = parse_datagram(&bytes[..cut], TCP6);
        }
    }
}
