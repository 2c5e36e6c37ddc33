//! The line that is typed at a prompt: what Ctrl-U, Ctrl-K and Ctrl-W do to it, searching the history, setting words in
//! columns. Plain text: no browser.

use std::rc::Rc;

/// A line and its cursor, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditLine {
    /// The text.
    pub text: String,
    /// The cursor: a byte between two characters.
    pub cursor: usize,
}

impl EditLine {
    /// A line with its cursor at a byte; one inside a character is moved to that character's beginning.
    pub fn new(text: String, cursor: usize) -> Self {
        let mut cursor = cursor.min(text.len());
        while !text.is_char_boundary(cursor) {
            cursor -= 1;
        }
        Self { text, cursor }
    }

    /// Ctrl-U: everything before the cursor goes. What went comes back, for Ctrl-Y.
    pub fn kill_before(&mut self) -> String {
        let killed: String = self.text.drain(..self.cursor).collect();
        self.cursor = 0;
        killed
    }

    /// Ctrl-K: everything behind the cursor goes.
    pub fn kill_behind(&mut self) -> String {
        self.text.split_off(self.cursor)
    }

    /// Ctrl-W: the word before the cursor goes, with the spaces behind it.
    pub fn kill_word(&mut self) -> String {
        let head = &self.text[..self.cursor];
        let word = head.trim_end().char_indices().rev().find(|(_, c)| c.is_whitespace());
        let from = word.map_or(0, |(at, c)| at + c.len_utf8());
        let killed: String = self.text.drain(from..self.cursor).collect();
        self.cursor = from;
        killed
    }

    /// Ctrl-Y: puts `text` in at the cursor.
    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }
}

/// Ctrl-R: the newest line of `history` before `before` (an index; all of it when none) that contains `query`.
pub fn search(history: &[Rc<str>], query: &str, before: Option<usize>) -> Option<usize> {
    if query.is_empty() {
        return None;
    }
    let end = before.unwrap_or(history.len()).min(history.len());
    history.get(..end)?.iter().rposition(|line| line.contains(query))
}

/// `words` in columns, down and then across as bash lists them, at most `width` characters wide.
pub fn columns(words: &[String], width: usize) -> Vec<String> {
    let widest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0) + 2;
    let across = (width / widest).max(1);
    let down = words.len().div_ceil(across);
    (0..down)
        .map(|row| {
            let cells = words.iter().skip(row).step_by(down.max(1));
            let line: String = cells.map(|word| format!("{word:<widest$}")).collect();
            line.trim_end().to_owned()
        })
        .collect()
}

/// Lines of what was pasted: without line ends, and without empty lines at the end.
pub fn pasted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str, cursor: usize) -> EditLine {
        EditLine::new(text.to_owned(), cursor)
    }

    #[test]
    fn words_and_halves_of_a_line_are_killed_and_yanked() {
        let mut ping = line("ping -c 3  8.8.8.8", 11);
        assert_eq!(ping.kill_word(), "3  ");
        assert_eq!(ping, line("ping -c 8.8.8.8", 8));
        assert_eq!(ping.kill_behind(), "8.8.8.8");
        assert_eq!(ping.kill_before(), "ping -c ");
        ping.insert("ss");
        assert_eq!(ping, line("ss", 2));
        assert_eq!(line("пинг хост", 9).kill_word(), "пинг ");
    }

    #[test]
    fn the_history_is_searched_from_its_newest_line_on() {
        let history: Vec<Rc<str>> = ["ip addr", "ping 8.8.8.8", "ip route"].map(Into::into).to_vec();
        let newest = search(&history, "ip", None);
        assert_eq!(newest, Some(2));
        assert_eq!(search(&history, "ip", newest), Some(0));
        assert_eq!(search(&history, "ip", Some(0)), None);
        assert_eq!((search(&history, "", None), search(&history, "dhclient", None)), (None, None));
    }

    #[test]
    fn words_stand_in_columns_as_wide_as_the_terminal() {
        let words: Vec<String> = ["addr", "link", "neigh", "route"].map(String::from).to_vec();
        assert_eq!(columns(&words, 14), ["addr   neigh", "link   route"]);
        assert_eq!(columns(&words, 3).len(), 4);
        assert_eq!(columns(&[], 80), Vec::<String>::new());
    }

    #[test]
    fn what_is_pasted_comes_line_by_line() {
        assert_eq!(pasted("ip a\r\nip r\n\n"), ["ip a", "ip r"]);
        assert_eq!(pasted("one"), ["one"]);
    }

    proptest! {
        #[test]
        fn nothing_typed_is_lost_by_killing(text in ".{0,20}", cursor in 0_usize..24) {
            let before = line(&text, cursor);
            let mut word = before.clone();
            let killed = word.kill_word();
            word.insert(&killed);
            prop_assert_eq!(&word, &before);
            let mut both = before.clone();
            let head = both.kill_before();
            prop_assert_eq!(head + &both.kill_behind(), text);
        }
    }
}
