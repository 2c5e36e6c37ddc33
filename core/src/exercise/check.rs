//! The evaluation of one [`Check`] over events and tables.

use core::net::{IpAddr, Ipv4Addr};

use super::fields::frame_fields;
use super::format::*;
use super::progress::Note;
use crate::addr::Cidr;
use crate::event::{Event, Fact, FrameSent, Stream};
use crate::id::{JobId, NodeId, Port};
use crate::lab::CableEnd;
use crate::view::{DhcpClientState, LabView, LeaseRow};

/// Characters of one line of output that are kept while it is not complete.
const LINE_CHARS_MAX: usize = 4_096;

/// A check with what it remembers.
#[derive(Clone, Debug)]
pub(super) struct Node {
    check: Check,
    children: Vec<Node>,
    /// Since which event it holds; none while it does not.
    pub(super) since: Option<u64>,
    /// At which event it held first.
    first: Option<u64>,
    memory: Memory,
}

/// What a check over history remembers.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Frames that matched.
    count: u32,
    /// Of a question about a frame: the field's last value; then those of the wrong answers.
    captured: Vec<Option<String>>,
    /// Commands that run and would count, with the machine.
    running: Vec<(NodeId, JobId)>,
    /// The last exit status that was not the wanted one.
    status: Option<i32>,
    /// A line of output that has not ended.
    line: String,
    /// The last answer that was given.
    given: Option<String>,
}

impl Node {
    pub(super) fn new(check: &Check) -> Self {
        let children = match check {
            Check::All(list) | Check::Any(list) => list.iter().map(Self::new).collect(),
            Check::Not(inner) => vec![Self::new(inner)],
            Check::Before(pair) => pair.iter().map(Self::new).collect(),
            _ => Vec::new(),
        };
        let mut memory = Memory::default();
        if let Check::Answer(answer) = check {
            memory.captured = vec![None; answer.wrongs.len() + 1];
        }
        Self { check: check.clone(), children, since: None, first: None, memory }
    }

    /// Takes one event in; `view` has it already.
    pub(super) fn apply(&mut self, event: &Event, view: &LabView) {
        self.children.iter_mut().for_each(|child| child.apply(event, view));
        match &event.fact {
            Fact::FrameSent(sent) => self.frame(sent, event.seq, view),
            Fact::JobStarted { node, job, line } => self.job_started(*node, *job, line, event.seq, view),
            Fact::JobEnded { node, job, status } => self.job_ended(*node, *job, *status, event.seq),
            Fact::Output(output) if output.stream == Stream::Stdout => {
                let text: String = output.spans.iter().map(|span| span.text.as_str()).collect();
                self.output(output.node, &text, event.seq, view);
            }
            Fact::Put { .. } | Fact::Del { .. } => self.tables(event.seq, view),
            _ => {}
        }
        self.combine(event.seq);
    }

    /// Looks at the tables as they are, without an event: after a snapshot.
    pub(super) fn look(&mut self, view: &LabView) {
        self.children.iter_mut().for_each(|child| child.look(view));
        self.tables(view.seq, view);
        self.combine(view.seq);
    }

    fn hold(&mut self, holds: bool, seq: u64) {
        self.since = holds.then(|| self.since.unwrap_or(seq));
        if self.first.is_none() {
            self.first = self.since;
        }
    }

    /// Checks over tables: they hold while the table says so.
    fn tables(&mut self, seq: u64, view: &LabView) {
        let holds = match &self.check {
            Check::Address(check) => addresses(check, view).any(|found| fits(check, found)),
            Check::Route(check) => gateways(check, view).any(|via| check.via.is_none() || check.via == via),
            Check::Lease(check) => lease(check, view).is_some(),
            _ => return,
        };
        self.hold(holds, seq);
    }

    fn combine(&mut self, seq: u64) {
        let holds = match &self.check {
            Check::All(_) => self.children.iter().all(|child| child.since.is_some()),
            Check::Any(_) => self.children.iter().any(|child| child.since.is_some()),
            Check::Not(_) => self.children.iter().all(|child| child.since.is_none()),
            Check::Before(_) => match self.children.as_slice() {
                [a, b] => a.first.zip(b.first).is_some_and(|(a, b)| a < b),
                _ => false,
            },
            _ => return,
        };
        self.hold(holds, seq);
    }

    fn frame(&mut self, sent: &FrameSent, seq: u64, view: &LabView) {
        match &self.check {
            Check::Frame(check) if matches(check, sent, view) => {
                self.memory.count = self.memory.count.saturating_add(1);
                let enough = self.memory.count >= check.count;
                self.hold(enough, seq);
            }
            Check::Answer(answer) => {
                let expects = core::iter::once(&answer.expect).chain(answer.wrongs.iter().map(|wrong| &wrong.expect));
                for (expect, slot) in expects.zip(&mut self.memory.captured) {
                    if let Expect::Field(field) = expect
                        && matches(&field.frame, sent, view)
                        && let Some(value) = frame_fields(&sent.bytes.0).remove(field.name.as_str())
                    {
                        *slot = Some(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn job_started(&mut self, node: NodeId, job: JobId, line: &str, seq: u64, view: &LabView) {
        if let Check::Ran(check) = &self.check
            && machine(view, &check.machine) == Some(node)
            && runs(line, &check.command)
        {
            if check.status.is_none() {
                self.hold(true, seq);
            } else if self.memory.running.len() < 64 {
                self.memory.running.push((node, job));
            }
        }
    }

    fn job_ended(&mut self, node: NodeId, job: JobId, status: i32, seq: u64) {
        if let Check::Ran(check) = &self.check
            && let Some(at) = self.memory.running.iter().position(|known| *known == (node, job))
        {
            self.memory.running.remove(at);
            if check.status == Some(status) {
                self.hold(true, seq);
            } else {
                self.memory.status = Some(status);
            }
        }
    }

    fn output(&mut self, node: NodeId, text: &str, seq: u64, view: &LabView) {
        if self.since.is_some() {
            return;
        }
        let Check::Output(check) = &self.check else { return };
        if machine(view, &check.machine) != Some(node) {
            return;
        }
        self.memory.line.push_str(text);
        let found = self.memory.line.contains(&check.contains);
        if let Some(end) = self.memory.line.rfind('\n') {
            self.memory.line.drain(..=end);
        }
        if self.memory.line.len() > LINE_CHARS_MAX {
            self.memory.line.clear();
        }
        if found {
            self.hold(true, seq);
        }
    }

    /// Takes an answer in. `Err` with the name of a known mistake; `None` when what it asks about has not happened.
    pub(super) fn answer(&mut self, given: &str, view: &LabView) -> Option<Result<(), Option<String>>> {
        let Check::Answer(check) = &self.check else {
            let verdict = self.children.iter_mut().find_map(|child| child.answer(given, view));
            self.combine(view.seq);
            return verdict;
        };
        let value = |at: usize, expect: &Expect| match expect {
            Expect::Value(value) => Some(value.clone()),
            Expect::Gateway(name) => gateway_of(name, view).map(|via| via.to_string()),
            Expect::Address(end) => address_of(end, view).map(|addr| addr.to_string()),
            Expect::Field(_) => self.memory.captured.get(at).cloned().flatten(),
        };
        let right = value(0, &check.expect)?;
        let said = normal(check.kind, given);
        let verdict = if said == normal(check.kind, &right) {
            Ok(())
        } else {
            let known = check.wrongs.iter().enumerate().find(|(at, wrong)| {
                value(at + 1, &wrong.expect).is_some_and(|value| normal(check.kind, &value) == said)
            });
            Err(known.map(|(_, wrong)| wrong.id.clone()))
        };
        self.memory.given = Some(given.chars().take(100).collect());
        if verdict.is_ok() {
            self.hold(true, view.seq);
        }
        Some(verdict)
    }

    /// What was seen that made it hold.
    pub(super) fn seen(&self, view: &LabView) -> Option<Note> {
        self.since?;
        Some(match &self.check {
            Check::Address(check) => {
                let found = addresses(check, view).find(|found| fits(check, *found))?;
                Note::new("goal-address-seen").with("machine", &check.machine).with("address", found.0)
            }
            Check::Route(check) => {
                let via = gateways(check, view).flatten().next();
                let via = via.map_or_else(|| "–".to_owned(), |via| via.to_string());
                Note::new("goal-route-seen").with("machine", &check.machine).with("to", check.to).with("via", via)
            }
            Check::Lease(check) => {
                Note::new("goal-lease-seen").with("machine", &check.machine).with("address", lease(check, view)?)
            }
            Check::Frame(check) => Note::new("goal-frame-seen").with("at", &check.at).with("count", self.memory.count),
            Check::Ran(check) => {
                Note::new("goal-ran-seen").with("machine", &check.machine).with("command", &check.command)
            }
            Check::Output(check) => Note::new("goal-output-seen").with("machine", &check.machine),
            Check::Answer(_) => {
                Note::new("goal-answer-right").with("given", self.memory.given.as_deref().unwrap_or_default())
            }
            Check::All(_) | Check::Any(_) | Check::Before(_) => {
                return self.children.iter().rev().find_map(|child| child.seen(view));
            }
            Check::Not(_) => return None,
        })
    }

    /// Why it does not hold.
    pub(super) fn missing(&self, view: &LabView) -> Option<Note> {
        if self.since.is_some() {
            return None;
        }
        Some(match &self.check {
            Check::Address(check) => address_missing(check, view),
            Check::Route(check) => match (gateways(check, view).flatten().next(), check.via) {
                (Some(found), Some(via)) => Note::new("goal-route-other")
                    .with("machine", &check.machine)
                    .with("to", check.to)
                    .with("found", found)
                    .with("via", via),
                _ => Note::new("goal-route-missing").with("machine", &check.machine).with("to", check.to),
            },
            Check::Lease(check) => lease_missing(check, view),
            Check::Frame(check) if self.memory.count > 0 => Note::new("goal-frame-more")
                .with("at", &check.at)
                .with("seen", self.memory.count)
                .with("count", check.count),
            Check::Frame(check) => {
                let fields: Vec<_> = check.fields.iter().map(|(name, value)| format!("{name} == {value}")).collect();
                Note::new("goal-frame-missing").with("at", &check.at).with("fields", fields.join(" && "))
            }
            Check::Ran(check) => {
                let note = match self.memory.status {
                    Some(status) => Note::new("goal-ran-status").with("status", status),
                    None => Note::new("goal-ran-missing"),
                };
                note.with("machine", &check.machine).with("command", &check.command)
            }
            Check::Output(check) => {
                Note::new("goal-output-missing").with("machine", &check.machine).with("text", &check.contains)
            }
            Check::Answer(_) => match &self.memory.given {
                Some(given) => Note::new("goal-answer-wrong").with("given", given),
                None => Note::new("goal-answer-missing"),
            },
            Check::All(_) | Check::Any(_) => return self.children.iter().find_map(|child| child.missing(view)),
            Check::Not(_) => Note::new("goal-not"),
            Check::Before(_) => {
                let missing = self.children.iter().find_map(|child| child.missing(view));
                return Some(missing.unwrap_or_else(|| Note::new("goal-order")));
            }
        })
    }
}

/// The machine's identity.
fn machine(view: &LabView, name: &str) -> Option<NodeId> {
    view.nodes.values().find(|row| row.name == name).map(|row| row.id)
}

/// An address found: the address, its interface's name, whether DHCP set it.
type Found = (Cidr, String, bool);

/// The machine's IPv4 addresses, the loopback's left out.
fn addresses<'a>(check: &'a AddressCheck, view: &'a LabView) -> impl Iterator<Item = (Cidr, &'a str, bool)> + 'a {
    let node = machine(view, &check.machine);
    view.addrs.values().filter(move |row| Some(row.node) == node).filter_map(move |row| {
        let iface = view.ifaces.get(&(row.node, row.iface))?;
        match row.addr {
            IpAddr::V4(addr) if !iface.loopback => {
                Some((Cidr::new(addr, row.prefix), iface.name.as_str(), row.dynamic))
            }
            _ => None,
        }
    })
}

fn fits(check: &AddressCheck, (cidr, iface, dynamic): (Cidr, &str, bool)) -> bool {
    check.iface.as_ref().is_none_or(|wanted| wanted == iface)
        && check.within.is_none_or(|net| net.contains(cidr.addr))
        && check.dynamic.is_none_or(|wanted| wanted == dynamic)
}

fn address_missing(check: &AddressCheck, view: &LabView) -> Note {
    let found: Option<Found> =
        addresses(check, view).next().map(|(cidr, name, dynamic)| (cidr, name.to_owned(), dynamic));
    let note = match found {
        None => Note::new("goal-address-missing"),
        Some((cidr, iface, dynamic)) => {
            let by_hand = check.dynamic == Some(true) && !dynamic;
            let code = if by_hand { "goal-address-by-hand" } else { "goal-address-other" };
            Note::new(code).with("found", cidr).with("iface", iface)
        }
    };
    let note = note.with("machine", &check.machine);
    check.within.map_or(note.clone(), |net| note.with("within", net))
}

/// Gateways of the machine's routes to that destination.
fn gateways<'a>(check: &'a RouteCheck, view: &'a LabView) -> impl Iterator<Item = Option<Ipv4Addr>> + 'a {
    let node = machine(view, &check.machine);
    view.routes.values().filter(move |row| Some(row.node) == node && row.dst == check.to.0).map(|row| row.via)
}

/// The address of the machine's lease.
fn lease(check: &LeaseCheck, view: &LabView) -> Option<Ipv4Addr> {
    let node = machine(view, &check.machine)?;
    let ours = |mac| view.ifaces.values().any(|iface| iface.node == node && iface.mac == mac);
    // A real machine's card has a MAC of its own: what counts is who serves the other end of its cable.
    let served = |server| is_real(view, node) && neighbours(view, node).any(|other| other == server);
    let fits = |row: &&LeaseRow| row.state == check.state && (ours(row.mac) || served(row.server));
    view.leases.values().find(fits).map(|row| row.addr)
}

/// A real machine stands here: its inside is not visible.
fn is_real(view: &LabView, node: NodeId) -> bool {
    view.nodes.get(&node).is_some_and(|row| row.real)
}

/// The nodes at the other ends of a node's cables.
fn neighbours(view: &LabView, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    view.links.values().filter_map(move |link| match (link.a.node, link.b.node) {
        (a, b) if a == node => Some(b),
        (a, b) if b == node => Some(a),
        _ => None,
    })
}

fn lease_missing(check: &LeaseCheck, view: &LabView) -> Note {
    let node = machine(view, &check.machine);
    let client = view.dhcp_clients.values().find(|row| Some(row.node) == node);
    let code = match client.map(|row| row.state) {
        Some(DhcpClientState::Init | DhcpClientState::Selecting) => "goal-lease-asking",
        Some(DhcpClientState::Requesting | DhcpClientState::InitReboot) => "goal-lease-requested",
        _ => "goal-lease-missing",
    };
    Note::new(code).with("machine", &check.machine)
}

/// The gateway of the default route with the smallest metric.
fn gateway_of(name: &str, view: &LabView) -> Option<Ipv4Addr> {
    let node = machine(view, name)?;
    if is_real(view, node) {
        // Its routes cannot be seen; the router that its DHCP server hands out can.
        return neighbours(view, node)
            .find_map(|other| view.dhcp_servers.values().find(|row| row.node == other)?.router);
    }
    let defaults = view.routes.values().filter(|row| row.node == node && row.dst == Cidr::DEFAULT);
    defaults.min_by_key(|row| row.metric).and_then(|row| row.via)
}

fn address_of(end: &CableEnd, view: &LabView) -> Option<Ipv4Addr> {
    let check = AddressCheck { machine: end.node.clone(), iface: end.iface.clone(), within: None, dynamic: None };
    addresses(&check, view).find(|found| fits(&check, *found)).map(|(cidr, ..)| cidr.addr)
}

fn matches(check: &FrameCheck, sent: &FrameSent, view: &LabView) -> bool {
    let here =
        |port: Port| {
            machine(view, &check.at.node) == Some(port.node)
                && check.at.iface.as_ref().is_none_or(|name| {
                    view.ifaces.get(&(port.node, port.index)).is_some_and(|iface| &iface.name == name)
                })
        };
    let place = match check.direction {
        Direction::Out => here(sent.from),
        Direction::In => here(sent.to),
        Direction::Any => here(sent.from) || here(sent.to),
    };
    if !place {
        return false;
    }
    let fields = frame_fields(&sent.bytes.0);
    check.fields.iter().all(|(name, value)| fields.get(name.as_str()) == Some(value))
}

/// Whether a line runs a command that begins with these words; pipes and lists are looked through.
fn runs(line: &str, command: &str) -> bool {
    line.split(['|', ';', '&', '(', ')']).any(|part| {
        let mut words = part.split_whitespace().skip_while(|word| matches!(*word, "sudo" | "time" | "exec"));
        command.split_whitespace().all(|wanted| words.next() == Some(wanted))
    })
}

/// An answer in the form in which answers are compared.
fn normal(kind: AnswerKind, text: &str) -> String {
    let text = text.trim();
    match kind {
        // `10.0.2.15/24` is what `ip addr` prints: the prefix is not asked for.
        AnswerKind::Address => text.split('/').next().unwrap_or_default().trim().to_owned(),
        AnswerKind::Number => text.parse::<i64>().map_or_else(|_| text.to_owned(), |number| number.to_string()),
        AnswerKind::Choice => text.to_owned(),
        AnswerKind::Text => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
    }
}
