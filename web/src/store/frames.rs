//! The frames that were put on cables: a log in pieces, with a cap.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::event::FrameSent;
use netmodes_core::frame::decode::{Decoded, Summary, decode, summarize};
use netmodes_core::id::{FrameId, NodeId};
use netmodes_core::limits::{VIEW_FRAME_BYTES_MAX, VIEW_FRAMES_MAX};
use netmodes_core::time::SimTime;
use netmodes_core::view::{LabView, NodeRow};

use crate::shared::Shared;

/// Entries of one piece. A change copies one piece and the list of pieces, whatever the log's length.
const PIECE: usize = 256;

/// One frame on one cable. The same frame on the next cable is another entry with the same [`FrameSent::frame`].
#[derive(Debug)]
pub struct FrameEntry {
    /// The number of its event: the entry's name.
    pub seq: u64,
    /// When it was put on the cable.
    pub time: SimTime,
    /// The fact.
    pub sent: FrameSent,
    decoded: OnceCell<Rc<Decoded>>,
    summary: OnceCell<Summary>,
}

/// Entries are told apart by their numbers: what else they hold never changes.
impl PartialEq for FrameEntry {
    fn eq(&self, other: &Self) -> bool {
        self.seq == other.seq
    }
}

impl FrameEntry {
    /// An entry that nobody has looked into yet.
    pub fn new(seq: u64, time: SimTime, sent: FrameSent) -> Self {
        Self { seq, time, sent, decoded: OnceCell::new(), summary: OnceCell::new() }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.sent.bytes.0
    }

    /// Its layers and fields; worked out once.
    pub fn decoded(&self) -> &Rc<Decoded> {
        self.decoded.get_or_init(|| Rc::new(decode(self.bytes())))
    }

    /// One line about it; worked out once.
    pub fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| summarize(self.bytes()))
    }
}

/// The log.
#[derive(Clone, Debug, Default)]
pub struct FrameLog {
    pieces: VecDeque<Rc<Vec<Rc<FrameEntry>>>>,
    len: usize,
    bytes: usize,
    /// Nodes that are gone, for the names in what they sent.
    pub gone: BTreeMap<NodeId, NodeRow>,
    /// Entries that were forgotten, oldest first.
    pub forgotten: u64,
    /// Frames that the source left out because there were too many.
    pub not_shown: u64,
}

impl FrameLog {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends an entry; the oldest piece is forgotten when there are too many.
    pub fn push(&mut self, entry: FrameEntry) {
        self.push_known(Rc::new(entry));
    }

    /// Appends an entry of another log of the same session, with what was worked out of it.
    pub fn push_known(&mut self, entry: Rc<FrameEntry>) {
        self.bytes += entry.bytes().len();
        match self.pieces.back_mut() {
            Some(piece) if piece.len() < PIECE => Rc::make_mut(piece).push(entry),
            _ => self.pieces.push_back(Rc::new(vec![entry])),
        }
        self.len += 1;
        while self.len > VIEW_FRAMES_MAX || self.bytes > VIEW_FRAME_BYTES_MAX {
            let Some(piece) = self.pieces.pop_front() else { break };
            self.len -= piece.len();
            self.bytes -= piece.iter().map(|entry| entry.bytes().len()).sum::<usize>();
            self.forgotten += piece.len() as u64;
        }
    }

    /// The log as it was just after event `seq`.
    #[must_use]
    pub fn cut(&self, seq: u64) -> Self {
        let mut cut = self.clone();
        while cut.pieces.back().and_then(|piece| piece.first()).is_some_and(|first| first.seq > seq) {
            cut.pieces.pop_back();
        }
        if let Some(last) = cut.pieces.back_mut()
            && last.last().is_some_and(|entry| entry.seq > seq)
        {
            let count = last.partition_point(|entry| entry.seq <= seq);
            Rc::make_mut(last).truncate(count);
        }
        cut.len = cut.pieces.iter().map(|piece| piece.len()).sum();
        cut.bytes = cut.iter().map(|entry| entry.bytes().len()).sum();
        cut.bytes = cut.iter().map(|entry| entry.bytes().len()).sum();
        cut
    }

    /// The tables with what is gone put back, so that old entries keep their names.
    pub fn remembering(&self, view: &Shared<LabView>) -> Shared<LabView> {
        let mut view = view.clone();
        for (id, node) in &self.gone {
            if !view.nodes.contains_key(id) {
                view.edit().nodes.insert(*id, node.clone());
            }
        }
        view
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Rc<FrameEntry>> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    /// Entries after the one with this event number, oldest first; all of them for none.
    pub fn after(&self, seq: Option<u64>) -> impl Iterator<Item = &Rc<FrameEntry>> {
        let next = seq.map_or(0, |seq| seq + 1);
        let piece = self.pieces.partition_point(|piece| piece.last().is_none_or(|last| last.seq < next));
        let rest = self.pieces.range(piece..).flat_map(|piece| piece.iter());
        rest.skip_while(move |entry| entry.seq < next)
    }

    /// The entry with this event number.
    pub fn get(&self, seq: u64) -> Option<&Rc<FrameEntry>> {
        let piece = self.pieces.partition_point(|piece| piece.first().is_some_and(|first| first.seq <= seq));
        let piece = self.pieces.get(piece.checked_sub(1)?)?;
        piece.binary_search_by_key(&seq, |entry| entry.seq).ok().map(|at| &piece[at])
    }

    /// The newest entry.
    pub fn last(&self) -> Option<&Rc<FrameEntry>> {
        self.pieces.back().and_then(|piece| piece.last())
    }

    /// The oldest frame id that is still in the log: what happened to earlier ones may be forgotten.
    pub fn oldest_frame(&self) -> Option<FrameId> {
        self.iter().next().map(|entry| entry.sent.frame)
    }

    /// The entries around the one with this event number: at most so many before it and after it.
    pub fn window(&self, seq: u64, back: usize, forward: usize) -> Vec<&Rc<FrameEntry>> {
        let mut before: Vec<_> = self.iter().rev().skip_while(|entry| entry.seq >= seq).take(back).collect();
        before.reverse();
        before.extend(self.after(seq.checked_sub(1)).take(forward));
        before
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use netmodes_core::event::FrameBytes;
    use netmodes_core::id::{LinkId, NodeId, Port};

    pub(crate) fn sent(frame: u64, parent: Option<u64>, bytes: &[u8]) -> FrameSent {
        FrameSent {
            link: LinkId(1),
            from: Port::new(NodeId(1), 0),
            to: Port::new(NodeId(2), 0),
            frame: FrameId(frame),
            parent: parent.map(FrameId),
            arrives: None,
            bytes: FrameBytes(bytes.into()),
        }
    }

    #[test]
    fn entries_are_found_by_their_number() {
        let mut log = FrameLog::default();
        for seq in 0..1_000 {
            log.push(FrameEntry::new(seq * 3, SimTime::ZERO, sent(seq, None, &[])));
        }
        assert_eq!(log.get(999).map(|entry| entry.sent.frame), Some(FrameId(333)));
        assert!(log.get(1_000).is_none());
        assert!(log.get(5_000).is_none());
    }

    #[test]
    fn a_log_is_cut_anywhere() {
        let mut log = FrameLog::default();
        for seq in 1..=600 {
            log.push(FrameEntry::new(seq * 2, SimTime::ZERO, sent(seq, None, &[])));
        }
        for (seq, len, last) in
            [(0, 0, None), (1, 0, None), (512, 256, Some(512)), (513, 256, Some(512)), (9_999, 600, Some(1_200))]
        {
            let cut = log.cut(seq);
            assert_eq!((cut.len(), cut.last().map(|entry| entry.seq)), (len, last), "{seq}");
        }
        let mut again = log.cut(515);
        again.push(FrameEntry::new(516, SimTime::ZERO, sent(9_000, None, &[])));
        assert_eq!(again.get(516).map(|entry| entry.sent.frame.0), Some(9_000));
        assert_eq!(log.get(516).map(|entry| entry.sent.frame.0), Some(258), "the whole log is as it was");
    }

    #[test]
    fn old_entries_are_forgotten_and_counted() {
        let mut log = FrameLog::default();
        for seq in 0..VIEW_FRAMES_MAX as u64 + 10 {
            log.push(FrameEntry::new(seq, SimTime::ZERO, sent(seq, None, &[])));
        }
        assert!(log.len() <= VIEW_FRAMES_MAX);
        assert_eq!(log.forgotten + log.len() as u64, VIEW_FRAMES_MAX as u64 + 10);
        assert!(log.get(0).is_none());
    }
}
