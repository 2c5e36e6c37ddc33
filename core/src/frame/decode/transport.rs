//! ICMP (RFC 792), UDP (RFC 768), TCP (RFC 9293).

use super::reader::{Reader, hex16};
use super::{Layer, app};

/// ICMP; where its header ends.
pub(super) fn icmp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("ICMP", bytes, start);
    let kind = r.u8("icmp.type", |v| match v {
        0 => "echo reply (0)".to_owned(),
        3 => "destination unreachable (3)".to_owned(),
        5 => "redirect (5)".to_owned(),
        8 => "echo request (8)".to_owned(),
        11 => "time exceeded (11)".to_owned(),
        other => other.to_string(),
    });
    r.u8("icmp.code", |v| v.to_string());
    r.u16("icmp.checksum", hex16);
    match kind {
        Some(0 | 8) => {
            r.u16("icmp.ident", |v| v.to_string());
            r.u16("icmp.seq", |v| v.to_string());
        }
        _ => r.skip(4),
    }
    r.finish(layers)
}

/// UDP and what it carries; where that ends.
pub(super) fn udp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("UDP", bytes, start);
    let from = r.u16("udp.srcport", |v| v.to_string());
    let to = r.u16("udp.dstport", |v| v.to_string());
    r.u16("udp.length", |v| v.to_string());
    r.u16("udp.checksum", hex16);
    let payload = r.finish(layers);
    let is = |port: u16| from == Some(port) || to == Some(port);
    if is(67) || is(68) {
        app::dhcp(bytes, payload, layers)
    } else if is(53) {
        app::dns(bytes, payload, layers)
    } else {
        payload
    }
}

/// TCP; where its header ends.
pub(super) fn tcp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("TCP", bytes, start);
    r.u16("tcp.srcport", |v| v.to_string());
    r.u16("tcp.dstport", |v| v.to_string());
    r.u32("tcp.seq", |v| v.to_string());
    r.u32("tcp.ack", |v| v.to_string());
    let header =
        r.u8("tcp.hdr_len", |v| format!("{} B", usize::from(v >> 4) * 4)).map_or(0, |v| usize::from(v >> 4) * 4);
    r.u8("tcp.flags", flags);
    r.u16("tcp.window_size_value", |v| v.to_string());
    r.u16("tcp.checksum", hex16);
    r.skip(2);
    if header > 20 {
        r.take("tcp.options", header - 20, |bytes| format!("{} B", bytes.len()));
    }
    r.finish(layers)
}

/// The flags that are set, in the order they are usually named.
pub(super) fn flags(value: u8) -> String {
    let names = [(0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x20, "URG"), (0x10, "ACK")];
    let set: Vec<_> = names.iter().filter(|(bit, _)| value & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "—".to_owned() } else { set.join(", ") }
}
