//! A node: a machine, a switch or a NAT engine, and its ports.

use std::collections::BTreeMap;

use super::bridge::Passage;
use super::bridge_filter::BridgeFilter;
use super::promisc::Card;
use crate::frame::Frame;
use crate::hypervisor::NatEngine;
use crate::id::LinkId;
use crate::machine::Machine;
use crate::machine::ctx::{Ctx, Handoff};
use crate::switch::Switch;
use crate::time::SimTime;
use crate::view::{NodeRow, Row};

/// What a node is made of.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Machine(Box<Machine>),
    Switch(Box<Switch>),
    Engine(Box<NatEngine>),
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub row: NodeRow,
    pub body: Body,
    /// By port number: the cable and which of its ends it is.
    pub ports: Vec<Option<(LinkId, u8)>>,
    /// A hypervisor's switch: the VMs' cards by port.
    pub cards: BTreeMap<u32, Card>,
    /// When its next wake-up is queued for.
    pub wake: Option<SimTime>,
}

impl Node {
    /// Takes a frame that came out of the cable at `port`.
    pub(super) fn handle_frame(
        &mut self,
        ctx: &mut Ctx<'_>,
        port: u32,
        frame: &Frame,
        resolver: Option<core::net::Ipv4Addr>,
        filter: Option<&mut BridgeFilter>,
    ) {
        match &mut self.body {
            Body::Machine(machine) => machine.handle_frame(ctx, port, frame),
            Body::Engine(engine) => engine.handle_frame(ctx, frame, resolver),
            Body::Switch(switch) => {
                let mut passage = Passage { cards: &self.cards, filter };
                super::bridge::handle_frame(ctx, switch, &mut passage, port, frame);
            }
        }
    }

    /// Takes a packet from another node of the same computer.
    pub(super) fn handle_handoff(&mut self, ctx: &mut Ctx<'_>, handoff: Handoff) {
        match &mut self.body {
            Body::Machine(machine) => machine.handle_handoff(ctx, handoff),
            Body::Engine(engine) => engine.handle_handoff(ctx, handoff),
            Body::Switch(_) => {}
        }
    }

    /// Does what has come due.
    pub(super) fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) {
        match &mut self.body {
            Body::Machine(machine) => machine.handle_timeout(ctx),
            Body::Engine(engine) => engine.handle_timeout(ctx),
            Body::Switch(switch) => super::bridge::handle_timeout(ctx, switch),
        }
    }

    /// When it wants to be woken.
    pub(super) fn next_wakeup(&self) -> Option<SimTime> {
        match &self.body {
            Body::Machine(machine) => machine.next_wakeup(),
            Body::Engine(engine) => engine.next_wakeup(),
            Body::Switch(switch) => switch.next_wakeup(),
        }
    }

    /// The rows of its tables.
    pub(super) fn rows(&self, now: SimTime, samples: bool) -> Vec<Row> {
        match &self.body {
            Body::Machine(machine) => machine.rows(samples),
            Body::Engine(engine) => engine.rows(),
            Body::Switch(switch) => switch.rows(self.row.id, now, samples),
        }
    }
}
