//! What runs on a machine: programs as state machines with a PID. No closures, no async: a program is data that is
//! polled whenever something happened to it, so that a machine can be cloned.
//!
//! Owns each program's behaviour and its words on the terminal. Must not know rendering, other machines, or the World:
//! a program acts only through [`Kernel`].

mod kernel;

pub use kernel::*;

/// What a program says after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It waits: for its timer ([`Kernel::wake_at`]), a socket, input, a child or a signal.
    Running,
    /// It ended with this exit status.
    Exited(i32),
}
