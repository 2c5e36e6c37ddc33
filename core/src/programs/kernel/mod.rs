//! The system calls: the one door between a program and its machine.

mod errno;
mod values;

use core::net::Ipv4Addr;
use std::rc::Rc;

use crate::addr::{Cidr, Endpoint, MacAddr};
use crate::drop_reason::DropReason;
use crate::event::{Span, Stream};
use crate::hypervisor::{HypervisorAnswer, HypervisorRequest};
use crate::id::{FlowId, NodeId, Pid, SocketId};
use crate::netfilter::conntrack::{ConntrackRow, Tuple};
use crate::netfilter::model::Ruleset;
use crate::programs::Stdio;
use crate::time::SimTime;
use crate::view::{
    AddrRow, DhcpClientRow, DhcpServerRow, FlowRow, IfaceRow, LeaseRow, NeighRow, NeighState, ProcessRow, RouteRow,
    SocketRow,
};

pub use errno::Errno;
pub use values::*;

/// One machine's system calls, as one process sees them.
pub trait Kernel {
    /// Lab time now.
    fn now(&self) -> SimTime;
    /// The machine.
    fn node(&self) -> NodeId;
    /// The machine's name.
    fn hostname(&self) -> String;
    /// The calling process.
    fn pid(&self) -> Pid;
    /// A random number from the machine's stream.
    fn random_u32(&mut self) -> u32;
    /// Polls the process again at `at` at the latest; the earliest of all calls since the last poll counts.
    fn wake_at(&mut self, at: SimTime);

    /// Columns of the terminal that standard output is, or none for a pipe.
    fn tty_columns(&self) -> Option<u16>;
    /// Writes to standard output or error.
    fn write(&mut self, stream: Stream, spans: Vec<Span>);
    /// Where this process's standard streams lead.
    fn stdio(&self) -> Stdio {
        Stdio::default()
    }
    /// Leads them elsewhere, those of children that are started from now on too.
    fn set_stdio(&mut self, _stdio: Stdio) {}
    /// Why a write to a standard stream failed since this was asked last.
    fn take_write_error(&mut self) -> Option<Errno> {
        None
    }
    /// Reads what standard input has.
    fn read_stdin(&mut self) -> Stdin;
    /// Takes a signal that has arrived ([`Signal::Int`] or [`Signal::Term`]). A program that never asks dies of it.
    fn take_signal(&mut self) -> Option<Signal>;

    /// Starts a program in a child process.
    ///
    /// # Errors
    /// `ENOENT` when there is no such program, `EAGAIN` when the process table is full.
    fn spawn(&mut self, argv: Vec<String>) -> Result<Pid, Errno>;
    /// The exit status of a child that has ended; asking takes it off the table.
    fn wait(&mut self, child: Pid) -> Option<i32>;
    /// Sends a signal.
    ///
    /// # Errors
    /// `ESRCH` when there is no such process.
    fn kill(&mut self, pid: Pid, signal: Signal) -> Result<(), Errno>;
    /// The PID that the next process will have.
    fn next_pid(&self) -> Pid {
        Pid(0)
    }
    /// Goes on in the background under a new PID; for the command line it is as if it had exited with 0.
    fn daemonize(&mut self) -> Pid;
    /// All processes.
    fn processes(&self) -> Vec<ProcessRow>;

    /// The text of a file.
    ///
    /// # Errors
    /// `ENOENT` when there is none.
    fn read_file(&self, path: &str) -> Result<String, Errno>;
    /// Writes a file, making it if need be.
    ///
    /// # Errors
    /// `EACCES` where writing is not possible.
    fn write_file(&mut self, path: &str, text: String) -> Result<(), Errno>;
    /// The kernel's settings: paths below `/proc/sys`, in the order in which `sysctl -a` lists them.
    fn sysctls(&self) -> Vec<String> {
        Vec::new()
    }
    /// Loads a kernel module.
    ///
    /// # Errors
    /// `ENOENT`: there is none of that name.
    fn load_module(&mut self, _name: &str) -> Result<(), Errno> {
        Err(Errno::ENOENT)
    }

    /// Whether a hypervisor is installed on this machine.
    fn has_hypervisor(&self) -> bool {
        false
    }
    /// Asks the machine's hypervisor; the process is polled again when the answer is there.
    ///
    /// # Errors
    /// `ENOENT` where there is no hypervisor.
    fn hypervisor_ask(&mut self, _request: HypervisorRequest) -> Result<(), Errno> {
        Err(Errno::ENOENT)
    }
    /// Takes the hypervisor's answer.
    fn hypervisor_answer(&mut self) -> Option<HypervisorAnswer> {
        None
    }

    /// Writes at a file's end, making it if need be.
    ///
    /// # Errors
    /// As [`Kernel::write_file`].
    fn append_file(&mut self, path: &str, text: &str) -> Result<(), Errno> {
        let whole = self.read_file(path).unwrap_or_default() + text;
        self.write_file(path, whole)
    }
    /// How long a file is, in bytes; 0 when there is none.
    fn file_len(&self, path: &str) -> usize {
        self.read_file(path).map_or(0, |text| text.len())
    }

    /// All interfaces, by index.
    fn ifaces(&self) -> Vec<IfaceRow>;
    /// Counters of one interface.
    fn counters(&self, iface: u32) -> IfaceCounters;
    /// Changes an interface.
    ///
    /// # Errors
    /// `ENODEV`, `EINVAL` (MTU out of range), `EADDRNOTAVAIL` (not a unicast MAC).
    fn link_set(&mut self, iface: u32, change: LinkChange) -> Result<(), Errno>;
    /// All addresses, in the kernel's order.
    fn addrs(&self) -> Vec<AddrRow>;
    /// Adds or changes an address.
    ///
    /// # Errors
    /// `EEXIST`, `ENODEV`, `EINVAL`.
    fn addr_put(&mut self, addr: NewAddr, mode: PutMode) -> Result<(), Errno>;
    /// Deletes an address.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL`, `ENODEV`.
    fn addr_del(&mut self, iface: u32, cidr: Cidr) -> Result<(), Errno>;
    /// All routes of the main table, in the kernel's order.
    fn routes(&self) -> Vec<RouteRow>;
    /// Adds or changes a route.
    ///
    /// # Errors
    /// `EEXIST`, `ENETUNREACH` (gateway not reachable), `ENETDOWN`, `ENODEV`, `EINVAL`.
    fn route_put(&mut self, route: RouteSpec, mode: PutMode) -> Result<(), Errno>;
    /// Deletes the first route that matches.
    ///
    /// # Errors
    /// `ESRCH`.
    fn route_del(&mut self, route: RouteSpec) -> Result<(), Errno>;
    /// How a packet would travel.
    ///
    /// # Errors
    /// `ENETUNREACH`.
    fn route_get(&self, dst: Ipv4Addr, iface: Option<u32>) -> Result<RouteChoice, Errno>;
    /// All neighbours.
    fn neighs(&self) -> Vec<NeighRow>;
    /// Sets a neighbour by hand.
    ///
    /// # Errors
    /// `EEXIST`, `ENODEV`, `ENOENT` (change of one that is not there).
    fn neigh_put(
        &mut self,
        iface: u32,
        addr: Ipv4Addr,
        mac: Option<MacAddr>,
        state: NeighState,
        mode: PutMode,
    ) -> Result<(), Errno>;
    /// Deletes a neighbour.
    ///
    /// # Errors
    /// `ENOENT`.
    fn neigh_del(&mut self, iface: u32, addr: Ipv4Addr) -> Result<(), Errno>;
    /// All sockets, with their queues.
    fn sockets(&self) -> Vec<SocketRow>;

    /// The netfilter rules, with their counters: a copy to read, or to edit and hand back.
    fn ruleset(&self) -> Ruleset {
        Ruleset::default()
    }
    /// Puts a whole rule set in place of the present one: all of it or nothing, as one nf_tables transaction.
    ///
    /// # Errors
    /// As [`crate::netfilter::check::validate`].
    fn ruleset_replace(&mut self, _rules: Ruleset) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }
    /// All tracked connections, in the order of their numbers.
    fn conntrack(&self) -> Vec<ConntrackRow> {
        Vec::new()
    }
    /// Forgets the connection with this original direction (`conntrack -D`).
    ///
    /// # Errors
    /// `ENOENT`.
    fn conntrack_delete(&mut self, _original: Tuple) -> Result<(), Errno> {
        Err(Errno::ENOENT)
    }
    /// Forgets all connections (`conntrack -F`).
    fn conntrack_flush(&mut self) {}

    /// The kernel's log (`dmesg`): what `LOG` rules have written, with the instant, the oldest line first.
    fn kernel_log(&self) -> Vec<(SimTime, String)> {
        Vec::new()
    }

    /// Shows where a DHCP client of this process stands.
    fn dhcp_client_put(&mut self, row: DhcpClientRow);
    /// A DHCP client is no more.
    fn dhcp_client_del(&mut self, iface: u32);
    /// Shows the scope of a DHCP server of this process.
    fn dhcp_server_put(&mut self, _row: DhcpServerRow) {}
    /// Shows a lease of a DHCP server of this process.
    fn lease_put(&mut self, _row: LeaseRow) {}
    /// A lease is no more.
    fn lease_del(&mut self, _addr: Ipv4Addr) {}

    /// A UDP socket. Port 0 takes an ephemeral port at the first send.
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `ENFILE`.
    fn udp_open(&mut self, local: Endpoint) -> Result<SocketId, Errno>;
    /// Fixes the other side of a UDP socket: only its datagrams and ICMP errors come in.
    ///
    /// # Errors
    /// `ENETUNREACH`.
    fn udp_connect(&mut self, socket: SocketId, remote: Endpoint) -> Result<(), Errno>;
    /// Sends a datagram.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EMSGSIZE`, `EACCES` (broadcast), and a pending ICMP error of a connected socket.
    fn udp_send(&mut self, socket: SocketId, to: Endpoint, payload: &[u8]) -> Result<(), Errno>;
    /// Takes the next datagram or a pending error.
    fn udp_recv(&mut self, socket: SocketId) -> Option<Result<Datagram, Errno>>;

    /// Sets the time to live of what a UDP socket sends.
    fn udp_ttl(&mut self, _socket: SocketId, _ttl: u8) {}
    /// Sets the interface that a UDP socket's datagrams must leave by (`SO_BINDTODEVICE`), and what happens to those that
    /// are too large for their way (`IP_MTU_DISCOVER`).
    fn udp_path(&mut self, _socket: SocketId, _iface: Option<u32>, _path_mtu: PathMtu) {}
    /// Takes the next ICMP error about what a UDP socket sent, connected or not (`IP_RECVERR`). The first call asks for
    /// them.
    fn udp_notice(&mut self, _socket: SocketId) -> Option<IcmpNotice> {
        None
    }
    /// Where a socket is bound (getsockname(2)).
    fn local_of(&self, _socket: SocketId) -> Option<Endpoint> {
        None
    }

    /// Hands a packet to a NAT engine's guests. Only the hypervisor's processes have an engine.
    fn engine_send(&mut self, _engine: NodeId, _packet: Vec<u8>) {}
    /// A number for a new flow entry.
    fn new_flow(&mut self) -> FlowId {
        FlowId(0)
    }
    /// Shows a flow entry of this process.
    fn flow_put(&mut self, _row: FlowRow) {}
    /// A flow entry is no more.
    fn flow_del(&mut self, _flow: FlowId) {}

    /// A socket for ICMP echo; the kernel chooses the identifier.
    ///
    /// # Errors
    /// `ENFILE`.
    fn ping_open(&mut self) -> Result<SocketId, Errno>;
    /// Sends an echo request.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EMSGSIZE`, `ENETDOWN`.
    fn ping_send(&mut self, socket: SocketId, request: EchoRequest) -> Result<(), Errno>;
    /// Takes the next answer.
    fn ping_recv(&mut self, socket: SocketId) -> Option<EchoAnswer>;

    /// A packet socket at one interface: it sees whole frames with IPv4 and UDP to `udp_port` before the stack does,
    /// and sends whole frames without asking routes or ARP (as dhclient's does).
    ///
    /// # Errors
    /// `ENODEV`, `ENFILE`.
    fn packet_open(&mut self, iface: u32, udp_port: u16) -> Result<SocketId, Errno>;
    /// Sends a whole Ethernet frame.
    ///
    /// # Errors
    /// `ENETDOWN` when the interface is down, `EMSGSIZE`.
    fn packet_send(&mut self, socket: SocketId, frame: Vec<u8>) -> Result<(), Errno>;
    /// Takes the next frame.
    fn packet_recv(&mut self, socket: SocketId) -> Option<Rc<[u8]>>;
    /// Says that the program could do nothing with the frame that it took last, and why.
    fn packet_refuse(&mut self, _socket: SocketId, _reason: DropReason) {}
    /// A packet socket at one interface that sees ARP, and sends whole frames.
    ///
    /// # Errors
    /// `ENODEV`, `ENFILE`.
    fn arp_open(&mut self, _iface: u32) -> Result<SocketId, Errno> {
        Err(Errno::ENODEV)
    }

    /// Begins a TCP connection.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EADDRNOTAVAIL`, `ENFILE`.
    fn tcp_connect(&mut self, to: Endpoint) -> Result<SocketId, Errno>;
    /// Listens. `backlog` connections may wait for [`Kernel::tcp_accept`].
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `ENFILE`.
    fn tcp_listen(&mut self, at: Endpoint, backlog: u32) -> Result<SocketId, Errno>;
    /// Takes the next connection that is complete, with the other side's endpoint.
    fn tcp_accept(&mut self, listener: SocketId) -> Option<(SocketId, Endpoint)>;
    /// Where a connection is.
    fn tcp_status(&self, socket: SocketId) -> TcpStatus;
    /// Hands bytes over; returns how many were taken, 0 when the buffer is full.
    ///
    /// # Errors
    /// `ENOTCONN`, `EPIPE`, `ECONNRESET`, `ETIMEDOUT`.
    fn tcp_send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, Errno>;
    /// Takes up to `max` bytes. `None`: nothing now; empty: the other side is done.
    ///
    /// # Errors
    /// `ENOTCONN`, `ECONNRESET`, `ETIMEDOUT`.
    fn tcp_recv(&mut self, socket: SocketId, max: usize) -> Result<Option<Vec<u8>>, Errno>;
    /// Says that nothing more will be sent (`shutdown(SHUT_WR)`).
    fn tcp_shutdown(&mut self, socket: SocketId);
    /// Closes any socket. A TCP connection ends in good order by itself.
    fn close(&mut self, socket: SocketId);
}
