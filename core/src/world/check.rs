//! What must hold of a world after every step. Tests run it; a violation is a bug of ours, never of a student's.

use std::collections::BTreeMap;

use super::World;
use crate::view::{LeaseState, Row};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl World {
    /// Checks the invariants.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self) -> Result<(), Violation> {
        self.check_account()?;
        self.check_ports()?;
        self.check_leases()
    }

    /// Every frame that arrived was delivered, sent on, or dropped with a reason.
    fn check_account(&self) -> Result<(), Violation> {
        let account = &self.account;
        let ended = account.delivered + account.forwarded + account.dropped;
        if account.arrived == ended { Ok(()) } else { Err(Violation(format!("frames do not add up: {account:?}"))) }
    }

    /// Each end of a cable is at a port that knows of it.
    fn check_ports(&self) -> Result<(), Violation> {
        for cable in self.links.iter().flatten() {
            for (end, port) in cable.ends.iter().enumerate() {
                if self.cable_at(*port) != Some((cable.row.id, end as u8)) {
                    return Err(Violation(format!("{:?} is not plugged in at {port:?}", cable.row.id)));
                }
            }
        }
        Ok(())
    }

    /// No address is bound to two clients of one server.
    fn check_leases(&self) -> Result<(), Violation> {
        let mut holders = BTreeMap::new();
        for row in self.rows(false) {
            if let Row::Lease(lease) = row
                && lease.state == LeaseState::Bound
                && holders.insert((lease.server, lease.addr), lease.mac).is_some()
            {
                return Err(Violation(format!("{} is leased twice", lease.addr)));
            }
        }
        Ok(())
    }
}
