//! One engine's part of the process: its settings, and where a guest's packet goes.

use core::net::Ipv4Addr;

use super::forward::{Forwards, Rule};
use super::icmp::Echoes;
use super::tcp::Streams;
use super::udp::Datagrams;
use crate::addr::{Cidr, Endpoint, L4Proto};
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::{Ipv4, Ipv4Header};
use crate::frame::rewrite;
use crate::id::{FlowId, NodeId};
use crate::programs::{Errno, Kernel};

/// Bytes of a packet that an error quotes (RFC 1812 4.3.2.3).
const QUOTE_MAX: usize = 548;
/// Where name servers listen.
pub(super) const DNS_PORT: u16 = 53;
/// The time to live of packets that libslirp makes (ip.h `IPDEFTTL`).
pub(super) const TTL: u8 = 64;

/// What an engine is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The guests' network.
    pub network: Cidr,
    /// The address that a caller from the host's loopback has for guests.
    pub gateway: Ipv4Addr,
    /// Questions to this address, port 53, go to the host's name server.
    pub dns: Ipv4Addr,
    /// This address is the host's loopback; none where it is not to be reached.
    pub loopback: Option<Ipv4Addr>,
    /// All of the guests' traffic goes through sockets; otherwise only what is forwarded.
    pub sockets: bool,
    /// The guest that rules without an address lead to.
    pub guest: Ipv4Addr,
}

/// One engine's part.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub settings: Settings,
    pub streams: Streams,
    pub datagrams: Datagrams,
    pub echoes: Echoes,
    pub forwards: Forwards,
    pub ended: Vec<FlowId>,
    pub out: Out,
}

/// The way to the guests.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub engine: NodeId,
    pub gateway: Ipv4Addr,
    ident: u16,
}

impl Out {
    /// A packet for a guest.
    pub fn send(
        &mut self,
        kernel: &mut dyn Kernel,
        (src, dst): (Ipv4Addr, Ipv4Addr),
        proto: L4Proto,
        ttl: u8,
        payload: &[u8],
    ) {
        self.ident = self.ident.wrapping_add(1);
        let header =
            Ipv4Header { src, dst, proto: proto.number(), ttl, ident: self.ident, tos: 0, dont_fragment: false };
        kernel.engine_send(self.engine, header.emit(payload));
    }

    /// An ICMP error about a guest's packet, from the gateway or from who said so.
    pub fn refuse(&mut self, kernel: &mut dyn Kernel, from: Option<Ipv4Addr>, message: Icmp, about: &[u8]) {
        let Ok(packet) = Ipv4::parse(about) else { return };
        let quote = &about[..packet.total_len.min(QUOTE_MAX)];
        let ends = (from.unwrap_or(self.gateway), packet.src);
        self.send(kernel, ends, L4Proto::Icmp, TTL, &message.emit(quote));
    }
}

/// The error that a guest hears of when the host's socket could not be used (libslirp's udp.c, ip_icmp.c and tcp_input.c:
/// "host" for `EHOSTUNREACH`, otherwise "net").
pub(super) fn unreachable_for(error: Errno) -> Icmp {
    let code = if error == Errno::EHOSTUNREACH { unreachable::HOST } else { unreachable::NET };
    Icmp::Unreachable { code, mtu: 0 }
}

impl Instance {
    pub fn new(engine: NodeId, settings: Settings) -> Self {
        let gateway = settings.gateway;
        Self {
            settings,
            streams: Streams::default(),
            datagrams: Datagrams::default(),
            echoes: Echoes::default(),
            forwards: Forwards::default(),
            ended: Vec::new(),
            out: Out { engine, gateway, ident: 0 },
        }
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.forwards.rules()
    }

    /// How many sockets it holds.
    pub fn full(&self) -> bool {
        self.streams.len() + self.datagrams.len() + self.echoes.len() >= crate::limits::ENGINE_SOCKETS_MAX
    }

    pub fn wants(&self, packet: &[u8]) -> bool {
        if self.settings.sockets {
            return true;
        }
        match rewrite::l4_endpoints(packet) {
            Some((L4Proto::Tcp, guest, remote)) => self.streams.has(guest, remote),
            Some((L4Proto::Udp, guest, remote)) => self.forwards.answers(guest, remote, self.settings.guest),
            _ => false,
        }
    }

    /// Where a guest's packet for `to` really goes (libslirp's socket.c `sotranslate_out4`).
    ///
    /// # Errors
    /// `EPERM` for an address of the engine's own that is not served.
    pub fn translate(settings: &Settings, kernel: &dyn Kernel, to: Endpoint) -> Result<Endpoint, Errno> {
        if to.addr == settings.dns && to.port == DNS_PORT {
            // Without a resolv.conf glibc and libslirp ask the host itself.
            let server = name_server(kernel).unwrap_or(Ipv4Addr::LOCALHOST);
            return Ok(Endpoint::new(server, DNS_PORT));
        }
        if Some(to.addr) == settings.loopback {
            return Ok(Endpoint::new(Ipv4Addr::LOCALHOST, to.port));
        }
        if settings.network.contains(to.addr) || to.addr.is_loopback() || to.addr.is_unspecified() {
            return Err(Errno::EPERM);
        }
        Ok(to)
    }

    /// Who a packet is from, as guests see it: the host's loopback is the gateway (`sotranslate_accept`).
    pub fn seen(gateway: Ipv4Addr, from: Endpoint) -> Endpoint {
        if from.addr.is_loopback() { Endpoint::new(gateway, from.port) } else { from }
    }

    /// A guest's packet. What is neither TCP, UDP nor ICMP echo ends here without a word, as in libslirp.
    pub fn packet_in(&mut self, kernel: &mut dyn Kernel, bytes: &[u8]) {
        let Ok(packet) = Ipv4::parse(bytes) else { return };
        match L4Proto::from_number(packet.proto) {
            Some(L4Proto::Tcp) => self.tcp_in(kernel, &packet, bytes),
            Some(L4Proto::Udp) => self.udp_in(kernel, &packet, bytes),
            Some(L4Proto::Icmp) => self.icmp_in(kernel, &packet, bytes),
            None => {}
        }
    }

    pub fn poll(&mut self, kernel: &mut dyn Kernel) {
        self.accept(kernel);
        self.poll_streams(kernel);
        self.poll_datagrams(kernel);
        self.poll_forwarded_datagrams(kernel);
        self.poll_echoes(kernel);
    }

    /// Closes everything.
    pub fn end(&mut self, kernel: &mut dyn Kernel) {
        let sockets = self.streams.sockets().chain(self.datagrams.sockets()).chain(self.echoes.sockets());
        for socket in sockets.chain(self.forwards.sockets()).collect::<Vec<_>>() {
            kernel.close(socket);
        }
        let flows = self.streams.flows().chain(self.datagrams.flows()).chain(self.echoes.flows());
        for flow in flows.chain(self.forwards.flows()).chain(self.ended.drain(..)).collect::<Vec<_>>() {
            kernel.flow_del(flow);
        }
    }
}

/// The first name server of the host's /etc/resolv.conf.
fn name_server(kernel: &dyn Kernel) -> Option<Ipv4Addr> {
    let text = kernel.read_file("/etc/resolv.conf").ok()?;
    let servers = text.lines().filter_map(|line| line.strip_prefix("nameserver"));
    servers.filter_map(|rest| rest.trim().parse().ok()).next()
}
