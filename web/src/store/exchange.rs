//! Exchanges: frames that belong together, under one name: an address handed out, an echo and its replies, a TCP
//! connection, a question for a MAC. A frame belongs where the frame it was rewritten from belongs, else where frames
//! with the same two ends do ([`super::ends`]). Knows neither tables nor pixels.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::drop_reason::DropReason;
use netmodes_core::id::FrameId;
use netmodes_core::time::SimTime;

use super::ends::{Ends, Kind, Seen, see};
use super::{FrameEntry, FrameLog};

/// Exchanges kept; the oldest are forgotten.
const EXCHANGES_MAX: usize = 2_000;
/// Frames whose exchange is remembered for what is made of them.
const FRAMES_MAX: usize = 4_096;
/// Pairs of ends whose exchange is remembered.
const ENDS_MAX: usize = 1_024;
/// Instants of activity; when there are more, every second one goes.
const BEATS_MAX: usize = 1_200;
/// Activity this close together, in microseconds, is one beat at first.
const BEAT_MICROS: u64 = 50_000;
/// Drops marked; when there are more, the oldest go.
const DROPS_MAX: usize = 400;

/// Frames that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its number; grows by one.
    pub id: u32,
    /// The protocol's name.
    pub proto: Rc<str>,
    /// What it is: `ping 8.8.8.8`, `DHCP · vm1`.
    pub title: Rc<str>,
    /// Event number of its first frame.
    pub first: u64,
    /// Event number of its last frame.
    pub last: u64,
    /// When it began.
    pub start: SimTime,
    /// When its last frame was sent.
    pub end: SimTime,
    /// Frames on cables.
    pub frames: u32,
    /// How often its first end asked: echo requests, for a ping.
    pub turns: u32,
    /// One of its frames was dropped for a reason that matters.
    pub failed: bool,
    /// It was closed: what comes next between the same ends is another one.
    closed: bool,
    kind: Kind,
}

/// A drop, to be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropMark {
    /// The number of its event.
    pub seq: u64,
    /// When.
    pub time: SimTime,
    /// Why.
    pub reason: DropReason,
}

/// All exchanges, and where something happened.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Oldest first.
    pub exchanges: VecDeque<Rc<Exchange>>,
    /// Instants at which there was activity, thinned out evenly; oldest first.
    pub beats: Vec<SimTime>,
    /// Drops that matter, oldest first.
    pub drops: VecDeque<DropMark>,
    beat_micros: u64,
    next: u32,
    by_ends: BTreeMap<Ends, u32>,
    by_frame: VecDeque<(FrameId, u32)>,
}

impl Timeline {
    /// A frame was sent. `name` is the sender's.
    pub fn push(&mut self, entry: &FrameEntry, name: &str) {
        let seen = see(entry.bytes());
        self.beat(entry.time);
        let lineage = self.of_frame(entry.sent.frame).or_else(|| self.of_frame(entry.sent.parent?));
        let known = lineage.or_else(|| self.continued(&seen, entry.time));
        let id = match known {
            Some(id) => id,
            None => self.begin(entry, &seen, name),
        };
        self.remember(entry.sent.frame, id);
        self.alias(seen.ends, id);
        // The first cable of a frame that was made for it: not a hop further on, nor a translation.
        let fresh = lineage.is_none();
        if let Some(exchange) = self.get_mut(id) {
            exchange.last = entry.seq;
            exchange.end = exchange.end.max(entry.time);
            exchange.frames = exchange.frames.saturating_add(1);
            exchange.turns += u32::from(fresh && seen.asks);
            exchange.closed |= seen.closes;
            if exchange.kind == seen.kind && known.is_some() && &*exchange.proto == "TCP" && seen.payload {
                let proto = &entry.summary().proto;
                if proto != "TCP" {
                    exchange.proto = proto.as_str().into();
                }
            }
        }
    }

    /// Something was dropped. Reasons that tell a student nothing are left out by the caller.
    pub fn dropped(&mut self, seq: u64, time: SimTime, frame: Option<FrameId>, reason: DropReason) {
        if self.drops.len() >= DROPS_MAX {
            self.drops.pop_front();
        }
        self.drops.push_back(DropMark { seq, time, reason });
        if let Some(exchange) = frame.and_then(|frame| self.of_frame(frame)).and_then(|id| self.get_mut(id)) {
            exchange.failed = true;
        }
    }

    /// The exchange that the frame of this event belongs to, or the last one that had begun by then.
    pub fn at(&self, seq: u64) -> Option<&Rc<Exchange>> {
        let begun = self.exchanges.partition_point(|exchange| exchange.first <= seq);
        let before = self.exchanges.range(..begun).rev();
        before.clone().find(|exchange| exchange.last >= seq).or_else(|| before.max_by_key(|exchange| exchange.last))
    }

    /// The first exchange that begins after event `seq`.
    pub fn after(&self, seq: u64) -> Option<&Rc<Exchange>> {
        self.exchanges.get(self.exchanges.partition_point(|exchange| exchange.first <= seq))
    }

    /// The last exchange that begins before event `seq`.
    pub fn before(&self, seq: u64) -> Option<&Rc<Exchange>> {
        let count = self.exchanges.partition_point(|exchange| exchange.first < seq);
        self.exchanges.get(count.checked_sub(1)?)
    }

    /// Forgets what happened after event `seq`, at `time`. `log` has the frames up to there: exchanges that were going on
    /// are built anew from it. `name` names a frame's sender.
    pub fn cut(&mut self, seq: u64, time: SimTime, log: &FrameLog, name: impl Fn(&FrameEntry) -> String) {
        self.beats.retain(|beat| *beat <= time);
        self.drops.retain(|mark| mark.seq <= seq);
        let begun = self.exchanges.partition_point(|exchange| exchange.first <= seq);
        self.exchanges.truncate(begun);
        self.by_ends.clear();
        self.by_frame.clear();
        // What was going on, or may go on: those that end after the cut, or shortly before it.
        let open = |exchange: &Rc<Exchange>| exchange.last > seq;
        let Some(from) = self.exchanges.iter().find(|exchange| open(exchange)).map(|exchange| exchange.first) else {
            return;
        };
        let again: Vec<_> =
            log.iter().skip_while(|entry| entry.seq < from).take_while(|e| e.seq <= seq).cloned().collect();
        if again.first().is_none_or(|entry| entry.seq > from) {
            // The log does not reach so far back: they stay, shortened.
            for exchange in self.exchanges.iter_mut().filter(|exchange| open(exchange)) {
                let exchange = Rc::make_mut(exchange);
                (exchange.last, exchange.end) = (seq, exchange.end.min(time));
            }
            return;
        }
        let failed: Vec<_> = self.exchanges.iter().filter(|e| e.failed).map(|e| e.first).collect();
        let keep = self.exchanges.partition_point(|exchange| exchange.first < from);
        self.exchanges.truncate(keep);
        self.next = self.exchanges.back().map_or(0, |exchange| exchange.id + 1);
        for entry in again {
            self.push(&entry, &name(&entry));
        }
        for exchange in self.exchanges.iter_mut().skip(keep).filter(|e| failed.contains(&e.first)) {
            Rc::make_mut(exchange).failed = true;
        }
    }

    fn begin(&mut self, entry: &FrameEntry, seen: &Seen, name: &str) -> u32 {
        let id = self.next;
        self.next += 1;
        if self.exchanges.len() >= EXCHANGES_MAX {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(Rc::new(Exchange {
            id,
            proto: entry.summary().proto.as_str().into(),
            title: seen.title(entry, name).into(),
            first: entry.seq,
            last: entry.seq,
            start: entry.time,
            end: entry.time,
            frames: 0,
            turns: 0,
            failed: false,
            closed: false,
            kind: seen.kind,
        }));
        id
    }

    /// The exchange between the same ends, if this frame can still belong to it.
    fn continued(&self, seen: &Seen, time: SimTime) -> Option<u32> {
        let id = *self.by_ends.get(&seen.ends)?;
        let exchange = self.get(id)?;
        let late = time.since(exchange.end) > seen.kind.patience();
        (!(late || exchange.closed && seen.opens)).then_some(id)
    }

    fn beat(&mut self, time: SimTime) {
        let gap = self.beat_micros.max(BEAT_MICROS);
        if self.beats.last().is_some_and(|last| time.as_micros() < last.as_micros() + gap) {
            return;
        }
        self.beats.push(time);
        if self.beats.len() > BEATS_MAX {
            let mut keep = false;
            self.beats.retain(|_| {
                keep = !keep;
                keep
            });
            self.beat_micros = gap * 2;
        }
    }

    fn get(&self, id: u32) -> Option<&Rc<Exchange>> {
        let first = self.exchanges.front()?.id;
        self.exchanges.get(id.checked_sub(first)? as usize)
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Exchange> {
        let first = self.exchanges.front()?.id;
        self.exchanges.get_mut(id.checked_sub(first)? as usize).map(Rc::make_mut)
    }

    /// The exchange that a frame belongs to, as far back as that is remembered.
    pub fn of(&self, frame: FrameId) -> Option<&Rc<Exchange>> {
        self.of_frame(frame).and_then(|id| self.get(id))
    }

    fn of_frame(&self, frame: FrameId) -> Option<u32> {
        let at = self.by_frame.binary_search_by_key(&frame, |(frame, _)| *frame).ok()?;
        self.by_frame.get(at).map(|(_, id)| *id)
    }

    fn remember(&mut self, frame: FrameId, id: u32) {
        match self.by_frame.binary_search_by_key(&frame, |(frame, _)| *frame) {
            Ok(_) => {}
            Err(at) => self.by_frame.insert(at, (frame, id)),
        }
        if self.by_frame.len() > FRAMES_MAX {
            self.by_frame.pop_front();
        }
    }

    fn alias(&mut self, ends: Ends, id: u32) {
        self.by_ends.insert(ends, id);
        if self.by_ends.len() > ENDS_MAX {
            let oldest = self.exchanges.back().map_or(0, |exchange| exchange.id.saturating_sub(ENDS_MAX as u32 / 2));
            self.by_ends.retain(|_, id| *id >= oldest);
        }
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
