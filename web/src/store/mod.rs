//! Everything the page knows, and how it changes: one [`AppState`], one [`reduce`]. Plain Rust: no Yew, no browser.
//!
//! The state is made of [`Shared`] slices, so that a copy of it costs a few pointers and a panel is drawn again only when
//! its slice changed. Logs that grow are kept in pieces for the same reason ([`frames`], [`outcomes`]).

pub mod action;
pub mod capture;
pub mod clock;
pub mod course;
pub mod crossing;
pub mod edit;
pub mod ends;
pub mod exchange;
pub mod exercise;
pub mod follow;
pub mod frames;
pub mod guide;
pub mod highlight;
pub mod inside;
pub mod ladder;
pub mod line;
pub mod matched;
pub mod outcomes;
pub mod panes;
pub mod past;
mod reduce;
pub mod share;
mod snapshot;
pub mod state;
pub mod terminal;
pub mod tiles;
pub mod travel;
pub mod tuple;

pub use action::{Action, Effect, Select};
pub use clock::Clock;
pub use course::{Course, ExerciseAction};
pub use edit::{EditAction, EditState, EditTarget};
pub use exercise::ExerciseState;
pub use frames::{FrameEntry, FrameLog};
pub use highlight::Highlight;
pub use inside::{Happened, Inside, InsideAction, Reach};
pub use outcomes::{Outcome, Outcomes, What};
pub use past::PastState;
pub use reduce::reduce;
pub use share::ShareAction;
pub use state::{AppState, Connection, Host, Lab, Lang, Selection, Theme};
pub use terminal::Terminal;
pub use travel::Travel;

pub use crate::shared::Shared;
