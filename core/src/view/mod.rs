//! What a viewer knows: tables, folded from facts. The rows are shared by panels, simulated tools, the agent and goals.
//!
//! A row holds facts only. Ages, counters and queue lengths are samples: they are `None` in facts and filled in by a
//! query ([`crate::world::World::rows`] with samples). Must not know the World.

pub mod route;
mod rows;
mod table;

pub use rows::*;
pub use table::{Key, LabView, Row};
