//! How many ICMP messages a machine sends: a limit for each destination and one for all together, of the types that
//! `icmp_ratemask` names, as Linux 6.1 has them.
//!
//! Owns the two buckets. Must not know what is sent.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::sysctl::Ipv4;
use crate::frame::icmp::{Icmp, unreachable};
use crate::rng::Rng;
use crate::time::SimTime;

/// A destination saves tokens for this many messages (net/ipv4/route.c `XRLIM_BURST_FACTOR`).
const BURST: u64 = 6;
/// Destinations that are remembered.
const LIMITED_MAX: usize = 256;
/// The bucket of all is filled in steps of a fiftieth of a second (net/ipv4/icmp.c `icmp_global_allow`).
const STEP_MS: u64 = 20;

/// What a destination has saved: when that was counted, and milliseconds of tokens.
type Saved = (SimTime, u64);

/// How many ICMP messages may still be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct IcmpLimiter {
    destinations: BTreeMap<Ipv4Addr, Saved>,
    /// When the bucket of all was filled last; never yet when missing.
    filled: Option<SimTime>,
    credit: u64,
}

fn ms_since(now: SimTime, earlier: SimTime) -> u64 {
    u64::try_from(now.since(earlier).as_millis()).unwrap_or(u64::MAX)
}

impl IcmpLimiter {
    /// Whether `message` may be sent to `to` now; if so, that counts.
    pub fn allow(&mut self, now: SimTime, settings: &Ipv4, to: Ipv4Addr, message: Icmp, rng: &mut Rng) -> bool {
        let (kind, code) = message.type_and_code();
        // Path MTU discovery is never limited (`icmpv4_mask_allow`).
        let path_mtu = kind == 3 && code == unreachable::FRAGMENTATION;
        if path_mtu || kind > 18 || settings.icmp_ratemask as u32 & 1 << kind == 0 {
            return true;
        }
        self.allow_any(now, settings, rng) && (to.is_loopback() || self.allow_to(now, settings, to))
    }

    fn allow_any(&mut self, now: SimTime, settings: &Ipv4, rng: &mut Rng) -> bool {
        let (per_sec, burst) = (settings.icmp_msgs_per_sec as u64, settings.icmp_msgs_burst as u64);
        let elapsed = self.filled.map_or(1_000, |at| ms_since(now, at).min(1_000));
        if elapsed >= STEP_MS {
            let more = per_sec * elapsed / 1_000;
            if more > 0 {
                self.filled = Some(now);
                self.credit = (self.credit + more).min(burst);
            }
        }
        if self.credit == 0 {
            return false;
        }
        // One on average, but not to be counted from outside.
        self.credit = self.credit.saturating_sub(u64::from(rng.below(3)));
        true
    }

    fn allow_to(&mut self, now: SimTime, settings: &Ipv4, to: Ipv4Addr) -> bool {
        let each = settings.icmp_ratelimit as u64;
        let full = BURST * each;
        if self.destinations.len() >= LIMITED_MAX && !self.destinations.contains_key(&to) {
            self.destinations.retain(|_, (at, saved)| *saved + ms_since(now, *at) < full);
            if self.destinations.len() >= LIMITED_MAX {
                return false;
            }
        }
        let (at, saved) = self.destinations.entry(to).or_insert((now, full));
        *saved = saved.saturating_add(ms_since(now, *at)).min(full);
        *at = now;
        let allowed = *saved >= each;
        if allowed {
            *saved -= each;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const HOST: Icmp = Icmp::Unreachable { code: unreachable::HOST, mtu: 0 };

    fn count(limiter: &mut IcmpLimiter, settings: &Ipv4, ms: u64, to: impl Fn(u32) -> Ipv4Addr, of: Icmp) -> usize {
        let mut rng = Rng::stream(1, Purpose::Machine, 1);
        (0..200).filter(|i| limiter.allow(SimTime::from_millis(ms), settings, to(*i), of, &mut rng)).count()
    }

    #[test]
    fn six_errors_at_once_to_one_destination_and_then_one_a_second() {
        let (mut limiter, settings) = (IcmpLimiter::default(), Ipv4::default());
        let to = Ipv4Addr::new(10, 0, 0, 1);
        for (ms, expected) in [(0, 6), (999, 0), (1_000, 1), (3_000, 2)] {
            let sent = (0..20).filter(|_| limiter.allow_to(SimTime::from_millis(ms), &settings, to)).count();
            assert_eq!(sent, expected, "at {ms} ms");
        }
    }

    #[test]
    fn all_destinations_together_get_about_the_burst_at_once() {
        let (mut limiter, settings) = (IcmpLimiter::default(), Ipv4::default());
        let many = |i| Ipv4Addr::from_bits(0x0a00_0000 + i);
        let at_once = count(&mut limiter, &settings, 0, many, HOST);
        // Each takes 0, 1 or 2 of the 50.
        assert!((30..=80).contains(&at_once), "{at_once}");
        assert_eq!(count(&mut limiter, &settings, 1, many, HOST), 0);
    }

    #[test]
    fn what_the_mask_does_not_name_and_path_mtu_are_not_limited() {
        let (mut limiter, mut settings) = (IcmpLimiter::default(), Ipv4::default());
        let one = |_| Ipv4Addr::new(10, 0, 0, 1);
        let too_big = Icmp::Unreachable { code: unreachable::FRAGMENTATION, mtu: 1_400 };
        assert_eq!(count(&mut limiter, &settings, 0, one, too_big), 200);
        assert_eq!(count(&mut limiter, &settings, 0, one, Icmp::TimeExceeded { code: 0 }), 6);
        settings.icmp_ratemask = 0;
        assert_eq!(count(&mut limiter, &settings, 0, one, HOST), 200);
    }
}
