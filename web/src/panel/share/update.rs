//! What is said once, at the page's foot: that a new version is ready, that the browser remembers nothing.
//! `static/boot.js` knows of new versions, and carries the change out.

use web_sys::Event as DomEvent;
use yew::prelude::*;

use crate::app::use_texts;
use crate::dom::{self, Listener};
use crate::panel::parts::Icon;

/// A new version is ready.
#[component]
pub(super) fn NewVersion() -> Html {
    let texts = use_texts();
    let ready = use_state(is_ready);
    let setter = ready.setter();
    use_effect_with((), move |()| {
        let listener =
            dom::document().map(|document| Listener::new(&document, "netmodes-update", move |_| setter.set(true)));
        move || drop(listener)
    });
    if !*ready {
        return html! {};
    }
    let later = ready.setter();
    let onclick = Callback::from(|_: MouseEvent| {
        if let (Some(document), Ok(event)) = (dom::document(), DomEvent::new("netmodes-reload")) {
            let _ = document.dispatch_event(&event);
        }
    });
    html! {
        <div class="said" role="status">
            <span>{ texts.ui("update-ready") }</span>
            <button type="button" class="btn p" id="update-now" {onclick}>{ texts.ui("update-now") }</button>
            <button type="button" class="icon" aria-label={texts.ui("update-later")} title={texts.ui("update-later")}
                onclick={Callback::from(move |_: MouseEvent| later.set(false))}><Icon name="close" /></button>
        </div>
    }
}

fn is_ready() -> bool {
    let root = dom::document().and_then(|document| document.document_element());
    root.is_some_and(|root| root.get_attribute("data-update").is_some())
}

/// The browser remembers nothing.
#[component]
pub(super) fn CannotKeep() -> Html {
    let texts = use_texts();
    let read = use_state(|| false);
    if *read {
        return html! {};
    }
    let setter = read.setter();
    html! {
        <div class="said" role="status">
            <span>{ texts.ui("keep-nothing") }</span>
            <button type="button" class="icon" aria-label={texts.ui("close")}
                onclick={Callback::from(move |_: MouseEvent| setter.set(true))}><Icon name="close" /></button>
        </div>
    }
}
