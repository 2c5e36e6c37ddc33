//! Left-hand sides of nft's matches, and what their values become: `ip saddr`, `tcp dport`, `ct state` …

use core::net::Ipv4Addr;

use super::ast::{Error, Span};
use super::lex::{Kind, Token, number};
use super::parse::{Parsed, Parser};
use super::value::{Item, Op, Values};
use crate::addr::{Cidr, MacAddr};
use crate::netfilter::model::{AddrRange, CtState, CtStatus, Match};
use crate::shell::iptables::names::{port_number, protocol_name, protocol_number};

/// ICMP types by nft's names (`icmp_type_tbl`).
pub(super) const ICMP_TYPES: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];
/// ICMP unreachable codes (`icmp_code_tbl`).
pub(super) const ICMP_CODES: &[(&str, u8)] = &[
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];
/// Connection states by nft's names, by their bit.
pub(super) const CT_STATES: &[(&str, CtState, u8)] = &[
    ("invalid", CtState::Invalid, 1),
    ("established", CtState::Established, 2),
    ("related", CtState::Related, 4),
    ("new", CtState::New, 8),
    ("untracked", CtState::Untracked, 64),
];
/// EtherTypes by nft's names.
pub(super) const ETHER_TYPES: &[(&str, u16)] =
    &[("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86dd), ("8021q", 0x8100), ("vlan", 0x8100), ("8021ad", 0x88a8)];
/// Operations of ARP.
pub(super) const ARP_OPERATIONS: &[(&str, u16)] =
    &[("request", 1), ("reply", 2), ("rrequest", 3), ("rreply", 4), ("inrequest", 8), ("inreply", 9), ("nak", 10)];

impl Parser<'_> {
    fn bad<T: Default>(&mut self, text: impl Into<String>, at: &Span) -> T {
        self.mistake(Error::new(text, at.clone()));
        T::default()
    }

    fn max(&mut self, token: &Token, max: u64) -> u64 {
        match number(&token.text) {
            Some(value) if value <= max => value,
            Some(value) => self.bad(format!("Value {value} exceeds valid range 0-{max}"), &token.at),
            None => self.bad("syntax error, unexpected string".to_owned(), &token.at),
        }
    }

    pub(super) fn port(&mut self, token: &Token) -> u16 {
        match (number(&token.text), port_number(&token.text)) {
            (Some(value), _) if value > u64::from(u16::MAX) => self.bad("Service out of range", &token.at),
            (_, Some(port)) if token.kind != Kind::Address => port,
            _ => self.bad("Could not resolve service: Servname not supported for ai_socktype", &token.at),
        }
    }

    pub(super) fn addr(&mut self, token: &Token) -> Ipv4Addr {
        if let Ok(addr) = token.text.parse() {
            return addr;
        }
        if token.text == "localhost" {
            return Ipv4Addr::LOCALHOST;
        }
        let dotted = token.text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let why = if dotted { "Name or service not known" } else { "Temporary failure in name resolution" };
        self.mistake(Error::new(format!("Could not resolve hostname: {why}"), token.at.clone()));
        Ipv4Addr::UNSPECIFIED
    }

    /// Ranges of numbers that a comparison with them means, sorted; in a set with ranges those that touch are one.
    fn ranges(&mut self, values: &Values, max: u64, one: impl Fn(&mut Self, &Token) -> u64) -> (bool, Vec<(u64, u64)>) {
        let mut ranges = Vec::new();
        let mut with_ranges = false;
        for item in &values.items {
            let from = one(self, &item.from);
            let to = item.to.as_ref().map_or(from, |to| one(self, to));
            with_ranges |= item.to.is_some();
            if item.to.is_some() && from >= to {
                self.mistake(Error::new("Range has zero or negative size", item.at.clone()));
            }
            ranges.push((from, to));
        }
        let first = ranges.first().map_or(0, |(from, _)| *from);
        let not = values.op == Op::Not;
        match values.op {
            Op::Is | Op::Equals | Op::Not => {}
            Op::Less => ranges = vec![(0, first.saturating_sub(1))],
            Op::LessOrEqual => ranges = vec![(0, first)],
            Op::More => ranges = vec![(first.saturating_add(1).min(max), max)],
            Op::MoreOrEqual => ranges = vec![(first, max)],
        }
        if !values.set && ranges.len() > 1 {
            let at = values.items.first().map_or(0..1, |item| item.at.clone());
            self.mistake(Error::new("Basetype of type internet network service is not bitmask", at));
        }
        ranges.sort_unstable();
        ranges.dedup();
        if with_ranges {
            let mut merged: Vec<(u64, u64)> = Vec::new();
            for (from, to) in ranges {
                match merged.last_mut() {
                    Some((_, end)) if from <= end.saturating_add(1) => *end = (*end).max(to),
                    _ => merged.push((from, to)),
                }
            }
            ranges = merged;
        }
        (not, ranges)
    }

    pub(super) fn ports(&mut self, values: &Values) -> (bool, Vec<(u16, u16)>) {
        let (not, ranges) = self.ranges(values, u64::from(u16::MAX), |parser, token| u64::from(parser.port(token)));
        let port = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        (not, ranges.into_iter().map(|(from, to)| (port(from), port(to))).collect())
    }

    pub(super) fn ttl(&mut self, values: &Values) -> Option<(bool, Match)> {
        let (not, ranges) = self.ranges(values, 255, |parser, token| parser.max(token, 255));
        if ranges.len() > 1 {
            self.absent("a set of time-to-live values", values.at.clone());
        }
        let byte = |value: u64| u8::try_from(value).unwrap_or(u8::MAX);
        let (from, to) = *ranges.first()?;
        Some((not, Match::Ttl(byte(from), byte(to))))
    }

    /// Networks and ranges of addresses.
    pub(super) fn nets(&mut self, values: &Values) -> (bool, Vec<AddrRange>) {
        if !matches!(values.op, Op::Is | Op::Equals | Op::Not) {
            self.absent("a comparison of addresses", values.at.clone());
        }
        let mut list: Vec<AddrRange> = values.items.iter().map(|item| self.net(item)).collect();
        if !values.set && list.len() > 1 {
            self.absent("a list of addresses without braces", values.at.clone());
        }
        let ends = |range: &AddrRange| match range {
            AddrRange::Net(net) => (net.network().addr, net.broadcast()),
            AddrRange::Range(from, to) => (*from, *to),
        };
        list.sort_by_key(|range| (ends(range).0, core::cmp::Reverse(ends(range).1)));
        list.dedup_by(|next, kept| ends(next).1 <= ends(kept).1 && ends(next).0 >= ends(kept).0);
        (values.op == Op::Not, list)
    }

    fn net(&mut self, item: &Item) -> AddrRange {
        let from = self.addr(&item.from);
        if let Some(to) = &item.to {
            let to = self.addr(to);
            if to <= from {
                self.mistake(Error::new("Range has zero or negative size", item.at.clone()));
            }
            return AddrRange::Range(from, to);
        }
        let prefix = item.prefix.unwrap_or(32);
        if prefix > 32 {
            let text = format!("Prefix length {prefix} is invalid for type of 32 bits width");
            self.mistake(Error::new(text, item.at.clone()));
        }
        AddrRange::Net(Cidr::new(from, u8::try_from(prefix).unwrap_or(32)).network())
    }

    fn one_of(&mut self, token: &Token, names: &[(&str, u64)], max: u64, what: &str) -> u64 {
        if let Some((_, value)) = names.iter().find(|(name, _)| *name == token.text) {
            return *value;
        }
        if token.kind == Kind::Number { self.max(token, max) } else { self.bad(what, &token.at) }
    }

    pub(super) fn protocols(&mut self, values: &Values) -> (bool, Vec<u8>) {
        let mut list = Vec::new();
        for item in &values.items {
            let token = &item.from;
            let value = match (number(&token.text), protocol_number(&token.text)) {
                (Some(value), _) if value > 255 => self.bad("Protocol out of range", &token.at),
                (Some(value), _) => u8::try_from(value).unwrap_or(0),
                (None, Some(value)) => value,
                (None, None) => self.bad("Could not resolve protocol name", &token.at),
            };
            list.push(value);
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list)
    }

    pub(super) fn icmp_types(&mut self, values: &Values) -> (bool, Vec<(u8, Option<u8>)>) {
        let names: Vec<_> = ICMP_TYPES.iter().map(|(name, value)| (*name, u64::from(*value))).collect();
        let mut list = Vec::new();
        for item in &values.items {
            let value = self.one_of(&item.from, &names, 255, "Could not parse ICMP type");
            list.push((u8::try_from(value).unwrap_or(u8::MAX), None));
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list)
    }

    pub(super) fn icmp_code(&mut self, token: &Token) -> u8 {
        let names: Vec<_> = ICMP_CODES.iter().map(|(name, value)| (*name, u64::from(*value))).collect();
        let value = self.one_of(token, &names, 255, "Could not parse icmp code");
        u8::try_from(value).unwrap_or(u8::MAX)
    }

    pub(super) fn numbers(&mut self, values: &Values, names: &[(&str, u16)], what: &str) -> (bool, Vec<u16>) {
        let names: Vec<_> = names.iter().map(|(name, value)| (*name, u64::from(*value))).collect();
        let mut list = Vec::new();
        for item in &values.items {
            let value = self.one_of(&item.from, &names, u64::from(u16::MAX), what);
            list.push(u16::try_from(value).unwrap_or(u16::MAX));
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list)
    }

    pub(super) fn macs(&mut self, values: &Values) -> (bool, Vec<MacAddr>) {
        let mut list = Vec::new();
        for item in &values.items {
            match item.from.text.parse() {
                Ok(mac) => list.push(mac),
                Err(_) => self.mistake(Error::new("Invalid LL address", item.from.at.clone())),
            }
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list)
    }

    pub(super) fn ct_states(&mut self, values: &Values) -> (bool, Vec<CtState>) {
        let mut list = Vec::new();
        for item in &values.items {
            let token = &item.from;
            let by_name = CT_STATES.iter().find(|(name, ..)| *name == token.text);
            let by_bit = || CT_STATES.iter().find(|(_, _, bit)| number(&token.text) == Some(u64::from(*bit)));
            match by_name.or_else(by_bit) {
                Some((_, state, bit)) => list.push((*bit, *state)),
                None => self.mistake(Error::new("Could not parse conntrack state", token.at.clone())),
            }
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list.into_iter().map(|(_, state)| state).collect())
    }

    pub(super) fn ct_statuses(&mut self, values: &Values) -> (bool, Vec<CtStatus>) {
        let mut list = Vec::new();
        for item in &values.items {
            match item.from.text.as_str() {
                "snat" => list.push(CtStatus::Snat),
                "dnat" => list.push(CtStatus::Dnat),
                other => self.absent(&format!("ct status {other}"), item.from.at.clone()),
            }
        }
        list.sort_unstable();
        list.dedup();
        (values.op == Op::Not, list)
    }

    /// Names of interfaces, in the order of their bytes read as a number, lowest first.
    pub(super) fn names(&mut self, values: &Values, by_index: bool) -> (bool, Vec<String>) {
        const NAME_MAX: usize = 16;
        let mut list: Vec<String> = Vec::new();
        for item in &values.items {
            let token = &item.from;
            if token.text.len() >= NAME_MAX {
                self.mistake(Error::new(format!("String exceeds maximum length of {NAME_MAX}"), token.at.clone()));
            }
            if by_index && !self.ifaces.iter().any(|(name, _)| *name == token.text) {
                self.mistake(Error::new("Interface does not exist", token.at.clone()));
            }
            list.push(token.text.clone());
        }
        if by_index {
            let index = |name: &String| self.ifaces.iter().find(|(other, _)| other == name).map(|(_, index)| *index);
            list.sort_by_key(index);
        } else {
            list.sort_by_key(|name| (name.len(), name.bytes().rev().collect::<Vec<_>>()));
        }
        list.dedup();
        (values.op == Op::Not, list)
    }

    /// `tcp flags`: what is looked at, what must be on, turned round.
    ///
    /// # Errors
    /// A syntax error.
    pub(super) fn tcp_flags(&mut self) -> Parsed<(bool, Match)> {
        if self.sign("&") {
            let mask = self.flag_bits()?;
            let op = self.op();
            if op == Op::Is {
                return Err(self.unexpected(""));
            }
            let at = self.peek().at.clone();
            let set = self.flag_bits()?;
            return Ok(match (op, set) {
                (Op::Not, 0) => (true, Match::TcpFlags { mask, set }),
                (Op::Equals | Op::Not, _) => (op == Op::Not, Match::TcpFlags { mask, set }),
                _ => {
                    self.absent("that comparison of flags", at);
                    (false, Match::TcpFlags { mask, set })
                }
            });
        }
        let op = self.op();
        let at = self.peek().at.clone();
        if self.peek().is("{") {
            self.values()?;
            self.absent("a set of TCP flags", at);
            return Ok((false, Match::TcpFlags { mask: 0, set: 0 }));
        }
        let none = self.sign("!");
        let bits = self.flag_bits()?;
        if self.sign("/") {
            let mask = self.flag_bits()?;
            return Ok((op == Op::Not, Match::TcpFlags { mask, set: bits }));
        }
        Ok(match op {
            Op::Is if none => (false, Match::TcpFlags { mask: bits, set: 0 }),
            Op::Is => (true, Match::TcpFlags { mask: bits, set: 0 }),
            _ => (op == Op::Not, Match::TcpFlags { mask: u8::MAX, set: bits }),
        })
    }

    /// `syn`, `syn,ack`, `(syn | ack)`, `0x12`.
    fn flag_bits(&mut self) -> Parsed<u8> {
        const NAMES: &[(&str, u64)] =
            &[("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)];
        let brackets = self.sign("(");
        let mut bits = 0;
        loop {
            let token = self.peek();
            if !matches!(token.kind, Kind::Word | Kind::Number) {
                return Err(self.unexpected(""));
            }
            if token.kind == Kind::Word
                && !NAMES.iter().any(|(name, _)| *name == token.text)
                && super::lex::is_keyword(&token.text)
            {
                return Err(self.unexpected(""));
            }
            self.at += 1;
            bits |= self.one_of(token, NAMES, 255, "Could not parse TCP flag");
            if !self.sign("|") && !self.sign(",") {
                break;
            }
        }
        if brackets {
            self.need(")", "'|' or ')'")?;
        }
        Ok(u8::try_from(bits).unwrap_or(0))
    }
}

/// A protocol as nft prints it.
pub(super) fn protocol_word(value: u8, numeric: bool) -> String {
    protocol_name(value).filter(|_| !numeric).map_or_else(|| value.to_string(), str::to_owned)
}
