//! One TCP connection: segments in, segments out, next wake-up. **The only file that names smoltcp's `Interface`.**
//!
//! smoltcp does the protocol (RFC 9293, retransmission, Reno). Each connection has a `SocketSet` and an `Interface` of
//! its own: a set is scanned whole for every packet, an `Interface` keeps the MTU it was made with, and with
//! `Medium::Ip` it holds no state worth sharing (about 200 bytes). `any_ip` is on, so it would answer for any address:
//! the machine decides what is local before it hands a segment in.

use core::time::Duration;
use std::collections::VecDeque;

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpEndpoint};

use crate::addr::Endpoint;
use crate::time::SimTime;
use crate::view::{SocketQueues, SocketState};

/// Bytes of each direction's buffer; also the largest window we announce (no scaling is needed below 64 KiB).
const BUFFER_BYTES: usize = 65_535;
/// How long a SYN is repeated: Linux's `tcp_syn_retries` 6 gives up after 127 s (tcp(7)).
const SYN_TIMEOUT: Duration = Duration::from_secs(127);
/// How long data is repeated: Linux's `tcp_retries2` 15 gives up after about 924.6 s (tcp(7)).
const DATA_TIMEOUT: Duration = Duration::from_secs(924);

/// What a connection knows of the way to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// The largest packet, in bytes.
    pub mtu: u32,
    /// The time to live that packets begin with.
    pub ttl: u8,
}

/// The device between smoltcp and our layer 3: one packet in, packets out.
#[derive(Default)]
struct Wire {
    mtu: usize,
    inbound: Option<Vec<u8>>,
    outbound: VecDeque<Vec<u8>>,
}

struct Inbound(Vec<u8>);
struct Outbound<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Inbound {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Outbound<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push_back(packet);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Inbound;
    type TxToken<'a> = Outbound<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Inbound, Outbound<'_>)> {
        self.inbound.take().map(|packet| (Inbound(packet), Outbound(&mut self.outbound)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outbound<'_>> {
        Some(Outbound(&mut self.outbound))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

/// One connection.
pub struct Connection {
    interface: Interface,
    wire: Wire,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    established: bool,
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Connection({})", self.state().map_or("CLOSED", SocketState::name))
    }
}

fn endpoint(endpoint: Endpoint) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(endpoint.addr), endpoint.port)
}

fn interface(now: SimTime, mtu: u32, seed: u64) -> (Interface, Wire) {
    let mut wire = Wire { mtu: mtu as usize, ..Wire::default() };
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface = Interface::new(config, &mut wire, now.to_smoltcp());
    interface.set_any_ip(true);
    (interface, wire)
}

/// The answer to a segment that belongs to no connection: a RST as RFC 9293 3.10.7.1 makes it, or nothing.
pub fn refusal(now: SimTime, mtu: u32, packet: &[u8]) -> Option<Vec<u8>> {
    let (mut interface, mut wire) = interface(now, mtu, 0);
    let mut none = SocketSet::new(Vec::new());
    wire.inbound = Some(packet.to_vec());
    interface.poll_ingress_single(now.to_smoltcp(), &mut wire, &mut none);
    wire.outbound.pop_front()
}

impl Connection {
    fn new(now: SimTime, path: Path, seed: u64) -> Self {
        let (interface, wire) = interface(now, path.mtu, seed);
        let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_congestion_control(CongestionControl::Reno);
        socket.set_timeout(Some(SYN_TIMEOUT.into()));
        socket.set_hop_limit(Some(path.ttl.max(1)));
        // Linux acknowledges late by 40 ms at least (net/ipv4/tcp.h TCP_DELACK_MIN).
        socket.set_ack_delay(Some(smoltcp::time::Duration::from_millis(40)));
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Self { interface, wire, sockets, handle, established: false }
    }

    /// Begins a connection. The SYN comes out at the next [`Connection::poll`].
    pub fn connect(now: SimTime, local: Endpoint, remote: Endpoint, path: Path, seed: u64) -> Option<Self> {
        let mut connection = Self::new(now, path, seed);
        let context = connection.interface.context();
        let socket = connection.sockets.get_mut::<Socket<'_>>(connection.handle);
        socket.connect(context, endpoint(remote), endpoint(local)).ok()?;
        Some(connection)
    }

    /// Made for a SYN that a listener admits; the SYN is then handed in with [`Connection::segment_in`].
    pub fn accept(now: SimTime, local: Endpoint, path: Path, seed: u64) -> Option<Self> {
        let mut connection = Self::new(now, path, seed);
        connection.socket_mut().listen(endpoint(local)).ok()?;
        Some(connection)
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// From now on no packet is larger than `mtu`. smoltcp fixes that for an `Interface`: the connection gets another,
    /// which holds no state of it.
    pub fn lower_mtu(&mut self, now: SimTime, mtu: u32) {
        if (mtu as usize) < self.wire.mtu {
            let (interface, wire) = interface(now, mtu, 0);
            self.interface = interface;
            self.wire.mtu = wire.mtu;
        }
    }

    /// Takes an IPv4 packet with a segment of this connection.
    pub fn segment_in(&mut self, now: SimTime, packet: &[u8]) {
        self.wire.inbound = Some(packet.to_vec());
        self.interface.poll_ingress_single(now.to_smoltcp(), &mut self.wire, &mut self.sockets);
    }

    /// Does what is due and what programs asked for.
    pub fn poll(&mut self, now: SimTime) {
        let now = now.to_smoltcp();
        while self.interface.poll_egress(now, &mut self.wire, &mut self.sockets) != PollResult::None {}
        if !self.established && matches!(self.socket().state(), State::Established | State::CloseWait) {
            self.established = true;
            self.socket_mut().set_timeout(Some(DATA_TIMEOUT.into()));
        }
    }

    /// The next packet to be sent.
    pub fn take_out(&mut self) -> Option<Vec<u8>> {
        self.wire.outbound.pop_front()
    }

    /// When it wants to be polled again.
    pub fn next_wakeup(&mut self, now: SimTime) -> Option<SimTime> {
        let at = self.interface.poll_at(now.to_smoltcp(), &self.sockets)?;
        // smoltcp says 0 for "now", and its microseconds were rounded down from ours: never wake in the past, nor at
        // an instant that it would still think is too early.
        Some(SimTime::from_smoltcp(at).max(now + Duration::from_micros(1)))
    }

    /// Its state; none once it is closed.
    pub fn state(&self) -> Option<SocketState> {
        Some(match self.socket().state() {
            State::Closed => return None,
            State::Listen => SocketState::Listen,
            State::SynSent => SocketState::SynSent,
            State::SynReceived => SocketState::SynRecv,
            State::Established => SocketState::Established,
            State::FinWait1 => SocketState::FinWait1,
            State::FinWait2 => SocketState::FinWait2,
            State::CloseWait => SocketState::CloseWait,
            State::Closing => SocketState::Closing,
            State::LastAck => SocketState::LastAck,
            State::TimeWait => SocketState::TimeWait,
        })
    }

    /// Unread and unacknowledged bytes. A SYN or FIN that is not acknowledged counts as one (Linux: `write_seq` less
    /// `snd_una`).
    pub fn queues(&self) -> SocketQueues {
        let socket = self.socket();
        let flag = matches!(socket.state(), State::SynSent | State::FinWait1 | State::Closing | State::LastAck);
        SocketQueues { recv: socket.recv_queue() as u32, send: socket.send_queue() as u32 + u32::from(flag) }
    }

    /// Queues bytes for sending; returns how many fit.
    pub fn send(&mut self, bytes: &[u8]) -> Option<usize> {
        self.socket_mut().send_slice(bytes).ok()
    }

    /// Reads up to `max` bytes.
    pub fn recv(&mut self, max: usize) -> Vec<u8> {
        let mut bytes = vec![0; max.min(self.socket().recv_queue())];
        let read = self.socket_mut().recv_slice(&mut bytes).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// Whether more can still come in.
    pub fn may_recv(&self) -> bool {
        self.socket().may_recv()
    }

    /// Nothing more will be sent: FIN after what is queued.
    pub fn close(&mut self) {
        self.socket_mut().close();
    }

    /// Ends it with a RST.
    pub fn abort(&mut self) {
        self.socket_mut().abort();
    }
}
