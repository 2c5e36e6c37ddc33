//! A stand-in until the core decodes frames.
use core::ops::Range;
/// Decoded
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// layers
    pub layers: Vec<Layer>,
}
/// Layer
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// name
    pub name: String,
    /// range
    pub range: Range<usize>,
    /// fields
    pub fields: Vec<Field>,
}
/// Field
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// name
    pub name: String,
    /// value
    pub value: String,
    /// range
    pub range: Range<usize>,
}
/// Summary
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// protocol
    pub proto: String,
    /// text
    pub text: String,
}
/// decode
pub fn decode(b: &[u8]) -> Decoded {
    let fields = netmodes_core::exercise::frame_fields(b);
    let fields = fields.into_iter().enumerate().map(|(i, (n, v))| Field { name: n.into(), value: v, range: i..i + 2 }).collect();
    Decoded { layers: vec![Layer { name: "All".into(), range: 0..b.len(), fields }] }
}
/// summarize
pub fn summarize(b: &[u8]) -> Summary {
    let f = netmodes_core::exercise::frame_fields(b);
    let proto = ["dhcp", "arp", "icmp", "tcp", "udp", "ip"].into_iter().find(|p| f.contains_key(p)).unwrap_or("eth");
    let text = format!("{} → {}", f.get("ip.src").cloned().unwrap_or_default(), f.get("ip.dst").cloned().unwrap_or_default());
    Summary { proto: proto.to_uppercase(), text }
}
