//! What real tools printed, replayed: sections of command lines on a machine of their own, each with its standard
//! input (`<`), output (a blank), errors (`!`) and status (`?`). A backslash at the end of a line stands for a missing
//! line feed.

use super::fake::Fake;

/// A command line and what came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) line: String,
    pub(super) stdin: String,
    pub(super) out: String,
    pub(super) err: String,
    pub(super) status: i32,
}

/// All sections: a name, and its cases.
pub(super) fn sections(text: &str) -> Vec<(String, Vec<Case>)> {
    let mut sections: Vec<(String, Vec<Case>)> = Vec::new();
    for line in text.lines() {
        let mut chars = line.chars();
        let mark = chars.next();
        let rest = chars.as_str();
        if mark == Some('=') {
            sections.push((rest.trim_start_matches(['=', ' ']).to_owned(), Vec::new()));
            continue;
        }
        let Some((_, cases)) = sections.last_mut() else { continue };
        if mark == Some('$') {
            cases.push(Case { line: rest.to_owned(), ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        let whole = rest.strip_suffix('\\').map_or_else(|| format!("{rest}\n"), str::to_owned);
        match mark {
            Some('<') => case.stdin.push_str(&format!("{rest}\n")),
            Some('!') => case.err.push_str(&whole),
            Some('?') => case.status = rest.parse().unwrap(),
            _ => case.out.push_str(&whole),
        }
    }
    sections
}

/// The words of a command line, quotes taken off.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut started) = (Vec::new(), String::new(), false);
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, started) = (Some(c), true),
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => {
                word.extend(chars.next());
                started = true;
            }
            (None, ' ') => {
                if started {
                    words.push(core::mem::take(&mut word));
                }
                started = false;
            }
            (_, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

/// Runs a command line on a machine.
pub(super) fn run(fake: &mut Fake, line: &str, stdin: &str) -> Case {
    let argv = words(line);
    let status = match argv[0].as_str() {
        "nft" => super::nft::run(&argv, stdin, fake),
        "iptables-restore" => super::iptables::restore(&argv, stdin, fake),
        name => super::registry::instant(name).expect("a tool")(&argv, fake),
    };
    Case {
        line: line.to_owned(),
        stdin: stdin.to_owned(),
        out: core::mem::take(&mut fake.out),
        err: core::mem::take(&mut fake.err),
        status,
    }
}

/// A machine as the recordings' namespaces were.
pub(super) fn machine() -> Fake {
    let mut fake = Fake::default();
    fake.iface(1, "lo", "00:00:00:00:00:00");
    fake.iface(2, "eth0", "08:00:27:00:00:01");
    fake.iface(3, "eth1", "08:00:27:00:00:02");
    fake
}

/// Only the time of day in iptables-save's remarks varies.
fn normal(text: &str) -> String {
    let line = |line: &str| match line.split_once(" on ") {
        Some((before, _)) if line.starts_with("# ") => before.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs everything, each section on a fresh machine; what differs, and how many lines there were.
pub(super) fn differences(text: &str) -> (Vec<String>, usize) {
    differences_on(text, machine)
}

/// The same on machines that `fresh` makes.
pub(super) fn differences_on(text: &str, fresh: impl Fn() -> Fake) -> (Vec<String>, usize) {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, cases) in sections(text) {
        let mut fake = fresh();
        for case in cases {
            let got = run(&mut fake, &case.line, &case.stdin);
            count += 1;
            let same = (normal(&got.out), &got.err, got.status) == (normal(&case.out), &case.err, case.status);
            if !same {
                let got = format!("{}{}status {}", normal(&got.out), got.err, got.status);
                let expected = format!("{}{}status {}", normal(&case.out), case.err, case.status);
                let got_lines: Vec<_> = got.lines().filter(|line| !expected.lines().any(|e| e == *line)).collect();
                let missing: Vec<_> = expected.lines().filter(|line| !got.lines().any(|g| g == *line)).collect();
                wrong.push(format!("[{name}] {}\n+{}\n-{}\n", case.line, got_lines.join("\n+"), missing.join("\n-")));
            }
        }
    }
    (wrong, count)
}
