//! One frame opened: the NATs it came through, its layers and fields beside its bytes, its whole way.

use core::ops::Range;
use std::rc::Rc;

use netmodes_core::display_filter::{literal_of, of_key};
use netmodes_core::frame::decode::{Decoded, Field, Layer, checks};
use netmodes_core::view::LabView;
use yew::prelude::*;

use super::bytes::Bytes;
use super::story::story;
use super::translation::translations;
use super::way_with_ports;
use crate::app::{TextsHandle, use_dispatch, use_texts};
use crate::dom;
use crate::format;
use crate::panel::exercise::cover::{Covered, use_covers};
use crate::panel::parts::{Icon, chip};
use crate::store::follow::way;
use crate::store::{Action, FrameEntry, FrameLog, Outcomes, Select, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DetailProps {
    pub(super) seq: u64,
    pub(super) view: Shared<LabView>,
    pub(super) frames: Shared<FrameLog>,
    pub(super) outcomes: Shared<Outcomes>,
    pub(super) on_filter: Callback<AttrValue>,
}

#[component]
pub(super) fn Detail(props: &DetailProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let way = use_memo((props.seq, props.frames.clone(), props.outcomes.clone()), |(seq, frames, outcomes)| {
        frames.get(*seq).map(|entry| way(frames, outcomes, &props.view, entry)).unwrap_or_default()
    });
    let covers = use_covers();
    let Some(entry) = props.frames.get(props.seq).cloned() else { return html! {} };
    if covers.goal_of(&entry.sent, &props.view).is_some() {
        return html! { <Covered /> };
    }
    let summary = entry.summary();
    let count = texts.ui_count("bytes", entry.bytes().len() as u64);
    let close = dispatch.callback(|_: MouseEvent| Action::Select(Select::Nothing));
    let onkeydown = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                dispatch.act(Action::Select(Select::Nothing));
                dom::focus(".frames .rows");
            }
        })
    };
    let crossings = way.crossings();
    html! {
        <div class="opened" {onkeydown}>
            <h3 class="detail-head">
                { chip(&summary.proto) }<span>{ &summary.text }</span>
                <button type="button" class="icon" onclick={close} aria-label={texts.ui("close")} title={texts.ui("close")}><Icon name="close" /></button>
            </h3>
            <p class="dim">
                <span class="mono">{ format::instant(entry.time) }</span>{ " · " }{ way_with_ports(&props.view, &entry) }{ " · " }{ count }
            </p>
            { nav(!crossings.is_empty(), &texts) }
            <div class="opened-parts">
                <Inside {entry} on_filter={props.on_filter.clone()} />
                <div class="opened-way">
                    { translations(&props.view, &crossings, &texts) }
                    { story(&props.view, &way, props.seq, &texts, &dispatch) }
                </div>
            </div>
        </div>
    }
}

/// The parts of the opened frame: each button brings one into sight.
fn nav(nat: bool, texts: &TextsHandle) -> Html {
    let part = |key: &str, css: &'static str| {
        let onclick = Callback::from(move |_: MouseEvent| dom::into_view(css));
        html! { <button type="button" class="choice" {onclick}>{ texts.ui(key) }</button> }
    };
    html! {
        <nav class="opened-nav" aria-label={texts.ui("frame")}>
            { part("opened-fields", ".opened .inside") }
            if nat { { part("opened-nat", ".opened .diff") } }
            { part("opened-way", ".opened .way") }
        </nav>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct InsideProps {
    entry: Rc<FrameEntry>,
    on_filter: Callback<AttrValue>,
}

/// Layers and bytes: what is pointed at in one lights up in the other.
#[component]
fn Inside(props: &InsideProps) -> Html {
    let texts = use_texts();
    // What is lit: by the pointer or focus now, else what was clicked last.
    let hot = use_state(|| None::<Range<usize>>);
    let pinned = use_state(|| None::<Range<usize>>);
    let decoded = props.entry.decoded().clone();
    let good = use_memo(props.entry.clone(), |entry| checks(entry.bytes(), entry.decoded()));
    let on_hot = {
        let hot = hot.setter();
        Callback::from(move |range| hot.set(range))
    };
    let on_pin = {
        let pinned = pinned.clone();
        Callback::from(move |range: Range<usize>| {
            pinned.set(if pinned.as_ref() == Some(&range) { None } else { Some(range) })
        })
    };
    let lit = (*hot).clone().or_else(|| (*pinned).clone());
    let tree = Tree {
        lit: lit.as_ref(),
        pinned: pinned.as_ref(),
        good: &good,
        bytes: props.entry.bytes(),
        texts: &texts,
        on_hot: &on_hot,
        on_pin: &on_pin,
        on_filter: &props.on_filter,
    };
    let layers: Vec<Html> = decoded.layers.iter().map(|layer| tree.layer(layer)).collect();
    let on_byte = {
        let (on_hot, decoded) = (on_hot.clone(), decoded.clone());
        Callback::from(move |at: Option<usize>| on_hot.emit(at.and_then(|at| field_at(&decoded, at))))
    };
    let on_pin_byte = {
        let (on_pin, decoded) = (on_pin.clone(), decoded.clone());
        Callback::from(move |at: usize| {
            if let Some(range) = field_at(&decoded, at) {
                on_pin.emit(range);
            }
        })
    };
    html! {
        <div class="inside">
            <div class="inside-tree">
                <h4>{ texts.ui("layers") }</h4>
                <div class="layers">{ for layers }</div>
            </div>
            <div class="inside-bytes">
                <h4>{ texts.ui("bytes-title") }</h4>
                <Bytes entry={props.entry.clone()} {lit} {on_byte} {on_pin_byte} />
            </div>
        </div>
    }
}

/// The range of the smallest field, else layer, that holds the byte.
fn field_at(decoded: &Decoded, at: usize) -> Option<Range<usize>> {
    let fields = decoded.layers.iter().flat_map(|layer| layer.fields.iter().map(|field| &field.range));
    let holds = |range: &&Range<usize>| range.contains(&at);
    let smallest = fields.filter(holds).min_by_key(|range| range.len());
    smallest.or_else(|| decoded.layers.iter().map(|layer| &layer.range).filter(holds).min_by_key(|r| r.len())).cloned()
}

/// What the tree of layers is drawn from. The clicked field is explained.
struct Tree<'a> {
    lit: Option<&'a Range<usize>>,
    pinned: Option<&'a Range<usize>>,
    good: &'a [(&'static str, bool)],
    bytes: &'a [u8],
    texts: &'a TextsHandle,
    on_hot: &'a Callback<Option<Range<usize>>>,
    on_pin: &'a Callback<Range<usize>>,
    on_filter: &'a Callback<AttrValue>,
}

impl Tree<'_> {
    fn layer(&self, layer: &Layer) -> Html {
        let fields = layer.fields.iter().map(|field| self.field(field));
        let (onmouseenter, onmouseleave, onfocus, onblur) = hover(&layer.range, self.on_hot);
        let class = (self.lit == Some(&layer.range)).then_some("lit");
        html! {
            <details open=true>
                <summary {class} {onmouseenter} {onmouseleave} {onfocus} {onblur}>
                    { layer.name }
                    if layer.cut { <span class="wrong">{ " ✕ " }{ self.texts.ui("layer-cut") }</span> }
                </summary>
                <div class="fields">{ for fields }</div>
            </details>
        }
    }

    fn field(&self, field: &Field) -> Html {
        let open = self.pinned == Some(&field.range);
        let class = classes!("field", (self.lit == Some(&field.range)).then_some("lit"));
        let (onmouseenter, onmouseleave, onfocus, onblur) = hover(&field.range, self.on_hot);
        let onclick = {
            let (range, on_pin) = (field.range.clone(), self.on_pin.clone());
            Callback::from(move |_: MouseEvent| on_pin.emit(range.clone()))
        };
        let filter =
            of_key(field.key).and_then(|def| Some(format!("{} == {}", def.name, literal_of(def, field, self.bytes)?)));
        let oncontextmenu = {
            let (filter, on_filter) = (filter.clone(), self.on_filter.clone());
            Callback::from(move |event: MouseEvent| {
                if let Some(filter) = &filter {
                    event.prevent_default();
                    on_filter.emit(filter.clone().into());
                }
            })
        };
        let title = self.texts.find(&format!("fields.{}.title", field.key)).unwrap_or_else(|| field.key.into());
        let good = self.good.iter().find(|(key, _)| *key == field.key).map(|(_, good)| *good);
        html! {
            <div {class} {onmouseenter} {onmouseleave}>
                <button type="button" class="field-line" {onclick} {oncontextmenu} {onfocus} {onblur} aria-expanded={open.to_string()} title={field.key}>
                    <span class="field-name">{ title }</span>
                    <span class="field-value">{ &field.value }{ for good.map(|good| self.checked(good)) }</span>
                </button>
                if open { { self.about(field, filter) } }
            </div>
        }
    }

    fn checked(&self, good: bool) -> Html {
        let (class, sign, key) = if good { ("sum-good", " ✓ ", "sum-good") } else { ("wrong", " ✕ ", "sum-bad") };
        html! { <span {class}>{ sign }{ self.texts.ui(key) }</span> }
    }

    /// What a field is for, its name in filters, and the filter it makes.
    fn about(&self, field: &Field, filter: Option<String>) -> Html {
        let explanation = self.texts.find(&format!("fields.{}.text", field.key));
        let button = filter.map(|filter| {
            let (value, on_filter) = (AttrValue::from(filter.clone()), self.on_filter.clone());
            let onclick = Callback::from(move |_: MouseEvent| on_filter.emit(value.clone()));
            html! {
                <button type="button" class="choice" {onclick}>{ self.texts.ui("use-as-filter") }{ " " }<code>{ filter }</code></button>
            }
        });
        html! {
            <div class="explain">
                if let Some(text) = explanation { <p>{ text }</p> }
                <p class="mono dim">{ field.key }</p>
                { for button }
            </div>
        }
    }
}

type Hover = (Callback<MouseEvent>, Callback<MouseEvent>, Callback<FocusEvent>, Callback<FocusEvent>);

fn hover(range: &Range<usize>, on_hot: &Callback<Option<Range<usize>>>) -> Hover {
    let range = range.clone();
    let on = Callback::from({
        let on_hot = on_hot.clone();
        move |()| on_hot.emit(Some(range.clone()))
    });
    let off = on_hot.reform(|()| None);
    (
        on.reform(|_: MouseEvent| ()),
        off.reform(|_: MouseEvent| ()),
        on.reform(|_: FocusEvent| ()),
        off.reform(|_: FocusEvent| ()),
    )
}
