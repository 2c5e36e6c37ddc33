//! Everything that comes from outside, as a fuzzer would send it: frames, DHCP messages, labs, command lines, scripts,
//! messages of a page. Run as tests these are bounded and need nothing but stable Rust; `cargo bolero test -p
//! netmodes-tests NAME` lets a fuzzing engine drive the same targets.

mod frames;
mod text;

/// Runs of one target as a test.
const RUNS: usize = 400;
