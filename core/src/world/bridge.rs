//! A switch as a node of the world: it is handed frames, cables and time, and what it decides is done.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::bridge_filter::BridgeFilter;
use super::node::Body;
use super::promisc::Card;
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::event::{Decision, Fact};
use crate::frame::Frame;
use crate::id::{NodeId, Port};
use crate::lab::derived_mac;
use crate::machine::ctx::Ctx;
use crate::switch::{FdbChange, Forwarding, Switch, SwitchConfig};
use crate::view::{FdbRow, Key, NodeKind, Row};

/// What stands at a switch's ports.
pub(super) struct Passage<'a> {
    /// The VMs' cards.
    pub cards: &'a BTreeMap<u32, Card>,
    /// The host's rules for its bridge.
    pub filter: Option<&'a mut BridgeFilter>,
}

impl Passage<'_> {
    fn leaves(&mut self, ctx: &mut Ctx<'_>, from: u32, out: u32, frame: &Frame) -> bool {
        self.filter.as_mut().is_none_or(|filter| filter.leaves(ctx, from, out, frame))
    }
}

/// Takes a frame that came out of the cable at `port`.
pub(super) fn handle_frame(
    ctx: &mut Ctx<'_>,
    switch: &mut Switch,
    passage: &mut Passage<'_>,
    port: u32,
    frame: &Frame,
) {
    if passage.filter.as_mut().is_some_and(|filter| !filter.enters(ctx, port, frame)) {
        // Which rule it was has been said.
        ctx.account.dropped += 1;
        return;
    }
    match switch.forward(ctx.now, port, frame.id, &frame.bytes) {
        Forwarding::Drop(reason) => ctx.dropped(Some(frame.id), Some(port), reason),
        Forwarding::Taken => ctx.delivered(Some(frame.id), "stp"),
        Forwarding::Hold(at) => {
            ctx.forwarded();
            ctx.hold(port, at, frame.clone());
        }
        Forwarding::Port(out) => unicast(ctx, switch, passage, (port, out), frame),
        Forwarding::Flood => flood(ctx, switch, passage, port, frame),
    }
    say(ctx, switch);
}

/// To the one port behind which the receiver is, if its card may have it, and a copy to every card that overhears.
fn unicast(ctx: &mut Ctx<'_>, switch: &Switch, passage: &mut Passage<'_>, (from, out): (u32, u32), frame: &Frame) {
    let cards = passage.cards;
    let of_vm = cards.contains_key(&from);
    if cards.get(&out).is_some_and(|card| !card.takes(&frame.bytes, of_vm)) {
        ctx.dropped(Some(frame.id), Some(out), DropReason::PromiscuousDenied);
    } else if passage.leaves(ctx, from, out, frame) {
        ctx.forwarded();
        ctx.decided(Some(frame.id), || Decision::Forwarded { port: out });
        ctx.send(out, frame.clone());
    } else {
        ctx.account.dropped += 1;
    }
    for (port, card) in cards {
        if *port != from && *port != out && card.overhears(of_vm) && switch.forwards(*port) {
            ctx.send(*port, frame.clone());
        }
    }
}

fn flood(ctx: &mut Ctx<'_>, switch: &Switch, passage: &mut Passage<'_>, from: u32, frame: &Frame) {
    let cards = passage.cards;
    let of_vm = cards.contains_key(&from);
    let mut open = Vec::new();
    for out in switch.ports().filter(|port| *port != from) {
        if cards.get(&out).is_some_and(|card| !card.takes(&frame.bytes, of_vm)) {
            ctx.lost(Some(frame.id), Some(out), DropReason::PromiscuousDenied);
        } else if passage.leaves(ctx, from, out, frame) {
            open.push(out);
        }
    }
    let count = open.len() as u32;
    if count > 0 {
        ctx.forwarded();
        ctx.decided(Some(frame.id), || Decision::Flooded { ports: count });
    } else {
        // Nobody may have it, and that has been said port by port.
        ctx.account.dropped += 1;
    }
    for out in open {
        ctx.send(out, frame.clone());
    }
}

/// Does what has come due.
pub(super) fn handle_timeout(ctx: &mut Ctx<'_>, switch: &mut Switch) {
    switch.handle_timeout(ctx.now);
    say(ctx, switch);
}

/// Says what has changed, and sends what spanning tree has to say.
pub(super) fn say(ctx: &mut Ctx<'_>, switch: &mut Switch) {
    let node = ctx.node;
    while let Some(change) = switch.poll_change() {
        match change {
            FdbChange::Put { mac, port } => ctx.put(Row::Fdb(FdbRow { switch: node, mac, port, age_secs: None })),
            FdbChange::Del { mac } => ctx.del(Key::Fdb((node, mac))),
        }
    }
    let (mut puts, mut dels) = (Vec::new(), Vec::new());
    switch.poll_rows(node, |row| puts.push(row), |key| dels.push(key));
    dels.into_iter().for_each(|key| ctx.del(key));
    puts.into_iter().for_each(|row| ctx.put(row));
    if let Some(returned) = switch.take_storm() {
        ctx.fact(Fact::StormDetected { node, dropped: 0, returned });
    }
    while let Some((port, bytes)) = switch.poll_frame() {
        let frame = ctx.frame(None, bytes);
        ctx.send(port, frame);
    }
}

impl World {
    /// Adds a switch; its MAC follows from its name.
    pub(super) fn add_switch_node(
        &mut self,
        name: &str,
        host: Option<NodeId>,
        site: &str,
        config: SwitchConfig,
    ) -> NodeId {
        let config = SwitchConfig { mac: self.switch_mac(name), ..config };
        let id = self.add_node(name, NodeKind::Switch, host, site, |_| Body::Switch(Box::new(Switch::new(config))));
        self.with_switch(id, |_, _| {});
        id
    }

    /// The same MAC for the same name, unlike every other switch's: spanning tree needs that. 02:4e:4d is locally
    /// administered ("NM").
    fn switch_mac(&self, name: &str) -> MacAddr {
        let derived = derived_mac([0x02, 0x4e, 0x4d], name, "bridge");
        let taken: BTreeSet<_> = self
            .nodes
            .iter()
            .flatten()
            .filter_map(|node| match &node.body {
                Body::Switch(switch) => Some(switch.config().mac),
                _ => None,
            })
            .collect();
        let next = |mac: &MacAddr| {
            let [a, b, c, d, e, f] = mac.0;
            let [_, d, e, f] = u32::from_be_bytes([0, d, e, f]).wrapping_add(1).to_be_bytes();
            Some(MacAddr([a, b, c, d, e, f]))
        };
        core::iter::successors(Some(derived), next).find(|mac| !taken.contains(mac)).unwrap_or(derived)
    }

    /// Lets a switch act, and says what came of it.
    pub(super) fn with_switch(&mut self, id: NodeId, act: impl FnOnce(&mut Switch, &mut Ctx<'_>)) {
        self.with_node(id, |node, ctx| {
            if let Body::Switch(switch) = &mut node.body {
                act(switch, ctx);
                say(ctx, switch);
            }
        });
    }

    /// A cable is put into a port or, without a cost, taken out; nothing if the port is no switch's.
    pub(super) fn plug_switch(&mut self, port: Port, link_cost: Option<u32>) {
        if !matches!(self.node(port.node).map(|node| &node.body), Some(Body::Switch(_))) {
            return;
        }
        self.with_switch(port.node, |switch, ctx| match link_cost {
            Some(cost) => switch.plug(ctx.now, port.index, cost),
            None => switch.unplug(ctx.now, port.index),
        });
    }

    /// The switch with this number.
    pub(super) fn switch(&self, id: NodeId) -> Option<&Switch> {
        match &self.node(id)?.body {
            Body::Switch(switch) => Some(switch),
            _ => None,
        }
    }
}
