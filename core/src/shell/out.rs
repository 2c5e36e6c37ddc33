//! Output in the making: spans that are joined where their meaning is the same.

use crate::event::{Span, Stream};
use crate::programs::Kernel;

/// Text in pieces of one meaning each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    spans: Vec<Span>,
}

impl Text {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text without a meaning of its own.
    pub fn put(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.word(text, "")
    }

    /// Adds text with a meaning ([`super::meaning`]).
    pub fn word(&mut self, text: impl AsRef<str>, meaning: &str) -> &mut Self {
        let text = text.as_ref();
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.meaning == meaning && meaning.is_empty() => last.text.push_str(text),
            _ => self.spans.push(Span::new(text, meaning)),
        }
        self
    }

    /// Adds what another text holds.
    pub fn append(&mut self, other: Self) -> &mut Self {
        for span in other.spans {
            self.word(span.text, &span.meaning);
        }
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The pieces.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The pieces, taken out.
    pub fn into_spans(self) -> Vec<Span> {
        self.spans
    }

    /// All text, meanings left out.
    pub fn to_plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Writes everything, if there is anything.
    pub fn print(self, kernel: &mut dyn Kernel, stream: Stream) {
        if !self.spans.is_empty() {
            kernel.write(stream, self.spans);
        }
    }
}

/// Writes a plain line to standard error.
pub fn complain(kernel: &mut dyn Kernel, line: impl AsRef<str>) {
    kernel.write(Stream::Stderr, vec![Span::plain(format!("{}\n", line.as_ref()))]);
}

/// Writes plain text to standard output.
pub fn say(kernel: &mut dyn Kernel, text: impl Into<String>) {
    kernel.write(Stream::Stdout, vec![Span::plain(text)]);
}
