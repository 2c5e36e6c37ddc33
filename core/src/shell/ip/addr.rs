//! `ip address`: adding, changing, deleting and flushing; what is shown is in [`super::show`].

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use super::args::{Args, Fail, Net, Prefix, ScopeWord, address, matches, number, prefix, scope, unavailable};
use super::show::{self, Filter};
use super::{Family, Options, iface};
use crate::addr::Cidr;
use crate::programs::{Errno, Kernel, NewAddr, PutMode};
use crate::shell::out::{complain, say};
use crate::view::Scope;

const USAGE: &str = include_str!("usage_address.txt");

/// Runs `ip address`.
pub(super) fn run(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let Some(word) = args.take() else {
        return show::run(options, &Filter::all(options.family), kernel);
    };
    let is = |name: &str| matches(word, name);
    match () {
        () if is("add") => modify(options, args, kernel, Verb::Put(PutMode::Create)),
        () if is("change") || word == "chg" => modify(options, args, kernel, Verb::Put(PutMode::Change)),
        () if is("replace") => modify(options, args, kernel, Verb::Put(PutMode::Replace)),
        () if is("delete") => modify(options, args, kernel, Verb::Delete),
        () if is("show") || word == "lst" || is("list") => {
            show::run(options, &Filter::parse(options.family, args, USAGE)?, kernel)
        }
        () if is("flush") => flush(options, args, kernel),
        () if is("save") || is("showdump") || is("restore") => Err(unavailable(&format!("ip address {word}"))),
        () if is("help") => Err(Fail::usage(USAGE)),
        () => Err(Fail::new(255, format!("Command \"{word}\" is unknown, try \"ip address help\"."))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put(PutMode),
    Delete,
}

/// The words of `add`, `change`, `replace`, `del`.
#[derive(Default)]
struct Request {
    local: Option<(Prefix, String)>,
    dev: Option<String>,
    broadcast: Option<Broadcast>,
    scope: Option<ScopeWord>,
    label: Option<String>,
    valid: Option<u32>,
    preferred: Option<u32>,
}

enum Broadcast {
    /// `+`: all host bits set.
    Ones,
    /// `-`: all host bits clear.
    Zeroes,
    Is(Ipv4Addr),
}

impl Request {
    fn parse(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<Self, Fail> {
        let mut request = Self::default();
        while let Some(word) = args.take() {
            match word {
                "peer" | "remote" | "anycast" => return Err(unavailable(&format!("ip address {word}"))),
                _ if matches(word, "broadcast") || word == "brd" => request.broadcast(args.value()?)?,
                "scope" => {
                    let name = args.value()?;
                    request.scope = Some(scope(name).ok_or_else(|| Fail::wrong(name, "invalid scope value."))?);
                }
                "dev" => request.dev = Some(args.value()?.to_owned()),
                "label" => request.label = Some(args.value()?.to_owned()),
                _ if matches(word, "metric") || word == "priority" || word == "preference" => {
                    return Err(unavailable(&format!("ip address {word} {}", args.value()?)));
                }
                _ if matches(word, "valid_lft") => request.valid = Some(lifetime(args.value()?, "valid_lft value")?),
                _ if matches(word, "preferred_lft") => {
                    request.preferred = Some(lifetime(args.value()?, "preferred_lft value")?);
                }
                "permanent" | "secondary" | "primary" | "tentative" | "deprecated" | "dadfailed" | "temporary" => {
                    complain(kernel, format!("Warning: {word} option is not mutable from userspace"));
                }
                "home" | "nodad" | "mngtmpaddr" | "noprefixroute" | "autojoin" => {
                    return Err(unavailable(&format!("ip address {word}")));
                }
                word => {
                    let text = if word == "local" { args.value()? } else { word };
                    if matches(text, "help") {
                        return Err(Fail::usage(USAGE));
                    }
                    if request.local.is_some() {
                        return Err(Fail::garbage("local", text));
                    }
                    request.local = Some((prefix(text, options.family)?, text.to_owned()));
                }
            }
        }
        Ok(request)
    }

    fn broadcast(&mut self, value: &str) -> Result<(), Fail> {
        if self.broadcast.is_some() {
            return Err(Fail::duplicate("broadcast", value));
        }
        self.broadcast = Some(match value {
            "+" => Broadcast::Ones,
            "-" => Broadcast::Zeroes,
            text => Broadcast::Is(address(text, Family::Inet).map(|addr| addr.unwrap_or(Ipv4Addr::UNSPECIFIED))?),
        });
        Ok(())
    }
}

/// Seconds, or `u32::MAX` for `forever`.
fn lifetime(text: &str, what: &str) -> Result<u32, Fail> {
    if matches(text, "forever") {
        return Ok(u32::MAX);
    }
    number(text).ok_or_else(|| Fail::wrong(text, what))
}

fn modify(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel, verb: Verb) -> Result<(), Fail> {
    let request = Request::parse(options, args, kernel)?;
    let Some(dev) = request.dev.as_deref() else {
        return Err(Fail::new(1, "Not enough information: \"dev\" argument is required."));
    };
    let iface = iface::index(kernel, dev)?;
    let Some((local, text)) = &request.local else { return Err(Fail::errno(Errno::EOPNOTSUPP)) };
    let Net::V4(cidr) = local.net else { return Err(Fail::errno(Errno::EOPNOTSUPP)) };
    match verb {
        Verb::Delete => delete(iface, cidr, local.explicit, text, kernel),
        Verb::Put(mode) => put(&request, iface, cidr, mode, kernel),
    }
}

fn put(request: &Request, iface: u32, cidr: Cidr, mode: PutMode, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let valid = request.valid.unwrap_or(u32::MAX);
    if request.valid.is_some() || request.preferred.is_some() {
        if valid == 0 {
            return Err(Fail::new(1, "valid_lft is zero"));
        }
        if request.preferred.is_some_and(|preferred| valid < preferred) {
            return Err(Fail::new(1, "preferred_lft is greater than valid_lft"));
        }
    }
    let scope = match &request.scope {
        Some(ScopeWord::Known(scope)) => *scope,
        Some(ScopeWord::Other) => return Err(Fail::errno(Errno::EINVAL)),
        None if cidr.addr.is_loopback() => Scope::Host,
        None => Scope::Global,
    };
    // A name with 16 bytes and more does not fit IFNAMSIZ.
    if request.label.as_ref().is_some_and(|label| label.len() > 15) {
        return Err(Fail::kernel("Attribute failed policy validation."));
    }
    let broadcast = match &request.broadcast {
        None => None,
        Some(Broadcast::Is(addr)) => Some(*addr),
        // iproute2 takes `+` and `-` up to /30 only.
        Some(_) if cidr.prefix > 30 => None,
        Some(Broadcast::Ones) => Some(cidr.broadcast()),
        Some(Broadcast::Zeroes) => Some(cidr.network().addr),
    };
    let valid_until = (valid != u32::MAX).then(|| kernel.now() + Duration::from_secs(u64::from(valid)));
    let addr = NewAddr { iface, cidr, broadcast, scope, valid_until, label: request.label.clone() };
    kernel.addr_put(addr, mode).map_err(Fail::errno)
}

fn delete(iface: u32, cidr: Cidr, explicit: bool, text: &str, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let mut cidr = cidr;
    if !explicit {
        complain(
            kernel,
            format!(
                "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         Explicitly specify the prefix \
                 length ({text}/32) to avoid this warning.\n         This special behaviour is likely to disappear in further \
                 releases,\n         fix your scripts!"
            ),
        );
        let addrs = kernel.addrs();
        let found = addrs.iter().find(|row| row.iface == iface && row.addr == IpAddr::V4(cidr.addr));
        cidr.prefix = found.map_or(cidr.prefix, |row| row.prefix);
    }
    kernel.addr_del(iface, cidr).map_err(Fail::errno)
}

/// Deletes what the filter takes, until nothing of it is left.
fn flush(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    if args.peek().is_none() {
        return Err(Fail::new(1, "Flush requires arguments."));
    }
    let filter = Filter::parse(options.family, args, USAGE)?;
    let ifaces = filter.ifaces(kernel)?;
    let mut deleted = 0;
    for row in kernel.addrs() {
        let Some(iface) = ifaces.iter().find(|iface| iface.index == row.iface) else { continue };
        if let IpAddr::V4(addr) = row.addr
            && filter.takes(&row, &iface.name)
        {
            deleted += 1;
            // A secondary address may have gone with its primary one.
            match kernel.addr_del(row.iface, Cidr::new(addr, row.prefix)) {
                Ok(()) | Err(Errno::EADDRNOTAVAIL) => {}
                Err(errno) => return Err(Fail::errno(errno)),
            }
        }
    }
    report_flush(options, deleted, "addresses", kernel);
    Ok(())
}

/// What `-s` adds to a flush.
pub(super) fn report_flush(options: &Options, deleted: usize, what: &str, kernel: &mut dyn Kernel) {
    match (options.stats, deleted) {
        (0, _) => {}
        (_, 0) => say(kernel, "Nothing to flush.\n"),
        _ => say(
            kernel,
            format!("\n*** Round 1, deleting {deleted} {what} ***\n*** Flush is complete after 1 round ***\n"),
        ),
    }
}
