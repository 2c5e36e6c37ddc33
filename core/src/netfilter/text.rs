//! A rule in the words of the tool that made it, for what is said about a packet that met it.

use core::fmt::Write as _;

use crate::event::RuleName;

use super::model::{
    AddrRange, CtState, CtStatus, Family, Hook, Match, NatTo, Part, Policy, RejectWith, Rule, Table, Verdict,
};

/// Names a rule of a table, or the policy of a chain.
pub(super) fn name(table: &Table, chain: usize, rule: Option<usize>) -> RuleName {
    let chain_name = table.chains.get(chain).map(|chain| chain.name.as_str()).unwrap_or_default();
    let policy = table.chains.get(chain).and_then(|chain| chain.base).map(|base| base.policy);
    let found = table.chains.get(chain).zip(rule).and_then(|(chain, rule)| chain.rules.get(rule));
    let text = match (found, table.of_iptables) {
        (Some(rule), true) => iptables(chain_name, rule),
        (Some(rule), false) => nft(rule),
        (None, true) => format!("-P {chain_name} {}", if policy == Some(Policy::Drop) { "DROP" } else { "ACCEPT" }),
        (None, false) => format!("policy {}", if policy == Some(Policy::Drop) { "drop" } else { "accept" }),
    };
    let family = match table.family {
        Family::Ip => "ip",
        Family::Inet => "inet",
        Family::Bridge => "bridge",
    };
    RuleName {
        table: if table.of_iptables { table.name.clone() } else { format!("{family} {}", table.name) },
        chain: chain_name.to_owned(),
        number: rule.map_or_else(|| "policy".to_owned(), |rule| (rule + 1).to_string()),
        text,
    }
}

/// The name of a hook, as `nft` writes it.
pub const fn hook(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

/// The state of a connection, as `iptables` writes it.
pub const fn state(state: CtState) -> &'static str {
    match state {
        CtState::New => "NEW",
        CtState::Established => "ESTABLISHED",
        CtState::Related => "RELATED",
        CtState::Invalid => "INVALID",
        CtState::Untracked => "UNTRACKED",
    }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(",")
}

fn addrs(ranges: &[AddrRange]) -> String {
    list(ranges, |range| match range {
        AddrRange::Net(net) if net.prefix == 32 => net.addr.to_string(),
        AddrRange::Net(net) => net.to_string(),
        AddrRange::Range(first, last) => format!("{first}-{last}"),
    })
}

fn range((first, last): &(u16, u16), between: char) -> String {
    if first == last { first.to_string() } else { format!("{first}{between}{last}") }
}

fn protocols(numbers: &[u8]) -> String {
    list(numbers, |number| match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        other => other.to_string(),
    })
}

fn flags(bits: u8) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set: Vec<_> = names.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, name)| *name).collect();
    if set.is_empty() { "NONE".to_owned() } else { set.join(",") }
}

fn icmp(kinds: &[(u8, Option<u8>)]) -> String {
    list(kinds, |(kind, code)| code.map_or_else(|| kind.to_string(), |code| format!("{kind}/{code}")))
}

fn status(status: &CtStatus) -> String {
    match status {
        CtStatus::Snat => "SNAT".to_owned(),
        CtStatus::Dnat => "DNAT".to_owned(),
    }
}

fn nat_to(to: &NatTo, between: char) -> String {
    let addrs = to.addrs.map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).unwrap_or_default();
    let ports = to.ports.map(|ports| format!(":{}", range(&ports, between))).unwrap_or_default();
    addrs + &ports
}

/// As `iptables -S` writes it.
fn iptables(chain: &str, rule: &Rule) -> String {
    let mut text = format!("-A {chain}");
    let mut parts: Vec<_> = rule.parts.iter().collect();
    parts.sort_by_key(|part| match part {
        Part::Match { what: Match::Source(_), .. } => 0,
        Part::Match { what: Match::Destination(_), .. } => 1,
        Part::Match { what: Match::InIface(_), .. } => 2,
        Part::Match { what: Match::OutIface(_), .. } => 3,
        Part::Match { what: Match::Protocol(_), .. } => 4,
        _ => 5,
    });
    for part in parts {
        match part {
            Part::Match { not, what } => {
                let (before, option, value) = iptables_match(what);
                let not = if *not { "! " } else { "" };
                let _ = write!(text, " {before}{not}{option}");
                if !value.is_empty() {
                    let _ = write!(text, " {value}");
                }
            }
            Part::Limit(limit) => {
                let unit = per(limit.per_secs);
                let _ = write!(text, " -m limit --limit {}/{} --limit-burst {}", limit.rate, unit, limit.burst);
            }
            Part::Log { prefix, .. } => {
                let _ = write!(text, " -j LOG");
                if !prefix.is_empty() {
                    let _ = write!(text, " --log-prefix \"{prefix}\"");
                }
            }
            Part::Notrack => text.push_str(" -j CT --notrack"),
            Part::Verdict(verdict) => {
                let _ = write!(text, " {}", iptables_target(verdict));
            }
            Part::Counter(_) => {}
        }
    }
    text
}

const fn per(secs: u32) -> &'static str {
    match secs {
        1 => "second",
        60 => "minute",
        3_600 => "hour",
        _ => "day",
    }
}

/// The extension, the option and its value.
fn iptables_match(what: &Match) -> (&'static str, &'static str, String) {
    let ports = |ranges: &[(u16, u16)]| list(ranges, |ports| range(ports, ':'));
    match what {
        Match::InIface(names) => ("", "-i", names.join(",")),
        Match::OutIface(names) => ("", "-o", names.join(",")),
        Match::Source(ranges) => ("", "-s", addrs(ranges)),
        Match::Destination(ranges) => ("", "-d", addrs(ranges)),
        Match::Protocol(numbers) => ("", "-p", protocols(numbers)),
        Match::SourcePort(ranges) => ("", "--sport", ports(ranges)),
        Match::DestinationPort(ranges) => ("", "--dport", ports(ranges)),
        Match::TcpFlags { mask, set } => ("", "--tcp-flags", format!("{} {}", flags(*mask), flags(*set))),
        Match::Icmp(kinds) => ("-m icmp ", "--icmp-type", icmp(kinds)),
        Match::CtState(states) => ("-m conntrack ", "--ctstate", list(states, |s| state(*s).to_owned())),
        Match::CtStatus(statuses) => ("-m conntrack ", "--ctstate", list(statuses, status)),
        Match::PhysdevIn(names) => ("-m physdev ", "--physdev-in", names.join(",")),
        Match::PhysdevOut(names) => ("-m physdev ", "--physdev-out", names.join(",")),
        Match::PhysdevIsBridged => ("-m physdev ", "--physdev-is-bridged", String::new()),
        Match::SourceMac(macs) => ("-m mac ", "--mac-source", list(macs, ToString::to_string)),
        Match::DestinationMac(macs) => ("", "--dst", list(macs, ToString::to_string)),
        Match::EtherType(types) => ("", "--proto", list(types, |kind| format!("0x{kind:04x}"))),
        Match::DestinationIsLocal => ("-m addrtype ", "--dst-type LOCAL", String::new()),
        Match::Fragment => ("", "-f", String::new()),
        Match::Ttl(first, last) if first == last => ("-m ttl ", "--ttl-eq", first.to_string()),
        Match::Ttl(0, last) => ("-m ttl ", "--ttl-lt", (u32::from(*last) + 1).to_string()),
        Match::Ttl(first, _) => ("-m ttl ", "--ttl-gt", (i32::from(*first) - 1).to_string()),
        Match::ArpOperation(operations) => ("", "--arp-op", list(operations, ToString::to_string)),
    }
}

fn iptables_target(verdict: &Verdict) -> String {
    let ports = |option: &str, ports: &Option<(u16, u16)>| {
        ports.map(|ports| format!(" {option} {}", range(&ports, '-'))).unwrap_or_default()
    };
    match verdict {
        Verdict::Accept => "-j ACCEPT".to_owned(),
        Verdict::Drop => "-j DROP".to_owned(),
        Verdict::Return => "-j RETURN".to_owned(),
        Verdict::Jump(chain) => format!("-j {chain}"),
        Verdict::Goto(chain) => format!("-g {chain}"),
        Verdict::Reject(with) => format!("-j REJECT --reject-with {}", reject(*with, "icmp-")),
        Verdict::Masquerade { ports: to } => format!("-j MASQUERADE{}", ports("--to-ports", to)),
        Verdict::Redirect { ports: to } => format!("-j REDIRECT{}", ports("--to-ports", to)),
        Verdict::Snat(to) => format!("-j SNAT --to-source {}", nat_to(to, '-')),
        Verdict::Dnat(to) => format!("-j DNAT --to-destination {}", nat_to(to, '-')),
    }
}

fn reject(with: RejectWith, prefix: &str) -> String {
    match with {
        RejectWith::TcpReset if prefix.is_empty() => "tcp reset".to_owned(),
        RejectWith::TcpReset => "tcp-reset".to_owned(),
        RejectWith::Icmp(code) => {
            let name = match code {
                0 => "net-unreachable",
                1 => "host-unreachable",
                2 => "proto-unreachable",
                3 => "port-unreachable",
                9 => "net-prohibited",
                10 => "host-prohibited",
                _ => "admin-prohibited",
            };
            format!("{prefix}{name}")
        }
    }
}

/// As `nft list ruleset` writes it.
fn nft(rule: &Rule) -> String {
    let mut words: Vec<String> = Vec::new();
    for part in &rule.parts {
        match part {
            Part::Match { not, what } => {
                let (key, value) = nft_match(what);
                words.push(if *not { format!("{key} != {value}") } else { format!("{key} {value}") });
            }
            Part::Limit(limit) => {
                let over = if limit.over { "over " } else { "" };
                let unit = per(limit.per_secs);
                words.push(format!("limit rate {over}{}/{unit} burst {} packets", limit.rate, limit.burst));
            }
            Part::Log { prefix, .. } if prefix.is_empty() => words.push("log".to_owned()),
            Part::Log { prefix, .. } => words.push(format!("log prefix \"{prefix}\"")),
            Part::Notrack => words.push("notrack".to_owned()),
            Part::Verdict(verdict) => words.push(nft_verdict(verdict)),
            Part::Counter(_) => {}
        }
    }
    words.join(" ")
}

/// Several in braces, one without.
fn set<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    let all = items.iter().map(one).collect::<Vec<_>>().join(", ");
    if items.len() > 1 { format!("{{ {all} }}") } else { all }
}

fn nft_match(what: &Match) -> (&'static str, String) {
    let names = |names: &[String]| set(names, |name| format!("\"{name}\""));
    let ports = |ranges: &[(u16, u16)]| set(ranges, |ports| range(ports, '-'));
    match what {
        Match::InIface(list) | Match::PhysdevIn(list) => ("iifname", names(list)),
        Match::OutIface(list) | Match::PhysdevOut(list) => ("oifname", names(list)),
        Match::Source(ranges) => ("ip saddr", set(ranges, |range| addrs(core::slice::from_ref(range)))),
        Match::Destination(ranges) => ("ip daddr", set(ranges, |range| addrs(core::slice::from_ref(range)))),
        Match::Protocol(numbers) => ("meta l4proto", set(numbers, |number| protocols(&[*number]))),
        Match::SourcePort(ranges) => ("th sport", ports(ranges)),
        Match::DestinationPort(ranges) => ("th dport", ports(ranges)),
        Match::TcpFlags { mask, set } => ("tcp flags", format!("& ({}) == {}", lower(*mask), lower(*set))),
        Match::Icmp(kinds) => ("icmp type", icmp(kinds)),
        Match::CtState(states) => ("ct state", list(states, |s| state(*s).to_lowercase())),
        Match::CtStatus(statuses) => ("ct status", list(statuses, |s| status(s).to_lowercase())),
        Match::PhysdevIsBridged => ("meta", "is-bridged".to_owned()),
        Match::SourceMac(macs) => ("ether saddr", set(macs, ToString::to_string)),
        Match::DestinationMac(macs) => ("ether daddr", set(macs, ToString::to_string)),
        Match::EtherType(types) => ("ether type", set(types, ether_type)),
        Match::DestinationIsLocal => ("fib daddr type", "local".to_owned()),
        Match::Fragment => ("ip frag-off & 0x1fff !=", "0".to_owned()),
        Match::Ttl(first, last) => ("ip ttl", range(&(u16::from(*first), u16::from(*last)), '-')),
        Match::ArpOperation(operations) => ("arp operation", set(operations, arp_operation)),
    }
}

fn lower(bits: u8) -> String {
    flags(bits).to_lowercase().replace(',', " | ")
}

fn ether_type(kind: &u16) -> String {
    match kind {
        0x0800 => "ip".to_owned(),
        0x0806 => "arp".to_owned(),
        0x86dd => "ip6".to_owned(),
        0x8100 => "vlan".to_owned(),
        other => format!("0x{other:04x}"),
    }
}

fn arp_operation(operation: &u16) -> String {
    match operation {
        1 => "request".to_owned(),
        2 => "reply".to_owned(),
        other => other.to_string(),
    }
}

fn nft_verdict(verdict: &Verdict) -> String {
    let ports =
        |ports: &Option<(u16, u16)>| ports.map(|ports| format!(" to :{}", range(&ports, '-'))).unwrap_or_default();
    match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Return => "return".to_owned(),
        Verdict::Jump(chain) => format!("jump {chain}"),
        Verdict::Goto(chain) => format!("goto {chain}"),
        Verdict::Reject(RejectWith::Icmp(3)) => "reject".to_owned(),
        Verdict::Reject(RejectWith::TcpReset) => "reject with tcp reset".to_owned(),
        Verdict::Reject(with) => format!("reject with icmp {}", reject(*with, "")),
        Verdict::Masquerade { ports: to } => format!("masquerade{}", ports(to)),
        Verdict::Redirect { ports: to } => format!("redirect{}", ports(to)),
        Verdict::Snat(to) => format!("snat to {}", nat_to(to, '-')),
        Verdict::Dnat(to) => format!("dnat to {}", nat_to(to, '-')),
    }
}
