//! The evaluation of one [`Check`] over events and tables: what it remembers, and since when it holds.

use std::collections::BTreeMap;

use super::answers::{AnswerCheck, Asked, Expect, cells_of, normal};
use super::checks::*;
use super::facts::{is_of, machine, matches, table_holds, value};
use super::fields::frame_fields;
use super::progress::Verdict;
use crate::event::{Event, Fact, FrameDropped, FrameSent, Stream};
use crate::id::{JobId, NodeId};
use crate::view::{Key, LabView, Row, SocketEnd, SocketRow};

/// Characters of an answer that are kept.
const ANSWER_CHARS_MAX: usize = 1_000;
/// Connections that a check on their states follows at once.
const WAYS_MAX: usize = 64;
/// Characters of one line of output that are kept while it is not complete.
const LINE_CHARS_MAX: usize = 4_096;

/// A check with what it remembers.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) check: Check,
    pub(super) children: Vec<Node>,
    /// Since which event it holds; none while it does not.
    pub(super) since: Option<u64>,
    /// At which event it held first.
    first: Option<u64>,
    pub(super) memory: Memory,
}

/// What a check over history remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Frames that matched; of two that reach each other, packets that came.
    pub(super) count: u32,
    /// Of questions about frames: the fields' last values, in the order of all that is expected.
    captured: Vec<Option<String>>,
    /// Commands that run and would count, with the machine.
    running: Vec<(NodeId, JobId)>,
    /// The last exit status that was not the wanted one.
    pub(super) status: Option<i32>,
    /// A line of output that has not ended.
    line: String,
    /// The last answer that was given; of a guess, the first.
    pub(super) given: Option<String>,
    /// How many of the states a connection has gone through, by its two ends.
    pub(super) ways: BTreeMap<(String, String), u32>,
}

impl Node {
    pub(super) fn new(check: &Check) -> Self {
        let children = match check {
            Check::All(list) | Check::Any(list) => list.iter().map(Self::new).collect(),
            Check::Not(inner) | Check::Once(inner) => vec![Self::new(inner)],
            Check::Before(pair) => pair.iter().map(Self::new).collect(),
            _ => Vec::new(),
        };
        let mut memory = Memory::default();
        if let Check::Answer(answer) = check {
            memory.captured = vec![None; answer.asked().iter().map(|(_, asked)| asked.expects().count()).sum()];
        }
        Self { check: check.clone(), children, since: None, first: None, memory }
    }

    /// Takes one event in; `view` has it already.
    pub(super) fn apply(&mut self, event: &Event, view: &LabView) {
        self.children.iter_mut().for_each(|child| child.apply(event, view));
        match &event.fact {
            Fact::FrameSent(sent) => self.frame(sent, event.seq, view),
            Fact::FrameDropped(dropped) => self.dropped(dropped, event.seq, view),
            Fact::JobStarted { node, job, line } => self.job_started(*node, *job, line, event.seq, view),
            Fact::JobEnded { node, job, status } => self.job_ended(*node, *job, *status, event.seq),
            Fact::Output(output) if output.stream == Stream::Stdout => {
                let text: String = output.spans.iter().map(|span| span.text.as_str()).collect();
                self.output(output.node, &text, event.seq, view);
            }
            Fact::Put { row } => {
                if let Row::Socket(socket) = row {
                    self.socket(socket, event.seq, view);
                }
                self.tables(event.seq, view);
            }
            Fact::Del { key } => {
                if matches!(key, Key::Socket(_)) {
                    self.socket_gone(event.seq, view);
                }
                self.tables(event.seq, view);
            }
            _ => {}
        }
        self.combine(event.seq);
    }

    /// Looks at the tables as they are, without an event: after a snapshot.
    pub(super) fn look(&mut self, view: &LabView) {
        self.children.iter_mut().for_each(|child| child.look(view));
        self.tables(view.seq, view);
        self.combine(view.seq);
    }

    fn hold(&mut self, holds: bool, seq: u64) {
        self.since = holds.then(|| self.since.unwrap_or(seq));
        if self.first.is_none() {
            self.first = self.since;
        }
    }

    /// Checks over tables: they hold while the table says so.
    fn tables(&mut self, seq: u64, view: &LabView) {
        if let Some(holds) = table_holds(&self.check, view) {
            self.hold(holds, seq);
        }
    }

    fn combine(&mut self, seq: u64) {
        let holds = match &self.check {
            Check::All(_) => self.children.iter().all(|child| child.since.is_some()),
            Check::Any(_) => self.children.iter().any(|child| child.since.is_some()),
            Check::Not(_) => self.children.iter().all(|child| child.since.is_none()),
            Check::Once(_) => self.children.iter().any(|child| child.first.is_some()),
            Check::Before(_) => match self.children.as_slice() {
                [a, b] => a.first.zip(b.first).is_some_and(|(a, b)| a < b),
                _ => false,
            },
            _ => return,
        };
        self.hold(holds, seq);
    }

    fn frame(&mut self, sent: &FrameSent, seq: u64, view: &LabView) {
        match &self.check {
            Check::Frame(check) if matches(check, sent, view) => {
                self.memory.count = self.memory.count.saturating_add(1);
                let enough = self.memory.count >= check.count;
                self.hold(enough, seq);
            }
            Check::Reached(check) => {
                let (Some(from), Some(to)) = (machine(view, &check.from), machine(view, &check.to)) else { return };
                let here = sent.to.node;
                if here != from && here != to {
                    return;
                }
                let fields = frame_fields(&sent.bytes.0);
                let (Some(src), Some(dst)) = (fields.get("ip.src"), fields.get("ip.dst")) else { return };
                if here == to && is_of(view, from, src) && is_of(view, to, dst) {
                    self.memory.count = self.memory.count.saturating_add(1);
                } else if here == from && self.memory.count > 0 && is_of(view, to, src) && is_of(view, from, dst) {
                    self.hold(true, seq);
                }
            }
            Check::Answer(answer) => {
                let asked = answer.asked();
                let expects = asked.iter().flat_map(|(_, asked)| asked.expects());
                for (expect, slot) in expects.zip(&mut self.memory.captured) {
                    if let Expect::Field(field) = expect
                        && matches(&field.frame, sent, view)
                        && let Some(value) = frame_fields(&sent.bytes.0).remove(field.name.as_str())
                    {
                        *slot = Some(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn dropped(&mut self, dropped: &FrameDropped, seq: u64, view: &LabView) {
        if let Check::Dropped(check) = &self.check
            && machine(view, &check.at) == Some(dropped.node)
            && check.reason.as_ref().is_none_or(|reason| reason == dropped.reason.code())
        {
            self.hold(true, seq);
        }
    }

    /// A socket is new or changed: how far its connection has come.
    fn socket(&mut self, row: &SocketRow, seq: u64, view: &LabView) {
        let Check::Went(check) = &self.check else { return };
        let ours = row.node.is_some() && row.node == machine(view, &check.machine);
        let ports = check.local_port.is_none_or(|port| port == row.local.port)
            && check.peer_port.is_none_or(|port| port == row.peer.port);
        if !ours || !ports {
            return;
        }
        let key = way_of(row);
        let far = self.memory.ways.get(&key).copied().unwrap_or(0);
        if check.through.get(far as usize) != Some(&row.state) {
            return;
        }
        if far == 0 && self.memory.ways.len() >= WAYS_MAX {
            self.memory.ways.pop_first();
        }
        self.memory.ways.insert(key, far + 1);
        if far as usize + 1 == check.through.len() && !check.gone {
            self.hold(true, seq);
        }
    }

    /// A socket is gone: whether it was one that had been through all states.
    fn socket_gone(&mut self, seq: u64, view: &LabView) {
        let Check::Went(check) = &self.check else { return };
        if !check.gone || self.since.is_some() {
            return;
        }
        let node = machine(view, &check.machine);
        let there = |way: &(String, String)| view.sockets.values().any(|row| row.node == node && way_of(row) == *way);
        let through = self.memory.ways.iter().filter(|(_, far)| **far as usize == check.through.len());
        if through.into_iter().any(|(way, _)| !there(way)) {
            self.hold(true, seq);
        }
    }

    fn job_started(&mut self, node: NodeId, job: JobId, line: &str, seq: u64, view: &LabView) {
        if let Check::Ran(check) = &self.check
            && machine(view, &check.machine) == Some(node)
            && runs(line, &check.command)
            && check.mentions.as_ref().is_none_or(|said| value(said, view).is_some_and(|word| mentions(line, &word)))
        {
            if check.status.is_none() && !check.fails {
                self.hold(true, seq);
            } else if self.memory.running.len() < 64 {
                self.memory.running.push((node, job));
            }
        }
    }

    fn job_ended(&mut self, node: NodeId, job: JobId, status: i32, seq: u64) {
        if let Check::Ran(check) = &self.check
            && let Some(at) = self.memory.running.iter().position(|known| *known == (node, job))
        {
            self.memory.running.remove(at);
            if check.status == Some(status) || (check.fails && status != 0) {
                self.hold(true, seq);
            } else {
                self.memory.status = Some(status);
            }
        }
    }

    fn output(&mut self, node: NodeId, text: &str, seq: u64, view: &LabView) {
        if self.since.is_some() {
            return;
        }
        let Check::Output(check) = &self.check else { return };
        if machine(view, &check.machine) != Some(node) {
            return;
        }
        self.memory.line.push_str(text);
        let found = self.memory.line.contains(&check.contains);
        if let Some(end) = self.memory.line.rfind('\n') {
            self.memory.line.drain(..=end);
        }
        if self.memory.line.len() > LINE_CHARS_MAX {
            self.memory.line.clear();
        }
        if found {
            self.hold(true, seq);
        }
    }

    /// Takes an answer in; `None` where nothing is asked.
    pub(super) fn answer(&mut self, given: &str, view: &LabView) -> Option<Verdict> {
        let Check::Answer(check) = &self.check else {
            let verdict = self.children.iter_mut().find_map(|child| child.answer(given, view));
            self.combine(view.seq);
            return verdict;
        };
        let kept: String = given.chars().take(ANSWER_CHARS_MAX).collect();
        if check.guess.is_some() {
            // The first guess counts: afterwards it would be none.
            self.memory.given.get_or_insert(kept);
            self.hold(true, view.seq);
            return Some(Verdict::Guessed);
        }
        let verdict = self.judge(check, given, view);
        if verdict != Verdict::NotYet {
            self.memory.given = Some(kept);
        }
        if verdict == Verdict::Right {
            self.hold(true, view.seq);
        }
        Some(verdict)
    }

    /// What was guessed, and whether it was right, as the lab is now.
    pub(super) fn guessed(&self, view: &LabView) -> Option<(&str, Verdict)> {
        match &self.check {
            Check::Answer(check) => {
                let given = self.memory.given.as_deref()?;
                Some((given, self.judge(check, given, view)))
            }
            _ => self.children.iter().find_map(|child| child.guessed(view)),
        }
    }

    /// The right answer as the lab is now; none for a table, and for what has not happened.
    pub(super) fn expected(&self, view: &LabView) -> Option<String> {
        match &self.check {
            Check::Answer(check) => match check.expect.as_ref()? {
                Expect::Field(_) => self.memory.captured.first().cloned().flatten(),
                expect => value(expect, view),
            },
            _ => self.children.iter().find_map(|child| child.expected(view)),
        }
    }

    fn judge(&self, check: &AnswerCheck, given: &str, view: &LabView) -> Verdict {
        let mut slots = self.memory.captured.iter();
        let (cells, mut verdicts) = (cells_of(given), BTreeMap::new());
        for (name, asked) in check.asked() {
            let values: Vec<_> = asked
                .expects()
                .zip(slots.by_ref())
                .map(|(expect, slot)| if let Expect::Field(_) = expect { slot.clone() } else { value(expect, view) })
                .collect();
            if name.is_empty() {
                return judge(&asked, &values, given);
            }
            let said = cells.get(&name).map_or("", String::as_str);
            verdicts.insert(name, judge(&asked, &values, said));
        }
        match verdicts.values().find(|verdict| **verdict != Verdict::Right) {
            None => Verdict::Right,
            Some(_) if verdicts.values().any(|verdict| *verdict == Verdict::NotYet) => Verdict::NotYet,
            Some(_) => Verdict::Cells(verdicts),
        }
    }
}

/// One answer against what is expected; `values` are those of [`Asked::expects`].
fn judge(asked: &Asked<'_>, values: &[Option<String>], given: &str) -> Verdict {
    let said = normal(asked.kind, given);
    let is = |expect: &Expect, value: &Option<String>| match expect {
        Expect::Ahead([first, second]) => {
            let place = |wanted: &str| said.split(' ').position(|word| word == wanted);
            place(first).zip(place(second)).is_some_and(|(first, second)| first < second)
        }
        _ => value.as_ref().is_some_and(|value| normal(asked.kind, value) == said),
    };
    let mut pairs = asked.expects().zip(values);
    let rights: Vec<_> = pairs.by_ref().take(1 + asked.also.len()).collect();
    if rights.iter().any(|(expect, value)| is(expect, value)) {
        return Verdict::Right;
    }
    // What the lab has not shown yet cannot be answered, right or wrong.
    if rights.iter().all(|(_, value)| value.is_none()) {
        return Verdict::NotYet;
    }
    let known = asked.wrongs.iter().zip(pairs).find(|(_, (expect, value))| is(expect, value));
    Verdict::Wrong(known.map(|(wrong, _)| wrong.id.clone()))
}

fn way_of(row: &SocketRow) -> (String, String) {
    let end = |end: &SocketEnd| format!("{}:{}", end.addr, end.port);
    (end(&row.local), end(&row.peer))
}

/// Whether a line speaks of a word, alone or as a part: `http://192.168.0.50/` speaks of 192.168.0.50, not of 192.168.0.5.
fn mentions(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '.';
    line.match_indices(word).any(|(at, _)| {
        let after = line[at + word.len()..].chars().next();
        !line[..at].chars().next_back().is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// Whether a line runs a command that begins with these words; pipes and lists are looked through.
fn runs(line: &str, command: &str) -> bool {
    line.split(['|', ';', '&', '(', ')']).any(|part| {
        let mut words = part.split_whitespace().skip_while(|word| matches!(*word, "sudo" | "time" | "exec"));
        command.split_whitespace().all(|wanted| words.next() == Some(wanted))
    })
}
