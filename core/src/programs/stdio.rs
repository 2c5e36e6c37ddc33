//! Where a process's standard streams lead: to its job, into a file, or nowhere. A child inherits them.

use std::rc::Rc;

use crate::event::Stream;

/// Where what is written goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// To the job's reader, as this stream.
    Job(Stream),
    /// To the end of this file.
    File(Rc<str>),
    /// Nowhere (/dev/null).
    Null,
    /// Nowhere, and every write fails (/dev/full).
    Full,
    /// It is closed.
    Closed,
}

/// A process's standard streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stdio {
    /// What standard input holds, when it is no terminal: all of it, then its end.
    pub input: Option<Rc<str>>,
    /// Standard output.
    pub out: Sink,
    /// Standard error.
    pub err: Sink,
}

impl Default for Stdio {
    fn default() -> Self {
        Self { input: None, out: Sink::Job(Stream::Stdout), err: Sink::Job(Stream::Stderr) }
    }
}

impl Stdio {
    /// Where a stream leads.
    pub const fn sink(&self, stream: Stream) -> &Sink {
        match stream {
            Stream::Stdout => &self.out,
            Stream::Stderr => &self.err,
        }
    }
}
