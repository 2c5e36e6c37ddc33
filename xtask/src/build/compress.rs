//! Brotli files beside those of the site, for servers that send what is compressed already.

use std::io::Write as _;

use crate::fault::{At as _, Fault};

/// Files up to this many bytes are sent as they are: a header costs as much as compression wins.
pub const WORTH_BYTES: usize = 1000;

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
    }
}
