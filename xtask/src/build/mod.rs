//! `cargo xtask build`: wasm target → the page's module → the site's folder → the program with the site inside.
//!
//! Every step leaves its result under cargo's target folder and does nothing when nothing changed.

mod compress;
mod convert;
mod publish;
mod site;
mod wasm;

use crate::fault::Fault;
use crate::paths::Paths;
use crate::process::{Steps, cargo, must};

pub use wasm::{TARGET as WASM_TARGET, ensure_target};

/// The command itself.
///
/// # Errors
/// Unknown arguments, and whatever fails on the way.
pub fn command(args: &[String]) -> Result<(), Fault> {
    let (mut release, mut only_page) = (false, false);
    for arg in args {
        match arg.as_str() {
            "--release" => release = true,
            "--page" => only_page = true,
            other => {
                return Err(Fault::usage(format!("build: unknown argument {other}; see `cargo xtask build --help`")));
            }
        }
    }
    let paths = Paths::find()?;
    if only_page { page_alone(&paths, release) } else { all(&paths, release) }
}

/// The page, without the program.
///
/// # Errors
/// The first step that fails.
pub fn page_alone(paths: &Paths, release: bool) -> Result<(), Fault> {
    page(paths, release, &mut Steps::new(3))
}

/// Page and program.
///
/// # Errors
/// The first step that fails.
pub fn all(paths: &Paths, release: bool) -> Result<(), Fault> {
    let mut steps = Steps::new(4);
    page(paths, release, &mut steps)?;
    steps.step("The program netmodes, with the site inside", || agent(paths, release))?;
    eprintln!("Built {} in {}", paths.short(&paths.binary(release)), steps.shown());
    Ok(())
}

/// The page alone: its files in the site's folder, for any web server.
fn page(paths: &Paths, release: bool, steps: &mut Steps) -> Result<(), Fault> {
    steps.step("The wasm32 target of Rust", || ensure_target(paths))?;
    let module = steps.step("The page: Rust to WebAssembly", || wasm::module(paths, release))?;
    let sum = steps.step("The site: page, labs, texts, exercises", || {
        let files = site::collect(paths, &module)?;
        if release {
            return publish::write(&publish::published(files)?, &paths.site(true), true);
        }
        let sum = publish::write(&files, &paths.site(false), false)?;
        // The tests of a release's names and of offline use need no optimised code.
        publish::write(&publish::published(files)?, &paths.target.join("site-published"), false)?;
        Ok(sum)
    })?;
    eprintln!("      {} files, {} kB{}", sum.files, sum.bytes / 1000, compressed(&sum));
    Ok(())
}

fn compressed(sum: &publish::Sum) -> String {
    if sum.brotli == 0 { String::new() } else { format!("; {} kB over the wire (brotli)", sum.brotli / 1000) }
}

fn agent(paths: &Paths, release: bool) -> Result<(), Fault> {
    let mut build = cargo(paths);
    build.args(["build", "-p", "netmodes-agent"]);
    if release {
        build.arg("--release").env("NETMODES_SITE", paths.site(true));
    }
    must(&mut build)
}
