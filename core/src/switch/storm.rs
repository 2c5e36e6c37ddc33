//! Storm control: frames that come round in a loop of cables are noticed, counted, slowed down and bounded.
//!
//! A frame keeps its identity from cable to cable until a router rewrites it, so a switch that is to flood a frame which
//! it has flooded before is in a loop: there is no other way. Only such frames are counted and bounded, however many
//! others there are. (A real switch cannot know this; its storm control counts broadcasts a second and cuts all off.)
//!
//! They wait for their turn, as in a switch whose ports are all busy with them, so the storm goes on, at a pace that can
//! be watched; when too many wait, the next is dropped.

use core::time::Duration;
use std::collections::VecDeque;

use crate::id::FrameId;
use crate::time::SimTime;

/// How many of the frames flooded last are remembered. Numbers are given in order, so this covers the last 1,024
/// frames of the lab without two of them meeting.
const REMEMBERED: usize = 1_024;
/// So many frames that came back, with pauses of less than [`QUIET`], are a storm: a broadcast that runs round three
/// switches at 50 µs a cable gets there in a few milliseconds.
const RETURNED_MIN: u32 = 32;
/// A storm is over when no frame has come back for so long.
const QUIET: Duration = Duration::from_secs(1);
/// So much may be sent at once before the first frame waits.
const RESERVE: Duration = Duration::from_millis(50);
/// Frames that may wait at one switch.
const WAITING_MAX: usize = 64;

/// Storm control of one switch.
#[derive(Clone, Debug)]
pub(super) struct Storm {
    /// Copies a second of frames that came back.
    rate: u32,
    flooded: Vec<u64>,
    /// When all copies that were let go so far would have left, one after the other.
    busy_until: SimTime,
    /// Frames that wait: each comes again at its instant. No two have the same.
    waiting: VecDeque<(SimTime, FrameId)>,
    /// Since when frames have been coming back without a pause.
    episode: Option<Episode>,
    /// To be said: so many had come back.
    news: Option<u32>,
    dropped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    returned: u32,
    last: SimTime,
    /// When to look whether it is over; never later than it is.
    look: SimTime,
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go on.
    Pass,
    /// It has been here before, and has to come again at this instant.
    Wait(SimTime),
    /// It has been here before, and too many wait already.
    Drop,
}

impl Storm {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: rate.max(10),
            flooded: Vec::new(),
            busy_until: SimTime::ZERO,
            waiting: VecDeque::new(),
            episode: None,
            news: None,
            dropped: 0,
        }
    }

    /// Whether frames have been coming back without a pause: then those that are not flooded are looked at too.
    #[inline]
    pub(super) const fn is_episode(&self) -> bool {
        self.episode.is_some()
    }

    /// Whether it is a storm.
    pub(super) fn is_storm(&self) -> bool {
        self.episode.is_some_and(|episode| episode.returned >= RETURNED_MIN)
    }

    /// Frames dropped: a sample.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Looks at a frame that is about to be sent on in so many copies.
    pub(super) fn look_at(&mut self, now: SimTime, frame: FrameId, copies: u32) -> Verdict {
        if self.flooded.get(slot(frame)) != Some(&frame.0) {
            return Verdict::Pass;
        }
        // One whose cable was cut in the meantime does not come.
        while self.waiting.pop_front_if(|(at, _)| *at < now).is_some() {}
        if self.waiting.pop_front_if(|front| *front == (now, frame)).is_some() {
            return Verdict::Pass;
        }
        let episode = self.episode.get_or_insert(Episode { returned: 0, last: now, look: now + QUIET });
        episode.returned = episode.returned.saturating_add(1);
        episode.last = now;
        if episode.returned == RETURNED_MIN {
            self.news = Some(RETURNED_MIN);
        }
        if self.waiting.len() >= WAITING_MAX {
            self.dropped += 1;
            return Verdict::Drop;
        }
        let start = self.busy_until.max(now);
        let cost = u64::from(copies.max(1)) * 1_000_000_000 / u64::from(self.rate);
        self.busy_until = start + Duration::from_nanos(cost);
        let wait = start.since(now).saturating_sub(RESERVE);
        if wait.is_zero() && self.waiting.is_empty() {
            return Verdict::Pass;
        }
        let at = now + wait;
        let after = self.waiting.back().map_or(SimTime::ZERO, |(last, _)| *last + Duration::from_nanos(1));
        let at = at.max(after);
        self.waiting.push_back((at, frame));
        Verdict::Wait(at)
    }

    /// A frame goes on.
    pub(super) fn sent(&mut self, frame: FrameId) {
        if self.flooded.is_empty() {
            self.flooded = vec![0; REMEMBERED];
        }
        if let Some(place) = self.flooded.get_mut(slot(frame)) {
            *place = frame.0;
        }
    }

    /// When [`Storm::handle_timeout`] may have something to do.
    pub(super) fn next_wakeup(&self) -> Option<SimTime> {
        self.episode.map(|episode| episode.look)
    }

    /// Ends the episode if it is over; whether it was a storm.
    pub(super) fn handle_timeout(&mut self, now: SimTime) -> bool {
        let Some(episode) = self.episode.as_mut().filter(|episode| episode.look <= now) else { return false };
        episode.look = episode.last + QUIET;
        if episode.look > now {
            return false;
        }
        let storm = self.is_storm();
        self.episode = None;
        storm
    }

    /// A storm has begun: how many frames had come back by then.
    pub(super) fn take_news(&mut self) -> Option<u32> {
        self.news.take()
    }
}

/// Frame numbers begin at 1, so that 0 is nobody's.
const fn slot(frame: FrameId) -> usize {
    frame.0 as usize % REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames come in one after the other; one that waits comes again. How many have gone on.
    fn play(storm: &mut Storm, frames: impl Iterator<Item = (SimTime, u64)>) -> u32 {
        let mut due: std::collections::BTreeSet<_> = (0..).zip(frames).map(|(n, (at, frame))| (at, n, frame)).collect();
        let mut passed = 0;
        while let Some((now, n, frame)) = due.pop_first() {
            match storm.look_at(now, FrameId(frame), 2) {
                Verdict::Pass => {
                    storm.sent(FrameId(frame));
                    passed += 1;
                }
                Verdict::Wait(at) => {
                    due.insert((at, n, frame));
                }
                Verdict::Drop => {}
            }
        }
        passed
    }

    #[test]
    fn frames_that_pass_once_are_never_bounded() {
        let mut storm = Storm::new(10);
        assert_eq!(play(&mut storm, (1..100_000).map(|frame| (SimTime::ZERO, frame))), 99_999);
        assert!(!storm.is_episode());
    }

    #[test]
    fn a_frame_that_comes_round_is_slowed_down_and_said_once_until_it_is_quiet() {
        let mut storm = Storm::new(1_000);
        // Two seconds of a frame that comes every 101 µs.
        let passed = play(&mut storm, (0..20_000).map(|tick| (SimTime::from_micros(tick * 101), 7)));
        // Two seconds at 500 frames of two copies each, the reserve, and those that waited at the end.
        assert!((1_000..1_120).contains(&passed), "{passed}");
        assert_eq!((storm.take_news(), storm.take_news()), (Some(32), None));
        assert_eq!(u64::from(passed) + storm.dropped(), 20_000);
        assert!(!storm.handle_timeout(SimTime::from_millis(2_500)));
        assert!(storm.handle_timeout(SimTime::from_millis(4_000)));
        assert_eq!(storm.next_wakeup(), None);
    }
}
