//! Looking back: which earlier instant a viewer is shown, and what it is told of it.

use super::record::{Position, Record};
use super::{Runner, Viewer, ViewerId};
use crate::error::UserError;
use crate::limits;
use crate::protocol::{LookTo, LookUnit, Pace, Past, Rewind, ServerMessage};
use crate::time::SimTime;
use crate::world::World;

/// The instant that a viewer is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Which.
    pub at: Position,
    /// How many of the last frame facts it wants with it.
    frames: u32,
    /// How many of each machine's last outputs; none for all.
    words: Option<u32>,
}

impl Runner {
    /// Whether the runner keeps what is needed to look back.
    pub(super) fn looks_back(&self) -> bool {
        self.config.capabilities.rewind != Rewind::None
    }

    pub(super) fn look_back(
        &mut self,
        viewer: ViewerId,
        wall_ns: u64,
        to: LookTo,
        frames: u32,
        words: Option<u32>,
    ) -> Result<(), UserError> {
        self.need(self.looks_back(), "rewind")?;
        if self.config.capabilities.pace && self.clock.pace().running {
            self.catch_up(wall_ns);
            self.resume = true;
            self.set_pace(wall_ns, Pace { running: false, ..self.clock.pace() });
        }
        self.end_chase(wall_ns);
        let now = self.now()?;
        let shown = self.viewers.get(&viewer).and_then(|viewer| viewer.past).map_or(now, |look| look.at);
        let record = self.record.as_ref().ok_or_else(|| UserError::new("no-lab"))?;
        let at = find(record, shown, now, to);
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.past = Some(Look { at, frames, words });
        }
        self.resync(viewer);
        Ok(())
    }

    fn now(&self) -> Result<Position, UserError> {
        let world = self.world.as_ref().ok_or_else(|| UserError::new("no-lab"))?;
        Ok(Position { seq: world.seq(), time: world.now() })
    }

    /// Shows a viewer what is again.
    pub(super) fn look_at_now(&mut self, viewer: ViewerId, wall_ns: u64) {
        let looked = self.viewers.get_mut(&viewer).is_some_and(|viewer| viewer.past.take().is_some());
        if looked {
            self.go_on_after_look(wall_ns);
            self.resync(viewer);
        }
    }

    /// Lets lab time run again when it stands only because somebody looked back, and nobody does any more.
    pub(super) fn go_on_after_look(&mut self, wall_ns: u64) {
        let looking = self.viewers.values().any(|viewer| viewer.past.is_some());
        if self.resume && !looking {
            self.resume = false;
            self.set_pace(wall_ns, Pace { running: true, ..self.clock.pace() });
        }
    }

    /// What a viewer is shown: what is, or the instant it looks at.
    pub(super) fn snapshot(&self, viewer: ViewerId) -> Option<ServerMessage> {
        let (world, lab, record) = (self.world.as_ref()?, self.lab.as_ref()?, self.record.as_ref()?);
        let title = ["en", "ru"].into_iter().map(|lang| (lang.to_owned(), lab.title_in(lang).to_owned())).collect();
        let (lab, seed) = (lab.name.clone(), world.seed());
        let look = self.viewers.get(&viewer).and_then(|viewer| viewer.past);
        Some(match look {
            None => ServerMessage::Snapshot {
                lab,
                title,
                seed,
                seq: world.seq(),
                time: world.now(),
                rows: world.rows(false),
                history: record.recent(world.seq(), world.now()),
                past: None,
            },
            Some(Look { at, frames, words }) => {
                let (history, in_flight) = record.passing(at, frames as usize, words);
                let past = past(record, world, at, in_flight);
                let rows = record.view(at).rows();
                let (seq, time) = (at.seq, at.time);
                ServerMessage::Snapshot { lab, title, seed, seq, time, rows, history, past: Some(past) }
            }
        })
    }

    /// How many inputs had been done at a place.
    pub(super) fn inputs_at(&self, at: Position) -> usize {
        let counted = self.record.as_ref().and_then(|record| record.inputs(at));
        let by_time = || self.inputs.iter().take_while(|input| input.at <= at.time).count();
        counted.map_or_else(by_time, |count| count as usize).min(self.inputs.len())
    }
}

impl Viewer {
    /// Whether it is shown an earlier instant.
    pub(super) fn looks_back(&self) -> bool {
        self.past.is_some()
    }
}

fn past(record: &Record, world: &World, at: Position, in_flight: Vec<u64>) -> Past {
    let first = record.first();
    Past {
        first: first.time,
        first_seq: first.seq,
        frames_forgotten: record.frames_forgotten(),
        now: world.now(),
        now_seq: world.seq(),
        in_flight,
        inputs: record.inputs(at).unwrap_or(0),
    }
}

fn find(record: &Record, shown: Position, now: Position, to: LookTo) -> Position {
    match to {
        LookTo::Time { at } => record.at_time(at.min(now.time).min(limits::LAB_TIME_MAX)),
        LookTo::Event { seq } => record.at_event(seq),
        LookTo::Back { by } => record.step(shown.seq, by, false),
        LookTo::Forth { by } => forth(record, shown, now, by),
        LookTo::Start => Position { time: record.first().time.max(SimTime::ZERO), ..record.first() },
    }
}

/// Past the last event there is only the present.
fn forth(record: &Record, shown: Position, now: Position, by: LookUnit) -> Position {
    let next = record.step(shown.seq, by, true);
    if next.seq <= shown.seq { now } else { next }
}
