//! Rows of switches and bridges: spanning tree, port security, storms; what `bridge -d link` and `brctl showstp` print.

use serde::{Deserialize, Serialize};

use crate::addr::{BridgeId, MacAddr};
use crate::id::NodeId;
use crate::switch::{PortRole, PortState, Violation};

/// A switch as a bridge of the spanning tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BridgeRow {
    /// The switch.
    pub switch: NodeId,
    /// Priority and MAC.
    pub bridge_id: BridgeId,
    /// Runs spanning tree.
    pub stp: bool,
    /// Whom it takes for the root; itself without spanning tree.
    pub root_id: BridgeId,
    /// Its port towards the root; none at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_port: Option<u32>,
    /// What the way to the root costs.
    pub root_cost: u32,
    /// Seconds between two messages of the root, in milliseconds: the value in force.
    pub hello_ms: u32,
    /// How long a port listens, and then learns, in milliseconds: the value in force.
    pub forward_delay_ms: u32,
    /// The age at which the root's information is void, in milliseconds: the value in force.
    pub max_age_ms: u32,
    /// The switch's own values of the three, in force where it is the root.
    pub own_times_ms: [u32; 3],
    /// After how many seconds an address is forgotten: the value in force.
    pub ageing_secs: u32,
    /// The tree is changing: addresses are forgotten fast.
    #[serde(default)]
    pub topology_change: bool,
    /// How often this bridge has noticed that the tree changed.
    #[serde(default)]
    pub topology_changes: u32,
    /// Frames come round in a loop of cables just now.
    #[serde(default)]
    pub storm: bool,
    /// Sample: frames that storm control dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storm_drops: Option<u64>,
    /// Sample: frames whose source was not learned, because the table was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learns_refused: Option<u64>,
}

impl BridgeRow {
    /// Key of the table.
    pub fn key(&self) -> NodeId {
        self.switch
    }
}

/// A switch port with a cable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BridgePortRow {
    /// The switch.
    pub switch: NodeId,
    /// Its port, from 0. Spanning tree counts from 1.
    pub port: u32,
    /// What it does with frames.
    pub state: PortState,
    /// What it is for in the tree.
    pub role: PortRole,
    /// What the cable adds to the way to the root.
    pub cost: u32,
    /// Priority and number, as BPDUs carry them: 0x8001.
    pub port_id: u16,
    /// The root, as it is said on this cable.
    pub designated_root: BridgeId,
    /// What the way to the root costs from the bridge that serves this cable.
    pub designated_cost: u32,
    /// The bridge that serves this cable.
    pub designated_bridge: BridgeId,
    /// Its port.
    pub designated_port: u16,
    /// Port security, where it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<PortSecurityRow>,
}

impl BridgePortRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32) {
        (self.switch, self.port)
    }
}

/// Port security of a switch port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortSecurityRow {
    /// Addresses at most.
    pub max: u32,
    /// Allowed by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<MacAddr>,
    /// Taken as they came, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned: Vec<MacAddr>,
    /// What happens when a foreign MAC speaks.
    pub violation: Violation,
    /// The first foreign MAC since the port was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<MacAddr>,
    /// Shut by a violation ("err-disabled").
    #[serde(default)]
    pub shut: bool,
    /// Sample: frames of foreign MACs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violations: Option<u64>,
}
