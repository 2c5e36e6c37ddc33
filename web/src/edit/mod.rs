//! Editing in place: for each thing that can be changed a sheet with its fields, and from what was typed the commands
//! that change it. Plain data and functions, with native tests; the components draw what is described here. Must not know
//! Yew, the browser, or how commands travel ([`crate::store::edit`] sends them).

mod forward;
mod lab;
mod link;
mod network;
mod network_dhcp;
mod new;
mod nic;
mod read;
mod service;
mod sheet;
mod switch;
mod terminal;
#[cfg(test)]
mod tests;
mod vm;

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::view::LabView;

use forward::Owner;
pub use sheet::{Button, Choice, Field, Form, Item, Kind, List, Press, Sheet, Words};
pub use terminal::{Line, Place, lines};

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
    use EditTarget as T;
    match target {
        T::Lab => lab::sheet(look),
        T::NewVm(host) => new::vm_sheet(*host, look),
        T::Vm(vm) => vm::sheet(*vm, look),
        T::NewNic(vm) => new::nic_sheet(*vm, look),
        T::Nic(vm, adapter) => nic::sheet(*vm, *adapter, look),
        T::NewForward(vm, adapter) => forward::sheet(&Owner::Card(*vm, *adapter), None, look),
        T::Forward(vm, adapter, rule) => forward::sheet(&Owner::Card(*vm, *adapter), Some(rule), look),
        T::Link(link) => link::sheet(*link, look),
        T::Switch(switch) => switch::sheet(*switch, look),
        T::SwitchPort(switch, port) => switch::port_sheet(*switch, *port, look),
        T::Machine(node) => service::machine_sheet(*node, look),
        T::Scope(node, name, scope) => service::scope_sheet(*node, name, *scope, look),
        T::Hypervisor(host) => network::hypervisor_sheet(*host, look),
        T::NewNatNetwork(host) => network::new_sheet(*host, look),
        T::Network(host, mode, name) => network::sheet(*host, *mode, name, look),
        T::NetworkDhcp(host, mode, name) => network_dhcp::sheet(*host, *mode, name, look),
        T::NewNetworkForward(host, name) => forward::sheet(&Owner::Network(*host, name.clone()), None, look),
        T::NetworkForward(host, name, rule) => forward::sheet(&Owner::Network(*host, name.clone()), Some(rule), look),
    }
}

/// What the form of a target comes to.
pub fn change(target: &EditTarget, look: Look<'_>) -> Change {
    use EditTarget as T;
    match target {
        T::NewVm(host) => new::vm_change(*host, look),
        T::NewNic(vm) => new::nic_change(*vm, look),
        T::Nic(vm, adapter) => nic::change(*vm, *adapter, look),
        T::NewForward(vm, adapter) => forward::change(&Owner::Card(*vm, *adapter), None, look),
        T::Forward(vm, adapter, rule) => forward::change(&Owner::Card(*vm, *adapter), Some(rule), look),
        T::Link(link) => link::change(*link, look),
        T::Switch(switch) => switch::change(*switch, look),
        T::SwitchPort(switch, port) => switch::port_change(*switch, *port, look),
        T::Scope(node, name, scope) => service::scope_change(*node, name, *scope, look),
        T::NewNatNetwork(host) => network::new_change(*host, look),
        T::Network(host, mode, name) => network::change(*host, *mode, name, look),
        T::NetworkDhcp(host, mode, name) => network_dhcp::change(*host, *mode, name, look),
        T::NewNetworkForward(host, name) => forward::change(&Owner::Network(*host, name.clone()), None, look),
        T::NetworkForward(host, name, rule) => forward::change(&Owner::Network(*host, name.clone()), Some(rule), look),
        T::Lab | T::Vm(_) | T::Machine(_) | T::Hypervisor(_) => Change::default(),
    }
}

/// The field that a refusal of the source speaks of.
pub fn field_of(error: &UserError) -> Option<&'static str> {
    match error.code.as_str() {
        "hv-mac" => Some("mac"),
        "hv-name" | "hv-vm-name" | "hv-vm-exists" | "hv-natnetwork-exists" | "hv-forward-exists" => Some("name"),
        "unknown-interface" | "hv-hostonly-unknown" | "hv-natnetwork-unknown" | "hv-natnetwork-network" => {
            Some("network")
        }
        "mode-not-available" => Some("mode"),
        "forward-port-taken" | "hv-forward-taken" | "hv-forward-port" | "hv-forward-privileged" => Some("host-port"),
        "hv-forward-guest" => Some("guest-address"),
        "hv-hostonly-range" => Some("address"),
        "hv-nat-net" => Some("natnet"),
        "hv-dhcp-range" | "lab-scope-range" | "lab-scope-network" => Some("last"),
        "hv-adapter" | "hv-adapter-exists" => Some("adapter"),
        _ => None,
    }
}
