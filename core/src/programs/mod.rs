//! What runs on a machine: programs as state machines with a PID. No closures, no async: a program is data that is
//! polled whenever something happened to it, so that a machine can be cloned.
//!
//! Owns each program's behaviour and its words on the terminal. Must not know rendering, other machines, or the World:
//! a program acts only through [`Kernel`].

pub mod curl;
pub mod dhclient;
pub mod dhcpcd;
pub mod dhcpd;
pub mod dns;
pub mod dnsd;
pub mod echod;
pub mod httpd;
pub(crate) mod isc_date;
mod kernel;
pub mod nc;
pub mod ping;
pub mod resolve;
pub mod slurp;
mod stdio;
pub mod traceroute;
pub mod vbox;

pub use kernel::*;
pub use stdio::{Sink, Stdio};

/// Connections that wait for a web server, when the lab does not say (nginx's default on Linux).
const HTTP_BACKLOG: u32 = 511;

/// What a program says after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It waits: for its timer ([`Kernel::wake_at`]), a socket, input, a child or a signal.
    Running,
    /// It ended with this exit status.
    Exited(i32),
}

use curl::Curl;
use dhclient::Dhclient;
use dhcpcd::Dhcpcd;
use dhcpd::Dhcpd;
use dnsd::Dnsd;
use echod::Echod;
use httpd::Httpd;
use nc::Nc;
use ping::Ping;
use slurp::Slurp;
use traceroute::Traceroute;
use vbox::Vbox;

use crate::addr::Endpoint;
use crate::lab::{ServiceKind, ServiceSpec};
use crate::machine::Machine;
use crate::shell::vboxmanage::VBoxManage;
use crate::shell::{self, ShellJob};

/// A program that runs, whichever it is.
#[derive(Clone, Debug)]
pub enum Program {
    /// A command line.
    Shell(ShellJob),
    /// A tool that ends at once.
    Instant(fn(&[String], &mut dyn Kernel) -> i32, Vec<String>),
    /// A tool that reads its input to the end first.
    Slurp(Box<Slurp>),
    /// A DHCP client.
    Dhclient(Box<Dhclient>),
    /// The other DHCP client.
    Dhcpcd(Box<Dhcpcd>),
    /// A DHCP server.
    Dhcpd(Box<Dhcpd>),
    /// Echo requests.
    Ping(Box<Ping>),
    /// The way to an address, hop by hop.
    Traceroute(Box<Traceroute>),
    /// A web client.
    Curl(Box<Curl>),
    /// Streams and datagrams by hand.
    Nc(Box<Nc>),
    /// The hypervisor's command line.
    VBoxManage(Box<VBoxManage>),
    /// A web server.
    Httpd(Box<Httpd>),
    /// A name server.
    Dnsd(Box<Dnsd>),
    /// An echo server.
    Echod(Box<Echod>),
    /// A process of the hypervisor.
    Vbox(Box<Vbox>),
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
            "iptables-restore" | "nft" => shell::slurp(name, argv).map(|tool| Self::Slurp(Box::new(tool))),
            "dhcpcd" => Some(Self::Dhcpcd(Box::new(Dhcpcd::new(argv)))),
            "ping" => Some(Self::Ping(Box::new(Ping::new(argv)))),
            "traceroute" => Some(Self::Traceroute(Box::new(Traceroute::new(argv)))),
            "curl" => Some(Self::Curl(Box::new(Curl::new(argv)))),
            "nc" => Some(Self::Nc(Box::new(Nc::new(argv)))),
            "VBoxManage" | "vboxmanage" => Some(Self::VBoxManage(Box::new(VBoxManage::new(argv)))),
            _ => None,
        }
    }

    /// The program of a service that a lab file defines.
    pub fn service(spec: &ServiceSpec, machine: &Machine) -> Option<Self> {
        let at = Endpoint::new(spec.address.unwrap_or(core::net::Ipv4Addr::UNSPECIFIED), spec.port());
        match spec.kind {
            ServiceKind::Http => {
                Some(Self::Httpd(Box::new(Httpd::new(at, spec.backlog.unwrap_or(HTTP_BACKLOG), spec.pages.clone()))))
            }
            ServiceKind::Dns => Some(Self::Dnsd(Box::new(Dnsd::new(at, spec.records.clone())))),
            ServiceKind::Echo => Some(Self::Echod(Box::new(Echod::new(at, spec.proto())))),
            ServiceKind::Dhcp => {
                let scopes = spec.scopes.iter().filter_map(|scope| dhcpd::scope(scope, machine)).collect();
                Some(Self::Dhcpd(Box::new(Dhcpd::new(scopes))))
            }
        }
    }

    /// Lets the program act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        match self {
            Self::Shell(job) => job.poll(kernel),
            Self::Instant(run, argv) => Step::Exited(run(argv, kernel)),
            Self::Slurp(program) => program.poll(kernel),
            Self::Dhclient(program) => program.poll(kernel),
            Self::Dhcpcd(program) => program.poll(kernel),
            Self::Dhcpd(program) => program.poll(kernel),
            Self::Ping(program) => program.poll(kernel),
            Self::Traceroute(program) => program.poll(kernel),
            Self::Curl(program) => program.poll(kernel),
            Self::Nc(program) => program.poll(kernel),
            Self::VBoxManage(program) => program.poll(kernel),
            Self::Httpd(program) => program.poll(kernel),
            Self::Dnsd(program) => program.poll(kernel),
            Self::Echod(program) => program.poll(kernel),
            Self::Vbox(program) => program.poll(kernel),
        }
    }
}
