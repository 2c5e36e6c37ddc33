//! Who reaches whom: every pair of machines is tried, in both directions, each try in a fork of the world of its own,
//! with the programs a student would use. The matrix is what came of it; each cell holds the trace that proves it and,
//! where the try failed, the first reason.
//!
//! Owns the order of the tries and what counts as reached. Must not change the world it is given, nor know text.

mod probe;
mod trace;

use core::net::Ipv4Addr;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::drop_reason::DropReason;
use crate::id::NodeId;
use crate::machine::Machine;
use crate::machine::iface::LOOPBACK;
use crate::view::{NodeRow, Row};
use crate::world::World;

pub use trace::{Seen, TraceStep};

/// Whether a machine reaches another in one way, and how that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// There and back.
    pub ok: bool,
    /// The address (and, for TCP, the L4 port) that was tried: the one that worked, else the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<(Ipv4Addr, u16)>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What happened to the first packet and to its answer, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceStep>,
}

/// The first reason why a try failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where.
    pub node: NodeId,
    /// Why.
    pub cause: Cause,
}

/// Why a try failed. Texts are in `static/locales/<lang>/` under `reach`, those of drops under `drops` in
/// `static/explain/<lang>.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A real machine stands here: nothing can be typed at it.
    Real,
    /// The other machine has no address to be called by.
    NoAddress,
    /// The address is this machine's own: it talks to itself.
    OwnAddress,
    /// The machine has no way to the address, and sends nothing.
    NoRoute,
    /// Another machine answered.
    AnsweredByAnother,
    /// The packet arrived, but no answer set out.
    NoAnswer,
    /// A packet ended for this reason.
    Dropped(DropReason),
    /// The packet was still on its way when the try was given up.
    Lost,
}

impl Cause {
    /// The key of its text.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::NoAddress => "no-address",
            Self::OwnAddress => "own-address",
            Self::NoRoute => "no-route",
            Self::AnsweredByAnother => "answered-by-another",
            Self::NoAnswer => "no-answer",
            Self::Dropped(_) => "dropped",
            Self::Lost => "lost",
        }
    }
}

/// One machine to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Who tries.
    pub from: NodeId,
    /// Who is to be reached.
    pub to: NodeId,
    /// By an echo request.
    pub icmp: Try,
    /// By a TCP connection to a port where somebody listens.
    pub tcp: Try,
    /// The host of the virtual machines can watch it: what was sent passes the host itself, or a network that it has
    /// an interface in.
    pub sniffable: bool,
}

/// The whole matrix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// The machines, in the order of rows and columns.
    pub nodes: Vec<NodeId>,
    /// One cell for each ordered pair that was tried.
    pub cells: Vec<Cell>,
}

impl Matrix {
    /// The cell of a pair.
    pub fn cell(&self, from: NodeId, to: NodeId) -> Option<&Cell> {
        self.cells.iter().find(|cell| (cell.from, cell.to) == (from, to))
    }
}

/// A matrix in the making. One pair a step, so that whoever drives it can show progress and stop.
#[derive(Debug)]
pub struct Survey {
    world: World,
    left: VecDeque<(NodeId, NodeId)>,
    matrix: Matrix,
}

impl Survey {
    /// Of these machines; of all, the routers of the Internet included, if `names` is empty. Names that no machine has
    /// are left out.
    pub fn new(world: &World, names: &[String]) -> Self {
        let mut world = world.fork();
        world.watch_frames(true);
        let wanted = |machine: &&Machine| names.is_empty() || names.iter().any(|name| name == machine.name());
        let nodes: Vec<_> =
            world.machines().filter(wanted).filter_map(|machine| world.node_named(machine.name())).collect();
        let pairs = |from: &NodeId| nodes.iter().filter(|to| *to != from).map(|to| (*from, *to)).collect::<Vec<_>>();
        let left = nodes.iter().flat_map(pairs).collect();
        Self { world, left, matrix: Matrix { nodes, cells: Vec::new() } }
    }

    /// Pairs that are done, and all pairs.
    pub fn progress(&self) -> (usize, usize) {
        let done = self.matrix.cells.len();
        (done, done + self.left.len())
    }

    /// Tries one pair more; `false` when all are done.
    pub fn step(&mut self) -> bool {
        let Some((from, to)) = self.left.pop_front() else { return false };
        let cell = probe::pair(&self.world, from, to);
        self.matrix.cells.push(cell);
        true
    }

    /// What is known so far.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// All pairs, tried at once.
    pub fn finish(mut self) -> Matrix {
        while self.step() {}
        self.matrix
    }
}

/// The matrix of all machines.
pub fn matrix(world: &World) -> Matrix {
    Survey::new(world, &[]).finish()
}

/// The addresses by which others may call a machine.
fn addresses(machine: &Machine) -> Vec<Ipv4Addr> {
    let outward = machine.ifaces().iter().filter(|iface| iface.index != LOOPBACK);
    outward.flat_map(|iface| iface.addrs.iter().map(|addr| addr.cidr.addr)).collect()
}

/// The row of a node.
fn row(world: &World, id: NodeId) -> Option<NodeRow> {
    world.rows(false).into_iter().find_map(|row| match row {
        Row::Node(node) if node.id == id => Some(node),
        _ => None,
    })
}
