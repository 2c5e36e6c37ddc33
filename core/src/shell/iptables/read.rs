//! From the kernel's rule back to what `iptables` shows: its own rules exactly, those of `nft` as iptables-nft 1.8.9
//! reads them (iptables/nft-shared.c, found by asking it).

use super::spec::{Ext, Inv, Spec, Target, iface_word};
use crate::netfilter::model::{AddrRange, Match, Part, Rule, Verdict, Written};

/// Why a rule cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It has an expression that iptables-nft knows nothing of: the whole chain is called incompatible.
    Incompatible,
    /// It has one that it stumbles over; the text that it prints then.
    Stumbles(&'static str),
}

/// Reads a rule.
pub(super) fn read(rule: &Rule) -> Result<Spec, Unreadable> {
    match &rule.written {
        Written::Iptables(exts) => Ok(own(rule, exts)),
        Written::Nft(keys) => of_nft(rule, keys),
    }
}

/// Whether a chain with this rule is one that iptables-nft works with.
pub(super) fn is_compatible(rule: &Rule) -> bool {
    read(rule).err() != Some(Unreadable::Incompatible)
}

/// A rule that `iptables` made.
fn own(rule: &Rule, exts: &[(&'static str, usize)]) -> Spec {
    let mut spec = Spec::default();
    let ends = |part: &Part| matches!(part, Part::Counter(_));
    let counter = rule.parts.iter().position(ends).unwrap_or(rule.parts.len());
    let of_exts: usize = exts.iter().map(|(_, count)| count).sum();
    let mut at = counter.saturating_sub(of_exts);
    rule.parts.iter().take(at).for_each(|part| basic(&mut spec, part));
    for (name, count) in exts {
        let parts = rule.parts.get(at..at + count).unwrap_or(&[]);
        let ext = extension(name, parts, rule.comment.as_deref());
        at += count;
        match ext {
            Some(ext) if *count > 0 => merge(&mut spec, ext),
            ext => spec.exts.extend(ext),
        }
    }
    rule.parts.iter().skip(counter).for_each(|part| finish(&mut spec, part));
    spec
}

/// Several `-m tcp` of one rule become one, as the kernel keeps of each only what it asks.
fn merge(spec: &mut Spec, ext: Ext) {
    if let Ext::Ports { udp, source, destination, flags } = &ext {
        for old in &mut spec.exts {
            if let Ext::Ports { udp: same, source: s, destination: d, flags: f } = old
                && same == udp
                && (s.is_some() || d.is_some() || f.is_some())
            {
                *s = source.clone().or(s.take());
                *d = destination.clone().or(d.take());
                *f = flags.clone().or(f.take());
                return;
            }
        }
    }
    spec.exts.push(ext);
}

fn basic(spec: &mut Spec, part: &Part) {
    let Part::Match { not, what } = part else { return };
    let not = *not;
    match what {
        Match::InIface(names) => spec.in_iface = names.first().map(|name| Inv::new(not, iface_word(name))),
        Match::OutIface(names) => spec.out_iface = names.first().map(|name| Inv::new(not, iface_word(name))),
        Match::Protocol(list) => spec.protocol = list.first().map(|proto| Inv::new(not, *proto)),
        Match::Source(list) => spec.source = list.first().and_then(net).map(|net| Inv::new(not, net)),
        Match::Destination(list) => spec.destination = list.first().and_then(net).map(|net| Inv::new(not, net)),
        Match::Fragment => spec.fragment = Some(not),
        _ => {}
    }
}

/// Of a range iptables-nft reads the end alone.
fn net(range: &AddrRange) -> Option<crate::addr::Cidr> {
    match range {
        AddrRange::Net(net) => Some(*net),
        AddrRange::Range(_, to) => Some(crate::addr::Cidr::new(*to, 32)),
    }
}

fn finish(spec: &mut Spec, part: &Part) {
    match part {
        Part::Counter(counter) => spec.counter = *counter,
        Part::Log { prefix, level } => spec.target = Target::Log { prefix: prefix.clone(), level: *level },
        Part::Notrack => spec.target = Target::Notrack,
        Part::Verdict(verdict) => spec.target = Target::Verdict(verdict.clone()),
        Part::Match { .. } | Part::Limit(_) => {}
    }
}

/// An extension of iptables from its parts.
fn extension(name: &str, parts: &[Part], comment: Option<&str>) -> Option<Ext> {
    let matches = || {
        parts.iter().filter_map(|part| match part {
            Part::Match { not, what } => Some((*not, what)),
            _ => None,
        })
    };
    let first = matches().next();
    Some(match name {
        "tcp" | "udp" => ports(name == "udp", matches()),
        "icmp" => match first {
            Some((not, Match::Icmp(kinds))) => Ext::Icmp(Inv::new(not, kinds.first().copied())),
            _ => Ext::Icmp(Inv::new(false, None)),
        },
        "multiport" => match first? {
            (not, Match::SourcePort(ports)) => Ext::Multiport { source: true, ports: Inv::new(not, ports.clone()) },
            (not, Match::DestinationPort(ports)) => {
                Ext::Multiport { source: false, ports: Inv::new(not, ports.clone()) }
            }
            _ => return None,
        },
        "state" => match first? {
            (not, Match::CtState(states)) => Ext::State(Inv::new(not, states.clone())),
            _ => return None,
        },
        "conntrack" => {
            let (mut states, mut statuses) = (Vec::new(), Vec::new());
            for (_, what) in matches() {
                match what {
                    Match::CtState(list) => states.clone_from(list),
                    Match::CtStatus(list) => statuses.clone_from(list),
                    _ => {}
                }
            }
            Ext::Conntrack(Inv::new(first?.0, (states, statuses)))
        }
        "iprange" => {
            let (mut source, mut destination) = (None, None);
            for (not, what) in matches() {
                match what {
                    Match::Source(list) => source = range(not, list),
                    Match::Destination(list) => destination = range(not, list),
                    _ => {}
                }
            }
            Ext::Iprange { source, destination }
        }
        "mac" => match first? {
            (not, Match::SourceMac(list)) => Ext::Mac(Inv::new(not, *list.first()?)),
            _ => return None,
        },
        "limit" => match parts.first()? {
            Part::Limit(limit) => Ext::Limit(*limit),
            _ => return None,
        },
        "comment" => Ext::Comment(comment.unwrap_or_default().to_owned()),
        "physdev" => physdev(matches()),
        "ttl" => match first? {
            (not, Match::Ttl(from, to)) => Ext::Ttl(Inv::new(not, (*from, *to))),
            _ => return None,
        },
        "addrtype" => Ext::Local(first?.0),
        _ => return None,
    })
}

fn range(not: bool, list: &[AddrRange]) -> Option<Inv<(core::net::Ipv4Addr, core::net::Ipv4Addr)>> {
    match list.first()? {
        AddrRange::Range(from, to) => Some(Inv::new(not, (*from, *to))),
        AddrRange::Net(net) => Some(Inv::new(not, (net.network().addr, net.broadcast()))),
    }
}

fn ports<'a>(udp: bool, matches: impl Iterator<Item = (bool, &'a Match)>) -> Ext {
    let (mut source, mut destination, mut flags) = (None, None, None);
    for (not, what) in matches {
        match what {
            Match::SourcePort(list) => source = list.first().map(|ports| Inv::new(not, *ports)),
            Match::DestinationPort(list) => destination = list.first().map(|ports| Inv::new(not, *ports)),
            Match::TcpFlags { mask, set } => flags = Some(Inv::new(not, (*mask, *set))),
            _ => {}
        }
    }
    Ext::Ports { udp, source, destination, flags }
}

fn physdev<'a>(matches: impl Iterator<Item = (bool, &'a Match)>) -> Ext {
    let (mut input, mut output, mut bridged) = (None, None, None);
    for (not, what) in matches {
        match what {
            Match::PhysdevIn(names) => input = names.first().map(|name| Inv::new(not, iface_word(name))),
            Match::PhysdevOut(names) => output = names.first().map(|name| Inv::new(not, iface_word(name))),
            Match::PhysdevIsBridged => bridged = Some(not),
            _ => {}
        }
    }
    Ext::Physdev { input, output, bridged }
}

/// A rule that `nft` made.
fn of_nft(rule: &Rule, keys: &[(usize, &'static str)]) -> Result<Spec, Unreadable> {
    let mut spec = Spec::default();
    if rule.parts.iter().any(is_foreign) {
        return Err(Unreadable::Incompatible);
    }
    for (at, part) in rule.parts.iter().enumerate() {
        let key = keys.iter().find(|(place, _)| *place == at).map(|(_, key)| *key);
        match part {
            Part::Match { not, what } => of_nft_match(&mut spec, *not, what, key)?,
            Part::Limit(limit) => spec.exts.push(Ext::Limit(*limit)),
            other => finish(&mut spec, other),
        }
    }
    if let Some(comment) = &rule.comment {
        spec.exts.push(Ext::Comment(comment.clone()));
    }
    Ok(spec)
}

/// Expressions that iptables-nft does not have (`nft_is_expr_compatible`).
fn is_foreign(part: &Part) -> bool {
    match part {
        Part::Match { what, .. } => {
            matches!(what, Match::CtState(_) | Match::CtStatus(_) | Match::DestinationIsLocal)
        }
        Part::Limit(limit) => limit.over,
        Part::Log { .. } | Part::Notrack => true,
        Part::Verdict(verdict) => {
            !matches!(verdict, Verdict::Accept | Verdict::Drop | Verdict::Return | Verdict::Jump(_) | Verdict::Goto(_))
        }
        Part::Counter(_) => false,
    }
}

/// Sets are looked up by an expression that it passes over.
fn of_nft_match(spec: &mut Spec, not: bool, what: &Match, key: Option<&str>) -> Result<(), Unreadable> {
    let set = key.is_some_and(|key| key.contains('{'));
    match what {
        Match::InIface(list) if list.len() > 1 || set => {}
        Match::OutIface(list) if list.len() > 1 || set => {}
        Match::Source(list) | Match::Destination(list) if list.len() > 1 || set => {}
        Match::Protocol(list) if list.len() > 1 || set => {}
        Match::SourcePort(_) | Match::DestinationPort(_) | Match::TcpFlags { .. } => {
            return of_nft_ports(spec, not, what, set);
        }
        Match::Icmp(kinds) => {
            spec.protocol = Some(Inv::new(false, 1));
            if kinds.len() == 1 && !set {
                // Its reader does not look at `!=` here.
                spec.exts.push(Ext::Icmp(Inv::new(false, kinds.first().copied())));
            }
        }
        Match::Ttl(from, to) => spec.exts.push(Ext::Ttl(Inv::new(not, (*from, *to)))),
        Match::SourceMac(_) | Match::DestinationMac(_) | Match::EtherType(_) | Match::ArpOperation(_) => {
            return Err(Unreadable::Stumbles("unknown ipv4 meta key"));
        }
        _ => basic(spec, &Part::Match { not, what: what.clone() }),
    }
    Ok(())
}

fn of_nft_ports(spec: &mut Spec, not: bool, what: &Match, set: bool) -> Result<(), Unreadable> {
    let udp = match spec.protocol {
        Some(Inv { not: false, value: 6 }) => false,
        Some(Inv { not: false, value: 17 }) => true,
        _ => return Err(Unreadable::Stumbles("unsupported layer 4 protocol value")),
    };
    let one = |list: &[(u16, u16)]| if set || list.len() != 1 { None } else { list.first().copied() };
    let same = |ext: &&mut Ext| matches!(ext, Ext::Ports { udp: other, .. } if *other == udp);
    let value = match what {
        Match::SourcePort(list) | Match::DestinationPort(list) => match one(list) {
            Some(ports) => Some(ports),
            None => return Ok(()),
        },
        _ => None,
    };
    if spec.exts.iter_mut().find(same).is_none() {
        spec.exts.push(Ext::Ports { udp, source: None, destination: None, flags: None });
    }
    if let Some(Ext::Ports { source, destination, flags, .. }) = spec.exts.iter_mut().find(same) {
        match (what, value) {
            (Match::SourcePort(_), Some(ports)) => *source = Some(Inv::new(not, ports)),
            (Match::DestinationPort(_), Some(ports)) => *destination = Some(Inv::new(not, ports)),
            (Match::TcpFlags { mask, set }, _) => *flags = Some(Inv::new(not, (*mask, *set))),
            _ => {}
        }
    }
    Ok(())
}
