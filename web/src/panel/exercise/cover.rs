//! Frames that the open exercise covers: whoever shows a frame's inside asks here first.

use netmodes_core::event::FrameSent;
use netmodes_core::view::LabView;
use yew::prelude::*;

use crate::store::{ExerciseState, Shared};

/// What is covered now. Two are equal while the same goals keep frames covered, so that what shows frames is not
/// rendered again at every event.
#[derive(Clone, Debug, Default)]
pub struct Covers {
    exercise: Option<Shared<ExerciseState>>,
    /// The goals that keep something covered.
    goals: Vec<String>,
}

impl PartialEq for Covers {
    fn eq(&self, other: &Self) -> bool {
        self.goals == other.goals
    }
}

impl Covers {
    /// Of the open exercise.
    pub fn of(exercise: Option<&Shared<ExerciseState>>) -> Self {
        let Some(exercise) = exercise.filter(|exercise| !exercise.away && !exercise.spec.covers.is_empty()) else {
            return Self::default();
        };
        let open = |goal: &String| exercise.goals.iter().any(|state| state.id == *goal && !state.done);
        let goals = exercise.spec.covers.iter().map(|cover| cover.until.clone()).filter(open).collect();
        Self { exercise: Some(exercise.clone()), goals }
    }

    /// The goal until which a frame must not be opened.
    pub fn goal_of(&self, sent: &FrameSent, view: &LabView) -> Option<String> {
        let exercise = self.exercise.as_ref().filter(|_| !self.goals.is_empty())?;
        exercise.is_covered(sent, view).map(str::to_owned)
    }
}

/// What is covered now.
#[hook]
pub fn use_covers() -> Covers {
    use_context::<Covers>().unwrap_or_default()
}

/// Stands in the place of a covered frame's inside.
#[component]
pub fn Covered() -> Html {
    let texts = crate::app::use_texts();
    html! {
        <div class="covered" role="note">
            <h3>{ texts.ui("covered-title") }</h3>
            <p>{ texts.ui("covered") }</p>
        </div>
    }
}
