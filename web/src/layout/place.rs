//! What the parts of the picture are laid out with: columns of boxes, and the picture's measures.

use core::ops::Range;

use super::{Point, Rect, Scene};

/// Around everything.
pub(super) const MARGIN: f64 = 14.0;
/// A column of boxes that is taller than this becomes two.
pub(super) const ROOM: f64 = 600.0;

/// Parts a list of boxes into columns no taller than `room` (one box may be), as few as can be, and as even as can be.
pub(super) fn columns(heights: &[f64], gap: f64, room: f64) -> Vec<Range<usize>> {
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let (mut low, mut high) = (tallest, room.max(tallest));
    let best = fill(heights, gap, high);
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if fill(heights, gap, middle).len() > best.len() {
            low = middle;
        } else {
            high = middle;
        }
    }
    fill(heights, gap, high)
}

fn fill(heights: &[f64], gap: f64, room: f64) -> Vec<Range<usize>> {
    let mut columns = Vec::new();
    let (mut first, mut used) = (0, 0.0);
    for (at, height) in heights.iter().enumerate() {
        if at > first && used + gap + height > room + 1e-6 {
            columns.push(first..at);
            (first, used) = (at, *height);
        } else {
            used += height + if at > first { gap } else { 0.0 };
        }
    }
    if first < heights.len() {
        columns.push(first..heights.len());
    }
    columns
}

/// How tall a column is.
pub(super) fn height(heights: &[f64], gap: f64) -> f64 {
    heights.iter().sum::<f64>() + gap * heights.len().saturating_sub(1) as f64
}

/// Upper edges of boxes that would like to have their middles at `wanted`, in order, with `gap` between them, from `top`
/// down; and where the last one ends.
pub(super) fn near(wanted: &[f64], heights: &[f64], gap: f64, top: f64) -> (Vec<f64>, f64) {
    let mut tops: Vec<f64> = Vec::with_capacity(heights.len());
    let mut least = top;
    for (middle, height) in wanted.iter().zip(heights) {
        let y = (middle - height / 2.0).max(least);
        tops.push(y);
        least = y + height + gap;
    }
    (tops, least - gap)
}

/// Moves everything so that nothing sticks out above.
pub(super) fn settle(scene: &mut Scene) {
    let mut rects: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
    rects.extend(scene.hosts.iter().map(|host| host.rect));
    rects.extend(scene.internet);
    let left = rects.iter().map(|rect| rect.x).fold(f64::INFINITY, f64::min);
    let top = rects.iter().map(|rect| rect.y).fold(f64::INFINITY, f64::min);
    if !left.is_finite() || !top.is_finite() {
        return;
    }
    let (dx, dy) = (MARGIN - left, MARGIN - top);
    let moved = |rect: &mut Rect| {
        rect.x += dx;
        rect.y += dy;
    };
    let shifted = |at: &mut Point| {
        at.x += dx;
        at.y += dy;
    };
    for card in &mut scene.cards {
        moved(&mut card.rect);
        for plug in &mut card.plugs {
            moved(&mut plug.row);
            shifted(&mut plug.at);
        }
    }
    for host in &mut scene.hosts {
        moved(&mut host.rect);
        moved(&mut host.panel);
        moved(&mut host.vms);
    }
    for socket in &mut scene.sockets {
        shifted(&mut socket.at);
        shifted(&mut socket.out);
    }
    if let Some(rect) = &mut scene.internet {
        moved(rect);
    }
}

/// Sets the picture's measures.
pub(super) fn measure(scene: &mut Scene) {
    let mut rects: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
    rects.extend(scene.hosts.iter().map(|host| host.rect));
    rects.extend(scene.internet);
    let ends = scene.paths.iter().flat_map(|path| (0..=16).map(|step| path.track.at(f64::from(step) / 16.0)));
    rects.extend(ends.map(|at| Rect::new(at.x, at.y, 0.0, 0.0)));
    scene.width = rects.iter().map(|rect| rect.right()).fold(0.0, f64::max) + MARGIN;
    scene.height = rects.iter().map(|rect| rect.bottom()).fold(0.0, f64::max) + MARGIN;
}
