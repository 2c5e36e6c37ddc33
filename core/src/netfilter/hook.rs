//! The five hooks: which chains a packet meets there and in which order, with conntrack and translation at their places
//! among them (include/uapi/linux/netfilter_ipv4.h `nf_ip_hook_priorities`).

use core::net::Ipv4Addr;

use super::Netfilter;
use super::conntrack::{Dir, Manip, Tracked};
use super::eval::{self, At, IpView, Met, Outcome, View};
use super::model::{ChainKind, CtState, Family, Hook, Match, NatTo, Part, RejectWith, Ruleset, Verdict};
use super::text;
use crate::addr::{Endpoint, L4Proto, MacAddr};
use crate::drop_reason::DropReason;
use crate::event::{Decision, RuleName};
use crate::frame::rewrite;
use crate::id::FlowId;
use crate::time::SimTime;

/// Conntrack looks a packet up here (`NF_IP_PRI_CONNTRACK`).
const TRACK: i32 = -200;
/// Destinations are translated here (`NF_IP_PRI_NAT_DST`).
const NAT_DESTINATION: i32 = -100;
/// Sources are translated here (`NF_IP_PRI_NAT_SRC`).
const NAT_SOURCE: i32 = 100;

/// Whose chains are called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Those of IPv4.
    Ip,
    /// Those of the bridge.
    Bridge,
}

/// One thing that happens at a hook.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A base chain.
    Chain { table: usize, chain: usize },
    /// The packet is looked up.
    Track,
    /// It is translated; the first of a connection meets the `nat` chains.
    Nat(Manip),
    /// A new connection is entered.
    Confirm,
}

/// What follows from a rule set: the steps of every hook, and where jumps lead.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    ip: [Vec<Step>; 5],
    bridge: [Vec<Step>; 5],
    /// `nat` chains of each hook.
    nat: [Vec<(usize, usize)>; 5],
    /// By table, chain and rule: the chain it goes to.
    targets: Vec<Vec<Vec<Option<usize>>>>,
    tracking: bool,
}

const fn index(hook: Hook) -> usize {
    match hook {
        Hook::Prerouting => 0,
        Hook::Input => 1,
        Hook::Forward => 2,
        Hook::Output => 3,
        Hook::Postrouting => 4,
    }
}

const HOOKS: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

impl Plan {
    pub(super) fn of(rules: &Ruleset) -> Self {
        let bases = || {
            let tables = rules.tables.iter().enumerate();
            tables.flat_map(|(t, table)| {
                let chains = table.chains.iter().enumerate();
                chains.filter_map(move |(c, chain)| chain.base.map(|base| (table.family, base, t, c)))
            })
        };
        let nat = bases().any(|(_, base, ..)| base.kind == ChainKind::Nat);
        let parts = rules.tables.iter().flat_map(|t| &t.chains).flat_map(|c| &c.rules).flat_map(|r| &r.parts);
        // Linux turns conntrack on when the first rule needs it (`nf_ct_netns_get`).
        let tracking = nat || parts.into_iter().any(needs_conntrack);
        let mut plan = Self { tracking, ..Self::default() };
        for hook in HOOKS {
            let at = index(hook);
            let of_hook = || bases().filter(|(_, base, ..)| base.hook == hook);
            let mut ip: Vec<(i32, Step)> = of_hook()
                .filter(|(family, base, ..)| *family != Family::Bridge && base.kind != ChainKind::Nat)
                .map(|(_, base, table, chain)| (base.priority, Step::Chain { table, chain }))
                .collect();
            let mut chosen: Vec<_> = of_hook()
                .filter(|(_, base, ..)| base.kind == ChainKind::Nat)
                .map(|(_, base, table, chain)| (base.priority, (table, chain)))
                .collect();
            let mut bridge: Vec<(i32, Step)> = of_hook()
                .filter(|(family, ..)| *family == Family::Bridge)
                .map(|(_, base, table, chain)| (base.priority, Step::Chain { table, chain }))
                .collect();
            match hook {
                Hook::Prerouting | Hook::Output if tracking => ip.push((TRACK, Step::Track)),
                Hook::Input | Hook::Postrouting if tracking => ip.push((i32::MAX, Step::Confirm)),
                _ => {}
            }
            match hook {
                Hook::Prerouting | Hook::Output if nat => ip.push((NAT_DESTINATION, Step::Nat(Manip::Destination))),
                Hook::Input | Hook::Postrouting if nat => ip.push((NAT_SOURCE, Step::Nat(Manip::Source))),
                _ => {}
            }
            // Equal priorities keep their order: the older table first. Conntrack and NAT come before equal ones.
            ip.sort_by_key(|(priority, step)| (*priority, matches!(step, Step::Chain { .. } | Step::Confirm)));
            chosen.sort_by_key(|(priority, _)| *priority);
            bridge.sort_by_key(|(priority, _)| *priority);
            plan.ip[at] = ip.into_iter().map(|(_, step)| step).collect();
            plan.nat[at] = chosen.into_iter().map(|(_, chain)| chain).collect();
            plan.bridge[at] = bridge.into_iter().map(|(_, step)| step).collect();
        }
        plan.targets = rules.tables.iter().map(targets).collect();
        plan
    }

    fn steps(&self, level: Level, hook: Hook) -> &[Step] {
        match level {
            Level::Ip => &self.ip[index(hook)],
            Level::Bridge => &self.bridge[index(hook)],
        }
    }
}

fn needs_conntrack(part: &Part) -> bool {
    match part {
        Part::Match { what: Match::CtState(_) | Match::CtStatus(_), .. } | Part::Notrack => true,
        Part::Verdict(verdict) => matches!(
            verdict,
            Verdict::Masquerade { .. } | Verdict::Snat(_) | Verdict::Dnat(_) | Verdict::Redirect { .. }
        ),
        _ => false,
    }
}

fn targets(table: &super::model::Table) -> Vec<Vec<Option<usize>>> {
    let find = |name: &str| table.chains.iter().position(|chain| chain.name == name);
    let of_rule = |rule: &super::model::Rule| rule.targets().next().and_then(find);
    table.chains.iter().map(|chain| chain.rules.iter().map(of_rule).collect()).collect()
}

/// Where a packet is when a hook is called.
pub struct Place<'a> {
    /// Lab time.
    pub now: SimTime,
    /// The hook.
    pub hook: Hook,
    /// Whose chains.
    pub level: Level,
    /// The interface it came in by; empty where it came from none.
    pub in_iface: &'a str,
    /// The interface it goes out by; empty where that is not known.
    pub out_iface: &'a str,
    /// That interface's index; 0 for none.
    pub out_index: u32,
    /// On a bridge: the ports it came in by and goes out by.
    pub physdev: (&'a str, &'a str),
    /// It passes over a bridge.
    pub bridged: bool,
    /// Source and destination MAC and EtherType, where a frame is around it.
    pub ether: Option<(MacAddr, MacAddr, u16)>,
    /// It came from outside: wrong checksums make it invalid.
    pub checksums: bool,
    /// Somebody wants to know what was decided.
    pub watched: bool,
    /// This machine's addresses.
    pub is_local: &'a dyn Fn(Ipv4Addr) -> bool,
    /// The address that what goes out there is masqueraded with.
    pub masquerade: &'a dyn Fn() -> Option<Ipv4Addr>,
    /// The address that what came in there is redirected to.
    pub redirect: &'a dyn Fn() -> Option<Ipv4Addr>,
}

/// What became of a packet at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Passes,
    /// It ends here.
    Ends(DropReason),
    /// It ends here, and its sender is told.
    Refused(RejectWith),
}

/// A packet at a hook, with what was found out about it.
struct Passing<'a> {
    packet: &'a mut [u8],
    ct: &'a mut Option<Tracked>,
    view: Option<IpView>,
    to_self: bool,
}

impl Netfilter {
    /// Whether nothing happens at a hook: the packet need not be shown.
    pub fn is_idle(&self, level: Level, hook: Hook) -> bool {
        self.plan.steps(level, hook).is_empty()
    }

    /// Whether connections are followed, so that fragments have to be put together first.
    pub fn is_tracking(&self) -> bool {
        self.plan.tracking
    }

    /// Takes a packet through a hook. At [`Level::Ip`], `packet` is the IPv4 packet; it is rewritten in place where its
    /// connection is translated. At [`Level::Bridge`], it is what the frame carries. `ct` travels with the packet.
    pub fn run(&mut self, place: &Place<'_>, packet: &mut [u8], ct: &mut Option<Tracked>) -> Fate {
        let is_ip = place.level == Level::Ip || place.ether.is_some_and(|(_, _, kind)| kind == 0x0800);
        let view = if is_ip { IpView::of(packet) } else { None };
        let to_self = view.is_some_and(|ip| (place.is_local)(ip.dst));
        let mut passing = Passing { packet, ct, view, to_self };
        let mut at = 0;
        while let Some(step) = self.plan.steps(place.level, place.hook).get(at).copied() {
            at += 1;
            let fate = match step {
                Step::Chain { table, chain } => self.chain(place, &mut passing, table, chain, None),
                Step::Track => self.track(place, &mut passing),
                Step::Nat(manip) => self.nat(place, &mut passing, manip),
                Step::Confirm => match passing.ct.as_mut().map_or(Ok(()), |ct| self.conntrack.confirm(ct)) {
                    Ok(()) => Fate::Passes,
                    Err(reason) => Fate::Ends(reason),
                },
            };
            if fate != Fate::Passes {
                return fate;
            }
        }
        Fate::Passes
    }

    /// What was said about packets since the last call; and the rule that ended the last one.
    pub fn take_said(&mut self) -> (Vec<Decision>, Option<RuleName>) {
        (core::mem::take(&mut self.said), self.ended_by.take())
    }

    fn track(&mut self, place: &Place<'_>, passing: &mut Passing<'_>) -> Fate {
        // A packet to oneself has been looked up when it was sent; an answer of ours has its connection already.
        if passing.ct.is_none() {
            match self.conntrack.track(place.now, passing.packet, place.checksums) {
                Ok(tracked) => *passing.ct = Some(tracked),
                Err(reason) => return Fate::Ends(reason),
            }
        }
        if place.watched
            && let Some(tracked) = passing.ct
        {
            self.said.push(Decision::Tracked { state: text::state(tracked.state).to_owned() });
        }
        Fate::Passes
    }

    /// Takes a packet through one base chain. `manip`: it is a `nat` chain.
    fn chain(
        &mut self,
        place: &Place<'_>,
        passing: &mut Passing<'_>,
        t: usize,
        c: usize,
        manip: Option<Manip>,
    ) -> Fate {
        let conn = passing.ct.as_ref().and_then(|ct| self.conntrack.conn(ct));
        let view = View {
            now: place.now,
            in_iface: place.in_iface,
            out_iface: place.out_iface,
            physdev_in: place.physdev.0,
            physdev_out: place.physdev.1,
            bridged: place.bridged,
            ether: place.ether,
            arp_operation: arp_operation(place, passing.packet),
            ip: passing.view,
            to_self: passing.to_self,
            ct: passing.ct.as_ref().map_or(CtState::Invalid, |ct| ct.state),
            translated: conn.map_or((false, false), |conn| (conn.is_snat(), conn.is_dnat())),
            bytes: passing.view.map_or(passing.packet.len() as u64, |ip| ip.total_len),
        };
        let mut met = Met::default();
        let (Some(table), Some(targets)) = (self.ruleset.tables.get_mut(t), self.plan.targets.get(t)) else {
            return Fate::Passes;
        };
        let outcome = eval::run(table, targets, c, &view, &mut met);
        for (prefix, _) in met.logs {
            self.log.push(place, passing.packet, &prefix);
        }
        if met.notrack && passing.ct.is_none() {
            *passing.ct = Some(Tracked::UNTRACKED);
        }
        match outcome {
            Outcome::Accept => Fate::Passes,
            Outcome::Drop(at) => {
                self.say_end(place, t, at, "drop");
                Fate::Ends(if at.rule.is_some() { DropReason::Filtered } else { DropReason::FilteredByPolicy })
            }
            Outcome::Reject(at, with) => {
                self.say_end(place, t, at, "reject");
                Fate::Refused(with)
            }
            Outcome::Translate(at, verdict) => match manip {
                Some(manip) => self.bind(place, passing, manip, (t, at), &verdict),
                None => Fate::Passes,
            },
        }
    }

    fn say_end(&mut self, place: &Place<'_>, table: usize, at: At, verdict: &str) {
        let Some(table) = self.ruleset.tables.get(table).filter(|_| place.watched) else { return };
        let rule = text::name(table, at.chain, at.rule);
        self.said.push(Decision::Filtered {
            hook: text::hook(place.hook).to_owned(),
            verdict: verdict.to_owned(),
            rule: rule.clone(),
        });
        self.ended_by = Some(rule);
    }

    /// Translates: the first packet of a connection asks the rules how.
    fn nat(&mut self, place: &Place<'_>, passing: &mut Passing<'_>, manip: Manip) -> Fate {
        let chains = index(place.hook);
        let mut next = 0;
        while passing.ct.as_ref().is_some_and(|ct| self.conntrack.is_open(ct, manip)) {
            let Some(&(t, c)) = self.plan.nat[chains].get(next) else {
                if let Some(ct) = passing.ct.as_mut() {
                    self.conntrack.bind_null(ct, manip);
                }
                break;
            };
            next += 1;
            let fate = self.chain(place, passing, t, c, Some(manip));
            if fate != Fate::Passes {
                return fate;
            }
        }
        let Some(ct) = passing.ct.as_ref() else { return Fate::Passes };
        let conn = self.conntrack.conn(ct);
        // A masqueraded connection has the address of one interface (`nf_nat_oif_changed`).
        let moved = manip == Manip::Source
            && place.hook == Hook::Postrouting
            && ct.dir == Dir::Original
            && conn.and_then(super::conntrack::Conn::masquerade).is_some_and(|iface| iface != place.out_index);
        if moved {
            if let Some(original) = conn.map(super::conntrack::Conn::original) {
                self.conntrack.delete(original);
            }
            return Fate::Ends(DropReason::NatNoMapping);
        }
        let flow = conn.map(|conn| FlowId(conn.flow()));
        let before = ends(passing.packet).filter(|_| place.watched);
        if self.conntrack.translate(ct, manip, passing.packet) {
            passing.view = IpView::of(passing.packet);
            passing.to_self = passing.view.is_some_and(|ip| (place.is_local)(ip.dst));
            if let (Some(before), Some(after), Some(flow)) = (before, ends(passing.packet), flow) {
                self.said.push(translated(flow, manip, before, after));
            }
        }
        Fate::Passes
    }

    /// A rule of a `nat` chain has chosen.
    fn bind(
        &mut self,
        place: &Place<'_>,
        passing: &mut Passing<'_>,
        manip: Manip,
        (table, at): (usize, At),
        verdict: &Verdict,
    ) -> Fate {
        let one = |addr: Ipv4Addr| Some((addr, addr));
        let (to, masquerade) = match verdict {
            Verdict::Snat(to) | Verdict::Dnat(to) => (*to, None),
            Verdict::Masquerade { ports } => match (place.masquerade)() {
                Some(addr) => (NatTo { addrs: one(addr), ports: *ports }, Some(place.out_index)),
                None => return Fate::Ends(DropReason::NoSourceAddress),
            },
            Verdict::Redirect { ports } => match (place.redirect)() {
                Some(addr) => (NatTo { addrs: one(addr), ports: *ports }, None),
                None => return Fate::Ends(DropReason::NoSourceAddress),
            },
            _ => return Fate::Passes,
        };
        if let Some(ct) = passing.ct.as_mut() {
            self.conntrack.bind(ct, manip, &to, masquerade);
        }
        let Some(table) = self.ruleset.tables.get(table) else { return Fate::Passes };
        if manip == Manip::Destination
            && let Some(ct) = passing.ct.as_mut()
        {
            self.conntrack.note_rule(ct, &text::name(table, at.chain, at.rule).text);
        }
        if place.watched {
            self.said.push(Decision::NatRule { rule: text::name(table, at.chain, at.rule) });
        }
        Fate::Passes
    }
}

/// Protocol, source and destination: of the packet, or of what an ICMP error quotes.
type Ends = (bool, L4Proto, Endpoint, Endpoint);

fn ends(packet: &[u8]) -> Option<Ends> {
    let own = rewrite::l4_endpoints(packet).map(|(proto, src, dst)| (false, proto, src, dst));
    own.or_else(|| rewrite::inner_endpoints(packet).map(|(proto, src, dst)| (true, proto, src, dst)))
}

/// What was rewritten, from the inside's point of view. A quoted packet went the other way.
fn translated(flow: FlowId, manip: Manip, before: Ends, after: Ends) -> Decision {
    let (quoted, proto, src, dst) = before;
    let (_, _, new_src, new_dst) = after;
    let (own, new, remote) = match (manip, quoted) {
        (Manip::Source, false) | (Manip::Destination, true) => (src, new_src, dst),
        (Manip::Destination, false) | (Manip::Source, true) => (dst, new_dst, src),
    };
    match manip {
        Manip::Source => Decision::TranslatedOut { flow, proto, inside: own, outside: new, remote },
        Manip::Destination => Decision::TranslatedIn { flow, proto, outside: own, inside: new, remote },
    }
}

fn arp_operation(place: &Place<'_>, payload: &[u8]) -> Option<u16> {
    let (_, _, kind) = place.ether?;
    let bytes = payload.get(6..8).filter(|_| kind == 0x0806 && place.level == Level::Bridge)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}
