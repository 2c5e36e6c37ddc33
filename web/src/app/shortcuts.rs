//! The page's shortcuts as one table, from which the handler and the help dialog are made. To add one, add a row, and
//! its words as `[ui]` texts. Keys are matched by their place on the keyboard where they are letters or digits, so that
//! they work in any layout.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use crate::dom;
use crate::panel::frame::pane_in_focus;
use crate::store::panes::{Pane, PanesAction};
use crate::store::{Action, Travel};

use super::Dispatch;

/// Where a shortcut works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everywhere, also while typing.
    Everywhere,
    /// Everywhere but in fields that are typed into.
    NotTyping,
    /// In the part of the page that this selector names; its own handler sees to it, here it is only listed.
    Told,
}

/// What a shortcut does.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Presses the first control that this selector finds and that is not disabled.
    Press(&'static str),
    /// Gives the keyboard to the first element that this selector finds.
    Focus(&'static str),
    /// Gives the keyboard to the next part of the page (1) or the one before (-1).
    Cycle(isize),
    /// Lets the part of the page that has the keyboard fill it, and puts it back.
    Whole,
    /// Makes an action.
    Act(fn() -> Action),
    /// Nothing: it is handled where it works.
    Told,
}

/// One shortcut.
#[derive(Clone, Copy)]
pub struct Shortcut {
    /// Its keys as they are printed on them: `Ctrl+Shift+Z`, `F6`, `?`, `Space`.
    pub keys: &'static str,
    /// Where it works.
    pub place: Place,
    /// What it does.
    pub deed: Deed,
    /// The group in the help dialog: the `[ui]` text `keys-{group}`.
    pub group: &'static str,
    /// The `[ui]` text that says what it does.
    pub text: &'static str,
}

/// The parts of the page in the order of F6: selectors of what takes the keyboard.
pub const PARTS: [&str; 5] = [
    ".ex",
    "main.stage",
    ".time",
    ".term .tile.front .command, .term .command, .term",
    ".look [role=tab][aria-selected=true], .look",
];

const fn row(keys: &'static str, place: Place, deed: Deed, group: &'static str, text: &'static str) -> Shortcut {
    Shortcut { keys, place, deed, group, text }
}

/// All shortcuts, in the order of the help dialog.
pub const SHORTCUTS: &[Shortcut] = &[
    // The page.
    row("?", Place::NotTyping, Deed::Press("#help-button"), "page", "key-help-does"),
    row("F6", Place::Everywhere, Deed::Cycle(1), "page", "key-next-part-does"),
    row("Shift+F6", Place::Everywhere, Deed::Cycle(-1), "page", "key-part-before-does"),
    row("Alt+1", Place::Everywhere, Deed::Focus(PARTS[0]), "page", "key-part-1-does"),
    row("Alt+2", Place::Everywhere, Deed::Focus(PARTS[1]), "page", "key-part-2-does"),
    row("Alt+3", Place::Everywhere, Deed::Focus(PARTS[2]), "page", "key-part-3-does"),
    row("Alt+4", Place::Everywhere, Deed::Focus(PARTS[3]), "page", "key-part-4-does"),
    row("Alt+5", Place::Everywhere, Deed::Focus(PARTS[4]), "page", "key-part-5-does"),
    row("Alt+M", Place::Everywhere, Deed::Whole, "page", "key-whole-does"),
    row("← →", Place::Told, Deed::Told, "page", "key-list-does"),
    row("E", Place::Told, Deed::Told, "page", "key-edit-does"),
    // Time.
    row("Space", Place::NotTyping, Deed::Press("#play"), "time", "key-play-does"),
    row(".", Place::NotTyping, Deed::Press("#step-frame"), "time", "key-frame-on-does"),
    row(",", Place::NotTyping, Deed::Press("#back-frame"), "time", "key-frame-back-does"),
    row(">", Place::NotTyping, Deed::Press("#step-exchange"), "time", "key-exchange-on-does"),
    row("<", Place::NotTyping, Deed::Act(|| Action::Travel(Travel::ExchangeBack)), "time", "key-exchange-back-does"),
    row("N", Place::NotTyping, Deed::Press("#back-to-now"), "time", "key-now-does"),
    row("Ctrl+Z", Place::NotTyping, Deed::Press("#undo"), "time", "key-undo-does"),
    row("Ctrl+Shift+Z", Place::NotTyping, Deed::Press("#redo"), "time", "key-redo-does"),
    row("Ctrl+Y", Place::NotTyping, Deed::Press("#redo"), "time", "key-redo-does"),
    row("← →, Shift+← →, Home, End", Place::Told, Deed::Told, "time", "key-head-does"),
    // Terminals.
    row("Tab", Place::Told, Deed::Told, "terminal", "key-tab-does"),
    row("↑ ↓", Place::Told, Deed::Told, "terminal", "key-history-does"),
    row("Ctrl+R", Place::Told, Deed::Told, "terminal", "key-ctrl-r-does"),
    row("Ctrl+C", Place::Told, Deed::Told, "terminal", "key-ctrl-c-does"),
    row("Ctrl+Shift+C", Place::Told, Deed::Told, "terminal", "key-copy-does"),
    row("Ctrl+D", Place::Told, Deed::Told, "terminal", "key-ctrl-d-does"),
    row("Ctrl+L", Place::Told, Deed::Told, "terminal", "key-ctrl-l-does"),
    row("Ctrl+A, Ctrl+E", Place::Told, Deed::Told, "terminal", "key-ctrl-a-does"),
    row("Ctrl+U, Ctrl+K", Place::Told, Deed::Told, "terminal", "key-ctrl-u-does"),
    row("Ctrl+W, Alt+⌫", Place::Told, Deed::Told, "terminal", "key-ctrl-w-does"),
    row("Alt+↑", Place::Told, Deed::Told, "terminal", "key-words-does"),
];

/// A key that was pressed, without the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressed<'a> {
    /// `KeyboardEvent.key`.
    pub key: &'a str,
    /// `KeyboardEvent.code`.
    pub code: &'a str,
    /// Ctrl, or Command on a Mac.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
}

impl Shortcut {
    /// Whether `pressed` is this one.
    pub fn is(&self, pressed: Pressed<'_>) -> bool {
        let mut parts: Vec<&str> = self.keys.split('+').collect();
        let Some(key) = parts.pop() else { return false };
        let has = |name: &str| parts.contains(&name);
        let mut chars = key.chars();
        let one = chars.next().filter(|_| chars.next().is_none());
        let (same, shift_matters) = match one {
            Some(c) if c.is_ascii_digit() => (pressed.code.strip_prefix("Digit") == Some(key), true),
            Some(c) if c.is_ascii_uppercase() => (pressed.code.strip_prefix("Key") == Some(key), true),
            // `?` stands elsewhere in each layout, mostly with Shift.
            Some(_) => (pressed.key == key, false),
            None if key == "Space" => (pressed.code == "Space", true),
            None => (pressed.key == key, true),
        };
        same && pressed.ctrl == has("Ctrl")
            && pressed.alt == has("Alt")
            && (!shift_matters || pressed.shift == has("Shift"))
    }
}

/// The shortcut that `pressed` is, where `typing` says whether a field that is typed into has the keyboard.
pub fn find(pressed: Pressed<'_>, typing: bool) -> Option<&'static Shortcut> {
    let works = |shortcut: &&Shortcut| match shortcut.place {
        Place::Everywhere => true,
        Place::NotTyping => !typing,
        Place::Told => false,
    };
    SHORTCUTS.iter().filter(works).find(|shortcut| shortcut.is(pressed))
}

/// Carries out what `event` asks for, if it is a shortcut.
pub(super) fn handle(event: &KeyboardEvent, dispatch: &Dispatch) {
    if event.default_prevented() || event.is_composing() {
        return;
    }
    let (key, code) = (event.key(), event.code());
    let pressed = Pressed {
        key: &key,
        code: &code,
        ctrl: event.ctrl_key() || event.meta_key(),
        alt: event.alt_key(),
        shift: event.shift_key(),
    };
    let Some(shortcut) = find(pressed, is_typing()) else { return };
    // A dialog keeps the keyboard until it is closed.
    let modal =
        dom::document().and_then(|document| document.query_selector("dialog[open], [aria-modal=true]").ok().flatten());
    if modal.is_some() {
        return;
    }
    // On a button the space bar presses that button.
    if shortcut.keys == "Space" && is_on_control() {
        return;
    }
    event.prevent_default();
    match shortcut.deed {
        Deed::Press(selector) => {
            if let Some(element) = seen(selector).into_iter().next() {
                element.click();
            }
        }
        Deed::Focus(selector) => focus(selector),
        Deed::Cycle(by) => cycle(by),
        Deed::Whole => {
            let pane = pane_in_focus().unwrap_or(Pane::Stage);
            dispatch.act(Action::Panes(PanesAction::Whole(pane)));
        }
        Deed::Act(make) => dispatch.act(make()),
        Deed::Told => {}
    }
}

fn is_typing() -> bool {
    let active = dom::document().and_then(|document| document.active_element());
    active.is_some_and(|element| {
        let kind = element.get_attribute("type").unwrap_or_default();
        match element.tag_name().as_str() {
            "INPUT" => !matches!(kind.as_str(), "checkbox" | "radio" | "button" | "range"),
            "TEXTAREA" | "SELECT" => true,
            _ => element.has_attribute("contenteditable"),
        }
    })
}

fn is_on_control() -> bool {
    const CONTROLS: &str =
        "button, a, summary, [role=button], [role=tab], [role=option], [role=menuitem], [role=checkbox]";
    let active = dom::document().and_then(|document| document.active_element());
    active.is_some_and(|element| element.matches(CONTROLS).unwrap_or(false))
}

/// What `selector` finds, is on the page, and is not disabled.
fn seen(selector: &str) -> Vec<HtmlElement> {
    let Some(list) = dom::document().and_then(|document| document.query_selector_all(selector).ok()) else {
        return Vec::new();
    };
    let all = (0..list.length()).filter_map(|at| list.item(at)?.dyn_into::<HtmlElement>().ok());
    all.filter(|element| {
        let rect = element.get_bounding_client_rect();
        rect.width() > 0.0 && !element.has_attribute("disabled")
    })
    .collect()
}

/// Gives the keyboard to the first of the selectors (parted by commas, best first) that finds something.
pub(super) fn focus(selectors: &str) {
    for selector in selectors.split(", ") {
        if let Some(element) = seen(selector).into_iter().next() {
            if element.tab_index() < 0 && !element.has_attribute("tabindex") {
                let _ = element.set_attribute("tabindex", "-1");
            }
            let _ = element.focus();
            return;
        }
    }
}

fn cycle(by: isize) {
    let active = dom::document().and_then(|document| document.active_element());
    let whole = |part: &str| part.rsplit(", ").next().unwrap_or_default().to_owned();
    let here: Vec<usize> = (0..PARTS.len()).filter(|at| !seen(&whole(PARTS[*at])).is_empty()).collect();
    if here.is_empty() {
        return;
    }
    let inside = |at: &usize| {
        let part = PARTS[*at].rsplit(", ").next().unwrap_or_default();
        // `.look [role=tab]…, .look` ends in the part as a whole.
        active.as_ref().is_some_and(|element: &Element| element.closest(part).ok().flatten().is_some())
    };
    let next = match here.iter().position(inside) {
        Some(at) => (at as isize + by).rem_euclid(here.len() as isize) as usize,
        None if by > 0 => 0,
        None => here.len() - 1,
    };
    focus(PARTS[here[next]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed<'a>(key: &'a str, code: &'a str) -> Pressed<'a> {
        Pressed { key, code, ..Pressed::default() }
    }

    #[test]
    fn keys_are_found_in_any_layout() {
        let undo = row("Ctrl+Z", Place::NotTyping, Deed::Told, "page", "x");
        assert!(undo.is(Pressed { ctrl: true, ..pressed("я", "KeyZ") }));
        assert!(!undo.is(Pressed { ctrl: true, shift: true, ..pressed("Я", "KeyZ") }));
        assert!(!undo.is(pressed("z", "KeyZ")));
        let part = find(Pressed { alt: true, ..pressed("¡", "Digit1") }, true).map(|found| found.text);
        assert_eq!(part, Some("key-part-1-does"));
    }

    #[test]
    fn a_plain_key_belongs_to_the_field_that_is_typed_into() {
        let help = Pressed { shift: true, ..pressed("?", "Slash") };
        assert!(find(help, true).is_none());
        assert_eq!(find(help, false).map(|found| found.text), Some("key-help-does"));
        assert!(find(pressed("F6", "F6"), true).is_some());
    }

    #[test]
    fn no_two_shortcuts_share_their_keys() {
        let mut keys: Vec<_> = SHORTCUTS.iter().filter(|s| s.place != Place::Told).map(|s| s.keys).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn every_shortcut_has_its_words_in_both_languages() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/locales");
        for lang in ["en", "ru"] {
            let mut text = String::new();
            for file in std::fs::read_dir(format!("{page}/{lang}")).unwrap() {
                text.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
            }
            for shortcut in SHORTCUTS {
                for key in [shortcut.text.to_owned(), format!("keys-{}", shortcut.group)] {
                    assert!(text.contains(&format!("\n{key} = ")), "{lang}: {key}");
                }
            }
        }
    }
}
