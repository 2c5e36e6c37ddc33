//! ARP for Ethernet and IPv4 (RFC 826).

use std::net::Ipv4Addr;

use super::bytes;
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;

/// A question.
pub const REQUEST: u16 = 1;
/// An answer.
pub const REPLY: u16 = 2;
/// Bytes of a message.
pub const LEN: usize = 28;

/// Hardware type Ethernet, protocol type IPv4, and the lengths of their addresses.
const PREFIX: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// An ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// [`REQUEST`] or [`REPLY`]; others exist and are for nobody here.
    pub op: u16,
    /// The sender's MAC.
    pub sender_mac: MacAddr,
    /// The sender's address; unspecified in a probe (RFC 5227).
    pub sender_ip: Ipv4Addr,
    /// The target's MAC; zero in a question.
    pub target_mac: MacAddr,
    /// The address asked for; in an answer, who asked.
    pub target_ip: Ipv4Addr,
}

impl Arp {
    /// Reads a message; what follows it (Ethernet's padding) is ignored.
    ///
    /// # Errors
    /// [`DropReason::ArpMalformed`] when it is cut short or not for Ethernet and IPv4.
    pub fn parse(message: &[u8]) -> Result<Self, DropReason> {
        Self::read(message).ok_or(DropReason::ArpMalformed)
    }

    fn read(message: &[u8]) -> Option<Self> {
        if bytes::array(message, 0)? != PREFIX {
            return None;
        }
        Some(Self {
            op: bytes::be16(message, 6)?,
            sender_mac: MacAddr(bytes::array(message, 8)?),
            sender_ip: bytes::addr(message, 14)?,
            target_mac: MacAddr(bytes::array(message, 18)?),
            target_ip: bytes::addr(message, 24)?,
        })
    }

    /// The message's [`LEN`] bytes.
    pub fn emit(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(LEN);
        message.extend_from_slice(&PREFIX);
        message.extend_from_slice(&self.op.to_be_bytes());
        message.extend_from_slice(&self.sender_mac.0);
        message.extend_from_slice(&self.sender_ip.octets());
        message.extend_from_slice(&self.target_mac.0);
        message.extend_from_slice(&self.target_ip.octets());
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_for_other_hardware_or_cut_short_is_malformed() {
        let good = Arp {
            op: REQUEST,
            sender_mac: MacAddr([2; 6]),
            sender_ip: Ipv4Addr::new(10, 0, 2, 15),
            target_mac: MacAddr::ZERO,
            target_ip: Ipv4Addr::new(10, 0, 2, 2),
        }
        .emit();
        assert_eq!(Arp::parse(&good[..27]), Err(DropReason::ArpMalformed));
        for at in 0..6 {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(Arp::parse(&bad), Err(DropReason::ArpMalformed), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same_even_padded(
            op: u16, sender_mac: [u8; 6], sender_ip: u32, target_mac: [u8; 6], target_ip: u32, padding in 0usize..20
        ) {
            let arp = Arp {
                op,
                sender_mac: MacAddr(sender_mac),
                sender_ip: sender_ip.into(),
                target_mac: MacAddr(target_mac),
                target_ip: target_ip.into(),
            };
            let mut message = arp.emit();
            prop_assert_eq!(message.len(), LEN);
            message.resize(LEN + padding, 0);
            prop_assert_eq!(Arp::parse(&message), Ok(arp));
        }

        #[test]
        fn no_bytes_panic(message: Vec<u8>) {
            let _ = Arp::parse(&message);
        }
    }
}
