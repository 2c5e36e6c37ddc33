//! A cable as marks see it: places at even distances, so that where a mark is costs one look into a table.

use super::{Curve, Point};

/// Places of one track.
const PLACES: usize = 96;
/// What the piece behind the patch panel's words counts, in units: a mark is through in no time.
const HIDDEN_LENGTH: f64 = 26.0;
/// Half of a mark's width and height, in units: so far from what a cable is plugged into marks begin and end, and cover
/// no words there.
const HALF: (f64, f64) = (23.0, 11.0);
/// A mark keeps away from an end by at most so much of the way, in units and as a part of a short cable.
const AWAY_MAX: (f64, f64) = (44.0, 0.42);
/// Points that one curve is measured at.
const STEPS: usize = 24;

/// Places along a cable at even distances, and the part that is out of sight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    places: Vec<Point>,
    hidden: Option<(f64, f64)>,
    /// Shares of the way at which a mark begins, waits and ends.
    stops: [f64; 3],
}

impl Track {
    /// Measures the pieces of a path; the piece `hidden` is out of sight.
    pub fn new(curves: &[Curve], hidden: Option<usize>) -> Self {
        let mut marks: Vec<(f64, Point)> = Vec::with_capacity(curves.len() * STEPS + 1);
        let mut walked = 0.0;
        let mut unseen = None;
        for (at, curve) in curves.iter().enumerate() {
            let length = curve.length().max(1e-6);
            let counts = if hidden == Some(at) { HIDDEN_LENGTH / length } else { 1.0 };
            let begin = walked;
            let mut last = curve.at(0.0);
            marks.push((walked, last));
            for step in 1..=STEPS {
                let point = curve.at(step as f64 / STEPS as f64);
                walked += last.distance(point) * counts;
                marks.push((walked, point));
                last = point;
            }
            if hidden == Some(at) {
                unseen = Some((begin, walked));
            }
        }
        let whole = walked.max(1e-6);
        let mut places = Vec::with_capacity(PLACES);
        let mut next = 0;
        for place in 0..PLACES {
            let far = whole * place as f64 / (PLACES - 1) as f64;
            while next + 1 < marks.len() && marks[next + 1].0 < far {
                next += 1;
            }
            places.push(between(&marks, next, far));
        }
        let hidden = unseen.map(|(a, b)| (a / whole, b / whole));
        // What waits on the way waits where it is seen: half-way, or half-way between panel and what was built.
        let rest = hidden.map_or(0.5, |(_, end)| f64::midpoint(end, 1.0));
        let back: Vec<_> = marks.iter().rev().map(|(far, point)| (whole - far, *point)).collect();
        let (mut begin, mut end) = (away(&marks, whole), away(&back, whole));
        if let Some((from, to)) = hidden {
            // Not into the panel to keep off a box: half-way between them.
            begin = begin.min(from / 2.0);
            end = end.min((1.0 - to) / 2.0);
        }
        Self { places, hidden, stops: [begin, rest, 1.0 - end] }
    }

    /// The place of a mark at `t`, 0 to 1; half of the time is before the place where marks rest. It begins and ends
    /// beside what the cable is plugged into, not on it.
    pub fn at(&self, t: f64) -> Point {
        let share = self.share(t) * (self.places.len().max(1) - 1) as f64;
        let (at, part) = (share as usize, share.fract());
        match (self.places.get(at), self.places.get(at + 1)) {
            (Some(a), Some(b)) => Point::new(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part),
            (Some(a), None) => *a,
            _ => self.places.last().copied().unwrap_or_default(),
        }
    }

    /// How well a mark is seen at `t`: 0 behind the panel's words, 1 elsewhere, with an edge between.
    pub fn seen(&self, t: f64) -> f64 {
        let Some((begin, end)) = self.hidden else { return 1.0 };
        let share = self.share(t);
        let edge = 0.03;
        let outside = (begin - share).max(share - end);
        (outside / edge).clamp(0.0, 1.0)
    }

    fn share(&self, t: f64) -> f64 {
        let t = t.clamp(0.0, 1.0);
        let [begin, rest, end] = self.stops;
        if t <= 0.5 { begin + t * 2.0 * (rest - begin) } else { rest + (t - 0.5) * 2.0 * (end - rest) }
    }
}

/// The share of the way at which a mark has left what the first of these places is plugged into.
fn away(marks: &[(f64, Point)], whole: f64) -> f64 {
    let Some((_, first)) = marks.first() else { return 0.0 };
    let off = |point: &Point| ((point.x - first.x).abs(), (point.y - first.y).abs());
    let level = marks.iter().map(|(_, point)| off(point)).find(|(x, y)| x + y > 0.5).is_none_or(|(x, y)| x >= y);
    let is_clear = |point: &Point| if level { off(point).0 >= HALF.0 } else { off(point).1 >= HALF.1 };
    let far = marks.iter().find(|(far, point)| *far > AWAY_MAX.0 || is_clear(point)).map_or(whole, |(far, _)| *far);
    (far.min(AWAY_MAX.0) / whole).min(AWAY_MAX.1)
}

fn between(marks: &[(f64, Point)], at: usize, far: f64) -> Point {
    match (marks.get(at), marks.get(at + 1)) {
        (Some((from, a)), Some((to, b))) => {
            let part = ((far - from) / (to - from).max(1e-9)).clamp(0.0, 1.0);
            Point::new(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part)
        }
        (Some((_, a)), None) => *a,
        _ => Point::default(),
    }
}
