//! From the crate `netmodes-web` to the module a browser loads.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::fault::{At as _, Fault};
use crate::paths::Paths;
use crate::process::{cargo, find_program, must};

/// The target of the page.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The module of page and worker.
const BIN: &str = "page";
/// Changes when the options given to wasm-bindgen below or its version change, so that old output is not taken for new.
const RECIPE: &str = "wasm-bindgen 0.2.130, web, no types, 2";

/// Adds the wasm target when it is missing.
///
/// # Errors
/// When it is missing and cannot be added; says how to get it.
pub fn ensure_target(paths: &Paths) -> Result<(), Fault> {
    if has_target(paths) {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        return Err(Fault::new(no_target("there is no rustup on this machine to add it with")));
    }
    eprintln!("      not there yet: rustup target add {TARGET}");
    let mut add = Command::new("rustup");
    must(add.current_dir(&paths.root).args(["target", "add", TARGET]))
        .map_err(|fault| Fault::new(no_target(&fault.text)))?;
    if has_target(paths) {
        Ok(())
    } else {
        Err(Fault::new(no_target("rustup says it is there, but rustc does not find it")))
    }
}

fn no_target(why: &str) -> String {
    format!(
        "the page needs Rust's standard library for {TARGET}: {why}.\n\
         With rustup (https://rustup.rs): `rustup target add {TARGET}` in this folder, with access to static.rust-lang.org.\n\
         With Rust 1.95 or newer from elsewhere: its package with the standard library for this target."
    )
}

/// rustc says where the target's library would be, whether it is there or not.
fn has_target(paths: &Paths) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked =
        Command::new(rustc).current_dir(&paths.root).args(["--print", "target-libdir", "--target", TARGET]).output();
    asked.is_ok_and(|answer| {
        let folder = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        answer.status.success() && Path::new(&folder).is_dir()
    })
}

/// Compiles the module; the folder with what a browser loads.
///
/// # Errors
/// What cargo or wasm-bindgen says.
pub fn module(paths: &Paths, release: bool) -> Result<PathBuf, Fault> {
    let profile = if release { "wasm-release" } else { "dev" };
    let mut build = cargo(paths);
    build.args(["build", "-p", "netmodes-web", "--bin", BIN, "--target", TARGET, "--profile", profile]);
    // Flags and wrappers meant for native code (a linker, a CPU) do not fit this target.
    must(build.env_remove("RUSTFLAGS"))?;
    let compiled = paths.target.join(TARGET).join(if release { "wasm-release" } else { "debug" });
    let out = paths.cache().join(if release { "pkg-release" } else { "pkg-dev" });
    bind(&compiled.join(format!("{BIN}.wasm")), &out, BIN, release)?;
    Ok(out)
}

/// Runs wasm-bindgen on one module, unless it ran on the same bytes before.
fn bind(wasm: &Path, out: &Path, name: &str, release: bool) -> Result<(), Fault> {
    let stamp = out.join(format!("{name}.stamp"));
    let bytes = fs::read(wasm).at(wasm.display())?;
    let mut hasher = DefaultHasher::new();
    (RECIPE, &bytes).hash(&mut hasher);
    let mark = format!("{:016x}", hasher.finish());
    let whole = out.join(format!("{name}.js")).is_file() && out.join(format!("{name}_bg.wasm")).is_file();
    if whole && fs::read_to_string(&stamp).is_ok_and(|old| old == mark) {
        return Ok(());
    }
    eprintln!("      wasm-bindgen: {name}");
    let failed = |error| Fault::new(format!("wasm-bindgen, {name}: {error:#}"));
    // Nothing of an earlier run stays, the stamp least of all, which comes last: an interrupted run must not look like a
    // finished one.
    let _ = fs::remove_dir_all(out);
    fs::create_dir_all(out).at(out.display())?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(name);
    bindgen.web(true).map_err(failed)?;
    // Names stay in a development build, for readable panics; DWARF never, no browser reads it without an extension.
    bindgen.typescript(false).debug(!release).keep_debug(false);
    bindgen.remove_name_section(release).remove_producers_section(true);
    bindgen.generate(out).map_err(failed)?;
    fs::write(&stamp, mark).at(stamp.display())
}
