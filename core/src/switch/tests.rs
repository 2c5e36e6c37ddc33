use core::time::Duration;

use super::*;
use crate::id::NodeId;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

fn frame(destination: MacAddr, source: MacAddr) -> Vec<u8> {
    [&destination.0[..], &source.0, &[0x08, 0x00], &[0; 46]].concat()
}

fn switch(ports: u32) -> Switch {
    let mut switch = Switch::new(SwitchConfig::default());
    (1..=ports).for_each(|port| switch.plug(SimTime::ZERO, port, 4));
    switch
}

/// Every frame is a new one.
fn send(switch: &mut Switch, now: SimTime, port: u32, frame: &[u8]) -> Forwarding {
    use core::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    switch.forward(now, port, FrameId(NEXT.fetch_add(1, Ordering::Relaxed)), frame)
}

fn changes(switch: &mut Switch) -> Vec<FdbChange> {
    core::iter::from_fn(|| switch.poll_change()).collect()
}

#[test]
fn the_unknown_is_flooded_and_the_known_goes_one_way() {
    let mut sw = switch(3);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Flood);
    assert_eq!(send(&mut sw, SimTime::ZERO, 2, &frame(A, B)), Forwarding::Port(1));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Port(2));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(MacAddr::BROADCAST, A)), Forwarding::Flood);
    assert_eq!(changes(&mut sw), [FdbChange::Put { mac: A, port: 1 }, FdbChange::Put { mac: B, port: 2 }]);
}

#[test]
fn what_is_behind_the_same_port_is_not_sent_back() {
    let mut sw = switch(2);
    send(&mut sw, SimTime::ZERO, 1, &frame(MacAddr::BROADCAST, B));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Drop(DropReason::SamePort));
}

#[test]
fn bad_frames_teach_nothing() {
    let mut sw = switch(2);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &[0; 13]), Forwarding::Drop(DropReason::FrameTooShort));
    for bad in [MacAddr::ZERO, MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1])] {
        assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, bad)), Forwarding::Drop(DropReason::SourceMacInvalid));
    }
    assert_eq!(send(&mut sw, SimTime::ZERO, 9, &frame(B, A)), Forwarding::Drop(DropReason::NoCable));
    assert_eq!(changes(&mut sw), []);
}

#[test]
fn reserved_groups_stay_on_their_cable_and_other_groups_do_not() {
    let mut sw = switch(2);
    let group = |last| MacAddr([1, 0x80, 0xc2, 0, 0, last]);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(group(2), A)), Forwarding::Drop(DropReason::ReservedMulticast));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(group(15), A)), Forwarding::Drop(DropReason::ReservedMulticast));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(group(16), A)), Forwarding::Flood);
}

#[test]
fn without_spanning_tree_its_messages_go_on_and_with_it_they_are_taken() {
    let mut sw = switch(2);
    let bpdu = Bpdu::TopologyChange.emit(A);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &bpdu), Forwarding::Flood);
    sw.set_stp(SimTime::ZERO, StpConfig { enabled: true, ..StpConfig::default() });
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &bpdu), Forwarding::Taken);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(GROUP, A)), Forwarding::Drop(DropReason::BpduMalformed));
}

#[test]
fn a_foreign_mac_is_stopped_at_a_secured_port_and_teaches_nothing() {
    let mut sw = switch(3);
    let security = SecurityConfig { max: 1, allowed: vec![A], violation: Violation::Shutdown };
    let secured = PortConfig { security: Some(security), ..PortConfig::default() };
    sw.configure_port(SimTime::ZERO, 1, secured);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(MacAddr::BROADCAST, A)), Forwarding::Flood);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(A, B)), Forwarding::Drop(DropReason::PortSecurity));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Drop(DropReason::PortErrDisabled));
    assert_eq!(changes(&mut sw), [FdbChange::Put { mac: A, port: 1 }]);
    // The allowed one is where it always was, but nothing goes out of a port that is shut.
    assert_eq!(send(&mut sw, SimTime::ZERO, 2, &frame(A, B)), Forwarding::Drop(DropReason::PortErrDisabled));
    assert_eq!(send(&mut sw, SimTime::ZERO, 2, &frame(MacAddr::BROADCAST, B)), Forwarding::Flood);
    assert_eq!(sw.ports().collect::<Vec<_>>(), [2, 3]);
    sw.reopen_port(SimTime::ZERO, 1);
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Port(2));
    assert_eq!(sw.ports().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_frame_that_was_flooded_before_is_in_a_loop() {
    let mut sw = switch(3);
    let broadcast = frame(MacAddr::BROADCAST, A);
    let (mut dropped, mut waiting) = (0_u32, 0_u32);
    for tick in 0..10_000 {
        // Those that are to wait never come: their cable was cut.
        match sw.forward(SimTime::from_micros(tick * 101), 1 + (tick % 2) as u32, FrameId(7), &broadcast) {
            Forwarding::Drop(DropReason::Storm) => dropped += 1,
            Forwarding::Hold(_) => waiting += 1,
            result => assert_eq!(result, Forwarding::Flood),
        }
    }
    // A second at 1,000 copies, two a frame; at most 64 wait at once.
    assert!((400..600).contains(&waiting), "{waiting}");
    assert!((9_300..9_600).contains(&dropped), "{dropped}");
    assert_eq!((sw.take_storm(), sw.take_storm()), (Some(32), None));
    let storm = |sw: &Switch| {
        sw.rows(NodeId(1), SimTime::from_secs(2), true).into_iter().find_map(|row| match row {
            crate::view::Row::Bridge(row) => Some((row.storm, row.storm_drops)),
            _ => None,
        })
    };
    assert_eq!(storm(&sw), Some((true, Some(u64::from(dropped)))));
    sw.handle_timeout(SimTime::from_millis(1_500));
    sw.handle_timeout(SimTime::from_secs(3));
    assert_eq!(storm(&sw), Some((false, Some(u64::from(dropped)))));
}

#[test]
fn an_address_ages_out_300_seconds_after_its_last_frame() {
    let mut sw = switch(2);
    send(&mut sw, SimTime::ZERO, 1, &frame(B, A));
    send(&mut sw, SimTime::from_secs(100), 1, &frame(B, A));
    changes(&mut sw);
    assert_eq!(sw.next_wakeup(), Some(SimTime::from_secs(300)));
    sw.handle_timeout(SimTime::from_secs(300));
    assert_eq!(changes(&mut sw), []);
    assert_eq!(sw.next_wakeup(), Some(SimTime::from_secs(400)));
    let rows: Vec<_> = sw.fdb_rows(NodeId(1), SimTime::from_secs(399), true).collect();
    assert_eq!(rows[0].age_secs, Some(299));
    // Even before anyone says so, the entry is not used any more.
    assert_eq!(send(&mut sw, SimTime::from_secs(400), 2, &frame(A, B)), Forwarding::Flood);
    sw.handle_timeout(SimTime::from_secs(400));
    assert_eq!(changes(&mut sw), [FdbChange::Put { mac: B, port: 2 }, FdbChange::Del { mac: A }]);
}

#[test]
fn a_full_table_floods_and_counts() {
    let mut sw = Switch::new(SwitchConfig { fdb_max: 1, ..SwitchConfig::default() });
    sw.plug(SimTime::ZERO, 1, 4);
    sw.plug(SimTime::ZERO, 2, 4);
    send(&mut sw, SimTime::ZERO, 1, &frame(B, A));
    send(&mut sw, SimTime::ZERO, 2, &frame(A, B));
    assert_eq!(send(&mut sw, SimTime::ZERO, 1, &frame(B, A)), Forwarding::Flood);
    assert_eq!(sw.learns_refused(), 1);
}

#[test]
fn a_removed_port_is_forgotten_with_all_behind_it() {
    let mut sw = switch(3);
    send(&mut sw, SimTime::ZERO, 1, &frame(B, A));
    send(&mut sw, SimTime::ZERO, 2, &frame(A, B));
    changes(&mut sw);
    sw.unplug(SimTime::ZERO, 1);
    assert_eq!(changes(&mut sw), [FdbChange::Del { mac: A }]);
    assert_eq!(send(&mut sw, SimTime::ZERO, 2, &frame(A, B)), Forwarding::Flood);
    sw.set_carrier(SimTime::ZERO, 3, false);
    assert_eq!(send(&mut sw, SimTime::ZERO, 2, &frame(A, B)), Forwarding::Drop(DropReason::NoOtherPort));
}

proptest! {
    /// The facts, folded, are the table; and every wake-up is before or at the moment something ages out.
    #[test]
    fn the_fold_of_the_changes_is_the_table(
        ops in proptest::collection::vec((0_u64..200, 1_u32..5, 0_u8..6, 0_u8..6, 0_u8..20), 1..200)
    ) {
        let mut sw = switch(4);
        let mut fold = BTreeMap::new();
        let mut now = SimTime::ZERO;
        for (wait, port, to, from, what) in ops {
            now += Duration::from_secs(wait);
            if sw.next_wakeup().is_some_and(|at| at <= now) {
                sw.handle_timeout(now);
            }
            match what {
                0 => sw.set_carrier(now, port, false),
                1 => sw.set_carrier(now, port, true),
                _ => { send(&mut sw, now, port, &frame(MacAddr([2, 0, 0, 0, 0, to]), MacAddr([2, 0, 0, 0, 0, from]))); }
            }
            while let Some(change) = sw.poll_change() {
                match change {
                    FdbChange::Put { mac, port } => { fold.insert(mac, port); }
                    FdbChange::Del { mac } => prop_assert!(fold.remove(&mac).is_some()),
                }
            }
            let rows: Vec<_> = sw.fdb_rows(NodeId(1), now, true).collect();
            prop_assert_eq!(rows.iter().map(|row| (row.mac, row.port)).collect::<BTreeMap<_, _>>(), fold.clone());
            prop_assert!(rows.iter().all(|row| row.age_secs < Some(300) && sw.ports().any(|p| p == row.port)));
        }
    }
}
