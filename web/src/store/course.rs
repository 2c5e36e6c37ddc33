//! The course: which exercises there are, which are solved, and what the student does with them.

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::exercise::Exercise;
use netmodes_core::protocol::{ClientMessage, LabChoice};
use netmodes_core::world::Command;
use serde::{Deserialize, Serialize};

use super::{AppState, Effect, ExerciseState, Lang, Shared};

/// Under this name the browser remembers which exercise is open; what it remembers of one stands under
/// `exercise.<id>`.
pub const OPEN_KEY: &str = "exercise";

/// Something the student does with exercises.
#[derive(Clone, Debug)]
pub enum ExerciseAction {
    /// The course's index was loaded, with what the browser remembers.
    Course(Course),
    /// An exercise was loaded; its lab begins anew unless it runs and nothing was done in it yet.
    Open(Box<Exercise>),
    /// Back to free play: the lab stays as it is.
    Close,
    /// The exercise's lab from its beginning: of a solved one, or one that went astray, or after another lab.
    Begin,
    /// An answer to a goal's question.
    Answer {
        /// The goal's name.
        goal: String,
        /// The answer.
        text: String,
    },
    /// One more hint for a goal.
    Hint {
        /// The goal's name.
        goal: String,
    },
}

/// The course.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Its exercises, in order.
    pub entries: Vec<Entry>,
    /// What the browser remembers of each.
    pub kept: BTreeMap<String, Kept>,
}

/// An exercise in the course's index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// Its chapter's name: `machine`, `dhcp` …
    #[serde(default)]
    pub chapter: String,
    /// About how long it takes, in minutes.
    #[serde(default)]
    pub minutes: u32,
    /// The lab it begins in.
    #[serde(default)]
    pub lab: String,
    /// Its title by language.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
}

/// What the browser remembers of an exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// It was solved once.
    #[serde(default)]
    pub solved: bool,
    /// How many hints of each goal were opened.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, usize>,
    /// The last answer to each question.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
}

impl Kept {
    /// From what was remembered; nothing where that cannot be read.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The browser is to remember it.
    pub fn keep(&self, id: &str) -> Effect {
        Effect::Keep { key: format!("{OPEN_KEY}.{id}"), value: serde_json::to_string(self).unwrap_or_default() }
    }
}

impl Course {
    /// The course's index as the build wrote it, and what is remembered of its exercises.
    ///
    /// # Errors
    /// What is wrong with the index.
    pub fn read(index: &str, recall: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Index {
            exercises: Vec<Entry>,
        }
        let index: Index = serde_json::from_str(index).map_err(|error| error.to_string())?;
        let kept = |entry: &Entry| Some((entry.id.clone(), Kept::read(&recall(&format!("{OPEN_KEY}.{}", entry.id))?)));
        let kept = index.exercises.iter().filter_map(kept).collect();
        Ok(Self { entries: index.exercises, kept })
    }

    /// Whether an exercise was solved once.
    pub fn is_solved(&self, id: &str) -> bool {
        self.kept.get(id).is_some_and(|kept| kept.solved)
    }

    /// An exercise's title in a language, else in English, else its name.
    pub fn title<'a>(&'a self, id: &'a str, lang: Lang) -> &'a str {
        let entry = self.entries.iter().find(|entry| entry.id == id);
        let title = entry.and_then(|entry| entry.title.get(lang.code()).or_else(|| entry.title.get("en")));
        title.map_or(id, String::as_str)
    }

    /// How many were.
    pub fn solved(&self) -> usize {
        self.entries.iter().filter(|entry| self.is_solved(&entry.id)).count()
    }

    /// The exercises by chapter, in the course's order.
    pub fn chapters(&self) -> Vec<(&str, Vec<&Entry>)> {
        let mut chapters: Vec<(&str, Vec<&Entry>)> = Vec::new();
        for entry in &self.entries {
            match chapters.iter_mut().find(|(name, _)| *name == entry.chapter) {
                Some((_, entries)) => entries.push(entry),
                None => chapters.push((&entry.chapter, vec![entry])),
            }
        }
        chapters
    }

    /// The first after `id`, round the end, that is not solved; none when all others are.
    pub fn next(&self, id: &str) -> Option<&Entry> {
        let at = self.entries.iter().position(|entry| entry.id == id).map_or(0, |at| at + 1);
        let (before, after) = self.entries.split_at(at.min(self.entries.len()));
        let others = after.iter().chain(before).filter(|entry| entry.id != id);
        others.into_iter().find(|entry| !self.is_solved(&entry.id))
    }
}

/// Carries out what the student does with exercises.
pub(super) fn act(state: &mut AppState, action: ExerciseAction) -> Vec<Effect> {
    match action {
        ExerciseAction::Course(course) => state.course = Shared::new(course),
        ExerciseAction::Open(exercise) => return open(state, *exercise),
        ExerciseAction::Close => {
            state.exercise = None;
            return vec![Effect::Keep { key: OPEN_KEY.to_owned(), value: String::new() }];
        }
        ExerciseAction::Begin => {
            if let Some(exercise) = &state.exercise {
                let (lab, seed) = (exercise.spec.lab.clone(), exercise.spec.seed);
                return vec![load(lab, seed)];
            }
        }
        ExerciseAction::Answer { goal, text } => {
            let Some(exercise) = &mut state.exercise else { return Vec::new() };
            let effects = exercise.edit().answer(&goal, &text, &state.view);
            remember(state);
            return effects;
        }
        ExerciseAction::Hint { goal } => {
            let Some(exercise) = &mut state.exercise else { return Vec::new() };
            let effects = exercise.edit().hint(&goal);
            remember(state);
            return effects;
        }
    }
    Vec::new()
}

fn load(lab: String, seed: u64) -> Effect {
    Effect::Send(ClientMessage::Load { lab: LabChoice::Named(lab), seed, inputs: Vec::new() })
}

/// Opens an exercise. Its lab begins anew, unless the source cannot do that.
fn open(state: &mut AppState, spec: Exercise) -> Vec<Effect> {
    let kept = state.course.kept.get(&spec.id).cloned().unwrap_or_default();
    let keep = Effect::Keep { key: OPEN_KEY.to_owned(), value: spec.id.clone() };
    let load = load(spec.lab.clone(), spec.seed);
    let mut exercise = ExerciseState::new(spec, kept, &state.view);
    exercise.away = state.lab.as_ref().is_some_and(|lab| lab.name != exercise.spec.lab);
    state.exercise = Some(Shared::new(exercise));
    let can = state.capabilities().is_some_and(|c| c.load);
    if can { vec![keep, load] } else { vec![keep] }
}

/// The course knows what the open exercise keeps.
pub(super) fn remember(state: &mut AppState) {
    let Some(exercise) = &state.exercise else { return };
    if state.course.kept.get(&exercise.spec.id) != Some(exercise.kept()) {
        let (id, kept) = (exercise.spec.id.clone(), exercise.kept().clone());
        state.course.edit().kept.insert(id, kept);
    }
}

/// Why the open exercise does not let a command be carried out.
pub(super) fn refusal(state: &AppState, command: &Command) -> Option<UserError> {
    let exercise = state.exercise.as_ref().filter(|exercise| exercise.closes(command))?;
    Some(UserError::new("exercise-road-closed").with("exercise", state.course.title(&exercise.spec.id, state.lang)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        let index = r#"{"exercises": [
            {"id": "a", "chapter": "one", "minutes": 3, "lab": "nat", "title": {"en": "A"}},
            {"id": "b", "chapter": "two"}, {"id": "c", "chapter": "one"}
        ]}"#;
        let recall = |key: &str| (key == "exercise.b").then(|| r#"{"solved": true}"#.to_owned());
        Course::read(index, recall).unwrap()
    }

    #[test]
    fn chapters_keep_the_course_s_order_and_the_next_is_one_that_is_left() {
        let course = course();
        let names = |entries: &[&Entry]| entries.iter().map(|entry| entry.id.clone()).collect::<String>();
        let chapters: Vec<_> = course.chapters().iter().map(|(name, list)| (*name, names(list))).collect();
        assert_eq!(chapters, [("one", "ac".to_owned()), ("two", "b".to_owned())]);
        assert_eq!(course.next("a").unwrap().id, "c", "b is solved");
        assert_eq!(course.next("c").unwrap().id, "a", "round the end");
        assert_eq!(course.solved(), 1);
    }

    #[test]
    fn what_was_remembered_badly_is_as_good_as_nothing() {
        assert_eq!(Kept::read("{not json"), Kept::default());
        assert!(Kept::read(r#"{"solved": true, "later": 1}"#).solved);
        assert!(Course::read("[]", |_| None).is_err());
    }
}
