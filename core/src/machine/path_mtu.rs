//! Path MTUs that a machine has learned (RFC 1191), and where its stack meets fragments: what it cuts, what it puts
//! together, what it answers.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::fragment::{Outcome, split};
use super::ip::Hop;
use super::tcp::ConnKey;
use crate::addr::{Endpoint, L4Proto};
use crate::drop_reason::DropReason;
use crate::event::Decision;
use crate::frame::icmp::Icmp;
use crate::frame::ipv4::Ipv4;
use crate::limits;
use crate::time::SimTime;

/// Who puts packets together in a machine ([`super::fragment::Reassembler::push`]'s `user`).
pub(super) mod user {
    /// The machine, for itself.
    pub const LOCAL: u32 = 0;
    /// Its conntrack, before anything else.
    pub const CONNTRACK: u32 = 1;
}

/// What is known of the way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Learned {
    /// The largest packet, in bytes.
    pub mtu: u32,
    /// When that is forgotten.
    pub until: SimTime,
}

/// Learned path MTUs, by destination (Linux keeps them as exceptions of a route: net/ipv4/route.c).
#[derive(Clone, Debug, Default)]
pub(super) struct PathMtus(BTreeMap<Ipv4Addr, Learned>);

impl PathMtus {
    /// What is known at `now`.
    pub fn get(&self, now: SimTime, dst: Ipv4Addr) -> Option<Learned> {
        self.0.get(&dst).copied().filter(|learned| learned.until > now)
    }

    /// A router said that its next link takes `mtu` bytes. Only ever smaller, and never below `min`
    /// (`__ip_rt_update_pmtu`). Returns what holds now, if it was taken.
    pub fn learn(&mut self, now: SimTime, dst: Ipv4Addr, mtu: u32, min: u32, lasts: Duration) -> Option<u32> {
        let old = self.get(now, dst).map(|learned| learned.mtu);
        if old.is_some_and(|old| old < mtu) {
            return None;
        }
        let mtu = mtu.max(old.map_or(min, |old| old.min(min)));
        if self.0.len() >= limits::PATH_MTUS_MAX && !self.0.contains_key(&dst) {
            let oldest = self.0.iter().min_by_key(|(_, learned)| learned.until).map(|(dst, _)| *dst)?;
            self.0.remove(&oldest);
        }
        self.0.insert(dst, Learned { mtu, until: now + lasts });
        Some(mtu)
    }

    /// Forgets everything (`ip route flush cache`, and any change of the routing table, which rebuilds it).
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Machine {
    /// The largest packet of this machine's own to `dst` out of an interface.
    pub(super) fn path_mtu(&self, now: SimTime, dst: Ipv4Addr, iface: u32) -> u32 {
        let mtu = self.ifaces.get(iface).map_or(0, |iface| iface.mtu);
        self.path_mtus.get(now, dst).map_or(mtu, |learned| learned.mtu.min(mtu))
    }

    /// A router could not pass on our packet to `remote`: it has to be `mtu` bytes at most.
    pub(super) fn learn_path_mtu(
        &mut self,
        ctx: &mut Ctx<'_>,
        proto: L4Proto,
        local: Endpoint,
        remote: Endpoint,
        mtu: u16,
    ) {
        // A router from before RFC 1191 does not say; then nothing is learned.
        if mtu == 0 {
            return;
        }
        let route = &self.sysctl.route;
        let lasts = Duration::from_secs(u64::try_from(route.mtu_expires).unwrap_or(0));
        let min = u32::try_from(route.min_pmtu).unwrap_or(0);
        let Some(mtu) = self.path_mtus.learn(ctx.now, remote.addr, u32::from(mtu), min, lasts) else { return };
        if proto == L4Proto::Tcp {
            self.tcp_lower_mtu(ctx, ConnKey { local, remote }, mtu);
        }
    }

    /// Puts fragments together. `None`: it waits, or is gone; the frame is accounted for. To be called before
    /// anything looks beyond the IPv4 header: by conntrack before PREROUTING (`conntrack`), else on delivery.
    pub(super) fn defragment(
        &mut self,
        ctx: &mut Ctx<'_>,
        index: u32,
        buf: PacketBuf,
        conntrack: bool,
    ) -> Option<PacketBuf> {
        let parent = buf.parent;
        let user = if conntrack { user::CONNTRACK } else { user::LOCAL };
        let pushed = self.fragments.push(ctx.now, &self.sysctl.ipv4, user, buf);
        for (reason, buf) in pushed.lost {
            ctx.lost(buf.parent, Some(index), reason);
        }
        match pushed.outcome {
            Outcome::Whole(buf, fragments) => {
                if fragments > 1 {
                    ctx.decided(parent, || Decision::Reassembled { fragments: fragments as u32 });
                }
                Some(buf)
            }
            Outcome::Waits => {
                ctx.account.delivered += 1;
                ctx.decided(parent, || Decision::WaitsForFragments);
                None
            }
            Outcome::Dropped(reason, _) => {
                ctx.dropped(parent, Some(index), reason);
                None
            }
        }
    }

    /// Packets of which the rest did not come in time. The sender hears of it when the first fragment came, and when
    /// the packet was for this machine (`ip_expire`).
    pub(super) fn run_fragments(&mut self, ctx: &mut Ctx<'_>) {
        for expired in self.fragments.handle_timeout(ctx.now) {
            for buf in &expired.fragments {
                ctx.lost(buf.parent, None, DropReason::FragmentTimeout);
            }
            let Some(first) = expired.fragments.first().filter(|_| expired.has_first) else { continue };
            let for_us = Ipv4::parse(first.packet()).is_ok_and(|packet| self.ifaces.is_local(packet.dst));
            if for_us {
                self.icmp_error(ctx, first, Icmp::TimeExceeded { code: 1 });
            }
        }
    }

    /// Sends a packet to its next hop, cut to `hop.mtu` where it may be.
    pub(super) fn transmit(&mut self, ctx: &mut Ctx<'_>, hop: Hop, buf: PacketBuf) {
        let mtu = hop.mtu as usize;
        if buf.packet().len() <= mtu {
            return self.transmit_whole(ctx, hop, buf);
        }
        let parent = buf.parent;
        let Ok(packet) = Ipv4::parse(buf.packet()) else { return };
        if packet.total_len <= mtu {
            return self.transmit_whole(ctx, hop, buf);
        }
        let pieces = if packet.dont_fragment { None } else { split(buf.packet(), mtu) };
        let Some(pieces) = pieces else {
            return ctx.lost(parent, Some(hop.iface), DropReason::FragmentationNeeded);
        };
        ctx.decided(parent, || Decision::Fragmented { pieces: pieces.len() as u32, mtu: hop.mtu });
        for piece in pieces {
            self.transmit_whole(ctx, hop, PacketBuf::new(&piece, parent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DST: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);
    const LASTS: Duration = Duration::from_secs(600);

    #[test]
    fn a_path_mtu_only_shrinks_and_is_forgotten_after_ten_minutes() {
        let mut mtus = PathMtus::default();
        assert_eq!(mtus.learn(SimTime::ZERO, DST, 1_400, 552, LASTS), Some(1_400));
        assert_eq!(mtus.learn(SimTime::from_secs(1), DST, 1_450, 552, LASTS), None);
        assert_eq!(mtus.learn(SimTime::from_secs(2), DST, 1_300, 552, LASTS), Some(1_300));
        assert_eq!(mtus.get(SimTime::from_secs(601), DST).map(|learned| learned.mtu), Some(1_300));
        assert_eq!(mtus.get(SimTime::from_secs(602), DST), None);
    }

    #[test]
    fn nobody_can_make_a_path_narrower_than_min_pmtu() {
        let mut mtus = PathMtus::default();
        assert_eq!(mtus.learn(SimTime::ZERO, DST, 68, 552, LASTS), Some(552));
        assert_eq!(mtus.learn(SimTime::ZERO, DST, 69, 552, LASTS), Some(552));
    }

    #[test]
    fn the_table_is_capped() {
        let mut mtus = PathMtus::default();
        for i in 0..10_000 {
            mtus.learn(SimTime::from_millis(i), Ipv4Addr::from_bits(i as u32), 1_400, 552, LASTS);
        }
        assert_eq!(mtus.0.len(), limits::PATH_MTUS_MAX);
    }
}
