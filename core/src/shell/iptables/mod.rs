//! `iptables`, `iptables-save` and `iptables-restore`, as iptables-nft 1.8.9 (Debian 12) reads its words and prints the
//! rules: a front-end to the same rule set that `nft` shows.
//!
//! Owns the tools' words. Must not know what a rule does to a packet: that is [`crate::netfilter`].

mod args;
mod exts;
mod fail;
mod getopt;
mod list;
pub(super) mod names;
mod print;
mod read;
mod restore;
mod run;
mod save;
mod spec;
mod targets;

#[cfg(test)]
mod tests;

pub(super) use restore::{reads_stdin as restore_reads_stdin, run as restore};
pub(super) use save::run as save;

use fail::{Fail, Kind};
use names::Hosts;
use run::Work;

use super::complete::{Grammar, Slot};
use super::out::{Text, complain};
use crate::event::Stream;
use crate::programs::Kernel;

/// Behind the tool's name.
const VERSION: &str = "v1.8.9 (nf_tables)";

const TARGETS: &[&str] = &["ACCEPT", "DROP", "REJECT", "RETURN", "LOG", "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "CT"];
const CHAINS: &[&str] = &["INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"];
const MATCHES: &[&str] = &[
    "conntrack",
    "state",
    "multiport",
    "iprange",
    "mac",
    "limit",
    "comment",
    "physdev",
    "tcp",
    "udp",
    "icmp",
    "ttl",
    "addrtype",
];

/// For completion.
pub(super) const GRAMMAR: Grammar = Grammar {
    options: &[
        "-n",
        "-v",
        "-x",
        "--line-numbers",
        "-f",
        "--syn",
        "-c",
        "--sport",
        "--dport",
        "--ctstate",
        "--state",
        "--dports",
        "--sports",
        "--icmp-type",
        "--tcp-flags",
        "--limit",
        "--limit-burst",
        "--comment",
        "--mac-source",
        "--src-range",
        "--dst-range",
        "--reject-with",
        "--log-prefix",
        "--log-level",
        "--to-source",
        "--to-destination",
        "--to-ports",
        "--physdev-is-bridged",
    ],
    keywords: &[
        ("-t", Slot::OneOf(&["filter", "nat", "mangle", "raw", "security"])),
        ("-A", Slot::OneOf(CHAINS)),
        ("-D", Slot::OneOf(CHAINS)),
        ("-I", Slot::OneOf(CHAINS)),
        ("-R", Slot::OneOf(CHAINS)),
        ("-C", Slot::OneOf(CHAINS)),
        ("-L", Slot::OneOf(CHAINS)),
        ("-S", Slot::OneOf(CHAINS)),
        ("-F", Slot::OneOf(CHAINS)),
        ("-Z", Slot::OneOf(CHAINS)),
        ("-P", Slot::OneOf(CHAINS)),
        ("-N", Slot::Free),
        ("-X", Slot::Free),
        ("-E", Slot::Free),
        ("-j", Slot::OneOf(TARGETS)),
        ("-g", Slot::Free),
        ("-m", Slot::OneOf(MATCHES)),
        ("-p", Slot::OneOf(&["tcp", "udp", "icmp", "all"])),
        ("-s", Slot::Addr),
        ("-d", Slot::Addr),
        ("-i", Slot::Iface),
        ("-o", Slot::Iface),
        ("--physdev-in", Slot::Iface),
        ("--physdev-out", Slot::Iface),
    ],
    subcommands: &[],
    operand: Some(Slot::OneOf(&["ACCEPT", "DROP"])),
};
/// For completion of `iptables-save`.
pub(super) const SAVE_GRAMMAR: Grammar = Grammar {
    options: &["-c"],
    keywords: &[("-t", Slot::OneOf(&["filter", "nat", "mangle", "raw", "security"]))],
    subcommands: &[],
    operand: None,
};
/// For completion of `iptables-restore`.
pub(super) const RESTORE_GRAMMAR: Grammar = Grammar {
    options: &["-c", "-n", "-t", "-v"],
    keywords: &[("-T", Slot::OneOf(&["filter", "nat", "mangle", "raw", "security"]))],
    subcommands: &[],
    operand: Some(Slot::File),
};

/// Runs `iptables`.
pub(super) fn run(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let hosts = Hosts::read(kernel);
    let mut rules = kernel.ruleset();
    let mut out = Text::new();
    let done = command(argv.get(1..).unwrap_or(&[]), &mut rules, &hosts, &mut out, kernel);
    out.print(kernel, Stream::Stdout);
    match done {
        Ok(false) => 0,
        Ok(true) => match kernel.ruleset_replace(rules) {
            Ok(()) => 0,
            Err(errno) => {
                complain(kernel, format!("iptables: {}.", errno.text()));
                4
            }
        },
        Err(fail) => {
            let text = said(&fail, "iptables", None);
            complain(kernel, text);
            fail.exit
        }
    }
}

/// Carries out one command line; whether it changed the rules.
fn command(
    words: &[String],
    rules: &mut crate::netfilter::model::Ruleset,
    hosts: &Hosts,
    out: &mut Text,
    kernel: &mut dyn Kernel,
) -> Result<bool, Fail> {
    let request = args::parse(words, hosts, None)?;
    match request.command {
        'V' => {
            out.put(format!("iptables {VERSION}\n"));
            return Ok(false);
        }
        'h' => {
            out.put(include_str!("usage.txt"));
            return Ok(false);
        }
        _ => {}
    }
    request.warnings.iter().for_each(|line| complain(kernel, line));
    if run::builtin(&request.table).is_none() {
        return Err(Fail::version(format!("table '{}' does not exist", request.table)));
    }
    let mut work = Work { rules, table: &request.table, hosts, out, validate: true };
    work.run(&request)?;
    Ok(!matches!(request.command, 'L' | 'S' | 'C') || request.zero)
}

/// An error's lines. A rule that iptables-nft stumbles over has a line of its own before them.
fn said(fail: &Fail, tool: &str, line: Option<usize>) -> String {
    if let Kind::Versioned(text) = &fail.kind
        && let Some((text, before)) = text.split_once('\u{0}')
    {
        let plain = Fail { kind: Kind::Versioned(text.to_owned()), exit: fail.exit };
        return format!("Error: {before}\n{}", plain.render(tool, line));
    }
    fail.render(tool, line)
}
