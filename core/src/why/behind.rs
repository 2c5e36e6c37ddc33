//! What lies behind a failure, as the tables have it: no carrier because the card is not attached, no default route
//! because the network is closed.

use core::net::{IpAddr, Ipv4Addr};

use super::{Look, Saying};
use crate::id::NodeId;
use crate::view::{AddrRow, IfaceRow, LabView, Mode, NicRow};

/// A chain in the making.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub says: Vec<Saying>,
    pub look: Vec<Look>,
}

impl Chain {
    pub fn say(&mut self, saying: Saying) {
        if !self.says.contains(&saying) {
            self.says.push(saying);
        }
    }

    pub fn look(&mut self, look: Look) {
        if !self.look.contains(&look) && self.look.len() < 6 {
            self.look.push(look);
        }
    }

    /// Why nothing gets out of a machine: the state of its interfaces and of its cards. Whether there was something.
    pub fn local(&mut self, view: &LabView, node: NodeId, only: Option<u32>) -> bool {
        let faulty = ifaces(view, node)
            .filter(|iface| only.is_none_or(|index| index == iface.index))
            .find(|iface| !iface.carrier || !iface.up);
        let Some(iface) = faulty else { return false };
        let with = |code| Saying::new(code).at(node).with("iface", &iface.name);
        let nic = view.nics.values().find(|nic| nic.vm == node && nic.iface == iface.index);
        if let Some(nic) = nic.filter(|_| !iface.carrier) {
            self.look(Look::Command(node, "ip link".to_owned()));
            self.look(Look::Card(node, nic.adapter));
            let code = match (nic.mode, nic.cable) {
                (Mode::NotAttached, _) => "not-attached",
                (_, false) => "cable-out",
                _ => "no-carrier",
            };
            self.say(with("no-carrier"));
            self.say(with(code).with("adapter", nic.adapter));
        } else if !iface.up {
            self.look(Look::Command(node, format!("ip link set {} up", iface.name)));
            self.say(with("iface-down"));
        } else {
            self.look(Look::Command(node, "ip link".to_owned()));
            self.say(with("no-carrier"));
        }
        true
    }

    /// Why a machine knows no way to an address.
    pub fn no_route(&mut self, view: &LabView, node: NodeId, dst: Option<Ipv4Addr>) {
        self.look(Look::Table(node));
        self.look(Look::Command(node, "ip route".to_owned()));
        if let Some(dst) = dst {
            self.say(Saying::new("no-route").at(node).with("addr", dst));
        }
        let has_address = addrs(view, node).next().is_some();
        if !has_address {
            self.look(Look::Command(node, "ip addr".to_owned()));
            self.say(Saying::new("no-address").at(node));
            self.local(view, node, None);
            return;
        }
        if self.local(view, node, None) && ifaces(view, node).count() == 1 {
            return;
        }
        let has_default = view.routes.values().any(|route| route.node == node && route.dst.prefix == 0);
        if !has_default {
            self.say(Saying::new("no-default").at(node));
        }
        self.closed(view, node);
    }

    /// A card's network that has no way out.
    fn closed(&mut self, view: &LabView, node: NodeId) {
        let cards: Vec<&NicRow> = view.nics.values().filter(|nic| nic.vm == node).collect();
        let closed = |nic: &&NicRow| matches!(nic.mode, Mode::Internal | Mode::HostOnly);
        if !cards.is_empty() && cards.iter().all(|nic| closed(nic) || nic.mode == Mode::NotAttached) {
            let Some(nic) = cards.into_iter().find(closed) else { return };
            let code = if nic.mode == Mode::Internal { "internal-closed" } else { "hostonly-closed" };
            self.look(Look::Card(node, nic.adapter));
            self.say(Saying::new(code).at(node).with("network", &nic.network));
        }
    }

    /// Who has an address, if not the one that was asked.
    pub fn owner(&mut self, view: &LabView, asker: NodeId, addr: Ipv4Addr) {
        let owner = view.addrs.values().find(|row| row.addr == IpAddr::V4(addr) && row.node != asker);
        let Some(owner) = owner.map(|row| row.node) else {
            return self.say(Saying::new("nobody-there").with("addr", addr));
        };
        self.look(Look::Table(owner));
        let nat = view.nics.values().find(|nic| nic.vm == owner && matches!(nic.mode, Mode::Nat | Mode::NatNetwork));
        match nat {
            Some(nic) => {
                self.look(Look::Card(owner, nic.adapter));
                self.say(Saying::new("behind-nat").at(owner).with("addr", addr));
            }
            None => {
                self.say(Saying::new("owner-elsewhere").with("addr", addr).with_node("owner", owner));
                self.local(view, owner, None);
            }
        }
    }
}

/// The interfaces of a machine but `lo`.
pub(super) fn ifaces(view: &LabView, node: NodeId) -> impl Iterator<Item = &IfaceRow> {
    view.ifaces.values().filter(move |iface| iface.node == node && !iface.loopback)
}

/// IPv4 addresses of a machine that others can use.
pub(super) fn addrs(view: &LabView, node: NodeId) -> impl Iterator<Item = &AddrRow> {
    let loopback = move |index: u32| view.ifaces.get(&(node, index)).is_some_and(|iface| iface.loopback);
    view.addrs.values().filter(move |row| row.node == node && row.addr.is_ipv4() && !loopback(row.iface))
}
