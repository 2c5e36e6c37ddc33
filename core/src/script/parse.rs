//! Text to actions.

use core::time::Duration;
use std::collections::BTreeSet;

use super::{Action, Script, ScriptError, ScriptLine};
use crate::error::UserError;
use crate::limits::{COMMAND_LINE_CHARS_MAX, SCRIPT_BYTES_MAX};
use crate::view::Mode;
use crate::world::CableState;

/// Every directive, for the message about one that does not exist.
const DIRECTIVES: &str =
    "@tty @wait @end @int @kill @freeze @thaw @input @eof @attach @cable @link @switch @service @setup @pcap";

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that is not valid, with a `script-…` code.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        if text.len() > SCRIPT_BYTES_MAX {
            let error = UserError::new("script-too-large").with("bytes", text.len()).with("max", SCRIPT_BYTES_MAX);
            return Err(ScriptError { line: 1, error });
        }
        let mut script = Self::default();
        let mut names = Names::default();
        // A byte order mark is what some editors put first; it is no part of a machine's name.
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (line, number) = (line.trim(), index + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let action = parse_line(line)
                .and_then(|action| names.check(&action).map(|()| action))
                .map_err(|error| ScriptError { line: number, error })?;
            script.lines.push(ScriptLine { line: number, action });
        }
        Ok(script)
    }
}

/// Names of background commands and captures: a line may only speak of what an earlier one started.
#[derive(Default)]
struct Names {
    jobs: BTreeSet<String>,
    captures: BTreeSet<String>,
}

impl Names {
    fn check(&mut self, action: &Action) -> Result<(), UserError> {
        match action {
            Action::Background { name, .. } => {
                self.jobs.insert(name.clone());
            }
            Action::End { name, .. }
            | Action::Int(name)
            | Action::Kill(name)
            | Action::Freeze(name)
            | Action::Thaw(name)
            | Action::Input { name, .. }
            | Action::Eof(name)
                if !self.jobs.contains(name) =>
            {
                return Err(UserError::new("script-job-unknown").with("name", name));
            }
            Action::PcapStart { name, .. } if !self.captures.insert(name.clone()) => {
                return Err(UserError::new("script-pcap-twice").with("name", name));
            }
            Action::PcapStop { name } if !self.captures.contains(name) => {
                return Err(UserError::new("script-pcap-unknown").with("name", name));
            }
            _ => {}
        }
        Ok(())
    }
}

fn parse_line(line: &str) -> Result<Action, UserError> {
    let Some(directive) = line.strip_prefix('@') else {
        return parse_command(line);
    };
    let (word, rest) = split_word(directive);
    let mut words = Words { directive: word, rest };
    let action = match word {
        "tty" => {
            let columns = words.next("COLUMNS")?;
            let columns = number(columns, 1, u16::MAX.into())
                .and_then(|n| u16::try_from(n).ok())
                .ok_or_else(|| UserError::new("script-columns").with("found", columns))?;
            let (machine, command) = target(words.take_rest())?;
            Action::Tty { columns, machine, command }
        }
        "setup" => {
            let (machine, command) = target(words.take_rest())?;
            Action::Setup { machine, command }
        }
        "wait" => Action::Wait(seconds(words.next("SECONDS")?)?),
        "end" => {
            let name = words.name("NAME")?;
            Action::End { name, timeout: words.optional().map(seconds).transpose()? }
        }
        "int" => Action::Int(words.name("NAME")?),
        "kill" => Action::Kill(words.name("NAME")?),
        "freeze" => Action::Freeze(words.name("NAME")?),
        "thaw" => Action::Thaw(words.name("NAME")?),
        "eof" => Action::Eof(words.name("NAME")?),
        "input" => Action::Input { name: words.name("NAME")?, text: quoted(words.take_rest())? },
        "attach" => attach(&mut words)?,
        "cable" => cable(&mut words)?,
        "link" => super::link::link(&mut words)?,
        "switch" => super::link::switch(&mut words)?,
        "service" => service(&mut words)?,
        "pcap" => pcap(&mut words)?,
        _ => {
            return Err(UserError::new("script-directive").with("found", word).with("known", DIRECTIVES));
        }
    };
    words.end()?;
    Ok(action)
}

/// `vm1: command` or `vm1 &name: command`.
fn parse_command(line: &str) -> Result<Action, UserError> {
    let (head, command) = line.split_once(':').ok_or_else(|| UserError::new("script-line").with("found", line))?;
    let (machine, job) = match head.split_once('&') {
        Some((machine, job)) => (machine.trim(), Some(job.trim())),
        None => (head.trim(), None),
    };
    let (machine, command) = (name(machine)?, command_line(command)?);
    Ok(match job {
        Some(job) => Action::Background { machine, name: name(job)?, command },
        None => Action::Run { machine, command },
    })
}

/// `vm1: command`.
fn target(text: &str) -> Result<(String, String), UserError> {
    let (machine, command) = text.split_once(':').ok_or_else(|| UserError::new("script-line").with("found", text))?;
    Ok((name(machine.trim())?, command_line(command)?))
}

fn command_line(text: &str) -> Result<String, UserError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UserError::new("script-command-missing"));
    }
    if text.chars().count() > COMMAND_LINE_CHARS_MAX {
        return Err(UserError::new("script-command-long").with("max", COMMAND_LINE_CHARS_MAX));
    }
    Ok(text.to_owned())
}

fn attach(words: &mut Words<'_>) -> Result<Action, UserError> {
    let vm = words.name("MACHINE")?;
    let found = words.next("ADAPTER")?;
    let adapter = number(found, 1, 8)
        .and_then(|n| u8::try_from(n).ok())
        .ok_or_else(|| UserError::new("script-adapter").with("found", found))?;
    let found = words.next("MODE")?;
    let mode = Mode::from_name(found).ok_or_else(|| {
        let known: Vec<_> = Mode::ALL.iter().map(|mode| mode.name()).collect();
        UserError::new("mode-unknown").with("found", found).with("known", known.join(", "))
    })?;
    Ok(Action::Attach { vm, adapter, mode, network: words.optional().map(str::to_owned) })
}

fn cable(words: &mut Words<'_>) -> Result<Action, UserError> {
    let (machine, iface) = (words.name("MACHINE")?, words.next("INTERFACE")?.to_owned());
    let state = match words.next("on|off|mute|mute-tx")? {
        "on" => CableState::On,
        "off" => CableState::Off,
        "mute" => CableState::Mute,
        "mute-tx" => CableState::MuteTx,
        found => return Err(words.choice(found, "on|off|mute|mute-tx")),
    };
    Ok(Action::Cable { machine, iface, state })
}

fn service(words: &mut Words<'_>) -> Result<Action, UserError> {
    let (machine, service) = (words.name("MACHINE")?, words.name("SERVICE")?);
    let start = match words.next("start|stop")? {
        "start" => true,
        "stop" => false,
        found => return Err(words.choice(found, "start|stop")),
    };
    Ok(Action::Service { machine, service, start })
}

fn pcap(words: &mut Words<'_>) -> Result<Action, UserError> {
    match words.next("start|stop")? {
        "start" => {
            let (name, machine) = (words.name("NAME")?, words.name("MACHINE")?);
            let iface = words.next("INTERFACE")?.to_owned();
            let filter = Some(words.take_rest()).filter(|text| !text.is_empty()).map(str::to_owned);
            Ok(Action::PcapStart { name, machine, iface, filter })
        }
        "stop" => Ok(Action::PcapStop { name: words.name("NAME")? }),
        found => Err(words.choice(found, "start|stop")),
    }
}

/// The words after a directive.
pub(super) struct Words<'a> {
    directive: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn optional(&mut self) -> Option<&'a str> {
        let (word, rest) = split_word(self.rest);
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    /// Whether there is another word.
    pub(super) fn more(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The next word; `what` it is goes into the message when there is none.
    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, UserError> {
        self.optional().ok_or_else(|| {
            UserError::new("script-word-missing").with("directive", self.directive).with("expected", what)
        })
    }

    pub(super) fn name(&mut self, what: &str) -> Result<String, UserError> {
        self.next(what).and_then(name)
    }

    fn take_rest(&mut self) -> &'a str {
        core::mem::take(&mut self.rest)
    }

    fn end(&self) -> Result<(), UserError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(UserError::new("script-words-left").with("directive", self.directive).with("found", self.rest))
    }

    pub(super) fn choice(&self, found: &str, expected: &str) -> UserError {
        UserError::new("script-choice")
            .with("directive", self.directive)
            .with("found", found)
            .with("expected", expected)
    }
}

/// The first word and what follows it, both without surrounding space.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// A machine's, a service's, a background command's name.
fn name(text: &str) -> Result<String, UserError> {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        Ok(text.to_owned())
    } else {
        Err(UserError::new("script-name").with("found", text))
    }
}

/// A whole number in `min..=max`, digits only.
pub(super) fn number(text: &str, min: u32, max: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && (min..=max).contains(n))
}

/// Seconds with at most nine decimals, read without floating point.
fn seconds(text: &str) -> Result<Duration, UserError> {
    let bad = || UserError::new("script-seconds").with("found", text);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 9 {
        return Err(bad());
    }
    // Lab time ends after 584 years; a wait of more than 100 years is a slip of the finger.
    let secs: u64 = whole.parse().ok().filter(|secs| *secs <= 100 * 366 * 86_400).ok_or_else(bad)?;
    let nanos: u32 = format!("{decimals:0<9}").parse().map_err(|_| bad())?;
    Ok(Duration::new(secs, nanos))
}

/// `"text"` with the escapes `\n \r \t \\ \"` and `\u{1b}`.
fn quoted(text: &str) -> Result<String, UserError> {
    let bad = || UserError::new("script-quote").with("found", text);
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(bad)?;
    let mut result = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err(bad()),
            '\\' => result.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => unicode(&mut chars).ok_or_else(bad)?,
                Some(c @ ('\\' | '"')) => c,
                _ => return Err(bad()),
            }),
            c => result.push(c),
        }
    }
    Ok(result)
}

/// `{1b}`.
fn unicode(chars: &mut core::str::Chars<'_>) -> Option<char> {
    let (hex, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
    let value = Some(hex).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    *chars = rest.chars();
    char::from_u32(u32::from_str_radix(value?, 16).ok()?)
}
