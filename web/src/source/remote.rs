//! The lab at an agent: a WebSocket at the page's own address, made again with growing pauses when it is lost.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, WebSocket};

use super::{Listen, Source, SourceEvent};
use crate::dom::{self, Listener, Timeout};

/// First pause before a new attempt, in milliseconds; it doubles with every attempt.
const PAUSE_MS_FIRST: i32 = 500;
/// Longest pause.
const PAUSE_MS_MAX: i32 = 10_000;

/// The agent.
pub(super) struct Remote(Rc<RefCell<Inner>>);

struct Inner {
    this: Weak<RefCell<Inner>>,
    token: String,
    listen: Listen,
    socket: Option<WebSocket>,
    listeners: Vec<Listener>,
    pause_ms: i32,
    again: Option<Timeout>,
}

impl Remote {
    /// Connects.
    pub(super) fn open(token: &str, listen: Listen) -> Self {
        let inner = Rc::new_cyclic(|this| {
            RefCell::new(Inner {
                this: this.clone(),
                token: token.to_owned(),
                listen,
                socket: None,
                listeners: Vec::new(),
                pause_ms: PAUSE_MS_FIRST,
                again: None,
            })
        });
        connect(&inner);
        Self(inner)
    }
}

impl Source for Remote {
    fn send(&self, text: &str) {
        let socket = self.0.borrow().socket.clone();
        if let Some(socket) = socket.filter(|socket| socket.ready_state() == WebSocket::OPEN) {
            let _ = socket.send_with_str(text);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.listeners.clear();
        if let Some(socket) = &self.socket {
            let _ = socket.close();
        }
    }
}

/// `ws://host/ws` for a page from `http://host/`.
fn address(protocol: &str, host: &str) -> String {
    let scheme = if protocol == "https:" { "wss" } else { "ws" };
    format!("{scheme}://{host}/ws")
}

fn connect(inner: &Rc<RefCell<Inner>>) {
    let Some(location) = dom::window().map(|window| window.location()) else { return };
    let url = address(&location.protocol().unwrap_or_default(), &location.host().unwrap_or_default());
    let protocols = Array::new();
    protocols.push(&JsValue::from_str("netmodes.v1"));
    protocols.push(&JsValue::from_str(&format!("netmodes.token.{}", inner.borrow().token)));
    let Ok(socket) = WebSocket::new_with_str_sequence(&url, &protocols) else {
        let listen = inner.borrow().listen.clone();
        listen(SourceEvent::Failed("page-agent-address"));
        return;
    };
    let weak = || inner.borrow().this.clone();
    let (on_open, on_message, on_close) = (weak(), weak(), weak());
    let listeners = vec![
        Listener::new(&socket, "open", move |_| opened(&on_open)),
        Listener::new(&socket, "message", move |event| {
            let text = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if let Some(text) = text {
                tell(&on_message, SourceEvent::Message(text));
            }
        }),
        // Every failure ends in `close`; `error` says nothing more (WHATWG WebSockets).
        Listener::new(&socket, "close", move |_| closed(&on_close)),
    ];
    let mut inner = inner.borrow_mut();
    inner.socket = Some(socket);
    inner.listeners = listeners;
}

/// Tells the page; no borrow is held meanwhile, because the page may answer at once.
fn tell(inner: &Weak<RefCell<Inner>>, event: SourceEvent) {
    let Some(inner) = inner.upgrade() else { return };
    let listen = inner.borrow().listen.clone();
    listen(event);
}

fn opened(inner: &Weak<RefCell<Inner>>) {
    if let Some(inner) = inner.upgrade() {
        inner.borrow_mut().pause_ms = PAUSE_MS_FIRST;
    }
    tell(inner, SourceEvent::Open);
}

fn closed(inner: &Weak<RefCell<Inner>>) {
    tell(inner, SourceEvent::Lost);
    let Some(strong) = inner.upgrade() else { return };
    let weak = inner.clone();
    let pause = strong.borrow().pause_ms;
    let again = Timeout::new(pause, move || {
        if let Some(inner) = weak.upgrade() {
            connect(&inner);
        }
    });
    let mut strong = strong.borrow_mut();
    strong.pause_ms = (pause * 2).min(PAUSE_MS_MAX);
    strong.again = again;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_at_the_page_s_own_address() {
        assert_eq!(address("http:", "127.0.0.1:8600"), "ws://127.0.0.1:8600/ws");
        assert_eq!(address("https:", "lab.example"), "wss://lab.example/ws");
    }
}
