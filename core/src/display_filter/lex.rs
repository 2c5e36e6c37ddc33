//! A filter's text as words and signs, each with its place.

use core::ops::Range;

use super::FilterError;

/// A word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, number, address: whatever stands without quotation marks.
    Word(String),
    /// What stood in quotation marks.
    Quoted(String),
    /// `==`, `!=`, `<`, `&&`, `(` and their kind.
    Sign(&'static str),
}

/// Signs, longest first.
const SIGNS: &[&str] = &[
    "===", "!==", "==", "!=", "~=", "<=", ">=", "&&", "||", "^^", "..", "<", ">", "!", "=", "&", "(", ")", "{", "}",
    ",", "[", "]", "~", "|", "^",
];

/// Reads `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if c == '"' {
            let (word, end) = quoted(text, at)?;
            tokens.push((Token::Quoted(word), at..end));
            at = end;
        } else if c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-') && !text[at..].starts_with("..") {
            let end = word_end(text, at);
            tokens.push((Token::Word(text[at..end].to_owned()), at..end));
            at = end;
        } else if let Some(sign) = SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            tokens.push((Token::Sign(sign), at..at + sign.len()));
            at += sign.len();
        } else {
            let place = at..at + c.len_utf8();
            return Err(FilterError::new("filter-character", place).with("found", c));
        }
    }
    Ok(tokens)
}

/// A word goes on until white space or a sign; two dots end it (`1..5`).
fn word_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let end = rest.char_indices().find(|(at, c)| {
        let inside = c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '/' | '.');
        !inside || rest[*at..].starts_with("..")
    });
    start + end.map_or(rest.len(), |(at, _)| at)
}

fn quoted(text: &str, start: usize) -> Result<(String, usize), FilterError> {
    let mut word = String::new();
    let mut chars = text[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((word, start + 1 + at + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => word.push('\n'),
                Some((_, 'r')) => word.push('\r'),
                Some((_, 't')) => word.push('\t'),
                Some((_, '0')) => word.push('\0'),
                Some((_, other)) => word.push(other),
                None => break,
            },
            _ => word.push(c),
        }
    }
    Err(FilterError::new("filter-quote", start..text.len()))
}
