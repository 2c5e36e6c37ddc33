//! The words of the command line, one after another, with complaints in the user's language.

use std::ffi::OsString;

use lexopt::Arg;

use crate::failure::Failure;
use crate::texts::Texts;

/// The command line, read from left to right.
pub(crate) struct Words<'a> {
    parser: &'a mut lexopt::Parser,
    /// The user's language.
    pub(crate) texts: Texts,
}

impl<'a> Words<'a> {
    pub(crate) fn new(parser: &'a mut lexopt::Parser, texts: Texts) -> Self {
        Self { parser, texts }
    }

    /// The next option or word.
    pub(crate) fn next(&mut self) -> Result<Option<Arg<'_>>, Failure> {
        let texts = self.texts;
        self.parser.next().map_err(|error| unknown(texts, &error))
    }

    /// The value of the option just read.
    pub(crate) fn value(&mut self) -> Result<OsString, Failure> {
        self.parser.value().map_err(|error| unknown(self.texts, &error))
    }

    /// The value of the option just read, as text.
    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        Ok(self.value()?.to_string_lossy().into_owned())
    }

    /// The value of `option`, a number.
    pub(crate) fn number(&mut self, option: &str) -> Result<u64, Failure> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| Failure::usage(self.texts.say("option-number", &[("option", option), ("value", &text)])))
    }

    /// `--lang` was heeded before anything else was read.
    pub(crate) fn skip_lang(&mut self) -> Result<(), Failure> {
        self.value().map(drop)
    }

    #[allow(dead_code)]
    /// All words left, options included.
    pub(crate) fn rest(&mut self) -> Result<Vec<String>, Failure> {
        let rest = self.parser.raw_args().map_err(|error| unknown(self.texts, &error))?;
        Ok(rest.map(|word| word.to_string_lossy().into_owned()).collect())
    }
}

/// The complaint about an option or word that a command does not take.
pub(crate) fn unexpected(texts: Texts, word: Arg<'_>) -> Failure {
    unknown(texts, &word.unexpected())
}

fn unknown(texts: Texts, error: &lexopt::Error) -> Failure {
    use lexopt::Error;
    let text = match error {
        Error::UnexpectedOption(option) => texts.say("option-unknown", &[("option", option)]),
        Error::UnexpectedArgument(word) => texts.say("word-unknown", &[("word", &word.to_string_lossy())]),
        Error::MissingValue { option } => {
            texts.say("option-value", &[("option", option.as_deref().unwrap_or_default())])
        }
        other => other.to_string(),
    };
    Failure::usage(text)
}
