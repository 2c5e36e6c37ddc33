//! The expression language of `ss` (ss(8), EXPRESSION; misc/ssfilter.y): conditions on ports and addresses with `and`,
//! `or`, `not` and brackets. Two conditions side by side mean `and`.

use core::net::IpAddr;

use super::services;
use crate::addr::Cidr;
use crate::view::SocketRow;

/// Brackets within brackets at most: bounds the recursion.
const DEPTH_MAX: usize = 64;

/// A condition on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One of them holds.
    Or(Box<Filter>, Box<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// `sport` or `dport`.
    Port {
        /// The peer's port rather than the own one.
        peer: bool,
        /// How it compares with the number.
        order: Order,
        /// The number; none for `*`.
        port: Option<u16>,
    },
    /// `src` or `dst`.
    Host {
        /// The peer's end rather than the own one.
        peer: bool,
        /// The network; none for any.
        net: Option<(IpAddr, u8)>,
        /// The port; none for any.
        port: Option<u16>,
    },
}

/// How a port compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Equal.
    Equal,
    /// Not less.
    AtLeast,
    /// Not greater.
    AtMost,
}

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FilterError {
    Syntax,
    /// An address or a port that is none.
    Value(String),
}

impl Filter {
    /// Whether the socket meets the condition.
    pub fn takes(&self, row: &SocketRow) -> bool {
        let end = |peer: bool| if peer { &row.peer } else { &row.local };
        match self {
            Self::And(a, b) => a.takes(row) && b.takes(row),
            Self::Or(a, b) => a.takes(row) || b.takes(row),
            Self::Not(a) => !a.takes(row),
            Self::Port { peer, order, port } => {
                let is = end(*peer).port;
                port.is_none_or(|port| match order {
                    Order::Equal => is == port,
                    Order::AtLeast => is >= port,
                    Order::AtMost => is <= port,
                })
            }
            Self::Host { peer, net, port } => {
                port.is_none_or(|port| end(*peer).port == port)
                    && net.is_none_or(|net| lies_in(end(*peer).addr, row.v6, net))
            }
        }
    }
}

/// IPv4 rules take IPv4-mapped addresses of IPv6 sockets too; unspecified ends of those belong to IPv6.
fn lies_in(addr: IpAddr, v6: bool, (net, length): (IpAddr, u8)) -> bool {
    let addr = match addr {
        IpAddr::V6(addr) => addr.to_ipv4_mapped().map_or(IpAddr::V6(addr), IpAddr::V4),
        IpAddr::V4(addr) if v6 && addr.is_unspecified() => IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED),
        addr => addr,
    };
    match (addr, net) {
        (IpAddr::V4(addr), IpAddr::V4(net)) => Cidr::new(net, length).contains(addr),
        (IpAddr::V6(addr), IpAddr::V6(net)) => {
            let shift = 128_u32.saturating_sub(u32::from(length));
            let part = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
            part(addr.to_bits()) == part(net.to_bits())
        }
        _ => false,
    }
}

/// Reads an expression; none when it is empty.
pub(super) fn parse(text: &str) -> Result<Option<Filter>, FilterError> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().flat_map(split_operators).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { words: &words, at: 0, depth: 0 };
    let filter = parser.or()?;
    if parser.at < words.len() { Err(FilterError::Syntax) } else { Ok(Some(filter)) }
}

/// `!=22`, `>=:80`, `&&` and such may stand without blanks.
fn split_operators(word: &str) -> Vec<&str> {
    const SIGNS: &[&str] = &["!=", "==", ">=", "<=", "&&", "||", "=", ">", "<", "!", "&", "|"];
    let mut parts = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let length =
            sign.map_or_else(|| rest.find(['=', '!', '<', '>', '&', '|']).unwrap_or(rest.len()), |sign| sign.len());
        let (part, more) = rest.split_at(length);
        parts.push(part);
        rest = more;
    }
    parts
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.and()?;
        while let Some("or" | "||" | "|") = self.peek() {
            self.at += 1;
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.not()?;
        loop {
            match self.peek() {
                Some("and" | "&&" | "&") => self.at += 1,
                None | Some("or" | "||" | "|" | ")") => return Ok(left),
                Some(_) => {}
            }
            left = Filter::And(Box::new(left), Box::new(self.not()?));
        }
    }

    fn not(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(FilterError::Syntax);
        }
        let filter = match self.next() {
            Some("not" | "!") => Filter::Not(Box::new(self.not()?)),
            Some("(") => {
                let inner = self.or()?;
                if self.next() != Some(")") {
                    return Err(FilterError::Syntax);
                }
                inner
            }
            Some(word @ ("sport" | "dport")) => self.port(word == "dport")?,
            Some(word @ ("src" | "dst")) => self.host(word == "dst")?,
            // Any other word is read as an address, which may not stand alone.
            Some(word) => host(word).map(|_| FilterError::Syntax).and_then(Err)?,
            None => return Err(FilterError::Syntax),
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn port(&mut self, peer: bool) -> Result<Filter, FilterError> {
        let sign = self.next().ok_or(FilterError::Syntax)?;
        let (order, negated) = match sign {
            "=" | "==" | "eq" | "is" => (Order::Equal, false),
            "!=" | "ne" | "neq" => (Order::Equal, true),
            ">=" | "ge" | "geq" => (Order::AtLeast, false),
            "<=" | "le" | "leq" => (Order::AtMost, false),
            ">" | "gt" => (Order::AtMost, true),
            "<" | "lt" => (Order::AtLeast, true),
            // The sign may be left out: it means equality.
            value => {
                let port = port(value.strip_prefix(':').unwrap_or(value))?;
                return Ok(Filter::Port { peer, order: Order::Equal, port });
            }
        };
        let value = self.next().ok_or(FilterError::Syntax)?;
        let port = port(value.strip_prefix(':').unwrap_or(value))?;
        let filter = Filter::Port { peer, order, port };
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn host(&mut self, peer: bool) -> Result<Filter, FilterError> {
        let mut word = self.next().ok_or(FilterError::Syntax)?;
        let negated = matches!(word, "!=" | "ne" | "neq");
        if negated || matches!(word, "=" | "==" | "eq" | "is") {
            word = self.next().ok_or(FilterError::Syntax)?;
        }
        let (net, port) = host(word)?;
        let filter = Filter::Host { peer, net, port };
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }
}

const CANNOT: &str = "Cannot parse dst/src address.";

fn port(text: &str) -> Result<Option<u16>, FilterError> {
    if text.is_empty() || text == "*" {
        return Ok(None);
    }
    let number = text.parse().ok().or_else(|| services::port(text));
    let wrong = || FilterError::Value(format!("Error: \"{text}\" does not look like a port.\n{CANNOT}"));
    number.map(Some).ok_or_else(wrong)
}

/// A network with its length, or none for any.
type Net = Option<(IpAddr, u8)>;

/// `ADDRESS[/LENGTH][:PORT]`, `[ADDRESS]:PORT`, `*:PORT`, `:PORT`.
fn host(text: &str) -> Result<(Net, Option<u16>), FilterError> {
    let text = text.strip_prefix("inet:").or_else(|| text.strip_prefix("inet6:")).unwrap_or(text);
    let (addr, service) = if let Some(bracketed) = text.strip_prefix('[') {
        let (addr, rest) = bracketed.split_once(']').ok_or_else(|| FilterError::Value(CANNOT.to_owned()))?;
        (addr, rest.strip_prefix(':').unwrap_or(rest))
    } else if text.matches(':').count() > 1 && text.parse::<core::net::Ipv6Addr>().is_ok() {
        (text, "")
    } else {
        text.rsplit_once(':').unwrap_or((text, ""))
    };
    let port = port(service)?;
    if addr.is_empty() || addr == "*" {
        return Ok((None, port));
    }
    let wrong = || FilterError::Value(format!("Error: an inet prefix is expected rather than \"{addr}\".\n{CANNOT}"));
    let (bare, length) = addr.split_once('/').map_or((addr, None), |(bare, length)| (bare, Some(length)));
    let parsed: IpAddr = bare.parse().map_err(|_| wrong())?;
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    let length =
        length.map_or(Some(most), |text| text.parse().ok().filter(|length| *length <= most)).ok_or_else(wrong)?;
    Ok((Some((parsed, length)), port))
}
