//! Deflate (RFC 1951) against a dictionary that both sides know, so that even a short session needs few bytes: what
//! its first command says has been said before.
//!
//! The compressor is given the dictionary first and flushed to a byte's edge; what it says of the dictionary is thrown
//! away, and what follows refers back into it. The decompressor finds the dictionary in its window.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params, deflate_flags,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// What sessions say, the most frequent last (nearer is shorter). Part of the format: another text is another
/// [`super::VERSION`].
const DICTIONARY: &str = include_str!("dictionary.txt");

/// Deflate makes at most this much out of a byte (RFC 1951: 258 bytes from two bits, rounded up).
const EXPANSION_MAX: usize = 1_100;

/// Makes `bytes` small.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    // Fixed codes need no table of codes: better for little text, worse for much.
    let [own, fixed] = [0, deflate_flags::TDEFL_FORCE_ALL_STATIC_BLOCKS].map(|flags| deflate(bytes, flags));
    if fixed.len() < own.len() { fixed } else { own }
}

fn deflate(bytes: &[u8], flags: u32) -> Vec<u8> {
    // Level 9, raw deflate, the usual strategy.
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, 0, 0) | flags);
    let mut packed = Vec::new();
    for (text, flush) in [(DICTIONARY.as_bytes(), TDEFLFlush::Sync), (bytes, TDEFLFlush::Finish)] {
        packed.clear();
        let mut rest = text;
        loop {
            let mut take = |out: &[u8]| {
                packed.extend(out);
                true
            };
            let (status, read) = compress_to_output(&mut compressor, rest, flush, &mut take);
            rest = rest.get(read..).unwrap_or_default();
            // All is taken at once; the loop is for a compressor that would not.
            if rest.is_empty() || read == 0 || status != miniz_oxide::deflate::core::TDEFLStatus::Okay {
                break;
            }
        }
    }
    packed
}

/// What was packed; none when it was not, or would be more than `max` bytes.
pub(super) fn unpack(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    let room = packed.len().saturating_mul(EXPANSION_MAX).min(max);
    let start = DICTIONARY.len();
    let mut out = vec![0; start + room];
    out.get_mut(..start)?.copy_from_slice(DICTIONARY.as_bytes());
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), packed, &mut out, start, flags);
    if status != TINFLStatus::Done || read != packed.len() {
        return None;
    }
    Some(out.get(start..start + written)?.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_dictionary_is_the_one_of_this_version() {
        // If this fails, links made so far can no longer be read: give the format a new version.
        assert_eq!(super::super::VERSION, 1);
        assert_eq!(format!("{:016x}", crate::lab::fnv1a(DICTIONARY.as_bytes())), "0ee82a47f08bd63c");
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = pack(&vec![b'a'; 3_000_000]);
        assert!(bomb.len() < 10_000, "{}", bomb.len());
        assert_eq!(unpack(&bomb, 2_000_000), None);
        assert_eq!(unpack(&bomb, 3_000_000).map(|bytes| bytes.len()), Some(3_000_000));
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(unpack(&pack(&bytes), 10_000), Some(bytes));
        }

        #[test]
        fn any_bytes_are_refused_or_unpacked(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&bytes, 100_000);
        }
    }
}
