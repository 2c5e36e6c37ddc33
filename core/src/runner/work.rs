//! What takes long, in slices: replays, for loading, branching, undo and redo. Progress is told at a human rate, and a
//! viewer can stop it.

use super::session::{Replay, Replayed};
use super::{Runner, STEPS_PER_CALL, ViewerId};
use crate::error::UserError;
use crate::lab::Lab;
use crate::protocol::{Doing, LabChoice, Rewind, ServerMessage, Session, SessionInput};
use crate::time::SimTime;
use crate::world::{Command, World};

/// Steps of a replay in one call: some ten milliseconds.
const REPLAY_STEPS_PER_CALL: u32 = 4 * STEPS_PER_CALL;
/// Progress is told this often (a tenth of a second).
pub(super) const PROGRESS_NS: u64 = 100_000_000;

/// An input that was taken back, and until when the lab had gone on after it.
#[derive(Clone, Debug)]
pub(super) struct Undone {
    input: SessionInput,
    until: SimTime,
}

/// A replay under way.
#[derive(Debug)]
pub(super) struct Work {
    doing: Doing,
    viewer: ViewerId,
    replay: Replay,
    /// The lab it is a replay of, when that is another one.
    lab: Option<(Lab, LabChoice)>,
    /// What can be done again afterwards.
    redo: Vec<Undone>,
    /// What is to be done afterwards.
    then: Option<Command>,
    /// The wall's time when progress was told last.
    told: u64,
    said: bool,
}

impl Work {
    fn load(viewer: ViewerId, told: u64, replay: Replay, lab: (Lab, LabChoice)) -> Self {
        let (redo, then) = (Vec::new(), None);
        Self { doing: Doing::Load, viewer, replay, lab: Some(lab), redo, then, told, said: false }
    }
}

impl Runner {
    /// Starts a lab, and does a session's inputs again.
    pub(super) fn load(
        &mut self,
        viewer: ViewerId,
        wall_ns: u64,
        choice: LabChoice,
        seed: u64,
        inputs: Vec<SessionInput>,
        lab_hash: Option<&str>,
    ) -> Result<(), UserError> {
        let lab = self.find_lab(&choice)?;
        if lab_hash.is_some_and(|hash| hash != lab.hash_hex()) {
            return Err(UserError::new("session-lab-changed").with("lab", &lab.name));
        }
        let replay = Replay::new(&lab, seed, inputs, None, self.looks_back(), self.watches())?;
        self.begin(Work::load(viewer, wall_ns, replay, (lab, choice)));
        self.work(wall_ns)
    }

    /// Loads a session.
    pub(super) fn open(&mut self, viewer: ViewerId, wall_ns: u64, session: Session) -> Result<(), UserError> {
        let hash = Some(session.lab_hash.as_str());
        self.load(viewer, wall_ns, session.lab, session.seed, session.inputs, hash)
    }

    /// Starts the lab that runs anew; whatever it was loaded from, it is the same lab.
    pub(super) fn restart(&mut self, viewer: ViewerId, wall_ns: u64) -> Result<(), UserError> {
        let (Some(lab), Some(world)) = (&self.lab, &self.world) else { return Err(UserError::new("no-lab")) };
        let (lab, seed) = ((lab.clone(), self.choice.clone()), world.seed());
        let replay = Replay::new(&lab.0, seed, Vec::new(), None, self.looks_back(), self.watches())?;
        self.begin(Work::load(viewer, wall_ns, replay, lab));
        self.work(wall_ns)
    }

    /// Makes what a viewer looks at the present; then does `then`.
    pub(super) fn branch(&mut self, viewer: ViewerId, wall_ns: u64, then: Option<Command>) -> Result<(), UserError> {
        self.need(self.config.capabilities.rewind == Rewind::World, "branch")?;
        let look = self.viewers.get(&viewer).and_then(|viewer| viewer.past);
        let at = look.ok_or_else(|| UserError::new("not-looking-back"))?.at;
        let kept = self.inputs_at(at);
        let mut redo = self.redo.clone();
        let mut until = self.world.as_ref().map_or(at.time, World::now);
        for input in self.inputs.iter().skip(kept).rev() {
            redo.push(Undone { input: input.clone(), until });
            until = input.at;
        }
        let inputs = self.inputs.iter().take(kept).cloned().collect();
        self.replay_own(Doing::Branch, viewer, wall_ns, inputs, at.time, redo, then)
    }

    pub(super) fn undo(&mut self, viewer: ViewerId, wall_ns: u64) -> Result<(), UserError> {
        self.need(self.config.capabilities.rewind == Rewind::World, "undo")?;
        self.catch_up(wall_ns);
        let Some((input, before)) = self.inputs.split_last() else { return Err(UserError::new("nothing-to-undo")) };
        let (input, before) = (input.clone(), before.to_vec());
        let mut redo = self.redo.clone();
        let at = input.at;
        redo.push(Undone { input, until: self.world.as_ref().map_or(at, World::now) });
        self.replay_own(Doing::Undo, viewer, wall_ns, before, at, redo, None)
    }

    pub(super) fn redo(&mut self, viewer: ViewerId, wall_ns: u64) -> Result<(), UserError> {
        self.need(self.config.capabilities.rewind == Rewind::World, "redo")?;
        let mut redo = self.redo.clone();
        let Undone { input, until } = redo.pop().ok_or_else(|| UserError::new("nothing-to-redo"))?;
        let mut inputs = self.inputs.clone();
        inputs.push(input);
        self.replay_own(Doing::Redo, viewer, wall_ns, inputs, until, redo, None)
    }

    #[allow(clippy::too_many_arguments, reason = "one place that begins a replay of this very session")]
    fn replay_own(
        &mut self,
        doing: Doing,
        viewer: ViewerId,
        wall_ns: u64,
        inputs: Vec<SessionInput>,
        until: SimTime,
        redo: Vec<Undone>,
        then: Option<Command>,
    ) -> Result<(), UserError> {
        let (Some(lab), Some(world)) = (&self.lab, &self.world) else { return Err(UserError::new("no-lab")) };
        let replay = Replay::new(lab, world.seed(), inputs, Some(until), self.looks_back(), self.watches())?;
        self.begin(Work { doing, viewer, replay, lab: None, redo, then, told: wall_ns, said: false });
        self.work(wall_ns)
    }

    fn begin(&mut self, work: Work) {
        self.chase = None;
        self.work = Some(work);
    }

    /// Goes on with what is under way, for one slice.
    pub(super) fn work(&mut self, wall_ns: u64) -> Result<(), UserError> {
        let Some(work) = &mut self.work else { return Ok(()) };
        match work.replay.go_on(REPLAY_STEPS_PER_CALL) {
            Replayed::More => {
                if wall_ns.saturating_sub(work.told) >= PROGRESS_NS {
                    work.told = wall_ns;
                    work.said = true;
                    self.tell_work(false);
                }
                Ok(())
            }
            Replayed::Whole => self.finish(wall_ns, Ok(())),
            Replayed::Failed(error) => self.finish(wall_ns, Err(error)),
        }
    }

    /// A slice while nobody is there to hear what went wrong directly: whoever asked is told.
    pub(super) fn work_on(&mut self, wall_ns: u64) {
        let viewer = self.work.as_ref().map(|work| work.viewer);
        if let (Err(error), Some(viewer)) = (self.work(wall_ns), viewer) {
            self.tell(viewer, &ServerMessage::Error(error));
        }
    }

    fn tell_work(&mut self, over: bool) {
        let Some(work) = &self.work else { return };
        let replay = &work.replay;
        let to = replay.until.or(replay.inputs.last().map(|input| input.at));
        let message = ServerMessage::Progress {
            doing: work.doing,
            from: SimTime::ZERO,
            now: replay.world.now(),
            to,
            steps: replay.steps,
            of: None,
            over,
        };
        self.tell_all(&message);
    }

    /// The replay is over. One of this very session that went wrong, or was stopped, leaves everything as it was; of
    /// another one the student gets what could be done again.
    pub(super) fn finish(&mut self, wall_ns: u64, result: Result<(), UserError>) -> Result<(), UserError> {
        if self.work.as_ref().is_some_and(|work| work.said) {
            self.tell_work(true);
        }
        let Some(Work { doing, viewer, replay, lab, redo, then, .. }) = self.work.take() else { return result };
        if result.is_err() && doing != Doing::Load {
            return result;
        }
        let Replay { world, record, mut inputs, done, .. } = replay;
        inputs.truncate(done);
        if let Some((lab, choice)) = lab {
            self.lab = Some(lab);
            self.choice = choice;
        }
        self.world = Some(world);
        self.record = Some(record);
        self.inputs = inputs;
        self.redo = redo;
        self.viewers.values_mut().for_each(|viewer| viewer.past = None);
        self.update_watch();
        self.restart_clock(wall_ns);
        self.go_on_after_look(wall_ns);
        self.resync_all();
        match then {
            Some(command) => {
                self.tell_undoable(0);
                self.do_command(viewer, wall_ns, command)?;
            }
            None => self.tell_undoable(0),
        }
        result
    }

    /// Ends what takes long: a jump stands where it has come to, a replay is dropped.
    pub(super) fn stop(&mut self, wall_ns: u64) {
        self.end_chase(wall_ns);
        self.end_survey();
        if self.work.is_some() {
            // Nothing went wrong: there is nothing to say but that it is over.
            let _ = self.finish(wall_ns, Err(UserError { code: String::new(), args: Vec::new() }));
        }
    }

    /// What could be taken back and done again, and the inputs from number `from` on; nothing where nobody looks back.
    pub(super) fn undoable(&self, from: usize) -> Option<ServerMessage> {
        if !self.looks_back() {
            return None;
        }
        let bare = |input: &SessionInput| SessionInput { fingerprint: String::new(), ..input.clone() };
        let inputs = self.inputs.iter().skip(from).map(bare).collect();
        let world = self.config.capabilities.rewind == Rewind::World;
        let [undo, redo] = [self.inputs.len(), self.redo.len()].map(|count| if world { count as u32 } else { 0 });
        let next = self.redo.last().map(|undone| Box::new(bare(&undone.input)));
        Some(ServerMessage::Undoable { undo, redo, from: from as u32, inputs, next })
    }

    /// Tells everybody [`Runner::undoable`].
    pub(super) fn tell_undoable(&mut self, from: usize) {
        if let Some(message) = self.undoable(from) {
            self.tell_all(&message);
        }
    }
}
