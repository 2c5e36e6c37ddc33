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
pub fn decode(_: &[u8]) -> Decoded {
    Decoded::default()
}
/// summarize
pub fn summarize(_: &[u8]) -> Summary {
    Summary::default()
}
