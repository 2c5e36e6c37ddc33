//! The stage by keyboard: arrows go from thing to thing, with Shift or on the empty stage they pan; +, − and 0 zoom.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, SvgElement};
use yew::prelude::*;

use super::ZOOM_STEP;
use super::view::View;
use crate::dom;
use crate::layout::{Item, Scene, Way, items, next};
use crate::shared::Shared;
use crate::store::EditTarget;
use netmodes_core::view::LabView;

/// How far one press of an arrow pans, in pixels.
const PAN: f64 = 64.0;

/// The thing of the picture that an event happened at.
fn item_of(event: &Event) -> Option<Item> {
    let mut element = event.target()?.dyn_into::<Element>().ok();
    while let Some(here) = element {
        if let Some(item) = Item::from_id(&here.id()) {
            return Some(item);
        }
        element = here.parent_element();
    }
    None
}

/// Gives the focus to a thing of the picture.
pub(super) fn focus(item: Item) {
    let element = dom::document().and_then(|document| document.get_element_by_id(&item.id()));
    if let Some(element) = element.and_then(|element| element.dyn_into::<SvgElement>().ok()) {
        let _ = element.focus();
    }
}

/// Keys on the stage.
pub(super) fn on_key(view: &Shared<View>, scene: &Rc<Scene>) -> Callback<KeyboardEvent> {
    let (view, scene) = (view.clone(), scene.clone());
    Callback::from(move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let way = match event.key().as_str() {
            "ArrowLeft" => Way::Left,
            "ArrowRight" => Way::Right,
            "ArrowUp" => Way::Up,
            "ArrowDown" => Way::Down,
            "+" | "=" => return zoom(&event, || view.zoom(ZOOM_STEP)),
            "-" | "−" => return zoom(&event, || view.zoom(1.0 / ZOOM_STEP)),
            "0" => return zoom(&event, || view.fit()),
            _ => return,
        };
        event.prevent_default();
        let here = item_of(&event);
        if here.is_none() || event.shift_key() {
            let (dx, dy) = match way {
                Way::Left => (PAN, 0.0),
                Way::Right => (-PAN, 0.0),
                Way::Up => (0.0, PAN),
                Way::Down => (0.0, -PAN),
            };
            view.set(view.camera().panned(dx, dy));
            return;
        }
        let all = items(&scene);
        if let Some(to) = next(&all, here, way) {
            if let Some((_, rect)) = all.iter().find(|(item, _)| *item == to) {
                view.show(*rect);
            }
            focus(to);
        }
    })
}

fn zoom(event: &KeyboardEvent, act: impl FnOnce()) {
    event.prevent_default();
    act();
}

/// A double click opens what can be changed.
pub(super) fn on_double(view: &Shared<LabView>, on_edit: &Callback<EditTarget>) -> Callback<MouseEvent> {
    let (view, on_edit) = (view.clone(), on_edit.clone());
    Callback::from(move |event: MouseEvent| {
        if let Some(target) = item_of(&event).and_then(|item| target(&view, item)) {
            on_edit.emit(target);
        }
    })
}

/// What is edited when a thing of the picture is.
pub(super) fn target(view: &LabView, item: Item) -> Option<EditTarget> {
    match item {
        Item::Card(node, _) => EditTarget::of_node(view, node),
        Item::Plug(vm, adapter) => Some(EditTarget::Nic(vm, adapter)),
        Item::Link(link) => Some(EditTarget::Link(link)),
        Item::Socket(..) => None,
    }
}
