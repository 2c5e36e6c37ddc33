//! Editing in place: for each thing that can be changed a sheet with its fields, and from what was typed the commands
//! that change it. Plain data and functions, with native tests; the components draw what is described here. Must not know
//! Yew, the browser, or how commands travel ([`crate::store::edit`] sends them).

mod nic;
mod read;
mod sheet;
mod vm;

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::protocol::Capabilities;
use netmodes_core::view::LabView;

pub use sheet::{Button, Choice, Field, Form, Item, Kind, List, Press, Sheet, Words};

use crate::store::EditTarget;
use crate::store::edit::Plan;

/// What was typed so far: values by the field's key. A field that is not there has the value that is in force.
pub type Draft = BTreeMap<&'static str, String>;

/// What a sheet is made from.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The lab.
    pub view: &'a LabView,
    /// What was typed.
    pub draft: &'a Draft,
    /// What the source can do.
    pub capabilities: Option<&'a Capabilities>,
}

/// What a form's fields come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The commands; none when nothing is to be changed.
    pub plan: Plan,
    /// A VM is switched off for it and on again.
    pub restarts: bool,
    /// Fields that cannot be read, and why.
    pub wrong: Vec<(&'static str, UserError)>,
}

impl Change {
    /// Whether there is something to apply.
    pub fn ready(&self) -> bool {
        self.wrong.is_empty() && !self.plan.commands.is_empty()
    }
}

/// The sheet of a target; none when what it names is not there (any more).
pub fn sheet(target: &EditTarget, look: Look<'_>) -> Option<Sheet> {
    match target {
        EditTarget::Vm(vm) => vm::sheet(*vm, look),
        EditTarget::Nic(vm, adapter) => nic::sheet(*vm, *adapter, look),
        _ => None,
    }
}

/// What the form of a target comes to.
pub fn change(target: &EditTarget, look: Look<'_>) -> Change {
    match target {
        EditTarget::Nic(vm, adapter) => nic::change(*vm, *adapter, look),
        _ => Change::default(),
    }
}

/// The field that a refusal of the source speaks of.
pub fn field_of(error: &UserError) -> Option<&'static str> {
    match error.code.as_str() {
        "hv-mac" => Some("mac"),
        "hv-name" | "unknown-interface" | "hv-hostonly-unknown" | "hv-natnetwork-unknown" => Some("network"),
        "mode-not-available" => Some("mode"),
        _ => None,
    }
}
