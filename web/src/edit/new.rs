//! VMs and cards that are not there yet.

use netmodes_core::error::UserError;
use netmodes_core::hypervisor::{HypervisorCommand, NicChange};
use netmodes_core::id::NodeId;
use netmodes_core::lab::is_name;
use netmodes_core::limits::ADAPTERS_MAX;
use netmodes_core::view::{LabView, Mode};

use super::nic::{chosen_mode, mode_field, network_field, proposed_network};
use super::read::{Reader, check, stands};
use super::sheet::{Choice, Field, Form, Kind, Sheet, Words};
use super::vm::{hypervise, real, while_off};
use super::{Change, Look};
use crate::store::edit::{Plan, Then};

/// The first of vm1, vm2 … that nothing has.
fn free_name(view: &LabView) -> String {
    let free = |name: &String| view.nodes.values().all(|node| node.name != *name);
    (1_u32..).map(|n| format!("vm{n}")).find(free).unwrap_or_default()
}

/// A new VM's sheet.
pub(super) fn vm_sheet(host: NodeId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let host_name = &view.nodes.get(&host)?.name;
    let title = Words::key("edit-vm-new").with("host", host_name);
    let mut sheet = Sheet::new(title, Words::key("edit-vm-new-what"));
    let name = Field::new("name", "edit-name", Kind::Text, free_name(view));
    let chosen = chosen_mode(look, Mode::Nat);
    let mut fields = vec![name.hint(Words::key("edit-vm-name-hint")), mode_field(Mode::Nat, chosen)];
    fields.extend(network_field(view, Some(host), chosen, ""));
    fields.push(Field::new("start", "edit-vm-start-now", Kind::Check, check(true)));
    sheet.form = Some(Form { fields, apply: "edit-vm-make", locked: None });
    Some(sheet)
}

/// The card that the form of a new VM or card describes.
fn card(look: Look<'_>, host: Option<NodeId>, mode: Mode) -> NicChange {
    let typed = stands(look.draft, "network", "");
    let network = if typed.is_empty() { proposed_network(look.view, host, mode) } else { typed };
    let has_one = network_field(look.view, host, mode, "").is_some();
    let network = Some(network).filter(|network| has_one && !network.is_empty());
    NicChange { mode: Some(mode), network, ..NicChange::default() }
}

/// What the form of a new VM comes to.
pub(super) fn vm_change(host: NodeId, look: Look<'_>) -> Change {
    let view = look.view;
    let mut reader = Reader::new(look.draft);
    let name = stands(look.draft, "name", &free_name(view));
    if !is_name(&name) {
        reader.refuse("name", UserError::new("hv-vm-name").with("name", &name));
    } else if view.nodes.values().any(|node| node.name == name) {
        reader.refuse("name", UserError::new("hv-vm-exists").with("name", &name));
    }
    let change = card(look, Some(host), chosen_mode(look, Mode::Nat));
    let do_it = |change| hypervise(view, Some(host), change);
    let mut commands = vec![
        do_it(HypervisorCommand::AddVm { name: name.clone() }),
        do_it(HypervisorCommand::AddNic { vm: name.clone(), adapter: 1, change }),
    ];
    if !stands(look.draft, "start", check(true)).is_empty() {
        commands.push(do_it(HypervisorCommand::StartVm { name: name.clone() }));
    }
    // A VM without its card would be left over: it goes where the card is refused.
    let rescue = Some(do_it(HypervisorCommand::RemoveVm { name: name.clone() }));
    let plan = Plan { commands, rescue, then: Then::Vm(name), ..Plan::default() };
    reader.finish(Change { plan, ..Change::default() })
}

/// Adapter numbers that a VM has free.
fn free_adapters(view: &LabView, vm: NodeId) -> Vec<u8> {
    (1..=ADAPTERS_MAX).filter(|adapter| !view.nics.contains_key(&(vm, *adapter))).collect()
}

/// A new card's sheet.
pub(super) fn nic_sheet(vm: NodeId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let row = view.nodes.get(&vm)?;
    let free = free_adapters(view, vm);
    let title = Words::key("edit-nic-new").with("vm", &row.name);
    let mut sheet = Sheet::new(title, Words::key("edit-nic-what"));
    sheet.notes.extend(real(row));
    if !row.off && !row.real {
        sheet.notes.push(Words::key("edit-nic-needs-off"));
    }
    let first = free.first().copied()?;
    let choices =
        free.iter().map(|adapter| Choice::new(adapter, Words::key("edit-card-name").with("adapter", adapter)));
    let chosen = chosen_mode(look, Mode::Nat);
    let adapter = Field::new("adapter", "edit-adapter", Kind::Choice(choices.collect()), first);
    let mut fields = vec![adapter.hint(Words::key("edit-adapter-hint")), mode_field(Mode::Nat, chosen)];
    fields.extend(network_field(view, row.host, chosen, ""));
    sheet.form = Some(Form { fields, apply: "edit-card-add", locked: real(row) });
    Some(sheet)
}

/// What the form of a new card comes to.
pub(super) fn nic_change(vm: NodeId, look: Look<'_>) -> Change {
    let view = look.view;
    let Some(row) = view.nodes.get(&vm).filter(|row| !row.real) else { return Change::default() };
    let Some(first) = free_adapters(view, vm).first().copied() else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let adapter = reader.number("adapter", first, 1, u64::from(ADAPTERS_MAX)).unwrap_or_default();
    let change = card(look, row.host, chosen_mode(look, Mode::Nat));
    let adapter = u8::try_from(adapter).unwrap_or(first);
    let command = hypervise(view, row.host, HypervisorCommand::AddNic { vm: row.name.clone(), adapter, change });
    let plan = while_off(view, row, vec![command], Then::Back);
    reader.finish(Change { plan, restarts: !row.off, wrong: Vec::new() })
}
