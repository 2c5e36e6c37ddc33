//! A machine's few files: what its programs read and write.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use crate::limits;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Files by absolute path.
#[derive(Clone, Debug, Default)]
pub struct Files {
    texts: BTreeMap<String, String>,
    /// What [`RESOLV_CONF`] says: a NAT engine asks for it with every frame.
    name_server: Option<Ipv4Addr>,
}

impl Files {
    /// The files of a fresh Debian machine called `hostname`.
    pub fn debian(hostname: &str) -> Self {
        let mut files = Self::default();
        files.write("/etc/hostname", format!("{hostname}\n"));
        files.write("/etc/hosts", format!("127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n"));
        files.write(RESOLV_CONF, String::new());
        files
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Writes a file.
    pub fn write(&mut self, path: &str, text: String) {
        self.texts.insert(path.to_owned(), text);
        self.changed(path);
    }

    /// Writes at a file's end.
    pub fn append(&mut self, path: &str, text: &str) {
        self.texts.entry(path.to_owned()).or_default().push_str(text);
        self.changed(path);
    }

    fn changed(&mut self, path: &str) {
        if path == RESOLV_CONF {
            let lines = self.read(path).unwrap_or_default().lines();
            let servers = lines.filter_map(|line| line.strip_prefix("nameserver"));
            self.name_server = servers.map(str::trim).find_map(|rest| rest.parse().ok());
        }
    }

    /// The first name server of `/etc/resolv.conf`.
    pub fn name_server(&self) -> Option<Ipv4Addr> {
        self.name_server
    }

    /// Whether the file `path` may have `len` bytes, beside all others.
    pub fn fits(&self, path: &str, len: usize) -> bool {
        let others = self.texts.iter().filter(|(other, _)| *other != path).map(|(_, text)| text.len());
        let new = !self.texts.contains_key(path);
        !(new && self.texts.len() >= limits::FILES_MAX) && others.sum::<usize>() + len <= limits::FILE_BYTES_MAX
    }

    /// Paths in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
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
