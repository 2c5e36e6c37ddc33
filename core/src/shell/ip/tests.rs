use core::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use crate::programs::{Errno, IfaceCounters};
use crate::shell::fake::Fake;
use crate::time::SimTime;
use crate::view::*;

/// What `ip` of iproute2 6.1.0 printed in a namespace like [`lab`]: `== COMMAND`, then its standard output. Changed by
/// hand: a TAP device's `state UNKNOWN` is a card's `UP`, and the queueing discipline is Debian 12's `fq_codel`.
const RECORDED: &str = include_str!("recorded.txt");

fn lab() -> Fake {
    let mut fake = Fake { now: SimTime::from_secs(100), counters: IfaceCounters::default(), ..Fake::default() };
    fake.iface(1, "lo", "00:00:00:00:00:00");
    fake.iface(2, "enp0s3", "08:00:27:a1:b2:c3");
    fake.iface(3, "enp0s8", "08:00:27:00:00:08").up = false;
    fake.addr(1, "127.0.0.1/8", Scope::Host);
    fake.addr(1, "::1/128", Scope::Host);
    fake.addr(2, "192.168.5.1/32", Scope::Link);
    let dynamic = fake.addr(2, "10.0.2.15/24", Scope::Global);
    (dynamic.dynamic, dynamic.valid_until) = (true, Some(SimTime::from_millis(700_900)));
    let second = fake.addr(2, "10.0.2.16/24", Scope::Global);
    (second.secondary, second.label, second.broadcast) = (true, Some("enp0s3:1".to_owned()), None);
    fake.addr(2, "fe80::a00:27ff:fea1:b2c3/64", Scope::Link).tentative = true;
    let own: Option<Ipv4Addr> = "10.0.2.15".parse().ok();
    let mut route = |dst, via: Option<&str>, metric, proto, src| {
        let row = fake.route(dst, 2);
        (row.via, row.metric, row.proto, row.src) = (via.map(|via| via.parse().unwrap()), metric, proto, src);
        row.scope = if via.is_some() { Scope::Global } else { Scope::Link };
    };
    route("0.0.0.0/0", Some("10.0.2.1"), 0, RouteProto::Boot, None);
    route("0.0.0.0/0", Some("10.0.2.2"), 100, RouteProto::Boot, None);
    route("10.0.2.0/24", None, 0, RouteProto::Kernel, own);
    route("10.22.0.0/16", Some("10.0.2.1"), 5, RouteProto::Static, None);
    route("10.23.0.0/16", Some("10.0.2.1"), 0, RouteProto::Dhcp, own);
    route("10.26.1.1/32", Some("10.0.2.9"), 0, RouteProto::Boot, None);
    route("10.27.0.0/16", None, 0, RouteProto::Boot, None);
    for (addr, mac, state) in [
        ("10.0.2.6", None, NeighState::Failed),
        ("10.0.2.3", Some("52:54:00:00:00:03"), NeighState::Stale),
        ("10.0.2.1", Some("52:54:00:00:00:01"), NeighState::Permanent),
    ] {
        let mac = mac.map(|mac| mac.parse().unwrap());
        fake.neighs.push(NeighRow { node: crate::id::NodeId(1), iface: 2, addr: addr.parse().unwrap(), mac, state });
    }
    fake
}

#[test]
fn tables_equal_what_the_real_ip_printed() {
    let (mut commands, mut wrong) = (0, Vec::new());
    for section in RECORDED.split("== ").filter(|section| !section.is_empty()) {
        let (command, expected) = section.split_once('\n').unwrap();
        let (status, out, err) = lab().run(command);
        if (out.as_str(), err.as_str(), status) != (expected, "", 0) {
            wrong.push(format!("{command}\n{out}{err}instead of\n{expected}"));
        }
        commands += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 70, "{commands} commands");
}

/// Exit status and the beginning of standard error of iproute2 6.1.0.
const ERRORS: &[(&str, i32, &str)] = &[
    ("ip", 255, "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n"),
    ("ip help", 255, "Usage: ip [ OPTIONS ]"),
    ("ip -s", 255, "Usage: ip [ OPTIONS ]"),
    ("ip -b", 255, "Usage: ip [ OPTIONS ]"),
    ("ip -x", 255, "Option \"-x\" is unknown, try \"ip -help\".\n"),
    ("ip -jp a", 255, "Option \"-jp\" is unknown, try \"ip -help\".\n"),
    ("ip -f foo a", 255, "Error: argument \"foo\" is wrong: invalid protocol family\n"),
    ("ip -n foo a", 255, "Cannot open network namespace \"foo\": No such file or directory\n"),
    ("ip foo", 1, "Object \"foo\" is unknown, try \"ip help\".\n"),
    ("ip addr foo", 255, "Command \"foo\" is unknown, try \"ip address help\".\n"),
    ("ip link foo", 255, "Command \"foo\" is unknown, try \"ip link help\".\n"),
    ("ip route foo", 255, "Command \"foo\" is unknown, try \"ip route help\".\n"),
    ("ip neigh foo", 255, "Command \"foo\" is unknown, try \"ip neigh help\".\n"),
    ("ip a help", 255, "Usage: ip address {add|change|replace} IFADDR dev IFNAME [ LIFETIME ]\n"),
    ("ip l help", 255, "Usage: ip link add [link DEV | parentdev NAME] [ name ] NAME\n"),
    ("ip r help", 255, "Usage: ip route { list | flush } SELECTOR\n"),
    ("ip n help", 255, "Usage: ip neigh { add | del | change | replace }\n"),
    ("ip a add help", 255, "Usage: ip address"),
    ("ip addr show dev eth9", 1, "Device \"eth9\" does not exist.\n"),
    ("ip link show eth9", 1, "Device \"eth9\" does not exist.\n"),
    ("ip addr show enp0s3 lo", 255, "Error: either \"dev\" is duplicate, or \"lo\" is a garbage.\n"),
    ("ip addr show scope foo", 255, "Error: argument \"foo\" is wrong: invalid \"scope\"\n\n"),
    ("ip addr show dev", 255, "Command line is not complete. Try option \"help\"\n"),
    ("ip addr add", 1, "Not enough information: \"dev\" argument is required.\n"),
    ("ip addr add x dev enp0s3", 1, "Error: any valid prefix is expected rather than \"x\".\n"),
    ("ip addr add 10.0.0.1/33 dev enp0s3", 1, "Error: any valid prefix is expected rather than \"10.0.0.1/33\".\n"),
    ("ip addr add 10.0.0.1/24 dev eth9", 1, "Cannot find device \"eth9\"\n"),
    ("ip addr add 10.0.0.1/24 enp0s3", 255, "Error: either \"local\" is duplicate, or \"enp0s3\" is a garbage.\n"),
    ("ip addr add 10.0.0.1/24 dev", 255, "Command line is not complete. Try option \"help\"\n"),
    ("ip addr add 10.0.0.1/24 dev enp0s3 scope foo", 255, "Error: argument \"foo\" is wrong: invalid scope value.\n"),
    ("ip addr add 10.0.0.1/24 dev enp0s3 brd x", 1, "Error: inet address is expected rather than \"x\".\n"),
    (
        "ip addr add 10.0.0.1/24 brd + brd + dev enp0s3",
        255,
        "Error: duplicate \"broadcast\": \"+\" is the second value.\n",
    ),
    ("ip addr add 10.0.0.1/24 dev enp0s3 valid_lft x", 255, "Error: argument \"x\" is wrong: valid_lft value\n"),
    ("ip addr add 10.0.0.1/24 dev enp0s3 valid_lft 0", 1, "valid_lft is zero\n"),
    ("ip addr add 10.0.0.1/24 dev enp0s3 valid_lft 1 preferred_lft 2", 1, "preferred_lft is greater than valid_lft\n"),
    ("ip -4 a add fd00::1/64 dev enp0s3", 1, "Error: inet prefix is expected rather than \"fd00::1/64\".\n"),
    ("ip addr del 10.0.0.6/24", 1, "Not enough information: \"dev\" argument is required.\n"),
    ("ip addr flush", 1, "Flush requires arguments.\n"),
    ("ip addr flush dev eth9", 1, "Device \"eth9\" does not exist.\n"),
    ("ip link set", 255, "Not enough information: \"dev\" argument is required.\n"),
    ("ip link set up", 255, "Not enough information: \"dev\" argument is required.\n"),
    ("ip link set eth9 up", 1, "Cannot find device \"eth9\"\n"),
    ("ip link set enp0s3 foo", 255, "Error: either \"dev\" is duplicate, or \"foo\" is a garbage.\n"),
    ("ip link set enp0s3 mt 1400", 255, "Error: either \"dev\" is duplicate, or \"mt\" is a garbage.\n"),
    ("ip link set enp0s3 mtu x", 255, "Error: argument \"x\" is wrong: Invalid \"mtu\" value\n\n"),
    ("ip link set enp0s3 mtu 1500 mtu 1400", 255, "Error: duplicate \"mtu\": \"1400\" is the second value.\n"),
    ("ip link set enp0s3 address foo", 1, "Invalid address length 1 - must be 6 bytes\n"),
    ("ip link set enp0s3 address 08:00:27:00:00", 1, "Invalid address length 5 - must be 6 bytes\n"),
    ("ip link set enp0s3 address 080027000001", 1, "\"080027000001\" is invalid lladdr.\n"),
    ("ip link set enp0s3 name a/b", 255, "Error: argument \"a/b\" is wrong: \"name\" not a valid ifname\n"),
    ("ip link add", 1, "Not enough information: \"type\" argument is required\n"),
    ("ip link del enp9", 1, "Cannot find device \"enp9\"\n"),
    ("ip link delete", 255, "Not enough information: \"dev\" argument is required.\n"),
    ("ip l d lo", 2, "RTNETLINK answers: Operation not supported\n"),
    ("ip r add", 255, "Usage: ip route { list | flush } SELECTOR\n"),
    ("ip r add default", 2, "RTNETLINK answers: No such device\n"),
    ("ip r add default gw 10.0.2.1", 255, "Error: either \"to\" is duplicate, or \"gw\" is a garbage.\n"),
    ("ip r add default via", 255, "Command line is not complete. Try option \"help\"\n"),
    ("ip r add default via x", 1, "Error: any valid address is expected rather than \"x\".\n"),
    ("ip r add default via 10.8.0.9/24", 1, "Error: any valid address is expected rather than \"10.8.0.9/24\".\n"),
    (
        "ip r add default via 10.0.2.1 via 10.0.2.2",
        255,
        "Error: argument \"via\" is wrong: use nexthop syntax to specify multiple via\n\n",
    ),
    ("ip r add default via 10.0.2.1 dev eth9", 1, "Cannot find device \"eth9\"\n"),
    ("ip r add foo via 10.0.2.1", 1, "Error: any valid prefix is expected rather than \"foo\".\n"),
    ("ip r add 10.20.0.1/16 via 10.0.2.1", 2, "Error: Invalid prefix for given prefix length.\n"),
    ("ip r add 10.24.1.0/24 via 10.99.9.1 onlink", 2, "Error: Nexthop device required for onlink.\n"),
    (
        "ip r add 10.25.0.0/16 via 10.0.2.1 proto foo",
        255,
        "Error: argument \"foo\" is wrong: \"protocol\" value is invalid\n\n",
    ),
    (
        "ip r add 10.25.0.0/16 via 10.0.2.1 metric x",
        255,
        "Error: argument \"x\" is wrong: \"metric\" value is invalid\n\n",
    ),
    ("ip r add 10.92.0.0/16 via 10.8.0.9 src x", 1, "Error: inet address is expected rather than \"x\".\n"),
    ("ip -6 r add default via 10.0.2.1", 1, "Error: inet6 address is expected rather than \"10.0.2.1\".\n"),
    ("ip r show dev eth9", 1, "Cannot find device \"eth9\"\n"),
    ("ip r show foo", 1, "Error: any valid prefix is expected rather than \"foo\".\n"),
    ("ip r show proto foo", 255, "Error: argument \"foo\" is wrong: invalid \"protocol\"\n\n"),
    ("ip r show type foo", 255, "Error: argument \"foo\" is wrong: node type value is invalid\n\n"),
    ("ip r show table foo", 255, "Error: argument \"foo\" is wrong: table id value is invalid\n\n"),
    ("ip r show table 5", 2, "Error: ipv4: FIB table does not exist.\nDump terminated\n"),
    ("ip r flush", 1, "\"ip route flush\" requires arguments.\n"),
    ("ip r get", 1, "need at least a destination address\n"),
    ("ip r get x", 1, "Error: any valid prefix is expected rather than \"x\".\n"),
    ("ip r get to 8.8.8.8 foo", 1, "Error: inet prefix is expected rather than \"foo\".\n"),
    ("ip r get 8.8.8.8 from 1.2.3.4", 2, "RTNETLINK answers: Network is unreachable\n"),
    ("ip r get fd00::1", 2, "RTNETLINK answers: Network is unreachable\n"),
    ("ip n add", 255, "Device and destination are required arguments.\n"),
    ("ip n add 10.0.2.9 dev enp0s3", 2, "Error: No link layer address given.\n"),
    ("ip n add 10.0.2.9 lladdr x dev enp0s3", 1, "\"x\" is invalid lladdr.\n"),
    ("ip n add 10.0.2.9 lladdr 52:54:00:00:02 dev enp0s3", 2, "Error: Invalid link address.\n"),
    ("ip n add x lladdr 52:54:00:00:00:01 dev enp0s3", 1, "Error: any valid address is expected rather than \"x\".\n"),
    ("ip n add 10.0.2.4 dev enp0s3 nud foo", 255, "Error: argument \"foo\" is wrong: nud state is bad\n"),
    ("ip n add 10.0.2.0/24 dev enp0s3", 1, "Error: any valid address is expected rather than \"10.0.2.0/24\".\n"),
    ("ip n show dev eth9", 1, "Cannot find device \"eth9\"\n"),
    ("ip n show foo", 1, "Error: any valid prefix is expected rather than \"foo\".\n"),
    ("ip n flush", 1, "Flush requires arguments.\n"),
    ("ip n get", 1, "Device and address are required arguments.\n"),
    ("ip n get 10.0.2.77 dev enp0s3", 2, "Error: Neighbour entry not found.\n"),
];

#[test]
fn errors_and_exit_codes_are_those_of_the_real_ip() {
    for (line, exit, message) in ERRORS {
        let (status, out, err) = lab().run(line);
        assert_eq!((status, out.as_str()), (*exit, ""), "{line}");
        let whole = message.ends_with('\n') && !message.starts_with("Usage");
        assert!(if whole { err == *message } else { err.starts_with(message) }, "{line}: {err:?}");
    }
}

#[test]
fn refusals_of_the_kernel_are_worded_as_linux_6_1_words_them() {
    for (line, errno, message) in [
        ("ip addr add 10.0.2.15/24 dev enp0s3", Errno::EEXIST, "RTNETLINK answers: File exists\n"),
        (
            "ip addr del 10.0.2.99/24 dev enp0s3",
            Errno::EADDRNOTAVAIL,
            "RTNETLINK answers: Cannot assign requested address\n",
        ),
        ("ip r add default via 10.99.99.1", Errno::ENETUNREACH, "Error: Nexthop has invalid gateway.\n"),
        ("ip r add 10.25.0.0/16 dev enp0s8", Errno::ENETDOWN, "Error: Device for nexthop is not up.\n"),
        ("ip r add 10.25.0.0/16 dev enp0s3 src 1.2.3.4", Errno::EINVAL, "Error: Invalid prefsrc address.\n"),
        ("ip r add default via 10.0.2.1", Errno::EEXIST, "RTNETLINK answers: File exists\n"),
        ("ip r del 10.99.0.0/16", Errno::ESRCH, "RTNETLINK answers: No such process\n"),
        ("ip r get 1.1.1.1", Errno::ENETUNREACH, "RTNETLINK answers: Network is unreachable\n"),
        ("ip link set enp0s3 mtu 10", Errno::EINVAL, "Error: mtu less than device minimum.\n"),
        ("ip link set enp0s3 mtu 99999", Errno::EINVAL, "Error: mtu greater than device maximum.\n"),
        (
            "ip link set enp0s3 address 01:00:00:00:00:01",
            Errno::EADDRNOTAVAIL,
            "RTNETLINK answers: Cannot assign requested address\n",
        ),
        ("ip link set enp0s3 name lo", Errno::EEXIST, "RTNETLINK answers: File exists\n"),
        ("ip n del 10.0.2.99 dev enp0s3", Errno::ENOENT, "RTNETLINK answers: No such file or directory\n"),
        ("ip n add 10.0.2.1 lladdr 52:54:00:00:00:01 dev enp0s3", Errno::EEXIST, "RTNETLINK answers: File exists\n"),
    ] {
        let mut fake = lab();
        fake.refuse = Some(errno);
        assert_eq!(fake.run(line), (2, String::new(), message.to_owned()), "{line}");
    }
}

#[test]
fn changes_reach_the_kernel_as_they_were_meant() {
    for (line, call) in [
        (
            "ip a a 10.3.3.3/24 brd + dev enp0s3 valid_lft 10",
            "Create NewAddr { iface: 2, cidr: 10.3.3.3/24, broadcast: Some(10.3.3.255), scope: Global, valid_until: Some(110.000000s), label: None }",
        ),
        (
            "ip addr replace 127.0.0.2/8 dev lo",
            "Replace NewAddr { iface: 1, cidr: 127.0.0.2/8, broadcast: None, scope: Host, valid_until: None, label: None }",
        ),
        ("ip a d 10.0.2.15/24 dev enp0s3", "del 2 10.0.2.15/24"),
        (
            "ip l set enp0s3 down addr 8:0:27:0:0:1 mtu 0x578 name eth0",
            "link 2 LinkChange { up: Some(false), mtu: Some(1400), mac: Some(08:00:27:00:00:01), name: Some(\"eth0\"), promisc: None }",
        ),
        (
            "ip r add default via 10.0.2.1",
            "Create RouteSpec { dst: 0.0.0.0/0, via: Some(10.0.2.1), iface: None, src: None, metric: None, proto: None, scope: None, onlink: false }",
        ),
        (
            "ip r r 10.1/16 dev enp0s3 metric 0x10 proto static",
            "Replace RouteSpec { dst: 10.1.0.0/16, via: None, iface: Some(2), src: None, metric: Some(16), proto: Some(Static), scope: None, onlink: false }",
        ),
        (
            "ip r d default",
            "del RouteSpec { dst: 0.0.0.0/0, via: None, iface: None, src: None, metric: None, proto: None, scope: None, onlink: false }",
        ),
        (
            "ip n replace 10.0.2.9 lladdr 52:54:00:00:00:09 dev enp0s3 nud stale",
            "Replace neigh 2 10.0.2.9 Some(52:54:00:00:00:09) Stale",
        ),
        ("ip n d 10.0.2.1 dev enp0s3", "del neigh 2 10.0.2.1"),
    ] {
        let mut fake = lab();
        assert_eq!(fake.run(line), (0, String::new(), String::new()), "{line}");
        assert_eq!(fake.calls, [call], "{line}");
    }
}

#[test]
fn an_address_without_its_length_is_deleted_with_a_warning() {
    let mut fake = lab();
    let (status, _, err) = fake.run("ip addr del 10.0.2.15 dev enp0s3");
    assert_eq!(status, 0);
    assert_eq!(
        err,
        "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         Explicitly specify the prefix length \
         (10.0.2.15/32) to avoid this warning.\n         This special behaviour is likely to disappear in further releases,\n         \
         fix your scripts!\n"
    );
    assert_eq!(fake.calls, ["del 2 10.0.2.15/24"]);
}

#[test]
fn flushing_reports_with_statistics() {
    let mut fake = lab();
    let (_, out, _) = fake.run("ip -s addr flush dev enp0s3 to 10.0.2.0/24");
    assert_eq!(out, "\n*** Round 1, deleting 2 addresses ***\n*** Flush is complete after 1 round ***\n");
    assert!(!fake.addrs.iter().any(|row| row.addr == IpAddr::V4(Ipv4Addr::new(10, 0, 2, 15))));
    assert_eq!(fake.run("ip -s n flush dev enp0s8").1, "Nothing to flush.\n");
    assert_eq!(fake.run("ip -s n flush dev enp0s3").1.lines().nth(1), Some("*** Round 1, deleting 2 entries ***"));
    assert_eq!(fake.run("ip r flush proto kernel"), (0, String::new(), String::new()));
}

#[test]
fn counters_widen_their_columns() {
    let mut fake = lab();
    fake.counters.rx_bytes = 123_456_789_012;
    fake.counters.tx_dropped = 123_456_789;
    let out = fake.run("ip -s link show lo").1;
    let lines: Vec<&str> = out.lines().skip(2).collect();
    assert_eq!(lines[0], "    RX:    bytes packets errors   dropped  missed   mcast           ");
    assert_eq!(lines[1], "    123456789012       0      0         0       0       0 ");
}

proptest! {
    #[test]
    fn any_words_are_run_without_a_panic(
        words in proptest::collection::vec("(-[a-z0-9]{1,3}|a|addr|l|link|r|route|n|neigh|show|add|del|set|get|flush|change|replace|dev|lo|enp0s3|via|src|to|scope|global|brd|[+]|mtu|metric|nud|lladdr|default|proto|table|local|all|[0-9./:a-fx-]{0,12}|é)", 0..9)
    ) {
        let _ = lab().run(&format!("ip {}", words.join(" ")));
    }
}
