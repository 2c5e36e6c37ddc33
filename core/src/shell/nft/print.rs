//! The rule set as `nft list` prints it. A rule of `iptables` is printed as nft translates its extensions, with their
//! quirks: some leave a blank behind, some it does not know (`xt match physdev`).

use super::grammar::priorities;
use super::keys::{ARP_OPERATIONS, CT_STATES, ETHER_TYPES, ICMP_CODES, ICMP_TYPES, protocol_word};
use super::matches;
use crate::netfilter::model::{
    Base, Chain, ChainKind, Family, Hook, Limit, Match, NatTo, Part, Policy, RejectWith, Rule, Ruleset, Table, Verdict,
    Written,
};
use crate::shell::iptables::names::LEVELS;
use crate::shell::meaning;
use crate::shell::out::Text;

/// How a list is to look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// `-a`
    pub(super) handles: bool,
    /// `-n`
    pub(super) numeric: bool,
    /// `-y`
    pub(super) numeric_priority: bool,
    /// `-p`
    pub(super) numeric_protocol: bool,
    /// `-s`
    pub(super) stateless: bool,
}

/// A family's word.
pub(super) const fn family(family: Family) -> &'static str {
    match family {
        Family::Ip => "ip",
        Family::Inet => "inet",
        Family::Bridge => "bridge",
    }
}

/// Whether nft says that a table is not to be touched: one of its rules has an extension of iptables.
pub(super) fn is_managed(table: &Table) -> bool {
    table.chains.iter().flat_map(|chain| &chain.rules).any(has_extension)
}

fn has_extension(rule: &Rule) -> bool {
    let Written::Iptables(exts) = &rule.written else { return false };
    let ext = |(name, count): &(&str, usize)| match *name {
        "tcp" | "udp" => *count == 0,
        "limit" => false,
        _ => true,
    };
    let target = rule.parts.iter().any(|part| match part {
        Part::Log { .. } | Part::Notrack => true,
        Part::Verdict(verdict) => !is_native(verdict),
        _ => false,
    });
    exts.iter().any(ext) || target
}

const fn is_native(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Accept | Verdict::Drop | Verdict::Return | Verdict::Jump(_) | Verdict::Goto(_))
}

fn handle(text: &mut Text, handle: u64, style: Style) {
    if style.handles {
        text.put(" # ").word(format!("handle {handle}"), meaning::RULE_HANDLE);
    }
}

/// All tables of a family, or all.
pub(super) fn ruleset(text: &mut Text, rules: &Ruleset, only: Option<Family>, style: Style) {
    for table in rules.tables.iter().filter(|table| only.is_none_or(|only| only == table.family)) {
        self::table(text, table, None, true, style);
    }
}

/// One table: all its chains, or one. `blank`: an empty line between chains, and rules in them.
pub(super) fn table(text: &mut Text, table: &Table, only: Option<&str>, whole: bool, style: Style) {
    text.put("table ").put(family(table.family)).put(" ").word(&table.name, meaning::RULE_TABLE).put(" {");
    if whole && only.is_none() {
        handle(text, table.handle, style);
    }
    text.put("\n");
    let chains = table.chains.iter().filter(|chain| only.is_none_or(|only| only == chain.name));
    for (at, chain) in chains.enumerate() {
        if whole && at > 0 {
            text.put("\n");
        }
        self::chain(text, table.family, chain, whole, style);
    }
    text.put("}\n");
}

fn chain(text: &mut Text, family: Family, chain: &Chain, rules: bool, style: Style) {
    text.put("\tchain ").word(&chain.name, meaning::RULE_CHAIN).put(" {");
    handle(text, chain.handle, style);
    text.put("\n");
    if let Some(base) = &chain.base {
        text.put("\t\t").word(hook(family, base, style), meaning::RULE_HOOK).put("; ");
        let policy = if base.policy == Policy::Drop { "drop" } else { "accept" };
        text.word(format!("policy {policy}"), meaning::RULE_POLICY).put(";\n");
    }
    if rules {
        for rule in &chain.rules {
            text.put("\t\t");
            self::rule(text, family, rule, style);
            handle(text, rule.handle, style);
            text.put("\n");
        }
    }
    text.put("\t}\n");
}

fn hook(family: Family, base: &Base, style: Style) -> String {
    let kind = match base.kind {
        ChainKind::Filter => "filter",
        ChainKind::Nat => "nat",
        ChainKind::Route => "route",
    };
    let hook = match base.hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    };
    format!("type {kind} hook {hook} priority {}", priority(family, base, style))
}

/// A priority by the nearest name, if that is no more than 10 away (`prio2str`).
fn priority(family: Family, base: &Base, style: Style) -> String {
    let number = base.priority;
    if style.numeric || style.numeric_priority {
        return number.to_string();
    }
    let named = priorities(family).iter().filter(|(_, _, only)| only.is_none_or(|only| only == base.hook));
    let near = named.map(|(name, value, _)| (name, number.saturating_sub(*value)));
    match near.filter(|(_, offset)| offset.abs() <= 10).min_by_key(|(_, offset)| offset.abs()) {
        Some((name, 0)) => (*name).to_owned(),
        Some((name, offset)) => format!("{name} {} {}", if offset < 0 { '-' } else { '+' }, offset.abs()),
        None => number.to_string(),
    }
}

/// A rule, without its handle.
pub(super) fn rule(text: &mut Text, family: Family, rule: &Rule, style: Style) {
    let words = match &rule.written {
        Written::Nft(keys) => of_nft(family, rule, keys, style),
        Written::Iptables(exts) => of_iptables(rule, exts, style),
    };
    for (at, (word, meaning)) in words.iter().enumerate() {
        if at > 0 {
            text.put(" ");
        }
        text.word(word, meaning);
    }
    if let (Some(comment), Written::Nft(_)) = (&rule.comment, &rule.written) {
        text.put(" ").word(format!("comment \"{comment}\""), meaning::RULE_COMMENT);
    }
}

type Words = Vec<(String, &'static str)>;

fn of_nft(family: Family, rule: &Rule, keys: &[(usize, &'static str)], style: Style) -> Words {
    let mut words = Vec::new();
    for (at, part) in rule.parts.iter().enumerate() {
        if matches::is_implied(family, &rule.parts, keys, at) {
            continue;
        }
        let key = keys.iter().find(|(place, _)| *place == at).map(|(_, key)| *key);
        match part {
            Part::Match { not, what } => {
                let proto = matches::transport(rule.parts.get(..at).unwrap_or(&[]));
                let word = match_word(*not, what, key, proto, style);
                words.push((word, matches::meaning(what)));
            }
            other => statement(&mut words, other, family, key, style, false),
        }
    }
    words
}

/// The parts of a rule of iptables, translated extension by extension (libxtables' `xlate`).
fn of_iptables(rule: &Rule, exts: &[(&'static str, usize)], style: Style) -> Words {
    let mut words: Words = Vec::new();
    let counter = rule.parts.iter().position(|part| matches!(part, Part::Counter(_))).unwrap_or(rule.parts.len());
    let of_exts: usize = exts.iter().map(|(_, count)| count).sum();
    let mut at = counter.saturating_sub(of_exts);
    let own = matches::transport(rule.parts.get(..at).unwrap_or(&[]));
    let native = matches!(exts.first(), Some(("tcp" | "udp", count)) if *count > 0) && own.is_some();
    for part in rule.parts.iter().take(at) {
        match part {
            Part::Match { what: Match::Protocol(_), .. } if native => {}
            Part::Match { not, what } => {
                words.push((match_word(*not, what, None, None, style), matches::meaning(what)));
            }
            _ => {}
        }
    }
    for (name, count) in exts {
        let parts = rule.parts.get(at..at + count).unwrap_or(&[]);
        at += count;
        words.extend(matches::translated(name, parts, own, style));
    }
    for part in rule.parts.iter().skip(counter) {
        statement(&mut words, part, Family::Ip, None, style, true);
    }
    words
}

/// Whose ports are asked for.
fn transport_word(key: Option<&str>, proto: Option<u8>) -> &'static str {
    match (key, proto) {
        (Some("th"), _) => "th",
        (_, Some(17)) => "udp",
        (_, Some(6)) => "tcp",
        _ => "th",
    }
}

/// A match, with its key.
pub(super) fn match_word(not: bool, what: &Match, key: Option<&str>, proto: Option<u8>, style: Style) -> String {
    let set = key.is_some_and(|key| key.ends_with('{'));
    let key = key.map(|key| key.trim_end_matches(['{', ' '])).filter(|key| !key.is_empty());
    let sign = key.filter(|key| key.starts_with(['<', '>']));
    let numeric = style.numeric;
    let name = |list: &[(&str, u16)], value: u16| {
        let found = list.iter().find(|(_, other)| *other == value).filter(|_| !numeric);
        found.map(|(name, _)| (*name).to_owned())
    };
    let transport = transport_word(key, proto);
    let (key, values): (String, Vec<String>) = match what {
        Match::InIface(names) | Match::PhysdevIn(names) => {
            (key.unwrap_or("iifname").to_owned(), names.iter().map(|name| format!("\"{name}\"")).collect())
        }
        Match::OutIface(names) | Match::PhysdevOut(names) => {
            (key.unwrap_or("oifname").to_owned(), names.iter().map(|name| format!("\"{name}\"")).collect())
        }
        Match::Source(list) => ("ip saddr".to_owned(), list.iter().map(matches::range_word).collect()),
        Match::Destination(list) => ("ip daddr".to_owned(), list.iter().map(matches::range_word).collect()),
        Match::Protocol(list) => {
            let numeric = numeric || style.numeric_protocol;
            let words = list.iter().map(|proto| protocol_word(*proto, numeric)).collect();
            (key.unwrap_or("meta l4proto").to_owned(), words)
        }
        Match::SourcePort(list) => return matches::ports(not, &format!("{transport} sport"), list, set, sign),
        Match::DestinationPort(list) => return matches::ports(not, &format!("{transport} dport"), list, set, sign),
        Match::TcpFlags { mask, set } => return matches::flags_word(not, *mask, *set, numeric),
        Match::Icmp(list) => return icmp_word(not, list, set, numeric),
        Match::CtState(states) => {
            let words: Vec<_> = CT_STATES
                .iter()
                .filter(|(_, state, _)| states.contains(state))
                .map(|(name, _, bit)| if numeric { format!("{bit:#x}") } else { (*name).to_owned() })
                .collect();
            if !set {
                let between = if not { " | " } else { "," };
                return format!("ct state {}{}", if not { "!= " } else { "" }, words.join(between));
            }
            ("ct state".to_owned(), words)
        }
        Match::CtStatus(list) => {
            let words: Vec<_> = list.iter().map(|status| matches::status_word(*status, numeric)).collect();
            return format!("ct status {}{}", if not { "!= " } else { "" }, words.join(","));
        }
        Match::SourceMac(list) => ("ether saddr".to_owned(), list.iter().map(ToString::to_string).collect()),
        Match::DestinationMac(list) => ("ether daddr".to_owned(), list.iter().map(ToString::to_string).collect()),
        Match::EtherType(list) if key == Some("meta nfproto") => {
            let word = if list.first() == Some(&0x0800) { "ipv4" } else { "ipv6" };
            ("meta nfproto".to_owned(), vec![word.to_owned()])
        }
        Match::EtherType(list) => {
            let words = list.iter().map(|value| name(ETHER_TYPES, *value).unwrap_or_else(|| format!("{value:#06x}")));
            (key.unwrap_or("ether type").to_owned(), words.collect())
        }
        Match::ArpOperation(list) => {
            let words = list.iter().map(|value| name(ARP_OPERATIONS, *value).unwrap_or_else(|| value.to_string()));
            ("arp operation".to_owned(), words.collect())
        }
        Match::DestinationIsLocal => ("fib daddr type".to_owned(), vec!["local".to_owned()]),
        Match::Fragment => return format!("ip frag-off & 8191 {} 0", if not { "==" } else { "!=" }),
        Match::Ttl(from, to) => return format!("ip ttl {}", matches::ttl_word(not, *from, *to, sign)),
        Match::PhysdevIsBridged => return "xt match physdev".to_owned(),
    };
    let not = if not { "!= " } else { "" };
    if set || values.len() > 1 {
        return format!("{key} {not}{{ {} }}", values.join(", "));
    }
    format!("{key} {not}{}", values.join(", "))
}

fn icmp_word(not: bool, list: &[(u8, Option<u8>)], set: bool, numeric: bool) -> String {
    let word = |kind: u8| {
        let found = ICMP_TYPES.iter().find(|(_, other)| *other == kind).filter(|_| !numeric);
        found.map_or_else(|| kind.to_string(), |(name, _)| (*name).to_owned())
    };
    let not = if not { "!= " } else { "" };
    match list {
        [(kind, Some(code))] => format!("icmp type {not}{} icmp code {}", word(*kind), icmp_code(*code, numeric)),
        [(kind, None)] if !set => format!("icmp type {not}{}", word(*kind)),
        list => {
            let words: Vec<_> = list.iter().map(|(kind, _)| word(*kind)).collect();
            format!("icmp type {not}{{ {} }}", words.join(", "))
        }
    }
}

fn icmp_code(code: u8, numeric: bool) -> String {
    let found = ICMP_CODES.iter().find(|(_, other)| *other == code).filter(|_| !numeric);
    found.map_or_else(|| code.to_string(), |(name, _)| (*name).to_owned())
}

/// Anything that is no match. `xt`: as nft translates iptables' targets.
fn statement(words: &mut Words, part: &Part, family: Family, key: Option<&str>, style: Style, xt: bool) {
    let (word, meaning) = match part {
        Part::Match { .. } => return,
        Part::Counter(_) if style.stateless => ("counter".to_owned(), meaning::RULE_COUNTERS),
        Part::Counter(counter) => {
            (format!("counter packets {} bytes {}", counter.packets, counter.bytes), meaning::RULE_COUNTERS)
        }
        Part::Limit(limit) => (limit_word(limit), meaning::RULE_MATCH),
        Part::Log { prefix, level } => (log_word(prefix, *level), meaning::RULE_TARGET),
        Part::Notrack => ("notrack".to_owned(), meaning::RULE_TARGET),
        Part::Verdict(verdict) => (verdict_word(verdict, family, key, style, xt), meaning::RULE_TARGET),
    };
    words.push((word, meaning));
}

/// `limit rate 5/minute burst 3 packets`
pub(super) fn limit_word(limit: &Limit) -> String {
    let unit = match limit.per_secs {
        1 => "second",
        60 => "minute",
        3_600 => "hour",
        86_400 => "day",
        _ => "week",
    };
    let over = if limit.over { "over " } else { "" };
    let burst = if limit.burst == 5 { String::new() } else { format!(" burst {} packets", limit.burst) };
    format!("limit rate {over}{}/{unit}{burst}", limit.rate)
}

fn log_word(prefix: &str, level: Option<u8>) -> String {
    let mut word = "log".to_owned();
    if !prefix.is_empty() {
        word += &format!(" prefix \"{prefix}\"");
    }
    if let Some(level) = level.filter(|level| *level != 4) {
        word += &format!(" level {}", LEVELS.get(usize::from(level)).unwrap_or(&""));
    }
    word
}

fn verdict_word(verdict: &Verdict, family: Family, key: Option<&str>, style: Style, xt: bool) -> String {
    let ports = |ports: &Option<(u16, u16)>| match ports {
        None => String::new(),
        Some((from, to)) if from == to => format!(" to :{from}"),
        Some((from, to)) => format!(" to :{from}-{to}"),
    };
    match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Jump(chain) => format!("jump {chain}"),
        Verdict::Goto(chain) => format!("goto {chain}"),
        Verdict::Masquerade { ports: range } => format!("masquerade{}", ports(range)),
        Verdict::Redirect { ports: range } => format!("redirect{}", ports(range)),
        Verdict::Snat(to) => format!("snat {}to {}", nat_family(family, to), nat_word(to)),
        Verdict::Dnat(to) => format!("dnat {}to {}", nat_family(family, to), nat_word(to)),
        Verdict::Reject(RejectWith::TcpReset) => "reject with tcp reset".to_owned(),
        Verdict::Reject(RejectWith::Icmp(3)) if key.is_none() => "reject".to_owned(),
        Verdict::Reject(RejectWith::Icmp(code)) if key == Some("icmpx") => {
            let name = match code {
                0 => "no-route",
                1 => "host-unreachable",
                13 => "admin-prohibited",
                _ => "port-unreachable",
            };
            format!("reject with icmpx {name}")
        }
        Verdict::Reject(RejectWith::Icmp(code)) => {
            format!("reject with icmp {}{}", if xt { "type " } else { "" }, icmp_code(*code, style.numeric))
        }
    }
}

fn nat_family(family: Family, to: &NatTo) -> &'static str {
    if family == Family::Inet && to.addrs.is_some() { "ip " } else { "" }
}

fn nat_word(to: &NatTo) -> String {
    let mut word = String::new();
    if let Some((from, end)) = to.addrs {
        word = if from == end { from.to_string() } else { format!("{from}-{end}") };
    }
    match to.ports {
        None => {}
        Some((from, end)) if from == end => word += &format!(":{from}"),
        Some((from, end)) => word += &format!(":{from}-{end}"),
    }
    word
}
