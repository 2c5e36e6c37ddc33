//! The whole network.

mod command;

pub use command::{CableState, Command};
