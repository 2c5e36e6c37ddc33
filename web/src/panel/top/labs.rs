//! The menu of labs: titles and summaries in the page's language, in groups; which lecture statement to try where.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::words::marked;
use crate::app::{use_dispatch, use_texts};
use crate::dom;
use crate::panel::modal::Drop;
use crate::panel::parts::Icon;
use crate::store::state::SourceInfo;
use crate::store::{Action, Lab, Lang, Shared};

/// A line of `labs/index.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LabLine {
    /// Its name.
    pub name: String,
    /// Its title by language.
    pub title: Option<BTreeMap<String, String>>,
    /// What it shows, by language.
    pub summary: Option<BTreeMap<String, String>>,
}

impl LabLine {
    /// Its title in `lang`, else in English, else its name.
    pub fn title(&self, lang: Lang) -> &str {
        self.title.as_ref().and_then(|by| by.get(lang.code()).or_else(|| by.get("en"))).unwrap_or(&self.name)
    }
}

/// The lab with the same machines and another profile's numbers: `nat` and `nat-virtualbox`.
pub fn twin(name: &str, labs: &[String]) -> Option<String> {
    let other = match name.strip_suffix("-virtualbox") {
        Some(base) => base.to_owned(),
        None => format!("{name}-virtualbox"),
    };
    labs.contains(&other).then_some(other)
}

/// The group that a lab stands in: what `[ui] labs-{group}` names.
pub fn group(name: &str) -> &'static str {
    match name {
        "modes" | "nat" | "bridged" | "internal" | "hostonly" | "notattached" | "natnetwork" => "modes",
        "office" | "gateway" | "port-forward" | "listeners" => "office",
        "office-no-dhcp" | "rogue-dhcp" | "same-address" | "port-security" | "loop" => "faults",
        _ => "others",
    }
}

/// Labs in groups, in the order of the menu; those of another profile stand with their twin and are left out.
pub fn grouped(labs: &[String]) -> Vec<(&'static str, Vec<&String>)> {
    const MODES: [&str; 7] = ["modes", "notattached", "nat", "bridged", "internal", "hostonly", "natnetwork"];
    let alone = |name: &&String| !name.ends_with("-virtualbox") || twin(name, labs).is_none();
    let groups = ["modes", "office", "faults", "others"].into_iter().map(|of| {
        let mut names: Vec<_> = labs.iter().filter(alone).filter(|name| group(name) == of).collect();
        // The modes in the lecture's order; the sandbox with all of them first.
        names.sort_by_key(|name| MODES.iter().position(|mode| mode == name).unwrap_or(MODES.len()));
        (of, names)
    });
    groups.filter(|(_, names)| !names.is_empty()).collect()
}

/// The index of labs, once it is loaded.
#[hook]
pub fn use_labs() -> Rc<Vec<LabLine>> {
    let labs = use_state(Rc::<Vec<LabLine>>::default);
    let setter = labs.setter();
    use_effect_with((), move |()| {
        spawn_local(async move {
            if let Ok(text) = dom::fetch_text("./labs/index.json").await
                && let Ok(lines) = serde_json::from_str(&text)
            {
                setter.set(Rc::new(lines));
            }
        });
    });
    (*labs).clone()
}

/// What the menu shows.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the source said about itself.
    pub source: Option<Shared<SourceInfo>>,
    /// The lab that runs.
    pub lab: Option<Shared<Lab>>,
    /// The page's language.
    pub lang: Lang,
}

/// The lab's title; a menu where there are several.
#[component]
pub fn LabMenu(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let lines = use_labs();
    let Some(lab) = &props.lab else { return html! {} };
    let title = lab.title.get(props.lang.code()).or_else(|| lab.title.get("en")).unwrap_or(&lab.name).clone();
    let labs = props.source.as_ref().filter(|s| s.capabilities.load).map(|s| s.labs.clone()).unwrap_or_default();
    let button = html! { <><span class="lab-title">{ title.clone() }</span><Icon name="down" /></> };
    let name = AttrValue::from(format!("{}: {title}", texts.ui("lab")));
    let line = |name: &String| lines.iter().find(|line| line.name == *name);
    let base = lab.name.strip_suffix("-virtualbox").unwrap_or(&lab.name);
    let item = |of: &String| {
        let chosen = *of == lab.name || (of == base && twin(&lab.name, &labs).is_some());
        let onclick = {
            let of = of.clone();
            dispatch.callback(move |_: MouseEvent| Action::Load(of.clone()))
        };
        let summary = line(of).and_then(|line| line.summary.as_ref()).and_then(|by| by.get(props.lang.code()));
        html! {
            <li>
                <button type="button" data-closes="" data-lab={of.clone()} class={classes!("lab-item", chosen.then_some("on"))}
                    aria-current={chosen.then_some("true")} {onclick}>
                    <b>{ line(of).map_or(of.as_str(), |line| line.title(props.lang)) }</b>
                    if let Some(summary) = summary { <span>{ marked(summary) }</span> }
                </button>
            </li>
        }
    };
    html! {
        <Drop id="lab-menu" class="pill lab" title={name} {button}>
            if labs.is_empty() { <p class="note">{ texts.ui("cannot-load") }</p> }
            { for grouped(&labs).into_iter().map(|(of, names)| html! {
                <section class="lab-group">
                    <h3>{ texts.ui(&format!("labs-{of}")) }</h3>
                    <ul>{ for names.into_iter().map(item) }</ul>
                </section>
            }) }
        </Drop>
    }
}

/// The switch between the lecture's numbers and VirtualBox's own, where the lab has both.
#[component]
pub fn Profile(props: &Props) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let (Some(lab), Some(source)) = (&props.lab, &props.source) else { return html! {} };
    let Some(other) = twin(&lab.name, &source.labs).filter(|_| source.capabilities.load) else { return html! {} };
    let virtualbox = lab.name.ends_with("-virtualbox");
    let button = |of: bool, key: &'static str| {
        let pressed = of == virtualbox;
        let other = other.clone();
        let dispatch = dispatch.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            if !pressed {
                dispatch.act(Action::Load(other.clone()));
            }
        });
        html! {
            <button type="button" aria-pressed={pressed.to_string()} title={texts.ui(&format!("{key}-title"))} {onclick}>{ texts.ui(key) }</button>
        }
    };
    html! {
        <span class="seg profile" role="group" aria-label={texts.ui("profile")}>
            { button(false, "profile-lecture") }{ button(true, "profile-virtualbox") }
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_lab_of_another_profile_is_the_other_s_twin_and_no_item_of_its_own() {
        let labs = names(&["loop", "nat", "nat-virtualbox", "notattached", "own-virtualbox"]);
        assert_eq!(twin("nat", &labs).as_deref(), Some("nat-virtualbox"));
        assert_eq!(twin("nat-virtualbox", &labs).as_deref(), Some("nat"));
        assert_eq!(twin("loop", &labs), None);
        let items: Vec<_> = grouped(&labs).into_iter().map(|(group, names)| (group, names.len())).collect();
        assert_eq!(items, [("modes", 2), ("faults", 1), ("others", 1)]);
    }

    #[test]
    fn every_lab_that_the_page_has_is_in_a_group_of_its_own_kind() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/labs");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if let Some(name) = name.strip_suffix(".toml").filter(|name| !name.ends_with("-virtualbox")) {
                assert_ne!(group(name), "others", "{name}");
            }
        }
    }
}
