//! The cause: from the facts of a command or a frame to the chain of reasons.

use std::rc::Rc;

use super::{Account, JobNote, Log, Saying, Verdict};
use crate::id::FrameId;
use crate::view::LabView;

/// Why a command failed.
pub(super) fn of_job(_log: &Log, _view: &LabView, note: &Rc<JobNote>) -> Account {
    let verdict = match (note.ended, note.failed()) {
        (None, _) => Verdict::Running,
        (Some(_), false) => Verdict::Fine,
        (Some(_), true) => Verdict::Failed,
    };
    let chain = if note.said.is_empty() { Vec::new() } else { vec![Saying::new("tool-said").with("said", &note.said)] };
    Account { verdict, job: Some(note.clone()), chain, steps: Vec::new(), look: Vec::new() }
}

/// Why a frame was dropped.
pub(super) fn of_frame(_log: &Log, _view: &LabView, _frame: FrameId) -> Option<Account> {
    None
}
