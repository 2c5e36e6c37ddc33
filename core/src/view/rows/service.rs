//! Rows of services: DHCP leases, servers and clients, flow entries of NATs.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::addr::{Endpoint, L4Proto, MacAddr};
use crate::id::{FlowId, NodeId};
use crate::lab::{ScopeSpec, ServiceKind, ServiceSpec};
use crate::time::SimTime;

/// A service of a machine, as its lab defines it. It runs while the machine has a process of its program's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRow {
    /// The machine.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
    /// Its program's name, as `ps` shows it.
    pub program: String,
    /// Its L4 port.
    pub port: u16,
    /// Its protocol.
    pub proto: L4Proto,
    /// Scopes of a DHCP server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeSpec>,
}

impl ServiceRow {
    /// Of a machine's service.
    pub fn of(node: NodeId, spec: &ServiceSpec) -> Self {
        Self {
            node,
            name: spec.name.clone(),
            kind: spec.kind,
            program: spec.program().to_owned(),
            port: spec.port(),
            proto: spec.proto(),
            scopes: spec.scopes.clone(),
        }
    }

    /// Key of the table.
    pub fn key(&self) -> (NodeId, String) {
        (self.node, self.name.clone())
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
    /// The client's identifier (option 61) in hexadecimal, where it goes by that and not by its MAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's host name (option 12).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Where it is in its life.
    pub state: LeaseState,
    /// When the client last spoke of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<SimTime>,
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
    /// The scope's number there, from 0.
    #[serde(default)]
    pub scope: u32,
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
    pub fn key(&self) -> (NodeId, u32) {
        (self.node, self.scope)
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

/// Why a flow entry was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowOrigin {
    /// The inside sent a packet out.
    Outgoing,
    /// The filter let a packet in through a mapping that was there.
    Incoming,
    /// A port-forwarding rule let a packet in.
    Forward,
}

/// When an inside endpoint's outside endpoint is used again (RFC 4787 4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowMapping {
    /// For all remotes: what RFC 4787 wants (REQ-1).
    EndpointIndependent,
    /// For one remote address.
    AddressDependent,
    /// For one remote endpoint; what Linux's masquerading does.
    AddressAndPortDependent,
}

/// Which of a NAT's timers a flow entry runs on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowTimer {
    /// UDP of one direction.
    Udp,
    /// UDP of both directions.
    UdpStream,
    /// A question to a name server.
    Dns,
    /// ICMP echo.
    Icmp,
    /// TCP before the handshake is over.
    TcpOpening,
    /// TCP established.
    TcpEstablished,
    /// TCP with a FIN.
    TcpClosing,
    /// TCP after a RST.
    TcpClosed,
    /// None: it lives as long as the socket that stands for it.
    Socket,
}

/// What explains a flow entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowWhy {
    /// Why it was made.
    pub origin: FlowOrigin,
    /// The port-forwarding rule that made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// When its outside endpoint is used again.
    pub mapping: FlowMapping,
    /// The timer it runs on.
    pub timer: FlowTimer,
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
    /// Why it is there and how long it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<FlowWhy>,
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

/// A port-forwarding rule whose socket is open on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardRow {
    /// The NAT engine it leads into.
    pub engine: NodeId,
    /// The rule's name.
    pub name: String,
    /// Protocol.
    pub proto: L4Proto,
    /// Where the host listens; an unspecified address means any.
    pub host: Endpoint,
    /// Where it leads; an unspecified address means the guest that has the lease.
    pub guest: Endpoint,
}

impl ForwardRow {
    /// Key of the table.
    pub fn key(&self) -> (NodeId, String) {
        (self.engine, self.name.clone())
    }
}
