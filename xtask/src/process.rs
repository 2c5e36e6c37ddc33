//! Running other programs, and saying what is done and how long it took.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::fault::{At as _, Fault};
use crate::paths::Paths;

/// The cargo that started xtask.
pub fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A cargo command in the workspace's root. It always knows the site, once there is one: were it told only where the
/// agent is built, clippy and the tests would compile the agent each time anew.
pub fn cargo(paths: &Paths) -> Command {
    let mut command = Command::new(cargo_program());
    command.current_dir(&paths.root);
    if paths.site(false).join("index.html").is_file() {
        command.env("NETMODES_SITE", paths.site(false));
    }
    command
}

/// Runs a command to its end, its output going where ours goes.
///
/// # Errors
/// When it cannot be started or fails.
pub fn must(command: &mut Command) -> Result<(), Fault> {
    let shown = shown(command);
    let status = command.status().at(&shown)?;
    if status.success() { Ok(()) } else { Err(Fault::new(format!("`{shown}` failed: {status}"))) }
}

/// Whether a command runs and succeeds; its output is thrown away.
pub fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    command.get_args().fold(name, |line, arg| line + " " + &arg.to_string_lossy())
}

/// Where program `name` is, by PATH and the folders of administration that a user's PATH lacks.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A clock for messages to people; nothing depends on it.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to count.
    #[allow(clippy::disallowed_methods, reason = "tells a person how long a step took; no simulation here")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start, as `4.2 s`.
    pub fn shown(&self) -> String {
        format!("{:.1} s", self.0.elapsed().as_secs_f64())
    }
}

/// Numbered steps: `[1/4] …`, then how long it took.
pub struct Steps {
    total: usize,
    done: usize,
    all: Stopwatch,
}

impl Steps {
    /// So many steps are to come.
    pub fn new(total: usize) -> Self {
        Self { total, done: 0, all: Stopwatch::start() }
    }

    /// Says what is done, and does it.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        self.done += 1;
        let mark = format!("[{}/{}]", self.done, self.total);
        eprintln!("{mark} {what} …");
        let watch = Stopwatch::start();
        let result = work()?;
        eprintln!("{mark} done in {}", watch.shown());
        Ok(result)
    }

    /// How long all of it took.
    pub fn shown(&self) -> String {
        self.all.shown()
    }
}
