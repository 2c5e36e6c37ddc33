//! Bytes on the wire.

use core::net::Ipv4Addr;
use core::time::Duration;

use netmodes_core::addr::{Cidr, MacAddr};
use netmodes_core::dhcp::{Client, ClientConfig, Message, Server, ServerConfig};
use netmodes_core::frame::decode::{decode, summarize};
use netmodes_core::frame::{Ethernet, Ipv4Header, Offload, Udp};
use netmodes_core::id::TapId;
use netmodes_core::rng::{Purpose, Rng};
use netmodes_core::time::SimTime;
use netmodes_core::view::Mode;
use netmodes_core::world::{Command, Input, World};
use netmodes_tests::content::lab;

use crate::RUNS;

const GUEST: MacAddr = MacAddr([0x08, 0, 0x27, 0xa1, 0xb2, 0xc3]);

/// A world in which a real device stands for vm1, in a mode.
fn world(mode: Mode) -> (World, TapId) {
    let mut world = World::new(&lab("modes"), 1).unwrap();
    let commands = [
        Command::Attach { vm: "vm1".into(), adapter: 1, mode, network: String::new() },
        Command::Attach { vm: "vm2".into(), adapter: 1, mode, network: String::new() },
        Command::AttachTap { vm: "vm1".into(), adapter: 1, device: "nm0".into() },
        Command::Run { machine: "vm2".into(), line: "dhclient enp0s3".into(), tty: None, stdin: false },
    ];
    drain(&mut world);
    for command in &commands {
        let now = world.now();
        world.handle(now, Input::Command(command)).unwrap();
        drain(&mut world);
    }
    pass(&mut world, Duration::from_secs(3));
    let tap = world.tap_of("vm1", 1).unwrap();
    (world, tap)
}

fn drain(world: &mut World) {
    while world.poll_output().is_some() {}
}

fn pass(world: &mut World, time: Duration) {
    let end = world.now() + time;
    while let Some(next) = world.next_wakeup().filter(|at| *at <= end) {
        world.handle(next, Input::Time).unwrap();
        drain(world);
        world.check().unwrap();
    }
    world.handle(end, Input::Time).unwrap();
    drain(world);
}

/// The first bytes choose how deep the rest lies: raw, behind an Ethernet header, behind IPv4, behind UDP. The headers
/// in front are right, so that the fuzzer reaches the parsers behind them.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let [kind, proto, last, port, rest @ ..] = bytes else { return bytes.to_vec() };
    let dst = if kind & 8 == 0 { MacAddr::BROADCAST } else { MacAddr([0x52, 0x54, 0, 0x12, 0x35, 2]) };
    let ethernet = |kind, payload: &[u8]| Ethernet { dst, src: GUEST, ethertype: kind }.emit(payload);
    let addrs = [[10, 0, 2, 1], [10, 0, 10, 1], [192, 168, 0, 1], [192, 168, 56, 1], [8, 8, 8, 8], [255; 4]];
    let addr = Ipv4Addr::from(addrs[usize::from(*last) % addrs.len()]);
    let src = Ipv4Addr::new(10, 0, 2, 15);
    let ports = [53, 67, 68, 7, 80, u16::from(*port) << 3];
    let dst_port = ports[usize::from(*port) % ports.len()];
    let header = |proto| Ipv4Header { src, dst: addr, proto, ttl: 64, ident: 9, tos: 0, dont_fragment: kind & 16 != 0 };
    match kind % 8 {
        0 => bytes[1..].to_vec(),
        1 => ethernet(0x0800, &bytes[1..]),
        2 => ethernet(0x0806, &bytes[1..]),
        3 => ethernet(0x86dd, &bytes[1..]),
        4 => ethernet(u16::from_be_bytes([*proto, *last]), rest),
        5 | 6 => ethernet(0x0800, &header([1, 6, 17, *proto][usize::from(*proto) % 4]).emit(rest)),
        _ => ethernet(0x0800, &header(17).emit(&Udp { src_port: 68, dst_port }.emit(src, addr, rest))),
    }
}

#[test]
fn no_frame_from_a_device_makes_a_world_unsound_in_any_mode() {
    let worlds: Vec<_> = Mode::ALL.into_iter().filter(|mode| *mode != Mode::UdpTunnel).map(world).collect();
    bolero::check!().with_iterations(RUNS).for_each(|bytes: &[u8]| {
        for (world, tap) in &worlds {
            let mut world = world.fork();
            // Three times, so that what the first left behind meets the others.
            for cut in [0, 1, 0] {
                let whole = frame(bytes);
                let part = &whole[..whole.len().saturating_sub(cut)];
                let now = world.now();
                world.handle(now, Input::TapFrame { tap: *tap, bytes: part, offload: Offload::NONE }).unwrap();
                drain(&mut world);
                world.check().unwrap();
            }
            pass(&mut world, Duration::from_millis(30));
        }
    });
}

#[test]
fn any_bytes_are_decoded_as_far_as_they_go() {
    bolero::check!().with_iterations(RUNS * 20).for_each(|bytes: &[u8]| {
        for bytes in [bytes, &frame(bytes)] {
            let decoded = decode(bytes);
            for layer in &decoded.layers {
                assert!(layer.range.end <= bytes.len(), "{layer:?}");
                assert!(layer.fields.iter().all(|field| field.range.end <= bytes.len()), "{layer:?}");
            }
            assert!(!summarize(bytes).text.is_empty() || bytes.is_empty());
        }
    });
}

#[test]
fn any_dhcp_message_is_answered_or_refused_and_read_back_as_it_was_sent() {
    let net: Cidr = "10.0.2.0/28".parse().unwrap();
    let first = Ipv4Addr::new(10, 0, 2, 2);
    let config = ServerConfig::new(Ipv4Addr::new(10, 0, 2, 1), net, first, Ipv4Addr::new(10, 0, 2, 14));
    let server = Server::new(config, Rng::stream(1, Purpose::DhcpServer, 1));
    let mac = GUEST;
    let client = Client::new(
        ClientConfig { params: vec![1, 3, 6], ..ClientConfig::new(mac) },
        Rng::stream(1, Purpose::Machine, 1),
    );
    bolero::check!().with_iterations(RUNS * 20).for_each(|bytes: &[u8]| {
        let mut raw = vec![0; 236];
        let head = bytes.len().min(236);
        raw[..head].copy_from_slice(&bytes[..head]);
        raw.extend([99, 130, 83, 99]);
        raw.extend(&bytes[head..]);
        for raw in [bytes, &raw] {
            let Ok(message) = Message::parse(raw) else { continue };
            assert_eq!(Message::parse(&message.emit()), Ok(message.clone()));
            let (mut server, mut client) = (server.clone(), client.clone());
            client.start(SimTime::ZERO);
            for secs in [0, 1, 40_000, 700_000] {
                let now = SimTime::from_secs(secs);
                server.handle_message(now, &message);
                client.handle_timeout(now);
                client.handle_message(now, &message);
                while client.poll_action().is_some() {}
                while server.poll_change().is_some() {}
            }
        }
    });
}
