//! The first cause of a failure, found in the facts of real labs.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Fact;
use netmodes_core::view::LabView;
use netmodes_core::why::{Account, Log, Question, Verdict, explain};
use netmodes_tests::content::lab;
use netmodes_tests::scripts::run;

/// What is said of the last command of a script that ran on a lab, once its packets met their fate.
fn last(name: &str, script: &str) -> Account {
    let report = run(&lab(name), 1, &format!("{script}\n@wait 6\n"));
    let (mut log, mut view) = (Log::default(), LabView::default());
    let end = report.events.iter().rposition(|event| matches!(event.fact, Fact::JobEnded { .. }));
    let mut ended = LabView::default();
    for (at, event) in report.events.iter().enumerate() {
        view.apply(event);
        log.push(event);
        if Some(at) == end {
            ended = view.clone();
        }
    }
    let note = log.jobs().next_back().expect("a command was given").clone();
    explain(&log, &ended, Question::Job { node: note.node, job: note.job }).expect("it is remembered")
}

/// The codes of the chain.
fn codes(account: &Account) -> Vec<&str> {
    account.chain.iter().map(|saying| saying.code.as_str()).collect()
}

fn check(name: &str, script: &str, expected: &[&str]) -> Account {
    let account = last(name, script);
    assert_eq!(account.verdict, Verdict::Failed, "{name}: {script}: {account:#?}");
    assert_eq!(codes(&account), expected, "{name}: {script}: {:#?}", account.chain);
    account
}

const HAND: &str = "@setup vm1: ip link set enp0s3 up\n@setup vm1: ip addr add 172.16.0.11/24 dev enp0s3\n";

#[test]
fn a_card_that_is_not_attached_is_the_first_cause_of_everything() {
    check("notattached", "vm1: ping -c 1 8.8.8.8", &["no-route", "no-address", "no-carrier", "not-attached"]);
    check("notattached", "vm1: dhclient -1 -v enp0s3", &["tool-said", "no-carrier", "not-attached"]);
}

#[test]
fn no_address_yet_is_said_where_the_cable_is_fine() {
    check("nat", "@setup vm1: ip link set enp0s3 up\nvm1: ping -c 1 8.8.8.8", &["no-route", "no-address"]);
}

#[test]
fn an_internal_network_and_a_host_only_one_have_no_way_out() {
    let script = format!("{HAND}vm1: ping -c 1 8.8.8.8");
    check("internal", &script, &["no-route", "no-default", "internal-closed"]);
    let script = "vm1: dhclient enp0s3\nvm1: ping -c 1 8.8.8.8";
    check("hostonly", script, &["no-route", "no-default", "hostonly-closed"]);
}

#[test]
fn an_internal_network_without_a_server_gives_no_lease() {
    check("internal", "vm1: dhclient -1 -v enp0s3", &["no-lease", "dhcp-heard", "internal-no-dhcp"]);
}

#[test]
fn an_address_that_nobody_has_is_told_from_one_that_stands_elsewhere() {
    let script = format!("{HAND}vm1: ping -c 1 172.16.0.99");
    check("internal", &script, &["nobody-answered", "heard-by", "nobody-there"]);
}

#[test]
fn a_wrong_gateway_is_named() {
    let script = format!("{HAND}@setup vm1: ip route add default via 172.16.0.77\nvm1: ping -c 1 8.8.8.8");
    check("internal", &script, &["via-gateway", "nobody-answered", "heard-by", "gateway-not-there"]);
    let script = format!("{HAND}@setup vm1: ip route add default via 172.16.0.1\nvm1: ping -c 1 -W 2 8.8.8.8");
    check("internal", &script, &["not-forwarding"]);
}

#[test]
fn a_closed_port_and_a_rule_that_forbids_are_two_things() {
    let account = check("office", "pc: nc -z -w 3 192.168.0.111 81", &["port-closed"]);
    assert_eq!(account.first().and_then(|saying| saying.drop), Some(DropReason::PortClosed));
    let script = "@setup host: iptables -A INPUT -p tcp --dport 81 -j DROP\npc: nc -z -w 3 192.168.0.111 81";
    let account = check("office", script, &["filtered"]);
    let rule = &account.first().expect("a cause").args[0].1;
    assert!(rule.contains("INPUT") && rule.contains("--dport 81"), "{rule}");
}

#[test]
fn a_guest_behind_nat_is_not_reached_from_outside() {
    let account = last("nat", "vm1: dhclient enp0s3\npc: ping -c 1 -W 2 10.0.2.15");
    assert_eq!(account.first().map(|saying| saying.code.as_str()), Some("behind-nat"), "{:#?}", account.chain);
}

#[test]
fn port_security_names_its_switch() {
    check("port-security", "vm1: dhclient -1 -v enp0s3", &["no-lease", "port-security"]);
}

#[test]
fn a_time_to_live_that_ran_out_is_said_by_its_router() {
    let account = check("nat", "vm1: dhclient enp0s3\nvm1: ping -c 1 -t 2 8.8.8.8", &["dropped"]);
    assert_eq!(account.first().and_then(|saying| saying.drop), Some(DropReason::TtlExpired));
}

#[test]
fn a_packet_that_must_not_be_cut_is_too_large() {
    check("nat", "vm1: dhclient enp0s3\nvm1: ping -c 1 -M do -s 2000 8.8.8.8", &["too-long"]);
}

#[test]
fn a_name_that_nobody_knows_and_a_server_that_does_not_answer() {
    check("nat", "vm1: dhclient enp0s3\nvm1: ping -c 1 no.such.name.example", &["dns-no-such-name"]);
    let account = last("notattached", "vm1: ping -c 1 dns.google");
    assert_eq!(account.first().map(|saying| saying.code.as_str()), Some("not-attached"), "{:#?}", account.chain);
}

#[test]
fn what_did_not_fail_is_said_to_be_fine() {
    let account = last("nat", "vm1: dhclient enp0s3\nvm1: ping -c 1 8.8.8.8");
    assert_eq!((account.verdict, account.chain.len()), (Verdict::Fine, 0));
}

#[test]
fn a_setting_that_was_refused_says_so_itself() {
    check("nat", "vm1: ip route add default via 9.9.9.9", &["tool-said"]);
}

#[test]
fn a_dropped_frame_is_explained_by_itself() {
    let report = run(
        &lab("internal"),
        1,
        &format!("{HAND}@setup vm1: ip route add default via 172.16.0.1\nvm1: ping -c 1 -W 2 8.8.8.8\n"),
    );
    let (mut log, mut view) = (Log::default(), LabView::default());
    for event in &report.events {
        view.apply(event);
        log.push(event);
    }
    let dropped = report.events.iter().find_map(|event| match &event.fact {
        Fact::FrameDropped(dropped) if dropped.reason == DropReason::NotForwarding => dropped.frame,
        _ => None,
    });
    let account = explain(&log, &view, Question::Frame { frame: dropped.expect("the frame") }).expect("remembered");
    assert_eq!(codes(&account), ["not-forwarding"]);
    assert!(!account.steps.is_empty());
}
