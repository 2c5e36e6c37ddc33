//! One computer: interfaces, addresses, routes, neighbours, forwarding, sockets, processes, files; it behaves as Linux.
//!
//! Owns everything inside one machine. Must not know other machines, or where its frames go: it takes frames at its
//! interfaces ([`Machine::handle_frame`]) and time ([`Machine::handle_timeout`]), and says what is to be done through
//! [`ctx::Ctx`].
//!
//! The way of a packet: `ip` (in, on, out) — `icmp`, `transport`, `stream` (which socket) — `process`, `syscall` (which
//! program). `translate` is where it meets NAT, `config` where it is configured.

mod arp;
mod config;
pub mod ctx;
mod dad;
mod engines;
mod files;
pub mod fragment;
mod hooks;
mod icmp;
mod icmp_limit;
pub mod iface;
mod ip;
mod neigh;
mod path_mtu;
mod process;
pub(crate) mod route;
mod socket;
mod stdio;
mod stream;
mod syscall;
pub mod sysctl;
mod tcp;
mod translate;
mod transport;

pub use tcp::TIME_WAIT;
pub use tcp::engine::{Connection as TcpConnection, Path as TcpPath};

use std::collections::{BTreeMap, VecDeque};

use ctx::{Ctx, PacketBuf};
use files::Files;
use iface::Ifaces;
use neigh::Neighs;
use process::Processes;
use route::Routes;
use socket::Sockets;
use tcp::Tcp;

use crate::hypervisor::HypervisorAnswer;
use crate::id::{NodeId, Pid};
use crate::nat::Nat;
use crate::netfilter::Netfilter;
use crate::programs::{Errno, LinkChange, NewAddr, Program, PutMode, RouteSpec};
use crate::rng::{Purpose, Rng};
use crate::time::SimTime;
use crate::view::{DhcpClientRow, DhcpServerRow, LeaseRow, Row};

/// One computer.
///
/// A clone has everything but live TCP connections (see [`tcp::Tcp`]).
#[derive(Clone, Debug)]
pub struct Machine {
    node: NodeId,
    name: String,
    rng: Rng,
    ifaces: Ifaces,
    routes: Routes,
    neighs: Neighs,
    sockets: Sockets,
    tcp: Tcp,
    processes: Processes,
    files: Files,
    sysctl: sysctl::Sysctl,
    nat: Option<Nat>,
    engines: engines::Engines,
    netfilter: Netfilter,
    ip_ident: u16,
    dad: dad::Dad,
    /// The lab has not begun: what is up now has been up for long.
    booting: bool,
    fragments: fragment::Reassembler,
    path_mtus: path_mtu::PathMtus,
    icmp_limiter: icmp_limit::IcmpLimiter,
    /// Packets to oneself, and when they arrive.
    loopback: VecDeque<(SimTime, PacketBuf)>,
    dhcp_clients: BTreeMap<u32, (Pid, DhcpClientRow)>,
    dhcp_servers: BTreeMap<u32, (Pid, DhcpServerRow)>,
    leases: BTreeMap<core::net::Ipv4Addr, LeaseRow>,
    services: BTreeMap<String, Option<Pid>>,
    /// What the hypervisor answered to processes here; none where there is no hypervisor.
    hypervisor: Option<BTreeMap<Pid, HypervisorAnswer>>,
}

impl Machine {
    /// A machine with nothing but its loopback interface.
    pub fn new(node: NodeId, name: &str, seed: u64) -> Self {
        let mut rng = Rng::stream(seed, Purpose::Machine, u64::from(node.0));
        let first_pid = 400 + rng.below(300);
        Self {
            node,
            name: name.to_owned(),
            ip_ident: (rng.next_u32() & 0xffff) as u16,
            rng,
            ifaces: Ifaces::default(),
            routes: Routes::default(),
            neighs: Neighs::default(),
            sockets: Sockets::default(),
            tcp: Tcp::default(),
            processes: Processes::new(first_pid),
            files: Files::debian(name),
            sysctl: sysctl::Sysctl::default(),
            nat: None,
            engines: engines::Engines::default(),
            netfilter: Netfilter::new(Rng::stream(seed, Purpose::Conntrack, u64::from(node.0))),
            dad: dad::Dad::new(Rng::stream(seed, Purpose::Ipv6, u64::from(node.0))),
            booting: true,
            fragments: fragment::Reassembler::default(),
            path_mtus: path_mtu::PathMtus::default(),
            icmp_limiter: icmp_limit::IcmpLimiter::default(),
            loopback: VecDeque::new(),
            dhcp_clients: BTreeMap::new(),
            dhcp_servers: BTreeMap::new(),
            leases: BTreeMap::new(),
            services: BTreeMap::new(),
            hypervisor: None,
        }
    }

    /// Its node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// A hypervisor is installed here.
    pub fn install_hypervisor(&mut self) {
        self.hypervisor = Some(BTreeMap::new());
    }

    /// The hypervisor answers a process.
    pub fn hypervisor_answered(&mut self, ctx: &mut Ctx<'_>, pid: Pid, answer: HypervisorAnswer) {
        if let Some(answers) = &mut self.hypervisor
            && self.processes.table.contains_key(&pid)
        {
            answers.insert(pid, answer);
            self.processes.wake(pid);
        }
        self.run(ctx);
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its interfaces.
    pub fn ifaces(&self) -> &Ifaces {
        &self.ifaces
    }

    /// Its files' paths, for completion.
    pub fn file_paths(&self) -> impl Iterator<Item = &str> {
        self.files.paths()
    }

    /// The text of a file.
    pub fn read_file(&self, path: &str) -> Option<&str> {
        self.files.read(path)
    }

    /// Writes a file.
    pub fn write_file(&mut self, path: &str, text: &str) {
        self.files.write(path, text.to_owned());
    }

    /// Whether a TCP socket of this machine uses this L4 port.
    pub fn tcp_port_taken(&self, port: u16) -> bool {
        self.tcp.taken(port)
    }

    /// The first name server of `/etc/resolv.conf`.
    pub fn name_server(&self) -> Option<core::net::Ipv4Addr> {
        self.files.name_server()
    }

    /// Forwards packets between its interfaces.
    pub fn set_forwarding(&mut self, on: bool) {
        let _ = self.sysctl.write(&mut self.ifaces, "net/ipv4/ip_forward", if on { "1" } else { "0" });
    }

    /// The lab begins: from now on an interface that comes up does so before everybody's eyes.
    pub fn booted(&mut self) {
        self.booting = false;
    }

    /// The kernel's settings. Those of an interface are in [`iface::Iface::conf`].
    pub fn sysctl(&self) -> &sysctl::Sysctl {
        &self.sysctl
    }

    /// The text of the setting at `path` below `/proc/sys`.
    pub fn sysctl_read(&self, path: &str) -> Option<String> {
        let tracked = self.netfilter.conntrack().len();
        self.sysctl.read(&self.ifaces, tracked, path)
    }

    /// Changes a setting.
    ///
    /// # Errors
    /// As [`sysctl::Sysctl::write`].
    pub fn sysctl_write(&mut self, ctx: &mut Ctx<'_>, path: &str, text: &str) -> Result<(), Errno> {
        let before: Vec<_> = self.ifaces.iter().map(|iface| (iface.index, self.ipv6_key(iface.index))).collect();
        if self.sysctl.write(&mut self.ifaces, path, text)? == sysctl::After::Ipv6 {
            for (index, before) in before {
                self.update_link_local(ctx.now, index);
                self.show_iface(ctx, index, before);
            }
        }
        Ok(())
    }

    /// Sets what a lab file says, by its dotted name. A setting of br_netfilter's means that it is loaded.
    ///
    /// # Errors
    /// As [`sysctl::Sysctl::write`].
    pub fn configure_sysctl(&mut self, ctx: &mut Ctx<'_>, name: &str, value: &str) -> Result<(), Errno> {
        let path = sysctl::path_of(name);
        if path.starts_with("net/bridge/") {
            self.sysctl.load_br_netfilter();
        }
        self.sysctl_write(ctx, &path, value)
    }

    /// Loads a kernel module, as `modprobe` does. Those that matter here and are not built in: br_netfilter.
    ///
    /// # Errors
    /// `ENOENT`: no such module.
    pub fn load_module(&mut self, name: &str) -> Result<(), Errno> {
        match name {
            "br_netfilter" => self.sysctl.load_br_netfilter(),
            "bridge" | "8021q" | "nf_conntrack" | "nf_nat" | "ip_tables" | "iptable_filter" | "iptable_nat"
            | "nf_tables" | "xt_physdev" | "tun" | "veth" | "ipv6" => {}
            _ => return Err(Errno::ENOENT),
        }
        Ok(())
    }

    /// Its netfilter.
    pub fn netfilter(&self) -> &Netfilter {
        &self.netfilter
    }

    /// Adds an address, as `ip addr add` does.
    ///
    /// # Errors
    /// As the system call's.
    pub fn configure_addr(&mut self, ctx: &mut Ctx<'_>, addr: &NewAddr) -> Result<(), Errno> {
        self.put_addr(ctx, addr, PutMode::Create)
    }

    /// Deletes an address, as `ip addr del` does.
    ///
    /// # Errors
    /// As the system call's.
    pub fn unconfigure_addr(&mut self, ctx: &mut Ctx<'_>, iface: u32, cidr: crate::addr::Cidr) -> Result<(), Errno> {
        self.del_addr(ctx, iface, cidr)
    }

    /// Changes an interface, as `ip link set` does.
    ///
    /// # Errors
    /// As the system call's.
    pub fn configure_link(&mut self, ctx: &mut Ctx<'_>, index: u32, change: LinkChange) -> Result<(), Errno> {
        self.change_link(ctx, index, change)
    }

    /// Adds a route, as `ip route add` does.
    ///
    /// # Errors
    /// As the system call's.
    pub fn configure_route(&mut self, ctx: &mut Ctx<'_>, route: &RouteSpec) -> Result<(), Errno> {
        self.put_route(ctx, route, PutMode::Create)
    }

    /// Starts a service under this name; nothing happens if it runs already.
    pub fn start_service(&mut self, ctx: &mut Ctx<'_>, name: &str, argv: Vec<String>, program: Program) {
        if self.runs_service(name) {
            return;
        }
        let pid = self.start_process(ctx, process::INIT, None, None, argv, program);
        self.services.insert(name.to_owned(), pid);
        self.run(ctx);
    }

    /// Whether a service runs.
    pub fn runs_service(&self, name: &str) -> bool {
        self.services.get(name).copied().flatten().is_some_and(|pid| self.process_row(pid).is_some())
    }

    /// Stops a service.
    pub fn stop_service(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        if let Some(pid) = self.services.get_mut(name).and_then(Option::take) {
            self.end_process(ctx, pid, 0);
        }
        self.run(ctx);
    }

    /// Does what has come due.
    pub fn handle_timeout(&mut self, ctx: &mut Ctx<'_>) {
        self.run_loopback(ctx);
        self.run_neighbours(ctx);
        self.run_fragments(ctx);
        self.run_dad(ctx);
        self.run_tcp(ctx);
        self.expire_addrs(ctx);
        if let Some(nat) = &mut self.nat {
            nat.handle_timeout(ctx.now);
        }
        self.netfilter.conntrack_mut().handle_timeout(ctx.now);
        self.say_flows(ctx);
        self.run(ctx);
    }

    /// When the machine wants to be woken.
    pub fn next_wakeup(&self) -> Option<SimTime> {
        [
            self.loopback.front().map(|(at, _)| *at),
            self.neighs.next_wakeup(),
            self.fragments.next_wakeup(),
            self.dad.next_wakeup(),
            self.tcp.next_wakeup(),
            self.next_expiry(),
            self.nat.as_ref().and_then(Nat::next_wakeup),
            self.netfilter.conntrack().next_wakeup(),
            self.processes.next_wakeup(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// All rows of the machine's tables, in the order in which a snapshot lists them.
    pub fn rows(&self, samples: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for iface in self.ifaces.iter() {
            rows.push(Row::Iface(iface.row(self.node)));
            rows.extend(iface.addr_rows(self.node).into_iter().map(Row::Addr));
        }
        rows.extend(self.routes.iter().map(|route| Row::Route(self.route_row(route))));
        rows.extend(self.neighs.rows(self.node).into_iter().map(Row::Neigh));
        rows.extend(self.dhcp_clients.values().map(|(_, row)| Row::DhcpClient(row.clone())));
        rows.extend(self.dhcp_servers.values().map(|(_, row)| Row::DhcpServer(row.clone())));
        rows.extend(self.leases.values().cloned().map(Row::Lease));
        rows.extend(self.forward_rows(None).into_iter().map(Row::Forward));
        rows.extend(self.flow_rows(samples).into_iter().map(Row::Flow));
        rows.extend(self.socket_rows(samples).into_iter().map(Row::Socket));
        rows.extend(self.processes.table.keys().filter_map(|pid| self.process_row(*pid)).map(Row::Process));
        rows
    }

    /// The sockets of one process become another's.
    fn move_sockets(&mut self, ctx: &mut Ctx<'_>, from: Pid, to: Pid) {
        let ids: Vec<_> = self.sockets.iter().filter(|(_, s)| s.owner == from).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.owner = to;
            }
            self.show_socket(ctx, id);
        }
    }
}

/// The RST that answers a TCP segment nobody here wants, if one does (RFC 9293 3.10.7.1).
pub fn tcp_refusal(now: SimTime, packet: &[u8]) -> Option<Vec<u8>> {
    tcp::engine::refusal(now, 1500, packet)
}
