//! A VM: its power and its cards.

use netmodes_core::hypervisor::HypervisorCommand;
use netmodes_core::id::NodeId;
use netmodes_core::limits::ADAPTERS_MAX;
use netmodes_core::view::{LabView, NicRow, NodeRow};
use netmodes_core::world::Command;

use super::sheet::{Button, Item, List, Sheet, Words};
use super::{Look, nic, service};
use crate::store::EditTarget;
use crate::store::edit::{Plan, Then};

/// A command for the hypervisor of a VM's or engine's host.
pub(super) fn hypervise(view: &LabView, host: Option<NodeId>, change: HypervisorCommand) -> Command {
    let host = host.and_then(|host| view.nodes.get(&host)).map(|node| node.name.clone()).unwrap_or_default();
    Command::Hypervisor { host, change }
}

/// Why nothing inside this VM can be changed from here.
pub(super) fn real(row: &NodeRow) -> Option<Words> {
    row.real.then(|| Words::key("edit-real"))
}

/// Commands for a VM that must be off: where it is on, it is switched off before and on again afterwards.
pub(super) fn while_off(view: &LabView, row: &NodeRow, commands: Vec<Command>, then: Then) -> Plan {
    if row.off {
        return Plan { commands, then, ..Plan::default() };
    }
    let power = |change| hypervise(view, row.host, change);
    let mut all = vec![power(HypervisorCommand::PowerOff { name: row.name.clone() })];
    all.extend(commands);
    let finally = Some(power(HypervisorCommand::StartVm { name: row.name.clone() }));
    Plan { commands: all, rescue: None, finally, then }
}

/// A VM's sheet.
pub(super) fn sheet(vm: NodeId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let row = view.nodes.get(&vm)?;
    let name = || row.name.clone();
    let state = Words::key(if row.off { "edit-vm-is-off" } else { "edit-vm-is-on" });
    let mut sheet = Sheet::new(Words::key("edit-vm-title").with("vm", name()), Words::key("edit-vm-what"));
    sheet.notes.push(state);
    sheet.notes.extend(real(row));
    let now = |change| Plan { commands: vec![hypervise(view, row.host, change)], ..Plan::default() };
    sheet.buttons.push(if row.off {
        Button::apply(Words::key("edit-vm-start"), now(HypervisorCommand::StartVm { name: name() }))
    } else {
        Button::apply(Words::key("edit-vm-off"), now(HypervisorCommand::PowerOff { name: name() })).locked(real(row))
    });
    let cards: Vec<_> = view.nics.values().filter(|nic| nic.vm == vm).collect();
    let full = cards.len() >= usize::from(ADAPTERS_MAX);
    let why = real(row).or_else(|| full.then(|| Words::key("edit-vm-full").with("max", ADAPTERS_MAX)));
    sheet.lists.push(List {
        title: "edit-cards",
        items: cards.into_iter().map(card).collect(),
        empty: "edit-cards-none",
        add: Some(Button::open(Words::key("edit-card-add"), EditTarget::NewNic(vm)).locked(why)),
    });
    sheet.lists.extend(service::lists(view, row));
    let mut gone = vec![hypervise(view, row.host, HypervisorCommand::RemoveVm { name: name() })];
    if !row.off {
        gone.insert(0, hypervise(view, row.host, HypervisorCommand::PowerOff { name: name() }));
    }
    let words = if row.off { "edit-vm-remove" } else { "edit-vm-off-remove" };
    let plan = Plan { commands: gone, then: Then::Back, ..Plan::default() };
    sheet.remove = Some(Button::apply(Words::key(words), plan).locked(real(row)));
    Some(sheet)
}

/// A card in the list of its VM.
fn card(nic: &NicRow) -> Item {
    Item {
        name: Words::key("edit-card-name").with("adapter", nic.adapter),
        detail: nic::summary(nic),
        open: Some(EditTarget::Nic(nic.vm, nic.adapter)),
        buttons: Vec::new(),
    }
}
