//! What a bridge is told about spanning tree, and what Linux takes when it is told nothing.

use core::time::Duration;

/// What a bridge is told about spanning tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StpConfig {
    /// Runs the protocol.
    pub enabled: bool,
    /// First part of the bridge's identity.
    pub priority: u16,
    /// How often the root speaks: 1 to 10 s.
    pub hello_time: Duration,
    /// How long a port listens, and then learns: 2 to 30 s.
    pub forward_delay: Duration,
    /// The age at which the root's information is void: 6 to 40 s.
    pub max_age: Duration,
}

impl Default for StpConfig {
    /// net/bridge/br_device.c, `br_dev_setup`.
    fn default() -> Self {
        Self {
            enabled: false,
            priority: 0x8000,
            hello_time: Duration::from_secs(2),
            forward_delay: Duration::from_secs(15),
            max_age: Duration::from_secs(20),
        }
    }
}

impl StpConfig {
    /// Its times, in force where it is the root.
    pub(super) const fn times(&self) -> Times {
        Times { hello: self.hello_time, forward_delay: self.forward_delay, max_age: self.max_age }
    }
}

/// The three times that the root sets for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::switch) struct Times {
    pub hello: Duration,
    pub forward_delay: Duration,
    pub max_age: Duration,
}
