//! From lab time to the track's pixels and back: where something happens there is room, silence is short, order is kept.
//! Plain logic, no Yew.

use core::time::Duration;

use netmodes_core::time::SimTime;

use crate::store::exchange::{Exchange, Timeline};

/// Room that an exchange has at least, in pixels at zoom 1.
const EXCHANGE_LEAST: f64 = 30.0;
/// Room that an exchange's name may ask for.
const EXCHANGE_MOST: f64 = 150.0;
/// Room for background noise.
const NOISE: f64 = 9.0;
/// Pixels of one character of a name, about.
const CHAR: f64 = 7.0;
/// Silence of this length gets a mark of its own.
const GAP: Duration = Duration::from_secs(60);

/// The scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Instants with their pixels, both growing.
    knots: Vec<(SimTime, f64)>,
    /// Room after the last instant.
    tail: f64,
}

/// A block on the track.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Which exchange, by its place in the timeline.
    pub index: usize,
    /// Left edge, in pixels.
    pub x: f64,
    /// Width.
    pub w: f64,
    /// Which lane, from 0.
    pub lane: usize,
}

/// How wide a stretch of time is at zoom 1: the decades of its length.
fn pixels(gap: Duration) -> f64 {
    let units = gap.as_nanos() as f64 / 20_000.0;
    if units <= 0.0 { 0.0 } else { 1.5 + 7.0 * (1.0 + units).log10() }
}

/// Room for a name. What runs by itself in every network needs none.
fn room(exchange: &Exchange) -> f64 {
    if exchange.proto.contains("v6") {
        return NOISE;
    }
    (label(exchange).chars().count() as f64 * CHAR + 14.0).clamp(EXCHANGE_LEAST, EXCHANGE_MOST)
}

/// The name on a block, with how often it was asked when that is more than once.
pub fn label(exchange: &Exchange) -> String {
    if exchange.turns > 1 && exchange.title.starts_with("ping ") {
        format!("{} ×{}", exchange.title, exchange.turns)
    } else {
        exchange.title.to_string()
    }
}

impl Scale {
    /// Of a timeline from `first` to `now`, with `inputs` on it.
    pub fn new(timeline: &Timeline, inputs: &[SimTime], first: SimTime, now: SimTime, zoom: f64) -> Self {
        let mut instants: Vec<SimTime> = Vec::with_capacity(timeline.beats.len() + timeline.exchanges.len() * 2 + 64);
        instants.extend([first, now]);
        instants.extend(&timeline.beats);
        instants.extend(timeline.exchanges.iter().flat_map(|exchange| [exchange.start, exchange.end]));
        instants.extend(timeline.drops.iter().map(|mark| mark.time));
        instants.extend(inputs);
        instants.retain(|at| *at >= first && *at <= now);
        instants.sort_unstable();
        instants.dedup();
        // Where exchanges need more room for their names than their time has.
        let mut at = vec![0.0; instants.len()];
        for index in 1..instants.len() {
            at[index] = at[index - 1] + pixels(instants[index].since(instants[index - 1])) * zoom;
        }
        let place = |time: &SimTime| instants.binary_search(time).unwrap_or_else(|at| at.min(instants.len() - 1));
        let mut extra = vec![0.0_f64; instants.len()];
        for exchange in &timeline.exchanges {
            let (from, to) = (place(&exchange.start), place(&exchange.end));
            let lacks = room(exchange) * zoom.min(1.0) - (at[to] - at[from]);
            extra[to] = extra[to].max(lacks);
        }
        // The last name has its room after all instants.
        let tail = extra.last().copied().unwrap_or(0.0);
        let mut shift = 0.0;
        let knots = instants.iter().zip(at).zip(extra).map(|((time, x), extra)| {
            let knot = (*time, x + shift);
            shift += extra;
            knot
        });
        Self { knots: knots.collect(), tail }
    }

    /// Its whole width.
    pub fn width(&self) -> f64 {
        self.knots.last().map_or(0.0, |knot| knot.1) + self.tail
    }

    /// Where an instant is.
    pub fn x(&self, time: SimTime) -> f64 {
        let after = self.knots.partition_point(|knot| knot.0 < time);
        let Some(to) = self.knots.get(after) else { return self.knots.last().map_or(0.0, |knot| knot.1) };
        let Some(from) = after.checked_sub(1).and_then(|at| self.knots.get(at)) else { return to.1 };
        let whole = to.0.since(from.0).as_nanos() as f64;
        let part = time.since(from.0).as_nanos() as f64;
        if whole > 0.0 { from.1 + (to.1 - from.1) * part / whole } else { to.1 }
    }

    /// Which instant is at a place.
    pub fn time(&self, x: f64) -> SimTime {
        let after = self.knots.partition_point(|knot| knot.1 < x);
        let Some(to) = self.knots.get(after) else { return self.knots.last().map_or(SimTime::ZERO, |knot| knot.0) };
        let Some(from) = after.checked_sub(1).and_then(|at| self.knots.get(at)) else { return to.0 };
        let whole = to.1 - from.1;
        let part = if whole > 0.0 { ((x - from.1) / whole).clamp(0.0, 1.0) } else { 1.0 };
        from.0 + Duration::from_nanos((to.0.since(from.0).as_nanos() as f64 * part) as u64)
    }

    /// Long silences in sight: their middle, and how long they are.
    pub fn gaps(&self, from: f64, to: f64) -> impl Iterator<Item = (f64, Duration)> {
        let begin = self.knots.partition_point(|knot| knot.1 < from).saturating_sub(1);
        self.knots[begin..]
            .windows(2)
            .take_while(move |pair| pair[0].1 <= to)
            .map(|pair| ((pair[0].1 + pair[1].1) / 2.0, pair[1].0.since(pair[0].0)))
            .filter(|(_, length)| *length >= GAP)
    }

    /// All blocks, each in the first lane that is free there.
    pub fn place(&self, timeline: &Timeline, lanes: usize) -> Vec<Placed> {
        let mut ends = vec![f64::MIN; lanes.max(1)];
        let place = |(index, exchange): (usize, &std::rc::Rc<Exchange>)| {
            let x = self.x(exchange.start);
            let w = (self.x(exchange.end) - x).max(room(exchange).min((self.width() - x).max(6.0)));
            let free = ends.iter().position(|end| *end <= x + 0.5);
            let lane = free.unwrap_or_else(|| {
                let least = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
                ends.iter().enumerate().min_by(least).map_or(0, |(lane, _)| lane)
            });
            ends[lane] = ends[lane].max(x + w + 2.0);
            Placed { index, x, w, lane }
        };
        timeline.exchanges.iter().enumerate().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FrameEntry;
    use netmodes_core::event::{FrameBytes, FrameSent};
    use netmodes_core::id::{FrameId, LinkId, NodeId, Port};

    fn sent(frame: u64, bytes: &[u8]) -> FrameSent {
        FrameSent {
            link: LinkId(1),
            from: Port::new(NodeId(1), 0),
            to: Port::new(NodeId(2), 0),
            frame: FrameId(frame),
            parent: None,
            arrives: None,
            bytes: FrameBytes(bytes.into()),
        }
    }

    fn timeline(millis: &[u64]) -> Timeline {
        let mut timeline = Timeline::default();
        for (index, at) in millis.iter().enumerate() {
            let mut arp = vec![0; 42];
            arp[12..14].copy_from_slice(&[8, 6]);
            arp[21] = 1;
            (arp[40], arp[41]) = ((index >> 8) as u8, index as u8);
            let seq = index as u64 + 1;
            timeline.push(&FrameEntry::new(seq, SimTime::from_millis(*at), sent(seq, &arp)), "vm1");
        }
        timeline
    }

    const WEEK: u64 = 604_800_000;

    #[test]
    fn order_is_kept_and_a_week_of_silence_is_short() {
        let timeline = timeline(&[0, 10, 1_000, 1_000 + WEEK, 1_020 + WEEK]);
        let scale = Scale::new(&timeline, &[], SimTime::ZERO, SimTime::from_millis(2_000 + WEEK), 1.0);
        let at: Vec<_> = [0, 10, 1_000, 1_000 + WEEK, 1_020 + WEEK].map(|ms| scale.x(SimTime::from_millis(ms))).into();
        assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "{at:?}");
        assert!(at[3] - at[2] < 4.0 * (at[2] - at[1]) && scale.width() < 1_200.0, "{at:?} {}", scale.width());
        let gaps: Vec<_> = scale.gaps(0.0, scale.width()).collect();
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].1.as_secs(), WEEK / 1_000);
        assert!(at[2] < gaps[0].0 && gaps[0].0 < at[3]);
    }

    #[test]
    fn a_place_and_its_instant_are_the_same_place() {
        let timeline = timeline(&[0, 3, 500, 90_000]);
        let scale = Scale::new(&timeline, &[SimTime::from_secs(2)], SimTime::ZERO, SimTime::from_secs(100), 2.0);
        for ms in [0, 1, 3, 400, 2_000, 60_000, 100_000] {
            let time = SimTime::from_millis(ms);
            let there = scale.time(scale.x(time));
            let off = there.since(time).max(time.since(there));
            assert!(off.as_micros() <= 20, "{ms}: {there}");
        }
        assert_eq!(scale.time(-5.0), SimTime::ZERO);
        assert_eq!(scale.time(1e9), SimTime::from_secs(100));
    }

    #[test]
    fn blocks_of_one_lane_do_not_overlap_unless_all_lanes_are_full() {
        let timeline = timeline(&[0, 1, 2_000, 2_001, 9_000]);
        let scale = Scale::new(&timeline, &[], SimTime::ZERO, SimTime::from_secs(10), 1.0);
        let placed = scale.place(&timeline, 2);
        for lane in 0..2 {
            let mine: Vec<_> = placed.iter().filter(|block| block.lane == lane).collect();
            assert!(mine.windows(2).all(|pair| pair[0].x + pair[0].w <= pair[1].x + 0.5), "{placed:?}");
        }
        assert!(placed.iter().all(|block| block.x + block.w <= scale.width() + 0.5));
    }

    #[test]
    fn nothing_at_all_is_a_scale_too() {
        let scale = Scale::new(&Timeline::default(), &[], SimTime::ZERO, SimTime::ZERO, 1.0);
        assert_eq!((scale.width(), scale.x(SimTime::from_secs(1)), scale.time(5.0)), (0.0, 0.0, SimTime::ZERO));
        assert!(scale.gaps(0.0, 9.0).next().is_none() && scale.place(&Timeline::default(), 2).is_empty());
    }
}
