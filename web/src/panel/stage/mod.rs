//! The stage: the lab as a picture, and the frames that travel in it. SVG for what stands, one canvas for what moves.

mod bench;
mod cards;
mod drag;
mod gesture;
mod keys;
mod marks;
mod menu;
mod picture;
mod player;
mod sprites;
mod view;
mod words;

use std::collections::BTreeSet;
use std::rc::Rc;

use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::view::LabView;
use netmodes_core::world::Command;
use yew::prelude::*;

use crate::app::use_texts;
use crate::dom::SizeWatch;
use crate::layout::{Item, Point, Scene, compose};
use crate::store::follow::way;
use crate::store::{AppState, EditTarget, Select, Shared};
use drag::{Drag, DragLayer};
use gesture::{Gestures, Told};
use marks::{Hits, Marks, mark_at};
use menu::{MENU, NicMenu};
use picture::Picture;
use view::View;
use words::InWords;

/// How far from a socket's row a plug may be let go, in units of the picture.
const REACH: f64 = 34.0;
/// So many events after a frame its packet may still be on the way.
const STILL_GROWS: u64 = 2_000;
/// One press of a zoom button.
const ZOOM_STEP: f64 = 1.25;

/// What the stage shows and whom it tells.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows. Equality is identity, so hand slices to the parts.
    pub state: Shared<AppState>,
    /// The student chose something in the picture.
    pub on_select: Callback<Select>,
    /// The student wants something done: another mode, a cable out.
    pub on_command: Callback<Command>,
    /// The student wants to change something in place.
    pub on_edit: Callback<EditTarget>,
}

/// The stage.
#[component]
pub fn Stage(props: &Props) -> Html {
    let state = &props.state;
    let texts = use_texts();
    let scene = use_memo(state.view.clone(), |view| compose(view));
    let view = use_memo((), |()| Shared::new(View::default()));
    let view: Shared<View> = (*view).clone();
    let hits = use_memo((), |()| Shared::new(Hits::default()));
    let current = use_state(|| None::<Item>);
    let acting = use_state(|| None::<(NodeId, u8)>);
    let menu = use_state(|| None::<(NodeId, u8)>);
    let ready = !state.view.nodes.is_empty();
    use_camera(&view, &scene, ready);
    let drag = use_dragging(props, &view, &scene, &acting);
    let followed = use_followed(state);
    let acts_on = acting_card(&state.view, *acting, state.selection.node);

    let on_press = press(props, acts_on, &menu);
    let on_focus = {
        let (current, acting) = (current.setter(), acting.setter());
        Callback::from(move |item: Item| {
            current.set(Some(item));
            if let Item::Plug(vm, adapter) = item {
                acting.set(Some((vm, adapter)));
            }
        })
    };
    let on_click = {
        let (hits, view, on_select) = (hits.clone(), view.clone(), props.on_select.clone());
        Callback::from(move |event: MouseEvent| {
            if let Some(seq) = mark_at(&hits, view.on_board(event.client_x(), event.client_y())) {
                on_select.emit(Select::Frame(seq));
            }
        })
    };
    let on_key = keys::on_key(&view, &scene);
    let on_double = keys::on_double(&state.view, &props.on_edit);
    let shown = menu.and_then(|at| nic_menu(props, &view, &scene, at, &menu));
    if !ready {
        return html! {};
    }
    html! {
        <>
            <div
                ref={view.board.clone()} class="stage-board" tabindex="0" role="group" aria-label={texts.ui("stage-board")}
                onclick={on_click} onkeydown={on_key} ondblclick={on_double}
            >
                <Picture
                    key="picture" view={state.view.clone()} stage={view.clone()} scene={scene.clone()} chosen={state.selection.node}
                    link={state.selection.link.filter(|_| state.selection.frame.is_none())} card={acts_on} {followed}
                    lifted={drag.map(|drag| (drag.vm, drag.adapter))} current={*current} highlight={state.highlight}
                    {on_press} {on_focus} on_edit={props.on_edit.clone()}
                />
                <Marks key="marks" state={state.clone()} scene={scene.clone()} view={view.clone()} hits={(*hits).clone()} />
                <DragLayer key="drag" {drag} {scene} />
                { for shown }
                <Tools key="tools" view={view} />
            </div>
            <InWords view={state.view.clone()} />
        </>
    }
}

/// The camera follows the board's size and the scene until the reader moves it.
#[hook]
fn use_camera(view: &Shared<View>, scene: &Rc<Scene>, ready: bool) {
    {
        let view = view.clone();
        use_effect_with(ready, move |_| {
            let watch = view.board.cast::<web_sys::Element>().and_then(|board| {
                let view = view.clone();
                SizeWatch::new(&board, move || view.measure())
            });
            move || drop(watch)
        });
    }
    let view = view.clone();
    use_effect_with(scene.clone(), move |scene| {
        *view.scene.borrow_mut() = scene.clone();
        view.measure();
    });
}

/// Cables that the chosen frame's packet was on, under all its identities.
#[hook]
fn use_followed(state: &Shared<AppState>) -> Rc<BTreeSet<LinkId>> {
    let newest = state.frames.last().map_or(0, |entry| entry.seq);
    // Its way grows for a while; long after, what else is logged adds nothing to it.
    let grows = state.selection.frame.filter(|seq| newest.saturating_sub(*seq) < STILL_GROWS);
    let log = grows.map(|_| (state.frames.clone(), state.outcomes.clone()));
    let state = state.clone();
    use_memo((state.selection.frame, log), move |(seq, _)| {
        let entry = seq.and_then(|seq| state.frames.get(seq));
        entry.map(|entry| way(&state.frames, &state.outcomes, &state.view, entry).links()).unwrap_or_default()
    })
}

/// A plug that is dragged, if one is.
#[hook]
fn use_dragging(
    props: &Props,
    view: &Shared<View>,
    scene: &Rc<Scene>,
    acting: &UseStateHandle<Option<(NodeId, u8)>>,
) -> Option<Drag> {
    let drag = use_state_eq(|| None::<Drag>);
    let told = use_mut_ref(Callback::<Told>::default);
    let now = use_mut_ref(|| None::<Drag>);
    *told.borrow_mut() = {
        let (drag, now, acting, scene) = (drag.setter(), now, acting.setter(), scene.clone());
        let (tables, on_command) = (props.state.view.clone(), props.on_command.clone());
        Callback::from(move |told: Told| {
            let next = match told {
                Told::Drag(vm, adapter, at) => {
                    acting.set(Some((vm, adapter)));
                    tables.nodes.get(&vm).and_then(|node| node.host).map(|host| {
                        let target = scene.socket_near(host, at, REACH).map(|socket| socket.mode);
                        Drag { vm, adapter, at, host, target }
                    })
                }
                Told::Drop => {
                    let done = now.borrow_mut().take();
                    done.and_then(|drag| plugged(&tables, &drag))
                        .iter()
                        .for_each(|command| on_command.emit(command.clone()));
                    None
                }
                Told::Cancel => None,
            };
            *now.borrow_mut() = next;
            drag.set(next);
        })
    };
    let view = view.clone();
    use_effect_with(props.state.view.nodes.is_empty(), move |_| {
        let tell = Callback::from(move |what: Told| {
            let tell = told.borrow().clone();
            tell.emit(what);
        });
        let gestures = Gestures::new(&view, &tell);
        move || drop(gestures)
    });
    *drag
}

/// The command that a plug let go over a socket stands for; none where it came from there.
fn plugged(view: &LabView, drag: &Drag) -> Option<Command> {
    let mode = drag.target?;
    let nic = view.nics.get(&(drag.vm, drag.adapter)).filter(|nic| nic.mode != mode)?;
    let vm = view.nodes.get(&nic.vm)?.name.clone();
    Some(Command::Attach { vm, adapter: nic.adapter, mode, network: String::new() })
}

/// The VM's card that the sockets act on: the one that had the focus last, else the chosen VM's first, else the first.
fn acting_card(view: &LabView, acting: Option<(NodeId, u8)>, chosen: Option<NodeId>) -> Option<(NodeId, u8)> {
    let of_chosen = || view.nics.keys().find(|(vm, _)| Some(*vm) == chosen);
    let known = acting.filter(|at| view.nics.contains_key(at));
    let known = known.filter(|(vm, _)| of_chosen().is_none_or(|(other, _)| other == vm));
    known.or_else(|| of_chosen().or_else(|| view.nics.keys().next()).copied())
}

/// What a click or Enter does.
fn press(props: &Props, acts_on: Option<(NodeId, u8)>, menu: &UseStateHandle<Option<(NodeId, u8)>>) -> Callback<Item> {
    let (on_select, on_command, view) = (props.on_select.clone(), props.on_command.clone(), props.state.view.clone());
    let menu = menu.setter();
    Callback::from(move |item: Item| match item {
        Item::Card(node, _) => on_select.emit(Select::Node(node)),
        Item::Link(link) => on_select.emit(Select::Link(link)),
        Item::Plug(vm, adapter) => menu.set(Some((vm, adapter))),
        Item::Socket(host, mode) => {
            let nic = acts_on.and_then(|at| view.nics.get(&at)).filter(|nic| nic.mode != mode);
            let vm = nic.and_then(|nic| view.nodes.get(&nic.vm)).filter(|vm| vm.host == Some(host));
            if let Some((nic, vm)) = nic.zip(vm) {
                let (vm, adapter) = (vm.name.clone(), nic.adapter);
                on_command.emit(Command::Attach { vm, adapter, mode, network: String::new() });
            }
        }
    })
}

/// The menu of a VM's card, beside its plug.
fn nic_menu(
    props: &Props,
    view: &Shared<View>,
    scene: &Scene,
    (vm, adapter): (NodeId, u8),
    menu: &UseStateHandle<Option<(NodeId, u8)>>,
) -> Option<Html> {
    let plug = scene.plug(vm, adapter)?;
    let (at, size) = (view.camera().place(plug.at), view.size());
    let room = MENU.1.min(size.h - 16.0);
    let x = (at.x + 16.0).min(size.w - MENU.0 - 8.0).max(8.0);
    let y = (at.y - 24.0).min(size.h - room - 8.0).max(8.0);
    let on_close = {
        let menu = menu.setter();
        Callback::from(move |()| {
            menu.set(None);
            keys::focus(Item::Plug(vm, adapter));
        })
    };
    let on_edit = {
        let on_edit = props.on_edit.clone();
        Callback::from(move |()| on_edit.emit(EditTarget::Nic(vm, adapter)))
    };
    Some(html! {
        <NicMenu
            key="menu" view={props.state.view.clone()} {vm} {adapter} at={Point::new(x, y)} {room}
            on_command={props.on_command.clone()} {on_edit} {on_close}
        />
    })
}

#[derive(Clone, PartialEq, Properties)]
struct ToolsProps {
    view: Shared<View>,
}

/// Larger, smaller, all of it.
#[component]
fn Tools(props: &ToolsProps) -> Html {
    let texts = use_texts();
    let button = |key: &str, sign: &str, act: fn(&View)| {
        let view = props.view.clone();
        let onclick = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            act(&view);
        });
        let label = texts.ui(key);
        html! { <button type="button" title={label.clone()} aria-label={label} {onclick}>{ sign.to_owned() }</button> }
    };
    html! {
        <div class="stage-tools" role="group" aria-label={texts.ui("stage-tools")}>
            { button("stage-zoom-in", "+", |view| view.zoom(ZOOM_STEP)) }
            { button("stage-zoom-out", "−", |view| view.zoom(1.0 / ZOOM_STEP)) }
            { button("stage-zoom-fit", "⤢", View::fit) }
        </div>
    }
}

/// A coordinate in an attribute.
fn f(value: f64) -> String {
    format!("{value:.1}")
}
