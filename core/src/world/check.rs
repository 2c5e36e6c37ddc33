//! What must hold of a world after every step. Tests run it; a violation is a bug of ours, never of a student's.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use crate::id::{Pid, Port};
use crate::limits;
use crate::view::{LeaseState, Mode, NodeKind, Row, SocketOwner};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl World {
    /// Checks the invariants.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self) -> Result<(), Violation> {
        self.check_cables()?;
        self.check_account()?;
        self.check_ports()?;
        self.check_cards()?;
        self.check_hypervisors()?;
        self.check_wakeups()?;
        self.check_rows()?;
        self.check_owners_and_caps()
    }

    /// Every frame that was put on a cable came out, was lost with a reason, or is on its way.
    fn check_cables(&self) -> Result<(), Violation> {
        let at_once = self.ready.iter().filter(|ready| matches!(ready, super::carry::Ready::Frame { .. })).count();
        let on_the_way = (self.queue.frames() + at_once) as u64;
        let cables = &self.cables;
        let ended = cables.crossed + cables.lost + on_the_way;
        if cables.sent == ended { Ok(()) } else { Err(Violation(format!("{cables:?}, {on_the_way} on their way"))) }
    }

    /// Every frame that arrived was delivered, sent on, or dropped with a reason.
    fn check_account(&self) -> Result<(), Violation> {
        let account = &self.account;
        let ended = account.delivered + account.forwarded + account.dropped;
        if account.arrived == ended { Ok(()) } else { Err(Violation(format!("frames do not add up: {account:?}"))) }
    }

    /// Each end of a cable is at a port that knows of it.
    fn check_ports(&self) -> Result<(), Violation> {
        for cable in self.links.iter().flatten() {
            for (end, port) in cable.ends.iter().enumerate() {
                if self.cable_at(*port) != Some((cable.row.id, end as u8)) {
                    return Err(Violation(format!("{:?} is not plugged in at {port:?}", cable.row.id)));
                }
            }
        }
        Ok(())
    }

    /// A card has a cable where its mode says so, and none where it says not.
    fn check_cards(&self) -> Result<(), Violation> {
        for nic in self.nics.values() {
            let wants_none = matches!(nic.row.mode, Mode::NotAttached | Mode::UdpTunnel);
            if wants_none && (nic.link.is_some() || nic.built.is_some()) {
                return Err(Violation(format!("{:?} is plugged in although not attached", nic.row)));
            }
            let plugged = nic.link.is_none_or(|link| self.links.get(link.0 as usize).is_some_and(Option::is_some));
            let built = nic.built.is_none_or(|id| self.node(id).is_some());
            if !plugged || !built {
                return Err(Violation(format!("{:?} knows of a cable or an engine that is gone", nic.row)));
            }
        }
        Ok(())
    }

    /// What a hypervisor has built is there, and belongs to a card or a network.
    fn check_hypervisors(&self) -> Result<(), Violation> {
        let wrong = |what: String| Err(Violation(what));
        for nic in self.nics.values() {
            let port = Port::new(nic.row.vm, nic.row.iface);
            let off = self.node(nic.row.vm).is_none_or(|vm| vm.row.off);
            if nic.link != self.cable_at(port).map(|(link, _)| link) || (off && nic.link.is_some()) {
                return wrong(format!(
                    "adapter {} of {:?} has another cable than it knows of",
                    nic.row.adapter, port.node
                ));
            }
        }
        let of_cards = self.nics.values().filter_map(|nic| nic.built);
        let of_networks = self.networks.values().flat_map(|net| [Some(net.switch), net.engine, net.dhcp]).flatten();
        let built: BTreeSet<_> = of_cards.chain(of_networks).collect();
        if let Some(gone) = built.iter().find(|id| self.node(**id).is_none()) {
            return wrong(format!("{gone:?} is not there, and something still uses it"));
        }
        let parts = self.nodes.iter().flatten().filter(|node| node.row.host.is_some() && node.row.kind != NodeKind::Vm);
        for node in parts {
            if !built.contains(&node.row.id) {
                return wrong(format!("{} was built, and nothing uses it", node.row.name));
            }
        }
        Ok(())
    }

    /// No node has slept through a wake-up.
    fn check_wakeups(&self) -> Result<(), Violation> {
        match self.nodes.iter().flatten().find(|node| node.wake.is_some_and(|at| at < self.now)) {
            Some(node) => Err(Violation(format!("{} slept through {:?}", node.row.name, node.wake))),
            None => Ok(()),
        }
    }

    /// What tables say of each other: no address is bound to two clients of one server, no client holds two; no two flows
    /// of a NAT have the same outside towards the same remote; addresses, routes and neighbours are of interfaces that
    /// exist; a switch has learned nothing at a port without a cable.
    fn check_rows(&self) -> Result<(), Violation> {
        let rows = self.rows(false);
        let ifaces: BTreeSet<_> =
            rows.iter().filter_map(|row| if let Row::Iface(iface) = row { Some(iface.key()) } else { None }).collect();
        let (mut holders, mut clients, mut flows) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let sound = match row {
                Row::Lease(lease) if lease.state == LeaseState::Bound => {
                    let client = lease.client_id.clone().unwrap_or_else(|| lease.mac.to_string());
                    holders.insert((lease.server, lease.addr)) && clients.insert((lease.server, client))
                }
                Row::Flow(flow) => flows.insert((flow.node, flow.engine, flow.proto, flow.outside, flow.remote)),
                Row::Addr(addr) => ifaces.contains(&(addr.node, addr.iface)),
                Row::Route(route) => ifaces.contains(&(route.node, route.iface)),
                Row::Neigh(neigh) => ifaces.contains(&(neigh.node, neigh.iface)),
                Row::Fdb(entry) => self.cable_at(Port::new(entry.switch, entry.port)).is_some(),
                _ => true,
            };
            if !sound {
                return Err(Violation(format!("does not fit the others: {row:?}")));
            }
        }
        Ok(())
    }

    /// Every socket is a process's that is there, or nobody's; no table of a machine is
    /// over its cap; what a table names is a node that is there.
    fn check_owners_and_caps(&self) -> Result<(), Violation> {
        let rows = self.rows(false);
        let process = |row: &Row| if let Row::Process(process) = row { Some(process.key()) } else { None };
        let processes: BTreeSet<_> = rows.iter().filter_map(process).collect();
        let mut counts = BTreeMap::new();
        for row in &rows {
            let (sound, counted) = match row {
                Row::Socket(socket) => {
                    let owner = match (&socket.owner, socket.node) {
                        (SocketOwner::Processes(owners), Some(node)) => {
                            owners.iter().all(|owner| processes.contains(&(node, Pid(owner.pid))))
                        }
                        (_, node) => node.is_some(),
                    };
                    (owner, socket.node.map(|node| (node, "sockets", limits::SOCKETS_MAX)))
                }
                Row::Process(process) => (true, Some((process.node, "processes", limits::PROCESSES_MAX))),
                Row::Flow(flow) => {
                    let engine = flow.engine.is_none_or(|engine| self.node(engine).is_some());
                    (engine, Some((flow.node, "flows", limits::FLOWS_MAX)))
                }
                Row::Neigh(neigh) => (true, Some((neigh.node, "neighbours", limits::NEIGHBOURS_MAX))),
                Row::Fdb(entry) => (entry.mac.is_unicast(), Some((entry.switch, "addresses", limits::FDB_ENTRIES_MAX))),
                Row::Lease(lease) => {
                    (lease.mac.is_unicast(), Some((lease.server, "leases", limits::DHCP_POOL_MAX as usize)))
                }
                _ => (true, None),
            };
            let there = counted.is_none_or(|(node, ..)| self.node(node).is_some());
            if !sound || !there {
                return Err(Violation(format!("is of something that is not there: {row:?}")));
            }
            if let Some((node, what, max)) = counted {
                let count = counts.entry((node, what)).or_insert(0_usize);
                *count += 1;
                if *count > max {
                    return Err(Violation(format!("{node:?} has more than {max} {what}")));
                }
            }
        }
        Ok(())
    }
}
