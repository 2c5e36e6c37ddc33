//! Sessions: a lab plus the inputs in order, recorded and replayed.

use super::Runner;
use super::viewer::History;
use crate::error::UserError;
use crate::lab::Lab;
use crate::limits;
use crate::protocol::{LabChoice, Session, SessionInput};
use crate::time::SimTime;
use crate::world::{Command, Input, Output, World};

/// Steps of the world that a replay may take; more than any lesson, and a bound for a hostile link.
const REPLAY_STEPS_MAX: u64 = 20_000_000;

impl Runner {
    /// Starts a lab, and does a session's inputs again.
    pub(super) fn load(
        &mut self,
        wall_ns: u64,
        choice: LabChoice,
        seed: u64,
        inputs: Vec<SessionInput>,
    ) -> Result<(), UserError> {
        if inputs.len() > limits::SESSION_INPUTS_MAX {
            return Err(UserError::new("session-too-long").with("max", limits::SESSION_INPUTS_MAX));
        }
        let lab = self.find_lab(&choice)?;
        let mut world = World::new(&lab, seed)?;
        world.watch_frames(self.viewers.values().any(|viewer| viewer.frames));
        let mut history = History::default();
        let replayed = replay(&mut world, &inputs, &mut history);
        self.start(lab, choice, seed)?;
        // Even where a session diverges, the student gets what could be done again.
        let (done, result) = match replayed {
            Ok(()) => (inputs, Ok(())),
            Err((done, error)) => (inputs.into_iter().take(done).collect(), Err(error)),
        };
        if !done.is_empty() {
            self.world = Some(world);
            self.inputs = done;
            self.history = history;
            self.update_watch();
            self.drain();
        }
        self.restart_clock(wall_ns);
        self.resync_all();
        result
    }

    fn find_lab(&self, choice: &LabChoice) -> Result<Lab, UserError> {
        match choice {
            LabChoice::Named(name) => {
                let found = self.config.labs.iter().find(|(known, _)| known == name);
                found.map(|(_, lab)| lab.clone()).ok_or_else(|| UserError::new("unknown-lab").with("name", name))
            }
            LabChoice::Inline(json) => Lab::from_json(&json.to_string()),
        }
    }

    /// The session so far.
    pub(super) fn session(&self) -> Result<Session, UserError> {
        let (Some(world), Some(lab)) = (&self.world, &self.lab) else { return Err(UserError::new("no-lab")) };
        Ok(Session {
            core: env!("CARGO_PKG_VERSION").to_owned(),
            lab: self.choice.clone(),
            lab_hash: lab.hash_hex(),
            seed: world.seed(),
            inputs: self.inputs.clone(),
        })
    }
}

/// Does inputs again; what passes by on the way goes into `history`. On a difference: how many were done before it, and
/// which it was.
fn replay(world: &mut World, inputs: &[SessionInput], history: &mut History) -> Result<(), (usize, UserError)> {
    let mut steps = 0;
    // The facts of the building are in every snapshot.
    while world.poll_output().is_some() {}
    for (index, input) in inputs.iter().enumerate() {
        let failed = |code: &str| {
            let name = format!("{:?}", input.command);
            (index, UserError::new(code).with("index", index + 1).with("command", name))
        };
        if input.at < world.now() || input.at > limits::LAB_TIME_MAX {
            return Err(failed("session-out-of-order"));
        }
        if matches!(input.command, Command::AttachTap { .. }) {
            return Err((index, UserError::new("capability-missing").with("name", "tap")));
        }
        run_to(world, input.at, &mut steps, history).map_err(|()| failed("session-too-long-to-replay"))?;
        let done = world.handle(input.at, Input::Command(&input.command));
        remember(world, history);
        done.map_err(|error| (index, error))?;
        if !input.fingerprint.is_empty() && input.fingerprint != world.fingerprint() {
            return Err(failed("session-diverged"));
        }
    }
    Ok(())
}

fn run_to(world: &mut World, at: SimTime, steps: &mut u64, history: &mut History) -> Result<(), ()> {
    while let Some(next) = world.next_wakeup()
        && next <= at
    {
        *steps += 1;
        if *steps > REPLAY_STEPS_MAX {
            return Err(());
        }
        let _ = world.handle(next, Input::Time);
        remember(world, history);
    }
    Ok(())
}

fn remember(world: &mut World, history: &mut History) {
    while let Some(output) = world.poll_output() {
        if let Output::Event(event) = output {
            history.take(event);
        }
    }
}
