//! The words of an `ip` command: the cursor over them, how they are compared, numbers and addresses, and the errors
//! that iproute2 has for them (lib/utils.c).

use core::net::{Ipv4Addr, Ipv6Addr};

use super::Family;
use crate::addr::Cidr;
use crate::programs::Errno;
use crate::view::Scope;

/// Why `ip` ended with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fail {
    pub(super) exit: i32,
    /// Without the last line feed.
    pub(super) message: String,
}

impl Fail {
    pub(super) fn new(exit: i32, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    pub(super) fn usage(text: &str) -> Self {
        Self::new(255, text.trim_end_matches('\n'))
    }

    /// `invarg`
    pub(super) fn wrong(arg: &str, why: &str) -> Self {
        Self::new(255, format!("Error: argument \"{arg}\" is wrong: {why}"))
    }

    /// `duparg2`
    pub(super) fn garbage(key: &str, arg: &str) -> Self {
        Self::new(255, format!("Error: either \"{key}\" is duplicate, or \"{arg}\" is a garbage."))
    }

    /// `duparg`
    pub(super) fn duplicate(key: &str, arg: &str) -> Self {
        Self::new(255, format!("Error: duplicate \"{key}\": \"{arg}\" is the second value."))
    }

    pub(super) fn incomplete() -> Self {
        Self::new(255, "Command line is not complete. Try option \"help\"")
    }

    /// `nodev`
    pub(super) fn no_device(name: &str) -> Self {
        Self::new(1, format!("Cannot find device \"{name}\""))
    }

    /// The kernel refused without a text of its own.
    pub(super) fn errno(errno: Errno) -> Self {
        Self::new(2, format!("RTNETLINK answers: {}", errno.text()))
    }

    /// The kernel refused with a text of its own (extended acknowledgement).
    pub(super) fn kernel(text: &str) -> Self {
        Self::new(2, format!("Error: {text}"))
    }
}

/// What iproute2 has and this lab does not.
pub(super) fn unavailable(what: &str) -> Fail {
    Fail::new(1, format!("{what} is not available in this lab"))
}

/// Whether `word` is `full` or an abbreviation of it.
pub(super) fn matches(word: &str, full: &str) -> bool {
    full.starts_with(word)
}

/// The words, with a place in them.
pub(super) struct Args<'a> {
    words: &'a [String],
    at: usize,
}

impl<'a> Args<'a> {
    pub(super) fn new(words: &'a [String]) -> Self {
        Self { words, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    pub(super) fn take(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// `NEXT_ARG`: the value of the keyword before.
    pub(super) fn value(&mut self) -> Result<&'a str, Fail> {
        self.take().ok_or_else(Fail::incomplete)
    }

    pub(super) fn value_or(&mut self, fail: impl Fn() -> Fail) -> Result<&'a str, Fail> {
        self.take().ok_or_else(fail)
    }
}

/// An address or a network as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) net: Net,
    /// The length was written.
    pub(super) explicit: bool,
}

/// What a prefix is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Net {
    /// `default`, `any`, `all`.
    All,
    V4(Cidr),
    V6(Ipv6Addr, u8),
}

impl Prefix {
    /// The IPv4 network; everything for `default`; none for IPv6.
    pub(super) fn v4(self) -> Option<Cidr> {
        match self.net {
            Net::All => Some(Cidr::DEFAULT),
            Net::V4(cidr) => Some(cidr),
            Net::V6(..) => None,
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
        Family::Any | Family::Packet => "any valid",
    }
}

/// `get_prefix`: an address with an optional length or mask.
pub(super) fn prefix(text: &str, family: Family) -> Result<Prefix, Fail> {
    let parsed = parse_prefix(text).filter(|prefix| match prefix.net {
        Net::All => true,
        Net::V4(_) => family != Family::Inet6,
        Net::V6(..) => family != Family::Inet,
    });
    parsed.ok_or_else(|| {
        Fail::new(1, format!("Error: {} prefix is expected rather than \"{text}\".", family_name(family)))
    })
}

fn parse_prefix(text: &str) -> Option<Prefix> {
    if matches!(text, "default" | "any" | "all") {
        return Some(Prefix { net: Net::All, explicit: false });
    }
    let (addr, length) = match text.split_once('/') {
        Some((addr, length)) => (addr, Some(length)),
        None => (text, None),
    };
    let net = if addr.contains(':') {
        let addr = addr.parse().ok()?;
        Net::V6(addr, length.map_or(Some(128), |text| number(text).filter(|n| *n <= 128))? as u8)
    } else {
        let addr = parse_v4(addr)?;
        let prefix = match length {
            None => 32,
            Some(text) => match number(text) {
                Some(number) => u8::try_from(number).ok().filter(|number| *number <= 32)?,
                None => Cidr::prefix_of_mask(parse_v4(text)?)?,
            },
        };
        Net::V4(Cidr::new(addr, prefix))
    };
    Some(Prefix { net, explicit: length.is_some() })
}

/// Up to four numbers, in C's notations; what is missing is 0 (`10.1` is 10.1.0.0).
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (count, part) in text.split('.').enumerate() {
        *octets.get_mut(count)? = u8::try_from(number(part)?).ok()?;
    }
    Some(Ipv4Addr::from(octets))
}

/// `get_addr` of an IPv4 address; `None` in `Ok` for one of IPv6.
pub(super) fn address(text: &str, family: Family) -> Result<Option<Ipv4Addr>, Fail> {
    let wrong = || Fail::new(1, format!("Error: {} address is expected rather than \"{text}\".", family_name(family)));
    if text.contains(':') && family != Family::Inet {
        return text.parse::<Ipv6Addr>().map(|_| None).map_err(|_| wrong());
    }
    if matches!(text, "default" | "any" | "all") {
        return Ok(Some(Ipv4Addr::UNSPECIFIED));
    }
    parse_v4(text).filter(|_| family != Family::Inet6).map(Some).ok_or_else(wrong)
}

/// `get_unsigned` with base 0: decimal, `0x…` or octal.
pub(super) fn number(text: &str) -> Option<u32> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.starts_with(['+', '-']) { None } else { u32::from_str_radix(digits, radix).ok() }
}

/// `ll_addr_a2n`: hexadecimal numbers between colons. Like sscanf's `%x`, it takes what it can of each.
///
/// # Errors
/// A part that begins with no hexadecimal digit, or is over 255.
pub(super) fn link_address(text: &str) -> Result<Vec<u8>, Fail> {
    text.split(':')
        .map(|part| {
            let end = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
            let bad = || Fail::new(1, format!("\"{part}\" is invalid lladdr."));
            part.get(..end)
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .and_then(|n| u8::try_from(n).ok())
                .ok_or_else(bad)
        })
        .collect()
}

/// Scope names and numbers (/etc/iproute2/rt_scopes). `site` and other numbers have no meaning for IPv4 addresses.
pub(super) enum ScopeWord {
    Known(Scope),
    Other,
}

/// `rtnl_rtscope_a2n`
pub(super) fn scope(text: &str) -> Option<ScopeWord> {
    match text {
        "global" | "0" | "universe" => Some(ScopeWord::Known(Scope::Global)),
        "link" | "253" => Some(ScopeWord::Known(Scope::Link)),
        "host" | "254" => Some(ScopeWord::Known(Scope::Host)),
        "site" | "nowhere" => Some(ScopeWord::Other),
        _ => number(text).filter(|n| *n < 256).map(|_| ScopeWord::Other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_are_read_as_iproute2_reads_them() {
        let v4 = |text: &str| prefix(text, Family::Any).ok().and_then(Prefix::v4).map(|cidr| cidr.to_string());
        assert_eq!(v4("10.1/16").as_deref(), Some("10.1.0.0/16"));
        assert_eq!(v4("10.1.1.1/255.255.0.0").as_deref(), Some("10.1.1.1/16"));
        assert_eq!(v4("10.0.2.032/0x18").as_deref(), Some("10.0.2.26/24"));
        assert_eq!(v4("default").as_deref(), Some("0.0.0.0/0"));
        for bad in
            ["x", "10.0.0.1/33", "10.0.0.300", "10.9.1.1/255.0.255.0", "10.0.2.32/", "10.0.2.35.", "0x0a000221/24", ""]
        {
            assert_eq!(v4(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-fx.:/+-]{0,24}") {
            let _ = (prefix(&text, Family::Any), address(&text, Family::Inet), link_address(&text), number(&text));
        }
    }
}
