//! Small parts that several panels use: icons, tabs, chips, a box whose height is data.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::dom;

/// An icon of the page's own set: one path in an 18 by 18 box.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    let path = match &*props.name {
        "play" => "M5 3v12l10-6z",
        "pause" => "M4 3h3.5v12H4zM10.5 3H14v12h-3.5z",
        "step" => "M13 3h2v12h-2zM3 3v12l9-6z",
        "restart" => "M9 3a6 6 0 1 1-5.66 4h2.2A4 4 0 1 0 9 5v3L4.5 4.5 9 1z",
        "theme" => "M9 2a7 7 0 1 0 0 14A7 7 0 0 0 9 2zm0 2v10A5 5 0 0 1 9 4z",
        "help" => {
            "M8 12h2v2H8zM9 3a4 4 0 0 0-4 4h2a2 2 0 1 1 3.2 1.6C9 9.4 8 10 8 11h2c0-.6.6-1 1.4-1.7A4 4 0 0 0 9 3z"
        }
        "edit" => {
            "M12.4 2.6a1.4 1.4 0 0 1 2 0l1 1a1.4 1.4 0 0 1 0 2L6.7 14.3 2.5 15.5l1.2-4.2zM11 5.4 5.4 11l1.6 1.6L12.6 7z"
        }
        "share" => "M9 1l4 4-1.4 1.4L10 4.8V12H8V4.8L6.4 6.4 5 5zM3 9h2v6h8V9h2v8H3z",
        "close" => "M4.4 3 9 7.6 13.6 3 15 4.4 10.4 9l4.6 4.6-1.4 1.4L9 10.4 4.4 15 3 13.6 7.6 9 3 4.4z",
        "quiet" => "M3 3v12l6-6zM9 3v12l6-6zM15 3h2v12h-2z",
        "undo" => "M7 3 2.5 7.5 7 12V9h3.5a2.5 2.5 0 0 1 0 5H6v2h4.5a4.5 4.5 0 0 0 0-9H7z",
        "redo" => "M11 3l4.5 4.5L11 12V9H7.5a2.5 2.5 0 0 0 0 5H12v2H7.5a4.5 4.5 0 0 1 0-9H11z",
        "back" => "M3 3h2v12H3zM15 3v12L6 9z",
        "back-input" => "M2 3h2v12H2zM10 3v12L4.5 9zM16.5 3v12L11 9z",
        "forth-input" => "M14 3h2v12h-2zM8 3v12l5.5-6zM1.5 3v12L7 9z",
        "list" => "M3 4h2v2H3zM7 4h8v2H7zM3 8h2v2H3zM7 8h8v2H7zM3 12h2v2H3zM7 12h8v2H7z",
        "minus" => "M3 8h12v2H3z",
        "plus" => "M8 3h2v5h5v2h-5v5H8v-5H3V8h5z",
        "fit" => "M2 4h2v10H2zM14 4h2v10h-2zM5 9l3-3v2h2V6l3 3-3 3v-2H8v2z",
        "down" => "M4 6.5 9 11.5 14 6.5 15 8 9 14 3 8z",
        "menu" => "M2 4h14v2H2zM2 8h14v2H2zM2 12h14v2H2z",
        "check" => "M7 11.6 3.4 8 2 9.4l5 5L16 5.4 14.6 4z",
        "warning" => "M9 1.5 17 16H1zM8 7v4.5h2V7zM8 12.7v1.6h2v-1.6z",
        "messages" => "M2 3h14v10H8l-4 3v-3H2zM5 6v1.5h8V6zM5 9v1.5h5V9z",
        "contents" => "M2 3h2v2H2zM6 3h10v2H6zM2 8h2v2H2zM6 8h10v2H6zM2 13h2v2H2zM6 13h10v2H6z",
        "whole" => "M2 2h6v2H4v4H2zM10 14h4v-4h2v6h-6z",
        "restore" => "M6 2h2v6H2V6h4zM10 10h6v2h-4v4h-2z",
        "fold" => "M2 2h2v14H2zM14 4v10L7 9z",
        "unfold" => "M14 2h2v14h-2zM4 4v10l7-5z",
        "pane-exercise" => "M3 2h12v14H3zM5 4v10h8V4zM6 6h6v1.5H6zM6 9h6v1.5H6z",
        "pane-stage" => "M2 4h6v5H2zM10 9h6v5h-6zM4 10h2v2h3v2H4zM9 5h5v3h-2V7H9z",
        "pane-terminal" => "M1 3h16v12H1zM3 5v8h12V5zM4 6.5 7 9l-3 2.5V10l1.3-1L4 8zM8 10.5h5V12H8z",
        "pane-look" => {
            "M7.5 2a5.5 5.5 0 0 1 4.4 8.8l4 4-1.4 1.4-4-4A5.5 5.5 0 1 1 7.5 2zm0 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z"
        }
        "tiling-one" => "M2 3h14v12H2zM4 5v8h10V5z",
        "tiling-beside" => "M2 3h14v12H2zM4 5v8h4V5zM10 5v8h4V5z",
        "tiling-above" => "M2 3h14v12H2zM4 5v3h10V5zM4 10v3h10v-3z",
        "tiling-four" => "M2 3h14v12H2zM4 5v3h4V5zM10 5v3h4V5zM4 10v3h4v-3zM10 10v3h4v-3z",
        _ => "",
    };
    html! {
        <svg class="icon-svg" width="18" height="18" viewBox="0 0 18 18" fill="currentColor" aria-hidden="true">
            <path d={path} fill-rule="evenodd" />
        </svg>
    }
}

/// Which icon.
#[derive(Clone, PartialEq, Properties)]
pub struct IconProps {
    /// Its name.
    pub name: AttrValue,
}

/// A protocol's name on its colour.
pub fn chip(proto: &str) -> Html {
    html! { <span class={classes!("chip", proto_class(proto))}>{ proto }</span> }
}

/// The class that gives a protocol's colour.
pub fn proto_class(proto: &str) -> String {
    let lower = proto.to_ascii_lowercase();
    match lower.as_str() {
        "arp" | "dhcp" | "icmp" | "udp" | "tcp" | "dns" | "http" | "stp" => format!("p-{lower}"),
        _ => "p-other".to_owned(),
    }
}

/// One tab.
#[derive(Clone, PartialEq)]
pub struct Tab {
    /// What identifies it.
    pub key: AttrValue,
    /// Its label.
    pub label: AttrValue,
    /// A mark beside the label, such as a running command's.
    pub busy: bool,
}

/// What a row of tabs shows.
#[derive(Clone, PartialEq, Properties)]
pub struct TabsProps {
    /// Its name for assistive tools.
    pub label: AttrValue,
    /// Prefix of ids: `{id}-tab-{key}`, `{id}-panel`.
    pub id: AttrValue,
    /// The tabs.
    pub tabs: Vec<Tab>,
    /// Which is chosen.
    pub chosen: AttrValue,
    /// Another was chosen.
    pub on_choose: Callback<AttrValue>,
    /// A tab can be dragged away.
    #[prop_or_default]
    pub draggable: bool,
}

/// A row of tabs: arrow keys, Home and End move (WAI-ARIA tabs pattern).
#[component]
pub fn Tabs(props: &TabsProps) -> Html {
    let row = use_node_ref();
    let onkeydown = {
        let (row, tabs) = (row.clone(), props.tabs.clone());
        let (chosen, on_choose) = (props.chosen.clone(), props.on_choose.clone());
        Callback::from(move |event: KeyboardEvent| {
            let at = tabs.iter().position(|tab| tab.key == chosen).unwrap_or(0);
            let count = tabs.len().max(1);
            let next = match event.key().as_str() {
                "ArrowRight" => (at + 1) % count,
                "ArrowLeft" => (at + count - 1) % count,
                "Home" => 0,
                "End" => count - 1,
                _ => return,
            };
            event.prevent_default();
            if let Some(tab) = tabs.get(next) {
                on_choose.emit(tab.key.clone());
                focus_child(&row, next);
            }
        })
    };
    let tabs = props.tabs.iter().map(|tab| {
        let chosen = tab.key == props.chosen;
        let onclick = {
            let (key, on_choose) = (tab.key.clone(), props.on_choose.clone());
            Callback::from(move |_: MouseEvent| on_choose.emit(key.clone()))
        };
        html! {
            <button
                key={tab.key.to_string()} type="button" role="tab" id={format!("{}-tab-{}", props.id, tab.key)}
                aria-selected={chosen.to_string()} aria-controls={format!("{}-panel", props.id)}
                tabindex={if chosen { "0" } else { "-1" }} draggable={props.draggable.then_some("true")} {onclick}
            >
                { &tab.label }
                if tab.busy { <span class="busy" aria-hidden="true">{ " ●" }</span> }
            </button>
        }
    });
    html! {
        <div class="tabs" role="tablist" aria-label={props.label.clone()} ref={row.clone()} {onkeydown}>{ for tabs }</div>
    }
}

fn focus_child(row: &NodeRef, index: usize) {
    let child = row.cast::<Element>().and_then(|row| row.children().item(u32::try_from(index).unwrap_or(0)));
    if let Some(child) = child.and_then(|child| child.dyn_into::<HtmlElement>().ok()) {
        let _ = child.focus();
    }
}

/// A box as high as data says.
#[derive(Clone, PartialEq, Properties)]
pub struct TallProps {
    /// Its height, in pixels.
    pub height: f64,
    /// How far its content is moved down, in pixels.
    pub top: f64,
    /// Its content.
    pub children: Html,
}

/// A box whose content is a window of something taller: for lists that draw only the rows in sight.
#[component]
pub fn Tall(props: &TallProps) -> Html {
    let (outer, inner) = (use_node_ref(), use_node_ref());
    {
        let (outer, inner) = (outer.clone(), inner.clone());
        use_effect_with((props.height, props.top), move |(height, top)| {
            if let (Some(outer), Some(inner)) = (outer.cast::<Element>(), inner.cast::<Element>()) {
                dom::set_style(&outer, "height", &format!("{height}px"));
                dom::set_style(&inner, "transform", &format!("translateY({top}px)"));
            }
        });
    }
    html! {
        <div class="tall" ref={outer} role="presentation">
            <div ref={inner} role="presentation">{ props.children.clone() }</div>
        </div>
    }
}
