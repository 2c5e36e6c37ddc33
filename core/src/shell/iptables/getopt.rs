//! The words of a command line as getopt_long gives them to `iptables`: letters in clusters, long names and their
//! unambiguous beginnings, among them those of the extensions that are loaded by then.

use super::exts;

/// How an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arg {
    No,
    Yes,
    /// Only attached; iptables looks at the next word itself.
    Maybe,
}

/// Letters (xtables `OPTSTRING_COMMON`).
const LETTERS: &[(char, Arg)] = &[
    ('A', Arg::Yes),
    ('C', Arg::Yes),
    ('D', Arg::Yes),
    ('R', Arg::Yes),
    ('I', Arg::Yes),
    ('L', Arg::Maybe),
    ('S', Arg::Maybe),
    ('M', Arg::Yes),
    ('F', Arg::Maybe),
    ('Z', Arg::Maybe),
    ('N', Arg::Yes),
    ('X', Arg::Maybe),
    ('E', Arg::Yes),
    ('P', Arg::Yes),
    ('V', Arg::No),
    ('h', Arg::Maybe),
    ('o', Arg::Yes),
    ('p', Arg::Yes),
    ('s', Arg::Yes),
    ('d', Arg::Yes),
    ('j', Arg::Yes),
    ('i', Arg::Yes),
    ('f', Arg::No),
    ('v', Arg::No),
    ('w', Arg::Maybe),
    ('W', Arg::Maybe),
    ('n', Arg::No),
    ('t', Arg::Yes),
    ('m', Arg::Yes),
    ('x', Arg::No),
    ('c', Arg::Yes),
    ('g', Arg::Yes),
    ('4', Arg::No),
    ('6', Arg::No),
];

/// Long names of the same; `0` has no letter.
const LONG: &[(&str, char)] = &[
    ("append", 'A'),
    ("delete", 'D'),
    ("check", 'C'),
    ("insert", 'I'),
    ("replace", 'R'),
    ("list", 'L'),
    ("list-rules", 'S'),
    ("flush", 'F'),
    ("zero", 'Z'),
    ("new-chain", 'N'),
    ("delete-chain", 'X'),
    ("rename-chain", 'E'),
    ("policy", 'P'),
    ("source", 's'),
    ("destination", 'd'),
    ("src", 's'),
    ("dst", 'd'),
    ("protocol", 'p'),
    ("in-interface", 'i'),
    ("jump", 'j'),
    ("table", 't'),
    ("match", 'm'),
    ("numeric", 'n'),
    ("out-interface", 'o'),
    ("verbose", 'v'),
    ("wait", 'w'),
    ("wait-interval", 'W'),
    ("exact", 'x'),
    ("fragments", 'f'),
    ("version", 'V'),
    ("help", 'h'),
    ("line-numbers", '0'),
    ("modprobe", 'M'),
    ("set-counters", 'c'),
    ("goto", 'g'),
    ("ipv4", '4'),
    ("ipv6", '6'),
];

fn arg_of(letter: char) -> Option<Arg> {
    if letter == '0' {
        return Some(Arg::No);
    }
    LETTERS.iter().find(|(other, _)| *other == letter).map(|(_, arg)| *arg)
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A word that is no option.
    Word(&'a str),
    /// An option of iptables itself, by its letter.
    Main { letter: char, value: Option<&'a str> },
    /// An option of a loaded extension.
    Of { module: &'static str, option: &'static exts::Opt, value: Option<&'a str> },
    /// An option that nobody knows.
    Unknown(&'a str),
    /// A value is missing.
    NoValue(&'a str),
}

/// A place in the words.
pub(super) struct Cursor<'a> {
    pub(super) words: &'a [String],
    pub(super) at: usize,
    /// What is left of a cluster of letters.
    cluster: &'a str,
    ended: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(words: &'a [String]) -> Self {
        Self { words, at: 0, cluster: "", ended: false }
    }

    /// The word before the place: what iptables takes for some options' values, even where they are attached.
    pub(super) fn word_before(&self) -> &'a str {
        self.words.get(self.at.wrapping_sub(1)).map_or("", String::as_str)
    }

    /// Takes the next word if it may be a value (`xs_has_arg`).
    pub(super) fn take_arg(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        if word.starts_with(['-', '!']) || !self.cluster.is_empty() {
            return None;
        }
        self.at += 1;
        Some(word)
    }

    fn take(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// The next item. `loaded`: the extensions, in order of loading.
    pub(super) fn next(&mut self, loaded: &[&'static str]) -> Option<Item<'a>> {
        if let Some(letter) = self.cluster.chars().next() {
            let word = self.word_before();
            self.cluster = self.cluster.get(letter.len_utf8()..).unwrap_or("");
            return Some(self.letter(letter, word));
        }
        let word = self.take()?;
        if self.ended || word == "-" || !word.starts_with('-') {
            return Some(Item::Word(word));
        }
        if word == "--" {
            self.ended = true;
            return self.next(loaded);
        }
        if let Some(long) = word.strip_prefix("--") {
            return Some(self.long(long, word, loaded));
        }
        self.cluster = word.get(1..).unwrap_or("");
        self.next(loaded)
    }

    fn letter(&mut self, letter: char, word: &'a str) -> Item<'a> {
        match arg_of(letter).filter(|_| letter != '0') {
            None => Item::Unknown(word),
            Some(Arg::No) => Item::Main { letter, value: None },
            Some(Arg::Maybe) => {
                let value = Some(core::mem::take(&mut self.cluster)).filter(|value| !value.is_empty());
                Item::Main { letter, value }
            }
            Some(Arg::Yes) => {
                let attached = Some(core::mem::take(&mut self.cluster)).filter(|value| !value.is_empty());
                match attached.or_else(|| self.take()) {
                    Some(value) => Item::Main { letter, value: Some(value) },
                    None => Item::NoValue(word),
                }
            }
        }
    }

    fn long(&mut self, long: &'a str, word: &'a str, loaded: &[&'static str]) -> Item<'a> {
        let (name, attached) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let Some(found) = find(name, loaded) else { return Item::Unknown(word) };
        let arg = match found {
            Found::Main(letter) => arg_of(letter).unwrap_or(Arg::No),
            Found::Of(_, option) => option.arg,
        };
        let value = match (arg, attached) {
            (Arg::No, Some(_)) => return Item::Unknown(word),
            (Arg::No, None) => None,
            (Arg::Maybe, attached) => attached,
            (Arg::Yes, attached) => match attached.or_else(|| self.take()) {
                Some(value) => Some(value),
                None => return Item::NoValue(word),
            },
        };
        match found {
            Found::Main(letter) => Item::Main { letter, value },
            Found::Of(module, option) => Item::Of { module, option, value },
        }
    }
}

#[derive(Clone, Copy)]
enum Found {
    Main(char),
    Of(&'static str, &'static exts::Opt),
}

/// The option of that name, or the only one that begins so.
fn find(name: &str, loaded: &[&'static str]) -> Option<Found> {
    let of_loaded = loaded.iter().flat_map(|module| exts::options(module).iter().map(|opt| (*module, opt)));
    let all = LONG.iter().map(|(long, letter)| (*long, Found::Main(*letter)));
    let all: Vec<_> = all.chain(of_loaded.map(|(module, opt)| (opt.name, Found::Of(module, opt)))).collect();
    // Of two loaded extensions with the same option the newer one has it.
    if let Some((_, found)) = all.iter().rev().find(|(long, _)| *long == name) {
        return Some(*found);
    }
    let mut begin = all.iter().filter(|(long, _)| long.starts_with(name));
    let (_, first) = begin.next()?;
    let same = |other: &Found| match (first, other) {
        (Found::Main(a), Found::Main(b)) => a == b,
        (Found::Of(a, x), Found::Of(b, y)) => a == b && x.key == y.key,
        _ => false,
    };
    begin.all(|(_, other)| same(other)).then_some(*first)
}
