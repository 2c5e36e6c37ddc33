//! `ip`.
use super::complete::{Grammar, Slot};
use crate::programs::Kernel;

/// Words of `ip`.
pub const GRAMMAR: Grammar =
    Grammar { options: &[], keywords: &[("dev", Slot::Iface)], subcommands: &[], operand: None };

/// Runs `ip`.
pub fn run(_: &[String], _: &mut dyn Kernel) -> i32 {
    0
}
