//! Reading fields: what was typed against what is in force, and what is wrong with it.

use core::fmt::Display;
use core::net::Ipv4Addr;
use core::str::FromStr;

use netmodes_core::error::UserError;

use super::{Change, Draft};

/// Fields of one form as they are read. A field that was not touched reads as not changed, whatever is in force.
pub(super) struct Reader<'a> {
    draft: &'a Draft,
    /// What could not be read.
    pub wrong: Vec<(&'static str, UserError)>,
}

impl<'a> Reader<'a> {
    pub fn new(draft: &'a Draft) -> Self {
        Self { draft, wrong: Vec::new() }
    }

    /// What was typed into a field, trimmed, where it differs from what is in force.
    pub fn changed(&self, key: &'static str, now: &str) -> Option<&'a str> {
        self.draft.get(key).map(|text| text.trim()).filter(|text| *text != now)
    }

    /// The field as it stands, typed or proposed, read as a value.
    pub fn value<T: FromStr>(&mut self, key: &'static str, now: impl Display, code: &str) -> Option<T> {
        let text = stands(self.draft, key, &now.to_string());
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(key, UserError::new(code).with("text", text));
        }
        value
    }

    /// The same for a field that may be empty: no value.
    pub fn optional<T: FromStr>(&mut self, key: &'static str, now: impl Display, code: &str) -> Option<T> {
        let text = stands(self.draft, key, &now.to_string());
        if text.is_empty() { None } else { self.value(key, text, code) }
    }

    /// A whole number as it stands, within bounds.
    pub fn number(&mut self, key: &'static str, now: impl Display, min: u64, max: u64) -> Option<u64> {
        let text = stands(self.draft, key, &now.to_string());
        let value = text.parse().ok().filter(|value| (min..=max).contains(value));
        if value.is_none() {
            self.refuse(key, range(min, max));
        }
        value
    }

    /// A whole number that may be left out.
    pub fn number_or_none(&mut self, key: &'static str, now: impl Display, min: u64, max: u64) -> Option<u64> {
        let text = stands(self.draft, key, &now.to_string());
        if text.is_empty() { None } else { self.number(key, text, min, max) }
    }

    /// A number with decimals that was changed, in units of which `scale` make one; bounds in these units.
    pub fn scaled(&mut self, key: &'static str, now: &str, scale: u32, (min, max): (u64, u64)) -> Option<u64> {
        let text = self.changed(key, now)?;
        let value = parse_scaled(text, scale).filter(|value| (min..=max).contains(value));
        if value.is_none() {
            let bound = |value| print_scaled(value, scale);
            self.refuse(key, UserError::new("edit-range").with("min", bound(min)).with("max", bound(max)));
        }
        value
    }

    /// Addresses between commas or spaces, as they stand.
    pub fn addresses(&mut self, key: &'static str, now: &str) -> Vec<Ipv4Addr> {
        let text = stands(self.draft, key, now);
        let mut found = Vec::new();
        for word in text.split([',', ' ', '\n']).filter(|word| !word.is_empty()) {
            match word.parse() {
                Ok(addr) => found.push(addr),
                Err(_) => self.refuse(key, UserError::new("edit-address").with("text", word)),
            }
        }
        found
    }

    /// Lines as they stand, each read by `read`; the first that cannot be read is named.
    pub fn lines<T>(&mut self, key: &'static str, now: &str, code: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let text = stands(self.draft, key, now);
        let mut found = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match read(line.trim()) {
                Some(value) => found.push(value),
                None => {
                    let number: u32 = number;
                    self.refuse(key, UserError::new(code).with("line", number).with("text", line.trim()));
                    break;
                }
            }
        }
        found
    }

    /// A switch that was turned.
    pub fn turned(&self, key: &'static str, now: bool) -> Option<bool> {
        let on = !self.draft.get(key)?.is_empty();
        (on != now).then_some(on)
    }

    pub fn refuse(&mut self, key: &'static str, error: UserError) {
        if self.wrong.iter().all(|(other, _)| *other != key) {
            self.wrong.push((key, error));
        }
    }

    /// What comes of it: nothing to do where something is wrong.
    pub fn finish(self, change: Change) -> Change {
        if self.wrong.is_empty() { change } else { Change { wrong: self.wrong, ..Change::default() } }
    }
}

pub(super) fn range(min: impl Display, max: impl Display) -> UserError {
    UserError::new("edit-range").with("min", min).with("max", max)
}

/// The value of a field as it stands: typed, else in force.
pub(super) fn stands(draft: &Draft, key: &'static str, now: &str) -> String {
    draft.get(key).map_or(now, |text| text.trim()).to_owned()
}

/// `on` or nothing: the value of a check box.
pub(super) const fn check(on: bool) -> &'static str {
    if on { "on" } else { "" }
}

/// A number that may be none.
pub(super) fn or_empty(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A number with decimals, in units of which `scale` (a power of ten) make one. Russians write a comma.
fn parse_scaled(text: &str, scale: u32) -> Option<u64> {
    let text = text.replace(',', ".");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digits = scale.ilog10() as usize;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty())
        || decimals.len() > digits
        || !all_digits(whole)
        || !all_digits(decimals)
    {
        return None;
    }
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
    let rest = number(&format!("{decimals:0<digits$}"))?;
    number(whole)?.checked_mul(u64::from(scale))?.checked_add(rest)
}

/// The other way round, without needless zeros.
pub(super) fn print_scaled(value: u64, scale: u32) -> String {
    let (whole, rest) = (value / u64::from(scale), value % u64::from(scale));
    let digits = scale.ilog10() as usize;
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(value in 0_u64..1_000_000_000_000, digits in 1_u32..7) {
            let scale = 10_u32.pow(digits);
            prop_assert_eq!(parse_scaled(&print_scaled(value, scale), scale), Some(value));
            prop_assert_eq!(parse_scaled(&print_scaled(value, scale).replace('.', ","), scale), Some(value));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,12}") {
            let _ = parse_scaled(&text, 1_000);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "-1", "1e3", "1.2345", "0x5", "1.2.3", "١"] {
            assert_eq!(parse_scaled(text, 1_000), None, "{text}");
        }
        assert_eq!(parse_scaled(".5", 1_000), Some(500));
    }
}
