//! How far a student has come in an exercise: the fold of events and answers.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Node;
use super::facts::matches;
use super::format::{Cover, Exercise};
use crate::event::{Event, FrameSent};
use crate::view::LabView;

/// Something to say about a goal, as data: a stable code and its arguments. The words are in
/// `static/locales/<lang>/` under `goals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Stable code.
    pub code: String,
    /// What the text's `{name}` placeholders stand for.
    pub args: Vec<(String, String)>,
}

impl Note {
    pub(super) fn new(code: &str) -> Self {
        Self { code: code.to_owned(), args: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.args.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Where a goal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalState {
    /// The goal's name.
    pub id: String,
    /// Reached.
    pub done: bool,
    /// What was seen that shows it.
    pub seen: Option<Note>,
    /// What is still missing.
    pub missing: Option<Note>,
    /// The mistake that shows in what happened so far (text section `wrong.<goal>.<name>`).
    pub mistake: Option<String>,
    /// What was guessed, once what was guessed about has shown itself, and whether it was right.
    pub guess: Option<(String, Verdict)>,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right,
    /// Wrong; with the name of the mistake where it is a known one (text section `wrong.<goal>.<name>`).
    Wrong(Option<String>),
    /// Of a table that is not right yet: cell by cell, by `row.column`.
    Cells(BTreeMap<String, Verdict>),
    /// A guess is taken; what is right will show.
    Guessed,
    /// What it asks about has not happened yet.
    NotYet,
    /// The exercise has no such question.
    NoQuestion,
}

/// How far a student has come.
#[derive(Clone, Debug)]
pub struct Progress {
    goals: Vec<GoalProgress>,
    covers: Vec<Cover>,
}

#[derive(Clone, Debug)]
struct GoalProgress {
    id: String,
    standing: bool,
    node: Node,
    /// It held once, and what was seen then.
    done: bool,
    seen: Option<Note>,
    hints: Vec<(String, Option<Node>)>,
    mistakes: Vec<(String, Node)>,
    /// The goal that shows whether a guess was right.
    guess: Option<String>,
}

impl GoalProgress {
    /// Everything that takes events in.
    fn nodes(&mut self) -> impl Iterator<Item = &mut Node> {
        let hints = self.hints.iter_mut().filter_map(|(_, until)| until.as_mut());
        core::iter::once(&mut self.node).chain(hints).chain(self.mistakes.iter_mut().map(|(_, node)| node))
    }

    fn settle(&mut self, view: &LabView) {
        let holds = self.node.since.is_some();
        if holds && (!self.done || self.seen.is_none()) {
            self.seen = self.node.seen(view);
        }
        self.done = holds || (self.done && !self.standing);
    }
}

impl Progress {
    /// At the beginning of an exercise.
    pub fn new(exercise: &Exercise) -> Self {
        let goals = exercise.goals.iter().map(|goal| GoalProgress {
            id: goal.id.clone(),
            standing: goal.standing,
            node: Node::new(&goal.check),
            done: false,
            seen: None,
            hints: goal.hints.iter().map(|hint| (hint.id.clone(), hint.until.as_ref().map(Node::new))).collect(),
            mistakes: goal.mistakes.iter().map(|mistake| (mistake.id.clone(), Node::new(&mistake.when))).collect(),
            guess: goal.check.answer().and_then(|answer| answer.guess.clone()),
        });
        Self { goals: goals.collect(), covers: exercise.covers.clone() }
    }

    /// Looks at the tables as they are: after a snapshot, whose rows came without events.
    pub fn look(&mut self, view: &LabView) {
        for goal in &mut self.goals {
            goal.nodes().for_each(|node| node.look(view));
            goal.settle(view);
        }
    }

    /// Takes one event in. `view` has it already ([`LabView::apply`]).
    pub fn apply(&mut self, event: &Event, view: &LabView) {
        for goal in &mut self.goals {
            goal.nodes().for_each(|node| node.apply(event, view));
            goal.settle(view);
        }
    }

    /// Takes an answer to a goal's question in.
    pub fn answer(&mut self, goal: &str, text: &str, view: &LabView) -> Verdict {
        let Some(goal) = self.goals.iter_mut().find(|known| known.id == goal) else { return Verdict::NoQuestion };
        let verdict = goal.node.answer(text, view);
        goal.settle(view);
        verdict.unwrap_or(Verdict::NoQuestion)
    }

    /// The right answer to a goal's question as the lab is now: for proofs of exercises, never for students.
    pub fn expected(&self, goal: &str, view: &LabView) -> Option<String> {
        self.goals.iter().find(|known| known.id == goal)?.node.expected(view)
    }

    /// Where every goal stands, in the exercise's order. `missing` looks at the tables as they are.
    pub fn state(&self, view: &LabView) -> Vec<GoalState> {
        let state = |goal: &GoalProgress| GoalState {
            id: goal.id.clone(),
            done: goal.done,
            seen: goal.seen.clone().filter(|_| goal.done),
            missing: if goal.done { None } else { goal.node.missing(view) },
            mistake: goal
                .mistakes
                .iter()
                .find(|(_, node)| !goal.done && node.since.is_some())
                .map(|(id, _)| id.clone()),
            guess: goal
                .guess
                .as_ref()
                .filter(|shows| self.is_done(shows))
                .and_then(|_| goal.node.guessed(view).map(|(given, verdict)| (given.to_owned(), verdict))),
        };
        self.goals.iter().map(state).collect()
    }

    /// Names of the hints that still help with a goal, the gentlest first.
    pub fn hints(&self, goal: &str) -> Vec<&str> {
        let Some(goal) = self.goals.iter().find(|known| known.id == goal) else { return Vec::new() };
        let helps = |until: &Option<Node>| until.as_ref().is_none_or(|node| node.since.is_none());
        goal.hints.iter().filter(|(_, until)| helps(until)).map(|(id, _)| id.as_str()).collect()
    }

    fn is_done(&self, goal: &str) -> bool {
        self.goals.iter().any(|known| known.id == goal && known.done)
    }

    /// The goal until which a frame on a cable must not be opened.
    pub fn covered(&self, sent: &FrameSent, view: &LabView) -> Option<&str> {
        let shut = |cover: &&Cover| !self.is_done(&cover.until) && matches(&cover.frame, sent, view);
        self.covers.iter().find(shut).map(|cover| cover.until.as_str())
    }

    /// Every goal is reached.
    pub fn is_solved(&self) -> bool {
        self.goals.iter().all(|goal| goal.done)
    }
}
