//! One port in the spanning tree: its state, what it knows of its cable, its timers.

use serde::{Deserialize, Serialize};

use crate::addr::{BridgeId, MacAddr};
use crate::time::SimTime;

/// What a port does with frames (IEEE 802.1D-1998, 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortState {
    /// No cable that is alive.
    #[default]
    Disabled,
    /// Hears BPDUs only: another port serves this cable.
    Blocking,
    /// Waits whether somebody objects.
    Listening,
    /// Learns addresses, forwards nothing yet.
    Learning,
    /// Forwards.
    Forwarding,
}

impl PortState {
    /// The word that `bridge link` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Blocking => "blocking",
            Self::Listening => "listening",
            Self::Learning => "learning",
            Self::Forwarding => "forwarding",
        }
    }
}

/// What a port is for in the tree (IEEE 802.1D-1998, 8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortRole {
    /// For nothing: no cable that is alive.
    #[default]
    Disabled,
    /// The way to the root.
    Root,
    /// Serves its cable: the best way from there to the root.
    Designated,
    /// Neither: what would close a loop.
    Blocked,
}

/// A port.
#[derive(Clone, Debug)]
pub(in crate::switch) struct Port {
    pub state: PortState,
    /// Priority and number.
    pub id: u16,
    pub path_cost: u32,
    /// Its own address, from which BPDUs are sent.
    pub mac: MacAddr,
    /// What the best message on this cable says.
    pub designated_root: BridgeId,
    pub designated_cost: u32,
    pub designated_bridge: BridgeId,
    pub designated_port: u16,
    /// The next configuration BPDU acknowledges a notification.
    pub acknowledge: bool,
    /// A configuration BPDU waits for the hold timer.
    pub config_pending: bool,
    pub message_age_timer: Option<SimTime>,
    pub forward_delay_timer: Option<SimTime>,
    pub hold_timer: Option<SimTime>,
}

impl Port {
    /// A port whose cable has come alive: blocking at first.
    pub(super) fn new(id: u16, path_cost: u32, mac: MacAddr) -> Self {
        Self {
            state: PortState::Blocking,
            id,
            path_cost,
            mac,
            designated_root: BridgeId::default(),
            designated_cost: 0,
            designated_bridge: BridgeId::default(),
            designated_port: id,
            acknowledge: false,
            config_pending: false,
            message_age_timer: None,
            forward_delay_timer: None,
            hold_timer: None,
        }
    }

    /// Its cable is gone.
    pub(super) fn shut(&mut self) {
        self.state = PortState::Disabled;
        (self.acknowledge, self.config_pending) = (false, false);
        (self.message_age_timer, self.forward_delay_timer, self.hold_timer) = (None, None, None);
    }
}
