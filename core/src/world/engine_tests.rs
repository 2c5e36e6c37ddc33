//! VirtualBox's engine, seen from a TAP in the guest's place: what it passes, what it answers, what it forgets.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::{Command, Input, Output, World};
use crate::addr::{L4Proto, MacAddr};
use crate::drop_reason::DropReason;
use crate::event::Fact;
use crate::frame::Offload;
use crate::frame::arp::{self, Arp};
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::{Ipv4, Ipv4Header};
use crate::frame::rewrite;
use crate::frame::udp::Udp;
use crate::id::TapId;
use crate::lab::{ForwardSpec, Lab, Profile};
use crate::limits;
use crate::time::SimTime;
use crate::view::{LabView, Row, SocketKind};

const GUEST: MacAddr = MacAddr([8, 0, 0x27, 0xa1, 0xb2, 0xc3]);
const GATEWAY: MacAddr = MacAddr([0x52, 0x54, 0, 0x12, 0x35, 2]);
const GUEST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const FAR: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

fn lab() -> Lab {
    let path = format!("{}/../static/labs/nat.toml", env!("CARGO_MANIFEST_DIR"));
    let lab: Lab = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    Lab { profile: Profile::VirtualBox, ..lab }
}

/// A world with a TAP in the guest's place, and what came out of it.
struct Tapped {
    world: World,
    tap: TapId,
    frames: Vec<Vec<u8>>,
    dropped: Vec<DropReason>,
    view: LabView,
}

impl Tapped {
    fn new(lab: &Lab) -> Self {
        let mut world = World::new(lab, 1).unwrap();
        world.watch_frames(true);
        let tap = TapId(1);
        let mut tapped = Self { world, tap, frames: Vec::new(), dropped: Vec::new(), view: LabView::default() };
        tapped.drain();
        let attach = Command::AttachTap { vm: "vm1".into(), adapter: 1, device: "nm0".into() };
        tapped.world.handle(SimTime::ZERO, Input::Command(&attach)).unwrap();
        tapped.tap = tapped.world.tap_of("vm1", 1).unwrap();
        tapped.drain();
        tapped
    }

    fn drain(&mut self) {
        while let Some(output) = self.world.poll_output() {
            match output {
                Output::TapFrame(_, frame) => self.frames.push(frame.bytes.to_vec()),
                Output::Event(event) => {
                    self.view.apply(&event);
                    if let Fact::FrameDropped(dropped) = &event.fact {
                        self.dropped.push(dropped.reason);
                    }
                }
            }
        }
        self.world.check().unwrap();
    }

    /// A packet of the guest's.
    fn send(&mut self, packet: &[u8]) {
        let frame = Ethernet { dst: GATEWAY, src: GUEST, ethertype: ethertype::IPV4 }.emit(packet);
        let input = Input::TapFrame { tap: self.tap, bytes: &frame, offload: Offload::NONE };
        self.world.handle(self.world.now(), input).unwrap();
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while let Some(at) = self.world.next_wakeup()
            && at <= end
        {
            self.world.handle(at, Input::Time).unwrap();
            self.drain();
        }
        self.world.handle(end, Input::Time).unwrap();
        self.drain();
    }

    /// The packets that came for the guest since the last call.
    fn packets(&mut self) -> Vec<Vec<u8>> {
        let frames = core::mem::take(&mut self.frames);
        let ipv4 = frames.into_iter().filter(|frame| frame.get(12..14) == Some(&[8, 0]));
        ipv4.map(|frame| frame[14..].to_vec()).collect()
    }

    fn sockets(&self, kind: SocketKind) -> usize {
        let host = self.world.node_named("host").unwrap();
        let rows = self.world.rows(false).into_iter();
        rows.filter(|row| matches!(row, Row::Socket(socket) if socket.node == Some(host) && socket.kind == kind))
            .count()
    }
}

fn ip(dst: Ipv4Addr, proto: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    Ipv4Header { src: GUEST_IP, dst, proto, ttl, ident: 1, tos: 0, dont_fragment: false }.emit(payload)
}

fn udp(src_port: u16, dst: Ipv4Addr, dst_port: u16, ttl: u8) -> Vec<u8> {
    ip(dst, 17, ttl, &Udp { src_port, dst_port }.emit(GUEST_IP, dst, b"probe"))
}

/// Who sent an ICMP error and what it says; its quote must be the guest's own packet.
fn error_about(packet: &[u8], sent: &[u8]) -> (Ipv4Addr, Icmp) {
    let parsed = Ipv4::parse(packet).unwrap();
    assert_eq!(parsed.dst, GUEST_IP);
    let (message, quote) = Icmp::parse(parsed.payload).unwrap();
    assert_eq!(rewrite::l4_endpoints(quote), rewrite::l4_endpoints(sent));
    (parsed.src, message)
}

#[test]
fn a_datagrams_time_to_live_is_carried_over_and_errors_come_back_from_whoever_said_them() {
    let mut tapped = Tapped::new(&lab());
    let gateway = Ipv4Addr::new(10, 0, 2, 2);
    let router = Ipv4Addr::new(192, 168, 0, 1);
    let exceeded = Icmp::TimeExceeded { code: 0 };
    let closed = Icmp::Unreachable { code: unreachable::PORT, mtu: 0 };
    for (ttl, from, message) in [(1, gateway, exceeded), (2, router, exceeded), (64, FAR, closed)] {
        let sent = udp(40_000 + u16::from(ttl), FAR, 33_434, ttl);
        tapped.send(&sent);
        tapped.pass(Duration::from_secs(1));
        let packets = tapped.packets();
        assert_eq!(packets.len(), 1, "time to live {ttl}");
        assert_eq!(error_about(&packets[0], &sent), (from, message), "time to live {ttl}");
    }
}

#[test]
fn a_stranger_may_answer_a_socket_that_is_not_connected() {
    // Mapping and filtering do not depend on the other side: web answers what was sent to the resolver.
    let mut tapped = Tapped::new(&lab());
    for dst in [FAR, Ipv4Addr::new(93, 184, 215, 14)] {
        tapped.send(&udp(5_000, dst, 7, 64));
        tapped.pass(Duration::from_secs(1));
    }
    assert_eq!(tapped.view.flows.values().filter(|flow| flow.inside.port == 5_000 && flow.engine.is_some()).count(), 1);
    assert_eq!(tapped.sockets(SocketKind::Udp), 1);
    let answers = tapped.packets();
    let answer = answers.iter().find_map(|packet| {
        rewrite::l4_endpoints(packet).filter(|(proto, ..)| *proto == L4Proto::Udp).map(|(_, from, to)| (from.addr, to))
    });
    assert_eq!(answer.unwrap().0, Ipv4Addr::new(93, 184, 215, 14));
    tapped.pass(Duration::from_secs(240));
    assert_eq!(tapped.sockets(SocketKind::Udp), 0, "idle for libslirp's 240 s");
    assert!(tapped.view.flows.values().all(|flow| flow.engine.is_none()));
}

#[test]
fn only_tcp_udp_and_echo_requests_pass() {
    let mut tapped = Tapped::new(&lab());
    // GRE; an echo reply that nobody asked for; a timestamp request.
    tapped.send(&ip(FAR, 47, 64, &[0; 8]));
    tapped.send(&ip(FAR, 1, 64, &Icmp::EchoReply { ident: 1, seq: 1 }.emit(b"x")));
    tapped.send(&ip(FAR, 1, 64, &Icmp::Other { icmp_type: 13, code: 0, rest: 0 }.emit(&[0; 12])));
    tapped.pass(Duration::from_secs(1));
    assert_eq!(tapped.dropped.iter().filter(|reason| **reason == DropReason::NatProtocol).count(), 3);
    // TFTP's address is there and says nothing.
    tapped.send(&udp(5_000, Ipv4Addr::new(10, 0, 2, 4), 69, 64));
    tapped.send(&ip(Ipv4Addr::new(10, 0, 2, 4), 1, 64, &Icmp::EchoRequest { ident: 1, seq: 1 }.emit(b"x")));
    assert_eq!(tapped.dropped.iter().filter(|reason| **reason == DropReason::EngineNoService).count(), 2);
    assert!(tapped.packets().is_empty());
}

#[test]
fn the_engine_has_as_many_sockets_as_a_process_may_and_then_refuses() {
    let mut tapped = Tapped::new(&lab());
    let over = 20;
    for port in 0..limits::ENGINE_SOCKETS_MAX as u16 + over {
        tapped.send(&udp(1_024 + port, Ipv4Addr::new(192, 168, 0, 50), 9, 64));
        tapped.pass(Duration::from_micros(100));
    }
    assert_eq!(tapped.sockets(SocketKind::Udp), limits::ENGINE_SOCKETS_MAX);
    let refused = tapped.packets().into_iter().filter(|packet| {
        let parsed = Ipv4::parse(packet).unwrap();
        matches!(Icmp::parse(parsed.payload), Ok((Icmp::Unreachable { code: unreachable::NET, .. }, _)))
    });
    assert_eq!(refused.count(), usize::from(over));
    tapped.pass(Duration::from_secs(241));
    assert_eq!(tapped.sockets(SocketKind::Udp), 0);
}

#[test]
fn a_guest_whose_mac_is_not_known_is_asked_for_and_given_up_after_a_second() {
    let mut lab = lab();
    let guest = Ipv4Addr::new(10, 0, 2, 77);
    lab.vms[0].nics[0].forwards = vec![ForwardSpec {
        name: "udp".into(),
        proto: L4Proto::Udp,
        host_address: None,
        host_port: 9_999,
        guest_address: Some(guest),
        guest_port: 9,
    }];
    let mut tapped = Tapped::new(&lab);
    let line = Command::Run { machine: "pc".into(), line: "nc -u 192.168.0.111 9999".into(), tty: None, stdin: true };
    tapped.world.handle(tapped.world.now(), Input::Command(&line)).unwrap();
    tapped.drain();
    let job = crate::id::JobId(tapped.world.next_job().0 - 1);
    let input = Command::Input { machine: "pc".into(), job, text: "hello\n".into() };
    tapped.world.handle(tapped.world.now(), Input::Command(&input)).unwrap();
    tapped.drain();
    tapped.pass(Duration::from_millis(900));
    let asked = tapped.frames.iter().filter_map(|frame| {
        let (header, payload) = Ethernet::parse(frame)?;
        (header.ethertype == ethertype::ARP).then(|| Arp::parse(payload).unwrap())
    });
    let asked: Vec<_> = asked.filter(|message| message.op == arp::REQUEST && message.target_ip == guest).collect();
    assert_eq!(asked.len(), 1);
    assert!(!tapped.dropped.contains(&DropReason::NeighbourFailed));
    tapped.pass(Duration::from_secs(1));
    assert!(tapped.dropped.contains(&DropReason::NeighbourFailed));
}

#[test]
fn fragments_of_a_guest_are_put_together_and_answers_are_cut() {
    for profile in [Profile::Lecture, Profile::VirtualBox] {
        let mut tapped = Tapped::new(&Lab { profile, ..lab() });
        let message = Icmp::EchoRequest { ident: 7, seq: 1 }.emit(&vec![0x5a; 3_000]);
        let whole = ip(FAR, 1, 64, &message);
        let pieces = crate::machine::fragment::split(&whole, 1_500).unwrap();
        assert_eq!(pieces.len(), 3);
        for piece in &pieces {
            tapped.send(piece);
        }
        tapped.pass(Duration::from_secs(1));
        let back = tapped.packets();
        assert_eq!(back.len(), 3, "{profile:?}: {:?}", tapped.dropped);
        assert!(back.iter().all(|packet| packet.len() <= 1_500 && Ipv4::parse(packet).unwrap().is_fragment()));
        let payload: usize = back.iter().map(|packet| Ipv4::parse(packet).unwrap().payload.len()).sum();
        assert_eq!(payload, message.len(), "{profile:?}");
        assert!(back.iter().all(|packet| packet[4..6] == back[0][4..6]));
    }
}
