//! A rule as `iptables -S` and `iptables-save` write it: words that make the same rule again.

use super::names::{flag_words, protocol_name};
use super::spec::{Ext, Inv, Spec, Target, nat_word, ports_word, reject_word};
use crate::netfilter::model::{CtState, CtStatus, Verdict};
use crate::shell::meaning;
use crate::shell::out::Text;

/// `-A CHAIN …`; with `-c PACKETS BYTES` if `counters`.
pub(super) fn rule(spec: &Spec, chain: &str, counters: bool) -> Text {
    let mut text = Text::new();
    text.put("-A ").word(chain, meaning::RULE_CHAIN);
    body(&mut text, spec);
    if counters {
        let counter = spec.counter;
        text.put(" -c ").word(format!("{} {}", counter.packets, counter.bytes), meaning::RULE_COUNTERS);
    }
    target(&mut text, &spec.target);
    text.put("\n");
    text
}

/// `[! ]` before an option.
fn bang(not: bool) -> &'static str {
    if not { " !" } else { "" }
}

fn option(text: &mut Text, not: bool, name: &str, value: impl AsRef<str>, meaning: &str) {
    text.put(bang(not)).put(format!(" {name} ")).word(value, meaning);
}

fn body(text: &mut Text, spec: &Spec) {
    if let Some(Inv { not, value }) = &spec.source {
        option(text, *not, "-s", value.to_string(), meaning::RULE_SOURCE);
    }
    if let Some(Inv { not, value }) = &spec.destination {
        option(text, *not, "-d", value.to_string(), meaning::RULE_DESTINATION);
    }
    if let Some(Inv { not, value }) = &spec.in_iface {
        option(text, *not, "-i", value, meaning::RULE_IN);
    }
    if let Some(Inv { not, value }) = &spec.out_iface {
        option(text, *not, "-o", value, meaning::RULE_OUT);
    }
    if let Some(Inv { not, value }) = &spec.protocol {
        let name = protocol_name(*value).map_or_else(|| value.to_string(), str::to_owned);
        option(text, *not, "-p", name, meaning::RULE_PROTOCOL);
    }
    if let Some(not) = spec.fragment {
        text.put(bang(not)).put(" ").word("-f", meaning::RULE_MATCH);
    }
    for ext in &spec.exts {
        text.put(" -m ").put(ext.name());
        let words = extension(ext);
        text.word(words, meaning::RULE_MATCH);
    }
}

/// An option with `[! ]`, as one string.
fn words(not: bool, name: &str, value: impl AsRef<str>) -> String {
    format!("{} --{name} {}", bang(not), value.as_ref())
}

fn optional<T>(value: Option<&Inv<T>>, name: &str, print: impl Fn(&T) -> String) -> String {
    value.map_or_else(String::new, |value| words(value.not, name, print(&value.value)))
}

fn extension(ext: &Ext) -> String {
    match ext {
        Ext::Ports { source, destination, flags, .. } => {
            let ports = |ports: &(u16, u16)| ports_word(*ports, ':');
            let flag = |(mask, set): &(u8, u8)| format!("{} {}", flag_words(*mask), flag_words(*set));
            optional(source.as_ref(), "sport", ports)
                + &optional(destination.as_ref(), "dport", ports)
                + &optional(flags.as_ref(), "tcp-flags", flag)
        }
        Ext::Icmp(Inv { not, value: None }) => words(*not, "icmp-type", "any"),
        Ext::Icmp(Inv { not, value: Some((kind, code)) }) => {
            let code = code.map_or_else(String::new, |code| format!("/{code}"));
            words(*not, "icmp-type", format!("{kind}{code}"))
        }
        Ext::Multiport { source, ports } => {
            let list: Vec<_> = ports.value.iter().map(|ports| ports_word(*ports, ':')).collect();
            words(ports.not, if *source { "sports" } else { "dports" }, list.join(","))
        }
        Ext::Conntrack(Inv { not, value: (states, statuses) }) => words(*not, "ctstate", state_words(states, statuses)),
        Ext::State(Inv { not, value }) => words(*not, "state", state_words(value, &[])),
        Ext::Iprange { source, destination } => {
            let range = |(from, to): &(_, _)| format!("{from}-{to}");
            optional(source.as_ref(), "src-range", range) + &optional(destination.as_ref(), "dst-range", range)
        }
        Ext::Mac(Inv { not, value }) => words(*not, "mac-source", value.to_string()),
        Ext::Limit(limit) => {
            let burst = if limit.burst == 5 { String::new() } else { format!(" --limit-burst {}", limit.burst) };
            format!(" --limit {}{burst}", rate_word(limit.rate, limit.per_secs))
        }
        Ext::Comment(comment) => format!(" --comment {}", quoted(comment)),
        Ext::Physdev { input, output, bridged } => {
            let name = |name: &String| name.clone();
            let bridged = bridged.map_or_else(String::new, |not| format!("{} --physdev-is-bridged", bang(not)));
            optional(input.as_ref(), "physdev-in", name) + &optional(output.as_ref(), "physdev-out", name) + &bridged
        }
        Ext::Ttl(Inv { not, value: (0, to) }) if *to < u8::MAX && *to > 0 => {
            words(*not, "ttl-lt", (to + 1).to_string())
        }
        Ext::Ttl(Inv { not, value: (from, u8::MAX) }) if *from > 0 && *from < u8::MAX => {
            words(*not, "ttl-gt", (from - 1).to_string())
        }
        Ext::Ttl(Inv { not, value: (from, _) }) => words(*not, "ttl-eq", from.to_string()),
        Ext::Local(not) => words(*not, "dst-type", "LOCAL"),
    }
}

/// `RELATED,ESTABLISHED`, in the order of the kernel's bits as libxt_conntrack prints them.
pub(super) fn state_words(states: &[CtState], statuses: &[CtStatus]) -> String {
    const ORDER: &[(CtState, &str)] = &[
        (CtState::Invalid, "INVALID"),
        (CtState::New, "NEW"),
        (CtState::Related, "RELATED"),
        (CtState::Established, "ESTABLISHED"),
        (CtState::Untracked, "UNTRACKED"),
    ];
    let mut words: Vec<_> = ORDER.iter().filter(|(state, _)| states.contains(state)).map(|(_, word)| *word).collect();
    if statuses.contains(&CtStatus::Snat) {
        words.push("SNAT");
    }
    if statuses.contains(&CtStatus::Dnat) {
        words.push("DNAT");
    }
    words.join(",")
}

/// `5/min`: in the smallest unit that leaves a whole number, as libxt_limit finds it.
pub(super) fn rate_word(rate: u32, per_secs: u32) -> String {
    let unit = match per_secs {
        1 => "sec",
        60 => "min",
        3_600 => "hour",
        _ => "day",
    };
    format!("{rate}/{unit}")
}

/// A string in quotes where a shell would need them (`xtables_save_string`).
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

fn target(text: &mut Text, target: &Target) {
    let name = target.name();
    if name.is_empty() {
        return;
    }
    let goto = matches!(target, Target::Verdict(Verdict::Goto(_)));
    text.put(if goto { " -g " } else { " -j " }).word(name, meaning::RULE_TARGET);
    let options = match target {
        Target::Log { prefix, level } => {
            let prefix = if prefix.is_empty() { String::new() } else { format!(" --log-prefix {}", quoted(prefix)) };
            let level = level.filter(|level| *level != 4).map(|level| format!(" --log-level {level}"));
            prefix + &level.unwrap_or_default()
        }
        Target::Notrack => " --notrack".to_owned(),
        Target::Verdict(Verdict::Reject(with)) => format!(" --reject-with {}", reject_word(*with)),
        Target::Verdict(Verdict::Snat(to)) => format!(" --to-source {}", nat_word(to)),
        Target::Verdict(Verdict::Dnat(to)) => format!(" --to-destination {}", nat_word(to)),
        Target::Verdict(Verdict::Masquerade { ports: Some(ports) } | Verdict::Redirect { ports: Some(ports) }) => {
            format!(" --to-ports {}", ports_word(*ports, '-'))
        }
        _ => String::new(),
    };
    text.word(options, meaning::RULE_TARGET_OPTIONS);
}

impl Target {
    /// Its name after `-j`; empty for none.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::None => "",
            Self::Log { .. } => "LOG",
            Self::Notrack => "CT",
            Self::Verdict(verdict) => match verdict {
                Verdict::Accept => "ACCEPT",
                Verdict::Drop => "DROP",
                Verdict::Return => "RETURN",
                Verdict::Reject(_) => "REJECT",
                Verdict::Jump(chain) | Verdict::Goto(chain) => chain,
                Verdict::Masquerade { .. } => "MASQUERADE",
                Verdict::Snat(_) => "SNAT",
                Verdict::Dnat(_) => "DNAT",
                Verdict::Redirect { .. } => "REDIRECT",
            },
        }
    }
}
