//! Row types. One row is one line of a table that a student knows from a real tool.

use core::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::addr::{Cidr, Endpoint, L4Proto, MacAddr};
use crate::id::{FlowId, JobId, LinkId, NodeId, Pid, Port};
use crate::time::SimTime;

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A virtual machine.
    Vm,
    /// The machine that runs the hypervisor.
    Host,
    /// Any other computer: a colleague's PC, a server.
    Computer,
    /// A machine that forwards between networks.
    Router,
    /// A switch or a bridge.
    Switch,
    /// What the hypervisor builds for one NIC in mode NAT.
    NatEngine,
}

/// A machine, a switch, a NAT engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its identity.
    pub id: NodeId,
    /// Its name, unique in the lab: what the script language and terminals call it.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The host that it runs on or was built on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<NodeId>,
    /// Where it is drawn: `office`, `internet` … Free text of the lab; empty for what belongs to the host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// A real machine stands here: its inside is not visible.
    #[serde(default)]
    pub real: bool,
}

impl NodeRow {
    /// Key of the table.
    pub fn key(&self) -> NodeId {
        self.id
    }
}

/// The mode of a NIC, in the lecture's order, then VirtualBox's others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The card is there, the cable is not.
    #[serde(alias = "null")]
    NotAttached,
    /// A private network behind the host's address.
    Nat,
    /// A full member of the host's network.
    Bridged,
    /// A network among VMs.
    #[serde(alias = "intnet")]
    Internal,
    /// A network between VMs and the host.
    HostOnly,
    /// A network of several VMs behind one NAT.
    NatNetwork,
    /// Frames in UDP datagrams.
    #[serde(alias = "generic")]
    UdpTunnel,
}

impl Mode {
    /// All modes, in the order of the patch panel.
    pub const ALL: [Self; 7] = [
        Self::NotAttached,
        Self::Nat,
        Self::Bridged,
        Self::Internal,
        Self::HostOnly,
        Self::NatNetwork,
        Self::UdpTunnel,
    ];

    /// The name in files, scripts and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAttached => "notattached",
            Self::Nat => "nat",
            Self::Bridged => "bridged",
            Self::Internal => "internal",
            Self::HostOnly => "hostonly",
            Self::NatNetwork => "natnetwork",
            Self::UdpTunnel => "udptunnel",
        }
    }

    /// From its name or alias.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "null" => Some(Self::NotAttached),
            "intnet" => Some(Self::Internal),
            "generic" => Some(Self::UdpTunnel),
            _ => Self::ALL.into_iter().find(|mode| mode.name() == name),
        }
    }
}

/// A VM's virtual network card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NicRow {
    /// The VM.
    pub vm: NodeId,
    /// Adapter number, 1 to 8.
    pub adapter: u8,
    /// Its MAC.
    pub mac: MacAddr,
    /// Its mode.
    pub mode: Mode,
    /// The network's name, for modes that have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    /// Whether the virtual cable is plugged in.
    pub cable: bool,
    /// The guest's interface that this card is (its port number at the VM).
    pub iface: u32,
    /// The name of the real TAP device that stands for the VM here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
}

impl NicRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u8) {
        (self.vm, self.adapter)
    }
}

/// An interface of a machine, as `ip link` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IfaceRow {
    /// The machine.
    pub node: NodeId,
    /// Its index; also its port number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its MAC.
    pub mac: MacAddr,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Administratively up (`ip link set up`).
    pub up: bool,
    /// A cable with something alive at its other end.
    pub carrier: bool,
    /// The loopback interface.
    #[serde(default)]
    pub loopback: bool,
}

impl IfaceRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32) {
        (self.node, self.index)
    }
}

/// A cable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRow {
    /// Its identity.
    pub id: LinkId,
    /// One end.
    pub a: Port,
    /// The other end.
    pub b: Port,
    /// One-way delay, in nanoseconds.
    pub delay_ns: u64,
    /// Bits per second; none for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bps: Option<u64>,
    /// Frames lost of a million.
    #[serde(default)]
    pub loss_ppm: u32,
    /// Plugged in at both ends.
    pub up: bool,
}

impl LinkRow {
    /// Key of the table.
    pub fn key(&self) -> LinkId {
        self.id
    }
}

/// `scope` of an address or route (rtnetlink(7)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Valid everywhere.
    Global,
    /// Valid on this link only.
    Link,
    /// Valid inside this machine only.
    Host,
}

impl Scope {
    /// The word in `ip addr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Link => "link",
            Self::Host => "host",
        }
    }
}

/// An address of an interface, as `ip addr` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddrRow {
    /// The machine.
    pub node: NodeId,
    /// The interface's index.
    pub iface: u32,
    /// The address.
    pub addr: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// `brd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`.
    pub scope: Scope,
    /// A second address of a network that the interface already has one of.
    #[serde(default)]
    pub secondary: bool,
    /// It goes away by itself: a DHCP client set a lifetime.
    #[serde(default)]
    pub dynamic: bool,
    /// Duplicate address detection has not finished (IPv6).
    #[serde(default)]
    pub tentative: bool,
    /// When it stops being valid; none for `forever`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<SimTime>,
    /// The label (`eth0:1`), when it is not the interface's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl AddrRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32, IpAddr, u8) {
        (self.node, self.iface, self.addr, self.prefix)
    }
}

/// Who made a route (rtnetlink(7), /etc/iproute2/rt_protos).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteProto {
    /// By hand with `ip route`, or by dhclient: printed without a word.
    Boot,
    /// The kernel, with an address.
    Kernel,
    /// An administrator's daemon.
    Static,
    /// A DHCP client that says so.
    Dhcp,
}

/// Names a route: its machine, destination, metric, interface and gateway.
pub type RouteKey = (NodeId, Cidr, u32, u32, Option<Ipv4Addr>);

/// A route, as `ip route` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteRow {
    /// The machine.
    pub node: NodeId,
    /// Destination; 0.0.0.0/0 is `default`.
    pub dst: Cidr,
    /// Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
    /// The interface's index.
    pub iface: u32,
    /// Preferred source address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Ipv4Addr>,
    /// Smaller wins.
    #[serde(default)]
    pub metric: u32,
    /// Who made it.
    pub proto: RouteProto,
    /// How far it reaches.
    pub scope: Scope,
    /// Its interface has no carrier: printed as `linkdown`.
    #[serde(default)]
    pub linkdown: bool,
}

impl RouteRow {
    /// Key of the table.
    pub fn key(&self) -> RouteKey {
        (self.node, self.dst, self.metric, self.iface, self.via)
    }
}

/// A neighbour's state (Linux: NUD_*).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NeighState {
    /// Asked, no answer yet.
    Incomplete,
    /// Confirmed a short time ago.
    Reachable,
    /// Not confirmed lately; still used, checked at the next use.
    Stale,
    /// Used while stale: waits a little for a confirmation from above.
    Delay,
    /// Being asked again.
    Probe,
    /// Did not answer.
    Failed,
    /// Set by hand.
    Permanent,
}

impl NeighState {
    /// The word in `ip neigh`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Permanent => "PERMANENT",
        }
    }
}

/// A neighbour: whose MAC an address has, as `ip neigh` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighRow {
    /// The machine that knows it.
    pub node: NodeId,
    /// The interface's index.
    pub iface: u32,
    /// The neighbour's address.
    pub addr: Ipv4Addr,
    /// Its MAC, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// How sure the machine is.
    pub state: NeighState,
}

impl NeighRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32, Ipv4Addr) {
        (self.node, self.iface, self.addr)
    }
}

/// A MAC that a switch learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FdbRow {
    /// The switch.
    pub switch: NodeId,
    /// The MAC.
    pub mac: MacAddr,
    /// The switch port behind which it was seen.
    pub port: u32,
    /// Sample: seconds since it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_secs: Option<u64>,
}

impl FdbRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, MacAddr) {
        (self.switch, self.mac)
    }
}

/// Where a lease is in its life, at the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseState {
    /// Offered; the client has not asked for it yet.
    Offered,
    /// Acknowledged and running.
    Bound,
    /// Given back.
    Released,
    /// Run out.
    Expired,
    /// The client found the address in use.
    Declined,
}

/// What a DHCP server promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The server's node.
    pub server: NodeId,
    /// The address.
    pub addr: Ipv4Addr,
    /// The client's MAC.
    pub mac: MacAddr,
    /// The client's host name (option 12).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Where it is in its life.
    pub state: LeaseState,
    /// When it ends.
    pub expires: SimTime,
}

impl LeaseRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, Ipv4Addr) {
        (self.server, self.addr)
    }
}

/// A DHCP server's scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DhcpServerRow {
    /// The node it runs on.
    pub node: NodeId,
    /// Its own address.
    pub server: Ipv4Addr,
    /// First address of the pool.
    pub first: Ipv4Addr,
    /// Last address of the pool.
    pub last: Ipv4Addr,
    /// How long a lease is, in seconds.
    pub lease_secs: u32,
    /// The router it hands out, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv4Addr>,
    /// The name servers it hands out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<Ipv4Addr>,
}

impl DhcpServerRow {
    /// Key of the table.
    pub fn key(&self) -> NodeId {
        self.node
    }
}

/// The state of a DHCP client (RFC 2131, figure 5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum DhcpClientState {
    /// Knows nothing.
    Init,
    /// Sent DISCOVER, collects offers.
    Selecting,
    /// Sent REQUEST for an offer.
    Requesting,
    /// Has an address.
    Bound,
    /// Past T1: asks its server to go on.
    Renewing,
    /// Past T2: asks any server.
    Rebinding,
    /// Restarted with a remembered address: asks whether it still holds.
    InitReboot,
}

/// A DHCP client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DhcpClientRow {
    /// The machine.
    pub node: NodeId,
    /// The interface's index.
    pub iface: u32,
    /// Where it is in its state machine.
    pub state: DhcpClientState,
    /// The address it has or asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<Ipv4Addr>,
    /// The server it deals with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Ipv4Addr>,
    /// When the lease began (the instant its REQUEST was sent: RFC 2131 4.4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<SimTime>,
    /// T1: when it begins to renew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_at: Option<SimTime>,
    /// T2: when it begins to ask any server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebind_at: Option<SimTime>,
    /// When the address must be given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<SimTime>,
}

impl DhcpClientRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, u32) {
        (self.node, self.iface)
    }
}

/// The state of a flow entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowState {
    /// Packets of one direction only.
    New,
    /// Both directions were seen.
    Established,
    /// TCP: being closed.
    Closing,
}

/// One flow entry of a NAT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowRow {
    /// The machine that translates.
    pub node: NodeId,
    /// Its number there.
    pub id: FlowId,
    /// The NAT engine whose private network it comes from; none for a router's own NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<NodeId>,
    /// Protocol.
    pub proto: L4Proto,
    /// The inside machine's endpoint.
    pub inside: Endpoint,
    /// What the outside sees instead.
    pub outside: Endpoint,
    /// The other side.
    pub remote: Endpoint,
    /// How far it has come.
    pub state: FlowState,
    /// Sample: when it ends if no further packet comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<SimTime>,
}

impl FlowRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, FlowId) {
        (self.node, self.id)
    }
}

/// What a socket speaks: the first column of `ss`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SocketKind {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Raw IP, and ping sockets.
    Raw,
    /// Packet sockets bound below IP (`p_raw`).
    PRaw,
}

impl SocketKind {
    /// The word in the `Netid` column of `ss`.
    pub const fn netid(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Raw => "raw",
            Self::PRaw => "p_raw",
        }
    }
}

/// A socket's state (iproute2 misc/ss.c, `sstate_name`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum SocketState {
    /// Connected.
    #[serde(rename = "ESTAB")]
    Established,
    /// SYN sent.
    SynSent,
    /// SYN received.
    SynRecv,
    /// FIN sent.
    #[serde(rename = "FIN-WAIT-1")]
    FinWait1,
    /// FIN sent and acknowledged.
    #[serde(rename = "FIN-WAIT-2")]
    FinWait2,
    /// Closed; guards against late segments.
    TimeWait,
    /// Not connected.
    #[serde(rename = "UNCONN")]
    Unconnected,
    /// The other side closed.
    CloseWait,
    /// FIN sent after the other side's.
    LastAck,
    /// Waits for connections.
    Listen,
    /// Both closed at once.
    Closing,
}

impl SocketState {
    /// All states, in the kernel's numeric order from 1.
    pub const ALL: [Self; 11] = [
        Self::Established,
        Self::SynSent,
        Self::SynRecv,
        Self::FinWait1,
        Self::FinWait2,
        Self::TimeWait,
        Self::Unconnected,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::Closing,
    ];

    /// The word in the `State` column of `ss`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Established => "ESTAB",
            Self::SynSent => "SYN-SENT",
            Self::SynRecv => "SYN-RECV",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::TimeWait => "TIME-WAIT",
            Self::Unconnected => "UNCONN",
            Self::CloseWait => "CLOSE-WAIT",
            Self::LastAck => "LAST-ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
        }
    }
}

/// One end of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketEnd {
    /// The address; unspecified means any.
    pub addr: IpAddr,
    /// The L4 port; 0 means any.
    pub port: u16,
    /// The interface it is bound to (`%eth0`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iface: Option<String>,
}

impl SocketEnd {
    /// `addr:port` on any interface.
    pub const fn new(addr: IpAddr, port: u16) -> Self {
        Self { addr, port, iface: None }
    }
}

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SocketProcess {
    /// Its command's name.
    pub name: String,
    /// Its PID.
    pub pid: u32,
    /// Its descriptor.
    pub fd: u32,
}

/// Who holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketOwner {
    /// Nobody any more (TIME-WAIT, orphans).
    Nobody,
    /// We may not look.
    NotPermitted,
    /// These processes.
    Processes(Vec<SocketProcess>),
}

/// Queue lengths of a socket, in bytes; of a listener, in connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketQueues {
    /// `Recv-Q`: not yet read; of a listener, waiting for accept.
    pub recv: u32,
    /// `Send-Q`: not yet acknowledged; of a listener, its backlog.
    pub send: u32,
}

/// A socket, as `ss` shows it: of a simulated machine or of the real host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketRow {
    /// The simulated machine; none for the real host.
    pub node: Option<NodeId>,
    /// Its identity there: our `SocketId`, or the kernel's cookie.
    pub id: u64,
    /// What it speaks.
    pub kind: SocketKind,
    /// An IPv6 socket.
    #[serde(default)]
    pub v6: bool,
    /// An IPv6 socket that takes IPv6 only; without it `[::]` means both and prints as `*`.
    #[serde(default)]
    pub v6_only: bool,
    /// Its state.
    pub state: SocketState,
    /// Its own end.
    pub local: SocketEnd,
    /// The other end.
    pub peer: SocketEnd,
    /// Who holds it.
    pub owner: SocketOwner,
    /// The user's number.
    #[serde(default)]
    pub uid: u32,
    /// Sample: its queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<SocketQueues>,
}

impl SocketRow {
    /// Key of the table.
    pub fn key(&self) -> (Option<NodeId>, u64) {
        (self.node, self.id)
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessRow {
    /// The machine.
    pub node: NodeId,
    /// Its PID.
    pub pid: Pid,
    /// Its parent.
    pub ppid: Pid,
    /// The command line it was started from; none for services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Its arguments, the command's name first.
    pub argv: Vec<String>,
}

impl ProcessRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, Pid) {
        (self.node, self.pid)
    }
}
