//! Labs of the program: the built-in ones, those in files, and `netmodes labs` and `netmodes lab convert`.
//!
//! Authors write TOML, the page and sessions JSON: both are the same structures of [`netmodes_core::lab`].

use std::fs;
use std::io::Read;
use std::path::Path;

use include_dir::{Dir, include_dir};
use lexopt::prelude::*;
use netmodes_core::error::UserError;
use netmodes_core::lab::Lab;
use netmodes_core::limits::{LAB_BYTES_MAX, SCRIPT_BYTES_MAX};

use crate::failure::{Failure, print};
use crate::texts::Texts;
use crate::words::{Words, unexpected};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../static/labs");

/// The lab of a program that is told none.
pub(crate) const DEFAULT: &str = "nat";

/// What is wrong with a lab's text, and in which line of it.
#[derive(Debug)]
struct Fault {
    line: Option<usize>,
    error: UserError,
}

/// The built-in labs by name. A test holds that all of them are sound.
pub(crate) fn built_in() -> Vec<(String, Lab)> {
    let texts = BUILT_IN.files().filter_map(include_dir::File::contents_utf8);
    let labs = texts.filter_map(|text| from_toml(text).ok());
    let mut labs: Vec<_> = labs.map(|lab| (lab.name.clone(), lab)).collect();
    labs.sort_by(|a, b| a.0.cmp(&b.0));
    labs
}

/// The lab that `--lab` names: a built-in one, else a file.
///
/// # Errors
/// File, line and cure.
pub(crate) fn find(choice: &str, texts: Texts) -> Result<Lab, Failure> {
    if let Some((_, lab)) = built_in().into_iter().find(|(name, _)| name == choice) {
        return Ok(lab);
    }
    let is_file = choice.contains('/') || is_json(choice) || choice.ends_with(".toml") || Path::new(choice).exists();
    if !is_file {
        return Err(Failure::usage(texts.error(&UserError::new("unknown-lab").with("name", choice))));
    }
    read(choice, texts)
}

fn is_json(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Reads a lab's file, whichever form it has.
fn read(file: &str, texts: Texts) -> Result<Lab, Failure> {
    let text = read_text(file, texts)?;
    let lab = if is_json(file) { from_json(&text) } else { from_toml(&text) };
    lab.map_err(|fault| {
        let message = texts.error(&fault.error);
        Failure::usage(match fault.line {
            Some(line) => at_line(file, line, &message, texts),
            None => texts.say("file-error", &[("file", file), ("message", &message)]),
        })
    })
}

/// A file of the user's: no more of it than tells that it is too much, which its reader then says.
pub(crate) fn read_text(file: &str, texts: Texts) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(LAB_BYTES_MAX.max(SCRIPT_BYTES_MAX)).unwrap_or(u64::MAX).saturating_add(1);
    let read = fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text));
    read.map_err(|error| {
        Failure::usage(texts.say("file-unreadable", &[("file", file), ("message", &error.to_string())]))
    })?;
    Ok(text)
}

/// `file:line: message`.
pub(crate) fn at_line(file: &str, line: usize, message: &str, texts: Texts) -> String {
    texts.say("file-line-error", &[("file", file), ("line", &line.to_string()), ("message", message)])
}

fn from_json(text: &str) -> Result<Lab, Fault> {
    Lab::from_json(text).map_err(|error| {
        let line = argument(&error, "line").and_then(|line| line.parse().ok());
        Fault { line: line.or_else(|| line_of(text, &error)), error }
    })
}

fn from_toml(text: &str) -> Result<Lab, Fault> {
    #[derive(serde::Deserialize)]
    struct Head {
        format_version: Option<i64>,
    }
    if text.len() > LAB_BYTES_MAX {
        let error = UserError::new("lab-too-large").with("bytes", text.len()).with("max", LAB_BYTES_MAX);
        return Err(Fault { line: None, error });
    }
    // The version first: a newer file's unknown fields are not the author's mistake.
    if let Ok(Head { format_version: Some(version) }) = toml::from_str(text)
        && version != i64::from(netmodes_core::lab::FORMAT_VERSION)
    {
        let known = netmodes_core::lab::FORMAT_VERSION;
        let error = UserError::new("lab-format-version").with("found", version).with("known", known);
        return Err(Fault {
            line: text.lines().position(|line| line.contains("format_version")).map(|n| n + 1),
            error,
        });
    }
    let lab: Lab = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = error.message().to_owned();
        let error = UserError::new("lab-malformed").with("line", line).with("column", column).with("message", message);
        Fault { line: Some(line), error }
    })?;
    match lab.validate() {
        Ok(()) => Ok(lab),
        Err(errors) => {
            let error = errors.into_iter().next().unwrap_or_else(|| UserError::new("lab-invalid"));
            Err(Fault { line: line_of(text, &error), error })
        }
    }
}

fn argument<'a>(error: &'a UserError, name: &str) -> Option<&'a str> {
    error.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The line that an unsound lab's error is about: where the names of its place (`machine "host", interface "eth0"`)
/// stand one after another.
fn line_of(text: &str, error: &UserError) -> Option<usize> {
    let place = argument(error, "place")?;
    let mut from = 0;
    let mut found = None;
    for name in place.split('"').skip(1).step_by(2) {
        let quoted = format!("\"{name}\"");
        let offset = text.get(from..)?.find(&quoted)?;
        from += offset;
        found = Some(text.get(..from)?.matches('\n').count() + 1);
    }
    found
}

/// `netmodes labs`.
pub(crate) fn list(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    while let Some(word) = words.next()? {
        match word {
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    let labs = built_in();
    let width = labs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lang = texts.say("language", &[]);
    let lines = labs.iter().map(|(name, lab)| format!("{name:<width$}  {}\n", lab.title_in(&lang)));
    print(&lines.collect::<String>())?;
    Ok(0)
}

/// `netmodes lab convert FILE [--out FILE]`: TOML to JSON and back.
pub(crate) fn lab(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    let (mut plain, mut out) = (Vec::new(), None);
    while let Some(word) = words.next()? {
        match word {
            Value(value) => plain.push(value.to_string_lossy().into_owned()),
            Long("out") => out = Some(words.text()?),
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    let [verb, file] = plain.as_slice() else { return Err(Failure::usage(texts.say("lab-usage", &[]))) };
    if verb != "convert" {
        return Err(Failure::usage(texts.say("lab-usage", &[])));
    }
    let lab = read(file, texts)?;
    let text = if is_json(file) { to_toml(&lab)? } else { lab.to_json() + "\n" };
    match out {
        None => print(&text)?,
        Some(out) => fs::write(&out, text).map_err(|error| {
            Failure::refused(texts.say("file-unwritable", &[("file", &out), ("message", &error.to_string())]))
        })?,
    }
    Ok(0)
}

fn to_toml(lab: &Lab) -> Result<String, Failure> {
    toml::to_string_pretty(lab).map_err(|error| Failure::refused(error.to_string()))
}

#[cfg(test)]
#[path = "labs_tests.rs"]
mod tests;
