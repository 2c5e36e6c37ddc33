//! `cargo xtask dist`, `bench` and `shots`: what is built optimised, and what is measured and pictured of it.

use std::fs;
use std::path::Path;

use crate::build;
use crate::fault::{At as _, Fault};
use crate::files::walk;
use crate::needs;
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

/// `bench`: the core's speed, or the page's size and speed.
///
/// # Errors
/// Unknown arguments, a failed build, or the benchmark's own failure.
pub fn bench(args: &[String]) -> Result<(), Fault> {
    let paths = Paths::find()?;
    match args {
        [] => must(cargo(&paths).args(["run", "--release", "-p", "netmodes-tests", "--bin", "bench_core"])),
        [only] if only == "page" => {
            needs::ensure_browser()?;
            build::page_alone(&paths, true)?;
            let mut run = cargo(&paths);
            run.env("NETMODES_DIST", paths.site(true));
            must(run.args(["run", "-p", "netmodes-tests", "--bin", "bench_page"]))
        }
        other => Err(Fault::usage(format!("bench: unknown arguments {other:?}; see `cargo xtask bench --help`"))),
    }
}

/// `shots`: pictures of the main views into `docs/shots`.
///
/// # Errors
/// Unknown arguments, a failed build, or what the browser does not do.
pub fn shots(args: &[String]) -> Result<(), Fault> {
    none("shots", args)?;
    let paths = Paths::find()?;
    needs::ensure_browser()?;
    build::page_alone(&paths, false)?;
    must(cargo(&paths).args(["run", "-p", "netmodes-tests", "--bin", "shots"]))
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
