//! The host's netfilter on its bridge: frames that pass a bridged network meet the host's `bridge` chains and, when
//! br_netfilter is loaded and `net.bridge.bridge-nf-call-iptables` is on, its IPv4 chains too (`-m physdev`).
//!
//! The host's rules are taken out of its machine for as long as a frame passes ([`World::take_bridge_filter`]), since
//! two nodes cannot be touched at once. Must not know how a switch forwards.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::World;
use super::node::Body;
use crate::addr::MacAddr;
use crate::frame::Frame;
use crate::frame::ethernet::{Ethernet, ethertype};
use crate::id::{NodeId, Port};
use crate::machine::ctx::{Ctx, PacketBuf};
use crate::netfilter::conntrack::Tracked;
use crate::netfilter::model::{Hook, RejectWith};
use crate::netfilter::{Fate, Level, Netfilter, Place};
use crate::view::Mode;

/// The bridge's port to the host itself.
const HOST_PORT: u32 = 0;
/// Its port to the cable of the host's card.
const CARD_PORT: u32 = 1;
/// Longest name of an interface (include/uapi/linux/if.h `IFNAMSIZ` less its 0).
const NAME_MAX: usize = 15;

/// A host's netfilter while a frame passes one of its bridges.
#[derive(Debug)]
pub(super) struct BridgeFilter {
    host: NodeId,
    netfilter: Netfilter,
    bridge: String,
    ports: BTreeMap<u32, String>,
    calls_iptables: bool,
    local: Vec<Ipv4Addr>,
    /// The frame's connection, while it passes IPv4 chains.
    ct: Option<Tracked>,
    /// Senders that are to be told.
    refused: Vec<(PacketBuf, RejectWith)>,
}

impl BridgeFilter {
    /// A frame came in: the hooks before the FDB is asked. Returns whether it goes on; if not, that has been said.
    pub(super) fn enters(&mut self, ctx: &mut Ctx<'_>, port: u32, frame: &Frame) -> bool {
        port == HOST_PORT || self.pass(ctx, &[Hook::Prerouting], port, None, frame)
    }

    /// It is to go out of a port: the hooks on the way there.
    pub(super) fn leaves(&mut self, ctx: &mut Ctx<'_>, port: u32, out: u32, frame: &Frame) -> bool {
        let hooks: &[Hook] = match (port, out) {
            (HOST_PORT, _) => &[Hook::Output, Hook::Postrouting],
            (_, HOST_PORT) => &[Hook::Input],
            _ => &[Hook::Forward, Hook::Postrouting],
        };
        self.pass(ctx, hooks, port, Some(out), frame)
    }

    fn pass(&mut self, ctx: &mut Ctx<'_>, hooks: &[Hook], port: u32, out: Option<u32>, frame: &Frame) -> bool {
        let Some((header, payload)) = Ethernet::parse(&frame.bytes) else { return true };
        let ether = (header.src, header.dst, header.ethertype);
        let name = |port: u32| self.ports.get(&port).map_or("", String::as_str).to_owned();
        let in_name = if port == HOST_PORT { String::new() } else { name(port) };
        let out_name = out.filter(|out| *out != HOST_PORT).map(name).unwrap_or_default();
        // The host's own stack has shown its packets to its IPv4 chains already, or will.
        let through = port != HOST_PORT && out != Some(HOST_PORT);
        let ip = self.calls_iptables && through && header.ethertype == ethertype::IPV4;
        for hook in hooks {
            for level in [Level::Bridge, Level::Ip] {
                if (level == Level::Ip && !ip) || self.netfilter.is_idle(level, *hook) {
                    continue;
                }
                let fate = self.meet(ctx, level, *hook, (&in_name, &out_name), ether, payload);
                let (said, rule) = self.netfilter.take_said();
                said.into_iter().for_each(|decision| ctx.decided(Some(frame.id), || decision));
                let reason = match fate {
                    Fate::Passes => continue,
                    Fate::Ends(reason) => reason,
                    Fate::Refused(with) => {
                        self.refused.push((PacketBuf::of_frame(frame), with));
                        crate::drop_reason::DropReason::Filtered
                    }
                };
                ctx.ended(Some(frame.id), Some(out.unwrap_or(port)), reason, rule, false);
                return false;
            }
        }
        true
    }

    fn meet(
        &mut self,
        ctx: &Ctx<'_>,
        level: Level,
        hook: Hook,
        (in_name, out_name): (&str, &str),
        ether: (MacAddr, MacAddr, u16),
        payload: &[u8],
    ) -> Fate {
        let Self { netfilter, bridge, local, ct, .. } = self;
        // On the bridge both of IPv4's interfaces are the bridge itself; its ports are physdev's affair.
        let (in_iface, out_iface) = match (level, hook) {
            (Level::Bridge, _) => (in_name, out_name),
            (Level::Ip, Hook::Prerouting) => (bridge.as_str(), ""),
            (Level::Ip, Hook::Postrouting) => ("", bridge.as_str()),
            (Level::Ip, _) => (bridge.as_str(), bridge.as_str()),
        };
        let place = Place {
            now: ctx.now,
            hook,
            level,
            in_iface,
            out_iface,
            out_index: 0,
            physdev: (in_name, out_name),
            bridged: !out_name.is_empty() || hook == Hook::Prerouting,
            ether: Some(ether),
            checksums: hook == Hook::Prerouting,
            watched: ctx.watched,
            is_local: &|addr| local.contains(&addr),
            masquerade: &|| None,
            redirect: &|| None,
        };
        // What is translated here is not sent on so: a bridge does not route.
        let mut packet = payload.to_vec();
        netfilter.run(&place, &mut packet, ct)
    }
}

impl World {
    /// Takes a host's rules out of it for a frame on its bridge; none where there is nothing to be met.
    pub(super) fn take_bridge_filter(&mut self, switch: NodeId) -> Option<BridgeFilter> {
        let node = self.node(switch)?;
        let host = node.row.host.filter(|_| matches!(node.body, Body::Switch(_)))?;
        let Some(Body::Machine(machine)) = self.node(host).map(|node| &node.body) else { return None };
        if !machine.filters_bridges() {
            return None;
        }
        let (calls_iptables, local) = (machine.sysctl().bridge_calls_iptables(), machine.local_addrs());
        let bridged = self.networks.iter().find(|(key, network)| key.1 == Mode::Bridged && network.switch == switch);
        let card = bridged.map(|(key, _)| key.2.clone())?;
        let bridge = node.row.name.clone();
        let ports = (0..node.ports.len() as u32)
            .map(|port| (port, self.bridge_port_name(Port::new(switch, port), &bridge, &card)))
            .collect();
        let Some(Body::Machine(machine)) = self.node_mut(host).map(|node| &mut node.body) else { return None };
        let netfilter = machine.take_netfilter();
        Some(BridgeFilter { host, netfilter, bridge, ports, calls_iptables, local, ct: None, refused: Vec::new() })
    }

    /// Gives a host its rules back, and lets it tell the senders it refused.
    pub(super) fn return_bridge_filter(&mut self, filter: BridgeFilter) {
        let BridgeFilter { host, netfilter, refused, .. } = filter;
        self.with_machine(host, |machine, ctx| {
            machine.return_netfilter(ctx, netfilter);
            for (packet, with) in refused {
                machine.reject_bridged(ctx, &packet, with);
            }
        });
    }

    /// The name that the interface behind a bridge's port has on the host: the card's own, and a tap for each VM's card
    /// (`tap-vm1`, `tap-vm1-2` for its second).
    fn bridge_port_name(&self, port: Port, bridge: &str, card: &str) -> String {
        match port.index {
            HOST_PORT => return bridge.to_owned(),
            CARD_PORT => return card.to_owned(),
            _ => {}
        }
        let plugged = self.cable_at(port).map(|(link, _)| link);
        let nic = self.nics.values().find(|nic| plugged.is_some() && nic.link == plugged);
        let name = nic.and_then(|nic| {
            let vm = &self.node(nic.row.vm)?.row.name;
            let number = if nic.row.adapter > 1 { format!("-{}", nic.row.adapter) } else { String::new() };
            let room = NAME_MAX - "tap-".len() - number.len();
            Some(format!("tap-{}{number}", vm.chars().take(room).collect::<String>()))
        });
        name.unwrap_or_else(|| format!("port{}", port.index))
    }
}
