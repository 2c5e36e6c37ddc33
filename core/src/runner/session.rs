//! Sessions: a lab plus the inputs in order, recorded and replayed.

use super::Runner;
use crate::error::UserError;
use crate::lab::Lab;
use crate::limits;
use crate::protocol::{LabChoice, Session, SessionInput};
use crate::time::SimTime;
use crate::world::{Input, World};

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
        let replayed = replay(&mut world, &inputs);
        self.start(lab, choice, seed)?;
        // Even where a session diverges, the student gets what could be done again.
        let (done, result) = match replayed {
            Ok(()) => (inputs, Ok(())),
            Err((done, error)) => (inputs.into_iter().take(done).collect(), Err(error)),
        };
        if !done.is_empty() {
            self.world = Some(world);
            self.inputs = done;
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

/// Does inputs again. On a difference: how many were done before it, and which it was.
fn replay(world: &mut World, inputs: &[SessionInput]) -> Result<(), (usize, UserError)> {
    let mut steps = 0;
    for (index, input) in inputs.iter().enumerate() {
        let failed = |code: &str| {
            let name = format!("{:?}", input.command);
            (index, UserError::new(code).with("index", index + 1).with("command", name))
        };
        if input.at < world.now() {
            return Err(failed("session-out-of-order"));
        }
        run_to(world, input.at, &mut steps).map_err(|()| failed("session-too-long-to-replay"))?;
        world.handle(input.at, Input::Command(&input.command)).map_err(|error| (index, error))?;
        while world.poll_output().is_some() {}
        if !input.fingerprint.is_empty() && input.fingerprint != world.fingerprint() {
            return Err(failed("session-diverged"));
        }
    }
    Ok(())
}

fn run_to(world: &mut World, at: SimTime, steps: &mut u64) -> Result<(), ()> {
    while let Some(next) = world.next_wakeup()
        && next <= at
    {
        *steps += 1;
        if *steps > REPLAY_STEPS_MAX {
            return Err(());
        }
        let _ = world.handle(next, Input::Time);
        while world.poll_output().is_some() {}
    }
    Ok(())
}
