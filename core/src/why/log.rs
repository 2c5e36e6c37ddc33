//! What is remembered in order to explain: the last facts about frames, and the command lines that were given.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::event::{Event, Fact, Stream};
use crate::id::{JobId, NodeId};
use crate::limits::{WHY_EVENTS_MAX, WHY_JOBS_MAX, WHY_OUTPUT_MAX};
use crate::time::SimTime;

/// Events of one piece. A copy of the log copies one piece and the list of pieces.
const PIECE: usize = 256;

/// A command line, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNote {
    /// The machine.
    pub node: NodeId,
    /// The job.
    pub job: JobId,
    /// The line as it was typed.
    pub line: String,
    /// Number of the event that began it.
    pub from: u64,
    /// When it began.
    pub began: SimTime,
    /// Number of the event that ended it and its exit status; none while it runs.
    pub ended: Option<(u64, i32)>,
    /// When it ended.
    pub over: Option<SimTime>,
    /// The end of what it printed, both streams.
    pub output: String,
    /// The last line it wrote to standard error, or printed at all.
    pub said: String,
}

impl JobNote {
    /// Whether it came to its end without success: by its status, or by what it printed.
    pub fn failed(&self) -> bool {
        let Some((_, status)) = self.ended else { return false };
        // 130 is Ctrl-C: whoever pressed it may still ask why nothing came.
        let bad_words =
            ["100% packet loss", "Unreachable", "unreachable", "No DHCPOFFERS", "timed out", "!H", "!N", "!X", "DUP!"];
        let silent = status == 130 && self.output.contains("transmitted, 0 received");
        (status != 0 && (status != 130 || silent)) || bad_words.iter().any(|word| self.output.contains(word))
    }
}

/// The last facts, and the last command lines.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pieces: VecDeque<Rc<Vec<Event>>>,
    jobs: VecDeque<Rc<JobNote>>,
    /// Events up to this number are forgotten.
    forgotten: u64,
}

impl Log {
    /// Remembers an event, if it is one that explains something.
    pub fn push(&mut self, event: &Event) {
        match &event.fact {
            Fact::FrameSent(_) | Fact::FrameDropped(_) | Fact::Decided { .. } => self.keep(event.clone()),
            Fact::JobStarted { node, job, line } => {
                if self.jobs.len() >= WHY_JOBS_MAX {
                    self.jobs.pop_front();
                }
                self.jobs.push_back(Rc::new(JobNote {
                    node: *node,
                    job: *job,
                    line: line.clone(),
                    from: event.seq,
                    began: event.time,
                    ended: None,
                    over: None,
                    output: String::new(),
                    said: String::new(),
                }));
            }
            Fact::Output(output) => {
                if let Some(note) = self.note(output.node, output.job) {
                    let text: String = output.spans.iter().map(|span| span.text.as_str()).collect();
                    print(note, &text, output.stream);
                }
            }
            Fact::JobEnded { node, job, status } => {
                if let Some(note) = self.note(*node, *job) {
                    note.ended = Some((event.seq, *status));
                    note.over = Some(event.time);
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, event: Event) {
        match self.pieces.back_mut() {
            Some(piece) if piece.len() < PIECE => Rc::make_mut(piece).push(event),
            _ => self.pieces.push_back(Rc::new(vec![event])),
        }
        if self.pieces.len() * PIECE > WHY_EVENTS_MAX
            && let Some(piece) = self.pieces.pop_front()
        {
            self.forgotten = piece.last().map_or(self.forgotten, |event| event.seq);
        }
    }

    fn note(&mut self, node: NodeId, job: JobId) -> Option<&mut JobNote> {
        self.jobs.iter_mut().rev().find(|note| (note.node, note.job) == (node, job)).map(Rc::make_mut)
    }

    /// A command line that is remembered.
    pub fn job(&self, node: NodeId, job: JobId) -> Option<&Rc<JobNote>> {
        self.jobs.iter().rev().find(|note| (note.node, note.job) == (node, job))
    }

    /// The command lines, oldest first.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &Rc<JobNote>> {
        self.jobs.iter()
    }

    /// The remembered events with numbers in `from..=to`, in order.
    pub fn between(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = &Event> + Clone {
        self.pieces.iter().flat_map(|piece| piece.iter()).filter(move |event| (from..=to).contains(&event.seq))
    }

    /// Whether something after event `from` is forgotten.
    pub fn forgot(&self, from: u64) -> bool {
        self.forgotten > from
    }
}

fn print(note: &mut JobNote, text: &str, stream: Stream) {
    note.output.push_str(text);
    if note.output.len() > WHY_OUTPUT_MAX {
        let mut cut = note.output.len() - WHY_OUTPUT_MAX;
        while !note.output.is_char_boundary(cut) {
            cut += 1;
        }
        note.output.drain(..cut);
    }
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    if let Some(last) = last.filter(|_| stream == Stream::Stderr || note.said.is_empty()) {
        note.said = last.trim().chars().take(200).collect();
    }
}
