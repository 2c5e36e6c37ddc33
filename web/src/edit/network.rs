//! What a hypervisor has besides VMs: NAT networks, host-only interfaces, internal networks.

use netmodes_core::addr::Cidr;
use netmodes_core::hypervisor::{HypervisorCommand, NatNetworkChange, check_nat_cidr};
use netmodes_core::id::NodeId;
use netmodes_core::view::{HostNetworkRow, LabView, Mode, NicRow, NodeKind};

use super::forward::{self, Owner};
use super::read::{Reader, check, stands};
use super::sheet::{Button, Field, Form, Item, Kind, List, Sheet, Words};
use super::vm::hypervise;
use super::{Change, Look, nic, service};
use crate::store::EditTarget;
use crate::store::edit::{Plan, Then};

fn now(view: &LabView, host: NodeId, change: HypervisorCommand, then: Then) -> Plan {
    Plan { commands: vec![hypervise(view, Some(host), change)], then, ..Plan::default() }
}

fn row<'a>(view: &'a LabView, host: NodeId, mode: Mode, name: &str) -> Option<&'a HostNetworkRow> {
    view.host_networks.get(&(host, mode, name.to_owned()))
}

fn cards_in<'a>(view: &'a LabView, host: NodeId, mode: Mode, name: &'a str) -> impl Iterator<Item = &'a NicRow> {
    let here = move |nic: &&NicRow| {
        let own = view.nodes.get(&nic.vm).is_some_and(|node| node.host == Some(host));
        own && nic.mode == mode && nic.network == name
    };
    view.nics.values().filter(here)
}

/// The host's sheet: everything its hypervisor has.
pub(super) fn hypervisor_sheet(host: NodeId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let node = view.nodes.get(&host)?;
    let title = Words::key("edit-host-title").with("host", &node.name);
    let mut sheet = Sheet::new(title, Words::key("edit-host-what"));
    let vms = view.nodes.values().filter(|row| row.kind == NodeKind::Vm && row.host == Some(host));
    let vm = |row: &netmodes_core::view::NodeRow| Item {
        name: row.name.clone().into(),
        detail: Words::key(if row.off { "edit-off" } else { "edit-on" }),
        open: Some(EditTarget::Vm(row.id)),
        buttons: Vec::new(),
    };
    sheet.lists.push(List {
        title: "edit-vms",
        items: vms.map(vm).collect(),
        empty: "edit-vms-none",
        add: Some(Button::open(Words::key("edit-vm-add"), EditTarget::NewVm(host))),
    });
    let of = |mode: Mode| {
        let rows = view.host_networks.values().filter(move |row| row.host == host && row.mode == mode);
        rows.map(|row| Item {
            name: row.name.clone().into(),
            detail: summary(row),
            open: Some(EditTarget::Network(row.host, row.mode, row.name.clone())),
            buttons: Vec::new(),
        })
    };
    sheet.lists.push(List {
        title: "edit-nat-networks",
        items: of(Mode::NatNetwork).collect(),
        empty: "edit-nat-networks-none",
        add: Some(Button::open(Words::key("edit-nat-network-add"), EditTarget::NewNatNetwork(host))),
    });
    let add = now(view, host, HypervisorCommand::AddHostOnly, Then::Stay);
    sheet.lists.push(List {
        title: "edit-host-onlys",
        items: of(Mode::HostOnly).collect(),
        empty: "edit-host-onlys-none",
        add: Some(Button::apply(Words::key("edit-host-only-add"), add)),
    });
    let mut internal: Vec<String> = view
        .nics
        .values()
        .filter(|nic| nic.mode == Mode::Internal && view.nodes.get(&nic.vm).is_some_and(|vm| vm.host == Some(host)))
        .map(|nic| nic.network.clone())
        .chain(of(Mode::Internal).map(|item| if let Words::Plain(name) = item.name { name } else { String::new() }))
        .collect();
    internal.sort();
    internal.dedup();
    let item = |name: String| Item {
        detail: Words::Count("edit-cards-count", cards_in(view, host, Mode::Internal, &name).count() as u64),
        open: Some(EditTarget::Network(host, Mode::Internal, name.clone())),
        name: name.into(),
        buttons: Vec::new(),
    };
    sheet.lists.push(List {
        title: "edit-internals",
        items: internal.into_iter().map(item).collect(),
        empty: "edit-internals-none",
        add: None,
    });
    sheet.lists.extend(service::lists(view, node));
    Some(sheet)
}

fn summary(row: &HostNetworkRow) -> Words {
    let dhcp = Words::key(if row.dhcp { "edit-dhcp-on" } else { "edit-dhcp-off" });
    Words::Joined(vec![row.address.to_string().into(), dhcp], " · ")
}

/// A network's sheet.
pub(super) fn sheet(host: NodeId, mode: Mode, name: &str, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    view.nodes.get(&host)?;
    let known = row(view, host, mode, name);
    let (title, what) = match mode {
        Mode::NatNetwork => ("edit-nat-network-title", "edit-nat-network-what"),
        Mode::HostOnly => ("edit-host-only-title", "edit-host-only-what"),
        _ => ("edit-internal-title", "edit-internal-what"),
    };
    let mut sheet = Sheet::new(Words::key(title).with("name", name), Words::key(what));
    match mode {
        Mode::NatNetwork => nat_parts(&mut sheet, known?, look),
        Mode::HostOnly => host_only_parts(&mut sheet, known?, look),
        _ => {}
    }
    if mode != Mode::NatNetwork {
        sheet.lists.push(dhcp_list(host, mode, name, known));
    }
    let card = |card: &NicRow| Item {
        name: Words::key("edit-card-of")
            .with("vm", view.nodes.get(&card.vm).map(|node| node.name.clone()).unwrap_or_default())
            .with("adapter", card.adapter),
        detail: nic::summary(card),
        open: Some(EditTarget::Nic(card.vm, card.adapter)),
        buttons: Vec::new(),
    };
    sheet.lists.push(List {
        title: "edit-members",
        items: cards_in(view, host, mode, name).map(card).collect(),
        empty: "edit-members-none",
        add: None,
    });
    Some(sheet)
}

/// The hypervisor's DHCP server of a host-only or internal network, as a list of one or none.
fn dhcp_list(host: NodeId, mode: Mode, name: &str, known: Option<&HostNetworkRow>) -> List {
    let target = EditTarget::NetworkDhcp(host, mode, name.to_owned());
    let server = known.and_then(|row| row.server.as_ref());
    let item = server.map(|server| Item {
        name: format!("{} – {}", server.first, server.last).into(),
        detail: Words::key(match (server.enabled, server.stopped) {
            (false, _) => "edit-dhcp-disabled",
            (true, true) => "edit-dhcp-stopped",
            (true, false) => "edit-dhcp-enabled",
        }),
        open: Some(target.clone()),
        buttons: Vec::new(),
    });
    let add = server.is_none().then(|| Button::open(Words::key("edit-dhcp-add"), target));
    List { title: "edit-dhcp", items: item.into_iter().collect(), empty: "edit-dhcp-none", add }
}

fn nat_parts(sheet: &mut Sheet, row: &HostNetworkRow, look: Look<'_>) {
    let view = look.view;
    let run = HypervisorCommand::RunNatNetwork { name: row.name.clone(), start: !row.running };
    let label = if row.running { "edit-nat-stop" } else { "edit-nat-start" };
    let why = (!row.running && !row.enabled).then(|| Words::key("edit-nat-not-enabled"));
    sheet.buttons.push(Button::apply(Words::key(label), now(view, row.host, run, Then::Stay)).locked(why));
    sheet.notes.push(Words::key(if row.running { "edit-nat-runs" } else { "edit-nat-stands" }));
    let running = row.running.then(|| Words::key("edit-nat-running-lock"));
    let network = Field::new("network", "edit-network", Kind::Mono, row.address).locked(running);
    let fields = vec![
        network.hint(Words::key("edit-nat-network-hint")),
        Field::new("enabled", "edit-enabled", Kind::Check, check(row.enabled)).hint(Words::key("edit-enabled-hint")),
        Field::new("dhcp", "edit-nat-dhcp", Kind::Check, check(row.dhcp)).hint(Words::key("edit-nat-dhcp-hint")),
    ];
    sheet.form = Some(Form { fields, apply: "edit-apply", locked: None });
    sheet.lists.push(forward::list(&Owner::Network(row.host, row.name.clone()), look));
    let gone = HypervisorCommand::RemoveNatNetwork { name: row.name.clone() };
    let plan = now(view, row.host, gone, Then::Back);
    sheet.remove = Some(Button::apply(Words::key("edit-nat-network-remove"), plan));
}

fn host_only_parts(sheet: &mut Sheet, row: &HostNetworkRow, look: Look<'_>) {
    let field = Field::new("address", "edit-host-address-own", Kind::Mono, row.address);
    let fields = vec![field.hint(Words::key("edit-host-only-hint"))];
    sheet.form = Some(Form { fields, apply: "edit-apply", locked: None });
    let gone = HypervisorCommand::RemoveHostOnly { name: row.name.clone() };
    let plan = now(look.view, row.host, gone, Then::Back);
    sheet.remove = Some(Button::apply(Words::key("edit-host-only-remove"), plan));
}

/// What a network's form comes to.
pub(super) fn change(host: NodeId, mode: Mode, name: &str, look: Look<'_>) -> Change {
    let Some(row) = row(look.view, host, mode, name) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let command = match mode {
        Mode::NatNetwork => {
            let network = network_field(&mut reader, row.address);
            let change = NatNetworkChange {
                network: network.filter(|network| *network != row.address),
                enabled: reader.turned("enabled", row.enabled),
                dhcp: reader.turned("dhcp", row.dhcp),
                ..NatNetworkChange::default()
            };
            (change != NatNetworkChange::default())
                .then(|| HypervisorCommand::SetNatNetwork { name: name.to_owned(), change })
        }
        Mode::HostOnly => reader
            .value::<Cidr>("address", row.address, "edit-cidr")
            .filter(|address| *address != row.address)
            .map(|address| HypervisorCommand::SetHostOnly { name: name.to_owned(), address }),
        _ => None,
    };
    let plan = command.map(|command| now(look.view, host, command, Then::Stay)).unwrap_or_default();
    reader.finish(Change { plan, ..Change::default() })
}

fn network_field(reader: &mut Reader<'_>, now: Cidr) -> Option<Cidr> {
    let network: Option<Cidr> = reader.value("network", now, "edit-cidr");
    if let Some(Err(error)) = network.map(check_nat_cidr) {
        reader.refuse("network", error);
    }
    network
}

/// A free network for one more NAT network: 10.0.11.0/24 and so on.
fn free_network(view: &LabView) -> Cidr {
    let taken = |net: &Cidr| view.host_networks.values().any(|row| row.address.network() == *net);
    let nets = (11..=250).map(|third| Cidr::new(core::net::Ipv4Addr::new(10, 0, third, 0), 24));
    nets.into_iter().find(|net| !taken(net)).unwrap_or(Cidr::new(core::net::Ipv4Addr::new(10, 7, 0, 0), 24))
}

fn free_name(view: &LabView, host: NodeId) -> String {
    let free = |name: &String| row(view, host, Mode::NatNetwork, name).is_none();
    let names = (1_u32..).map(|n| if n == 1 { "NatNetwork".to_owned() } else { format!("NatNetwork{n}") });
    names.into_iter().find(free).unwrap_or_default()
}

/// The sheet of a NAT network that is not there yet.
pub(super) fn new_sheet(host: NodeId, look: Look<'_>) -> Option<Sheet> {
    look.view.nodes.get(&host)?;
    let mut sheet = Sheet::new(Words::key("edit-nat-network-new"), Words::key("edit-nat-network-what"));
    let fields = vec![
        Field::new("name", "edit-name", Kind::Text, free_name(look.view, host)),
        Field::new("network", "edit-network", Kind::Mono, free_network(look.view))
            .hint(Words::key("edit-nat-network-hint")),
        Field::new("dhcp", "edit-nat-dhcp", Kind::Check, check(true)).hint(Words::key("edit-nat-dhcp-hint")),
    ];
    sheet.form = Some(Form { fields, apply: "edit-make", locked: None });
    Some(sheet)
}

/// What the form of a new NAT network comes to.
pub(super) fn new_change(host: NodeId, look: Look<'_>) -> Change {
    let mut reader = Reader::new(look.draft);
    let name = stands(look.draft, "name", &free_name(look.view, host));
    if name.is_empty() {
        reader.refuse("name", netmodes_core::error::UserError::new("edit-empty"));
    }
    let network = network_field(&mut reader, free_network(look.view));
    let dhcp = Some(!stands(look.draft, "dhcp", check(true)).is_empty());
    let Some(network) = network else { return reader.finish(Change::default()) };
    let change = NatNetworkChange { dhcp, enabled: Some(true), ..NatNetworkChange::default() };
    let command = HypervisorCommand::AddNatNetwork { name, network, change };
    reader.finish(Change { plan: now(look.view, host, command, Then::Back), ..Change::default() })
}
