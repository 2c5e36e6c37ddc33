//! Dates as ISC's lease files write them.

use crate::time::SimTime;

/// Lab time 0 in these files: 2026-01-01 00:00:00 UTC, a Thursday, as in capture files.
pub(crate) const EPOCH_DAY: u64 = 20_454;

/// `W YYYY/MM/DD HH:MM:SS`, in UTC; W is the day of the week, 0 for Sunday.
pub(crate) fn date(at: SimTime) -> String {
    let secs = at.as_secs();
    let day = EPOCH_DAY + secs / 86_400;
    let (year, month, mday) = civil(day);
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{} {year:04}/{month:02}/{mday:02} {hour:02}:{minute:02}:{second:02}", (day + 4) % 7)
}

/// What [`date`] wrote.
pub(crate) fn parse_date(text: &str) -> Option<SimTime> {
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
