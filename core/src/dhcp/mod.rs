//! DHCP (RFC 2131, RFC 2132): messages, the server's and the client's decisions for a message and a time.
//!
//! Must not know NICs or the event queue: who sends and receives is [`crate::programs`] on a machine, or a NAT engine.

pub mod client;
pub mod message;
pub mod option;
mod pool;
pub mod server;
#[cfg(test)]
mod tests;

pub use client::{BoundLease, Client, ClientAction, ClientConfig};
pub use message::{Message, MessageError, MessageType};
pub use server::{LeaseChange, Reply, ReplyTo, Reservation, Server, ServerAction, ServerConfig};

/// The L4 port of servers and relays.
pub const SERVER_PORT: u16 = 67;
/// The L4 port of clients.
pub const CLIENT_PORT: u16 = 68;
