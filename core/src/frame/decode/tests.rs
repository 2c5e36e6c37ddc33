//! Tests of decoding.

use super::*;

fn echo() -> Vec<u8> {
    let mut bytes = vec![0x52, 0x54, 0, 0x12, 0x35, 2, 8, 0, 0x27, 0xa1, 0xb2, 0xc3, 8, 0];
    bytes.extend([0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 1, 0xaa, 0xbb, 10, 0, 2, 15, 8, 8, 8, 8]);
    bytes.extend([8, 0, 0x5a, 0x5b, 0x0f, 0xb5, 0, 1, 1, 2, 3, 4]);
    bytes
}

#[test]
fn an_echo_request_has_its_layers_and_one_line() {
    let frame = decode(&echo());
    let names: Vec<_> = frame.layers.iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["Ethernet", "IPv4", "ICMP", "Data"]);
    assert_eq!(frame.get("ip.flags"), Some("DF"));
    assert_eq!(frame.get("icmp.ident"), Some("4021"));
    let summary = summarize(&echo());
    assert_eq!((summary.proto.as_str(), summary.text.as_str()), ("ICMP", "echo request 10.0.2.15 → 8.8.8.8, seq 1"));
}

#[test]
fn padding_after_the_packet_is_not_its_data() {
    let mut bytes = echo();
    bytes.extend([0; 14]);
    let frame = decode(&bytes);
    assert_eq!(frame.layers.last().map(|layer| (layer.name, layer.range.clone())), Some(("Padding", 46..60)));
}

#[test]
fn every_cut_of_a_frame_is_decoded_without_a_step_outside() {
    let mut dhcp = vec![0xff; 6];
    dhcp.extend([8, 0, 0x27, 1, 2, 3, 8, 0, 0x45, 0, 1, 20, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    dhcp.extend([0, 68, 0, 67, 1, 0, 0, 0, 1, 1, 6, 0]);
    dhcp.extend([0; 232]);
    dhcp.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 50, 4, 10, 0, 2, 15, 55, 200, 1, 255]);
    for whole in [echo(), dhcp] {
        for len in 0..=whole.len() {
            let frame = decode(&whole[..len]);
            let fields = frame.layers.iter().flat_map(|layer| &layer.fields);
            assert!(fields.map(|field| field.range.end).all(|end| end <= len));
            assert!(frame.layers.iter().all(|layer| layer.range.end <= len));
            summarize(&whole[..len]);
        }
    }
}

#[test]
fn dhcp_options_are_named() {
    let mut r = reader::Reader::new("DHCP", &[], 0);
    assert!(r.u8("x", |v| v.to_string()).is_none());
    assert_eq!(app::message_type(1), "DISCOVER");
    assert_eq!(app::message_type(99), "99");
    assert_eq!(transport::flags(0x12), "SYN, ACK");
}
