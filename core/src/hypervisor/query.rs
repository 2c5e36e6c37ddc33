//! What a program on the host may ask its hypervisor, and what it hears: the whole inventory, or what came of a command.

use std::collections::BTreeMap;

use super::command::HypervisorCommand;
use super::objects::Inventory;
use crate::error::UserError;
use crate::view::{LeaseRow, Mode, NicRow};

/// What a program asks.
#[derive(Clone, Debug, PartialEq)]
pub enum HypervisorRequest {
    /// What is there?
    Look,
    /// Do this.
    Do(HypervisorCommand),
}

/// What it hears.
#[derive(Clone, Debug, PartialEq)]
pub enum HypervisorAnswer {
    /// What is there.
    View(Box<HypervisorView>),
    /// It is done (with the name of what was made, if it has one), or why not.
    Done(Result<String, UserError>),
}

/// Everything a hypervisor has, at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HypervisorView {
    /// Its VMs in the order in which they were made.
    pub vms: Vec<VmView>,
    /// Networks and DHCP servers.
    pub inventory: Inventory,
    /// Networks that stand now.
    pub built: Vec<(Mode, String)>,
    /// Leases of its DHCP servers and NAT networks, by the network's mode and name.
    pub leases: Vec<(Mode, String, LeaseRow)>,
    /// Host interfaces that a card can be bridged to.
    pub bridgeable: Vec<String>,
}

/// A VM.
#[derive(Clone, Debug, PartialEq)]
pub struct VmView {
    /// Its name.
    pub name: String,
    /// Switched on.
    pub running: bool,
    /// Its cards by adapter number.
    pub nics: BTreeMap<u8, NicView>,
}

/// A card of a VM.
#[derive(Clone, Debug, PartialEq)]
pub struct NicView {
    /// What is shown of it.
    pub row: NicRow,
    /// The network that each mode last had here.
    pub remembered: BTreeMap<Mode, String>,
}

impl HypervisorView {
    /// The VM with this name.
    pub fn vm(&self, name: &str) -> Option<&VmView> {
        self.vms.iter().find(|vm| vm.name == name)
    }
}
