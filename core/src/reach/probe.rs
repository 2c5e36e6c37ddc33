//! One try: a fork of the world, a listener at the one end, `ping` or `nc` at the other, and what came of it.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::trace::{Call, Story};
use super::{Cause, Cell, Reason, Try, addresses};
use crate::addr::L4Proto;
use crate::event::{Event, Fact};
use crate::id::NodeId;
use crate::time::SimTime;
use crate::world::{Command, Input, Output, World};

/// So long a try may take, in lab time: ARP gives up after three seconds, at more than one hop if need be.
const PATIENCE: Duration = Duration::from_secs(12);
/// Steps of the world that one try may take; a lab in a storm has many.
const STEPS_MAX: u32 = 100_000;
/// The L4 port where the other end listens for a TCP try; the next free one if it is taken.
const LISTEN_PORT: u16 = 7_000;

/// Tries a pair.
pub(super) fn pair(world: &World, from: NodeId, to: NodeId) -> Cell {
    let mut sniffable = false;
    let mut best = |proto: L4Proto| {
        let mut kept: Option<Try> = None;
        for (addr, port) in targets(world, to, proto) {
            let (result, seen) = attempt(world, from, to, addr, port, proto);
            sniffable |= seen;
            if result.ok {
                return result;
            }
            kept.get_or_insert(result);
        }
        kept.unwrap_or_else(|| failed(to, Cause::NoAddress))
    };
    let icmp = best(L4Proto::Icmp);
    let tcp = best(L4Proto::Tcp);
    Cell { from, to, icmp, tcp, sniffable }
}

fn failed(node: NodeId, cause: Cause) -> Try {
    Try { reason: Some(Reason { node, cause }), ..Try::default() }
}

/// What may be called to reach a machine.
fn targets(world: &World, to: NodeId, proto: L4Proto) -> Vec<(Ipv4Addr, u16)> {
    let Some(machine) = machine(world, to) else { return Vec::new() };
    let port = match proto {
        L4Proto::Tcp => (LISTEN_PORT..).find(|port| !machine.tcp_port_taken(*port)).unwrap_or(LISTEN_PORT),
        _ => 0,
    };
    addresses(machine).into_iter().map(|addr| (addr, port)).collect()
}

fn machine(world: &World, id: NodeId) -> Option<&crate::machine::Machine> {
    world.machines().find(|machine| world.node_named(machine.name()) == Some(id))
}

/// One address, in a fork. Also: whether the host could watch.
fn attempt(world: &World, from: NodeId, to: NodeId, addr: Ipv4Addr, port: u16, proto: L4Proto) -> (Try, bool) {
    let called = Try { addr: Some((addr, port)), ..Try::default() };
    let fail = |node, cause| (Try { addr: called.addr, ..failed(node, cause) }, false);
    let (Some(caller), Some(callee)) = (machine(world, from), machine(world, to)) else {
        return fail(to, Cause::NoAddress);
    };
    if let Some(real) = [from, to].into_iter().find(|id| super::row(world, *id).is_some_and(|row| row.real)) {
        return fail(real, Cause::Real);
    }
    if caller.ifaces().is_local(addr) {
        return fail(from, Cause::OwnAddress);
    }
    let (caller, callee) = (caller.name().to_owned(), callee.name().to_owned());
    let mut fork = Fork::new(world);
    if proto == L4Proto::Tcp {
        fork.run(&callee, &format!("nc -l -k {port}"));
    }
    let line = match proto {
        L4Proto::Tcp => format!("nc -z -w 8 {addr} {port}"),
        _ => format!("ping -n -c 1 -W 8 {addr}"),
    };
    let job = fork.world.next_job();
    let start = fork.world.now();
    fork.run(&caller, &line);
    let ended = |event: &Event| match &event.fact {
        Fact::JobEnded { job: ended, status, .. } if *ended == job => Some(*status),
        _ => None,
    };
    let exit = fork.until(start + PATIENCE, ended);
    let call = Call { from, to, addr, port, proto };
    let story = Story::tell(&fork.events, call);
    let sniffable = story.is_seen_by_host(&fork.world);
    let ok = exit == Some(0) && story.arrived;
    let reason = (!ok).then(|| story.first_reason(exit));
    (Try { ok, reason, trace: story.steps, ..called }, sniffable)
}

/// A copy of the world, and what happened in it.
struct Fork {
    world: World,
    events: Vec<Event>,
}

impl Fork {
    fn new(world: &World) -> Self {
        Self { world: world.fork(), events: Vec::new() }
    }

    fn run(&mut self, machine: &str, line: &str) {
        let command = Command::Run { machine: machine.to_owned(), line: line.to_owned(), tty: None, stdin: false };
        let now = self.world.now();
        // A refusal (the session is at its longest) leaves no trace: the try then says that nothing arrived.
        let _ = self.world.handle(now, Input::Command(&command));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let Output::Event(event) = output {
                self.events.push(event);
            }
        }
    }

    /// Lets time pass until something happens, at most until `end`.
    fn until<T>(&mut self, end: SimTime, wanted: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let mut looked = 0;
        for _ in 0..STEPS_MAX {
            if let Some(found) = self.events[looked..].iter().find_map(&wanted) {
                return Some(found);
            }
            looked = self.events.len();
            let next = self.world.next_wakeup().filter(|at| *at <= end)?;
            let _ = self.world.handle(next, Input::Time);
            self.drain();
        }
        None
    }
}
