//! The fields a filter may name: Wireshark's names and types, and where in a decoded frame their values stand.

use super::Context;
use super::value::Value;
use crate::frame::decode::Field;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A protocol: it is there or not, and its bytes can be searched.
    Protocol,
    /// A flag.
    Bool,
    /// A number of so many bits.
    Uint(u8),
    /// Seconds.
    Seconds,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A MAC address.
    Ether,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A field by its name in filters.
#[derive(Debug)]
pub struct Def {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The decoder's keys it is made of; for a protocol, the layer's name. Empty for what the context knows.
    from: &'static [&'static str],
    /// Bytes before the value: an option's code and length.
    skip: usize,
    /// Which bits of the number; 0 for all.
    mask: u64,
    /// What the number is multiplied by.
    times: u64,
    /// Names of numbers, as Wireshark's filters take them.
    pub names: &'static [(u64, &'static str)],
}

impl Def {
    const fn new(name: &'static str, kind: Kind, from: &'static [&'static str]) -> Self {
        Self { name, kind, from, skip: 0, mask: 0, times: 1, names: &[] }
    }

    const fn skip(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    const fn mask(self, mask: u64) -> Self {
        Self { mask, ..self }
    }

    const fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    const fn names(self, names: &'static [(u64, &'static str)]) -> Self {
        Self { names, ..self }
    }

    /// Whether the value depends on what happens to the frame after it was sent.
    pub fn changes(&self) -> bool {
        self.name == "nm.dropped"
    }

    /// Every value of the field in a frame; none where the frame does not have it.
    pub(super) fn values<'a>(&self, context: &'a Context<'_>) -> Vec<Value<'a>> {
        if let Some(values) = self.outside(context) {
            return values;
        }
        let decoded = context.decoded();
        if self.kind == Kind::Protocol {
            let layers = decoded.layers.iter().filter(|layer| self.from.contains(&layer.name));
            let rest = |start: usize| Value::Bytes(context.bytes.get(start..).unwrap_or_default());
            return layers.map(|layer| rest(layer.range.start)).collect();
        }
        let fields = decoded.layers.iter().flat_map(|layer| &layer.fields);
        let mut values = Vec::new();
        for field in fields.filter(|field| self.from.contains(&field.key)) {
            self.read(field, context.bytes, &mut values);
        }
        values
    }

    fn read<'a>(&self, field: &Field, bytes: &'a [u8], values: &mut Vec<Value<'a>>) {
        let bytes = bytes.get(field.range.clone()).unwrap_or_default();
        let bytes = bytes.get(self.skip..).unwrap_or_default();
        match self.kind {
            Kind::Bool | Kind::Uint(_) if self.name == "dhcp.option.request_list_item" => {
                values.extend(bytes.iter().map(|byte| Value::Number(u64::from(*byte))));
            }
            Kind::Uint(_) if self.name == "http.response.code" => {
                values.extend(field.value.parse().map(Value::Number));
            }
            Kind::Bool | Kind::Uint(_) => values.push(Value::Number(self.number(bytes))),
            // 256ths of a second: spanning tree's times.
            Kind::Seconds => values.push(Value::Seconds(self.number(bytes) as f64 / 256.0)),
            Kind::Ipv4 => values.extend(bytes.chunks_exact(4).map(|four| Value::Ipv4(big_endian(four) as u32))),
            Kind::Ipv6 => values.extend(<[u8; 16]>::try_from(bytes).map(|b| Value::Ipv6(u128::from_be_bytes(b)))),
            Kind::Ether => values.extend(<[u8; 6]>::try_from(bytes).map(Value::Ether)),
            // A DNS name is compressed: the decoder has put it together.
            Kind::Text if self.name.starts_with("dns.") => values.push(Value::Text(field.value.clone().into())),
            Kind::Text => values.push(Value::Text(String::from_utf8_lossy(bytes))),
            Kind::Bytes | Kind::Protocol => values.push(Value::Bytes(bytes)),
        }
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let number = big_endian(bytes);
        let number = if self.mask == 0 { number } else { (number & self.mask) >> self.mask.trailing_zeros() };
        number * self.times
    }

    /// What the bytes do not say.
    fn outside<'a>(&self, context: &'a Context<'_>) -> Option<Vec<Value<'a>>> {
        let len = || Value::Number(context.bytes.len() as u64);
        let texts = |texts: &[&'a str]| texts.iter().map(|text| Value::Text((*text).into())).collect();
        Some(match self.name {
            "frame" => vec![Value::Bytes(context.bytes)],
            "frame.number" => vec![Value::Number(context.number)],
            "frame.len" | "frame.cap_len" => vec![len()],
            "frame.time_relative" => vec![Value::Seconds(context.seconds)],
            "nm.node" => texts(&context.nodes),
            "nm.from" => texts(&context.nodes[..1]),
            "nm.to" => texts(&context.nodes[1..]),
            "nm.dropped" => texts(context.dropped.as_slice()),
            "tcp.len" => context
                .decoded()
                .has("TCP")
                .then(|| Value::Number(context.decoded().payload_len() as u64))
                .into_iter()
                .collect(),
            "tcp.payload" => payload(context, "TCP"),
            "udp.payload" => payload(context, "UDP"),
            "dhcp.option.type" => option_types(context),
            "http.request" | "http.response" => {
                let key = if self.name == "http.request" { "http.request.method" } else { "http.response.code" };
                context.decoded().get(key).map(|_| Value::Number(1)).into_iter().collect()
            }
            _ => return self.checksum(context),
        })
    }

    fn checksum<'a>(&self, context: &Context<'_>) -> Option<Vec<Value<'a>>> {
        let of = self.name.strip_suffix(".status")?;
        let checks = crate::frame::decode::checks(context.bytes, context.decoded());
        Some(checks.into_iter().filter(|(key, _)| *key == of).map(|(_, good)| Value::Number(good.into())).collect())
    }
}

fn payload<'a>(context: &'a Context<'_>, name: &str) -> Vec<Value<'a>> {
    let layers = &context.decoded().layers;
    let Some(at) = layers.iter().position(|layer| layer.name == name) else { return Vec::new() };
    let end = layers[at + 1..].iter().filter(|layer| layer.name != "Padding").map(|layer| layer.range.end).max();
    let start = layers[at].range.end;
    let bytes = end.and_then(|end| context.bytes.get(start..end)).filter(|bytes| !bytes.is_empty());
    bytes.map(Value::Bytes).into_iter().collect()
}

fn option_types<'a>(context: &Context<'_>) -> Vec<Value<'a>> {
    let fields = context.decoded().layers.iter().filter(|layer| layer.name == "DHCP").flat_map(|layer| &layer.fields);
    let options = fields.filter(|field| field.key.starts_with("dhcp.option.") || field.key == "dhcp.client_id");
    let code = |field: &Field| context.bytes.get(field.range.start).map(|code| Value::Number(u64::from(*code)));
    options.filter_map(code).collect()
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The field with this name.
pub(super) fn find(name: &str) -> Option<&'static Def> {
    FIELDS.iter().find(|def| def.name == name)
}

/// The filter's name of a decoded field, to make a filter of it; none where filters do not know it.
pub fn of_key(key: &str) -> Option<&'static Def> {
    find(key).or_else(|| FIELDS.iter().find(|def| def.from == [key] && def.kind != Kind::Bool))
}

/// The literal that a filter would compare a decoded field's first value with.
pub fn literal_of(def: &'static Def, field: &Field, bytes: &[u8]) -> Option<String> {
    let mut values = Vec::new();
    def.read(field, bytes, &mut values);
    values.first().map(|value| value.literal(def))
}

/// Whether a layer's protocol has a name in filters.
pub fn protocol_of(layer: &str) -> Option<&'static str> {
    FIELDS.iter().find(|def| def.kind == Kind::Protocol && def.from == [layer]).map(|def| def.name)
}

const fn proto(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Protocol, from)
}

const fn uint(name: &'static str, bits: u8, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Uint(bits), from)
}

const fn flag(name: &'static str, from: &'static [&'static str], mask: u64) -> Def {
    Def::new(name, Kind::Bool, from).mask(mask)
}

const fn ip(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Ipv4, from)
}

const fn ip6(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Ipv6, from)
}

const fn mac(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Ether, from)
}

const fn text(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Text, from)
}

const fn raw(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Bytes, from)
}

const fn secs(name: &'static str, from: &'static [&'static str]) -> Def {
    Def::new(name, Kind::Seconds, from)
}

const DHCP_TYPES: &[(u64, &str)] = &[
    (1, "Discover"),
    (2, "Offer"),
    (3, "Request"),
    (4, "Decline"),
    (5, "ACK"),
    (6, "NAK"),
    (7, "Release"),
    (8, "Inform"),
];
const ARP_OPS: &[(u64, &str)] = &[(1, "request"), (2, "reply")];

/// All fields, in the order in which they are offered: protocols, then by layer.
pub const FIELDS: &[Def] = &[
    proto("arp", &["ARP"]),
    proto("dhcp", &["DHCP"]),
    proto("icmp", &["ICMP"]),
    proto("ip", &["IPv4"]),
    proto("tcp", &["TCP"]),
    proto("udp", &["UDP"]),
    proto("dns", &["DNS"]),
    proto("http", &["HTTP"]),
    proto("eth", &["Ethernet"]),
    proto("ipv6", &["IPv6"]),
    proto("icmpv6", &["ICMPv6"]),
    proto("stp", &["STP"]),
    proto("llc", &["LLC"]),
    proto("data", &["Data"]),
    proto("frame", &[]),
    ip("ip.addr", &["ip.src", "ip.dst"]),
    ip("ip.src", &["ip.src"]),
    ip("ip.dst", &["ip.dst"]),
    uint("ip.ttl", 8, &["ip.ttl"]),
    uint("ip.proto", 8, &["ip.proto"]),
    uint("ip.id", 16, &["ip.id"]),
    uint("ip.len", 16, &["ip.len"]),
    uint("ip.version", 8, &["ip.version"]).mask(0xf0),
    uint("ip.hdr_len", 8, &["ip.hdr_len"]).mask(0x0f).times(4),
    uint("ip.dsfield", 8, &["ip.dsfield"]),
    uint("ip.dsfield.dscp", 8, &["ip.dsfield"]).mask(0xfc),
    uint("ip.dsfield.ecn", 8, &["ip.dsfield"]).mask(0x03),
    uint("ip.flags", 8, &["ip.flags"]).mask(0xe000),
    flag("ip.flags.df", &["ip.flags"], 0x4000),
    flag("ip.flags.mf", &["ip.flags"], 0x2000),
    uint("ip.frag_offset", 16, &["ip.frag_offset"]).mask(0x1fff),
    uint("ip.checksum", 16, &["ip.checksum"]),
    uint("ip.checksum.status", 8, &[]),
    mac("eth.addr", &["eth.dst", "eth.src"]),
    mac("eth.src", &["eth.src"]),
    mac("eth.dst", &["eth.dst"]),
    uint("eth.type", 16, &["eth.type"]),
    uint("eth.len", 16, &["eth.len"]),
    flag("eth.dst.ig", &["eth.dst"], 1 << 40),
    flag("eth.dst.lg", &["eth.dst"], 1 << 41),
    raw("eth.padding", &["eth.padding"]),
    uint("arp.opcode", 16, &["arp.opcode"]).names(ARP_OPS),
    ip("arp.src.proto_ipv4", &["arp.src.proto_ipv4"]),
    ip("arp.dst.proto_ipv4", &["arp.dst.proto_ipv4"]),
    mac("arp.src.hw_mac", &["arp.src.hw_mac"]),
    mac("arp.dst.hw_mac", &["arp.dst.hw_mac"]),
    uint("arp.hw.type", 16, &["arp.hw.type"]),
    uint("arp.proto.type", 16, &["arp.proto.type"]),
    uint("arp.hw.size", 8, &["arp.hw.size"]),
    uint("arp.proto.size", 8, &["arp.proto.size"]),
    uint("icmp.type", 8, &["icmp.type"]),
    uint("icmp.code", 8, &["icmp.code"]),
    uint("icmp.ident", 16, &["icmp.ident"]),
    uint("icmp.seq", 16, &["icmp.seq"]),
    uint("icmp.checksum", 16, &["icmp.checksum"]),
    uint("icmp.checksum.status", 8, &[]),
    uint("icmp.mtu", 16, &["icmp.mtu"]),
    ip("icmp.redir_gw", &["icmp.redir_gw"]),
    uint("tcp.port", 16, &["tcp.srcport", "tcp.dstport"]),
    uint("tcp.srcport", 16, &["tcp.srcport"]),
    uint("tcp.dstport", 16, &["tcp.dstport"]),
    uint("tcp.flags", 16, &["tcp.flags"]),
    flag("tcp.flags.syn", &["tcp.flags"], 0x02),
    flag("tcp.flags.ack", &["tcp.flags"], 0x10),
    flag("tcp.flags.fin", &["tcp.flags"], 0x01),
    flag("tcp.flags.reset", &["tcp.flags"], 0x04),
    flag("tcp.flags.push", &["tcp.flags"], 0x08),
    flag("tcp.flags.urg", &["tcp.flags"], 0x20),
    uint("tcp.len", 32, &[]),
    uint("tcp.seq_raw", 32, &["tcp.seq_raw"]),
    uint("tcp.ack_raw", 32, &["tcp.ack_raw"]),
    uint("tcp.hdr_len", 8, &["tcp.hdr_len"]).mask(0xf0).times(4),
    uint("tcp.window_size_value", 16, &["tcp.window_size_value"]),
    uint("tcp.checksum", 16, &["tcp.checksum"]),
    uint("tcp.checksum.status", 8, &[]),
    uint("tcp.urgent_pointer", 16, &["tcp.urgent_pointer"]),
    raw("tcp.options", &["tcp.options"]),
    raw("tcp.payload", &[]),
    uint("udp.port", 16, &["udp.srcport", "udp.dstport"]),
    uint("udp.srcport", 16, &["udp.srcport"]),
    uint("udp.dstport", 16, &["udp.dstport"]),
    uint("udp.length", 16, &["udp.length"]),
    uint("udp.checksum", 16, &["udp.checksum"]),
    uint("udp.checksum.status", 8, &[]),
    raw("udp.payload", &[]),
    uint("dhcp.option.dhcp", 8, &["dhcp.option.dhcp"]).skip(2).names(DHCP_TYPES),
    uint("dhcp.type", 8, &["dhcp.type"]),
    uint("dhcp.id", 32, &["dhcp.id"]),
    uint("dhcp.secs", 16, &["dhcp.secs"]),
    uint("dhcp.flags", 16, &["dhcp.flags"]),
    flag("dhcp.flags.bc", &["dhcp.flags"], 0x8000),
    uint("dhcp.hops", 8, &["dhcp.hops"]),
    uint("dhcp.hw.type", 8, &["dhcp.hw.type"]),
    uint("dhcp.hw.len", 8, &["dhcp.hw.len"]),
    ip("dhcp.ip.client", &["dhcp.ip.client"]),
    ip("dhcp.ip.your", &["dhcp.ip.your"]),
    ip("dhcp.ip.server", &["dhcp.ip.server"]),
    ip("dhcp.ip.relay", &["dhcp.ip.relay"]),
    mac("dhcp.hw.mac_addr", &["dhcp.hw.mac_addr"]),
    ip("dhcp.cookie", &["dhcp.cookie"]),
    raw("dhcp.client_id", &["dhcp.client_id"]).skip(2),
    uint("dhcp.option.type", 8, &[]),
    ip("dhcp.option.subnet_mask", &["dhcp.option.subnet_mask"]).skip(2),
    ip("dhcp.option.router", &["dhcp.option.router"]).skip(2),
    ip("dhcp.option.domain_name_server", &["dhcp.option.domain_name_server"]).skip(2),
    ip("dhcp.option.broadcast_address", &["dhcp.option.broadcast_address"]).skip(2),
    ip("dhcp.option.requested_ip_address", &["dhcp.option.requested_ip_address"]).skip(2),
    ip("dhcp.option.dhcp_server_id", &["dhcp.option.dhcp_server_id"]).skip(2),
    uint("dhcp.option.ip_address_lease_time", 32, &["dhcp.option.ip_address_lease_time"]).skip(2),
    uint("dhcp.option.renewal_time_value", 32, &["dhcp.option.renewal_time_value"]).skip(2),
    uint("dhcp.option.rebinding_time_value", 32, &["dhcp.option.rebinding_time_value"]).skip(2),
    uint("dhcp.option.request_list_item", 8, &["dhcp.option.request_list_item"]).skip(2),
    text("dhcp.option.hostname", &["dhcp.option.hostname"]).skip(2),
    text("dhcp.option.domain_name", &["dhcp.option.domain_name"]).skip(2),
    text("dhcp.option.message", &["dhcp.option.message"]).skip(2),
    text("dns.qry.name", &["dns.qry.name"]),
    uint("dns.qry.type", 16, &["dns.qry.type"]),
    uint("dns.qry.class", 16, &["dns.qry.class"]),
    uint("dns.id", 16, &["dns.id"]),
    uint("dns.flags", 16, &["dns.flags"]),
    flag("dns.flags.response", &["dns.flags"], 0x8000),
    uint("dns.flags.rcode", 16, &["dns.flags"]).mask(0x000f),
    uint("dns.count.queries", 16, &["dns.count.queries"]),
    uint("dns.count.answers", 16, &["dns.count.answers"]),
    uint("dns.count.auth_rr", 16, &["dns.count.auth_rr"]),
    uint("dns.count.add_rr", 16, &["dns.count.add_rr"]),
    text("dns.resp.name", &["dns.resp.name"]),
    uint("dns.resp.type", 16, &["dns.resp.type"]),
    uint("dns.resp.ttl", 32, &["dns.resp.ttl"]),
    ip("dns.a", &["dns.a"]),
    flag("http.request", &[], 0),
    flag("http.response", &[], 0),
    text("http.request.method", &["http.request.method"]),
    text("http.request.uri", &["http.request.uri"]),
    text("http.request.version", &["http.request.version"]),
    text("http.host", &["http.host"]),
    raw("http.file_data", &["http.file_data"]),
    text("http.response.version", &["http.response.version"]),
    uint("http.response.code", 16, &["http.response.code"]),
    text("http.response.phrase", &["http.response.phrase"]),
    ip6("ipv6.addr", &["ipv6.src", "ipv6.dst"]),
    ip6("ipv6.src", &["ipv6.src"]),
    ip6("ipv6.dst", &["ipv6.dst"]),
    uint("ipv6.nxt", 8, &["ipv6.nxt"]),
    uint("ipv6.plen", 16, &["ipv6.plen"]),
    uint("ipv6.hlim", 8, &["ipv6.hlim"]),
    uint("icmpv6.type", 8, &["icmpv6.type"]),
    uint("icmpv6.code", 8, &["icmpv6.code"]),
    uint("icmpv6.checksum", 16, &["icmpv6.checksum"]),
    ip6("icmpv6.nd.ns.target_address", &["icmpv6.nd.ns.target_address"]),
    ip6("icmpv6.nd.na.target_address", &["icmpv6.nd.na.target_address"]),
    ip6("icmpv6.mldr.mar.multicast_address", &["icmpv6.mldr.mar.multicast_address"]),
    uint("stp.type", 8, &["stp.type"]),
    uint("stp.version", 8, &["stp.version"]),
    uint("stp.flags", 8, &["stp.flags"]),
    flag("stp.flags.tc", &["stp.flags"], 0x01),
    flag("stp.flags.tcack", &["stp.flags"], 0x80),
    uint("stp.root.cost", 32, &["stp.root.cost"]),
    mac("stp.root.hw", &["stp.root.bridge"]).skip(2),
    mac("stp.bridge.hw", &["stp.bridge"]).skip(2),
    uint("stp.port", 16, &["stp.port"]),
    secs("stp.msg_age", &["stp.msg_age"]),
    secs("stp.max_age", &["stp.max_age"]),
    secs("stp.hello", &["stp.hello"]),
    secs("stp.forward", &["stp.forward"]),
    uint("llc.dsap", 8, &["llc.dsap"]),
    uint("llc.ssap", 8, &["llc.ssap"]),
    uint("frame.number", 32, &[]),
    uint("frame.len", 32, &[]),
    uint("frame.cap_len", 32, &[]),
    secs("frame.time_relative", &[]),
    text("nm.node", &[]),
    text("nm.from", &[]),
    text("nm.to", &[]),
    text("nm.dropped", &[]),
];
