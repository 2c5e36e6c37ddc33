//! What a switch and its ports are like, and what they are unless somebody says otherwise.

use core::time::Duration;

use super::security::SecurityConfig;
use super::stp::{PORT_PRIORITY, StpConfig};
use crate::addr::MacAddr;
use crate::limits;

/// What a switch is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchConfig {
    /// Its own MAC: the second part of its identity in spanning tree.
    pub mac: MacAddr,
    /// An address not seen for so long is forgotten (Linux: `BR_DEFAULT_AGEING_TIME`, 300 s; IEEE 802.1D table 7-5).
    pub ageing: Duration,
    /// Addresses it can remember, at most [`limits::FDB_ENTRIES_MAX`]; more are flooded.
    pub fdb_max: usize,
    /// Spanning tree.
    pub stp: StpConfig,
    /// Copies a second of frames that come round in a loop; more are dropped.
    pub storm_copies_per_sec: u32,
}

impl Default for SwitchConfig {
    fn default() -> Self {
        Self {
            mac: MacAddr([2, 0x4e, 0x4d, 0, 0, 0]),
            ageing: Duration::from_secs(300),
            fdb_max: limits::FDB_ENTRIES_MAX,
            stp: StpConfig::default(),
            storm_copies_per_sec: 1_000,
        }
    }
}

impl SwitchConfig {
    /// The MAC of one of its ports, from which BPDUs are sent: the switch's own with the port's number from 1 added, in
    /// a range of their own.
    pub fn port_mac(&self, port: u32) -> MacAddr {
        let [a, b, c, d, e, f] = self.mac.0;
        let low = u32::from_be_bytes([0, d, e, f]).wrapping_add(port.wrapping_add(1));
        let [_, d, e, f] = low.to_be_bytes();
        MacAddr([a, b, c ^ 1, d, e, f])
    }
}

/// What a switch port is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Path cost; by the cable's rate when left out.
    pub cost: Option<u32>,
    /// Priority, 0 to [`super::PORT_PRIORITY_MAX`].
    pub priority: u8,
    /// Port security.
    pub security: Option<SecurityConfig>,
}

impl Default for PortConfig {
    fn default() -> Self {
        Self { cost: None, priority: PORT_PRIORITY, security: None }
    }
}

/// The path cost of a cable (IEEE 802.1D-1998, table 8-5; net/bridge/br_if.c, `port_cost`). A cable without a rate is
/// as Linux's veth, which says 10 Gbit/s.
pub const fn path_cost(rate_bps: Option<u64>) -> u32 {
    const MBIT: u64 = 1_000_000;
    match rate_bps {
        None | Some(0) => 2,
        Some(rate) if rate > 10_000 * MBIT => 1,
        Some(rate) if rate >= 10_000 * MBIT => 2,
        Some(rate) if rate >= 1_000 * MBIT => 4,
        Some(rate) if rate >= 100 * MBIT => 19,
        Some(rate) if rate >= 10 * MBIT => 100,
        Some(rate) if rate >= 4 * MBIT => 250,
        Some(_) => 1_000,
    }
}
