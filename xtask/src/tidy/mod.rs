//! The tidy rules: what fmt and clippy do not see. One file for each rule; every rule has a test that sees it fail.
//!
//! That both languages have the same keys, and that drop reasons, decisions and the core's own errors have words, is
//! tested where these are (core/tests/texts.rs), not here.

mod dead;
mod head;
mod messages;
mod protocol;
mod size;
mod unfinished;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::fault::{At as _, Fault};
use crate::files::walk;

/// The text files a rule reads, by their path from the root, with `/` between folders.
pub struct Tree {
    files: BTreeMap<String, String>,
}

/// Folders of the workspace with files of ours.
const FOLDERS: [&str; 6] = ["core", "web", "agent", "tests", "xtask", "static"];
/// What is read; other files are known by name only.
const TEXT: [&str; 8] = ["rs", "toml", "js", "css", "html", "md", "nms", "lock"];

impl Tree {
    /// Reads the workspace.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(root: &Path) -> Result<Self, Fault> {
        let mut files = BTreeMap::new();
        for folder in FOLDERS {
            for path in walk(&root.join(folder))? {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                let text = TEXT.iter().any(|extension| path.extension().is_some_and(|found| found == *extension));
                let content = if text { fs::read_to_string(&path).at(path.display())? } else { String::new() };
                files.insert(name, content);
            }
        }
        Ok(Self { files })
    }

    /// All Rust sources: path and text.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(name, _)| name.ends_with(".rs"))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect() }
    }
}

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the root.
    pub file: String,
    /// 1 for the first line; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub text: String,
}

impl Finding {
    fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}

/// Runs every rule. `bless` accepts the protocol's types as they are and writes their lock.
///
/// # Errors
/// Files that cannot be read or written.
pub fn all(root: &Path, bless: bool) -> Result<Vec<Finding>, Fault> {
    let mut tree = Tree::read(root)?;
    if bless && let Some(lock) = protocol::lock(&tree) {
        let path = root.join(protocol::LOCK);
        fs::write(&path, &lock).at(path.display())?;
        tree.files.insert(protocol::LOCK.to_owned(), lock);
    }
    let rules =
        [size::findings, head::findings, unfinished::findings, messages::findings, dead::findings, protocol::findings];
    Ok(rules.iter().flat_map(|rule| rule(&tree)).collect())
}
