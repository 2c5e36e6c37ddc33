//! A real Linux network stack behind a real TAP device gets its lease from our DHCP server and pings through our NAT.
//! Needs root, /dev/net/tun, iproute2, isc-dhcp-client, iputils-ping and python3.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent_process;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_process::{Agent, Namespace, ok};

/// What dhclient runs instead of Debian's script, so that the real /etc/resolv.conf stays as it is.
const DHCLIENT_SCRIPT: &str = r#"#!/bin/sh
case "$reason" in
PREINIT)
    ip link set dev "$interface" up
    ;;
BOUND | RENEW | REBIND | REBOOT)
    ip addr add "$new_ip_address/$new_subnet_mask" dev "$interface"
    for router in $new_routers; do ip route add default via "$router" dev "$interface"; done
    echo "$new_domain_name_servers" >"$(dirname "$0")/dns"
    ;;
esac
"#;

/// Frames of all sorts that no sane card sends; the same ones every time.
const GARBAGE: &str = r#"
import random, socket, struct, sys
device, chance = sys.argv[1], random.Random(7)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((device, 0))
mac = s.getsockname()[4]
ether = lambda kind: b"\xff" * 6 + mac + struct.pack(">H", kind)
udp = lambda body: ether(0x0800) + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(body), 0, 0, 64, 17, 0,
    bytes(4), b"\xff" * 4) + struct.pack(">HHHH", 68, 67, 8 + len(body), 0) + body
heads = [b"", ether(0x0800), ether(0x0806), ether(0x0800) + b"\x45\x00\xff\xff", ether(0x0800) + b"\x4f",
    ether(0x8100), ether(0x86dd), udp(b""), udp(b"\x01\x01\x06\x00" + bytes(232) + b"\x63\x82\x53\x63\x35\xff")]
sent = 0
for n in range(3000):
    frame = chance.choice(heads) + chance.randbytes(chance.choice([0, 1, 14, 46, 300, 1400]))
    try:
        sent += s.send(frame[:1514]) > 0
    except OSError:
        pass
print(sent)
"#;

/// An agent whose device was moved into a namespace.
struct Guest {
    agent: Agent,
    inside: Namespace,
    device: String,
    directory: PathBuf,
}

impl Guest {
    fn new(test: &str) -> Self {
        // At most 15 bytes, and another name for each test of each run.
        let device = format!("nmt{}{}", &test[..1], std::process::id());
        let agent = Agent::start(&["--tap", &format!("{device}=vm1:1")]);
        let inside = Namespace::new(test);
        ok(Command::new("ip").args(["link", "set", &device, "netns", &inside.name]));
        let directory = std::env::temp_dir().join(&inside.name);
        fs::create_dir_all(&directory).unwrap();
        let script = directory.join("script");
        fs::write(&script, DHCLIENT_SCRIPT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Self { agent, inside, device, directory }
    }

    fn file(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }

    fn dhclient(&self) {
        let [script, leases, pid] = ["script", "leases", "pid"].map(|name| self.file(name));
        self.inside.run(&["dhclient", "-1", "-sf", &script, "-lf", &leases, "-pf", &pid, &self.device]);
    }

    fn ping(&self) -> String {
        self.inside.run(&["ping", "-c", "3", "8.8.8.8"])
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.file("pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn a_real_dhclient_gets_its_lease_and_a_real_ping_its_answers() {
    let resolver = fs::read("/etc/resolv.conf").ok();
    let guest = Guest::new("lease");
    guest.dhclient();
    let addresses = guest.inside.run(&["ip", "-4", "addr", "show", "dev", &guest.device]);
    assert!(addresses.contains("inet 10.0.2.15/24"), "{addresses}");
    let routes = guest.inside.run(&["ip", "route"]);
    assert!(routes.contains(&format!("default via 10.0.2.1 dev {}", guest.device)), "{routes}");
    assert_eq!(fs::read_to_string(guest.file("dns")).unwrap().trim(), "10.0.2.1");
    let pings = guest.ping();
    assert!(pings.contains("3 packets transmitted, 3 received, 0% packet loss"), "{pings}");
    let neighbours = guest.inside.run(&["ip", "neigh", "show", "10.0.2.1"]);
    assert!(neighbours.contains("lladdr"), "{neighbours}");
    assert_eq!(fs::read("/etc/resolv.conf").ok(), resolver);
}

#[test]
fn a_killed_agent_leaves_no_device_behind() {
    let mut guest = Guest::new("kill");
    let device = guest.device.clone();
    assert!(guest.inside.run(&["ip", "-br", "link"]).contains(&device));
    let namespaces = named_namespaces();
    guest.agent.kill();
    assert!(!guest.inside.run(&["ip", "-br", "link"]).contains(&device));
    assert!(!Path::new("/sys/class/net").join(&device).exists());
    // The agent has made none: ours is still there, and none was hidden by the device.
    assert!(named_namespaces().contains(&guest.inside.name) && namespaces.contains(&guest.inside.name));
}

fn named_namespaces() -> String {
    ok(Command::new("ip").args(["netns", "list"]))
}

#[test]
fn garbage_on_the_device_stops_nothing() {
    let guest = Guest::new("garbage");
    guest.inside.run(&["ip", "link", "set", &guest.device, "up"]);
    let sent: u32 = guest.inside.run(&["python3", "-c", GARBAGE, &guest.device]).trim().parse().unwrap();
    assert!(sent > 1_000, "only {sent} frames went out");
    guest.dhclient();
    let pings = guest.ping();
    assert!(pings.contains(" 0% packet loss"), "{pings}");
}

#[test]
fn a_device_that_goes_down_and_comes_back_works_again() {
    let guest = Guest::new("down");
    guest.dhclient();
    guest.inside.run(&["ip", "link", "set", &guest.device, "down"]);
    guest.inside.run(&["ip", "link", "set", &guest.device, "up"]);
    guest.inside.run(&["ip", "route", "replace", "default", "via", "10.0.2.1"]);
    let pings = guest.ping();
    assert!(pings.contains(" 0% packet loss"), "{pings}");
}

#[test]
fn a_device_that_goes_with_its_namespace_is_said_and_the_rest_goes_on() {
    let mut guest = Guest::new("vanish");
    let mut errors = guest.agent.errors();
    ok(Command::new("ip").args(["netns", "del", &guest.inside.name]));
    let device = guest.device.clone();
    assert!(errors.any(|line| line.contains(&device) && line.contains("is gone")));
    assert!(guest.agent.child.try_wait().unwrap().is_none(), "the agent goes on");
}
