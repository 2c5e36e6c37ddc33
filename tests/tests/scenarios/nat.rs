//! One VM behind NAT: leases, dead neighbours, time to live, flows, modes, and where frames end.

use std::collections::BTreeMap;

use netmodes_core::addr::L4Proto;
use netmodes_core::event::{Decision, Event, Fact};
use netmodes_core::runner::{CommandResult, ScriptReport};
use netmodes_core::view::{FlowRow, Row};
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

fn nat(script: &str) -> ScriptReport {
    run(&lab("nat"), 1, &format!("@setup vm1: dhclient enp0s3\n{script}"))
}

fn result(report: &ScriptReport, at: usize) -> &CommandResult {
    &report.results[at]
}

/// Sequence numbers of the answers in ping's output.
fn answers(ping: &str) -> Vec<u32> {
    let numbers = ping.lines().filter(|line| line.contains(" bytes from ")).map(|line| {
        let (_, rest) = line.split_once("icmp_seq=").expect("an answer has its number");
        rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    });
    numbers.collect()
}

#[test]
fn an_address_that_is_deleted_takes_its_routes_along_and_comes_back_by_dhcp() {
    let report = nat("vm1: ip address delete 10.0.2.15/24 dev enp0s3\n\
        vm1: ip -4 addr show dev enp0s3\n\
        vm1: ip route\n\
        vm1: ping -c 1 8.8.8.8\n\
        vm1: dhclient -r enp0s3\n\
        vm1: dhclient enp0s3\n\
        vm1: ping -c 1 8.8.8.8\n");
    assert_eq!(result(&report, 0).exit, 0);
    assert_eq!(stdout(&report, 1), "");
    assert_eq!(stdout(&report, 2), "");
    let unreachable = result(&report, 3);
    assert_eq!((unreachable.exit, &*unreachable.stderr), (2, "ping: connect: Network is unreachable\n"));
    assert_eq!(result(&report, 6).exit, 0, "{:?}", report.results);
}

#[test]
fn deleting_an_address_that_is_not_there_fails_as_the_kernel_does() {
    let report = nat("vm1: ip address delete 10.0.2.99/24 dev enp0s3\n");
    let delete = result(&report, 0);
    assert_eq!((delete.exit, &*delete.stderr), (2, "RTNETLINK answers: Cannot assign requested address\n"));
}

#[test]
fn a_neighbour_that_is_not_there_is_unreachable_and_failed() {
    let report = nat("vm1: ping -c 3 10.0.2.77\nvm1: ip neigh\nhost: ping -c 2 192.168.0.77\nhost: ip neigh\n");
    let ping = result(&report, 0);
    assert_eq!(ping.exit, 1);
    assert!(ping.stdout.contains("From 10.0.2.15 icmp_seq=1 Destination Host Unreachable\n"), "{}", ping.stdout);
    assert!(ping.stdout.contains("3 packets transmitted, 0 received, +3 errors, 100% packet loss"), "{}", ping.stdout);
    assert!(stdout(&report, 1).contains("10.0.2.77 dev enp0s3 FAILED"), "{}", stdout(&report, 1));
    assert!(stdout(&report, 2).contains("From 192.168.0.111 icmp_seq=1 Destination Host Unreachable\n"));
    assert!(stdout(&report, 3).contains("192.168.0.77 dev eth0 FAILED"), "{}", stdout(&report, 3));
}

#[test]
fn a_packet_whose_time_runs_out_is_answered_by_the_router_where_it_did() {
    let report = nat("vm1: ping -c 1 -t 3 8.8.8.8\nhost: ping -c 1 -t 2 8.8.8.8\n");
    let ping = result(&report, 0);
    assert_eq!(ping.exit, 1);
    // One hop is the NAT engine's, one the office router's; the third is the provider's.
    assert!(ping.stdout.contains("From 203.0.113.1 icmp_seq=1 Time to live exceeded\n"), "{}", ping.stdout);
    assert!(stdout(&report, 1).contains("From 203.0.113.1 icmp_seq=1 Time to live exceeded\n"));
}

/// The flows of ICMP that were put and deleted, in order, with the lab's seconds.
fn icmp_flows(events: &[Event]) -> (Vec<FlowRow>, BTreeMap<(u32, u64), u64>) {
    let (mut put, mut ended): (Vec<FlowRow>, BTreeMap<_, _>) = Default::default();
    for event in events {
        match &event.fact {
            Fact::Put { row: Row::Flow(flow) } if flow.proto == L4Proto::Icmp => put.push(flow.clone()),
            Fact::Del { key: netmodes_core::view::Key::Flow(key) } => {
                ended.insert((key.0.0, key.1.0), event.time.as_micros() / 1_000_000);
            }
            _ => {}
        }
    }
    (put, ended)
}

#[test]
fn a_ping_makes_a_flow_at_each_translation_which_dies_by_its_own_timer() {
    let report = nat("vm1: ping -c 3 8.8.8.8\n@wait 55\nvm1: true\n@wait 10\n");
    let (put, ended) = icmp_flows(&report.events);
    let (engine, router): (Vec<_>, Vec<_>) = put.iter().partition(|flow| flow.engine.is_some());
    assert!(engine.iter().all(|flow| flow.inside.addr.to_string() == "10.0.2.15"), "{engine:?}");
    assert!(engine.iter().all(|flow| flow.outside.addr.to_string() == "192.168.0.111"), "{engine:?}");
    assert!(router.iter().any(|flow| flow.inside.addr.to_string() == "192.168.0.111"), "{router:?}");
    assert!(router.iter().all(|flow| flow.outside.addr.to_string() == "203.0.113.10"), "{router:?}");
    let last = result(&report, 0).time_us / 1_000_000 + 2;
    for flow in &put {
        let end = ended.get(&(flow.node.0, flow.id.0)).copied();
        // The engine keeps ICMP for 60 s (RFC 5508 REQ-2), the router as Linux does for 30.
        let secs = if flow.engine.is_some() { 60 } else { 30 };
        let near = last + secs - 1..=last + secs + 1;
        assert!(end.is_some_and(|end| near.contains(&end)), "{flow:?}: {end:?}, ping ended {last}");
    }
    assert!(report.world.rows(false).iter().all(|row| !matches!(row, Row::Flow(_))));
}

#[test]
fn a_card_detached_and_attached_while_pinging_loses_what_could_not_wait() {
    let report = nat("vm1 &p: ping -c 20 8.8.8.8\n@wait 4.5\n@attach vm1 1 notattached\n@wait 5\n\
        @attach vm1 1 nat\n@end p\nvm1: ip -4 addr show enp0s3\n");
    assert_eq!(report.results[0].exit, 0, "{:?}", report.results[0]);
    // The loss of carrier forgets the gateway's MAC (Linux: neigh_carrier_down). Three questions for it, a second apart,
    // go unanswered: 6 to 8 fail with it. 9 and 10 wait for the next three, the last of which comes after the plug.
    let ping = stdout(&report, 0);
    assert_eq!(answers(ping), (1..=5).chain(9..=20).collect::<Vec<_>>(), "{ping}");
    for seq in 6..=8 {
        assert!(ping.contains(&format!("From 10.0.2.15 icmp_seq={seq} Destination Host Unreachable\n")), "{ping}");
    }
    // VirtualBox takes the carrier away; the guest's configuration stays.
    assert!(stdout(&report, 1).contains("inet 10.0.2.15/24"), "{}", stdout(&report, 1));
}

#[test]
fn each_kind_of_broken_cable_loses_what_it_says() {
    let report =
        nat("@cable vm1 enp0s3 mute-tx\nvm1: ping -c 2 8.8.8.8\n@cable vm1 enp0s3 on\nvm1: ping -c 2 8.8.8.8\n\
        @cable vm1 enp0s3 off\nvm1: ip link show enp0s3\n@cable vm1 enp0s3 on\n@cable host eth0 mute\n\
        vm1: ping -c 2 8.8.8.8\n@cable host eth0 on\nvm1: ping -c 2 8.8.8.8\n");
    let exits: Vec<_> = report.results.iter().map(|result| result.exit).collect();
    assert_eq!(exits, [1, 0, 0, 1, 0], "{:?}", report.results);
    assert!(stdout(&report, 2).contains("NO-CARRIER"), "{}", stdout(&report, 2));
}

#[test]
fn a_service_that_is_stopped_serves_nobody() {
    let report = nat("@service web http stop\nvm1: curl -s http://93.184.215.14/\n\
        @service web http start\nvm1: curl -s http://93.184.215.14/\n");
    assert_eq!(result(&report, 0).exit, 7, "{:?}", report.results);
    assert!(stdout(&report, 1).contains("Example Domain"), "{:?}", report.results);
}

#[test]
fn every_frame_that_arrives_is_decided_on_or_dropped_with_a_reason() {
    let report = nat("vm1: ping -c 2 8.8.8.8\nvm1: ping -c 1 10.0.2.77\nvm1: ping -c 1 -t 3 8.8.8.8\n\
        vm1: curl -s http://example.com/\nvm1 &u: nc -u -w 1 example.com 9\n@input u \"x\"\nvm1: curl http://93.184.215.14:81/\n\
        @cable host eth0 mute\nvm1: ping -c 1 8.8.8.8\n@wait 100\n");
    let end = report.world.now();
    let mut open: BTreeMap<_, u32> = BTreeMap::new();
    for event in &report.events {
        match &event.fact {
            Fact::FrameSent(sent) if sent.arrives.is_some_and(|at| at < end) => {
                open.insert((sent.frame, sent.to.node), 0);
            }
            Fact::FrameSent(sent) => drop(open.insert((sent.frame, sent.from.node), 0)),
            Fact::FrameDropped(dropped) => {
                if let Some(ends) = dropped.frame.and_then(|frame| open.get_mut(&(frame, dropped.node))) {
                    *ends += 1;
                }
            }
            Fact::Decided { node, frame, decision } => {
                if !matches!(decision, Decision::WaitsForNeighbour { .. })
                    && let Some(ends) = open.get_mut(&(*frame, *node))
                {
                    *ends += 1;
                }
            }
            _ => {}
        }
    }
    assert!(open.len() > 100, "{}", open.len());
    let without: Vec<_> = open.iter().filter(|(_, ends)| **ends == 0).map(|(key, _)| key).collect();
    let story = |(frame, node): &(netmodes_core::id::FrameId, netmodes_core::id::NodeId)| {
        let about = report.events.iter().filter(|event| {
            matches!(&event.fact, Fact::FrameSent(sent) if sent.frame == *frame && (sent.to.node == *node || sent.from.node == *node))
        });
        about
            .map(|event| match &event.fact {
                Fact::FrameSent(sent) => {
                    format!("{} {} {:?}", event.time, netmodes_core::frame::decode::summarize(&sent.bytes.0).text, sent)
                }
                _ => String::new(),
            })
            .collect::<String>()
    };
    assert!(
        without.is_empty(),
        "{} of {}: {:#?}",
        without.len(),
        open.len(),
        without.iter().map(|key| story(key)).collect::<Vec<_>>()
    );
}
