//! Lab time after the wall's clock: pace, pause, chasing a point in lab time; always with a budget.

use core::time::Duration;

use super::work::PROGRESS_NS;
use super::{Runner, STEPS_PER_CALL, viewer};
use crate::protocol::{Doing, Pace, ServerMessage, StepTo};
use crate::time::SimTime;
use crate::world::{Input, World};

/// Real time: a million millionths.
pub const REAL_TIME_PPM: u64 = 1_000_000;
/// A page that was hidden comes back after minutes: no more than this of it is caught up with, where lab time may
/// wait (one second of the wall's).
const CATCH_UP_NS_MAX: u64 = 1_000_000_000;
/// "Until it is quiet" gives up after this much lab time: ten minutes.
const QUIET_SECS_MAX: u64 = 600;
/// An exchange is over when nothing is on a cable and nothing is due for this long: longer than a round trip through
/// the lab's Internet, shorter than any protocol's pause before it asks again.
const EXCHANGE_GAP: Duration = Duration::from_millis(100);

/// A step under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chase {
    to: StepTo,
    /// Lab time at its beginning.
    from: SimTime,
    /// Steps of the world so far.
    steps: u64,
    /// Frame-hops at its beginning.
    hops: u64,
    /// The wall's time when progress was told last.
    told: u64,
    /// Whether it was told at all.
    said: bool,
    /// The wall's time when the clock was told last.
    clock_told: u64,
}

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
        if self.run_to(target).0 {
            self.clock.anchor(wall_ns, target);
        } else {
            // The lab is busier than this computer is quick: lab time lags behind instead of freezing the page.
            let now = self.world.as_ref().map_or(target, World::now);
            self.clock.anchor(wall_ns, now);
        }
    }

    /// Lets the world live until `target`; `false` when the budget ran out before. And how many steps it took.
    fn run_to(&mut self, target: SimTime) -> (bool, u32) {
        for steps in 0..STEPS_PER_CALL {
            let Some(world) = &mut self.world else { return (true, steps) };
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
                    return (true, steps);
                }
            }
        }
        (false, STEPS_PER_CALL)
    }

    /// Begins a step: lab time stands when it is over.
    pub(super) fn chase(&mut self, wall_ns: u64, to: StepTo) {
        self.resume = false;
        self.set_pace(wall_ns, Pace { running: false, ..self.clock.pace() });
        let (from, hops) = self.world.as_ref().map_or((SimTime::ZERO, 0), |world| (world.now(), world.hops()));
        self.chase = Some(Chase { to, from, steps: 0, hops, told: wall_ns, said: false, clock_told: wall_ns });
        self.pursue(wall_ns);
    }

    /// Goes on towards what a step asked for, for one slice.
    pub(super) fn pursue(&mut self, wall_ns: u64) {
        let Some(mut chase) = self.chase else { return };
        let (from, hops) = (chase.from, chase.hops);
        let long = |now: &World| now.now().since(from).as_secs() >= QUIET_SECS_MAX;
        let (done, steps) = match chase.to {
            StepTo::Time { at } => self.run_to(at),
            StepTo::Event => self.step_while(|before, now| now.seq() == before),
            StepTo::Frame => self.step_while(|_, now| now.hops() == hops),
            StepTo::Quiet => self.step_while(|_, now| (now.frames_in_flight() > 0 || now.busy()) && !long(now)),
            StepTo::Exchange => self.step_while(|_, now| (now.hops() == hops || exchanging(now)) && !long(now)),
        };
        chase.steps += u64::from(steps);
        self.chase = Some(chase);
        if done {
            self.end_chase(wall_ns);
            return;
        }
        if wall_ns.saturating_sub(chase.told) >= PROGRESS_NS {
            (chase.told, chase.said) = (wall_ns, true);
            self.tell_chase(&chase, false);
        }
        if wall_ns.saturating_sub(chase.clock_told) >= viewer::FLUSH_NS {
            chase.clock_told = wall_ns;
            self.tell_clock();
        }
        self.chase = Some(chase);
    }

    /// The step is over, or not wanted any more: lab time stands where it has come to.
    pub(super) fn end_chase(&mut self, wall_ns: u64) {
        let Some(chase) = self.chase.take() else { return };
        self.restart_clock(wall_ns);
        if chase.said {
            self.tell_chase(&chase, true);
        }
        self.tell_clock();
    }

    fn tell_chase(&mut self, chase: &Chase, over: bool) {
        let now = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        let to = if let StepTo::Time { at } = chase.to { Some(at) } else { None };
        let (doing, from, steps) = (Doing::Step, chase.from, chase.steps);
        self.tell_all(&ServerMessage::Progress { doing, from, now, to, steps, of: None, over });
    }

    /// Steps from one thing that happens to the next as long as `more` holds of the number of the last event before
    /// and the world now; `false` when the budget ran out. And how many steps it took.
    fn step_while(&mut self, more: impl Fn(u64, &World) -> bool) -> (bool, u32) {
        let Some(before) = self.world.as_ref().map(World::seq) else { return (true, 0) };
        for steps in 0..STEPS_PER_CALL {
            let Some(world) = &mut self.world else { return (true, steps) };
            if !more(before, world) {
                return (true, steps);
            }
            let Some(at) = world.next_wakeup() else { return (true, steps) };
            let _ = world.handle(at, Input::Time);
            self.drain();
        }
        (false, STEPS_PER_CALL)
    }

    pub(super) fn tell_clock(&mut self) {
        let time = self.world.as_ref().map_or(SimTime::ZERO, World::now);
        let pace = self.clock.pace();
        let live = self.viewers.iter().filter(|(_, viewer)| viewer.greeted && !viewer.looks_back());
        for viewer in live.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.tell(viewer, &ServerMessage::Clock { time, pace });
        }
    }
}

/// Whether something is on a cable, or will be so soon that it belongs together.
fn exchanging(world: &World) -> bool {
    let soon = |at: SimTime| at.since(world.now()) < EXCHANGE_GAP;
    world.frames_in_flight() > 0 || world.next_wakeup().is_some_and(soon)
}
