//! An echo server as a service (RFC 862): sends back what it gets.

use super::{Kernel, Step};
use crate::addr::{Endpoint, L4Proto};
use crate::id::SocketId;

/// Connections at once.
const CONNECTIONS_MAX: usize = 256;

/// The service.
#[derive(Clone, Debug)]
pub struct Echod {
    at: Endpoint,
    proto: L4Proto,
    socket: Option<SocketId>,
    /// Connections, and what could not be sent back yet.
    open: Vec<(SocketId, Vec<u8>)>,
}

impl Echod {
    /// A server at this endpoint, for TCP or UDP.
    pub fn new(at: Endpoint, proto: L4Proto) -> Self {
        Self { at, proto, socket: None, open: Vec::new() }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        let opened = match (self.socket, self.proto) {
            (Some(socket), _) => Ok(socket),
            (None, L4Proto::Tcp) => kernel.tcp_listen(self.at, 10),
            (None, _) => kernel.udp_open(self.at),
        };
        let Ok(socket) = opened else { return Step::Exited(1) };
        self.socket = Some(socket);
        if self.proto != L4Proto::Tcp {
            while let Some(received) = kernel.udp_recv(socket) {
                // Two echo servers must not talk to each other for ever: a low port is no client's (RFC 862 is silent).
                if let Ok(datagram) = received
                    && datagram.from.port >= 1_024
                {
                    let _ = kernel.udp_send(socket, datagram.from, &datagram.payload);
                }
            }
            return Step::Running;
        }
        while self.open.len() < CONNECTIONS_MAX
            && let Some((connection, _)) = kernel.tcp_accept(socket)
        {
            self.open.push((connection, Vec::new()));
        }
        self.open.retain_mut(|(connection, pending)| echo(kernel, *connection, pending));
        Step::Running
    }
}

/// Serves one connection; `false` when it is over.
fn echo(kernel: &mut dyn Kernel, connection: SocketId, pending: &mut Vec<u8>) -> bool {
    loop {
        if !pending.is_empty() {
            match kernel.tcp_send(connection, pending) {
                Ok(0) => return true,
                Ok(sent) => drop(pending.drain(..sent)),
                Err(_) => break,
            }
            continue;
        }
        match kernel.tcp_recv(connection, 4_096) {
            Ok(None) => return true,
            Ok(Some(bytes)) if !bytes.is_empty() => *pending = bytes,
            _ => break,
        }
    }
    kernel.close(connection);
    false
}
