use netmodes_core::event::{FrameBytes, FrameSent};
use netmodes_core::protocol::Pace;
use netmodes_core::time::SimTime;

use super::*;

/// Frame `frame` from node `from` to node `to` on the cable with the same number as `to`.
fn hop(seq: u64, frame: u64, parent: Option<u64>, from: u32, to: u32) -> Rc<FrameEntry> {
    let sent = FrameSent {
        link: LinkId(to),
        from: Port::new(NodeId(from), 0),
        to: Port::new(NodeId(to), 0),
        frame: FrameId(frame),
        parent: parent.map(FrameId),
        arrives: Some(SimTime::from_micros(20)),
        bytes: FrameBytes([].into()),
    };
    Rc::new(FrameEntry::new(seq, SimTime::ZERO, sent))
}

fn running() -> Clock {
    Clock { pace: Pace { running: true, speed_ppm: 1_000_000 }, ..Clock::default() }
}

fn on_way(player: &mut Player, at: f64) -> Vec<(u64, Place)> {
    let mut seen = Vec::new();
    player.draw(&running(), at, |mark, place| seen.push((mark.seq, place)));
    seen
}

fn numbers(player: &mut Player, at: f64) -> Vec<u64> {
    on_way(player, at).into_iter().map(|(seq, _)| seq).collect()
}

#[test]
fn a_rewritten_frame_sets_out_when_the_one_before_it_has_arrived() {
    let mut player = Player::default();
    let log = [hop(1, 1, None, 1, 2), hop(2, 2, Some(1), 2, 3)];
    player.take(log.iter().rev(), &running(), 1_000.0);
    assert_eq!(numbers(&mut player, 1_100.0), [1]);
    assert_eq!(numbers(&mut player, 1_000.0 + MARK_MS + 100.0), [2]);
    assert_eq!(numbers(&mut player, 1_000.0 + 2.0 * MARK_MS + 1.0), [0u64; 0]);
    assert!(player.is_idle());
}

#[test]
fn a_broadcast_leaves_a_switch_on_all_its_cables_at_once() {
    let mut player = Player::default();
    let log = [hop(1, 1, None, 1, 9), hop(2, 1, None, 9, 2), hop(3, 1, None, 9, 3), hop(4, 1, None, 9, 4)];
    player.take(log.iter().rev(), &running(), 0.0);
    assert_eq!(numbers(&mut player, 10.0), [1]);
    let fan = on_way(&mut player, MARK_MS + 42.0);
    assert_eq!(fan, [(2, Place::Cable(0.1)), (3, Place::Cable(0.1)), (4, Place::Cable(0.1))]);
}

#[test]
fn what_a_nat_engine_hands_to_its_host_crosses_the_host_before_the_cable() {
    let mut player = Player::default();
    // The engine is node 5; the host, node 7, sends it out.
    let log = [hop(1, 1, None, 1, 5), hop(2, 2, Some(1), 7, 8)];
    player.take(log.iter().rev(), &running(), 0.0);
    let inside = on_way(&mut player, MARK_MS + INNER_MS / 2.0);
    assert_eq!(inside, [(2, Place::Inner(NodeId(5), NodeId(7), 0.5))]);
    assert_eq!(on_way(&mut player, MARK_MS + INNER_MS + MARK_MS / 4.0), [(2, Place::Cable(0.25))]);
}

#[test]
fn while_lab_time_stands_a_frame_waits_half_way() {
    let mut player = Player::default();
    player.take([hop(1, 1, None, 1, 2)].iter(), &Clock::default(), 0.0);
    assert!(!player.is_still(&Clock::default(), 10.0));
    let mut places = Vec::new();
    for at in [10_000.0, 20_000.0] {
        player.draw(&Clock::default(), at, |_, place| places.push(place));
        assert!(player.is_still(&Clock::default(), at), "nothing moves, so nothing need be drawn again");
    }
    assert_eq!(places, [Place::Cable(HALF_WAY); 2]);
}

#[test]
fn with_less_motion_a_mark_leaps_once() {
    let places: std::collections::BTreeSet<_> = (0..=10).map(|i| (leap(f64::from(i) / 10.0) * 10.0) as i32).collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [1, 5, 9]);
}

#[test]
fn an_entry_is_taken_once() {
    let mut player = Player::default();
    let log = [hop(1, 1, None, 1, 2)];
    player.take(log.iter(), &running(), 0.0);
    player.take(log.iter(), &running(), 0.0);
    assert_eq!(numbers(&mut player, 1.0).len(), 1);
}

#[test]
fn the_same_drop_again_is_counted_and_noise_is_not_told() {
    let mut player = Player::default();
    for frame in 0..3 {
        player.dropped(Some(FrameId(frame)), NodeId(1), DropReason::NoRoute, false, 0.0);
    }
    player.dropped(Some(FrameId(9)), NodeId(1), DropReason::Ipv6NotUsed, false, 0.0);
    let told: Vec<_> = player.bursts(1.0).map(|burst| (burst.reason, burst.times)).collect();
    assert_eq!(told, [(DropReason::NoRoute, 3)]);
    player.dropped(Some(FrameId(9)), NodeId(1), DropReason::Ipv6NotUsed, true, 0.0);
    assert_eq!(player.bursts(1.0).count(), 2);
}

#[test]
fn a_drop_is_told_when_its_frame_has_got_there() {
    let mut player = Player::default();
    player.take([hop(1, 1, None, 1, 2)].iter(), &running(), 0.0);
    player.dropped(Some(FrameId(1)), NodeId(2), DropReason::NoRoute, false, 0.0);
    assert_eq!(player.bursts(MARK_MS - 10.0).count(), 0);
    assert_eq!(player.bursts(MARK_MS + 10.0).count(), 1);
}

#[test]
fn at_an_earlier_instant_a_frame_stands_exactly_where_it_was() {
    let mut player = Player::default();
    player.take([hop(9, 9, None, 1, 2)].iter(), &running(), 0.0);
    player.stand([hop(3, 3, None, 1, 2)].iter(), SimTime::from_micros(15), 1_000.0);
    for at in [1_000.0, 60_000.0] {
        let seen = on_way(&mut player, at);
        let [(3, Place::Cable(part))] = seen[..] else { panic!("{seen:?}") };
        assert!((part - 0.75).abs() < 1e-3, "{part}");
    }
    let stands = Clock::default();
    assert!(player.is_still(&stands, 2_000.0));
    // Back to now: what is known does not set out again, what is new does.
    player.skip_to(9);
    player.take([hop(10, 10, None, 1, 2), hop(9, 9, None, 1, 2)].iter(), &running(), 3_000.0);
    assert_eq!(numbers(&mut player, 3_001.0), [10]);
}
