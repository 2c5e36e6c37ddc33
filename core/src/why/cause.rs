//! The cause: from the facts of a command or a frame to the chain of reasons.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::behind::{Chain, ifaces};
use super::story::{Dropped, Story, is_bystander};
use super::{Account, JobNote, Log, Look, Saying, Verdict};
use crate::dhcp::MessageType;
use crate::drop_reason::DropReason;
use crate::event::{Event, Fact};
use crate::frame::{Ethernet, Ipv4, Tcp, Udp, rewrite};
use crate::id::{FrameId, NodeId};
use crate::programs::dns::NXDOMAIN;
use crate::view::route::{Way, way};
use crate::view::{LabView, Mode};

/// How long after a command's end its packets may still meet their fate: ARP gives up after three seconds.
const AFTER: Duration = Duration::from_secs(5);

/// Why a command failed.
pub(super) fn of_job(log: &Log, view: &LabView, note: &Rc<JobNote>) -> Account {
    let verdict = match (note.ended, note.failed()) {
        _ if log.forgot(note.from) => Verdict::Forgotten,
        (None, _) => Verdict::Running,
        (Some(_), false) => Verdict::Fine,
        (Some(_), true) => Verdict::Failed,
    };
    let until = note.over.map(|over| over + AFTER);
    let events = log.between(note.from, u64::MAX).filter(|event| until.is_none_or(|until| event.time <= until));
    let story = Story::new(note.node, target(&note.line)).read(view, events);
    let mut chain = Chain::default();
    if verdict == Verdict::Failed || (verdict == Verdict::Running && !story.came_back) {
        find(&mut chain, view, note, &story);
    }
    if let Some((seq, _)) = &story.first {
        chain.look(Look::Frame(*seq));
    }
    let steps = if verdict == Verdict::Fine { Vec::new() } else { story.steps };
    Account { verdict, job: Some(note.clone()), chain: chain.says, steps, look: chain.look }
}

/// Why a frame was dropped.
pub(super) fn of_frame(log: &Log, view: &LabView, frame: FrameId) -> Option<Account> {
    let sent = |event: &Event| match &event.fact {
        Fact::FrameSent(sent) => Some((sent.frame, sent.parent, sent.from.node, event.seq, event.time)),
        _ => None,
    };
    let all: Vec<_> = log.between(0, u64::MAX).filter_map(sent).collect();
    let mut family = BTreeSet::from([frame]);
    let mut begun = None;
    for (id, parent, from, seq, time) in all.iter().rev() {
        if family.contains(id) {
            family.extend(parent);
            begun = Some((*from, *seq, *time));
        }
    }
    let (node, seq, time) = begun?;
    let mut story = Story::new(node, Some(Ipv4Addr::UNSPECIFIED));
    story.there = family;
    let events = log.between(seq, u64::MAX).filter(|event| event.time <= time + AFTER);
    let story = story.read(view, events);
    let mut chain = Chain::default();
    let own = |dropped: &&Dropped| dropped.fact.frame == Some(frame);
    let drop = story.drops.iter().filter(own).find(|dropped| !is_bystander(dropped.fact.reason));
    if let Some(dropped) = drop.or_else(|| story.drops.iter().find(own)) {
        stopped(&mut chain, view, &story, dropped);
    }
    chain.look(Look::Frame(seq));
    let verdict = if chain.says.is_empty() { Verdict::Fine } else { Verdict::Failed };
    Some(Account { verdict, job: None, chain: chain.says, steps: story.steps, look: chain.look })
}

/// The address that a command line speaks of last.
fn target(line: &str) -> Option<Ipv4Addr> {
    let address = |word: &str| {
        let word = word.split_once("://").map_or(word, |(_, rest)| rest);
        let word = word.split(['/', ':']).next().unwrap_or(word);
        word.parse::<Ipv4Addr>().ok().filter(|addr| !addr.is_unspecified())
    };
    // An address with a prefix is a network's, not a machine's.
    let plain = |word: &&str| word.contains("://") || !word.contains('/');
    line.split_whitespace().filter(plain).filter_map(address).next_back()
}

/// What a program that sends nothing wanted to reach; settings are not packets.
fn reaches_out(line: &str) -> bool {
    let tool = line.split_whitespace().next().unwrap_or_default();
    crate::shell::tools().iter().any(|known| {
        known.name == tool
            && known.kind == crate::shell::ToolKind::Program
            && !matches!(tool, "nft" | "VBoxManage" | "iptables-restore")
    })
}

fn find(chain: &mut Chain, view: &LabView, note: &JobNote, story: &Story) {
    if story.dhcp_had(MessageType::Discover) || story.dhcp_had(MessageType::Request) {
        return no_lease(chain, view, story);
    }
    if let (Some((name, server)), true) = (&story.name, story.target.is_none()) {
        let with = |code| Saying::new(code).at(note.node).with("name", name).with("server", server);
        match &story.named {
            Some(answer) if answer.rcode == NXDOMAIN => return chain.say(with("dns-no-such-name")),
            Some(answer) if answer.rcode != 0 => return chain.say(with("dns-server-failed")),
            Some(_) => return chain.say(with("dns-no-address")),
            None => chain.say(with("dns-no-answer")),
        }
    }
    if let Some(dropped) = story.first_drop() {
        return stopped(chain, view, story, dropped);
    }
    if let Some(asked) = story.unanswered(note.node) {
        return nobody(chain, view, story, note.node, asked.addr);
    }
    if !story.there.is_empty() {
        let Some(node) = story.delivered.iter().next() else {
            return chain.say(Saying::new("lost").at(note.node));
        };
        chain.look(Look::Table(*node));
        let doubled = story.is_at.iter().find(|(_, macs)| macs.len() > 1);
        return match (doubled, story.answered) {
            (Some((addr, macs)), _) => chain.say(Saying::new("duplicate").with("addr", addr).with("n", macs.len())),
            (None, false) => chain.say(Saying::new("no-answer").at(*node)),
            (None, true) => said(chain, note),
        };
    }
    quiet(chain, view, note);
}

/// Nothing was sent at all.
fn quiet(chain: &mut Chain, view: &LabView, note: &JobNote) {
    let node = note.node;
    if !reaches_out(&note.line) {
        return said(chain, note);
    }
    if note.output.contains("essage too long") {
        let mtu = ifaces(view, node).map(|iface| iface.mtu).min().unwrap_or_default();
        chain.look(Look::Command(node, "ip link".to_owned()));
        return chain.say(Saying::new("too-long").at(node).with("mtu", mtu));
    }
    match target(&note.line).map(|dst| (dst, way(view, node, dst))) {
        Some((dst, Way::None)) => chain.no_route(view, node, Some(dst)),
        Some((dst, Way::Local)) => chain.say(Saying::new("own-address").at(node).with("addr", dst)),
        Some((_, Way::Route(route))) => {
            if !chain.local(view, node, Some(route.iface)) {
                said(chain, note);
            }
        }
        Some((_, Way::Broadcast(_))) => said(chain, note),
        None => {
            let named = note.output.contains("resol") || note.output.contains("not known");
            if named {
                chain.say(Saying::new("dns-not-asked").at(node));
            } else {
                said(chain, note);
                if chain.local(view, node, None) {
                    return;
                }
            }
            if !matches!(way(view, node, Ipv4Addr::new(8, 8, 8, 8)), Way::Route(_)) {
                chain.no_route(view, node, None);
            } else if named {
                chain.look(Look::Command(node, "cat /etc/resolv.conf".to_owned()));
                chain.say(Saying::new("no-name-server").at(node));
            }
        }
    }
}

fn said(chain: &mut Chain, note: &JobNote) {
    if !note.said.is_empty() {
        chain.say(Saying::new("tool-said").at(note.node).with("said", &note.said));
    }
}

/// A DHCP client got nothing.
fn no_lease(chain: &mut Chain, view: &LabView, story: &Story) {
    let node = story.node.0;
    chain.say(Saying::new("no-lease").at(node));
    // A question to everybody ends at everybody who serves no DHCP: that is no failure.
    let everybodys = |reason: DropReason| {
        is_bystander(reason)
            || matches!(
                reason,
                DropReason::PortClosed
                    | DropReason::NotForwarding
                    | DropReason::BroadcastNotForwarded
                    | DropReason::EngineNoService
                    | DropReason::IpSourceInvalid
                    | DropReason::IpDestinationInvalid
            )
    };
    let local = |reason| matches!(reason, DropReason::NoCable | DropReason::CarrierOff | DropReason::InterfaceDown);
    if story.drops.iter().any(|dropped| dropped.fact.node == node && local(dropped.fact.reason))
        && chain.local(view, node, None)
    {
        return;
    }
    if let Some(dropped) = story.drops.iter().find(|dropped| !everybodys(dropped.fact.reason)) {
        return stopped(chain, view, story, dropped);
    }
    if story.dhcp_had(MessageType::Nak) {
        return chain.say(Saying::new("dhcp-nak").at(node));
    }
    if story.dhcp_had(MessageType::Offer) {
        return chain.say(Saying::new("dhcp-no-ack").at(node));
    }
    if chain.local(view, node, None) {
        return;
    }
    let heard: BTreeSet<NodeId> = story.dhcp_heard.iter().filter(|heard| **heard != node).copied().collect();
    match heard.is_empty() {
        true => chain.say(Saying::new("nobody-heard").at(node)),
        false => chain.say(Saying::new("dhcp-heard").with("nodes", list(&heard))),
    }
    let nic = view.nics.values().find(|nic| nic.vm == node);
    match nic.filter(|nic| nic.mode == Mode::Internal) {
        Some(nic) => {
            chain.look(Look::Card(node, nic.adapter));
            chain.say(Saying::new("internal-no-dhcp").at(node).with("network", &nic.network));
        }
        None => chain.say(Saying::new("no-dhcp-server").at(node)),
    }
}

/// Where it stopped, why, and what lies behind that.
fn stopped(chain: &mut Chain, view: &LabView, story: &Story, dropped: &Dropped) {
    let (node, reason) = (dropped.fact.node, dropped.fact.reason);
    if dropped.back
        && let Some(there) = story.delivered.iter().next()
    {
        chain.say(Saying::new("answer-lost").at(*there));
    }
    let saying = |code: &str| {
        let mut saying = Saying::new(code).at(node);
        saying.drop = Some(reason);
        saying
    };
    let (dst, port) = story.first.as_ref().map_or((None, None), |(_, bytes)| destination(bytes));
    match reason {
        DropReason::NeighbourFailed => {
            let hop = story.unanswered(node).map(|asked| asked.addr).or(dst);
            match hop {
                Some(hop) => nobody(chain, view, story, node, hop),
                None => chain.say(saying("dropped")),
            }
        }
        DropReason::Filtered | DropReason::FilteredByPolicy => {
            chain.look(Look::Command(node, "iptables -L -v -n --line-numbers".to_owned()));
            chain.say(saying("filtered").with("rule", dropped.fact.rule.clone().unwrap_or_default()));
        }
        DropReason::PortClosed => {
            chain.look(Look::Sockets(node));
            chain.look(Look::Command(node, "ss -ltun".to_owned()));
            chain.say(saying("port-closed").with("port", port.map_or("?".to_owned(), |port| port.to_string())));
        }
        DropReason::NoCable | DropReason::CarrierOff | DropReason::InterfaceDown => {
            chain.say(saying("dropped"));
            chain.local(view, node, dropped.fact.port.or(None).filter(|port| view.ifaces.contains_key(&(node, *port))));
        }
        DropReason::NoRoute => {
            chain.look(Look::Table(node));
            if dropped.back {
                chain.say(saying("no-way-back"));
                chain.no_route(view, node, None);
            } else {
                let words = dst.map_or("?".to_owned(), |dst| dst.to_string());
                chain.say(saying("no-route").with("addr", words));
                if let Some(dst) = dst {
                    chain.owner(view, node, dst);
                }
            }
        }
        DropReason::NotForwarding => {
            chain.look(Look::Command(node, "sysctl net.ipv4.ip_forward".to_owned()));
            chain.say(saying("not-forwarding"));
        }
        DropReason::FragmentationNeeded => {
            let mtu = ifaces(view, node).map(|iface| iface.mtu).min().unwrap_or_default();
            chain.look(Look::Command(node, "ip link".to_owned()));
            chain.say(saying("too-large").with("mtu", mtu));
        }
        DropReason::NatNoMapping | DropReason::NatFiltered => {
            chain.look(Look::Table(node));
            chain.say(saying("nat-closed"));
        }
        DropReason::PortSecurity | DropReason::PortErrDisabled => {
            chain.look(Look::Table(node));
            chain.say(saying("port-security"));
        }
        _ => {
            chain.look(Look::Table(node));
            chain.say(saying("dropped"));
        }
    }
}

/// Destination and port of a frame's packet.
fn destination(bytes: &[u8]) -> (Option<Ipv4Addr>, Option<u16>) {
    let Some((_, payload)) = Ethernet::parse(bytes) else { return (None, None) };
    let Ok(packet) = Ipv4::parse(payload) else { return (None, None) };
    let port = match rewrite::l4_endpoints(payload) {
        Some((crate::addr::L4Proto::Icmp, ..)) | None => None,
        Some((_, _, dst)) => Some(dst.port),
    };
    let port = port.or_else(|| Tcp::peek(packet.payload).filter(|_| packet.proto == 6).map(|tcp| tcp.dst_port));
    let udp = Udp::parse(packet.src, packet.dst, packet.payload).ok().filter(|_| packet.proto == 17);
    (Some(packet.dst), port.or_else(|| udp.map(|(udp, _)| udp.dst_port)))
}

/// `node` asked for the MAC of `hop`, and nobody answered.
fn nobody(chain: &mut Chain, view: &LabView, story: &Story, node: NodeId, hop: Ipv4Addr) {
    let dst = story.first.as_ref().and_then(|(_, bytes)| destination(bytes).0).or(story.target);
    chain.look(Look::Command(node, "ip neigh".to_owned()));
    let gateway = dst.is_some_and(|dst| dst != hop);
    if let (true, Some(dst)) = (gateway, dst) {
        chain.say(Saying::new("via-gateway").at(node).with("addr", hop).with("dst", dst));
    }
    chain.say(Saying::new("nobody-answered").at(node).with("addr", hop));
    let questions = story.asked.values().filter(|asked| asked.by == node && asked.addr == hop);
    let heard: BTreeSet<NodeId> =
        questions.flat_map(|asked| asked.heard.iter().copied()).filter(|n| *n != node).collect();
    if heard.is_empty() {
        if !chain.local(view, node, None) {
            chain.say(Saying::new("nobody-heard").at(node));
        }
        return;
    }
    chain.say(Saying::new("heard-by").with("nodes", list(&heard)));
    if gateway {
        chain.look(Look::Command(node, "ip route".to_owned()));
        chain.say(Saying::new("gateway-not-there").at(node).with("addr", hop));
    } else {
        chain.owner(view, node, hop);
    }
}

fn list(nodes: &BTreeSet<NodeId>) -> String {
    format!("#{}", nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}
