//! Loading: the course's index, an exercise's data once, its words in the page's language.

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::exercise::Exercise;
use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::app::use_dispatch;
use crate::dom;
use crate::store::course::OPEN_KEY;
use crate::store::share::Asked;
use crate::store::{Action, Course, ExerciseAction, Lang, Shared};

/// An exercise's words in one language, as the build rendered them.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Words {
    pub(super) title: String,
    sections: BTreeMap<String, Section>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Section {
    heading: String,
    html: String,
}

pub(super) type ExerciseTexts = Shared<Words>;

impl Words {
    /// A section's heading; empty when there is no such section.
    pub(super) fn heading(&self, section: &str) -> String {
        self.sections.get(section).map(|section| section.heading.clone()).unwrap_or_default()
    }

    /// A section's body. The build rendered it and escaped everything that an author must not write, so it is put in as
    /// it is.
    pub(super) fn html(&self, section: &str) -> Html {
        match self.sections.get(section) {
            Some(section) => Html::from_html_unchecked(AttrValue::from(section.html.clone())),
            None => html! {},
        }
    }
}

/// Loads the course's index once, and opens the exercise that was open when the page was left.
#[hook]
pub(super) fn use_course() {
    let dispatch = use_dispatch();
    let open = use_open();
    use_effect_with((), move |()| {
        spawn_local(async move {
            let index = dom::fetch_text("./exercises/index.json").await;
            let course = index.and_then(|index| Course::read(&index, dom::recall));
            match course {
                Ok(course) => {
                    // A link brings a lab of its own: it is not exchanged for an exercise's.
                    let linked =
                        dom::window().and_then(|w| w.location().hash().ok()).is_some_and(|hash| hash.len() > 1);
                    let last = dom::recall(OPEN_KEY).filter(|id| course.entries.iter().any(|entry| entry.id == *id));
                    dispatch.act(Action::Exercise(ExerciseAction::Course(course)));
                    let asked = match Asked::read(&dom::fragment()) {
                        Some(Asked::Exercise(id)) => Some(id),
                        _ => last.filter(|_| !linked),
                    };
                    if let Some(id) = asked {
                        open.emit(id);
                    }
                }
                Err(detail) => dom_error(&format!("exercises/index.json: {detail}")),
            }
        });
    });
}

/// A callback that loads an exercise by its name and opens it.
#[hook]
pub(super) fn use_open() -> Callback<String> {
    let dispatch = use_dispatch();
    Callback::from(move |id: String| {
        let dispatch = dispatch.clone();
        spawn_local(async move {
            let text = dom::fetch_text(&format!("./exercises/{id}/exercise.json")).await;
            let read = text.and_then(|text| Exercise::from_json(&text).map_err(|error: UserError| error.to_string()));
            match read {
                Ok(exercise) => dispatch.act(Action::Exercise(ExerciseAction::Open(Box::new(exercise)))),
                Err(detail) => dom_error(&format!("exercises/{id}: {detail}")),
            }
        });
    })
}

fn dom_error(text: &str) {
    web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(text));
}

/// The words of exercise `id` in `lang`; those of the language before until they are there.
#[hook]
pub(super) fn use_exercise_texts(id: String, lang: Lang) -> Option<ExerciseTexts> {
    let words = use_state(|| None::<(String, ExerciseTexts)>);
    let wanted = id.clone();
    let setter = words.setter();
    use_effect_with((id, lang), move |(id, lang)| {
        let (id, lang) = (id.clone(), *lang);
        spawn_local(async move {
            let url = format!("./exercises/{id}/text.{}.json", lang.code());
            let read = dom::fetch_text(&url).await;
            match read.and_then(|text| serde_json::from_str(&text).map_err(|error| format!("{url}: {error}"))) {
                Ok(words) => setter.set(Some((id, Shared::new(words)))),
                Err(detail) => dom_error(&detail),
            }
        });
    });
    // Another exercise's words are no words for this one.
    (*words).clone().filter(|(id, _)| *id == wanted).map(|(_, words)| words)
}
