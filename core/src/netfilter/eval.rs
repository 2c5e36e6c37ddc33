//! One packet through one base chain: matches, jumps, counters, verdicts.

use core::net::Ipv4Addr;

use super::check::JUMP_DEPTH_MAX;
use super::model::{AddrRange, CtState, CtStatus, Limit, Match, Part, Policy, RejectWith, Table, Verdict};
use crate::addr::MacAddr;
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::Ipv4;
use crate::time::SimTime;

/// What rules can see of a packet at a hook.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub now: SimTime,
    pub in_iface: &'a str,
    pub out_iface: &'a str,
    pub physdev_in: &'a str,
    pub physdev_out: &'a str,
    pub bridged: bool,
    /// Source and destination MAC and EtherType, where a frame is still around it.
    pub ether: Option<(MacAddr, MacAddr, u16)>,
    pub arp_operation: Option<u16>,
    pub ip: Option<IpView>,
    /// Its destination is one of this machine's addresses.
    pub to_self: bool,
    pub ct: CtState,
    /// Its connection's source is translated; its destination.
    pub translated: (bool, bool),
    /// Bytes that counters count.
    pub bytes: u64,
}

/// What rules can see of an IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IpView {
    pub src: Ipv4Addr,
    pub dst: Ipv4Addr,
    pub proto: u8,
    pub ttl: u8,
    /// Bytes of the packet, without Ethernet's padding.
    pub total_len: u64,
    /// A fragment after the first: without an L4 header.
    pub later_fragment: bool,
    pub ports: Option<(u16, u16)>,
    pub tcp_flags: Option<u8>,
    pub icmp: Option<(u8, u8)>,
}

impl IpView {
    /// Reads a packet whose header is right; what is cut off behind it cannot be seen.
    pub(super) fn of(packet: &[u8]) -> Option<Self> {
        let ip = Ipv4::parse(packet).ok()?;
        let later_fragment = ip.fragment_offset > 0;
        let l4 = if later_fragment { &[] } else { ip.payload };
        let word = |at: usize| l4.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
        // TCP, UDP, DCCP, SCTP, UDP-Lite begin with their ports.
        let has_ports = matches!(ip.proto, 6 | 17 | 33 | 132 | 136);
        Some(Self {
            src: ip.src,
            dst: ip.dst,
            proto: ip.proto,
            ttl: ip.ttl,
            total_len: ip.total_len as u64,
            later_fragment,
            ports: word(0).zip(word(2)).filter(|_| has_ports),
            tcp_flags: l4.get(13).copied().filter(|_| ip.proto == 6),
            icmp: Icmp::peek(l4).filter(|_| ip.proto == 1).map(|(icmp, _)| icmp.type_and_code()),
        })
    }
}

/// Where in a table something was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub chain: usize,
    /// The rule's index; none for the policy.
    pub rule: Option<usize>,
}

/// What a base chain says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// On to the next one.
    Accept,
    /// It ends here.
    Drop(At),
    /// It ends here, and its sender is told.
    Reject(At, RejectWith),
    /// Its connection is translated so.
    Translate(At, Verdict),
}

/// What a packet met besides its verdict.
#[derive(Clone, Debug, Default)]
pub(super) struct Met {
    /// Prefixes and levels of `LOG` rules.
    pub logs: Vec<(String, Option<u8>)>,
    /// A rule took it out of tracking.
    pub notrack: bool,
}

/// Takes a packet through a base chain. `targets[chain][rule]`: the chain that a rule goes to.
pub(super) fn run(
    table: &mut Table,
    targets: &[Vec<Option<usize>>],
    base: usize,
    view: &View<'_>,
    met: &mut Met,
) -> Outcome {
    let mut back: Vec<(usize, usize)> = Vec::new();
    let (mut chain, mut rule) = (base, 0);
    loop {
        let Some(current) = table.chains.get_mut(chain).and_then(|chain| chain.rules.get_mut(rule)) else {
            match back.pop() {
                Some(place) => (chain, rule) = place,
                None => return policy(table, base, view),
            }
            continue;
        };
        let at = At { chain, rule: Some(rule) };
        let verdict = rule_says(&mut current.parts, view, met);
        rule += 1;
        let target = targets.get(chain).and_then(|chain| chain.get(rule - 1)).copied().flatten();
        match verdict {
            None => {}
            Some(Verdict::Accept) => return Outcome::Accept,
            Some(Verdict::Drop) => return Outcome::Drop(at),
            Some(Verdict::Reject(with)) => return Outcome::Reject(at, *with),
            Some(Verdict::Jump(_)) => {
                // The check at the door leaves no deeper ones.
                if let Some(target) = target
                    && back.len() < JUMP_DEPTH_MAX
                {
                    back.push((chain, rule));
                    (chain, rule) = (target, 0);
                }
            }
            Some(Verdict::Goto(_)) => {
                if let Some(target) = target {
                    (chain, rule) = (target, 0);
                }
            }
            Some(Verdict::Return) => match back.pop() {
                Some(place) => (chain, rule) = place,
                None => return policy(table, base, view),
            },
            Some(verdict) => return Outcome::Translate(at, verdict.clone()),
        }
    }
}

fn policy(table: &mut Table, base: usize, view: &View<'_>) -> Outcome {
    let Some(chain) = table.chains.get_mut(base) else { return Outcome::Accept };
    chain.policy_counter.packets += 1;
    chain.policy_counter.bytes += view.bytes;
    match chain.base.map(|base| base.policy) {
        Some(Policy::Drop) => Outcome::Drop(At { chain: base, rule: None }),
        _ => Outcome::Accept,
    }
}

/// The verdict of a rule, if all before it matches.
fn rule_says<'a>(parts: &'a mut [Part], view: &View<'_>, met: &mut Met) -> Option<&'a Verdict> {
    for part in parts {
        match part {
            Part::Match { not, what } => {
                if matches(what, view).is_none_or(|holds| holds == *not) {
                    return None;
                }
            }
            Part::Counter(counter) => {
                counter.packets += 1;
                counter.bytes += view.bytes;
            }
            Part::Limit(limit) => {
                if !allow(limit, view.now) {
                    return None;
                }
            }
            Part::Log { prefix, level } => met.logs.push((prefix.clone(), *level)),
            Part::Notrack => met.notrack = true,
            Part::Verdict(verdict) => return Some(verdict),
        }
    }
    None
}

/// Whether a match holds; none: the packet has nothing to look at, so that the rule ends, turned round or not.
fn matches(what: &Match, view: &View<'_>) -> Option<bool> {
    let ip = view.ip;
    let ports = |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|(first, last)| (*first..=*last).contains(&port));
    Some(match what {
        Match::InIface(names) => is_named(names, view.in_iface),
        Match::OutIface(names) => is_named(names, view.out_iface),
        Match::PhysdevIn(names) => is_named(names, view.physdev_in),
        Match::PhysdevOut(names) => is_named(names, view.physdev_out),
        Match::PhysdevIsBridged => view.bridged,
        Match::Source(ranges) => in_ranges(ranges, ip?.src),
        Match::Destination(ranges) => in_ranges(ranges, ip?.dst),
        Match::DestinationIsLocal => ip.map(|_| view.to_self)?,
        Match::Protocol(numbers) => numbers.contains(&ip?.proto),
        Match::SourcePort(ranges) => ports(ranges, ip?.ports?.0),
        Match::DestinationPort(ranges) => ports(ranges, ip?.ports?.1),
        Match::TcpFlags { mask, set } => ip?.tcp_flags? & mask == *set,
        Match::Icmp(kinds) => {
            let (kind, code) = ip?.icmp?;
            kinds.iter().any(|(k, c)| *k == kind && c.is_none_or(|c| c == code))
        }
        Match::Fragment => ip?.later_fragment,
        Match::Ttl(first, last) => (*first..=*last).contains(&ip?.ttl),
        Match::CtState(states) => states.contains(&view.ct),
        Match::CtStatus(statuses) => statuses.iter().any(|status| match status {
            CtStatus::Snat => view.translated.0,
            CtStatus::Dnat => view.translated.1,
        }),
        Match::SourceMac(macs) => macs.contains(&view.ether?.0),
        Match::DestinationMac(macs) => macs.contains(&view.ether?.1),
        Match::EtherType(types) => types.contains(&view.ether?.2),
        Match::ArpOperation(operations) => operations.contains(&view.arp_operation?),
    })
}

/// An interface's name, or a beginning with `+` or `*` behind it.
fn is_named(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix(['+', '*']) {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    })
}

fn in_ranges(ranges: &[AddrRange], addr: Ipv4Addr) -> bool {
    ranges.iter().any(|range| match range {
        AddrRange::Net(net) => net.contains(addr),
        AddrRange::Range(first, last) => (*first..=*last).contains(&addr),
    })
}

/// A token, in the unit buckets are counted in.
const TOKEN: u64 = 1_000_000;

/// Takes a token if there is one. A bucket that was never asked is full.
fn allow(limit: &mut Limit, now: SimTime) -> bool {
    let full = u64::from(limit.burst.max(1)) * TOKEN;
    let (tokens, counted) = limit.tokens;
    let now = now.as_nanos().max(1);
    let elapsed = u128::from(now.saturating_sub(counted));
    // rate / per_secs tokens a second are rate / (per_secs * 1000) millionths a nanosecond.
    let gained = elapsed * u128::from(limit.rate) / (u128::from(limit.per_secs.max(1)) * 1_000);
    let tokens =
        if counted == 0 { full } else { full.min(u64::try_from(gained).unwrap_or(full).saturating_add(tokens)) };
    // What was too little for a millionth is not lost: it is counted next time.
    let counted = if gained == 0 && counted != 0 { counted } else { now };
    let enough = tokens >= TOKEN;
    limit.tokens = (if enough { tokens - TOKEN } else { tokens }, counted);
    enough != limit.over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut limit = Limit { rate: 3, per_secs: 60, burst: 5, over: false, tokens: (0, 0) };
        let at = SimTime::from_secs;
        assert_eq!((0..20).filter(|_| allow(&mut limit, at(100))).count(), 5);
        assert!(!allow(&mut limit, at(119)));
        assert!(allow(&mut limit, at(120)), "one every 20 seconds");
        assert!(!allow(&mut limit, at(120)));
        assert_eq!((0..20).filter(|_| allow(&mut limit, at(10_000))).count(), 5, "full again, not fuller");
        limit.over = true;
        assert!(allow(&mut limit, at(10_000)), "turned round it holds when the bucket is empty");
    }

    #[test]
    fn slow_rates_are_not_lost_to_rounding_however_often_it_is_asked() {
        let mut limit = Limit { rate: 1, per_secs: 86_400, burst: 1, over: false, tokens: (0, 0) };
        let taken = (1..=864_000u64).filter(|i| allow(&mut limit, SimTime::from_millis(i * 200))).count();
        assert!((2..=3).contains(&taken), "two days: {taken}");
    }

    #[test]
    fn a_plus_at_the_end_of_a_name_stands_for_anything() {
        let names = |text: &str| vec![text.to_owned()];
        assert!(is_named(&names("eth+"), "eth0") && is_named(&names("eth*"), "eth"));
        assert!(!is_named(&names("eth"), "eth0") && !is_named(&names("eth+"), "enp0s3"));
        assert!(is_named(&names("+"), ""));
    }
}
