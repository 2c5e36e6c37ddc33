//! Rows of IPv4 on a machine: addresses, routes, neighbours.

use core::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::addr::{Cidr, MacAddr};
use crate::id::NodeId;
use crate::time::SimTime;

/// `scope` of an address or route (rtnetlink(7)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Valid everywhere.
    Global,
    /// Valid on this link only.
    Link,
    /// Valid inside this machine only.
    Host,
}

impl Scope {
    /// The word in `ip addr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Link => "link",
            Self::Host => "host",
        }
    }
}

/// An address of an interface, as `ip addr` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddrRow {
    /// The machine.
    pub node: NodeId,
    /// The interface's index.
    pub iface: u32,
    /// The address.
    pub addr: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// `brd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`.
    pub scope: Scope,
    /// A second address of a network that the interface already has one of.
    #[serde(default)]
    pub secondary: bool,
    /// It goes away by itself: a DHCP client set a lifetime.
    #[serde(default)]
    pub dynamic: bool,
    /// Duplicate address detection has not finished (IPv6).
    #[serde(default)]
    pub tentative: bool,
    /// Duplicate address detection found another machine with this address (IPv6).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub dad_failed: bool,
    /// When it stops being valid; none for `forever`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<SimTime>,
    /// The label (`eth0:1`), when it is not the interface's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl AddrRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32, IpAddr, u8) {
        (self.node, self.iface, self.addr, self.prefix)
    }
}

/// Who made a route (rtnetlink(7), /etc/iproute2/rt_protos).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteProto {
    /// By hand with `ip route`, or by dhclient: printed without a word.
    Boot,
    /// The kernel, with an address.
    Kernel,
    /// An administrator's daemon.
    Static,
    /// A DHCP client that says so.
    Dhcp,
}

/// Names a route: its machine, destination, metric, interface and gateway.
pub type RouteKey = (NodeId, Cidr, u32, u32, Option<Ipv4Addr>);

/// A route, as `ip route` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteRow {
    /// The machine.
    pub node: NodeId,
    /// Destination; 0.0.0.0/0 is `default`.
    pub dst: Cidr,
    /// Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
    /// The interface's index.
    pub iface: u32,
    /// Preferred source address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Ipv4Addr>,
    /// Smaller wins.
    #[serde(default)]
    pub metric: u32,
    /// Who made it.
    pub proto: RouteProto,
    /// How far it reaches.
    pub scope: Scope,
    /// Its interface has no carrier: printed as `linkdown`.
    #[serde(default)]
    pub linkdown: bool,
}

impl RouteRow {
    /// Key of the table.
    pub fn key(&self) -> RouteKey {
        (self.node, self.dst, self.metric, self.iface, self.via)
    }
}

/// A neighbour's state (Linux: NUD_*).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NeighState {
    /// Asked, no answer yet.
    Incomplete,
    /// Confirmed a short time ago.
    Reachable,
    /// Not confirmed lately; still used, checked at the next use.
    Stale,
    /// Used while stale: waits a little for a confirmation from above.
    Delay,
    /// Being asked again.
    Probe,
    /// Did not answer.
    Failed,
    /// Set by hand.
    Permanent,
}

impl NeighState {
    /// The word in `ip neigh`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Permanent => "PERMANENT",
        }
    }
}

/// A neighbour: whose MAC an address has, as `ip neigh` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighRow {
    /// The machine that knows it.
    pub node: NodeId,
    /// The interface's index.
    pub iface: u32,
    /// The neighbour's address.
    pub addr: Ipv4Addr,
    /// Its MAC, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// How sure the machine is.
    pub state: NeighState,
}

impl NeighRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32, Ipv4Addr) {
        (self.node, self.iface, self.addr)
    }
}
