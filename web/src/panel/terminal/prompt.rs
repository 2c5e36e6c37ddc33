//! The prompt: typing, history, completion, control keys.

use netmodes_core::id::NodeId;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::{Dispatch, use_dispatch, use_texts};
use crate::dom;
use crate::store::terminal::{common_prefix, complete};
use crate::store::{Action, Shared, Terminal};

/// What a root shell of Debian shows before the cursor.
pub(super) fn prompt(machine: &str) -> String {
    format!("root@{machine}:~# ")
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct PromptProps {
    pub(super) node: NodeId,
    pub(super) machine: AttrValue,
    pub(super) terminal: Shared<Terminal>,
    pub(super) input: NodeRef,
}

/// The line that is typed. While a command runs it is that command's input, and no prompt is shown.
#[component]
pub(super) fn Prompt(props: &PromptProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    // How far back in the history the line is; 0 is the new line, which is kept meanwhile.
    let back = use_mut_ref(|| (0_usize, String::new()));
    let onkeydown = {
        let (props, dispatch) = (props.clone(), dispatch.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(input) = props.input.cast::<HtmlInputElement>() else { return };
            if key(&event, &input, &props, &dispatch, &mut back.borrow_mut()) {
                event.prevent_default();
            }
        })
    };
    let interrupt = {
        let node = props.node;
        dispatch.callback(move |_: MouseEvent| Action::Interrupt { node, typed: String::new() })
    };
    let running = !props.terminal.running.is_empty();
    let label =
        texts.ui_with(if running { "input-for" } else { "command-for" }, &[("machine", props.machine.to_string())]);
    html! {
        <div class="typed">
            if !running { <span class="prompt" aria-hidden="true">{ prompt(&props.machine) }</span> }
            <input ref={props.input.clone()} class="command" type="text" aria-label={label} autocomplete="off"
                autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="go" {onkeydown} />
            if running {
                <button type="button" class="interrupt" title={texts.ui("key-ctrl-c-does")} onclick={interrupt}>{ "Ctrl C" }</button>
            }
        </div>
    }
}

/// Handles a key; whether it was one of ours.
fn key(
    event: &KeyboardEvent,
    input: &HtmlInputElement,
    props: &PromptProps,
    dispatch: &Dispatch,
    back: &mut (usize, String),
) -> bool {
    let node = props.node;
    let take = |input: &HtmlInputElement| {
        let line = input.value();
        input.set_value("");
        line
    };
    match (event.ctrl_key(), event.key().as_str()) {
        (false, "Enter") => {
            *back = (0, String::new());
            dispatch.act(Action::Typed { node, line: take(input) });
        }
        (false, "ArrowUp") => walk(input, &props.terminal, back, true),
        (false, "ArrowDown") => walk(input, &props.terminal, back, false),
        (false, "Tab") if event.shift_key() => return false,
        // An empty line lets Tab go on to the next control: nobody may be caught in the terminal.
        (false, "Tab") if input.value().trim().is_empty() => return false,
        (false, "Tab") => ask(input.clone(), props, dispatch.clone()),
        (true, "c" | "C") if copying(input) => return false,
        (true, "c" | "C") => {
            *back = (0, String::new());
            dispatch.act(Action::Interrupt { node, typed: take(input) });
        }
        (true, "l" | "L") => dispatch.act(Action::ClearTerminal { node }),
        (true, "u" | "U") => drop(take(input)),
        (true, "d" | "D") if input.value().is_empty() => dispatch.act(Action::InputEnd { node }),
        _ => return false,
    }
    true
}

/// Whether text is selected, so that Ctrl-C means copying.
fn copying(input: &HtmlInputElement) -> bool {
    let inside = input.selection_start().ok().flatten() != input.selection_end().ok().flatten();
    let outside = || {
        dom::window().and_then(|w| w.get_selection().ok().flatten()).is_some_and(|selection| !selection.is_collapsed())
    };
    inside || outside()
}

fn walk(input: &HtmlInputElement, terminal: &Terminal, back: &mut (usize, String), older: bool) {
    let history = &terminal.history;
    let at = if older { (back.0 + 1).min(history.len()) } else { back.0.saturating_sub(1) };
    if at == back.0 {
        return;
    }
    if back.0 == 0 {
        back.1 = input.value();
    }
    back.0 = at;
    let line = at.checked_sub(1).and_then(|n| history.get(history.len() - 1 - n)).map_or(&*back.1, |line| line);
    input.set_value(line);
}

fn ask(input: HtmlInputElement, props: &PromptProps, dispatch: Dispatch) {
    let line = input.value();
    let cursor = input.selection_start().ok().flatten().map_or(line.len(), |units| byte_at(&line, units as usize));
    let node = props.node;
    let to_ask = dispatch.clone();
    let asked = line.clone();
    let answer = Callback::from(move |(from, words): (usize, Vec<String>)| {
        // The line may have changed meanwhile: an answer to another question is of no use.
        if input.value() != asked || words.is_empty() {
            return;
        }
        let common = common_prefix(&words);
        let word = if words.len() == 1 && !common.ends_with('/') { format!("{common} ") } else { common.to_owned() };
        let known = asked.get(from..cursor).unwrap_or("");
        if words.len() > 1 && word.len() <= known.len() {
            dispatch.act(Action::Offered { node, line: asked.clone(), words });
        } else {
            input.set_value(&complete(&asked, from, cursor, &word));
        }
    });
    to_ask.complete(props.machine.to_string(), line[..cursor].to_owned(), answer);
}

/// The byte at which the UTF-16 unit `units` begins: browsers count in UTF-16.
fn byte_at(line: &str, units: usize) -> usize {
    let mut passed = 0;
    for (at, c) in line.char_indices() {
        if passed >= units {
            return at;
        }
        passed += c.len_utf16();
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::byte_at;

    #[test]
    fn the_cursor_is_found_behind_any_character() {
        assert_eq!(byte_at("ping", 2), 2);
        assert_eq!(byte_at("пинг", 2), 4);
        assert_eq!(byte_at("😀x", 2), 4);
        assert_eq!(byte_at("ab", 9), 2);
    }
}
