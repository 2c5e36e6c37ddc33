//! A frame's fields as goals name them: Wireshark's names, values as Wireshark's filters write them (addresses as text,
//! numbers in decimal). Lax: what cannot be read is left out.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use crate::addr::MacAddr;

/// The fields of a frame. A protocol's presence is a field of its own: `arp`, `ip`, `icmp`, `udp`, `tcp`, `dhcp`, each
/// with the value `1`.
pub fn frame_fields(bytes: &[u8]) -> BTreeMap<&'static str, String> {
    let mut fields = BTreeMap::new();
    // Every reader stops at the first byte that is not there.
    let _ = ethernet(bytes, &mut fields);
    fields
}

type Fields = BTreeMap<&'static str, String>;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
}

fn ip_at(bytes: &[u8], at: usize) -> Option<String> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(Ipv4Addr::from(octets).to_string())
}

fn mac_at(bytes: &[u8], at: usize) -> Option<String> {
    MacAddr::from_slice(bytes.get(at..)?).map(|mac| mac.to_string())
}

fn ethernet(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    fields.insert("eth.dst", mac_at(bytes, 0)?);
    fields.insert("eth.src", mac_at(bytes, 6)?);
    let kind = u16_at(bytes, 12)?;
    fields.insert("eth.type", kind.to_string());
    let payload = bytes.get(14..)?;
    match kind {
        0x0800 => ipv4(payload, fields),
        0x0806 => arp(payload, fields),
        _ => None,
    }
}

/// RFC 826 for Ethernet and IPv4.
fn arp(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    fields.insert("arp", "1".to_owned());
    fields.insert("arp.opcode", u16_at(bytes, 6)?.to_string());
    fields.insert("arp.src.hw_mac", mac_at(bytes, 8)?);
    fields.insert("arp.src.proto_ipv4", ip_at(bytes, 14)?);
    fields.insert("arp.dst.hw_mac", mac_at(bytes, 18)?);
    fields.insert("arp.dst.proto_ipv4", ip_at(bytes, 24)?);
    Some(())
}

/// RFC 791.
fn ipv4(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    let first = *bytes.first()?;
    let header = usize::from(first & 15) * 4;
    if first >> 4 != 4 || header < 20 {
        return None;
    }
    fields.insert("ip", "1".to_owned());
    fields.insert("ip.ttl", bytes.get(8)?.to_string());
    let proto = *bytes.get(9)?;
    fields.insert("ip.proto", proto.to_string());
    fields.insert("ip.src", ip_at(bytes, 12)?);
    fields.insert("ip.dst", ip_at(bytes, 16)?);
    // A later fragment has no header of the layer above.
    if u16_at(bytes, 6)? & 0x1fff != 0 {
        return None;
    }
    let payload = bytes.get(header..)?;
    match proto {
        1 => icmp(payload, fields),
        6 => tcp(payload, fields),
        17 => udp(payload, fields),
        _ => None,
    }
}

/// RFC 792.
fn icmp(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    fields.insert("icmp", "1".to_owned());
    fields.insert("icmp.type", bytes.first()?.to_string());
    fields.insert("icmp.code", bytes.get(1)?.to_string());
    fields.insert("icmp.ident", u16_at(bytes, 4)?.to_string());
    fields.insert("icmp.seq", u16_at(bytes, 6)?.to_string());
    Some(())
}

/// RFC 9293.
fn tcp(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    fields.insert("tcp", "1".to_owned());
    fields.insert("tcp.srcport", u16_at(bytes, 0)?.to_string());
    fields.insert("tcp.dstport", u16_at(bytes, 2)?.to_string());
    let flags = *bytes.get(13)?;
    for (name, bit) in [
        ("tcp.flags.fin", 0x01),
        ("tcp.flags.syn", 0x02),
        ("tcp.flags.reset", 0x04),
        ("tcp.flags.push", 0x08),
        ("tcp.flags.ack", 0x10),
    ] {
        fields.insert(name, u8::from(flags & bit != 0).to_string());
    }
    Some(())
}

/// RFC 768.
fn udp(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    let (src, dst) = (u16_at(bytes, 0)?, u16_at(bytes, 2)?);
    fields.insert("udp", "1".to_owned());
    fields.insert("udp.srcport", src.to_string());
    fields.insert("udp.dstport", dst.to_string());
    if matches!((src, dst), (67 | 68, 67 | 68)) { dhcp(bytes.get(8..)?, fields) } else { None }
}

/// RFC 2131: fixed part of 236 bytes, the cookie, options.
fn dhcp(bytes: &[u8], fields: &mut Fields) -> Option<()> {
    if bytes.get(236..240)? != [99, 130, 83, 99] {
        return None;
    }
    fields.insert("dhcp", "1".to_owned());
    fields.insert("dhcp.ip.your", ip_at(bytes, 16)?);
    fields.insert("dhcp.hw.mac_addr", mac_at(bytes, 28)?);
    let mut rest = bytes.get(240..)?;
    loop {
        let (&code, after) = rest.split_first()?;
        match code {
            0 => rest = after,
            255 => return Some(()),
            _ => {
                let (&len, after) = after.split_first()?;
                let value = after.get(..usize::from(len))?;
                match code {
                    53 => fields.insert("dhcp.option.dhcp", value.first()?.to_string()),
                    50 => fields.insert("dhcp.option.requested_ip_address", ip_at(value, 0)?),
                    54 => fields.insert("dhcp.option.dhcp_server_id", ip_at(value, 0)?),
                    1 => fields.insert("dhcp.option.subnet_mask", ip_at(value, 0)?),
                    3 => fields.insert("dhcp.option.router", ip_at(value, 0)?),
                    6 => fields.insert("dhcp.option.domain_name_server", ip_at(value, 0)?),
                    51 => {
                        let secs: [u8; 4] = value.get(..4)?.try_into().ok()?;
                        fields.insert("dhcp.option.ip_address_lease_time", u32::from_be_bytes(secs).to_string())
                    }
                    _ => None,
                };
                rest = after.get(usize::from(len)..)?;
            }
        }
    }
}
