//! How far a student has come in an exercise: the fold of events and answers.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::check::Node;
use super::format::Exercise;
use crate::event::Event;
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
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right,
    /// Wrong; with the name of the mistake where it is a known one (text section `wrong.<goal>.<name>`).
    Wrong(Option<String>),
    /// What it asks about has not happened yet.
    NotYet,
    /// The exercise has no such question.
    NoQuestion,
}

/// How far a student has come.
#[derive(Clone, Debug)]
pub struct Progress {
    goals: Vec<GoalProgress>,
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
}

impl GoalProgress {
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
        });
        Self { goals: goals.collect() }
    }

    /// Looks at the tables as they are: after a snapshot, whose rows came without events.
    pub fn look(&mut self, view: &LabView) {
        for goal in &mut self.goals {
            goal.node.look(view);
            goal.hints.iter_mut().filter_map(|(_, until)| until.as_mut()).for_each(|until| until.look(view));
            goal.settle(view);
        }
    }

    /// Takes one event in. `view` has it already ([`LabView::apply`]).
    pub fn apply(&mut self, event: &Event, view: &LabView) {
        for goal in &mut self.goals {
            goal.node.apply(event, view);
            goal.hints.iter_mut().filter_map(|(_, until)| until.as_mut()).for_each(|until| until.apply(event, view));
            goal.settle(view);
        }
    }

    /// Takes an answer to a goal's question in.
    pub fn answer(&mut self, goal: &str, text: &str, view: &LabView) -> Verdict {
        let Some(goal) = self.goals.iter_mut().find(|known| known.id == goal) else { return Verdict::NoQuestion };
        let verdict = goal.node.answer(text, view);
        goal.settle(view);
        match verdict {
            Some(Ok(())) => Verdict::Right,
            Some(Err(known)) => Verdict::Wrong(known),
            None => Verdict::NotYet,
        }
    }

    /// Where every goal stands, in the exercise's order. `missing` looks at the tables as they are.
    pub fn state(&self, view: &LabView) -> Vec<GoalState> {
        let state = |goal: &GoalProgress| GoalState {
            id: goal.id.clone(),
            done: goal.done,
            seen: goal.seen.clone().filter(|_| goal.done),
            missing: if goal.done { None } else { goal.node.missing(view) },
        };
        self.goals.iter().map(state).collect()
    }

    /// Names of the hints that still help with a goal, the gentlest first.
    pub fn hints(&self, goal: &str) -> Vec<&str> {
        let Some(goal) = self.goals.iter().find(|known| known.id == goal) else { return Vec::new() };
        let helps = |until: &Option<Node>| until.as_ref().is_none_or(|node| node.since.is_none());
        goal.hints.iter().filter(|(_, until)| helps(until)).map(|(id, _)| id.as_str()).collect()
    }

    /// Every goal is reached.
    pub fn is_solved(&self) -> bool {
        self.goals.iter().all(|goal| goal.done)
    }
}
