//! The menu of a VM's card: every mode with the networks it has, the cable, and what the card is set to.

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, Mode, NicRow};
use netmodes_core::world::{CableState, Command};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::cards::{iface_name, nic_told};
use crate::app::use_texts;
use crate::layout::Point;
use crate::shared::Shared;

/// Widest and tallest that the menu becomes, in pixels: it is kept inside the stage.
pub(super) const MENU: (f64, f64) = (248.0, 380.0);

/// What the menu is about.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Tables.
    pub(super) view: Shared<LabView>,
    /// The VM.
    pub(super) vm: NodeId,
    /// Its adapter.
    pub(super) adapter: u8,
    /// Its upper left corner, in pixels of the board.
    pub(super) at: Point,
    /// How tall it may be.
    pub(super) room: f64,
    /// A choice was made.
    pub(super) on_command: Callback<Command>,
    /// Details are wanted.
    pub(super) on_edit: Option<Callback<()>>,
    /// It is to go away.
    pub(super) on_close: Callback<()>,
}

/// Modes with the networks a card can be put into, in the order of the patch panel. A mode without networks of its own
/// has an empty name.
pub(super) fn choices(view: &LabView, host: Option<NodeId>, nic: &NicRow) -> Vec<(Mode, Vec<String>)> {
    let shared = |mode: Mode| {
        let own = view.host_networks.values().filter(move |row| row.mode == mode && Some(row.host) == host);
        own.map(|row| row.name.clone())
    };
    let used = |mode: Mode| {
        let own = view.nics.values().filter(move |nic| nic.mode == mode);
        own.map(|nic| nic.network.clone())
    };
    let networks = |mode: Mode| {
        let mut names: Vec<String> = match mode {
            Mode::Bridged => {
                let own = view.ifaces.values().filter(|iface| Some(iface.node) == host && !iface.loopback);
                let host_only: Vec<_> = shared(Mode::HostOnly).collect();
                own.map(|iface| iface.name.clone()).filter(|name| !host_only.contains(name)).collect()
            }
            Mode::Internal => used(mode).chain(["intnet".to_owned()]).collect(),
            Mode::HostOnly | Mode::NatNetwork => shared(mode).chain(used(mode)).collect(),
            _ => Vec::new(),
        };
        if nic.mode == mode {
            names.push(nic.network.clone());
        }
        names.retain(|name| !name.is_empty());
        names.sort();
        names.dedup();
        // One that there is none of yet is made when the card is put into it.
        if names.is_empty() { vec![String::new()] } else { names }
    };
    Mode::ALL.into_iter().take(6).map(|mode| (mode, networks(mode))).collect()
}

/// Puts the menu where it belongs, and the focus on its chosen item.
#[hook]
fn use_place(menu: &NodeRef, at: Point, room: f64) {
    {
        let menu = menu.clone();
        use_effect_with((at, room), move |(at, room)| {
            if let Some(element) = menu.cast::<Element>() {
                crate::dom::set_style(&element, "left", &format!("{:.0}px", at.x));
                crate::dom::set_style(&element, "top", &format!("{:.0}px", at.y));
                crate::dom::set_style(&element, "max-height", &format!("{room:.0}px"));
            }
        });
    }
    let menu = menu.clone();
    use_effect_with((), move |()| {
        let Some(menu) = menu.cast::<Element>() else { return };
        let first = menu.query_selector("[aria-checked=true]").ok().flatten();
        focus(first.or_else(|| menu.query_selector("button").ok().flatten()));
    });
}

/// The menu.
#[component]
pub(super) fn NicMenu(props: &Props) -> Html {
    let texts = use_texts();
    let menu = use_node_ref();
    use_place(&menu, props.at, props.room);
    let Some(nic) = props.view.nics.get(&(props.vm, props.adapter)) else { return html! {} };
    let Some(vm) = props.view.nodes.get(&props.vm) else { return html! {} };
    let (name, iface) = (vm.name.clone(), iface_name(&props.view, nic));
    let act = |command: Command| {
        let (on_command, on_close) = (props.on_command.clone(), props.on_close.clone());
        Callback::from(move |_: MouseEvent| {
            on_command.emit(command.clone());
            on_close.emit(());
        })
    };
    let items = choices(&props.view, vm.host, nic).into_iter().flat_map(|(mode, networks)| {
        let many = networks.len() > 1;
        let title = texts.ui(&format!("mode-{}", mode.name()));
        let rows: Vec<Html> = networks
            .into_iter()
            .map(|network| {
                let checked = nic.mode == mode && (network.is_empty() || nic.network == network);
                let command =
                    Command::Attach { vm: name.clone(), adapter: nic.adapter, mode, network: network.clone() };
                html! {
                    <button
                        key={format!("{}-{network}", mode.name())} type="button" role="menuitemradio" tabindex="-1"
                        aria-checked={checked.to_string()} data-mode={mode.name()} onclick={act(command)}
                    >
                        <span class="dot" aria-hidden="true"></span>
                        <span>{ &*title }</span>
                        if !network.is_empty() { <span class={classes!("net", many.then_some("many"))}>{ network }</span> }
                    </button>
                }
            })
            .collect();
        rows
    });
    let state = if nic.cable { CableState::Off } else { CableState::On };
    let cable = act(Command::Cable { machine: name.clone(), iface, state });
    let on_key = on_key(props.on_close.clone(), menu.clone());
    let edit = props.on_edit.clone().map(|edit| {
        let close = props.on_close.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            close.emit(());
            edit.emit(());
        });
        html! { <button type="button" role="menuitem" tabindex="-1" {onclick}><span class="dot" aria-hidden="true"></span>{ &*texts.ui("nic-details") }</button> }
    });
    html! {
        <div
            ref={menu} class="stage-menu" role="menu" aria-label={format!("{name}: {}", nic_told(&props.view, nic, &texts))}
            onkeydown={on_key}
        >
            <p class="menu-head">{ &*texts.ui_with("menu-head", &[("vm", name.clone()), ("adapter", nic.adapter.to_string())]) }</p>
            { for items }
            <hr />
            <button type="button" role="menuitemcheckbox" tabindex="-1" aria-checked={nic.cable.to_string()} onclick={cable}>
                <span class="dot" aria-hidden="true"></span>{ &*texts.ui("cable-plugged") }
            </button>
            { for edit }
        </div>
    }
}

fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Arrows, Home and End go through the menu; Escape and Tab leave it.
fn on_key(close: Callback<()>, menu: NodeRef) -> Callback<KeyboardEvent> {
    Callback::from(move |event: KeyboardEvent| {
        let key = event.key();
        event.stop_propagation();
        if matches!(key.as_str(), "Escape" | "Tab") {
            event.prevent_default();
            close.emit(());
            return;
        }
        let Some(list) = menu.cast::<Element>().and_then(|menu| menu.query_selector_all("button").ok()) else { return };
        let active = crate::dom::document().and_then(|document| document.active_element()).map(web_sys::Node::from);
        let here = (0..list.length()).find(|at| list.item(*at) == active);
        let last = list.length().saturating_sub(1);
        let next = match (key.as_str(), here) {
            ("ArrowDown", Some(at)) => {
                if at >= last {
                    0
                } else {
                    at + 1
                }
            }
            ("ArrowUp", Some(at)) => {
                if at == 0 {
                    last
                } else {
                    at - 1
                }
            }
            ("Home", _) | ("ArrowDown", None) => 0,
            ("End", _) | ("ArrowUp", None) => last,
            _ => return,
        };
        event.prevent_default();
        focus(list.item(next).and_then(|node| node.dyn_into().ok()));
    })
}
