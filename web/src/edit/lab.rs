//! Everything in the lab that can be changed, as lists: the way in for who does not point at the picture.

use netmodes_core::view::{LabView, NodeKind, NodeRow};

use super::Look;
use super::link::spoken;
use super::sheet::{Button, Item, List, Sheet, Words};
use crate::store::EditTarget;

fn nodes(view: &LabView, wanted: impl Fn(&NodeRow) -> bool, detail: impl Fn(&NodeRow) -> Words) -> Vec<Item> {
    let item = |row: &NodeRow| {
        let open = EditTarget::of_node(view, row.id)?;
        Some(Item { name: row.name.clone().into(), detail: detail(row), open: Some(open), buttons: Vec::new() })
    };
    view.nodes.values().filter(|row| wanted(row)).filter_map(item).collect()
}

/// The lab's sheet.
pub(super) fn sheet(look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    if view.nodes.is_empty() {
        return None;
    }
    let mut sheet = Sheet::new(Words::key("edit-lab-title"), Words::key("edit-lab-what"));
    let is = |kind: NodeKind| move |row: &NodeRow| row.kind == kind;
    let power = |row: &NodeRow| Words::key(if row.off { "edit-off" } else { "edit-on" });
    let host = view.nodes.values().find(|row| row.kind == NodeKind::Host).map(|row| row.id);
    sheet.lists.push(List {
        title: "edit-vms",
        items: nodes(view, is(NodeKind::Vm), power),
        empty: "edit-vms-none",
        add: host.map(|host| Button::open(Words::key("edit-vm-add"), EditTarget::NewVm(host))),
    });
    let mut list = |title, items: Vec<Item>| {
        if !items.is_empty() {
            sheet.lists.push(List { title, items, empty: "edit-services-none", add: None });
        }
    };
    list("edit-hypervisors", nodes(view, is(NodeKind::Host), |_| Words::key("edit-hypervisor-has")));
    let other = |row: &NodeRow| {
        let serves = view.services.values().any(|service| service.node == row.id);
        serves && matches!(row.kind, NodeKind::Computer | NodeKind::Router)
    };
    let services = |row: &NodeRow| {
        let own = view.services.values().filter(|service| service.node == row.id);
        Words::Joined(own.map(|service| service.name.clone().into()).collect(), ", ")
    };
    list("edit-servers", nodes(view, other, services));
    let switch = |row: &NodeRow| row.kind == NodeKind::Switch && view.bridges.contains_key(&row.id);
    let ports = |row: &NodeRow| {
        let ports = view.bridge_ports.range((row.id, 0)..=(row.id, u32::MAX));
        Words::Count("edit-ports-count", ports.count() as u64)
    };
    list("edit-switches", nodes(view, switch, ports));
    let cable = |link: &netmodes_core::view::LinkRow| Item {
        name: format!("{} – {}", spoken(view, link.a), spoken(view, link.b)).into(),
        detail: Words::key(match (link.up, link.mute) {
            (false, _) => "edit-cable-out",
            (true, [false, false]) => "edit-cable-in",
            (true, _) => "edit-cable-broken",
        }),
        open: Some(EditTarget::Link(link.id)),
        buttons: Vec::new(),
    };
    list("edit-cables", view.links.values().map(cable).collect());
    Some(sheet)
}
