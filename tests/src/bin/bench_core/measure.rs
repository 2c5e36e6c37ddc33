//! Runs a case and prints one line about it.

use netmodes_core::lab::Lab;
use netmodes_core::view::Row;
use netmodes_core::world::{Command, Input, World};

/// A command line at a machine.
pub struct Run {
    machine: String,
    line: String,
}

impl Run {
    /// The line at the machine.
    pub fn new(machine: &str, line: &str) -> Self {
        Self { machine: machine.to_owned(), line: line.to_owned() }
    }
}

/// What is measured.
pub struct Case {
    /// In words.
    pub what: &'static str,
    /// Where.
    pub lab: Lab,
    /// What runs before the measuring.
    pub prepare: Vec<Run>,
    /// What is measured.
    pub runs: Vec<Run>,
    /// Seconds of lab time at most; less if everything has ended.
    pub secs: u64,
    /// What is said besides.
    pub also: Also,
}

/// What a case says besides frame-hops.
pub enum Also {
    /// Nothing.
    Nothing,
    /// All runs together carried so many bytes of payload.
    Payload(u64),
    /// All runs together got so many leases.
    Leases(u32),
}

/// The table's head.
pub const HEADING: &str = "| case | frame-hops | wall s | CPU s | hops/s of CPU | lab s | build ms | kB a node | B a frame in flight | what |\n\
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// Runs a case without anybody watching.
pub fn run(name: &str, case: &Case) {
    let before = resident_kb();
    let (mut world, built) = timed(|| World::new(&case.lab, 1).unwrap_or_else(|error| panic!("{error}")));
    drain(&mut world);
    let nodes = case.lab.machines.len() + case.lab.vms.len() + case.lab.switches.len();
    start(&mut world, &case.prepare);
    pass(&mut world, 20);
    let per_node = resident_kb().saturating_sub(before) as f64 / nodes as f64;
    let (hops, from, quiet) = (world.hops(), world.now(), resident_kb());
    start(&mut world, &case.runs);
    let (peak, (wall, took)) = timed(|| pass(&mut world, case.secs));
    let hops = world.hops() - hops;
    let per_frame = match peak {
        0 => "–".to_owned(),
        // Only where frames fill the memory does the difference say anything of them.
        frames if frames > 5_000 => {
            format!("{:.0}", resident_kb().saturating_sub(quiet) as f64 * 1024.0 / frames as f64)
        }
        _ => "–".to_owned(),
    };
    let lab = world.now().since(from).as_secs_f64();
    println!(
        "| {name} | {hops} | {wall:.2} | {took:.2} | {:.0} | {lab:.1} | {:.1} | {per_node:.1} | {per_frame} | {}{} |",
        hops as f64 / took,
        built.0 * 1_000.0,
        case.what,
        also(case, &world, took, lab),
    );
}

fn also(case: &Case, world: &World, took: f64, lab: f64) -> String {
    if world.busy() && !matches!(case.also, Also::Nothing) {
        return "; NOT FINISHED".to_owned();
    }
    match case.also {
        Also::Nothing => String::new(),
        Also::Payload(bytes) => {
            let mbit = bytes as f64 * 8.0 / 1e6;
            format!("; {:.0} Mbit/s of payload in lab time, {:.0} of CPU time", mbit / lab, mbit / took)
        }
        Also::Leases(got) => {
            let held = world.rows(false).iter().filter(|row| matches!(row, Row::Lease(_))).count();
            format!("; {:.0} leases a second of CPU time, {held} held in the end", f64::from(got) / took)
        }
    }
}

fn start(world: &mut World, runs: &[Run]) {
    for run in runs {
        let command = Command::Run { machine: run.machine.clone(), line: run.line.clone(), tty: None, stdin: false };
        let now = world.now();
        world.handle(now, Input::Command(&command)).unwrap_or_else(|error| panic!("{error}"));
        drain(world);
    }
}

/// Lets lab time pass, or until nothing runs any more; the most frames that were on their way at once.
fn pass(world: &mut World, secs: u64) -> usize {
    let until = world.now() + core::time::Duration::from_secs(secs);
    let (mut peak, mut turn) = (0, 0_u32);
    while let Some(next) = world.next_wakeup().filter(|at| *at <= until) {
        // To ask every machine each time would be what is measured.
        if turn.is_multiple_of(1_024) && !world.busy() {
            break;
        }
        turn = turn.wrapping_add(1);
        world.handle(next, Input::Time).unwrap_or_else(|error| panic!("{error}"));
        drain(world);
        peak = peak.max(world.frames_in_flight());
    }
    peak
}

fn drain(world: &mut World) {
    while world.poll_output().is_some() {}
}

/// What the work made, and the seconds it took: of the wall's time, and of a processor's.
fn timed<T>(work: impl FnOnce() -> T) -> (T, (f64, f64)) {
    #[allow(clippy::disallowed_methods, reason = "what is measured is the wall's time; no result depends on it")]
    let start = std::time::Instant::now();
    let cpu = cpu_secs();
    let result = work();
    let wall = start.elapsed().as_secs_f64();
    // On a busy machine the wall's time says little.
    (result, (wall, cpu.zip(cpu_secs()).map_or(wall, |(before, after)| after - before)))
}

/// Seconds that this process has been on a processor; none where the system does not say.
fn cpu_secs() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos as f64 / 1e9)
}

/// Resident memory in kB; 0 where the system does not say. Only growth is used.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
