//! Captures are what Wireshark expects: every frame whole, every checksum right, every protocol called by its name.

use std::process::{Command, Stdio};

use netmodes_core::event::Fact;
use netmodes_core::frame::decode::summarize;
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{capture, run};

/// Every protocol that the lab speaks.
const SCRIPT: &str = "vm1: dhclient -v enp0s3
vm1: ping -c 2 8.8.8.8
vm1: ping -c 1 -s 1 8.8.8.8
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

/// Runs tshark on a file; every checksum is checked.
fn tshark(file: &str, args: &[&str]) -> Vec<String> {
    let checked = ["ip", "tcp", "udp"].map(|proto| format!("{proto}.check_checksum:TRUE"));
    let mut command = Command::new("tshark");
    // Each frame for itself, as we call it: no putting together of fragments.
    command
        .args(["-n", "-r", file, "-o", "ip.defragment:FALSE"])
        .args(checked.iter().flat_map(|option| ["-o", option]))
        .args(args);
    let output = command.stderr(Stdio::piped()).output().expect("tshark (Debian package tshark)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn tshark_finds_every_frame_well_formed_and_calls_it_as_we_do() {
    let seen = agreed("nat", SCRIPT);
    assert_eq!(seen, ["ARP", "DHCP", "DNS", "ICMP", "ICMPv6", "TCP", "UDP"]);
}

#[test]
fn tshark_agrees_on_fragments_and_spanning_tree() {
    let seen = agreed(
        "loop",
        "@switch office stp on\n@switch floor-1 stp on\n@switch floor-2 stp on\n@link floor-1 floor-2 on\n@wait 40\n\
         vm1: dhclient enp0s3\nvm1: ping -c 2 -s 4000 192.168.0.60\n",
    );
    assert!(["STP", "ICMP", "DHCP"].iter().all(|proto| seen.iter().any(|seen| seen == proto)), "{seen:?}");
}

/// Runs a script; the names of all protocols that were seen, each frame called by us what tshark calls it.
fn agreed(name: &str, script: &str) -> Vec<String> {
    let report = run(&lab(name), 1, script);
    let (bytes, count) = capture(&report.events);
    let file = std::env::temp_dir().join(format!("netmodes-{name}-{}.pcapng", std::process::id()));
    std::fs::write(&file, bytes).expect("a folder for temporary files");
    let name = file.display().to_string();

    let bad = "_ws.malformed || _ws.short || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0 \
        || icmp.checksum.status==0 || icmpv6.checksum.status==0 || _ws.expert.severity==error";
    assert_eq!(tshark(&name, &["-Y", bad]), Vec::<String>::new());
    // The filter can find something: checksums are really looked at.
    assert!(!tshark(&name, &["-Y", "ip.checksum.status==1 && icmp.checksum.status==1"]).is_empty());
    assert!(!tshark(&name, &["-Y", "udp.checksum.status==1"]).is_empty());

    let theirs = tshark(&name, &["-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info"]);
    drop(std::fs::remove_file(&file));
    assert_eq!(theirs.len(), count);
    let frames = report.events.iter().filter_map(|event| match &event.fact {
        Fact::FrameSent(sent) => Some(summarize(&sent.bytes.0)),
        _ => None,
    });
    let mut seen = std::collections::BTreeSet::new();
    for (ours, theirs) in frames.zip(&theirs) {
        let theirs_proto = theirs.split('\t').next().unwrap_or_default();
        // Wireshark names what it sees inside a TCP segment; we stop at TCP.
        let expected = if theirs_proto == "HTTP" { "TCP" } else { theirs_proto };
        assert_eq!(ours.proto, expected, "{ours:?} is to tshark {theirs:?}");
        seen.insert(ours.proto);
    }
    seen.into_iter().collect()
}
