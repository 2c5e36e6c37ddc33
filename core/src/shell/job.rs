//! A command line that runs: one command after another, each in a child process.
//!
//! Ctrl-C goes to every process of the job, as a terminal sends it: the shell notes it and ends with 130 when the
//! child died of it. A child that caught it and ended in its own way lets the list go on, as in bash.

use std::collections::VecDeque;

use super::builtin::{self, Outcome};
use super::expand::Env;
use super::lex::{self, Command, Connector};
use super::out::complain;
use super::redirect;
use crate::id::Pid;
use crate::programs::{Errno, Kernel, Signal, Step};
use crate::time::SimTime;

/// Exit status of a process that died of SIGINT (128 + 2).
const DIED_OF_INT: i32 = 130;
/// Exit status of a process that died of SIGTERM (128 + 15).
const DIED_OF_TERM: i32 = 143;

/// Bytes that one command's words may become.
const EXPANDED_BYTES_MAX: usize = 2 * crate::limits::COMMAND_LINE_CHARS_MAX;

/// A command line that runs.
#[derive(Clone, Debug)]
pub struct ShellJob {
    line: String,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Not yet looked at.
    Fresh,
    /// Some of it has run.
    Started(Run),
    /// Over.
    Ended(i32),
}

#[derive(Clone, Debug)]
struct Run {
    env: Env,
    commands: VecDeque<Command>,
    foreground: Option<Foreground>,
    interrupted: bool,
}

#[derive(Clone, Debug)]
enum Foreground {
    Child(Pid),
    Sleep(SimTime),
}

impl ShellJob {
    /// The job for a line, as `bash -c LINE` would run it (or an interactive bash, when its output is a terminal).
    pub fn new(line: &str) -> Self {
        Self { line: line.to_owned(), state: State::Fresh }
    }

    /// The line.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Goes on as far as possible. After the end it says the same exit status again.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if let State::Fresh = self.state {
            self.state = match lex::parse(&self.line) {
                Ok(commands) => State::Started(Run {
                    env: Env::new(kernel.hostname()),
                    commands: commands.into(),
                    foreground: None,
                    interrupted: false,
                }),
                Err(error) => {
                    let interactive = kernel.tty_columns().is_some();
                    complain(kernel, error.render(interactive));
                    State::Ended(2)
                }
            };
        }
        match &mut self.state {
            State::Started(run) => match run.advance(kernel) {
                Step::Running => Step::Running,
                Step::Exited(status) => {
                    self.state = State::Ended(status);
                    Step::Exited(status)
                }
            },
            State::Ended(status) => Step::Exited(*status),
            State::Fresh => Step::Running,
        }
    }
}

impl Run {
    fn advance(&mut self, kernel: &mut dyn Kernel) -> Step {
        match kernel.take_signal() {
            Some(Signal::Int) => self.interrupted = true,
            Some(Signal::Term) => return Step::Exited(DIED_OF_TERM),
            _ => {}
        }
        loop {
            match self.foreground.take() {
                Some(Foreground::Child(pid)) => match kernel.wait(pid) {
                    None => {
                        self.foreground = Some(Foreground::Child(pid));
                        return Step::Running;
                    }
                    Some(status) => {
                        self.env.status = status;
                        if core::mem::take(&mut self.interrupted) && status == DIED_OF_INT {
                            return Step::Exited(DIED_OF_INT);
                        }
                    }
                },
                Some(Foreground::Sleep(_)) if self.interrupted => return Step::Exited(DIED_OF_INT),
                Some(Foreground::Sleep(until)) if kernel.now() < until => {
                    kernel.wake_at(until);
                    self.foreground = Some(Foreground::Sleep(until));
                    return Step::Running;
                }
                Some(Foreground::Sleep(_)) => self.env.status = 0,
                None if self.interrupted => return Step::Exited(DIED_OF_INT),
                None => match self.commands.pop_front() {
                    None => return Step::Exited(self.env.status),
                    Some(command) => {
                        if let Some(status) = self.start(&command, kernel) {
                            return Step::Exited(status);
                        }
                    }
                },
            }
        }
    }

    /// Starts a command; `Some` when the shell itself is to end.
    fn start(&mut self, command: &Command, kernel: &mut dyn Kernel) -> Option<i32> {
        let due = match command.connector {
            Connector::Always => true,
            Connector::IfSucceeded => self.env.status == 0,
            Connector::IfFailed => self.env.status != 0,
        };
        if !due {
            return None;
        }
        // `a=$a$a` again and again would fill any memory.
        let words = command.words.iter().chain(command.assignments.iter().map(|(_, word)| word));
        let words = words.chain(command.redirects.iter().map(|redirect| &redirect.target));
        if words.map(|word| self.env.expanded_len(word)).fold(0, usize::saturating_add) > EXPANDED_BYTES_MAX {
            complain(kernel, "bash: Argument list too long");
            return Some(126);
        }
        let argv: Vec<String> = command.words.iter().flat_map(|word| self.env.arguments(word)).collect();
        let interactive = kernel.tty_columns().is_some();
        let prefix = if interactive { "bash: ".to_owned() } else { format!("bash: line {}: ", command.line) };
        let before = kernel.stdio();
        match redirect::open(&command.redirects, &self.env, kernel) {
            Ok(stdio) => kernel.set_stdio(stdio),
            Err(why) => {
                complain(kernel, format!("{prefix}{why}"));
                self.env.status = 1;
                return None;
            }
        }
        let ended = self.execute(command, argv, &prefix, kernel);
        kernel.set_stdio(before);
        ended
    }

    /// Runs a command whose streams are open; `Some` when the shell itself is to end.
    fn execute(&mut self, command: &Command, argv: Vec<String>, prefix: &str, kernel: &mut dyn Kernel) -> Option<i32> {
        // Before a command an assignment is for that command only; our programs read no environment.
        let Some(name) = argv.first().cloned() else {
            self.env.status = 0;
            for (name, word) in &command.assignments {
                let value = self.env.value(word);
                self.env.set(name, value);
            }
            return None;
        };
        let _ = kernel.take_write_error();
        match builtin::run(&argv, &mut self.env, prefix, kernel) {
            Some(Outcome::Done(status)) => {
                self.env.status = status;
                if let Some(errno) = kernel.take_write_error() {
                    complain(kernel, format!("{prefix}{name}: write error: {}", errno.text()));
                    self.env.status = 1;
                }
            }
            Some(Outcome::Exit(status)) => return Some(status),
            Some(Outcome::Sleep(duration)) => self.foreground = Some(Foreground::Sleep(kernel.now() + duration)),
            None => self.spawn(argv, prefix, kernel),
        }
        None
    }

    fn spawn(&mut self, mut argv: Vec<String>, prefix: &str, kernel: &mut dyn Kernel) {
        let Some(name) = argv.first().cloned() else { return };
        let by_path = name.contains('/');
        let program = if by_path { in_path(&name) } else { Some(name.as_str()) };
        let started = match program {
            Some("") | None => Err(Errno::ENOENT),
            Some(program) => {
                program.clone_into(&mut argv[0]);
                self.make_absolute(&mut argv);
                kernel.spawn(argv)
            }
        };
        self.env.status = match started {
            Ok(pid) => {
                self.foreground = Some(Foreground::Child(pid));
                return;
            }
            Err(Errno::ENOENT) => {
                let why = if by_path { Errno::ENOENT.text() } else { "command not found" };
                complain(kernel, format!("{prefix}{name}: {why}"));
                127
            }
            Err(errno) => {
                complain(kernel, format!("bash: fork: {}", errno.text()));
                254
            }
        };
    }

    /// A child starts in /root, because the kernel keeps no directory of a process: names are made whole here.
    fn make_absolute(&self, argv: &mut [String]) {
        if self.env.directory == super::expand::HOME || argv.first().is_none_or(|name| name != "cat") {
            return;
        }
        for name in argv.iter_mut().skip(1).filter(|name| !name.starts_with(['-', '/'])) {
            *name = format!("{}/{name}", self.env.directory.trim_end_matches('/'));
        }
    }
}

/// The program's name, if the path is where Debian keeps programs.
fn in_path(path: &str) -> Option<&str> {
    let (directory, name) = path.rsplit_once('/')?;
    ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].contains(&directory).then_some(name)
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
