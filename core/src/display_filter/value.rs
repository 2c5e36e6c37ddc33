//! Values of fields and what a filter compares them with.

use core::cmp::Ordering;
use core::fmt::Write as _;
use core::net::{Ipv4Addr, Ipv6Addr};
use std::borrow::Cow;

use super::field::{Def, Kind};
use crate::addr::MacAddr;

/// A field's value in a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(u64),
    Seconds(f64),
    Ipv4(u32),
    Ipv6(u128),
    Ether([u8; 6]),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// As a filter writes it.
    pub(super) fn literal(&self, def: &Def) -> String {
        match self {
            Self::Number(number) if def.name.ends_with("checksum") || def.name == "dhcp.id" => format!("{number:#x}"),
            Self::Number(number) => number.to_string(),
            Self::Seconds(secs) => secs.to_string(),
            Self::Ipv4(addr) => Ipv4Addr::from(*addr).to_string(),
            Self::Ipv6(addr) => Ipv6Addr::from(*addr).to_string(),
            Self::Ether(mac) => MacAddr(*mac).to_string(),
            Self::Text(text) => quoted(text),
            Self::Bytes(bytes) => hex(&bytes[..bytes.len().min(64)]),
        }
    }
}

/// What stands in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number, and whether it was written in hexadecimal.
    Number(u64, bool),
    /// `true` or `false`.
    Bool(bool),
    /// Seconds.
    Seconds(f64),
    /// An IPv4 address with the length of its prefix.
    Ipv4(u32, u8),
    /// An IPv6 address with the length of its prefix.
    Ipv6(u128, u8),
    /// A MAC address.
    Ether([u8; 6]),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl core::fmt::Display for Literal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Number(number, true) => write!(f, "{number:#x}"),
            Self::Number(number, false) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Seconds(secs) => write!(f, "{secs}"),
            Self::Ipv4(addr, 32) => write!(f, "{}", Ipv4Addr::from(*addr)),
            Self::Ipv4(addr, len) => write!(f, "{}/{len}", Ipv4Addr::from(*addr)),
            Self::Ipv6(addr, 128) => write!(f, "{}", Ipv6Addr::from(*addr)),
            Self::Ipv6(addr, len) => write!(f, "{}/{len}", Ipv6Addr::from(*addr)),
            Self::Ether(mac) => write!(f, "{}", MacAddr(*mac)),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Bytes(bytes) => f.write_str(&hex(bytes)),
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `08:00:27`; one byte needs the colon too, or it would be a number.
fn hex(bytes: &[u8]) -> String {
    let mut text = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    if bytes.len() == 1 {
        text.push(':');
    }
    text
}

/// How `value` stands to `literal`; none when they cannot be compared. An address is compared within the prefix.
pub(super) fn compare(value: &Value<'_>, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Number(a), Literal::Number(b, _)) => Some(a.cmp(b)),
        (Value::Number(a), Literal::Bool(b)) => Some((*a != 0).cmp(b)),
        (Value::Seconds(a), Literal::Seconds(b)) => a.partial_cmp(b),
        (Value::Ipv4(a), Literal::Ipv4(b, len)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(*len)).unwrap_or(0);
            Some((a & mask).cmp(&(b & mask)))
        }
        (Value::Ipv6(a), Literal::Ipv6(b, len)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(*len)).unwrap_or(0);
            Some((a & mask).cmp(&(b & mask)))
        }
        (Value::Ether(a), Literal::Ether(b)) => Some(a.cmp(b)),
        (Value::Text(a), Literal::Text(b)) => Some(a.as_ref().cmp(b.as_str())),
        (Value::Bytes(a), Literal::Bytes(b)) => Some((*a).cmp(b.as_slice())),
        (Value::Bytes(a), Literal::Text(b)) => Some((*a).cmp(b.as_bytes())),
        _ => None,
    }
}

/// How two fields' values stand to one another.
pub(super) fn compare_values(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Seconds(a), Value::Seconds(b)) => a.partial_cmp(b),
        (Value::Ipv4(a), Value::Ipv4(b)) => Some(a.cmp(b)),
        (Value::Ipv6(a), Value::Ipv6(b)) => Some(a.cmp(b)),
        (Value::Ether(a), Value::Ether(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether `value` has `literal`'s bytes or characters somewhere.
pub(super) fn contains(value: &Value<'_>, literal: &Literal) -> bool {
    let whole: &[u8] = match value {
        Value::Text(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        Value::Ether(mac) => mac,
        _ => return false,
    };
    let part: &[u8] = match literal {
        Literal::Text(text) => text.as_bytes(),
        Literal::Bytes(bytes) => bytes,
        Literal::Ether(mac) => mac,
        _ => return false,
    };
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

/// A word of a filter as a value of `def`'s type. `Err` is the code of what is wrong and, where there is one, a limit.
pub(super) fn read(def: &Def, word: &str, is_quoted: bool) -> Result<Literal, (&'static str, String)> {
    let wrong = |code| (code, String::new());
    match def.kind {
        Kind::Bool if word.eq_ignore_ascii_case("true") => Ok(Literal::Bool(true)),
        Kind::Bool if word.eq_ignore_ascii_case("false") => Ok(Literal::Bool(false)),
        Kind::Bool => match number(word) {
            Some((value, _)) => Ok(Literal::Bool(value != 0)),
            None => Err(wrong("filter-not-flag")),
        },
        Kind::Uint(bits) => {
            let named = def.names.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
            let (value, hex) = match (named, number(word)) {
                (Some((value, _)), _) => (*value, false),
                (None, Some(found)) if !is_quoted => found,
                (None, _) => {
                    let names = def.names.iter().map(|(_, name)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
                    return Err((
                        if names.is_empty() { "filter-not-number" } else { "filter-not-number-or-name" },
                        names,
                    ));
                }
            };
            let max = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
            if value > max {
                Err(("filter-number-too-large", max.to_string()))
            } else {
                Ok(Literal::Number(value, hex))
            }
        }
        Kind::Seconds => {
            let secs = word.parse::<f64>().ok().filter(|secs| secs.is_finite() && !is_quoted);
            secs.map(Literal::Seconds).ok_or(wrong("filter-not-seconds"))
        }
        Kind::Ipv4 => {
            let (addr, len) = prefix(word, 32).ok_or(wrong("filter-not-address"))?;
            let addr: Ipv4Addr = addr.parse().map_err(|_| wrong("filter-not-address"))?;
            Ok(Literal::Ipv4(addr.into(), len))
        }
        Kind::Ipv6 => {
            let (addr, len) = prefix(word, 128).ok_or(wrong("filter-not-ipv6"))?;
            let addr: Ipv6Addr = addr.parse().map_err(|_| wrong("filter-not-ipv6"))?;
            Ok(Literal::Ipv6(addr.into(), len))
        }
        Kind::Ether => {
            let mac = bytes(word).and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
            mac.map(Literal::Ether).ok_or(wrong("filter-not-mac"))
        }
        Kind::Text => Ok(Literal::Text(word.to_owned())),
        Kind::Bytes | Kind::Protocol => searched(word, is_quoted),
    }
}

/// What `contains` looks for: bytes as `08:00:27`, or text.
pub(super) fn searched(word: &str, is_quoted: bool) -> Result<Literal, (&'static str, String)> {
    match bytes(word).filter(|_| !is_quoted) {
        Some(bytes) => Ok(Literal::Bytes(bytes)),
        None if word.is_empty() => Err(("filter-nothing-to-find", String::new())),
        None => Ok(Literal::Text(word.to_owned())),
    }
}

/// Decimal, `0x…`, `0…` (octal, as Wireshark has it), `0b…`; and whether it was hexadecimal.
pub(super) fn number(word: &str) -> Option<(u64, bool)> {
    let lower = word.to_ascii_lowercase();
    let digits = |text: &str, radix| {
        let clean = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if clean { u64::from_str_radix(text, radix).ok() } else { None }
    };
    if let Some(rest) = lower.strip_prefix("0x") {
        return digits(rest, 16).map(|value| (value, true));
    }
    let value = match (lower.strip_prefix("0b"), lower.strip_prefix('0')) {
        (Some(rest), _) => digits(rest, 2),
        (None, Some(rest)) if !rest.is_empty() => digits(rest, 8),
        _ => digits(&lower, 10),
    };
    value.map(|value| (value, false))
}

fn prefix(word: &str, max: u8) -> Option<(&str, u8)> {
    match word.split_once('/') {
        Some((addr, len)) => len.parse::<u8>().ok().filter(|len| *len <= max).map(|len| (addr, len)),
        None => Some((word, max)),
    }
}

/// Bytes as `08:00:27:a1`, `08-00-27` or `08.00.27`, at least one sign among them.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let sign = word.find([':', '-', '.']).and_then(|at| word.get(at..at + 1))?;
    let word = word.strip_suffix(sign).unwrap_or(word);
    let byte = |part: &str| {
        let clean = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
        if clean { u8::from_str_radix(part, 16).ok() } else { None }
    };
    word.split(sign).map(byte).collect()
}

/// For messages: the word as somebody typed it, not endless.
pub(super) fn shown(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars().take(40) {
        let _ = write!(out, "{c}");
    }
    out
}
