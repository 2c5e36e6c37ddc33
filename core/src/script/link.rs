//! `@link` and `@switch`: text to settings and back.

use core::fmt::{self, Write as _};

use super::Action;
use super::parse::{Words, number};
use crate::addr::MacAddr;
use crate::error::UserError;
use crate::lab::SecuritySpec;
use crate::switch::Violation;
use crate::world::{LinkSetting, SwitchSetting};

const LINK_WORDS: &str = "delay|jitter|rate|loss|queue|on|off";
const SWITCH_WORDS: &str = "stp|priority|hello|forward-delay|max-age|ageing|port";
const PORT_WORDS: &str = "open|cost|priority|security";

/// Units of times, in microseconds, the largest first.
const TIMES: [(&str, u64); 3] = [("s", 1_000_000), ("ms", 1_000), ("us", 1)];
/// Units of rates, in bits a second, the largest first.
const RATES: [(&str, u64); 4] = [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

/// `END [END] SETTING…`
pub(super) fn link(words: &mut Words<'_>) -> Result<Action, UserError> {
    let a = end(words.next("END")?)?;
    let mut word = words.next(LINK_WORDS)?;
    let mut b = None;
    if !LINK_WORDS.split('|').any(|known| known == word) && (word.contains(':') || words.more()) {
        b = Some(end(word)?);
        word = words.next(LINK_WORDS)?;
    }
    let mut setting = LinkSetting::default();
    loop {
        match word {
            "delay" => setting.delay_us = Some(micros(words.next("TIME")?)?),
            "jitter" => setting.jitter_us = Some(micros(words.next("TIME")?)?),
            "rate" => setting.rate_bps = Some(rate(words.next("RATE")?)?),
            "loss" => setting.loss_ppm = Some(ppm(words.next("PERCENT")?)?),
            "queue" => setting.queue_frames = Some(whole(words.next("FRAMES")?, u32::MAX)?),
            "on" => setting.up = Some(true),
            "off" => setting.up = Some(false),
            found => return Err(words.choice(found, LINK_WORDS)),
        }
        match words.optional() {
            Some(next) => word = next,
            None => return Ok(Action::Link { a, b, setting }),
        }
    }
}

/// `NAME SETTING`
pub(super) fn switch(words: &mut Words<'_>) -> Result<Action, UserError> {
    let switch = words.name("SWITCH")?;
    let word = words.next(SWITCH_WORDS)?;
    let setting = match word {
        "stp" => match words.next("on|off")? {
            "on" => SwitchSetting::Stp { on: true },
            "off" => SwitchSetting::Stp { on: false },
            found => return Err(words.choice(found, "on|off")),
        },
        "priority" => {
            let value = whole(words.next("NUMBER")?, u32::from(u16::MAX))?;
            SwitchSetting::Priority { value: u16::try_from(value).unwrap_or(u16::MAX) }
        }
        "hello" => SwitchSetting::Hello { secs: whole(words.next("SECONDS")?, u32::MAX)? },
        "forward-delay" => SwitchSetting::ForwardDelay { secs: whole(words.next("SECONDS")?, u32::MAX)? },
        "max-age" => SwitchSetting::MaxAge { secs: whole(words.next("SECONDS")?, u32::MAX)? },
        "ageing" => SwitchSetting::Ageing { secs: whole(words.next("SECONDS")?, u32::MAX)? },
        "port" => port(words)?,
        found => return Err(words.choice(found, SWITCH_WORDS)),
    };
    Ok(Action::Switch { switch, setting })
}

fn port(words: &mut Words<'_>) -> Result<SwitchSetting, UserError> {
    let port = end(words.next("END")?)?;
    Ok(match words.next(PORT_WORDS)? {
        "open" => SwitchSetting::Open { port },
        "cost" => match words.next("NUMBER")? {
            "auto" => SwitchSetting::Cost { port, cost: None },
            cost => SwitchSetting::Cost { port, cost: Some(whole(cost, u32::MAX)?) },
        },
        "priority" => {
            let value = whole(words.next("NUMBER")?, u32::from(u8::MAX))?;
            SwitchSetting::PortPriority { port, value: u8::try_from(value).unwrap_or(u8::MAX) }
        }
        "security" => match words.next("off|MAX")? {
            "off" => SwitchSetting::Security { port, security: None },
            max => SwitchSetting::Security { port, security: Some(security(max, words)?) },
        },
        found => return Err(words.choice(found, PORT_WORDS)),
    })
}

fn security(max: &str, words: &mut Words<'_>) -> Result<SecuritySpec, UserError> {
    let mut spec = SecuritySpec { max: whole(max, u32::MAX)?, allowed: Vec::new(), violation: Violation::default() };
    let mut next = words.optional();
    if let Some(violation) = next.and_then(violation_of) {
        spec.violation = violation;
        next = words.optional();
    }
    while let Some(mac) = next {
        spec.allowed.push(mac.parse::<MacAddr>()?);
        next = words.optional();
    }
    Ok(spec)
}

fn violation_of(word: &str) -> Option<Violation> {
    [Violation::Protect, Violation::Restrict, Violation::Shutdown].into_iter().find(|v| violation_word(*v) == word)
}

const fn violation_word(violation: Violation) -> &'static str {
    match violation {
        Violation::Protect => "protect",
        Violation::Restrict => "restrict",
        Violation::Shutdown => "shutdown",
    }
}

/// A cable's end: a name, or a name and a port.
fn end(text: &str) -> Result<String, UserError> {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let named = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if named && !port.is_empty() && port.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        Ok(text.to_owned())
    } else {
        Err(UserError::new("script-end").with("found", text))
    }
}

fn bad(text: &str, example: &str) -> UserError {
    UserError::new("script-quantity").with("found", text).with("example", example)
}

fn whole(text: &str, max: u32) -> Result<u32, UserError> {
    number(text, 0, max).ok_or_else(|| bad(text, &format!("0 … {max}")))
}

/// A whole number and its unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn micros(text: &str) -> Result<u32, UserError> {
    quantity(text, &TIMES).and_then(|micros| u32::try_from(micros).ok()).ok_or_else(|| bad(text, "200us, 5ms, 1s"))
}

fn rate(text: &str) -> Result<u64, UserError> {
    if text == "none" {
        return Ok(0);
    }
    quantity(text, &RATES).filter(|rate| *rate > 0).ok_or_else(|| bad(text, "64kbit, 10mbit, 1gbit, none"))
}

/// A percentage with at most four decimals, as millionths.
fn ppm(text: &str) -> Result<u32, UserError> {
    let read = || {
        let number_text = text.strip_suffix('%')?;
        let (whole, decimals) = number_text.split_once('.').unwrap_or((number_text, "0"));
        if decimals.is_empty() || decimals.len() > 4 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
        Some(number(whole, 0, 100)? * 10_000 + decimals).filter(|ppm| *ppm <= 1_000_000)
    };
    read().ok_or_else(|| bad(text, "2%, 0.5%"))
}

/// In the largest unit that leaves no rest.
struct Quantity<'a>(u64, &'a [(&'a str, u64)]);

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}{}", self.0, self.1.last().map_or("", |(unit, _)| unit)),
        }
    }
}

pub(super) fn print_link(f: &mut fmt::Formatter<'_>, a: &str, b: Option<&str>, setting: &LinkSetting) -> fmt::Result {
    write!(f, "@link {a}")?;
    b.iter().try_for_each(|b| write!(f, " {b}"))?;
    if let Some(micros) = setting.delay_us {
        write!(f, " delay {}", Quantity(u64::from(micros), &TIMES))?;
    }
    if let Some(micros) = setting.jitter_us {
        write!(f, " jitter {}", Quantity(u64::from(micros), &TIMES))?;
    }
    match setting.rate_bps {
        None => {}
        Some(0) => f.write_str(" rate none")?,
        Some(rate) => write!(f, " rate {}", Quantity(rate, &RATES))?,
    }
    if let Some(ppm) = setting.loss_ppm {
        write!(f, " loss {}", ppm / 10_000)?;
        match ppm % 10_000 {
            0 => f.write_char('%')?,
            rest => write!(f, ".{}%", format!("{rest:04}").trim_end_matches('0'))?,
        }
    }
    if let Some(frames) = setting.queue_frames {
        write!(f, " queue {frames}")?;
    }
    match setting.up {
        None => Ok(()),
        Some(up) => f.write_str(if up { " on" } else { " off" }),
    }
}

pub(super) fn print_switch(f: &mut fmt::Formatter<'_>, switch: &str, setting: &SwitchSetting) -> fmt::Result {
    write!(f, "@switch {switch} ")?;
    match setting {
        SwitchSetting::Stp { on } => write!(f, "stp {}", if *on { "on" } else { "off" }),
        SwitchSetting::Priority { value } => write!(f, "priority {value}"),
        SwitchSetting::Hello { secs } => write!(f, "hello {secs}"),
        SwitchSetting::ForwardDelay { secs } => write!(f, "forward-delay {secs}"),
        SwitchSetting::MaxAge { secs } => write!(f, "max-age {secs}"),
        SwitchSetting::Ageing { secs } => write!(f, "ageing {secs}"),
        SwitchSetting::Open { port } => write!(f, "port {port} open"),
        SwitchSetting::Cost { port, cost: None } => write!(f, "port {port} cost auto"),
        SwitchSetting::Cost { port, cost: Some(cost) } => write!(f, "port {port} cost {cost}"),
        SwitchSetting::PortPriority { port, value } => write!(f, "port {port} priority {value}"),
        SwitchSetting::Security { port, security: None } => write!(f, "port {port} security off"),
        SwitchSetting::Security { port, security: Some(security) } => {
            write!(f, "port {port} security {} {}", security.max, violation_word(security.violation))?;
            security.allowed.iter().try_for_each(|mac| write!(f, " {mac}"))
        }
    }
}
