//! A machine's services, and the scopes of its DHCP server.

use core::net::Ipv4Addr;

use netmodes_core::addr::{Cidr, MacAddr};
use netmodes_core::error::UserError;
use netmodes_core::id::NodeId;
use netmodes_core::lab::{RangeSpec, ReservationSpec, ScopeSpec, ServiceKind};
use netmodes_core::limits::DHCP_POOL_MAX;
use netmodes_core::view::{LabView, NodeRow, ServiceRow};
use netmodes_core::world::Command;

use super::read::{Reader, check, or_empty, stands};
use super::sheet::{Button, Choice, Field, Form, Item, Kind, List, Sheet, Words};
use super::{Change, Look};
use crate::store::EditTarget;
use crate::store::edit::{Plan, Then};

const WEEK: u32 = 7 * 24 * 3600;

/// Whether a service runs: its machine has a process of its program's name that nobody typed.
fn runs(view: &LabView, row: &ServiceRow) -> bool {
    view.processes
        .values()
        .any(|process| process.node == row.node && process.job.is_none() && process.argv.first() == Some(&row.program))
}

fn kind_key(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Http => "edit-service-http",
        ServiceKind::Dns => "edit-service-dns",
        ServiceKind::Echo => "edit-service-echo",
        ServiceKind::Dhcp => "edit-service-dhcp",
    }
}

fn item(view: &LabView, machine: &NodeRow, row: &ServiceRow) -> Item {
    let running = runs(view, row);
    let command = Command::Service { machine: machine.name.clone(), service: row.name.clone(), start: !running };
    let label = Words::key(if running { "edit-service-stop" } else { "edit-service-start" });
    let off = machine.off.then(|| Words::key("edit-service-off"));
    let button = Button::apply(label, Plan { commands: vec![command], ..Plan::default() }).locked(off);
    let detail = vec![
        Words::key(kind_key(row.kind)),
        format!("{} {}", row.proto.name().to_uppercase(), row.port).into(),
        Words::key(if running { "edit-service-runs" } else { "edit-service-stands" }),
    ];
    let open = (row.kind == ServiceKind::Dhcp).then(|| EditTarget::Scope(row.node, row.name.clone(), 0));
    Item { name: row.name.clone().into(), detail: Words::Joined(detail, " · "), open, buttons: vec![button] }
}

/// The services of a machine, where it has any, and the scopes of those that serve DHCP.
pub(super) fn lists(view: &LabView, machine: &NodeRow) -> Vec<List> {
    let own: Vec<_> = view.services.values().filter(|row| row.node == machine.id).collect();
    if own.is_empty() || machine.real {
        return Vec::new();
    }
    let services = own.iter().map(|row| item(view, machine, row)).collect();
    let mut lists = vec![List { title: "edit-services", items: services, empty: "edit-services-none", add: None }];
    for row in own.iter().filter(|row| row.kind == ServiceKind::Dhcp) {
        let scope = |(at, scope): (u32, &ScopeSpec)| Item {
            name: format!("{} – {}", scope.first, scope.last).into(),
            detail: Words::key("edit-scope-line").with("dev", &scope.dev).with("secs", scope.lease_secs),
            open: Some(EditTarget::Scope(row.node, row.name.clone(), at)),
            buttons: Vec::new(),
        };
        let add = EditTarget::Scope(row.node, row.name.clone(), row.scopes.len() as u32);
        lists.push(List {
            title: "edit-scopes",
            items: (0..).zip(&row.scopes).map(scope).collect(),
            empty: "edit-scopes-none",
            add: Some(Button::open(Words::key("edit-scope-add"), add)),
        });
    }
    lists
}

/// A machine's sheet.
pub(super) fn machine_sheet(node: NodeId, look: Look<'_>) -> Option<Sheet> {
    let row = look.view.nodes.get(&node)?;
    let title = Words::key("edit-machine-title").with("name", &row.name);
    let mut sheet = Sheet::new(title, Words::key("edit-machine-what").with("name", &row.name));
    sheet.lists = lists(look.view, row);
    if sheet.lists.is_empty() {
        sheet.notes.push(Words::key("edit-machine-none"));
    }
    Some(sheet)
}

/// The scope in force, or a proposal for one more.
fn scope_now(view: &LabView, node: NodeId, service: &str, at: u32) -> Option<(ScopeSpec, bool)> {
    let row = view.services.get(&(node, service.to_owned()))?;
    if let Some(scope) = row.scopes.get(at as usize) {
        return Some((scope.clone(), false));
    }
    let last = row.scopes.last()?;
    let (iface, network) = nets(view, node).into_iter().find(|(name, _)| *name == last.dev)?;
    let host = |host: u32| Ipv4Addr::from_bits(network.network().addr.to_bits().saturating_add(host));
    let fresh = ScopeSpec { dev: iface, first: host(200), last: host(209), ..last.clone() };
    let fresh = ScopeSpec { reservations: Vec::new(), exclusions: Vec::new(), ..fresh };
    (at as usize == row.scopes.len()).then_some((fresh, true))
}

/// A machine's interfaces with their first IPv4 network.
fn nets(view: &LabView, node: NodeId) -> Vec<(String, Cidr)> {
    let ifaces = view.ifaces.values().filter(|iface| iface.node == node && !iface.loopback);
    let net = |iface: &netmodes_core::view::IfaceRow| {
        let own = view.addrs.values().find(|row| row.node == node && row.iface == iface.index && row.addr.is_ipv4())?;
        match own.addr {
            core::net::IpAddr::V4(addr) => Some((iface.name.clone(), Cidr::new(addr, own.prefix))),
            core::net::IpAddr::V6(_) => None,
        }
    };
    ifaces.filter_map(net).collect()
}

fn list_text(addrs: &[Ipv4Addr]) -> String {
    addrs.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", ")
}

fn reservation_lines(scope: &ScopeSpec) -> String {
    let line = |r: &ReservationSpec| {
        let who = r.mac.map(|mac| mac.to_string()).or_else(|| r.client_id.as_ref().map(|id| format!("id {id}")));
        format!("{} {}", who.unwrap_or_default(), r.address)
    };
    scope.reservations.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn exclusion_lines(scope: &ScopeSpec) -> String {
    scope.exclusions.iter().map(|range| format!("{} {}", range.first, range.last)).collect::<Vec<_>>().join("\n")
}

/// `08:00:27:a1:b2:c3 192.168.0.50`, or `id 01:… 192.168.0.50`.
fn read_reservation(line: &str) -> Option<ReservationSpec> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let (mac, client_id) = if first == "id" {
        (None, Some(words.next()?.to_owned()))
    } else {
        (Some(first.parse::<MacAddr>().ok()?), None)
    };
    let address = words.next()?.parse().ok()?;
    words.next().is_none().then_some(ReservationSpec { mac, client_id, address })
}

/// `192.168.0.130 192.168.0.139`, with a dash between them or not.
fn read_exclusion(line: &str) -> Option<RangeSpec> {
    let line = line.replace(['-', '–', '…'], " ");
    let mut words = line.split_whitespace();
    let first = words.next()?.parse().ok()?;
    let last = words.next().map_or(Some(first), |word| word.parse().ok())?;
    words.next().is_none().then_some(RangeSpec { first, last })
}

fn scope_fields(view: &LabView, node: NodeId, scope: &ScopeSpec) -> Vec<Field> {
    let choices = nets(view, node).into_iter();
    let choices = choices.map(|(name, net)| Choice::new(&name, format!("{name} ({})", net.network()).into())).collect();
    let mono = |key, label, value: String| Field::new(key, label, Kind::Mono, value);
    let number = |key, label, value: String| Field::new(key, label, Kind::Number, value).unit("unit-s");
    let hint = Words::key;
    vec![
        Field::new("dev", "edit-scope-dev", Kind::Choice(choices), &scope.dev),
        mono("first", "edit-first", scope.first.to_string()),
        mono("last", "edit-last", scope.last.to_string()).hint(hint("edit-pool-hint")),
        number("lease", "edit-lease", scope.lease_secs.to_string()).hint(hint("edit-lease-hint")),
        mono("router", "edit-router", or_empty(scope.router)).hint(hint("edit-router-hint")),
        mono("dns", "edit-dns", list_text(&scope.dns)).hint(hint("edit-dns-hint")).example("8.8.8.8, 1.1.1.1"),
        mono("domain", "edit-domain", scope.domain.clone().unwrap_or_default()).hint(hint("edit-domain-hint")),
        number("lease-min", "edit-lease-min", or_empty(scope.lease_secs_min)).hint(hint("edit-lease-min-hint")),
        number("lease-max", "edit-lease-max", or_empty(scope.lease_secs_max)).hint(hint("edit-lease-max-hint")),
        Field::new("reservations", "edit-reservations", Kind::Lines, reservation_lines(scope))
            .hint(hint("edit-reservations-hint"))
            .example("08:00:27:a1:b2:c3 192.168.0.50"),
        Field::new("exclusions", "edit-exclusions", Kind::Lines, exclusion_lines(scope))
            .hint(hint("edit-exclusions-hint"))
            .example("192.168.0.130 192.168.0.139"),
        Field::new("authoritative", "edit-authoritative", Kind::Check, check(scope.authoritative))
            .hint(hint("edit-authoritative-hint")),
    ]
}

/// A scope's sheet.
pub(super) fn scope_sheet(node: NodeId, service: &str, at: u32, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let row = view.nodes.get(&node)?;
    let (scope, fresh) = scope_now(view, node, service, at)?;
    let title = if fresh { "edit-scope-new" } else { "edit-scope-title" };
    let mut sheet = Sheet::new(Words::key(title).with("machine", &row.name), Words::key("edit-scope-what"));
    sheet.notes.push(Words::key("edit-scope-restart"));
    let apply = if fresh { "edit-scope-make" } else { "edit-apply" };
    let off = row.off.then(|| Words::key("edit-service-off"));
    sheet.form = Some(Form { fields: scope_fields(view, node, &scope), apply, locked: off });
    if !fresh {
        let alone = view.services.get(&(node, service.to_owned())).is_some_and(|row| row.scopes.len() == 1);
        let command = Command::Scope { machine: row.name.clone(), service: service.to_owned(), scope: at, to: None };
        let plan = Plan { commands: vec![command], then: Then::Back, ..Plan::default() };
        let why = alone.then(|| Words::key("edit-scope-alone"));
        sheet.remove = Some(Button::apply(Words::key("edit-scope-remove"), plan).locked(why));
    }
    Some(sheet)
}

/// What a scope's form comes to.
pub(super) fn scope_change(node: NodeId, service: &str, at: u32, look: Look<'_>) -> Change {
    let view = look.view;
    let Some((now, fresh)) = scope_now(view, node, service, at) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let dev = stands(look.draft, "dev", &now.dev);
    let first: Option<Ipv4Addr> = reader.value("first", now.first, "edit-address");
    let last: Option<Ipv4Addr> = reader.value("last", now.last, "edit-address");
    if let (Some(first), Some(last)) = (first, last) {
        check_pool(&mut reader, view, node, &dev, (first, last));
    }
    let secs = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    let top = u64::from(u32::MAX);
    let lease = secs(reader.number("lease", now.lease_secs, 1, top));
    let min = secs(reader.number_or_none("lease-min", or_empty(now.lease_secs_min), 1, top));
    let max = secs(reader.number_or_none("lease-max", or_empty(now.lease_secs_max), 1, top));
    if lease.is_some_and(|lease| lease < min.unwrap_or(1) || lease > max.unwrap_or(u32::MAX)) {
        reader.refuse("lease", super::read::range(min.unwrap_or(1), max.unwrap_or(u32::MAX)));
    }
    let router = reader.optional("router", or_empty(now.router), "edit-address");
    let dns = reader.addresses("dns", &list_text(&now.dns));
    let domain = stands(look.draft, "domain", now.domain.as_deref().unwrap_or_default());
    let reservations =
        reader.lines("reservations", &reservation_lines(&now), "edit-reservation-line", read_reservation);
    let exclusions = reader.lines("exclusions", &exclusion_lines(&now), "edit-exclusion-line", read_exclusion);
    let new = ScopeSpec {
        dev,
        first: first.unwrap_or(now.first),
        last: last.unwrap_or(now.last),
        lease_secs: lease.unwrap_or(WEEK),
        router,
        dns,
        domain: Some(domain).filter(|domain| !domain.is_empty()),
        lease_secs_min: min,
        lease_secs_max: max,
        reservations,
        exclusions,
        authoritative: reader.turned("authoritative", now.authoritative).unwrap_or(now.authoritative),
        ..now.clone()
    };
    if !fresh && new == now {
        return reader.finish(Change::default());
    }
    let machine = view.nodes.get(&node).map(|row| row.name.clone()).unwrap_or_default();
    let command = Command::Scope { machine, service: service.to_owned(), scope: at, to: Some(Box::new(new)) };
    let then = if fresh { Then::Back } else { Then::Stay };
    reader.finish(Change { plan: Plan { commands: vec![command], then, ..Plan::default() }, ..Change::default() })
}

/// The pool is in the interface's network, in order, and not too large.
fn check_pool(reader: &mut Reader<'_>, view: &LabView, node: NodeId, dev: &str, (first, last): (Ipv4Addr, Ipv4Addr)) {
    let net = nets(view, node).into_iter().find(|(name, _)| name == dev).map(|(_, net)| net.network());
    for (key, addr) in [("first", first), ("last", last)] {
        if let Some(net) = net.filter(|net| !net.contains(addr)) {
            reader.refuse(key, UserError::new("edit-outside").with("address", addr).with("network", net));
        }
    }
    if first > last {
        reader.refuse("last", UserError::new("edit-order").with("first", first));
    } else if last.to_bits() - first.to_bits() >= DHCP_POOL_MAX {
        reader.refuse("last", UserError::new("edit-pool-large").with("max", DHCP_POOL_MAX));
    }
}
