//! The body of a sheet: notes, buttons, form, lists.

use yew::prelude::*;

use super::field::EditField;
use crate::app::{Dispatch, TextsHandle, use_dispatch, use_texts};
use crate::edit::{Button, Change, Draft, Field, Form, Item, Line, List, Place, Press, Sheet, field_of};
use crate::store::{Action, EditAction, EditState, Shared};

/// What the body shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The sheet.
    pub sheet: Sheet,
    /// What its form comes to.
    pub change: Change,
    /// The command lines that would do the same.
    pub lines: Vec<Line>,
    /// There is no command line for this sheet.
    pub file: bool,
    /// What is under way.
    pub edit: Shared<EditState>,
    /// What was typed.
    pub draft: UseStateHandle<Draft>,
}

/// The body.
#[component]
pub fn Body(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let sheet = &props.sheet;
    let busy = props.edit.pending.is_some();
    let shown = |field: &str| sheet.form.as_ref().is_some_and(|form| form.fields.iter().any(|own| own.key == field));
    // A refusal that speaks of no field of this form stands above it.
    let refused = props.edit.refused.as_ref();
    let loose = refused.filter(|error| !field_of(error).is_some_and(shown)).map(|error| texts.error(error));
    let button = |button: &Button| press(button, busy, "btn", &texts, &dispatch);
    html! {
        <div class="edit-body">
            <p class="edit-what">{ sheet.what.text(&texts) }</p>
            { for sheet.notes.iter().map(|note| html! { <p class="edit-note">{ note.text(&texts) }</p> }) }
            if let Some(loose) = loose { <p class="edit-wrong" role="alert">{ loose }</p> }
            if !sheet.buttons.is_empty() { <div class="edit-buttons">{ for sheet.buttons.iter().map(button) }</div> }
            if let Some(form) = &sheet.form { { fields(props, form, &texts, &dispatch) } }
            { for sheet.lists.iter().map(|list| things(list, busy, &texts, &dispatch)) }
            if let Some(remove) = &sheet.remove {
                <div class="edit-remove">
                    { press(remove, busy, "btn danger", &texts, &dispatch) }
                    <p class="edit-hint">{ texts.ui("edit-undo-hint") }</p>
                </div>
            }
            <p class="sr" role="status">{ if busy { texts.ui("edit-busy") } else if props.edit.done > 0 { texts.ui("edit-done") } else { "".into() } }</p>
        </div>
    }
}

/// A button, and beneath it why it cannot be pressed.
fn press(button: &Button, busy: bool, class: &'static str, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let (dispatch, action) = (dispatch.clone(), action_of(&button.press));
    let onclick = Callback::from(move |_: MouseEvent| dispatch.act(Action::Edit(action.clone())));
    let why = button.locked.as_ref().map(|why| why.text(texts));
    html! {
        <button type="button" {class} disabled={busy || button.locked.is_some()} title={why} {onclick}>{ button.label.text(texts) }</button>
    }
}

fn action_of(press: &Press) -> EditAction {
    match press {
        Press::Open(target) => EditAction::Deeper(target.clone()),
        Press::Apply(plan) => EditAction::Apply(plan.clone()),
    }
}

fn fields(props: &Props, form: &Form, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let on_type = {
        let draft = props.draft.clone();
        Callback::from(move |(key, value): (&'static str, String)| {
            let mut new = (*draft).clone();
            new.insert(key, value);
            draft.set(new);
        })
    };
    let refused = props.edit.refused.as_ref();
    let field = |field: &Field| {
        let own = props.change.wrong.iter().find(|(key, _)| *key == field.key).map(|(_, error)| error);
        let wrong = own.or_else(|| refused.filter(|error| field_of(error) == Some(field.key)));
        let wrong = wrong.map(|error| AttrValue::from(texts.error(error)));
        let value = props.draft.get(field.key).unwrap_or(&field.value).clone();
        html! {
            <EditField key={field.key} field={field.clone()} {value} {wrong} on_type={on_type.clone()} locked={form.locked.is_some()} />
        }
    };
    let onsubmit = {
        let (dispatch, change) = (dispatch.clone(), props.change.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if change.ready() {
                dispatch.act(Action::Edit(EditAction::Apply(change.plan.clone())));
            }
        })
    };
    let busy = props.edit.pending.is_some();
    let words = if props.change.restarts { "edit-apply-restart" } else { form.apply };
    let through = props.edit.done > 0 && props.draft.is_empty();
    html! {
        <form class="edit-form" {onsubmit} novalidate=true>
            if let Some(locked) = &form.locked { <p class="edit-note">{ locked.text(texts) }</p> }
            { for form.fields.iter().map(field) }
            <div class="edit-apply">
                <button type="submit" class="btn p" disabled={busy || !props.change.ready()}>{ texts.ui(words) }</button>
                if through { <span class="edit-through" aria-hidden="true">{ texts.ui("edit-done") }</span> }
                if props.change.restarts { <p class="edit-hint">{ texts.ui("edit-restart-hint") }</p> }
            </div>
            { terminal(props, texts) }
        </form>
    }
}

/// The same at a terminal, folded.
fn terminal(props: &Props, texts: &TextsHandle) -> Html {
    let line = |line: &Line| {
        let place = match &line.place {
            Place::Machine(machine) => texts.ui_with("edit-terminal-on", &[("machine", machine.clone())]),
            Place::Script => texts.ui("edit-terminal-script"),
        };
        html! { <li><span class="edit-hint">{ place }</span><code>{ &line.text }</code></li> }
    };
    let hint = match (props.file, props.lines.is_empty()) {
        (true, _) => "edit-terminal-file",
        (false, true) => "edit-terminal-none",
        (false, false) => "edit-terminal-hint",
    };
    html! {
        <details class="edit-terminal">
            <summary>{ texts.ui("edit-terminal") }</summary>
            <p class="edit-hint">{ texts.ui(hint) }</p>
            <ol>{ for props.lines.iter().map(line) }</ol>
        </details>
    }
}

fn things(list: &List, busy: bool, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let item = |item: &Item| {
        let name = item.name.text(texts);
        let open = item.open.clone().map(|target| {
            let dispatch = dispatch.clone();
            Callback::from(move |_: MouseEvent| dispatch.act(Action::Edit(EditAction::Deeper(target.clone()))))
        });
        let words = html! { <><b>{ name }</b><span>{ item.detail.text(texts) }</span></> };
        html! {
            <li>
                if let Some(onclick) = open {
                    <button type="button" class="edit-item" {onclick}>{ words }</button>
                } else {
                    <span class="edit-item">{ words }</span>
                }
                { for item.buttons.iter().map(|button| press(button, busy, "btn", texts, dispatch)) }
            </li>
        }
    };
    html! {
        <section class="edit-list">
            <h3>{ texts.ui(list.title) }</h3>
            if list.items.is_empty() { <p class="edit-hint">{ texts.ui(list.empty) }</p> }
            <ul>{ for list.items.iter().map(item) }</ul>
            if let Some(add) = &list.add {
                { press(add, busy, "btn", texts, dispatch) }
                if let Some(why) = &add.locked { <p class="edit-hint">{ why.text(texts) }</p> }
            }
        </section>
    }
}
