//! The dialog: a link, files, what the browser remembers, and what came of the last file or link.

use netmodes_core::error::UserError;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::files;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom;
use crate::panel::parts::Icon;
use crate::store::share::{Outcome, Share};
use crate::store::{Action, ShareAction, Shared};

/// A link longer than this is cut by some programs it is sent with (chats and mail).
const LINK_CHARS_SAFE: usize = 2_000;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    pub(super) share: Shared<Share>,
    pub(super) can_load: bool,
    pub(super) dialog: NodeRef,
}

#[component]
pub(super) fn Dialog(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let close = {
        let dialog = props.dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        })
    };
    let save = dispatch.callback(|_: MouseEvent| Action::Share(ShareAction::SaveSession));
    let keep = dispatch.callback(|_: MouseEvent| Action::Share(ShareAction::SaveProgress(dom::kept())));
    html! {
        <>
            <div class="share-head">
                <h2 id="share-title">{ texts.ui("share") }</h2>
                <button type="button" class="icon" aria-label={texts.ui("close")} onclick={close}><Icon name="close" /></button>
            </div>
            <div role="status" class="share-outcome">{ outcome(&texts, props.share.outcome.as_ref()) }</div>
            <section>
                <h3>{ texts.ui("share-link") }</h3>
                <Link share={props.share.clone()} can_load={props.can_load} />
            </section>
            <section>
                <h3>{ texts.ui("share-file") }</h3>
                <p>{ texts.ui("share-file-what") }</p>
                <div class="row-of">
                    <button type="button" class="btn" id="share-save" onclick={save}>{ texts.ui("share-save") }</button>
                    <files::OpenFile label={texts.ui("share-open")} disabled={!props.can_load} />
                </div>
                if props.can_load { <OpenLink /> } else { <p class="note">{ texts.ui("share-agent") }</p> }
            </section>
            <section>
                <h3>{ texts.ui("share-progress") }</h3>
                <p>{ texts.ui("share-progress-what") }</p>
                <div class="row-of">
                    <button type="button" class="btn" id="share-keep" onclick={keep}>{ texts.ui("share-progress-save") }</button>
                    <files::OpenFile label={texts.ui("share-progress-open")} disabled={false} />
                </div>
            </section>
        </>
    }
}

fn outcome(texts: &TextsHandle, outcome: Option<&Outcome>) -> Html {
    match outcome {
        None | Some(Outcome::Opened { .. }) => html! {},
        Some(Outcome::Restored(count)) => html! {
            <p class="share-good">
                { texts.ui_count("share-restored", *count as u64) }{ " " }<a href="./">{ texts.ui("share-reload") }</a>
            </p>
        },
        Some(Outcome::Refused { name, errors }) => html! {
            <div class="share-bad">
                <p>{ refused(texts, name) }</p>
                <ul>{ for errors.iter().map(|error| html! { <li>{ texts.error(error) }</li> }) }</ul>
                <p>{ texts.ui("share-unchanged") }</p>
            </div>
        },
    }
}

fn refused(texts: &TextsHandle, name: &str) -> std::rc::Rc<str> {
    if name.is_empty() {
        texts.ui("share-link-refused")
    } else {
        texts.ui_with("share-file-refused", &[("name", name.to_owned())])
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LinkProps {
    share: Shared<Share>,
    can_load: bool,
}

/// The link, to be copied.
#[component]
fn Link(props: &LinkProps) -> Html {
    let texts = use_texts();
    let field = use_node_ref();
    let copied = use_state(|| None::<bool>);
    {
        let copied = copied.setter();
        use_effect_with(props.share.link.clone(), move |_| copied.set(None));
    }
    if let Some(error) = &props.share.no_link {
        return no_link(&texts, error);
    }
    let Some(text) = &props.share.link else { return html! { <p class="dim">{ texts.ui("share-link-making") }</p> } };
    let url = format!("{}#s={text}", dom::address());
    let copy = {
        let (url, field, copied) = (url.clone(), field.clone(), copied.setter());
        Callback::from(move |_: MouseEvent| copy(url.clone(), field.clone(), copied.clone()))
    };
    let length = url.len();
    let said = match *copied {
        None => "",
        Some(true) => "share-copied",
        Some(false) => "share-copy-yourself",
    };
    html! {
        <>
            <p>{ texts.ui(if props.can_load { "share-link-what" } else { "share-link-agent" }) }</p>
            <div class="share-row">
                <input id="share-url" class="share-url" readonly=true ref={field} value={url.clone()} aria-label={texts.ui("share-link")} />
                <button type="button" class="btn p" id="share-copy" onclick={copy}>{ texts.ui("share-copy") }</button>
            </div>
            <p class="note" role="status">
                { texts.ui_count("share-length", length as u64) }
                if length > LINK_CHARS_SAFE { { " " }{ texts.ui("share-long") } }
                if !said.is_empty() { { " " }<b>{ texts.ui(said) }</b> }
            </p>
            if !props.can_load {
                <p><a href={url} target="_blank" rel="noopener">{ texts.ui("share-sandbox") }</a></p>
            }
        </>
    }
}

fn no_link(texts: &TextsHandle, error: &UserError) -> Html {
    html! { <p class="share-bad">{ texts.error(error) }</p> }
}

/// Puts the link into the clipboard; where the browser forbids that, it is selected, to be copied by hand.
fn copy(url: String, field: NodeRef, copied: UseStateSetter<Option<bool>>) {
    let clipboard =
        dom::window().filter(|window| window.is_secure_context()).map(|window| window.navigator().clipboard());
    spawn_local(async move {
        let done = match clipboard {
            Some(clipboard) => JsFuture::from(clipboard.write_text(&url)).await.is_ok(),
            None => false,
        };
        if let Some(field) = field.cast::<HtmlInputElement>().filter(|_| !done) {
            let _ = field.focus();
            field.select();
        }
        copied.set(Some(done));
    });
}

/// A field that a link is pasted into.
#[component]
fn OpenLink() -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let field = use_node_ref();
    let onsubmit = {
        let field = field.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(field) = field.cast::<HtmlInputElement>() else { return };
            if !field.value().trim().is_empty() {
                dispatch.act(Action::Share(ShareAction::OpenAddress(field.value())));
            }
        })
    };
    html! {
        <form class="share-row" {onsubmit}>
            <input id="share-paste" ref={field} placeholder={texts.ui("share-paste")} aria-label={texts.ui("share-paste")} autocomplete="off" spellcheck="false" />
            <button type="submit" class="btn" id="share-paste-open">{ texts.ui("share-open-link") }</button>
        </form>
    }
}
