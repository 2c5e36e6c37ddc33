//! A DHCP server as a service on a machine: it reads requests at the interfaces of its scopes, and answers as
//! [`crate::dhcp::Server`] decides. Its leases are a file, as dhcpd's are, and outlive a restart.

mod leases;

use core::net::Ipv4Addr;

use super::{EchoAnswer, EchoRequest, Kernel, PathMtu, Step};
use crate::addr::{Endpoint, MacAddr};
use crate::dhcp::{
    CLIENT_PORT, Flavour, LeaseChange, Message, MessageType, Reply, ReplyTo, Reservation, SERVER_PORT, Server,
    ServerAction, ServerConfig, option,
};
use crate::drop_reason::DropReason;
use crate::frame::ethernet::ethertype;
use crate::frame::{Ethernet, Ipv4, Ipv4Header, Udp};
use crate::id::SocketId;
use crate::lab::{FlavourSpec, ScopeSpec};
use crate::machine::Machine;
use crate::rng::{Purpose, Rng};

/// What an echo request of dhcpd carries: the rest of the C struct it sends (common/icmp.c), zeros.
const PING_PAYLOAD: [u8; 20] = [0; 20];

/// The service: any number of scopes, several at one interface too.
#[derive(Clone, Debug)]
pub struct Dhcpd {
    waiting: Vec<(u32, ServerConfig)>,
    scopes: Vec<Scope>,
    /// A packet socket for each interface.
    doors: Vec<(u32, SocketId)>,
    unicast: Option<SocketId>,
    ping: Option<SocketId>,
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
        Self { waiting: scopes, scopes: Vec::new(), doors: Vec::new(), unicast: None, ping: None }
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
        self.open(kernel);
        while self.unicast.and_then(|socket| kernel.udp_recv(socket)).is_some() {}
        for scope in &mut self.scopes {
            scope.server.handle_timeout(kernel.now());
        }
        while let Some(answer) = self.ping.and_then(|socket| kernel.ping_recv(socket)) {
            if let EchoAnswer::Reply { from, .. } = answer {
                self.scopes.iter_mut().for_each(|scope| scope.server.handle_echo(kernel.now(), from));
            }
        }
        for (iface, socket) in self.doors.clone() {
            while let Some(frame) = kernel.packet_recv(socket) {
                if let Err(reason) = self.handle_frame(kernel, iface, &frame) {
                    kernel.packet_refuse(socket, reason);
                }
            }
        }
        let ping = self.ping;
        for scope in &mut self.scopes {
            scope.finish(kernel, ping);
        }
        Step::Running
    }

    /// Opens what is not open yet, and remembers the leases of the last run.
    fn open(&mut self, kernel: &mut dyn Kernel) {
        let waiting = core::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return;
        }
        for (iface, config) in waiting {
            let door = self.doors.iter().find(|(index, _)| *index == iface).map(|(_, socket)| *socket);
            let Some(socket) = door.or_else(|| kernel.packet_open(iface, SERVER_PORT).ok()) else { continue };
            if door.is_none() {
                self.doors.push((iface, socket));
            }
            if config.ping_check && self.ping.is_none() {
                self.ping = kernel.ping_open().ok();
            }
            let seed = u64::from(kernel.random_u32());
            let number = self.scopes.len() as u32;
            let server = Server::new(config, Rng::stream(seed, Purpose::DhcpServer, u64::from(kernel.node().0)));
            kernel.dhcp_server_put(server.row(kernel.node(), number));
            self.scopes.push(Scope { iface, socket, server });
        }
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for row in leases::read(kernel) {
            match self.scopes.iter_mut().find(|scope| scope.server.owns(row.addr)) {
                Some(scope) => {
                    scope.server.restore(&row);
                    kept.push(row);
                }
                None => gone.push(row.addr),
            }
        }
        // A lease in no pool any more is forgotten, and dhcpd begins with a lease file without it (server/confpars.c
        // `parse_lease_declaration`, server/db.c `new_lease_file`).
        if !gone.is_empty() {
            leases::rewrite(kernel, &kept);
            gone.into_iter().for_each(|addr| kernel.lease_del(addr));
        }
    }

    /// A request as it came in.
    fn handle_frame(&mut self, kernel: &mut dyn Kernel, iface: u32, frame: &[u8]) -> Result<(), DropReason> {
        let payload = payload(frame).ok_or(DropReason::DhcpMalformed)?;
        let message = Message::parse(&payload).map_err(|_| DropReason::DhcpMalformed)?;
        let scope = self.choose(iface, &message).ok_or(DropReason::DhcpNotForUs)?;
        match scope.server.handle_message(kernel.now(), &message) {
            ServerAction::Reply(reply) => scope.send(kernel, &reply),
            ServerAction::Taken => {}
            ServerAction::Ignore(reason) => return Err(reason),
        }
        Ok(())
    }

    /// The scope that a message is about: those of the relay's network, else of the interface it came in by
    /// (RFC 2131 4.3.1); among these the one that owns the address, knows the client, or has room.
    fn choose(&mut self, iface: u32, message: &Message) -> Option<&mut Scope> {
        let fits = |scope: &Scope| match message.giaddr.is_unspecified() {
            true => scope.iface == iface,
            false => scope.server.config().subnet.contains(message.giaddr),
        };
        let near: Vec<usize> = (0..self.scopes.len()).filter(|at| fits(&self.scopes[*at])).collect();
        let find = |wanted: &dyn Fn(&Server) -> bool| near.iter().copied().find(|at| wanted(&self.scopes[*at].server));
        let chosen = if message.kind() == Some(MessageType::Discover) {
            find(&|server| server.knows(message)).or_else(|| find(&Server::has_room))
        } else {
            let addr = message.requested_ip().unwrap_or(message.ciaddr);
            find(&|server| server.owns(addr)).or_else(|| find(&|server| server.config().subnet.contains(addr)))
        };
        self.scopes.get_mut(chosen.or_else(|| near.first().copied())?)
    }
}

/// A lab file's scope, at the interface it names; none when that has no address.
pub(crate) fn scope(spec: &ScopeSpec, machine: &Machine) -> Option<(u32, ServerConfig)> {
    let iface = machine.ifaces().by_name(&spec.dev)?;
    let own = iface.addrs.iter().find(|addr| addr.cidr.contains(spec.first))?.cidr;
    let mut options: Vec<_> = spec.options.iter().map(|option| (option.code, option.value.bytes())).collect();
    if let Some(domain) = &spec.domain {
        options.push((option::DOMAIN_NAME, domain.clone().into_bytes()));
    }
    let flavour = match spec.flavour {
        FlavourSpec::Isc => Flavour::Isc,
        FlavourSpec::VBoxNetDhcp => Flavour::VBoxNetDhcp,
        FlavourSpec::Slirp => Flavour::Slirp,
    };
    let base = ServerConfig::new(own.addr, own, spec.first, spec.last);
    let (min, max) = base.lease_secs_range;
    let config = ServerConfig {
        flavour,
        lease_secs: spec.lease_secs,
        lease_secs_range: (spec.lease_secs_min.unwrap_or(min), spec.lease_secs_max.unwrap_or(max)),
        router: spec.router,
        dns: spec.dns.clone(),
        options,
        authoritative: spec.authoritative,
        exclude: spec.exclusions.iter().map(|range| (range.first, range.last)).collect(),
        reservations: spec
            .reservations
            .iter()
            .map(|r| Reservation {
                mac: r.mac,
                client_id: r.client_id.as_deref().map(crate::lab::hex_bytes),
                addr: r.address,
            })
            .collect(),
        // server/dhcp.c: `ping-check` is on unless it is switched off. VirtualBox's servers have no such thing.
        ping_check: spec.ping_check.unwrap_or(flavour == Flavour::Isc),
        delay: core::time::Duration::from_millis(u64::from(spec.delay_ms)),
        next_server: spec.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED),
        server_name: spec.server_name.clone().unwrap_or_default(),
        boot_file: spec.boot_file.clone().unwrap_or_default(),
        ..base
    };
    Some((iface.index, config))
}

impl Scope {
    /// What has come due: answers, pings, changes of the lease table.
    fn finish(&mut self, kernel: &mut dyn Kernel, ping: Option<SocketId>) {
        while let Some(reply) = self.server.poll_reply() {
            self.send(kernel, &reply);
        }
        while let Some(to) = self.server.poll_probe() {
            let request = EchoRequest {
                to,
                seq: 0,
                ttl: None,
                iface: Some(self.iface),
                src: None,
                path_mtu: PathMtu::default(),
                payload: PING_PAYLOAD.to_vec(),
            };
            let _ = ping.map(|socket| kernel.ping_send(socket, request));
        }
        let node = kernel.node();
        let mut changed = Vec::new();
        while let Some(change) = self.server.poll_change() {
            match change {
                LeaseChange::Put(addr) => {
                    if let Some(row) = self.server.lease_row(node, addr) {
                        changed.push(row.clone());
                        kernel.lease_put(row);
                    }
                }
                LeaseChange::Del(addr) => kernel.lease_del(addr),
            }
        }
        if self.server.config().flavour == Flavour::Isc {
            leases::append(kernel, &changed);
        }
        if let Some(at) = self.server.next_wakeup() {
            kernel.wake_at(at);
        }
    }

    fn send(&self, kernel: &mut dyn Kernel, reply: &Reply) {
        let (bytes, _) = reply.emit();
        let (addr, mac, port) = match reply.to {
            ReplyTo::Broadcast => (Ipv4Addr::BROADCAST, MacAddr::BROADCAST, CLIENT_PORT),
            ReplyTo::Unicast { addr, mac } => (addr, mac, CLIENT_PORT),
            // A relay's MAC is not known here: the kernel's own way finds it.
            ReplyTo::Relay(addr) => {
                if let Ok(socket) = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0)) {
                    let _ = kernel.udp_send(socket, Endpoint::new(addr, SERVER_PORT), &bytes);
                    kernel.close(socket);
                }
                return;
            }
        };
        let Some(src_mac) = kernel.ifaces().iter().find(|row| row.index == self.iface).map(|row| row.mac) else {
            return;
        };
        let src = self.server.config().server_id;
        let datagram = Udp { src_port: SERVER_PORT, dst_port: port }.emit(src, addr, &bytes);
        // As ISC's raw sockets make it (common/packet.c): TTL 128, low delay, id 0.
        let header = Ipv4Header { src, dst: addr, proto: 17, ttl: 128, ident: 0, tos: 0x10, dont_fragment: false };
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
