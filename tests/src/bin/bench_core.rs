//! How fast the core carries frames: `cargo run --release -p netmodes-tests --bin bench_core`. Prints figures of this
//! machine; nothing is asserted, and no test runs it.

use std::fmt::Write as _;

use netmodes_core::lab::Lab;
use netmodes_core::time::SimTime;
use netmodes_core::world::{Command, Input, World};
use netmodes_tests::content::{lab, lab_of};

const HOSTS: u32 = 100;
const EDGES: u32 = 10;

fn main() {
    // 100 computers at ten switches at one switch; each asks one at the other side of the tree.
    let jobs =
        (0..HOSTS).map(|n| (format!("h{n}"), format!("ping -q -i 0.002 -s 22 {}", address((n + HOSTS / 2) % HOSTS))));
    measure("switched, 100 hosts on 10 + 1 switches, 64 B", &tree(), &jobs.collect::<Vec<_>>(), 10);
    let ping = ("vm1".to_owned(), "ping -q -i 0.002 8.8.8.8".to_owned());
    measure("routed, NAT twice, 6 routers, 98 B", &lab("nat"), &[ping], 60);
}

fn address(n: u32) -> String {
    format!("10.0.0.{}", n + 1)
}

/// The lab of the first figure: 1 Gbit/s and 5 µs on every cable.
fn tree() -> Lab {
    let mut text = "format_version = 1\nname = \"bench\"\ntitle = { en = \"Bench\", ru = \"Замер\" }\n\
        [[switch]]\nname = \"core\"\n"
        .to_owned();
    let cable = |text: &mut String, a: &str, b: &str| {
        let _ = write!(text, "[[cable]]\na = \"{a}\"\nb = \"{b}\"\ndelay_us = 5\nrate_mbit = 1000\n");
    };
    for n in 0..EDGES {
        let _ = write!(text, "[[switch]]\nname = \"edge{n}\"\n");
        cable(&mut text, &format!("edge{n}"), "core");
    }
    for n in 0..HOSTS {
        let addr = address(n);
        let interface = format!("interface = [{{ name = \"eth0\", address = [\"{addr}/24\"] }}]");
        let _ = write!(text, "[[machine]]\nname = \"h{n}\"\nkind = \"computer\"\n{interface}\n");
        cable(&mut text, &format!("h{n}:eth0"), &format!("edge{}", n % EDGES));
    }
    lab_of(&text)
}

/// Runs command lines side by side for `secs` of lab time, without anybody watching, and prints what it took.
fn measure(name: &str, lab: &Lab, jobs: &[(String, String)], secs: u64) {
    let mut world = World::new(lab, 1).unwrap_or_else(|error| panic!("{error}"));
    drain(&mut world);
    let lease = Command::Run { machine: "vm1".to_owned(), line: "dhclient enp0s3".to_owned(), tty: None, stdin: false };
    if world.machine("vm1").is_some() {
        world.handle(SimTime::ZERO, Input::Command(&lease)).unwrap_or_else(|error| panic!("{error}"));
        drain(&mut world);
        pass(&mut world, SimTime::from_secs(10));
    }
    for (machine, line) in jobs {
        let command = Command::Run { machine: machine.clone(), line: line.clone(), tty: None, stdin: false };
        let now = world.now();
        world.handle(now, Input::Command(&command)).unwrap_or_else(|error| panic!("{error}"));
        drain(&mut world);
    }
    let (hops, until) = (world.hops(), SimTime::from_secs(world.now().as_secs() + secs));
    #[allow(clippy::disallowed_methods, reason = "what is measured is the wall's time; no result depends on it")]
    let start = std::time::Instant::now();
    pass(&mut world, until);
    let took = start.elapsed().as_secs_f64();
    let hops = world.hops() - hops;
    println!("{name}: {hops} frame-hops in {took:.3} s ({secs} s of lab time): {:.0} hops/s", hops as f64 / took);
}

fn pass(world: &mut World, until: SimTime) {
    while world.now() < until {
        let next = world.next_wakeup().unwrap_or(until).min(until);
        world.handle(next, Input::Time).unwrap_or_else(|error| panic!("{error}"));
        drain(world);
        if next == until {
            return;
        }
    }
}

fn drain(world: &mut World) {
    while world.poll_output().is_some() {}
}
