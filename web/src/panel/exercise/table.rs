//! A table to be filled in: one block for each column, one line for each row, every cell judged by itself.

use std::collections::{BTreeMap, BTreeSet};

use netmodes_core::exercise::{AnswerCheck, AnswerKind, Cell, Verdict, cells_of, cells_text};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::answer::example;
use super::load::ExerciseTexts;
use crate::app::{TextsHandle, use_texts};
use crate::store::exercise::{Answered, cells_right};
use crate::store::{ExerciseState, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct TableProps {
    pub(super) exercise: Shared<ExerciseState>,
    pub(super) words: ExerciseTexts,
    pub(super) goal: AttrValue,
    pub(super) answered: Option<Answered>,
    pub(super) remembered: Option<AttrValue>,
    pub(super) button: AttrValue,
    pub(super) give: Callback<String>,
}

#[component]
pub(super) fn Table(props: &TableProps) -> Html {
    let texts = use_texts();
    let values = use_state(|| cells_of(props.remembered.as_deref().unwrap_or_default()));
    let answer = props.exercise.spec.goal(&props.goal).and_then(|goal| goal.check.answer());
    let Some(answer) = answer.filter(|answer| answer.kind == AnswerKind::Table) else { return html! {} };
    let checked = props.answered.as_ref().map(|answered| cells_of(&answered.text)).unwrap_or_default();
    let cell = |cell: &Cell| {
        let name = cell.name();
        let value = values.get(&name).cloned().unwrap_or_default();
        // What was said of a cell holds until it is changed.
        let verdict = verdict_of(props.answered.as_ref(), &name).filter(|_| checked.get(&name) == Some(&value));
        let oninput = {
            let (values, name) = (values.clone(), name.clone());
            Callback::from(move |event: InputEvent| {
                let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
                let mut new = (*values).clone();
                new.insert(name.clone(), input.value());
                values.set(new);
            })
        };
        line(props, cell, value, verdict, oninput, &texts)
    };
    let blocks = answer.columns.iter().map(|column| {
        let cells = answer.cells.iter().filter(|cell| cell.column == *column).map(cell);
        html! {
            <fieldset key={column.clone()} class="ex-block">
                <legend>{ props.words.heading(&format!("column.{}.{column}", props.goal)) }</legend>
                { for cells }
            </fieldset>
        }
    });
    let onsubmit = {
        let (values, give) = (values.clone(), props.give.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            give.emit(cells_text(&values));
        })
    };
    let filled = answer.cells.iter().all(|cell| values.get(&cell.name()).is_some_and(|value| !value.trim().is_empty()));
    html! {
        <form class="ex-form ex-table" {onsubmit}>
            { for blocks }
            <button type="submit" class="btn p" disabled={!filled}>{ &props.button }</button>
            if !filled { <span class="dim">{ texts.ui("table-fill") }</span> }
            <div role="status">{ summary(props, answer, &texts) }</div>
        </form>
    }
}

/// What was said of a cell.
fn verdict_of(answered: Option<&Answered>, name: &str) -> Option<Verdict> {
    match &answered?.verdict {
        Verdict::Cells(cells) => cells.get(name).cloned(),
        Verdict::Right => Some(Verdict::Right),
        _ => None,
    }
}

fn line(
    props: &TableProps,
    cell: &Cell,
    value: String,
    verdict: Option<Verdict>,
    oninput: Callback<InputEvent>,
    texts: &TextsHandle,
) -> Html {
    let name = cell.name();
    let (class, mark, word) = match verdict {
        Some(Verdict::Right) => ("ok", "✓", texts.ui("cell-right")),
        Some(_) => ("no", "✕", texts.ui("cell-wrong")),
        None => ("", "", "".into()),
    };
    html! {
        <label class={classes!("ex-cell", class)} key={name.clone()}>
            <span class="t">{ props.words.heading(&format!("row.{}.{}", props.goal, cell.row)) }</span>
            <input type="text" data-cell={name} {value} placeholder={example(cell.kind)} autocomplete="off"
                autocapitalize="off" spellcheck="false" aria-invalid={(class == "no").to_string()} {oninput} />
            <span class="m" aria-hidden="true">{ mark }</span>
            <span class="sr">{ word }</span>
        </label>
    }
}

/// How many cells are right, and each kind of mistake once.
fn summary(props: &TableProps, answer: &AnswerCheck, texts: &TextsHandle) -> Html {
    let Some(answered) = &props.answered else { return html! {} };
    let Verdict::Cells(cells) = &answered.verdict else { return html! {} };
    let (right, all) = cells_right(answer, answered);
    let count = [("done", right.to_string()), ("all", all.to_string())];
    let mistakes: BTreeSet<&String> = cells
        .values()
        .filter_map(|verdict| if let Verdict::Wrong(Some(id)) = verdict { Some(id) } else { None })
        .collect();
    let said = cells_of(&answered.text);
    let mistakes = mistakes.into_iter().map(|id| {
        let section = format!("wrong.{}.{id}", props.goal);
        html! {
            <li key={id.clone()} class="text">
                <span class="wrong">{ for values_of(cells, &said, id) }{ " — " }{ props.words.heading(&section) }</span>
                { props.words.html(&section) }
            </li>
        }
    });
    html! {
        <>
            <p><b>{ texts.ui_with("cells-right", &count) }</b></p>
            <ul class="ex-wrongs">{ for mistakes }</ul>
        </>
    }
}

/// What stands in the cells with this mistake, each value once.
fn values_of(cells: &BTreeMap<String, Verdict>, said: &BTreeMap<String, String>, id: &str) -> Vec<Html> {
    let wrong = cells.iter().filter(|(_, verdict)| **verdict == Verdict::Wrong(Some(id.to_owned())));
    let values: BTreeSet<_> = wrong.filter_map(|(name, _)| said.get(name)).collect();
    values.into_iter().map(|value| html! { <><code>{ value }</code>{ " " }</> }).collect()
}
