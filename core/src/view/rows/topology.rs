//! Rows of what there is and how it is connected: nodes, cards, interfaces, cables, learned MACs.

use serde::{Deserialize, Serialize};

use crate::addr::{Cidr, MacAddr};
use crate::id::{LinkId, NodeId, Port};
use crate::lab::ForwardSpec;

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A virtual machine.
    Vm,
    /// The machine that runs the hypervisor.
    Host,
    /// Any other computer: a colleague's PC, a server.
    Computer,
    /// A machine that forwards between networks.
    Router,
    /// A switch or a bridge.
    Switch,
    /// What the hypervisor builds for one NIC in mode NAT.
    NatEngine,
    /// The hypervisor's DHCP server in an internal or host-only network.
    DhcpServer,
}

/// A machine, a switch, a NAT engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its identity.
    pub id: NodeId,
    /// Its name, unique in the lab: what the script language and terminals call it.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The host that it runs on or was built on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<NodeId>,
    /// Where it is drawn: `office`, `internet` … Free text of the lab; empty for what belongs to the host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// A real machine stands here: its inside is not visible.
    #[serde(default)]
    pub real: bool,
    /// A VM that is switched off.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub off: bool,
}

impl NodeRow {
    /// Key of the table.
    pub fn key(&self) -> NodeId {
        self.id
    }
}

/// The mode of a NIC, in the lecture's order, then VirtualBox's others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The card is there, the cable is not.
    #[serde(alias = "null")]
    NotAttached,
    /// A private network behind the host's address.
    Nat,
    /// A full member of the host's network.
    Bridged,
    /// A network among VMs.
    #[serde(alias = "intnet")]
    Internal,
    /// A network between VMs and the host.
    HostOnly,
    /// A network of several VMs behind one NAT.
    NatNetwork,
    /// Frames in UDP datagrams.
    #[serde(alias = "generic")]
    UdpTunnel,
}

impl Mode {
    /// All modes, in the order of the patch panel.
    pub const ALL: [Self; 7] = [
        Self::NotAttached,
        Self::Nat,
        Self::Bridged,
        Self::Internal,
        Self::HostOnly,
        Self::NatNetwork,
        Self::UdpTunnel,
    ];

    /// The name in files, scripts and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAttached => "notattached",
            Self::Nat => "nat",
            Self::Bridged => "bridged",
            Self::Internal => "internal",
            Self::HostOnly => "hostonly",
            Self::NatNetwork => "natnetwork",
            Self::UdpTunnel => "udptunnel",
        }
    }

    /// From its name or alias.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "null" => Some(Self::NotAttached),
            "intnet" => Some(Self::Internal),
            "generic" => Some(Self::UdpTunnel),
            _ => Self::ALL.into_iter().find(|mode| mode.name() == name),
        }
    }
}

/// What a promiscuous card gets to see (`VBoxManage modifyvm --nic-promisc`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promiscuous {
    /// Its own frames only.
    #[default]
    Deny,
    /// Other VMs' too.
    AllowVms,
    /// Everything.
    AllowAll,
}

impl Promiscuous {
    /// The name in files, and in VirtualBox.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::AllowVms => "allow-vms",
            Self::AllowAll => "allow-all",
        }
    }

    /// From its name; `allow-network` is VirtualBox's other name of `allow-vms`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "allow-network" => Some(Self::AllowVms),
            _ => [Self::Deny, Self::AllowVms, Self::AllowAll].into_iter().find(|policy| policy.name() == name),
        }
    }

    /// Whether it is the default.
    pub fn is_deny(&self) -> bool {
        *self == Self::Deny
    }
}

/// A VM's virtual network card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NicRow {
    /// The VM.
    pub vm: NodeId,
    /// Adapter number, 1 to 8.
    pub adapter: u8,
    /// Its MAC.
    pub mac: MacAddr,
    /// Its mode.
    pub mode: Mode,
    /// The network's name, for modes that have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    /// Whether the virtual cable is plugged in.
    pub cable: bool,
    /// What it gets to see of other cards' frames when it is promiscuous.
    #[serde(default, skip_serializing_if = "Promiscuous::is_deny")]
    pub promiscuous: Promiscuous,
    /// The guest's interface that this card is (its port number at the VM).
    pub iface: u32,
    /// The name of the real TAP device that stands for the VM here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
    /// Port-forwarding rules of its NAT, open or not, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<ForwardSpec>,
    /// The private network of its NAT, where it is not the usual one (`--nat-net`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_net: Option<Cidr>,
}

impl NicRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u8) {
        (self.vm, self.adapter)
    }
}

/// An interface of a machine, as `ip link` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IfaceRow {
    /// The machine.
    pub node: NodeId,
    /// Its index; also its port number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Administratively up (`ip link set up`).
    pub up: bool,
    /// A cable with something alive at its other end.
    pub carrier: bool,
    /// The loopback interface.
    #[serde(default)]
    pub loopback: bool,
    /// It takes frames for other MACs too (`ip link set promisc on`).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub promisc: bool,
}

impl IfaceRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32) {
        (self.node, self.index)
    }
}

/// A cable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    /// Its identity.
    pub id: LinkId,
    /// One end.
    pub a: Port,
    /// The other end.
    pub b: Port,
    /// One-way delay, in nanoseconds.
    pub delay_ns: u64,
    /// Bits per second; none for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bps: Option<u64>,
    /// Frames lost of a million.
    #[serde(default)]
    pub loss_ppm: u32,
    /// How much longer than the delay a frame may take, in nanoseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_ns: u64,
    /// Frames that may wait in one direction of a cable with a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_frames: Option<u32>,
    /// Plugged in at both ends.
    pub up: bool,
    /// Broken: frames that end A, and that end B, puts in are lost, though there is a carrier.
    #[serde(default, skip_serializing_if = "is_whole")]
    pub mute: [bool; 2],
}

impl LinkRow {
    /// Key of the table.
    pub fn key(&self) -> LinkId {
        self.id
    }
}

fn is_whole(mute: &[bool; 2]) -> bool {
    *mute == [false; 2]
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A MAC that a switch learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FdbRow {
    /// The switch.
    pub switch: NodeId,
    /// The MAC.
    pub mac: MacAddr,
    /// The switch port behind which it was seen.
    pub port: u32,
    /// Sample: seconds since it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_secs: Option<u64>,
}

impl FdbRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, MacAddr) {
        (self.switch, self.mac)
    }
}
