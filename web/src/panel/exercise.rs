//! The exercises: a list to choose from; the open one with its goals that tick themselves, answers, hints by degrees,
//! and the explanation after.

mod answer;
mod chooser;
pub mod cover;
mod goal;
mod load;
mod order;
mod table;

use yew::prelude::*;

use self::chooser::Chooser;
use self::goal::GoalView;
use self::load::{ExerciseTexts, use_course, use_exercise_texts, use_open};
use super::parts::Icon;
use crate::app::{use_dispatch, use_texts};
use crate::store::{Action, AppState, Course, ExerciseAction, ExerciseState, Lang, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows.
    pub state: Shared<AppState>,
}

/// The list of exercises, or the open one.
#[component]
pub fn Exercise(props: &Props) -> Html {
    let texts = use_texts();
    use_course();
    let state = &props.state;
    let can_load = state.capabilities().is_some_and(|can| can.load);
    let inside = match &state.exercise {
        Some(exercise) => html! {
            <Open exercise={exercise.clone()} course={state.course.clone()} lang={state.lang} {can_load} />
        },
        None => {
            let lab = state.lab.as_ref().map(|lab| AttrValue::from(lab.name.clone()));
            html! { <Chooser course={state.course.clone()} lang={state.lang} {lab} {can_load} /> }
        }
    };
    html! { <aside class="ex" aria-label={texts.ui("exercises")}>{ inside }</aside> }
}

#[derive(Clone, PartialEq, Properties)]
struct OpenProps {
    exercise: Shared<ExerciseState>,
    course: Shared<Course>,
    lang: Lang,
    can_load: bool,
}

/// The open exercise.
#[component]
fn Open(props: &OpenProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let exercise = &props.exercise;
    let words = use_exercise_texts(exercise.spec.id.clone(), props.lang);
    // On a phone only the goal at hand is shown, until more is asked for.
    let whole = use_state(|| false);
    let toggle = {
        let whole = whole.clone();
        Callback::from(move |_: MouseEvent| whole.set(!*whole))
    };
    let close = dispatch.callback(|_: MouseEvent| Action::Exercise(ExerciseAction::Close));
    let begin = dispatch.callback(|_: MouseEvent| Action::Exercise(ExerciseAction::Begin));
    let (done, all) = (exercise.done(), exercise.goals.len());
    let count = [("done", done.to_string()), ("all", all.to_string())];
    let progress = AttrValue::from(texts.ui_with("goals-done", &count));
    let head = html! {
        <div class="ex-head">
            <button type="button" class="ex-back" onclick={close}>{ "‹ " }{ texts.ui("exercises") }</button>
            <span class="crumb" role="status">{ &progress }</span>
            <button type="button" class="icon" disabled={!props.can_load} title={texts.ui("exercise-again")}
                aria-label={texts.ui("exercise-again")} onclick={begin.clone()}><Icon name="restart" /></button>
        </div>
    };
    let Some(words) = words else { return head };
    let current = exercise.current().map(str::to_owned);
    let goals = exercise.goals.iter().enumerate().map(|(index, goal)| {
        let now = current.as_deref() == Some(goal.id.as_str());
        html! {
            <GoalView key={goal.id.clone()} exercise={exercise.clone()} words={words.clone()} {index} {now} />
        }
    });
    html! {
        <div class={classes!("ex-open", (*whole).then_some("whole"))}>
            { head }
            <progress class="ex-progress" max={all.to_string()} value={done.to_string()} aria-label={progress}></progress>
            <h2>{ &words.title }</h2>
            <button type="button" class="btn ex-more" aria-expanded={whole.to_string()} onclick={toggle}>
                { texts.ui(if *whole { "exercise-fold" } else { "exercise-unfold" }) }
            </button>
            if exercise.away { <Away exercise={exercise.clone()} can_load={props.can_load} /> }
            <details class="text intro" open={done == 0}>
                <summary>{ words.heading("intro") }</summary>
                { words.html("intro") }
            </details>
            <ol class="goals" aria-live="polite">{ for goals }</ol>
            if exercise.solved {
                <After exercise={exercise.clone()} course={props.course.clone()} lang={props.lang} {words} {begin} />
            }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AwayProps {
    exercise: Shared<ExerciseState>,
    can_load: bool,
}

/// Another lab runs than the exercise's: where to go from here.
#[component]
fn Away(props: &AwayProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let lab = [("lab", props.exercise.spec.lab.clone())];
    let back = dispatch.callback(|_: MouseEvent| Action::Exercise(ExerciseAction::Begin));
    let close = dispatch.callback(|_: MouseEvent| Action::Exercise(ExerciseAction::Close));
    html! {
        <div class="ex-away" role="alert">
            <p>{ texts.ui_with("exercise-away", &lab) }</p>
            if !props.can_load { <p>{ texts.ui("cannot-load") }</p> }
            <div class="row-of">
                <button type="button" class="btn p" disabled={!props.can_load} onclick={back}>{ texts.ui("exercise-return") }</button>
                <button type="button" class="btn" onclick={close}>{ texts.ui("exercise-close") }</button>
            </div>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AfterProps {
    exercise: Shared<ExerciseState>,
    course: Shared<Course>,
    lang: Lang,
    words: ExerciseTexts,
    begin: Callback<MouseEvent>,
}

/// What is told when all goals are reached, and what comes next.
#[component]
fn After(props: &AfterProps) -> Html {
    let texts = use_texts();
    let open = use_open();
    let parts = ["explanation", "lookback", "real"].into_iter().map(|name| {
        html! {
            <section class={classes!("text", format!("ex-{name}"))}>
                <h3>{ props.words.heading(name) }</h3>{ props.words.html(name) }
            </section>
        }
    });
    let next = props.course.next(&props.exercise.spec.id).map(|entry| {
        let (id, title) = (entry.id.clone(), props.course.title(&entry.id, props.lang).to_owned());
        let onclick = Callback::from(move |_: MouseEvent| open.emit(id.clone()));
        html! {
            <button type="button" class="btn p ex-next" {onclick}>{ texts.ui("exercise-next") }{ " " }{ title }{ " ›" }</button>
        }
    });
    html! {
        <div class="done">
            <p class="ex-solved" role="status"><span aria-hidden="true">{ "✓ " }</span>{ texts.ui("solved-all") }</p>
            { for parts }
            <div class="row-of">
                { next.unwrap_or_else(|| html! { <p class="dim">{ texts.ui("course-done") }</p> }) }
                <button type="button" class="btn" onclick={props.begin.clone()}>{ texts.ui("exercise-again") }</button>
            </div>
        </div>
    }
}
