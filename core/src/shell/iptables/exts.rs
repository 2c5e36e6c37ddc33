//! The match extensions: which options each has, what it says to a wrong value, what it makes of right ones.

use core::net::Ipv4Addr;

use super::fail::Fail;
use super::getopt::Arg;
use super::names::{FLAGS, ICMP, number, port_number};
use super::spec::{Ext, Inv, Ports};
use crate::addr::MacAddr;
use crate::netfilter::model::{CtState, CtStatus, Limit};

/// An option of an extension.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opt {
    /// As it is typed, without `--`.
    pub(super) name: &'static str,
    /// The same for all names of one option.
    pub(super) key: &'static str,
    /// Whether it has a value.
    pub(super) arg: Arg,
    /// Whether `!` may stand before it.
    pub(super) invert: bool,
}

const fn opt(name: &'static str, key: &'static str, arg: Arg, invert: bool) -> Opt {
    Opt { name, key, arg, invert }
}

const TCP: &[Opt] = &[
    opt("source-port", "source-port", Arg::Yes, true),
    opt("sport", "source-port", Arg::Yes, true),
    opt("destination-port", "destination-port", Arg::Yes, true),
    opt("dport", "destination-port", Arg::Yes, true),
    opt("syn", "syn", Arg::No, true),
    opt("tcp-flags", "tcp-flags", Arg::Yes, true),
    opt("tcp-option", "tcp-option", Arg::Yes, true),
];
const UDP: &[Opt] = &[
    opt("source-port", "source-port", Arg::Yes, true),
    opt("sport", "source-port", Arg::Yes, true),
    opt("destination-port", "destination-port", Arg::Yes, true),
    opt("dport", "destination-port", Arg::Yes, true),
];
const MULTIPORT: &[Opt] = &[
    opt("source-ports", "source-ports", Arg::Yes, true),
    opt("sports", "source-ports", Arg::Yes, true),
    opt("destination-ports", "destination-ports", Arg::Yes, true),
    opt("dports", "destination-ports", Arg::Yes, true),
    opt("ports", "ports", Arg::Yes, true),
];
const PHYSDEV: &[Opt] = &[
    opt("physdev-in", "physdev-in", Arg::Yes, true),
    opt("physdev-out", "physdev-out", Arg::Yes, true),
    opt("physdev-is-in", "physdev-is-in", Arg::No, true),
    opt("physdev-is-out", "physdev-is-out", Arg::No, true),
    opt("physdev-is-bridged", "physdev-is-bridged", Arg::No, true),
];
const IPRANGE: &[Opt] = &[opt("src-range", "src-range", Arg::Yes, true), opt("dst-range", "dst-range", Arg::Yes, true)];
const LIMIT: &[Opt] = &[opt("limit", "limit", Arg::Yes, false), opt("limit-burst", "limit-burst", Arg::Yes, false)];
const TTL: &[Opt] = &[
    opt("ttl", "ttl-eq", Arg::Yes, true),
    opt("ttl-eq", "ttl-eq", Arg::Yes, true),
    opt("ttl-lt", "ttl-lt", Arg::Yes, false),
    opt("ttl-gt", "ttl-gt", Arg::Yes, false),
];
const ICMP_OPTIONS: &[Opt] = &[opt("icmp-type", "icmp-type", Arg::Yes, true)];
const CONNTRACK: &[Opt] = &[opt("ctstate", "ctstate", Arg::Yes, true)];
const STATE: &[Opt] = &[opt("state", "state", Arg::Yes, true)];
const MAC: &[Opt] = &[opt("mac-source", "mac-source", Arg::Yes, true)];
const COMMENT: &[Opt] = &[opt("comment", "comment", Arg::Yes, false)];
const ADDRTYPE: &[Opt] = &[opt("dst-type", "dst-type", Arg::Yes, true)];

/// All extensions with their options: matches, then targets.
const MODULES: &[(&str, &[Opt])] = &[
    ("tcp", TCP),
    ("udp", UDP),
    ("icmp", ICMP_OPTIONS),
    ("multiport", MULTIPORT),
    ("conntrack", CONNTRACK),
    ("state", STATE),
    ("iprange", IPRANGE),
    ("mac", MAC),
    ("limit", LIMIT),
    ("comment", COMMENT),
    ("physdev", PHYSDEV),
    ("ttl", TTL),
    ("addrtype", ADDRTYPE),
    ("REJECT", super::targets::REJECT),
    ("LOG", super::targets::LOG),
    ("MASQUERADE", super::targets::MASQUERADE),
    ("SNAT", super::targets::SNAT),
    ("DNAT", super::targets::DNAT),
    ("REDIRECT", super::targets::REDIRECT),
    ("CT", super::targets::CT),
];

/// The options of a loaded extension.
pub(super) fn options(module: &str) -> &'static [Opt] {
    MODULES.iter().find(|(name, _)| *name == module).map_or(&[], |(_, options)| options)
}

/// The extension's own copy of its name, if this lab has it.
pub(super) fn known(name: &str) -> Option<&'static str> {
    MODULES.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// Extensions that Debian 12 has and this lab does not.
pub(super) const ABSENT: &[&str] = &[
    "ah",
    "bpf",
    "cgroup",
    "cluster",
    "connbytes",
    "connlabel",
    "connlimit",
    "connmark",
    "cpu",
    "dccp",
    "devgroup",
    "dscp",
    "ecn",
    "esp",
    "hashlimit",
    "helper",
    "ipvs",
    "length",
    "mark",
    "nfacct",
    "osf",
    "owner",
    "pkttype",
    "policy",
    "quota",
    "rateest",
    "realm",
    "recent",
    "rpfilter",
    "sctp",
    "set",
    "socket",
    "statistic",
    "string",
    "tcpmss",
    "time",
    "tos",
    "u32",
];

/// An extension whose options are being read.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) ext: Ext,
    seen: Vec<&'static str>,
}

impl Draft {
    /// A fresh one; none for a name that is no match.
    pub(super) fn new(name: &str) -> Option<Self> {
        let ports = |udp| Ext::Ports { udp, source: None, destination: None, flags: None };
        let ext = match name {
            "tcp" => ports(false),
            "udp" => ports(true),
            "icmp" => Ext::Icmp(Inv::new(false, None)),
            "multiport" => Ext::Multiport { source: false, ports: Inv::new(false, Vec::new()) },
            "conntrack" => Ext::Conntrack(Inv::new(false, (Vec::new(), Vec::new()))),
            "state" => Ext::State(Inv::new(false, Vec::new())),
            "iprange" => Ext::Iprange { source: None, destination: None },
            "mac" => Ext::Mac(Inv::new(false, MacAddr::ZERO)),
            "limit" => Ext::Limit(Limit { rate: 3, per_secs: 3_600, burst: 5, over: false, tokens: (0, 0) }),
            "comment" => Ext::Comment(String::new()),
            "physdev" => Ext::Physdev { input: None, output: None, bridged: None },
            "ttl" => Ext::Ttl(Inv::new(false, (0, u8::MAX))),
            "addrtype" => Ext::Local(false),
            _ => return None,
        };
        Some(Self { ext, seen: Vec::new() })
    }

    /// Takes an option. `proto`: the rule's protocol as far as it is known; `second`: the next word, for `--tcp-flags`.
    ///
    /// # Errors
    /// As the extension words them.
    pub(super) fn option(
        &mut self,
        option: &'static Opt,
        not: bool,
        value: &str,
        proto: Option<&Inv<u8>>,
        second: Option<&str>,
        warnings: &mut Vec<String>,
    ) -> Result<(), Fail> {
        let name = self.ext.name();
        if not && !option.invert {
            return Err(Fail::param(format!("{name}: option \"--{}\" cannot be inverted.\n", option.key)));
        }
        let again = self.seen.contains(&option.key);
        self.seen.push(option.key);
        let once = || {
            let text = format!("{name}: option \"--{}\" can only be used once.\n", option.key);
            if again { Err(Fail::param(text)) } else { Ok(()) }
        };
        match &mut self.ext {
            Ext::Ports { .. } => self.ports_option(option.key, again, not, value, second)?,
            Ext::Icmp(kind) => {
                once()?;
                *kind = Inv::new(not, icmp(value)?);
            }
            Ext::Multiport { .. } => self.multiport_option(option.key, not, value, proto)?,
            Ext::Conntrack(state) => {
                once()?;
                *state = Inv::new(not, ct_states(value, "ctstate", true)?);
                if !state.value.0.is_empty() && !state.value.1.is_empty() {
                    return Err(Fail::absent("--ctstate with states and SNAT or DNAT"));
                }
            }
            Ext::State(state) => {
                once()?;
                *state = Inv::new(not, ct_states(value, "state", false)?.0);
            }
            Ext::Iprange { source, destination } => {
                once()?;
                let range = Some(Inv::new(not, ip_range(value, option.key, warnings)?));
                if option.key == "src-range" { *source = range } else { *destination = range }
            }
            Ext::Mac(mac) => {
                once()?;
                *mac = Inv::new(not, value.parse().map_err(|_| Fail::param("Invalid MAC address specified."))?);
            }
            Ext::Limit(limit) => {
                once()?;
                if option.key == "limit" { rate(limit, value)? } else { burst(limit, value)? }
            }
            Ext::Comment(comment) => {
                once()?;
                comment_fits(value)?;
                value.clone_into(comment);
            }
            Ext::Physdev { .. } => {
                once()?;
                self.physdev_option(option.key, not, value, warnings)?;
            }
            Ext::Ttl(ttl) => *ttl = Inv::new(not, ttl_range(option.key, value)?),
            Ext::Local(local) => {
                if value != "LOCAL" {
                    return Err(Fail::absent(&format!("--dst-type {value}")));
                }
                *local = not;
            }
        }
        Ok(())
    }

    /// An option of `tcp` or `udp`. `again`: it was given before.
    fn ports_option(
        &mut self,
        key: &'static str,
        again: bool,
        not: bool,
        value: &str,
        second: Option<&str>,
    ) -> Result<(), Fail> {
        let Ext::Ports { source, destination, flags, .. } = &mut self.ext else { return Ok(()) };
        let only = || Fail::param(format!("Only one `--{key}' allowed"));
        match key {
            "source-port" if again => return Err(only()),
            "source-port" => *source = whole(not, ports(value)?),
            "destination-port" if again => return Err(only()),
            "destination-port" => *destination = whole(not, ports(value)?),
            "tcp-option" => return Err(Fail::absent("--tcp-option")),
            _ if flags.is_some() => return Err(Fail::param("Only one of `--syn' or `--tcp-flags'  allowed")),
            "syn" => *flags = Some(Inv::new(not, (0x17, 0x02))),
            _ => {
                let second = second.ok_or_else(|| Fail::param("--tcp-flags requires two args."))?;
                *flags = Some(Inv::new(not, (tcp_flags(value)?, tcp_flags(second)?)));
            }
        }
        Ok(())
    }

    fn multiport_option(&mut self, key: &str, not: bool, value: &str, proto: Option<&Inv<u8>>) -> Result<(), Fail> {
        if self.seen.len() > 1 {
            return Err(Fail::param("multiport can only have one option"));
        }
        let Ext::Multiport { source, ports } = &mut self.ext else { return Ok(()) };
        multiport_proto(proto)?;
        if key == "ports" {
            return Err(Fail::absent("multiport --ports"));
        }
        *source = key == "source-ports";
        *ports = Inv::new(not, port_list(value)?);
        Ok(())
    }

    fn physdev_option(&mut self, key: &str, not: bool, value: &str, warnings: &mut Vec<String>) -> Result<(), Fail> {
        let Ext::Physdev { input, output, bridged } = &mut self.ext else { return Ok(()) };
        match key {
            "physdev-in" => *input = Some(Inv::new(not, super::args::interface(value, warnings)?)),
            "physdev-out" => *output = Some(Inv::new(not, super::args::interface(value, warnings)?)),
            "physdev-is-bridged" => *bridged = Some(not),
            other => return Err(Fail::absent(&format!("--{other}"))),
        }
        Ok(())
    }

    /// What is still missing when all words are read.
    ///
    /// # Errors
    /// As the extension words them.
    pub(super) fn finish(&self) -> Result<(), Fail> {
        if !self.seen.is_empty() {
            return Ok(());
        }
        let must =
            |option: &str| Err(Fail::param(format!("{}: option \"--{option}\" must be specified\n", self.ext.name())));
        match &self.ext {
            Ext::Icmp(_) => must("icmp-type"),
            Ext::State(_) => must("state"),
            Ext::Mac(_) => must("mac-source"),
            Ext::Comment(_) => must("comment"),
            Ext::Multiport { .. } => Err(Fail::param("multiport expection an option")),
            Ext::Conntrack(_) => Err(Fail::param("conntrack: At least one option is required")),
            Ext::Iprange { .. } => Err(Fail::param("iprange match: You must specify `--src-range' or `--dst-range'")),
            Ext::Physdev { .. } => Err(Fail::param("PHYSDEV: no physdev option specified")),
            Ext::Ttl(_) => Err(Fail::param("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt")),
            Ext::Local(_) => Err(Fail::param("addrtype: you must specify --src-type or --dst-type")),
            Ext::Ports { .. } | Ext::Limit(_) => Ok(()),
        }
    }
}

/// All ports are no question.
fn whole(not: bool, ports: Ports) -> Option<Inv<Ports>> {
    (not || ports != (0, u16::MAX)).then_some(Inv::new(not, ports))
}

fn one_port(text: &str) -> Result<u16, Fail> {
    port_number(text).ok_or_else(|| Fail::param(format!("invalid port/service `{text}' specified")))
}

/// `P`, `P:Q`, `:Q`, `P:`.
fn ports(text: &str) -> Result<Ports, Fail> {
    let Some((from, to)) = text.split_once(':') else {
        let port = one_port(text)?;
        return Ok((port, port));
    };
    let from = if from.is_empty() { 0 } else { one_port(from)? };
    let to = if to.is_empty() { u16::MAX } else { one_port(to)? };
    if from > to { Err(Fail::param("invalid portrange (min > max)")) } else { Ok((from, to)) }
}

/// `XT_MULTI_PORTS`: a range counts twice.
const MULTIPORT_MAX: usize = 15;

fn port_list(text: &str) -> Result<Vec<Ports>, Fail> {
    let (mut list, mut count) = (Vec::new(), 0);
    for item in text.split(',') {
        count += if item.contains(':') { 2 } else { 1 };
        if count > MULTIPORT_MAX {
            return Err(Fail::param("too many ports specified"));
        }
        let (from, to) = item.split_once(':').unwrap_or((item, item));
        let (from, to) = (one_port(from)?, one_port(to)?);
        if from > to {
            return Err(Fail::param("invalid portrange specified"));
        }
        list.push((from, to));
    }
    Ok(list)
}

fn multiport_proto(proto: Option<&Inv<u8>>) -> Result<(), Fail> {
    match proto {
        None => Err(Fail::param("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'")),
        Some(Inv { not: false, value: 6 | 17 | 33 | 132 | 136 }) => Ok(()),
        Some(_) => Err(Fail::param("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP")),
    }
}

fn tcp_flags(text: &str) -> Result<u8, Fail> {
    let mut bits = 0;
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        bits |= match word.to_ascii_uppercase().as_str() {
            "ALL" => 0x3f,
            "NONE" => 0,
            upper => FLAGS
                .iter()
                .find(|(name, _)| *name == upper)
                .map(|(_, bit)| *bit)
                .ok_or_else(|| Fail::param(format!("Unknown TCP flag `{word}'")))?,
        };
    }
    Ok(bits)
}

fn icmp(text: &str) -> Result<Option<(u8, Option<u8>)>, Fail> {
    if text.eq_ignore_ascii_case("any") {
        return Ok(None);
    }
    let lower = text.to_ascii_lowercase();
    let begins = |name: &str| !lower.is_empty() && name.to_ascii_lowercase().starts_with(&lower);
    let found: Vec<_> = ICMP.iter().filter(|(name, ..)| begins(name)).collect();
    match found.as_slice() {
        [] => {}
        [(_, kind, code)] => return Ok(Some((*kind, *code))),
        [first, second, ..] => {
            return match found.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text)) {
                Some((_, kind, code)) => Ok(Some((*kind, *code))),
                None => Err(Fail::param(format!("Ambiguous ICMP type `{text}': `{}' or `{}'?", first.0, second.0))),
            };
        }
    }
    let (kind, code) = text.split_once('/').map_or((text, None), |(kind, code)| (kind, Some(code)));
    let byte = |text: &str| number(text).and_then(|number| u8::try_from(number).ok());
    let kind = byte(kind).ok_or_else(|| Fail::param(format!("Unknown ICMP type `{kind}'")))?;
    match code {
        None => Ok(Some((kind, None))),
        Some(code) => {
            let code = byte(code).ok_or_else(|| Fail::param(format!("Unknown ICMP code `{text}'")))?;
            Ok(Some((kind, Some(code))))
        }
    }
}

fn ct_states(text: &str, what: &str, statuses_too: bool) -> Result<(Vec<CtState>, Vec<CtStatus>), Fail> {
    let (mut states, mut statuses) = (Vec::new(), Vec::new());
    for word in text.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "INVALID" => states.push(CtState::Invalid),
            "NEW" => states.push(CtState::New),
            "ESTABLISHED" => states.push(CtState::Established),
            "RELATED" => states.push(CtState::Related),
            "UNTRACKED" => states.push(CtState::Untracked),
            "SNAT" if statuses_too => statuses.push(CtStatus::Snat),
            "DNAT" if statuses_too => statuses.push(CtStatus::Dnat),
            _ => return Err(Fail::param(format!("Bad {what} \"{word}\""))),
        }
    }
    states.sort_unstable();
    states.dedup();
    statuses.sort_unstable();
    statuses.dedup();
    Ok((states, statuses))
}

fn ip_range(text: &str, option: &str, warnings: &mut Vec<String>) -> Result<(Ipv4Addr, Ipv4Addr), Fail> {
    let bad = || Fail::param(format!("iprange: Bad value for \"--{option}\" option: \"{text}\""));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (Ipv4Addr, Ipv4Addr) = (from.parse().map_err(|_| bad())?, to.parse().map_err(|_| bad())?);
    if from > to {
        warnings.push(format!("xt_iprange: range {text} is reversed and will never match"));
    }
    Ok((from, to))
}

/// `XT_LIMIT_SCALE`: the finest rate is a ten-thousandth of a second.
const LIMIT_SCALE: u32 = 10_000;

fn rate(limit: &mut Limit, text: &str) -> Result<(), Fail> {
    let bad = || Fail::param(format!("bad rate \"{text}\"'"));
    let (count, unit) = text.split_once('/').map_or((text, None), |(count, unit)| (count, Some(unit)));
    let per = match unit.map(str::to_ascii_lowercase) {
        None => 1,
        Some(unit) if unit.is_empty() => return Err(bad()),
        Some(unit) if "second".starts_with(&unit) => 1,
        Some(unit) if "minute".starts_with(&unit) => 60,
        Some(unit) if "hour".starts_with(&unit) => 3_600,
        Some(unit) if "day".starts_with(&unit) => 86_400,
        Some(_) => return Err(bad()),
    };
    let count: u32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(bad)?;
    if count / per > LIMIT_SCALE {
        return Err(Fail::param(format!("Rate too fast \"{text}\"")));
    }
    // The kernel keeps ten-thousandths of a second for one packet. What is printed comes back from them, in the
    // smallest unit that leaves little over (libxt_limit.c `print_rate`).
    let step = (u64::from(LIMIT_SCALE) * u64::from(per) / u64::from(count)).max(1);
    let mut unit = 86_400;
    for secs in [3_600, 60, 1] {
        let scale = u64::from(LIMIT_SCALE) * secs;
        if step > scale || scale / step < scale % step {
            break;
        }
        unit = secs;
    }
    limit.rate = u32::try_from(u64::from(LIMIT_SCALE) * unit / step).unwrap_or(u32::MAX);
    limit.per_secs = u32::try_from(unit).unwrap_or(1);
    Ok(())
}

fn burst(limit: &mut Limit, text: &str) -> Result<(), Fail> {
    let value = number(text)
        .filter(|burst| *burst <= LIMIT_SCALE)
        .ok_or_else(|| Fail::param("limit: bad value for option \"--limit-burst\", or out of range (0-10000).\n"))?;
    limit.burst = value;
    Ok(())
}

/// `XT_MAX_COMMENT_LEN` with its 0.
const COMMENT_MAX: usize = 256;

fn comment_fits(text: &str) -> Result<(), Fail> {
    if text.len() < COMMENT_MAX {
        return Ok(());
    }
    Err(Fail::param(format!("Argument must have a maximum length of {} characters\n", COMMENT_MAX - 1)))
}

fn ttl_range(key: &str, text: &str) -> Result<(u8, u8), Fail> {
    let value = number(text)
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| Fail::param(format!("ttl: bad value for option \"--{key}\", or out of range (0-255).\n")))?;
    Ok(match key {
        "ttl-lt" if value == 0 => return Err(Fail::absent("--ttl-lt 0")),
        "ttl-gt" if value == u8::MAX => return Err(Fail::absent("--ttl-gt 255")),
        "ttl-lt" => (0, value - 1),
        "ttl-gt" => (value + 1, u8::MAX),
        _ => (value, value),
    })
}
