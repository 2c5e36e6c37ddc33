//! Network address translation as mapping, filtering and timeouts (RFC 4787, 5382, 5508): decisions for a packet and a
//! time. Must not know NICs, frames or the event queue: [`crate::machine`] rewrites what is decided here.
//!
//! A flow is seen from three sides: the *inside* endpoint (the machine behind the NAT, in its *realm*: two NAT engines
//! of one host have equal addresses inside), the *outside* endpoint (what the world sees instead), and the *remote*
//! endpoint. For ICMP echo, the identifier stands for the inside's and the outside's port, and the remote has 0.

mod config;
mod flow;
mod ports;
mod recent;
mod table;
#[cfg(test)]
mod tests;

pub use config::{Filtering, Mapping, NatConfig, Timeouts};
pub use table::Nat;

use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::id::FlowId;

/// A packet on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The private network it comes from.
    pub realm: u32,
    /// Protocol.
    pub proto: L4Proto,
    /// Its source.
    pub inside: Endpoint,
    /// Its destination.
    pub remote: Endpoint,
    /// TCP's flags, 0 for others.
    pub tcp_flags: u8,
}

/// What a packet on its way out becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// Its new source.
    pub outside: Endpoint,
}

/// What a packet that comes in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A flow's: for this machine inside.
    To {
        /// The flow.
        flow: FlowId,
        /// The private network.
        realm: u32,
        /// Its new destination.
        inside: Endpoint,
    },
    /// No mapping has this outside endpoint: the translating machine's own stack decides.
    NotOurs,
    /// There is a mapping, but this sender may not use it.
    Refused(DropReason),
}

/// A change of the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// New, or in another state.
    Put(FlowId),
    /// Gone.
    Del(FlowId),
}
