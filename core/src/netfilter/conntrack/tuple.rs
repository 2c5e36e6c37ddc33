//! What tells connections apart: one direction's addresses and ports, and the row of a connection.

use core::net::Ipv4Addr;

use crate::frame::icmp::{ECHO_REPLY, ECHO_REQUEST};

/// ICMP's protocol number.
pub const ICMP: u8 = 1;
/// TCP's protocol number.
pub const TCP: u8 = 6;
/// UDP's protocol number.
pub const UDP: u8 = 17;

/// One direction of a connection (Linux: `struct nf_conntrack_tuple`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tuple {
    /// Protocol number.
    pub proto: u8,
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// L4 source port; ICMP's identifier; 0 where there are none.
    pub src_port: u16,
    /// L4 destination port; ICMP's type and code (type in the high byte); 0 where there are none.
    pub dst_port: u16,
}

impl Tuple {
    /// Type, code and identifier of an ICMP tuple.
    pub fn icmp(&self) -> Option<(u8, u8, u16)> {
        let [kind, code] = self.dst_port.to_be_bytes();
        (self.proto == ICMP).then_some((kind, code, self.src_port))
    }

    /// The other direction; none for an ICMP message that has no answer (Linux: `icmp_invert_tuple`).
    pub fn inverted(&self) -> Option<Self> {
        let (src_port, dst_port) = if self.proto == ICMP {
            let [kind, code] = self.dst_port.to_be_bytes();
            (self.src_port, u16::from_be_bytes([icmp_answer(kind)?, code]))
        } else {
            (self.dst_port, self.src_port)
        };
        Some(Self { proto: self.proto, src: self.dst, dst: self.src, src_port, dst_port })
    }
}

/// The type that answers an ICMP type (net/netfilter/nf_conntrack_proto_icmp.c `invmap`).
fn icmp_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        ECHO_REQUEST => ECHO_REPLY,
        ECHO_REPLY => ECHO_REQUEST,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// Where a TCP connection is, seen from the middle (net/netfilter/nf_conntrack_proto_tcp.c).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TcpState {
    /// A SYN went.
    SynSent,
    /// SYN and ACK came back.
    SynRecv,
    /// The handshake is over.
    Established,
    /// The first FIN went.
    FinWait,
    /// It was acknowledged.
    CloseWait,
    /// The other FIN went.
    LastAck,
    /// That was acknowledged.
    TimeWait,
    /// A RST went.
    Close,
    /// A SYN from both sides.
    SynSent2,
}

impl TcpState {
    /// As `conntrack -L` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::SynSent2 => "SYN_SENT2",
        }
    }
}

/// A connection, as `conntrack -L` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConntrackRow {
    /// Its number (`conntrack -o id`).
    pub id: u32,
    /// TCP's state.
    pub tcp: Option<TcpState>,
    /// Whole seconds until it is forgotten, if no further packet comes.
    pub timeout_secs: u64,
    /// The direction of its first packet, as that came.
    pub original: Tuple,
    /// The answers' direction, as they come: with the translated endpoints.
    pub reply: Tuple,
    /// No answer came yet (`[UNREPLIED]`).
    pub unreplied: bool,
    /// Traffic went both ways: not the first to go when the table is full (`[ASSURED]`).
    pub assured: bool,
    /// Its source is translated (`conntrack -L --src-nat`).
    pub snat: bool,
    /// Its destination is translated.
    pub dnat: bool,
}
