//! Tests of the script language.

use proptest::prelude::*;

use super::*;

fn only(text: &str) -> Action {
    let script = Script::parse(text).unwrap();
    assert_eq!(script.lines.len(), 1, "{text}");
    script.lines.into_iter().next().unwrap().action
}

fn refused(text: &str) -> (usize, String) {
    let error = Script::parse(text).unwrap_err();
    (error.line, error.error.code)
}

#[test]
fn every_form_of_the_language_is_read() {
    let text = "# comment\n\nvm1: ip addr\nvm1 &cap: tcpdump -n -i enp0s3\n@tty 100 vm1: ss -tan\n@wait 2.5\n\
        @end cap 3\n@int cap\n@kill cap\n@freeze cap\n@thaw cap\n@input cap \"a \\\"b\\\"\\n\"\n@eof cap\n\
        @attach vm1 1 internal blue\n@attach vm1 1 null\n@cable vm1 enp0s3 mute-tx\n@service gw dhcpd stop\n\
        @setup vm1: sysctl -w x=1\n@pcap start p vm1 enp0s3 icmp && ip.ttl < 60\n@pcap stop p\n";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.lines.len(), 18);
    assert_eq!(
        script.lines[0],
        ScriptLine { line: 3, action: Action::Run { machine: "vm1".into(), command: "ip addr".into() } }
    );
    assert_eq!(script.lines[3].action, Action::Wait(Duration::from_millis(2_500)));
    assert_eq!(script.lines[9].action, Action::Input { name: "cap".into(), text: "a \"b\"\n".into() });
    assert_eq!(
        script.lines[12].action,
        Action::Attach { vm: "vm1".into(), adapter: 1, mode: Mode::NotAttached, network: None }
    );
    assert_eq!(
        script.lines[16].action,
        Action::PcapStart {
            name: "p".into(),
            machine: "vm1".into(),
            iface: "enp0s3".into(),
            filter: Some("icmp && ip.ttl < 60".into())
        }
    );
}

#[test]
fn a_command_keeps_its_colons_and_ampersands() {
    let action = only("vm1: curl http://example.com:80/ && echo a & wait # not a comment of ours");
    let command = "curl http://example.com:80/ && echo a & wait # not a comment of ours".to_owned();
    assert_eq!(action, Action::Run { machine: "vm1".into(), command });
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, code) in [
        ("\n\nvm1 ip addr", 3, "script-line"),
        ("vm1:", 1, "script-command-missing"),
        ("vm 1: ls", 1, "script-name"),
        (": ls", 1, "script-name"),
        ("vm1 &: ls", 1, "script-name"),
        ("@tty vm1: ls", 1, "script-columns"),
        ("@tty 0 vm1: ls", 1, "script-columns"),
        ("@wait", 1, "script-word-missing"),
        ("@wait soon", 1, "script-seconds"),
        ("@wait 1e3", 1, "script-seconds"),
        ("@wait -1", 1, "script-seconds"),
        ("@wait 1 2", 1, "script-words-left"),
        ("@sleep 1", 1, "script-directive"),
        ("@end cap", 1, "script-job-unknown"),
        ("vm1 &c: cat\n@input c text", 2, "script-quote"),
        ("vm1 &c: cat\n@input c \"a\" b\"", 2, "script-quote"),
        ("@attach vm1 9 nat", 1, "script-adapter"),
        ("@attach vm1 1 natt", 1, "mode-unknown"),
        ("@cable vm1 enp0s3 up", 1, "script-choice"),
        ("@service gw dhcpd restart", 1, "script-choice"),
        ("@pcap stop p", 1, "script-pcap-unknown"),
        ("@pcap start p a b\n@pcap start p a b", 2, "script-pcap-twice"),
    ] {
        assert_eq!(refused(text), (line, code.to_owned()), "{text}");
    }
    assert_eq!(refused(&" ".repeat(crate::limits::SCRIPT_BYTES_MAX + 1)).1, "script-too-large");
}

#[test]
fn decimals_of_seconds_are_exact() {
    assert_eq!(only("@wait 0.000000001"), Action::Wait(Duration::from_nanos(1)));
    assert_eq!(only("@wait 604800"), Action::Wait(Duration::from_secs(604_800)));
    assert_eq!(refused("@wait 0.0000000001").1, "script-seconds");
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,8}"
}

/// A command: no line breaks, no space at either end.
fn command() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

fn duration() -> impl Strategy<Value = Duration> {
    (0..1_000_000_u64, 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
}

/// Any action, as text whose background command `job` and capture `cap` exist.
fn action() -> impl Strategy<Value = Action> {
    let cables = prop::sample::select(vec![CableState::On, CableState::Off, CableState::Mute, CableState::MuteTx]);
    prop_oneof![
        (word(), command()).prop_map(|(machine, command)| Action::Run { machine, command }),
        (word(), word(), command()).prop_map(|(machine, name, command)| Action::Background { machine, name, command }),
        (1..u16::MAX, word(), command()).prop_map(|(columns, machine, command)| Action::Tty {
            columns,
            machine,
            command
        }),
        (word(), command()).prop_map(|(machine, command)| Action::Setup { machine, command }),
        duration().prop_map(Action::Wait),
        prop::option::of(duration()).prop_map(|timeout| Action::End { name: "job".into(), timeout }),
        Just(Action::Int("job".into())),
        Just(Action::Eof("job".into())),
        any::<String>().prop_map(|text| Action::Input { name: "job".into(), text }),
        (word(), 1..=8_u8, prop::sample::select(Mode::ALL.to_vec()), prop::option::of(word()))
            .prop_map(|(vm, adapter, mode, network)| Action::Attach { vm, adapter, mode, network }),
        (word(), word(), cables).prop_map(|(machine, iface, state)| Action::Cable { machine, iface, state }),
        (word(), word(), any::<bool>()).prop_map(|(machine, service, start)| Action::Service {
            machine,
            service,
            start
        }),
        Just(Action::PcapStop { name: "cap".into() }),
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\PC|\n){0,200}") {
        let _ = Script::parse(&text);
    }

    /// Text that looks like the language, damaged.
    #[test]
    fn near_misses_are_read_or_refused(text in "(@?(tty|wait|end|input|attach|cable|pcap)? ?[a-z0-9.:&\"\\\\u{} ]{0,20}\n){0,5}") {
        if let Ok(script) = Script::parse(&text) {
            prop_assert_eq!(Script::parse(&script.to_string()), Ok(script));
        }
    }

    #[test]
    fn what_is_printed_is_read_back_the_same(actions in prop::collection::vec((0..3_usize, action()), 0..20)) {
        let mut lines = vec![
            Action::Background { machine: "vm1".into(), name: "job".into(), command: "cat".into() },
            Action::PcapStart { name: "cap".into(), machine: "vm1".into(), iface: "enp0s3".into(), filter: None },
        ];
        let mut gaps = vec![0, 0];
        for (gap, action) in actions {
            gaps.push(gap);
            lines.push(action);
        }
        let mut at = 0;
        let lines = lines.into_iter().zip(gaps).map(|(action, gap)| {
            at += gap + 1;
            ScriptLine { line: at, action }
        });
        let script = Script { lines: lines.collect() };
        prop_assert_eq!(Script::parse(&script.to_string()), Ok(script));
    }
}
