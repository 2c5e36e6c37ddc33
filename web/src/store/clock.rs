//! Lab time as the page shows it: what the source said last, carried on by the wall's clock.

use core::time::Duration;

use netmodes_core::protocol::Pace;
use netmodes_core::time::SimTime;

/// Longest stretch of wall time, in milliseconds, that the page fills in by itself. A source that has said nothing for
/// longer has most likely stopped.
const GUESS_MS_MAX: f64 = 2_000.0;

/// Lab time and how it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Lab time when the source last spoke.
    pub time: SimTime,
    /// Wall-clock milliseconds of that moment.
    pub heard_ms: f64,
    /// How lab time runs.
    pub pace: Pace,
}

impl Default for Clock {
    fn default() -> Self {
        Self { time: SimTime::ZERO, heard_ms: 0.0, pace: Pace { running: false, speed_ppm: 1_000_000 } }
    }
}

impl Clock {
    /// The source said that lab time is `time`, heard at `wall_ms`. Lab time never goes back but by a new lab.
    pub fn hear(&mut self, time: SimTime, wall_ms: f64) {
        self.time = time;
        self.heard_ms = wall_ms;
    }

    /// Lab time at `wall_ms`, carried on from what was heard.
    pub fn at(&self, wall_ms: f64) -> SimTime {
        if !self.pace.running {
            return self.time;
        }
        let passed_ms = (wall_ms - self.heard_ms).clamp(0.0, GUESS_MS_MAX);
        // Milliseconds of wall time times millionths are nanoseconds of lab time.
        let nanos = passed_ms * self.pace.speed_ppm as f64;
        self.time + Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lab_time_runs_on_at_its_speed_and_stands_while_paused() {
        let mut clock = Clock { pace: Pace { running: true, speed_ppm: 1_000 }, ..Clock::default() };
        clock.hear(SimTime::from_secs(5), 1_000.0);
        assert_eq!(clock.at(2_000.0), SimTime::from_secs(5) + Duration::from_millis(1));
        clock.pace.running = false;
        assert_eq!(clock.at(2_000.0), SimTime::from_secs(5));
    }

    #[test]
    fn a_silent_source_is_not_guessed_at_for_long() {
        let clock = Clock { pace: Pace { running: true, speed_ppm: 1_000_000 }, ..Clock::default() };
        assert_eq!(clock.at(60_000.0), SimTime::from_secs(2));
    }
}
