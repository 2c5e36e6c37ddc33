//! The lecture as a table of contents: each statement with the lab, the exercise and the lines that show it.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::labs::use_labs;
use super::words::marked;
use crate::app::{use_dispatch, use_texts};
use crate::dom;
use crate::panel::modal::Modal;
use crate::store::guide::{GuideAction, Statement};
use crate::store::{Action, Lang};

/// A statement of `lecture.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// Its stable name.
    pub id: String,
    /// The chapter that begins with it, by language.
    #[serde(default)]
    pub section: Option<BTreeMap<String, String>>,
    /// In English.
    pub en: String,
    /// In Russian.
    pub ru: String,
    /// The lab that shows it.
    #[serde(default)]
    pub lab: Option<String>,
    /// The exercise in which one does it.
    #[serde(default)]
    pub exercise: Option<String>,
    /// Lines that show it there.
    #[serde(default, rename = "try")]
    pub lines: Vec<String>,
    /// Where real systems do otherwise, by language.
    #[serde(default)]
    pub differs: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct File {
    row: Vec<Row>,
}

/// Statements from the file's text.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    serde_json::from_str::<File>(text).map(|file| file.row).map_err(|error| error.to_string())
}

/// Rows by chapter: the row that begins one, and how many it has.
pub fn chapters(rows: &[Row]) -> Vec<&[Row]> {
    let mut chapters = Vec::new();
    let mut start = 0;
    for at in 1..=rows.len() {
        if at == rows.len() || rows[at].section.is_some() {
            chapters.push(&rows[start..at]);
            start = at;
        }
    }
    chapters
}

/// What the contents show.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The page's language.
    pub lang: Lang,
    /// Labs can be loaded here.
    pub can_load: bool,
    /// It is to be closed.
    pub on_close: Callback<()>,
}

/// The table of contents.
#[component]
pub fn Contents(props: &Props) -> Html {
    let texts = use_texts();
    let rows = use_state(|| None::<Result<Rc<Vec<Row>>, String>>);
    let setter = rows.setter();
    use_effect_with((), move |()| {
        spawn_local(async move {
            let read = dom::fetch_text("./lecture.json").await.and_then(|text| read(&text));
            setter.set(Some(read.map(Rc::new)));
        });
    });
    let body = match &*rows {
        None => html! { <p class="note">{ texts.ui("loading") }</p> },
        Some(Err(error)) => {
            html! { <p class="wrong">{ texts.ui_with("contents-failed", &[("detail", error.clone())]) }</p> }
        }
        Some(Ok(rows)) => {
            let parts = chapters(rows).into_iter().map(|part| chapter(part, props));
            html! { <><p class="note">{ texts.ui("contents-note") }</p>{ for parts }</> }
        }
    };
    html! { <Modal id="contents" title={AttrValue::from(texts.ui("contents-title"))} on_close={props.on_close.clone()}>{ body }</Modal> }
}

fn chapter(rows: &[Row], props: &Props) -> Html {
    let title = rows.first().and_then(|row| row.section.as_ref()).and_then(|by| by.get(props.lang.code()).cloned());
    html! {
        <details class="chapter" open=true>
            <summary>{ title.unwrap_or_default() }</summary>
            <ul>{ for rows.iter().map(|row| html! { <StatementLine key={row.id.clone()} row={row.clone()} props={props.clone()} /> }) }</ul>
        </details>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LineProps {
    row: Row,
    props: Props,
}

#[component]
fn StatementLine(line: &LineProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let labs = use_labs();
    let (row, props) = (&line.row, &line.props);
    let lang = props.lang;
    let words = if lang == Lang::Ru { &row.ru } else { &row.en };
    let differs = row.differs.as_ref().and_then(|by| by.get(lang.code()));
    let tried = row.lab.clone().filter(|_| props.can_load).map(|lab| {
        let title = labs.iter().find(|known| known.name == lab).map_or(lab.as_str(), |known| known.title(lang)).to_owned();
        let statement = Statement { id: row.id.clone(), en: row.en.clone(), ru: row.ru.clone(), lab, lines: row.lines.clone(), done: 0 };
        let on_close = props.on_close.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            dispatch.act(Action::Guide(GuideAction::Try(Box::new(statement.clone()))));
            on_close.emit(());
        });
        html! { <button type="button" class="choice" {onclick}>{ texts.ui_with("contents-try", &[("lab", title)]) }</button> }
    });
    html! {
        <li>
            <p>{ marked(words) }</p>
            if let Some(differs) = differs { <p class="differs"><b>{ texts.ui("contents-differs") }</b>{ " " }{ marked(differs) }</p> }
            <p class="row-of">{ for tried }</p>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_begin_where_a_section_is_named() {
        let text = r#"{"row":[{"id":"a","section":{"en":"A"},"en":"1","ru":"1","lab":"nat","try":["vm1: ip a"]},
            {"id":"b","en":"2","ru":"2"},{"id":"c","section":{"en":"C"},"en":"3","ru":"3"}]}"#;
        let rows = read(text).unwrap();
        assert_eq!(chapters(&rows).iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 1]);
        assert!(chapters(&[]).is_empty());
        assert!(read("{}").is_err());
    }

    #[test]
    fn every_statement_of_the_lecture_can_be_shown() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../static/lecture.toml")).unwrap();
        let value: toml::Value = toml::from_str(&text).unwrap();
        let rows = read(&serde_json::to_string(&value).unwrap()).unwrap();
        assert!(rows.len() > 20 && rows[0].section.is_some());
    }
}
