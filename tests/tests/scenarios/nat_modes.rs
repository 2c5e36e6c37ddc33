//! NAT and NAT networks in both profiles: numbers, headers before and after, sockets of the hypervisor's process, what
//! reaches what, and how flows are explained.

use netmodes_core::addr::L4Proto;
use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Event, Fact};
use netmodes_core::frame::decode;
use netmodes_core::frame::ethernet::Ethernet;
use netmodes_core::frame::ipv4::Ipv4;
use netmodes_core::id::NodeId;
use netmodes_core::lab::{Lab, Profile};
use netmodes_core::runner::ScriptReport;
use netmodes_core::view::{FlowOrigin, FlowRow, FlowTimer, Row};
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

fn virtualbox(name: &str) -> Lab {
    Lab { profile: Profile::VirtualBox, ..lab(name) }
}

/// The node of this name.
fn node(report: &ScriptReport, name: &str) -> NodeId {
    let named = |row: Row| match row {
        Row::Node(node) if node.name == name => Some(node.id),
        _ => None,
    };
    report.world.rows(false).into_iter().find_map(named).unwrap_or_else(|| panic!("no {name}"))
}

/// The IPv4 packets that left a node's ports, with the frame around them.
fn sent(report: &ScriptReport, from: &str) -> Vec<Vec<u8>> {
    let from = node(report, from);
    let frames = report.events.iter().filter_map(|event| match &event.fact {
        Fact::FrameSent(sent) if sent.from.node == from => Some(sent.bytes.0.to_vec()),
        _ => None,
    });
    frames.filter(|bytes| bytes.get(12..14) == Some(&[8, 0])).collect()
}

fn flows(events: &[Event]) -> Vec<FlowRow> {
    let rows = events.iter().filter_map(|event| match &event.fact {
        Fact::Put { row: Row::Flow(flow) } if flow.engine.is_some() => Some(flow.clone()),
        _ => None,
    });
    rows.collect()
}

/// MACs, addresses and the time to live of a frame: a line of the lecture's table.
fn headers(bytes: &[u8]) -> (String, String, String, String, u8) {
    let (ethernet, payload) = Ethernet::parse(bytes).expect("a frame");
    let ip = Ipv4::parse(payload).expect("a packet");
    (ethernet.src.to_string(), ethernet.dst.to_string(), ip.src.to_string(), ip.dst.to_string(), ip.ttl)
}

fn pings(frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    frames.into_iter().filter(|bytes| decode::summarize(bytes).text.contains("request")).collect()
}

#[test]
fn the_lectures_table_of_headers_before_and_after_is_reproduced() {
    let report = run(&lab("nat"), 1, "vm1: dhclient enp0s3\nvm1: ping -c 1 8.8.8.8\n");
    let before = headers(&pings(sent(&report, "vm1"))[0]);
    let after = headers(&pings(sent(&report, "host"))[0]);
    let mac_of = |name: &str, iface: &str| {
        let machine = report.world.machine(name).expect("a machine");
        machine.ifaces().by_name(iface).expect("an interface").mac.to_string()
    };
    // "Source MAC (VM), Destination MAC (Gateway), Source IP VM 10.0.2.15, Destination IP 8.8.8.8"
    let expected =
        (mac_of("vm1", "enp0s3"), "52:54:00:12:35:02".to_owned(), "10.0.2.15".to_owned(), "8.8.8.8".to_owned());
    assert_eq!((before.0, before.1, before.2, before.3), expected);
    // "Source MAC (Host OS), Destination MAC (Gateway-internet), Source IP 192.168.0.111, Destination IP 8.8.8.8"
    let expected = (mac_of("host", "eth0"), mac_of("router", "lan"), "192.168.0.111".to_owned(), "8.8.8.8".to_owned());
    assert_eq!((after.0, after.1, after.2, after.3), expected);
    // The same packet, rewritten: one hop less to live, the identification as it was.
    assert_eq!(after.4, before.4 - 1);
    let ident = |frames: Vec<Vec<u8>>| pings(frames)[0][18..20].to_vec();
    assert_eq!(ident(sent(&report, "vm1")), ident(sent(&report, "host")));
    let flow = &flows(&report.events)[0];
    let why = flow.why.clone().expect("an explanation");
    assert_eq!((why.origin, why.timer), (FlowOrigin::Outgoing, FlowTimer::Icmp));
}

#[test]
fn virtualboxs_profile_has_virtualboxs_numbers() {
    let report = run(
        &virtualbox("nat"),
        1,
        "vm1: dhclient enp0s3\nvm1: ip -4 addr show enp0s3\nvm1: ip route\nvm1: cat /etc/resolv.conf\n\
         vm1: cat /var/lib/dhcp/dhclient.enp0s3.leases\nvm1: ping -c 1 10.0.2.2\nvm1: ping -c 1 8.8.8.8\nvm1: curl -s http://example.com/\n",
    );
    assert!(stdout(&report, 1).contains("inet 10.0.2.15/24"), "{}", stdout(&report, 1));
    assert!(stdout(&report, 2).contains("default via 10.0.2.2 dev enp0s3"), "{}", stdout(&report, 2));
    assert!(stdout(&report, 3).contains("nameserver 10.0.2.3"), "{}", stdout(&report, 3));
    let lease = |row| matches!(&row, Row::Lease(lease) if lease.addr.to_string() == "10.0.2.15");
    assert!(report.world.rows(false).into_iter().any(lease));
    let server = report.world.rows(false).into_iter().find_map(|row| match row {
        Row::DhcpServer(server) if server.first.to_string() == "10.0.2.15" => Some(server),
        _ => None,
    });
    let server = server.expect("the engine's server");
    assert_eq!((server.server.to_string(), server.lease_secs), ("10.0.2.2".to_owned(), 86_400));
    assert!(stdout(&report, 5).contains("64 bytes from 10.0.2.2: icmp_seq=1 ttl=255"), "{}", stdout(&report, 5));
    assert!(stdout(&report, 6).contains("64 bytes from 8.8.8.8: icmp_seq=1 ttl=255"), "{}", stdout(&report, 6));
    assert!(stdout(&report, 7).contains("Example Domain"), "{}", stdout(&report, 7));
}

#[test]
fn virtualboxs_engine_sends_the_payload_through_sockets_of_its_own() {
    let report = run(
        &virtualbox("nat"),
        1,
        "vm1: dhclient enp0s3\nvm1 &c: nc 93.184.215.14 7\n@wait 1\n@input c \"hello\"\n@wait 1\nhost: ss -tnp\nvm1: ss -tn\n\
         vm1: ping -c 1 8.8.8.8\n@kill c\n",
    );
    let host = stdout(&report, 2);
    let line = host.lines().find(|line| line.contains("93.184.215.14:7")).unwrap_or_else(|| panic!("{host}"));
    assert!(
        line.starts_with("ESTAB") && line.contains("192.168.0.111:") && line.contains("\"VBoxHeadless\""),
        "{line}"
    );
    // The port is one of the host's ephemeral ports, and not the guest's.
    let port = |text: &str, at: &str| -> u16 {
        let rest = text.split(at).nth(1).unwrap_or_else(|| panic!("{text}"));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("{text}"))
    };
    let (outside, inside) = (port(host, "192.168.0.111:"), port(stdout(&report, 3), "10.0.2.15:"));
    assert!((32_768..=60_999).contains(&outside) && outside != inside, "{outside} {inside}");
    let tcp = |frames: Vec<Vec<u8>>| frames.into_iter().find(|bytes| bytes[23] == 6).expect("a segment");
    let (before, after) = (tcp(sent(&report, "vm1")), tcp(sent(&report, "host")));
    assert_ne!(before[38..42], after[38..42], "sequence numbers are new ones");
    // What came back is what was sent: through two connections there and two back.
    assert!(report.results.iter().any(|result| result.stdout.contains("hello")), "{:?}", report.results);
    let ping = pings(sent(&report, "host"));
    assert_eq!(headers(&ping[0]).4, 64, "the host's own time to live");
    let flow = flows(&report.events).into_iter().find(|flow| flow.proto == L4Proto::Tcp).expect("a flow");
    assert_eq!(flow.why.expect("an explanation").timer, FlowTimer::Socket);
}

#[test]
fn what_a_guest_cannot_reach_fails_as_its_host_does() {
    for lab in [lab("nat"), virtualbox("nat")] {
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\nvm1: curl -sS http://93.184.215.14:81/\nvm1: ping -c 1 192.168.0.111\n\
             vm1: ping -c 1 -W 2 192.168.0.77\n\
             host: ip route del default\nvm1: ping -c 1 8.8.8.8\nhost: ping -c 1 8.8.8.8\n\
             @cable host eth0 off\nvm1: ping -c 1 -W 2 192.168.0.50\n",
        );
        let exits: Vec<_> = report.results.iter().map(|result| result.exit).collect();
        let profile = lab.profile;
        assert_eq!(exits[1], 7, "{profile:?}: a closed port refuses: {:?}", report.results[1]);
        assert_eq!(exits[2], 0, "{profile:?}: the host's own address: {:?}", report.results[2]);
        assert_eq!(exits[3], 1, "{profile:?}: nobody there: {:?}", report.results[3]);
        assert!(stdout(&report, 5).contains("Destination Net Unreachable"), "{profile:?}: {}", stdout(&report, 5));
        assert_eq!(report.results[6].stderr, "ping: connect: Network is unreachable\n", "{profile:?}");
        assert_eq!(exits[7], 1, "{profile:?}: {:?}", report.results[7]);
    }
}

#[test]
fn a_guest_follows_the_hosts_name_server_and_never_its_loopback() {
    for lab in [lab("nat"), virtualbox("nat")] {
        let profile = lab.profile;
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\nvm1: curl -s http://example.com/\n\
             host &l: nc -l -p 8080\n@wait 1\nvm1: curl -sS http://10.0.2.2:8080/\nvm1: curl -sS http://127.0.0.1:8080/\n@kill l\n",
        );
        assert_eq!(report.results[1].exit, 0, "{profile:?} {:?}", report.results);
        assert_ne!(report.results[3].exit, 0, "{profile:?} {:?}", report.results);
        assert_ne!(report.results[4].exit, 0, "{profile:?} {:?}", report.results);
        let mut deaf = lab.clone();
        let host = deaf.machines.iter_mut().find(|machine| machine.name == "host").expect("the host");
        host.dns = vec![core::net::Ipv4Addr::new(192, 168, 0, 77)];
        let report = run(&deaf, 1, "vm1: dhclient enp0s3\nvm1: curl -sS http://example.com/\n");
        assert_eq!(report.results[1].exit, 6, "{profile:?} {:?}", report.results);
    }
}

#[test]
fn two_guests_with_the_same_address_reach_out_and_not_each_other() {
    for profile in [Profile::Lecture, Profile::VirtualBox] {
        let lab = Lab { profile, ..lab("modes") };
        let report = run(
            &lab,
            1,
            "@attach vm1 1 nat\n@attach vm2 1 nat\nvm1: dhclient enp0s3\nvm2: dhclient enp0s3\n\
             vm1: ip -4 addr show enp0s3\nvm2: ip -4 addr show enp0s3\n\
             vm1: ping -c 1 8.8.8.8\nvm2: ping -c 1 8.8.8.8\nvm2 &l: nc -l -p 9000\n\
             vm1: curl -sS --max-time 5 http://10.0.2.15:9000/\nhost: ss -lntp\n@kill l\n",
        );
        for at in [2, 3] {
            assert!(stdout(&report, at).contains("inet 10.0.2.15/24"), "{profile:?}");
        }
        assert_eq!((report.results[4].exit, report.results[5].exit), (0, 0), "{profile:?} {:?}", report.results);
        assert_ne!(report.results[6].exit, 0, "{profile:?}");
    }
}

#[test]
fn guests_of_a_nat_network_reach_each_other_and_the_world() {
    for profile in [Profile::Lecture, Profile::VirtualBox] {
        let lab = Lab { profile, ..lab("natnetwork") };
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\nvm2: dhclient enp0s3\nvm1: ip -4 addr show enp0s3\nvm2: ip -4 addr show enp0s3\n\
             vm1: ping -c 1 8.8.8.8\nvm2: curl -s http://example.com/\nhost: ps -e\n",
        );
        let net = if profile == Profile::Lecture { "10.0.10" } else { "10.0.2" };
        assert!(stdout(&report, 2).contains(&format!("inet {net}.4/24")), "{profile:?}: {}", stdout(&report, 2));
        assert!(stdout(&report, 3).contains(&format!("inet {net}.5/24")), "{profile:?}: {}", stdout(&report, 3));
        assert_eq!((report.results[4].exit, report.results[5].exit), (0, 0), "{profile:?} {:?}", report.results);
        let processes: Vec<_> = report
            .world
            .rows(false)
            .into_iter()
            .filter_map(|row| match row {
                Row::Process(process) => process.argv.first().cloned(),
                _ => None,
            })
            .collect();
        assert_eq!(processes.iter().filter(|name| name.ends_with("/VBoxHeadless")).count(), 2, "{processes:?}");
        assert_eq!(processes.iter().filter(|name| name.ends_with("/VBoxNetNAT")).count(), 1, "{processes:?}");
    }
}

#[test]
fn an_answer_that_comes_too_late_is_dropped_with_its_reason() {
    // A ping's answer on its way while the NAT forgets: the flow ends with the card.
    let report = run(
        &lab("nat"),
        1,
        "vm1: dhclient enp0s3\nvm1: ping -c 1 8.8.8.8\nvm1 &q: ping -c 1 -W 1 8.8.8.8\n@wait 0.003\n\
         @attach vm1 1 notattached\n@wait 2\n@kill q\n",
    );
    let late = report
        .events
        .iter()
        .any(|event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == DropReason::NatNoMapping));
    assert!(late, "{:?}", report.results);
}

#[test]
fn a_stranger_at_a_mapped_port_is_filtered() {
    // The guest's UDP socket is mapped to a port of the host; a colleague whom it never wrote to tries it.
    let begin = "vm1: dhclient enp0s3\nvm1 &u: nc -u 93.184.215.14 7\n@input u \"hello\"\n@wait 1\n";
    let first = run(&lab("nat"), 1, &format!("{begin}@kill u\n"));
    let mapped = flows(&first.events).into_iter().find(|flow| flow.proto == L4Proto::Udp && flow.remote.port == 7);
    let port = mapped.expect("a flow").outside.port;
    let report = run(
        &lab("nat"),
        1,
        &format!("{begin}pc &s: nc -u 192.168.0.111 {port}\n@input s \"let me in\"\n@wait 1\n@kill u\n@kill s\n"),
    );
    let filtered = report
        .events
        .iter()
        .any(|event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == DropReason::NatFiltered));
    assert!(filtered, "{:?}", report.results);
}

#[test]
fn a_udp_traceroutes_time_exceeded_comes_through_virtualboxs_engine() {
    // libslirp's UDP sockets ask for ICMP errors (IP_RECVERR) and carry the time to live over, less one.
    // Of echo requests it makes its own, with its own time to live.
    let script = "vm1: dhclient enp0s3\nvm1: traceroute -n -q 1 8.8.8.8\nvm1: traceroute -I -n -q 1 8.8.8.8\n";
    let report = run(&virtualbox("nat"), 1, script);
    let hops = |at| stdout(&report, at).lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    let way = ["10.0.2.2", "192.168.0.1", "203.0.113.1", "198.51.100.2", "198.51.100.6", "198.51.100.10", "8.8.8.8"];
    assert!(hops(1).eq(way), "{}", stdout(&report, 1));
    assert!(hops(2).eq(["8.8.8.8"]), "{}", stdout(&report, 2));
}
