//! Exchanges as ladders: a list of them, and the chosen one with a lifeline for each participant. Every arrow is a button
//! that opens its frame; the same stands below as a table.

use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::view::LabView;
use yew::prelude::*;

use super::node_name;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::format;
use crate::panel::exercise::cover::use_covers;
use crate::panel::parts::{chip, proto_class};
use crate::store::exchange::{Exchange, Timeline};
use crate::store::ladder::{Arrow, Ladder as Drawn, ladder};
use crate::store::{Action, FrameLog, Outcomes, Select, Shared};

/// Exchanges listed.
const LIST_MAX: usize = 200;
/// Widths and heights, in pixels of the drawing.
const TIME: f64 = 92.0;
const COLUMN: f64 = 190.0;
const HEAD: f64 = 30.0;
const ROW: f64 = 52.0;

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables, for names.
    pub view: Shared<LabView>,
    /// The frames.
    pub frames: Shared<FrameLog>,
    /// What became of them.
    pub outcomes: Shared<Outcomes>,
    /// The exchanges.
    pub timeline: Shared<Timeline>,
    /// The chosen frame.
    pub selected: Option<u64>,
}

/// The exchanges and the chosen one.
#[component]
pub fn Ladders(props: &Props) -> Html {
    let texts = use_texts();
    let view = use_memo((props.frames.clone(), props.view.clone()), |(frames, view)| frames.remembering(view));
    let chosen = use_state(|| None::<u32>);
    let listed: Vec<_> =
        props.timeline.exchanges.iter().rev().filter(|exchange| is_shown(exchange)).take(LIST_MAX).collect();
    // The one that was clicked; else that of the chosen frame; else the newest.
    let by_frame = || {
        let entry = props.selected.and_then(|seq| props.frames.get(seq))?;
        props.timeline.of(entry.sent.frame)
    };
    let clicked = chosen.and_then(|id| listed.iter().find(|exchange| exchange.id == id).map(|found| (*found).clone()));
    let exchange = clicked.or_else(|| by_frame().cloned()).or_else(|| listed.first().map(|first| (*first).clone()));
    let Some(exchange) = exchange else {
        return html! { <p class="empty">{ texts.ui("ladder-none") }</p> };
    };
    let drawn = use_ladder(props, &view, &exchange);
    let items = listed.iter().map(|item| {
        let (id, chosen) = (item.id, chosen.setter());
        let onclick = Callback::from(move |_: MouseEvent| chosen.set(Some(id)));
        html! {
            <li key={id}>
                <button type="button" {onclick} aria-current={(id == exchange.id).then_some("true")}>
                    { chip(&item.proto) }<span>{ &*item.title }</span>
                    <small class="mono">{ format::row_time(item.start) }</small>
                    if item.failed { <small class="wrong">{ "✕" }<span class="sr">{ texts.ui("dropped") }</span></small> }
                </button>
            </li>
        }
    });
    html! {
        <div class="ladders">
            <ul class="ladder-list" aria-label={texts.ui("ladder-list")} tabindex="0">{ for items }</ul>
            <div class="ladder-box" tabindex="0" role="region" aria-label={exchange.title.to_string()}>
                <h3 class="ladder-title">{ chip(&exchange.proto) }<span>{ &*exchange.title }</span></h3>
                <Picture view={(*view).clone()} drawn={drawn.clone()} selected={props.selected} />
                { twin(&view, &drawn, &texts) }
                if drawn.more > 0 { <p class="note">{ texts.ui_count("ladder-more", drawn.more as u64) }</p> }
            </div>
        </div>
    }
}

/// What machines with IPv6 or switches say by themselves is no exchange between two.
fn is_shown(exchange: &Exchange) -> bool {
    !matches!(&*exchange.proto, "ICMPv6" | "IPv6" | "STP")
}

#[hook]
fn use_ladder(props: &Props, view: &Shared<LabView>, exchange: &Rc<Exchange>) -> Rc<Drawn> {
    let (covers, texts) = (use_covers(), use_texts());
    let key = (exchange.id, exchange.last, exchange.frames, props.outcomes.clone(), covers.clone());
    use_memo(key, |_| {
        let log = &props.frames;
        let from = exchange.first.checked_sub(1);
        let range = log.after(from).take_while(|entry| entry.seq <= exchange.last);
        let mine = |frame| props.timeline.of(frame).is_some_and(|found| found.id == exchange.id);
        let members: Vec<_> = range.filter(|entry| mine(entry.sent.frame)).cloned().collect();
        let mut drawn = ladder(&members, &props.outcomes, view);
        // What the open exercise covers is drawn, but says nothing.
        for arrow in &mut drawn.arrows {
            let mut frames = arrow.frames.iter().filter_map(|seq| log.get(*seq));
            if frames.any(|entry| covers.goal_of(&entry.sent, view).is_some()) {
                (arrow.label, arrow.note) = (texts.ui("covered-row").to_string(), String::new());
            }
        }
        drawn
    })
}

#[derive(Clone, PartialEq, Properties)]
struct PictureProps {
    view: Shared<LabView>,
    drawn: Rc<Drawn>,
    selected: Option<u64>,
}

#[component]
fn Picture(props: &PictureProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let drawn = &props.drawn;
    let width = TIME + COLUMN * drawn.lifelines.len().max(1) as f64;
    let height = HEAD + ROW * drawn.arrows.len() as f64 + 14.0;
    let lines = drawn.lifelines.iter().enumerate().map(|(at, node)| {
        let x = x_of(at);
        html! {
            <g class="lifeline">
                <text x={x.to_string()} y="16" text-anchor="middle">{ node_name(&props.view, *node) }</text>
                <line x1={x.to_string()} y1={HEAD.to_string()} x2={x.to_string()} y2={(height - 4.0).to_string()} />
            </g>
        }
    });
    let arrows = drawn.arrows.iter().enumerate().map(|(at, arrow)| {
        let seq = arrow.seq;
        let select = dispatch.callback(move |()| Action::Select(Select::Frame(seq)));
        let selected = props.selected.is_some_and(|seq| arrow.frames.contains(&seq));
        one(&props.view, drawn, arrow, HEAD + ROW * at as f64, selected, &select, &texts)
    });
    html! {
        <svg class="ladder" width={width.to_string()} height={height.to_string()} viewBox={format!("0 0 {width} {height}")} role="group"
            aria-label={texts.ui("ladder-picture")}>
            { for lines }{ for arrows }
        </svg>
    }
}

fn x_of(lifeline: usize) -> f64 {
    TIME + COLUMN * (lifeline as f64 + 0.5)
}

fn one(
    view: &LabView,
    drawn: &Drawn,
    arrow: &Arrow,
    top: f64,
    selected: bool,
    select: &Callback<()>,
    texts: &TextsHandle,
) -> Html {
    let y = top + 34.0;
    let (from, to) = (x_of(arrow.from), x_of(arrow.to));
    let right = to >= from;
    // A broken arrow ends before the lifeline.
    let end =
        if arrow.lost.is_some() { to - if right { 26.0 } else { -26.0 } } else { to - if right { 5.0 } else { -5.0 } };
    let name = |at: usize| drawn.lifelines.get(at).map(|node: &NodeId| node_name(view, *node)).unwrap_or_default();
    let lost = arrow.lost.map(|reason| texts.get(&format!("drops.{}.title", reason.code())));
    let label = format!("{} → {}: {} {}", name(arrow.from), name(arrow.to), arrow.label, arrow.note);
    let label = lost.as_ref().map_or_else(|| label.clone(), |lost| format!("{label}. ✕ {lost}"));
    let onclick = select.reform(|_: MouseEvent| ());
    let onkeydown = {
        let select = select.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                select.emit(());
            }
        })
    };
    let middle = ((from + to) / 2.0).to_string();
    let tip = if right { -7.0 } else { 7.0 };
    let gap = arrow.gap.map(|gap| format!("+{}", format::instant(netmodes_core::time::SimTime::ZERO + gap)));
    let states = arrow.states.iter().map(|(line, state)| {
        let x = x_of(*line) + if (*line == arrow.from) == right { -8.0 } else { 8.0 };
        let anchor = if (*line == arrow.from) == right { "end" } else { "start" };
        html! { <text class="ladder-state" x={x.to_string()} y={(y + 14.0).to_string()} text-anchor={anchor}>{ *state }</text> }
    });
    html! {
        <g class={classes!("arrow", proto_class(&arrow.proto), selected.then_some("sel"), arrow.lost.map(|_| "lost"))} role="button" tabindex="0"
            aria-label={label} aria-pressed={selected.to_string()} {onclick} {onkeydown}>
            <rect class="arrow-back" x="0" y={top.to_string()} width={(x_of(drawn.lifelines.len()) - COLUMN * 0.5).to_string()} height={ROW.to_string()} />
            <text class="ladder-time" x="4" y={(y + 4.0).to_string()}>{ gap.unwrap_or_else(|| format::row_time(arrow.time)) }</text>
            <line x1={from.to_string()} y1={y.to_string()} x2={end.to_string()} y2={y.to_string()} />
            if arrow.lost.is_some() {
                <path class="cross" d={format!("M{} {}l12 12m0 -12l-12 12", end - 6.0, y - 6.0)} />
            } else {
                <path class="tip" d={format!("M{end} {y}l{tip} -4v8z")} />
            }
            { for arrow.via.iter().map(|line| html! { <circle cx={x_of(*line).to_string()} cy={y.to_string()} r="4" /> }) }
            <text class="ladder-label" x={middle.clone()} y={(y - 18.0).to_string()} text-anchor="middle">{ &arrow.label }</text>
            <text class="ladder-note" x={middle.clone()} y={(y - 6.0).to_string()} text-anchor="middle">{ note(arrow) }</text>
            if let Some(lost) = lost {
                <text class="ladder-lost" x={middle} y={(y + 14.0).to_string()} text-anchor="middle">{ format!("✕ {lost}") }</text>
            }
            { for states }
        </g>
    }
}

/// What fits over the arrow; all of it stands in the table.
fn note(arrow: &Arrow) -> String {
    let room = 30 * arrow.from.abs_diff(arrow.to).max(1);
    if arrow.note.chars().count() <= room {
        return arrow.note.clone();
    }
    arrow.note.chars().take(room - 1).chain(['…']).collect()
}

/// The same as a table.
fn twin(view: &LabView, drawn: &Drawn, texts: &TextsHandle) -> Html {
    let name = |at: usize| drawn.lifelines.get(at).map(|node| node_name(view, *node).to_owned()).unwrap_or_default();
    let rows = drawn.arrows.iter().map(|arrow| {
        let via: Vec<_> = arrow.via.iter().map(|line| name(*line)).collect();
        let lost = arrow.lost.map(|reason| format!(" ✕ {}", texts.get(&format!("drops.{}.title", reason.code()))));
        let states: Vec<_> = arrow.states.iter().map(|(line, state)| format!("{} {state}", name(*line))).collect();
        html! {
            <tr key={arrow.seq}>
                <td class="mono">{ format::row_time(arrow.time) }</td><td>{ name(arrow.from) }</td><td>{ name(arrow.to) }</td>
                <td>{ &arrow.label }{ for lost.map(|lost| html! { <span class="wrong">{ lost }</span> }) }</td>
                <td>{ &arrow.note }</td><td>{ via.join(", ") }</td><td>{ states.join(", ") }</td>
            </tr>
        }
    });
    let head = ["col-time", "ladder-from", "ladder-to", "col-what", "ladder-more-about", "ladder-via", "c-state"];
    html! {
        <details class="ladder-twin">
            <summary>{ texts.ui("as-table") }</summary>
            <div class="scroll"><table class="grid">
                <thead><tr>{ for head.iter().map(|key| html! { <th scope="col">{ texts.ui(key) }</th> }) }</tr></thead>
                <tbody>{ for rows }</tbody>
            </table></div>
        </details>
    }
}
