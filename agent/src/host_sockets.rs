//! Watches the real host's sockets on a thread of its own, because the kernel and /proc answer in their own time, and
//! says what has changed. Looks only while somebody wants to know.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use netmodes_core::view::{SocketOwner, SocketRow};
use tokio::sync::mpsc;

use crate::proc_map::ProcMap;
use crate::sock_diag::{Destroyed, Kernel};

/// Between two looks. A state shorter than that may be missed; the page says so.
const INTERVAL: Duration = Duration::from_millis(250);
/// How often in this time it is asked whether a socket has gone: then the next look comes at once.
const NAPS: u32 = 5;
/// Looks that the driver has not taken yet; the thread waits beyond.
const LOOKS_WAITING_MAX: usize = 2;

/// What has changed since the look before.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Change {
    /// These are all there are: forget what was known before.
    pub(crate) whole: bool,
    /// New or changed.
    pub(crate) put: Vec<SocketRow>,
    /// Gone.
    pub(crate) del: Vec<u64>,
    /// Sockets whose owner may not be seen.
    pub(crate) not_permitted: u32,
}

/// The thread, from the driver's side.
pub(crate) struct Watch {
    wanted: Arc<AtomicBool>,
    anew: Arc<AtomicBool>,
    thread: Thread,
}

impl Watch {
    /// Starts the thread; it sleeps until somebody wants to know.
    ///
    /// # Errors
    /// When the kernel has no sock_diag, or gives no thread.
    pub(crate) fn start() -> io::Result<(Self, mpsc::Receiver<Change>)> {
        let kernel = Kernel::open()?;
        let (sender, receiver) = mpsc::channel(LOOKS_WAITING_MAX);
        let (wanted, anew) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        let flags = (wanted.clone(), anew.clone());
        let handle = thread::Builder::new()
            .name("host-sockets".to_owned())
            .spawn(move || look_on(kernel, &flags.0, &flags.1, &sender))?;
        Ok((Self { wanted, anew, thread: handle.thread().clone() }, receiver))
    }

    /// Whether somebody wants to know.
    pub(crate) fn want(&self, wanted: bool) {
        if self.wanted.swap(wanted, Ordering::Relaxed) != wanted && wanted {
            self.begin_anew();
            self.thread.unpark();
        }
    }

    /// The next look tells everything.
    pub(crate) fn begin_anew(&self) {
        self.anew.store(true, Ordering::Relaxed);
    }
}

fn look_on(mut kernel: Kernel, wanted: &AtomicBool, anew: &AtomicBool, sender: &mpsc::Sender<Change>) {
    let (mut owners, mut known) = (ProcMap::new(), BTreeMap::new());
    // Without it, what is gone is seen at the next look.
    let mut destroyed = Destroyed::listen().ok();
    while !sender.is_closed() {
        if !wanted.load(Ordering::Relaxed) {
            thread::park_timeout(Duration::from_secs(60));
            continue;
        }
        // A kernel that does not answer this time may do so the next.
        if let Ok(rows) = rows(&mut kernel, &mut owners) {
            let whole = anew.swap(false, Ordering::Relaxed);
            let change = difference(&mut known, rows, whole);
            let news = change.whole || !change.put.is_empty() || !change.del.is_empty();
            if news && sender.blocking_send(change).is_err() {
                return;
            }
        }
        rest(destroyed.as_mut());
    }
}

/// Sleeps until the next look is due: earlier when a socket has gone.
fn rest(destroyed: Option<&mut Destroyed>) {
    let Some(destroyed) = destroyed else { return thread::sleep(INTERVAL) };
    for _ in 0..NAPS {
        thread::sleep(INTERVAL / NAPS);
        if destroyed.any() {
            return;
        }
    }
}

/// All sockets with their owners, in the order in which `ss` prints them.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn rows(kernel: &mut Kernel, owners: &mut ProcMap) -> io::Result<Vec<SocketRow>> {
    let sockets = kernel.sockets()?;
    let inodes: BTreeSet<u32> = sockets.iter().map(|socket| socket.inode).collect();
    owners.look(&inodes);
    let owned = sockets.into_iter().map(|socket| SocketRow { owner: owners.owner(socket.inode), ..socket.row });
    Ok(owned.collect())
}

/// What `rows` has that `known` has not, and the other way round; `known` becomes `rows`.
fn difference(known: &mut BTreeMap<u64, SocketRow>, rows: Vec<SocketRow>, whole: bool) -> Change {
    let not_permitted = rows.iter().filter(|row| row.owner == SocketOwner::NotPermitted).count();
    let new: BTreeMap<u64, SocketRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let changed = new.values().filter(|row| whole || known.get(&row.id) != Some(row));
    let put = changed.cloned().collect();
    let del = if whole { Vec::new() } else { known.keys().filter(|id| !new.contains_key(id)).copied().collect() };
    *known = new;
    Change { whole, put, del, not_permitted: u32::try_from(not_permitted).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_socket_that_comes_and_goes_is_told_once_each() {
        let (mut kernel, mut owners, mut known) = (Kernel::open().unwrap(), ProcMap::new(), BTreeMap::new());
        let mut look = |whole| difference(&mut known, rows(&mut kernel, &mut owners).unwrap(), whole);
        assert!(look(true).whole);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let ours = |change: &Change| change.put.iter().find(|row| row.local.port == port && !row.v6).map(|row| row.id);
        let id = ours(&look(false)).expect("the new socket");
        assert_eq!(ours(&look(false)), None);
        drop(socket);
        assert!(look(false).del.contains(&id));
    }
}
