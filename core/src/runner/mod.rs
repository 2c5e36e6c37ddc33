//! Drives a world for viewers: messages in and out, lab time after the wall's clock. Used by the page's worker and by
//! the agent alike.
//!
//! Sans-IO like the world: whoever owns it calls [`Runner::handle_message`], [`Runner::advance`] with the wall's time
//! (nanoseconds of any monotonic clock), and drains [`Runner::poll_message`] and [`Runner::poll_tap_frame`].
//! Must not know WebSockets, workers or devices.

mod clock;
#[cfg(test)]
mod message_tests;
mod past;
mod reach;
mod record;
pub mod script;
mod session;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_tests;
mod viewer;
mod work;

use std::collections::{BTreeMap, VecDeque};

pub use clock::REAL_TIME_PPM;
use clock::{Chase, Clock};
use record::Record;
pub use script::{Capture, CommandResult, ScriptReport, run_script};
use viewer::Viewer;
pub use viewer::ViewerId;
use work::{Undone, Work};

use crate::error::UserError;
use crate::frame::{Frame, Offload};
use crate::id::TapId;
use crate::lab::Lab;
use crate::limits;
use crate::protocol::{Capabilities, ClientMessage, LabChoice, Rewind, ServerMessage, SessionInput, VERSION};
use crate::share;
use crate::shell::{self, CompletionContext};
use crate::view::{Row, SocketRow};
use crate::world::{Command, Input, Output, World};

/// Steps of the world in one call, so that a busy lab never blocks whoever drives it.
const STEPS_PER_CALL: u32 = 4_000;

/// What a runner is for.
#[derive(Clone, Debug)]
pub struct RunnerConfig {
    /// What this source can do.
    pub capabilities: Capabilities,
    /// The program's version, for the page.
    pub program: String,
    /// Labs by name.
    pub labs: Vec<(String, Lab)>,
    /// The seed of the first lab.
    pub seed: u64,
}

/// A world and its viewers.
#[derive(Debug)]
pub struct Runner {
    config: RunnerConfig,
    lab: Option<Lab>,
    choice: LabChoice,
    world: Option<World>,
    clock: Clock,
    chase: Option<Chase>,
    /// Lab time stands only because a viewer looks back.
    resume: bool,
    work: Option<Work>,
    survey: Option<reach::Surveying>,
    redo: Vec<Undone>,
    inputs: Vec<SessionInput>,
    viewers: BTreeMap<ViewerId, Viewer>,
    next_viewer: u32,
    record: Option<Record>,
    messages: VecDeque<(ViewerId, String)>,
    tap_frames: VecDeque<(TapId, Frame)>,
    host_sockets: BTreeMap<u64, SocketRow>,
    last_flush: u64,
}

impl Runner {
    /// A runner without a lab: it waits for [`ClientMessage::Load`].
    pub fn empty(config: RunnerConfig) -> Self {
        Self {
            config,
            lab: None,
            choice: LabChoice::Named(String::new()),
            world: None,
            clock: Clock::default(),
            chase: None,
            resume: false,
            work: None,
            survey: None,
            redo: Vec::new(),
            inputs: Vec::new(),
            viewers: BTreeMap::new(),
            next_viewer: 1,
            record: None,
            messages: VecDeque::new(),
            tap_frames: VecDeque::new(),
            host_sockets: BTreeMap::new(),
            last_flush: 0,
        }
    }

    /// A runner of `lab`.
    ///
    /// # Errors
    /// What is wrong with the lab.
    pub fn new(config: RunnerConfig, lab: &Lab) -> Result<Self, UserError> {
        let seed = config.seed;
        let mut runner = Self::empty(config);
        runner.start(lab.clone(), LabChoice::Named(lab.name.clone()), seed)?;
        Ok(runner)
    }

    fn start(&mut self, lab: Lab, choice: LabChoice, seed: u64) -> Result<(), UserError> {
        let mut world = World::new(&lab, seed)?;
        world.watch_frames(self.watches());
        // The facts of the building are in every snapshot.
        while world.poll_output().is_some() {}
        self.record = Some(Record::of(&world, self.looks_back()));
        self.world = Some(world);
        self.lab = Some(lab);
        self.choice = choice;
        self.inputs.clear();
        self.redo.clear();
        self.chase = None;
        Ok(())
    }

    /// The world, if there is one.
    pub fn world(&self) -> Option<&World> {
        self.world.as_ref()
    }

    /// A new viewer. It hears nothing before it has said hello.
    pub fn connect(&mut self) -> ViewerId {
        let id = ViewerId(self.next_viewer);
        self.next_viewer += 1;
        let frames_max =
            if self.config.capabilities.pace { viewer::FRAMES_PER_FLUSH } else { viewer::FRAMES_PER_FLUSH_REAL };
        self.viewers.insert(id, Viewer::new(frames_max));
        id
    }

    /// A viewer is gone.
    pub fn disconnect(&mut self, viewer: ViewerId) {
        self.viewers.remove(&viewer);
        self.messages.retain(|(id, _)| *id != viewer);
        self.update_watch();
    }

    /// Takes a viewer's message. What is wrong with it goes back as [`ServerMessage::Error`].
    pub fn handle_message(&mut self, viewer: ViewerId, wall_ns: u64, text: &str) {
        if !self.viewers.contains_key(&viewer) {
            return;
        }
        let parsed = if text.len() > limits::MESSAGE_BYTES_MAX {
            Err(UserError::new("message-too-large").with("max", limits::MESSAGE_BYTES_MAX))
        } else {
            serde_json::from_str(text).map_err(|error| UserError::new("message-malformed").with("reason", error))
        };
        if let Err(error) = parsed.and_then(|message| self.handle(viewer, wall_ns, message)) {
            self.tell(viewer, &ServerMessage::Error(error));
        }
        self.flush(wall_ns, true);
    }

    fn handle(&mut self, viewer: ViewerId, wall_ns: u64, message: ClientMessage) -> Result<(), UserError> {
        let greeted = self.viewers.get(&viewer).is_some_and(|viewer| viewer.greeted);
        if !greeted && !matches!(message, ClientMessage::Hello { .. }) {
            return Err(UserError::new("hello-first"));
        }
        if self.work.is_some() && message.changes() {
            return Err(UserError::new("replay-running"));
        }
        match message {
            ClientMessage::Hello { version } => self.greet(viewer, version)?,
            ClientMessage::Load { lab, seed, inputs } => {
                self.need(self.config.capabilities.load, "load")?;
                self.load(viewer, wall_ns, lab, seed, inputs, None)?;
            }
            ClientMessage::Open { link } => {
                self.need(self.config.capabilities.load, "load")?;
                self.open(viewer, wall_ns, share::read(&link)?)?;
            }
            ClientMessage::OpenSession { session } => {
                self.need(self.config.capabilities.load, "load")?;
                self.open(viewer, wall_ns, *session)?;
            }
            ClientMessage::Restart => {
                self.need(self.config.capabilities.load, "load")?;
                self.restart(viewer, wall_ns)?;
            }
            ClientMessage::Do { command } => self.do_command(viewer, wall_ns, command)?,
            ClientMessage::Pace { pace } => {
                self.need(self.config.capabilities.pace, "pace")?;
                self.look_at_now(viewer, wall_ns);
                self.catch_up(wall_ns);
                self.end_chase(wall_ns);
                self.resume = false;
                self.set_pace(wall_ns, pace);
            }
            ClientMessage::Step { to } => {
                self.need(self.config.capabilities.pace, "pace")?;
                self.look_at_now(viewer, wall_ns);
                self.catch_up(wall_ns);
                self.chase(wall_ns, to);
            }
            ClientMessage::Subscribe { frames, host_sockets } => {
                self.need(!host_sockets || self.config.capabilities.host_sockets, "host_sockets")?;
                self.subscribe(viewer, frames, host_sockets);
            }
            ClientMessage::Complete { id, machine, line } => self.complete(viewer, id, &machine, &line)?,
            ClientMessage::Sample { id } => self.sample(viewer, id),
            ClientMessage::Session => {
                let session = self.session()?;
                self.tell(viewer, &ServerMessage::Session(session));
            }
            ClientMessage::Share => {
                let text = share::write(&self.session()?)?;
                self.tell(viewer, &ServerMessage::Link { text });
            }
            ClientMessage::LookBack { to, frames, words } => self.look_back(viewer, wall_ns, to, frames, words)?,
            ClientMessage::Now => self.look_at_now(viewer, wall_ns),
            ClientMessage::Branch => self.branch(viewer, wall_ns, None)?,
            ClientMessage::Undo => self.undo(viewer, wall_ns)?,
            ClientMessage::Redo => self.redo(viewer, wall_ns)?,
            ClientMessage::Reach { machines } => self.survey(viewer, wall_ns, &machines)?,
            ClientMessage::Stop => self.stop(wall_ns),
        }
        Ok(())
    }

    fn need(&self, capability: bool, name: &str) -> Result<(), UserError> {
        if capability { Ok(()) } else { Err(UserError::new("capability-missing").with("name", name)) }
    }

    fn greet(&mut self, viewer: ViewerId, version: u32) -> Result<(), UserError> {
        if version != VERSION {
            return Err(UserError::new("version-mismatch").with("page", version).with("source", VERSION));
        }
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.greeted = true;
        }
        let hello = ServerMessage::Hello {
            version: VERSION,
            program: self.config.program.clone(),
            capabilities: self.config.capabilities.clone(),
            labs: self.config.labs.iter().map(|(name, _)| name.clone()).collect(),
        };
        self.tell(viewer, &hello);
        self.resync(viewer);
        if !(self.inputs.is_empty() && self.redo.is_empty())
            && let Some(undoable) = self.undoable(0)
        {
            self.tell(viewer, &undoable);
        }
        Ok(())
    }

    fn subscribe(&mut self, viewer: ViewerId, frames: bool, host_sockets: bool) {
        let first_look = self.viewers.get(&viewer).is_some_and(|v| host_sockets && !v.host_sockets);
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.frames = frames;
            viewer.host_sockets = host_sockets;
        }
        self.update_watch();
        if first_look && !self.host_sockets.is_empty() {
            let put = self.host_sockets.values().cloned().collect();
            self.tell(viewer, &ServerMessage::HostSockets { whole: true, put, del: Vec::new(), not_permitted: 0 });
        }
    }

    /// Frame facts cost something: they are made only while somebody wants them.
    fn update_watch(&mut self) {
        let watched = self.watches();
        if let Some(world) = &mut self.world {
            world.watch_frames(watched);
        }
    }

    /// Whether frame facts are wanted. Where the world can be gone back in, they always are: events then have the same
    /// numbers in every replay.
    fn watches(&self) -> bool {
        let world = self.config.capabilities.rewind == Rewind::World;
        world || self.viewers.values().any(|viewer| viewer.frames)
    }

    fn do_command(&mut self, viewer: ViewerId, wall_ns: u64, command: Command) -> Result<(), UserError> {
        if self.viewers.get(&viewer).is_some_and(Viewer::looks_back) {
            return self.branch(viewer, wall_ns, Some(command));
        }
        if matches!(command, Command::AttachTap { .. }) {
            return Err(UserError::new("capability-missing").with("name", "tap"));
        }
        self.catch_up(wall_ns);
        let world = self.world.as_mut().ok_or_else(|| UserError::new("no-lab"))?;
        let at = world.now();
        let result = world.handle(at, Input::Command(&command));
        let fingerprint = world.fingerprint();
        self.drain();
        result?;
        self.inputs.push(SessionInput { at, command, fingerprint });
        self.redo.clear();
        self.tell_undoable(self.inputs.len() - 1);
        Ok(())
    }

    /// Puts a real device in the place of a VM's card.
    ///
    /// # Errors
    /// As the command's.
    pub fn attach_tap(&mut self, wall_ns: u64, vm: &str, adapter: u8, device: &str) -> Result<TapId, UserError> {
        self.catch_up(wall_ns);
        let world = self.world.as_mut().ok_or_else(|| UserError::new("no-lab"))?;
        let command = Command::AttachTap { vm: vm.to_owned(), adapter, device: device.to_owned() };
        let result = world.handle(world.now(), Input::Command(&command));
        let tap = world.tap_of(vm, adapter);
        self.drain();
        result?;
        tap.ok_or_else(|| UserError::new("unknown-adapter").with("vm", vm).with("adapter", adapter))
    }

    /// Takes a frame from a real device.
    pub fn handle_tap_frame(&mut self, wall_ns: u64, tap: TapId, bytes: &[u8]) {
        self.catch_up(wall_ns);
        if let Some(world) = &mut self.world {
            let now = world.now();
            // A frame cannot be refused with an error: what is wrong with it is a drop reason.
            let _ = world.handle(now, Input::TapFrame { tap, bytes, offload: Offload::NONE });
        }
        self.drain();
    }

    /// The next frame for a real device.
    pub fn poll_tap_frame(&mut self) -> Option<(TapId, Frame)> {
        self.tap_frames.pop_front()
    }

    /// Lets lab time follow the wall's clock, and sends viewers what there is.
    pub fn advance(&mut self, wall_ns: u64) {
        // A viewer that looked back may be gone.
        self.go_on_after_look(wall_ns);
        if self.work.is_some() {
            self.work_on(wall_ns);
        } else if self.chase.is_some() {
            self.pursue(wall_ns);
        } else {
            self.catch_up(wall_ns);
        }
        self.survey_on(wall_ns);
        self.flush(wall_ns, false);
    }

    /// When [`Runner::advance`] should be called next, in the wall's time.
    pub fn next_wakeup(&self) -> Option<u64> {
        let lab = self.world.as_ref().and_then(World::next_wakeup).and_then(|at| self.clock.wall_of(at));
        let flush = self.viewers.values().any(Viewer::has_pending).then_some(self.last_flush + viewer::FLUSH_NS);
        let chase = (self.chase.is_some() || self.work.is_some() || self.survey.is_some()).then_some(0);
        [lab, flush, chase].into_iter().flatten().min()
    }

    /// The next message for a viewer.
    pub fn poll_message(&mut self) -> Option<(ViewerId, String)> {
        self.messages.pop_front()
    }

    /// Takes the difference of the real host's sockets; `whole`: these are all there are.
    pub fn host_sockets(&mut self, put: Vec<SocketRow>, del: Vec<u64>, whole: bool, not_permitted: u32) {
        if whole {
            self.host_sockets.clear();
        }
        for id in &del {
            self.host_sockets.remove(id);
        }
        self.host_sockets.extend(put.iter().map(|row| (row.id, row.clone())));
        let message = ServerMessage::HostSockets { whole, put, del, not_permitted };
        let interested: Vec<_> = self.viewers.iter().filter(|(_, v)| v.host_sockets).map(|(id, _)| *id).collect();
        for viewer in interested {
            self.tell(viewer, &message);
        }
    }

    /// Whether a viewer looks at the real host's sockets.
    pub fn wants_host_sockets(&self) -> bool {
        self.viewers.values().any(|viewer| viewer.host_sockets)
    }

    fn complete(&mut self, viewer: ViewerId, id: u32, machine: &str, line: &str) -> Result<(), UserError> {
        let world = self.world.as_ref().ok_or_else(|| UserError::new("no-lab"))?;
        let context = completion_context(world, machine)?;
        let found = shell::complete(&context, line);
        let message = ServerMessage::Completions { id, from: found.from as u32, words: found.words };
        self.tell(viewer, &message);
        Ok(())
    }

    fn sample(&mut self, viewer: ViewerId, id: u32) {
        if self.viewers.get(&viewer).is_some_and(Viewer::looks_back) {
            // Samples are of now, and were not kept.
            let time = self.world.as_ref().map(World::now).unwrap_or_default();
            return self.tell(viewer, &ServerMessage::Samples { id, time, rows: Vec::new() });
        }
        if let Some(world) = &self.world {
            let sampled = |row: &Row| {
                matches!(row, Row::Socket(_) | Row::Flow(_) | Row::Fdb(_) | Row::Bridge(_) | Row::BridgePort(_))
            };
            let rows = world.rows(true).into_iter().filter(sampled).collect();
            let message = ServerMessage::Samples { id, time: world.now(), rows };
            self.tell(viewer, &message);
        }
    }

    /// Takes everything that came out of the world.
    fn drain(&mut self) {
        let Some(world) = &mut self.world else { return };
        while let Some(output) = world.poll_output() {
            match output {
                Output::TapFrame(tap, frame) => self.tap_frames.push_back((tap, frame)),
                Output::Event(event) => {
                    for viewer in self.viewers.values_mut() {
                        viewer.take(&event);
                    }
                    if let Some(record) = &mut self.record {
                        record.take(event);
                    }
                }
            }
        }
        if let Some(record) = &mut self.record {
            record.settle(world);
        }
    }
}

/// What completion may offer at a machine's terminal.
///
/// # Errors
/// `unknown-machine`.
pub fn completion_context(world: &World, machine: &str) -> Result<CompletionContext, UserError> {
    let this = world.machine(machine).ok_or_else(|| UserError::new("unknown-machine").with("name", machine))?;
    let addresses = world
        .machines()
        .flat_map(|machine| machine.ifaces().iter())
        .flat_map(|iface| &iface.addrs)
        .map(|addr| addr.cidr.addr)
        .filter(|addr| !addr.is_loopback())
        .map(|addr| addr.to_string());
    let hosts = this.read_file("/etc/hosts").unwrap_or_default();
    let names = hosts.lines().flat_map(|line| line.split_whitespace().skip(1)).map(str::to_owned);
    Ok(CompletionContext {
        ifaces: this.ifaces().iter().map(|iface| iface.name.clone()).collect(),
        addrs: addresses.collect(),
        hosts: names.collect(),
        files: this.file_paths().map(str::to_owned).collect(),
    })
}
