//! The open exercise: where its goals stand, what was answered, how many hints were asked for.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::event::{Event, FrameSent};
use netmodes_core::exercise::{AnswerCheck, Exercise, GoalState, Progress, Road, Verdict, cells_of};
use netmodes_core::view::LabView;
use netmodes_core::world::Command;

use super::Effect;
use super::course::Kept;

/// An answer and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What the student said.
    pub text: String,
    /// Whether it is right.
    pub verdict: Verdict,
}

/// The open exercise.
#[derive(Clone, Debug)]
pub struct ExerciseState {
    /// Its data.
    pub spec: Rc<Exercise>,
    /// Where every goal stands, in the exercise's order.
    pub goals: Vec<GoalState>,
    /// The last answer to each goal's question.
    pub answers: BTreeMap<String, Answered>,
    /// It was solved in this run.
    pub solved: bool,
    /// Another lab runs than the one it belongs to: nothing that happens there counts.
    pub away: bool,
    /// A real machine stands somewhere in the lab: its inside cannot be seen.
    pub real: bool,
    kept: Kept,
    progress: Progress,
    /// Where the goals stood after events, by the number of the last one: for looking back and undoing.
    marks: VecDeque<(u64, Progress, Vec<GoalState>)>,
}

/// Marks kept; when there are more, every second one goes.
const MARKS_MAX: usize = 256;

impl ExerciseState {
    /// At its beginning, over the tables as they are; `kept` is what the browser remembers of earlier runs.
    pub fn new(spec: Exercise, kept: Kept, view: &LabView) -> Self {
        let mut progress = Progress::new(&spec);
        progress.look(view);
        let goals = progress.state(view);
        let solved = progress.is_solved();
        let (answers, marks) = (BTreeMap::new(), VecDeque::new());
        let mut state = Self {
            spec: Rc::new(spec),
            goals,
            answers,
            solved,
            away: false,
            real: is_real(view),
            kept,
            progress,
            marks,
        };
        state.mark(view);
        state
    }

    /// Remembers where the goals stand.
    fn mark(&mut self, view: &LabView) {
        // An answer may be given while an earlier instant is looked at.
        let seq = self.marks.back().map_or(view.seq, |(last, ..)| view.seq.max(*last));
        if self.marks.back().is_some_and(|(last, ..)| *last == seq) {
            self.marks.pop_back();
        }
        self.marks.push_back((seq, self.progress.clone(), self.goals.clone()));
        if self.marks.len() > MARKS_MAX {
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// The last mark at event `seq` or before it.
    fn marked(&self, seq: u64) -> Option<&(u64, Progress, Vec<GoalState>)> {
        let count = self.marks.partition_point(|(marked, ..)| *marked <= seq);
        self.marks.get(count.saturating_sub(1))
    }

    /// Shows the goals as they stood after event `seq`; how far the student has come is not changed.
    pub fn show(&mut self, seq: u64) {
        if let Some((_, _, goals)) = self.marked(seq) {
            self.goals = goals.clone();
        }
    }

    /// The session goes on from event `seq`, over the tables as they are now: what was reached later is open again.
    pub fn resume(&mut self, seq: u64, view: &LabView) {
        if let Some((_, progress, _)) = self.marked(seq) {
            self.progress = progress.clone();
        }
        self.marks.retain(|(marked, ..)| *marked <= seq);
        if !self.away {
            self.progress.look(view);
        }
        self.goals = self.progress.state(view);
    }

    /// A new picture came, of the lab `lab`: of one that begins anew (`again`), or after a lost connection.
    pub fn begin(&mut self, again: bool, lab: &str, view: &LabView) {
        self.away = lab != self.spec.lab;
        if again {
            self.progress = Progress::new(&self.spec);
            self.answers.clear();
            self.solved = false;
            self.marks.clear();
        }
        if !self.away {
            self.progress.look(view);
        }
        self.goals = self.progress.state(view);
        self.mark(view);
    }

    /// One event, after the tables took it in.
    pub fn apply(&mut self, event: &Event, view: &LabView) {
        if !self.away {
            self.progress.apply(event, view);
        }
    }

    /// After events: where the goals stand now.
    pub fn settle(&mut self, view: &LabView) -> Vec<Effect> {
        if self.away {
            return Vec::new();
        }
        self.goals = self.progress.state(view);
        self.mark(view);
        self.real = is_real(view);
        if self.solved || !self.progress.is_solved() {
            return Vec::new();
        }
        self.solved = true;
        self.kept.solved = true;
        vec![self.keep()]
    }

    /// The student's answer to a goal's question.
    pub fn answer(&mut self, goal: &str, text: &str, view: &LabView) -> Vec<Effect> {
        if self.away {
            return Vec::new();
        }
        let verdict = self.progress.answer(goal, text, view);
        // A guess stays as it was given first.
        let first = || self.answers.get(goal).map(|answered| answered.text.clone());
        let text = if verdict == Verdict::Guessed { first() } else { None }.unwrap_or_else(|| text.to_owned());
        self.kept.answers.insert(goal.to_owned(), text.clone());
        self.answers.insert(goal.to_owned(), Answered { text, verdict });
        let mut effects = self.settle(view);
        if effects.is_empty() {
            effects.push(self.keep());
        }
        effects
    }

    /// One more hint for a goal.
    pub fn hint(&mut self, goal: &str) -> Vec<Effect> {
        let useful = self.progress.hints(goal).len();
        let open = self.kept.hints.entry(goal.to_owned()).or_default();
        *open = (*open + 1).min(useful.max(1));
        vec![self.keep()]
    }

    /// The open hints of a goal, the gentlest first, and whether there is one more.
    pub fn hints(&self, goal: &str) -> (Vec<String>, bool) {
        let useful = self.progress.hints(goal);
        let open = self.kept.hints.get(goal).copied().unwrap_or(0).min(useful.len());
        (useful[..open].iter().map(|id| (*id).to_owned()).collect(), open < useful.len())
    }

    /// What was answered in an earlier run or this one: an answer form begins with it.
    pub fn remembered(&self, goal: &str) -> Option<&str> {
        self.kept.answers.get(goal).map(String::as_str)
    }

    /// The first goal that is not reached.
    pub fn current(&self) -> Option<&str> {
        self.goals.iter().find(|goal| !goal.done).map(|goal| goal.id.as_str())
    }

    /// How many goals are reached.
    pub fn done(&self) -> usize {
        self.goals.iter().filter(|goal| goal.done).count()
    }

    /// The goal until which this frame must not be opened. What shows a frame's inside asks this first.
    pub fn is_covered(&self, sent: &FrameSent, view: &LabView) -> Option<&str> {
        if self.away { None } else { self.progress.covered(sent, view) }
    }

    /// Whether the exercise closes the road that this command takes.
    pub fn closes(&self, command: &Command) -> bool {
        let road = match command {
            Command::Run { .. } | Command::Signal { .. } | Command::Input { .. } | Command::InputEnd { .. } => {
                return false;
            }
            Command::Attach { .. } => Road::Attach,
            Command::Cable { .. } => Road::Cable,
            _ => Road::Edit,
        };
        !self.away && !self.solved && self.spec.closed.contains(&road)
    }

    /// What the browser is to remember.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    fn keep(&self) -> Effect {
        self.kept.keep(&self.spec.id)
    }
}

fn is_real(view: &LabView) -> bool {
    view.nodes.values().any(|node| node.real)
}

/// How many cells of a table are right, and how many there are.
pub fn cells_right(answer: &AnswerCheck, answered: &Answered) -> (usize, usize) {
    let all = answer.cells.len();
    match &answered.verdict {
        Verdict::Right => (all, all),
        Verdict::Cells(cells) => (cells.values().filter(|verdict| **verdict == Verdict::Right).count(), all),
        _ => (0, cells_of(&answered.text).len().max(all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exercise() -> Exercise {
        let text = r#"{
            "format_version": 1, "id": "x", "lab": "nat", "chapter": "nat", "minutes": 1,
            "goal": [{
                "id": "who", "evidence": "wire",
                "check": {"answer": {"kind": "text", "expect": {"value": "host"},
                          "wrong": [{"id": "vm", "expect": {"value": "vm1"}}]}},
                "hint": [{"id": "a"}, {"id": "b"}]
            }],
            "solution": {"answers": {"who": "host"}}
        }"#;
        Exercise::from_json(text).unwrap()
    }

    fn kept(effects: &[Effect]) -> Kept {
        let Some(Effect::Keep { key, value }) = effects.first() else { panic!("nothing is kept: {effects:?}") };
        assert_eq!(key, "exercise.x");
        Kept::read(value)
    }

    #[test]
    fn an_answer_solves_and_is_remembered() {
        let view = LabView::default();
        let mut state = ExerciseState::new(exercise(), Kept::default(), &view);
        let after = kept(&state.answer("who", "vm1", &view));
        assert!(!after.solved && after.answers["who"] == "vm1");
        assert_eq!(state.answers["who"].verdict, Verdict::Wrong(Some("vm".into())));
        assert_eq!(state.current(), Some("who"));
        assert!(kept(&state.answer("who", "host", &view)).solved);
        assert!(state.solved && state.current().is_none() && state.done() == 1);
        state.begin(true, "nat", &view);
        assert!(!state.solved && state.answers.is_empty());
        assert_eq!(state.remembered("who"), Some("host"), "what was said before is offered again");
        assert!(state.kept().solved, "a solved exercise stays marked");
    }

    #[test]
    fn in_another_lab_nothing_counts_until_its_own_is_back() {
        let view = LabView::default();
        let mut state = ExerciseState::new(exercise(), Kept::default(), &view);
        state.begin(true, "bridged", &view);
        assert!(state.away);
        assert_eq!(state.answer("who", "host", &view), []);
        assert_eq!(state.current(), Some("who"));
        state.begin(true, "nat", &view);
        assert!(!state.away && !state.answer("who", "host", &view).is_empty() && state.solved);
    }

    #[test]
    fn a_closed_road_is_closed_until_the_exercise_is_solved_and_typing_never_is() {
        let view = LabView::default();
        let mut spec = exercise();
        spec.closed = vec![Road::Cable];
        let mut state = ExerciseState::new(spec, Kept::default(), &view);
        let cable = Command::Cable {
            machine: "vm1".into(),
            iface: "enp0s3".into(),
            state: netmodes_core::world::CableState::Off,
        };
        let end = Command::InputEnd { machine: "vm1".into(), job: netmodes_core::id::JobId(1) };
        assert!(state.closes(&cable) && !state.closes(&end));
        state.answer("who", "host", &view);
        assert!(!state.closes(&cable));
    }

    #[test]
    fn hints_open_one_by_one() {
        let mut state = ExerciseState::new(exercise(), Kept::default(), &LabView::default());
        assert_eq!(state.hints("who"), (vec![], true));
        state.hint("who");
        assert_eq!(state.hints("who"), (vec!["a".into()], true));
        state.hint("who");
        state.hint("who");
        assert_eq!(state.hints("who"), (vec!["a".into(), "b".into()], false));
    }
}
