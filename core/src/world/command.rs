//! What users may ask of a world: intents. What comes of them is facts ([`crate::event`]).

use serde::{Deserialize, Serialize};

use crate::hypervisor::HypervisorCommand;
use crate::id::JobId;
use crate::lab::{ScopeSpec, SecuritySpec};
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
    /// Changes what a cable is like, or plugs it in or out.
    Link {
        /// One of its ends: `host:eth0`, a switch's port `office:3`, or a switch's name.
        a: String,
        /// The other end, where one is not enough to name it: of several cables between two switches the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Changes a scope of a machine's DHCP service, which is restarted for it if it runs.
    Scope {
        /// The machine's name.
        machine: String,
        /// The service's name.
        service: String,
        /// The scope's number, from 0; the number of scopes for one more.
        scope: u32,
        /// The scope as it is to be; none removes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Box<ScopeSpec>>,
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

/// What is to be changed at a cable; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSetting {
    /// One-way delay in microseconds, 1 to 60,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_us: Option<u32>,
    /// How much longer a frame may take, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_us: Option<u32>,
    /// Bits a second; 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bps: Option<u64>,
    /// Frames lost of a million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_ppm: Option<u32>,
    /// Frames that may wait in one direction, where there is a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_frames: Option<u32>,
    /// Plugged in, or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
}

/// A setting of a switch. A port is named by the other end of its cable (`host:eth0`, a switch's name) or its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "s", rename_all = "kebab-case")]
pub enum SwitchSetting {
    /// Spanning tree on or off.
    Stp {
        /// On.
        on: bool,
    },
    /// Its priority in spanning tree.
    Priority {
        /// The smallest becomes the root.
        value: u16,
    },
    /// How often the root speaks.
    Hello {
        /// Seconds, 1 to 10.
        secs: u32,
    },
    /// How long a port listens, and then learns.
    ForwardDelay {
        /// Seconds, 2 to 30.
        secs: u32,
    },
    /// The age at which the root's information is void.
    MaxAge {
        /// Seconds, 6 to 40.
        secs: u32,
    },
    /// How long a learned address is remembered.
    Ageing {
        /// Seconds, 1 to 1,000,000.
        secs: u32,
    },
    /// Opens a port again that port security has shut.
    Open {
        /// Which port.
        port: String,
    },
    /// Path cost of a port in spanning tree.
    Cost {
        /// Which port.
        port: String,
        /// 1 to 65,535; none for what the cable's rate makes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<u32>,
    },
    /// Port priority in spanning tree.
    PortPriority {
        /// Which port.
        port: String,
        /// 0 to 63.
        value: u8,
    },
    /// Port security of a port.
    Security {
        /// Which port.
        port: String,
        /// None to switch it off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        security: Option<SecuritySpec>,
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
