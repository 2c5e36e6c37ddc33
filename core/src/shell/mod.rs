//! The shell: words to programs. One command line becomes a list of commands ([`lex`]), which run one after another
//! ([`job`]). One file a tool; the [`registry`] lists them all, and help ([`help`]) and completion ([`complete`]) derive
//! from it. Rows and columns are data: every tool builds spans ([`out`]) whose meanings are listed in [`meaning`].
//!
//! Owns the command line's grammar and the tools that end at once. Must not know World internals: everything a tool
//! learns or does goes through [`crate::programs::Kernel`].

pub mod complete;
pub mod help;
pub mod ip;
pub mod job;
pub mod lex;
pub mod meaning;
pub mod out;
pub mod registry;
pub mod ss;

mod builtin;
mod coreutils;
mod expand;
#[cfg(test)]
mod fake;
mod sysctl;

pub use complete::{CompletionContext, Completions, complete};
pub use job::ShellJob;
pub use registry::{Tool, ToolKind, closest, instant, tools};
