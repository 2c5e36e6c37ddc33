//! Rows of the hypervisor's objects: networks that several cards share.

use serde::{Deserialize, Serialize};

use super::topology::Mode;
use crate::addr::Cidr;
use crate::id::NodeId;

/// A network that a hypervisor has: a NAT network or a host-only interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostNetworkRow {
    /// The host whose hypervisor has it.
    pub host: NodeId,
    /// [`Mode::NatNetwork`] or [`Mode::HostOnly`].
    pub mode: Mode,
    /// Its name.
    pub name: String,
    /// A NAT network's network; a host-only interface's own address and network.
    pub address: Cidr,
    /// Switched on.
    pub enabled: bool,
    /// The hypervisor has a DHCP server for it.
    pub dhcp: bool,
    /// Its service runs: a NAT network's engine.
    pub running: bool,
}

impl HostNetworkRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, Mode, String) {
        (self.host, self.mode, self.name.clone())
    }
}
