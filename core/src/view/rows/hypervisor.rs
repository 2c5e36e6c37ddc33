//! Rows of the hypervisor's objects: networks that several cards share.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::topology::Mode;
use crate::addr::{Cidr, MacAddr};
use crate::id::NodeId;
use crate::lab::{DhcpOptionSpec, ForwardSpec};

/// A network that a hypervisor has: a NAT network, a host-only interface, or an internal network with a DHCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostNetworkRow {
    /// The host whose hypervisor has it.
    pub host: NodeId,
    /// [`Mode::NatNetwork`], [`Mode::HostOnly`] or [`Mode::Internal`].
    pub mode: Mode,
    /// Its name.
    pub name: String,
    /// A NAT network's network; a host-only interface's own address and network; of an internal network its DHCP server's.
    pub address: Cidr,
    /// Switched on.
    pub enabled: bool,
    /// The hypervisor has a DHCP server for it.
    pub dhcp: bool,
    /// Its service runs: a NAT network's engine, an internal network's DHCP server.
    pub running: bool,
    /// Port-forwarding rules of a NAT network, open or not, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<ForwardSpec>,
    /// The hypervisor's DHCP server that is defined for an internal or host-only network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<NetworkDhcpRow>,
}

/// A hypervisor's DHCP server as it is defined, whether it runs or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkDhcpRow {
    /// Its own address.
    pub address: Cidr,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// Runs when the network has a card.
    pub enabled: bool,
    /// Was stopped by hand.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub stopped: bool,
    /// Shortest lease, in seconds, where it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_min: Option<u32>,
    /// Lease of a client that does not ask, in seconds, where it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_default: Option<u32>,
    /// Longest lease, in seconds, where it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_max: Option<u32>,
    /// Options besides the mask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOptionSpec>,
    /// Addresses kept for certain cards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<(MacAddr, Ipv4Addr)>,
}

impl HostNetworkRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, Mode, String) {
        (self.host, self.mode, self.name.clone())
    }
}
