//! Options of `ss`: what getopt_long takes, which tables and states they choose (misc/ss.c, `main` and `filter_*`).

use super::SsError;
use super::filter::{self, Filter};
use crate::view::{SocketKind, SocketRow, SocketState};

const USAGE: &str = include_str!("usage.txt");

/// Tables of sockets that can be asked for.
const TCP: u16 = 1;
const UDP: u16 = 1 << 1;
const RAW: u16 = 1 << 2;
/// Packet sockets are two tables (raw and datagram), Unix sockets three, and there are more that this lab has not.
const PACKET: u16 = 3 << 3;
const UNIX: u16 = 7 << 5;
const OTHERS: u16 = 1 << 8;
const ALL_TABLES: u16 = TCP | UDP | RAW | PACKET | UNIX | OTHERS;
const INET: u16 = TCP | UDP | RAW | OTHERS;

/// Sets of states, bit 0 for the first of [`SocketState::ALL`].
type States = u16;

const fn bit(state: SocketState) -> States {
    1 << state as u16
}

const ALL: States = (1 << 11) - 1;
const CLOSED: States = bit(SocketState::Unconnected);
const LISTEN: States = bit(SocketState::Listen);
/// What is shown without `-a`: neither listeners nor the unconnected, nor what is only half a socket.
const CONNECTED: States = ALL & !(LISTEN | CLOSED | bit(SocketState::TimeWait) | bit(SocketState::SynRecv));
const ESTABLISHED: States = bit(SocketState::Established);

/// What an invocation of `ss` asks for.
#[derive(Clone, Debug)]
pub struct SsOptions {
    /// `-n`: no names of services.
    pub numeric: bool,
    /// `-r`: names of machines.
    pub resolve_hosts: bool,
    /// `-p`: who holds a socket.
    pub processes: bool,
    /// `-e`: user and identity.
    pub extended: bool,
    /// `-s`: totals.
    pub summary: bool,
    /// Without `-H`: a line of headings.
    pub header: bool,
    tables: u16,
    states: States,
    v4: bool,
    v6: bool,
    filter: Option<Filter>,
    tables_named: bool,
}

impl SsOptions {
    /// Whether a row is shown.
    pub fn takes(&self, row: &SocketRow) -> bool {
        let table = match row.kind {
            SocketKind::Tcp => TCP,
            SocketKind::Udp => UDP,
            SocketKind::Raw => RAW,
            SocketKind::PRaw => PACKET,
        };
        let family = row.kind == SocketKind::PRaw || if row.v6 { self.v6 } else { self.v4 };
        self.tables & table != 0
            && self.states & bit(row.state) != 0
            && family
            && self.filter.as_ref().is_none_or(|filter| filter.takes(row))
    }

    /// The column `Netid`: only when more than one table is asked for.
    pub fn shows_netid(&self) -> bool {
        !self.tables.is_power_of_two()
    }

    /// The column `State`: only when more than one state is.
    pub fn shows_state(&self) -> bool {
        !self.states.is_power_of_two()
    }

    /// With `-s`, rows are printed only when a table was named as well (`ss -s` alone, and `ss -as`, print totals).
    pub fn rows_wanted(&self) -> bool {
        !self.summary || self.tables_named
    }
}

/// What getopt has collected.
#[derive(Default)]
struct Draft {
    tables: u16,
    states_of_tables: States,
    states: States,
    v4: bool,
    v6: bool,
    numeric: bool,
    resolve_hosts: bool,
    processes: bool,
    extended: bool,
    summary: bool,
    no_header: bool,
}

fn fail(message: impl Into<String>, exit: i32) -> SsError {
    SsError { message: message.into(), to_stdout: false, exit }
}

/// A complaint with the usage text behind it.
fn fail_with_usage(message: &str) -> SsError {
    fail(format!("{message}\n{}", USAGE.trim_end_matches('\n')), 255)
}

fn missing(option: &str) -> SsError {
    fail(format!("ss: option {option} is not available in this lab"), 1)
}

/// Reads the arguments (without the command's name).
///
/// # Errors
/// What the real `ss` refuses, in its words; what this lab lacks; and help and version, which end it with 0.
pub fn parse(args: &[String]) -> Result<SsOptions, SsError> {
    let mut draft = Draft::default();
    let mut rest: Vec<&str> = Vec::new();
    let mut words = args.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            // getopt_long moves what is no option to the end.
            "--" => {
                rest.extend(words.by_ref());
            }
            long if long.starts_with("--") => draft.long(long, &mut words)?,
            short if short.len() > 1 && short.starts_with('-') => draft.short(short, &mut words)?,
            word => rest.push(word),
        }
    }
    draft.finish(&rest)
}

/// Long options and the letters they stand for.
const LONG: &[(&str, char)] = &[
    ("numeric", 'n'),
    ("resolve", 'r'),
    ("options", 'o'),
    ("extended", 'e'),
    ("memory", 'm'),
    ("info", 'i'),
    ("processes", 'p'),
    ("threads", 'T'),
    ("bpf", 'b'),
    ("events", 'E'),
    ("dccp", 'd'),
    ("tcp", 't'),
    ("sctp", 'S'),
    ("udp", 'u'),
    ("raw", 'w'),
    ("unix", 'x'),
    ("tipc", 'U'),
    ("vsock", 'U'),
    ("all", 'a'),
    ("listening", 'l'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("packet", '0'),
    ("family", 'f'),
    ("socket", 'A'),
    ("query", 'A'),
    ("summary", 's'),
    ("diag", 'D'),
    ("filter", 'F'),
    ("version", 'V'),
    ("help", 'h'),
    ("context", 'Z'),
    ("contexts", 'z'),
    ("net", 'N'),
    ("kill", 'K'),
    ("no-header", 'H'),
    ("mptcp", 'M'),
    ("oneline", 'O'),
];

/// Letters with a value.
const WITH_VALUE: &str = "fADFN";

impl Draft {
    fn long(&mut self, word: &str, words: &mut dyn Iterator<Item = &str>) -> Result<(), SsError> {
        let (name, value) = match word[2..].split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (&word[2..], None),
        };
        let exact = LONG.iter().find(|(long, _)| *long == name);
        let mut begun = LONG.iter().filter(|(long, _)| long.starts_with(name));
        let (first, second) = (begun.next(), begun.next());
        let found = exact.or(first.filter(|_| second.is_none()));
        let Some((long, letter)) = found else {
            let what = if first.is_some() { "is ambiguous" } else { "" };
            let message = if what.is_empty() {
                format!("ss: unrecognized option '--{name}'")
            } else {
                format!("ss: option '--{name}' {what}")
            };
            return Err(fail_with_usage(&message));
        };
        let value = if WITH_VALUE.contains(*letter) {
            let value = value.or_else(|| words.next());
            Some(value.ok_or_else(|| fail_with_usage(&format!("ss: option '--{long}' requires an argument")))?)
        } else {
            None
        };
        self.option(*letter, value)
    }

    fn short<'a>(&mut self, word: &'a str, words: &mut dyn Iterator<Item = &'a str>) -> Result<(), SsError> {
        let mut letters = word.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            if WITH_VALUE.contains(letter) {
                let value = Some(letters.as_str()).filter(|value| !value.is_empty()).or_else(|| words.next());
                let none = || fail_with_usage(&format!("ss: option requires an argument -- '{letter}'"));
                return self.option(letter, Some(value.ok_or_else(none)?));
            }
            self.option(letter, None)?;
        }
        Ok(())
    }

    fn table(&mut self, tables: u16, states: States) {
        self.tables |= tables;
        self.states_of_tables |= states;
    }

    fn option(&mut self, letter: char, value: Option<&str>) -> Result<(), SsError> {
        match letter {
            'n' => self.numeric = true,
            'r' => self.resolve_hosts = true,
            // Timers, memory and TCP's inside are not in rows: accepted, nothing to add.
            'o' | 'm' | 'i' | 'O' => {}
            'e' => self.extended = true,
            'p' => self.processes = true,
            't' => self.table(TCP, CONNECTED),
            'u' => self.table(UDP, ESTABLISHED),
            'w' => self.table(RAW, ESTABLISHED),
            'x' => self.table(UNIX, ESTABLISHED),
            '0' => self.table(PACKET, CLOSED),
            'a' => self.states = ALL,
            'l' => self.states = LISTEN | CLOSED,
            '4' => self.v4 = true,
            '6' => self.v6 = true,
            's' => self.summary = true,
            'H' => self.no_header = true,
            'f' => self.family(value.unwrap_or_default())?,
            'A' => {
                for name in value.unwrap_or_default().split(',') {
                    self.query(name)?;
                }
            }
            'V' => return Err(SsError { message: "ss utility, iproute2-6.1.0".to_owned(), to_stdout: true, exit: 0 }),
            'h' => {
                return Err(SsError { message: USAGE.trim_end_matches('\n').to_owned(), to_stdout: true, exit: 0 });
            }
            'Z' | 'z' => return Err(fail("ss: SELinux is not enabled.", 1)),
            'T' | 'b' | 'E' | 'd' | 'S' | 'M' | 'D' | 'F' | 'N' | 'K' | 'U' => {
                return Err(missing(&format!("-{letter}")));
            }
            other => return Err(fail_with_usage(&format!("ss: invalid option -- '{other}'"))),
        }
        Ok(())
    }

    fn family(&mut self, name: &str) -> Result<(), SsError> {
        match name {
            "inet" => self.v4 = true,
            "inet6" => self.v6 = true,
            "link" => self.table(PACKET, CLOSED),
            "unix" => self.table(UNIX, CONNECTED),
            "netlink" | "vsock" | "tipc" | "xdp" => return Err(missing(&format!("-f {name}"))),
            "help" => {
                return Err(SsError { message: USAGE.trim_end_matches('\n').to_owned(), to_stdout: true, exit: 0 });
            }
            _ => return Err(fail_with_usage(&format!("ss: \"{name}\" is invalid family"))),
        }
        Ok(())
    }

    fn query(&mut self, name: &str) -> Result<(), SsError> {
        match name {
            "all" => self.table(ALL_TABLES, CONNECTED | CLOSED),
            "inet" => self.table(INET, CONNECTED),
            "tcp" => self.table(TCP, CONNECTED),
            "udp" => self.table(UDP, ESTABLISHED),
            "raw" => self.table(RAW, ESTABLISHED),
            "unix" | "unix_stream" | "unix_dgram" | "unix_seqpacket" | "u_str" | "u_dgr" | "u_seq" => {
                self.table(UNIX, ESTABLISHED);
            }
            "packet" | "packet_raw" | "packet_dgram" | "p_raw" | "p_dgr" => self.table(PACKET, CLOSED),
            "mptcp" | "netlink" | "dccp" | "sctp" | "vsock" | "vsock_stream" | "vsock_dgram" | "tipc" | "xdp" => {
                return Err(missing(&format!("-A {name}")));
            }
            _ => return Err(fail_with_usage(&format!("ss: \"{name}\" is illegal socket table id"))),
        }
        Ok(())
    }

    /// What stands behind the options: states, then an expression.
    fn finish(mut self, rest: &[&str]) -> Result<SsOptions, SsError> {
        let mut words = rest.iter().copied().peekable();
        let mut named = false;
        while let Some(word @ ("state" | "exclude" | "excl")) = words.peek().copied() {
            words.next();
            let name = words.next().ok_or_else(|| fail("Command line is not complete. Try option \"help\"", 255))?;
            let states = states_of(name).ok_or_else(|| fail(format!("ss: wrong state name: {name}"), 255))?;
            if word == "state" {
                self.states = if named { self.states | states } else { states };
            } else {
                self.states = if named { self.states } else { ALL } & !states;
            }
            named = true;
        }
        let expression: Vec<&str> = words.collect();
        let filter = filter::parse(&expression.join(" ")).map_err(|error| match error {
            filter::FilterError::Syntax => {
                fail_with_usage("ss: bison bellows (while parsing filter): \"syntax error!\" Sorry.")
            }
            filter::FilterError::Value(message) => fail(message, 1),
        })?;
        let tables_named = self.tables != 0;
        let any_family = !self.v4 && !self.v6;
        if !tables_named {
            self.tables = if any_family { ALL_TABLES } else { INET };
            self.states_of_tables = CONNECTED;
        }
        Ok(SsOptions {
            numeric: self.numeric,
            resolve_hosts: self.resolve_hosts,
            processes: self.processes,
            extended: self.extended,
            summary: self.summary,
            header: !self.no_header,
            tables: self.tables,
            states: if self.states == 0 && !named { self.states_of_tables } else { self.states },
            v4: any_family || self.v4,
            v6: any_family || self.v6,
            filter,
            tables_named,
        })
    }
}

/// A state's name, or a group's (ss(8), STATE-FILTER).
fn states_of(name: &str) -> Option<States> {
    Some(match name {
        "all" => ALL,
        "connected" => ALL & !(CLOSED | LISTEN),
        "synchronized" => ALL & !(CLOSED | LISTEN | bit(SocketState::SynSent)),
        "bucket" => bit(SocketState::SynRecv) | bit(SocketState::TimeWait),
        "big" => ALL & !(bit(SocketState::SynRecv) | bit(SocketState::TimeWait)),
        "established" => ESTABLISHED,
        "syn-sent" => bit(SocketState::SynSent),
        "syn-recv" => bit(SocketState::SynRecv),
        "fin-wait-1" => bit(SocketState::FinWait1),
        "fin-wait-2" => bit(SocketState::FinWait2),
        "time-wait" => bit(SocketState::TimeWait),
        "unconnected" | "closed" => CLOSED,
        "close-wait" => bit(SocketState::CloseWait),
        "last-ack" => bit(SocketState::LastAck),
        "listening" | "listen" => LISTEN,
        "closing" => bit(SocketState::Closing),
        _ => return None,
    })
}
