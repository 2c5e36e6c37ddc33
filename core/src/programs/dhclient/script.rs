//! What Debian's /sbin/dhclient-script does: addresses, routes, /etc/resolv.conf.

use core::net::IpAddr;

use super::super::{Errno, Kernel, NewAddr, PutMode, RouteSpec};
use crate::addr::Cidr;
use crate::dhcp::{BoundLease, option};
use crate::view::Scope;

/// BOUND and REBOOT.
pub(super) fn bound(kernel: &mut dyn Kernel, index: u32, lease: &BoundLease) {
    // The script runs `ip addr add`, and its complaint is seen.
    if let Err(error) = put(kernel, index, lease, PutMode::Create) {
        super::say(kernel, &format!("RTNETLINK answers: {}\n", error.text()));
    }
    let routers = lease.ack.get(option::ROUTERS).map(option::addresses).unwrap_or_default();
    for (metric, router) in (1..).zip(&routers) {
        let route = RouteSpec {
            dst: Cidr::DEFAULT,
            via: Some(*router),
            iface: Some(index),
            src: None,
            metric: (routers.len() > 1).then_some(metric),
            proto: None,
            scope: None,
            onlink: false,
        };
        // Its complaints go to /dev/null.
        let _ = kernel.route_put(route, PutMode::Create);
    }
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
        valid_until: Some(kernel.now() + lease.expires.since(lease.since)),
        label: None,
    };
    kernel.addr_put(addr, mode)
}

/// EXPIRE, FAIL, RELEASE, STOP: the interface loses its IPv4 addresses.
pub(super) fn flush(kernel: &mut dyn Kernel, index: u32) {
    for row in kernel.addrs() {
        if let (IpAddr::V4(addr), true) = (row.addr, row.iface == index) {
            let _ = kernel.addr_del(index, Cidr::new(addr, row.prefix));
        }
    }
}

fn write_resolv_conf(kernel: &mut dyn Kernel, lease: &BoundLease) {
    let domain = lease.ack.domain();
    let servers = lease.ack.dns();
    if domain.is_none() && servers.is_empty() {
        return;
    }
    let mut text = String::new();
    if let Some(domain) = domain {
        let domain: String = domain.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
        text.push_str(&format!("domain {domain}\nsearch {domain}\n"));
    }
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    let _ = kernel.write_file("/etc/resolv.conf", text);
}
