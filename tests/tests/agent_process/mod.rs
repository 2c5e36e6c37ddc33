//! Starts the agent for a test and ends it, whatever becomes of the test.

// Each test program uses its own part of this.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program under test: `NETMODES_BIN`, else what `cargo build` left.
pub fn binary() -> PathBuf {
    std::env::var_os("NETMODES_BIN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/netmodes"), PathBuf::from)
}

/// A running `netmodes serve`, killed when dropped.
pub struct Agent {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
    /// The token of its address.
    pub token: String,
}

impl Agent {
    /// Starts it on a free port and waits for its address.
    pub fn start(args: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .args(["--lang", "en"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("netmodes starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let parts = line.trim_end().strip_prefix("http://").and_then(|rest| rest.split_once("/#token="));
        let Some((addr, token)) = parts else {
            let _ = child.kill();
            let mut said = String::new();
            let _ = child.stderr.take().map(|mut errors| errors.read_to_string(&mut said));
            panic!("no address: {line:?} {said:?}, {:?}", child.wait());
        };
        Self { addr: addr.parse().unwrap(), token: token.to_owned(), child }
    }

    /// What it says besides its address, line by line, until it ends.
    pub fn errors(&mut self) -> impl Iterator<Item = String> + use<> {
        let errors = self.child.stderr.take().expect("asked for once");
        BufReader::new(errors).lines().map_while(Result::ok)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A network namespace of the test's own, gone when dropped.
pub struct Namespace {
    /// Its name.
    pub name: String,
}

impl Namespace {
    /// Makes one with a name of the test's and this process's own.
    pub fn new(test: &str) -> Self {
        let name = format!("nmt-{test}-{}", std::process::id());
        ok(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        namespace.run(&["ip", "link", "set", "lo", "up"]);
        namespace
    }

    /// A command that will run inside.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).args(words);
        command
    }

    /// Runs a command inside to its end, which must be a good one; what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        ok(&mut self.command(words))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// Runs a command that must end well; its standard output.
pub fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}
