//! A machine's TCP sockets: listeners with their queues, connections by their two endpoints, TIME-WAIT.
//!
//! Ours: which connection a segment belongs to, the backlog, connect errors, 60 s of TIME-WAIT. Each connection's
//! protocol is [`engine::Connection`]'s. Must not know interfaces or routes: the machine sends what comes out.

pub mod engine;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::Connection;

use crate::addr::Endpoint;
use crate::id::{Pid, SocketId};
use crate::programs::{Errno, TcpStatus};
use crate::time::SimTime;
use crate::view::{SocketQueues, SocketState};

/// How long TIME-WAIT lasts (include/net/tcp.h `TCP_TIMEWAIT_LEN`).
pub const TIME_WAIT: Duration = Duration::from_secs(60);

/// Names a connection: our endpoint and theirs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConnKey {
    /// Our end.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
}

/// The process and descriptor that hold a socket.
pub type Holder = (Pid, u32);

/// A listener.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its number.
    pub id: SocketId,
    /// Who holds it.
    pub holder: Holder,
    /// Connections that may wait.
    pub backlog: u32,
    /// Complete and not yet accepted.
    pub ready: VecDeque<ConnKey>,
}

/// What a connection is made of.
#[derive(Debug)]
pub enum Body {
    /// Alive.
    Live(Box<Connection>),
    /// TIME-WAIT: the acknowledgement to repeat for a late FIN, and when it ends.
    TimeWait {
        /// The last packet we sent.
        last_sent: Vec<u8>,
        /// When it ends.
        until: SimTime,
    },
    /// Closed; only its socket is still held.
    Closed,
}

/// A connection.
#[derive(Debug)]
pub struct Conn {
    /// Its number.
    pub id: SocketId,
    /// Who holds it; none before it is accepted and after it was closed.
    pub holder: Option<Holder>,
    /// What it is made of.
    pub body: Body,
    /// The state last shown.
    pub shown: Option<SocketState>,
    /// The listener it came in at.
    pub listener: Option<Endpoint>,
    /// Why it closed, if not in good order.
    pub error: Option<Errno>,
    /// We asked for the end.
    pub closing: bool,
    /// When an orphan's FIN-WAIT-2 ends.
    fin_wait_until: Option<SimTime>,
    /// When it must be polled.
    deadline: Option<SimTime>,
    /// The last packet sent, for TIME-WAIT.
    last_sent: Vec<u8>,
}

impl Conn {
    /// A live connection.
    pub fn new(id: SocketId, holder: Option<Holder>, connection: Connection, listener: Option<Endpoint>) -> Self {
        Self {
            id,
            holder,
            body: Body::Live(Box::new(connection)),
            shown: None,
            listener,
            error: None,
            closing: false,
            fin_wait_until: None,
            deadline: None,
            last_sent: Vec::new(),
        }
    }

    /// Its state, none when closed.
    pub fn state(&self) -> Option<SocketState> {
        match &self.body {
            Body::Live(connection) => connection.state(),
            Body::TimeWait { .. } => Some(SocketState::TimeWait),
            Body::Closed => None,
        }
    }

    /// Its queues.
    pub fn queues(&self) -> SocketQueues {
        match &self.body {
            Body::Live(connection) => connection.queues(),
            _ => SocketQueues { recv: 0, send: 0 },
        }
    }

    /// Where it is, for its program.
    pub fn status(&self) -> TcpStatus {
        match self.state() {
            Some(SocketState::SynSent | SocketState::SynRecv) => TcpStatus::Connecting,
            Some(SocketState::TimeWait) | None => TcpStatus::Closed(self.error),
            Some(_) => TcpStatus::Connected,
        }
    }
}

/// All TCP sockets of a machine.
///
/// smoltcp's sockets cannot be cloned, so a clone of this (of a forked world) has the listeners and no connections.
#[derive(Debug, Default)]
pub struct Tcp {
    listeners: BTreeMap<Endpoint, Listener>,
    conns: BTreeMap<ConnKey, Conn>,
    by_id: BTreeMap<SocketId, ConnKey>,
    deadlines: BTreeSet<(SimTime, ConnKey)>,
}

impl Clone for Tcp {
    fn clone(&self) -> Self {
        let mut listeners = self.listeners.clone();
        listeners.values_mut().for_each(|listener| listener.ready.clear());
        Self { listeners, ..Self::default() }
    }
}

impl Tcp {
    /// Listeners in the order of their endpoints.
    pub fn listeners(&self) -> impl Iterator<Item = (&Endpoint, &Listener)> {
        self.listeners.iter()
    }

    /// Connections in the order of their endpoints.
    pub fn conns(&self) -> impl Iterator<Item = (&ConnKey, &Conn)> {
        self.conns.iter()
    }

    /// The listener for connections to `local`.
    pub fn listener_for(&self, local: Endpoint) -> Option<Endpoint> {
        let any = Endpoint::new(core::net::Ipv4Addr::UNSPECIFIED, local.port);
        [local, any].into_iter().find(|at| self.listeners.contains_key(at))
    }

    /// A listener.
    pub fn listener_mut(&mut self, at: Endpoint) -> Option<&mut Listener> {
        self.listeners.get_mut(&at)
    }

    /// Adds a listener.
    ///
    /// # Errors
    /// `EADDRINUSE` when another has this port at this address or at any.
    pub fn listen(&mut self, at: Endpoint, listener: Listener) -> Result<(), Errno> {
        let clash = |other: &Endpoint| {
            other.port == at.port && (other.addr == at.addr || other.addr.is_unspecified() || at.addr.is_unspecified())
        };
        if self.listeners.keys().any(clash) {
            return Err(Errno::EADDRINUSE);
        }
        self.listeners.insert(at, listener);
        Ok(())
    }

    /// Removes the listener with this number; returns its endpoint and the connections that waited in it.
    pub fn unlisten(&mut self, id: SocketId) -> Option<(Endpoint, Vec<ConnKey>)> {
        let at = *self.listeners.iter().find(|(_, listener)| listener.id == id)?.0;
        let ready = self.listeners.remove(&at).map(|listener| listener.ready.into()).unwrap_or_default();
        Some((at, ready))
    }

    /// Connections that a listener has begun and that are not accepted yet.
    pub fn pending(&self, at: Endpoint) -> usize {
        self.conns.values().filter(|conn| conn.listener == Some(at) && conn.holder.is_none()).count()
    }

    /// Takes the next complete connection of a listener.
    pub fn accept(&mut self, listener: SocketId, holder: Holder) -> Option<(SocketId, ConnKey)> {
        let ready = self.listeners.values_mut().find(|l| l.id == listener)?;
        let key = ready.ready.pop_front()?;
        let conn = self.conns.get_mut(&key)?;
        conn.holder = Some(holder);
        Some((conn.id, key))
    }

    /// Adds a connection.
    pub fn add(&mut self, key: ConnKey, conn: Conn) {
        self.by_id.insert(conn.id, key);
        self.conns.insert(key, conn);
    }

    /// A connection.
    pub fn get(&self, key: ConnKey) -> Option<&Conn> {
        self.conns.get(&key)
    }

    /// A connection, to be changed.
    pub fn get_mut(&mut self, key: ConnKey) -> Option<&mut Conn> {
        self.conns.get_mut(&key)
    }

    /// The connection with this socket number.
    pub fn key_of(&self, id: SocketId) -> Option<ConnKey> {
        self.by_id.get(&id).copied()
    }

    /// Removes a connection.
    pub fn remove(&mut self, key: ConnKey) -> Option<Conn> {
        let conn = self.conns.remove(&key)?;
        self.by_id.remove(&conn.id);
        if let Some(at) = conn.deadline {
            self.deadlines.remove(&(at, key));
        }
        Some(conn)
    }

    /// Whether an L4 port is taken at our side.
    pub fn taken(&self, port: u16) -> bool {
        self.listeners.keys().any(|at| at.port == port) || self.conns.keys().any(|key| key.local.port == port)
    }

    /// The earliest deadline.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The connections that have come due.
    pub fn due(&mut self, now: SimTime) -> Vec<ConnKey> {
        let mut due = Vec::new();
        while let Some(&(at, key)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            if let Some(conn) = self.conns.get_mut(&key) {
                conn.deadline = None;
            }
            due.push(key);
        }
        due
    }

    /// Lets a connection act: returns the packets it sends. Afterwards its deadline is set anew. `fin_timeout`: how long
    /// a socket that nobody holds waits in FIN-WAIT-2.
    pub fn poll(&mut self, now: SimTime, key: ConnKey, fin_timeout: Duration) -> Vec<Vec<u8>> {
        let Some(conn) = self.conns.get_mut(&key) else { return Vec::new() };
        let mut out = Vec::new();
        let mut deadline = None;
        match &mut conn.body {
            Body::Live(connection) => {
                connection.poll(now);
                while let Some(packet) = connection.take_out() {
                    conn.last_sent.clone_from(&packet);
                    out.push(packet);
                }
                match connection.state() {
                    Some(SocketState::TimeWait) => {
                        let until = now + TIME_WAIT;
                        conn.body = Body::TimeWait { last_sent: core::mem::take(&mut conn.last_sent), until };
                        deadline = Some(until);
                    }
                    Some(SocketState::FinWait2) if conn.holder.is_none() => {
                        let until = *conn.fin_wait_until.get_or_insert(now + fin_timeout);
                        if until <= now {
                            conn.body = Body::Closed;
                        } else {
                            deadline = Some(connection.next_wakeup(now).map_or(until, |at| at.min(until)));
                        }
                    }
                    Some(_) => deadline = connection.next_wakeup(now),
                    None => conn.body = Body::Closed,
                }
            }
            Body::TimeWait { until, .. } if *until <= now => conn.body = Body::Closed,
            Body::TimeWait { until, .. } => deadline = Some(*until),
            Body::Closed => {}
        }
        if let Some(old) = core::mem::replace(&mut conn.deadline, deadline) {
            self.deadlines.remove(&(old, key));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, key));
        }
        out
    }
}
