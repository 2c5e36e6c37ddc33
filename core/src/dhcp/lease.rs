//! A lease as its client holds it.

use core::net::Ipv4Addr;

use super::message::Message;
use super::timing::{Manner, secs};
use crate::addr::Cidr;
use crate::rng::Rng;
use crate::time::SimTime;

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundLease {
    /// The address with its network.
    pub cidr: Cidr,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// When its REQUEST was sent: the lease counts from there (RFC 2131 4.4.1).
    pub since: SimTime,
    /// T1.
    pub renew_at: SimTime,
    /// T2.
    pub rebind_at: SimTime,
    /// When it ends.
    pub expires: SimTime,
    /// The whole answer, for its options.
    pub ack: Message,
}

/// The lease that an ACK gives.
pub(super) fn bound(manner: Manner, asked: SimTime, server: Ipv4Addr, ack: &Message, rng: &mut Rng) -> BoundLease {
    let lease = ack.lease_secs().unwrap_or(12 * 3600);
    // RFC 2131 4.4.5: half, and seven eighths. What a server sets and makes no sense is not believed.
    let t1 = ack.t1().filter(|t1| *t1 < lease).unwrap_or(lease / 2);
    let t2 = ack.t2().filter(|t2| (t1..=lease).contains(t2)).unwrap_or((u64::from(lease) * 7 / 8) as u32).max(t1);
    // client/dhclient.c, `dhcpack`: "introduce some randomness": three to four quarters of T1.
    let t1 = match manner {
        Manner::Dhclient if t1 > 0 => t1 - t1 / 4 + rng.below((t1 / 4).max(1)),
        _ => t1,
    };
    let prefix = ack.netmask().and_then(Cidr::prefix_of_mask).unwrap_or_else(|| classful_prefix(ack.yiaddr));
    BoundLease {
        cidr: Cidr::new(ack.yiaddr, prefix),
        server,
        since: asked,
        renew_at: asked + secs(t1),
        rebind_at: asked + secs(t2),
        expires: asked + secs(lease),
        ack: ack.clone(),
    }
}

/// The prefix of the address's class, when the server says no mask (RFC 791 2.3).
fn classful_prefix(addr: Ipv4Addr) -> u8 {
    match addr.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}
