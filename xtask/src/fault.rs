//! What can go wrong: a text for the person at the terminal and an exit status.

use std::fmt::Display;

/// A failed step.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, and what to do about it.
    pub text: String,
    /// The process's exit status: 2 for a wrong call, 1 for the rest.
    pub status: u8,
}

impl Fault {
    /// A step did not work.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 1 }
    }

    /// The call itself was wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 2 }
    }
}

/// Says what an error belongs to.
pub trait At<T> {
    /// Puts `what` (a path, a step) before the error.
    ///
    /// # Errors
    /// The error itself, with `what` before it.
    fn at(self, what: impl Display) -> Result<T, Fault>;
}

impl<T, E: Display> At<T> for Result<T, E> {
    fn at(self, what: impl Display) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(format!("{what}: {error}")))
    }
}
