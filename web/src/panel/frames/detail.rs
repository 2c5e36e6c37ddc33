//! One frame opened: what happened to it, its layers and fields, its bytes. Fields and bytes light each other up.

use core::ops::Range;
use std::rc::Rc;

use netmodes_core::view::LabView;
use yew::prelude::*;

use super::bytes::Bytes;
use super::story::story;
use super::translation::translation;
use super::way_with_ports;
use crate::app::{TextsHandle, use_texts};
use crate::format;
use crate::panel::parts::chip;
use crate::store::{FrameEntry, FrameLog, Outcomes, Shared};
use netmodes_core::frame::decode::{Decoded, Field, Layer};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DetailProps {
    pub(super) seq: u64,
    pub(super) view: Shared<LabView>,
    pub(super) frames: Shared<FrameLog>,
    pub(super) outcomes: Shared<Outcomes>,
}

#[component]
pub(super) fn Detail(props: &DetailProps) -> Html {
    let texts = use_texts();
    let Some(entry) = props.frames.get(props.seq).cloned() else { return html! {} };
    let summary = entry.summary();
    let count = texts.ui_count("bytes", entry.bytes().len() as u64);
    html! {
        <>
            <h3 class="detail-head">{ chip(&summary.proto) }<span>{ &summary.text }</span></h3>
            <p class="dim">
                <span class="mono">{ format::instant(entry.time) }</span>{ " · " }{ way_with_ports(&props.view, &entry) }{ " · " }{ count }
            </p>
            { translation(&props.view, &props.frames, &props.outcomes, &entry, &texts) }
            { story(&props.view, &props.outcomes, &entry, &texts) }
            <Inside {entry} />
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct InsideProps {
    entry: Rc<FrameEntry>,
}

/// Layers and bytes.
#[component]
fn Inside(props: &InsideProps) -> Html {
    let texts = use_texts();
    // What is lit: by the pointer or focus now, else what was clicked last.
    let hot = use_state(|| None::<Range<usize>>);
    let pinned = use_state(|| None::<Range<usize>>);
    let decoded = props.entry.decoded().clone();
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
    let views = |layer| layer_view(layer, (lit.as_ref(), pinned.as_ref()), &texts, &on_hot, &on_pin);
    let layers: Vec<Html> = decoded.layers.iter().map(views).collect();
    let on_byte = {
        let (on_hot, decoded) = (on_hot.clone(), decoded.clone());
        Callback::from(move |at: Option<usize>| on_hot.emit(at.and_then(|at| field_at(&decoded, at))))
    };
    let on_pin_byte = Callback::from(move |at: usize| {
        if let Some(range) = field_at(&decoded, at) {
            on_pin.emit(range);
        }
    });
    html! {
        <>
            <h4>{ texts.ui("layers") }</h4>
            <div class="layers">{ for layers }</div>
            <h4>{ texts.ui("bytes-title") }</h4>
            <Bytes entry={props.entry.clone()} {lit} {on_byte} {on_pin_byte} />
        </>
    }
}

/// The range of the smallest field, else layer, that holds the byte.
fn field_at(decoded: &Decoded, at: usize) -> Option<Range<usize>> {
    let fields = decoded.layers.iter().flat_map(|layer| layer.fields.iter().map(|field| &field.range));
    let holds = |range: &&Range<usize>| range.contains(&at);
    let smallest = fields.filter(holds).min_by_key(|range| range.len());
    smallest.or_else(|| decoded.layers.iter().map(|layer| &layer.range).filter(holds).min_by_key(|r| r.len())).cloned()
}

/// What is lit, and what was clicked: the clicked field is explained.
type Lit<'a> = (Option<&'a Range<usize>>, Option<&'a Range<usize>>);

fn layer_view(
    layer: &Layer,
    (lit, pinned): Lit<'_>,
    texts: &TextsHandle,
    on_hot: &Callback<Option<Range<usize>>>,
    on_pin: &Callback<Range<usize>>,
) -> Html {
    let fields = layer.fields.iter().map(|field| field_view(field, (lit, pinned), texts, on_hot, on_pin));
    let (onmouseenter, onmouseleave) = hover(&layer.range, on_hot);
    let class = (lit == Some(&layer.range)).then_some("lit");
    html! {
        <details open=true>
            <summary {class} {onmouseenter} {onmouseleave}>
                { layer.name }
                if layer.cut { <span class="wrong">{ " ✕ " }{ texts.ui("layer-cut") }</span> }
            </summary>
            <dl>{ for fields }</dl>
        </details>
    }
}

fn field_view(
    field: &Field,
    (lit, pinned): Lit<'_>,
    texts: &TextsHandle,
    on_hot: &Callback<Option<Range<usize>>>,
    on_pin: &Callback<Range<usize>>,
) -> Html {
    let class = classes!("field", (lit == Some(&field.range)).then_some("lit"));
    let (onmouseenter, onmouseleave) = hover(&field.range, on_hot);
    let onclick = {
        let (range, on_pin) = (field.range.clone(), on_pin.clone());
        Callback::from(move |_: MouseEvent| on_pin.emit(range.clone()))
    };
    let title = texts.find(&format!("fields.{}.title", field.key)).unwrap_or_else(|| field.key.into());
    let explanation = texts.find(&format!("fields.{}.text", field.key)).filter(|_| pinned == Some(&field.range));
    html! {
        <div {class} {onmouseenter} {onmouseleave} {onclick} title={field.key}>
            <dt>{ title }</dt><dd>{ &field.value }</dd>
            if let Some(explanation) = explanation { <dd class="explain">{ explanation }</dd> }
        </div>
    }
}

type Hover = (Callback<MouseEvent>, Callback<MouseEvent>);

fn hover(range: &Range<usize>, on_hot: &Callback<Option<Range<usize>>>) -> Hover {
    let (range, enter, leave) = (range.clone(), on_hot.clone(), on_hot.clone());
    (
        Callback::from(move |_: MouseEvent| enter.emit(Some(range.clone()))),
        Callback::from(move |_: MouseEvent| leave.emit(None)),
    )
}
