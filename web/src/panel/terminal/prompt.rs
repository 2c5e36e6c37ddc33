//! The prompt: typing, history, searching it, completion, pasting, control keys.

use std::cell::RefCell;
use std::rc::Rc;

use netmodes_core::id::NodeId;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::pasting::{KeyRow, Pasted};
use super::screen::{selecting, walk};
use crate::app::{Dispatch, use_dispatch, use_texts};
use crate::dom;
use crate::store::line::{EditLine, pasted, search};
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
    pub(super) screen: NodeRef,
}

/// What the keys remember from one to the next.
#[derive(Debug, Default)]
struct Memory {
    /// How far back in the history the line is; 0 is the new line, which is kept meanwhile.
    back: usize,
    new: String,
    /// What Ctrl-U, Ctrl-K and Ctrl-W took, for Ctrl-Y.
    killed: String,
}

/// Ctrl-R: what stood on the line before, and where in the history the match is.
#[derive(Clone, Debug, Default, PartialEq)]
struct Search {
    before: String,
    at: Option<usize>,
}

/// What a key is handled with.
#[derive(Clone)]
struct Keys {
    props: PromptProps,
    dispatch: Dispatch,
    input: HtmlInputElement,
    memory: Rc<RefCell<Memory>>,
    search: UseStateHandle<Option<Search>>,
}

/// The line that is typed. While a command runs it is that command's input, and no prompt is shown.
#[component]
pub(super) fn Prompt(props: &PromptProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let memory = use_mut_ref(Memory::default);
    let searching = use_state(|| None::<Search>);
    let paste = use_state(|| None::<Vec<String>>);
    let keys = {
        let (props, dispatch, memory, search) = (props.clone(), dispatch.clone(), memory.clone(), searching.clone());
        move || {
            let input = props.input.cast::<HtmlInputElement>()?;
            Some(Keys {
                props: props.clone(),
                dispatch: dispatch.clone(),
                input,
                memory: memory.clone(),
                search: search.clone(),
            })
        }
    };
    let onkeydown = {
        let keys = keys.clone();
        Callback::from(move |event: KeyboardEvent| {
            if keys().is_some_and(|keys| keys.pressed(&event)) {
                event.prevent_default();
                event.stop_propagation();
            }
        })
    };
    let oninput = on_input(&searching, props);
    let onpaste = on_paste(&paste);
    let interrupt = {
        let node = props.node;
        dispatch.callback(move |_: MouseEvent| Action::Interrupt { node, typed: String::new() })
    };
    let running = !props.terminal.running.is_empty();
    let label =
        texts.ui_with(if running { "input-for" } else { "command-for" }, &[("machine", props.machine.to_string())]);
    let matched = searching
        .as_ref()
        .map(|search| search.at.and_then(|at| props.terminal.history.get(at)).map(|line| line.to_string()));
    html! {
        <>
            <Ended node={props.node} terminal={props.terminal.clone()} />
            <div class="typed">
                if matched.is_some() {
                    <span class="prompt search" aria-hidden="true">{ texts.ui("history-search") }{ " " }</span>
                } else if !running {
                    <span class="prompt" aria-hidden="true">{ prompt(&props.machine) }</span>
                }
                <input ref={props.input.clone()} class="command" type="text" aria-label={if matched.is_some() { texts.ui("history-search") } else { label }}
                    autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="go"
                    {onkeydown} {oninput} {onpaste} />
                if let Some(matched) = matched {
                    <span class="matched" aria-live="polite">{ matched.unwrap_or_else(|| texts.ui("history-none").to_string()) }</span>
                }
                if running {
                    <button type="button" class="interrupt" title={texts.ui("key-ctrl-c-does")} onclick={interrupt}>{ "Ctrl C" }</button>
                }
            </div>
            if let Some(lines) = &*paste {
                <Pasted lines={lines.clone()} on_answer={answer_paste(&paste, props, &dispatch)} />
            }
            <KeyRow on_key={Callback::from(move |key: &'static str| { if let Some(keys) = keys() { keys.touched(key); } })} />
        </>
    }
}

/// What is typed while the history is searched is what is searched for.
fn on_input(search: &UseStateHandle<Option<Search>>, props: &PromptProps) -> Callback<InputEvent> {
    let (search, history, input) = (search.clone(), props.terminal.clone(), props.input.clone());
    Callback::from(move |_: InputEvent| {
        if let (Some(now), Some(input)) = (&*search, input.cast::<HtmlInputElement>()) {
            let at = self::search(&history.history, &input.value(), None);
            search.set(Some(Search { at, ..now.clone() }));
        }
    })
}

/// Several lines that are pasted are asked about; one is pasted as ever.
fn on_paste(paste: &UseStateHandle<Option<Vec<String>>>) -> Callback<Event> {
    let paste = paste.clone();
    Callback::from(move |event: Event| {
        let data = event.dyn_ref::<web_sys::ClipboardEvent>().and_then(web_sys::ClipboardEvent::clipboard_data);
        let text = data.and_then(|data| data.get_data("text/plain").ok());
        let lines = text.map(|text| pasted(&text)).unwrap_or_default();
        if lines.len() > 1 {
            event.prevent_default();
            paste.set(Some(lines));
        }
    })
}

fn answer_paste(
    paste: &UseStateHandle<Option<Vec<String>>>,
    props: &PromptProps,
    dispatch: &Dispatch,
) -> Callback<bool> {
    let (paste, node, dispatch, input) = (paste.clone(), props.node, dispatch.clone(), props.input.clone());
    Callback::from(move |run: bool| {
        if let Some(lines) = paste.as_ref().filter(|_| run) {
            // The shell takes several lines as a script and runs them one after the other.
            dispatch.act(Action::Typed { node, line: lines.join("\n") });
        }
        paste.set(None);
        super::screen::focus(&input);
    })
}

#[derive(Clone, PartialEq, Properties)]
struct EndedProps {
    node: NodeId,
    terminal: Shared<Terminal>,
}

/// That the last command failed, and the question why.
#[component]
fn Ended(props: &EndedProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    // Ctrl-C is no failure.
    let failed =
        props.terminal.ended.filter(|(_, status)| !matches!(status, 0 | 130) && props.terminal.running.is_empty());
    let Some((job, status)) = failed else { return html! {} };
    let node = props.node;
    let onclick = dispatch.callback(move |_: MouseEvent| Action::Why { node, job });
    html! {
        <div class="ended"><span>{ texts.ui_with("exit-status", &[("status", status.to_string())]) }</span>
            <button type="button" class="why-chip" {onclick}>{ texts.ui("why") }</button></div>
    }
}

impl Keys {
    fn node(&self) -> NodeId {
        self.props.node
    }

    fn take(&self) -> String {
        let line = self.input.value();
        self.input.set_value("");
        let mut memory = self.memory.borrow_mut();
        memory.back = 0;
        memory.new.clear();
        line
    }

    /// A key of the row for phones.
    fn touched(&self, key: &str) {
        match key {
            "Tab" => self.ask(),
            "↑" => self.recall(true),
            "↓" => self.recall(false),
            "Ctrl C" => self.dispatch.act(Action::Interrupt { node: self.node(), typed: self.take() }),
            text => self.edit(|line, _| line.insert(text)),
        }
        let _ = self.input.focus();
    }

    /// Handles a key; whether it was one of ours.
    fn pressed(&self, event: &KeyboardEvent) -> bool {
        if event.is_composing() {
            return false;
        }
        if let Some(now) = &*self.search
            && let Some(ours) = self.pressed_searching(event, now)
        {
            return ours;
        }
        if event.ctrl_key() && !event.alt_key() {
            return self.pressed_ctrl(event);
        }
        match event.key().as_str() {
            "Enter" => self.dispatch.act(Action::Typed { node: self.node(), line: self.take() }),
            "ArrowUp" if event.alt_key() => walk(&self.props.screen, None, -1, false),
            "ArrowUp" => self.recall(true),
            "ArrowDown" => self.recall(false),
            "Backspace" if event.alt_key() => self.edit(|line, killed| *killed = line.kill_word()),
            "Tab" if event.shift_key() => return false,
            // An empty line lets Tab go on to the next control: nobody may be caught in the terminal.
            "Tab" if self.input.value().trim().is_empty() => return false,
            "Tab" => self.ask(),
            _ => return false,
        }
        true
    }

    /// Keys with Ctrl, found by their place: in a Russian layout too.
    fn pressed_ctrl(&self, event: &KeyboardEvent) -> bool {
        let node = self.node();
        match event.code().as_str() {
            "KeyC" if event.shift_key() => copy_selected(),
            "KeyC" if self.copying() => return false,
            "KeyC" => self.dispatch.act(Action::Interrupt { node, typed: self.take() }),
            _ if event.shift_key() => return false,
            "KeyL" => self.dispatch.act(Action::ClearTerminal { node }),
            "KeyD" if self.input.value().is_empty() => self.dispatch.act(Action::InputEnd { node }),
            "KeyA" => self.edit(|line, _| line.cursor = 0),
            "KeyE" => self.edit(|line, _| line.cursor = line.text.len()),
            "KeyU" => self.edit(|line, killed| *killed = line.kill_before()),
            "KeyK" => self.edit(|line, killed| *killed = line.kill_behind()),
            "KeyW" => self.edit(|line, killed| *killed = line.kill_word()),
            "KeyY" => self.edit(|line, killed| line.insert(killed)),
            "KeyR" => {
                self.search.set(Some(Search { before: self.input.value(), at: None }));
                self.input.set_value("");
            }
            _ => return false,
        }
        true
    }

    /// A key while the history is searched; none where it ends the search and is to be handled as ever.
    fn pressed_searching(&self, event: &KeyboardEvent, now: &Search) -> Option<bool> {
        let found = now.at.and_then(|at| self.props.terminal.history.get(at)).map(|line| line.to_string());
        let accept = || {
            self.input.set_value(found.as_deref().unwrap_or(&now.before));
            self.search.set(None);
        };
        match (event.ctrl_key(), event.key().as_str(), event.code().as_str()) {
            (true, _, "KeyR") => {
                let at = search(&self.props.terminal.history, &self.input.value(), now.at).or(now.at);
                self.search.set(Some(Search { at, ..now.clone() }));
            }
            (true, _, "KeyG" | "KeyC") | (_, "Escape", _) => {
                self.input.set_value(&now.before);
                self.search.set(None);
            }
            (false, "Enter", _) => {
                accept();
                return None;
            }
            (false, "Tab" | "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End", _) => accept(),
            _ => return Some(false),
        }
        Some(true)
    }

    fn edit(&self, change: impl FnOnce(&mut EditLine, &mut String)) {
        let text = self.input.value();
        let units = self.input.selection_start().ok().flatten().unwrap_or(0);
        let mut line = EditLine::new(text.clone(), byte_at(&text, units as usize));
        let mut memory = self.memory.borrow_mut();
        let kept = memory.killed.clone();
        change(&mut line, &mut memory.killed);
        if memory.killed.is_empty() {
            memory.killed = kept;
        }
        self.input.set_value(&line.text);
        let cursor = u32::try_from(line.text[..line.cursor].encode_utf16().count()).unwrap_or(0);
        let _ = self.input.set_selection_range(cursor, cursor);
    }

    /// Whether text is selected, so that Ctrl-C means copying.
    fn copying(&self) -> bool {
        self.input.selection_start().ok().flatten() != self.input.selection_end().ok().flatten() || selecting()
    }

    fn recall(&self, older: bool) {
        let history = &self.props.terminal.history;
        let mut memory = self.memory.borrow_mut();
        let at = if older { (memory.back + 1).min(history.len()) } else { memory.back.saturating_sub(1) };
        if at == memory.back {
            return;
        }
        if memory.back == 0 {
            memory.new = self.input.value();
        }
        memory.back = at;
        let line = at.checked_sub(1).and_then(|n| history.get(history.len() - 1 - n)).map_or(&*memory.new, |line| line);
        self.input.set_value(line);
    }

    fn ask(&self) {
        let line = self.input.value();
        let cursor =
            self.input.selection_start().ok().flatten().map_or(line.len(), |units| byte_at(&line, units as usize));
        let (node, input, dispatch, asked) = (self.node(), self.input.clone(), self.dispatch.clone(), line.clone());
        let answer = Callback::from(move |(from, words): (usize, Vec<String>)| {
            // The line may have changed meanwhile: an answer to another question is of no use.
            if input.value() != asked || words.is_empty() {
                return;
            }
            let common = common_prefix(&words);
            let word =
                if words.len() == 1 && !common.ends_with('/') { format!("{common} ") } else { common.to_owned() };
            let known = asked.get(from..cursor).unwrap_or("");
            if words.len() > 1 && word.len() <= known.len() {
                dispatch.act(Action::Offered { node, line: asked.clone(), words });
            } else {
                input.set_value(&complete(&asked, from, cursor, &word));
            }
        });
        self.dispatch.complete(self.props.machine.to_string(), line[..cursor].to_owned(), answer);
    }
}

fn copy_selected() {
    if let Some(document) = dom::document().and_then(|document| document.dyn_into::<web_sys::HtmlDocument>().ok()) {
        let _ = document.exec_command("copy");
    }
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
