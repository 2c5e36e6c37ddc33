//! A running agent: `netmodes serve`. It is killed when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::paths;

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    /// The URL it printed, with its token.
    pub url: String,
    process: Child,
}

impl Agent {
    /// Starts an agent on a free loopback port.
    pub fn start(options: &[&str]) -> Self {
        let mut command = Command::new(paths::binary());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the agent starts");
        let output = process.stdout.take().expect("the agent's output is a pipe");
        let url = BufReader::new(output).lines().map_while(Result::ok).find(|line| line.starts_with("http://"));
        Self { url: url.expect("the agent prints its URL"), process }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
