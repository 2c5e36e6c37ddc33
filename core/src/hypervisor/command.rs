//! What may be asked of a hypervisor: its objects made, changed and removed. Intents only; what comes of them is the
//! world's business.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::addr::{Cidr, MacAddr};
use crate::lab::{DhcpOptionSpec, ForwardSpec};
use crate::view::{Mode, Promiscuous};

/// An intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "h", rename_all = "kebab-case")]
pub enum HypervisorCommand {
    /// Makes a VM without cards, switched off.
    AddVm {
        /// Its name: a machine's.
        name: String,
    },
    /// Removes a VM and its cards. It must be switched off.
    RemoveVm {
        /// Its name.
        name: String,
    },
    /// Switches a VM on.
    StartVm {
        /// Its name.
        name: String,
    },
    /// Pulls a VM's plug.
    PowerOff {
        /// Its name.
        name: String,
    },
    /// Puts a card into a VM that is switched off.
    AddNic {
        /// The VM's name.
        vm: String,
        /// Adapter number, 1 to 8.
        adapter: u8,
        /// Its mode and the rest.
        #[serde(default)]
        change: NicChange,
    },
    /// Takes a card out of a VM that is switched off.
    RemoveNic {
        /// The VM's name.
        vm: String,
        /// Adapter number.
        adapter: u8,
    },
    /// Changes a card.
    SetNic {
        /// The VM's name.
        vm: String,
        /// Adapter number.
        adapter: u8,
        /// What changes.
        change: NicChange,
    },
    /// Adds a port-forwarding rule to a card's NAT.
    AddForward {
        /// The VM's name.
        vm: String,
        /// Adapter number.
        adapter: u8,
        /// The rule.
        rule: ForwardSpec,
    },
    /// Removes a port-forwarding rule of a card's NAT.
    RemoveForward {
        /// The VM's name.
        vm: String,
        /// Adapter number.
        adapter: u8,
        /// The rule's name.
        name: String,
    },
    /// Makes a NAT network.
    AddNatNetwork {
        /// Its name.
        name: String,
        /// Its network.
        network: Cidr,
        /// The rest.
        #[serde(default)]
        change: NatNetworkChange,
    },
    /// Changes a NAT network.
    SetNatNetwork {
        /// Its name.
        name: String,
        /// What changes.
        change: NatNetworkChange,
    },
    /// Removes a NAT network.
    RemoveNatNetwork {
        /// Its name.
        name: String,
    },
    /// Starts or stops a NAT network's service.
    RunNatNetwork {
        /// Its name.
        name: String,
        /// Start or stop.
        start: bool,
    },
    /// Makes the next host-only interface.
    AddHostOnly,
    /// Gives a host-only interface an address.
    SetHostOnly {
        /// Its name.
        name: String,
        /// Its address.
        address: Cidr,
    },
    /// Removes a host-only interface.
    RemoveHostOnly {
        /// Its name.
        name: String,
    },
    /// Defines a DHCP server for an internal or host-only network; it is off unless said otherwise.
    AddDhcpServer {
        /// The network.
        network: NetworkName,
        /// Its own address.
        address: Cidr,
        /// First address of the pool.
        first: Ipv4Addr,
        /// Last address of the pool.
        last: Ipv4Addr,
        /// The rest.
        #[serde(default)]
        change: DhcpServerChange,
    },
    /// Changes a DHCP server.
    SetDhcpServer {
        /// The network.
        network: NetworkName,
        /// What changes.
        change: DhcpServerChange,
    },
    /// Removes a DHCP server.
    RemoveDhcpServer {
        /// The network.
        network: NetworkName,
    },
    /// Starts, stops or restarts a DHCP server.
    RunDhcpServer {
        /// The network.
        network: NetworkName,
        /// What it is to do.
        run: Run,
    },
}

/// Names an internal network or a host-only interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkName {
    /// An internal network.
    Internal(String),
    /// A host-only interface.
    HostOnly(String),
}

/// Before a host-only interface's name in VirtualBox's name of its network.
const HOST_ONLY_PREFIX: &str = "HostInterfaceNetworking-";

impl NetworkName {
    /// From VirtualBox's name of a network.
    pub fn of_vbox(name: &str) -> Self {
        match name.strip_prefix(HOST_ONLY_PREFIX) {
            Some(iface) => Self::HostOnly(iface.to_owned()),
            None => Self::Internal(name.to_owned()),
        }
    }

    /// VirtualBox's name of the network.
    pub fn vbox(&self) -> String {
        match self {
            Self::Internal(name) => name.clone(),
            Self::HostOnly(iface) => format!("{HOST_ONLY_PREFIX}{iface}"),
        }
    }

    /// The mode of cards in it.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Internal(_) => Mode::Internal,
            Self::HostOnly(_) => Mode::HostOnly,
        }
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            Self::Internal(name) | Self::HostOnly(name) => name,
        }
    }
}

/// What is to become of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Run {
    /// Run.
    Start,
    /// Do not run.
    Stop,
    /// Begin anew.
    Restart,
}

/// What changes at a card; what is not there stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NicChange {
    /// Its mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The network's name for [`NicChange::mode`], or for the mode that it has; the remembered one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Names to be remembered for modes, whichever mode it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remember: Vec<(Mode, String)>,
    /// Its MAC; only while the VM is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Whether the virtual cable is plugged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cable: Option<bool>,
    /// What it gets to see of others' frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promiscuous: Option<Promiscuous>,
    /// The private network of its NAT; only while the VM is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_net: Option<Cidr>,
}

/// What changes at a NAT network; what is not there stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NatNetworkChange {
    /// Its network; only while its service does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Cidr>,
    /// Switched on: its service starts with the first card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Has a DHCP server; takes effect when its service starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<bool>,
    /// Names of port-forwarding rules to remove, before others are added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_forwards: Vec<String>,
    /// Port-forwarding rules to add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_forwards: Vec<ForwardSpec>,
    /// Loopback addresses of the host, and which host of the network stands for each; 0 removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loopback: Vec<(Ipv4Addr, u32)>,
}

/// What changes at a DHCP server; what is not there stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DhcpServerChange {
    /// Its own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Cidr>,
    /// First address of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Ipv4Addr>,
    /// Last address of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Ipv4Addr>,
    /// Switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Shortest lease in seconds; 0 for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_min: Option<u32>,
    /// Lease of a client that does not ask, in seconds; 0 for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_default: Option<u32>,
    /// Longest lease in seconds; 0 for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_max: Option<u32>,
    /// All options go.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub clear_options: bool,
    /// Numbers of options to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_options: Vec<u8>,
    /// Options to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOptionSpec>,
    /// Addresses kept for certain cards; none removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<(MacAddr, Option<Ipv4Addr>)>,
}
