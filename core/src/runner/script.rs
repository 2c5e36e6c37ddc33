//! Runs a script of the script language on a world, headless: the way of `netmodes sim`, of exercises' solutions and of
//! the tests. Must not know files or terminals: what comes out is a [`ScriptReport`].

use core::time::Duration;
use std::collections::BTreeMap;

use super::session::describe;
use crate::error::UserError;
use crate::event::{Event, Fact, Stream};
use crate::id::{JobId, NodeId};
use crate::limits;
use crate::programs::Signal;
use crate::protocol::SessionInput;
use crate::script::{Action, Script, ScriptLine};
use crate::time::SimTime;
use crate::world::{Command, Input, Output, World};

/// A command in the foreground that has not ended after so much lab time is killed: it would never end.
const FOREGROUND_MAX: Duration = Duration::from_secs(3_600);
/// After a session's last input, what it started may go on for so much lab time.
const SESSION_REST_MAX: Duration = Duration::from_secs(60);
/// Steps of the world that one script may take.
const STEPS_MAX: u64 = 50_000_000;

/// What one command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// The machine's name.
    pub machine: String,
    /// The command line.
    pub command: String,
    /// `fg`, `bg` or `tty`.
    pub mode: &'static str,
    /// Its exit status.
    pub exit: i32,
    /// What it wrote to standard output; on a terminal, everything.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// Lab time at its start, in microseconds.
    pub time_us: u64,
}

/// Frames that a script asked to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// Its name in the script.
    pub name: String,
    /// The machine's name.
    pub machine: String,
    /// The interface's name.
    pub iface: String,
    /// When, and the frame.
    pub frames: Vec<(SimTime, crate::event::FrameBytes)>,
}

/// What a script did.
#[derive(Debug)]
pub struct ScriptReport {
    /// Its commands, in the order of starting.
    pub results: Vec<CommandResult>,
    /// All events, if they were to be kept.
    pub events: Vec<Event>,
    /// Its captures.
    pub captures: Vec<Capture>,
    /// What was done, as a session has it.
    pub inputs: Vec<SessionInput>,
    /// The world as it is now.
    pub world: World,
    /// The line that could not be carried out, and why; nothing after it was.
    pub failure: Option<(usize, UserError)>,
}

/// A command that runs.
#[derive(Clone, Debug)]
struct Running {
    /// Its result's place; none for what is not reported.
    result: Option<usize>,
    node: Option<NodeId>,
    ended: Option<i32>,
}

/// A capture that runs.
#[derive(Clone, Debug)]
struct Open {
    at: (NodeId, u32),
    index: usize,
}

struct Run {
    world: World,
    results: Vec<CommandResult>,
    events: Vec<Event>,
    keep_events: bool,
    captures: Vec<Capture>,
    inputs: Vec<SessionInput>,
    open: BTreeMap<String, Open>,
    jobs: BTreeMap<JobId, Running>,
    names: BTreeMap<String, (String, JobId)>,
    steps: u64,
}

/// Runs `script` on `world` to its end. With `keep_events`, frames and all other facts are in the report.
pub fn run_script(mut world: World, script: &Script, keep_events: bool) -> ScriptReport {
    let captures = script.lines.iter().any(|line| matches!(line.action, Action::PcapStart { .. }));
    world.watch_frames(keep_events || captures);
    let mut run = Run::new(world, keep_events);
    let failed = script.lines.iter().find_map(|line| run.line(line).err().map(|error| (line.line, error)));
    run.report(failed)
}

/// Does a session's inputs again on a world at its beginning, and lets what they started come to an end. A failure's
/// line is the input's number, from 1.
pub fn run_session(mut world: World, inputs: &[SessionInput], keep_events: bool) -> ScriptReport {
    world.watch_frames(keep_events);
    let mut run = Run::new(world, keep_events);
    let mut numbered = (1..).zip(inputs);
    let failed = numbered.find_map(|(number, input)| run.input(number, input).err().map(|error| (number, error)));
    let until = run.world.now() + SESSION_REST_MAX;
    while failed.is_none() && run.world.busy() && run.world.now() < until {
        let next = run.world.next_wakeup().unwrap_or(until).min(until);
        if run.pass(next, None).is_err() {
            break;
        }
    }
    run.report(failed)
}

impl Run {
    fn new(world: World, keep_events: bool) -> Self {
        let mut run = Self {
            world,
            results: Vec::new(),
            events: Vec::new(),
            keep_events,
            captures: Vec::new(),
            inputs: Vec::new(),
            open: BTreeMap::new(),
            jobs: BTreeMap::new(),
            names: BTreeMap::new(),
            steps: 0,
        };
        run.drain();
        run
    }

    fn report(mut self, failure: Option<(usize, UserError)>) -> ScriptReport {
        // How the rest is ended is no part of what was done.
        let inputs = core::mem::take(&mut self.inputs);
        self.end_all();
        let Self { world, results, events, captures, .. } = self;
        ScriptReport { results, events, captures, inputs, world, failure }
    }

    /// An input of a session.
    fn input(&mut self, number: usize, input: &SessionInput) -> Result<(), UserError> {
        let failed = |code: &str| {
            let name = describe(&input.command);
            UserError::new(code).with("index", number).with("command", name)
        };
        if input.at < self.world.now() || input.at > limits::LAB_TIME_MAX {
            return Err(failed("session-out-of-order"));
        }
        self.pass(input.at, None)?;
        match &input.command {
            Command::Run { machine, line, tty, stdin } => {
                let mode = match (tty, stdin) {
                    (Some(_), _) => "tty",
                    (None, true) => "bg",
                    (None, false) => "fg",
                };
                self.start(machine, line, *tty, Some(mode))?;
            }
            Command::AttachTap { .. } => return Err(UserError::new("capability-missing").with("name", "tap")),
            other => self.command(other.clone())?,
        }
        let same = self.inputs.last().is_some_and(|done| done.fingerprint.starts_with(&input.fingerprint));
        if same { Ok(()) } else { Err(failed("session-diverged")) }
    }

    fn line(&mut self, line: &ScriptLine) -> Result<(), UserError> {
        match &line.action {
            Action::Run { machine, command } => self.foreground(machine, command, None, true),
            Action::Tty { columns, machine, command } => self.foreground(machine, command, Some(*columns), true),
            Action::Setup { machine, command } => self.foreground(machine, command, None, false),
            Action::Background { machine, name, command } => {
                let job = self.start(machine, command, None, Some("bg"))?;
                self.names.insert(name.clone(), (machine.clone(), job));
                Ok(())
            }
            Action::Wait(time) => self.pass(self.world.now() + *time, None),
            Action::End { name, timeout } => {
                let job = self.named(name)?.1;
                let until = self.world.now() + timeout.unwrap_or(FOREGROUND_MAX);
                self.pass(until, Some(job))
            }
            Action::Int(name) => self.signal(name, Signal::Int),
            Action::Kill(name) => self.signal(name, Signal::Kill),
            Action::Freeze(name) => self.signal(name, Signal::Stop),
            Action::Thaw(name) => self.signal(name, Signal::Cont),
            Action::Input { name, text } => {
                let (machine, job) = self.named(name)?;
                self.command(Command::Input { machine, job, text: text.clone() })
            }
            Action::Eof(name) => {
                let (machine, job) = self.named(name)?;
                self.command(Command::InputEnd { machine, job })
            }
            Action::Attach { vm, adapter, mode, network } => self.command(Command::Attach {
                vm: vm.clone(),
                adapter: *adapter,
                mode: *mode,
                network: network.clone().unwrap_or_default(),
            }),
            Action::Cable { machine, iface, state } => {
                self.command(Command::Cable { machine: machine.clone(), iface: iface.clone(), state: *state })
            }
            Action::Link { a, b, setting } => {
                self.command(Command::Link { a: a.clone(), b: b.clone(), setting: *setting })
            }
            Action::Switch { switch, setting } => {
                self.command(Command::Switch { switch: switch.clone(), setting: setting.clone() })
            }
            Action::Service { machine, service, start } => {
                self.command(Command::Service { machine: machine.clone(), service: service.clone(), start: *start })
            }
            Action::PcapStart { name, machine, iface, filter } => {
                self.start_capture(name, machine, iface, filter.is_some())
            }
            Action::PcapStop { name } => {
                self.open.remove(name);
                Ok(())
            }
        }
    }

    fn named(&self, name: &str) -> Result<(String, JobId), UserError> {
        self.names.get(name).cloned().ok_or_else(|| UserError::new("unknown-job").with("name", name))
    }

    fn signal(&mut self, name: &str, signal: Signal) -> Result<(), UserError> {
        let (machine, job) = self.named(name)?;
        self.command(Command::Signal { machine, job, signal })
    }

    fn command(&mut self, command: Command) -> Result<(), UserError> {
        let at = self.world.now();
        let result = self.world.handle(at, Input::Command(&command));
        let fingerprint = self.world.fingerprint();
        self.drain();
        if result.is_ok() {
            self.inputs.push(SessionInput { at, command, fingerprint });
        }
        result
    }

    fn start(
        &mut self,
        machine: &str,
        line: &str,
        tty: Option<u16>,
        mode: Option<&'static str>,
    ) -> Result<JobId, UserError> {
        let job = self.world.next_job();
        let result = mode.map(|mode| {
            self.results.push(CommandResult {
                machine: machine.to_owned(),
                command: line.to_owned(),
                mode,
                exit: 0,
                stdout: String::new(),
                stderr: String::new(),
                time_us: self.world.now().as_micros(),
            });
            self.results.len() - 1
        });
        self.jobs.insert(job, Running { result, node: self.world.node_named(machine), ended: None });
        let command =
            Command::Run { machine: machine.to_owned(), line: line.to_owned(), tty, stdin: mode == Some("bg") };
        let done = self.command(command);
        if done.is_err() {
            self.jobs.remove(&job);
            if result.is_some() {
                self.results.pop();
            }
        }
        done.map(|()| job)
    }

    fn foreground(&mut self, machine: &str, line: &str, tty: Option<u16>, reported: bool) -> Result<(), UserError> {
        let mode = if tty.is_some() { "tty" } else { "fg" };
        let job = self.start(machine, line, tty, reported.then_some(mode))?;
        self.pass(self.world.now() + FOREGROUND_MAX, Some(job))?;
        if self.jobs.get(&job).is_some_and(|running| running.ended.is_none()) {
            self.command(Command::Signal { machine: machine.to_owned(), job, signal: Signal::Kill })?;
        }
        Ok(())
    }

    /// Lets lab time pass until `until`, or until a job has ended.
    fn pass(&mut self, until: SimTime, job: Option<JobId>) -> Result<(), UserError> {
        loop {
            if job.is_some_and(|job| self.jobs.get(&job).is_none_or(|running| running.ended.is_some())) {
                return Ok(());
            }
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err(UserError::new("script-too-long").with("max", STEPS_MAX));
            }
            let next = self.world.next_wakeup().filter(|at| *at <= until);
            self.world.handle(next.unwrap_or(until), Input::Time)?;
            self.drain();
            if next.is_none() {
                return Ok(());
            }
        }
    }

    fn start_capture(&mut self, name: &str, machine: &str, iface: &str, filtered: bool) -> Result<(), UserError> {
        if filtered {
            return Err(UserError::new("capture-filter-not-available").with("name", name));
        }
        let unknown = || UserError::new("unknown-interface").with("machine", machine).with("name", iface);
        let node =
            self.world.node_named(machine).ok_or_else(|| UserError::new("unknown-machine").with("name", machine))?;
        let found = self.world.machine(machine).ok_or_else(unknown)?;
        let index = found.ifaces().by_name(iface).ok_or_else(unknown)?.index;
        self.captures.push(Capture {
            name: name.to_owned(),
            machine: machine.to_owned(),
            iface: iface.to_owned(),
            frames: Vec::new(),
        });
        self.open.insert(name.to_owned(), Open { at: (node, index), index: self.captures.len() - 1 });
        Ok(())
    }

    /// What still runs in the background is ended, as a shell's exit would.
    fn end_all(&mut self) {
        let left: Vec<_> =
            self.jobs.iter().filter(|(_, running)| running.ended.is_none()).map(|(job, _)| *job).collect();
        for job in left {
            let machine = self.names.values().find(|(_, named)| *named == job).map(|(machine, _)| machine.clone());
            if let Some(machine) = machine {
                let _ = self.command(Command::Signal { machine, job, signal: Signal::Term });
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let Output::Event(event) = output {
                self.note(&event);
                if self.keep_events {
                    self.events.push(event);
                }
            }
        }
    }

    fn note(&mut self, event: &Event) {
        match &event.fact {
            Fact::Output(output) => {
                let running = self.jobs.get(&output.job).filter(|running| running.node == Some(output.node));
                let Some(result) = running.and_then(|r| self.results.get_mut(r.result?)) else { return };
                let text = output.spans.iter().map(|span| span.text.as_str());
                if output.stream == Stream::Stderr && result.mode != "tty" {
                    result.stderr.extend(text);
                } else {
                    result.stdout.extend(text);
                }
            }
            Fact::JobEnded { job, status, .. } => {
                if let Some(running) = self.jobs.get_mut(job) {
                    running.ended = Some(*status);
                    if let Some(result) = running.result.and_then(|at| self.results.get_mut(at)) {
                        result.exit = *status;
                    }
                }
            }
            Fact::FrameSent(sent) => {
                let ends = [(sent.from.node, sent.from.index), (sent.to.node, sent.to.index)];
                for open in self.open.values().filter(|open| ends.contains(&open.at)) {
                    let time = if open.at == ends[0] { Some(event.time) } else { sent.arrives };
                    if let (Some(time), Some(capture)) = (time, self.captures.get_mut(open.index)) {
                        capture.frames.push((time, sent.bytes.clone()));
                    }
                }
            }
            _ => {}
        }
    }
}
