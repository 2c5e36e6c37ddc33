//! Redirections of a command, as bash opens them: from left to right, the first that fails ends the command with 1.
//!
//! Owns which files can be opened and bash's words where not. The machine's files have no directories of their own:
//! those that a bare Debian has are listed in [`super::builtin`].

use std::rc::Rc;

use super::builtin::{is_directory, resolve};
use super::expand::Env;
use super::lex::{Piece, Redirect, RedirectKind};
use crate::event::Stream;
use crate::programs::{Errno, Kernel, Sink, Stdio};

/// The standard streams of a command with these redirections.
///
/// # Errors
/// What bash says, without its name before it.
pub(super) fn open(redirects: &[Redirect], env: &Env, kernel: &mut dyn Kernel) -> Result<Stdio, String> {
    let mut stdio = kernel.stdio();
    for redirect in redirects {
        let [target] = &*env.arguments(&redirect.target) else {
            return Err(format!("{}: ambiguous redirect", source(&redirect.target)));
        };
        let output = redirect.fd.unwrap_or(1);
        match redirect.kind {
            RedirectKind::Read => {
                let text = read(env, target, kernel)?;
                if redirect.fd.unwrap_or(0) == 0 {
                    stdio.input = Some(text.into());
                }
            }
            RedirectKind::Write | RedirectKind::Append => {
                let sink = open_file(env, target, redirect.kind == RedirectKind::Append, &stdio, kernel)?;
                put(&mut stdio, output, sink);
            }
            RedirectKind::Both | RedirectKind::AppendBoth => {
                let append = redirect.kind == RedirectKind::AppendBoth;
                let sink = open_file(env, target, append, &stdio, kernel)?;
                (stdio.out, stdio.err) = (sink.clone(), sink);
            }
            RedirectKind::Duplicate => match target.as_str() {
                "1" | "2" => {
                    let sink = if target == "1" { stdio.out.clone() } else { stdio.err.clone() };
                    put(&mut stdio, output, sink);
                }
                "-" => put(&mut stdio, output, Sink::Closed),
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    return Err(format!("{digits}: {}", Errno::EBADF.text()));
                }
                _ if redirect.fd.is_none_or(|fd| fd == 1) => {
                    let sink = open_file(env, target, false, &stdio, kernel)?;
                    (stdio.out, stdio.err) = (sink.clone(), sink);
                }
                _ => return Err(format!("{}: ambiguous redirect", source(&redirect.target))),
            },
        }
    }
    Ok(stdio)
}

/// Other descriptors than 1 and 2 are opened too, but nobody here writes to them.
fn put(stdio: &mut Stdio, fd: u32, sink: Sink) {
    match fd {
        1 => stdio.out = sink,
        2 => stdio.err = sink,
        _ => {}
    }
}

fn read(env: &Env, target: &str, kernel: &dyn Kernel) -> Result<String, String> {
    let refused = |errno: Errno| format!("{target}: {}", errno.text());
    let path = resolve(&env.directory, target);
    match path.as_str() {
        _ if target.is_empty() => Err(refused(Errno::ENOENT)),
        "/dev/null" | "/dev/stdin" => Ok(String::new()),
        path => kernel.read_file(path).map_err(|errno| match errno {
            Errno::EISDIR => refused(errno),
            // A directory can be opened for reading, and cannot be read.
            _ if is_directory(path) => refused(Errno::EISDIR),
            errno => refused(errno),
        }),
    }
}

/// Opens a file for writing: makes it, or empties it unless what is written comes at its end.
fn open_file(env: &Env, target: &str, append: bool, stdio: &Stdio, kernel: &mut dyn Kernel) -> Result<Sink, String> {
    let refused = |errno: Errno| Err(format!("{target}: {}", errno.text()));
    let path = resolve(&env.directory, target);
    match path.as_str() {
        _ if target.is_empty() => return refused(Errno::ENOENT),
        "/dev/null" => return Ok(Sink::Null),
        "/dev/full" => return Ok(Sink::Full),
        "/dev/stdout" => return Ok(stdio.out.clone()),
        "/dev/stderr" => return Ok(stdio.err.clone()),
        "/dev/tty" if kernel.tty_columns().is_some() => return Ok(Sink::Job(Stream::Stdout)),
        "/dev/tty" => return refused(Errno::ENXIO),
        path if is_directory(path) || target.ends_with('/') => return refused(Errno::EISDIR),
        _ => {}
    }
    let there = kernel.read_file(&path);
    if path.starts_with("/proc/") || path.starts_with("/sys/") {
        // Nothing can be made here, and a setting changes when it is written, not when it is opened.
        return match there {
            Ok(_) => Ok(Sink::File(Rc::from(path))),
            Err(errno) => refused(errno),
        };
    }
    let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    if there.is_err() && !is_directory(parent) {
        return match kernel.read_file(parent) {
            Ok(_) => refused(Errno::ENOTDIR),
            Err(_) => refused(Errno::ENOENT),
        };
    }
    if !append || there.is_err() {
        kernel.write_file(&path, String::new()).or_else(refused_unit(target))?;
    }
    Ok(Sink::File(Rc::from(path)))
}

fn refused_unit(target: &str) -> impl Fn(Errno) -> Result<(), String> {
    move |errno| Err(format!("{target}: {}", errno.text()))
}

/// A word as it was written, as far as that is known.
fn source(word: &[Piece]) -> String {
    let pieces = word.iter().map(|piece| match piece {
        Piece::Literal { text, .. } => text.clone(),
        Piece::Variable { name, .. } => format!("${name}"),
        Piece::Home => "~".to_owned(),
    });
    pieces.collect()
}
