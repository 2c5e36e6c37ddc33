//! Where a machine's stack calls its netfilter: the five hooks of IPv4, and what follows when a packet ends there.

use core::net::Ipv4Addr;

use super::Machine;
use super::ctx::{Ctx, PacketBuf};
use super::iface::LOOPBACK;
use super::ip::Hop;
use crate::addr::L4Proto;
use crate::drop_reason::DropReason;
use crate::frame::icmp::Icmp;
use crate::id::FlowId;
use crate::netfilter::conntrack::ConnChange;
use crate::netfilter::model::{Base, ChainKind, Counter, Family, Hook, Match, Part, Policy, RejectWith};
use crate::netfilter::model::{Rule, Ruleset, Verdict, Written};
use crate::netfilter::ops::{ChainRef, Place as At};
use crate::netfilter::{Fate, Level, Netfilter, Place};
use crate::programs::Errno;
use crate::rng::{Purpose, Rng};
use crate::view::{FlowRow, Key, Row, Scope};

/// The packet has ended at a hook; that has been accounted for.
pub(super) struct Ended;

/// Where a packet is when a hook is called.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub hook: Hook,
    /// The interface it came in by.
    pub index: Option<u32>,
    /// Where it goes.
    pub hop: Option<Hop>,
    /// It came to this machine from elsewhere (or from itself, round the loopback): its end is accounted for.
    pub arrived: bool,
}

impl Machine {
    /// Shows a packet to the chains of a hook.
    pub(super) fn hook(&mut self, ctx: &mut Ctx<'_>, spot: Spot, buf: &mut PacketBuf) -> Result<(), Ended> {
        if self.netfilter.is_idle(Level::Ip, spot.hook) {
            return Ok(());
        }
        let Self { netfilter, ifaces, .. } = self;
        let name = |index: Option<u32>| index.and_then(|i| ifaces.get(i)).map_or("", |iface| iface.name.as_str());
        let out_index = spot.hop.map_or(0, |hop| hop.iface);
        let first_addr = |index: u32| ifaces.get(index)?.addrs.first().map(|addr| addr.cidr.addr);
        let place = Place {
            now: ctx.now,
            hook: spot.hook,
            level: Level::Ip,
            in_iface: name(spot.index),
            out_iface: name(spot.hop.map(|hop| hop.iface)),
            out_index,
            physdev: ("", ""),
            bridged: false,
            ether: buf.ether(),
            checksums: spot.hook == Hook::Prerouting && spot.index != Some(LOOPBACK),
            watched: ctx.watched,
            is_local: &|addr| ifaces.is_local(addr),
            masquerade: &|| ifaces.select_source(out_index, spot.hop?.next_hop, Scope::Global),
            redirect: &|| spot.index.map_or(Some(Ipv4Addr::LOCALHOST), first_addr),
        };
        let (packet, ct) = buf.parts_mut();
        let fate = netfilter.run(&place, packet, ct);
        let (said, rule) = netfilter.take_said();
        for decision in said {
            ctx.decided(buf.parent, || decision);
        }
        let reason = match fate {
            Fate::Passes => {
                self.say_flows(ctx);
                return Ok(());
            }
            Fate::Ends(reason) => reason,
            Fate::Refused(_) => DropReason::Filtered,
        };
        let index = spot.index.or(spot.hop.map(|hop| hop.iface));
        ctx.ended(buf.parent, index, reason, rule, spot.arrived);
        if let Fate::Refused(with) = fate {
            self.reject(ctx, buf, with);
        }
        self.say_flows(ctx);
        Err(Ended)
    }

    /// Tells a sender that its packet was refused (net/ipv4/netfilter/nf_reject_ipv4.c).
    fn reject(&mut self, ctx: &mut Ctx<'_>, buf: &PacketBuf, with: RejectWith) {
        match with {
            RejectWith::Icmp(code) => self.icmp_error(ctx, buf, Icmp::Unreachable { code, mtu: 0 }),
            RejectWith::TcpReset => {
                let is_tcp = buf.packet().get(9) == Some(&L4Proto::Tcp.number());
                if is_tcp && let Some(reset) = super::tcp_refusal(ctx.now, buf.packet()) {
                    let reset = PacketBuf::new(&reset, None).answering(buf);
                    self.send_packet(ctx, reset, None);
                }
            }
        }
    }

    /// Sends a packet of this machine's own: routed, shown to `OUTPUT` and `POSTROUTING`, and put on its way.
    /// `arrived`: it came from a NAT engine.
    ///
    /// # Errors
    /// `EPERM` when a rule ended it, `ENETUNREACH`.
    pub(super) fn output(
        &mut self,
        ctx: &mut Ctx<'_>,
        mut buf: PacketBuf,
        only: Option<u32>,
        arrived: bool,
    ) -> Result<(), Errno> {
        let Some(mut dst) = buf.destination() else { return Ok(()) };
        let mut hop = self.way_to(ctx, dst, only);
        for hook in [Hook::Output, Hook::Postrouting] {
            let Some(to) = hop else {
                ctx.ended(buf.parent, None, DropReason::NoRoute, None, arrived);
                return Err(Errno::ENETUNREACH);
            };
            let spot = Spot { hook, index: None, hop: Some(to), arrived };
            self.hook(ctx, spot, &mut buf).map_err(|Ended| Errno::EPERM)?;
            if let Some(new) = buf.destination().filter(|new| *new != dst) {
                // Its destination was translated: it may go another way.
                dst = new;
                hop = self.way_to(ctx, dst, only);
            }
        }
        let Some(hop) = hop else { return Err(Errno::ENETUNREACH) };
        if arrived {
            ctx.forwarded();
        }
        if hop.iface == LOOPBACK {
            self.loop_back(ctx, buf);
        } else {
            self.transmit(ctx, hop, buf);
        }
        Ok(())
    }

    fn way_to(&self, ctx: &Ctx<'_>, dst: Ipv4Addr, only: Option<u32>) -> Option<Hop> {
        if self.ifaces.is_local(dst) {
            return Some(self.hop_by(LOOPBACK, dst, false));
        }
        let (hop, _) = self.next_hop(dst, only)?;
        Some(Hop { mtu: self.path_mtu(ctx.now, dst, hop.iface), ..hop })
    }

    /// Whether frames on this host's bridges meet any of its rules.
    pub fn filters_bridges(&self) -> bool {
        let hooks = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
        let any = |level| hooks.iter().any(|hook| !self.netfilter.is_idle(level, *hook));
        any(Level::Bridge) || (self.sysctl.bridge_calls_iptables() && any(Level::Ip))
    }

    /// Its addresses.
    pub fn local_addrs(&self) -> Vec<Ipv4Addr> {
        self.ifaces.iter().flat_map(|iface| &iface.addrs).map(|addr| addr.cidr.addr).collect()
    }

    /// Lends the rules to a bridge of this host while a frame passes there; they come back at once.
    pub fn take_netfilter(&mut self) -> Netfilter {
        let empty = Netfilter::new(Rng::stream(0, Purpose::Conntrack, 0));
        core::mem::replace(&mut self.netfilter, empty)
    }

    /// Takes the rules back.
    pub fn return_netfilter(&mut self, ctx: &mut Ctx<'_>, netfilter: Netfilter) {
        self.netfilter = netfilter;
        self.say_flows(ctx);
    }

    /// Tells the sender of a frame that this host's bridge refused.
    pub fn reject_bridged(&mut self, ctx: &mut Ctx<'_>, packet: &PacketBuf, with: RejectWith) {
        self.reject(ctx, packet, with);
    }

    /// Puts a whole rule set in place of the present one.
    ///
    /// # Errors
    /// As [`crate::netfilter::Netfilter::replace`].
    pub(super) fn replace_rules(&mut self, rules: Ruleset) -> Result<(), Errno> {
        self.netfilter.replace(rules)?;
        // net/netfilter/xt_physdev.c asks for the module that makes its match mean something.
        let of_ip = self.netfilter.ruleset().tables.iter().filter(|table| table.family != Family::Bridge);
        let mut parts = of_ip.flat_map(|t| &t.chains).flat_map(|c| &c.rules).flat_map(|r| &r.parts);
        let physdev = parts.any(|part| {
            let Part::Match { what, .. } = part else { return false };
            matches!(what, Match::PhysdevIn(_) | Match::PhysdevOut(_) | Match::PhysdevIsBridged)
        });
        if physdev {
            self.sysctl.load_br_netfilter();
        }
        Ok(())
    }

    /// Masquerades what leaves by this interface, but not what this machine itself sends with another address of its
    /// own: `iptables -t nat -A POSTROUTING -o NAME -j MASQUERADE`.
    pub fn set_masquerade(&mut self, index: u32) {
        let Some(name) = self.ifaces.get(index).map(|iface| iface.name.clone()) else { return };
        let mut rules = self.netfilter.ruleset().clone();
        let hooks = [
            ("PREROUTING", Hook::Prerouting, -100),
            ("INPUT", Hook::Input, 100),
            ("OUTPUT", Hook::Output, -100),
            ("POSTROUTING", Hook::Postrouting, 100),
        ];
        let at = |chain| ChainRef { family: Family::Ip, table: "nat", chain };
        if rules.ensure_table(Family::Ip, "nat", true).is_err() {
            return;
        }
        for (chain, hook, priority) in hooks {
            let base = Base { kind: ChainKind::Nat, hook, priority, policy: Policy::Accept };
            // It is there after the first interface.
            let _ = rules.add_chain(at(chain), Some(base));
        }
        let rule = Rule {
            written: Written::Iptables(Vec::new()),
            ..Rule::new(vec![
                Part::Match { not: false, what: Match::OutIface(vec![name]) },
                Part::Counter(Counter::default()),
                Part::Verdict(Verdict::Masquerade { ports: None }),
            ])
        };
        let done = rules.add_rule(at("POSTROUTING"), At::Last, rule).and_then(|_| self.netfilter.replace(rules));
        debug_assert!(done.is_ok(), "{done:?}");
    }

    /// Whether a packet on its way out has the source that one of its connections was given here.
    pub(super) fn is_masqueraded(&self, buf: &PacketBuf) -> bool {
        self.netfilter.conntrack().is_snat_outside(buf.packet())
    }

    /// Forgets what was masqueraded with an address that is no longer there.
    pub(super) fn forget_masquerade(&mut self, ctx: &mut Ctx<'_>, index: u32, addr: Option<Ipv4Addr>) {
        self.netfilter.conntrack_mut().forget_masquerade(index, addr);
        self.say_flows(ctx);
    }

    /// Says which translated connections are new, changed or gone.
    pub(super) fn say_connections(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(change) = self.netfilter.conntrack_mut().poll_change() {
            match change {
                ConnChange::Put(id) => {
                    if let Some(row) =
                        self.netfilter.conntrack().get(id).and_then(|conn| conn.flow_row(self.node, false))
                    {
                        ctx.put(Row::Flow(row));
                    }
                }
                ConnChange::Del(id) => ctx.del(Key::Flow((self.node, FlowId(u64::from(id) * 2)))),
            }
        }
    }

    /// The rows of all translated connections.
    pub(super) fn conn_flows(&self, samples: bool) -> Vec<FlowRow> {
        let conntrack = self.netfilter.conntrack();
        let conns = conntrack.translated().into_iter().filter_map(|id| conntrack.get(id));
        conns.filter_map(|conn| conn.flow_row(self.node, samples)).collect()
    }
}
