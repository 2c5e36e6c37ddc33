//! One goal: what is to be reached, what was seen, the answer, the hints.

use netmodes_core::error::fill;
use netmodes_core::exercise::{AnswerKind, Goal, Note, Verdict};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::load::ExerciseTexts;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::store::{Action, ExerciseState, Shared};

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
    // Goals may be reached in any order: one that is not the next can be opened as well.
    let opened = use_state(|| false);
    let Some(state) = props.exercise.goals.get(props.index) else { return html! {} };
    let Some(goal) = props.exercise.spec.goal(&state.id) else { return html! {} };
    let section = format!("goal.{}", goal.id);
    let mark = if state.done { "✓".to_owned() } else { (props.index + 1).to_string() };
    let class = classes!("goal", state.done.then_some("ok"), props.now.then_some("now"));
    let note =
        |note: &Option<Note>| note.as_ref().map(|note| html! { <div class="d">{ note_text(note, &texts) }</div> });
    let toggle = {
        let opened = opened.clone();
        Callback::from(move |_: MouseEvent| opened.set(!*opened))
    };
    html! {
        <li {class} aria-current={props.now.then_some("step")}>
            <span class="m" aria-hidden="true">{ mark }</span>
            if state.done || props.now {
                <span class="t">
                    { props.words.heading(&section) }
                    if state.done { <span class="sr">{ " — " }{ texts.ui("goal-done") }</span> }
                </span>
            } else {
                <button type="button" class="t" aria-expanded={opened.to_string()} onclick={toggle}>{ props.words.heading(&section) }</button>
            }
            if state.done {
                { for note(&state.seen) }
                if state.seen.is_none() { { for answered_right(props, goal, &texts) } }
            } else if props.now || *opened {
                <div class="d text">{ props.words.html(&section) }</div>
                <AnswerForm exercise={props.exercise.clone()} words={props.words.clone()} goal={goal.id.clone()} />
                if goal.check.answer().is_none() { { for note(&state.missing) } }
                <Hints exercise={props.exercise.clone()} words={props.words.clone()} goal={goal.id.clone()} />
            }
        </li>
    }
}

fn note_text(note: &Note, texts: &TextsHandle) -> String {
    match texts.find(&format!("goals.{}", note.code)) {
        Some(template) => fill(&template, &note.args),
        None => note.args.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" "),
    }
}

fn answered_right(props: &GoalProps, goal: &Goal, texts: &TextsHandle) -> Option<Html> {
    let answered = props.exercise.answers.get(&goal.id).filter(|answered| answered.verdict == Verdict::Right)?;
    Some(html! { <div class="d">{ texts.ui("your-answer") }{ " " }<code>{ &answered.text }</code></div> })
}

#[derive(Clone, PartialEq, Properties)]
struct PartProps {
    exercise: Shared<ExerciseState>,
    words: ExerciseTexts,
    goal: AttrValue,
}

/// The question's input, and what is wrong with the last answer.
#[component]
fn AnswerForm(props: &PartProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let input = use_node_ref();
    let Some(answer) = props.exercise.spec.goal(&props.goal).and_then(|goal| goal.check.answer()) else {
        return html! {};
    };
    let onsubmit = {
        let (input, goal) = (input.clone(), props.goal.to_string());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = input.cast::<HtmlInputElement>().map(|input| input.value());
            let text = text.or_else(|| input.cast::<HtmlSelectElement>().map(|select| select.value()));
            if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
                dispatch.act(Action::Answer { goal: goal.clone(), text: text.trim().to_owned() });
            }
        })
    };
    let label = texts.ui("answer");
    let field = if answer.kind == AnswerKind::Choice {
        let choices = answer.choices.iter().map(|choice| {
            let words = props.words.heading(&format!("choice.{}.{choice}", props.goal));
            html! { <option value={choice.clone()}>{ words }</option> }
        });
        html! { <select ref={input} aria-label={label}><option value="" selected=true>{ "…" }</option>{ for choices }</select> }
    } else {
        let example = if answer.kind == AnswerKind::Address { "192.0.2.1" } else { "" };
        html! { <input ref={input} type="text" aria-label={label} placeholder={example} autocomplete="off" spellcheck="false" /> }
    };
    html! {
        <>
            <form {onsubmit}>{ field }<button type="submit" class="btn p">{ texts.ui("check") }</button></form>
            <div class="d" role="status">{ verdict(props, &texts) }</div>
        </>
    }
}

fn verdict(props: &PartProps, texts: &TextsHandle) -> Html {
    let Some(answered) = props.exercise.answers.get(props.goal.as_str()) else { return html! {} };
    let said = html! { <code>{ &answered.text }</code> };
    match &answered.verdict {
        Verdict::Wrong(Some(mistake)) => {
            let section = format!("wrong.{}.{mistake}", props.goal);
            html! { <div class="text"><span class="wrong">{ said }{ " — " }{ props.words.heading(&section) }</span>{ props.words.html(&section) }</div> }
        }
        Verdict::Wrong(None) => html! { <span class="wrong">{ said }{ " — " }{ texts.ui("answer-wrong") }</span> },
        Verdict::NotYet => html! { <span>{ texts.ui("answer-not-yet") }</span> },
        Verdict::Right | Verdict::NoQuestion => html! {},
    }
}

/// The hints that are open, and a button for one more.
#[component]
fn Hints(props: &PartProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (open, more) = props.exercise.hints(&props.goal);
    let goal = props.goal.to_string();
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Hint { goal: goal.clone() });
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
