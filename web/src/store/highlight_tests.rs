//! Tests of [`super`]: whose an address is, and where output speaks of it.

use netmodes_core::id::Port;
use netmodes_core::view::{AddrRow, IfaceRow, LinkRow, NodeRow, Row, Scope};
use proptest::prelude::*;

use super::*;

fn node(view: &mut LabView, id: u32, name: &str, kind: NodeKind) {
    let host = (kind == NodeKind::NatEngine).then_some(NodeId(0));
    view.put(Row::Node(NodeRow {
        id: NodeId(id),
        name: name.into(),
        kind,
        host,
        site: String::new(),
        real: false,
        off: false,
    }));
}

fn iface(view: &mut LabView, node: u32, index: u32, name: &str, addr: &str) {
    view.put(Row::Iface(IfaceRow {
        node: NodeId(node),
        index,
        name: name.into(),
        mac: MacAddr([8, 0, 0x27, 0, node as u8, index as u8]),
        mtu: 1500,
        up: true,
        carrier: true,
        loopback: name == "lo",
        promisc: false,
    }));
    view.put(Row::Addr(AddrRow {
        node: NodeId(node),
        iface: index,
        addr: addr.parse().unwrap(),
        prefix: 24,
        broadcast: None,
        scope: Scope::Global,
        secondary: false,
        dynamic: false,
        tentative: false,
        dad_failed: false,
        valid_until: None,
        label: None,
    }));
}

fn cable(view: &mut LabView, id: u32, a: (u32, u32), b: (u32, u32)) {
    let end = |(node, index)| Port { node: NodeId(node), index };
    view.put(Row::Link(LinkRow {
        id: LinkId(id),
        a: end(a),
        b: end(b),
        delay_ns: 1000,
        rate_bps: None,
        loss_ppm: 0,
        jitter_ns: 0,
        queue_frames: None,
        up: true,
        mute: [false; 2],
    }));
}

/// vm1 and vm2, each behind a NAT engine of its own, both with 10.0.2.15.
fn twins() -> LabView {
    let mut view = LabView::default();
    node(&mut view, 0, "host", NodeKind::Host);
    for vm in [1, 2] {
        node(&mut view, vm, &format!("vm{vm}"), NodeKind::Vm);
        iface(&mut view, vm, 1, "lo", "127.0.0.1");
        iface(&mut view, vm, 2, "enp0s3", "10.0.2.15");
        node(&mut view, 10 + vm, &format!("nat{vm}"), NodeKind::NatEngine);
        iface(&mut view, 10 + vm, 1, "in", "10.0.2.1");
        cable(&mut view, vm, (vm, 2), (10 + vm, 1));
    }
    iface(&mut view, 0, 2, "eth0", "192.168.0.111");
    view
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn of_two_machines_with_one_address_the_nearer_is_meant() {
    let view = twins();
    for vm in [NodeId(1), NodeId(2)] {
        assert_eq!(holder(&view, addr("10.0.2.15"), Some(vm)), Some((vm, 2)));
        assert_eq!(holder(&view, addr("10.0.2.1"), Some(vm)), Some((NodeId(10 + vm.0), 1)));
        assert_eq!(holder(&view, addr("10.0.2.15"), Some(NodeId(10 + vm.0))), Some((vm, 2)));
        assert_eq!(holder(&view, addr("127.0.0.1"), Some(vm)), Some((vm, 1)));
        assert_eq!(holder(&view, addr("192.168.0.111"), Some(vm)), Some((NodeId(0), 2)));
    }
    assert_eq!(holder(&view, addr("127.0.0.1"), None), None);
    assert_eq!(holder(&view, addr("203.0.113.9"), None), None);
}

#[test]
fn output_is_searched_for_addresses_and_macs() {
    let view = twins();
    let told = |text: &str| -> Vec<String> {
        mentions(&view, text, Some(NodeId(2)), false).into_iter().map(|(range, _)| text[range].to_owned()).collect()
    };
    assert_eq!(told("PING 8.8.8.8 (8.8.8.8) 56(84) bytes of data."), ["8.8.8.8", "8.8.8.8"]);
    assert_eq!(told("64 bytes from 10.0.2.1: icmp_seq=1 ttl=58 time=11.4 ms"), ["10.0.2.1"]);
    assert_eq!(told("inet 10.0.2.15/24 brd 10.0.2.255 scope host lo"), ["10.0.2.15/24", "10.0.2.255"]);
    assert_eq!(told("10.0.2.0/24 dev enp0s3 via 10.0.2.15:68, 10.0.2.15."), ["10.0.2.15", "10.0.2.15"]);
    assert_eq!(told("link/ether 08:00:27:00:02:02 brd ff:ff:ff:ff:ff:ff 12:30:05"), ["08:00:27:00:02:02"]);
    assert_eq!(told("0.0.0.0:* 255.255.255.255 ::1 fe80::1/64"), ["::1", "fe80::1/64"]);
}

#[test]
fn a_name_is_a_machine_only_where_names_are_asked_for() {
    let view = twins();
    assert_eq!(mentions(&view, "ping vm1", Some(NodeId(2)), false), []);
    let named = mentions(&view, "dev enp0s3 vm1", Some(NodeId(2)), true);
    let iface = Highlight::Iface { node: NodeId(2), iface: 2 };
    assert_eq!(named, [(4..10, iface), (11..14, Highlight::Node(NodeId(1)))]);
}

#[test]
fn an_address_speaks_of_its_card_its_machine_and_its_cable() {
    let view = twins();
    let word = resolve(&view, "10.0.2.15", Some(NodeId(1))).unwrap();
    let about = |other: Highlight| word.is_about(&other, &view);
    assert!(about(Highlight::Node(NodeId(1))) && !about(Highlight::Node(NodeId(2))));
    assert!(about(Highlight::Iface { node: NodeId(1), iface: 2 }));
    assert!(about(Highlight::Link(LinkId(1))) && !about(Highlight::Link(LinkId(2))));
    let nobody = resolve(&view, "203.0.113.9", None).unwrap();
    assert!(nobody.is_about(&nobody, &view) && !nobody.is_about(&word, &view));
}

proptest! {
    #[test]
    fn mentions_lie_on_characters_and_in_order(text in ".{0,60}", names in any::<bool>()) {
        let view = twins();
        let mut end = 0;
        for (range, _) in mentions(&view, &text, Some(NodeId(1)), names) {
            prop_assert!(range.start >= end && text.get(range.clone()).is_some_and(|word| !word.is_empty()));
            end = range.end;
        }
    }
}
