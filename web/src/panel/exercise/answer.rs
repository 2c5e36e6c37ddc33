//! A goal's question: its form by kind, and what is wrong with the last answer.

use netmodes_core::exercise::{AnswerCheck, AnswerKind, Goal, Verdict};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::goal::said;
use super::load::ExerciseTexts;
use super::order::Order;
use super::table::Table;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::store::{Action, ExerciseAction, ExerciseState, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct FormProps {
    pub(super) exercise: Shared<ExerciseState>,
    pub(super) words: ExerciseTexts,
    pub(super) goal: AttrValue,
}

/// The form of a goal's question; nothing where it has none.
#[component]
pub(super) fn AnswerForm(props: &FormProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let Some(goal) = props.exercise.spec.goal(&props.goal) else { return html! {} };
    let Some(answer) = goal.check.answer() else { return html! {} };
    if props.exercise.away {
        return html! {};
    }
    let give = {
        let goal = props.goal.to_string();
        let callback = move |text: String| Action::Exercise(ExerciseAction::Answer { goal: goal.clone(), text });
        dispatch.callback(callback)
    };
    let button = AttrValue::from(texts.ui(if answer.guess.is_some() { "guess-lock" } else { "check" }));
    let remembered = props.exercise.remembered(&props.goal).map(|text| AttrValue::from(text.to_owned()));
    let answered = props.exercise.answers.get(props.goal.as_str()).cloned();
    let (words, name) = (props.words.clone(), props.goal.clone());
    let form = match answer.kind {
        AnswerKind::Choice => {
            html! { <Choice {words} goal={name} choices={answer.choices.clone()} {remembered} {button} {give} /> }
        }
        AnswerKind::Order => {
            html! { <Order {words} goal={name} choices={answer.choices.clone()} {remembered} {button} {give} /> }
        }
        AnswerKind::Table => {
            html! { <Table exercise={props.exercise.clone()} {words} goal={name} {answered} {remembered} {button} {give} /> }
        }
        _ => {
            html! { <Line kind={answer.kind} label={words.heading(&format!("goal.{name}"))} {remembered} {button} {give} /> }
        }
    };
    html! { <>{ form }<div class="d" role="status">{ verdict(props, goal, answer, &texts) }</div></> }
}

/// What is said of the last answer.
fn verdict(props: &FormProps, goal: &Goal, answer: &AnswerCheck, texts: &TextsHandle) -> Html {
    let Some(answered) = props.exercise.answers.get(props.goal.as_str()) else { return html! {} };
    if answer.kind == AnswerKind::Table {
        // The table itself says it of a cell.
        return match &answered.verdict {
            Verdict::NotYet => html! { <span>{ texts.ui("answer-not-yet") }</span> },
            _ => html! {},
        };
    }
    let said = said(&props.words, goal, &answered.text);
    match &answered.verdict {
        Verdict::Wrong(Some(mistake)) => {
            let section = format!("wrong.{}.{mistake}", props.goal);
            html! { <div class="text"><span class="wrong">{ said }{ " — " }{ props.words.heading(&section) }</span>{ props.words.html(&section) }</div> }
        }
        Verdict::Wrong(None) => html! { <span class="wrong">{ said }{ " — " }{ texts.ui("answer-wrong") }</span> },
        Verdict::NotYet => html! { <span>{ texts.ui("answer-not-yet") }</span> },
        _ => html! {},
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LineProps {
    kind: AnswerKind,
    label: String,
    remembered: Option<AttrValue>,
    button: AttrValue,
    give: Callback<String>,
}

/// One line: an address, a number, a word.
#[component]
fn Line(props: &LineProps) -> Html {
    let input = use_node_ref();
    {
        // Put in when it is known, not as the field's value: what is being typed must stay when the goal is drawn again.
        let input = input.clone();
        use_effect_with(props.remembered.clone(), move |remembered| {
            if let (Some(input), Some(remembered)) = (input.cast::<HtmlInputElement>(), remembered) {
                input.set_value(remembered);
            }
        });
    }
    let onsubmit = {
        let (input, give) = (input.clone(), props.give.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = input.cast::<HtmlInputElement>().map(|input| input.value().trim().to_owned());
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                give.emit(text);
            }
        })
    };
    let example = example(props.kind);
    let mode = if props.kind == AnswerKind::Number { "numeric" } else { "text" };
    html! {
        <form {onsubmit}>
            <input ref={input} type="text" inputmode={mode} aria-label={props.label.clone()} placeholder={example}
                autocomplete="off" autocapitalize="off" spellcheck="false" />
            <button type="submit" class="btn p">{ &props.button }</button>
        </form>
    }
}

/// What an answer of this kind looks like.
pub(super) fn example(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Address => "192.0.2.1",
        AnswerKind::Mac => "00:53:00:00:00:01",
        _ => "",
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ChoiceProps {
    words: ExerciseTexts,
    goal: AttrValue,
    choices: Vec<String>,
    remembered: Option<AttrValue>,
    button: AttrValue,
    give: Callback<String>,
}

/// One of several.
#[component]
fn Choice(props: &ChoiceProps) -> Html {
    let first = props.remembered.as_ref().map(ToString::to_string).filter(|text| props.choices.contains(text));
    let chosen = use_state(|| first);
    let onsubmit = {
        let (chosen, give) = (chosen.clone(), props.give.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(text) = &*chosen {
                give.emit(text.clone());
            }
        })
    };
    let choices = props.choices.iter().map(|id| {
        let section = format!("choice.{}.{id}", props.goal);
        let onchange = {
            let (chosen, id) = (chosen.clone(), id.clone());
            Callback::from(move |_: Event| chosen.set(Some(id.clone())))
        };
        let on = chosen.as_ref() == Some(id);
        html! {
            <label class={classes!("ex-choice", on.then_some("on"))}>
                <input type="radio" name={format!("choice-{}", props.goal)} value={id.clone()} checked={on} {onchange} />
                <span>{ props.words.heading(&section) }</span>
            </label>
        }
    });
    html! {
        <form class="ex-form" {onsubmit}>
            <fieldset>
                <legend class="sr">{ props.words.heading(&format!("goal.{}", props.goal)) }</legend>
                { for choices }
            </fieldset>
            <button type="submit" class="btn p" disabled={chosen.is_none()}>{ &props.button }</button>
        </form>
    }
}
