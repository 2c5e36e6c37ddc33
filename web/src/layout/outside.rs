//! Outside the host: offices with their switches and machines, and the Internet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NodeKind, NodeRow};

use super::facts::{facts, neighbours};
use super::host::LINE;
use super::place::{MARGIN, ROOM, columns, height};
use super::{Card, CardKind, Detail, Rect, Scene};

/// A switch.
pub(super) const SWITCH: (f64, f64) = (104.0, 54.0);
const MACHINE_W: f64 = 128.0;
const COMPACT_H: f64 = 42.0;
/// Between a column and the next: room for cables and a mark.
const GUTTER: f64 = 42.0;
const GAP: f64 = 26.0;
const COMPACT_GAP: f64 = 20.0;
const SITES_GAP: f64 = 44.0;
/// A machine of the Internet.
const FAR: (f64, f64) = (124.0, 42.0);
const FAR_GAP: f64 = 26.0;
const FAR_PAD: f64 = 14.0;
/// On the right of the Internet's machines: cables that pass others.
const FAR_BOWS: f64 = 38.0;

/// Where a machine of the Internet is: the name that labs use.
const INTERNET: &str = "internet";

/// Places everything outside the hosts, right of them, around the height `middle`.
pub(super) fn place(view: &LabView, scene: &mut Scene, middle: f64) {
    let placed: BTreeSet<_> =
        scene.cards.iter().map(|card| card.node).chain(scene.hosts.iter().map(|h| h.node)).collect();
    let rest: Vec<&NodeRow> = view.nodes.values().filter(|node| !placed.contains(&node.id)).collect();
    let (far, near): (Vec<_>, Vec<_>) = rest.into_iter().partition(|node| node.site == INTERNET);
    let right = |scene: &Scene| {
        let cards = scene.cards.iter().map(|card| card.rect.right());
        cards.chain(scene.hosts.iter().map(|host| host.rect.right())).fold(0.0, f64::max)
    };
    let x = if scene.cards.is_empty() && scene.hosts.is_empty() { MARGIN } else { right(scene) + GUTTER };
    sites(view, &near, x, middle, scene);
    let x = if near.is_empty() && scene.hosts.is_empty() { MARGIN } else { right(scene) + GUTTER };
    internet(view, &far, x, middle, scene);
}

/// A switch with the machines at it.
#[derive(Default)]
struct Group<'a> {
    switch: Option<&'a NodeRow>,
    machines: Vec<&'a NodeRow>,
}

/// Groups of one site: switches in the order of their distance from a host or a router, machines at the first switch
/// that they have a cable to; last, those that have none.
fn groups<'a>(view: &LabView, site: &[&'a NodeRow]) -> Vec<Group<'a>> {
    let switches: Vec<_> = site.iter().copied().filter(|node| node.kind == NodeKind::Switch).collect();
    let is_switch = |id: NodeId| switches.iter().any(|node| node.id == id);
    let mut order: Vec<NodeId> = Vec::new();
    let first = switches.iter().find(|node| neighbours(view, node.id).any(|(_, other)| is_inner(view, other)));
    let mut queue: VecDeque<NodeId> = first.or(switches.first()).map(|node| node.id).into_iter().collect();
    let mut waiting = switches.iter().map(|node| node.id);
    while let Some(node) = queue.pop_front().or_else(|| waiting.next()) {
        if order.contains(&node) {
            continue;
        }
        order.push(node);
        queue.extend(neighbours(view, node).map(|(_, other)| other).filter(|other| is_switch(*other)));
    }
    let mut groups: Vec<Group<'a>> = order
        .iter()
        .map(|id| Group { switch: switches.iter().copied().find(|node| node.id == *id), machines: Vec::new() })
        .collect();
    let mut alone = Group::default();
    for node in site.iter().copied().filter(|node| node.kind != NodeKind::Switch) {
        let at = neighbours(view, node.id).find_map(|(_, other)| order.iter().position(|id| *id == other));
        match at.and_then(|at| groups.get_mut(at)) {
            Some(group) => group.machines.push(node),
            None => alone.machines.push(node),
        }
    }
    groups.iter_mut().for_each(|group| routers_to_the_middle(&mut group.machines));
    if !alone.machines.is_empty() {
        groups.push(alone);
    }
    groups
}

/// The way out is straight ahead: routers stand in the middle of their column.
fn routers_to_the_middle(machines: &mut Vec<&NodeRow>) {
    let (routers, mut others): (Vec<_>, Vec<_>) = machines.iter().partition(|node| node.kind == NodeKind::Router);
    let middle = others.len().div_ceil(2);
    let tail = others.split_off(middle);
    others.extend(routers);
    others.extend(tail);
    *machines = others;
}

/// Part of a hypervisor's host.
fn is_inner(view: &LabView, node: NodeId) -> bool {
    view.nodes.get(&node).is_some_and(|row| row.host.is_some() || row.kind == NodeKind::Host)
}

fn machine_height(view: &LabView, node: NodeId, detail: Detail) -> f64 {
    match detail {
        Detail::Full => 36.0 + LINE * facts(view, node).len().min(3) as f64,
        _ => COMPACT_H,
    }
}

fn sites(view: &LabView, near: &[&NodeRow], x: f64, middle: f64, scene: &mut Scene) {
    let mut by_site: BTreeMap<&str, Vec<&NodeRow>> = BTreeMap::new();
    for node in near {
        by_site.entry(&node.site).or_default().push(node);
    }
    let host_site = view.nodes.values().find(|node| node.kind == NodeKind::Host).map_or("", |node| &*node.site);
    let mut order: Vec<_> = by_site.into_iter().collect();
    order.sort_by_key(|(site, _)| *site != host_site);
    let groups: Vec<Vec<Group<'_>>> = order.iter().map(|(_, nodes)| groups(view, nodes)).collect();
    let any_switch = groups.iter().flatten().any(|group| group.switch.is_some());
    let machines_x = if any_switch { x + SWITCH.0 + GUTTER } else { x };

    // All of it in one column where that fits, else the short form.
    let whole = |detail: Detail, gap: f64| {
        let of_group = |group: &Group<'_>| {
            let heights: Vec<_> = group.machines.iter().map(|node| machine_height(view, node.id, detail)).collect();
            let switch = if group.switch.is_some() { SWITCH.1 } else { 0.0 };
            height(&heights, gap).max(switch)
        };
        let all: Vec<f64> = groups.iter().flatten().map(of_group).collect();
        height(&all, gap)
    };
    let (detail, gap) =
        if whole(Detail::Full, GAP) <= ROOM { (Detail::Full, GAP) } else { (Detail::Compact, COMPACT_GAP) };
    let blocks: Vec<Block<'_>> = groups.iter().flatten().map(|group| block(view, group, detail, gap)).collect();
    let heights: Vec<f64> = blocks.iter().map(|block| block.height).collect();
    let between_sites = SITES_GAP * (groups.len().saturating_sub(1)) as f64;
    // The first group, the host's, is straight ahead, as far as the rest leaves it.
    let first = heights.first().copied().unwrap_or_default();
    let all = height(&heights, gap + 6.0) + between_sites;
    let alone = blocks.len() == 1;
    let mut y = if alone { middle - first / 2.0 } else { (middle - first / 2.0).min(middle - all / 2.0 + 60.0) };
    let mut at = 0;
    for site in &groups {
        for _ in site {
            if let Some(block) = blocks.get(at) {
                block.put(view, [x, machines_x], y, gap, scene);
                y += block.height + gap + 6.0;
            }
            at += 1;
        }
        y += SITES_GAP;
    }
}

/// A group, parted into columns.
struct Block<'a> {
    group: &'a Group<'a>,
    detail: Detail,
    heights: Vec<f64>,
    parted: Vec<core::ops::Range<usize>>,
    height: f64,
}

fn block<'a>(view: &LabView, group: &'a Group<'a>, detail: Detail, gap: f64) -> Block<'a> {
    let heights: Vec<_> = group.machines.iter().map(|node| machine_height(view, node.id, detail)).collect();
    let room = if detail == Detail::Full { ROOM } else { ROOM * 0.72 };
    let parted = columns(&heights, gap, room);
    let tallest = parted.iter().map(|part| height(&heights[part.clone()], gap)).fold(0.0, f64::max);
    let switch = if group.switch.is_some() { SWITCH.1 } else { 0.0 };
    Block { group, detail, heights, parted, height: tallest.max(switch) }
}

impl Block<'_> {
    /// Places it from `top` down, the switch and the machines at these left edges.
    fn put(&self, view: &LabView, [x, machines_x]: [f64; 2], top: f64, gap: f64, scene: &mut Scene) {
        let detail = self.detail;
        let kind = CardKind::Outside;
        if let Some(switch) = self.group.switch {
            let rect = Rect::new(x, top + (self.height - SWITCH.1) / 2.0, SWITCH.0, SWITCH.1);
            scene.cards.push(Card { node: switch.id, kind, detail: Detail::Full, rect, plugs: Vec::new() });
        }
        // Routers go into the last column, on the side of the Internet.
        let order = self.order(view);
        let mut x = machines_x;
        for part in &self.parted {
            let mut y = top + (self.height - height(&self.heights[part.clone()], gap)) / 2.0;
            for at in part.clone() {
                let Some(node) = order.get(at) else { continue };
                let rect = Rect::new(x, y, MACHINE_W, self.heights[at]);
                scene.cards.push(Card { node: *node, kind, detail, rect, plugs: Vec::new() });
                y += self.heights[at] + gap;
            }
            x += MACHINE_W + GUTTER - 8.0;
        }
    }

    fn order(&self, view: &LabView) -> Vec<NodeId> {
        let ids = self.group.machines.iter().map(|node| node.id);
        if self.parted.len() < 2 {
            return ids.collect();
        }
        let is_router = |id: &NodeId| view.nodes.get(id).is_some_and(|row| row.kind == NodeKind::Router);
        let (routers, mut order): (Vec<_>, Vec<_>) = ids.partition(is_router);
        let last = self.parted.last().map_or(0, |part| part.start);
        let in_last = self.group.machines.len().saturating_sub(last).saturating_sub(routers.len());
        let at = (last + in_last / 2).min(order.len());
        let tail = order.split_off(at);
        order.extend(routers);
        order.extend(tail);
        order
    }
}

/// The Internet: its machines in the order of a walk from whoever is nearest, so that most cables lead to a neighbour.
fn internet(view: &LabView, far: &[&NodeRow], x: f64, middle: f64, scene: &mut Scene) {
    if far.is_empty() {
        return;
    }
    let order = walk(view, far);
    let full = vec![FAR.1; order.len()];
    let (detail, h, gap) =
        if height(&full, FAR_GAP) <= ROOM { (Detail::Full, FAR.1, FAR_GAP) } else { (Detail::Compact, 28.0, 20.0) };
    let heights = vec![h; order.len()];
    let parted = columns(&heights, gap, ROOM);
    let tallest = parted.iter().map(|part| height(&heights[part.clone()], gap)).fold(0.0, f64::max);
    let top = middle - tallest / 2.0;
    let mut left = x + FAR_PAD;
    for part in &parted {
        let mut y = top;
        for node in &order[part.clone()] {
            let rect = Rect::new(left, y, FAR.0, h);
            scene.cards.push(Card { node: *node, kind: CardKind::Far, detail, rect, plugs: Vec::new() });
            y += h + gap;
        }
        left += FAR.0 + FAR_BOWS;
    }
    scene.internet = Some(Rect::new(x, top - 42.0, left - x - FAR_BOWS + FAR_BOWS.min(34.0), tallest + 58.0));
}

/// Machines in the order of a depth-first walk, short branches first.
fn walk(view: &LabView, far: &[&NodeRow]) -> Vec<NodeId> {
    let ids: BTreeSet<NodeId> = far.iter().map(|node| node.id).collect();
    let near = |node: NodeId| neighbours(view, node).any(|(_, other)| !ids.contains(&other));
    let mut seeds: Vec<NodeId> = ids.iter().copied().filter(|node| near(*node)).collect();
    seeds.extend(ids.iter().copied().filter(|node| !near(*node)));
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for seed in seeds {
        let mut stack = vec![seed];
        while let Some(node) = stack.pop() {
            if !seen.insert(node) {
                continue;
            }
            order.push(node);
            let mut next: Vec<NodeId> = neighbours(view, node)
                .map(|(_, other)| other)
                .filter(|id| ids.contains(id) && !seen.contains(id))
                .collect();
            // A leaf first: the way on stays one long line.
            next.sort_by_key(|id| (neighbours(view, *id).count() < 2, core::cmp::Reverse(*id)));
            stack.extend(next);
        }
    }
    order
}
