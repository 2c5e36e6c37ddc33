//! Which outside ports are free, so that choosing one does not walk through a table of 65,535 flows.

use std::collections::BTreeMap;

use crate::addr::{Endpoint, L4Proto};

const WORDS: usize = 65_536 / 64;

/// The outside ports of each protocol and address that some mapping has.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports(BTreeMap<(L4Proto, core::net::Ipv4Addr), Box<[u64; WORDS]>>);

impl Ports {
    pub(super) fn take(&mut self, proto: L4Proto, at: Endpoint) {
        let words = self.0.entry((proto, at.addr)).or_insert_with(|| Box::new([0; WORDS]));
        words[usize::from(at.port) / 64] |= 1 << (at.port % 64);
    }

    pub(super) fn release(&mut self, proto: L4Proto, at: Endpoint) {
        if let Some(words) = self.0.get_mut(&(proto, at.addr)) {
            words[usize::from(at.port) / 64] &= !(1 << (at.port % 64));
        }
    }

    pub(super) fn taken(&self, proto: L4Proto, at: Endpoint) -> bool {
        self.0.get(&(proto, at.addr)).is_some_and(|words| words[usize::from(at.port) / 64] & (1 << (at.port % 64)) != 0)
    }

    /// The ports from `first` to `last` that no mapping has, beginning at the `start`-th of them, only even or odd
    /// ones if `parity` says so. 64 taken ports are passed over in one step.
    pub(super) fn free(
        &self,
        proto: L4Proto,
        addr: core::net::Ipv4Addr,
        (first, last): (u16, u16),
        start: u32,
        parity: Option<u16>,
    ) -> impl Iterator<Item = u16> + '_ {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let words = self.0.get(&(proto, addr));
        let mask = match parity {
            Some(0) => EVEN,
            Some(_) => !EVEN,
            None => u64::MAX,
        };
        let begin = u32::from(first) + start % (u32::from(last) - u32::from(first) + 1);
        let span = |from: u32, to: u32| {
            (from / 64..=to / 64).flat_map(move |index| {
                let taken = words.map_or(0, |words| words[index as usize]);
                let mut open = !taken & mask;
                core::iter::from_fn(move || {
                    let bit = open.trailing_zeros();
                    (bit < 64).then(|| {
                        open &= open - 1;
                        index * 64 + bit
                    })
                })
                .filter(move |port| (from..=to).contains(port))
            })
        };
        let before = (begin > u32::from(first)).then(|| span(u32::from(first), begin - 1));
        span(begin, u32::from(last)).chain(before.into_iter().flatten()).map(|port| port as u16)
    }
}
