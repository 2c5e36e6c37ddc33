//! What can happen to the page's state, and what is to be done besides.

use netmodes_core::id::{JobId, LinkId, NodeId};
use netmodes_core::protocol::{ClientMessage, Pace, ServerMessage, StepTo};
use netmodes_core::world::Command;

use super::{EditAction, ExerciseAction, InsideAction, Lang, ShareAction, Theme};

/// Something that happened.
#[allow(clippy::large_enum_variant, reason = "one is alive at a time, and it is taken apart at once")]
#[derive(Clone, Debug)]
pub enum Action {
    /// The source can be spoken to.
    Connected,
    /// The connection is gone; the source tries again by itself.
    Lost {
        /// Wall-clock milliseconds since 1970.
        wall_ms: f64,
    },
    /// The source cannot be used at all.
    Failed {
        /// The code of the reason.
        code: &'static str,
    },
    /// A message came.
    Received {
        /// The message.
        message: Box<ServerMessage>,
        /// Wall-clock milliseconds when it came.
        wall_ms: f64,
    },
    /// A message came that could not be read.
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
    /// The student chose something in the picture or a list.
    Select(Select),
    /// Something is pointed at, or nothing any more: every panel marks it.
    Highlight(Option<super::Highlight>),
    /// The page is to be divided otherwise.
    Panes(super::panes::PanesAction),
    /// Other terminals are to be in sight.
    Tiles(super::tiles::TilesAction),
    /// Something about the line that says what to try.
    Guide(super::guide::GuideAction),
    /// Another machine's terminal to the front.
    Front(NodeId),
    /// A line was typed at a terminal.
    Typed {
        /// The machine.
        node: NodeId,
        /// The line, without its end.
        line: String,
    },
    /// Ctrl-C at a terminal.
    Interrupt {
        /// The machine.
        node: NodeId,
        /// What stood on the line.
        typed: String,
    },
    /// Ctrl-D at a terminal whose line is empty.
    InputEnd {
        /// The machine.
        node: NodeId,
    },
    /// Ctrl-L at a terminal.
    ClearTerminal {
        /// The machine.
        node: NodeId,
    },
    /// Tab offered more than one word: they are shown.
    Offered {
        /// The machine.
        node: NodeId,
        /// What stands on the line.
        line: String,
        /// The words.
        words: Vec<String>,
    },
    /// A terminal's width, in columns.
    Columns(u16),
    /// An intent for the lab.
    Do(Command),
    /// How lab time is to run.
    Pace(Pace),
    /// Lab time is to go on while paused.
    Step(StepTo),
    /// Moving in time.
    Travel(super::travel::Travel),
    /// The lab from its beginning.
    Restart,
    /// Another lab.
    Load(String),
    /// Whether somebody looks at the real host's sockets.
    WatchHost(bool),
    /// Something with exercises.
    Exercise(ExerciseAction),
    /// Something is asked of the lower right.
    Inside(InsideAction),
    /// Why a command ended as it did: opens the tab that explains it.
    Why {
        /// The machine.
        node: NodeId,
        /// The command.
        job: JobId,
    },
    /// Shows the frames that pass this filter.
    Filter(String),
    /// Something with links and files.
    Share(ShareAction),
    /// Another language.
    Lang(Lang),
    /// Another theme.
    Theme(Theme),
    /// Something is changed in place: a VM, a card, a cable.
    Edit(EditAction),
    /// The newest error was read.
    DismissError,
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// Nothing any more.
    Nothing,
    /// A node.
    Node(NodeId),
    /// A frame on a cable, by the number of its event.
    Frame(u64),
    /// A cable.
    Link(LinkId),
}

/// What is to be done besides changing the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A message for the source.
    Send(ClientMessage),
    /// A file for the student.
    Download {
        /// Its name.
        name: String,
        /// Its media type.
        media: &'static str,
        /// What is in it.
        bytes: Vec<u8>,
    },
    /// Something to remember in the browser.
    Keep {
        /// Under which name.
        key: String,
        /// What.
        value: String,
    },
}
