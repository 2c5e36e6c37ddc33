//! A rule as `iptables -L` shows it, in columns; and the line that `-v` prints for a rule that is added or deleted.

use super::names::{Hosts, LEVELS, flag_words, icmp_name, port_word, protocol_name};
use super::print::{rate_word, state_words};
use super::spec::{Ext, Inv, Spec, Target, nat_word, ports_word, reject_word};
use crate::addr::Cidr;
use crate::netfilter::model::{Counter, Verdict};
use crate::shell::meaning;
use crate::shell::out::Text;

/// How a list is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// `-n`
    pub(super) numeric: bool,
    /// `-v`
    pub(super) verbose: bool,
    /// `-x`
    pub(super) exact: bool,
    /// `--line-numbers`
    pub(super) numbers: bool,
}

/// The line with the columns' names.
pub(super) fn heading(style: Style) -> Text {
    let mut line = String::new();
    if style.numbers {
        line.push_str("num  ");
    }
    if style.verbose {
        line.push_str(if style.exact { "    pkts      bytes " } else { " pkts bytes " });
    }
    line.push_str("target     prot opt ");
    if style.verbose {
        line.push_str("in     out     ");
    }
    line.push_str("source               destination         ");
    let mut text = Text::new();
    text.word(line, meaning::HEADING).put("\n");
    text
}

/// A count in five columns with a unit (`xtables_print_num`), or exactly.
fn count(number: u64, exact: bool) -> String {
    if exact {
        return format!("{number:>8} ");
    }
    if number <= 99_999 {
        return format!("{number:>5} ");
    }
    let mut number = (u128::from(number) + 500) / 1_000;
    for unit in ["K", "M", "G"] {
        if number <= 9_999 {
            return format!("{number:>4}{unit} ");
        }
        number = (number + 500) / 1_000;
    }
    format!("{number:>4}T ")
}

/// Packets and bytes as a table has them.
pub(super) fn counts(counter: Counter, exact: bool) -> String {
    count(counter.packets, exact) + &count(counter.bytes, exact)
}

/// A network: name or number, with its prefix unless it is one address.
fn net(net: Option<&Inv<Cidr>>, numeric: bool, hosts: &Hosts) -> (bool, String) {
    let Some(Inv { not, value }) = net.filter(|net| net.value.prefix > 0 || net.not) else {
        return (false, if numeric { "0.0.0.0/0" } else { "anywhere" }.to_owned());
    };
    let addr = if numeric { value.addr.to_string() } else { hosts.name(value.addr) };
    (*not, if value.prefix == 32 { addr } else { format!("{addr}/{}", value.prefix) })
}

fn iface(name: Option<&Inv<String>>, numeric: bool) -> String {
    match name {
        Some(Inv { not, value }) => format!("{}{value}", if *not { "!" } else { "" }),
        None => if numeric { "*" } else { "any" }.to_owned(),
    }
}

fn protocol(spec: &Spec, numeric: bool) -> (bool, String) {
    match &spec.protocol {
        None => (false, if numeric { "0" } else { "all" }.to_owned()),
        Some(Inv { not, value }) => {
            let name = protocol_name(*value).filter(|_| !numeric);
            (*not, name.map_or_else(|| value.to_string(), str::to_owned))
        }
    }
}

const fn mark(not: bool) -> &'static str {
    if not { "!" } else { " " }
}

/// One rule of a table.
pub(super) fn row(spec: &Spec, number: usize, style: Style, hosts: &Hosts) -> Text {
    let mut text = Text::new();
    if style.numbers {
        text.word(format!("{number:<4}"), meaning::RULE_NUMBER).put(" ");
    }
    if style.verbose {
        text.word(counts(spec.counter, style.exact), meaning::RULE_COUNTERS);
    }
    text.word(format!("{:<9}", spec.target.name()), meaning::RULE_TARGET).put(" ");
    let (not, proto) = protocol(spec, style.numeric);
    text.word(format!("{}{proto:<4}", mark(not)), meaning::RULE_PROTOCOL).put(" ");
    text.word(fragment(spec), meaning::RULE_OPT).put(" ");
    if style.verbose {
        text.put(" ").word(format!("{:<6}", iface(spec.in_iface.as_ref(), style.numeric)), meaning::RULE_IN);
        text.put(" ").word(format!("{:<6}", iface(spec.out_iface.as_ref(), style.numeric)), meaning::RULE_OUT);
        text.put(" ");
    }
    let (not, source) = net(spec.source.as_ref(), style.numeric, hosts);
    text.word(format!("{}{source:<19}", mark(not)), meaning::RULE_SOURCE).put(" ");
    let (not, destination) = net(spec.destination.as_ref(), style.numeric, hosts);
    text.word(format!("{}{destination:<19}", mark(not)), meaning::RULE_DESTINATION).put(" ");
    details(&mut text, spec, style.numeric);
    text.put("\n");
    text
}

/// The line that `-v` prints for a rule.
pub(super) fn told(spec: &Spec, hosts: &Hosts) -> Text {
    let mut text = Text::new();
    let (not, proto) = protocol(spec, false);
    text.word(spec.target.name(), meaning::RULE_TARGET).put(" ");
    text.put(mark(not)).word(proto, meaning::RULE_PROTOCOL).put(" opt ").word(fragment(spec), meaning::RULE_OPT);
    text.put(" in ").word(iface(spec.in_iface.as_ref(), true), meaning::RULE_IN);
    text.put(" out ").word(iface(spec.out_iface.as_ref(), true), meaning::RULE_OUT).put(" ");
    let (not, source) = net(spec.source.as_ref(), true, hosts);
    text.put(mark(not)).word(source, meaning::RULE_SOURCE).put(" ");
    let (not, destination) = net(spec.destination.as_ref(), true, hosts);
    text.put(mark(not)).put("-> ").word(destination, meaning::RULE_DESTINATION).put("  ");
    details(&mut text, spec, true);
    text.put("\n");
    text
}

fn fragment(spec: &Spec) -> &'static str {
    match spec.fragment {
        None => "--",
        Some(false) => "-f",
        Some(true) => "!f",
    }
}

fn details(text: &mut Text, spec: &Spec, numeric: bool) {
    if let Target::Verdict(Verdict::Goto(_)) = spec.target {
        text.word("[goto] ", meaning::RULE_TARGET_OPTIONS);
    }
    for ext in &spec.exts {
        let proto = spec.protocol.as_ref().map(|proto| proto.value);
        text.put(" ").word(extension(ext, proto, numeric), meaning::RULE_MATCH);
    }
    let target = target(&spec.target, numeric);
    if !target.is_empty() {
        text.put(" ").word(target, meaning::RULE_TARGET_OPTIONS);
    }
}

fn exclaim(not: bool) -> &'static str {
    if not { "! " } else { "" }
}

fn extension(ext: &Ext, proto: Option<u8>, numeric: bool) -> String {
    match ext {
        Ext::Ports { udp, source, destination, flags } => ports(*udp, source, destination, flags, numeric),
        Ext::Icmp(kind) => icmp(kind, numeric),
        Ext::Multiport { source, ports } => {
            let word = |port| port_word(port, proto, numeric);
            let list = ports
                .value
                .iter()
                .map(|(from, to)| if from == to { word(*from) } else { format!("{}:{}", word(*from), word(*to)) });
            let list = list.collect::<Vec<_>>().join(",");
            let not = if ports.not { " !" } else { "" };
            format!("multiport {} {not}{list}", if *source { "sports" } else { "dports" })
        }
        Ext::Conntrack(Inv { not, value: (states, statuses) }) => {
            format!("{}ctstate {}", exclaim(*not), state_words(states, statuses))
        }
        Ext::State(Inv { not, value }) => format!("{}state {}", exclaim(*not), state_words(value, &[])),
        Ext::Iprange { source, destination } => {
            let range = |name: &str, range: &Inv<(_, _)>| {
                format!("{name} IP range {}{}-{}", exclaim(range.not), range.value.0, range.value.1)
            };
            let source = source.as_ref().map(|source| range("source", source));
            let destination = destination.as_ref().map(|destination| range("destination", destination));
            source.into_iter().chain(destination).collect::<Vec<_>>().join(" ")
        }
        Ext::Mac(Inv { not, value }) => format!("MAC {}{value}", exclaim(*not)),
        Ext::Limit(limit) => {
            format!("limit: avg {} burst {}", rate_word(limit.rate, limit.per_secs), limit.burst)
        }
        Ext::Comment(comment) => format!("/* {comment} */"),
        Ext::Physdev { input, output, bridged } => {
            let mut words = "PHYSDEV match".to_owned();
            for (name, value) in [("--physdev-in", input), ("--physdev-out", output)] {
                if let Some(Inv { not, value }) = value {
                    words += &format!(" {}{name} {value}", exclaim(*not));
                }
            }
            if let Some(not) = bridged {
                words += &format!(" {}--physdev-is-bridged", exclaim(*not));
            }
            words
        }
        Ext::Ttl(Inv { not, value: (from, to) }) => {
            let (sign, value) = match (from, to) {
                (0, to) if *to > 0 && *to < u8::MAX => ("<", to + 1),
                (from, &u8::MAX) if *from > 0 && *from < u8::MAX => (">", from - 1),
                (from, _) => (if *not { "!=" } else { "==" }, *from),
            };
            format!("TTL match TTL {sign} {value}")
        }
        Ext::Local(not) => format!("ADDRTYPE match dst-type {}LOCAL", if *not { "!" } else { "" }),
    }
}

fn ports(
    udp: bool,
    source: &Option<Inv<(u16, u16)>>,
    destination: &Option<Inv<(u16, u16)>>,
    flags: &Option<Inv<(u8, u8)>>,
    numeric: bool,
) -> String {
    let mut words = if udp { "udp" } else { "tcp" }.to_owned();
    let proto = Some(if udp { 17 } else { 6 });
    for (name, ports) in [("spt", source), ("dpt", destination)] {
        let Some(Inv { not, value: (from, to) }) = ports else { continue };
        let not = if *not { "!" } else { "" };
        let word = |port| port_word(port, proto, numeric);
        words += &if from == to {
            format!(" {name}:{not}{}", word(*from))
        } else {
            format!(" {name}s:{not}{}:{}", word(*from), word(*to))
        };
    }
    if let Some(Inv { not, value: (mask, set) }) = flags {
        let not = if *not { "!" } else { "" };
        words += &if numeric {
            format!(" flags:{not}0x{mask:02X}/0x{set:02X}")
        } else {
            format!(" flags:{not}{}/{}", flag_words(*mask), flag_words(*set))
        };
    }
    words
}

fn icmp(kind: &Inv<Option<(u8, Option<u8>)>>, numeric: bool) -> String {
    let not = if kind.not { "!" } else { "" };
    match kind.value {
        None if numeric => "icmptype 255".to_owned(),
        None => format!("icmp {not}any"),
        Some((kind, code)) => {
            if let Some(name) = icmp_name(kind, code).filter(|_| !numeric) {
                return format!("icmp {not}{name}");
            }
            let code = code.map_or_else(String::new, |code| format!(" code {code}"));
            if not.is_empty() { format!("icmptype {kind}{code}") } else { format!("icmp !type {kind}{code}") }
        }
    }
}

fn target(target: &Target, numeric: bool) -> String {
    match target {
        Target::Log { prefix, level } => {
            let level = usize::from(level.unwrap_or(4));
            let level = if numeric {
                format!("flags 0 level {level}")
            } else {
                format!("level {}", LEVELS.get(level).unwrap_or(&""))
            };
            let prefix = if prefix.is_empty() { String::new() } else { format!(" prefix \"{prefix}\"") };
            format!("LOG {level}{prefix}")
        }
        Target::Notrack => "NOTRACK".to_owned(),
        Target::Verdict(Verdict::Reject(with)) => format!("reject-with {}", reject_word(*with)),
        Target::Verdict(Verdict::Snat(to) | Verdict::Dnat(to)) => format!("to:{}", nat_word(to)),
        Target::Verdict(Verdict::Masquerade { ports: Some(ports) }) => {
            format!("masq ports: {}", ports_word(*ports, '-'))
        }
        Target::Verdict(Verdict::Redirect { ports: Some(ports) }) => {
            format!("redir ports {}", ports_word(*ports, '-'))
        }
        _ => String::new(),
    }
}
