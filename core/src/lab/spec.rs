//! The structures of a lab file. Field names are `snake_case`; a list's table has the singular name (`[[machine]]`).
//! Unknown fields are refused, so that a misspelt one does not stay silent.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defaults::{delay, is_delay, is_mtu, is_no, is_one, is_yes, is_zero, mtu, one, yes};
use super::service::ServiceSpec;
use super::vm::{HypervisorSpec, VmSpec};
use crate::addr::{Cidr, MacAddr};
use crate::error::UserError;
use crate::switch::Violation;

/// Text by language code (`en`, `ru`).
pub type Texts = BTreeMap<String, String>;

/// A whole lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// [`super::FORMAT_VERSION`] it was written for.
    pub format_version: u32,
    /// Its name: what `--lab` takes. Lower-case letters, digits, `-`.
    pub name: String,
    /// Its title, `{ en, ru }`.
    pub title: Texts,
    /// What one sees in it and what to try first, `{ en, ru }`.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub summary: Texts,
    /// Whose numbers the hypervisor uses.
    #[serde(default)]
    pub profile: Profile,
    /// Computers that are not VMs.
    #[serde(rename = "machine", default)]
    pub machines: Vec<MachineSpec>,
    /// Ethernet switches.
    #[serde(rename = "switch", default, skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<SwitchSpec>,
    /// Cables.
    #[serde(rename = "cable", default, skip_serializing_if = "Vec::is_empty")]
    pub cables: Vec<CableSpec>,
    /// Virtual machines.
    #[serde(rename = "vm", default, skip_serializing_if = "Vec::is_empty")]
    pub vms: Vec<VmSpec>,
    /// Settings of the hypervisor on each host, where they differ from the profile's.
    #[serde(rename = "hypervisor", default, skip_serializing_if = "Vec::is_empty")]
    pub hypervisors: Vec<HypervisorSpec>,
}

impl Lab {
    /// A lab with nothing in it, and no name yet.
    pub(super) fn empty() -> Self {
        Self {
            format_version: super::FORMAT_VERSION,
            name: String::new(),
            title: Texts::new(),
            summary: Texts::new(),
            profile: Profile::default(),
            machines: Vec::new(),
            switches: Vec::new(),
            cables: Vec::new(),
            vms: Vec::new(),
            hypervisors: Vec::new(),
        }
    }
}

/// Whose numbers the hypervisor uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The lecture's: NAT gateway, DHCP and DNS server at 10.0.2.1, leases for a week.
    #[default]
    Lecture,
    /// VirtualBox's own.
    VirtualBox,
}

/// What a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineKind {
    /// It runs the hypervisor.
    Host,
    /// Any other computer.
    Computer,
    /// It forwards between networks.
    Router,
}

/// A computer that is not a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSpec {
    /// Its name, unique in the lab: what scripts and terminals call it.
    pub name: String,
    /// What it is.
    pub kind: MachineKind,
    /// Where it is drawn: `office`, `internet`, or any word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// It forwards packets between its interfaces (`net.ipv4.ip_forward`). On for a router unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<bool>,
    /// Interfaces on whose way out the source is rewritten to the interface's address (`MASQUERADE`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masquerade: Vec<String>,
    /// Its interfaces; the loopback is always there and not listed.
    #[serde(rename = "interface", default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceSpec>,
    /// Its routes besides those that addresses bring.
    #[serde(rename = "route", default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteFileSpec>,
    /// Name servers, for /etc/resolv.conf.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<Ipv4Addr>,
    /// What runs on it from the start.
    #[serde(rename = "service", default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceSpec>,
    /// Files, by absolute path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Kernel settings by their dotted names, as `sysctl` shows them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctl: BTreeMap<String, String>,
}

impl MachineSpec {
    /// Whether it forwards: what the file says, else what its kind implies.
    pub fn forwards(&self) -> bool {
        self.forward.unwrap_or(self.kind == MachineKind::Router)
    }
}

/// An interface of a computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceSpec {
    /// Its name, unique in the machine; at most 15 bytes (Linux: IFNAMSIZ 16 with the final zero).
    pub name: String,
    /// Its MAC; derived from the names when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Its addresses: `192.168.0.111/24`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<Cidr>,
    /// Administratively up.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub up: bool,
    /// Largest packet in bytes, 68 to 9000.
    #[serde(default = "mtu", skip_serializing_if = "is_mtu")]
    pub mtu: u32,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteFileSpec {
    /// Destination: `default` or `10.0.0.0/8`.
    pub to: RouteTo,
    /// Gateway; without one the destination is on the link itself, and `dev` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
    /// Interface; found from the gateway when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Smaller wins.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub metric: u32,
}

/// A route's destination; `default` is 0.0.0.0/0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteTo(pub Cidr);

impl fmt::Display for RouteTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Cidr::DEFAULT { f.write_str("default") } else { fmt::Display::fmt(&self.0, f) }
    }
}

impl FromStr for RouteTo {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        if text == "default" { Ok(Self(Cidr::DEFAULT)) } else { text.parse().map(Self) }
    }
}

/// An Ethernet switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchSpec {
    /// Its name, unique among all nodes.
    pub name: String,
    /// Where it is drawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// Runs the spanning tree protocol.
    #[serde(default, skip_serializing_if = "is_no")]
    pub stp: bool,
    /// Its priority in spanning tree, 0 to 65535; the smallest becomes the root. 32768 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// How often the root speaks, in seconds: 1 to 10; 2 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_secs: Option<u32>,
    /// How long a port listens, and then learns, in seconds: 2 to 30; 15 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_delay_secs: Option<u32>,
    /// The age at which the root's information is void, in seconds: 6 to 40; 20 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_secs: Option<u32>,
    /// After how many seconds a learned address is forgotten; 300 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ageing_secs: Option<u32>,
    /// Most MAC addresses that each port takes ("port security"); none for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macs_per_port: Option<u32>,
    /// What is set for single ports.
    #[serde(rename = "port", default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<SwitchPortSpec>,
}

/// What is set for a port of a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchPortSpec {
    /// Which port: the other end of its cable, `host:eth0` or a switch's name (all cables to that switch).
    pub to: CableEnd,
    /// Path cost in spanning tree; by the cable's rate when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// Port priority in spanning tree, 0 to 63; 32 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Port security.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<SecuritySpec>,
}

/// Port security: which MAC addresses may speak at a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecuritySpec {
    /// How many addresses at most, those in `allowed` included; more are taken as they come until there are so many.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub max: u32,
    /// Addresses that are allowed from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<MacAddr>,
    /// What happens when another speaks: `protect`, `restrict` (also counted) or `shutdown`.
    #[serde(default, skip_serializing_if = "is_restrict")]
    pub violation: Violation,
}

fn is_restrict(violation: &Violation) -> bool {
    *violation == Violation::default()
}

/// A cable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CableSpec {
    /// One end: `host:eth0`, or a switch's name.
    pub a: CableEnd,
    /// The other end.
    pub b: CableEnd,
    /// One-way delay in microseconds, at least 1.
    #[serde(default = "delay", skip_serializing_if = "is_delay")]
    pub delay_us: u32,
    /// Rate in Mbit/s; no limit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_mbit: Option<u32>,
    /// Frames lost of a million.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub loss_ppm: u32,
    /// How much longer a frame may take than the delay, in microseconds: any time from none to this, by the seed.
    /// Frames never overtake each other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter_us: u32,
    /// Frames that may wait for a cable with a rate, in each direction: 1 to 1000; 1000 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_frames: Option<u32>,
    /// Plugged in from the start.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub up: bool,
}

/// One end of a cable: a machine's interface (`host:eth0`), or the next free port of a switch (`office`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CableEnd {
    /// The machine's or switch's name.
    pub node: String,
    /// The machine's interface; none for a switch.
    pub iface: Option<String>,
}

impl fmt::Display for CableEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.iface {
            Some(iface) => write!(f, "{}:{iface}", self.node),
            None => f.write_str(&self.node),
        }
    }
}

impl FromStr for CableEnd {
    type Err = UserError;
    fn from_str(text: &str) -> Result<Self, UserError> {
        let (node, iface) = match text.split_once(':') {
            Some((node, iface)) => (node, Some(iface)),
            None => (text, None),
        };
        if node.is_empty() || iface.is_some_and(str::is_empty) {
            return Err(UserError::new("lab-cable-end").with("text", text));
        }
        Ok(Self { node: node.to_owned(), iface: iface.map(str::to_owned) })
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(RouteTo, CableEnd);
