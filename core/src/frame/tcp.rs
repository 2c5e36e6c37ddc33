//! The TCP header (RFC 9293 section 3.1), as far as filters, NAT and the socket table look into a segment. The protocol
//! itself is smoltcp's.

use std::net::Ipv4Addr;

use super::{bytes, checksum};
use crate::addr::L4Proto;
use crate::drop_reason::DropReason;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;

/// The flags (RFC 9293 3.1).
pub mod flags {
    /// The sender has no more data.
    pub const FIN: u8 = 0x01;
    /// A connection begins: sequence numbers are agreed.
    pub const SYN: u8 = 0x02;
    /// There is no such connection, or no longer.
    pub const RST: u8 = 0x04;
    /// Hand it to the program now.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
    /// Congestion was seen on the way (RFC 3168).
    pub const ECE: u8 = 0x40;
    /// The sender has slowed down for it.
    pub const CWR: u8 = 0x80;
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
    /// Number of the first byte, or of flags::SYN or flags::FIN.
    pub seq: u32,
    /// Number of the byte that is awaited.
    pub ack: u32,
    /// [`flags::SYN`], [`flags::ACK`] and the others.
    pub flags: u8,
    /// Bytes that the sender can take, not scaled.
    pub window: u16,
    /// Bytes of the header with its options: 20 to 60.
    pub header_len: usize,
}

impl Tcp {
    /// The header and the data.
    ///
    /// # Errors
    /// [`DropReason::TcpMalformed`] when it is cut short or its checksum is wrong.
    pub fn parse(src: Ipv4Addr, dst: Ipv4Addr, segment: &[u8]) -> Result<(Self, &[u8]), DropReason> {
        let tcp = Self::peek(segment).ok_or(DropReason::TcpMalformed)?;
        let data = segment.get(tcp.header_len..).ok_or(DropReason::TcpMalformed)?;
        let pseudo = checksum::pseudo_header(src, dst, L4Proto::Tcp.number(), segment.len());
        if checksum::internet(&[&pseudo, segment]) == 0 { Ok((tcp, data)) } else { Err(DropReason::TcpMalformed) }
    }

    /// The header, without a look at the checksum. The options need not be there.
    pub fn peek(segment: &[u8]) -> Option<Self> {
        let [s0, s1, d0, d1, n0, n1, n2, n3, a0, a1, a2, a3, offset, flags, w0, w1, ..] =
            *segment.first_chunk::<HEADER_LEN>()?;
        let header_len = usize::from(offset >> 4) * 4;
        if header_len < HEADER_LEN {
            return None;
        }
        Some(Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            seq: u32::from_be_bytes([n0, n1, n2, n3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            flags,
            window: u16::from_be_bytes([w0, w1]),
            header_len,
        })
    }

    /// The segment with its checksum. `options` fill up to whole words with zeros (end of list) and may have 40 bytes;
    /// what is beyond is left out. `header_len` is not looked at.
    pub fn emit(&self, src: Ipv4Addr, dst: Ipv4Addr, options: &[u8], payload: &[u8]) -> Vec<u8> {
        let options = options.get(..40).unwrap_or(options);
        let header_len = (HEADER_LEN + options.len()).next_multiple_of(4);
        let mut segment = Vec::with_capacity(header_len + payload.len());
        segment.extend_from_slice(&self.src_port.to_be_bytes());
        segment.extend_from_slice(&self.dst_port.to_be_bytes());
        segment.extend_from_slice(&self.seq.to_be_bytes());
        segment.extend_from_slice(&self.ack.to_be_bytes());
        segment.extend_from_slice(&[(header_len as u8 / 4) << 4, self.flags]);
        segment.extend_from_slice(&self.window.to_be_bytes());
        segment.extend_from_slice(&[0; 4]);
        segment.extend_from_slice(options);
        segment.resize(header_len, 0);
        segment.extend_from_slice(payload);
        let pseudo = checksum::pseudo_header(src, dst, L4Proto::Tcp.number(), segment.len());
        let sum = checksum::internet(&[&pseudo, &segment]);
        bytes::put16(&mut segment, 16, sum);
        segment
    }

    /// Whether all of `flags` are set.
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const B: Ipv4Addr = Ipv4Addr::new(93, 184, 215, 14);

    #[test]
    fn a_cut_segment_a_wrong_offset_and_a_flipped_bit_are_malformed() {
        let tcp = Tcp { src_port: 1, dst_port: 2, seq: 3, ack: 4, flags: flags::SYN, window: 5, header_len: 24 };
        let good = tcp.emit(A, B, &[2, 4, 5, 180], b"");
        assert_eq!(Tcp::parse(A, B, &good), Ok((tcp, &b""[..])));
        assert_eq!(Tcp::parse(A, B, &good[..20]), Err(DropReason::TcpMalformed));
        assert_eq!(Tcp::peek(&good[..20]), Some(tcp));
        for (at, value) in [(12, 0x40), (12, 0xf0), (13, 0)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(Tcp::parse(A, B, &bad), Err(DropReason::TcpMalformed), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same(
            src: u32, dst: u32, ports: (u16, u16), numbers: (u32, u32), flags: u8, window: u16,
            words in 0usize..=10, payload: Vec<u8>
        ) {
            let (src, dst) = (src.into(), dst.into());
            let header_len = 20 + words * 4;
            let tcp = Tcp {
                src_port: ports.0, dst_port: ports.1, seq: numbers.0, ack: numbers.1, flags, window, header_len
            };
            let segment = tcp.emit(src, dst, &vec![1; words * 4], &payload);
            prop_assert_eq!(Tcp::parse(src, dst, &segment), Ok((tcp, &payload[..])));
        }

        #[test]
        fn no_bytes_panic(segment: Vec<u8>) {
            let _ = Tcp::parse(A, B, &segment);
        }
    }
}
