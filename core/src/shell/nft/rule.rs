//! One rule of nft: matches and statements in their order, with the protocol matches that nft puts before what needs
//! them.

use super::ast::{Draft, Error, Span};
use super::keys::{ARP_OPERATIONS, ETHER_TYPES};
use super::lex::{Kind, Token};
use super::parse::{Parsed, Parser};
use super::value::Values;
use crate::netfilter::model::{Family, Match, Part, Rule, Verdict, Written};

/// A rule in the making.
pub(super) struct Making<'a, 'b> {
    pub(super) parser: &'b mut Parser<'a>,
    pub(super) family: Family,
    pub(super) parts: Vec<Part>,
    pub(super) keys: Vec<(usize, &'static str)>,
    sets: u64,
    pub(super) target: Option<Span>,
    pub(super) missing: Option<Span>,
    pub(super) reject: Option<Span>,
    /// The transport protocol, once it is certain, and where it was said.
    pub(super) transport: Option<(u8, Span)>,
    /// Where the rule's verdict stands.
    ended: Option<Span>,
}

/// Reads a rule to the end of its statement. At least one statement must be there.
///
/// # Errors
/// A syntax error.
pub(super) fn rule(parser: &mut Parser<'_>, family: Family) -> Parsed<Draft> {
    let mut making = Making {
        parser,
        family,
        parts: Vec::new(),
        keys: Vec::new(),
        sets: 0,
        target: None,
        missing: None,
        reject: None,
        transport: None,
        ended: None,
    };
    let mut comment = None;
    if making.parser.at_end() {
        return Err(making.parser.unexpected(""));
    }
    while !making.parser.at_end() {
        if making.parser.peek().is_word("comment") && !(making.parts.is_empty() && making.ended.is_none()) {
            making.parser.at += 1;
            let token = making.parser.peek();
            if !matches!(token.kind, Kind::Quoted | Kind::Word | Kind::Aster) {
                return Err(making.parser.unexpected("string or quoted string or string with a trailing asterisk"));
            }
            making.parser.at += 1;
            comment = Some(token.text.clone());
            if !making.parser.at_end() {
                return Err(making.parser.unexpected("end of file or newline or semicolon"));
            }
            break;
        }
        let start = making.parser.peek().at.start;
        making.statement()?;
        let at = start..making.parser.end_before();
        making.after_verdict(&at);
    }
    let Making { parts, keys, sets, target, missing, reject, .. } = making;
    Ok(Draft { rule: Rule { handle: 0, parts, comment, written: Written::Nft(keys) }, sets, target, missing, reject })
}

impl Making<'_, '_> {
    /// Nothing can follow a verdict.
    fn after_verdict(&mut self, at: &Span) {
        let is_verdict = matches!(self.parts.last(), Some(Part::Verdict(verdict)) if is_final(verdict));
        match &self.ended {
            Some(before) if before != at => {
                let mut error = Error::new("Statement after terminal statement has no effect", at.clone());
                error.also = Some(before.clone());
                self.parser.mistake(error);
            }
            None if is_verdict => self.ended = Some(at.clone()),
            _ => {}
        }
    }

    pub(super) fn push(&mut self, not: bool, what: Match) {
        self.parts.push(Part::Match { not, what });
    }

    /// A match with a key that is not the usual one.
    fn push_as(&mut self, key: Option<&'static str>, not: bool, what: Match) {
        if let Some(key) = key {
            self.keys.push((self.parts.len(), key));
        }
        self.push(not, what);
    }

    /// Notes a set: it takes a handle of its own. One with a single element is none.
    fn is_set(&mut self, values: &Values) -> bool {
        let set = values.set && values.items.len() > 1;
        self.sets += u64::from(set);
        set
    }

    fn statement(&mut self) -> Parsed<()> {
        let token = self.parser.next();
        if token.kind != Kind::Word {
            self.parser.at -= 1;
            return Err(self.parser.unexpected(""));
        }
        match token.text.as_str() {
            "iif" | "oif" | "iifname" | "oifname" => self.iface(&token.text)?,
            "meta" => self.meta()?,
            "ip" => self.ip()?,
            "tcp" | "udp" | "th" => self.transport(token)?,
            "icmp" => self.icmp(token)?,
            "ether" => self.ether()?,
            "arp" => self.arp(token)?,
            "ct" => self.ct()?,
            "fib" => self.fib()?,
            "counter" => self.counter()?,
            "limit" => self.limit()?,
            "log" => self.log()?,
            "notrack" => self.parts.push(Part::Notrack),
            "accept" | "drop" | "return" | "continue" | "jump" | "goto" => self.verdict(token)?,
            "masquerade" | "snat" | "dnat" | "redirect" => self.nat(token)?,
            "reject" => self.reject(token)?,
            "ip6" => {
                let at = token.at.start..self.parser.peek().at.end;
                self.parser.at += 1;
                self.parser.values()?;
                if self.family == Family::Ip {
                    self.parser.mistake(Error::new("conflicting protocols specified: ip vs. ip6", at));
                } else {
                    self.parser.absent("IPv6", at);
                }
            }
            "queue" | "dup" | "fwd" | "quota" | "mark" | "socket" | "rt" | "vlan" | "numgen" | "jhash" | "tproxy"
            | "sctp" | "dccp" | "udplite" | "esp" | "ah" | "comp" | "igmp" | "icmpv6" | "skuid" | "skgid"
            | "pkttype" | "cgroup" | "add" | "update" | "set" | "synproxy" | "osf" | "ipsec" | "exthdr" | "meter"
            | "ibrname" | "obrname" | "iiftype" | "oiftype" | "iifgroup" | "oifgroup" | "cpu" | "secmark" | "flow" => {
                self.parser.absent(&token.text, token.at.clone());
                while !self.parser.at_end() {
                    self.parser.at += 1;
                }
            }
            word if super::lex::is_keyword(word) => {
                self.parser.at -= 1;
                return Err(self.parser.unexpected(""));
            }
            _ => return Err(self.parser.unexpected("")),
        }
        Ok(())
    }

    fn iface(&mut self, key: &str) -> Parsed<()> {
        let values = self.parser.values()?;
        let by_index = matches!(key, "iif" | "oif");
        let set = self.is_set(&values);
        let (not, names) = self.parser.names(&values, by_index);
        let incoming = key.starts_with('i');
        let what = if incoming { Match::InIface(names) } else { Match::OutIface(names) };
        let key = match (by_index, incoming, set) {
            (false, _, false) => None,
            (false, _, true) => Some("{"),
            (true, true, false) => Some("iif"),
            (true, true, true) => Some("iif {"),
            (true, false, false) => Some("oif"),
            (true, false, true) => Some("oif {"),
        };
        self.push_as(key, not, what);
        Ok(())
    }

    fn meta(&mut self) -> Parsed<()> {
        let token = self.parser.peek();
        match token.text.as_str() {
            "iif" | "oif" | "iifname" | "oifname" => {
                self.parser.at += 1;
                self.iface(&token.text)
            }
            "l4proto" => {
                self.parser.at += 1;
                self.protocol(None, "{")
            }
            "protocol" => {
                self.parser.at += 1;
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.numbers(&values, ETHER_TYPES, "Could not parse EtherType");
                // In the ip family that is no question.
                if self.family != Family::Ip || list != [0x0800] || not {
                    self.push_as(
                        Some(if set { "meta protocol {" } else { "meta protocol" }),
                        not,
                        Match::EtherType(list),
                    );
                }
                Ok(())
            }
            "nfproto" => {
                let at = self.parser.peek().at.clone();
                self.parser.at += 1;
                let values = self.parser.values()?;
                if self.family != Family::Inet {
                    let at = at.start - 5..at.end;
                    self.parser.mistake(Error::new("meta nfproto is only useful in the inet family", at));
                }
                match values.items.first().map(|item| item.from.text.as_str()) {
                    Some("ipv4") => self.push_as(Some("meta nfproto"), false, Match::EtherType(vec![0x0800])),
                    Some("ipv6") => self.push_as(Some("meta nfproto"), false, Match::EtherType(vec![0x86dd])),
                    _ => self.parser.absent("that meta nfproto", values.at),
                }
                Ok(())
            }
            _ if token.kind == Kind::Word && !self.parser.at_end() => {
                self.parser.at += 1;
                self.parser.absent(&format!("meta {}", token.text), token.at.clone());
                if !self.parser.word("set") && self.parser.at_end() {
                    return Err(self.parser.unexpected(""));
                }
                self.parser.values().map(|_| ())
            }
            _ => Err(self.parser.unexpected("")),
        }
    }

    /// `meta l4proto` and `ip protocol`.
    fn protocol(&mut self, key: Option<&'static str>, set_key: &'static str) -> Parsed<()> {
        let values = self.parser.values()?;
        let set = self.is_set(&values);
        let (not, list) = self.parser.protocols(&values);
        if let ([proto], false) = (list.as_slice(), not) {
            self.transport = Some((*proto, values.at.clone()));
        } else if let (Some(last), false) = (list.last(), not) {
            self.transport = Some((*last, values.at.clone()));
        }
        self.push_as(if set { Some(set_key) } else { key }, not, Match::Protocol(list));
        Ok(())
    }

    /// The frame must carry IPv4, or that EtherType: a question on a bridge only.
    fn needs_ether(&mut self, value: u16, token: &Span, name: &str) {
        let known = self.parts.iter().rev().find_map(|part| match part {
            Part::Match { not: false, what: Match::EtherType(list) } if list.len() == 1 => list.first().copied(),
            _ => None,
        });
        let implied = if self.family == Family::Ip { Some(0x0800) } else { known };
        match implied {
            Some(other) if other != value => {
                let word = |value| ETHER_TYPES.iter().find(|(_, other)| *other == value).map_or("", |(name, _)| name);
                let text = format!("conflicting protocols specified: {} vs. {name}", word(other));
                self.parser.mistake(Error::new(text, token.clone()));
            }
            None if self.family == Family::Bridge => self.push(false, Match::EtherType(vec![value])),
            _ => {}
        }
    }

    /// The transport protocol must be that.
    fn needs_transport(&mut self, proto: u8, at: Span) {
        let word = |proto| crate::shell::iptables::names::protocol_name(proto).unwrap_or("");
        match &self.transport {
            Some((known, _)) if *known == proto => {}
            Some((known, _)) => {
                let text = format!("conflicting protocols specified: {} vs. {}", word(*known), word(proto));
                self.parser.mistake(Error::new(text, at));
            }
            None => {
                self.push(false, Match::Protocol(vec![proto]));
                self.transport = Some((proto, at));
            }
        }
    }

    fn ip(&mut self) -> Parsed<()> {
        let token = self.parser.peek();
        if token.kind != Kind::Word || self.parser.at_end() {
            return Err(self.parser.unexpected(""));
        }
        let at = self.parser.ahead(0).at.clone();
        match token.text.as_str() {
            "saddr" | "daddr" => {
                self.parser.at += 1;
                self.needs_ether(0x0800, &at, "ip");
                if self.parser.peek().is("&") {
                    self.parser.absent("a mask with holes", self.parser.peek().at.clone());
                    self.parser.at += 2;
                }
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.nets(&values);
                let what = if token.text == "saddr" { Match::Source(list) } else { Match::Destination(list) };
                self.push_as(if set { Some("{") } else { None }, not, what);
                Ok(())
            }
            "protocol" => {
                self.parser.at += 1;
                self.needs_ether(0x0800, &at, "ip");
                self.protocol(Some("ip protocol"), "ip protocol {")
            }
            "ttl" => {
                self.parser.at += 1;
                self.needs_ether(0x0800, &at, "ip");
                let values = self.parser.values()?;
                if let Some((not, what)) = self.parser.ttl(&values) {
                    self.push_as(values.op.kept(), not, what);
                }
                Ok(())
            }
            "frag-off" => {
                self.parser.at += 1;
                let mask = self.parser.sign("&");
                if mask {
                    self.parser.number()?;
                }
                let values = self.parser.values()?;
                let zero = values.items.first().is_some_and(|item| item.from.text == "0");
                if !mask || !zero {
                    self.parser.absent("that question about ip frag-off", values.at.clone());
                }
                self.push(values.op != super::value::Op::Not, Match::Fragment);
                Ok(())
            }
            "version" | "hdrlength" | "dscp" | "ecn" | "length" | "id" | "checksum" | "option" => {
                self.parser.at += 1;
                self.parser.absent(&format!("ip {}", token.text), token.at.clone());
                self.parser.values().map(|_| ())
            }
            _ => Err(self.parser.unexpected("")),
        }
    }

    fn transport(&mut self, word: &Token) -> Parsed<()> {
        let field = self.parser.peek();
        let at = word.at.start..field.at.end;
        let proto = match word.text.as_str() {
            "tcp" => Some(6),
            "udp" => Some(17),
            _ => None,
        };
        match (field.text.as_str(), proto) {
            ("sport" | "dport", _) => {
                self.parser.at += 1;
                if let Some(proto) = proto {
                    self.needs_transport(proto, at);
                }
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.ports(&values);
                let what = if field.text == "sport" { Match::SourcePort(list) } else { Match::DestinationPort(list) };
                let key = match (proto, set) {
                    (Some(_), false) => values.op.kept(),
                    (Some(_), true) => Some("{"),
                    (None, false) => Some("th"),
                    (None, true) => Some("th {"),
                };
                self.push_as(key, not, what);
                Ok(())
            }
            ("flags", Some(6)) => {
                self.parser.at += 1;
                self.needs_transport(6, at);
                let (not, what) = self.parser.tcp_flags()?;
                self.push(not, what);
                Ok(())
            }
            (
                "sequence" | "ackseq" | "doff" | "reserved" | "window" | "checksum" | "urgptr" | "option" | "length",
                _,
            ) => {
                self.parser.at += 1;
                self.parser.absent(&format!("{} {}", word.text, field.text), at);
                self.parser.values().map(|_| ())
            }
            _ => Err(self.parser.unexpected("")),
        }
    }

    fn icmp(&mut self, word: &Token) -> Parsed<()> {
        let field = self.parser.peek();
        let at = word.at.start..field.at.end;
        match field.text.as_str() {
            "type" => {
                self.parser.at += 1;
                self.needs_ether(0x0800, &at, "ip");
                self.needs_transport(1, at);
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.icmp_types(&values);
                self.push_as(if set { Some("{") } else { None }, not, Match::Icmp(list));
                Ok(())
            }
            "code" => {
                self.parser.at += 1;
                let values = self.parser.values()?;
                let code = values.items.first().map(|item| self.parser.icmp_code(&item.from));
                match (self.parts.last_mut(), code) {
                    (Some(Part::Match { not: false, what: Match::Icmp(list) }), Some(code)) if list.len() == 1 => {
                        list.iter_mut().for_each(|(_, old)| *old = Some(code));
                    }
                    _ => self.parser.absent("icmp code without icmp type", at),
                }
                Ok(())
            }
            _ if self.parser.at_end() => Err(self.parser.unexpected("")),
            _ => Err(self.parser.unexpected("")),
        }
    }

    fn ether(&mut self) -> Parsed<()> {
        let field = self.parser.peek();
        match field.text.as_str() {
            "saddr" | "daddr" => {
                self.parser.at += 1;
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.macs(&values);
                let what = if field.text == "saddr" { Match::SourceMac(list) } else { Match::DestinationMac(list) };
                self.push_as(if set { Some("{") } else { None }, not, what);
                Ok(())
            }
            "type" => {
                self.parser.at += 1;
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, list) = self.parser.numbers(&values, ETHER_TYPES, "Could not parse EtherType");
                self.push_as(if set { Some("{") } else { None }, not, Match::EtherType(list));
                Ok(())
            }
            _ => Err(self.parser.unexpected("")),
        }
    }

    fn arp(&mut self, word: &Token) -> Parsed<()> {
        let field = self.parser.peek();
        let at = word.at.start..field.at.end;
        if field.text != "operation" {
            return Err(self.parser.unexpected(""));
        }
        self.parser.at += 1;
        self.needs_ether(0x0806, &at, "arp");
        let values = self.parser.values()?;
        let set = self.is_set(&values);
        let (not, list) = self.parser.numbers(&values, ARP_OPERATIONS, "Could not parse ARP operation");
        self.push_as(if set { Some("{") } else { None }, not, Match::ArpOperation(list));
        Ok(())
    }

    fn ct(&mut self) -> Parsed<()> {
        let field = self.parser.peek();
        match field.text.as_str() {
            "state" => {
                self.parser.at += 1;
                if self.parser.peek().is_word("vmap") {
                    self.parser.absent("vmap", self.parser.peek().at.clone());
                    while !self.parser.at_end() || self.parser.peek().is("}") {
                        self.parser.at += 1;
                    }
                    return Ok(());
                }
                let values = self.parser.values()?;
                let set = self.is_set(&values);
                let (not, states) = self.parser.ct_states(&values);
                self.push_as(if set { Some("{") } else { None }, not, Match::CtState(states));
                Ok(())
            }
            "status" => {
                self.parser.at += 1;
                let values = self.parser.values()?;
                let (not, list) = self.parser.ct_statuses(&values);
                self.push(not, Match::CtStatus(list));
                Ok(())
            }
            _ if field.kind == Kind::Word && !self.parser.at_end() => {
                self.parser.at += 1;
                self.parser.absent(&format!("ct {}", field.text), field.at.clone());
                while !self.parser.at_end() {
                    self.parser.at += 1;
                }
                Ok(())
            }
            _ => Err(self.parser.unexpected("")),
        }
    }

    fn fib(&mut self) -> Parsed<()> {
        let at = self.parser.peek().at.clone();
        let daddr = self.parser.word("daddr");
        let known = daddr && self.parser.word("type");
        if !known {
            self.parser.absent("that fib", at);
            while !self.parser.at_end() {
                self.parser.at += 1;
            }
            return Ok(());
        }
        let values = self.parser.values()?;
        if values.items.first().is_none_or(|item| item.from.text != "local") || values.items.len() > 1 {
            self.parser.absent("that fib daddr type", values.at.clone());
        }
        self.push(values.op == super::value::Op::Not, Match::DestinationIsLocal);
        Ok(())
    }
}

/// Whether nothing can follow it.
const fn is_final(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Jump(_))
}
