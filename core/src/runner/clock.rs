//! Lab time after the wall's clock: pace, pause, chasing a point in lab time; always with a budget.

use super::{Runner, STEPS_PER_CALL};
use crate::protocol::{Pace, ServerMessage, StepTo};
use crate::time::SimTime;
use crate::world::{Input, World};

/// Real time: a million millionths.
pub const REAL_TIME_PPM: u64 = 1_000_000;
/// A page that was hidden comes back after minutes: no more than this of it is caught up with, where lab time may
/// wait (one second of the wall's).
const CATCH_UP_NS_MAX: u64 = 1_000_000_000;
/// "Until it is quiet" gives up after this much lab time: ten minutes.
const QUIET_SECS_MAX: u64 = 600;

/// Ties lab time to the wall's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pace: Pace,
    /// This instant of the wall's time …
    wall: u64,
    /// … is this instant of lab time.
    lab: SimTime,
}

impl Default for Clock {
    fn default() -> Self {
        Self { pace: Pace { running: true, speed_ppm: REAL_TIME_PPM }, wall: 0, lab: SimTime::ZERO }
    }
}

impl Clock {
    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// From now on, `wall` is `lab`.
    pub(super) fn anchor(&mut self, wall: u64, lab: SimTime) {
        self.wall = wall;
        self.lab = lab;
    }

    /// The lab's time at an instant of the wall's.
    fn lab_of(&self, wall: u64) -> SimTime {
        if !self.pace.running {
            return self.lab;
        }
        let passed = u128::from(wall.saturating_sub(self.wall)) * u128::from(self.pace.speed_ppm);
        let nanos = u64::try_from(passed / u128::from(REAL_TIME_PPM)).unwrap_or(u64::MAX);
        SimTime::from_nanos(self.lab.as_nanos().saturating_add(nanos))
    }

    /// When the wall's clock will be at an instant of the lab's, rounded up; never while paused.
    pub(super) fn wall_of(&self, lab: SimTime) -> Option<u64> {
        if !self.pace.running || self.pace.speed_ppm == 0 {
            return None;
        }
        let ahead = u128::from(lab.since(self.lab).as_nanos() as u64) * u128::from(REAL_TIME_PPM);
        let nanos = ahead.div_ceil(u128::from(self.pace.speed_ppm));
        Some(self.wall.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl Runner {
    pub(super) fn set_pace(&mut self, wall_ns: u64, pace: Pace) {
        let lab = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        self.clock.anchor(wall_ns, lab);
        self.clock.pace = pace;
        self.tell_clock();
    }

    pub(super) fn restart_clock(&mut self, wall_ns: u64) {
        let lab = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        self.clock.anchor(wall_ns, lab);
    }

    /// Lets the world live until where the wall's clock says it is, or as far as the budget goes.
    pub(super) fn catch_up(&mut self, wall_ns: u64) {
        let Some(world) = &self.world else { return };
        if self.config.capabilities.pace && wall_ns.saturating_sub(self.clock.wall) > CATCH_UP_NS_MAX {
            let late = self.clock.lab_of(wall_ns.saturating_sub(CATCH_UP_NS_MAX));
            let behind = world.next_wakeup().unwrap_or(late).max(world.now()).min(late);
            // Only time in which nothing happens may be caught up with at once.
            if behind < late {
                self.clock.anchor(wall_ns - CATCH_UP_NS_MAX, behind);
            }
        }
        let target = self.clock.lab_of(wall_ns);
        if self.run_to(target) {
            self.clock.anchor(wall_ns, target);
        } else {
            // The lab is busier than this computer is quick: lab time lags behind instead of freezing the page.
            let now = self.world.as_ref().map_or(target, World::now);
            self.clock.anchor(wall_ns, now);
        }
    }

    /// Lets the world live until `target`; `false` when the budget ran out before.
    fn run_to(&mut self, target: SimTime) -> bool {
        for _ in 0..STEPS_PER_CALL {
            let Some(world) = &mut self.world else { return true };
            match world.next_wakeup() {
                Some(at) if at <= target => {
                    let _ = world.handle(at, Input::Time);
                    self.drain();
                }
                _ => {
                    if target > world.now() {
                        let _ = world.handle(target, Input::Time);
                        self.drain();
                    }
                    return true;
                }
            }
        }
        false
    }

    /// Goes on towards what a step asked for.
    pub(super) fn pursue(&mut self) {
        let Some(to) = self.chase else { return };
        let done = match to {
            StepTo::Time { at } => self.run_to(at),
            StepTo::Event => self.step_while(|before, now| now.seq() == before.0),
            StepTo::Frame => self.step_while(|before, now| now.hops() == before.1),
            StepTo::Quiet => {
                let start = self.clock.lab;
                self.step_while(|_, now| {
                    (now.frames_in_flight() > 0 || now.busy()) && now.now().since(start).as_secs() < QUIET_SECS_MAX
                })
            }
        };
        let now = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        if done {
            self.chase = None;
            self.clock.anchor(self.clock.wall, now);
        }
    }

    /// Steps from one thing that happens to the next as long as `more` holds of what was before (event and hop
    /// counts) and the world now; `false` when the budget ran out.
    fn step_while(&mut self, more: impl Fn((u64, u64), &World) -> bool) -> bool {
        let Some(before) = self.world.as_ref().map(|world| (world.seq(), world.hops())) else { return true };
        for _ in 0..STEPS_PER_CALL {
            let Some(world) = &mut self.world else { return true };
            if !more(before, world) {
                return true;
            }
            let Some(at) = world.next_wakeup() else { return true };
            let _ = world.handle(at, Input::Time);
            self.drain();
        }
        false
    }

    pub(super) fn tell_clock(&mut self) {
        let time = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        let pace = self.clock.pace();
        self.tell_all(&ServerMessage::Clock { time, pace });
    }
}
