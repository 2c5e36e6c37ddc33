//! Where things of the topology are drawn: plain geometry, no Yew.

mod camera;
mod facts;
mod geometry;
mod host;
mod notes;
mod outside;
mod place;
mod route;
mod scene;
pub mod states;
#[cfg(test)]
mod tests;
mod track;
mod twin;
mod walk;

pub use camera::{Camera, Size};
pub use facts::{Fact, facts, mode_of};
pub use geometry::{Curve, Point, Rect};
pub use notes::{NOTE_H, place_note};
pub use scene::{Card, CardKind, Detail, HostBox, Path, Plug, Scene, Socket, compose};
pub use track::Track;
pub use twin::{Spoken, SpokenCard, modes, speak};
pub use walk::{Item, Way, items, next};
