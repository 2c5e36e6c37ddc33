//! The hypervisor's objects, as VBoxManage on the host makes, changes and removes them.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Fact;
use netmodes_core::lab::Lab;
use netmodes_core::runner::ScriptReport;
use netmodes_tests::content::lab;
use netmodes_tests::scripts::{run, stdout};

fn modes(script: &str) -> ScriptReport {
    run(&lab("modes"), 1, script)
}

fn exits(report: &ScriptReport) -> Vec<i32> {
    report.results.iter().map(|result| result.exit).collect()
}

fn stderr(report: &ScriptReport, at: usize) -> &str {
    &report.results[at].stderr
}

#[test]
fn vboxmanage_is_on_the_host_and_nowhere_else() {
    let report = modes(
        "host: VBoxManage list vms\nvm1: VBoxManage list vms\npc: vboxmanage --version\nhost: vboxmanage -v\n\
        host: help VBoxManage\nvm1: help VBoxManage\n",
    );
    assert_eq!(exits(&report), [0, 127, 127, 0, 0, 1], "{:?}", report.results);
    assert!(stdout(&report, 0).starts_with("\"vm1\" {"), "{}", stdout(&report, 0));
    assert_eq!(stdout(&report, 0).lines().count(), 2);
    assert_eq!(stderr(&report, 1), "bash: line 1: VBoxManage: command not found\n");
    assert!(stdout(&report, 3).starts_with("7.0."));
}

#[test]
fn a_host_only_interface_is_made_configured_used_and_removed() {
    let report = modes(
        "host: VBoxManage hostonlyif create\n\
        host: ip -br addr show vboxnet0\n\
        host: VBoxManage hostonlyif ipconfig vboxnet0 --ip 192.168.99.1\n\
        host: VBoxManage hostonlyif ipconfig vboxnet0 --ip 192.168.57.1 --netmask 255.255.255.0\n\
        host: VBoxManage dhcpserver modify --interface vboxnet0 --server-ip 192.168.57.2 --lower-ip 192.168.57.10 --upper-ip 192.168.57.20\n\
        host: VBoxManage controlvm vm1 nic1 hostonly vboxnet0\n\
        vm1: dhclient enp0s3\n\
        vm1: ping -c 1 192.168.57.1\n\
        host: VBoxManage list hostonlyifs\n\
        host: VBoxManage controlvm vm1 nic1 null\n\
        host: ip -br addr show vboxnet0\n\
        host: VBoxManage controlvm vm1 nic1 hostonly vboxnet0\n\
        host: VBoxManage hostonlyif remove vboxnet0\n\
        host: ip link show vboxnet0\n\
        vm1: ip -br link show enp0s3\n\
        host: VBoxManage list hostonlyifs\n",
    );
    assert_eq!(stdout(&report, 0), "Interface 'vboxnet0' was successfully created\n");
    assert!(stdout(&report, 1).starts_with("vboxnet0         DOWN"), "{}", stdout(&report, 1));
    assert_eq!(
        stderr(&report, 2),
        "VBoxManage: error: Code E_ACCESSDENIED (0x80070005) - Access denied (extended info not available)\n\
         VBoxManage: error: Context: \"EnableStaticIPConfig(Bstr(pszIp).raw(), Bstr(pszNetmask).raw())\" at line 242 of file \
         VBoxManageHostonly.cpp\n"
    );
    assert_eq!(exits(&report), [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], "{:#?}", report.results);
    let listed = stdout(&report, 8);
    for line in [
        "Name:            vboxnet0\n",
        "GUID:            786f6276-656e-4074-8000-0a0027000000\n",
        "IPAddress:       192.168.57.1\n",
        "HardwareAddress: 0a:00:27:00:00:00\n",
        "Status:          Up\n",
        "VBoxNetworkName: HostInterfaceNetworking-vboxnet0\n",
    ] {
        assert!(listed.contains(line), "{line} is not in {listed}");
    }
    assert!(stdout(&report, 10).contains("192.168.57.1/24"), "it stays when its last card leaves");
    assert!(stdout(&report, 14).contains("DOWN"), "{}", stdout(&report, 14));
    assert_eq!(stdout(&report, 15), "");
}

#[test]
fn other_host_only_networks_need_the_hosts_permission() {
    let mut lab = lab("modes");
    let host = lab.machines.iter_mut().find(|machine| machine.name == "host").unwrap();
    host.files.insert("/etc/vbox/networks.conf".to_owned(), "* 10.0.0.0/8\n".to_owned());
    let report = run(
        &lab,
        1,
        "host: VBoxManage hostonlyif create\nhost: VBoxManage hostonlyif ipconfig vboxnet0 --ip 10.1.2.1\n\
        host: ip -br addr show vboxnet0\nhost: VBoxManage hostonlyif ipconfig vboxnet0 --ip 192.168.56.1\n",
    );
    assert_eq!(exits(&report), [0, 0, 0, 1], "{:?}", report.results);
    assert!(stdout(&report, 2).contains("10.1.2.1/24"));
}

#[test]
fn a_nat_network_lives_from_add_to_remove() {
    let report = modes(
        "host: VBoxManage natnetwork add --netname lab --network 10.7.0.0/24 --enable --dhcp on\n\
        host: VBoxManage natnetwork add --netname lab --network 10.7.0.0/24\n\
        host: VBoxManage controlvm vm1 nic1 natnetwork lab\n\
        host: VBoxManage controlvm vm2 nic1 natnetwork lab\n\
        vm1: dhclient enp0s3\nvm2: dhclient enp0s3\n\
        vm1: ping -c 1 10.7.0.5\n\
        vm1: ping -c 1 8.8.8.8\n\
        host: VBoxManage natnetwork modify --netname lab --network 10.8.0.0/24\n\
        host: VBoxManage natnetwork stop --netname lab\n\
        vm1: ping -c 1 -W 1 8.8.8.8\n\
        vm1: ping -c 1 10.7.0.5\n\
        host: VBoxManage natnetwork remove --netname lab\n\
        vm1: ping -c 1 -W 1 10.7.0.5\n\
        host: VBoxManage natnetwork list\n\
        host: VBoxManage controlvm vm1 nic1 natnetwork lab\n",
    );
    assert_eq!(exits(&report), [0, 2, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 1, 0, 1], "{:#?}", report.results);
    assert_eq!(stderr(&report, 1), "VBoxManage: error: NATNetwork server already exists\n");
    assert!(
        stderr(&report, 8)
            .starts_with("VBoxManage: error: Unable to change settings while NATNetwork instance is running\n")
    );
    assert!(stderr(&report, 8).ends_with("VBoxManage: error: Failed to set configuration\n"));
    assert_eq!(stdout(&report, 14), "NAT Networks:\n\n0 networks found\n");
}

const BLUE: &str = "host: VBoxManage controlvm vm1 nic1 intnet blue\nhost: VBoxManage controlvm vm2 nic1 intnet blue\n";

#[test]
fn an_internal_network_has_a_dhcp_server_only_if_one_is_defined_and_enabled() {
    let without = modes(&format!("{BLUE}vm1: timeout 20 true; dhclient -1 enp0s3\n"));
    assert_ne!(without.results[2].exit, 0, "{:?}", without.results[2]);
    let add = "host: VBoxManage dhcpserver add --netname blue --ip 10.10.10.1 --netmask 255.255.255.0 --lowerip 10.10.10.2 \
        --upperip 10.10.10.12";
    let script = format!(
        "{add}\n{BLUE}vm1: dhclient -1 enp0s3\nhost: VBoxManage dhcpserver modify --netname blue --enable --set-opt 6 9.9.9.9\n\
        vm1: dhclient enp0s3\nvm2: dhclient enp0s3\nvm1: ping -c 1 10.10.10.3\nvm1: cat /etc/resolv.conf\n\
        host: VBoxManage list dhcpservers\nhost: VBoxManage dhcpserver findlease --netname blue --mac-address 080027A1B2C3\n\
        host: VBoxManage dhcpserver remove --netname blue\nhost: VBoxManage dhcpserver findlease --netname blue --mac-address 080027A1B2C3\n"
    );
    let report = modes(&script);
    assert_eq!(exits(&report)[..3], [0, 0, 0]);
    assert_ne!(report.results[3].exit, 0, "it is created disabled");
    assert_eq!(exits(&report)[4..], [0, 0, 0, 0, 0, 0, 0, 0, 2], "{:#?}", report.results);
    assert!(stdout(&report, 8).contains("nameserver 9.9.9.9"), "{}", stdout(&report, 8));
    assert!(
        stdout(&report, 9).contains("        1/legacy: 255.255.255.0\n        6/legacy: 9.9.9.9\n"),
        "{}",
        stdout(&report, 9)
    );
    let lease = stdout(&report, 10);
    assert!(
        lease.starts_with("IP Address:  10.10.10.2\nMAC Address: 08:00:27:a1:b2:c3\nState:       acked\n"),
        "{lease}"
    );
    assert!(lease.contains("TTL:         600 sec, currently "), "{lease}");
    assert_eq!(stderr(&report, 12), "VBoxManage: error: DHCP server does not exist\n");
}

#[test]
fn a_card_gets_the_address_that_is_kept_for_it() {
    let report = modes(&format!(
        "host: VBoxManage dhcpserver add --netname blue --ip 10.10.10.1 --netmask 255.255.255.0 --lowerip 10.10.10.2 \
        --upperip 10.10.10.12 --enable --vm vm2 --nic 1 --fixed-address 10.10.10.99\n{BLUE}\
        vm2: dhclient enp0s3\nvm2: ip -br -4 addr show enp0s3\n"
    ));
    assert!(stdout(&report, 4).contains("10.10.10.99/24"), "{:#?}", report.results);
}

#[test]
fn internal_networks_of_different_names_do_not_meet() {
    let script = |second: &str| {
        format!(
            "host: VBoxManage controlvm vm1 nic1 intnet blue\nhost: VBoxManage controlvm vm2 nic1 intnet {second}\n\
            vm1: ip link set enp0s3 up\nvm1: ip addr add 10.5.5.1/24 dev enp0s3\n\
            vm2: ip link set enp0s3 up\nvm2: ip addr add 10.5.5.2/24 dev enp0s3\n\
            vm1: ping -c 1 -W 1 10.5.5.2\nhost: VBoxManage list intnets\n"
        )
    };
    let (same, other) = (modes(&script("blue")), modes(&script("red")));
    assert_eq!((same.results[6].exit, other.results[6].exit), (0, 1));
    assert_eq!(stdout(&other, 7), "Name:        blue\nName:        red\n");
}

#[test]
fn a_vm_is_switched_off_modified_and_switched_on() {
    let report = modes(
        "host: VBoxManage modifyvm vm1 --nic1 nat\n\
        host: VBoxManage controlvm vm1 poweroff\n\
        host: VBoxManage list runningvms\n\
        host: VBoxManage modifyvm vm1 --nic1 nat --macaddress1 080027000007 --nic2 intnet --intnet2 blue --natpf1 ssh,tcp,,2222,,22\n\
        host: VBoxManage modifyvm vm1 --natpf1 web,tcp,,80,,80\n\
        host: VBoxManage startvm vm1\n\
        vm1: ip -br link\n\
        vm1: dhclient enp0s3\n\
        vm1: ping -c 1 8.8.8.8\n\
        host: VBoxManage showvminfo vm1 --machinereadable\n\
        host: VBoxManage startvm vm1\n",
    );
    assert_eq!(exits(&report), [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1], "{:#?}", report.results);
    assert!(stderr(&report, 0).contains("is already locked for a session (or being unlocked)"));
    assert!(!stdout(&report, 2).contains("vm1") && stdout(&report, 2).contains("vm2"));
    assert!(stderr(&report, 4).contains("below 1024"), "{}", stderr(&report, 4));
    assert!(stdout(&report, 5).ends_with("VM \"vm1\" has been successfully started.\n"));
    assert!(stdout(&report, 6).contains("08:00:27:00:00:07") && stdout(&report, 6).contains("enp0s8"));
    let info = stdout(&report, 9);
    assert!(info.contains("Forwarding(0)=\"ssh,tcp,,2222,,22\"\n") && info.contains("intnet2=\"blue\"\n"), "{info}");
}

/// Frames between vm1 and vm2 that reached the card of vm3, and those that its policy kept from it.
fn overheard(policy: &str, promisc: &str) -> (usize, usize) {
    let mut lab = lab("modes");
    let mut third = lab.vms[0].clone();
    third.name = "vm3".to_owned();
    third.nics[0].mac = None;
    lab.vms.push(third);
    let attach = (1..=3).map(|vm| format!("host: VBoxManage controlvm vm{vm} nic1 intnet blue\n")).collect::<String>();
    let report = run(
        &lab,
        1,
        &format!(
            "{attach}host: VBoxManage controlvm vm3 nicpromisc1 {policy}\n\
            vm1: ip link set enp0s3 up; ip addr add 10.5.5.1/24 dev enp0s3\n\
            vm2: ip link set enp0s3 up; ip addr add 10.5.5.2/24 dev enp0s3\n\
            vm3: ip link set enp0s3 up promisc {promisc}\nvm1: ping -c 5 -i 0.2 10.5.5.2\n"
        ),
    );
    assert_eq!(report.results[7].exit, 0, "{:?}", report.results);
    let vm3 = report.world.node_named("vm3").expect("vm3 is in the lab");
    let icmp = |bytes: &[u8]| bytes.get(23) == Some(&1) && bytes.get(12..14) == Some(&[8, 0]);
    let seen = report
        .events
        .iter()
        .filter(|event| matches!(&event.fact, Fact::FrameSent(sent) if sent.to.node == vm3 && icmp(&sent.bytes.0)));
    let denied = report.events.iter().filter(
        |event| matches!(&event.fact, Fact::FrameDropped(drop) if drop.reason == DropReason::PromiscuousDenied),
    );
    (seen.count(), denied.count())
}

#[test]
fn a_card_overhears_other_vms_only_if_its_policy_allows_it() {
    assert_eq!(overheard("deny", "on").0, 0);
    assert_eq!(overheard("allow-vms", "on").0, 10);
    assert_eq!(overheard("allow-all", "on").0, 10);
    // A guest whose card does not listen is shown nothing, whatever it may.
    assert_eq!(overheard("allow-all", "off").0, 0);
}

/// How many echo frames between the host and the office's PC reach a bridged VM.
fn from_the_wire(policy: &str) -> usize {
    let report = modes(&format!(
        "host: VBoxManage controlvm vm1 nic1 bridged eth0\nhost: VBoxManage controlvm vm1 nicpromisc1 {policy}\n\
        vm1: ip link set enp0s3 up promisc on\nvm1: ip link show enp0s3\nhost: ping -c 5 -i 0.2 192.168.0.50\n"
    ));
    assert!(stdout(&report, 3).contains("<BROADCAST,MULTICAST,PROMISC,UP,LOWER_UP>"), "{}", stdout(&report, 3));
    let vm1 = report.world.node_named("vm1").expect("vm1 is in the lab");
    let icmp = |bytes: &[u8]| bytes.get(23) == Some(&1) && bytes.get(12..14) == Some(&[8, 0]);
    let seen = report
        .events
        .iter()
        .filter(|event| matches!(&event.fact, Fact::FrameSent(sent) if sent.to.node == vm1 && icmp(&sent.bytes.0)));
    let dropped = report.events.iter().filter(
        |event| matches!(&event.fact, Fact::FrameDropped(drop) if drop.node == vm1 && drop.reason == DropReason::ForAnotherMachine),
    );
    let seen = seen.count();
    assert_eq!(dropped.count(), seen, "what it overhears goes no further than packet sockets");
    seen
}

#[test]
fn a_bridged_card_overhears_the_hosts_frames_only_with_allow_all() {
    assert_eq!(from_the_wire("deny"), 0);
    assert_eq!(from_the_wire("allow-vms"), 0);
    assert_eq!(from_the_wire("allow-all"), 10);
}

#[test]
fn a_lab_file_defines_the_hypervisors_objects() {
    let mut lab = lab("modes");
    let hypervisor = r#"{"host": "host",
        "nat_network": [{"name": "campus", "network": "10.33.0.0/16", "dhcp": false}],
        "host_only": [{"name": "vboxnet1", "address": "192.168.60.1/24"}],
        "dhcp_server": [{"network": "blue", "address": "10.44.0.1/24", "first": "10.44.0.50", "last": "10.44.0.60",
                         "lease_secs": 900}]}"#;
    lab.hypervisors = vec![serde_json::from_str(hypervisor).unwrap()];
    lab.vms[0].nics[0].mode = netmodes_core::view::Mode::Internal;
    lab.vms[0].nics[0].network = "blue".to_owned();
    assert_eq!(lab.validate(), Ok(()));
    assert_eq!(Lab::from_json(&lab.to_json()).as_ref(), Ok(&lab));
    let report = run(
        &lab,
        1,
        "vm1: dhclient enp0s3\nvm1: ip -br -4 addr show enp0s3\nhost: ip -br -4 addr show vboxnet1\n\
        host: VBoxManage list natnets\nhost: VBoxManage controlvm vm2 nic1 natnetwork campus\nvm2: dhclient -1 enp0s3\n",
    );
    assert!(stdout(&report, 1).contains("10.44.0.50/24"), "{:#?}", report.results);
    assert!(stdout(&report, 2).contains("192.168.60.1/24"), "{:#?}", report.results);
    assert!(
        stdout(&report, 3).contains("Name:         campus\nNetwork:      10.33.0.0/16\n"),
        "{}",
        stdout(&report, 3)
    );
    assert_ne!(report.results[5].exit, 0, "a NAT network without DHCP leases nothing");
}
