//! Seeded randomness: one stream per purpose, so that a new draw in one place does not shift all the others.

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream of random numbers is for. A new purpose goes at the end: the number is part of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Loss on one link.
    LinkLoss = 1,
    /// What one machine draws: IP ids, ephemeral ports, TCP's initial sequence numbers, DHCP transaction ids, backoff.
    Machine = 2,
    /// What one DHCP server draws.
    DhcpServer = 3,
    /// Port choice of one NAT.
    Nat = 4,
    /// PIDs and other things that only have to look real.
    Cosmetic = 5,
    /// Values an exercise varies from one student to the next.
    Exercise = 6,
    /// Port choice of one machine's conntrack.
    Conntrack = 7,
    /// When one machine's IPv6 reports and asks, and its nonces.
    Ipv6 = 8,
}

/// One stream. The same (seed, purpose, entity) always yields the same numbers, natively and in wasm.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream of `purpose` for `entity` (a node's or a link's number) in a lab with this seed.
    pub fn stream(seed: u64, purpose: Purpose, entity: u64) -> Self {
        let mixed = mix(mix(seed ^ 0x6e65_746d_6f64_6573) ^ mix(purpose as u64) ^ mix(entity.rotate_left(32)));
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// Any 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.0.next_u64() >> 32) as u32
    }

    /// Any 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // Multiply-shift: the bias is below 2^-32 * bound, which no lesson depends on.
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Any time from none to `max`, both included; draws nothing when there is no choice.
    pub fn duration(&mut self, max: core::time::Duration) -> core::time::Duration {
        let nanos = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
        if nanos == 0 {
            return core::time::Duration::ZERO;
        }
        let drawn = (u128::from(self.next_u64()) * (u128::from(nanos) + 1)) >> 64;
        core::time::Duration::from_nanos(drawn as u64)
    }

    /// True once in `1_000_000 / ppm` draws.
    pub fn one_in_million(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(1_000_000) < ppm
    }
}

/// SplitMix64's finaliser.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_purposes_are_independent() {
        let mut a = Rng::stream(1, Purpose::LinkLoss, 0);
        let mut b = Rng::stream(1, Purpose::Machine, 0);
        let mut c = Rng::stream(1, Purpose::LinkLoss, 0);
        let first = a.next_u64();
        assert_ne!(first, b.next_u64());
        assert_eq!(first, c.next_u64());
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Rng::stream(7, Purpose::Cosmetic, 3);
        assert!((0..1000).all(|_| rng.below(10) < 10));
        assert_eq!(rng.below(0), 0);
    }
}
