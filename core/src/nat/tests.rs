use core::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::frame::tcp::flags;
use crate::rng::Purpose;
use crate::view::FlowState;

const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 111);

fn nat(config: NatConfig) -> Nat {
    Nat::new(config, crate::rng::Rng::stream(1, Purpose::Nat, 1))
}

fn out(realm: u32, proto: L4Proto, port: u16, remote: u8) -> Outgoing {
    Outgoing {
        realm,
        proto,
        inside: Endpoint::new(Ipv4Addr::new(10, 0, 2, 15), port),
        remote: Endpoint::new(Ipv4Addr::new(8, 8, 8, remote), if proto == L4Proto::Icmp { 0 } else { 53 }),
        tcp_flags: 0,
    }
}

fn none(_: L4Proto, _: u16) -> bool {
    false
}

#[test]
fn two_realms_with_equal_addresses_get_different_ports_and_their_own_replies() {
    let mut nat = nat(NatConfig::linux());
    let (a, b) = (out(1, L4Proto::Udp, 5000, 8), out(2, L4Proto::Udp, 5000, 8));
    let first = nat.translate_outbound(SimTime::ZERO, &a, OUTSIDE, &none).unwrap();
    let second = nat.translate_outbound(SimTime::ZERO, &b, OUTSIDE, &none).unwrap();
    assert_eq!(first.outside.port, 5000, "a free port is kept");
    assert!(nat.uses(L4Proto::Udp, first.outside) && !nat.uses(L4Proto::Tcp, first.outside));
    assert_ne!(first.outside, second.outside);
    for (packet, outbound) in [(a, first), (b, second)] {
        let back = nat.translate_inbound(SimTime::ZERO, packet.proto, outbound.outside, packet.remote, 0);
        assert_eq!(back, Inbound::To { flow: outbound.flow, realm: packet.realm, inside: packet.inside });
    }
}

#[test]
fn a_stranger_is_refused_and_an_unknown_port_is_the_machines_own() {
    let mut nat = nat(NatConfig::linux());
    let packet = out(1, L4Proto::Udp, 5000, 8);
    let outbound = nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap();
    let stranger = Endpoint::new(Ipv4Addr::new(9, 9, 9, 9), 53);
    let refused = nat.translate_inbound(SimTime::ZERO, L4Proto::Udp, outbound.outside, stranger, 0);
    assert_eq!(refused, Inbound::Refused(DropReason::NatFiltered));
    let elsewhere = Endpoint::new(OUTSIDE, 22);
    assert_eq!(nat.translate_inbound(SimTime::ZERO, L4Proto::Tcp, elsewhere, stranger, 0), Inbound::NotOurs);
}

#[test]
fn a_port_of_the_machines_own_socket_is_not_used() {
    let mut nat = nat(NatConfig::linux());
    let taken = |_: L4Proto, port: u16| port == 5000;
    let outbound = nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, 5000, 8), OUTSIDE, &taken).unwrap();
    assert_ne!(outbound.outside.port, 5000);
}

#[test]
fn an_endpoint_independent_mapping_is_used_again_for_another_remote() {
    let mut nat = nat(NatConfig { mapping: Mapping::EndpointIndependent, ..NatConfig::linux() });
    let first = nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, 5000, 8), OUTSIDE, &none).unwrap();
    let second = nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, 5000, 4), OUTSIDE, &none).unwrap();
    assert_eq!(first.outside, second.outside);
}

#[test]
fn a_flow_dies_after_its_timeout_unless_packets_refresh_it() {
    let mut nat = nat(NatConfig::linux());
    let packet = out(1, L4Proto::Icmp, 7, 8);
    nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap();
    nat.translate_outbound(SimTime::from_secs(20), &packet, OUTSIDE, &none).unwrap();
    nat.handle_timeout(SimTime::from_secs(30));
    assert_eq!(nat.flows().count(), 1);
    assert_eq!(nat.next_wakeup(), Some(SimTime::from_secs(50)));
    nat.handle_timeout(SimTime::from_secs(50));
    assert_eq!(nat.flows().count(), 0);
    assert_eq!(nat.next_wakeup(), None);
}

#[test]
fn a_tcp_flow_lives_five_days_until_a_fin_or_reset_shortens_it() {
    let mut nat = nat(NatConfig::linux());
    let now = SimTime::ZERO;
    let packet = Outgoing { tcp_flags: flags::SYN, ..out(1, L4Proto::Tcp, 4000, 8) };
    let outbound = nat.translate_outbound(now, &packet, OUTSIDE, &none).unwrap();
    nat.translate_inbound(now, L4Proto::Tcp, outbound.outside, packet.remote, flags::SYN | flags::ACK);
    let row = nat.row(outbound.flow, NodeId(1), None, true).unwrap();
    assert_eq!((row.state, row.expires), (FlowState::Established, Some(SimTime::from_secs(432_000))));
    let reset = Outgoing { tcp_flags: flags::RST, ..packet };
    nat.translate_outbound(now, &reset, OUTSIDE, &none).unwrap();
    nat.handle_timeout(SimTime::from_secs(10));
    assert_eq!(nat.flows().count(), 0);
}

#[test]
fn a_full_table_refuses_new_flows_and_keeps_the_old() {
    let mut nat = nat(NatConfig { flows_max: 2, ..NatConfig::linux() });
    for port in [1, 2] {
        nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, port, 8), OUTSIDE, &none).unwrap();
    }
    let third = nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, 3, 8), OUTSIDE, &none);
    assert_eq!(third, Err(DropReason::NatTableFull));
    assert!(nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Udp, 1, 8), OUTSIDE, &none).is_ok());
}

#[test]
fn a_forwarded_port_lets_strangers_in() {
    let mut nat = nat(NatConfig::linux());
    let inside = Endpoint::new(Ipv4Addr::new(10, 0, 2, 15), 22);
    let any = Endpoint::new(Ipv4Addr::UNSPECIFIED, 2222);
    nat.add_forward(Forward { realm: 1, proto: L4Proto::Tcp, outside: any, inside });
    let stranger = Endpoint::new(Ipv4Addr::new(192, 168, 0, 50), 40_000);
    let at = Endpoint::new(OUTSIDE, 2222);
    let Inbound::To { realm, inside: to, .. } =
        nat.translate_inbound(SimTime::ZERO, L4Proto::Tcp, at, stranger, flags::SYN)
    else {
        panic!("not forwarded");
    };
    assert_eq!((realm, to), (1, inside));
    let reply =
        Outgoing { realm: 1, proto: L4Proto::Tcp, inside, remote: stranger, tcp_flags: flags::SYN | flags::ACK };
    assert_eq!(nat.translate_outbound(SimTime::ZERO, &reply, OUTSIDE, &none).unwrap().outside, at);
}

fn step() -> impl Strategy<Value = (u32, u8, u16, u8, u64, u8)> {
    (1u32..3, 0u8..3, 1u16..6, 1u8..4, 0u64..40, 0u8..32)
}

proptest! {
    #[test]
    fn out_and_in_again_is_the_identity_and_no_two_live_flows_look_alike(
        steps in proptest::collection::vec(step(), 1..80),
        mapping in 0u8..3,
    ) {
        let mapping = [Mapping::EndpointIndependent, Mapping::AddressDependent, Mapping::AddressAndPortDependent]
            [usize::from(mapping)];
        let mut nat = nat(NatConfig { mapping, ..NatConfig::linux() });
        let mut now = SimTime::ZERO;
        for (realm, proto, port, remote, wait, tcp_flags) in steps {
            now += core::time::Duration::from_secs(wait);
            nat.handle_timeout(now);
            let proto = [L4Proto::Icmp, L4Proto::Tcp, L4Proto::Udp][usize::from(proto)];
            let tcp_flags = if proto == L4Proto::Tcp { tcp_flags } else { 0 };
            let packet = Outgoing { tcp_flags, ..out(realm, proto, port, remote) };
            let outbound = nat.translate_outbound(now, &packet, OUTSIDE, &none).unwrap();
            let back = nat.translate_inbound(now, proto, outbound.outside, packet.remote, 0);
            prop_assert_eq!(back, Inbound::To { flow: outbound.flow, realm, inside: packet.inside });
            let mut seen = std::collections::BTreeSet::new();
            for flow in nat.flows() {
                let row = nat.row(flow, NodeId(0), None, true).unwrap();
                prop_assert!(seen.insert((row.proto, row.outside, row.remote)), "two flows look alike from outside");
                prop_assert!(row.expires.unwrap() > now);
            }
            prop_assert_eq!(nat.by_outside.len(), nat.flows.len());
            prop_assert_eq!(nat.by_inside.len(), nat.flows.len());
            prop_assert!(nat.next_wakeup().is_some());
        }
    }
}
