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
/// How long a drop is seen, in milliseconds.
const DROP_MS: f64 = 5_000.0;
/// Marks at once; more are not drawn.
const MARKS_MAX: usize = 400;
/// A mark that would begin later than this is not drawn: the picture must not lag behind the lab for long.
const BACKLOG_MS: f64 = 6_000.0;
/// Frames whose arrival is remembered for what follows them.
const REMEMBERED_MAX: usize = 4_096;
/// Where a mark waits while lab time stands.
const HALF_WAY: f64 = 0.5;

/// A frame on a cable.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The entry in the log.
    pub entry: Rc<FrameEntry>,
    begins: f64,
    ends: f64,
}

/// Something that ended at a node.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Where.
    pub node: NodeId,
    /// Why.
    pub reason: DropReason,
    begins: f64,
}

/// What is on the way now.
#[derive(Clone, Debug, Default)]
pub struct Player {
    marks: VecDeque<Mark>,
    bursts: VecDeque<Burst>,
    arrivals: BTreeMap<FrameId, f64>,
    seen: u64,
}

/// A mark to be drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The entry in the log.
    pub entry: Rc<FrameEntry>,
    /// The cable.
    pub link: LinkId,
    /// The end it came in at.
    pub from: Port,
    /// How far it is, 0 to 1.
    pub progress: f64,
}

/// Drops that say nothing to a student: a card that does not take what is not its own.
const QUIET: [DropReason; 4] =
    [DropReason::NotForThisMac, DropReason::ArpNotForUs, DropReason::UnknownEtherType, DropReason::SamePort];

impl Player {
    /// Takes the entries of the log that came since the last call.
    pub fn take<'a>(&mut self, newest_first: impl Iterator<Item = &'a Rc<FrameEntry>>, clock: &Clock, wall_ms: f64) {
        let new: Vec<_> = newest_first.take_while(|entry| entry.seq > self.seen).take(MARKS_MAX).cloned().collect();
        for entry in new.into_iter().rev() {
            self.seen = entry.seq;
            self.add(entry, clock, wall_ms);
        }
    }

    /// A lab that began anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, entry: Rc<FrameEntry>, clock: &Clock, wall_ms: f64) {
        let sent = &entry.sent;
        let before = self.arrivals.get(&sent.frame).or_else(|| self.arrivals.get(&sent.parent?));
        let begins = before.copied().unwrap_or(0.0).max(wall_ms);
        let lab_ms = sent.arrives.map_or(0.0, |at| {
            let nanos = at.since(entry.time).as_nanos() as f64;
            nanos / (clock.pace.speed_ppm.max(1) as f64)
        });
        let ends = begins + lab_ms.clamp(MARK_MS, 60_000.0);
        if self.arrivals.len() >= REMEMBERED_MAX {
            self.arrivals.pop_first();
        }
        self.arrivals.insert(sent.frame, ends);
        if begins - wall_ms <= BACKLOG_MS && self.marks.len() < MARKS_MAX {
            self.marks.push_back(Mark { entry, begins, ends });
        }
    }

    /// Something was dropped at a node; shown when its frame has got there.
    pub fn dropped(&mut self, frame: Option<FrameId>, node: NodeId, reason: DropReason, wall_ms: f64) {
        if QUIET.contains(&reason) {
            return;
        }
        let begins = frame.and_then(|frame| self.arrivals.get(&frame).copied()).unwrap_or(wall_ms).max(wall_ms);
        if self.bursts.len() >= 16 {
            self.bursts.pop_front();
        }
        self.bursts.push_back(Burst { node, reason, begins });
    }

    /// What is to be drawn at this instant; what is over is forgotten.
    pub fn draw(&mut self, clock: &Clock, wall_ms: f64) -> Vec<Drawn> {
        let stands = !clock.pace.running;
        let mut drawn = Vec::new();
        for mark in &mut self.marks {
            if mark.begins > wall_ms {
                continue;
            }
            let mut progress = (wall_ms - mark.begins) / (mark.ends - mark.begins);
            // While lab time stands, what has not arrived waits half-way.
            let waits = stands && mark.entry.sent.arrives.is_none_or(|at| at > clock.time);
            if waits && progress > HALF_WAY {
                let length = mark.ends - mark.begins;
                mark.begins = wall_ms - HALF_WAY * length;
                mark.ends = mark.begins + length;
                progress = HALF_WAY;
            }
            // What is lost on the way does not get further.
            if mark.entry.sent.arrives.is_none() {
                progress = progress.min(HALF_WAY);
            }
            if progress <= 1.0 {
                let sent = &mark.entry.sent;
                drawn.push(Drawn { entry: mark.entry.clone(), link: sent.link, from: sent.from, progress });
            }
        }
        self.marks.retain(|mark| mark.ends > wall_ms);
        self.bursts.retain(|burst| burst.begins + DROP_MS > wall_ms);
        drawn
    }

    /// Drops to be shown at this instant, and how fresh each is, 1 to 0.
    pub fn bursts(&self, wall_ms: f64) -> impl Iterator<Item = (&Burst, f64)> {
        self.bursts
            .iter()
            .filter(move |burst| burst.begins <= wall_ms)
            .map(move |burst| (burst, 1.0 - (wall_ms - burst.begins) / DROP_MS))
    }

    /// Nothing is on the way.
    pub fn is_idle(&self) -> bool {
        self.marks.is_empty() && self.bursts.is_empty()
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
mod tests {
    use super::*;
    use netmodes_core::event::{FrameBytes, FrameSent};
    use netmodes_core::protocol::Pace;
    use netmodes_core::time::SimTime;

    fn entry(seq: u64, frame: u64, parent: Option<u64>) -> Rc<FrameEntry> {
        let sent = FrameSent {
            link: LinkId(1),
            from: Port::new(NodeId(1), 0),
            to: Port::new(NodeId(2), 0),
            frame: FrameId(frame),
            parent: parent.map(FrameId),
            arrives: Some(SimTime::from_micros(20)),
            bytes: FrameBytes([].into()),
        };
        Rc::new(FrameEntry::new(seq, SimTime::ZERO, sent))
    }

    fn running() -> Clock {
        Clock { pace: Pace { running: true, speed_ppm: 1_000_000 }, ..Clock::default() }
    }

    #[test]
    fn a_rewritten_frame_sets_out_when_the_one_before_it_has_arrived() {
        let mut player = Player::default();
        let log = [entry(1, 1, None), entry(2, 2, Some(1))];
        player.take(log.iter().rev(), &running(), 1_000.0);
        let on_way =
            |player: &mut Player, at| player.draw(&running(), at).iter().map(|d| d.entry.seq).collect::<Vec<_>>();
        assert_eq!(on_way(&mut player, 1_100.0), [1]);
        assert_eq!(on_way(&mut player, 1_000.0 + MARK_MS + 100.0), [2]);
        assert_eq!(on_way(&mut player, 1_000.0 + 2.0 * MARK_MS + 1.0), [0u64; 0]);
        assert!(player.is_idle());
    }

    #[test]
    fn while_lab_time_stands_a_frame_waits_half_way() {
        let mut player = Player::default();
        player.take([entry(1, 1, None)].iter(), &Clock::default(), 0.0);
        player.draw(&Clock::default(), 10_000.0);
        let drawn = player.draw(&Clock::default(), 20_000.0);
        assert_eq!(drawn.first().map(|mark| mark.progress), Some(HALF_WAY));
    }

    #[test]
    fn with_less_motion_a_mark_leaps_once() {
        let places: std::collections::BTreeSet<_> =
            (0..=10).map(|i| (leap(f64::from(i) / 10.0) * 10.0) as i32).collect();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), [1, 5, 9]);
    }

    #[test]
    fn an_entry_is_taken_once() {
        let mut player = Player::default();
        let log = [entry(1, 1, None)];
        player.take(log.iter(), &running(), 0.0);
        player.take(log.iter(), &running(), 0.0);
        assert_eq!(player.draw(&running(), 1.0).len(), 1);
    }
}
