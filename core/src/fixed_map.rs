//! A hash map whose order can never leak: a fixed hasher, and no iteration but in sorted order.
//!
//! For tables that are asked once a frame (FDB, flows), where an ordered map costs half of the speed
//! (measured on a switch with a thousand hosts). Must not know what it holds.

use core::hash::{BuildHasherDefault, Hash, Hasher};
#[allow(
    clippy::disallowed_types,
    reason = "the hasher is fixed, and the order is never shown: see the module's head"
)]
use std::collections::HashMap;

/// A map for keys that are looked up far more often than listed.
///
/// The hasher has no secret, so a hostile guest could choose keys that collide; every table here has a cap
/// ([`crate::limits`]), so the harm is bounded.
#[derive(Clone, Debug)]
#[allow(clippy::disallowed_types, reason = "the hasher is fixed, and the order is never shown: see the module's head")]
pub struct FixedMap<K, V>(HashMap<K, V, BuildHasherDefault<FixedHasher>>);

impl<K, V> Default for FixedMap<K, V> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<K: Copy + Ord + Hash, V> FixedMap<K, V> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// The value of `key`, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    /// The value of `key`, made by `make` if it was not there.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Sets the value of `key`; the one that was there before comes back.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order of their keys. Sorts each time: for listing, not for once a frame.
    pub fn sorted(&self) -> Vec<(K, &V)> {
        let mut all: Vec<_> = self.0.iter().map(|(key, value)| (*key, value)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }

    /// The keys whose entries `wanted` accepts, in order.
    pub fn sorted_keys(&self, mut wanted: impl FnMut(&K, &V) -> bool) -> Vec<K> {
        let mut keys: Vec<_> = self.0.iter().filter(|(key, value)| wanted(key, value)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }
}

/// Multiply-and-rotate a word at a time, with a finaliser so that the high bits (hashbrown's tags) and the low bits
/// (its buckets) both depend on every byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher(u64);

impl FixedHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for FixedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_u16(&mut self, n: u16) {
        self.mix(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }

    // Lengths of arrays and discriminants of enums come this way: the width of usize must not show.
    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64);
    }

    fn finish(&self) -> u64 {
        let x = self.0 ^ (self.0 >> 32);
        x.wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_is_sorted_whatever_the_order_of_insertion() {
        let mut map = FixedMap::new();
        for key in [5_u32, 1, 9, 3, 7] {
            map.insert(key, key * 10);
        }
        map.remove(&9);
        assert_eq!(map.sorted(), [(1, &10), (3, &30), (5, &50), (7, &70)]);
        assert_eq!(map.sorted_keys(|_, value| *value > 20), [3, 5, 7]);
    }
}
