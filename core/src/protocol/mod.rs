//! The messages between a page and whatever runs the lab: the page's worker, or the agent. The page cannot tell which,
//! except by [`Capabilities`]. JSON, one message a WebSocket text frame or a worker message.

use serde::{Deserialize, Serialize};

use crate::error::UserError;
use crate::event::Event;
use crate::reach::Matrix;
use crate::time::SimTime;
use crate::view::{Row, SocketRow};
use crate::world::Command;

/// Version of everything in this module and in [`crate::event`] and [`crate::view`]. Both sides must have the same.
pub const VERSION: u32 = 1;

/// From the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "m", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientMessage {
    /// The first message. A source answers with [`ServerMessage::Hello`], then with a snapshot.
    Hello {
        /// The page's [`VERSION`].
        version: u32,
    },
    /// Starts a lab from its beginning. A source that cannot (the agent) answers with an error.
    Load {
        /// A built-in lab's name, or a whole lab in the JSON form.
        lab: LabChoice,
        /// The seed.
        seed: u64,
        /// A session to replay: its inputs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inputs: Vec<SessionInput>,
    },
    /// An intent.
    Do {
        /// The intent.
        command: Command,
    },
    /// How lab time runs.
    Pace {
        /// How.
        pace: Pace,
    },
    /// Lets lab time pass while paused.
    Step {
        /// How far.
        to: StepTo,
    },
    /// Which events the viewer wants.
    Subscribe {
        /// Frame facts.
        frames: bool,
        /// The real host's sockets (agent only).
        host_sockets: bool,
    },
    /// What could follow at the cursor of a command line. Answered by [`ServerMessage::Completions`].
    Complete {
        /// Comes back in the answer.
        id: u32,
        /// The machine's name.
        machine: String,
        /// The line up to the cursor.
        line: String,
    },
    /// Asks for rows with their samples (ages, queues). Answered by [`ServerMessage::Samples`].
    Sample {
        /// Comes back in the answer.
        id: u32,
    },
    /// Asks for the session so far. Answered by [`ServerMessage::Session`].
    Session,
    /// Asks for the session as a text that fits into a link. Answered by [`ServerMessage::Link`].
    Share,
    /// Loads what a link's text holds, as [`ClientMessage::Load`] would.
    Open {
        /// The text.
        link: String,
    },
    /// Loads a whole session, as [`ClientMessage::Load`] would: of a file, for instance.
    OpenSession {
        /// The session.
        session: Box<Session>,
    },
    /// The lab that runs, from its beginning and with its seed; whatever it was loaded from.
    Restart,
    /// Shows an earlier instant. Answered by a snapshot with [`Past`]; until [`ClientMessage::Now`] the viewer hears
    /// nothing of what happens. Where lab time can be paused, it stands meanwhile.
    LookBack {
        /// Which instant.
        to: LookTo,
        /// How many of the last frame facts before it should come along; those on their way always do.
        #[serde(default)]
        frames: u32,
        /// How many of each machine's last outputs should come along; all that a late viewer is shown when left out.
        /// Which commands began and ended always comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<u32>,
    },
    /// Shows what is again, and lets time go on as it did. Answered by a snapshot.
    Now,
    /// Makes the instant that is looked at the present: the inputs after it are taken back (and can be redone). A
    /// [`ClientMessage::Do`] while looking back does this by itself.
    Branch,
    /// Takes the last input back: the lab is what it was just before it.
    Undo,
    /// Does the input again that was taken back last.
    Redo,
    /// Asks who reaches whom in the lab as it stands. Answered by [`ServerMessage::Reach`], after
    /// [`ServerMessage::Progress`] where there are many machines.
    Reach {
        /// These machines, by name; all if empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        machines: Vec<String>,
    },
    /// Ends a step, a jump, a replay or a survey of who reaches whom that takes long.
    Stop,
}

impl ClientMessage {
    /// Whether it does something to the lab, and so has to wait for what takes long.
    pub fn changes(&self) -> bool {
        match self {
            Self::Do { .. } | Self::Pace { .. } | Self::Step { .. } | Self::LookBack { .. } => true,
            Self::Branch | Self::Undo | Self::Redo => true,
            // Loading gives up what was under way.
            Self::Load { .. } | Self::Open { .. } | Self::OpenSession { .. } | Self::Restart => false,
            Self::Stop | Self::Now | Self::Hello { .. } => false,
            Self::Subscribe { .. } | Self::Complete { .. } | Self::Sample { .. } | Self::Session | Self::Share => false,
            // It looks at a copy.
            Self::Reach { .. } => false,
        }
    }
}

/// Which instant to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum LookTo {
    /// After everything that had happened at this instant of lab time.
    Time {
        /// The instant.
        at: SimTime,
    },
    /// Just after this event.
    Event {
        /// Its number.
        seq: u64,
    },
    /// One back from what is shown.
    Back {
        /// One what.
        by: LookUnit,
    },
    /// One forth from what is shown.
    Forth {
        /// One what.
        by: LookUnit,
    },
    /// As far back as is known.
    Start,
}

/// What to step by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookUnit {
    /// A fact of any kind.
    Event,
    /// A frame put on a cable.
    Frame,
    /// An input of the session.
    Input,
}

/// What marks a snapshot of an earlier instant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Past {
    /// The earliest instant that can be looked at.
    pub first: SimTime,
    /// Number of the event that instant is after.
    pub first_seq: u64,
    /// Frame facts up to this number are forgotten; 0 when all are there.
    #[serde(default)]
    pub frames_forgotten: u64,
    /// Lab time now.
    pub now: SimTime,
    /// Number of the last event now.
    pub now_seq: u64,
    /// Numbers of the events in `history` whose frames are on their way at this instant.
    pub in_flight: Vec<u64>,
    /// Inputs that had been done.
    pub inputs: u32,
}

/// What takes long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Lab time passes, for a step or a jump.
    Step,
    /// A session is replayed.
    Load,
    /// An earlier instant becomes the present.
    Branch,
    /// An input is taken back.
    Undo,
    /// An input is done again.
    Redo,
    /// Who reaches whom is tried; the steps are pairs of machines.
    Reach,
}

/// Which lab to load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabChoice {
    /// A built-in one.
    Named(String),
    /// A whole lab: the JSON form of the lab format.
    Inline(Box<serde_json::Value>),
}

/// How lab time runs against the wall's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pace {
    /// Runs at all.
    pub running: bool,
    /// Lab time per wall time, in millionths: 1_000_000 is real time, 1_000 a thousandth of it.
    pub speed_ppm: u64,
}

/// How far a step goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum StepTo {
    /// The next thing that happens.
    Event,
    /// The next frame on a cable.
    Frame,
    /// Until nothing is on a cable and no command runs.
    Quiet,
    /// Until the exchange that is going on, or else the next one, is over: nothing is on a cable, and nothing is due
    /// for a while.
    Exchange,
    /// This instant of lab time.
    Time {
        /// The instant.
        at: SimTime,
    },
}

/// From the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "m", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The answer to [`ClientMessage::Hello`].
    Hello {
        /// The source's [`VERSION`].
        version: u32,
        /// The program's version.
        program: String,
        /// What it can do.
        capabilities: Capabilities,
        /// Names of the labs it has.
        labs: Vec<String>,
    },
    /// Everything a viewer knows, at one instant; it replaces what was known before.
    Snapshot {
        /// The lab's name.
        lab: String,
        /// The lab's title by language, from the lab file.
        title: std::collections::BTreeMap<String, String>,
        /// The seed.
        seed: u64,
        /// Number of the last event before it.
        seq: u64,
        /// Lab time.
        time: SimTime,
        /// All rows.
        rows: Vec<Row>,
        /// Terminal and frame events that a late viewer should still have, oldest first.
        history: Vec<Event>,
        /// This is an earlier instant, not what is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        past: Option<Past>,
    },
    /// What happened since the last message.
    Events {
        /// Lab time now, at or after the last event's.
        time: SimTime,
        /// The events, in order.
        events: Vec<Event>,
        /// Frame facts that were left out because there were too many.
        #[serde(default)]
        frames_not_shown: u64,
    },
    /// How lab time runs now.
    Clock {
        /// Lab time.
        time: SimTime,
        /// How it runs.
        pace: Pace,
    },
    /// The answer to [`ClientMessage::Complete`].
    Completions {
        /// The question's.
        id: u32,
        /// Where in the line the word that is completed begins, in bytes.
        from: u32,
        /// What could stand there.
        words: Vec<String>,
    },
    /// The answer to [`ClientMessage::Sample`].
    Samples {
        /// The question's.
        id: u32,
        /// Lab time of the samples.
        time: SimTime,
        /// Rows with samples (sockets, flows, FDB).
        rows: Vec<Row>,
    },
    /// The answer to [`ClientMessage::Session`].
    Session(Session),
    /// The answer to [`ClientMessage::Share`].
    Link {
        /// The text, for a URL's fragment: Latin letters, digits, `-`, `_` and `.`.
        text: String,
    },
    /// Something takes long; several times a second while it goes on, and once when it ends.
    Progress {
        /// What.
        doing: Doing,
        /// Lab time at its beginning.
        from: SimTime,
        /// Lab time it has come to.
        now: SimTime,
        /// Lab time it goes to, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<SimTime>,
        /// Steps of the world so far.
        steps: u64,
        /// All steps, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u64>,
        /// It is over: done, refused or stopped.
        #[serde(default)]
        over: bool,
    },
    /// What could be taken back and done again now, and what was done: after every input, and to whoever has come.
    /// A source that cannot undo tells the inputs alone.
    Undoable {
        /// Inputs that [`ClientMessage::Undo`] can take back.
        undo: u32,
        /// Inputs that [`ClientMessage::Redo`] can do again.
        redo: u32,
        /// From which input on `inputs` tells; what a viewer knew of later ones is void.
        #[serde(default)]
        from: u32,
        /// The session's inputs from there on, without fingerprints.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inputs: Vec<SessionInput>,
        /// The input that [`ClientMessage::Redo`] would do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Box<SessionInput>>,
    },
    /// The answer to [`ClientMessage::Reach`]; of a survey that was stopped, as far as it had come.
    Reach {
        /// Lab time at which the lab stood so.
        time: SimTime,
        /// The matrix.
        matrix: Matrix,
    },
    /// Sockets of the real host that are new or changed, and that are gone.
    HostSockets {
        /// The first of a series: forget what was known before.
        #[serde(default)]
        whole: bool,
        /// New or changed.
        put: Vec<SocketRow>,
        /// Gone, by id.
        del: Vec<u64>,
        /// Owners that could not be read for lack of rights.
        not_permitted: u32,
    },
    /// Something was refused.
    Error(UserError),
}

/// How far back a source can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rewind {
    /// Not at all.
    None,
    /// What was seen, not what was.
    View,
    /// The whole world: undo, branch.
    World,
}

/// What a source can do. What it cannot, the page shows as disabled, with the reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Capabilities {
    /// Where the lab runs: `browser` or `agent`.
    pub place: String,
    /// Lab time can be paused, stepped and sped up.
    pub pace: bool,
    /// Another lab can be loaded.
    pub load: bool,
    /// How far back it can go.
    pub rewind: Rewind,
    /// It sees the sockets of a real host.
    pub host_sockets: bool,
}

/// A lab plus the inputs in order: enough to do it all again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Version of the core that recorded it.
    pub core: String,
    /// The lab.
    pub lab: LabChoice,
    /// The lab's hash, in hexadecimal.
    pub lab_hash: String,
    /// The seed.
    pub seed: u64,
    /// The inputs.
    pub inputs: Vec<SessionInput>,
}

/// One input of a session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SessionInput {
    /// When it was given, in lab time.
    pub at: SimTime,
    /// The intent.
    pub command: Command,
    /// The trace's fingerprint after it, in hexadecimal, or its first digits; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}
