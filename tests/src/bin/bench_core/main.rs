//! How fast the core is, path by path: `cargo xtask bench`, or `cargo run --release -p netmodes-tests --bin bench_core
//! [CASE…]`. Prints figures of this machine; nothing is asserted, and no test runs it.
//!
//! Each case runs in a process of its own, so that its memory is its own.

mod labs;
mod look_back;
mod measure;

use measure::{Also, Case, Run};

/// A case's name and what runs it.
type Entry = (&'static str, fn() -> Case);

const CASES: [Entry; 10] = [
    ("switched", || Case {
        what: "switched: 100 hosts at 10 + 1 switches, echo of 64 B",
        lab: labs::tree(100, 10),
        prepare: Vec::new(),
        runs: labs::across(100, "ping -q -i 0.002 -s 22"),
        secs: 10,
        also: Also::Nothing,
    }),
    ("switched-1000", || Case {
        what: "switched: 1,000 hosts at 32 + 1 switches, echo of 64 B",
        lab: labs::tree(1_000, 32),
        prepare: Vec::new(),
        runs: labs::across(1_000, "ping -q -i 0.01 -s 22"),
        secs: 2,
        also: Also::Nothing,
    }),
    ("routed", || Case {
        what: "routed: host to 8.8.8.8, five routers, one of them translates, 98 B",
        lab: labs::built_in("nat"),
        prepare: Vec::new(),
        runs: vec![Run::new("host", "ping -q -i 0.002 8.8.8.8")],
        secs: 120,
        also: Also::Nothing,
    }),
    ("nat", || Case {
        what: "NAT: a VM to 8.8.8.8, translated by its engine and by the router, 98 B",
        lab: labs::built_in("nat"),
        prepare: vec![Run::new("vm1", "dhclient enp0s3")],
        runs: vec![Run::new("vm1", "ping -q -i 0.002 8.8.8.8")],
        secs: 120,
        also: Also::Nothing,
    }),
    ("tcp", || Case {
        what: "TCP bulk: a page of 900 kB through NAT and routers, over and over",
        lab: labs::big_page("nat"),
        prepare: vec![Run::new("vm1", "dhclient enp0s3")],
        runs: vec![Run::new("vm1", &labs::repeat("curl -s http://93.184.215.14/", 40))],
        secs: 600,
        also: Also::Payload(40 * labs::PAGE_BYTES),
    }),
    ("dhcp", || Case {
        what: "DHCP: 200 bridged VMs get, give back and get a lease",
        lab: labs::office_of(200),
        prepare: Vec::new(),
        runs: labs::each_vm(200, "dhclient enp0s3; dhclient -r enp0s3; dhclient enp0s3"),
        secs: 60,
        also: Also::Leases(400),
    }),
    ("vms-10", || vms(10)),
    ("vms-100", || vms(100)),
    ("vms-1000", || vms(1_000)),
    ("in-flight", || Case {
        what: "frames in flight: 200 hosts, cables of one second, 1,000 B",
        lab: labs::slow_tree(200),
        prepare: Vec::new(),
        runs: labs::across(200, "ping -q -i 0.002 -s 958"),
        secs: 4,
        also: Also::Nothing,
    }),
];

/// A lab of `count` VMs that have a lease and talk to each other.
fn vms(count: u32) -> Case {
    Case {
        what: match count {
            10 => "lab of 10 VMs: lease, then echo across",
            100 => "lab of 100 VMs: lease, then echo across",
            _ => "lab of 1,000 VMs: lease, then echo across",
        },
        lab: labs::office_of(count),
        prepare: labs::each_vm(count, "dhclient enp0s3"),
        runs: labs::each_vm(count, "ping -q -i 0.05 10.7.0.2"),
        secs: 10,
        also: Also::Nothing,
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match wanted.as_slice() {
        [name] if name == "look-back" => look_back::run(),
        [flag, name] if flag == "--alone" => match CASES.iter().find(|(known, _)| known == name) {
            Some((name, make)) => measure::run(name, &make()),
            None => eprintln!("no case {name}"),
        },
        _ => {
            println!("{}", measure::HEADING);
            for (name, _) in CASES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
                alone(name);
            }
            if wanted.is_empty() {
                look_back::run();
            }
        }
    }
}

fn alone(name: &str) {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let status = std::process::Command::new(program).args(["--alone", name]).status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("{name}: failed");
    }
}
