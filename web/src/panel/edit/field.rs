//! One field of a sheet: its label, its control, its unit, its hint, and what is wrong with it.

use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::app::{TextsHandle, use_texts};
use crate::edit::{Choice, Field, Kind};

/// What a field shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The field.
    pub field: Field,
    /// What is typed in it.
    pub value: AttrValue,
    /// What is wrong with it, in words.
    pub wrong: Option<AttrValue>,
    /// Something was typed.
    pub on_type: Callback<(&'static str, String)>,
    /// The whole form is locked.
    pub locked: bool,
}

/// The field.
#[component]
pub fn EditField(props: &Props) -> Html {
    let texts = use_texts();
    let field = &props.field;
    let id = format!("edit-{}", field.key);
    let hint = field.locked.as_ref().or(field.hint.as_ref()).map(|hint| hint.text(&texts));
    let mut described = Vec::new();
    if props.wrong.is_some() {
        described.push(format!("{id}-wrong"));
    }
    if hint.is_some() {
        described.push(format!("{id}-hint"));
    }
    let described = (!described.is_empty()).then(|| described.join(" "));
    let control = control(props, &id, described, &texts);
    let label = texts.ui(field.label);
    let unit =
        field.unit.map(|unit| html! { <span class="edit-unit" id={format!("{id}-unit")}>{ texts.ui(unit) }</span> });
    let body = if field.kind == Kind::Check {
        html! { <label class="edit-check">{ control }<span>{ label }</span></label> }
    } else {
        html! { <><label for={id.clone()}>{ label }</label><span class="edit-control">{ control }{ for unit }</span></> }
    };
    html! {
        <div class={classes!("edit-field", props.wrong.is_some().then_some("bad"))}>
            { body }
            if let Some(wrong) = &props.wrong { <p class="edit-wrong" id={format!("{id}-wrong")}>{ wrong }</p> }
            if let Some(hint) = hint { <p class="edit-hint" id={format!("{id}-hint")}>{ hint }</p> }
        </div>
    }
}

fn control(props: &Props, id: &str, described: Option<String>, texts: &TextsHandle) -> Html {
    let field = &props.field;
    let disabled = props.locked || field.locked.is_some();
    let invalid = props.wrong.is_some().then_some("true");
    let typed = |value: fn(&Event) -> Option<String>| {
        let (key, on_type) = (field.key, props.on_type.clone());
        Callback::from(move |event: Event| {
            if let Some(value) = value(&event) {
                on_type.emit((key, value));
            }
        })
    };
    match &field.kind {
        Kind::Choice(choices) => {
            let onchange = typed(|event| Some(target::<HtmlSelectElement>(event)?.value()));
            let option = |choice: &Choice| {
                let chosen = choice.value == *props.value;
                html! { <option value={choice.value.clone()} selected={chosen} disabled={choice.disabled}>{ choice.label.text(texts) }</option> }
            };
            html! {
                <select id={id.to_owned()} {disabled} aria-describedby={described} aria-invalid={invalid} {onchange}>
                    { for choices.iter().map(option) }
                </select>
            }
        }
        Kind::Check => {
            let onchange = typed(|event| {
                let on = target::<HtmlInputElement>(event)?.checked();
                Some(if on { "on" } else { "" }.to_owned())
            });
            html! { <input id={id.to_owned()} type="checkbox" checked={!props.value.is_empty()} {disabled} aria-describedby={described} {onchange} /> }
        }
        Kind::Lines => {
            let (key, on_type) = (field.key, props.on_type.clone());
            let oninput = Callback::from(move |event: InputEvent| {
                if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                    on_type.emit((key, area.value()));
                }
            });
            html! {
                <textarea id={id.to_owned()} class="mono" rows="3" value={props.value.clone()} {disabled} aria-describedby={described}
                    aria-invalid={invalid} placeholder={field.example.clone()} spellcheck="false" autocomplete="off" {oninput} />
            }
        }
        kind => {
            let (key, on_type) = (field.key, props.on_type.clone());
            let oninput = Callback::from(move |event: InputEvent| {
                if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                    on_type.emit((key, input.value()));
                }
            });
            let class = classes!((*kind != Kind::Text).then_some("mono"), (*kind == Kind::Number).then_some("short"));
            let mode = (*kind == Kind::Number).then_some("decimal");
            html! {
                <input id={id.to_owned()} {class} type="text" inputmode={mode} value={props.value.clone()} {disabled}
                    aria-describedby={described} aria-invalid={invalid} placeholder={field.example.clone()} spellcheck="false"
                    autocomplete="off" autocapitalize="off" {oninput} />
            }
        }
    }
}

fn target<T: JsCast>(event: &Event) -> Option<T> {
    event.target().and_then(|target| target.dyn_into::<T>().ok())
}
