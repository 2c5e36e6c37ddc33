//! What each attachment mode builds. Owns VMs' NICs and the hypervisor's objects, its defaults, names and errors. Must
//! not know the page.

mod command;
pub mod forward;
mod nat_engine;
mod nat_network;
mod objects;
mod query;
#[cfg(test)]
mod tests;

pub use command::{DhcpServerChange, HypervisorCommand, NatNetworkChange, NetworkName, NicChange, Run};
pub use nat_engine::{NatEngine, PORT as NAT_ENGINE_PORT};
pub use nat_network::NatNetwork;
pub use objects::{
    DEFAULT_HOST_ONLY, DEFAULT_INTERNAL, DEFAULT_NAT_NETWORK, HostOnly, Inventory, NatNet, NetworkDhcp,
    check_host_only_address, check_name, check_name_or_none, check_nat_cidr, check_nat_net,
};
pub use query::{HypervisorAnswer, HypervisorRequest, HypervisorView, NicView, VmView};

use std::collections::BTreeMap;

use crate::addr::MacAddr;
use crate::error::UserError;
use crate::id::{LinkId, NodeId, TapId};
use crate::view::{Mode, NicRow};

/// One card of a VM, and what the hypervisor built for its mode.
#[derive(Clone, Debug)]
pub struct Nic {
    /// What is shown of it.
    pub row: NicRow,
    /// Largest packet of the guest's interface, in bytes.
    pub mtu: u32,
    /// The network that each mode last had here.
    pub remembered: BTreeMap<Mode, String>,
    /// What was built for this card alone.
    pub built: Option<NodeId>,
    /// Its cable.
    pub link: Option<LinkId>,
    /// The real device that stands in its place.
    pub tap: Option<TapId>,
}

impl Nic {
    /// A card with nothing built for it.
    pub fn new(row: NicRow, mtu: u32) -> Self {
        Self { row, mtu, remembered: BTreeMap::new(), built: None, link: None, tap: None }
    }
}

/// A card's MAC as VirtualBox takes it: 12 hexadecimal digits (colons between them are ours), not a group's.
///
/// # Errors
/// `hv-mac`.
pub fn parse_mac(text: &str) -> Result<MacAddr, UserError> {
    let wrong = || UserError::new("hv-mac").with("text", text);
    let digits: Vec<u8> =
        text.chars().filter(|c| !matches!(c, ':' | '-')).map_while(|c| c.to_digit(16)).map(|d| d as u8).collect();
    if digits.len() != 12 || text.chars().any(|c| !c.is_ascii_hexdigit() && !matches!(c, ':' | '-')) {
        return Err(wrong());
    }
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    MacAddr::from_slice(&bytes).filter(|mac| mac.is_unicast()).ok_or_else(wrong)
}
