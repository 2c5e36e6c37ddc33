//! Nothing unfinished and no test put to sleep: such marks become issues, not code.

use super::{Finding, Tree};

/// The marks, each cut in two, so that this file does not find itself.
const MARKS: [(&str, &str); 5] =
    [("to", "do!("), ("unimple", "mented!("), ("FIX", "ME"), ("#[ig", "nore]"), ("#[ig", "nore =")];

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, text) in
        tree.files().filter(|(file, _)| file.rsplit('.').next().is_some_and(|ext| ["rs", "js", "css"].contains(&ext)))
    {
        for (index, line) in text.lines().enumerate() {
            for (head, tail) in MARKS {
                let mark = format!("{head}{tail}");
                if line.contains(&mark) {
                    found.push(Finding::new(
                        file,
                        index + 1,
                        format!("`{mark}` is unfinished work: finish it or open an issue"),
                    ));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_with_its_line() {
        for (head, tail) in MARKS {
            let text = format!("//! A\n    {head}{tail}\n");
            let found = findings(&Tree::of(&[("core/src/a.rs", &text)]));
            assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2], "{head}{tail}");
        }
    }

    #[test]
    fn sound_code_passes() {
        assert_eq!(findings(&Tree::of(&[("core/src/a.rs", "fn todo() {}\n")])), []);
    }
}
