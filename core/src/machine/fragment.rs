//! Fragments of IPv4 packets (RFC 791, RFC 815): cutting a packet for a smaller MTU, and putting one together again with
//! Linux's rules (net/ipv4/ip_fragment.c, net/ipv4/inet_fragment.c of 6.1).
//!
//! Owns the packets that are not yet whole. Decisions only, for a packet and a time: who holds a [`Reassembler`] (a
//! machine, a NAT engine) sends, counts and answers.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::ctx::PacketBuf;
use super::sysctl;
use crate::drop_reason::DropReason;
use crate::frame::checksum;
use crate::frame::ipv4::{HEADER_LEN, Ipv4};
use crate::id::FrameId;
use crate::limits;
use crate::time::SimTime;

/// The largest packet.
const PACKET_BYTES_MAX: usize = 65_535;
/// What keeping a fragment costs beside its bytes, about as Linux's `truesize` counts it.
const FRAGMENT_OVERHEAD: usize = 256;
/// Flags and offset, as 16 bits.
const MORE: u16 = 0x2000;
const RESERVED_AND_DF: u16 = 0xc000;
const OFFSET: u16 = 0x1fff;

/// Cuts a packet into pieces of at most `mtu` bytes, each with a header of its own. A packet that fits is one piece.
/// A fragment is cut into smaller ones. "Don't fragment" is not looked at.
///
/// `None`: it is no packet, or `mtu` has no room for the header and eight bytes.
pub fn split(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
    let parsed = Ipv4::parse(packet).ok()?;
    let header = packet.get(..parsed.header_len)?;
    if parsed.total_len <= mtu {
        return Some(vec![packet.get(..parsed.total_len)?.to_vec()]);
    }
    let room = mtu.checked_sub(header.len())? & !7;
    if room == 0 {
        return None;
    }
    let flags = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let mut pieces = Vec::with_capacity(parsed.payload.len() / room + 1);
    for (number, chunk) in parsed.payload.chunks(room).enumerate() {
        let at = number * room;
        let offset = (flags & OFFSET) + (at / 8) as u16;
        let more = at + chunk.len() < parsed.payload.len() || flags & MORE != 0;
        let mut piece = Vec::with_capacity(header.len() + chunk.len());
        piece.extend_from_slice(header);
        piece.extend_from_slice(chunk);
        if number > 0 {
            blank_options(&mut piece[..header.len()]);
        }
        finish_header(&mut piece, header.len(), flags & RESERVED_AND_DF | if more { MORE } else { 0 } | offset);
        pieces.push(piece);
    }
    Some(pieces)
}

/// Options that are not to be copied into later fragments become "no operation" (RFC 791 3.1; net/ipv4/ip_options.c
/// `ip_options_fragment`).
fn blank_options(header: &mut [u8]) {
    let mut at = HEADER_LEN;
    while let Some(&kind) = header.get(at) {
        let len = match kind {
            0 => return,
            1 => 1,
            _ => header.get(at + 1).map_or(0, |len| usize::from(*len)),
        };
        if len == 0 || at + len > header.len() {
            return;
        }
        if kind & 0x80 == 0 {
            header[at..at + len].fill(1);
        }
        at += len;
    }
}

/// Length, flags and checksum of a packet whose header has `header_len` bytes.
fn finish_header(packet: &mut [u8], header_len: usize, flags_and_offset: u16) {
    let len = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
    packet[10..12].copy_from_slice(&[0, 0]);
    let sum = checksum::internet(&[&packet[..header_len]]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Which packet a fragment is of. `user` keeps apart who is putting together: a machine for itself, its conntrack, a
/// NAT engine's realms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    user: u32,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    ident: u16,
    proto: u8,
}

/// A run of fragments that came one after another without a gap.
#[derive(Clone, Debug)]
struct Run {
    end: usize,
    pieces: Vec<PacketBuf>,
}

/// A packet that is not yet whole.
#[derive(Clone, Debug)]
struct Queue {
    deadline: SimTime,
    /// By where they begin.
    runs: BTreeMap<usize, Run>,
    /// The end that is known so far; of the whole packet once `last_in`.
    len: usize,
    /// Payload bytes that are here.
    meat: usize,
    last_in: bool,
    /// What it costs.
    bytes: usize,
    /// How many fragments its sender had sent when the newest of these came.
    seen: u32,
    /// The frame of the newest.
    parent: Option<FrameId>,
}

/// What became of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for the others.
    Waits,
    /// The packet is whole, of so many fragments; its parent is the frame that completed it.
    Whole(PacketBuf, usize),
    /// It goes.
    Dropped(DropReason, PacketBuf),
}

/// What became of a fragment, and of those that waited and cannot become a packet any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Of this one.
    pub outcome: Outcome,
    /// Of others.
    pub lost: Vec<(DropReason, PacketBuf)>,
}

impl From<Outcome> for Pushed {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, lost: Vec::new() }
    }
}

/// A packet that waited too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Who was putting it together.
    pub user: u32,
    /// The fragments that were there, by their place.
    pub fragments: Vec<PacketBuf>,
    /// The very first is among them, so that an ICMP error can quote it.
    pub has_first: bool,
}

/// The packets that are not yet whole.
#[derive(Clone, Debug, Default)]
pub struct Reassembler {
    queues: BTreeMap<Key, Queue>,
    deadlines: BTreeSet<(SimTime, Key)>,
    /// Of each sender of whom something waits: how many packets wait, how many fragments came.
    senders: BTreeMap<Ipv4Addr, (usize, u32)>,
    bytes: usize,
}

impl Queue {
    fn new(deadline: SimTime) -> Self {
        let runs = BTreeMap::new();
        Self { deadline, runs, len: 0, meat: 0, last_in: false, bytes: 0, seen: 0, parent: None }
    }

    fn into_pieces(self) -> Vec<PacketBuf> {
        self.runs.into_values().flat_map(|run| run.pieces).collect()
    }

    /// Puts a fragment of `len` payload bytes in its place (`ip_frag_queue`, `inet_frag_queue_insert`).
    ///
    /// # Errors
    /// Why not, and the fragment.
    fn insert(
        &mut self,
        offset: usize,
        more: bool,
        len: usize,
        buf: PacketBuf,
    ) -> Result<usize, (DropReason, PacketBuf)> {
        let mut end = offset + len;
        let malformed = |buf| Err((DropReason::FragmentMalformed, buf));
        if more {
            // All but the last have a multiple of eight bytes; the rest of another is cut off.
            end &= !7;
            if end > self.len && self.last_in {
                return malformed(buf);
            }
        } else if end < self.len || (self.last_in && end != self.len) {
            return malformed(buf);
        }
        if end <= offset {
            return malformed(buf);
        }
        let overlaps = self.runs.range(..end).next_back().filter(|(_, run)| run.end > offset);
        if let Some((start, run)) = overlaps {
            let twice = *start <= offset && end <= run.end;
            return Err((if twice { DropReason::FragmentTwice } else { DropReason::FragmentOverlap }, buf));
        }
        if !more {
            self.last_in = true;
        }
        self.len = self.len.max(end);
        self.meat += end - offset;
        self.parent = buf.parent;
        let cost = buf.packet().len() + FRAGMENT_OVERHEAD;
        self.bytes += cost;
        match self.runs.values_mut().next_back().filter(|run| run.end == offset) {
            Some(run) => {
                run.end = end;
                run.pieces.push(buf);
            }
            None => {
                self.runs.insert(offset, Run { end, pieces: vec![buf] });
            }
        }
        Ok(cost)
    }
}

impl Reassembler {
    /// Bytes held, overhead included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The earliest deadline.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Takes a packet; one that is no fragment is whole at once.
    pub fn push(&mut self, now: SimTime, settings: &sysctl::Ipv4, user: u32, buf: PacketBuf) -> Pushed {
        let Ok(packet) = Ipv4::parse(buf.packet()) else {
            return Outcome::Dropped(DropReason::IpMalformed, buf).into();
        };
        if !packet.is_fragment() {
            return Outcome::Whole(buf, 1).into();
        }
        let cap = limits::FRAGMENT_BYTES_MAX.min(usize::try_from(settings.ipfrag_high_thresh).unwrap_or(0));
        if self.bytes > cap {
            return Outcome::Dropped(DropReason::FragmentMemory, buf).into();
        }
        let key = Key { user, src: packet.src, dst: packet.dst, ident: packet.ident, proto: packet.proto };
        let (offset, more, len) = (usize::from(packet.fragment_offset), packet.more_fragments, packet.payload.len());
        let mut lost = Vec::new();
        // Too many others of this sender in between: the identification may have come round again (`ip_frag_too_far`).
        let count = self.senders.get(&key.src).map_or(1, |(_, count)| count.wrapping_add(1));
        let max = u32::try_from(settings.ipfrag_max_dist).unwrap_or(0);
        if self.queues.get(&key).is_some_and(|queue| max > 0 && count.wrapping_sub(queue.seen) > max) {
            let old = self.remove(key).map(Queue::into_pieces).unwrap_or_default();
            lost.extend(old.into_iter().map(|buf| (DropReason::FragmentTimeout, buf)));
        }
        let deadline = now + Duration::from_secs(u64::try_from(settings.ipfrag_time).unwrap_or(0));
        let queue = self.queues.entry(key).or_insert_with(|| Queue::new(deadline));
        if queue.runs.is_empty() {
            self.deadlines.insert((deadline, key));
            self.senders.entry(key.src).or_default().0 += 1;
        }
        self.senders.entry(key.src).or_default().1 = count;
        queue.seen = count;
        let outcome = match queue.insert(offset, more, len, buf) {
            Ok(cost) => {
                self.bytes += cost;
                let complete = queue.last_in && queue.meat == queue.len;
                if complete { self.assemble(key) } else { Outcome::Waits }
            }
            Err((reason, buf)) => {
                // An overlap is an attack, not an accident: nothing of this packet is believed (RFC 5722, for IPv4 too
                // since Linux 4.19).
                if reason == DropReason::FragmentOverlap || self.queues.get(&key).is_some_and(|q| q.runs.is_empty()) {
                    let old = self.remove(key).map(Queue::into_pieces).unwrap_or_default();
                    lost.extend(old.into_iter().map(|buf| (reason, buf)));
                }
                Outcome::Dropped(reason, buf)
            }
        };
        Pushed { outcome, lost }
    }

    fn remove(&mut self, key: Key) -> Option<Queue> {
        let queue = self.queues.remove(&key)?;
        self.deadlines.remove(&(queue.deadline, key));
        self.bytes -= queue.bytes;
        if let Some((waiting, _)) = self.senders.get_mut(&key.src) {
            *waiting -= 1;
            if *waiting == 0 {
                self.senders.remove(&key.src);
            }
        }
        Some(queue)
    }

    fn assemble(&mut self, key: Key) -> Outcome {
        let Some(queue) = self.remove(key) else { return Outcome::Waits };
        let (len, parent) = (queue.len, queue.parent);
        let ends: Vec<usize> = queue.runs.keys().copied().collect();
        debug_assert_eq!(ends.first(), Some(&0));
        let pieces = queue.into_pieces();
        let count = pieces.len();
        let header_len = pieces.first().and_then(|buf| Some(usize::from(buf.packet().first()? & 15) * 4)).unwrap_or(0);
        let mut whole = Vec::with_capacity(header_len + len);
        for piece in &pieces {
            let Ok(packet) = Ipv4::parse(piece.packet()) else { continue };
            if whole.is_empty() {
                whole.extend_from_slice(piece.packet().get(..header_len).unwrap_or_default());
            }
            // What does not fill eight bytes was cut off, unless it is the last.
            let used = if packet.more_fragments { packet.payload.len() & !7 } else { packet.payload.len() };
            whole.extend_from_slice(&packet.payload[..used]);
        }
        if whole.len() > PACKET_BYTES_MAX {
            return Outcome::Dropped(DropReason::FragmentMalformed, PacketBuf::new(&whole[..HEADER_LEN], parent));
        }
        finish_header(&mut whole, header_len, 0);
        Outcome::Whole(PacketBuf::new(&whole, parent), count)
    }

    /// Packets that waited too long.
    pub fn handle_timeout(&mut self, now: SimTime) -> Vec<Expired> {
        let mut expired = Vec::new();
        while let Some(&(at, key)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            if let Some(queue) = self.remove(key) {
                let has_first = queue.runs.contains_key(&0);
                expired.push(Expired { user: key.user, fragments: queue.into_pieces(), has_first });
            }
        }
        expired
    }

    /// Forgets what a user was putting together; returns the fragments.
    pub fn remove_user(&mut self, user: u32) -> Vec<PacketBuf> {
        let keys: Vec<Key> = self.queues.keys().filter(|key| key.user == user).copied().collect();
        keys.into_iter().filter_map(|key| self.remove(key)).flat_map(Queue::into_pieces).collect()
    }
}

#[cfg(test)]
#[path = "fragment_tests.rs"]
mod tests;
