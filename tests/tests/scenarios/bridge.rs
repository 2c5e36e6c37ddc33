//! Switches and cables: loops with and without spanning tree, port security, cables that change.

#![allow(clippy::unwrap_used, reason = "a test that finds no row has failed")]

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Event, Fact};
use netmodes_core::lab::Lab;
use netmodes_core::runner::{ScriptReport, run_script};
use netmodes_core::script::Script;
use netmodes_core::switch::{PortRole, PortState};
use netmodes_core::time::SimTime;
use netmodes_core::view::{BridgePortRow, BridgeRow, Row};
use netmodes_core::world::{Input, World};
use netmodes_tests::content::lab_of;
use netmodes_tests::scripts::{run, stdout};

const HEAD: &str = "format_version = 1\nname = \"loops\"\ntitle = { en = \"Loops\", ru = \"Петли\" }\n";

/// Three switches in a triangle, a computer at each of two of them.
fn triangle(settings: &str) -> Lab {
    let mut text = HEAD.to_owned();
    for n in 1..=3 {
        text += &format!("[[switch]]\nname = \"s{n}\"\n{settings}\n");
    }
    for n in 1..=2 {
        text += &format!(
            "[[machine]]\nname = \"h{n}\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"10.0.0.{n}/24\"] }}]\n"
        );
    }
    for (a, b) in [("h1:eth0", "s1"), ("h2:eth0", "s2"), ("s1", "s2"), ("s2", "s3"), ("s3", "s1")] {
        text += &format!("[[cable]]\na = \"{a}\"\nb = \"{b}\"\n");
    }
    lab_of(&text)
}

fn dropped(report: &ScriptReport, reason: DropReason) -> usize {
    let is = |event: &&Event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == reason);
    report.events.iter().filter(is).count()
}

fn storms(report: &ScriptReport) -> usize {
    report.events.iter().filter(|event| matches!(event.fact, Fact::StormDetected { .. })).count()
}

fn bridge(world: &World, name: &str) -> BridgeRow {
    let id = world.node_named(name).unwrap();
    let is = |row| match row {
        Row::Bridge(row) if row.switch == id => Some(row),
        _ => None,
    };
    world.rows(true).into_iter().find_map(is).unwrap()
}

fn ports(world: &World, name: &str) -> Vec<BridgePortRow> {
    let id = world.node_named(name).unwrap();
    let is = |row| match row {
        Row::BridgePort(row) if row.switch == id => Some(row),
        _ => None,
    };
    world.rows(true).into_iter().filter_map(is).collect()
}

fn received(text: &str) -> u32 {
    let (_, rest) = text.split_once("transmitted, ").unwrap();
    rest.split_once(' ').unwrap().0.parse().unwrap()
}

#[test]
fn a_loop_without_spanning_tree_storms_within_bounds_and_ends_when_it_is_cut() {
    let script = "h1: ping -c 3 -W 1 10.0.0.2\n@wait 10\n@link s1 s2 off\n@wait 3\nh1: ping -c 3 10.0.0.2\n@wait 10\n";
    let report = run(&triangle(""), 1, script);
    // One word about it, though three switches see it.
    assert_eq!(storms(&report), 1);
    let storm_secs = 12;
    let hops = report.world.hops();
    assert!((1_000 * storm_secs..20_000 * storm_secs).contains(&hops), "{hops} hops");
    assert!(["s1", "s2", "s3"].iter().all(|name| !bridge(&report.world, name).storm));
    // The table of addresses flaps: h1 is seen now here, now there.
    let moves = report.events.iter().filter(|event| {
        matches!(&event.fact, Fact::Put { row: Row::Fdb(row) } if Some(row.mac) == report.world.machine("h1").and_then(|m| m.ifaces().by_name("eth0")).map(|i| i.mac))
    });
    assert!(moves.count() > 100);
    assert_eq!(received(stdout(&report, 1)), 3);
    assert_eq!(report.world.frames_in_flight(), 0);
}

#[test]
fn a_storm_runs_fast_keeps_to_its_bounds_and_leaves_the_world_sound() {
    let lab = triangle("");
    let mut world = World::new(&lab, 1).unwrap();
    while world.poll_output().is_some() {}
    for name in ["h1", "h2"] {
        let line = "ping -c 100 -i 0.1 -W 1 10.0.0.77 ".to_owned();
        let command = netmodes_core::world::Command::Run { machine: name.to_owned(), line, tty: None, stdin: false };
        world.handle(SimTime::ZERO, Input::Command(&command)).unwrap();
        while world.poll_output().is_some() {}
    }
    let until = SimTime::from_secs(10);
    let (mut most, mut steps) = (0, 0_u32);
    while world.now() < until {
        let next = world.next_wakeup().unwrap_or(until).min(until);
        world.handle(next, Input::Time).unwrap();
        while world.poll_output().is_some() {}
        // The check looks at every row: not at each of some hundred thousand events.
        steps += 1;
        if steps % 64 == 0 {
            world.check().unwrap_or_else(|violation| panic!("{violation:?}"));
        }
        most = most.max(world.frames_in_flight());
    }
    assert!(bridge(&world, "s1").storm);
    assert!(most < 2_000, "{most} frames in flight");
    let hops = world.hops();
    assert!((20_000..200_000).contains(&hops), "{hops} hops in ten seconds");
}

#[test]
fn a_storm_ends_when_spanning_tree_is_switched_on() {
    let script = "h1: ping -c 1 -W 1 10.0.0.2\n@wait 2\n\
        @switch s1 stp on\n@switch s2 stp on\n@switch s3 stp on\n@wait 6\nh1: ping -c 3 10.0.0.2\n";
    let report = run(&triangle(""), 1, script);
    assert_eq!(storms(&report), 1);
    assert_eq!(received(stdout(&report, 1)), 3);
    assert!(["s1", "s2", "s3"].iter().all(|name| !bridge(&report.world, name).storm));
    let blocked = ["s1", "s2", "s3"].iter().flat_map(|name| ports(&report.world, name));
    assert_eq!(blocked.filter(|port| port.state == PortState::Blocking).count(), 1);
}

#[test]
fn spanning_tree_waits_thirty_seconds_then_carries_everything_once_and_heals() {
    let script = "h1: ping -c 1 -W 1 10.0.0.2\n@wait 35\nh1: ping -c 5 10.0.0.2\n@pcap start p h1 eth0\n@wait 5\n\
        @link s1 s2 off\n@wait 55\nh1: ping -c 5 10.0.0.2\n";
    let report = run(&triangle("stp = true"), 1, script);
    assert_eq!(received(stdout(&report, 0)), 0);
    assert_eq!(received(stdout(&report, 1)), 5);
    assert!(!stdout(&report, 1).contains("DUP!"));
    assert_eq!(received(stdout(&report, 2)), 5);
    assert_eq!(storms(&report), 0);
    assert!(dropped(&report, DropReason::StpBlocking) > 0);
    // The computers hear the BPDUs too, as on a real cable.
    let bpdus = report.captures[0].frames.iter().filter(|(_, frame)| frame.0.starts_with(&[1, 0x80, 0xc2, 0, 0, 0]));
    assert!(bpdus.count() >= 2);
    let roots: Vec<_> = ["s1", "s2", "s3"].map(|name| bridge(&report.world, name)).into_iter().collect();
    let root = roots.iter().map(|row| row.bridge_id).min().unwrap();
    assert!(roots.iter().all(|row| row.root_id == root && row.stp && row.topology_changes > 0));
}

#[test]
fn priority_and_cost_decide_who_is_root_and_which_port_is_blocked() {
    let text = format!(
        "{HEAD}[[switch]]\nname = \"a\"\nstp = true\n[[switch]]\nname = \"b\"\nstp = true\npriority = 4096\n\
        [[cable]]\na = \"a\"\nb = \"b\"\nrate_mbit = 100\n[[cable]]\na = \"a\"\nb = \"b\"\nrate_mbit = 1000\n"
    );
    let report = run(&lab_of(&text), 1, "@wait 40\n");
    let (a, b) = (bridge(&report.world, "a"), bridge(&report.world, "b"));
    assert_eq!((a.root_id, a.root_port, a.root_cost), (b.bridge_id, Some(1), 4));
    let roles: Vec<_> = ports(&report.world, "a").iter().map(|port| (port.role, port.state, port.cost)).collect();
    assert_eq!(roles, [(PortRole::Blocked, PortState::Blocking, 19), (PortRole::Root, PortState::Forwarding, 4)]);
    // The faster cable becomes slow: the other takes over.
    let report =
        run(&lab_of(&text), 1, "@wait 40\n@link a:1 rate 10mbit\n@wait 40\n@switch a port 0 cost 500\n@wait 40\n");
    assert_eq!(bridge(&report.world, "a").root_port, Some(1));
    let report = run(&lab_of(&text), 1, "@wait 40\n@link a:1 rate 10mbit\n@wait 40\n");
    assert_eq!(bridge(&report.world, "a").root_port, Some(0));
}

/// An office whose port for the host allows the host's own MAC only, and a VM bridged to the host's card.
fn secured(violation: &str) -> Lab {
    lab_of(&format!(
        "{HEAD}[[machine]]\nname = \"host\"\nkind = \"host\"\n\
        interface = [{{ name = \"eth0\", mac = \"02:00:00:00:00:01\", address = [\"192.168.0.111/24\"] }}]\n\
        [[machine]]\nname = \"pc\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"192.168.0.50/24\"] }}]\n\
        [[switch]]\nname = \"office\"\n[[switch.port]]\nto = \"host:eth0\"\n\
        security = {{ allowed = [\"02:00:00:00:00:01\"], violation = \"{violation}\" }}\n\
        [[cable]]\na = \"host:eth0\"\nb = \"office\"\n[[cable]]\na = \"pc:eth0\"\nb = \"office\"\n\
        [[vm]]\nname = \"vm1\"\nhost = \"host\"\n[[vm.nic]]\nadapter = 1\nmode = \"bridged\"\nup = true\naddress = [\"192.168.0.77/24\"]\n"
    ))
}

#[test]
fn the_offices_switch_blocks_the_foreign_mac_of_a_bridged_vm_and_not_the_hosts() {
    let script = "vm1: ping -c 2 -W 1 192.168.0.50\nhost: ping -c 2 192.168.0.50\nvm1: ping -c 2 192.168.0.111\n\
        @switch office port host:eth0 security off\nvm1: ping -c 2 192.168.0.50\n";
    let report = run(&secured("restrict"), 1, script);
    let got: Vec<_> = (0..4).map(|n| received(stdout(&report, n))).collect();
    assert_eq!(got, [0, 2, 2, 2]);
    assert!(dropped(&report, DropReason::PortSecurity) > 0);
    let report = run(&secured("restrict"), 1, "vm1: ping -c 2 -W 1 192.168.0.50\n");
    let port = ports(&report.world, "office").remove(0);
    let security = port.security.unwrap();
    let vm_mac = report.world.machine("vm1").unwrap().ifaces().by_name("enp0s3").unwrap().mac;
    assert_eq!((security.foreign, security.shut), (Some(vm_mac), false));
    assert!(security.violations.unwrap() >= 2);
}

#[test]
fn a_port_that_a_foreign_mac_has_shut_lets_nobody_pass_until_it_is_opened() {
    let script = "vm1: ping -c 1 -W 1 192.168.0.50\nhost: ping -c 1 -W 1 192.168.0.50\n@attach vm1 1 null\n\
        @switch office port host:eth0 open\nhost: ping -c 1 -W 1 192.168.0.50\n";
    let report = run(&secured("shutdown"), 1, script);
    let got: Vec<_> = (0..3).map(|n| received(stdout(&report, n))).collect();
    assert_eq!(got, [0, 0, 1]);
    assert!(dropped(&report, DropReason::PortErrDisabled) > 0);
}

#[test]
fn a_cable_that_is_changed_live_delays_and_loses_as_it_is_told() {
    let text = format!(
        "{HEAD}[[machine]]\nname = \"a\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"10.0.0.1/24\"] }}]\n\
        [[machine]]\nname = \"b\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"10.0.0.2/24\"] }}]\n\
        [[cable]]\na = \"a:eth0\"\nb = \"b:eth0\"\nup = false\n"
    );
    let script = "a: ping -c 1 -W 1 10.0.0.2\n@link a:eth0 on delay 50ms\na: ping -c 1 10.0.0.2\na: ping -c 1 10.0.0.2\n\
        @link b:eth0 loss 100%\na: ping -c 2 -W 1 10.0.0.2\n@link a:eth0 b:eth0 loss 0% rate 1mbit queue 1 jitter 20ms\n\
        a: ping -c 3 -i 0.2 -s 1000 10.0.0.2\n";
    let report = run(&lab_of(&text), 1, script);
    let got: Vec<_> = (0..5).map(|n| received(stdout(&report, n))).collect();
    assert_eq!(got, [0, 1, 1, 0, 3]);
    assert!(stdout(&report, 2).contains("time=100 ms"), "{}", stdout(&report, 2));
    let link = report.world.rows(false).into_iter().find_map(|row| match row {
        Row::Link(row) => Some(row),
        _ => None,
    });
    let link = link.unwrap();
    assert_eq!(
        (link.delay_ns, link.loss_ppm, link.rate_bps, link.queue_frames, link.jitter_ns, link.up),
        (50_000_000, 0, Some(1_000_000), Some(1), 20_000_000, true)
    );
    // The same again is the same again.
    assert_eq!(run(&lab_of(&text), 1, script).world.fingerprint(), report.world.fingerprint());
    for (line, code) in [
        ("@link a:eth1 off", "link-unknown-end"),
        ("@link a:eth0 queue 2000", "link-setting"),
        ("@switch a stp on", "unknown-switch"),
    ] {
        let world = World::new(&lab_of(&text), 1).unwrap();
        let report = run_script(world, &Script::parse(line).unwrap(), false);
        assert_eq!(report.failure.map(|(_, error)| error.code), Some(code.to_owned()));
    }
}
