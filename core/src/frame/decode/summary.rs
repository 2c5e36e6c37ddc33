//! One line about a frame, in the words of tcpdump, which are the same in every language.

use super::decode;

/// One line about a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Name of the innermost protocol.
    pub proto: String,
    /// What it says.
    pub text: String,
}

/// One line about a whole Ethernet frame.
pub fn summarize(bytes: &[u8]) -> Summary {
    let frame = decode(bytes);
    let get = |key: &str| frame.get(key).unwrap_or("?").to_owned();
    let ends = || format!("{} → {}", get("ip.src"), get("ip.dst"));
    let with_ports = |proto: &str| {
        let (from, to) = (get(&format!("{proto}.srcport")), get(&format!("{proto}.dstport")));
        format!("{}:{from} → {}:{to}", get("ip.src"), get("ip.dst"))
    };
    // The kind without its number: `echo request (8)`.
    let word = |key: &str| get(key).split(" (").next().unwrap_or_default().to_owned();
    let (proto, text) = if frame.has("ARP") {
        let text = match word("arp.opcode").as_str() {
            "request" => format!("who-has {} tell {}", get("arp.dst.proto_ipv4"), get("arp.src.proto_ipv4")),
            "reply" => format!("{} is-at {}", get("arp.src.proto_ipv4"), get("arp.src.hw_mac")),
            other => other.to_owned(),
        };
        ("ARP", text)
    } else if frame.has("STP") {
        ("STP", super::stp::summary(|key| frame.get(key).map(str::to_owned)))
    } else if frame.has("ICMPv6") {
        ("ICMPv6", super::ipv6::summary(|key| frame.get(key).map(str::to_owned)))
    } else if frame.has("IPv6") {
        ("IPv6", format!("{} → {} next {}", get("ipv6.src"), get("ipv6.dst"), get("ipv6.nxt")))
    } else if frame.has("ICMP") {
        let seq = frame.get("icmp.seq").map(|seq| format!(", seq {seq}")).unwrap_or_default();
        ("ICMP", format!("{} {}{seq}", word("icmp.type"), ends()))
    } else if frame.has("DHCP") {
        let address = match frame.get("dhcp.ip.your").filter(|addr| *addr != "0.0.0.0") {
            Some(address) => Some(address),
            None => frame.get("dhcp.option.requested_ip_address"),
        };
        let kind = get("dhcp.option.dhcp");
        ("DHCP", address.map_or_else(|| kind.clone(), |address| format!("{kind} {address}")))
    } else if frame.has("DNS") {
        ("DNS", format!("{} {}", ends(), get("dns.qry.name")))
    } else if frame.has("TCP") {
        let len = frame.payload_len();
        let len = if len > 0 { format!(", {len} B") } else { String::new() };
        ("TCP", format!("[{}] {}{len}", get("tcp.flags"), with_ports("tcp")))
    } else if frame.has("UDP") {
        ("UDP", with_ports("udp"))
    } else if frame.has("IPv4") {
        ("IPv4", format!("{} proto {}", ends(), get("ip.proto")))
    } else {
        (
            "ETH",
            format!(
                "{} → {} {}",
                get("eth.src"),
                get("eth.dst"),
                frame.get("eth.type").or(frame.get("eth.len")).unwrap_or("?")
            ),
        )
    };
    Summary { proto: proto.to_owned(), text }
}
