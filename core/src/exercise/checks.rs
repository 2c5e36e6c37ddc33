//! What can be asked of a lab: the structures of `check`, `until` and `when` in `exercise.toml`.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answers::{AnswerCheck, Expect};
use crate::addr::Cidr;
use crate::lab::{CableEnd, RouteTo};
use crate::view::{LeaseState, Mode, SocketState};

/// Something that holds or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A machine has an address.
    Address(AddressCheck),
    /// A machine has a route.
    Route(RouteCheck),
    /// A DHCP server has a lease for a machine.
    Lease(LeaseCheck),
    /// A machine's interface is up or down, has a carrier or none.
    Link(LinkCheck),
    /// A VM's card is in a mode.
    Mode(ModeCheck),
    /// A machine knows (or does not) whose MAC an address has.
    Neighbour(NeighbourCheck),
    /// A switch has learned a machine's MAC.
    Fdb(FdbCheck),
    /// A NAT has a flow entry for a machine.
    Flow(FlowCheck),
    /// A machine has a socket in a state.
    Socket(SocketCheck),
    /// One and the same connection of a machine went through these states.
    Went(WentCheck),
    /// A packet of one machine came to another, and one came back: with any program.
    Reached(ReachedCheck),
    /// Frames were seen.
    Frame(FrameCheck),
    /// A frame or packet ended at a machine for a reason.
    Dropped(DroppedCheck),
    /// A command was run.
    Ran(RanCheck),
    /// A machine printed something.
    Output(OutputCheck),
    /// The student's answer is right.
    Answer(AnswerCheck),
    /// All of these.
    All(Vec<Check>),
    /// At least one of these.
    Any(Vec<Check>),
    /// Not this.
    Not(Box<Check>),
    /// This held at some time.
    Once(Box<Check>),
    /// The first came true before the second did; both did.
    Before(Box<[Check; 2]>),
}

/// A machine has an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressCheck {
    /// The machine's name.
    pub machine: String,
    /// Its interface; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iface: Option<String>,
    /// The network that it lies in; any IPv4 address but the loopback's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Cidr>,
    /// Its prefix length; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
    /// Set by DHCP (true) or by hand (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
}

/// A machine has a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteCheck {
    /// The machine's name.
    pub machine: String,
    /// Destination.
    pub to: RouteTo,
    /// Gateway; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
}

/// A DHCP server has a lease for a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseCheck {
    /// The client's name.
    pub machine: String,
    /// Where the lease is in its life.
    #[serde(default = "bound")]
    pub state: LeaseState,
    /// The name of the server's node; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

fn bound() -> LeaseState {
    LeaseState::Bound
}

/// A machine's interface is up or down, has a carrier or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCheck {
    /// The machine's name.
    pub machine: String,
    /// Its interface.
    pub iface: String,
    /// Switched on (`ip link set … up`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// A cable with something alive at its other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<bool>,
}

/// A VM's card is in a mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeCheck {
    /// The VM's name.
    pub machine: String,
    /// The adapter's number.
    #[serde(default = "first_adapter")]
    pub adapter: u8,
    /// The mode.
    pub mode: Mode,
    /// The network's name, for modes that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

fn first_adapter() -> u8 {
    1
}

/// A machine knows whose MAC an address has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighbourCheck {
    /// The machine's name.
    pub machine: String,
    /// The neighbour's address: fixed, or from the lab.
    pub address: Expect,
    /// Its MAC is known (true), or it was asked for and nobody answered (false).
    #[serde(default = "yes")]
    pub known: bool,
}

fn yes() -> bool {
    true
}

/// A switch has learned a machine's MAC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FdbCheck {
    /// The switch's name.
    pub switch: String,
    /// The machine.
    pub machine: String,
}

/// A NAT has a flow entry for a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowCheck {
    /// Who translates.
    pub at: String,
    /// The other side's address; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Ipv4Addr>,
}

/// A machine has a socket in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketCheck {
    /// The machine's name.
    pub machine: String,
    /// The state, in the words of `ss`: `LISTEN`, `ESTAB`, `TIME-WAIT` …
    pub state: SocketState,
    /// The port at its own end; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// The port at the other end; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_port: Option<u16>,
    /// Its own address; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<core::net::IpAddr>,
}

/// One and the same connection of a machine went through these states, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WentCheck {
    /// The machine's name.
    pub machine: String,
    /// The states, in the words of `ss`.
    pub through: Vec<SocketState>,
    /// And then it was gone.
    #[serde(default)]
    pub gone: bool,
    /// The port at its own end; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// The port at the other end; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_port: Option<u16>,
}

/// A packet of one machine came to another, and one came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReachedCheck {
    /// Who asked.
    pub from: String,
    /// Who answered.
    pub to: String,
}

/// Frames were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameCheck {
    /// At which interface: `host:eth0`; any of the machine's without a colon.
    pub at: CableEnd,
    /// On their way out of it or in.
    #[serde(default)]
    pub direction: Direction,
    /// What their fields must be, by Wireshark's names ([`super::frame_fields`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// And a display filter that they pass ([`crate::display_filter`]); without one, all do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// How many such frames.
    #[serde(default = "one_frame", skip_serializing_if = "is_one_frame")]
    pub count: u32,
}

fn one_frame() -> u32 {
    1
}

fn is_one_frame(count: &u32) -> bool {
    *count == 1
}

/// Which way a frame goes at an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Either way.
    #[default]
    Any,
    /// Into the machine.
    In,
    /// Out of the machine.
    Out,
}

/// A frame or packet ended at a machine for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DroppedCheck {
    /// The machine's name.
    pub at: String,
    /// The reason's stable code ([`crate::drop_reason::DropReason::code`]); any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A command was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RanCheck {
    /// The machine's name.
    pub machine: String,
    /// The words the command begins with: `ip route` also holds for `ip route show`.
    pub command: String,
    /// Its exit status; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// It failed: any status but 0.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub fails: bool,
    /// What the line must speak of: an address of this lab, for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Expect>,
}

/// A machine printed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputCheck {
    /// The machine's name.
    pub machine: String,
    /// The text, on one line.
    pub contains: String,
}

impl Check {
    /// It and all checks within it.
    pub fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::All(list) | Self::Any(list) => list.iter().for_each(|check| check.walk(visit)),
            Self::Not(check) | Self::Once(check) => check.walk(visit),
            Self::Before(pair) => pair.iter().for_each(|check| check.walk(visit)),
            _ => {}
        }
    }

    /// The frames that it asks for itself, in its questions as well.
    pub(super) fn frames(&self) -> Vec<&FrameCheck> {
        match self {
            Self::Frame(frame) => vec![frame],
            Self::Answer(answer) => answer.every_expect().filter_map(Expect::frame).collect(),
            _ => Vec::new(),
        }
    }

    /// The answer that a goal asks for, if it asks.
    pub fn answer(&self) -> Option<&AnswerCheck> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::All(list) | Self::Any(list) => list.iter().find_map(Self::answer),
            Self::Before(pair) => pair.iter().find_map(Self::answer),
            _ => None,
        }
    }
}
