//! ICMP (RFC 792), UDP (RFC 768), TCP (RFC 9293).

use super::reader::{Reader, hex16};
use super::{Layer, app, dns, network};

/// ICMP; where what was understood ends. An error quotes the packet it is about: its headers are layers too.
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
    let code = r.u8("icmp.code", |v| v.to_string());
    r.u16("icmp.checksum", hex16);
    match (kind, code) {
        (Some(0 | 8), _) => {
            r.u16("icmp.ident", |v| v.to_string());
            r.u16("icmp.seq", |v| v.to_string());
        }
        (Some(5), _) => r.ip("icmp.redir_gw"),
        // RFC 1191: the next link's MTU.
        (Some(3), Some(4)) => {
            r.skip(2);
            r.u16("icmp.mtu", |v| v.to_string());
        }
        _ => r.skip(4),
    }
    let end = r.finish(layers);
    let error = matches!(kind, Some(3 | 5 | 11 | 12));
    if error && bytes.get(end).is_some_and(|first| first >> 4 == 4) { network::quoted(bytes, end, layers) } else { end }
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
        dns::dns(bytes, payload, layers)
    } else {
        payload
    }
}

/// TCP; where its header ends.
pub(super) fn tcp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("TCP", bytes, start);
    let from = r.u16("tcp.srcport", |v| v.to_string());
    let to = r.u16("tcp.dstport", |v| v.to_string());
    r.u32("tcp.seq_raw", |v| v.to_string());
    r.u32("tcp.ack_raw", |v| v.to_string());
    let header =
        r.u8("tcp.hdr_len", |v| format!("{} B", usize::from(v >> 4) * 4)).map_or(0, |v| usize::from(v >> 4) * 4);
    r.u8("tcp.flags", flags);
    r.u16("tcp.window_size_value", |v| v.to_string());
    r.u16("tcp.checksum", hex16);
    r.u16("tcp.urgent_pointer", |v| v.to_string());
    if header > 20 {
        r.take("tcp.options", header - 20, |bytes| format!("{} B", bytes.len()));
    }
    let payload = r.finish(layers);
    let web = [from, to].iter().any(|port| matches!(port, Some(80 | 8080)));
    if web { app::http(bytes, payload, layers) } else { payload }
}

/// The flags that are set, in the order they are usually named.
pub(super) fn flags(value: u8) -> String {
    let names = [(0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x20, "URG"), (0x10, "ACK")];
    let set: Vec<_> = names.iter().filter(|(bit, _)| value & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "—".to_owned() } else { set.join(", ") }
}
