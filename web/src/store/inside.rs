//! Looking inside, as far as other parts of the page take part: which tab is asked for, which filter, what is to be
//! explained, who reaches whom.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use netmodes_core::event::{Event, Fact};
use netmodes_core::id::{JobId, NodeId};
use netmodes_core::protocol::ClientMessage;
use netmodes_core::reach::Matrix;
use netmodes_core::time::SimTime;
use netmodes_core::view::{Key, LabView, Row, SocketState};
use netmodes_core::why::{Log, Question};

use super::{AppState, Effect, Shared};

/// Failed commands whose tables are remembered as they stood at the end.
const VIEWS_MAX: usize = 12;

/// What can be asked of the lower right.
#[derive(Clone, Debug)]
pub enum InsideAction {
    /// Show this tab.
    Tab(&'static str),
    /// Explain this.
    Why(Question),
    /// Try who reaches whom, of these machines.
    Reach(Vec<NodeId>),
    /// End the trying.
    StopReach,
    /// The student's belief about a pair: reaches, does not, or no opinion any more.
    Guess(NodeId, NodeId, Option<bool>),
    /// Forget what was found and believed.
    ForgetReach,
}

/// What is asked of the lower right.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// Grows with every request, so that the same request again is a new one.
    pub asked: u64,
    /// The tab that was asked for.
    pub tab: Option<&'static str>,
    /// The frame filter that was asked for, with the number of its request.
    pub filter: Option<(u64, Rc<str>)>,
    /// What is to be explained.
    pub why: Option<Question>,
}

/// Who reaches whom: what is believed, tried and known.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// What the student believes.
    pub guesses: BTreeMap<(NodeId, NodeId), bool>,
    /// Pairs that are done, and all pairs, while it is tried.
    pub running: Option<(u64, u64)>,
    /// What was found, and at which lab time.
    pub found: Option<(SimTime, Rc<Matrix>)>,
    /// The number of the last event that was known then: a change of the tables after it makes the matrix old.
    pub stale: bool,
    /// The machines that were asked about.
    pub nodes: BTreeSet<NodeId>,
}

/// What explains failures: the facts, and the tables as they stood when commands failed.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// The facts.
    pub log: Log,
    views: BTreeMap<(NodeId, JobId), Shared<LabView>>,
    /// Since when each simulated socket has the state it has; those that were there before are not known.
    pub since: Shared<Since>,
}

/// Since when sockets have their states, by their keys.
pub type Since = BTreeMap<(Option<NodeId>, u64), (SocketState, SimTime)>;

impl Happened {
    /// Takes an event in; `view` is what the tables were just after it.
    pub fn push(&mut self, event: &Event, view: &Shared<LabView>) {
        self.log.push(event);
        match &event.fact {
            Fact::Put { row: Row::Socket(row) }
                if self.since.get(&row.key()).is_none_or(|(state, _)| *state != row.state) =>
            {
                self.since.edit().insert(row.key(), (row.state, event.time));
            }
            Fact::Del { key: Key::Socket(key) } => {
                self.since.edit().remove(key);
            }
            _ => {}
        }
        if let Fact::JobEnded { node, job, .. } = &event.fact
            && self.log.job(*node, *job).is_some_and(|note| note.failed())
        {
            self.views.insert((*node, *job), view.clone());
            while self.views.len() > VIEWS_MAX {
                let oldest = self.views.keys().min_by_key(|(node, job)| (job.0, node.0)).copied();
                oldest.map(|key| self.views.remove(&key));
            }
        }
    }

    /// The tables as they stood when a command failed; `now` where that is not remembered.
    pub fn view_at<'a>(&'a self, question: Question, now: &'a LabView) -> &'a LabView {
        match question {
            Question::Job { node, job } => self.views.get(&(node, job)).map_or(now, |view| view),
            Question::Frame { .. } => now,
        }
    }
}

/// Carries out what was asked of the lower right.
pub fn inside(state: &mut AppState, action: InsideAction) -> Vec<Effect> {
    match action {
        InsideAction::Tab(tab) => ask(state, tab),
        InsideAction::Why(question) => {
            ask(state, "why");
            state.inside.edit().why = Some(question);
        }
        InsideAction::Reach(nodes) => {
            let machines = nodes.iter().map(|node| state.node_name(*node).to_owned()).collect();
            let reach = state.reach.edit();
            reach.running = Some((0, 0));
            reach.nodes = nodes.into_iter().collect();
            return vec![Effect::Send(ClientMessage::Reach { machines })];
        }
        InsideAction::StopReach => return vec![Effect::Send(ClientMessage::Stop)],
        InsideAction::Guess(from, to, guess) => {
            let guesses = &mut state.reach.edit().guesses;
            match guess {
                Some(guess) => guesses.insert((from, to), guess),
                None => guesses.remove(&(from, to)),
            };
        }
        InsideAction::ForgetReach => state.reach = Shared::default(),
    }
    Vec::new()
}

fn ask(state: &mut AppState, tab: &'static str) {
    let inside = state.inside.edit();
    inside.asked += 1;
    inside.tab = Some(tab);
}

/// Shows the frames that pass `filter`.
pub fn filter(state: &mut AppState, filter: &str) {
    ask(state, "frames");
    let inside = state.inside.edit();
    inside.filter = Some((inside.asked, filter.into()));
}

/// A survey of who reaches whom has come this far.
pub fn reach_progress(state: &mut AppState, done: u64, of: Option<u64>, over: bool) {
    let reach = state.reach.edit();
    reach.running = (!over).then_some((done, of.unwrap_or(done)));
}

/// A survey came to its end.
pub fn reach_found(state: &mut AppState, time: SimTime, matrix: Matrix) {
    let reach = state.reach.edit();
    reach.running = None;
    reach.stale = false;
    reach.found = Some((time, Rc::new(matrix)));
}

/// Tables changed in a way that can change who reaches whom.
pub fn note_changes(state: &mut AppState, events: &[Event]) {
    if state.reach.found.is_none() || state.reach.stale {
        return;
    }
    let changed = events.iter().any(|event| match &event.fact {
        Fact::Put { row } => !matches!(
            row,
            Row::Neigh(_) | Row::Fdb(_) | Row::Flow(_) | Row::Socket(_) | Row::Process(_) | Row::Lease(_)
        ),
        Fact::Del { key } => !matches!(
            key,
            Key::Neigh(_) | Key::Fdb(_) | Key::Flow(_) | Key::Socket(_) | Key::Process(_) | Key::Lease(_)
        ),
        Fact::JobEnded { .. } => true,
        _ => false,
    });
    if changed {
        state.reach.edit().stale = true;
    }
}
