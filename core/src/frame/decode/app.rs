//! DHCP (RFC 2131, RFC 2132) and DNS (RFC 1035), as far as a lesson needs.

use super::Layer;
use super::reader::{Reader, address, number};

/// Most options of a DHCP message that are read: a hostile one must not cost more.
const OPTIONS_MAX: usize = 128;
/// The four bytes before the options (RFC 2132, section 2).
const COOKIE: u32 = 0x6382_5363;

/// DHCP; where it ends.
pub(super) fn dhcp(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("DHCP", bytes, start);
    r.u8("dhcp.type", |v| match v {
        1 => "BOOTREQUEST (1)".to_owned(),
        2 => "BOOTREPLY (2)".to_owned(),
        other => other.to_string(),
    });
    r.skip(3);
    r.u32("dhcp.id", |v| format!("{v:#010x}"));
    r.u16("dhcp.secs", |v| v.to_string());
    r.u16("dhcp.flags", |v| if v & 0x8000 != 0 { "broadcast".to_owned() } else { format!("{v:#06x}") });
    r.ip("dhcp.ip.client");
    r.ip("dhcp.ip.your");
    r.ip("dhcp.ip.server");
    r.ip("dhcp.ip.relay");
    r.mac("dhcp.hw.mac_addr");
    // The rest of chaddr (16 bytes), then sname (64) and file (128).
    r.skip(10 + 64 + 128);
    if r.u32("dhcp.cookie", |v| format!("{v:#010x}")) == Some(COOKIE) {
        for _ in 0..OPTIONS_MAX {
            if !option(&mut r, bytes) {
                break;
            }
        }
    }
    let end = r.finish(layers);
    // What follows the end option is padding of the message.
    if bytes.get(end..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0)) { bytes.len() } else { end }
}

/// One option; whether another may follow.
fn option(r: &mut Reader<'_>, bytes: &[u8]) -> bool {
    match bytes.get(r.at()) {
        Some(0) => {
            r.skip(1);
            true
        }
        Some(255) => {
            r.u8("dhcp.option.end", |_| "255".to_owned());
            false
        }
        Some(code) => {
            let len = bytes.get(r.at() + 1).copied().map_or(0, usize::from);
            let (key, show) = known(*code);
            r.take(key, 2 + len, |whole| show(whole.get(2..).unwrap_or_default())).is_some()
        }
        None => false,
    }
}

type Show = fn(&[u8]) -> String;

fn known(code: u8) -> (&'static str, Show) {
    let text: Show = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let secs: Show = |bytes| format!("{} s", number(bytes));
    let list: Show = |bytes| bytes.chunks_exact(4).map(address).collect::<Vec<_>>().join(", ");
    match code {
        1 => ("dhcp.option.subnet_mask", list),
        3 => ("dhcp.option.router", list),
        6 => ("dhcp.option.domain_name_server", list),
        12 => ("dhcp.option.hostname", text),
        15 => ("dhcp.option.domain_name", text),
        28 => ("dhcp.option.broadcast_address", list),
        50 => ("dhcp.option.requested_ip_address", list),
        51 => ("dhcp.option.ip_address_lease_time", secs),
        53 => ("dhcp.option.dhcp", |bytes| message_type(bytes.first().copied().unwrap_or(0))),
        54 => ("dhcp.option.dhcp_server_id", list),
        55 => ("dhcp.option.request_list", |b| b.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")),
        56 => ("dhcp.option.message", text),
        58 => ("dhcp.option.renewal_time_value", secs),
        59 => ("dhcp.option.rebinding_time_value", secs),
        61 => ("dhcp.option.client_id", hex),
        _ => ("dhcp.option", hex),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The names of RFC 2132, section 9.6.
pub(super) fn message_type(value: u8) -> String {
    let names = ["DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"];
    let name = usize::from(value).checked_sub(1).and_then(|at| names.get(at));
    name.map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

/// DNS: its header and the first question; where it ends.
pub(super) fn dns(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("DNS", bytes, start);
    r.u16("dns.id", |v| format!("{v:#06x}"));
    r.skip(10);
    if let Some((name, len)) = name_at(bytes, r.at()) {
        r.take("dns.qry.name", len, |_| name);
    }
    let read = r.finish(layers);
    if let Some(layer) = layers.last_mut().filter(|_| bytes.len() > read) {
        layer.range.end = bytes.len();
    }
    bytes.len().max(read)
}

/// A name without compression, and its length in bytes.
fn name_at(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut labels: Vec<String> = Vec::new();
    let mut at = start;
    while at - start <= 255 {
        let len = usize::from(*bytes.get(at)?);
        at += 1;
        match len {
            0 => return Some((labels.join("."), at - start)),
            1..=63 => labels.push(String::from_utf8_lossy(bytes.get(at..at + len)?).into_owned()),
            _ => return None,
        }
        at += len;
    }
    None
}
