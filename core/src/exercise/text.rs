//! An exercise's words: `text.<lang>.md`.
//!
//! The first line is the title (`# …`). Every section begins with a heading that ends in its name:
//! `## Get an address {goal.lease}`. What stands between two headings is the section's body, in a small part of
//! Markdown: paragraphs, `- ` lists, fenced code, tables with `|`, `` `code` ``, `**bold**`, `*emphasis*` and
//! `[text](https://…)`. [`Section::html`] renders it; everything else is escaped, so no text can carry markup of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::format::Exercise;
use crate::error::UserError;

/// An exercise's words in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExerciseText {
    /// The exercise's title.
    pub title: String,
    /// Sections by name: `intro`, `goal.lease`, `hint.lease.look` …
    pub sections: BTreeMap<String, Section>,
}

/// One section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading, without the name.
    pub heading: String,
    /// The body, in Markdown.
    pub body: String,
}

impl ExerciseText {
    /// Reads a text file.
    ///
    /// # Errors
    /// `exercise-text` with the line and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, UserError> {
        let fault = |line: usize, found: &str| UserError::new("exercise-text").with("line", line).with("found", found);
        let mut result = Self::default();
        let mut current: Option<String> = None;
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            fenced ^= line.starts_with("```");
            if fenced || !line.starts_with('#') {
                match current.as_ref().and_then(|name| result.sections.get_mut(name)) {
                    Some(section) => {
                        section.body.push_str(line);
                        section.body.push('\n');
                    }
                    None if line.trim().is_empty() => {}
                    None => return Err(fault(index + 1, line)),
                }
            } else if let Some(title) = line.strip_prefix("# ") {
                if !result.title.is_empty() {
                    return Err(fault(index + 1, line));
                }
                result.title = title.trim().to_owned();
            } else {
                let (heading, name) = heading(line).ok_or_else(|| fault(index + 1, line))?;
                let section = Section { heading: heading.to_owned(), body: String::new() };
                if result.sections.insert(name.to_owned(), section).is_some() {
                    return Err(fault(index + 1, line));
                }
                current = Some(name.to_owned());
            }
        }
        if result.title.is_empty() {
            return Err(fault(1, ""));
        }
        for section in result.sections.values_mut() {
            section.body = section.body.trim().to_owned();
        }
        Ok(result)
    }

    /// Sections that `exercise` needs and this text has not, and such as it has and nobody needs.
    pub fn odd_sections(&self, exercise: &Exercise) -> Vec<String> {
        let wanted = exercise.sections();
        let present: std::collections::BTreeSet<String> = self.sections.keys().cloned().collect();
        wanted.symmetric_difference(&present).cloned().collect()
    }

    /// A section's body as HTML; empty when there is no such section.
    pub fn html(&self, section: &str) -> String {
        self.sections.get(section).map(Section::html).unwrap_or_default()
    }
}

/// `## Heading {name}`.
fn heading(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start_matches('#');
    let (heading, name) = rest.trim().strip_suffix('}')?.rsplit_once('{')?;
    let sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    sound.then_some((heading.trim(), name))
}

impl Section {
    /// The body as HTML.
    pub fn html(&self) -> String {
        let mut html = String::new();
        let mut lines = self.body.lines().peekable();
        while let Some(line) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            if line.starts_with("```") {
                html.push_str("<pre><code>");
                for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                    escape(code, &mut html);
                    html.push('\n');
                }
                html.push_str("</code></pre>\n");
                continue;
            }
            let kind = Block::of(line);
            let mut block = vec![line];
            while let Some(next) = lines.next_if(|next| kind.goes_on(next)) {
                block.push(next);
            }
            kind.render(&block, &mut html);
        }
        html
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Paragraph,
    List,
    Table,
}

impl Block {
    fn of(line: &str) -> Self {
        match line {
            _ if line.starts_with("- ") => Self::List,
            _ if line.starts_with('|') => Self::Table,
            _ => Self::Paragraph,
        }
    }

    fn goes_on(self, line: &str) -> bool {
        let starts_other = line.trim().is_empty() || line.starts_with("```");
        match self {
            Self::Paragraph => !starts_other && Self::of(line) == Self::Paragraph,
            // An indented line goes on with the item before it.
            Self::List => line.starts_with("- ") || (!starts_other && line.starts_with(' ')),
            Self::Table => line.starts_with('|'),
        }
    }

    fn render(self, lines: &[&str], html: &mut String) {
        match self {
            Self::Paragraph => {
                html.push_str("<p>");
                inline(&lines.join(" "), html);
                html.push_str("</p>\n");
            }
            Self::List => {
                html.push_str("<ul>");
                for (index, line) in lines.iter().enumerate() {
                    match line.strip_prefix("- ") {
                        Some(item) => {
                            html.push_str(if index == 0 { "<li>" } else { "</li><li>" });
                            inline(item, html);
                        }
                        None => {
                            html.push(' ');
                            inline(line.trim(), html);
                        }
                    }
                }
                html.push_str("</li></ul>\n");
            }
            Self::Table => table(lines, html),
        }
    }
}

/// The first row is the heading; a row of dashes is left out.
fn table(lines: &[&str], html: &mut String) {
    html.push_str("<table>");
    for (index, line) in lines.iter().enumerate() {
        if line.bytes().all(|b| matches!(b, b'|' | b'-' | b' ' | b':')) {
            continue;
        }
        let tag = if index == 0 { "th" } else { "td" };
        html.push_str("<tr>");
        for cell in line.trim().trim_matches('|').split('|') {
            let _ = write!(html, "<{tag}>");
            inline(cell.trim(), html);
            let _ = write!(html, "</{tag}>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>\n");
}

/// Code, bold, emphasis, links; a mark without its partner stays as it is.
fn inline(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, from) = rest.split_at(at);
        escape(before, html);
        rest = match marked(from, html) {
            Some(after) => after,
            None => {
                let mut chars = from.chars();
                chars.next().into_iter().for_each(|c| html.push(c));
                chars.as_str()
            }
        };
    }
    escape(rest, html);
}

/// Renders what a mark at the beginning of `from` encloses; returns what follows.
fn marked<'a>(from: &'a str, html: &mut String) -> Option<&'a str> {
    for (mark, tag) in [("`", "code"), ("**", "strong"), ("*", "em")] {
        let Some(inner) = from.strip_prefix(mark) else { continue };
        let (inner, after) = inner.split_once(mark).filter(|(inner, _)| !inner.is_empty())?;
        let _ = write!(html, "<{tag}>");
        if tag == "code" {
            escape(inner, html)
        } else {
            inline(inner, html)
        }
        let _ = write!(html, "</{tag}>");
        return Some(after);
    }
    let (text, rest) = from.strip_prefix('[')?.split_once("](")?;
    let (url, after) = rest.split_once(')')?;
    if !url.starts_with("https://") {
        return None;
    }
    html.push_str("<a rel=\"noreferrer\" href=\"");
    escape(url, html);
    html.push_str("\">");
    escape(text, html);
    html.push_str("</a>");
    Some(after)
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}
