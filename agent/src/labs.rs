//! Labs of the program: the built-in ones, those in files, and `netmodes labs`, `netmodes lab check` and `lab convert`.
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

use crate::failure::{self, Failure, print};
use crate::lab_text::{self, Fault};
use crate::texts::Texts;
use crate::words::{Words, unexpected};

/// The folder of labs; its schema is in it too, which is no lab.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../static/labs");

/// The lab of a program that is told none.
pub(crate) const DEFAULT: &str = "nat";

/// The built-in labs by name. A test holds that all of them are sound.
pub(crate) fn built_in() -> Vec<(String, Lab)> {
    let texts = BUILT_IN.files().filter_map(include_dir::File::contents_utf8);
    let labs = texts.filter_map(|text| lab_text::from_toml(text).ok());
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
    parse(file, &text).map_err(|faults| {
        faults.iter().for_each(|fault| failure::tell(&line(file, fault, texts)));
        Failure::usage(String::new())
    })
}

fn parse(file: &str, text: &str) -> Result<Lab, Vec<Fault>> {
    if is_json(file) { lab_text::from_json(text) } else { lab_text::from_toml(text) }
}

/// `file:line:column: message`, as compilers write it and editors read it.
fn line(file: &str, fault: &Fault, texts: Texts) -> String {
    let message = texts.error(&fault.error);
    match fault.at {
        Some((line, column)) => {
            let (line, column) = (line.to_string(), column.to_string());
            texts
                .say("file-place-error", &[("file", file), ("line", &line), ("column", &column), ("message", &message)])
        }
        None => texts.say("file-error", &[("file", file), ("message", &message)]),
    }
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

/// `netmodes lab check FILE…` and `netmodes lab convert FILE [--out FILE]`.
pub(crate) fn lab(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    let (mut plain, mut out) = (Vec::new(), None);
    while let Some(word) = words.next()? {
        match word {
            Value(value) => plain.push(value.to_string_lossy().into_owned()),
            Long("out") => out = Some(words.text()?),
            Long("lang") => words.skip_lang()?,
            Short('h') | Long("help") => {
                print(&(texts.say("lab-usage", &[]) + "\n"))?;
                return Ok(0);
            }
            other => return Err(unexpected(texts, other)),
        }
    }
    match plain.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["check", files @ ..] if !files.is_empty() && out.is_none() => check(files, texts),
        ["convert", file] => convert(file, out, texts),
        _ => Err(Failure::usage(texts.say("lab-usage", &[]))),
    }
}

/// Says of each file that it is sound, or everything that is wrong with it.
fn check(files: &[&str], texts: Texts) -> Result<u8, Failure> {
    let mut code = 0;
    for file in files {
        let found = read_text(file, texts).map(|text| parse(file, &text));
        match found {
            Ok(Ok(lab)) => {
                let (machines, vms) = (lab.machines.len().to_string(), lab.vms.len().to_string());
                let words = [("file", *file), ("name", &lab.name), ("machines", &machines), ("vms", &vms)];
                print(&(texts.say("lab-sound", &words) + "\n"))?;
            }
            Ok(Err(faults)) => {
                faults.iter().for_each(|fault| failure::tell(&line(file, fault, texts)));
                code = 2;
            }
            Err(failure) => {
                failure::tell(&failure.text);
                code = 2;
            }
        }
    }
    Ok(code)
}

fn convert(file: &str, out: Option<String>, texts: Texts) -> Result<u8, Failure> {
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
