//! How the state changes: [`reduce`].

use netmodes_core::error::UserError;
use netmodes_core::event::{Event, Fact};
use netmodes_core::id::NodeId;
use netmodes_core::programs::Signal;
use netmodes_core::protocol::{ClientMessage, Doing, LabChoice, ServerMessage, VERSION};
use netmodes_core::view::{Key, Row};
use netmodes_core::why::Question;
use netmodes_core::world::Command;

use super::edit;
use super::inside::{self, InsideAction};
use super::outcomes::{Outcome, What, says_little};
use super::panes::Pane;
use super::snapshot::{self, Snapshot};
use super::state::{Connection, Host, Lab, SourceInfo};
use super::travel::{self, Travel};
use super::{Action, AppState, Effect, FrameEntry, Select, Selection, Shared, course, share};

/// The lab a source without one of its own is asked for first.
const FIRST_LAB: &str = "nat";
/// Errors kept to be read.
const ERRORS_MAX: usize = 5;
/// Errors kept to be read again.
const ERRORS_READ_MAX: usize = 30;

/// Carries `action` out on `state`; what is to be done besides comes back.
pub fn reduce(state: &mut AppState, action: Action) -> Vec<Effect> {
    let effects = carry_out(state, action);
    travel::outgoing(state, effects)
}

fn carry_out(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Connected => return vec![Effect::Send(ClientMessage::Hello { version: VERSION })],
        Action::Lost { wall_ms } => {
            if !matches!(state.connection, Connection::Lost { .. }) {
                state.connection = Connection::Lost { since_ms: wall_ms };
                if state.source.is_none() {
                    // The agent served this page, so it runs: it most likely refused the token.
                    refuse(state, UserError::new("agent-token"));
                }
                travel::give_up(&mut state.past);
                // What is not known is not guessed: lab time stands until the source speaks again.
                state.clock.hear(state.clock.at(wall_ms), wall_ms);
                state.clock.pace.running = false;
            }
        }
        Action::Failed { code } => {
            state.connection = Connection::Failed;
            refuse(state, UserError::new(code));
        }
        Action::Received { message, wall_ms } => return receive(state, *message, wall_ms),
        Action::Unreadable { detail } => {
            refuse(state, UserError::new("page-message-unreadable").with("detail", detail))
        }
        Action::Select(select) => choose(state, select),
        Action::Highlight(highlight) => state.highlight = highlight,
        Action::Front(_) | Action::Panes(_) | Action::Tiles(_) | Action::Guide(_) => return page(state, action),
        Action::Typed { node, line } => return typed(state, node, line),
        Action::Interrupt { node, typed } => return interrupt(state, node, &typed),
        Action::InputEnd { node } => return input_end(state, node),
        Action::ClearTerminal { node } => clear_terminal(state, node),
        Action::Offered { node, line, words } => offered(state, node, &line, &words),
        Action::Columns(columns) => state.columns = columns,
        Action::Do(command) => {
            if let Some(error) = course::refusal(state, &command) {
                refuse(state, error);
                return Vec::new();
            }
            return vec![Effect::Send(ClientMessage::Do { command })];
        }
        Action::Pace(pace) => {
            state.clock.pace = pace;
            return vec![Effect::Send(ClientMessage::Pace { pace })];
        }
        Action::Step(to) => return travel::travel(state, Travel::Step(to)),
        Action::Travel(travel) => return travel::travel(state, travel),
        Action::Restart => return restart(state),
        Action::Load(name) => {
            let seed = state.lab.as_ref().map_or(1, |lab| lab.seed);
            let lab = LabChoice::Named(name);
            return vec![Effect::Send(ClientMessage::Load { lab, seed, inputs: Vec::new() })];
        }
        Action::WatchHost(host_sockets) => {
            state.host_watched = host_sockets;
            let can = state.capabilities().is_some_and(|c| c.host_sockets);
            if can {
                return vec![Effect::Send(ClientMessage::Subscribe { frames: true, host_sockets })];
            }
        }
        Action::Exercise(action) => return course::act(state, action),
        Action::Inside(action) => return inside::inside(state, action),
        Action::Why { node, job } => return inside::inside(state, InsideAction::Why(Question::Job { node, job })),
        Action::Filter(filter) => inside::filter(state, &filter),
        Action::Share(action) => return share::act(state, action),
        Action::Lang(_) | Action::Theme(_) => return prefer(state, &action),
        Action::Edit(action) => return edit::act(state, action),
        Action::DismissError => dismiss(state),
    }
    Vec::new()
}

/// What the student does to the page itself.
fn page(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Front(node) => super::tiles::front(state, node),
        Action::Panes(action) => return state.panes.edit().act(action),
        Action::Tiles(action) => return super::tiles::act(state, action),
        Action::Guide(action) => return super::guide::act(state, action),
        _ => {}
    }
    Vec::new()
}

/// More than one word could follow: they are listed as bash lists them.
fn offered(state: &mut AppState, node: NodeId, line: &str, words: &[String]) {
    let width = usize::from(if state.columns == 0 { 80 } else { state.columns });
    terminal(state, node, |t| {
        t.blank_prompt(line);
        for row in super::line::columns(words, width) {
            t.echo(&row);
        }
    });
}

/// The newest refusal was read; it can be read again.
fn dismiss(state: &mut AppState) {
    if let Some(error) = state.errors.edit().pop() {
        let read = state.errors_read.edit();
        if read.len() >= ERRORS_READ_MAX {
            read.remove(0);
        }
        read.push(error);
    }
}

/// What the student prefers, remembered.
fn prefer(state: &mut AppState, action: &Action) -> Vec<Effect> {
    let (key, value) = match action {
        Action::Lang(lang) => {
            state.lang = *lang;
            ("lang", lang.code())
        }
        Action::Theme(theme) => {
            state.theme = *theme;
            ("theme", theme.code().unwrap_or(""))
        }
        _ => return Vec::new(),
    };
    vec![Effect::Keep { key: key.to_owned(), value: value.to_owned() }]
}

pub(super) fn refuse(state: &mut AppState, error: UserError) {
    let errors = state.errors.edit();
    if errors.len() >= ERRORS_MAX {
        errors.remove(0);
    }
    errors.push(error);
}

fn choose(state: &mut AppState, select: Select) {
    state.selection = match select {
        Select::Nothing => Selection::default(),
        Select::Node(node) => {
            if state.terminals.contains_key(&node) {
                super::tiles::front(state, node);
            }
            Selection { node: Some(node), ..Selection::default() }
        }
        Select::Frame(seq) => {
            if !state.guide.opened {
                state.guide.edit().opened = true;
            }
            // A phone shows one pane below the picture: the one that was asked for.
            if state.panes.shown != Pane::Look {
                state.panes.edit().shown = Pane::Look;
            }
            let link = state.frames.get(seq).map(|entry| entry.sent.link);
            Selection { frame: Some(seq), link, ..state.selection }
        }
        Select::Link(link) => Selection { link: Some(link), ..Selection::default() },
    };
}

fn restart(state: &AppState) -> Vec<Effect> {
    if state.lab.is_some() { vec![Effect::Send(ClientMessage::Restart)] } else { Vec::new() }
}

/// An empty screen; it stays so when the screen is written anew.
fn clear_terminal(state: &mut AppState, node: NodeId) {
    terminal(state, node, super::Terminal::clear);
    let seq = state.view.seq;
    state.past.edit().cleared.insert(node, seq);
}

pub(super) fn terminal(state: &mut AppState, node: NodeId, change: impl FnOnce(&mut super::Terminal)) {
    change(state.terminals.edit().entry(node).or_default().edit());
}

fn typed(state: &mut AppState, node: NodeId, line: String) -> Vec<Effect> {
    let machine = state.node_name(node).to_owned();
    let running = state.terminals.get(&node).and_then(|t| t.running.last().copied());
    if let Some(job) = running {
        terminal(state, node, |t| t.echo(&line));
        let command = Command::Input { machine, job, text: format!("{line}\n") };
        return vec![Effect::Send(ClientMessage::Do { command })];
    }
    if line.trim().is_empty() {
        terminal(state, node, |t| t.blank_prompt(""));
        return Vec::new();
    }
    if line.trim() == "clear" {
        terminal(state, node, |t| t.remember(&line));
        clear_terminal(state, node);
        return Vec::new();
    }
    terminal(state, node, |t| t.remember(&line));
    let tty = Some(if state.columns == 0 { 80 } else { state.columns });
    vec![Effect::Send(ClientMessage::Do { command: Command::Run { machine, line, tty, stdin: false } })]
}

fn interrupt(state: &mut AppState, node: NodeId, typed: &str) -> Vec<Effect> {
    let machine = state.node_name(node).to_owned();
    match state.terminals.get(&node).and_then(|t| t.running.last().copied()) {
        Some(job) => {
            terminal(state, node, |t| t.echo("^C"));
            let command = Command::Signal { machine, job, signal: Signal::Int };
            vec![Effect::Send(ClientMessage::Do { command })]
        }
        None => {
            terminal(state, node, |t| t.blank_prompt(&format!("{typed}^C")));
            Vec::new()
        }
    }
}

fn input_end(state: &AppState, node: NodeId) -> Vec<Effect> {
    let machine = state.node_name(node).to_owned();
    match state.terminals.get(&node).and_then(|t| t.running.last().copied()) {
        Some(job) => vec![Effect::Send(ClientMessage::Do { command: Command::InputEnd { machine, job } })],
        None => Vec::new(),
    }
}

fn receive(state: &mut AppState, message: ServerMessage, wall_ms: f64) -> Vec<Effect> {
    share::overhear(state, &message);
    match message {
        ServerMessage::Hello { version, program, capabilities, labs } => {
            if version != VERSION {
                state.connection = Connection::Failed;
                let error = UserError::new("page-version-mismatch").with("theirs", version).with("ours", VERSION);
                refuse(state, error);
                return Vec::new();
            }
            state.connection = Connection::Up;
            let host_sockets = state.host_watched && capabilities.host_sockets;
            let subscribe = ClientMessage::Subscribe { frames: true, host_sockets };
            let mut effects = vec![Effect::Send(subscribe)];
            if capabilities.load && state.lab.is_none() {
                let lab = LabChoice::Named(FIRST_LAB.to_owned());
                effects.push(Effect::Send(ClientMessage::Load { lab, seed: 1, inputs: Vec::new() }));
            }
            state.errors.edit().retain(|error| error.code != "agent-token");
            state.source = Some(Shared::new(SourceInfo { program, capabilities, labs }));
            effects.extend(share::asked(state));
            return effects;
        }
        ServerMessage::Snapshot { lab, title, seed, seq, time, rows, history, past } => {
            let lab = Lab { name: lab, title, seed };
            return snapshot::take(state, Snapshot { lab, seq, time, rows, history, past }, wall_ms);
        }
        ServerMessage::Events { time, events, frames_not_shown } => {
            let effects = fold(state, &events);
            state.clock.hear(time, wall_ms);
            if frames_not_shown > 0 {
                state.frames.edit().not_shown += frames_not_shown;
            }
            return effects;
        }
        ServerMessage::Clock { time, pace } => {
            state.clock.hear(time, wall_ms);
            state.clock.pace = pace;
        }
        ServerMessage::Samples { rows, .. } => {
            let view = state.view.edit();
            for row in rows {
                view.put(row);
            }
        }
        ServerMessage::HostSockets { whole, put, del, not_permitted } => {
            host_sockets(state.host.edit(), whole, put, &del, not_permitted);
        }
        ServerMessage::Error(error) => {
            travel::give_up(&mut state.past);
            match edit::refused(state, error) {
                Ok(effects) => return effects,
                Err(error) => {
                    if let Some(error) = share::hear_refusal(state, error) {
                        refuse(state, error);
                    }
                }
            }
        }
        // Answers to questions: whoever asked takes them before they come here.
        ServerMessage::Completions { .. } => {}
        ServerMessage::Session(_) | ServerMessage::Link { .. } => return share::hear(state, message),
        ServerMessage::Progress { doing: Doing::Reach, steps, of, over, .. } => {
            inside::reach_progress(state, steps, of, over)
        }
        ServerMessage::Reach { time, matrix } => inside::reach_found(state, time, matrix),
        ServerMessage::Progress { .. } | ServerMessage::Undoable { .. } => travel::hear(state, message),
    }
    Vec::new()
}

fn host_sockets(
    host: &mut Host,
    whole: bool,
    put: Vec<netmodes_core::view::SocketRow>,
    del: &[u64],
    not_permitted: u32,
) {
    if whole {
        host.sockets.clear();
    }
    for id in del {
        host.sockets.remove(id);
    }
    host.sockets.extend(put.into_iter().map(|row| (row.id, row)));
    host.not_permitted = not_permitted;
    host.known = true;
}

pub(super) fn fold(state: &mut AppState, events: &[Event]) -> Vec<Effect> {
    if events.is_empty() {
        return Vec::new();
    }
    let view = state.view.edit();
    let mut exercise = state.exercise.as_mut().map(Shared::edit);
    for event in events {
        if let Fact::Del { key: Key::Node(id) } = &event.fact
            && let Some(node) = view.nodes.get(id)
        {
            state.frames.edit().gone.insert(*id, node.clone());
        }
        view.apply(event);
        if let Some(exercise) = &mut exercise {
            exercise.apply(event, view);
        }
    }
    let mut effects = exercise.map(|exercise| exercise.settle(view)).unwrap_or_default();
    inside::note_changes(state, events);
    if !effects.is_empty() {
        course::remember(state);
    }
    for event in events {
        fold_passing(state, event);
        if matches!(event.fact, Fact::InputDone { .. }) {
            effects.extend(edit::input_done(state));
        }
    }
    if let Some(oldest) = state.frames.oldest_frame().filter(|_| state.frames.forgotten > 0) {
        state.outcomes.edit().forget_before(oldest);
    }
    effects
}

/// Facts that pass by: frames, output, jobs.
fn fold_passing(state: &mut AppState, event: &Event) {
    let time = event.time;
    state.happened.edit().push(event, &state.view);
    match &event.fact {
        Fact::Put { row: Row::Node(node) } => {
            let known = state.terminals.contains_key(&node.id);
            if !known && super::state::machines(&state.view).iter().any(|machine| machine.id == node.id) {
                state.terminals.edit().insert(node.id, Shared::default());
            }
        }
        Fact::FrameSent(sent) => {
            let entry = FrameEntry::new(event.seq, time, sent.clone());
            let name = state.view.nodes.get(&sent.from.node).map_or("", |node| &node.name);
            state.timeline.edit().push(&entry, name);
            state.frames.edit().push(entry);
        }
        Fact::FrameDropped(dropped) => {
            let outcome = Outcome { seq: event.seq, time, node: dropped.node, what: What::Dropped(dropped.reason) };
            if !says_little(dropped.reason) {
                state.timeline.edit().dropped(event.seq, time, dropped.frame, dropped.reason);
            }
            state.outcomes.edit().push(dropped.frame, outcome);
        }
        Fact::Decided { node, frame, decision } => {
            let outcome = Outcome { seq: event.seq, time, node: *node, what: What::Decided(decision.clone()) };
            state.outcomes.edit().push(Some(*frame), outcome);
        }
        Fact::Output(output) => terminal(state, output.node, |t| t.output(output)),
        Fact::JobStarted { node, job, line } => terminal(state, *node, |t| t.job_started(*job, line)),
        Fact::JobEnded { node, job, status } => terminal(state, *node, |t| t.job_ended(*job, *status)),
        Fact::StormDetected { node, dropped, returned } => {
            let machine = state.node_name(*node).to_owned();
            refuse(
                state,
                match returned {
                    0 => UserError::new("page-storm").with("machine", machine).with("dropped", dropped),
                    _ => UserError::new("page-storm-loop").with("machine", machine).with("returned", returned),
                },
            );
        }
        Fact::Put { .. } | Fact::Del { .. } | Fact::InputDone { .. } => {}
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
