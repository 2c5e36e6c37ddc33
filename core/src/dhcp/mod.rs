//! DHCP (RFC 2131, RFC 2132): messages, the server's and the client's decisions for a message and a time.
//!
//! Must not know NICs or the event queue: who sends and receives is [`crate::programs`] on a machine, or a NAT engine.

mod action;
pub mod client;
mod config;
mod lease;
pub mod message;
pub mod option;
mod pool;
mod probe;
mod reply;
pub mod server;
#[cfg(test)]
mod tests;
mod timing;
mod virtualbox;

pub use action::{ClientAction, ClientConfig};
pub use client::Client;
pub use config::{Flavour, Reservation, ServerConfig};
pub use lease::BoundLease;
pub use message::{ClientKey, Message, MessageError, MessageType};
pub use reply::{Reply, ReplyTo};
pub use server::{LeaseChange, Server, ServerAction};
pub use timing::Manner;

/// The L4 port of servers and relays.
pub const SERVER_PORT: u16 = 67;
/// The L4 port of clients.
pub const CLIENT_PORT: u16 = 68;
