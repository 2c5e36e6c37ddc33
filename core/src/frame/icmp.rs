//! ICMP (RFC 792): echo, and the errors that routers and hosts send.

use super::{bytes, checksum};
use crate::drop_reason::DropReason;

/// Bytes of the header; the data follow.
pub const HEADER_LEN: usize = 8;

/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const UNREACHABLE: u8 = 3;
/// Echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 11;

/// Codes of "destination unreachable" (RFC 792, RFC 1812 5.2.7.1).
pub mod unreachable {
    /// Unreachable: no route to the network.
    pub const NET: u8 = 0;
    /// Unreachable: the host does not answer ARP.
    pub const HOST: u8 = 1;
    /// Unreachable: the host does not speak this protocol.
    pub const PROTOCOL: u8 = 2;
    /// Unreachable: no socket has this port.
    pub const PORT: u8 = 3;
    /// Unreachable: larger than the next link's MTU, and not to be cut (RFC 1191).
    pub const FRAGMENTATION: u8 = 4;
    /// Unreachable: a filter forbids it (RFC 1812 section 5.2.7.1).
    pub const ADMIN: u8 = 13;
}

/// An ICMP message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icmp {
    /// A ping.
    EchoRequest {
        /// Which pinging process.
        ident: u16,
        /// Which of its pings.
        seq: u16,
    },
    /// The answer to a ping.
    EchoReply {
        /// As in the request.
        ident: u16,
        /// As in the request.
        seq: u16,
    },
    /// A packet could not be delivered; it is quoted in the data.
    Unreachable {
        /// Why: [`unreachable::NET`], [`unreachable::HOST`], [`unreachable::PROTOCOL`], [`unreachable::PORT`], [`unreachable::FRAGMENTATION`], [`unreachable::ADMIN`] …
        code: u8,
        /// For [`unreachable::FRAGMENTATION`], the next link's MTU in bytes (RFC 1191); otherwise 0.
        mtu: u16,
    },
    /// A packet's time to live (code 0) or its reassembly's time (code 1) ran out; it is quoted in the data.
    TimeExceeded {
        /// Which time.
        code: u8,
    },
    /// Anything else.
    Other {
        /// Its type.
        icmp_type: u8,
        /// Its code.
        code: u8,
        /// Bytes 4 to 7.
        rest: u32,
    },
}

impl Icmp {
    /// The header and the data behind it.
    ///
    /// # Errors
    /// [`DropReason::IcmpMalformed`] when it is cut short or its checksum is wrong.
    pub fn parse(message: &[u8]) -> Result<(Self, &[u8]), DropReason> {
        let (icmp, data) = Self::peek(message).ok_or(DropReason::IcmpMalformed)?;
        if checksum::internet(&[message]) == 0 { Ok((icmp, data)) } else { Err(DropReason::IcmpMalformed) }
    }

    /// As [`Icmp::parse`], without a look at the checksum: for a quoted message, which is cut.
    pub fn peek(message: &[u8]) -> Option<(Self, &[u8])> {
        let [icmp_type, code, _, _, a, b, c, d] = *message.first_chunk::<HEADER_LEN>()?;
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let icmp = match (icmp_type, code) {
            (ECHO_REQUEST, 0) => Self::EchoRequest { ident: high, seq: low },
            (ECHO_REPLY, 0) => Self::EchoReply { ident: high, seq: low },
            (UNREACHABLE, code) => Self::Unreachable { code, mtu: low },
            (TIME_EXCEEDED, code) => Self::TimeExceeded { code },
            (icmp_type, code) => Self::Other { icmp_type, code, rest: u32::from_be_bytes([a, b, c, d]) },
        };
        Some((icmp, message.get(HEADER_LEN..)?))
    }

    /// The message with its checksum.
    pub fn emit(&self, data: &[u8]) -> Vec<u8> {
        let (icmp_type, code) = self.type_and_code();
        let rest = match *self {
            Self::EchoRequest { ident, seq } | Self::EchoReply { ident, seq } => {
                u32::from(ident) << 16 | u32::from(seq)
            }
            Self::Unreachable { mtu, .. } => u32::from(mtu),
            Self::TimeExceeded { .. } => 0,
            Self::Other { rest, .. } => rest,
        };
        let mut message = Vec::with_capacity(HEADER_LEN + data.len());
        message.extend_from_slice(&[icmp_type, code, 0, 0]);
        message.extend_from_slice(&rest.to_be_bytes());
        message.extend_from_slice(data);
        let sum = checksum::internet(&[&message]);
        bytes::put16(&mut message, 2, sum);
        message
    }

    /// Whether it is about a packet that it quotes. No error is ever sent about an error (RFC 1122 section 3.2.2).
    pub fn is_error(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimeExceeded { .. } => true,
            // source quench, redirect, parameter problem
            Self::Other { icmp_type, .. } => matches!(icmp_type, 4 | 5 | 12),
            Self::EchoRequest { .. } | Self::EchoReply { .. } => false,
        }
    }

    /// The first two bytes.
    pub fn type_and_code(&self) -> (u8, u8) {
        match *self {
            Self::EchoRequest { .. } => (ECHO_REQUEST, 0),
            Self::EchoReply { .. } => (ECHO_REPLY, 0),
            Self::Unreachable { code, .. } => (UNREACHABLE, code),
            Self::TimeExceeded { code } => (TIME_EXCEEDED, code),
            Self::Other { icmp_type, code, .. } => (icmp_type, code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn messages() -> impl Strategy<Value = Icmp> {
        prop_oneof![
            (any::<u16>(), any::<u16>()).prop_map(|(ident, seq)| Icmp::EchoRequest { ident, seq }),
            (any::<u16>(), any::<u16>()).prop_map(|(ident, seq)| Icmp::EchoReply { ident, seq }),
            (any::<u8>(), any::<u16>()).prop_map(|(code, mtu)| Icmp::Unreachable { code, mtu }),
            any::<u8>().prop_map(|code| Icmp::TimeExceeded { code }),
            (12u8.., any::<u8>(), any::<u32>()).prop_map(|(icmp_type, code, rest)| Icmp::Other {
                icmp_type,
                code,
                rest
            }),
        ]
    }

    #[test]
    fn a_cut_message_or_a_flipped_bit_is_malformed() {
        let good = Icmp::EchoRequest { ident: 1, seq: 2 }.emit(b"data");
        assert_eq!(Icmp::parse(&good[..7]), Err(DropReason::IcmpMalformed));
        let mut bad = good;
        bad[9] ^= 0x20;
        assert_eq!(Icmp::parse(&bad), Err(DropReason::IcmpMalformed));
    }

    #[test]
    fn errors_are_told_from_questions() {
        assert!(Icmp::Unreachable { code: unreachable::PORT, mtu: 0 }.is_error());
        assert!(Icmp::Other { icmp_type: 5, code: 0, rest: 0 }.is_error());
        assert!(!Icmp::EchoRequest { ident: 0, seq: 0 }.is_error());
        assert!(!Icmp::Other { icmp_type: 13, code: 0, rest: 0 }.is_error());
    }

    proptest! {
        #[test]
        fn what_was_emitted_parses_to_the_same(icmp in messages(), data: Vec<u8>) {
            let message = icmp.emit(&data);
            prop_assert_eq!(Icmp::parse(&message), Ok((icmp, &data[..])));
        }

        #[test]
        fn no_bytes_panic(message: Vec<u8>) {
            let _ = Icmp::parse(&message);
        }
    }
}
