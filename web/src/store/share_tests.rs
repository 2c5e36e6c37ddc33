//! Files and addresses, good and bad.

use netmodes_core::protocol::{Capabilities, Rewind};
use proptest::prelude::*;

use super::super::state::SourceInfo;
use super::*;
use crate::store::{Action, Shared, reduce};

fn page() -> AppState {
    let capabilities = Capabilities {
        place: "browser".to_owned(),
        pace: true,
        load: true,
        rewind: Rewind::World,
        host_sockets: false,
    };
    let source = SourceInfo { program: String::new(), capabilities, labs: Vec::new() };
    AppState { source: Some(Shared::new(source)), ..AppState::default() }
}

fn session() -> Session {
    Session {
        core: "0".to_owned(),
        lab: LabChoice::Named("nat".to_owned()),
        lab_hash: "1".to_owned(),
        seed: 1,
        inputs: Vec::new(),
    }
}

fn open_file(state: &mut AppState, name: &str, text: &str) -> Vec<Effect> {
    reduce(state, Action::Share(ShareAction::OpenFile { name: name.to_owned(), text: text.to_owned() }))
}

fn codes(state: &AppState) -> Vec<&str> {
    match &state.share.outcome {
        Some(Outcome::Refused { errors, .. }) => errors.iter().map(|error| error.code.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_address_is_read_with_its_host_or_without_and_a_bare_text_too() {
    let session = Some(Asked::Session("1.abc".into()));
    for text in ["https://x.example/y/#s=1.abc", "#s=1.abc", " 1.abc\n", "#a=b&s=1.abc"] {
        assert_eq!(Asked::read(text), session, "{text}");
    }
    assert_eq!(Asked::read("#lab=nat"), Some(Asked::Lab("nat".into())));
    assert_eq!(Asked::read("#exercise=x"), Some(Asked::Exercise("x".into())));
    for text in ["", "#", "#token=abc", "https://x.example/1.2/y", "hello. world", "file.txt"] {
        assert_eq!(Asked::read(text), None, "{text}");
    }
}

#[test]
fn a_session_that_was_saved_is_opened_again() {
    let mut state = page();
    reduce(&mut state, Action::Share(ShareAction::SaveSession));
    let answer = ServerMessage::Session(session());
    let effects = reduce(&mut state, Action::Received { message: Box::new(answer), wall_ms: 0.0 });
    let [Effect::Download { name, bytes, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(name.ends_with(".netmodes.json"), "{name}");
    let effects = open_file(&mut state, name, core::str::from_utf8(bytes).unwrap());
    assert_eq!(effects, [Effect::Send(ClientMessage::OpenSession { session: Box::new(session()) })]);
}

#[test]
fn every_kind_of_bad_file_is_refused_in_words_of_its_own_and_nothing_is_sent() {
    let newer = r#"{"format": "netmodes-session", "format_version": 2}"#;
    let broken = r#"{"format": "netmodes-session", "format_version": 1, "session": {}}"#;
    let lab = r#"{"format_version": 1, "name": "Not A Name", "title": {"en": "x"}}"#;
    for (name, text, code) in [
        ("lab.TOML", "name = 1", "file-toml"),
        ("a.json", "{\n  nonsense", "file-not-json"),
        ("a.json", newer, "file-version"),
        ("a.json", broken, "file-session"),
        ("a.json", r#"{"format": "netmodes-progress", "format_version": 1, "kept": {"a": 1}}"#, "file-progress"),
        ("package.json", r#"{"name": "x", "version": "1.0.0"}"#, "file-unknown"),
        ("a.json", "[1, 2]", "file-unknown"),
    ] {
        let mut state = page();
        assert_eq!(open_file(&mut state, name, text), [], "{name}");
        assert_eq!(codes(&state), [code], "{text}");
    }
    let mut state = page();
    assert_eq!(open_file(&mut state, "a.json", lab), []);
    assert!(codes(&state).len() > 1, "all faults are listed: {:?}", codes(&state));
}

#[test]
fn progress_goes_out_and_comes_in_but_never_a_token() {
    let mut state = page();
    let kept = BTreeMap::from([("lang".to_owned(), "ru".to_owned()), ("exercise.x".to_owned(), "{}".to_owned())]);
    let effects = reduce(&mut state, Action::Share(ShareAction::SaveProgress(kept)));
    let [Effect::Download { name, bytes, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let effects = open_file(&mut state, name, core::str::from_utf8(bytes).unwrap());
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert_eq!(state.share.outcome, Some(Outcome::Restored(2)));
    let token = r#"{"format": "netmodes-progress", "format_version": 1, "kept": {"token": "x"}}"#;
    assert_eq!(open_file(&mut state, "p.json", token), []);
}

#[test]
fn a_refusal_answers_what_was_opened_and_only_that() {
    let mut state = page();
    let error =
        |code: &str| Action::Received { message: Box::new(ServerMessage::Error(UserError::new(code))), wall_ms: 0.0 };
    reduce(&mut state, Action::Share(ShareAction::OpenAddress("#s=1.x".into())));
    reduce(&mut state, error("link-damaged"));
    assert_eq!(codes(&state), ["link-damaged"]);
    assert!(state.errors.is_empty());
    reduce(&mut state, error("no-such-machine"));
    assert_eq!(state.errors.len(), 1);
}

#[test]
fn what_the_address_asks_for_is_opened_when_the_source_is_there() {
    let mut state = AppState::default();
    state.share.edit().asked = Some("#s=1.x".into());
    let hello = ServerMessage::Hello {
        version: netmodes_core::protocol::VERSION,
        program: String::new(),
        capabilities: page().capabilities().unwrap().clone(),
        labs: Vec::new(),
    };
    let effects = reduce(&mut state, Action::Received { message: Box::new(hello), wall_ms: 0.0 });
    let open = Effect::Send(ClientMessage::Open { link: "1.x".into() });
    assert_eq!(effects.last(), Some(&open));
}

proptest! {
    #[test]
    fn no_text_makes_the_page_panic(text in "\\PC{0,200}", name in "\\PC{0,20}") {
        let mut state = page();
        open_file(&mut state, &name, &text);
        reduce(&mut state, Action::Share(ShareAction::OpenAddress(text)));
    }
}
