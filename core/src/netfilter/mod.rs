//! Netfilter: the rules a packet meets on its way through a machine or over its bridge, and the connections it belongs
//! to. Decisions for a packet and a time, as Linux takes them.
//!
//! One rule set ([`model`]) stands under `iptables` and `nft`: both are tools that read and edit it ([`ops`]). A packet
//! is shown at its hooks ([`Netfilter::run`]): `hook` knows the order of chains, conntrack and translation there, `eval`
//! takes it through one chain, [`conntrack`] knows its connection. Must not know where packets come from or go to:
//! [`crate::machine`] and the bridge on a host call it.

pub mod check;
pub mod conntrack;
mod eval;
mod hook;
mod log;
pub mod model;
pub mod ops;
mod text;

use conntrack::Conntrack;
pub use hook::{Fate, Level, Place};
pub use log::Log;
use model::Ruleset;

use crate::event::{Decision, RuleName};
use crate::programs::Errno;
use crate::rng::Rng;

/// A machine's netfilter.
#[derive(Clone, Debug)]
pub struct Netfilter {
    ruleset: Ruleset,
    plan: hook::Plan,
    conntrack: Conntrack,
    log: Log,
    /// What was decided about packets, for who watches.
    said: Vec<Decision>,
    ended_by: Option<RuleName>,
}

impl Netfilter {
    /// No rules, no connections. `rng`: chooses ports.
    pub fn new(rng: Rng) -> Self {
        Self {
            ruleset: Ruleset::default(),
            plan: hook::Plan::default(),
            conntrack: Conntrack::new(rng),
            log: Log::default(),
            said: Vec::new(),
            ended_by: None,
        }
    }

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
        self.plan = hook::Plan::of(&rules);
        self.ruleset = rules;
        Ok(())
    }

    /// The connections.
    pub fn conntrack(&self) -> &Conntrack {
        &self.conntrack
    }

    /// The connections, to be changed.
    pub fn conntrack_mut(&mut self) -> &mut Conntrack {
        &mut self.conntrack
    }

    /// What `LOG` rules have written.
    pub fn log(&self) -> &Log {
        &self.log
    }
}
