//! The columns of `ss`: on a pipe as wide as their content, on a terminal stretched to its width (misc/ss.c, `render`).

use super::Text;
use crate::event::Span;

/// Columns: Netid, State, Recv-Q, Send-Q, local address and port, peer address and port, process and what else there is.
pub(super) const COLUMNS: usize = 9;

/// Side to which a column's text goes, and what stands before it when it is not the first.
const SHAPE: [(bool, &str); COLUMNS] = [
    (false, ""),
    (false, " "),
    (false, " "),
    (false, " "),
    (true, " "),
    (false, ""),
    (true, " "),
    (false, ""),
    (false, ""),
];

/// The names above the columns.
pub(super) const HEADINGS: [&str; COLUMNS] =
    ["Netid", "State", "Recv-Q", "Send-Q", "Local Address:", "Port", "Peer Address:", "Port", "Process"];

/// One line: a piece of text for every column.
pub(super) type Line = [Span; COLUMNS];

/// Lays out lines; `shown` tells which columns there are.
pub(super) fn render(lines: &[Line], shown: [bool; COLUMNS], terminal: Option<u16>) -> Text {
    let widths = widths(lines, shown, terminal.map(usize::from));
    let mut text = Text::new();
    for line in lines {
        let mut started = false;
        for (i, cell) in line.iter().enumerate().filter(|(i, _)| shown[*i]) {
            let (right, delimiter) = SHAPE[i];
            let delimiter = if started { delimiter } else { "" };
            started = true;
            let spare = widths[i].saturating_sub(delimiter.len() + cell.text.chars().count());
            text.put(delimiter);
            if right {
                text.put(" ".repeat(spare));
            }
            text.word(&cell.text, &cell.meaning);
            if !right {
                text.put(" ".repeat(spare));
            }
        }
        text.put("\n");
    }
    text
}

/// Widths, delimiters included.
fn widths(lines: &[Line], shown: [bool; COLUMNS], terminal: Option<usize>) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    let mut first = true;
    for i in (0..COLUMNS).filter(|i| shown[*i]) {
        let longest = lines.iter().map(|line| line[i].text.chars().count()).max().unwrap_or(0);
        widths[i] = if first || longest == 0 { longest } else { longest + SHAPE[i].1.len() };
        widths[i] = widths[i].min(terminal.unwrap_or(usize::MAX));
        first &= widths[i] == 0;
    }
    if let Some(terminal) = terminal {
        stretch(&mut widths, terminal);
    }
    widths
}

/// Gives the room that is left in each row of the terminal to its columns, the last ones getting what does not divide.
fn stretch(widths: &mut [usize; COLUMNS], terminal: usize) {
    let mut members: Vec<usize> = Vec::new();
    let mut length = 0;
    let filled: Vec<usize> = (0..COLUMNS).filter(|i| widths[*i] > 0).collect();
    let spread = |widths: &mut [usize; COLUMNS], members: &[usize], length: usize| {
        let spare = terminal.saturating_sub(length);
        let count = members.len().max(1);
        for (place, i) in members.iter().enumerate() {
            widths[*i] += spare / count + usize::from(count - place <= spare % count);
        }
    };
    for i in filled {
        if length + widths[i] > terminal && !members.is_empty() {
            spread(widths, &members, length);
            members.clear();
            length = 0;
        }
        members.push(i);
        length += widths[i];
        if length == terminal {
            members.clear();
            length = 0;
        }
    }
    spread(widths, &members, length);
}
