//! The states of TCP as a diagram, with every socket standing on its state. The boxes are drawn; the tokens are buttons
//! over them, so that they move by the style sheet's transition and have the focus in turn.

use std::collections::BTreeMap;

use netmodes_core::view::{SocketKind, SocketRow};
use web_sys::Element;
use yew::prelude::*;

use super::{Choice, end};
use crate::app::{TextsHandle, use_texts};
use crate::dom;
use crate::layout::states::{ARROWS, HEIGHT, PLACES, Place, TOKENS_MAX, WIDTH, body, line, middle, name, place, token};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DiagramProps {
    pub(super) rows: Vec<SocketRow>,
    pub(super) chosen: Option<Choice>,
    pub(super) on_choose: Callback<Choice>,
    /// They are a real computer's.
    pub(super) real: bool,
}

#[component]
pub(super) fn Diagram(props: &DiagramProps) -> Html {
    let texts = use_texts();
    let mut on: BTreeMap<Place, Vec<&SocketRow>> = BTreeMap::new();
    for row in &props.rows {
        on.entry(place(row)).or_default().push(row);
    }
    // In the order of their keys, wherever they stand: a token is the same element as long as its socket lives.
    let mut tokens: Vec<(String, Html)> = Vec::new();
    for (place, rows) in &on {
        for (index, row) in rows.iter().enumerate().take(TOKENS_MAX) {
            let key = format!("{}.{}", row.node.map_or(0, |node| node.0), row.id);
            let (x, y) = token(*place, index, rows.len());
            let choice = Choice::Socket(row.key());
            let label = format!("{} {} → {}", name(*place), end(&row.local, row), end(&row.peer, row));
            let kind = if row.kind == SocketKind::Tcp { "tcp" } else { "udp" };
            tokens.push((
                key.clone(),
                html! { <Token {key} {x} {y} {label} {kind} chosen={props.chosen == Some(choice)} on_press={let on = props.on_choose.clone(); Callback::from(move |()| on.emit(choice))} /> },
            ));
        }
    }
    tokens.sort_by(|a, b| a.0.cmp(&b.0));
    let tokens = tokens.into_iter().map(|(_, token)| token);
    let boxes = PLACES.iter().map(|place| state_box(*place, on.get(place).map_or(0, Vec::len), props, &texts));
    html! {
        <div class="scroll states-scroll" tabindex="0" role="region" aria-label={texts.ui("sockets-diagram")}>
            <div class="states">
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} aria-hidden="true">
                    <defs><marker id="tcp-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                        <path d="M0 0 8 4 0 8z" class="tip" /></marker></defs>
                    { for ARROWS.iter().map(arrow) }
                </svg>
                { for boxes }
                { for tokens }
            </div>
            if props.rows.is_empty() { <p class="empty">{ texts.ui("sockets-none-try") }</p> }
        </div>
    }
}

fn arrow(arrow: &crate::layout::states::Arrow) -> Html {
    use netmodes_core::view::SocketState::{LastAck, TimeWait, Unconnected};
    let (from, to) = (Place::State(arrow.from), Place::State(arrow.to));
    let ((ax, ay), (bx, by)) = line(from, to);
    // The ways back to CLOSED run along the edges, around everything else.
    let (path, words) = match (arrow.from, arrow.to) {
        (LastAck, Unconnected) => ("M594 336 H690 V24 H386".to_owned(), (622.0, 330.0)),
        (TimeWait, Unconnected) => ("M276 390 H30 V24 H274".to_owned(), (150.0, 384.0)),
        _ => (format!("M{ax} {ay} L{bx} {by}"), ((ax + bx) / 2.0 + arrow.offset.0, (ay + by) / 2.0 + arrow.offset.1)),
    };
    html! {
        <g class="arrow">
            <path d={path} marker-end="url(#tcp-tip)" />
            <text x={words.0.to_string()} y={words.1.to_string()} text-anchor="middle">{ arrow.words }</text>
        </g>
    }
}

fn state_box(place: Place, count: usize, props: &DiagramProps, texts: &TextsHandle) -> Html {
    let choice = Choice::State(place);
    let on_press = {
        let on = props.on_choose.clone();
        Callback::from(move |()| on.emit(choice))
    };
    let more = count.saturating_sub(TOKENS_MAX);
    let (x, y) = token(place, TOKENS_MAX, count);
    html! {
        <>
            <StateBox {place} {count} chosen={props.chosen == Some(choice)} {on_press}
                title={AttrValue::from(texts.ui(&format!("state-{}", name(place).to_ascii_lowercase())))} />
            if more > 0 { <Spot {x} {y} class="token-more">{ format!("+{more}") }</Spot> }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct StateBoxProps {
    place: Place,
    count: usize,
    chosen: bool,
    title: AttrValue,
    on_press: Callback<()>,
}

#[component]
fn StateBox(props: &StateBoxProps) -> Html {
    let node = use_node_ref();
    let (_, _, width, height) = body(props.place);
    let (x, y) = middle(props.place);
    use_place(&node, x, y);
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            if let Some(element) = node.cast::<Element>() {
                dom::set_style(&element, "width", &format!("{}%", width / WIDTH * 100.0));
                dom::set_style(&element, "height", &format!("{}%", height / HEIGHT * 100.0));
            }
        });
    }
    let on_press = props.on_press.clone();
    let onclick = Callback::from(move |_: MouseEvent| on_press.emit(()));
    let class = classes!("state-box", (props.count > 0).then_some("lit"), props.chosen.then_some("sel"));
    let label = format!("{}: {}", name(props.place), props.count);
    html! {
        <button type="button" {class} ref={node} title={props.title.clone()} aria-label={label} aria-pressed={props.chosen.to_string()}
            data-state={name(props.place)} {onclick}>{ name(props.place) }</button>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TokenProps {
    x: f64,
    y: f64,
    label: AttrValue,
    kind: AttrValue,
    chosen: bool,
    on_press: Callback<()>,
}

/// A socket. It moves to its new place when its state changes.
#[component]
fn Token(props: &TokenProps) -> Html {
    let node = use_node_ref();
    use_place(&node, props.x, props.y);
    let on_press = props.on_press.clone();
    let onclick = Callback::from(move |_: MouseEvent| on_press.emit(()));
    let class = classes!("token", props.kind.to_string(), props.chosen.then_some("sel"));
    html! {
        <button type="button" ref={node} {class} title={props.label.clone()} aria-label={props.label.clone()}
            aria-pressed={props.chosen.to_string()} {onclick}></button>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SpotProps {
    x: f64,
    y: f64,
    class: AttrValue,
    children: Html,
}

/// Something small at a place of the diagram.
#[component]
fn Spot(props: &SpotProps) -> Html {
    let node = use_node_ref();
    use_place(&node, props.x, props.y);
    html! { <span ref={node} class={props.class.to_string()}>{ props.children.clone() }</span> }
}

/// Puts an element's middle at a place of the diagram.
#[hook]
fn use_place(node: &NodeRef, x: f64, y: f64) {
    let node = node.clone();
    use_effect_with((x, y), move |(x, y)| {
        if let Some(element) = node.cast::<Element>() {
            dom::set_style(&element, "left", &format!("{}%", x / WIDTH * 100.0));
            dom::set_style(&element, "top", &format!("{}%", y / HEIGHT * 100.0));
        }
    });
}
