//! `nft`, as nftables 1.0.6 (Debian 12) reads its words and prints the rules. One rule set stands under it and
//! `iptables`.
//!
//! Owns the tool's options and how its errors point into the text. Must not know what a rule does to a packet: that is
//! [`crate::netfilter`].

mod ast;
mod grammar;
mod keys;
mod lex;
mod matches;
mod parse;
mod print;
mod rule;
mod run;
mod statements;
mod value;

#[cfg(test)]
mod tests;

use ast::Error;
use print::Style;

use super::complete::{Grammar, Slot};
use super::out::{Text, complain, say};
use crate::event::Stream;
use crate::programs::{Errno, Kernel};

/// For completion.
pub(super) const GRAMMAR: Grammar = Grammar {
    options: &["-a", "-n", "-s", "-c", "-e", "-y", "-p", "-v", "-h"],
    keywords: &[("-f", Slot::File)],
    subcommands: &[
        (&["add"], &OBJECTS),
        (&["list"], &LISTS),
        (&["delete"], &OBJECTS),
        (&["flush"], &FLUSHES),
        (&["insert"], &RULES),
        (&["replace"], &RULES),
        (&["rename"], &OBJECTS),
        (&["create"], &OBJECTS),
    ],
    operand: None,
};
const FAMILIES: Slot = Slot::OneOf(&["ip", "inet", "bridge"]);
const OBJECTS: Grammar = Grammar {
    options: &[],
    keywords: &[("table", FAMILIES), ("chain", FAMILIES), ("rule", FAMILIES)],
    subcommands: &[],
    operand: None,
};
const RULES: Grammar = Grammar { options: &[], keywords: &[("rule", FAMILIES)], subcommands: &[], operand: None };
const LISTS: Grammar = Grammar {
    options: &[],
    keywords: &[
        ("ruleset", FAMILIES),
        ("tables", FAMILIES),
        ("table", FAMILIES),
        ("chains", FAMILIES),
        ("chain", FAMILIES),
    ],
    subcommands: &[],
    operand: None,
};
const FLUSHES: Grammar = Grammar {
    options: &[],
    keywords: &[("ruleset", FAMILIES), ("table", FAMILIES), ("chain", FAMILIES)],
    subcommands: &[],
    operand: None,
};

/// What the words before the commands say.
#[derive(Default)]
struct Options {
    style: Style,
    file: Option<String>,
    check: bool,
    echo: bool,
    /// Ends at once, with this on standard output.
    told: Option<&'static str>,
    /// How many words were options.
    words: usize,
}

const VERSION: &str = "nftables v1.0.6 (Lester Gooch #5)\n";
const LONG: &[(&str, char)] = &[
    ("help", 'h'),
    ("version", 'v'),
    ("check", 'c'),
    ("file", 'f'),
    ("interactive", 'i'),
    ("includepath", 'I'),
    ("handle", 'a'),
    ("stateless", 's'),
    ("terse", 't'),
    ("service", 'S'),
    ("reversedns", 'N'),
    ("guid", 'u'),
    ("numeric", 'n'),
    ("numeric-priority", 'y'),
    ("numeric-protocol", 'p'),
    ("numeric-time", 'T'),
    ("echo", 'e'),
    ("json", 'j'),
    ("debug", 'd'),
    ("define", 'D'),
    ("optimize", 'o'),
];

fn options(argv: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut at = 1;
    while let Some(word) = argv.get(at).filter(|word| word.starts_with('-') && word.len() > 1) {
        at += 1;
        if word == "--" {
            break;
        }
        let letters: Vec<char> = match word.strip_prefix("--") {
            Some(long) => {
                let mut found = LONG.iter().filter(|(name, _)| *name == long || name.starts_with(long));
                let exact = LONG.iter().find(|(name, _)| *name == long);
                let found = exact.or_else(|| found.next());
                vec![found.ok_or_else(|| format!("nft: unrecognized option '{word}'"))?.1]
            }
            None => word.chars().skip(1).collect(),
        };
        for (index, letter) in letters.iter().enumerate() {
            match letter {
                'a' => options.style.handles = true,
                'n' => options.style.numeric = true,
                'y' => options.style.numeric_priority = true,
                'p' => options.style.numeric_protocol = true,
                's' => options.style.stateless = true,
                'c' => options.check = true,
                'e' => options.echo = true,
                't' | 'S' | 'N' | 'u' | 'T' | 'o' => {}
                'h' => options.told = Some(include_str!("usage.txt")),
                'v' | 'V' => options.told = Some(VERSION),
                'f' | 'I' | 'D' | 'd' => {
                    let attached: String = letters.iter().skip(index + 1).collect();
                    let value = if attached.is_empty() {
                        at += 1;
                        argv.get(at - 1).cloned()
                    } else {
                        Some(attached)
                    };
                    let value = value.ok_or_else(|| format!("nft: option requires an argument -- '{letter}'"))?;
                    if *letter == 'f' {
                        options.file = Some(value);
                    }
                    break;
                }
                'i' | 'j' => return Err(format!("nft -{letter} is not available in this lab")),
                other => return Err(format!("nft: invalid option -- '{other}'")),
            }
        }
    }
    options.words = at;
    Ok(options)
}

/// Whether standard input is read.
pub(super) fn reads_stdin(argv: &[String]) -> bool {
    let file = options(argv).ok().and_then(|options| options.file);
    matches!(file.as_deref(), Some("-" | "/dev/stdin"))
}

/// Runs `nft`; `input`: standard input, to its end.
pub(super) fn run(argv: &[String], input: &str, kernel: &mut dyn Kernel) -> i32 {
    let options = match options(argv) {
        Ok(options) => options,
        Err(text) => {
            complain(kernel, text);
            return 1;
        }
    };
    if let Some(text) = options.told {
        say(kernel, text);
        return 0;
    }
    let words = argv.get(options.words..).unwrap_or(&[]);
    if let Some(late) = words.iter().position(|word| word.starts_with('-') && word.len() > 1 && !is_number(word))
        && options.file.is_none()
        && words.get(late.wrapping_sub(1)).is_none_or(|before| before != "priority")
    {
        return options_too_late(argv, options.words + late, kernel);
    }
    let (name, text) = match options.file.as_deref() {
        Some("-" | "/dev/stdin") => (Some("/dev/stdin".to_owned()), input.to_owned()),
        Some("/dev/null") => (None, String::new()),
        Some(file) => match kernel.read_file(file) {
            Ok(text) => (Some(file.to_owned()), text),
            Err(errno) => {
                let why = errno.text();
                complain(kernel, format!("internal:0:0-0: Error: Could not open file \"{file}\": {why}\n\n"));
                return 1;
            }
        },
        None if words.is_empty() => {
            complain(kernel, "nft: no command specified");
            return 1;
        }
        None => (None, format!("{}\n", words.join(" "))),
    };
    execute(&options, name.as_deref(), &text, kernel)
}

fn is_number(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Options stand before commands. The real tool prints its marks to standard output.
fn options_too_late(argv: &[String], late: usize, kernel: &mut dyn Kernel) -> i32 {
    let place: usize = argv.iter().take(late).map(|word| word.chars().count() + 1).sum();
    say(kernel, format!("\n   ^{}~~\n", " ".repeat(place.saturating_sub(4))));
    let text = format!("Error: syntax error, options must be specified before commands\n{} ", argv.join(" "));
    kernel.write(Stream::Stderr, vec![crate::event::Span::plain(text)]);
    1
}

fn execute(options: &Options, file: Option<&str>, text: &str, kernel: &mut dyn Kernel) -> i32 {
    let told = |kernel: &mut dyn Kernel, errors: &[Error]| {
        for error in errors {
            let text = pointed(error, file, text);
            complain(kernel, text);
        }
        1
    };
    let tokens = match lex::tokens(text) {
        Ok(tokens) => tokens,
        Err(at) => return told(kernel, &[Error::new("syntax error, unexpected junk", at)]),
    };
    let ifaces: Vec<_> = kernel.ifaces().into_iter().map(|row| (row.name, row.index)).collect();
    let mut parser = parse::Parser::new(&tokens, &ifaces);
    let statements = match grammar::statements(&mut parser) {
        Ok(statements) => statements,
        Err(errors) => return told(kernel, &errors),
    };
    let wrong: Vec<_> = statements.iter().filter_map(|statement| statement.wrong.clone()).collect();
    if !wrong.is_empty() {
        return told(kernel, &wrong);
    }
    let before = kernel.ruleset();
    let mut rules = before.clone();
    let mut out = Text::new();
    let mut run = run::Run {
        rules: &mut rules,
        style: options.style,
        from_file: file.is_some(),
        echo: options.echo,
        out: &mut out,
        warnings: Vec::new(),
    };
    let errors: Vec<_> = statements.iter().filter_map(|statement| run.command(statement).err()).collect();
    let warnings = core::mem::take(&mut run.warnings);
    out.print(kernel, Stream::Stdout);
    warnings.iter().for_each(|line| complain(kernel, line));
    let changes = statements.iter().any(|statement| !is_list(&statement.command));
    if !errors.is_empty() {
        // What the kernel has counted in vain stays counted.
        let mut kept = before;
        keep_counts(&mut kept, &rules);
        let _ = kernel.ruleset_replace(kept);
        return told(kernel, &errors);
    }
    if !changes || options.check {
        return 0;
    }
    match kernel.ruleset_replace(rules) {
        Ok(()) => 0,
        Err(errno) => {
            let at = statements.last().map_or(0..1, |statement| statement.at.clone());
            let text = match errno {
                Errno::ENOMEM => "Could not process rule: Cannot allocate memory".to_owned(),
                errno => format!("Could not process rule: {}", errno.text()),
            };
            told(kernel, &[Error::new(text, at)])
        }
    }
}

const fn is_list(command: &ast::Command) -> bool {
    use ast::Command;
    matches!(
        command,
        Command::ListRuleset(_)
            | Command::ListTables(_)
            | Command::ListTable(_)
            | Command::ListChains(_)
            | Command::ListChain(_)
            | Command::Nothing
    )
}

fn keep_counts(kept: &mut crate::netfilter::model::Ruleset, tried: &crate::netfilter::model::Ruleset) {
    for table in &mut kept.tables {
        if let Some(other) = tried.tables.iter().find(|other| other.handle == table.handle) {
            table.made = table.made.max(other.made);
        }
    }
}

/// An error with the line it is in, and a line with marks under it.
fn pointed(error: &Error, file: Option<&str>, text: &str) -> String {
    let at_end = error.at.start > text.len();
    let start = if at_end { 0 } else { text.get(..error.at.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1) };
    let line_text = if at_end {
        text.lines().last().unwrap_or("")
    } else {
        text.get(start..).unwrap_or("").lines().next().unwrap_or("")
    };
    let line = if at_end {
        text.lines().count() + 1
    } else {
        text.get(..start).map_or(0, |text| text.matches('\n').count()) + 1
    };
    let column = |at: usize| text.get(start..at).map_or(0, |text| text.chars().count());
    let (from, to) =
        if at_end { (0, 1) } else { (column(error.at.start), column(error.at.end).max(column(error.at.start) + 1)) };
    let mut marks: Vec<char> = line_text.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let width = marks.len().max(to);
    marks.resize(width, ' ');
    let put = |marks: &mut Vec<char>, from: usize, to: usize, mark: char| {
        marks.iter_mut().take(to).skip(from).for_each(|place| *place = mark);
    };
    if let Some(also) = &error.also
        && also.start >= start
    {
        put(&mut marks, column(also.start), column(also.end), '~');
    }
    put(&mut marks, from, to, '^');
    let marks: String = marks.into_iter().collect();
    let place = file.map_or_else(String::new, |file| format!("{file}:{line}:{}-{to}: ", from + 1));
    format!("{place}Error: {}\n{line_text}\n{}", error.text, marks.trim_end())
}
