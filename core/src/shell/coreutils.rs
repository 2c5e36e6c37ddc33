//! Small tools that end at once: cat, hostname, id, uname. As Debian 12's coreutils 9.1 and hostname 3.23 print them.

use core::net::IpAddr;

use super::meaning;
use super::out::{Text, complain, say};
use crate::event::Stream;
use crate::programs::{Kernel, Stdin};
use crate::view::Scope;

/// The kernel of Debian 12.11.
const RELEASE: &str = "6.1.0-37-amd64";
const VERSION: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)";

/// The usual two lines for an option that a GNU tool does not have.
fn wrong_option(kernel: &mut dyn Kernel, tool: &str, option: &str) -> i32 {
    let what = match option.strip_prefix("--") {
        Some(_) => format!("unrecognized option '{option}'"),
        None => format!("invalid option -- '{}'", option.chars().nth(1).unwrap_or('-')),
    };
    complain(kernel, format!("{tool}: {what}\nTry '{tool} --help' for more information."));
    1
}

/// How `cat` changes what it prints.
#[derive(Default)]
struct CatStyle {
    number: bool,
    number_nonblank: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
}

/// `cat [-nbsAET] [FILE…]`
pub(super) fn cat(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let mut style = CatStyle::default();
    let mut files = Vec::new();
    let mut options = true;
    for arg in argv.iter().skip(1) {
        match arg.as_str() {
            "--" if options => options = false,
            "--number" if options => style.number = true,
            long if options && long.starts_with("--") => return wrong_option(kernel, "cat", long),
            letters if options && letters.len() > 1 && letters.starts_with('-') => {
                for letter in letters.chars().skip(1) {
                    match letter {
                        'n' => style.number = true,
                        'b' => style.number_nonblank = true,
                        's' => style.squeeze = true,
                        'E' | 'e' => style.ends = true,
                        'T' | 't' => style.tabs = true,
                        'A' => (style.ends, style.tabs) = (true, true),
                        'u' | 'v' => {}
                        other => return wrong_option(kernel, "cat", &format!("-{other}")),
                    }
                }
            }
            file => files.push(file.to_owned()),
        }
    }
    if files.is_empty() {
        files.push("-".to_owned());
    }
    let mut status = 0;
    let mut line_number = 0;
    for file in files {
        let text = if file == "-" {
            match kernel.read_stdin() {
                Stdin::Bytes(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Stdin::Nothing | Stdin::Eof => Ok(String::new()),
            }
        } else {
            kernel.read_file(&super::builtin::resolve(super::expand::HOME, &file))
        };
        match text {
            Ok(text) if text.is_empty() => {}
            Ok(text) => say(kernel, style.apply(&text, &mut line_number)),
            Err(errno) => {
                complain(kernel, format!("cat: {file}: {}", errno.text()));
                status = 1;
            }
        }
    }
    status
}

impl CatStyle {
    fn apply(&self, text: &str, line_number: &mut u64) -> String {
        if !(self.number || self.number_nonblank || self.squeeze || self.ends || self.tabs) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut blanks = 0;
        for line in text.split_inclusive('\n') {
            let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
            blanks = if body.is_empty() { blanks + 1 } else { 0 };
            if self.squeeze && blanks > 1 {
                continue;
            }
            if (self.number_nonblank && !body.is_empty()) || (self.number && !self.number_nonblank) {
                *line_number += 1;
                out.push_str(&format!("{line_number:6}\t"));
            }
            out.push_str(&if self.tabs { body.replace('\t', "^I") } else { body.to_owned() });
            if self.ends && !end.is_empty() {
                out.push('$');
            }
            out.push_str(end);
        }
        out
    }
}

/// The line of /etc/hosts that has `name`: its address and its names.
fn hosts_line(kernel: &dyn Kernel, name: &str) -> Option<(String, Vec<String>)> {
    let text = kernel.read_file("/etc/hosts").ok()?;
    text.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or("").split_whitespace().map(str::to_owned);
        let addr = words.next()?;
        let names: Vec<String> = words.collect();
        names.iter().any(|other| other == name).then_some((addr, names))
    })
}

/// `hostname [-fiIsd]`
pub(super) fn hostname(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let name = kernel.hostname();
    let Some(option) = argv.get(1) else {
        let mut text = Text::new();
        text.word(name, meaning::HOSTNAME).put("\n");
        text.print(kernel, Stream::Stdout);
        return 0;
    };
    let hosts = hosts_line(kernel, &name);
    let full = || hosts.as_ref().and_then(|(_, names)| names.first().cloned());
    let line = match option.as_str() {
        "-s" | "--short" => name.split('.').next().map(str::to_owned),
        "-f" | "--fqdn" | "--long" => full(),
        "-d" | "--domain" => {
            full().map(|full| full.split_once('.').map_or(String::new(), |(_, domain)| domain.to_owned()))
        }
        "-i" | "--ip-address" => hosts.as_ref().map(|(addr, _)| addr.clone()),
        "-I" | "--all-ip-addresses" => Some(all_addresses(kernel)),
        "-A" | "--all-fqdns" => Some(String::new()),
        other if other.starts_with('-') => {
            complain(
                kernel,
                format!("hostname: invalid option -- '{}'\n{}", other.trim_start_matches('-'), USAGE.trim_end()),
            );
            return 255;
        }
        _ if argv.len() == 2 => {
            complain(kernel, "hostname: a machine's name cannot be changed in this lab");
            return 1;
        }
        _ => {
            complain(kernel, USAGE.trim_end());
            return 255;
        }
    };
    match line {
        // `-d` of a name without a domain prints nothing at all.
        Some(line) if line.is_empty() && option.starts_with("-d") => 0,
        Some(line) => {
            say(kernel, format!("{line}\n"));
            0
        }
        None => {
            complain(kernel, "hostname: Name or service not known");
            1
        }
    }
}

/// Every address but loopback's and link-local IPv6, each with a blank behind it.
fn all_addresses(kernel: &dyn Kernel) -> String {
    let loopbacks: Vec<u32> =
        kernel.ifaces().iter().filter(|iface| iface.loopback || !iface.up).map(|i| i.index).collect();
    let shown = |addr: &IpAddr, scope: Scope| !matches!((addr, scope), (IpAddr::V6(_), Scope::Link));
    let rows = kernel.addrs();
    let rows = rows.iter().filter(|row| !loopbacks.contains(&row.iface) && shown(&row.addr, row.scope));
    rows.map(|row| format!("{} ", row.addr)).collect()
}

/// What hostname 3.23 prints for arguments that it does not understand.
const USAGE: &str = include_str!("hostname_usage.txt");

/// `id [-ugGn] [USER]`: everybody here is root.
pub(super) fn id(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let (mut letters, mut user) = (String::new(), None);
    for arg in argv.iter().skip(1) {
        match arg.strip_prefix('-') {
            Some("-user") => letters.push('u'),
            Some("-group") => letters.push('g'),
            Some("-groups") => letters.push('G'),
            Some("-name") => letters.push('n'),
            Some(more) if !more.is_empty() && more.chars().all(|c| "ugGnr".contains(c)) => letters.push_str(more),
            Some("z") => {
                complain(kernel, "id: option --zero not permitted in default format");
                return 1;
            }
            Some(_) => return wrong_option(kernel, "id", arg),
            None => user = Some(arg.clone()),
        }
    }
    if let Some(user) = user.filter(|user| user != "root" && user != "0") {
        complain(kernel, format!("id: ‘{user}’: no such user"));
        return 1;
    }
    let kinds = letters.chars().filter(|c| "ugG".contains(*c)).count();
    let names = letters.contains(['n', 'r']);
    if kinds > 1 {
        complain(kernel, "id: cannot print \"only\" of more than one choice");
        return 1;
    }
    if kinds == 0 && names {
        complain(kernel, "id: cannot print only names or real IDs in default format");
        return 1;
    }
    say(
        kernel,
        match (kinds, letters.contains('n')) {
            (0, _) => "uid=0(root) gid=0(root) groups=0(root)\n",
            (_, true) => "root\n",
            (_, false) => "0\n",
        },
    );
    0
}

/// `uname [-asnrvmpio]`
pub(super) fn uname(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let mut letters = String::new();
    for arg in argv.iter().skip(1) {
        match arg.as_str() {
            "--all" => letters.push('a'),
            "--kernel-name" => letters.push('s'),
            "--nodename" => letters.push('n'),
            "--kernel-release" => letters.push('r'),
            "--kernel-version" => letters.push('v'),
            "--machine" => letters.push('m'),
            "--operating-system" => letters.push('o'),
            word if word.starts_with("--") => return wrong_option(kernel, "uname", word),
            word => match word.strip_prefix('-') {
                Some(more) => match more.chars().find(|c| !"asnrvmpio".contains(*c)) {
                    None => letters.push_str(more),
                    Some(bad) => return wrong_option(kernel, "uname", &format!("-{bad}")),
                },
                None => {
                    complain(
                        kernel,
                        format!("uname: extra operand ‘{word}’\nTry 'uname --help' for more information."),
                    );
                    return 1;
                }
            },
        }
    }
    let hostname = kernel.hostname();
    let all = letters.contains('a');
    if letters.is_empty() {
        letters.push('s');
    }
    let parts = [
        ('s', "Linux"),
        ('n', hostname.as_str()),
        ('r', RELEASE),
        ('v', VERSION),
        ('m', "x86_64"),
        ('p', "unknown"),
        ('i', "unknown"),
        ('o', "GNU/Linux"),
    ];
    // `-a` leaves out what is unknown (uname(1)).
    let wanted = |letter: char| if all { letter != 'p' && letter != 'i' } else { letters.contains(letter) };
    let words: Vec<&str> = parts.into_iter().filter(|(letter, _)| wanted(*letter)).map(|(_, word)| word).collect();
    say(kernel, format!("{}\n", words.join(" ")));
    0
}
