//! The terminals: a tab for each machine, one or several of them in sight as tiles.

mod output;
mod pasting;
mod prompt;
mod screen;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::view::{LabView, NodeRow};
use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use self::screen::Screen;
use super::frame::Whole;
use super::modal::Drop;
use super::parts::{Icon, Tab, Tabs};
use crate::app::{use_dispatch, use_texts};
use crate::store::panes::Pane;
use crate::store::state::near_and_far;
use crate::store::tiles::{Tiles, TilesAction, Tiling};
use crate::store::{Action, Highlight, Shared, Terminal};

/// What the terminals show.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Tables, for the machines' names.
    pub view: Shared<LabView>,
    /// The terminals.
    pub terminals: Shared<BTreeMap<NodeId, Shared<Terminal>>>,
    /// Which one is in front.
    pub front: Option<NodeId>,
    /// Which are in sight.
    pub tiles: Shared<Tiles>,
    /// What is pointed at.
    pub highlight: Option<Highlight>,
    /// The node that is chosen in the picture.
    pub chosen: Option<NodeId>,
    /// The terminals fill the page.
    pub whole: bool,
}

/// What a machine's screen leaves behind while another one is in sight.
#[derive(Clone, Debug, Default)]
struct Left {
    /// How far it was scrolled; none at its end.
    top: Option<i32>,
    /// What stood on the line.
    typed: String,
}

/// What all screens left behind.
type Lefts = Rc<RefCell<BTreeMap<NodeId, Left>>>;

/// The terminals.
#[component]
pub fn Terminals(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let lefts = use_memo((), |()| Lefts::default());
    let (mut near, mut far) = near_and_far(&props.view);
    let machines: Vec<&NodeRow> = near.iter().chain(&far).copied().collect();
    let shown = props.tiles.shown(&machines, props.front);
    // A far machine whose terminal is open or busy has a tab as well: what was begun stays in sight.
    let busy = |id: NodeId| props.terminals.get(&id).is_some_and(|terminal| !terminal.running.is_empty());
    let (open, rest): (Vec<_>, Vec<_>) = far.into_iter().partition(|node| shown.contains(&node.id) || busy(node.id));
    near.extend(open);
    far = rest;
    let label = |node: &NodeRow| match node.real {
        true => format!("{} · {}", node.name, texts.ui("real")),
        false => node.name.clone(),
    };
    let tabs: Vec<_> = near
        .into_iter()
        .map(|node| Tab { key: id_key(node.id), label: label(node).into(), busy: busy(node.id) })
        .collect();
    let far: Vec<_> = far.into_iter().map(|node| (id_key(node.id), AttrValue::from(node.name.clone()))).collect();
    let on_choose = {
        let dispatch = dispatch.clone();
        Callback::from(move |key: AttrValue| {
            if let Ok(id) = key.parse() {
                dispatch.act(Action::Front(NodeId(id)));
            }
        })
    };
    let (drag, drop_in) = use_drag();
    let alone = shown.len() < 2;
    let tiles = shown.iter().enumerate().filter_map(|(at, id)| {
        let (node, terminal) = (props.view.nodes.get(id)?, props.terminals.get(id)?);
        Some(html! {
            <Tile key={at} {at} {alone} front={props.front == Some(*id)} drop_in={drop_in.clone()}
                node={*id} machine={AttrValue::from(node.name.clone())}
                names={if alone { Vec::new() } else { machines.iter().map(|node| (node.id, node.name.clone())).collect::<Vec<_>>() }}>
                <Screen key={id.0} node={*id} machine={node.name.clone()} real={node.real} off={node.off}
                    front={props.front == Some(*id)} first={first_command(&props.view, node)} terminal={terminal.clone()}
                    view={props.view.clone()} highlight={props.highlight} chosen={props.chosen} lefts={(*lefts).clone()} />
            </Tile>
        })
    });
    html! {
        <section class={classes!("term", format!("tiling-{}", props.tiles.tiling.name()))} aria-label={texts.ui("terminals")}>
            <div class="term-top" ondragstart={drag}>
                <Tabs label={texts.ui("terminals")} id="term" {tabs} draggable={!alone}
                    chosen={props.front.map(id_key).unwrap_or_default()} {on_choose} />
                <More {far} on_choose={dispatch.callback(|key: AttrValue| Action::Front(NodeId(key.parse().unwrap_or_default())))} />
                <span class="spring"></span>
                <TilingMenu tiling={props.tiles.tiling} />
                <Whole pane={Pane::Terminal} whole={props.whole} />
            </div>
            <div class="tiles" role="tabpanel" id="term-panel" aria-labelledby={props.front.map(|id| format!("term-tab-{id}"))}>{ for tiles }</div>
        </section>
    }
}

/// A tab is dragged into a tile: what begins it, and what ends it at a tile.
#[hook]
fn use_drag() -> (Callback<DragEvent>, Callback<usize>) {
    let dispatch = use_dispatch();
    let dragged = use_mut_ref(|| None::<NodeId>);
    let drag = {
        let dragged = dragged.clone();
        Callback::from(move |event: DragEvent| {
            let tab = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let id = tab.and_then(|tab| tab.id().strip_prefix("term-tab-")?.parse().ok());
            *dragged.borrow_mut() = id.map(NodeId);
        })
    };
    let drop_in = Callback::from(move |at: usize| {
        let node = dragged.borrow_mut().take();
        if let Some(node) = node {
            dispatch.act(Action::Tiles(TilesAction::Put(at, node)));
            dispatch.act(Action::Front(node));
        }
    });
    (drag, drop_in)
}

fn id_key(id: NodeId) -> AttrValue {
    id.to_string().into()
}

#[derive(Clone, PartialEq, Properties)]
struct TileProps {
    at: usize,
    alone: bool,
    front: bool,
    node: NodeId,
    machine: AttrValue,
    names: Vec<(NodeId, String)>,
    drop_in: Callback<usize>,
    children: Html,
}

/// One tile: which machine stands in it, and its screen.
#[component]
fn Tile(props: &TileProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (at, node) = (props.at, props.node);
    let onchange = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(id) = select.and_then(|select| select.value().parse().ok()) {
                dispatch.act(Action::Tiles(TilesAction::Put(at, NodeId(id))));
                dispatch.act(Action::Front(NodeId(id)));
            }
        })
    };
    let onfocusin = (!props.front).then(|| dispatch.callback(move |_: FocusEvent| Action::Front(node)));
    let ondragover = Callback::from(|event: DragEvent| event.prevent_default());
    let ondrop = {
        let drop_in = props.drop_in.clone();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            drop_in.emit(at);
        })
    };
    html! {
        <div class={classes!("tile", (props.front && !props.alone).then_some("front"))} {onfocusin} {ondragover} {ondrop}
            role="group" aria-label={texts.ui_with("terminal-of", &[("machine", props.machine.to_string())])}>
            if !props.alone {
                <select class="more tile-name" aria-label={texts.ui("tile-machine")} {onchange}>
                    { for props.names.iter().map(|(id, name)| html! {
                        <option key={id.0} value={id.to_string()} selected={*id == node}>{ name.clone() }</option>
                    }) }
                </select>
            }
            { props.children.clone() }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TilingProps {
    tiling: Tiling,
}

/// How many terminals are in sight.
#[component]
fn TilingMenu(props: &TilingProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let items = Tiling::ALL.into_iter().map(|tiling| {
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Tiles(TilesAction::Tiling(tiling)));
        html! {
            <button type="button" data-closes="" data-tiling={tiling.name()} class={classes!("drop-item", (tiling == props.tiling).then_some("on"))}
                aria-pressed={(tiling == props.tiling).to_string()} {onclick}>
                <Icon name={format!("tiling-{}", tiling.name())} />{ texts.ui(&format!("tiling-{}", tiling.name())) }
            </button>
        }
    });
    let button = html! { <Icon name={format!("tiling-{}", props.tiling.name())} /> };
    html! { <Drop id="tiling" class="icon" title={AttrValue::from(texts.ui("tiling"))} {button}>{ for items }</Drop> }
}

#[derive(Clone, PartialEq, Properties)]
struct MoreProps {
    far: Vec<(AttrValue, AttrValue)>,
    on_choose: Callback<AttrValue>,
}

/// A menu of the machines that have no tab.
#[component]
fn More(props: &MoreProps) -> Html {
    let texts = use_texts();
    if props.far.is_empty() {
        return html! {};
    }
    let onchange = {
        let on_choose = props.on_choose.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                let key = select.value();
                select.set_selected_index(0);
                on_choose.emit(key.into());
            }
        })
    };
    html! {
        <select class="more" id="term-more" aria-label={texts.ui("more-machines")} {onchange}>
            <option value="" selected=true>{ texts.ui("more") }</option>
            { for props.far.iter().map(|(key, name)| html! { <option key={key.to_string()} value={key.clone()}>{ name }</option> }) }
        </select>
    }
}

/// What to try first at a machine: a VM has to ask for an address, all others have one.
fn first_command(view: &LabView, node: &NodeRow) -> AttrValue {
    let nic = view.nics.values().find(|nic| nic.vm == node.id);
    match nic.and_then(|nic| view.ifaces.get(&(node.id, nic.iface))) {
        Some(iface) => format!("dhclient -v {}", iface.name).into(),
        None => "ip addr".into(),
    }
}
