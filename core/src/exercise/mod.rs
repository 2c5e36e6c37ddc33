//! Exercises: what to do, how it is recognised that it was done, and how far a student has come. Version 1.
//!
//! An exercise is data: `static/exercises/<id>/exercise.toml` ([`Exercise`]), `text.en.md` and `text.ru.md`
//! ([`ExerciseText`]), `solution.nms` and `wrong/*.nms` (scripts). A goal is a tree of [`Check`]s over what a viewer
//! knows: tables ([`LabView`](crate::view::LabView)) and facts that passed by. [`Progress`] folds events into the state
//! of every goal; it is pure and works over any source: a simulated lab, a recorded one, the agent's. It must not know
//! the World.

mod answers;
mod check;
mod checks;
mod facts;
mod fields;
mod format;
mod notes;
mod progress;
mod text;

#[cfg(test)]
mod question_tests;
#[cfg(test)]
mod tests;

pub use answers::*;
pub use checks::*;
pub use fields::frame_fields;
pub use format::*;
pub use progress::{GoalState, Note, Progress, Verdict};
pub use text::{ExerciseText, Section};

/// Version of the format. A file says which it was written for in `format_version`.
pub const FORMAT_VERSION: u32 = 1;
