//! The hypervisor's DHCP server of a host-only or internal network.

use core::net::Ipv4Addr;

use netmodes_core::addr::{Cidr, MacAddr};
use netmodes_core::error::UserError;
use netmodes_core::hypervisor::{DhcpServerChange, HypervisorCommand, NetworkDhcp, NetworkName, Run};
use netmodes_core::id::NodeId;
use netmodes_core::lab::{DhcpOptionSpec, DhcpOptionValue};
use netmodes_core::view::{LabView, Mode, NetworkDhcpRow};

use super::read::{Reader, check, or_empty, stands};
use super::sheet::{Button, Field, Form, Kind, Sheet, Words};
use super::vm::hypervise;
use super::{Change, Look};
use crate::store::edit::{Plan, Then};

/// Options 3 and 6 (RFC 2132).
const ROUTER: u8 = 3;
const DNS: u8 = 6;

fn key(mode: Mode, name: &str) -> NetworkName {
    if mode == Mode::HostOnly { NetworkName::HostOnly(name.to_owned()) } else { NetworkName::Internal(name.to_owned()) }
}

/// The server in force, or a proposal: in the interface's network, or in one of its own.
fn server_now(view: &LabView, host: NodeId, mode: Mode, name: &str) -> (NetworkDhcpRow, bool) {
    let row = view.host_networks.get(&(host, mode, name.to_owned()));
    if let Some(server) = row.and_then(|row| row.server.clone()) {
        return (server, false);
    }
    let net = row.map_or(Cidr::new(Ipv4Addr::new(10, 10, 10, 0), 24), |row| row.address.network());
    let at = |host: u32| Ipv4Addr::from_bits(net.addr.to_bits().saturating_add(host));
    let (own, first) = if mode == Mode::HostOnly { (100, 101) } else { (1, 2) };
    let fresh = NetworkDhcpRow {
        address: Cidr::new(at(own), net.prefix),
        first: at(first),
        last: at(254),
        enabled: true,
        stopped: false,
        lease_min: None,
        lease_default: None,
        lease_max: None,
        options: Vec::new(),
        fixed: Vec::new(),
    };
    (fresh, true)
}

fn addresses(server: &NetworkDhcpRow, code: u8) -> String {
    let found = server.options.iter().find(|option| option.code == code).map(|option| &option.value);
    match found {
        Some(DhcpOptionValue::Addresses(list)) => list.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn fixed_lines(server: &NetworkDhcpRow) -> String {
    server.fixed.iter().map(|(mac, addr)| format!("{mac} {addr}")).collect::<Vec<_>>().join("\n")
}

fn read_fixed(line: &str) -> Option<(MacAddr, Ipv4Addr)> {
    let (mac, addr) = line.split_once(char::is_whitespace)?;
    Some((mac.parse().ok()?, addr.trim().parse().ok()?))
}

/// The server's sheet.
pub(super) fn sheet(host: NodeId, mode: Mode, name: &str, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    view.nodes.get(&host)?;
    let (server, fresh) = server_now(view, host, mode, name);
    let title = Words::key(if fresh { "edit-dhcp-new" } else { "edit-dhcp-title" }).with("name", name);
    let mut sheet = Sheet::new(title, Words::key("edit-dhcp-what"));
    let plan = |change, then| Plan { commands: vec![hypervise(view, Some(host), change)], then, ..Plan::default() };
    if !fresh {
        let run = |run| plan(HypervisorCommand::RunDhcpServer { network: key(mode, name), run }, Then::Stay);
        if server.stopped {
            sheet.buttons.push(Button::apply(Words::key("edit-dhcp-start"), run(Run::Start)));
        } else {
            sheet.buttons.push(Button::apply(Words::key("edit-dhcp-restart"), run(Run::Restart)));
            sheet.buttons.push(Button::apply(Words::key("edit-dhcp-stop"), run(Run::Stop)));
        }
        sheet.notes.push(Words::key("edit-dhcp-forgets"));
        let gone = HypervisorCommand::RemoveDhcpServer { network: key(mode, name) };
        sheet.remove = Some(Button::apply(Words::key("edit-dhcp-remove"), plan(gone, Then::Back)));
    }
    let mono = |key, label, value: String| Field::new(key, label, Kind::Mono, value);
    let secs = |key, label, value: Option<u32>| Field::new(key, label, Kind::Number, or_empty(value)).unit("unit-s");
    let fields = vec![
        Field::new("enabled", "edit-enabled", Kind::Check, check(server.enabled))
            .hint(Words::key("edit-dhcp-enabled-hint")),
        mono("address", "edit-dhcp-address", server.address.to_string()).hint(Words::key("edit-dhcp-address-hint")),
        mono("first", "edit-first", server.first.to_string()),
        mono("last", "edit-last", server.last.to_string()).hint(Words::key("edit-pool-hint")),
        mono("router", "edit-router", addresses(&server, ROUTER)).hint(Words::key("edit-dhcp-router-hint")),
        mono("dns", "edit-dns", addresses(&server, DNS)).hint(Words::key("edit-dns-hint")),
        secs("lease", "edit-lease", server.lease_default).example("600").hint(Words::key("edit-dhcp-lease-hint")),
        secs("lease-min", "edit-lease-min", server.lease_min).example("300"),
        secs("lease-max", "edit-lease-max", server.lease_max).example("43200"),
        Field::new("fixed", "edit-reservations", Kind::Lines, fixed_lines(&server))
            .hint(Words::key("edit-fixed-hint"))
            .example("08:00:27:a1:b2:c3 192.168.56.110"),
    ];
    sheet.form = Some(Form { fields, apply: if fresh { "edit-make" } else { "edit-apply" }, locked: None });
    Some(sheet)
}

/// What the server's form comes to.
pub(super) fn change(host: NodeId, mode: Mode, name: &str, look: Look<'_>) -> Change {
    let (now, fresh) = server_now(look.view, host, mode, name);
    let mut reader = Reader::new(look.draft);
    let address: Option<Cidr> = reader.value("address", now.address, "edit-cidr");
    let first: Option<Ipv4Addr> = reader.value("first", now.first, "edit-address");
    let last: Option<Ipv4Addr> = reader.value("last", now.last, "edit-address");
    let change = DhcpServerChange {
        enabled: Some(!stands(look.draft, "enabled", check(now.enabled)).is_empty()),
        lease_min: secs(&mut reader, "lease-min", now.lease_min),
        lease_default: secs(&mut reader, "lease", now.lease_default),
        lease_max: secs(&mut reader, "lease-max", now.lease_max),
        ..options(&mut reader, &now)
    };
    let change = DhcpServerChange { enabled: change.enabled.filter(|on| fresh || *on != now.enabled), ..change };
    let (Some(address), Some(first), Some(last)) = (address, first, last) else {
        return reader.finish(Change::default());
    };
    if let Err(error) = NetworkDhcp::new(address, first, last) {
        let field = if !address.contains(first) { "first" } else { "last" };
        reader.refuse(field, error);
    }
    let network = key(mode, name);
    let command = if fresh {
        HypervisorCommand::AddDhcpServer { network, address, first, last, change }
    } else {
        let change = DhcpServerChange {
            address: Some(address).filter(|address| *address != now.address),
            first: Some(first).filter(|first| *first != now.first),
            last: Some(last).filter(|last| *last != now.last),
            ..change
        };
        if change == DhcpServerChange::default() {
            return reader.finish(Change::default());
        }
        HypervisorCommand::SetDhcpServer { network, change }
    };
    let then = if fresh { Then::Back } else { Then::Stay };
    let plan = Plan { commands: vec![hypervise(look.view, Some(host), command)], then, ..Plan::default() };
    reader.finish(Change { plan, ..Change::default() })
}

/// A lease time that was changed; 0 stands for the default.
fn secs(reader: &mut Reader<'_>, key: &'static str, now: Option<u32>) -> Option<u32> {
    let text = reader.changed(key, &or_empty(now))?.to_owned();
    if text.is_empty() {
        return Some(0);
    }
    reader.number(key, text, 1, u64::from(u32::MAX)).and_then(|secs| u32::try_from(secs).ok())
}

/// Router, name servers and fixed addresses that were changed.
fn options(reader: &mut Reader<'_>, now: &NetworkDhcpRow) -> DhcpServerChange {
    let mut change = DhcpServerChange::default();
    for (key, code) in [("router", ROUTER), ("dns", DNS)] {
        let before = addresses(now, code);
        if reader.changed(key, &before).is_none() {
            continue;
        }
        let list = reader.addresses(key, &before);
        if list.is_empty() {
            change.remove_options.push(code);
        } else {
            change.options.push(DhcpOptionSpec { code, value: DhcpOptionValue::Addresses(list) });
        }
    }
    let before = fixed_lines(now);
    if reader.changed("fixed", &before).is_some() {
        let wanted = reader.lines("fixed", &before, "edit-reservation-line", read_fixed);
        let gone = now.fixed.iter().filter(|(mac, _)| wanted.iter().all(|(other, _)| other != mac));
        change.fixed.extend(gone.map(|(mac, _)| (*mac, None)));
        let new = wanted.iter().filter(|pair| !now.fixed.contains(pair));
        change.fixed.extend(new.map(|(mac, addr)| (*mac, Some(*addr))));
        let twice = (1..wanted.len()).find(|at| wanted.iter().take(*at).any(|(mac, _)| *mac == wanted[*at].0));
        if let Some((mac, _)) = twice.and_then(|at| wanted.get(at)) {
            reader.refuse("fixed", UserError::new("edit-twice").with("text", mac));
        }
    }
    change
}
