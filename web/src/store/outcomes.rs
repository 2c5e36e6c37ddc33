//! What became of frames: decisions and drops, by frame, in pieces.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Decision;
use netmodes_core::id::{FrameId, NodeId};
use netmodes_core::time::SimTime;

/// Frame ids of one piece.
const PIECE: u64 = 256;
/// Drops that are remembered in order.
const RECENT_MAX: usize = 64;

/// Something that happened to a frame at a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The number of its event.
    pub seq: u64,
    /// When.
    pub time: SimTime,
    /// Where.
    pub node: NodeId,
    /// What.
    pub what: What,
}

/// What happened to a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The node decided something.
    Decided(Decision),
    /// It ended here.
    Dropped(DropReason),
}

/// Drops that say nothing to a student: a card that does not take what is not its own.
pub const fn says_little(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::NotForThisMac
            | DropReason::ArpNotForUs
            | DropReason::UnknownEtherType
            | DropReason::SamePort
            | DropReason::Ipv6NotUsed
    )
}

type Piece = BTreeMap<FrameId, Vec<Outcome>>;

/// What became of every frame.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    pieces: BTreeMap<u64, Rc<Piece>>,
    /// Drops of packets that never became a frame, newest last, at most 100.
    pub without_frame: Vec<Outcome>,
    /// The last drops with their frames, newest last, at most [`RECENT_MAX`].
    recent: VecDeque<(Option<FrameId>, Outcome)>,
    /// How many drops there were.
    pub dropped: u64,
}

impl Outcomes {
    /// Notes an outcome.
    pub fn push(&mut self, frame: Option<FrameId>, outcome: Outcome) {
        if matches!(outcome.what, What::Dropped(_)) {
            self.dropped += 1;
            self.recent.push_back((frame, outcome.clone()));
            if self.recent.len() > RECENT_MAX {
                self.recent.pop_front();
            }
        }
        let Some(frame) = frame else {
            if self.without_frame.len() >= 100 {
                self.without_frame.remove(0);
            }
            self.without_frame.push(outcome);
            return;
        };
        let piece = self.pieces.entry(frame.0 / PIECE).or_default();
        Rc::make_mut(piece).entry(frame).or_default().push(outcome);
    }

    /// The drops after the first `seen`, oldest first, as far back as they are remembered.
    pub fn drops_after(&self, seen: u64) -> impl Iterator<Item = &(Option<FrameId>, Outcome)> {
        let new = usize::try_from(self.dropped.saturating_sub(seen)).unwrap_or(usize::MAX).min(self.recent.len());
        self.recent.range(self.recent.len() - new..)
    }

    /// What became of a frame, in order.
    pub fn of(&self, frame: FrameId) -> &[Outcome] {
        self.pieces.get(&(frame.0 / PIECE)).and_then(|piece| piece.get(&frame)).map_or(&[], Vec::as_slice)
    }

    /// Why a frame was dropped, if it was.
    pub fn drop_of(&self, frame: FrameId) -> Option<(NodeId, DropReason)> {
        self.of(frame).iter().find_map(|outcome| match outcome.what {
            What::Dropped(reason) => Some((outcome.node, reason)),
            What::Decided(_) => None,
        })
    }

    /// What had become of frames just after event `seq`.
    #[must_use]
    pub fn cut(&self, seq: u64) -> Self {
        let mut cut = self.clone();
        let later = |outcome: &Outcome| outcome.seq > seq;
        for piece in cut.pieces.values_mut().filter(|piece| piece.values().flatten().any(later)) {
            let piece = Rc::make_mut(piece);
            piece.values_mut().for_each(|outcomes| outcomes.retain(|outcome| !later(outcome)));
            piece.retain(|_, outcomes| !outcomes.is_empty());
        }
        cut.pieces.retain(|_, piece| !piece.is_empty());
        cut.without_frame.retain(|outcome| !later(outcome));
        let before = cut.recent.len();
        cut.recent.retain(|(_, outcome)| !later(outcome));
        cut.dropped -= (before - cut.recent.len()) as u64;
        cut
    }

    /// Forgets what became of frames before `oldest`, a piece at a time.
    pub fn forget_before(&mut self, oldest: FrameId) {
        let keep = self.pieces.split_off(&(oldest.0 / PIECE));
        self.pieces = keep;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_kept_by_frame_and_forgotten_by_piece() {
        let mut outcomes = Outcomes::default();
        let dropped = |reason| Outcome { seq: 1, time: SimTime::ZERO, node: NodeId(1), what: What::Dropped(reason) };
        outcomes.push(Some(FrameId(3)), dropped(DropReason::NoRoute));
        outcomes.push(Some(FrameId(700)), dropped(DropReason::TtlExpired));
        assert_eq!(outcomes.drop_of(FrameId(3)), Some((NodeId(1), DropReason::NoRoute)));
        outcomes.push(Some(FrameId(3)), Outcome { seq: 2, ..dropped(DropReason::NoRoute) });
        let cut = outcomes.cut(1);
        assert_eq!((cut.of(FrameId(3)).len(), cut.dropped), (1, 2));
        assert_eq!(outcomes.of(FrameId(3)).len(), 2);
        outcomes.forget_before(FrameId(600));
        assert_eq!(outcomes.of(FrameId(3)), &[]);
        assert_eq!(outcomes.of(FrameId(700)).len(), 1);
    }
}
