//! The display filter says what Wireshark's says: tshark is asked for the frames of a capture that pass each filter.

use core::time::Duration;
use std::process::Command;
use std::rc::Rc;

use netmodes_core::display_filter::{Context, Filter};
use netmodes_core::event::Fact;
use netmodes_core::frame::PcapngWriter;
use netmodes_core::time::SimTime;
use netmodes_tests::content::lab;
use netmodes_tests::scripts::run;

/// Filters that both are asked; what a filter is about follows the headings of wireshark-filter(4).
const FILTERS: &str = "
arp
dhcp
icmp
ip
ipv6
icmpv6
tcp
udp
dns
http
stp
llc
eth
data
!arp
not (arp or icmp)
arp || dhcp && ip.src == 0.0.0.0
(arp || dhcp) && eth.dst == ff:ff:ff:ff:ff:ff
ip.src == 10.0.2.15 && icmp
ip.addr == 8.8.8.8
ip.addr != 8.8.8.8
!(ip.addr == 8.8.8.8)
ip.addr == 10.0.2.0/24
ip.src == 192.168.0.0/16 and ip.dst != 192.168.0.0/16
ip.dst > 192.168.0.0
ip.src === 10.0.2.15
ip.addr !== 10.0.2.15
ip.src == ip.dst
ip.ttl < 64
ip.ttl in {1, 2, 63..64}
ip.ttl not in {64}
ip.proto == 17
ip.proto eq 0x11
ip.version == 4
ip.hdr_len == 20
ip.len > 500
ip.id == 0
ip.flags == 2
ip.flags.df == 1
ip.flags.df == 1 && ip.flags.mf == 0
ip.flags.mf == 1
ip.frag_offset > 0
ip.frag_offset == 185
ip.dsfield.dscp == 0
ip.checksum.status == 1
eth.type == 0x0806
eth.addr == ff:ff:ff:ff:ff:ff
eth.src contains 08:00:27
eth.dst.ig == 1
eth.len
arp.opcode == 2
arp.opcode == \"request\"
arp.dst.proto_ipv4 == 10.0.2.1
arp.src.hw_mac == eth.src
icmp.type == 8
icmp.type in {0, 3, 11}
icmp.type == 3 && icmp.code == 3
icmp.seq >= 2
icmp.checksum.status == 1
icmp && udp
tcp.flags.syn
tcp.flags.syn == 1
tcp.flags.syn == 1 && tcp.flags.ack == 0
tcp.flags.fin == 1 or tcp.flags.reset == 1
tcp.flags == 0x012
tcp.flags & 0x02
tcp.flags & 0x12 == 0x12
tcp.port == 80
tcp.port != 80
tcp.port in {80, 9000..9001}
tcp.srcport > tcp.dstport
tcp.dstport ne 80
tcp.len > 0
tcp.hdr_len > 20
tcp.window_size_value > 1000
tcp.payload contains \"hello\"
tcp contains \"GET\"
tcp.checksum.status == 1
udp.port == 53
udp.length < 20
udp.port == 67 && !dhcp.option.dhcp == 1
dhcp.option.dhcp == 1
dhcp.option.dhcp == \"Discover\"
dhcp.option.dhcp in {2, 5}
dhcp.type == 2
dhcp.id > 0
dhcp.ip.your == 10.0.2.15
dhcp.hw.mac_addr contains 08:00:27
dhcp.option.type == 55
dhcp.option.router
dhcp.option.router == 10.0.2.1
dhcp.option.subnet_mask == 255.255.255.0
dhcp.option.ip_address_lease_time >= 86400
dhcp.option.request_list_item == 3
dhcp.option.hostname == \"vm1\"
dhcp.flags.bc == 0
dns.qry.name == \"example.com\"
dns.qry.name contains \"ample\"
dns.flags.response == 1
dns.count.answers > 0
dns.a == 93.184.215.14
dns.qry.type == 1
http.request
http.request.method == \"GET\"
http.response.code == 200
http.host == \"example.com\"
ipv6.addr == ff02::/16
ipv6.nxt == 0
icmpv6.type == 135
stp.root.cost == 0
stp.flags.tc == 1
stp.hello == 2
frame.number in {3..7, 10}
frame.len > 1000
frame.time_relative > 1.5
frame contains \"hello\"
frame.number <= 20 && !(ip || arp) || icmp
";

const NAT: &str = "vm1: dhclient -v enp0s3
vm1: ping -c 2 8.8.8.8
vm1: ping -c 1 -s 1472 10.0.2.1
vm1: ping -c 1 -t 3 8.8.8.8
vm1: ping -c 1 10.0.2.77
vm1: curl -s http://example.com/
vm1: curl http://93.184.215.14:81/
vm1 &udp: nc -u -w 1 example.com 9
@input udp \"x\"
@end udp 5
web &server: nc -l 9000
vm1 &client: nc -N 93.184.215.14 9000
@input client \"hello\\n\"
@eof client
@end server 10
vm1: dhclient -r enp0s3
@wait 100
";
const LOOP: &str = "@switch office stp on
@switch floor-1 stp on
@switch floor-2 stp on
@link floor-1 floor-2 on
@wait 40
vm1: dhclient enp0s3
vm1: ping -c 2 -s 4000 192.168.0.60
";

/// Labs and what is done in them: every protocol, fragments, spanning tree.
const TRAFFIC: [(&str, &str); 3] =
    [("nat", NAT), ("loop", LOOP), ("bridged", "vm1: dhclient enp0s3\nvm1: ping -c 2 8.8.8.8\n")];

#[test]
fn tshark_lets_the_same_frames_pass() {
    let frames = frames();
    let mut writer = PcapngWriter::new();
    let cable = writer.add_interface("all");
    frames.iter().for_each(|(time, bytes)| writer.packet(cable, *time, bytes));
    let file = std::env::temp_dir().join(format!("netmodes-filter-{}.pcapng", std::process::id()));
    std::fs::write(&file, writer.finish()).expect("a folder for temporary files");
    let name = file.display().to_string();
    let (mut parted, mut wrong) = (0, Vec::new());
    for text in FILTERS.lines().filter(|line| !line.is_empty()) {
        let (ours, theirs) = (ours(&frames, text), tshark(&name, text));
        if ours != theirs {
            wrong.push(format!("{text}\n  ours {ours:?}\n  tshark {theirs:?}"));
        }
        parted += usize::from(!ours.is_empty() && ours.len() < frames.len());
    }
    drop(std::fs::remove_file(&file));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // They would be no test if each let all or none pass.
    assert!(parted > 90, "{parted}");
}

/// The traffic of all labs, one after the other.
fn frames() -> Vec<(SimTime, Rc<[u8]>)> {
    let mut frames = Vec::new();
    for (hours, (name, script)) in (0..).zip(TRAFFIC) {
        let shift = Duration::from_secs(hours * 3_600);
        let events = run(&lab(name), 1, script).events;
        frames.extend(events.iter().filter_map(|event| match &event.fact {
            Fact::FrameSent(sent) => Some((event.time + shift, sent.bytes.0.clone())),
            _ => None,
        }));
    }
    frames
}

/// The numbers of the frames that pass, as tshark has it.
fn tshark(file: &str, filter: &str) -> Vec<u64> {
    let checked = ["ip", "tcp", "udp"].map(|proto| format!("{proto}.check_checksum:TRUE"));
    let mut command = Command::new("tshark");
    // Each frame for itself: the same segment on the next cable is no retransmission.
    for option in ["tcp.analyze_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE"] {
        command.args(["-o", option]);
    }
    command.args(["-n", "-r", file, "-o", "ip.defragment:FALSE", "-Y", filter, "-T", "fields", "-e", "frame.number"]);
    let output = command.args(checked.iter().flat_map(|option| ["-o", option])).output();
    let output = output.expect("tshark (Debian package tshark)");
    assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse().ok()).collect()
}

fn ours(frames: &[(SimTime, Rc<[u8]>)], text: &str) -> Vec<u64> {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    // What is printed means the same.
    assert_eq!(Filter::parse(&filter.to_string()).as_ref(), Ok(&filter), "{text}");
    let first = frames.first().map_or(SimTime::ZERO, |(time, _)| *time);
    let passes = |number: u64, time: SimTime, bytes: &[u8]| {
        let mut context = Context::new(bytes);
        context.number = number;
        context.seconds = time.since(first).as_secs_f64();
        filter.passes(&context)
    };
    let numbered = (1..).zip(frames);
    numbered.filter(|(number, (time, bytes))| passes(*number, *time, bytes)).map(|(number, _)| number).collect()
}
