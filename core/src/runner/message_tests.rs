//! A runner under messages of every kind: malformed, too large, too early, hostile; sessions replayed; the wall's clock
//! in leaps.

use serde_json::{Value, json};

use super::*;
use crate::time::SimTime;

const SECOND: u64 = 1_000_000_000;

fn runner() -> Runner {
    let lab = super::tests::lab("nat");
    let capabilities = Capabilities {
        place: "browser".into(),
        pace: true,
        load: true,
        rewind: crate::protocol::Rewind::World,
        host_sockets: false,
    };
    let labs = vec![("nat".to_owned(), lab.clone())];
    let config = RunnerConfig { capabilities, program: "test".into(), labs, seed: 1 };
    Runner::new(config, &lab).unwrap()
}

fn answers(runner: &mut Runner) -> Vec<(ViewerId, Value)> {
    std::iter::from_fn(|| runner.poll_message()).map(|(id, text)| (id, serde_json::from_str(&text).unwrap())).collect()
}

fn say(runner: &mut Runner, viewer: ViewerId, at: u64, message: &Value) -> Vec<Value> {
    runner.handle_message(viewer, at, &message.to_string());
    answers(runner).into_iter().filter(|(id, _)| *id == viewer).map(|(_, message)| message).collect()
}

fn errors(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter(|m| m["m"] == "error").filter_map(|m| m["code"].as_str()).collect()
}

fn greeted() -> (Runner, ViewerId) {
    let mut runner = runner();
    let viewer = runner.connect();
    let hello = say(&mut runner, viewer, 0, &json!({ "m": "hello", "version": VERSION }));
    let kinds: Vec<_> = hello.iter().map(|message| message["m"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["hello", "snapshot", "clock"]);
    (runner, viewer)
}

fn run(line: &str) -> Value {
    json!({ "m": "do", "command": { "c": "run", "machine": "vm1", "line": line } })
}

fn world(runner: &Runner) -> &World {
    runner.world().unwrap()
}

/// Lets the wall's time pass as a page does: at every wake-up, and at the end.
fn pass(runner: &mut Runner, from: u64, to: u64) -> Vec<(ViewerId, Value)> {
    let mut at = from;
    let mut all = Vec::new();
    loop {
        runner.advance(at);
        all.extend(answers(runner));
        world(runner).check().unwrap();
        if at >= to {
            return all;
        }
        at = runner.next_wakeup().unwrap_or(to).clamp(at + 1, to);
    }
}

#[test]
fn what_is_no_message_is_refused_and_the_rest_goes_on() {
    let (mut runner, viewer) = greeted();
    let deep = "[".repeat(100_000);
    let bad = ["", "{", "null", "[]", "{\"m\":\"hello\"}", "{\"m\":\"none\"}", &deep, "\u{0}"];
    for text in bad {
        runner.handle_message(viewer, 1, text);
        let messages = answers(&mut runner);
        assert_eq!(messages.len(), 1, "{text:.20}");
        assert_eq!(messages[0].1["code"], "message-malformed", "{text:.20}");
    }
    let whole = run("ip addr").to_string();
    for end in 0..whole.len() {
        runner.handle_message(viewer, 1, &whole[..end]);
    }
    assert!(answers(&mut runner).iter().all(|(_, message)| message["code"] == "message-malformed"));
    runner.handle_message(viewer, 2, &" ".repeat(limits::MESSAGE_BYTES_MAX + 1));
    assert_eq!(answers(&mut runner)[0].1["code"], "message-too-large");
    assert!(errors(&say(&mut runner, viewer, 3, &run("ip addr"))).is_empty());
}

#[test]
fn nothing_is_said_to_who_has_not_greeted_or_speaks_another_version() {
    let mut runner = runner();
    let viewer = runner.connect();
    assert_eq!(errors(&say(&mut runner, viewer, 0, &run("ip addr"))), ["hello-first"]);
    let other = say(&mut runner, viewer, 0, &json!({ "m": "hello", "version": VERSION + 1 }));
    assert_eq!(errors(&other), ["version-mismatch"]);
    assert_eq!(errors(&say(&mut runner, viewer, 0, &json!({ "m": "session" }))), ["hello-first"]);
    runner.handle_message(ViewerId(99), 0, "{}");
    assert_eq!(answers(&mut runner), []);
}

#[test]
fn an_unsound_lab_is_refused_and_the_old_one_stays() {
    let (mut runner, viewer) = greeted();
    let before = world(&runner).fingerprint();
    let load = |lab: Value| json!({ "m": "load", "lab": lab, "seed": 1 });
    for (lab, code) in [
        (json!({ "named": "none" }), "unknown-lab"),
        (json!({ "inline": {} }), "lab-malformed"),
        (json!({ "inline": { "format_version": 99 } }), "lab-format-version"),
        (json!({ "inline": { "format_version": 1, "name": "x" } }), "lab-malformed"),
    ] {
        assert_eq!(errors(&say(&mut runner, viewer, 0, &load(lab))), [code]);
    }
    assert_eq!(world(&runner).fingerprint(), before);
    let mut lab = serde_json::to_value(super::tests::lab("nat")).unwrap();
    lab["vm"][0]["host"] = json!("nobody");
    assert_eq!(errors(&say(&mut runner, viewer, 0, &load(json!({ "inline": lab })))), ["lab-host-unknown"]);
}

/// A session with a lease and a ping, and the fingerprint after it.
fn session() -> (Value, String) {
    let (mut runner, viewer) = greeted();
    say(&mut runner, viewer, 0, &run("dhclient enp0s3"));
    pass(&mut runner, 0, 2 * SECOND);
    say(&mut runner, viewer, 2 * SECOND + 7, &run("ping -c 1 8.8.8.8"));
    pass(&mut runner, 2 * SECOND + 7, 3 * SECOND);
    say(&mut runner, viewer, 3 * SECOND + 1, &run("ip neigh"));
    let fingerprint = world(&runner).fingerprint();
    let session = say(&mut runner, viewer, 3 * SECOND + 1, &json!({ "m": "session" })).remove(0);
    assert_eq!(session["inputs"].as_array().unwrap().len(), 3);
    (session, fingerprint)
}

fn replay(session: &Value) -> (Runner, Vec<Value>) {
    let (mut runner, viewer) = greeted();
    let load = json!({ "m": "load", "lab": session["lab"], "seed": session["seed"], "inputs": session["inputs"] });
    let messages = say(&mut runner, viewer, 5 * SECOND, &load);
    (runner, messages)
}

#[test]
fn a_session_that_is_loaded_runs_as_it_ran() {
    let (session, fingerprint) = session();
    let (runner, messages) = replay(&session);
    assert!(errors(&messages).is_empty(), "{:?}", errors(&messages));
    assert_eq!(world(&runner).fingerprint(), fingerprint);
    assert_eq!(world(&runner).now(), SimTime::from_nanos(3 * SECOND + 1));
    let snapshot = messages.iter().find(|message| message["m"] == "snapshot").unwrap().to_string();
    assert!(snapshot.contains("64 bytes from "), "the terminal shows again what it showed");
}

#[test]
fn a_session_that_runs_differently_names_the_command_and_keeps_what_came_before() {
    let (mut session, _) = session();
    session["inputs"][1]["fingerprint"] = json!("0000000000000000");
    let (mut runner, messages) = replay(&session);
    assert_eq!(errors(&messages), ["session-diverged"]);
    let error = messages.iter().find(|m| m["m"] == "error").unwrap().to_string();
    assert!(error.contains("ping -c 1 8.8.8.8"), "{error}");
    let viewer = ViewerId(1);
    let kept = say(&mut runner, viewer, 5 * SECOND, &json!({ "m": "session" })).remove(0);
    assert_eq!(kept["inputs"].as_array().unwrap().len(), 1);
    let (_, messages) = replay(&kept);
    assert!(errors(&messages).is_empty(), "what was kept can be loaded again: {:?}", errors(&messages));
}

#[test]
fn a_hostile_session_is_refused() {
    let (session, _) = session();
    let with = |at: Value, command: Value| {
        let mut session = session.clone();
        session["inputs"] =
            json!([{ "at": at, "command": command }, { "at": at, "command": run("ping 127.0.0.1")["command"] }]);
        session["inputs"].as_array_mut().unwrap().push(json!({ "at": u64::MAX, "command": run("ip addr")["command"] }));
        session
    };
    let tap = json!({ "c": "attach-tap", "vm": "vm1", "adapter": 1, "device": "nm0" });
    let (_, messages) = replay(&with(json!(0), tap));
    assert_eq!(errors(&messages), ["capability-missing"]);
    let (_, messages) = replay(&with(json!(u64::MAX), run("sleep 1000000")["command"].clone()));
    assert_eq!(errors(&messages), ["session-out-of-order"]);
    let mut backwards = session.clone();
    backwards["inputs"][2]["at"] = json!(1);
    assert_eq!(errors(&replay(&backwards).1), ["session-out-of-order"]);
}

#[test]
fn a_step_goes_as_far_as_it_says() {
    let (mut runner, viewer) = greeted();
    say(&mut runner, viewer, 0, &json!({ "m": "subscribe", "frames": true, "host_sockets": false }));
    say(&mut runner, viewer, 0, &json!({ "m": "pace", "pace": { "running": false, "speed_ppm": 1_000_000 } }));
    say(&mut runner, viewer, 0, &run("dhclient enp0s3"));
    let step = |to: Value| json!({ "m": "step", "to": to });
    let hops = world(&runner).hops();
    say(&mut runner, viewer, 1, &step(json!({ "to": "frame" })));
    assert_eq!(world(&runner).hops(), hops + 1);
    say(&mut runner, viewer, 2, &step(json!({ "to": "quiet" })));
    pass(&mut runner, 2, 1_000);
    assert!(!world(&runner).busy() && world(&runner).frames_in_flight() == 0);
    say(&mut runner, viewer, 1_001, &step(json!({ "to": "time", "at": 90 * SECOND })));
    pass(&mut runner, 1_001, 2_000);
    assert_eq!(world(&runner).now(), SimTime::from_secs(90));
    // Back in time is nowhere.
    say(&mut runner, viewer, 2_001, &step(json!({ "to": "time", "at": 1 })));
    assert_eq!(world(&runner).now(), SimTime::from_secs(90));
    // Paused: the wall's time means nothing.
    pass(&mut runner, 2_002, 100 * SECOND);
    assert_eq!(world(&runner).now(), SimTime::from_secs(90));
}

#[test]
fn the_end_of_time_is_reached_and_nothing_hangs() {
    let (mut runner, viewer) = greeted();
    say(&mut runner, viewer, 0, &json!({ "m": "step", "to": { "to": "time", "at": u64::MAX } }));
    pass(&mut runner, 0, 1_000);
    let end = world(&runner).now();
    assert_eq!(end, limits::LAB_TIME_MAX);
    say(&mut runner, viewer, 1_001, &run("ping -c 2 127.0.0.1"));
    say(&mut runner, viewer, 1_002, &run("sleep 3"));
    say(&mut runner, viewer, 1_003, &json!({ "m": "step", "to": { "to": "time", "at": u64::MAX } }));
    pass(&mut runner, 1_003, 2_000);
    for speed_ppm in [0, 1, u64::MAX] {
        say(&mut runner, viewer, 3_000, &json!({ "m": "pace", "pace": { "running": true, "speed_ppm": speed_ppm } }));
        runner.advance(u64::MAX);
    }
    assert_eq!(world(&runner).now(), end);
}

#[test]
fn at_any_speed_a_call_is_bounded_and_time_goes_forward() {
    let (mut runner, viewer) = greeted();
    say(&mut runner, viewer, 0, &run("ping 8.8.8.8"));
    let mut before = world(&runner).now();
    for (i, speed_ppm) in (1..).zip([0, 1, 1_000_000, u64::MAX, 1_000_000]) {
        let at = i * SECOND;
        say(&mut runner, viewer, at, &json!({ "m": "pace", "pace": { "running": true, "speed_ppm": speed_ppm } }));
        runner.advance(at + SECOND / 2);
        answers(&mut runner);
        let now = world(&runner).now();
        assert!(now >= before, "{speed_ppm}");
        before = now;
    }
}

#[test]
fn a_page_that_was_hidden_for_minutes_does_not_live_through_them_at_once() {
    let (mut runner, viewer) = greeted();
    say(&mut runner, viewer, 0, &run("dhclient enp0s3; ping 8.8.8.8"));
    pass(&mut runner, 0, 3 * SECOND);
    let before = world(&runner).now();
    runner.advance(600 * SECOND);
    let now = world(&runner).now();
    assert!(now.since(before).as_secs() <= 2, "{before:?} -> {now:?}");
    // Afterwards a second is a second again.
    pass(&mut runner, 600 * SECOND, 602 * SECOND);
    assert_eq!(world(&runner).now().since(now).as_secs(), 2);
}

#[test]
fn each_viewer_hears_what_it_asked_for_until_it_goes() {
    let (mut runner, first) = greeted();
    let second = runner.connect();
    say(&mut runner, second, 0, &json!({ "m": "hello", "version": VERSION }));
    say(&mut runner, second, 0, &json!({ "m": "subscribe", "frames": true, "host_sockets": false }));
    assert_eq!(
        errors(&say(&mut runner, first, 0, &json!({ "m": "subscribe", "frames": true, "host_sockets": true }))),
        ["capability-missing"]
    );
    let quiet = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1; dhclient enp0s3";
    runner.handle_message(first, 1, &run(quiet).to_string());
    let heard = pass(&mut runner, 1, 2 * SECOND);
    let facts = |viewer, kind: &str| {
        let of = heard.iter().filter(|(id, message)| *id == viewer && message["m"] == "events");
        of.flat_map(|(_, m)| m["events"].as_array().unwrap()).filter(|event| event["fact"]["t"] == kind).count()
    };
    assert_eq!(facts(second, "frame-sent"), 4);
    assert_eq!(facts(first, "frame-sent"), 0);
    assert!(facts(first, "job-ended") == 1 && facts(second, "job-ended") == 1);
    // Gone in the middle of it: nothing more for it, and the other goes on.
    runner.handle_message(first, 2 * SECOND, &run("ping -c 3 8.8.8.8").to_string());
    runner.disconnect(second);
    let heard = pass(&mut runner, 2 * SECOND, 6 * SECOND);
    assert!(!heard.is_empty() && heard.iter().all(|(viewer, _)| *viewer == first));
    runner.disconnect(second);
    runner.handle_message(second, 6 * SECOND, &run("ip addr").to_string());
    assert_eq!(answers(&mut runner), []);
}
