//! The whole network: nodes, cables, the event queue, commands in, facts out.
//!
//! # The contract
//! [`World::handle`] takes one input with a time; then [`World::poll_output`] is drained to `None`; then
//! [`World::next_wakeup`] says when mere time is the next input. The runner never hands in a time later than that.
//! However time is sliced, the trace is the same. Must not know text, colours, or files.

mod apply;
mod attach;
mod bridge;
mod bridge_filter;
mod build;
mod carry;
mod check;
mod command;
#[cfg(test)]
mod engine_tests;
mod engines;
mod hypervisor;
#[cfg(test)]
mod hypervisor_tests;
mod networks;
mod node;
mod promisc;
mod queue;
mod services;
mod settings;
#[cfg(test)]
mod tests;
mod topology;
mod vms;

use std::collections::{BTreeMap, VecDeque};

pub use check::Violation;
pub use command::{CableState, Command, LinkSetting, SwitchSetting};
use node::{Body, Node};
use queue::Queue;
use topology::Cable;

use crate::error::UserError;
use crate::event::{Event, Fact};
use crate::frame::{Frame, Offload};
use crate::hypervisor::{Inventory, Nic};
use crate::id::{NodeId, Port, TapId};
use crate::lab::VmSpec;
use crate::limits;
use crate::machine::Machine;
use crate::machine::ctx::{Account, Effect};
use crate::time::SimTime;
use crate::view::{Key, Row};

/// What comes into a world.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Time itself.
    Time,
    /// An intent.
    Command(&'a Command),
    /// A frame from a real device.
    TapFrame {
        /// At this TAP port.
        tap: TapId,
        /// The frame's bytes.
        bytes: &'a [u8],
        /// What its kernel left to the card.
        offload: Offload,
    },
}

/// What comes out of a world.
#[derive(Clone, Debug)]
pub enum Output {
    /// A fact.
    Event(Event),
    /// A frame for a real device.
    TapFrame(TapId, Frame),
}

/// The whole network.
///
/// A clone ([`World::fork`]) has everything but live TCP connections.
#[derive(Clone, Debug)]
pub struct World {
    now: SimTime,
    seed: u64,
    seq: u64,
    nodes: Vec<Option<Node>>,
    names: BTreeMap<String, NodeId>,
    links: Vec<Option<Cable>>,
    nics: BTreeMap<(NodeId, u8), Nic>,
    networks: BTreeMap<networks::NetworkKey, networks::Network>,
    hypervisors: BTreeMap<NodeId, Inventory>,
    vms: BTreeMap<NodeId, VmSpec>,
    taps: BTreeMap<Port, TapId>,
    queue: Queue,
    /// What happens at this very instant, in order.
    ready: VecDeque<carry::Ready>,
    /// Frames handled at this instant.
    this_instant: u32,
    /// When a storm was said last: the switches of one loop notice it within milliseconds, and one word is enough.
    storm_said: Option<SimTime>,
    outputs: VecDeque<Output>,
    effects: Vec<Effect>,
    next_frame: u64,
    next_job: u32,
    next_tap: u32,
    inputs: u32,
    account: Account,
    cables: carry::Cables,
    hops: u64,
    digest: u64,
    watched: bool,
    services: BTreeMap<(NodeId, String), crate::lab::ServiceSpec>,
    profile: crate::lab::Profile,
    /// By VM or NAT network's engine: the host and the process there that stands for it.
    hypervisor_processes: BTreeMap<NodeId, (NodeId, crate::id::Pid)>,
}

impl World {
    fn empty(seed: u64) -> Self {
        Self {
            now: SimTime::ZERO,
            seed,
            seq: 0,
            nodes: Vec::new(),
            names: BTreeMap::new(),
            links: Vec::new(),
            nics: BTreeMap::new(),
            networks: BTreeMap::new(),
            hypervisors: BTreeMap::new(),
            vms: BTreeMap::new(),
            taps: BTreeMap::new(),
            queue: Queue::default(),
            ready: VecDeque::new(),
            this_instant: 0,
            storm_said: None,
            outputs: VecDeque::new(),
            effects: Vec::new(),
            next_frame: 1,
            next_job: 1,
            next_tap: 1,
            inputs: 0,
            account: Account::default(),
            cables: carry::Cables::default(),
            hops: 0,
            digest: 0xcbf2_9ce4_8422_2325,
            watched: false,
            services: BTreeMap::new(),
            profile: crate::lab::Profile::default(),
            hypervisor_processes: BTreeMap::new(),
        }
    }

    /// Takes one input at lab time `now`, which is at or after the last input's, and not after
    /// [`World::next_wakeup`]. What is due at `now` happens first. Lab time ends at [`limits::LAB_TIME_MAX`]: nothing
    /// is later.
    ///
    /// # Errors
    /// A command that names something that is not there, or cannot be done; nothing has changed then.
    pub fn handle(&mut self, now: SimTime, input: Input<'_>) -> Result<(), UserError> {
        debug_assert!(self.outputs.is_empty(), "one input, full drain");
        debug_assert!(self.next_wakeup().is_none_or(|at| now <= at), "time passed a wake-up");
        self.run_until(now.min(limits::LAB_TIME_MAX).max(self.now));
        let result = match input {
            Input::Time => Ok(()),
            Input::Command(command) => self.apply(command),
            Input::TapFrame { tap, bytes, offload } => {
                self.tap_frame(tap, bytes, offload);
                Ok(())
            }
        };
        self.settle();
        self.drop_stale();
        result
    }

    /// The next thing that came out, until there is no more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When time is the next input, unless another comes first.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.queue.next().map(|at| at.max(self.now)).filter(|at| *at <= limits::LAB_TIME_MAX)
    }

    /// Lab time of the last input.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether frame facts are wanted. What happens is the same with and without.
    pub fn watch_frames(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// How often a frame crossed a cable.
    pub fn hops(&self) -> u64 {
        self.hops
    }

    /// Frames on cables now.
    pub fn frames_in_flight(&self) -> usize {
        self.queue.frames()
    }

    /// Whether a command line runs anywhere.
    pub fn busy(&self) -> bool {
        self.machines().any(Machine::busy)
    }

    /// A hash of everything that has happened, equal for equal traces whether or not somebody watched.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", self.digest)
    }

    /// A copy to try something out in.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// All rows of all tables: what a viewer that has applied every fact knows; with samples, also ages and queues.
    pub fn rows(&self, samples: bool) -> Vec<Row> {
        let nodes = self.nodes.iter().flatten();
        let mut rows: Vec<_> = nodes.clone().map(|node| Row::Node(node.row.clone())).collect();
        rows.extend(self.nics.values().map(|nic| Row::Nic(nic.row.clone())));
        rows.extend(self.network_rows().into_iter().map(Row::HostNetwork));
        rows.extend(self.service_rows().map(Row::Service));
        rows.extend(self.links.iter().flatten().map(|cable| Row::Link(cable.row.clone())));
        rows.extend(nodes.flat_map(|node| node.rows(self.now, samples)));
        rows
    }

    /// The machine with this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        match &self.node(self.node_named(name)?)?.body {
            Body::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    /// All machines.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.nodes.iter().flatten().filter_map(|node| match &node.body {
            Body::Machine(machine) => Some(machine.as_ref()),
            _ => None,
        })
    }

    fn put(&mut self, row: Row) {
        self.emit(Fact::Put { row });
    }

    fn del(&mut self, key: Key) {
        self.emit(Fact::Del { key });
    }

    fn emit(&mut self, fact: Fact) {
        self.seq += 1;
        self.outputs.push_back(Output::Event(Event { seq: self.seq, time: self.now, fact }));
    }

    /// Folds numbers into the fingerprint.
    fn mix(&mut self, value: u64) {
        self.digest = (self.digest ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// Removes wake-ups from the queue's head that their nodes no longer want, so that [`World::next_wakeup`] tells
    /// the truth.
    fn drop_stale(&mut self) {
        while let Some((at, id)) = self.queue.peek_wake() {
            if self.node(id).is_some_and(|node| node.wake == Some(at)) {
                return;
            }
            self.queue.pop(at);
        }
    }
}
