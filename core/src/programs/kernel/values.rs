//! What goes in and out of system calls: signals, addresses, routes, datagrams, echo requests.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Errno;
use crate::addr::{Cidr, Endpoint, MacAddr};
use crate::frame::icmp::Icmp;
use crate::time::SimTime;
use crate::view::{RouteProto, Scope};

/// A signal that a program can be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// Ctrl-C.
    Int,
    /// `kill`.
    Term,
    /// `kill -9`: never seen by the program.
    Kill,
    /// Freeze: never seen by the program.
    Stop,
    /// Thaw: never seen by the program.
    Cont,
}

/// What standard input has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing now; more may come.
    Nothing,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Its end.
    Eof,
}

/// An address to add (`ip addr add`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddr {
    /// The interface's index.
    pub iface: u32,
    /// Address and prefix.
    pub cidr: Cidr,
    /// `brd`; none for no broadcast address.
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`.
    pub scope: Scope,
    /// `valid_lft`, as an instant; none for `forever`.
    pub valid_until: Option<SimTime>,
    /// `label`, when it is not the interface's name.
    pub label: Option<String>,
}

/// A route to add, replace or delete (`ip route`). For deletion, what is `None` matches anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// Destination.
    pub dst: Cidr,
    /// Gateway.
    pub via: Option<Ipv4Addr>,
    /// The interface's index; found from the gateway when missing.
    pub iface: Option<u32>,
    /// Preferred source address.
    pub src: Option<Ipv4Addr>,
    /// Metric; for adding, none is 0.
    pub metric: Option<u32>,
    /// Who makes it; for adding, none is `boot`.
    pub proto: Option<RouteProto>,
    /// How far it reaches; for adding, none is `link` without a gateway and `global` with one.
    pub scope: Option<Scope>,
    /// The gateway need not be in a connected network (`onlink`).
    pub onlink: bool,
}

/// How an entry is to be put into a table (netlink's NLM_F_* flags).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutMode {
    /// `add`: an error if it is there.
    Create,
    /// `change`: an error if it is not there.
    Change,
    /// `replace`: either.
    Replace,
    /// `append`: another one beside it.
    Append,
}

/// What is to change at an interface (`ip link set`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// `up` or `down`.
    pub up: Option<bool>,
    /// `mtu`.
    pub mtu: Option<u32>,
    /// `address`.
    pub mac: Option<MacAddr>,
    /// `name`.
    pub name: Option<String>,
    /// `promisc`.
    pub promisc: Option<bool>,
}

/// How a packet to some destination would travel (`ip route get`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChoice {
    /// Gateway, unless the destination is a neighbour.
    pub via: Option<Ipv4Addr>,
    /// The interface's index.
    pub iface: u32,
    /// Source address.
    pub src: Ipv4Addr,
    /// The destination is one of this machine's own addresses.
    pub local: bool,
    /// The destination is a broadcast address.
    pub broadcast: bool,
    /// The route that was chosen, as `ip route` prints its destination.
    pub route: Cidr,
    /// A path MTU that was learned for this destination, and when it is forgotten.
    pub mtu: Option<(u32, SimTime)>,
}

/// Counters of an interface (`ip -s link`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IfaceCounters {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Frames received.
    pub rx_frames: u64,
    /// Received frames dropped.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Frames sent.
    pub tx_frames: u64,
    /// Frames not sent.
    pub tx_dropped: u64,
}

/// Where a TCP socket is, seen from its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpStatus {
    /// SYN sent, no answer yet.
    Connecting,
    /// Data may flow.
    Connected,
    /// Closed or refused; why, unless it was closed in good order.
    Closed(Option<Errno>),
}

/// A UDP datagram that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From whom.
    pub from: Endpoint,
    /// To which of our addresses (or a broadcast address).
    pub to: Endpoint,
    /// The payload.
    pub payload: Vec<u8>,
}

/// What happens to a packet that is larger than its way takes (`IP_MTU_DISCOVER`, ip(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PathMtu {
    /// It is cut, here or on the way; "don't fragment" is never set.
    #[default]
    Dont,
    /// "Don't fragment" is set on what fits; what does not is cut here. Linux's default for sockets.
    Want,
    /// It is refused.
    Do,
}

/// An echo request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// To whom.
    pub to: Ipv4Addr,
    /// Sequence number.
    pub seq: u16,
    /// Time to live; none for the machine's default.
    pub ttl: Option<u8>,
    /// The interface it must leave by.
    pub iface: Option<u32>,
    /// The address it is sent from; chosen by the route when missing.
    pub src: Option<Ipv4Addr>,
    /// What happens if it is too large for the way.
    pub path_mtu: PathMtu,
    /// Payload after the ICMP header.
    pub payload: Vec<u8>,
}

/// An ICMP error about something that a UDP socket sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpNotice {
    /// Who says so.
    pub from: Ipv4Addr,
    /// What.
    pub message: Icmp,
}

/// What came back to a ping socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EchoAnswer {
    /// An echo reply.
    Reply {
        /// From whom.
        from: Ipv4Addr,
        /// Sequence number.
        seq: u16,
        /// The packet's time to live when it arrived.
        ttl: u8,
        /// Payload after the ICMP header.
        payload: Vec<u8>,
    },
    /// An ICMP error about one of our requests.
    Error {
        /// Who says so.
        from: Ipv4Addr,
        /// Sequence number of the request.
        seq: u16,
        /// ICMP type (RFC 792).
        icmp_type: u8,
        /// ICMP code.
        code: u8,
        /// The second word's lower half (next-hop MTU for 3/4).
        info: u16,
    },
    /// The kernel itself gave up: nobody answers ARP for the next hop.
    Unreachable {
        /// Our own address, which the real ping prints as `From`.
        from: Ipv4Addr,
        /// Sequence number of the request.
        seq: u16,
    },
}
