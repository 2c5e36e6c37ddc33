//! `help`: the list of commands, from the [`super::registry`]. English, as everything a terminal prints; the page has a
//! help of its own in both languages.

use super::meaning;
use super::out::{Text, complain};
use super::registry::{self, ToolKind};
use crate::event::Stream;
use crate::programs::Kernel;

/// Columns that a command's name takes.
const NAME_COLUMNS: usize = 11;

/// The list of all commands, one line each; `hypervisor`: with those that need one.
pub fn list(hypervisor: bool) -> Text {
    let mut text = Text::new();
    text.put("These commands work on this machine:\n\n");
    for kind in [ToolKind::Instant, ToolKind::Program, ToolKind::Builtin] {
        for tool in registry::tools().iter().filter(|tool| tool.kind == kind && there(tool.name, hypervisor)) {
            text.put("  ").word(tool.name, meaning::COMMAND);
            text.put(format!("{:width$}{}\n", "", tool.summary, width = NAME_COLUMNS.saturating_sub(tool.name.len())));
        }
    }
    text.put("\nCommands may be joined by ; && and ||. Ctrl-C stops the running one.\n");
    text
}

/// Whether a machine has this command.
fn there(name: &str, hypervisor: bool) -> bool {
    hypervisor || !registry::needs_hypervisor(name)
}

/// The builtin `help [NAME…]`.
pub(super) fn run(args: &[String], prefix: &str, kernel: &mut dyn Kernel) -> i32 {
    if args.is_empty() {
        list(kernel.has_hypervisor()).print(kernel, Stream::Stdout);
        return 0;
    }
    let mut status = 1;
    for name in args {
        if let Some(tool) = registry::find(name).filter(|tool| there(tool.name, kernel.has_hypervisor())) {
            let mut text = Text::new();
            text.word(tool.name, meaning::COMMAND).put(format!(": {}\n", tool.summary));
            text.print(kernel, Stream::Stdout);
            status = 0;
        }
    }
    if status != 0
        && let Some(last) = args.last()
    {
        complain(
            kernel,
            format!(
                "{prefix}help: no help topics match `{last}'.  Try `help help' or `man -k {last}' or `info {last}'."
            ),
        );
    }
    status
}
