//! Tests of reading, printing and deciding.

use proptest::prelude::*;

use super::*;

fn echo() -> Vec<u8> {
    let mut bytes = vec![0x52, 0x54, 0, 0x12, 0x35, 2, 8, 0, 0x27, 0xa1, 0xb2, 0xc3, 8, 0];
    bytes.extend([0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 1, 0xaa, 0xbb, 10, 0, 2, 15, 8, 8, 8, 8]);
    bytes.extend([8, 0, 0x5a, 0x5b, 0x0f, 0xb5, 0, 1, 1, 2, 3, 4]);
    bytes
}

fn passes(text: &str) -> bool {
    let bytes = echo();
    let mut context = Context::new(&bytes);
    context.number = 7;
    context.nodes = ["vm1", "NAT"];
    context.dropped = Some("no-route");
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).passes(&context)
}

#[test]
fn a_frame_passes_what_is_true_of_it() {
    for text in [
        "",
        "icmp",
        "ip.src == 10.0.2.15 && icmp",
        "!arp",
        "not (arp or tcp)",
        "ip.addr == 10.0.2.0/24",
        "ip.addr eq 8.8.8.8 and ip.ttl >= 0x40",
        "ip.flags.df == true",
        "ip.flags.mf == 0",
        "icmp.type in {0, 8..10}",
        "icmp.type not in {0, 3}",
        "eth.src == 08-00-27-A1-B2-C3",
        "eth.addr contains 08:00:27",
        "ip.hdr_len == 20",
        "frame.number == 7 && frame.len < 60",
        "nm.node == \"vm1\" && nm.to == NAT",
        "nm.dropped",
        "nm.dropped == \"no-route\"",
        "ip.src != ip.dst",
        "data contains 02:03",
        "ip.proto & 1",
        "ip.len & 0xf0 == 0x20",
    ] {
        assert!(passes(text), "{text}");
    }
    for text in [
        "tcp",
        "ip.addr == 10.0.3.0/24",
        "ip.addr != 8.8.8.8",
        "tcp.port != 80",
        "udp.port == 53 || arp",
        "ip.src == ip.dst",
    ] {
        assert!(!passes(text), "{text}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(passes("icmp || arp && tcp"));
    assert!(!passes("(icmp || arp) && tcp"));
}

fn error(text: &str) -> (String, Range<usize>, String) {
    let error = Filter::parse(text).expect_err(text);
    let near = error.error.args.iter().find(|(name, _)| name == "near").map(|(_, near)| near.clone());
    (error.error.code, error.at, near.unwrap_or_default())
}

#[test]
fn an_error_says_where_and_what_to_write_instead() {
    for (text, code, at, near) in [
        ("dchp", "filter-unknown-near", 0..4, "dhcp"),
        ("icmp && syn", "filter-unknown-near", 8..11, "tcp.flags.syn"),
        ("bootp", "filter-unknown-near", 0..5, "dhcp"),
        ("xyzzyxyzzy", "filter-unknown", 0..10, ""),
        ("ip.src = 1.2.3.4", "filter-single-equals", 7..8, ""),
        ("ip == 10.0.2.15", "filter-protocol", 0..2, "ip.addr"),
        ("10.0.2.15", "filter-bare", 0..9, "ip.addr == 10.0.2.15"),
        ("80", "filter-bare", 0..2, "tcp.port == 80"),
        ("08:00:27:a1:b2:c3", "filter-bare", 0..17, "eth.addr == 08:00:27:a1:b2:c3"),
        ("tcp.port == 70000", "filter-number-too-large", 12..17, ""),
        ("ip.src == 10.0.2", "filter-not-address", 10..16, ""),
        ("arp tcp", "filter-between", 4..7, ""),
        ("(arp", "filter-paren-open", 0..1, ""),
        ("arp)", "filter-paren-extra", 3..4, ""),
        ("tcp.port in {80 443}", "filter-comma", 16..19, ""),
        ("tcp.port ==", "filter-value", 11..11, ""),
        ("arp &&", "filter-unfinished", 6..6, ""),
        ("http.host matches \"x\"", "filter-matches", 10..17, ""),
        ("eth.src[0:3] == 08:00:27", "filter-slice", 7..8, ""),
        ("ip.ttl contains 4", "filter-operator", 7..15, ""),
        ("dns.qry.name == \"x", "filter-quote", 16..18, ""),
        ("arp ; tcp", "filter-character", 4..5, ""),
        ("\"icmp\"", "filter-text-alone", 0..6, ""),
    ] {
        assert_eq!(error(text), (code.to_owned(), at, near.to_owned()), "{text}");
    }
}

#[test]
fn length_and_depth_have_caps() {
    let deep = format!("{}arp{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(error(&deep).0, "filter-too-deep");
    assert_eq!(error(&"!".repeat(1_000)).0, "filter-too-deep");
    assert_eq!(error(&"arp || ".repeat(500)).0, "filter-too-long");
}

#[test]
fn a_flag_alone_is_pointed_out() {
    let lone = |text| Filter::parse(text).ok().and_then(|filter| filter.lone_flag());
    assert_eq!(lone("tcp.flags.syn && ip"), Some("tcp.flags.syn"));
    assert_eq!(lone("tcp.flags.syn == 1"), None);
    assert!(Filter::parse("nm.dropped").unwrap().changes());
}

#[test]
fn names_are_completed_where_a_name_can_stand() {
    assert_eq!(complete("arp || tcp.fl", 13, 3), (7, vec!["tcp.flags", "tcp.flags.syn", "tcp.flags.ack"]));
    assert_eq!(complete("ttl", 3, 3), (0, vec!["ip.ttl", "dns.resp.ttl"]));
    assert!(complete("ip.src == 1", 11, 3).1.is_empty());
    assert!(complete("nm.node == \"ar", 14, 3).1.is_empty());
}

#[test]
fn names_stand_once_and_what_the_decoder_says_can_be_filtered() {
    let mut names: Vec<_> = FIELDS.iter().map(|def| def.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    let bytes = echo();
    let decoded = decode(&bytes);
    let context = Context::new(&bytes);
    for field in decoded.layers.iter().flat_map(|layer| &layer.fields).filter(|field| field.key != "data") {
        let def = of_key(field.key).unwrap_or_else(|| panic!("{}", field.key));
        let literal = literal_of(def, field, &bytes).unwrap();
        let filter = Filter::parse(&format!("{} == {literal}", def.name)).unwrap();
        assert!(filter.passes(&context), "{filter}");
    }
}

/// A literal that a field can be compared with.
fn literal(def: &'static Def) -> BoxedStrategy<Literal> {
    match def.kind {
        Kind::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
        Kind::Uint(bits) => (0..1_u64 << bits, any::<bool>()).prop_map(|(n, hex)| Literal::Number(n, hex)).boxed(),
        Kind::Seconds => (0.0..1e6_f64).prop_map(Literal::Seconds).boxed(),
        Kind::Ipv4 => (any::<u32>(), 0..=32_u8).prop_map(|(addr, len)| Literal::Ipv4(addr, len)).boxed(),
        Kind::Ipv6 => (any::<u128>(), 0..=128_u8).prop_map(|(addr, len)| Literal::Ipv6(addr, len)).boxed(),
        Kind::Ether => any::<[u8; 6]>().prop_map(Literal::Ether).boxed(),
        Kind::Text => ".{0,12}".prop_map(Literal::Text).boxed(),
        Kind::Bytes | Kind::Protocol => prop_oneof![
            prop::collection::vec(any::<u8>(), 1..8).prop_map(Literal::Bytes),
            ".{1,12}".prop_map(Literal::Text)
        ]
        .boxed(),
    }
}

fn test() -> BoxedStrategy<Expr> {
    let op = prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::AllEq), Just(Op::AnyNe), Just(Op::Gt), Just(Op::Le)];
    (0..FIELDS.len(), op, 0..4_u8)
        .prop_flat_map(|(at, op, shape)| {
            let def = &FIELDS[at];
            let left = Name(def);
            let op = match def.kind {
                Kind::Protocol => Op::Contains,
                Kind::Bool if matches!(op, Op::Gt | Op::Le) => Op::Eq,
                _ => op,
            };
            let compared = literal(def).prop_map(move |literal| Expr::Test {
                left,
                mask: None,
                op,
                right: Right::Literal(literal),
            });
            match (shape, def.kind) {
                (0, _) => Just(Expr::Has(left)).boxed(),
                (1, Kind::Uint(_)) => any::<u16>().prop_map(move |mask| Expr::Bits(left, mask.into())).boxed(),
                (2, kind) if kind != Kind::Protocol => {
                    let set = prop::collection::vec((literal(def), prop::option::of(literal(def))), 1..4);
                    (set, any::<bool>()).prop_map(move |(set, not)| Expr::In { left, not, set }).boxed()
                }
                _ => compared.boxed(),
            }
        })
        .boxed()
}

fn expr() -> BoxedStrategy<Expr> {
    test()
        .prop_recursive(4, 16, 3, |inner| {
            let some = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                some.clone().prop_map(Expr::And),
                some.prop_map(Expr::Or),
                inner.prop_map(|inner| Expr::Not(Box::new(inner)))
            ]
        })
        .boxed()
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(expr in expr()) {
        let filter = Filter { expr: Some(expr) };
        let text = filter.to_string();
        prop_assume!(text.chars().count() <= crate::limits::DISPLAY_FILTER_CHARS_MAX);
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn no_text_makes_reading_panic_and_an_error_lies_within(
        words in prop::collection::vec(prop_oneof![
            Just("ip.addr".to_owned()), Just("==".to_owned()), Just("10.0.2.15".to_owned()), Just("(".to_owned()),
            Just(")".to_owned()), Just("in".to_owned()), Just("{".to_owned()), Just("}".to_owned()), Just("..".to_owned()),
            Just("!".to_owned()), Just("&".to_owned()), Just("\"".to_owned()), Just("and".to_owned()), ".{0,6}",
        ], 0..12),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let text = words.join(" ");
        match Filter::parse(&text) {
            Ok(filter) => { filter.passes(&Context::new(&bytes)); }
            Err(error) => {
                prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len());
                prop_assert!(text.get(error.at.clone()).is_some());
            }
        }
        for at in 0..=text.len() { complete(&text, at, 5); }
    }
}
