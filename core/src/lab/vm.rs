//! Virtual machines, their cards, and the settings of the hypervisor that runs them.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defaults::{is_mtu, is_no, is_yes, mtu, yes};
use super::service::{DhcpOptionSpec, ReservationSpec, ServiceSpec};
use super::spec::RouteFileSpec;
use crate::addr::{Cidr, L4Proto, MacAddr};
use crate::hypervisor::DhcpServerChange;
use crate::view::Mode;
pub use crate::view::Promiscuous;

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmSpec {
    /// Its name, unique in the lab.
    pub name: String,
    /// The machine of kind `host` that runs it.
    pub host: String,
    /// Its virtual network cards.
    #[serde(rename = "nic", default)]
    pub nics: Vec<NicSpec>,
    /// It forwards packets between its interfaces from the start.
    #[serde(default, skip_serializing_if = "is_no")]
    pub forward: bool,
    /// Interfaces (guest names) on whose way out the source is rewritten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masquerade: Vec<String>,
    /// Routes besides those that addresses bring.
    #[serde(rename = "route", default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteFileSpec>,
    /// Name servers, for /etc/resolv.conf.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<Ipv4Addr>,
    /// What runs in it from the start.
    #[serde(rename = "service", default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceSpec>,
    /// Files, by absolute path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Kernel settings by their dotted names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctl: BTreeMap<String, String>,
}

impl VmSpec {
    /// A VM without cards.
    pub fn new(name: &str, host: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: host.to_owned(),
            nics: Vec::new(),
            forward: false,
            masquerade: Vec::new(),
            routes: Vec::new(),
            dns: Vec::new(),
            services: Vec::new(),
            files: BTreeMap::new(),
            sysctl: BTreeMap::new(),
        }
    }
}

/// A VM's virtual network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NicSpec {
    /// Adapter number, 1 to 8.
    pub adapter: u8,
    /// Its MAC; derived from the VM's name and the adapter when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Its mode.
    pub mode: Mode,
    /// The network's, bridged interface's or host-only interface's name; the mode's default when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    /// The virtual cable is plugged in.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub cable: bool,
    /// What a promiscuous card gets to see.
    #[serde(default, skip_serializing_if = "Promiscuous::is_deny")]
    pub promiscuous: Promiscuous,
    /// The guest's interface is up from the start.
    #[serde(default, skip_serializing_if = "is_no")]
    pub up: bool,
    /// The guest's addresses from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<Cidr>,
    /// Largest packet in bytes, 68 to 9000.
    #[serde(default = "mtu", skip_serializing_if = "is_mtu")]
    pub mtu: u32,
    /// Port forwarding, in mode NAT.
    #[serde(rename = "forward", default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<ForwardSpec>,
}

/// A port that the hypervisor forwards from the host to a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardSpec {
    /// The rule's name.
    pub name: String,
    /// `tcp` or `udp`.
    pub proto: L4Proto,
    /// The host's address; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_address: Option<Ipv4Addr>,
    /// The host's L4 port.
    pub host_port: u16,
    /// The guest's address; in mode NAT the leased one when left out, in a NAT network it is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_address: Option<Ipv4Addr>,
    /// The guest's L4 port.
    pub guest_port: u16,
}

/// Settings of the hypervisor on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HypervisorSpec {
    /// The host.
    pub host: String,
    /// NAT networks.
    #[serde(rename = "nat_network", default, skip_serializing_if = "Vec::is_empty")]
    pub nat_networks: Vec<NatNetworkSpec>,
    /// Host-only interfaces.
    #[serde(rename = "host_only", default, skip_serializing_if = "Vec::is_empty")]
    pub host_only: Vec<HostOnlySpec>,
    /// DHCP servers of internal and host-only networks.
    #[serde(rename = "dhcp_server", default, skip_serializing_if = "Vec::is_empty")]
    pub dhcp_servers: Vec<NetworkDhcpSpec>,
}

/// A NAT network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatNetworkSpec {
    /// Its name.
    pub name: String,
    /// Its network.
    pub network: Cidr,
    /// Has a DHCP server.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub dhcp: bool,
    /// Port forwarding.
    #[serde(rename = "forward", default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<ForwardSpec>,
}

/// A host-only interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostOnlySpec {
    /// Its name: `vboxnet0` and so on.
    pub name: String,
    /// The host's address there.
    pub address: Cidr,
}

impl NetworkDhcpSpec {
    /// What it says besides the addresses.
    pub fn change(&self) -> DhcpServerChange {
        DhcpServerChange {
            enabled: Some(self.enabled),
            lease_default: self.lease_secs,
            options: self.options.clone(),
            fixed: self.reservations.iter().filter_map(|kept| Some((kept.mac?, Some(kept.address)))).collect(),
            ..DhcpServerChange::default()
        }
    }
}

/// A DHCP server that the hypervisor runs in an internal or host-only network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDhcpSpec {
    /// The network's or host-only interface's name.
    pub network: String,
    /// The server's own address.
    pub address: Cidr,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// How long a lease is, in seconds; the profile's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_secs: Option<u32>,
    /// Switched on.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Further options.
    #[serde(rename = "option", default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOptionSpec>,
    /// Addresses kept for certain cards.
    #[serde(rename = "reservation", default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<ReservationSpec>,
}
