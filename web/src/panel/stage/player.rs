//! Which marks are on the way, and how far: plain logic, no Yew.
//!
//! Lab time is too quick for eyes: at real time a frame crosses a cable in microseconds. So every mark takes at least
//! [`MARK_MS`] of the wall's time, and begins when the one before it (the same frame on its last cable, or the frame it
//! was rewritten from) has arrived. Where lab time runs slower than that, lab time leads.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::drop_reason::DropReason;
use netmodes_core::id::{FrameId, LinkId, NodeId, Port};

use crate::store::{Clock, FrameEntry};

/// How long a mark is on its cable at least, in milliseconds.
const MARK_MS: f64 = 420.0;
/// How long it is on the way between a NAT engine and the host's own stack.
const INNER_MS: f64 = 260.0;
/// How long a drop is seen, in milliseconds.
pub(super) const DROP_MS: f64 = 5_000.0;
/// Marks at once; more are not drawn.
const MARKS_MAX: usize = 2_400;
/// Drops at once.
const BURSTS_MAX: usize = 12;
/// A mark that would begin later than this is not drawn: the picture must not lag behind the lab for long.
const BACKLOG_MS: f64 = 6_000.0;
/// Frames whose arrival is remembered for what follows them.
const REMEMBERED_MAX: usize = 4_096;
/// Where a mark waits while lab time stands.
const HALF_WAY: f64 = 0.5;
/// How long a mark of an earlier instant is on its cable, in milliseconds: for good.
const STANDS_MS: f64 = 1e12;

/// What travels: a frame of the log, or one of a benchmark.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The number of its event.
    pub seq: u64,
    /// The cable.
    pub link: LinkId,
    /// The end it came in at.
    pub from: Port,
    /// Its protocol's number among [`Player::protos`].
    pub proto: u16,
    /// Background noise: drawn small.
    pub quiet: bool,
    /// Before the cable it crosses the inside of a host, between these two nodes.
    inner: Option<(NodeId, NodeId)>,
    arrives: Option<netmodes_core::time::SimTime>,
    begins: f64,
    ends: f64,
}

/// Something that ended at a node; the same again is counted.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Where.
    pub node: NodeId,
    /// Why.
    pub reason: DropReason,
    /// How often.
    pub times: u32,
    /// When it was seen first and last, in wall milliseconds.
    pub first: f64,
    /// The last time.
    pub last: f64,
    frame: Option<FrameId>,
}

/// Where a frame has got to, and when.
#[derive(Clone, Debug)]
struct Arrival {
    at: f64,
    node: NodeId,
    quiet: bool,
    /// It had arrived elsewhere before: a frame that a switch sent out of several ports.
    others: Vec<(NodeId, f64)>,
}

impl Arrival {
    fn there(&self, node: NodeId) -> Option<f64> {
        if self.node == node { Some(self.at) } else { self.others.iter().find(|(n, _)| *n == node).map(|(_, at)| *at) }
    }
}

/// What is on the way now.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// Names of the protocols seen.
    pub protos: Vec<String>,
    marks: VecDeque<Mark>,
    bursts: VecDeque<Burst>,
    arrivals: BTreeMap<FrameId, Arrival>,
    seen: u64,
}

/// Where a mark is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// On its cable, so far from the end it came in at, 0 to 1.
    Cable(f64),
    /// Inside a host, between these two nodes.
    Inner(NodeId, NodeId, f64),
}

/// Drops that say nothing to a student: a card that does not take what is not its own.
const QUIET: [DropReason; 8] = [
    DropReason::NotForThisMac,
    DropReason::ForAnotherMachine,
    DropReason::PromiscuousDenied,
    DropReason::ArpNotForUs,
    DropReason::UnknownEtherType,
    DropReason::SamePort,
    DropReason::Ipv6NotUsed,
    DropReason::ReservedMulticast,
];

/// Protocols that run by themselves in every network: drawn small.
fn is_noise(proto: &str) -> bool {
    proto.contains("v6") || proto.contains("MLD")
}

impl Player {
    /// Takes the entries of the log that came since the last call.
    pub fn take<'a>(&mut self, newest_first: impl Iterator<Item = &'a Rc<FrameEntry>>, clock: &Clock, wall_ms: f64) {
        let new: Vec<_> = newest_first.take_while(|entry| entry.seq > self.seen).take(MARKS_MAX).cloned().collect();
        for entry in new.into_iter().rev() {
            self.seen = entry.seq;
            self.add(&entry, clock, wall_ms);
        }
    }

    /// An earlier instant is looked at: the frames on their way stand exactly where they were at `at`, and nothing else
    /// moves.
    pub fn stand<'a>(
        &mut self,
        flying: impl Iterator<Item = &'a Rc<FrameEntry>>,
        at: netmodes_core::time::SimTime,
        wall_ms: f64,
    ) {
        self.marks.clear();
        self.bursts.clear();
        self.arrivals.clear();
        for entry in flying.take(MARKS_MAX) {
            let sent = &entry.sent;
            let whole = sent.arrives.map_or(0.0, |arrives| arrives.since(entry.time).as_secs_f64());
            let part = if whole > 0.0 { (at.since(entry.time).as_secs_f64() / whole).min(1.0) } else { HALF_WAY };
            let summary = entry.summary();
            let (proto, quiet) = (self.proto(&summary.proto), is_noise(&summary.proto));
            let begins = wall_ms - part * STANDS_MS;
            let (seq, link, from) = (entry.seq, sent.link, sent.from);
            // It waits for nothing: it is where it is.
            let arrives = Some(netmodes_core::time::SimTime::ZERO);
            let ends = begins + STANDS_MS;
            self.marks.push_back(Mark { seq, link, from, proto, quiet, inner: None, arrives, begins, ends });
        }
    }

    /// The log up to event `seq` is known: nothing of it sets out any more.
    pub fn skip_to(&mut self, seq: u64) {
        *self = Self { seen: seq, protos: core::mem::take(&mut self.protos), ..Self::default() };
    }

    /// The newest event that was taken.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// A lab that began anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, entry: &FrameEntry, clock: &Clock, wall_ms: f64) {
        let sent = &entry.sent;
        let summary = entry.summary();
        let quiet = is_noise(&summary.proto);
        let from = sent.from.node;
        // The same frame where it is sent on from; else the one it was rewritten from, here or inside the same host.
        let own = self.arrivals.get(&sent.frame).and_then(|arrival| arrival.there(from));
        let parent = sent.parent.and_then(|parent| self.arrivals.get(&parent));
        let before = own.or_else(|| parent.map(|arrival| arrival.there(from).unwrap_or(arrival.at)));
        let inner = parent.filter(|arrival| own.is_none() && arrival.there(from).is_none()).map(|a| (a.node, from));
        let begins = before.unwrap_or(0.0).max(wall_ms);
        let lab_ms = sent.arrives.map_or(0.0, |at| {
            let nanos = at.since(entry.time).as_nanos() as f64;
            nanos / (clock.pace.speed_ppm.max(1) as f64)
        });
        let inside = if inner.is_some() { INNER_MS } else { 0.0 };
        let ends = begins + inside + lab_ms.clamp(MARK_MS, 60_000.0);
        self.arrived(sent.frame, sent.to.node, ends, quiet);
        if begins - wall_ms <= BACKLOG_MS && self.marks.len() < MARKS_MAX {
            let proto = self.proto(&summary.proto);
            let (seq, link, from, arrives) = (entry.seq, sent.link, sent.from, sent.arrives);
            self.marks.push_back(Mark { seq, link, from, proto, quiet, inner, arrives, begins, ends });
        }
    }

    fn arrived(&mut self, frame: FrameId, node: NodeId, at: f64, quiet: bool) {
        while self.arrivals.len() >= REMEMBERED_MAX {
            self.arrivals.pop_first();
        }
        match self.arrivals.get_mut(&frame) {
            Some(arrival) => {
                if arrival.others.len() < 64 {
                    arrival.others.push((arrival.node, arrival.at));
                }
                (arrival.node, arrival.at) = (node, at);
            }
            None => {
                self.arrivals.insert(frame, Arrival { at, node, quiet, others: Vec::new() });
            }
        }
    }

    fn proto(&mut self, name: &str) -> u16 {
        let known = self.protos.iter().position(|proto| proto == name);
        let at = known.unwrap_or_else(|| {
            self.protos.push(name.to_owned());
            self.protos.len() - 1
        });
        at as u16
    }

    /// A mark of a benchmark: it is on its cable for so long.
    pub fn push(&mut self, link: LinkId, from: Port, proto: &str, begins: f64, lasts: f64) {
        let proto = self.proto(proto);
        let ends = begins + lasts;
        let mark = Mark {
            seq: 0,
            link,
            from,
            proto,
            quiet: false,
            inner: None,
            arrives: Some(Default::default()),
            begins,
            ends,
        };
        self.marks.push_back(mark);
    }

    /// How many marks there are, on the way or waiting.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Something was dropped at a node; shown when its frame has got there. What is noise is not told, unless it is the
    /// frame that the student has chosen.
    pub fn dropped(&mut self, frame: Option<FrameId>, node: NodeId, reason: DropReason, chosen: bool, wall_ms: f64) {
        let arrival = frame.and_then(|frame| self.arrivals.get(&frame));
        let noise = QUIET.contains(&reason) || arrival.is_some_and(|arrival| arrival.quiet);
        if noise && !chosen {
            return;
        }
        let at = arrival.map(|arrival| arrival.there(node).unwrap_or(arrival.at)).unwrap_or(wall_ms).max(wall_ms);
        let same = |burst: &&mut Burst| burst.node == node && burst.reason == reason && burst.last + DROP_MS > at;
        if let Some(burst) = self.bursts.iter_mut().find(same) {
            // The same drop told twice is not two.
            if frame.is_none() || burst.frame != frame {
                burst.times = burst.times.saturating_add(1);
            }
            burst.last = at;
            burst.frame = frame;
            return;
        }
        if self.bursts.len() >= BURSTS_MAX {
            self.bursts.pop_front();
        }
        self.bursts.push_back(Burst { node, reason, times: 1, first: at, last: at, frame });
    }

    /// Calls `draw` for every mark that is on the way at this instant; what is over is forgotten. Marks are drawn in the
    /// order of the log, noise first, so that it never lies on top.
    pub fn draw(&mut self, clock: &Clock, wall_ms: f64, mut draw: impl FnMut(&Mark, Place)) {
        let stands = !clock.pace.running;
        for mark in &mut self.marks {
            // While lab time stands, what has not arrived waits half-way.
            let waits = stands && mark.arrives.is_none_or(|at| at > clock.time);
            let length = mark.ends - mark.begins;
            if waits && wall_ms - mark.begins > HALF_WAY * length {
                mark.begins = wall_ms - HALF_WAY * length;
                mark.ends = mark.begins + length;
            }
        }
        self.marks.retain(|mark| mark.ends > wall_ms);
        self.bursts.retain(|burst| burst.last + DROP_MS > wall_ms);
        for quiet in [true, false] {
            for mark in self.marks.iter().filter(|mark| mark.quiet == quiet && mark.begins <= wall_ms) {
                draw(mark, mark.place(wall_ms));
            }
        }
    }

    /// Drops to be shown at this instant, oldest first.
    pub fn bursts(&self, wall_ms: f64) -> impl Iterator<Item = &Burst> {
        self.bursts.iter().filter(move |burst| burst.first <= wall_ms)
    }

    /// Nothing is on the way.
    pub fn is_idle(&self) -> bool {
        self.marks.is_empty() && self.bursts.is_empty()
    }

    /// The next repaint would show the same: nothing is on the way, or all that is waits while lab time stands.
    pub fn is_still(&self, clock: &Clock, wall_ms: f64) -> bool {
        let waits = |mark: &Mark| {
            let half = mark.begins + HALF_WAY * (mark.ends - mark.begins);
            let stands = mark.ends - mark.begins >= STANDS_MS / 2.0;
            stands || (mark.arrives.is_none_or(|at| at > clock.time) && wall_ms >= half - 0.5)
        };
        self.is_idle() || (!clock.pace.running && self.bursts.is_empty() && self.marks.iter().all(waits))
    }
}

impl Mark {
    fn place(&self, wall_ms: f64) -> Place {
        let inside = if self.inner.is_some() { INNER_MS } else { 0.0 };
        let passed = wall_ms - self.begins;
        if let Some((a, b)) = self.inner.filter(|_| passed < inside) {
            return Place::Inner(a, b, passed / inside);
        }
        let progress = ((passed - inside) / (self.ends - self.begins - inside).max(1.0)).clamp(0.0, 1.0);
        // What is lost on the way does not get further.
        Place::Cable(if self.arrives.is_none() { progress.min(HALF_WAY) } else { progress })
    }
}

/// For readers who asked for less motion: a mark is near its beginning, then near its end; what waits half-way does so.
pub fn leap(progress: f64) -> f64 {
    match progress {
        p if p < HALF_WAY => 0.1,
        p if p > HALF_WAY => 0.9,
        _ => HALF_WAY,
    }
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
