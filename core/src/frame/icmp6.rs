//! The little IPv6 that a Linux machine speaks although nobody configured it: the frames of duplicate address detection
//! (RFC 4862 5.4), multicast listener reports (RFC 3810) and router solicitations (RFC 4861), byte for byte in Linux
//! 6.1's order of options.

use core::net::Ipv6Addr;

use super::checksum;
use super::ethernet::{Ethernet, ethertype};
use crate::addr::MacAddr;

/// Bytes of an IPv6 header.
pub const HEADER_LEN: usize = 40;
const ICMPV6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
/// Multicast listener report, version 2.
const REPORT_V2: u8 = 143;
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Nodes on the link, its routers, its routers that speak MLDv2.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ALL_MLD2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// What a neighbour discovery message says that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ndisc {
    /// Somebody asks for an address.
    Solicitation {
        /// The asked address.
        target: Ipv6Addr,
        /// Who asks; from `::` it looks for a duplicate of the address that it wants.
        source: Ipv6Addr,
        /// The nonce that tells its own message, come back, from another's (RFC 7527).
        nonce: Option<[u8; 6]>,
    },
    /// Somebody says that it has an address.
    Advertisement {
        /// The address.
        target: Ipv6Addr,
    },
}

impl Ndisc {
    /// Somebody wants to send to the address, and does not claim it.
    pub fn is_resolution(&self) -> bool {
        matches!(self, Self::Solicitation { source, .. } if !source.is_unspecified())
    }
}

/// The link-local address made from a MAC (RFC 4291, appendix A).
pub fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// The group in which questions for an address are asked (RFC 4291 2.7.1).
pub fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = addr.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// The MAC of a group (RFC 2464 7).
fn group_mac(group: Ipv6Addr) -> MacAddr {
    let [.., a, b, c, d] = group.octets();
    MacAddr([0x33, 0x33, a, b, c, d])
}

/// A packet with an ICMPv6 message; its checksum, bytes 2 and 3, is filled in here.
fn packet(src: Ipv6Addr, dst: Ipv6Addr, hops: u8, options: &[u8], mut message: Vec<u8>) -> Vec<u8> {
    let len = (message.len() as u32).to_be_bytes();
    let sum = checksum::internet(&[&src.octets(), &dst.octets(), &len, &[0, 0, 0, ICMPV6], &message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let next = if options.is_empty() { ICMPV6 } else { HOP_BY_HOP };
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&((options.len() + message.len()) as u16).to_be_bytes());
    packet.extend_from_slice(&[next, hops]);
    packet.extend_from_slice(&src.octets());
    packet.extend_from_slice(&dst.octets());
    packet.extend_from_slice(options);
    packet.extend_from_slice(&message);
    packet
}

/// The frame of a message to a group.
fn frame(mac: MacAddr, src: Ipv6Addr, dst: Ipv6Addr, hops: u8, options: &[u8], message: Vec<u8>) -> Vec<u8> {
    let packet = packet(src, dst, hops, options, message);
    Ethernet { dst: group_mac(dst), src: mac, ethertype: ethertype::IPV6 }.emit(&packet)
}

/// "I listen to `group`": a report with one record, CHANGE_TO_EXCLUDE of nothing.
pub fn listener_report(mac: MacAddr, src: Ipv6Addr, group: Ipv6Addr) -> Vec<u8> {
    // Hop-by-hop header with the router alert option (RFC 2711).
    let options = [ICMPV6, 0, 5, 2, 0, 0, 1, 0];
    let mut message = vec![REPORT_V2, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0];
    message.extend_from_slice(&group.octets());
    frame(mac, src, ALL_MLD2_ROUTERS, 1, &options, message)
}

/// "Has anybody this address? I would like to use it."
pub fn duplicate_question(mac: MacAddr, target: Ipv6Addr, nonce: [u8; 6]) -> Vec<u8> {
    let mut message = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&target.octets());
    message.extend_from_slice(&[14, 1]);
    message.extend_from_slice(&nonce);
    frame(mac, Ipv6Addr::UNSPECIFIED, solicited_node(target), 255, &[], message)
}

/// "I have this address": to who asked, or to everybody if that was somebody without an address.
pub fn advertisement(mac: MacAddr, target: Ipv6Addr, asker: Option<(Ipv6Addr, MacAddr)>) -> Vec<u8> {
    // Flags: solicited, override (RFC 4861 4.4).
    let flags = if asker.is_some() { 0x60 } else { 0x20 };
    let mut message = vec![NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0];
    message.extend_from_slice(&target.octets());
    message.extend_from_slice(&[2, 1]);
    message.extend_from_slice(&mac.0);
    let (dst, to) = asker.unwrap_or((ALL_NODES, group_mac(ALL_NODES)));
    let packet = packet(target, dst, 255, &[], message);
    Ethernet { dst: to, src: mac, ethertype: ethertype::IPV6 }.emit(&packet)
}

/// "Is there a router?"
pub fn router_solicitation(mac: MacAddr, src: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![ROUTER_SOLICITATION, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    message.extend_from_slice(&mac.0);
    frame(mac, src, ALL_ROUTERS, 255, &[], message)
}

/// Reads an IPv6 packet with neighbour discovery about an address; `None` for anything else or broken.
pub fn parse(packet: &[u8]) -> Option<Ndisc> {
    let header = packet.get(..HEADER_LEN)?;
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    // A hop limit below 255 has passed a router: not from this link (RFC 4861 7.1).
    if header[0] >> 4 != 6 || header[6] != ICMPV6 || header[7] != 255 {
        return None;
    }
    let message = packet.get(HEADER_LEN..HEADER_LEN + len)?;
    let sum = checksum::internet(&[&header[8..40], &(len as u32).to_be_bytes(), &[0, 0, 0, ICMPV6], message]);
    let target = Ipv6Addr::from(<[u8; 16]>::try_from(message.get(8..24)?).ok()?);
    if sum != 0 || message[1] != 0 {
        return None;
    }
    match message[0] {
        NEIGHBOUR_SOLICITATION => {
            let source = Ipv6Addr::from(<[u8; 16]>::try_from(header.get(8..24)?).ok()?);
            Some(Ndisc::Solicitation { target, source, nonce: nonce(message.get(24..)?) })
        }
        NEIGHBOUR_ADVERTISEMENT => Some(Ndisc::Advertisement { target }),
        _ => None,
    }
}

/// The nonce among the options.
fn nonce(mut options: &[u8]) -> Option<[u8; 6]> {
    while let [kind, units, ..] = *options {
        let len = usize::from(units) * 8;
        if len == 0 {
            return None;
        }
        if kind == 14 {
            return options.get(2..8)?.try_into().ok();
        }
        options = options.get(len..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x0d]);

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    /// What tcpdump saw of a real kernel's interface with this MAC.
    #[test]
    fn the_frames_are_linuxs_byte_for_byte() {
        let addr = link_local(MAC);
        assert_eq!(addr.to_string(), "fe80::ff:fe00:d");
        assert_eq!(
            listener_report(MAC, Ipv6Addr::UNSPECIFIED, solicited_node(addr)),
            hex("3333 0000 0016 0200 0000 000d 86dd 6000 0000 0024 0001 0000 0000 0000 0000 0000 0000 0000 0000 ff02 0000 0000
                0000 0000 0000 0000 0016 3a00 0502 0000 0100 8f00 6f7d 0000 0001 0400 0000 ff02 0000 0000 0000 0000 0001 ff00 000d")
        );
        assert_eq!(
            duplicate_question(MAC, addr, [0x35, 0xf8, 0x6b, 0x30, 0x2a, 0x72])[..14],
            hex("3333 ff00 000d 0200 0000 000d 86dd")
        );
        assert_eq!(
            listener_report(MAC, addr, solicited_node(addr))[14..],
            hex("6000 0000 0024 0001 fe80 0000 0000 0000 0000 00ff fe00 000d ff02 0000 0000 0000 0000 0000 0000 0016 3a00 0502
                0000 0100 8f00 71ef 0000 0001 0400 0000 ff02 0000 0000 0000 0000 0001 ff00 000d")
        );
    }

    #[test]
    fn what_is_asked_and_answered_is_read_back() {
        let addr = link_local(MAC);
        let nonce = [1, 2, 3, 4, 5, 6];
        let question = Ndisc::Solicitation { target: addr, source: Ipv6Addr::UNSPECIFIED, nonce: Some(nonce) };
        assert_eq!(parse(&duplicate_question(MAC, addr, nonce)[14..]), Some(question));
        assert_eq!(parse(&advertisement(MAC, addr, None)[14..]), Some(Ndisc::Advertisement { target: addr }));
        assert_eq!(parse(&router_solicitation(MAC, addr)[14..]), None);
        let mut broken = advertisement(MAC, addr, Some((addr, MAC)))[14..].to_vec();
        broken[60] ^= 1;
        assert_eq!(parse(&broken), None, "a wrong checksum");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = (parse(&bytes), nonce(&bytes));
        }
    }
}
