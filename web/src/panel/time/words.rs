//! What an input was, in words: for undo, for the marks on the track.

use netmodes_core::world::{CableState, Command};
use yew::AttrValue;

use crate::app::TextsHandle;

/// The words of a command: `vm1: dhclient -v`, `vm1: attach to Bridged`.
pub(super) fn of(texts: &TextsHandle, command: &Command) -> AttrValue {
    let with = |key: &str, args: &[(&str, String)]| AttrValue::from(texts.ui_with(key, args));
    match command {
        Command::Run { machine, line, .. } => AttrValue::from(format!("{machine}: {line}")),
        Command::Input { machine, text, .. } => {
            with("did-input", &[("machine", machine.clone()), ("text", text.trim_end().to_owned())])
        }
        Command::InputEnd { machine, .. } => AttrValue::from(format!("{machine}: Ctrl+D")),
        Command::Signal { machine, .. } => AttrValue::from(format!("{machine}: Ctrl+C")),
        Command::Attach { vm, mode, .. } => {
            let mode = texts.ui(&format!("mode-{}", mode.name())).to_string();
            with("did-attach", &[("vm", vm.clone()), ("mode", mode)])
        }
        Command::Cable { machine, iface, state } => {
            let key = match state {
                CableState::On => "did-cable-in",
                CableState::Off => "did-cable-out",
                CableState::Mute | CableState::MuteTx => "did-cable-mute",
            };
            with(key, &[("machine", machine.clone()), ("iface", iface.clone())])
        }
        other => with("did-other", &[("what", plain(other))]),
    }
}

/// A command's own words, for what has none of the page's: its kind and its texts.
fn plain(command: &Command) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(command) else { return String::new() };
    let kind = fields.get("c").and_then(|c| c.as_str()).unwrap_or_default().to_owned();
    let texts = fields.iter().filter(|(key, _)| *key != "c").filter_map(|(_, value)| value.as_str());
    texts.fold(kind, |words, text| words + " " + text)
}
