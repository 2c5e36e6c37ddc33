//! Every error that the agent or the page can show, and every word the page asks for, exists in both languages.
//!
//! The core's own errors are held against the texts by core/tests/texts.rs.

use super::{Finding, Tree};

const LOCALES: [&str; 2] = ["static/locales/en/", "static/locales/ru/"];
/// A call with a code as its first argument, and the section of the locale files where the code's words are.
const CALLS: [(&str, &str); 2] = [("UserError::new(", "errors"), (".ui(", "ui")];
const FOLDERS: [&str; 2] = ["agent/src/", "web/src/"];

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for locale in LOCALES {
        let words = words_of(tree, locale, &mut found);
        for (file, text) in tree.sources().filter(|(file, _)| is_shown(file)) {
            for (call, section) in CALLS {
                let known = |code: &str| words.get(section).and_then(|section| section.get(code)).is_some();
                for (line, code) in codes(text, call).filter(|(_, code)| !known(code)) {
                    found.push(Finding::new(
                        file,
                        line,
                        format!("`{code}` has no words in {locale}, section [{section}]"),
                    ));
                }
            }
        }
    }
    found
}

/// The words of one language: its files, each key in one of them only.
fn words_of(tree: &Tree, folder: &str, found: &mut Vec<Finding>) -> toml::Table {
    let mut words = toml::Table::new();
    for (file, text) in tree.files().filter(|(file, _)| file.starts_with(folder)) {
        match toml::from_str::<toml::Table>(text) {
            Ok(more) => {
                let twice = merge(&mut words, more);
                found.extend(
                    twice
                        .into_iter()
                        .map(|key| Finding::new(file, 0, format!("`{key}` stands in another file as well"))),
                );
            }
            Err(error) => found.push(Finding::new(file, 0, error.message().trim())),
        }
    }
    words
}

/// Puts the texts of `more` to those of `words`; the first key that both have.
fn merge(words: &mut toml::Table, more: toml::Table) -> Option<String> {
    let mut twice = None;
    for (key, value) in more {
        match (words.get_mut(&key), value) {
            (None, value) => drop(words.insert(key, value)),
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => twice = twice.or(merge(old, new)),
            (Some(_), _) => twice = twice.or(Some(key)),
        }
    }
    twice
}

fn is_shown(file: &str) -> bool {
    FOLDERS.iter().any(|folder| file.starts_with(folder)) && !file.ends_with("tests.rs")
}

/// Literal codes given to `call` outside of the file's tests, with their lines.
fn codes<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let source = text.get(..end).unwrap_or(text);
    source.match_indices(call).filter_map(move |(at, _)| {
        let rest = source.get(at + call.len()..)?.trim_start().strip_prefix('"')?;
        let (code, _) = rest.split_once('"')?;
        let line = source.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        Some((line, code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: (&str, &str) = ("static/locales/en/ui.toml", "[errors]\na = \"A\"\n[ui]\nopen = \"Open\"\n");
    const RU: (&str, &str) = ("static/locales/ru/ui.toml", "[errors]\na = \"А\"\n[ui]\n");

    #[test]
    fn an_error_without_words_is_found_for_each_language() {
        let source = (
            "agent/src/a.rs",
            "//! A\nfn f() {\n    UserError::new(\n        \"b\");\n    UserError::new(\"a\");\n}\n",
        );
        let found = findings(&Tree::of(&[EN, RU, source]));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn a_word_of_the_page_that_one_language_lacks_is_found() {
        let found = findings(&Tree::of(&[EN, RU, ("web/src/a.rs", "texts.ui(\"open\")")]));
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("locales/ru"), "{}", found[0].text);
    }

    #[test]
    fn a_key_in_two_files_of_a_language_is_found() {
        let again = ("static/locales/en/time.toml", "[ui]\nopen = \"Open!\"\n");
        let found = findings(&Tree::of(&[EN, again, RU]));
        assert_eq!(found.iter().filter(|finding| finding.text.contains("`open`")).count(), 1);
    }

    #[test]
    fn codes_in_tests_and_in_other_crates_need_no_words() {
        let test = ("web/src/a.rs", "#[cfg(test)]\nmod tests {\n    UserError::new(\"x\")\n}\n");
        let other = ("xtask/src/a.rs", "UserError::new(\"x\")");
        assert_eq!(findings(&Tree::of(&[EN, RU, test, other])), []);
    }
}
