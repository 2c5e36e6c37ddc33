//! The filter of the frame list: what is typed, what is wrong with it, names to go on with, filters used before, chips.

use netmodes_core::display_filter::{Filter, FilterError, complete};
use netmodes_core::view::LabView;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::{TextsHandle, use_texts};
use crate::dom;
use crate::store::Shared;

/// Names offered at once.
const OFFERS_MAX: usize = 8;
/// Filters remembered.
const HISTORY_MAX: usize = 20;
/// Protocols that have a chip.
const CHIPS: [&str; 4] = ["dhcp", "arp", "icmp", "tcp"];
/// Filters that the help shows, with the keys of their words.
const EXAMPLES: [(&str, &str); 9] = [
    ("dhcp", "filter-ex-protocol"),
    ("!arp && !icmp", "filter-ex-not"),
    ("ip.addr == 8.8.8.8", "filter-ex-either"),
    ("ip.src == 10.0.2.0/24 && icmp", "filter-ex-network"),
    ("tcp.flags.syn == 1 && tcp.flags.ack == 0", "filter-ex-syn"),
    ("tcp.port in {80, 443, 8000..8080}", "filter-ex-in"),
    ("dhcp.option.dhcp == \"Discover\"", "filter-ex-discover"),
    ("nm.node == \"vm1\"", "filter-ex-node"),
    ("nm.dropped", "filter-ex-dropped"),
];
const DROPS: &str = "nm.dropped";

#[derive(Clone, PartialEq, Properties)]
pub(super) struct BarProps {
    pub(super) view: Shared<LabView>,
    pub(super) filter: AttrValue,
    pub(super) on_filter: Callback<AttrValue>,
    /// What is wrong with it.
    pub(super) error: Option<FilterError>,
    /// A flag asked for alone, where its being set was perhaps meant.
    pub(super) lone_flag: Option<AttrValue>,
    pub(super) hide_ipv6: bool,
    pub(super) on_hide_ipv6: Callback<bool>,
    /// Frames of IPv6.
    pub(super) noise: u64,
    /// Frames that pass, and all.
    pub(super) count: (usize, usize),
    pub(super) children: Html,
}

#[component]
pub(super) fn Bar(props: &BarProps) -> Html {
    let texts = use_texts();
    html! {
        <div class="filter-bar">
            <Field filter={props.filter.clone()} on_filter={props.on_filter.clone()} wrong={props.error.is_some()} />
            <div class="filter-line">
                { chips(props, &texts) }
                <span class="filter-count" role="status">
                    { texts.ui_with("frames-count", &[("shown", props.count.0.to_string()), ("all", props.count.1.to_string())]) }
                </span>
                { props.children.clone() }
            </div>
            { trouble(props, &texts) }
            { help(props, &texts) }
        </div>
    }
}

/// What is wrong, where, and what to write instead.
fn trouble(props: &BarProps, texts: &TextsHandle) -> Html {
    let button = |text: String| {
        let (on_filter, value) = (props.on_filter.clone(), AttrValue::from(text.clone()));
        let onclick = Callback::from(move |_: MouseEvent| on_filter.emit(value.clone()));
        html! { <button type="button" class="choice mono" {onclick}>{ text }</button> }
    };
    if let Some(error) = &props.error {
        let (start, end) = (error.at.start.min(props.filter.len()), error.at.end.min(props.filter.len()));
        let part = |range: core::ops::Range<usize>| props.filter.get(range).unwrap_or_default().to_owned();
        let marked = if start == end { "\u{2038}".to_owned() } else { part(start..end) };
        let machine = props.view.nodes.values().find(|node| node.name == part(start..end)).map(|node| &node.name);
        let near = error.error.args.iter().find(|(name, _)| name == "near").map(|(_, near)| near.clone());
        let instead = machine.map(|name| format!("nm.node == \"{name}\"")).or(near);
        let mended = instead.map(|instead| format!("{}{instead}{}", part(0..start), part(end..props.filter.len())));
        let mended = mended.filter(|text| Filter::parse(text).is_ok());
        let words = match machine {
            Some(name) => texts.ui_with("filter-is-machine", &[("name", name.clone())]),
            None => texts.error(&error.error),
        };
        return html! {
            <div class="filter-error" role="status">
                <code aria-hidden="true">{ part(0..start) }<mark>{ marked }</mark>{ part(end..props.filter.len()) }</code>
                <p>{ words }</p>
                if let Some(mended) = mended { { button(mended) } }
            </div>
        };
    }
    let Some(flag) = &props.lone_flag else { return html! {} };
    let set = format!("{flag} == 1");
    let whole = props.filter.replacen(flag.as_str(), &set, 1);
    html! {
        <div class="filter-hint" role="status">
            <p>{ texts.ui_with("filter-lone-flag", &[("field", flag.to_string())]) }</p>{ button(whole) }
        </div>
    }
}

/// Filters to learn from, each with what it shows; a click takes it.
fn help(props: &BarProps, texts: &TextsHandle) -> Html {
    let line = |(filter, key): &(&'static str, &'static str)| {
        let (filter, on_filter) = (*filter, props.on_filter.clone());
        let onclick = Callback::from(move |_: MouseEvent| on_filter.emit(filter.into()));
        html! { <li><button type="button" class="choice mono" {onclick}>{ filter }</button><span>{ texts.ui(key) }</span></li> }
    };
    html! {
        <details class="filter-help">
            <summary>{ texts.ui("filter-help") }</summary>
            <ul>{ for EXAMPLES.iter().map(line) }</ul>
        </details>
    }
}

fn chips(props: &BarProps, texts: &TextsHandle) -> Html {
    let on: Vec<&str> = props.filter.split("||").map(str::trim).filter(|part| !part.is_empty()).collect();
    let is_chip = |part: &&str| CHIPS.contains(part) || *part == DROPS;
    // Only a filter that is made of chips is changed by one; any other is replaced.
    let on: Vec<&str> = if on.iter().all(is_chip) { on } else { Vec::new() };
    let chip = |name: &'static str, label: String| {
        let pressed = on.contains(&name);
        let mut next: Vec<&str> = on.iter().copied().filter(|part| *part != name).collect();
        if !pressed {
            next.push(name);
        }
        let (next, on_filter) = (AttrValue::from(next.join(" || ")), props.on_filter.clone());
        let onclick = Callback::from(move |_: MouseEvent| on_filter.emit(next.clone()));
        html! { <button type="button" class="choice" aria-pressed={pressed.to_string()} {onclick}>{ label }</button> }
    };
    let hide = props.hide_ipv6;
    let onclick = props.on_hide_ipv6.reform(move |_: MouseEvent| !hide);
    html! {
        <div class="filter-chips" role="group" aria-label={texts.ui("filter-chips")}>
            { for CHIPS.into_iter().map(|name| chip(name, name.to_uppercase())) }
            { chip(DROPS, format!("✕ {}", texts.ui("filter-drops"))) }
            <button type="button" class="choice" aria-pressed={hide.to_string()} {onclick} title={texts.ui("filter-noise-why")}>
                { texts.ui(if hide { "filter-noise-off" } else { "filter-noise-on" }) }
                if hide && props.noise > 0 { <span class="dim">{ format!(" ({})", props.noise) }</span> }
            </button>
        </div>
    }
}

fn history() -> Vec<String> {
    dom::recall("filters").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn remember(filter: &str) {
    if filter.trim().is_empty() || Filter::parse(filter).is_err() {
        return;
    }
    let mut all = history();
    all.retain(|old| old != filter);
    all.insert(0, filter.to_owned());
    all.truncate(HISTORY_MAX);
    if let Ok(text) = serde_json::to_string(&all) {
        dom::keep("filters", &text);
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FieldProps {
    filter: AttrValue,
    on_filter: Callback<AttrValue>,
    wrong: bool,
}

/// What can be chosen below the field: where it is put, and the texts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Offers {
    start: usize,
    end: usize,
    words: Vec<String>,
    chosen: Option<usize>,
}

impl Offers {
    /// Names that go on from what stands before the cursor; filters used before when nothing does.
    fn at(text: &str, cursor: usize) -> Self {
        if text.trim().is_empty() {
            return Self {
                start: 0,
                end: text.len(),
                words: history().into_iter().take(OFFERS_MAX).collect(),
                chosen: None,
            };
        }
        let (start, names) = complete(text, cursor, OFFERS_MAX);
        let typed = text.get(start..cursor).unwrap_or_default();
        let done = names.first().is_some_and(|first| *first == typed && names.len() == 1);
        let words = if done { Vec::new() } else { names.into_iter().map(str::to_owned).collect() };
        Self { start, end: cursor, words, chosen: None }
    }

    fn put(&self, text: &str, at: usize) -> Option<String> {
        let word = self.words.get(at)?;
        Some(format!("{}{word}{}", text.get(..self.start)?, text.get(self.end..)?))
    }

    fn moved(mut self, by: isize) -> Self {
        let count = self.words.len() as isize;
        if count > 0 {
            let next =
                self.chosen.map_or(if by > 0 { 0 } else { count - 1 }, |at| (at as isize + by).rem_euclid(count));
            self.chosen = usize::try_from(next).ok();
        }
        self
    }
}

/// The cursor as a byte of the text: browsers count UTF-16 units.
fn cursor(input: &HtmlInputElement) -> usize {
    let units = input.selection_start().ok().flatten().map_or(usize::MAX, |at| at as usize);
    let mut left = units;
    let text = input.value();
    let end = text.char_indices().find(|(_, c)| {
        let over = left == 0;
        left = left.saturating_sub(c.len_utf16());
        over
    });
    end.map_or(text.len(), |(at, _)| at)
}

#[component]
fn Field(props: &FieldProps) -> Html {
    let texts = use_texts();
    let offers = use_state(Offers::default);
    let input = use_node_ref();
    let oninput = {
        let (on_filter, offers) = (props.on_filter.clone(), offers.setter());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                offers.set(Offers::at(&input.value(), cursor(&input)));
                on_filter.emit(input.value().into());
            }
        })
    };
    let take = {
        let (on_filter, offers, filter, input) =
            (props.on_filter.clone(), offers.clone(), props.filter.clone(), input.clone());
        Callback::from(move |at: usize| {
            if let Some(text) = offers.put(&filter, at) {
                on_filter.emit(text.into());
            }
            offers.set(Offers::default());
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let _ = input.focus();
            }
        })
    };
    let onkeydown = keys(props, &offers, &take);
    let (onfocus, onblur) = focus_and_blur(&offers, &props.filter);
    let open = !offers.words.is_empty();
    let active = offers.chosen.map(|at| format!("filter-offer-{at}"));
    let words = offers.words.iter().enumerate().map(|(at, word)| {
        // The press, not the click: it comes before the field loses the focus.
        let onmousedown = {
            let take = take.clone();
            Callback::from(move |event: MouseEvent| {
                event.prevent_default();
                take.emit(at);
            })
        };
        let meaning = texts.find(&format!("fields.{word}.title"));
        html! {
            <li role="option" id={format!("filter-offer-{at}")} aria-selected={(offers.chosen == Some(at)).to_string()} {onmousedown}>
                <span class="mono">{ word }</span><small>{ for meaning }</small>
            </li>
        }
    });
    let hint = texts.ui("filter-hint");
    html! {
        <div class="filter-field">
            <input class={classes!("filter", props.wrong.then_some("wrong-filter"))} type="search" ref={input} value={props.filter.clone()}
                {oninput} {onkeydown} {onfocus} {onblur} placeholder={hint.clone()} aria-label={texts.ui("filter-label")} spellcheck="false"
                autocomplete="off" autocapitalize="off" role="combobox" aria-expanded={open.to_string()} aria-controls="filter-offers"
                aria-autocomplete="list" aria-invalid={props.wrong.to_string()} aria-activedescendant={active} />
            <ul class="filter-offers" id="filter-offers" role="listbox" aria-label={texts.ui("filter-offers")} hidden={!open}>{ for words }</ul>
        </div>
    }
}

/// An empty field offers what there is; one that is left is remembered.
fn focus_and_blur(offers: &UseStateHandle<Offers>, filter: &AttrValue) -> (Callback<FocusEvent>, Callback<FocusEvent>) {
    let (setter, empty) = (offers.setter(), filter.is_empty());
    let onfocus = Callback::from(move |_: FocusEvent| {
        if empty {
            setter.set(Offers::at("", 0));
        }
    });
    let (setter, filter) = (offers.setter(), filter.clone());
    let onblur = Callback::from(move |_: FocusEvent| {
        remember(&filter);
        setter.set(Offers::default());
    });
    (onfocus, onblur)
}

fn keys(props: &FieldProps, offers: &UseStateHandle<Offers>, take: &Callback<usize>) -> Callback<KeyboardEvent> {
    let (offers, filter, take) = (offers.clone(), props.filter.clone(), take.clone());
    Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" if offers.words.is_empty() => {
            let at = event.target_dyn_into::<HtmlInputElement>().map_or(0, |input| cursor(&input));
            let mut found = Offers::at(&filter, at);
            if found.words.is_empty() {
                found = Offers {
                    end: filter.len(),
                    words: history().into_iter().take(OFFERS_MAX).collect(),
                    ..Offers::default()
                };
            }
            event.prevent_default();
            offers.set(found.moved(1));
        }
        "ArrowDown" => {
            event.prevent_default();
            offers.set((*offers).clone().moved(1));
        }
        "ArrowUp" if !offers.words.is_empty() => {
            event.prevent_default();
            offers.set((*offers).clone().moved(-1));
        }
        "Enter" | "Tab" if offers.chosen.is_some() => {
            event.prevent_default();
            take.emit(offers.chosen.unwrap_or(0));
        }
        "Enter" => {
            remember(&filter);
            offers.set(Offers::default());
        }
        "Escape" if !offers.words.is_empty() => {
            event.prevent_default();
            event.stop_propagation();
            offers.set(Offers::default());
        }
        _ => {}
    })
}
