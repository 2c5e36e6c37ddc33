//! The lab in this page's worker (`static/worker.js`). A text is a message of the protocol; an object is about the
//! worker itself: `{ready}` or `{failed}`.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{Listen, Source, SourceEvent};
use crate::dom::Listener;

/// The worker.
pub(super) struct Local {
    worker: Option<Worker>,
    _listeners: Vec<Listener>,
}

impl Local {
    /// Starts the worker.
    pub(super) fn open(listen: Listen) -> Self {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let Ok(worker) = Worker::new_with_options("./worker.js", &options) else {
            listen(SourceEvent::Failed("page-worker-failed"));
            return Self { worker: None, _listeners: Vec::new() };
        };
        let on_message = listen.clone();
        let message = Listener::new(&worker, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            on_message(read(&event.data()));
        });
        let error = Listener::new(&worker, "error", move |_| listen(SourceEvent::Failed("page-worker-failed")));
        Self { worker: Some(worker), _listeners: vec![message, error] }
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
        if let Some(worker) = &self.worker {
            let _ = worker.post_message(&JsValue::from_str(text));
        }
    }
}
