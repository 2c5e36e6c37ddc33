//! `cargo xtask dist` and `bench`: what is built optimised.

use std::fs;
use std::path::Path;

use crate::build;
use crate::fault::{At as _, Fault};
use crate::files::walk;
use crate::paths::Paths;
use crate::process::{cargo, must};

/// `dist`: the program and the page in `dist/`.
///
/// # Errors
/// Unknown arguments, a failed build, files that cannot be written.
pub fn command(args: &[String]) -> Result<(), Fault> {
    none("dist", args)?;
    let paths = Paths::find()?;
    build::all(&paths, true)?;
    let dist = paths.root.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).at(dist.display())?;
    }
    let site = paths.site(true);
    for file in walk(&site)? {
        copy(&file, &dist.join("site").join(file.strip_prefix(&site).unwrap_or(&file)))?;
    }
    copy(&paths.binary(true), &dist.join("netmodes"))?;
    eprintln!("dist/netmodes, dist/site");
    Ok(())
}

/// `bench`: the core's speed.
///
/// # Errors
/// Unknown arguments, or the benchmark's own failure.
pub fn bench(args: &[String]) -> Result<(), Fault> {
    none("bench", args)?;
    let paths = Paths::find()?;
    must(cargo(&paths).args(["run", "--release", "-p", "netmodes-tests", "--bin", "bench_core"]))
}

fn none(command: &str, args: &[String]) -> Result<(), Fault> {
    if args.is_empty() {
        return Ok(());
    }
    Err(Fault::usage(format!("{command}: unknown arguments {args:?}; see `cargo xtask {command} --help`")))
}

/// Copies a file with its rights, making its folder.
fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).at(folder.display())?;
    }
    fs::copy(from, to).at(from.display())?;
    Ok(())
}
