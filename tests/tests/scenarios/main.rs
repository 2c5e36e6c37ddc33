//! Scenarios: what a student does, on the whole core, headless. Needs nothing from the system.

mod exercises;
mod labs;
mod nat;
mod reach;
mod stack;
mod tcp;
mod tour;
mod walk;
