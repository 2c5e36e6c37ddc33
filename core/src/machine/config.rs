//! Changes of a machine's configuration: links, addresses, routes; and what Linux does by itself when one of them
//! changes (connected routes, routes that go with their interface).

use super::Machine;
use super::ctx::Ctx;
use super::iface::{IfAddr, Iface, LOOPBACK, MTU_MIN};
use super::route::Route;
use crate::addr::Cidr;
use crate::programs::{Errno, LinkChange, NewAddr, PutMode, RouteSpec};
use crate::view::{Key, RouteProto, RouteRow, Row, Scope};

/// Largest MTU of an Ethernet card here.
const MTU_MAX: u32 = 9_000;

impl Machine {
    pub(super) fn route_row(&self, route: &Route) -> RouteRow {
        let linkdown = self.ifaces.get(route.iface).is_some_and(|iface| !iface.carrier);
        route.row(self.node, linkdown)
    }

    /// Shows an interface and its IPv6 address; `ipv6_before`: the key of the address it had.
    pub(super) fn show_iface(&self, ctx: &mut Ctx<'_>, index: u32, ipv6_before: Option<Key>) {
        let Some(iface) = self.ifaces.get(index) else { return };
        ctx.put(Row::Iface(iface.row(self.node)));
        match (ipv6_before, iface.ipv6_row(self.node)) {
            (before, Some(row)) => {
                let row = Row::Addr(row);
                if let Some(before) = before.filter(|before| *before != row.key()) {
                    ctx.del(before);
                }
                ctx.put(row);
            }
            (Some(before), None) => ctx.del(before),
            (None, None) => {}
        }
    }

    pub(super) fn ipv6_key(&self, index: u32) -> Option<Key> {
        self.ifaces.get(index)?.ipv6_row(self.node).map(|row| Key::Addr(row.key()))
    }

    /// The cable of an interface has something alive at its other end, or not any more.
    pub fn set_carrier(&mut self, ctx: &mut Ctx<'_>, index: u32, carrier: bool) {
        let before = self.ipv6_key(index);
        match self.ifaces.get_mut(index) {
            Some(iface) if iface.carrier != carrier => iface.carrier = carrier,
            _ => return,
        }
        self.update_link_local(ctx.now, index);
        self.show_iface(ctx, index, before);
        let rows: Vec<_> = self.routes.iter().filter(|r| r.iface == index).map(|r| self.route_row(r)).collect();
        for row in rows {
            ctx.put(Row::Route(row));
        }
        if !carrier {
            self.flush_neighbours(ctx, index);
        }
    }

    pub(super) fn change_link(&mut self, ctx: &mut Ctx<'_>, index: u32, change: LinkChange) -> Result<(), Errno> {
        let before = self.ipv6_key(index);
        let taken = change.name.as_ref().is_some_and(|name| self.ifaces.by_name(name).is_some());
        let iface = self.ifaces.get_mut(index).ok_or(Errno::ENODEV)?;
        if change.mtu.is_some_and(|mtu| !(MTU_MIN..=if index == LOOPBACK { 65_536 } else { MTU_MAX }).contains(&mtu)) {
            return Err(Errno::EINVAL);
        }
        if change.mac.is_some_and(|mac| !mac.is_unicast()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if taken {
            return Err(Errno::EEXIST);
        }
        let was_up = iface.up;
        iface.mtu = change.mtu.unwrap_or(iface.mtu);
        iface.mac = change.mac.unwrap_or(iface.mac);
        iface.name = change.name.clone().unwrap_or_else(|| iface.name.clone());
        iface.up = change.up.unwrap_or(iface.up);
        iface.promisc = change.promisc.unwrap_or(iface.promisc);
        let is_up = iface.up;
        if change.mac.is_some() {
            self.forget_link_local(index);
        }
        self.update_link_local(ctx.now, index);
        self.show_iface(ctx, index, before);
        if is_up && !was_up {
            let cidrs: Vec<_> = self.ifaces.get(index).map(|iface| iface.addrs.clone()).unwrap_or_default();
            for addr in cidrs {
                self.add_connected(ctx, index, &addr);
            }
        }
        if was_up && (!is_up || change.mac.is_some()) {
            self.flush_neighbours(ctx, index);
        }
        if was_up && !is_up {
            self.forget_masquerade(ctx, index, None);
            self.drop_routes(ctx, |route| route.iface == index);
        }
        Ok(())
    }

    /// The route to an address's own network, which the kernel adds when the interface is up.
    fn add_connected(&mut self, ctx: &mut Ctx<'_>, index: u32, addr: &IfAddr) {
        if addr.cidr.prefix == 32 || addr.secondary || addr.cidr.addr.is_loopback() {
            return;
        }
        let route = Route {
            dst: addr.cidr.network(),
            via: None,
            iface: index,
            src: Some(addr.cidr.addr),
            metric: 0,
            proto: RouteProto::Kernel,
            scope: Scope::Link,
        };
        let row = self.route_row(&route);
        if self.routes.put(route, PutMode::Append).is_ok() {
            ctx.put(Row::Route(row));
        }
    }

    fn drop_routes(&mut self, ctx: &mut Ctx<'_>, gone: impl Fn(&Route) -> bool) {
        for route in self.routes.take(gone) {
            self.path_mtus.clear();
            ctx.del(Key::Route(route.row(self.node, false).key()));
        }
    }

    pub(super) fn put_addr(&mut self, ctx: &mut Ctx<'_>, new: &NewAddr, mode: PutMode) -> Result<(), Errno> {
        let iface = self.ifaces.get_mut(new.iface).ok_or(Errno::ENODEV)?;
        let known = iface.addrs.iter().any(|addr| addr.cidr == new.cidr);
        iface.put_addr(new, mode)?;
        iface.conf.keep();
        let up = iface.up;
        let Some(addr) = iface.addrs.iter().find(|addr| addr.cidr == new.cidr).cloned() else { return Ok(()) };
        if let Some(iface) = self.ifaces.get(new.iface) {
            ctx.put(Row::Addr(iface.addr_row(self.node, &addr)));
        }
        if up && !known {
            self.add_connected(ctx, new.iface, &addr);
        }
        Ok(())
    }

    /// The secondary addresses of a primary that is deleted go before it.
    fn del_secondaries(&mut self, ctx: &mut Ctx<'_>, index: u32, primary: Cidr) {
        let Some(iface) = self.ifaces.get(index) else { return };
        let of_it = |a: &&IfAddr| a.secondary && a.cidr.prefix == primary.prefix && primary.contains(a.cidr.addr);
        let gone: Vec<Cidr> = iface.addrs.iter().filter(of_it).map(|a| a.cidr).collect();
        for cidr in gone {
            let _ = self.del_addr(ctx, index, cidr);
        }
    }

    pub(super) fn del_addr(&mut self, ctx: &mut Ctx<'_>, index: u32, cidr: Cidr) -> Result<(), Errno> {
        let node = self.node;
        let iface = self.ifaces.get(index).ok_or(Errno::ENODEV)?;
        let promote = self.sysctl.either(iface, |conf| conf.promote_secondaries);
        let iface = self.ifaces.get_mut(index).ok_or(Errno::ENODEV)?;
        let removed = iface.del_addr(cidr, promote)?;
        if !removed.secondary && !promote {
            self.del_secondaries(ctx, index, removed.cidr);
        }
        let iface = self.ifaces.get(index).ok_or(Errno::ENODEV)?;
        ctx.del(Key::Addr(iface.addr_row(node, &removed).key()));
        let network = removed.cidr.network();
        let heir = iface.addrs.iter().find(|a| !a.secondary && a.cidr.network() == network).cloned();
        if let Some(heir) = &heir {
            let row = iface.addr_row(node, heir);
            ctx.put(Row::Addr(row));
        }
        let up = iface.up;
        let gone = removed.cidr.addr;
        self.forget_masquerade(ctx, index, Some(gone));
        let elsewhere = self.ifaces.is_local(gone);
        if !removed.secondary {
            self.drop_routes(ctx, |r| {
                r.iface == index && r.proto == RouteProto::Kernel && r.dst == network && r.src == Some(gone)
            });
        }
        if !elsewhere {
            // Routes with the address as their source go too (net/ipv4/fib_frontend.c `fib_sync_down_addr`), and those
            // whose gateway cannot be reached any more stay, as on Linux.
            self.drop_routes(ctx, |r| r.src == Some(gone));
        }
        if let Some(heir) = heir.filter(|_| up) {
            self.add_connected(ctx, index, &heir);
        }
        // The last address of an interface takes all its routes along (`fib_disable_ip`).
        if self.ifaces.get(index).is_some_and(|iface| iface.addrs.is_empty()) {
            self.drop_routes(ctx, |r| r.iface == index);
            self.flush_neighbours(ctx, index);
        }
        Ok(())
    }

    pub(super) fn put_route(&mut self, ctx: &mut Ctx<'_>, spec: &RouteSpec, mode: PutMode) -> Result<(), Errno> {
        if spec.dst.network() != spec.dst {
            return Err(Errno::EINVAL);
        }
        let iface = match (spec.via, spec.iface) {
            (None, None) => return Err(Errno::ENODEV),
            (None, Some(index)) => index,
            (Some(_), Some(index)) if spec.onlink => index,
            (Some(via), wanted) => self.gateway_iface(via, wanted)?,
        };
        if !self.ifaces.get(iface).ok_or(Errno::ENODEV)?.up {
            return Err(Errno::ENETDOWN);
        }
        if spec.src.is_some_and(|src| !self.ifaces.is_local(src)) {
            return Err(Errno::EINVAL);
        }
        let route = Route {
            dst: spec.dst,
            via: spec.via,
            iface,
            src: spec.src,
            metric: spec.metric.unwrap_or(0),
            proto: spec.proto.unwrap_or(RouteProto::Boot),
            scope: spec.scope.unwrap_or(if spec.via.is_some() { Scope::Global } else { Scope::Link }),
        };
        let row = self.route_row(&route);
        let replaced = self.routes.put(route, mode)?;
        self.path_mtus.clear();
        if let Some(old) = replaced {
            let old = old.row(self.node, false).key();
            if old != row.key() {
                ctx.del(Key::Route(old));
            }
        }
        ctx.put(Row::Route(row));
        Ok(())
    }

    /// The interface behind which a gateway is a neighbour.
    fn gateway_iface(&self, via: core::net::Ipv4Addr, wanted: Option<u32>) -> Result<u32, Errno> {
        if self.ifaces.is_local(via) {
            return Err(Errno::EINVAL);
        }
        let usable = |route: &Route| {
            route.scope >= Scope::Link
                && route.via.is_none()
                && wanted.is_none_or(|index| index == route.iface)
                && self.ifaces.get(route.iface).is_some_and(|iface| iface.up)
        };
        self.routes.lookup(via, usable).map(|route| route.iface).ok_or(Errno::ENETUNREACH)
    }

    pub(super) fn del_route(&mut self, ctx: &mut Ctx<'_>, spec: &RouteSpec) -> Result<(), Errno> {
        let route = self.routes.del(spec)?;
        self.path_mtus.clear();
        ctx.del(Key::Route(route.row(self.node, false).key()));
        Ok(())
    }

    /// Addresses whose lifetime is over.
    pub(super) fn expire_addrs(&mut self, ctx: &mut Ctx<'_>) {
        let due: Vec<_> = self
            .ifaces
            .iter()
            .flat_map(|iface| iface.addrs.iter().map(move |addr| (iface.index, addr)))
            .filter(|(_, addr)| addr.valid_until.is_some_and(|at| at <= ctx.now))
            .map(|(index, addr)| (index, addr.cidr))
            .collect();
        for (index, cidr) in due {
            let _ = self.del_addr(ctx, index, cidr);
        }
    }

    /// When the next address's lifetime is over.
    pub(super) fn next_expiry(&self) -> Option<crate::time::SimTime> {
        self.ifaces.iter().flat_map(|iface| &iface.addrs).filter_map(|addr| addr.valid_until).min()
    }

    /// Takes an interface away with its addresses, routes and neighbours.
    pub fn remove_iface(&mut self, ctx: &mut Ctx<'_>, index: u32) {
        let down = LinkChange { up: Some(false), ..LinkChange::default() };
        if self.change_link(ctx, index, down).is_err() {
            return;
        }
        let cidrs: Vec<_> = self.ifaces.get(index).map(|iface| iface.addrs.clone()).unwrap_or_default();
        for addr in cidrs {
            let _ = self.del_addr(ctx, index, addr.cidr);
        }
        // With the interface even those go that were set by hand.
        for (key, packets) in self.neighs.flush(index, false) {
            self.say_forgotten(ctx, key, packets);
        }
        if let Some(iface) = self.ifaces.remove(index) {
            ctx.del(Key::Iface(iface.row(self.node).key()));
        }
    }

    /// Adds an interface that nobody has configured.
    pub fn add_iface(&mut self, ctx: &mut Ctx<'_>, iface: Iface) {
        let index = iface.index;
        self.ifaces.add(Iface { conf: self.sysctl.default.clone(), ..iface });
        self.show_iface(ctx, index, None);
    }
}
