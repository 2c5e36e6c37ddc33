//! A DHCP server as a service on a machine: it reads requests at the interfaces of its scopes, and answers as
//! [`crate::dhcp::Server`] decides.

use core::net::Ipv4Addr;

use super::{Kernel, Step};
use crate::addr::{Endpoint, MacAddr};
use crate::dhcp::{
    CLIENT_PORT, LeaseChange, Message, Reply, ReplyTo, Reservation, SERVER_PORT, Server, ServerAction, ServerConfig,
    option,
};
use crate::frame::ethernet::ethertype;
use crate::frame::{Ethernet, Ipv4, Ipv4Header, Udp};
use crate::id::SocketId;
use crate::lab::ScopeSpec;
use crate::machine::Machine;
use crate::rng::{Purpose, Rng};

/// The service. One scope an interface.
#[derive(Clone, Debug)]
pub struct Dhcpd {
    waiting: Vec<(u32, ServerConfig)>,
    scopes: Vec<Scope>,
    unicast: Option<SocketId>,
}

#[derive(Clone, Debug)]
struct Scope {
    iface: u32,
    socket: SocketId,
    server: Server,
}

impl Dhcpd {
    /// A server of these scopes, each at the interface with this index.
    pub fn new(scopes: Vec<(u32, ServerConfig)>) -> Self {
        Self { waiting: scopes, scopes: Vec::new(), unicast: None }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if self.unicast.is_none() {
            // Holds the port, so that the kernel answers nobody "port unreachable"; requests are read below.
            self.unicast = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT)).ok();
            if self.unicast.is_none() {
                return Step::Exited(1);
            }
        }
        for (iface, config) in core::mem::take(&mut self.waiting) {
            let Ok(socket) = kernel.packet_open(iface, SERVER_PORT) else { continue };
            let seed = u64::from(kernel.random_u32());
            let server = Server::new(config, Rng::stream(seed, Purpose::DhcpServer, u64::from(kernel.node().0)));
            kernel.dhcp_server_put(server.row(kernel.node()));
            self.scopes.push(Scope { iface, socket, server });
        }
        while self.unicast.and_then(|socket| kernel.udp_recv(socket)).is_some() {}
        for scope in &mut self.scopes {
            scope.poll(kernel);
        }
        Step::Running
    }
}

/// A lab file's scope, at the interface it names; none when that has no address.
pub(super) fn scope(spec: &ScopeSpec, machine: &Machine) -> Option<(u32, ServerConfig)> {
    let iface = machine.ifaces().by_name(&spec.dev)?;
    let own = iface.addrs.iter().find(|addr| addr.cidr.contains(spec.first))?.cidr;
    let mut options: Vec<_> = spec.options.iter().map(|option| (option.code, option.value.bytes())).collect();
    if let Some(domain) = &spec.domain {
        options.push((option::DOMAIN_NAME, domain.clone().into_bytes()));
    }
    let config = ServerConfig {
        lease_secs: spec.lease_secs,
        router: spec.router,
        dns: spec.dns.clone(),
        options,
        authoritative: spec.authoritative,
        exclude: spec.exclusions.iter().map(|range| (range.first, range.last)).collect(),
        reservations: spec.reservations.iter().map(|r| Reservation::for_mac(r.mac, r.address)).collect(),
        ..ServerConfig::new(own.addr, own, spec.first, spec.last)
    };
    Some((iface.index, config))
}

impl Scope {
    fn poll(&mut self, kernel: &mut dyn Kernel) {
        self.server.handle_timeout(kernel.now());
        while let Some(frame) = kernel.packet_recv(self.socket) {
            let Some(message) = payload(&frame).and_then(|bytes| Message::parse(&bytes).ok()) else { continue };
            if let ServerAction::Reply(reply) = self.server.handle_message(kernel.now(), &message) {
                self.send(kernel, &reply);
            }
        }
        while let Some(reply) = self.server.poll_reply() {
            self.send(kernel, &reply);
        }
        let node = kernel.node();
        while let Some(change) = self.server.poll_change() {
            match change {
                LeaseChange::Put(addr) => {
                    if let Some(row) = self.server.lease_row(node, addr) {
                        kernel.lease_put(row);
                    }
                }
                LeaseChange::Del(addr) => kernel.lease_del(addr),
            }
        }
        if let Some(at) = self.server.next_wakeup() {
            kernel.wake_at(at);
        }
    }

    fn send(&self, kernel: &mut dyn Kernel, reply: &Reply) {
        let (addr, mac, port) = match reply.to {
            ReplyTo::Broadcast => (Ipv4Addr::BROADCAST, MacAddr::BROADCAST, CLIENT_PORT),
            ReplyTo::Unicast { addr, mac } => (addr, mac, CLIENT_PORT),
            // A relay's MAC is not known here: the kernel's own way finds it.
            ReplyTo::Relay(addr) => {
                if let Ok(socket) = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0)) {
                    let _ = kernel.udp_send(socket, Endpoint::new(addr, SERVER_PORT), &reply.emit().0);
                    kernel.close(socket);
                }
                return;
            }
        };
        let Some(src_mac) = kernel.ifaces().iter().find(|row| row.index == self.iface).map(|row| row.mac) else {
            return;
        };
        let src = self.server.config().server_id;
        let datagram = Udp { src_port: SERVER_PORT, dst_port: port }.emit(src, addr, &reply.emit().0);
        let header = Ipv4Header { src, dst: addr, proto: 17, ttl: 64, ident: 0, tos: 0x10, dont_fragment: false };
        let frame = Ethernet { dst: mac, src: src_mac, ethertype: ethertype::IPV4 }.emit(&header.emit(&datagram));
        let _ = kernel.packet_send(self.socket, frame);
    }
}

/// The UDP payload of a whole frame, if it is sound.
pub(super) fn payload(frame: &[u8]) -> Option<Vec<u8>> {
    let (_, packet) = Ethernet::parse(frame)?;
    let packet = Ipv4::parse(packet).ok()?;
    let (_, payload) = Udp::parse(packet.src, packet.dst, packet.payload).ok()?;
    Some(payload.to_vec())
}
