//! Connections as they pass a router in the middle.

use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::addr::L4Proto;
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::{Ipv4, Ipv4Header};
use crate::frame::tcp::{Tcp, flags};
use crate::frame::udp::Udp;
use crate::netfilter::model::NatTo;
use crate::rng::{Purpose, Rng};

const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
const REMOTE: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

fn table() -> Conntrack {
    Conntrack::new(Rng::stream(1, Purpose::Conntrack, 1))
}

fn secs(secs: u64) -> SimTime {
    SimTime::from_secs(secs)
}

fn ip(src: Ipv4Addr, dst: Ipv4Addr, proto: u8, payload: &[u8]) -> Vec<u8> {
    Ipv4Header { src, dst, proto, ttl: 64, ident: 1, tos: 0, dont_fragment: true }.emit(payload)
}

fn udp(src: Ipv4Addr, src_port: u16, dst: Ipv4Addr, dst_port: u16) -> Vec<u8> {
    ip(src, dst, UDP, &Udp { src_port, dst_port }.emit(src, dst, b"data"))
}

fn echo(src: Ipv4Addr, dst: Ipv4Addr, icmp: Icmp) -> Vec<u8> {
    ip(src, dst, ICMP, &icmp.emit(b"ping"))
}

/// A segment from one of two ends that talk to each other, the client's numbers from 100, the server's from 500.
fn segment(reply: bool, flags: u8, seq: u32, ack: u32) -> Vec<u8> {
    let (src, dst) = if reply { (REMOTE, INSIDE) } else { (INSIDE, REMOTE) };
    let (src_port, dst_port) = if reply { (80, 4000) } else { (4000, 80) };
    let header = Tcp { src_port, dst_port, seq, ack, flags, window: 1000, header_len: 20 };
    ip(src, dst, TCP, &header.emit(src, dst, &[], &[]))
}

fn pass(table: &mut Conntrack, now: SimTime, packet: &[u8]) -> CtState {
    let mut tracked = table.track(now, packet, true).unwrap();
    table.confirm(&mut tracked).unwrap();
    tracked.state
}

fn row(table: &Conntrack, now: SimTime) -> (Option<TcpState>, u64, bool, bool) {
    let rows = table.rows(now);
    assert_eq!(rows.len(), 1, "{rows:?}");
    (rows[0].tcp, rows[0].timeout_secs, rows[0].unreplied, rows[0].assured)
}

#[test]
fn a_packet_that_does_not_get_through_leaves_nothing_behind() {
    let mut table = table();
    let tracked = table.track(secs(1), &udp(INSIDE, 1, REMOTE, 2), true).unwrap();
    assert_eq!(tracked.state, CtState::New);
    drop(tracked);
    assert!(table.is_empty());
}

#[test]
fn a_question_and_its_answer_live_half_a_minute_and_a_stream_two() {
    let mut table = table();
    let (out, back) = (udp(INSIDE, 1, REMOTE, 53), udp(REMOTE, 53, INSIDE, 1));
    assert_eq!(pass(&mut table, secs(0), &out), CtState::New);
    assert_eq!(row(&table, secs(0)), (None, 30, true, false));
    assert_eq!(pass(&mut table, secs(1), &back), CtState::Established);
    assert_eq!(pass(&mut table, secs(1), &out), CtState::Established);
    assert_eq!(row(&table, secs(1)), (None, 30, false, false));
    assert_eq!(pass(&mut table, secs(3), &out), CtState::Established);
    assert_eq!(row(&table, secs(3)), (None, 120, false, true));
    assert_eq!(table.next_wakeup(), Some(secs(30)));
    table.handle_timeout(secs(30));
    assert_eq!(table.next_wakeup(), Some(secs(123)), "it was refreshed");
    table.handle_timeout(secs(123));
    assert!(table.is_empty());
}

#[test]
fn a_tcp_connection_goes_through_all_its_states_with_linux_timeouts() {
    use flags::{ACK, FIN, SYN};
    let mut table = table();
    let mut see = |reply, flags, seq, ack| {
        pass(&mut table, secs(0), &segment(reply, flags, seq, ack));
        row(&table, secs(0))
    };
    assert_eq!(see(false, SYN, 100, 0), (Some(TcpState::SynSent), 120, true, false));
    assert_eq!(see(true, SYN | ACK, 500, 101), (Some(TcpState::SynRecv), 60, false, false));
    assert_eq!(see(false, ACK, 101, 501), (Some(TcpState::Established), 432_000, false, true));
    assert_eq!(see(false, FIN | ACK, 101, 501), (Some(TcpState::FinWait), 120, false, true));
    assert_eq!(see(true, ACK, 501, 102), (Some(TcpState::CloseWait), 60, false, true));
    assert_eq!(see(true, FIN | ACK, 501, 102), (Some(TcpState::LastAck), 30, false, true));
    assert_eq!(see(false, ACK, 102, 502), (Some(TcpState::TimeWait), 120, false, true));
    // A new connection with the same ports takes its place.
    assert_eq!(see(false, SYN, 9_000, 0), (Some(TcpState::SynSent), 120, true, false));
}

#[test]
fn a_reset_as_the_only_answer_ends_it_at_once_and_a_later_one_in_ten_seconds() {
    use flags::{ACK, RST, SYN};
    let mut table = table();
    pass(&mut table, secs(0), &segment(false, SYN, 100, 0));
    assert_eq!(pass(&mut table, secs(0), &segment(true, RST | ACK, 0, 101)), CtState::Established);
    assert!(table.is_empty());
    pass(&mut table, secs(1), &segment(false, SYN, 100, 0));
    pass(&mut table, secs(1), &segment(true, SYN | ACK, 500, 101));
    pass(&mut table, secs(1), &segment(false, ACK, 101, 501));
    assert_eq!(pass(&mut table, secs(1), &segment(true, RST, 400, 0)), CtState::Invalid, "from the past");
    pass(&mut table, secs(1), &segment(true, RST, 501, 0));
    assert_eq!(row(&table, secs(1)), (Some(TcpState::Close), 10, false, true));
}

#[test]
fn what_fits_no_connection_is_invalid() {
    use flags::{ACK, FIN, SYN};
    let mut table = table();
    assert_eq!(pass(&mut table, secs(0), &segment(true, SYN | ACK, 500, 101)), CtState::Invalid);
    assert_eq!(pass(&mut table, secs(0), &segment(false, FIN | ACK, 500, 101)), CtState::Invalid);
    assert_eq!(pass(&mut table, secs(0), &segment(false, SYN | FIN, 500, 101)), CtState::Invalid);
    let reply = echo(REMOTE, INSIDE, Icmp::EchoReply { ident: 1, seq: 1 });
    assert_eq!(pass(&mut table, secs(0), &reply), CtState::Invalid);
    let mut broken = udp(INSIDE, 1, REMOTE, 53);
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(pass(&mut table, secs(0), &broken), CtState::Invalid);
    assert!(table.is_empty());
    // Out of the window: the data end a megabyte after what may be sent.
    pass(&mut table, secs(0), &segment(false, SYN, 100, 0));
    pass(&mut table, secs(0), &segment(true, SYN | ACK, 500, 101));
    pass(&mut table, secs(0), &segment(false, ACK, 101, 501));
    assert_eq!(pass(&mut table, secs(0), &segment(true, ACK, 1_000_501, 101)), CtState::Invalid);
    assert_eq!(pass(&mut table, secs(0), &segment(true, ACK, 501, 101)), CtState::Established);
}

#[test]
fn a_connection_whose_beginning_was_not_seen_is_taken_up() {
    let mut table = table();
    assert_eq!(pass(&mut table, secs(0), &segment(false, flags::ACK, 7_000, 9_000)), CtState::New);
    assert_eq!(row(&table, secs(0)), (Some(TcpState::Established), 300, true, false));
    pass(&mut table, secs(0), &segment(true, flags::ACK, 9_000, 7_000));
    assert_eq!(row(&table, secs(0)), (Some(TcpState::Established), 432_000, false, true));
}

#[test]
fn an_icmp_error_is_related_to_what_it_quotes() {
    let mut table = table();
    let out = udp(INSIDE, 1, REMOTE, 53);
    let error = |to| echo_error(Ipv4Addr::new(10, 0, 0, 1), to, &out);
    assert_eq!(pass(&mut table, secs(0), &error(INSIDE)), CtState::Invalid);
    pass(&mut table, secs(0), &out);
    let tracked = table.track(secs(0), &error(INSIDE), true).unwrap();
    assert_eq!((tracked.state, tracked.dir), (CtState::Related, Dir::Reply));
    assert_eq!(pass(&mut table, secs(0), &error(REMOTE)), CtState::Invalid, "not sent to who is quoted");
}

fn echo_error(src: Ipv4Addr, dst: Ipv4Addr, about: &[u8]) -> Vec<u8> {
    ip(src, dst, ICMP, &Icmp::Unreachable { code: 3, mtu: 0 }.emit(about))
}

#[test]
fn a_full_table_lets_the_oldest_unproved_go_and_then_nobody_in() {
    let mut table = table();
    table.max = 3;
    for port in 1..=3 {
        pass(&mut table, secs(0), &udp(INSIDE, port, REMOTE, 53));
    }
    pass(&mut table, secs(0), &udp(REMOTE, 53, INSIDE, 1));
    pass(&mut table, secs(5), &udp(INSIDE, 1, REMOTE, 53));
    pass(&mut table, secs(5), &udp(INSIDE, 4, REMOTE, 53));
    let ports: Vec<_> = table.rows(secs(5)).iter().map(|row| row.original.src_port).collect();
    assert_eq!(ports, [1, 3, 4], "1 is assured");
    for port in [3, 4] {
        pass(&mut table, secs(5), &udp(REMOTE, 53, INSIDE, port));
        pass(&mut table, secs(8), &udp(INSIDE, port, REMOTE, 53));
    }
    let refused = table.track(secs(8), &udp(INSIDE, 5, REMOTE, 53), true);
    assert_eq!(refused.err(), Some(DropReason::ConntrackTableFull));
}

/// Translates the source of a packet on its way out; what leaves.
fn out(table: &mut Conntrack, now: SimTime, packet: &[u8], to: &NatTo) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let mut tracked = table.track(now, &packet, true).unwrap();
    if table.is_open(&tracked, Manip::Destination) {
        table.bind_null(&mut tracked, Manip::Destination);
    }
    table.translate(&tracked, Manip::Destination, &mut packet);
    if table.is_open(&tracked, Manip::Source) {
        table.bind(&mut tracked, Manip::Source, to, None);
    }
    table.translate(&tracked, Manip::Source, &mut packet);
    table.confirm(&mut tracked).unwrap();
    packet
}

fn masquerade() -> NatTo {
    NatTo { addrs: Some((OUTSIDE, OUTSIDE)), ports: None }
}

fn source_port(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[20], packet[21]])
}

#[test]
fn a_port_is_kept_where_it_is_free_and_shared_between_destinations() {
    let mut table = table();
    let other = Ipv4Addr::new(10, 0, 0, 6);
    let first = out(&mut table, secs(0), &udp(INSIDE, 5_000, REMOTE, 53), &masquerade());
    assert_eq!(source_port(&first), 5_000);
    let elsewhere = out(&mut table, secs(0), &udp(other, 5_000, REMOTE, 54), &masquerade());
    assert_eq!(source_port(&elsewhere), 5_000, "answers of another port can be told apart");
    let clash = out(&mut table, secs(0), &udp(other, 5_000, REMOTE, 53), &masquerade());
    assert!(source_port(&clash) >= 1_024 && source_port(&clash) != 5_000);
    let low = out(&mut table, secs(0), &udp(INSIDE, 300, REMOTE, 53), &masquerade());
    let low_clash = out(&mut table, secs(0), &udp(other, 300, REMOTE, 53), &masquerade());
    assert_eq!(source_port(&low), 300);
    assert!((1..512).contains(&source_port(&low_clash)), "a low port stays low");
    // The same source keeps the port it got, towards another destination too.
    let again = out(&mut table, secs(0), &udp(other, 5_000, Ipv4Addr::new(9, 9, 9, 9), 53), &masquerade());
    assert!([5_000, source_port(&clash)].contains(&source_port(&again)));
}

#[test]
fn when_no_port_is_free_the_packet_ends() {
    let mut table = table();
    let to = NatTo { addrs: Some((OUTSIDE, OUTSIDE)), ports: Some((2_000, 2_000)) };
    assert_eq!(source_port(&out(&mut table, secs(0), &udp(INSIDE, 1, REMOTE, 53), &to)), 2_000);
    let mut tracked = table.track(secs(0), &udp(INSIDE, 2, REMOTE, 53), true).unwrap();
    table.bind(&mut tracked, Manip::Source, &to, None);
    assert_eq!(table.confirm(&mut tracked), Err(DropReason::NatTableFull));
    assert_eq!(table.len(), 1);
}

#[test]
fn masqueraded_connections_go_with_their_interface() {
    let mut table = table();
    for (port, iface) in [(1, 2), (2, 3)] {
        let mut tracked = table.track(secs(0), &udp(INSIDE, port, REMOTE, 53), true).unwrap();
        table.bind(&mut tracked, Manip::Source, &masquerade(), Some(iface));
        table.confirm(&mut tracked).unwrap();
    }
    table.forget_masquerade(2, Some(REMOTE));
    assert_eq!(table.len(), 2, "another address of it");
    table.forget_masquerade(2, None);
    assert_eq!(table.len(), 1);
    assert!(table.conns.sorted().iter().all(|(_, conn)| conn.masquerade == Some(3)));
}

/// Every index leads to its connection and back.
fn check(table: &Conntrack) {
    for (id, conn) in table.conns.sorted() {
        assert_eq!(table.by_tuple.get(&conn.original), Some(&(id, Dir::Original)));
        assert_eq!(table.by_tuple.get(&conn.reply), Some(&(id, Dir::Reply)));
        assert!(conn.queued <= conn.expires && table.deadlines.contains(&(conn.queued, id)));
        assert_eq!(table.unassured.contains(&id), !conn.assured);
    }
    assert_eq!(table.by_tuple.len(), 2 * table.len());
    assert_eq!(table.deadlines.len(), table.len());
    assert!(table.sources.len() <= table.len() && table.len() <= table.max);
}

/// What a machine outside answers to a packet.
fn answer(packet: &[u8]) -> Vec<u8> {
    let ip_header = Ipv4::parse(packet).unwrap();
    let (src, dst) = (ip_header.dst, ip_header.src);
    match L4Proto::from_number(ip_header.proto) {
        Some(L4Proto::Udp) => {
            let (header, _) = Udp::parse(ip_header.src, ip_header.dst, ip_header.payload).unwrap();
            udp(src, header.dst_port, dst, header.src_port)
        }
        _ => {
            let (Icmp::EchoRequest { ident, seq }, _) = Icmp::parse(ip_header.payload).unwrap() else { panic!() };
            echo(src, dst, Icmp::EchoReply { ident, seq })
        }
    }
}

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let host = (0..4u8).prop_map(|host| Ipv4Addr::new(10, 0, 0, host + 1));
    let remote = (0..2u8).prop_map(|host| Ipv4Addr::new(8, 8, 8, host));
    prop_oneof![
        (host.clone(), 1u16..6, remote.clone(), 1u16..3).prop_map(|(a, p, b, q)| udp(a, p, b, q)),
        (host, 1u16..6, remote).prop_map(|(a, ident, b)| echo(a, b, Icmp::EchoRequest { ident, seq: 1 })),
    ]
}

proptest! {
    #[test]
    fn what_went_out_translated_comes_back_to_who_sent_it(sent in proptest::collection::vec(packets(), 1..80)) {
        let mut table = table();
        for packet in sent {
            let left = out(&mut table, secs(1), &packet, &masquerade());
            let seen = Ipv4::parse(&left).unwrap();
            prop_assert_eq!(seen.src, OUTSIDE);
            prop_assert!(packet::look(&left, true) != Seen::Invalid, "checksums are right");
            // The answer, and an ICMP error about it: both reach the sender, in the sender's own words.
            let mut back = answer(&left);
            let tracked = table.track(secs(1), &back, true).unwrap();
            prop_assert!(table.translate(&tracked, Manip::Destination, &mut back));
            prop_assert!(!table.translate(&tracked, Manip::Source, &mut back));
            prop_assert_eq!(&back, &answer(&packet));
            let router = Ipv4Addr::new(192, 0, 2, 1);
            let mut error = echo_error(router, OUTSIDE, &left);
            let tracked = table.track(secs(1), &error, true).unwrap();
            prop_assert_eq!(tracked.state, CtState::Related);
            table.translate(&tracked, Manip::Destination, &mut error);
            let sender = Ipv4::parse(&packet).unwrap().src;
            prop_assert_eq!(error, echo_error(router, sender, &packet));
            check(&table);
        }
    }

    #[test]
    fn whatever_passes_the_table_stays_sound(
        steps in proptest::collection::vec((packets(), any::<bool>(), 0u64..40, any::<bool>()), 1..80)
    ) {
        let mut table = table();
        table.max = 12;
        let mut now = secs(0);
        for (packet, reply, wait, nat) in steps {
            now += Duration::from_secs(wait);
            table.handle_timeout(now);
            let packet = if reply { answer(&packet) } else { packet };
            if let Ok(mut tracked) = table.track(now, &packet, true) {
                if nat && table.is_open(&tracked, Manip::Source) {
                    table.bind(&mut tracked, Manip::Source, &masquerade(), Some(2));
                }
                let _ = table.confirm(&mut tracked);
            }
            check(&table);
        }
        table.flush();
        check(&table);
        prop_assert!(table.is_empty() && table.next_wakeup().is_none());
    }

    #[test]
    fn no_order_of_tcp_segments_breaks_the_table(
        segments in proptest::collection::vec((any::<bool>(), any::<u8>(), any::<u32>(), any::<u32>()), 1..60)
    ) {
        let mut table = table();
        for (reply, flags, seq, ack) in segments {
            pass(&mut table, secs(1), &segment(reply, flags, seq, ack));
            check(&table);
        }
    }
}
