//! What each attachment mode builds. Owns VMs' NICs and the hypervisor's defaults, names and errors. Must not know the
//! page.

mod nat_engine;

pub use nat_engine::{NatEngine, NatNetwork, PORT as NAT_ENGINE_PORT};

use crate::id::{LinkId, NodeId, TapId};
use crate::view::NicRow;

/// One card of a VM, and what the hypervisor built for its mode.
#[derive(Clone, Debug)]
pub struct Nic {
    /// What is shown of it.
    pub row: NicRow,
    /// What was built for this card alone.
    pub built: Option<NodeId>,
    /// Its cable.
    pub link: Option<LinkId>,
    /// The real device that stands in its place.
    pub tap: Option<TapId>,
}
