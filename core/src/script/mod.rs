//! The script language: what `netmodes sim` runs, what exercises' solutions are written in, and what is replayed on
//! real namespaces.
//!
//! One action a line; `#` begins a comment line. This module owns the language: parsing ([`Script::parse`]), printing
//! ([`Script`]'s `Display`). It must not know whether a machine or an interface exists: that is for whoever runs it.
//!
//! ```text
//! # comment
//! vm1: ip addr
//! vm1 &cap: tcpdump -n -i enp0s3
//! @tty 100 vm1: ss -tan
//! @wait 2.5
//! @end cap [S]   @int cap   @kill cap   @freeze cap   @thaw cap   @input cap "text"   @eof cap
//! @attach vm1 1 MODE [NAME]
//! @cable vm1 enp0s3 on|off|mute|mute-tx
//! @link END [END] [delay 5ms] [jitter 1ms] [rate 10mbit|none] [loss 2%] [queue 50] [on|off]
//! @switch NAME stp on|off
//! @switch NAME priority|hello|forward-delay|max-age|ageing NUMBER
//! @switch NAME port END open | cost N|auto | priority N | security off | security MAX [protect|restrict|shutdown] [MAC …]
//! @service gw dhcpd start|stop
//! @setup vm1: COMMAND
//! @pcap start NAME vm1 enp0s3 [FILTER]   @pcap stop NAME
//! ```
//! An END of a cable is `host:eth0`, a switch's port `office:3`, or a switch's name: of several cables between two switches
//! the first is meant. At `@switch … port`, END is the other end of the port's cable, or the port's number. Times of cables
//! are in `us`, `ms`, `s`; rates in `kbit`, `mbit`, `gbit`; those of switches are seconds.

mod link;
mod parse;
mod print;

#[cfg(test)]
mod tests;

use core::time::Duration;

use crate::error::UserError;
use crate::view::Mode;
use crate::world::{CableState, LinkSetting, SwitchSetting};

/// A script: its actions in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The lines that do something.
    pub lines: Vec<ScriptLine>,
}

/// One action and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptLine {
    /// Line number in the text, from 1.
    pub line: usize,
    /// What to do.
    pub action: Action,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs a command to its end: empty standard input, output to pipes.
    Run {
        /// The machine's name.
        machine: String,
        /// The command line.
        command: String,
    },
    /// Starts a command in the background; its result is reported when it ends.
    Background {
        /// The machine's name.
        machine: String,
        /// What later lines call it.
        name: String,
        /// The command line.
        command: String,
    },
    /// Runs a command to its end on a terminal.
    Tty {
        /// Columns of the terminal, at least 1.
        columns: u16,
        /// The machine's name.
        machine: String,
        /// The command line.
        command: String,
    },
    /// Lets lab time pass.
    Wait(Duration),
    /// Waits until a background command ends.
    End {
        /// Its name.
        name: String,
        /// How long at most; no limit when left out.
        timeout: Option<Duration>,
    },
    /// Interrupts a background command (Ctrl-C).
    Int(String),
    /// Kills a background command.
    Kill(String),
    /// Stops a background command until [`Action::Thaw`].
    Freeze(String),
    /// Lets a frozen background command go on.
    Thaw(String),
    /// Gives text to a background command's standard input.
    Input {
        /// Its name.
        name: String,
        /// The text, as it is: no newline is added.
        text: String,
    },
    /// Ends a background command's standard input.
    Eof(String),
    /// Changes the mode of an adapter while the machine runs.
    Attach {
        /// The VM's name.
        vm: String,
        /// Adapter, 1 to 8.
        adapter: u8,
        /// The mode.
        mode: Mode,
        /// The network's name, where one was given.
        network: Option<String>,
    },
    /// Plugs a cable in or out, or breaks it.
    Cable {
        /// The machine's name.
        machine: String,
        /// The interface's name.
        iface: String,
        /// What to do with it.
        state: CableState,
    },
    /// Changes what a cable is like, or plugs it in or out.
    Link {
        /// One of its ends.
        a: String,
        /// The other end, where it was given.
        b: Option<String>,
        /// What is to be changed.
        setting: LinkSetting,
    },
    /// Changes a setting of a switch.
    Switch {
        /// The switch's name.
        switch: String,
        /// What is to be changed.
        setting: SwitchSetting,
    },
    /// Starts or stops a service that the lab file defines.
    Service {
        /// The machine's name.
        machine: String,
        /// The service's name.
        service: String,
        /// Start or stop.
        start: bool,
    },
    /// Runs a command to its end without reporting it.
    Setup {
        /// The machine's name.
        machine: String,
        /// The command line.
        command: String,
    },
    /// Begins a capture at an interface.
    PcapStart {
        /// What later lines call it.
        name: String,
        /// The machine's name.
        machine: String,
        /// The interface's name.
        iface: String,
        /// A display filter: only frames that match are kept.
        filter: Option<String>,
    },
    /// Ends a capture.
    PcapStop {
        /// Its name.
        name: String,
    },
}

/// Why a script cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong there.
    pub error: UserError,
}

impl core::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.error)
    }
}

impl std::error::Error for ScriptError {}
