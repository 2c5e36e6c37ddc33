//! Viewers: what each still has to be told, how much at a time, what a late one is shown of the past.

use std::collections::{BTreeMap, VecDeque};

use super::Runner;
use crate::event::{Event, Fact};
use crate::protocol::ServerMessage;
use crate::world::World;

/// At most one message with events in this time (16 ms): no eye sees more.
pub(super) const FLUSH_NS: u64 = 16_000_000;
/// Frame facts in one such message; more are counted and not shown.
const FRAMES_PER_FLUSH: usize = 1_000;
/// Passing events that a late viewer is still shown.
const HISTORY_MAX: usize = 4_000;

/// Names a viewer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ViewerId(pub u32);

/// A viewer.
#[derive(Clone, Debug, Default)]
pub(super) struct Viewer {
    pub greeted: bool,
    pub frames: bool,
    pub host_sockets: bool,
    pending: Vec<Event>,
    pending_frames: usize,
    not_shown: u64,
}

impl Viewer {
    /// Remembers an event for the next message.
    pub(super) fn take(&mut self, event: &Event) {
        if !self.greeted {
            return;
        }
        if is_frame_fact(&event.fact) {
            if !self.frames {
                return;
            }
            if self.pending_frames >= FRAMES_PER_FLUSH {
                self.not_shown += u64::from(matches!(event.fact, Fact::FrameSent(_)));
                return;
            }
            self.pending_frames += 1;
        }
        self.pending.push(event.clone());
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty() || self.not_shown > 0
    }

    fn forget_pending(&mut self) {
        self.pending.clear();
        self.pending_frames = 0;
        self.not_shown = 0;
    }
}

fn is_frame_fact(fact: &Fact) -> bool {
    matches!(fact, Fact::FrameSent(_) | Fact::FrameDropped(_) | Fact::Decided { .. })
}

/// The last events that pass by (frames, output): what rows do not tell.
#[derive(Clone, Debug, Default)]
pub(super) struct History(VecDeque<Event>);

impl History {
    pub(super) fn take(&mut self, event: Event) {
        if matches!(event.fact, Fact::Put { .. } | Fact::Del { .. }) {
            return;
        }
        if self.0.len() >= HISTORY_MAX {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Runner {
    /// Sends a viewer everything anew: it was too slow, or has just come.
    pub fn resync(&mut self, viewer: super::ViewerId) {
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.forget_pending();
        }
        self.messages.retain(|(id, text)| *id != viewer || !text.starts_with("{\"m\":\"events\""));
        if let Some(snapshot) = self.snapshot() {
            self.tell(viewer, &snapshot);
            let time = self.world.as_ref().map(World::now).unwrap_or_default();
            self.tell(viewer, &ServerMessage::Clock { time, pace: self.clock.pace() });
        }
    }

    fn snapshot(&self) -> Option<ServerMessage> {
        let (world, lab) = (self.world.as_ref()?, self.lab.as_ref()?);
        let title: BTreeMap<_, _> =
            ["en", "ru"].into_iter().map(|lang| (lang.to_owned(), lab.title_in(lang).to_owned())).collect();
        Some(ServerMessage::Snapshot {
            lab: lab.name.clone(),
            title,
            seed: world.seed(),
            seq: world.seq(),
            time: world.now(),
            rows: world.rows(false),
            history: self.history.0.iter().cloned().collect(),
        })
    }

    pub(super) fn tell(&mut self, viewer: ViewerId, message: &ServerMessage) {
        if let Ok(text) = serde_json::to_string(message) {
            self.messages.push_back((viewer, text));
        }
    }

    pub(super) fn tell_all(&mut self, message: &ServerMessage) {
        let viewers: Vec<_> = self.viewers.iter().filter(|(_, v)| v.greeted).map(|(id, _)| *id).collect();
        for viewer in viewers {
            self.tell(viewer, message);
        }
    }

    pub(super) fn resync_all(&mut self) {
        let viewers: Vec<_> = self.viewers.iter().filter(|(_, v)| v.greeted).map(|(id, _)| *id).collect();
        for viewer in viewers {
            self.resync(viewer);
        }
    }

    /// Sends what is pending, at most one message in [`FLUSH_NS`] unless it is `urgent`.
    pub(super) fn flush(&mut self, wall_ns: u64, urgent: bool) {
        if !urgent && wall_ns.saturating_sub(self.last_flush) < FLUSH_NS {
            return;
        }
        let Some(time) = self.world.as_ref().map(World::now) else { return };
        let mut messages = Vec::new();
        for (id, viewer) in self.viewers.iter_mut().filter(|(_, viewer)| viewer.has_pending()) {
            let events = core::mem::take(&mut viewer.pending);
            let frames_not_shown = core::mem::take(&mut viewer.not_shown);
            viewer.pending_frames = 0;
            messages.push((*id, ServerMessage::Events { time, events, frames_not_shown }));
        }
        if !messages.is_empty() {
            self.last_flush = wall_ns;
        }
        for (viewer, message) in messages {
            self.tell(viewer, &message);
        }
    }
}
