//! The few things of the browser that the page uses, each owned by a value whose drop undoes it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, Response, Storage, Window};

/// The window; none outside a page.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The document; none outside a page.
pub fn document() -> Option<Document> {
    window()?.document()
}

/// Wall-clock milliseconds since 1970.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Milliseconds of a clock that only grows, with fractions; for measuring.
pub fn precise_ms() -> f64 {
    window().and_then(|window| window.performance()).map_or_else(now_ms, |clock| clock.now())
}

/// The local time of day at `ms` since 1970: hours, minutes, seconds.
pub fn time_of_day(ms: f64) -> (u32, u32, u32) {
    let date = js_sys::Date::new(&JsValue::from_f64(ms));
    (date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// What was remembered under `key`.
pub fn recall(key: &str) -> Option<String> {
    local_storage()?.get_item(&format!("netmodes.{key}")).ok()?
}

/// Remembers `value` under `key`; whether the browser does (it may forbid it, or be full).
pub fn keep(key: &str, value: &str) -> bool {
    local_storage().is_some_and(|storage| storage.set_item(&format!("netmodes.{key}"), value).is_ok())
}

/// Everything that is remembered, by key.
pub fn kept() -> BTreeMap<String, String> {
    let Some(storage) = local_storage() else { return BTreeMap::new() };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|at| storage.key(at).ok().flatten());
    let entry = |key: String| {
        let value = storage.get_item(&key).ok()??;
        Some((key.strip_prefix("netmodes.")?.to_owned(), value))
    };
    keys.filter_map(entry).collect()
}

/// The fragment of the page's address, with its `#`.
pub fn fragment() -> String {
    window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// The page's address without query and fragment.
pub fn address() -> String {
    let Some(location) = window().map(|window| window.location()) else { return String::new() };
    location.origin().unwrap_or_default() + &location.pathname().unwrap_or_default()
}

fn local_storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

/// The storage of this tab; none where the browser forbids it.
pub fn session_storage() -> Option<Storage> {
    window()?.session_storage().ok()?
}

thread_local! {
    static FILES: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Remembers the names that a release gave to the site's files: a JSON object from the names of development.
pub fn name_files(names: &str) {
    let names = serde_json::from_str(names).unwrap_or_default();
    FILES.with_borrow_mut(|files| *files = names);
}

/// The text of the site's file at `url` (`./locales/en.json`), whatever a release has named it, or what went wrong.
pub async fn fetch_text(url: &str) -> Result<String, String> {
    let named = FILES.with_borrow(|files| files.get(url.trim_start_matches("./")).map(|name| format!("./{name}")));
    let url = named.as_deref().unwrap_or(url);
    let words = |error: JsValue| format!("{error:?}");
    let window = window().ok_or("no window")?;
    let response = JsFuture::from(window.fetch_with_str(url)).await.map_err(words)?;
    let response: Response = response.dyn_into().map_err(words)?;
    if !response.ok() {
        return Err(format!("{url}: {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(words)?).await.map_err(words)?;
    text.as_string().ok_or_else(|| format!("{url}: not text"))
}

/// Scrolls the first element that a selector finds into sight.
pub fn into_view(css: &str) {
    let found = document().and_then(|document| document.query_selector(css).ok().flatten());
    if let Some(element) = found {
        element.scroll_into_view_with_bool(true);
    }
}

/// Offers `bytes` as a file to be saved.
pub fn save(name: &str, kind: &str, bytes: &[u8]) {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let Ok(blob) = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options) else { return };
    let Ok(url) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    let anchor = document().and_then(|document| document.create_element("a").ok());
    if let Some(anchor) = anchor.and_then(|anchor| anchor.dyn_into::<web_sys::HtmlAnchorElement>().ok()) {
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
    }
    // The download has its own hold of the data by the time this task ends.
    wasm_bindgen_futures::spawn_local(async move {
        let _ = web_sys::Url::revoke_object_url(&url);
    });
}

/// Gives the first element that a selector finds the focus.
pub fn focus(css: &str) {
    let found = document().and_then(|document| document.query_selector(css).ok().flatten());
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Sets one property of an element's style. The page's content policy forbids `style` attributes; this is the way past
/// none of it: the object model is allowed.
pub fn set_style(element: &Element, property: &str, value: &str) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.style().set_property(property, value);
    }
}

/// The value that a custom property of the styles has at an element.
pub fn property_of(element: &Element, name: &str) -> Option<String> {
    let value = window()?.get_computed_style(element).ok()??.get_property_value(name).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Whether the reader asked for less motion.
pub fn less_motion() -> bool {
    media("(prefers-reduced-motion: reduce)")
}

/// Whether the system's look is dark.
pub fn prefers_dark() -> bool {
    media("(prefers-color-scheme: dark)")
}

fn media(query: &str) -> bool {
    let query = window().and_then(|window| window.match_media(query).ok().flatten());
    query.is_some_and(|query| query.matches())
}

/// One call before the next repaint; dropped before, it does not come.
#[derive(Debug)]
pub struct NextFrame {
    id: i32,
    _closure: Closure<dyn FnMut(f64)>,
}

impl NextFrame {
    /// Calls `callback` with the frame's time in milliseconds.
    pub fn new(callback: impl FnOnce(f64) + 'static) -> Option<Self> {
        let mut callback = Some(callback);
        let closure = Closure::new(move |time| {
            if let Some(callback) = callback.take() {
                callback(time);
            }
        });
        let id = window()?.request_animation_frame(closure.as_ref().unchecked_ref()).ok()?;
        Some(Self { id, _closure: closure })
    }
}

impl Drop for NextFrame {
    fn drop(&mut self) {
        if let Some(window) = window() {
            let _ = window.cancel_animation_frame(self.id);
        }
    }
}

/// Calls again and again until dropped.
#[derive(Debug)]
pub struct Interval {
    id: i32,
    _closure: Closure<dyn FnMut()>,
}

impl Interval {
    /// Calls `callback` every `ms` milliseconds.
    pub fn new(ms: i32, callback: impl FnMut() + 'static) -> Option<Self> {
        let closure = Closure::<dyn FnMut()>::new(callback);
        let function = closure.as_ref().unchecked_ref();
        let id = window()?.set_interval_with_callback_and_timeout_and_arguments_0(function, ms).ok()?;
        Some(Self { id, _closure: closure })
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        if let Some(window) = window() {
            window.clear_interval_with_handle(self.id);
        }
    }
}

/// One call later, unless dropped before.
#[derive(Debug)]
pub struct Timeout {
    id: i32,
    _closure: Closure<dyn FnMut()>,
}

impl Timeout {
    /// Calls `callback` after `ms` milliseconds.
    pub fn new(ms: i32, callback: impl FnOnce() + 'static) -> Option<Self> {
        let mut callback = Some(callback);
        let closure = Closure::<dyn FnMut()>::new(move || {
            if let Some(callback) = callback.take() {
                callback();
            }
        });
        let function = closure.as_ref().unchecked_ref();
        let id = window()?.set_timeout_with_callback_and_timeout_and_arguments_0(function, ms).ok()?;
        Some(Self { id, _closure: closure })
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let Some(window) = window() {
            window.clear_timeout_with_handle(self.id);
        }
    }
}

/// Calls when an element's size has changed, and once at the beginning, until dropped.
#[derive(Debug)]
pub struct Resizes {
    observer: web_sys::ResizeObserver,
    _closure: Closure<dyn FnMut()>,
}

impl Resizes {
    /// Calls `callback`.
    pub fn new(element: &Element, callback: impl FnMut() + 'static) -> Option<Self> {
        let closure = Closure::<dyn FnMut()>::new(callback);
        let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _closure: closure })
    }
}

impl Drop for Resizes {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Listens until dropped.
#[derive(Debug)]
pub struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls `callback` for every event `kind` at `target`.
    pub fn new(target: &EventTarget, kind: &'static str, callback: impl FnMut(Event) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Event)>::new(callback);
        let _ = target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref());
        Self { target: target.clone(), kind, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.kind, self.closure.as_ref().unchecked_ref());
    }
}

/// Watches an element's size until dropped.
#[derive(Debug)]
pub struct SizeWatch {
    observer: web_sys::ResizeObserver,
    _closure: Closure<dyn FnMut()>,
}

impl SizeWatch {
    /// Calls `callback` when the element has another size, and once at the beginning.
    pub fn new(element: &Element, callback: impl FnMut() + 'static) -> Option<Self> {
        let closure = Closure::<dyn FnMut()>::new(callback);
        let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _closure: closure })
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
