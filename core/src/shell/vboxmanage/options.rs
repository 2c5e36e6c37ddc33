//! VBoxManage's options as IPRT's getopt reads them: `--name value`, `--name=value`, and words without dashes.

use super::errors::Failure;

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing.
    Nothing,
    /// A value.
    Value,
}

/// One option: every way to write it, the name it goes by, and what it takes.
pub(super) type Known = (&'static [&'static str], Takes);

/// One thing on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// An option, by the first of its spellings, and its value.
    Option(&'static str, &'a str),
    /// A word.
    Word(&'a str),
}

/// A cursor over the words.
pub(super) struct Options<'a> {
    command: &'static str,
    known: &'static [Known],
    args: &'a [&'a str],
    at: usize,
}

impl<'a> Options<'a> {
    pub(super) fn new(command: &'static str, known: &'static [Known], args: &'a [&'a str]) -> Self {
        Self { command, known, args, at: 0 }
    }

    /// The next item.
    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, Failure> {
        let Some(arg) = self.args.get(self.at).copied() else { return Ok(None) };
        self.at += 1;
        if !arg.starts_with('-') || arg == "-" {
            return Ok(Some(Item::Word(arg)));
        }
        let (name, inline) = match arg.split_once(['=', ':']) {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        let found = self.known.iter().find(|(names, _)| names.contains(&name) || names.contains(&arg));
        let Some((names, takes)) = found else {
            return Err(Failure::syntax(self.command, format!("Unknown option: {arg}")));
        };
        let name = names.first().copied().unwrap_or_default();
        match (takes, inline) {
            (Takes::Nothing, _) => Ok(Some(Item::Option(name, ""))),
            (Takes::Value, Some(value)) => Ok(Some(Item::Option(name, value))),
            (Takes::Value, None) => Ok(Some(Item::Option(name, self.value(name)?))),
        }
    }

    /// One more word, as a value of `name`.
    pub(super) fn value(&mut self, name: &str) -> Result<&'a str, Failure> {
        let value = self.args.get(self.at).copied();
        self.at += 1;
        value.ok_or_else(|| Failure::syntax(self.command, format!("Missing argument to '{name}'")))
    }

    /// A failure of this command's syntax.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Failure {
        Failure::syntax(self.command, message)
    }
}

/// `on` or `off`, as VBoxManage's `parseBool` takes them.
pub(super) fn on_off(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "on" | "yes" | "true" | "1" | "enable" | "enabled" => Some(true),
        "off" | "no" | "false" | "0" | "disable" | "disabled" => Some(false),
        _ => None,
    }
}
