//! Questions: what is asked for, what is right, which mistakes deserve a word of their own; and the form in which
//! answers are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::checks::FrameCheck;
use crate::lab::CableEnd;

/// The student's answer is right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCheck {
    /// What is asked for.
    pub kind: AnswerKind,
    /// What is right; none for a table, whose cells have their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// What is right as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Expect>,
    /// What there is to choose from, or to put in order, as it is shown first. Their words are the text's sections
    /// `choice.<goal>.<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Mistakes that deserve a word of their own, the most particular first.
    #[serde(rename = "wrong", default, skip_serializing_if = "Vec::is_empty")]
    pub wrongs: Vec<WrongAnswer>,
    /// A guess: any answer reaches the goal, and it can not be changed any more. What was right is said when the goal
    /// of this name is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guess: Option<String>,
    /// Of a table: its columns. Their words are the headings of the sections `column.<goal>.<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Of a table: its rows. Their words are the headings of the sections `row.<goal>.<id>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
    /// Of a table: what belongs into its cells.
    #[serde(rename = "cell", default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its row.
    pub row: String,
    /// Its column.
    pub column: String,
    /// What is asked for: an address, a MAC, a number, a word.
    pub kind: AnswerKind,
    /// What is right.
    pub expect: Expect,
    /// What is right as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Expect>,
    /// Mistakes that deserve a word of their own. Cells may share a mistake's words.
    #[serde(rename = "wrong", default, skip_serializing_if = "Vec::is_empty")]
    pub wrongs: Vec<WrongAnswer>,
}

impl Cell {
    /// How answers and verdicts name it: `row.column`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.row, self.column)
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// An IPv4 address.
    Address,
    /// A MAC.
    Mac,
    /// One of several.
    Choice,
    /// All of the choices, in an order: their names with spaces between.
    Order,
    /// A table: lines of `row.column = value`.
    Table,
    /// A word or two; case and spaces do not matter.
    #[default]
    Text,
    /// A whole number.
    Number,
}

/// What an answer is compared with: fixed, or taken from the lab as it is, so that it holds for every seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// This.
    Value(String),
    /// The gateway of a machine's default route.
    Gateway(String),
    /// A machine's (first) IPv4 address at an interface: `host:eth0`.
    Address(CableEnd),
    /// The MAC of a machine's interface.
    Mac(CableEnd),
    /// The address of the server that gave a machine its lease.
    DhcpServer(String),
    /// The PID of the process that listens on a machine's TCP port: `web:80`.
    Listener(String),
    /// A field of the last frame seen that matches.
    Field(FieldExpect),
    /// Of an order: the first stands somewhere before the second.
    Ahead([String; 2]),
}

impl Expect {
    /// The frames whose field is meant.
    pub(super) fn frame(&self) -> Option<&FrameCheck> {
        if let Self::Field(field) = self { Some(&field.frame) } else { None }
    }
}

/// A field of the last frame that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldExpect {
    /// Which field, by Wireshark's name.
    pub name: String,
    /// Of which frames.
    pub frame: FrameCheck,
}

/// A mistake that deserves a word of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongAnswer {
    /// Its name. Its words are the text's section `wrong.<goal>.<id>`.
    pub id: String,
    /// What the student said.
    pub expect: Expect,
}

/// One thing that is asked: a whole question, or a cell of a table.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) kind: AnswerKind,
    pub(super) right: &'a Expect,
    pub(super) also: &'a [Expect],
    pub(super) wrongs: &'a [WrongAnswer],
}

impl Asked<'_> {
    /// All that an answer is compared with: right, right as well, wrong.
    pub(super) fn expects(&self) -> impl Iterator<Item = &Expect> {
        core::iter::once(self.right).chain(self.also).chain(self.wrongs.iter().map(|wrong| &wrong.expect))
    }
}

impl AnswerCheck {
    /// What is asked, by the cell's name; an empty name where it is no table.
    pub(super) fn asked(&self) -> Vec<(String, Asked<'_>)> {
        let whole = self.expect.iter().map(|right| {
            let asked = Asked { kind: self.kind, right, also: &self.also, wrongs: &self.wrongs };
            (String::new(), asked)
        });
        let cells = self.cells.iter().map(|cell| {
            let asked = Asked { kind: cell.kind, right: &cell.expect, also: &cell.also, wrongs: &cell.wrongs };
            (cell.name(), asked)
        });
        whole.chain(cells).collect()
    }

    /// Everything that an answer to it is compared with.
    pub(super) fn every_expect(&self) -> impl Iterator<Item = &Expect> {
        let cells = self.cells.iter().flat_map(|cell| {
            let wrong = cell.wrongs.iter().map(|wrong| &wrong.expect);
            core::iter::once(&cell.expect).chain(&cell.also).chain(wrong)
        });
        let wrong = self.wrongs.iter().map(|wrong| &wrong.expect);
        self.expect.iter().chain(&self.also).chain(wrong).chain(cells)
    }

    /// Whether it has what its kind needs.
    pub(super) fn is_sound(&self) -> bool {
        let table = self.kind == AnswerKind::Table;
        let chosen = matches!(self.kind, AnswerKind::Choice | AnswerKind::Order);
        let known = |cell: &Cell| self.rows.contains(&cell.row) && self.columns.contains(&cell.column);
        let names: BTreeSet<_> = self.cells.iter().map(Cell::name).collect();
        self.expect.is_some() != table
            && self.cells.is_empty() != table
            && self.choices.is_empty() != chosen
            && names.len() == self.cells.len()
            && self.cells.iter().all(known)
    }

    /// The sections that a text must have for it.
    pub(super) fn sections(&self, goal: &str, sections: &mut BTreeSet<String>) {
        sections.extend(self.choices.iter().map(|id| format!("choice.{goal}.{id}")));
        sections.extend(self.columns.iter().map(|id| format!("column.{goal}.{id}")));
        sections.extend(self.rows.iter().map(|id| format!("row.{goal}.{id}")));
        let wrongs = self.wrongs.iter().chain(self.cells.iter().flat_map(|cell| &cell.wrongs));
        sections.extend(wrongs.map(|wrong| format!("wrong.{goal}.{}", wrong.id)));
    }
}

/// A table's answer as a map: lines of `row.column = value`; what has no `=` is left out.
pub fn cells_of(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// The same map as an answer's text.
pub fn cells_text(cells: &BTreeMap<String, String>) -> String {
    cells.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

/// An answer in the form in which answers are compared.
pub(super) fn normal(kind: AnswerKind, text: &str) -> String {
    let text = text.trim();
    let words = || text.split_whitespace().collect::<Vec<_>>().join(" ");
    match kind {
        // `10.0.2.15/24` is what `ip addr` prints: the prefix is not asked for.
        AnswerKind::Address => text.split('/').next().unwrap_or_default().trim().to_owned(),
        // VirtualBox's window prints MACs without colons, Windows with dashes.
        AnswerKind::Mac => text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase(),
        AnswerKind::Number => text.parse::<i64>().map_or_else(|_| text.to_owned(), |number| number.to_string()),
        AnswerKind::Choice | AnswerKind::Table => text.to_owned(),
        AnswerKind::Order => words(),
        AnswerKind::Text => words().to_lowercase(),
    }
}
