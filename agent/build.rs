//! Says where the page is that the program carries: the directory in `NETMODES_SITE` (`cargo xtask build` sets it),
//! else a placeholder that tells how to build one. Also the page's tag, by which a browser knows what it has already.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Netmodes</title>\n\
    <p>This program was built without its page. Run <code>cargo xtask build</code>.</p>\n\
    <p lang=\"ru\">Эта программа собрана без страницы. Запустите <code>cargo xtask build</code>.</p>\n</html>\n";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=NETMODES_SITE");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../static/labs");
    let site = match env::var_os("NETMODES_SITE").filter(|site| !site.is_empty()) {
        Some(site) => fs::canonicalize(site)?,
        None => placeholder()?,
    };
    println!("cargo::rerun-if-changed={}", site.display());
    println!("cargo::rustc-env=NETMODES_SITE_DIR={}", site.display());
    let mut hasher = DefaultHasher::new();
    hash_tree(&site, &mut hasher)?;
    println!("cargo::rustc-env=NETMODES_SITE_TAG={:016x}", hasher.finish());
    Ok(())
}

fn placeholder() -> io::Result<PathBuf> {
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives OUT_DIR"))?;
    let site = Path::new(&out).join("placeholder");
    fs::create_dir_all(&site)?;
    let page = site.join("index.html");
    // Written only when it differs: its time of change would otherwise ask for another build each time.
    if fs::read_to_string(&page).ok().as_deref() != Some(PLACEHOLDER) {
        fs::write(page, PLACEHOLDER)?;
    }
    Ok(site)
}

fn hash_tree(directory: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        path.file_name().hash(hasher);
        if path.is_dir() {
            hash_tree(&path, hasher)?;
        } else {
            fs::read(&path)?.hash(hasher);
        }
    }
    Ok(())
}
