//! Who reaches whom: guessed first, then tried.

use netmodes_core::view::LabView;
use yew::prelude::*;

use crate::store::{Clock, Reach, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables.
    pub view: Shared<LabView>,
    /// What is believed, tried and known.
    pub reach: Shared<Reach>,
    /// Lab time.
    pub clock: Clock,
}

/// The matrix.
#[component]
pub fn WhoReaches(_props: &Props) -> Html {
    html! {}
}
