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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::addr::{Cidr, MacAddr};
    use crate::machine::route::{Route, Routes};
    use crate::programs::PutMode;
    use crate::view::{IfaceRow, RouteProto, Row, Scope};

    const NODE: NodeId = NodeId(1);

    fn iface(index: u32, up: bool) -> Row {
        Row::Iface(IfaceRow {
            node: NODE,
            index,
            name: format!("eth{index}"),
            mac: MacAddr([2, 0, 0, 0, 0, index as u8]),
            mtu: 1500,
            up,
            carrier: true,
            loopback: false,
            promisc: false,
        })
    }

    proptest! {
        /// Few networks, so that they overlap often.
        #[test]
        fn the_way_is_the_one_that_the_machine_itself_takes(
            routes in prop::collection::vec((0u8..4, 0u8..4, prop::sample::select(vec![0u8, 8, 16, 24, 32]), 0u32..3, 2u32..5), 0..12),
            up in prop::collection::vec(any::<bool>(), 3),
            dst in (0u8..4, 0u8..4),
        ) {
            let mut table = Routes::default();
            for (b, c, prefix, metric, iface) in routes {
                let dst = Cidr::new(Ipv4Addr::new(10, b, c, 1), prefix).network();
                let (proto, scope) = (RouteProto::Boot, Scope::Link);
                let route = Route { dst, via: None, iface, src: None, metric, proto, scope };
                let _ = table.put(route, PutMode::Create);
            }
            let mut view = LabView::default();
            for (index, up) in (2..).zip(&up) {
                view.put(iface(index, *up));
            }
            for route in table.iter() {
                view.put(Row::Route(route.row(NODE, false)));
            }
            let dst = Ipv4Addr::new(10, dst.0, dst.1, 1);
            let own = table.lookup(dst, |route| up[route.iface as usize - 2]).map(|route| route.row(NODE, false));
            let seen = match way(&view, NODE, dst) {
                Way::Route(route) => Some(route.clone()),
                _ => None,
            };
            prop_assert_eq!(&seen, &own);
            let chosen = view.routes.values().filter(|route| fit(&view, route, dst) == Fit::Chosen).count();
            prop_assert_eq!(chosen, usize::from(own.is_some()));
        }
    }
}
