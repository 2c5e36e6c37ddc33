//! How cables run: out of a box's side, across other columns where nothing stands, into a box's side.
//!
//! All boxes stand in columns with free gutters between them. A cable changes its height in gutters only, and crosses a
//! column level, through a gap. So no cable crosses a box.

use std::collections::BTreeMap;

use netmodes_core::id::{NodeId, Port};
use netmodes_core::view::{LabView, NicRow, NodeKind};

use super::host::SOCKET_INSIDE;
use super::{Card, CardKind, Curve, Path, Point, Rect, Scene};

/// Between a cable that crosses a column and the boxes there.
const CLEAR: f64 = 7.0;
/// Between two cables in one gap.
const LANE: f64 = 5.0;
/// Boxes further apart than this have a column between them.
const FAR_APART: f64 = 230.0;
/// How far cables that pass others of their column bow out, one after the other.
const BOWS: [f64; 4] = [20.0, 30.0, 40.0, 48.0];

/// A column of boxes.
#[derive(Debug)]
struct Column {
    left: f64,
    right: f64,
    /// Boxes' upper and lower edges, from top to bottom.
    boxes: Vec<(f64, f64)>,
    /// Heights at which cables cross already.
    used: Vec<f64>,
}

impl Column {
    /// The free height nearest to `ideal`.
    fn cross(&mut self, ideal: f64) -> f64 {
        let free =
            |y: f64, boxes: &[(f64, f64)]| y > 4.0 && boxes.iter().all(|(a, b)| y <= a - CLEAR || y >= b + CLEAR);
        let mut tries: Vec<f64> = vec![ideal];
        for (top, bottom) in &self.boxes {
            for lane in 0..6 {
                let off = CLEAR + f64::from(lane) * LANE;
                tries.extend([top - off, bottom + off]);
            }
        }
        tries.retain(|y| free(*y, &self.boxes));
        let crowded = |y: f64| self.used.iter().filter(|used| (*used - y).abs() < LANE - 0.1).count() as f64;
        let cost = |y: f64| (y - ideal).abs() + crowded(y) * 14.0;
        let best = tries.into_iter().min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        let lowest = self.boxes.last().map_or(ideal, |(_, bottom)| bottom + CLEAR);
        let y = best.unwrap_or(lowest);
        self.used.push(y);
        y
    }
}

fn columns(rects: &[Rect]) -> Vec<Column> {
    let mut rects: Vec<Rect> = rects.to_vec();
    rects.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut columns: Vec<Column> = Vec::new();
    for rect in rects {
        let edges = (rect.y, rect.bottom());
        match columns.last_mut().filter(|column| rect.x < column.right) {
            Some(column) => {
                column.right = column.right.max(rect.right());
                column.boxes.push(edges);
            }
            None => {
                columns.push(Column { left: rect.x, right: rect.right(), boxes: vec![edges], used: Vec::new() });
            }
        }
    }
    for column in &mut columns {
        column.boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    columns
}

/// A side of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

/// A cable between two boxes, before it has a course.
struct Wire {
    path: Blank,
    ends: [usize; 2],
    sides: [Side; 2],
}

/// What a path is about.
struct Blank {
    link: Option<netmodes_core::id::LinkId>,
    from: Port,
    to: NodeId,
    up: bool,
}

/// Gives every cable its course.
pub(super) fn connect(view: &LabView, scene: &mut Scene) {
    let mut routers: Vec<Router> = scene.hosts.iter().map(|host| Router::new(view, scene, Some(host.node))).collect();
    routers.push(Router::new(view, scene, None));
    // Each host's boxes stand in columns of their own: cables of one host are led by its router.
    let of = |node: NodeId| {
        let host = view.nodes.get(&node).and_then(|row| row.host).unwrap_or(node);
        scene.hosts.iter().position(|row| row.node == host).unwrap_or(scene.hosts.len())
    };
    let nics: BTreeMap<Port, &NicRow> = view.nics.values().map(|nic| (Port::new(nic.vm, nic.iface), nic)).collect();
    let index = |port: Port| scene.cards.iter().position(|card| is_at(card, port));
    let mut paths = Vec::new();
    let mut wires = Vec::new();
    let mut behind = Vec::new();
    for link in view.links.values() {
        let (a, b) = if nics.contains_key(&link.b) { (link.b, link.a) } else { (link.a, link.b) };
        let (Some(from), Some(to)) = (index(a), index(b)) else { continue };
        let path = Blank { link: Some(link.id), from: a, to: b.node, up: link.up };
        match nics.get(&a) {
            Some(nic) if scene.sockets.iter().any(|socket| socket.mode == nic.mode) && from != to => {
                behind.push((path, *nic, to));
            }
            _ => {
                let at = of(a.node).min(of(b.node));
                wires.push((at, routers[at].wire(path, from, to)));
            }
        }
    }
    for (at, host) in scene.hosts.iter().enumerate() {
        wires.extend(inner_ways(view, scene, host.node, &routers[at]).into_iter().map(|wire| (at, wire)));
    }
    let mut ports = Ports::default();
    let rects = &Router::new(view, scene, None).rects;
    wires.iter().for_each(|(_, wire)| ports.ask(wire, rects));
    for (_, nic, to) in &behind {
        ports.ask_at(
            *to,
            Side::Left,
            socket_of(view, scene, nic).map_or(0.0, |socket| socket.out.y),
            (nic.vm, nic.adapter),
        );
    }
    ports.settle(rects);
    for (path, nic, to) in behind {
        if let Some(made) = through_panel(view, scene, &mut routers[of(nic.vm)], &ports, path, nic, to) {
            paths.push(made);
        }
    }
    let linked: Vec<Port> = paths.iter().map(|path: &Path| path.from).collect();
    for nic in view.nics.values().filter(|nic| !linked.contains(&Port::new(nic.vm, nic.iface))) {
        paths.extend(into_nothing(view, scene, &mut routers[of(nic.vm)], nic));
    }
    for (at, wire) in wires {
        paths.push(routers[at].course(wire, &ports));
    }
    scene.paths = paths;
}

fn is_at(card: &Card, port: Port) -> bool {
    card.node == port.node && !matches!(card.kind, CardKind::HostNic(index) if index != port.index)
}

fn socket_of<'a>(view: &LabView, scene: &'a Scene, nic: &NicRow) -> Option<&'a super::Socket> {
    let host = view.nodes.get(&nic.vm)?.host?;
    scene.sockets.iter().find(|socket| socket.host == host && socket.mode == nic.mode)
}

/// From a VM's plug through its mode's socket to what was built behind it.
fn through_panel(
    view: &LabView,
    scene: &Scene,
    router: &mut Router,
    ports: &Ports,
    path: Blank,
    nic: &NicRow,
    to: usize,
) -> Option<Path> {
    let plug = scene.plug(nic.vm, nic.adapter)?;
    let socket = socket_of(view, scene, nic)?;
    let rect = *router.rects.get(to)?;
    let mut curves = into_socket(router, plug.at, socket);
    let hidden = curves.len();
    curves.push(Curve::line(socket.at, socket.out));
    let y = ports.y(to, Side::Left, (nic.vm, nic.adapter)).unwrap_or(rect.center().y);
    curves.extend(router.run(socket.out, Point::new(rect.x, y)));
    let mut made = Path::new(path.link, path.from, Some(path.to), curves, Some(hidden));
    made.up = path.up;
    Some(made)
}

/// To the panel's edge, and level into the socket.
fn into_socket(router: &mut Router, plug: Point, socket: &super::Socket) -> Vec<Curve> {
    let edge = Point::new(socket.at.x - SOCKET_INSIDE, socket.at.y);
    let mut curves = router.run(plug, edge);
    curves.push(Curve::line(edge, socket.at));
    curves
}

/// A card that is switched off or not attached keeps its plug in its mode's socket.
fn into_nothing(view: &LabView, scene: &Scene, router: &mut Router, nic: &NicRow) -> Option<Path> {
    let plug = scene.plug(nic.vm, nic.adapter)?;
    let socket = socket_of(view, scene, nic)?;
    let curves = into_socket(router, plug.at, socket);
    let mut made = Path::new(None, Port::new(nic.vm, nic.iface), None, curves, None);
    made.up = false;
    Some(made)
}

/// A NAT engine hands over to the host's own stack: a way without a cable.
fn inner_ways(view: &LabView, scene: &Scene, host: NodeId, router: &Router) -> Vec<Wire> {
    let mut wires = Vec::new();
    for (from, card) in scene.cards.iter().enumerate() {
        let Some(node) = view.nodes.get(&card.node).filter(|node| node.kind == NodeKind::NatEngine) else { continue };
        if node.host != Some(host) {
            continue;
        }
        let edge = scene.hosts.iter().find(|row| row.node == host).map_or(0.0, |row| row.rect.right() - 70.0);
        // The interface of the default route, else the first.
        let default = view.routes.values().find(|route| route.node == host && route.dst.prefix == 0);
        let cards =
            scene.cards.iter().enumerate().filter(|(_, card)| {
                card.node == host && matches!(card.kind, CardKind::HostNic(_)) && card.rect.x >= edge
            });
        let is_default = |card: &Card| default.is_some_and(|route| card.kind == CardKind::HostNic(route.iface));
        let Some((to, _)) = cards.max_by_key(|(at, card)| (is_default(card), core::cmp::Reverse(*at))) else {
            continue;
        };
        let path = Blank { link: None, from: Port::new(card.node, 0), to: host, up: true };
        wires.push(router.wire(path, from, to));
    }
    wires
}

/// A card whose cable enters a box, and the height it comes from.
type Comer = (f64, (NodeId, u8));

/// Where cables enter boxes: spread along each side, in the order of where they come from, so that they do not cross.
#[derive(Default)]
struct Ports {
    asked: BTreeMap<(usize, Side), Vec<Comer>>,
    given: BTreeMap<(usize, Side, (NodeId, u8)), f64>,
}

impl Ports {
    fn ask(&mut self, wire: &Wire, rects: &[Rect]) {
        for end in 0..2 {
            let middle = |end: usize| rects.get(wire.ends[end]).map(|rect| rect.center()).unwrap_or_default();
            let (own, other) = (middle(end), middle(1 - end));
            let level = matches!(wire.sides[end], Side::Left | Side::Right);
            let far = (own.x - other.x).abs() > FAR_APART;
            // One that crosses a column on its way passes a nearer box on the side that it comes from.
            let along = match (level, far) {
                (true, false) => other.y,
                (true, true) => own.y + (other.y - own.y) * 0.35,
                (false, _) => other.x,
            };
            self.ask_at(wire.ends[end], wire.sides[end], along, wire.key());
        }
    }

    fn ask_at(&mut self, card: usize, side: Side, along: f64, key: (NodeId, u8)) {
        self.asked.entry((card, side)).or_default().push((along, key));
    }

    fn settle(&mut self, rects: &[Rect]) {
        for ((card, side), mut keys) in core::mem::take(&mut self.asked) {
            let Some(rect) = rects.get(card) else { continue };
            keys.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let (begin, room) =
                if matches!(side, Side::Left | Side::Right) { (rect.y, rect.h) } else { (rect.x, rect.w) };
            let step = (room / (keys.len() + 1) as f64).min(12.0);
            let first = begin + room / 2.0 - step * (keys.len().saturating_sub(1)) as f64 / 2.0;
            for (at, (_, key)) in keys.into_iter().enumerate() {
                self.given.insert((card, side, key), first + step * at as f64);
            }
        }
    }

    fn y(&self, card: usize, side: Side, key: (NodeId, u8)) -> Option<f64> {
        self.given.get(&(card, side, key)).copied()
    }
}

impl Wire {
    /// Names it among the wires of a box.
    fn key(&self) -> (NodeId, u8) {
        match self.path.link {
            Some(link) => (NodeId(link.0), 200),
            None => (self.path.from.node, 201),
        }
    }
}

struct Router {
    columns: Vec<Column>,
    rects: Vec<Rect>,
    bows: BTreeMap<(usize, Side), usize>,
}

impl Router {
    /// For the boxes of a host and all that is outside hosts; without a host, for all there are.
    fn new(view: &LabView, scene: &Scene, host: Option<NodeId>) -> Self {
        let rects: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
        let is_ours = |card: &&Card| {
            let row = view.nodes.get(&card.node);
            let of = row.and_then(|row| row.host.or((row.kind == NodeKind::Host).then_some(row.id)));
            host.is_none() || of.is_none() || of == host
        };
        let mut ours: Vec<Rect> = scene.cards.iter().filter(is_ours).map(|card| card.rect).collect();
        ours.extend(scene.hosts.iter().filter(|row| host.is_none_or(|host| row.node == host)).map(|row| row.panel));
        Self { columns: columns(&ours), rects, bows: BTreeMap::new() }
    }

    fn column_of(&self, x: f64) -> usize {
        self.columns.partition_point(|column| column.right < x - 0.5).min(self.columns.len().saturating_sub(1))
    }

    /// Which sides a cable between two boxes uses.
    fn wire(&self, path: Blank, from: usize, to: usize) -> Wire {
        let (a, b) = (self.rects[from], self.rects[to]);
        let (here, there) = (self.column_of(a.center().x), self.column_of(b.center().x));
        let sides = match here.cmp(&there) {
            core::cmp::Ordering::Less => [Side::Right, Side::Left],
            core::cmp::Ordering::Greater => [Side::Left, Side::Right],
            core::cmp::Ordering::Equal => {
                let (upper, lower) = if a.y <= b.y { (a, b) } else { (b, a) };
                let (left, right) = (upper.x.max(lower.x), upper.right().min(lower.right()));
                let gap = Rect::new(left, upper.bottom(), (right - left).max(0.0), (lower.y - upper.bottom()).max(0.0));
                let blocked = right - left < 8.0 || self.rects.iter().any(|rect| rect.overlaps(gap));
                let is_left = self.columns.get(here + 1).is_some() && self.is_switch_column(here);
                match (blocked, a.y <= b.y) {
                    (false, true) => [Side::Bottom, Side::Top],
                    (false, false) => [Side::Top, Side::Bottom],
                    _ if is_left => [Side::Left, Side::Left],
                    _ => [Side::Right, Side::Right],
                }
            }
        };
        Wire { path, ends: [from, to], sides }
    }

    /// A column from which many cables go to the right: bows go to the left.
    fn is_switch_column(&self, column: usize) -> bool {
        let width = self.columns.get(column).map_or(0.0, |column| column.right - column.left);
        (width - super::outside::SWITCH.0).abs() < 1.0
    }

    fn course(&mut self, wire: Wire, ports: &Ports) -> Path {
        let key = wire.key();
        let place = |end: usize| {
            let rect = self.rects[wire.ends[end]];
            let along = ports.y(wire.ends[end], wire.sides[end], key);
            match wire.sides[end] {
                Side::Left => Point::new(rect.x, along.unwrap_or(rect.center().y)),
                Side::Right => Point::new(rect.right(), along.unwrap_or(rect.center().y)),
                Side::Top => Point::new(rect.center().x, rect.y),
                Side::Bottom => Point::new(rect.center().x, rect.bottom()),
            }
        };
        let (start, end) = (place(0), place(1));
        let curves = match wire.sides {
            [Side::Right, Side::Left] => self.run(start, end),
            [Side::Left, Side::Right] => backwards(self.run(end, start)),
            [Side::Bottom, _] | [Side::Top, _] => {
                // Straight down through what both have in common.
                let (a, b) = (self.rects[wire.ends[0]], self.rects[wire.ends[1]]);
                let x = f64::midpoint(a.x.max(b.x), a.right().min(b.right()));
                vec![Curve::line(Point::new(x, start.y), Point::new(x, end.y))]
            }
            [side, _] => {
                let count = self.bows.entry((self.column_of(start.x), side)).or_default();
                let bow = BOWS[*count % BOWS.len()] * if side == Side::Left { -1.0 } else { 1.0 };
                *count += 1;
                vec![Curve([start, Point::new(start.x + bow, start.y), Point::new(end.x + bow, end.y), end])]
            }
        };
        let mut path = Path::new(wire.path.link, wire.path.from, Some(wire.path.to), curves, None);
        path.up = wire.path.up;
        path
    }

    /// From the right edge of a box to the left edge of one further right.
    fn run(&mut self, start: Point, end: Point) -> Vec<Curve> {
        let mut curves = Vec::new();
        let mut at = start;
        for column in &mut self.columns {
            if column.left < start.x - 0.5 || column.right > end.x + 0.5 {
                continue;
            }
            let share = (column.left - start.x) / (end.x - start.x).max(1.0);
            let y = column.cross(start.y + (end.y - start.y) * share);
            let (into, out) = (Point::new(column.left - 5.0, y), Point::new(column.right + 5.0, y));
            curves.push(Curve::level(at, into));
            curves.push(Curve::line(into, out));
            at = out;
        }
        curves.push(Curve::level(at, end));
        curves
    }
}

fn backwards(curves: Vec<Curve>) -> Vec<Curve> {
    curves.into_iter().rev().map(|Curve([a, b, c, d])| Curve([d, c, b, a])).collect()
}
