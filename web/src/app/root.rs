//! The application's root.
use yew::prelude::*;
use super::hub::Dispatch;
use crate::store::{AppState, Shared, Action};
use crate::panel::stage::Stage;

/// Mounts the application into the document.
pub fn mount() {
    super::panic::install();
    yew::Renderer::<App>::new().render();
}

#[component]
fn App() -> Html {
    let state = use_state(|| Shared::new(AppState::default()));
    let dispatch = use_memo((), |()| {
        let setter = state.setter();
        Dispatch::new(AppState::default(), Callback::from(move |new| setter.set(new)))
    });
    { let dispatch = dispatch.clone(); use_effect_with((), move |()| dispatch.open()); }
    html! {
        <ContextProvider<Dispatch> context={(*dispatch).clone()}>
            <Stage state={(*state).clone()} on_select={dispatch.callback(Action::Select)} on_command={dispatch.callback(Action::Do)} />
        </ContextProvider<Dispatch>>
    }
}
