//! How a NAT behaves: the axes of RFC 4787, and how long it remembers (RFC 4787, 5382, 5508).

use core::time::Duration;

use crate::limits;

pub use crate::view::FlowMapping as Mapping;

/// Who may come back in through a mapping (RFC 4787 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtering {
    /// Everybody.
    EndpointIndependent,
    /// An address that was sent to.
    AddressDependent,
    /// An endpoint that was sent to.
    AddressAndPortDependent,
}

/// How long flows live without a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// UDP of one direction.
    pub udp: Duration,
    /// UDP of both directions.
    pub udp_stream: Duration,
    /// ICMP echo.
    pub icmp: Duration,
    /// TCP before the handshake is over.
    pub tcp_opening: Duration,
    /// TCP established.
    pub tcp_established: Duration,
    /// TCP with a FIN of one side or both.
    pub tcp_closing: Duration,
    /// TCP after a RST.
    pub tcp_closed: Duration,
}

impl Timeouts {
    /// Linux's conntrack (Documentation/networking/nf_conntrack-sysctl.rst).
    pub const fn linux() -> Self {
        Self {
            udp: Duration::from_secs(30),
            udp_stream: Duration::from_secs(120),
            icmp: Duration::from_secs(30),
            tcp_opening: Duration::from_secs(120),
            tcp_established: Duration::from_secs(432_000),
            tcp_closing: Duration::from_secs(120),
            tcp_closed: Duration::from_secs(10),
        }
    }

    /// What the RFCs ask for: UDP 5 minutes (RFC 4787 REQ-5c), ICMP queries 60 s (RFC 5508 REQ-2), TCP established
    /// 2 hours and 4 minutes, opening and closing 4 minutes (RFC 5382 REQ-5), after a RST as well (RFC 7857 2.2).
    pub const fn rfc() -> Self {
        let transitory = Duration::from_secs(240);
        Self {
            udp: Duration::from_secs(300),
            udp_stream: Duration::from_secs(300),
            icmp: Duration::from_secs(60),
            tcp_opening: transitory,
            tcp_established: Duration::from_secs(7_440),
            tcp_closing: transitory,
            tcp_closed: transitory,
        }
    }
}

/// How a NAT behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatConfig {
    /// When an outside endpoint is used again.
    pub mapping: Mapping,
    /// Who may come back in.
    pub filtering: Filtering,
    /// How long flows live.
    pub timeouts: Timeouts,
    /// The outside port is the inside's where it is free (RFC 4787 4.2.1).
    pub port_preservation: bool,
    /// An outside port is even where the inside's is, and odd where it is odd (RFC 4787 REQ-4).
    pub port_parity: bool,
    /// First and last outside port for what came from a port in this range; what came from below stays below
    /// (RFC 4787 REQ-3a).
    pub port_range: (u16, u16),
    /// A packet that comes in keeps its flow alive too (RFC 4787 REQ-6b); one that goes out always does (REQ-6a).
    pub inbound_refresh: bool,
    /// Flows at most.
    pub flows_max: usize,
}

impl NatConfig {
    /// Linux's masquerading: ports are kept where they can be (net/netfilter/nf_nat_core.c `get_unique_tuple`), the
    /// others come from 1024 upwards.
    pub const fn linux() -> Self {
        Self {
            mapping: Mapping::AddressAndPortDependent,
            filtering: Filtering::AddressAndPortDependent,
            timeouts: Timeouts::linux(),
            port_preservation: true,
            port_parity: false,
            port_range: (1_024, 65_535),
            inbound_refresh: true,
            flows_max: limits::FLOWS_MAX,
        }
    }

    /// The lecture's engine: a NAT as the RFCs want it. Mapping does not depend on the other side (RFC 4787 REQ-1, RFC
    /// 5382 REQ-1, RFC 5508 REQ-1), filtering on its address ("more stringent", RFC 4787 REQ-8, RFC 5382 REQ-3).
    pub const fn rfc() -> Self {
        Self {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::AddressDependent,
            timeouts: Timeouts::rfc(),
            port_preservation: true,
            port_parity: true,
            port_range: (1_024, 65_535),
            inbound_refresh: true,
            flows_max: limits::FLOWS_MAX,
        }
    }
}
