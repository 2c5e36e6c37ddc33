//! The panels. A panel gets the slices of the state that it shows, and callbacks; it knows no other panel.

pub mod stage;
