//! Who is connected to what: nodes, their ports, cables, carriers. The only place that edits it.

use std::collections::BTreeMap;

use super::World;
use super::node::{Body, Node};
use crate::id::{LinkId, NodeId, Port};
use crate::link::{Link, LinkConfig};
use crate::rng::{Purpose, Rng};
use crate::switch::path_cost;
use crate::view::{Key, LinkRow, NodeKind, NodeRow, Row};
use crate::world::CableState;

/// A cable and its two ends.
#[derive(Clone, Debug)]
pub(super) struct Cable {
    pub link: Link,
    pub ends: [Port; 2],
    pub row: LinkRow,
    /// Counts how often it was plugged out.
    pub epoch: u32,
}

impl World {
    /// Adds a node; its body is made with the new node's number.
    pub(super) fn add_node(
        &mut self,
        name: &str,
        kind: NodeKind,
        host: Option<NodeId>,
        site: &str,
        body: impl FnOnce(NodeId) -> Body,
    ) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let row = NodeRow { id, name: name.to_owned(), kind, host, site: site.to_owned(), real: false, off: false };
        self.nodes.push(Some(Node {
            row: row.clone(),
            body: body(id),
            ports: Vec::new(),
            cards: BTreeMap::new(),
            wake: None,
        }));
        self.names.insert(name.to_owned(), id);
        self.put(Row::Node(row));
        id
    }

    /// Removes a node with its cables and all its rows.
    pub(super) fn remove_node(&mut self, id: NodeId) {
        let links: Vec<_> =
            self.node(id).map(|node| node.ports.iter().flatten().map(|(link, _)| *link).collect()).unwrap_or_default();
        for link in links {
            self.remove_link(link);
        }
        if let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::take) {
            self.names.remove(&node.row.name);
            for row in node.rows(self.now, false) {
                self.del(row.key());
            }
            self.del(Key::Node(id));
        }
    }

    /// Connects two ports.
    pub(super) fn add_link(&mut self, a: Port, b: Port, config: &LinkConfig) -> LinkId {
        let id = LinkId(self.links.len() as u32);
        let row = link_row(id, [a, b], config, true, [false; 2]);
        let rng = Rng::stream(self.seed, Purpose::LinkLoss, u64::from(id.0));
        let link = Link::new(*config, rng);
        self.links.push(Some(Cable { link, ends: [a, b], row: row.clone(), epoch: 0 }));
        for (end, port) in [a, b].into_iter().enumerate() {
            self.set_port(port, Some((id, end as u8)));
        }
        self.put(Row::Link(row));
        for port in [a, b] {
            self.plug_switch(port, Some(path_cost(config.rate_bps)));
            self.update_carrier(port, true);
        }
        id
    }

    /// Takes a cable away; frames on it are lost.
    pub(super) fn remove_link(&mut self, id: LinkId) {
        if let Some(cable) = self.links.get_mut(id.0 as usize).and_then(Option::take) {
            self.del(Key::Link(id));
            for port in cable.ends {
                self.set_port(port, None);
                self.plug_switch(port, None);
                self.update_carrier(port, false);
            }
        }
    }

    fn set_port(&mut self, port: Port, value: Option<(LinkId, u8)>) {
        if let Some(node) = self.nodes.get_mut(port.node.0 as usize).and_then(Option::as_mut) {
            let index = port.index as usize;
            if node.ports.len() <= index {
                node.ports.resize(index + 1, None);
            }
            node.ports[index] = value;
            if value.is_none() {
                node.cards.remove(&port.index);
            }
        }
    }

    fn update_carrier(&mut self, port: Port, carrier: bool) {
        self.with_node(port.node, |node, ctx| match &mut node.body {
            Body::Machine(machine) => machine.set_carrier(ctx, port.index, carrier),
            Body::Switch(switch) => {
                switch.set_carrier(ctx.now, port.index, carrier);
                super::bridge::say(ctx, switch);
            }
            Body::Engine(_) => {}
        });
    }

    /// The cable at a port, and which of its ends that is.
    pub(super) fn cable_at(&self, port: Port) -> Option<(LinkId, u8)> {
        *self.node(port.node)?.ports.get(port.index as usize)?
    }

    /// Plugs a cable in or out, or breaks it, seen from one of its ends.
    pub(super) fn set_cable(&mut self, id: LinkId, end: u8, state: CableState) {
        let Some(cable) = self.links.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        let up = state != CableState::Off;
        let mute = match state {
            CableState::On | CableState::Off => [false; 2],
            CableState::Mute => [true; 2],
            CableState::MuteTx => [end == 0, end == 1],
        };
        let (turned, broken) = (cable.row.up != up, cable.row.mute != mute);
        (cable.row.up, cable.row.mute) = (up, mute);
        if turned {
            cable.epoch += u32::from(!up);
        }
        if turned || broken {
            let (row, ends) = (cable.row.clone(), cable.ends);
            self.put(Row::Link(row));
            for port in ends.into_iter().filter(|_| turned) {
                self.update_carrier(port, up);
            }
        }
    }

    /// The node with this number.
    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)?.as_mut()
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)?.as_ref()
    }

    /// The node with this name.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }
}

/// A cable's row.
pub(super) fn link_row(id: LinkId, [a, b]: [Port; 2], config: &LinkConfig, up: bool, mute: [bool; 2]) -> LinkRow {
    LinkRow {
        id,
        a,
        b,
        delay_ns: config.delay.as_nanos() as u64,
        rate_bps: config.rate_bps,
        loss_ppm: config.loss_ppm,
        jitter_ns: config.jitter.as_nanos() as u64,
        queue_frames: config.rate_bps.map(|_| config.queue_frames as u32),
        up,
        mute,
    }
}
