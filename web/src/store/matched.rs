//! The frames that pass the filter, kept up as frames come: each frame is looked at once, a long log in slices.

use std::rc::Rc;

use netmodes_core::display_filter::{Context, Filter};
use netmodes_core::view::LabView;

use super::{FrameEntry, FrameLog, Outcomes};

/// Frames looked at in one go: a few milliseconds of decoding.
pub const SLICE: usize = 3_000;

/// The frames that pass.
#[derive(Debug, Default)]
pub struct Matched {
    filter: Option<Filter>,
    hide_ipv6: bool,
    shown: Rc<Vec<Rc<FrameEntry>>>,
    last: Option<Rc<FrameEntry>>,
    seen: u64,
    noise: u64,
    drops: u64,
}

impl Matched {
    /// Another filter: everything is looked at again.
    pub fn set(&mut self, filter: &Filter, hide_ipv6: bool) {
        if self.filter.as_ref() != Some(filter) || self.hide_ipv6 != hide_ipv6 {
            *self = Self { filter: Some(filter.clone()), hide_ipv6, ..Self::default() };
        }
    }

    /// Looks at what has come since, at most `most` frames; whether all of the log has been looked at.
    pub fn advance(&mut self, log: &FrameLog, outcomes: &Outcomes, view: &LabView, most: usize) -> bool {
        let filter = self.filter.get_or_insert_with(Filter::default).clone();
        let other_log = match (&self.last, log.iter().next()) {
            (Some(last), Some(first)) if last.seq >= first.seq => {
                log.get(last.seq).is_none_or(|now| !Rc::ptr_eq(now, last))
            }
            (Some(_), None) => true,
            _ => false,
        };
        // A drop comes after its frame: what it changes is looked at again.
        if other_log || filter.changes() && self.drops != outcomes.dropped {
            *self = Self { filter: Some(filter.clone()), hide_ipv6: self.hide_ipv6, ..Self::default() };
        }
        self.drops = outcomes.dropped;
        self.forget(log);
        let after = self.last.as_ref().map(|last| last.seq);
        let mut looked = 0;
        for entry in log.after(after).take(most) {
            looked += 1;
            self.seen += 1;
            if is_ipv6(entry) {
                self.noise += 1;
                if self.hide_ipv6 {
                    continue;
                }
            }
            if filter.is_empty() || filter.passes(&context(entry, self.seen, outcomes, view)) {
                Rc::make_mut(&mut self.shown).push(entry.clone());
            }
        }
        if looked > 0 {
            self.last = log.after(after).nth(looked - 1).cloned();
        }
        looked < most || self.last.as_ref().map(|last| last.seq) == log.last().map(|last| last.seq)
    }

    /// The frames that pass, oldest first.
    pub fn shown(&self) -> Rc<Vec<Rc<FrameEntry>>> {
        self.shown.clone()
    }

    /// Frames of IPv6 that were looked at.
    pub fn noise(&self) -> u64 {
        self.noise
    }

    /// What the log has forgotten goes; numbers go on as they were.
    fn forget(&mut self, log: &FrameLog) {
        self.seen = self.seen.max(log.forgotten);
        let Some(first) = log.iter().next() else { return };
        let gone = self.shown.partition_point(|entry| entry.seq < first.seq);
        if gone > 0 {
            Rc::make_mut(&mut self.shown).drain(..gone);
        }
    }
}

/// Whether a frame is IPv6's: what machines say by themselves, which the lecture is not about.
fn is_ipv6(entry: &FrameEntry) -> bool {
    entry.bytes().get(12..14) == Some(&[0x86, 0xdd])
}

/// What a filter may ask about a frame.
fn context<'a>(entry: &'a FrameEntry, number: u64, outcomes: &Outcomes, view: &'a LabView) -> Context<'a> {
    let name = |id| view.nodes.get(&id).map_or("", |node| node.name.as_str());
    let mut context = Context::new(entry.bytes());
    context.number = number;
    context.seconds = entry.time.as_nanos() as f64 / 1e9;
    context.nodes = [name(entry.sent.from.node), name(entry.sent.to.node)];
    let dropped = outcomes.drop_of(entry.sent.frame);
    context.dropped = dropped.filter(|(node, _)| ends(entry, *node)).map(|(_, reason)| reason.code());
    context
}

/// Whether a drop at `node` ended the frame on this cable: at its far end, or on the way.
pub fn ends(entry: &FrameEntry, node: netmodes_core::id::NodeId) -> bool {
    node == entry.sent.to.node || entry.sent.arrives.is_none() && node == entry.sent.from.node
}

#[cfg(test)]
mod tests {
    use super::super::frames::tests::sent;
    use super::*;
    use netmodes_core::drop_reason::DropReason;
    use netmodes_core::id::{FrameId, NodeId};
    use netmodes_core::time::SimTime;

    use super::super::{Outcome, What};

    fn push(log: &mut FrameLog, seq: u64, kind: [u8; 2]) {
        let mut bytes = vec![0; 60];
        bytes[12..14].copy_from_slice(&kind);
        log.push(FrameEntry::new(seq, SimTime::ZERO, sent(seq, None, &bytes)));
    }

    fn seqs(matched: &Matched) -> Vec<u64> {
        matched.shown().iter().map(|entry| entry.seq).collect()
    }

    fn all(matched: &mut Matched, log: &FrameLog, outcomes: &Outcomes) {
        assert!(matched.advance(log, outcomes, &LabView::default(), SLICE));
    }

    #[test]
    fn what_comes_is_added_and_another_filter_looks_again() {
        let (mut log, outcomes, mut matched) = (FrameLog::default(), Outcomes::default(), Matched::default());
        for seq in 0..6 {
            push(&mut log, seq, if seq % 2 == 0 { [8, 6] } else { [0x86, 0xdd] });
        }
        matched.set(&Filter::parse("arp").unwrap(), false);
        all(&mut matched, &log, &outcomes);
        assert_eq!(seqs(&matched), [0, 2, 4]);
        push(&mut log, 6, [8, 6]);
        all(&mut matched, &log, &outcomes);
        assert_eq!(seqs(&matched), [0, 2, 4, 6]);
        matched.set(&Filter::parse("frame.number >= 6").unwrap(), false);
        all(&mut matched, &log, &outcomes);
        assert_eq!(seqs(&matched), [5, 6]);
        matched.set(&Filter::default(), true);
        all(&mut matched, &log, &outcomes);
        assert_eq!((seqs(&matched), matched.noise()), (vec![0, 2, 4, 6], 3));
    }

    #[test]
    fn a_long_log_is_looked_at_in_slices_and_another_log_from_its_beginning() {
        let (mut log, outcomes, mut matched) = (FrameLog::default(), Outcomes::default(), Matched::default());
        for seq in 0..10 {
            push(&mut log, seq, [8, 6]);
        }
        assert!(!matched.advance(&log, &outcomes, &LabView::default(), 4));
        assert_eq!(seqs(&matched).len(), 4);
        assert!(!matched.advance(&log, &outcomes, &LabView::default(), 4));
        assert!(matched.advance(&log, &outcomes, &LabView::default(), 4));
        assert_eq!(seqs(&matched).len(), 10);
        let mut other = FrameLog::default();
        push(&mut other, 3, [8, 6]);
        all(&mut matched, &other, &outcomes);
        assert_eq!(seqs(&matched), [3]);
        all(&mut matched, &FrameLog::default(), &outcomes);
        assert!(seqs(&matched).is_empty());
    }

    #[test]
    fn a_drop_that_comes_later_is_seen_by_the_filter() {
        let (mut log, mut outcomes, mut matched) = (FrameLog::default(), Outcomes::default(), Matched::default());
        push(&mut log, 1, [8, 6]);
        push(&mut log, 2, [8, 6]);
        matched.set(&Filter::parse("nm.dropped == \"no-route\"").unwrap(), false);
        all(&mut matched, &log, &outcomes);
        assert!(seqs(&matched).is_empty());
        let what = What::Dropped(DropReason::NoRoute);
        outcomes.push(Some(FrameId(2)), Outcome { seq: 3, time: SimTime::ZERO, node: NodeId(2), what });
        all(&mut matched, &log, &outcomes);
        assert_eq!(seqs(&matched), [2]);
    }
}
