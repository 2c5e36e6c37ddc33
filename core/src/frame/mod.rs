//! Frames: whole Ethernet frames as bytes, with identity and lineage.
//!
//! Owns the bytes' meaning: codecs (`ethernet`, `arp`, `ipv4`, `icmp`, `udp`, `tcp`), [`decode`] into layers and fields
//! with byte ranges, one-line summaries, capture files. Must not know the simulation's state.

use std::rc::Rc;

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
