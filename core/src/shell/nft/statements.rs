//! The statements of a rule of nft that are no matches: counting, limits, the log, verdicts, translation, refusal.

use super::ast::Error;
use super::lex::{Kind, Token};
use super::parse::Parsed;
use super::rule::Making;
use crate::netfilter::model::{Counter, Family, Limit, Match, NatTo, Part, RejectWith, Verdict};
use crate::shell::iptables::names::LEVELS;

impl Making<'_, '_> {
    pub(super) fn counter(&mut self) -> Parsed<()> {
        let mut counter = Counter::default();
        if self.parser.word("name") {
            let token = self.parser.next();
            self.missing = Some(token.at.clone());
        }
        if self.parser.word("packets") {
            counter.packets = self.parser.number()?.0;
            self.parser.need_word("bytes")?;
            counter.bytes = self.parser.number()?.0;
        }
        self.parts.push(Part::Counter(counter));
        Ok(())
    }

    pub(super) fn limit(&mut self) -> Parsed<()> {
        self.parser.need_word("rate")?;
        let over = self.parser.word("over");
        let (rate, at) = self.parser.number()?;
        if self.parser.peek().kind == Kind::Word
            && matches!(self.parser.peek().text.as_str(), "bytes" | "kbytes" | "mbytes")
        {
            self.parser.absent("a limit in bytes", at.clone());
            self.parser.at += 1;
        }
        self.parser.need("/", "/ or string or bytes")?;
        let token = self.parser.peek();
        let per_secs = match token.text.as_str() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            _ => return Err(self.parser.unexpected("")),
        };
        self.parser.at += 1;
        let mut burst = 5;
        if self.parser.word("burst") {
            burst = self.parser.number()?.0;
            self.parser.need_word("packets")?;
        }
        let (Ok(rate), Ok(burst)) = (u32::try_from(rate), u32::try_from(burst)) else {
            self.parser.mistake(Error::new("limit rate is too large", at));
            return Ok(());
        };
        self.parts.push(Part::Limit(Limit { rate, per_secs, burst, over, tokens: (0, 0) }));
        Ok(())
    }

    pub(super) fn log(&mut self) -> Parsed<()> {
        let (mut prefix, mut level) = (String::new(), None);
        loop {
            if self.parser.word("prefix") {
                let token = self.parser.peek();
                if !matches!(token.kind, Kind::Quoted | Kind::Word | Kind::Aster) {
                    return Err(self.parser.unexpected("string or quoted string or string with a trailing asterisk"));
                }
                self.parser.at += 1;
                prefix.clone_from(&token.text);
            } else if self.parser.word("level") {
                let token = self.parser.next();
                let name = if token.text == "warning" { "warn" } else { token.text.as_str() };
                let found = LEVELS.iter().position(|other| *other == name);
                if found.is_none() {
                    self.parser.mistake(Error::new("invalid log level", token.at.clone()));
                }
                level = found.and_then(|level| u8::try_from(level).ok());
            } else if matches!(self.parser.peek().text.as_str(), "group" | "flags" | "snaplen" | "queue-threshold")
                && self.parser.peek().kind == Kind::Word
            {
                let token = self.parser.next();
                self.parser.absent(&format!("log {}", token.text), token.at.clone());
                self.parser.at += usize::from(!self.parser.at_end());
            } else {
                break;
            }
        }
        self.parts.push(Part::Log { prefix, level });
        Ok(())
    }

    pub(super) fn verdict(&mut self, token: &Token) -> Parsed<()> {
        let verdict = match token.text.as_str() {
            "accept" => Verdict::Accept,
            "drop" => Verdict::Drop,
            "return" => Verdict::Return,
            "continue" => {
                self.parser.absent("continue", token.at.clone());
                return Ok(());
            }
            goto => {
                let name = self.parser.name("'{'")?;
                self.target = Some(name.at.clone());
                if goto == "jump" { Verdict::Jump(name.text.clone()) } else { Verdict::Goto(name.text.clone()) }
            }
        };
        self.parts.push(Part::Verdict(verdict));
        Ok(())
    }

    pub(super) fn nat(&mut self, token: &Token) -> Parsed<()> {
        let mut to = NatTo { addrs: None, ports: None };
        let to_address = matches!(token.text.as_str(), "snat" | "dnat");
        let family = to_address && self.parser.word("ip");
        let to_word = self.parser.word("to");
        if to_address || to_word {
            if to_address && !self.parser.peek().is(":") {
                let item = self.nat_addrs()?;
                to.addrs = Some(item);
                if self.family == Family::Inet && !family {
                    let text = "ip or ip6 must be specified with address for inet tables.";
                    self.parser.mistake(Error::new(text, token.at.clone()));
                }
            }
            if self.parser.sign(":") {
                let from = self.parser.next();
                let first = self.parser.port(from);
                let mut at = from.at.clone();
                let mut last = first;
                if self.parser.sign("-") {
                    let end = self.parser.next();
                    last = self.parser.port(end);
                    at.end = end.at.end;
                }
                to.ports = Some((first, last));
                if self.transport.is_none() {
                    let text = "transport protocol mapping is only valid after transport protocol match";
                    let mut error = Error::new(text, at);
                    error.also = Some(token.at.clone());
                    self.parser.mistake(error);
                }
            } else if !to_address {
                return Err(self.parser.unexpected("':'"));
            }
        }
        let words = ["random", "fully-random", "persistent"];
        if self.parser.peek().kind == Kind::Word && words.contains(&self.parser.peek().text.as_str()) {
            let token = self.parser.next();
            self.parser.absent(&token.text, token.at.clone());
            while !self.parser.at_end() {
                self.parser.at += 1;
            }
        }
        self.parts.push(Part::Verdict(match token.text.as_str() {
            "masquerade" => Verdict::Masquerade { ports: to.ports },
            "redirect" => Verdict::Redirect { ports: to.ports },
            "snat" => Verdict::Snat(to),
            _ => Verdict::Dnat(to),
        }));
        Ok(())
    }

    fn nat_addrs(&mut self) -> Parsed<(core::net::Ipv4Addr, core::net::Ipv4Addr)> {
        let token = self.parser.peek();
        let fits = matches!(token.kind, Kind::Address | Kind::Number)
            || (token.kind == Kind::Word && !super::lex::is_keyword(&token.text));
        if !fits {
            return Err(self.parser.unexpected(""));
        }
        self.parser.at += 1;
        let from = self.parser.addr(token);
        if !self.parser.sign("-") {
            return Ok((from, from));
        }
        let end = self.parser.next();
        Ok((from, self.parser.addr(end)))
    }

    pub(super) fn reject(&mut self, token: &Token) -> Parsed<()> {
        self.reject = Some(token.at.clone());
        let mut with = RejectWith::Icmp(3);
        let mut key = None;
        if self.parser.word("with") {
            let kind = self.parser.peek();
            match kind.text.as_str() {
                "icmp" | "icmpx" => {
                    self.parser.at += 1;
                    self.parser.word("type");
                    let code = self.parser.peek();
                    if self.parser.at_end() {
                        return Err(self.parser.unexpected(""));
                    }
                    self.parser.at += 1;
                    if kind.text == "icmp" {
                        with = RejectWith::Icmp(self.parser.icmp_code(code));
                        key = (self.family == Family::Inet).then_some("icmp");
                    } else if self.family == Family::Ip {
                        let mut error = Error::new("abstracted ICMP unreachable not supported", code.at.clone());
                        error.also = Some(token.at.clone());
                        self.parser.mistake(error);
                    } else {
                        with = RejectWith::Icmp(match code.text.as_str() {
                            "no-route" => 0,
                            "port-unreachable" => 3,
                            "host-unreachable" => 1,
                            "admin-prohibited" => 13,
                            _ => {
                                self.parser.mistake(Error::new("Could not parse icmpx code", code.at.clone()));
                                3
                            }
                        });
                        key = (with != RejectWith::Icmp(3)).then_some("icmpx");
                    }
                }
                "tcp" => {
                    self.parser.at += 1;
                    self.parser.need_word("reset")?;
                    self.tcp_reset(token);
                    with = RejectWith::TcpReset;
                }
                "icmpv6" => self.parser.absent("IPv6", kind.at.clone()),
                _ => return Err(self.parser.unexpected("icmp or icmpv6 or tcp or icmpx")),
            }
        }
        if let Some(key) = key {
            self.keys.push((self.parts.len(), key));
        }
        self.parts.push(Part::Verdict(Verdict::Reject(with)));
        Ok(())
    }

    fn tcp_reset(&mut self, token: &Token) {
        match &self.transport {
            Some((6, _)) => {}
            Some((_, said)) => {
                let mut error = Error::new("you cannot use tcp reset with this protocol", token.at.clone());
                error.also = Some(said.clone());
                self.parser.mistake(error);
            }
            None => {
                self.push(false, Match::Protocol(vec![6]));
                self.transport = Some((6, token.at.clone()));
            }
        }
    }
}
