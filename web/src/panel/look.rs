//! The lower right: frames, tables, sockets, as tabs.

use std::collections::BTreeMap;

use yew::prelude::*;

use super::frames::Frames;
use super::frames::ladder::Ladders;
use super::parts::{Tab, Tabs};
use super::reach::WhoReaches;
use super::sockets::Sockets;
use super::tables::Tables;
use super::why::Why;
use crate::app::use_texts;
use crate::store::{AppState, Inside, Shared};

/// What is shown.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Everything the page knows.
    pub state: Shared<AppState>,
}

/// The tabs and the one that is chosen.
#[component]
pub fn Look(props: &Props) -> Html {
    let texts = use_texts();
    let chosen = use_state(|| AttrValue::from("frames"));
    // Each tab has a filter of its own.
    let filters = use_state(BTreeMap::<AttrValue, AttrValue>::new);
    let filter = filters.get(&*chosen).cloned().unwrap_or_default();
    let tabs: Vec<_> = ["frames", "ladder", "tables", "sockets", "reach", "why"]
        .into_iter()
        .map(|key| Tab { key: key.into(), label: texts.ui(&format!("tab-{key}")).into(), busy: false })
        .collect();
    use_requests(&props.state.inside, &chosen, &filters);
    let on_choose = {
        let chosen = chosen.setter();
        Callback::from(move |key| chosen.set(key))
    };
    let oninput = {
        let (filters, chosen) = (filters.clone(), (*chosen).clone());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() {
                let mut new = (*filters).clone();
                new.insert(chosen.clone(), input.value().into());
                filters.set(new);
            }
        })
    };
    let state = &props.state;
    let hint = texts.ui("filter-text");
    // The frames have a filter line of their own.
    let plain = matches!(chosen.as_str(), "tables" | "sockets");
    let body = match chosen.as_str() {
        "tables" => {
            html! { <Tables view={state.view.clone()} clock={state.clock} node={state.selection.node.or(state.front)} filter={filter.clone()} /> }
        }
        "sockets" => html! {
            <Sockets view={state.view.clone()} host={state.host.clone()} source={state.source.clone()}
                since={state.happened.since.clone()} clock={state.clock}
                node={state.selection.node.or(state.front)} filter={filter.clone()} />
        },
        "ladder" => html! {
            <Ladders view={state.view.clone()} frames={state.frames.clone()} outcomes={state.outcomes.clone()}
                timeline={state.timeline.clone()} selected={state.selection.frame} />
        },
        "reach" => html! { <WhoReaches view={state.view.clone()} reach={state.reach.clone()} /> },
        "why" => {
            html! { <Why view={state.view.clone()} happened={state.happened.clone()} question={state.inside.why} /> }
        }
        _ => html! {
            <Frames view={state.view.clone()} frames={state.frames.clone()} outcomes={state.outcomes.clone()}
                selected={state.selection.frame} filter={filter.clone()} on_filter={on_filter(&filters)} />
        },
    };
    html! {
        <section class="look" aria-label={texts.ui("look")}>
            <div class="look-top">
                <Tabs label={texts.ui("look")} id="look" {tabs} chosen={(*chosen).clone()} {on_choose} />
                if plain {
                    <input class="filter" type="search" value={filter.clone()} {oninput} placeholder={hint.clone()} aria-label={hint}
                        spellcheck="false" autocomplete="off" />
                }
            </div>
            <div class="look-body" role="tabpanel" id="look-panel" aria-labelledby={format!("look-tab-{}", *chosen)}>{ body }</div>
        </section>
    }
}

/// Another filter of the frames.
fn on_filter(filters: &UseStateHandle<BTreeMap<AttrValue, AttrValue>>) -> Callback<AttrValue> {
    let filters = filters.clone();
    Callback::from(move |filter| {
        let mut new = (*filters).clone();
        new.insert("frames".into(), filter);
        filters.set(new);
    })
}

/// Tabs and filters that other parts of the page ask for.
#[hook]
fn use_requests(
    inside: &Shared<Inside>,
    chosen: &UseStateHandle<AttrValue>,
    filters: &UseStateHandle<BTreeMap<AttrValue, AttrValue>>,
) {
    let (inside, chosen, filters) = (inside.clone(), chosen.setter(), filters.clone());
    use_effect_with(inside.asked, move |asked| {
        if let Some(tab) = inside.tab {
            chosen.set(tab.into());
        }
        if let Some((at, filter)) = &inside.filter
            && at == asked
        {
            let mut new = (*filters).clone();
            new.insert("frames".into(), AttrValue::from(filter.to_string()));
            filters.set(new);
        }
    });
}
