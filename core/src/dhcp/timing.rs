//! Whose timers a client has: ISC's dhclient or dhcpcd.

use core::time::Duration;

use crate::rng::Rng;
use crate::time::SimTime;

/// ARP probes of an address, and announcements of it (RFC 5227 1.1: PROBE_NUM, ANNOUNCE_NUM).
pub(super) const ARP_PROBES: u32 = 3;
pub(super) const ARP_ANNOUNCEMENTS: u32 = 2;

/// Whose timers a client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// ISC's dhclient 4.4.3 (client/dhclient.c, client/clparse.c).
    #[default]
    Dhclient,
    /// dhcpcd 9.4 (src/dhcp.c).
    Dhcpcd,
}

impl Manner {
    /// RFC 5227: ANNOUNCE_INTERVAL.
    pub(super) const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
    /// At least so long a client waits after it declined an address (RFC 2131 3.1 step 5).
    pub(super) const DECLINE_WAIT: Duration = Duration::from_secs(10);

    /// How long after a probe the next one goes out (RFC 5227: PROBE_MIN to PROBE_MAX), or after the last one the address
    /// counts as free (ANNOUNCE_WAIT).
    pub(super) fn probe_wait(number: u32, rng: &mut Rng) -> Duration {
        match number {
            ARP_PROBES => Duration::from_secs(2),
            _ => Duration::from_millis(1000 + u64::from(rng.below(1001))),
        }
    }

    /// How long a client looks for a server before it rests (dhclient.conf's `timeout`); dhcpcd never does.
    pub(super) fn look_for(self) -> Option<Duration> {
        (self == Self::Dhclient).then_some(Duration::from_secs(60))
    }

    /// How long it rests then (dhclient.conf's `retry`).
    pub(super) fn rest(self) -> Duration {
        Duration::from_secs(300)
    }

    /// How long it asks for a remembered or an offered address (dhclient.conf's `reboot`; dhcpcd.conf's `reboot`).
    pub(super) fn reboot(self) -> Duration {
        Duration::from_secs(if self == Self::Dhclient { 10 } else { 5 })
    }

    /// Looks at T2 and the lease's end only when it asks again anyway (client/dhclient.c, `send_request`).
    pub(super) fn lazy(self) -> bool {
        self == Self::Dhclient
    }

    /// The next interval after this one (0 before the first), in seconds, and the time until the next question.
    /// `end`: when asking is in vain.
    pub(super) fn next_wait(self, now: SimTime, interval: u32, end: Option<SimTime>, rng: &mut Rng) -> (u32, Duration) {
        match self {
            Self::Dhclient => {
                let mut next = grow(interval, rng);
                // Past the end by a second, and no further.
                if let Some(left) = end.map(|end| end.since(now.min(end)).as_secs())
                    && u64::from(next) > left
                {
                    next = left as u32 + 1;
                }
                // Whole seconds of the clock, and then some random microseconds: seen with dhclient 4.4.3-P1.
                let at = SimTime::from_secs(now.as_secs() + u64::from(next)) + Duration::from_micros(micros(rng));
                (next, at.since(now))
            }
            Self::Dhcpcd => {
                // RFC 2131 4.1: 4 seconds, doubled up to 64, each by up to a second more or less.
                let next = if interval == 0 { 4 } else { (interval * 2).min(64) };
                (next, Duration::from_millis(u64::from(next) * 1000 - 1000 + u64::from(rng.below(2001))))
            }
        }
    }
}

fn micros(rng: &mut Rng) -> u64 {
    u64::from(rng.below(1_000_000))
}

/// dhclient's intervals: the first is drawn, later ones add up to twice the last one at random; past `backoff-cutoff`
/// (15) between a half and three halves of it.
fn grow(interval: u32, rng: &mut Rng) -> u32 {
    const CUTOFF: u32 = 15;
    let next = if interval == 0 { 3 + rng.below(6) } else { interval + rng.below(2 * interval + 1) };
    if next > CUTOFF { CUTOFF / 2 + rng.below(CUTOFF) } else { next }.max(1)
}

pub(super) fn secs(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs))
}
