//! What a user did wrong, as data: a stable code and its arguments. The words are in `static/locales/<lang>/`
//! under `errors`, in English and Russian; a test keeps codes and words in step.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A refusal that a user reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserError {
    /// Stable code: the key of the text in the locale files.
    pub code: String,
    /// What the text's `{name}` placeholders stand for, in the order they were added.
    #[serde(default)]
    pub args: Vec<(String, String)>,
}

impl UserError {
    /// An error with this code and no arguments yet.
    pub fn new(code: &str) -> Self {
        Self { code: code.to_owned(), args: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.args.push((name.to_owned(), value.to_string()));
        self
    }

    /// The text: `template`'s `{name}`s replaced.
    pub fn fill(&self, template: &str) -> String {
        fill(template, &self.args)
    }
}

/// `template` with every `{name}` replaced by its value; a name without a value stays as it is.
pub fn fill<K: AsRef<str>, V: AsRef<str>>(template: &str, args: &[(K, V)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let found = after.find('}').and_then(|close| {
            let value = args.iter().find(|(name, _)| name.as_ref() == &after[..close])?;
            Some((close, value.1.as_ref()))
        });
        match found {
            Some((close, value)) => {
                text.push_str(value);
                rest = &after[close + 1..];
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// The code and the arguments, for logs and for places without a locale.
impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for (name, value) in &self.args {
            write!(f, " {name}={value:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_strangers_stay() {
        let error = UserError::new("x").with("a", 1).with("b", "{a}");
        assert_eq!(error.fill("{a}, {b}, {c} and {"), "1, {a}, {c} and {");
    }
}
