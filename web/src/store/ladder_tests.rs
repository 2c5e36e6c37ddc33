//! Ladders of real exchanges: a lab runs, its frames are drawn.

use netmodes_core::event::Fact;
use netmodes_core::lab::Lab;
use netmodes_core::runner::run_script;
use netmodes_core::script::Script;
use netmodes_core::view::{LabView, Row};
use netmodes_core::world::World;

use super::super::{FrameLog, Outcome};
use super::*;

/// What a lab's script does, as the page knows it.
fn run(script: &str) -> (FrameLog, Outcomes, LabView) {
    let text = include_str!("../../../static/labs/nat.toml");
    let lab: Lab = toml::from_str(text).unwrap();
    let world = World::new(&lab, 1).unwrap();
    let report = run_script(world, &Script::parse(script).unwrap(), true);
    let (mut log, mut outcomes, mut view) = (FrameLog::default(), Outcomes::default(), LabView::default());
    for event in &report.events {
        view.apply(event);
        match &event.fact {
            Fact::FrameSent(sent) => log.push(FrameEntry::new(event.seq, event.time, sent.clone())),
            Fact::FrameDropped(dropped) => {
                let what = What::Dropped(dropped.reason);
                outcomes.push(dropped.frame, Outcome { seq: event.seq, time: event.time, node: dropped.node, what });
            }
            Fact::Decided { node, frame, decision } => {
                let what = What::Decided(decision.clone());
                outcomes.push(Some(*frame), Outcome { seq: event.seq, time: event.time, node: *node, what });
            }
            _ => {}
        }
    }
    for row in report.world.rows(false) {
        if matches!(row, Row::Node(_) | Row::Iface(_)) {
            view.put(row);
        }
    }
    (log, outcomes, view)
}

fn drawn(script: &str, keep: impl Fn(&FrameEntry) -> bool) -> (Ladder, LabView) {
    let (log, outcomes, view) = run(script);
    let members: Vec<_> = log.iter().filter(|entry| keep(entry)).cloned().collect();
    (ladder(&members, &outcomes, &view), view)
}

fn names(ladder: &Ladder, view: &LabView) -> Vec<String> {
    ladder.lifelines.iter().map(|id| view.nodes[id].name.clone()).collect()
}

#[test]
fn an_address_is_handed_out_in_four_arrows() {
    let (ladder, view) = drawn("vm1: dhclient enp0s3\n", |entry| entry.summary().proto == "DHCP");
    let labels: Vec<_> = ladder.arrows.iter().map(|arrow| (arrow.label.as_str(), arrow.from, arrow.to)).collect();
    assert_eq!(labels, [("DHCP DISCOVER", 0, 1), ("DHCP OFFER", 1, 0), ("DHCP REQUEST", 0, 1), ("DHCP ACK", 1, 0)]);
    assert_eq!(names(&ladder, &view).len(), 2);
    assert!(ladder.arrows[3].note.contains("your 10.0.2.15"), "{}", ladder.arrows[3].note);
    assert!(ladder.arrows[1].gap.is_some());
}

#[test]
fn a_ping_goes_over_the_nats_between_and_back() {
    let (ladder, view) =
        drawn("vm1: dhclient enp0s3\nvm1: ping -c 1 8.8.8.8\n", |entry| entry.summary().proto == "ICMP");
    assert_eq!(ladder.arrows.len(), 2);
    let [there, back] = &ladder.arrows[..] else { unreachable!() };
    assert_eq!((there.from, there.to), (back.to, back.from));
    assert_eq!((there.via.len(), back.via.len()), (2, 2));
    assert_eq!(names(&ladder, &view)[0], "vm1");
    assert!(there.lost.is_none());
}

#[test]
fn a_connection_is_opened_used_and_closed() {
    let script = "vm1: dhclient enp0s3\nvm1: curl -s http://93.184.215.14/\n@wait 2\n";
    let (ladder, _) = drawn(script, |entry| entry.summary().proto == "TCP");
    let first: Vec<_> = ladder.arrows.iter().take(3).map(|arrow| (arrow.label.as_str(), arrow.note.as_str())).collect();
    assert_eq!(first, [("[SYN]", "seq 0"), ("[SYN, ACK]", "seq 0 ack 1"), ("[ACK]", "seq 1 ack 1")]);
    let states: Vec<_> = ladder.arrows.iter().flat_map(|arrow| &arrow.states).map(|(_, state)| *state).collect();
    for state in ["SYN-SENT", "SYN-RECV", "ESTAB", "FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK", "CLOSED"] {
        assert!(states.contains(&state), "{state}: {states:?}");
    }
}

#[test]
fn what_does_not_arrive_ends_with_its_reason() {
    let (ladder, _) = drawn("vm1: dhclient enp0s3\nvm1: ping -c 1 -t 2 8.8.8.8\n", |entry| {
        entry.summary().text.contains("echo request")
    });
    assert_eq!(ladder.arrows.len(), 1);
    assert_eq!(ladder.arrows[0].lost, Some(DropReason::TtlExpired));
}
