//! Output of `ip`: spans with iproute2's colours (lib/color.c, the palette for a light background) and line ends.

use super::Options;
use super::json::Json;
use crate::event::Stream;
use crate::programs::Kernel;
use crate::shell::out::Text;

/// SGR parameters.
#[derive(Clone, Copy)]
pub(super) enum Color {
    Iface = 36,
    Mac = 33,
    Inet = 35,
    Inet6 = 34,
    Up = 32,
    Down = 31,
}

/// Output in the making.
pub(super) struct Printer {
    pub(super) text: Text,
    color: bool,
    oneline: bool,
}

impl Printer {
    pub(super) fn new(options: &Options) -> Self {
        Self { text: Text::new(), color: options.color, oneline: options.oneline }
    }

    pub(super) fn put(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.put(text);
        self
    }

    pub(super) fn word(&mut self, text: impl AsRef<str>, meaning: &str) -> &mut Self {
        self.text.word(text, meaning);
        self
    }

    /// A coloured word; `tail` is within the colour but not part of the word (iproute2's format strings are so).
    pub(super) fn paint(
        &mut self,
        color: Option<Color>,
        text: impl AsRef<str>,
        tail: &str,
        meaning: &str,
    ) -> &mut Self {
        match color.filter(|_| self.color) {
            Some(color) => {
                self.text.put(format!("\u{1b}[{}m", color as u8));
                self.text.word(text, meaning).put(tail).put("\u{1b}[0m");
            }
            None => {
                self.text.word(text, meaning).put(tail);
            }
        }
        self
    }

    /// A line end within one record: a backslash with `-o`.
    pub(super) fn inner_line(&mut self) -> &mut Self {
        self.text.put(if self.oneline { "\\" } else { "\n" });
        self
    }

    pub(super) fn print(self, kernel: &mut dyn Kernel) {
        self.text.print(kernel, Stream::Stdout);
    }
}

/// Writes a JSON document.
pub(super) fn print_json(json: &Json, options: &Options, kernel: &mut dyn Kernel) {
    crate::shell::out::say(kernel, json.render(options.pretty));
}
