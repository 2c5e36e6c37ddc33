//! `netmodes sim`: runs a script in a simulated lab and prints what its commands printed. Lab time is all there is:
//! a run is over as soon as the world has lived through it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};

use lexopt::prelude::*;
use netmodes_core::event::{Event, Fact};
use netmodes_core::frame::PcapngWriter;
use netmodes_core::id::Port;
use netmodes_core::limits::SCRIPT_BYTES_MAX;
use netmodes_core::runner::script::{CommandResult, run_script};
use netmodes_core::script::Script;
use netmodes_core::view::Row;
use netmodes_core::world::World;

use crate::failure::{Failure, print};
use crate::labs::{self, at_line};
use crate::texts::Texts;
use crate::words::{Words, unexpected};

/// Standard input, as `--script` and messages call it.
const STDIN: &str = "-";

struct Options {
    lab: String,
    script: String,
    seed: u64,
    json: bool,
    pcap: Option<String>,
    trace: Option<String>,
}

/// `netmodes sim`.
pub(crate) fn sim(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    let options = read_options(words)?;
    let lab = labs::find(&options.lab, texts)?;
    let script = read_script(&options.script, texts)?;
    let world = World::new(&lab, options.seed).map_err(|error| {
        let message = texts.error(&error);
        Failure::usage(texts.say("file-error", &[("file", &options.lab), ("message", &message)]))
    })?;
    let keep_events = options.pcap.is_some() || options.trace.is_some();
    let report = run_script(world, &script, keep_events);
    print(&report.results.iter().map(if options.json { json } else { transcript }).collect::<String>())?;
    if let Some(file) = &options.trace {
        write(file, trace(&report.events).as_bytes(), texts)?;
    }
    if let Some(file) = &options.pcap {
        write(file, &pcapng(&report.events, &report.world), texts)?;
    }
    match report.failure {
        None => Ok(0),
        Some((line, error)) => Err(Failure::usage(at_line(&options.script, line, &texts.error(&error), texts))),
    }
}

fn read_options(words: &mut Words<'_>) -> Result<Options, Failure> {
    let texts = words.texts;
    let mut lab = None;
    let (mut script, mut seed, mut json, mut pcap, mut trace) = (STDIN.to_owned(), 1, false, None, None);
    while let Some(word) = words.next()? {
        match word {
            Long("lab") => lab = Some(words.text()?),
            Long("script") => script = words.text()?,
            Long("seed") => seed = words.number("--seed")?,
            Long("json") => json = true,
            Long("pcap") => pcap = Some(words.text()?),
            Long("trace") => trace = Some(words.text()?),
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    let lab = lab.ok_or_else(|| Failure::usage(texts.say("sim-lab-missing", &[])))?;
    Ok(Options { lab, script, seed, json, pcap, trace })
}

fn read_script(file: &str, texts: Texts) -> Result<Script, Failure> {
    let text = if file == STDIN { read_stdin(texts)? } else { labs::read_text(file, texts)? };
    Script::parse(&text).map_err(|error| Failure::usage(at_line(file, error.line, &texts.error(&error.error), texts)))
}

/// What standard input has; no more of it than tells that it is too much.
fn read_stdin(texts: Texts) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(SCRIPT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = io::stdin().lock().take(most).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::usage(texts.say("file-unreadable", &[("file", STDIN), ("message", &error.to_string())]))
    })?;
    Ok(text)
}

fn write(file: &str, bytes: &[u8], texts: Texts) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| {
        Failure::refused(texts.say("file-unwritable", &[("file", file), ("message", &error.to_string())]))
    })
}

/// One object a line, its fields in the order that readers rely on.
fn json(result: &CommandResult) -> String {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        machine: &'a str,
        command: &'a str,
        mode: &'a str,
        exit: i32,
        stdout: &'a str,
        stderr: &'a str,
        time_us: u64,
    }
    let CommandResult { machine, command, mode, exit, stdout, stderr, time_us } = result;
    let line = Line { machine, command, mode, exit: *exit, stdout, stderr, time_us: *time_us };
    // Texts and numbers only: this cannot fail.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// `vm1$ command`, then what it printed.
fn transcript(result: &CommandResult) -> String {
    let background = if result.mode == "bg" { " &" } else { "" };
    let mut text = format!("{}$ {}{background}\n", result.machine, result.command);
    for output in [&result.stdout, &result.stderr] {
        text.push_str(output);
        if !output.is_empty() && !output.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// Every event, one JSON object a line.
fn trace(events: &[Event]) -> String {
    let lines = events.iter().filter_map(|event| serde_json::to_string(event).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// Every frame once, at the interface that sent it.
fn pcapng(events: &[Event], world: &World) -> Vec<u8> {
    let mut writer = PcapngWriter::new();
    let mut names = Names::default();
    // What was there from the beginning may not have an event; what went since has no row.
    world.rows(false).iter().for_each(|row| names.learn(row));
    let mut interfaces = BTreeMap::new();
    for event in events {
        match &event.fact {
            Fact::Put { row } => names.learn(row),
            Fact::FrameSent(sent) => {
                let new = |writer: &mut PcapngWriter| writer.add_interface(&names.of(sent.from));
                let interface = *interfaces.entry(sent.from).or_insert_with(|| new(&mut writer));
                writer.packet(interface, event.time, &sent.bytes.0);
            }
            _ => {}
        }
    }
    writer.finish()
}

/// Names of ports: `vm1:enp0s3`; of a port without a name its number.
#[derive(Default)]
struct Names {
    nodes: BTreeMap<netmodes_core::id::NodeId, String>,
    ifaces: BTreeMap<Port, String>,
}

impl Names {
    fn learn(&mut self, row: &Row) {
        match row {
            Row::Node(node) => drop(self.nodes.insert(node.id, node.name.clone())),
            Row::Iface(iface) => drop(self.ifaces.insert(Port::new(iface.node, iface.index), iface.name.clone())),
            _ => {}
        }
    }

    fn of(&self, port: Port) -> String {
        let node = self.nodes.get(&port.node).cloned().unwrap_or_else(|| port.node.to_string());
        let iface = self.ifaces.get(&port).cloned().unwrap_or_else(|| port.index.to_string());
        format!("{node}:{iface}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> CommandResult {
        CommandResult {
            machine: "vm1".into(),
            command: "ping -c 1 x".into(),
            mode: "bg",
            exit: 2,
            stdout: "a\n".into(),
            stderr: "b".into(),
            time_us: 7,
        }
    }

    #[test]
    fn a_json_line_has_its_fields_in_order() {
        let expected = "{\"machine\":\"vm1\",\"command\":\"ping -c 1 x\",\"mode\":\"bg\",\"exit\":2,\
            \"stdout\":\"a\\n\",\"stderr\":\"b\",\"time_us\":7}\n";
        assert_eq!(json(&result()), expected);
    }

    #[test]
    fn a_transcript_reads_like_a_terminal() {
        assert_eq!(transcript(&result()), "vm1$ ping -c 1 x &\na\nb\n");
    }

    #[test]
    fn a_capture_has_an_interface_for_each_sender() {
        let (_, lab) = labs::built_in().into_iter().find(|(name, _)| name == labs::DEFAULT).unwrap();
        let script = Script::parse("vm1: ip link set enp0s3 up\nvm1: dhclient -1 enp0s3\n").unwrap();
        let report = run_script(World::new(&lab, 1).unwrap(), &script, true);
        let file = pcapng(&report.events, &report.world);
        let name = b"vm1:enp0s3";
        assert_eq!(file.windows(name.len()).filter(|window| window == name).count(), 1);
    }
}
