//! Mouse, pen and fingers on the stage: a plug is dragged, empty ground is panned, two fingers or the wheel zoom.

use std::cell::RefCell;
use std::rc::Rc;

use netmodes_core::id::NodeId;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, EventTarget, KeyboardEvent, PointerEvent, WheelEvent};
use yew::Callback;

use super::view::View;
use crate::dom::{self, Listener};
use crate::layout::Point;
use crate::shared::Shared;

/// A pointer that moved less than this, in pixels, has clicked.
const CLICK: f64 = 5.0;

/// What a gesture asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    /// A plug is dragged and is here now, in the scene.
    Drag(NodeId, u8, Point),
    /// It was let go.
    Drop,
    /// It goes back.
    Cancel,
}

#[derive(Clone, Copy, Debug, Default)]
enum Doing {
    #[default]
    Nothing,
    /// Pressed on empty ground or a box: may become a pan.
    Ground { from: Point, last: Point, pans: bool },
    /// Pressed on a plug: may become a drag.
    Plug { vm: NodeId, adapter: u8, from: Point, drags: bool },
    /// Two fingers.
    Pinch { apart: f64, middle: Point },
}

#[derive(Default)]
struct State {
    doing: Doing,
    pointers: Vec<(i32, Point)>,
}

/// The listeners; dropped, nothing listens.
pub(super) struct Gestures {
    _listeners: Vec<Listener>,
}

impl Gestures {
    /// Listens on the board of `view`.
    pub(super) fn new(view: &Shared<View>, tell: &Callback<Told>) -> Option<Self> {
        let board: EventTarget = view.board.cast::<Element>()?.into();
        let window: EventTarget = dom::window()?.into();
        let state = Rc::new(RefCell::new(State::default()));
        let with = |name: &'static str,
                    target: &EventTarget,
                    act: fn(&Shared<View>, &RefCell<State>, &Callback<Told>, &Event)| {
            let (view, state, tell) = (view.clone(), state.clone(), tell.clone());
            Listener::new(target, name, move |event| act(&view, &state, &tell, &event))
        };
        let listeners = vec![
            with("pointerdown", &board, down),
            with("pointermove", &board, moved),
            with("pointerup", &board, up),
            with("pointercancel", &board, cancelled),
            with("wheel", &board, wheel),
            with("keydown", &window, key),
        ];
        Some(Self { _listeners: listeners })
    }
}

fn closest(event: &Event, css: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(css).ok()?
}

fn down(view: &Shared<View>, state: &RefCell<State>, _: &Callback<Told>, event: &Event) {
    let Some(pointer) = event.dyn_ref::<PointerEvent>() else { return };
    if pointer.button() != 0 || closest(event, ".stage-menu, .stage-tools").is_some() {
        return;
    }
    let mut state = state.borrow_mut();
    let at = view.on_board(pointer.client_x(), pointer.client_y());
    view.dragged.set(false);
    if pointer.is_primary() {
        state.pointers.clear();
    }
    state.pointers.push((pointer.pointer_id(), at));
    state.doing = match *state.pointers.as_slice() {
        [(_, a), (_, b)] => Doing::Pinch { apart: a.distance(b).max(1.0), middle: half(a, b) },
        [_] => match closest(event, "[data-plug]").and_then(|plug| plug_of(&plug)) {
            Some((vm, adapter)) => Doing::Plug { vm, adapter, from: at, drags: false },
            None => Doing::Ground { from: at, last: at, pans: false },
        },
        _ => Doing::Nothing,
    };
}

fn half(a: Point, b: Point) -> Point {
    Point::new(f64::midpoint(a.x, b.x), f64::midpoint(a.y, b.y))
}

fn plug_of(element: &Element) -> Option<(NodeId, u8)> {
    let name = element.get_attribute("data-plug")?;
    let (vm, adapter) = name.split_once(' ')?;
    Some((NodeId(vm.parse().ok()?), adapter.parse().ok()?))
}

fn capture(view: &View, pointer: &PointerEvent) {
    if let Some(board) = view.board.cast::<Element>() {
        let _ = board.set_pointer_capture(pointer.pointer_id());
    }
}

fn moved(view: &Shared<View>, state: &RefCell<State>, tell: &Callback<Told>, event: &Event) {
    let Some(pointer) = event.dyn_ref::<PointerEvent>() else { return };
    let mut state = state.borrow_mut();
    let at = view.on_board(pointer.client_x(), pointer.client_y());
    let Some(known) = state.pointers.iter_mut().find(|(id, _)| *id == pointer.pointer_id()) else { return };
    known.1 = at;
    let doing = state.doing;
    match doing {
        Doing::Nothing => {}
        Doing::Ground { from, last, pans } => {
            if pans || from.distance(at) > CLICK {
                if !pans {
                    capture(view, pointer);
                    view.dragged.set(true);
                }
                state.doing = Doing::Ground { from, last: at, pans: true };
                drop(state);
                view.set(view.camera().panned(at.x - last.x, at.y - last.y));
            }
        }
        Doing::Plug { vm, adapter, from, drags } => {
            if drags || from.distance(at) > CLICK {
                if !drags {
                    capture(view, pointer);
                    view.dragged.set(true);
                    state.doing = Doing::Plug { vm, adapter, from, drags: true };
                }
                drop(state);
                tell.emit(Told::Drag(vm, adapter, view.camera().scene(at)));
            }
        }
        Doing::Pinch { apart, middle } => {
            let [(_, a), (_, b)] = *state.pointers.as_slice() else { return };
            let (now, here) = (a.distance(b).max(1.0), half(a, b));
            view.dragged.set(true);
            state.doing = Doing::Pinch { apart: now, middle: here };
            drop(state);
            view.set(view.camera().panned(here.x - middle.x, here.y - middle.y).zoomed(now / apart, here));
        }
    }
}

fn up(_: &Shared<View>, state: &RefCell<State>, tell: &Callback<Told>, event: &Event) {
    let Some(pointer) = event.dyn_ref::<PointerEvent>() else { return };
    let doing = lift(state, pointer);
    if matches!(doing, Doing::Plug { drags: true, .. }) {
        tell.emit(Told::Drop);
    }
}

fn cancelled(_: &Shared<View>, state: &RefCell<State>, tell: &Callback<Told>, event: &Event) {
    let Some(pointer) = event.dyn_ref::<PointerEvent>() else { return };
    let doing = lift(state, pointer);
    if matches!(doing, Doing::Plug { drags: true, .. }) {
        tell.emit(Told::Cancel);
    }
}

/// A pointer is gone: what it was doing ends.
fn lift(state: &RefCell<State>, pointer: &PointerEvent) -> Doing {
    let mut state = state.borrow_mut();
    state.pointers.retain(|(id, _)| *id != pointer.pointer_id());
    let doing = core::mem::take(&mut state.doing);
    if let (Doing::Pinch { .. }, [(_, at)]) = (doing, state.pointers.as_slice()) {
        state.doing = Doing::Ground { from: *at, last: *at, pans: true };
    }
    doing
}

fn wheel(view: &Shared<View>, _: &RefCell<State>, _: &Callback<Told>, event: &Event) {
    let Some(wheel) = event.dyn_ref::<WheelEvent>() else { return };
    if closest(event, ".stage-menu").is_some() || (!wheel.ctrl_key() && page_scrolls()) {
        return;
    }
    event.prevent_default();
    // Lines and pages are a mouse wheel's, pixels mostly a touchpad's.
    let step = match wheel.delta_mode() {
        0 => wheel.delta_y(),
        1 => wheel.delta_y() * 16.0,
        _ => wheel.delta_y() * 300.0,
    };
    let strength = if wheel.ctrl_key() { 0.01 } else { 0.0015 };
    let at = view.on_board(wheel.client_x(), wheel.client_y());
    view.set(view.camera().zoomed((-step.clamp(-300.0, 300.0) * strength).exp(), at));
}

/// Where the page itself scrolls (on a phone), the wheel is the page's.
fn page_scrolls() -> bool {
    let root = dom::document().and_then(|document| document.scrolling_element());
    root.is_some_and(|root| root.scroll_height() > root.client_height() + 4)
}

fn key(_: &Shared<View>, state: &RefCell<State>, tell: &Callback<Told>, event: &Event) {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
    let drags = matches!(state.borrow().doing, Doing::Plug { drags: true, .. });
    if key.key() == "Escape" && drags {
        state.borrow_mut().doing = Doing::Nothing;
        event.prevent_default();
        tell.emit(Told::Cancel);
    }
}
