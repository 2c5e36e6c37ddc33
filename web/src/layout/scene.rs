//! From tables to a picture: VMs on the left inside the host, the patch panel, what was built behind each socket, the
//! host's card on the host's edge, the office, the router, the Internet.

use std::collections::{BTreeMap, BTreeSet};

use netmodes_core::id::{LinkId, NodeId, Port};
use netmodes_core::view::{LabView, Mode, NicRow, NodeKind, NodeRow};

use super::{Curve, Point, Rect};

const MARGIN: f64 = 14.0;
const VM_X: f64 = 32.0;
const VM: (f64, f64) = (196.0, 112.0);
const PANEL_X: f64 = 276.0;
const PANEL_W: f64 = 184.0;
const BUILT: (f64, f64) = (188.0, 132.0);
const BUILT_X: f64 = 514.0;
const HOST_W: f64 = 706.0;
const NIC: (f64, f64) = (130.0, 60.0);
const OFFICE_X: f64 = 836.0;
const OFFICE: (f64, f64) = (132.0, 60.0);
const ROUTER_X: f64 = 1_010.0;
const ROUTER_W: f64 = 122.0;
const NET_X: f64 = 1_164.0;
const NET: (f64, f64) = (132.0, 48.0);
const SOCKET_STEP: f64 = 46.0;
const GAP: f64 = 22.0;
/// Between machines of the Internet: room for a mark.
const NET_GAP: f64 = 30.0;
/// How far cables that pass other machines of the Internet bow out, one after the other.
const BOWS: [f64; 3] = [14.0, 24.0, 34.0];

/// What a card shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardKind {
    /// A virtual machine.
    Vm,
    /// Something the hypervisor built.
    Built,
    /// A card of the host, on its edge: the number is the interface's index.
    HostNic(u32),
    /// A machine or switch outside.
    Outside,
    /// A machine of the Internet: small.
    Far,
}

/// A box with words.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Whose it is.
    pub node: NodeId,
    /// What it shows.
    pub kind: CardKind,
    /// Where it is.
    pub rect: Rect,
}

/// One socket of the patch panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Socket {
    /// The mode it stands for.
    pub mode: Mode,
    /// Where cables are plugged in.
    pub at: Point,
}

/// How a cable runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The cable; none for a way inside the host.
    pub link: Option<LinkId>,
    /// The end that the path begins at.
    pub from: Port,
    /// Its pieces, one after the other.
    pub curves: Vec<Curve>,
    /// Plugged in.
    pub up: bool,
}

/// The share of a path through the patch panel at which what waits half-way stands: behind the panel, not over its words.
fn rest_of(lengths: &[f64]) -> f64 {
    match lengths {
        [plug, panel, behind] => (plug + panel + behind / 2.0) / (plug + panel + behind).max(1.0),
        _ => 0.5,
    }
}

impl Path {
    /// The point at `t` from 0 to 1 of the way along it.
    pub fn at(&self, t: f64) -> Point {
        let lengths: Vec<f64> = self.curves.iter().map(|curve| curve.length()).collect();
        // Half of the time to where marks rest, half from there.
        let (t, rest) = (t.clamp(0.0, 1.0), rest_of(&lengths));
        let share = if t <= 0.5 { t * 2.0 * rest } else { rest + (t - 0.5) * 2.0 * (1.0 - rest) };
        let mut left = share * lengths.iter().sum::<f64>();
        for (curve, length) in self.curves.iter().zip(&lengths) {
            if left <= *length && *length > 0.0 {
                return curve.at(left / length);
            }
            left -= length;
        }
        self.curves.last().map(|curve| curve.at(1.0)).unwrap_or_default()
    }
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The host's frame, and whose it is.
    pub host: Option<(NodeId, Rect)>,
    /// The patch panel.
    pub panel: Option<Rect>,
    /// Its sockets.
    pub sockets: Vec<Socket>,
    /// The Internet's frame.
    pub internet: Option<Rect>,
    /// Boxes.
    pub cards: Vec<Card>,
    /// Cables.
    pub paths: Vec<Path>,
}

impl Scene {
    /// Where what stands for a node is drawn.
    pub fn place_of(&self, node: NodeId) -> Option<Rect> {
        let card = self.cards.iter().find(|card| card.node == node).map(|card| card.rect);
        card.or_else(|| self.host.filter(|(host, _)| *host == node).map(|(_, rect)| rect))
    }

    fn card_at(&self, port: Port) -> Option<&Card> {
        self.cards.iter().find(|card| {
            card.node == port.node && !matches!(card.kind, CardKind::HostNic(index) if index != port.index)
        })
    }
}

/// Draws up the picture of a lab.
pub fn compose(view: &LabView) -> Scene {
    let mut scene = Scene::default();
    let middle = place_host(view, &mut scene);
    let used = place_outside(view, &mut scene, middle);
    place_internet(view, &mut scene, middle, &used);
    connect(view, &mut scene);
    let right = scene.cards.iter().map(|card| card.rect.x + card.rect.w).fold(0.0, f64::max);
    let bottom = scene.cards.iter().map(|card| card.rect.y + card.rect.h).fold(0.0, f64::max);
    let (host_right, host_bottom) = scene.host.map_or((0.0, 0.0), |(_, r)| (r.x + r.w, r.y + r.h));
    let (net_right, net_bottom) = scene.internet.map_or((0.0, 0.0), |r| (r.x + r.w, r.y + r.h));
    scene.width = right.max(host_right).max(net_right) + MARGIN;
    scene.height = bottom.max(host_bottom).max(net_bottom) + MARGIN;
    scene
}

fn of_kind(view: &LabView, kind: NodeKind) -> Vec<&NodeRow> {
    view.nodes.values().filter(|node| node.kind == kind).collect()
}

/// The host with all that is in it. Returns the height at which its card is.
fn place_host(view: &LabView, scene: &mut Scene) -> f64 {
    let vms = of_kind(view, NodeKind::Vm);
    let Some(host) = of_kind(view, NodeKind::Host).first().copied() else { return 280.0 };
    let top = MARGIN + 64.0;
    let panel_h = SOCKET_STEP * 6.0 + 92.0;
    let vms_h = vms.len() as f64 * (VM.1 + GAP) - GAP;
    let inner = panel_h.max(vms_h);
    let first = top + ((inner - vms_h) / 2.0).max(0.0) * 0.3;
    for (at, vm) in vms.iter().enumerate() {
        let y = first + at as f64 * (VM.1 + GAP);
        scene.cards.push(Card { node: vm.id, kind: CardKind::Vm, rect: Rect::new(VM_X, y, VM.0, VM.1) });
    }
    scene.panel = Some(Rect::new(PANEL_X, top, PANEL_W, panel_h));
    for (at, mode) in Mode::ALL.into_iter().take(6).enumerate() {
        let more = if at == 5 { 38.0 } else { 0.0 };
        let y = top + 52.0 + at as f64 * SOCKET_STEP + more;
        scene.sockets.push(Socket { mode, at: Point::new(PANEL_X + 22.0, y) });
    }
    let built: Vec<_> = view
        .nodes
        .values()
        .filter(|node| node.host == Some(host.id) && !matches!(node.kind, NodeKind::Vm | NodeKind::Host))
        .collect();
    for (at, node) in built.iter().enumerate() {
        let y = top + at as f64 * (BUILT.1 + GAP);
        scene.cards.push(Card { node: node.id, kind: CardKind::Built, rect: Rect::new(BUILT_X, y, BUILT.0, BUILT.1) });
    }
    let built_h = built.len() as f64 * (BUILT.1 + GAP);
    let frame_h = 64.0 + inner.max(built_h + 84.0) + 28.0;
    let frame = Rect::new(MARGIN, MARGIN, HOST_W, frame_h);
    scene.host = Some((host.id, frame));
    // The host's cards stand on its right edge, below what was built.
    let cards: Vec<_> = view.ifaces.values().filter(|iface| iface.node == host.id && !iface.loopback).collect();
    let middle = (top + built_h + 36.0).max(frame.center().y);
    for (at, iface) in cards.iter().enumerate() {
        let y = middle - NIC.1 / 2.0 + at as f64 * (NIC.1 + 12.0);
        let rect = Rect::new(MARGIN + HOST_W - NIC.0 / 2.0, y, NIC.0, NIC.1);
        scene.cards.push(Card { node: host.id, kind: CardKind::HostNic(iface.index), rect });
    }
    middle
}

fn is_far(node: &NodeRow) -> bool {
    node.site == "internet"
}

/// The office: its switch at the host card's height, its machines above and below, its router behind it.
fn place_outside(view: &LabView, scene: &mut Scene, middle: f64) -> BTreeSet<NodeId> {
    let mut used: BTreeSet<_> = scene.cards.iter().map(|card| card.node).collect();
    let mut place = |scene: &mut Scene, node: &NodeRow, rect: Rect| {
        used.insert(node.id);
        scene.cards.push(Card { node: node.id, kind: CardKind::Outside, rect });
    };
    let outside: Vec<_> = view.nodes.values().filter(|node| node.host.is_none() && !is_far(node)).collect();
    let switches = outside.iter().filter(|node| node.kind == NodeKind::Switch);
    for (at, node) in switches.enumerate() {
        let y = middle - OFFICE.1 / 2.0 + at as f64 * (OFFICE.1 + GAP);
        place(scene, node, Rect::new(OFFICE_X, y, OFFICE.0, OFFICE.1));
    }
    let routers = outside.iter().filter(|node| node.kind == NodeKind::Router);
    for (at, node) in routers.enumerate() {
        let y = middle - OFFICE.1 / 2.0 + at as f64 * (OFFICE.1 + GAP);
        place(scene, node, Rect::new(ROUTER_X, y, ROUTER_W, OFFICE.1));
    }
    let computers: Vec<_> = outside.iter().filter(|node| node.kind == NodeKind::Computer).collect();
    for (at, node) in computers.iter().enumerate() {
        let step = (at / 2 + 1) as f64 * (OFFICE.1 + 40.0);
        let y = middle - OFFICE.1 / 2.0 + if at % 2 == 0 { -step } else { step };
        place(scene, node, Rect::new(OFFICE_X, y, OFFICE.0, OFFICE.1));
    }
    // Nothing may stick out at the top: the whole office moves down with the host's middle instead.
    used
}

/// The Internet: its machines in a column, in the order of their distance from the office's router.
fn place_internet(view: &LabView, scene: &mut Scene, middle: f64, used: &BTreeSet<NodeId>) {
    let far: Vec<_> = view.nodes.values().filter(|node| is_far(node)).map(|node| node.id).collect();
    if far.is_empty() {
        return;
    }
    let mut distance: BTreeMap<NodeId, usize> = used.iter().map(|node| (*node, 0)).collect();
    for step in 1..=far.len() {
        let reached: Vec<_> = view
            .links
            .values()
            .flat_map(|link| [(link.a.node, link.b.node), (link.b.node, link.a.node)])
            .filter(|(from, to)| distance.get(from) == Some(&(step - 1)) && !distance.contains_key(to))
            .map(|(_, to)| to)
            .collect();
        for node in reached {
            distance.entry(node).or_insert(step);
        }
    }
    let mut order = far;
    order.sort_by_key(|node| (distance.get(node).copied().unwrap_or(usize::MAX), *node));
    let height = order.len() as f64 * (NET.1 + NET_GAP) - NET_GAP;
    let top = (middle - height / 2.0).max(MARGIN + 44.0);
    for (at, node) in order.iter().enumerate() {
        let rect = Rect::new(NET_X + 14.0, top + at as f64 * (NET.1 + NET_GAP), NET.0, NET.1);
        scene.cards.push(Card { node: *node, kind: CardKind::Far, rect });
    }
    scene.internet = Some(Rect::new(NET_X, top - 42.0, NET.0 + 52.0, height + 56.0));
}

fn connect(view: &LabView, scene: &mut Scene) {
    let nics: BTreeMap<Port, &NicRow> = view.nics.values().map(|nic| (Port::new(nic.vm, nic.iface), nic)).collect();
    let mut paths = Vec::new();
    let mut bows = BOWS.into_iter().cycle();
    for link in view.links.values() {
        let (a, b) = if nics.contains_key(&link.b) { (link.b, link.a) } else { (link.a, link.b) };
        let (Some(from), Some(to)) = (scene.card_at(a), scene.card_at(b)) else { continue };
        let curves = match nics.get(&a) {
            Some(nic) => through_panel(scene, from.rect, to.rect, nic.mode),
            None => outside(from, to, &mut bows),
        };
        paths.push(Path { link: Some(link.id), from: a, curves, up: link.up });
    }
    // A NAT engine hands over to the host's own stack: a way without a cable.
    let host_card = scene.cards.iter().find(|card| matches!(card.kind, CardKind::HostNic(_)));
    for card in scene.cards.iter().filter(|card| card.kind == CardKind::Built) {
        let is_engine = view.nodes.get(&card.node).is_some_and(|node| node.kind == NodeKind::NatEngine);
        if let Some(nic) = host_card.filter(|_| is_engine) {
            let from = Point::new(card.rect.center().x, card.rect.y + card.rect.h);
            let to = Point::new(nic.rect.x, nic.rect.center().y);
            let curve = Curve([from, Point::new(from.x, to.y), Point::new(from.x, to.y), to]);
            paths.push(Path { link: None, from: Port::new(card.node, 0), curves: vec![curve], up: true });
        }
    }
    // A card that is not attached keeps its plug in the first socket.
    for nic in view.nics.values().filter(|nic| nic.mode == Mode::NotAttached) {
        let from = scene.cards.iter().find(|card| card.node == nic.vm);
        let socket = scene.sockets.iter().find(|socket| socket.mode == nic.mode);
        if let (Some(card), Some(socket)) = (from, socket) {
            let start = Point::new(card.rect.x + card.rect.w, card.rect.center().y);
            let curves = vec![Curve::level(start, socket.at)];
            paths.push(Path { link: None, from: Port::new(nic.vm, nic.iface), curves, up: false });
        }
    }
    scene.paths = paths;
}

/// From a VM to the socket of its mode, and from there to what was built.
fn through_panel(scene: &Scene, vm: Rect, built: Rect, mode: Mode) -> Vec<Curve> {
    let start = Point::new(vm.x + vm.w, vm.center().y);
    let end = Point::new(built.x, built.center().y);
    match scene.sockets.iter().find(|socket| socket.mode == mode) {
        Some(socket) => {
            let out = Point::new(PANEL_X + PANEL_W, socket.at.y);
            vec![Curve::level(start, socket.at), Curve::line(socket.at, out), Curve::level(out, end)]
        }
        None => vec![Curve::level(start, end)],
    }
}

fn outside(from: &Card, to: &Card, bows: &mut impl Iterator<Item = f64>) -> Vec<Curve> {
    let (a, b) = (from.rect.center(), to.rect.center());
    let both_far = from.kind == CardKind::Far && to.kind == CardKind::Far;
    let apart = (a.y - b.y).abs() > NET.1 + NET_GAP + 1.0;
    if both_far && apart {
        // Past the machines between them, on the right.
        let right = from.rect.x + from.rect.w;
        let (start, end) = (Point::new(right, a.y), Point::new(right, b.y));
        let bow = right + bows.next().unwrap_or_default();
        return vec![Curve([start, Point::new(bow, a.y), Point::new(bow, b.y), end])];
    }
    if (a.x - b.x).abs() > 40.0 && (a.y - b.y).abs() > 40.0 {
        let (start, end) = if a.x < b.x {
            (Point::new(from.rect.x + from.rect.w, a.y), Point::new(to.rect.x, b.y))
        } else {
            (Point::new(from.rect.x, a.y), Point::new(to.rect.x + to.rect.w, b.y))
        };
        return vec![Curve::level(start, end)];
    }
    vec![Curve::line(from.rect.edge_towards(b), to.rect.edge_towards(a))]
}
