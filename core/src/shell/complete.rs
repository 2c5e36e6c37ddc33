//! Completion: what may stand at the end of a line that is being typed. Pure: names of this machine come in a context.
//!
//! Each command's [`Grammar`] says which words may follow; the walk over the line follows abbreviations as the tool does.

use super::registry;

/// What a machine's names are, for completion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionContext {
    /// Names of interfaces.
    pub ifaces: Vec<String>,
    /// IPv4 addresses worth offering: own ones, gateways, neighbours.
    pub addrs: Vec<String>,
    /// Names that a resolver or /etc/hosts knows.
    pub hosts: Vec<String>,
    /// Full names of files.
    pub files: Vec<String>,
}

/// What may stand at the end of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Byte at which the word begins that is to be replaced.
    pub from: usize,
    /// Whole words, sorted, without a blank behind.
    pub words: Vec<String>,
}

/// What kind of word may stand somewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// An interface's name.
    Iface,
    /// An IPv4 address or a host's name.
    Host,
    /// An IPv4 address.
    Addr,
    /// A file's name.
    File,
    /// A command's name.
    Command,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A value that cannot be guessed (a number).
    Free,
}

/// A word with what may follow it in place of everything else.
pub type Subcommand = (&'static [&'static str], &'static Grammar);

/// Which words a command takes.
#[derive(Debug)]
pub struct Grammar {
    /// Words that begin with `-`.
    pub options: &'static [&'static str],
    /// Options and keywords that take a value.
    pub keywords: &'static [(&'static str, Slot)],
    /// Words after which another grammar holds; the first name of each is the one that is offered.
    pub subcommands: &'static [Subcommand],
    /// What may stand without a keyword.
    pub operand: Option<Slot>,
}

const EMPTY: Grammar = Grammar { options: &[], keywords: &[], subcommands: &[], operand: None };
/// Takes nothing that can be guessed.
pub const NOTHING: Grammar = EMPTY;
/// `echo`.
pub const ECHO: Grammar = Grammar { options: &["-n", "-e", "-E"], ..EMPTY };
/// `help`.
pub const COMMANDS: Grammar = Grammar { operand: Some(Slot::Command), ..EMPTY };
/// `cat`.
pub const FILES: Grammar =
    Grammar { options: &["-n", "-b", "-s", "-A", "-E", "-T"], operand: Some(Slot::File), ..EMPTY };
/// `hostname`.
pub const HOSTNAME: Grammar = Grammar { options: &["-f", "-i", "-I", "-s", "-d", "-A"], ..EMPTY };
/// `id`.
pub const ID: Grammar = Grammar { options: &["-u", "-g", "-G", "-n"], operand: Some(Slot::OneOf(&["root"])), ..EMPTY };
/// `uname`.
pub const UNAME: Grammar = Grammar { options: &["-a", "-s", "-n", "-r", "-v", "-m", "-p", "-i", "-o"], ..EMPTY };
/// `ping`.
pub const PING: Grammar = Grammar {
    options: &["-n", "-q", "-f"],
    keywords: &[
        ("-c", Slot::Free),
        ("-i", Slot::Free),
        ("-s", Slot::Free),
        ("-t", Slot::Free),
        ("-W", Slot::Free),
        ("-I", Slot::Iface),
        ("-M", Slot::OneOf(&["do", "dont", "want"])),
    ],
    subcommands: &[],
    operand: Some(Slot::Host),
};
/// `traceroute`.
pub const TRACEROUTE: Grammar = Grammar {
    options: &["-n", "-I", "-U", "-F"],
    keywords: &[
        ("-m", Slot::Free),
        ("-q", Slot::Free),
        ("-w", Slot::Free),
        ("-f", Slot::Free),
        ("-p", Slot::Free),
        ("-i", Slot::Iface),
        ("-s", Slot::Addr),
        ("-z", Slot::Free),
    ],
    subcommands: &[],
    operand: Some(Slot::Host),
};
/// `dhclient`.
pub const DHCLIENT: Grammar = Grammar {
    options: &["-v", "-r", "-x", "-1", "-d"],
    keywords: &[("-lf", Slot::File), ("-cf", Slot::File)],
    subcommands: &[],
    operand: Some(Slot::Iface),
};
/// `dhcpcd`.
pub const DHCPCD: Grammar = Grammar {
    options: &["-4", "-d", "-1", "-n", "-k", "-x", "-T", "-B", "-A"],
    keywords: &[("-s", Slot::Free), ("-r", Slot::Free), ("-t", Slot::Free), ("-m", Slot::Free), ("-h", Slot::Free)],
    subcommands: &[],
    operand: Some(Slot::Iface),
};
/// `curl`.
pub const CURL: Grammar = Grammar {
    options: &["-v", "-s", "-I", "-4"],
    keywords: &[("-o", Slot::File), ("-m", Slot::Free), ("--interface", Slot::Iface)],
    subcommands: &[],
    operand: Some(Slot::Host),
};
/// `nc`.
pub const NC: Grammar = Grammar {
    options: &["-l", "-u", "-v", "-n", "-z", "-k"],
    keywords: &[("-p", Slot::Free), ("-w", Slot::Free), ("-s", Slot::Addr)],
    subcommands: &[],
    operand: Some(Slot::Host),
};

/// What may stand at the end of `line`.
pub fn complete(context: &CompletionContext, line: &str) -> Completions {
    let start = line.rfind([';', '&', '|', '\n']).map_or(0, |at| at + 1);
    let command = line.get(start..).unwrap_or("");
    let from = command.rfind([' ', '\t']).map_or(start, |at| start + at + 1);
    let typed = line.get(from..).unwrap_or("");
    let before: Vec<&str> = line.get(start..from).unwrap_or("").split_whitespace().collect();
    let mut words = match before.split_first() {
        None => slot(context, Slot::Command),
        Some((name, args)) => {
            let name = name.rsplit('/').next().unwrap_or(name);
            match registry::find(name) {
                Some(tool) => after(context, tool.grammar, args, typed),
                None => slot(context, Slot::File),
            }
        }
    };
    words.retain(|word| word.starts_with(typed) && !word.is_empty());
    words.sort();
    words.dedup();
    Completions { from, words }
}

/// What may follow `args`.
fn after(context: &CompletionContext, mut grammar: &'static Grammar, args: &[&str], typed: &str) -> Vec<String> {
    let mut pending: Option<Slot> = None;
    let mut used: Vec<&str> = Vec::new();
    let mut entered = false;
    for arg in args {
        if pending.take().is_some() {
            continue;
        }
        if let Some((_, value)) = grammar.keywords.iter().find(|(keyword, _)| keyword == arg) {
            pending = Some(*value);
            used.push(arg);
        } else if let Some((_, next)) = grammar.subcommands.iter().find(|(names, _)| names_match(names, arg)) {
            grammar = next;
            used.clear();
            entered = true;
        } else {
            used.push(arg);
        }
    }
    if let Some(value) = pending {
        return slot(context, value);
    }
    let mut words: Vec<String> = Vec::new();
    words.extend(grammar.subcommands.iter().filter_map(|(names, _)| names.first()).map(|name| (*name).to_owned()));
    if let Some(operand) = grammar.operand {
        words.extend(slot(context, operand));
    }
    let keywords = grammar.keywords.iter().map(|(keyword, _)| *keyword);
    let fitting = keywords.chain(grammar.options.iter().copied()).filter(|word| {
        // Options are offered once a dash is typed; a keyword once, and not before the subcommand it belongs to.
        if word.starts_with('-') {
            typed.starts_with('-')
        } else {
            !used.contains(word) && (entered || !typed.is_empty())
        }
    });
    words.extend(fitting.map(str::to_owned));
    words
}

/// Whether `arg` is one of the names or begins the first of them, as iproute2's abbreviations do.
fn names_match(names: &[&str], arg: &str) -> bool {
    names.contains(&arg) || (!arg.is_empty() && names.first().is_some_and(|name| name.starts_with(arg)))
}

/// All words of a kind.
fn slot(context: &CompletionContext, slot: Slot) -> Vec<String> {
    match slot {
        Slot::Iface => context.ifaces.clone(),
        Slot::Host => context.hosts.iter().chain(&context.addrs).cloned().collect(),
        Slot::Addr => context.addrs.clone(),
        Slot::File => context.files.clone(),
        Slot::Command => registry::tools().iter().map(|tool| tool.name.to_owned()).collect(),
        Slot::OneOf(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Slot::Free => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn context() -> CompletionContext {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        CompletionContext {
            ifaces: list(&["lo", "enp0s3"]),
            addrs: list(&["10.0.2.15", "10.0.2.1"]),
            hosts: list(&["gw", "example.org"]),
            files: list(&["/etc/hosts", "/etc/resolv.conf"]),
        }
    }

    fn words(line: &str) -> Vec<String> {
        complete(&context(), line).words
    }

    #[test]
    fn the_first_word_is_a_command() {
        assert_eq!(words("pi"), ["ping"]);
        assert_eq!(words("true; host"), ["hostname"]);
        assert_eq!(complete(&context(), "true && pi").from, 8);
    }

    #[test]
    fn ip_knows_objects_commands_and_keywords() {
        assert_eq!(words("ip a"), ["address"]);
        assert_eq!(words("ip addr a"), ["add"]);
        assert_eq!(words("ip a add 10.0.0.1/24 d"), ["dev"]);
        assert_eq!(words("ip addr add 10.0.0.1/24 dev e"), ["enp0s3"]);
        assert_eq!(words("ip -br l s"), ["set", "show"]);
        assert_eq!(words("ip link set enp0s3 u"), ["up"]);
        assert_eq!(words("ip r add default v"), ["via"]);
        assert_eq!(words("ip r add default via 10.0.2.1 v"), Vec::<String>::new());
        assert!(words("ip -").contains(&"-br".to_owned()));
    }

    #[test]
    fn addresses_hosts_and_files_come_from_the_context() {
        assert_eq!(words("ping 10.0.2.1"), ["10.0.2.1", "10.0.2.15"]);
        assert_eq!(words("ping -I e"), ["enp0s3"]);
        assert_eq!(words("cat /etc/r"), ["/etc/resolv.conf"]);
        assert_eq!(words("ss state est"), ["established"]);
    }

    proptest! {
        #[test]
        fn any_line_completes_within_itself(line in any::<String>()) {
            let done = complete(&context(), &line);
            prop_assert!(line.is_char_boundary(done.from));
            for word in &done.words {
                prop_assert!(word.starts_with(&line[done.from..]));
            }
        }
    }
}
