//! Why?: the first cause of a failure in plain words, what leads to it, and where to look.

use netmodes_core::error::fill;
use netmodes_core::id::NodeId;
use netmodes_core::view::LabView;
use netmodes_core::why::{Account, JobNote, Look, Question, Saying, Verdict, explain};
use yew::prelude::*;

use super::frames::node_name;
use super::proof;
use crate::app::{Dispatch, TextsHandle, use_dispatch, use_texts};
use crate::store::{Action, Happened, InsideAction, Select, Shared};

/// Failed commands that are offered.
const OFFERED: usize = 8;

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables.
    pub view: Shared<LabView>,
    /// What explains failures.
    pub happened: Shared<Happened>,
    /// What is to be explained.
    pub question: Option<Question>,
}

/// The explanation.
#[component]
pub fn Why(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let view = &props.view;
    let account = use_memo((props.happened.clone(), props.question), |(happened, question)| {
        question.and_then(|question| explain(&happened.log, happened.view_at(question, view), question))
    });
    html! {
        <div class="why">
            { offers(props, &texts, &dispatch) }
            <div class="scroll" tabindex="0" role="region" aria-label={texts.ui("tab-why")} aria-live="polite">
                if let Some(account) = &*account {
                    { body(view, account, &texts, &dispatch) }
                } else {
                    <p class="empty">{ texts.ui(if props.question.is_some() { "why-forgotten" } else { "why-none" }) }</p>
                }
            </div>
        </div>
    }
}

/// The last commands that failed.
fn offers(props: &Props, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let failed = props.happened.log.jobs().rev().filter(|note| note.failed()).take(OFFERED);
    let buttons: Vec<Html> = failed
        .map(|note| {
            let (node, job) = (note.node, note.job);
            let pressed = props.question == Some(Question::Job { node, job });
            let onclick = dispatch.callback(move |_: MouseEvent| Action::Why { node, job });
            html! {
                <button key={format!("{node}.{job}")} type="button" class="choice mono" aria-pressed={pressed.to_string()} {onclick}>
                    { format!("{}$ {}", node_name(&props.view, node), note.line) }
                </button>
            }
        })
        .collect();
    if buttons.is_empty() {
        return html! {};
    }
    html! { <div class="chooser" role="group" aria-label={texts.ui("why-failed")}>{ for buttons }</div> }
}

fn body(view: &LabView, account: &Account, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let verdict = match account.verdict {
        Verdict::Running => Some("why-running"),
        Verdict::Fine => Some("why-fine"),
        Verdict::Forgotten => Some("why-forgotten"),
        Verdict::Failed => None,
    };
    let first = account.first().filter(|_| account.verdict != Verdict::Fine);
    html! {
        <article class="why-body">
            if let Some(note) = &account.job { { asked(view, note, texts) } }
            if let Some(key) = verdict { <p class="why-verdict">{ texts.ui(key) }</p> }
            if let Some(first) = first { { cause(view, first, texts) } }
            if account.chain.len() > 1 { { chain(view, account, texts) } }
            { places(view, account, texts, dispatch) }
            if !account.steps.is_empty() {
                <h3>{ texts.ui("why-steps") }</h3>
                { proof::steps(view, &account.steps, texts) }
            }
        </article>
    }
}

fn asked(view: &LabView, note: &JobNote, texts: &TextsHandle) -> Html {
    let status = note.ended.map(|(_, status)| status);
    html! {
        <p class="why-asked">
            <code class="mono">{ format!("{}$ {}", node_name(view, note.node), note.line) }</code>
            if let Some(status) = status {
                { " " }<span class="dim">{ texts.ui_with("why-status", &[("status", status.to_string())]) }</span>
            }
        </p>
    }
}

fn cause(view: &LabView, first: &Saying, texts: &TextsHandle) -> Html {
    html! {
        <div class="why-cause">
            <h3>{ texts.ui("why-first") }</h3>
            <p>{ words(view, first, texts) }</p>
            if let Some(text) = first.drop.and_then(|reason| texts.find(&format!("drops.{}.text", reason.code()))) {
                <p class="dim">{ text }</p>
            }
        </div>
    }
}

/// From what was seen to the first cause.
fn chain(view: &LabView, account: &Account, texts: &TextsHandle) -> Html {
    let links = account.chain.iter().enumerate();
    let links = links.map(|(at, saying)| html! { <li key={at}>{ words(view, saying, texts) }</li> });
    html! { <><h3>{ texts.ui("why-chain") }</h3><ol class="why-chain">{ for links }</ol></> }
}

/// The words of a reason; nodes are called by their names.
fn words(view: &LabView, saying: &Saying, texts: &TextsHandle) -> String {
    let mut args: Vec<(String, String)> =
        saying.args.iter().map(|(name, value)| (name.clone(), named(view, value))).collect();
    if let Some(node) = saying.node {
        args.push(("node".to_owned(), node_name(view, node).to_owned()));
    }
    if let Some(reason) = saying.drop {
        args.push(("reason".to_owned(), texts.get(&format!("drops.{}.title", reason.code())).to_string()));
    }
    fill(&texts.get(&format!("why.{}", saying.code)), &args)
}

/// `#3` is node 3; several are parted by commas.
fn named(view: &LabView, value: &str) -> String {
    let Some(nodes) = value.strip_prefix('#') else { return value.to_owned() };
    let name = |id: &str| id.parse().map_or_else(|_| id.to_owned(), |id| node_name(view, NodeId(id)).to_owned());
    nodes.split(',').map(name).collect::<Vec<_>>().join(", ")
}

/// Where to look for oneself.
fn places(view: &LabView, account: &Account, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    if account.look.is_empty() {
        return html! {};
    }
    let places = account
        .look
        .iter()
        .enumerate()
        .map(|(at, look)| html! { <li key={at}>{ place(view, look, texts, dispatch) }</li> });
    html! { <><h3>{ texts.ui("why-look") }</h3><ul class="why-look">{ for places }</ul></> }
}

fn place(view: &LabView, look: &Look, texts: &TextsHandle, dispatch: &Dispatch) -> Html {
    let button = |text: AttrValue, actions: Vec<Action>| {
        let dispatch = dispatch.clone();
        let onclick =
            Callback::from(move |_: MouseEvent| actions.iter().for_each(|action| dispatch.act(action.clone())));
        html! { <button type="button" class="choice" {onclick}>{ text }</button> }
    };
    let name = |node: &NodeId| [("node", node_name(view, *node).to_owned())];
    let tab = |tab| Action::Inside(InsideAction::Tab(tab));
    match look {
        Look::Table(node) => button(
            texts.ui_with("look-tables", &name(node)).into(),
            vec![Action::Select(Select::Node(*node)), tab("tables")],
        ),
        Look::Sockets(node) => button(
            texts.ui_with("look-sockets", &name(node)).into(),
            vec![Action::Select(Select::Node(*node)), tab("sockets")],
        ),
        Look::Frame(seq) => {
            button(texts.ui("look-frame").into(), vec![Action::Select(Select::Frame(*seq)), tab("frames")])
        }
        Look::Card(node, adapter) => {
            let args = [("node", node_name(view, *node).to_owned()), ("adapter", adapter.to_string())];
            button(texts.ui_with("look-card", &args).into(), vec![Action::Select(Select::Node(*node))])
        }
        Look::Command(node, line) => html! {
            <span>{ texts.ui_with("look-command", &name(node)) }{ " " }<code class="mono">{ line }</code></span>
        },
    }
}
