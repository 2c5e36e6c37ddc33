//! Loading an exercise: its data once, its words in the page's language.

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::app::use_dispatch;
use crate::dom;
use crate::store::{Action, Lang, Shared};

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

/// Opens the first exercise of the course.
#[hook]
pub(super) fn use_exercise() {
    let dispatch = use_dispatch();
    use_effect_with((), move |()| {
        spawn_local(async move {
            match first().await {
                Ok(exercise) => dispatch.act(Action::Exercise(Box::new(exercise))),
                Err(detail) => web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&detail)),
            }
        });
    });
}

async fn first() -> Result<netmodes_core::exercise::Exercise, String> {
    let index = dom::fetch_text("./exercises/index.json").await?;
    let ids = ids(&index).ok_or("exercises/index.json: no list of names")?;
    let id = ids.first().ok_or("exercises/index.json: empty")?;
    let text = dom::fetch_text(&format!("./exercises/{id}/exercise.json")).await?;
    netmodes_core::exercise::Exercise::from_json(&text).map_err(|error: UserError| error.to_string())
}

/// The names in the course's index: a list of names or of objects with an `id`, alone or under `exercises`.
fn ids(index: &str) -> Option<Vec<String>> {
    let value: serde_json::Value = serde_json::from_str(index).ok()?;
    let list = value.as_array().or_else(|| value.get("exercises")?.as_array())?;
    let id = |entry: &serde_json::Value| entry.as_str().or_else(|| entry.get("id")?.as_str()).map(str::to_owned);
    Some(list.iter().filter_map(id).collect())
}

/// The words of exercise `id` in `lang`; those of the language before until they are there.
#[hook]
pub(super) fn use_exercise_texts(id: Option<String>, lang: Lang) -> Option<ExerciseTexts> {
    let words = use_state(|| None::<ExerciseTexts>);
    let setter = words.setter();
    use_effect_with((id, lang), move |(id, lang)| {
        let Some(id) = id.clone() else { return };
        let lang = *lang;
        spawn_local(async move {
            let url = format!("./exercises/{id}/text.{}.json", lang.code());
            let read = dom::fetch_text(&url).await;
            match read.and_then(|text| serde_json::from_str(&text).map_err(|error| format!("{url}: {error}"))) {
                Ok(words) => setter.set(Some(Shared::new(words))),
                Err(detail) => web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&detail)),
            }
        });
    });
    (*words).clone()
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn the_course_s_index_names_exercises_in_order() {
        assert_eq!(ids(r#"["a", "b"]"#), Some(vec!["a".into(), "b".into()]));
        assert_eq!(ids(r#"{"exercises": [{"id": "a"}]}"#), Some(vec!["a".into()]));
        assert_eq!(ids("{}"), None);
    }
}
