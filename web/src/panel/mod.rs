//! The panels. A panel gets the slices of the state that it shows, and callbacks; it knows no other panel.

pub mod edit;
pub mod errors;
pub mod exercise;
pub mod first;
pub mod frame;
pub mod frames;
pub mod look;
pub mod modal;
pub mod parts;
pub mod proof;
pub mod reach;
pub mod share;
pub mod sockets;
pub mod stage;
pub mod tables;
pub mod terminal;
pub mod time;
pub mod top;
pub mod why;
