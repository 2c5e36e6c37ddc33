//! Between which ends a frame goes, as far as that says what belongs together: read from its bytes, lax, without
//! decoding the whole. Knows nothing of other frames.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netmodes_core::addr::MacAddr;

use super::FrameEntry;

/// What kind of exchange a frame is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Who has an address.
    Arp,
    /// A client's dealings for an address.
    Dhcp,
    /// Echo and replies.
    Echo,
    /// A TCP connection.
    Tcp,
    /// Datagrams between two sockets.
    Udp,
    /// Spanning tree.
    Stp,
    /// Anything else.
    Other,
}

impl Kind {
    /// How long after its last frame another one still belongs to it.
    pub const fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Arp | Self::Other => 3,
            // A client asks again after up to 64 s (RFC 2131 4.1); a renewal comes much later.
            Self::Dhcp => 70,
            Self::Echo => 15,
            Self::Udp => 10,
            Self::Stp => 30,
            // An idle connection is the same connection.
            Self::Tcp => 7 * 86_400,
        })
    }
}

/// Two ends, the lesser first, so that both directions are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    kind: Kind,
    a: (u128, u16),
    b: (u128, u16),
}

impl Ends {
    fn new(kind: Kind, a: (u128, u16), b: (u128, u16)) -> Self {
        Self { kind, a: a.min(b), b: a.max(b) }
    }
}

/// What is seen of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Of what kind it is.
    pub kind: Kind,
    /// Its ends.
    pub ends: Ends,
    /// It is a request, not an answer.
    pub asks: bool,
    /// It begins something: a SYN.
    pub opens: bool,
    /// It ends something: a FIN or RST.
    pub closes: bool,
    /// A segment with data in it.
    pub payload: bool,
    /// For the title: who is asked for, or the other end with its port.
    target: String,
    /// The own port, where there is one.
    port: Option<u16>,
}

impl Seen {
    /// The name of an exchange that begins with this frame; `sender` is its sender's name.
    pub fn title(&self, entry: &FrameEntry, sender: &str) -> String {
        match self.kind {
            Kind::Arp => format!("ARP who-has {}", self.target),
            Kind::Dhcp if self.asks && !sender.is_empty() => format!("DHCP · {sender}"),
            Kind::Dhcp => format!("DHCP · {}", self.target),
            Kind::Echo => format!("ping {}", self.target),
            Kind::Tcp => format!("TCP {sender}:{} → {}", self.port.unwrap_or_default(), self.target),
            Kind::Udp if entry.summary().proto == "DNS" => {
                let question = entry.decoded().get("dns.qry.name").unwrap_or(&self.target).to_owned();
                format!("DNS {question}")
            }
            Kind::Udp => format!("UDP {sender}:{} → {}", self.port.unwrap_or_default(), self.target),
            Kind::Stp => "STP".to_owned(),
            Kind::Other => format!("{} · {sender}", entry.summary().proto),
        }
    }
}

/// Looks at a frame's bytes.
pub fn see(bytes: &[u8]) -> Seen {
    match bytes.get(12..14) {
        Some([0x08, 0x06]) => arp(bytes),
        Some([0x08, 0x00]) => bytes.get(14..).and_then(|packet| ipv4(packet, true)),
        Some([high, _]) if *high < 0x06 => Some(plain(Kind::Stp, (0, 0), (0, 0))),
        _ => None,
    }
    .unwrap_or_else(|| {
        let mac = |at: usize| bytes.get(at..at + 6).and_then(MacAddr::from_slice);
        let number =
            |mac: Option<MacAddr>| mac.map_or(0, |mac| mac.0.iter().fold(0, |n, byte| n << 8 | u128::from(*byte)));
        // By sender and kind: what one machine says to nobody in particular.
        let kind = bytes.get(12..14).map_or(0, |kind| u16::from(kind[0]) << 8 | u16::from(kind[1]));
        plain(Kind::Other, (number(mac(6)), kind), (0, 0))
    })
}

fn plain(kind: Kind, a: (u128, u16), b: (u128, u16)) -> Seen {
    let ends = Ends::new(kind, a, b);
    Seen { kind, ends, asks: false, opens: false, closes: false, payload: false, target: String::new(), port: None }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?))
}

fn number(addr: Ipv4Addr) -> u128 {
    u128::from(u32::from(addr))
}

fn arp(bytes: &[u8]) -> Option<Seen> {
    let operation = word(bytes, 20)?;
    let (sender, target) = (address(bytes, 28)?, address(bytes, 38)?);
    let asks = operation == 1;
    let asked = if asks { target } else { sender };
    Some(Seen { asks, target: asked.to_string(), ..plain(Kind::Arp, (number(sender), 0), (number(target), 0)) })
}

/// An IPv4 packet; the one inside an ICMP error is looked at when `outer`.
fn ipv4(packet: &[u8], outer: bool) -> Option<Seen> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let (src, dst) = (address(packet, 12)?, address(packet, 16)?);
    let rest = packet.get(header..)?;
    match *packet.get(9)? {
        // Later fragments have no ports: they find their exchange by lineage.
        _ if word(packet, 6)? & 0x1fff != 0 => None,
        1 => icmp(rest, src, dst, outer),
        6 => {
            let (from, to) = (word(rest, 0)?, word(rest, 2)?);
            let flags = rest.get(13).copied().unwrap_or(0);
            let data = usize::from(rest.get(12).copied().unwrap_or(0x50) >> 4) * 4;
            let total = usize::from(word(packet, 2)?);
            let opens = flags & 0x12 == 0x02;
            Some(Seen {
                asks: opens,
                opens,
                closes: flags & 0x05 != 0,
                payload: total > header + data,
                target: format!("{dst}:{to}"),
                port: Some(from),
                ..plain(Kind::Tcp, (number(src), from), (number(dst), to))
            })
        }
        17 => {
            let (from, to) = (word(rest, 0)?, word(rest, 2)?);
            if [67, 68].contains(&from) && [67, 68].contains(&to) {
                let client = rest.get(8 + 28..8 + 34).and_then(MacAddr::from_slice)?;
                let key = client.0.iter().fold(0, |n, byte| n << 8 | u128::from(*byte));
                let asks = rest.get(8) == Some(&1);
                return Some(Seen { asks, target: client.to_string(), ..plain(Kind::Dhcp, (key, 0), (0, 0)) });
            }
            Some(Seen {
                asks: to < from,
                target: format!("{dst}:{to}"),
                port: Some(from),
                ..plain(Kind::Udp, (number(src), from), (number(dst), to))
            })
        }
        _ => None,
    }
}

fn icmp(rest: &[u8], src: Ipv4Addr, dst: Ipv4Addr, outer: bool) -> Option<Seen> {
    match *rest.first()? {
        kind @ (0 | 8) => {
            let id = word(rest, 4)?;
            let asks = kind == 8;
            let target = IpAddr::V4(if asks { dst } else { src }).to_string();
            Some(Seen { asks, target, ..plain(Kind::Echo, (number(src), id), (number(dst), id)) })
        }
        // An error belongs to what it is about (RFC 792: the packet's beginning comes along).
        3 | 4 | 5 | 11 | 12 if outer => {
            let about = ipv4(rest.get(8..)?, false)?;
            Some(Seen { asks: false, opens: false, closes: false, payload: false, ..about })
        }
        _ => None,
    }
}
