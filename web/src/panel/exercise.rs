//! The exercise.
use yew::prelude::*;
use crate::store::{AppState, Shared};
use crate::app::use_texts;

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything.
    pub state: Shared<AppState>,
}

/// The exercise.
#[component]
pub fn Exercise(props: &Props) -> Html {
    let texts = use_texts();
    let _ = props;
    html! { <aside class="ex" aria-label={texts.ui("exercise")}></aside> }
}
