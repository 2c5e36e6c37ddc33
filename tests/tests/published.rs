//! The site as a release publishes it (`target/site-published`, made by `cargo xtask build`): names and references.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use netmodes_tests::paths;
use sha2::{Digest as _, Sha256};

/// Files that are asked for by name, or only by people.
fn is_entry(name: &str) -> bool {
    ["index.html", "sw.js", "site.webmanifest"].contains(&name) || name.ends_with("-LICENSE.txt")
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let root = paths::published();
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    found
}

/// What is quoted in a text: `"…"`, `'…'`.
fn quoted(text: &str) -> BTreeSet<&str> {
    ['"', '\''].into_iter().flat_map(|quote| text.split(quote)).filter(|part| part.len() < 120).collect()
}

/// The site's name of what a file names: relative to the file's own folder.
fn resolve(from: &str, reference: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    match reference.strip_prefix("../") {
        Some(above) => above.to_owned(),
        None => format!("{folder}/{}", reference.trim_start_matches("./")).trim_start_matches('/').to_owned(),
    }
}

#[test]
fn every_name_carries_the_hash_of_what_is_in_the_file() {
    let files = files();
    assert!(files.len() > 20, "{} files", files.len());
    for (name, bytes) in files.iter().filter(|(name, _)| !is_entry(name)) {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let parts: Vec<&str> = name.split('.').collect();
        assert_eq!(parts[parts.len() - 2], &hash[..12], "{name}");
    }
}

#[test]
fn every_reference_leads_to_a_file_and_every_file_is_referred_to() {
    let files = files();
    let mut used = BTreeSet::new();
    let text = |name: &str| String::from_utf8_lossy(&files[name]).into_owned();
    for name in
        files.keys().filter(|name| [".html", ".js", ".css", ".webmanifest"].iter().any(|end| name.ends_with(end)))
    {
        let text = text(name);
        // wasm-bindgen's name for its own imports looks like a file's.
        for reference in quoted(&text).into_iter().filter(|reference| *reference != "./page_bg.js") {
            let path = resolve(name, reference);
            if files.contains_key(&path) {
                used.insert(path);
            } else {
                let names = ["./", "../"].iter().any(|start| reference.starts_with(start))
                    && reference.contains('.')
                    && reference.len() > 3;
                assert!(!names, "{name} names {reference}, which is not there");
            }
        }
    }
    let unused: Vec<_> = files.keys().filter(|name| !used.contains(*name) && !is_entry(name)).collect();
    assert!(unused.is_empty(), "nothing names {unused:?}");
}

#[test]
fn nothing_is_referred_to_from_the_server_s_root() {
    let files = files();
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".html") || name.ends_with(".css")) {
        let text = String::from_utf8_lossy(bytes);
        for start in ["href=\"/", "src=\"/", "url(\"/"] {
            assert!(!text.contains(start), "{name}: {start}");
        }
    }
}
