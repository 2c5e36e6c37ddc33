//! Who holds a socket: from a socket's inode to the processes that have it open, read from /proc.
//!
//! Walking every process's descriptors costs milliseconds, so what was found is kept between looks and /proc is walked
//! only when an inode is new. What we may not read is said ([`SocketOwner::NotPermitted`]), never left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netmodes_core::view::{SocketOwner, SocketProcess};

/// Looks after which everything is read anew, because a socket may have passed from one process to another: 40 looks of
/// 250 ms are ten seconds.
const LOOKS_KEPT: u32 = 40;

/// Processes by the inode of a socket they hold.
pub(crate) struct ProcMap {
    root: PathBuf,
    known: BTreeMap<u32, SocketOwner>,
    looks: u32,
}

impl ProcMap {
    /// Reads /proc.
    pub(crate) fn new() -> Self {
        Self::with_root(Path::new("/proc"))
    }

    fn with_root(root: &Path) -> Self {
        Self { root: root.to_owned(), known: BTreeMap::new(), looks: 0 }
    }

    /// Brings the map to what is open now: `inodes` are those of all sockets of this look. Reads /proc only if one of
    /// them is new or the last whole reading is old.
    pub(crate) fn look(&mut self, inodes: &BTreeSet<u32>) {
        self.looks += 1;
        if self.looks >= LOOKS_KEPT {
            self.looks = 0;
            self.known.clear();
        }
        self.known.retain(|inode, _| inodes.contains(inode));
        let new: BTreeSet<u32> =
            inodes.iter().copied().filter(|inode| *inode != 0 && !self.known.contains_key(inode)).collect();
        if new.is_empty() {
            return;
        }
        let (mut found, complete) = walk(&self.root, &new);
        for inode in new {
            let owner = match found.remove(&inode) {
                Some(processes) => SocketOwner::Processes(processes),
                None if complete => SocketOwner::Nobody,
                None => SocketOwner::NotPermitted,
            };
            self.known.insert(inode, owner);
        }
    }

    /// Who holds the socket with this inode, as of the last look.
    pub(crate) fn owner(&self, inode: u32) -> SocketOwner {
        self.known.get(&inode).cloned().unwrap_or(SocketOwner::Nobody)
    }
}

/// The holders of `wanted`, and whether every process could be read. Of one socket the highest PID comes first: `ss`
/// reads upwards and puts each find at the head of its list.
fn walk(root: &Path, wanted: &BTreeSet<u32>) -> (BTreeMap<u32, Vec<SocketProcess>>, bool) {
    let mut found: BTreeMap<u32, Vec<SocketProcess>> = BTreeMap::new();
    let mut complete = true;
    let Ok(entries) = fs::read_dir(root) else { return (found, false) };
    for entry in entries.flatten() {
        let Some(pid) = number(&entry.file_name()) else { continue };
        match held(&entry.path().join("fd"), wanted) {
            Ok(held) if held.is_empty() => {}
            Ok(held) => {
                let name = command_name(&entry.path());
                for (fd, inode) in held {
                    found.entry(inode).or_default().push(SocketProcess { name: name.clone(), pid, fd });
                }
            }
            // It ended while we read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32) => {}
            Err(_) => complete = false,
        }
    }
    for processes in found.values_mut() {
        processes.sort_by_key(|process| std::cmp::Reverse((process.pid, process.fd)));
    }
    (found, complete)
}

/// Descriptors of one process that are among the wanted sockets: (descriptor, inode).
fn held(directory: &Path, wanted: &BTreeSet<u32>) -> io::Result<Vec<(u32, u32)>> {
    let mut held = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(fd) = number(&entry.file_name()) else { continue };
        // A descriptor that was closed while we read is no socket any more.
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let Some(inode) = target.to_str().and_then(socket_inode) else { continue };
        if wanted.contains(&inode) {
            held.push((fd, inode));
        }
    }
    Ok(held)
}

fn number(name: &std::ffi::OsStr) -> Option<u32> {
    name.to_str().and_then(|name| name.parse().ok())
}

/// The inode in `socket:[12345]`.
fn socket_inode(target: &str) -> Option<u32> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The command's name as `ss` reads it: from /proc/PID/stat, the text from the first `(` to the first `)`.
fn command_name(process: &Path) -> String {
    let stat = fs::read(process.join("stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    let name = stat.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(name, _)| name);
    name.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Inode of a socket that this process holds.
    fn inode_of(socket: &impl AsRawFd) -> u32 {
        let fd = socket.as_raw_fd();
        u32::try_from(fs::metadata(format!("/proc/self/fd/{fd}")).unwrap().ino()).unwrap()
    }

    #[test]
    fn our_own_socket_is_ours() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let inode = inode_of(&socket);
        let mut map = ProcMap::new();
        map.look(&BTreeSet::from([0, inode]));
        let SocketOwner::Processes(processes) = map.owner(inode) else { panic!("{:?}", map.owner(inode)) };
        let fd = u32::try_from(socket.as_raw_fd()).unwrap();
        assert!(processes.iter().any(|p| p.pid == std::process::id() && p.fd == fd));
        assert_eq!(map.owner(0), SocketOwner::Nobody);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let inode = inode_of(&socket);
        let mut map = ProcMap::new();
        map.look(&BTreeSet::from([inode]));
        map.look(&BTreeSet::new());
        assert_eq!(map.owner(inode), SocketOwner::Nobody);
    }

    #[test]
    fn an_unreadable_proc_is_not_permitted_rather_than_nobody() {
        let mut map = ProcMap::with_root(Path::new("/nonexistent"));
        map.look(&BTreeSet::from([7]));
        assert_eq!(map.owner(7), SocketOwner::NotPermitted);
    }

    #[test]
    fn only_sockets_have_a_sockets_inode() {
        assert_eq!(socket_inode("socket:[4026]"), Some(4026));
        assert_eq!(socket_inode("pipe:[4026]"), None);
        assert_eq!(socket_inode("socket:[x]"), None);
    }
}
