//! Sharing: the button in the top bar and its dialog; files dropped on the page; links opened while the page is up; that
//! a new version is ready.

mod dialog;
mod files;
mod update;

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::parts::Icon;
use crate::app::{use_dispatch, use_texts};
use crate::dom::{self, Listener};
use crate::store::share::{Asked, Outcome, Share};
use crate::store::{Action, ShareAction, Shared};

/// What the button and the dialog show.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Links and files.
    pub share: Shared<Share>,
    /// The source can load labs.
    pub can_load: bool,
}

/// The button, the dialog, and what is said besides.
#[component]
pub fn ShareButton(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let dialog = use_node_ref();
    let open = {
        let (dialog, dispatch) = (dialog.clone(), dispatch.clone());
        Callback::from(move |_: MouseEvent| {
            dispatch.act(Action::Share(ShareAction::Dismiss));
            dispatch.act(Action::Share(ShareAction::AskLink));
            show(&dialog);
        })
    };
    use_addresses();
    let dragging = files::use_dropped_files();
    {
        // What came of a file or a link is said in the dialog, wherever it came from.
        let dialog = dialog.clone();
        use_effect_with(props.share.outcome.clone(), move |outcome| match outcome {
            Some(Outcome::Refused { .. } | Outcome::Restored(_)) => show(&dialog),
            Some(Outcome::Opened { .. }) => hide(&dialog),
            None => {}
        });
    }
    html! {
        <>
            <button type="button" id="share-button" class="icon" title={texts.ui("share")} aria-label={texts.ui("share")}
                aria-haspopup="dialog" onclick={open}><Icon name="share" /></button>
            <dialog class="share" ref={dialog.clone()} aria-labelledby="share-title">
                <dialog::Dialog share={props.share.clone()} can_load={props.can_load} dialog={dialog} />
            </dialog>
            if *dragging { <div class="drop-here" aria-hidden="true"><p>{ texts.ui("share-drop") }</p></div> }
            <update::NewVersion />
            if props.share.cannot_keep { <update::CannotKeep /> }
        </>
    }
}

fn show(dialog: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>().filter(|dialog| !dialog.open()) {
        let _ = dialog.show_modal();
    }
}

fn hide(dialog: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
        dialog.close();
    }
}

/// A link that is opened in the tab where the page is up changes the fragment only.
#[hook]
fn use_addresses() {
    let dispatch = use_dispatch();
    use_effect_with((), move |()| {
        let window = dom::window();
        let listener = window.map(|window| {
            Listener::new(&window, "hashchange", move |_| {
                let fragment = dom::fragment();
                if Asked::read(&fragment).is_some() {
                    dispatch.act(Action::Share(ShareAction::OpenAddress(fragment)));
                }
            })
        });
        move || drop(listener)
    });
}
