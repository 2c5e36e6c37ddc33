//! `conntrack`, as conntrack-tools 1.4.7 (Debian 12) lists, counts and deletes tracked connections.
//!
//! Owns the tool's words; the connections are [`crate::netfilter::conntrack`]'s.

use super::complete::{Grammar, Slot};
use super::iptables::names::{number, port_number, protocol_number};
use super::meaning;
use super::out::{Text, complain, say};
use crate::addr::Cidr;
use crate::event::Stream;
use crate::netfilter::conntrack::{ConntrackRow, ICMP, TCP, Tuple, UDP};
use crate::programs::Kernel;

/// For completion.
pub(super) const GRAMMAR: Grammar = Grammar {
    options: &["-L", "-D", "-F", "-C", "-n", "-g", "-j"],
    keywords: &[
        ("-p", Slot::OneOf(&["tcp", "udp", "icmp"])),
        ("-s", Slot::Addr),
        ("-d", Slot::Addr),
        ("-r", Slot::Addr),
        ("-q", Slot::Addr),
        ("--sport", Slot::Free),
        ("--dport", Slot::Free),
        ("--state", Slot::OneOf(STATES)),
        ("-u", Slot::OneOf(&["ASSURED", "UNREPLIED"])),
        ("-o", Slot::OneOf(&["extended", "id"])),
    ],
    subcommands: &[],
    operand: None,
};

const NAME: &str = "conntrack v1.4.7 (conntrack-tools)";
const STATES: &[&str] =
    &["SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "LISTEN"];

/// Which connections are meant.
#[derive(Default)]
struct Filter {
    proto: Option<u8>,
    src: Option<Cidr>,
    dst: Option<Cidr>,
    reply_src: Option<Cidr>,
    reply_dst: Option<Cidr>,
    sport: Option<u16>,
    dport: Option<u16>,
    reply_sport: Option<u16>,
    reply_dport: Option<u16>,
    state: Option<String>,
    assured: bool,
    unreplied: bool,
    snat: bool,
    dnat: bool,
    any_nat: bool,
}

/// A command line.
#[derive(Default)]
struct Request {
    command: Option<char>,
    filter: Filter,
    extended: bool,
    ids: bool,
    /// The last option that is no command, for a command that is missing.
    option: Option<&'static str>,
}

/// Options with a value: letter, long names (the first is the one that errors use).
const VALUED: &[(char, &[&str])] = &[
    ('p', &["--protonum", "--proto"]),
    ('s', &["--src", "--orig-src"]),
    ('d', &["--dst", "--orig-dst"]),
    ('r', &["--reply-src"]),
    ('q', &["--reply-dst"]),
    ('u', &["--status"]),
    ('o', &["--output"]),
    ('f', &["--family"]),
    ('\u{1}', &["--sport", "--orig-port-src"]),
    ('\u{2}', &["--dport", "--orig-port-dst"]),
    ('\u{3}', &["--reply-port-src"]),
    ('\u{4}', &["--reply-port-dst"]),
    ('\u{5}', &["--state"]),
];
/// Commands and options without a value.
const PLAIN: &[(char, &str)] = &[
    ('L', "--dump"),
    ('D', "--delete"),
    ('F', "--flush"),
    ('C', "--count"),
    ('V', "--version"),
    ('h', "--help"),
    ('n', "--src-nat"),
    ('g', "--dst-nat"),
    ('j', "--any-nat"),
];

/// Runs `conntrack`.
pub(super) fn run(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    if argv.len() <= 1 {
        say(kernel, include_str!("conntrack_usage.txt"));
        return 0;
    }
    match parse(argv.get(1..).unwrap_or(&[])) {
        Ok(request) => execute(&request, kernel),
        Err(text) => {
            let hint = "Try `conntrack -h' or 'conntrack --help' for more information.";
            complain(kernel, format!("{NAME}: {text}\n{hint}"));
            2
        }
    }
}

fn parse(words: &[String]) -> Result<Request, String> {
    let mut request = Request::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let short = |letter: char| word.strip_prefix('-').is_some_and(|rest| rest.starts_with(letter));
        if !word.starts_with('-') {
            // A table's name stands behind its command.
            match word.as_str() {
                "conntrack" | "expect" | "dying" | "unconfirmed" if request.command.is_some() => {
                    if word != "conntrack" {
                        return Err(format!("the table {word} is not available in this lab"));
                    }
                }
                other if request.command.is_some() => return Err(format!("unknown type `{other}'")),
                other => return Err(format!("unknown option `{other}'")),
            }
            continue;
        }
        let is_long = word.starts_with("--");
        let valued = VALUED.iter().find(|(letter, long)| {
            if is_long { long.contains(&word.split('=').next().unwrap_or("")) } else { short(*letter) }
        });
        if let Some((letter, long)) = valued {
            let attached = if is_long { word.split_once('=').map(|(_, value)| value) } else { word.get(2..) };
            let value = match attached.filter(|value| !value.is_empty()) {
                Some(value) => value,
                None => {
                    at += 1;
                    let next = words.get(at - 1);
                    next.ok_or_else(|| format!("option `{word}' requires an argument"))?
                }
            };
            request.option = long.first().copied();
            option(&mut request, *letter, value)?;
            continue;
        }
        let plain = PLAIN.iter().find(|(letter, long)| if is_long { long == word } else { short(*letter) });
        let (letter, _) = plain.ok_or_else(|| missing_option(word, &request))?;
        match letter {
            'n' => request.filter.snat = true,
            'g' => request.filter.dnat = true,
            'j' => request.filter.any_nat = true,
            command if request.command.is_none() => request.command = Some(*command),
            _ => return Err("Invalid commands combination".to_owned()),
        }
    }
    if request.command.is_none() {
        let option = request.option.unwrap_or("--any-nat");
        return Err(format!("Illegal option `{option}' with this command"));
    }
    Ok(request)
}

/// Options that the real tool has and this lab does not, and those that nobody has.
fn missing_option(word: &str, request: &Request) -> String {
    const ABSENT: &[&str] = &["-E", "-S", "-I", "-U", "-G", "-A", "-m", "-e", "-z", "-t", "-w", "-l", "-b", "-c"];
    if ABSENT.contains(&word) {
        return format!("conntrack {word} is not available in this lab");
    }
    // Ports and states are options of the protocol that -p has loaded.
    let _ = request;
    format!("unknown option `{word}'")
}

fn option(request: &mut Request, letter: char, value: &str) -> Result<(), String> {
    let filter = &mut request.filter;
    let address = || net(value).ok_or_else(|| format!("Invalid IP address `{value}'"));
    let with_ports = matches!(filter.proto, Some(TCP | UDP));
    let port = |name: &str| {
        if !with_ports {
            return Err(format!("unknown option `{name}'"));
        }
        port_number(value).ok_or_else(|| format!("`{value}' is wrong port number"))
    };
    match letter {
        'p' => {
            let proto = number(value).map_or_else(|| protocol_number(value), |number| u8::try_from(number).ok());
            let known = proto.filter(|proto| matches!(*proto, ICMP | TCP | UDP | 33 | 47 | 132 | 136));
            filter.proto = Some(known.ok_or_else(|| format!("`{value}' unsupported protocol"))?);
        }
        's' => filter.src = Some(address()?),
        'd' => filter.dst = Some(address()?),
        'r' => filter.reply_src = Some(address()?),
        'q' => filter.reply_dst = Some(address()?),
        '\u{1}' => filter.sport = Some(port("--sport")?),
        '\u{2}' => filter.dport = Some(port("--dport")?),
        '\u{3}' => filter.reply_sport = Some(port("--reply-port-src")?),
        '\u{4}' => filter.reply_dport = Some(port("--reply-port-dst")?),
        '\u{5}' if filter.proto != Some(TCP) => return Err("unknown option `--state'".to_owned()),
        '\u{5}' => {
            if !STATES.contains(&value) {
                return Err(format!("unknown TCP state `{value}'"));
            }
            filter.state = Some(value.to_owned());
        }
        'u' => {
            for word in value.split(',') {
                match word {
                    "ASSURED" => filter.assured = true,
                    "UNREPLIED" | "UNSET" => filter.unreplied = true,
                    "SEEN_REPLY" => return Err("SEEN_REPLY is not available in this lab".to_owned()),
                    _ => return Err(format!("Bad parameter `{word}'")),
                }
            }
        }
        'o' => {
            for word in value.split(',') {
                match word {
                    "extended" => request.extended = true,
                    "id" => request.ids = true,
                    "xml" | "timestamp" | "ktimestamp" | "labels" | "save" | "userspace" => {
                        return Err(format!("the output {word} is not available in this lab"));
                    }
                    _ => return Err(format!("Bad parameter `{word}'")),
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// An address, alone or with the length of its prefix.
fn net(text: &str) -> Option<Cidr> {
    let (addr, prefix) = text.split_once('/').map_or((text, 32), |(addr, prefix)| (addr, number(prefix).unwrap_or(99)));
    let prefix = u8::try_from(prefix).ok().filter(|prefix| *prefix <= 32)?;
    Some(Cidr::new(addr.parse().ok()?, prefix))
}

impl Filter {
    fn matches(&self, row: &ConntrackRow) -> bool {
        let (to, back) = (&row.original, &row.reply);
        let within = |net: Option<Cidr>, addr| net.is_none_or(|net| net.contains(addr));
        let is = |port: Option<u16>, other| port.is_none_or(|port| port == other);
        self.proto.is_none_or(|proto| proto == to.proto)
            && within(self.src, to.src)
            && within(self.dst, to.dst)
            && within(self.reply_src, back.src)
            && within(self.reply_dst, back.dst)
            && is(self.sport, to.src_port)
            && is(self.dport, to.dst_port)
            && is(self.reply_sport, back.src_port)
            && is(self.reply_dport, back.dst_port)
            && self.state.as_ref().is_none_or(|state| row.tcp.is_some_and(|tcp| tcp.name() == state))
            && (!self.assured || row.assured)
            && (!self.unreplied || row.unreplied)
            && (!self.snat || row.snat)
            && (!self.dnat || row.dnat)
            && (!self.any_nat || row.snat || row.dnat)
    }
}

fn execute(request: &Request, kernel: &mut dyn Kernel) -> i32 {
    match request.command {
        Some('V') => {
            say(kernel, format!("{NAME}\n"));
            return 0;
        }
        Some('h') => {
            say(kernel, include_str!("conntrack_usage.txt"));
            return 0;
        }
        Some('C') => {
            let count = kernel.conntrack().len();
            say(kernel, format!("{count}\n"));
            return 0;
        }
        Some('F') => {
            kernel.conntrack_flush();
            complain(kernel, format!("{NAME}: connection tracking table has been emptied."));
            return 0;
        }
        _ => {}
    }
    let rows: Vec<_> = kernel.conntrack().into_iter().filter(|row| request.filter.matches(row)).collect();
    let mut text = Text::new();
    for row in &rows {
        line(&mut text, row, request);
    }
    text.print(kernel, Stream::Stdout);
    let deletes = request.command == Some('D');
    if deletes {
        for row in &rows {
            let _ = kernel.conntrack_delete(row.original);
        }
    }
    let done = if deletes { "deleted" } else { "shown" };
    complain(kernel, format!("{NAME}: {} flow entries have been {done}.", rows.len()));
    i32::from(deletes && rows.is_empty())
}

fn line(text: &mut Text, row: &ConntrackRow, request: &Request) {
    if request.extended {
        text.put("ipv4     2 ");
    }
    let proto = row.original.proto;
    let name = super::iptables::names::protocol_name(proto).unwrap_or("unknown");
    text.word(format!("{name:<8} {proto}"), meaning::CONN_PROTOCOL).put(" ");
    text.word(row.timeout_secs.to_string(), meaning::CONN_TIMEOUT).put(" ");
    if let Some(tcp) = row.tcp {
        text.word(tcp.name(), meaning::CONN_STATE).put(" ");
    }
    text.word(tuple(&row.original), meaning::CONN_TUPLE).put(" ");
    if row.unreplied {
        text.word("[UNREPLIED]", meaning::CONN_FLAGS).put(" ");
    }
    text.word(tuple(&row.reply), meaning::CONN_TUPLE).put(" ");
    if row.assured {
        text.word("[ASSURED]", meaning::CONN_FLAGS).put(" ");
    }
    text.put("mark=0 use=1");
    if request.ids {
        text.put(format!(" id={}", row.id));
    }
    text.put("\n");
}

fn tuple(tuple: &Tuple) -> String {
    let Tuple { src, dst, src_port, dst_port, .. } = tuple;
    match (tuple.icmp(), tuple.proto) {
        (Some((kind, code, id)), _) => format!("src={src} dst={dst} type={kind} code={code} id={id}"),
        (None, TCP | UDP | 33 | 132 | 136) => format!("src={src} dst={dst} sport={src_port} dport={dst_port}"),
        _ => format!("src={src} dst={dst}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::conntrack::TcpState;
    use crate::shell::{fake::Fake, replay};

    /// What conntrack 1.4.7 printed in a namespace with these five connections.
    const RECORDED: &str = include_str!("conntrack_recorded.txt");

    fn machine() -> Fake {
        let mut fake = Fake::default();
        let addr = |text: &str| text.parse().unwrap();
        for (proto, timeout, dst, ports, tcp) in [
            (UDP, 29, "10.9.0.2", (5001, 5353), None),
            (TCP, 431_999, "10.9.0.2", (4000, 80), Some(TcpState::Established)),
            (ICMP, 27, "10.9.0.99", (17_440, 0x0800), None),
            (ICMP, 27, "10.9.0.2", (17_439, 0x0800), None),
            (UDP, 29, "10.9.0.2", (5000, 53), None),
        ] {
            let (src, dst) = (addr("10.9.0.1"), addr(dst));
            let original = Tuple { proto, src, dst, src_port: ports.0, dst_port: ports.1 };
            fake.connections.push(ConntrackRow {
                id: 1,
                tcp,
                timeout_secs: timeout,
                original,
                reply: original.inverted().unwrap(),
                unreplied: ports.0 == 5001 || ports.0 == 17_440,
                assured: tcp.is_some(),
                snat: false,
                dnat: false,
            });
        }
        fake
    }

    #[test]
    fn connections_are_shown_counted_and_deleted_as_the_real_conntrack_does_it() {
        let (wrong, count) = replay::differences_on(RECORDED, machine);
        assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(count > 25, "{count}");
    }

    #[test]
    fn any_words_are_answered() {
        for line in ["conntrack -", "conntrack -L -o", "conntrack -p", "conntrack --", "conntrack -Lx", "conntrack é"]
        {
            replay::run(&mut machine(), line, "");
        }
    }
}
