//! Tests of [`super::travel`].

use netmodes_core::protocol::{Capabilities, Doing};
use proptest::prelude::*;

use super::*;
use crate::store::state::{Lab, SourceInfo};
use crate::store::{Action, reduce};

fn state(rewind: Rewind) -> AppState {
    let pace = rewind == Rewind::World;
    let capabilities = Capabilities { place: "browser".into(), pace, load: true, rewind, host_sockets: false };
    let labs = vec!["nat".to_owned()];
    AppState {
        source: Some(Shared::new(SourceInfo { program: String::new(), capabilities, labs })),
        lab: Some(Shared::new(Lab { name: "nat".into(), title: [].into(), seed: 1 })),
        ..AppState::default()
    }
}

fn act(state: &mut AppState, travel: Travel) -> Vec<Effect> {
    reduce(state, Action::Travel(travel))
}

fn looks(effects: &[Effect]) -> Vec<LookTo> {
    let look = |effect: &Effect| match effect {
        Effect::Send(ClientMessage::LookBack { to, .. }) => Some(*to),
        _ => None,
    };
    effects.iter().filter_map(look).collect()
}

fn time(secs: u64) -> LookTo {
    LookTo::Time { at: SimTime::from_secs(secs) }
}

#[test]
fn one_look_is_under_way_and_of_those_that_wait_the_newest_wins() {
    let mut state = state(Rewind::World);
    assert_eq!(looks(&act(&mut state, Travel::Look(time(1)))), [time(1)]);
    assert!(act(&mut state, Travel::Look(time(2))).is_empty());
    assert!(act(&mut state, Travel::Look(time(3))).is_empty());
    assert_eq!(looks(&answered(&mut state)), [time(3)]);
    assert!(answered(&mut state).is_empty());
    assert_eq!(state.past.asked, None);
}

#[test]
fn a_source_without_a_record_is_asked_for_nothing() {
    assert!(act(&mut state(Rewind::None), Travel::Look(time(1))).is_empty());
}

#[test]
fn what_was_asked_of_a_connection_that_is_lost_is_not_waited_for() {
    let mut state = state(Rewind::World);
    act(&mut state, Travel::Look(time(1)));
    reduce(&mut state, Action::Lost { wall_ms: 1.0 });
    assert_eq!((state.past.asked, state.past.waiting), (None, None));
}

#[test]
fn without_a_connection_a_change_is_refused_with_words_and_the_greeting_goes() {
    let mut state = state(Rewind::World);
    reduce(&mut state, Action::Lost { wall_ms: 1.0 });
    assert!(act(&mut state, Travel::Undo).is_empty());
    assert_eq!(state.errors[0].code, "page-offline");
    assert!(!reduce(&mut state, Action::Connected).is_empty());
}

#[test]
fn inputs_are_known_as_the_source_tells_them() {
    let input = |line: &str| netmodes_core::protocol::SessionInput {
        at: SimTime::ZERO,
        command: netmodes_core::world::Command::Run {
            machine: "vm1".into(),
            line: line.into(),
            tty: None,
            stdin: false,
        },
        fingerprint: String::new(),
    };
    let mut state = state(Rewind::World);
    let tell = |state: &mut AppState, undo, from, lines: &[&str], next: Option<&str>| {
        let inputs = lines.iter().map(|line| input(line)).collect();
        let next = next.map(|line| Box::new(input(line)));
        let redo = u32::from(next.is_some());
        hear(state, ServerMessage::Undoable { undo, redo, from, inputs, next });
    };
    tell(&mut state, 1, 0, &["ip addr"], None);
    tell(&mut state, 2, 1, &["ping 8.8.8.8"], None);
    assert_eq!(state.past.inputs.len(), 2);
    tell(&mut state, 1, 0, &["ip addr"], Some("ping 8.8.8.8"));
    assert_eq!((state.past.inputs.len(), state.past.redo), (1, 1));
    // Another lab: this session can be brought back.
    reduce(&mut state, Action::Restart);
    assert_eq!(state.past.left.as_ref().map(|left| left.inputs.len()), Some(1));
    let effects = act(&mut state, Travel::BringBack);
    assert!(matches!(&effects[..], [Effect::Send(ClientMessage::Load { inputs, .. })] if inputs.len() == 1));
}

#[test]
fn what_takes_long_is_known_until_it_is_over() {
    let mut state = state(Rewind::World);
    let tell = |state: &mut AppState, now, over| {
        let [from, now, to] = [0, now, 100].map(SimTime::from_secs);
        hear(state, ServerMessage::Progress { doing: Doing::Step, from, now, to: Some(to), steps: 5, of: None, over });
    };
    tell(&mut state, 25, false);
    assert_eq!(state.past.long.and_then(|long| long.part()), Some(0.25));
    tell(&mut state, 100, true);
    assert_eq!(state.past.long, None);
}

#[test]
fn times_are_read_from_now_and_by_the_labs_clock() {
    let now = SimTime::from_secs(100);
    let until = |text: &str| parse_until(text, now).map(|at| at.as_micros());
    let secs = |secs: u64| Ok(secs * 1_000_000);
    assert_eq!(until("+10m"), secs(700));
    assert_eq!(until(" 2 d "), secs(100 + 172_800));
    assert_eq!(until("1h 30m"), secs(100 + 5_400));
    assert_eq!(until("1ч 30м"), secs(100 + 5_400));
    assert_eq!(until("00:05:00"), secs(300));
    assert_eq!(until("1:00:00:00"), secs(86_400));
    assert_eq!(until("05:00.5"), Ok(300_500_000));
    assert_eq!(until("1.5s"), Ok(101_500_000));
    assert_eq!(until("15"), secs(115));
    for bad in ["", "+", "soon", "10 x", "1:2:3:4:5", ":", "-5", "99999999999999999999s", "1.0000000001 s"] {
        assert!(until(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_never_goes_back(text in "\\PC{0,24}") {
        let now = SimTime::from_secs(5);
        if let Ok(at) = parse_until(&text, now) {
            prop_assert!(text.contains(':') || at >= now);
        }
    }
}
