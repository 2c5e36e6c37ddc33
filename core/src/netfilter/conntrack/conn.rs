//! One tracked connection.

use core::time::Duration;
use std::rc::Rc;

use super::packet::Segment;
use super::tcp::TcpTrack;
use super::tuple::{ConntrackRow, ICMP, TCP, Tuple, UDP};
use crate::time::SimTime;

/// UDP of one direction, and of both (`nf_conntrack_udp_timeout`, `_stream`).
const UDP_TIMEOUT: Duration = Duration::from_secs(30);
const UDP_STREAM_TIMEOUT: Duration = Duration::from_secs(120);
/// UDP that goes on for so long is a stream (net/netfilter/nf_conntrack_proto_udp.c).
const UDP_STREAM_AFTER: Duration = Duration::from_secs(2);
/// ICMP questions and answers (`nf_conntrack_icmp_timeout`).
const ICMP_TIMEOUT: Duration = Duration::from_secs(30);
/// Everything else (`nf_conntrack_generic_timeout`).
const GENERIC_TIMEOUT: Duration = Duration::from_secs(600);

/// Which way a packet goes: with the connection's first one, or against it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dir {
    /// With it.
    Original,
    /// Against it.
    Reply,
}

impl Dir {
    /// The other way.
    pub const fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// What depends on the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Track {
    Tcp(TcpTrack),
    /// It is a stream from then on.
    Udp(SimTime),
    Other,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conn {
    /// Its number.
    pub(super) id: u32,
    /// As its first packet came.
    pub(super) original: Tuple,
    /// As its answers come.
    pub(super) reply: Tuple,
    pub(super) track: Track,
    /// It is forgotten then, if no further packet comes.
    pub(super) expires: SimTime,
    /// The deadline it stands in the queue with.
    pub(super) queued: SimTime,
    pub(super) seen_reply: bool,
    pub(super) assured: bool,
    pub(super) snat: bool,
    pub(super) dnat: bool,
    /// It has been settled whether its source, its destination is translated.
    pub(super) snat_done: bool,
    pub(super) dnat_done: bool,
    /// Masqueraded: the interface whose address it has.
    pub(super) masquerade: Option<u32>,
    /// The rule that chose its destination, in its tool's words.
    pub(super) rule: Option<Rc<str>>,
}

/// What became of a connection by a packet of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The packet belongs to it.
    Fits,
    /// The packet belongs to it and ends it at once.
    Ends,
    /// The packet begins another with the same endpoints.
    Reopens,
    /// The packet does not belong to it.
    Invalid,
}

impl Conn {
    /// The connection that a packet begins, if it can begin one.
    pub(super) fn begin(id: u32, now: SimTime, tuple: Tuple, segment: Option<&Segment>) -> Option<Self> {
        let (track, timeout) = match (tuple.proto, segment) {
            (TCP, Some(segment)) => {
                let (track, timeout) = TcpTrack::begin(segment)?;
                (Track::Tcp(track), timeout)
            }
            (UDP, _) => (Track::Udp(now + UDP_STREAM_AFTER), UDP_TIMEOUT),
            // Questions only (net/netfilter/nf_conntrack_proto_icmp.c `valid_new`).
            (ICMP, _) if !matches!(tuple.icmp(), Some((8 | 13 | 15 | 17, _, _))) => return None,
            (ICMP, _) => (Track::Other, ICMP_TIMEOUT),
            _ => (Track::Other, GENERIC_TIMEOUT),
        };
        Some(Self {
            id,
            original: tuple,
            reply: tuple.inverted()?,
            track,
            expires: now + timeout,
            queued: SimTime::MAX,
            seen_reply: false,
            assured: false,
            snat: false,
            dnat: false,
            snat_done: false,
            dnat_done: false,
            masquerade: None,
            rule: None,
        })
    }

    /// A packet of it passes.
    pub(super) fn pass(&mut self, now: SimTime, dir: Dir, segment: Option<&Segment>) -> Passed {
        let reply = dir == Dir::Reply;
        match (&mut self.track, segment) {
            (Track::Tcp(track), Some(segment)) => {
                use super::tcp::Outcome;
                match track.take(segment, reply, self.seen_reply, self.assured) {
                    Outcome::Fits { timeout, assured } => {
                        self.expires = now + timeout;
                        self.assured = assured;
                    }
                    Outcome::Ignored => {}
                    Outcome::Ended => return Passed::Ends,
                    Outcome::Reopens => return Passed::Reopens,
                    Outcome::Invalid => return Passed::Invalid,
                }
            }
            (Track::Tcp(_), None) => return Passed::Invalid,
            (Track::Udp(stream_from), _) => {
                // Before the first answer, and of a short exchange, it is the short timeout.
                let stream = self.seen_reply && now > *stream_from;
                self.assured |= stream;
                self.expires = now + if stream { UDP_STREAM_TIMEOUT } else { UDP_TIMEOUT };
            }
            (Track::Other, _) => {
                self.expires = now + if self.original.proto == ICMP { ICMP_TIMEOUT } else { GENERIC_TIMEOUT };
            }
        }
        self.seen_reply |= reply;
        Passed::Fits
    }

    /// The tuple of a direction.
    pub const fn tuple(&self, dir: Dir) -> Tuple {
        match dir {
            Dir::Original => self.original,
            Dir::Reply => self.reply,
        }
    }

    /// As its first packet came.
    pub const fn original(&self) -> Tuple {
        self.original
    }

    /// As its answers come.
    pub const fn reply(&self) -> Tuple {
        self.reply
    }

    /// Its source is translated.
    pub const fn is_snat(&self) -> bool {
        self.snat
    }

    /// Its destination is translated.
    pub const fn is_dnat(&self) -> bool {
        self.dnat
    }

    /// The interface whose address it is masqueraded with.
    pub const fn masquerade(&self) -> Option<u32> {
        self.masquerade
    }

    /// Its number in the table of flows, which a host shares with its NAT engines: theirs are odd.
    pub const fn flow(&self) -> u64 {
        self.id as u64 * 2
    }

    pub(super) const fn is_translated(&self) -> bool {
        self.snat || self.dnat
    }

    /// How `conntrack -L` shows it.
    pub(super) fn row(&self, now: SimTime) -> ConntrackRow {
        ConntrackRow {
            id: self.id,
            tcp: match &self.track {
                Track::Tcp(track) => Some(track.state),
                _ => None,
            },
            timeout_secs: self.expires.since(now).as_secs(),
            original: self.original,
            reply: self.reply,
            unreplied: !self.seen_reply,
            assured: self.assured,
            snat: self.snat,
            dnat: self.dnat,
        }
    }
}
