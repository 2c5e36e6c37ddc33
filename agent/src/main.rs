//! `netmodes`: the simulator on the command line, the server of page and lab, the real devices.
//!
//! Owns the words of the command line. What each command does is in a module of its own; the network itself is
//! netmodes-core's.

mod auth;
mod driver;
mod failure;
mod host_sockets;
mod lab_place;
mod lab_text;
mod labs;
mod proc_map;
mod reach;
mod serve;
mod server;
mod session;
mod sim;
mod site;
mod sock_diag;
mod ss;
mod tap;
mod texts;
mod words;

use std::process::ExitCode;

use failure::Failure;
use lexopt::prelude::*;
use texts::Texts;
use words::{Words, unexpected};

fn main() -> ExitCode {
    let mut parser = lexopt::Parser::from_env();
    let texts = Texts::of_environment(std::env::args_os().skip(1));
    match run(&mut parser, texts) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.text.is_empty() {
                failure::tell(&format!("netmodes: {}", failure.text));
            }
            ExitCode::from(failure.exit)
        }
    }
}

/// Runs the command that the first word names.
fn run(parser: &mut lexopt::Parser, texts: Texts) -> Result<u8, Failure> {
    let mut words = Words::new(parser, texts);
    while let Some(word) = words.next()? {
        match word {
            Value(command) => return dispatch(&command.to_string_lossy(), &mut words),
            Short('h') | Long("help") => {
                failure::print(&help(words.texts))?;
                return Ok(0);
            }
            Short('V') | Long("version") => {
                failure::print(&format!("netmodes {}\n", env!("CARGO_PKG_VERSION")))?;
                return Ok(0);
            }
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    Err(Failure::usage(help(words.texts).trim_end().to_owned()))
}

fn dispatch(command: &str, words: &mut Words<'_>) -> Result<u8, Failure> {
    match command {
        "serve" => serve::serve(words),
        "sim" => sim::sim(words),
        "ss" => ss::ss(words),
        "labs" => labs::list(words),
        "lab" => labs::lab(words),
        other => Err(Failure::usage(words.texts.say("command-unknown", &[("command", other)]))),
    }
}

/// What `--help` prints.
fn help(texts: Texts) -> String {
    let mut text = format!("{}\n\n{}\n\n", texts.say("about", &[]), texts.say("usage", &[]));
    let commands = [
        ("serve [--listen A] [--lab NAME|FILE] [--tap DEV=vm1:1]… [--allow-origin O]… [--seed N]", "serve"),
        (
            "sim --lab NAME|FILE [--script FILE|-] [--seed N] [--json] [--pcap OUT.pcapng] [--trace OUT.jsonl] [--share]",
            "sim",
        ),
        ("sim … --reach", "sim-reach"),
        ("sim --session LINK|FILE [--json] [--pcap OUT.pcapng] [--trace OUT.jsonl] [--share]", "sim-session"),
        ("labs", "labs"),
        ("lab check FILE…", "lab-check"),
        ("lab convert FILE.toml|FILE.json [--out FILE]", "lab-convert"),
        ("ss [-tuwalnpH46s] [state NAME]", "ss"),
    ];
    for (line, key) in commands {
        text.push_str(&format!("  netmodes {line}\n      {}\n", texts.say(key, &[])));
    }
    text.push_str(&format!("\n  --lang en|ru, --help, --version\n      {}\n", texts.say("lang", &[])));
    text
}
