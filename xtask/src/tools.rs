//! Tools for the tests that no Debian package has: fetched once, checked against a known hash, kept in `target/tools`.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::fault::{At as _, Fault};
use crate::paths::Paths;
use crate::process::must;

/// axe-core, which finds what keeps people from using a page: its package in npm's registry, and the package's SHA-256.
const AXE_URL: &str = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz";
const AXE_SHA256: &str = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745";
const AXE_FILE: &str = "package/axe.min.js";

/// Sees to it that axe-core's script is there.
///
/// # Errors
/// It cannot be fetched, or what came is something else; says what to do.
pub fn ensure_axe(paths: &Paths) -> Result<(), Fault> {
    let tools = paths.target.join("tools");
    let script = tools.join("axe.min.js");
    if script.is_file() {
        return Ok(());
    }
    fs::create_dir_all(&tools).at(tools.display())?;
    let package = tools.join("axe-core.tgz");
    if !package.is_file() {
        eprintln!("      not there yet: {AXE_URL}");
        let mut fetch = Command::new("curl");
        must(fetch.args(["-sSfL", "--max-time", "60", "-o"]).arg(&package).arg(AXE_URL))
            .map_err(|fault| advice(&fault.text, &package))?;
    }
    check(&package)?;
    let unpacked = Command::new("tar").arg("-xzOf").arg(&package).arg(AXE_FILE).output().at("tar")?;
    if !unpacked.status.success() {
        return Err(Fault::new(format!("tar: {}", String::from_utf8_lossy(&unpacked.stderr).trim())));
    }
    fs::write(&script, unpacked.stdout).at(script.display())
}

fn check(package: &Path) -> Result<(), Fault> {
    let bytes = fs::read(package).at(package.display())?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == AXE_SHA256 {
        return Ok(());
    }
    let _ = fs::remove_file(package);
    Err(Fault::new(format!("{}: its SHA-256 is {found}, not {AXE_SHA256}; it was removed", package.display())))
}

fn advice(why: &str, package: &Path) -> Fault {
    Fault::new(format!(
        "the tests of accessibility need axe-core: {why}.\n\
         Fetch {AXE_URL} where there is a network and put it to {}.\n\
         What needs nothing from outside runs with `cargo xtask test --fast`.",
        package.display()
    ))
}
