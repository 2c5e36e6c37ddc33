//! The lab in this page's worker (`static/worker.js`), which `static/boot.js` started. A text is a message of the protocol;
//! an object is about the worker itself: `{ready}` or `{failed}`.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker};

use super::{Listen, Source, SourceEvent};
use crate::dom::Listener;

/// The worker.
pub(super) struct Local {
    worker: Worker,
    _listeners: Vec<Listener>,
}

impl Local {
    /// Listens to `worker` and asks it to speak: what it said before anybody listened is lost.
    pub(super) fn open(worker: Worker, listen: Listen) -> Self {
        let on_message = listen.clone();
        let message = Listener::new(&worker, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            on_message(read(&event.data()));
        });
        let error = Listener::new(&worker, "error", move |_| listen(SourceEvent::Failed("page-worker-failed")));
        let _ = worker.post_message(&JsValue::NULL);
        Self { worker, _listeners: vec![message, error] }
    }
}

fn read(data: &JsValue) -> SourceEvent {
    if let Some(text) = data.as_string() {
        return SourceEvent::Message(text);
    }
    let has = |name: &str| Reflect::has(data, &JsValue::from_str(name)).unwrap_or(false);
    if has("ready") { SourceEvent::Open } else { SourceEvent::Failed("page-worker-failed") }
}

impl Source for Local {
    fn send(&self, text: &str) {
        let _ = self.worker.post_message(&JsValue::from_str(text));
    }
}
