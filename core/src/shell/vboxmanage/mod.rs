//! `VBoxManage`, as VirtualBox 7.0 has it: the commands about networks and about a VM's cards.
//!
//! A command line is read and held against what the hypervisor has now ([`crate::hypervisor::HypervisorView`]); what is
//! to be changed becomes [`HypervisorCommand`]s, which the world carries out one after another.

mod dhcp;
mod errors;
mod info;
mod list;
mod machine;
mod networks;
mod options;
#[cfg(test)]
mod tests;
mod usage;
mod words;

use std::collections::VecDeque;

pub use usage::GRAMMAR;

use errors::Failure;

use crate::event::Stream;
use crate::hypervisor::{HypervisorAnswer, HypervisorCommand, HypervisorRequest, HypervisorView};
use crate::programs::{Kernel, Step};
use crate::shell::out::{Text, complain, say};

/// What one command line comes to.
#[derive(Clone, Debug, PartialEq)]
enum Plan {
    /// These words on standard output, and the end.
    Print(Text),
    /// These changes, one after another.
    Do(Vec<HypervisorCommand>, Report),
}

/// How changes are spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Report {
    /// Not at all if they succeed.
    Silent,
    /// A host-only interface: its name, in a sentence or alone.
    HostOnly {
        /// Alone.
        bare: bool,
    },
    /// A NAT network: what VBoxManage says where the last argument failed.
    NatNetwork(&'static str),
    /// A DHCP server: the same.
    Dhcp(&'static str),
    /// These words if they succeed.
    Say(String),
    /// Took some time, of which a bar is shown on standard error.
    Progress,
}

/// The program.
#[derive(Clone, Debug)]
pub struct VBoxManage {
    argv: Vec<String>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Fresh,
    Looking,
    Doing(VecDeque<HypervisorCommand>, Report),
}

impl VBoxManage {
    /// The program for a command's words.
    pub fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_vec(), state: State::Fresh }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        loop {
            match &mut self.state {
                State::Fresh => {
                    if kernel.hypervisor_ask(HypervisorRequest::Look).is_err() {
                        return Step::Exited(1);
                    }
                    self.state = State::Looking;
                }
                State::Looking => match kernel.hypervisor_answer() {
                    Some(HypervisorAnswer::View(view)) => {
                        let args = self.argv.get(1..).unwrap_or_default();
                        match plan(args, &view, kernel) {
                            Ok(Plan::Print(text)) => {
                                words::marked(&text.to_plain()).print(kernel, Stream::Stdout);
                                return Step::Exited(0);
                            }
                            Ok(Plan::Do(commands, report)) => self.state = State::Doing(commands.into(), report),
                            Err(failure) => return failure.print(kernel),
                        }
                        if let Some(step) = self.next(kernel, "") {
                            return step;
                        }
                    }
                    _ => return Step::Running,
                },
                State::Doing(_, report) => match kernel.hypervisor_answer() {
                    Some(HypervisorAnswer::Done(Ok(name))) => {
                        if let Some(step) = self.next(kernel, &name) {
                            return step;
                        }
                    }
                    Some(HypervisorAnswer::Done(Err(error))) => return errors::refused(report, &error).print(kernel),
                    _ => return Step::Running,
                },
            }
        }
    }

    /// Asks for the next change; after the last one, says so.
    fn next(&mut self, kernel: &mut dyn Kernel, name: &str) -> Option<Step> {
        let State::Doing(commands, report) = &mut self.state else { return None };
        if let Some(command) = commands.pop_front() {
            let asked = kernel.hypervisor_ask(HypervisorRequest::Do(command));
            return asked.is_err().then_some(Step::Exited(1));
        }
        match report {
            Report::HostOnly { bare: true } => say(kernel, name),
            Report::HostOnly { bare: false } => {
                complain(kernel, PROGRESS);
                say(kernel, format!("Interface '{name}' was successfully created\n"));
            }
            Report::Say(words) => say(kernel, words.clone()),
            Report::Progress => complain(kernel, PROGRESS),
            Report::Silent | Report::NatNetwork(_) | Report::Dhcp(_) => {}
        }
        Some(Step::Exited(0))
    }
}

/// What `showProgress` leaves on standard error.
const PROGRESS: &str = "0%...10%...20%...30%...40%...50%...60%...70%...80%...90%...100%";

/// What a command line comes to.
fn plan(args: &[String], view: &HypervisorView, kernel: &mut dyn Kernel) -> Result<Plan, Failure> {
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    // `-q` and `--nologo` only take away a banner that nothing here prints.
    while args.first().is_some_and(|first| matches!(*first, "-q" | "--nologo" | "-nologo")) {
        args.remove(0);
    }
    let Some((command, rest)) = args.split_first() else { return Ok(Plan::Print(usage::general())) };
    if rest.first().is_some_and(|first| matches!(*first, "--help" | "-h" | "help")) {
        return usage::of(command).map(Plan::Print).ok_or_else(|| errors::unknown_command(command));
    }
    match *command {
        "--version" | "-v" | "-V" | "-version" => Ok(Plan::Print(usage::version())),
        "help" | "--help" | "-h" | "-help" => match rest.first() {
            Some(command) => usage::of(command).map(Plan::Print).ok_or_else(|| errors::unknown_command(command)),
            None => Ok(Plan::Print(usage::general())),
        },
        "list" => list::plan(rest, view, kernel),
        "showvminfo" => info::plan(rest, view),
        "modifyvm" => machine::modify(rest, view),
        "controlvm" => machine::control(rest, view),
        "startvm" => machine::start(rest, view),
        "createvm" => machine::create(rest),
        "unregistervm" => machine::unregister(rest, view),
        "natnetwork" | "natnet" => networks::nat(rest, view),
        "hostonlyif" => networks::host_only(rest, view),
        "dhcpserver" => dhcp::plan(rest, view, kernel.now()),
        other => Err(errors::unknown_command(other)),
    }
}
