//! Words of nft's matches that need more than a table; which protocol matches are left out because a later one implies
//! them; the translations of iptables' extensions.

use super::print::{Style, limit_word, match_word};
use crate::netfilter::model::{AddrRange, CtStatus, Family, Match, Part, RejectWith, Verdict};
use crate::shell::iptables::names::protocol_name;
use crate::shell::meaning;

/// The transport protocol that the parts have asked for last.
pub(super) fn transport(parts: &[Part]) -> Option<u8> {
    parts.iter().rev().find_map(|part| match part {
        Part::Match { not: false, what: Match::Protocol(list) } if list.len() == 1 => list.first().copied(),
        _ => None,
    })
}

/// Whether nft leaves the part out: a later match says the same, with nothing but matches between
/// (`payload_dependency_kill`).
pub(super) fn is_implied(family: Family, parts: &[Part], keys: &[(usize, &'static str)], at: usize) -> bool {
    let rest = parts.iter().enumerate().skip(at + 1);
    let key = |at: usize| keys.iter().find(|(place, _)| *place == at).map_or("", |(_, key)| *key);
    match parts.get(at) {
        Some(Part::Match { not: false, what: Match::Protocol(list) }) => {
            let [proto] = list.as_slice() else { return false };
            // Where IPv6 may come too, `ip protocol` says more.
            if key(at) == "ip protocol" && family != Family::Ip {
                return false;
            }
            for (place, part) in rest {
                match part {
                    Part::Match { what: Match::SourcePort(_) | Match::DestinationPort(_), .. } => {
                        if !key(place).starts_with("th") {
                            return matches!(proto, 6 | 17);
                        }
                    }
                    Part::Match { what: Match::TcpFlags { .. }, .. } => return *proto == 6,
                    Part::Match { what: Match::Icmp(_), .. } => return *proto == 1,
                    Part::Match { what: Match::Protocol(_), .. } => return false,
                    Part::Match { .. } => {}
                    Part::Verdict(Verdict::Reject(RejectWith::TcpReset)) => {
                        return *proto == 6 && family == Family::Ip && place == at + 1;
                    }
                    _ => return false,
                }
            }
            false
        }
        Some(Part::Match { not: false, what: Match::EtherType(list) }) => {
            let [kind] = list.as_slice() else { return false };
            for (place, part) in rest {
                match part {
                    Part::Match {
                        what:
                            Match::Source(_) | Match::Destination(_) | Match::Ttl(..) | Match::Fragment | Match::Icmp(_),
                        ..
                    } => return *kind == 0x0800,
                    Part::Match { what: Match::Protocol(_), .. } if key(place).starts_with("ip protocol") => {
                        return *kind == 0x0800;
                    }
                    Part::Match { what: Match::ArpOperation(_), .. } => return *kind == 0x0806,
                    Part::Match { .. } => {}
                    _ => return false,
                }
            }
            false
        }
        _ => false,
    }
}

/// What a match's words mean.
pub(super) const fn meaning(what: &Match) -> &'static str {
    match what {
        Match::InIface(_) | Match::PhysdevIn(_) => meaning::RULE_IN,
        Match::OutIface(_) | Match::PhysdevOut(_) => meaning::RULE_OUT,
        Match::Source(_) | Match::SourceMac(_) => meaning::RULE_SOURCE,
        Match::Destination(_) | Match::DestinationMac(_) => meaning::RULE_DESTINATION,
        Match::Protocol(_) | Match::EtherType(_) => meaning::RULE_PROTOCOL,
        _ => meaning::RULE_MATCH,
    }
}

/// A network, an address, or from one to another.
pub(super) fn range_word(range: &AddrRange) -> String {
    match range {
        AddrRange::Net(net) if net.prefix == 32 => net.addr.to_string(),
        AddrRange::Net(net) => net.to_string(),
        AddrRange::Range(from, to) => format!("{from}-{to}"),
    }
}

/// A question about ports. `sign`: the comparison that was written.
pub(super) fn ports(not: bool, key: &str, list: &[(u16, u16)], set: bool, sign: Option<&str>) -> String {
    let word = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    let not_word = if not { "!= " } else { "" };
    match list {
        [(from, to)] if sign.is_some() => format!("{key} {}", compared(sign, (*from).into(), (*to).into())),
        [(0, to)] if !set && !not && *to < u16::MAX && *to > 0 => format!("{key} <= {to}"),
        [ports] if !set => format!("{key} {not_word}{}", word(ports)),
        list => format!("{key} {not_word}{{ {} }}", list.iter().map(word).collect::<Vec<_>>().join(", ")),
    }
}

/// A range as the comparison that it was written as.
fn compared(sign: Option<&str>, from: u32, to: u32) -> String {
    match sign {
        Some("<") => format!("< {}", to + 1),
        Some("<=") => format!("<= {to}"),
        Some(">") => format!("> {}", from.saturating_sub(1)),
        _ => format!(">= {from}"),
    }
}

/// A question about the time to live, without its key.
pub(super) fn ttl_word(not: bool, from: u8, to: u8, sign: Option<&str>) -> String {
    if sign.is_some() {
        return compared(sign, from.into(), to.into());
    }
    let not = if not { "!= " } else { "" };
    if from == to { format!("{not}{from}") } else { format!("{not}{from}-{to}") }
}

fn flag_words(bits: u8, numeric: bool) -> String {
    const NAMES: &[&str] = &["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
    let words: Vec<_> = NAMES
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits & (1 << bit) != 0)
        .map(|(bit, name)| if numeric { format!("{:#x}", 1_u8 << bit) } else { (*name).to_owned() })
        .collect();
    if words.is_empty() { "0x0".to_owned() } else { words.join(",") }
}

/// A question about TCP's flags.
pub(super) fn flags_word(not: bool, mask: u8, set: u8, numeric: bool) -> String {
    let words = |bits| flag_words(bits, numeric);
    match (not, mask, set) {
        (true, mask, 0) => format!("tcp flags {}", words(mask)),
        (false, mask, 0) => format!("tcp flags ! {}", words(mask)),
        (not, u8::MAX, set) => format!("tcp flags {} {}", if not { "!=" } else { "==" }, words(set)),
        (not, mask, set) => {
            format!("tcp flags {}{} / {}", if not { "!= " } else { "" }, words(set), words(mask))
        }
    }
}

/// A kind of translation.
pub(super) fn status_word(status: CtStatus, numeric: bool) -> String {
    match (status, numeric) {
        (CtStatus::Snat, false) => "snat".to_owned(),
        (CtStatus::Dnat, false) => "dnat".to_owned(),
        (CtStatus::Snat, true) => "0x10".to_owned(),
        (CtStatus::Dnat, true) => "0x20".to_owned(),
    }
}

/// The words of an extension of iptables. `own`: the rule's protocol, if it has one that is not turned round.
pub(super) fn translated(name: &str, parts: &[Part], own: Option<u8>, style: Style) -> Vec<(String, &'static str)> {
    use crate::netfilter::model::CtState;
    const STATES: &[(CtState, &str)] = &[
        (CtState::Invalid, "invalid"),
        (CtState::New, "new"),
        (CtState::Related, "related"),
        (CtState::Established, "established"),
        (CtState::Untracked, "untracked"),
    ];
    let single = |word: String| vec![(word, meaning::RULE_MATCH)];
    match name {
        "physdev" => return single("xt match physdev".to_owned()),
        "comment" => return single(String::new()),
        "icmp" => {
            return match parts.first() {
                None => single("ip protocol icmp".to_owned()),
                Some(Part::Match { what: Match::Icmp(list), .. }) if list.iter().any(|(_, code)| code.is_some()) => {
                    single("xt match icmp".to_owned())
                }
                Some(part) => vec![word(part, None, style)],
            };
        }
        "tcp" | "udp" if parts.is_empty() => return single(String::new()),
        "state" | "conntrack" => {
            if let Some(Part::Match { not, what: Match::CtState(states) }) = parts.first() {
                let words: Vec<_> =
                    STATES.iter().filter(|(state, _)| states.contains(state)).map(|(_, w)| *w).collect();
                return single(format!("ct state {}{}", if *not { "! " } else { "" }, words.join(",")));
            }
            // libxt_conntrack's translation looks at one of them, and not at `!`.
            if let Some(Part::Match { what: Match::CtStatus(list), .. }) = parts.first() {
                return single(format!("ct status {}", list.first().map_or(String::new(), |s| status_word(*s, false))));
            }
        }
        "ttl" => {
            if let Some(Part::Match { not, what: Match::Ttl(from, to) }) = parts.first() {
                return single(match (*from, *to) {
                    (0, to) if to < u8::MAX && to > 0 => format!("ip ttl lt {}", to + 1),
                    (from, u8::MAX) if from > 0 && from < u8::MAX => format!("ip ttl gt {}", from - 1),
                    (from, _) => format!("ip ttl {}{from}", if *not { "!= " } else { "" }),
                });
            }
        }
        "multiport" => match parts.first() {
            Some(Part::Match { not, what: Match::SourcePort(list) }) => {
                return single(multiport(*not, "sport", list, own));
            }
            Some(Part::Match { not, what: Match::DestinationPort(list) }) => {
                return single(multiport(*not, "dport", list, own));
            }
            _ => {}
        },
        _ => {}
    }
    let proto = own.filter(|_| matches!(name, "tcp" | "udp"));
    parts.iter().map(|part| word(part, proto, style)).collect()
}

/// A set keeps the order in which it was written.
fn multiport(not: bool, side: &str, list: &[(u16, u16)], proto: Option<u8>) -> String {
    let word = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    let not = if not { "!= " } else { "" };
    let transport = proto.and_then(protocol_name).unwrap_or("th");
    match list {
        [one] => format!("{transport} {side} {not}{}", word(one)),
        list => format!("{transport} {side} {not}{{ {} }}", list.iter().map(word).collect::<Vec<_>>().join(", ")),
    }
}

fn word(part: &Part, proto: Option<u8>, style: Style) -> (String, &'static str) {
    match part {
        Part::Match { not, what } => (match_word(*not, what, None, proto, style), meaning(what)),
        Part::Limit(limit) => (limit_word(limit), meaning::RULE_MATCH),
        _ => (String::new(), ""),
    }
}
