//! What happened to a packet, step by step, in words: the proof of an answer.

use netmodes_core::error::fill;
use netmodes_core::event::Decision;
use netmodes_core::reach::{Seen, TraceStep};
use netmodes_core::view::LabView;
use yew::prelude::*;

use super::frames::node_name;
use crate::app::TextsHandle;

/// The steps as a list.
pub fn steps(view: &LabView, steps: &[TraceStep], texts: &TextsHandle) -> Html {
    let mut back = false;
    let lines = steps.iter().enumerate().map(|(at, step)| {
        let turns = step.back && !back;
        back |= step.back;
        html! {
            <>
                if turns { <li class="turn" key={format!("turn{at}")}>{ texts.ui("proof-answer") }</li> }
                { line(view, step, at, texts) }
            </>
        }
    });
    html! { <ol class="proof">{ for lines }</ol> }
}

fn line(view: &LabView, step: &TraceStep, at: usize, texts: &TextsHandle) -> Html {
    let name = node_name(view, step.node);
    match &step.seen {
        Seen::Sent { to, summary, .. } => html! {
            <li key={at} class="sent"><b>{ name }</b>{ " → " }<b>{ node_name(view, to.node) }</b>{ " " }<span class="mono">{ summary }</span></li>
        },
        Seen::Decided(decision) => {
            let (title, text) = decided(decision, texts);
            html! { <li key={at}><b>{ name }</b>{ ": " }{ title }<p>{ text }</p></li> }
        }
        Seen::Dropped(reason) => html! {
            <li key={at} class="bad"><b>{ name }</b>{ ": ✕ " }{ texts.get(&format!("drops.{}.title", reason.code())) }
                <code class="code">{ reason.code() }</code></li>
        },
    }
}

/// Title and text of a decision, found under its tag, with its values filled in.
pub fn decided(decision: &Decision, texts: &TextsHandle) -> (String, String) {
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
