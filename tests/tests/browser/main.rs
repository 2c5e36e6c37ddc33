//! The page in a real browser: Chromium, headless. Needs `cargo xtask build` before, chromium and chromedriver, and for
//! real devices root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod determinism;
mod edit;
mod exercises;
mod frame;
mod frames;
mod host;
mod inside;
mod offline;
mod page;
mod share;
mod stage;
mod time;
