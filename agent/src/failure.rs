//! How a command of the program ends when it cannot do what was asked: words for the user and an exit status.

use std::io::{self, Write};

/// Why a command ended.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit status: 2 for what the user wrote, 1 for what the computer refused.
    pub(crate) exit: u8,
    /// What the user reads, in her language; empty when all is said.
    pub(crate) text: String,
}

impl Failure {
    /// What the user wrote cannot be done.
    pub(crate) fn usage(text: String) -> Self {
        Self { exit: 2, text }
    }

    /// The computer refused.
    pub(crate) fn refused(text: String) -> Self {
        Self { exit: 1, text }
    }
}

/// Prints on standard output. A reader that has gone away (`| head`) ends the program quietly, as it does the real tools.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| {
        // 128 + SIGPIPE (13): what a shell reports of a tool that the signal ended.
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { exit: if gone { 141 } else { 1 }, text: if gone { String::new() } else { error.to_string() } }
    })
}

/// Tells the user something beside the results, on standard error. That nobody reads it ends nothing.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
