//! One packet's whole way: every cable it was on, under all the identities that rewriting gave it, and what each machine
//! made of it. And the frame that answers it, or that it answers.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use netmodes_core::event::Decision;
use netmodes_core::frame::decode::Decoded;
use netmodes_core::id::{FrameId, LinkId, NodeId};
use netmodes_core::view::LabView;

use super::crossing::{Crossing, Headers};
use super::outcomes::What;
use super::{FrameEntry, FrameLog, Outcome, Outcomes};

/// How far before and after a frame the others of its way are looked for.
const BACK: usize = 4_000;
const FORWARD: usize = 8_000;
/// Cables of one way that are shown: a storm has no end.
const STEPS_MAX: usize = 200;

/// A header value that was rewritten on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Key of its name among the page's words.
    pub name: &'static str,
    /// Before and after.
    pub values: [String; 2],
}

/// One cable of the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// The frame on it.
    pub entry: Rc<FrameEntry>,
    /// Which step led here; none for the first.
    pub prev: Option<usize>,
    /// What the sender decided before it put the frame on the cable, as far as no step before tells.
    pub before: Vec<Outcome>,
    /// What was decided at the far end.
    pub after: Vec<Outcome>,
    /// What differs from the step before.
    pub changed: Vec<Change>,
    /// It leads to where the packet arrived or ended; others are copies that nobody wanted.
    pub main: bool,
    /// How long the packet waited for an ARP answer before it went on.
    pub waited: Option<Duration>,
}

/// A packet's way.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Its cables, in the order of time.
    pub steps: Vec<Step>,
    /// There were more.
    pub cut: bool,
    /// Event number of the frame that answers it.
    pub answer: Option<u64>,
    /// Event number of the frame that it answers.
    pub question: Option<u64>,
}

impl Way {
    /// Its cables.
    pub fn links(&self) -> BTreeSet<LinkId> {
        self.steps.iter().filter(|step| step.main).map(|step| step.entry.sent.link).collect()
    }

    /// Every NAT it came through, in order.
    pub fn crossings(&self) -> Vec<Crossing> {
        let found = self.steps.iter().filter(|step| step.main).filter_map(|step| {
            let prev = self.steps.get(step.prev?)?;
            Crossing::between(&prev.entry, &step.entry, prev.after.iter().chain(&step.before))
        });
        found.collect()
    }
}

/// The way of the packet that `entry` is a part of.
pub fn way(log: &FrameLog, outcomes: &Outcomes, view: &LabView, entry: &FrameEntry) -> Way {
    let near = log.window(entry.seq, BACK, FORWARD);
    let mut first: BTreeMap<FrameId, &Rc<FrameEntry>> = BTreeMap::new();
    for other in &near {
        first.entry(other.sent.frame).or_insert(other);
    }
    let mut family: BTreeSet<FrameId> = BTreeSet::from([root_of(&first, entry.sent.frame)]);
    let mut members = Vec::new();
    for other in &near {
        if !family.contains(&other.sent.frame)
            && other.sent.parent.is_some_and(|parent| family.contains(&parent))
            && rewritten(&first, other).is_some()
        {
            family.insert(other.sent.frame);
        }
        if family.contains(&other.sent.frame) {
            members.push(*other);
        }
    }
    let cut = members.len() > STEPS_MAX;
    members.truncate(STEPS_MAX);
    let steps = steps_of(&members, outcomes, view, Some(entry.seq));
    let (question, answer) = others(&steps, &near);
    Way { steps, cut, answer, question }
}

/// The frames of one packet, oldest first, as steps of its way; `chosen` is one of them that is shown in any case.
pub fn steps_of(members: &[&Rc<FrameEntry>], outcomes: &Outcomes, view: &LabView, chosen: Option<u64>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for entry in members {
        let prev = previous(&steps, entry, view);
        let changed = changes(prev.and_then(|at| steps.get(at)).map(|step| &*step.entry), entry);
        let (before, after) = (Vec::new(), Vec::new());
        steps.push(Step { entry: (*entry).clone(), prev, before, after, changed, main: false, waited: None });
    }
    let family: BTreeSet<FrameId> = members.iter().map(|entry| entry.sent.frame).collect();
    for id in family {
        share_out(&mut steps, id, outcomes.of(id));
    }
    mark_main(&mut steps, chosen);
    for at in 0..steps.len() {
        steps[at].waited = waited(&steps, at);
    }
    steps
}

/// The frame that `entry` was rewritten from. An answer also names what it answers, but is another packet.
fn rewritten(first: &BTreeMap<FrameId, &Rc<FrameEntry>>, entry: &FrameEntry) -> Option<FrameId> {
    // A parent is older, so going up ends.
    let parent = entry.sent.parent.filter(|parent| *parent < entry.sent.frame)?;
    first.get(&parent).filter(|before| !answers(before.decoded(), entry.decoded())).map(|_| parent)
}

fn root_of(first: &BTreeMap<FrameId, &Rc<FrameEntry>>, frame: FrameId) -> FrameId {
    let mut id = frame;
    while let Some(parent) = first.get(&id).and_then(|entry| rewritten(first, entry)) {
        id = parent;
    }
    id
}

/// The step that led to `entry`: the same frame on a cable into the sender, or what it was rewritten from.
fn previous(steps: &[Step], entry: &FrameEntry, view: &LabView) -> Option<usize> {
    let from = entry.sent.from.node;
    let same_computer = |node: NodeId| {
        let host = |id| view.nodes.get(&id).and_then(|row| row.host);
        host(node) == Some(from) || host(from) == Some(node)
    };
    let find = |id: FrameId, fits: &dyn Fn(NodeId) -> bool| {
        steps.iter().rposition(|step| step.entry.sent.frame == id && fits(step.entry.sent.to.node))
    };
    let at = |node| node == from;
    let parent = || {
        entry
            .sent
            .parent
            .and_then(|id| find(id, &at).or_else(|| find(id, &same_computer)).or_else(|| find(id, &|_| true)))
    };
    find(entry.sent.frame, &at).or_else(parent)
}

/// Gives what was decided about a frame to the cables it was on.
fn share_out(steps: &mut [Step], id: FrameId, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let mine = |step: &Step| step.entry.sent.frame == id;
        let first = steps.iter().position(mine);
        let arrived = steps
            .iter()
            .rposition(|step| mine(step) && step.entry.sent.to.node == outcome.node && step.entry.time <= outcome.time);
        let starts = first.filter(|at| {
            let step = &steps[*at];
            step.entry.sent.from.node == outcome.node && outcome.time <= step.entry.time
        });
        let last = || steps.iter().rposition(|step| mine(step) && step.entry.time <= outcome.time);
        match (arrived, starts) {
            (Some(at), _) => steps[at].after.push(outcome.clone()),
            (None, Some(at)) => steps[at].before.push(outcome.clone()),
            (None, None) => {
                if let Some(at) = last().or(first) {
                    steps[at].after.push(outcome.clone());
                }
            }
        }
    }
}

fn mark_main(steps: &mut [Step], chosen: Option<u64>) {
    let arrived = |step: &Step| {
        let taken = |outcome: &Outcome| {
            matches!(
                outcome.what,
                What::Decided(Decision::Delivered { .. } | Decision::Answered { .. } | Decision::Reassembled { .. })
            )
        };
        step.after.iter().any(taken)
    };
    let mut wanted: Vec<usize> = (0..steps.len()).filter(|at| arrived(&steps[*at])).collect();
    if wanted.is_empty() {
        // Nobody took it: all of it is shown.
        wanted = (0..steps.len()).collect();
    }
    wanted.extend(steps.iter().position(|step| Some(step.entry.seq) == chosen));
    for end in wanted {
        let mut at = Some(end);
        while let Some(step) = at.and_then(|at| steps.get_mut(at)).filter(|step| !step.main) {
            step.main = true;
            at = step.prev;
        }
    }
}

/// The time between the decision to ask for a MAC and the frame that went out afterwards.
fn waited(steps: &[Step], at: usize) -> Option<Duration> {
    let step = &steps[at];
    let asked = |outcome: &&Outcome| matches!(outcome.what, What::Decided(Decision::WaitsForNeighbour { .. }));
    let before = step.before.iter().find(asked);
    let prev = || step.prev.and_then(|prev| steps.get(prev)).and_then(|prev| prev.after.iter().find(asked));
    let asked = before.or_else(prev)?;
    Some(step.entry.time.since(asked.time)).filter(|time| !time.is_zero())
}

fn changes(prev: Option<&FrameEntry>, entry: &FrameEntry) -> Vec<Change> {
    let Some(prev) = prev.filter(|prev| prev.sent.frame != entry.sent.frame) else { return Vec::new() };
    let (Some(a), Some(b)) = (Headers::read(prev.bytes()), Headers::read(entry.bytes())) else { return Vec::new() };
    let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
    let ident = if b.proto == 1 { "icmp-id" } else { "src-port" };
    let pairs = [
        ("src-mac", a.src_mac.to_string(), b.src_mac.to_string()),
        ("dst-mac", a.dst_mac.to_string(), b.dst_mac.to_string()),
        ("src-ip", a.src.to_string(), b.src.to_string()),
        ("dst-ip", a.dst.to_string(), b.dst.to_string()),
        ("ttl", a.ttl.to_string(), b.ttl.to_string()),
        (ident, port(a.src_port), port(b.src_port)),
        ("dst-port", port(a.dst_port), port(b.dst_port)),
    ];
    pairs.into_iter().filter(|(_, a, b)| a != b).map(|(name, a, b)| Change { name, values: [a, b] }).collect()
}

/// The frames before and after that ask and answer.
fn others(steps: &[Step], near: &[&Rc<FrameEntry>]) -> (Option<u64>, Option<u64>) {
    let (Some(first), Some(last)) = (steps.first(), steps.iter().rev().find(|step| step.main)) else {
        return (None, None);
    };
    let question = near.iter().rev().skip_while(|entry| entry.seq >= first.entry.seq).find(|entry| {
        entry.sent.to.node == first.entry.sent.from.node && answers(entry.decoded(), first.entry.decoded())
    });
    let ends: BTreeSet<NodeId> = steps.iter().filter(|step| step.main).map(|step| step.entry.sent.to.node).collect();
    let answer = near.iter().skip_while(|entry| entry.seq <= first.entry.seq).find(|entry| {
        ends.contains(&entry.sent.from.node)
            && (answers(last.entry.decoded(), entry.decoded()) || answers(first.entry.decoded(), entry.decoded()))
    });
    (question.map(|entry| entry.seq), answer.map(|entry| entry.seq))
}

/// Whether `reply` answers `asked`, by their own fields.
pub fn answers(asked: &Decoded, reply: &Decoded) -> bool {
    let same = |a: &str, b: &str| asked.get(a).is_some() && asked.get(a) == reply.get(b);
    let both = |name: &str| asked.has(name) && reply.has(name);
    let is = |decoded: &Decoded, key: &str, begin: &str| decoded.get(key).is_some_and(|value| value.starts_with(begin));
    let turned = || same("ip.src", "ip.dst") && same("ip.dst", "ip.src");
    if both("ARP") {
        return is(asked, "arp.opcode", "request")
            && is(reply, "arp.opcode", "reply")
            && same("arp.dst.proto_ipv4", "arp.src.proto_ipv4");
    }
    if both("DHCP") {
        let kind = |decoded: &Decoded| decoded.get("dhcp.option.dhcp").map(str::to_owned).unwrap_or_default();
        let pair = (kind(asked), kind(reply));
        let follows = [("DISCOVER", "OFFER"), ("OFFER", "REQUEST"), ("REQUEST", "ACK"), ("REQUEST", "NAK")];
        return same("dhcp.id", "dhcp.id") && follows.contains(&(pair.0.as_str(), pair.1.as_str()));
    }
    if both("ICMP") {
        let echo = is(asked, "icmp.type", "echo request") && is(reply, "icmp.type", "echo reply");
        return echo && turned() && same("icmp.ident", "icmp.ident") && same("icmp.seq", "icmp.seq");
    }
    // An error says in its quotation what it is about.
    if reply.has("ICMP") && asked.has("IPv4") {
        let quoted = |key: &str| {
            let fields = reply.layers.iter().skip_while(|layer| layer.name != "ICMP").flat_map(|layer| &layer.fields);
            fields.into_iter().find(|field| field.key == key).map(|field| field.value.as_str())
        };
        return ["ip.src", "ip.dst", "ip.id"]
            .into_iter()
            .all(|key| quoted(key).is_some() && quoted(key) == asked.get(key));
    }
    for (name, from, to) in [("TCP", "tcp.srcport", "tcp.dstport"), ("UDP", "udp.srcport", "udp.dstport")] {
        if both(name) {
            return turned() && same(from, to) && same(to, from);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::frames::tests::sent;
    use super::*;
    use netmodes_core::drop_reason::DropReason;
    use netmodes_core::id::Port;
    use netmodes_core::time::SimTime;

    fn packet(src: [u8; 4], dst: [u8; 4], ttl: u8, kind: u8) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, ttl, 4, 0, 0, 0, 0, ttl, 8, 0];
        bytes.extend([0x45, 0, 0, 28, 0, 9, 0, 0, ttl, 1, 0, 0]);
        bytes.extend(src);
        bytes.extend(dst);
        bytes.extend([kind, 0, 0, 0, 0, 7, 0, 1]);
        bytes
    }

    fn put(log: &mut FrameLog, seq: u64, (frame, parent): (u64, Option<u64>), ends: [u32; 2], bytes: &[u8]) {
        let mut sent = sent(frame, parent, bytes);
        sent.from = Port::new(NodeId(ends[0]), 0);
        sent.to = Port::new(NodeId(ends[1]), 0);
        log.push(FrameEntry::new(seq, SimTime::from_millis(seq), sent));
    }

    fn decided(node: u32, ms: u64, decision: Decision) -> Outcome {
        Outcome { seq: ms, time: SimTime::from_millis(ms), node: NodeId(node), what: What::Decided(decision) }
    }

    /// vm (1) asks a far machine (4) through a NAT (2) and a switch (3) with another machine (5) at it; it answers.
    fn ping() -> (FrameLog, Outcomes) {
        let (mut log, mut outcomes) = (FrameLog::default(), Outcomes::default());
        let (vm, nat, far) = ([10, 0, 2, 15], [192, 168, 0, 111], [8, 8, 8, 8]);
        put(&mut log, 10, (1, None), [1, 2], &packet(vm, far, 64, 8));
        put(&mut log, 20, (2, Some(1)), [2, 3], &packet(nat, far, 63, 8));
        put(&mut log, 30, (2, Some(1)), [3, 4], &packet(nat, far, 63, 8));
        put(&mut log, 31, (2, Some(1)), [3, 5], &packet(nat, far, 63, 8));
        put(&mut log, 40, (3, None), [4, 3], &packet(far, nat, 64, 0));
        put(&mut log, 50, (3, None), [3, 2], &packet(far, nat, 64, 0));
        put(&mut log, 60, (4, Some(3)), [2, 1], &packet(far, vm, 63, 0));
        outcomes.push(Some(FrameId(1)), decided(2, 12, Decision::WaitsForNeighbour { next_hop: "x".into() }));
        outcomes.push(Some(FrameId(2)), decided(4, 35, Decision::Delivered { socket: None, to: "kernel".into() }));
        let dropped = What::Dropped(DropReason::NotForThisMac);
        outcomes.push(
            Some(FrameId(2)),
            Outcome { seq: 35, time: SimTime::from_millis(35), node: NodeId(5), what: dropped },
        );
        outcomes.push(Some(FrameId(4)), decided(1, 65, Decision::Delivered { socket: None, to: "ping".into() }));
        (log, outcomes)
    }

    #[test]
    fn a_packet_is_followed_from_any_of_its_cables_across_a_nat() {
        let (log, outcomes) = ping();
        for seq in [10, 20, 30] {
            let way = way(&log, &outcomes, &LabView::default(), log.get(seq).unwrap());
            assert_eq!(way.steps.iter().map(|step| step.entry.seq).collect::<Vec<_>>(), [10, 20, 30, 31]);
            assert_eq!(way.steps.iter().map(|step| step.main).collect::<Vec<_>>(), [true, true, true, false]);
            let names: Vec<_> = way.steps[1].changed.iter().map(|change| change.name).collect();
            assert_eq!(names, ["src-mac", "dst-mac", "src-ip", "ttl"]);
            assert_eq!(way.steps[1].waited, Some(Duration::from_millis(8)));
            assert_eq!((way.question, way.answer), (None, Some(40)));
            assert_eq!(way.crossings().len(), 1);
        }
    }

    #[test]
    fn an_answer_knows_its_question_and_ends_at_the_asker() {
        let (log, outcomes) = ping();
        let way = way(&log, &outcomes, &LabView::default(), log.get(60).unwrap());
        assert_eq!((way.question, way.answer), (Some(30), None));
        let last = way.steps.last().unwrap();
        assert!(matches!(&last.after[..], [Outcome { node: NodeId(1), .. }]));
    }
}
