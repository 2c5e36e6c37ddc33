//! The structures of `exercise.toml` (and of its JSON form, which the page reads).

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use crate::addr::Cidr;
use crate::error::UserError;
use crate::lab::{CableEnd, RouteTo};
use crate::view::LeaseState;

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
    /// What is to be reached, in the order it is shown.
    #[serde(rename = "goal")]
    pub goals: Vec<Goal>,
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

/// Something that holds or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A machine has an address.
    Address(AddressCheck),
    /// A machine has a route.
    Route(RouteCheck),
    /// A DHCP server has a lease for a machine.
    Lease(LeaseCheck),
    /// Frames were seen.
    Frame(FrameCheck),
    /// A command was run.
    Ran(RanCheck),
    /// A machine printed something.
    Output(OutputCheck),
    /// The student's answer is right.
    Answer(AnswerCheck),
    /// All of these.
    All(Vec<Check>),
    /// At least one of these.
    Any(Vec<Check>),
    /// Not this.
    Not(Box<Check>),
    /// The first came true before the second did; both did.
    Before(Box<[Check; 2]>),
}

/// A machine has an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressCheck {
    /// The machine's name.
    pub machine: String,
    /// Its interface; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iface: Option<String>,
    /// The network that it lies in; any IPv4 address but the loopback's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Cidr>,
    /// Set by DHCP (true) or by hand (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
}

/// A machine has a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteCheck {
    /// The machine's name.
    pub machine: String,
    /// Destination.
    pub to: RouteTo,
    /// Gateway; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
}

/// A DHCP server has a lease for a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseCheck {
    /// The client's name.
    pub machine: String,
    /// Where the lease is in its life.
    #[serde(default = "bound")]
    pub state: LeaseState,
}

fn bound() -> LeaseState {
    LeaseState::Bound
}

/// Frames were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameCheck {
    /// At which interface: `host:eth0`; any of the machine's without a colon.
    pub at: CableEnd,
    /// On their way out of it or in.
    #[serde(default)]
    pub direction: Direction,
    /// What their fields must be, by Wireshark's names ([`super::frame_fields`]).
    pub fields: BTreeMap<String, String>,
    /// How many such frames.
    #[serde(default = "one_frame", skip_serializing_if = "is_one_frame")]
    pub count: u32,
}

fn one_frame() -> u32 {
    1
}

fn is_one_frame(count: &u32) -> bool {
    *count == 1
}

/// Which way a frame goes at an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Either way.
    #[default]
    Any,
    /// Into the machine.
    In,
    /// Out of the machine.
    Out,
}

/// A command was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RanCheck {
    /// The machine's name.
    pub machine: String,
    /// The words the command begins with: `ip route` also holds for `ip route show`.
    pub command: String,
    /// Its exit status; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
}

/// A machine printed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputCheck {
    /// The machine's name.
    pub machine: String,
    /// The text, on one line.
    pub contains: String,
}

/// The student's answer is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCheck {
    /// What is asked for.
    pub kind: AnswerKind,
    /// What is right.
    pub expect: Expect,
    /// Of a choice: what there is to choose from. Their words are the text's sections `choice.<goal>.<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Mistakes that deserve a word of their own.
    #[serde(rename = "wrong", default, skip_serializing_if = "Vec::is_empty")]
    pub wrongs: Vec<WrongAnswer>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// An IPv4 address.
    Address,
    /// One of several.
    Choice,
    /// A word or two; case and spaces do not matter.
    Text,
    /// A whole number.
    Number,
}

/// What an answer is compared with: fixed, or taken from the lab as it is, so that it holds for every seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// This.
    Value(String),
    /// The gateway of a machine's default route.
    Gateway(String),
    /// A machine's (first) IPv4 address at an interface: `host:eth0`.
    Address(CableEnd),
    /// A field of the last frame seen that matches.
    Field(FieldExpect),
}

/// A field of the last frame that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldExpect {
    /// Which field, by Wireshark's name.
    pub name: String,
    /// Of which frames.
    pub frame: FrameCheck,
}

/// A mistake that deserves a word of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongAnswer {
    /// Its name, unique in the goal. Its words are the text's section `wrong.<goal>.<id>`.
    pub id: String,
    /// What the student said.
    pub expect: Expect,
}

/// What proves that an exercise can be solved, together with `solution.nms`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solution {
    /// The right answers with the exercise's seed, by goal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
}

impl Check {
    /// The answer that a goal asks for, if it asks.
    pub fn answer(&self) -> Option<&AnswerCheck> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::All(list) | Self::Any(list) => list.iter().find_map(Self::answer),
            Self::Before(pair) => pair.iter().find_map(Self::answer),
            _ => None,
        }
    }
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
    /// `exercise-version`, `exercise-no-goal`, `exercise-name-twice`, `exercise-solution-answer`.
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
        // A question without an answer in the solution, or an answer without a question.
        let asked: BTreeSet<_> = self.goals.iter().filter(|g| g.check.answer().is_some()).map(|g| &g.id).collect();
        let answered: BTreeSet<_> = self.solution.answers.keys().collect();
        if let Some(odd) = asked.symmetric_difference(&answered).next() {
            return Err(UserError::new("exercise-solution-answer").with("exercise", &self.id).with("goal", odd));
        }
        Ok(())
    }

    /// The sections that its text must have in every language.
    pub fn sections(&self) -> BTreeSet<String> {
        let mut sections: BTreeSet<String> =
            ["intro", "explanation", "lookback", "real"].into_iter().map(str::to_owned).collect();
        for goal in &self.goals {
            sections.insert(format!("goal.{}", goal.id));
            sections.extend(goal.hints.iter().map(|hint| format!("hint.{}.{}", goal.id, hint.id)));
            if let Some(answer) = goal.check.answer() {
                sections.extend(answer.choices.iter().map(|choice| format!("choice.{}.{choice}", goal.id)));
                sections.extend(answer.wrongs.iter().map(|wrong| format!("wrong.{}.{}", goal.id, wrong.id)));
            }
        }
        sections
    }
}
