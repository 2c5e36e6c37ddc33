//! The timeline: runs of frames of one protocol, in the order they began.

use std::collections::VecDeque;
use std::rc::Rc;

use netmodes_core::time::SimTime;

/// Blocks kept.
const BLOCKS_MAX: usize = 300;
/// A frame this much lab time (in seconds) after the last one of its protocol begins a new block.
const GAP_SECS: u64 = 3;
/// How far back a block is looked for that a frame may continue.
const LOOK_BACK: usize = 3;

/// Frames of one protocol that follow one another closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The protocol's name.
    pub proto: Rc<str>,
    /// Event number of its first frame.
    pub first: u64,
    /// Event number of its last frame.
    pub last: u64,
    /// When it began.
    pub start: SimTime,
    /// When its last frame was sent.
    pub end: SimTime,
    /// Frames on cables.
    pub frames: u32,
}

/// The timeline.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Oldest first.
    pub blocks: VecDeque<Block>,
}

impl Timeline {
    /// A frame was sent.
    pub fn push(&mut self, seq: u64, time: SimTime, proto: &str) {
        let near = |block: &&mut Block| &*block.proto == proto && time.since(block.end).as_secs() < GAP_SECS;
        if let Some(block) = self.blocks.iter_mut().rev().take(LOOK_BACK).find(near) {
            block.last = seq;
            block.end = time;
            block.frames = block.frames.saturating_add(1);
            return;
        }
        if self.blocks.len() >= BLOCKS_MAX {
            self.blocks.pop_front();
        }
        self.blocks.push_back(Block { proto: proto.into(), first: seq, last: seq, start: time, end: time, frames: 1 });
    }

    /// The newest blocks that fit `width`, with their left edge and width: a block is as wide as the root of its
    /// number of frames says, never narrower than `least`.
    pub fn place(&self, width: f64, least: f64) -> Vec<(f64, f64, &Block)> {
        let mut used = 0.0;
        let mut chosen = Vec::new();
        for block in self.blocks.iter().rev() {
            let own = (f64::from(block.frames).sqrt() * 14.0).min(width / 3.0).max(least);
            if used + own > width && !chosen.is_empty() {
                break;
            }
            used += own + 2.0;
            chosen.push((own, block));
        }
        let mut left = 0.0;
        chosen.reverse();
        chosen
            .into_iter()
            .map(|(own, block)| {
                let placed = (left, own, block);
                left += own + 2.0;
                placed
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_one_protocol_make_one_block_until_a_pause() {
        let mut timeline = Timeline::default();
        timeline.push(1, SimTime::from_secs(1), "ICMP");
        timeline.push(2, SimTime::from_secs(2), "ARP");
        timeline.push(3, SimTime::from_secs(2), "ICMP");
        timeline.push(4, SimTime::from_secs(20), "ICMP");
        let blocks: Vec<_> = timeline.blocks.iter().map(|b| (&*b.proto, b.frames)).collect();
        assert_eq!(blocks, [("ICMP", 2), ("ARP", 1), ("ICMP", 1)]);
    }

    #[test]
    fn a_narrow_track_still_shows_the_newest_block() {
        let mut timeline = Timeline::default();
        timeline.push(1, SimTime::from_secs(1), "ICMP");
        assert_eq!(timeline.place(60.0, 46.0).len(), 1);
    }

    #[test]
    fn the_newest_blocks_are_placed_side_by_side() {
        let mut timeline = Timeline::default();
        for n in 0..50 {
            timeline.push(n, SimTime::from_secs(n * 10), "UDP");
        }
        let placed = timeline.place(300.0, 40.0);
        assert!(placed.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
        assert_eq!(placed.last().map(|(_, _, block)| block.first), Some(49));
        assert!(placed.last().is_some_and(|(left, own, _)| left + own <= 300.0));
    }
}
