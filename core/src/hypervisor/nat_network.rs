//! The numbers of a private network behind a NAT engine, as each profile has them.

use core::net::Ipv4Addr;

use crate::addr::{Cidr, MacAddr};
use crate::dhcp::Flavour;
use crate::lab::Profile;

/// The gateway's MAC that guests of VirtualBox's NAT see.
const NAT_MAC: MacAddr = MacAddr([0x52, 0x54, 0x00, 0x12, 0x35, 0x02]);
/// The service MAC of VirtualBox's NAT networks (NetworkServices/NAT/VBoxNetSlirpNAT.cpp).
const NAT_NETWORK_MAC: MacAddr = MacAddr([0x52, 0x54, 0x00, 0x12, 0x35, 0x00]);

/// The numbers of one private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatNetwork {
    /// The network: 10.0.2.0/24 for adapter 1.
    pub network: Cidr,
    /// The gateway.
    pub gateway: Ipv4Addr,
    /// The gateway's MAC.
    pub mac: MacAddr,
    /// First address that is handed out.
    pub first: Ipv4Addr,
    /// Last address that is handed out.
    pub last: Ipv4Addr,
    /// How long a lease is, in seconds.
    pub lease_secs: u32,
    /// The DHCP server's address; none where there is no server.
    pub dhcp: Option<Ipv4Addr>,
    /// The address whose port 53 is the host's name server.
    pub dns: Ipv4Addr,
    /// An address that is there and never answers: TFTP's.
    pub silent: Option<Ipv4Addr>,
    /// The address that is the host's loopback; none where it is not to be reached.
    pub loopback: Option<Ipv4Addr>,
    /// Guests' traffic goes through sockets of the hypervisor's process, as VirtualBox's engine has it, instead of having
    /// its headers rewritten, as the lecture has it.
    pub sockets: bool,
    /// Whose ways its DHCP server has.
    pub flavour: Flavour,
}

impl NatNetwork {
    /// The network of an adapter (1 to 8) in mode NAT: 10.0.2.0/24 for the first, 10.0.3.0/24 for the second …
    pub const fn usual_network(adapter: u8) -> Cidr {
        Cidr::new(Ipv4Addr::new(10, 0, adapter.saturating_add(1), 0), 24)
    }

    /// The numbers of a card in mode NAT with this network.
    pub fn nat(profile: Profile, network: Cidr) -> Self {
        match profile {
            Profile::Lecture => Self::lecture(network),
            Profile::VirtualBox => Self::virtualbox(network),
        }
    }

    /// The lecture's: gateway, DHCP and DNS server are all .1; the first lease is .15, for a week.
    pub fn lecture(network: Cidr) -> Self {
        let network = network.network();
        let addr = |host: u32| Ipv4Addr::from_bits(network.addr.to_bits().saturating_add(host));
        Self {
            network,
            gateway: addr(1),
            mac: NAT_MAC,
            first: addr(15),
            // A pool of a whole /8 would be no use to anybody.
            last: addr(254).min(Ipv4Addr::from_bits(network.broadcast().to_bits() - 1)),
            lease_secs: 7 * 24 * 3600,
            dhcp: Some(addr(1)),
            dns: addr(1),
            silent: None,
            loopback: None,
            sockets: false,
            flavour: Flavour::Isc,
        }
    }

    /// VirtualBox's (Devices/Network/DrvNATlibslirp.cpp): the host is .2 and DHCP's server, DNS is .3, TFTP .4; 16 leases
    /// from .15, for a day (libslirp's bootp.c: `NB_BOOTP_CLIENTS`, `LEASE_TIME`). The host's loopback is not to be reached
    /// (`--nat-localhostreachable` off).
    pub fn virtualbox(network: Cidr) -> Self {
        let lecture = Self::lecture(network);
        let addr = |host: u32| Ipv4Addr::from_bits(lecture.network.addr.to_bits().saturating_add(host));
        Self {
            gateway: addr(2),
            last: addr(30),
            lease_secs: 86_400,
            dhcp: Some(addr(2)),
            dns: addr(3),
            silent: Some(addr(4)),
            sockets: true,
            flavour: Flavour::Slirp,
            ..lecture
        }
    }

    /// The numbers of a NAT network, with a DHCP server or without: gateway .1, leases from .4, VirtualBox's first, for
    /// VirtualBox's 10 minutes. In VirtualBox's profile .2 is the host's loopback and .3 the DHCP server
    /// (Main/NATNetworkImpl.cpp `i_recalculateIpv4AddressAssignments`), in the lecture's the gateway is all of it.
    pub fn shared_of(profile: Profile, network: Cidr, dhcp: bool) -> Self {
        let network = network.network();
        let base = network.addr.to_bits();
        let last = Ipv4Addr::from_bits(network.broadcast().to_bits() - 1);
        let host = |number: u32| Ipv4Addr::from_bits(base.saturating_add(number)).min(last);
        let real = profile == Profile::VirtualBox;
        Self {
            network,
            gateway: host(1),
            mac: NAT_NETWORK_MAC,
            first: host(4),
            last,
            lease_secs: 600,
            dhcp: dhcp.then(|| host(if real { 3 } else { 1 })),
            dns: host(1),
            silent: None,
            loopback: real.then(|| host(2)),
            sockets: real,
            flavour: if real { Flavour::VBoxNetDhcp } else { Flavour::Isc },
        }
    }

    /// The shared NAT network of the default lab: 10.0.10.0/24, so that it is not mistaken for NAT.
    pub fn shared() -> Self {
        Self::shared_of(Profile::Lecture, Cidr::new(Ipv4Addr::new(10, 0, 10, 0), 24), true)
    }

    /// The network of a profile's first NAT network.
    pub fn default_shared(profile: Profile) -> Cidr {
        match profile {
            Profile::Lecture => Self::shared().network,
            Profile::VirtualBox => Cidr::new(Ipv4Addr::new(10, 0, 2, 0), 24),
        }
    }

    /// The host's loopback can be reached through the gateway or not (`VBoxManage modifyvm --nat-localhostreachable`).
    pub fn with_localhost(self, reachable: bool) -> Self {
        Self { loopback: reachable.then_some(self.gateway), ..self }
    }

    /// Whether an address is the engine's own.
    pub fn owns(&self, addr: Ipv4Addr) -> bool {
        addr == self.gateway
            || addr == self.dns
            || [self.dhcp, self.silent, self.loopback].into_iter().any(|own| own == Some(addr))
    }
}
