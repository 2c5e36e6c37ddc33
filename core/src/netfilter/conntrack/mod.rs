//! Connection tracking as Linux does it (net/netfilter/nf_conntrack_core.c): which connection a packet belongs to, how
//! far that has come, when it is forgotten, how it is translated. Must not know rules or interfaces.
//!
//! A packet is looked up when it comes in ([`Conntrack::track`]) and carries what was found ([`Tracked`]) along. A new
//! connection travels with its first packet and is entered when that has got through ([`Conntrack::confirm`]): a packet
//! that is dropped on the way leaves nothing behind.

mod conn;
mod flow;
mod nat;
mod packet;
mod tcp;
#[cfg(test)]
mod tests;
mod tuple;

use core::net::Ipv4Addr;
use std::collections::{BTreeSet, VecDeque};

use conn::Passed;
pub use conn::{Conn, Dir};
pub use nat::Manip;
use packet::{Seen, Segment};
pub use tuple::{ConntrackRow, ICMP, TCP, TcpState, Tuple, UDP};

use super::model::CtState;
use crate::drop_reason::DropReason;
use crate::fixed_map::FixedMap;
use crate::limits;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::{FlowState, FlowTimer};

/// The connection that a packet belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// None: invalid, or not tracked.
    None,
    /// One in the table.
    Known(u32),
    /// A new one, which this packet begins.
    New(Box<Conn>),
    /// One that this packet has ended.
    Gone(Box<Conn>),
}

/// What conntrack found out about a packet, which carries it along (Linux: `skb->_nfct`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The state of its connection, seen from it.
    pub state: CtState,
    /// Which way it goes.
    pub dir: Dir,
    held: Held,
}

impl Tracked {
    /// Taken out of tracking.
    pub const UNTRACKED: Self = Self { state: CtState::Untracked, dir: Dir::Original, held: Held::None };
    const INVALID: Self = Self { state: CtState::Invalid, dir: Dir::Original, held: Held::None };

    /// What this machine says about the packet (an ICMP error, a RST) belongs to its connection, and goes back
    /// (`nf_conntrack_attach`).
    pub fn answer(&self) -> Option<Self> {
        let held = match &self.held {
            Held::None => return None,
            Held::New(conn) | Held::Gone(conn) => Held::Gone(conn.clone()),
            Held::Known(id) => Held::Known(*id),
        };
        Some(Self { state: CtState::Related, dir: self.dir.other(), held })
    }
}

/// A change of a translated connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnChange {
    /// New, or in another state.
    Put(u32),
    /// Gone.
    Del(u32),
}

/// A table of connections.
#[derive(Clone, Debug)]
pub struct Conntrack {
    rng: Rng,
    conns: FixedMap<u32, Conn>,
    by_tuple: FixedMap<Tuple, (u32, Dir)>,
    /// Connections with a translated source: protocol, source, its port, number.
    sources: BTreeSet<(u8, Ipv4Addr, u16, u32)>,
    /// The first to go when the table is full.
    unassured: BTreeSet<u32>,
    /// One entry a connection, at its deadline or before.
    deadlines: BTreeSet<(SimTime, u32)>,
    changes: VecDeque<ConnChange>,
    next_id: u32,
    max: usize,
}

impl Conntrack {
    /// An empty table.
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            conns: FixedMap::new(),
            by_tuple: FixedMap::new(),
            sources: BTreeSet::new(),
            unassured: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            changes: VecDeque::new(),
            next_id: 1,
            max: limits::CONNTRACK_MAX,
        }
    }

    /// Looks up a packet whose header has been found right. `checksums`: it came from outside, so that wrong ones make
    /// it invalid.
    ///
    /// # Errors
    /// `ConntrackTableFull`: it would begin a connection, and the table is full of assured ones.
    pub fn track(&mut self, now: SimTime, packet: &[u8], checksums: bool) -> Result<Tracked, DropReason> {
        match packet::look(packet, checksums) {
            Seen::Invalid => Ok(Tracked::INVALID),
            Seen::Error { quoted } => Ok(self.related(now, packet, quoted)),
            Seen::Packet(tuple, segment) => self.resolve(now, tuple, segment.as_ref()),
        }
    }

    /// An ICMP error belongs to the connection of the packet it quotes, and goes the other way.
    fn related(&mut self, now: SimTime, packet: &[u8], quoted: Tuple) -> Tracked {
        let Some((id, dir)) = quoted.inverted().and_then(|tuple| self.find(now, tuple)) else {
            return Tracked::INVALID;
        };
        let meant = packet.get(16..20).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(Ipv4Addr::from);
        let to = self.conns.get(&id).map(|conn| conn.tuple(dir).dst);
        if to != meant {
            return Tracked::INVALID;
        }
        Tracked { state: CtState::Related, dir, held: Held::Known(id) }
    }

    fn resolve(&mut self, now: SimTime, tuple: Tuple, segment: Option<&Segment>) -> Result<Tracked, DropReason> {
        if let Some((id, dir)) = self.find(now, tuple)
            && let Some(conn) = self.conns.get_mut(&id)
        {
            let state = if dir == Dir::Reply || conn.seen_reply { CtState::Established } else { CtState::New };
            let before = (conn.shown(), conn.assured);
            match conn.pass(now, dir, segment) {
                Passed::Fits => {
                    self.passed(id, before);
                    return Ok(Tracked { state, dir, held: Held::Known(id) });
                }
                Passed::Ends => {
                    let held = self.remove(id).map_or(Held::None, |conn| Held::Gone(Box::new(conn)));
                    return Ok(Tracked { state, dir, held });
                }
                Passed::Invalid => return Ok(Tracked::INVALID),
                Passed::Reopens => drop(self.remove(id)),
            }
        }
        let Some(conn) = Conn::begin(self.next_id, now, tuple, segment) else { return Ok(Tracked::INVALID) };
        if self.conns.len() >= self.max && !self.drop_early() {
            return Err(DropReason::ConntrackTableFull);
        }
        self.next_id = self.next_id.wrapping_add(1).max(1);
        Ok(Tracked { state: CtState::New, dir: Dir::Original, held: Held::New(Box::new(conn)) })
    }

    /// The connection that has this tuple as one of its directions.
    fn find(&mut self, now: SimTime, tuple: Tuple) -> Option<(u32, Dir)> {
        let found = *self.by_tuple.get(&tuple)?;
        if self.conns.get(&found.0).is_some_and(|conn| conn.expires <= now) {
            self.remove(found.0);
            return None;
        }
        Some(found)
    }

    /// A packet of a connection has passed: what follows from its new state.
    fn passed(&mut self, id: u32, before: ((FlowState, FlowTimer), bool)) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.expires < conn.queued {
            self.deadlines.remove(&(conn.queued, id));
            conn.queued = conn.expires;
            self.deadlines.insert((conn.queued, id));
        }
        if conn.assured && !before.1 {
            self.unassured.remove(&id);
        }
        if conn.is_translated() && conn.shown() != before.0 {
            self.changes.push_back(ConnChange::Put(id));
        }
    }

    /// Makes room: the oldest connection that has not proved itself goes (`early_drop`).
    fn drop_early(&mut self) -> bool {
        let oldest = self.unassured.first().copied();
        oldest.and_then(|id| self.remove(id)).is_some()
    }

    /// The packet has got through: a connection that it begins is entered.
    ///
    /// # Errors
    /// `NatTableFull`: another connection has one of its tuples, since no port was free.
    pub fn confirm(&mut self, tracked: &mut Tracked) -> Result<(), DropReason> {
        let Held::New(conn) = &mut tracked.held else { return Ok(()) };
        if let Some((id, _)) = self.by_tuple.get(&conn.original).or_else(|| self.by_tuple.get(&conn.reply)) {
            let same = self.conns.get(id).is_some_and(|c| c.original == conn.original && c.reply == conn.reply);
            tracked.held = Held::Known(*id);
            return if same { Ok(()) } else { Err(DropReason::NatTableFull) };
        }
        let mut conn = (**conn).clone();
        conn.queued = conn.expires;
        let id = conn.id;
        self.by_tuple.insert(conn.original, (id, Dir::Original));
        self.by_tuple.insert(conn.reply, (id, Dir::Reply));
        self.deadlines.insert((conn.queued, id));
        self.unassured.insert(id);
        if conn.snat {
            self.sources.insert((conn.original.proto, conn.original.src, conn.original.src_port, id));
        }
        if conn.is_translated() {
            self.changes.push_back(ConnChange::Put(id));
        }
        self.conns.insert(id, conn);
        tracked.held = Held::Known(id);
        Ok(())
    }

    /// The connection of a packet.
    pub fn conn<'a>(&'a self, tracked: &'a Tracked) -> Option<&'a Conn> {
        match &tracked.held {
            Held::None => None,
            Held::Known(id) => self.conns.get(id),
            Held::New(conn) | Held::Gone(conn) => Some(conn),
        }
    }

    /// The connection with this number.
    pub fn get(&self, id: u32) -> Option<&Conn> {
        self.conns.get(&id)
    }

    /// Whether a packet's present addresses are those of a connection whose source is translated, so that it is not
    /// this machine's own.
    pub fn is_snat_outside(&self, packet: &[u8]) -> bool {
        let Seen::Packet(tuple, _) = packet::look(packet, false) else { return false };
        let found = tuple.inverted().and_then(|tuple| self.by_tuple.get(&tuple));
        found.is_some_and(|(id, dir)| *dir == Dir::Reply && self.conns.get(id).is_some_and(|conn| conn.snat))
    }

    fn remove(&mut self, id: u32) -> Option<Conn> {
        let conn = self.conns.remove(&id)?;
        self.by_tuple.remove(&conn.original);
        self.by_tuple.remove(&conn.reply);
        self.deadlines.remove(&(conn.queued, id));
        self.unassured.remove(&id);
        if conn.snat {
            self.sources.remove(&(conn.original.proto, conn.original.src, conn.original.src_port, id));
        }
        if conn.is_translated() {
            self.changes.push_back(ConnChange::Del(id));
        }
        Some(conn)
    }

    /// Forgets the connection with this original direction; returns whether there was one.
    pub fn delete(&mut self, original: Tuple) -> bool {
        match self.by_tuple.get(&original) {
            Some((id, Dir::Original)) => self.remove(*id).is_some(),
            _ => false,
        }
    }

    /// Forgets all connections.
    pub fn flush(&mut self) {
        for id in self.conns.sorted_keys(|_, _| true) {
            self.remove(id);
        }
    }

    /// Forgets what is masqueraded with an interface's address: it is down, or has lost that address
    /// (net/netfilter/nf_nat_masquerade.c).
    pub fn forget_masquerade(&mut self, iface: u32, addr: Option<Ipv4Addr>) {
        let hit = |conn: &Conn| conn.masquerade == Some(iface) && addr.is_none_or(|addr| conn.reply.dst == addr);
        for id in self.conns.sorted_keys(|_, conn| hit(conn)) {
            self.remove(id);
        }
    }

    /// When the next connection may run out.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Forgets connections that have run out.
    pub fn handle_timeout(&mut self, now: SimTime) {
        while let Some(&(at, id)) = self.deadlines.first()
            && at <= now
        {
            let Some(conn) = self.conns.get_mut(&id) else {
                self.deadlines.remove(&(at, id));
                continue;
            };
            if conn.expires <= now {
                self.remove(id);
            } else {
                self.deadlines.remove(&(at, id));
                conn.queued = conn.expires;
                self.deadlines.insert((conn.queued, id));
            }
        }
    }

    /// The next change of a translated connection since the last call.
    pub fn poll_change(&mut self) -> Option<ConnChange> {
        self.changes.pop_front()
    }

    /// How many connections there are (`net.netfilter.nf_conntrack_count`).
    pub fn len(&self) -> usize {
        self.conns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.conns.is_empty()
    }

    /// All connections, by number.
    pub fn rows(&self, now: SimTime) -> Vec<ConntrackRow> {
        self.conns.sorted().into_iter().map(|(_, conn)| conn.row(now)).collect()
    }

    /// The numbers of all translated connections, in order.
    pub fn translated(&self) -> Vec<u32> {
        self.conns.sorted_keys(|_, conn| conn.is_translated())
    }
}
