//! The strip's buttons: undo and redo, back and forth, play, steps.

use netmodes_core::protocol::{LookTo, LookUnit, StepTo};
use yew::prelude::*;

use super::{Can, title, words};
use crate::app::{Dispatch, TextsHandle};
use crate::dom;
use crate::panel::parts::Icon;
use crate::store::{Action, Clock, PastState, Travel};

/// A button with an icon.
struct Button {
    id: &'static str,
    icon: &'static str,
    can: bool,
    title: AttrValue,
    count: u32,
}

fn button(button: Button, class: &'static str, onclick: Callback<MouseEvent>) -> Html {
    let Button { id, icon, can, title, count } = button;
    // What is seen on the button is a part of its name.
    let label = if count > 0 { AttrValue::from(format!("{title} · {count}")) } else { title.clone() };
    html! {
        <button type="button" {id} class={classes!("icon", class)} disabled={!can} {title} aria-label={label} {onclick}>
            <Icon name={icon} />
            if count > 0 { <span class="count" aria-hidden="true">{ count }</span> }
        </button>
    }
}

fn go(dispatch: &Dispatch, travel: Travel) -> Callback<MouseEvent> {
    dispatch.callback(move |_: MouseEvent| Action::Travel(travel.clone()))
}

/// Undo and redo, with what they would take back or do again.
pub(super) fn undo(past: &PastState, can: Can, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let with = |key: &str, empty: &str, count: u32, input: Option<AttrValue>| -> AttrValue {
        match (can.change, input.filter(|_| count > 0)) {
            (Err(reason), _) => texts.ui(reason).into(),
            (Ok(()), Some(what)) => texts.ui_with(key, &[("what", what.to_string())]).into(),
            (Ok(()), None) => texts.ui(empty).into(),
        }
    };
    let last = (past.undo as usize).checked_sub(1).and_then(|at| past.inputs.get(at));
    let undo = last.map(|input| words::of(texts, &input.command));
    let redo = past.next.as_ref().map(|input| words::of(texts, &input.command));
    let idle = past.long.is_none();
    let undo = Button {
        id: "undo",
        icon: "undo",
        can: can.change.is_ok() && past.undo > 0 && idle,
        title: with("undo-what", "undo-nothing", past.undo, undo),
        count: past.undo,
    };
    let redo = Button {
        id: "redo",
        icon: "redo",
        can: can.change.is_ok() && past.redo > 0 && idle,
        title: with("redo-what", "redo-nothing", past.redo, redo),
        count: past.redo,
    };
    html! {
        <span class="group" role="group" aria-label={texts.ui("undo-redo")}>
            { button(undo, "", go(dispatch, Travel::Undo)) }
            { button(redo, "", go(dispatch, Travel::Redo)) }
            if past.left.is_some() && past.inputs.is_empty() && can.change.is_ok() {
                <button type="button" id="bring-back" class="btn small" title={texts.ui("bring-back-title")} onclick={go(dispatch, Travel::BringBack)}>
                    { texts.ui("bring-back") }
                </button>
            }
        </span>
    }
}

/// Back, play, forth: by frames; by inputs and exchanges with the keyboard and the track.
pub(super) fn transport(past: &PastState, clock: Clock, can: Can, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let looks = past.look.is_some();
    // The record is played back; where lab time cannot be stopped, that is all there is to play.
    let play = if looks { can.look } else { can.pace };
    let runs = if looks { past.play.is_some() } else { clock.pace.running };
    let key = match (looks, runs) {
        (false, true) => "pause",
        (false, false) => "play",
        (true, true) => "play-back-stop",
        (true, false) => "play-back",
    };
    let onplay = dispatch.callback(|_: MouseEvent| Action::Travel(Travel::Play { wall_ms: dom::now_ms() }));
    let make = |id, icon, may: Result<(), &'static str>, key| Button {
        id,
        icon,
        can: may.is_ok(),
        title: title(texts, may, key),
        count: 0,
    };
    let back = |by| go(dispatch, Travel::Look(LookTo::Back { by }));
    let forth = |by| go(dispatch, Travel::Look(LookTo::Forth { by }));
    let ahead = if looks { can.look } else { Err("is-now") };
    html! {
        <span class="group transport" role="group" aria-label={texts.ui("back-and-forth")}>
            { button(make("back-input", "back-input", can.look, "back-input"), "", back(LookUnit::Input)) }
            { button(make("back-frame", "back", can.look, "back-frame"), "", back(LookUnit::Frame)) }
            { button(make("play", if runs { "pause" } else { "play" }, play, key), "main", onplay) }
            { button(make("forth-frame", "step", ahead, "forth-frame"), "", forth(LookUnit::Frame)) }
            { button(make("forth-input", "forth-input", ahead, "forth-input"), "", forth(LookUnit::Input)) }
        </span>
    }
}

/// Steps: of the lab; of the record while looking back.
pub(super) fn steps(can: Can, looks: bool, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let may = if looks { can.look } else { can.pace };
    let one = |id: &'static str, to: StepTo, key: &str| {
        let words = title(texts, may, &format!("{key}-title"));
        html! {
            <button type="button" {id} disabled={may.is_err()} title={words} onclick={go(dispatch, Travel::Step(to))}>
                { texts.ui(key) }
            </button>
        }
    };
    html! {
        <span class="group labelled">
            <span class="dim small" aria-hidden="true">{ texts.ui("step-by") }</span>
            <span class="seg steps" role="group" aria-label={texts.ui("step")}>
                { one("step-event", StepTo::Event, "step-event") }
                { one("step-frame", StepTo::Frame, "step-frame") }
                { one("step-exchange", StepTo::Exchange, "step-exchange") }
            </span>
        </span>
    }
}
