//! traceroute's words, as its own parser (CLIF of traceroute 2.1.2) reads and refuses them. Pure: words in, options or
//! complaint out. Names of hosts are looked up later.

use core::net::Ipv4Addr;
use core::time::Duration;

/// traceroute.c `MAX_HOPS`.
const HOPS_MAX: u32 = 255;
/// traceroute.c `MAX_PROBES`.
const PROBES_MAX: u32 = 10;
/// traceroute.c `MAX_PACKET_LEN`.
const PACKET_LEN_MAX: i64 = 65_000;
/// IPv4 and UDP or ICMP header.
const HEADERS: i64 = 28;

const USAGE: &str = include_str!("usage.txt");
const VERSION: &str =
    "Modern traceroute for Linux, version 2.1.2\nCopyright (c) 2016  Dmitry Butskoy,   License: GPL v2 or any later\n";

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// UDP, each probe to the next port.
    Default,
    /// UDP to one port.
    Udp,
    /// Echo requests.
    Icmp,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub method: Method,
    pub dont_fragment: bool,
    pub numeric: bool,
    pub first_hop: u32,
    pub max_hops: u32,
    pub queries: u32,
    pub at_once: u32,
    /// First UDP port, or first sequence number.
    pub port: Option<u16>,
    pub source_port: Option<u16>,
    pub source: Option<Ipv4Addr>,
    pub device: Option<String>,
    /// Longest wait for a probe, in microseconds.
    pub wait_us: u64,
    /// How many times longer than an answer from the same hop, in millionths.
    pub here: u64,
    /// How many times longer than an answer from a later hop, in millionths.
    pub near: u64,
    pub send_wait: Duration,
    /// Bytes after the UDP or ICMP header.
    pub data_len: usize,
    pub host: String,
    /// Number of the host's word, for the complaint about it.
    pub host_word: usize,
}

/// Words that end the program at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub text: String,
    pub status: i32,
    pub on_stdout: bool,
}

fn refused(text: impl Into<String>) -> Refused {
    Refused { text: text.into() + "\n", status: 2, on_stdout: false }
}

/// Options with a value: letter, long name, what the value is called.
const WITH_VALUE: &[(char, &str, &str)] = &[
    ('f', "first", "first_ttl"),
    ('g', "gateway", "gate,..."),
    ('i', "interface", "device"),
    ('m', "max-hops", "max_ttl"),
    ('N', "sim-queries", "squeries"),
    ('p', "port", "port"),
    ('t', "tos", "tos"),
    ('l', "flowlabel", "flow_label"),
    ('w', "wait", "MAX,HERE,NEAR"),
    ('q', "queries", "nqueries"),
    ('s', "source", "src_addr"),
    ('z', "sendwait", "sendwait"),
    ('M', "module", "name"),
    ('O', "options", "OPTS,..."),
    ('P', "protocol", "prot"),
    ('\u{1}', "sport", "num"),
    ('\u{2}', "fwmark", "num"),
];

/// Options without.
const FLAGS: &[(char, &str)] = &[
    ('4', ""),
    ('6', ""),
    ('d', "debug"),
    ('F', "dont-fragment"),
    ('I', "icmp"),
    ('T', "tcp"),
    ('n', ""),
    ('r', ""),
    ('e', "extensions"),
    ('A', "as-path-lookups"),
    ('U', "udp"),
    ('D', "dccp"),
    ('V', "version"),
    ('\u{1}', "mtu"),
    ('\u{2}', "back"),
    ('\u{3}', "help"),
];

/// A number as CLIF_set_uint takes it from strtoul(3): any base, wrapped.
fn uint(text: &str) -> Option<u32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()? as u32;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// A decimal number in millionths.
fn millionths(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(i64::MAX) };
    let fraction = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    let fraction = fraction.fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    Some(sign * whole.min(1_000_000_000).saturating_mul(1_000_000).saturating_add(fraction))
}

/// Millionths as printf's `%g` writes them.
fn general(millionths: i64) -> String {
    let (sign, value) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    let text = format!("{sign}{}.{:06}", value / 1_000_000, value % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Reader {
    options: Options,
    wait: [i64; 3],
    send_wait: i64,
    packet_len: i64,
    /// Words that are no options, with their place on the line.
    operands: Vec<(usize, String)>,
}

impl Options {
    /// Reads the words after the command's name.
    pub(super) fn parse(words: &[String]) -> Result<Self, Refused> {
        if words.is_empty() {
            return Err(Refused { text: USAGE.to_owned(), status: 0, on_stdout: false });
        }
        let options = Self {
            method: Method::Default,
            dont_fragment: false,
            numeric: false,
            first_hop: 1,
            max_hops: 30,
            queries: 3,
            at_once: 16,
            port: None,
            source_port: None,
            source: None,
            device: None,
            wait_us: 0,
            here: 0,
            near: 0,
            send_wait: Duration::ZERO,
            data_len: 32,
            host: String::new(),
            host_word: 1,
        };
        let wait = [5_000_000, 3_000_000, 10_000_000];
        let mut reader = Reader { options, wait, send_wait: 0, packet_len: -1, operands: Vec::new() };
        reader.words(words)?;
        reader.finish()
    }
}

impl Reader {
    fn words(&mut self, words: &[String]) -> Result<(), Refused> {
        let mut at = 0;
        let mut only_operands = false;
        while let Some(word) = words.get(at) {
            at += 1;
            match word.strip_prefix('-').filter(|rest| !rest.is_empty() && !only_operands) {
                None => self.operand(word, at)?,
                Some("-") => only_operands = true,
                Some(rest) => match rest.strip_prefix('-') {
                    Some(long) => self.long(long, words, &mut at)?,
                    None => self.letters(rest, words, &mut at)?,
                },
            }
        }
        Ok(())
    }

    fn operand(&mut self, word: &str, at: usize) -> Result<(), Refused> {
        self.operands.push((at, word.to_owned()));
        match self.operands.len() {
            1 => {
                (self.options.host, self.options.host_word) = (word.to_owned(), at);
                Ok(())
            }
            2 => {
                let bad =
                    || refused(format!("Cannot handle \"packetlen\" cmdline arg `{word}' on position 2 (argc {at})"));
                self.packet_len = i64::from(uint(word).ok_or_else(bad)?.cast_signed());
                Ok(())
            }
            position => Err(refused(format!("Extra arg `{word}' (position {position}, argc {at})"))),
        }
    }

    fn long(&mut self, text: &str, words: &[String], at: &mut usize) -> Result<(), Refused> {
        let argc = *at;
        let (name, inline) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        if let Some((letter, _, what)) = WITH_VALUE.iter().find(|(_, long, _)| *long == name) {
            let Some(value) = inline else {
                return Err(refused(format!(
                    "Option `--{name}' (argc {argc}) requires an argument: `--{name}={what}'"
                )));
            };
            return self.value(*letter, &format!("--{name}"), value, argc);
        }
        let flag = FLAGS.iter().find(|(_, long)| {
            // Of all options only this one may be shortened (CLIF_ABBREV).
            !name.is_empty() && (*long == name || (*long == "extensions" && long.starts_with(name)))
        });
        match (flag, inline) {
            (Some((letter, long)), None) => self.flag(*letter, &format!("--{long}")),
            (_, Some(value)) => Err(refused(format!("Bad option `--{text}' (with arg `{value}') (argc {argc})"))),
            (None, None) => {
                let _ = words;
                Err(refused(format!("Bad option `--{text}' (argc {argc})")))
            }
        }
    }

    fn letters(&mut self, letters: &str, words: &[String], at: &mut usize) -> Result<(), Refused> {
        if letters == "UL" {
            return Err(unavailable("-UL"));
        }
        for (place, letter) in letters.char_indices() {
            if FLAGS.iter().any(|(flag, _)| *flag == letter && letter >= ' ') {
                self.flag(letter, &format!("-{letter}"))?;
                continue;
            }
            let Some((_, _, what)) = WITH_VALUE.iter().find(|(other, _, _)| *other == letter && letter >= ' ') else {
                return Err(refused(format!("Bad option `-{letter}' (argc {at})")));
            };
            let inline = letters.get(place + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            let value = match inline {
                Some(value) => value,
                None => match words.get(*at) {
                    Some(value) => {
                        *at += 1;
                        value
                    }
                    None => {
                        let text = format!("Option `-{letter}' (argc {at}) requires an argument: `-{letter} {what}'");
                        return Err(refused(text));
                    }
                },
            };
            return self.value(letter, &format!("-{letter}"), value, *at);
        }
        Ok(())
    }

    fn flag(&mut self, letter: char, shown: &str) -> Result<(), Refused> {
        match letter {
            'F' => self.options.dont_fragment = true,
            'I' => self.options.method = Method::Icmp,
            'U' => self.options.method = Method::Udp,
            'n' => self.options.numeric = true,
            // There are no extensions to ICMP messages here, so that `-e` shows none.
            '4' | 'd' | 'e' => {}
            'V' => return Err(Refused { text: VERSION.to_owned(), status: 0, on_stdout: true }),
            '\u{3}' => return Err(Refused { text: USAGE.to_owned(), status: 0, on_stdout: false }),
            _ => return Err(unavailable(shown)),
        }
        Ok(())
    }

    fn value(&mut self, letter: char, shown: &str, value: &str, argc: usize) -> Result<(), Refused> {
        let bad = || refused(format!("Cannot handle `{shown}' option with arg `{value}' (argc {argc})"));
        let number = || uint(value).ok_or_else(bad);
        match letter {
            'f' => self.options.first_hop = number()?,
            'm' => self.options.max_hops = number()?,
            'q' => self.options.queries = number()?,
            'N' => self.options.at_once = number()?,
            'p' => self.options.port = Some(number()? as u16),
            '\u{1}' => self.options.source_port = Some(number()? as u16),
            'i' => self.options.device = Some(value.to_owned()),
            'w' => {
                self.wait = [0; 3];
                for (at, part) in value.split(',').enumerate() {
                    *self.wait.get_mut(at).ok_or_else(bad)? = millionths(part).ok_or_else(bad)?;
                }
            }
            'z' => self.send_wait = millionths(value).ok_or_else(bad)?,
            's' => {
                let unknown = || refused(format!("{value}: Name or service not known\n{}", bad().text.trim_end()));
                self.options.source = Some(value.parse().map_err(|_| unknown())?);
            }
            'M' => match value {
                "default" => self.options.method = Method::Default,
                "udp" => self.options.method = Method::Udp,
                "icmp" => self.options.method = Method::Icmp,
                "tcp" | "tcpconn" | "raw" | "udplite" | "dccp" => return Err(unavailable(&format!("-M {value}"))),
                _ => return Err(refused(format!("Unknown traceroute module {value}"))),
            },
            _ => return Err(unavailable(shown)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Options, Refused> {
        if self.operands.is_empty() {
            return Err(refused("Specify \"host\" missing argument."));
        }
        let mut options = self.options;
        if options.first_hop == 0 || options.first_hop > options.max_hops {
            return Err(refused("first hop out of range"));
        }
        if options.max_hops > HOPS_MAX {
            return Err(refused(format!("max hops cannot be more than {HOPS_MAX}")));
        }
        if options.queries == 0 || options.queries > PROBES_MAX {
            return Err(refused(format!("no more than {PROBES_MAX} probes per hop")));
        }
        if self.wait.iter().any(|part| *part < 0) {
            let [wait, here, near] = self.wait.map(general);
            return Err(refused(format!("bad wait specifications `{wait},{here},{near}' used")));
        }
        if self.packet_len > PACKET_LEN_MAX {
            return Err(refused(format!("too big packetlen {} specified", self.packet_len)));
        }
        if self.send_wait < 0 {
            return Err(refused(format!("bad sendtime `{}' specified", general(self.send_wait))));
        }
        // Ten and more are milliseconds (traceroute.c `main`).
        if self.send_wait >= 10_000_000 {
            self.send_wait /= 1_000;
        }
        options.send_wait = Duration::from_micros(self.send_wait.unsigned_abs());
        if options.source_port.is_some() {
            (options.at_once, self.wait[1], self.wait[2]) = (1, 0, 0);
        }
        [options.wait_us, options.here, options.near] = self.wait.map(i64::unsigned_abs);
        if self.packet_len >= 0 {
            options.data_len = usize::try_from(self.packet_len - HEADERS).unwrap_or(0);
        }
        Ok(options)
    }
}

fn unavailable(option: &str) -> Refused {
    refused(format!("traceroute: the option \"{option}\" is not available in this lab"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Options, Refused> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn values_may_be_joined_and_options_may_follow_the_host() {
        let options = parse("-nq1 8.8.8.8 -m 0x4 -w 2,1.5 --first=2 -z 20").unwrap();
        assert_eq!((options.numeric, options.queries, options.max_hops, options.first_hop), (true, 1, 4, 2));
        assert_eq!((options.wait_us, options.here, options.near), (2_000_000, 1_500_000, 0));
        assert_eq!(options.send_wait, Duration::from_millis(20));
        assert_eq!((options.host.as_str(), options.data_len), ("8.8.8.8", 32));
        assert_eq!(parse("8.8.8.8 20").unwrap().data_len, 0);
        assert_eq!(parse("8.8.8.8 1500").unwrap().data_len, 1_472);
    }

    #[test]
    fn wrong_words_are_refused_in_the_real_words() {
        for (line, text) in [
            ("-n", "Specify \"host\" missing argument."),
            ("-w x y", "Cannot handle `-w' option with arg `x' (argc 2)"),
            ("-w 3,2,1,1 h", "Cannot handle `-w' option with arg `3,2,1,1' (argc 2)"),
            ("-q=3 h", "Cannot handle `-q' option with arg `=3' (argc 1)"),
            ("-max 3 h", "Cannot handle `-m' option with arg `ax' (argc 1)"),
            ("-m", "Option `-m' (argc 1) requires an argument: `-m max_ttl'"),
            ("--max-hops 3 h", "Option `--max-hops' (argc 1) requires an argument: `--max-hops=max_ttl'"),
            ("-Z", "Bad option `-Z' (argc 1)"),
            ("-nX h", "Bad option `-X' (argc 1)"),
            ("h -5", "Bad option `-5' (argc 2)"),
            ("--foo h", "Bad option `--foo' (argc 1)"),
            ("--quer=2 h", "Bad option `--quer=2' (with arg `2') (argc 1)"),
            ("--icmp=3 h", "Bad option `--icmp=3' (with arg `3') (argc 1)"),
            ("1.1.1.1 70000", "too big packetlen 70000 specified"),
            ("1.1.1.1 abc", "Cannot handle \"packetlen\" cmdline arg `abc' on position 2 (argc 2)"),
            ("1.1.1.1 1 2", "Extra arg `2' (position 3, argc 3)"),
            ("-f 31 h", "first hop out of range"),
            ("-m 0 h", "first hop out of range"),
            ("-m 256 h", "max hops cannot be more than 255"),
            ("-q 11 h", "no more than 10 probes per hop"),
            ("-q -3 h", "no more than 10 probes per hop"),
            ("-w -1 h", "bad wait specifications `-1,0,0' used"),
            ("-z -1 h", "bad sendtime `-1' specified"),
            ("-M foo h", "Unknown traceroute module foo"),
        ] {
            assert_eq!(parse(line).unwrap_err(), refused(text), "{line}");
        }
        assert_eq!(parse("").unwrap_err().status, 0);
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(words in proptest::collection::vec("-{0,2}[a-zA-Z0-9=.,é-]{0,8}", 0..5)) {
            let _ = Options::parse(&words);
        }
    }
}
