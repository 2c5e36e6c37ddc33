//! How long it takes until an earlier instant of a long session is ready to be shown, as the page asks for it while its
//! head is dragged and when it rests: finding the instant, rebuilding the view, writing the message.

use std::time::{Duration, Instant};

use netmodes_core::protocol::{Capabilities, Rewind, VERSION};
use netmodes_core::runner::{Runner, RunnerConfig};
use serde_json::{Value, json};

/// Frames of the session at least.
const FRAMES: u64 = 100_000;
/// Instants that are looked at.
const LOOKS: u64 = 300;

/// Makes the session and looks about in it.
pub(crate) fn run() {
    let lab = super::labs::built_in("nat");
    let capabilities =
        Capabilities { place: "bench".into(), pace: true, load: true, rewind: Rewind::World, host_sockets: false };
    let config = RunnerConfig { capabilities, program: "bench".into(), labs: Vec::new(), seed: 1 };
    let Ok(mut runner) = Runner::new(config, &lab) else { return eprintln!("look-back: the lab cannot be built") };
    let viewer = runner.connect();
    let say = |runner: &mut Runner, message: Value| {
        runner.handle_message(viewer, 0, &message.to_string());
        let mut bytes = 0;
        while let Some((_, text)) = runner.poll_message() {
            bytes = bytes.max(text.len());
        }
        bytes
    };
    say(&mut runner, json!({ "m": "hello", "version": VERSION }));
    say(&mut runner, json!({ "m": "subscribe", "frames": true, "host_sockets": false }));
    let run = |line: &str| json!({ "m": "do", "command": { "c": "run", "machine": "vm1", "line": line, "tty": 80 } });
    say(&mut runner, run("dhclient -v enp0s3"));
    say(&mut runner, json!({ "m": "step", "to": { "to": "quiet" } }));
    say(&mut runner, run("ping -i 0.2 8.8.8.8"));
    let mut until = 60_000_000_000_u64;
    while runner.world().is_some_and(|world| world.hops() < FRAMES) {
        say(&mut runner, json!({ "m": "step", "to": { "to": "time", "at": until } }));
        while runner.next_wakeup() == Some(0) {
            runner.advance(0);
            while runner.poll_message().is_some() {}
        }
        until += 60_000_000_000;
    }
    let Some(world) = runner.world() else { return };
    let (hops, now) = (world.hops(), world.now().as_nanos());
    for (name, frames, words) in [("dragged", 240, Some(60)), ("at rest", 4_000, None)] {
        let (mut times, mut bytes) = (Vec::new(), 0);
        let mut place = 12_345_u64;
        for _ in 0..LOOKS {
            // Any sequence that goes everywhere (Knuth's multiplier).
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (place >> 16) % now;
            #[allow(
                clippy::disallowed_methods,
                reason = "what is measured is the wall's time; no result depends on it"
            )]
            let begun = Instant::now();
            let look = json!({ "m": "look-back", "to": { "to": "time", "at": at }, "frames": frames, "words": words });
            bytes = bytes.max(say(&mut runner, look));
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let at = |part: usize| ms(times[times.len() * part / 100]);
        println!(
            "look-back, {name}: {hops} frames, {LOOKS} instants: median {} ms, 95 % {} ms, worst {} ms; at most {} kB",
            at(50),
            at(95),
            ms(times[times.len() - 1]),
            bytes / 1_000
        );
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}
