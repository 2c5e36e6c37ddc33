//! Capture files: pcapng (draft-ietf-opsawg-pcapng), little-endian, Ethernet, nanoseconds.

use std::collections::BTreeMap;

use crate::time::SimTime;

/// Lab time 0 in capture files: 2026-01-01T00:00:00Z, so that dates look like dates.
const EPOCH_NANOS: u64 = 1_767_225_600 * 1_000_000_000;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const LINKTYPE_ETHERNET: u16 = 1;
const OPTION_END: u16 = 0;
const OPTION_IF_NAME: u16 = 2;
const OPTION_IF_TSRESOL: u16 = 9;

/// A whole capture file: each frame with where it was seen, when, and its bytes. `name` names an interface.
pub fn capture<'a, K: Ord + Copy>(
    frames: impl IntoIterator<Item = (K, SimTime, &'a [u8])>,
    name: impl Fn(K) -> String,
) -> Vec<u8> {
    let mut writer = PcapngWriter::new();
    let mut interfaces: BTreeMap<K, u32> = BTreeMap::new();
    for (at, time, bytes) in frames {
        let interface = *interfaces.entry(at).or_insert_with(|| writer.add_interface(&name(at)));
        writer.packet(interface, time, bytes);
    }
    writer.finish()
}

/// A capture file in the making.
#[derive(Clone, Debug)]
pub struct PcapngWriter {
    bytes: Vec<u8>,
    interfaces: u32,
}

impl Default for PcapngWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl PcapngWriter {
    /// A file with its section header.
    pub fn new() -> Self {
        let mut writer = Self { bytes: Vec::new(), interfaces: 0 };
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend_from_slice(&1u16.to_le_bytes());
        body.extend_from_slice(&0u16.to_le_bytes());
        // The section's length is not known.
        body.extend_from_slice(&u64::MAX.to_le_bytes());
        writer.block(SECTION_HEADER, &body);
        writer
    }

    /// Adds an interface; its number is for [`PcapngWriter::packet`].
    pub fn add_interface(&mut self, name: &str) -> u32 {
        let mut body = LINKTYPE_ETHERNET.to_le_bytes().to_vec();
        body.extend_from_slice(&0u16.to_le_bytes());
        body.extend_from_slice(&0u32.to_le_bytes());
        option(&mut body, OPTION_IF_NAME, name.as_bytes());
        option(&mut body, OPTION_IF_TSRESOL, &[9]);
        option(&mut body, OPTION_END, &[]);
        self.block(INTERFACE, &body);
        self.interfaces += 1;
        self.interfaces - 1
    }

    /// Adds a frame.
    pub fn packet(&mut self, interface: u32, time: SimTime, frame: &[u8]) {
        let nanos = EPOCH_NANOS.saturating_add(time.as_nanos());
        let len = (frame.len() as u32).to_le_bytes();
        let mut body = interface.to_le_bytes().to_vec();
        body.extend_from_slice(&((nanos >> 32) as u32).to_le_bytes());
        body.extend_from_slice(&(nanos as u32).to_le_bytes());
        body.extend_from_slice(&len);
        body.extend_from_slice(&len);
        body.extend_from_slice(frame);
        pad(&mut body);
        self.block(ENHANCED_PACKET, &body);
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let len = (body.len() as u32 + 12).to_le_bytes();
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&len);
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(&len);
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&(value.len().min(u16::MAX.into()) as u16).to_le_bytes());
    body.extend_from_slice(&value[..value.len().min(u16::MAX.into())]);
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_multiples_of_four_and_say_their_length_at_both_ends() {
        let mut writer = PcapngWriter::new();
        let vm1 = writer.add_interface("vm1:enp0s3");
        writer.packet(vm1, SimTime::from_millis(1), &[7; 61]);
        let bytes = writer.finish();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (mut at, mut blocks) = (0, 0);
        while at < bytes.len() {
            let len = word(at + 4);
            assert_eq!(len % 4, 0);
            assert_eq!(word(at + len - 4), len);
            at += len;
            blocks += 1;
        }
        assert_eq!(blocks, 3);
    }
}
