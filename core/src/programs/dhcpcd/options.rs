//! dhcpcd's words.

use core::net::Ipv4Addr;

use super::super::Kernel;
use crate::addr::Cidr;
use crate::id::Pid;

pub(super) const VERSION: &str = "dhcpcd 9.4.1\n\
    Copyright (c) 2006-2021 Roy Marples\n\
    Compiled in features: INET ARP ARPing IPv4LL INET6 DHCPv6 AUTH PRIVSEP\n";
const USAGE: &str = "usage: dhcpcd\t[-146ABbDdEGgHJKLMNPpqTV]
\t\t[-C, --nohook hook] [-c, --script script]
\t\t[-e, --env value] [-F, --fqdn FQDN] [-f, --config file]
\t\t[-h, --hostname hostname] [-I, --clientid clientid]
\t\t[-i, --vendorclassid vendorclassid] [-j, --logfile logfile]
\t\t[-l, --leasetime seconds] [-m, --metric metric]
\t\t[-O, --nooption option] [-o, --option option]
\t\t[-Q, --require option] [-r, --request address]
\t\t[-S, --static value]
\t\t[-s, --inform address[/cidr[/broadcast_address]]]
 [--inform6]\t\t[-t, --timeout seconds] [-u, --userclass class]
\t\t[-v, --vendor code, value] [-W, --whitelist address[/cidr]] [-w]
\t\t[--waitip [4 | 6]] [-y, --reboot seconds]
\t\t[-X, --blacklist address[/cidr]] [-Z, --denyinterfaces pattern]
\t\t[-z, --allowinterfaces pattern] [--inactive] [interface] [...]
       dhcpcd\t-n, --rebind [interface]
       dhcpcd\t-k, --release [interface]
       dhcpcd\t-U, --dumplease interface
       dhcpcd\t--version
       dhcpcd\t-x, --exit [interface]
";
/// Long options and the letters they stand for.
const LONG: &[(&str, char)] = &[
    ("--nohook", 'C'),
    ("--debug", 'd'),
    ("--nobackground", 'B'),
    ("--background", 'b'),
    ("--release", 'k'),
    ("--exit", 'x'),
    ("--rebind", 'n'),
    ("--test", 'T'),
    ("--oneshot", '1'),
    ("--ipv4only", '4'),
    ("--noarp", 'A'),
    ("--hostname", 'h'),
    ("--inform", 's'),
    ("--request", 'r'),
    ("--timeout", 't'),
    ("--metric", 'm'),
    ("--leasetime", 'l'),
    ("--persistent", 'p'),
    ("--quiet", 'q'),
    ("--noipv4ll", 'L'),
    ("--version", 'V'),
];
/// Letters with a value, and of these those whose value means nothing here.
const WITH_VALUE: &str = "hsrtmlCceFfIijOoQSuvWyXZz";

/// What it is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Run,
    Rebind,
    Release,
    Exit,
    Test,
    Version,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub task: Task,
    pub debug: bool,
    pub once: bool,
    pub foreground: bool,
    pub v4_only: bool,
    pub arp: bool,
    pub hostname: Option<String>,
    pub inform: Option<Cidr>,
    pub request: Option<Ipv4Addr>,
    pub timeout_secs: u64,
    pub metric: Option<u32>,
    pub ifaces: Vec<String>,
}

impl Options {
    fn stem(&self) -> String {
        match (self.ifaces.first(), self.v4_only) {
            (Some(name), true) => format!("/run/dhcpcd/{name}-4."),
            (Some(name), false) => format!("/run/dhcpcd/{name}."),
            (None, true) => "/run/dhcpcd/-4.".to_owned(),
            (None, false) => "/run/dhcpcd/".to_owned(),
        }
    }

    pub(super) fn pid_file(&self) -> String {
        self.stem() + "pid"
    }

    pub(super) fn control_file(&self) -> String {
        self.stem() + "sock"
    }

    /// The process that serves these interfaces already.
    pub(super) fn running(&self, kernel: &dyn Kernel) -> Option<Pid> {
        let pid = Pid(kernel.read_file(&self.pid_file()).ok()?.trim().parse().ok()?);
        let is_dhcpcd = |argv: &[String]| argv.first().is_some_and(|name| name.ends_with("dhcpcd"));
        kernel.processes().iter().any(|row| row.pid == pid && is_dhcpcd(&row.argv)).then_some(pid)
    }
}

/// The words; or what is wrong with them, and the exit status.
pub(super) fn parse(argv: &[String]) -> Result<Options, (String, i32)> {
    let mut options = Options {
        task: Task::Run,
        debug: false,
        once: false,
        foreground: false,
        v4_only: false,
        arp: true,
        hostname: None,
        inform: None,
        request: None,
        timeout_secs: 30,
        metric: None,
        ifaces: Vec::new(),
    };
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        if word.starts_with("--") {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let letter = LONG.iter().find(|(long, _)| *long == name).map(|(_, letter)| *letter);
            let letter = letter.ok_or_else(|| (format!("dhcpcd: unrecognized option '{name}'\n{USAGE}"), 1))?;
            let value =
                value.map(str::to_owned).or_else(|| takes_value(letter).then(|| words.next().cloned()).flatten());
            apply(&mut options, letter, value)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                if takes_value(letter) {
                    let value =
                        if rest.as_str().is_empty() { words.next().cloned() } else { Some(rest.as_str().to_owned()) };
                    apply(&mut options, letter, value)?;
                    break;
                }
                apply(&mut options, letter, None)?;
            }
        } else {
            options.ifaces.push(word.clone());
        }
    }
    Ok(options)
}

fn takes_value(letter: char) -> bool {
    WITH_VALUE.contains(letter)
}

fn apply(options: &mut Options, letter: char, value: Option<String>) -> Result<(), (String, i32)> {
    let missing = || (format!("dhcpcd: option requires an argument -- '{letter}'\n{USAGE}"), 1);
    let value = if takes_value(letter) { value.ok_or_else(missing)? } else { String::new() };
    let invalid = |what: &str| (format!("{what}: {value}\n"), 1);
    match letter {
        '4' => options.v4_only = true,
        'd' => options.debug = true,
        '1' => options.once = true,
        'B' => options.foreground = true,
        'A' => options.arp = false,
        'n' => options.task = Task::Rebind,
        'k' => options.task = Task::Release,
        'x' => options.task = Task::Exit,
        'T' => options.task = Task::Test,
        'V' => options.task = Task::Version,
        'h' => options.hostname = Some(value),
        'r' => options.request = Some(value.parse().map_err(|_| invalid("invalid IP address"))?),
        's' => {
            let with_prefix = if value.contains('/') { value.clone() } else { format!("{value}/24") };
            options.inform = Some(with_prefix.parse().map_err(|_| invalid("invalid IP address"))?);
        }
        't' => options.timeout_secs = value.parse().map_err(|_| invalid("invalid timeout"))?,
        'm' => options.metric = Some(value.parse().map_err(|_| invalid("invalid metric"))?),
        'b' | 'D' | 'E' | 'G' | 'g' | 'H' | 'J' | 'K' | 'L' | 'M' | 'N' | 'P' | 'p' | 'q' | 'w' => {}
        _ if takes_value(letter) => {}
        _ => return Err((format!("dhcpcd: invalid option -- '{letter}'\n{USAGE}"), 1)),
    }
    Ok(())
}
