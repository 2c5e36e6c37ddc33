//! Reading a filter: `or` of `and` of tests, with `!` and parentheses.

use core::ops::Range;

use super::eval::alike;
use super::field::{self, Def, Kind};
use super::lex::{Token, tokens};
use super::value::{self, shown};
use super::{Expr, FilterError, Literal, Name, Op, Right, suggest};
use crate::limits::{DISPLAY_FILTER_CHARS_MAX, DISPLAY_FILTER_DEPTH_MAX};

type Result<T> = core::result::Result<T, FilterError>;

/// Reads `text`; none for an empty one.
pub(super) fn parse(text: &str) -> Result<Option<Expr>> {
    if let Some((at, _)) = text.char_indices().nth(DISPLAY_FILTER_CHARS_MAX) {
        return Err(FilterError::new("filter-too-long", at..text.len()).with("max", DISPLAY_FILTER_CHARS_MAX));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len() };
    if parser.tokens.is_empty() {
        return Ok(None);
    }
    let expr = parser.or(0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some((Token::Sign(")"), place)) => Err(FilterError::new("filter-paren-extra", place)),
        Some((token, place)) => Err(left_over(&token, place)),
    }
}

/// What stands where the filter could have ended.
fn left_over(token: &Token, place: Range<usize>) -> FilterError {
    match token {
        Token::Sign("[") => FilterError::new("filter-slice", place),
        Token::Sign("(") => FilterError::new("filter-function", place),
        Token::Sign(sign @ ("==" | "!=" | "<" | ">" | "<=" | ">=" | "=")) => {
            FilterError::new("filter-chain", place).with("found", sign)
        }
        Token::Word(word) | Token::Quoted(word) => FilterError::new("filter-between", place).with("found", shown(word)),
        Token::Sign(sign) => FilterError::new("filter-between", place).with("found", sign),
    }
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<(Token, Range<usize>)> {
        self.tokens.get(self.at).cloned()
    }

    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the next token when it is one of the signs or words.
    fn take(&mut self, sign: &str, word: &str) -> bool {
        let found = match self.tokens.get(self.at) {
            Some((Token::Sign(found), _)) => *found == sign,
            Some((Token::Word(found), _)) => !word.is_empty() && found.eq_ignore_ascii_case(word),
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn end_error(&self, code: &str) -> FilterError {
        FilterError::new(code, self.end..self.end)
    }

    fn or(&mut self, depth: usize) -> Result<Expr> {
        let mut parts = vec![self.and(depth)?];
        while self.take("||", "or") {
            parts.push(self.and(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn and(&mut self, depth: usize) -> Result<Expr> {
        let mut parts = vec![self.not(depth)?];
        while self.take("&&", "and") {
            parts.push(self.not(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn not(&mut self, depth: usize) -> Result<Expr> {
        let place = self.peek().map_or(self.end..self.end, |(_, place)| place);
        if depth > DISPLAY_FILTER_DEPTH_MAX {
            return Err(FilterError::new("filter-too-deep", place).with("max", DISPLAY_FILTER_DEPTH_MAX));
        }
        if self.take("!", "not") {
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take("(", "") {
            let inner = self.or(depth + 1)?;
            return match self.next() {
                Some((Token::Sign(")"), _)) => Ok(inner),
                None => Err(FilterError::new("filter-paren-open", place)),
                Some((token, at)) => Err(left_over(&token, at)),
            };
        }
        self.test()
    }

    /// A field, alone or compared.
    fn test(&mut self) -> Result<Expr> {
        let (def, place) = self.field()?;
        let left = Name(def);
        let mask = self.mask(def)?;
        let Some((token, at)) = self.peek() else { return Ok(alone(left, mask)) };
        let word = match &token {
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Word(word) => word.to_ascii_lowercase(),
            Token::Quoted(_) => return Ok(alone(left, mask)),
        };
        let op = match word.as_str() {
            "==" | "eq" | "any_eq" => Op::Eq,
            "!=" | "ne" | "all_ne" => Op::Ne,
            "===" | "all_eq" => Op::AllEq,
            "!==" | "~=" | "any_ne" => Op::AnyNe,
            ">" | "gt" => Op::Gt,
            "<" | "lt" => Op::Lt,
            ">=" | "ge" => Op::Ge,
            "<=" | "le" => Op::Le,
            "contains" => Op::Contains,
            "in" => {
                self.at += 1;
                return self.set(left, false);
            }
            "not" if self.is_not_in() => {
                self.at += 2;
                return self.set(left, true);
            }
            "matches" | "~" => return Err(FilterError::new("filter-matches", at)),
            "=" => return Err(FilterError::new("filter-single-equals", at)),
            "[" => return Err(FilterError::new("filter-slice", at)),
            "(" => return Err(FilterError::new("filter-function", place.start..at.end)),
            _ => return Ok(alone(left, mask)),
        };
        self.at += 1;
        if let Some(error) = unfit(def, op, &at, &place) {
            return Err(error);
        }
        let right = self.right(def, op)?;
        Ok(Expr::Test { left, mask, op, right })
    }

    fn is_not_in(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Word(word), _)) if word.eq_ignore_ascii_case("in"))
    }

    /// `& 0x02` behind a number.
    fn mask(&mut self, def: &Def) -> Result<Option<u64>> {
        let place = self.peek().map_or(self.end..self.end, |(_, place)| place);
        if !self.take("&", "bitand") {
            return Ok(None);
        }
        let Kind::Uint(_) = def.kind else {
            return Err(FilterError::new("filter-operator", place).with("op", "&").with("field", def.name));
        };
        match self.next() {
            Some((Token::Word(word), at)) => match value::number(&word) {
                Some((mask, _)) => Ok(Some(mask)),
                None => {
                    Err(FilterError::new("filter-not-number", at).with("value", shown(&word)).with("field", def.name))
                }
            },
            Some((_, at)) => Err(FilterError::new("filter-value", at).with("field", def.name)),
            None => Err(self.end_error("filter-value").with("field", def.name)),
        }
    }

    fn field(&mut self) -> Result<(&'static Def, Range<usize>)> {
        match self.next() {
            None => Err(self.end_error("filter-unfinished")),
            Some((Token::Word(word), at)) => {
                match field::find(&word).or_else(|| field::find(&word.to_ascii_lowercase())) {
                    Some(def) => Ok((def, at)),
                    None => Err(unknown(&word, at)),
                }
            }
            Some((Token::Quoted(word), at)) => {
                Err(FilterError::new("filter-text-alone", at).with("text", shown(&word)))
            }
            Some((Token::Sign(sign), at)) => Err(FilterError::new("filter-field", at).with("found", sign)),
        }
    }

    fn right(&mut self, def: &'static Def, op: Op) -> Result<Right> {
        let (word, is_quoted, at) = match self.next() {
            Some((Token::Word(word), at)) => (word, false, at),
            Some((Token::Quoted(word), at)) => (word, true, at),
            Some((_, at)) => return Err(FilterError::new("filter-value", at).with("field", def.name)),
            None => return Err(self.end_error("filter-value").with("field", def.name)),
        };
        if let Some(other) = field::find(&word).filter(|_| !is_quoted && op != Op::Contains) {
            if alike(def.kind, other.kind) && other.kind != Kind::Protocol {
                return Ok(Right::Field(Name(other)));
            }
            if def.kind != Kind::Text {
                let error = FilterError::new("filter-unlike", at);
                return Err(error.with("field", def.name).with("other", other.name));
            }
        }
        literal(def, op, &word, is_quoted, at).map(Right::Literal)
    }

    /// `{80, 443, 8000..8080}`.
    fn set(&mut self, left: Name, not: bool) -> Result<Expr> {
        let def = left.0;
        if def.kind == Kind::Protocol {
            let at = self.tokens.get(self.at.saturating_sub(1)).map_or(self.end..self.end, |(_, at)| at.clone());
            return Err(protocol_compared(def, &at));
        }
        let place = self.peek().map_or(self.end..self.end, |(_, place)| place);
        if !self.take("{", "") {
            return Err(FilterError::new("filter-brace", place));
        }
        let mut set = Vec::new();
        loop {
            let from = self.member(def)?;
            let to = if self.take("..", "") { Some(self.member(def)?) } else { None };
            set.push((from, to));
            match self.next() {
                Some((Token::Sign(","), _)) => {}
                Some((Token::Sign("}"), _)) => return Ok(Expr::In { left, not, set }),
                Some((_, at)) => return Err(FilterError::new("filter-comma", at)),
                None => return Err(FilterError::new("filter-brace-open", place)),
            }
        }
    }

    fn member(&mut self, def: &'static Def) -> Result<Literal> {
        match self.next() {
            Some((Token::Word(word), at)) => literal(def, Op::Eq, &word, false, at),
            Some((Token::Quoted(word), at)) => literal(def, Op::Eq, &word, true, at),
            Some((_, at)) => Err(FilterError::new("filter-value", at).with("field", def.name)),
            None => Err(self.end_error("filter-value").with("field", def.name)),
        }
    }
}

fn alone(left: Name, mask: Option<u64>) -> Expr {
    mask.map_or(Expr::Has(left), |mask| Expr::Bits(left, mask))
}

fn literal(def: &'static Def, op: Op, word: &str, is_quoted: bool, at: Range<usize>) -> Result<Literal> {
    let found = if op == Op::Contains { value::searched(word, is_quoted) } else { value::read(def, word, is_quoted) };
    found.map_err(|(code, limit)| {
        let error = FilterError::new(code, at).with("field", def.name).with("value", shown(word));
        if limit.is_empty() { error } else { error.with("limit", limit) }
    })
}

/// A comparison that the field's type does not have.
fn unfit(def: &Def, op: Op, at: &Range<usize>, place: &Range<usize>) -> Option<FilterError> {
    let error = || FilterError::new("filter-operator", at.clone()).with("op", op).with("field", def.name);
    match (def.kind, op) {
        (Kind::Protocol, Op::Contains) => None,
        (Kind::Protocol, _) => Some(protocol_compared(def, place)),
        (Kind::Bool | Kind::Uint(_) | Kind::Seconds | Kind::Ipv4 | Kind::Ipv6, Op::Contains) => Some(error()),
        (Kind::Bool, Op::Gt | Op::Lt | Op::Ge | Op::Le) => Some(error()),
        _ => None,
    }
}

fn protocol_compared(def: &Def, at: &Range<usize>) -> FilterError {
    let instead = match def.name {
        "ip" | "icmp" => "ip.addr",
        "ipv6" | "icmpv6" => "ipv6.addr",
        "arp" => "arp.opcode",
        "tcp" | "http" => "tcp.port",
        "udp" => "udp.port",
        "dhcp" => "dhcp.option.dhcp",
        "dns" => "dns.qry.name",
        "frame" => "frame.number",
        "stp" => "stp.type",
        _ => "eth.addr",
    };
    FilterError::new("filter-protocol", at.clone()).with("protocol", def.name).with("near", instead)
}

/// A word that is no field: what it looks like, and what to write instead.
fn unknown(word: &str, at: Range<usize>) -> FilterError {
    let name = shown(word);
    let parsed = |value: &str| value.split('/').next().unwrap_or_default().parse::<core::net::IpAddr>();
    match parsed(word) {
        Ok(core::net::IpAddr::V4(_)) => {
            return FilterError::new("filter-bare", at).with("value", &name).with("near", format!("ip.addr == {name}"));
        }
        Ok(core::net::IpAddr::V6(_)) => {
            return FilterError::new("filter-bare", at)
                .with("value", &name)
                .with("near", format!("ipv6.addr == {name}"));
        }
        Err(_) => {}
    }
    if word.parse::<crate::addr::MacAddr>().is_ok() {
        return FilterError::new("filter-bare", at).with("value", &name).with("near", format!("eth.addr == {name}"));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return FilterError::new("filter-bare", at).with("value", &name).with("near", format!("tcp.port == {name}"));
    }
    match word.to_ascii_lowercase().as_str() {
        "and" | "or" | "in" | "contains" | "eq" | "ne" | "gt" | "lt" | "ge" | "le" => {
            return FilterError::new("filter-field", at).with("found", name);
        }
        "len" | "count" | "upper" | "lower" | "string" | "max" | "min" | "abs" => {
            return FilterError::new("filter-function", at);
        }
        "any" | "all" => return FilterError::new("filter-quantifier", at),
        _ => {}
    }
    match suggest::near(word) {
        Some(near) => FilterError::new("filter-unknown-near", at).with("name", name).with("near", near),
        None => FilterError::new("filter-unknown", at).with("name", name),
    }
}
