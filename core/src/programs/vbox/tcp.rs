//! Guests' TCP connections: each ends at the engine, and its bytes go on through a socket of the process.

use std::collections::BTreeMap;

use super::instance::{Instance, TTL, unreachable_for};
use crate::addr::{Endpoint, L4Proto};
use crate::frame::ipv4::Ipv4;
use crate::frame::tcp::{Tcp, flags};
use crate::id::{FlowId, SocketId};
use crate::machine::{TcpConnection, TcpPath, tcp_refusal};
use crate::programs::{Errno, Kernel, TcpStatus};
use crate::view::{FlowMapping, FlowOrigin, FlowRow, FlowState, FlowTimer, FlowWhy, SocketState};

/// Packets towards a guest (DrvNATlibslirp.cpp: MTU 1500).
const PATH: TcpPath = TcpPath { mtu: 1_500, ttl: TTL };
/// Bytes moved at once.
const CHUNK: usize = 16_384;

/// The guest's endpoint and the other side's, as the guest sees it.
type StreamKey = (Endpoint, Endpoint);

/// One connection.
#[derive(Debug)]
struct Stream {
    /// The socket outside.
    host: SocketId,
    /// The guest's side; not before the outside is connected.
    guest: Option<TcpConnection>,
    /// The guest's SYN, which is answered when the outside is connected.
    syn: Vec<u8>,
    /// Taken from the host's socket, not yet from the guest's side.
    inward: Vec<u8>,
    /// Taken from the guest's side, not yet by the host's socket.
    outward: Vec<u8>,
    host_done: bool,
    guest_done: bool,
    row: FlowRow,
}

/// All connections of an engine.
///
/// A live connection cannot be cloned: a clone (of a forked world) ends their flow entries.
#[derive(Debug, Default)]
pub(super) struct Streams {
    table: BTreeMap<StreamKey, Stream>,
    lost: Vec<FlowId>,
}

impl Clone for Streams {
    fn clone(&self) -> Self {
        let lost = self.flows().chain(self.lost.iter().copied()).collect();
        Self { table: BTreeMap::new(), lost }
    }
}

impl Streams {
    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn has(&self, guest: Endpoint, remote: Endpoint) -> bool {
        self.table.contains_key(&(guest, remote))
    }

    pub fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.table.values().map(|stream| stream.host)
    }

    pub fn flows(&self) -> impl Iterator<Item = FlowId> {
        self.table.values().map(|stream| stream.row.id)
    }
}

impl Instance {
    /// A guest's segment.
    pub(super) fn tcp_in(&mut self, kernel: &mut dyn Kernel, packet: &Ipv4<'_>, bytes: &[u8]) {
        let Ok((header, _)) = Tcp::parse(packet.src, packet.dst, packet.payload) else { return };
        let whole = &bytes[..packet.total_len.min(bytes.len())];
        let guest = Endpoint::new(packet.src, header.src_port);
        let remote = Endpoint::new(packet.dst, header.dst_port);
        if let Some(stream) = self.streams.table.get_mut(&(guest, remote)) {
            match &mut stream.guest {
                Some(connection) => connection.segment_in(kernel.now(), whole),
                None if header.flags & flags::RST != 0 => self.end_stream(kernel, (guest, remote)),
                // A SYN said again while the outside is not connected yet.
                None => {}
            }
            return;
        }
        let is_syn = header.flags & (flags::SYN | flags::ACK | flags::RST) == flags::SYN;
        if is_syn {
            self.connect(kernel, guest, remote, whole);
        } else if let Some(reset) = tcp_refusal(kernel.now(), whole) {
            kernel.engine_send(self.out.engine, reset);
        }
    }

    /// A guest begins a connection: so does the process.
    fn connect(&mut self, kernel: &mut dyn Kernel, guest: Endpoint, remote: Endpoint, syn: &[u8]) {
        let opened = match Self::translate(&self.settings, kernel, remote) {
            Ok(_) if self.full() => Err(Errno::ENFILE),
            Ok(to) => kernel.tcp_connect(to).map(|socket| (socket, to)),
            Err(error) => Err(error),
        };
        match opened {
            Ok((host, to)) => {
                self.add_stream(kernel, (guest, remote), host, None, syn.to_vec(), (to, FlowOrigin::Outgoing, ""));
            }
            Err(error) => self.out.refuse(kernel, None, unreachable_for(error), syn),
        }
    }

    /// Somebody came in through a rule: the engine connects to the guest in his name.
    pub(super) fn connect_inward(
        &mut self,
        kernel: &mut dyn Kernel,
        host: SocketId,
        from: Endpoint,
        guest: Endpoint,
        rule: &str,
    ) {
        let remote = Self::seen(self.settings.gateway, from);
        let seed = u64::from(kernel.random_u32()) << 32 | u64::from(kernel.random_u32());
        let key = (guest, remote);
        let connection = TcpConnection::connect(kernel.now(), remote, guest, PATH, seed)
            .filter(|_| !self.full() && !self.streams.table.contains_key(&key));
        match connection {
            Some(_) => {
                self.add_stream(kernel, key, host, connection, Vec::new(), (from, FlowOrigin::Forward, rule));
            }
            None => kernel.close(host),
        }
    }

    fn add_stream(
        &mut self,
        kernel: &mut dyn Kernel,
        key: StreamKey,
        host: SocketId,
        guest: Option<TcpConnection>,
        syn: Vec<u8>,
        (remote, origin, rule): (Endpoint, FlowOrigin, &str),
    ) {
        let why = FlowWhy {
            origin,
            rule: rule.to_owned(),
            mapping: FlowMapping::AddressAndPortDependent,
            timer: FlowTimer::Socket,
        };
        let row = FlowRow {
            node: kernel.node(),
            id: kernel.new_flow(),
            engine: Some(self.out.engine),
            proto: L4Proto::Tcp,
            inside: key.0,
            outside: kernel.local_of(host).unwrap_or(remote),
            remote,
            state: FlowState::New,
            why: Some(why),
            expires: None,
        };
        kernel.flow_put(row.clone());
        let stream = Stream {
            host,
            guest,
            syn,
            inward: Vec::new(),
            outward: Vec::new(),
            host_done: false,
            guest_done: false,
            row,
        };
        self.streams.table.insert(key, stream);
    }

    /// Lets all connections act.
    pub(super) fn poll_streams(&mut self, kernel: &mut dyn Kernel) {
        self.ended.append(&mut self.streams.lost);
        let mut over = Vec::new();
        for (key, stream) in &mut self.streams.table {
            if !stream.poll(kernel, self.out.engine, key.1) {
                over.push(*key);
            }
        }
        for key in over {
            self.end_stream(kernel, key);
        }
    }

    fn end_stream(&mut self, kernel: &mut dyn Kernel, key: StreamKey) {
        if let Some(stream) = self.streams.table.remove(&key) {
            kernel.close(stream.host);
            self.ended.push(stream.row.id);
        }
    }

    /// Ends the connections that came in through a rule.
    pub(super) fn end_streams_of(&mut self, kernel: &mut dyn Kernel, rule: &str) {
        let of_rule = |stream: &Stream| stream.row.why.as_ref().is_some_and(|why| why.rule == rule);
        let keys: Vec<_> =
            self.streams.table.iter().filter(|(_, stream)| of_rule(stream)).map(|(key, _)| *key).collect();
        for key in keys {
            self.end_stream(kernel, key);
        }
    }
}

impl Stream {
    /// Moves what can be moved; `false` when the connection is over.
    fn poll(&mut self, kernel: &mut dyn Kernel, engine: crate::id::NodeId, remote: Endpoint) -> bool {
        if self.guest.is_none() {
            match kernel.tcp_status(self.host) {
                TcpStatus::Connecting => return true,
                TcpStatus::Connected => self.answer_guest(kernel, remote),
                TcpStatus::Closed(_) => {
                    // Whatever the reason: the guest gets a RST (libslirp's tcp_input.c, `cont_conn`).
                    if let Some(reset) = tcp_refusal(kernel.now(), &self.syn) {
                        kernel.engine_send(engine, reset);
                    }
                    return false;
                }
            }
        }
        let Some(guest) = &mut self.guest else { return false };
        // A guest that has not answered yet may still refuse: nothing is read before.
        let opening = matches!(guest.state(), Some(SocketState::SynSent | SocketState::SynRecv));
        if !opening {
            pump_inward(kernel, guest, self.host, &mut self.inward, &mut self.host_done);
            pump_outward(kernel, guest, self.host, &mut self.outward);
            let finished = matches!(
                guest.state(),
                Some(SocketState::CloseWait | SocketState::LastAck | SocketState::Closing | SocketState::TimeWait)
            );
            if finished && self.outward.is_empty() && guest.queues().recv == 0 && !self.guest_done {
                self.guest_done = true;
                kernel.tcp_shutdown(self.host);
            }
        }
        guest.poll(kernel.now());
        while let Some(packet) = guest.take_out() {
            kernel.engine_send(engine, packet);
        }
        let state = guest.state();
        self.show(kernel, state);
        if let Some(guest) = &mut self.guest
            && let Some(at) = guest.next_wakeup(kernel.now())
        {
            kernel.wake_at(at);
        }
        !matches!(state, None | Some(SocketState::TimeWait))
    }

    /// The outside is connected: now the guest's SYN is answered.
    fn answer_guest(&mut self, kernel: &mut dyn Kernel, remote: Endpoint) {
        let seed = u64::from(kernel.random_u32()) << 32 | u64::from(kernel.random_u32());
        if let Some(mut connection) = TcpConnection::accept(kernel.now(), remote, PATH, seed) {
            connection.segment_in(kernel.now(), &self.syn);
            self.guest = Some(connection);
        }
    }

    fn show(&mut self, kernel: &mut dyn Kernel, state: Option<SocketState>) {
        let state = match state {
            Some(SocketState::SynSent | SocketState::SynRecv | SocketState::Listen) => FlowState::New,
            Some(SocketState::Established) => FlowState::Established,
            _ => FlowState::Closing,
        };
        if state != self.row.state {
            self.row.state = state;
            kernel.flow_put(self.row.clone());
        }
    }
}

/// From the host's socket to the guest.
fn pump_inward(
    kernel: &mut dyn Kernel,
    guest: &mut TcpConnection,
    host: SocketId,
    pending: &mut Vec<u8>,
    done: &mut bool,
) {
    loop {
        if !pending.is_empty() {
            match guest.send(pending) {
                Some(0) => return,
                Some(sent) => drop(pending.drain(..sent)),
                None => return pending.clear(),
            }
            continue;
        }
        if *done {
            return;
        }
        match kernel.tcp_recv(host, CHUNK) {
            Ok(None) => return,
            Ok(Some(bytes)) if bytes.is_empty() => {
                *done = true;
                return guest.close();
            }
            Ok(Some(bytes)) => *pending = bytes,
            Err(_) => {
                *done = true;
                return guest.abort();
            }
        }
    }
}

/// From the guest to the host's socket.
fn pump_outward(kernel: &mut dyn Kernel, guest: &mut TcpConnection, host: SocketId, pending: &mut Vec<u8>) {
    loop {
        if pending.is_empty() {
            *pending = guest.recv(CHUNK);
        }
        if pending.is_empty() {
            return;
        }
        match kernel.tcp_send(host, pending) {
            Ok(0) => return,
            Ok(sent) => drop(pending.drain(..sent)),
            Err(_) => {
                pending.clear();
                return guest.abort();
            }
        }
    }
}
