//! Every module says at its head what it is for.

use super::{Finding, Tree};

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let without = tree.sources().filter(|(file, text)| wants_head(file) && !has_head(text));
    without
        .map(|(file, _)| Finding::new(file, 1, "the module's head `//!` is missing: what it owns and must not know"))
        .collect()
}

/// A module of tests is described by the module it tests.
fn wants_head(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name != "tests.rs" && !name.ends_with("_tests.rs")
}

/// Inner attributes, plain comments and empty lines may stand before it.
fn has_head(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines
        .find(|line| {
            !(line.is_empty() || line.starts_with("#![") || (line.starts_with("//") && !line.starts_with("//!")))
        })
        .is_some_and(|line| line.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_head_is_found() {
        let tree = Tree::of(&[
            ("core/src/a.rs", "use b;\n//! late\n"),
            ("core/src/b.rs", "//! B.\n"),
            ("core/src/c.rs", "//!\n"),
        ]);
        let files: Vec<_> = findings(&tree).into_iter().map(|finding| finding.file).collect();
        assert_eq!(files, ["core/src/a.rs", "core/src/c.rs"]);
    }

    #[test]
    fn modules_of_tests_need_none() {
        assert_eq!(findings(&Tree::of(&[("core/src/a/tests.rs", "use b;\n")])), []);
    }
}
