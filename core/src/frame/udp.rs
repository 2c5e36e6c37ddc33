//! The UDP header (RFC 768).

use std::net::Ipv4Addr;

use super::{bytes, checksum};
use crate::addr::L4Proto;
use crate::drop_reason::DropReason;

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;

/// The ports of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
}

impl Udp {
    /// The header and the payload. A checksum of 0 means that the sender made none; what follows the length is ignored.
    ///
    /// # Errors
    /// [`DropReason::UdpMalformed`] when it is cut short or its checksum is wrong.
    pub fn parse(src: Ipv4Addr, dst: Ipv4Addr, segment: &[u8]) -> Result<(Self, &[u8]), DropReason> {
        Self::read(src, dst, segment).ok_or(DropReason::UdpMalformed)
    }

    fn read(src: Ipv4Addr, dst: Ipv4Addr, segment: &[u8]) -> Option<(Self, &[u8])> {
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *segment.first_chunk::<HEADER_LEN>()?;
        let datagram = segment.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
        let payload = datagram.get(HEADER_LEN..)?;
        if [c0, c1] != [0, 0] {
            let pseudo = checksum::pseudo_header(src, dst, L4Proto::Udp.number(), datagram.len());
            if checksum::internet(&[&pseudo, datagram]) != 0 {
                return None;
            }
        }
        let udp = Self { src_port: u16::from_be_bytes([s0, s1]), dst_port: u16::from_be_bytes([d0, d1]) };
        Some((udp, payload))
    }

    /// The datagram with its checksum. What is beyond 65 527 bytes of payload is cut off: the length has 16 bits.
    pub fn emit(&self, src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
        let payload = payload.get(..usize::from(u16::MAX) - HEADER_LEN).unwrap_or(payload);
        let len = HEADER_LEN + payload.len();
        let mut datagram = Vec::with_capacity(len);
        datagram.extend_from_slice(&self.src_port.to_be_bytes());
        datagram.extend_from_slice(&self.dst_port.to_be_bytes());
        datagram.extend_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
        datagram.extend_from_slice(&[0, 0]);
        datagram.extend_from_slice(payload);
        let pseudo = checksum::pseudo_header(src, dst, L4Proto::Udp.number(), len);
        let sum = checksum::internet(&[&pseudo, &datagram]);
        // 0 would mean "no checksum"; all ones is the same number in ones' complement.
        bytes::put16(&mut datagram, 6, if sum == 0 { 0xffff } else { sum });
        datagram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);

    #[test]
    fn a_datagram_without_a_checksum_is_taken_and_one_with_a_wrong_checksum_is_not() {
        let udp = Udp { src_port: 68, dst_port: 67 };
        let mut datagram = udp.emit(A, B, b"x");
        datagram[8] = b'y';
        assert_eq!(Udp::parse(A, B, &datagram), Err(DropReason::UdpMalformed));
        bytes::put16(&mut datagram, 6, 0);
        assert_eq!(Udp::parse(A, B, &datagram), Ok((udp, &b"y"[..])));
    }

    #[test]
    fn a_length_shorter_than_the_header_or_longer_than_the_packet_is_malformed() {
        for length in [0, 7, 10] {
            let mut datagram = Udp { src_port: 1, dst_port: 2 }.emit(A, B, b"x");
            bytes::put16(&mut datagram, 4, length);
            bytes::put16(&mut datagram, 6, 0);
            assert_eq!(Udp::parse(A, B, &datagram), Err(DropReason::UdpMalformed), "{length}");
        }
    }

    #[test]
    fn a_checksum_of_zero_is_sent_as_all_ones() {
        // Ports chosen so that everything sums to 0xffff.
        let (a, b) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED);
        let rest = !checksum::sum(&[&checksum::pseudo_header(a, b, 17, 8), &[0, 8]]);
        let datagram = Udp { src_port: rest, dst_port: 0 }.emit(a, b, &[]);
        assert_eq!(datagram[6..8], [0xff, 0xff]);
        assert!(Udp::parse(a, b, &datagram).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same(src: u32, dst: u32, src_port: u16, dst_port: u16, payload: Vec<u8>) {
            let (src, dst) = (src.into(), dst.into());
            let udp = Udp { src_port, dst_port };
            let datagram = udp.emit(src, dst, &payload);
            prop_assert_eq!(Udp::parse(src, dst, &datagram), Ok((udp, &payload[..])));
        }

        #[test]
        fn no_bytes_panic(segment: Vec<u8>) {
            let _ = Udp::parse(A, B, &segment);
        }
    }
}
