//! What happened to a frame, in words: every decision and the drop, at each node, in order.

use netmodes_core::error::fill;
use netmodes_core::event::Decision;
use netmodes_core::view::LabView;
use yew::prelude::*;

use crate::app::TextsHandle;
use crate::store::outcomes::{Outcome, What};
use crate::store::{FrameEntry, Outcomes};

/// The story of `entry`'s frame. A frame that crosses several cables has several nodes in it.
pub(super) fn story(view: &LabView, outcomes: &Outcomes, entry: &FrameEntry, texts: &TextsHandle) -> Html {
    let lines = outcomes.of(entry.sent.frame).iter().map(|outcome| line(view, outcome, texts));
    let lines: Vec<Html> = lines.collect();
    if lines.is_empty() {
        return html! {};
    }
    html! {
        <>
            <h4>{ texts.ui("what-happened") }</h4>
            <ol class="story">{ for lines }</ol>
        </>
    }
}

fn line(view: &LabView, outcome: &Outcome, texts: &TextsHandle) -> Html {
    let name = super::node_name(view, outcome.node);
    match &outcome.what {
        What::Decided(decision) => {
            let (title, text) = decided(decision, texts);
            html! { <li><b>{ name }</b>{ " — " }{ title }<p>{ text }</p></li> }
        }
        What::Dropped(reason) => {
            let title = texts.get(&format!("drops.{}.title", reason.code()));
            let text = texts.find(&format!("drops.{}.text", reason.code()));
            html! {
                <li class="bad">
                    <b>{ name }</b>{ " — ✕ " }{ title }<code class="code">{ reason.code() }</code><p>{ for text }</p>
                </li>
            }
        }
    }
}

/// Title and text of a decision, found under its tag, with its values filled in.
fn decided(decision: &Decision, texts: &TextsHandle) -> (String, String) {
    let Ok(serde_json::Value::Object(values)) = serde_json::to_value(decision) else { return Default::default() };
    let tag = values.get("d").and_then(|tag| tag.as_str()).unwrap_or_default().to_owned();
    let args: Vec<(String, String)> = values
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect();
    let text = |part: &str| texts.find(&format!("decisions.{tag}.{part}")).map(|template| fill(&template, &args));
    (text("title").unwrap_or_else(|| tag.clone()), text("text").unwrap_or_default())
}
