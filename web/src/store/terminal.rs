//! A machine's terminal: its lines, the command that runs, the history.

use std::collections::VecDeque;
use std::rc::Rc;

use netmodes_core::event::{Output, Stream};
use netmodes_core::id::JobId;
use netmodes_core::limits::TERMINAL_CHARS_MAX;

/// A piece of a line with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, without line ends.
    pub text: String,
    /// The key of its explanation, or empty.
    pub meaning: String,
    /// It was written to standard error.
    pub error: bool,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A prompt and what was typed after it.
    Command,
    /// What a program printed.
    Output,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number; grows by one.
    pub number: u64,
    /// What it is.
    pub kind: LineKind,
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// The program colours its output: `ip -c`.
    pub colour: bool,
}

impl Line {
    /// Its text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    fn chars(&self) -> usize {
        self.pieces.iter().map(|piece| piece.text.len()).sum::<usize>() + 1
    }
}

/// A machine's terminal.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Its lines, oldest first.
    pub lines: VecDeque<Rc<Line>>,
    /// Commands that have not ended, oldest first; the newest holds the keyboard.
    pub running: Vec<JobId>,
    /// Command lines that were typed here, oldest first.
    pub history: Vec<Rc<str>>,
    /// Exit status of the last command that ended.
    pub status: i32,
    /// The command that ended last and its exit status; none once another one runs.
    pub ended: Option<(JobId, i32)>,
    /// Lines were discarded to keep within the cap.
    pub discarded: bool,
    next: u64,
    chars: usize,
    open: bool,
    colour: bool,
}

impl Terminal {
    /// A command line was accepted.
    pub fn job_started(&mut self, job: JobId, line: &str) {
        self.running.push(job);
        self.open = false;
        self.ended = None;
        self.colour = is_coloured(line);
        for (index, text) in line.lines().enumerate() {
            let kind = if index == 0 { LineKind::Command } else { LineKind::Output };
            self.append(kind, vec![Piece { text: text.to_owned(), meaning: String::new(), error: false }]);
        }
    }

    /// A command came to its end.
    pub fn job_ended(&mut self, job: JobId, status: i32) {
        self.running.retain(|running| *running != job);
        self.status = status;
        self.ended = Some((job, status));
        self.open = false;
        self.colour = false;
    }

    /// A program printed something.
    pub fn output(&mut self, output: &Output) {
        for span in &output.spans {
            let text = without_escapes(&span.text);
            for (index, text) in text.split('\n').enumerate() {
                if index > 0 {
                    if !self.open {
                        self.append(LineKind::Output, Vec::new());
                    }
                    self.open = false;
                }
                if !text.is_empty() {
                    let piece = Piece {
                        text: text.to_owned(),
                        meaning: span.meaning.clone(),
                        error: output.stream == Stream::Stderr,
                    };
                    self.extend(piece);
                }
            }
        }
    }

    /// Something the student typed as input to a running program: shown as a terminal shows it.
    pub fn echo(&mut self, text: &str) {
        self.extend(Piece { text: text.to_owned(), meaning: String::new(), error: false });
        self.open = false;
    }

    /// Remembers a command line that was typed.
    pub fn remember(&mut self, line: &str) {
        let line = line.trim_end();
        if !line.trim().is_empty() && self.history.last().is_none_or(|last| &**last != line) {
            self.history.push(line.into());
            if self.history.len() > 500 {
                self.history.remove(0);
            }
        }
    }

    /// Ctrl-L: an empty screen.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.chars = 0;
        self.open = false;
        self.discarded = false;
        self.ended = None;
    }

    /// A prompt with nothing after it, as Enter on an empty line leaves it, or what Ctrl-C gave up.
    pub fn blank_prompt(&mut self, typed: &str) {
        self.open = false;
        self.append(LineKind::Command, vec![Piece { text: typed.to_owned(), meaning: String::new(), error: false }]);
    }

    fn extend(&mut self, piece: Piece) {
        if !self.open {
            self.append(LineKind::Output, Vec::new());
            self.open = true;
        }
        self.chars += piece.text.len();
        if let Some(line) = self.lines.back_mut() {
            Rc::make_mut(line).pieces.push(piece);
        }
    }

    fn append(&mut self, kind: LineKind, pieces: Vec<Piece>) {
        let colour = self.colour && kind == LineKind::Output;
        let line = Line { number: self.next, kind, pieces, colour };
        self.next += 1;
        self.chars += line.chars();
        self.lines.push_back(Rc::new(line));
        while self.chars > TERMINAL_CHARS_MAX && self.lines.len() > 1 {
            if let Some(gone) = self.lines.pop_front() {
                self.chars = self.chars.saturating_sub(gone.chars());
                self.discarded = true;
            }
        }
    }
}

/// `text` without the sequences that colour it (ECMA-48 SGR, `ESC [ … m`): here a piece's meaning gives its colour.
fn without_escapes(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("\u{1b}[") {
        return text.into();
    }
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain.push_str(rest.strip_prefix('m').unwrap_or(part));
    }
    plain.into()
}

/// Whether a command line asks `ip` for colours: `ip -c addr`, `ip -br -color link`.
fn is_coloured(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let options = words.by_ref().skip_while(|word| *word != "ip").skip(1).take_while(|word| word.starts_with('-'));
    options.into_iter().any(|word| {
        let word = word.trim_start_matches('-');
        !word.is_empty() && "color".starts_with(word.split('=').next().unwrap_or(word))
    })
}

/// `line` with `word` in place of what stands from byte `from` to the cursor at byte `to`. Bounds that are not on
/// characters leave the line as it is.
pub fn complete(line: &str, from: usize, to: usize, word: &str) -> String {
    match (line.get(..from), line.get(to..)) {
        (Some(head), Some(tail)) if from <= to => format!("{head}{word}{tail}"),
        _ => line.to_owned(),
    }
}

/// The longest beginning that all `words` share.
pub fn common_prefix(words: &[String]) -> &str {
    let Some(first) = words.first() else { return "" };
    let mut end = first.len();
    for word in words {
        let same = first.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
        end = end.min(same);
    }
    while !first.is_char_boundary(end) {
        end -= 1;
    }
    &first[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use netmodes_core::event::Span;
    use netmodes_core::id::{NodeId, Pid};

    fn print(terminal: &mut Terminal, text: &str) {
        let spans = vec![Span::plain(text)];
        let output = Output { node: NodeId(1), job: JobId(1), pid: Pid(2), stream: Stream::Stdout, spans };
        terminal.output(&output);
    }

    fn texts(terminal: &Terminal) -> Vec<String> {
        terminal.lines.iter().map(|line| line.text()).collect()
    }

    #[test]
    fn output_in_pieces_makes_whole_lines() {
        let mut terminal = Terminal::default();
        print(&mut terminal, "one ");
        print(&mut terminal, "two\nthree\n\nfo");
        print(&mut terminal, "ur\n");
        print(&mut terminal, "five");
        assert_eq!(texts(&terminal), ["one two", "three", "", "four", "five"]);
    }

    #[test]
    fn a_prompt_begins_a_line_of_its_own() {
        let mut terminal = Terminal::default();
        print(&mut terminal, "no line end");
        terminal.job_ended(JobId(1), 0);
        terminal.job_started(JobId(2), "ip addr");
        assert_eq!(texts(&terminal), ["no line end", "ip addr"]);
        assert_eq!(terminal.running, [JobId(2)]);
    }

    #[test]
    fn old_lines_are_discarded_at_the_cap() {
        let mut terminal = Terminal::default();
        for _ in 0..3 {
            print(&mut terminal, &"x".repeat(TERMINAL_CHARS_MAX / 2));
            print(&mut terminal, "\n");
        }
        assert!(terminal.discarded);
        assert!(terminal.lines.len() < 3);
    }

    #[test]
    fn the_history_keeps_no_repetition_and_no_empty_line() {
        let mut terminal = Terminal::default();
        for line in ["ip a", "ip a", "  ", "ss"] {
            terminal.remember(line);
        }
        assert_eq!(terminal.history.len(), 2);
    }

    #[test]
    fn sequences_that_colour_are_not_shown() {
        assert_eq!(without_escapes("\u{1b}[36menp0s3: \u{1b}[0m<UP>"), "enp0s3: <UP>");
        assert_eq!(without_escapes("[0m stays"), "[0m stays");
    }

    #[test]
    fn ip_colours_only_what_it_is_asked_to() {
        for line in ["ip -c a", "ip -br -c addr", "ip -color=always link"] {
            assert!(is_coloured(line), "{line}");
        }
        for line in ["ip a", "ping -c 1 8.8.8.8", "ip -4 addr", "ip addr -c", ""] {
            assert!(!is_coloured(line), "{line}");
        }
    }

    #[test]
    fn completion_replaces_the_word_at_the_cursor() {
        assert_eq!(complete("ip ad show", 3, 5, "address"), "ip address show");
        assert_eq!(complete("é", 1, 1, "x"), "é");
        assert_eq!(common_prefix(&["address".into(), "addrlabel".into()]), "addr");
    }
}
