//! `ss`.
use super::complete::{Grammar, Slot};
use crate::programs::Kernel;

/// Words of `ss`.
pub const GRAMMAR: Grammar =
    Grammar { options: &[], keywords: &[("dev", Slot::Iface)], subcommands: &[], operand: None };

/// Runs `ss`.
pub fn run(_: &[String], _: &mut dyn Kernel) -> i32 {
    0
}
