//! The sockets of the real host, from the kernel by sock_diag(7): TCP, UDP and raw, IPv4 and IPv6, as the rows that the
//! simulated `ss` prints.
//!
//! Sees the network namespace of the thread that opens it. Must not know who looks.
//! There are no events for a socket that is made or changes its state, only for one that is destroyed ([`Destroyed`]):
//! [`Kernel::sockets`] is asked again and again.

mod destroyed;
mod parse;
mod proc_net;
mod request;

use std::collections::BTreeMap;
use std::{fs, io};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};

pub(crate) use destroyed::Destroyed;
use netmodes_core::view::SocketKind;
pub(crate) use parse::DumpedSocket;
use parse::{ParseError, parse_datagram};
use request::Dump;

/// Largest datagram of a dump: the kernel fills at most 32 KiB at a time (net/netlink/af_netlink.c, `netlink_dump`).
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// No such file: what the kernel says for a protocol whose diag module it has not (net/ipv4/inet_diag.c).
const ENOENT: i32 = 2;

/// A conversation with the kernel about the sockets of one network namespace.
pub(crate) struct Kernel {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Kernel {
    /// Opens the conversation. Needs no rights.
    ///
    /// # Errors
    /// When the kernel has no sock_diag.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(DATAGRAM_BYTES_MAX) })
    }

    /// All sockets, in the order in which `ss` prints them.
    ///
    /// # Errors
    /// When the kernel refuses, or answers what cannot be read.
    pub(crate) fn sockets(&mut self) -> io::Result<Vec<DumpedSocket>> {
        let mut sockets = Vec::new();
        for dump in Dump::ALL {
            self.dump(dump, &mut sockets)?;
        }
        name_ifaces(&mut sockets);
        Ok(sockets)
    }

    fn dump(&mut self, dump: Dump, sockets: &mut Vec<DumpedSocket>) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let Some(request) = dump.request(self.sequence) else { return Ok(()) };
        self.socket.send(&request, 0)?;
        loop {
            self.buffer.clear();
            // recv into the vector's spare room: netlink-sys advances the length.
            self.socket.recv(&mut self.buffer, 0)?;
            match parse_datagram(&self.buffer, dump) {
                Ok(answer) => {
                    sockets.extend(answer.sockets);
                    if answer.done {
                        return Ok(());
                    }
                }
                Err(ParseError::Refused(ENOENT)) => {
                    if dump.kind == SocketKind::Raw {
                        let text = fs::read_to_string(proc_net::path(dump.v6)).unwrap_or_default();
                        sockets.extend(proc_net::parse(&text, dump.v6));
                    }
                    return Ok(());
                }
                Err(ParseError::Refused(errno)) => return Err(io::Error::from_raw_os_error(errno)),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

/// Puts names to the interfaces that sockets are bound to. One that is gone by now is called `if5`, as `ss` does.
fn name_ifaces(sockets: &mut [DumpedSocket]) {
    if sockets.iter().all(|socket| socket.iface == 0) {
        return;
    }
    let names = iface_names();
    for socket in sockets.iter_mut().filter(|socket| socket.iface != 0) {
        let name = names.get(&socket.iface).cloned();
        socket.row.local.iface = Some(name.unwrap_or_else(|| format!("if{}", socket.iface)));
    }
}

fn iface_names() -> BTreeMap<u32, String> {
    let Ok(list) = nix::net::if_::if_nameindex() else { return BTreeMap::new() };
    list.iter().map(|iface| (iface.index(), iface.name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use netmodes_core::view::SocketState;

    use super::*;

    #[test]
    fn a_listener_of_our_own_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sockets = Kernel::open().unwrap().sockets().unwrap();
        let ours: Vec<_> = sockets
            .iter()
            .filter(|s| s.row.kind == SocketKind::Tcp && s.row.local.port == port)
            .filter(|s| s.row.state == SocketState::Listen)
            .collect();
        assert_eq!(ours.len(), 1);
        assert_ne!(ours[0].inode, 0);
    }
}
