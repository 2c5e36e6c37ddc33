//! Where things of the topology are drawn: plain geometry, no Yew.

mod geometry;
mod scene;
#[cfg(test)]
mod tests;
mod twin;

pub use geometry::{Curve, Point, Rect};
pub use scene::{Card, CardKind, Path, Scene, Socket, compose};
pub use twin::{Spoken, modes, speak};
