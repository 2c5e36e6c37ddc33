//! The contexts, all of which change seldom or never: the dispatcher and the texts. Data goes by props.

use netmodes_core::time::SimTime;
use yew::prelude::*;

use super::Dispatch;
use crate::dom::{self, Interval};
use crate::i18n::Texts;
use crate::store::{Clock, Shared};

/// The texts of the page's language.
pub type TextsHandle = Shared<Texts>;

/// The dispatcher.
///
/// # Panics
/// Outside the application: there is nothing to dispatch to.
#[hook]
pub fn use_dispatch() -> Dispatch {
    #[allow(clippy::expect_used, reason = "the root provides it; a panel outside the root is a mistake of ours")]
    use_context::<Dispatch>().expect("panels stand inside the application")
}

/// The texts of the page's language.
#[hook]
pub fn use_texts() -> TextsHandle {
    use_context::<TextsHandle>().unwrap_or_default()
}

/// Lab time now, again every `every_ms` while it runs.
#[hook]
pub fn use_lab_time(clock: Clock, every_ms: i32) -> SimTime {
    let update = use_force_update();
    use_effect_with((clock.pace.running, every_ms), move |(running, every_ms)| {
        let interval = running.then(|| Interval::new(*every_ms, move || update.force_update())).flatten();
        move || drop(interval)
    });
    clock.at(dom::now_ms())
}
