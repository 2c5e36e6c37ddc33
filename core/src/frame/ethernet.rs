//! The Ethernet II header: two addresses and the EtherType (IEEE 802.3 clause 3). No FCS: no link here carries it.

use super::bytes;
use crate::addr::MacAddr;

/// Bytes of the header, without a VLAN tag.
pub const HEADER_LEN: usize = 14;

/// EtherTypes (IANA "IEEE 802 Numbers").
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// A VLAN tag (IEEE 802.1Q) stands before the real EtherType.
    pub const VLAN: u16 = 0x8100;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// Who it is for.
    pub dst: MacAddr,
    /// Who sent it.
    pub src: MacAddr,
    /// What follows: an [`ethertype`]; at most 1500 it is a length (IEEE 802.3), as in spanning tree's frames.
    pub ethertype: u16,
}

impl Ethernet {
    /// The header and what follows; `None` when the frame is shorter than a header.
    pub fn parse(frame: &[u8]) -> Option<(Self, &[u8])> {
        let dst = MacAddr(bytes::array(frame, 0)?);
        let src = MacAddr(bytes::array(frame, 6)?);
        let ethertype = bytes::be16(frame, 12)?;
        Some((Self { dst, src, ethertype }, frame.get(HEADER_LEN..)?))
    }

    /// The whole frame. Not padded to 60 bytes: a virtual cable has no shortest frame.
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER_LEN + payload.len());
        frame.extend_from_slice(&self.dst.0);
        frame.extend_from_slice(&self.src.0);
        frame.extend_from_slice(&self.ethertype.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_shorter_than_its_header_is_none() {
        assert_eq!(Ethernet::parse(&[0; 13]), None);
        assert!(Ethernet::parse(&[0; 14]).is_some());
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same(dst: [u8; 6], src: [u8; 6], ethertype: u16, payload: Vec<u8>) {
            let header = Ethernet { dst: MacAddr(dst), src: MacAddr(src), ethertype };
            let frame = header.emit(&payload);
            prop_assert_eq!(Ethernet::parse(&frame), Some((header, &payload[..])));
        }
    }
}
