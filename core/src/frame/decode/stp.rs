//! LLC (IEEE 802.2) and spanning tree (IEEE 802.1D-1998, clause 9).

use super::Layer;
use super::reader::{Reader, hex16};
use crate::addr::BridgeId;

/// LLC and a BPDU, if it carries one; where they end by the frame's length field.
pub(super) fn llc(bytes: &[u8], start: usize, length: usize, layers: &mut Vec<Layer>) -> usize {
    let end = (start + length).min(bytes.len());
    let inside = bytes.get(..end).unwrap_or(bytes);
    let mut r = Reader::new("LLC", inside, start);
    let sap = |v: u8| if v == 0x42 { "STP (0x42)".to_owned() } else { format!("{v:#04x}") };
    let dsap = r.u8("llc.dsap", sap);
    r.u8("llc.ssap", sap);
    r.u8("llc.control", |v| format!("{v:#04x}"));
    let next = r.finish(layers);
    match dsap {
        Some(0x42) => bpdu(inside, next, layers),
        _ => next,
    }
}

fn bpdu(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("STP", bytes, start);
    r.u16("stp.protocol", hex16);
    r.u8("stp.version", |v| v.to_string());
    let kind = r.u8("stp.type", |v| match v {
        0x00 => "configuration (0x00)".to_owned(),
        0x02 => "rapid (0x02)".to_owned(),
        0x80 => "topology change (0x80)".to_owned(),
        other => format!("{other:#04x}"),
    });
    if matches!(kind, Some(0 | 2)) {
        r.u8("stp.flags", flags);
        r.take("stp.root.bridge", 8, bridge);
        r.u32("stp.root.cost", |v| v.to_string());
        r.take("stp.bridge", 8, bridge);
        r.u16("stp.port", hex16);
        for key in ["stp.msg_age", "stp.max_age", "stp.hello", "stp.forward"] {
            r.u16(key, seconds);
        }
    }
    r.finish(layers)
}

fn flags(value: u8) -> String {
    match (value & 0x01 != 0, value & 0x80 != 0) {
        (false, false) => "—".to_owned(),
        (true, false) => "TC".to_owned(),
        (false, true) => "TCA".to_owned(),
        (true, true) => "TC, TCA".to_owned(),
    }
}

fn bridge(bytes: &[u8]) -> String {
    let id = bytes.try_into().map(BridgeId::from_bytes).unwrap_or_default();
    format!("{} / {}", id.priority, id.mac)
}

/// 256ths of a second, with two decimals.
fn seconds(ticks: u16) -> String {
    let hundredths = u32::from(ticks) * 100 / 256;
    match hundredths % 100 {
        0 => format!("{} s", hundredths / 100),
        rest => format!("{}.{rest:02} s", hundredths / 100),
    }
}

/// One line: who speaks, whom it takes for the root, and what the way costs.
pub(super) fn summary(get: impl Fn(&str) -> Option<String>) -> String {
    let kind = get("stp.type").unwrap_or_default();
    if kind.starts_with("topology") {
        return "topology change notification".to_owned();
    }
    let text = |key: &str| get(key).unwrap_or_else(|| "?".to_owned());
    let flags = get("stp.flags").filter(|flags| flags != "—").map(|flags| format!(" [{flags}]")).unwrap_or_default();
    format!("root {}, cost {}, port {}{flags}", text("stp.root.bridge"), text("stp.root.cost"), text("stp.port"))
}

#[cfg(test)]
mod tests {
    use crate::frame::{Bpdu, decode, summarize};

    /// A configuration BPDU as the bridge of Linux 6.18 sent it, captured on a veth.
    const LINUX: [u8; 52] = [
        0x01, 0x80, 0xc2, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x21, 0x01, 0x00, 0x26, 0x42, 0x42, 0x03, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00,
        0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x80, 0x01, 0x00, 0x00, 0x14, 0x00, 0x02, 0x00, 0x0f, 0x00,
    ];

    #[test]
    fn a_bpdu_of_linux_has_wiresharks_fields() {
        let frame = decode(&LINUX);
        let names: Vec<_> = frame.layers.iter().map(|layer| layer.name).collect();
        assert_eq!(names, ["Ethernet", "LLC", "STP"]);
        for (key, value) in [
            ("eth.len", "38"),
            ("llc.dsap", "STP (0x42)"),
            ("stp.type", "configuration (0x00)"),
            ("stp.root.bridge", "32768 / 02:00:00:00:00:02"),
            ("stp.root.cost", "0"),
            ("stp.port", "0x8001"),
            ("stp.max_age", "20 s"),
            ("stp.hello", "2 s"),
            ("stp.forward", "15 s"),
        ] {
            assert_eq!(frame.get(key), Some(value), "{key}");
        }
        let summary = summarize(&LINUX);
        assert_eq!(summary.proto, "STP");
        assert_eq!(summary.text, "root 32768 / 02:00:00:00:00:02, cost 0, port 0x8001");
        assert_eq!(super::seconds(1), "0 s");
        assert_eq!(super::seconds(128), "0.50 s");
    }

    #[test]
    fn a_bpdu_of_linux_read_and_written_again_is_the_same_bytes() {
        let bpdu = Bpdu::parse(&LINUX).unwrap();
        assert_eq!(bpdu.emit(crate::addr::MacAddr([2, 0, 0, 0, 0x21, 1])), LINUX);
    }

    #[test]
    fn every_cut_of_a_bpdu_is_decoded_without_a_step_outside() {
        for len in 0..LINUX.len() {
            let frame = decode(&LINUX[..len]);
            assert!(frame.layers.iter().all(|layer| layer.range.end <= len), "{len}");
            summarize(&LINUX[..len]);
        }
    }
}
