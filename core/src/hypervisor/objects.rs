//! What one hypervisor has besides VMs: NAT networks, host-only interfaces, DHCP servers. Their limits and errors are
//! VirtualBox's. Owns definitions; what runs of them is built by the world.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use super::NatNetwork;
use super::command::{DhcpServerChange, NatNetworkChange, NetworkName};
use super::forward;
use crate::addr::{Cidr, MacAddr};
use crate::dhcp::{Flavour, Reservation, ServerConfig};
use crate::error::UserError;
use crate::lab::{DhcpOptionSpec, ForwardSpec, Profile};
use crate::limits;
use crate::view::{Mode, NetworkDhcpRow};

/// The names that VirtualBox's window proposes.
pub const DEFAULT_HOST_ONLY: &str = "vboxnet0";
/// The NAT network that VirtualBox's window proposes.
pub const DEFAULT_NAT_NETWORK: &str = "NatNetwork";
/// The name of an internal network when none is given.
pub const DEFAULT_INTERNAL: &str = "intnet";
/// Shortest, usual and longest lease of VBoxNetDHCP in seconds (NetworkServices/Dhcpd/Config.cpp).
const LEASE_SECS: (u32, u32, u32) = (300, 600, 43_200);

/// A NAT network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatNet {
    /// Its network.
    pub network: Cidr,
    /// Its service starts with the first card.
    pub enabled: bool,
    /// Has a DHCP server.
    pub dhcp: bool,
    /// Port forwarding.
    pub forwards: Vec<ForwardSpec>,
    /// Loopback addresses of the host, and which host of the network stands for each.
    pub loopback: Vec<(Ipv4Addr, u32)>,
    /// Its service was started by hand: it does not wait for cards.
    pub started: bool,
}

impl NatNet {
    /// A network with VirtualBox's defaults: enabled, DHCP on, 127.0.0.1 behind the second address
    /// (Main/NATNetworkImpl.cpp `init`).
    pub fn new(network: Cidr) -> Self {
        Self {
            network,
            enabled: true,
            dhcp: true,
            forwards: Vec::new(),
            loopback: vec![(Ipv4Addr::LOCALHOST, 2)],
            started: false,
        }
    }

    /// The gateway: the network's first address.
    pub fn gateway(&self) -> Ipv4Addr {
        host_of(self.network, 1)
    }

    /// The numbers of its engine in a profile.
    pub fn numbers(&self, profile: Profile) -> NatNetwork {
        let numbers = NatNetwork::shared_of(profile, self.network, self.dhcp);
        let own = self.loopback.iter().find(|(addr, _)| *addr == Ipv4Addr::LOCALHOST);
        let loopback = own.filter(|_| numbers.sockets).map(|(_, number)| host_of(self.network.network(), *number));
        NatNetwork { loopback, ..numbers }
    }
}

/// A host-only interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOnly {
    /// Its number: the 0 of vboxnet0.
    pub number: u8,
    /// Its address, which it gets when the first card comes, or from [`super::HypervisorCommand::SetHostOnly`].
    pub address: Cidr,
    /// The host has given it its address.
    pub configured: bool,
    /// The host's interface.
    pub iface: u32,
}

impl HostOnly {
    /// The name of the interface with this number.
    pub fn name_of(number: u8) -> String {
        format!("vboxnet{number}")
    }

    /// The number in an interface's name.
    pub fn number_of(name: &str) -> Option<u8> {
        let number: u8 = name.strip_prefix("vboxnet")?.parse().ok()?;
        (Self::name_of(number) == name && number < limits::HOST_ONLY_IFACES_MAX).then_some(number)
    }

    /// 192.168.56.1 for the first, 192.168.57.1 for the second (`VBOXNET_IPV4ADDR_DEFAULT`, Main/HostImpl.cpp
    /// `getDefaultIPv4Address`).
    pub fn default_address(number: u8) -> Cidr {
        Cidr::new(Ipv4Addr::new(192, 168, 56u8.wrapping_add(number), 1), 24)
    }

    /// 0a:00:27:00:00:00 for the first, ending in 01 for the second.
    pub fn mac(number: u8) -> MacAddr {
        MacAddr([0x0a, 0, 0x27, 0, 0, number])
    }
}

/// A DHCP server of an internal or host-only network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkDhcp {
    /// Its own address.
    pub address: Cidr,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// Runs when the network has a card.
    pub enabled: bool,
    /// Shortest lease, in seconds.
    pub lease_min: Option<u32>,
    /// Lease of a client that does not ask, in seconds.
    pub lease_default: Option<u32>,
    /// Longest lease, in seconds.
    pub lease_max: Option<u32>,
    /// Options besides the mask, by number.
    pub options: BTreeMap<u8, DhcpOptionSpec>,
    /// Addresses kept for certain cards.
    pub fixed: BTreeMap<MacAddr, Ipv4Addr>,
    /// Was stopped by hand.
    pub stopped: bool,
}

impl NetworkDhcp {
    /// A server that is not enabled.
    ///
    /// # Errors
    /// `hv-dhcp-range`: the addresses are not of one network, in order.
    pub fn new(address: Cidr, first: Ipv4Addr, last: Ipv4Addr) -> Result<Self, UserError> {
        let server = Self {
            address,
            first,
            last,
            enabled: false,
            lease_min: None,
            lease_default: None,
            lease_max: None,
            options: BTreeMap::new(),
            fixed: BTreeMap::new(),
            stopped: false,
        };
        server.check()?;
        Ok(server)
    }

    /// VirtualBox's server of vboxnet0 (Main/Settings.cpp): .100, leases from .101 to .254.
    pub fn of_default_host_only() -> Self {
        let at = |last| host_of(HostOnly::default_address(0), last);
        Self {
            address: Cidr::new(at(100), 24),
            first: at(101),
            last: at(254),
            enabled: true,
            lease_min: None,
            lease_default: None,
            lease_max: None,
            options: BTreeMap::new(),
            fixed: BTreeMap::new(),
            stopped: false,
        }
    }

    fn check(&self) -> Result<(), UserError> {
        let (net, size) = (self.address, self.last.to_bits().saturating_sub(self.first.to_bits()));
        let inside = net.contains(self.first) && net.contains(self.last);
        let edge = net.addr == net.network().addr || net.addr == net.broadcast();
        if net.prefix == 0
            || net.prefix > 30
            || edge
            || !inside
            || self.first > self.last
            || size >= limits::DHCP_POOL_MAX
        {
            let error = UserError::new("hv-dhcp-range").with("address", net);
            return Err(error.with("first", self.first).with("last", self.last));
        }
        Ok(())
    }

    /// Changes it; nothing has changed where it fails.
    ///
    /// # Errors
    /// `hv-dhcp-range`, `hv-dhcp-option`, `hv-too-many`.
    pub fn change(&mut self, change: &DhcpServerChange) -> Result<(), UserError> {
        let mut new = self.clone();
        new.address = change.address.unwrap_or(new.address);
        new.first = change.first.unwrap_or(new.first);
        new.last = change.last.unwrap_or(new.last);
        new.enabled = change.enabled.unwrap_or(new.enabled);
        for (field, value) in [
            (&mut new.lease_min, change.lease_min),
            (&mut new.lease_default, change.lease_default),
            (&mut new.lease_max, change.lease_max),
        ] {
            if let Some(secs) = value {
                *field = (secs > 0).then_some(secs);
            }
        }
        if change.clear_options {
            new.options.clear();
        }
        change.remove_options.iter().for_each(|code| drop(new.options.remove(code)));
        for option in &change.options {
            // The mask comes from the server's own address; 0 and 255 are no options (RFC 2132 section 3).
            if matches!(option.code, 0 | 255) {
                return Err(UserError::new("hv-dhcp-option").with("code", option.code));
            }
            new.options.insert(option.code, option.clone());
        }
        for (mac, addr) in &change.fixed {
            match addr {
                Some(addr) => drop(new.fixed.insert(*mac, *addr)),
                None => drop(new.fixed.remove(mac)),
            }
        }
        if new.fixed.len() > limits::HYPERVISOR_OBJECTS_MAX {
            return Err(UserError::new("hv-too-many").with("max", limits::HYPERVISOR_OBJECTS_MAX));
        }
        new.check()?;
        *self = new;
        Ok(())
    }

    /// How it is shown.
    pub fn row(&self) -> NetworkDhcpRow {
        NetworkDhcpRow {
            address: self.address,
            first: self.first,
            last: self.last,
            enabled: self.enabled,
            stopped: self.stopped,
            lease_min: self.lease_min,
            lease_default: self.lease_default,
            lease_max: self.lease_max,
            options: self.options.values().cloned().collect(),
            fixed: self.fixed.iter().map(|(mac, addr)| (*mac, *addr)).collect(),
        }
    }

    /// What the server is told.
    pub fn config(&self) -> ServerConfig {
        let lease = self.lease_default.unwrap_or(LEASE_SECS.1);
        let range = (self.lease_min.unwrap_or(LEASE_SECS.0), self.lease_max.unwrap_or(LEASE_SECS.2));
        ServerConfig {
            lease_secs: lease.clamp(range.0, range.1.max(range.0)),
            lease_secs_range: range,
            options: self.options.values().map(|option| (option.code, option.value.bytes())).collect(),
            reservations: self.fixed.iter().map(|(mac, addr)| Reservation::for_mac(*mac, *addr)).collect(),
            ..ServerConfig::of(Flavour::VBoxNetDhcp, self.address.addr, self.address.network(), self.first, self.last)
        }
    }
}

/// What one hypervisor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// NAT networks by name.
    pub nat_networks: BTreeMap<String, NatNet>,
    /// Host-only interfaces by name.
    pub host_only: BTreeMap<String, HostOnly>,
    /// DHCP servers by network.
    pub dhcp_servers: BTreeMap<NetworkName, NetworkDhcp>,
    /// Modes in which what a card asks for by its default name is made for it, because nobody has removed it yet.
    pub made_on_demand: BTreeSet<Mode>,
    /// Of the NAT network that is made so.
    pub default_nat_network: Cidr,
}

impl Default for Inventory {
    fn default() -> Self {
        let default = NetworkName::HostOnly(DEFAULT_HOST_ONLY.to_owned());
        Self {
            nat_networks: BTreeMap::new(),
            host_only: BTreeMap::new(),
            dhcp_servers: BTreeMap::from([(default, NetworkDhcp::of_default_host_only())]),
            made_on_demand: BTreeSet::from([Mode::HostOnly, Mode::NatNetwork]),
            default_nat_network: NatNetwork::shared().network,
        }
    }
}

impl Inventory {
    /// A fresh installation's, with the numbers of a profile.
    pub fn of_profile(profile: Profile) -> Self {
        let default_nat_network = NatNetwork::default_shared(profile);
        Self { default_nat_network, ..Self::default() }
    }

    /// A DHCP server that came with a host-only interface whose address is of another network now goes.
    pub fn forget_foreign_dhcp(&mut self, iface: &str) {
        let network = NetworkName::HostOnly(iface.to_owned());
        let Some(address) = self.host_only.get(iface).map(|iface| iface.address) else { return };
        if self.dhcp_servers.get(&network).is_some_and(|server| !address.contains(server.address.addr)) {
            self.dhcp_servers.remove(&network);
        }
    }

    /// A host-only interface or, if there is none of that name, an internal network.
    pub fn network_named(&self, name: &str) -> NetworkName {
        if name == DEFAULT_HOST_ONLY || self.host_only.contains_key(name) {
            NetworkName::HostOnly(name.to_owned())
        } else {
            NetworkName::Internal(name.to_owned())
        }
    }

    /// Whether a card that asks for the default name of this mode gets it made.
    pub fn makes_on_demand(&self, mode: Mode, name: &str) -> bool {
        self.made_on_demand.contains(&mode)
            && !match mode {
                Mode::HostOnly => self.host_only.contains_key(name),
                _ => self.nat_networks.contains_key(name),
            }
    }

    /// Defines a NAT network.
    ///
    /// # Errors
    /// `hv-natnetwork-exists`, `hv-natnetwork-network`, `hv-too-many`, and those of its rules.
    pub fn add_nat_network(&mut self, name: &str, network: Cidr, change: &NatNetworkChange) -> Result<(), UserError> {
        if self.nat_networks.contains_key(name) {
            return Err(UserError::new("hv-natnetwork-exists").with("name", name));
        }
        check_name(name)?;
        room(self.nat_networks.len())?;
        let change = NatNetworkChange { network: Some(network), ..change.clone() };
        let mut net = NatNet::new(network);
        net.change(&change)?;
        self.nat_networks.insert(name.to_owned(), net);
        Ok(())
    }

    /// A NAT network.
    ///
    /// # Errors
    /// `hv-natnetwork-unknown`.
    pub fn nat_network(&mut self, name: &str) -> Result<&mut NatNet, UserError> {
        self.nat_networks.get_mut(name).ok_or_else(|| UserError::new("hv-natnetwork-unknown").with("name", name))
    }

    /// A host-only interface.
    ///
    /// # Errors
    /// `hv-hostonly-unknown`.
    pub fn host_only(&mut self, name: &str) -> Result<&mut HostOnly, UserError> {
        self.host_only.get_mut(name).ok_or_else(|| UserError::new("hv-hostonly-unknown").with("name", name))
    }

    /// The number of the next host-only interface: the first that is free.
    ///
    /// # Errors
    /// `hv-hostonly-many`.
    pub fn next_host_only(&self) -> Result<u8, UserError> {
        let free = |number: &u8| !self.host_only.contains_key(&HostOnly::name_of(*number));
        let max = limits::HOST_ONLY_IFACES_MAX;
        (0..max).find(free).ok_or_else(|| UserError::new("hv-hostonly-many").with("max", max))
    }

    /// Defines a DHCP server.
    ///
    /// # Errors
    /// `hv-dhcp-exists`, `hv-too-many`, and those of [`NetworkDhcp::change`].
    pub fn add_dhcp_server(&mut self, network: &NetworkName, server: NetworkDhcp) -> Result<(), UserError> {
        if self.dhcp_servers.contains_key(network) {
            return Err(UserError::new("hv-dhcp-exists").with("network", network.name()));
        }
        check_name(network.name())?;
        room(self.dhcp_servers.len())?;
        self.dhcp_servers.insert(network.clone(), server);
        Ok(())
    }

    /// A DHCP server.
    ///
    /// # Errors
    /// `hv-dhcp-unknown`.
    pub fn dhcp_server(&mut self, network: &NetworkName) -> Result<&mut NetworkDhcp, UserError> {
        let unknown = || UserError::new("hv-dhcp-unknown").with("network", network.name());
        self.dhcp_servers.get_mut(network).ok_or_else(unknown)
    }
}

impl NatNet {
    /// Changes it; nothing has changed where it fails.
    ///
    /// # Errors
    /// `hv-natnetwork-network`, `hv-loopback`, and those of its rules.
    pub fn change(&mut self, change: &NatNetworkChange) -> Result<(), UserError> {
        let mut new = self.clone();
        if let Some(network) = change.network {
            check_nat_cidr(network)?;
            new.renumber(network);
        }
        new.enabled = change.enabled.unwrap_or(new.enabled);
        new.dhcp = change.dhcp.unwrap_or(new.dhcp);
        for name in &change.remove_forwards {
            forward::remove(&mut new.forwards, name)?;
        }
        for rule in &change.add_forwards {
            if rule.guest_address.is_none() {
                return Err(UserError::new("hv-forward-guest").with("rule", &rule.name));
            }
            forward::add(&mut new.forwards, rule)?;
        }
        for (addr, offset) in &change.loopback {
            new.map_loopback(*addr, *offset)?;
        }
        *self = new;
        Ok(())
    }

    /// Rules whose guest was in the old network go on to the same host of the new one, if that has it
    /// (Main/NATNetworkImpl.cpp `recalculatePortForwarding`).
    fn renumber(&mut self, network: Cidr) {
        let (old, host_bits) = (self.network, !network.mask_bits());
        for rule in &mut self.forwards {
            if let Some(guest) = rule.guest_address.filter(|guest| old.contains(*guest)) {
                let host = guest.to_bits() & !old.mask_bits();
                if host & !host_bits == 0 {
                    rule.guest_address = Some(Ipv4Addr::from_bits(network.network().addr.to_bits() | host));
                }
            }
        }
        self.network = network;
    }

    fn map_loopback(&mut self, addr: Ipv4Addr, offset: u32) -> Result<(), UserError> {
        let wrong = || UserError::new("hv-loopback").with("address", addr).with("offset", offset);
        let taken = self.loopback.iter().any(|(other, at)| *other != addr && *at == offset);
        let fits = offset & self.network.mask_bits() == 0;
        if !addr.is_loopback() || taken || !fits || self.loopback.len() >= limits::HYPERVISOR_OBJECTS_MAX {
            return Err(wrong());
        }
        self.loopback.retain(|(other, _)| *other != addr);
        if offset > 0 {
            self.loopback.push((addr, offset));
        }
        Ok(())
    }
}

/// What VirtualBox takes as a NAT network's network (Main/NATNetworkImpl.cpp `setNetwork`).
///
/// # Errors
/// `hv-natnetwork-network`.
pub fn check_nat_cidr(network: Cidr) -> Result<(), UserError> {
    let host_bits = network.network() != network;
    if network.prefix == 0 || network.prefix > 30 || host_bits || network.addr.is_multicast() {
        return Err(UserError::new("hv-natnetwork-network").with("network", network));
    }
    Ok(())
}

/// What may be the private network of a card in mode NAT: room for the addresses up to .30 that leases are given from
/// .15 on, no host bits, and unicast.
///
/// # Errors
/// `hv-nat-net`.
pub fn check_nat_net(network: Cidr) -> Result<(), UserError> {
    let sound = network.network() == network && (8..=27).contains(&network.prefix) && !network.addr.is_multicast();
    if sound && !network.addr.is_loopback() && !network.addr.is_unspecified() {
        Ok(())
    } else {
        Err(UserError::new("hv-nat-net").with("network", network))
    }
}

/// An object's name: a word that a command line can hold.
///
/// # Errors
/// `hv-name`.
pub fn check_name(name: &str) -> Result<(), UserError> {
    let sound = !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if sound { Ok(()) } else { Err(UserError::new("hv-name").with("name", name)) }
}

/// The same for a name that may be left out.
///
/// # Errors
/// `hv-name`.
pub fn check_name_or_none(name: &str) -> Result<(), UserError> {
    if name.is_empty() { Ok(()) } else { check_name(name) }
}

/// Room for one more of `count` objects.
fn room(count: usize) -> Result<(), UserError> {
    let max = limits::HYPERVISOR_OBJECTS_MAX;
    if count < max { Ok(()) } else { Err(UserError::new("hv-too-many").with("max", max)) }
}

/// Host number `host` of a network.
pub(super) fn host_of(network: Cidr, host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(network.network().addr.to_bits() | (host & !network.mask_bits()))
}

/// Which addresses a host-only interface may have on Linux: 192.168.56.0/21, or what `/etc/vbox/networks.conf` says,
/// whose lines are `* 10.0.0.0/8 192.168.0.0/16` (manual, "Host-Only Networking").
///
/// # Errors
/// `hv-hostonly-range`.
pub fn check_host_only_address(address: Cidr, networks_conf: Option<&str>) -> Result<(), UserError> {
    let (addr, network) = (address.addr, address.network().addr);
    let edge = address.prefix < 31 && (addr == network || addr == address.broadcast());
    let allowed = match networks_conf {
        None => Cidr::new(Ipv4Addr::new(192, 168, 56, 0), 21).contains(addr),
        Some(text) => ranges(text).any(|range| range.contains(addr)),
    };
    if address.prefix == 0 || edge || addr.is_multicast() || addr.is_loopback() || !allowed {
        return Err(UserError::new("hv-hostonly-range").with("address", address));
    }
    Ok(())
}

/// The IPv4 ranges of a `networks.conf`.
fn ranges(text: &str) -> impl Iterator<Item = Cidr> + '_ {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter_map(|line| line.strip_prefix('*')).flat_map(str::split_whitespace).filter_map(|word| word.parse().ok())
}
