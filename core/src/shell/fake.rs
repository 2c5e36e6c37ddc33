//! A machine for the tests of this module: tables that a test fills, and children that end as it says.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::addr::{Cidr, Endpoint, MacAddr};
use crate::event::{Span, Stream};
use crate::id::{NodeId, Pid, SocketId};
use crate::netfilter::conntrack::{ConntrackRow, Tuple};
use crate::netfilter::model::Ruleset;
use crate::programs::*;
use crate::time::SimTime;
use crate::view::*;

/// The machine.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) now: SimTime,
    pub(super) columns: Option<u16>,
    pub(super) out: String,
    pub(super) err: String,
    pub(super) meanings: Vec<String>,
    pub(super) files: BTreeMap<String, String>,
    /// Where output goes now, and whether files can be written.
    pub(super) stdio: Stdio,
    pub(super) writable: bool,
    pub(super) write_error: Option<Errno>,
    pub(super) ifaces: Vec<IfaceRow>,
    pub(super) addrs: Vec<AddrRow>,
    pub(super) routes: Vec<RouteRow>,
    pub(super) neighs: Vec<NeighRow>,
    pub(super) sockets: Vec<SocketRow>,
    pub(super) counters: IfaceCounters,
    pub(super) signals: VecDeque<Signal>,
    pub(super) wake: Option<SimTime>,
    pub(super) rules: Ruleset,
    pub(super) connections: Vec<ConntrackRow>,
    /// What changing calls answer.
    pub(super) refuse: Option<Errno>,
    /// Changes, as they were asked for.
    pub(super) calls: Vec<String>,
    /// Statuses of children that have ended.
    pub(super) ended: BTreeMap<u32, i32>,
    /// Children that wait for `end`.
    pub(super) started: Vec<Vec<String>>,
}

/// A line's words.
pub(super) fn argv(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Fake {
    /// Runs a tool that ends at once; its status, output and errors.
    pub(super) fn run(&mut self, line: &str) -> (i32, String, String) {
        let words = argv(line);
        let tool = super::registry::instant(&words[0]).expect("an instant tool");
        let status = tool(&words, self);
        (status, core::mem::take(&mut self.out), core::mem::take(&mut self.err))
    }

    /// An interface, up and with carrier.
    pub(super) fn iface(&mut self, index: u32, name: &str, mac: &str) -> &mut IfaceRow {
        self.ifaces.push(IfaceRow {
            node: NodeId(1),
            index,
            name: name.to_owned(),
            mac: mac.parse().unwrap(),
            mtu: if name == "lo" { 65_536 } else { 1_500 },
            up: true,
            carrier: true,
            loopback: name == "lo",
            promisc: false,
        });
        self.ifaces.last_mut().unwrap()
    }

    /// An address with its broadcast address.
    pub(super) fn addr(&mut self, iface: u32, text: &str, scope: Scope) -> &mut AddrRow {
        let (addr, prefix) = text.split_once('/').unwrap();
        let addr: IpAddr = addr.parse().unwrap();
        let prefix: u8 = prefix.parse().unwrap();
        let broadcast = match addr {
            IpAddr::V4(addr) if scope == Scope::Global => Some(Cidr::new(addr, prefix).broadcast()),
            _ => None,
        };
        self.addrs.push(AddrRow {
            node: NodeId(1),
            iface,
            addr,
            prefix,
            broadcast,
            scope,
            secondary: false,
            dynamic: false,
            tentative: false,
            dad_failed: false,
            valid_until: None,
            label: None,
        });
        self.addrs.last_mut().unwrap()
    }

    /// A route with scope link and proto kernel.
    pub(super) fn route(&mut self, dst: &str, iface: u32) -> &mut RouteRow {
        self.routes.push(RouteRow {
            node: NodeId(1),
            dst: dst.parse().unwrap(),
            via: None,
            iface,
            src: None,
            metric: 0,
            proto: RouteProto::Kernel,
            scope: Scope::Link,
            linkdown: false,
        });
        self.routes.last_mut().unwrap()
    }

    /// A machine with lo and enp0s3 (10.0.2.15/24, default via 10.0.2.1).
    pub(super) fn debian() -> Self {
        let mut fake = Self::default();
        fake.iface(1, "lo", "00:00:00:00:00:00");
        fake.iface(2, "enp0s3", "08:00:27:a1:b2:c3");
        fake.addr(1, "127.0.0.1/8", Scope::Host);
        fake.addr(2, "10.0.2.15/24", Scope::Global);
        let default = fake.route("0.0.0.0/0", 2);
        (default.via, default.proto, default.scope) = ("10.0.2.1".parse().ok(), RouteProto::Boot, Scope::Global);
        fake.route("10.0.2.0/24", 2).src = "10.0.2.15".parse().ok();
        fake
    }

    fn change(&mut self, call: String) -> Result<(), Errno> {
        self.calls.push(call);
        self.refuse.map_or(Ok(()), Err)
    }
}

impl Kernel for Fake {
    fn now(&self) -> SimTime {
        self.now
    }
    fn node(&self) -> NodeId {
        NodeId(1)
    }
    fn hostname(&self) -> String {
        "vm1".to_owned()
    }
    fn pid(&self) -> Pid {
        Pid(100)
    }
    fn random_u32(&mut self) -> u32 {
        4
    }
    fn wake_at(&mut self, at: SimTime) {
        self.wake = Some(at);
    }
    fn tty_columns(&self) -> Option<u16> {
        self.columns
    }
    fn write(&mut self, stream: Stream, spans: Vec<Span>) {
        let stream = match self.stdio.sink(stream).clone() {
            Sink::Job(stream) => stream,
            Sink::File(path) => {
                let text: String = spans.into_iter().map(|span| span.text).collect();
                return self.files.entry(path.to_string()).or_default().push_str(&text);
            }
            Sink::Null => return,
            Sink::Full => return self.write_error = Some(Errno::ENOSPC),
            Sink::Closed => return self.write_error = Some(Errno::EBADF),
        };
        for span in spans {
            match stream {
                Stream::Stdout => self.out.push_str(&span.text),
                Stream::Stderr => self.err.push_str(&span.text),
            }
            if !span.meaning.is_empty() {
                assert!(super::meaning::ALL.contains(&span.meaning.as_str()), "{} is not listed", span.meaning);
                self.meanings.push(span.meaning);
            }
        }
    }
    fn stdio(&self) -> Stdio {
        self.stdio.clone()
    }
    fn set_stdio(&mut self, stdio: Stdio) {
        self.stdio = stdio;
    }
    fn take_write_error(&mut self) -> Option<Errno> {
        self.write_error.take()
    }
    fn read_stdin(&mut self) -> Stdin {
        self.stdio.input.take().map_or(Stdin::Eof, |text| Stdin::Bytes(text.bytes().collect()))
    }
    fn take_signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }
    fn spawn(&mut self, argv: Vec<String>) -> Result<Pid, Errno> {
        let pid = 101 + self.started.len() as u32;
        if let Some(tool) = super::registry::instant(&argv[0]) {
            let status = tool(&argv, self);
            self.ended.insert(pid, status);
        } else if argv[0] != "ping" {
            return Err(Errno::ENOENT);
        }
        self.started.push(argv);
        Ok(Pid(pid))
    }
    fn wait(&mut self, child: Pid) -> Option<i32> {
        self.ended.remove(&child.0)
    }
    fn kill(&mut self, _: Pid, _: Signal) -> Result<(), Errno> {
        Err(Errno::ESRCH)
    }
    fn daemonize(&mut self) -> Pid {
        Pid(999)
    }
    fn processes(&self) -> Vec<ProcessRow> {
        Vec::new()
    }
    fn read_file(&self, path: &str) -> Result<String, Errno> {
        self.files.get(path).cloned().ok_or(Errno::ENOENT)
    }
    fn write_file(&mut self, path: &str, text: String) -> Result<(), Errno> {
        if !self.writable {
            return Err(Errno::EACCES);
        }
        self.files.insert(path.to_owned(), text);
        Ok(())
    }
    fn ifaces(&self) -> Vec<IfaceRow> {
        self.ifaces.clone()
    }
    fn counters(&self, _: u32) -> IfaceCounters {
        self.counters
    }
    fn link_set(&mut self, iface: u32, change: LinkChange) -> Result<(), Errno> {
        self.change(format!("link {iface} {change:?}"))
    }
    fn addrs(&self) -> Vec<AddrRow> {
        self.addrs.clone()
    }
    fn addr_put(&mut self, addr: NewAddr, mode: PutMode) -> Result<(), Errno> {
        self.change(format!("{mode:?} {addr:?}"))
    }
    fn addr_del(&mut self, iface: u32, cidr: Cidr) -> Result<(), Errno> {
        self.addrs.retain(|row| (row.iface, row.addr, row.prefix) != (iface, IpAddr::V4(cidr.addr), cidr.prefix));
        self.change(format!("del {iface} {cidr}"))
    }
    fn routes(&self) -> Vec<RouteRow> {
        self.routes.clone()
    }
    fn route_put(&mut self, route: RouteSpec, mode: PutMode) -> Result<(), Errno> {
        self.change(format!("{mode:?} {route:?}"))
    }
    fn route_del(&mut self, route: RouteSpec) -> Result<(), Errno> {
        self.change(format!("del {route:?}"))
    }
    fn route_get(&self, dst: Ipv4Addr, _: Option<u32>) -> Result<RouteChoice, Errno> {
        if let Some(errno) = self.refuse {
            return Err(errno);
        }
        let local = dst == Ipv4Addr::new(10, 0, 2, 15);
        Ok(RouteChoice {
            via: (dst.octets()[0] != 10).then_some(Ipv4Addr::new(10, 0, 2, 1)),
            iface: if local { 1 } else { 2 },
            src: Ipv4Addr::new(10, 0, 2, 15),
            local,
            broadcast: dst == Ipv4Addr::new(10, 0, 2, 255),
            route: Cidr::DEFAULT,
            mtu: (dst == Ipv4Addr::new(8, 8, 4, 4))
                .then(|| (1_400, self.now + core::time::Duration::from_millis(599_900))),
        })
    }
    fn neighs(&self) -> Vec<NeighRow> {
        self.neighs.clone()
    }
    fn neigh_put(
        &mut self,
        iface: u32,
        addr: Ipv4Addr,
        mac: Option<MacAddr>,
        state: NeighState,
        mode: PutMode,
    ) -> Result<(), Errno> {
        self.change(format!("{mode:?} neigh {iface} {addr} {mac:?} {state:?}"))
    }
    fn neigh_del(&mut self, iface: u32, addr: Ipv4Addr) -> Result<(), Errno> {
        self.neighs.retain(|row| (row.iface, row.addr) != (iface, addr));
        self.change(format!("del neigh {iface} {addr}"))
    }
    fn sockets(&self) -> Vec<SocketRow> {
        self.sockets.clone()
    }
    fn ruleset(&self) -> Ruleset {
        self.rules.clone()
    }
    fn ruleset_replace(&mut self, rules: Ruleset) -> Result<(), Errno> {
        crate::netfilter::check::validate(&rules)?;
        self.rules = rules;
        Ok(())
    }
    fn conntrack(&self) -> Vec<ConntrackRow> {
        self.connections.clone()
    }
    fn conntrack_delete(&mut self, original: Tuple) -> Result<(), Errno> {
        let before = self.connections.len();
        self.connections.retain(|row| row.original != original);
        if self.connections.len() < before { Ok(()) } else { Err(Errno::ENOENT) }
    }
    fn conntrack_flush(&mut self) {
        self.connections.clear();
    }
    fn dhcp_client_put(&mut self, _: DhcpClientRow) {}
    fn dhcp_client_del(&mut self, _: u32) {}
    fn udp_open(&mut self, _: Endpoint) -> Result<SocketId, Errno> {
        Err(Errno::ENFILE)
    }
    fn udp_connect(&mut self, _: SocketId, _: Endpoint) -> Result<(), Errno> {
        Err(Errno::ENFILE)
    }
    fn udp_send(&mut self, _: SocketId, _: Endpoint, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENFILE)
    }
    fn udp_recv(&mut self, _: SocketId) -> Option<Result<Datagram, Errno>> {
        None
    }
    fn ping_open(&mut self) -> Result<SocketId, Errno> {
        Err(Errno::ENFILE)
    }
    fn ping_send(&mut self, _: SocketId, _: EchoRequest) -> Result<(), Errno> {
        Err(Errno::ENFILE)
    }
    fn ping_recv(&mut self, _: SocketId) -> Option<EchoAnswer> {
        None
    }
    fn packet_open(&mut self, _: u32, _: u16) -> Result<SocketId, Errno> {
        Err(Errno::ENFILE)
    }
    fn packet_send(&mut self, _: SocketId, _: Vec<u8>) -> Result<(), Errno> {
        Err(Errno::ENFILE)
    }
    fn packet_recv(&mut self, _: SocketId) -> Option<Rc<[u8]>> {
        None
    }
    fn tcp_connect(&mut self, _: Endpoint) -> Result<SocketId, Errno> {
        Err(Errno::ENFILE)
    }
    fn tcp_listen(&mut self, _: Endpoint, _: u32) -> Result<SocketId, Errno> {
        Err(Errno::ENFILE)
    }
    fn tcp_accept(&mut self, _: SocketId) -> Option<(SocketId, Endpoint)> {
        None
    }
    fn tcp_status(&self, _: SocketId) -> TcpStatus {
        TcpStatus::Closed(None)
    }
    fn tcp_send(&mut self, _: SocketId, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ENOTCONN)
    }
    fn tcp_recv(&mut self, _: SocketId, _: usize) -> Result<Option<Vec<u8>>, Errno> {
        Err(Errno::ENOTCONN)
    }
    fn tcp_shutdown(&mut self, _: SocketId) {}
    fn close(&mut self, _: SocketId) {}
}
