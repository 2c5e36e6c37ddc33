//! `sysctl`, as procps 4.0.2 of Debian 12 prints it, and `modprobe`, which makes some of its settings appear.
//!
//! Works on the files below `/proc/sys`, as the real one does.

use super::complete::{Grammar, Slot};
use super::meaning;
use super::out::{Text, complain};
use crate::event::Stream;
use crate::machine::sysctl::path_of;
use crate::programs::{Errno, Kernel};

const USAGE: &str = include_str!("sysctl_usage.txt");
const PROC_SYS: &str = "/proc/sys/";
/// Read by `-p` without a file, and at boot.
const DEFAULT_FILE: &str = "/etc/sysctl.conf";

/// Settings worth offering.
const OFFERED: &[&str] = &[
    "net.ipv4.conf.all.arp_announce",
    "net.ipv4.conf.all.arp_ignore",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.icmp_echo_ignore_all",
    "net.ipv4.ip_default_ttl",
    "net.ipv4.ip_forward",
    "net.ipv4.ping_group_range",
    "net.ipv6.conf.all.disable_ipv6",
    "net.bridge.bridge-nf-call-iptables",
];

/// Words of `sysctl`.
pub const GRAMMAR: Grammar = Grammar {
    options: &["-a", "-e", "-n", "-N", "-p", "-q", "-w", "--system"],
    keywords: &[("-p", Slot::File), ("-r", Slot::Free)],
    subcommands: &[],
    operand: Some(Slot::OneOf(OFFERED)),
};

/// Words of `modprobe`.
pub const MODPROBE: Grammar =
    Grammar { options: &[], keywords: &[], subcommands: &[], operand: Some(Slot::OneOf(&["br_netfilter"])) };

/// What to do, and how to print it.
#[derive(Default)]
struct Options {
    all: bool,
    binary: bool,
    ignore: bool,
    names: bool,
    values: bool,
    load: bool,
    system: bool,
    quiet: bool,
    write: bool,
    dry_run: bool,
    pattern: Option<String>,
}

/// An assignment that was asked for.
struct Assignment {
    path: String,
    value: String,
    /// It began with `-`: a failure does not count.
    forgiven: bool,
    /// Its name has a pattern: it does not touch what is named elsewhere.
    pattern: bool,
}

/// `sysctl [OPTION…] [NAME[=VALUE]…]`
pub(super) fn run(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut args = argv.iter().skip(1);
    while let Some(arg) = args.next() {
        let outcome = match arg.strip_prefix("--") {
            Some("") => {
                words.extend(args.by_ref().cloned());
                None
            }
            Some(long) => long_option(long, &mut options, &mut words, kernel),
            None if arg.len() > 1 && arg.starts_with('-') => short_options(arg, &mut args, &mut options, kernel),
            None => {
                words.push(arg.clone());
                None
            }
        };
        if let Some(status) = outcome {
            return status;
        }
    }
    if options.all || (options.pattern.is_some() && words.is_empty()) {
        return show_below("", &options, kernel);
    }
    if options.load || options.system {
        return load(&words, &options, kernel);
    }
    if words.is_empty() {
        complain(kernel, USAGE.trim_end_matches('\n'));
        return 1;
    }
    words.iter().fold(0, |status, word| status | one(word, &options, kernel))
}

fn help(kernel: &mut dyn Kernel) -> Option<i32> {
    super::out::say(kernel, USAGE);
    Some(0)
}

/// `Some`: ends with that status.
fn long_option(long: &str, options: &mut Options, words: &mut Vec<String>, kernel: &mut dyn Kernel) -> Option<i32> {
    let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
    match name {
        "all" => options.all = true,
        "binary" => options.binary = true,
        "deprecated" => {}
        "dry-run" => options.dry_run = true,
        "ignore" => options.ignore = true,
        "names" => options.names = true,
        "values" => options.values = true,
        "quiet" => options.quiet = true,
        "write" => options.write = true,
        "system" => options.system = true,
        "pattern" => options.pattern = value.map(str::to_owned),
        "load" => {
            options.load = true;
            words.extend(value.map(str::to_owned));
        }
        "help" => return help(kernel),
        "version" => {
            super::out::say(kernel, "sysctl from procps-ng 4.0.2\n");
            return Some(0);
        }
        _ => {
            complain(kernel, format!("sysctl: unrecognized option '--{name}'"));
            return help(kernel);
        }
    }
    None
}

fn short_options<'a>(
    arg: &str,
    args: &mut impl Iterator<Item = &'a String>,
    options: &mut Options,
    kernel: &mut dyn Kernel,
) -> Option<i32> {
    for (at, letter) in arg.char_indices().skip(1) {
        match letter {
            'a' | 'A' | 'X' => options.all = true,
            'b' => options.binary = true,
            'e' => options.ignore = true,
            'N' => options.names = true,
            'n' => options.values = true,
            'p' | 'f' => options.load = true,
            'q' => options.quiet = true,
            'w' => options.write = true,
            'o' | 'x' => {}
            'r' => {
                let rest = arg.get(at + 1..).filter(|rest| !rest.is_empty());
                let Some(pattern) = rest.map(str::to_owned).or_else(|| args.next().cloned()) else {
                    complain(kernel, "sysctl: option requires an argument -- 'r'");
                    return help(kernel);
                };
                options.pattern = Some(pattern);
                return None;
            }
            'd' | 'h' => return help(kernel),
            'V' => {
                super::out::say(kernel, "sysctl from procps-ng 4.0.2\n");
                return Some(0);
            }
            other => {
                complain(kernel, format!("sysctl: invalid option -- '{other}'"));
                return help(kernel);
            }
        }
    }
    None
}

/// One word of the command line.
fn one(word: &str, options: &Options, kernel: &mut dyn Kernel) -> i32 {
    if word.contains('=') || options.write {
        let Some(assignment) = parse(word).filter(|a| !a.value.is_empty() || word.contains('=')) else {
            complain(kernel, "sysctl: command line(0): invalid syntax, continuing...");
            return 1;
        };
        return assign(&assignment, options, kernel);
    }
    show_below(&path_of(word), options, kernel)
}

/// `NAME = VALUE`, `-NAME = VALUE`.
fn parse(line: &str) -> Option<Assignment> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let (name, forgiven) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    let path = path_of(name);
    let pattern = path.contains(['*', '?', '[']);
    (!name.is_empty()).then(|| Assignment { path, value: value.trim().to_owned(), forgiven, pattern })
}

fn missing(path: &str, options: &Options, kernel: &mut dyn Kernel) -> i32 {
    if options.ignore {
        return 0;
    }
    complain(kernel, format!("sysctl: cannot stat {PROC_SYS}{path}: {}", Errno::ENOENT.text()));
    1
}

/// The dotted name of a path.
fn name_of(path: &str) -> String {
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    path.chars().map(swap).collect()
}

fn print(path: &str, value: &str, options: &Options, kernel: &mut dyn Kernel) {
    let mut text = Text::new();
    if options.names {
        text.word(name_of(path), meaning::SYSCTL_NAME).put("\n");
    } else if options.binary {
        text.word(value, meaning::SYSCTL_VALUE);
    } else if options.values {
        text.word(value, meaning::SYSCTL_VALUE).put("\n");
    } else {
        text.word(name_of(path), meaning::SYSCTL_NAME).put(" = ").word(value, meaning::SYSCTL_VALUE).put("\n");
    }
    text.print(kernel, Stream::Stdout);
}

/// Prints a setting, or all of a directory.
fn show_below(path: &str, options: &Options, kernel: &mut dyn Kernel) -> i32 {
    let dir = path.trim_end_matches('/');
    let below =
        |other: &str| dir.is_empty() || other == dir || other.strip_prefix(dir).is_some_and(|r| r.starts_with('/'));
    let paths: Vec<String> = kernel.sysctls().into_iter().filter(|other| below(other)).collect();
    if paths.is_empty() {
        return missing(path, options, kernel);
    }
    for path in paths {
        if options.pattern.as_ref().is_some_and(|pattern| !fits(pattern, &name_of(&path))) {
            continue;
        }
        if let Ok(text) = kernel.read_file(&format!("{PROC_SYS}{path}")) {
            print(&path, text.trim_end_matches('\n'), options, kernel);
        }
    }
    0
}

fn assign(assignment: &Assignment, options: &Options, kernel: &mut dyn Kernel) -> i32 {
    let Assignment { path, value, .. } = assignment;
    if !kernel.sysctls().contains(path) {
        return missing(path, options, kernel);
    }
    let name = name_of(path);
    let written = if options.dry_run { Ok(()) } else { kernel.write_file(&format!("{PROC_SYS}{path}"), value.clone()) };
    match written {
        Ok(()) => {
            if !options.quiet {
                print(path, value, options, kernel);
            }
            0
        }
        Err(Errno::EACCES | Errno::EPERM) => {
            complain(kernel, format!("sysctl: permission denied on key \"{name}\""));
            1
        }
        Err(errno) => {
            complain(kernel, format!("sysctl: setting key \"{name}\": {}", errno.text()));
            1
        }
    }
}

/// `-p [FILE…]` and `--system`.
fn load(words: &[String], options: &Options, kernel: &mut dyn Kernel) -> i32 {
    let mut files: Vec<&str> = words.iter().map(String::as_str).collect();
    if files.is_empty() {
        files.push(DEFAULT_FILE);
    }
    let mut assignments = Vec::new();
    let mut status = 0;
    for file in files {
        let text = match kernel.read_file(&super::builtin::resolve(super::expand::HOME, file)) {
            Ok(text) => text,
            Err(errno) => {
                complain(kernel, format!("sysctl: cannot open \"{file}\": {}", errno.text()));
                return 1;
            }
        };
        if options.system && !options.quiet {
            super::out::say(kernel, format!("* Applying {file} ...\n"));
        }
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            match parse(line) {
                Some(assignment) => assignments.push(assignment),
                None => {
                    complain(kernel, format!("sysctl: {file}({number}): invalid syntax, continuing..."));
                    status = 1;
                }
            }
        }
    }
    status | assign_all(assignments, options, kernel)
}

/// Patterns reach what no line names itself (sysctl.d(5)).
fn assign_all(assignments: Vec<Assignment>, options: &Options, kernel: &mut dyn Kernel) -> i32 {
    let named: Vec<String> = assignments.iter().filter(|a| !a.pattern).map(|a| a.path.clone()).collect();
    let mut status = 0;
    for assignment in assignments {
        if !assignment.pattern {
            let failed = assign(&assignment, options, kernel);
            status |= if assignment.forgiven { 0 } else { failed };
            continue;
        }
        let fits = |path: &String| {
            let (a, b) = (assignment.path.split('/'), path.split('/'));
            a.clone().count() == b.clone().count() && a.zip(b).all(|(pattern, part)| super::ip::glob(pattern, part))
        };
        for path in kernel.sysctls().into_iter().filter(|path| fits(path) && !named.contains(path)) {
            let one = Assignment { path, value: assignment.value.clone(), forgiven: false, pattern: false };
            status |= assign(&one, options, kernel);
        }
    }
    status
}

/// Whether a name fits a regular expression, of which `^`, `$`, `.` and `.*` are known: what one types at `-r`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, start) = pattern.strip_prefix('^').map_or((pattern, false), |rest| (rest, true));
    let (pattern, end) = pattern.strip_suffix('$').map_or((pattern, false), |rest| (rest, true));
    let mut glob = String::new();
    if !start {
        glob.push('*');
    }
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' if chars.peek() == Some(&'*') => {
                chars.next();
                glob.push('*');
            }
            '.' => glob.push('?'),
            '\\' => glob.extend(chars.next()),
            c => glob.push(c),
        }
    }
    if !end {
        glob.push('*');
    }
    super::ip::glob(&glob, name)
}

/// `modprobe NAME…`
pub(super) fn modprobe(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let names: Vec<&String> = argv.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if names.is_empty() {
        complain(kernel, "modprobe: ERROR: missing parameters. See -h.");
        return 1;
    }
    let name = names[0].replace('-', "_");
    match kernel.load_module(&name) {
        Ok(()) => 0,
        Err(_) => {
            let place = "/lib/modules/6.1.0-37-amd64";
            complain(kernel, format!("modprobe: FATAL: Module {} not found in directory {place}", names[0]));
            1
        }
    }
}
