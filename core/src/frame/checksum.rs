//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

use std::net::Ipv4Addr;

/// The checksum of the parts' concatenation: the complement of their ones' complement sum. Over a message that already
/// holds its right checksum it is 0. Every part but the last must be of even length.
pub fn internet(parts: &[&[u8]]) -> u16 {
    !sum(parts)
}

/// The ones' complement sum of the parts, not complemented: what a checksum that was left to the card starts from.
pub fn sum(parts: &[&[u8]]) -> u16 {
    let mut total = 0u64;
    for part in parts {
        // Words of 32 bits: 2^16 is 1 modulo 65535, so the sum's value is the same and the loop is vectorised. A u64
        // holds 2^32 of them.
        let mut words = part.chunks_exact(4);
        for word in &mut words {
            total += u64::from(word.try_into().map_or(0, u32::from_be_bytes));
        }
        let mut last = [0; 4];
        for (to, from) in last.iter_mut().zip(words.remainder()) {
            *to = *from;
        }
        total += u64::from(u32::from_be_bytes(last));
    }
    fold(total)
}

/// A checksum after 16 bits under it changed from `old` to `new` (RFC 1624, equation 3).
pub fn update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

/// The words that TCP's and UDP's checksums begin with (RFC 9293 section 3.1, RFC 768). `len` is the length of the
/// segment with its header; above 65 535 it is cut, as no packet holds it.
pub fn pseudo_header(src: Ipv4Addr, dst: Ipv4Addr, proto: u8, len: usize) -> [u8; 12] {
    let [a, b, c, d] = src.octets();
    let [e, f, g, h] = dst.octets();
    let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    [a, b, c, d, e, f, g, h, 0, proto, high, low]
}

fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 section 4.1, word by word.
    fn by_the_book(bytes: &[u8]) -> u16 {
        let mut total = 0u32;
        for pair in bytes.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
        while total >> 16 != 0 {
            total = (total & 0xffff) + (total >> 16);
        }
        !(total as u16)
    }

    #[test]
    fn the_example_of_rfc_1071_sums_as_it_says() {
        assert_eq!(sum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), 0xddf2);
    }

    proptest! {
        #[test]
        fn parts_sum_as_their_concatenation(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0usize..1000) {
            let cut = (cut * 2).min(bytes.len() & !1);
            prop_assert_eq!(internet(&[&bytes[..cut], &bytes[cut..]]), by_the_book(&bytes));
        }

        #[test]
        fn an_update_equals_a_fresh_sum(mut bytes in proptest::collection::vec(any::<u8>(), 4..64), at in 0usize..30, new: u16) {
            let at = (at * 2).min(bytes.len() - 2) & !1;
            bytes[(at + 2) % 4] |= 1; // not all zero: there the checksum has two spellings
            let before = internet(&[&bytes]);
            let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            bytes[at..at + 2].copy_from_slice(&new.to_be_bytes());
            prop_assume!(bytes.iter().any(|b| *b != 0));
            prop_assert_eq!(update(before, old, new), internet(&[&bytes]));
        }
    }
}
