//! A node: a machine, a switch or a NAT engine, and its ports.

use std::collections::BTreeMap;

use super::promisc::Card;
use crate::drop_reason::DropReason;
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
    ) {
        match &mut self.body {
            Body::Machine(machine) => machine.handle_frame(ctx, port, frame),
            Body::Engine(engine) => engine.handle_frame(ctx, frame, resolver),
            Body::Switch(switch) => {
                match switch.forward(ctx.now, port, &frame.bytes) {
                    Forwarding::Drop(reason) => ctx.dropped(Some(frame.id), Some(port), reason),
                    Forwarding::Port(out) => unicast(ctx, &self.cards, port, out, frame),
                    Forwarding::Flood => flood(ctx, &self.ports, &self.cards, port, frame),
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

/// To the one port behind which the receiver is, if its card may have it, and a copy to every card that overhears.
fn unicast(ctx: &mut Ctx<'_>, cards: &BTreeMap<u32, Card>, from: u32, out: u32, frame: &Frame) {
    let of_vm = cards.contains_key(&from);
    if cards.get(&out).is_none_or(|card| card.takes(&frame.bytes, of_vm)) {
        ctx.forwarded();
        ctx.decided(Some(frame.id), || Decision::Forwarded { port: out });
        ctx.send(out, frame.clone());
    } else {
        ctx.dropped(Some(frame.id), Some(out), DropReason::PromiscuousDenied);
    }
    for (port, card) in cards {
        if *port != from && *port != out && card.overhears(of_vm) {
            ctx.send(*port, frame.clone());
        }
    }
}

fn flood(ctx: &mut Ctx<'_>, ports: &[Option<(LinkId, u8)>], cards: &BTreeMap<u32, Card>, from: u32, frame: &Frame) {
    let of_vm = cards.contains_key(&from);
    let out = || (0u32..).zip(ports).filter(|(port, link)| *port != from && link.is_some()).map(|(port, _)| port);
    let takes = |port: &u32| cards.get(port).is_none_or(|card| card.takes(&frame.bytes, of_vm));
    let count = out().filter(takes).count() as u32;
    let denied: Vec<u32> = out().filter(|port| !takes(port)).collect();
    match denied.first() {
        None if count == 0 => return ctx.dropped(Some(frame.id), Some(from), DropReason::NoOtherPort),
        Some(_) if count == 0 => ctx.account.dropped += 1,
        _ => {
            ctx.forwarded();
            ctx.decided(Some(frame.id), || Decision::Flooded { ports: count });
        }
    }
    for port in denied {
        ctx.lost(Some(frame.id), Some(port), DropReason::PromiscuousDenied);
    }
    for port in out().filter(takes) {
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
