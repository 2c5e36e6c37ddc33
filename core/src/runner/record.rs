//! What has happened so far, so that the view at any earlier instant can be rebuilt: keyframes of the view, and the
//! events between them. Memory is bounded: of each kind of event the oldest are forgotten, and the keyframes thinned
//! out evenly. Must not know viewers.

use std::collections::VecDeque;

use crate::event::{Event, Fact};
use crate::id::NodeId;
use crate::limits;
use crate::protocol::LookUnit;
use crate::time::SimTime;
use crate::view::{LabView, Row};
use crate::world::World;

/// Row events between two keyframes at first; folding so many takes well under a millisecond.
const SPACING_FIRST: usize = 512;
/// Keyframes; when there are more, every second one goes and the spacing doubles.
const KEYFRAMES_MAX: usize = 64;
/// What one event takes besides its texts and bytes.
const EVENT_BYTES: usize = size_of::<Event>();
/// About what a row's own texts take.
const ROW_TEXT_BYTES: usize = 48;

/// A place among the events: after the event of this number, at this instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Position {
    /// The last event that has happened.
    pub seq: u64,
    /// Lab time.
    pub time: SimTime,
}

/// The whole view at one place.
#[derive(Clone, Debug)]
struct Keyframe {
    view: LabView,
    rows: usize,
}

/// Events of one kind, oldest first.
#[derive(Clone, Debug, Default)]
struct Stream {
    events: VecDeque<Event>,
    bytes: usize,
    /// Number of the last event that was forgotten; 0 when none was.
    forgotten: u64,
}

impl Stream {
    fn push(&mut self, event: Event) {
        self.bytes += cost(&event);
        self.events.push_back(event);
    }

    fn pop(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes = self.bytes.saturating_sub(cost(&event));
            self.forgotten = event.seq;
        }
    }

    /// How many events have a number of at most `seq`.
    fn until(&self, seq: u64) -> usize {
        self.events.partition_point(|event| event.seq <= seq)
    }

    /// The last event at `time` or before.
    fn last_at(&self, time: SimTime) -> Option<&Event> {
        let count = self.events.partition_point(|event| event.time <= time);
        self.events.get(count.checked_sub(1)?)
    }

    fn before(&self, seq: u64, wanted: fn(&Fact) -> bool) -> Option<&Event> {
        let count = self.events.partition_point(|event| event.seq < seq);
        self.events.range(..count).rev().find(|event| wanted(&event.fact))
    }

    fn after(&self, seq: u64, wanted: fn(&Fact) -> bool) -> Option<&Event> {
        self.events.range(self.until(seq)..).find(|event| wanted(&event.fact))
    }
}

/// About how many bytes an event takes.
fn cost(event: &Event) -> usize {
    EVENT_BYTES
        + match &event.fact {
            Fact::FrameSent(sent) => sent.bytes.0.len(),
            Fact::Output(output) => {
                output.spans.iter().map(|span| size_of_val(span) + span.text.len() + span.meaning.len()).sum()
            }
            Fact::JobStarted { line, .. } => line.len(),
            _ => ROW_TEXT_BYTES,
        }
}

/// What has happened so far.
#[derive(Clone, Debug)]
pub(super) struct Record {
    rows: Stream,
    words: Stream,
    frames: Stream,
    keyframes: VecDeque<Keyframe>,
    spacing: usize,
    since_keyframe: usize,
    /// The longest that a frame was on its way.
    longest_flight: core::time::Duration,
    /// Whether rows are kept: only who looks back needs them.
    whole: bool,
}

impl Record {
    /// Of a world from now on. Without `whole`, only what a late viewer is shown of the past is kept.
    pub(super) fn of(world: &World, whole: bool) -> Self {
        let mut record = Self {
            rows: Stream::default(),
            words: Stream::default(),
            frames: Stream::default(),
            keyframes: VecDeque::new(),
            spacing: SPACING_FIRST,
            since_keyframe: 0,
            longest_flight: core::time::Duration::ZERO,
            whole,
        };
        if whole {
            record.keyframe(world);
        }
        record
    }

    /// Takes an event. [`Record::settle`] is called when the world has no more.
    pub(super) fn take(&mut self, event: Event) {
        match &event.fact {
            Fact::Put { .. } | Fact::Del { .. } => {
                if self.whole {
                    self.since_keyframe += 1;
                    self.rows.push(event);
                }
            }
            Fact::FrameSent(sent) => {
                let flight = sent.arrives.map(|arrives| arrives.since(event.time)).unwrap_or_default();
                self.longest_flight = self.longest_flight.max(flight);
                self.frames.push(event);
            }
            Fact::FrameDropped(_) | Fact::Decided { .. } => self.frames.push(event),
            _ => self.words.push(event),
        }
    }

    /// The world has said everything: makes a keyframe where one is due, and forgets what is too much.
    pub(super) fn settle(&mut self, world: &World) {
        let most = if self.whole { usize::MAX } else { limits::RECORD_EVENTS_SHOWN_MAX };
        let of_frames = (&mut self.frames, limits::RECORD_FRAME_BYTES_MAX);
        for (stream, bytes) in [of_frames, (&mut self.words, limits::RECORD_WORD_BYTES_MAX)] {
            while stream.bytes > bytes || stream.events.len() > most {
                stream.pop();
            }
        }
        if self.since_keyframe >= self.spacing {
            self.keyframe(world);
        }
        while self.rows.bytes > limits::RECORD_ROW_BYTES_MAX && self.keyframes.len() > 1 {
            self.keyframes.pop_front();
            let first = self.first().seq;
            while self.rows.events.front().is_some_and(|event| event.seq <= first) {
                self.rows.pop();
            }
        }
    }

    fn keyframe(&mut self, world: &World) {
        let mut view = LabView { seq: world.seq(), time: world.now(), ..LabView::default() };
        let rows = world.rows(false);
        let count = rows.len();
        rows.into_iter().for_each(|row: Row| view.put(row));
        self.keyframes.push_back(Keyframe { view, rows: count });
        self.since_keyframe = 0;
        let rows: usize = self.keyframes.iter().map(|keyframe| keyframe.rows).sum();
        let many = self.keyframes.len() > 4 && rows > limits::RECORD_KEYFRAME_ROWS_MAX;
        if self.keyframes.len() > KEYFRAMES_MAX || many {
            let mut keep = false;
            // The first stays: what came before it is unknown.
            self.keyframes.retain(|_| {
                keep = !keep;
                keep
            });
            self.spacing *= 2;
        }
    }

    /// The earliest place that can be looked at.
    pub(super) fn first(&self) -> Position {
        let view = self.keyframes.front().map(|keyframe| &keyframe.view);
        view.map(|view| Position { seq: view.seq, time: view.time }).unwrap_or_default()
    }

    /// Number of the last frame fact that was forgotten; 0 when none was.
    pub(super) fn frames_forgotten(&self) -> u64 {
        self.frames.forgotten
    }

    fn streams(&self) -> [&Stream; 3] {
        [&self.rows, &self.words, &self.frames]
    }

    /// The place after everything that had happened at `time`.
    pub(super) fn at_time(&self, time: SimTime) -> Position {
        let first = self.first();
        let seqs = self.streams().into_iter().filter_map(|stream| stream.last_at(time)).map(|event| event.seq);
        let seq = seqs.max().unwrap_or(0);
        if time < first.time || seq < first.seq {
            Position { time: time.max(first.time), ..first }
        } else {
            Position { seq, time }
        }
    }

    /// The place just after the event of this number, or the last one before it.
    pub(super) fn at_event(&self, seq: u64) -> Position {
        self.step(seq.saturating_add(1), LookUnit::Event, false)
    }

    /// One back (or forth) from the place after event `seq`: after the event before it that is of the kind.
    pub(super) fn step(&self, seq: u64, by: LookUnit, forth: bool) -> Position {
        let wanted: fn(&Fact) -> bool = match by {
            LookUnit::Event => |_| true,
            LookUnit::Frame => |fact| matches!(fact, Fact::FrameSent(_)),
            LookUnit::Input => |fact| matches!(fact, Fact::InputDone { .. }),
        };
        let streams = self.streams().into_iter();
        let found = if forth {
            streams.filter_map(|stream| stream.after(seq, wanted)).min_by_key(|event| event.seq)
        } else {
            streams.filter_map(|stream| stream.before(seq, wanted)).max_by_key(|event| event.seq)
        };
        let first = self.first();
        match found {
            Some(event) if event.seq > first.seq => Position { seq: event.seq, time: event.time },
            None if forth => self.at_event(u64::MAX - 1),
            _ => first,
        }
    }

    /// The view at a place.
    pub(super) fn view(&self, at: Position) -> LabView {
        let count = self.keyframes.partition_point(|keyframe| keyframe.view.seq <= at.seq);
        let keyframe = count.checked_sub(1).and_then(|index| self.keyframes.get(index)).or(self.keyframes.front());
        let Some(keyframe) = keyframe else { return LabView::default() };
        let mut view = keyframe.view.clone();
        let (from, to) = (self.rows.until(keyframe.view.seq), self.rows.until(at.seq));
        if from < to {
            self.rows.events.range(from..to).for_each(|event| view.apply(event));
        }
        (view.seq, view.time) = (at.seq, at.time);
        view
    }

    /// What rows do not tell at a place: the last words, `outputs` of each machine if that is given, at most `frames` of
    /// the last frame facts, and the frames on their way with the numbers of their events; oldest first.
    pub(super) fn passing(&self, at: Position, frames: usize, outputs: Option<u32>) -> (Vec<Event>, Vec<u64>) {
        let end_of_frames = self.frames.until(at.seq);
        let shown_from = end_of_frames.saturating_sub(frames.min(limits::RECORD_EVENTS_SHOWN_MAX));
        let flying = self.flying(at, end_of_frames);
        let on_way =
            flying.iter().filter(|index| **index < shown_from).filter_map(|index| self.frames.events.get(*index));
        let words = self.last_words(at, outputs);
        let shown = self.frames.events.range(shown_from..end_of_frames);
        let mut events: Vec<Event> = on_way.chain(words.into_iter().rev()).chain(shown).cloned().collect();
        events.sort_by_key(|event| event.seq);
        let seqs = flying.iter().filter_map(|index| self.frames.events.get(*index)).map(|event| event.seq).collect();
        (events, seqs)
    }

    /// The last words at a place, newest first: of outputs at most `outputs` of each machine.
    fn last_words(&self, at: Position, outputs: Option<u32>) -> Vec<&Event> {
        let end = self.words.until(at.seq);
        let begin = end.saturating_sub(limits::RECORD_EVENTS_SHOWN_MAX);
        let mut counts = std::collections::BTreeMap::<NodeId, u32>::new();
        let mut wanted = |event: &&Event| {
            let (Fact::Output(output), Some(most)) = (&event.fact, outputs) else { return true };
            let count = counts.entry(output.node).or_default();
            *count += 1;
            *count <= most
        };
        self.words.events.range(begin..end).rev().filter(|event| wanted(event)).collect()
    }

    /// Where in the frame facts those stand whose frames are on their way at a place.
    fn flying(&self, at: Position, end: usize) -> Vec<usize> {
        let mut lost = std::collections::BTreeSet::new();
        let mut flying = Vec::new();
        for index in (0..end).rev() {
            let Some(event) = self.frames.events.get(index) else { break };
            if event.time + self.longest_flight <= at.time {
                break;
            }
            match &event.fact {
                // A loss on the way is told of the port that had sent it.
                Fact::FrameDropped(dropped) => drop(lost.insert((dropped.frame, dropped.node, dropped.port))),
                Fact::FrameSent(sent) => {
                    let port = |index| lost.contains(&(Some(sent.frame), sent.from.node, index));
                    let arrives = sent.arrives.is_some_and(|arrives| arrives > at.time);
                    let on_way = arrives && !port(None) && !port(Some(sent.from.index));
                    if on_way && flying.len() < limits::RECORD_EVENTS_SHOWN_MAX {
                        flying.push(index);
                    }
                }
                _ => {}
            }
        }
        flying.reverse();
        flying
    }

    /// The last passing events of all.
    pub(super) fn recent(&self, seq: u64, time: SimTime) -> Vec<Event> {
        self.passing(Position { seq, time }, limits::RECORD_EVENTS_SHOWN_MAX, None).0
    }

    /// How many inputs had been done at a place, if that is still known.
    pub(super) fn inputs(&self, at: Position) -> Option<u32> {
        let done = self.words.before(at.seq.saturating_add(1), |fact| matches!(fact, Fact::InputDone { .. }));
        match done.map(|event| &event.fact) {
            Some(Fact::InputDone { index, .. }) => Some(index + 1),
            _ if self.words.forgotten == 0 => Some(0),
            _ => None,
        }
    }

    /// Bytes that the record takes, about; and how many events and keyframes are in it.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let bytes = self.streams().iter().map(|stream| stream.bytes).sum();
        let events = self.streams().iter().map(|stream| stream.events.len()).sum();
        (bytes, events, self.keyframes.len())
    }
}
