//! DHCP (RFC 2131, 2132): the messages, the server's and the client's decisions. Must not know NICs or the event queue.

mod stub;
pub use stub::*;
