//! The one wasm module of Netmodes. The browser compiles it once; the page and the worker that holds the world each make
//! an instance of it, with a memory of its own. Who made the instance says which of the two it is: `static/boot.js` calls
//! [`page_start`], `static/worker.js` calls the functions of [`world`] and nothing else.
#![allow(unreachable_pub, reason = "wasm-bindgen exports only `pub` functions, and a binary has no other public")]

mod world;

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Worker;

/// Nothing yet: an instance does not know whose it is.
fn main() {}

/// Mounts the application into the document. `worker` holds the lab's world; there is none when the page was opened for
/// an agent. `files` says by a JSON object which names a release gave to its data files.
#[wasm_bindgen]
pub fn page_start(worker: Option<Worker>, files: &str) {
    netmodes_web::dom::name_files(files);
    netmodes_web::app::mount(worker);
}
