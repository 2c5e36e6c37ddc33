//! A TCP connection seen from the middle: its state by the flags that pass, and whether a segment lies in the windows
//! (net/netfilter/nf_conntrack_proto_tcp.c; the idea is Guido van Rooij's "Real Stateful TCP Packet Filtering").

use core::time::Duration;

use super::packet::Segment;
use super::tuple::TcpState;
use crate::frame::tcp::flags;

/// The least window that acknowledgements of the past are accepted in (`MAXACKWINCONST`).
const ACK_WINDOW_MIN: u32 = 66_000;
/// So many repeats and no progress (`nf_conntrack_tcp_max_retrans`).
const RETRANS_MAX: u8 = 3;
/// Timeout then (`nf_conntrack_tcp_timeout_max_retrans`).
const TIMEOUT_RETRANS: Duration = Duration::from_secs(300);
/// Timeout while data waits for its acknowledgement (`nf_conntrack_tcp_timeout_unacknowledged`).
const TIMEOUT_UNACKNOWLEDGED: Duration = Duration::from_secs(300);

impl TcpState {
    /// How long it lives without a packet (Documentation/networking/nf_conntrack-sysctl.rst).
    pub const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::SynSent | Self::SynSent2 | Self::FinWait | Self::TimeWait => 120,
            Self::SynRecv | Self::CloseWait => 60,
            Self::Established => 432_000,
            Self::LastAck => 30,
            Self::Close => 10,
        })
    }
}

/// What a segment does to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This is the state now.
    To(TcpState),
    /// It passes, and changes nothing.
    Ignore,
    /// It cannot come here.
    Invalid,
}

/// What counts in a segment's flags, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rst,
    Syn,
    SynAck,
    Fin,
    Ack,
    None,
}

impl Kind {
    fn of(segment: &Segment) -> Self {
        let has = |flag| segment.has(flag);
        match (has(flags::RST), has(flags::SYN), has(flags::ACK), has(flags::FIN)) {
            (true, ..) => Self::Rst,
            (_, true, true, _) => Self::SynAck,
            (_, true, ..) => Self::Syn,
            (.., true) => Self::Fin,
            (_, _, true, _) => Self::Ack,
            _ => Self::None,
        }
    }
}

/// The step of a segment in a known connection. `reply`: it goes against the first one's direction.
fn step(state: TcpState, kind: Kind, reply: bool) -> Step {
    use Step::{Ignore, Invalid, To};
    use TcpState::{Close, CloseWait, Established, FinWait, LastAck, SynRecv, SynSent, SynSent2, TimeWait};
    match (kind, state) {
        (Kind::None, _) => Invalid,
        (Kind::Rst, _) => To(Close),
        // A repeated SYN, a simultaneous one, one that opens an ended connection again, one out of place.
        (Kind::Syn, SynSent) => To(if reply { SynSent2 } else { SynSent }),
        (Kind::Syn, SynSent2) => To(SynSent2),
        (Kind::Syn, TimeWait) => To(SynSent),
        (Kind::Syn, Close) if !reply => To(SynSent),
        (Kind::Syn, _) => {
            if reply {
                Invalid
            } else {
                Ignore
            }
        }
        (Kind::SynAck, SynSent) if reply => To(SynRecv),
        (Kind::SynAck, SynSent2) => To(SynRecv),
        (Kind::SynAck, SynRecv) if !reply => To(SynRecv),
        (Kind::SynAck, _) => {
            if reply {
                Ignore
            } else {
                Invalid
            }
        }
        (Kind::Fin, SynSent | SynSent2) => Invalid,
        (Kind::Fin, SynRecv | Established) => To(FinWait),
        (Kind::Fin, FinWait | CloseWait | LastAck) => To(LastAck),
        (Kind::Ack, SynSent | SynSent2) => {
            if reply {
                Ignore
            } else {
                Invalid
            }
        }
        (Kind::Ack, SynRecv) => To(if reply { SynRecv } else { Established }),
        (Kind::Ack, Established) => To(Established),
        (Kind::Ack, FinWait | CloseWait) => To(CloseWait),
        (Kind::Ack, LastAck) => To(TimeWait),
        (Kind::Fin | Kind::Ack, TimeWait) => To(TimeWait),
        (Kind::Fin | Kind::Ack, Close) => To(Close),
    }
}

/// One side: what it has sent and what the other lets it send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// The highest end of what it has sent.
    end: u32,
    /// The highest end of what it may send.
    max_end: u32,
    /// The largest window it has offered; 0: nothing was seen of it.
    max_window: u32,
    /// What its windows are shifted by; none: it did not offer that.
    scale: Option<u8>,
    /// The highest number it has acknowledged.
    max_ack: Option<u32>,
    /// Something it sent waits for its acknowledgement.
    unacknowledged: bool,
}

/// A connection's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TcpTrack {
    pub state: TcpState,
    sides: [Side; 2],
    /// The last acknowledgement, to tell repeats: direction, seq, ack, end, window.
    last: Option<(bool, u32, u32, u32, u16)>,
    repeats: u8,
    /// A FIN or a RST went: a SYN may begin anew.
    closing: bool,
    /// We came in the middle: windows are not known well enough to refuse by them (`IP_CT_TCP_FLAG_BE_LIBERAL`).
    liberal: bool,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It belongs to the connection, which lives so long from now on; whether it is assured now.
    Fits { timeout: Duration, assured: bool },
    /// It passes and refreshes nothing.
    Ignored,
    /// A RST was the only answer: the connection is forgotten at once.
    Ended,
    /// It begins the connection anew: forget this one and look again.
    Reopens,
    /// It does not belong here.
    Invalid,
}

const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

const fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

impl TcpTrack {
    /// The connection that a segment begins, and how long it lives; also one in the middle of which we come
    /// (`nf_conntrack_tcp_loose`).
    pub(super) fn begin(segment: &Segment) -> Option<(Self, Duration)> {
        let window = u32::from(segment.window).max(1);
        let side = Side { end: segment.end, max_window: window, scale: segment.scale, ..Side::default() };
        let (state, max_end, liberal, timeout) = match Kind::of(segment) {
            Kind::Syn => (TcpState::SynSent, segment.end, false, TcpState::SynSent.timeout()),
            Kind::Ack => (TcpState::Established, segment.end.wrapping_add(window), true, TIMEOUT_UNACKNOWLEDGED),
            _ => return None,
        };
        let sides = [Side { max_end, ..side }, Side::default()];
        Some((Self { state, sides, last: None, repeats: 0, closing: false, liberal }, timeout))
    }

    /// Takes a segment. `seen_reply`, `assured`: what the connection has had before it.
    pub(super) fn take(&mut self, segment: &Segment, reply: bool, seen_reply: bool, assured: bool) -> Outcome {
        let old = self.state;
        let kind = Kind::of(segment);
        let mut new = match step(old, kind, reply) {
            Step::Invalid => return Outcome::Invalid,
            Step::Ignore => return Outcome::Ignored,
            Step::To(new) => new,
        };
        if kind == Kind::Syn && new == TcpState::SynSent && matches!(old, TcpState::TimeWait | TcpState::Close) {
            return if self.closing { Outcome::Reopens } else { Outcome::Ignored };
        }
        if kind == Kind::Rst {
            match self.reset(segment, reply, old == TcpState::Established && assured) {
                Some(true) => {}
                Some(false) => new = old,
                None => return Outcome::Invalid,
            }
        }
        if !self.in_window(segment, reply, kind) {
            return Outcome::Invalid;
        }
        self.closing |= matches!(kind, Kind::Rst | Kind::Fin);
        self.state = new;
        if !seen_reply && kind == Kind::Rst {
            return Outcome::Ended;
        }
        // A repeated SYN does not make the entry live longer.
        if !seen_reply && !reply && kind == Kind::Syn && old == TcpState::SynSent {
            return Outcome::Ignored;
        }
        let mut timeout = new.timeout();
        if self.repeats >= RETRANS_MAX {
            timeout = timeout.min(TIMEOUT_RETRANS);
        } else if self.sides.iter().any(|side| side.unacknowledged) {
            timeout = timeout.min(TIMEOUT_UNACKNOWLEDGED);
        }
        let seen_reply = seen_reply || reply;
        if !seen_reply && new == TcpState::Established {
            timeout = timeout.min(TIMEOUT_UNACKNOWLEDGED);
        }
        let through = matches!(old, TcpState::SynRecv | TcpState::Established) && new == TcpState::Established;
        Outcome::Fits { timeout, assured: assured || (seen_reply && through) }
    }

    /// What a RST does: ends the connection; leaves it, since its number is not the awaited one and the other side may
    /// ask back (RFC 5961 3.2); or, from the past, does not belong to it.
    fn reset(&self, segment: &Segment, reply: bool, established: bool) -> Option<bool> {
        let Some(awaited) = self.sides[usize::from(!reply)].max_ack else { return Some(true) };
        if segment.seq == 0 && !established {
            return Some(true);
        }
        if before(segment.seq, awaited) {
            return None;
        }
        let follows = self.last.is_some_and(|(dir, _, _, end, _)| dir == reply && end == segment.seq);
        Some(!established || segment.seq == awaited || follows)
    }

    /// Whether a segment lies where its sender may send, and acknowledges what was sent; then both sides' windows move.
    fn in_window(&mut self, segment: &Segment, reply: bool, kind: Kind) -> bool {
        let (from, to) = (usize::from(reply), usize::from(!reply));
        let (mut sender, mut receiver) = (self.sides[from], self.sides[to]);
        let is_syn = segment.has(flags::SYN);
        let has_ack = segment.has(flags::ACK);
        let (mut seq, mut end) = (segment.seq, segment.end);
        let opening = matches!(self.state, TcpState::SynSent | TcpState::SynRecv);
        if is_syn && (sender.max_window == 0 || (opening && after(end, sender.end))) {
            let max_window = u32::from(segment.window).max(1);
            sender = Side { end, max_end: end, max_window, scale: segment.scale, ..sender };
            // Scaling counts only if both want it (RFC 7323 2.2).
            if reply && (sender.scale.is_none() || receiver.scale.is_none()) {
                (sender.scale, receiver.scale) = (None, None);
            }
            if !has_ack {
                (self.sides[from], self.sides[to]) = (sender, receiver);
                return true;
            }
        } else if sender.max_window == 0 {
            // In the middle of a connection: its past is not known.
            sender.end = end;
            sender.max_window = (u32::from(segment.window) << sender.scale.unwrap_or(0)).max(1);
            sender.max_end = end.wrapping_add(sender.max_window);
            if receiver.max_window == 0 {
                receiver.end = segment.ack;
                receiver.max_end = segment.ack;
            } else if segment.ack == receiver.end.wrapping_add(1) {
                receiver.end = receiver.end.wrapping_add(1);
            }
        }
        let ack = if has_ack && !(kind == Kind::Rst && segment.ack == 0) { segment.ack } else { receiver.end };
        if kind == Kind::Rst && seq == 0 && self.state == TcpState::SynSent {
            (seq, end) = (sender.end, sender.end);
        }
        let ack_window = sender.max_window.max(ACK_WINDOW_MIN);
        let fits = before(seq, sender.max_end.wrapping_add(1))
            && (receiver.max_window == 0 || after(end, sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1)))
            && before(ack, receiver.end.wrapping_add(1))
            && after(ack, receiver.end.wrapping_sub(ack_window).wrapping_sub(1));
        if !fits {
            return self.liberal;
        }
        let window =
            if is_syn { u32::from(segment.window) } else { u32::from(segment.window) << sender.scale.unwrap_or(0) };
        sender.max_window = sender.max_window.max(window);
        if after(end, sender.end) {
            sender.end = end;
            sender.unacknowledged = true;
        }
        if has_ack {
            sender.max_ack = Some(sender.max_ack.map_or(ack, |max| if after(ack, max) { ack } else { max }));
        }
        if receiver.max_window != 0 && after(end, sender.max_end) {
            receiver.max_window = receiver.max_window.saturating_add(end.wrapping_sub(sender.max_end));
        }
        if after(ack.wrapping_add(window), receiver.max_end.wrapping_sub(1)) {
            receiver.max_end = ack.wrapping_add(window).wrapping_add(u32::from(window == 0));
        }
        if ack == receiver.end {
            receiver.unacknowledged = false;
        }
        (self.sides[from], self.sides[to]) = (sender, receiver);
        if kind == Kind::Ack {
            let now = (reply, segment.seq, segment.ack, segment.end, segment.window);
            self.repeats = if self.last == Some(now) { self.repeats.saturating_add(1) } else { 0 };
            self.last = Some(now);
        }
        true
    }
}
