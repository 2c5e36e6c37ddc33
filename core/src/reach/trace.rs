//! The story of one try, read from the facts: the first packet's frames through every hop, then its answer's.

use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Cause, Reason};
use crate::addr::L4Proto;
use crate::drop_reason::DropReason;
use crate::event::{Decision, Event, Fact, FrameSent};
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::frame::rewrite;
use crate::id::{FrameId, LinkId, NodeId, Port};
use crate::time::SimTime;
use crate::view::{NodeKind, NodeRow, Row};
use crate::world::World;

/// Steps of one trace that are kept; a flooded packet has many.
const STEPS_MAX: usize = 200;

/// One thing that happened to a packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceStep {
    /// When.
    pub time: SimTime,
    /// At which node.
    pub node: NodeId,
    /// To which frame; none for a packet that never became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameId>,
    /// It belongs to the answer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub back: bool,
    /// What.
    pub seen: Seen,
}

/// What happened to a packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It was put on a cable.
    Sent {
        /// The cable.
        link: LinkId,
        /// Where it will come out.
        to: Port,
        /// The packet in one line.
        summary: String,
    },
    /// Something was decided about it.
    Decided(Decision),
    /// It ended.
    Dropped(DropReason),
}

/// Who calls whom, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub from: NodeId,
    pub to: NodeId,
    pub addr: Ipv4Addr,
    pub port: u16,
    pub proto: L4Proto,
}

/// What became of a call.
#[derive(Debug)]
pub(super) struct Story {
    call: Call,
    pub steps: Vec<TraceStep>,
    /// The packet arrived at the machine that was called.
    pub arrived: bool,
    /// Who took the packet instead.
    other: Option<NodeId>,
    /// An answer set out.
    answered: bool,
    /// Nodes that sent or got one of its frames.
    nodes: BTreeSet<NodeId>,
    sent: bool,
    drops: Vec<(NodeId, DropReason)>,
}

impl Story {
    pub(super) fn tell(events: &[Event], call: Call) -> Self {
        let mut story = Self {
            call,
            steps: Vec::new(),
            arrived: false,
            other: None,
            answered: false,
            nodes: BTreeSet::new(),
            sent: false,
            drops: Vec::new(),
        };
        let (mut there, mut back) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            story.take(event, &mut there, &mut back);
        }
        story
    }

    fn take(&mut self, event: &Event, there: &mut BTreeSet<FrameId>, back: &mut BTreeSet<FrameId>) {
        let side = |frame: &Option<FrameId>, node: NodeId| match frame {
            Some(frame) if there.contains(frame) => Some(false),
            Some(frame) if back.contains(frame) => Some(true),
            // A packet that never became a frame: the caller's own, before it could be sent.
            None if node == self.call.from => Some(false),
            None if node == self.call.to && self.arrived => Some(true),
            _ => None,
        };
        match &event.fact {
            Fact::FrameSent(sent) => {
                let is_back = match self.belongs(sent, there, back) {
                    Some(is_back) => is_back,
                    None => return,
                };
                if is_back { back } else { there }.insert(sent.frame);
                self.answered |= is_back;
                self.sent = true;
                self.nodes.extend([sent.from.node, sent.to.node]);
                let summary = crate::frame::decode::summarize(&sent.bytes.0).text;
                let seen = Seen::Sent { link: sent.link, to: sent.to, summary };
                self.push(event, sent.from.node, Some(sent.frame), is_back, seen);
            }
            Fact::Decided { node, frame, decision } => {
                let Some(is_back) = side(&Some(*frame), *node) else { return };
                if !is_back && matches!(decision, Decision::Delivered { .. } | Decision::Answered { .. }) {
                    self.arrived |= *node == self.call.to;
                    if *node != self.call.to {
                        self.other.get_or_insert(*node);
                    }
                }
                self.nodes.insert(*node);
                self.push(event, *node, Some(*frame), is_back, Seen::Decided(decision.clone()));
            }
            Fact::FrameDropped(dropped) => {
                let Some(is_back) = side(&dropped.frame, dropped.node) else { return };
                self.drops.push((dropped.node, dropped.reason));
                self.push(event, dropped.node, dropped.frame, is_back, Seen::Dropped(dropped.reason));
            }
            _ => {}
        }
    }

    fn push(&mut self, event: &Event, node: NodeId, frame: Option<FrameId>, back: bool, seen: Seen) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(TraceStep { time: event.time, node, frame, back, seen });
        }
    }

    /// Whether a frame is one of the call's (`false`) or of the answer's (`true`).
    fn belongs(&self, sent: &FrameSent, there: &BTreeSet<FrameId>, back: &BTreeSet<FrameId>) -> Option<bool> {
        let known = |frame: &FrameId| match (there.contains(frame), back.contains(frame)) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            _ => None,
        };
        if let Some(side) = known(&sent.frame).or_else(|| sent.parent.as_ref().and_then(known)) {
            return Some(side);
        }
        let (header, packet) = Ethernet::parse(&sent.bytes.0)?;
        let (proto, src, dst) =
            if header.ethertype == ethertype::IPV4 { rewrite::l4_endpoints(packet)? } else { return None };
        if proto != self.call.proto || sent.parent.is_some() {
            return None;
        }
        let calls = sent.from.node == self.call.from && dst.addr == self.call.addr && dst.port == self.call.port;
        let answers = sent.from.node == self.call.to && self.arrived && src.port == self.call.port;
        match (calls, answers) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            _ => None,
        }
    }

    /// Why it failed, as far back as can be seen.
    pub(super) fn first_reason(&self, exit: Option<i32>) -> Reason {
        let at = |node, cause| Reason { node, cause };
        // A copy that was flooded to a bystander ends there for a reason of no interest, unless there is no other.
        let bystander = |reason: DropReason| {
            matches!(
                reason,
                DropReason::NotForThisMac
                    | DropReason::ArpNotForUs
                    | DropReason::SamePort
                    | DropReason::NoOtherPort
                    | DropReason::IcmpUnexpected
            )
        };
        let first = self.drops.iter().find(|(_, reason)| !bystander(*reason)).or_else(|| self.drops.first());
        match (first, self.other) {
            (_, Some(other)) if exit == Some(0) => at(other, Cause::AnsweredByAnother),
            (Some((node, reason)), _) => at(*node, Cause::Dropped(*reason)),
            (None, Some(other)) => at(other, Cause::AnsweredByAnother),
            (None, None) if !self.sent && !self.arrived => at(self.call.from, Cause::NoRoute),
            (None, None) if self.arrived && !self.answered => at(self.call.to, Cause::NoAnswer),
            (None, None) => at(self.call.from, Cause::Lost),
        }
    }

    /// Whether the host of a virtual machine that takes part can watch: it passes the host's own stack, or a network in
    /// which the host has an interface of its own (a bridge on its card, a host-only network).
    pub(super) fn is_seen_by_host(&self, world: &World) -> bool {
        let rows = world.rows(false);
        let nodes: Vec<&NodeRow> =
            rows.iter().filter_map(|row| if let Row::Node(node) = row { Some(node) } else { None }).collect();
        let host_of = |id: NodeId| nodes.iter().find(|node| node.id == id).and_then(|node| node.host);
        let Some(host) = host_of(self.call.from).or_else(|| host_of(self.call.to)) else { return false };
        if self.nodes.contains(&host) {
            return true;
        }
        let linked = |switch: NodeId| {
            rows.iter().any(|row| {
                matches!(row, Row::Link(link) if [link.a.node, link.b.node].contains(&switch)
                    && [link.a.node, link.b.node].contains(&host))
            })
        };
        let own_switches = nodes.iter().filter(|node| node.kind == NodeKind::Switch && node.host == Some(host));
        own_switches.map(|node| node.id).any(|id| self.nodes.contains(&id) && linked(id))
    }
}
