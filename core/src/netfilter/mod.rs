//! Netfilter: the rules a packet meets on its way through a machine or over its bridge, and the connections it belongs
//! to. Decisions for a packet and a time, as Linux takes them.
//!
//! One rule set ([`model`]) stands under `iptables` and `nft`: both are tools that read and edit it. Must not know
//! where packets come from or go to: [`crate::machine`] and the bridge on a host call it at their hooks.

pub mod check;
pub mod conntrack;
pub mod model;
pub mod ops;

use model::Ruleset;

use crate::programs::Errno;

/// A machine's netfilter.
#[derive(Clone, Debug, Default)]
pub struct Netfilter {
    ruleset: Ruleset,
}

impl Netfilter {
    /// The rules, with their counters.
    pub fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// Puts a whole rule set in place of the present one: all of it or nothing.
    ///
    /// # Errors
    /// As [`check::validate`]; the present rules stay then.
    pub fn replace(&mut self, rules: Ruleset) -> Result<(), Errno> {
        check::validate(&rules)?;
        self.ruleset = rules;
        Ok(())
    }
}
