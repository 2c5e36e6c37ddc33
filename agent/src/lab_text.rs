//! Reads a lab's text, TOML or JSON: the lab, or everything that is wrong with it, each with line, column and cure.

use netmodes_core::error::UserError;
use netmodes_core::lab::{FORMAT_VERSION, Lab};
use netmodes_core::limits::LAB_BYTES_MAX;
use serde::Deserialize;
use toml::de::DeTable;

use crate::lab_place::{Tree, argument, line_and_column};

/// What is wrong with a lab's text, and where: line and column from 1.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: Option<(usize, usize)>,
    pub(crate) error: UserError,
}

#[derive(Deserialize)]
struct Head {
    format_version: Option<i64>,
}

impl Head {
    /// The version first: a newer file's unknown fields are not the author's mistake.
    fn check(&self) -> Result<(), UserError> {
        match self.format_version {
            Some(version) if version != i64::from(FORMAT_VERSION) => {
                Err(UserError::new("lab-format-version").with("found", version).with("known", FORMAT_VERSION))
            }
            _ => Ok(()),
        }
    }
}

fn too_large(text: &str) -> Result<(), Vec<Fault>> {
    if text.len() <= LAB_BYTES_MAX {
        return Ok(());
    }
    let error = UserError::new("lab-too-large").with("bytes", text.len()).with("max", LAB_BYTES_MAX);
    Err(vec![Fault { at: None, error }])
}

/// Reads the TOML form.
///
/// # Errors
/// All faults, in the order of the text: of its syntax, else the first of its types, else all of its sense.
pub(crate) fn from_toml(text: &str) -> Result<Lab, Vec<Fault>> {
    too_large(text)?;
    let syntax = DeTable::parse_recoverable(text).1;
    if !syntax.is_empty() {
        return Err(syntax.iter().map(|error| of_toml(text, error)).collect());
    }
    if let Err(error) = toml::from_str::<Head>(text).map_or(Ok(()), |head| head.check()) {
        return Err(vec![placed(text, &Tree::of_toml(text), error)]);
    }
    let lab: Lab = toml::from_str(text).map_err(|error| vec![of_toml(text, &error)])?;
    sense(text, lab, || Some(Tree::of_toml(text)))
}

/// Reads the JSON form.
///
/// # Errors
/// As [`from_toml`].
pub(crate) fn from_json(text: &str) -> Result<Lab, Vec<Fault>> {
    too_large(text)?;
    if let Err(error) = serde_json::from_str::<Head>(text).map_or(Ok(()), |head| head.check()) {
        let tree = Tree::of_json(text).unwrap_or_else(|| Tree::of_toml(""));
        return Err(vec![placed(text, &tree, error)]);
    }
    let lab: Lab = serde_json::from_str(text).map_err(|error| {
        let whole = error.to_string();
        let message = whole.split(" at line ").next().unwrap_or_default();
        let at = (error.line(), error.column());
        vec![Fault { at: Some(at), error: words(message, at) }]
    })?;
    sense(text, lab, || Tree::of_json(text))
}

fn sense(text: &str, lab: Lab, tree: impl FnOnce() -> Option<Tree>) -> Result<Lab, Vec<Fault>> {
    let Err(errors) = lab.validate() else { return Ok(lab) };
    let tree = tree().unwrap_or_else(|| Tree::of_toml(""));
    Err(errors.into_iter().map(|error| placed(text, &tree, error)).collect())
}

fn placed(text: &str, tree: &Tree, error: UserError) -> Fault {
    Fault { at: tree.find(&error).map(|at| line_and_column(text, at)), error }
}

fn of_toml(text: &str, error: &toml::de::Error) -> Fault {
    let at = line_and_column(text, error.span().map_or(0, |span| span.start));
    Fault { at: Some(at), error: words(error.message(), at) }
}

/// What serde says, as an error with words in both languages.
fn words(message: &str, (line, column): (usize, usize)) -> UserError {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut names = quoted(message).into_iter();
    let first = names.next().unwrap_or_default();
    let known = names.collect::<Vec<_>>().join(", ");
    if message.starts_with("unknown field") {
        return UserError::new("lab-field-unknown").with("field", first).with("known", known);
    }
    if message.starts_with("unknown variant") {
        return UserError::new("lab-choice").with("found", first).with("known", known);
    }
    if message.starts_with("missing field") {
        return UserError::new("lab-field-missing").with("field", first);
    }
    own(message).unwrap_or_else(|| {
        UserError::new("lab-malformed").with("line", line).with("column", column).with("message", message)
    })
}

/// An error of ours that has gone through serde as a text: `addr-cidr-invalid text="10.0.0"`.
fn own(message: &str) -> Option<UserError> {
    let (code, mut rest) = message.lines().next()?.split_once(' ')?;
    let is_code = code.contains('-') && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let mut error = UserError::new(Some(code).filter(|_| is_code)?);
    while let Some((name, value)) = rest.split_once("=\"") {
        let (value, after) = value.split_once('"')?;
        error = error.with(name, value);
        rest = after.trim_start();
    }
    argument(&error, "text").is_some().then_some(error)
}
