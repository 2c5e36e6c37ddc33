//! Why something failed: the first cause, read from the facts.
//!
//! A viewer remembers the facts about frames and the command lines ([`Log`]); for a command that failed or a frame that
//! was dropped, [`explain`] finds what was asked, where it stopped, why, and what lies behind that. Nothing is tried and
//! nothing is guessed from a command's name: its words only say whom it wanted to reach.
//!
//! Owns the choice of the cause. Must not know the World, nor text: causes are codes with arguments, worded in the
//! locale files under `why`.

mod behind;
mod cause;
mod log;
mod story;

use serde::{Deserialize, Serialize};

use crate::drop_reason::DropReason;
use crate::id::{FrameId, JobId, NodeId};
use crate::reach::TraceStep;
use crate::view::LabView;

pub use log::{JobNote, Log};

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How a command ended.
    Job {
        /// The machine.
        node: NodeId,
        /// The job.
        job: JobId,
    },
    /// Why a frame was dropped.
    Frame {
        /// The frame.
        frame: FrameId,
    },
}

/// How it stands with what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The command still runs.
    Running,
    /// Nothing failed.
    Fine,
    /// It failed; the chain says why.
    Failed,
    /// It is too long ago: what would explain it is forgotten.
    Forgotten,
}

/// One reason in a chain: a code and what its words speak of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    /// The key of its words, under `why` in the locale files.
    pub code: String,
    /// Where, when it is a place.
    pub node: Option<NodeId>,
    /// The drop that it tells of.
    pub drop: Option<DropReason>,
    /// What the words' `{name}`s stand for; a value that begins with `#` is the number of a node, to be named.
    pub args: Vec<(String, String)>,
}

impl Saying {
    /// A reason with this code.
    pub fn new(code: &str) -> Self {
        Self { code: code.to_owned(), node: None, drop: None, args: Vec::new() }
    }

    /// The place.
    #[must_use]
    pub fn at(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    /// An argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.args.push((name.to_owned(), value.to_string()));
        self
    }

    /// An argument that is a node.
    #[must_use]
    pub fn with_node(self, name: &str, node: NodeId) -> Self {
        self.with(name, format!("#{node}"))
    }
}

/// Where to look for oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The tables of a machine.
    Table(NodeId),
    /// The sockets of a machine.
    Sockets(NodeId),
    /// A frame on a cable, by the number of its event.
    Frame(u64),
    /// The card of a VM.
    Card(NodeId, u8),
    /// What this command prints on this machine.
    Command(NodeId, String),
}

/// An explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// How it stands.
    pub verdict: Verdict,
    /// The command, when one was asked about.
    pub job: Option<std::rc::Rc<JobNote>>,
    /// From what was seen to the first cause, which is the last of them.
    pub chain: Vec<Saying>,
    /// What happened to the packets, in order.
    pub steps: Vec<TraceStep>,
    /// Where to look.
    pub look: Vec<Look>,
}

impl Account {
    /// The first cause, as far back as can be seen.
    pub fn first(&self) -> Option<&Saying> {
        self.chain.last()
    }
}

/// Explains what was asked about, as the lab's tables stood when it ended. `None` for what is not remembered at all.
pub fn explain(log: &Log, view: &LabView, question: Question) -> Option<Account> {
    match question {
        Question::Job { node, job } => {
            let note = log.job(node, job)?;
            Some(cause::of_job(log, view, note))
        }
        Question::Frame { frame } => cause::of_frame(log, view, frame),
    }
}
