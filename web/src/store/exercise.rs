//! The open exercise: where its goals stand, what was answered, how many hints were asked for.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use netmodes_core::event::Event;
use netmodes_core::exercise::{Exercise, GoalState, Progress, Verdict};
use netmodes_core::view::LabView;

use super::Effect;

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
    /// How many hints of each goal are open.
    hints: BTreeMap<String, usize>,
    /// It was solved in this run.
    pub solved: bool,
    progress: Progress,
    /// Where the goals stood after events, by the number of the last one: for looking back and undoing.
    marks: VecDeque<(u64, Progress, Vec<GoalState>)>,
}

/// Marks kept; when there are more, every second one goes.
const MARKS_MAX: usize = 256;

impl ExerciseState {
    /// At its beginning, over the tables as they are.
    pub fn new(spec: Exercise, view: &LabView) -> Self {
        let mut progress = Progress::new(&spec);
        progress.look(view);
        let goals = progress.state(view);
        let solved = progress.is_solved();
        let (answers, hints) = (BTreeMap::new(), BTreeMap::new());
        let mut state = Self { spec: Rc::new(spec), goals, answers, hints, solved, progress, marks: VecDeque::new() };
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
        self.progress.look(view);
        self.goals = self.progress.state(view);
    }

    /// A new picture came: of a lab that begins anew (`again`), or after a lost connection.
    pub fn begin(&mut self, again: bool, view: &LabView) {
        if again {
            self.progress = Progress::new(&self.spec);
            self.answers.clear();
            self.solved = false;
            self.marks.clear();
        }
        self.progress.look(view);
        self.goals = self.progress.state(view);
        self.mark(view);
    }

    /// One event, after the tables took it in.
    pub fn apply(&mut self, event: &Event, view: &LabView) {
        self.progress.apply(event, view);
    }

    /// After events: where the goals stand now.
    pub fn settle(&mut self, view: &LabView) -> Vec<Effect> {
        self.goals = self.progress.state(view);
        self.mark(view);
        if self.solved || !self.progress.is_solved() {
            return Vec::new();
        }
        self.solved = true;
        vec![Effect::Keep { key: format!("solved.{}", self.spec.id), value: "1".to_owned() }]
    }

    /// The student's answer to a goal's question.
    pub fn answer(&mut self, goal: &str, text: &str, view: &LabView) -> Vec<Effect> {
        let verdict = self.progress.answer(goal, text, view);
        self.answers.insert(goal.to_owned(), Answered { text: text.to_owned(), verdict });
        self.settle(view)
    }

    /// One more hint for a goal.
    pub fn hint(&mut self, goal: &str) {
        let useful = self.progress.hints(goal).len();
        let open = self.hints.entry(goal.to_owned()).or_default();
        *open = (*open + 1).min(useful.max(1));
    }

    /// The open hints of a goal, the gentlest first, and whether there is one more.
    pub fn hints(&self, goal: &str) -> (Vec<String>, bool) {
        let useful = self.progress.hints(goal);
        let open = self.hints.get(goal).copied().unwrap_or(0).min(useful.len());
        (useful[..open].iter().map(|id| (*id).to_owned()).collect(), open < useful.len())
    }

    /// The first goal that is not reached.
    pub fn current(&self) -> Option<&str> {
        self.goals.iter().find(|goal| !goal.done).map(|goal| goal.id.as_str())
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

    #[test]
    fn an_answer_solves_and_is_remembered() {
        let view = LabView::default();
        let mut state = ExerciseState::new(exercise(), &view);
        assert_eq!(state.answer("who", "vm1", &view), []);
        assert_eq!(state.answers["who"].verdict, Verdict::Wrong(Some("vm".into())));
        assert_eq!(state.current(), Some("who"));
        assert_eq!(state.answer("who", "host", &view), [Effect::Keep { key: "solved.x".into(), value: "1".into() }]);
        assert!(state.solved && state.current().is_none());
        state.begin(true, &view);
        assert!(!state.solved && state.answers.is_empty());
    }

    #[test]
    fn hints_open_one_by_one() {
        let mut state = ExerciseState::new(exercise(), &LabView::default());
        assert_eq!(state.hints("who"), (vec![], true));
        state.hint("who");
        assert_eq!(state.hints("who"), (vec!["a".into()], true));
        state.hint("who");
        state.hint("who");
        assert_eq!(state.hints("who"), (vec!["a".into(), "b".into()], false));
    }
}
