//! Sessions: a lab plus the inputs in order, recorded and replayed. A replay goes in slices, so that a long one blocks
//! nobody.

use super::Runner;
use super::record::Record;
use crate::error::UserError;
use crate::lab::Lab;
use crate::limits;
use crate::protocol::{LabChoice, Session, SessionInput};
use crate::time::SimTime;
use crate::world::{Command, Input, Output, World};

/// Steps of the world that a replay may take; more than any lesson, and a bound for a hostile link.
const REPLAY_STEPS_MAX: u64 = 20_000_000;

/// How far a replay has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replayed {
    /// The slice is over, the replay is not.
    More,
    /// It is where it should be.
    Whole,
    /// It cannot go on; [`Replay::done`] inputs were done before.
    Failed(UserError),
}

/// A world that does a session's inputs again.
#[derive(Debug)]
pub(super) struct Replay {
    /// The world.
    pub world: World,
    /// What has happened in it.
    pub record: Record,
    /// All inputs.
    pub inputs: Vec<SessionInput>,
    /// How many of them are done.
    pub done: usize,
    /// Where lab time is to stand at the end; the last input's instant when none.
    pub until: Option<SimTime>,
    /// Steps so far.
    pub steps: u64,
}

impl Replay {
    /// From the lab's beginning.
    ///
    /// # Errors
    /// What is wrong with the lab, and `session-too-long`.
    pub(super) fn new(
        lab: &Lab,
        seed: u64,
        inputs: Vec<SessionInput>,
        until: Option<SimTime>,
        looks_back: bool,
        watched: bool,
    ) -> Result<Self, UserError> {
        if inputs.len() > limits::SESSION_INPUTS_MAX {
            return Err(UserError::new("session-too-long").with("max", limits::SESSION_INPUTS_MAX));
        }
        let mut world = World::new(lab, seed)?;
        world.watch_frames(watched);
        // The facts of the building are in every snapshot.
        while world.poll_output().is_some() {}
        let record = Record::of(&world, looks_back);
        Ok(Self { world, record, inputs, done: 0, until, steps: 0 })
    }

    /// Goes on for at most `budget` steps.
    pub(super) fn go_on(&mut self, budget: u32) -> Replayed {
        for _ in 0..budget {
            let next = self.world.next_wakeup();
            let input = self.inputs.get(self.done);
            let Some(until) = input.map(|input| input.at).or(self.until) else { return Replayed::Whole };
            if let Err(error) = input.map_or(Ok(()), |input| self.check(input)) {
                return Replayed::Failed(error);
            }
            if let Some(next) = next
                && next <= until
            {
                self.steps += 1;
                if self.steps > REPLAY_STEPS_MAX {
                    return Replayed::Failed(self.failed("session-too-long-to-replay"));
                }
                let _ = self.world.handle(next, Input::Time);
                self.settle();
                continue;
            }
            if self.done < self.inputs.len() {
                if let Err(error) = self.input() {
                    return Replayed::Failed(error);
                }
                continue;
            }
            if until > self.world.now() {
                let _ = self.world.handle(until, Input::Time);
                self.settle();
            }
            return Replayed::Whole;
        }
        Replayed::More
    }

    fn failed(&self, code: &str) -> UserError {
        let name = self.inputs.get(self.done).map(|input| describe(&input.command)).unwrap_or_default();
        UserError::new(code).with("index", self.done + 1).with("command", name)
    }

    fn check(&self, input: &SessionInput) -> Result<(), UserError> {
        if input.at < self.world.now() || input.at > limits::LAB_TIME_MAX {
            return Err(self.failed("session-out-of-order"));
        }
        if matches!(input.command, Command::AttachTap { .. }) {
            return Err(UserError::new("capability-missing").with("name", "tap"));
        }
        Ok(())
    }

    fn input(&mut self) -> Result<(), UserError> {
        let Some(input) = self.inputs.get(self.done) else { return Ok(()) };
        let result = self.world.handle(input.at, Input::Command(&input.command));
        let fingerprint = self.world.fingerprint();
        // A link carries the first digits only.
        let same = fingerprint.starts_with(&input.fingerprint);
        self.settle();
        result?;
        if !same {
            return Err(self.failed("session-diverged"));
        }
        if let Some(input) = self.inputs.get_mut(self.done) {
            input.fingerprint = fingerprint;
        }
        self.done += 1;
        Ok(())
    }

    fn settle(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let Output::Event(event) = output {
                self.record.take(event);
            }
        }
        self.record.settle(&self.world);
    }
}

/// A command as an error names it: the line that was typed, or the intent with its words.
pub(super) fn describe(command: &Command) -> String {
    if let Command::Run { machine, line, .. } = command {
        return format!("{machine}: {line}");
    }
    let Ok(serde_json::Value::Object(words)) = serde_json::to_value(command) else { return String::new() };
    let first = words.get("c").and_then(|c| c.as_str()).unwrap_or_default().to_owned();
    words.iter().filter(|(key, _)| *key != "c").fold(first, |text, (_, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text + " " + &value
    })
}

impl Runner {
    pub(super) fn find_lab(&self, choice: &LabChoice) -> Result<Lab, UserError> {
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
