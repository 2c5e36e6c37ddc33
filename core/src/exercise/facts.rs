//! Questions to the tables of a view and to one frame. No memory: [`super::check`] has it.

use core::net::{IpAddr, Ipv4Addr};

use super::answers::Expect;
use super::checks::*;
use super::fields::frame_fields;
use crate::addr::Cidr;
use crate::display_filter::{Context, Filter};
use crate::event::FrameSent;
use crate::id::{NodeId, Port};
use crate::lab::CableEnd;
use crate::view::{IfaceRow, LabView, LeaseRow, NeighState, NicRow, SocketOwner, SocketRow, SocketState};

/// Whether a check over tables holds; none for a check of another kind.
pub(super) fn table_holds(check: &Check, view: &LabView) -> Option<bool> {
    Some(match check {
        Check::Address(check) => addresses(check, view).any(|found| fits(check, found)),
        Check::Route(check) => gateways(check, view).any(|via| check.via.is_none() || check.via == via),
        Check::Lease(check) => lease(check, view).is_some(),
        Check::Link(check) => iface(&check.machine, Some(&check.iface), view).is_some_and(|row| link_fits(check, row)),
        Check::Mode(check) => nic(check, view).is_some_and(|row| {
            row.mode == check.mode && check.network.as_ref().is_none_or(|name| *name == row.network)
        }),
        Check::Neighbour(check) => neighbour_fits(check, view),
        Check::Fdb(check) => learned(check, view),
        Check::Flow(check) => {
            let node = machine(view, &check.at);
            let remote = |addr| check.remote.is_none_or(|remote| remote == addr);
            view.flows.values().any(|row| Some(row.node) == node && remote(row.remote.addr))
        }
        Check::Socket(check) => {
            let node = machine(view, &check.machine);
            let sockets = view.sockets.values().filter(|row| row.node == node && row.node.is_some());
            sockets.into_iter().any(|row| socket_fits(check, row))
        }
        _ => return None,
    })
}

pub(super) fn link_fits(check: &LinkCheck, row: &IfaceRow) -> bool {
    check.up.is_none_or(|up| up == row.up) && check.carrier.is_none_or(|carrier| carrier == row.carrier)
}

/// The card that a check speaks of.
pub(super) fn nic<'a>(check: &ModeCheck, view: &'a LabView) -> Option<&'a NicRow> {
    view.nics.get(&(machine(view, &check.machine)?, check.adapter))
}

/// A machine's interface of this name; without a name its first that is not the loopback's.
pub(super) fn iface<'a>(name: &str, wanted: Option<&str>, view: &'a LabView) -> Option<&'a IfaceRow> {
    let node = machine(view, name)?;
    let mut rows = view.ifaces.values().filter(|row| row.node == node);
    rows.find(|row| wanted.map_or(!row.loopback, |wanted| row.name == wanted))
}

fn neighbour_fits(check: &NeighbourCheck, view: &LabView) -> bool {
    let (Some(node), Some(address)) = (machine(view, &check.machine), value(&check.address, view)) else {
        return false;
    };
    view.neighs.values().filter(|row| row.node == node && row.addr.to_string() == address).any(|row| {
        if check.known {
            row.mac.is_some() && row.state != NeighState::Failed
        } else {
            matches!(row.state, NeighState::Failed | NeighState::Incomplete)
        }
    })
}

fn learned(check: &FdbCheck, view: &LabView) -> bool {
    let (switch, node) = (machine(view, &check.switch), machine(view, &check.machine));
    let ours = |mac| view.ifaces.values().any(|row| Some(row.node) == node && row.mac == mac);
    view.fdb.values().any(|row| Some(row.switch) == switch && ours(row.mac))
}

fn socket_fits(check: &SocketCheck, row: &SocketRow) -> bool {
    row.state == check.state
        && check.local_port.is_none_or(|port| port == row.local.port)
        && check.peer_port.is_none_or(|port| port == row.peer.port)
        && check.local.is_none_or(|addr| addr == row.local.addr)
}

/// What is expected, as the lab is now; none for what only history can tell.
pub(super) fn value(expect: &Expect, view: &LabView) -> Option<String> {
    match expect {
        Expect::Value(value) => Some(value.clone()),
        Expect::Gateway(name) => gateway_of(name, view).map(|via| via.to_string()),
        Expect::Address(end) => address_of(end, view).map(|addr| addr.to_string()),
        Expect::Mac(end) => iface(&end.node, end.iface.as_deref(), view).map(|row| row.mac.to_string()),
        Expect::DhcpServer(name) => {
            let node = machine(view, name)?;
            let client = view.dhcp_clients.values().find(|row| row.node == node && row.server.is_some())?;
            client.server.map(|server| server.to_string())
        }
        Expect::Listener(place) => listener(place, view).map(|pid| pid.to_string()),
        Expect::Field(_) | Expect::Ahead(_) => None,
    }
}

/// The PID behind `machine:port`.
fn listener(place: &str, view: &LabView) -> Option<u32> {
    let (name, port) = place.split_once(':')?;
    let (node, port) = (machine(view, name)?, port.parse::<u16>().ok()?);
    let listens =
        |row: &&SocketRow| row.node == Some(node) && row.state == SocketState::Listen && row.local.port == port;
    match &view.sockets.values().find(listens)?.owner {
        SocketOwner::Processes(list) => list.first().map(|process| process.pid),
        _ => None,
    }
}

/// Whether the address is one of the machine's.
pub(super) fn is_of(view: &LabView, node: NodeId, addr: &str) -> bool {
    view.addrs.values().any(|row| row.node == node && row.addr.to_string() == addr)
}

/// Whether a frame passes a display filter. One that cannot be read lets nothing pass: [`super::Exercise::validate`] names it.
fn passes(filter: &str, sent: &FrameSent) -> bool {
    filter.is_empty() || Filter::parse(filter).is_ok_and(|filter| filter.passes(&Context::new(&sent.bytes.0)))
}

/// The machine's identity.
pub(super) fn machine(view: &LabView, name: &str) -> Option<NodeId> {
    view.nodes.values().find(|row| row.name == name).map(|row| row.id)
}

/// The machine's IPv4 addresses, the loopback's left out.
pub(super) fn addresses<'a>(
    check: &'a AddressCheck,
    view: &'a LabView,
) -> impl Iterator<Item = (Cidr, &'a str, bool)> + 'a {
    let node = machine(view, &check.machine);
    view.addrs.values().filter(move |row| Some(row.node) == node).filter_map(move |row| {
        let iface = view.ifaces.get(&(row.node, row.iface))?;
        match row.addr {
            IpAddr::V4(addr) if !iface.loopback => {
                Some((Cidr::new(addr, row.prefix), iface.name.as_str(), row.dynamic))
            }
            _ => None,
        }
    })
}

pub(super) fn fits(check: &AddressCheck, (cidr, iface, dynamic): (Cidr, &str, bool)) -> bool {
    check.iface.as_ref().is_none_or(|wanted| wanted == iface)
        && check.within.is_none_or(|net| net.contains(cidr.addr))
        && check.prefix.is_none_or(|prefix| prefix == cidr.prefix)
        && check.dynamic.is_none_or(|wanted| wanted == dynamic)
}

/// Gateways of the machine's routes to that destination.
pub(super) fn gateways<'a>(check: &'a RouteCheck, view: &'a LabView) -> impl Iterator<Item = Option<Ipv4Addr>> + 'a {
    let node = machine(view, &check.machine);
    view.routes.values().filter(move |row| Some(row.node) == node && row.dst == check.to.0).map(|row| row.via)
}

/// The address of the machine's lease.
pub(super) fn lease(check: &LeaseCheck, view: &LabView) -> Option<Ipv4Addr> {
    let node = machine(view, &check.machine)?;
    let ours = |mac| view.ifaces.values().any(|iface| iface.node == node && iface.mac == mac);
    // A real machine's card has a MAC of its own: what counts is who serves the other end of its cable.
    let served = |server| is_real(view, node) && neighbours(view, node).any(|other| other == server);
    let by = |server| check.server.as_ref().is_none_or(|name| machine(view, name) == Some(server));
    let fits = |row: &&LeaseRow| row.state == check.state && by(row.server) && (ours(row.mac) || served(row.server));
    view.leases.values().find(fits).map(|row| row.addr)
}

/// A real machine stands here: its inside is not visible.
fn is_real(view: &LabView, node: NodeId) -> bool {
    view.nodes.get(&node).is_some_and(|row| row.real)
}

/// The nodes at the other ends of a node's cables.
fn neighbours(view: &LabView, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    view.links.values().filter_map(move |link| match (link.a.node, link.b.node) {
        (a, b) if a == node => Some(b),
        (a, b) if b == node => Some(a),
        _ => None,
    })
}

/// The gateway of the default route with the smallest metric.
fn gateway_of(name: &str, view: &LabView) -> Option<Ipv4Addr> {
    let node = machine(view, name)?;
    if is_real(view, node) {
        // Its routes cannot be seen; the router that its DHCP server hands out can.
        return neighbours(view, node)
            .find_map(|other| view.dhcp_servers.values().find(|row| row.node == other)?.router);
    }
    let defaults = view.routes.values().filter(|row| row.node == node && row.dst == Cidr::DEFAULT);
    defaults.min_by_key(|row| row.metric).and_then(|row| row.via)
}

fn address_of(end: &CableEnd, view: &LabView) -> Option<Ipv4Addr> {
    let check = AddressCheck { machine: end.node.clone(), iface: end.iface.clone(), ..AddressCheck::default() };
    addresses(&check, view).find(|found| fits(&check, *found)).map(|(cidr, ..)| cidr.addr)
}

pub(super) fn matches(check: &FrameCheck, sent: &FrameSent, view: &LabView) -> bool {
    let here =
        |port: Port| {
            machine(view, &check.at.node) == Some(port.node)
                && check.at.iface.as_ref().is_none_or(|name| {
                    view.ifaces.get(&(port.node, port.index)).is_some_and(|iface| &iface.name == name)
                })
        };
    let place = match check.direction {
        Direction::Out => here(sent.from),
        Direction::In => here(sent.to),
        Direction::Any => here(sent.from) || here(sent.to),
    };
    if !place {
        return false;
    }
    let fields = frame_fields(&sent.bytes.0);
    check.fields.iter().all(|(name, value)| fields.get(name.as_str()) == Some(value)) && passes(&check.filter, sent)
}
