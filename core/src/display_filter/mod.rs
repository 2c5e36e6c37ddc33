//! Display filters: which frames are shown. Wireshark's syntax and meaning (wireshark-filter(4)) over the fields that
//! [`crate::frame::decode`] knows, and a few of our own (`nm.node`, `nm.from`, `nm.to`, `nm.dropped`) for what no frame says.
//!
//! Owns the language: reading, printing, deciding for one frame. Must not know logs, lists or the page. A filter costs a
//! bounded amount: its length and its nesting have caps. Left out, and refused by name: `matches`, slices, functions,
//! arithmetic.

mod eval;
mod field;
mod lex;
mod parse;
mod print;
mod suggest;
mod value;

use core::ops::Range;
use std::cell::OnceCell;

pub use field::{Def, FIELDS, Kind, literal_of, of_key, protocol_of};
pub use suggest::complete;
pub use value::Literal;

use crate::error::UserError;
use crate::frame::decode::{Decoded, decode};

/// A filter, read; by default one that lets everything through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    expr: Option<Expr>,
}

/// What a filter says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// One of them.
    Or(Vec<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// The frame has the field.
    Has(Name),
    /// The field's bits under a mask are not all 0.
    Bits(Name, u64),
    /// A comparison.
    Test { left: Name, mask: Option<u64>, op: Op, right: Right },
    /// Among values or between two.
    In { left: Name, not: bool, set: Vec<(Literal, Option<Literal>)> },
}

/// A field by name; equal when the names are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name(pub(crate) &'static Def);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Right {
    /// A value.
    Literal(Literal),
    /// Another field.
    Field(Name),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// One value is equal.
    Eq,
    /// All values differ (Wireshark since 3.6).
    Ne,
    /// All values are equal: `===`.
    AllEq,
    /// One value differs: `!==`.
    AnyNe,
    /// Greater.
    Gt,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// Has these bytes or characters somewhere.
    Contains,
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What: a code with words in both languages.
    pub error: UserError,
    /// Where: bytes of the filter's text; empty at its end.
    pub at: Range<usize>,
}

impl FilterError {
    pub(crate) fn new(code: &str, at: Range<usize>) -> Self {
        Self { error: UserError::new(code), at }
    }

    pub(crate) fn with(mut self, name: &str, value: impl core::fmt::Display) -> Self {
        self.error = self.error.with(name, value);
        self
    }
}

/// A frame and what is known about it.
#[derive(Debug)]
pub struct Context<'a> {
    /// The frame's bytes.
    pub bytes: &'a [u8],
    /// Its number, from 1.
    pub number: u64,
    /// When it was put on its cable, in seconds.
    pub seconds: f64,
    /// The machines at the ends of its cable: whence, whither.
    pub nodes: [&'a str; 2],
    /// The code of the reason for which it was dropped after this cable.
    pub dropped: Option<&'a str>,
    decoded: OnceCell<Decoded>,
}

impl<'a> Context<'a> {
    /// A frame of which nothing but its bytes is known.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, number: 0, seconds: 0.0, nodes: ["", ""], dropped: None, decoded: OnceCell::new() }
    }

    /// Layers and fields; worked out when a filter asks.
    fn decoded(&self) -> &Decoded {
        self.decoded.get_or_init(|| decode(self.bytes))
    }
}

impl Filter {
    /// Reads a filter; an empty text lets everything through.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|expr| Self { expr })
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.expr.is_none()
    }

    /// Whether a frame passes.
    pub fn passes(&self, context: &Context<'_>) -> bool {
        self.expr.as_ref().is_none_or(|expr| eval::passes(expr, context))
    }

    /// Whether what happens to a frame later can change the answer.
    pub fn changes(&self) -> bool {
        self.names().iter().any(|name| name.0.changes())
    }

    /// A flag that is asked for alone, where its being set was perhaps meant: `tcp.flags.syn` is there in every TCP
    /// segment, set or not.
    pub fn lone_flag(&self) -> Option<&'static str> {
        fn walk(expr: &Expr) -> Option<&'static str> {
            match expr {
                Expr::Or(parts) | Expr::And(parts) => parts.iter().find_map(walk),
                Expr::Not(inner) => walk(inner),
                Expr::Has(name) => {
                    (name.0.kind == Kind::Bool && !name.0.name.starts_with("http.")).then_some(name.0.name)
                }
                _ => None,
            }
        }
        self.expr.as_ref().and_then(walk)
    }

    fn names(&self) -> Vec<Name> {
        fn walk(expr: &Expr, names: &mut Vec<Name>) {
            match expr {
                Expr::Or(parts) | Expr::And(parts) => parts.iter().for_each(|part| walk(part, names)),
                Expr::Not(inner) => walk(inner, names),
                Expr::Has(name) | Expr::Bits(name, _) => names.push(*name),
                Expr::Test { left, right, .. } => {
                    names.push(*left);
                    if let Right::Field(name) = right {
                        names.push(*name);
                    }
                }
                Expr::In { left, .. } => names.push(*left),
            }
        }
        let mut names = Vec::new();
        if let Some(expr) = &self.expr {
            walk(expr, &mut names);
        }
        names
    }
}

#[cfg(test)]
mod tests;
