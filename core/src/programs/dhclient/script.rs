//! What Debian's /sbin/dhclient-script does: addresses, routes, /etc/resolv.conf.

use core::net::{IpAddr, Ipv4Addr};

use super::super::{Errno, Kernel, LinkChange, NewAddr, PutMode, RouteSpec};
use crate::addr::Cidr;
use crate::dhcp::{BoundLease, option};
use crate::view::Scope;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// BOUND and REBOOT.
pub(super) fn bound(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) {
    // The script runs `ip addr add`, and its complaint is seen.
    if let Err(error) = put(kernel, index, lease, PutMode::Create) {
        super::say(kernel, &format!("RTNETLINK answers: {}\n", error.text()));
    }
    set_mtu_and_routes(kernel, index, lease);
    write_resolv_conf(kernel, lease);
}

fn set_mtu_and_routes(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) {
    // "such a low MTU can cause problems": 576 and below are ignored.
    let mtu = lease.ack.get(option::INTERFACE_MTU).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
    if let Some(mtu) = mtu.map(u16::from_be_bytes).filter(|mtu| *mtu > 576) {
        let _ = kernel.link_set(index, LinkChange { mtu: Some(u32::from(mtu)), ..LinkChange::default() });
    }
    // Debian's exit hook rfc3442-classless-routes; where there are such routes, routers are ignored (RFC 3442).
    let classless = lease.ack.get(option::CLASSLESS_ROUTES).map(option::classless_routes).unwrap_or_default();
    for (dst, via) in &classless {
        add_route(kernel, index, *dst, (!via.is_unspecified()).then_some(*via), None);
    }
    if !classless.is_empty() {
        return;
    }
    let routers = lease.ack.get(option::ROUTERS).map(option::addresses).unwrap_or_default();
    for (metric, router) in (1..).zip(&routers) {
        if lease.cidr.prefix == 32 {
            add_route(kernel, index, Cidr::new(*router, 32), None, None);
        }
        add_route(kernel, index, Cidr::DEFAULT, Some(*router), (routers.len() > 1).then_some(metric));
    }
}

/// `ip -4 route add`; its complaints go to /dev/null.
fn add_route(kernel: &mut dyn Kernel, index: u32, dst: Cidr, via: Option<Ipv4Addr>, metric: Option<u32>) {
    let route = RouteSpec { dst, via, iface: Some(index), src: None, metric, proto: None, scope: None, onlink: false };
    let _ = kernel.route_put(route, PutMode::Create);
}

/// TIMEOUT: the recorded lease is tried; whether it has a router to ask.
pub(super) fn try_recorded(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) -> Option<Ipv4Addr> {
    let _ = put(kernel, index, lease, PutMode::Create);
    lease.ack.router()
}

/// TIMEOUT, when the router answered.
pub(super) fn recorded_works(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) {
    set_mtu_and_routes(kernel, index, lease);
    write_resolv_conf(kernel, lease);
}

/// RENEW and REBIND with the same address.
pub(super) fn renewed(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) {
    let _ = put(kernel, index, lease, PutMode::Replace);
    write_resolv_conf(kernel, lease);
}

fn put(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease, mode: PutMode) -> Result<(), Errno> {
    // Where the server names none, dhclient works it out from the mask (client/dhclient.c, `script_write_params`).
    let told = lease.ack.get(option::BROADCAST_ADDRESS).and_then(|bytes| option::addresses(bytes).first().copied());
    let broadcast = told.or((lease.cidr.prefix < 31).then(|| lease.cidr.broadcast()));
    let addr = NewAddr {
        iface: index,
        cidr: lease.cidr,
        broadcast,
        scope: Scope::Global,
        // The script counts from now on, not from the REQUEST.
        valid_until: Some(kernel.now() + lease_time(kernel, lease)),
        label: None,
    };
    kernel.addr_put(addr, mode)
}

/// A lease that was read back from the file lasts as long as it still does.
fn lease_time(kernel: &dyn Kernel, lease: &BoundLease) -> core::time::Duration {
    let begin = if lease.since == lease.expires { kernel.now().min(lease.expires) } else { lease.since };
    lease.expires.since(begin)
}

/// EXPIRE, FAIL, RELEASE, STOP: the interface loses its IPv4 addresses.
pub(super) fn flush(kernel: &mut dyn Kernel, index: u32) {
    for row in kernel.addrs() {
        if let (IpAddr::V4(addr), true) = (row.addr, row.iface == index) {
            let _ = kernel.addr_del(index, Cidr::new(addr, row.prefix));
        }
    }
}

/// `make_resolv_conf` of Debian's script.
pub(in super::super) fn write_resolv_conf(kernel: &mut dyn Kernel, lease: &BoundLease) {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>();
    let domain = lease.ack.domain().map(|domain| clean(&domain)).filter(|domain| !domain.is_empty());
    let search = lease.ack.get(option::DOMAIN_SEARCH).and_then(option::names).filter(|names| !names.is_empty());
    let servers = lease.ack.dns();
    if domain.is_none() && search.is_none() && servers.is_empty() {
        return;
    }
    let mut text = domain.iter().map(|domain| format!("domain {domain}\n")).collect::<String>();
    match (&search, &domain) {
        (Some(names), _) => {
            let listed = names.iter().any(|name| Some(name) == domain.as_ref());
            let mut words: Vec<String> = domain.iter().filter(|_| !listed).cloned().collect();
            words.extend(names.iter().map(|name| format!("{name}.")));
            text.push_str(&format!("search {}\n", words.join(" ")));
        }
        (None, Some(domain)) => text.push_str(&format!("search {domain}\n")),
        (None, None) => {}
    }
    if servers.is_empty() {
        // The old ones are kept.
        let old = kernel.read_file(RESOLV_CONF).unwrap_or_default();
        text.extend(old.lines().filter(|line| line.starts_with("nameserver")).map(|line| format!("{line}\n")));
    }
    text.extend(servers.iter().map(|server| format!("nameserver {server}\n")));
    let _ = kernel.write_file(RESOLV_CONF, text);
}
