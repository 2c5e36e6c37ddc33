//! What users may ask of a world: intents. What comes of them is facts ([`crate::event`]).

use serde::{Deserialize, Serialize};

use crate::hypervisor::HypervisorCommand;
use crate::id::JobId;
use crate::programs::Signal;
use crate::view::Mode;

/// An intent. Machines and interfaces are named as the student names them, so that a session stays readable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "c", rename_all = "kebab-case")]
pub enum Command {
    /// Runs a command line as a new job. At most one foreground job a terminal; the world does not enforce it.
    Run {
        /// The machine's name.
        machine: String,
        /// The line.
        line: String,
        /// Columns of the terminal it runs on; none for pipes and an empty standard input.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tty: Option<u16>,
        /// Standard input stays open for [`Command::Input`]; on a terminal it always does.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        stdin: bool,
    },
    /// Sends a signal to a job's processes.
    Signal {
        /// The machine's name.
        machine: String,
        /// The job.
        job: JobId,
        /// The signal.
        signal: Signal,
    },
    /// Gives text to a job's standard input.
    Input {
        /// The machine's name.
        machine: String,
        /// The job.
        job: JobId,
        /// The text.
        text: String,
    },
    /// Ends a job's standard input.
    InputEnd {
        /// The machine's name.
        machine: String,
        /// The job.
        job: JobId,
    },
    /// Changes the mode of a VM's adapter while it runs.
    Attach {
        /// The VM's name.
        vm: String,
        /// Adapter number, 1 to 8.
        adapter: u8,
        /// The new mode.
        mode: Mode,
        /// The network's name, where the mode has one; empty for the default.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        network: String,
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
    /// Starts or stops a service that the lab file defines.
    Service {
        /// The machine's name.
        machine: String,
        /// The service's name.
        service: String,
        /// Start or stop.
        start: bool,
    },
    /// Makes, changes or removes something of a hypervisor's.
    Hypervisor {
        /// The host's name; the lab's only one when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        host: String,
        /// What is to be done.
        change: HypervisorCommand,
    },
    /// Puts a real TAP device in the place of a VM's card: the VM's simulated inside is off from now on.
    AttachTap {
        /// The VM's name.
        vm: String,
        /// Adapter number, 1 to 8.
        adapter: u8,
        /// The device's name, for rows.
        device: String,
    },
}

/// What a cable can be made to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CableState {
    /// Plugged in.
    On,
    /// Plugged out: no carrier.
    Off,
    /// Carrier, but all frames are lost.
    Mute,
    /// Carrier, but the machine's own frames are lost.
    MuteTx,
}
