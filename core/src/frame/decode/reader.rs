//! Reads one layer's fields one after the other; stops at the first byte that is not there.

use core::net::Ipv4Addr;

use crate::addr::MacAddr;

use super::{Field, Layer};

/// A position in a frame and the fields read so far.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    layer: Layer,
}

impl<'a> Reader<'a> {
    /// Of a layer that begins at byte `start`.
    pub(super) fn new(name: &'static str, bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, at: start, layer: Layer { name, range: start..start, fields: Vec::new(), cut: false } }
    }

    /// Where the next field begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next `len` bytes as a field; none, and nothing more, when they are not there.
    pub(super) fn take(
        &mut self,
        key: &'static str,
        len: usize,
        show: impl FnOnce(&[u8]) -> String,
    ) -> Option<&'a [u8]> {
        let range = self.at..self.at.checked_add(len)?;
        let found = if self.layer.cut { None } else { self.bytes.get(range.clone()) };
        let Some(found) = found else {
            self.layer.cut = true;
            return None;
        };
        self.at = range.end;
        self.layer.fields.push(Field { key, value: show(found), range });
        Some(found)
    }

    /// Bytes that are of no interest.
    pub(super) fn skip(&mut self, len: usize) {
        match self.at.checked_add(len).filter(|end| *end <= self.bytes.len() && !self.layer.cut) {
            Some(end) => self.at = end,
            None => self.layer.cut = true,
        }
    }

    /// One byte.
    pub(super) fn u8(&mut self, key: &'static str, show: impl FnOnce(u8) -> String) -> Option<u8> {
        let byte = |bytes: &[u8]| bytes.first().copied().unwrap_or(0);
        self.take(key, 1, |bytes| show(byte(bytes))).map(byte)
    }

    /// Two bytes, in network order.
    pub(super) fn u16(&mut self, key: &'static str, show: impl FnOnce(u16) -> String) -> Option<u16> {
        self.take(key, 2, |bytes| show(number(bytes) as u16)).map(|bytes| number(bytes) as u16)
    }

    /// Four bytes, in network order.
    pub(super) fn u32(&mut self, key: &'static str, show: impl FnOnce(u32) -> String) -> Option<u32> {
        self.take(key, 4, |bytes| show(number(bytes))).map(number)
    }

    /// A MAC.
    pub(super) fn mac(&mut self, key: &'static str) {
        self.take(key, 6, |bytes| MacAddr::from_slice(bytes).map(|mac| mac.to_string()).unwrap_or_default());
    }

    /// An IPv4 address.
    pub(super) fn ip(&mut self, key: &'static str) {
        self.take(key, 4, address);
    }

    /// A field about bytes that were read already: flags, halves of a byte.
    pub(super) fn again(&mut self, key: &'static str, back: usize, len: usize, value: String) {
        if !self.layer.cut {
            let start = self.at.saturating_sub(back);
            self.layer.fields.push(Field { key, value, range: start..start + len });
        }
    }

    /// Ends the layer: where the next one begins.
    pub(super) fn finish(mut self, layers: &mut Vec<Layer>) -> usize {
        self.layer.range.end = self.at;
        layers.push(self.layer);
        self.at
    }
}

/// Up to four bytes as a number, in network order.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// Four bytes as an IPv4 address.
pub(super) fn address(bytes: &[u8]) -> String {
    Ipv4Addr::from(number(bytes)).to_string()
}

/// `0x1a2b`.
pub(super) fn hex16(value: u16) -> String {
    format!("{value:#06x}")
}
