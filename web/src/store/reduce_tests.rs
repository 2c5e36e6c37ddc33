//! Tests of [`super::reduce`].

use std::collections::BTreeMap;

use netmodes_core::event::{Output, Span, Stream};
use netmodes_core::id::{JobId, Pid};
use netmodes_core::protocol::{Capabilities, Pace, Rewind};
use netmodes_core::time::SimTime;
use netmodes_core::view::{NodeKind, NodeRow};

use super::*;

fn capabilities(load: bool) -> Capabilities {
    Capabilities { place: "browser".into(), pace: true, load, rewind: Rewind::None, host_sockets: !load }
}

fn get(state: &mut AppState, message: ServerMessage) -> Vec<Effect> {
    reduce(state, Action::Received { message: Box::new(message), wall_ms: 1_000.0 })
}

fn hello(load: bool) -> ServerMessage {
    let labs = vec!["nat".to_owned()];
    ServerMessage::Hello { version: VERSION, program: "0.1.0".into(), capabilities: capabilities(load), labs }
}

fn node(id: u32, name: &str, kind: NodeKind) -> Row {
    Row::Node(NodeRow {
        id: NodeId(id),
        name: name.into(),
        kind,
        host: None,
        site: String::new(),
        real: false,
        off: false,
    })
}

fn snapshot() -> ServerMessage {
    let rows = vec![node(0, "host", NodeKind::Host), node(1, "vm1", NodeKind::Vm), node(2, "sw", NodeKind::Switch)];
    ServerMessage::Snapshot {
        lab: "nat".into(),
        title: [("en".to_owned(), "NAT".to_owned())].into(),
        seed: 7,
        seq: 40,
        time: SimTime::from_secs(3),
        rows,
        history: Vec::new(),
        past: None,
    }
}

fn event(seq: u64, fact: Fact) -> ServerMessage {
    let time = SimTime::from_secs(4);
    ServerMessage::Events { time, events: vec![Event { seq, time, fact }], frames_not_shown: 0 }
}

fn opened() -> AppState {
    let mut state = AppState::default();
    get(&mut state, hello(true));
    get(&mut state, snapshot());
    state
}

#[test]
fn a_source_that_can_load_is_asked_for_the_first_lab_once() {
    let mut state = AppState::default();
    let load = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Send(ClientMessage::Load { .. })));
    assert!(load(&get(&mut state, hello(true))));
    get(&mut state, snapshot());
    assert!(!load(&get(&mut state, hello(true))));
    assert!(!load(&get(&mut AppState::default(), hello(false))));
}

#[test]
fn another_version_is_refused_with_words() {
    let mut state = AppState::default();
    let other =
        ServerMessage::Hello { version: 99, program: String::new(), capabilities: capabilities(true), labs: vec![] };
    assert_eq!(get(&mut state, other), []);
    assert_eq!(state.connection, Connection::Failed);
    assert_eq!(state.errors[0].code, "page-version-mismatch");
}

#[test]
fn the_first_vm_is_in_front_and_switches_have_no_terminal() {
    let state = opened();
    assert_eq!(state.front, Some(NodeId(1)));
    assert_eq!(state.terminals.keys().copied().collect::<Vec<_>>(), [NodeId(0), NodeId(1)]);
    assert_eq!(state.lab_title(), "NAT");
}

#[test]
fn a_line_runs_as_a_command_and_then_as_input() {
    let mut state = opened();
    let node = NodeId(1);
    let typed = |state: &mut AppState, line: &str| reduce(state, Action::Typed { node, line: line.into() });
    let run = Command::Run { machine: "vm1".into(), line: "nc 8.8.8.8 80".into(), tty: Some(80), stdin: false };
    assert_eq!(typed(&mut state, "nc 8.8.8.8 80"), [Effect::Send(ClientMessage::Do { command: run })]);
    get(&mut state, event(41, Fact::JobStarted { node, job: JobId(5), line: "nc 8.8.8.8 80".into() }));
    let input = Command::Input { machine: "vm1".into(), job: JobId(5), text: "hello\n".into() };
    assert_eq!(typed(&mut state, "hello"), [Effect::Send(ClientMessage::Do { command: input })]);
    get(&mut state, event(42, Fact::JobEnded { node, job: JobId(5), status: 0 }));
    assert_eq!(typed(&mut state, "  "), []);
    let texts: Vec<_> = state.terminals[&node].lines.iter().map(|line| line.text()).collect();
    assert_eq!(texts, ["nc 8.8.8.8 80", "hello", ""]);
}

#[test]
fn control_c_signals_the_running_command_only() {
    let mut state = opened();
    let node = NodeId(1);
    assert_eq!(reduce(&mut state, Action::Interrupt { node, typed: "pin".into() }), []);
    get(&mut state, event(41, Fact::JobStarted { node, job: JobId(5), line: "ping 8.8.8.8".into() }));
    let signal = Command::Signal { machine: "vm1".into(), job: JobId(5), signal: Signal::Int };
    let effects = reduce(&mut state, Action::Interrupt { node, typed: String::new() });
    assert_eq!(effects, [Effect::Send(ClientMessage::Do { command: signal })]);
}

#[test]
fn output_reaches_its_machine() {
    let mut state = opened();
    let spans = vec![Span::plain("bound\n")];
    let output = Output { node: NodeId(1), job: JobId(5), pid: Pid(9), stream: Stream::Stdout, spans };
    let before = state.terminals[&NodeId(0)].clone();
    get(&mut state, event(41, Fact::Output(output)));
    assert_eq!(state.terminals[&NodeId(1)].lines[0].text(), "bound");
    assert!(state.terminals[&NodeId(0)] == before, "the other terminal is not drawn again");
}

#[test]
fn a_lost_connection_keeps_the_picture_and_stops_the_clock() {
    let mut state = opened();
    get(
        &mut state,
        ServerMessage::Clock { time: SimTime::from_secs(5), pace: Pace { running: true, speed_ppm: 1_000_000 } },
    );
    reduce(&mut state, Action::Lost { wall_ms: 2_000.0 });
    reduce(&mut state, Action::Lost { wall_ms: 9_000.0 });
    assert_eq!(state.connection, Connection::Lost { since_ms: 2_000.0 });
    assert_eq!(state.clock.at(60_000.0), SimTime::from_secs(6));
    assert_eq!(state.view.nodes.len(), 3);
}

#[test]
fn host_sockets_are_put_removed_and_replaced() {
    let mut host = Host { sockets: BTreeMap::new(), not_permitted: 0, known: false };
    host_sockets(&mut host, true, Vec::new(), &[], 2);
    assert!(host.known);
    assert_eq!(host.not_permitted, 2);
}

#[test]
fn a_connection_that_comes_back_is_told_what_is_watched() {
    let mut state = AppState::default();
    get(&mut state, hello(false));
    let watch = Effect::Send(ClientMessage::Subscribe { frames: true, host_sockets: true });
    assert_eq!(reduce(&mut state, Action::WatchHost(true)), std::slice::from_ref(&watch));
    reduce(&mut state, Action::Lost { wall_ms: 1.0 });
    assert!(get(&mut state, hello(false)).contains(&watch));
}
