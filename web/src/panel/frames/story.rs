//! The way of a packet, as a list: each cable, what changed in its headers, what the machine at its end decided and why.

use netmodes_core::view::LabView;
use netmodes_core::why::Question;
use yew::prelude::*;

use super::way_with_ports;
use crate::app::{Dispatch, TextsHandle};
use crate::format;
use crate::panel::parts::chip;
use crate::panel::proof::decided;
use crate::store::follow::{Change, Step, Way};
use crate::store::outcomes::{Outcome, What};
use crate::store::{Action, InsideAction, Select};

/// The way, with `chosen` marked.
pub(super) fn story(view: &LabView, way: &Way, chosen: u64, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let numbered = |main: bool| way.steps.iter().filter(move |step| step.main == main);
    let show = |step: &Step| cable(view, step, chosen, texts, dispatch);
    let copies = numbered(false).count();
    let link = |seq: Option<u64>, key: &str| match seq {
        Some(seq) => {
            let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Frame(seq)));
            html! { <button type="button" class="choice" {onclick}>{ texts.ui(key) }</button> }
        }
        None => html! {},
    };
    html! {
        <div class="way">
            <h4>{ texts.ui("follow") }</h4>
            <p class="way-links">{ link(way.question, "way-question") }{ link(way.answer, "way-answer") }</p>
            <ol class="way-steps">{ for numbered(true).map(show) }</ol>
            if copies > 0 {
                <details class="way-copies">
                    <summary>{ texts.ui_count("way-copies", copies as u64) }</summary>
                    <ol class="way-steps">{ for numbered(false).map(show) }</ol>
                </details>
            }
            if way.cut { <p class="note">{ texts.ui("way-cut") }</p> }
        </div>
    }
}

fn cable(view: &LabView, step: &Step, chosen: u64, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let entry = &step.entry;
    let seq = entry.seq;
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Frame(seq)));
    let current = (seq == chosen).then_some("step");
    let waited = step.waited.map(|time| {
        let time = format::instant(netmodes_core::time::SimTime::ZERO + time);
        html! { <p class="way-wait">{ texts.ui_with("way-waited", &[("time", time)]) }</p> }
    });
    let before = &step.before;
    let reasons = |outcomes: &[Outcome]| {
        let frame = entry.sent.frame;
        let why = dispatch.callback(move |_: MouseEvent| Action::Inside(InsideAction::Why(Question::Frame { frame })));
        let lines = outcomes.iter().map(|outcome| line(view, outcome, texts, &why));
        html! { if !outcomes.is_empty() { <ul class="story">{ for lines }</ul> } }
    };
    html! {
        <li key={seq} class={classes!(current.map(|_| "here"))}>
            { reasons(before) }
            { for waited }
            <button type="button" class="way-cable" {onclick} aria-current={current}>
                { chip(&entry.summary().proto) }<b>{ way_with_ports(view, entry) }</b><span class="mono dim">{ format::instant(entry.time) }</span>
            </button>
            { for step.changed.iter().map(|change| changed(change, texts)) }
            { reasons(&step.after) }
        </li>
    }
}

fn changed(change: &Change, texts: &TextsHandle) -> Html {
    let [before, after] = &change.values;
    html! {
        <p class="way-change"><span>{ texts.ui(change.name) }</span>{ " " }<code>{ before }</code>{ " → " }<code class="chg">{ after }</code></p>
    }
}

fn line(view: &LabView, outcome: &Outcome, texts: &TextsHandle, why: &Callback<MouseEvent>) -> Html {
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
                    <b>{ name }</b>{ " — ✕ " }{ title }<code class="code">{ reason.code() }</code>
                    { " " }<button type="button" class="choice" onclick={why}>{ texts.ui("why") }</button><p>{ for text }</p>
                </li>
            }
        }
    }
}
