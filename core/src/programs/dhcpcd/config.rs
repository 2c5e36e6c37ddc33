//! What dhcpcd writes: its identity, lease files, addresses and routes, /etc/resolv.conf.

use core::fmt::Write as _;
use core::net::Ipv4Addr;

use super::super::{Kernel, NewAddr, PutMode, RouteSpec};
use crate::addr::{Cidr, MacAddr};
use crate::dhcp::{BoundLease, Message, option};
use crate::time::SimTime;
use crate::view::{RouteProto, Scope};

const DUID_FILE: &str = "/var/lib/dhcpcd/duid";
/// Seconds from 2000-01-01, where DUIDs count from (RFC 8415 11.2), to lab time 0 (2026-01-01).
const DUID_EPOCH_SECS: u64 = 820_454_400;
/// Without a metric, an interface's routes have this and its index (src/if.c).
const METRIC_BASE: u32 = 1000;

/// `01:02:03`.
pub(super) fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
}

/// The machine's identifier, made at the first start: by link-layer address and time (RFC 8415 11.2).
pub(super) fn duid(kernel: &mut dyn Kernel, mac: MacAddr) -> Vec<u8> {
    if let Ok(text) = kernel.read_file(DUID_FILE)
        && text.trim().len() >= 8
    {
        return crate::lab::hex_bytes(&text);
    }
    let secs = (DUID_EPOCH_SECS + kernel.now().as_secs()) as u32;
    let duid = [&[0, 1, 0, 1][..], &secs.to_be_bytes(), &mac.0].concat();
    let _ = kernel.write_file(DUID_FILE, colons(&duid) + "\n");
    duid
}

pub(super) fn lease_file(iface: &str) -> String {
    format!("/var/lib/dhcpcd/{iface}.lease")
}

/// Keeps the server's answer; the real file holds its bytes, ours the same in hexadecimal after the lease's end.
pub(super) fn write_lease(kernel: &mut dyn Kernel, iface: &str, lease: &BoundLease) {
    let text = format!("{} {}\n", lease.expires.as_secs(), colons(&lease.ack.emit()));
    let _ = kernel.write_file(&lease_file(iface), text);
}

pub(super) fn forget_lease(kernel: &mut dyn Kernel, iface: &str) {
    let _ = kernel.write_file(&lease_file(iface), String::new());
}

/// The address of a lease that still runs.
pub(super) fn remembered(kernel: &dyn Kernel, iface: &str) -> Option<Ipv4Addr> {
    let text = kernel.read_file(&lease_file(iface)).ok()?;
    let (expires, bytes) = text.trim().split_once(' ')?;
    let runs = SimTime::from_secs(expires.parse().ok()?) > kernel.now();
    Message::parse(&crate::lab::hex_bytes(bytes)).ok().map(|ack| ack.yiaddr).filter(|_| runs)
}

/// `leased 10.0.2.15 for 600 seconds`.
pub(super) fn leased(lease: &BoundLease) -> String {
    match lease.ack.lease_secs() {
        Some(u32::MAX) => format!("leased {} for infinity", lease.cidr.addr),
        _ => format!("leased {} for {} seconds", lease.cidr.addr, lease.expires.since(lease.since).as_secs()),
    }
}

pub(super) fn put_address(kernel: &mut dyn Kernel, iface: u32, lease: &BoundLease) {
    let told = lease.ack.get(option::BROADCAST_ADDRESS).and_then(|bytes| option::addresses(bytes).first().copied());
    let addr = NewAddr {
        iface,
        cidr: lease.cidr,
        broadcast: told.or((lease.cidr.prefix < 31).then(|| lease.cidr.broadcast())),
        scope: Scope::Global,
        valid_until: Some(lease.expires),
        label: None,
    };
    let _ = kernel.addr_put(addr, PutMode::Replace);
}

/// The network's route and those that the server named; what is said of them.
pub(super) fn put_network(kernel: &mut dyn Kernel, iface: u32, metric: Option<u32>, lease: &BoundLease) -> Vec<String> {
    let network = lease.cidr.network();
    // dhcpcd adds its address with `noprefixroute`: the network's route is its own.
    let by_kernel =
        RouteSpec { proto: Some(RouteProto::Kernel), scope: None, ..route(iface, network, None, None, None) };
    let _ = kernel.route_del(by_kernel);
    let own = lease.cidr.addr;
    let metric_of = Some(metric.unwrap_or(METRIC_BASE + iface));
    let link = RouteSpec { scope: Some(Scope::Link), ..route(iface, network, None, Some(own), metric_of) };
    let mut said = vec![format!("adding route to {network}")];
    let _ = kernel.route_put(link, PutMode::Replace);
    said.extend(put_routes(kernel, iface, metric, own, &lease.ack));
    said
}

/// Routes of options 121, or else 33 and 3 (RFC 3442).
pub(super) fn put_routes(
    kernel: &mut dyn Kernel,
    iface: u32,
    metric: Option<u32>,
    own: Ipv4Addr,
    ack: &Message,
) -> Vec<String> {
    let mut routes = ack.get(option::CLASSLESS_ROUTES).map(option::classless_routes).unwrap_or_default();
    if routes.is_empty() {
        let pairs = ack.get(option::STATIC_ROUTES).map(option::addresses).unwrap_or_default();
        routes.extend(pairs.chunks_exact(2).map(|pair| (Cidr::new(pair[0], 32), pair[1])));
        routes.extend(ack.router().map(|router| (Cidr::DEFAULT, router)));
    }
    let metric = Some(metric.unwrap_or(METRIC_BASE + iface));
    let mut said = Vec::new();
    for (dst, via) in routes {
        said.push(match dst == Cidr::DEFAULT {
            true => format!("adding default route via {via}"),
            false => format!("adding route to {dst} via {via}"),
        });
        let _ = kernel.route_put(route(iface, dst, Some(via), Some(own), metric), PutMode::Replace);
    }
    said
}

fn route(iface: u32, dst: Cidr, via: Option<Ipv4Addr>, src: Option<Ipv4Addr>, metric: Option<u32>) -> RouteSpec {
    RouteSpec {
        dst,
        via: via.filter(|via| !via.is_unspecified()),
        iface: Some(iface),
        src,
        metric,
        proto: Some(RouteProto::Dhcp),
        scope: None,
        onlink: false,
    }
}

/// As its hook 20-resolv.conf writes it.
pub(super) fn write_resolv_conf(kernel: &mut dyn Kernel, ack: &Message) {
    let iface = "# Generated by dhcpcd";
    let clean = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>();
    let domain = ack.domain().map(|domain| clean(&domain)).filter(|domain| !domain.is_empty());
    let search = ack.get(option::DOMAIN_SEARCH).and_then(option::names).filter(|names| !names.is_empty());
    if domain.is_none() && search.is_none() && ack.dns().is_empty() {
        return;
    }
    let mut text = format!("{iface}\n");
    match (search, domain) {
        (Some(names), _) => {
            let _ = writeln!(text, "search {}", names.join(" "));
        }
        (None, Some(domain)) => {
            let _ = writeln!(text, "domain {domain}");
        }
        (None, None) => {}
    }
    for server in ack.dns() {
        let _ = writeln!(text, "nameserver {server}");
    }
    let _ = kernel.write_file("/etc/resolv.conf", text);
}

/// What `-T` prints: the variables that the hooks would get.
pub(super) fn variables(kernel: &dyn Kernel, index: u32, iface: &str, lease: &BoundLease) -> String {
    let row = kernel.ifaces().into_iter().find(|row| row.index == index);
    let mut text = format!("interface='{iface}'\npid='{}'\nprotocol='dhcp'\nreason='TEST'\n", kernel.pid().0);
    let carrier = if row.as_ref().is_some_and(|row| row.carrier) { "up" } else { "down" };
    let mtu = row.map(|row| row.mtu).unwrap_or_default();
    let metric = METRIC_BASE + index;
    let _ =
        write!(text, "ifcarrier='{carrier}'\nifflags='69699'\nifmetric='{metric}'\nifmtu='{mtu}'\nifwireless='0'\n");
    let cidr = lease.cidr;
    let mut values = vec![
        ("broadcast_address".to_owned(), cidr.broadcast().to_string()),
        ("ip_address".to_owned(), cidr.addr.to_string()),
        ("network_number".to_owned(), cidr.network().addr.to_string()),
        ("subnet_cidr".to_owned(), cidr.prefix.to_string()),
    ];
    for (code, bytes) in &lease.ack.options {
        let name = option::name(*code).replace('-', "_");
        if *code != option::BROADCAST_ADDRESS {
            values.push((name, option::print(*code, bytes).replace(['"', '\''], "").replace(',', " ")));
        }
    }
    values.sort();
    for (name, value) in values {
        let _ = writeln!(text, "new_{name}='{value}'");
    }
    text
}
