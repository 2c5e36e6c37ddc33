//! The list: only the rows in sight are drawn, however long it is.

use std::rc::Rc;

use netmodes_core::view::LabView;
use web_sys::Element;
use yew::prelude::*;

use super::{way_with_ports, way_words};
use crate::app::{Dispatch, use_dispatch, use_texts};
use crate::dom;
use crate::format;
use crate::panel::exercise::cover::use_covers;
use crate::panel::parts::{Tall, chip};
use crate::store::matched::ends;
use crate::store::{Action, FrameEntry, Outcomes, Select, Shared};

/// Height of a row, in pixels; the style sheet's `.row` has the same.
const ROW: f64 = 26.0;
/// Rows drawn above and below what is in sight.
const SPARE: usize = 8;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct ListProps {
    pub(super) view: Shared<LabView>,
    pub(super) shown: Rc<Vec<Rc<FrameEntry>>>,
    pub(super) outcomes: Shared<Outcomes>,
    pub(super) selected: Option<u64>,
    /// There is little room: only the most telling words.
    pub(super) short: bool,
}

#[component]
pub(super) fn List(props: &ListProps) -> Html {
    let (texts, dispatch, covers) = (use_texts(), use_dispatch(), use_covers());
    let node = use_node_ref();
    // First pixel in sight and how many there are.
    let sight = use_state(|| (0.0_f64, 260.0_f64));
    use_follow(&node, &props.shown, props.selected, *sight);
    {
        // The height is not known before the list is laid out, and changes with the window and what is beside it.
        let (node, sight) = (node.clone(), sight.clone());
        use_effect_with((props.shown.len(), props.short), move |_| {
            let height = node.cast::<Element>().map(|element| f64::from(element.client_height()));
            if let Some(height) = height.filter(|height| (height - sight.1).abs() > 1.0) {
                sight.set((sight.0, height));
            }
        });
    }
    let onscroll = {
        let (node, sight) = (node.clone(), sight.setter());
        Callback::from(move |_: Event| {
            if let Some(element) = node.cast::<Element>() {
                sight.set((f64::from(element.scroll_top()), f64::from(element.client_height())));
            }
        })
    };
    let onkeydown = keys(props, &dispatch, &node, ((sight.1 / ROW) as usize).max(2) - 1);
    let by_gap = use_state(|| dom::recall("frame-time").as_deref() == Some("gap"));
    let on_time = {
        let by_gap = by_gap.clone();
        Callback::from(move |_: MouseEvent| {
            dom::keep("frame-time", if *by_gap { "lab" } else { "gap" });
            by_gap.set(!*by_gap);
        })
    };
    let first = ((sight.0 / ROW) as usize).saturating_sub(SPARE).min(props.shown.len());
    let last = (((sight.0 + sight.1) / ROW) as usize + SPARE).min(props.shown.len());
    let rows = props.shown[first..last].iter().enumerate().map(|(offset, entry)| {
        let dropped = props.outcomes.drop_of(entry.sent.frame).filter(|(node, _)| ends(entry, *node));
        let dropped = dropped.map(|(_, reason)| AttrValue::from(texts.get(&format!("drops.{}.title", reason.code()))));
        let before = (first + offset).checked_sub(1).and_then(|at| props.shown.get(at));
        let time = match before {
            Some(before) if *by_gap => format!("+{}", format::instant(netmodes_core::time::SimTime::ZERO + entry.time.since(before.time))),
            _ => format::row_time(entry.time),
        };
        let seq = entry.seq;
        let covered = covers.goal_of(&entry.sent, &props.view).is_some();
        html! {
            <Row key={seq} {covered} entry={entry.clone()} {time} way={way_words(&props.view, entry)} ports={way_with_ports(&props.view, entry)} {dropped} selected={props.selected == Some(seq)} short={props.short}
                position={first + offset + 1} count={props.shown.len()} />
        }
    });
    html! {
        <>
            <div class="row head">
                <button type="button" class="head-time" onclick={on_time} title={texts.ui("frame-time-switch")}>
                    { texts.ui(if *by_gap { "col-gap" } else { "col-time" }) }{ " ⇄" }
                </button><span>{ texts.ui("col-where") }</span><span></span><span>{ texts.ui("col-what") }</span>
            </div>
            <div class="rows" ref={node} role="listbox" tabindex="0" aria-label={texts.ui("tab-frames")} {onscroll} {onkeydown}
                aria-activedescendant={props.selected.map(|seq| format!("frame-{seq}"))}>
                <Tall height={props.shown.len() as f64 * ROW} top={first as f64 * ROW}>{ for rows }</Tall>
            </div>
        </>
    }
}

/// Keys of the list; `page` is how many rows are in sight.
fn keys(props: &ListProps, dispatch: &Dispatch, node: &NodeRef, page: usize) -> Callback<KeyboardEvent> {
    let (shown, selected, dispatch, node) = (props.shown.clone(), props.selected, dispatch.clone(), node.clone());
    Callback::from(move |event: KeyboardEvent| {
        match event.key().as_str() {
            "Enter" if selected.is_some() => dom::focus(".frames .detail"),
            "f" => to_end(&node),
            "Escape" if selected.is_some() => dispatch.act(Action::Select(Select::Nothing)),
            key => {
                let Some(seq) = moved(key, page, &shown, selected) else { return };
                dispatch.act(Action::Select(Select::Frame(seq)));
            }
        }
        event.prevent_default();
    })
}

/// The newest rows into sight; the list follows from then on.
fn to_end(node: &NodeRef) {
    if let Some(element) = node.cast::<Element>() {
        element.set_scroll_top(element.scroll_height());
    }
}

/// The event number of the row that a key leads to.
fn moved(key: &str, page: usize, shown: &[Rc<FrameEntry>], selected: Option<u64>) -> Option<u64> {
    let at = selected.and_then(|seq| shown.binary_search_by_key(&seq, |entry| entry.seq).ok());
    let last = shown.len().checked_sub(1)?;
    let to = match (key, at) {
        ("ArrowDown", Some(at)) => (at + 1).min(last),
        ("ArrowUp", Some(at)) => at.saturating_sub(1),
        ("PageDown", Some(at)) => (at + page).min(last),
        ("PageUp", Some(at)) => at.saturating_sub(page),
        ("Home", _) | ("ArrowDown" | "PageDown", None) => 0,
        ("End", _) | ("ArrowUp" | "PageUp", None) => last,
        _ => return None,
    };
    shown.get(to).map(|entry| entry.seq)
}

/// Keeps the end in sight while it is and no chosen row is looked at; and the chosen row when it changes.
#[hook]
fn use_follow(node: &NodeRef, shown: &Rc<Vec<Rc<FrameEntry>>>, selected: Option<u64>, sight: (f64, f64)) {
    let count = shown.len();
    let before = use_mut_ref(|| 0_usize);
    {
        let node = node.clone();
        let chosen = selected.and_then(|seq| shown.binary_search_by_key(&seq, |entry| entry.seq).ok());
        let looked_at = chosen.is_some_and(|at| {
            let top = at as f64 * ROW;
            top + ROW > sight.0 && top < sight.0 + sight.1
        });
        use_effect_with(count, move |count| {
            let was = before.replace(*count) as f64 * ROW;
            let Some(element) = node.cast::<Element>().filter(|_| !looked_at) else { return };
            // Where it stands now, not where the last scroll event said: frames come quicker than events.
            let bottom = f64::from(element.scroll_top()) + f64::from(element.client_height());
            if bottom + ROW >= was {
                // The box within may not have grown yet: its own effect can come after this one.
                if let Some(within) = element.first_element_child() {
                    dom::set_style(&within, "height", &format!("{}px", *count as f64 * ROW));
                }
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let (node, shown) = (node.clone(), shown.clone());
    use_effect_with(selected, move |selected| {
        let at = selected.and_then(|seq| shown.binary_search_by_key(&seq, |entry| entry.seq).ok());
        let (Some(at), Some(element)) = (at, node.cast::<Element>()) else { return };
        let (top, height) = (at as f64 * ROW, f64::from(element.client_height()));
        let scroll = f64::from(element.scroll_top());
        if top < scroll {
            element.set_scroll_top(top as i32);
        } else if top + ROW > scroll + height {
            element.set_scroll_top((top + ROW - height) as i32);
        }
    });
}

#[derive(Clone, PartialEq, Properties)]
struct RowProps {
    entry: Rc<FrameEntry>,
    time: AttrValue,
    way: AttrValue,
    ports: AttrValue,
    dropped: Option<AttrValue>,
    /// The open exercise keeps its inside covered.
    covered: bool,
    selected: bool,
    short: bool,
    position: usize,
    count: usize,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let dispatch = use_dispatch();
    let entry = &props.entry;
    let seq = entry.seq;
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Select(Select::Frame(seq)));
    let texts = use_texts();
    let summary = entry.summary();
    let what =
        if props.covered { AttrValue::from(texts.ui("covered-row")) } else { AttrValue::from(summary.text.clone()) };
    let class = classes!("row", props.selected.then_some("sel"), props.dropped.is_some().then_some("bad"));
    html! {
        <div {class} id={format!("frame-{seq}")} role="option" aria-selected={props.selected.to_string()} {onclick}
            aria-posinset={props.position.to_string()} aria-setsize={props.count.to_string()}>
            <span class="mono" title={format::clock(entry.time)}>{ &props.time }</span>
            <span class="where" title={props.ports.clone()}>{ &props.way }</span>
            <span>{ chip(&summary.proto) }</span>
            <span class="what" title={what.clone()}>
                if let Some(reason) = &props.dropped { <b>{ format!("✕ {reason}: ") }</b> }
                { if props.short && !props.covered { format::short(&summary.text).to_owned() } else { what.to_string() } }
            </span>
        </div>
    }
}
