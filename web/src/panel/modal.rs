//! A dialog that has the page to itself until it is closed: the browser keeps the keyboard inside, closes it with Escape
//! and gives the focus back. And a list that drops down from a button.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, Node};
use yew::prelude::*;

use super::parts::Icon;
use crate::app::use_texts;
use crate::dom;

/// What a dialog shows.
#[derive(Clone, PartialEq, Properties)]
pub struct ModalProps {
    /// Its id.
    pub id: AttrValue,
    /// Its title.
    pub title: AttrValue,
    /// It is to be closed.
    pub on_close: Callback<()>,
    /// Its content.
    pub children: Html,
}

/// A dialog. It stands as long as it is rendered.
#[component]
pub fn Modal(props: &ModalProps) -> Html {
    let texts = use_texts();
    let dialog = use_node_ref();
    {
        let (dialog, on_close) = (dialog.clone(), props.on_close.clone());
        use_effect_with((), move |()| {
            let element = dialog.cast::<HtmlDialogElement>();
            let listeners = element.as_ref().map(|element| {
                let _ = element.show_modal();
                let close = on_close.clone();
                let closed = dom::Listener::new(element, "close", move |_| close.emit(()));
                // A press beside the dialog falls on the dialog itself: its backdrop.
                let own = element.clone();
                let beside = dom::Listener::new(element, "pointerdown", move |event| {
                    let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
                    if target.as_ref() == Some(own.unchecked_ref()) {
                        own.close();
                    }
                });
                (closed, beside)
            });
            // Closed before it goes, so that the focus returns to where it was.
            move || {
                drop(listeners);
                if let Some(element) = element.filter(HtmlDialogElement::open) {
                    element.close();
                }
            }
        });
    }
    let close = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(element) = dialog.cast::<HtmlDialogElement>() {
                element.close();
            }
        })
    };
    html! {
        <dialog ref={dialog} id={props.id.clone()} class="modal" aria-modal="true" aria-labelledby={format!("{}-title", props.id)}>
            <div class="modal-box">
                <div class="modal-head">
                    <h2 id={format!("{}-title", props.id)}>{ &props.title }</h2>
                    <button type="button" class="icon" aria-label={texts.ui("close")} onclick={close}><Icon name="close" /></button>
                </div>
                <div class="modal-body" tabindex="0">{ props.children.clone() }</div>
            </div>
        </dialog>
    }
}

/// What a list that drops down shows.
#[derive(Clone, PartialEq, Properties)]
pub struct DropProps {
    /// Its button's id.
    pub id: AttrValue,
    /// Classes of its button.
    #[prop_or_default]
    pub class: Classes,
    /// Its button's name for assistive tools and its tip.
    pub title: AttrValue,
    /// What stands on its button.
    pub button: Html,
    /// What drops down: buttons, arrow keys move between them.
    pub children: Html,
}

/// A button from which a list drops down: closed by Escape, by choosing, by a press elsewhere.
#[component]
pub fn Drop(props: &DropProps) -> Html {
    let open = use_state(|| false);
    let whole = use_node_ref();
    {
        let (whole, setter) = (whole.clone(), open.setter());
        use_effect_with(*open, move |open| {
            let listener = dom::document().filter(|_| *open).map(|document| {
                focus_item(&whole, 0);
                dom::Listener::new(&document, "pointerdown", move |event| {
                    let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
                    if !whole.cast::<Node>().is_some_and(|whole| whole.contains(target.as_ref())) {
                        setter.set(false);
                    }
                })
            });
            move || drop(listener)
        });
    }
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let onkeydown = {
        let (whole, open) = (whole.clone(), open.clone());
        Callback::from(move |event: KeyboardEvent| {
            let step: isize = match (event.key().as_str(), *open) {
                ("Escape", true) => {
                    open.set(false);
                    focus(whole.cast::<Element>().and_then(|whole| whole.first_element_child()));
                    event.prevent_default();
                    return;
                }
                ("ArrowDown", false) => return open.set(true),
                ("ArrowDown", true) => 1,
                ("ArrowUp", true) => -1,
                _ => return,
            };
            event.prevent_default();
            let items = items(&whole);
            let active = dom::document().and_then(|document| document.active_element());
            let at = items.iter().position(|item| Some(item.unchecked_ref::<Element>()) == active.as_ref());
            let next = at.map_or(0, |at| (at as isize + step).rem_euclid(items.len().max(1) as isize) as usize);
            focus_item(&whole, next);
        })
    };
    let chosen = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if target.is_some_and(|target| target.closest("button[data-closes]").ok().flatten().is_some()) {
                open.set(false);
            }
        })
    };
    html! {
        <div class="drop" ref={whole} {onkeydown}>
            <button type="button" id={props.id.clone()} class={props.class.clone()} title={props.title.clone()}
                aria-label={props.title.clone()} aria-expanded={open.to_string()} onclick={toggle}>{ props.button.clone() }</button>
            if *open { <div class="drop-list" role="group" aria-label={props.title.clone()} onclick={chosen}>{ props.children.clone() }</div> }
        </div>
    }
}

fn items(whole: &NodeRef) -> Vec<HtmlElement> {
    let list = whole
        .cast::<Element>()
        .and_then(|whole| whole.query_selector_all(".drop-list button:not(:disabled), .drop-list a").ok());
    let Some(list) = list else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect()
}

fn focus_item(whole: &NodeRef, at: usize) {
    focus(items(whole).into_iter().nth(at).map(Element::from));
}

fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}
