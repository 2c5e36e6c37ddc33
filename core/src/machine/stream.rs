//! Where a machine's stack meets its TCP sockets: which connection a segment belongs to, what programs ask of them,
//! what `ss` shows of them.

use core::net::IpAddr;
use core::time::Duration;

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::tcp::engine::{self, Connection};
use super::tcp::{Body, Conn, ConnKey, Holder, Listener};
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::frame::ipv4::Ipv4;
use crate::frame::tcp::{Tcp as Header, flags};
use crate::id::{FrameId, Pid, SocketId};
use crate::limits;
use crate::programs::{Errno, TcpStatus};
use crate::time::SimTime;
use crate::view::{Key, Row, SocketEnd, SocketKind, SocketQueues, SocketRow, SocketState};

impl Machine {
    /// A TCP segment for this machine; `whole` is its packet.
    pub(super) fn handle_tcp(
        &mut self,
        ctx: &mut Ctx<'_>,
        index: u32,
        frame: Option<FrameId>,
        packet: &Ipv4<'_>,
        whole: &[u8],
    ) {
        let header = match Header::parse(packet.src, packet.dst, packet.payload) {
            Ok((header, _)) => header,
            Err(reason) => return ctx.dropped(frame, Some(index), reason),
        };
        let local = Endpoint::new(packet.dst, header.dst_port);
        let remote = Endpoint::new(packet.src, header.src_port);
        let key = ConnKey { local, remote };
        let whole = &whole[..packet.total_len.min(whole.len())];
        let is_syn = header.flags & (flags::SYN | flags::ACK | flags::RST) == flags::SYN;
        if is_syn && self.tcp.get(key).is_some_and(|conn| matches!(conn.body, Body::TimeWait { .. } | Body::Closed)) {
            // A new connection may take the place of one in TIME-WAIT (RFC 9293 3.6.1).
            self.forget(ctx, key);
        }
        if self.tcp.get(key).is_none() {
            if !(is_syn && self.ifaces.is_local(packet.dst)) {
                return self.refuse_segment(ctx, index, frame, whole, &header);
            }
            match self.tcp.listener_for(local) {
                Some(listener) => {
                    if let Err(reason) = self.admit(ctx, key, listener) {
                        return ctx.dropped(frame, Some(index), reason);
                    }
                }
                None => return self.refuse_segment(ctx, index, frame, whole, &header),
            }
        }
        let Some(conn) = self.tcp.get_mut(key) else { return };
        let holder = conn.holder;
        match &mut conn.body {
            Body::Live(connection) => {
                let before = connection.state();
                connection.segment_in(ctx.now, whole);
                if header.flags & flags::RST != 0 && connection.state().is_none() {
                    conn.error = Some(match before {
                        Some(SocketState::SynSent) => Errno::ECONNREFUSED,
                        _ => Errno::ECONNRESET,
                    });
                }
            }
            Body::TimeWait { last_sent, .. } if header.flags & flags::FIN != 0 => {
                let repeat = PacketBuf::new(last_sent, None);
                self.send_packet(ctx, repeat, None);
            }
            Body::TimeWait { .. } | Body::Closed => {}
        }
        self.taken_by(ctx, frame, holder);
        if header.flags & flags::ACK != 0 {
            self.confirm_neighbour(ctx, packet.src);
        }
        self.advance(ctx, key);
    }

    /// A SYN for a listener: makes a connection if the backlog has room.
    fn admit(&mut self, ctx: &mut Ctx<'_>, key: ConnKey, at: Endpoint) -> Result<(), DropReason> {
        let backlog = self.tcp.listener_mut(at).map_or(0, |listener| listener.backlog);
        // Linux takes one more than the backlog says (include/net/sock.h `sk_acceptq_is_full`).
        if self.tcp.pending(at) > backlog as usize {
            return Err(DropReason::BacklogFull);
        }
        if self.tcp.conns().count() >= limits::SOCKETS_MAX {
            return Err(DropReason::SocketTableFull);
        }
        let seed = self.rng.next_u64();
        let connection = Connection::accept(ctx.now, key.local, self.path_to(ctx.now, key.remote), seed)
            .ok_or(DropReason::SocketTableFull)?;
        let id = self.sockets.next_id();
        self.tcp.add(key, Conn::new(id, None, connection, Some(at)));
        Ok(())
    }

    /// A segment that belongs to nothing: a RST answers it, unless it is one.
    fn refuse_segment(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: Option<FrameId>, whole: &[u8], header: &Header) {
        let to = Ipv4::parse(whole).map(|packet| Endpoint::new(packet.dst, header.dst_port));
        let closed = DropReason::PortClosed;
        ctx.dropped(frame, Some(index), to.map_or(closed, |to| self.nobody_at(L4Proto::Tcp, to, closed)));
        if header.flags & flags::RST == 0
            && let Some(reset) = engine::refusal(ctx.now, 1500, whole)
        {
            self.send_packet(ctx, PacketBuf::new(&reset, None), None);
        }
    }

    fn path_to(&self, now: SimTime, remote: Endpoint) -> engine::Path {
        let choice = self.route_choice(remote.addr, None).ok();
        let mtu = choice.map_or(1500, |choice| self.path_mtu(now, remote.addr, choice.iface));
        engine::Path { mtu, ttl: self.default_ttl() }
    }

    /// Lets a connection act, sends what it says, and shows its state if that changed.
    pub(super) fn advance(&mut self, ctx: &mut Ctx<'_>, key: ConnKey) {
        let fin_timeout = Duration::from_secs(u64::try_from(self.sysctl.ipv4.tcp_fin_timeout).unwrap_or(0));
        for packet in self.tcp.poll(ctx.now, key, fin_timeout) {
            self.send_packet(ctx, PacketBuf::new(&packet, None), None);
        }
        let Some(conn) = self.tcp.get_mut(key) else { return };
        let (state, shown, holder) = (conn.state(), conn.shown, conn.holder);
        conn.shown = state;
        let id = conn.id;
        if let Some((owner, _)) = holder {
            self.processes.wake(owner);
        }
        // What has ended and is held by nobody goes, whatever was shown of it last.
        if state == shown && (state.is_some() || holder.is_some()) {
            return;
        }
        let listener = conn.listener.filter(|_| holder.is_none());
        if matches!(state, Some(SocketState::TimeWait)) && holder.is_some() && conn.closing {
            conn.holder = None;
        }
        if state.is_none() {
            if conn.error.is_none()
                && !conn.closing
                && matches!(shown, Some(SocketState::SynSent | SocketState::Established))
            {
                conn.error = Some(Errno::ETIMEDOUT);
            }
            ctx.del(Key::Socket((Some(self.node), u64::from(id.0))));
            // A program that still holds it hears why at its next call; nobody else needs it.
            if conn.holder.is_none() {
                self.tcp.remove(key);
            }
        } else if let Some(row) = self.conn_row(key, false) {
            ctx.put(Row::Socket(row));
        }
        if let Some(at) = listener
            && let Some(waiting) = self.tcp.listener_mut(at)
        {
            match state {
                Some(SocketState::Established) => {
                    waiting.ready.push_back(key);
                    let owner = waiting.holder.0;
                    self.processes.wake(owner);
                }
                None => waiting.ready.retain(|other| *other != key),
                _ => {}
            }
        }
    }

    /// Removes a connection without a word on the wire.
    fn forget(&mut self, ctx: &mut Ctx<'_>, key: ConnKey) {
        if let Some(conn) = self.tcp.remove(key) {
            ctx.del(Key::Socket((Some(self.node), u64::from(conn.id.0))));
        }
    }

    /// An ICMP error about a segment of a connection. Only an attempt to connect dies of it (RFC 5461; Linux
    /// `tcp_v4_err`).
    pub(super) fn tcp_error(&mut self, ctx: &mut Ctx<'_>, key: ConnKey, errno: Errno) -> bool {
        let Some(conn) = self.tcp.get_mut(key) else { return false };
        if matches!(conn.state(), Some(SocketState::SynSent)) {
            conn.error = Some(errno);
            conn.body = Body::Closed;
            self.advance(ctx, key);
        }
        true
    }

    /// A router's next link is narrower than this connection's segments: they become smaller, and what was lost is sent
    /// again when its timer runs out (Linux sends it at once, `tcp_simple_retransmit`).
    pub(super) fn tcp_lower_mtu(&mut self, ctx: &mut Ctx<'_>, key: ConnKey, mtu: u32) {
        if let Some(Conn { body: Body::Live(connection), .. }) = self.tcp.get_mut(key) {
            connection.lower_mtu(ctx.now, mtu);
            self.advance(ctx, key);
        }
    }

    /// Connections whose timers have come due.
    pub(super) fn run_tcp(&mut self, ctx: &mut Ctx<'_>) {
        for key in self.tcp.due(ctx.now) {
            self.advance(ctx, key);
        }
    }

    pub(super) fn tcp_connect(&mut self, ctx: &mut Ctx<'_>, owner: Pid, to: Endpoint) -> Result<SocketId, Errno> {
        let to = if to.addr.is_unspecified() { Endpoint::new(core::net::Ipv4Addr::LOCALHOST, to.port) } else { to };
        let choice = self.route_choice(to.addr, None)?;
        if choice.broadcast || choice.src.is_unspecified() {
            return Err(Errno::ENETUNREACH);
        }
        if self.tcp.conns().count() >= limits::SOCKETS_MAX {
            return Err(Errno::ENFILE);
        }
        let port = self.ephemeral_port(L4Proto::Tcp).ok_or(Errno::EADDRNOTAVAIL)?;
        let local = Endpoint::new(choice.src, port);
        let seed = self.rng.next_u64();
        let connection =
            Connection::connect(ctx.now, local, to, self.path_to(ctx.now, to), seed).ok_or(Errno::EINVAL)?;
        let id = self.sockets.next_id();
        let fd = self.next_fd(owner);
        let key = ConnKey { local, remote: to };
        self.tcp.add(key, Conn::new(id, Some((owner, fd)), connection, None));
        self.advance(ctx, key);
        Ok(id)
    }

    pub(super) fn tcp_listen(
        &mut self,
        ctx: &mut Ctx<'_>,
        owner: Pid,
        at: Endpoint,
        backlog: u32,
    ) -> Result<SocketId, Errno> {
        if !at.addr.is_unspecified() && !self.ifaces.is_local(at.addr) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let port = if at.port == 0 { self.ephemeral_port(L4Proto::Tcp).ok_or(Errno::EADDRINUSE)? } else { at.port };
        let at = Endpoint::new(at.addr, port);
        // `listen` cuts it silently (net/socket.c).
        let backlog = backlog.min(self.sysctl.core.somaxconn as u32);
        let id = self.sockets.next_id();
        let holder = (owner, self.next_fd(owner));
        self.tcp.listen(at, Listener { id, holder, backlog, ready: Default::default() })?;
        let row = self.listener_row(at, id, holder, SocketQueues { recv: 0, send: backlog }, false);
        ctx.put(Row::Socket(row));
        Ok(id)
    }

    pub(super) fn tcp_accept(
        &mut self,
        ctx: &mut Ctx<'_>,
        listener: SocketId,
        owner: Pid,
    ) -> Option<(SocketId, Endpoint)> {
        let fd = self.next_fd(owner);
        let (id, key) = self.tcp.accept(listener, (owner, fd))?;
        if let Some(row) = self.conn_row(key, false) {
            ctx.put(Row::Socket(row));
        }
        Some((id, key.remote))
    }

    pub(super) fn tcp_status(&self, id: SocketId) -> TcpStatus {
        let conn = self.tcp.key_of(id).and_then(|key| self.tcp.get(key));
        conn.map_or(TcpStatus::Closed(Some(Errno::ENOTCONN)), Conn::status)
    }

    pub(super) fn tcp_send(&mut self, ctx: &mut Ctx<'_>, id: SocketId, bytes: &[u8]) -> Result<usize, Errno> {
        let key = self.tcp.key_of(id).ok_or(Errno::ENOTCONN)?;
        let conn = self.tcp.get_mut(key).ok_or(Errno::ENOTCONN)?;
        let taken = match &mut conn.body {
            Body::Live(connection) if !conn.closing => connection.send(bytes),
            _ => return Err(conn.error.unwrap_or(Errno::EPIPE)),
        };
        let taken = taken.ok_or(conn.error.unwrap_or(Errno::EPIPE))?;
        // Acting wakes the program: one that finds no room must sleep until there is some, or it would ask for ever.
        if taken > 0 {
            self.advance(ctx, key);
        }
        Ok(taken)
    }

    pub(super) fn tcp_recv(&mut self, ctx: &mut Ctx<'_>, id: SocketId, max: usize) -> Result<Option<Vec<u8>>, Errno> {
        let key = self.tcp.key_of(id).ok_or(Errno::ENOTCONN)?;
        let conn = self.tcp.get_mut(key).ok_or(Errno::ENOTCONN)?;
        let Body::Live(connection) = &mut conn.body else {
            return conn.error.map_or(Ok(Some(Vec::new())), Err);
        };
        let bytes = connection.recv(max);
        if !bytes.is_empty() {
            // The window has opened: say so.
            self.advance(ctx, key);
            return Ok(Some(bytes));
        }
        let over =
            !connection.may_recv() && !matches!(connection.state(), Some(SocketState::SynSent | SocketState::SynRecv));
        match (over, conn.error) {
            (true, Some(error)) => Err(error),
            (true, None) => Ok(Some(Vec::new())),
            (false, _) => Ok(None),
        }
    }

    pub(super) fn tcp_shutdown(&mut self, ctx: &mut Ctx<'_>, id: SocketId) {
        let Some(key) = self.tcp.key_of(id) else { return };
        if let Some(conn) = self.tcp.get_mut(key) {
            conn.closing = true;
            if let Body::Live(connection) = &mut conn.body {
                connection.close();
            }
        }
        self.advance(ctx, key);
    }

    /// Closes a TCP socket: a listener with all that wait in it, a connection in good order (with unread bytes, by a
    /// RST: RFC 2525 2.17).
    pub(super) fn tcp_close(&mut self, ctx: &mut Ctx<'_>, id: SocketId) {
        if let Some((_, waiting)) = self.tcp.unlisten(id) {
            ctx.del(Key::Socket((Some(self.node), u64::from(id.0))));
            for key in waiting {
                self.abort(ctx, key);
            }
            return;
        }
        let Some(key) = self.tcp.key_of(id) else { return };
        let Some(conn) = self.tcp.get_mut(key) else { return };
        conn.closing = true;
        conn.holder = None;
        if conn.state().is_none() {
            self.tcp.remove(key);
            return;
        }
        let unread = conn.queues().recv > 0;
        if let Body::Live(connection) = &mut conn.body {
            if unread {
                connection.abort();
            } else {
                connection.close();
            }
        }
        // The row loses its owner even where the state stays.
        conn.shown = None;
        self.advance(ctx, key);
    }

    fn abort(&mut self, ctx: &mut Ctx<'_>, key: ConnKey) {
        if let Some(conn) = self.tcp.get_mut(key) {
            conn.closing = true;
            if let Body::Live(connection) = &mut conn.body {
                connection.abort();
            }
        }
        self.advance(ctx, key);
    }

    fn listener_row(
        &self,
        at: Endpoint,
        id: SocketId,
        holder: Holder,
        queues: SocketQueues,
        samples: bool,
    ) -> SocketRow {
        SocketRow {
            node: Some(self.node),
            id: u64::from(id.0),
            kind: SocketKind::Tcp,
            v6: false,
            v6_only: false,
            state: SocketState::Listen,
            local: SocketEnd::new(IpAddr::V4(at.addr), at.port),
            peer: SocketEnd::new(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0),
            owner: self.owner_of(Some(holder)),
            uid: 0,
            queues: samples.then_some(queues),
        }
    }

    fn conn_row(&self, key: ConnKey, samples: bool) -> Option<SocketRow> {
        let conn = self.tcp.get(key)?;
        Some(SocketRow {
            node: Some(self.node),
            id: u64::from(conn.id.0),
            kind: SocketKind::Tcp,
            v6: false,
            v6_only: false,
            state: conn.state()?,
            local: SocketEnd::new(IpAddr::V4(key.local.addr), key.local.port),
            peer: SocketEnd::new(IpAddr::V4(key.remote.addr), key.remote.port),
            owner: self.owner_of(conn.holder),
            uid: 0,
            queues: samples.then(|| conn.queues()),
        })
    }

    pub(super) fn tcp_rows(&self, samples: bool) -> Vec<SocketRow> {
        let listeners = self.tcp.listeners().map(|(at, listener)| {
            let queues = SocketQueues { recv: listener.ready.len() as u32, send: listener.backlog };
            self.listener_row(*at, listener.id, listener.holder, queues, samples)
        });
        let conns = self.tcp.conns().filter_map(|(key, _)| self.conn_row(*key, samples));
        listeners.chain(conns).collect()
    }
}
