//! Layer 4 of a machine but TCP: to which socket a packet goes, and the rows of `ss`.

use core::net::{IpAddr, Ipv4Addr};

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::ip::SendOptions;
use super::socket::{Socket, SocketBody};
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::frame::Frame;
use crate::frame::icmp::{Icmp, unreachable};
use crate::frame::ipv4::Ipv4;
use crate::frame::udp::Udp;
use crate::id::{FrameId, Pid, SocketId};
use crate::limits;
use crate::programs::{Datagram, EchoAnswer, Errno};
use crate::view::{Key, Row, SocketEnd, SocketKind, SocketOwner, SocketProcess, SocketQueues, SocketRow, SocketState};

/// Frames that wait in one packet socket, and answers in one ping socket.
const RAW_QUEUE_MAX: usize = 512;

impl Machine {
    /// A packet for this machine.
    pub(super) fn deliver(&mut self, ctx: &mut Ctx<'_>, index: u32, buf: &PacketBuf, tapped: bool) {
        let parent = buf.parent;
        let packet = match Ipv4::parse(buf.packet()) {
            Ok(packet) => packet,
            Err(reason) => return ctx.dropped(parent, Some(index), reason),
        };
        if packet.is_fragment() {
            if let Some(whole) = self.defragment(ctx, index, buf.clone(), false) {
                self.deliver(ctx, index, &whole, tapped);
            }
            return;
        }
        match L4Proto::from_number(packet.proto) {
            Some(L4Proto::Icmp) => self.handle_icmp(ctx, index, parent, &packet),
            Some(L4Proto::Udp) => self.handle_udp(ctx, index, buf, &packet, tapped),
            Some(L4Proto::Tcp) => self.handle_tcp(ctx, index, parent, &packet, buf.packet()),
            None => {
                self.icmp_error(ctx, buf, Icmp::Unreachable { code: unreachable::PROTOCOL, mtu: 0 });
                ctx.dropped(parent, Some(index), DropReason::UnknownIpProtocol);
            }
        }
    }

    fn handle_udp(&mut self, ctx: &mut Ctx<'_>, index: u32, buf: &PacketBuf, packet: &Ipv4<'_>, tapped: bool) {
        let (header, payload) = match Udp::parse(packet.src, packet.dst, packet.payload) {
            Ok(parsed) => parsed,
            Err(reason) => return ctx.dropped(buf.parent, Some(index), reason),
        };
        let from = Endpoint::new(packet.src, header.src_port);
        let to = Endpoint::new(packet.dst, header.dst_port);
        let local = self.ifaces.is_local(packet.dst);
        let Some(id) = self.sockets.udp_receiver(to, from, !local) else {
            if tapped {
                return ctx.delivered(buf.parent, "packet socket");
            }
            if local {
                self.icmp_error(ctx, buf, Icmp::Unreachable { code: unreachable::PORT, mtu: 0 });
            }
            let reason = self.nobody_at(L4Proto::Udp, to, DropReason::PortClosed);
            return ctx.dropped(buf.parent, Some(index), reason);
        };
        let datagram = Datagram { from, to, payload: payload.to_vec() };
        if self.sockets.udp_mut(id).is_some_and(|udp| udp.push(datagram)) {
            ctx.delivered(buf.parent, &self.owner_name(id));
            self.confirm_neighbour(ctx, packet.src);
            self.wake_owner(id);
        } else {
            ctx.dropped(buf.parent, Some(index), DropReason::SocketQueueFull);
        }
    }

    /// The name of the program that holds a socket.
    pub(super) fn owner_name(&self, id: SocketId) -> String {
        let owner = self.sockets.get(id).map(|socket| socket.owner);
        self.command_of(owner.unwrap_or(super::process::INIT))
    }

    /// The name of a process's command.
    pub(super) fn command_of(&self, pid: Pid) -> String {
        let argv = self.processes.table.get(&pid).and_then(|process| process.argv.first());
        argv.map_or_else(String::new, |name| name.rsplit('/').next().unwrap_or(name).to_owned())
    }

    /// Something arrived for a socket: its program is polled.
    pub(super) fn wake_owner(&mut self, id: SocketId) {
        if let Some(owner) = self.sockets.get(id).map(|socket| socket.owner) {
            self.processes.wake(owner);
        }
    }

    pub(super) fn packet_socket_push(&mut self, id: SocketId, frame: &Frame) {
        if let Some(Socket { body: SocketBody::Packet(packet), .. }) = self.sockets.get_mut(id)
            && packet.queue.len() < RAW_QUEUE_MAX
        {
            packet.queue.push_back(frame.clone());
            self.wake_owner(id);
        }
    }

    pub(super) fn ping_push(&mut self, id: SocketId, answer: EchoAnswer) {
        if let Some(Socket { body: SocketBody::Ping(ping), .. }) = self.sockets.get_mut(id)
            && ping.queue.len() < RAW_QUEUE_MAX
        {
            ping.queue.push_back(answer);
            self.wake_owner(id);
        }
    }

    /// An L4 port or echo identifier that nobody uses, from the ephemeral range.
    pub(super) fn ephemeral_port(&mut self, proto: L4Proto) -> Option<u16> {
        let (first, last) = self.sysctl.ip_local_port_range;
        let (first, last) = (first as u16, last as u16);
        let span = u32::from(last - first) + 1;
        let start = self.rng.below(span);
        (0..span).map(|i| first + ((start + i) % span) as u16).find(|port| !self.port_taken(proto, *port))
    }

    /// Whether a port is used by a socket here or by a translated flow.
    pub(super) fn port_taken(&self, proto: L4Proto, port: u16) -> bool {
        let translated = self.nat.as_ref().is_some_and(|nat| {
            let addrs = self.ifaces.iter().flat_map(|iface| &iface.addrs);
            addrs.map(|addr| Endpoint::new(addr.cidr.addr, port)).any(|outside| nat.uses(proto, outside))
        });
        translated
            || match proto {
                L4Proto::Tcp => self.tcp.taken(port),
                _ => self.sockets.taken(proto, port),
            }
    }

    /// Binds a UDP socket that was not bound before its first use.
    pub(super) fn udp_autobind(&mut self, ctx: &mut Ctx<'_>, id: SocketId) -> Result<u16, Errno> {
        let bound = self.sockets.udp_mut(id).ok_or(Errno::EINVAL)?.local.port;
        if bound != 0 {
            return Ok(bound);
        }
        let port = self.ephemeral_port(L4Proto::Udp).ok_or(Errno::EAGAIN)?;
        if let Some(udp) = self.sockets.udp_mut(id) {
            udp.local.port = port;
        }
        self.show_socket(ctx, id);
        Ok(port)
    }

    pub(super) fn udp_send(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: SocketId,
        to: Endpoint,
        payload: &[u8],
    ) -> Result<(), Errno> {
        if let Some(error) = self.sockets.udp_mut(id).and_then(|udp| udp.error.take()) {
            return Err(error);
        }
        if payload.len() > 65_507 {
            return Err(Errno::EMSGSIZE);
        }
        let src_port = self.udp_autobind(ctx, id)?;
        let bound = self.sockets.udp_mut(id).map(|udp| udp.local.addr).filter(|addr| !addr.is_unspecified());
        let header = Udp { src_port, dst_port: to.port };
        let udp = self.sockets.udp_mut(id).ok_or(Errno::EINVAL)?;
        let (ttl, iface, path_mtu) = (udp.ttl, udp.iface, udp.path_mtu);
        let options = SendOptions { src: bound, iface, ttl, path_mtu, ..SendOptions::default() };
        self.send_ip(ctx, to.addr, L4Proto::Udp.number(), options, |src| header.emit(src, to.addr, payload))
    }

    /// Where a socket is bound.
    pub(super) fn local_of(&self, id: SocketId) -> Option<Endpoint> {
        match self.sockets.get(id).map(|socket| &socket.body) {
            Some(SocketBody::Udp(udp)) => Some(udp.local),
            Some(SocketBody::Ping(ping)) => Some(Endpoint::new(Ipv4Addr::UNSPECIFIED, ping.ident)),
            Some(SocketBody::Packet(_)) => None,
            None => self.tcp.key_of(id).map(|key| key.local),
        }
    }

    /// Adds a socket and says so.
    pub(super) fn add_socket(&mut self, ctx: &mut Ctx<'_>, owner: Pid, body: SocketBody) -> Result<SocketId, Errno> {
        if self.sockets.iter().count() >= limits::SOCKETS_MAX {
            return Err(Errno::ENFILE);
        }
        let fd = self.next_fd(owner);
        let id = self.sockets.add(owner, fd, body)?;
        self.show_socket(ctx, id);
        Ok(id)
    }

    pub(super) fn next_fd(&mut self, owner: Pid) -> u32 {
        self.processes.table.get_mut(&owner).map_or(3, |process| {
            process.next_fd += 1;
            process.next_fd - 1
        })
    }

    /// Says that a socket is new or changed.
    pub(super) fn show_socket(&self, ctx: &mut Ctx<'_>, id: SocketId) {
        if let Some(row) = self.sockets.get(id).and_then(|socket| self.socket_row(id, socket, false)) {
            ctx.put(Row::Socket(row));
        }
    }

    /// Closes a socket of any kind.
    pub(super) fn close_socket(&mut self, ctx: &mut Ctx<'_>, id: SocketId) {
        if self.sockets.remove(id).is_some() {
            ctx.del(Key::Socket((Some(self.node), u64::from(id.0))));
        } else {
            self.tcp_close(ctx, id);
        }
    }

    /// Closes everything that a process held.
    pub(super) fn close_all_of(&mut self, ctx: &mut Ctx<'_>, pid: Pid) {
        let held: Vec<_> = self.sockets.iter().filter(|(_, socket)| socket.owner == pid).map(|(id, _)| id).collect();
        let streams = self
            .tcp
            .listeners()
            .map(|(_, listener)| (listener.id, Some(listener.holder)))
            .chain(self.tcp.conns().map(|(_, conn)| (conn.id, conn.holder)))
            .filter(|(_, holder)| holder.is_some_and(|(owner, _)| owner == pid))
            .map(|(id, _)| id)
            .collect::<Vec<_>>();
        for id in held.into_iter().chain(streams) {
            self.close_socket(ctx, id);
        }
    }

    pub(super) fn owner_of(&self, holder: Option<(Pid, u32)>) -> SocketOwner {
        match holder {
            Some((pid, fd)) => {
                SocketOwner::Processes(vec![SocketProcess { name: self.command_of(pid), pid: pid.0, fd }])
            }
            None => SocketOwner::Nobody,
        }
    }

    fn socket_row(&self, id: SocketId, socket: &Socket, samples: bool) -> Option<SocketRow> {
        let any = SocketEnd::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let end = |endpoint: Endpoint| SocketEnd::new(IpAddr::V4(endpoint.addr), endpoint.port);
        let (kind, state, local, peer, queued) = match &socket.body {
            SocketBody::Udp(udp) => {
                let state = if udp.remote.is_some() { SocketState::Established } else { SocketState::Unconnected };
                (SocketKind::Udp, state, end(udp.local), udp.remote.map_or(any, end), udp.queued_bytes)
            }
            SocketBody::Ping(ping) => {
                let local = SocketEnd { port: ping.ident, ..any.clone() };
                (SocketKind::Raw, SocketState::Unconnected, local, any, ping.queue.len())
            }
            SocketBody::Packet(packet) => {
                let iface = self.ifaces.get(packet.iface).map(|iface| iface.name.clone());
                let local = SocketEnd { iface, ..any.clone() };
                let queued = packet.queue.iter().map(|frame| frame.bytes.len()).sum();
                (SocketKind::PRaw, SocketState::Unconnected, local, any, queued)
            }
        };
        Some(SocketRow {
            node: Some(self.node),
            id: u64::from(id.0),
            kind,
            v6: false,
            v6_only: false,
            state,
            local,
            peer,
            owner: self.owner_of(Some((socket.owner, socket.fd))),
            uid: 0,
            queues: samples.then_some(SocketQueues { recv: queued as u32, send: 0 }),
        })
    }

    /// All sockets, in the order in which `ss` lists them: others, listeners, connections.
    pub(super) fn socket_rows(&self, samples: bool) -> Vec<SocketRow> {
        self.sockets
            .iter()
            .filter_map(|(id, socket)| self.socket_row(id, socket, samples))
            .chain(self.tcp_rows(samples))
            .collect()
    }

    /// Names a frame for a decision: what took it.
    pub(super) fn taken_by(&self, ctx: &mut Ctx<'_>, frame: Option<FrameId>, holder: Option<(Pid, u32)>) {
        let name = holder.map_or_else(|| "kernel".to_owned(), |(pid, _)| self.command_of(pid));
        ctx.delivered(frame, &name);
    }
}
