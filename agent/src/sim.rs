//! `netmodes sim`: runs a script in a simulated lab and prints what its commands printed. Lab time is all there is:
//! a run is over as soon as the world has lived through it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use lexopt::prelude::*;
use netmodes_core::error::UserError;
use netmodes_core::event::{Event, Fact};
use netmodes_core::frame::PcapngWriter;
use netmodes_core::id::Port;
use netmodes_core::lab::Lab;
use netmodes_core::limits::SCRIPT_BYTES_MAX;
use netmodes_core::protocol::{LabChoice, Session};
use netmodes_core::runner::script::{CommandResult, ScriptReport, run_script, run_session};
use netmodes_core::script::Script;
use netmodes_core::share;
use netmodes_core::view::Row;
use netmodes_core::world::World;

use crate::failure::{Failure, print};
use crate::labs::{self, at_line};
use crate::texts::Texts;
use crate::words::{Words, unexpected};

/// Standard input, as `--script` and messages call it.
const STDIN: &str = "-";
/// A session's inputs, as messages call them.
const SESSION: &str = "session";

struct Options {
    lab: Option<String>,
    session: Option<String>,
    share: bool,
    reach: bool,
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
    let keep_events = options.pcap.is_some() || options.trace.is_some();
    let (choice, lab, report) = match &options.session {
        Some(link) => of_session(link, &options, keep_events, texts)?,
        None => of_script(&options, keep_events, texts)?,
    };
    print(&report.results.iter().map(if options.json { json } else { transcript }).collect::<String>())?;
    if let Some(file) = &options.trace {
        write(file, trace(&report.events).as_bytes(), texts)?;
    }
    if let Some(file) = &options.pcap {
        write(file, &pcapng(&report.events, &report.world), texts)?;
    }
    if options.reach {
        print(&reach(&report.world, options.json, texts))?;
    }
    if options.share {
        print(&link(choice, &lab, &report, options.json, texts)?)?;
    }
    let of = if options.session.is_some() { SESSION } else { options.script.as_str() };
    match report.failure {
        None => Ok(0),
        Some((line, error)) => Err(Failure::usage(at_line(of, line, &texts.error(&error), texts))),
    }
}

fn world(lab: &Lab, name: &str, seed: u64, texts: Texts) -> Result<World, Failure> {
    World::new(lab, seed).map_err(|error| {
        let message = texts.error(&error);
        Failure::usage(texts.say("file-error", &[("file", name), ("message", &message)]))
    })
}

fn of_script(options: &Options, keep_events: bool, texts: Texts) -> Result<(LabChoice, Lab, ScriptReport), Failure> {
    let missing = || Failure::usage(texts.say("sim-lab-missing", &[]));
    let name = options.lab.as_deref().ok_or_else(missing)?;
    let lab = labs::find(name, texts)?;
    let script = read_script(&options.script, texts)?;
    let choice = choice(&lab);
    let report = run_script(world(&lab, name, options.seed, texts)?, &script, keep_events);
    Ok((choice, lab, report))
}

/// A built-in lab by its name, any other whole.
fn choice(lab: &Lab) -> LabChoice {
    if labs::built_in().iter().any(|(_, known)| known == lab) {
        return LabChoice::Named(lab.name.clone());
    }
    // What was written as JSON can be read as JSON.
    LabChoice::Inline(Box::new(serde_json::from_str(&lab.to_json()).unwrap_or_default()))
}

/// A link, its text alone, or a file with one of them.
fn of_session(
    link: &str,
    options: &Options,
    keep_events: bool,
    texts: Texts,
) -> Result<(LabChoice, Lab, ScriptReport), Failure> {
    let refuse = |error: UserError| Failure::usage(texts.error(&error));
    if options.lab.is_some() {
        return Err(Failure::usage(texts.say("sim-lab-and-session", &[])));
    }
    let text = if Path::new(link).exists() { labs::read_text(link, texts)? } else { link.to_owned() };
    // The text stands in a fragment, perhaps under a name, as `#session=1.…`.
    let text = text.rsplit(['#', '=', '&']).next().unwrap_or_default();
    let Session { lab: choice, lab_hash, seed, inputs, .. } = share::read(text).map_err(refuse)?;
    let lab = match &choice {
        LabChoice::Named(name) => labs::find(name, texts)?,
        LabChoice::Inline(json) => Lab::from_json(&json.to_string()).map_err(refuse)?,
    };
    if lab.hash_hex() != lab_hash {
        return Err(refuse(UserError::new("session-lab-changed").with("lab", &lab.name)));
    }
    let report = run_session(world(&lab, &lab.name, seed, texts)?, &inputs, keep_events);
    Ok((choice, lab, report))
}

/// The link's text of what was done; with `--json` as an object.
fn link(choice: LabChoice, lab: &Lab, report: &ScriptReport, json: bool, texts: Texts) -> Result<String, Failure> {
    let session = Session {
        core: env!("CARGO_PKG_VERSION").to_owned(),
        lab: choice,
        lab_hash: lab.hash_hex(),
        seed: report.world.seed(),
        inputs: report.inputs.clone(),
    };
    let text = share::write(&session).map_err(|error| Failure::usage(texts.error(&error)))?;
    Ok(if json { serde_json::json!({ "link": text }).to_string() + "\n" } else { text + "\n" })
}

/// Who reaches whom now: a table, or with `--json` the whole matrix with its traces.
fn reach(world: &World, json: bool, texts: Texts) -> String {
    let matrix = netmodes_core::reach::matrix(world);
    if json {
        return serde_json::json!({ "reach": matrix }).to_string() + "\n";
    }
    let mut names = Names::default();
    world.rows(false).iter().for_each(|row| names.learn(row));
    crate::reach::table(&matrix, &names.nodes, texts)
}

fn read_options(words: &mut Words<'_>) -> Result<Options, Failure> {
    let texts = words.texts;
    let (mut lab, mut session, mut share, mut reach) = (None, None, false, false);
    let (mut script, mut seed, mut json, mut pcap, mut trace) = (STDIN.to_owned(), 1, false, None, None);
    while let Some(word) = words.next()? {
        match word {
            Long("lab") => lab = Some(words.text()?),
            Long("session") => session = Some(words.text()?),
            Long("share") => share = true,
            Long("reach") => reach = true,
            Long("script") => script = words.text()?,
            Long("seed") => seed = words.number("--seed")?,
            Long("json") => json = true,
            Long("pcap") => pcap = Some(words.text()?),
            Long("trace") => trace = Some(words.text()?),
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    if lab.is_none() && session.is_none() {
        return Err(Failure::usage(texts.say("sim-lab-missing", &[])));
    }
    Ok(Options { lab, session, share, reach, script, seed, json, pcap, trace })
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

    #[test]
    fn a_script_s_link_runs_as_the_script_ran() {
        let texts = Texts::of_language("en");
        let lab = labs::find("nat", texts).unwrap();
        let text =
            "vm1: dhclient enp0s3\n@wait 2.5\nvm1 &p: ping 8.8.8.8\n@wait 2\n@int p\n@end p\n@tty 100 vm1: ip neigh\n";
        let report = run_script(World::new(&lab, 3).unwrap(), &Script::parse(text).unwrap(), false);
        let text = link(choice(&lab), &lab, &report, false, texts).unwrap();
        let options = Options {
            lab: None,
            session: None,
            share: false,
            reach: false,
            script: String::new(),
            seed: 1,
            json: false,
            pcap: None,
            trace: None,
        };
        let address = format!("http://127.0.0.1:8600/#lang=en&session={}", text.trim());
        let (_, _, again) = of_session(&address, &options, false, texts).unwrap();
        assert_eq!(again.failure, None);
        assert_eq!(again.results, report.results);
        assert!(again.results[1].stdout.contains("2 received"), "{:?}", again.results);
        let damaged = of_session(&text[..text.len() - 3], &options, false, texts).unwrap_err();
        assert!(damaged.text.contains("not whole"), "{}", damaged.text);
    }

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
