//! The sheet in which things are changed in place. Owns how a sheet is drawn, what is typed into it, and where the focus
//! goes; what a sheet consists of and what it comes to is [`crate::edit`]'s.

mod field;
mod parts;

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::app::{use_dispatch, use_texts};
use crate::dom;
use crate::edit::{self, Draft, Look};
use crate::store::{Action, EditAction, EditState, EditTarget, Selection, Shared};
use netmodes_core::view::LabView;

/// What the sheet shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What is being changed.
    pub edit: Shared<EditState>,
    /// The lab.
    pub view: Shared<LabView>,
    /// What is chosen in the picture: `e` opens its sheet.
    pub selection: Selection,
}

/// Whether a key belongs to whatever has the focus: somebody types there.
fn is_typed(event: &Event) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    target.is_some_and(|target| {
        matches!(target.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA") || target.is_content_editable()
    })
}

/// `e` opens the sheet of what is chosen in the picture, else the whole lab's, unless a panel has taken the key for itself.
#[hook]
fn use_key(view: &Shared<LabView>, selection: Selection) {
    let dispatch = use_dispatch();
    use_effect_with((view.clone(), selection), move |(view, selection)| {
        let (view, selection) = (view.clone(), *selection);
        let listener = dom::window().map(|window| {
            dom::Listener::new(&window, "keydown", move |event| {
                let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
                let plain = !(key.ctrl_key() || key.alt_key() || key.meta_key());
                // By place, so that it works with a Russian layout too.
                if key.code() != "KeyE" || !plain || event.default_prevented() || is_typed(&event) {
                    return;
                }
                let link = selection.link.filter(|_| selection.frame.is_none()).map(EditTarget::Link);
                let node = || selection.node.and_then(|node| EditTarget::of_node(&view, node));
                let target = link.or_else(node).unwrap_or(EditTarget::Lab);
                event.prevent_default();
                dispatch.act(Action::Edit(EditAction::Open(target)));
            })
        });
        move || drop(listener)
    });
}

/// The sheet, if one is open.
#[component]
pub fn Edit(props: &Props) -> Html {
    use_key(&props.view, props.selection);
    match props.edit.target() {
        Some(target) => {
            html! { <Open key="sheet" edit={props.edit.clone()} view={props.view.clone()} target={target.clone()} /> }
        }
        None => html! {},
    }
}

#[derive(Clone, PartialEq, Properties)]
struct OpenProps {
    edit: Shared<EditState>,
    view: Shared<LabView>,
    target: EditTarget,
}

/// Remembers where the focus was, and gives it back when the sheet is gone.
#[hook]
fn use_focus_back() {
    use_effect_with((), |()| {
        let before = dom::document().and_then(|document| document.active_element());
        move || {
            let before = before.filter(|before| before.is_connected());
            if let Some(before) = before.and_then(|before| before.dyn_into::<HtmlElement>().ok()) {
                let _ = before.focus();
            }
        }
    });
}

#[component]
fn Open(props: &OpenProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    use_focus_back();
    let draft = use_state(Draft::new);
    let head = use_node_ref();
    {
        // Another sheet, or a change that is through: what was typed is done with.
        let (draft, edit) = (draft.setter(), props.edit.clone());
        use_effect_with((props.target.clone(), edit.done), move |_| draft.set(Draft::new()));
        let head = head.clone();
        use_effect_with(props.target.clone(), move |_| {
            if let Some(head) = head.cast::<HtmlElement>() {
                let _ = head.focus();
            }
        });
    }
    let look = Look { view: &props.view, draft: &draft };
    let sheet = edit::sheet(&props.target, look);
    let change = edit::change(&props.target, look);
    let back = dispatch.callback(|_: MouseEvent| Action::Edit(EditAction::Back));
    let close = dispatch.callback(|_: MouseEvent| Action::Edit(EditAction::Close));
    let onkeydown = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                dispatch.act(Action::Edit(EditAction::Back));
            }
        })
    };
    let title =
        sheet.as_ref().map_or_else(|| texts.ui("edit-gone-title").to_string(), |sheet| sheet.title.text(&texts));
    let body = match sheet {
        Some(sheet) => {
            let lines = if change.ready() { edit::lines(&props.view, &change.plan) } else { Vec::new() };
            let file = matches!(props.target, EditTarget::Scope(..));
            html! {
                <parts::Body {sheet} {change} {lines} {file} edit={props.edit.clone()} draft={draft.clone()} />
            }
        }
        None => html! { <p class="edit-note">{ texts.ui("edit-gone") }</p> },
    };
    html! {
        <aside class="edit" aria-labelledby="edit-title" {onkeydown}>
            <div class="edit-head">
                if props.edit.open.len() > 1 {
                    <button type="button" class="btn edit-back" onclick={back}>{ texts.ui("edit-back") }</button>
                }
                <h2 id="edit-title" tabindex="-1" ref={head}>{ title }</h2>
                <button type="button" class="icon" aria-label={texts.ui("close")} title={texts.ui("edit-close")} onclick={close}>
                    <super::parts::Icon name="close" />
                </button>
            </div>
            { body }
        </aside>
    }
}
