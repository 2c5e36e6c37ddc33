//! `ss`, as iproute2 6.1.0 (Debian 12) prints it: a formatter of [`SocketRow`]s, shared by the simulated command and by
//! the agent, which shows the real host's sockets with it.
//!
//! [`parse`] the arguments, then [`render`] rows. Owns options, filters and columns; must not know where rows come from.

mod filter;
mod layout;
mod options;
mod rows;
pub(super) mod services;
mod summary;

pub use filter::Filter;
pub use options::{SsOptions, parse};
pub use rows::render;
pub use services::{DebianNames, Names};
pub use summary::{SsSummary, render_summary};

use super::complete::{Grammar, Slot};
use super::out::{Text, complain, say};
use crate::event::Stream;
use crate::programs::Kernel;

/// Why `ss` ends before it prints a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsError {
    /// What it prints, without the last line feed.
    pub message: String,
    /// To standard output: asked-for help or version; otherwise to standard error.
    pub to_stdout: bool,
    /// Its exit status.
    pub exit: i32,
}

const STATES: &[&str] = &[
    "all",
    "connected",
    "synchronized",
    "bucket",
    "big",
    "established",
    "syn-sent",
    "syn-recv",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "closed",
    "close-wait",
    "last-ack",
    "listening",
    "closing",
];

/// Words of `ss`, for completion.
pub(super) const GRAMMAR: Grammar = Grammar {
    options: &[
        "-n", "-r", "-a", "-l", "-o", "-e", "-m", "-p", "-i", "-s", "-4", "-6", "-0", "-t", "-u", "-w", "-x", "-H",
        "-O", "and", "or", "not",
    ],
    keywords: &[
        ("state", Slot::OneOf(STATES)),
        ("exclude", Slot::OneOf(STATES)),
        ("dst", Slot::Addr),
        ("src", Slot::Addr),
        ("sport", Slot::OneOf(&["="])),
        ("dport", Slot::OneOf(&["="])),
    ],
    subcommands: &[],
    operand: None,
};

/// Runs the simulated `ss`.
pub(super) fn run(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let options = match parse(argv.get(1..).unwrap_or(&[])) {
        Ok(options) => options,
        Err(error) => {
            if error.to_stdout {
                say(kernel, format!("{}\n", error.message));
            } else {
                complain(kernel, &error.message);
            }
            return error.exit;
        }
    };
    let rows = kernel.sockets();
    let mut text = Text::new();
    if options.summary {
        text.append(render_summary(&SsSummary::of(&rows)));
    }
    if options.rows_wanted() {
        text.append(render(&options, &rows, kernel.tty_columns(), &DebianNames));
    }
    text.print(kernel, Stream::Stdout);
    0
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
