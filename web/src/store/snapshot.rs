//! What a snapshot does to the page: a lab that begins, a session that goes on (after a lost connection, an undo, a
//! branch, a look back), or an earlier instant to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use netmodes_core::event::{Event, Fact};
use netmodes_core::id::NodeId;
use netmodes_core::protocol::{LookTo, Past};
use netmodes_core::time::SimTime;
use netmodes_core::view::{LabView, NodeRow, Row};

use super::edit;
use super::outcomes::{Outcome, What};
use super::past::{Kept, Look};
use super::reduce::{fold, terminal};
use super::state::{Lab, machines};
use super::{AppState, Effect, FrameEntry, Happened, Selection, Shared, Terminal, travel};

/// A snapshot.
pub(super) struct Snapshot {
    pub lab: Lab,
    pub seq: u64,
    pub time: SimTime,
    pub rows: Vec<Row>,
    pub history: Vec<Event>,
    pub past: Option<Past>,
}

/// Takes a snapshot in.
pub(super) fn take(state: &mut AppState, mut snapshot: Snapshot, wall_ms: f64) -> Vec<Effect> {
    if let Some(past) = snapshot.past.take() {
        return look(state, snapshot, past, wall_ms);
    }
    let same = state.lab.as_ref().is_some_and(|old| old.name == snapshot.lab.name && old.seed == snapshot.lab.seed);
    // Only who can undo goes back within a session; anyone else who is behind has begun anew.
    let undoes = state.capabilities().is_some_and(|c| c.rewind == netmodes_core::protocol::Rewind::World);
    let known = state.past.kept.as_ref().map_or(state.view.seq, |kept| kept.view.seq);
    let goes_on = same && !state.past.fresh && (undoes || snapshot.seq >= known);
    let effects = if goes_on { go_on(state, snapshot, wall_ms) } else { begin(state, snapshot, wall_ms) };
    let past = state.past.edit();
    (past.look, past.kept, past.asked, past.waiting, past.play) = (None, None, None, None, None);
    (past.fresh, past.leaving) = (false, false);
    effects
}

fn view_of(snapshot: &mut Snapshot) -> LabView {
    let mut view = LabView { seq: snapshot.seq, time: snapshot.time, ..LabView::default() };
    std::mem::take(&mut snapshot.rows).into_iter().for_each(|row| view.put(row));
    view
}

/// A lab from its beginning: what was known of the old one goes, but what was typed.
fn begin(state: &mut AppState, mut snapshot: Snapshot, wall_ms: f64) -> Vec<Effect> {
    state.view = Shared::new(view_of(&mut snapshot));
    state.frames = Shared::default();
    state.outcomes = Shared::default();
    state.timeline = Shared::default();
    state.happened = Shared::default();
    state.reach = Shared::default();
    state.selection = Selection::default();
    state.highlight = None;
    let other_lab = state.lab.as_ref().is_some_and(|old| old.name != snapshot.lab.name);
    let mut effects = edit::begin(state, other_lab);
    let past = state.past.edit();
    past.cleared.clear();
    past.inputs = Rc::default();
    (past.undo, past.redo, past.next) = (0, 0, None);
    new_terminals(state);
    if let Some(exercise) = &mut state.exercise {
        exercise.edit().begin(true, &snapshot.lab.name, &state.view);
    }
    effects.extend(finish(state, snapshot, wall_ms));
    effects
}

/// Folds what a snapshot brings along, and stands where it stands.
fn finish(state: &mut AppState, snapshot: Snapshot, wall_ms: f64) -> Vec<Effect> {
    let Snapshot { lab, seq, time, history, .. } = snapshot;
    state.lab = Some(Shared::new(lab));
    state.clock.hear(time, wall_ms);
    let effects = fold(state, &history);
    let view = state.view.edit();
    (view.seq, view.time) = (seq.max(view.seq), time);
    effects
}

/// Empty screens for the machines that there are; what was typed at them stays.
fn new_terminals(state: &mut AppState) {
    let old = std::mem::take(&mut state.terminals);
    let screen = |node: &NodeRow| {
        let mut terminal = Terminal::default();
        if let Some(old) = old.get(&node.id) {
            terminal.history.clone_from(&old.history);
        }
        (node.id, Shared::new(terminal))
    };
    state.terminals = Shared::new(machines(&state.view).into_iter().map(screen).collect());
    front_exists(state);
}

fn front_exists(state: &mut AppState) {
    if state.front.is_none_or(|front| !state.terminals.contains_key(&front)) {
        state.front = machines(&state.view).first().map(|node| node.id);
    }
}

/// The same session: what is known up to its instant stays, what came later goes, what is new is added.
fn go_on(state: &mut AppState, mut snapshot: Snapshot, wall_ms: f64) -> Vec<Effect> {
    if let Some(kept) = state.past.kept.clone() {
        state.view = kept.view.clone();
        state.frames = kept.frames.clone();
        state.outcomes = kept.outcomes.clone();
        state.happened = kept.happened.clone();
        // What was typed meanwhile is remembered.
        let typed = std::mem::replace(&mut state.terminals, kept.terminals.clone());
        keep_typed(state, &typed);
    }
    let (seq, known) = (snapshot.seq, state.view.seq);
    let view = view_of(&mut snapshot);
    let back = seq < known;
    if back {
        let old = state.view.clone();
        cut(state, seq, snapshot.time, &old);
    }
    state.view = Shared::new(LabView { seq: known.min(seq), ..view });
    if back {
        new_terminals(state);
        replay_words(state, &snapshot.history);
        state.happened = happened(state, &snapshot.history);
        if state.reach.found.is_some() {
            state.reach.edit().stale = true;
        }
    } else {
        missing_terminals(state);
    }
    if let Some(exercise) = &mut state.exercise {
        exercise.edit().resume(known.min(seq), &state.view);
    }
    snapshot.history.retain(|event| event.seq > known);
    let mut effects = edit::begin(state, false);
    effects.extend(finish(state, snapshot, wall_ms));
    select_what_exists(state);
    effects
}

fn keep_typed(state: &mut AppState, typed: &BTreeMap<NodeId, Shared<Terminal>>) {
    let more =
        |node: &NodeId, terminal: &Shared<Terminal>| typed.get(node).filter(|t| t.history != terminal.history).cloned();
    let new: Vec<_> = state.terminals.iter().filter_map(|(node, t)| Some((*node, more(node, t)?))).collect();
    for (node, from) in new {
        terminal(state, node, |terminal| terminal.history.clone_from(&from.history));
    }
}

fn missing_terminals(state: &mut AppState) {
    let there: BTreeSet<NodeId> = machines(&state.view).into_iter().map(|node| node.id).collect();
    let gone = state.terminals.keys().any(|node| !there.contains(node));
    let new: Vec<_> = there.iter().filter(|node| !state.terminals.contains_key(node)).copied().collect();
    if gone || !new.is_empty() {
        let terminals = state.terminals.edit();
        terminals.retain(|node, _| there.contains(node));
        terminals.extend(new.into_iter().map(|node| (node, Shared::default())));
    }
    front_exists(state);
}

/// Forgets what came after event `seq`. `old` has the names of what is gone.
fn cut(state: &mut AppState, seq: u64, time: SimTime, old: &LabView) {
    let frames = state.frames.cut(seq);
    let name =
        |entry: &FrameEntry| old.nodes.get(&entry.sent.from.node).map(|row| row.name.clone()).unwrap_or_default();
    state.timeline.edit().cut(seq, time, &frames, name);
    state.frames = Shared::new(frames);
    state.outcomes = Shared::new(state.outcomes.cut(seq));
    for screen in state.past.edit().cleared.values_mut() {
        *screen = (*screen).min(seq);
    }
}

fn select_what_exists(state: &mut AppState) {
    let Selection { node, frame, link } = state.selection;
    let frame = frame.filter(|seq| state.frames.get(*seq).is_some());
    let node = node.filter(|node| state.view.nodes.contains_key(node));
    let link = link.filter(|link| state.view.links.contains_key(link));
    state.selection = Selection { node, frame, link };
}

/// What explains failures, from what `history` tells.
fn happened(state: &AppState, history: &[Event]) -> Shared<Happened> {
    let mut happened = Happened::default();
    history.iter().for_each(|event| happened.push(event, &state.view));
    Shared::new(happened)
}

/// Writes what `history` tells onto the screens.
fn replay_words(state: &mut AppState, history: &[Event]) {
    for event in history {
        let cleared = |node: &NodeId| state.past.cleared.get(node).is_some_and(|seq| event.seq <= *seq);
        match &event.fact {
            Fact::Output(output) if !cleared(&output.node) => terminal(state, output.node, |t| t.output(output)),
            Fact::JobStarted { node, job, line } if !cleared(node) => {
                terminal(state, *node, |t| t.job_started(*job, line));
            }
            Fact::JobEnded { node, job, status } => terminal(state, *node, |t| t.job_ended(*job, *status)),
            _ => {}
        }
    }
}

/// An earlier instant: the whole page shows it. What is now is put aside.
fn look(state: &mut AppState, mut snapshot: Snapshot, past: Past, wall_ms: f64) -> Vec<Effect> {
    let kept = state.past.kept.clone().unwrap_or_else(|| {
        Rc::new(Kept {
            view: state.view.clone(),
            frames: state.frames.clone(),
            outcomes: state.outcomes.clone(),
            happened: state.happened.clone(),
            terminals: state.terminals.clone(),
            clock: state.clock,
        })
    });
    let asked = state.past.asked;
    let whole = asked.is_some_and(|ask| ask.whole);
    let by_time = asked.is_none_or(|ask| matches!(ask.to, LookTo::Time { .. }));
    let Snapshot { seq, time, .. } = snapshot;
    state.view = Shared::new(view_of(&mut snapshot));
    passing(state, &kept, &snapshot.history, seq, asked.map_or(usize::MAX, travel::frames_of));
    state.happened = happened(state, &snapshot.history);
    new_terminals(state);
    replay_words(state, &snapshot.history);
    if let Some(exercise) = &mut state.exercise {
        exercise.edit().show(seq);
    }
    state.clock.hear(time, wall_ms);
    state.clock.pace.running = false;
    select_what_exists(state);
    let shown = state.past.edit();
    shown.look = Some(Look { at: time, seq, past, whole, by_time });
    shown.kept = Some(kept);
    travel::answered(state)
}

/// Frames and what became of them at an earlier instant: as far as the page remembers, and where the source's last
/// `window` facts are, those: the page may not have been shown all.
fn passing(state: &mut AppState, kept: &Kept, history: &[Event], seq: u64, window: usize) {
    let is_frame = |fact: &Fact| matches!(fact, Fact::FrameSent(_) | Fact::FrameDropped(_) | Fact::Decided { .. });
    let facts: Vec<&Event> = history.iter().filter(|event| is_frame(&event.fact)).collect();
    let begin = facts.len().saturating_sub(window);
    // All of them when there are fewer: what came before is not recorded any more, or never was.
    let from = facts.get(begin).map_or(seq + 1, |event| event.seq);
    let mut frames = kept.frames.cut(from.saturating_sub(1));
    let mut outcomes = kept.outcomes.cut(from.saturating_sub(1));
    for event in facts {
        let outcome = |node, what| Outcome { seq: event.seq, time: event.time, node, what };
        let known = event.seq < from;
        match &event.fact {
            Fact::FrameSent(sent) if !known || frames.last().is_none_or(|last| last.seq < event.seq) => {
                // The same entry where it is known: its layers were worked out once.
                match kept.frames.get(event.seq).filter(|entry| entry.sent.frame == sent.frame) {
                    Some(entry) => frames.push_known(entry.clone()),
                    None => frames.push(FrameEntry::new(event.seq, event.time, sent.clone())),
                }
            }
            Fact::FrameDropped(dropped) if !known => {
                outcomes.push(dropped.frame, outcome(dropped.node, What::Dropped(dropped.reason)));
            }
            Fact::Decided { node, frame, decision } if !known => {
                outcomes.push(Some(*frame), outcome(*node, What::Decided(decision.clone())));
            }
            _ => {}
        }
    }
    state.frames = Shared::new(frames);
    state.outcomes = Shared::new(outcomes);
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
