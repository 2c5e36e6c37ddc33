//! Tests of [`super::take`]: what the page keeps, and what it shows of an earlier instant.

use netmodes_core::event::{FrameBytes, FrameSent, Output, Span, Stream};
use netmodes_core::id::{FrameId, JobId, LinkId, Pid, Port};
use netmodes_core::protocol::{Capabilities, ClientMessage, Rewind, ServerMessage, VERSION};
use netmodes_core::view::{NodeKind, NodeRow};

use super::*;
use crate::store::{Action, Travel, reduce};

fn get(state: &mut AppState, message: ServerMessage) -> Vec<Effect> {
    reduce(state, Action::Received { message: Box::new(message), wall_ms: 1_000.0 })
}

fn vm() -> Row {
    Row::Node(NodeRow {
        id: NodeId(1),
        name: "vm1".into(),
        kind: NodeKind::Vm,
        host: None,
        site: String::new(),
        real: false,
        off: false,
    })
}

fn snapshot(seq: u64, history: Vec<Event>, past: Option<Past>) -> ServerMessage {
    let (lab, title) = ("nat".to_owned(), BTreeMap::new());
    ServerMessage::Snapshot { lab, title, seed: 1, seq, time: at(seq), rows: vec![vm()], history, past }
}

fn at(seq: u64) -> SimTime {
    SimTime::from_millis(seq * 10)
}

fn past(now_seq: u64) -> Option<Past> {
    Some(Past {
        first: SimTime::ZERO,
        first_seq: 0,
        frames_forgotten: 0,
        now: at(now_seq),
        now_seq,
        in_flight: Vec::new(),
        inputs: 0,
    })
}

/// The event of this number: of four, one is a frame, one is a line of output, two are neither.
fn event(seq: u64) -> Event {
    let node = NodeId(1);
    let fact = match seq % 4 {
        0 => Fact::FrameSent(FrameSent {
            link: LinkId(1),
            from: Port::new(node, 0),
            to: Port::new(NodeId(2), 0),
            frame: FrameId(seq),
            parent: None,
            arrives: None,
            bytes: FrameBytes([0; 42].into()),
        }),
        1 => Fact::Output(Output {
            node,
            job: JobId(1),
            pid: Pid(1),
            stream: Stream::Stdout,
            spans: vec![Span::plain(format!("line {seq}\n"))],
        }),
        2 => Fact::InputDone { index: 0, fingerprint: String::new() },
        _ => Fact::FrameDropped(netmodes_core::event::FrameDropped {
            node,
            port: None,
            frame: Some(FrameId(seq - 3)),
            reason: netmodes_core::drop_reason::DropReason::NoRoute,
            rule: None,
        }),
    };
    Event { seq, time: at(seq), fact }
}

fn history(from: u64, to: u64) -> Vec<Event> {
    (from..=to).map(event).collect()
}

/// A page that has seen events 1 to `seq`.
fn opened(seq: u64, rewind: Rewind) -> AppState {
    let mut state = AppState::default();
    let capabilities = Capabilities { place: "browser".into(), pace: true, load: true, rewind, host_sockets: false };
    let labs = vec!["nat".to_owned()];
    get(&mut state, ServerMessage::Hello { version: VERSION, program: String::new(), capabilities, labs });
    get(&mut state, snapshot(0, Vec::new(), None));
    get(&mut state, ServerMessage::Events { time: at(seq), events: history(1, seq), frames_not_shown: 0 });
    state
}

fn lines(state: &AppState) -> Vec<String> {
    state.terminals[&NodeId(1)].lines.iter().map(|line| line.text()).filter(|line| !line.is_empty()).collect()
}

fn frames(state: &AppState) -> Vec<u64> {
    state.frames.iter().map(|entry| entry.seq).collect()
}

/// What a page knows, for comparing two.
fn known(state: &AppState) -> (Vec<u64>, Vec<String>, u64, usize, usize) {
    let drops = state.outcomes.drops_after(0).count();
    (frames(state), lines(state), state.view.seq, drops, state.timeline.drops.len())
}

#[test]
fn the_whole_page_is_as_it_was_then_and_comes_back() {
    let mut state = opened(40, Rewind::World);
    let now = known(&state);
    reduce(&mut state, Action::Travel(Travel::Look(LookTo::Event { seq: 18 })));
    // The source brings its last facts along; the page remembers the ones before.
    get(&mut state, snapshot(18, history(9, 18), past(40)));
    let then = opened(18, Rewind::World);
    assert_eq!(frames(&state), frames(&then));
    assert_eq!(lines(&state), ["line 9", "line 13", "line 17"], "of words, what came along");
    assert_eq!(state.outcomes.of(FrameId(16)), then.outcomes.of(FrameId(16)));
    assert!(state.outcomes.of(FrameId(20)).is_empty());
    assert_eq!(state.clock.time, at(18));
    assert!(!state.clock.pace.running);
    assert_eq!(state.past.look.as_ref().map(|look| look.past.now_seq), Some(40));
    get(&mut state, snapshot(40, history(1, 40), None));
    assert_eq!(known(&state), now);
    assert!(state.past.look.is_none() && state.past.kept.is_none());
}

#[test]
fn an_undo_forgets_what_came_after_and_keeps_what_was_typed() {
    let mut state = opened(40, Rewind::World);
    reduce(&mut state, Action::Typed { node: NodeId(1), line: "ip addr".into() });
    state.selection.frame = Some(8);
    get(&mut state, snapshot(18, history(1, 18), None));
    assert_eq!(known(&state), known(&opened(18, Rewind::World)));
    assert_eq!(state.terminals[&NodeId(1)].history.len(), 1);
    assert_eq!(state.selection.frame, Some(8));
    // Done again: what it brings is added, once.
    state.selection.frame = Some(8);
    get(&mut state, snapshot(40, history(5, 40), None));
    assert_eq!(known(&state), known(&opened(40, Rewind::World)));
}

#[test]
fn a_frame_that_is_no_more_is_not_chosen_any_more() {
    let mut state = opened(40, Rewind::World);
    state.selection.frame = Some(32);
    get(&mut state, snapshot(18, history(1, 18), None));
    assert_eq!(state.selection.frame, None);
}

#[test]
fn a_lab_that_is_loaded_anew_begins_anew() {
    let mut state = opened(40, Rewind::World);
    reduce(&mut state, Action::Restart);
    get(&mut state, snapshot(40, Vec::new(), None));
    assert!(frames(&state).is_empty() && lines(&state).is_empty() && state.timeline.exchanges.is_empty());
}

#[test]
fn after_a_lost_connection_the_record_goes_on() {
    let mut state = opened(40, Rewind::View);
    let screen = state.terminals[&NodeId(1)].clone();
    reduce(&mut state, Action::Lost { wall_ms: 5.0 });
    get(&mut state, snapshot(60, history(30, 60), None));
    assert_eq!(known(&state), known(&opened(60, Rewind::View)));
    assert!(state.terminals[&NodeId(1)].lines[0] == screen.lines[0]);
    // An agent that was started again has another past.
    get(&mut state, snapshot(4, Vec::new(), None));
    assert!(frames(&state).is_empty());
}

#[test]
fn what_is_typed_while_looking_at_an_agents_past_happens_now() {
    let mut state = opened(40, Rewind::View);
    reduce(&mut state, Action::Travel(Travel::Look(LookTo::Event { seq: 18 })));
    get(&mut state, snapshot(18, history(9, 18), past(40)));
    let effects = reduce(&mut state, Action::Typed { node: NodeId(1), line: "ip addr".into() });
    assert_eq!(effects.first(), Some(&Effect::Send(ClientMessage::Now)));
    assert!(matches!(effects.get(1), Some(Effect::Send(ClientMessage::Do { .. }))));
}

#[test]
fn a_cleared_screen_stays_clear_when_it_is_written_anew() {
    let mut state = opened(20, Rewind::World);
    reduce(&mut state, Action::ClearTerminal { node: NodeId(1) });
    get(&mut state, ServerMessage::Events { time: at(40), events: history(21, 40), frames_not_shown: 0 });
    get(&mut state, snapshot(30, history(1, 30), None));
    assert_eq!(lines(&state), ["line 21", "line 25", "line 29"]);
}
