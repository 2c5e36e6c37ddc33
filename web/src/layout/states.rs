//! Where the states of TCP stand in their diagram (RFC 9293, figure 5), and which leads to which.

use netmodes_core::view::{SocketKind, SocketRow, SocketState};

/// The diagram's width, in units of its own.
pub const WIDTH: f64 = 720.0;
/// Its height.
pub const HEIGHT: f64 = 440.0;
/// Half a box's width.
const HALF_WIDTH: f64 = 54.0;
/// Half a box's height.
const HALF_HEIGHT: f64 = 13.0;
/// Tokens of one state that are drawn one by one; the others are counted.
pub const TOKENS_MAX: usize = 6;
/// From one token to the next.
const TOKEN_STEP: f64 = 17.0;

/// A place in the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A state of TCP.
    State(SocketState),
    /// A socket without connections: UDP and raw ones.
    Unconnected,
}

/// An arrow: from, to, what does it (event / what is sent).
pub struct Arrow {
    /// From.
    pub from: SocketState,
    /// To.
    pub to: SocketState,
    /// The words beside it: the standard's, in every language.
    pub words: &'static str,
    /// How far the words stand from the arrow's middle.
    pub offset: (f64, f64),
}

const fn arrow(from: SocketState, to: SocketState, words: &'static str, offset: (f64, f64)) -> Arrow {
    Arrow { from, to, words, offset }
}

use SocketState::*;

/// All arrows of the opening and of both ways to close. [`Unconnected`](SocketState::Unconnected) is CLOSED here.
pub const ARROWS: [Arrow; 15] = [
    arrow(Unconnected, Listen, "listen()", (-40.0, -4.0)),
    arrow(Unconnected, SynSent, "connect() / SYN", (46.0, -4.0)),
    arrow(Listen, SynRecv, "SYN / SYN+ACK", (-52.0, 3.0)),
    arrow(SynRecv, Established, "ACK", (-26.0, 12.0)),
    arrow(SynSent, Established, "SYN+ACK / ACK", (62.0, 2.0)),
    arrow(SynSent, SynRecv, "SYN / SYN+ACK", (0.0, -7.0)),
    arrow(Established, FinWait1, "close() / FIN", (-44.0, -6.0)),
    arrow(Established, CloseWait, "FIN / ACK", (40.0, -6.0)),
    arrow(FinWait1, FinWait2, "ACK", (-18.0, 3.0)),
    arrow(FinWait1, Closing, "FIN / ACK", (34.0, -5.0)),
    arrow(FinWait2, TimeWait, "FIN / ACK", (-12.0, 16.0)),
    arrow(Closing, TimeWait, "ACK", (18.0, 3.0)),
    arrow(CloseWait, LastAck, "close() / FIN", (44.0, 3.0)),
    arrow(LastAck, Unconnected, "ACK", (0.0, 0.0)),
    arrow(TimeWait, Unconnected, "60 s", (0.0, 0.0)),
];

/// The middle of a state's box.
pub const fn middle(place: Place) -> (f64, f64) {
    match place {
        Place::Unconnected => (640.0, 404.0),
        Place::State(state) => match state {
            SocketState::Unconnected => (330.0, 24.0),
            Listen => (120.0, 74.0),
            SynSent => (540.0, 110.0),
            SynRecv => (120.0, 150.0),
            Established => (330.0, 186.0),
            FinWait1 => (120.0, 246.0),
            CloseWait => (540.0, 246.0),
            FinWait2 => (120.0, 336.0),
            Closing => (330.0, 306.0),
            LastAck => (540.0, 336.0),
            TimeWait => (330.0, 390.0),
        },
    }
}

/// The name in a box; `ss` has no word for CLOSED, because such a socket is not there any more.
pub const fn name(place: Place) -> &'static str {
    match place {
        Place::Unconnected => "UNCONN",
        Place::State(SocketState::Unconnected) => "CLOSED",
        Place::State(state) => state.name(),
    }
}

/// All places, in the order in which they are read.
pub const PLACES: [Place; 12] = [
    Place::State(Unconnected),
    Place::State(Listen),
    Place::State(SynSent),
    Place::State(SynRecv),
    Place::State(Established),
    Place::State(FinWait1),
    Place::State(FinWait2),
    Place::State(Closing),
    Place::State(TimeWait),
    Place::State(CloseWait),
    Place::State(LastAck),
    Place::Unconnected,
];

/// Where a socket stands; nowhere for one that the diagram has no place for.
pub fn place(row: &SocketRow) -> Place {
    match row.kind {
        SocketKind::Tcp => Place::State(row.state),
        _ => Place::Unconnected,
    }
}

/// A box: left, top, width, height.
pub fn body(place: Place) -> (f64, f64, f64, f64) {
    let (x, y) = middle(place);
    (x - HALF_WIDTH, y - HALF_HEIGHT, HALF_WIDTH * 2.0, HALF_HEIGHT * 2.0)
}

/// The ends of the line from one box's edge to another's.
pub fn line(from: Place, to: Place) -> ((f64, f64), (f64, f64)) {
    let ((ax, ay), (bx, by)) = (middle(from), middle(to));
    let edge = |(x, y): (f64, f64), (dx, dy): (f64, f64)| {
        let across = if dx == 0.0 { f64::INFINITY } else { HALF_WIDTH / dx.abs() };
        let along = if dy == 0.0 { f64::INFINITY } else { HALF_HEIGHT / dy.abs() };
        let share = across.min(along).min(1.0);
        (x + dx * share, y + dy * share)
    };
    (edge((ax, ay), (bx - ax, by - ay)), edge((bx, by), (ax - bx, ay - by)))
}

/// Where the token `index` of `count` stands: in a row under its box.
pub fn token(place: Place, index: usize, count: usize) -> (f64, f64) {
    let (x, y) = middle(place);
    let shown = count.min(TOKENS_MAX + 1);
    let left = x - (shown as f64 - 1.0) * TOKEN_STEP / 2.0;
    (left + index.min(TOKENS_MAX) as f64 * TOKEN_STEP, y + HALF_HEIGHT + 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_box_covers_another_or_leaves_the_picture() {
        for (at, a) in PLACES.iter().enumerate() {
            let (x, y, w, h) = body(*a);
            assert!(x >= 0.0 && y >= 0.0 && x + w <= WIDTH && y + h <= HEIGHT, "{a:?}");
            for b in &PLACES[at + 1..] {
                let (bx, by, bw, bh) = body(*b);
                // A row of tokens has its place under each box.
                let apart = x + w < bx || bx + bw < x || y + h + 20.0 < by || by + bh + 20.0 < y;
                assert!(apart, "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn an_arrow_begins_and_ends_at_the_boxes_edges() {
        for arrow in &ARROWS {
            let (from, to) = (Place::State(arrow.from), Place::State(arrow.to));
            let ((ax, ay), (bx, by)) = line(from, to);
            for ((x, y), place) in [((ax, ay), from), ((bx, by), to)] {
                let (left, top, width, height) = body(place);
                let inside = x >= left - 0.1 && x <= left + width + 0.1 && y >= top - 0.1 && y <= top + height + 0.1;
                assert!(inside, "{}", arrow.words);
            }
        }
    }

    #[test]
    fn tokens_of_one_state_stand_side_by_side_and_many_end_in_one() {
        let at = |index, count| token(Place::State(Established), index, count);
        assert_eq!(at(0, 1).0, middle(Place::State(Established)).0);
        assert!(at(1, 2).0 - at(0, 2).0 > 12.0);
        assert_eq!(at(6, 40), at(39, 40));
    }
}
