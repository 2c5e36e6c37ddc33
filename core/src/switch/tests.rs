use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

fn frame(destination: MacAddr, source: MacAddr) -> Vec<u8> {
    [&destination.0[..], &source.0, &[0x08, 0x00], &[0; 46]].concat()
}

fn switch(ports: u32) -> Switch {
    let mut switch = Switch::new(SwitchConfig::default());
    (1..=ports).for_each(|port| switch.add_port(port));
    switch
}

fn changes(switch: &mut Switch) -> Vec<FdbChange> {
    core::iter::from_fn(|| switch.poll_change()).collect()
}

#[test]
fn the_unknown_is_flooded_and_the_known_goes_one_way() {
    let mut sw = switch(3);
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(B, A)), Forwarding::Flood);
    assert_eq!(sw.forward(SimTime::ZERO, 2, &frame(A, B)), Forwarding::Port(1));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(B, A)), Forwarding::Port(2));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(MacAddr::BROADCAST, A)), Forwarding::Flood);
    assert_eq!(changes(&mut sw), [FdbChange::Put { mac: A, port: 1 }, FdbChange::Put { mac: B, port: 2 }]);
}

#[test]
fn what_is_behind_the_same_port_is_not_sent_back() {
    let mut sw = switch(2);
    sw.forward(SimTime::ZERO, 1, &frame(MacAddr::BROADCAST, B));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(B, A)), Forwarding::Drop(DropReason::SamePort));
}

#[test]
fn bad_frames_teach_nothing() {
    let mut sw = switch(2);
    assert_eq!(sw.forward(SimTime::ZERO, 1, &[0; 13]), Forwarding::Drop(DropReason::FrameTooShort));
    for bad in [MacAddr::ZERO, MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1])] {
        assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(B, bad)), Forwarding::Drop(DropReason::SourceMacInvalid));
    }
    assert_eq!(sw.forward(SimTime::ZERO, 9, &frame(B, A)), Forwarding::Drop(DropReason::NoCable));
    assert_eq!(changes(&mut sw), []);
}

#[test]
fn reserved_groups_stay_on_their_cable_and_other_groups_do_not() {
    let mut sw = switch(2);
    let group = |last| MacAddr([1, 0x80, 0xc2, 0, 0, last]);
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(group(0), A)), Forwarding::Drop(DropReason::ReservedMulticast));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(group(15), A)), Forwarding::Drop(DropReason::ReservedMulticast));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(group(16), A)), Forwarding::Flood);
}

#[test]
fn an_address_ages_out_300_seconds_after_its_last_frame() {
    let mut sw = switch(2);
    sw.forward(SimTime::ZERO, 1, &frame(B, A));
    sw.forward(SimTime::from_secs(100), 1, &frame(B, A));
    changes(&mut sw);
    assert_eq!(sw.next_wakeup(), Some(SimTime::from_secs(300)));
    sw.age_out(SimTime::from_secs(300));
    assert_eq!(changes(&mut sw), []);
    assert_eq!(sw.next_wakeup(), Some(SimTime::from_secs(400)));
    assert_eq!(sw.rows(NodeId(1), SimTime::from_secs(399), true)[0].age_secs, Some(299));
    // Even before anyone says so, the entry is not used any more.
    assert_eq!(sw.forward(SimTime::from_secs(400), 2, &frame(A, B)), Forwarding::Flood);
    sw.age_out(SimTime::from_secs(400));
    assert_eq!(changes(&mut sw), [FdbChange::Put { mac: B, port: 2 }, FdbChange::Del { mac: A }]);
}

#[test]
fn a_full_table_floods_and_counts() {
    let mut sw = Switch::new(SwitchConfig { fdb_max: 1, ..SwitchConfig::default() });
    sw.add_port(1);
    sw.add_port(2);
    sw.forward(SimTime::ZERO, 1, &frame(B, A));
    sw.forward(SimTime::ZERO, 2, &frame(A, B));
    assert_eq!(sw.forward(SimTime::ZERO, 1, &frame(B, A)), Forwarding::Flood);
    assert_eq!(sw.learns_refused(), 1);
}

#[test]
fn a_removed_port_is_forgotten_with_all_behind_it() {
    let mut sw = switch(3);
    sw.forward(SimTime::ZERO, 1, &frame(B, A));
    sw.forward(SimTime::ZERO, 2, &frame(A, B));
    changes(&mut sw);
    sw.remove_port(1);
    assert_eq!(changes(&mut sw), [FdbChange::Del { mac: A }]);
    assert_eq!(sw.forward(SimTime::ZERO, 2, &frame(A, B)), Forwarding::Flood);
    sw.remove_port(3);
    assert_eq!(sw.forward(SimTime::ZERO, 2, &frame(A, B)), Forwarding::Drop(DropReason::NoOtherPort));
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
                sw.age_out(now);
            }
            match what {
                0 => sw.remove_port(port),
                1 => sw.add_port(port),
                _ => { sw.forward(now, port, &frame(MacAddr([2, 0, 0, 0, 0, to]), MacAddr([2, 0, 0, 0, 0, from]))); }
            }
            while let Some(change) = sw.poll_change() {
                match change {
                    FdbChange::Put { mac, port } => { fold.insert(mac, port); }
                    FdbChange::Del { mac } => prop_assert!(fold.remove(&mac).is_some()),
                }
            }
            let rows = sw.rows(NodeId(1), now, true);
            prop_assert_eq!(rows.iter().map(|row| (row.mac, row.port)).collect::<BTreeMap<_, _>>(), fold.clone());
            prop_assert!(rows.iter().all(|row| row.age_secs < Some(300) && sw.ports().any(|p| p == row.port)));
        }
    }
}
