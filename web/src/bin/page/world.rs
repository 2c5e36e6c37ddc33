//! The worker's side: the world behind a door of numbers and bytes. No JavaScript object is held inside, so a copy of
//! the instance's linear memory is a whole snapshot. `static/worker.js` calls these functions and owns the clock.

use std::cell::RefCell;

use netmodes_core::lab::Lab;
use netmodes_core::protocol::{Capabilities, Rewind};
use netmodes_core::runner::{Runner, RunnerConfig, ViewerId, run_script};
use netmodes_core::script::Script;
use netmodes_core::world::World;
use wasm_bindgen::prelude::wasm_bindgen;

/// Messages that wait for the page, at most; the page takes them after every call, so this is never reached in order.
const WAITING_MAX: usize = 100_000;

/// What the module holds.
struct Door {
    labs: Vec<(String, Lab)>,
    runner: Option<(Runner, ViewerId)>,
}

thread_local! {
    static DOOR: RefCell<Door> = const { RefCell::new(Door { labs: Vec::new(), runner: None }) };
}

/// Says what a panic on the worker's side is; to be called first.
#[wasm_bindgen]
pub fn world_begin() {
    std::panic::set_hook(Box::new(|info| {
        let message = format!("Netmodes {} (world): {info}", env!("CARGO_PKG_VERSION"));
        web_sys::console::error_1(&message.into());
    }));
}

/// Adds a built-in lab in its JSON form. Empty, or what is wrong with it.
#[wasm_bindgen]
pub fn world_add_lab(name: &str, json: &[u8]) -> String {
    let text = match core::str::from_utf8(json) {
        Ok(text) => text,
        Err(error) => return error.to_string(),
    };
    match Lab::from_json(text) {
        Ok(lab) => {
            DOOR.with_borrow_mut(|door| door.labs.push((name.to_owned(), lab)));
            String::new()
        }
        Err(error) => error.to_string(),
    }
}

/// Opens the door: the page may speak.
#[wasm_bindgen]
pub fn world_start() {
    DOOR.with_borrow_mut(|door| {
        let config = RunnerConfig {
            capabilities: Capabilities {
                place: "browser".to_owned(),
                pace: true,
                load: true,
                rewind: Rewind::World,
                host_sockets: false,
            },
            program: env!("CARGO_PKG_VERSION").to_owned(),
            labs: std::mem::take(&mut door.labs),
            seed: 1,
        };
        let mut runner = Runner::empty(config);
        let viewer = runner.connect();
        door.runner = Some((runner, viewer));
    });
}

/// Runs a script on a lab (its JSON form) to its end: the trace, every event as a line of JSON. It must be the native
/// program's to the byte, which the tests compare. What is wrong with lab or script comes instead of the trace.
#[wasm_bindgen]
pub fn world_script(lab_json: &[u8], script: &[u8], seed: u32) -> Vec<u8> {
    let lab = Lab::from_json(&String::from_utf8_lossy(lab_json));
    let script = Script::parse(&String::from_utf8_lossy(script)).map_err(|error| error.error);
    let world = lab.and_then(|lab| World::new(&lab, u64::from(seed)));
    match (world, script) {
        (Ok(world), Ok(script)) => {
            let events = run_script(world, &script, true).events;
            let lines = events.iter().filter_map(|event| serde_json::to_string(event).ok());
            lines.fold(String::new(), |text, line| text + &line + "\n").into_bytes()
        }
        (Err(error), _) | (_, Err(error)) => error.to_string().into_bytes(),
    }
}

/// A message of the protocol from the page, at `wall_ms` of a monotonic clock in milliseconds.
#[wasm_bindgen]
pub fn world_message(bytes: &[u8], wall_ms: f64) {
    let text = String::from_utf8_lossy(bytes);
    with_runner((), |runner, viewer| runner.handle_message(viewer, nanos(wall_ms), &text));
}

/// Lets lab time follow the wall's clock.
#[wasm_bindgen]
pub fn world_advance(wall_ms: f64) {
    with_runner((), |runner, _| runner.advance(nanos(wall_ms)));
}

/// The next message for the page; empty when there is none.
#[wasm_bindgen]
pub fn world_poll() -> Vec<u8> {
    with_runner(Vec::new(), |runner, viewer| {
        for _ in 0..WAITING_MAX {
            match runner.poll_message() {
                Some((to, text)) if to == viewer => return text.into_bytes(),
                Some(_) => {}
                None => break,
            }
        }
        Vec::new()
    })
}

/// When [`world_advance`] is wanted next, in milliseconds of the same clock; infinite when never.
#[wasm_bindgen]
pub fn world_next_wakeup() -> f64 {
    with_runner(f64::INFINITY, |runner, _| runner.next_wakeup().map_or(f64::INFINITY, |ns| ns as f64 / 1e6))
}

fn with_runner<T>(absent: T, work: impl FnOnce(&mut Runner, ViewerId) -> T) -> T {
    DOOR.with_borrow_mut(|door| match &mut door.runner {
        Some((runner, viewer)) => work(runner, *viewer),
        None => absent,
    })
}

/// Milliseconds to whole nanoseconds; what is not a time is the beginning.
fn nanos(ms: f64) -> u64 {
    (ms.max(0.0) * 1e6) as u64
}
