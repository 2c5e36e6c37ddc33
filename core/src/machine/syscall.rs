//! The machine's side of the system calls: [`Kernel`] for one process.

use core::net::Ipv4Addr;
use std::collections::VecDeque;
use std::rc::Rc;

use super::Machine;
use super::ctx::{Ctx, Effect, Handoff, PacketBuf};
use super::iface::LOOPBACK;
use super::ip::SendOptions;
use super::process::{INIT, Process};
use super::socket::{PacketFilter, PacketSocket, PingSocket, Socket, SocketBody, UdpSocket};
use crate::addr::{Cidr, Endpoint, L4Proto, MacAddr};
use crate::drop_reason::DropReason;
use crate::event::{Span, Stream};
use crate::frame::Frame;
use crate::frame::icmp::Icmp;
use crate::hypervisor::{HypervisorAnswer, HypervisorRequest};
use crate::id::{FlowId, NodeId, Pid, SocketId};
use crate::netfilter::conntrack::{ConntrackRow, Tuple};
use crate::netfilter::model::Ruleset;
use crate::programs::{
    Datagram, EchoAnswer, EchoRequest, Errno, IcmpNotice, IfaceCounters, Kernel, LinkChange, NewAddr, PathMtu, Program,
    PutMode, RouteChoice, RouteSpec, Signal, Sink, Stdin, Stdio, TcpStatus,
};
use crate::time::SimTime;
use crate::view::{
    AddrRow, DhcpClientRow, DhcpServerRow, FlowRow, IfaceRow, Key, LeaseRow, NeighRow, NeighState, ProcessRow,
    RouteRow, Row, SocketRow,
};

/// Where the kernel's settings are files.
pub(super) const PROC_SYS: &str = "/proc/sys/";

/// Whether `path` is in the directory `dir`, however deep.
fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// One process's view of its machine.
pub(super) struct Sys<'a, 'c> {
    machine: &'a mut Machine,
    ctx: &'a mut Ctx<'c>,
    pid: Pid,
}

impl<'a, 'c> Sys<'a, 'c> {
    pub(super) fn new(machine: &'a mut Machine, ctx: &'a mut Ctx<'c>, pid: Pid) -> Self {
        Self { machine, ctx, pid }
    }

    /// The process's PID now: going into the background changes it.
    pub(super) fn pid_now(&self) -> Pid {
        self.pid
    }

    fn me(&mut self) -> Option<&mut Process> {
        self.machine.processes.table.get_mut(&self.pid)
    }
}

impl Kernel for Sys<'_, '_> {
    fn now(&self) -> SimTime {
        self.ctx.now
    }

    fn node(&self) -> NodeId {
        self.machine.node
    }

    fn hostname(&self) -> String {
        self.machine.name.clone()
    }

    fn pid(&self) -> Pid {
        self.pid
    }

    fn random_u32(&mut self) -> u32 {
        self.machine.rng.next_u32()
    }

    fn wake_at(&mut self, at: SimTime) {
        self.machine.processes.set_timer(self.pid, at);
    }

    fn tty_columns(&self) -> Option<u16> {
        let process = self.machine.processes.table.get(&self.pid)?;
        process.tty.filter(|_| matches!(process.stdio.out, Sink::Job(_)))
    }

    fn write(&mut self, stream: Stream, spans: Vec<Span>) {
        self.machine.write_stream(self.ctx, self.pid, stream, spans);
    }

    fn stdio(&self) -> Stdio {
        self.machine.processes.table.get(&self.pid).map(|process| process.stdio.clone()).unwrap_or_default()
    }

    fn set_stdio(&mut self, stdio: Stdio) {
        if let Some(process) = self.me() {
            process.stdio = stdio;
        }
    }

    fn take_write_error(&mut self) -> Option<Errno> {
        self.me().and_then(|process| process.write_error.take())
    }

    fn read_stdin(&mut self) -> Stdin {
        let Some(process) = self.me() else { return Stdin::Eof };
        match (process.stdin.is_empty(), process.stdin_eof) {
            (false, _) => Stdin::Bytes(process.stdin.drain(..).collect()),
            (true, true) => Stdin::Eof,
            (true, false) => Stdin::Nothing,
        }
    }

    fn take_signal(&mut self) -> Option<Signal> {
        self.me().and_then(|process| process.signal.take())
    }

    fn spawn(&mut self, argv: Vec<String>) -> Result<Pid, Errno> {
        // What belongs to a hypervisor is installed with it.
        let there = |program: &Program| self.has_hypervisor() || !matches!(program, Program::VBoxManage(_));
        let program = Program::start(&argv).filter(there).ok_or(Errno::ENOENT)?;
        let (job, tty) = self.me().map(|process| (process.job, process.tty)).unwrap_or_default();
        self.machine.start_process(self.ctx, self.pid, job, tty, argv, program).ok_or(Errno::EAGAIN)
    }

    fn wait(&mut self, child: Pid) -> Option<i32> {
        let status = self.machine.processes.table.get(&child)?.exit?;
        self.machine.processes.table.remove(&child);
        Some(status)
    }

    fn kill(&mut self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        if self.machine.process_row(pid).is_none() {
            return Err(Errno::ESRCH);
        }
        self.machine.signal(self.ctx, pid, signal);
        Ok(())
    }

    fn next_pid(&self) -> Pid {
        self.machine.processes.peek_pid()
    }

    fn daemonize(&mut self) -> Pid {
        let old = self.pid;
        let new = self.machine.processes.next_pid();
        let Some(process) = self.machine.processes.table.get_mut(&old) else { return old };
        let daemon = Process { ppid: INIT, job: None, tty: None, ..process.clone() };
        process.exit = Some(0);
        process.program = None;
        let (parent, timer) = (process.ppid, process.timer.take());
        if let Some(at) = timer {
            self.machine.processes.timers.remove(&(at, old));
            self.machine.processes.timers.insert((at, new));
        }
        self.machine.processes.table.insert(new, daemon);
        self.machine.processes.wake(parent);
        self.ctx.del(Key::Process((self.machine.node, old)));
        if let Some(row) = self.machine.process_row(new) {
            self.ctx.put(Row::Process(row));
        }
        self.machine.move_sockets(self.ctx, old, new);
        for (owner, _) in self.machine.dhcp_clients.values_mut() {
            if *owner == old {
                *owner = new;
            }
        }
        self.pid = new;
        new
    }

    fn processes(&self) -> Vec<ProcessRow> {
        self.machine.processes.table.keys().filter_map(|pid| self.machine.process_row(*pid)).collect()
    }

    fn read_file(&self, path: &str) -> Result<String, Errno> {
        match path.strip_prefix(PROC_SYS) {
            Some(path) => match self.machine.sysctl_read(path) {
                Some(text) => Ok(text),
                None if self.sysctls().iter().any(|other| is_below(other, path)) => Err(Errno::EISDIR),
                None => Err(Errno::ENOENT),
            },
            None => self.machine.files.read(path).map(str::to_owned).ok_or(Errno::ENOENT),
        }
    }

    fn write_file(&mut self, path: &str, text: String) -> Result<(), Errno> {
        if let Some(path) = path.strip_prefix(PROC_SYS) {
            return self.machine.sysctl_write(self.ctx, path, &text);
        }
        self.machine.replace_file(path, text)
    }

    fn sysctls(&self) -> Vec<String> {
        self.machine.sysctl.paths(&self.machine.ifaces)
    }

    fn load_module(&mut self, name: &str) -> Result<(), Errno> {
        self.machine.load_module(name)
    }

    fn has_hypervisor(&self) -> bool {
        self.machine.hypervisor.is_some()
    }

    fn hypervisor_ask(&mut self, request: HypervisorRequest) -> Result<(), Errno> {
        if self.machine.hypervisor.is_none() {
            return Err(Errno::ENOENT);
        }
        self.ctx.effects.push(Effect::Hypervisor(self.pid, Box::new(request)));
        Ok(())
    }

    fn hypervisor_answer(&mut self) -> Option<HypervisorAnswer> {
        self.machine.hypervisor.as_mut()?.remove(&self.pid)
    }

    fn append_file(&mut self, path: &str, text: &str) -> Result<(), Errno> {
        self.machine.append_to_file(path, text)
    }

    fn file_len(&self, path: &str) -> usize {
        self.machine.files.read(path).map_or(0, str::len)
    }

    fn ifaces(&self) -> Vec<IfaceRow> {
        self.machine.ifaces.iter().map(|iface| iface.row(self.machine.node)).collect()
    }

    fn counters(&self, iface: u32) -> IfaceCounters {
        self.machine.ifaces.get(iface).map(|iface| iface.counters).unwrap_or_default()
    }

    fn link_set(&mut self, iface: u32, change: LinkChange) -> Result<(), Errno> {
        self.machine.change_link(self.ctx, iface, change)
    }

    fn addrs(&self) -> Vec<AddrRow> {
        self.machine.ifaces.iter().flat_map(|iface| iface.addr_rows(self.machine.node)).collect()
    }

    fn addr_put(&mut self, addr: NewAddr, mode: PutMode) -> Result<(), Errno> {
        self.machine.put_addr(self.ctx, &addr, mode)
    }

    fn addr_del(&mut self, iface: u32, cidr: Cidr) -> Result<(), Errno> {
        self.machine.del_addr(self.ctx, iface, cidr)
    }

    fn routes(&self) -> Vec<RouteRow> {
        self.machine.routes.iter().map(|route| self.machine.route_row(route)).collect()
    }

    fn route_put(&mut self, route: RouteSpec, mode: PutMode) -> Result<(), Errno> {
        self.machine.put_route(self.ctx, &route, mode)
    }

    fn route_del(&mut self, route: RouteSpec) -> Result<(), Errno> {
        self.machine.del_route(self.ctx, &route)
    }

    fn route_get(&self, dst: Ipv4Addr, iface: Option<u32>) -> Result<RouteChoice, Errno> {
        let choice = self.machine.route_choice(dst, iface)?;
        let learned = self.machine.path_mtus.get(self.ctx.now, dst);
        Ok(RouteChoice { mtu: learned.map(|learned| (learned.mtu, learned.until)), ..choice })
    }

    fn neighs(&self) -> Vec<NeighRow> {
        self.machine.neighs.rows(self.machine.node)
    }

    fn neigh_put(
        &mut self,
        iface: u32,
        addr: Ipv4Addr,
        mac: Option<MacAddr>,
        state: NeighState,
        mode: PutMode,
    ) -> Result<(), Errno> {
        self.machine.ifaces.get(iface).ok_or(Errno::ENODEV)?;
        let key = (iface, addr);
        match (self.machine.neighs.contains(key), mode) {
            (true, PutMode::Create) => return Err(Errno::EEXIST),
            (false, PutMode::Change) => return Err(Errno::ENOENT),
            _ => {}
        }
        let waiting = self.machine.neighs.put(key, mac, state);
        self.machine.forget_neighbours(self.ctx);
        if let Some(row) = self.machine.neighs.row(self.machine.node, key) {
            self.ctx.put(Row::Neigh(row));
        }
        for packet in waiting {
            self.machine.send_packet(self.ctx, packet, None);
        }
        Ok(())
    }

    fn neigh_del(&mut self, iface: u32, addr: Ipv4Addr) -> Result<(), Errno> {
        let waiting = self.machine.neighs.remove((iface, addr)).ok_or(Errno::ENOENT)?;
        self.ctx.del(Key::Neigh((self.machine.node, iface, addr)));
        for packet in waiting {
            self.ctx.lost(packet.parent, Some(iface), crate::drop_reason::DropReason::NeighbourFailed);
        }
        Ok(())
    }

    fn sockets(&self) -> Vec<SocketRow> {
        self.machine.socket_rows(true)
    }

    fn ruleset(&self) -> Ruleset {
        self.machine.netfilter.ruleset().clone()
    }

    fn ruleset_replace(&mut self, rules: Ruleset) -> Result<(), Errno> {
        self.machine.replace_rules(rules)
    }

    fn conntrack(&self) -> Vec<ConntrackRow> {
        self.machine.netfilter.conntrack().rows(self.ctx.now)
    }

    fn conntrack_delete(&mut self, original: Tuple) -> Result<(), Errno> {
        let deleted = self.machine.netfilter.conntrack_mut().delete(original);
        self.machine.say_flows(self.ctx);
        if deleted { Ok(()) } else { Err(Errno::ENOENT) }
    }

    fn conntrack_flush(&mut self) {
        self.machine.netfilter.conntrack_mut().flush();
        self.machine.say_flows(self.ctx);
    }

    fn kernel_log(&self) -> Vec<(SimTime, String)> {
        self.machine.netfilter.log().lines().cloned().collect()
    }

    fn dhcp_client_put(&mut self, row: DhcpClientRow) {
        self.machine.dhcp_clients.insert(row.iface, (self.pid, row.clone()));
        self.ctx.put(Row::DhcpClient(row));
    }

    fn dhcp_client_del(&mut self, iface: u32) {
        if let Some((_, row)) = self.machine.dhcp_clients.remove(&iface) {
            self.ctx.del(Key::DhcpClient(row.key()));
        }
    }

    fn dhcp_server_put(&mut self, row: DhcpServerRow) {
        self.machine.dhcp_servers.insert(row.scope, (self.pid, row.clone()));
        self.ctx.put(Row::DhcpServer(row));
    }

    fn lease_put(&mut self, row: LeaseRow) {
        self.machine.leases.insert(row.addr, row.clone());
        self.ctx.put(Row::Lease(row));
    }

    fn lease_del(&mut self, addr: Ipv4Addr) {
        if let Some(row) = self.machine.leases.remove(&addr) {
            self.ctx.del(Key::Lease(row.key()));
        }
    }

    fn udp_open(&mut self, local: Endpoint) -> Result<SocketId, Errno> {
        if !local.addr.is_unspecified() && !self.machine.ifaces.is_local(local.addr) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if local.port != 0 && self.machine.sockets.taken(L4Proto::Udp, local.port) {
            return Err(Errno::EADDRINUSE);
        }
        let udp = UdpSocket {
            local,
            remote: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            error: None,
            ttl: None,
            iface: None,
            // net/ipv4/af_inet.c `inet_create`: sockets want path MTU discovery (`ip_no_pmtu_disc` 0).
            path_mtu: PathMtu::Want,
            notices: None,
        };
        self.machine.add_socket(self.ctx, self.pid, SocketBody::Udp(udp))
    }

    fn udp_connect(&mut self, socket: SocketId, remote: Endpoint) -> Result<(), Errno> {
        let iface = self.machine.sockets.udp_mut(socket).and_then(|udp| udp.iface);
        let choice = self.machine.route_choice(remote.addr, iface)?;
        self.machine.udp_autobind(self.ctx, socket)?;
        let udp = self.machine.sockets.udp_mut(socket).ok_or(Errno::EINVAL)?;
        udp.remote = Some(remote);
        if udp.local.addr.is_unspecified() {
            udp.local.addr = choice.src;
        }
        self.machine.show_socket(self.ctx, socket);
        Ok(())
    }

    fn udp_send(&mut self, socket: SocketId, to: Endpoint, payload: &[u8]) -> Result<(), Errno> {
        self.machine.udp_send(self.ctx, socket, to, payload)
    }

    fn udp_recv(&mut self, socket: SocketId) -> Option<Result<Datagram, Errno>> {
        let udp = self.machine.sockets.udp_mut(socket)?;
        udp.error.take().map(Err).or_else(|| udp.pop().map(Ok))
    }

    fn udp_ttl(&mut self, socket: SocketId, ttl: u8) {
        if let Some(udp) = self.machine.sockets.udp_mut(socket) {
            udp.ttl = Some(ttl);
        }
    }

    fn udp_path(&mut self, socket: SocketId, iface: Option<u32>, path_mtu: PathMtu) {
        if let Some(udp) = self.machine.sockets.udp_mut(socket) {
            (udp.iface, udp.path_mtu) = (iface, path_mtu);
        }
    }

    fn udp_notice(&mut self, socket: SocketId) -> Option<IcmpNotice> {
        let udp = self.machine.sockets.udp_mut(socket)?;
        udp.notices.get_or_insert_default().pop_front()
    }

    fn local_of(&self, socket: SocketId) -> Option<Endpoint> {
        self.machine.local_of(socket)
    }

    fn engine_send(&mut self, engine: NodeId, packet: Vec<u8>) {
        let packet = PacketBuf::new(&packet, None);
        self.ctx.effects.push(Effect::Handoff(engine, Handoff::ToGuest { packet }));
    }

    fn new_flow(&mut self) -> FlowId {
        self.machine.engines.new_flow()
    }

    fn flow_put(&mut self, row: FlowRow) {
        self.machine.engines.put(row.clone());
        self.ctx.put(Row::Flow(row));
    }

    fn flow_del(&mut self, flow: FlowId) {
        if let Some(row) = self.machine.engines.del(flow) {
            self.ctx.del(Key::Flow(row.key()));
        }
    }

    fn ping_open(&mut self) -> Result<SocketId, Errno> {
        let mut ident = (self.machine.rng.next_u32() & 0xffff) as u16;
        while self.machine.sockets.taken(L4Proto::Icmp, ident) {
            ident = ident.wrapping_add(1);
        }
        let body = SocketBody::Ping(PingSocket { ident, queue: VecDeque::new() });
        self.machine.add_socket(self.ctx, self.pid, body)
    }

    fn ping_send(&mut self, socket: SocketId, request: EchoRequest) -> Result<(), Errno> {
        let ident = match self.machine.sockets.get(socket) {
            Some(Socket { body: SocketBody::Ping(ping), .. }) => ping.ident,
            _ => return Err(Errno::EINVAL),
        };
        let message = Icmp::EchoRequest { ident, seq: request.seq }.emit(&request.payload);
        let options = SendOptions {
            iface: request.iface,
            src: request.src,
            ttl: request.ttl,
            path_mtu: request.path_mtu,
            ..SendOptions::default()
        };
        self.machine.send_ip(self.ctx, request.to, L4Proto::Icmp.number(), options, |_| message)
    }

    fn ping_recv(&mut self, socket: SocketId) -> Option<EchoAnswer> {
        match self.machine.sockets.get_mut(socket) {
            Some(Socket { body: SocketBody::Ping(ping), .. }) => ping.queue.pop_front(),
            _ => None,
        }
    }

    fn packet_open(&mut self, iface: u32, udp_port: u16) -> Result<SocketId, Errno> {
        self.machine.ifaces.get(iface).filter(|iface| iface.index != LOOPBACK).ok_or(Errno::ENODEV)?;
        let body = SocketBody::Packet(PacketSocket {
            iface,
            filter: PacketFilter::Udp(udp_port),
            queue: VecDeque::new(),
            last: None,
        });
        self.machine.add_socket(self.ctx, self.pid, body)
    }

    fn arp_open(&mut self, iface: u32) -> Result<SocketId, Errno> {
        self.machine.ifaces.get(iface).filter(|iface| iface.index != LOOPBACK).ok_or(Errno::ENODEV)?;
        let packet = PacketSocket { iface, filter: PacketFilter::Arp, queue: VecDeque::new(), last: None };
        self.machine.add_socket(self.ctx, self.pid, SocketBody::Packet(packet))
    }

    fn packet_refuse(&mut self, socket: SocketId, reason: DropReason) {
        if let Some(Socket { body: SocketBody::Packet(packet), .. }) = self.machine.sockets.get(socket) {
            self.ctx.lost(packet.last, Some(packet.iface), reason);
        }
    }

    fn packet_send(&mut self, socket: SocketId, frame: Vec<u8>) -> Result<(), Errno> {
        let index = match self.machine.sockets.get(socket) {
            Some(Socket { body: SocketBody::Packet(packet), .. }) => packet.iface,
            _ => return Err(Errno::EINVAL),
        };
        let iface = self.machine.ifaces.get(index).ok_or(Errno::ENXIO)?;
        if !iface.up {
            return Err(Errno::ENETDOWN);
        }
        if frame.len() > iface.mtu as usize + crate::frame::ethernet::HEADER_LEN {
            return Err(Errno::EMSGSIZE);
        }
        let frame: Frame = self.ctx.frame(None, frame);
        self.machine.send_frame(self.ctx, index, frame);
        Ok(())
    }

    fn packet_recv(&mut self, socket: SocketId) -> Option<Rc<[u8]>> {
        match self.machine.sockets.get_mut(socket) {
            Some(Socket { body: SocketBody::Packet(packet), .. }) => {
                let frame = packet.queue.pop_front()?;
                packet.last = Some(frame.id);
                Some(frame.bytes)
            }
            _ => None,
        }
    }

    fn tcp_connect(&mut self, to: Endpoint) -> Result<SocketId, Errno> {
        self.machine.tcp_connect(self.ctx, self.pid, to)
    }

    fn tcp_listen(&mut self, at: Endpoint, backlog: u32) -> Result<SocketId, Errno> {
        self.machine.tcp_listen(self.ctx, self.pid, at, backlog)
    }

    fn tcp_accept(&mut self, listener: SocketId) -> Option<(SocketId, Endpoint)> {
        self.machine.tcp_accept(self.ctx, listener, self.pid)
    }

    fn tcp_status(&self, socket: SocketId) -> TcpStatus {
        self.machine.tcp_status(socket)
    }

    fn tcp_send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, Errno> {
        self.machine.tcp_send(self.ctx, socket, bytes)
    }

    fn tcp_recv(&mut self, socket: SocketId, max: usize) -> Result<Option<Vec<u8>>, Errno> {
        self.machine.tcp_recv(self.ctx, socket, max)
    }

    fn tcp_shutdown(&mut self, socket: SocketId) {
        self.machine.tcp_shutdown(self.ctx, socket);
    }

    fn close(&mut self, socket: SocketId) {
        self.machine.close_socket(self.ctx, socket);
    }
}
