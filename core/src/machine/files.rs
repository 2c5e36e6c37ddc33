//! A machine's few files: what its programs read and write.

use std::collections::BTreeMap;

use crate::limits;

/// Files by absolute path.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// The files of a fresh Debian machine called `hostname`.
    pub fn debian(hostname: &str) -> Self {
        let mut files = Self::default();
        files.write("/etc/hostname", format!("{hostname}\n"));
        files.write("/etc/hosts", format!("127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n"));
        files.write("/etc/resolv.conf", String::new());
        files
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Writes a file.
    pub fn write(&mut self, path: &str, text: String) {
        self.0.insert(path.to_owned(), text);
    }

    /// Writes at a file's end.
    pub fn append(&mut self, path: &str, text: &str) {
        self.0.entry(path.to_owned()).or_default().push_str(text);
    }

    /// Whether the file `path` may have `len` bytes, beside all others.
    pub fn fits(&self, path: &str, len: usize) -> bool {
        let others = self.0.iter().filter(|(other, _)| *other != path).map(|(_, text)| text.len());
        let new = !self.0.contains_key(path);
        !(new && self.0.len() >= limits::FILES_MAX) && others.sum::<usize>() + len <= limits::FILE_BYTES_MAX
    }

    /// Paths in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_together_are_bounded() {
        let mut files = Files::debian("vm1");
        files.write("/a", "x".repeat(limits::FILE_BYTES_MAX / 2));
        assert!(files.fits("/a", limits::FILE_BYTES_MAX / 2) && files.fits("/b", 1_000));
        assert!(!files.fits("/b", limits::FILE_BYTES_MAX / 2));
        (0..limits::FILES_MAX).for_each(|number| files.write(&format!("/{number}"), String::new()));
        assert!(!files.fits("/b", 0) && files.fits("/1", 1));
    }
}
