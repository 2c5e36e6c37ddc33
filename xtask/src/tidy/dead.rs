//! No dead files: everything in `static/` reaches the page or a test, every Rust file is in its crate's module tree.

use super::{Finding, Tree};

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let assets = tree.files().map(|(file, _)| file).filter(|file| file.starts_with("static/") && !is_used(tree, file));
    let mut found: Vec<Finding> = assets
        .map(|file| Finding::new(file, 0, "nothing uses this file: name it where it is used, or delete it"))
        .collect();
    let sources = tree.sources().map(|(file, _)| file).filter(|file| !is_module(tree, file));
    found.extend(sources.map(|file| Finding::new(file, 0, "no `mod` names this file: it is not compiled")));
    found
}

/// Whether a file of `static/` is one that the build converts, or is named by one that is used.
fn is_used(tree: &Tree, file: &str) -> bool {
    let Some(path) = file.strip_prefix("static/") else { return true };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["index.html" | "lecture.toml"] | ["exercises", "index.toml"] => true,
        ["labs", name] => name.ends_with(".toml") || *name == "lab.schema.json",
        ["explain", name] => matches!(*name, "en.toml" | "ru.toml"),
        ["locales", "en" | "ru", name] => name.ends_with(".toml"),
        ["exercises", id, rest @ ..] => {
            let listed =
                tree.get("static/exercises/index.toml").is_some_and(|text| text.contains(&format!("\"{id}\"")));
            let known = match rest {
                ["exercise.toml" | "text.en.md" | "text.ru.md" | "solution.nms"] => true,
                ["wrong", name] => name.ends_with(".nms"),
                _ => false,
            };
            listed && known
        }
        _ => is_named(tree, file),
    }
}

/// Whether the page's sources name the file.
fn is_named(tree: &Tree, file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let page = |other: &str| {
        let shell = other.starts_with("static/") && [".html", ".js", ".css"].iter().any(|end| other.ends_with(end));
        other != file && (shell || other.starts_with("web/src/"))
    };
    tree.files().any(|(other, text)| page(other) && text.contains(name))
}

/// Whether cargo finds the file by itself, or another file of its crate declares it.
fn is_module(tree: &Tree, file: &str) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    let root = |name: &str| matches!(name, "main.rs" | "lib.rs" | "build.rs");
    let name = match parts.as_slice() {
        [_, "build.rs"] | [_, "tests" | "benches" | "examples", _] | [_, "src", "bin", _] => return true,
        [_, "src", name] if root(name) => return true,
        [_, "src", "bin", _, "main.rs"] | [_, "tests" | "benches", _, "main.rs"] => return true,
        [.., folder, "mod.rs"] => folder,
        [.., name] => name.trim_end_matches(".rs"),
        [] => return true,
    };
    let krate = parts.first().map(|krate| format!("{krate}/")).unwrap_or_default();
    let file_name = parts.last().copied().unwrap_or_default();
    let (declared, by_path) = (format!("mod {name};"), format!("/{file_name}\"]"));
    tree.sources().any(|(other, text)| {
        other.starts_with(&krate)
            && (text.contains(&declared) || text.contains(&by_path) || text.contains(&format!("\"{file_name}\"")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        findings(&Tree::of(files)).into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn an_asset_that_nothing_names_is_found() {
        let files = [
            ("static/index.html", "<link href=\"./styles/a.css\">"),
            ("static/styles/a.css", ""),
            ("static/styles/b.css", ""),
        ];
        assert_eq!(found(&files), ["static/styles/b.css"]);
    }

    #[test]
    fn an_exercise_outside_of_the_course_and_a_stray_file_are_found() {
        let files = [
            ("static/exercises/index.toml", "exercises = [\"a\"]"),
            ("static/exercises/a/exercise.toml", ""),
            ("static/exercises/a/text.en.md", ""),
            ("static/exercises/a/wrong/x.nms", ""),
            ("static/exercises/a/notes.txt", ""),
            ("static/exercises/b/exercise.toml", ""),
        ];
        assert_eq!(found(&files), ["static/exercises/a/notes.txt", "static/exercises/b/exercise.toml"]);
    }

    #[test]
    fn a_source_outside_of_the_module_tree_is_found() {
        let files = [
            ("core/src/lib.rs", "mod a;\nmod b;"),
            ("core/src/a.rs", ""),
            ("core/src/b/mod.rs", ""),
            ("core/src/c.rs", ""),
            ("core/tests/d.rs", ""),
            ("web/src/bin/page.rs", ""),
        ];
        assert_eq!(found(&files), ["core/src/c.rs"]);
    }
}
