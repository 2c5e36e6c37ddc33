//! `cargo xtask run`: build, then the program in the foreground.

use std::io::{BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::build;
use crate::fault::{At as _, Fault};
use crate::paths::Paths;

/// The command itself; ends when the program does.
///
/// # Errors
/// A failed build, or the program's own failure.
pub fn command(args: &[String]) -> Result<(), Fault> {
    let (own, passed) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[][..]),
    };
    let release = match own {
        [] => false,
        [only] if only == "--release" => true,
        other => {
            let text = format!(
                "run: unknown arguments {other:?}; the program's own stand after `--`, see `cargo xtask run --help`"
            );
            return Err(Fault::usage(text));
        }
    };
    let paths = Paths::find()?;
    build::all(&paths, release)?;
    let binary = paths.binary(release);
    let mut serve = Command::new(&binary);
    serve.arg("serve").args(passed).stdout(Stdio::piped());
    let mut child = serve.spawn().at(binary.display())?;
    if let Some(stdout) = child.stdout.take() {
        pass_on(BufReader::new(stdout))?;
    }
    let status = child.wait().at("netmodes serve")?;
    if status.success() { Ok(()) } else { Err(Fault::new(format!("`netmodes serve` ended: {status}"))) }
}

/// Repeats the program's lines, and opens the first URL among them.
fn pass_on(lines: impl std::io::BufRead) -> Result<(), Fault> {
    let mut opened = false;
    for line in lines.lines() {
        let line = line.at("netmodes serve")?;
        let mut out = std::io::stdout();
        // Somebody who closed our output does not stop the program.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        if let (false, Some(url)) = (opened, url(&line)) {
            opened = true;
            open(url);
        }
    }
    Ok(())
}

/// The address of the page in a line of the program's.
fn url(line: &str) -> Option<&str> {
    let found = line.split_whitespace().find(|word| word.starts_with("http://"))?;
    found.contains("#token=").then_some(found)
}

/// Shows a page in the desktop's browser, where there is a desktop.
fn open(url: &str) {
    let desktop =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    if !desktop {
        return;
    }
    let started =
        Command::new("xdg-open").arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match started {
        // Waited for aside, so that it does not stay as a zombie.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(_) => eprintln!("There is no xdg-open here to open the browser with: open the address above."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_the_line_that_has_a_token() {
        assert_eq!(url("Open http://127.0.0.1:8600/#token=ab12"), Some("http://127.0.0.1:8600/#token=ab12"));
        assert_eq!(url("listening on http://127.0.0.1:8600/"), None);
        assert_eq!(url(""), None);
    }
}
