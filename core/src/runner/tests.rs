use std::collections::BTreeMap;

use super::script::{ScriptReport, run_script};
use crate::event::{Event, Fact};
use crate::lab::Lab;
use crate::script::Script;
use crate::time::SimTime;
use crate::view::LabView;
use crate::world::{Input, Output, World};

pub(super) fn lab(name: &str) -> Lab {
    let path = format!("{}/../static/labs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let lab: Lab = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    lab
}

fn run(lab_name: &str, seed: u64, script: &str) -> ScriptReport {
    let world = World::new(&lab(lab_name), seed).unwrap();
    let report = run_script(world, &Script::parse(script).unwrap(), true);
    assert_eq!(report.failure, None);
    report.world.check().unwrap();
    report
}

fn stdout(report: &ScriptReport, at: usize) -> &str {
    &report.results[at].stdout
}

const FIRST_STEPS: &str = "
vm1: ip addr
vm1: dhclient -v enp0s3
vm1: ip addr show enp0s3
vm1: ip route
";

#[test]
fn a_vm_begins_with_nothing_and_gets_its_lease() {
    let report = run("nat", 1, FIRST_STEPS);
    assert!(stdout(&report, 0).contains("state DOWN"), "{}", stdout(&report, 0));
    let dhclient = &report.results[1];
    assert!(dhclient.stderr.contains("DHCPACK of 10.0.2.15 from 10.0.2.1"), "{}", dhclient.stderr);
    assert!(dhclient.stderr.contains("bound to 10.0.2.15 -- renewal in 30"), "{}", dhclient.stderr);
    assert_eq!(dhclient.exit, 0);
    let addr = stdout(&report, 2);
    assert!(addr.contains("    inet 10.0.2.15/24 brd 10.0.2.255 scope global dynamic enp0s3\n"), "{addr}");
    assert!(addr.contains("valid_lft 604800sec preferred_lft 604800sec"), "{addr}");
    assert_eq!(
        stdout(&report, 3),
        "default via 10.0.2.1 dev enp0s3 \n10.0.2.0/24 dev enp0s3 proto kernel scope link src 10.0.2.15 \n"
    );
}

/// Everything that comes out of a world while it runs for `secs`, with mere time in slices of `slice_us` besides.
fn trace(seed: u64, slice_us: u64, secs: u64) -> (Vec<Event>, String) {
    let mut world = World::new(&lab("nat"), seed).unwrap();
    world.watch_frames(true);
    let mut events = Vec::new();
    let drain = |world: &mut World, events: &mut Vec<Event>| {
        while let Some(output) = world.poll_output() {
            if let Output::Event(event) = output {
                events.push(event);
            }
        }
        world.check().unwrap();
    };
    drain(&mut world, &mut events);
    let commands = [(0, "dhclient -v enp0s3"), (1, "ping -c 2 8.8.8.8"), (3, "ip neigh")];
    let mut commands = commands.into_iter().peekable();
    let end = SimTime::from_secs(secs);
    let mut slice = SimTime::ZERO;
    while world.now() < end {
        if let Some((at, line)) = commands.peek().copied()
            && world.now() == SimTime::from_secs(at)
        {
            commands.next();
            let command =
                crate::world::Command::Run { machine: "vm1".into(), line: line.into(), tty: None, stdin: false };
            world.handle(SimTime::from_secs(at), Input::Command(&command)).unwrap();
            drain(&mut world, &mut events);
            continue;
        }
        if slice_us > 0 {
            while slice <= world.now() {
                slice += core::time::Duration::from_micros(slice_us);
            }
        } else {
            slice = end;
        }
        let stop = commands.peek().map_or(end, |(at, _)| SimTime::from_secs(*at));
        let to = world.next_wakeup().unwrap_or(end).min(stop).min(slice).min(end);
        world.handle(to, Input::Time).unwrap();
        drain(&mut world, &mut events);
    }
    (events, world.fingerprint())
}

#[test]
fn however_time_is_sliced_the_trace_is_the_same() {
    for seed in 0..4 {
        let whole = trace(seed, 0, 5);
        for slice_us in [997, 100_003] {
            assert_eq!(trace(seed, slice_us, 5), whole, "seed {seed}, slices of {slice_us} µs");
        }
    }
}

#[test]
fn different_seeds_give_different_traces() {
    assert_ne!(trace(1, 0, 2).1, trace(2, 0, 2).1);
}

#[test]
fn what_happens_does_not_depend_on_being_watched() {
    let script = Script::parse(FIRST_STEPS).unwrap();
    let run = |watched| run_script(World::new(&lab("nat"), 3).unwrap(), &script, watched);
    let (seen, unseen) = (run(true), run(false));
    assert_eq!(seen.world.fingerprint(), unseen.world.fingerprint());
    assert_eq!(seen.results, unseen.results);
}

#[test]
fn a_viewer_that_folds_every_fact_knows_what_a_query_tells() {
    let (events, _) = trace(1, 0, 2);
    let mut view = LabView::default();
    for event in &events {
        view.apply(event);
    }
    let script = "vm1: dhclient enp0s3\nvm1: ip neigh\nvm1: ip address delete 10.0.2.15/24 dev enp0s3\n@attach vm1 1 notattached\nvm1: ip addr\n@attach vm1 1 nat\nvm1: dhclient -r enp0s3\n";
    let report = run("nat", 1, script);
    let mut view = LabView::default();
    report.events.iter().for_each(|event| view.apply(event));
    let mut query = LabView { seq: view.seq, time: view.time, ..LabView::default() };
    report.world.rows(false).into_iter().for_each(|row| query.put(row));
    let differences: BTreeMap<_, _> = view
        .rows()
        .into_iter()
        .map(|row| (row.key(), (Some(row), None)))
        .chain(query.rows().into_iter().map(|row| (row.key(), (None, Some(row)))))
        .fold(BTreeMap::new(), |mut all: BTreeMap<_, (Option<_>, Option<_>)>, (key, (a, b))| {
            let entry = all.entry(key).or_default();
            entry.0 = entry.0.take().or(a);
            entry.1 = entry.1.take().or(b);
            all
        })
        .into_iter()
        .filter(|(_, (a, b))| a != b)
        .collect();
    assert!(differences.is_empty(), "fold and query differ: {differences:#?}");
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut world = World::new(&lab("nat"), 1).unwrap();
    while world.poll_output().is_some() {}
    let before = world.fingerprint();
    let command = crate::world::Command::Run { machine: "nobody".into(), line: "ip a".into(), tty: None, stdin: false };
    let error = world.handle(SimTime::ZERO, Input::Command(&command)).unwrap_err();
    assert_eq!(error.code, "unknown-machine");
    assert_eq!(world.fingerprint(), before);
    assert!(!matches!(world.poll_output(), Some(Output::Event(Event { fact: Fact::InputDone { .. }, .. }))));
}

#[test]
fn ping_goes_out_through_two_translations_and_comes_back() {
    let report = run("nat", 1, "vm1: dhclient enp0s3\nvm1: ping -c 3 8.8.8.8\nvm1: ip neigh\n");
    let ping = stdout(&report, 1);
    assert!(
        ping.starts_with(
            "PING 8.8.8.8 (8.8.8.8) 56(84) bytes of data.\n64 bytes from 8.8.8.8: icmp_seq=1 ttl=58 time="
        ),
        "{ping}"
    );
    assert!(ping.contains("3 packets transmitted, 3 received, 0% packet loss, time 2000ms\n"), "{ping}");
    assert!(stdout(&report, 2).contains("10.0.2.1 dev enp0s3 lladdr 52:54:00:12:35:02"), "{}", stdout(&report, 2));
}

#[test]
fn a_page_is_fetched_by_name_and_leaves_a_time_wait_of_sixty_seconds() {
    let script = "vm1: dhclient enp0s3\nvm1: curl -s http://example.com/\n@wait 1\nvm1: ss -tan\n@wait 61\nvm1: ss -tan\nweb: ss -ltn\nvm1: curl http://93.184.215.14:81/\n";
    let report = run("nat", 1, script);
    assert!(stdout(&report, 1).contains("<h1>Example Domain</h1>"), "{:?}", report.results[1]);
    assert!(stdout(&report, 2).contains("TIME-WAIT"), "{}", stdout(&report, 2));
    assert!(!stdout(&report, 3).contains("TIME-WAIT"), "{}", stdout(&report, 3));
    assert!(stdout(&report, 4).contains("LISTEN 0      511          0.0.0.0:80"), "{}", stdout(&report, 4));
    let refused = &report.results[5];
    assert_eq!(refused.exit, 7);
    assert!(refused.stderr.contains("curl: (7) Failed to connect to 93.184.215.14 port 81 after "), "{refused:?}");
}

#[test]
fn two_ends_talk_by_nc_and_what_was_said_arrives() {
    let script = "web: ip addr\npc &server: nc -l 9000\nhost &client: nc -N 192.168.0.50 9000\n@wait 1\n@input client \"hello\\n\"\n@eof client\n@end server 10\n";
    let report = run("nat", 1, script);
    assert_eq!(stdout(&report, 1), "hello\n", "{:?}", report.results);
}

#[test]
fn a_lease_is_given_back_after_everything_else_was_said() {
    let report = run("nat", 1, "vm1: dhclient enp0s3\nvm1: dhclient -r -v enp0s3\nvm1: ip -4 addr show enp0s3\n");
    let words = &report.results[1].stderr;
    assert!(words.starts_with("Killed old client process\n"), "{words}");
    assert!(
        words.ends_with("Sending on   Socket/fallback\nDHCPRELEASE of 10.0.2.15 on enp0s3 to 10.0.2.1 port 67\n"),
        "{words}"
    );
    assert_eq!(stdout(&report, 2), "", "no address is left");
}

/// Who answers whom in lab modes, when both cards are in a mode: vm1 asks vm2, the host, the colleague, the Internet.
fn reach(mode: &str, dhcp: bool) -> [bool; 4] {
    let get = if dhcp { "dhclient -1 enp0s3" } else { "ip link set enp0s3 up" };
    let addr = |vm, host| format!("vm{vm}: ip addr add 10.77.0.{host}/24 dev enp0s3\n");
    let by_hand = if dhcp { String::new() } else { addr(1, 1) + &addr(2, 2) };
    let script = format!(
        "@attach vm1 1 {mode}\n@attach vm2 1 {mode}\n@wait 1\nvm1: {get}\nvm2: {get}\n{by_hand}vm2: ip -br -4 addr show enp0s3\n"
    );
    let report = run("modes", 1, &script);
    let vm2 = report.results.last().unwrap().stdout.split_whitespace().nth(2).unwrap_or("10.77.0.2").to_owned();
    let vm2 = vm2.split('/').next().unwrap().to_owned();
    let targets = [vm2.as_str(), "192.168.0.111", "192.168.0.50", "8.8.8.8"];
    let pings: String = targets.iter().map(|to| format!("vm1: ping -c 1 -W 4 {to}\n")).collect();
    let report = run("modes", 1, &(script + &pings));
    let exits: Vec<_> = report.results.iter().rev().take(4).rev().map(|result| result.exit == 0).collect();
    exits.try_into().unwrap()
}

#[test]
fn who_reaches_whom_in_each_mode_is_what_the_manual_says() {
    assert_eq!(reach("bridged", true), [true, true, true, true], "bridged: a member of the LAN");
    assert_eq!(reach("natnetwork", true), [true, true, true, true], "NAT network: each other and out");
    assert_eq!(reach("hostonly", true), [true, false, false, false], "host-only: no route further");
    assert_eq!(reach("internal", false), [true, false, false, false], "internal: each other only");
    assert_eq!(reach("notattached", false), [false, false, false, false]);
    // Two VMs behind NAT have the same address: vm1 that pings 10.0.2.15 pings itself.
    assert_eq!(reach("nat", true), [true, true, true, true]);
}

#[test]
fn a_host_only_vm_reaches_its_host_at_56_1_and_the_lease_has_no_router() {
    let script = "@attach vm1 1 hostonly\nvm1: dhclient enp0s3\nvm1: ip route\nvm1: ping -c 1 192.168.56.1\nhost: ping -c 1 192.168.56.101\nhost: ip -br -4 addr\n";
    let report = run("modes", 1, script);
    assert_eq!(stdout(&report, 1), "192.168.56.0/24 dev enp0s3 proto kernel scope link src 192.168.56.101 \n");
    assert_eq!([report.results[2].exit, report.results[3].exit], [0, 0]);
    assert!(stdout(&report, 4).contains("vboxnet0         UP             192.168.56.1/24"), "{}", stdout(&report, 4));
}

#[test]
fn a_bridged_vm_gets_its_lease_from_the_office_and_is_seen_there_under_its_own_mac() {
    let script = "@attach vm1 1 bridged\nvm1: dhclient enp0s3\nvm1: ip -br -4 addr show enp0s3\npc: ping -c 1 192.168.0.120\npc: ip neigh show 192.168.0.120\n@attach vm1 1 nat\nhost: ping -c 1 192.168.0.1\n";
    let report = run("modes", 1, script);
    assert!(stdout(&report, 1).contains("192.168.0.120/24"), "{}", stdout(&report, 1));
    assert_eq!(report.results[2].exit, 0, "the colleague reaches the VM");
    assert!(stdout(&report, 3).contains("lladdr 08:00:27:a1:b2:c3"), "{}", stdout(&report, 3));
    assert_eq!(report.results[4].exit, 0, "the host is on its cable again");
}

#[test]
fn switching_modes_leaves_nothing_behind() {
    let modes = ["nat", "bridged", "internal", "natnetwork", "notattached"];
    let script: String =
        modes.iter().cycle().take(15).map(|mode| format!("@attach vm1 1 {mode}\n@wait 0.1\n")).collect();
    let report = run("modes", 1, &script);
    let nodes = |world: &World| world.rows(false).iter().filter(|row| matches!(row, crate::view::Row::Node(_))).count();
    let fresh = World::new(&lab("modes"), 1).unwrap();
    assert_eq!(nodes(&report.world), nodes(&fresh));
    let mut view = LabView::default();
    report.events.iter().for_each(|event| view.apply(event));
    let mut query = LabView { seq: view.seq, time: view.time, ..LabView::default() };
    report.world.rows(false).into_iter().for_each(|row| query.put(row));
    assert_eq!(view.rows(), query.rows(), "fold and query agree");
}

#[test]
fn a_packet_that_is_too_large_ends_ping_at_once() {
    let report = run("nat", 1, "vm1: dhclient enp0s3\nvm1: ping -c 1 -s 1473 -M do 8.8.8.8\nvm1: ping -c 1 10.0.513\n");
    assert_eq!(report.results[1].stderr, "ping: local error: message too long, mtu=1500\n");
    assert_eq!(report.results[1].time_us, report.results[2].time_us);
    assert!(stdout(&report, 2).starts_with("PING 10.0.513 (10.0.2.1) "), "{}", stdout(&report, 2));
}

#[test]
fn dhclient_releases_after_its_last_word_of_greeting() {
    let report = run("nat", 1, "vm1: dhclient enp0s3\nvm1: dhclient -r -v enp0s3\n");
    let end = "Sending on   Socket/fallback\nDHCPRELEASE of 10.0.2.15 on enp0s3 to 10.0.2.1 port 67\n";
    assert!(report.results[1].stderr.ends_with(end), "{}", report.results[1].stderr);
}

#[test]
fn an_unacknowledged_fin_stands_in_the_send_queue() {
    let report = run("nat", 1, "vm1: dhclient enp0s3\nvm1: curl -s http://93.184.215.14/\nvm1: ss -tan\n");
    let row = stdout(&report, 2).lines().nth(1).unwrap();
    assert!(row.starts_with("FIN-WAIT-1 0      1 "), "{row}");
}

#[test]
fn curl_tells_of_a_connection_between_the_lines_of_its_meter() {
    let script = "vm1: dhclient enp0s3\nvm1: curl -v http://93.184.215.14/x\nvm1: curl -I http://93.184.215.14/\n";
    let report = run("nat", 1, script);
    let verbose = &report.results[1].stderr;
    assert!(verbose.contains("--:--:--     0*   Trying 93.184.215.14:80...\n* Connected to "), "{verbose}");
    assert!(verbose.contains("> GET /x HTTP/1.1\r\n"), "{verbose}");
    assert!(verbose.contains("< \r\n{ [153 bytes data]\n\r100   153  100   153 "), "{verbose}");
    let head = &report.results[2].stderr;
    assert!(
        head.ends_with("\r  0   111    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\n"),
        "{head}"
    );
}

#[test]
fn a_socket_that_nobody_holds_leaves_fin_wait_2_after_a_minute() {
    let script = "pc &server: nc -l 9000\nhost &client: nc 192.168.0.50 9000\n@wait 1\n@freeze client\n@kill server\n@wait 1\npc: ss -tan\n@wait 61\npc: ss -tan\n";
    let report = run("nat", 1, script);
    assert!(stdout(&report, 2).contains("FIN-WAIT-2"), "{}", stdout(&report, 2));
    assert!(!stdout(&report, 3).contains("FIN-WAIT"), "{}", stdout(&report, 3));
}

#[test]
fn a_line_whose_variables_double_is_ended_before_they_fill_the_memory() {
    let line = format!("a=0123456789; {} echo $a", "a=$a$a; ".repeat(60));
    let report = run("nat", 1, &format!("vm1: {line}\nvm1: echo on\n"));
    assert_eq!((report.results[0].exit, report.results[0].stdout.as_str()), (126, ""));
    assert_eq!(stdout(&report, 1), "on\n");
}
