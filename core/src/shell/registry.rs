//! The list of all commands. Help and completion derive from it; the machine asks it for tools that end at once.
//!
//! A long-running program (kind [`ToolKind::Program`]) is listed here for help and completion; what it does is in
//! [`crate::programs`].

use super::complete::Grammar;
use super::{complete, conntrack, coreutils, ip, iptables, nft, ss, sysctl, vboxmanage};
use crate::programs::Kernel;

/// How a tool runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToolKind {
    /// Inside the shell.
    Builtin,
    /// A process that ends in the same instant.
    Instant,
    /// A process that waits for time, packets or input.
    Program,
}

/// A tool that ends at once: arguments (the name first) and the machine, to an exit status.
pub type InstantFn = fn(&[String], &mut dyn Kernel) -> i32;

/// A command.
pub struct Tool {
    /// The name one types.
    pub name: &'static str,
    /// How it runs.
    pub kind: ToolKind,
    /// What it is for, in one English line without a full stop.
    pub summary: &'static str,
    /// Key of the same in the locale files.
    pub summary_key: &'static str,
    /// Its options and words.
    pub grammar: &'static Grammar,
    /// What runs it, for [`ToolKind::Instant`].
    pub run: Option<InstantFn>,
}

macro_rules! tools {
    ($($kind:ident $name:literal $summary:literal $grammar:expr, $run:expr;)*) => {
        /// All commands: by kind of use, then in the order in which a student meets them.
        pub fn tools() -> &'static [&'static Tool] {
            const TOOLS: &[&Tool] = &[$(&Tool {
                name: $name,
                kind: ToolKind::$kind,
                summary: $summary,
                summary_key: concat!("tool-", $name),
                grammar: $grammar,
                run: $run,
            }),*];
            TOOLS
        }
    };
}

tools! {
    Instant "ip" "show and change interfaces, addresses, routes and neighbours" &ip::GRAMMAR, Some(ip::run);
    Instant "sysctl" "show and change settings of the kernel" &sysctl::GRAMMAR, Some(sysctl::run);
    Instant "modprobe" "load a module of the kernel" &sysctl::MODPROBE, Some(sysctl::modprobe);
    Instant "ss" "show sockets" &ss::GRAMMAR, Some(ss::run);
    Instant "iptables" "show and change the packet filter's rules" &iptables::GRAMMAR, Some(iptables::run);
    Program "nft" "show and change the packet filter's rules, in tables of your own" &nft::GRAMMAR, None;
    Instant "iptables-save" "print all rules as iptables-restore reads them" &iptables::SAVE_GRAMMAR, Some(iptables::save);
    Program "iptables-restore" "put rules from a text into the packet filter" &iptables::RESTORE_GRAMMAR, None;
    Instant "conntrack" "show and forget tracked connections" &conntrack::GRAMMAR, Some(conntrack::run);
    Instant "hostname" "show the machine's name or addresses" &complete::HOSTNAME, Some(coreutils::hostname);
    Instant "cat" "print files" &complete::FILES, Some(coreutils::cat);
    Instant "id" "show who you are" &complete::ID, Some(coreutils::id);
    Instant "uname" "show the kernel's name and version" &complete::UNAME, Some(coreutils::uname);
    Program "ping" "ask a machine whether it is there" &complete::PING, None;
    Program "traceroute" "list the routers on the way to a machine" &complete::TRACEROUTE, None;
    Program "dhclient" "get an address from a DHCP server" &complete::DHCLIENT, None;
    Program "dhcpcd" "get an address from a DHCP server, after asking whether it is free" &complete::DHCPCD, None;
    Program "curl" "fetch a page by HTTP" &complete::CURL, None;
    Program "nc" "send and receive over TCP or UDP" &complete::NC, None;
    Program "VBoxManage" "show and change VirtualBox's machines and networks" &vboxmanage::GRAMMAR, None;
    Builtin "echo" "print words" &complete::ECHO, None;
    Builtin "sleep" "wait some seconds" &complete::NOTHING, None;
    Builtin "cd" "change the directory" &complete::NOTHING, None;
    Builtin "pwd" "print the directory" &complete::NOTHING, None;
    Builtin "export" "set a variable" &complete::NOTHING, None;
    Builtin "unset" "forget a variable" &complete::NOTHING, None;
    Builtin "true" "succeed" &complete::NOTHING, None;
    Builtin "false" "fail" &complete::NOTHING, None;
    Builtin ":" "do nothing, and succeed" &complete::NOTHING, None;
    Builtin "clear" "empty the screen" &complete::NOTHING, None;
    Builtin "help" "list the commands" &complete::COMMANDS, None;
    Builtin "exit" "end the command line" &complete::NOTHING, None;
}

/// The command of that name.
pub fn find(name: &str) -> Option<&'static Tool> {
    tools().iter().copied().find(|tool| tool.name == name)
}

/// What runs a tool that ends at once; none when `name` is no such tool.
pub fn instant(name: &str) -> Option<InstantFn> {
    find(name)?.run
}

/// Whether a command is only there where a hypervisor is installed.
pub fn needs_hypervisor(name: &str) -> bool {
    name == "VBoxManage"
}

/// Commands that other texts teach, and what to use here.
const INSTEAD: &[(&str, &str)] = &[
    ("ifconfig", "ip"),
    ("route", "ip"),
    ("arp", "ip"),
    ("netstat", "ss"),
    ("wget", "curl"),
    ("telnet", "nc"),
    ("tracert", "traceroute"),
    ("tracepath", "traceroute"),
    ("mtr", "traceroute"),
    ("netcat", "nc"),
    ("ncat", "nc"),
    ("cls", "clear"),
    ("ipconfig", "ip"),
    ("virtualbox", "VBoxManage"),
];

/// The command that was probably meant by an unknown `name`: at most two letters away, or the usual replacement.
pub fn closest(name: &str) -> Option<&'static Tool> {
    if let Some((_, instead)) = INSTEAD.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
        return find(instead);
    }
    if name.len() > 32 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let allowed = if lower.chars().count() <= 3 { 1 } else { 2 };
    let (distance, tool) = tools()
        .iter()
        .filter(|tool| tool.name.len() > 1)
        .map(|tool| (distance(&lower, tool.name), *tool))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed && tool.name != name).then_some(tool)
}

/// Letters to add, drop, change or swap (restricted Damerau-Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tools_that_end_at_once_have_a_function_and_others_have_none() {
        for tool in tools() {
            assert_eq!(tool.run.is_some(), tool.kind == ToolKind::Instant, "{}", tool.name);
        }
        assert!(instant("ip").is_some());
        assert!(instant("ping").is_none());
        assert!(instant("nope").is_none());
    }

    #[test]
    fn a_mistyped_name_finds_the_command_that_was_meant() {
        for (typed, meant) in [
            ("pnig", Some("ping")),
            ("ifconfig", Some("ip")),
            ("Ip", Some("ip")),
            ("dhclinet", Some("dhclient")),
            ("netstat", Some("ss")),
            ("frobnicate", None),
            ("ping", None),
        ] {
            assert_eq!(closest(typed).map(|tool| tool.name), meant, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn any_name_may_be_unknown(name in any::<String>()) {
            let _ = closest(&name);
        }
    }
}
