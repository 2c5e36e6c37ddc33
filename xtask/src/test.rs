//! `cargo xtask test`: check, build, every test. The summary of the test runner is the last that is printed.

use crate::fault::Fault;
use crate::files::walk;
use crate::paths::Paths;
use crate::process::{cargo, find_program, must, works};
use crate::{build, check, needs, tools};

/// Crates whose own tests need nothing from the system.
const FAST: [&str; 4] = ["netmodes-core", "netmodes-web", "netmodes-agent", "xtask"];
/// Test programs of the crate `netmodes-tests` that need a browser, rights or tools of the system; by their names.
const SYSTEM: [&str; 6] = ["browser", "tap", "agent", "sockets", "pcap", "published"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    fast: bool,
    filter: Vec<String>,
}

/// The command itself.
///
/// # Errors
/// Unknown arguments, what is missing on this machine, or what failed.
pub fn command(args: &[String]) -> Result<(), Fault> {
    let options = options(args)?;
    let paths = Paths::find()?;
    if !options.fast {
        needs::ensure()?;
    }
    check::all(&paths, false)?;
    if !options.fast {
        tools::ensure_axe(&paths)?;
        build::all(&paths, false)?;
    }
    let nextest = find_program("cargo-nextest").is_some() || works(cargo(&paths).args(["nextest", "--version"]));
    let runs = if nextest { vec![nextest_args(&paths, &options)] } else { plain_args(&paths, &options) };
    for args in runs {
        let mut run = cargo(&paths);
        // The fuzz targets, run as tests, try the same inputs every time.
        run.env("BOLERO_RANDOM_SEED", "1");
        if !options.fast {
            run.env("NETMODES_BIN", paths.binary(false));
        }
        must(run.args(args))?;
    }
    Ok(())
}

fn options(args: &[String]) -> Result<Options, Fault> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--fast" => options.fast = true,
            "--" => options.filter = args.by_ref().cloned().collect(),
            other => {
                return Err(Fault::usage(format!("test: unknown argument {other:?}; see `cargo xtask test --help`")));
            }
        }
    }
    Ok(options)
}

/// The test programs of the crate `netmodes-tests`.
fn programs(paths: &Paths) -> Vec<String> {
    let files = walk(&paths.root.join("tests/tests")).unwrap_or_default();
    let names = files.iter().filter_map(|file| {
        let name = if file.ends_with("main.rs") { file.parent()?.file_name()? } else { file.file_stem()? };
        Some(name.to_string_lossy().into_owned())
    });
    // Other files in folders are modules of the program whose `main.rs` stands beside them.
    let direct = |name: &String| {
        ["tests/tests/NAME.rs", "tests/tests/NAME/main.rs"]
            .iter()
            .any(|p| paths.root.join(p.replace("NAME", name)).is_file())
    };
    names.filter(direct).collect()
}

fn is_system(name: &str) -> bool {
    SYSTEM.contains(&name)
}

/// Arguments for cargo-nextest.
fn nextest_args(paths: &Paths, options: &Options) -> Vec<String> {
    let mut args: Vec<String> = ["nextest", "run", "--no-fail-fast", "--workspace"].map(str::to_owned).to_vec();
    if options.fast {
        args.extend(without(&programs(paths)).into_iter().flat_map(|filter| ["-E".to_owned(), filter]));
    }
    args.extend(options.filter.iter().cloned());
    args
}

/// A filter that leaves out what needs the system. Names that no program has are an error for nextest.
fn without(programs: &[String]) -> Option<String> {
    let system: Vec<_> =
        programs.iter().filter(|name| is_system(name)).map(|name| format!("binary(={name})")).collect();
    if system.is_empty() { None } else { Some(format!("not (package(=netmodes-tests) & ({}))", system.join(" | "))) }
}

/// Arguments for cargo's own runner: it can choose test programs for all crates only, hence two calls.
fn plain_args(paths: &Paths, options: &Options) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut runs = if options.fast {
        let mut tests = words(&["test", "-p", "netmodes-tests", "--lib", "--bins"]);
        let fast = programs(paths).into_iter().filter(|name| !is_system(name));
        tests.extend(fast.flat_map(|name| ["--test".to_owned(), name]));
        let mut crates = words(&["test"]);
        crates.extend(FAST.iter().flat_map(|name| words(&["-p", name])));
        vec![crates, tests]
    } else {
        vec![words(&["test", "--workspace"])]
    };
    if !options.filter.is_empty() {
        runs.iter_mut()
            .for_each(|run| run.extend(std::iter::once("--".to_owned()).chain(options.filter.iter().cloned())));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_after_the_dashes_is_for_the_runner() {
        let read = options(&["--fast".into(), "--".into(), "dhcp".into()]).unwrap();
        assert_eq!(read, Options { fast: true, filter: vec!["dhcp".into()] });
        assert_eq!(options(&["dhcp".into()]).unwrap_err().status, 2);
    }

    #[test]
    fn fast_leaves_out_exactly_the_programs_that_need_the_system() {
        let programs = ["scenarios".to_owned(), "tap".to_owned(), "browser".to_owned()];
        let filter = without(&programs).unwrap();
        assert_eq!(filter, "not (package(=netmodes-tests) & (binary(=tap) | binary(=browser)))");
        assert_eq!(without(&programs[..1]), None);
    }
}
