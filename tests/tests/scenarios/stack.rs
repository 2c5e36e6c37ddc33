//! A machine's IPv4 stack: settings, fragments, path MTU. The lab is three machines in a row, `a – r – b`, and the link
//! beyond the router is narrower; expected outputs were seen on a real kernel in the same arrangement of namespaces.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Decision, Fact};
use netmodes_core::lab::Lab;
use netmodes_core::runner::{CommandResult, ScriptReport};
use netmodes_tests::content::lab_of;
use netmodes_tests::scripts::{run, stdout};

/// `more`: lines of machine `r`.
fn row_with(more: &str) -> Lab {
    lab_of(&format!(
        r#"
format_version = 1
name = "row"
title = {{ en = "Row", ru = "Ряд" }}
[[machine]]
name = "a"
kind = "computer"
interface = [{{ name = "eth0", address = ["10.1.0.2/24"] }}]
route = [{{ to = "default", via = "10.1.0.1" }}]
[[machine]]
name = "r"
kind = "router"
interface = [{{ name = "eth0", address = ["10.1.0.1/24"] }}, {{ name = "eth1", address = ["10.2.0.1/24"], mtu = 1400 }}]
{more}
[[machine]]
name = "b"
kind = "computer"
interface = [{{ name = "eth0", address = ["10.2.0.2/24"], mtu = 1400 }}]
route = [{{ to = "default", via = "10.2.0.1" }}]
[[machine.service]]
name = "http"
kind = "http"
pages = {{ "/" = "{page}" }}
[[cable]]
a = "a:eth0"
b = "r:eth0"
[[cable]]
a = "r:eth1"
b = "b:eth0"
"#,
        page = "0123456789".repeat(2_000)
    ))
}

fn row() -> Lab {
    row_with("")
}

fn result(report: &ScriptReport, at: usize) -> &CommandResult {
    &report.results[at]
}

fn dropped(report: &ScriptReport, reason: DropReason) -> usize {
    report.events.iter().filter(|e| matches!(&e.fact, Fact::FrameDropped(d) if d.reason == reason)).count()
}

fn decided(report: &ScriptReport, which: impl Fn(&Decision) -> bool) -> usize {
    report.events.iter().filter(|e| matches!(&e.fact, Fact::Decided { decision, .. } if which(decision))).count()
}

#[test]
fn a_setting_is_read_written_and_refused_in_the_real_words() {
    let report = run(
        &row(),
        1,
        "a: sysctl net.ipv4.ip_forward\n\
        a: sysctl -w net.ipv4.ip_forward=abc\n\
        a: sysctl -w net.ipv4.ip_forward=1\n\
        a: sysctl -n net.ipv4.ip_forward net.ipv4.conf.eth0.forwarding\n\
        a: sysctl net.ipv4.nope\n\
        a: cat /proc/sys/net/ipv4/ip_forward\n\
        a: sysctl net.bridge.bridge-nf-call-iptables\n\
        a: modprobe br_netfilter\n\
        a: sysctl net.bridge.bridge-nf-call-iptables\n\
        r: sysctl net.ipv4.ip_forward\n\
        a: sysctl -w nope\n\
        a: cat /proc/sys/net/ipv4/conf\n",
    );
    let seen: Vec<_> = (0..12).map(|at| result(&report, at)).map(|r| (r.exit, &*r.stdout, &*r.stderr)).collect();
    let stat = |path| format!("sysctl: cannot stat /proc/sys/{path}: No such file or directory\n");
    assert_eq!(
        seen,
        [
            (0, "net.ipv4.ip_forward = 0\n", ""),
            (1, "", "sysctl: setting key \"net.ipv4.ip_forward\": Invalid argument\n"),
            (0, "net.ipv4.ip_forward = 1\n", ""),
            (0, "1\n1\n", ""),
            (1, "", &*stat("net/ipv4/nope")),
            (0, "1\n", ""),
            (1, "", &*stat("net/bridge/bridge-nf-call-iptables")),
            (0, "", ""),
            (0, "net.bridge.bridge-nf-call-iptables = 1\n", ""),
            (0, "net.ipv4.ip_forward = 1\n", ""),
            (1, "", "sysctl: command line(0): invalid syntax, continuing...\n"),
            (1, "", "cat: /proc/sys/net/ipv4/conf: Is a directory\n"),
        ]
    );
}

#[test]
fn a_lab_file_sets_settings_and_they_hold() {
    let lab =
        row_with("[machine.sysctl]\n\"net.ipv4.icmp_echo_ignore_all\" = \"1\"\n\"net.ipv4.ip_default_ttl\" = \"99\"");
    let report = run(
        &lab,
        1,
        "a: ping -c 1 -W 1 10.1.0.1\na: ping -c 1 10.2.0.2\nr: ping -c 1 10.1.0.2\nr: sysctl -w net.ipv4.icmp_echo_ignore_all=0\na: ping -c 1 10.1.0.1\n",
    );
    assert_eq!(result(&report, 0).exit, 1, "{}", stdout(&report, 0));
    assert_eq!(dropped(&report, DropReason::EchoIgnored), 1);
    assert_eq!(
        (result(&report, 1).exit, result(&report, 2).exit),
        (0, 0),
        "what passes and what r asks is not ignored"
    );
    assert!(stdout(&report, 4).contains("ttl=99"), "{}", stdout(&report, 4));
}

#[test]
fn a_lab_file_with_a_setting_that_is_not_there_is_refused_by_name() {
    let mut lab = row();
    lab.machines[0].sysctl.insert("net.ipv4.nope".to_owned(), "1".to_owned());
    let codes = |lab: &Lab| lab.validate().unwrap_err().iter().map(|e| e.code.to_string()).collect::<Vec<_>>();
    assert_eq!(codes(&lab), ["lab-sysctl-unknown"]);
    lab.machines[0].sysctl.clear();
    lab.machines[0].sysctl.insert("net.ipv4.ip_default_ttl".to_owned(), "0".to_owned());
    assert_eq!(codes(&lab), ["lab-sysctl-value"]);
    lab.machines[0].sysctl.clear();
    lab.machines[0].sysctl.insert("net.ipv4.conf.eth0.rp_filter".to_owned(), "1".to_owned());
    assert!(lab.validate().is_ok());
}

#[test]
fn a_large_ping_is_cut_by_its_sender_and_again_by_the_router_and_comes_back_whole() {
    let report = run(&row(), 1, "a: ping -c 2 -M dont -s 3000 10.2.0.2\n");
    assert!(stdout(&report, 0).contains("3008 bytes from 10.2.0.2: icmp_seq=2 ttl=63"), "{}", stdout(&report, 0));
    assert_eq!(result(&report, 0).exit, 0);
    // Cut at a (3 pieces), two of these again at r (2 each), the answer at b (3 pieces): for each of two requests.
    assert_eq!(decided(&report, |d| matches!(d, Decision::Fragmented { pieces: 2, mtu: 1_400 })), 4);
    assert_eq!(decided(&report, |d| matches!(d, Decision::Reassembled { fragments: 5 })), 2);
    assert_eq!(decided(&report, |d| matches!(d, Decision::Reassembled { fragments: 3 })), 2);
}

#[test]
fn a_path_mtu_is_learned_shown_and_forgotten() {
    let report = run(
        &row(),
        1,
        "a: ping -c 3 -s 1472 10.2.0.2\n\
        a: ip route get 10.2.0.2\n\
        a: ping -c 1 -M do -s 1472 10.2.0.2\n\
        a: ping -c 1 -M do -s 1372 10.2.0.2\n\
        @wait 600\n\
        a: ip route get 10.2.0.2\n\
        a: ping -c 1 -M do -s 1473 10.1.0.1\n\
        a: ping -c 1 -s 65508 10.1.0.1\n",
    );
    let first = stdout(&report, 0);
    assert!(first.contains("From 10.1.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n"), "{first}");
    assert!(first.contains("1480 bytes from 10.2.0.2: icmp_seq=3 ttl=63"), "{first}");
    assert!(first.contains("3 packets transmitted, 2 received, +1 errors, 33.3333% packet loss"), "{first}");
    let learned = stdout(&report, 1);
    assert!(
        learned.starts_with("10.2.0.2 via 10.1.0.1 dev eth0 src 10.1.0.2 uid 0 \n    cache expires 59"),
        "{learned}"
    );
    assert!(learned.ends_with("sec mtu 1400 \n"), "{learned}");
    assert_eq!(result(&report, 2).stderr, "ping: local error: message too long, mtu=1400\n");
    assert_eq!(result(&report, 3).exit, 0);
    assert!(stdout(&report, 4).ends_with("    cache \n"), "{}", stdout(&report, 4));
    assert_eq!(result(&report, 5).stderr, "ping: local error: message too long, mtu=1500\n");
    assert_eq!(result(&report, 6).stderr, "ping: local error: message too long, mtu=1500\n");
}

/// `a – r – q – b`: the link between the routers is the narrow one, so neither end knows of it.
fn narrow_middle() -> Lab {
    let page = "0123456789".repeat(2_000);
    lab_of(&format!(
        r#"
format_version = 1
name = "middle"
title = {{ en = "Middle", ru = "Середина" }}
[[machine]]
name = "a"
kind = "computer"
interface = [{{ name = "eth0", address = ["10.1.0.2/24"] }}]
route = [{{ to = "default", via = "10.1.0.1" }}]
[[machine]]
name = "r"
kind = "router"
interface = [{{ name = "eth0", address = ["10.1.0.1/24"] }}, {{ name = "eth1", address = ["10.9.0.1/24"], mtu = 1400 }}]
route = [{{ to = "default", via = "10.9.0.2" }}]
[[machine]]
name = "q"
kind = "router"
interface = [{{ name = "eth0", address = ["10.9.0.2/24"], mtu = 1400 }}, {{ name = "eth1", address = ["10.2.0.1/24"] }}]
route = [{{ to = "default", via = "10.9.0.1" }}]
[[machine]]
name = "b"
kind = "computer"
interface = [{{ name = "eth0", address = ["10.2.0.2/24"] }}]
route = [{{ to = "default", via = "10.2.0.1" }}]
[[machine.service]]
name = "http"
kind = "http"
pages = {{ "/" = "{page}" }}
[[cable]]
a = "a:eth0"
b = "r:eth0"
[[cable]]
a = "r:eth1"
b = "q:eth0"
[[cable]]
a = "q:eth1"
b = "b:eth0"
"#
    ))
}

#[test]
fn tcp_over_a_narrower_link_in_the_middle_learns_of_it_and_comes_through() {
    let report = run(
        &narrow_middle(),
        1,
        "a: curl -s http://10.2.0.2/\nb: ip route get 10.1.0.2\na: curl -s http://10.2.0.2/\n",
    );
    let page = "0123456789".repeat(2_000);
    assert!(stdout(&report, 0) == page, "{} bytes", stdout(&report, 0).len());
    assert!(stdout(&report, 1).contains("mtu 1400"), "{}", stdout(&report, 1));
    assert!(stdout(&report, 2) == page, "{} bytes", stdout(&report, 2).len());
    let too_large = dropped(&report, DropReason::FragmentationNeeded);
    assert!((1..40).contains(&too_large), "{too_large}: the second connection begins with what was learned");
}

#[test]
fn arp_is_answered_for_any_address_of_the_machine_unless_arp_ignore_forbids_it() {
    let report = run(
        &row(),
        1,
        "@setup a: ip route add 10.2.0.1/32 dev eth0\na: ping -c 1 -W 1 10.2.0.1\n@setup a: ip neigh del 10.2.0.1 dev eth0\n\
        @setup r: sysctl -w net.ipv4.conf.eth0.arp_ignore=1\na: ping -c 1 -W 1 10.2.0.1\n",
    );
    assert_eq!((result(&report, 0).exit, result(&report, 1).exit), (0, 1));
    assert!(dropped(&report, DropReason::ArpIgnored) > 0);
}

#[test]
fn strict_reverse_path_filtering_drops_what_comes_in_on_the_wrong_side() {
    // a sends with an address of b's network: for r the way back is by eth1.
    let spoof = "a: ip addr add 10.2.0.77/32 dev eth0\na: ip route add 10.2.0.2/32 via 10.1.0.1 src 10.2.0.77\na: ping -c 1 -W 1 10.2.0.2\n";
    let open = run(&row(), 1, spoof);
    let strict = run(&row_with("sysctl = { \"net.ipv4.conf.all.rp_filter\" = \"1\" }"), 1, spoof);
    let loose = run(&row_with("sysctl = { \"net.ipv4.conf.all.rp_filter\" = \"2\" }"), 1, spoof);
    let count = |report| dropped(report, DropReason::ReversePath);
    assert_eq!((count(&open), count(&strict), count(&loose)), (0, 1, 0));
}

#[test]
fn a_deleted_primary_takes_its_secondaries_along_unless_they_are_promoted() {
    let script = "@setup a: ip addr add 10.1.0.3/24 dev eth0\na: ip -br -4 addr show dev eth0\n@setup a: ip addr del 10.1.0.2/24 dev eth0\na: ip -br -4 addr show dev eth0\n";
    let report = run(&row(), 1, script);
    assert!(stdout(&report, 0).contains("10.1.0.2/24 10.1.0.3/24"), "{}", stdout(&report, 0));
    assert!(!stdout(&report, 1).contains("10.1.0"), "{}", stdout(&report, 1));
    let promoted = run(&row(), 1, &format!("@setup a: sysctl -w net.ipv4.conf.all.promote_secondaries=1\n{script}"));
    assert!(stdout(&promoted, 1).contains("10.1.0.3/24"), "{}", stdout(&promoted, 1));
}

#[test]
fn a_link_local_address_is_tentative_until_nobody_has_claimed_it() {
    let report = run(
        &row(),
        1,
        "a: ip -6 addr show dev eth0\n@setup a: ip link set eth0 down\na: ip -6 addr show dev eth0\n@setup a: ip link set eth0 up\n\
        a: ip -6 addr show dev eth0\n@wait 2.1\na: ip -6 addr show dev eth0\n@setup a: sysctl -w net.ipv6.conf.eth0.disable_ipv6=1\n\
        a: ip -6 addr show dev eth0\n",
    );
    let shown: Vec<_> = (0..5)
        .map(|at| stdout(&report, at))
        .map(|text| (text.contains("inet6 fe80::"), text.contains("scope link tentative \n")))
        .collect();
    assert_eq!(shown, [(true, false), (false, false), (true, true), (true, false), (false, false)]);
    // Reports twice before and twice after, the question, the first router solicitation.
    let sent = report.events.iter().filter(
        |event| matches!(&event.fact, Fact::FrameSent(sent) if sent.bytes.0.get(12..14) == Some(&[0x86, 0xdd][..])),
    );
    assert!((4..=6).contains(&sent.count()));
    assert!(dropped(&report, DropReason::Ipv6NotUsed) > 0);
}

#[test]
fn two_machines_with_one_mac_find_out_by_duplicate_address_detection() {
    let report = run(
        &row(),
        1,
        "@setup r: ip link set eth0 address 02:00:00:00:00:0d\n@wait 3\n@setup a: ip link set eth0 address 02:00:00:00:00:0d\n@wait 3\n\
        a: ip -6 addr show dev eth0\nr: ip -6 addr show dev eth0\n",
    );
    assert!(
        stdout(&report, 0).contains("inet6 fe80::ff:fe00:d/64 scope link dadfailed tentative \n"),
        "{}",
        stdout(&report, 0)
    );
    assert!(stdout(&report, 1).contains("inet6 fe80::ff:fe00:d/64 scope link \n"), "{}", stdout(&report, 1));
}
