//! Each lab shows what its summary promises: the steps that it tells the student to take, and what she finds.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Fact;
use netmodes_core::runner::ScriptReport;
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

fn tour(name: &str, script: &str) -> ScriptReport {
    run(&lab(name), 1, script)
}

/// Exit statuses of all commands, in order.
fn exits(report: &ScriptReport) -> Vec<i32> {
    report.results.iter().map(|result| result.exit).collect()
}

#[test]
fn a_card_that_is_not_attached_has_no_carrier_and_nothing_passes() {
    let report = tour(
        "notattached",
        "vm1: ip link set enp0s3 up\nvm1: ip link show enp0s3\nvm1: dhclient -1 -v enp0s3\nvm1: ping -c 1 8.8.8.8\n",
    );
    assert!(stdout(&report, 1).contains("<NO-CARRIER,BROADCAST,MULTICAST,UP>"), "{}", stdout(&report, 1));
    assert!(stdout(&report, 1).contains("state DOWN"), "{}", stdout(&report, 1));
    assert_eq!(exits(&report)[2..], [2, 2], "{:?}", report.results);
}

#[test]
fn a_bridged_machine_is_a_member_of_the_office() {
    let report = tour(
        "bridged",
        "vm1: dhclient -v enp0s3\npc: ping -c 2 192.168.0.120\nvm1: ping -c 1 8.8.8.8\nvm1: curl -s http://192.168.0.50/\n\
         vm2: dhclient enp0s3\nvm2: ping -c 1 192.168.0.120\nhost: ping -c 1 192.168.0.121\n",
    );
    assert!(report.results[0].stderr.contains("DHCPACK of 192.168.0.120 from 192.168.0.10"), "{:?}", report.results[0]);
    assert_eq!(exits(&report), [0; 7], "{:?}", report.results);
    assert_eq!(stdout(&report, 3), "The office's own page.\n");
}

#[test]
fn an_internal_network_holds_its_machines_and_lets_nobody_out() {
    let report = tour(
        "internal",
        "@setup vm1: ip link set enp0s3 up\n@setup vm3: ip link set enp0s3 up\n\
         @setup vm1: ip addr add 172.16.0.11/24 dev enp0s3\n@setup vm3: ip addr add 172.16.0.13/24 dev enp0s3\n\
         vm1: ping -c 1 172.16.0.1\nvm1: ping -c 1 172.16.0.13\nvm1: ping -c 1 192.168.0.111\n\
         @service server dhcpd start\nvm2: dhclient -v enp0s3\nvm2: ping -c 1 172.16.0.11\n",
    );
    assert_eq!(exits(&report), [0, 1, 2, 0, 0], "{:?}", report.results);
    assert!(report.results[3].stderr.contains("bound to 172.16.0.100"), "{:?}", report.results[3]);
}

#[test]
fn a_host_only_network_ends_at_the_host() {
    let report = tour(
        "hostonly",
        "vm1: dhclient -v enp0s3\nvm2: dhclient enp0s3\nvm1: ping -c 1 192.168.56.1\nhost: ping -c 1 192.168.56.101\n\
         vm1: ping -c 1 192.168.56.102\nvm1: ip route\nvm1: ping -c 1 8.8.8.8\n",
    );
    assert_eq!(exits(&report), [0, 0, 0, 0, 0, 0, 2], "{:?}", report.results);
    assert!(report.results[0].stderr.contains("from 192.168.56.100"), "{:?}", report.results[0]);
    assert_eq!(stdout(&report, 5), "192.168.56.0/24 dev enp0s3 proto kernel scope link src 192.168.56.101 \n");
}

#[test]
fn machines_of_a_nat_network_see_each_other_and_go_out_together() {
    let report = tour(
        "natnetwork",
        "vm1: dhclient enp0s3\nvm2: dhclient enp0s3\nvm1: ping -c 1 10.0.10.5\nvm2: ping -c 1 8.8.8.8\nhost: ping -c 1 -W 1 10.0.10.4\n",
    );
    assert_eq!(exits(&report), [0, 0, 0, 0, 1], "{:?}", report.results);
}

#[test]
fn an_office_without_a_dhcp_server_gives_no_address_and_takes_one_that_is_set_by_hand() {
    let report = tour(
        "office-no-dhcp",
        "vm1: dhclient -1 -v enp0s3\nvm1: ip -4 -br addr show enp0s3\nvm1: ip addr add 192.168.0.121/24 dev enp0s3\n\
         vm1: ip route add default via 192.168.0.1\nvm1: ping -c 1 192.168.0.50\nvm1: ping -c 1 8.8.8.8\n",
    );
    assert_eq!(exits(&report), [2, 0, 0, 0, 0, 0], "{:?}", report.results);
    assert!(report.results[0].stderr.contains("No DHCPOFFERS received."), "{:?}", report.results[0]);
    assert!(!stdout(&report, 1).contains("192.168"), "{}", stdout(&report, 1));
}

#[test]
fn the_nearer_rogue_server_wins_and_leads_into_nowhere_until_it_is_stopped() {
    let report = tour(
        "rogue-dhcp",
        "vm1: dhclient -v enp0s3\nvm1: ip route\nvm1: ping -c 1 -W 1 8.8.8.8\n@service rogue dhcpd stop\n\
         vm1: dhclient -r enp0s3\nvm1: dhclient -v enp0s3\nvm1: ping -c 1 8.8.8.8\n",
    );
    assert_eq!(exits(&report), [0, 0, 1, 0, 0, 0], "{:?}", report.results);
    assert!(report.results[0].stderr.contains("from 192.168.0.66"), "{:?}", report.results[0]);
    assert!(stdout(&report, 1).starts_with("default via 192.168.0.66 "), "{}", stdout(&report, 1));
    assert!(report.results[4].stderr.contains("from 192.168.0.10"), "{:?}", report.results[4]);
}

#[test]
fn of_two_machines_with_one_address_only_one_is_reached_at_a_time() {
    let report = tour(
        "same-address",
        "pc: ping -c 1 192.168.0.77\npc: ip neigh show 192.168.0.77\n@cable vm1 enp0s3 off\n@cable vm2 enp0s3 on\n\
         @setup pc: ip neigh flush dev eth0\npc: ping -c 1 192.168.0.77\npc: ip neigh show 192.168.0.77\n",
    );
    assert_eq!(exits(&report), [0; 4], "{:?}", report.results);
    assert!(stdout(&report, 3).contains("lladdr 08:00:27:11:22:33"), "{}", stdout(&report, 3));
    assert!(stdout(&report, 1).contains("lladdr 08:00:27:"), "{}", stdout(&report, 1));
}

#[test]
fn a_gateway_vm_set_up_by_the_student_leads_an_internal_network_out() {
    let report = tour(
        "gateway",
        "gw: dhclient enp0s3\nvm1: ip addr add 10.10.0.11/24 dev enp0s3\nvm1: ip link set enp0s3 up\n\
         vm1: ip route add default via 10.10.0.1\nvm1: ping -c 1 -W 1 8.8.8.8\n\
         gw: sysctl -w net.ipv4.ip_forward=1\nvm1: ping -c 1 -W 1 8.8.8.8\n\
         gw: iptables -t nat -A POSTROUTING -o enp0s3 -j MASQUERADE\nvm1: ping -c 1 8.8.8.8\n\
         @service gw dhcpd start\nvm2: dhclient enp0s3\nvm2: curl -s http://example.com/\ngw: nft list ruleset\n",
    );
    // Neither forwarded, nor answered without translation, nor anything amiss once both are there.
    assert_eq!(exits(&report), [0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0], "{:?}", report.results);
    assert!(stdout(&report, 10).contains("Example Domain"), "{:?}", report.results[10]);
    assert!(stdout(&report, 11).contains("masquerade"), "{}", stdout(&report, 11));
}

#[test]
fn a_forwarded_port_is_a_door_into_the_private_network() {
    let report = tour(
        "port-forward",
        "vm1: dhclient enp0s3\npc: curl -s http://192.168.0.111:8080/\nhost: curl -s http://127.0.0.1:8080/\nhost: ss -ltn\n\
         pc: curl -s -m 3 http://10.0.2.15/\npc: curl -s -m 3 http://192.168.0.111:8081/\n",
    );
    assert_eq!(exits(&report)[..4], [0; 4], "{:?}", report.results);
    assert_eq!(stdout(&report, 1), "A page of vm1.\n");
    assert_eq!(stdout(&report, 2), "A page of vm1.\n");
    assert!(stdout(&report, 3).contains("0.0.0.0:8080"), "{}", stdout(&report, 3));
    assert!(exits(&report)[4..].iter().all(|exit| *exit != 0), "{:?}", report.results);
}

#[test]
fn virtualboxs_own_nat_has_its_own_numbers_and_speaks_through_the_hypervisors_process() {
    let report = tour(
        "nat-virtualbox",
        "vm1: dhclient -v enp0s3\nvm1: ip route\nvm1: cat /etc/resolv.conf\nvm2: dhclient enp0s3\nvm2: ip -4 -br addr show enp0s3\n\
         vm1: ping -c 1 8.8.8.8\nvm1: curl -s http://example.com/\nhost: ss -tan\n",
    );
    assert_eq!(exits(&report), [0; 8], "{:?}", report.results);
    assert!(report.results[0].stderr.contains("DHCPACK of 10.0.2.15 from 10.0.2.2"), "{:?}", report.results[0]);
    assert!(stdout(&report, 1).starts_with("default via 10.0.2.2 dev enp0s3"), "{}", stdout(&report, 1));
    assert!(stdout(&report, 2).contains("nameserver 10.0.2.3"), "{}", stdout(&report, 2));
    assert!(stdout(&report, 4).contains("10.0.2.15/24"), "both have the same address: {}", stdout(&report, 4));
}

#[test]
fn a_ring_of_cables_storms_until_spanning_tree_lets_one_of_them_rest() {
    let without = tour(
        "loop",
        "vm1: dhclient enp0s3\nvm1: ping -c 1 192.168.0.60\n@link floor-1 floor-2 on\nvm1: ping -c 2 -W 1 192.168.0.99\n@wait 2\n",
    );
    let storms = |report: &ScriptReport| {
        report.events.iter().filter(|event| matches!(event.fact, Fact::StormDetected { .. })).count()
    };
    assert_eq!(exits(&without)[..2], [0, 0], "{:?}", without.results);
    assert!(storms(&without) > 0, "a broadcast goes round for ever");

    let with = tour(
        "loop",
        "@switch office stp on\n@switch floor-1 stp on\n@switch floor-2 stp on\n@wait 31\nvm1: dhclient enp0s3\n\
         @link floor-1 floor-2 on\n@wait 31\nvm1: ping -c 2 192.168.0.60\nvm1: ping -c 1 -W 1 192.168.0.99\n",
    );
    assert_eq!(exits(&with), [0, 0, 1], "{:?}", with.results);
    assert_eq!(storms(&with), 0);
}

#[test]
fn a_switch_with_port_security_lets_no_stranger_in_but_nat_hides_behind_the_host() {
    let report = tour(
        "port-security",
        "vm1: dhclient -1 -v enp0s3\nhost: ping -c 1 192.168.0.50\n@attach vm1 1 nat\nvm1: dhclient -1 enp0s3\nvm1: ping -c 1 192.168.0.50\n",
    );
    assert_eq!(exits(&report), [2, 0, 0, 0], "{:?}", report.results);
    let blocked = |event: &&netmodes_core::event::Event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == DropReason::PortSecurity);
    assert!(report.events.iter().any(|event| blocked(&event)));
}
