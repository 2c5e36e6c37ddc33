//! Tests of the inventory: VirtualBox's limits and errors.

use proptest::prelude::*;

use super::forward::{network_rule, nic_rule, parse_network_rule, parse_nic_rule};
use super::*;
use crate::addr::{Cidr, L4Proto};
use crate::lab::{DhcpOptionSpec, DhcpOptionValue, ForwardSpec};

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn code<T>(result: Result<T, UserError>) -> String {
    result.err().map(|error| error.code).unwrap_or_default()
}

fn rule(name: &str, host_port: u16) -> ForwardSpec {
    let guest_address = Some("10.0.10.4".parse().unwrap());
    ForwardSpec {
        name: name.to_owned(),
        proto: L4Proto::Tcp,
        host_address: None,
        host_port,
        guest_address,
        guest_port: 22,
    }
}

#[test]
fn a_nat_network_has_a_prefix_up_to_30_and_no_host_bits() {
    for (network, ok) in [
        ("10.0.10.0/24", true),
        ("192.168.15.0/30", true),
        ("10.0.0.0/31", false),
        ("10.0.0.1/32", false),
        ("0.0.0.0/0", false),
        ("10.0.10.1/24", false),
        ("224.0.0.0/8", false),
    ] {
        let mut inventory = Inventory::default();
        let added = inventory.add_nat_network("n", cidr(network), &NatNetworkChange::default());
        assert_eq!(added.is_ok(), ok, "{network}");
        assert_eq!(inventory.nat_networks.contains_key("n"), ok);
    }
}

#[test]
fn the_smallest_nat_network_leases_its_only_address() {
    let numbers = NatNet::new(cidr("10.9.9.4/30")).numbers(crate::lab::Profile::Lecture);
    assert_eq!(
        (numbers.gateway.to_string(), numbers.first, numbers.last),
        ("10.9.9.5".to_owned(), numbers.last, numbers.first)
    );
    assert_eq!(numbers.first.to_string(), "10.9.9.6");
    let usual = NatNet::new(cidr("10.0.2.0/24")).numbers(crate::lab::Profile::Lecture);
    assert_eq!((usual.first.to_string(), usual.last.to_string()), ("10.0.2.4".to_owned(), "10.0.2.254".to_owned()));
}

#[test]
fn no_object_is_made_twice_and_none_is_changed_that_is_not_there() {
    let mut inventory = Inventory::default();
    let none = NatNetworkChange::default();
    inventory.add_nat_network("n", cidr("10.1.0.0/16"), &none).unwrap();
    assert_eq!(code(inventory.add_nat_network("n", cidr("10.2.0.0/16"), &none)), "hv-natnetwork-exists");
    assert_eq!(code(inventory.nat_network("m")), "hv-natnetwork-unknown");
    let (intnet, server) = (NetworkName::Internal("intnet".to_owned()), NetworkDhcp::of_default_host_only());
    inventory.add_dhcp_server(&intnet, server.clone()).unwrap();
    assert_eq!(code(inventory.add_dhcp_server(&intnet, server)), "hv-dhcp-exists");
    assert_eq!(code(inventory.dhcp_server(&NetworkName::Internal("other".to_owned()))), "hv-dhcp-unknown");
    assert_eq!(code(inventory.host_only("vboxnet0")), "hv-hostonly-unknown");
}

#[test]
fn a_rule_has_a_name_and_a_host_port_of_its_own_and_a_port_that_a_user_may_open() {
    let mut rules = Vec::new();
    forward::add(&mut rules, &rule("ssh", 2_222)).unwrap();
    assert_eq!(code(forward::add(&mut rules, &rule("ssh", 2_223))), "hv-forward-exists");
    assert_eq!(code(forward::add(&mut rules, &rule("again", 2_222))), "hv-forward-taken");
    forward::add(&mut rules, &ForwardSpec { proto: L4Proto::Udp, ..rule("udp", 2_222) }).unwrap();
    assert_eq!(code(forward::add(&mut rules, &rule("web", 80))), "hv-forward-privileged");
    assert_eq!(code(forward::add(&mut rules, &rule("zero", 0))), "hv-forward-port");
    assert_eq!(
        code(forward::add(&mut rules, &ForwardSpec { proto: L4Proto::Icmp, ..rule("icmp", 3_000) })),
        "hv-forward-proto"
    );
    assert_eq!(code(forward::remove(&mut rules, "nope")), "hv-forward-unknown");
    forward::remove(&mut rules, "ssh").unwrap();
    assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["udp"]);
}

#[test]
fn a_nat_networks_rule_names_its_guest_and_moves_with_the_network() {
    let mut net = NatNet::new(cidr("10.0.10.0/24"));
    let nobody = ForwardSpec { guest_address: None, ..rule("ssh", 2_222) };
    let add = |rule| NatNetworkChange { add_forwards: vec![rule], ..NatNetworkChange::default() };
    assert_eq!(code(net.change(&add(nobody))), "hv-forward-guest");
    net.change(&add(rule("ssh", 2_222))).unwrap();
    let moved = NatNetworkChange { network: Some(cidr("172.16.0.0/16")), ..NatNetworkChange::default() };
    net.change(&moved).unwrap();
    assert_eq!(net.forwards[0].guest_address.unwrap().to_string(), "172.16.0.4");
}

#[test]
fn loopback_is_mapped_to_a_free_host_of_the_network() {
    let mut net = NatNet::new(cidr("10.0.10.0/24"));
    let map = |addr: &str, host| NatNetworkChange {
        loopback: vec![(addr.parse().unwrap(), host)],
        ..NatNetworkChange::default()
    };
    assert_eq!(net.loopback, [(core::net::Ipv4Addr::LOCALHOST, 2)]);
    assert_eq!(code(net.change(&map("127.0.0.2", 2))), "hv-loopback");
    assert_eq!(code(net.change(&map("10.0.0.1", 6))), "hv-loopback");
    assert_eq!(code(net.change(&map("127.0.0.2", 300))), "hv-loopback");
    net.change(&map("127.0.0.1", 6)).unwrap();
    net.change(&map("127.0.0.1", 0)).unwrap();
    assert_eq!(net.loopback, []);
}

#[test]
fn host_only_addresses_lie_where_the_host_allows() {
    for (address, conf, ok) in [
        ("192.168.56.1/24", None, true),
        ("192.168.63.254/24", None, true),
        ("192.168.64.1/24", None, false),
        ("10.0.0.1/24", None, false),
        ("192.168.56.0/24", None, false),
        ("10.1.2.3/24", Some("# ours\n* 10.0.0.0/8 172.16.0.0/12 # more\n"), true),
        ("172.16.0.1/24", Some("* 10.0.0.0/8 172.16.0.0/12"), true),
        ("192.168.56.1/24", Some("* 10.0.0.0/8"), false),
        ("192.168.56.1/24", Some(""), false),
        ("203.0.113.1/24", Some("* 0.0.0.0/0 ::/0\n"), true),
    ] {
        assert_eq!(check_host_only_address(cidr(address), conf).is_ok(), ok, "{address} {conf:?}");
    }
}

#[test]
fn there_are_128_host_only_interfaces_and_the_first_free_number_is_next() {
    let mut inventory = Inventory::default();
    for number in 0..128 {
        assert_eq!(inventory.next_host_only().unwrap(), number);
        let made = HostOnly { number, address: HostOnly::default_address(number), configured: false, iface: 1 };
        inventory.host_only.insert(HostOnly::name_of(number), made);
    }
    assert_eq!(code(inventory.next_host_only()), "hv-hostonly-many");
    inventory.host_only.remove("vboxnet7");
    assert_eq!(inventory.next_host_only().unwrap(), 7);
    assert_eq!(HostOnly::number_of("vboxnet127"), Some(127));
    assert_eq!((HostOnly::number_of("vboxnet128"), HostOnly::number_of("vboxnet07")), (None, None));
    assert_eq!(HostOnly::mac(3).to_string(), "0a:00:27:00:00:03");
    assert_eq!(HostOnly::default_address(1).to_string(), "192.168.57.1/24");
}

#[test]
fn a_dhcp_server_is_made_disabled_and_its_numbers_are_virtualboxs() {
    let at = |text: &str| text.parse().unwrap();
    let server = NetworkDhcp::new(cidr("10.10.10.1/24"), at("10.10.10.2"), at("10.10.10.12")).unwrap();
    assert!(!server.enabled);
    assert!(NetworkDhcp::of_default_host_only().enabled);
    let config = server.config();
    assert_eq!((config.lease_secs, config.lease_secs_range), (600, (300, 43_200)));
    assert_eq!(config.router, None);
    assert!(config.dns.is_empty());
    for (address, first, last) in [
        ("10.10.10.1/24", "10.10.10.12", "10.10.10.2"),
        ("10.10.10.1/24", "10.10.10.2", "10.10.11.2"),
        ("10.10.10.0/24", "10.10.10.2", "10.10.10.9"),
        ("10.10.10.1/31", "10.10.10.0", "10.10.10.1"),
        ("10.0.0.1/1", "0.0.0.1", "100.0.0.1"),
    ] {
        assert_eq!(
            code(NetworkDhcp::new(cidr(address), at(first), at(last))),
            "hv-dhcp-range",
            "{address} {first} {last}"
        );
    }
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let mut server = NetworkDhcp::of_default_host_only();
    let before = server.clone();
    let option = DhcpOptionSpec { code: 255, value: DhcpOptionValue::U8(1) };
    let change = DhcpServerChange { enabled: Some(false), options: vec![option], ..DhcpServerChange::default() };
    assert_eq!(code(server.change(&change)), "hv-dhcp-option");
    assert_eq!(server, before);
    let mut net = NatNet::new(cidr("10.0.10.0/24"));
    let before = net.clone();
    let change =
        NatNetworkChange { dhcp: Some(false), remove_forwards: vec!["nope".to_owned()], ..NatNetworkChange::default() };
    assert_eq!(code(net.change(&change)), "hv-forward-unknown");
    assert_eq!(net, before);
}

#[test]
fn a_cards_mac_is_12_digits_and_no_groups() {
    assert_eq!(parse_mac("080027A1b2c3").unwrap().to_string(), "08:00:27:a1:b2:c3");
    assert_eq!(parse_mac("08:00:27:a1:b2:c3").unwrap().to_string(), "08:00:27:a1:b2:c3");
    for wrong in [
        "",
        "080027A1B2C",
        "080027A1B2C3D",
        "090027A1B2C3",
        "ffffffffffff",
        "000000000000",
        "080027A1B2G3",
        "0800 27A1B2C3",
    ] {
        assert_eq!(code(parse_mac(wrong)), "hv-mac", "{wrong}");
    }
}

#[test]
fn rules_are_read_in_both_notations() {
    let ssh = parse_nic_rule("guestssh,tcp,,2222,,22").unwrap();
    assert_eq!(
        (ssh.name.as_str(), ssh.host_port, ssh.guest_port, ssh.host_address, ssh.guest_address),
        ("guestssh", 2_222, 22, None, None)
    );
    assert_eq!(parse_nic_rule(",tcp,,2222,,22").unwrap().name, "tcp__2222__22");
    let network = parse_network_rule("ssh:tcp:[]:1022:[192.168.15.5]:22").unwrap();
    assert_eq!(network.guest_address.unwrap().to_string(), "192.168.15.5");
    for wrong in ["ssh:tcp:[]:1022:22", "ssh:icmp:[]:1022:[1.2.3.4]:22", "ssh:tcp:[]:70000:[1.2.3.4]:22", "ssh", ""] {
        assert_eq!(parse_network_rule(wrong), None, "{wrong}");
    }
    for wrong in ["ssh,tcp,,2222,,", "ssh,tcp,2222,,22", "ssh,sctp,,1,,2", "ssh,tcp,300.1.1.1,1,,2"] {
        assert_eq!(parse_nic_rule(wrong), None, "{wrong}");
    }
}

prop_compose! {
    fn any_rule()(
        name in "[a-z][a-z0-9-]{0,12}", udp in any::<bool>(), host in any::<Option<[u8; 4]>>(),
        guest in any::<Option<[u8; 4]>>(), host_port in any::<u16>(), guest_port in any::<u16>(),
    ) -> ForwardSpec {
        let proto = if udp { L4Proto::Udp } else { L4Proto::Tcp };
        ForwardSpec { name, proto, host_address: host.map(Into::into), host_port, guest_address: guest.map(Into::into), guest_port }
    }
}

proptest! {
    #[test]
    fn what_is_printed_of_a_rule_is_read_as_the_same_rule(rule in any_rule()) {
        prop_assert_eq!(parse_nic_rule(&nic_rule(&rule)), Some(rule.clone()));
        prop_assert_eq!(parse_network_rule(&network_rule(&rule)), Some(rule));
    }

    #[test]
    fn any_text_is_a_rule_or_none(text in any::<String>()) {
        let _ = (parse_nic_rule(&text), parse_network_rule(&text), parse_mac(&text));
        let _ = check_host_only_address(cidr("10.0.0.1/8"), Some(&text));
    }
}
