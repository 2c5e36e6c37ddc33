//! What the shell does itself, without a child: bash's builtins, and `sleep`, which needs only the clock.

use core::time::Duration;

use super::expand::{Env, HOME};
use super::help;
use super::lex::is_name;
use super::out::{complain, say};
use crate::programs::Kernel;

/// What came of a builtin.
pub(super) enum Outcome {
    /// It ended with this status.
    Done(i32),
    /// The shell ends with this status.
    Exit(i32),
    /// It ends with 0 after this time.
    Sleep(Duration),
}

/// Runs a builtin; `None` when `argv` names none. `prefix` is how bash begins its messages here.
pub(super) fn run(argv: &[String], env: &mut Env, prefix: &str, kernel: &mut dyn Kernel) -> Option<Outcome> {
    let (name, args) = argv.split_first()?;
    let status = match name.as_str() {
        "true" | ":" => 0,
        "false" => 1,
        "echo" => echo(args, kernel),
        "help" => help::run(args, prefix, kernel),
        "clear" => clear(kernel),
        "pwd" => {
            say(kernel, format!("{}\n", env.directory));
            0
        }
        "cd" => cd(args, env, prefix, kernel),
        "export" => export(args, env, prefix, kernel),
        "unset" => {
            args.iter().for_each(|name| env.unset(name));
            0
        }
        "exit" | "logout" => return Some(exit(args, env, prefix, kernel)),
        "sleep" => return Some(sleep(args, kernel)),
        _ => return None,
    };
    Some(Outcome::Done(status))
}

fn clear(kernel: &mut dyn Kernel) -> i32 {
    if kernel.tty_columns().is_none() {
        complain(kernel, "TERM environment variable not set.");
        return 1;
    }
    // What terminfo's `clear` and `E3` are for xterm and linux: home, erase screen, erase scrollback.
    say(kernel, "\u{1b}[H\u{1b}[2J\u{1b}[3J");
    0
}

/// Directories that a bare Debian has and where this lab keeps files.
const DIRECTORIES: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/default",
    "/etc/dhcp",
    "/etc/network",
    "/etc/network/interfaces.d",
    "/home",
    "/opt",
    "/proc",
    "/proc/net",
    "/proc/sys",
    "/proc/sys/net",
    "/proc/sys/net/ipv4",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/sbin",
    "/var",
    "/var/lib",
    "/var/lib/dhcp",
    "/var/log",
    "/var/tmp",
];

/// Whether a path is a directory here.
pub(super) fn is_directory(path: &str) -> bool {
    DIRECTORIES.contains(&path)
}

fn cd(args: &[String], env: &mut Env, prefix: &str, kernel: &mut dyn Kernel) -> i32 {
    let target = match args {
        [] => HOME,
        [target] => target.as_str(),
        _ => {
            complain(kernel, format!("{prefix}cd: too many arguments"));
            return 1;
        }
    };
    let path = resolve(&env.directory, target);
    if !is_directory(&path) {
        let why = if kernel.read_file(&path).is_ok() { "Not a directory" } else { "No such file or directory" };
        complain(kernel, format!("{prefix}cd: {target}: {why}"));
        return 1;
    }
    env.set("PWD", path.clone());
    env.directory = path;
    0
}

/// `path` seen from `directory`, without `.` and `..`.
pub(super) fn resolve(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { directory.split('/').collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("/{}", joined.join("/"))
}

fn export(args: &[String], env: &mut Env, prefix: &str, kernel: &mut dyn Kernel) -> i32 {
    let mut status = 0;
    for arg in args {
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_name(name) {
            complain(kernel, format!("{prefix}export: `{arg}': not a valid identifier"));
            status = 1;
        } else if let Some(value) = value {
            env.set(name, value.to_owned());
        }
    }
    status
}

fn exit(args: &[String], env: &Env, prefix: &str, kernel: &mut dyn Kernel) -> Outcome {
    let Some(first) = args.first() else { return Outcome::Exit(env.status) };
    let Ok(status) = first.trim().parse::<i64>() else {
        complain(kernel, format!("{prefix}exit: {first}: numeric argument required"));
        return Outcome::Exit(2);
    };
    if args.len() > 1 {
        complain(kernel, format!("{prefix}exit: too many arguments"));
        return Outcome::Done(1);
    }
    Outcome::Exit((status & 0xff) as i32)
}

fn sleep(args: &[String], kernel: &mut dyn Kernel) -> Outcome {
    const HINT: &str = "Try 'sleep --help' for more information.";
    if args.is_empty() {
        complain(kernel, format!("sleep: missing operand\n{HINT}"));
        return Outcome::Done(1);
    }
    let mut total = Duration::ZERO;
    let mut status = 0;
    for arg in args {
        match interval(arg) {
            Some(duration) => total = total.saturating_add(duration),
            None => {
                complain(kernel, format!("sleep: invalid time interval ‘{arg}’"));
                status = 1;
            }
        }
    }
    if status == 0 {
        return Outcome::Sleep(total);
    }
    complain(kernel, HINT);
    Outcome::Done(status)
}

/// `1.5m` as a duration. Decimal digits only, so that no float is needed.
fn interval(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => 0,
    };
    let digits = if unit == 0 { text } else { text.get(..text.len() - 1)? };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    let nanos = fraction
        .bytes()
        .chain(core::iter::repeat(b'0'))
        .take(9)
        .try_fold(0_u64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))?;
    let unit = unit.max(1);
    Some(Duration::from_secs(whole.saturating_mul(unit)).saturating_add(Duration::from_nanos(nanos * unit)))
}

/// bash's `echo`: options only while every letter of a word is one of them.
fn echo(args: &[String], kernel: &mut dyn Kernel) -> i32 {
    let (mut line_feed, mut escapes) = (true, false);
    let mut rest = args;
    while let Some((first, more)) = rest.split_first() {
        let Some(letters) = first.strip_prefix('-').filter(|l| !l.is_empty() && l.bytes().all(|b| b"neE".contains(&b)))
        else {
            break;
        };
        for letter in letters.bytes() {
            match letter {
                b'n' => line_feed = false,
                letter => escapes = letter == b'e',
            }
        }
        rest = more;
    }
    let mut text = rest.join(" ");
    if escapes {
        let (unescaped, stopped) = unescape(&text);
        text = unescaped;
        line_feed &= !stopped;
    }
    if line_feed {
        text.push('\n');
    }
    say(kernel, text);
    0
}

/// `echo -e`'s escapes; the flag says that `\c` ended all output.
fn unescape(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('c') => return (out, true),
            Some('e' | 'E') => out.push('\u{1b}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some('\\') => out.push('\\'),
            Some(kind @ ('0' | 'x' | 'u' | 'U')) => {
                let (radix, digits) = match kind {
                    '0' => (8, 3),
                    'x' => (16, 2),
                    'u' => (16, 4),
                    _ => (16, 8),
                };
                match take_number(&mut chars, radix, digits) {
                    Some(value) => out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)),
                    None if kind == '0' => out.push('\0'),
                    None => out.extend(['\\', kind]),
                }
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    (out, false)
}

/// Up to `digits` digits.
fn take_number(chars: &mut core::iter::Peekable<core::str::Chars<'_>>, radix: u32, digits: usize) -> Option<u32> {
    let mut value = None;
    for _ in 0..digits {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        value = Some(value.unwrap_or(0_u32).wrapping_mul(radix).wrapping_add(digit));
        chars.next();
    }
    value
}
