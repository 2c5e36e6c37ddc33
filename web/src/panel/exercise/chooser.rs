//! The list of exercises by chapter: what is solved, how long each takes.

use yew::prelude::*;

use super::load::use_open;
use crate::app::use_texts;
use crate::store::course::Entry;
use crate::store::{Course, Lang, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct ChooserProps {
    pub(super) course: Shared<Course>,
    pub(super) lang: Lang,
    /// The lab that runs.
    pub(super) lab: Option<AttrValue>,
    /// Whether the source can load another.
    pub(super) can_load: bool,
}

#[component]
pub(super) fn Chooser(props: &ChooserProps) -> Html {
    let texts = use_texts();
    let open = use_open();
    let course = &props.course;
    let (solved, all) = (course.solved(), course.entries.len());
    let count = [("done", solved.to_string()), ("all", all.to_string())];
    let count = AttrValue::from(texts.ui_with("course-solved", &count));
    let entry = |entry: &Entry| {
        let done = course.is_solved(&entry.id);
        // Without a way to load a lab, only what belongs to the one that runs can be begun.
        let can = props.can_load || props.lab.as_deref() == Some(entry.lab.as_str());
        let onclick = {
            let (open, id) = (open.clone(), entry.id.clone());
            Callback::from(move |_: MouseEvent| open.emit(id.clone()))
        };
        html! {
            <li key={entry.id.clone()}>
                <button type="button" class={classes!("ex-entry", done.then_some("ok"))} data-exercise={entry.id.clone()}
                    disabled={!can} title={if can { None } else { Some(texts.ui("cannot-load")) }} {onclick}>
                    <span class="m" aria-hidden="true">{ if done { "✓" } else { "" } }</span>
                    <span class="t">{ course.title(&entry.id, props.lang) }
                        if done { <span class="sr">{ " — " }{ texts.ui("solved") }</span> }
                    </span>
                    <span class="min">{ texts.ui_count("minutes", u64::from(entry.minutes)) }</span>
                </button>
            </li>
        }
    };
    let chapters = course.chapters().into_iter().map(|(chapter, entries)| {
        html! {
            <section key={chapter.to_owned()}>
                <h3>{ texts.ui(&format!("chapter-{chapter}")) }</h3>
                <ul class="ex-list">{ for entries.into_iter().map(entry) }</ul>
            </section>
        }
    });
    html! {
        <div class="ex-course">
            <div class="ex-head"><h2>{ texts.ui("exercises") }</h2><span class="crumb">{ &count }</span></div>
            <p>{ texts.ui("course-free") }</p>
            <progress class="ex-progress" max={all.max(1).to_string()} value={solved.to_string()} aria-label={count}></progress>
            { for chapters }
        </div>
    }
}
