//! What happens next: ordered by time, and at one time by the order in which it was asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::frame::Frame;
use crate::id::{LinkId, NodeId, Port};
use crate::time::SimTime;

/// Something that happens at an instant.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// A frame comes out of a cable.
    Frame {
        to: Port,
        link: LinkId,
        /// The cable's count of being plugged: a frame sent before it was cut never arrives.
        epoch: u32,
        frame: Frame,
    },
    /// A node wanted to be woken. Void if it has changed its mind since.
    Wake(NodeId),
}

/// What the heap orders: small, so that moving it about is cheap. Frames lie still beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: SimTime,
    /// No two are equal, so that `what` never decides.
    seq: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The frame at this place of the slab.
    Frame(u32),
    Wake(NodeId),
}

/// A frame in a cable.
#[derive(Clone, Debug)]
struct Flying {
    to: Port,
    link: LinkId,
    epoch: u32,
    frame: Frame,
}

/// The event queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
    /// By place; those that are free are in `free`.
    frames: Vec<Option<Flying>>,
    free: Vec<u32>,
}

impl Queue {
    pub(super) fn push(&mut self, at: SimTime, due: Due) {
        let what = match due {
            Due::Wake(id) => What::Wake(id),
            Due::Frame { to, link, epoch, frame } => {
                let flying = Some(Flying { to, link, epoch, frame });
                What::Frame(match self.free.pop() {
                    Some(place) => {
                        self.frames[place as usize] = flying;
                        place
                    }
                    None => {
                        self.frames.push(flying);
                        self.frames.len() as u32 - 1
                    }
                })
            }
        };
        self.heap.push(Reverse(Entry { at, seq: self.seq, what }));
        self.seq += 1;
    }

    /// When the first thing is due.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The first thing, if it is a wake-up.
    pub(super) fn peek_wake(&self) -> Option<(SimTime, NodeId)> {
        match self.heap.peek()?.0 {
            Entry { at, what: What::Wake(id), .. } => Some((at, id)),
            _ => None,
        }
    }

    /// Takes the first thing that is due at `now` or before.
    pub(super) fn pop(&mut self, now: SimTime) -> Option<(SimTime, Due)> {
        if self.heap.peek().is_none_or(|Reverse(entry)| entry.at > now) {
            return None;
        }
        let Reverse(Entry { at, what, .. }) = self.heap.pop()?;
        let due = match what {
            What::Wake(id) => Due::Wake(id),
            What::Frame(place) => {
                let Flying { to, link, epoch, frame } = self.frames.get_mut(place as usize)?.take()?;
                self.free.push(place);
                Due::Frame { to, link, epoch, frame }
            }
        };
        Some((at, due))
    }

    /// Everything that is queued.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Frames on their way.
    pub(super) fn frames(&self) -> usize {
        self.frames.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_one_instant_happens_in_the_order_it_was_asked_for() {
        let mut queue = Queue::default();
        for (at, node) in [(5, 1), (3, 2), (5, 3), (3, 4)] {
            queue.push(SimTime::from_micros(at), Due::Wake(NodeId(node)));
        }
        let mut order = Vec::new();
        while let Some((_, Due::Wake(node))) = queue.pop(SimTime::from_micros(9)) {
            order.push(node.0);
        }
        assert_eq!(order, [2, 4, 1, 3]);
    }

    #[test]
    fn nothing_later_than_now_comes_out() {
        let mut queue = Queue::default();
        queue.push(SimTime::from_micros(2), Due::Wake(NodeId(1)));
        assert!(queue.pop(SimTime::from_micros(1)).is_none());
    }
}
