//! A machine's main routing table, as `ip route` shows it, and the choice it makes (longest prefix, then metric).

use core::net::Ipv4Addr;
use std::cmp::Reverse;

use crate::addr::Cidr;
use crate::id::NodeId;
use crate::programs::{Errno, PutMode, RouteSpec};
use crate::view::{RouteProto, RouteRow, Scope};

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination network.
    pub dst: Cidr,
    /// Gateway.
    pub via: Option<Ipv4Addr>,
    /// Interface index.
    pub iface: u32,
    /// Preferred source.
    pub src: Option<Ipv4Addr>,
    /// Smaller wins among equals.
    pub metric: u32,
    /// Who made it.
    pub proto: RouteProto,
    /// How far it reaches.
    pub scope: Scope,
}

impl Route {
    /// The row of `ip route`.
    pub fn row(&self, node: NodeId, linkdown: bool) -> RouteRow {
        RouteRow {
            node,
            dst: self.dst,
            via: self.via,
            iface: self.iface,
            src: self.src,
            metric: self.metric,
            proto: self.proto,
            scope: self.scope,
            linkdown,
        }
    }

    /// Whether a deletion that was specified so means this route.
    fn matches(&self, spec: &RouteSpec) -> bool {
        self.dst == spec.dst.network()
            && spec.via.is_none_or(|via| self.via == Some(via))
            && spec.iface.is_none_or(|iface| self.iface == iface)
            && spec.src.is_none_or(|src| self.src == Some(src))
            && spec.metric.is_none_or(|metric| self.metric == metric)
            && spec.proto.is_none_or(|proto| self.proto == proto)
            && spec.scope.is_none_or(|scope| self.scope == scope)
    }
}

/// The table, in the order in which the kernel lists it.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// In the kernel's order: by address, the longer prefix first, then by metric.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The best usable route: longest prefix, then smallest metric, then the older.
    pub fn lookup(&self, dst: Ipv4Addr, usable: impl Fn(&Route) -> bool) -> Option<&Route> {
        self.0
            .iter()
            .filter(|route| route.dst.contains(dst) && usable(route))
            .min_by_key(|route| (Reverse(route.dst.prefix), route.metric))
    }

    /// Adds or changes a route.
    ///
    /// # Errors
    /// `EEXIST` for a new one that is there, `ENOENT` for a change of one that is not.
    pub fn put(&mut self, route: Route, mode: PutMode) -> Result<Option<Route>, Errno> {
        let same = |r: &Route| r.dst == route.dst && r.metric == route.metric;
        let existing = self.0.iter().position(same);
        match (existing, mode) {
            (Some(_), PutMode::Create) => return Err(Errno::EEXIST),
            (None, PutMode::Change) => return Err(Errno::ENOENT),
            (Some(at), PutMode::Change | PutMode::Replace) => {
                return Ok(Some(core::mem::replace(&mut self.0[at], route)));
            }
            (Some(_), PutMode::Append) if self.0.contains(&route) => return Err(Errno::EEXIST),
            _ => {}
        }
        let key = |r: &Route| (r.dst.addr, Reverse(r.dst.prefix), r.metric);
        let at = self.0.partition_point(|r| key(r) <= key(&route));
        self.0.insert(at, route);
        Ok(None)
    }

    /// Deletes the first route that matches.
    ///
    /// # Errors
    /// `ESRCH` when none does.
    pub fn del(&mut self, spec: &RouteSpec) -> Result<Route, Errno> {
        let at = self.0.iter().position(|route| route.matches(spec)).ok_or(Errno::ESRCH)?;
        Ok(self.0.remove(at))
    }

    /// Removes and returns all routes for which `gone` holds.
    pub fn take(&mut self, gone: impl Fn(&Route) -> bool) -> Vec<Route> {
        let (taken, kept) = core::mem::take(&mut self.0).into_iter().partition(gone);
        self.0 = kept;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(dst: &str, iface: u32, metric: u32) -> Route {
        Route {
            dst: dst.parse().unwrap(),
            via: None,
            iface,
            src: None,
            metric,
            proto: RouteProto::Boot,
            scope: Scope::Link,
        }
    }

    #[test]
    fn the_longest_prefix_wins_then_the_smallest_metric() {
        let mut routes = Routes::default();
        for r in [
            route("0.0.0.0/0", 1, 0),
            route("10.0.0.0/8", 2, 0),
            route("10.0.2.0/24", 3, 5),
            route("10.0.2.0/24", 4, 1),
        ] {
            routes.put(r, PutMode::Create).unwrap();
        }
        let best = |addr: [u8; 4]| routes.lookup(addr.into(), |_| true).unwrap().iface;
        assert_eq!(best([10, 0, 2, 7]), 4);
        assert_eq!(best([10, 9, 9, 9]), 2);
        assert_eq!(best([8, 8, 8, 8]), 1);
        let without = routes.lookup([10, 0, 2, 7].into(), |r| r.iface != 4).unwrap().iface;
        assert_eq!(without, 3, "an unusable route is passed over");
    }

    #[test]
    fn the_list_has_the_default_first_and_then_ascending_networks() {
        let mut routes = Routes::default();
        for r in [route("192.168.0.0/24", 1, 0), route("10.0.2.0/24", 1, 0), route("0.0.0.0/0", 1, 0)] {
            routes.put(r, PutMode::Create).unwrap();
        }
        let order: Vec<_> = routes.iter().map(|r| r.dst.to_string()).collect();
        assert_eq!(order, ["0.0.0.0/0", "10.0.2.0/24", "192.168.0.0/24"]);
    }

    #[test]
    fn a_second_route_with_the_same_destination_and_metric_is_refused() {
        let mut routes = Routes::default();
        routes.put(route("10.0.2.0/24", 1, 0), PutMode::Create).unwrap();
        assert_eq!(routes.put(route("10.0.2.0/24", 2, 0), PutMode::Create), Err(Errno::EEXIST));
        assert!(routes.put(route("10.0.2.0/24", 2, 7), PutMode::Create).is_ok());
    }
}
