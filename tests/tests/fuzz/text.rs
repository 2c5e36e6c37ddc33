//! Text that people write: labs, command lines, scripts, messages.

use core::time::Duration;

use netmodes_core::display_filter::{Context, Filter};
use netmodes_core::lab::Lab;
use netmodes_core::protocol::{Capabilities, LabChoice, Rewind, Session};
use netmodes_core::runner::{Runner, RunnerConfig};
use netmodes_core::script::Script;
use netmodes_core::share;
use netmodes_core::shell;
use netmodes_core::world::{Command, Input, World};
use netmodes_tests::content::{lab, lab_names, read};
use netmodes_tests::paths::root;

use crate::RUNS;

/// Valid labs as texts, small enough to be changed byte by byte.
fn lab_texts() -> Vec<String> {
    lab_names().iter().map(|name| read(&root().join("static/labs").join(name).with_extension("toml"))).collect()
}

/// A valid text with the fuzzer's bytes put over a part of it.
fn spoiled(text: &str, bytes: &[u8]) -> String {
    let [a, b, rest @ ..] = bytes else { return text.to_owned() };
    let mut spoiled = text.as_bytes().to_vec();
    let at = usize::from(u16::from_be_bytes([*a, *b])) % spoiled.len().max(1);
    let end = (at + rest.len() / 2).min(spoiled.len());
    spoiled.splice(at..end, rest.iter().copied());
    String::from_utf8_lossy(&spoiled).into_owned()
}

fn build(lab: &Lab) {
    if lab.validate().is_ok() {
        // What is found sound can be built, or is refused with an error.
        if let Ok(world) = World::new(lab, 1) {
            world.check().unwrap();
        }
    }
}

#[test]
fn any_lab_is_built_or_refused() {
    let texts = lab_texts();
    bolero::check!().with_iterations(RUNS).for_each(|bytes: &[u8]| {
        let text = &texts[bytes.first().map_or(0, |b| usize::from(*b)) % texts.len()];
        let spoiled = spoiled(text, bytes);
        if let Ok(lab) = toml::from_str::<Lab>(&spoiled) {
            build(&lab);
        }
        if let Ok(lab) = toml::from_str::<Lab>(text) {
            let json = lab.to_json();
            let _ = Lab::from_json(&self::spoiled(&json, bytes));
        }
        let _ = Lab::from_json(&String::from_utf8_lossy(bytes));
    });
}

/// Words that lead into every tool's grammar.
const WORDS: &str = "addr add del show dev enp0s3 eth0 lo via default link set up down route get neigh flush 10.0.2.15/24 \
    192.168.0.0/24 8.8.8.8 -n -c 1 -t nat -A POSTROUTING FORWARD INPUT -j MASQUERADE DROP ACCEPT -p tcp --dport 80 -m physdev state \
    --state NEW list ruleset table ip filter chain { } ; type hook priority policy accept rule counter -w net.ipv4.ip_forward=1 = \
    -v -r -x -l 9000 -u http://example.com/ | > < && || & $( ' \" \\ * list vms modifyvm --nic1 vm1 sport dport src dst state";

#[test]
fn any_command_line_ends_in_an_error_or_runs_and_leaves_a_sound_world() {
    let mut base = World::new(&lab("modes"), 1).unwrap();
    while base.poll_output().is_some() {}
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let tools: Vec<&str> = shell::tools().iter().map(|tool| tool.name).collect();
    bolero::check!().with_iterations(RUNS).for_each(|bytes: &[u8]| {
        let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
        let tool = tools[usize::from(*first) % tools.len()];
        let guided: Vec<_> = rest.iter().map(|b| words[usize::from(*b) % words.len()]).collect();
        let free = String::from_utf8_lossy(rest);
        for line in [format!("{tool} {}", guided.join(" ")), format!("{tool} {free}"), free.into_owned()] {
            for machine in ["vm1", "host"] {
                let mut world = base.fork();
                let command = Command::Run { machine: machine.into(), line: line.clone(), tty: Some(80), stdin: false };
                let now = world.now();
                let _ = world.handle(now, Input::Command(&command));
                let end = now + Duration::from_millis(1_500);
                let mut steps = 0;
                loop {
                    while world.poll_output().is_some() {}
                    world.check().unwrap();
                    steps += 1;
                    let Some(next) = world.next_wakeup().filter(|at| *at <= end && steps < 2_000) else { break };
                    world.handle(next, Input::Time).unwrap();
                }
            }
        }
    });
}

#[test]
fn any_link_is_opened_or_refused() {
    let session = Session {
        core: "0.1.0".into(),
        lab: LabChoice::Named("modes".into()),
        lab_hash: lab("modes").hash_hex(),
        seed: 7,
        inputs: Vec::new(),
    };
    let whole = share::write(&session).unwrap();
    bolero::check!().with_iterations(RUNS * 20).for_each(|bytes: &[u8]| {
        for text in [String::from_utf8_lossy(bytes).into_owned(), spoiled(&whole, bytes), format!("1.{}", hex(bytes))] {
            if let Ok(session) = share::read(&text) {
                assert_eq!(share::read(&share::write(&session).unwrap()), Ok(session));
            }
        }
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn any_script_is_read_or_refused_with_its_line() {
    bolero::check!().with_iterations(RUNS * 20).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for text in [text.clone().into_owned(), format!("@{text}"), format!("vm1: {text}")] {
            match Script::parse(&text) {
                Ok(script) => assert_eq!(
                    Script::parse(&script.to_string()).map(|again| again.to_string()),
                    Ok(script.to_string())
                ),
                Err(error) => assert!(error.line >= 1),
            }
        }
    });
}

#[test]
fn any_message_of_a_page_is_answered() {
    let messages = [
        r#"{"m":"hello","version":1}"#,
        r#"{"m":"load","lab":{"named":"modes"},"seed":3}"#,
        r#"{"m":"do","command":{"c":"run","machine":"vm1","line":"ip addr","tty":80}}"#,
        r#"{"m":"do","command":{"c":"attach","vm":"vm1","adapter":1,"mode":"nat"}}"#,
        r#"{"m":"step","to":{"to":"quiet"}}"#,
        r#"{"m":"pace","pace":{"running":true,"speed_ppm":1000000}}"#,
        r#"{"m":"subscribe","frames":true,"host_sockets":false}"#,
        r#"{"m":"session"}"#,
        r#"{"m":"share"}"#,
        r#"{"m":"open","link":"1.AAAAAAAA"}"#,
        r#"{"m":"look-back","to":{"to":"back","by":"frame"},"frames":50}"#,
        r#"{"m":"look-back","to":{"to":"start"}}"#,
        r#"{"m":"branch"}"#,
        r#"{"m":"undo"}"#,
        r#"{"m":"redo"}"#,
        r#"{"m":"now"}"#,
        r#"{"m":"reach","machines":["vm1","pc"]}"#,
        r#"{"m":"stop"}"#,
        r#"{"m":"do","command":{"c":"link","a":"pc:eth0","setting":{"loss_ppm":5}}}"#,
    ];
    let config = RunnerConfig {
        capabilities: Capabilities {
            place: "test".into(),
            pace: true,
            load: true,
            rewind: Rewind::World,
            host_sockets: false,
        },
        program: "test".into(),
        labs: vec![("modes".into(), lab("modes"))],
        seed: 1,
    };
    bolero::check!().with_iterations(RUNS).for_each(|bytes: &[u8]| {
        let mut runner = Runner::new(config.clone(), &config.labs[0].1).unwrap();
        let viewer = runner.connect();
        runner.handle_message(viewer, 0, messages[0]);
        for (at, byte) in (1_u64..).zip(bytes.iter().take(8)) {
            let message = messages[usize::from(*byte) % messages.len()];
            runner.handle_message(viewer, at * 1_000_000, message);
            runner.handle_message(
                viewer,
                at * 1_000_000,
                &spoiled(message, &bytes[usize::from(*byte) % bytes.len()..]),
            );
            runner.advance(at * 2_000_000);
        }
        while runner.poll_message().is_some() {}
        if let Some(world) = runner.world() {
            world.check().unwrap();
        }
    });
}

#[test]
fn any_display_filter_is_read_or_refused_at_its_place() {
    let words: Vec<&str> =
        "ip.addr == 10.0.2.0/24 && || ! ( ) in { } , .. tcp.flags.syn & 0x02 contains \"x\" dhcp nm.node not 1 \
        08:00:27:a1:b2:c3 != === frame.number <= 5 http.host and or eth.src ipv6.addr fe80::1"
            .split_whitespace()
            .collect();
    bolero::check!().with_iterations(RUNS * 20).for_each(|bytes: &[u8]| {
        let guided: Vec<_> = bytes.iter().map(|b| words[usize::from(*b) % words.len()]).collect();
        for text in [
            guided.join(" "),
            String::from_utf8_lossy(bytes).into_owned(),
            spoiled("ip.addr == 10.0.2.15 && !arp", bytes),
        ] {
            match Filter::parse(&text) {
                Ok(filter) => {
                    assert_eq!(Filter::parse(&filter.to_string()), Ok(filter.clone()), "{text}");
                    filter.passes(&Context::new(bytes));
                }
                Err(error) => assert!(text.get(error.at.clone()).is_some(), "{text}: {error:?}"),
            }
        }
    });
}
