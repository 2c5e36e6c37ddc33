//! Files from the reader's computer: chosen, or dropped on the page.

use netmodes_core::error::UserError;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DragEvent, File, HtmlInputElement};
use yew::prelude::*;

use crate::app::{Dispatch, use_dispatch};
use crate::dom::{self, Listener};
use crate::store::share::FILE_BYTES_MAX;
use crate::store::{Action, ShareAction};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    pub(super) label: AttrValue,
    pub(super) disabled: bool,
}

/// A button that chooses a file.
#[component]
pub(super) fn OpenFile(props: &Props) -> Html {
    let dispatch = use_dispatch();
    let field = use_node_ref();
    let onclick = {
        let field = field.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.click();
            }
        })
    };
    let onchange = Callback::from(move |event: Event| {
        let Some(field) = event.target_dyn_into::<HtmlInputElement>() else { return };
        if let Some(file) = field.files().and_then(|files| files.get(0)) {
            read(dispatch.clone(), file);
        }
        // The same file can be chosen again, after it was mended.
        field.set_value("");
    });
    html! {
        <>
            <button type="button" class="btn" disabled={props.disabled} {onclick}>{ props.label.clone() }</button>
            <input type="file" hidden=true ref={field} accept=".json,.toml,application/json" {onchange} />
        </>
    }
}

/// Takes files that are dropped anywhere; whether one is being dragged over the page.
#[hook]
pub(super) fn use_dropped_files() -> UseStateHandle<bool> {
    let dispatch = use_dispatch();
    let dragging = use_state(|| false);
    let setter = dragging.setter();
    use_effect_with((), move |()| {
        let Some(document) = dom::document() else { return Box::new(|| ()) as Box<dyn FnOnce()> };
        let over = setter.clone();
        let leave = setter.clone();
        let listeners = vec![
            Listener::new(&document, "dragover", move |event| {
                if has_files(&event) {
                    event.prevent_default();
                    over.set(true);
                }
            }),
            Listener::new(&document, "dragleave", move |event| {
                // Only when the pointer leaves the window there is nothing it goes to.
                let gone = event.dyn_ref::<DragEvent>().is_some_and(|event| event.related_target().is_none());
                if gone {
                    leave.set(false);
                }
            }),
            Listener::new(&document, "drop", move |event| {
                setter.set(false);
                let files =
                    event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer).and_then(|data| data.files());
                if let Some(file) = files.and_then(|files| files.get(0)) {
                    event.prevent_default();
                    read(dispatch.clone(), file);
                }
            }),
        ];
        Box::new(move || drop(listeners)) as Box<dyn FnOnce()>
    });
    dragging
}

fn has_files(event: &web_sys::Event) -> bool {
    let data = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer);
    data.is_some_and(|data| data.types().iter().any(|kind| kind.as_string().as_deref() == Some("Files")))
}

fn read(dispatch: Dispatch, file: File) {
    let name = file.name();
    if file.size() > FILE_BYTES_MAX as f64 {
        let error = UserError::new("file-too-large").with("max", FILE_BYTES_MAX >> 20);
        dispatch.act(Action::Share(ShareAction::CannotRead { name, error }));
        return;
    }
    spawn_local(async move {
        let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
        dispatch.act(Action::Share(match text {
            Some(text) => ShareAction::OpenFile { name, text },
            None => ShareAction::CannotRead { name, error: UserError::new("file-unreadable") },
        }));
    });
}
