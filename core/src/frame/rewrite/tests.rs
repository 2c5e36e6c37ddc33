//! Rewriting in place gives the very bytes that emitting the changed packet gives.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::{Ipv4, Ipv4Header};
use crate::frame::tcp::{self, Tcp};
use crate::frame::udp::Udp;

/// What the packet carries, so that it can be emitted with other endpoints.
#[derive(Clone, Debug)]
enum Body {
    Tcp { seq: u32, flags: u8 },
    Udp { checksum: bool },
    EchoRequest { seq: u16 },
    EchoReply { seq: u16 },
}

fn bodies() -> impl Strategy<Value = Body> {
    prop_oneof![
        (any::<u32>(), any::<u8>()).prop_map(|(seq, flags)| Body::Tcp { seq, flags }),
        any::<bool>().prop_map(|checksum| Body::Udp { checksum }),
        any::<u16>().prop_map(|seq| Body::EchoRequest { seq }),
        any::<u16>().prop_map(|seq| Body::EchoReply { seq }),
    ]
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    // Zeros and ones are where ones' complement has two spellings.
    let word = || prop_oneof![any::<u16>(), Just(0), Just(0xffff)];
    (word(), word(), word())
        .prop_map(|(high, low, port)| Endpoint::new(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)), port))
}

fn emit(body: &Body, src: Endpoint, dst: Endpoint, payload: &[u8]) -> Vec<u8> {
    let (proto, segment) = match *body {
        Body::Tcp { seq, flags } => {
            let tcp =
                Tcp { src_port: src.port, dst_port: dst.port, seq, ack: 9, flags, window: 64_240, header_len: 20 };
            (6, tcp.emit(src.addr, dst.addr, &[], payload))
        }
        Body::Udp { checksum } => {
            let udp = Udp { src_port: src.port, dst_port: dst.port };
            let mut datagram = udp.emit(src.addr, dst.addr, payload);
            if !checksum {
                bytes::put16(&mut datagram, 6, 0);
            }
            (17, datagram)
        }
        Body::EchoRequest { seq } => (1, Icmp::EchoRequest { ident: src.port, seq }.emit(payload)),
        Body::EchoReply { seq } => (1, Icmp::EchoReply { ident: dst.port, seq }.emit(payload)),
    };
    Ipv4Header { src: src.addr, dst: dst.addr, proto, ttl: 64, ident: 1, tos: 0, dont_fragment: false }.emit(&segment)
}

/// As [`l4_endpoints`] says: the side of an echo that has no identifier has port 0.
fn as_seen(body: &Body, src: Endpoint, dst: Endpoint) -> (Endpoint, Endpoint) {
    match body {
        Body::EchoRequest { .. } => (src, Endpoint::new(dst.addr, 0)),
        Body::EchoReply { .. } => (Endpoint::new(src.addr, 0), dst),
        _ => (src, dst),
    }
}

fn error_about(quoted: &[u8]) -> Vec<u8> {
    let (src, dst) = (Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(192, 168, 1, 10));
    let message = Icmp::Unreachable { code: icmp::unreachable::PORT, mtu: 0 }.emit(quoted);
    Ipv4Header { src, dst, proto: 1, ttl: 64, ident: 1, tos: 0xc0, dont_fragment: false }.emit(&message)
}

proptest! {
    #[test]
    fn rewriting_in_place_equals_emitting_afresh(
        body in bodies(), src in endpoints(), dst in endpoints(), to in endpoints(),
        payload in proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..40)
    ) {
        let mut packet = emit(&body, src, dst, &payload);
        set_source(&mut packet, to);
        prop_assert_eq!(&packet, &emit(&body, to, dst, &payload));
        set_destination(&mut packet, src);
        prop_assert_eq!(&packet, &emit(&body, to, src, &payload));
    }

    #[test]
    fn endpoints_are_read_back(body in bodies(), src in endpoints(), dst in endpoints()) {
        let packet = emit(&body, src, dst, b"x");
        let (proto, got_src, got_dst) = l4_endpoints(&packet).unwrap();
        prop_assert_eq!(proto.number(), packet[9]);
        prop_assert_eq!((got_src, got_dst), as_seen(&body, src, dst));
        prop_assert_eq!(inner_endpoints(&packet), None);
        prop_assert_eq!(inner_endpoints(&error_about(&packet)), Some((proto, got_src, got_dst)));
    }

    #[test]
    fn the_quoted_packet_is_rewritten_with_all_checksums(
        body in bodies(), src in endpoints(), dst in endpoints(), to in endpoints(), whole: bool
    ) {
        let cut = |mut packet: Vec<u8>| {
            // RFC 792 quotes the header and 64 bits.
            packet.truncate(if whole { packet.len() } else { 28 });
            packet
        };
        let mut error = error_about(&cut(emit(&body, src, dst, b"12345678")));
        set_inner_source(&mut error, to);
        prop_assert!(Icmp::parse(Ipv4::parse(&error).unwrap().payload).is_ok());
        prop_assert_eq!(&error, &error_about(&cut(emit(&body, to, dst, b"12345678"))));
        set_inner_destination(&mut error, src);
        prop_assert_eq!(&error, &error_about(&cut(emit(&body, to, src, b"12345678"))));
    }

    #[test]
    fn a_wrong_checksum_stays_wrong(src in endpoints(), dst in endpoints(), to in endpoints(), flip in 20usize..60) {
        let mut packet = emit(&Body::Tcp { seq: 5, flags: tcp::flags::ACK }, src, dst, &[7; 20]);
        packet[flip] ^= 4;
        set_source(&mut packet, to);
        let parsed = Ipv4::parse(&packet).unwrap();
        prop_assert!(Tcp::parse(parsed.src, parsed.dst, parsed.payload).is_err());
    }

    #[test]
    fn no_bytes_panic(mut packet: Vec<u8>, first in 0x40u8..0x50, proto in prop_oneof![Just(1u8), Just(6), Just(17)]) {
        let to = Endpoint::new(Ipv4Addr::LOCALHOST, 7);
        for round in 0..2 {
            let _ = (l4_endpoints(&packet), inner_endpoints(&packet), decrement_ttl(&mut packet));
            for set in [set_source, set_destination, set_inner_source, set_inner_destination] {
                set(&mut packet, to);
            }
            if round == 0 {
                bytes::put(&mut packet, 0, &[first]);
                bytes::put(&mut packet, 9, &[proto]);
            }
        }
    }
}

#[test]
fn the_time_to_live_is_never_counted_down_to_nothing() {
    let src = Endpoint::new(Ipv4Addr::new(10, 0, 2, 15), 1);
    let mut packet = emit(&Body::EchoRequest { seq: 1 }, src, src, b"");
    set_ttl(&mut packet, 2);
    assert_eq!(decrement_ttl(&mut packet), Some(1));
    assert_eq!(Ipv4::parse(&packet).unwrap().ttl, 1);
    let before = packet.clone();
    assert_eq!(decrement_ttl(&mut packet), None);
    assert_eq!(packet, before);
}

#[test]
fn a_later_fragment_gets_another_address_but_no_port() {
    let src = Endpoint::new(Ipv4Addr::new(10, 0, 2, 15), 0x0102);
    let mut packet = emit(&Body::Udp { checksum: true }, src, src, b"data");
    replace16(&mut packet, 6, 1, Some(10));
    let payload = packet[20..].to_vec();
    assert_eq!(l4_endpoints(&packet), None);
    set_source(&mut packet, Endpoint::new(Ipv4Addr::new(192, 168, 1, 10), 9));
    assert_eq!(packet[20..], payload);
    assert_eq!(Ipv4::parse(&packet).unwrap().src, Ipv4Addr::new(192, 168, 1, 10));
}
