//! An interface's IPv6 link-local address: when it comes, the question whether somebody has it already (RFC 4862 5.4),
//! and the routers that are looked for, at Linux's times (net/ipv6/addrconf.c, mcast.c). There is no other IPv6 here.

use core::net::Ipv6Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use super::Machine;
use super::ctx::Ctx;
use super::iface::{LOOPBACK, LinkLocal};
use crate::addr::MacAddr;
use crate::drop_reason::DropReason;
use crate::frame::icmp6::{self, Ndisc};
use crate::id::FrameId;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::view::Row;

/// Until a question counts as unanswered (`retrans_time`).
const RETRANS: Duration = Duration::from_secs(1);
/// Two ticks of Debian's 250 a second: a changed membership is reported that much later (net/ipv6/mcast.c
/// `mld_ifc_start_work`).
const REPORT_DELAY: Duration = Duration::from_millis(8);
/// Router solicitations are never further apart (`router_solicitation_max_interval`).
const SOLICITATION_MAX: u64 = 3_600;

/// What an interface does next, in the order of its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DadStep {
    /// Says to which group it listens.
    Report,
    /// Asks whether somebody has the address.
    Ask(i32),
    /// Nobody has: it is ours.
    Finish,
    /// Asks for routers; how often it did so, and how long ago that was in seconds.
    Routers(i32, u64),
}

/// What is to come at each interface, and the nonces of questions that are out.
#[derive(Clone, Debug)]
pub(super) struct Dad {
    /// A stream of its own: what programs draw does not depend on it.
    rng: Rng,
    steps: BTreeMap<(SimTime, u32, DadStep), ()>,
    nonces: BTreeMap<u32, [u8; 6]>,
}

impl Dad {
    pub fn new(rng: Rng) -> Self {
        Self { rng, steps: BTreeMap::new(), nonces: BTreeMap::new() }
    }

    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.steps.keys().next().map(|(at, ..)| *at)
    }

    fn push(&mut self, at: SimTime, index: u32, step: DadStep) {
        self.steps.insert((at, index, step), ());
    }

    fn stop(&mut self, index: u32) {
        self.steps.retain(|(_, other, _), ()| *other != index);
        self.nonces.remove(&index);
    }
}

impl Machine {
    /// An interface came up, got a carrier, went down, or `disable_ipv6` was written: its link-local address comes or
    /// goes. One that has it keeps it while only the carrier is away. Not shown here: [`Machine::show_iface`] follows.
    pub(super) fn update_link_local(&mut self, now: SimTime, index: u32) {
        let Some(iface) = self.ifaces.get(index) else { return };
        let wanted = iface.up && iface.conf.v6.disable_ipv6 == 0;
        let next = match (wanted, iface.link_local) {
            (false, _) => LinkLocal::Absent,
            (true, LinkLocal::Absent) if index == LOOPBACK => LinkLocal::Preferred,
            (true, LinkLocal::Absent) if !iface.carrier => LinkLocal::Absent,
            // What was up before the lab began has asked long ago.
            (true, LinkLocal::Absent) if self.booting => LinkLocal::Preferred,
            (true, LinkLocal::Absent) => LinkLocal::Tentative,
            (true, state) => state,
        };
        if next == iface.link_local {
            return;
        }
        self.dad.stop(index);
        if next == LinkLocal::Tentative {
            let probes = if iface.conf.v6.accept_dad == 0 { 0 } else { iface.conf.v6.dad_transmits };
            // Both within a second: reports are sent twice (RFC 3810 9.1), a question waits up to
            // MAX_RTR_SOLICITATION_DELAY.
            let (again, ask) = (self.dad.rng.below(1_000), self.dad.rng.below(1_000));
            self.dad.push(now + REPORT_DELAY, index, DadStep::Report);
            self.dad.push(now + REPORT_DELAY * 2 + Duration::from_millis(u64::from(again)), index, DadStep::Report);
            self.dad.push(now + Duration::from_millis(u64::from(ask)), index, DadStep::Ask(probes));
        }
        if let Some(iface) = self.ifaces.get_mut(index) {
            iface.link_local = next;
        }
    }

    /// Changes the state and shows it.
    fn set_link_local(&mut self, ctx: &mut Ctx<'_>, index: u32, state: LinkLocal) {
        let before = self.ipv6_key(index);
        if let Some(iface) = self.ifaces.get_mut(index) {
            iface.link_local = state;
        }
        let after = self.ifaces.get(index).and_then(|iface| iface.ipv6_row(self.node)).map(Row::Addr);
        if let Some(gone) = before.filter(|before| after.as_ref().is_none_or(|row| row.key() != *before)) {
            ctx.del(gone);
        }
        if let Some(row) = after {
            ctx.put(row);
        }
    }

    /// The MAC changed: so does the address that is made from it, and it has to be asked for anew.
    pub(super) fn forget_link_local(&mut self, index: u32) {
        self.dad.stop(index);
        if let Some(iface) = self.ifaces.get_mut(index) {
            iface.link_local = LinkLocal::Absent;
        }
    }

    /// What has come due.
    pub(super) fn run_dad(&mut self, ctx: &mut Ctx<'_>) {
        while let Some((&(at, index, step), ())) = self.dad.steps.first_key_value()
            && at <= ctx.now
        {
            self.dad.steps.pop_first();
            self.dad_step(ctx, index, step);
        }
    }

    fn dad_step(&mut self, ctx: &mut Ctx<'_>, index: u32, step: DadStep) {
        let Some(iface) = self.ifaces.get(index) else { return };
        let (mac, addr, conf) = (iface.mac, icmp6::link_local(iface.mac), iface.conf.v6.clone());
        let src = if iface.link_local == LinkLocal::Preferred { addr } else { Ipv6Addr::UNSPECIFIED };
        match step {
            DadStep::Report => {
                let report = icmp6::listener_report(mac, src, icmp6::solicited_node(addr));
                self.send_ipv6(ctx, index, report);
            }
            DadStep::Ask(left) if left > 0 => {
                let (a, b) = (self.dad.rng.next_u32().to_be_bytes(), self.dad.rng.next_u32().to_be_bytes());
                let nonce = [a[0], a[1], a[2], a[3], b[0], b[1]];
                self.dad.nonces.insert(index, nonce);
                self.send_ipv6(ctx, index, icmp6::duplicate_question(mac, addr, nonce));
                let next = if left > 1 { DadStep::Ask(left - 1) } else { DadStep::Finish };
                self.dad.push(ctx.now + RETRANS, index, next);
            }
            DadStep::Ask(_) | DadStep::Finish => {
                self.dad.nonces.remove(&index);
                self.set_link_local(ctx, index, LinkLocal::Preferred);
                self.dad_step(ctx, index, DadStep::Report);
                let again = self.dad.rng.below(1_000);
                self.dad.push(
                    ctx.now + REPORT_DELAY * 2 + Duration::from_millis(u64::from(again)),
                    index,
                    DadStep::Report,
                );
                if conf.router_solicitations != 0 {
                    self.dad_step(ctx, index, DadStep::Routers(0, 0));
                }
            }
            DadStep::Routers(sent, last) => {
                self.send_ipv6(ctx, index, icmp6::router_solicitation(mac, addr));
                let first = u64::try_from(conf.router_solicitation_interval).unwrap_or(4).max(1);
                // Each wait is twice the last, a tenth more or less (RFC 7559; `rfc3315_s14_backoff_update`).
                let next = if sent == 0 { first } else { (last * 2).min(SOLICITATION_MAX) };
                if conf.router_solicitations < 0 || sent + 1 < conf.router_solicitations {
                    let millis = next * 900 + u64::from(self.dad.rng.below((next * 200) as u32 + 1));
                    let step = DadStep::Routers(sent.saturating_add(1), next);
                    self.dad.push(ctx.now + Duration::from_millis(millis), index, step);
                }
            }
        }
    }

    /// Somebody else has the address. `accept_dad` 2: this interface shall then speak no IPv6 at all.
    fn duplicate_found(&mut self, ctx: &mut Ctx<'_>, index: u32) {
        self.dad.stop(index);
        let strict = self.sysctl.all.v6.accept_dad > 1;
        let Some(iface) = self.ifaces.get_mut(index) else { return };
        if strict || iface.conf.v6.accept_dad > 1 {
            iface.conf.v6.disable_ipv6 = 1;
            self.set_link_local(ctx, index, LinkLocal::Absent);
        } else {
            self.set_link_local(ctx, index, LinkLocal::Failed);
        }
    }

    fn send_ipv6(&mut self, ctx: &mut Ctx<'_>, index: u32, bytes: Vec<u8>) {
        let frame = ctx.frame(None, bytes);
        self.send_frame(ctx, index, frame);
    }

    /// An IPv6 packet: only what is about an interface's own address concerns us.
    pub(super) fn handle_ipv6(&mut self, ctx: &mut Ctx<'_>, index: u32, frame: FrameId, from: MacAddr, packet: &[u8]) {
        let ignored = |ctx: &mut Ctx<'_>| ctx.dropped(Some(frame), Some(index), DropReason::Ipv6NotUsed);
        let Some(iface) = self.ifaces.get(index) else { return ignored(ctx) };
        let (mac, addr, state) = (iface.mac, icmp6::link_local(iface.mac), iface.link_local);
        match (icmp6::parse(packet), state) {
            // Our own question that came back.
            (Some(Ndisc::Solicitation { nonce: Some(nonce), .. }), LinkLocal::Tentative)
                if self.dad.nonces.get(&index) == Some(&nonce) =>
            {
                ignored(ctx);
            }
            (Some(Ndisc::Solicitation { target, source, .. }), LinkLocal::Preferred) if target == addr => {
                ctx.delivered(Some(frame), "kernel");
                let asker = (!source.is_unspecified()).then_some((source, from));
                let answer = ctx.frame(Some(frame), icmp6::advertisement(mac, addr, asker));
                self.send_frame(ctx, index, answer);
            }
            (
                message @ Some(Ndisc::Solicitation { target, .. } | Ndisc::Advertisement { target }),
                LinkLocal::Tentative,
            ) if target == addr && !message.is_some_and(|message| message.is_resolution()) => {
                ctx.delivered(Some(frame), "kernel");
                self.duplicate_found(ctx, index);
            }
            _ => ignored(ctx),
        }
    }
}
