//! A cable: what it does to frames.

use netmodes_core::id::{LinkId, Port};
use netmodes_core::limits::LINK_QUEUE_FRAMES_MAX;
use netmodes_core::view::{LabView, LinkRow, NodeKind};
use netmodes_core::world::{CableState, Command, LinkSetting};

use super::read::{Reader, check, or_empty, print_scaled, stands};
use super::sheet::{Choice, Field, Form, Kind, Sheet, Words};
use super::{Change, Look};
use crate::store::edit::Plan;

/// Longest delay and jitter, in microseconds.
const MICROS_MAX: u64 = 60_000_000;

/// A machine's interface at an end of a cable: the machine's and the interface's name.
fn machine_end(view: &LabView, port: Port) -> Option<(String, String)> {
    let iface = view.ifaces.get(&(port.node, port.index))?;
    Some((view.nodes.get(&port.node)?.name.clone(), iface.name.clone()))
}

/// An end as commands name it: `host:eth0`, a switch's port `office:3`; none for an engine's.
fn end(view: &LabView, port: Port) -> Option<String> {
    if let Some((machine, iface)) = machine_end(view, port) {
        return Some(format!("{machine}:{iface}"));
    }
    let node = view.nodes.get(&port.node)?;
    (node.kind == NodeKind::Switch).then(|| format!("{}:{}", node.name, port.index))
}

/// The one end that names the cable: a switch's port, where there is one, since the hypervisor's bridge may stand between
/// a host's card and the cable that its name means.
fn name(view: &LabView, link: &LinkRow) -> Option<String> {
    let is_switch = |port: &Port| view.nodes.get(&port.node).is_some_and(|node| node.kind == NodeKind::Switch);
    let mut ends = [link.a, link.b];
    ends.sort_by_key(|port| !is_switch(port));
    ends.into_iter().find_map(|port| end(view, port))
}

/// What a student calls an end: the machine and its interface, else the node.
pub(super) fn spoken(view: &LabView, port: Port) -> String {
    let node = || view.nodes.get(&port.node).map(|node| node.name.clone()).unwrap_or_default();
    machine_end(view, port).map_or_else(node, |(machine, iface)| format!("{machine} {iface}"))
}

/// The ends from which a cable can be broken: machines'. The hypervisor's own piece between a host and its bridge is
/// left out: the host's name means the cable outside.
fn breakable(view: &LabView, link: &LinkRow) -> Vec<(usize, String, String)> {
    let inner = |own: Port, other: Port| {
        let host = view.nodes.get(&own.node).is_some_and(|node| node.kind == NodeKind::Host);
        host && view.nodes.get(&other.node).is_some_and(|node| node.host == Some(own.node))
    };
    let ends = [(0, link.a, link.b), (1, link.b, link.a)];
    let named = ends.into_iter().filter(|(_, own, other)| !inner(*own, *other));
    named.filter_map(|(at, own, _)| machine_end(view, own).map(|(machine, iface)| (at, machine, iface))).collect()
}

/// How the cable is now, as the field's value.
fn state(link: &LinkRow) -> &'static str {
    match (link.up, link.mute) {
        (false, _) => "off",
        (true, [true, true]) => "mute",
        (true, [true, false]) => "mute-a",
        (true, [false, true]) => "mute-b",
        (true, [false, false]) => "on",
    }
}

struct Now {
    delay: String,
    jitter: String,
    rate: String,
    loss: String,
    queue: String,
}

impl Now {
    fn of(link: &LinkRow) -> Self {
        Self {
            delay: print_scaled(link.delay_ns / 1_000, 1_000),
            jitter: print_scaled(link.jitter_ns / 1_000, 1_000),
            rate: or_empty(link.rate_bps.map(|rate| print_scaled(rate, 1_000_000))),
            loss: print_scaled(u64::from(link.loss_ppm), 10_000),
            queue: link.queue_frames.unwrap_or(LINK_QUEUE_FRAMES_MAX as u32).to_string(),
        }
    }
}

/// A cable's sheet.
pub(super) fn sheet(id: LinkId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let link = view.links.get(&id)?;
    let title = Words::key("edit-link-title").with("a", spoken(view, link.a)).with("b", spoken(view, link.b));
    let mut sheet = Sheet::new(title, Words::key("edit-link-what"));
    let now = Now::of(link);
    let mut fields = Vec::new();
    let ends = breakable(view, link);
    if ends.is_empty() {
        fields.push(Field::new("up", "edit-link-up", Kind::Check, check(link.up)));
    } else {
        let mut states = vec![
            Choice::new("on", Words::key("edit-link-on")),
            Choice::new("off", Words::key("edit-link-off")),
            Choice::new("mute", Words::key("edit-link-mute")),
        ];
        states.extend(ends.iter().map(|(at, machine, _)| {
            let value = if *at == 0 { "mute-a" } else { "mute-b" };
            Choice::new(value, Words::key("edit-link-mute-end").with("machine", machine))
        }));
        let field = Field::new("state", "edit-link-state", Kind::Choice(states), state(link));
        fields.push(field.hint(Words::key("edit-link-state-hint")));
    }
    let number = |key, label, value: &str| Field::new(key, label, Kind::Number, value);
    fields.push(number("loss", "edit-loss", &now.loss).unit("unit-percent").hint(Words::key("edit-loss-hint")));
    fields.push(number("delay", "edit-delay", &now.delay).unit("unit-ms").hint(Words::key("edit-delay-hint")));
    fields.push(number("jitter", "edit-jitter", &now.jitter).unit("unit-ms").hint(Words::key("edit-jitter-hint")));
    fields.push(number("rate", "edit-rate", &now.rate).unit("unit-mbit").hint(Words::key("edit-rate-hint")));
    let no_rate = stands(look.draft, "rate", &now.rate).is_empty().then(|| Words::key("edit-queue-no-rate"));
    let hint = Words::key("edit-queue-hint").with("max", LINK_QUEUE_FRAMES_MAX);
    fields.push(number("queue", "edit-queue", &now.queue).unit("unit-frames").hint(hint).locked(no_rate));
    let locked = name(view, link).is_none().then(|| Words::key("edit-link-inner"));
    sheet.form = Some(Form { fields, apply: "edit-apply", locked });
    Some(sheet)
}

/// What a cable's form comes to.
pub(super) fn change(id: LinkId, look: Look<'_>) -> Change {
    let Some(link) = look.view.links.get(&id) else { return Change::default() };
    let Some(a) = name(look.view, link) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let now = Now::of(link);
    let small = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    let no_rate = reader.changed("rate", &now.rate).is_some_and(str::is_empty);
    let setting = LinkSetting {
        delay_us: small(reader.scaled("delay", &now.delay, 1_000, (1, MICROS_MAX))),
        jitter_us: small(reader.scaled("jitter", &now.jitter, 1_000, (0, MICROS_MAX))),
        rate_bps: if no_rate {
            Some(0)
        } else {
            reader.scaled("rate", &now.rate, 1_000_000, (1_000, 1_000_000_000_000))
        },
        loss_ppm: small(reader.scaled("loss", &now.loss, 10_000, (0, 1_000_000))),
        queue_frames: small(
            reader
                .changed("queue", &now.queue)
                .map(str::to_owned)
                .and_then(|text| reader.number("queue", text, 1, LINK_QUEUE_FRAMES_MAX as u64)),
        ),
        up: reader.turned("up", link.up),
    };
    let mut commands = Vec::new();
    if setting != LinkSetting::default() {
        commands.push(Command::Link { a, b: None, setting });
    }
    let ends = breakable(look.view, link);
    let wanted = reader.changed("state", state(link));
    if let (Some(wanted), Some((_, machine, iface))) = (wanted, ends.first()) {
        let at = |end: usize| ends.iter().find(|(at, ..)| *at == end).map(|(_, m, i)| (m.clone(), i.clone()));
        let first = || Some((machine.clone(), iface.clone()));
        let (end, state) = match wanted {
            "off" => (first(), CableState::Off),
            "mute" => (first(), CableState::Mute),
            "mute-a" => (at(0), CableState::MuteTx),
            "mute-b" => (at(1), CableState::MuteTx),
            _ => (first(), CableState::On),
        };
        commands.extend(end.map(|(machine, iface)| Command::Cable { machine, iface, state }));
    }
    reader.finish(Change { plan: Plan { commands, ..Plan::default() }, ..Change::default() })
}
