//! IPv6 (RFC 8200) with its hop-by-hop options, and of ICMPv6 (RFC 4443) what a link's machines say by themselves:
//! neighbour discovery (RFC 4861) and multicast listener reports (RFC 3810).

use core::net::Ipv6Addr;

use super::reader::{Reader, hex16};
use super::{Layer, data};

const HOP_BY_HOP: u8 = 0;
const ICMPV6: u8 = 58;

/// IPv6 and what it carries; where the packet ends by its own length.
pub(super) fn ipv6(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("IPv6", bytes, start);
    let first = r.u32("ipv6.version", |v| (v >> 28).to_string()).unwrap_or(0);
    r.again("ipv6.tclass", 4, 2, format!("{:#04x}", (first >> 20) & 0xff));
    r.again("ipv6.flow", 3, 3, format!("{:#07x}", first & 0xf_ffff));
    let payload = r.u16("ipv6.plen", |v| v.to_string());
    let mut next = r.u8("ipv6.nxt", protocol);
    r.u8("ipv6.hlim", |v| v.to_string());
    addr(&mut r, "ipv6.src");
    addr(&mut r, "ipv6.dst");
    let header = r.at();
    let end = payload.map_or(header, |len| header + usize::from(len)).clamp(header, bytes.len().max(header));
    if next == Some(HOP_BY_HOP) {
        next = r.u8("ipv6.hopopts.nxt", protocol);
        let len = r.u8("ipv6.hopopts.len", |v| format!("{} B", (usize::from(v) + 1) * 8));
        hop_options(&mut r, header + (usize::from(len.unwrap_or(0)) + 1) * 8);
    }
    let inner = r.finish(layers).min(end);
    let inside = bytes.get(..end).unwrap_or(bytes);
    let used = if next == Some(ICMPV6) { icmpv6(inside, inner, layers) } else { inner };
    data(inside, used, end, "data", layers);
    end
}

fn hop_options(r: &mut Reader<'_>, end: usize) {
    while r.at() < end {
        // Pad1 is one byte without a length.
        match r.u8("ipv6.opt.type", |v| v.to_string()) {
            Some(0) => continue,
            Some(5) => {
                r.skip(1);
                r.u16("ipv6.opt.router_alert", |v| if v == 0 { "MLD (0)".to_owned() } else { v.to_string() });
            }
            Some(_) => {
                let len = r.u8("ipv6.opt.length", |v| v.to_string());
                r.skip(usize::from(len.unwrap_or(0)).min(end.saturating_sub(r.at())));
            }
            None => return,
        }
    }
}

fn icmpv6(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("ICMPv6", bytes, start);
    let kind = r.u8("icmpv6.type", kind);
    r.u8("icmpv6.code", |v| v.to_string());
    r.u16("icmpv6.checksum", hex16);
    match kind {
        Some(128 | 129) => {
            r.u16("icmpv6.echo.identifier", |v| v.to_string());
            r.u16("icmpv6.echo.sequence_number", |v| v.to_string());
        }
        Some(133) => {
            r.skip(4);
            options(&mut r, bytes.len());
        }
        Some(135) => {
            r.skip(4);
            addr(&mut r, "icmpv6.nd.ns.target_address");
            options(&mut r, bytes.len());
        }
        Some(136) => {
            r.u32("icmpv6.nd.na.flag", flags);
            addr(&mut r, "icmpv6.nd.na.target_address");
            options(&mut r, bytes.len());
        }
        Some(143) => {
            r.skip(2);
            let records = r.u16("icmpv6.mldr.nb_mcast_records", |v| v.to_string());
            for _ in 0..records.unwrap_or(0) {
                if !record(&mut r) {
                    break;
                }
            }
        }
        _ => {}
    }
    r.finish(layers)
}

/// One group of a listener report; `false` where the bytes end.
fn record(r: &mut Reader<'_>) -> bool {
    r.u8("icmpv6.mldr.mar.record_type", |v| match v {
        1 => "is include (1)".to_owned(),
        2 => "is exclude (2)".to_owned(),
        3 => "change to include (3)".to_owned(),
        4 => "change to exclude (4)".to_owned(),
        5 => "allow new sources (5)".to_owned(),
        6 => "block old sources (6)".to_owned(),
        other => other.to_string(),
    });
    let aux = r.u8("icmpv6.mldr.mar.aux_data_len", |v| v.to_string());
    let sources = r.u16("icmpv6.mldr.mar.nb_sources", |v| v.to_string());
    let whole = addr(r, "icmpv6.mldr.mar.multicast_address");
    if let (Some(aux), Some(sources)) = (aux, sources) {
        r.skip(usize::from(sources) * 16 + usize::from(aux) * 4);
    }
    whole
}

/// Neighbour discovery's options up to the packet's end.
fn options(r: &mut Reader<'_>, end: usize) {
    while r.at() < end {
        let kind = r.u8("icmpv6.opt.type", |v| match v {
            1 => "source link-layer address (1)".to_owned(),
            2 => "target link-layer address (2)".to_owned(),
            14 => "nonce (14)".to_owned(),
            other => other.to_string(),
        });
        let units = r.u8("icmpv6.opt.length", |v| format!("{} B", usize::from(v) * 8));
        // An option without length would never end (RFC 4861 4.6).
        let Some(rest) = units.and_then(|units| (usize::from(units) * 8).checked_sub(2)) else { return };
        match kind {
            Some(1 | 2) if rest == 6 => r.mac("icmpv6.opt.linkaddr"),
            Some(14) => {
                r.take("icmpv6.opt.nonce", rest, |bytes| {
                    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                });
            }
            _ => r.skip(rest),
        }
    }
}

fn addr(r: &mut Reader<'_>, key: &'static str) -> bool {
    r.take(key, 16, |bytes| <[u8; 16]>::try_from(bytes).map(|b| Ipv6Addr::from(b).to_string()).unwrap_or_default())
        .is_some()
}

fn protocol(value: u8) -> String {
    match value {
        HOP_BY_HOP => "hop-by-hop options (0)".to_owned(),
        6 => "TCP (6)".to_owned(),
        17 => "UDP (17)".to_owned(),
        ICMPV6 => "ICMPv6 (58)".to_owned(),
        other => other.to_string(),
    }
}

fn kind(value: u8) -> String {
    match value {
        1 => "unreachable (1)".to_owned(),
        128 => "echo request (128)".to_owned(),
        129 => "echo reply (129)".to_owned(),
        133 => "router solicitation (133)".to_owned(),
        134 => "router advertisement (134)".to_owned(),
        135 => "neighbor solicitation (135)".to_owned(),
        136 => "neighbor advertisement (136)".to_owned(),
        143 => "multicast listener report v2 (143)".to_owned(),
        other => other.to_string(),
    }
}

fn flags(value: u32) -> String {
    let names = [(31, "router"), (30, "solicited"), (29, "override")];
    let set: Vec<_> = names.iter().filter(|(bit, _)| value >> bit & 1 == 1).map(|(_, name)| *name).collect();
    if set.is_empty() { "—".to_owned() } else { set.join(", ") }
}

/// One line, in tcpdump's words.
pub(super) fn summary(get: impl Fn(&str) -> Option<String>) -> String {
    let text = |key: &str| get(key).unwrap_or_else(|| "?".to_owned());
    let kind = text("icmpv6.type");
    let word = kind.split(" (").next().unwrap_or_default();
    let about = if let Some(target) = get("icmpv6.nd.ns.target_address") {
        format!(", who has {target}")
    } else if let Some(target) = get("icmpv6.nd.na.target_address") {
        format!(", tgt is {target}")
    } else if let Some(group) = get("icmpv6.mldr.mar.multicast_address") {
        format!(", {group}")
    } else {
        String::new()
    };
    format!("{word} {} → {}{about}", text("ipv6.src"), text("ipv6.dst"))
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use proptest::prelude::*;

    use crate::addr::MacAddr;
    use crate::frame::{decode, icmp6, summarize};

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x0d]);

    #[test]
    fn neighbour_discovery_has_wiresharks_fields() {
        let addr = icmp6::link_local(MAC);
        let question = icmp6::duplicate_question(MAC, addr, [1, 2, 3, 4, 5, 6]);
        let frame = decode(&question);
        assert_eq!(frame.layers.iter().map(|layer| layer.name).collect::<Vec<_>>(), ["Ethernet", "IPv6", "ICMPv6"]);
        for (key, value) in [
            ("ipv6.version", "6"),
            ("ipv6.plen", "32"),
            ("ipv6.nxt", "ICMPv6 (58)"),
            ("ipv6.hlim", "255"),
            ("ipv6.src", "::"),
            ("ipv6.dst", "ff02::1:ff00:d"),
            ("icmpv6.type", "neighbor solicitation (135)"),
            ("icmpv6.nd.ns.target_address", "fe80::ff:fe00:d"),
            ("icmpv6.opt.nonce", "010203040506"),
        ] {
            assert_eq!(frame.get(key), Some(value), "{key}");
        }
        assert_eq!(summarize(&question).proto, "ICMPv6");
        let text = "neighbor solicitation :: → ff02::1:ff00:d, who has fe80::ff:fe00:d";
        assert_eq!(summarize(&question).text, text);
        let answer = decode(&icmp6::advertisement(MAC, addr, Some((addr, MAC))));
        assert_eq!(answer.get("icmpv6.nd.na.flag"), Some("solicited, override"));
        assert_eq!(answer.get("icmpv6.opt.linkaddr"), Some("02:00:00:00:00:0d"));
    }

    #[test]
    fn a_listener_report_has_its_router_alert_and_its_group() {
        let report = icmp6::listener_report(MAC, Ipv6Addr::UNSPECIFIED, icmp6::solicited_node(icmp6::link_local(MAC)));
        let frame = decode(&report);
        assert_eq!(frame.get("ipv6.opt.router_alert"), Some("MLD (0)"));
        assert_eq!(frame.get("icmpv6.mldr.mar.record_type"), Some("change to exclude (4)"));
        assert_eq!(frame.get("icmpv6.mldr.mar.multicast_address"), Some("ff02::1:ff00:d"));
        assert!(frame.layers.iter().all(|layer| !layer.cut));
    }

    proptest! {
        #[test]
        fn whatever_follows_an_ipv6_ethertype_stays_inside_the_frame(
            tail in proptest::collection::vec(any::<u8>(), 0..120),
            next in prop_oneof![Just(0u8), Just(58), any::<u8>()],
            kind in prop_oneof![Just(135u8), Just(136), Just(143), Just(133), any::<u8>()],
        ) {
            let mut bytes = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 80, next, 255];
            bytes.extend_from_slice(&tail);
            if let Some(byte) = bytes.get_mut(54) {
                *byte = kind;
            }
            let frame = decode(&bytes);
            prop_assert!(frame.layers.iter().all(|layer| layer.range.end <= bytes.len()));
            summarize(&bytes);
        }
    }
}
