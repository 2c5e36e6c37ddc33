//! A VM's card: its mode and network, its MAC, its cable, what it may overhear.

use netmodes_core::addr::Cidr;
use netmodes_core::hypervisor::{
    DEFAULT_HOST_ONLY, DEFAULT_INTERNAL, DEFAULT_NAT_NETWORK, HypervisorCommand, NatNetwork, NicChange, check_nat_net,
    parse_mac,
};
use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, Mode, NicRow, NodeRow, Promiscuous};

use super::forward::{self, Owner};
use super::read::{Reader, check, stands};
use super::sheet::{Button, Choice, Field, Form, Kind, Sheet, Words};
use super::vm::{hypervise, real, while_off};
use super::{Change, Look};
use crate::store::edit::{Plan, Then};

/// The key of a mode's name.
pub(super) const fn mode_key(mode: Mode) -> &'static str {
    match mode {
        Mode::NotAttached => "mode-notattached",
        Mode::Nat => "mode-nat",
        Mode::Bridged => "mode-bridged",
        Mode::Internal => "mode-internal",
        Mode::HostOnly => "mode-hostonly",
        Mode::NatNetwork => "mode-natnetwork",
        Mode::UdpTunnel => "mode-udptunnel",
    }
}

/// Mode, network and MAC in one line.
pub(super) fn summary(nic: &NicRow) -> Words {
    let mut parts = vec![Words::key(mode_key(nic.mode))];
    if !nic.network.is_empty() {
        parts.push(nic.network.clone().into());
    }
    parts.push(nic.mac.to_string().into());
    Words::Joined(parts, " · ")
}

/// What a mode gives a card, as the sheet explains it.
const fn mode_hint(mode: Mode) -> &'static str {
    match mode {
        Mode::NotAttached => "edit-mode-notattached",
        Mode::Nat => "edit-mode-nat",
        Mode::Bridged => "edit-mode-bridged",
        Mode::Internal => "edit-mode-internal",
        Mode::HostOnly => "edit-mode-hostonly",
        Mode::NatNetwork => "edit-mode-natnetwork",
        Mode::UdpTunnel => "edit-mode-udptunnel",
    }
}

/// The field that chooses a mode.
pub(super) fn mode_field(mode: Mode, chosen: Mode) -> Field {
    let choice = |mode: Mode| Choice {
        disabled: mode == Mode::UdpTunnel,
        ..Choice::new(mode.name(), Words::key(mode_key(mode)))
    };
    let choices = Mode::ALL.into_iter().map(choice).collect();
    Field::new("mode", "edit-mode", Kind::Choice(choices), mode.name()).hint(Words::key(mode_hint(chosen)))
}

/// The field that names the network of a mode; none where the mode has none.
pub(super) fn network_field(view: &LabView, host: Option<NodeId>, mode: Mode, value: &str) -> Option<Field> {
    let known = || {
        let of_host = view.host_networks.values().filter(move |row| Some(row.host) == host && row.mode == mode);
        of_host.map(|row| row.name.clone())
    };
    let choices = |names: Vec<String>| {
        let mut all: Vec<_> = names.into_iter().map(|name| Choice::new(name.clone(), name.into())).collect();
        if !value.is_empty() && all.iter().all(|choice| choice.value != value) {
            all.push(Choice::new(value, value.to_owned().into()));
        }
        if all.is_empty() {
            all.push(Choice::new("", Words::key("edit-network-made")));
        }
        Kind::Choice(all)
    };
    let (label, kind, hint) = match mode {
        Mode::NotAttached | Mode::Nat | Mode::UdpTunnel => return None,
        Mode::Internal => ("edit-network-internal", Kind::Text, "edit-network-internal-hint"),
        Mode::Bridged => ("edit-network-bridged", choices(bridgeable(view, host)), "edit-network-bridged-hint"),
        Mode::HostOnly => ("edit-network-hostonly", choices(known().collect()), "edit-network-hostonly-hint"),
        Mode::NatNetwork => ("edit-network-nat", choices(known().collect()), "edit-network-nat-hint"),
    };
    Some(Field::new("network", label, kind, value).hint(Words::key(hint)).example(if mode == Mode::Internal {
        "intnet"
    } else {
        ""
    }))
}

/// The host's interfaces with a cable that are not the hypervisor's own.
fn bridgeable(view: &LabView, host: Option<NodeId>) -> Vec<String> {
    let own = |name: &str| {
        view.host_networks.values().any(|row| Some(row.host) == host && row.mode == Mode::HostOnly && row.name == name)
    };
    let ifaces = view.ifaces.values().filter(|iface| Some(iface.node) == host && !iface.loopback && iface.carrier);
    ifaces.map(|iface| iface.name.clone()).filter(|name| !own(name)).collect()
}

/// The network that an untouched form means for a mode: what its list shows first, else the name that VirtualBox's window
/// proposes, for which the hypervisor makes the network.
pub(super) fn proposed_network(view: &LabView, host: Option<NodeId>, mode: Mode) -> String {
    let shown = network_field(view, host, mode, "").and_then(|field| match field.kind {
        Kind::Choice(choices) => choices.first().map(|choice| choice.value.clone()),
        _ => None,
    });
    let usual = match mode {
        Mode::Internal => DEFAULT_INTERNAL,
        Mode::HostOnly => DEFAULT_HOST_ONLY,
        Mode::NatNetwork => DEFAULT_NAT_NETWORK,
        _ => "",
    };
    shown.filter(|name| !name.is_empty()).unwrap_or_else(|| usual.to_owned())
}

/// The mode that is chosen in the form.
pub(super) fn chosen_mode(look: Look<'_>, now: Mode) -> Mode {
    look.draft.get("mode").and_then(|name| Mode::from_name(name)).unwrap_or(now)
}

/// The network in force for a mode: that of the card where the mode is the card's.
fn network_now(nic: &NicRow, mode: Mode) -> &str {
    if mode == nic.mode { &nic.network } else { "" }
}

fn parts<'a>(vm: NodeId, adapter: u8, look: Look<'a>) -> Option<(&'a NodeRow, &'a NicRow)> {
    Some((look.view.nodes.get(&vm)?, look.view.nics.get(&(vm, adapter))?))
}

/// A card's sheet.
pub(super) fn sheet(vm: NodeId, adapter: u8, look: Look<'_>) -> Option<Sheet> {
    let (row, nic) = parts(vm, adapter, look)?;
    let view = look.view;
    let title = Words::key("edit-nic-title").with("adapter", adapter).with("vm", &row.name);
    let mut sheet = Sheet::new(title, Words::key("edit-nic-what"));
    sheet.notes.extend(real(row));
    let chosen = chosen_mode(look, nic.mode);
    let mut fields = vec![mode_field(nic.mode, chosen)];
    fields.extend(network_field(view, row.host, chosen, network_now(nic, chosen)));
    fields.push(Field::new("cable", "edit-cable", Kind::Check, check(nic.cable)).hint(Words::key("edit-cable-hint")));
    let hint = Words::key(if row.off { "edit-mac-hint" } else { "edit-mac-hint-on" });
    fields.push(Field::new("mac", "edit-mac", Kind::Mono, nic.mac).hint(hint).locked(real(row)));
    let policy = |policy: Promiscuous| Choice::new(policy.name(), Words::key(promisc_key(policy)));
    let policies = [Promiscuous::Deny, Promiscuous::AllowVms, Promiscuous::AllowAll].map(policy).to_vec();
    let field = Field::new("promisc", "edit-promisc", Kind::Choice(policies), nic.promiscuous.name());
    fields.push(field.hint(Words::key("edit-promisc-hint")).locked(real(row)));
    if chosen == Mode::Nat {
        let hint = Words::key(if row.off { "edit-natnet-hint" } else { "edit-natnet-hint-on" });
        let field = Field::new("natnet", "edit-natnet", Kind::Mono, nat_net(nic));
        fields.push(field.example(NatNetwork::usual_network(adapter)).hint(hint).locked(real(row)));
    }
    sheet.form = Some(Form { fields, apply: "edit-apply", locked: None });
    if nic.mode == Mode::Nat || !nic.forwards.is_empty() {
        sheet.lists.push(forward::list(&Owner::Card(vm, adapter), look));
    }
    let gone = hypervise(view, row.host, HypervisorCommand::RemoveNic { vm: row.name.clone(), adapter });
    let words = if row.off { "edit-nic-remove" } else { "edit-nic-off-remove" };
    let plan = while_off(view, row, vec![gone], Then::Back);
    sheet.remove = Some(Button::apply(Words::key(words), plan).locked(real(row)));
    Some(sheet)
}

/// The card's private network: its own, else the usual one.
fn nat_net(nic: &NicRow) -> Cidr {
    nic.nat_net.unwrap_or(NatNetwork::usual_network(nic.adapter))
}

const fn promisc_key(policy: Promiscuous) -> &'static str {
    match policy {
        Promiscuous::Deny => "edit-promisc-deny",
        Promiscuous::AllowVms => "edit-promisc-vms",
        Promiscuous::AllowAll => "edit-promisc-all",
    }
}

/// What a card's form comes to.
pub(super) fn change(vm: NodeId, adapter: u8, look: Look<'_>) -> Change {
    let Some((row, nic)) = parts(vm, adapter, look) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let mode = chosen_mode(look, nic.mode);
    let typed = stands(look.draft, "network", network_now(nic, mode));
    let needs_one = network_field(look.view, row.host, mode, "").is_some();
    let network = match typed.is_empty() && needs_one {
        true => proposed_network(look.view, row.host, mode),
        false => typed,
    };
    let mut change = NicChange {
        mode: (mode != nic.mode).then_some(mode),
        network: (network != network_now(nic, mode)).then_some(network),
        cable: reader.turned("cable", nic.cable),
        promiscuous: look
            .draft
            .get("promisc")
            .and_then(|name| Promiscuous::from_name(name))
            .filter(|p| *p != nic.promiscuous),
        ..NicChange::default()
    };
    if let Some(text) = reader.changed("mac", &nic.mac.to_string()) {
        match parse_mac(text) {
            Ok(mac) => change.mac = Some(mac).filter(|mac| *mac != nic.mac),
            Err(error) => reader.refuse("mac", error),
        }
    }
    let usual = NatNetwork::usual_network(adapter);
    let typed = reader.changed("natnet", &nat_net(nic).to_string()).is_some();
    if typed && let Some(network) = reader.optional::<Cidr>("natnet", nat_net(nic), "edit-cidr").or(Some(usual)) {
        match check_nat_net(network) {
            Ok(()) => change.nat_net = Some(network).filter(|network| *network != nat_net(nic)),
            Err(error) => reader.refuse("natnet", error),
        }
    }
    if change == NicChange::default() {
        return reader.finish(Change::default());
    }
    let needs_off = change.mac.is_some() || change.nat_net.is_some();
    let command = hypervise(look.view, row.host, HypervisorCommand::SetNic { vm: row.name.clone(), adapter, change });
    let plan = if needs_off {
        while_off(look.view, row, vec![command], Then::Stay)
    } else {
        Plan { commands: vec![command], ..Plan::default() }
    };
    reader.finish(Change { plan, restarts: needs_off && !row.off, wrong: Vec::new() })
}
