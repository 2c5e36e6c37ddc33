use netmodes_core::lab::Lab;
use netmodes_core::view::{LabView, Mode, NodeKind};
use netmodes_core::world::World;

use super::*;

fn view() -> LabView {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/labs/nat.toml");
    let lab: Lab = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let world = World::new(&lab, 1).unwrap();
    let mut view = LabView::default();
    world.rows(false).into_iter().for_each(|row| view.put(row));
    view
}

/// Lab modes with both cards in these modes.
fn view_in(modes: [Mode; 2]) -> LabView {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/labs/modes.toml");
    let mut lab: Lab = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (vm, mode) in lab.vms.iter_mut().zip(modes) {
        vm.nics[0].mode = mode;
    }
    let world = World::new(&lab, 1).unwrap();
    let mut view = LabView::default();
    world.rows(false).into_iter().for_each(|row| view.put(row));
    view
}

#[test]
fn every_node_has_a_place_and_no_two_overlap() {
    nothing_overlaps(&view());
    for first in Mode::ALL.into_iter().take(6) {
        for second in Mode::ALL.into_iter().take(6) {
            nothing_overlaps(&view_in([first, second]));
        }
    }
}

fn nothing_overlaps(view: &LabView) {
    let scene = compose(view);
    for node in view.nodes.keys() {
        assert!(scene.place_of(*node).is_some(), "{:?} is not drawn", view.nodes[node].name);
    }
    for (at, card) in scene.cards.iter().enumerate() {
        assert!(card.rect.x >= 0.0 && card.rect.y >= 0.0, "{card:?} sticks out");
        assert!(card.rect.x + card.rect.w <= scene.width && card.rect.y + card.rect.h <= scene.height);
        for other in &scene.cards[at + 1..] {
            assert!(!card.rect.overlaps(other.rect), "{card:?} overlaps {other:?}");
        }
    }
}

#[test]
fn every_cable_is_drawn_from_one_of_its_ends() {
    let view = view();
    let scene = compose(&view);
    for link in view.links.values() {
        let path = scene.paths.iter().find(|path| path.link == Some(link.id)).expect("a path");
        assert!(path.from == link.a || path.from == link.b);
        assert!(path.at(0.0).distance(path.at(1.0)) > 5.0);
    }
}

#[test]
fn a_path_runs_from_its_beginning_to_its_end_at_an_even_pace() {
    let curve = Curve::level(Point::new(0.0, 0.0), Point::new(100.0, 50.0));
    assert_eq!(curve.at(0.0), Point::new(0.0, 0.0));
    assert_eq!(curve.at(1.0), Point::new(100.0, 50.0));
    let rect = Rect::new(0.0, 0.0, 10.0, 4.0);
    assert_eq!(rect.edge_towards(Point::new(50.0, 2.0)), Point::new(10.0, 2.0));
    assert_eq!(rect.edge_towards(Point::new(5.0, 50.0)), Point::new(5.0, 4.0));
}

#[test]
fn the_words_say_who_is_connected_to_whom() {
    let view = view();
    let spoken = speak(&view);
    assert_eq!(spoken.len(), view.nodes.len());
    let of = |name: &str| spoken.iter().find(|line| view.nodes[&line.node].name == name).unwrap();
    assert_eq!(of("host").addrs, ["192.168.0.111/24"]);
    assert_eq!(of("host").joined, [("office".to_owned(), NodeKind::Switch)]);
    assert!(of("vm1").addrs.is_empty());
    assert_eq!(of("vm1").joined.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), [NodeKind::NatEngine]);
    assert_eq!(modes(&view), [("vm1".to_owned(), 1, Mode::Nat)]);
}
