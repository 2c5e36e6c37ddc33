//! One goal: what is to be reached, what was seen, the question, the hints.

use netmodes_core::error::fill;
use netmodes_core::exercise::{AnswerKind, Evidence, Goal, GoalState, Note, Verdict, cells_of};
use yew::prelude::*;

use super::answer::AnswerForm;
use super::load::ExerciseTexts;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::store::{Action, ExerciseAction, ExerciseState, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct GoalProps {
    pub(super) exercise: Shared<ExerciseState>,
    pub(super) words: ExerciseTexts,
    pub(super) index: usize,
    pub(super) now: bool,
}

#[component]
pub(super) fn GoalView(props: &GoalProps) -> Html {
    let texts = use_texts();
    // Goals may be reached in any order: one that is not the next can be opened as well, a reached one read again.
    let opened = use_state(|| false);
    let place = use_node_ref();
    use_in_sight(&place, props.now);
    let Some(state) = props.exercise.goals.get(props.index) else { return html! {} };
    let Some(goal) = props.exercise.spec.goal(&state.id) else { return html! {} };
    let section = format!("goal.{}", goal.id);
    let mark = if state.done { "✓".to_owned() } else { (props.index + 1).to_string() };
    let class = classes!("goal", state.done.then_some("ok"), props.now.then_some("now"));
    let toggle = {
        let opened = opened.clone();
        Callback::from(move |_: MouseEvent| opened.set(!*opened))
    };
    let heading = html! {
        <>{ props.words.heading(&section) }if state.done { <span class="sr">{ " — " }{ texts.ui("goal-done") }</span> }</>
    };
    html! {
        <li ref={place} {class} data-goal={goal.id.clone()} aria-current={props.now.then_some("step")}>
            <span class="m" aria-hidden="true">{ mark }</span>
            if props.now {
                <span class="t">{ heading }</span>
            } else {
                <button type="button" class="t" aria-expanded={opened.to_string()} onclick={toggle}>{ heading }</button>
            }
            if state.done {
                if *opened { <div class="d text">{ props.words.html(&section) }</div> }
                { for reached(props, goal, state, *opened, &texts) }
            } else if props.now || *opened {
                <div class="d text">{ props.words.html(&section) }</div>
                if props.exercise.real && goal.evidence == Evidence::Inside {
                    <div class="d note-of">{ texts.ui("evidence-inside") }</div>
                }
                { for mistake(props, goal, state) }
                <AnswerForm exercise={props.exercise.clone()} words={props.words.clone()} goal={goal.id.clone()} />
                if goal.check.answer().is_none() && !props.exercise.away { { for note(&state.missing, &texts) } }
                <Hints exercise={props.exercise.clone()} words={props.words.clone()} goal={goal.id.clone()} />
            }
        </li>
    }
}

fn note(note: &Option<Note>, texts: &TextsHandle) -> Option<Html> {
    let note = note.as_ref()?;
    let text = match texts.find(&format!("goals.{}", note.code)) {
        Some(template) => fill(&template, &note.args),
        None => note.args.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" "),
    };
    // Names of commands stand between backticks.
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => html! { { part.to_owned() } },
        _ => html! { <code>{ part.to_owned() }</code> },
    });
    Some(html! { <div class="d note-of">{ for parts }</div> })
}

/// A mistake that shows in what happened.
fn mistake(props: &GoalProps, goal: &Goal, state: &GoalState) -> Option<Html> {
    let section = format!("wrong.{}.{}", goal.id, state.mistake.as_ref()?);
    Some(html! {
        <div class="d text ex-mistake" role="status"><b>{ props.words.heading(&section) }</b>{ props.words.html(&section) }</div>
    })
}

/// What a reached goal shows: what was seen, the right answer, or what became of a guess.
fn reached(props: &GoalProps, goal: &Goal, state: &GoalState, opened: bool, texts: &TextsHandle) -> Option<Html> {
    let Some(answer) = goal.check.answer() else { return note(&state.seen, texts) };
    let answered = props.exercise.answers.get(&goal.id)?;
    if answer.kind == AnswerKind::Table {
        return opened.then(|| filled(&props.words, goal, &answered.text));
    }
    let said = said(&props.words, goal, &answered.text);
    if answer.guess.is_none() {
        return Some(html! { <div class="d">{ texts.ui("your-answer") }{ " " }{ said }</div> });
    }
    let (class, told) = match state.guess.as_ref().map(|(_, verdict)| verdict) {
        None => ("", html! { { texts.ui("guess-kept") } }),
        Some(Verdict::Right) => ("ok", html! { { texts.ui("guess-right") } }),
        Some(Verdict::Wrong(Some(mistake))) => {
            let section = format!("wrong.{}.{mistake}", goal.id);
            ("no", html! { <><b>{ props.words.heading(&section) }</b>{ props.words.html(&section) }</> })
        }
        Some(_) => ("no", html! { { texts.ui("guess-wrong") } }),
    };
    Some(html! {
        <div class={classes!("d", "text", "guess", class)}>
            <span>{ texts.ui("your-guess") }{ " " }{ said }</span><div>{ told }</div>
        </div>
    })
}

/// A table that is right, to be read again.
fn filled(words: &ExerciseTexts, goal: &Goal, text: &str) -> Html {
    let (Some(answer), values) = (goal.check.answer(), cells_of(text)) else { return html! {} };
    let head = |kind: &str, id: &str| words.heading(&format!("{kind}.{}.{id}", goal.id));
    let rows = answer.rows.iter().map(|row| {
        let cells = answer.columns.iter().map(|column| {
            html! { <td class="mono">{ values.get(&format!("{row}.{column}")).cloned().unwrap_or_default() }</td> }
        });
        html! { <tr><th scope="row">{ head("row", row) }</th>{ for cells }</tr> }
    });
    let columns = answer.columns.iter().map(|column| html! { <th scope="col">{ head("column", column) }</th> });
    html! { <div class="d"><table class="ex-filled"><tr><td></td>{ for columns }</tr>{ for rows }</table></div> }
}

/// Brings a goal into sight when it becomes the next one: the one before may have grown.
#[hook]
fn use_in_sight(place: &NodeRef, now: bool) {
    let (place, before) = (place.clone(), use_mut_ref(|| None::<bool>));
    use_effect_with(now, move |now| {
        let was = before.replace(Some(*now));
        if *now
            && was == Some(false)
            && let Some(element) = place.cast::<web_sys::Element>()
        {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            element.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}

/// An answer in words: a choice and an order by their names.
pub(super) fn said(words: &ExerciseTexts, goal: &Goal, text: &str) -> Html {
    let kind = goal.check.answer().map(|answer| answer.kind);
    let name = |id: &str| words.heading(&format!("choice.{}.{id}", goal.id));
    match kind {
        Some(AnswerKind::Choice) => html! { <b>{ name(text) }</b> },
        Some(AnswerKind::Order) => {
            html! { <b>{ text.split_whitespace().map(name).collect::<Vec<_>>().join(" → ") }</b> }
        }
        _ => html! { <code>{ text.to_owned() }</code> },
    }
}

#[derive(Clone, PartialEq, Properties)]
struct HintsProps {
    exercise: Shared<ExerciseState>,
    words: ExerciseTexts,
    goal: AttrValue,
}

/// The hints that are open, and a button for one more.
#[component]
fn Hints(props: &HintsProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (open, more) = props.exercise.hints(&props.goal);
    let goal = props.goal.to_string();
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Exercise(ExerciseAction::Hint { goal: goal.clone() }));
    let hints = open.iter().map(|id| {
        let section = format!("hint.{}.{id}", props.goal);
        html! { <li key={id.clone()}><b>{ props.words.heading(&section) }</b><div class="text">{ props.words.html(&section) }</div></li> }
    });
    let label = texts.ui(if open.is_empty() { "hint" } else { "hint-more" });
    html! {
        <div class="d" aria-live="polite">
            if !open.is_empty() { <ul class="hints">{ for hints }</ul> }
            if more { <button type="button" class="btn hint" {onclick}>{ label }</button> }
        </div>
    }
}
