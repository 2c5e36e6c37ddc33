//! One machine's screen: its lines, of which only the newest are drawn until one scrolls up, its prompt, and words that
//! can be pointed at and asked for.

use netmodes_core::id::NodeId;
use netmodes_core::view::LabView;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::output::{CHUNK, Lines, Spoken};
use super::prompt::Prompt;
use super::{Left, Lefts};
use crate::app::{Dispatch, use_dispatch, use_texts};
use crate::dom;
use crate::panel::parts::Icon;
use crate::store::highlight::resolve;
use crate::store::{Action, Highlight, Shared, Terminal};

/// Pieces of so many lines that are drawn below the end; more when one scrolls up.
const CHUNKS: u64 = 6;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct ScreenProps {
    pub(super) node: NodeId,
    pub(super) machine: AttrValue,
    pub(super) real: bool,
    pub(super) off: bool,
    pub(super) front: bool,
    pub(super) first: AttrValue,
    pub(super) terminal: Shared<Terminal>,
    pub(super) view: Shared<LabView>,
    pub(super) highlight: Option<Highlight>,
    pub(super) chosen: Option<NodeId>,
    #[prop_or_default]
    pub(super) lefts: SharedLefts,
}

/// [`Lefts`], which never differ.
#[derive(Clone, Default)]
pub(super) struct SharedLefts(Lefts);

impl PartialEq for SharedLefts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl From<Lefts> for SharedLefts {
    fn from(lefts: Lefts) -> Self {
        Self(lefts)
    }
}

impl yew::html::IntoPropValue<SharedLefts> for Lefts {
    fn into_prop_value(self) -> SharedLefts {
        SharedLefts(self)
    }
}

/// A word of the output that was chosen, the key of its explanation, and what it names.
#[derive(Clone, PartialEq)]
struct Word {
    said: String,
    meaning: String,
    named: Option<Highlight>,
}

#[component]
pub(super) fn Screen(props: &ScreenProps) -> Html {
    let texts = use_texts();
    let (screen, input) = (use_node_ref(), use_node_ref());
    let word = use_state(|| None::<Word>);
    // The first piece that is drawn; none while the screen follows its end.
    let from = use_state(|| None::<u64>);
    let follow = use_mut_ref(|| true);
    use_left(props, &screen, &input, &follow);
    use_follow_end(&screen, &props.terminal, &follow);
    use_columns(&screen, &props.machine);
    use_marks(props, &screen);
    let end = props.terminal.lines.back().map_or(0, |line| line.number / CHUNK);
    let begin = props.terminal.lines.front().map_or(0, |line| line.number / CHUNK);
    let drawn = from.unwrap_or_else(|| end.saturating_sub(CHUNKS - 1)).max(begin);
    let onscroll = {
        let (screen, follow, from) = (screen.clone(), follow.clone(), from.clone());
        Callback::from(move |_: Event| {
            let Some(element) = screen.cast::<Element>() else { return };
            let left = element.scroll_height() - element.scroll_top() - element.client_height();
            let at_end = left < 24;
            *follow.borrow_mut() = at_end;
            if at_end {
                from.set(None);
            } else if element.scroll_top() < 300 && drawn > begin {
                from.set(Some(drawn.saturating_sub(CHUNKS)));
            } else if from.is_none() {
                from.set(Some(drawn));
            }
        })
    };
    let (onclick, on_word_key, on_over, on_out) = use_words(props, &screen, &input, &word);
    let close = {
        let (word, input) = (word.setter(), input.clone());
        Callback::from(move |_: MouseEvent| {
            word.set(None);
            focus(&input);
        })
    };
    let dim = (props.off).then(|| texts.ui("terminal-off"));
    html! {
        <div class="screen-box">
            <div class="screen" ref={screen.clone()} tabindex="-1" {onclick} onkeydown={on_word_key} {onscroll}
                onmouseover={on_over.clone()} onfocusin={on_over.reform(|event: FocusEvent| event.unchecked_into::<MouseEvent>())}
                onmouseleave={on_out.clone()} onfocusout={on_out.reform(|event: FocusEvent| event.unchecked_into::<MouseEvent>())}>
                if props.terminal.lines.is_empty() && !props.real && !props.off {
                    <p class="note">{ texts.ui("terminal-hint") }{ " " }{ texts.ui_with("terminal-try", &[("command", props.first.to_string())]) }</p>
                }
                <Lines machine={props.machine.clone()} terminal={props.terminal.clone()} {drawn} earlier={drawn > begin} />
                if props.real {
                    <p class="note">{ texts.ui("terminal-real") }</p>
                } else if let Some(dim) = dim {
                    <p class="note">{ dim }</p>
                } else {
                    <Prompt node={props.node} machine={props.machine.clone()} terminal={props.terminal.clone()} input={input.clone()} {screen} />
                }
            </div>
            <Spoken machine={props.machine.clone()} terminal={props.terminal.clone()} />
            if let Some(word) = &*word {
                <WordBox word={word.clone()} view={props.view.clone()} on_close={close} />
            }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct WordBoxProps {
    word: Word,
    view: Shared<LabView>,
    on_close: Callback<MouseEvent>,
}

/// The explanation of a word, and whose it is.
#[component]
fn WordBox(props: &WordBoxProps) -> Html {
    let texts = use_texts();
    let Word { said, meaning, named } = &props.word;
    let view = &props.view;
    let whose = named.map(|named| {
        let machine = named.node().and_then(|node| view.nodes.get(&node)).map(|node| node.name.clone());
        let iface = named.iface().and_then(|key| view.ifaces.get(&key)).map(|iface| iface.name.clone());
        match (machine, iface) {
            (Some(machine), Some(iface)) => texts.ui_with("word-of", &[("machine", machine), ("iface", iface)]),
            (Some(machine), None) => texts.ui_with("word-is", &[("machine", machine)]),
            (None, _) => texts.ui("word-of-nobody"),
        }
    });
    let text = texts.find(&format!("words.{meaning}.text"));
    html! {
        <div class="word-box" role="status">
            <p>
                <b>{ said.trim() }</b>
                if let Some(text) = text { { " — " }{ texts.get(&format!("words.{meaning}.title")) }{ ". " }{ text } }
                if let Some(whose) = whose { { " " }<span class="whose">{ whose }</span> }
            </p>
            <button type="button" class="icon" aria-label={texts.ui("close")} onclick={props.on_close.clone()}><Icon name="close" /></button>
        </div>
    }
}

/// What the words of a screen answer to: a click or Enter explains, pointing lights up, arrow keys go from word to word.
#[hook]
fn use_words(
    props: &ScreenProps,
    screen: &NodeRef,
    input: &NodeRef,
    word: &UseStateHandle<Option<Word>>,
) -> (Callback<MouseEvent>, Callback<KeyboardEvent>, Callback<MouseEvent>, Callback<MouseEvent>) {
    let dispatch = use_dispatch();
    let explain = {
        let (view, node, word) = (props.view.clone(), props.node, word.setter());
        Callback::from(move |element: Element| {
            let said = element.text_content().unwrap_or_default();
            let meaning = element.get_attribute("data-m").unwrap_or_default();
            word.set(Some(Word { said, meaning, named: named(&element, &view, node) }));
        })
    };
    let onclick = {
        let (input, explain) = (input.clone(), explain.clone());
        // A click gives the keyboard to the prompt, unless it ended a selection of text.
        Callback::from(move |event: MouseEvent| {
            if selecting() {
                return;
            }
            match word_of(event.target()) {
                Some(element) => explain.emit(element),
                None if is_control(event.target()) => {}
                None => focus(&input),
            }
        })
    };
    let onkeydown = on_word_key(screen, input, word, &explain);
    let over = {
        let (view, node, dispatch) = (props.view.clone(), props.node, dispatch.clone());
        let lit = props.highlight.is_some();
        Callback::from(move |event: MouseEvent| {
            let found = word_of(event.target()).and_then(|element| named(&element, &view, node));
            if found.is_some() || lit {
                dispatch.act(Action::Highlight(found));
            }
        })
    };
    let out = {
        let lit = props.highlight.is_some();
        Callback::from(move |_: MouseEvent| {
            if lit {
                dispatch.act(Action::Highlight(None));
            }
        })
    };
    (onclick, onkeydown, over, out)
}

/// Enter explains the word that has the keyboard, arrows go to other words, Escape leads back to the prompt.
fn on_word_key(
    screen: &NodeRef,
    input: &NodeRef,
    word: &UseStateHandle<Option<Word>>,
    explain: &Callback<Element>,
) -> Callback<KeyboardEvent> {
    let (screen, input, word, explain) = (screen.clone(), input.clone(), word.setter(), explain.clone());
    Callback::from(move |event: KeyboardEvent| {
        let at = word_of(event.target());
        let plain = !event.ctrl_key() && !event.alt_key() && !event.meta_key();
        match (event.key().as_str(), at) {
            ("Enter" | " ", Some(element)) => explain.emit(element),
            ("Escape", _) => {
                word.set(None);
                focus(&input);
            }
            ("ArrowUp", None) if event.alt_key() => walk(&screen, None, -1, false),
            (key @ ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"), Some(element)) => {
                let by = if matches!(key, "ArrowLeft" | "ArrowUp") { -1 } else { 1 };
                walk(&screen, Some(element), by, matches!(key, "ArrowUp" | "ArrowDown"));
            }
            // Whatever is typed while text is selected belongs to the prompt; the key itself follows the focus.
            (key, None) if key.chars().count() == 1 && plain => {
                if !is_control(event.target()) {
                    focus(&input);
                }
                return;
            }
            _ => return,
        }
        event.prevent_default();
    })
}

/// What the word in `element` names.
fn named(element: &Element, view: &LabView, node: NodeId) -> Option<Highlight> {
    resolve(view, &element.get_attribute("data-at")?, Some(node))
}

fn word_of(target: Option<web_sys::EventTarget>) -> Option<Element> {
    target?.dyn_into::<Element>().ok()?.closest(".word, .at").ok().flatten()
}

fn is_control(target: Option<web_sys::EventTarget>) -> bool {
    let element = target.and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest("button, input, select, a").ok().flatten().is_some())
}

/// Whether text is selected.
pub(super) fn selecting() -> bool {
    let selection = dom::window().and_then(|window| window.get_selection().ok().flatten());
    selection.is_some_and(|selection| !selection.is_collapsed())
}

/// Gives the keyboard to an element.
pub(super) fn focus(node: &NodeRef) {
    if let Some(element) = node.cast::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// From word to word, or to the nearest line above or below that has one.
pub(super) fn walk(screen: &NodeRef, from: Option<Element>, by: i32, by_line: bool) {
    let Some(list) =
        screen.cast::<Element>().and_then(|screen| screen.query_selector_all(".lines .word, .lines .at").ok())
    else {
        return;
    };
    let words: Vec<HtmlElement> = (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect();
    let here = from.as_ref().and_then(|from| words.iter().position(|word| word.unchecked_ref::<Element>() == from));
    let next = match here {
        None => words.len().checked_sub(1),
        Some(at) if !by_line => at.checked_add_signed(by as isize).filter(|at| *at < words.len()),
        Some(at) => {
            let line = |word: &HtmlElement| word.closest(".line").ok().flatten();
            let own = line(&words[at]);
            let mut next = at;
            loop {
                match next.checked_add_signed(by as isize).filter(|at| *at < words.len()) {
                    Some(other) if line(&words[other]) == own => next = other,
                    other => break other,
                }
            }
        }
    };
    if let Some(word) = next.and_then(|at| words.get(at)) {
        let _ = word.focus();
    }
}

/// Comes back to where the screen was left, and leaves behind where it is.
#[hook]
fn use_left(props: &ScreenProps, screen: &NodeRef, input: &NodeRef, follow: &std::rc::Rc<std::cell::RefCell<bool>>) {
    let (screen, input, follow) = (screen.clone(), input.clone(), follow.clone());
    let (lefts, node) = (props.lefts.0.clone(), props.node);
    use_effect_with((), move |()| {
        let left = lefts.borrow().get(&node).cloned().unwrap_or_default();
        if let Some(element) = screen.cast::<Element>() {
            *follow.borrow_mut() = left.top.is_none();
            element.set_scroll_top(left.top.unwrap_or_else(|| element.scroll_height()));
        }
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.set_value(&left.typed);
        }
        let (element, typed) = (screen.cast::<Element>(), input.cast::<HtmlInputElement>());
        move || {
            let top = element.filter(|_| !*follow.borrow()).map(|element| element.scroll_top());
            let typed = typed.map(|input| input.value()).unwrap_or_default();
            lefts.borrow_mut().insert(node, Left { top, typed });
        }
    });
}

/// Keeps the newest line in sight when something is printed, unless one reads further up.
#[hook]
fn use_follow_end(screen: &NodeRef, terminal: &Shared<Terminal>, follow: &std::rc::Rc<std::cell::RefCell<bool>>) {
    let (screen, follow) = (screen.clone(), follow.clone());
    use_effect_with(terminal.clone(), move |_| {
        if let Some(element) = screen.cast::<Element>().filter(|_| *follow.borrow()) {
            element.set_scroll_top(element.scroll_height());
        }
    });
}

/// Marks what the output says of what is pointed at or chosen elsewhere.
#[hook]
fn use_marks(props: &ScreenProps, screen: &NodeRef) {
    let (screen, view, node) = (screen.clone(), props.view.clone(), props.node);
    let deps = (props.highlight, props.chosen, props.terminal.clone());
    use_effect_with(deps, move |(highlight, chosen, _)| {
        let Some(list) = screen.cast::<Element>().and_then(|screen| screen.query_selector_all("[data-at]").ok()) else {
            return;
        };
        for element in (0..list.length()).filter_map(|at| list.item(at)?.dyn_into::<Element>().ok()) {
            let named = (highlight.is_some() || chosen.is_some()).then(|| named(&element, &view, node)).flatten();
            let about = |other: Highlight| named.is_some_and(|named| named.is_about(&other, &view));
            let _ = element.class_list().toggle_with_force("lit", highlight.is_some_and(about));
            let _ = element
                .class_list()
                .toggle_with_force("chosen", chosen.is_some_and(|node| about(Highlight::Node(node))));
        }
    });
}

/// Tells how many columns the screen has: what programs on a terminal are told as its width.
#[hook]
fn use_columns(screen: &NodeRef, machine: &AttrValue) {
    let (screen, dispatch) = (screen.clone(), use_dispatch());
    use_effect_with(machine.clone(), move |_| {
        let element = screen.cast::<Element>();
        let told = std::cell::Cell::new(0);
        let observer = element.and_then(|element| {
            let seen = element.clone();
            dom::Resizes::new(&element, move || measure(&seen, &dispatch, &told))
        });
        move || drop(observer)
    });
}

fn measure(element: &Element, dispatch: &Dispatch, told: &std::cell::Cell<u16>) {
    // The screen's padding is 14 px on both sides; a character of the mono face at 12.5 px is about 7.5 px wide.
    let columns = ((f64::from(element.client_width()) - 28.0) / 7.6).clamp(40.0, 400.0) as u16;
    if element.client_width() > 0 && told.replace(columns) != columns {
        dispatch.act(Action::Columns(columns));
    }
}
