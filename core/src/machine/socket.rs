//! A machine's sockets other than TCP's: UDP, ping, packet. TCP's are in [`super::tcp`]; all share one number space.

use std::collections::{BTreeMap, VecDeque};

use crate::addr::{Endpoint, L4Proto};
use crate::frame::Frame;
use crate::id::{FrameId, Pid, SocketId};
use crate::limits;
use crate::programs::{Datagram, EchoAnswer, Errno, IcmpNotice, PathMtu};

/// A UDP socket.
#[derive(Clone, Debug)]
pub struct UdpSocket {
    /// Bound here; port 0 until it is bound.
    pub local: Endpoint,
    /// Connected to there.
    pub remote: Option<Endpoint>,
    /// Arrived and not yet read.
    pub queue: VecDeque<Datagram>,
    /// Payload bytes in the queue.
    pub queued_bytes: usize,
    /// An ICMP error for a connected socket, given at the next call.
    pub error: Option<Errno>,
    /// Time to live of what it sends; none for the machine's default.
    pub ttl: Option<u8>,
    /// The interface they must leave by (`SO_BINDTODEVICE`).
    pub iface: Option<u32>,
    /// What happens to those that are too large (`IP_MTU_DISCOVER`).
    pub path_mtu: PathMtu,
    /// ICMP errors about what it sent, for a socket that asked for them (`IP_RECVERR`).
    pub notices: Option<VecDeque<IcmpNotice>>,
}

/// A socket for ICMP echo.
#[derive(Clone, Debug)]
pub struct PingSocket {
    /// The identifier of its requests.
    pub ident: u16,
    /// Arrived and not yet read.
    pub queue: VecDeque<EchoAnswer>,
}

/// A packet socket: whole frames of one interface with UDP to one port.
#[derive(Clone, Debug)]
pub struct PacketSocket {
    /// The interface's index.
    pub iface: u32,
    /// What it sees.
    pub filter: PacketFilter,
    /// Frames that wait.
    pub queue: VecDeque<Frame>,
    /// The frame that was taken last.
    pub last: Option<FrameId>,
}

/// What a packet socket sees (as a BPF program selects it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFilter {
    /// IPv4 with UDP to this port.
    Udp(u16),
    /// ARP.
    Arp,
}

/// What a socket is.
#[derive(Clone, Debug)]
pub enum SocketBody {
    /// UDP.
    Udp(UdpSocket),
    /// ICMP echo.
    Ping(PingSocket),
    /// Below IP.
    Packet(PacketSocket),
}

/// A socket and who holds it.
#[derive(Clone, Debug)]
pub struct Socket {
    /// The process.
    pub owner: Pid,
    /// Its descriptor there.
    pub fd: u32,
    /// What it is.
    pub body: SocketBody,
}

/// All sockets but TCP's, and the numbers of all.
#[derive(Clone, Debug)]
pub struct Sockets {
    table: BTreeMap<SocketId, Socket>,
    next: u32,
}

impl Default for Sockets {
    fn default() -> Self {
        Self { table: BTreeMap::new(), next: 1 }
    }
}

impl Sockets {
    /// The next free number.
    pub fn next_id(&mut self) -> SocketId {
        let id = SocketId(self.next);
        self.next += 1;
        id
    }

    /// Adds a socket.
    ///
    /// # Errors
    /// `ENFILE` when the table is full.
    pub fn add(&mut self, owner: Pid, fd: u32, body: SocketBody) -> Result<SocketId, Errno> {
        if self.table.len() >= limits::SOCKETS_MAX {
            return Err(Errno::ENFILE);
        }
        let id = self.next_id();
        self.table.insert(id, Socket { owner, fd, body });
        Ok(id)
    }

    /// By number.
    pub fn get(&self, id: SocketId) -> Option<&Socket> {
        self.table.get(&id)
    }

    /// By number, to be changed.
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.table.get_mut(&id)
    }

    /// Removes one.
    pub fn remove(&mut self, id: SocketId) -> Option<Socket> {
        self.table.remove(&id)
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.table.iter().map(|(id, socket)| (*id, socket))
    }

    /// The UDP socket, to be changed.
    pub fn udp_mut(&mut self, id: SocketId) -> Option<&mut UdpSocket> {
        match &mut self.table.get_mut(&id)?.body {
            SocketBody::Udp(udp) => Some(udp),
            _ => None,
        }
    }

    /// The UDP socket that takes a datagram: one connected to the sender before one that is not, one bound to the
    /// address before one bound to any.
    pub fn udp_receiver(&self, to: Endpoint, from: Endpoint, broadcast: bool) -> Option<SocketId> {
        let score = |udp: &UdpSocket| {
            let fits = udp.local.port == to.port
                && (udp.local.addr.is_unspecified()
                    || udp.local.addr == to.addr
                    || (broadcast && udp.remote.is_none()))
                && udp.remote.is_none_or(|remote| remote == from);
            fits.then_some(u8::from(udp.remote.is_some()) * 2 + u8::from(!udp.local.addr.is_unspecified()))
        };
        self.iter()
            .filter_map(|(id, socket)| match &socket.body {
                SocketBody::Udp(udp) => score(udp).map(|score| (score, id)),
                _ => None,
            })
            .max_by_key(|(score, _)| *score)
            .map(|(_, id)| id)
    }

    /// The ping socket with this identifier.
    pub fn ping_receiver(&self, ident: u16) -> Option<SocketId> {
        self.iter()
            .find(|(_, socket)| matches!(&socket.body, SocketBody::Ping(ping) if ping.ident == ident))
            .map(|(id, _)| id)
    }

    /// The packet sockets at an interface with this filter.
    pub fn packet_receivers(&self, iface: u32, filter: PacketFilter) -> Vec<SocketId> {
        self.iter()
            .filter(|(_, socket)| {
                matches!(&socket.body, SocketBody::Packet(packet) if packet.iface == iface && packet.filter == filter)
            })
            .map(|(id, _)| id)
            .collect()
    }

    /// Whether there are packet sockets at all.
    pub fn has_packet_sockets(&self) -> bool {
        self.iter().any(|(_, socket)| matches!(socket.body, SocketBody::Packet(_)))
    }

    /// Whether a UDP port or echo identifier is taken.
    pub fn taken(&self, proto: L4Proto, port: u16) -> bool {
        self.iter().any(|(_, socket)| match (&socket.body, proto) {
            (SocketBody::Udp(udp), L4Proto::Udp) => udp.local.port == port,
            (SocketBody::Ping(ping), L4Proto::Icmp) => ping.ident == port,
            _ => false,
        })
    }
}

impl UdpSocket {
    /// Queues a datagram; `false` when the queue is full.
    pub fn push(&mut self, datagram: Datagram) -> bool {
        if self.queued_bytes + datagram.payload.len() > limits::SOCKET_RECEIVE_BYTES_MAX {
            return false;
        }
        self.queued_bytes += datagram.payload.len();
        self.queue.push_back(datagram);
        true
    }

    /// Takes the next datagram.
    pub fn pop(&mut self) -> Option<Datagram> {
        let datagram = self.queue.pop_front()?;
        self.queued_bytes -= datagram.payload.len();
        Some(datagram)
    }
}
