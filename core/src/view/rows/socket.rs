//! Rows of sockets and of the processes that hold them.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{JobId, NodeId, Pid};

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
