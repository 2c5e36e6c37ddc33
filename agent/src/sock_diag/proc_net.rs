//! Raw sockets from /proc/net/raw and raw6, for kernels without INET_RAW_DIAG (`ss` falls back to them as well). Reading
//! is pure: lines that make no sense are no sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netmodes_core::view::{SocketEnd, SocketKind, SocketOwner, SocketQueues, SocketRow, SocketState};

use super::DumpedSocket;

/// Keeps ids that are made of inodes apart from the kernel's cookies, which count up from 1.
const INODE_ID: u64 = 1 << 63;

/// The file of an address family.
pub(super) fn path(v6: bool) -> &'static str {
    if v6 { "/proc/net/raw6" } else { "/proc/net/raw" }
}

/// The sockets of the file's text.
pub(super) fn parse(text: &str, v6: bool) -> Vec<DumpedSocket> {
    text.lines().skip(1).filter_map(|line| socket(line, v6)).collect()
}

/// `  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 17120 2 0000000000000000 0`
fn socket(line: &str, v6: bool) -> Option<DumpedSocket> {
    let mut words = line.split_whitespace().skip(1);
    let (local, peer) = (end(words.next()?, v6)?, end(words.next()?, v6)?);
    let state = usize::from_str_radix(words.next()?, 16).ok()?;
    let (send, recv) = words.next()?.split_once(':')?;
    // The timer's two words, the retransmissions.
    let mut words = words.skip(2);
    let uid = words.next()?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let queue = |hex| u32::from_str_radix(hex, 16).ok();
    let row = SocketRow {
        node: None,
        id: INODE_ID | u64::from(inode),
        kind: SocketKind::Raw,
        v6,
        v6_only: false,
        state: SocketState::ALL.get(state.checked_sub(1)?).copied()?,
        local,
        peer,
        owner: SocketOwner::Nobody,
        uid,
        queues: Some(SocketQueues { recv: queue(recv)?, send: queue(send)? }),
    };
    Some(DumpedSocket { row, inode, iface: 0 })
}

/// `0100007F:0001`: words of four bytes in the machine's order, and the protocol's number in the port's place.
fn end(text: &str, v6: bool) -> Option<SocketEnd> {
    let (hex, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let addr = if v6 {
        let words = [word(0)?, word(1)?, word(2)?, word(3)?];
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(words.as_flattened()).for_each(|(byte, from)| *byte = *from);
        IpAddr::V6(Ipv6Addr::from(bytes))
    } else {
        IpAddr::V4(Ipv4Addr::from(word(0)?))
    };
    Some(SocketEnd::new(addr, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn a_line_of_each_family_is_read() {
        let v4 =
            "   1: 0100007F:0001 00000000:0000 07 00000000:00000300 00:00000000 00000000  1000        0 17120 2 0 0";
        let sockets = parse(&format!("{HEAD}{v4}\n"), false);
        let [socket] = sockets.as_slice() else { panic!("{sockets:?}") };
        assert_eq!(socket.row.local, SocketEnd::new("127.0.0.1".parse().unwrap(), 1));
        assert_eq!(socket.row.queues, Some(SocketQueues { recv: 0x300, send: 0 }));
        assert_eq!((socket.inode, socket.row.uid, socket.row.state), (17120, 1000, SocketState::Unconnected));
        let v6 = "  58: 00000000000000000000000001000000:003A 00000000000000000000000000000000:0000 07 \
            00000000:00000000 00:00000000 00000000     0        0 17121 2 0 0";
        let sockets = parse(&format!("{HEAD}{v6}\n"), true);
        assert_eq!(sockets[0].row.local, SocketEnd::new("::1".parse().unwrap(), 58));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}", v6: bool) {
            let _ = parse(&format!("\n{text}"), v6);
        }

        #[test]
        fn no_cut_line_makes_it_panic(cut in 0usize..90, v6: bool) {
            let line = "   1: 0100007F:0001 00000000:0000 07 00000000:00000300 00:00000000 00000000  1000        0 17120";
            let _ = parse(&format!("{HEAD}{}", &line[..cut]), v6);
        }
    }
}
