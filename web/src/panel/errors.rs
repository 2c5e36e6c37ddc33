//! Refusals: the newest one, until it is read.

use netmodes_core::error::UserError;
use yew::prelude::*;

use super::parts::Icon;
use crate::app::{use_dispatch, use_texts};
use crate::store::{Action, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Refusals, newest last.
    pub errors: Shared<Vec<UserError>>,
}

/// The newest refusal.
#[component]
pub fn Errors(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let onclick = dispatch.callback(|_: MouseEvent| Action::DismissError);
    html! {
        <div class="errors" role="alert">
            if let Some(error) = props.errors.last() {
                <div class="error">
                    <span>{ texts.error(error) }</span>
                    <button type="button" class="icon" aria-label={texts.ui("close")} {onclick}><Icon name="close" /></button>
                </div>
            }
        </div>
    }
}
