//! The place in the tokens, and what every part of the grammar needs: looking on, taking, the words of a syntax error.

use super::ast::{Error, Span};
use super::lex::{Kind, Token, is_keyword};
use crate::netfilter::model::Family;

/// A place in the tokens.
pub(super) struct Parser<'a> {
    tokens: &'a [Token],
    pub(super) at: usize,
    /// What the first thing is that means nothing, though its grammar is right.
    pub(super) wrong: Option<Error>,
    /// Syntax errors in blocks that were read on.
    pub(super) errors: Vec<Error>,
    /// `define`d values.
    pub(super) defined: Vec<(String, Vec<Token>)>,
    /// Interfaces by name, for `iif`.
    pub(super) ifaces: &'a [(String, u32)],
}

/// The part was read, or here is what came in its place.
pub(super) type Parsed<T> = Result<T, Error>;

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: &'a [Token], ifaces: &'a [(String, u32)]) -> Self {
        Self { tokens, at: 0, wrong: None, errors: Vec::new(), defined: Vec::new(), ifaces }
    }

    pub(super) fn peek(&self) -> &'a Token {
        self.ahead(0)
    }

    /// The token `count` further on; the last one stands for all after it.
    pub(super) fn ahead(&self, count: usize) -> &'a Token {
        let last = self.tokens.len().saturating_sub(1);
        &self.tokens[(self.at + count).min(last)]
    }

    pub(super) fn next(&mut self) -> &'a Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the word if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let there = self.peek().is_word(word);
        self.at += usize::from(there);
        there
    }

    /// Takes the sign if it is next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let there = self.peek().is(sign);
        self.at += usize::from(there);
        there
    }

    /// What is next may not stand here. `expecting`: what may, where that is little enough to be told.
    pub(super) fn unexpected(&self, expecting: &str) -> Error {
        let token = self.peek();
        let mut text = format!("syntax error, unexpected {}", token.name());
        if !expecting.is_empty() {
            text.push_str(", expecting ");
            text.push_str(expecting);
        }
        // An end has no width: its place is where a character would be.
        let at = if token.at.is_empty() { token.at.start..token.at.start + 1 } else { token.at.clone() };
        Error::new(text, at)
    }

    /// The sign, or a syntax error.
    pub(super) fn need(&mut self, sign: &str, expecting: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(expecting)) }
    }

    /// The word, or a syntax error that says that nothing else may stand here.
    pub(super) fn need_word(&mut self, word: &str) -> Parsed<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    /// A name that is no keyword.
    pub(super) fn name(&mut self, expecting: &str) -> Parsed<&'a Token> {
        let token = self.peek();
        if token.kind == Kind::Word && !is_keyword(&token.text) {
            self.at += 1;
            return Ok(token);
        }
        Err(self.unexpected(expecting))
    }

    /// A number.
    pub(super) fn number(&mut self) -> Parsed<(u64, Span)> {
        let token = self.peek();
        match super::lex::number(&token.text).filter(|_| token.kind == Kind::Number) {
            Some(number) => {
                self.at += 1;
                Ok((number, token.at.clone()))
            }
            None => Err(self.unexpected("number")),
        }
    }

    /// A family, if one is next.
    ///
    /// # Errors
    /// One that real nft has and this lab has not.
    pub(super) fn family(&mut self) -> Parsed<Option<Family>> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Ok(None);
        }
        let family = match token.text.as_str() {
            "ip" => Family::Ip,
            "inet" => Family::Inet,
            "bridge" => Family::Bridge,
            "ip6" | "arp" | "netdev" => {
                let text = format!("the {} family is not available in this lab", token.text);
                self.mistake(Error::new(text, token.at.clone()));
                Family::Ip
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(family))
    }

    /// Notes what means nothing; the first such thing counts.
    pub(super) fn mistake(&mut self, error: Error) {
        if self.wrong.is_none() {
            self.wrong = Some(error);
        }
    }

    /// Notes that something is not in this lab.
    pub(super) fn absent(&mut self, what: &str, at: Span) {
        self.mistake(Error::new(format!("{what} is not available in this lab"), at));
    }

    /// Where the last taken token ends.
    pub(super) fn end_before(&self) -> usize {
        self.tokens.get(self.at.wrapping_sub(1)).map_or(0, |token| token.at.end)
    }

    /// Notes a syntax error in a block and goes on behind the statement.
    pub(super) fn recover(&mut self, error: Error) {
        self.errors.push(error);
        while !matches!(self.peek().kind, Kind::Newline | Kind::End) && !self.peek().is(";") {
            self.at += 1;
        }
    }

    /// Whether a statement ends here.
    pub(super) fn at_end(&self) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Newline | Kind::End) || token.is(";") || token.is("}")
    }
}
