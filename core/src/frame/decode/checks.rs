//! Whether a frame's checksums are right, as its receiver would count them.

use core::net::Ipv4Addr;

use super::{Decoded, Layer};
use crate::frame::checksum::{internet, pseudo_header};

/// The checksum fields of a frame that can be counted after, with whether each is right. Those of a quoted packet, of
/// fragments and of what ends early cannot; a UDP checksum of 0 was left out by the sender.
pub fn checks(bytes: &[u8], decoded: &Decoded) -> Vec<(&'static str, bool)> {
    let [_, ip, inner @ ..] = decoded.layers.as_slice() else { return Vec::new() };
    let mut found = Vec::new();
    let header = bytes.get(ip.range.clone()).unwrap_or_default();
    let whole = match ip.name {
        "IPv4" if !ip.cut => {
            found.push(("ip.checksum", internet(&[header]) == 0));
            let total = usize::from(word(header, 2));
            (word(header, 6) & 0x3fff == 0).then_some(total)
        }
        "IPv6" if !ip.cut => Some(40 + usize::from(word(header, 4))),
        _ => None,
    };
    let (Some(whole), Some(inner)) = (whole, inner.first()) else { return found };
    if let Some(payload) = bytes.get(inner.range.start..ip.range.start + whole).filter(|_| !inner.cut) {
        found.extend(transport(header, inner, payload));
    }
    found
}

fn transport(header: &[u8], layer: &Layer, payload: &[u8]) -> Option<(&'static str, bool)> {
    let v4 = |proto| {
        let addr = |at: usize| header.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(Ipv4Addr::from);
        let pseudo = pseudo_header(addr(12)?, addr(16)?, proto, payload.len());
        Some(internet(&[&pseudo, payload]) == 0)
    };
    match layer.name {
        "ICMP" => Some(("icmp.checksum", internet(&[payload]) == 0)),
        "TCP" => Some(("tcp.checksum", v4(6)?)),
        "UDP" if word(payload, 6) != 0 => Some(("udp.checksum", v4(17)?)),
        "ICMPv6" => {
            let mut pseudo = header.get(8..40)?.to_vec();
            pseudo.extend((payload.len() as u32).to_be_bytes());
            pseudo.extend([0, 0, 0, 58]);
            Some(("icmpv6.checksum", internet(&[&pseudo, payload]) == 0))
        }
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::MacAddr;
    use crate::frame::decode::decode;
    use crate::frame::{Ethernet, Ipv4Header, Udp};

    #[test]
    fn a_checksum_is_good_until_one_bit_changes() {
        let (src, dst) = (Ipv4Addr::new(10, 0, 2, 15), Ipv4Addr::new(8, 8, 8, 8));
        let udp = Udp { src_port: 5, dst_port: 7 }.emit(src, dst, b"odd");
        let header = Ipv4Header { src, dst, proto: 17, ttl: 64, ident: 9, tos: 0, dont_fragment: true };
        let mut bytes =
            Ethernet { dst: MacAddr([2; 6]), src: MacAddr([4; 6]), ethertype: 0x0800 }.emit(&header.emit(&udp));
        assert_eq!(checks(&bytes, &decode(&bytes)), [("ip.checksum", true), ("udp.checksum", true)]);
        bytes[44] ^= 1;
        assert_eq!(checks(&bytes, &decode(&bytes)), [("ip.checksum", true), ("udp.checksum", false)]);
        bytes[22] ^= 1;
        assert_eq!(checks(&bytes, &decode(&bytes))[0], ("ip.checksum", false));
        for len in 0..bytes.len() {
            checks(&bytes[..len], &decode(&bytes[..len]));
        }
    }
}
