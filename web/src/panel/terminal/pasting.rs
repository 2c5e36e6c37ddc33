//! What stands below the prompt at times: the question about several pasted lines, and the row of keys that a phone's
//! keyboard lacks.

use yew::prelude::*;

use crate::app::use_texts;

/// Lines of what was pasted that are shown before the question.
const SHOWN: usize = 6;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct PastedProps {
    pub(super) lines: Vec<String>,
    /// Whether they are to be run.
    pub(super) on_answer: Callback<bool>,
}

/// Several lines were pasted: they run only when the student says so.
#[component]
pub(super) fn Pasted(props: &PastedProps) -> Html {
    let texts = use_texts();
    let run = use_node_ref();
    {
        let run = run.clone();
        use_effect_with((), move |()| super::screen::focus(&run));
    }
    let answer = |yes: bool| props.on_answer.reform(move |_: MouseEvent| yes);
    let on_escape = {
        let on_answer = props.on_answer.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                on_answer.emit(false);
            }
        })
    };
    let more = props.lines.len().saturating_sub(SHOWN);
    let mut shown = props.lines.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    if more > 0 {
        shown.push_str("\n…");
    }
    html! {
        <div class="pasted" role="group" aria-label={texts.ui("paste")} onkeydown={on_escape}>
            <pre>{ shown }</pre>
            <button ref={run} type="button" class="choice" onclick={answer(true)}>{ texts.ui_count("paste-run", props.lines.len() as u64) }</button>
            <button type="button" class="choice" onclick={answer(false)}>{ texts.ui("cancel") }</button>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct KeyRowProps {
    pub(super) on_key: Callback<&'static str>,
}

/// The keys that a phone's keyboard lacks or hides.
#[component]
pub(super) fn KeyRow(props: &KeyRowProps) -> Html {
    let texts = use_texts();
    let keys = ["Tab", "↑", "↓", "Ctrl C", "/", "-", "."].into_iter().map(|key| {
        let onclick = props.on_key.reform(move |_: MouseEvent| key);
        // The keyboard of the phone stays open: the line keeps the focus.
        let keep = Callback::from(|event: PointerEvent| event.prevent_default());
        let label = match key {
            "↑" => texts.ui("key-up"),
            "↓" => texts.ui("key-down"),
            _ => key.into(),
        };
        html! { <button type="button" aria-label={label} onpointerdown={keep} {onclick}>{ key }</button> }
    });
    html! { <div class="key-row" role="group" aria-label={texts.ui("key-row")}>{ for keys }</div> }
}
