//! What happens next: ordered by time, and at one time by the order in which it was asked for.

use std::cmp::{Ordering, Reverse};
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

#[derive(Clone, Debug)]
struct Entry {
    at: SimTime,
    seq: u64,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

/// The event queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
    frames: usize,
}

impl Queue {
    pub(super) fn push(&mut self, at: SimTime, due: Due) {
        self.frames += usize::from(matches!(due, Due::Frame { .. }));
        self.heap.push(Reverse(Entry { at, seq: self.seq, due }));
        self.seq += 1;
    }

    pub(super) fn peek(&self) -> Option<(SimTime, &Due)> {
        self.heap.peek().map(|Reverse(entry)| (entry.at, &entry.due))
    }

    /// Takes the first thing that is due at `now` or before.
    pub(super) fn pop(&mut self, now: SimTime) -> Option<(SimTime, Due)> {
        if self.heap.peek().is_none_or(|Reverse(entry)| entry.at > now) {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        self.frames -= usize::from(matches!(entry.due, Due::Frame { .. }));
        Some((entry.at, entry.due))
    }

    /// Everything that is queued.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Frames on their way.
    pub(super) fn frames(&self) -> usize {
        self.frames
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
