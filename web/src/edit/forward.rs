//! Port-forwarding rules, of a card's NAT and of a NAT network.

use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use netmodes_core::addr::L4Proto;
use netmodes_core::hypervisor::{HypervisorCommand, NatNetworkChange};
use netmodes_core::id::NodeId;
use netmodes_core::lab::ForwardSpec;
use netmodes_core::view::Mode;
use netmodes_core::world::Command;

use super::read::{Reader, or_empty, stands};
use super::sheet::{Button, Choice, Field, Form, Item, Kind, List, Sheet, Words};
use super::vm::hypervise;
use super::{Change, Look};
use crate::store::EditTarget;
use crate::store::edit::{Plan, Then};

/// Whose rules they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Card(NodeId, u8),
    Network(NodeId, String),
}

impl Owner {
    fn rules<'a>(&self, look: Look<'a>) -> Option<&'a [ForwardSpec]> {
        match self {
            Self::Card(vm, adapter) => Some(&look.view.nics.get(&(*vm, *adapter))?.forwards),
            Self::Network(host, name) => {
                Some(&look.view.host_networks.get(&(*host, Mode::NatNetwork, name.clone()))?.forwards)
            }
        }
    }

    fn title(&self, look: Look<'_>) -> String {
        match self {
            Self::Card(vm, _) => look.view.nodes.get(vm).map(|node| node.name.clone()).unwrap_or_default(),
            Self::Network(_, name) => name.clone(),
        }
    }

    /// The host whose hypervisor has them.
    fn host(&self, look: Look<'_>) -> Option<NodeId> {
        match self {
            Self::Card(vm, _) => look.view.nodes.get(vm)?.host,
            Self::Network(host, _) => Some(*host),
        }
    }

    /// The commands that take one rule away and put another in its place.
    fn commands(&self, look: Look<'_>, gone: Option<&str>, new: Option<&ForwardSpec>) -> Vec<Command> {
        let do_it = |change| hypervise(look.view, self.host(look), change);
        match self {
            Self::Card(vm, adapter) => {
                let vm = look.view.nodes.get(vm).map(|node| node.name.clone()).unwrap_or_default();
                let adapter = *adapter;
                let remove = gone.map(|name| {
                    do_it(HypervisorCommand::RemoveForward { vm: vm.clone(), adapter, name: name.to_owned() })
                });
                let add = new
                    .map(|rule| do_it(HypervisorCommand::AddForward { vm: vm.clone(), adapter, rule: rule.clone() }));
                remove.into_iter().chain(add).collect()
            }
            Self::Network(_, name) => {
                let change = NatNetworkChange {
                    remove_forwards: gone.map(str::to_owned).into_iter().collect(),
                    add_forwards: new.cloned().into_iter().collect(),
                    ..NatNetworkChange::default()
                };
                vec![do_it(HypervisorCommand::SetNatNetwork { name: name.clone(), change })]
            }
        }
    }
}

fn end(addr: Option<Ipv4Addr>, port: u16) -> String {
    format!("{}:{port}", or_empty(addr))
}

/// The list of rules on their owner's sheet.
pub(super) fn list(owner: &Owner, look: Look<'_>) -> List {
    let rules = owner.rules(look).unwrap_or_default();
    let item = |rule: &ForwardSpec| {
        let (target, open) = match owner {
            Owner::Card(vm, adapter) => {
                (EditTarget::Forward(*vm, *adapter, rule.name.clone()), look.view.forwards.values())
            }
            Owner::Network(host, name) => {
                (EditTarget::NetworkForward(*host, name.clone(), rule.name.clone()), look.view.forwards.values())
            }
        };
        let is_open = open
            .into_iter()
            .any(|row| row.name == rule.name && row.proto == rule.proto && row.host.port == rule.host_port);
        let route = Words::key("edit-forward-line")
            .with("proto", rule.proto.name().to_uppercase())
            .with("host", end(rule.host_address, rule.host_port))
            .with("guest", end(rule.guest_address, rule.guest_port));
        let state = Words::key(if is_open { "edit-forward-open" } else { "edit-forward-shut" });
        Item {
            name: rule.name.clone().into(),
            detail: Words::Joined(vec![route, state], " · "),
            open: Some(target),
            buttons: Vec::new(),
        }
    };
    let new = match owner {
        Owner::Card(vm, adapter) => EditTarget::NewForward(*vm, *adapter),
        Owner::Network(host, name) => EditTarget::NewNetworkForward(*host, name.clone()),
    };
    List {
        title: "edit-forwards",
        items: rules.iter().map(item).collect(),
        empty: "edit-forwards-none",
        add: Some(Button::open(Words::key("edit-forward-add"), new)),
    }
}

/// What a new rule is proposed to be: the guest's web server at a port that an ordinary user may open.
fn proposal(owner: &Owner, look: Look<'_>) -> ForwardSpec {
    let taken = owner.rules(look).unwrap_or_default();
    // A port of the host is free where no rule of any card or network wants it, and nothing listens there.
    let view = look.view;
    let rules = view.nics.values().flat_map(|nic| &nic.forwards);
    let wanted = rules.chain(view.host_networks.values().flat_map(|row| &row.forwards)).map(|rule| rule.host_port);
    let host = owner.host(look);
    let open = view.sockets.values().filter(|row| row.node.is_some() && row.node == host).map(|row| row.local.port);
    let used: BTreeSet<u16> = wanted.chain(open).collect();
    let free = |port: &u16| !used.contains(port);
    let name = (1_u32..).map(|n| if n == 1 { "web".to_owned() } else { format!("web{n}") });
    let name = name.into_iter().find(|name| taken.iter().all(|rule| rule.name != *name)).unwrap_or_default();
    let guest = match owner {
        Owner::Card(..) => None,
        Owner::Network(host, name) => {
            let network = look.view.host_networks.get(&(*host, Mode::NatNetwork, name.clone()));
            network.map(|row| Ipv4Addr::from_bits(row.address.network().addr.to_bits().saturating_add(4)))
        }
    };
    ForwardSpec {
        name,
        proto: L4Proto::Tcp,
        host_address: None,
        host_port: (8_080..u16::MAX).find(free).unwrap_or(8_080),
        guest_address: guest,
        guest_port: 80,
    }
}

/// The rule in force by its name, or a proposal for a new one.
fn rule(owner: &Owner, name: Option<&str>, look: Look<'_>) -> Option<ForwardSpec> {
    let rules = owner.rules(look)?;
    match name {
        Some(name) => rules.iter().find(|rule| rule.name == name).cloned(),
        None => Some(proposal(owner, look)),
    }
}

/// The sheet of a rule, or of a new one.
pub(super) fn sheet(owner: &Owner, name: Option<&str>, look: Look<'_>) -> Option<Sheet> {
    let now = rule(owner, name, look)?;
    let title = match name {
        Some(name) => Words::key("edit-forward-title").with("rule", name),
        None => Words::key("edit-forward-new").with("of", owner.title(look)),
    };
    let mut sheet = Sheet::new(title, Words::key("edit-forward-what"));
    let protos = [("tcp", "TCP"), ("udp", "UDP")].map(|(value, label)| Choice::new(value, label.to_owned().into()));
    let guest_hint = match owner {
        Owner::Card(..) => "edit-guest-address-hint",
        Owner::Network(..) => "edit-guest-address-needed",
    };
    let fields = vec![
        Field::new("name", "edit-rule-name", Kind::Text, &now.name),
        Field::new("proto", "edit-proto", Kind::Choice(protos.to_vec()), now.proto.name()),
        Field::new("host-port", "edit-host-port", Kind::Number, now.host_port).hint(Words::key("edit-host-port-hint")),
        Field::new("guest-port", "edit-guest-port", Kind::Number, now.guest_port)
            .hint(Words::key("edit-guest-port-hint")),
        Field::new("guest-address", "edit-guest-address", Kind::Mono, or_empty(now.guest_address))
            .hint(Words::key(guest_hint)),
        Field::new("host-address", "edit-host-address", Kind::Mono, or_empty(now.host_address))
            .hint(Words::key("edit-host-address-hint")),
    ];
    let apply = if name.is_some() { "edit-apply" } else { "edit-forward-make" };
    sheet.form = Some(Form { fields, apply, locked: None });
    if let Some(name) = name {
        let commands = owner.commands(look, Some(name), None);
        let plan = Plan { commands, then: Then::Back, ..Plan::default() };
        sheet.remove = Some(Button::apply(Words::key("edit-forward-remove"), plan));
    }
    Some(sheet)
}

/// What the form of a rule comes to.
pub(super) fn change(owner: &Owner, name: Option<&str>, look: Look<'_>) -> Change {
    let Some(now) = rule(owner, name, look) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    // Below 1024 only root may listen, and VirtualBox does not run as root.
    let host_port = reader.number("host-port", now.host_port, 1_024, 65_535);
    let guest_port = reader.number("guest-port", now.guest_port, 1, 65_535);
    let host_address = reader.optional("host-address", or_empty(now.host_address), "edit-address");
    let guest_address = reader.optional("guest-address", or_empty(now.guest_address), "edit-address");
    if matches!(owner, Owner::Network(..)) && guest_address.is_none() {
        reader.refuse("guest-address", netmodes_core::error::UserError::new("edit-guest-needed"));
    }
    let udp = stands(look.draft, "proto", now.proto.name()) == "udp";
    let new = ForwardSpec {
        name: stands(look.draft, "name", &now.name),
        proto: if udp { L4Proto::Udp } else { L4Proto::Tcp },
        host_address,
        host_port: host_port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
        guest_address,
        guest_port: guest_port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
    };
    if new.name.is_empty() {
        reader.refuse("name", netmodes_core::error::UserError::new("edit-empty"));
    }
    if name.is_some() && new == now {
        return reader.finish(Change::default());
    }
    let rescue = match (owner, name) {
        (Owner::Card(..), Some(_)) => owner.commands(look, None, Some(&now)).pop(),
        _ => None,
    };
    let plan = Plan { commands: owner.commands(look, name, Some(&new)), rescue, then: Then::Back, ..Plan::default() };
    reader.finish(Change { plan, ..Change::default() })
}
