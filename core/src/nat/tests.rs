use core::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::frame::tcp::flags;
use crate::id::NodeId;
use crate::rng::Purpose;
use crate::time::SimTime;
use crate::view::{FlowOrigin, FlowState, FlowTimer};

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
    assert_eq!(nat.flows().len(), 1);
    assert_eq!(nat.next_wakeup(), Some(SimTime::from_secs(50)));
    nat.handle_timeout(SimTime::from_secs(50));
    assert_eq!(nat.flows().len(), 0);
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
    assert_eq!(nat.flows().len(), 0);
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

const MAPPINGS: [Mapping; 3] =
    [Mapping::EndpointIndependent, Mapping::AddressDependent, Mapping::AddressAndPortDependent];
const FILTERINGS: [Filtering; 3] =
    [Filtering::EndpointIndependent, Filtering::AddressDependent, Filtering::AddressAndPortDependent];

fn udp(inside: u16, remote: u8, port: u16) -> Outgoing {
    let remote = Endpoint::new(Ipv4Addr::new(8, 8, 8, remote), port);
    Outgoing { remote, ..out(1, L4Proto::Udp, inside, 8) }
}

/// The outside ports of three packets: to one endpoint, to another port there, to another address.
fn ports_of_three(mapping: Mapping) -> [u16; 3] {
    // Without port preservation, so that an equal port is the mapping's doing.
    let mut nat = nat(NatConfig { mapping, port_preservation: false, ..NatConfig::rfc() });
    [udp(5000, 8, 53), udp(5000, 8, 54), udp(5000, 4, 53)]
        .map(|packet| nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap().outside.port)
}

#[test]
fn rfc4787_req1_each_kind_of_mapping_is_used_again_for_what_it_does_not_depend_on() {
    let [a, b, c] = ports_of_three(Mapping::EndpointIndependent);
    assert!(a == b && b == c);
    let [a, b, c] = ports_of_three(Mapping::AddressDependent);
    assert!(a == b && b != c);
    let [a, b, c] = ports_of_three(Mapping::AddressAndPortDependent);
    assert!(a != b && b != c && a != c);
}

#[test]
fn rfc4787_req3_no_port_is_overloaded_and_low_ports_stay_low() {
    let mut nat = nat(NatConfig::rfc());
    let low = nat.translate_outbound(SimTime::ZERO, &udp(123, 8, 123), OUTSIDE, &none).unwrap();
    assert_eq!(low.outside.port, 123, "a free port is kept");
    let mut seen = std::collections::BTreeSet::from([low.outside.port]);
    for realm in 2..60 {
        // Each to another remote: answers could be told apart, and still no port serves two.
        let packet = Outgoing { realm, ..udp(123, realm as u8, 123) };
        let port = nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap().outside.port;
        assert!((1..1024).contains(&port) && seen.insert(port), "{port}");
    }
    let high = nat.translate_outbound(SimTime::ZERO, &udp(40_000, 8, 123), OUTSIDE, &|_, port| port == 40_000).unwrap();
    assert!(high.outside.port >= 1024);
}

#[test]
fn rfc4787_req4_parity_is_kept_while_there_are_such_ports() {
    let mut nat = nat(NatConfig { port_preservation: false, port_range: (2_000, 2_009), ..NatConfig::rfc() });
    for port in [3_001, 3_003, 3_005, 3_007, 3_009] {
        let outside = nat.translate_outbound(SimTime::ZERO, &udp(port, 8, 53), OUTSIDE, &none).unwrap().outside;
        assert_eq!(outside.port % 2, 1);
    }
    let outside = nat.translate_outbound(SimTime::ZERO, &udp(3_011, 8, 53), OUTSIDE, &none).unwrap().outside;
    assert_eq!(outside.port % 2, 0, "rather an even port than none");
}

#[test]
fn rfc4787_req5_a_udp_mapping_lives_two_minutes_at_least() {
    let mut nat = nat(NatConfig::rfc());
    let flow = nat.translate_outbound(SimTime::ZERO, &udp(5000, 8, 5000), OUTSIDE, &none).unwrap().flow;
    nat.handle_timeout(SimTime::from_secs(120));
    let row = nat.row(flow, NodeId(1), None, true).unwrap();
    assert_eq!(row.expires, Some(SimTime::from_secs(300)));
    assert_eq!(row.why.unwrap().timer, FlowTimer::Udp);
}

#[test]
fn rfc4787_req6_what_goes_out_refreshes_and_what_comes_in_only_where_it_may() {
    for inbound_refresh in [true, false] {
        let mut nat = nat(NatConfig { inbound_refresh, ..NatConfig::rfc() });
        let packet = udp(5000, 8, 53);
        let outbound = nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap();
        let at = SimTime::from_secs(200);
        assert!(matches!(
            nat.translate_inbound(at, L4Proto::Udp, outbound.outside, packet.remote, 0),
            Inbound::To { .. }
        ));
        nat.handle_timeout(SimTime::from_secs(300));
        assert_eq!(nat.flows().len(), usize::from(inbound_refresh));
        nat.translate_outbound(SimTime::from_secs(301), &packet, OUTSIDE, &none).unwrap();
        nat.handle_timeout(SimTime::from_secs(600));
        assert_eq!(nat.flows().len(), 1);
    }
}

#[test]
fn rfc4787_req8_each_kind_of_filtering_lets_in_whom_it_says() {
    for (filtering, expected) in FILTERINGS.into_iter().zip([[true, true], [true, false], [false, false]]) {
        let mut nat = nat(NatConfig { filtering, ..NatConfig::rfc() });
        let outside = nat.translate_outbound(SimTime::ZERO, &udp(5000, 8, 53), OUTSIDE, &none).unwrap().outside;
        let strangers = [udp(0, 8, 99).remote, udp(0, 4, 53).remote];
        let let_in =
            strangers.map(|remote| match nat.translate_inbound(SimTime::ZERO, L4Proto::Udp, outside, remote, 0) {
                Inbound::To { flow, .. } => {
                    let why = nat.row(flow, NodeId(1), None, false).unwrap().why.unwrap();
                    assert_eq!(why.origin, FlowOrigin::Incoming);
                    true
                }
                Inbound::Refused(reason) => {
                    assert_eq!(reason, DropReason::NatFiltered);
                    false
                }
                Inbound::NotOurs => panic!("there is a mapping"),
            });
        assert_eq!(let_in, expected, "{filtering:?}");
    }
}

#[test]
fn rfc4787_req9_two_insides_meet_at_their_outside_endpoints() {
    let mut nat = nat(NatConfig { filtering: Filtering::EndpointIndependent, ..NatConfig::rfc() });
    let b = nat.translate_outbound(SimTime::ZERO, &Outgoing { realm: 2, ..udp(6000, 8, 53) }, OUTSIDE, &none).unwrap();
    let to_b = Outgoing { remote: b.outside, ..udp(5000, 8, 53) };
    let a = nat.translate_outbound(SimTime::ZERO, &to_b, OUTSIDE, &none).unwrap();
    // Turned round at the outside: b sees a's outside endpoint (REQ-9a), and answers it.
    let arrived = nat.translate_inbound(SimTime::ZERO, L4Proto::Udp, b.outside, a.outside, 0);
    assert!(matches!(arrived, Inbound::To { realm: 2, .. }), "{arrived:?}");
    let answer = Outgoing { realm: 2, remote: a.outside, ..udp(6000, 8, 53) };
    let out = nat.translate_outbound(SimTime::ZERO, &answer, OUTSIDE, &none).unwrap();
    assert_eq!(out.outside, b.outside);
    let back = nat.translate_inbound(SimTime::ZERO, L4Proto::Udp, a.outside, b.outside, 0);
    assert!(matches!(back, Inbound::To { realm: 1, .. }), "{back:?}");
}

#[test]
fn rfc4787_req12_and_rfc5508_req6_an_error_neither_ends_nor_refreshes_a_flow() {
    let mut nat = nat(NatConfig::rfc());
    let packet = udp(5000, 8, 53);
    let outbound = nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap();
    let found = nat.lookup_outbound_of_error(L4Proto::Udp, outbound.outside, packet.remote);
    assert_eq!(found, Some((outbound.flow, 1, packet.inside)));
    let back = nat.lookup_inbound_of_error(1, L4Proto::Udp, packet.inside, packet.remote);
    assert_eq!(back, Some(outbound.outside));
    let row = nat.row(outbound.flow, NodeId(1), None, true).unwrap();
    assert_eq!(row.expires, Some(SimTime::from_secs(300)));
}

#[test]
fn rfc5382_req5_tcp_lives_two_hours_and_four_minutes_and_four_minutes_while_it_opens_or_closes() {
    let mut nat = nat(NatConfig::rfc());
    let syn = Outgoing { tcp_flags: flags::SYN, ..out(1, L4Proto::Tcp, 4000, 8) };
    let outbound = nat.translate_outbound(SimTime::ZERO, &syn, OUTSIDE, &none).unwrap();
    let expires = |nat: &Nat| nat.row(outbound.flow, NodeId(1), None, true).unwrap().expires.unwrap().as_secs();
    assert_eq!(expires(&nat), 240);
    nat.translate_inbound(SimTime::ZERO, L4Proto::Tcp, outbound.outside, syn.remote, flags::SYN | flags::ACK);
    assert_eq!(expires(&nat), 7_440);
    let fin = Outgoing { tcp_flags: flags::FIN | flags::ACK, ..syn };
    nat.translate_outbound(SimTime::ZERO, &fin, OUTSIDE, &none).unwrap();
    assert_eq!(expires(&nat), 240);
}

#[test]
fn rfc5382_req2_both_sides_may_open_at_once() {
    let mut nat = nat(NatConfig::rfc());
    let syn = Outgoing { tcp_flags: flags::SYN, ..out(1, L4Proto::Tcp, 4000, 8) };
    let outbound = nat.translate_outbound(SimTime::ZERO, &syn, OUTSIDE, &none).unwrap();
    let theirs = nat.translate_inbound(SimTime::ZERO, L4Proto::Tcp, outbound.outside, syn.remote, flags::SYN);
    assert!(matches!(theirs, Inbound::To { .. }));
}

#[test]
fn rfc5508_req2_an_icmp_query_lives_a_minute() {
    let mut nat = nat(NatConfig::rfc());
    nat.translate_outbound(SimTime::ZERO, &out(1, L4Proto::Icmp, 7, 8), OUTSIDE, &none).unwrap();
    nat.handle_timeout(SimTime::from_secs(59));
    assert_eq!(nat.flows().len(), 1);
    nat.handle_timeout(SimTime::from_secs(60));
    assert_eq!(nat.flows().len(), 0);
}

#[test]
fn a_late_answer_is_told_from_a_packet_for_a_port_that_nobody_used() {
    let mut nat = nat(NatConfig::rfc());
    let packet = udp(5000, 8, 53);
    let outside = nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap().outside;
    let late = SimTime::from_secs(300);
    nat.handle_timeout(late);
    assert_eq!(nat.translate_inbound(late, L4Proto::Udp, outside, packet.remote, 0), Inbound::NotOurs);
    assert!(nat.used_lately(L4Proto::Udp, outside));
    assert!(!nat.used_lately(L4Proto::Udp, Endpoint::new(OUTSIDE, 5001)));
}

#[test]
fn flows_of_an_address_that_the_machine_has_lost_are_made_anew() {
    let mut nat = nat(NatConfig::rfc());
    let packet = udp(5000, 8, 53);
    nat.translate_outbound(SimTime::ZERO, &packet, OUTSIDE, &none).unwrap();
    let other = Ipv4Addr::new(192, 168, 0, 112);
    for remote in [8, 4] {
        let again = nat.translate_outbound(SimTime::ZERO, &udp(5000, remote, 53), other, &none).unwrap();
        assert_eq!(again.outside, Endpoint::new(other, 5000));
    }
    assert!(nat.consistent());
}

/// 65,535 flows with each kind of mapping: the next is refused and counted, time ends all. A quadratic table would need
/// minutes for it.
#[test]
fn a_table_of_65535_flows_refuses_the_next_counts_it_and_empties() {
    for mapping in MAPPINGS {
        let mut nat = nat(NatConfig { mapping, ..NatConfig::rfc() });
        let max = NatConfig::rfc().flows_max as u32;
        let packet = |i: u32| {
            // 64 inside ports, 32 remotes with 32 ports each; a few realms fight for the same outside ports.
            let remote = Endpoint::new(Ipv4Addr::new(9, 0, 0, (i >> 5 & 31) as u8), 1_000 + (i & 31) as u16);
            let inside = Endpoint::new(Ipv4Addr::new(10, 0, 2, 15), 20_000 + (i >> 10) as u16);
            Outgoing { realm: i % 7, proto: L4Proto::Udp, inside, remote, tcp_flags: 0 }
        };
        for i in 0..max {
            assert!(nat.translate_outbound(SimTime::ZERO, &packet(i), OUTSIDE, &none).is_ok(), "{mapping:?} {i}");
        }
        for i in max..max + 3 {
            let refused = nat.translate_outbound(SimTime::ZERO, &packet(i), OUTSIDE, &none);
            assert_eq!(refused, Err(DropReason::NatTableFull));
        }
        assert_eq!(nat.refused(), 3);
        assert!(nat.consistent());
        while nat.poll_change().is_some() {}
        nat.handle_timeout(SimTime::from_secs(300));
        assert!(nat.flows().is_empty() && nat.consistent() && nat.next_wakeup().is_none());
    }
}

fn step() -> impl Strategy<Value = (u32, u8, u16, u8, u64, u8)> {
    (1u32..3, 0u8..3, 1u16..6, 1u8..4, 0u64..200, 0u8..32)
}

proptest! {
    #[test]
    fn out_and_in_again_is_the_identity_for_all_kinds_of_mapping_and_filtering(
        steps in proptest::collection::vec(step(), 1..80),
        (mapping, filtering) in (0usize..3, 0usize..3),
        preserve: bool,
        inbound_refresh: bool,
    ) {
        let (mapping, filtering) = (MAPPINGS[mapping], FILTERINGS[filtering]);
        let config = NatConfig { mapping, filtering, port_preservation: preserve, inbound_refresh, ..NatConfig::rfc() };
        let mut nat = nat(config);
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
            // A stranger gets in or not, and what he gets to is the one who has the outside endpoint.
            let stranger = Endpoint::new(Ipv4Addr::new(8, 8, 8, remote % 3 + 1), 7);
            if let Inbound::To { realm: at, inside, .. } =
                nat.translate_inbound(now, proto, outbound.outside, stranger, 0)
            {
                prop_assert!(mapping == Mapping::AddressAndPortDependent || (at, inside) == (realm, packet.inside));
            }
            let mut seen = std::collections::BTreeSet::new();
            for flow in nat.flows() {
                let row = nat.row(flow, NodeId(0), None, true).unwrap();
                prop_assert!(seen.insert((row.proto, row.outside, row.remote)), "two flows look alike from outside");
                prop_assert!(row.expires.unwrap() > now);
            }
            prop_assert!(nat.consistent());
            prop_assert!(nat.next_wakeup().is_some());
        }
    }
}
