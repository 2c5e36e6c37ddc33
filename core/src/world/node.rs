//! A node: a machine, a switch or a NAT engine, and its ports.

use crate::event::Decision;
use crate::frame::Frame;
use crate::hypervisor::NatEngine;
use crate::id::LinkId;
use crate::machine::Machine;
use crate::machine::ctx::{Ctx, Handoff};
use crate::switch::{FdbChange, Forwarding, Switch};
use crate::time::SimTime;
use crate::view::{FdbRow, Key, NodeRow, Row};

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
    ) {
        match &mut self.body {
            Body::Machine(machine) => machine.handle_frame(ctx, port, frame),
            Body::Engine(engine) => engine.handle_frame(ctx, frame, resolver),
            Body::Switch(switch) => {
                match switch.forward(ctx.now, port, &frame.bytes) {
                    Forwarding::Drop(reason) => ctx.dropped(Some(frame.id), Some(port), reason),
                    Forwarding::Port(out) => {
                        ctx.forwarded();
                        ctx.decided(Some(frame.id), || Decision::Forwarded { port: out });
                        ctx.send(out, frame.clone());
                    }
                    Forwarding::Flood => flood(ctx, &self.ports, port, frame),
                }
                say_fdb(ctx, switch);
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
            Body::Switch(switch) => {
                switch.age_out(ctx.now);
                say_fdb(ctx, switch);
            }
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
            Body::Switch(switch) => switch.rows(self.row.id, now, samples).into_iter().map(Row::Fdb).collect(),
        }
    }
}

fn flood(ctx: &mut Ctx<'_>, ports: &[Option<(LinkId, u8)>], from: u32, frame: &Frame) {
    let out = || (0u32..).zip(ports).filter(|(port, link)| *port != from && link.is_some()).map(|(port, _)| port);
    let count = out().count() as u32;
    if count == 0 {
        return ctx.dropped(Some(frame.id), Some(from), crate::drop_reason::DropReason::NoOtherPort);
    }
    ctx.forwarded();
    ctx.decided(Some(frame.id), || Decision::Flooded { ports: count });
    for port in out() {
        ctx.send(port, frame.clone());
    }
}

/// Says what a switch has learned and forgotten.
pub(super) fn say_fdb(ctx: &mut Ctx<'_>, switch: &mut Switch) {
    while let Some(change) = switch.poll_change() {
        let node = ctx.node;
        match change {
            FdbChange::Put { mac, port } => ctx.put(Row::Fdb(FdbRow { switch: node, mac, port, age_secs: None })),
            FdbChange::Del { mac } => ctx.del(Key::Fdb((node, mac))),
        }
    }
}
