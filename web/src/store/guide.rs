//! The one line that says what to try now: a few first steps that follow from what was done, or a statement of the
//! lecture with the lines that show it. Plain logic over the view; hidden while an exercise guides.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use netmodes_core::id::NodeId;
use netmodes_core::view::{AddrRow, LabView, Mode, NicRow, NodeKind};
use netmodes_core::world::Command;

use super::{Action, AppState, Effect, Shared, Terminal};

/// The address on the Internet that the steps ask for.
const FAR: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

/// A statement of the lecture that is being tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its stable name.
    pub id: String,
    /// In English.
    pub en: String,
    /// In Russian.
    pub ru: String,
    /// The lab that shows it.
    pub lab: String,
    /// Lines of the script language that show it there.
    pub lines: Vec<String>,
    /// How many of them were run.
    pub done: usize,
}

/// What the line knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guide {
    /// The student wants no such line.
    pub dismissed: bool,
    /// A frame was opened.
    pub opened: bool,
    /// A statement of the lecture is tried.
    pub statement: Option<Statement>,
}

/// What can be done with the line.
#[derive(Clone, Debug)]
pub enum GuideAction {
    /// It is closed.
    Dismiss,
    /// It is wanted again.
    Show,
    /// A statement of the lecture is to be tried: its lab begins.
    Try(Box<Statement>),
    /// A line of the statement is to be run.
    Run(usize),
    /// A command is to be typed at a machine's terminal, which comes to the front.
    Type(NodeId, String),
}

/// What to try now. `vm` is the machine, `command` what to type there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for an address.
    Lease {
        /// The machine.
        vm: NodeId,
        /// The command.
        command: String,
        /// The card's mode was changed before: its network is another one now.
        again: bool,
    },
    /// Reach the Internet.
    Ping {
        /// The machine.
        vm: NodeId,
        /// The command.
        command: String,
    },
    /// Open a frame.
    Open,
    /// Change the mode.
    Attach {
        /// The machine.
        vm: NodeId,
        /// Its card.
        adapter: u8,
        /// The mode to choose.
        mode: Mode,
    },
    /// Find out why a ping fails.
    Why {
        /// The machine.
        vm: NodeId,
        /// The command.
        command: String,
        /// The mode in which it fails.
        mode: Mode,
    },
    /// On to the exercises.
    Further,
}

/// What to try now in this lab; none where there is nothing to say: no VM of ours, or a lab without the Internet.
pub fn step(view: &LabView, terminals: &BTreeMap<NodeId, Shared<Terminal>>, guide: &Guide) -> Option<Step> {
    let nic = view.nics.values().find(|nic| {
        let ours = |node: &netmodes_core::view::NodeRow| node.kind == NodeKind::Vm && !node.real && !node.off;
        view.nodes.get(&nic.vm).is_some_and(ours)
    })?;
    if !view.addrs.values().any(|row| row.addr == IpAddr::V4(FAR)) {
        return None;
    }
    let typed = |word: &str| -> u32 {
        let history = terminals.get(&nic.vm).map(|terminal| terminal.history.as_slice()).unwrap_or_default();
        history.iter().filter(|line| line.split_whitespace().next() == Some(word)).count() as u32
    };
    let iface = view.ifaces.get(&(nic.vm, nic.iface)).map(|row| row.name.clone())?;
    let ping = || format!("ping -c 1 -W 2 {FAR}");
    let first = matches!(nic.mode, Mode::Nat | Mode::Bridged | Mode::NatNetwork);
    let has = address_fits(view, nic);
    Some(match (nic.mode, has) {
        (Mode::NotAttached, _) => Step::Attach { vm: nic.vm, adapter: nic.adapter, mode: Mode::Nat },
        (Mode::Internal | Mode::UdpTunnel, _) if typed("dhclient") > 0 && typed("ping") > 0 => Step::Further,
        (_, false) => {
            // An address that does not fit is one of the network the card was in before.
            let again = own_addrs(view, nic).next().is_some();
            Step::Lease { vm: nic.vm, command: lease_command(&iface, typed("dhclient")), again }
        }
        (_, true) if first && typed("ping") == 0 => Step::Ping { vm: nic.vm, command: format!("ping -c 3 {FAR}") },
        (_, true) if first && !guide.opened => Step::Open,
        (_, true) if first => Step::Attach { vm: nic.vm, adapter: nic.adapter, mode: Mode::HostOnly },
        (mode, true) if typed("ping") < 2 => Step::Why { vm: nic.vm, command: ping(), mode },
        _ => Step::Further,
    })
}

/// Asking again needs the client that still runs to be stopped, as on a real Debian.
fn lease_command(iface: &str, before: u32) -> String {
    match before {
        0 => format!("dhclient -v {iface}"),
        _ => format!("dhclient -r {iface}; dhclient -v {iface}"),
    }
}

/// Whether the card has an address of the network that it is in now: where a DHCP server is at the other end of its
/// cable, one of that server's; else any.
fn address_fits(view: &LabView, nic: &NicRow) -> bool {
    let mut own = own_addrs(view, nic);
    let prefix = match nic.mode {
        Mode::HostOnly => Some([192, 168, 56]),
        _ => None,
    };
    let network = view.host_networks.values().find(|row| row.mode == nic.mode && row.name == nic.network);
    own.any(|row| match (row.addr, network, prefix) {
        (IpAddr::V4(addr), Some(network), _) => network.address.contains(addr),
        (IpAddr::V4(addr), None, Some(prefix)) => addr.octets()[..3] == prefix,
        (IpAddr::V4(addr), None, None) if nic.mode == Mode::Nat => {
            let server = super::state::across(view, nic.vm)
                .and_then(|engine| view.dhcp_servers.values().find(|row| row.node == engine).map(|row| row.server));
            server.is_none_or(|server| server.octets()[..3] == addr.octets()[..3])
        }
        _ => true,
    })
}

fn own_addrs<'a>(view: &'a LabView, nic: &'a NicRow) -> impl Iterator<Item = &'a AddrRow> {
    view.addrs.values().filter(|row| row.node == nic.vm && row.iface == nic.iface && row.addr.is_ipv4())
}

/// What a line of a script comes to on the page: something typed at a terminal, or a command for the lab; none for what
/// only a script can do.
pub fn deed(view: &LabView, line: &str) -> Option<Action> {
    if let Some(rest) = line.strip_prefix("@attach ") {
        let mut words = rest.split_whitespace();
        let (vm, adapter, mode) = (words.next()?, words.next()?.parse().ok()?, Mode::from_name(words.next()?)?);
        let network = words.next().unwrap_or("").to_owned();
        return Some(Action::Do(Command::Attach { vm: vm.to_owned(), adapter, mode, network }));
    }
    if line.starts_with('@') {
        return None;
    }
    let (machine, command) = line.split_once(": ")?;
    let machine = machine.split(" &").next()?.trim();
    let node = view.nodes.values().find(|node| node.name == machine)?.id;
    Some(Action::Guide(GuideAction::Type(node, command.trim().to_owned())))
}

/// Carries `action` out.
pub(super) fn act(state: &mut AppState, action: GuideAction) -> Vec<Effect> {
    match action {
        GuideAction::Dismiss => {
            let guide = state.guide.edit();
            match guide.statement.take() {
                Some(_) => Vec::new(),
                None => {
                    guide.dismissed = true;
                    vec![Effect::Keep { key: "guide".to_owned(), value: "off".to_owned() }]
                }
            }
        }
        GuideAction::Show => {
            state.guide.edit().dismissed = false;
            vec![Effect::Keep { key: "guide".to_owned(), value: String::new() }]
        }
        GuideAction::Try(statement) => {
            let lab = statement.lab.clone();
            state.guide.edit().statement = Some(*statement);
            super::reduce(state, Action::Load(lab))
        }
        GuideAction::Run(at) => {
            let Some(statement) = &mut state.guide.edit().statement else { return Vec::new() };
            let Some(line) = statement.lines.get(at) else { return Vec::new() };
            let deed = deed(&state.view, line);
            statement.done = statement.done.max(at + 1);
            deed.map(|deed| super::reduce(state, deed)).unwrap_or_default()
        }
        GuideAction::Type(node, command) => {
            state.front = Some(node);
            super::reduce(state, Action::Typed { node, line: command })
        }
    }
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
