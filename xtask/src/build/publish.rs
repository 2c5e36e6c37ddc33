//! From the site's files to a folder: as they are in development; in a release with names that carry a hash of the
//! content, so that a browser may keep them for ever, and with compressed files beside them.
//!
//! A file that did not change is not written again, so that the program is not rebuilt for nothing; a file that no step
//! asked for is removed, so that nothing stale is put into the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::compress;
use super::site::Files;
use crate::fault::{At as _, Fault};
use crate::files::walk;

/// What was written.
#[derive(Default)]
pub struct Sum {
    /// Files, without the compressed ones.
    pub files: usize,
    /// Their size.
    pub bytes: usize,
    /// Size of all as a server sends them; zero when nothing was compressed.
    pub brotli: usize,
}

/// Files that are asked for by their own names: what a browser opens, asks for again by itself, or a person reads.
const KEEP_NAMES: [&str; 4] = ["index.html", "sw.js", "site.webmanifest", "-LICENSE.txt"];
/// Files that name others, in an order in which each names only those before it (and data).
const NAMING: [&str; 7] = [".css", "pkg/page.js", "worker.js", "boot.js", "site.webmanifest", "index.html", "sw.js"];
/// Where `boot.js` takes the names of data files from.
const NAMES_HERE: &str = "const FILES = {};";
/// Where `sw.js` takes the names of all files from, and what tells one version of the site from another.
const ALL_HERE: &str = "const FILES = [];";
const VERSION_HERE: &str = "const VERSION = \"\";";
/// Where the page names its stylesheets, in the order in which they count.
const STYLE: (&str, &str) = ("<link rel=\"stylesheet\" href=\"./", "\">");
/// All stylesheets in one. In their folder, so that what they name is found from it too.
const STYLES: &str = "styles/all.css";
/// Digits of a hash in a name: of two contents one in 2^48 pairs would have the same.
const DIGITS: usize = 12;

/// Writes files into folder `to`; `packed`: with compressed ones beside them.
///
/// # Errors
/// Files that cannot be written.
pub fn write(files: &Files, to: &Path, packed: bool) -> Result<Sum, Fault> {
    let (mut sum, mut wanted) = (Sum::default(), BTreeSet::new());
    for (name, bytes) in files {
        let path = to.join(name);
        let changed = write_if_changed(&path, bytes)?;
        sum.files += 1;
        sum.bytes += bytes.len();
        let mut sent = bytes.len();
        if packed && compress::is_worth(name, bytes.len()) {
            let pair = [to.join(format!("{name}.br")), to.join(format!("{name}.gz"))];
            if changed || !pair.iter().all(|path| path.is_file()) {
                fs::write(&pair[0], compress::brotli(name, bytes)?).at(pair[0].display())?;
                fs::write(&pair[1], compress::gzip(bytes)).at(pair[1].display())?;
            }
            let length = fs::metadata(&pair[0]).at(pair[0].display())?.len();
            sent = usize::try_from(length).unwrap_or(usize::MAX);
            wanted.extend(pair);
        }
        sum.brotli += if packed { sent } else { 0 };
        wanted.insert(path);
    }
    for file in walk(to)? {
        if !wanted.contains(&file) {
            fs::remove_file(&file).at(file.display())?;
        }
    }
    Ok(sum)
}

/// The files as a release has them: one stylesheet, hashed names, every reference rewritten.
///
/// # Errors
/// A place for names that is missing, a file that is named and not there.
pub fn published(mut files: Files) -> Result<Files, Fault> {
    join_styles(&mut files)?;
    let mut order: Vec<String> = files.keys().cloned().collect();
    let rank = |name: &str| NAMING.iter().position(|end| name.ends_with(end)).map(|place| place + 1);
    order.sort_by_key(|name| rank(name).unwrap_or(0));
    let mut out = Files::new();
    let mut names = BTreeMap::new();
    for name in order {
        let mut bytes = files.remove(&name).unwrap_or_default();
        if rank(&name).is_some() {
            let mut text = rewritten(&name, &String::from_utf8(bytes).at(&name)?, &names);
            if name == "boot.js" {
                text = put(&name, &text, NAMES_HERE, &format!("const FILES = {};", data_names(&names)))?;
            } else if name == "sw.js" {
                text = put(&name, &text, ALL_HERE, &format!("const FILES = {};", all_names(&out)))?;
                let whole: Vec<u8> =
                    out.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]).flatten().copied().collect();
                text = put(&name, &text, VERSION_HERE, &format!("const VERSION = \"{}\";", hash(&whole)))?;
            }
            bytes = text.into_bytes();
        }
        let new = if KEEP_NAMES.iter().any(|end| name.ends_with(end)) { name.clone() } else { hashed(&name, &bytes) };
        out.insert(new.clone(), bytes);
        names.insert(name, new);
    }
    Ok(out)
}

/// Makes one stylesheet of all, in the page's order and without comments.
fn join_styles(files: &mut Files) -> Result<(), Fault> {
    let page = files.get("index.html").map(|page| String::from_utf8_lossy(page).into_owned()).unwrap_or_default();
    let (mut left, mut all, mut kept) = (page.as_str(), String::new(), String::new());
    let one = format!("{}{STYLES}{}", STYLE.0, STYLE.1);
    while let Some((before, link)) = left.split_once(STYLE.0) {
        let (name, after) =
            link.split_once(STYLE.1).ok_or_else(|| Fault::new("index.html: a stylesheet's link has no end"))?;
        let sheet = files.remove(name).ok_or_else(|| Fault::new(format!("index.html: there is no {name}")))?;
        kept += before;
        if all.is_empty() {
            kept += &one;
        } else {
            // The line break after the link before it stays.
            kept.truncate(kept.trim_end().len());
        }
        all += &without_comments(&String::from_utf8(sheet).at(name)?);
        left = after;
    }
    kept += left;
    files.insert("index.html".to_owned(), kept.into_bytes());
    files.insert(STYLES.to_owned(), all.into_bytes());
    Ok(())
}

/// A stylesheet without its comments. Ours have no `/*` inside strings.
fn without_comments(sheet: &str) -> String {
    let mut out = String::new();
    let mut left = sheet;
    while let Some((before, comment)) = left.split_once("/*") {
        out += before;
        left = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out + left
}

/// Data by the names that the page's code asks for, as a JSON object.
fn data_names(names: &BTreeMap<String, String>) -> String {
    let data = names.iter().filter(|(name, _)| name.ends_with(".json"));
    let map: serde_json::Map<_, _> = data.map(|(name, new)| (name.clone(), new.clone().into())).collect();
    serde_json::Value::Object(map).to_string()
}

/// What a page needs without a network, as a JSON list: everything but what only people read.
fn all_names(files: &Files) -> String {
    let names = files.keys().filter(|name| !name.ends_with(".txt") && *name != "index.html");
    serde_json::Value::from(names.cloned().collect::<Vec<_>>()).to_string()
}

/// `text` with what stands `here` replaced.
fn put(name: &str, text: &str, here: &str, by: &str) -> Result<String, Fault> {
    if text.matches(here).count() == 1 {
        return Ok(text.replace(here, by));
    }
    Err(Fault::new(format!("{name}: `{here}` must stand there once; the build puts names into it")))
}

/// `text` of file `name` with the new names of the files that it names: relative to itself, in quotes.
fn rewritten(name: &str, text: &str, names: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (old, new) in names.iter().filter(|(old, new)| old != new) {
        for (old, new) in [(old.clone(), new.clone()), (format!("./{old}"), format!("./{new}"))] {
            let (old, new) = (from_folder_of(name, &old), from_folder_of(name, &new));
            for quote in ['"', '\''] {
                text = text.replace(&format!("{quote}{old}{quote}"), &format!("{quote}{new}{quote}"));
            }
        }
    }
    text
}

/// A file of the site as a file in the folder of `name` names it: `../fonts/a` from `styles/b`.
fn from_folder_of(name: &str, file: &str) -> String {
    match name.split_once('/') {
        None => file.to_owned(),
        Some((folder, _)) => match file.strip_prefix(&format!("{folder}/")) {
            Some(beside) => beside.to_owned(),
            None => format!("../{file}"),
        },
    }
}

/// `pkg/page.js` → `pkg/page.0123456789ab.js`.
fn hashed(name: &str, bytes: &[u8]) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{}.{extension}", hash(bytes)),
        None => format!("{name}.{}", hash(bytes)),
    }
}

/// The first digits of SHA-256, in hexadecimal.
fn hash(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..DIGITS].to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Files {
        let files = [
            (
                "index.html",
                "<link rel=\"stylesheet\" href=\"./styles/b.css\">\n<link rel=\"stylesheet\" href=\"./styles/a.css\">\n<script src=\"./boot.js\">",
            ),
            ("styles/a.css", "/* a */ a { src: url(\"../fonts/x.woff2\"); }\n"),
            ("styles/b.css", "b {}\n"),
            ("fonts/x.woff2", "font"),
            ("fonts/x-LICENSE.txt", "free"),
            ("pkg/page.js", "new URL('page_bg.wasm', import.meta.url)"),
            ("pkg/page_bg.wasm", "wasm"),
            ("labs/all.json", "{}"),
            ("worker.js", "import \"./pkg/page.js\"; fetch(\"./labs/all.json\")"),
            ("boot.js", "const FILES = {};\nimport \"./pkg/page.js\"; new Worker(\"./worker.js\")"),
            ("sw.js", "const VERSION = \"\";\nconst FILES = [];"),
        ];
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn text(files: &Files, start: &str) -> (String, String) {
        let (name, bytes) = files.iter().find(|(name, _)| name.starts_with(start)).unwrap();
        (name.clone(), String::from_utf8(bytes.clone()).unwrap())
    }

    #[test]
    fn every_reference_leads_to_the_new_name() {
        let out = published(site()).unwrap();
        let (sheet, rules) = text(&out, "styles/");
        let (font, _) = text(&out, "fonts/x.");
        assert_eq!(rules, format!("b {{}}\n a {{ src: url(\"../{font}\"); }}\n"));
        let (boot, start) = text(&out, "boot.");
        let (worker, _) = text(&out, "worker.");
        assert!(start.contains(&format!("new Worker(\"./{worker}\")")), "{start}");
        assert!(start.contains(r#"{"labs/all.json":"labs/all."#), "{start}");
        let (page, _) = text(&out, "index.html");
        assert_eq!(page, "index.html");
        let html = text(&out, "index.html").1;
        assert_eq!(html, format!("<link rel=\"stylesheet\" href=\"./{sheet}\">\n<script src=\"./{boot}\">"));
        let (wasm, _) = text(&out, "pkg/page_bg.");
        assert!(text(&out, "pkg/page.").1.contains(&wasm["pkg/".len()..]));
        assert!(out.contains_key("sw.js") && out.contains_key("fonts/x-LICENSE.txt"));
    }

    #[test]
    fn a_change_anywhere_changes_the_names_of_all_that_lead_to_it_and_the_version() {
        let before = published(site()).unwrap();
        let mut files = site();
        files.insert("pkg/page_bg.wasm".into(), b"other".to_vec());
        let after = published(files).unwrap();
        for start in ["pkg/page.", "pkg/page_bg.", "worker.", "boot."] {
            assert_ne!(text(&before, start).0, text(&after, start).0, "{start}");
        }
        assert_eq!(text(&before, "styles/").0, text(&after, "styles/").0);
        assert_ne!(text(&before, "sw.js").1, text(&after, "sw.js").1);
    }

    #[test]
    fn a_script_without_the_place_for_names_is_refused() {
        let mut files = site();
        files.insert("boot.js".into(), b"nothing".to_vec());
        assert!(published(files).unwrap_err().text.starts_with("boot.js: "));
    }
}
