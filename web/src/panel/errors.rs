//! Refusals: the newest ones, until they are closed; they can be read again from the top bar.

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

/// The newest refusal, and how many more there are.
#[component]
pub fn Errors(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let onclick = dispatch.callback(|_: MouseEvent| Action::DismissError);
    let more = props.errors.len().saturating_sub(1) as u64;
    html! {
        <div class="errors" role="alert">
            if let Some(error) = props.errors.last() {
                <div class="error" key={props.errors.len()}>
                    <Icon name="warning" />
                    <span>{ texts.error(error) }
                        if more > 0 { <span class="error-more">{ texts.ui_count("errors-more", more) }</span> }
                    </span>
                    <button type="button" class="icon" aria-label={texts.ui("close")} {onclick}><Icon name="close" /></button>
                </div>
            }
        </div>
    }
}
