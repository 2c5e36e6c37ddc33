//! Words with code in them: `` `ip addr` `` in a text becomes code.

use yew::prelude::*;

/// `text` with what stands between backquotes as code.
pub fn marked(text: &str) -> Html {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        1 => html! { <code>{ part.to_owned() }</code> },
        _ => html! { { part.to_owned() } },
    });
    html! { <>{ for parts }</> }
}
