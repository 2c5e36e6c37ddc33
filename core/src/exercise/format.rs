//! The structures of `exercise.toml` (and of its JSON form, which the page reads).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use super::checks::{Check, FrameCheck};
use crate::display_filter::Filter;
use crate::error::UserError;

/// A whole exercise, without its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// [`FORMAT_VERSION`] it was written for.
    pub format_version: u32,
    /// Its name: its folder's, and the key of progress that is kept.
    pub id: String,
    /// The lab it begins in: a built-in one's name.
    pub lab: String,
    /// The seed it is shown with; solutions must work with any.
    #[serde(default = "one")]
    pub seed: u64,
    /// The course's chapter: `machine`, `dhcp`, `addressing`, `nat` …
    pub chapter: String,
    /// About how long it takes a first-year student, in minutes.
    pub minutes: u32,
    /// Rows of `static/lecture.toml` that it lets the student do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teaches: Vec<String>,
    /// Roads that would be no solution: the page does not let them be taken, and says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Road>,
    /// What is to be reached, in the order it is shown.
    #[serde(rename = "goal")]
    pub goals: Vec<Goal>,
    /// Frames that may not be opened yet.
    #[serde(rename = "cover", default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<Cover>,
    /// What proves that it can be solved.
    #[serde(default)]
    pub solution: Solution,
}

fn one() -> u64 {
    1
}

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Its name, unique in the exercise. Its words are the text's section `goal.<id>`.
    pub id: String,
    /// Where the evidence comes from.
    pub evidence: Evidence,
    /// It must still hold at the end; otherwise having held once is enough.
    #[serde(default, skip_serializing_if = "is_false")]
    pub standing: bool,
    /// What must hold.
    pub check: Check,
    /// Hints by degrees, the gentlest first. Their words are the text's sections `hint.<goal>.<id>`.
    #[serde(rename = "hint", default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// Mistakes that show in what happened, the most particular first; the first that holds is spoken of.
    #[serde(rename = "mistake", default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// Where a goal's evidence comes from: a real guest's inside cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Frames on cables, and tables of what we simulate.
    Wire,
    /// The machine's own tables and commands.
    Inside,
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Its name, unique in the goal.
    pub id: String,
    /// Once this holds, the hint is of no use any more and is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Check>,
}

/// A mistake that shows in what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Its name, unique in the goal. Its words are the text's section `wrong.<goal>.<id>`; `wrong/<goal>.<id>.nms` makes it.
    pub id: String,
    /// How it is recognised.
    pub when: Check,
}

/// Something a student can do to a lab besides typing at a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Road {
    /// Another mode for a card.
    Attach,
    /// Pulling a cable or plugging it in.
    Cable,
    /// Everything else: services, links, switches, the hypervisor's networks, machines.
    Edit,
}

/// Frames that may not be opened until a goal is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Which frames; `count` means nothing here.
    pub frame: FrameCheck,
    /// The goal that uncovers them.
    pub until: String,
}

/// What proves that an exercise can be solved, together with `solution.nms`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solution {
    /// The right answers, by goal. `*` stands for what the lab says, where that is another with every seed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
    /// Parts of the solution's lines: without any one of these lines it is no solution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
}

impl Exercise {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// `exercise-malformed`, and what [`Exercise::validate`] finds.
    pub fn from_json(text: &str) -> Result<Self, UserError> {
        let exercise: Self =
            serde_json::from_str(text).map_err(|error| UserError::new("exercise-malformed").with("message", &error))?;
        exercise.validate()?;
        Ok(exercise)
    }

    /// The goal of this name.
    pub fn goal(&self, id: &str) -> Option<&Goal> {
        self.goals.iter().find(|goal| goal.id == id)
    }

    /// Whether it is sound as far as it goes without its texts and its lab.
    ///
    /// # Errors
    /// `exercise-version`, `exercise-no-goal`, `exercise-name-twice`, `exercise-question`, `exercise-goal-unknown`,
    /// `exercise-filter`, `exercise-solution-answer`.
    pub fn validate(&self) -> Result<(), UserError> {
        if self.format_version != FORMAT_VERSION {
            let error = UserError::new("exercise-version").with("found", self.format_version);
            return Err(error.with("known", FORMAT_VERSION));
        }
        if self.goals.is_empty() {
            return Err(UserError::new("exercise-no-goal").with("exercise", &self.id));
        }
        let mut ids = BTreeSet::new();
        for goal in &self.goals {
            if !ids.insert(goal.id.as_str()) {
                return Err(UserError::new("exercise-name-twice").with("exercise", &self.id).with("name", &goal.id));
            }
        }
        for (goal, answer) in self.goals.iter().filter_map(|goal| goal.check.answer().map(|answer| (goal, answer))) {
            if !answer.is_sound() {
                return Err(UserError::new("exercise-question").with("exercise", &self.id).with("goal", &goal.id));
            }
            self.known(answer.guess.iter())?;
        }
        self.known(self.covers.iter().map(|cover| &cover.until))?;
        self.filters()?;
        // A question without an answer in the solution, or an answer without a question.
        let asked: BTreeSet<_> = self.goals.iter().filter(|g| g.check.answer().is_some()).map(|g| &g.id).collect();
        let answered: BTreeSet<_> = self.solution.answers.keys().collect();
        if let Some(odd) = asked.symmetric_difference(&answered).next() {
            return Err(UserError::new("exercise-solution-answer").with("exercise", &self.id).with("goal", odd));
        }
        Ok(())
    }

    /// Whether every display filter can be read.
    fn filters(&self) -> Result<(), UserError> {
        let mut bad = None;
        let mut look = |filter: &str| {
            if bad.is_none() && Filter::parse(filter).is_err() {
                bad = Some(UserError::new("exercise-filter").with("exercise", &self.id).with("filter", filter));
            }
        };
        self.covers.iter().for_each(|cover| look(&cover.frame.filter));
        for goal in &self.goals {
            let hints = goal.hints.iter().filter_map(|hint| hint.until.as_ref());
            let checks = core::iter::once(&goal.check).chain(hints).chain(goal.mistakes.iter().map(|m| &m.when));
            checks.for_each(|check| {
                check.walk(&mut |check| check.frames().into_iter().for_each(|frame| look(&frame.filter)));
            });
        }
        bad.map_or(Ok(()), Err)
    }

    /// Whether these are goals of it.
    fn known<'a>(&self, mut names: impl Iterator<Item = &'a String>) -> Result<(), UserError> {
        match names.find(|name| self.goal(name).is_none()) {
            Some(name) => Err(UserError::new("exercise-goal-unknown").with("exercise", &self.id).with("goal", name)),
            None => Ok(()),
        }
    }

    /// The sections that its text must have in every language.
    pub fn sections(&self) -> BTreeSet<String> {
        let mut sections: BTreeSet<String> =
            ["intro", "explanation", "lookback", "real"].into_iter().map(str::to_owned).collect();
        for goal in &self.goals {
            sections.insert(format!("goal.{}", goal.id));
            sections.extend(goal.hints.iter().map(|hint| format!("hint.{}.{}", goal.id, hint.id)));
            sections.extend(goal.mistakes.iter().map(|mistake| format!("wrong.{}.{}", goal.id, mistake.id)));
            if let Some(answer) = goal.check.answer() {
                answer.sections(&goal.id, &mut sections);
            }
        }
        sections
    }
}
