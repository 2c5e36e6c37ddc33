//! Files under a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::{At as _, Fault};

/// All files under a folder, by name; none when there is no such folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn walk(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).at(folder.display())? {
            let path = entry.at(folder.display())?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
