//! The target extensions: options, wrong values, and the verdict that comes of them.

use core::net::Ipv4Addr;

use super::exts::Opt;
use super::fail::Fail;
use super::getopt::Arg;
use super::names::{LEVELS, REJECTS, number, port_number};
use super::spec::{Inv, Target};
use crate::netfilter::model::{NatTo, RejectWith, Verdict};

const fn opt(name: &'static str, key: &'static str, arg: Arg) -> Opt {
    Opt { name, key, arg, invert: false }
}

pub(super) const REJECT: &[Opt] = &[opt("reject-with", "reject-with", Arg::Yes)];
pub(super) const LOG: &[Opt] = &[
    opt("log-level", "log-level", Arg::Yes),
    opt("log-prefix", "log-prefix", Arg::Yes),
    opt("log-tcp-sequence", "log-tcp-sequence", Arg::No),
    opt("log-tcp-options", "log-tcp-options", Arg::No),
    opt("log-ip-options", "log-ip-options", Arg::No),
    opt("log-uid", "log-uid", Arg::No),
    opt("log-macdecode", "log-macdecode", Arg::No),
];
pub(super) const MASQUERADE: &[Opt] = &[
    opt("to-ports", "to-ports", Arg::Yes),
    opt("random", "random", Arg::No),
    opt("random-fully", "random-fully", Arg::No),
];
pub(super) const SNAT: &[Opt] = &[
    opt("to-source", "to-source", Arg::Yes),
    opt("random", "random", Arg::No),
    opt("random-fully", "random-fully", Arg::No),
    opt("persistent", "persistent", Arg::No),
];
pub(super) const DNAT: &[Opt] = &[
    opt("to-destination", "to-destination", Arg::Yes),
    opt("random", "random", Arg::No),
    opt("persistent", "persistent", Arg::No),
];
pub(super) const REDIRECT: &[Opt] = &[opt("to-ports", "to-ports", Arg::Yes), opt("random", "random", Arg::No)];
pub(super) const CT: &[Opt] = &[
    opt("notrack", "notrack", Arg::No),
    opt("helper", "helper", Arg::Yes),
    opt("zone", "zone", Arg::Yes),
    opt("ctevents", "ctevents", Arg::Yes),
];

/// Targets that Debian 12 has and this lab does not.
pub(super) const ABSENT: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "DSCP",
    "ECN",
    "HMARK",
    "IDLETIMER",
    "LED",
    "MARK",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "QUEUE",
    "RATEEST",
    "SECMARK",
    "SET",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TPROXY",
    "TRACE",
    "TTL",
    "ULOG",
];

/// A target whose options are being read.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    name: &'static str,
    target: Target,
    seen: Vec<&'static str>,
}

impl Draft {
    /// A fresh one; none for a name that is no target extension.
    pub(super) fn new(name: &str) -> Option<Self> {
        let to = NatTo { addrs: None, ports: None };
        let (name, target) = match name {
            "REJECT" => ("REJECT", Target::Verdict(Verdict::Reject(RejectWith::Icmp(3)))),
            "LOG" => ("LOG", Target::Log { prefix: String::new(), level: None }),
            "MASQUERADE" => ("MASQUERADE", Target::Verdict(Verdict::Masquerade { ports: None })),
            "SNAT" => ("SNAT", Target::Verdict(Verdict::Snat(to))),
            "DNAT" => ("DNAT", Target::Verdict(Verdict::Dnat(to))),
            "REDIRECT" => ("REDIRECT", Target::Verdict(Verdict::Redirect { ports: None })),
            "CT" => ("CT", Target::Notrack),
            _ => return None,
        };
        Some(Self { name, target, seen: Vec::new() })
    }

    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Takes an option. `proto`: the rule's protocol as far as it is known.
    ///
    /// # Errors
    /// As the extension words them.
    pub(super) fn option(
        &mut self,
        option: &'static Opt,
        not: bool,
        value: &str,
        proto: Option<&Inv<u8>>,
    ) -> Result<(), Fail> {
        let name = self.name;
        if not {
            return Err(Fail::param(format!("{name}: option \"--{}\" cannot be inverted.\n", option.key)));
        }
        if self.seen.contains(&option.key) {
            return Err(Fail::param(format!("{name}: option \"--{}\" can only be used once.\n", option.key)));
        }
        self.seen.push(option.key);
        let with_ports = matches!(proto, Some(Inv { not: false, value: 6 | 17 | 33 | 132 }));
        match (&mut self.target, option.key) {
            (Target::Verdict(Verdict::Reject(with)), _) => *with = reject(value)?,
            (Target::Log { prefix, .. }, "log-prefix") => *prefix = log_prefix(value)?,
            (Target::Log { level, .. }, "log-level") => *level = Some(log_level(value)?),
            (Target::Notrack, "notrack") => {}
            (Target::Verdict(Verdict::Masquerade { ports } | Verdict::Redirect { ports }), "to-ports") => {
                if !with_ports {
                    return Err(need_ports());
                }
                *ports = Some(port_range(value)?);
            }
            (Target::Verdict(Verdict::Snat(to) | Verdict::Dnat(to)), "to-source" | "to-destination") => {
                *to = nat_to(value, with_ports)?;
            }
            (_, other) => return Err(Fail::absent(&format!("--{other}"))),
        }
        Ok(())
    }

    /// The target, when all words are read.
    ///
    /// # Errors
    /// An option that must be there.
    pub(super) fn finish(self) -> Result<Target, Fail> {
        let must = match self.name {
            "SNAT" => "to-source",
            "DNAT" => "to-destination",
            "CT" => "notrack",
            _ => return Ok(self.target),
        };
        if self.seen.contains(&must) {
            return Ok(self.target);
        }
        if self.name == "CT" {
            return Err(Fail::absent("-j CT without --notrack"));
        }
        Err(Fail::param(format!("{}: option \"--{must}\" must be specified\n", self.name)))
    }
}

fn need_ports() -> Fail {
    Fail::param("Need TCP, UDP, SCTP or DCCP with port specification")
}

fn reject(text: &str) -> Result<RejectWith, Fail> {
    let lower = text.to_ascii_lowercase();
    if !lower.is_empty() && ("tcp-reset".starts_with(&lower) || lower == "tcp-rst") {
        return Ok(RejectWith::TcpReset);
    }
    let begins =
        |(name, alias, _): &&(&str, &str, u8)| (!lower.is_empty() && name.starts_with(&lower)) || *alias == lower;
    let found = REJECTS.iter().find(begins);
    found
        .map(|(_, _, code)| RejectWith::Icmp(*code))
        .ok_or_else(|| Fail::param(format!("unknown reject type \"{text}\"")))
}

/// `log-prefix` has 30 bytes with its 0 (xt_LOG.h).
const LOG_PREFIX_MAX: usize = 29;

fn log_prefix(text: &str) -> Result<String, Fail> {
    if text.is_empty() {
        return Err(Fail::param("Argument must have a minimum length of 1 characters\n"));
    }
    if text.contains('\n') {
        return Err(Fail::param("LOG: Newlines not allowed in --log-prefix"));
    }
    let mut end = text.len().min(LOG_PREFIX_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Ok(text.get(..end).unwrap_or_default().to_owned())
}

fn log_level(text: &str) -> Result<u8, Fail> {
    let by_number = number(text).filter(|level| *level < 8).and_then(|level| u8::try_from(level).ok());
    let by_name = || match text.to_ascii_lowercase().as_str() {
        "panic" => Some(0),
        "error" => Some(3),
        "warning" => Some(4),
        lower => LEVELS.iter().position(|name| *name == lower).and_then(|level| u8::try_from(level).ok()),
    };
    by_number.or_else(by_name).ok_or_else(|| Fail::param(format!("log level \"{text}\" unknown\n")))
}

fn one_port(text: &str) -> Result<u16, Fail> {
    port_number(text).ok_or_else(|| Fail::param(format!("Port `{text}' not valid")))
}

/// `P` or `P-Q`.
fn port_range(text: &str) -> Result<(u16, u16), Fail> {
    let Some((from, to)) = text.split_once('-') else {
        let port = one_port(text)?;
        return Ok((port, port));
    };
    let from = one_port(from)?;
    let end = one_port(to)?;
    if from > end { Err(Fail::param(format!("Port range `{to}' funky"))) } else { Ok((from, end)) }
}

/// `A[-B][:P[-Q]]`
fn nat_to(text: &str, with_ports: bool) -> Result<NatTo, Fail> {
    let (addrs, ports) = text.split_once(':').map_or((text, None), |(addrs, ports)| (addrs, Some(ports)));
    let ports = match ports {
        Some(_) if !with_ports => return Err(need_ports()),
        Some(ports) => Some(port_range(ports)?),
        None => None,
    };
    if addrs.is_empty() && ports.is_some() {
        return Ok(NatTo { addrs: None, ports });
    }
    let addr = |text: &str| -> Result<Ipv4Addr, Fail> {
        text.parse().map_err(|_| Fail::param(format!("Bad IP address \"{text}\"")))
    };
    let (from, to) = addrs.split_once('-').unwrap_or((addrs, addrs));
    Ok(NatTo { addrs: Some((addr(from)?, addr(to)?)), ports })
}
