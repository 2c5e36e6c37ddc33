//! How a NAT behaves: the two axes of RFC 4787, and how long it remembers.

use core::time::Duration;

use crate::limits;

/// When an inside endpoint's outside endpoint is used again (RFC 4787 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// For all remotes: what RFC 4787 wants (REQ-1).
    EndpointIndependent,
    /// For one remote address.
    AddressDependent,
    /// For one remote endpoint; what Linux's masquerading does.
    AddressAndPortDependent,
}

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

/// How long flows live without a packet. The numbers of [`Timeouts::linux`] are Linux's
/// (Documentation/networking/nf_conntrack-sysctl.rst).
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
    /// Linux's conntrack.
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
    /// First and last outside port otherwise.
    pub port_range: (u16, u16),
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
            port_range: (1_024, 65_535),
            flows_max: limits::FLOWS_MAX,
        }
    }
}
