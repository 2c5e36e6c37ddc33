//! Port security: which MAC addresses may speak at a switch port.
//!
//! Addresses are allowed by name, or taken as they come until there are `max` ("sticky"); every other one is foreign.

use serde::{Deserialize, Serialize};

use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::limits;

/// What happens when a foreign MAC speaks; the words are those of Cisco's `switchport port-security violation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Violation {
    /// Its frames are dropped, and nothing is said.
    Protect,
    /// Its frames are dropped and counted.
    #[default]
    Restrict,
    /// The port is shut until somebody opens it again.
    Shutdown,
}

/// What a port is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityConfig {
    /// Addresses at most, those allowed by name included; 1 to [`limits::PORT_SECURITY_MACS_MAX`].
    pub max: u32,
    /// Allowed by name.
    pub allowed: Vec<MacAddr>,
    /// What happens when a foreign MAC speaks.
    pub violation: Violation,
}

/// Port security of one port.
#[derive(Clone, Debug)]
pub(super) struct Security {
    pub config: SecurityConfig,
    /// Taken as they came.
    pub learned: Vec<MacAddr>,
    /// The first foreign MAC since the port was opened.
    pub foreign: Option<MacAddr>,
    /// Frames of foreign MACs; not counted by [`Violation::Protect`].
    pub violations: u64,
    /// Shut by a violation.
    pub shut: bool,
}

/// What port security says of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    pub result: Result<(), DropReason>,
    /// A row's content has changed.
    pub changed: bool,
}

impl Security {
    pub(super) fn new(mut config: SecurityConfig) -> Self {
        config.max = config.max.clamp(1, limits::PORT_SECURITY_MACS_MAX);
        Self { config, learned: Vec::new(), foreign: None, violations: 0, shut: false }
    }

    /// May a frame from `mac` come in?
    pub(super) fn admit(&mut self, mac: MacAddr) -> Admission {
        if self.shut {
            return Admission { result: Err(DropReason::PortErrDisabled), changed: false };
        }
        if self.config.allowed.contains(&mac) || self.learned.contains(&mac) {
            return Admission { result: Ok(()), changed: false };
        }
        if ((self.config.allowed.len() + self.learned.len()) as u64) < u64::from(self.config.max) {
            self.learned.push(mac);
            return Admission { result: Ok(()), changed: true };
        }
        let first = self.foreign.is_none() && self.config.violation != Violation::Protect;
        if self.config.violation != Violation::Protect {
            self.foreign.get_or_insert(mac);
            self.violations += 1;
        }
        self.shut = self.config.violation == Violation::Shutdown;
        Admission { result: Err(DropReason::PortSecurity), changed: first || self.shut }
    }

    /// Opens the port again; what was learned stays.
    pub(super) fn reopen(&mut self) {
        (self.shut, self.foreign) = (false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACS: [MacAddr; 3] = [MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]), MacAddr([2, 0, 0, 0, 0, 3])];

    fn security(max: u32, allowed: &[MacAddr], violation: Violation) -> Security {
        Security::new(SecurityConfig { max, allowed: allowed.to_vec(), violation })
    }

    #[test]
    fn the_first_addresses_are_taken_and_the_next_is_foreign() {
        let mut port = security(2, &MACS[..1], Violation::Restrict);
        assert_eq!(port.admit(MACS[1]), Admission { result: Ok(()), changed: true });
        assert_eq!(port.admit(MACS[0]).result, Ok(()));
        assert_eq!(port.admit(MACS[2]), Admission { result: Err(DropReason::PortSecurity), changed: true });
        assert_eq!(port.admit(MACS[2]), Admission { result: Err(DropReason::PortSecurity), changed: false });
        assert_eq!((port.violations, port.foreign), (2, Some(MACS[2])));
        assert_eq!(port.admit(MACS[1]).result, Ok(()));
    }

    #[test]
    fn protect_drops_in_silence() {
        let mut port = security(1, &MACS[..1], Violation::Protect);
        assert_eq!(port.admit(MACS[1]), Admission { result: Err(DropReason::PortSecurity), changed: false });
        assert_eq!((port.violations, port.foreign), (0, None));
    }

    #[test]
    fn shutdown_shuts_everybody_out_until_the_port_is_opened() {
        let mut port = security(1, &[], Violation::Shutdown);
        assert_eq!(port.admit(MACS[0]).result, Ok(()));
        assert_eq!(port.admit(MACS[1]).result, Err(DropReason::PortSecurity));
        assert_eq!(port.admit(MACS[0]).result, Err(DropReason::PortErrDisabled));
        port.reopen();
        assert_eq!(port.admit(MACS[0]).result, Ok(()));
    }
}
