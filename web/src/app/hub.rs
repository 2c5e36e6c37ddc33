//! Where the state lives: takes actions, talks to the source, publishes at most once per animation frame.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::protocol::{ClientMessage, ServerMessage};
use web_sys::Worker;
use yew::Callback;

use crate::dom::{self, NextFrame};
use crate::source::{self, Source, SourceEvent};
use crate::store::{Action, AppState, Effect, ShareAction, Shared, reduce};

/// What could follow on a command line: where the word begins, in bytes, and the words.
pub(crate) type Completions = (usize, Vec<String>);

struct Hub {
    state: RefCell<AppState>,
    source: RefCell<Option<Box<dyn Source>>>,
    publish: Callback<Shared<AppState>>,
    frame: RefCell<Option<NextFrame>>,
    questions: RefCell<BTreeMap<u32, Callback<Completions>>>,
    next_question: Cell<u32>,
}

/// Takes actions from anywhere on the page. Cloning it costs a pointer; it never changes.
#[derive(Clone)]
pub struct Dispatch(Rc<Hub>);

impl PartialEq for Dispatch {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Dispatch {
    /// A state that begins as `state` and is published to `publish`.
    pub(super) fn new(state: AppState, publish: Callback<Shared<AppState>>) -> Self {
        Self(Rc::new(Hub {
            state: RefCell::new(state),
            source: RefCell::default(),
            publish,
            frame: RefCell::default(),
            questions: RefCell::default(),
            next_question: Cell::new(1),
        }))
    }

    /// Opens the source: `worker`, or an agent.
    pub(super) fn open(&self, worker: Option<Worker>) {
        let weak = Rc::downgrade(&self.0);
        let listen = Rc::new(move |event| {
            if let Some(hub) = weak.upgrade() {
                Dispatch(hub).hear(event);
            }
        });
        let source = source::open(worker, listen);
        *self.0.source.borrow_mut() = Some(source);
    }

    /// Carries an action out.
    pub fn act(&self, action: Action) {
        let effects = reduce(&mut self.0.state.borrow_mut(), action);
        for effect in effects {
            match effect {
                Effect::Send(message) => self.send(&message),
                Effect::Keep { key, value } => {
                    if !dom::keep(&key, &value) {
                        reduce(&mut self.0.state.borrow_mut(), Action::Share(ShareAction::CannotKeep));
                    }
                }
                Effect::Download { name, media, bytes } => dom::save(&name, media, &bytes),
            }
        }
        self.publish_soon();
    }

    /// A callback that makes an action of what it is called with.
    pub fn callback<T: 'static>(&self, make: impl Fn(T) -> Action + 'static) -> Callback<T> {
        let dispatch = self.clone();
        Callback::from(move |input| dispatch.act(make(input)))
    }

    /// Asks what could follow at the end of `line`.
    pub fn complete(&self, machine: String, line: String, answer: Callback<Completions>) {
        let id = self.0.next_question.replace(self.0.next_question.get().wrapping_add(1));
        let mut questions = self.0.questions.borrow_mut();
        // A source that was lost never answers: old questions are dropped.
        while questions.len() >= 8 {
            questions.pop_first();
        }
        questions.insert(id, answer);
        drop(questions);
        self.send(&ClientMessage::Complete { id, machine, line });
    }

    /// Asks for samples: they come as rows.
    pub fn sample(&self) {
        self.send(&ClientMessage::Sample { id: 0 });
    }

    fn send(&self, message: &ClientMessage) {
        let Ok(text) = serde_json::to_string(message) else { return };
        if let Some(source) = &*self.0.source.borrow() {
            source.send(&text);
        }
    }

    fn hear(&self, event: SourceEvent) {
        let wall_ms = dom::now_ms();
        match event {
            SourceEvent::Open => self.act(Action::Connected),
            SourceEvent::Lost => self.act(Action::Lost { wall_ms }),
            SourceEvent::Failed(code) => self.act(Action::Failed { code }),
            SourceEvent::Message(text) => match serde_json::from_str(&text) {
                Ok(ServerMessage::Completions { id, from, words }) => {
                    let answer = self.0.questions.borrow_mut().remove(&id);
                    if let Some(answer) = answer {
                        answer.emit((from as usize, words));
                    }
                }
                Ok(message) => self.act(Action::Received { message: Box::new(message), wall_ms }),
                Err(error) => self.act(Action::Unreadable { detail: error.to_string() }),
            },
        }
    }

    fn publish_soon(&self) {
        if self.0.frame.borrow().is_some() {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        let frame = NextFrame::new(move |_| {
            let Some(hub) = weak.upgrade() else { return };
            // Taken out, not dropped in place: this closure runs inside it.
            let done = hub.frame.borrow_mut().take();
            let state = Shared::new(hub.state.borrow().clone());
            hub.publish.emit(state);
            if let Some(done) = done {
                wasm_bindgen_futures::spawn_local(async move { drop(done) });
            }
        });
        *self.0.frame.borrow_mut() = frame;
    }
}
