//! Compressed files beside those of the site, for servers that send what is compressed already: brotli, and gzip for
//! clients (and static hosts) that know no brotli.

use std::io::Write as _;

use crate::fault::{At as _, Fault};

/// Files up to this many bytes are sent as they are: a header costs as much as compression wins.
const WORTH_BYTES: usize = 1000;
/// Best and slowest of miniz_oxide's levels.
const GZIP_LEVEL: u8 = 10;

/// Whether file `name` of so many bytes gets smaller by it: fonts and pictures are compressed in themselves.
pub fn is_worth(name: &str, bytes: usize) -> bool {
    bytes > WORTH_BYTES && ![".woff2", ".png"].iter().any(|end| name.ends_with(end))
}

/// `bytes`, compressed as well as brotli can.
///
/// # Errors
/// None in practice: the output is memory.
pub fn brotli(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    // Quality 11 is the best; a window of 2^22 bytes is brotli's default (RFC 7932 allows up to 2^24 - 16).
    let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, 11, 22);
    writer.write_all(bytes).at(name)?;
    writer.flush().at(name)?;
    drop(writer);
    Ok(out)
}

/// `bytes` as a gzip file of one member (RFC 1952): no name, no time, so that equal content gives equal files.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Magic, deflate, no flags, no time, slowest algorithm, unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    out.extend(miniz_oxide::deflate::compress_to_vec(bytes, GZIP_LEVEL));
    out.extend(crc32(bytes).to_le_bytes());
    // The length modulo 2^32 is what the format asks for.
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// RFC 1952 section 8, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_compressed_is_smaller_and_comes_back_whole() {
        let text = b"one packet, before and after NAT; ".repeat(100);
        let packed = brotli("x", &text).unwrap();
        assert!(packed.len() < text.len() / 10);
        let mut back = Vec::new();
        brotli::Decompressor::new(packed.as_slice(), 4096).read_to_end(&mut back).unwrap();
        assert_eq!(back, text);

        let packed = gzip(&text);
        assert!(packed.len() < text.len() / 10);
        let (head, tail) = (10, packed.len() - 8);
        assert_eq!(miniz_oxide::inflate::decompress_to_vec(&packed[head..tail]).unwrap(), text);
    }

    #[test]
    fn the_checksum_is_that_of_the_standard_s_example() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn fonts_are_not_compressed_again() {
        assert!(is_worth("pkg/page_bg.wasm", 1_000_000) && !is_worth("a.css", 200));
        assert!(!is_worth("fonts/inter-latin.woff2", 20_000));
    }
}
