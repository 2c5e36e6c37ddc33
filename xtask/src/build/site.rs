//! The site: the page's module, the files of `static/`, data converted from TOML. Owns what is in it and under which
//! names; [`super::publish`] makes of it what a release hands out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::convert;
use crate::fault::{At as _, Fault};
use crate::files::walk;
use crate::paths::Paths;

/// The site's files by name, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Folders of `static/` whose files go as they are.
const AS_THEY_ARE: [&str; 3] = ["styles", "icons", "fonts"];

/// Puts the site together, as development uses it.
///
/// # Errors
/// Files that cannot be read; data that is not valid, with file and line.
pub fn collect(paths: &Paths, module: &Path) -> Result<Files, Fault> {
    let mut site = Site { from: paths.root.join("static"), files: Files::new() };
    site.module(module)?;
    site.plain()?;
    site.labs()?;
    for file in files(&site.from.join("explain"), "toml")? {
        site.convert(&format!("explain/{}", stem(&file)), &file)?;
    }
    site.locales()?;
    let lecture = site.from.join("lecture.toml");
    if lecture.is_file() {
        site.convert("lecture", &lecture)?;
    }
    site.exercises()?;
    Ok(site.files)
}

struct Site {
    from: PathBuf,
    files: Files,
}

impl Site {
    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.insert(name.to_owned(), bytes);
    }

    fn copy(&mut self, name: &str, file: &Path) -> Result<(), Fault> {
        self.put(name, fs::read(file).at(file.display())?);
        Ok(())
    }

    fn json(&mut self, name: &str, value: &Value) {
        self.put(&format!("{name}.json"), value.to_string().into_bytes());
    }

    fn read(&self, file: &Path) -> Result<Value, Fault> {
        let text = fs::read_to_string(file).at(file.display())?;
        convert::value(&self.shown(file), &text)
    }

    /// `file` of TOML becomes `name`.json.
    fn convert(&mut self, name: &str, file: &Path) -> Result<(), Fault> {
        let value = self.read(file)?;
        self.json(name, &value);
        Ok(())
    }

    /// A source file's name in messages.
    fn shown(&self, file: &Path) -> String {
        Path::new("static").join(file.strip_prefix(&self.from).unwrap_or(file)).display().to_string()
    }

    /// What wasm-bindgen left, without xtask's own stamps.
    fn module(&mut self, module: &Path) -> Result<(), Fault> {
        for file in walk(module)? {
            let name = file.strip_prefix(module).unwrap_or(&file).display().to_string();
            if !name.ends_with(".stamp") {
                self.copy(&format!("pkg/{name}"), &file)?;
            }
        }
        Ok(())
    }

    fn plain(&mut self) -> Result<(), Fault> {
        let from = self.from.clone();
        for extension in ["html", "js", "webmanifest"] {
            for file in files(&from, extension)? {
                self.copy(&format!("{}.{extension}", stem(&file)), &file)?;
            }
        }
        for folder in AS_THEY_ARE {
            for file in walk(&from.join(folder))? {
                let name = file.strip_prefix(&from).unwrap_or(&file).display().to_string();
                self.copy(&name, &file)?;
            }
        }
        Ok(())
    }

    /// All labs make one file: they are much alike, so that together they cost the wire little more than one of them.
    fn labs(&mut self) -> Result<(), Fault> {
        let (mut index, mut all) = (Vec::new(), serde_json::Map::new());
        for file in files(&self.from.join("labs"), "toml")? {
            let name = stem(&file);
            let lab = self.read(&file)?;
            index.push(convert::lab_entry(&name, &lab));
            all.insert(name, lab);
        }
        self.json("labs/index", &json!(index));
        self.json("labs/all", &Value::Object(all));
        Ok(())
    }

    /// All files of a language make one, so that the page asks once.
    fn locales(&mut self) -> Result<(), Fault> {
        let folder = self.from.join("locales");
        for language in ["en", "ru"] {
            let mut words = json!({});
            for file in files(&folder.join(language), "toml")? {
                convert::merge(&mut words, self.read(&file)?);
            }
            self.json(&format!("locales/{language}"), &words);
        }
        Ok(())
    }

    fn exercises(&mut self) -> Result<(), Fault> {
        let from = self.from.join("exercises");
        if !from.is_dir() {
            return Ok(());
        }
        let course = self.course(&from)?;
        self.json("exercises/index", &course);
        for file in walk(&from)? {
            let name = file.strip_prefix(&self.from).unwrap_or(&file).with_extension("").display().to_string();
            if file.ends_with("exercise.toml") {
                self.convert(&name, &file)?;
            } else if file.extension().is_some_and(|ext| ext == "md") {
                let text = fs::read_to_string(&file).at(file.display())?;
                let words = convert::exercise_text(&self.shown(&file), &text)?;
                self.json(&name, &words);
            }
        }
        Ok(())
    }

    /// The course's index with what a list of exercises shows: chapter, minutes, lab, titles.
    fn course(&self, from: &Path) -> Result<Value, Fault> {
        let mut index = self.read(&from.join("index.toml"))?;
        for entry in index["exercises"].as_array_mut().into_iter().flatten() {
            let folder = from.join(entry.as_str().unwrap_or_default());
            let exercise = self.read(&folder.join("exercise.toml"))?;
            let mut titles = json!({});
            for language in ["en", "ru"] {
                let file = folder.join(format!("text.{language}.md"));
                let text = fs::read_to_string(&file).at(file.display())?;
                titles[language] = convert::exercise_text(&self.shown(&file), &text)?["title"].clone();
            }
            *entry = convert::course_entry(&exercise, titles);
        }
        Ok(index)
    }
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files of one folder with this extension, by name; none when there is no such folder.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Fault> {
    let all = walk(folder)?.into_iter();
    Ok(all
        .filter(|file| file.parent() == Some(folder) && file.extension().is_some_and(|ext| ext == extension))
        .collect())
}
