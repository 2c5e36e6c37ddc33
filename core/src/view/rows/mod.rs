//! Row types. One row is one line of a table that a student knows from a real tool.

mod bridge;
mod hypervisor;
mod ip;
mod service;
mod socket;
mod topology;

pub use bridge::*;
pub use hypervisor::*;
pub use ip::*;
pub use service::*;
pub use socket::*;
pub use topology::*;
