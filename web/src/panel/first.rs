//! The line above the picture that says what to try now, with a button that does it. It blocks nothing and goes away for
//! good when it is closed.

use yew::prelude::*;

use super::parts::Icon;
use super::top::words::marked;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::store::guide::{GuideAction, Statement, Step, deed, step};
use crate::store::{Action, AppState, Lang, Shared};
use netmodes_core::id::NodeId;
use netmodes_core::world::Command;

/// What the line shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows.
    pub state: Shared<AppState>,
}

/// The line, where there is something to say.
#[component]
pub fn First(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let state = &props.state;
    let body = match &state.guide.statement {
        Some(statement) => statement_line(state, statement, &texts, &dispatch),
        None if state.guide.dismissed || state.exercise.is_some() => return html! {},
        None => match step(&state.view, &state.terminals, &state.guide) {
            Some(step) => step_line(state, &step, &texts, &dispatch),
            None => return html! {},
        },
    };
    let close = dispatch.callback(|_: MouseEvent| Action::Guide(GuideAction::Dismiss));
    html! {
        <aside class="first" aria-label={texts.ui("first")}>
            <div class="first-body" aria-live="polite">{ body }</div>
            <button type="button" class="icon" aria-label={texts.ui("first-close")} title={texts.ui("first-close")} onclick={close}><Icon name="close" /></button>
        </aside>
    }
}

fn chip(label: Html, title: AttrValue, onclick: Callback<MouseEvent>) -> Html {
    html! { <button type="button" class="run-chip" {title} {onclick}><Icon name="play" />{ label }</button> }
}

fn step_line(state: &AppState, step: &Step, texts: &TextsHandle, dispatch: &crate::app::Dispatch) -> Html {
    let vm = |id: NodeId| state.node_name(id).to_owned();
    let typed = |node: NodeId, command: &str| {
        let line = command.to_owned();
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Guide(GuideAction::Type(node, line.clone())));
        chip(
            html! { <code>{ command.to_owned() }</code> },
            AttrValue::from(texts.ui_with("first-run", &[("vm", vm(node))])),
            onclick,
        )
    };
    let mode = |mode: netmodes_core::view::Mode| texts.ui(&format!("mode-{}", mode.name())).to_string();
    let say = |key: &str, args: &[(&str, String)]| html! { <p>{ marked(&texts.ui_with(key, args)) }</p> };
    match step {
        Step::Lease { vm: node, command, again } => {
            let key = if *again { "first-lease-again" } else { "first-lease" };
            html! { <>{ say(key, &[("vm", vm(*node))]) }{ typed(*node, command) }</> }
        }
        Step::Ping { vm: node, command } => {
            html! { <>{ say("first-ping", &[("vm", vm(*node))]) }{ typed(*node, command) }</> }
        }
        Step::Open => say("first-open", &[]),
        Step::Attach { vm: node, adapter, mode: to } => {
            let command = Command::Attach { vm: vm(*node), adapter: *adapter, mode: *to, network: String::new() };
            let onclick = dispatch.callback(move |_: MouseEvent| Action::Do(command.clone()));
            let label = html! { <span>{ mode(*to) }</span> };
            let title = AttrValue::from(texts.ui_with("attach-to", &[("vm", vm(*node)), ("mode", mode(*to))]));
            html! { <>{ say("first-attach", &[("vm", vm(*node)), ("mode", mode(*to))]) }{ chip(label, title, onclick) }</> }
        }
        Step::Why { vm: node, command, mode: at } => {
            html! { <>{ say("first-why", &[("vm", vm(*node)), ("mode", mode(*at))]) }{ typed(*node, command) }</> }
        }
        Step::Further => say("first-further", &[]),
    }
}

fn statement_line(
    state: &AppState,
    statement: &Statement,
    texts: &TextsHandle,
    dispatch: &crate::app::Dispatch,
) -> Html {
    let words = if state.lang == Lang::Ru { &statement.ru } else { &statement.en };
    let chips = statement.lines.iter().enumerate().map(|(at, line)| {
        if deed(&state.view, line).is_none() {
            return html! { <code>{ line.clone() }</code> };
        }
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Guide(GuideAction::Run(at)));
        let done = at < statement.done;
        html! {
            <button type="button" class={classes!("run-chip", done.then_some("done"))} {onclick}>
                <Icon name={if done { "check" } else { "play" }} /><code>{ line.clone() }</code>
            </button>
        }
    });
    html! { <><p><b>{ texts.ui("first-statement") }</b>{ " " }{ marked(words) }</p>{ for chips }</> }
}
