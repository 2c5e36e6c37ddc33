//! `nc` of netcat-openbsd 1.219, as Debian 12 has it: TCP and UDP, client and listener.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::resolve::{Resolved, Resolver};
use super::{Errno, Kernel, Signal, Stdin, Step, TcpStatus};
use crate::addr::Endpoint;
use crate::event::{Span, Stream};
use crate::id::SocketId;
use crate::time::SimTime;

/// Bytes of standard input that wait to be sent.
const PENDING_MAX: usize = 65_536;
/// Names of a few well-known ports, for `-v` (/etc/services).
const SERVICES: [(u16, &str); 6] =
    [(22, "ssh"), (53, "domain"), (67, "bootps"), (80, "http"), (443, "https"), (7, "echo")];
const USAGE: &str = "usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]\n";

#[derive(Clone, Debug, Default)]
struct Options {
    listen: bool,
    keep: bool,
    udp: bool,
    verbose: bool,
    scan: bool,
    numeric: bool,
    shutdown: bool,
    timeout: Option<Duration>,
    host: String,
    port: u16,
}

#[derive(Clone, Debug)]
enum State {
    Begin,
    Resolving(Resolver),
    Connecting(SocketId),
    Listening(SocketId),
    Talking { socket: SocketId, listener: Option<SocketId> },
    Datagrams { socket: SocketId, peer: Option<Endpoint> },
}

/// The program.
#[derive(Clone, Debug)]
pub struct Nc {
    argv: Vec<String>,
    options: Options,
    state: State,
    addr: Ipv4Addr,
    pending: Vec<u8>,
    input_over: bool,
    last_active: SimTime,
}

impl Nc {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        Self {
            argv: argv.to_vec(),
            options: Options::default(),
            state: State::Begin,
            addr: Ipv4Addr::UNSPECIFIED,
            pending: Vec::new(),
            input_over: false,
            last_active: SimTime::ZERO,
        }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if kernel.take_signal() == Some(Signal::Int) {
            return Step::Exited(130);
        }
        if let State::Begin = self.state {
            match parse(self.argv.get(1..).unwrap_or_default()) {
                Ok(options) => self.options = options,
                Err(text) => {
                    kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                    return Step::Exited(1);
                }
            }
            self.last_active = kernel.now();
            if let Some(step) = self.begin(kernel) {
                return step;
            }
        }
        if let State::Resolving(_) = self.state
            && let Some(step) = self.resolve(kernel)
        {
            return step;
        }
        match self.state.clone() {
            State::Connecting(socket) => self.connecting(kernel, socket),
            State::Listening(listener) => match kernel.tcp_accept(listener) {
                Some((socket, from)) => {
                    let text = format!("Connection received on {} {}\n", from.addr, from.port);
                    self.talk(kernel, &text);
                    self.state = State::Talking { socket, listener: Some(listener) };
                    if !self.options.keep {
                        kernel.close(listener);
                    }
                    self.stream(kernel, socket, Some(listener))
                }
                None => Step::Running,
            },
            State::Talking { socket, listener } => self.stream(kernel, socket, listener),
            State::Datagrams { socket, peer } => self.datagrams(kernel, socket, peer),
            State::Begin | State::Resolving(_) => Step::Running,
        }
    }

    fn begin(&mut self, kernel: &mut dyn Kernel) -> Option<Step> {
        if !self.options.listen {
            self.state = State::Resolving(Resolver::address_of(kernel, &self.options.host));
            return None;
        }
        let at = Endpoint::new(self.options.host.parse().unwrap_or(Ipv4Addr::UNSPECIFIED), self.options.port);
        let opened = if self.options.udp { kernel.udp_open(at) } else { kernel.tcp_listen(at, 1) };
        match opened {
            Ok(socket) if self.options.udp => self.state = State::Datagrams { socket, peer: None },
            Ok(socket) => {
                self.talk(kernel, &format!("Listening on {} {}\n", at.addr, at.port));
                self.state = State::Listening(socket);
            }
            Err(error) => {
                kernel.write(Stream::Stderr, vec![Span::plain(format!("nc: {}\n", error.text()))]);
                return Some(Step::Exited(1));
            }
        }
        None
    }

    fn resolve(&mut self, kernel: &mut dyn Kernel) -> Option<Step> {
        let State::Resolving(resolver) = &mut self.state else { return None };
        let addr = match resolver.poll(kernel)? {
            Resolved::Addr(addr) => addr,
            failed => {
                let Options { host, port, .. } = &self.options;
                let text = format!("nc: getaddrinfo for host \"{host}\" port {port}: {}\n", failed.complaint());
                kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                return Some(Step::Exited(1));
            }
        };
        self.addr = addr;
        let to = Endpoint::new(addr, self.options.port);
        if self.options.udp {
            let socket = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0)).ok();
            match socket.map(|socket| (socket, kernel.udp_connect(socket, to))) {
                Some((socket, Ok(()))) => {
                    self.state = State::Datagrams { socket, peer: Some(to) };
                    None
                }
                _ => Some(self.refused(kernel, Errno::ENETUNREACH)),
            }
        } else {
            match kernel.tcp_connect(to) {
                Ok(socket) => {
                    self.state = State::Connecting(socket);
                    None
                }
                Err(error) => Some(self.refused(kernel, error)),
            }
        }
    }

    fn connecting(&mut self, kernel: &mut dyn Kernel, socket: SocketId) -> Step {
        match kernel.tcp_status(socket) {
            TcpStatus::Connecting => {
                if let Some(limit) = self.options.timeout {
                    if kernel.now().since(self.last_active) >= limit {
                        kernel.close(socket);
                        return self.refused(kernel, Errno::ETIMEDOUT);
                    }
                    kernel.wake_at(self.last_active + limit);
                }
                Step::Running
            }
            TcpStatus::Connected => {
                let Options { host, port, .. } = &self.options;
                let addr = if host.parse::<Ipv4Addr>().is_ok() { String::new() } else { format!(" ({})", self.addr) };
                let text = format!("Connection to {host}{addr} {port} port [tcp/{}] succeeded!\n", self.service());
                self.talk(kernel, &text);
                if self.options.scan {
                    kernel.close(socket);
                    return Step::Exited(0);
                }
                self.last_active = kernel.now();
                self.state = State::Talking { socket, listener: None };
                self.stream(kernel, socket, None)
            }
            TcpStatus::Closed(error) => {
                kernel.close(socket);
                self.refused(kernel, error.unwrap_or(Errno::ECONNREFUSED))
            }
        }
    }

    fn service(&self) -> &'static str {
        let known = SERVICES.iter().find(|(port, _)| *port == self.options.port);
        known.filter(|_| !self.options.numeric).map_or("*", |(_, name)| name)
    }

    fn refused(&self, kernel: &mut dyn Kernel, error: Errno) -> Step {
        let Options { host, port, .. } = &self.options;
        let proto = if self.options.udp { "udp" } else { "tcp" };
        let addr = if host.parse::<Ipv4Addr>().is_ok() { String::new() } else { format!(" ({})", self.addr) };
        // TCP's failure is always said where `-v` is; without it only the exit status tells.
        let what = if error == Errno::ETIMEDOUT { "Operation now in progress" } else { error.text() };
        let text = format!("nc: connect to {host}{addr} port {port} ({proto}) failed: {what}\n");
        self.talk(kernel, &text);
        Step::Exited(1)
    }

    /// Reads standard input; `true` once it has ended.
    fn read_input(&mut self, kernel: &mut dyn Kernel) {
        while !self.input_over && self.pending.len() < PENDING_MAX {
            match kernel.read_stdin() {
                Stdin::Bytes(bytes) => self.pending.extend(bytes),
                Stdin::Eof => self.input_over = true,
                Stdin::Nothing => return,
            }
        }
    }

    fn stream(&mut self, kernel: &mut dyn Kernel, socket: SocketId, listener: Option<SocketId>) -> Step {
        let had_input = !self.input_over;
        self.read_input(kernel);
        while !self.pending.is_empty() {
            match kernel.tcp_send(socket, &self.pending) {
                Ok(0) => break,
                Ok(sent) => {
                    self.pending.drain(..sent);
                    self.last_active = kernel.now();
                }
                Err(_) => return self.over(kernel, socket, listener),
            }
        }
        if had_input && self.input_over && self.pending.is_empty() && self.options.shutdown {
            kernel.tcp_shutdown(socket);
        }
        loop {
            match kernel.tcp_recv(socket, 16_384) {
                Ok(None) => break,
                Ok(Some(bytes)) if !bytes.is_empty() => {
                    self.last_active = kernel.now();
                    print(kernel, &bytes);
                }
                _ => return self.over(kernel, socket, listener),
            }
        }
        self.idle(kernel, socket)
    }

    fn idle(&self, kernel: &mut dyn Kernel, socket: SocketId) -> Step {
        if let Some(limit) = self.options.timeout {
            if kernel.now().since(self.last_active) >= limit {
                kernel.close(socket);
                return Step::Exited(0);
            }
            kernel.wake_at(self.last_active + limit);
        }
        Step::Running
    }

    fn over(&mut self, kernel: &mut dyn Kernel, socket: SocketId, listener: Option<SocketId>) -> Step {
        kernel.close(socket);
        match listener.filter(|_| self.options.keep) {
            Some(listener) => {
                self.state = State::Listening(listener);
                Step::Running
            }
            None => Step::Exited(0),
        }
    }

    fn datagrams(&mut self, kernel: &mut dyn Kernel, socket: SocketId, peer: Option<Endpoint>) -> Step {
        let mut peer = peer;
        while let Some(received) = kernel.udp_recv(socket) {
            match received {
                Ok(datagram) => {
                    self.last_active = kernel.now();
                    if peer.is_none() {
                        let text = format!("Connection received on {} {}\n", datagram.from.addr, datagram.from.port);
                        self.talk(kernel, &text);
                        peer = Some(datagram.from);
                    }
                    print(kernel, &datagram.payload);
                }
                Err(_) => return Step::Exited(1),
            }
        }
        self.state = State::Datagrams { socket, peer };
        self.read_input(kernel);
        if let Some(to) = peer
            && !self.pending.is_empty()
        {
            let payload = core::mem::take(&mut self.pending);
            if kernel.udp_send(socket, to, &payload).is_err() {
                return Step::Exited(1);
            }
        }
        self.idle(kernel, socket)
    }

    fn talk(&self, kernel: &mut dyn Kernel, text: &str) {
        if self.options.verbose {
            kernel.write(Stream::Stderr, vec![Span::plain(text)]);
        }
    }
}

fn print(kernel: &mut dyn Kernel, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    kernel.write(Stream::Stdout, vec![Span::plain(text)]);
}

fn parse(words: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut places = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            places.push(word.clone());
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'l' => options.listen = true,
                'k' => options.keep = true,
                'u' => options.udp = true,
                'v' => options.verbose = true,
                'z' => options.scan = true,
                'n' => options.numeric = true,
                'N' => options.shutdown = true,
                '4' => {}
                'w' | 'p' | 'q' => {
                    let inline: String = letters.by_ref().collect();
                    let value = if inline.is_empty() { words.next().cloned() } else { Some(inline) };
                    let value =
                        value.ok_or_else(|| format!("nc: option requires an argument -- '{letter}'\n{USAGE}"))?;
                    match letter {
                        'w' => {
                            let secs = value.parse().map_err(|_| format!("nc: timeout invalid: {value}\n"))?;
                            options.timeout = Some(Duration::from_secs(u32::into(secs)));
                        }
                        'p' => options.port = port(&value)?,
                        _ => {}
                    }
                }
                _ => return Err(format!("nc: invalid option -- '{letter}'\n{USAGE}")),
            }
        }
    }
    match (options.listen, places.as_slice()) {
        (true, []) if options.port != 0 => {}
        (true, [only]) if options.port == 0 => options.port = port(only)?,
        (true, [host]) => options.host.clone_from(host),
        (_, [host, at]) => {
            options.host.clone_from(host);
            options.port = port(at)?;
        }
        _ => return Err(USAGE.to_owned()),
    }
    Ok(options)
}

fn port(text: &str) -> Result<u16, String> {
    let named = SERVICES.iter().find(|(_, name)| *name == text).map(|(port, _)| *port);
    named
        .or_else(|| text.parse().ok().filter(|port| *port != 0))
        .ok_or_else(|| format!("nc: port number invalid: {text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options(line: &str) -> Result<Options, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_listener_needs_a_port_and_a_client_a_host_too() {
        assert_eq!(options("-l 8080").unwrap().port, 8080);
        assert_eq!(options("-lp 8080").unwrap().port, 8080);
        assert_eq!(options("-zv 10.0.0.1 http").unwrap().port, 80);
        assert_eq!(options("10.0.0.1").unwrap_err(), USAGE);
        assert_eq!(options("10.0.0.1 x").unwrap_err(), "nc: port number invalid: x\n");
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}", 0..5)) {
            let _ = parse(&words);
        }
    }
}
