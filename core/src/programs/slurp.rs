//! A tool that reads standard input to its end and then does all its work at once: `iptables-restore`, `nft -f -`.
//! Owns the waiting; the tool itself is a function of [`crate::shell`].

use super::{Kernel, Stdin, Step};
use crate::event::{Span, Stream};
use crate::limits::TOOL_INPUT_BYTES_MAX;

/// What a tool does with its words and its input.
pub type Work = fn(&[String], &str, &mut dyn Kernel) -> i32;

/// The tool, waiting for its input.
#[derive(Clone, Debug)]
pub struct Slurp {
    work: Work,
    argv: Vec<String>,
    reads: bool,
    input: Vec<u8>,
}

impl Slurp {
    /// A tool with its words. `reads`: whether it reads standard input at all.
    pub const fn new(work: Work, argv: Vec<String>, reads: bool) -> Self {
        Self { work, argv, reads, input: Vec::new() }
    }

    /// Reads on; works once the input has ended.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        while self.reads {
            match kernel.read_stdin() {
                Stdin::Nothing => return Step::Running,
                Stdin::Eof => self.reads = false,
                Stdin::Bytes(bytes) if self.input.len() + bytes.len() > TOOL_INPUT_BYTES_MAX => {
                    let name = self.argv.first().map_or("", String::as_str);
                    let text = format!("{name}: more input than this lab takes ({TOOL_INPUT_BYTES_MAX} bytes)\n");
                    kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                    return Step::Exited(1);
                }
                Stdin::Bytes(bytes) => self.input.extend(bytes),
            }
        }
        let input = String::from_utf8_lossy(&self.input).into_owned();
        Step::Exited((self.work)(&self.argv, &input, kernel))
    }
}
