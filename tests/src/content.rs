//! Labs and exercises as authors write them.

use std::fs;
use std::path::{Path, PathBuf};

use netmodes_core::exercise::Exercise;
use netmodes_core::lab::Lab;
use netmodes_core::script::Script;

use crate::paths::root;

/// Reads a text file; a missing one fails the test with its name.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of all labs in `static/labs`.
pub fn lab_names() -> Vec<String> {
    let mut names: Vec<_> = entries(&root().join("static/labs"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// The lab of this name, checked.
pub fn lab(name: &str) -> Lab {
    lab_of(&read(&root().join("static/labs").join(name).with_extension("toml")))
}

/// A lab from its TOML text, checked.
pub fn lab_of(text: &str) -> Lab {
    let lab: Lab = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    lab.validate().unwrap_or_else(|errors| panic!("{errors:?}"));
    lab
}

/// An exercise with its scripts.
#[derive(Debug)]
pub struct ExerciseFolder {
    /// `exercise.toml`.
    pub exercise: Exercise,
    /// `solution.nms`.
    pub solution: Script,
    /// `wrong/*.nms`, by file name.
    pub wrong: Vec<(String, Script)>,
}

/// The exercise of this name.
pub fn exercise(id: &str) -> ExerciseFolder {
    let folder = root().join("static/exercises").join(id);
    let script =
        |path: &Path| Script::parse(&read(path)).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    let exercise: Exercise =
        toml::from_str(&read(&folder.join("exercise.toml"))).unwrap_or_else(|error| panic!("{id}: {error}"));
    exercise.validate().unwrap_or_else(|error| panic!("{id}: {error:?}"));
    let wrong = entries(&folder.join("wrong"));
    ExerciseFolder {
        exercise,
        solution: script(&folder.join("solution.nms")),
        wrong: wrong.iter().map(|path| (path.display().to_string(), script(path))).collect(),
    }
}

/// Names of all exercises.
pub fn exercise_names() -> Vec<String> {
    let folders = entries(&root().join("static/exercises")).into_iter().filter(|path| path.is_dir());
    folders.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
}

/// What a folder has, in the order of names; nothing of a folder that does not exist.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
