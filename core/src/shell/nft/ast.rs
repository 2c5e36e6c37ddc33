//! What a text of nft says: commands, with the places of their words, so that a refusal can point at them.

use core::ops::Range;

use crate::netfilter::model::{Base, Family, Policy, Rule};

/// A place in the text.
pub(super) type Span = Range<usize>;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: Span,
}

/// What an error says and points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) text: String,
    /// Marked by `^`.
    pub(super) at: Span,
    /// Marked by `~`.
    pub(super) also: Option<Span>,
}

impl Error {
    pub(super) fn new(text: impl Into<String>, at: Span) -> Self {
        Self { text: text.into(), at, also: None }
    }
}

/// A table, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    pub(super) family: Family,
    pub(super) name: Name,
}

/// A chain, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChainName {
    pub(super) table: TableName,
    pub(super) name: Name,
}

/// What stands between a chain's braces.
#[derive(Clone, Debug, Default)]
pub(super) struct ChainBody {
    pub(super) base: Option<Base>,
    pub(super) policy: Option<(Policy, Span)>,
    pub(super) rules: Vec<(Draft, Span)>,
}

/// A rule that was read.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// Anonymous sets in it: each takes a handle of its own.
    pub(super) sets: u64,
    /// Where the name of a chain to go to stands.
    pub(super) target: Option<Span>,
    /// Where the name of a counter stands that is not there: this lab has none with names.
    pub(super) missing: Option<Span>,
    /// Where a refusal stands.
    pub(super) reject: Option<Span>,
}

/// Where a rule goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    End,
    /// `position` or `handle`.
    Handle(u64, Span),
    Index(usize, Span),
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Command {
    AddTable { table: TableName, create: bool, chains: Vec<(Name, ChainBody)> },
    AddChain { chain: ChainName, create: bool, body: ChainBody },
    AddRule { chain: ChainName, at: At, insert: bool, draft: Draft },
    ReplaceRule { chain: ChainName, handle: (u64, Span), draft: Draft },
    DeleteTable(Option<TableName>, Option<(Family, u64, Span)>),
    DeleteChain(ChainName),
    DeleteRule(ChainName, (u64, Span)),
    RenameChain(ChainName, Name),
    FlushRuleset(Option<Family>),
    FlushTable(TableName),
    FlushChain(ChainName),
    ListRuleset(Option<Family>),
    ListTables(Option<Family>),
    ListTable(TableName),
    ListChains(Option<Family>),
    ListChain(ChainName),
    Nothing,
}

/// A command, where it stands, and what is wrong with what it means.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) command: Command,
    pub(super) at: Span,
    pub(super) wrong: Option<Error>,
}
