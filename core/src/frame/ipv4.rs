//! The IPv4 header (RFC 791): checked on the way in, with its checksum on the way out.

use std::net::Ipv4Addr;

use super::{bytes, checksum};
use crate::drop_reason::DropReason;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// The most a packet can carry behind a header without options: the total length has 16 bits.
pub const MAX_PAYLOAD: usize = 65_535 - HEADER_LEN;
/// The flag "don't fragment", in the 16 bits of flags and offset.
const DONT_FRAGMENT: u16 = 0x4000;
/// The flag "more fragments".
const MORE_FRAGMENTS: u16 = 0x2000;

/// A packet whose header is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// What it carries (IANA protocol number; [`crate::addr::L4Proto::number`]).
    pub proto: u8,
    /// Time to live, in hops.
    pub ttl: u8,
    /// Identification: equal in all fragments of one packet.
    pub ident: u16,
    /// Type of service (RFC 2474: DSCP and ECN).
    pub tos: u8,
    /// Routers may not cut it.
    pub dont_fragment: bool,
    /// Another fragment follows.
    pub more_fragments: bool,
    /// Where the payload stands in the whole, in bytes.
    pub fragment_offset: u16,
    /// Bytes of the header with its options: 20 to 60.
    pub header_len: usize,
    /// Bytes of header and payload.
    pub total_len: usize,
    /// What it carries, without Ethernet's padding.
    pub payload: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// Reads a packet; what follows its total length is Ethernet's padding.
    ///
    /// # Errors
    /// [`DropReason::IpMalformed`] when a length is wrong or it is not version 4, [`DropReason::IpChecksum`].
    pub fn parse(packet: &'a [u8]) -> Result<Self, DropReason> {
        let parsed = Self::read(packet).ok_or(DropReason::IpMalformed)?;
        let header = packet.get(..parsed.header_len).ok_or(DropReason::IpMalformed)?;
        if checksum::internet(&[header]) == 0 { Ok(parsed) } else { Err(DropReason::IpChecksum) }
    }

    fn read(packet: &'a [u8]) -> Option<Self> {
        let fixed: &[u8; HEADER_LEN] = packet.first_chunk()?;
        let [first, tos, l0, l1, i0, i1, f0, f1, ttl, proto, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
        let header_len = usize::from(first & 15) * 4;
        let total_len = usize::from(u16::from_be_bytes([l0, l1]));
        if first >> 4 != 4 || header_len < HEADER_LEN {
            return None;
        }
        // A header beyond the total length, or a total length beyond the packet, is no range.
        let payload = packet.get(header_len..total_len)?;
        let flags = u16::from_be_bytes([f0, f1]);
        Some(Self {
            src: Ipv4Addr::new(s0, s1, s2, s3),
            dst: Ipv4Addr::new(d0, d1, d2, d3),
            proto,
            ttl,
            ident: u16::from_be_bytes([i0, i1]),
            tos,
            dont_fragment: flags & DONT_FRAGMENT != 0,
            more_fragments: flags & MORE_FRAGMENTS != 0,
            fragment_offset: (flags & 0x1fff) << 3,
            header_len,
            total_len,
            payload,
        })
    }

    /// Whether this is a piece of a larger packet.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }
}

/// What a header without options says of a whole packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// What it carries (IANA protocol number).
    pub proto: u8,
    /// Time to live, in hops.
    pub ttl: u8,
    /// Identification.
    pub ident: u16,
    /// Type of service.
    pub tos: u8,
    /// Routers may not cut it.
    pub dont_fragment: bool,
}

impl Ipv4Header {
    /// The packet with its checksum. What is beyond [`MAX_PAYLOAD`] is cut off: no packet holds it.
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        self.emit_after(0, payload)
    }

    /// The same, with so many bytes of 0 in front.
    pub fn emit_after(&self, headroom: usize, payload: &[u8]) -> Vec<u8> {
        let payload = payload.get(..MAX_PAYLOAD).unwrap_or(payload);
        let total = HEADER_LEN + payload.len();
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&[0x45, self.tos]);
        bytes::put16(&mut header, 2, u16::try_from(total).unwrap_or(u16::MAX));
        bytes::put16(&mut header, 4, self.ident);
        bytes::put16(&mut header, 6, if self.dont_fragment { DONT_FRAGMENT } else { 0 });
        header[8..10].copy_from_slice(&[self.ttl, self.proto]);
        header[12..16].copy_from_slice(&self.src.octets());
        header[16..].copy_from_slice(&self.dst.octets());
        let sum = checksum::internet(&[&header]);
        bytes::put16(&mut header, 10, sum);
        let mut packet = Vec::with_capacity(headroom + total);
        packet.resize(headroom, 0);
        packet.extend_from_slice(&header);
        packet.extend_from_slice(payload);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Ipv4Header {
        let (src, dst) = (Ipv4Addr::new(10, 0, 2, 15), Ipv4Addr::new(8, 8, 8, 8));
        Ipv4Header { src, dst, proto: 1, ttl: 64, ident: 7, tos: 0, dont_fragment: true }
    }

    #[test]
    fn wrong_lengths_and_versions_are_malformed_and_a_flipped_bit_is_a_wrong_checksum() {
        let good = header().emit(b"payload");
        for (at, value) in [(0, 0x65), (0, 0x44), (0, 0x4f), (2, 0xff), (3, 19)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(Ipv4::parse(&bad), Err(DropReason::IpMalformed), "byte {at} = {value:#x}");
        }
        let mut bad = good.clone();
        bad[8] ^= 1;
        assert_eq!(Ipv4::parse(&bad), Err(DropReason::IpChecksum));
        for len in 0..good.len() {
            assert_eq!(Ipv4::parse(&good[..len]), Err(DropReason::IpMalformed), "{len} bytes");
        }
    }

    #[test]
    fn a_fragment_says_its_offset_in_bytes() {
        let mut packet = header().emit(&[0; 8]);
        bytes::put16(&mut packet, 6, 0x2000 | 185);
        bytes::put16(&mut packet, 10, 0);
        let sum = checksum::internet(&[&packet[..20]]);
        bytes::put16(&mut packet, 10, sum);
        let parsed = Ipv4::parse(&packet).unwrap();
        assert_eq!((parsed.fragment_offset, parsed.more_fragments, parsed.dont_fragment), (1480, true, false));
        assert!(parsed.is_fragment());
    }

    #[test]
    fn a_payload_that_no_packet_holds_is_cut() {
        let packet = header().emit(&vec![0; 70_000]);
        assert_eq!(Ipv4::parse(&packet).unwrap().total_len, 65_535);
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same_even_padded(
            src: u32, dst: u32, proto: u8, ttl: u8, ident: u16, tos: u8, dont_fragment: bool,
            payload: Vec<u8>, padding in 0usize..46
        ) {
            let header = Ipv4Header { src: src.into(), dst: dst.into(), proto, ttl, ident, tos, dont_fragment };
            let mut packet = header.emit(&payload);
            packet.resize(packet.len() + padding, 0);
            let got = Ipv4::parse(&packet).unwrap();
            let back = Ipv4Header {
                src: got.src, dst: got.dst, proto: got.proto, ttl: got.ttl, ident: got.ident, tos: got.tos,
                dont_fragment: got.dont_fragment,
            };
            prop_assert_eq!(back, header);
            prop_assert_eq!(got.payload, &payload[..]);
            prop_assert!(!got.is_fragment());
        }

        #[test]
        fn no_bytes_panic(mut packet: Vec<u8>) {
            let _ = Ipv4::parse(&packet);
            if let Some(first) = packet.first_mut() {
                *first = 0x40 | (*first & 15);
            }
            let _ = Ipv4::parse(&packet);
        }
    }
}
