//! Command lines against an inventory: what is asked of the hypervisor, what is printed, what is refused.

use proptest::prelude::*;

use super::*;
use crate::hypervisor::{Inventory, NatNetworkChange, NetworkName, NicChange, NicView, VmView};
use crate::shell::fake::Fake;
use crate::view::{Mode, NicRow, Promiscuous};

fn view(running: bool) -> HypervisorView {
    let row = NicRow {
        vm: crate::id::NodeId(1),
        adapter: 1,
        mac: "08:00:27:a1:b2:c3".parse().unwrap(),
        mode: Mode::Nat,
        network: String::new(),
        cable: true,
        promiscuous: Promiscuous::Deny,
        iface: 2,
        tap: None,
        forwards: Vec::new(),
        nat_net: None,
    };
    let nic = NicView { row, remembered: [(Mode::Internal, "blue".to_owned())].into() };
    let vm = VmView { name: "vm1".to_owned(), running, nics: [(1, nic)].into() };
    let mut inventory = Inventory::default();
    let network = "10.0.10.0/24".parse().unwrap();
    inventory.add_nat_network("NatNetwork", network, &NatNetworkChange::default()).unwrap();
    HypervisorView { vms: vec![vm], inventory, ..HypervisorView::default() }
}

fn run(line: &str, view: &HypervisorView) -> Result<Plan, String> {
    let words: Vec<String> = crate::shell::fake::argv(line).into_iter().skip(1).collect();
    let mut fake = Fake::default();
    plan(&words, view, &mut fake).map_err(|failure| {
        let _ = failure.print(&mut fake);
        fake.err.clone()
    })
}

fn printed(line: &str, view: &HypervisorView) -> String {
    match run(line, view) {
        Ok(Plan::Print(text)) => text.to_plain(),
        other => panic!("{line}: {other:?}"),
    }
}

fn commands(line: &str, view: &HypervisorView) -> Vec<HypervisorCommand> {
    match run(line, view) {
        Ok(Plan::Do(commands, _)) => commands,
        other => panic!("{line}: {other:?}"),
    }
}

fn set_nic(change: NicChange) -> HypervisorCommand {
    HypervisorCommand::SetNic { vm: "vm1".to_owned(), adapter: 1, change }
}

#[test]
fn lists_look_as_virtualboxs() {
    let view = view(true);
    let vms = printed("VBoxManage list vms", &view);
    assert!(vms.starts_with("\"vm1\" {") && vms.ends_with("}\n") && vms.len() == "\"vm1\" {}\n".len() + 36, "{vms}");
    assert_eq!(printed("VBoxManage list runningvms", &view), vms);
    assert_eq!(
        printed("VBoxManage list natnets", &view),
        "Name:         NatNetwork\nNetwork:      10.0.10.0/24\nGateway:      10.0.10.1\nDHCP Server:  Yes\n\
         IPv6:         No\nIPv6 Prefix:  fd17:625c:f037:a::/64\nIPv6 Default: No\n\n"
    );
    let long = printed("VBoxManage natnetwork list Nat*", &view);
    assert!(long.starts_with("NAT Networks:\n\nName:         NatNetwork\nEnabled:      Yes\n"), "{long}");
    assert!(long.ends_with("loopback mappings (ipv4)\n        127.0.0.1=2\n\n1 network found\n"), "{long}");
    assert!(printed("VBoxManage natnetwork list x?", &view).ends_with("0 networks found\n"));
    assert_eq!(printed("VBoxManage list intnets", &view), "Name:        blue\n");
    // As VirtualBox 7 prints its default server.
    assert_eq!(
        printed("VBoxManage list dhcpservers", &view),
        "NetworkName:    HostInterfaceNetworking-vboxnet0\nDhcpd IP:       192.168.56.100\n\
         LowerIPAddress: 192.168.56.101\nUpperIPAddress: 192.168.56.254\nNetworkMask:    255.255.255.0\n\
         Enabled:        Yes\nGlobal Configuration:\n    minLeaseTime:     default\n    defaultLeaseTime: default\n    \
         maxLeaseTime:     default\n    Forced options:   None\n    Suppressed opts.: None\n        \
         1/legacy: 255.255.255.0\nGroups:               None\nIndividual Configs:   None\n"
    );
}

#[test]
fn a_vms_cards_are_shown_for_people_and_for_scripts() {
    let view = view(true);
    let people = printed("VBoxManage showvminfo vm1", &view);
    assert!(people.starts_with("Name:                        vm1\n"), "{people}");
    assert!(
        people.contains(
            "NIC 1:                       MAC: 080027A1B2C3, Attachment: NAT, Cable connected: on, Trace: off (file: none), \
             Type: 82540EM, Reported speed: 0 Mbps, Boot priority: 0, Promisc Policy: deny, Bandwidth group: none\n\
             NIC 1 Settings:  MTU: 0, Socket (send: 64, receive: 64), TCP Window (send:64, receive: 64)\n\
             NIC 2:                       disabled\n"
        ),
        "{people}"
    );
    let scripts = printed("VBoxManage showvminfo vm1 --machinereadable", &view);
    assert!(
        scripts.contains("natnet1=\"nat\"\nmacaddress1=\"080027A1B2C3\"\ncableconnected1=\"on\"\nnic1=\"nat\"\n"),
        "{scripts}"
    );
    assert!(scripts.contains("nic8=\"none\"\n") && scripts.contains("VMState=\"running\"\n"));
}

#[test]
fn a_running_vm_is_controlled_and_not_modified() {
    let on = view(true);
    let refused = run("VBoxManage modifyvm vm1 --nic1 bridged", &on).unwrap_err();
    assert_eq!(
        refused,
        "VBoxManage: error: The machine 'vm1' is already locked for a session (or being unlocked)\n\
         VBoxManage: error: Details: code VBOX_E_INVALID_OBJECT_STATE (0x80bb0007), component MachineWrap, interface \
         IMachine, callee nsISupports\n\
         VBoxManage: error: Context: \"LockMachine(a->session, LockType_Write)\" at line 641 of file \
         VBoxManageModifyVM.cpp\n"
    );
    let change = NicChange { mode: Some(Mode::Bridged), network: Some("eth0".to_owned()), ..NicChange::default() };
    assert_eq!(commands("VBoxManage controlvm vm1 nic1 bridged eth0", &on), [set_nic(change)]);
    let change = NicChange { mode: Some(Mode::NotAttached), ..NicChange::default() };
    assert_eq!(commands("VBoxManage controlvm vm1 nic1 null", &on), [set_nic(change)]);
    let change = NicChange { cable: Some(false), ..NicChange::default() };
    assert_eq!(commands("VBoxManage controlvm vm1 setlinkstate1 off", &on), [set_nic(change)]);
    let change = NicChange { promiscuous: Some(Promiscuous::AllowAll), ..NicChange::default() };
    assert_eq!(commands("VBoxManage controlvm vm1 nicpromisc1 allow-all", &on), [set_nic(change)]);
    assert!(matches!(
        &commands("VBoxManage controlvm vm1 natpf1 ssh,tcp,,2222,,22", &on)[..],
        [HypervisorCommand::AddForward { rule, .. }] if rule.name == "ssh"
    ));
    assert!(matches!(
        &commands("VBoxManage controlvm vm1 natpf1 delete ssh", &on)[..],
        [HypervisorCommand::RemoveForward { name, .. }] if name == "ssh"
    ));
    for (line, message) in [
        ("VBoxManage controlvm vm9 poweroff", "Could not find a registered machine named 'vm9'"),
        ("VBoxManage controlvm vm1 nic9 nat", "Invalid NIC number '9'."),
        ("VBoxManage controlvm vm1 nic1 bridged", "Missing argument to 'bridged'."),
        ("VBoxManage controlvm vm1 nic1 wifi", "Invalid type 'wifi' specfied for NIC 1."),
        (
            "VBoxManage controlvm vm1 nic2 nat",
            "The NIC 2 is currently disabled and thus its attachment type can't be changed.",
        ),
        ("VBoxManage controlvm vm1 setlinkstate1 maybe", "Invalid link state 'maybe'."),
        ("VBoxManage controlvm vm1 nicpromisc1 some", "Unknown promiscuous mode policy 'some'."),
        (
            "VBoxManage controlvm vm1 natpf1 a,sctp,,1,,2",
            "Wrong rule proto 'sctp' specified -- only 'udp' and 'tcp' are allowed.",
        ),
        ("VBoxManage controlvm vm1 dance", "Invalid parameter 'dance'"),
        ("VBoxManage frobnicate", "Invalid command 'frobnicate'"),
    ] {
        let said = run(line, &on).unwrap_err();
        assert!(said.contains(&format!("VBoxManage: error: {message}\n")), "{line}: {said}");
    }
    let off = run("VBoxManage controlvm vm1 poweroff", &view(false)).unwrap_err();
    assert_eq!(off, "VBoxManage: error: Machine 'vm1' is not currently running.\n");
}

#[test]
fn a_stopped_vm_is_modified_in_old_and_new_spellings() {
    let off = view(false);
    let expected = NicChange {
        mode: Some(Mode::HostOnly),
        remember: vec![(Mode::HostOnly, "vboxnet0".to_owned())],
        mac: Some("08:00:27:00:00:09".parse().unwrap()),
        cable: Some(false),
        promiscuous: Some(Promiscuous::AllowVms),
        ..NicChange::default()
    };
    for line in [
        "VBoxManage modifyvm vm1 --nic1 hostonly --hostonlyadapter1 vboxnet0 --macaddress1 080027000009 --cableconnected1 off --nicpromisc1 allow-vms",
        "VBoxManage modifyvm vm1 --nic1=hostonly --host-only-adapter1=vboxnet0 --mac-address1=080027000009 --cable-connected1=off --nic-promisc1=allow-vms",
    ] {
        assert_eq!(commands(line, &off), [set_nic(expected.clone())]);
    }
    assert!(matches!(
        &commands("VBoxManage modifyvm vm1 --nic2 intnet --intnet2 blue", &off)[..],
        [HypervisorCommand::AddNic { adapter: 2, change, .. }] if change.mode == Some(Mode::Internal)
    ));
    assert!(matches!(
        &commands("VBoxManage modifyvm vm1 --nic1 none", &off)[..],
        [HypervisorCommand::RemoveNic { adapter: 1, .. }]
    ));
    let both = commands("VBoxManage modifyvm vm1 --natpf1 ssh,tcp,,2222,,22 --natpf1 delete old", &off);
    assert!(matches!(&both[..], [HypervisorCommand::AddForward { .. }, HypervisorCommand::RemoveForward { .. }]));
    let said = run("VBoxManage modifyvm vm1 --macaddress1 090027000009", &off).unwrap_err();
    assert_eq!(said, "VBoxManage: error: Invalid MAC address format\n");
}

#[test]
fn networks_are_made_with_what_they_need() {
    let view = view(true);
    assert!(matches!(
        &commands("VBoxManage natnetwork add --netname lab --network 10.1.0.0/24 --enable --dhcp off --port-forward-4 ssh:tcp:[]:1022:[10.1.0.5]:22", &view)[..],
        [HypervisorCommand::AddNatNetwork { name, change, .. }]
            if name == "lab" && change.dhcp == Some(false) && change.enabled == Some(true) && change.add_forwards.len() == 1
    ));
    let network = NetworkName::Internal("blue".to_owned());
    let line = "VBoxManage dhcpserver add --netname blue --ip 10.10.10.1 --netmask 255.255.255.0 --lowerip 10.10.10.2 \
        --upperip 10.10.10.12 --set-opt 6 10.10.10.1 --mac-address 080027A1B2C3 --fixed-address 10.10.10.9 --enable";
    assert!(matches!(
        &commands(line, &view)[..],
        [HypervisorCommand::AddDhcpServer { network: made, change, .. }]
            if *made == network && change.enabled == Some(true) && change.options.len() == 1 && change.fixed.len() == 1
    ));
    for (line, message) in [
        ("VBoxManage natnetwork add --network 10.1.0.0/24", "You need to specify the --netname option"),
        ("VBoxManage natnetwork add --netname x", "You need to specify the --network option"),
        ("VBoxManage natnetwork add --netname x --network ten", "ten is not a valid IPv4 CIDR notation"),
        ("VBoxManage natnetwork dance", "Invalid parameter 'dance'"),
        ("VBoxManage hostonlyif", "No sub-command specified"),
        ("VBoxManage hostonlyif remove", "No interface name was specified"),
        ("VBoxManage hostonlyif remove vboxnet9", "The host network interface named 'vboxnet9' could not be found"),
        (
            "VBoxManage dhcpserver add --netname x --ip 10.0.0.1 --netmask 255.0.0.0 --lowerip 10.0.0.2",
            "Missing required option: --upperip",
        ),
        (
            "VBoxManage dhcpserver modify --enable",
            "You need to specify either --network or --interface to identify the DHCP server",
        ),
        ("VBoxManage dhcpserver remove --netname nope", "DHCP server does not exist"),
        ("VBoxManage dhcpserver findlease --netname nope", "You need to specify a MAC address too look for"),
    ] {
        let said = run(line, &view).unwrap_err();
        assert!(said.contains(&format!("VBoxManage: error: {message}\n")), "{line}: {said}");
    }
}

proptest! {
    #[test]
    fn any_words_are_a_plan_or_a_refusal(words in prop::collection::vec("[ -~]{0,20}", 0..8), at in 0_usize..12) {
        let starts = ["list", "showvminfo", "modifyvm", "controlvm", "natnetwork", "hostonlyif", "dhcpserver", "startvm"];
        let mut words = words;
        if let Some(start) = starts.get(at) {
            words.insert(0, (*start).to_owned());
            if at == 2 || at == 3 {
                words.insert(1, "vm1".to_owned());
            }
        }
        for running in [true, false] {
            let _ = plan(&words, &view(running), &mut Fake::default());
        }
    }
}
