//! The lease file, dhclient.leases(5): what the client remembers from one start to the next.

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::super::Kernel;
use super::super::isc_date::{date, parse_date};
use crate::addr::{Cidr, MacAddr};
use crate::dhcp::{BoundLease, Message, MessageType, option};
use crate::time::SimTime;

/// Options that concern the exchange, not the lease.
const NOT_KEPT: [u8; 3] = [option::OVERLOAD, option::CLIENT_IDENTIFIER, option::HOST_NAME];

/// How a lease begins.
const BLOCK: &str = "lease {";
/// Leases that are appended before the file is written anew (client/dhclient.c `write_client_lease`: 20).
const LEASES_MAX: usize = 20;

/// A lease as the file knows it.
pub(super) struct Remembered {
    pub addr: Ipv4Addr,
    pub server: Ipv4Addr,
    pub expires: SimTime,
    pub lease: BoundLease,
}

/// Adds a lease at the file's end, as the real one does.
pub(super) fn append(kernel: &mut dyn Kernel, path: &str, iface: &str, lease: &BoundLease) {
    let mut text = kernel.read_file(path).unwrap_or_default();
    if text.matches(BLOCK).count() >= LEASES_MAX {
        text = newest(&text);
    }
    let _ = write!(text, "lease {{\n  interface \"{iface}\";\n  fixed-address {};\n", lease.cidr.addr);
    for (code, value) in lease.ack.options.iter().filter(|(code, _)| !NOT_KEPT.contains(code)) {
        let _ = writeln!(text, "  option {} {};", option::name(*code), option::print(*code, value));
    }
    for (name, at) in [("renew", lease.renew_at), ("rebind", lease.rebind_at), ("expire", lease.expires)] {
        let _ = writeln!(text, "  {name} {};", date(at));
    }
    text.push_str("}\n");
    let _ = kernel.write_file(path, text);
}

/// A lease that was given back is over now; it stays in the file, so that its address can be asked for again.
pub(super) fn released(kernel: &mut dyn Kernel, path: &str, iface: &str, mut lease: BoundLease) {
    let now = kernel.now();
    (lease.renew_at, lease.rebind_at, lease.expires) = (now, now, now);
    append(kernel, path, iface, &lease);
}

/// The file with one lease for each interface: its last.
fn newest(text: &str) -> String {
    let iface = |block: &&str| block.lines().find(|line| line.trim().starts_with("interface ")).map(str::to_owned);
    let blocks: Vec<&str> = text.split(BLOCK).skip(1).collect();
    let last: BTreeMap<_, _> = blocks.iter().map(|block| (iface(block), *block)).collect();
    last.values().flat_map(|block| [BLOCK, block]).collect()
}

/// The last lease of an interface.
pub(super) fn last(kernel: &dyn Kernel, path: &str, iface: &str) -> Option<Remembered> {
    let text = kernel.read_file(path).ok()?;
    let wanted = format!("interface \"{iface}\";");
    let block = text.rsplit(BLOCK).find(|block| block.contains(&wanted))?;
    let value = |name: &str| {
        block.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_suffix(';').map(str::to_owned))
    };
    let addr: Ipv4Addr = value("fixed-address")?.parse().ok()?;
    let server = value("option dhcp-server-identifier")?.parse().ok()?;
    let expires = parse_date(&value("expire")?)?;
    let mut ack = Message::request(MessageType::Ack, 0, MacAddr::default());
    ack.yiaddr = addr;
    for line in block.lines() {
        let Some((name, text)) =
            line.trim().strip_prefix("option ").and_then(|rest| rest.strip_suffix(';')?.split_once(' '))
        else {
            continue;
        };
        if let Some((code, bytes)) = option::code(name).and_then(|code| Some((code, option::read(code, text)?))) {
            ack.set(code, &bytes);
        }
    }
    let prefix = ack.netmask().and_then(Cidr::prefix_of_mask).unwrap_or(24);
    let time = |name: &str| value(name).and_then(|text| parse_date(&text)).unwrap_or(expires);
    let lease = BoundLease {
        cidr: Cidr::new(addr, prefix),
        server,
        since: expires,
        renew_at: time("renew"),
        rebind_at: time("rebind"),
        expires,
        ack,
    };
    Some(Remembered { addr, server, expires, lease })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_interface_the_newest_lease_stays() {
        let block =
            |iface: &str, addr: &str| format!("lease {{\n  interface \"{iface}\";\n  fixed-address {addr};\n}}\n");
        let text = [block("a", "1"), block("b", "2"), block("a", "3")].concat();
        assert_eq!(newest(&text), block("a", "3") + &block("b", "2"));
        assert_eq!(newest(""), "");
    }
}
