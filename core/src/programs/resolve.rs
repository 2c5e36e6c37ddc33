//! A stub resolver, as glibc's with `hosts: files dns`: /etc/hosts, then the servers of /etc/resolv.conf, 5 s each, two
//! rounds (resolv.conf(5)).

use core::net::Ipv4Addr;
use core::time::Duration;

use super::Kernel;
use super::dns::{A, Data, DnsMessage, NXDOMAIN, PTR};
use crate::addr::Endpoint;
use crate::id::SocketId;
use crate::time::SimTime;

const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 2;
const SERVERS_MAX: usize = 3;

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// An address.
    Addr(Ipv4Addr),
    /// A name.
    Name(String),
    /// There is no such name.
    Unknown,
    /// No server answered.
    Failed,
}

impl Resolved {
    /// What glibc's `gai_strerror` says of a failure.
    pub fn complaint(&self) -> &'static str {
        match self {
            Self::Failed => "Temporary failure in name resolution",
            _ => "Name or service not known",
        }
    }
}

/// A question on its way.
#[derive(Clone, Debug)]
pub struct Resolver {
    name: String,
    kind: u16,
    done: Option<Resolved>,
    servers: Vec<Ipv4Addr>,
    /// Questions sent.
    sent: u32,
    socket: Option<SocketId>,
    id: u16,
    retry_at: SimTime,
}

impl Resolver {
    /// Asks for a name's address. An address in dots needs no asking.
    pub fn address_of(kernel: &mut dyn Kernel, name: &str) -> Self {
        let mut resolver = Self::new(kernel, name, A);
        if let Some(addr) = inet_aton(name) {
            resolver.done = Some(Resolved::Addr(addr));
        } else if let Some(addr) = from_hosts(kernel, |_, names| names.clone().any(|known| known == name)) {
            resolver.done = Some(Resolved::Addr(addr.0));
        } else if name.is_empty()
            || DnsMessage::query(0, name, A).emit().is_none()
            || name.contains(|c: char| c.is_whitespace())
        {
            resolver.done = Some(Resolved::Unknown);
        }
        resolver
    }

    /// Asks for an address's name.
    pub fn name_of(kernel: &mut dyn Kernel, addr: Ipv4Addr) -> Self {
        let mut resolver = Self::new(kernel, &DnsMessage::reverse_name(addr), PTR);
        if let Some((_, Some(name))) = from_hosts(kernel, |known, _| known == addr) {
            resolver.done = Some(Resolved::Name(name));
        }
        resolver
    }

    fn new(kernel: &mut dyn Kernel, name: &str, kind: u16) -> Self {
        let conf = kernel.read_file("/etc/resolv.conf").unwrap_or_default();
        let servers = conf
            .lines()
            .filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok())
            .take(SERVERS_MAX)
            .collect();
        Self {
            name: name.to_owned(),
            kind,
            done: None,
            servers,
            sent: 0,
            socket: None,
            id: (kernel.random_u32() & 0xffff) as u16,
            retry_at: SimTime::ZERO,
        }
    }

    /// Goes on; the answer, once there is one.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Option<Resolved> {
        if self.done.is_none() {
            self.receive(kernel);
        }
        if self.done.is_none() && (self.sent == 0 || kernel.now() >= self.retry_at) {
            self.ask(kernel);
        }
        if self.done.is_some() {
            if let Some(socket) = self.socket.take() {
                kernel.close(socket);
            }
        } else {
            kernel.wake_at(self.retry_at);
        }
        self.done.clone()
    }

    fn receive(&mut self, kernel: &mut dyn Kernel) {
        let Some(socket) = self.socket else { return };
        while let Some(received) = kernel.udp_recv(socket) {
            let Ok(datagram) = received else {
                // "Port unreachable": this server is none.
                self.retry_at = kernel.now();
                continue;
            };
            let Some(message) = DnsMessage::parse(&datagram.payload) else { continue };
            if message.response && message.id == self.id && message.name.eq_ignore_ascii_case(&self.name) {
                self.done = Some(match message.rcode {
                    0 => answer_of(&message, self.kind),
                    NXDOMAIN => Resolved::Unknown,
                    _ => Resolved::Failed,
                });
            }
        }
    }

    fn ask(&mut self, kernel: &mut dyn Kernel) {
        let count = self.servers.len() as u32;
        loop {
            if self.sent >= count * ATTEMPTS {
                self.done = Some(Resolved::Failed);
                return;
            }
            let server = self.servers.get((self.sent % count) as usize).copied();
            self.sent += 1;
            if let Some(old) = self.socket.take() {
                kernel.close(old);
            }
            let query = DnsMessage::query(self.id, &self.name, self.kind).emit();
            let (Some(server), Some(query)) = (server, query) else { continue };
            let Ok(socket) = kernel.udp_open(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0)) else { continue };
            self.socket = Some(socket);
            let to = Endpoint::new(server, 53);
            if kernel.udp_connect(socket, to).is_ok() && kernel.udp_send(socket, to, &query).is_ok() {
                self.retry_at = kernel.now() + TIMEOUT;
                return;
            }
        }
    }
}

/// An address in numbers as inet_aton(3) reads it: one to four parts, the last for all bytes that are left; decimal,
/// octal after 0, hexadecimal after 0x.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let (digits, radix) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some(hex) => (hex, 16),
            None if part.len() > 1 && part.starts_with('0') => (part, 8),
            None => (part, 10),
        };
        if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
    };
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    let free_bits = 32 - 8 * u32::try_from(first.len()).ok().filter(|count| *count < 4)?;
    if first.iter().any(|part| *part > 255) || u64::from(*last) >> free_bits != 0 {
        return None;
    }
    let head = first.iter().zip([24, 16, 8]).fold(0, |bits, (part, shift)| bits | part << shift);
    Some(Ipv4Addr::from_bits(head | last))
}

fn answer_of(message: &DnsMessage, kind: u16) -> Resolved {
    let found = message.answers.iter().find(|answer| answer.kind == kind).map(|answer| answer.data.clone());
    match found {
        Some(Data::A(addr)) => Resolved::Addr(addr),
        Some(Data::Name(name)) => Resolved::Name(name),
        _ => Resolved::Unknown,
    }
}

/// The first line of /etc/hosts that fits: its address and its first name.
fn from_hosts(
    kernel: &dyn Kernel,
    fits: impl Fn(Ipv4Addr, core::str::SplitWhitespace<'_>) -> bool,
) -> Option<(Ipv4Addr, Option<String>)> {
    let text = kernel.read_file("/etc/hosts").ok()?;
    text.lines().find_map(|line| {
        let line = line.split('#').next()?;
        let mut words = line.split_whitespace();
        let addr = words.next()?.parse().ok()?;
        fits(addr, words.clone()).then(|| (addr, words.next().map(str::to_owned)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_inet_aton_reads_them() {
        let read = |text| inet_aton(text).map(|addr| addr.to_string());
        for (text, addr) in [
            ("8.8.8.8", "8.8.8.8"),
            ("1.2.3", "1.2.0.3"),
            ("10.1", "10.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("0x7f000001", "127.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("10.65536", "10.1.0.0"),
        ] {
            assert_eq!(read(text).as_deref(), Some(addr), "{text}");
        }
        for text in
            ["", ".", "1.", "256.1.1.1", "1.2.3.4.5", "1.2.3.256", "1.16777216", "08", "+1", "-1", "0x", "a.b", "1.+2"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
