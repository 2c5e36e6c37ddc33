//! Scripts run to their end.

use netmodes_core::event::{Event, Fact};
use netmodes_core::frame::pcapng;
use netmodes_core::lab::Lab;
use netmodes_core::runner::{ScriptReport, run_script};
use netmodes_core::script::Script;
use netmodes_core::world::World;

/// Runs a script's text on a lab, keeping all events; the script must run to its end and leave a sound world.
pub fn run(lab: &Lab, seed: u64, script: &str) -> ScriptReport {
    let script = Script::parse(script).unwrap_or_else(|error| panic!("{error:?}"));
    let world = World::new(lab, seed).unwrap_or_else(|error| panic!("{error}"));
    let report = run_script(world, &script, true);
    assert_eq!(report.failure, None);
    report.world.check().unwrap_or_else(|violation| panic!("{violation:?}"));
    report
}

/// What the command at `at` wrote to standard output.
pub fn stdout(report: &ScriptReport, at: usize) -> &str {
    report.results.get(at).map_or_else(|| panic!("no command {at}: {:?}", report.results), |result| &result.stdout)
}

/// Every event as a line of JSON: the trace that two runs are compared by.
pub fn trace(events: &[Event]) -> String {
    let lines = events.iter().filter_map(|event| serde_json::to_string(event).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// Every frame that entered a cable, in order, as a capture file with an interface for each sender; and how many.
pub fn capture(events: &[Event]) -> (Vec<u8>, usize) {
    let sent = events.iter().filter_map(|event| match &event.fact {
        Fact::FrameSent(sent) => Some((sent.from, event.time, &*sent.bytes.0)),
        _ => None,
    });
    let frames: Vec<_> = sent.collect();
    let count = frames.len();
    (pcapng::capture(frames, |port| format!("{}:{}", port.node, port.index)), count)
}
