//! Ladders: the messages of one exchange as arrows between lifelines. A message is a packet with everything that rewriting
//! made of it; its arrow goes from who sent it to who took it, over the NATs between them, or ends where it was dropped.

use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Decision;
use netmodes_core::frame::decode::Decoded;
use netmodes_core::id::{FrameId, NodeId};
use netmodes_core::time::SimTime;
use netmodes_core::view::LabView;

use super::crossing::Headers;
use super::follow::{Step, answers, steps_of};
use super::outcomes::What;
use super::{FrameEntry, Outcomes};

/// Arrows of one ladder.
const ARROWS_MAX: usize = 300;

/// An exchange, drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    /// Who takes part, from left to right.
    pub lifelines: Vec<NodeId>,
    /// Messages, in the order of time.
    pub arrows: Vec<Arrow>,
    /// Messages that are left out, there being too many.
    pub more: usize,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrow {
    /// Event number of its first frame.
    pub seq: u64,
    /// Events of all its frames.
    pub frames: Vec<u64>,
    /// When it was sent.
    pub time: SimTime,
    /// How long after the message before.
    pub gap: Option<Duration>,
    /// Lifeline of the sender.
    pub from: usize,
    /// Lifeline at which it ends.
    pub to: usize,
    /// Lifelines that rewrote it between.
    pub via: Vec<usize>,
    /// Its protocol's name.
    pub proto: Rc<str>,
    /// What it says.
    pub label: String,
    /// More about it: options, numbers.
    pub note: String,
    /// Why it did not arrive.
    pub lost: Option<DropReason>,
    /// New states of the two ends of a TCP connection, where they change: lifeline and name.
    pub states: Vec<(usize, &'static str)>,
}

/// The ladder of frames that belong together, oldest first.
pub fn ladder(members: &[Rc<FrameEntry>], outcomes: &Outcomes, view: &LabView) -> Ladder {
    let messages = messages(members);
    let senders: Vec<NodeId> =
        messages.iter().filter_map(|message| message.first()).map(|first| first.sent.from.node).collect();
    let mut ladder = Ladder { more: messages.len().saturating_sub(ARROWS_MAX), ..Ladder::default() };
    let mut tcp = Tcp::default();
    for message in messages.iter().take(ARROWS_MAX) {
        let steps = steps_of(message, outcomes, view, None);
        let Some(first) = steps.first() else { continue };
        let (end, lost) = end_of(&steps, &senders);
        let path = path(&steps, end);
        let line = |ladder: &mut Ladder, node: NodeId| {
            ladder.lifelines.iter().position(|known| *known == node).unwrap_or_else(|| {
                ladder.lifelines.push(node);
                ladder.lifelines.len() - 1
            })
        };
        let from = line(&mut ladder, first.entry.sent.from.node);
        let via = rewriters(&steps, &path).into_iter().map(|node| line(&mut ladder, node)).collect::<Vec<_>>();
        let to = line(&mut ladder, steps[end].entry.sent.to.node);
        let entry = &first.entry;
        let gap = ladder.arrows.last().map(|before| entry.time.since(before.time));
        let (label, note) = words(entry, &mut tcp, from);
        let states = if lost.is_none() { tcp.states(entry.decoded(), from, to) } else { Vec::new() };
        ladder.arrows.push(Arrow {
            seq: entry.seq,
            frames: message.iter().map(|entry| entry.seq).collect(),
            time: entry.time,
            gap,
            from,
            to,
            via: via.into_iter().filter(|line| *line != from && *line != to).collect(),
            proto: entry.summary().proto.as_str().into(),
            label,
            note,
            lost,
            states,
        });
    }
    ladder
}

/// Frames by the packet they come from.
fn messages(members: &[Rc<FrameEntry>]) -> Vec<Vec<&Rc<FrameEntry>>> {
    let mut at: BTreeMap<FrameId, (usize, &Rc<FrameEntry>)> = BTreeMap::new();
    let mut messages: Vec<Vec<&Rc<FrameEntry>>> = Vec::new();
    for entry in members {
        let own = at.get(&entry.sent.frame).map(|(index, _)| *index);
        // An answer names what it answers; it is a message of its own.
        let parent = || entry.sent.parent.and_then(|parent| at.get(&parent));
        let rewritten = || parent().filter(|(_, before)| !answers(before.decoded(), entry.decoded()));
        let index = own.or_else(|| rewritten().map(|(index, _)| *index)).unwrap_or_else(|| {
            messages.push(Vec::new());
            messages.len() - 1
        });
        at.entry(entry.sent.frame).or_insert((index, entry));
        messages[index].push(entry);
    }
    messages
}

/// The step at which a message ends, and why it did not arrive. Of several takers the one that speaks too.
fn end_of(steps: &[Step], senders: &[NodeId]) -> (usize, Option<DropReason>) {
    let taken = |step: &&Step| {
        step.after.iter().any(|outcome| {
            matches!(
                outcome.what,
                What::Decided(Decision::Delivered { .. } | Decision::Answered { .. } | Decision::Reassembled { .. })
            )
        })
    };
    let index =
        |found: Option<&Step>| found.and_then(|found| steps.iter().position(|step| step.entry.seq == found.entry.seq));
    let speaks = |step: &&Step| senders.contains(&step.entry.sent.to.node);
    let arrived =
        index(steps.iter().rev().filter(taken).find(speaks)).or_else(|| index(steps.iter().rev().find(taken)));
    if let Some(at) = arrived {
        return (at, None);
    }
    let dropped = |step: &Step| {
        step.after.iter().find_map(|outcome| match outcome.what {
            What::Dropped(reason) if !is_copy(reason) => Some(reason),
            _ => None,
        })
    };
    let lost = steps.iter().enumerate().rev().find_map(|(at, step)| dropped(step).map(|reason| (at, Some(reason))));
    lost.unwrap_or_else(|| {
        // Perhaps it is still on its way.
        let towards = steps.iter().rposition(|step| speaks(&step));
        (towards.unwrap_or(steps.len().saturating_sub(1)), None)
    })
}

/// Reasons that end copies nobody wanted.
fn is_copy(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::NotForThisMac
            | DropReason::ForAnotherMachine
            | DropReason::PromiscuousDenied
            | DropReason::SamePort
    )
}

/// The steps that lead to `end`, the first one first.
fn path(steps: &[Step], end: usize) -> Vec<usize> {
    let mut path = vec![end];
    while let Some(prev) = path.last().and_then(|at| steps.get(*at)).and_then(|step| step.prev) {
        path.push(prev);
    }
    path.reverse();
    path
}

/// Machines on the path that changed addresses: NATs. Plain routers would only widen the picture.
fn rewriters(steps: &[Step], path: &[usize]) -> Vec<NodeId> {
    let pairs = path.windows(2).filter_map(|pair| Some((steps.get(pair[0])?, steps.get(pair[1])?)));
    let translated = pairs.filter(|(before, after)| {
        let (a, b) = (Headers::read(before.entry.bytes()), Headers::read(after.entry.bytes()));
        a.zip(b).is_some_and(|(a, b)| a.translated(&b))
    });
    translated.map(|(before, _)| before.entry.sent.to.node).collect()
}

/// What a message says, and more about it.
fn words(entry: &FrameEntry, tcp: &mut Tcp, from: usize) -> (String, String) {
    let decoded = entry.decoded();
    let get = |key: &str| decoded.get(key);
    if decoded.has("DHCP") && !decoded.has("ICMP") {
        let some =
            |name: &str, key: &str| get(key).filter(|value| *value != "0.0.0.0").map(|value| format!("{name} {value}"));
        let note = [
            some("your", "dhcp.ip.your"),
            some("requested", "dhcp.option.requested_ip_address"),
            some("server", "dhcp.option.dhcp_server_id"),
            some("mask", "dhcp.option.subnet_mask"),
            some("router", "dhcp.option.router"),
            some("DNS", "dhcp.option.domain_name_server"),
            some("lease", "dhcp.option.ip_address_lease_time"),
        ];
        return (
            format!("DHCP {}", get("dhcp.option.dhcp").unwrap_or("?")),
            note.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        );
    }
    if decoded.has("TCP") && !decoded.has("ICMP") {
        return (format!("[{}]", get("tcp.flags").unwrap_or_default()), tcp.numbers(decoded, from));
    }
    let text = &entry.summary().text;
    match entry.summary().proto.as_str() {
        "ARP" if text.starts_with("who-has") => {
            let asker = get("arp.src.proto_ipv4").unwrap_or_default();
            (format!("who-has {}", get("arp.dst.proto_ipv4").unwrap_or_default()), format!("tell {asker}"))
        }
        "ARP" => ("is-at".to_owned(), get("arp.src.hw_mac").unwrap_or_default().to_owned()),
        "ICMP" => {
            let word = get("icmp.type").and_then(|kind| kind.split(" (").next()).unwrap_or_default();
            let note = get("icmp.seq").map(|seq| format!("seq {seq}")).unwrap_or_default();
            (word.to_owned(), note)
        }
        "DNS" => {
            let answers: Vec<_> =
                decoded.layers.iter().flat_map(|layer| &layer.fields).filter(|field| field.key == "dns.a").collect();
            let addrs = answers.iter().map(|field| field.value.clone()).collect::<Vec<_>>().join(", ");
            (
                format!("DNS {}", get("dns.flags").unwrap_or("query")),
                format!("{} {addrs}", get("dns.qry.name").unwrap_or_default()),
            )
        }
        _ => (text.clone(), String::new()),
    }
}

/// A TCP connection, followed through its segments: numbers from each side's first, states of both ends.
#[derive(Debug, Default)]
struct Tcp {
    /// First sequence number by lifeline.
    first: BTreeMap<usize, u32>,
    state: BTreeMap<usize, &'static str>,
    /// The number after a FIN, by the lifeline that sent it.
    fin: BTreeMap<usize, u32>,
}

impl Tcp {
    fn numbers(&mut self, decoded: &Decoded, from: usize) -> String {
        let number = |key: &str| decoded.get(key).and_then(|value| value.parse::<u32>().ok());
        let (Some(seq), Some(ack)) = (number("tcp.seq_raw"), number("tcp.ack_raw")) else { return String::new() };
        let base = *self.first.entry(from).or_insert(seq);
        let mut text = format!("seq {}", seq.wrapping_sub(base));
        if decoded.get("tcp.flags").is_some_and(|flags| flags.contains("ACK")) {
            let other = self.first.iter().find(|(line, _)| **line != from).map(|(_, base)| *base);
            text.push_str(&format!(" ack {}", ack.wrapping_sub(other.unwrap_or(ack.wrapping_sub(1)))));
        }
        match decoded.payload_len() {
            0 => text,
            len => format!("{text} · {len} B"),
        }
    }

    /// What the two ends are in after this segment, where that is new (RFC 9293, figure 5).
    fn states(&mut self, decoded: &Decoded, from: usize, to: usize) -> Vec<(usize, &'static str)> {
        let Some(flags) = decoded.get("tcp.flags").filter(|_| !decoded.has("ICMP")) else { return Vec::new() };
        let has = |flag: &str| flags.split(", ").any(|set| set == flag);
        let number = |key: &str| decoded.get(key).and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
        let of = |tcp: &Self, line: usize| tcp.state.get(&line).copied().unwrap_or("");
        let mut new = Vec::new();
        let (mut a, mut b) = (of(self, from), of(self, to));
        if has("RST") {
            (a, b) = ("CLOSED", "CLOSED");
        } else if has("SYN") {
            (a, b) = if has("ACK") { ("SYN-RECV", "ESTAB") } else { ("SYN-SENT", "SYN-RECV") };
        } else {
            if has("ACK") && b == "SYN-RECV" {
                b = "ESTAB";
            }
            // Its FIN is acknowledged.
            if has("ACK") && self.fin.get(&to).is_some_and(|fin| *fin == number("tcp.ack_raw")) {
                b = match b {
                    "FIN-WAIT-1" => "FIN-WAIT-2",
                    "LAST-ACK" => "CLOSED",
                    "CLOSING" => "TIME-WAIT",
                    other => other,
                };
            }
            if has("FIN") && !self.fin.contains_key(&from) {
                self.fin.insert(from, number("tcp.seq_raw").wrapping_add(decoded.payload_len() as u32 + 1));
                a = if a == "CLOSE-WAIT" { "LAST-ACK" } else { "FIN-WAIT-1" };
                b = match b {
                    "FIN-WAIT-1" => "CLOSING",
                    "FIN-WAIT-2" => "TIME-WAIT",
                    _ => "CLOSE-WAIT",
                };
            }
        }
        for (line, state) in [(from, a), (to, b)] {
            if !state.is_empty() && self.state.insert(line, state) != Some(state) {
                new.push((line, state));
            }
        }
        new
    }
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
