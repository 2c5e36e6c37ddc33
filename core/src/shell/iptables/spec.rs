//! A rule as `iptables` thinks of it, and how that becomes parts of the kernel's rule and comes back from them.
//!
//! The way back from a rule that `nft` made is iptables-nft's own (iptables/nft-shared.c): some it shows, some it shows
//! wrongly (a set of addresses is left out, of a range its end is shown), some make the whole chain unreadable to it.

use core::net::Ipv4Addr;

use crate::addr::{Cidr, MacAddr};
use crate::netfilter::model::{
    AddrRange, Counter, CtState, CtStatus, Limit, Match, NatTo, Part, RejectWith, Rule, Verdict, Written,
};

/// A value that may be turned round by `!`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inv<T> {
    pub(super) not: bool,
    pub(super) value: T,
}

impl<T> Inv<T> {
    pub(super) const fn new(not: bool, value: T) -> Self {
        Self { not, value }
    }
}

/// A pair of ports, both ends included.
pub(super) type Ports = (u16, u16);

/// A rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spec {
    pub(super) source: Option<Inv<Cidr>>,
    pub(super) destination: Option<Inv<Cidr>>,
    pub(super) in_iface: Option<Inv<String>>,
    pub(super) out_iface: Option<Inv<String>>,
    pub(super) protocol: Option<Inv<u8>>,
    /// `-f`; `true` for `! -f`.
    pub(super) fragment: Option<bool>,
    /// Extensions, in order.
    pub(super) exts: Vec<Ext>,
    pub(super) counter: Counter,
    pub(super) target: Target,
}

/// A match extension (`-m`).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ext {
    /// `tcp` or `udp`.
    Ports { udp: bool, source: Option<Inv<Ports>>, destination: Option<Inv<Ports>>, flags: Option<Inv<(u8, u8)>> },
    /// `icmp`; no type is `any`.
    Icmp(Inv<Option<(u8, Option<u8>)>>),
    /// `multiport`.
    Multiport { source: bool, ports: Inv<Vec<Ports>> },
    /// `conntrack`.
    Conntrack(Inv<(Vec<CtState>, Vec<CtStatus>)>),
    /// `state`.
    State(Inv<Vec<CtState>>),
    /// `iprange`.
    Iprange { source: Option<Inv<(Ipv4Addr, Ipv4Addr)>>, destination: Option<Inv<(Ipv4Addr, Ipv4Addr)>> },
    /// `mac`.
    Mac(Inv<MacAddr>),
    /// `limit`.
    Limit(Limit),
    /// `comment`.
    Comment(String),
    /// `physdev`.
    Physdev { input: Option<Inv<String>>, output: Option<Inv<String>>, bridged: Option<bool> },
    /// `ttl`, both ends included.
    Ttl(Inv<(u8, u8)>),
    /// `addrtype --dst-type LOCAL`.
    Local(bool),
}

/// What a rule does.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Target {
    /// It only counts.
    #[default]
    None,
    /// `-j LOG`.
    Log { prefix: String, level: Option<u8> },
    /// `-j CT --notrack`.
    Notrack,
    /// Any other.
    Verdict(Verdict),
}

fn part<T>(parts: &mut Vec<Part>, value: Option<&Inv<T>>, what: impl FnOnce(&T) -> Match) {
    if let Some(Inv { not, value }) = value {
        parts.push(Part::Match { not: *not, what: what(value) });
    }
}

/// `eth+` as the kernel's rule has it.
fn iface(name: &str) -> Vec<String> {
    vec![name.strip_suffix('+').map_or_else(|| name.to_owned(), |stem| format!("{stem}*"))]
}

impl Spec {
    /// The kernel's rule.
    pub(super) fn to_rule(&self) -> Rule {
        let mut parts = Vec::new();
        // `-i +` matches anything and is left out.
        let named = |name: &&Inv<String>| name.value != "+";
        part(&mut parts, self.in_iface.as_ref().filter(named), |name| Match::InIface(iface(name)));
        part(&mut parts, self.out_iface.as_ref().filter(named), |name| Match::OutIface(iface(name)));
        part(&mut parts, self.protocol.as_ref(), |proto| Match::Protocol(vec![*proto]));
        part(&mut parts, self.source.as_ref(), |net| Match::Source(vec![AddrRange::Net(*net)]));
        part(&mut parts, self.destination.as_ref(), |net| Match::Destination(vec![AddrRange::Net(*net)]));
        if let Some(not) = self.fragment {
            parts.push(Part::Match { not, what: Match::Fragment });
        }
        let mut written = Vec::new();
        let mut comment = None;
        for ext in &self.exts {
            let before = parts.len();
            if let Ext::Comment(text) = ext {
                comment = Some(text.clone());
            }
            ext.push(&mut parts);
            written.push((ext.name(), parts.len() - before));
        }
        parts.push(Part::Counter(self.counter));
        match &self.target {
            Target::None => {}
            Target::Log { prefix, level } => parts.push(Part::Log { prefix: prefix.clone(), level: *level }),
            Target::Notrack => parts.push(Part::Notrack),
            Target::Verdict(verdict) => parts.push(Part::Verdict(verdict.clone())),
        }
        Rule { handle: 0, parts, comment, written: Written::Iptables(written) }
    }

    /// The same matches and target; counters and the fill of buckets do not matter.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let plain = |spec: &Self| {
            let mut spec = spec.clone();
            spec.counter = Counter::default();
            for ext in &mut spec.exts {
                if let Ext::Limit(limit) = ext {
                    limit.tokens = (0, 0);
                }
            }
            spec
        };
        plain(self) == plain(other)
    }
}

impl Ext {
    /// Its name after `-m`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Ports { udp: false, .. } => "tcp",
            Self::Ports { udp: true, .. } => "udp",
            Self::Icmp(_) => "icmp",
            Self::Multiport { .. } => "multiport",
            Self::Conntrack(_) => "conntrack",
            Self::State(_) => "state",
            Self::Iprange { .. } => "iprange",
            Self::Mac(_) => "mac",
            Self::Limit(_) => "limit",
            Self::Comment(_) => "comment",
            Self::Physdev { .. } => "physdev",
            Self::Ttl(_) => "ttl",
            Self::Local(_) => "addrtype",
        }
    }

    fn push(&self, parts: &mut Vec<Part>) {
        let mut add = |not: bool, what: Match| parts.push(Part::Match { not, what });
        match self {
            Self::Ports { source, destination, flags, .. } => {
                if let Some(Inv { not, value: (mask, set) }) = flags {
                    add(*not, Match::TcpFlags { mask: *mask, set: *set });
                }
                if let Some(ports) = source {
                    add(ports.not, Match::SourcePort(vec![ports.value]));
                }
                if let Some(ports) = destination {
                    add(ports.not, Match::DestinationPort(vec![ports.value]));
                }
            }
            Self::Icmp(Inv { not, value: Some(kind) }) => add(*not, Match::Icmp(vec![*kind])),
            Self::Multiport { source: true, ports } => add(ports.not, Match::SourcePort(ports.value.clone())),
            Self::Multiport { ports, .. } => add(ports.not, Match::DestinationPort(ports.value.clone())),
            Self::Conntrack(Inv { not, value: (states, statuses) }) => {
                if !states.is_empty() {
                    add(*not, Match::CtState(states.clone()));
                }
                if !statuses.is_empty() {
                    add(*not, Match::CtStatus(statuses.clone()));
                }
            }
            Self::State(states) => add(states.not, Match::CtState(states.value.clone())),
            Self::Iprange { source, destination } => {
                if let Some(Inv { not, value: (from, to) }) = source {
                    add(*not, Match::Source(vec![AddrRange::Range(*from, *to)]));
                }
                if let Some(Inv { not, value: (from, to) }) = destination {
                    add(*not, Match::Destination(vec![AddrRange::Range(*from, *to)]));
                }
            }
            Self::Mac(mac) => add(mac.not, Match::SourceMac(vec![mac.value])),
            Self::Limit(limit) => parts.push(Part::Limit(*limit)),
            Self::Physdev { input, output, bridged } => {
                if let Some(name) = input {
                    add(name.not, Match::PhysdevIn(iface(&name.value)));
                }
                if let Some(name) = output {
                    add(name.not, Match::PhysdevOut(iface(&name.value)));
                }
                if let Some(not) = bridged {
                    add(*not, Match::PhysdevIsBridged);
                }
            }
            Self::Ttl(ttl) => add(ttl.not, Match::Ttl(ttl.value.0, ttl.value.1)),
            Self::Local(not) => add(*not, Match::DestinationIsLocal),
            Self::Icmp(_) | Self::Comment(_) => {}
        }
    }
}

/// `eth*` as iptables writes it.
pub(super) fn iface_word(name: &str) -> String {
    name.strip_suffix('*').map_or_else(|| name.to_owned(), |stem| format!("{stem}+"))
}

/// ICMP's code of a refusal; TCP's RST.
pub(super) fn reject_word(with: RejectWith) -> String {
    match with {
        RejectWith::TcpReset => "tcp-reset".to_owned(),
        RejectWith::Icmp(code) => super::names::REJECTS
            .iter()
            .find(|(_, _, other)| *other == code)
            .map_or_else(|| code.to_string(), |(name, ..)| (*name).to_owned()),
    }
}

/// `A-B:P-Q`, each half only if it is there.
pub(super) fn nat_word(to: &NatTo) -> String {
    let mut word = String::new();
    if let Some((from, end)) = to.addrs {
        word = if from == end { from.to_string() } else { format!("{from}-{end}") };
    }
    if let Some(ports) = to.ports {
        word.push(':');
        word.push_str(&ports_word(ports, '-'));
    }
    word
}

/// `P` or `P-Q`.
pub(super) fn ports_word((from, to): Ports, between: char) -> String {
    if from == to { from.to_string() } else { format!("{from}{between}{to}") }
}
