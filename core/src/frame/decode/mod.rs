//! A frame's bytes as layers and fields with byte ranges, and one line about a frame. Lax: a frame that ends early or
//! says impossible things is decoded as far as it goes. Field keys are Wireshark's names; their titles and explanations
//! are in `static/explain/<lang>.toml` under `fields`. Must not know the simulation's state.

mod app;
mod checks;
mod dns;
mod ipv6;
mod network;
mod reader;
mod stp;
mod summary;
mod transport;

use core::ops::Range;

pub use checks::checks;
use reader::Reader;
pub use summary::{Summary, summarize};

/// A frame, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// From the outside in.
    pub layers: Vec<Layer>,
}

/// One layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Its protocol's name.
    pub name: &'static str,
    /// Its header's bytes; for data, all of them.
    pub range: Range<usize>,
    /// Its fields, in the order of their bytes.
    pub fields: Vec<Field>,
    /// The bytes ended before the layer did.
    pub cut: bool,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Wireshark's name.
    pub key: &'static str,
    /// Its value, in the notation of the field's own tools.
    pub value: String,
    /// Its bytes.
    pub range: Range<usize>,
}

impl Decoded {
    /// The value of the first field with this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.layers.iter().flat_map(|layer| &layer.fields).find(|field| field.key == key).map(|f| f.value.as_str())
    }

    /// Bytes that TCP carries in this frame; 0 without TCP.
    pub fn payload_len(&self) -> usize {
        let Some(at) = self.layers.iter().position(|layer| layer.name == "TCP") else { return 0 };
        self.layers[at + 1..].iter().filter(|layer| layer.name != "Padding").map(|layer| layer.range.len()).sum()
    }

    /// Whether there is a layer of this protocol.
    pub fn has(&self, name: &str) -> bool {
        self.layers.iter().any(|layer| layer.name == name)
    }
}

/// Decodes a whole Ethernet frame without FCS.
pub fn decode(bytes: &[u8]) -> Decoded {
    let mut layers = Vec::new();
    let mut reader = Reader::new("Ethernet", bytes, 0);
    reader.mac("eth.dst");
    reader.mac("eth.src");
    // Up to 1500 the field is a length (IEEE 802.3), and what follows is LLC: spanning tree's frames.
    let length = bytes.get(12..14).is_some_and(|field| reader::number(field) <= 1_500);
    let kind = reader.u16(if length { "eth.len" } else { "eth.type" }, |kind| match kind {
        0..=1_500 => kind.to_string(),
        0x0800 => "IPv4 (0x0800)".to_owned(),
        0x0806 => "ARP (0x0806)".to_owned(),
        0x86dd => "IPv6 (0x86dd)".to_owned(),
        other => format!("{other:#06x}"),
    });
    let end = reader.finish(&mut layers);
    let Some(kind) = kind else { return Decoded { layers } };
    let used = match kind {
        0x0800 => network::ipv4(bytes, end, &mut layers),
        0x0806 => network::arp(bytes, end, &mut layers),
        0x86dd => ipv6::ipv6(bytes, end, &mut layers),
        0..=1_500 => stp::llc(bytes, end, usize::from(kind), &mut layers),
        _ => end,
    };
    data(bytes, used, bytes.len(), if used == end { "data" } else { "eth.padding" }, &mut layers);
    Decoded { layers }
}

/// What no protocol claims.
fn data(bytes: &[u8], from: usize, to: usize, key: &'static str, layers: &mut Vec<Layer>) {
    let to = to.min(bytes.len());
    if from >= to {
        return;
    }
    let name = if key == "data" { "Data" } else { "Padding" };
    let field = Field { key, value: format!("{} B", to - from), range: from..to };
    layers.push(Layer { name, range: from..to, fields: vec![field], cut: false });
}

#[cfg(test)]
mod tests;
