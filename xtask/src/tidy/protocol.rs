//! The protocol's guard: whoever changes a type that goes over the wire between page, worker and agent decides whether
//! the protocol's version is raised.
//!
//! A hash of every type, constant and hand-written (de)serialisation of the files below is kept in a lock file.
//! Comments, layout, tests and other functions do not count: they do not go over the wire.

use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{Finding, Tree};

/// The lock file's path from the root.
pub(super) const LOCK: &str = "core/src/protocol/schema.lock";
const WATCHED: [&str; 8] = [
    "core/src/event.rs",
    "core/src/protocol/mod.rs",
    "core/src/view/rows/ip.rs",
    "core/src/view/rows/service.rs",
    "core/src/view/rows/socket.rs",
    "core/src/view/rows/topology.rs",
    "core/src/view/table.rs",
    "core/src/world/command.rs",
];
const HEAD: &str = "\
# Hashes of the types that go over the wire. Written by `cargo xtask check --bless`, after thinking about VERSION in
# core/src/protocol/mod.rs.
";

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let Some(now) = lock(tree) else { return Vec::new() };
    let Some(kept) = tree.get(LOCK) else {
        return vec![Finding::new(LOCK, 0, "missing; `cargo xtask check --bless` writes it")];
    };
    let changed = now.lines().filter(|line| !kept.lines().any(|old| old == *line));
    changed.map(|line| Finding::new(line.split(' ').next().unwrap_or(LOCK), 0, ADVICE)).collect()
}

const ADVICE: &str = "types of the protocol changed. Raise VERSION in core/src/protocol/mod.rs when a page and an agent \
    of before and after would misread each other (a field or variant renamed, removed, retyped, or added without a \
    default); a new message or an optional field needs no new version. Then run `cargo xtask check --bless`";

/// The lock for the sources as they are; none when there is nothing to watch.
pub(super) fn lock(tree: &Tree) -> Option<String> {
    let lines: Vec<String> = WATCHED
        .iter()
        .filter_map(|file| Some((file, tree.get(file)?)))
        .map(|(file, text)| format!("{file} {:016x}\n", hash(text)))
        .collect();
    if lines.is_empty() { None } else { Some(HEAD.to_owned() + &lines.concat()) }
}

/// A hash of a file's types. What is no Rust hashes as empty: rule `size` reports it.
fn hash(text: &str) -> u64 {
    let tokens: Vec<TokenTree> = TokenStream::from_str(text).unwrap_or_default().into_iter().collect();
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    for item in items(tokens).into_iter().filter(|item| counts(item)) {
        fnv.tokens(item);
    }
    fnv.0
}

/// Cuts a file into items: each ends with a block in braces or with a semicolon.
fn items(tokens: Vec<TokenTree>) -> Vec<Vec<TokenTree>> {
    let mut items = vec![Vec::new()];
    for token in tokens {
        let ends = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        if let Some(item) = items.last_mut() {
            item.push(token);
        }
        if ends {
            items.push(Vec::new());
        }
    }
    items
}

/// Whether an item says what goes over the wire.
fn counts(item: &[TokenTree]) -> bool {
    let has = |name: &str| item.iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == name));
    if has("impl") {
        return has("Serialize") || has("Deserialize");
    }
    !has("fn") && !has("use") && !has("mod")
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): the same on every machine and with every version of Rust.
struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        // The zero closes each token, so that `a b` and `ab` differ.
        for byte in bytes.iter().chain(&[0]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn tokens(&mut self, tokens: impl IntoIterator<Item = TokenTree>) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                // Comments for the documentation are attributes by now: `#[doc = "…"]`.
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    tokens.next_if(|next| matches!(next, TokenTree::Punct(punct) if punct.as_char() == '!'));
                    if tokens.next_if(is_doc).is_none() {
                        self.bytes(b"#");
                    }
                }
                TokenTree::Group(group) => {
                    self.bytes(format!("{:?}", group.delimiter()).as_bytes());
                    self.tokens(group.stream());
                    self.bytes(b"end");
                }
                other => self.bytes(other.to_string().as_bytes()),
            }
        }
    }
}

fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(ident)) if ident == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "core/src/event.rs";
    const SOURCE: &str = "//! E\n/// D\npub struct A {\n    /// B\n    pub b: u8, // c\n}\nfn f() {}\n";

    fn found(text: &str) -> usize {
        let lock = lock(&Tree::of(&[(FILE, SOURCE)])).unwrap();
        findings(&Tree::of(&[(FILE, text), (LOCK, &lock)])).len()
    }

    #[test]
    fn a_changed_type_is_found() {
        assert_eq!(found(&SOURCE.replace("u8", "u16")), 1);
        assert_eq!(found(&SOURCE.replace("pub b", "#[serde(default)]\npub b")), 1);
    }

    #[test]
    fn comments_layout_and_functions_are_free() {
        assert_eq!(found(SOURCE), 0);
        assert_eq!(found("//! Other\n/// Words\npub struct A { pub b: u8, }\nfn g() { f() }\n"), 0);
    }

    #[test]
    fn a_hand_written_serialisation_counts() {
        let text = format!("{SOURCE}impl Serialize for A {{ fn serialize() {{}} }}");
        assert_eq!(found(&text), 1);
    }

    #[test]
    fn a_missing_lock_is_found_and_missing_sources_are_not() {
        assert_eq!(findings(&Tree::of(&[(FILE, SOURCE)])).len(), 1);
        assert_eq!(findings(&Tree::of(&[])), []);
    }
}
