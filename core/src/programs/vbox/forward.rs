//! Port forwarding: each rule is a socket of the process, and who comes to it is led to the guest.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::instance::{Instance, TTL};
use super::udp::EXPIRE;
use crate::addr::{Endpoint, L4Proto};
use crate::frame::udp::Udp;
use crate::id::{FlowId, SocketId};
use crate::limits;
use crate::programs::{Errno, Kernel};
use crate::time::SimTime;
use crate::view::{FlowMapping, FlowOrigin, FlowRow, FlowState, FlowTimer, FlowWhy};

/// Connections that wait for the process (DrvNATlibslirp.cpp `SoMaxConnection`).
const BACKLOG: u32 = 10;

/// A forwarding rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// TCP or UDP.
    pub proto: L4Proto,
    /// Where the host listens; any address when unspecified.
    pub host: Endpoint,
    /// Where it leads; the leased guest when the address is unspecified.
    pub guest: Endpoint,
}

/// A rule whose socket is open.
#[derive(Clone, Debug)]
struct Open {
    rule: Rule,
    socket: SocketId,
    /// UDP: who sent, by what the guest sees of him.
    clients: BTreeMap<Endpoint, Client>,
}

#[derive(Clone, Debug)]
struct Client {
    really: Endpoint,
    expires: SimTime,
    row: FlowRow,
}

impl Open {
    fn guest(&self, leased: Ipv4Addr) -> Endpoint {
        if self.rule.guest.addr.is_unspecified() {
            Endpoint::new(leased, self.rule.guest.port)
        } else {
            self.rule.guest
        }
    }
}

/// All rules of an engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Forwards(Vec<Open>);

impl Forwards {
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().map(|open| &open.rule)
    }

    pub fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.0.iter().map(|open| open.socket)
    }

    pub fn flows(&self) -> impl Iterator<Item = FlowId> {
        self.0.iter().flat_map(|open| open.clients.values().map(|client| client.row.id))
    }

    /// Whether a guest's datagram answers somebody who came through a rule.
    pub fn answers(&self, guest: Endpoint, remote: Endpoint, leased: Ipv4Addr) -> bool {
        self.answer_to(guest, remote, leased).is_some()
    }

    /// The socket and the real endpoint for a guest's answer.
    pub fn answer_to(&self, guest: Endpoint, remote: Endpoint, leased: Ipv4Addr) -> Option<(SocketId, Endpoint)> {
        let mut of_guest = self.0.iter().filter(|open| open.rule.proto == L4Proto::Udp && open.guest(leased) == guest);
        of_guest.find_map(|open| open.clients.get(&remote).map(|client| (open.socket, client.really)))
    }
}

impl Instance {
    /// Opens a rule's socket.
    pub fn open_forward(&mut self, kernel: &mut dyn Kernel, rule: Rule) -> Result<(), Errno> {
        if self.forwards.0.iter().any(|open| open.rule.name == rule.name) {
            return Err(Errno::EEXIST);
        }
        let socket = match rule.proto {
            L4Proto::Tcp => kernel.tcp_listen(rule.host, BACKLOG)?,
            L4Proto::Udp => kernel.udp_open(rule.host)?,
            L4Proto::Icmp => return Err(Errno::EINVAL),
        };
        self.forwards.0.push(Open { rule, socket, clients: BTreeMap::new() });
        Ok(())
    }

    /// Closes a rule's socket.
    pub fn close_forward(&mut self, kernel: &mut dyn Kernel, name: &str) {
        let Some(at) = self.forwards.0.iter().position(|open| open.rule.name == name) else { return };
        let open = self.forwards.0.remove(at);
        kernel.close(open.socket);
        self.ended.extend(open.clients.values().map(|client| client.row.id));
        self.end_streams_of(kernel, name);
    }

    /// Takes connections that wait at the rules' sockets.
    pub(super) fn accept(&mut self, kernel: &mut dyn Kernel) {
        let mut came = Vec::new();
        for open in self.forwards.0.iter().filter(|open| open.rule.proto == L4Proto::Tcp) {
            while let Some((socket, from)) = kernel.tcp_accept(open.socket) {
                came.push((socket, from, open.guest(self.settings.guest), open.rule.name.clone()));
            }
        }
        for (socket, from, guest, rule) in came {
            self.connect_inward(kernel, socket, from, guest, &rule);
        }
    }

    /// Datagrams at the rules' sockets.
    pub(super) fn poll_forwarded_datagrams(&mut self, kernel: &mut dyn Kernel) {
        let now = kernel.now();
        let Self { settings, out, forwards, ended, .. } = self;
        for open in forwards.0.iter_mut().filter(|open| open.rule.proto == L4Proto::Udp) {
            let guest = open.guest(settings.guest);
            while let Some(received) = kernel.udp_recv(open.socket) {
                let Ok(datagram) = received else { continue };
                let from = Instance::seen(settings.gateway, datagram.from);
                if open.clients.len() >= limits::FORWARD_CLIENTS_MAX && !open.clients.contains_key(&from) {
                    continue;
                }
                let client = open.clients.entry(from).or_insert_with(|| {
                    let row = row_of(kernel, out.engine, &open.rule, guest, datagram.to, datagram.from);
                    kernel.flow_put(row.clone());
                    Client { really: datagram.from, expires: now, row }
                });
                client.expires = now + EXPIRE;
                let header = Udp { src_port: from.port, dst_port: guest.port };
                let payload = header.emit(from.addr, guest.addr, &datagram.payload);
                out.send(kernel, (from.addr, guest.addr), L4Proto::Udp, TTL, &payload);
            }
            open.clients.retain(|_, client| {
                let alive = client.expires > now;
                if alive {
                    kernel.wake_at(client.expires);
                } else {
                    ended.push(client.row.id);
                }
                alive
            });
        }
    }
}

fn row_of(
    kernel: &mut dyn Kernel,
    engine: crate::id::NodeId,
    rule: &Rule,
    inside: Endpoint,
    outside: Endpoint,
    remote: Endpoint,
) -> FlowRow {
    let why = FlowWhy {
        origin: FlowOrigin::Forward,
        rule: rule.name.clone(),
        mapping: FlowMapping::EndpointIndependent,
        timer: FlowTimer::Udp,
    };
    FlowRow {
        node: kernel.node(),
        id: kernel.new_flow(),
        engine: Some(engine),
        proto: L4Proto::Udp,
        inside,
        outside,
        remote,
        state: FlowState::New,
        why: Some(why),
        expires: None,
    }
}
