//! What a handler may do to the rest of the world: it returns effects, the world applies them afterwards, in order.
//! So no handler edits what is being walked over, and no node holds another.

use core::net::Ipv4Addr;
use std::rc::Rc;

use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::event::{Decision, Fact, FrameDropped, RuleName};
use crate::frame::ethernet::Ethernet;
use crate::frame::ipv4::Ipv4Header;
use crate::frame::{Frame, Offload};
use crate::hypervisor::HypervisorRequest;
use crate::id::{FrameId, NodeId, Pid};
use crate::netfilter::conntrack::Tracked;
use crate::time::SimTime;
use crate::view::{Key, Row};

/// Bytes in front of an IPv4 packet that are kept free for the Ethernet header, so that a packet becomes a frame
/// without being copied.
pub const HEADROOM: usize = crate::frame::ethernet::HEADER_LEN;

/// An IPv4 packet on its way through a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketBuf {
    /// [`HEADROOM`] bytes, then the packet. Shared with the frame it came in until it is rewritten, so that a packet
    /// that is only read is never copied.
    bytes: Rc<[u8]>,
    /// The frame it came in, if it came in one.
    pub parent: Option<FrameId>,
    /// The connection it belongs to, once that has been looked up.
    ct: Option<Tracked>,
}

impl PacketBuf {
    /// A packet made by this machine.
    pub fn new(packet: &[u8], parent: Option<FrameId>) -> Self {
        let mut bytes = Vec::with_capacity(HEADROOM + packet.len());
        bytes.resize(HEADROOM, 0);
        bytes.extend_from_slice(packet);
        Self { bytes: bytes.into(), parent, ct: None }
    }

    /// A packet made by this machine, of a header and what it carries.
    pub fn made(header: &Ipv4Header, payload: &[u8], parent: Option<FrameId>) -> Self {
        Self { bytes: header.emit_after(HEADROOM, payload).into(), parent, ct: None }
    }

    /// The packet in a whole Ethernet frame, whose header is kept until another one is made.
    pub fn of_frame(frame: &Frame) -> Self {
        Self { bytes: frame.bytes.clone(), parent: Some(frame.id), ct: None }
    }

    /// Source and destination MAC and EtherType of the frame it came in.
    pub fn ether(&self) -> Option<(MacAddr, MacAddr, u16)> {
        let header = Ethernet::parse(&self.bytes).map(|(header, _)| header);
        header.filter(|header| header.ethertype != 0).map(|header| (header.src, header.dst, header.ethertype))
    }

    /// The packet, to be rewritten in place, and its connection.
    pub fn parts_mut(&mut self) -> (&mut [u8], &mut Option<Tracked>) {
        (Rc::make_mut(&mut self.bytes).get_mut(HEADROOM..).unwrap_or_default(), &mut self.ct)
    }

    /// The packet belongs to the connection of another, which it answers.
    #[must_use]
    pub fn answering(mut self, other: &Self) -> Self {
        self.ct = other.ct.as_ref().and_then(Tracked::answer);
        self
    }

    /// Whether it is a piece of a larger packet.
    pub fn is_fragment(&self) -> bool {
        self.packet().get(6..8).is_some_and(|b| u16::from_be_bytes([b[0], b[1]]) & 0x3fff != 0)
    }

    /// Where it goes.
    pub fn destination(&self) -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = self.packet().get(16..20)?.try_into().ok()?;
        Some(bytes.into())
    }

    /// Where it comes from.
    pub fn source(&self) -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = self.packet().get(12..16)?.try_into().ok()?;
        Some(bytes.into())
    }

    /// The IPv4 packet.
    pub fn packet(&self) -> &[u8] {
        self.bytes.get(HEADROOM..).unwrap_or_default()
    }

    /// The IPv4 packet, to be rewritten in place.
    pub fn packet_mut(&mut self) -> &mut [u8] {
        Rc::make_mut(&mut self.bytes).get_mut(HEADROOM..).unwrap_or_default()
    }

    /// The whole frame, its header filled in.
    pub fn into_frame(mut self, dst: crate::addr::MacAddr, src: crate::addr::MacAddr) -> Rc<[u8]> {
        if let Some((header, _)) = Rc::make_mut(&mut self.bytes).split_at_mut_checked(HEADROOM) {
            header[..6].copy_from_slice(&dst.0);
            header[6..12].copy_from_slice(&src.0);
            header[12..].copy_from_slice(&crate::frame::ethernet::ethertype::IPV4.to_be_bytes());
        }
        self.bytes
    }
}

/// A packet that passes between a NAT engine and the host it was built on: inside one computer, without a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handoff {
    /// From the engine to the host: send this on as one of yours. `realm` tells the engines apart.
    FromInside {
        /// The engine.
        engine: NodeId,
        /// The guest's packet.
        packet: PacketBuf,
        /// It is for an address of the engine's.
        own: bool,
    },
    /// From the engine to the host: a guest has a lease.
    Leased {
        /// The engine.
        engine: NodeId,
        /// The guest's address.
        guest: core::net::Ipv4Addr,
    },
    /// From a process of the host to the engine: a packet of its own for your guest.
    ToGuest {
        /// The packet.
        packet: PacketBuf,
    },
    /// From the host to the engine: nobody here serves what your guest asked your own address for.
    NoService {
        /// The guest's packet.
        packet: PacketBuf,
    },
    /// From the host to the engine: this is for your guest.
    ToInside {
        /// The packet, translated back.
        packet: PacketBuf,
    },
    /// From the host to the engine: your guest's packet cannot go on.
    Refused {
        /// ICMP type and code to answer with.
        icmp: crate::frame::icmp::Icmp,
        /// The guest's packet.
        packet: PacketBuf,
    },
}

/// One thing a handler wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Put a frame on the cable at this port.
    Send(u32, Frame),
    /// Let a frame that came in at this port come in again, later.
    Hold(u32, SimTime, Frame),
    /// A fact happened. Facts are large and rare, the other effects small and many.
    Fact(Box<Fact>),
    /// Hand a packet to another node of the same computer.
    Handoff(NodeId, Handoff),
    /// Ask this host's hypervisor for this process.
    Hypervisor(Pid, Box<HypervisorRequest>),
}

/// How the frames that arrived at nodes ended. The checker holds `arrived` = the sum of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Came out of a cable at a node.
    pub arrived: u64,
    /// Taken by the machine itself: ARP, ICMP, a socket, a NAT engine's service.
    pub delivered: u64,
    /// Sent on by a switch or a router, or waiting there for a neighbour's address.
    pub forwarded: u64,
    /// Dropped with a reason.
    pub dropped: u64,
}

/// Folds bytes into the trace's fingerprint, eight at a time. Not cryptographic: it only has to differ where traces do.
pub fn digest_of(digest: u64, bytes: &[u8]) -> u64 {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let mut words = bytes.chunks_exact(8);
    let sum = words.by_ref().fold(digest ^ bytes.len() as u64, |sum, word| {
        mix(sum, u64::from_le_bytes(word.try_into().unwrap_or_default()))
    });
    words.remainder().iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}

/// The handler's side of the world.
pub struct Ctx<'a> {
    /// Lab time.
    pub now: SimTime,
    /// The node that is handling.
    pub node: NodeId,
    /// Somebody wants frame facts.
    pub watched: bool,
    /// What is to be done afterwards, in order.
    pub effects: &'a mut Vec<Effect>,
    /// The next frame's number.
    pub next_frame: &'a mut u64,
    /// How frames ended.
    pub account: &'a mut Account,
    /// Folded into the trace's fingerprint: what was dropped, whether or not somebody watches.
    pub digest: &'a mut u64,
}

impl Ctx<'_> {
    /// A new frame of this node.
    pub fn frame(&mut self, parent: Option<FrameId>, bytes: impl Into<Rc<[u8]>>) -> Frame {
        let id = FrameId(*self.next_frame);
        *self.next_frame += 1;
        let bytes = bytes.into();
        *self.digest = digest_of(*self.digest, &bytes);
        Frame { id, parent, bytes, offload: Offload::NONE }
    }

    /// Puts a frame on the cable at `port`.
    pub fn send(&mut self, port: u32, frame: Frame) {
        self.effects.push(Effect::Send(port, frame));
    }

    /// Lets a frame come in at `port` again at `at`, as if it had been on the cable until then.
    pub fn hold(&mut self, port: u32, at: SimTime, frame: Frame) {
        self.effects.push(Effect::Hold(port, at, frame));
    }

    /// Says a fact.
    pub fn fact(&mut self, fact: Fact) {
        if let Fact::Output(output) = &fact {
            *self.digest = output.spans.iter().fold(*self.digest, |sum, span| digest_of(sum, span.text.as_bytes()));
        }
        self.effects.push(Effect::Fact(Box::new(fact)));
    }

    /// A row is new or changed.
    pub fn put(&mut self, row: Row) {
        self.fact(Fact::Put { row });
    }

    /// A row is gone.
    pub fn del(&mut self, key: Key) {
        self.fact(Fact::Del { key });
    }

    /// An arrived frame ends here, taken by `to`.
    pub fn delivered(&mut self, frame: Option<FrameId>, to: &str) {
        self.account.delivered += 1;
        self.decided(frame, || Decision::Delivered { socket: None, to: to.to_owned() });
    }

    /// An arrived frame goes on.
    pub fn forwarded(&mut self) {
        self.account.forwarded += 1;
    }

    /// An arrived frame ends here, for this reason.
    pub fn dropped(&mut self, frame: Option<FrameId>, port: Option<u32>, reason: DropReason) {
        self.account.dropped += 1;
        self.lost(frame, port, reason);
    }

    /// Something that did not arrive in a frame of its own (or had already been accounted for) ends here.
    pub fn lost(&mut self, frame: Option<FrameId>, port: Option<u32>, reason: DropReason) {
        self.lost_by(frame, port, reason, None);
    }

    /// Something ends here, and perhaps a rule has ended it. `arrived`: it had not been accounted for.
    pub fn ended(
        &mut self,
        frame: Option<FrameId>,
        port: Option<u32>,
        reason: DropReason,
        rule: Option<RuleName>,
        arrived: bool,
    ) {
        self.account.dropped += u64::from(arrived);
        self.lost_by(frame, port, reason, rule.map(|rule| rule.line()));
    }

    fn lost_by(&mut self, frame: Option<FrameId>, port: Option<u32>, reason: DropReason, rule: Option<String>) {
        *self.digest = self.digest.rotate_left(5) ^ (reason as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if self.watched {
            self.fact(Fact::FrameDropped(FrameDropped { node: self.node, port, frame, reason, rule }));
        }
    }

    /// Says what was decided about a frame, if somebody watches.
    pub fn decided(&mut self, frame: Option<FrameId>, decision: impl FnOnce() -> Decision) {
        if self.watched
            && let Some(frame) = frame
        {
            let fact = Fact::Decided { node: self.node, frame, decision: decision() };
            self.fact(fact);
        }
    }
}
