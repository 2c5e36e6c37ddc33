//! What happened to the packets of one command, or of one frame: they and their answers are picked out of the facts.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use crate::addr::MacAddr;
use crate::dhcp::{Message, MessageType};
use crate::drop_reason::DropReason;
use crate::event::{Decision, Event, Fact, FrameDropped, FrameSent};
use crate::frame::arp;
use crate::frame::{Arp, Ethernet, Ipv4, Udp, ethertype};
use crate::id::{FrameId, NodeId};
use crate::programs::dns::DnsMessage;
use crate::reach::{Seen, TraceStep};
use crate::view::{LabView, NodeKind};

/// Steps that are kept.
const STEPS_MAX: usize = 120;
/// IANA's number of UDP.
const UDP: u8 = 17;

/// A question for a MAC address.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Who asked.
    pub by: NodeId,
    /// Whose MAC.
    pub addr: Ipv4Addr,
    /// Who heard it.
    pub heard: BTreeSet<NodeId>,
}

/// A drop, and whether it was of the answer.
#[derive(Clone, Debug)]
pub(super) struct Dropped {
    pub fact: FrameDropped,
    pub back: bool,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Who began.
    pub node: NodeId0,
    /// Whom it wanted to reach.
    pub target: Option<Ipv4Addr>,
    /// Frames that set out.
    pub there: BTreeSet<FrameId>,
    back: BTreeSet<FrameId>,
    /// Frames that are for everybody.
    to_all: BTreeSet<FrameId>,
    /// Source addresses under which they were seen.
    sources: BTreeSet<Ipv4Addr>,
    /// Where packets arrived.
    pub delivered: BTreeSet<NodeId>,
    /// An answer set out.
    pub answered: bool,
    /// An answer came back.
    pub came_back: bool,
    pub drops: Vec<Dropped>,
    /// Questions for MAC addresses, by their frame.
    pub asked: BTreeMap<FrameId, Asked>,
    /// Who answered them.
    pub is_at: BTreeMap<Ipv4Addr, BTreeSet<MacAddr>>,
    /// The name that a server was asked for, and the server.
    pub name: Option<(String, Ipv4Addr)>,
    /// What the server said.
    pub named: Option<DnsMessage>,
    /// Kinds of DHCP messages that were sent, and who heard the client's.
    pub dhcp: BTreeSet<u8>,
    pub dhcp_heard: BTreeSet<NodeId>,
    /// The bytes of the first frame that set out.
    pub first: Option<(u64, std::rc::Rc<[u8]>)>,
    pub steps: Vec<TraceStep>,
}

/// A node's number with a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId0(pub NodeId);

impl Default for NodeId0 {
    fn default() -> Self {
        Self(NodeId(0))
    }
}

impl Story {
    /// Of what `node` sends to `target`, or to anybody.
    pub fn new(node: NodeId, target: Option<Ipv4Addr>) -> Self {
        Self { node: NodeId0(node), target, ..Self::default() }
    }

    /// Reads the facts, in order.
    pub fn read<'a>(mut self, view: &LabView, events: impl Iterator<Item = &'a Event>) -> Self {
        for event in events {
            match &event.fact {
                Fact::FrameSent(sent) => self.sent(view, event, sent),
                Fact::Decided { node, frame, decision } => self.decided(event, *node, *frame, decision),
                Fact::FrameDropped(dropped) => self.dropped(event, dropped),
                _ => {}
            }
        }
        self
    }

    /// The drops that tell something: not those of copies that were flooded to bystanders, unless there is no other.
    pub fn first_drop(&self) -> Option<&Dropped> {
        self.drops.iter().find(|dropped| !is_bystander(dropped.fact.reason))
    }

    /// A question of `by` that nobody answered.
    pub fn unanswered(&self, by: NodeId) -> Option<&Asked> {
        self.asked.values().rev().find(|asked| asked.by == by && !self.is_at.contains_key(&asked.addr))
    }

    fn push(&mut self, event: &Event, node: NodeId, frame: Option<FrameId>, back: bool, seen: Seen) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(TraceStep { time: event.time, node, frame, back, seen });
        }
    }

    fn sent(&mut self, view: &LabView, event: &Event, sent: &FrameSent) {
        let Some((header, payload)) = Ethernet::parse(&sent.bytes.0) else { return };
        if header.dst.is_multicast() {
            self.to_all.insert(sent.frame);
        }
        let own = match header.ethertype {
            ethertype::ARP => {
                self.arp(view, sent, payload);
                sent.from.node == self.node.0 && self.asked.contains_key(&sent.frame)
            }
            ethertype::IPV4 => {
                let Some(back) = self.side_of(sent, payload) else { return };
                let set = if back { &mut self.back } else { &mut self.there };
                set.insert(sent.frame);
                self.answered |= back;
                if let (false, Ok(packet)) = (back, Ipv4::parse(payload)) {
                    self.sources.insert(packet.src);
                    self.first.get_or_insert_with(|| (event.seq, sent.bytes.0.clone()));
                }
                self.services(view, sent, payload);
                true
            }
            _ => false,
        };
        if own {
            let back = self.back.contains(&sent.frame);
            let summary = crate::frame::summarize(&sent.bytes.0).text;
            self.push(
                event,
                sent.from.node,
                Some(sent.frame),
                back,
                Seen::Sent { link: sent.link, to: sent.to, summary },
            );
        }
    }

    fn arp(&mut self, view: &LabView, sent: &FrameSent, payload: &[u8]) {
        let Ok(message) = Arp::parse(payload) else { return };
        match message.op {
            arp::REQUEST if message.sender_ip != message.target_ip => {
                let new = || Asked { by: sent.from.node, addr: message.target_ip, heard: BTreeSet::new() };
                let asked = self.asked.entry(sent.frame).or_insert_with(new);
                if !is_switch(view, sent.to.node) {
                    asked.heard.insert(sent.to.node);
                }
            }
            arp::REPLY => {
                self.is_at.entry(message.sender_ip).or_default().insert(message.sender_mac);
            }
            _ => {}
        }
    }

    /// Whether a packet belongs to the way there (`false`) or back (`true`).
    fn side_of(&self, sent: &FrameSent, payload: &[u8]) -> Option<bool> {
        let known = |frame: &FrameId| match (self.there.contains(frame), self.back.contains(frame)) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            _ => None,
        };
        if let Some(side) = known(&sent.frame).or_else(|| sent.parent.as_ref().and_then(known)) {
            return Some(side);
        }
        let packet = Ipv4::parse(payload).ok()?;
        if sent.from.node == self.node.0 && sent.parent.is_none() {
            let port = (packet.proto == UDP).then(|| Udp::parse(packet.src, packet.dst, packet.payload).ok()).flatten();
            let service = port.is_some_and(|(udp, _)| matches!(udp.dst_port, 53 | 67));
            let wanted = self.target.is_none_or(|target| target == packet.dst);
            return (wanted || service).then_some(false);
        }
        let answers = self.sources.contains(&packet.dst) && sent.from.node != self.node.0;
        let to_client = packet.proto == UDP
            && !self.dhcp.is_empty()
            && Udp::parse(packet.src, packet.dst, packet.payload).is_ok_and(|(udp, _)| udp.dst_port == 68);
        (answers || to_client).then_some(true)
    }

    /// DNS and DHCP, whose messages say more than that they came.
    fn services(&mut self, view: &LabView, sent: &FrameSent, payload: &[u8]) {
        let Ok(packet) = Ipv4::parse(payload) else { return };
        if packet.proto != UDP {
            return;
        }
        let Ok((udp, data)) = Udp::parse(packet.src, packet.dst, packet.payload) else { return };
        match (udp.src_port, udp.dst_port) {
            (_, 53) if sent.from.node == self.node.0 => {
                if let Some(message) = DnsMessage::parse(data) {
                    self.name = Some((message.name, packet.dst));
                }
            }
            (53, _) if sent.to.node == self.node.0 => {
                if let Some(message) = DnsMessage::parse(data) {
                    let address = |answer: &crate::programs::dns::Answer| match answer.data {
                        crate::programs::dns::Data::A(addr) => Some(addr),
                        _ => None,
                    };
                    self.target = message.answers.iter().find_map(address).or(self.target);
                    self.named = Some(message);
                }
            }
            (_, 67 | 68) => {
                if let Some(kind) = Message::parse(data).ok().and_then(|message| message.kind()) {
                    self.dhcp.insert(kind as u8);
                }
                if udp.dst_port == 67 && !is_switch(view, sent.to.node) {
                    self.dhcp_heard.insert(sent.to.node);
                }
            }
            _ => {}
        }
    }

    /// Whether a DHCP message of this kind was sent.
    pub fn dhcp_had(&self, kind: MessageType) -> bool {
        self.dhcp.contains(&(kind as u8))
    }

    fn decided(&mut self, event: &Event, node: NodeId, frame: FrameId, decision: &Decision) {
        let back = match (self.there.contains(&frame), self.back.contains(&frame)) {
            (true, _) => false,
            (_, true) => true,
            _ => return,
        };
        let arrived = matches!(decision, Decision::Delivered { .. } | Decision::Answered { .. });
        match (arrived, back) {
            (true, true) if node == self.node.0 => self.came_back = true,
            (true, false) if node != self.node.0 => {
                self.delivered.insert(node);
            }
            _ => {}
        }
        self.push(event, node, Some(frame), back, Seen::Decided(decision.clone()));
    }

    fn dropped(&mut self, event: &Event, dropped: &FrameDropped) {
        use DropReason::{CarrierOff, InterfaceDown, NoCable};
        if let Some(frame) = dropped.frame.filter(|frame| self.to_all.contains(frame) && dropped.node != self.node.0)
            && matches!(dropped.reason, CarrierOff | InterfaceDown | NoCable)
        {
            // A copy for everybody that came to a machine which is off: it heard nothing, and nobody missed it.
            self.dhcp_heard.remove(&dropped.node);
            if let Some(asked) = self.asked.get_mut(&frame) {
                asked.heard.remove(&dropped.node);
            }
            return;
        }
        let back = match &dropped.frame {
            Some(frame) if self.there.contains(frame) => false,
            Some(frame) if self.back.contains(frame) => true,
            Some(frame) if self.asked.get(frame).is_some_and(|asked| asked.by == self.node.0) => false,
            None if dropped.node == self.node.0 => false,
            None if self.delivered.contains(&dropped.node) => true,
            _ => return,
        };
        self.drops.push(Dropped { fact: dropped.clone(), back });
        self.push(event, dropped.node, dropped.frame, back, Seen::Dropped(dropped.reason));
    }
}

fn is_switch(view: &LabView, node: NodeId) -> bool {
    view.nodes.get(&node).is_some_and(|row| row.kind == NodeKind::Switch)
}

/// Reasons for which a copy ends at somebody whom it was not for.
pub(super) fn is_bystander(reason: DropReason) -> bool {
    use DropReason::*;
    matches!(
        reason,
        NotForThisMac
            | ForAnotherMachine
            | PromiscuousDenied
            | ArpNotForUs
            | SamePort
            | NoOtherPort
            | IcmpUnexpected
            | DhcpNotForUs
            | DhcpUnexpected
            | ReservedMulticast
            | Ipv6NotUsed
    )
}
