//! What stands still: frames, cables, the patch panel, boxes and plugs, as SVG.
//!
//! What has words of its own is called by its `<title>`, which says all of them and more: a label beside visible words
//! would have to repeat them in their order. Cables have no words, and a label.

use std::collections::BTreeSet;
use std::rc::Rc;

use netmodes_core::id::{LinkId, NodeId};
use netmodes_core::view::{LabView, Mode, NodeKind};
use yew::prelude::*;

use super::cards::{self, told};
use super::f;
use super::view::View;
use crate::app::{TextsHandle, use_texts};
use crate::dom;
use crate::layout::{Card, CardKind, HostBox, Item, Path, Plug, Point, Scene, Socket};
use crate::shared::Shared;
use crate::store::state::lease_seen;
use crate::store::{EditTarget, Highlight};

/// What the picture shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Tables.
    pub(super) view: Shared<LabView>,
    /// Knows whether a click ends a drag.
    pub(super) stage: Shared<View>,
    /// Where everything is.
    pub(super) scene: Rc<Scene>,
    /// The chosen node.
    pub(super) chosen: Option<NodeId>,
    /// The chosen cable.
    pub(super) link: Option<LinkId>,
    /// Cables of the packet that is followed.
    pub(super) followed: Rc<BTreeSet<LinkId>>,
    /// The VM's card that sockets act on.
    pub(super) card: Option<(NodeId, u8)>,
    /// The VM's card whose plug is being dragged.
    pub(super) lifted: Option<(NodeId, u8)>,
    /// What has the focus when the picture gets it.
    pub(super) current: Option<Item>,
    /// What is pointed at elsewhere on the page.
    pub(super) highlight: Option<Highlight>,
    /// Something was pressed.
    pub(super) on_press: Callback<Item>,
    /// Something got the focus.
    pub(super) on_focus: Callback<Item>,
    /// Something is to be changed in place.
    pub(super) on_edit: Callback<EditTarget>,
}

/// The picture.
#[component]
pub(super) fn Picture(props: &Props) -> Html {
    let texts = use_texts();
    let scene = &props.scene;
    let cards = scene.cards.iter().map(|card| one_card(props, card, &texts));
    let leaving = use_leaving(&props.view, scene);
    let leaving = leaving.iter().map(|(view, card)| {
        html! {
            <g key={format!("gone-{}", card.node)} class="leaving" aria-hidden="true" transform={at(card.rect.x, card.rect.y)}>
                { cards::card(view, card, &texts) }
            </g>
        }
    });
    let plugs = scene.cards.iter().flat_map(|card| card.plugs.iter().map(move |plug| (card, plug)));
    html! {
        <svg class="stage-picture layer" role="group" aria-label={texts.ui("stage-picture")}>
            { for scene.hosts.iter().map(|host| frame(props, host, &texts)) }
            { internet(scene, &texts) }
            { for leaving }
            { for scene.paths.iter().map(|path| cable(props, path, &texts)) }
            { for scene.hosts.iter().map(|host| panel(props, host, &texts)) }
            { for cards }
            { for plugs.map(|(card, plug)| one_plug(props, card, plug, &texts)) }
            { for pencil(props, &texts) }
        </svg>
    }
}

/// How long what is gone is still seen going, in milliseconds.
const LEAVING_MS: i32 = 320;

/// Boxes of the last picture that are in this one no more, for as long as they fade.
#[hook]
fn use_leaving(view: &Shared<LabView>, scene: &Rc<Scene>) -> Vec<(Shared<LabView>, Card)> {
    let last = use_mut_ref(|| None::<(Shared<LabView>, Rc<Scene>)>);
    let leaving = use_state_eq(|| Rc::new(Vec::<Card>::new()));
    let old_view = use_mut_ref(Shared::<LabView>::default);
    {
        let (leaving, old_view, view) = (leaving.setter(), old_view.clone(), view.clone());
        use_effect_with(scene.clone(), move |scene| {
            let before = last.borrow_mut().replace((view.clone(), scene.clone()));
            let gone: Vec<Card> = before
                .iter()
                .flat_map(|(_, old)| &old.cards)
                .filter(|card| {
                    let built = matches!(card.kind, CardKind::Vm | CardKind::Built | CardKind::Part);
                    // Another lab altogether is not a change of this one.
                    built && !view.nodes.contains_key(&card.node) && view.nodes.len() > 1
                })
                .cloned()
                .collect();
            let timeout = (!gone.is_empty() && !dom::less_motion()).then(|| {
                if let Some((old, _)) = before {
                    *old_view.borrow_mut() = old;
                }
                leaving.set(Rc::new(gone));
                dom::Timeout::new(LEAVING_MS, move || leaving.set(Rc::default()))
            });
            move || drop(timeout)
        });
    }
    let view = old_view.borrow().clone();
    leaving.iter().map(|card| (view.clone(), card.clone())).collect()
}

/// What makes something in the picture a control: name, focus, keys and clicks.
struct Control {
    id: String,
    tabindex: &'static str,
    on_click: Callback<MouseEvent>,
    on_key: Callback<KeyboardEvent>,
    on_focus: Callback<FocusEvent>,
}

impl Control {
    fn new(props: &Props, item: Item) -> Self {
        let (press, stage) = (props.on_press.clone(), props.stage.clone());
        let on_click = Callback::from(move |_: MouseEvent| {
            if !stage.dragged.replace(false) {
                press.emit(item);
            }
        });
        let press = props.on_press.clone();
        let on_key = Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                press.emit(item);
            }
        });
        let focus = props.on_focus.clone();
        let on_focus = Callback::from(move |_: FocusEvent| focus.emit(item));
        let first = || props.scene.cards.first().map(|card| Item::Card(card.node, None));
        let current = props.current.or_else(first);
        let tabindex = if current == Some(item) { "0" } else { "-1" };
        Self { id: item.id(), tabindex, on_click, on_key, on_focus }
    }
}

fn at(x: f64, y: f64) -> String {
    format!("translate({x:.1} {y:.1})")
}

fn one_card(props: &Props, card: &Card, texts: &TextsHandle) -> Html {
    let iface = if let CardKind::HostNic(index) = card.kind { Some(index) } else { None };
    let item = Item::Card(card.node, iface);
    let control = Control::new(props, item);
    let label = told(&props.view, card, texts);
    let chosen = props.chosen == Some(card.node);
    let lit = props.highlight.is_some_and(|point| {
        point.node() == Some(card.node) && iface.is_none_or(|index| point.iface().is_none_or(|(_, at)| at == index))
    });
    let class = classes!("card", chosen.then_some("chosen"), lit.then_some("lit"));
    html! {
        <g
            key={control.id.clone()} id={control.id.clone()} {class}
            transform={at(card.rect.x, card.rect.y)} role="button" tabindex={control.tabindex}
            aria-pressed={chosen.to_string()}
            onclick={control.on_click} onkeydown={control.on_key} onfocus={control.on_focus}
        >
            <title>{ label }</title>
            { cards::card(&props.view, card, texts) }
        </g>
    }
}

/// A VM's card as a plug on the VM's edge: drag it to a socket, or press it for a menu.
fn one_plug(props: &Props, card: &Card, plug: &Plug, texts: &TextsHandle) -> Html {
    let Some(nic) = props.view.nics.get(&(card.node, plug.adapter)) else { return html! {} };
    let control = Control::new(props, Item::Plug(card.node, plug.adapter));
    let vm = props.view.nodes.get(&card.node).map(|node| node.name.clone()).unwrap_or_default();
    let told = format!("{vm}: {}", cards::nic_told(&props.view, nic, texts));
    let label = texts.ui_with("plug-label", &[("card", told)]);
    let here = Some((card.node, plug.adapter));
    let class = classes!(
        "plug",
        (!nic.cable).then_some("out"),
        (props.lifted == here).then_some("lifted"),
        (props.card == here).then_some("acting"),
    );
    let lit = props.highlight.and_then(|point| point.iface()) == Some((card.node, plug.iface));
    let class = classes!(class, lit.then_some("lit"));
    let half = plug.half();
    html! {
        <g
            key={control.id.clone()} id={control.id.clone()} {class} transform={at(plug.at.x, plug.at.y)} role="button"
            tabindex={control.tabindex} aria-haspopup="menu"
            data-plug={format!("{} {}", card.node, plug.adapter)}
            onclick={control.on_click} onkeydown={control.on_key} onfocus={control.on_focus}
        >
            <title>{ &*label }</title>
            <rect class="hit" x="-16" y={f(-half - 6.0)} width="34" height={f(2.0 * half + 12.0)} rx="8" />
            <rect class="body" x={f(-half)} y={f(-half)} width={f(half * 2.0)} height={f(half * 2.0)} rx="5" />
            <text x="0" y={f(half * 0.42)} text-anchor="middle">{ plug.adapter }</text>
        </g>
    }
}

/// A small button of its own: keys and clicks.
fn button(class: &'static str, at_: String, label: String, act: Callback<()>, inside: Html) -> Html {
    let press = act.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        event.stop_propagation();
        press.emit(());
    });
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "Enter" | " ") {
            event.prevent_default();
            act.emit(());
        }
    });
    html! {
        <g key={class} {class} transform={at_} role="button" tabindex="0" {onclick} {onkeydown}>
            <title>{ label }</title>
            { inside }
        </g>
    }
}

/// At what is chosen: a way to change it in place.
fn pencil(props: &Props, texts: &TextsHandle) -> Option<Html> {
    let scene = &props.scene;
    let of_link = props.link.and_then(|link| scene.path(link).map(|path| (Item::Link(link), path.track.at(0.5))));
    let of_node = || {
        let node = props.chosen?;
        let card = scene.cards.iter().find(|card| card.node == node && !matches!(card.kind, CardKind::HostNic(_)));
        let at = card.map(|card| Point::new(card.rect.right() - 4.0, card.rect.y + 2.0));
        let host = || scene.hosts.iter().find(|host| host.node == node);
        let at = at.or_else(|| host().map(|host| Point::new(host.rect.right() - 22.0, host.rect.y + 26.0)))?;
        Some((Item::Card(node, None), at))
    };
    let (item, place) = of_link.or_else(of_node)?;
    let target = super::keys::target(&props.view, item)?;
    let on_edit = props.on_edit.clone();
    let act = Callback::from(move |()| on_edit.emit(target.clone()));
    let inside = html! {
        <>
            <circle r="12" />
            <path d="M-5.5 5.5 L-4.6 1.8 L2.4 -5.2 L5.2 -2.4 L-1.8 4.6 Z M0.8 -3.6 L3.6 -0.8" />
        </>
    };
    Some(button("pencil", at(place.x, place.y), texts.ui("edit-this").to_string(), act, inside))
}

fn frame(props: &Props, host: &HostBox, texts: &TextsHandle) -> Html {
    let view = &props.view;
    let on_edit = props.on_edit.clone();
    let node = host.node;
    let act = Callback::from(move |()| on_edit.emit(EditTarget::NewVm(node)));
    let add = html! {
        <>
            <rect x="-34" y="-14" width="68" height="28" rx="14" />
            <text x="0" y="4.5" text-anchor="middle">{ &*texts.ui("add-vm-short") }</text>
        </>
    };
    let place = at(host.rect.right() - 100.0, host.rect.y + 27.0);
    let name = view.nodes.get(&host.node).map(|row| row.name.clone()).unwrap_or_default();
    html! {
        <g key={format!("host-{}", host.node)}>
            { cards::rect(host.rect, 20.0, "frame") }
            <text x={f(host.rect.x + 20.0)} y={f(host.rect.y + 31.0)}>
                <tspan class="title">{ name }</tspan>
                <tspan class="dim small" dx="10">{ &*texts.ui("host-subtitle") }</tspan>
            </text>
            { button("add-vm", place, texts.ui("add-vm").to_string(), act, add) }
        </g>
    }
}

fn internet(scene: &Scene, texts: &TextsHandle) -> Html {
    let Some(rect) = scene.internet else { return html! {} };
    html! {
        <g key="internet">
            { cards::rect(rect, 22.0, "frame far") }
            <text class="title" x={f(rect.x + 16.0)} y={f(rect.y + 28.0)}>{ &*texts.ui("internet") }</text>
        </g>
    }
}

fn end_name(view: &LabView, node: NodeId, texts: &TextsHandle) -> String {
    view.nodes.get(&node).map_or_else(String::new, |row| match (row.host, row.kind) {
        (Some(_), NodeKind::Vm) | (None, _) => row.name.clone(),
        _ => cards::built_title(view, row, texts),
    })
}

fn cable(props: &Props, path: &Path, texts: &TextsHandle) -> Html {
    let view = &props.view;
    let lease = view
        .addrs
        .keys()
        .any(|(node, iface, addr, _)| *node == path.from.node && *iface == path.from.index && addr.is_ipv4());
    let real = view.nodes.get(&path.from.node).is_some_and(|node| node.real);
    let lease = lease || (real && lease_seen(view, path.from.node).is_some());
    let nic = view.nics.values().find(|nic| nic.vm == path.from.node && nic.iface == path.from.index);
    let lifted = nic.is_some_and(|nic| props.lifted == Some((nic.vm, nic.adapter)));
    let inner = path.link.is_none() && path.to.is_some();
    let class = classes!(
        "cable",
        inner.then_some("inner"),
        (!path.up && !inner).then_some("off"),
        (path.up && lease && !inner).then_some("live"),
        lifted.then_some("lifted"),
        path.link.is_some_and(|link| props.followed.contains(&link)).then_some("followed"),
        path.link.is_some_and(|link| props.link == Some(link)).then_some("chosen"),
        path.link.is_some_and(|link| props.highlight == Some(Highlight::Link(link))).then_some("lit"),
    );
    let d = path.svg();
    let key = match (path.link, nic) {
        // A card keeps its cable: it moves to where it is plugged in now.
        (_, Some(nic)) => format!("cable-{}-{}", nic.vm, nic.adapter),
        (Some(link), None) => format!("cable-{link}"),
        _ => format!("inner-{}", path.from.node),
    };
    let Some(link) = path.link else { return html! { <path {key} {class} {d} /> } };
    let to = path.to.map(|node| end_name(view, node, texts)).unwrap_or_default();
    let mut label =
        texts.ui_with("cable-label", &[("a", end_name(view, path.from.node, texts)), ("b", to)]).to_string();
    if !path.up {
        label = format!("{label}, {}", texts.ui("cable-out"));
    }
    let control = Control::new(props, Item::Link(link));
    html! {
        <g
            {key} id={control.id.clone()} class="wire" role="button" tabindex={control.tabindex}
            aria-label={label.clone()} aria-pressed={(props.link == Some(link)).to_string()}
            onclick={control.on_click} onkeydown={control.on_key} onfocus={control.on_focus}
        >
            <title>{ label }</title>
            <path class="hit" d={d.clone()} />
            <path {class} {d} />
        </g>
    }
}

/// The patch panel: one socket a mode, in the lecture's order.
fn panel(props: &Props, host: &HostBox, texts: &TextsHandle) -> Html {
    let own: Vec<_> = props.scene.sockets.iter().filter(|socket| socket.host == host.node).collect();
    let more = own.last().map(|socket| socket.at.y - 27.0).unwrap_or_default();
    html! {
        <g key={format!("panel-{}", host.node)}>
            { cards::rect(host.panel, 12.0, "panel") }
            <text class="dim small" x={f(host.panel.x + 14.0)} y={f(host.panel.y + 23.0)}>{ &*texts.ui("attached-to") }</text>
            <text class="dim small" x={f(host.panel.x + 14.0)} y={f(more)}>{ &*texts.ui("more-modes") }</text>
            { for own.into_iter().map(|socket| one_socket(props, socket, texts)) }
        </g>
    }
}

fn one_socket(props: &Props, socket: &Socket, texts: &TextsHandle) -> Html {
    let is_here = |vm: NodeId| props.view.nodes.get(&vm).is_some_and(|node| node.host == Some(socket.host));
    let mut used = props.view.nics.values().filter(|nic| nic.mode == socket.mode && is_here(nic.vm));
    let used = used.next().is_some();
    let name = texts.ui(&format!("mode-{}", socket.mode.name()));
    let card = props.card.and_then(|card| props.view.nics.get(&card)).filter(|nic| is_here(nic.vm));
    let vm = card.and_then(|nic| props.view.nodes.get(&nic.vm));
    let label = match vm.zip(card) {
        Some((vm, nic)) => texts.ui_with(
            "attach-to",
            &[("vm", vm.name.clone()), ("adapter", nic.adapter.to_string()), ("mode", name.to_string())],
        ),
        None => name.clone(),
    };
    let here = card.is_some_and(|nic| nic.mode == socket.mode);
    let control = Control::new(props, Item::Socket(socket.host, socket.mode));
    let (x, y) = (socket.at.x, socket.at.y);
    let class = classes!("socket", used.then_some("used"), (socket.mode == Mode::NotAttached).then_some("none"));
    html! {
        <g
            key={control.id.clone()} id={control.id.clone()} {class} role="button" tabindex={control.tabindex}
            aria-pressed={here.to_string()} data-mode={socket.mode.name()}
            onclick={control.on_click} onkeydown={control.on_key} onfocus={control.on_focus}
        >
            <title>{ &*label }</title>
            <rect class="hit" x={f(x - 14.0)} y={f(y - 16.0)} width={f(socket.out.x - x + 10.0)} height="32" rx="8" />
            <circle cx={f(x)} cy={f(y)} r="7" />
            <text x={f(x + 17.0)} y={f(y + 4.5)}>{ &*name }</text>
        </g>
    }
}
