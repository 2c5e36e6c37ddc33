//! DHCP (RFC 2131, RFC 2132): messages, the server's and the client's decisions for a message and a time.
//!
//! Must not know NICs or the event queue: who sends and receives is [`crate::programs`] on a machine, or a NAT engine.

pub mod client;
mod config;
pub mod message;
pub mod option;
mod pool;
mod probe;
mod reply;
pub mod server;
#[cfg(test)]
mod tests;
mod virtualbox;

pub use client::{BoundLease, Client, ClientAction, ClientConfig};
pub use config::{Flavour, Reservation, ServerConfig};
pub use message::{ClientKey, Message, MessageError, MessageType};
pub use reply::{Reply, ReplyTo};
pub use server::{LeaseChange, Server, ServerAction};

/// The L4 port of servers and relays.
pub const SERVER_PORT: u16 = 67;
/// The L4 port of clients.
pub const CLIENT_PORT: u16 = 68;
