//! Numbers as the page writes them. Words come from [`crate::i18n`].

use netmodes_core::time::SimTime;

/// A thin space: parts milliseconds from microseconds without breaking the number for a reader.
const THIN: char = '\u{2009}';

/// Lab time as a clock: `00:12.481 306`, with hours and days when there are any.
pub fn clock(time: SimTime) -> String {
    let micros = time.as_micros() % 1_000_000;
    let secs = time.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    let tail = format!("{minutes:02}:{:02}.{:03}{THIN}{:03}", secs % 60, micros / 1_000, micros % 1_000);
    match (days, hours) {
        (0, 0) => tail,
        (0, hours) => format!("{hours}:{tail}"),
        (days, hours) => format!("{days}d {hours:02}:{tail}"),
    }
}

/// Lab time in a list: `12.481 306`.
pub fn instant(time: SimTime) -> String {
    let micros = time.as_micros() % 1_000_000;
    format!("{}.{:03}{THIN}{:03}", time.as_secs(), micros / 1_000, micros % 1_000)
}

/// Lab time in a narrow column: as [`instant`], from ten thousand seconds on as a clock to the second.
pub fn row_time(time: SimTime) -> String {
    let secs = time.as_secs();
    let (days, hours, minutes, secs) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    match (days, time.as_secs()) {
        (0, 0..10_000) => instant(time),
        (0, _) => format!("{hours}:{minutes:02}:{secs:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}:{secs:02}"),
    }
}

/// The most telling words of a frame's line, which is tcpdump's English: `echo request 10.0.2.15 → 8.8.8.8, seq 1` is
/// `request 10.0.2.15 → 8.8.8.8`, `who-has 10.0.2.2 tell 10.0.2.15` is `who-has 10.0.2.2`.
pub fn short(line: &str) -> &str {
    let line = line.strip_prefix("echo ").unwrap_or(line);
    let line = line.split(", seq ").next().unwrap_or(line);
    if line.starts_with("who-has ") { line.split(" tell ").next().unwrap_or(line) } else { line }
}

/// What is left until `until`: `6 d 23 h`, `4 min 09 s`, `12 s`; `0 s` when it is over. `units` are the words for
/// days, hours, minutes and seconds.
pub fn left(until: SimTime, now: SimTime, units: &[&str; 4]) -> String {
    let secs = until.since(now).as_secs();
    let [d, h, m, s] = units;
    match secs {
        86_400.. => format!("{} {d} {} {h}", secs / 86_400, secs / 3_600 % 24),
        3_600.. => format!("{} {h} {:02} {m}", secs / 3_600, secs / 60 % 60),
        60.. => format!("{} {m} {:02} {s}", secs / 60, secs % 60),
        _ => format!("{secs} {s}"),
    }
}

/// Speed against the wall's clock: `× 1/500`, `× 1`, `× 10`.
pub fn speed(ppm: u64) -> String {
    match ppm {
        0 => "× 0".to_owned(),
        1..1_000_000 => format!("× 1/{}", (1_000_000 + ppm / 2) / ppm),
        _ => format!("× {}", ppm / 1_000_000),
    }
}

/// A byte as two hexadecimal digits.
pub fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

/// A byte as the character a hex dump shows.
pub fn ascii(byte: u8) -> char {
    if byte == b' ' || byte.is_ascii_graphic() { char::from(byte) } else { '·' }
}

/// Wall-clock time of day: `14:05:09`, from minutes and seconds of the local clock.
pub fn time_of_day(hours: u32, minutes: u32, seconds: u32) -> String {
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_grows_with_time() {
        assert_eq!(clock(SimTime::from_micros(12_481_306)), "00:12.481\u{2009}306");
        assert_eq!(clock(SimTime::from_secs(3_600)), "1:00:00.000\u{2009}000");
        assert_eq!(clock(SimTime::from_secs(90_061)), "1d 01:01:01.000\u{2009}000");
    }

    #[test]
    fn what_is_left_has_two_units() {
        let left = |secs| super::left(SimTime::from_secs(secs), SimTime::ZERO, &["d", "h", "min", "s"]);
        assert_eq!(left(604_799), "6 d 23 h");
        assert_eq!(left(249), "4 min 09 s");
        assert_eq!(left(0), "0 s");
    }

    #[test]
    fn late_frames_fit_the_column() {
        assert_eq!(row_time(SimTime::from_micros(12_481_306)), "12.481\u{2009}306");
        assert_eq!(row_time(SimTime::from_secs(10_000)), "2:46:40");
        assert_eq!(row_time(SimTime::from_secs(302_402)), "3d 12:00:02");
    }

    #[test]
    fn short_lines_keep_the_addresses() {
        assert_eq!(short("echo reply 8.8.8.8 → 10.0.2.15, seq 1"), "reply 8.8.8.8 → 10.0.2.15");
        assert_eq!(short("who-has 10.0.2.2 tell 10.0.2.15"), "who-has 10.0.2.2");
        assert_eq!(short("DISCOVER"), "DISCOVER");
    }

    #[test]
    fn speeds_read_as_fractions() {
        assert_eq!(speed(2_000), "× 1/500");
        assert_eq!(speed(1_000_000), "× 1");
        assert_eq!(speed(1_000_000_000), "× 1000");
    }
}
