//! Who reaches whom: guessed first, then tried. A table of buttons; each answer opens its proof.

mod cell;

use std::collections::BTreeSet;

use netmodes_core::id::NodeId;
use netmodes_core::view::LabView;
use yew::prelude::*;

use self::cell::{Mark, mark, proof};
use super::frames::node_name;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::format;
use crate::store::state::{machines, near_and_far};
use crate::store::{Action, InsideAction, Reach, Shared};

/// Machines that are chosen at first.
const FIRST_MAX: usize = 8;
/// Columns up to which their headings lie.
const LYING_MAX: usize = 6;

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables.
    pub view: Shared<LabView>,
    /// What is believed, tried and known.
    pub reach: Shared<Reach>,
}

/// The matrix.
#[component]
pub fn WhoReaches(props: &Props) -> Html {
    let texts = use_texts();
    let chosen = use_state(|| None::<BTreeSet<NodeId>>);
    let open = use_state(|| None::<(NodeId, NodeId)>);
    let view = &props.view;
    let wanted = (*chosen).clone().unwrap_or_else(|| first(view));
    // What was found keeps its own rows and columns.
    let shown = |id: &NodeId| match &props.reach.found {
        Some((_, matrix)) => matrix.nodes.contains(id),
        None => wanted.contains(id),
    };
    let nodes: Vec<NodeId> = machines(view).into_iter().map(|node| node.id).filter(shown).collect();
    let opened = (*open).filter(|_| props.reach.found.is_some());
    html! {
        <div class="reach">
            if props.reach.found.is_none() { { choice(props, &wanted, &chosen, &texts) } }
            <Bar view={view.clone()} reach={props.reach.clone()} nodes={nodes.clone()} />
            <div class="scroll reach-scroll" tabindex="0" role="region" aria-label={texts.ui("tab-reach")}>
                if nodes.len() < 2 {
                    <p class="empty">{ texts.ui("reach-too-few") }</p>
                } else {
                    <Matrix view={view.clone()} reach={props.reach.clone()} {nodes} open={opened}
                        on_open={let open = open.setter(); Callback::from(move |pair| open.set(Some(pair)))} />
                }
                if let Some((from, to)) = opened { { proof(view, &props.reach, from, to, &texts) } }
            </div>
        </div>
    }
}

/// The machines a student types at, as many as are easily read.
fn first(view: &LabView) -> BTreeSet<NodeId> {
    let (near, far) = near_and_far(view);
    near.into_iter().chain(far).take(FIRST_MAX).map(|node| node.id).collect()
}

fn choice(
    props: &Props,
    wanted: &BTreeSet<NodeId>,
    chosen: &UseStateHandle<Option<BTreeSet<NodeId>>>,
    texts: &TextsHandle,
) -> Html {
    let buttons = machines(&props.view).into_iter().map(|node| {
        let (id, on) = (node.id, wanted.contains(&node.id));
        let onclick = {
            let (wanted, chosen) = (wanted.clone(), chosen.setter());
            Callback::from(move |_: MouseEvent| {
                let mut new = wanted.clone();
                if !new.remove(&id) {
                    new.insert(id);
                }
                chosen.set(Some(new));
            })
        };
        html! { <button key={id.0} type="button" class="choice" aria-pressed={on.to_string()} {onclick}>{ &node.name }</button> }
    });
    html! { <div class="chooser" role="group" aria-label={texts.ui("reach-of")}>{ for buttons }</div> }
}

#[derive(Clone, PartialEq, Properties)]
struct BarProps {
    view: Shared<LabView>,
    reach: Shared<Reach>,
    nodes: Vec<NodeId>,
}

/// What to do, and how far it has come.
#[component]
fn Bar(props: &BarProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let reach = &props.reach;
    let nodes = props.nodes.clone();
    let run = dispatch.callback(move |_: MouseEvent| Action::Inside(InsideAction::Reach(nodes.clone())));
    let forget = dispatch.callback(|_: MouseEvent| Action::Inside(InsideAction::ForgetReach));
    let stop = dispatch.callback(|_: MouseEvent| Action::Inside(InsideAction::StopReach));
    let pairs = props.nodes.len() * props.nodes.len().saturating_sub(1);
    html! {
        <div class="reach-bar" role="status">
            if let Some((done, of)) = reach.running {
                <progress max={of.max(1).to_string()} value={done.to_string()} aria-label={texts.ui("reach-trying")}></progress>
                <span>{ texts.ui_with("reach-progress", &[("done", done.to_string()), ("all", of.to_string())]) }</span>
                <button type="button" class="btn" onclick={stop}>{ texts.ui("reach-stop") }</button>
            } else if let Some((time, matrix)) = &reach.found {
                <button type="button" class="btn" onclick={run}>{ texts.ui("reach-again") }</button>
                <button type="button" class="btn" onclick={forget}>{ texts.ui("reach-anew") }</button>
                { score(reach, matrix, &texts) }
                <span class={classes!(reach.stale.then_some("warn"))}>
                    { texts.ui_with(if reach.stale { "reach-stale" } else { "reach-at" }, &[("time", format::clock(*time))]) }
                </span>
            } else {
                <button type="button" class="btn p" disabled={props.nodes.len() < 2} onclick={run}>{ texts.ui("reach-reveal") }</button>
                <span>{ texts.ui_with("reach-guess", &[("n", reach.guesses.len().to_string()), ("all", pairs.to_string())]) }</span>
            }
        </div>
    }
}

fn score(reach: &Reach, matrix: &netmodes_core::reach::Matrix, texts: &TextsHandle) -> Html {
    let tried = reach.guesses.iter().filter_map(|((from, to), guess)| Some((matrix.cell(*from, *to)?, *guess)));
    let (mut right, mut all) = (0_usize, 0_usize);
    for (cell, guess) in tried {
        all += 1;
        right += usize::from(cell.icmp.ok == guess);
    }
    if all == 0 {
        return html! {};
    }
    html! { <b>{ texts.ui_with("reach-score", &[("right", right.to_string()), ("all", all.to_string())]) }</b> }
}

#[derive(Clone, PartialEq, Properties)]
struct MatrixProps {
    view: Shared<LabView>,
    reach: Shared<Reach>,
    nodes: Vec<NodeId>,
    open: Option<(NodeId, NodeId)>,
    on_open: Callback<(NodeId, NodeId)>,
}

#[component]
fn Matrix(props: &MatrixProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let name = |id: NodeId| node_name(&props.view, id).to_owned();
    let heads = props.nodes.iter().map(|id| html! { <th scope="col" key={id.0}><span>{ name(*id) }</span></th> });
    let rows = props.nodes.iter().map(|from| {
        let cells = props.nodes.iter().map(|to| {
            if from == to {
                return html! { <td key={to.0} class="self" aria-hidden="true"></td> };
            }
            let pair = (*from, *to);
            let Mark { class, sign, words } = mark(&props.reach, pair, &texts);
            let label = format!("{} → {}: {words}", name(*from), name(*to));
            let found = props.reach.found.is_some();
            let guess = props.reach.guesses.get(&pair).copied();
            let onclick = {
                let (dispatch, on_open) = (dispatch.clone(), props.on_open.clone());
                Callback::from(move |_: MouseEvent| {
                    if found {
                        return on_open.emit(pair);
                    }
                    let next = match guess {
                        None => Some(true),
                        Some(true) => Some(false),
                        Some(false) => None,
                    };
                    dispatch.act(Action::Inside(InsideAction::Guess(pair.0, pair.1, next)));
                })
            };
            let pressed = found.then(|| (props.open == Some(pair)).to_string());
            html! {
                <td key={to.0}><button type="button" {class} aria-label={label.clone()} title={label} aria-pressed={pressed} {onclick}>{ sign }</button></td>
            }
        });
        html! { <tr key={from.0}><th scope="row">{ name(*from) }</th>{ for cells }</tr> }
    });
    let class = classes!("matrix", (props.nodes.len() > LYING_MAX).then_some("upright"));
    html! {
        <table {class}>
            <caption>{ texts.ui("reach-caption") }</caption>
            <thead><tr><td></td>{ for heads }</tr></thead>
            <tbody>{ for rows }</tbody>
        </table>
    }
}
