//! `traceroute` of Debian 12 (2.1.2): UDP and echo probes, sixteen at once, printed in order.
//!
//! Owns which probe is sent, given up and printed when. One simplification: where answers are missing, the real one
//! also guesses a late answer's place from the TTL that the report arrived with.

mod options;
mod probe;

use core::net::Ipv4Addr;
use core::time::Duration;

use options::{Method, Options};
use probe::Probe;

use super::resolve::{Resolved, Resolver};
use super::{EchoAnswer, EchoRequest, Errno, Kernel, PathMtu, Step};
use crate::addr::Endpoint;
use crate::event::{Span, Stream};
use crate::frame::icmp::Icmp;
use crate::id::SocketId;
use crate::time::SimTime;

/// traceroute's `DEF_START_PORT`, and the port of `-U`.
const FIRST_PORT: u16 = 33_434;
const UDP_PORT: u16 = 53;
/// Added to an answer's time before a factor is applied (`DEF_WAIT_PREC`).
const WAIT_PRECISION_US: u64 = 1_000;
/// ICMP, type 3, code 1.
const HOST_UNREACHABLE: (u8, u8) = (3, 1);

#[derive(Clone, Debug)]
enum State {
    Begin,
    Resolving(Box<(Options, Resolver)>),
    Running(Box<Running>),
}

/// The program.
#[derive(Clone, Debug)]
pub struct Traceroute {
    argv: Vec<String>,
    state: State,
}

#[derive(Clone, Debug)]
struct Running {
    options: Options,
    target: Ipv4Addr,
    iface: Option<u32>,
    /// The socket of all echo requests.
    ping: Option<SocketId>,
    /// The next UDP port or sequence number.
    next: u16,
    probes: Vec<Probe>,
    /// The first probe that is not printed.
    start: usize,
    /// The first that need not be.
    end: usize,
    last_sent: Option<SimTime>,
    /// The name of whoever answered the probe at `start`.
    naming: Option<Resolver>,
}

impl Traceroute {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_vec(), state: State::Begin }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if let State::Begin = self.state {
            match Options::parse(self.argv.get(1..).unwrap_or_default()) {
                Ok(options) => {
                    let resolver = Resolver::address_of(kernel, &options.host);
                    self.state = State::Resolving(Box::new((options, resolver)));
                }
                Err(refused) => {
                    let stream = if refused.on_stdout { Stream::Stdout } else { Stream::Stderr };
                    kernel.write(stream, vec![Span::plain(refused.text)]);
                    return Step::Exited(refused.status);
                }
            }
        }
        if let State::Resolving(asking) = &mut self.state {
            let (options, resolver) = &mut **asking;
            match resolver.poll(kernel) {
                None => return Step::Running,
                Some(Resolved::Addr(target)) => {
                    let mut running = Running::new(options.clone(), target);
                    running.say_header(kernel);
                    if let Err((call, errno)) = running.begin(kernel) {
                        return fail(kernel, call, errno);
                    }
                    self.state = State::Running(Box::new(running));
                }
                Some(failed) => {
                    let (host, word, why) = (&options.host, options.host_word, failed.complaint());
                    let text = format!(
                        "{host}: {why}\nCannot handle \"host\" cmdline arg `{host}' on position 1 (argc {word})\n"
                    );
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

/// What the system refused: the header's line is ended on standard error, as perror(3) finds it.
fn fail(kernel: &mut dyn Kernel, call: &str, errno: Errno) -> Step {
    kernel.write(Stream::Stderr, vec![Span::plain(format!("\n{call}: {}\n", errno.text()))]);
    Step::Exited(1)
}

impl Running {
    fn new(options: Options, target: Ipv4Addr) -> Self {
        let per_hop = options.queries as usize;
        let end = options.max_hops as usize * per_hop;
        let first = match options.method {
            Method::Default => FIRST_PORT,
            Method::Udp => UDP_PORT,
            Method::Icmp => 1,
        };
        Self {
            target,
            iface: None,
            ping: None,
            next: options.port.unwrap_or(first),
            probes: vec![Probe::default(); end],
            start: (options.first_hop as usize - 1) * per_hop,
            end,
            last_sent: None,
            naming: None,
            options,
        }
    }

    fn say_header(&self, kernel: &mut dyn Kernel) {
        let spans = vec![
            Span::plain(format!("traceroute to {} (", self.options.host)),
            Span::new(self.target.to_string(), "ip-address"),
            Span::plain(format!("), {} hops max, {} byte packets", self.options.max_hops, self.options.data_len + 28)),
        ];
        kernel.write(Stream::Stdout, spans);
    }

    /// What holds for all probes.
    fn begin(&mut self, kernel: &mut dyn Kernel) -> Result<(), (&'static str, Errno)> {
        if let Some(name) = &self.options.device {
            let found = kernel.ifaces().into_iter().find(|row| row.name == *name);
            self.iface = Some(found.ok_or(("setsockopt SO_BINDTODEVICE", Errno::ENODEV))?.index);
        }
        if let Some(source) = self.options.source {
            let own = kernel.addrs().into_iter().any(|row| row.addr == core::net::IpAddr::V4(source));
            if !own && !source.is_loopback() {
                return Err(("bind", Errno::EADDRNOTAVAIL));
            }
        }
        let choice = kernel.route_get(self.target, self.iface).map_err(|errno| ("connect", errno))?;
        if choice.src.is_unspecified() {
            return Err(("connect", Errno::ENETUNREACH));
        }
        if choice.broadcast {
            return Err(("connect", Errno::EACCES));
        }
        if self.options.method == Method::Icmp {
            self.ping = Some(kernel.ping_open().map_err(|errno| ("socket", errno))?);
        }
        Ok(())
    }

    fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        self.receive(kernel);
        while self.start < self.end {
            if let Some(naming) = &mut self.naming {
                let name = match naming.poll(kernel) {
                    // As in getnameinfo(3), nothing else is done meanwhile; what arrives keeps its time.
                    None => return Step::Running,
                    Some(Resolved::Name(name)) => Some(name),
                    Some(_) => None,
                };
                self.naming = None;
                self.print(kernel, name.as_deref());
                continue;
            }
            match self.round(kernel) {
                Err((call, errno)) => return fail(kernel, call, errno),
                Ok(Some(wake)) if wake > kernel.now() => {
                    kernel.wake_at(wake);
                    return Step::Running;
                }
                Ok(_) => {}
            }
        }
        kernel.write(Stream::Stdout, vec![Span::plain("\n")]);
        Step::Exited(0)
    }

    /// One walk over the probes that are due: gives the first up or prints it, sends more. When to come again.
    fn round(&mut self, kernel: &mut dyn Kernel) -> Result<Option<SimTime>, (&'static str, Errno)> {
        let now = kernel.now();
        let mut wake = None;
        let mut waiting = 0;
        let mut at = self.start;
        while at < self.end {
            let expires = self.probes[at].sent.map(|sent| sent + self.timeout(at));
            if at == self.start
                && !self.probes[at].done
                && let Some(expires) = expires
            {
                if expires > now {
                    wake = Some(expires);
                } else {
                    self.give_up(kernel, at);
                }
            }
            if self.probes[at].done {
                if self.probes[at].last {
                    let per_hop = self.options.queries as usize;
                    self.end = (at / per_hop + 1) * per_hop;
                }
                if at == self.start {
                    self.begin_print(kernel);
                    return Ok(None);
                }
                at += 1;
                continue;
            }
            if self.probes[at].sent.is_none() {
                let due = self.last_sent.map(|last| last + self.options.send_wait);
                if let Some(due) = due.filter(|due| *due > now) {
                    return Ok(Some(due));
                }
                self.send(kernel, at)?;
                self.last_sent = Some(now);
            }
            let expires = self.probes[at].sent.map(|sent| sent + self.timeout(at));
            wake = wake.or(expires);
            waiting += 1;
            if waiting >= self.options.at_once {
                break;
            }
            at += 1;
        }
        Ok(wake)
    }

    /// How long a probe is waited for: not much longer than its neighbours took.
    fn timeout(&self, at: usize) -> Duration {
        let per_hop = self.options.queries as usize;
        let scaled = |probe: &Probe, factor: u64| {
            let us = probe.trip().filter(|trip| !trip.is_zero())?.as_micros() as u64 + WAIT_PRECISION_US;
            Some((us.saturating_mul(factor) / 1_000_000).min(self.options.wait_us))
        };
        let first = at - at % per_hop;
        let same = self.probes.iter().skip(first).take(per_hop).filter(|_| self.options.here > 0);
        let later = self.probes.iter().skip(at + 1).take_while(|probe| probe.sent.is_some());
        let here = same.filter(|probe| probe.done).find_map(|probe| scaled(probe, self.options.here));
        let near = || {
            let mut later = later.filter(|probe| probe.done && self.options.near > 0);
            later.find_map(|probe| scaled(probe, self.options.near))
        };
        Duration::from_micros(here.or_else(near).unwrap_or(self.options.wait_us))
    }

    /// Nobody answered in time. If a later probe of the same hop brought the end, that one stands for this one.
    fn give_up(&mut self, kernel: &mut dyn Kernel, at: usize) {
        self.probes[at].finish(kernel);
        let per_hop = self.options.queries as usize;
        let before = self.probes.get(at - at % per_hop..at).unwrap_or_default();
        if before.iter().any(|probe| !probe.done || !probe.last) {
            return;
        }
        let hop_is_last = !before.is_empty();
        let later = self.probes.iter().enumerate().skip(at + 1).take_while(|(_, probe)| probe.sent.is_some());
        let Some((found, last)) = later.into_iter().find(|(_, probe)| probe.done) else { return };
        // Only reports of errors come out of order.
        if !last.last || last.note.is_empty() {
            return;
        }
        let same_hop = at % per_hop + (found - at) < per_hop;
        let same_router = last.from.is_some() && self.probes.iter().take(at).any(|probe| probe.from == last.from);
        if hop_is_last || same_hop || same_router {
            self.probes[at] = core::mem::take(&mut self.probes[found]);
            // It is not sent again.
            self.probes[found].sent = Some(SimTime::ZERO);
        }
    }

    fn send(&mut self, kernel: &mut dyn Kernel, at: usize) -> Result<(), (&'static str, Errno)> {
        let ttl = u8::try_from(at / self.options.queries as usize + 1).unwrap_or(u8::MAX);
        let payload: Vec<u8> = (0..self.options.data_len).map(|i| 0x40 + (i & 0x3f) as u8).collect();
        let path_mtu = if self.options.dont_fragment { PathMtu::Do } else { PathMtu::Dont };
        let (number, now) = (self.next, kernel.now());
        let sent = if let Some(socket) = self.ping {
            let (to, seq) = (self.target, number);
            let (iface, src) = (self.iface, self.options.source);
            kernel.ping_send(socket, EchoRequest { to, seq, ttl: Some(ttl), iface, src, path_mtu, payload })
        } else {
            let any = self.options.source.unwrap_or(Ipv4Addr::UNSPECIFIED);
            let bind = Endpoint::new(any, self.options.source_port.unwrap_or(0));
            let socket = kernel.udp_open(bind).map_err(|errno| ("bind", errno))?;
            let to = Endpoint::new(self.target, number);
            kernel.udp_ttl(socket, ttl);
            kernel.udp_path(socket, self.iface, path_mtu);
            kernel.udp_connect(socket, to).map_err(|errno| ("connect", errno))?;
            // The first call asks for reports of errors.
            let _ = kernel.udp_notice(socket);
            self.probes[at].socket = Some(socket);
            kernel.udp_send(socket, to, &payload)
        };
        let probe = &mut self.probes[at];
        (probe.sent, probe.number) = (Some(now), number);
        if self.options.method != Method::Udp {
            self.next = self.next.wrapping_add(1);
        }
        match sent {
            // The socket hears the rest.
            Ok(()) | Err(Errno::EHOSTUNREACH) => Ok(()),
            Err(Errno::EMSGSIZE) => {
                let mtu = kernel.route_get(self.target, self.iface).ok().map_or(0, |choice| {
                    let iface = kernel.ifaces().into_iter().find(|row| row.index == choice.iface);
                    choice.mtu.map_or_else(|| iface.map_or(0, |row| row.mtu), |(mtu, _)| mtu)
                });
                let probe = &mut self.probes[at];
                (probe.note, probe.last, probe.received) = (format!("!F-{mtu}"), true, Some(now));
                probe.finish(kernel);
                Ok(())
            }
            Err(errno) => Err(("send", errno)),
        }
    }

    fn receive(&mut self, kernel: &mut dyn Kernel) {
        let now = kernel.now();
        if let Some(socket) = self.ping {
            while let Some(answer) = kernel.ping_recv(socket) {
                let (from, seq, report) = match answer {
                    EchoAnswer::Reply { from, seq, .. } => (from, seq, None),
                    EchoAnswer::Error { from, seq, icmp_type, code, info } => {
                        (from, seq, Some((icmp_type, code, info)))
                    }
                    EchoAnswer::Unreachable { from, seq } => {
                        (from, seq, Some((HOST_UNREACHABLE.0, HOST_UNREACHABLE.1, 0)))
                    }
                };
                let waits = |probe: &&mut Probe| probe.sent.is_some() && !probe.done && probe.number == seq;
                if let Some(probe) = self.probes.iter_mut().find(waits) {
                    probe.answered(kernel, from, now, report);
                }
            }
        }
        for probe in self.probes.iter_mut().filter(|probe| probe.socket.is_some()) {
            let Some(socket) = probe.socket else { continue };
            if let Some(notice) = kernel.udp_notice(socket) {
                let (icmp_type, code) = notice.message.type_and_code();
                let info = match notice.message {
                    Icmp::Unreachable { mtu, .. } => mtu,
                    _ => 0,
                };
                probe.answered(kernel, notice.from, now, Some((icmp_type, code, info)));
                continue;
            }
            while let Some(received) = kernel.udp_recv(socket) {
                if let Ok(datagram) = received {
                    probe.answered(kernel, datagram.from.addr, now, None);
                    break;
                }
            }
        }
    }

    /// Whoever answered the probe at `start`, unless the probe before it has the same.
    fn newly_seen(&self) -> Option<Ipv4Addr> {
        let from = self.probes[self.start].from?;
        let first = self.start - self.start % self.options.queries as usize;
        let before = self.probes.get(first..self.start).unwrap_or_default();
        let seen = before.iter().rev().find_map(|probe| probe.from);
        (seen != Some(from)).then_some(from)
    }

    fn begin_print(&mut self, kernel: &mut dyn Kernel) {
        match self.newly_seen().filter(|_| !self.options.numeric) {
            Some(from) => self.naming = Some(Resolver::name_of(kernel, from)),
            None => self.print(kernel, None),
        }
    }

    fn print(&mut self, kernel: &mut dyn Kernel, name: Option<&str>) {
        let per_hop = self.options.queries as usize;
        let mut spans = Vec::new();
        if self.start.is_multiple_of(per_hop) {
            spans.push(Span::plain("\n"));
            spans.push(Span::new(format!("{:2}", self.start / per_hop + 1), "hop"));
            spans.push(Span::plain(" "));
        }
        let probe = &self.probes[self.start];
        if probe.from.is_none() {
            spans.extend([Span::plain(" "), Span::new("*", "no-answer")]);
        } else if let Some(from) = self.newly_seen() {
            let addr = Span::new(from.to_string(), "ip-address");
            spans.push(Span::plain(" "));
            if self.options.numeric {
                spans.push(addr);
            } else {
                spans.push(Span::plain(format!("{} (", name.map_or_else(|| from.to_string(), str::to_owned))));
                spans.extend([addr, Span::plain(")")]);
            }
        }
        if let Some(trip) = probe.trip() {
            let us = (trip.as_nanos() + 500) / 1_000;
            spans.extend([Span::plain("  "), Span::new(format!("{}.{:03} ms", us / 1_000, us % 1_000), "rtt")]);
        }
        if !probe.note.is_empty() {
            spans.extend([Span::plain(" "), Span::new(probe.note.clone(), "icmp-report")]);
        }
        kernel.write(Stream::Stdout, spans);
        self.start += 1;
    }
}
