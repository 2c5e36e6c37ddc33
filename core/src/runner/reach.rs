//! Who reaches whom, tried pair by pair between everything else, so that nothing waits for it.

use super::work::PROGRESS_NS;
use super::{Runner, ViewerId};
use crate::error::UserError;
use crate::protocol::{Doing, ServerMessage};
use crate::reach::Survey;
use crate::time::SimTime;

/// A survey under way.
#[derive(Debug)]
pub(super) struct Surveying {
    viewer: ViewerId,
    survey: Survey,
    /// The lab's time when it began.
    at: SimTime,
    /// The wall's time when progress was told last.
    told: u64,
    said: bool,
}

impl Runner {
    /// Begins a survey; one that is under way gives way.
    pub(super) fn survey(&mut self, viewer: ViewerId, wall_ns: u64, machines: &[String]) -> Result<(), UserError> {
        self.catch_up(wall_ns);
        let world = self.world.as_ref().ok_or_else(|| UserError::new("no-lab"))?;
        if let Some(name) = machines.iter().find(|name| world.machine(name).is_none()) {
            return Err(UserError::new("unknown-machine").with("name", name));
        }
        let survey = Survey::new(world, machines);
        let at = world.now();
        self.end_survey();
        self.survey = Some(Surveying { viewer, survey, at, told: wall_ns, said: false });
        Ok(())
    }

    /// Tries one pair more; a pair takes some milliseconds.
    pub(super) fn survey_on(&mut self, wall_ns: u64) {
        let Some(surveying) = &mut self.survey else { return };
        if !surveying.survey.step() {
            return self.end_survey();
        }
        if wall_ns.saturating_sub(surveying.told) >= PROGRESS_NS {
            surveying.told = wall_ns;
            surveying.said = true;
            let (viewer, message) = (surveying.viewer, progress(surveying, false));
            self.tell(viewer, &message);
        }
    }

    /// Ends a survey, and tells what it has found.
    pub(super) fn end_survey(&mut self) {
        let Some(surveying) = self.survey.take() else { return };
        if surveying.said {
            self.tell(surveying.viewer, &progress(&surveying, true));
        }
        let matrix = surveying.survey.matrix().clone();
        self.tell(surveying.viewer, &ServerMessage::Reach { time: surveying.at, matrix });
    }
}

fn progress(surveying: &Surveying, over: bool) -> ServerMessage {
    let (done, of) = surveying.survey.progress();
    let at = surveying.at;
    let (steps, of) = (done as u64, Some(of as u64));
    ServerMessage::Progress { doing: Doing::Reach, from: at, now: at, to: None, steps, of, over }
}
