//! The stage: the lab as a picture, and the frames that travel in it. SVG for what stands, one canvas for what moves.

mod cards;
mod marks;
mod player;
mod words;

use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, Mode, NicRow, NodeRow};
use netmodes_core::world::Command;
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use crate::app::{TextsHandle, use_texts};
use crate::dom;
use crate::layout::{Path, Point, Scene, Socket, compose};
use crate::store::state::lease_seen;
use crate::store::{AppState, Select, Shared};
use marks::{Hits, Marks, mark_at};
use words::InWords;

/// What the stage shows and whom it tells.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows. Equality is identity, so hand slices to the parts.
    pub state: Shared<AppState>,
    /// The student chose something in the picture.
    pub on_select: Callback<Select>,
    /// The student wants something done: another mode, a cable out.
    pub on_command: Callback<Command>,
}

/// The stage.
#[component]
pub fn Stage(props: &Props) -> Html {
    let state = &props.state;
    let scene = use_memo(state.view.clone(), |view| compose(view));
    let board = use_node_ref();
    {
        // Where the board scrolls, its width follows from its height and the picture's shape.
        let board = board.clone();
        use_effect_with(scene.clone(), move |scene| {
            if let Some(element) = board.cast::<Element>() {
                let shape = format!("{:.0} / {:.0}", scene.width.max(1.0), scene.height.max(1.0));
                dom::set_style(&element, "--shape", &shape);
            }
        });
    }
    let hits = use_memo((), |()| Shared::new(Hits::default()));
    let on_click = {
        let (hits, on_select) = (hits.clone(), props.on_select.clone());
        Callback::from(move |event: MouseEvent| {
            let origin = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
            let Some(rect) = origin.map(|element| element.get_bounding_client_rect()) else { return };
            let at = Point::new(f64::from(event.client_x()) - rect.x(), f64::from(event.client_y()) - rect.y());
            if let Some(seq) = mark_at(&hits, at) {
                on_select.emit(Select::Frame(seq));
            }
        })
    };
    if state.view.nodes.is_empty() {
        return html! {};
    }
    html! {
        <>
            // Wider than a phone: the outer box scrolls, the inner one keeps a readable scale.
            <div class="stage-all">
                <div class="stage-board" ref={board} onclick={on_click}>
                    <Picture
                        view={state.view.clone()} scene={scene.clone()} chosen={state.selection.node}
                        on_select={props.on_select.clone()} on_command={props.on_command.clone()}
                    />
                    <Marks state={state.clone()} scene={scene} hits={(*hits).clone()} />
                </div>
            </div>
            <InWords view={state.view.clone()} />
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PictureProps {
    view: Shared<LabView>,
    scene: Rc<Scene>,
    chosen: Option<NodeId>,
    on_select: Callback<Select>,
    on_command: Callback<Command>,
}

/// What stands still: boxes and cables.
#[component]
fn Picture(props: &PictureProps) -> Html {
    let texts = use_texts();
    let (scene, view) = (&props.scene, &props.view);
    let view_box = format!("0 0 {:.0} {:.0}", scene.width, scene.height);
    let cards = scene.cards.iter().map(|card| {
        let chosen = props.chosen == Some(card.node);
        let node = card.node;
        let on_select = props.on_select.clone();
        let choose = Callback::from(move |_: MouseEvent| on_select.emit(Select::Node(node)));
        cards::card(view, card, chosen, choose, &texts)
    });
    html! {
        <svg class="stage-picture" viewBox={view_box} role="group" aria-label={texts.ui("stage-picture")}>
            { frames(view, scene, &texts) }
            { for scene.paths.iter().map(|path| cable(view, path)) }
            { panel(props, &texts) }
            { for cards }
        </svg>
    }
}

/// The host's and the Internet's frames.
fn frames(view: &LabView, scene: &Scene, texts: &TextsHandle) -> Html {
    let host = scene.host.map(|(node, rect)| {
        let name = view.nodes.get(&node).map(|row| row.name.clone()).unwrap_or_default();
        html! {
            <g>
                { cards::rect(rect, 20.0, "frame") }
                <text x={f(rect.x + 24.0)} y={f(rect.y + 34.0)}>
                    <tspan class="title">{ name }</tspan>
                    <tspan class="dim" dx="10">{ &*texts.ui("host-subtitle") }</tspan>
                </text>
            </g>
        }
    });
    let internet = scene.internet.map(|rect| {
        html! {
            <g>
                { cards::rect(rect, 28.0, "frame far") }
                <text class="title" x={f(rect.x + 24.0)} y={f(rect.y + 29.0)}>{ &*texts.ui("internet") }</text>
            </g>
        }
    });
    html! { <>{ for host }{ for internet }</> }
}

fn cable(view: &LabView, path: &Path) -> Html {
    let d: String = path.curves.iter().map(|curve| curve.svg()).collect();
    let lease = view
        .addrs
        .keys()
        .any(|(node, iface, addr, _)| *node == path.from.node && *iface == path.from.index && addr.is_ipv4());
    let real = view.nodes.get(&path.from.node).is_some_and(|node| node.real);
    let lease = lease || (real && lease_seen(view, path.from.node).is_some());
    let class = match (path.link, path.up) {
        (None, true) => "cable inner",
        (_, false) => "cable off",
        _ if lease => "cable live",
        _ => "cable",
    };
    html! { <path class={class} d={d} /> }
}

/// The patch panel: one socket a mode, in the lecture's order.
fn panel(props: &PictureProps, texts: &TextsHandle) -> Html {
    let Some(rect) = props.scene.panel else { return html! {} };
    let nics: Vec<_> = props.view.nics.values().collect();
    // A socket acts on the chosen VM's first card, else on the first card there is.
    let nic = nics.iter().find(|nic| props.chosen == Some(nic.vm)).or_else(|| nics.first()).copied();
    let more = props.scene.sockets.last().map(|socket| socket.at.y - 34.0).unwrap_or_default();
    html! {
        <g>
            { cards::rect(rect, 12.0, "panel") }
            <text class="dim small" x={f(rect.x + 18.0)} y={f(rect.y + 26.0)}>{ &*texts.ui("attached-to") }</text>
            <text class="dim small" x={f(rect.x + 18.0)} y={f(more)}>{ &*texts.ui("more-modes") }</text>
            { for props.scene.sockets.iter().map(|socket| one_socket(props, socket, nic, &nics, texts)) }
        </g>
    }
}

fn one_socket(
    props: &PictureProps,
    socket: &Socket,
    nic: Option<&NicRow>,
    nics: &[&NicRow],
    texts: &TextsHandle,
) -> Html {
    let used = nics.iter().any(|nic| nic.mode == socket.mode);
    let built = socket.mode != Mode::UdpTunnel;
    let name = texts.ui(&format!("mode-{}", socket.mode.name()));
    let vm: Option<&NodeRow> = nic.and_then(|nic| props.view.nodes.get(&nic.vm));
    let label = match (vm, built) {
        (Some(vm), true) => texts.ui_with("attach-to", &[("vm", vm.name.clone()), ("mode", name.to_string())]),
        _ => texts.ui_with("mode-later", &[("mode", name.to_string())]),
    };
    let command = vm.zip(nic).filter(|_| built).map(|(vm, nic)| Command::Attach {
        vm: vm.name.clone(),
        adapter: nic.adapter,
        mode: socket.mode,
        network: String::new(),
    });
    let emit = {
        let (command, on_command) = (command, props.on_command.clone());
        move || command.iter().cloned().for_each(|command| on_command.emit(command))
    };
    let on_click = Callback::from({
        let emit = emit.clone();
        move |_: MouseEvent| emit()
    });
    let on_key = Callback::from(move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "Enter" | " ") {
            event.prevent_default();
            emit();
        }
    });
    let (x, y) = (socket.at.x, socket.at.y);
    let class = classes!("socket", used.then_some("used"), (!built).then_some("later"));
    html! {
        <g
            {class} role="button" tabindex={if built { "0" } else { "-1" }} aria-pressed={used.to_string()}
            aria-disabled={(!built).to_string()} aria-label={label.clone()} onclick={on_click} onkeydown={on_key}
        >
            <title>{ &*label }</title>
            <rect class="hit" x={f(x - 16.0)} y={f(y - 18.0)} width="174" height="36" rx="8" />
            <circle cx={f(x)} cy={f(y)} r="8" />
            <text x={f(x + 20.0)} y={f(y + 5.0)}>{ &*name }</text>
        </g>
    }
}

/// A coordinate in an attribute.
fn f(value: f64) -> String {
    format!("{value:.1}")
}
