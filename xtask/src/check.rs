//! `cargo xtask check`: formatting, clippy, tidy rules. Says everything that is wrong, not only the first.

use crate::build::{WASM_TARGET, ensure_target};
use crate::fault::Fault;
use crate::paths::Paths;
use crate::process::{Steps, cargo, must};
use crate::tidy;

/// The command itself.
///
/// # Errors
/// Unknown arguments, or what was found.
pub fn command(args: &[String]) -> Result<(), Fault> {
    let bless = match args {
        [] => false,
        [only] if only == "--bless" => true,
        other => {
            return Err(Fault::usage(format!("check: unknown arguments {other:?}; see `cargo xtask check --help`")));
        }
    };
    all(&Paths::find()?, bless)
}

/// All checks.
///
/// # Errors
/// Names every check that failed; the details stand above.
pub fn all(paths: &Paths, bless: bool) -> Result<(), Fault> {
    ensure_target(paths)?;
    let mut steps = Steps::new(4);
    let mut failed = Vec::new();
    let mut step = |name: &'static str, work: &mut dyn FnMut() -> Result<(), Fault>| {
        if let Err(fault) = steps.step(name, work) {
            eprintln!("{}", fault.text);
            failed.push(name);
        }
    };
    step("tidy rules", &mut || tidy(paths, bless));
    step("cargo fmt", &mut || must(cargo(paths).args(["fmt", "--all", "--check"])));
    step("clippy", &mut || must(cargo(paths).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])));
    step("clippy for the page's target", &mut || {
        must(cargo(paths).args(["clippy", "-p", "netmodes-web", "--target", WASM_TARGET, "--", "-D", "warnings"]))
    });
    if failed.is_empty() { Ok(()) } else { Err(Fault::new(format!("check failed: {}", failed.join(", ")))) }
}

fn tidy(paths: &Paths, bless: bool) -> Result<(), Fault> {
    let findings = tidy::all(&paths.root, bless)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Fault::new(format!("tidy rules: {count} to put in order"))),
    }
}
