use proptest::prelude::*;

use crate::shell::replay;

/// What nft 1.0.6 of Debian 12 printed in a network namespace, kernel 6.18.
const RECORDED: &str = include_str!("recorded.txt");

#[test]
fn output_errors_and_statuses_are_those_of_the_real_nft() {
    let (wrong, count) = replay::differences(RECORDED);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count}");
}

/// Matches and statements, in the words that nft prints.
fn part() -> impl Strategy<Value = String> {
    let port = any::<u16>().prop_map(|port| port.to_string());
    prop_oneof![
        Just("iifname \"eth0\"".to_owned()),
        Just("oifname != { \"eth0\", \"eth1\" }".to_owned()),
        Just("iif \"lo\"".to_owned()),
        Just("ip saddr 10.0.0.0/8".to_owned()),
        Just("ip daddr != { 10.0.0.1, 10.0.0.5-10.0.0.9 }".to_owned()),
        Just("ip protocol icmp".to_owned()),
        Just("ip ttl < 5".to_owned()),
        Just("ct state established,related".to_owned()),
        Just("ct state { established, new }".to_owned()),
        Just("ether saddr 08:00:27:00:00:01".to_owned()),
        Just("limit rate 5/minute burst 9 packets".to_owned()),
        Just("counter packets 3 bytes 180".to_owned()),
        Just("log prefix \"x: \" level debug".to_owned()),
        port.clone().prop_map(|port| format!("tcp dport {port}")),
        port.prop_map(|port| format!("tcp sport != {port}")),
        Just("tcp dport { 22, 80-90 }".to_owned()),
        Just("tcp flags syn / fin,syn,rst,ack".to_owned()),
        Just("tcp flags syn".to_owned()),
    ]
}

fn verdict() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("accept"),
        Just("drop"),
        Just("return"),
        Just("jump other"),
        Just("reject with icmp host-unreachable"),
        Just("accept comment \"a b\""),
    ]
}

/// What is the same after a round trip: everything but handles.
fn rules(fake: &crate::shell::fake::Fake) -> Vec<Vec<crate::netfilter::model::Rule>> {
    let chains = fake.rules.tables.iter().flat_map(|table| &table.chains);
    chains
        .map(|chain| {
            let plain = |rule: &crate::netfilter::model::Rule| {
                let mut rule = rule.clone();
                rule.handle = 0;
                rule
            };
            chain.rules.iter().map(plain).collect()
        })
        .collect()
}

proptest! {
    #[test]
    fn a_printed_rule_set_makes_the_same_rule_set(parts in prop::collection::vec(part(), 0..5), verdict in verdict()) {
        let mut fake = replay::machine();
        let text = format!(
            "table ip t {{\n chain other {{\n }}\n chain c {{\n type filter hook input priority filter - 3; policy drop;\n {} {verdict}\n }}\n}}\n",
            parts.join(" ")
        );
        let made = replay::run(&mut fake, "nft -f -", &text);
        prop_assume!(made.status == 0);
        let printed = replay::run(&mut fake, "nft list ruleset", "").out;
        let mut again = replay::machine();
        let made = replay::run(&mut again, "nft -f -", &printed);
        prop_assert_eq!((made.status, made.err.as_str()), (0, ""), "{}", printed);
        let reprinted = replay::run(&mut again, "nft list ruleset", "").out;
        prop_assert_eq!(&printed, &reprinted);
        prop_assert_eq!(rules(&fake).len(), rules(&again).len());
        // The same parts, once what is implied has been put in by both.
        let (one, two) = (rules(&fake), rules(&again));
        prop_assert_eq!(one.iter().map(Vec::len).collect::<Vec<_>>(), two.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_gives_an_error_or_a_rule_set(words in prop::collection::vec(word(), 0..14)) {
        let mut fake = replay::machine();
        let text = words.join(" ");
        super::run(&["nft".to_owned(), text.clone()], "", &mut fake);
        super::run(&["nft".to_owned(), "-f".to_owned(), "-".to_owned()], &text, &mut fake);
        let mut argv = vec!["nft".to_owned()];
        argv.extend(words);
        super::run(&argv, "", &mut fake);
    }
}

/// Words of the tool, and anything.
fn word() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "add", "list", "table", "chain", "rule", "ip", "inet", "bridge", "t", "c", "{", "}", ";", "\n", "type",
        "filter", "hook", "input", "priority", "0", "-", "policy", "drop", "tcp", "dport", "22", "saddr", "10.0.0.1",
        "/", "8", "ct", "state", "new", ",", "accept", "counter", "limit", "rate", "5/second", "log", "prefix",
        "\"x\"", "reject", "with", "icmp", "meta", "l4proto", "flags", "syn", "snat", "to", ":", "80", "define", "=",
        "$x", "@s", "flush", "ruleset", "delete", "handle", "!=", "vmap", "fib",
    ];
    prop_oneof![12 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => any::<String>()]
}
