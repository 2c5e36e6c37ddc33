use netmodes_core::id::{LinkId, NodeId, Port};
use netmodes_core::lab::Lab;
use netmodes_core::view::{IfaceRow, LabView, LinkRow, Mode, NicRow, NodeKind, NodeRow, Row};
use netmodes_core::world::World;
use proptest::prelude::*;

use super::*;

fn lab(name: &str) -> Lab {
    let path = format!("{}/../static/labs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn view_of(lab: &Lab) -> LabView {
    let world = World::new(lab, 1).unwrap();
    let mut view = LabView::default();
    world.rows(false).into_iter().for_each(|row| view.put(row));
    view
}

/// What must be true of every picture.
fn whole(view: &LabView) -> Scene {
    let scene = compose(view);
    assert_eq!(compose(view), scene, "the same tables make the same picture");
    for node in view.nodes.keys() {
        assert!(scene.place_of(*node).is_some(), "{:?} is not drawn", view.nodes[node].name);
    }
    let inside = Rect::new(0.0, 0.0, scene.width, scene.height);
    let panels = scene.hosts.iter().map(|host| host.panel);
    let boxes: Vec<Rect> = scene.cards.iter().map(|card| card.rect).chain(panels).collect();
    for (at, rect) in boxes.iter().enumerate() {
        assert!(
            rect.x >= 0.0 && rect.y >= 0.0 && rect.right() <= inside.w && rect.bottom() <= inside.h,
            "{rect:?} sticks out"
        );
        for other in &boxes[at + 1..] {
            assert!(!rect.overlaps(*other), "{rect:?} overlaps {other:?}");
        }
    }
    for nic in view.nics.values() {
        let plug = scene.plug(nic.vm, nic.adapter).expect("every card has a plug");
        let path = scene.paths.iter().find(|path| path.from == Port::new(nic.vm, nic.iface));
        let path = path.expect("every card has a cable");
        assert!(path.curves[0].0[0].distance(plug.at) < 0.01, "a card's cable begins at its plug");
    }
    for link in view.links.values() {
        let path = scene.path(link.id).expect("every cable is drawn");
        assert!(path.from == link.a || path.from == link.b);
        assert!(path.track.at(0.0).distance(path.track.at(1.0)) > 1.0 || link.a.node == link.b.node);
    }
    for path in &scene.paths {
        for pair in path.curves.windows(2) {
            assert!(pair[0].0[3].distance(pair[1].0[0]) < 0.01, "a cable has a hole");
        }
        crosses_nothing(path, &boxes);
    }
    scene
}

/// A cable is on no box but where it ends, and behind the patch panel's words.
fn crosses_nothing(path: &Path, boxes: &[Rect]) {
    for (number, curve) in path.curves.iter().enumerate() {
        if path.hidden == Some(number) {
            continue;
        }
        for step in 0..=20 {
            let at = curve.at(f64::from(step) / 20.0);
            let on = boxes.iter().find(|rect| rect.grown(-1.0).contains(at));
            // A cable ends in its socket, which is inside the panel.
            let ends_here = path
                .curves
                .iter()
                .flat_map(|curve| [curve.0[0], curve.0[3]])
                .any(|end| on.is_some_and(|rect| rect.grown(1.0).contains(end)) && end.distance(at) < 24.0);
            assert!(on.is_none() || ends_here, "a cable from {:?} crosses {on:?} at {at:?}", path.from);
        }
    }
}

#[test]
fn every_lab_of_ours_is_a_whole_picture() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/labs");
    let mut labs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            whole(&view_of(&toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()));
            labs += 1;
        }
    }
    assert!(labs > 10);
}

#[test]
fn every_pair_of_modes_is_a_whole_picture() {
    for first in Mode::ALL.into_iter().take(6) {
        for second in Mode::ALL.into_iter().take(6) {
            let mut lab = lab("modes");
            lab.vms.iter_mut().zip([first, second]).for_each(|(vm, mode)| vm.nics[0].mode = mode);
            whole(&view_of(&lab));
        }
    }
}

#[test]
fn what_a_mode_builds_stands_behind_its_socket() {
    for mode in [Mode::Nat, Mode::Bridged, Mode::Internal, Mode::HostOnly, Mode::NatNetwork] {
        let mut lab = lab("modes");
        lab.vms[0].nics[0].mode = mode;
        let view = view_of(&lab);
        let scene = whole(&view);
        let built: Vec<_> = scene.cards.iter().filter(|card| card.kind == CardKind::Built).collect();
        assert_eq!(built.len(), 1, "{mode:?}");
        assert_eq!(mode_of(&view, built[0].node), mode);
        let socket = scene.sockets.iter().find(|socket| socket.mode == mode).unwrap();
        assert!(built[0].rect.x > socket.out.x);
    }
}

#[test]
fn a_cable_goes_on_where_it_is_seen_and_a_mark_rests_there() {
    let view = view_of(&lab("nat"));
    let scene = compose(&view);
    let path = scene.paths.iter().find(|path| path.hidden.is_some()).unwrap();
    assert_eq!(path.track.seen(0.0), 1.0);
    assert_eq!(path.track.seen(0.5), 1.0, "what waits half-way is seen");
    assert!((0..100).any(|t| path.track.seen(f64::from(t) / 100.0) == 0.0), "behind the words it is not");
    let panel = scene.hosts[0].panel;
    assert!(!panel.contains(path.track.at(0.5)));
}

#[test]
fn marks_run_at_an_even_pace_from_beside_one_end_to_beside_the_other() {
    let curves = [
        Curve::level(Point::new(0.0, 0.0), Point::new(100.0, 60.0)),
        Curve::line(Point::new(100.0, 60.0), Point::new(300.0, 60.0)),
    ];
    let track = Track::new(&curves, None);
    let (first, last) = (track.at(0.0), track.at(1.0));
    assert!((23.0..34.0).contains(&first.x), "half a mark off the box at the left: {first:?}");
    assert!((266.0..=277.5).contains(&last.x) && (last.y - 60.0).abs() < 0.01, "and at the right: {last:?}");
    let steps: Vec<f64> =
        (0..50).map(|i| track.at(f64::from(i) / 50.0).distance(track.at(f64::from(i + 1) / 50.0))).collect();
    let (least, most) = steps.iter().fold((f64::MAX, 0.0f64), |(a, b), s| (a.min(*s), b.max(*s)));
    assert!(most < least * 1.3, "{least} {most}");
}

#[test]
fn a_mark_on_a_short_cable_keeps_to_its_middle_and_one_behind_the_panel_comes_out() {
    let short = Track::new(&[Curve::line(Point::new(0.0, 0.0), Point::new(0.0, 20.0))], None);
    let (first, last) = (short.at(0.0).y, short.at(1.0).y);
    assert!(first >= 8.0 && last <= 12.0 && first < last, "{first} {last}");
    let level = |a: f64, b: f64| Curve::line(Point::new(a, 0.0), Point::new(b, 0.0));
    let track = Track::new(&[level(0.0, 30.0), level(30.0, 150.0), level(150.0, 184.0)], Some(1));
    assert!((track.at(1.0).x - 167.0).abs() < 1.0, "half-way between panel and box: {:?}", track.at(1.0));
    assert!(track.seen(1.0) == 1.0 && track.seen(0.0) == 1.0);
    assert!((0..100).any(|t| track.seen(f64::from(t) / 100.0) == 0.0));
}

#[test]
fn the_words_say_who_is_connected_to_whom() {
    let view = view_of(&lab("nat"));
    let spoken = speak(&view);
    assert_eq!(spoken.len(), view.nodes.len());
    let of = |name: &str| spoken.iter().find(|line| view.nodes[&line.node].name == name).unwrap();
    assert_eq!(of("host").addrs, ["192.168.0.111/24"]);
    assert_eq!(of("host").joined, [("office".to_owned(), NodeKind::Switch)]);
    assert!(of("vm1").addrs.is_empty());
    assert_eq!(of("vm1").joined.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), [NodeKind::NatEngine]);
    let card = SpokenCard { vm: "vm1".to_owned(), adapter: 1, mode: Mode::Nat, network: String::new(), cable: true };
    assert_eq!(modes(&view), [card]);
}

/// Machines of a made-up lab.
#[derive(Clone, Debug)]
struct Made {
    hosts: usize,
    vms: Vec<Vec<(Mode, u8)>>,
    switches: usize,
    computers: Vec<usize>,
    far: Vec<usize>,
    wild: Vec<(usize, usize)>,
}

fn made() -> impl Strategy<Value = Made> {
    let mode = prop::sample::select(Mode::ALL[..6].to_vec());
    let nic = (mode, 0u8..3);
    let vms = prop::collection::vec(prop::collection::vec(nic, 0..=8), 0..40);
    let wild = prop::collection::vec((0usize..200, 0usize..200), 0..6);
    (0usize..3, vms, 0usize..5, prop::collection::vec(0usize..5, 0..40), prop::collection::vec(0usize..40, 0..40), wild)
        .prop_map(|(hosts, vms, switches, computers, far, wild)| Made { hosts, vms, switches, computers, far, wild })
}

/// Tables of a made-up lab: nodes and cables as a world would have them, and some that it would not.
#[derive(Default)]
struct Maker {
    view: LabView,
    ports: u32,
    nodes: u32,
}

impl Maker {
    fn node(&mut self, kind: NodeKind, host: Option<NodeId>, site: &str) -> NodeId {
        let id = NodeId(self.nodes);
        self.nodes += 1;
        let (name, site) = (format!("machine-{}", id.0), site.to_owned());
        let row = NodeRow { id, name, kind, host, site, real: false, off: id.0 % 7 == 3 && kind == NodeKind::Vm };
        self.view.put(Row::Node(row));
        id
    }

    fn link(&mut self, a: Port, b: Port) {
        let id = LinkId(self.view.links.len() as u32);
        let row = LinkRow {
            id,
            a,
            b,
            delay_ns: 1,
            rate_bps: None,
            loss_ppm: 0,
            jitter_ns: 0,
            queue_frames: None,
            up: id.0 % 5 != 1,
            mute: [false; 2],
        };
        self.view.put(Row::Link(row));
    }

    fn port(&mut self, node: NodeId) -> Port {
        self.ports += 1;
        Port::new(node, 100 + self.ports)
    }

    fn join(&mut self, a: NodeId, b: NodeId) {
        let (a, b) = (self.port(a), self.port(b));
        self.link(a, b);
    }

    fn iface(&mut self, node: NodeId, index: u32) -> Port {
        let name = format!("eth{index}");
        let mac = netmodes_core::addr::MacAddr([2, 0, 0, 0, 0, 1]);
        let row =
            IfaceRow { node, index, name, mac, mtu: 1500, up: true, carrier: true, loopback: false, promisc: false };
        self.view.put(Row::Iface(row));
        Port::new(node, index)
    }

    fn vm(
        &mut self,
        host: NodeId,
        nics: &[(Mode, u8)],
        shared: &mut std::collections::BTreeMap<(NodeId, Mode, u8), NodeId>,
    ) {
        let vm = self.node(NodeKind::Vm, Some(host), "");
        let off = self.view.nodes[&vm].off;
        for (at, (mode, net)) in nics.iter().enumerate() {
            let iface = at as u32 + 2;
            let (adapter, mode) = (at as u8 + 1, *mode);
            let mac = netmodes_core::addr::MacAddr([8, 0, 39, 0, 0, adapter]);
            let row = NicRow {
                vm,
                adapter,
                mac,
                mode,
                network: String::new(),
                cable: true,
                promiscuous: Default::default(),
                iface,
                tap: None,
                forwards: Vec::new(),
                nat_net: None,
            };
            self.view.put(Row::Nic(row));
            if off || mode == Mode::NotAttached {
                continue;
            }
            let built = if mode == Mode::Nat {
                self.node(NodeKind::NatEngine, Some(host), "")
            } else if let Some(known) = shared.get(&(host, mode, *net)) {
                *known
            } else {
                let switch = self.node(NodeKind::Switch, Some(host), "");
                shared.insert((host, mode, *net), switch);
                match mode {
                    Mode::NatNetwork => {
                        let engine = self.node(NodeKind::NatEngine, Some(host), "");
                        self.join(engine, switch);
                    }
                    Mode::HostOnly => {
                        let dhcp = self.node(NodeKind::DhcpServer, Some(host), "");
                        self.join(dhcp, switch);
                        let port = self.iface(host, 20 + u32::from(*net));
                        let other = self.port(switch);
                        self.link(port, other);
                    }
                    _ => {}
                }
                switch
            };
            let port = self.port(built);
            self.link(Port::new(vm, iface), port);
        }
    }
}

fn tables(made: &Made) -> LabView {
    let mut maker = Maker::default();
    let mut shared = std::collections::BTreeMap::new();
    let hosts: Vec<_> = (0..made.hosts).map(|_| maker.node(NodeKind::Host, None, "office")).collect();
    for (at, nics) in made.vms.iter().enumerate() {
        if let Some(host) = hosts.get(at % hosts.len().max(1)) {
            maker.vm(*host, nics, &mut shared);
        }
    }
    let switches: Vec<_> = (0..made.switches)
        .map(|at| maker.node(NodeKind::Switch, None, if at < 3 { "office" } else { "branch" }))
        .collect();
    for host in &hosts {
        let port = maker.iface(*host, 2);
        if let Some(switch) = switches.first() {
            let other = maker.port(*switch);
            maker.link(port, other);
        }
    }
    for pair in switches.windows(2) {
        maker.join(pair[0], pair[1]);
    }
    for (at, switch) in made.computers.iter().enumerate() {
        let kind = if at == 1 { NodeKind::Router } else { NodeKind::Computer };
        let node = maker.node(kind, None, "office");
        if let Some(switch) = switches.get(*switch) {
            maker.join(node, *switch);
        }
    }
    let mut far = Vec::new();
    for parent in &made.far {
        let node = maker.node(NodeKind::Router, None, "internet");
        let parent = far.get(*parent % far.len().max(1)).copied().or(switches.last().copied());
        if let Some(parent) = parent {
            maker.join(node, parent);
        }
        far.push(node);
    }
    let outside: Vec<_> = maker
        .view
        .nodes
        .values()
        .filter(|node| node.host.is_none() && node.kind != NodeKind::Host)
        .map(|node| node.id)
        .collect();
    for (a, b) in &made.wild {
        if let (Some(a), Some(b)) = (outside.get(a % outside.len().max(1)), outside.get(b % outside.len().max(1)))
            && a != b
        {
            maker.join(*a, *b);
        }
    }
    maker.view
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_there_is_nothing_overlaps_and_every_cable_has_a_course(made in made()) {
        whole(&tables(&made));
    }
}

#[test]
fn forty_machines_are_still_a_picture_that_fits() {
    let nics = |at: usize| vec![(Mode::ALL[1 + at % 5], 0)];
    let made = Made {
        hosts: 1,
        vms: (0..20).map(nics).collect(),
        switches: 2,
        computers: (0..12).map(|at| at % 2).collect(),
        far: (0..8).map(|at: usize| at.saturating_sub(1)).collect(),
        wild: Vec::new(),
    };
    let scene = whole(&tables(&made));
    assert!(scene.width / scene.height < 3.5 && scene.height < 900.0, "{} × {}", scene.width, scene.height);
}
