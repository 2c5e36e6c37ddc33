//! What is shown when the page's own code fails: a wasm module does not come back from a panic, so the message must say
//! what to report and how to go on.

use std::cell::RefCell;

use crate::dom;

thread_local! {
    static SEED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes lab and seed for the message.
pub(super) fn note(lab: &str, seed: u64) {
    SEED.with(|note| *note.borrow_mut() = format!("{lab}, seed {seed}"));
}

/// Installs the hook.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let lab = SEED.with(|note| note.try_borrow().map(|note| note.clone()).unwrap_or_default());
        let message = format!("Netmodes {} ({lab}): {info}", env!("CARGO_PKG_VERSION"));
        web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&message));
        show(&message);
    }));
}

/// Shows the bar that `index.html` keeps ready: it must not need anything of the application that just failed.
fn show(message: &str) {
    let Some(document) = dom::document() else { return };
    if let Some(bar) = document.get_element_by_id("crash") {
        let _ = bar.remove_attribute("hidden");
    }
    if let Some(text) = document.get_element_by_id("crash-text") {
        text.set_text_content(Some(message));
    }
}
