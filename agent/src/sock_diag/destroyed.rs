//! Hears that sockets were destroyed: the only thing that the kernel tells of its own accord (include/uapi/linux/
//! sock_diag.h, `enum sknetlink_groups`). What was destroyed the next dump shows.

use std::io;

use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};

/// SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY.
const GROUPS: [u32; 4] = [1, 2, 3, 4];
/// Bytes of a message that are looked at: none matters but that it came.
const PEEK_BYTES: usize = 64;

/// An ear at the kernel.
pub(crate) struct Destroyed {
    socket: Socket,
}

impl Destroyed {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        for group in GROUPS {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// Whether any socket was destroyed since the last call.
    pub(crate) fn any(&mut self) -> bool {
        let mut any = false;
        let mut buffer = Vec::with_capacity(PEEK_BYTES);
        loop {
            buffer.clear();
            match self.socket.recv(&mut buffer, 0) {
                Ok(_) => any = true,
                // More were destroyed than the socket's queue holds.
                Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENOBUFS as i32) => any = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return any,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_end_of_a_socket_is_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut destroyed = Destroyed::listen().unwrap();
        drop(listener);
        // The kernel tells it when the last reference has gone, which may be a moment later.
        while !destroyed.any() {
            std::thread::yield_now();
        }
    }
}
