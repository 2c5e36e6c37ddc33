//! What the page knows of time besides the clock: the earlier instant that is looked at and what is put aside meanwhile,
//! the inputs, what can be taken back, what takes long. Plain data; [`super::travel`] changes it, [`super::snapshot`]
//! fills it.

use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::protocol::{Doing, LookTo, Past, SessionInput};
use netmodes_core::time::SimTime;
use netmodes_core::view::LabView;

use super::{Clock, FrameLog, Happened, Outcomes, Shared, Terminal};

/// The earlier instant that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Lab time of it.
    pub at: SimTime,
    /// Number of the last event before it.
    pub seq: u64,
    /// What the source said of it.
    pub past: Past,
    /// Terminals and frames came with it as far back as they are ever shown.
    pub whole: bool,
    /// The source was asked for an instant of time, not for a place after an event.
    pub by_time: bool,
}

/// What is now, put aside while an earlier instant is shown.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(super) view: Shared<LabView>,
    pub(super) frames: Shared<FrameLog>,
    pub(super) outcomes: Shared<Outcomes>,
    pub(super) happened: Shared<Happened>,
    pub(super) terminals: Shared<BTreeMap<NodeId, Shared<Terminal>>>,
    /// The clock as it was when the look began.
    pub clock: Clock,
}

/// What takes long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Long {
    /// What.
    pub doing: Doing,
    /// Lab time at its beginning.
    pub from: SimTime,
    /// Lab time it has come to.
    pub now: SimTime,
    /// Lab time it goes to, if known.
    pub to: Option<SimTime>,
    /// Steps so far.
    pub steps: u64,
    /// All steps, if known.
    pub of: Option<u64>,
}

impl Long {
    /// How much of it is done, 0 to 1, if that is known.
    pub fn part(&self) -> Option<f64> {
        let part = match (self.to, self.of) {
            (_, Some(of)) if of > 0 => self.steps as f64 / of as f64,
            (Some(to), _) => {
                let whole = to.since(self.from).as_secs_f64();
                if whole > 0.0 { self.now.since(self.from).as_secs_f64() / whole } else { 1.0 }
            }
            _ => return None,
        };
        Some(part.clamp(0.0, 1.0))
    }
}

/// A look that the source was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// Which instant.
    pub to: LookTo,
    /// Everything is to come along, not only what is quick.
    pub whole: bool,
}

/// A session that was left for another one, or for its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// The lab's name.
    pub lab: String,
    /// The seed.
    pub seed: u64,
    /// What was done in it.
    pub inputs: Rc<Vec<SessionInput>>,
}

/// Playing back what was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// Lab time per wall time, in millionths.
    pub speed_ppm: u64,
    /// Lab time that was reached …
    pub at: SimTime,
    /// … at this moment of the wall's clock, in milliseconds.
    pub wall_ms: f64,
}

/// The page's knowledge of time.
#[derive(Clone, Debug, Default)]
pub struct PastState {
    /// The earlier instant that is shown; none while the page shows what is.
    pub look: Option<Look>,
    /// What is now, meanwhile.
    pub kept: Option<Rc<Kept>>,
    /// The session's inputs, oldest first.
    pub inputs: Rc<Vec<SessionInput>>,
    /// How many of them can be taken back.
    pub undo: u32,
    /// How many can be done again.
    pub redo: u32,
    /// The one that would be done again.
    pub next: Option<Rc<SessionInput>>,
    /// What takes long now.
    pub long: Option<Long>,
    /// Playing back.
    pub play: Option<Playback>,
    /// The speed for playing back; the clock's when none was chosen.
    pub play_speed: Option<u64>,
    /// The session before this one.
    pub left: Option<Left>,
    /// The look under way.
    pub asked: Option<Ask>,
    /// The look that is wanted next.
    pub waiting: Option<Ask>,
    /// The way back to what is (or will be) was asked for: nothing earlier is, until the answer.
    pub leaving: bool,
    /// How many looks were answered.
    pub looks: u64,
    /// Another session was asked for: the next picture is a new beginning.
    pub(super) fresh: bool,
    /// Up to which event each terminal's screen was cleared.
    pub(super) cleared: BTreeMap<NodeId, u64>,
}

impl PastState {
    /// Lab time now: not that of the instant that is looked at.
    pub fn now(&self, clock: &Clock) -> SimTime {
        self.look.as_ref().map_or(clock.time, |look| look.past.now)
    }
}
