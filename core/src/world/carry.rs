//! How frames travel and time passes: cables, handlers, effects.

use core::time::Duration;
use std::rc::Rc;

use super::node::{Body, Node};
use super::queue::Due;
use super::{Output, World};
use crate::drop_reason::DropReason;
use crate::event::{Fact, FrameBytes, FrameDropped, FrameSent};
use crate::frame::{Frame, Offload};
use crate::hypervisor::HypervisorRequest;
use crate::id::{FrameId, LinkId, NodeId, Pid, Port, TapId};
use crate::limits;
use crate::link::{Direction, Transmit};
use crate::machine::ctx::{Ctx, Effect, Handoff};
use crate::time::SimTime;
use crate::view::Row;

/// Something that happens at this very instant.
#[derive(Clone, Debug)]
pub(super) enum Ready {
    /// A frame comes out of a cable without delay.
    Frame { to: Port, link: LinkId, epoch: u32, frame: Frame },
    /// A packet is handed to another node of the same computer.
    Handoff(NodeId, Handoff),
    /// A program on a host asks its hypervisor.
    Hypervisor(NodeId, Pid, Box<HypervisorRequest>),
}

/// What became of the frames that were put on cables. The checker holds `sent` = the sum of the rest and what is on its
/// way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cables {
    /// Put on a cable.
    pub sent: u64,
    /// Came out at the other end.
    pub crossed: u64,
    /// Lost on the way or refused by the cable's queue, with a reason.
    pub lost: u64,
}

impl World {
    /// Lets everything happen that is due at `now` or before.
    pub(super) fn run_until(&mut self, now: SimTime) {
        while let Some((at, due)) = self.queue.pop(now) {
            self.set_now(at.max(self.now));
            match due {
                Due::Frame { to, link, epoch, frame } => self.arrive(to, link, epoch, frame),
                Due::Wake(id) if self.node(id).is_some_and(|node| node.wake == Some(at)) => {
                    if let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::as_mut) {
                        node.wake = None;
                    }
                    self.this_instant += 1;
                    self.with_node(id, Node::handle_timeout);
                }
                Due::Wake(_) => {}
            }
            self.settle();
        }
        self.set_now(now);
    }

    fn set_now(&mut self, now: SimTime) {
        if now > self.now {
            self.now = now;
            self.this_instant = 0;
        }
    }

    /// Lets everything happen that happens at this very instant.
    pub(super) fn settle(&mut self) {
        while let Some(ready) = self.ready.pop_front() {
            match ready {
                Ready::Frame { to, link, epoch, frame } => self.arrive(to, link, epoch, frame),
                Ready::Handoff(id, handoff) => {
                    self.account.arrived += 1;
                    self.with_node(id, |node, ctx| node.handle_handoff(ctx, handoff));
                }
                Ready::Hypervisor(host, pid, request) => {
                    let answer = self.answer_hypervisor(host, &request);
                    self.with_machine(host, |machine, ctx| machine.hypervisor_answered(ctx, pid, answer));
                }
            }
        }
    }

    /// Runs a node's handler, queues its next wake-up if that is a new one, and does what it wants done.
    pub(super) fn with_node(&mut self, id: NodeId, handler: impl FnOnce(&mut Node, &mut Ctx<'_>)) {
        let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        let mut effects = core::mem::take(&mut self.effects);
        let mut ctx = Ctx {
            now: self.now,
            node: id,
            watched: self.watched,
            effects: &mut effects,
            next_frame: &mut self.next_frame,
            account: &mut self.account,
            digest: &mut self.digest,
        };
        handler(node, &mut ctx);
        // A node that wants to be woken at this very instant over and over must not stop the lab.
        let earliest = if self.this_instant > limits::FRAMES_PER_INSTANT_MAX {
            self.now + Duration::from_micros(1)
        } else {
            self.now
        };
        let wake = node.next_wakeup().map(|at| at.max(earliest));
        if node.wake != wake {
            node.wake = wake;
            if let Some(at) = wake {
                self.queue.push(at, Due::Wake(id));
            }
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(port, frame) => self.send(Port::new(id, port), frame),
                Effect::Hold(port, at, frame) => self.hold(Port::new(id, port), at, frame),
                Effect::Fact(fact) if matches!(*fact, Fact::StormDetected { .. }) && !self.may_say_storm() => {}
                Effect::Fact(fact) => {
                    if let Fact::Put { row: Row::Iface(row) } = &*fact {
                        self.guest_changed(row);
                    }
                    self.emit(*fact);
                }
                Effect::Handoff(to, handoff) => self.ready.push_back(Ready::Handoff(to, handoff)),
                Effect::Hypervisor(pid, request) => self.ready.push_back(Ready::Hypervisor(id, pid, request)),
            }
        }
        self.effects = effects;
    }

    /// Puts a frame on the cable at a port.
    pub(super) fn send(&mut self, from: Port, frame: Frame) {
        let Some((id, end)) = self.cable_at(from) else {
            return self.lose(from, Some(frame.id), DropReason::NoCable);
        };
        let Some(cable) = self.links.get_mut(id.0 as usize).and_then(Option::as_mut) else { return };
        if !cable.row.up {
            return self.lose(from, Some(frame.id), DropReason::CarrierOff);
        }
        if self.queue.frames() >= limits::FRAMES_IN_FLIGHT_MAX {
            return self.lose(from, Some(frame.id), DropReason::Storm);
        }
        let to = cable.ends[usize::from(1 - end)];
        let epoch = cable.epoch;
        let direction = if end == 0 { Direction::AtoB } else { Direction::BtoA };
        let instant = cable.link.is_instant();
        let fate = if cable.row.mute[usize::from(end)] {
            Transmit::Lost(DropReason::LinkLoss)
        } else {
            cable.link.transmit(self.now, direction, frame.bytes.len())
        };
        self.hops += 1;
        self.cables.sent += 1;
        let arrives = match fate {
            Transmit::Arrives(at) => Some(at),
            _ => None,
        };
        self.mix(u64::from(id.0) << 40 ^ u64::from(end) << 32 ^ frame.bytes.len() as u64 ^ frame.id.0.rotate_left(48));
        self.mix(self.now.as_nanos());
        if self.watched {
            self.emit(Fact::FrameSent(FrameSent {
                link: id,
                from,
                to,
                frame: frame.id,
                parent: frame.parent,
                arrives,
                bytes: FrameBytes(frame.bytes.clone()),
            }));
        }
        match fate {
            Transmit::Arrives(_) if instant => self.ready.push_back(Ready::Frame { to, link: id, epoch, frame }),
            Transmit::Arrives(at) => self.queue.push(at, Due::Frame { to, link: id, epoch, frame }),
            Transmit::Lost(reason) | Transmit::Refused(reason) => {
                self.cables.lost += 1;
                self.lose(from, Some(frame.id), reason);
            }
        }
    }

    /// A frame comes out of the cable at a port again, later.
    fn hold(&mut self, to: Port, at: SimTime, frame: Frame) {
        let cable = self.cable_at(to).and_then(|(link, _)| self.links.get(link.0 as usize)?.as_ref());
        match cable.map(|cable| (cable.row.id, cable.epoch)) {
            Some((link, epoch)) => {
                self.cables.sent += 1;
                self.queue.push(at.max(self.now), Due::Frame { to, link, epoch, frame });
            }
            None => self.lose(to, Some(frame.id), DropReason::NoCable),
        }
    }

    fn lose(&mut self, at: Port, frame: Option<FrameId>, reason: DropReason) {
        self.mix(reason as u64);
        if self.watched {
            let port = Some(at.index);
            self.emit(Fact::FrameDropped(FrameDropped { node: at.node, port, frame, reason, rule: None }));
        }
    }

    /// A frame comes out of a cable.
    fn arrive(&mut self, to: Port, link: LinkId, epoch: u32, frame: Frame) {
        let plugged = self.links.get(link.0 as usize).and_then(Option::as_ref);
        if plugged.is_none_or(|cable| cable.epoch != epoch || !cable.row.up) {
            self.cables.lost += 1;
            return self.lose(to, Some(frame.id), DropReason::LinkCut);
        }
        self.cables.crossed += 1;
        self.this_instant += 1;
        if self.this_instant > limits::FRAMES_PER_INSTANT_MAX {
            return self.storm(to, &frame);
        }
        self.account.arrived += 1;
        if let Some(tap) = self.taps.get(&to) {
            self.account.delivered += 1;
            self.outputs.push_back(Output::TapFrame(*tap, frame));
            return;
        }
        let resolver = self.resolver_of(to.node);
        let mut filter = self.take_bridge_filter(to.node);
        if frame.offload == Offload::NONE {
            self.with_node(to.node, |node, ctx| node.handle_frame(ctx, to.index, &frame, resolver, filter.as_mut()));
            return filter.into_iter().for_each(|filter| self.return_bridge_filter(filter));
        }
        // Nodes of ours look into frames: one that its kernel left unfinished is made whole first.
        self.account.arrived -= 1;
        for bytes in crate::frame::offload::make_whole(&frame.bytes, frame.offload) {
            self.account.arrived += 1;
            let whole = Frame { bytes: Rc::from(bytes), offload: Offload::NONE, ..frame.clone() };
            self.with_node(to.node, |node, ctx| node.handle_frame(ctx, to.index, &whole, resolver, filter.as_mut()));
        }
        filter.into_iter().for_each(|filter| self.return_bridge_filter(filter));
    }

    /// For a NAT engine: the first name server of its host.
    fn resolver_of(&self, id: NodeId) -> Option<core::net::Ipv4Addr> {
        let Body::Engine(engine) = &self.node(id)?.body else { return None };
        match &self.node(engine.host())?.body {
            Body::Machine(host) => host.name_server(),
            _ => None,
        }
    }

    /// At most one word about storms a second.
    fn may_say_storm(&mut self) -> bool {
        let may = self.storm_said.is_none_or(|at| self.now >= at + Duration::from_secs(1));
        if may {
            self.storm_said = Some(self.now);
        }
        may
    }

    /// More at one instant than anything real could send: said once, then everything else of the instant is dropped.
    fn storm(&mut self, at: Port, frame: &Frame) {
        self.account.arrived += 1;
        self.account.dropped += 1;
        if self.this_instant == limits::FRAMES_PER_INSTANT_MAX + 1 {
            let dropped = self.ready.len() as u32 + 1;
            self.emit(Fact::StormDetected { node: at.node, dropped, returned: 0 });
        }
        self.lose(at, Some(frame.id), DropReason::Storm);
    }

    /// A frame from a real device.
    pub(super) fn tap_frame(&mut self, tap: TapId, bytes: &[u8], offload: Offload) {
        let Some(from) = self.taps.iter().find(|(_, id)| **id == tap).map(|(port, _)| *port) else { return };
        let id = FrameId(self.next_frame);
        self.next_frame += 1;
        let max = if offload == Offload::NONE { limits::FRAME_BYTES_MAX } else { limits::OFFLOAD_FRAME_BYTES_MAX };
        if bytes.len() > max {
            return self.lose(from, None, DropReason::FrameTooLong);
        }
        if bytes.len() < crate::frame::ethernet::HEADER_LEN {
            return self.lose(from, None, DropReason::FrameTooShort);
        }
        self.send(from, Frame { id, parent: None, bytes: bytes.into(), offload });
    }
}
