//! Guests' UDP: one unconnected socket for each endpoint of a guest, so that mapping and filtering do not depend on the
//! other side (RFC 4787), as libslirp's (src/udp.c).

use core::time::Duration;
use std::collections::BTreeMap;

use super::instance::{DNS_PORT, Instance, TTL, unreachable_for};
use crate::addr::{Endpoint, L4Proto};
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::Ipv4;
use crate::frame::udp::Udp;
use crate::id::{FlowId, SocketId};
use crate::programs::{Errno, Kernel};
use crate::time::SimTime;
use crate::view::{FlowMapping, FlowOrigin, FlowRow, FlowState, FlowTimer, FlowWhy};

/// How long a socket stays without a datagram (libslirp's socket.h `SO_EXPIRE`), in seconds.
pub(super) const EXPIRE: Duration = Duration::from_secs(240);
/// The same for questions to a name server (`SO_EXPIREFAST`).
const EXPIRE_FAST: Duration = Duration::from_secs(10);

/// A guest's endpoint.
#[derive(Clone, Debug)]
struct Bound {
    socket: SocketId,
    /// Where it sent last, as it said.
    last_to: Endpoint,
    /// Its last packet, to be quoted in errors.
    last: Vec<u8>,
    expires: SimTime,
    row: FlowRow,
}

/// All UDP of an engine but what is forwarded.
#[derive(Clone, Debug, Default)]
pub(super) struct Datagrams(BTreeMap<Endpoint, Bound>);

impl Datagrams {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.0.values().map(|bound| bound.socket)
    }

    pub fn flows(&self) -> impl Iterator<Item = FlowId> {
        self.0.values().map(|bound| bound.row.id)
    }
}

impl Instance {
    /// A guest's datagram.
    pub(super) fn udp_in(&mut self, kernel: &mut dyn Kernel, packet: &Ipv4<'_>, bytes: &[u8]) {
        let Ok((header, payload)) = Udp::parse(packet.src, packet.dst, packet.payload) else { return };
        let guest = Endpoint::new(packet.src, header.src_port);
        let to = Endpoint::new(packet.dst, header.dst_port);
        if let Some((socket, client)) = self.forwards.answer_to(guest, to, self.settings.guest) {
            let _ = kernel.udp_send(socket, client, payload);
            return;
        }
        // libslirp's udp.c: one hop is the engine's, and it says so when that was the last.
        if packet.ttl <= 1 {
            return self.out.refuse(kernel, None, Icmp::TimeExceeded { code: 0 }, bytes);
        }
        let sent = Self::translate(&self.settings, kernel, to)
            .and_then(|real| self.socket_of(kernel, guest, real).map(|socket| (socket, real)))
            .and_then(|(socket, real)| {
                kernel.udp_ttl(socket, packet.ttl - 1);
                kernel.udp_send(socket, real, payload).map(|()| real)
            });
        match sent {
            Ok(real) => self.sent(kernel, guest, to, real, bytes),
            Err(error) => self.out.refuse(kernel, None, unreachable_for(error), bytes),
        }
    }

    fn socket_of(&mut self, kernel: &mut dyn Kernel, guest: Endpoint, real: Endpoint) -> Result<SocketId, Errno> {
        if let Some(bound) = self.datagrams.0.get(&guest) {
            return Ok(bound.socket);
        }
        if self.full() {
            return Err(Errno::ENFILE);
        }
        let socket = kernel.udp_open(Endpoint::new(core::net::Ipv4Addr::UNSPECIFIED, 0))?;
        let why = FlowWhy {
            origin: FlowOrigin::Outgoing,
            rule: String::new(),
            mapping: FlowMapping::EndpointIndependent,
            timer: FlowTimer::Udp,
        };
        let row = FlowRow {
            node: kernel.node(),
            id: kernel.new_flow(),
            engine: Some(self.out.engine),
            proto: L4Proto::Udp,
            inside: guest,
            outside: real,
            remote: real,
            state: FlowState::New,
            why: Some(why),
            expires: None,
        };
        let bound = Bound { socket, last_to: real, last: Vec::new(), expires: SimTime::MAX, row };
        self.datagrams.0.insert(guest, bound);
        Ok(socket)
    }

    /// A datagram left: the socket lives on, and the row tells whereto.
    fn sent(&mut self, kernel: &mut dyn Kernel, guest: Endpoint, to: Endpoint, real: Endpoint, bytes: &[u8]) {
        let Some(bound) = self.datagrams.0.get_mut(&guest) else { return };
        let outside = outside_of(kernel, bound.socket, real);
        let dns = to.port == DNS_PORT;
        bound.last_to = to;
        bound.last = bytes.to_vec();
        bound.expires = kernel.now() + if dns { EXPIRE_FAST } else { EXPIRE };
        let timer = if dns { FlowTimer::Dns } else { FlowTimer::Udp };
        let state = if real == bound.row.remote { bound.row.state } else { FlowState::New };
        let mut row = FlowRow { outside, remote: real, state, ..bound.row.clone() };
        if let Some(why) = &mut row.why {
            why.timer = timer;
        }
        // The first time it is shown, its outside is not what it was made with.
        if row != bound.row {
            bound.row = row.clone();
            kernel.flow_put(row);
        }
    }

    /// What came back, and sockets whose time is over.
    pub(super) fn poll_datagrams(&mut self, kernel: &mut dyn Kernel) {
        let now = kernel.now();
        let Self { settings, out, datagrams, ended, .. } = self;
        for (guest, bound) in &mut datagrams.0 {
            while let Some(notice) = kernel.udp_notice(bound.socket) {
                // An ICMP error that the host heard goes on to the guest, from the same router (`IP_RECVERR`).
                out.refuse(kernel, Some(notice.from), notice.message, &bound.last);
            }
            while let Some(received) = kernel.udp_recv(bound.socket) {
                let Ok(datagram) = received else { continue };
                // What the engine's own addresses stand for answers as them (`sotranslate_in`).
                let own = settings.network.contains(bound.last_to.addr);
                let addr = if own { bound.last_to.addr } else { datagram.from.addr };
                let from = Instance::seen(settings.gateway, Endpoint::new(addr, datagram.from.port));
                let header = Udp { src_port: from.port, dst_port: guest.port };
                let payload = header.emit(from.addr, guest.addr, &datagram.payload);
                out.send(kernel, (from.addr, guest.addr), L4Proto::Udp, TTL, &payload);
                let dns = bound.last_to.port == DNS_PORT;
                bound.expires = now + if dns { EXPIRE_FAST } else { EXPIRE };
                if bound.row.state == FlowState::New {
                    bound.row.state = FlowState::Established;
                    kernel.flow_put(bound.row.clone());
                }
            }
            kernel.wake_at(bound.expires);
        }
        datagrams.0.retain(|_, bound| {
            let alive = bound.expires > now;
            if !alive {
                kernel.close(bound.socket);
                ended.push(bound.row.id);
            }
            alive
        });
    }
}

/// What the outside sees of a socket that sends to `to`.
pub(super) fn outside_of(kernel: &dyn Kernel, socket: SocketId, to: Endpoint) -> Endpoint {
    let local = kernel.local_of(socket).unwrap_or(to);
    if !local.addr.is_unspecified() {
        return local;
    }
    let src = kernel.route_get(to.addr, None).map_or(local.addr, |choice| choice.src);
    Endpoint::new(src, local.port)
}
