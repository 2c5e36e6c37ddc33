//! The site's folder: the page's modules, the files of `static/`, data converted from TOML.
//!
//! A file that did not change is not written again, so that the program is not rebuilt for nothing; a file that no step
//! asked for is removed, so that nothing stale is put into the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{compress, convert};
use crate::fault::{At as _, Fault};
use crate::files::walk;
use crate::paths::Paths;

/// What was assembled.
#[derive(Default)]
pub struct Sum {
    /// Files, without the compressed ones.
    pub files: usize,
    /// Their size.
    pub bytes: usize,
    /// Size of all as a server sends them; zero when nothing was compressed.
    pub brotli: usize,
}

/// Folders of `static/` whose files go as they are.
const AS_THEY_ARE: [&str; 3] = ["styles", "icons", "fonts"];

/// Puts the site together.
///
/// # Errors
/// Files that cannot be read or written; data that is not valid, with file and line.
pub fn assemble(paths: &Paths, modules: &Path, release: bool) -> Result<Sum, Fault> {
    let mut site = Site { from: paths.root.join("static"), to: paths.site(), release, ..Site::default() };
    site.modules(modules)?;
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
    site.sweep()?;
    Ok(site.sum)
}

#[derive(Default)]
struct Site {
    from: PathBuf,
    to: PathBuf,
    release: bool,
    wanted: BTreeSet<PathBuf>,
    sum: Sum,
}

impl Site {
    /// Puts one file into the site; in a release its compressed form beside it.
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.to.join(name);
        let changed = write_if_changed(&path, bytes)?;
        self.sum.files += 1;
        self.sum.bytes += bytes.len();
        let mut sent = bytes.len();
        if self.release && bytes.len() > compress::WORTH_BYTES {
            let packed = self.to.join(format!("{name}.br"));
            if changed || !packed.is_file() {
                let bytes = compress::brotli(name, bytes)?;
                fs::write(&packed, bytes).at(packed.display())?;
            }
            sent = usize::try_from(fs::metadata(&packed).at(packed.display())?.len()).unwrap_or(usize::MAX);
            self.wanted.insert(packed);
        }
        if self.release {
            self.sum.brotli += sent;
        }
        self.wanted.insert(path);
        Ok(())
    }

    fn copy(&mut self, name: &str, file: &Path) -> Result<(), Fault> {
        let bytes = fs::read(file).at(file.display())?;
        self.put(name, &bytes)
    }

    fn json(&mut self, name: &str, value: &Value) -> Result<(), Fault> {
        self.put(&format!("{name}.json"), value.to_string().as_bytes())
    }

    /// `file` of TOML becomes `name`.json; its value.
    fn convert(&mut self, name: &str, file: &Path) -> Result<Value, Fault> {
        let text = fs::read_to_string(file).at(file.display())?;
        let value = convert::value(&self.shown(file), &text)?;
        self.json(name, &value)?;
        Ok(value)
    }

    /// A source file's name in messages.
    fn shown(&self, file: &Path) -> String {
        Path::new("static").join(file.strip_prefix(&self.from).unwrap_or(file)).display().to_string()
    }

    /// What wasm-bindgen left, without xtask's own stamps.
    fn modules(&mut self, modules: &Path) -> Result<(), Fault> {
        for file in walk(modules)? {
            let name = file.strip_prefix(modules).unwrap_or(&file).display().to_string();
            if !name.ends_with(".stamp") {
                self.copy(&format!("pkg/{name}"), &file)?;
            }
        }
        Ok(())
    }

    fn plain(&mut self) -> Result<(), Fault> {
        let from = self.from.clone();
        self.copy("index.html", &from.join("index.html"))?;
        for file in files(&from, "js")? {
            self.copy(&format!("{}.js", stem(&file)), &file)?;
        }
        for folder in AS_THEY_ARE {
            for file in walk(&from.join(folder))? {
                let name = file.strip_prefix(&from).unwrap_or(&file).display().to_string();
                self.copy(&name, &file)?;
            }
        }
        Ok(())
    }

    fn labs(&mut self) -> Result<(), Fault> {
        let mut index = Vec::new();
        for file in files(&self.from.join("labs"), "toml")? {
            let name = stem(&file);
            let lab = self.convert(&format!("labs/{name}"), &file)?;
            index.push(convert::lab_entry(&name, &lab));
        }
        let schema = self.from.join("labs/lab.schema.json");
        self.copy("labs/lab.schema.json", &schema)?;
        self.json("labs/index", &json!(index))
    }

    /// All files of a language make one, so that the page asks once.
    fn locales(&mut self) -> Result<(), Fault> {
        let folder = self.from.join("locales");
        for language in ["en", "ru"] {
            let mut words = json!({});
            for file in files(&folder.join(language), "toml")? {
                let text = fs::read_to_string(&file).at(file.display())?;
                convert::merge(&mut words, convert::value(&self.shown(&file), &text)?);
            }
            self.json(&format!("locales/{language}"), &words)?;
        }
        Ok(())
    }

    fn exercises(&mut self) -> Result<(), Fault> {
        let from = self.from.join("exercises");
        if !from.is_dir() {
            return Ok(());
        }
        self.convert("exercises/index", &from.join("index.toml"))?;
        for file in walk(&from)? {
            let name = file.strip_prefix(&self.from).unwrap_or(&file).with_extension("").display().to_string();
            if file.ends_with("exercise.toml") {
                self.convert(&name, &file)?;
            } else if file.extension().is_some_and(|ext| ext == "md") {
                let text = fs::read_to_string(&file).at(file.display())?;
                let words = convert::exercise_text(&self.shown(&file), &text)?;
                self.json(&name, &words)?;
            }
        }
        Ok(())
    }

    /// Removes what nobody asked for.
    fn sweep(&self) -> Result<(), Fault> {
        for file in walk(&self.to)? {
            if !self.wanted.contains(&file) {
                fs::remove_file(&file).at(file.display())?;
            }
        }
        Ok(())
    }
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool, Fault> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(folder.display())?;
    }
    fs::write(path, bytes).at(path.display())?;
    Ok(true)
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
