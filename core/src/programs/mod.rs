//! What runs on a machine: programs as state machines with a PID. No closures, no async: a program is data that is
//! polled whenever something happened to it, so that a machine can be cloned.
//!
//! Owns each program's behaviour and its words on the terminal. Must not know rendering, other machines, or the World:
//! a program acts only through [`Kernel`].

pub mod dhclient;
pub mod dhcpd;
pub mod dns;
mod kernel;
pub mod ping;
pub mod resolve;

pub use kernel::*;

/// What a program says after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It waits: for its timer ([`Kernel::wake_at`]), a socket, input, a child or a signal.
    Running,
    /// It ended with this exit status.
    Exited(i32),
}

use dhclient::Dhclient;
use dhcpd::Dhcpd;
use ping::Ping;

use crate::lab::{ServiceKind, ServiceSpec};
use crate::machine::Machine;
use crate::shell::{self, ShellJob};

/// A program that runs, whichever it is.
#[derive(Clone, Debug)]
pub enum Program {
    /// A command line.
    Shell(ShellJob),
    /// A tool that ends at once.
    Instant(fn(&[String], &mut dyn Kernel) -> i32, Vec<String>),
    /// A DHCP client.
    Dhclient(Box<Dhclient>),
    /// A DHCP server.
    Dhcpd(Box<Dhcpd>),
    /// Echo requests.
    Ping(Box<Ping>),
}

impl Program {
    /// A command line.
    pub fn shell(line: &str) -> Self {
        Self::Shell(ShellJob::new(line))
    }

    /// The program that a command's words start; none if there is no such program.
    pub fn start(argv: &[String]) -> Option<Self> {
        let name = argv.first()?;
        let name = name.rsplit('/').next().unwrap_or(name);
        if let Some(run) = shell::instant(name) {
            return Some(Self::Instant(run, argv.to_vec()));
        }
        match name {
            "dhclient" => Some(Self::Dhclient(Box::new(Dhclient::new(argv)))),
            "ping" => Some(Self::Ping(Box::new(Ping::new(argv)))),
            _ => None,
        }
    }

    /// The program of a service that a lab file defines.
    pub fn service(spec: &ServiceSpec, machine: &Machine) -> Option<Self> {
        match spec.kind {
            ServiceKind::Dhcp => {
                let scopes = spec.scopes.iter().filter_map(|scope| dhcpd::scope(scope, machine)).collect();
                Some(Self::Dhcpd(Box::new(Dhcpd::new(scopes))))
            }
            _ => None,
        }
    }

    /// Lets the program act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        match self {
            Self::Shell(job) => job.poll(kernel),
            Self::Instant(run, argv) => Step::Exited(run(argv, kernel)),
            Self::Dhclient(program) => program.poll(kernel),
            Self::Dhcpd(program) => program.poll(kernel),
            Self::Ping(program) => program.poll(kernel),
        }
    }
}
