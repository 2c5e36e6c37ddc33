//! `netmodes ss`: the sockets of this host, as the core's `ss` prints them.

use std::fs;
use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use netmodes_core::shell::ss::{self, DebianNames, Names, SsSummary};
use netmodes_core::view::{SocketKind, SocketRow};

use crate::failure::{Failure, print, tell};
use crate::host_sockets;
use crate::proc_map::ProcMap;
use crate::sock_diag::Kernel;
use crate::words::Words;

/// `netmodes ss`: every word that follows is the real tool's, but `--lang`.
pub(crate) fn ss(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    let options = match ss::parse(&without_lang(words.rest()?)) {
        Ok(options) => options,
        Err(error) => {
            if error.to_stdout {
                print(&format!("{}\n", error.message))?;
            } else {
                tell(&error.message);
            }
            // An exit status is eight bits (wait(2)): the real tool's exit(-1) is seen as 255.
            return Ok(u8::try_from(error.exit & 0xff).unwrap_or(1));
        }
    };
    if options.extended {
        // The kernel's inodes, timers and control groups are not in the rows: rather nothing than something else.
        return Err(Failure::refused(texts.say("ss-option", &[("option", "-e")])));
    }
    let mut text = String::new();
    if options.summary {
        text.push_str(&ss::render_summary(&summary()).to_plain());
    }
    if options.rows_wanted() {
        let rows = rows()
            .map_err(|error| Failure::refused(texts.say("sockets-failed", &[("message", &error.to_string())])))?;
        text.push_str(&ss::render(&options, &rows, terminal_columns(), &HostNames::read()).to_plain());
    }
    print(&text)?;
    Ok(0)
}

fn rows() -> io::Result<Vec<SocketRow>> {
    host_sockets::rows(&mut Kernel::open()?, &mut ProcMap::new())
}

fn without_lang(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--lang" {
            words.next();
        } else if !word.starts_with("--lang=") {
            kept.push(word);
        }
    }
    kept
}

/// Columns of the terminal on standard output; none when it is not one.
fn terminal_columns() -> Option<u16> {
    std::io::stdout().is_terminal().then(|| {
        // stty(1) asks the terminal on its standard input; an ioctl of our own would be unsafe code.
        let answer = Command::new("stty").arg("size").stdin(Stdio::inherit()).stderr(Stdio::null()).output();
        let text = answer.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        // 80, as iproute2 has it where the terminal does not tell (misc/ss.c, `render_screen_width`).
        text.split_whitespace().nth(1).and_then(|columns| columns.parse().ok()).unwrap_or(80)
    })
}

/// Totals, as the kernel counts them in /proc/net/sockstat, sockstat6 and snmp. Read before any socket of our own is
/// open, which would be among them.
fn summary() -> SsSummary {
    let file = |name: &str| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let (v4, v6, snmp) = (file("sockstat"), file("sockstat6"), file("snmp"));
    let both = |line: &str| {
        let number = |text: &str, line: &str| sockstat(text, line, "inuse").unwrap_or(0);
        [number(&v4, line), number(&v6, &format!("{line}6"))]
    };
    let total = |line: &str, name: &str| sockstat(&v4, line, name).unwrap_or(0);
    SsSummary {
        used: total("sockets", "used"),
        tcp_alloc: total("TCP", "alloc"),
        tcp_estab: current_established(&snmp).unwrap_or(0),
        tcp_orphaned: total("TCP", "orphan"),
        tcp_timewait: total("TCP", "tw"),
        raw: both("RAW"),
        udp: both("UDP"),
        tcp: both("TCP"),
        frag: both("FRAG"),
    }
}

/// A number of /proc/net/sockstat: `TCP: inuse 5 orphan 0 tw 2 alloc 7 mem 1`.
fn sockstat(text: &str, line: &str, name: &str) -> Option<u32> {
    let rest = text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(':'))?;
    let mut words = rest.split_whitespace();
    words.find(|word| *word == name)?;
    words.next()?.parse().ok()
}

/// `CurrEstab` of /proc/net/snmp: a line of names, then one of numbers.
fn current_established(text: &str) -> Option<u32> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let at = lines.next()?.split(' ').position(|name| name == "CurrEstab")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}

/// Names from this host's files.
struct HostNames {
    services: Vec<(String, u16, SocketKind)>,
    hosts: Vec<(IpAddr, String)>,
}

impl HostNames {
    fn read() -> Self {
        let services = fs::read_to_string("/etc/services").unwrap_or_default();
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        Self {
            services: lines(&services).filter_map(service).collect(),
            hosts: lines(&hosts).filter_map(host).collect(),
        }
    }
}

/// The lines of a file without comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default())
}

/// `http  80/tcp  www` of services(5).
fn service(line: &str) -> Option<(String, u16, SocketKind)> {
    let mut words = line.split_whitespace();
    let (name, (port, protocol)) = (words.next()?, words.next()?.split_once('/')?);
    let kind = match protocol {
        "tcp" => SocketKind::Tcp,
        "udp" => SocketKind::Udp,
        _ => return None,
    };
    Some((name.to_owned(), port.parse().ok()?, kind))
}

/// `127.0.0.1  localhost` of hosts(5).
fn host(line: &str) -> Option<(IpAddr, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}

impl Names for HostNames {
    fn service(&self, kind: SocketKind, port: u16) -> Option<String> {
        if kind == SocketKind::Raw {
            return DebianNames.service(kind, port);
        }
        self.services.iter().find(|(_, number, of)| *number == port && *of == kind).map(|(name, ..)| name.clone())
    }

    fn host(&self, addr: IpAddr) -> Option<String> {
        self.hosts.iter().find(|(known, _)| *known == addr).map(|(_, name)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_from_the_kernels_files() {
        let text = "sockets: used 61\nTCP: inuse 5 orphan 1 tw 2 alloc 7 mem 1\nUDP: inuse 3 mem 0\n";
        assert_eq!(sockstat(text, "TCP", "tw"), Some(2));
        assert_eq!(sockstat(text, "sockets", "used"), Some(61));
        assert_eq!(sockstat(text, "TCP6", "inuse"), None);
        assert_eq!(current_established("Tcp: A CurrEstab B\nTcp: 1 9 3\n"), Some(9));
    }

    #[test]
    fn names_come_from_the_hosts_files() {
        assert_eq!(service("http\t80/tcp\twww"), Some(("http".to_owned(), 80, SocketKind::Tcp)));
        assert_eq!(service("echo 4/ddp"), None);
        assert_eq!(host("::1 localhost ip6-localhost"), Some(("::1".parse().unwrap(), "localhost".to_owned())));
    }

    #[test]
    fn the_language_is_not_the_tools_word() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(without_lang(words("-tan --lang ru state all --lang=en")), words("-tan state all"));
    }
}
