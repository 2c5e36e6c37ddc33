//! The stage: the lab as a picture, and the frames that travel in it.

use netmodes_core::world::Command;
use yew::prelude::*;

use crate::store::{AppState, Select, Shared};

/// What the stage shows and whom it tells.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows. Equality is identity, so hand slices to the parts.
    pub state: Shared<AppState>,
    /// The student chose something in the picture.
    pub on_select: Callback<Select>,
    /// The student wants something done: another mode, a cable out.
    pub on_command: Callback<Command>,
}

/// The stage.
#[component]
pub fn Stage(props: &Props) -> Html {
    let nodes = props.state.view.nodes.values().map(|node| html! { <li key={node.id.0}>{ &node.name }</li> });
    html! { <ul class="stage-list">{ for nodes }</ul> }
}
