//! The lease database, dhcpd.leases(5): leases are appended as they change, the last of an address counts.

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::super::Kernel;
use super::super::isc_date::{date, parse_date};
use crate::addr::MacAddr;
use crate::view::{LeaseRow, LeaseState};

const PATH: &str = "/var/lib/dhcp/dhcpd.leases";
const HEAD: &str = "# The format of this file is documented in the dhcpd.leases(5) manual page.\n\
    # This lease file was written by isc-dhcp-4.4.3-P1\n\n\
    # authoring-byte-order entry is generated, DO NOT DELETE\n\
    authoring-byte-order little-endian;\n\n";
/// How a lease begins.
const BLOCK: &str = "lease ";
/// Bytes from which on the file is written anew before more is appended, if it holds old entries.
const REWRITE_AT: usize = 32 * 1024;

/// Appends what changed. Offers are not written: a server that restarts has not promised anything yet.
pub(super) fn append(kernel: &mut dyn Kernel, rows: &[LeaseRow]) {
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.state != LeaseState::Offered) {
        write_block(&mut text, row);
    }
    if text.is_empty() {
        return;
    }
    let len = kernel.file_len(PATH);
    if len == 0 {
        text.insert_str(0, HEAD);
    } else if len >= REWRITE_AT && len + text.len() > len.next_power_of_two() {
        // Each time the size doubles: what is written anew costs no more than what was appended since.
        let mut whole = HEAD.to_owned();
        read(kernel).iter().for_each(|row| write_block(&mut whole, row));
        whole.push_str(&text);
        let _ = kernel.write_file(PATH, whole);
        return;
    }
    let _ = kernel.append_file(PATH, &text);
}

/// Begins a new file with these.
pub(super) fn rewrite(kernel: &mut dyn Kernel, rows: &[LeaseRow]) {
    let mut whole = HEAD.to_owned();
    rows.iter().for_each(|row| write_block(&mut whole, row));
    let _ = kernel.write_file(PATH, whole);
}

fn write_block(text: &mut String, row: &LeaseRow) {
    let since = date(row.since.unwrap_or(row.expires));
    let ends = date(row.expires);
    let (state, active) = match row.state {
        LeaseState::Bound => ("active", true),
        LeaseState::Declined => ("abandoned", false),
        LeaseState::Offered | LeaseState::Released | LeaseState::Expired => ("free", false),
    };
    let _ = write!(text, "lease {} {{\n  starts {since};\n  ends {ends};\n", row.addr);
    if !active {
        let _ = writeln!(text, "  tstp {ends};");
    }
    let _ = write!(text, "  cltt {since};\n  binding state {state};\n");
    if active {
        text.push_str("  next binding state free;\n  rewind binding state free;\n");
    }
    let _ = writeln!(text, "  hardware ethernet {};", row.mac);
    if let Some(id) = &row.client_id {
        let _ = writeln!(text, "  uid \"{}\";", quote(&crate::lab::hex_bytes(id)));
    }
    if !row.hostname.is_empty() && active {
        let _ = writeln!(text, "  client-hostname \"{}\";", quote(row.hostname.as_bytes()));
    }
    text.push_str("}\n");
}

/// Bytes between quotes: what does not print is three octal digits (common/print.c, `quotify_buf`).
fn quote(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'"' | b'\\' => {
                let _ = write!(text, "\\{}", char::from(*byte));
            }
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
        text
    })
}

fn unquote(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let octal = |at: usize| tail.get(at).filter(|b| (b'0'..=b'7').contains(b)).map(|b| u32::from(b - b'0'));
        match (first, octal(0), octal(1), octal(2)) {
            (b'\\', Some(a), Some(b), Some(c)) => {
                bytes.push((a << 6 | b << 3 | c) as u8);
                rest = &tail[3..];
            }
            (b'\\', ..) if !tail.is_empty() => {
                bytes.push(tail[0]);
                rest = &tail[1..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// What the file says of each address.
pub(super) fn read(kernel: &dyn Kernel) -> Vec<LeaseRow> {
    let text = kernel.read_file(PATH).unwrap_or_default();
    let mut rows: BTreeMap<Ipv4Addr, LeaseRow> = BTreeMap::new();
    for block in text.split("}\n") {
        if let Some(row) = read_block(kernel, block) {
            rows.insert(row.addr, row);
        }
    }
    rows.into_values().collect()
}

fn read_block(kernel: &dyn Kernel, block: &str) -> Option<LeaseRow> {
    let at = if block.starts_with(BLOCK) { 0 } else { block.find("\nlease ")? + 1 };
    let mut lines = block.get(at..)?.lines();
    let addr = lines.next()?.strip_prefix(BLOCK)?.strip_suffix(" {")?.parse().ok()?;
    let values: BTreeMap<&str, &str> = lines
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter_map(|line| {
            let names =
                ["binding state ", "hardware ethernet ", "client-hostname ", "starts ", "ends ", "cltt ", "uid "];
            names.iter().find_map(|name| Some((name.trim_end(), line.strip_prefix(name)?)))
        })
        .collect();
    let bare = |name: &str| values.get(name).and_then(|text| text.strip_prefix('"')?.strip_suffix('"')).map(unquote);
    let mac: MacAddr = values.get("hardware ethernet")?.parse().ok()?;
    let hex = |id: Vec<u8>| id.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":");
    Some(LeaseRow {
        server: kernel.node(),
        addr,
        mac,
        client_id: bare("uid").map(hex),
        hostname: bare("client-hostname").map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default(),
        state: match *values.get("binding state")? {
            "active" => LeaseState::Bound,
            "abandoned" => LeaseState::Declined,
            _ => LeaseState::Released,
        },
        since: values.get("cltt").or_else(|| values.get("starts")).and_then(|text| parse_date(text)),
        expires: parse_date(values.get("ends")?)?,
    })
}
