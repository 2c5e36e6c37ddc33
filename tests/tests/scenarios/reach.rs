//! Who reaches whom in each mode: the matrix against the manual's table.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::reach::{Cause, Cell, Matrix, Seen, Survey, matrix};
use netmodes_core::view::Mode;
use netmodes_core::world::World;
use netmodes_tests::content::lab;
use netmodes_tests::scripts::run;

/// Both VMs of the lab `modes` in one mode, each with an address.
fn both_in(mode: Mode) -> World {
    let name = mode.name();
    let addresses = match mode {
        // There is no server: by hand.
        Mode::Internal => ["ip addr add 172.16.0.1/24 dev enp0s3", "ip addr add 172.16.0.2/24 dev enp0s3"],
        Mode::NotAttached => ["true"; 2],
        _ => ["dhclient enp0s3"; 2],
    };
    let [a, b] = addresses;
    let script = format!(
        "@attach vm1 1 {name}\n@attach vm2 1 {name}\n@setup vm1: ip link set enp0s3 up\n@setup vm2: ip link set enp0s3 up\n\
         vm1: {a}\nvm2: {b}\n@wait 5\n"
    );
    let report = run(&lab("modes"), 1, &script);
    assert!(report.results.iter().all(|result| result.exit == 0), "{:?}", report.results);
    report.world
}

/// The matrix of those that the manual's table speaks of.
fn of_the_table(world: &World) -> Matrix {
    Survey::new(world, &["vm1", "vm2", "host", "pc", "dns-google"].map(str::to_owned)).finish()
}

fn cell<'a>(world: &World, matrix: &'a Matrix, from: &str, to: &str) -> &'a Cell {
    let id = |name| world.node_named(name).unwrap_or_else(|| panic!("{name}"));
    matrix.cell(id(from), id(to)).unwrap_or_else(|| panic!("{from} to {to}"))
}

/// The manual's table (VirtualBox, "Introduction to Networking Modes"), as far as no port is forwarded: VM to host,
/// host to VM, VM to VM, VM to LAN, LAN to VM, VM to Internet, and whether the host can watch the VM's traffic.
const TABLE: [(Mode, [bool; 6], bool); 6] = [
    (Mode::HostOnly, [true, true, true, false, false, false], true),
    (Mode::Internal, [false, false, true, false, false, false], false),
    (Mode::Bridged, [true, true, true, true, true, true], true),
    (Mode::Nat, [true, false, false, true, false, true], true),
    (Mode::NatNetwork, [true, false, true, true, false, true], true),
    (Mode::NotAttached, [false; 6], false),
];

#[test]
fn each_mode_reaches_what_the_manual_says() {
    for (mode, expected, _) in TABLE {
        let world = both_in(mode);
        let matrix = of_the_table(&world);
        let pairs =
            [("vm1", "host"), ("host", "vm1"), ("vm1", "vm2"), ("vm1", "pc"), ("pc", "vm1"), ("vm1", "dns-google")];
        for ((from, to), expected) in pairs.into_iter().zip(expected) {
            let cell = cell(&world, &matrix, from, to);
            assert_eq!((cell.icmp.ok, cell.tcp.ok), (expected, expected), "{mode:?}: {from} to {to}: {cell:#?}");
            for tried in [&cell.icmp, &cell.tcp] {
                assert_eq!(tried.reason.is_none(), tried.ok, "{mode:?}: {from} to {to}: {tried:?}");
            }
        }
    }
}

#[test]
fn the_host_can_watch_bridged_and_host_only_but_not_internal_networks() {
    for (mode, _, sniffable) in TABLE {
        let world = both_in(mode);
        let matrix = of_the_table(&world);
        let seen = match mode {
            // What two VMs say to each other passes the host only where it is in their network.
            Mode::HostOnly | Mode::Bridged | Mode::Internal | Mode::NotAttached => ("vm1", "vm2"),
            _ => ("vm1", "pc"),
        };
        assert_eq!(cell(&world, &matrix, seen.0, seen.1).sniffable, sniffable, "{mode:?}");
    }
}

#[test]
fn a_cell_holds_the_way_there_and_back_or_the_first_reason() {
    let world = both_in(Mode::Nat);
    let matrix = of_the_table(&world);
    let cell_of = |from, to| cell(&world, &matrix, from, to);
    let there = &cell_of("vm1", "dns-google").icmp;
    let nodes = |back| there.trace.iter().filter(move |step| step.back == back).map(|step| step.node);
    let (vm1, dns, host) =
        (world.node_named("vm1").unwrap(), world.node_named("dns-google").unwrap(), world.node_named("host").unwrap());
    assert_eq!(nodes(false).next(), Some(vm1), "the way begins at the one who calls");
    assert!(nodes(false).any(|node| node == host) && nodes(true).any(|node| node == host), "and passes the host");
    assert_eq!(nodes(true).next(), Some(dns), "the answer sets out where the call arrived");
    assert!(there.trace.iter().any(|step| matches!(&step.seen, Seen::Sent { summary, .. } if !summary.is_empty())));

    // Two VMs behind NAT have the same address: each talks to itself.
    assert_eq!(cell_of("vm1", "vm2").icmp.reason.as_ref().map(|reason| reason.cause), Some(Cause::OwnAddress));
    // The private address means nothing outside: a router has no route to it.
    let outside = cell_of("pc", "vm1").icmp.reason.clone().unwrap();
    assert_eq!(outside.cause, Cause::Dropped(DropReason::NoRoute), "{outside:?}");
}

#[test]
fn trying_changes_nothing() {
    let world = both_in(Mode::Bridged);
    let (seq, fingerprint, now) = (world.seq(), world.fingerprint(), world.now());
    let first = matrix(&world);
    assert_eq!((world.seq(), world.fingerprint(), world.now()), (seq, fingerprint, now));
    assert_eq!(matrix(&world), first, "the same world gives the same matrix");
}

#[test]
fn a_stopped_neighbour_is_the_reason_where_nobody_answers() {
    let report = run(&lab("modes"), 1, "@attach vm1 1 bridged\nvm1: dhclient enp0s3\n@cable pc eth0 off\n@wait 1\n");
    let matrix = of_the_table(&report.world);
    let cell = cell(&report.world, &matrix, "vm1", "pc");
    let reason = cell.icmp.reason.clone().unwrap();
    assert_eq!(reason.cause, Cause::Dropped(DropReason::NeighbourFailed));
    assert_eq!(Some(reason.node), report.world.node_named("vm1"));
}
