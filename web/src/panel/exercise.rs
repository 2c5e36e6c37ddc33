//! The exercise: its question, goals that tick themselves, answers, hints by degrees, the explanation after.

mod goal;
mod load;

use yew::prelude::*;

use self::goal::GoalView;
use self::load::{ExerciseTexts, use_exercise, use_exercise_texts};
use crate::app::use_texts;
use crate::store::{AppState, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows.
    pub state: Shared<AppState>,
}

/// The exercise.
#[component]
pub fn Exercise(props: &Props) -> Html {
    let texts = use_texts();
    use_exercise();
    let state = &props.state;
    let id = state.exercise.as_ref().map(|exercise| exercise.spec.id.clone());
    let words = use_exercise_texts(id, state.lang);
    let (Some(exercise), Some(words)) = (&state.exercise, words) else {
        return html! { <aside class="ex" aria-label={texts.ui("exercise")}></aside> };
    };
    let done = exercise.goals.iter().filter(|goal| goal.done).count();
    let count = [("done", done.to_string()), ("all", exercise.goals.len().to_string())];
    let current = exercise.current().map(str::to_owned);
    let goals = exercise.goals.iter().enumerate().map(|(index, goal)| {
        let now = current.as_deref() == Some(goal.id.as_str());
        html! {
            <GoalView key={goal.id.clone()} exercise={exercise.clone()} words={words.clone()} {index} {now} />
        }
    });
    html! {
        <aside class="ex" aria-label={texts.ui("exercise")}>
            <div class="crumb">{ texts.ui("exercise") }{ " · " }{ texts.ui_with("goals-done", &count) }</div>
            <h2>{ &words.title }</h2>
            <details class="text intro">
                <summary>{ words.heading("intro") }</summary>
                { words.html("intro") }
            </details>
            <ol class="goals" aria-live="polite">{ for goals }</ol>
            if exercise.solved { { after(&words) } }
        </aside>
    }
}

/// What is told when all goals are reached.
fn after(words: &ExerciseTexts) -> Html {
    let parts = ["explanation", "lookback", "real"].into_iter().map(|name| {
        html! { <section class="text"><h3>{ words.heading(name) }</h3>{ words.html(name) }</section> }
    });
    html! { <div class="done">{ for parts }</div> }
}
