//! Rewriting a packet in place, as routers and NATs do: time to live, addresses, ports, with every checksum that covers
//! them updated (RFC 1624), never made anew. A checksum that was wrong stays wrong.
//!
//! All functions take a whole IPv4 packet that was parsed before ([`super::ipv4::Ipv4::parse`]); what does not fit a
//! packet that was not is left as it is.

use super::{bytes, checksum, icmp, ipv4};
use crate::addr::{Endpoint, L4Proto};

/// Offset of the source address in the header.
const SOURCE: usize = 12;
/// Offset of the destination address.
const DESTINATION: usize = 16;

/// Which end of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

/// Counts the time to live down and says what is left; `None`, and no change, when nothing would be left.
pub fn decrement_ttl(packet: &mut [u8]) -> Option<u8> {
    let ttl = packet.get(8)?.checked_sub(1).filter(|ttl| *ttl > 0)?;
    set_ttl(packet, ttl);
    Some(ttl)
}

/// Sets the time to live.
pub fn set_ttl(packet: &mut [u8], ttl: u8) {
    if let Some([_, proto]) = bytes::array(packet, 8) {
        replace16(packet, 8, u16::from_be_bytes([ttl, proto]), Some(10));
    }
}

/// Sets the source address, and the source's port: TCP's and UDP's; for an ICMP echo request the identifier. An echo
/// reply's source, an ICMP error's and a later fragment's have no port: only the address is set.
pub fn set_source(packet: &mut [u8], to: Endpoint) {
    set_endpoint(packet, Side::Source, to);
}

/// Sets the destination address and port, as [`set_source`] does; for ICMP it is the echo reply that has the identifier
/// as the destination's port.
pub fn set_destination(packet: &mut [u8], to: Endpoint) {
    set_endpoint(packet, Side::Destination, to);
}

/// In an ICMP error, sets the source of the packet that it quotes, with the quoted checksums and ICMP's own. The outer
/// addresses stay.
pub fn set_inner_source(packet: &mut [u8], to: Endpoint) {
    set_inner(packet, Side::Source, to);
}

/// In an ICMP error, sets the destination of the packet that it quotes.
pub fn set_inner_destination(packet: &mut [u8], to: Endpoint) {
    set_inner(packet, Side::Destination, to);
}

/// Protocol, source and destination of a packet that has ports; `None` for a later fragment, another protocol, an ICMP
/// message that is no echo. An echo request's identifier is its source's port, a reply's its destination's; the other
/// side's port is 0.
pub fn l4_endpoints(packet: &[u8]) -> Option<(L4Proto, Endpoint, Endpoint)> {
    let (proto, at) = first_fragment(packet)?;
    let (src, dst) = (bytes::addr(packet, SOURCE)?, bytes::addr(packet, DESTINATION)?);
    let (src_port, dst_port) = match proto {
        L4Proto::Tcp | L4Proto::Udp => (bytes::be16(packet, at)?, bytes::be16(packet, at + 2)?),
        L4Proto::Icmp => match icmp::Icmp::peek(packet.get(at..)?)?.0 {
            icmp::Icmp::EchoRequest { ident, .. } => (ident, 0),
            icmp::Icmp::EchoReply { ident, .. } => (0, ident),
            _ => return None,
        },
    };
    Some((proto, Endpoint::new(src, src_port), Endpoint::new(dst, dst_port)))
}

/// As [`l4_endpoints`], of the packet that an ICMP error quotes.
pub fn inner_endpoints(packet: &[u8]) -> Option<(L4Proto, Endpoint, Endpoint)> {
    l4_endpoints(packet.get(quoted_at(packet)?..)?)
}

/// Bytes of the header.
fn header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let len = usize::from(first & 15) * 4;
    (first >> 4 == 4 && len >= ipv4::HEADER_LEN).then_some(len)
}

/// The protocol and where its header begins, unless this is a later fragment. A quoted packet is cut, so lengths are
/// not looked at.
fn first_fragment(packet: &[u8]) -> Option<(L4Proto, usize)> {
    let at = header_len(packet)?;
    let proto = L4Proto::from_number(*packet.get(9)?)?;
    (bytes::be16(packet, 6)? & 0x1fff == 0).then_some((proto, at))
}

/// Where the packet begins that an ICMP error quotes.
fn quoted_at(packet: &[u8]) -> Option<usize> {
    let (proto, at) = first_fragment(packet)?;
    let error = proto == L4Proto::Icmp && icmp::Icmp::peek(packet.get(at..)?)?.0.is_error();
    error.then_some(at + icmp::HEADER_LEN)
}

/// Replaces the 16 bits at `at` and updates the checksum at `checksum_at`. The two are never the same place.
fn replace16(packet: &mut [u8], at: usize, new: u16, checksum_at: Option<usize>) {
    let Some(old) = bytes::be16(packet, at) else { return };
    bytes::put16(packet, at, new);
    if let Some(place) = checksum_at
        && let Some(sum) = bytes::be16(packet, place)
    {
        bytes::put16(packet, place, checksum::update(sum, old, new));
    }
}

fn set_endpoint(packet: &mut [u8], side: Side, to: Endpoint) {
    if header_len(packet).is_none() || packet.len() < ipv4::HEADER_LEN {
        return;
    }
    let l4 = first_fragment(packet);
    let pseudo = l4.and_then(|(proto, at)| pseudo_checksum_at(packet, proto, at));
    let place = if side == Side::Source { SOURCE } else { DESTINATION };
    let [a, b, c, d] = to.addr.octets();
    for (at, new) in [(place, u16::from_be_bytes([a, b])), (place + 2, u16::from_be_bytes([c, d]))] {
        // Twice: the header's checksum and the one that covers the pseudo-header.
        if let (Some(sum_at), Some(old)) = (pseudo, bytes::be16(packet, at))
            && let Some(sum) = bytes::be16(packet, sum_at)
        {
            bytes::put16(packet, sum_at, checksum::update(sum, old, new));
        }
        replace16(packet, at, new, Some(10));
    }
    if let Some((proto, at)) = l4 {
        set_port(packet, proto, at, side, to.port, pseudo);
    }
}

/// Where the checksum stands that covers the addresses, if there is one: a UDP checksum of 0 is none, and a quoted TCP
/// header usually ends before it.
fn pseudo_checksum_at(packet: &[u8], proto: L4Proto, at: usize) -> Option<usize> {
    let place = match proto {
        L4Proto::Tcp => at + 16,
        L4Proto::Udp => at + 6,
        L4Proto::Icmp => return None,
    };
    let sum = bytes::be16(packet, place)?;
    (proto != L4Proto::Udp || sum != 0).then_some(place)
}

fn set_port(packet: &mut [u8], proto: L4Proto, at: usize, side: Side, port: u16, sum_at: Option<usize>) {
    match proto {
        L4Proto::Tcp | L4Proto::Udp => {
            let place = if side == Side::Source { at } else { at + 2 };
            replace16(packet, place, port, sum_at);
        }
        L4Proto::Icmp => {
            let of_side = match packet.get(at) {
                // Echo, and the other questions (timestamp, information, mask) and answers.
                Some(&(icmp::ECHO_REQUEST | 13 | 15 | 17)) => Side::Source,
                Some(&(icmp::ECHO_REPLY | 14 | 16 | 18)) => Side::Destination,
                _ => return,
            };
            if of_side == side {
                replace16(packet, at + 4, port, Some(at + 2));
                spell_zero(packet, at);
            }
        }
    }
    if let (L4Proto::Udp, Some(place)) = (proto, sum_at)
        && bytes::be16(packet, place) == Some(0)
    {
        bytes::put16(packet, place, 0xffff);
    }
}

/// An echo reply of zeros only has the checksum 0xffff; the update cannot tell it from one that sums to 0xffff and gives 0.
fn spell_zero(packet: &mut [u8], at: usize) {
    let end = usize::from(bytes::be16(packet, 2).unwrap_or(0)).min(packet.len());
    if bytes::be16(packet, at + 2) == Some(0) && packet.get(at..end).is_some_and(|m| m.iter().all(|b| *b == 0)) {
        bytes::put16(packet, at + 2, 0xffff);
    }
}

fn set_inner(packet: &mut [u8], side: Side, to: Endpoint) {
    let Some(at) = quoted_at(packet) else { return };
    let end = usize::from(bytes::be16(packet, 2).unwrap_or(0)).min(packet.len());
    let Some(quoted) = packet.get_mut(at..end) else { return };
    let before = checksum::sum(&[quoted]);
    set_endpoint(quoted, side, to);
    let after = checksum::sum(&[quoted]);
    // One step for all that changed: the sums stand for the words they are of.
    let place = at - icmp::HEADER_LEN + 2;
    if let Some(sum) = bytes::be16(packet, place) {
        bytes::put16(packet, place, checksum::update(sum, before, after));
    }
}

#[cfg(test)]
mod tests;
