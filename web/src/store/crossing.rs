//! One packet before and after a NAT: found by lineage, shown side by side.

use core::net::Ipv4Addr;
use std::rc::Rc;

use netmodes_core::addr::MacAddr;
use netmodes_core::event::Decision;
use netmodes_core::id::NodeId;

use super::outcomes::What;
use super::{FrameEntry, Outcome};

/// The headers that a NAT or a router may rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Ethernet source.
    pub src_mac: MacAddr,
    /// Ethernet destination.
    pub dst_mac: MacAddr,
    /// IPv4 source.
    pub src: Ipv4Addr,
    /// IPv4 destination.
    pub dst: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
    /// IP's protocol number.
    pub proto: u8,
    /// L4 source port; for ICMP echo, the identifier.
    pub src_port: Option<u16>,
    /// L4 destination port.
    pub dst_port: Option<u16>,
}

impl Headers {
    /// From a frame's bytes, when they are an IPv4 packet.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let ip = match bytes.get(12..14)? {
            [0x08, 0x00] => bytes.get(14..)?,
            _ => return None,
        };
        let addr = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(at..at + 4)?).ok()?));
        let header = usize::from(*ip.first()? & 0x0f) * 4;
        let word = |at: usize| Some(u16::from_be_bytes(ip.get(header + at..header + at + 2)?.try_into().ok()?));
        let proto = *ip.get(9)?;
        let (src_port, dst_port) = match proto {
            6 | 17 => (word(0), word(2)),
            // Echo request and reply carry an identifier (RFC 792).
            1 if matches!(ip.get(header), Some(0 | 8)) => (word(4), None),
            _ => (None, None),
        };
        Some(Self {
            src_mac: MacAddr::from_slice(bytes.get(6..12)?)?,
            dst_mac: MacAddr::from_slice(bytes.get(..6)?)?,
            src: addr(12)?,
            dst: addr(16)?,
            ttl: *ip.get(8)?,
            proto,
            src_port,
            dst_port,
        })
    }

    /// Whether an address or a port differs.
    pub fn translated(&self, after: &Self) -> bool {
        (self.src, self.dst, self.src_port, self.dst_port) != (after.src, after.dst, after.src_port, after.dst_port)
    }
}

/// A packet on the last cable before a NAT and on the first after it.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// On the last cable before.
    pub before: Rc<FrameEntry>,
    /// Its headers there.
    pub headers_before: Headers,
    /// On the first cable after.
    pub after: Rc<FrameEntry>,
    /// Its headers there.
    pub headers_after: Headers,
    /// The machine whose NAT it was, and what it said.
    pub decided: Option<(NodeId, Decision)>,
}

impl Crossing {
    /// Between two frames of one packet, when their addresses or ports differ; `outcomes` are what was decided between.
    pub fn between<'a>(
        before: &Rc<FrameEntry>,
        after: &Rc<FrameEntry>,
        mut outcomes: impl Iterator<Item = &'a Outcome>,
    ) -> Option<Self> {
        let (headers_before, headers_after) = (Headers::read(before.bytes())?, Headers::read(after.bytes())?);
        if !headers_before.translated(&headers_after) {
            return None;
        }
        let decided = outcomes.find_map(|outcome| translation(outcome).map(|decision| (outcome.node, decision)));
        let (before, after) = (before.clone(), after.clone());
        Some(Self { before, headers_before, after, headers_after, decided })
    }
}

fn translation(outcome: &Outcome) -> Option<Decision> {
    match &outcome.what {
        What::Decided(decision @ (Decision::TranslatedOut { .. } | Decision::TranslatedIn { .. })) => {
            Some(decision.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::tests::sent;
    use super::*;
    use netmodes_core::time::SimTime;

    fn udp(src: [u8; 4], ttl: u8) -> Vec<u8> {
        let mut bytes = vec![0; 42];
        bytes[12] = 8;
        bytes[14] = 0x45;
        bytes[22] = ttl;
        bytes[23] = 17;
        bytes[26..30].copy_from_slice(&src);
        bytes
    }

    #[test]
    fn a_translation_is_a_crossing_and_routing_is_none() {
        let entry = |id: u64, src, ttl| Rc::new(FrameEntry::new(id, SimTime::ZERO, sent(id, None, &udp(src, ttl))));
        let (vm, host, routed) =
            (entry(1, [10, 0, 2, 15], 64), entry(2, [192, 168, 0, 111], 63), entry(3, [192, 168, 0, 111], 62));
        assert!(Crossing::between(&vm, &host, [].iter()).is_some());
        assert!(Crossing::between(&host, &routed, [].iter()).is_none());
    }

    #[test]
    fn cut_frames_have_no_headers() {
        let whole = udp([1, 2, 3, 4], 5);
        assert!((0..34).all(|len| Headers::read(&whole[..len]).is_none()));
    }
}
