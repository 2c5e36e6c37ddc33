//! Which route a packet takes, worked out from the tables of a view as the machine itself works it out: longest prefix,
//! then the smallest metric; routes of interfaces that are down do not count.

use core::net::{IpAddr, Ipv4Addr};
use std::cmp::Reverse;

use super::{LabView, NeighRow, RouteRow};
use crate::id::NodeId;

/// How a packet goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way<'a> {
    /// To the machine itself.
    Local,
    /// To everybody on the cable of this interface.
    Broadcast(u32),
    /// By this route.
    Route(&'a RouteRow),
    /// There is no route.
    None,
}

/// Why a route of the table is not the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is the one.
    Chosen,
    /// The destination is not in its network.
    Elsewhere,
    /// Its interface is down.
    Down,
    /// Another one is more exact.
    Shorter,
    /// Another one of the same length has a smaller metric.
    Metric,
}

/// Whether the route's interface is up.
fn usable(view: &LabView, route: &RouteRow) -> bool {
    view.ifaces.get(&(route.node, route.iface)).is_some_and(|iface| iface.up)
}

/// The machine's routes in the kernel's order: by address, the longer prefix first, then by metric.
pub fn in_order(view: &LabView, node: NodeId) -> Vec<&RouteRow> {
    let mut routes: Vec<_> = view.routes.values().filter(|route| route.node == node).collect();
    routes.sort_by_key(|route| (route.dst.addr, Reverse(route.dst.prefix), route.metric));
    routes
}

/// The way that a packet from `node` to `dst` takes.
pub fn way(view: &LabView, node: NodeId, dst: Ipv4Addr) -> Way<'_> {
    let is_own = |row: &&super::AddrRow| row.node == node && row.addr == IpAddr::V4(dst);
    if dst.is_loopback() || view.addrs.values().any(|row| is_own(&row)) {
        return Way::Local;
    }
    if dst.is_broadcast() {
        let up = view.ifaces.values().find(|iface| iface.node == node && !iface.loopback && iface.up);
        return up.map_or(Way::None, |iface| Way::Broadcast(iface.index));
    }
    let fitting = in_order(view, node).into_iter().filter(|route| route.dst.contains(dst) && usable(view, route));
    fitting.min_by_key(|route| (Reverse(route.dst.prefix), route.metric)).map_or(Way::None, Way::Route)
}

/// Why `route` is, or is not, the way to `dst`.
pub fn fit(view: &LabView, route: &RouteRow, dst: Ipv4Addr) -> Fit {
    if !route.dst.contains(dst) {
        return Fit::Elsewhere;
    }
    if !usable(view, route) {
        return Fit::Down;
    }
    match way(view, route.node, dst) {
        Way::Route(best) if best.key() == route.key() => Fit::Chosen,
        Way::Route(best) if best.dst.prefix > route.dst.prefix => Fit::Shorter,
        Way::Route(_) => Fit::Metric,
        _ => Fit::Elsewhere,
    }
}

/// What the machine knows of the neighbour that a packet is handed to.
pub fn neighbour(view: &LabView, node: NodeId, iface: u32, next_hop: Ipv4Addr) -> Option<&NeighRow> {
    view.neighs.get(&(node, iface, next_hop))
}
