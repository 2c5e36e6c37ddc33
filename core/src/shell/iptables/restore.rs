//! `iptables-restore`: tables from a text, each put into the kernel whole at its COMMIT.

use super::fail::Fail;
use super::names::Hosts;
use super::run::{Work, builtin};
use super::spec::{Spec, Target};
use super::{VERSION, args, said};
use crate::event::Stream;
use crate::netfilter::model::{Counter, Family, Ruleset, Verdict};
use crate::programs::Kernel;
use crate::shell::out::{Text, complain};

/// What the words say.
#[derive(Default)]
struct Options {
    counters: bool,
    noflush: bool,
    test: bool,
    verbose: bool,
    only: Option<String>,
    file: Option<String>,
}

/// Whether standard input is read.
pub(in crate::shell) fn reads_stdin(argv: &[String]) -> bool {
    matches!(options(argv), Ok(Some(Options { file: None, .. })))
}

fn options(argv: &[String]) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "--counters" => options.counters = true,
            "-n" | "--noflush" => options.noflush = true,
            "-t" | "--test" => options.test = true,
            "-v" | "--verbose" => options.verbose = true,
            "-4" | "--ipv4" | "-6" | "--ipv6" | "-w" | "--wait" => {}
            "-V" | "--version" => return Ok(None),
            "-T" | "--table" | "-M" | "--modprobe" => {
                let value = words.next().ok_or_else(|| {
                    let letter = word.trim_start_matches('-').chars().next().unwrap_or('-');
                    format!("iptables-restore: option requires an argument -- '{letter}'\nTry `iptables-restore -h' for more information.")
                })?;
                if word.starts_with("-T") || word.starts_with("--t") {
                    options.only = Some(value.clone());
                }
            }
            long if long.starts_with("--") => {
                return Err(format!(
                    "iptables-restore: unrecognized option '{long}'\nTry `iptables-restore -h' for more information."
                ));
            }
            short if short.starts_with('-') && short.len() > 1 => {
                let letter = short.chars().nth(1).unwrap_or('-');
                return Err(format!(
                    "iptables-restore: invalid option -- '{letter}'\nTry `iptables-restore -h' for more information."
                ));
            }
            file if options.file.is_none() => options.file = Some(file.to_owned()),
            _ => return Err("Unknown arguments found on commandline".to_owned()),
        }
    }
    Ok(Some(options))
}

/// Runs `iptables-restore`; `input`: standard input, to its end.
pub(in crate::shell) fn run(argv: &[String], input: &str, kernel: &mut dyn Kernel) -> i32 {
    let options = match options(argv) {
        Ok(Some(options)) => options,
        Ok(None) => {
            crate::shell::out::say(kernel, format!("iptables-restore {VERSION}\n"));
            return 0;
        }
        Err(text) => {
            complain(kernel, text);
            return 1;
        }
    };
    let text = match &options.file {
        None => input.to_owned(),
        Some(file) => match kernel.read_file(file) {
            Ok(text) => text,
            Err(errno) => {
                complain(kernel, format!("Can't open {file}: {}", errno.text()));
                return 1;
            }
        },
    };
    let hosts = Hosts::read(kernel);
    let rules = kernel.ruleset();
    let mut restore = Restore {
        options,
        hosts,
        saved: rules.clone(),
        rules,
        table: None,
        skip: false,
        jumps: Vec::new(),
        out: Text::new(),
    };
    let mut result = Ok(());
    let mut count = 0;
    for (at, line) in text.lines().enumerate() {
        count = at + 1;
        result = restore.line(line, count, kernel);
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() && restore.table.is_some() {
        result = Err((format!("iptables-restore: COMMIT expected at line {}", count + 1), 1));
    }
    restore.out.print(kernel, Stream::Stdout);
    match result {
        Ok(()) => 0,
        Err((text, exit)) => {
            complain(kernel, text);
            exit
        }
    }
}

struct Restore {
    options: Options,
    hosts: Hosts,
    /// As the kernel has them.
    saved: Ruleset,
    rules: Ruleset,
    table: Option<String>,
    /// The table is not the one that was asked for.
    skip: bool,
    /// Rules that go to chains; these are looked for at COMMIT.
    jumps: Vec<Spec>,
    out: Text,
}

/// What is said, and the exit status.
type Stop = (String, i32);

impl Restore {
    fn line(&mut self, line: &str, number: usize, kernel: &mut dyn Kernel) -> Result<(), Stop> {
        let failed = || Err((format!("iptables-restore: line {number} failed"), 1));
        let told = |fail: Fail| (said(&fail, "iptables-restore", Some(number)), fail.exit);
        match (line.chars().next(), self.table.clone()) {
            (None, _) => Ok(()),
            (Some('#'), _) => {
                if self.options.verbose {
                    self.out.put(format!("{line}\n"));
                }
                Ok(())
            }
            (Some('*'), None) => self.begin(line, number).map_err(told),
            (_, None) => failed(),
            (_, Some(_)) if line == "COMMIT" => self.commit(number, kernel),
            (_, Some(_)) if self.skip => Ok(()),
            (Some(':'), Some(table)) => self.chain(line, number, &table).map_err(told),
            (Some('*'), Some(_)) => failed(),
            (Some(_), Some(table)) => self.rule(line, &table, kernel).map_err(told),
        }
    }

    fn begin(&mut self, line: &str, number: usize) -> Result<(), Fail> {
        let name = line.get(1..).unwrap_or("").split_whitespace().next().unwrap_or("");
        if name.is_empty() {
            return Err(Fail::param(format!("iptables-restore: line {number} table name invalid")));
        }
        if builtin(name).is_none() {
            return Err(Fail::param(format!("iptables-restore: line {number} table name '{name}' invalid")));
        }
        self.skip = self.options.only.as_ref().is_some_and(|only| only != name);
        self.table = Some(name.to_owned());
        if self.skip || self.options.noflush {
            return Ok(());
        }
        if self.options.verbose {
            for (chain, ..) in builtin(name).unwrap_or(&[]) {
                self.out.put(format!("Flushing chain `{chain}'\n"));
            }
        }
        let _ = self.rules.delete_table(Family::Ip, name);
        Ok(())
    }

    fn chain(&mut self, line: &str, number: usize, table: &str) -> Result<(), Fail> {
        let mut words = line.get(1..).unwrap_or("").split_whitespace();
        let invalid = |what: &str| Fail::param(format!("iptables-restore: line {number} {what} invalid"));
        let name = words.next().ok_or_else(|| invalid("chain name"))?;
        let policy = words.next().ok_or_else(|| invalid("policy"))?;
        if name.len() >= 29 {
            return Err(Fail::param(format!("Invalid chain name `{name}' (29 chars max)")));
        }
        let counter = words.next().filter(|_| self.options.counters).map(counters);
        let counter = match counter {
            None => None,
            Some(Some(counter)) => Some(counter),
            Some(None) => return Err(Fail::param(format!("invalid policy counters for chain '{name}'"))),
        };
        let own = builtin(table).unwrap_or(&[]).iter().any(|(own, ..)| *own == name);
        let mut work = Work { rules: &mut self.rules, table, hosts: &self.hosts, out: &mut self.out, validate: false };
        if own && policy != "-" {
            return work.policy(name, policy, counter).map_err(|fail| match &fail.kind {
                super::fail::Kind::Named(text) if text.starts_with("Bad policy") => Fail::reason("Bad policy name."),
                _ => fail,
            });
        }
        if own {
            return Ok(());
        }
        let words = ["-N".to_owned(), name.to_owned()];
        let request = args::parse(&words, &self.hosts, Some(table))?;
        match work.run(&request) {
            // One that is there already is emptied.
            Err(_) => work.run(&args::parse(&["-F".to_owned(), name.to_owned()], &self.hosts, Some(table))?),
            done => done,
        }
    }

    fn rule(&mut self, line: &str, table: &str, kernel: &mut dyn Kernel) -> Result<(), Fail> {
        let (counter, line) = match line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            Some((counter, rest)) => (counters(&format!("[{counter}]")), rest),
            None => (None, line),
        };
        let mut words = split(line)?;
        if self.options.verbose {
            words.push("-v".to_owned());
        }
        if words.iter().any(|word| word == "-t" || word.starts_with("--table")) {
            return Err(Fail::param("The -t option (seen in line) cannot be used in iptables-restore."));
        }
        let mut request = args::parse(&words, &self.hosts, Some(table))?;
        if let Some(counter) = counter.filter(|_| self.options.counters) {
            request.rules.iter_mut().for_each(|spec| spec.counter = counter);
        }
        request.warnings.iter().for_each(|line| complain(kernel, line));
        let mut work = Work { rules: &mut self.rules, table, hosts: &self.hosts, out: &mut self.out, validate: false };
        // A chain that a rule goes to may be made by a later line.
        for spec in &request.rules {
            if let Target::Verdict(Verdict::Jump(_) | Verdict::Goto(_)) = &spec.target
                && work.target_exists(core::slice::from_ref(spec)).is_err()
            {
                self.jumps.push(spec.clone());
                return Ok(());
            }
        }
        work.run(&request)
    }

    fn commit(&mut self, number: usize, kernel: &mut dyn Kernel) -> Result<(), Stop> {
        let Some(table) = self.table.take() else { return Ok(()) };
        if core::mem::take(&mut self.skip) {
            return Ok(());
        }
        let told = |fail: Fail| (said(&fail, "iptables-restore", Some(number)), fail.exit);
        let jumps = core::mem::take(&mut self.jumps);
        let work =
            Work { rules: &mut self.rules, table: &table, hosts: &self.hosts, out: &mut self.out, validate: false };
        work.target_exists(&jumps).map_err(told)?;
        if !jumps.is_empty() {
            return Err(told(Fail::absent("a rule before the chain it goes to")));
        }
        if self.options.test {
            self.rules = self.saved.clone();
            return Ok(());
        }
        kernel.ruleset_replace(self.rules.clone()).map_err(|errno| {
            let errno =
                if errno == crate::programs::Errno::EOPNOTSUPP { crate::programs::Errno::EINVAL } else { errno };
            told(Fail::kernel("RULE_APPEND", errno.text(), &format!("table {table}")))
        })?;
        self.saved = self.rules.clone();
        Ok(())
    }
}

/// `[PACKETS:BYTES]`
fn counters(text: &str) -> Option<Counter> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counter { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// Words between blanks; double quotes hold blanks together, a backslash keeps the next character within them.
fn split(line: &str) -> Result<Vec<String>, Fail> {
    let (mut words, mut word, mut quoted, mut started) = (Vec::new(), String::new(), false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => word.extend(chars.next()),
            '"' => {
                quoted = !quoted;
                started = true;
            }
            c if c.is_whitespace() && !quoted => {
                if started {
                    words.push(core::mem::take(&mut word));
                }
                started = false;
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    if quoted { Err(Fail::param("unterminated quoted string")) } else { Ok(words) }
}
