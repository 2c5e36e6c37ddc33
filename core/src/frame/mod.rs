//! Frames: whole Ethernet frames as bytes, with identity and lineage.
//!
//! Owns the bytes' meaning: codecs (`ethernet`, `arp`, `stp`, `ipv4`, `icmp`, `udp`, `tcp`), [`decode`] into layers and fields
//! with byte ranges, one-line summaries, capture files. Must not know the simulation's state.

pub mod arp;
mod bytes;
pub mod checksum;
pub mod decode;
pub mod ethernet;
pub mod icmp;
pub mod icmp6;
pub mod ipv4;
pub mod offload;
pub mod pcapng;
pub mod rewrite;
pub mod stp;
pub mod tcp;
pub mod udp;

use std::rc::Rc;

pub use arp::Arp;
pub use decode::{Decoded, Summary, decode, summarize};
pub use ethernet::{Ethernet, ethertype};
pub use icmp::Icmp;
pub use ipv4::{Ipv4, Ipv4Header};
pub use pcapng::PcapngWriter;
pub use stp::{Bpdu, ConfigBpdu};
pub use tcp::Tcp;
pub use udp::Udp;

use crate::id::FrameId;

/// A whole Ethernet frame without FCS. Immutable by meaning: flooding shares the bytes, rewriting makes a new frame
/// that knows its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its identity; the same on every cable until somebody rewrites it.
    pub id: FrameId,
    /// The frame that this one was rewritten from (forwarding, translation), or that it answers for (a reassembled
    /// packet's first fragment).
    pub parent: Option<FrameId>,
    /// The bytes, from the destination address to the end of the payload.
    pub bytes: Rc<[u8]>,
    /// What a TAP's kernel left for a network card to do.
    pub offload: Offload,
}

impl Frame {
    /// A whole frame, made from nothing.
    pub fn new(id: FrameId, bytes: impl Into<Rc<[u8]>>) -> Self {
        Self { id, parent: None, bytes: bytes.into(), offload: Offload::NONE }
    }

    /// A whole frame that was rewritten from `parent`, or answers for it.
    pub fn derived(id: FrameId, parent: FrameId, bytes: impl Into<Rc<[u8]>>) -> Self {
        Self { id, parent: Some(parent), bytes: bytes.into(), offload: Offload::NONE }
    }

    /// The header and what follows; `None` when the frame is shorter than a header.
    pub fn ethernet(&self) -> Option<(Ethernet, &[u8])> {
        Ethernet::parse(&self.bytes)
    }
}

/// Work that a sender left to the card. A frame with offload is made whole wherever someone looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// A checksum still to be filled in.
    pub checksum: Option<ChecksumOffload>,
    /// A super-frame that stands for several.
    pub gso: Option<Gso>,
}

/// Where a checksum still has to be computed (virtio-net header: `csum_start`, `csum_offset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumOffload {
    /// First byte that is summed, from the frame's beginning.
    pub start: u16,
    /// Where the sum goes, from `start`.
    pub offset: u16,
}

/// How a super-frame is to be cut (virtio-net header: `gso_size`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gso {
    /// Payload bytes of each frame it stands for.
    pub size: u16,
    /// Header bytes that each of them repeats.
    pub header: u16,
}

impl Offload {
    /// Nothing left to do: the frame is whole.
    pub const NONE: Self = Self { checksum: None, gso: None };
}
