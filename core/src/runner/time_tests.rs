//! Looking back, branching, undo and redo, long jumps.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::Pace;
use crate::time::SimTime;
use crate::view::LabView;

const SECOND: u64 = 1_000_000_000;

fn runner(name: &str, rewind: Rewind) -> (Runner, ViewerId) {
    let lab = super::tests::lab(name);
    let pace = rewind == Rewind::World;
    let capabilities = Capabilities { place: "browser".into(), pace, load: true, rewind, host_sockets: false };
    let labs = vec![(name.to_owned(), lab.clone())];
    let mut runner = Runner::new(RunnerConfig { capabilities, program: "test".into(), labs, seed: 1 }, &lab).unwrap();
    let viewer = runner.connect();
    say(&mut runner, viewer, 0, &json!({ "m": "hello", "version": VERSION }));
    say(&mut runner, viewer, 0, &json!({ "m": "subscribe", "frames": true, "host_sockets": false }));
    (runner, viewer)
}

fn say(runner: &mut Runner, viewer: ViewerId, at: u64, message: &Value) -> Vec<Value> {
    runner.handle_message(viewer, at, &message.to_string());
    answers(runner)
}

fn answers(runner: &mut Runner) -> Vec<Value> {
    std::iter::from_fn(|| runner.poll_message()).map(|(_, text)| serde_json::from_str(&text).unwrap()).collect()
}

fn run_at(machine: &str, line: &str) -> Value {
    json!({ "m": "do", "command": { "c": "run", "machine": machine, "line": line, "tty": 80 } })
}

fn run(line: &str) -> Value {
    run_at("vm1", line)
}

fn attach(mode: &str) -> Value {
    json!({ "m": "do", "command": { "c": "attach", "vm": "vm1", "adapter": 1, "mode": mode } })
}

/// Wall time passes, in steps as a page would see it.
fn pass(runner: &mut Runner, from: u64, to: u64) -> Vec<Value> {
    let mut at = from;
    let mut heard = Vec::new();
    while at < to {
        at = runner.next_wakeup().unwrap_or(to).clamp((at + 1_000_000).min(to), to);
        runner.advance(at);
        heard.extend(answers(runner));
    }
    heard
}

fn look(to: Value) -> Value {
    json!({ "m": "look-back", "to": to, "frames": 50 })
}

fn back(by: &str) -> Value {
    look(json!({ "to": "back", "by": by }))
}

fn forth(by: &str) -> Value {
    look(json!({ "to": "forth", "by": by }))
}

fn snapshot(messages: &[Value]) -> Value {
    messages.iter().find(|message| message["m"] == "snapshot").unwrap_or_else(|| panic!("{messages:?}")).clone()
}

/// What programs printed, of everything in a message.
fn printed(message: &Value) -> String {
    match message {
        Value::Array(items) => items.iter().map(printed).collect(),
        Value::Object(fields) => match fields.get("s") {
            Some(Value::String(text)) => text.clone(),
            _ => fields.values().map(printed).collect(),
        },
        _ => String::new(),
    }
}

fn codes(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter(|m| m["m"] == "error").map(|m| m["code"].as_str().unwrap()).collect()
}

fn world(runner: &Runner) -> &World {
    runner.world.as_ref().unwrap()
}

/// A lease, a ping and a change of mode, with pauses; the wall's time at the end.
fn lesson(runner: &mut Runner, viewer: ViewerId) -> u64 {
    let script = [run("dhclient -v enp0s3"), run("ping -c 2 8.8.8.8"), attach("bridged"), run("dhclient -v enp0s3")];
    let mut at = 0;
    for message in script {
        assert!(codes(&say(runner, viewer, at, &message)).is_empty());
        pass(runner, at, at + 3 * SECOND + 137_001);
        at += 3 * SECOND + 137_001;
    }
    at
}

/// The rows of a world that does the same inputs and is stopped at an instant.
fn rows_of_a_fresh_run(runner: &Runner, at: SimTime) -> Vec<Row> {
    let lab = runner.lab.as_ref().unwrap();
    let inputs = runner.inputs.iter().filter(|input| input.at <= at).cloned().collect();
    let mut replay = session::Replay::new(lab, world(runner).seed(), inputs, Some(at), false, true).unwrap();
    assert_eq!(replay.go_on(u32::MAX), session::Replayed::Whole);
    assert_eq!(replay.world.now(), at);
    let mut view = LabView::default();
    replay.world.rows(false).into_iter().for_each(|row| view.put(row));
    view.rows()
}

fn rows(snapshot: &Value) -> Vec<Row> {
    serde_json::from_value(snapshot["rows"].clone()).unwrap()
}

/// The rows that only one of the two has.
fn differences(one: &[Row], other: &[Row]) -> Vec<Row> {
    let only = |a: &[Row], b: &[Row]| a.iter().filter(|row| !b.contains(row)).cloned().collect::<Vec<_>>();
    [only(one, other), only(other, one)].concat()
}

#[test]
fn the_lab_as_it_was_is_shown_with_what_was_on_its_way_and_on_the_terminals() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    say(&mut runner, viewer, 0, &attach("nat"));
    let end = lesson(&mut runner, viewer);
    // In the middle of the first ping's way out: several milliseconds of cables.
    let sent = runner.inputs[2].at;
    let at = SimTime::from_nanos(sent.as_nanos() + 3_000_000);
    let shown = snapshot(&say(&mut runner, viewer, end, &look(json!({ "to": "time", "at": at }))));
    assert_eq!(shown["time"], at.as_nanos());
    assert_eq!(shown["past"]["inputs"], 3);
    assert_eq!(shown["past"]["now"], world(&runner).now().as_nanos());
    let flying = shown["past"]["in_flight"].as_array().unwrap();
    assert_eq!(flying.len(), 1, "the echo request is on a cable: {flying:?}");
    let history = shown["history"].as_array().unwrap();
    let frame = history.iter().find(|event| event["seq"] == flying[0]).unwrap();
    let arrives = frame["fact"]["arrives"].as_u64().unwrap();
    assert!(frame["time"].as_u64().unwrap() <= at.as_nanos() && arrives > at.as_nanos());
    let text = printed(&shown);
    assert!(text.contains("bound to 10.0.2.15") && !text.contains("64 bytes from"), "the terminal is as it was");
    // Lab time stands, and comes back where it was.
    let now = world(&runner).now();
    assert!(pass(&mut runner, end, end + 5 * SECOND).is_empty());
    let back = say(&mut runner, viewer, end + 5 * SECOND, &json!({ "m": "now" }));
    assert_eq!(snapshot(&back)["time"], now.as_nanos());
    assert!(snapshot(&back).get("past").is_none());
    pass(&mut runner, end + 5 * SECOND, end + 6 * SECOND);
    assert_eq!(world(&runner).now().since(now).as_secs(), 1);
}

#[test]
fn one_event_back_and_forth_is_where_one_was() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    let end = lesson(&mut runner, viewer);
    let middle = SimTime::from_nanos(end / 2);
    say(&mut runner, viewer, end, &look(json!({ "to": "time", "at": middle })));
    // From the place just after an event, whose time is that event's.
    for by in ["event", "frame", "input"] {
        let here = snapshot(&say(&mut runner, viewer, end, &back(by)));
        let before = snapshot(&say(&mut runner, viewer, end, &back(by)));
        assert!(before["seq"].as_u64() < here["seq"].as_u64(), "{by}");
        assert_eq!(snapshot(&say(&mut runner, viewer, end, &forth(by))), here, "{by}");
    }
    // To both ends and no further.
    let start = snapshot(&say(&mut runner, viewer, end, &look(json!({ "to": "start" }))));
    assert_eq!((start["time"].as_u64(), start["past"]["inputs"].as_u64()), (Some(0), Some(0)));
    assert_eq!(snapshot(&say(&mut runner, viewer, end, &back("event"))), start);
    let last = snapshot(&say(&mut runner, viewer, end, &look(json!({ "to": "event", "seq": u64::MAX }))));
    assert_eq!(last["seq"].as_u64(), Some(world(&runner).seq()));
    let further = snapshot(&say(&mut runner, viewer, end, &forth("event")));
    assert_eq!(further["time"], world(&runner).now().as_nanos());
}

#[test]
fn every_event_forth_is_the_fold_of_one_more() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    say(&mut runner, viewer, 0, &run("dhclient enp0s3"));
    pass(&mut runner, 0, SECOND);
    let mut at = snapshot(&say(&mut runner, viewer, SECOND, &look(json!({ "to": "start" }))));
    let mut steps = 0;
    while at["seq"].as_u64() < Some(world(&runner).seq()) {
        let next = snapshot(&say(&mut runner, viewer, SECOND, &forth("event")));
        assert_eq!(next["seq"].as_u64(), at["seq"].as_u64().map(|seq| seq + 1), "no event is left out");
        at = next;
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
    assert_eq!(rows(&at), {
        let mut view = LabView::default();
        world(&runner).rows(false).into_iter().for_each(|row| view.put(row));
        view.rows()
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn at_any_instant_of_any_session_the_view_is_the_one_a_fresh_run_has(
        choices in prop::collection::vec((0_usize..9, 1_u64..2_500_000_000), 1..9),
        instants in prop::collection::vec(0.0_f64..1.0, 4),
    ) {
        let (mut runner, viewer) = runner("modes", Rewind::World);
        let mut at = 0;
        for (choice, pause) in choices {
            let message = match choice {
                0..=4 => attach(["nat", "bridged", "hostonly", "internal", "notattached"][choice]),
                5 => run("dhclient enp0s3"),
                6 => run("ip addr add 10.9.9.1/24 dev enp0s3; ip link set enp0s3 up"),
                7 => run("ping -c 3 8.8.8.8"),
                _ => run_at("pc", "curl -s http://93.184.215.14/"),
            };
            say(&mut runner, viewer, at, &message);
            pass(&mut runner, at, at + pause);
            at += pause;
        }
        let now = world(&runner).now().as_nanos();
        for share in instants {
            let instant = SimTime::from_nanos((now as f64 * share) as u64);
            let shown = snapshot(&say(&mut runner, viewer, at, &look(json!({ "to": "time", "at": instant }))));
            prop_assert_eq!(differences(&rows(&shown), &rows_of_a_fresh_run(&runner, instant)), Vec::<Row>::new());
        }
    }
}

#[test]
fn a_command_in_the_past_cuts_what_came_after_and_goes_on_from_there() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    say(&mut runner, viewer, 0, &attach("nat"));
    let end = lesson(&mut runner, viewer);
    let at = SimTime::from_nanos(runner.inputs[2].at.as_nanos() - 1);
    say(&mut runner, viewer, end, &look(json!({ "to": "time", "at": at })));
    let heard = say(&mut runner, viewer, end, &run("ip route"));
    assert!(codes(&heard).is_empty(), "{heard:?}");
    assert!(snapshot(&heard).get("past").is_none());
    assert_eq!(runner.inputs.len(), 3, "attach, dhclient, and the new one");
    assert_eq!((runner.inputs[2].at, world(&runner).now()), (at, at));
    // A fresh run of the new session has the same trace.
    let session = say(&mut runner, viewer, end, &json!({ "m": "session" })).remove(0);
    let fingerprint = world(&runner).fingerprint();
    let load = json!({ "m": "load", "lab": session["lab"], "seed": 1, "inputs": session["inputs"] });
    assert!(codes(&say(&mut runner, viewer, end, &load)).is_empty());
    assert_eq!(world(&runner).fingerprint(), fingerprint);
    // Time goes on as it did before one looked back.
    pass(&mut runner, end, end + SECOND);
    assert_eq!(world(&runner).now().since(at).as_secs(), 1);
}

#[test]
fn undo_and_redo_are_a_stack_that_a_new_input_clears() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    say(&mut runner, viewer, 0, &json!({ "m": "pace", "pace": Pace { running: false, speed_ppm: 1_000_000 } }));
    let to = |at: u64| json!({ "m": "step", "to": { "to": "time", "at": at * SECOND } });
    let mut states = vec![(world(&runner).fingerprint(), world(&runner).now())];
    for (index, message) in [attach("nat"), run("dhclient enp0s3"), run("ping -c 1 8.8.8.8")].iter().enumerate() {
        say(&mut runner, viewer, 0, message);
        say(&mut runner, viewer, 0, &to(3 * (index as u64 + 1)));
        states.push((world(&runner).fingerprint(), world(&runner).now()));
    }
    let state = |runner: &Runner| (world(runner).fingerprint(), world(runner).now());
    for wanted in states.iter().rev().skip(1) {
        let heard = say(&mut runner, viewer, 0, &json!({ "m": "undo" }));
        assert!(codes(&heard).is_empty(), "{heard:?}");
        assert_eq!(state(&runner), *wanted);
    }
    assert_eq!(codes(&say(&mut runner, viewer, 0, &json!({ "m": "undo" }))), ["nothing-to-undo"]);
    for wanted in &states[1..] {
        say(&mut runner, viewer, 0, &json!({ "m": "redo" }));
        assert_eq!(state(&runner), *wanted);
    }
    assert_eq!(codes(&say(&mut runner, viewer, 0, &json!({ "m": "redo" }))), ["nothing-to-redo"]);
    say(&mut runner, viewer, 0, &json!({ "m": "undo" }));
    let heard = say(&mut runner, viewer, 0, &run("ip neigh"));
    let undoable = heard.iter().rev().find(|message| message["m"] == "undoable").unwrap();
    assert_eq!((&undoable["undo"], &undoable["redo"]), (&json!(3), &json!(0)));
    assert_eq!(codes(&say(&mut runner, viewer, 0, &json!({ "m": "redo" }))), ["nothing-to-redo"]);
}

#[test]
fn an_instant_that_was_made_the_present_can_be_left_again_by_redo() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    let end = lesson(&mut runner, viewer);
    say(&mut runner, viewer, end, &json!({ "m": "pace", "pace": Pace { running: false, speed_ppm: 1_000_000 } }));
    let (fingerprint, now) = (world(&runner).fingerprint(), world(&runner).now());
    say(&mut runner, viewer, end, &look(json!({ "to": "start" })));
    assert!(codes(&say(&mut runner, viewer, end, &json!({ "m": "branch" }))).is_empty());
    assert_eq!((world(&runner).now(), runner.inputs.len(), runner.redo.len()), (SimTime::ZERO, 0, 4));
    for _ in 0..4 {
        say(&mut runner, viewer, end, &json!({ "m": "redo" }));
    }
    assert_eq!((world(&runner).fingerprint(), world(&runner).now()), (fingerprint, now));
    assert_eq!(codes(&say(&mut runner, viewer, end, &json!({ "m": "branch" }))), ["not-looking-back"]);
}

#[test]
fn a_source_with_real_time_is_looked_back_at_while_it_goes_on() {
    let (mut runner, viewer) = runner("nat", Rewind::View);
    say(&mut runner, viewer, 0, &run("dhclient -v enp0s3"));
    pass(&mut runner, 0, 2 * SECOND);
    let shown = snapshot(&say(&mut runner, viewer, 2 * SECOND, &look(json!({ "to": "time", "at": 1 }))));
    assert_eq!(shown["time"], 1);
    assert!(pass(&mut runner, 2 * SECOND, 4 * SECOND).is_empty(), "who looks back hears nothing");
    assert_eq!(world(&runner).now().as_secs(), 4);
    for message in [json!({ "m": "undo" }), json!({ "m": "redo" }), json!({ "m": "branch" }), run("ip addr")] {
        assert_eq!(codes(&say(&mut runner, viewer, 4 * SECOND, &message)), ["capability-missing"], "{message}");
    }
    assert_eq!(say(&mut runner, viewer, 4 * SECOND, &json!({ "m": "sample", "id": 3 }))[0]["rows"], json!([]));
    let now = snapshot(&say(&mut runner, viewer, 4 * SECOND, &json!({ "m": "now" })));
    assert!(printed(&now).contains("bound to 10.0.2.15"));
    let (mut none, viewer) = super::time_tests::runner("nat", Rewind::None);
    assert_eq!(codes(&say(&mut none, viewer, 0, &look(json!({ "to": "start" })))), ["capability-missing"]);
}

#[test]
fn in_a_quiet_lab_a_week_s_lease_is_renewed_at_half_of_it_at_once() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    say(&mut runner, viewer, 0, &run("dhclient -v enp0s3"));
    pass(&mut runner, 0, 2 * SECOND);
    let to = 302_400 + 3;
    let jump = json!({ "m": "step", "to": { "to": "time", "at": to * SECOND } });
    say(&mut runner, viewer, 2 * SECOND, &jump);
    // Less than a second of the wall's time, at a slice a 60 Hz frame.
    for frame in 1..60 {
        runner.advance(2 * SECOND + frame * 16_000_000);
        answers(&mut runner);
    }
    assert_eq!(world(&runner).now(), SimTime::from_secs(to));
    let client = world(&runner).rows(false).into_iter().find_map(|row| match row {
        Row::DhcpClient(client) => client.since,
        _ => None,
    });
    // dhclient asks between three quarters of T1 and T1.
    assert!(client.is_some_and(|since| (226_800..to).contains(&since.as_secs())), "renewed about T1: {client:?}");
}

#[test]
fn a_long_jump_through_a_busy_lab_shows_progress_and_can_be_stopped() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    say(&mut runner, viewer, 0, &run("dhclient enp0s3; ping -i 0.2 8.8.8.8"));
    pass(&mut runner, 0, 2 * SECOND);
    let jump = json!({ "m": "step", "to": { "to": "time", "at": 604_800 * SECOND } });
    say(&mut runner, viewer, 2 * SECOND, &jump);
    let mut progress = Vec::new();
    for frame in 1..=50 {
        runner.advance(2 * SECOND + frame * 16_000_000);
        progress.extend(answers(&mut runner).into_iter().filter(|message| message["m"] == "progress"));
    }
    assert!((4..=8).contains(&progress.len()), "a tenth of a second each: {}", progress.len());
    assert!(progress.is_sorted_by_key(|message| (message["now"].as_u64(), message["steps"].as_u64())));
    assert_eq!((&progress[0]["to"], &progress[0]["over"]), (&json!(604_800 * SECOND), &json!(false)));
    let heard = say(&mut runner, viewer, 3 * SECOND, &json!({ "m": "stop" }));
    assert!(heard.iter().any(|message| message["m"] == "progress" && message["over"] == true), "{heard:?}");
    let now = world(&runner).now();
    assert!(now > SimTime::from_secs(10) && now < SimTime::from_secs(604_800));
    assert!(pass(&mut runner, 3 * SECOND, 9 * SECOND).is_empty(), "lab time stands");
    assert_eq!(world(&runner).now(), now);
}

#[test]
fn a_long_replay_blocks_nobody_and_can_be_stopped() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    say(&mut runner, viewer, 0, &run("dhclient enp0s3; ping -i 0.01 8.8.8.8"));
    let jump = json!({ "m": "step", "to": { "to": "time", "at": 60 * SECOND } });
    say(&mut runner, viewer, 0, &jump);
    pass(&mut runner, 0, 2 * SECOND);
    assert_eq!(world(&runner).now().as_secs(), 60);
    say(&mut runner, viewer, 2 * SECOND, &run("ip neigh"));
    let before = world(&runner).fingerprint();
    say(&mut runner, viewer, 2 * SECOND, &json!({ "m": "undo" }));
    assert!(runner.work.is_some(), "one slice is not enough");
    assert_eq!(codes(&say(&mut runner, viewer, 2 * SECOND, &run("ip addr"))), ["replay-running"]);
    let mut at = 2 * SECOND;
    let mut heard = Vec::new();
    for _ in 0..2 {
        at += 110_000_000;
        runner.advance(at);
        heard.extend(answers(&mut runner));
    }
    assert!(heard.iter().any(|message| message["m"] == "progress" && message["doing"] == "undo"), "{heard:?}");
    say(&mut runner, viewer, at, &json!({ "m": "stop" }));
    assert_eq!((world(&runner).fingerprint(), runner.inputs.len()), (before, 2), "stopped: all is as it was");
    say(&mut runner, viewer, at, &json!({ "m": "undo" }));
    pass(&mut runner, at, at + 10 * SECOND);
    assert_eq!((runner.work.is_some(), runner.inputs.len(), runner.redo.len()), (false, 1, 1));
}

#[test]
fn a_step_of_an_exchange_ends_when_the_answer_is_there() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    let step = json!({ "m": "step", "to": { "to": "exchange" } });
    say(&mut runner, viewer, 0, &json!({ "m": "pace", "pace": Pace { running: false, speed_ppm: 1_000_000 } }));
    say(&mut runner, viewer, 0, &run("dhclient enp0s3"));
    say(&mut runner, viewer, 0, &step);
    // Until the interface's IPv6 has become quiet.
    say(&mut runner, viewer, 0, &json!({ "m": "step", "to": { "to": "time", "at": 20 * SECOND } }));
    pass(&mut runner, 0, SECOND);
    say(&mut runner, viewer, SECOND, &run("ping -c 3 8.8.8.8"));
    for sequence in 1..=3 {
        let heard = say(&mut runner, viewer, SECOND, &step);
        let text = printed(&json!(heard));
        assert!(text.contains(&format!("icmp_seq={sequence}")), "{text}");
        assert!(!text.contains(&format!("icmp_seq={}", sequence + 1)), "{text}");
        assert_eq!(world(&runner).frames_in_flight(), 0);
    }
}

#[test]
fn a_session_is_shared_as_a_link_and_opened_from_it() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    let end = lesson(&mut runner, viewer);
    let link = say(&mut runner, viewer, end, &json!({ "m": "share" })).remove(0);
    let text = link["text"].as_str().unwrap().to_owned();
    let last = runner.inputs.last().unwrap().clone();
    let (mut other, viewer) = super::time_tests::runner("modes", Rewind::World);
    let open = |link: &str| json!({ "m": "open", "link": link });
    let heard = say(&mut other, viewer, 0, &open(&text));
    assert!(codes(&heard).is_empty(), "{heard:?}");
    assert_eq!(world(&other).now(), last.at);
    assert_eq!(other.inputs.last(), Some(&last), "with its whole fingerprint");
    assert_eq!(other.inputs, runner.inputs);
    // A lab that has changed since, or is not there.
    other.config.labs[0].1.title.insert("en".into(), "Another".into());
    assert_eq!(codes(&say(&mut other, viewer, 0, &open(&text))), ["session-lab-changed"]);
    other.config.labs.clear();
    assert_eq!(codes(&say(&mut other, viewer, 0, &open(&text))), ["unknown-lab"]);
    assert_eq!(codes(&say(&mut other, viewer, 0, &open("hello"))), ["link-malformed"]);
}

#[test]
fn a_busy_session_keeps_what_it_may_and_says_what_it_forgot() {
    let (mut runner, viewer) = runner("nat", Rewind::World);
    say(&mut runner, viewer, 0, &run("dhclient enp0s3; ping -i 0.002 -s 1400 8.8.8.8"));
    say(&mut runner, viewer, 0, &json!({ "m": "step", "to": { "to": "time", "at": 25 * SECOND } }));
    pass(&mut runner, 0, 9 * SECOND);
    let (bytes, events, keyframes) = runner.record.as_ref().unwrap().size();
    println!("{} hops: {bytes} bytes, {events} events, {keyframes} keyframes", world(&runner).hops());
    let caps = limits::RECORD_FRAME_BYTES_MAX + limits::RECORD_ROW_BYTES_MAX + limits::RECORD_WORD_BYTES_MAX;
    assert!(bytes <= caps, "{bytes}");
    let shown = snapshot(&say(&mut runner, viewer, 9 * SECOND, &look(json!({ "to": "time", "at": 2 * SECOND }))));
    assert!(shown["past"]["frames_forgotten"].as_u64() > Some(0), "{}", shown["past"]);
    // The rows are there all the same.
    assert_eq!(rows(&shown), rows_of_a_fresh_run(&runner, SimTime::from_secs(2)));
}

#[test]
fn who_reaches_whom_is_told_while_the_lab_goes_on_and_can_be_stopped() {
    let (mut runner, viewer) = runner("modes", Rewind::World);
    let asked = json!({ "m": "reach", "machines": ["host", "pc", "router"] });
    say(&mut runner, viewer, 0, &asked);
    say(&mut runner, viewer, 1_000_000, &run_at("host", "ping -c 1 192.168.0.50"));
    let heard = pass(&mut runner, 1_000_000, 2 * SECOND);
    let matrix = &heard.iter().find(|message| message["m"] == "reach").expect("an answer")["matrix"];
    assert_eq!(matrix["cells"].as_array().map(Vec::len), Some(6));
    assert!(matrix["cells"].as_array().into_iter().flatten().all(|cell| cell["icmp"]["ok"] == true), "{matrix}");
    assert!(printed(&Value::Array(heard.clone())).contains("1 received"), "the lab went on");

    say(&mut runner, viewer, 3 * SECOND, &json!({ "m": "reach" }));
    pass(&mut runner, 3 * SECOND, 3 * SECOND + 3_000_000);
    let heard = say(&mut runner, viewer, 4 * SECOND, &json!({ "m": "stop" }));
    let cells =
        heard.iter().find(|message| message["m"] == "reach").expect("what was found")["matrix"]["cells"].clone();
    assert!((1..20).contains(&cells.as_array().map_or(0, Vec::len)), "{cells}");
    let unknown = say(&mut runner, viewer, 5 * SECOND, &json!({ "m": "reach", "machines": ["nobody"] }));
    assert!(
        unknown.iter().any(|message| message["m"] == "error" && message["code"] == "unknown-machine"),
        "{unknown:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However one goes back and forth in time, what is at the end is what its session makes anew.
    #[test]
    fn a_walk_through_time_leaves_a_world_that_its_session_makes_again(
        walk in prop::collection::vec((0_usize..16, 1_u64..900_000_000), 1..24),
    ) {
        let (mut runner, viewer) = runner("modes", Rewind::World);
        let mut wall = 0;
        for (choice, pause) in walk {
            let to = |to: Value| json!({ "m": "step", "to": to });
            let message = match choice {
                0 => attach("nat"),
                1 => attach("bridged"),
                2 => run("dhclient enp0s3"),
                3 => run("ping -c 2 8.8.8.8"),
                4 => run_at("pc", "curl -s http://93.184.215.14/"),
                5 => look(json!({ "to": "time", "at": pause * 4 })),
                6 => back("frame"),
                7 => forth("event"),
                8 => json!({ "m": "branch" }),
                9 | 10 => json!({ "m": "undo" }),
                11 => json!({ "m": "redo" }),
                12 => json!({ "m": "now" }),
                13 => to(json!({ "to": "exchange" })),
                14 => to(json!({ "to": "time", "at": world(&runner).now().as_nanos() + pause })),
                _ => json!({ "m": "pace", "pace": Pace { running: true, speed_ppm: 1_000_000 } }),
            };
            let heard = say(&mut runner, viewer, wall, &message);
            let known = ["nothing-to-undo", "nothing-to-redo", "not-looking-back", "replay-running"];
            prop_assert!(codes(&heard).iter().all(|code| known.contains(code)), "{:?}", codes(&heard));
            pass(&mut runner, wall, wall + pause);
            wall += pause;
        }
        pass(&mut runner, wall, wall + SECOND);
        world(&runner).check().unwrap();
        let (lab, now) = (runner.lab.clone().unwrap(), world(&runner).now());
        let mut again = session::Replay::new(&lab, 1, runner.inputs.clone(), Some(now), true, true).unwrap();
        prop_assert_eq!(again.go_on(u32::MAX), session::Replayed::Whole);
        prop_assert_eq!(again.world.fingerprint(), world(&runner).fingerprint());
        prop_assert_eq!(again.world.seq(), world(&runner).seq(), "events have the same numbers");
    }
}
