//! A machine's interfaces and their addresses, as `ip link` and `ip addr` show them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::sysctl::IfaceConf;
use crate::addr::{Cidr, MacAddr};
use crate::frame::icmp6::link_local;
use crate::id::NodeId;
use crate::programs::{Errno, IfaceCounters, NewAddr, PutMode};
use crate::time::SimTime;
use crate::view::{AddrRow, IfaceRow, Scope};

/// The loopback interface's index.
pub const LOOPBACK: u32 = 1;
/// Smallest MTU Linux accepts for IPv4 (net/ipv4/devinet.c `inetdev_valid_mtu`: 68, RFC 791).
pub const MTU_MIN: u32 = 68;

/// An IPv4 address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfAddr {
    /// Address and prefix.
    pub cidr: Cidr,
    /// `brd`.
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`.
    pub scope: Scope,
    /// The interface has another address of the same network that came first.
    pub secondary: bool,
    /// When it goes away by itself.
    pub valid_until: Option<SimTime>,
    /// A label other than the interface's name.
    pub label: Option<String>,
}

/// One interface.
#[derive(Clone, Debug)]
pub struct Iface {
    /// Its index, which is also the machine's port number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// A cable with something alive at the other end.
    pub carrier: bool,
    /// Takes frames for other MACs, as far as the packet sockets.
    pub promisc: bool,
    /// Its IPv4 addresses in the order the kernel keeps them.
    pub addrs: Vec<IfAddr>,
    /// Its counters.
    pub counters: IfaceCounters,
    /// Its kernel settings.
    pub conf: IfaceConf,
    /// Where its IPv6 link-local address stands.
    pub link_local: LinkLocal,
}

/// Where an interface's IPv6 link-local address stands (RFC 4862 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LinkLocal {
    /// There is none.
    #[default]
    Absent,
    /// It is asked whether somebody has it already.
    Tentative,
    /// It is ours.
    Preferred,
    /// Somebody has it: it is not used.
    Failed,
}

impl Iface {
    /// An interface that nobody has configured: down, no addresses.
    pub fn new(index: u32, name: &str, mac: MacAddr) -> Self {
        Self {
            index,
            name: name.to_owned(),
            mac,
            mtu: 1500,
            up: false,
            carrier: false,
            promisc: false,
            addrs: Vec::new(),
            counters: IfaceCounters::default(),
            conf: IfaceConf::default(),
            link_local: LinkLocal::Absent,
        }
    }

    /// `lo`, up, with 127.0.0.1/8.
    pub fn loopback() -> Self {
        Self {
            mtu: 65_536,
            link_local: LinkLocal::Preferred,
            up: true,
            carrier: true,
            addrs: vec![IfAddr {
                cidr: Cidr::new(Ipv4Addr::LOCALHOST, 8),
                broadcast: None,
                scope: Scope::Host,
                secondary: false,
                valid_until: None,
                label: None,
            }],
            ..Self::new(LOOPBACK, "lo", MacAddr::ZERO)
        }
    }

    /// Can carry packets now.
    pub fn running(&self) -> bool {
        self.up && self.carrier
    }

    /// The row of `ip link`.
    pub fn row(&self, node: NodeId) -> IfaceRow {
        IfaceRow {
            node,
            index: self.index,
            name: self.name.clone(),
            mac: self.mac,
            mtu: self.mtu,
            up: self.up,
            carrier: self.carrier,
            loopback: self.index == LOOPBACK,
            promisc: self.promisc,
        }
    }

    /// The row of one of its addresses.
    pub fn addr_row(&self, node: NodeId, addr: &IfAddr) -> AddrRow {
        AddrRow {
            node,
            iface: self.index,
            addr: IpAddr::V4(addr.cidr.addr),
            prefix: addr.cidr.prefix,
            broadcast: addr.broadcast,
            scope: addr.scope,
            secondary: addr.secondary,
            dynamic: addr.valid_until.is_some(),
            tentative: false,
            dad_failed: false,
            valid_until: addr.valid_until,
            label: addr.label.clone(),
        }
    }

    /// The IPv6 link-local address that Linux gives an interface; loopback has `::1`.
    pub fn ipv6_row(&self, node: NodeId) -> Option<AddrRow> {
        let (addr, prefix, scope) = if self.index == LOOPBACK {
            (Ipv6Addr::LOCALHOST, 128, Scope::Host)
        } else {
            (link_local(self.mac), 64, Scope::Link)
        };
        (self.link_local != LinkLocal::Absent).then_some(AddrRow {
            node,
            iface: self.index,
            addr: IpAddr::V6(addr),
            prefix,
            broadcast: None,
            scope,
            secondary: false,
            dynamic: false,
            tentative: matches!(self.link_local, LinkLocal::Tentative | LinkLocal::Failed),
            dad_failed: self.link_local == LinkLocal::Failed,
            valid_until: None,
            label: None,
        })
    }

    /// All rows of its addresses: IPv4 in the kernel's order, then IPv6.
    pub fn addr_rows(&self, node: NodeId) -> Vec<AddrRow> {
        self.addrs.iter().map(|addr| self.addr_row(node, addr)).chain(self.ipv6_row(node)).collect()
    }

    /// Adds or changes an address (net/ipv4/devinet.c `__inet_insert_ifa`).
    ///
    /// # Errors
    /// `EEXIST`: this address with this prefix is there already.
    pub fn put_addr(&mut self, new: &NewAddr, mode: PutMode) -> Result<(), Errno> {
        let existing = self.addrs.iter_mut().find(|a| a.cidr == new.cidr);
        match (existing, mode) {
            (Some(_), PutMode::Create | PutMode::Append) => return Err(Errno::EEXIST),
            (Some(addr), PutMode::Change | PutMode::Replace) => {
                addr.valid_until = new.valid_until;
                return Ok(());
            }
            // iproute2's `change` of an address that is not there adds it: the kernel has no way to refuse.
            (None, _) => {}
        }
        let secondary = self
            .addrs
            .iter()
            .any(|a| !a.secondary && a.cidr.prefix == new.cidr.prefix && a.cidr.contains(new.cidr.addr));
        let addr = IfAddr {
            cidr: new.cidr,
            broadcast: new.broadcast,
            scope: new.scope,
            secondary,
            valid_until: new.valid_until,
            label: new.label.clone(),
        };
        // Primaries stand before secondaries; within each, a wider scope stands first.
        let at = if secondary {
            self.addrs.len()
        } else {
            self.addrs.iter().position(|a| a.secondary || a.scope > addr.scope).unwrap_or(self.addrs.len())
        };
        self.addrs.insert(at, addr);
        Ok(())
    }

    /// Deletes an address. `promote`: the first secondary takes a primary's place; without it the secondaries of a
    /// primary have to be deleted with it (`promote_secondaries`, net/ipv4/devinet.c `__inet_del_ifa`).
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when there is no such address.
    pub fn del_addr(&mut self, cidr: Cidr, promote: bool) -> Result<IfAddr, Errno> {
        let at = self
            .addrs
            .iter()
            .position(|a| a.cidr == cidr || (cidr.prefix == 32 && a.cidr.addr == cidr.addr))
            .ok_or(Errno::EADDRNOTAVAIL)?;
        let removed = self.addrs.remove(at);
        if !removed.secondary && promote {
            let heir = self
                .addrs
                .iter_mut()
                .find(|a| a.secondary && a.cidr.prefix == removed.cidr.prefix && removed.cidr.contains(a.cidr.addr));
            if let Some(heir) = heir {
                heir.secondary = false;
            }
        }
        Ok(removed)
    }
}

/// All interfaces of a machine, in the order of their indices. There are a handful, and every packet asks.
#[derive(Clone, Debug)]
pub struct Ifaces(Vec<Iface>);

impl Default for Ifaces {
    fn default() -> Self {
        Self(vec![Iface::loopback()])
    }
}

impl Ifaces {
    /// Where it is, or where it would have to be.
    fn place(&self, index: u32) -> Result<usize, usize> {
        // Indices mostly have no gaps.
        let guess = (index as usize).wrapping_sub(1);
        match self.0.get(guess) {
            Some(iface) if iface.index == index => Ok(guess),
            _ => self.0.binary_search_by_key(&index, |iface| iface.index),
        }
    }

    /// By index.
    pub fn get(&self, index: u32) -> Option<&Iface> {
        self.0.get(self.place(index).ok()?)
    }

    /// By index, to be changed.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut Iface> {
        let place = self.place(index).ok()?;
        self.0.get_mut(place)
    }

    /// By name.
    pub fn by_name(&self, name: &str) -> Option<&Iface> {
        self.0.iter().find(|iface| iface.name == name)
    }

    /// In the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = &Iface> {
        self.0.iter()
    }

    /// In the order of their indices, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Iface> {
        self.0.iter_mut()
    }

    /// Adds one.
    pub fn add(&mut self, iface: Iface) {
        match self.place(iface.index) {
            Ok(place) => self.0[place] = iface,
            Err(place) => self.0.insert(place, iface),
        }
    }

    /// Takes one away.
    pub fn remove(&mut self, index: u32) -> Option<Iface> {
        self.place(index).ok().map(|place| self.0.remove(place))
    }

    /// The index a new interface gets.
    pub fn next_index(&self) -> u32 {
        self.0.last().map_or(LOOPBACK, |last| last.index + 1)
    }

    /// Whether one of the interfaces has this address.
    pub fn is_local(&self, addr: Ipv4Addr) -> bool {
        addr.is_loopback() || self.owner_of(addr).is_some()
    }

    /// The interface that has this address.
    pub fn owner_of(&self, addr: Ipv4Addr) -> Option<&Iface> {
        self.0.iter().find(|iface| iface.addrs.iter().any(|a| a.cidr.addr == addr))
    }

    /// Whether `addr` is a broadcast address at interface `index`: all ones, or a network's last (or first, as old
    /// BSD had it: Linux takes that as broadcast too).
    pub fn is_broadcast(&self, index: u32, addr: Ipv4Addr) -> bool {
        addr.is_broadcast()
            || self.get(index).is_some_and(|iface| {
                iface.addrs.iter().any(|a| {
                    a.broadcast == Some(addr)
                        || (a.cidr.prefix < 31 && (addr == a.cidr.network().addr || addr == a.cidr.broadcast()))
                })
            })
    }

    /// The source address for packets out of `index` towards `next_hop` (net/ipv4/devinet.c `inet_select_addr`): a
    /// primary one whose network holds the next hop, else the interface's first of sufficient scope, else any other
    /// interface's.
    pub fn select_source(&self, index: u32, next_hop: Ipv4Addr, scope: Scope) -> Option<Ipv4Addr> {
        let fits = |a: &&IfAddr| !a.secondary && a.scope <= scope;
        let iface = self.get(index)?;
        let own = iface
            .addrs
            .iter()
            .filter(fits)
            .find(|a| a.cidr.contains(next_hop))
            .or_else(|| iface.addrs.iter().find(fits));
        own.or_else(|| {
            self.0
                .iter()
                .flat_map(|i| &i.addrs)
                .filter(fits)
                .find(|a| a.scope < Scope::Link && !a.cidr.addr.is_loopback())
        })
        .map(|a| a.cidr.addr)
    }
}
