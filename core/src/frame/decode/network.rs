//! ARP (RFC 826) and IPv4 (RFC 791).

use super::reader::{Reader, hex16};
use super::{Layer, data, transport};

/// ARP; where it ends.
pub(super) fn arp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("ARP", bytes, start);
    r.u16("arp.hw.type", |v| if v == 1 { "Ethernet (1)".to_owned() } else { v.to_string() });
    r.u16("arp.proto.type", |v| if v == 0x0800 { "IPv4 (0x0800)".to_owned() } else { hex16(v) });
    r.u8("arp.hw.size", |v| v.to_string());
    r.u8("arp.proto.size", |v| v.to_string());
    r.u16("arp.opcode", |v| match v {
        1 => "request (1)".to_owned(),
        2 => "reply (2)".to_owned(),
        other => other.to_string(),
    });
    r.mac("arp.src.hw_mac");
    r.ip("arp.src.proto_ipv4");
    r.mac("arp.dst.hw_mac");
    r.ip("arp.dst.proto_ipv4");
    r.finish(layers)
}

/// The packet that an ICMP error is about, as far as it is quoted; where the quotation ends.
pub(super) fn quoted(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let first = layers.len();
    let end = packet(bytes, start, layers, true);
    // Eight bytes of its payload are all that must be quoted (RFC 792): that they end is no fault.
    layers.iter_mut().skip(first).for_each(|layer| layer.cut = false);
    end
}

/// IPv4 and what it carries; where the packet ends by its own length.
pub(super) fn ipv4(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    packet(bytes, start, layers, false)
}

fn packet(bytes: &[u8], start: usize, layers: &mut Vec<Layer>, quoted: bool) -> usize {
    let mut r = Reader::new("IPv4", bytes, start);
    let first = r.u8("ip.version", |v| (v >> 4).to_string()).unwrap_or(0);
    let header = usize::from(first & 15) * 4;
    r.again("ip.hdr_len", 1, 1, format!("{header} B"));
    r.u8("ip.dsfield", |v| format!("{v:#04x}"));
    let total = r.u16("ip.len", |v| v.to_string());
    r.u16("ip.id", hex16);
    let fragment = r.u16("ip.flags", flags).unwrap_or(0);
    r.again("ip.frag_offset", 2, 2, (u32::from(fragment & 0x1fff) * 8).to_string());
    r.u8("ip.ttl", |v| v.to_string());
    let proto = r.u8("ip.proto", |v| match v {
        1 => "ICMP (1)".to_owned(),
        6 => "TCP (6)".to_owned(),
        17 => "UDP (17)".to_owned(),
        other => other.to_string(),
    });
    r.u16("ip.checksum", hex16);
    r.ip("ip.src");
    r.ip("ip.dst");
    if header > 20 {
        r.skip(header - 20);
    }
    let payload = r.finish(layers);
    let end = total.map_or(payload, |total| start + usize::from(total)).clamp(payload, bytes.len().max(payload));
    let inside = bytes.get(..end).unwrap_or(bytes);
    let used = match proto {
        // A later fragment has no header of the next layer.
        _ if fragment & 0x1fff != 0 => payload,
        // One quotation in another is data.
        Some(1) if quoted => transport::icmp(inside.get(..payload + 8).unwrap_or(inside), payload, layers),
        Some(1) => transport::icmp(inside, payload, layers),
        Some(6) => transport::tcp(inside, payload, layers),
        Some(17) => transport::udp(inside, payload, layers),
        _ => payload,
    };
    data(inside, used, end, "data", layers);
    end
}

fn flags(value: u16) -> String {
    match value >> 13 {
        0 => "—".to_owned(),
        1 => "MF".to_owned(),
        2 => "DF".to_owned(),
        3 => "DF, MF".to_owned(),
        _ => hex16(value),
    }
}
