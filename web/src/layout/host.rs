//! The host: its VMs, the patch panel, what the hypervisor built behind each socket, its cards on its edge.

use std::collections::BTreeSet;

use netmodes_core::id::{NodeId, Port};
use netmodes_core::view::{LabView, Mode, NicRow, NodeKind, NodeRow};

use super::facts::{facts, mode_of, neighbours};
use super::place::{MARGIN, ROOM, columns, height, near};
use super::{Card, CardKind, Detail, HostBox, Plug, Point, Rect, Scene, Socket};

/// Above the contents of a host: its name.
const HEAD: f64 = 50.0;
const PAD: f64 = 18.0;
/// Between columns of VMs.
const VM_GUTTER: f64 = 34.0;
const VM_GAP: f64 = 20.0;
const PANEL_W: f64 = 158.0;
const SOCKET_STEP: f64 = 38.0;
/// From the panel's edge to its sockets.
pub(super) const SOCKET_INSIDE: f64 = 20.0;
/// Room for cables on both sides of the panel.
const CABLES: f64 = 46.0;
const BUILT_W: f64 = 208.0;
const BUILT_GAP: f64 = 20.0;
const BUILT_GUTTER: f64 = 34.0;
const PART_H: f64 = 46.0;
/// Between something built and what belongs to it: room for a mark.
const PART_GAP: f64 = 26.0;
/// A card of the host.
const NIC: (f64, f64) = (122.0, 54.0);
const HOSTS_GAP: f64 = 34.0;

/// Height of a fact's line on a card that says all.
pub(super) const LINE: f64 = 18.0;

/// Places all hosts, one below the other. Returns the height at which the first one's cards are.
pub(super) fn place(view: &LabView, scene: &mut Scene) -> f64 {
    let hosts: Vec<_> = view.nodes.values().filter(|node| node.kind == NodeKind::Host).collect();
    let mut top = MARGIN;
    let mut right: f64 = 0.0;
    for host in &hosts {
        let block = one(view, host.id, top, scene);
        top = block.bottom() + HOSTS_GAP;
        right = right.max(block.right());
    }
    // All frames are as wide as the widest, so that the cards on their edges stand in one column.
    let mut middle = None;
    for at in 0..scene.hosts.len() {
        if let Some(host) = scene.hosts.get_mut(at) {
            host.rect.w = right - host.rect.x;
        }
        let y = edge(view, scene, at);
        middle = middle.or(y);
    }
    middle.unwrap_or(MARGIN + 200.0)
}

/// A VM's measures: width, height of its head, height of a card's row, below the last row.
fn vm_measures(detail: Detail, nics: usize) -> (f64, f64, f64, f64) {
    match (detail, nics) {
        (Detail::Full, 1) => (186.0, 32.0, 60.0, 4.0),
        (Detail::Full, _) => (186.0, 32.0, 40.0, 6.0),
        (Detail::Compact, _) => (180.0, 24.0, 20.0, 6.0),
        (Detail::Mini, _) => (132.0, 5.0, 15.0, 5.0),
    }
}

fn vm_height(detail: Detail, nics: usize) -> f64 {
    let (_, head, row, below) = vm_measures(detail, nics);
    match detail {
        Detail::Mini => (head + row * nics as f64 + below).max(26.0),
        _ if nics == 0 => head + 24.0,
        _ => head + row * nics as f64 + below,
    }
}

/// As much detail as fits: all of it in one column, one line a card in two, else names in as many as it takes.
fn vm_columns(nics: &[usize]) -> (Detail, Vec<f64>, Vec<core::ops::Range<usize>>) {
    for (detail, most) in [(Detail::Full, 1), (Detail::Compact, 2)] {
        let heights: Vec<_> = nics.iter().map(|nics| vm_height(detail, *nics)).collect();
        let parted = columns(&heights, VM_GAP, ROOM);
        if parted.len() <= most {
            return (detail, heights, parted);
        }
    }
    let heights: Vec<_> = nics.iter().map(|nics| vm_height(Detail::Mini, *nics)).collect();
    let parted = columns(&heights, VM_GAP, ROOM);
    (Detail::Mini, heights, parted)
}

/// One host from `top` down; its right edge is that of what is inside.
fn one(view: &LabView, host: NodeId, top: f64, scene: &mut Scene) -> Rect {
    let own: Vec<&NodeRow> = view.nodes.values().filter(|node| node.host == Some(host)).collect();
    let vms: Vec<&NodeRow> = own.iter().copied().filter(|node| node.kind == NodeKind::Vm).collect();
    let nics_of = |vm: NodeId| view.nics.range((vm, 0)..=(vm, u8::MAX)).map(|(_, nic)| nic);
    let counts: Vec<_> = vms.iter().map(|vm| nics_of(vm.id).count()).collect();
    let (detail, heights, parted) = vm_columns(&counts);
    let vm_w = vm_measures(detail, 1).0;
    let content = top + HEAD;
    let panel_h = SOCKET_STEP * 5.0 + 108.0;
    let tallest = parted.iter().map(|part| height(&heights[part.clone()], VM_GAP)).fold(0.0, f64::max);
    let inner_h = panel_h.max(tallest);

    // VMs.
    let mut x = MARGIN + PAD;
    let begin = x;
    for part in &parted {
        let free = (inner_h - height(&heights[part.clone()], VM_GAP)).max(0.0);
        let gap = VM_GAP + (free / part.len() as f64).min(48.0);
        let used = height(&heights[part.clone()], gap);
        let mut y = content + ((inner_h - used) / 2.0).clamp(0.0, 34.0);
        for at in part.clone() {
            let rect = Rect::new(x, y, vm_w, heights[at]);
            scene.cards.push(vm_card(vms[at].id, rect, detail, nics_of(vms[at].id)));
            y += heights[at] + gap;
        }
        x += vm_w + VM_GUTTER;
    }
    let vms_right = if parted.is_empty() { begin + vm_measures(Detail::Full, 1).0 } else { x - VM_GUTTER };

    // The patch panel.
    let panel = Rect::new(vms_right + CABLES, content, PANEL_W, panel_h);
    sockets(host, panel, scene);

    // What was built.
    let built_x = panel.right() + CABLES;
    let (built_right, built_bottom) = built(view, host, &own, Point::new(built_x, content), scene);
    let bottom = (content + inner_h).max(built_bottom) + PAD;
    let right = built_right + BUILT_GUTTER + NIC.0 / 2.0;
    let rect = Rect::new(MARGIN, top, right - MARGIN, bottom - top);
    let vms = Rect::new(begin, content, vms_right - begin, bottom - PAD - content);
    scene.hosts.push(HostBox { node: host, rect, panel, vms });
    rect
}

fn vm_card<'a>(vm: NodeId, rect: Rect, detail: Detail, nics: impl Iterator<Item = &'a NicRow>) -> Card {
    let nics: Vec<_> = nics.collect();
    let (_, head, row, _) = vm_measures(detail, nics.len());
    let plug = |(at, nic): (usize, &&NicRow)| {
        let row = Rect::new(rect.x, rect.y + head + row * at as f64, rect.w, row);
        let at = Point::new(rect.right(), row.center().y);
        Plug { adapter: nic.adapter, iface: nic.iface, mode: nic.mode, row, at }
    };
    let plugs = nics.iter().enumerate().map(plug).collect();
    Card { node: vm, kind: CardKind::Vm, detail, rect, plugs }
}

fn sockets(host: NodeId, panel: Rect, scene: &mut Scene) {
    for (at, mode) in Mode::ALL.into_iter().take(6).enumerate() {
        let more = if at == 5 { 34.0 } else { 0.0 };
        let y = panel.y + 50.0 + at as f64 * SOCKET_STEP + more;
        let (at, out) = (Point::new(panel.x + SOCKET_INSIDE, y), Point::new(panel.right(), y));
        scene.sockets.push(Socket { host, mode, at, out });
    }
}

/// Something built, with what belongs to it: a node, and for an interface of the host its index.
struct Group {
    mode: Mode,
    main: NodeId,
    parts: Vec<(NodeId, Option<u32>)>,
}

fn groups(view: &LabView, host: NodeId, own: &[&NodeRow]) -> Vec<Group> {
    let built: Vec<_> = own.iter().filter(|node| node.kind != NodeKind::Vm).collect();
    let switch_of = |node: NodeId| {
        neighbours(view, node)
            .map(|(_, other)| other)
            .find(|other| built.iter().any(|row| row.id == *other && row.kind == NodeKind::Switch))
    };
    let mut groups: Vec<Group> = Vec::new();
    for node in built.iter().filter(|node| node.kind == NodeKind::Switch || switch_of(node.id).is_none()) {
        groups.push(Group { mode: mode_of(view, node.id), main: node.id, parts: Vec::new() });
    }
    for node in built.iter().filter(|node| node.kind != NodeKind::Switch) {
        let main = switch_of(node.id);
        if let Some(group) = groups.iter_mut().find(|group| Some(group.main) == main) {
            group.parts.push((node.id, None));
        }
    }
    for index in host_only_ifaces(view, host) {
        let at = Port::new(host, index);
        let other = view
            .links
            .values()
            .find_map(|link| if link.a == at { Some(link.b.node) } else { (link.b == at).then_some(link.a.node) });
        if let Some(group) = groups.iter_mut().find(|group| Some(group.main) == other) {
            group.parts.push((host, Some(index)));
        }
    }
    groups.sort_by_key(|group| (group.mode, group.main));
    groups
}

/// Interfaces of the host that stand behind the socket Host-only, not on the host's edge: those with a cable to a switch
/// that the hypervisor built for this mode.
fn host_only_ifaces(view: &LabView, host: NodeId) -> BTreeSet<u32> {
    let inner = |node: NodeId| {
        view.nodes.get(&node).is_some_and(|row| row.host == Some(host) && row.kind == NodeKind::Switch)
            && mode_of(view, node) == Mode::HostOnly
    };
    let ends = view.links.values().flat_map(|link| [(link.a, link.b), (link.b, link.a)]);
    ends.filter(|(a, b)| a.node == host && inner(b.node)).map(|(a, _)| a.index).collect()
}

/// Places what was built, each thing as near to its socket as there is room. Returns the right edge and the lower one.
fn built(view: &LabView, host: NodeId, own: &[&NodeRow], at: Point, scene: &mut Scene) -> (f64, f64) {
    let groups = groups(view, host, own);
    let parts_h = |group: &Group| {
        let rows = group.parts.len().div_ceil(2) as f64;
        if rows > 0.0 { PART_GAP + rows * PART_H + (rows - 1.0) * 10.0 } else { 0.0 }
    };
    let main_h = |group: &Group, detail: Detail| match detail {
        Detail::Full => 36.0 + LINE * facts(view, group.main).len().min(5) as f64,
        Detail::Compact => 46.0,
        Detail::Mini => 26.0,
    };
    let mut detail = Detail::Full;
    let mut heights: Vec<f64> = Vec::new();
    let mut parted = Vec::new();
    for (try_detail, most) in [(Detail::Full, 1), (Detail::Compact, 1), (Detail::Mini, usize::MAX)] {
        detail = try_detail;
        heights = groups.iter().map(|group| main_h(group, detail) + parts_h(group)).collect();
        parted = columns(&heights, BUILT_GAP, ROOM);
        if parted.len() <= most {
            break;
        }
    }
    let (mut x, mut bottom) = (at.x, at.y);
    for part in &parted {
        let here = &groups[part.clone()];
        let wanted = here.iter().zip(&heights[part.clone()]).map(|(group, whole)| {
            let socket = scene.sockets.iter().find(|socket| socket.host == host && socket.mode == group.mode);
            let y = socket.map_or(at.y, |socket| socket.at.y);
            // The middle of the main card is to be at the socket.
            y - main_h(group, detail) / 2.0 + whole / 2.0
        });
        let wanted: Vec<f64> = wanted.collect();
        let (tops, end) = near(&wanted, &heights[part.clone()], BUILT_GAP, at.y);
        // What would end below the panel moves up as far as there is room.
        let over = (end - (at.y + SOCKET_STEP * 5.0 + 108.0)).clamp(0.0, tops.first().map_or(0.0, |y| y - at.y));
        for (group, y) in here.iter().zip(tops) {
            group_cards(group, Point::new(x, y - over), main_h(group, detail), detail, scene);
        }
        bottom = bottom.max(end - over);
        x += BUILT_W + BUILT_GUTTER;
    }
    let right = if parted.is_empty() { at.x + BUILT_W } else { x - BUILT_GUTTER };
    (right, bottom)
}

fn group_cards(group: &Group, at: Point, main_h: f64, detail: Detail, scene: &mut Scene) {
    let main = Rect::new(at.x, at.y, BUILT_W, main_h);
    scene.cards.push(Card { node: group.main, kind: CardKind::Built, detail, rect: main, plugs: Vec::new() });
    let half = (BUILT_W - 10.0) / 2.0;
    for (number, (node, iface)) in group.parts.iter().enumerate() {
        let alone = group.parts.len() == 1;
        let column = if alone { 1 } else { number % 2 };
        let w = if alone { half + 24.0 } else { half };
        let x = if column == 1 { main.right() - w } else { main.x };
        let y = main.bottom() + PART_GAP + (number / 2) as f64 * (PART_H + 10.0);
        let kind = iface.map_or(CardKind::Part, CardKind::HostNic);
        let rect = Rect::new(x, y, w, PART_H);
        scene.cards.push(Card { node: *node, kind, detail: Detail::Full, rect, plugs: Vec::new() });
    }
}

/// The host's cards on its right edge. Returns the height of their middle, if there are any.
fn edge(view: &LabView, scene: &mut Scene, at: usize) -> Option<f64> {
    let host = *scene.hosts.get(at)?;
    let inside = host_only_ifaces(view, host.node);
    let own = view.ifaces.range((host.node, 0)..=(host.node, u32::MAX)).map(|(_, iface)| iface);
    let cards: Vec<_> = own.filter(|iface| !iface.loopback && !inside.contains(&iface.index)).collect();
    if cards.is_empty() {
        return None;
    }
    let heights = vec![NIC.1; cards.len()];
    let gap = 26.0;
    let whole = height(&heights, gap);
    let room = host.rect.h - HEAD - PAD;
    let middle = host.rect.y + HEAD + room.max(whole) / 2.0;
    let mut y = middle - whole / 2.0;
    for iface in cards {
        let rect = Rect::new(host.rect.right() - NIC.0 / 2.0, y, NIC.0, NIC.1);
        let kind = CardKind::HostNic(iface.index);
        scene.cards.push(Card { node: host.node, kind, detail: Detail::Full, rect, plugs: Vec::new() });
        y += NIC.1 + gap;
    }
    if whole > room
        && let Some(host) = scene.hosts.get_mut(at)
    {
        host.rect.h = whole + HEAD + PAD;
    }
    Some(middle)
}
