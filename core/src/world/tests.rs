//! A world under hostile frames from a TAP, and a world's copies.

use core::net::Ipv4Addr;
use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Command, Input, Output, World};
use crate::addr::MacAddr;
use crate::dhcp::{Message, MessageType};
use crate::drop_reason::DropReason;
use crate::event::Fact;
use crate::frame::Offload;
use crate::frame::arp::Arp;
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::Ipv4Header;
use crate::frame::tcp::Tcp;
use crate::frame::udp::Udp;
use crate::id::TapId;
use crate::lab::Lab;
use crate::limits;
use crate::view::{LabView, Row};

const GUEST: MacAddr = MacAddr([8, 0, 0x27, 0xa1, 0xb2, 0xc3]);
const GATEWAY: MacAddr = MacAddr([0x52, 0x54, 0, 0x12, 0x35, 2]);
const GUEST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);

fn lab() -> Lab {
    let path = format!("{}/../static/labs/nat.toml", env!("CARGO_MANIFEST_DIR"));
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A world whose facts are folded as a viewer does it.
struct Watched {
    world: World,
    view: LabView,
    storms: u32,
    dropped: Vec<DropReason>,
}

impl Watched {
    fn new() -> Self {
        let mut world = World::new(&lab(), 1).unwrap();
        world.watch_frames(true);
        let mut watched = Self { world, view: LabView::default(), storms: 0, dropped: Vec::new() };
        watched.drain();
        watched
    }

    fn with_tap() -> (Self, TapId) {
        let mut watched = Self::new();
        watched.command(&Command::AttachTap { vm: "vm1".into(), adapter: 1, device: "nm0".into() });
        let tap = watched.world.tap_of("vm1", 1).unwrap();
        (watched, tap)
    }

    fn drain(&mut self) -> usize {
        let mut frames = 0;
        while let Some(output) = self.world.poll_output() {
            match output {
                Output::TapFrame(..) => frames += 1,
                Output::Event(event) => {
                    self.view.apply(&event);
                    match event.fact {
                        Fact::StormDetected { .. } => self.storms += 1,
                        Fact::FrameDropped(dropped) => self.dropped.push(dropped.reason),
                        _ => {}
                    }
                }
            }
        }
        frames
    }

    fn command(&mut self, command: &Command) {
        self.world.handle(self.world.now(), Input::Command(command)).unwrap();
        self.drain();
    }

    fn run(&mut self, line: &str) {
        self.command(&Command::Run { machine: "vm1".into(), line: line.into(), tty: None, stdin: false });
    }

    /// A frame from the device; how many went back to it at once.
    fn frame(&mut self, tap: TapId, bytes: &[u8]) -> usize {
        let input = Input::TapFrame { tap, bytes, offload: Offload::NONE };
        self.world.handle(self.world.now(), input).unwrap();
        let frames = self.drain();
        self.world.check().unwrap();
        frames
    }

    /// Lets time pass; how many frames went to the device.
    fn pass(&mut self, time: Duration) -> usize {
        let end = self.world.now() + time;
        let mut frames = 0;
        while let Some(at) = self.world.next_wakeup()
            && at <= end
        {
            self.world.handle(at, Input::Time).unwrap();
            frames += self.drain();
        }
        self.world.handle(end, Input::Time).unwrap();
        frames + self.drain()
    }

    /// What a viewer that folded every fact knows is what a query tells.
    fn fold_is_query(&self) {
        let mut query = LabView { seq: self.view.seq, time: self.view.time, ..LabView::default() };
        self.world.rows(false).into_iter().for_each(|row| query.put(row));
        let (mut fold, mut query) = (self.view.rows(), query.rows());
        fold.sort_by_key(Row::key);
        query.sort_by_key(Row::key);
        for (a, b) in fold.iter().zip(&query) {
            assert_eq!(a, b, "fold and query differ");
        }
        assert_eq!(fold.len(), query.len(), "fold and query have not the same rows");
    }
}

fn frame_to(dst: MacAddr, kind: u16, payload: &[u8]) -> Vec<u8> {
    Ethernet { dst, src: GUEST, ethertype: kind }.emit(payload)
}

fn ip(src: Ipv4Addr, dst: Ipv4Addr, proto: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    Ipv4Header { src, dst, proto, ttl, ident: 7, tos: 0, dont_fragment: false }.emit(payload)
}

fn addr() -> BoxedStrategy<Ipv4Addr> {
    let known = [
        [10, 0, 2, 15],
        [10, 0, 2, 1],
        [10, 0, 2, 77],
        [10, 0, 2, 255],
        [8, 8, 8, 8],
        [93, 184, 215, 14],
        [192, 168, 0, 111],
        [192, 168, 0, 50],
        [192, 168, 0, 99],
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [255, 255, 255, 255],
        [224, 0, 0, 1],
    ];
    let known = proptest::sample::select(known.to_vec());
    prop_oneof![9 => known, 1 => any::<[u8; 4]>()].prop_map(Ipv4Addr::from).boxed()
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![proptest::sample::select(vec![0_u16, 53, 67, 68, 80, 4_000]), any::<u16>()]
}

fn dhcp() -> BoxedStrategy<Vec<u8>> {
    let kind = proptest::sample::select(vec![
        MessageType::Discover,
        MessageType::Request,
        MessageType::Decline,
        MessageType::Release,
        MessageType::Inform,
        MessageType::Ack,
    ]);
    (kind, any::<u32>(), any::<[u8; 6]>(), addr(), vec((any::<u8>(), vec(any::<u8>(), 0..40)), 0..6))
        .prop_map(|(kind, xid, mac, ciaddr, options)| {
            let mut message = Message::request(kind, xid, MacAddr(mac));
            message.ciaddr = ciaddr;
            options.iter().for_each(|(code, value)| message.set(*code, value));
            message.emit()
        })
        .boxed()
}

/// A packet whose lengths and checksums are right, with nonsense inside.
fn packet() -> BoxedStrategy<Vec<u8>> {
    let udp = (addr(), addr(), port(), port(), prop_oneof![dhcp(), vec(any::<u8>(), 0..64)]).prop_map(
        |(src, dst, src_port, dst_port, data)| ip(src, dst, 17, 64, &Udp { src_port, dst_port }.emit(src, dst, &data)),
    );
    let tcp = (addr(), addr(), port(), port(), any::<[u32; 2]>(), any::<(u8, u16)>(), vec(any::<u8>(), 0..40))
        .prop_map(|(src, dst, src_port, dst_port, [seq, ack], (flags, window), data)| {
            let header = Tcp { src_port, dst_port, seq, ack, flags, window, header_len: 20 };
            ip(src, dst, 6, 64, &header.emit(src, dst, &[], &data))
        });
    let echo = (addr(), addr(), any::<(u16, u16, u8)>(), vec(any::<u8>(), 0..64)).prop_map(
        |(src, dst, (ident, seq, ttl), data)| ip(src, dst, 1, ttl, &Icmp::EchoRequest { ident, seq }.emit(&data)),
    );
    prop_oneof![udp, tcp, echo].boxed()
}

fn icmp_error() -> BoxedStrategy<Vec<u8>> {
    (addr(), addr(), any::<(u8, u16, bool)>(), packet(), 0_usize..80)
        .prop_map(|(src, dst, (code, mtu, exceeded), quote, keep)| {
            let message = if exceeded { Icmp::TimeExceeded { code } } else { Icmp::Unreachable { code, mtu } };
            ip(src, dst, 1, 64, &message.emit(&quote[..quote.len().min(keep)]))
        })
        .boxed()
}

/// Frames of every kind: right, mutated, nonsense.
fn frame() -> BoxedStrategy<Vec<u8>> {
    let dst = prop_oneof![4 => Just(GATEWAY), 2 => Just(MacAddr::BROADCAST), 1 => any::<[u8; 6]>().prop_map(MacAddr)];
    let arp = (any::<u16>(), any::<[u8; 6]>(), addr(), addr()).prop_map(|(op, mac, sender_ip, target_ip)| {
        let op = if op < 0x8000 { 1 } else { op % 4 };
        let message = Arp { op, sender_mac: MacAddr(mac), sender_ip, target_mac: MacAddr::ZERO, target_ip };
        (ethertype::ARP, message.emit())
    });
    let ipv4 = prop_oneof![3 => packet(), 1 => icmp_error()].prop_map(|packet| (ethertype::IPV4, packet));
    let whole =
        (dst, prop_oneof![1 => arp, 4 => ipv4]).prop_map(|(dst, (kind, bytes))| frame_to(dst, kind, &bytes)).boxed();
    let mutated = (whole.clone(), vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), any::<prop::sample::Index>())
        .prop_map(|(mut bytes, changes, cut)| {
            changes.iter().for_each(|(at, value)| *at.get_mut(&mut bytes) = *value);
            bytes.truncate(cut.index(bytes.len() + 1).max(bytes.len() / 2));
            bytes
        });
    prop_oneof![5 => whole, 3 => mutated, 1 => vec(any::<u8>(), 0..200)].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_comes_from_a_tap_every_frame_ends_with_a_reason_and_the_view_stays_true(
        frames in vec((frame(), 0_u64..2_000), 1..60)
    ) {
        let (mut watched, tap) = Watched::with_tap();
        for (bytes, wait_ms) in &frames {
            watched.frame(tap, bytes);
            watched.pass(Duration::from_millis(*wait_ms));
            watched.world.check().unwrap();
        }
        watched.fold_is_query();
        watched.pass(Duration::from_secs(200));
        watched.world.check().unwrap();
        watched.fold_is_query();
    }
}

#[test]
fn a_flood_of_frames_at_one_instant_is_a_storm_that_ends_with_the_instant() {
    let (mut watched, tap) = Watched::with_tap();
    let question = Arp {
        op: 1,
        sender_mac: GUEST,
        sender_ip: GUEST_IP,
        target_mac: MacAddr::ZERO,
        target_ip: Ipv4Addr::new(10, 0, 2, 1),
    };
    let bytes = frame_to(MacAddr::BROADCAST, ethertype::ARP, &question.emit());
    let answers: usize = (0..limits::FRAMES_PER_INSTANT_MAX).map(|_| watched.frame(tap, &bytes)).sum();
    assert_eq!(watched.storms, 1);
    assert_eq!(answers as u32, limits::FRAMES_PER_INSTANT_MAX / 2);
    watched.pass(Duration::from_millis(1));
    assert_eq!(watched.frame(tap, &bytes), 1, "the storm is over");
}

#[test]
fn a_flood_of_strangers_fills_no_table_beyond_its_cap() {
    let (mut watched, tap) = Watched::with_tap();
    for i in 0_u32..70_000 {
        let src = Ipv4Addr::from_bits(0x0a00_0200 + (i % 200) + 20);
        // Hosts of the office that nobody is, so that the host asks for each; and ports without end.
        let dst = Ipv4Addr::from_bits(0xc0a8_0000 + (i % 256));
        let datagram = Udp { src_port: (i / 7) as u16, dst_port: 9 }.emit(src, dst, &[]);
        let bytes = frame_to(GATEWAY, ethertype::IPV4, &ip(src, dst, 17, 64, &datagram));
        watched
            .world
            .handle(watched.world.now(), Input::TapFrame { tap, bytes: &bytes, offload: Offload::NONE })
            .unwrap();
        watched.drain();
        watched.pass(Duration::from_micros(100));
    }
    watched.world.check().unwrap();
    watched.fold_is_query();
    let rows = watched.world.rows(false);
    let count = |wanted: fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    assert!(count(|row| matches!(row, Row::Flow(_))) <= limits::FLOWS_MAX);
    assert!(count(|row| matches!(row, Row::Neigh(_))) <= limits::NEIGHBOURS_MAX);
    assert!(watched.world.queue.len() < 100_000, "{}", watched.world.queue.len());
}

#[test]
fn more_neighbours_than_a_machine_remembers_leave_no_row_behind() {
    let mut watched = Watched::new();
    watched.run("ip link set enp0s3 up; ip addr add 10.0.0.1/16 dev enp0s3");
    for i in 0..1_200_u32 {
        let to = Ipv4Addr::from_bits(0x0a00_0800 + i);
        watched.run(&format!("ip neigh add {to} lladdr 02:00:00:00:00:01 dev enp0s3"));
    }
    let rows = watched.world.rows(false);
    assert_eq!(rows.iter().filter(|row| matches!(row, Row::Neigh(_))).count(), limits::NEIGHBOURS_MAX);
    watched.fold_is_query();
}

#[test]
fn the_gateway_answers_no_error_to_a_broadcast() {
    let (mut watched, tap) = Watched::with_tap();
    let to = Ipv4Addr::new(10, 0, 2, 255);
    let datagram = Udp { src_port: 137, dst_port: 137 }.emit(GUEST_IP, to, b"who is there?");
    let bytes = frame_to(MacAddr::BROADCAST, ethertype::IPV4, &ip(GUEST_IP, to, 17, 64, &datagram));
    assert_eq!(watched.frame(tap, &bytes), 0);
    assert_eq!(watched.dropped, [DropReason::EngineNoService]);
}

#[test]
fn a_connection_that_is_given_up_leaves_no_socket_behind() {
    let mut watched = Watched::new();
    watched.run("ip link set enp0s3 up; ip addr add 10.0.2.15/24 dev enp0s3; ip route add default via 10.0.2.1");
    watched.command(&Command::Cable { machine: "router".into(), iface: "wan".into(), state: super::CableState::Mute });
    watched.run("curl -s -m 2 http://93.184.215.14/");
    watched.pass(Duration::from_secs(1));
    let sockets = |watched: &Watched| {
        let of_guest = |row: &Row| matches!(row, Row::Socket(socket) if socket.peer.port == 80);
        watched.view.rows().iter().filter(|row| of_guest(row)).count()
    };
    assert_eq!(sockets(&watched), 1, "it waits for an answer");
    watched.pass(Duration::from_secs(2));
    assert_eq!(sockets(&watched), 0);
    watched.fold_is_query();
}

#[test]
fn jobs_that_are_killed_leave_no_process_behind() {
    let mut watched = Watched::new();
    for _ in 0..limits::PROCESSES_MAX + 10 {
        let job = watched.world.next_job();
        watched.run("ping 127.0.0.1");
        let signal = crate::programs::Signal::Kill;
        watched.command(&Command::Signal { machine: "vm1".into(), job, signal });
    }
    watched.fold_is_query();
    watched.run("ping -c 1 127.0.0.1");
    assert!(watched.world.busy(), "there is room for one more");
}

#[test]
fn a_copy_that_gets_the_same_inputs_lives_the_same_life() {
    let mut watched = Watched::new();
    watched.run("dhclient enp0s3");
    watched.pass(Duration::from_millis(10));
    let fork = watched.world.fork();
    let mut copy = Watched { world: fork, view: watched.view.clone(), storms: 0, dropped: Vec::new() };
    for watched in [&mut watched, &mut copy] {
        watched.pass(Duration::from_secs(1));
        watched.run("ping -c 2 8.8.8.8; nc -u -w 1 192.168.0.99 9; ip neigh");
        watched.pass(Duration::from_secs(30));
        watched.run("curl -s http://example.com/; ss -tan");
        watched.pass(Duration::from_secs(5));
        watched.world.check().unwrap();
        watched.fold_is_query();
    }
    assert_eq!(watched.world.fingerprint(), copy.world.fingerprint());
    assert_eq!(watched.view.seq, copy.view.seq);
    assert_eq!(watched.world.seq(), copy.world.seq());
}

#[test]
fn more_text_at_once_than_a_line_holds_is_refused() {
    let mut watched = Watched::new();
    let job = watched.world.next_job();
    watched.run("nc -l 9000");
    let text = "x".repeat(limits::COMMAND_LINE_CHARS_MAX + 1);
    let error =
        watched.world.handle(watched.world.now(), Input::Command(&Command::Input { machine: "vm1".into(), job, text }));
    assert_eq!(error.unwrap_err().code, "command-line-too-long");
}

#[test]
fn a_machines_own_address_does_not_come_in_from_outside() {
    let mut watched = Watched::new();
    let pc = Ipv4Addr::new(192, 168, 0, 50);
    let packet = ip(pc, pc, 1, 64, &Icmp::EchoRequest { ident: 1, seq: 1 }.emit(&[]));
    let bytes = frame_to(MacAddr::BROADCAST, ethertype::IPV4, &packet);
    let id = watched.world.node_named("pc").unwrap();
    watched.world.with_machine(id, |machine, ctx| {
        ctx.account.arrived += 1;
        let frame = ctx.frame(None, bytes);
        machine.handle_frame(ctx, 2, &frame);
    });
    watched.drain();
    assert_eq!(watched.dropped, [DropReason::IpSourceInvalid]);
    watched.world.check().unwrap();
}
