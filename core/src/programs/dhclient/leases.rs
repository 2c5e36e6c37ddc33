//! The lease file, dhclient.leases(5): what the client remembers from one start to the next.

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::super::Kernel;
use crate::dhcp::{BoundLease, option};
use crate::time::SimTime;

/// Lab time 0 in these files: 2026-01-01 00:00:00 UTC, a Thursday, as in capture files.
pub(crate) const EPOCH_DAY: u64 = 20_454;
/// Options that concern the exchange, not the lease.
const NOT_KEPT: [u8; 3] = [option::OVERLOAD, option::CLIENT_IDENTIFIER, option::HOST_NAME];

/// How a lease begins.
const BLOCK: &str = "lease {";
/// Leases that are appended before the file is written anew (client/dhclient.c `write_client_lease`: 20).
const LEASES_MAX: usize = 20;

/// A lease as the file knows it.
pub(super) struct Remembered {
    pub addr: Ipv4Addr,
    pub server: Ipv4Addr,
    pub expires: SimTime,
}

/// Adds a lease at the file's end, as the real one does.
pub(super) fn append(kernel: &mut dyn Kernel, path: &str, iface: &str, lease: &BoundLease) {
    let mut text = kernel.read_file(path).unwrap_or_default();
    if text.matches(BLOCK).count() >= LEASES_MAX {
        text = newest(&text);
    }
    let _ = write!(text, "lease {{\n  interface \"{iface}\";\n  fixed-address {};\n", lease.cidr.addr);
    for (code, value) in lease.ack.options.iter().filter(|(code, _)| !NOT_KEPT.contains(code)) {
        let _ = writeln!(text, "  option {} {};", option::name(*code), option::print(*code, value));
    }
    for (name, at) in [("renew", lease.renew_at), ("rebind", lease.rebind_at), ("expire", lease.expires)] {
        let _ = writeln!(text, "  {name} {};", date(at));
    }
    text.push_str("}\n");
    let _ = kernel.write_file(path, text);
}

/// The file with one lease for each interface: its last.
fn newest(text: &str) -> String {
    let iface = |block: &&str| block.lines().find(|line| line.trim().starts_with("interface ")).map(str::to_owned);
    let blocks: Vec<&str> = text.split(BLOCK).skip(1).collect();
    let last: BTreeMap<_, _> = blocks.iter().map(|block| (iface(block), *block)).collect();
    last.values().flat_map(|block| [BLOCK, block]).collect()
}

/// The last lease of an interface.
pub(super) fn last(kernel: &dyn Kernel, path: &str, iface: &str) -> Option<Remembered> {
    let text = kernel.read_file(path).ok()?;
    let wanted = format!("interface \"{iface}\";");
    let block = text.rsplit(BLOCK).find(|block| block.contains(&wanted))?;
    let value = |name: &str| {
        block.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_suffix(';').map(str::to_owned))
    };
    Some(Remembered {
        addr: value("fixed-address")?.parse().ok()?,
        server: value("option dhcp-server-identifier")?.parse().ok()?,
        expires: parse_date(&value("expire")?)?,
    })
}

/// `W YYYY/MM/DD HH:MM:SS`, in UTC; W is the day of the week, 0 for Sunday.
fn date(at: SimTime) -> String {
    let secs = at.as_secs();
    let day = EPOCH_DAY + secs / 86_400;
    let (year, month, mday) = civil(day);
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{} {year:04}/{month:02}/{mday:02} {hour:02}:{minute:02}:{second:02}", (day + 4) % 7)
}

fn parse_date(text: &str) -> Option<SimTime> {
    let mut words = text.split_whitespace().skip(1);
    let mut ymd = words.next()?.split('/').map(|part| part.parse::<u64>().ok());
    let (year, month, mday) = (ymd.next()??, ymd.next()??, ymd.next()??);
    let mut hms = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (hms.next()??, hms.next()??, hms.next()??);
    let days = days_from_civil(year, month, mday)?.checked_sub(EPOCH_DAY)?;
    Some(SimTime::from_secs(days.checked_mul(86_400)?.checked_add(hour * 3600 + minute * 60 + second)?))
}

/// Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian, eras of 400 years).
pub(crate) fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (era, doe) = (shifted / 146_097, shifted % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn days_from_civil(year: u64, month: u64, mday: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&mday) {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let (era, yoe) = (year / 400, year % 400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + mday - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    Some(era * 146_097 + doe - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_interface_the_newest_lease_stays() {
        let block =
            |iface: &str, addr: &str| format!("lease {{\n  interface \"{iface}\";\n  fixed-address {addr};\n}}\n");
        let text = [block("a", "1"), block("b", "2"), block("a", "3")].concat();
        assert_eq!(newest(&text), block("a", "3") + &block("b", "2"));
        assert_eq!(newest(""), "");
    }

    #[test]
    fn dates_are_written_and_read_back() {
        assert_eq!(date(SimTime::ZERO), "4 2026/01/01 00:00:00");
        for secs in [0, 59, 86_399, 604_800, 58 * 86_400 + 1, 800 * 86_400] {
            let at = SimTime::from_secs(secs);
            assert_eq!(parse_date(&date(at)), Some(at), "{}", date(at));
        }
        assert_eq!(parse_date("never"), None);
        assert_eq!(parse_date("4 9999999999999/01/01 00:00:00"), None);
    }
}
