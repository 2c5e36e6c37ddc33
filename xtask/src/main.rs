//! `cargo xtask`: builds, runs, tests and checks Netmodes with nothing but Rust, git and a C compiler.
//!
//! Owns the order of the steps and what is said about them. Must not know how the network works, and must compile
//! when the core does not.

mod build;
mod check;
mod dist;
#[allow(dead_code, reason = "xtask uses a part of it, for `exercise`")]
#[path = "../../core/src/error.rs"]
mod error;
mod exercise;
mod fault;
mod files;
mod help;
mod needs;
mod paths;
mod process;
mod run;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use fault::Fault;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {}", fault.text);
            ExitCode::from(fault.status)
        }
    }
}

fn dispatch(args: &[String]) -> Result<(), Fault> {
    let Some((command, rest)) = args.split_first() else {
        eprint!("{}", help::ALL);
        return Err(Fault::usage("no command given"));
    };
    let known = help::of(command);
    if let (Some(text), true) = (known, help::is_asked(rest)) {
        print!("{text}");
        return Ok(());
    }
    match command.as_str() {
        "build" => build::command(rest),
        "run" => run::command(rest),
        "test" => test::command(rest),
        "dist" => dist::command(rest),
        "bench" => dist::bench(rest),
        "shots" => dist::shots(rest),
        "check" => check::command(rest),
        "help" | "--help" | "-h" => {
            print!("{}", rest.first().and_then(|name| help::of(name)).unwrap_or(help::ALL));
            Ok(())
        }
        other => Err(Fault::usage(format!("there is no command `{other}`; `cargo xtask help` lists them"))),
    }
}
