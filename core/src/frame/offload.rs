//! Making frames whole that a TAP's kernel left unfinished: a deferred checksum, a super-frame that stands for several
//! (virtio-net header, OASIS virtio 1.2, 5.1.6).

use super::Offload;
use super::checksum;
use super::ethernet::HEADER_LEN;
use super::tcp::flags;

/// The whole frames that a frame with offload stands for. One that does not fit its description comes back as it is.
pub fn make_whole(bytes: &[u8], offload: Offload) -> Vec<Vec<u8>> {
    if let Some(gso) = offload.gso
        && let Some(frames) = cut(bytes, usize::from(gso.size), usize::from(gso.header))
    {
        return frames;
    }
    let mut whole = bytes.to_vec();
    if let Some(deferred) = offload.checksum {
        let start = usize::from(deferred.start);
        let at = start + usize::from(deferred.offset);
        if at + 2 <= whole.len() {
            // The field holds the pseudo-header's sum already: it is summed with the rest.
            let sum = checksum::internet(&[&whole[start..]]);
            let sum = if sum == 0 { 0xffff } else { sum };
            whole[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
    }
    vec![whole]
}

/// Cuts a TCP/IPv4 super-frame: each part repeats the headers, with its own lengths, number, flags and checksums.
fn cut(bytes: &[u8], size: usize, header: usize) -> Option<Vec<Vec<u8>>> {
    let ip_header = usize::from(bytes.get(HEADER_LEN)? & 15) * 4;
    let tcp_at = HEADER_LEN + ip_header;
    if size == 0 || bytes.get(HEADER_LEN + 9) != Some(&6) || header < tcp_at + 20 || bytes.len() <= header {
        return None;
    }
    let (head, data) = bytes.split_at(header);
    let first_seq = u32::from_be_bytes(head.get(tcp_at + 4..tcp_at + 8)?.try_into().ok()?);
    let first_ident = u16::from_be_bytes(head.get(HEADER_LEN + 4..HEADER_LEN + 6)?.try_into().ok()?);
    let count = data.len().div_ceil(size);
    let parts = data.chunks(size).enumerate().map(|(at, part)| {
        let mut frame = head.to_vec();
        frame.extend_from_slice(part);
        let seq = first_seq.wrapping_add((at * size) as u32);
        frame[tcp_at + 4..tcp_at + 8].copy_from_slice(&seq.to_be_bytes());
        if at + 1 < count {
            frame[tcp_at + 13] &= !(flags::FIN | flags::PSH);
        }
        if at > 0 {
            frame[tcp_at + 13] &= !flags::CWR;
        }
        let ident = first_ident.wrapping_add(at as u16);
        frame[HEADER_LEN + 4..HEADER_LEN + 6].copy_from_slice(&ident.to_be_bytes());
        let total = (frame.len() - HEADER_LEN) as u16;
        frame[HEADER_LEN + 2..HEADER_LEN + 4].copy_from_slice(&total.to_be_bytes());
        fill_checksums(&mut frame[HEADER_LEN..], ip_header);
        frame
    });
    Some(parts.collect())
}

/// Computes the checksums of an IPv4 packet with TCP afresh.
fn fill_checksums(packet: &mut [u8], ip_header: usize) {
    packet[10..12].fill(0);
    let sum = checksum::internet(&[&packet[..ip_header]]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    let addr = |at: usize| core::net::Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let pseudo = checksum::pseudo_header(addr(12), addr(16), 6, packet.len() - ip_header);
    packet[ip_header + 16..ip_header + 18].fill(0);
    let sum = checksum::internet(&[&pseudo, &packet[ip_header..]]);
    packet[ip_header + 16..ip_header + 18].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ChecksumOffload, Gso, Ipv4, Ipv4Header, Tcp};
    use core::net::Ipv4Addr;
    use proptest::prelude::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const B: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

    fn super_frame(data: &[u8]) -> Vec<u8> {
        let mut tcp = vec![0; 20];
        tcp[12] = 0x50;
        tcp[13] = flags::FIN | flags::PSH | flags::CWR | flags::ACK;
        tcp.extend_from_slice(data);
        let header = Ipv4Header { src: A, dst: B, proto: 6, ttl: 64, ident: 9, tos: 0, dont_fragment: true };
        let mut frame = vec![0; HEADER_LEN];
        frame.extend(header.emit(&tcp));
        frame
    }

    proptest! {
        #[test]
        fn the_parts_of_a_super_frame_are_sound_and_join_to_its_data(
            data in proptest::collection::vec(any::<u8>(), 1..6000), size in 1usize..1500,
        ) {
            let offload = Offload { checksum: None, gso: Some(Gso { size: size as u16, header: 54 }) };
            let frames = make_whole(&super_frame(&data), offload);
            let mut joined = Vec::new();
            for (at, frame) in frames.iter().enumerate() {
                let packet = Ipv4::parse(&frame[HEADER_LEN..]).unwrap();
                let (tcp, part) = Tcp::parse(A, B, packet.payload).unwrap();
                prop_assert_eq!(tcp.seq as usize, joined.len());
                prop_assert_eq!(tcp.flags & flags::FIN != 0, at + 1 == frames.len());
                prop_assert_eq!(tcp.flags & flags::CWR != 0, at == 0);
                prop_assert!(part.len() <= size);
                joined.extend_from_slice(part);
            }
            prop_assert_eq!(joined, data);
        }

        #[test]
        fn arbitrary_descriptions_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), size: u16, header: u16, start: u16, offset: u16,
        ) {
            make_whole(&bytes, Offload { checksum: None, gso: Some(Gso { size, header }) });
            make_whole(&bytes, Offload { checksum: Some(ChecksumOffload { start, offset }), gso: None });
        }
    }
}
