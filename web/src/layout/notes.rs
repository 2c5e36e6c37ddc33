//! Where the sentence of a drop goes: beside the box where it happened, on nothing that is to be read.

use super::{Rect, Size};

/// Height of a sentence.
pub const NOTE_H: f64 = 24.0;
const GAP: f64 = 6.0;
/// How many rows above and below a box are tried.
const ROWS: i32 = 5;

/// A place for a sentence `width` wide beside `anchor`, inside the view, on none of `taken` where that is possible, else
/// on as little of them as can be.
pub fn place_note(anchor: Rect, width: f64, taken: &[Rect], view: Size) -> Rect {
    let room = (view.w - width - 8.0).max(4.0);
    let middle = anchor.center().x - width / 2.0;
    let mut best = (f64::INFINITY, Rect::new(middle.clamp(4.0, room), anchor.bottom() + GAP, width, NOTE_H));
    for row in 0..ROWS {
        let away = GAP + f64::from(row) * (NOTE_H + 3.0);
        let ys = [anchor.bottom() + away, anchor.y - away - NOTE_H];
        let xs = [middle, anchor.x, anchor.right() - width];
        let beside = [anchor.right() + GAP, anchor.x - GAP - width];
        let around = ys.iter().flat_map(|y| xs.iter().map(move |x| (*x, *y)));
        let level = beside.iter().map(|x| (*x, anchor.center().y - NOTE_H / 2.0 + f64::from(row) * (NOTE_H + 3.0)));
        for (x, y) in around.chain(level) {
            let rect = Rect::new(x.clamp(4.0, room), y, width, NOTE_H);
            if y < 4.0 || y + NOTE_H > view.h - 4.0 {
                continue;
            }
            let covered: f64 = taken.iter().map(|other| common(rect, *other)).sum();
            let cost = covered * 10.0 + rect.center().distance(anchor.center()) * 0.1;
            if covered == 0.0 {
                return rect;
            }
            if cost < best.0 {
                best = (cost, rect);
            }
        }
    }
    best.1
}

/// The area that two have in common.
fn common(a: Rect, b: Rect) -> f64 {
    let w = (a.right().min(b.right()) - a.x.max(b.x)).max(0.0);
    let h = (a.bottom().min(b.bottom()) - a.y.max(b.y)).max(0.0);
    w * h
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: Size = Size { w: 800.0, h: 400.0 };

    #[test]
    fn a_sentence_stands_on_no_box_while_there_is_room() {
        let boxes = [
            Rect::new(100.0, 100.0, 120.0, 60.0),
            Rect::new(100.0, 170.0, 120.0, 60.0),
            Rect::new(230.0, 100.0, 300.0, 60.0),
        ];
        let mut taken = boxes.to_vec();
        for _ in 0..4 {
            let rect = place_note(boxes[0], 150.0, &taken, VIEW);
            assert!(taken.iter().all(|other| !other.overlaps(rect)), "{rect:?} is on something");
            taken.push(rect);
        }
    }

    #[test]
    fn a_sentence_stays_in_the_view_whatever_there_is() {
        let everything = [Rect::new(0.0, 0.0, 800.0, 400.0)];
        for anchor in [Rect::new(-500.0, -500.0, 10.0, 10.0), Rect::new(790.0, 390.0, 50.0, 50.0)] {
            let rect = place_note(anchor, 200.0, &everything, VIEW);
            assert!(rect.x >= 0.0 && rect.right() <= VIEW.w, "{rect:?}");
        }
    }
}
