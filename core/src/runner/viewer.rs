//! Viewers: what each still has to be told, how much at a time, what a late one is shown of the past.

use super::Runner;
use super::past::Look;
use crate::event::{Event, Fact};
use crate::protocol::ServerMessage;
use crate::world::World;

/// At most one message with events in this time (16 ms): no eye sees more.
pub(super) const FLUSH_NS: u64 = 16_000_000;
/// Frame facts in one such message of a lab whose time can wait; of more the newest are shown, the others counted.
pub(super) const FRAMES_PER_FLUSH: usize = 1_000;
/// The same of a lab with real time: some thousand frames a second with what became of them, more than anybody follows. One
/// exchange that comes in a single burst still fits.
pub(super) const FRAMES_PER_FLUSH_REAL: usize = 256;
/// Facts that wait beyond the cap before the oldest are forgotten.
const PENDING_SLACK: usize = 4_000;

/// Names a viewer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ViewerId(pub u32);

/// A viewer.
#[derive(Clone, Debug, Default)]
pub(super) struct Viewer {
    pub greeted: bool,
    pub frames: bool,
    pub host_sockets: bool,
    /// The earlier instant that it is shown.
    pub past: Option<Look>,
    /// Frame facts that one message may hold.
    frames_max: usize,
    pending: Vec<Event>,
    pending_frames: usize,
    not_shown: u64,
}

impl Viewer {
    /// One that has not said hello; of more frame facts than `frames_max` in one message the oldest are not shown.
    pub(super) fn new(frames_max: usize) -> Self {
        Self { frames_max, ..Self::default() }
    }

    /// Remembers an event for the next message.
    pub(super) fn take(&mut self, event: &Event) {
        // Who looks back gets everything anew when it comes back.
        if !self.greeted || self.past.is_some() {
            return;
        }
        if is_frame_fact(&event.fact) {
            if !self.frames {
                return;
            }
            self.pending_frames += 1;
        }
        self.pending.push(event.clone());
        if self.pending_frames > self.frames_max + PENDING_SLACK {
            self.shorten();
        }
    }

    /// Forgets the oldest frame facts that are too many: after a jump its end matters more than its beginning.
    fn shorten(&mut self) {
        let mut excess = self.pending_frames.saturating_sub(self.frames_max);
        self.pending_frames -= excess;
        self.pending.retain(|event| {
            let goes = excess > 0 && is_frame_fact(&event.fact);
            excess -= usize::from(goes);
            self.not_shown += u64::from(goes && matches!(event.fact, Fact::FrameSent(_)));
            !goes
        });
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

impl Runner {
    /// Sends a viewer everything anew: it was too slow, or has just come.
    pub fn resync(&mut self, viewer: super::ViewerId) {
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.forget_pending();
        }
        self.messages.retain(|(id, text)| *id != viewer || !text.starts_with("{\"m\":\"events\""));
        if let Some(snapshot) = self.snapshot(viewer) {
            self.tell(viewer, &snapshot);
            let time = self.world.as_ref().map(World::now).unwrap_or_default();
            if self.viewers.get(&viewer).is_some_and(|viewer| !viewer.looks_back()) {
                self.tell(viewer, &ServerMessage::Clock { time, pace: self.clock.pace() });
            }
        }
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
            viewer.shorten();
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
