//! What the student is changing, and what becomes of the commands that a change is made of. Owns which sheet is open and
//! what is under way; must not know what a sheet looks like or which fields it has ([`crate::edit`]).

use std::collections::VecDeque;

use netmodes_core::error::UserError;
use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::protocol::ClientMessage;
use netmodes_core::view::{LabView, Mode, NodeKind};
use netmodes_core::world::Command;

use super::{AppState, Effect, course};

/// Sheets one above the other; more are not needed to come from a host to a rule of a card of one of its VMs.
const DEPTH_MAX: usize = 8;

/// What can be changed in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditTarget {
    /// The whole lab, as lists.
    Lab,
    /// A VM that is not there yet, on this host.
    NewVm(NodeId),
    /// A VM: its power, its cards.
    Vm(NodeId),
    /// One more card for a VM.
    NewNic(NodeId),
    /// A VM's card: the VM and the adapter's number.
    Nic(NodeId, u8),
    /// One more port-forwarding rule for a card's NAT.
    NewForward(NodeId, u8),
    /// A port-forwarding rule of a card's NAT, by its name.
    Forward(NodeId, u8, String),
    /// A cable.
    Link(LinkId),
    /// A switch or bridge.
    Switch(NodeId),
    /// A port of a switch.
    SwitchPort(NodeId, u32),
    /// A machine's services.
    Machine(NodeId),
    /// A scope of a DHCP service on a machine, by the service's name and the scope's number.
    Scope(NodeId, String, u32),
    /// What a hypervisor has: its VMs, NAT networks, host-only interfaces.
    Hypervisor(NodeId),
    /// A NAT network that is not there yet.
    NewNatNetwork(NodeId),
    /// A network of a hypervisor: NAT network, host-only interface or internal network, by its name.
    Network(NodeId, Mode, String),
    /// The hypervisor's DHCP server in a host-only or internal network, there or not yet.
    NetworkDhcp(NodeId, Mode, String),
    /// One more port-forwarding rule for a NAT network.
    NewNetworkForward(NodeId, String),
    /// A port-forwarding rule of a NAT network, by the network's and its own name.
    NetworkForward(NodeId, String, String),
}

impl EditTarget {
    /// What a click on a node's pencil opens. A NAT engine is edited where its card or its network is, a DHCP server of
    /// the hypervisor with its network.
    pub fn of_node(view: &LabView, node: NodeId) -> Option<Self> {
        let row = view.nodes.get(&node)?;
        match row.kind {
            NodeKind::Vm => Some(Self::Vm(node)),
            NodeKind::Host => Some(Self::Hypervisor(node)),
            NodeKind::Computer | NodeKind::Router => Some(Self::Machine(node)),
            NodeKind::Switch | NodeKind::NatEngine | NodeKind::DhcpServer => {
                let built = built_for(view, node);
                built.or_else(|| (row.kind == NodeKind::Switch).then_some(Self::Switch(node)))
            }
        }
    }
}

/// The card or the network that the hypervisor built a node for; none for a switch of the lab's own.
fn built_for(view: &LabView, node: NodeId) -> Option<EditTarget> {
    let row = view.nodes.get(&node)?;
    let host = row.host?;
    // A card at the node itself, or at the switch that the node is plugged into.
    let neighbours = |of: NodeId| {
        view.links.values().filter_map(move |link| match (link.a, link.b) {
            (a, b) if a.node == of => Some(b),
            (a, b) if b.node == of => Some(a),
            _ => None,
        })
    };
    let card_of = |of: NodeId| {
        neighbours(of).find_map(|port| view.nics.values().find(|nic| nic.vm == port.node && nic.iface == port.index))
    };
    let switch = || neighbours(node).map(|port| port.node).find(|id| is_kind(view, *id, NodeKind::Switch));
    let nic = card_of(node).or_else(|| card_of(switch()?))?;
    match nic.mode {
        Mode::Nat => Some(EditTarget::Nic(nic.vm, nic.adapter)),
        Mode::NatNetwork => Some(EditTarget::Network(host, nic.mode, nic.network.clone())),
        Mode::HostOnly | Mode::Internal if row.kind == NodeKind::DhcpServer => {
            Some(EditTarget::NetworkDhcp(host, nic.mode, nic.network.clone()))
        }
        Mode::HostOnly | Mode::Internal => Some(EditTarget::Network(host, nic.mode, nic.network.clone())),
        _ => None,
    }
}

fn is_kind(view: &LabView, node: NodeId, kind: NodeKind) -> bool {
    view.nodes.get(&node).is_some_and(|row| row.kind == kind)
}

/// What the student does about a change.
#[allow(clippy::large_enum_variant, reason = "one is alive at a time, and it is taken apart at once")]
#[derive(Clone, Debug, PartialEq)]
pub enum EditAction {
    /// Opens a sheet in the place of whatever is open.
    Open(EditTarget),
    /// Opens a sheet above the one that is open, to come back to it.
    Deeper(EditTarget),
    /// Back to the sheet below, or closes the last one.
    Back,
    /// Closes the sheet.
    Close,
    /// Sends what a change is made of.
    Apply(Plan),
}

/// The commands that a change is made of, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One after the other; what is left is not sent once one is refused.
    pub commands: Vec<Command>,
    /// Sent when one was refused: what had gone for the change's sake comes back.
    pub rescue: Option<Command>,
    /// Sent at the end in any case: a VM that was switched off for a change is switched on again.
    pub finally: Option<Command>,
    /// Where the sheet goes when all is done.
    pub then: Then,
}

/// Where the sheet goes after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It stays.
    #[default]
    Stay,
    /// Back to the sheet below.
    Back,
    /// To the VM of this name, which was made just now.
    Vm(String),
}

/// The sheet that is open, and what is under way.
#[derive(Clone, Debug, Default)]
pub struct EditState {
    /// The open sheet is the last; the others are what Back comes to.
    pub open: Vec<EditTarget>,
    /// What was sent and not yet answered.
    pub pending: Option<Pending>,
    /// What the source refused last.
    pub refused: Option<UserError>,
    /// How many changes were done since the sheet was opened: a new number tells that one is through.
    pub done: u32,
}

/// A change under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    rest: VecDeque<Command>,
    rescue: Option<Command>,
    finally: Option<Command>,
    then: Then,
}

impl EditState {
    /// The sheet that is open.
    pub fn target(&self) -> Option<&EditTarget> {
        self.open.last()
    }
}

/// Carries out what the student does about a change.
pub(super) fn act(state: &mut AppState, action: EditAction) -> Vec<Effect> {
    // An exercise may keep a road closed.
    if let EditAction::Apply(plan) = &action
        && let Some(error) = plan.commands.iter().find_map(|command| course::refusal(state, command))
    {
        state.edit.edit().refused = Some(error);
        return Vec::new();
    }
    let edit = state.edit.edit();
    match action {
        EditAction::Open(target) => {
            edit.open = vec![target];
            (edit.refused, edit.done) = (None, 0);
        }
        EditAction::Deeper(target) => {
            if edit.open.last() != Some(&target) && edit.open.len() < DEPTH_MAX {
                edit.open.push(target);
            }
            edit.refused = None;
        }
        EditAction::Back => {
            edit.open.pop();
            edit.refused = None;
        }
        EditAction::Close => {
            edit.open.clear();
            edit.refused = None;
        }
        EditAction::Apply(plan) => {
            // One at a time: an impatient second click changes nothing.
            if edit.pending.is_none() {
                let Plan { commands, rescue, finally, then } = plan;
                edit.refused = None;
                edit.pending = Some(Pending { rest: commands.into(), rescue, finally, then });
                return go_on(state);
            }
        }
    }
    Vec::new()
}

/// The next command of what is under way, or its end.
fn go_on(state: &mut AppState) -> Vec<Effect> {
    let edit = state.edit.edit();
    let Some(pending) = &mut edit.pending else { return Vec::new() };
    if let Some(command) = pending.rest.pop_front().or_else(|| pending.finally.take()) {
        return vec![Effect::Send(ClientMessage::Do { command })];
    }
    let then = core::mem::take(&mut pending.then);
    edit.pending = None;
    if edit.refused.is_some() {
        return Vec::new();
    }
    edit.done += 1;
    match then {
        Then::Stay => {}
        Then::Back => drop(edit.open.pop()),
        Then::Vm(name) => {
            let made = state.view.nodes.values().find(|node| node.kind == NodeKind::Vm && node.name == name);
            let made = made.map(|node| EditTarget::Vm(node.id));
            edit.open.pop();
            edit.open.extend(made);
        }
    }
    Vec::new()
}

/// The source has carried an input out.
pub(super) fn input_done(state: &mut AppState) -> Vec<Effect> {
    if state.edit.pending.is_some() { go_on(state) } else { Vec::new() }
}

/// The source refused something: true effects if it was a part of the change under way, else the refusal itself.
///
/// # Errors
/// The refusal, when no change is under way.
pub(super) fn refused(state: &mut AppState, error: UserError) -> Result<Vec<Effect>, UserError> {
    if state.edit.pending.is_none() {
        return Err(error);
    }
    let edit = state.edit.edit();
    edit.refused.get_or_insert(error);
    if let Some(pending) = &mut edit.pending {
        pending.rest = pending.rescue.take().into_iter().collect();
    }
    Ok(go_on(state))
}

/// A new picture: another lab closes the sheet; the same lab at another instant keeps it.
pub(super) fn begin(state: &mut AppState, other_lab: bool) -> Vec<Effect> {
    if other_lab {
        if !state.edit.open.is_empty() || state.edit.pending.is_some() {
            *state.edit.edit() = EditState::default();
        }
        return Vec::new();
    }
    // An input given while looking back is answered by the picture of what is now.
    input_done(state)
}
