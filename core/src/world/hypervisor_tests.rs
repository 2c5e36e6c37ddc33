//! The hypervisor's objects in a world: what stands and what is gone.

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Command, Input, World};
use crate::addr::Cidr;
use crate::hypervisor::{DhcpServerChange, HypervisorCommand as C, NatNetworkChange, NetworkName, NicChange, Run};
use crate::lab::Lab;
use crate::view::{LabView, Mode, Promiscuous, Row};

fn lab() -> Lab {
    let path = format!("{}/../static/labs/modes.toml", env!("CARGO_MANIFEST_DIR"));
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

struct Watched {
    world: World,
    view: LabView,
}

impl Watched {
    fn new() -> Self {
        let mut watched = Self { world: World::new(&lab(), 1).unwrap(), view: LabView::default() };
        watched.drain();
        watched
    }

    fn drain(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let super::Output::Event(event) = output {
                self.view.apply(&event);
            }
        }
        self.world.check().unwrap();
    }

    fn command(&mut self, command: &Command) -> Result<(), String> {
        let result = self.world.handle(self.world.now(), Input::Command(command));
        self.drain();
        result.map_err(|error| error.code)
    }

    fn hv(&mut self, change: C) -> Result<(), String> {
        self.command(&Command::Hypervisor { host: String::new(), change })
    }

    fn run(&mut self, machine: &str, line: &str) {
        let command = Command::Run { machine: machine.into(), line: line.into(), tty: None, stdin: false };
        self.command(&command).unwrap();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while let Some(at) = self.world.next_wakeup()
            && at <= end
        {
            self.world.handle(at, Input::Time).unwrap();
            self.drain();
        }
        self.world.handle(end, Input::Time).unwrap();
        self.drain();
    }

    fn names(&self) -> BTreeSet<String> {
        self.view.nodes.values().map(|node| node.name.clone()).collect()
    }

    fn fold_is_query(&self) {
        let mut query = LabView { seq: self.view.seq, time: self.view.time, ..LabView::default() };
        self.world.rows(false).into_iter().for_each(|row| query.put(row));
        let (mut fold, mut query) = (self.view.rows(), query.rows());
        fold.sort_by_key(Row::key);
        query.sort_by_key(Row::key);
        for (a, b) in fold.iter().zip(&query) {
            assert_eq!(a, b, "fold and query differ");
        }
        assert_eq!(fold.len(), query.len(), "fold and query have not the same rows");
    }

    fn carrier(&self, vm: &str) -> bool {
        self.world.machine(vm).unwrap().ifaces().get(2).unwrap().carrier
    }
}

fn attach(vm: &str, mode: Mode, network: &str) -> Command {
    Command::Attach { vm: vm.into(), adapter: 1, mode, network: network.into() }
}

fn nat_network(name: &str, network: &str) -> C {
    let network: Cidr = network.parse().unwrap();
    C::AddNatNetwork { name: name.into(), network, change: NatNetworkChange::default() }
}

fn dhcp_server(network: NetworkName, net: &str, enabled: bool) -> C {
    let at = |last: u8| format!("{net}.{last}").parse().unwrap();
    let change = DhcpServerChange { enabled: Some(enabled), ..DhcpServerChange::default() };
    C::AddDhcpServer { network, address: format!("{net}.1/24").parse().unwrap(), first: at(2), last: at(20), change }
}

#[test]
fn what_has_a_default_name_is_made_for_the_first_card_that_asks_until_somebody_removes_it() {
    let mut watched = Watched::new();
    assert!(watched.view.host_networks.is_empty());
    watched.command(&attach("vm1", Mode::HostOnly, "")).unwrap();
    watched.command(&attach("vm2", Mode::NatNetwork, "")).unwrap();
    assert_eq!(watched.view.host_networks.len(), 2);
    assert!(watched.names().contains("dhcp-vboxnet0"));
    watched.hv(C::RemoveHostOnly { name: "vboxnet0".into() }).unwrap();
    watched.hv(C::RemoveNatNetwork { name: "NatNetwork".into() }).unwrap();
    assert!(watched.view.host_networks.is_empty());
    // Cards keep their setting and lose their carrier.
    assert!(!watched.carrier("vm1") && !watched.carrier("vm2"));
    assert_eq!(watched.command(&attach("vm1", Mode::HostOnly, "")), Err("hv-hostonly-unknown".into()));
    assert_eq!(watched.command(&attach("vm2", Mode::NatNetwork, "")), Err("hv-natnetwork-unknown".into()));
    watched.hv(C::AddHostOnly).unwrap();
    watched.command(&attach("vm1", Mode::HostOnly, "")).unwrap();
    assert!(watched.carrier("vm1"));
    watched.fold_is_query();
}

#[test]
fn a_nat_network_in_use_is_not_renumbered_but_stopped_and_started() {
    let mut watched = Watched::new();
    watched.hv(nat_network("lab", "10.7.0.0/24")).unwrap();
    watched.command(&attach("vm1", Mode::NatNetwork, "lab")).unwrap();
    watched.run("vm1", "dhclient enp0s3");
    watched.pass(Duration::from_secs(3));
    assert!(
        watched.view.leases.values().any(|lease| lease.addr.to_string() == "10.7.0.4"),
        "{:?}",
        watched.view.leases
    );
    let network = Some("10.8.0.0/24".parse().unwrap());
    let change = NatNetworkChange { network, ..NatNetworkChange::default() };
    let renumber = C::SetNatNetwork { name: "lab".into(), change };
    assert_eq!(watched.hv(renumber.clone()), Err("hv-natnetwork-running".into()));
    watched.hv(C::RunNatNetwork { name: "lab".into(), start: false }).unwrap();
    assert!(watched.view.leases.is_empty(), "leases go with their server");
    assert!(watched.carrier("vm1"), "the cable leads to the switch still");
    watched.hv(renumber).unwrap();
    watched.hv(C::RunNatNetwork { name: "lab".into(), start: true }).unwrap();
    watched.run("vm1", "dhclient -r enp0s3; dhclient enp0s3");
    watched.pass(Duration::from_secs(30));
    assert!(
        watched.view.leases.values().any(|lease| lease.addr.to_string() == "10.8.0.4"),
        "{:?}",
        watched.view.leases
    );
    watched.fold_is_query();
}

#[test]
fn a_vm_that_is_switched_off_has_no_cables_no_processes_and_comes_back_with_its_files() {
    let mut watched = Watched::new();
    let before = watched.view.clone();
    watched.command(&attach("vm1", Mode::Nat, "")).unwrap();
    watched.run("vm1", "dhclient enp0s3");
    watched.pass(Duration::from_secs(3));
    let nic = NicChange { mac: Some("08:00:27:00:00:07".parse().unwrap()), ..NicChange::default() };
    let set_mac = C::SetNic { vm: "vm1".into(), adapter: 1, change: nic };
    let second = C::AddNic {
        vm: "vm1".into(),
        adapter: 2,
        change: NicChange { mode: Some(Mode::Internal), ..NicChange::default() },
    };
    assert_eq!(watched.hv(set_mac.clone()), Err("hv-vm-running".into()));
    assert_eq!(watched.hv(second.clone()), Err("hv-vm-running".into()));
    watched.hv(C::PowerOff { name: "vm1".into() }).unwrap();
    watched.fold_is_query();
    let id = watched.world.node_named("vm1").unwrap();
    assert!(watched.view.nodes[&id].off);
    assert!(watched.view.processes.values().all(|process| process.node != id));
    assert!(watched.view.links.values().all(|link| link.a.node != id));
    let run = Command::Run { machine: "vm1".into(), line: "true".into(), tty: None, stdin: false };
    assert_eq!(watched.command(&run), Err("machine-is-off".into()));
    assert_eq!(watched.hv(C::PowerOff { name: "vm1".into() }), Err("hv-vm-not-running".into()));
    watched.hv(set_mac).unwrap();
    watched.hv(second).unwrap();
    watched.hv(C::StartVm { name: "vm1".into() }).unwrap();
    assert_eq!(watched.hv(C::StartVm { name: "vm1".into() }), Err("hv-vm-locked".into()));
    watched.fold_is_query();
    let ifaces = watched.world.machine("vm1").unwrap().ifaces();
    assert_eq!(ifaces.by_name("enp0s3").unwrap().mac.to_string(), "08:00:27:00:00:07");
    assert!(ifaces.by_name("enp0s8").unwrap().carrier);
    watched.hv(C::PowerOff { name: "vm1".into() }).unwrap();
    watched.hv(C::RemoveNic { vm: "vm1".into(), adapter: 2 }).unwrap();
    watched.hv(C::StartVm { name: "vm1".into() }).unwrap();
    watched.command(&attach("vm1", Mode::NotAttached, "")).unwrap();
    assert_eq!(watched.view.nodes.len(), before.nodes.len());
}

#[test]
fn a_new_vm_is_off_and_has_no_card() {
    let mut watched = Watched::new();
    watched.hv(C::AddVm { name: "vm3".into() }).unwrap();
    assert_eq!(watched.hv(C::AddVm { name: "vm3".into() }), Err("hv-vm-exists".into()));
    assert_eq!(watched.hv(C::AddVm { name: "V M".into() }), Err("hv-vm-name".into()));
    let nine = C::AddNic { vm: "vm3".into(), adapter: 9, change: NicChange::default() };
    assert_eq!(watched.hv(nine), Err("hv-adapter".into()));
    for adapter in 1..=8 {
        let change = NicChange { mode: Some(Mode::Internal), ..NicChange::default() };
        watched.hv(C::AddNic { vm: "vm3".into(), adapter, change }).unwrap();
    }
    watched.hv(C::StartVm { name: "vm3".into() }).unwrap();
    watched.fold_is_query();
    assert_eq!(watched.world.machine("vm3").unwrap().ifaces().iter().filter(|iface| iface.carrier).count(), 9);
    assert_eq!(watched.hv(C::RemoveVm { name: "vm3".into() }), Err("hv-vm-running".into()));
    watched.hv(C::PowerOff { name: "vm3".into() }).unwrap();
    watched.hv(C::RemoveVm { name: "vm3".into() }).unwrap();
    assert_eq!(watched.names(), Watched::new().names());
    watched.fold_is_query();
}

fn change() -> impl Strategy<Value = C> {
    let vm = || prop::sample::select(vec!["vm1", "vm2", "vm3"]).prop_map(str::to_owned);
    let net = || prop::sample::select(vec!["NatNetwork", "lab", "other"]).prop_map(str::to_owned);
    let iface = || prop::sample::select(vec!["vboxnet0", "vboxnet1"]).prop_map(str::to_owned);
    let network = || {
        let names = vec![
            NetworkName::Internal("intnet".into()),
            NetworkName::Internal("blue".into()),
            NetworkName::HostOnly("vboxnet0".into()),
        ];
        prop::sample::select(names)
    };
    let modes = [Mode::NotAttached, Mode::Nat, Mode::Bridged, Mode::Internal, Mode::HostOnly, Mode::NatNetwork];
    let names = prop::sample::select(vec!["", "", "", "blue", "lab", "vboxnet1", "eth0"]);
    let policy = prop::sample::select(vec![Promiscuous::Deny, Promiscuous::AllowVms, Promiscuous::AllowAll]);
    let nic = (prop::option::of(prop::sample::select(modes.to_vec())), names, any::<Option<bool>>(), policy).prop_map(
        |(mode, network, cable, policy)| NicChange {
            network: mode.map(|_| network.to_owned()),
            mode,
            cable,
            promiscuous: Some(policy),
            ..NicChange::default()
        },
    );
    let nic = nic.boxed();
    let run = prop::sample::select(vec![Run::Start, Run::Stop, Run::Restart]);
    prop_oneof![
        6 => (vm(), 1_u8..3, nic.clone()).prop_map(|(vm, adapter, change)| C::SetNic { vm, adapter, change }),
        2 => (vm(), 1_u8..10, nic).prop_map(|(vm, adapter, change)| C::AddNic { vm, adapter, change }),
        1 => (vm(), 1_u8..3).prop_map(|(vm, adapter)| C::RemoveNic { vm, adapter }),
        1 => vm().prop_map(|name| C::AddVm { name }),
        1 => vm().prop_map(|name| C::StartVm { name }),
        1 => vm().prop_map(|name| C::PowerOff { name }),
        1 => net().prop_map(|name| nat_network(&name, "10.20.0.0/24")),
        1 => net().prop_map(|name| C::RemoveNatNetwork { name }),
        2 => (net(), any::<bool>()).prop_map(|(name, start)| C::RunNatNetwork { name, start }),
        1 => Just(C::AddHostOnly),
        1 => iface().prop_map(|name| C::RemoveHostOnly { name }),
        1 => iface().prop_map(|name| C::SetHostOnly { name, address: "192.168.60.1/24".parse().unwrap() }),
        2 => (network(), any::<bool>()).prop_map(|(network, on)| dhcp_server(network, "192.168.56", on)),
        1 => network().prop_map(|network| C::RemoveDhcpServer { network }),
        1 => (network(), run).prop_map(|(network, run)| C::RunDhcpServer { network, run }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_walk_of_hypervisor_commands_leaves_a_sound_world_and_no_orphan(
        changes in prop::collection::vec((change(), 0_u64..3_000), 1..40)
    ) {
        let mut watched = Watched::new();
        let (nodes, links) = (watched.names(), watched.view.links.len());
        for (change, wait_ms) in changes {
            let _ = watched.hv(change);
            if wait_ms % 5 == 0 {
                for vm in ["vm1", "vm2"] {
                    let run = Command::Run { machine: vm.into(), line: "dhclient -nw enp0s3".into(), tty: None, stdin: false };
                    let _ = watched.command(&run);
                }
            }
            watched.pass(Duration::from_millis(wait_ms));
            watched.fold_is_query();
        }
        for (vm, adapter) in watched.view.nics.values().map(|nic| (nic.vm, nic.adapter)).collect::<Vec<_>>() {
            let vm = watched.view.nodes[&vm].name.clone();
            watched.command(&Command::Attach { vm, adapter, mode: Mode::NotAttached, network: String::new() }).unwrap();
        }
        for network in watched.view.host_networks.values().cloned().collect::<Vec<_>>() {
            watched.hv(match network.mode {
                Mode::HostOnly => C::RemoveHostOnly { name: network.name },
                // An internal network has a row while a DHCP server is defined for it.
                Mode::Internal => C::RemoveDhcpServer { network: NetworkName::Internal(network.name) },
                _ => C::RemoveNatNetwork { name: network.name },
            }).unwrap();
        }
        if watched.names().contains("vm3") {
            let _ = watched.hv(C::PowerOff { name: "vm3".into() });
            watched.hv(C::RemoveVm { name: "vm3".into() }).unwrap();
        }
        prop_assert_eq!(watched.names(), nodes);
        prop_assert_eq!(watched.view.links.len(), links);
        watched.fold_is_query();
    }
}

#[test]
fn a_cards_private_network_is_changed_while_its_vm_is_off_and_the_lease_is_of_the_new_one() {
    let mut watched = Watched::new();
    watched.command(&attach("vm1", Mode::Nat, "")).unwrap();
    let set = |network: &str| {
        let change = NicChange { nat_net: Some(network.parse().unwrap()), ..NicChange::default() };
        C::SetNic { vm: "vm1".into(), adapter: 1, change }
    };
    assert_eq!(watched.hv(set("10.9.0.0/24")), Err("hv-vm-running".into()));
    watched.hv(C::PowerOff { name: "vm1".into() }).unwrap();
    for wrong in ["10.9.0.1/24", "10.9.0.0/28", "224.0.0.0/8"] {
        assert_eq!(watched.hv(set(wrong)), Err("hv-nat-net".into()), "{wrong}");
    }
    watched.hv(set("10.9.0.0/24")).unwrap();
    watched.hv(C::StartVm { name: "vm1".into() }).unwrap();
    watched.run("vm1", "dhclient enp0s3");
    watched.pass(Duration::from_secs(5));
    assert!(watched.view.addrs.values().any(|row| row.addr.to_string() == "10.9.0.15"));
    watched.fold_is_query();
    watched.hv(C::PowerOff { name: "vm1".into() }).unwrap();
    watched.hv(set("10.0.2.0/24")).unwrap();
    assert!(watched.view.nics.values().all(|nic| nic.nat_net.is_none()), "the usual network is no change");
}

#[test]
fn rules_and_servers_are_shown_also_while_nothing_of_them_runs() {
    let mut watched = Watched::new();
    let rule = crate::lab::ForwardSpec {
        name: "ssh".into(),
        proto: crate::addr::L4Proto::Tcp,
        host_address: None,
        host_port: 2_222,
        guest_address: None,
        guest_port: 22,
    };
    watched.command(&attach("vm1", Mode::NotAttached, "")).unwrap();
    watched.hv(C::AddForward { vm: "vm1".into(), adapter: 1, rule }).unwrap();
    assert!(watched.view.forwards.is_empty());
    assert_eq!(watched.view.nics.values().flat_map(|nic| &nic.forwards).count(), 1);
    let blue = NetworkName::Internal("blue".into());
    watched.hv(dhcp_server(blue.clone(), "10.10.10", false)).unwrap();
    let shown = |watched: &Watched| watched.view.host_networks.values().find(|row| row.name == "blue").cloned();
    assert!(shown(&watched).unwrap().server.is_some_and(|server| !server.enabled));
    watched.fold_is_query();
    watched.hv(C::RemoveDhcpServer { network: blue }).unwrap();
    assert_eq!(shown(&watched), None);
    watched.fold_is_query();
}

fn scope(first: &str, last: &str) -> crate::lab::ScopeSpec {
    serde_json::from_value(serde_json::json!({ "dev": "eth0", "first": first, "last": last, "lease_secs": 600 }))
        .unwrap()
}

fn change_scope(at: u32, to: Option<crate::lab::ScopeSpec>) -> Command {
    Command::Scope { machine: "dhcp-server".into(), service: "dhcpd".into(), scope: at, to: to.map(Box::new) }
}

#[test]
fn after_its_scope_has_changed_a_server_gives_addresses_of_the_new_pool_and_keeps_leases_that_are_in_it() {
    let mut watched = Watched::new();
    for vm in ["vm1", "vm2"] {
        watched.command(&attach(vm, Mode::Bridged, "")).unwrap();
    }
    watched.run("vm1", "dhclient enp0s3");
    watched.pass(Duration::from_secs(5));
    let leases = |watched: &Watched| watched.view.leases.values().map(|row| row.addr.to_string()).collect::<Vec<_>>();
    assert_eq!(leases(&watched), ["192.168.0.120"]);
    watched.command(&change_scope(0, Some(scope("192.168.0.120", "192.168.0.121")))).unwrap();
    watched.pass(Duration::from_secs(1));
    watched.fold_is_query();
    watched.run("vm2", "dhclient enp0s3");
    watched.pass(Duration::from_secs(5));
    assert!(watched.view.addrs.values().any(|row| row.addr.to_string() == "192.168.0.121"), "120 is still promised");
    watched.command(&change_scope(0, Some(scope("192.168.0.60", "192.168.0.69")))).unwrap();
    watched.run("vm1", "dhclient -r enp0s3; dhclient enp0s3");
    watched.pass(Duration::from_secs(10));
    assert!(watched.view.addrs.values().any(|row| row.addr.to_string() == "192.168.0.60"), "{:?}", leases(&watched));
    watched.fold_is_query();
}

#[test]
fn a_scope_that_cannot_be_is_refused_with_its_place_and_nothing_changes() {
    let mut watched = Watched::new();
    let before = watched.view.services.clone();
    let wrong = [
        (change_scope(0, Some(scope("10.0.0.5", "10.0.0.9"))), "lab-scope-network"),
        (change_scope(0, Some(scope("192.168.0.9", "192.168.0.5"))), "lab-scope-range"),
        (change_scope(7, Some(scope("192.168.0.5", "192.168.0.9"))), "scope-unknown"),
        (change_scope(0, None), "lab-scope-missing"),
        (Command::Scope { machine: "web".into(), service: "http".into(), scope: 0, to: None }, "scope-not-dhcp"),
    ];
    for (command, code) in wrong {
        let refused = watched.world.handle(watched.world.now(), Input::Command(&command)).unwrap_err();
        assert_eq!(refused.code, code);
        assert!(refused.args.iter().any(|(name, value)| name == "place" && value.contains("service")), "{refused}");
    }
    assert_eq!(watched.view.services, before);
    watched.command(&change_scope(1, Some(scope("192.168.0.210", "192.168.0.219")))).unwrap();
    watched.command(&change_scope(0, None)).unwrap();
    assert_eq!(watched.view.dhcp_servers.values().filter(|row| row.first.to_string() == "192.168.0.210").count(), 1);
    watched.fold_is_query();
}
