//! Right-hand sides: `22`, `{ 22, 80-90 }`, `!= 10.0.0.0/8`, `established,related`, `> 1024`.

use super::ast::{Error, Span};
use super::lex::{Kind, Token};
use super::parse::{Parsed, Parser};

/// How the left side is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    /// Nothing was written, or `==`.
    Is,
    /// `==` was written.
    Equals,
    Not,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

impl Op {
    /// The sign that a list keeps.
    pub(super) const fn kept(self) -> Option<&'static str> {
        match self {
            Self::Less => Some("<"),
            Self::LessOrEqual => Some("<="),
            Self::More => Some(">"),
            Self::MoreOrEqual => Some(">="),
            Self::Is | Self::Equals | Self::Not => None,
        }
    }
}

/// A value, or from one to another, or with a prefix length.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) from: Token,
    pub(super) to: Option<Token>,
    pub(super) prefix: Option<u64>,
    pub(super) at: Span,
}

/// A right-hand side.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) op: Op,
    pub(super) items: Vec<Item>,
    /// In braces.
    pub(super) set: bool,
    pub(super) at: Span,
}

impl Parser<'_> {
    /// The comparison sign, if there is one.
    pub(super) fn op(&mut self) -> Op {
        let token = self.peek();
        let op = match token.text.as_str() {
            "==" | "eq" => Op::Equals,
            "!=" | "ne" => Op::Not,
            "<" | "lt" => Op::Less,
            "<=" | "le" => Op::LessOrEqual,
            ">" | "gt" => Op::More,
            ">=" | "ge" => Op::MoreOrEqual,
            _ => return Op::Is,
        };
        if !matches!(token.kind, Kind::Sign | Kind::Word) {
            return Op::Is;
        }
        self.at += 1;
        op
    }

    /// A right-hand side.
    ///
    /// # Errors
    /// A syntax error.
    pub(super) fn values(&mut self) -> Parsed<Values> {
        let op = self.op();
        let start = self.peek().at.start;
        if self.peek().is("$") {
            let (items, set) = self.variable()?;
            return Ok(Values { op, items, set, at: start..self.end_before() });
        }
        if self.peek().is("@") {
            self.at += 1;
            self.name("string")?;
            let at = start..self.end_before();
            self.mistake(Error::new("No such file or directory", at.clone()));
            return Ok(Values { op, items: Vec::new(), set: false, at });
        }
        let mut items = Vec::new();
        let set = self.sign("{");
        loop {
            if set {
                self.skip_lines();
                if self.peek().is("}") && !items.is_empty() {
                    break;
                }
            }
            items.push(self.value()?);
            if set {
                self.skip_lines();
                if self.peek().is(":") {
                    self.absent("a map", start..self.peek().at.end);
                    self.at += 2;
                }
            }
            if !self.sign(",") {
                break;
            }
        }
        if set {
            self.need("}", "comma or '}'")?;
        }
        Ok(Values { op, items, set, at: start..self.end_before() })
    }

    fn skip_lines(&mut self) {
        while self.peek().kind == Kind::Newline {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Parsed<Item> {
        let from = self.atom()?;
        let start = from.at.start;
        let (mut to, mut prefix) = (None, None);
        if self.sign("-") {
            to = Some(self.atom()?);
        } else if self.sign("/") {
            if self.peek().kind == Kind::Address {
                // A mask in dots begins an expression that wants a comma.
                self.at += 1;
                return Err(self.unexpected("comma"));
            }
            prefix = Some(self.number()?.0);
        }
        Ok(Item { from, to, prefix, at: start..self.end_before() })
    }

    /// One word, number, address or string.
    fn atom(&mut self) -> Parsed<Token> {
        let token = self.peek();
        let fits = match token.kind {
            Kind::Number | Kind::Address | Kind::Quoted | Kind::Aster => true,
            // Some words are values though they are keywords elsewhere.
            Kind::Word => {
                !super::lex::is_keyword(&token.text)
                    || matches!(
                        token.text.as_str(),
                        "tcp"
                            | "udp"
                            | "icmp"
                            | "ip"
                            | "arp"
                            | "ip6"
                            | "esp"
                            | "ah"
                            | "sctp"
                            | "dccp"
                            | "udplite"
                            | "igmp"
                            | "vlan"
                            | "ecn"
                            | "redirect"
                            | "dnat"
                            | "snat"
                            | "icmpv6"
                            | "ether"
                            | "comp"
                    )
            }
            _ => false,
        };
        if !fits {
            return Err(self.unexpected(""));
        }
        self.at += 1;
        Ok(token.clone())
    }

    /// What a variable stands for.
    fn variable(&mut self) -> Parsed<(Vec<Item>, bool)> {
        self.at += 1;
        let name = self.name("string")?;
        let Some((_, tokens)) = self.defined.iter().rev().find(|(defined, _)| *defined == name.text).cloned() else {
            self.mistake(Error::new(format!("unknown identifier '{}'", name.text), name.at.clone()));
            return Ok((Vec::new(), false));
        };
        let mut inner = Parser::new(&tokens, self.ifaces);
        let values = inner.values()?;
        Ok((values.items, values.set))
    }
}
