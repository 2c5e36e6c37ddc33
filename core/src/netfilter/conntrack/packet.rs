//! What conntrack sees of a packet: its tuple, and what the protocol's state depends on.

use super::tuple::{ICMP, TCP, Tuple, UDP};
use crate::frame::icmp::{self, Icmp};
use crate::frame::ipv4::Ipv4;
use crate::frame::tcp::{self, Tcp, flags};
use crate::frame::udp::Udp;

/// The highest ICMP type that is looked at (include/uapi/linux/icmp.h `NR_ICMP_TYPES`).
const ICMP_TYPE_MAX: u8 = 18;

/// A packet of some connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Of this one; for TCP with its segment.
    Packet(Tuple, Option<Segment>),
    /// An ICMP error about a packet with this tuple, sent to its source.
    Error {
        /// The quoted packet's.
        quoted: Tuple,
    },
    /// Of none: cut short, a wrong checksum, flags that no TCP sends, a message that nobody asked for.
    Invalid,
}

/// What the state of a TCP connection depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub seq: u32,
    /// Sequence number after its last byte; SYN and FIN count.
    pub end: u32,
    pub ack: u32,
    pub flags: u8,
    /// As it stands in the header, not scaled.
    pub window: u16,
    /// Of a SYN: the window scale it offers.
    pub scale: Option<u8>,
}

impl Segment {
    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Looks at a whole packet whose header has been found right. `checksums`: it came from outside, so they are looked at
/// (`net.netfilter.nf_conntrack_checksum`; only before routing).
pub(super) fn look(packet: &[u8], checksums: bool) -> Seen {
    let Some(ip) = Ipv4::parse(packet).ok().filter(|ip| ip.fragment_offset == 0) else { return Seen::Invalid };
    match ip.proto {
        TCP => tcp(&ip, checksums),
        UDP => {
            let ports = Udp::parse(ip.src, ip.dst, ip.payload).ok().map(|(udp, _)| udp).or_else(|| {
                let b = ip.payload.first_chunk::<8>().filter(|_| !checksums)?;
                Some(Udp { src_port: u16::from_be_bytes([b[0], b[1]]), dst_port: u16::from_be_bytes([b[2], b[3]]) })
            });
            ports.map_or(Seen::Invalid, |udp| Seen::Packet(tuple(&ip, udp.src_port, udp.dst_port), None))
        }
        ICMP => icmp(&ip, checksums),
        _ => Seen::Packet(tuple(&ip, 0, 0), None),
    }
}

fn tuple(ip: &Ipv4<'_>, src_port: u16, dst_port: u16) -> Tuple {
    Tuple { proto: ip.proto, src: ip.src, dst: ip.dst, src_port, dst_port }
}

fn tcp(ip: &Ipv4<'_>, checksums: bool) -> Seen {
    let header = if checksums {
        Tcp::parse(ip.src, ip.dst, ip.payload).ok().map(|(header, _)| header)
    } else {
        Tcp::peek(ip.payload).filter(|header| header.header_len <= ip.payload.len())
    };
    let Some(header) = header.filter(|header| flags_are_valid(header.flags)) else { return Seen::Invalid };
    let data = ip.payload.len() - header.header_len;
    let counted = |flag| u32::from(header.has(flag));
    let options = ip.payload.get(tcp::HEADER_LEN..header.header_len).unwrap_or_default();
    let segment = Segment {
        seq: header.seq,
        end: header.seq.wrapping_add(data as u32 + counted(flags::SYN) + counted(flags::FIN)),
        ack: header.ack,
        flags: header.flags,
        window: header.window,
        scale: if header.has(flags::SYN) { window_scale(options) } else { None },
    };
    Seen::Packet(tuple(ip, header.src_port, header.dst_port), Some(segment))
}

/// Flags that a TCP sends together (net/netfilter/nf_conntrack_proto_tcp.c `tcp_valid_flags`); PSH, ECE and CWR may come
/// with any of them.
fn flags_are_valid(all: u8) -> bool {
    use flags::{ACK, FIN, RST, SYN, URG};
    let valid = [SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG];
    valid.contains(&(all & (SYN | ACK | FIN | RST | URG)))
}

/// The window scale among TCP's options, 14 at most (RFC 7323 2.2).
fn window_scale(mut options: &[u8]) -> Option<u8> {
    loop {
        match *options {
            [1, ref rest @ ..] => options = rest,
            [3, 3, shift, ..] => return Some(shift.min(14)),
            [kind, len, ..] if kind != 0 && len >= 2 => options = options.get(usize::from(len)..)?,
            _ => return None,
        }
    }
}

fn icmp(ip: &Ipv4<'_>, checksums: bool) -> Seen {
    let message = if checksums { Icmp::parse(ip.payload).ok() } else { Icmp::peek(ip.payload) };
    let Some((message, data)) = message else { return Seen::Invalid };
    let (kind, code) = message.type_and_code();
    if kind > ICMP_TYPE_MAX {
        return Seen::Invalid;
    }
    if message.is_error() {
        return quoted(data).map_or(Seen::Invalid, |quoted| Seen::Error { quoted });
    }
    let ident = ip.payload.get(4..6).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    Seen::Packet(tuple(ip, ident, u16::from_be_bytes([kind, code])), None)
}

/// The tuple of a packet that an ICMP error quotes: cut, so lengths and checksums are not looked at.
fn quoted(packet: &[u8]) -> Option<Tuple> {
    let header: &[u8; 20] = packet.first_chunk()?;
    let len = usize::from(header[0] & 15) * 4;
    let later = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
    if header[0] >> 4 != 4 || len < 20 || later {
        return None;
    }
    let l4 = packet.get(len..)?;
    let word = |at: usize| l4.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let proto = header[9];
    let (src_port, dst_port) = match proto {
        TCP | UDP => (word(0)?, word(2)?),
        ICMP => {
            let (message, _) = Icmp::peek(l4.get(..icmp::HEADER_LEN)?)?;
            let (kind, code) = message.type_and_code();
            (word(4)?, u16::from_be_bytes([kind, code]))
        }
        _ => (0, 0),
    };
    let addr = |at: usize| header.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok());
    Some(Tuple { proto, src: addr(12)?.into(), dst: addr(16)?.into(), src_port, dst_port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_scale_is_found_behind_other_options_and_an_option_of_no_length_ends_the_search() {
        assert_eq!(window_scale(&[2, 4, 5, 0xb4, 1, 3, 3, 7]), Some(7));
        assert_eq!(window_scale(&[3, 3, 200]), Some(14));
        assert_eq!(window_scale(&[8, 0, 3, 3, 7]), None);
        assert_eq!(window_scale(&[0, 3, 3, 7]), None);
    }

    #[test]
    fn flags_that_no_tcp_sends_are_invalid() {
        assert!(flags_are_valid(flags::SYN | flags::ECE | flags::CWR));
        assert!(!flags_are_valid(0));
        assert!(!flags_are_valid(flags::SYN | flags::FIN));
        assert!(!flags_are_valid(flags::FIN));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut packet: Vec<u8>, checksums: bool) {
            look(&packet, checksums);
            quoted(&packet);
            if let Some(first) = packet.first_mut() {
                *first = 0x45;
            }
            look(&packet, checksums);
            quoted(&packet);
            window_scale(&packet);
        }
    }
}
