//! Port forwarding: sockets of the hypervisor's process on the host, and what comes through them.

use netmodes_core::event::Fact;
use netmodes_core::lab::{ForwardSpec, Lab, Profile};
use netmodes_core::runner::ScriptReport;
use netmodes_core::view::{FlowOrigin, Row};
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

fn rule(name: &str, proto: &str, host: &str, guest: &str) -> ForwardSpec {
    let (host_address, host_port) = host.rsplit_once(':').expect("address:port");
    let (guest_address, guest_port) = guest.rsplit_once(':').expect("address:port");
    let address = |text: &str| (!text.is_empty()).then(|| text.parse().expect("an address"));
    ForwardSpec {
        name: name.to_owned(),
        proto: serde_json::from_value(serde_json::Value::from(proto)).expect("a protocol"),
        host_address: address(host_address),
        host_port: host_port.parse().expect("a port"),
        guest_address: address(guest_address),
        guest_port: guest_port.parse().expect("a port"),
    }
}

/// The lab `modes`, its VMs behind NAT, with these rules for vm1.
fn forwarded(profile: Profile, rules: &[ForwardSpec]) -> Lab {
    let mut lab = Lab { profile, ..lab("modes") };
    for vm in &mut lab.vms {
        for nic in &mut vm.nics {
            nic.mode = netmodes_core::view::Mode::Nat;
            nic.network.clear();
        }
    }
    lab.vms[0].nics[0].forwards = rules.to_vec();
    lab
}

const PROFILES: [Profile; 2] = [Profile::Lecture, Profile::VirtualBox];

fn open_rules(report: &ScriptReport) -> Vec<String> {
    let rows = report.world.rows(false).into_iter().filter_map(|row| match row {
        Row::Forward(forward) => Some(format!("{} {} {}", forward.name, forward.host, forward.guest)),
        _ => None,
    });
    rows.collect()
}

#[test]
fn a_forwarded_port_is_reached_from_the_lan_from_the_host_and_from_another_guest() {
    for profile in PROFILES {
        let lab = forwarded(profile, &[rule("web", "tcp", ":8080", ":80")]);
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\nvm2: dhclient enp0s3\n\
             vm1 &a: nc -l -p 80\n@wait 1\npc &1: nc 192.168.0.111 8080\n@wait 1\n@input 1 \"from the LAN\"\n@wait 1\n@kill 1\n@wait 1\n@end a\n\
             vm1 &b: nc -l -p 80\n@wait 1\nhost &2: nc 127.0.0.1 8080\n@wait 1\n@input 2 \"from the host\"\n@wait 1\n@kill 2\n@wait 1\n@end b\n\
             vm1 &c: nc -l -p 80\n@wait 1\nvm2 &3: nc 192.168.0.111 8080\n@wait 1\n@input 3 \"from a guest\"\n@wait 1\n@kill 3\n@wait 1\n@end c\n",
        );
        let all: String = report.results.iter().map(|result| result.stdout.as_str()).collect();
        for text in ["from the LAN", "from the host", "from a guest"] {
            assert!(all.contains(text), "{profile:?}: {text}: {:?}", report.results);
        }
        let forwarded = report.events.iter().find_map(|event| match &event.fact {
            Fact::Put { row: Row::Flow(flow) } => flow.why.clone().filter(|why| why.origin == FlowOrigin::Forward),
            _ => None,
        });
        assert_eq!(forwarded.expect("a flow that names its rule").rule, "web");
        assert_eq!(open_rules(&report), ["web 0.0.0.0:8080 0.0.0.0:80"]);
    }
}

#[test]
fn the_rules_socket_is_the_hypervisors_in_the_hosts_ss() {
    for profile in PROFILES {
        let rules = [rule("web", "tcp", ":8080", ":80"), rule("dns", "udp", "192.168.0.111:5353", ":53")];
        let report = run(&forwarded(profile, &rules), 1, "host: ss -ltnp\nhost: ss -lunp\n");
        let tcp = stdout(&report, 0);
        let line = tcp.lines().find(|line| line.contains("0.0.0.0:8080")).unwrap_or_else(|| panic!("{tcp}"));
        assert!(line.starts_with("LISTEN") && line.contains("users:((\"VBoxHeadless\",pid="), "{line}");
        let udp = stdout(&report, 1);
        assert!(udp.contains("192.168.0.111:5353") && udp.contains("VBoxHeadless"), "{udp}");
    }
}

#[test]
fn a_port_is_the_rules_or_the_hosts_but_not_both() {
    let rules = [rule("one", "tcp", ":8080", ":80"), rule("two", "tcp", "127.0.0.1:8080", ":81")];
    let report = run(&forwarded(Profile::Lecture, &rules), 1, "host: nc -l -p 8080\n");
    assert_eq!(open_rules(&report), ["one 0.0.0.0:8080 0.0.0.0:80"]);
    assert_ne!(report.results[0].exit, 0);
    assert!(report.results[0].stderr.contains("Address already in use"), "{:?}", report.results[0]);
}

#[test]
fn a_refused_guest_port_is_accepted_and_closed_as_virtualbox_does() {
    for profile in PROFILES {
        let lab = forwarded(profile, &[rule("web", "tcp", ":8080", ":80")]);
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\npc: curl -sS http://192.168.0.111:8080/\npc: curl -sS http://192.168.0.111:8081/\n",
        );
        // The host's kernel has taken the connection before the guest could refuse it: an empty reply or a reset, where a
        // port without a rule refuses.
        assert!(matches!(report.results[1].exit, 52 | 56), "{profile:?}: {:?}", report.results[1]);
        assert_eq!(report.results[2].exit, 7, "{profile:?}: {:?}", report.results[2]);
    }
}

#[test]
fn udp_is_forwarded_both_ways() {
    for profile in PROFILES {
        let lab = forwarded(profile, &[rule("udp", "udp", ":9999", ":9")]);
        let report = run(
            &lab,
            1,
            "vm1: dhclient enp0s3\nvm1 &s: nc -u -l -p 9\n@wait 1\npc &c: nc -u 192.168.0.111 9999\n@input c \"ask\"\n@wait 1\n\
             @input s \"answer\"\n@wait 1\n@kill c\n@kill s\n",
        );
        let by_name = |text: &str| report.results.iter().any(|result| result.stdout.contains(text));
        assert!(by_name("ask") && by_name("answer"), "{profile:?}: {:?}", report.results);
    }
}

#[test]
fn a_rule_goes_with_its_card_and_comes_back_with_it() {
    let lab = forwarded(Profile::VirtualBox, &[rule("web", "tcp", ":8080", ":80")]);
    let gone = run(&lab, 1, "@attach vm1 1 internal\nhost: ss -ltnp\n");
    assert!(open_rules(&gone).is_empty());
    assert!(!stdout(&gone, 0).contains("8080"), "{}", stdout(&gone, 0));
    let back = run(&lab, 1, "@attach vm1 1 internal\n@attach vm1 1 nat\nhost: ss -ltnp\n");
    assert!(stdout(&back, 0).contains("0.0.0.0:8080"), "{}", stdout(&back, 0));
}

#[test]
fn a_page_of_many_segments_comes_whole_through_both_connections() {
    for profile in PROFILES {
        let mut lab = forwarded(profile, &[rule("web", "tcp", ":8080", ":80")]);
        let service =
            lab.machines.iter().flat_map(|machine| &machine.services).find(|service| service.name == "intranet");
        let mut service = service.expect("the office's page").clone();
        let page: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
        service.pages = [("/".to_owned(), page.clone())].into();
        lab.vms[0].services.push(service);
        let report = run(&lab, 1, "vm1: dhclient enp0s3\npc: curl -s http://192.168.0.111:8080/\n");
        assert_eq!(report.results[1].stdout.len(), page.len(), "{profile:?}");
        assert!(report.results[1].stdout == page, "{profile:?}");
    }
}
