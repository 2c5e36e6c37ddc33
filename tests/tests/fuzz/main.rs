//! Everything that comes from outside, as a fuzzer would send it: frames, DHCP messages, labs, command lines, scripts,
//! messages of a page. Run as tests these are bounded and need nothing but stable Rust; `cargo bolero test -p
//! netmodes-tests NAME` lets a fuzzing engine drive the same targets.

#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped here is what the fuzzer looks for")]

mod frames;
mod text;

/// Runs of one target as a test.
const RUNS: usize = 400;
