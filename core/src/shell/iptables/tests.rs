use proptest::prelude::*;

use crate::shell::replay;

/// What iptables 1.8.9 (nf_tables) of Debian 12 printed in a network namespace, kernel 6.18.
const RECORDED: &str = include_str!("recorded.txt");

#[test]
fn output_errors_and_statuses_are_those_of_the_real_iptables() {
    let (wrong, count) = replay::differences(RECORDED);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count}");
}

fn value() -> impl Strategy<Value = String> {
    let addr = (any::<u8>(), any::<u8>(), 1_u8..=32).prop_map(|(a, b, prefix)| format!("10.{a}.{b}.0/{prefix}"));
    prop_oneof![
        addr.clone().prop_map(|net| format!("-s {net}")),
        addr.prop_map(|net| format!("! -d {net}")),
        Just("-i eth0".to_owned()),
        Just("! -o br+".to_owned()),
        Just("-m state --state NEW,RELATED".to_owned()),
        Just("-m conntrack ! --ctstate INVALID".to_owned()),
        Just("-m comment --comment \"a b\"".to_owned()),
        Just("-m mac --mac-source 08:00:27:00:00:01".to_owned()),
        Just("-m physdev --physdev-in vnet0 ! --physdev-out vnet1".to_owned()),
        (1_u32..2_000, 1_u32..99)
            .prop_map(|(rate, burst)| format!("-m limit --limit {rate}/min --limit-burst {burst}")),
        (0_u8..=255).prop_map(|ttl| format!("-m ttl --ttl-eq {ttl}")),
        Just("-m iprange --src-range 10.0.0.1-10.0.0.9".to_owned()),
        Just("-f".to_owned()),
    ]
}

fn protocol() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!(
            "-p tcp --sport {} --dport {}:{}",
            a,
            a.min(b),
            a.max(b)
        )),
        any::<u16>().prop_map(|port| format!("-p udp ! --dport {port}")),
        (any::<u8>(), any::<u8>()).prop_map(|(kind, code)| format!("-p icmp --icmp-type {kind}/{code}")),
        Just("-p tcp ! --syn".to_owned()),
        Just("-p tcp -m multiport --dports 22,80:90".to_owned()),
        Just("! -p gre".to_owned()),
    ]
}

fn target() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("-j ACCEPT"),
        Just("-j DROP"),
        Just("-j REJECT --reject-with icmp-host-prohibited"),
        Just("-j LOG --log-prefix \"x: \" --log-level 7"),
        Just(""),
    ]
}

proptest! {
    #[test]
    fn a_printed_rule_makes_the_same_rule(proto in protocol(), mut words in prop::collection::vec(value(), 0..5), target in target()) {
        words.sort();
        words.dedup_by_key(|word| word.trim_start_matches("! ").split(' ').take(2).collect::<String>());
        let line = format!("iptables -A FORWARD {proto} {} {target}", words.join(" "));
        let mut fake = replay::machine();
        let made = replay::run(&mut fake, &line, "");
        prop_assume!(made.status == 0);
        let printed = replay::run(&mut fake, "iptables -S FORWARD", "").out;
        let rule = printed.lines().last().unwrap().to_owned();
        let mut again = replay::machine();
        let made = replay::run(&mut again, &format!("iptables {rule}"), "");
        prop_assert_eq!((made.status, made.err.as_str()), (0, ""), "{}", rule);
        let one = fake.rules.tables[0].chains[0].rules[0].clone();
        let two = again.rules.tables[0].chains[0].rules[0].clone();
        prop_assert!(one.says_the_same(&two), "{}\n{:?}\n{:?}", rule, one, two);
        // What it made is also what it finds.
        let found = replay::run(&mut again, &format!("iptables {}", rule.replacen("-A", "-C", 1)), "");
        prop_assert_eq!(found.status, 0, "{}", rule);
        let saved = replay::run(&mut fake, "iptables-save", "").out;
        let mut restored = replay::machine();
        prop_assert_eq!(replay::run(&mut restored, "iptables-restore", &saved).status, 0);
let back = restored.rules.tables[0].chains.iter().flat_map(|chain| &chain.rules).next();
        prop_assert!(back.is_some_and(|back| one.says_the_same(back)), "{}", saved);
    }

    #[test]
    fn any_words_give_an_error_or_a_rule(words in prop::collection::vec(word(), 0..10)) {
        let mut fake = replay::machine();
        let mut argv = vec!["iptables".to_owned()];
        argv.extend(words);
        super::run(&argv, &mut fake);
        super::save(&argv, &mut fake);
    }

    #[test]
    fn any_text_is_restored_or_refused(text in "(\\*filter|:INPUT DROP|-A INPUT|COMMIT|-j|ACCEPT|\\[1:2\\]|\"|#|-p tcp|[ \na-z0-9])*") {
        super::restore(&["iptables-restore".to_owned()], &text, &mut replay::machine());
    }
}

/// Words of the tool, and anything.
fn word() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "-A",
        "-D",
        "-I",
        "-L",
        "-S",
        "-P",
        "-N",
        "-X",
        "-t",
        "nat",
        "INPUT",
        "1",
        "-p",
        "tcp",
        "-j",
        "ACCEPT",
        "LOG",
        "--dport",
        "22",
        "-m",
        "limit",
        "state",
        "--state",
        "NEW",
        "!",
        "-s",
        "10.0.0.0/8",
        "--limit",
        "5/min",
        "-nvL",
        "--",
        "-",
        "-c",
        "SNAT",
        "--to-source",
        "1.2.3.4:5-6",
        "--log-level",
        "multiport",
        "--dports",
        "1:2,3",
        "--tcp-flags",
        "ALL",
        "-E",
        "-R",
        "-Z",
        "-F",
    ];
    prop_oneof![9 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => any::<String>()]
}
