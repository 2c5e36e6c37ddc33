//! The worker's module: the world behind a door of numbers and bytes. No JavaScript object is held inside, so a copy of
//! its linear memory is a whole snapshot. `static/worker.js` calls these functions and owns the clock.
#![allow(unreachable_pub, reason = "wasm-bindgen exports only `pub` functions, and a binary has no other public")]

fn main() {}
