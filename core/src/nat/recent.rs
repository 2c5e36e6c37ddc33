//! Outside endpoints that a mapping had and has no more: a late answer to one of them is told from a packet for a port
//! that nobody ever used.

use std::collections::VecDeque;

use crate::addr::{Endpoint, L4Proto};
use crate::fixed_map::FixedMap;

/// As many are remembered.
const REMEMBERED_MAX: usize = 4_096;

/// The last outside endpoints whose mapping ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<(L4Proto, Endpoint)>,
    counts: FixedMap<(L4Proto, Endpoint), u32>,
}

impl Recent {
    pub(super) fn ended(&mut self, proto: L4Proto, outside: Endpoint) {
        if self.order.len() >= REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
            && let Some(count) = self.counts.get_mut(&oldest)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&oldest);
            }
        }
        self.order.push_back((proto, outside));
        *self.counts.get_or_insert_with((proto, outside), || 0) += 1;
    }

    pub(super) fn contains(&self, proto: L4Proto, outside: Endpoint) -> bool {
        self.counts.contains_key(&(proto, outside))
    }
}
