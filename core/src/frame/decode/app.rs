//! DHCP (RFC 2131, RFC 2132) and the beginning of HTTP (RFC 9112), as far as a lesson needs.

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
    r.u8("dhcp.hw.type", |v| if v == 1 { "Ethernet (1)".to_owned() } else { v.to_string() });
    r.u8("dhcp.hw.len", |v| v.to_string());
    r.u8("dhcp.hops", |v| v.to_string());
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
        55 => ("dhcp.option.request_list_item", |b| b.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")),
        56 => ("dhcp.option.message", text),
        58 => ("dhcp.option.renewal_time_value", secs),
        59 => ("dhcp.option.rebinding_time_value", secs),
        61 => ("dhcp.client_id", hex),
        _ => ("dhcp.option.value", hex),
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

/// HTTP/1.x (RFC 9112): the first line and the host, when a segment begins with them; where they end.
pub(super) fn http(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    let payload = bytes.get(start..).unwrap_or_default();
    let Some(end) = payload.windows(2).position(|pair| pair == b"\r\n") else { return start };
    let Ok(line) = core::str::from_utf8(&payload[..end]) else { return start };
    let mut words = line.splitn(3, ' ');
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return start };
    let mut r = Reader::new("HTTP", bytes, start);
    let mut word = |key, text: &str, gap| {
        r.take(key, text.len(), |_| text.to_owned());
        r.skip(gap);
    };
    if METHODS.contains(&first) {
        word("http.request.method", first, 1);
        word("http.request.uri", second, 1);
        word("http.request.version", words.next().unwrap_or_default(), 2);
    } else if first.starts_with("HTTP/1.") {
        word("http.response.version", first, 1);
        word("http.response.code", second, 1);
        word("http.response.phrase", words.next().unwrap_or_default(), 2);
    } else {
        return start;
    }
    let rest = payload.get(end + 2..).unwrap_or_default();
    let head = rest.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    header_lines(&mut r, rest.get(..head).unwrap_or_default());
    let body = rest.len() - head;
    if head > 0 && body > 0 {
        r.take("http.file_data", body, |bytes| format!("{} B", bytes.len()));
    }
    r.finish(layers)
}

/// The lines up to the empty one: of interest is the host.
fn header_lines(r: &mut Reader<'_>, lines: &[u8]) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"Host: ").map(<[u8]>::trim_ascii_end) {
            Some(host) if !host.is_empty() => {
                r.skip(6);
                r.take("http.host", host.len(), |bytes| String::from_utf8_lossy(bytes).into_owned());
                r.skip(line.len() - 6 - host.len());
            }
            _ => r.skip(line.len()),
        }
    }
}
