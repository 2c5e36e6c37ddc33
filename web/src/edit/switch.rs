//! A switch and its ports: spanning tree, ageing, port security.

use netmodes_core::addr::MacAddr;
use netmodes_core::id::NodeId;
use netmodes_core::lab::SecuritySpec;
use netmodes_core::limits::PORT_SECURITY_MACS_MAX;
use netmodes_core::switch::{PORT_PRIORITY_MAX, PortState, Violation};
use netmodes_core::view::{BridgePortRow, LabView, PortSecurityRow};
use netmodes_core::world::{Command, SwitchSetting};

use super::link::spoken;
use super::read::{Reader, check, stands};
use super::sheet::{Button, Choice, Field, Form, Item, Kind, List, Sheet, Words};
use super::{Change, Look};
use crate::store::EditTarget;
use crate::store::edit::Plan;

fn name(view: &LabView, switch: NodeId) -> String {
    view.nodes.get(&switch).map(|node| node.name.clone()).unwrap_or_default()
}

/// What is at the other end of a port's cable.
fn across(view: &LabView, switch: NodeId, port: u32) -> String {
    let own = |at: netmodes_core::id::Port| at.node == switch && at.index == port;
    let other = view.links.values().find_map(|link| match (own(link.a), own(link.b)) {
        (true, _) => Some(link.b),
        (_, true) => Some(link.a),
        _ => None,
    });
    other.map(|port| spoken(view, port)).unwrap_or_default()
}

const fn state_key(state: PortState) -> &'static str {
    match state {
        PortState::Disabled => "edit-port-disabled",
        PortState::Blocking => "edit-port-blocking",
        PortState::Listening => "edit-port-listening",
        PortState::Learning => "edit-port-learning",
        PortState::Forwarding => "edit-port-forwarding",
    }
}

fn is_shut(row: &BridgePortRow) -> bool {
    row.security.as_ref().is_some_and(|security| security.shut)
}

fn open(view: &LabView, row: &BridgePortRow) -> Button {
    let setting = SwitchSetting::Open { port: row.port.to_string() };
    let commands = vec![Command::Switch { switch: name(view, row.switch), setting }];
    Button::apply(Words::key("edit-port-open"), Plan { commands, ..Plan::default() })
}

fn item(view: &LabView, row: &BridgePortRow) -> Item {
    let mut detail = vec![Words::key(if is_shut(row) { "edit-port-shut" } else { state_key(row.state) })];
    if row.security.is_some() {
        detail.push(Words::key("edit-port-secured"));
    }
    Item {
        name: Words::key("edit-port-name").with("port", row.port).with("to", across(view, row.switch, row.port)),
        detail: Words::Joined(detail, " · "),
        open: Some(EditTarget::SwitchPort(row.switch, row.port)),
        buttons: if is_shut(row) { vec![open(view, row)] } else { Vec::new() },
    }
}

/// The times of the form: key, label, hint, and bounds in seconds.
const TIMES: [(&str, &str, &str, u64, u64); 3] = [
    ("hello", "edit-hello", "edit-hello-hint", 1, 10),
    ("forward-delay", "edit-forward-delay", "edit-forward-delay-hint", 2, 30),
    ("max-age", "edit-max-age", "edit-max-age-hint", 6, 40),
];

/// A switch's sheet.
pub(super) fn sheet(switch: NodeId, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let row = view.bridges.get(&switch)?;
    let mut sheet =
        Sheet::new(Words::key("edit-switch-title").with("name", name(view, switch)), Words::key("edit-switch-what"));
    let ports = view.bridge_ports.range((switch, 0)..=(switch, u32::MAX)).map(|(_, row)| item(view, row));
    sheet.lists.push(List { title: "edit-ports", items: ports.collect(), empty: "edit-ports-none", add: None });
    let stp = row.stp;
    let number = |key, label, value: u64| Field::new(key, label, Kind::Number, value);
    let ageing = number("ageing", "edit-ageing", u64::from(row.ageing_secs)).unit("unit-s");
    let mut fields = vec![
        ageing.hint(Words::key("edit-ageing-hint")),
        Field::new("stp", "edit-stp", Kind::Check, check(stp)).hint(Words::key("edit-stp-hint")),
    ];
    if !stands(look.draft, "stp", check(stp)).is_empty() {
        let priority = number("priority", "edit-priority", u64::from(row.bridge_id.priority));
        fields.push(priority.hint(Words::key("edit-priority-hint")));
        for ((key, label, hint, ..), ms) in TIMES.into_iter().zip(own_times(row)) {
            fields.push(number(key, label, u64::from(ms / 1_000)).unit("unit-s").hint(Words::key(hint)));
        }
    }
    sheet.form = Some(Form { fields, apply: "edit-apply", locked: None });
    Some(sheet)
}

/// Hello, forward delay and maximum age in the order of [`TIMES`].
fn own_times(row: &netmodes_core::view::BridgeRow) -> [u32; 3] {
    row.own_times_ms
}

/// What a switch's form comes to.
pub(super) fn change(switch: NodeId, look: Look<'_>) -> Change {
    let Some(row) = look.view.bridges.get(&switch) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let mut settings = Vec::new();
    let number = |reader: &mut Reader<'_>, key: &'static str, now: u64, min: u64, max: u64| {
        let text = reader.changed(key, &now.to_string())?.to_owned();
        reader.number(key, text, min, max).and_then(|value| u32::try_from(value).ok())
    };
    if let Some(secs) = number(&mut reader, "ageing", u64::from(row.ageing_secs), 1, 1_000_000) {
        settings.push(SwitchSetting::Ageing { secs });
    }
    settings.extend(reader.turned("stp", row.stp).map(|on| SwitchSetting::Stp { on }));
    if let Some(value) = number(&mut reader, "priority", u64::from(row.bridge_id.priority), 0, 65_535) {
        settings.push(SwitchSetting::Priority { value: u16::try_from(value).unwrap_or(u16::MAX) });
    }
    for ((key, _, _, min, max), ms) in TIMES.into_iter().zip(own_times(row)) {
        if let Some(secs) = number(&mut reader, key, u64::from(ms / 1_000), min, max) {
            settings.push(match key {
                "hello" => SwitchSetting::Hello { secs },
                "max-age" => SwitchSetting::MaxAge { secs },
                _ => SwitchSetting::ForwardDelay { secs },
            });
        }
    }
    reader.finish(plan_of(look.view, switch, settings))
}

fn plan_of(view: &LabView, switch: NodeId, settings: Vec<SwitchSetting>) -> Change {
    let switch = name(view, switch);
    let commands = settings.into_iter().map(|setting| Command::Switch { switch: switch.clone(), setting }).collect();
    Change { plan: Plan { commands, ..Plan::default() }, ..Change::default() }
}

const fn violation_word(violation: Violation) -> &'static str {
    match violation {
        Violation::Protect => "protect",
        Violation::Restrict => "restrict",
        Violation::Shutdown => "shutdown",
    }
}

const fn violation_key(violation: Violation) -> &'static str {
    match violation {
        Violation::Protect => "edit-violation-protect",
        Violation::Restrict => "edit-violation-restrict",
        Violation::Shutdown => "edit-violation-shutdown",
    }
}

const VIOLATIONS: [Violation; 3] = [Violation::Protect, Violation::Restrict, Violation::Shutdown];

/// Port security as the form shows it: that in force, else what is proposed.
fn security(row: &BridgePortRow) -> (u32, Violation, String) {
    let lines =
        |security: &PortSecurityRow| security.allowed.iter().map(MacAddr::to_string).collect::<Vec<_>>().join("\n");
    row.security.as_ref().map_or((1, Violation::Shutdown, String::new()), |s| (s.max, s.violation, lines(s)))
}

/// The upper six bits of a port's identifier (IEEE 802.1D: priority and number).
const fn priority(row: &BridgePortRow) -> u16 {
    row.port_id >> 10
}

/// A port's sheet.
pub(super) fn port_sheet(switch: NodeId, port: u32, look: Look<'_>) -> Option<Sheet> {
    let view = look.view;
    let row = view.bridge_ports.get(&(switch, port))?;
    let title = Words::key("edit-port-title").with("port", port).with("name", name(view, switch));
    let mut sheet = Sheet::new(title, Words::key("edit-port-what").with("to", across(view, switch, port)));
    sheet.notes.push(Words::key(if is_shut(row) { "edit-port-shut" } else { state_key(row.state) }));
    if let Some(foreign) = row.security.as_ref().and_then(|security| security.foreign) {
        sheet.notes.push(Words::key("edit-port-foreign").with("mac", foreign));
    }
    if is_shut(row) {
        sheet.buttons.push(open(view, row));
    }
    let secured = row.security.is_some();
    let hint = Words::key("edit-security-hint");
    let mut fields = vec![Field::new("security", "edit-security", Kind::Check, check(secured)).hint(hint)];
    if !stands(look.draft, "security", check(secured)).is_empty() {
        let (max, violation, allowed) = security(row);
        let hint = Words::key("edit-security-max-hint").with("max", PORT_SECURITY_MACS_MAX);
        fields.push(Field::new("max", "edit-security-max", Kind::Number, max).hint(hint));
        let choice = |violation| Choice::new(violation_word(violation), Words::key(violation_key(violation)));
        let choices = Kind::Choice(VIOLATIONS.map(choice).to_vec());
        fields.push(Field::new("violation", "edit-violation", choices, violation_word(violation)));
        let field = Field::new("allowed", "edit-allowed", Kind::Lines, allowed).example("08:00:27:a1:b2:c3");
        fields.push(field.hint(Words::key("edit-allowed-hint")));
    }
    if view.bridges.get(&switch).is_some_and(|bridge| bridge.stp) {
        fields.push(Field::new("cost", "edit-cost", Kind::Number, row.cost).hint(Words::key("edit-cost-hint")));
        let field = Field::new("port-priority", "edit-port-priority", Kind::Number, priority(row));
        fields.push(field.hint(Words::key("edit-port-priority-hint")));
    }
    sheet.form = Some(Form { fields, apply: "edit-apply", locked: None });
    Some(sheet)
}

/// What a port's form comes to.
pub(super) fn port_change(switch: NodeId, port: u32, look: Look<'_>) -> Change {
    let Some(row) = look.view.bridge_ports.get(&(switch, port)) else { return Change::default() };
    let mut reader = Reader::new(look.draft);
    let name = || port.to_string();
    let mut settings = Vec::new();
    let (max, violation, allowed) = security(row);
    let before = row.security.is_some().then_some((max, violation, allowed.clone()));
    let wanted = !stands(look.draft, "security", check(row.security.is_some())).is_empty();
    if wanted {
        let new_max = reader.number("max", max, 1, u64::from(PORT_SECURITY_MACS_MAX)).unwrap_or_default();
        let new_max = u32::try_from(new_max).unwrap_or_default();
        let word = stands(look.draft, "violation", violation_word(violation));
        let new_violation = VIOLATIONS.into_iter().find(|known| violation_word(*known) == word).unwrap_or(violation);
        let macs: Vec<MacAddr> = reader.lines("allowed", &allowed, "edit-mac-line", |line| line.parse().ok());
        if macs.len() as u64 > u64::from(new_max) {
            reader.refuse("max", super::read::range(macs.len(), PORT_SECURITY_MACS_MAX));
        }
        let lines = macs.iter().map(MacAddr::to_string).collect::<Vec<_>>().join("\n");
        if before != Some((new_max, new_violation, lines)) {
            let spec = SecuritySpec { max: new_max, allowed: macs, violation: new_violation };
            settings.push(SwitchSetting::Security { port: name(), security: Some(spec) });
        }
    } else if row.security.is_some() {
        settings.push(SwitchSetting::Security { port: name(), security: None });
    }
    if let Some(text) = reader.changed("cost", &row.cost.to_string()).map(str::to_owned) {
        let cost = reader.number_or_none("cost", text, 1, 65_535).and_then(|cost| u32::try_from(cost).ok());
        settings.push(SwitchSetting::Cost { port: name(), cost });
    }
    if let Some(text) = reader.changed("port-priority", &priority(row).to_string()).map(str::to_owned) {
        let value = reader.number("port-priority", text, 0, u64::from(PORT_PRIORITY_MAX));
        settings.extend(
            value
                .and_then(|value| u8::try_from(value).ok())
                .map(|value| SwitchSetting::PortPriority { port: name(), value }),
        );
    }
    reader.finish(plan_of(look.view, switch, settings))
}
