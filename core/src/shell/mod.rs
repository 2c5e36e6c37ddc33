//! The shell: words to programs. One command line becomes a list of commands ([`lex`]), which run one after another
//! ([`job`]). One file a tool; the [`registry`] lists them all, and help ([`help`]) and completion ([`complete`]) derive
//! from it. Rows and columns are data: every tool builds spans ([`out`]) whose meanings are listed in [`meaning`].
//!
//! Owns the command line's grammar and the tools that end at once. Must not know World internals: everything a tool
//! learns or does goes through [`crate::programs::Kernel`].

pub mod complete;
mod conntrack;
pub mod help;
pub mod ip;
pub mod iptables;
pub mod job;
pub mod lex;
pub mod meaning;
mod nft;
pub mod out;
pub mod registry;
pub mod ss;
pub mod vboxmanage;

mod builtin;
mod coreutils;
mod expand;
#[cfg(test)]
mod fake;
mod redirect;
#[cfg(test)]
mod replay;
mod sysctl;

use crate::programs::slurp::Slurp;

pub use complete::{CompletionContext, Completions, complete};
pub use job::ShellJob;
pub use registry::{Tool, ToolKind, closest, instant, tools};

/// A tool that may read standard input before it works.
pub(crate) fn slurp(name: &str, argv: &[String]) -> Option<Slurp> {
    match name {
        "iptables-restore" => Some(Slurp::new(iptables::restore, argv.to_vec(), iptables::restore_reads_stdin(argv))),
        "nft" => Some(Slurp::new(nft::run, argv.to_vec(), nft::reads_stdin(argv))),
        _ => None,
    }
}
