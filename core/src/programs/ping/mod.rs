//! `ping` of iputils 20221126, as Debian 12 has it.

mod options;

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use options::Options;

use super::resolve::{Resolved, Resolver};
use super::{EchoAnswer, EchoRequest, Errno, Kernel, Signal, Step};
use crate::event::{Span, Stream};
use crate::id::SocketId;
use crate::time::SimTime;

/// Requests whose sending time is remembered.
const REMEMBERED_MAX: usize = 4_096;
/// The smallest payload that has room for the time it was sent at.
const TIMED_PAYLOAD: usize = 16;

#[derive(Clone, Debug)]
enum State {
    Begin,
    Resolving(Box<(Options, Resolver)>),
    Running(Box<Running>),
}

/// The program.
#[derive(Clone, Debug)]
pub struct Ping {
    argv: Vec<String>,
    state: State,
}

#[derive(Clone, Debug)]
struct Running {
    options: Options,
    socket: SocketId,
    target: Ipv4Addr,
    iface: Option<u32>,
    /// The name of the target, asked for once, when it was given by name.
    reverse: Option<Resolver>,
    reverse_name: Option<String>,
    sent_at: BTreeMap<u16, SimTime>,
    transmitted: u64,
    received: u64,
    errors: u64,
    began: SimTime,
    last_sent: SimTime,
    next_send: SimTime,
    give_up: Option<SimTime>,
    round_trips: Vec<u64>,
    pipe: u64,
    waiting: Vec<(EchoAnswer, SimTime)>,
}

impl Ping {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_vec(), state: State::Begin }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if let State::Begin = self.state {
            match Options::parse(self.argv.get(1..).unwrap_or_default()) {
                Ok(options) => {
                    let resolver = Resolver::address_of(kernel, &options.target);
                    self.state = State::Resolving(Box::new((options, resolver)));
                }
                Err(refused) => {
                    kernel.write(Stream::Stderr, vec![Span::plain(refused.text)]);
                    return Step::Exited(refused.status);
                }
            }
        }
        if let State::Resolving(asking) = &mut self.state {
            let (options, resolver) = &mut **asking;
            match resolver.poll(kernel) {
                None => return Step::Running,
                Some(Resolved::Addr(target)) => match Running::begin(kernel, options.clone(), target) {
                    Ok(running) => self.state = State::Running(Box::new(running)),
                    Err(text) => {
                        kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                        return Step::Exited(2);
                    }
                },
                Some(failed) => {
                    let text = format!("ping: {}: {}\n", options.target, failed.complaint());
                    kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                    return Step::Exited(2);
                }
            }
        }
        match &mut self.state {
            State::Running(running) => running.poll(kernel),
            _ => Step::Running,
        }
    }
}

impl Running {
    fn begin(kernel: &mut dyn Kernel, options: Options, target: Ipv4Addr) -> Result<Self, String> {
        let iface = match &options.iface {
            None => None,
            Some(name) => {
                let found = kernel.ifaces().into_iter().find(|row| row.name == *name).map(|row| row.index);
                let by_addr = || {
                    let addr = name.parse().ok()?;
                    kernel.addrs().into_iter().find(|row| row.addr == core::net::IpAddr::V4(addr)).map(|row| row.iface)
                };
                let index = found.or_else(by_addr);
                Some(index.ok_or_else(|| format!("ping: SO_BINDTODEVICE {name}: No such device\n"))?)
            }
        };
        let choice = kernel.route_get(target, iface).map_err(|error| format!("ping: connect: {}\n", error.text()))?;
        if choice.src.is_unspecified() {
            return Err("ping: connect: Network is unreachable\n".to_owned());
        }
        if choice.broadcast {
            return Err(
                "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\n".to_owned()
            );
        }
        let socket = kernel.ping_open().map_err(|error| format!("ping: socket: {}\n", error.text()))?;
        let size = options.payload;
        let from = options.iface.as_ref().map(|name| format!("from {} {name}: ", choice.src)).unwrap_or_default();
        let spans = vec![
            Span::plain(format!("PING {} (", options.target)),
            Span::new(target.to_string(), "ip-address"),
            Span::plain(format!(") {from}{size}({}) bytes of data.\n", size + 28)),
        ];
        kernel.write(Stream::Stdout, spans);
        let now = kernel.now();
        let named = options.target.parse::<Ipv4Addr>().is_err() && !options.numeric;
        let reverse = named.then(|| Resolver::name_of(kernel, target));
        Ok(Self {
            socket,
            target,
            iface,
            reverse,
            reverse_name: None,
            sent_at: BTreeMap::new(),
            transmitted: 0,
            received: 0,
            errors: 0,
            began: now,
            last_sent: now,
            next_send: now,
            give_up: None,
            round_trips: Vec::new(),
            pipe: 0,
            waiting: Vec::new(),
            options,
        })
    }

    fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        let now = kernel.now();
        while let Some(answer) = kernel.ping_recv(self.socket) {
            self.waiting.push((answer, now));
        }
        let name_known = match &mut self.reverse {
            Some(resolver) if self.received + self.errors > 0 || !self.waiting.is_empty() => {
                match resolver.poll(kernel) {
                    None => false,
                    Some(Resolved::Name(name)) => {
                        self.reverse_name = Some(name);
                        true
                    }
                    Some(_) => true,
                }
            }
            _ => true,
        };
        if name_known {
            for (answer, at) in core::mem::take(&mut self.waiting) {
                self.answer(kernel, &answer, at);
            }
        }
        if kernel.take_signal() == Some(Signal::Int) {
            if kernel.tty_columns().is_some() {
                kernel.write(Stream::Stdout, vec![Span::plain("^C")]);
            }
            return self.finish(kernel);
        }
        let all_in = self.options.count.is_some_and(|count| self.received + self.errors >= count);
        let over = self.options.deadline.is_some_and(|deadline| now.since(self.began) >= deadline);
        if all_in || over || self.give_up.is_some_and(|at| now >= at) {
            return self.finish(kernel);
        }
        if now >= self.next_send && self.options.count.is_none_or(|count| self.transmitted < count) {
            self.send(kernel);
            // What this machine itself refused counts as answered.
            if self.options.count.is_some_and(|count| self.received + self.errors >= count) {
                return self.finish(kernel);
            }
        }
        let deadline = self.options.deadline.map(|deadline| self.began + deadline);
        let sends_more = self.options.count.is_none_or(|count| self.transmitted < count);
        let next = [sends_more.then_some(self.next_send), self.give_up, deadline];
        if let Some(at) = next.into_iter().flatten().min() {
            kernel.wake_at(at);
        }
        Step::Running
    }

    fn send(&mut self, kernel: &mut dyn Kernel) {
        let now = kernel.now();
        self.transmitted += 1;
        let seq = self.transmitted as u16;
        let request = EchoRequest {
            to: self.target,
            seq,
            ttl: self.options.ttl,
            iface: self.iface,
            src: None,
            path_mtu: self.options.path_mtu,
            payload: payload(now, self.options.payload),
        };
        if self.sent_at.len() >= REMEMBERED_MAX {
            self.sent_at.pop_first();
        }
        self.sent_at.insert(seq, now);
        if let Err(error) = kernel.ping_send(self.socket, request) {
            self.errors += 1;
            let text = match error {
                Errno::EMSGSIZE => {
                    let mtu = kernel.route_get(self.target, self.iface).ok().map_or(1500, |choice| {
                        let iface = || kernel.ifaces().into_iter().find(|row| row.index == choice.iface);
                        choice.mtu.map_or_else(|| iface().map_or(1500, |row| row.mtu), |(mtu, _)| mtu)
                    });
                    format!("ping: local error: message too long, mtu={mtu}\n")
                }
                error => format!("ping: sendmsg: {}\n", error.text()),
            };
            kernel.write(Stream::Stderr, vec![Span::plain(text)]);
        }
        self.last_sent = now;
        self.next_send = now + self.options.interval;
        if self.options.count.is_some_and(|count| self.transmitted >= count) {
            // The last one: twice the longest round trip so far, and at least an interval; without any, `-W`.
            let longest = self.round_trips.iter().max().copied();
            let wait =
                longest.map_or(self.options.linger, |us| (Duration::from_micros(us) * 2).max(self.options.interval));
            self.give_up = Some(now + wait);
        }
    }

    fn answer(&mut self, kernel: &mut dyn Kernel, answer: &EchoAnswer, at: SimTime) {
        let shown = !self.options.quiet;
        let (seq, spans) = match answer {
            EchoAnswer::Reply { from, seq, ttl, payload } => {
                self.received += 1;
                let sent = self.sent_at.remove(seq).filter(|_| payload.len() >= TIMED_PAYLOAD);
                let trip = sent.map(|sent| at.since(sent).as_micros() as u64);
                self.round_trips.extend(trip);
                let bytes = payload.len() + 8;
                (*seq, shown.then(|| self.reply_line(*from, *seq, *ttl, bytes, trip)))
            }
            EchoAnswer::Error { from, seq, icmp_type, code, info } => {
                self.errors += 1;
                (*seq, shown.then(|| self.error_line(*from, *seq, &complaint(*icmp_type, *code, *info))))
            }
            EchoAnswer::Unreachable { from, seq } => {
                self.errors += 1;
                (*seq, shown.then(|| self.error_line(*from, *seq, "Destination Host Unreachable")))
            }
        };
        let outstanding = (self.transmitted as u16).wrapping_sub(seq);
        self.pipe = self.pipe.max(u64::from(outstanding) + 1);
        if let Some(spans) = spans {
            kernel.write(Stream::Stdout, spans);
        }
    }

    fn who(&self, from: Ipv4Addr) -> Vec<Span> {
        let addr = Span::new(from.to_string(), "ip-address");
        match self.reverse_name.as_ref().filter(|_| from == self.target) {
            Some(name) => vec![Span::plain(format!("{name} (")), addr, Span::plain(")")],
            None if self.reverse.is_some() => vec![addr.clone(), Span::plain(" ("), addr, Span::plain(")")],
            None => vec![addr],
        }
    }

    fn reply_line(&self, from: Ipv4Addr, seq: u16, ttl: u8, bytes: usize, trip: Option<u64>) -> Vec<Span> {
        let mut spans = vec![Span::plain(format!("{bytes} bytes from "))];
        spans.extend(self.who(from));
        spans.push(Span::plain(": "));
        spans.push(Span::new(format!("icmp_seq={seq}"), "icmp-seq"));
        spans.push(Span::plain(" "));
        spans.push(Span::new(format!("ttl={ttl}"), "ttl"));
        if let Some(us) = trip {
            spans.push(Span::plain(" "));
            spans.push(Span::new(format!("time={} ms", millis(us)), "rtt"));
        }
        spans.push(Span::plain("\n"));
        spans
    }

    fn error_line(&self, from: Ipv4Addr, seq: u16, text: &str) -> Vec<Span> {
        let mut spans = vec![Span::plain("From ")];
        spans.extend(self.who(from));
        spans.push(Span::plain(" "));
        spans.push(Span::new(format!("icmp_seq={seq}"), "icmp-seq"));
        spans.push(Span::plain(format!(" {text}\n")));
        spans
    }

    fn finish(&self, kernel: &mut dyn Kernel) -> Step {
        let mut text = format!("\n--- {} ping statistics ---\n", self.options.target);
        let lost = match self.transmitted {
            0 => String::new(),
            sent => format!(", {}% packet loss", percent(sent.saturating_sub(self.received), sent)),
        };
        let errors = if self.errors > 0 { format!(", +{} errors", self.errors) } else { String::new() };
        let time = self.last_sent.since(self.began).as_millis();
        let _ = writeln!(
            text,
            "{} packets transmitted, {} received{errors}{lost}, time {time}ms",
            self.transmitted, self.received
        );
        let mut comma = "";
        if !self.round_trips.is_empty() {
            let _ = write!(text, "rtt min/avg/max/mdev = {} ms", statistics(&self.round_trips));
            comma = ", ";
        }
        if self.pipe > 1 {
            let _ = write!(text, "{comma}pipe {}", self.pipe);
        }
        text.push('\n');
        kernel.write(Stream::Stdout, vec![Span::plain(text)]);
        let short = self.options.deadline.is_some() && self.options.count.is_some_and(|count| self.received < count);
        Step::Exited(i32::from(self.received == 0 || short))
    }
}

/// The payload as ping fills it: the time in 16 bytes, then 0x10, 0x11 ….
fn payload(now: SimTime, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
    let time: Vec<u8> =
        now.as_secs().to_le_bytes().into_iter().chain((now.as_micros() % 1_000_000).to_le_bytes()).collect();
    if let Some(head) = bytes.get_mut(..TIMED_PAYLOAD) {
        head.copy_from_slice(&time);
    }
    bytes
}

/// A round trip in microseconds, as ping writes it in milliseconds: three digits that count.
fn millis(us: u64) -> String {
    match us {
        99_950.. => format!("{}", (us + 500) / 1_000),
        9_995.. => format!("{}.{}", (us + 50) / 1_000, (us + 50) % 1_000 / 100),
        1_000.. => format!("{}.{:02}", (us + 5) / 1_000, (us + 5) % 1_000 / 10),
        _ => format!("0.{us:03}"),
    }
}

/// min/avg/max/mdev, all in integers.
fn statistics(trips: &[u64]) -> String {
    let count = trips.len() as u64;
    let sum: u64 = trips.iter().sum();
    let squares: u64 = trips.iter().map(|us| us.saturating_mul(*us)).fold(0, u64::saturating_add);
    let variance = (squares.saturating_sub(sum.saturating_mul(sum) / count)) / count;
    let (min, max) = (trips.iter().min().copied().unwrap_or(0), trips.iter().max().copied().unwrap_or(0));
    [min, sum / count, max, variance.isqrt()].map(|us| format!("{}.{:03}", us / 1_000, us % 1_000)).join("/")
}

/// A share in percent with up to six digits that count, rounded, as `%g` writes it.
fn percent(part: u64, whole: u64) -> String {
    let whole_percent = part * 100 / whole;
    let decimals = 6usize.saturating_sub(whole_percent.to_string().len()) as u32;
    let scale = 10u64.pow(decimals);
    let scaled = (part * 100 * scale * 2 / whole).div_ceil(2);
    let (units, fraction) = (scaled / scale, scaled % scale);
    let digits = format!("{fraction:0width$}", width = decimals as usize);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { units.to_string() } else { format!("{units}.{digits}") }
}

/// What ping says of an ICMP error (iputils ping/ping.c `pr_icmph`).
fn complaint(icmp_type: u8, code: u8, info: u16) -> String {
    match (icmp_type, code) {
        (3, 0) => "Destination Net Unreachable".to_owned(),
        (3, 1) => "Destination Host Unreachable".to_owned(),
        (3, 2) => "Destination Protocol Unreachable".to_owned(),
        (3, 3) => "Destination Port Unreachable".to_owned(),
        (3, 4) => format!("Frag needed and DF set (mtu = {info})"),
        (3, 13) => "Packet filtered".to_owned(),
        (3, code) => format!("Dest Unreachable, Bad Code: {code}"),
        (11, 0) => "Time to live exceeded".to_owned(),
        (11, _) => "Frag reassembly time exceeded".to_owned(),
        (kind, _) => format!("Bad ICMP type: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_that_count() {
        assert_eq!(
            [27, 316, 1_234, 11_420, 99_949, 123_456].map(millis),
            ["0.027", "0.316", "1.23", "11.4", "99.9", "123"]
        );
    }

    #[test]
    fn statistics_and_losses_are_as_ping_counts_them() {
        assert_eq!(statistics(&[316, 44]), "0.044/0.180/0.316/0.136");
        assert_eq!([(0, 3), (1, 3), (2, 3), (3, 3)].map(|(a, b)| percent(a, b)), ["0", "33.3333", "66.6667", "100"]);
    }
}
