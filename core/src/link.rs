//! One cable with two directions: delay, rate, queue, loss.
//!
//! Owns when a frame that is put in at one end comes out at the other, or why it does not. Must not know frames'
//! contents, ends, or carrier: who plugs cables decides whether there is one to transmit on.

use core::time::Duration;
use std::collections::VecDeque;

use crate::drop_reason::DropReason;
use crate::limits;
use crate::rng::Rng;
use crate::time::SimTime;

/// What a frame takes on the wire besides its bytes: preamble and start delimiter 8, FCS 4, gap between frames 12
/// (IEEE 802.3 3.1.1 and 4.4.2).
const OVERHEAD_BYTES: u64 = 8 + 4 + 12;
/// The shortest frame without its FCS; the card pads what is shorter (IEEE 802.3 4.2.3.3).
const SHORTEST_BYTES: u64 = 60;

/// What a cable is like; the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// One-way delay.
    pub delay: Duration,
    /// A frame takes up to so much longer; how much, the link's random stream decides.
    pub jitter: Duration,
    /// Bits per second; none (or 0) for no limit.
    pub rate_bps: Option<u64>,
    /// Frames lost of a million.
    pub loss_ppm: u32,
    /// Frames that may wait in one direction, besides the one being sent. Only a link with a rate has a queue.
    pub queue_frames: usize,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(5),
            jitter: Duration::ZERO,
            rate_bps: None,
            loss_ppm: 0,
            queue_frames: limits::LINK_QUEUE_FRAMES_MAX,
        }
    }
}

/// Which way along a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From end A to end B.
    AtoB,
    /// From end B to end A.
    BtoA,
}

/// What becomes of a frame put on a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Its last bit comes out at the other end then.
    Arrives(SimTime),
    /// Sent, and lost on the way.
    Lost(DropReason),
    /// Never sent: the queue is full.
    Refused(DropReason),
}

/// One direction.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// When the last bit of each frame that is not yet sent leaves; the first is being sent, the others wait. Empty
    /// on a link without a rate.
    departures: VecDeque<SimTime>,
    /// The last frame's arrival: a shorter delay from now on must not let a frame overtake it.
    last_arrival: SimTime,
}

/// A cable.
#[derive(Clone, Debug)]
pub struct Link {
    config: LinkConfig,
    rng: Rng,
    a_to_b: Lane,
    b_to_a: Lane,
}

impl Link {
    /// A new cable; `rng` decides which frames are lost ([`crate::rng::Purpose::LinkLoss`]).
    pub fn new(config: LinkConfig, rng: Rng) -> Self {
        let config = LinkConfig { queue_frames: config.queue_frames.min(limits::LINK_QUEUE_FRAMES_MAX), ..config };
        Self { config, rng, a_to_b: Lane::default(), b_to_a: Lane::default() }
    }

    /// What the cable is like.
    pub const fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// Changes what the cable is like for frames from now on; those on their way arrive as foreseen.
    pub fn set_config(&mut self, config: LinkConfig) {
        self.config = LinkConfig { queue_frames: config.queue_frames.min(limits::LINK_QUEUE_FRAMES_MAX), ..config };
    }

    /// Whether a frame comes out at the instant it is put in. Only TAP paths may be like this: simulated links have
    /// at least 1 µs of delay, or a loop would never let time pass.
    pub fn is_instant(&self) -> bool {
        self.config.delay.is_zero() && self.config.jitter.is_zero() && self.rate_bps().is_none()
    }

    /// Puts a frame of `bytes` bytes (without FCS) on the cable. `now` must not go back from call to call.
    ///
    /// Frames of one direction never overtake each other. A lost frame has taken its time on the wire all the same.
    pub fn transmit(&mut self, now: SimTime, direction: Direction, bytes: usize) -> Transmit {
        let lane = match direction {
            Direction::AtoB => &mut self.a_to_b,
            Direction::BtoA => &mut self.b_to_a,
        };
        let departure = match self.config.rate_bps.filter(|rate| *rate > 0) {
            None => now,
            Some(rate) => {
                while lane.departures.front().is_some_and(|at| *at <= now) {
                    lane.departures.pop_front();
                }
                if lane.departures.len() > self.config.queue_frames {
                    return Transmit::Refused(DropReason::LinkQueueFull);
                }
                let start = lane.departures.back().copied().unwrap_or(now);
                let departure = start + serialisation(bytes, rate);
                lane.departures.push_back(departure);
                departure
            }
        };
        if self.rng.one_in_million(self.config.loss_ppm) {
            return Transmit::Lost(DropReason::LinkLoss);
        }
        let arrival = (departure + self.config.delay + self.rng.duration(self.config.jitter)).max(lane.last_arrival);
        lane.last_arrival = arrival;
        Transmit::Arrives(arrival)
    }

    /// Frames that wait or are being sent in `direction` at `now`: a sample.
    pub fn queued(&self, now: SimTime, direction: Direction) -> usize {
        let lane = match direction {
            Direction::AtoB => &self.a_to_b,
            Direction::BtoA => &self.b_to_a,
        };
        lane.departures.len() - lane.departures.partition_point(|at| *at <= now)
    }

    fn rate_bps(&self) -> Option<u64> {
        self.config.rate_bps.filter(|rate| *rate > 0)
    }
}

/// How long a frame takes from its first bit to its last, in whole nanoseconds, rounded up.
fn serialisation(bytes: usize, rate_bps: u64) -> Duration {
    let bits = (bytes as u64).max(SHORTEST_BYTES).saturating_add(OVERHEAD_BYTES).saturating_mul(8);
    Duration::from_nanos(bits.saturating_mul(1_000_000_000).div_ceil(rate_bps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;
    use proptest::prelude::*;

    fn link(config: LinkConfig) -> Link {
        Link::new(config, crate::rng::Rng::stream(1, Purpose::LinkLoss, 0))
    }

    #[test]
    fn a_full_frame_at_one_gigabit_takes_12_304_ns_and_the_delay() {
        let mut link = link(LinkConfig { rate_bps: Some(1_000_000_000), ..LinkConfig::default() });
        let sent = link.transmit(SimTime::ZERO, Direction::AtoB, 1_514);
        assert_eq!(sent, Transmit::Arrives(SimTime::from_nanos(12_304 + 5_000)));
        // The other direction does not wait for this one.
        let back = link.transmit(SimTime::ZERO, Direction::BtoA, 1_514);
        assert_eq!(back, sent);
        // The second in the same direction does.
        let second = link.transmit(SimTime::ZERO, Direction::AtoB, 1);
        assert_eq!(second, Transmit::Arrives(SimTime::from_nanos(12_304 + 84 * 8 + 5_000)));
    }

    #[test]
    fn the_queue_holds_as_many_as_it_says_and_then_drops_the_last() {
        let config = LinkConfig { rate_bps: Some(1_000_000), queue_frames: 3, ..LinkConfig::default() };
        let mut link = link(config);
        let results: Vec<_> = (0..5).map(|_| link.transmit(SimTime::ZERO, Direction::AtoB, 1_000)).collect();
        // One on the wire, three waiting, the fifth refused.
        assert!(results[..4].iter().all(|r| matches!(r, Transmit::Arrives(_))));
        assert_eq!(results[4], Transmit::Refused(DropReason::LinkQueueFull));
        assert_eq!(link.queued(SimTime::ZERO, Direction::AtoB), 4);
        // As soon as the first has left, one more finds room.
        let later = SimTime::from_nanos(1_024 * 8 * 1_000);
        assert_eq!(link.queued(later, Direction::AtoB), 3);
        assert!(matches!(link.transmit(later, Direction::AtoB, 1_000), Transmit::Arrives(_)));
    }

    #[test]
    fn without_a_rate_there_is_no_queue() {
        let mut link = link(LinkConfig { queue_frames: 0, ..LinkConfig::default() });
        for _ in 0..10_000 {
            let sent = link.transmit(SimTime::ZERO, Direction::AtoB, 1_514);
            assert_eq!(sent, Transmit::Arrives(SimTime::from_micros(5)));
        }
    }

    #[test]
    fn only_a_link_without_delay_and_rate_is_instant() {
        let none = LinkConfig { delay: Duration::ZERO, ..LinkConfig::default() };
        assert!(link(none).is_instant());
        assert!(!link(LinkConfig::default()).is_instant());
        assert!(!link(LinkConfig { rate_bps: Some(1), ..none }).is_instant());
    }

    #[test]
    fn jitter_makes_frames_late_by_any_time_up_to_it_and_never_out_of_order() {
        let jitter = Duration::from_micros(100);
        let mut link = link(LinkConfig { jitter, ..LinkConfig::default() });
        let mut late = Vec::new();
        let mut last = SimTime::ZERO;
        for tick in 0..1_000 {
            let now = SimTime::from_millis(tick);
            let Transmit::Arrives(at) = link.transmit(now, Direction::AtoB, 64) else { panic!("lost") };
            assert!(at >= last);
            last = at;
            late.push(at.since(now) - Duration::from_micros(5));
        }
        assert!(late.iter().all(|late| *late <= jitter));
        assert!(late.iter().any(|late| *late < jitter / 10) && late.iter().any(|late| *late > jitter * 9 / 10));
    }

    #[test]
    fn about_as_many_are_lost_as_the_loss_says() {
        let mut link = link(LinkConfig { loss_ppm: 100_000, ..LinkConfig::default() });
        let lost = (0..10_000)
            .filter(|_| link.transmit(SimTime::ZERO, Direction::AtoB, 64) == Transmit::Lost(DropReason::LinkLoss))
            .count();
        assert!((800..1_200).contains(&lost), "{lost}");
    }

    proptest! {
        #[test]
        fn frames_never_overtake_each_other(
            sends in proptest::collection::vec((0_u64..20_000, 0_usize..70_000, 0_u64..50, 0_u64..3), 1..200)
        ) {
            let mut link = link(LinkConfig::default());
            let mut now = SimTime::ZERO;
            let mut last = SimTime::ZERO;
            for (wait, bytes, delay, rate) in sends {
                now += Duration::from_nanos(wait);
                let rate_bps = (rate > 0).then(|| rate * 100_000_000);
                link.set_config(LinkConfig { delay: Duration::from_micros(delay), rate_bps, ..LinkConfig::default() });
                if let Transmit::Arrives(at) = link.transmit(now, Direction::AtoB, bytes) {
                    prop_assert!(at >= now && at >= last);
                    last = at;
                }
            }
        }
    }
}
