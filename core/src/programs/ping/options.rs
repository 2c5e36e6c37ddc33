//! The options of ping, and what it says of wrong ones.

use core::time::Duration;

use crate::programs::PathMtu;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub count: Option<u64>,
    pub interval: Duration,
    pub payload: usize,
    pub ttl: Option<u8>,
    pub linger: Duration,
    pub deadline: Option<Duration>,
    pub numeric: bool,
    pub quiet: bool,
    pub iface: Option<String>,
    pub path_mtu: PathMtu,
    pub target: String,
}

/// Words for standard error (or output, for usage), and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub text: String,
    pub status: i32,
}

const USAGE: &str = "
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -c <count>         stop after <count> replies
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -t <ttl>           define time to live
  -W <timeout>       time to wait for response
  -w <deadline>      reply wait <deadline> in seconds

IPv4 options:
  -4                 use IPv4

For more details see ping(8).
";

fn refused(text: String, status: i32) -> Refused {
    Refused { text, status }
}

fn number(text: &str, min: i64, max: i64) -> Result<i64, Refused> {
    let value: i64 = text.parse().map_err(|_| refused(format!("ping: invalid argument: '{text}'\n"), 1))?;
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(refused(format!("ping: invalid argument: '{text}': out of range: {min} <= value <= {max}\n"), 1))
    }
}

/// Seconds with a fraction, in microseconds.
fn seconds(text: &str) -> Result<Duration, Refused> {
    let bad = || refused(format!("ping: invalid argument: '{text}'\n"), 1);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(bad());
    }
    let secs: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
    let micros: u64 = format!("{:0<6}", fraction.chars().take(6).collect::<String>()).parse().map_err(|_| bad())?;
    Ok(Duration::from_secs(secs.min(i32::MAX as u64)) + Duration::from_micros(micros))
}

impl Options {
    /// Reads the words after the command's name.
    pub(super) fn parse(words: &[String]) -> Result<Self, Refused> {
        let mut options = Self {
            count: None,
            interval: Duration::from_secs(1),
            payload: 56,
            ttl: None,
            linger: Duration::from_secs(10),
            deadline: None,
            numeric: false,
            quiet: false,
            iface: None,
            path_mtu: PathMtu::Want,
            target: String::new(),
        };
        let mut words = words.iter();
        let mut targets = Vec::new();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                targets.push(word.clone());
                continue;
            };
            options.letters(letters, &mut words)?;
        }
        match targets.pop() {
            Some(target) => Ok(Self { target, ..options }),
            None => Err(refused("ping: usage error: Destination address required\n".to_owned(), 1)),
        }
    }

    /// One word of option letters; the value of the last may be in it or in the next word.
    fn letters(&mut self, letters: &str, words: &mut core::slice::Iter<'_, String>) -> Result<(), Refused> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            match letter {
                'n' => self.numeric = true,
                'q' => self.quiet = true,
                '4' | 'D' | 'v' | 'O' => {}
                'c' | 'i' | 's' | 't' | 'W' | 'w' | 'I' | 'M' => {
                    let inline: String = rest.by_ref().collect();
                    let value = if inline.is_empty() { words.next().cloned() } else { Some(inline) };
                    let Some(value) = value else {
                        let text = format!("ping: option requires an argument -- '{letter}'\n{USAGE}");
                        return Err(refused(text, 2));
                    };
                    self.value(letter, value)?;
                }
                _ => return Err(refused(format!("ping: invalid option -- '{letter}'\n{USAGE}"), 2)),
            }
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: String) -> Result<(), Refused> {
        match letter {
            'c' => self.count = Some(number(&value, 1, i64::MAX)? as u64),
            's' => self.payload = number(&value, 0, 65_507 + 20)? as usize,
            't' => self.ttl = Some(number(&value, 0, 255)? as u8),
            'i' => self.interval = seconds(&value)?.max(Duration::from_millis(2)),
            'W' => self.linger = seconds(&value)?,
            'w' => self.deadline = Some(Duration::from_secs(number(&value, 0, i64::from(i32::MAX))? as u64)),
            'I' => self.iface = Some(value),
            _ => match value.as_str() {
                "do" => self.path_mtu = PathMtu::Do,
                "want" => self.path_mtu = PathMtu::Want,
                "dont" => self.path_mtu = PathMtu::Dont,
                _ => return Err(refused(format!("ping: invalid -M argument: {value}\n"), 2)),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Result<Options, Refused> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn letters_may_stand_together_and_values_with_or_without_a_space() {
        let options = parse("-nc3 -i .2 8.8.8.8 -s 100").unwrap();
        assert_eq!((options.numeric, options.count, options.payload), (true, Some(3), 100));
        assert_eq!(options.interval, Duration::from_millis(200));
    }

    #[test]
    fn wrong_values_are_refused_in_the_real_words() {
        assert_eq!(parse("-c x 1.1.1.1").unwrap_err().text, "ping: invalid argument: 'x'\n");
        let range = "ping: invalid argument: '300': out of range: 0 <= value <= 255\n";
        assert_eq!(parse("-t 300 1.1.1.1").unwrap_err().text, range);
        assert_eq!(parse("").unwrap_err().text, "ping: usage error: Destination address required\n");
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,12}", 0..5)) {
            let _ = Options::parse(&words);
        }
    }
}
