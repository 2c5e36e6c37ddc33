//! Tests of the script language.

use proptest::prelude::*;

use super::*;
use crate::addr::MacAddr;
use crate::lab::SecuritySpec;

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
fn cables_and_switches_are_set_by_their_own_words() {
    let setting = LinkSetting {
        delay_us: Some(5_000),
        loss_ppm: Some(20_000),
        rate_bps: Some(10_000_000),
        ..LinkSetting::default()
    };
    assert_eq!(
        only("@link host:eth0 delay 5ms loss 2% rate 10mbit"),
        Action::Link { a: "host:eth0".into(), b: None, setting }
    );
    let off = LinkSetting { up: Some(false), ..LinkSetting::default() };
    assert_eq!(only("@link sw1 sw2 off"), Action::Link { a: "sw1".into(), b: Some("sw2".into()), setting: off });
    let fine =
        LinkSetting { loss_ppm: Some(1), rate_bps: Some(0), jitter_us: Some(2_000_000), ..LinkSetting::default() };
    assert_eq!(
        only("@link sw1:3 loss 0.0001% rate none jitter 2s"),
        Action::Link { a: "sw1:3".into(), b: None, setting: fine }
    );
    let setting = SwitchSetting::Stp { on: true };
    assert_eq!(only("@switch office stp on"), Action::Switch { switch: "office".into(), setting });
    let security = SecuritySpec {
        max: 2,
        allowed: vec![MacAddr([2, 0, 0, 0, 0, 1])],
        violation: crate::switch::Violation::Shutdown,
    };
    let setting = SwitchSetting::Security { port: "host:eth0".into(), security: Some(security) };
    assert_eq!(
        only("@switch office port host:eth0 security 2 shutdown 02:00:00:00:00:01"),
        Action::Switch { switch: "office".into(), setting }
    );
    for (text, code) in [
        ("@link host:eth0", "script-word-missing"),
        ("@link host:eth0 delay", "script-word-missing"),
        ("@link host:eth0 delay 5", "script-quantity"),
        ("@link host:eth0 delay 5ns", "script-quantity"),
        ("@link host:eth0 delay 99999s", "script-quantity"),
        ("@link host:eth0 loss 101%", "script-quantity"),
        ("@link host:eth0 loss 2", "script-quantity"),
        ("@link host:eth0 rate 10mb", "script-quantity"),
        ("@link host:eth0 speed 10", "script-choice"),
        ("@link host:eth0 : off", "script-end"),
        ("@switch office stp yes", "script-choice"),
        ("@switch office priority 65536", "script-quantity"),
        ("@switch office port 1 shut", "script-choice"),
        ("@switch office port 1 security 1 shutdown nobody", "addr-mac-invalid"),
    ] {
        assert_eq!(refused(text), (1, code.to_owned()), "{text}");
    }
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

/// An end of a cable that is no word of `@link`.
fn end() -> impl Strategy<Value = String> {
    prop_oneof![(word(), "[a-z0-9.@_-]{1,8}").prop_map(|(node, iface)| format!("{node}:{iface}")), "sw[0-9]{1,3}"]
}

fn link_setting() -> impl Strategy<Value = LinkSetting> {
    let some = || prop::option::of(0..=1_000_000_u32);
    let rate = prop::option::of(0..2_000_000_000_000_u64);
    (some(), some(), rate, some(), some(), any::<bool>()).prop_map(
        |(delay_us, jitter_us, rate_bps, loss_ppm, queue, up)| LinkSetting {
            delay_us,
            jitter_us,
            rate_bps,
            loss_ppm,
            queue_frames: queue,
            up: Some(up),
        },
    )
}

fn switch_setting() -> impl Strategy<Value = SwitchSetting> {
    use crate::switch::Violation;
    let violation = prop::sample::select(vec![Violation::Protect, Violation::Restrict, Violation::Shutdown]);
    let macs = prop::collection::vec(any::<[u8; 6]>().prop_map(MacAddr), 0..4);
    let security =
        (any::<u32>(), macs, violation).prop_map(|(max, allowed, violation)| SecuritySpec { max, allowed, violation });
    let security =
        (end(), prop::option::of(security)).prop_map(|(port, security)| SwitchSetting::Security { port, security });
    prop_oneof![
        any::<bool>().prop_map(|on| SwitchSetting::Stp { on }),
        any::<u16>().prop_map(|value| SwitchSetting::Priority { value }),
        any::<u32>().prop_map(|secs| SwitchSetting::Hello { secs }),
        any::<u32>().prop_map(|secs| SwitchSetting::ForwardDelay { secs }),
        any::<u32>().prop_map(|secs| SwitchSetting::MaxAge { secs }),
        any::<u32>().prop_map(|secs| SwitchSetting::Ageing { secs }),
        end().prop_map(|port| SwitchSetting::Open { port }),
        (end(), prop::option::of(any::<u32>())).prop_map(|(port, cost)| SwitchSetting::Cost { port, cost }),
        (any::<u16>().prop_map(|n| n.to_string()), any::<u8>())
            .prop_map(|(port, value)| SwitchSetting::PortPriority { port, value }),
        security,
    ]
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
        (end(), prop::option::of(end()), link_setting()).prop_map(|(a, b, setting)| Action::Link { a, b, setting }),
        (word(), switch_setting()).prop_map(|(switch, setting)| Action::Switch { switch, setting }),
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
