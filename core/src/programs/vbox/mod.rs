//! The hypervisor's process on the host: `VBoxHeadless` of a running VM, `VBoxNetNAT` of a NAT network.
//!
//! It holds the sockets by which guests' traffic leaves the host, as VirtualBox's engine does it (libslirp 4.8,
//! src/libs/libslirp-4.8.0): the guest's TCP connection ends here, and the payload is sent on through a socket of this
//! process, so that outside there are new IP identifications, times to live, ports and sequence numbers. Port forwards are
//! listening sockets of it. Must not know NICs: its machine hands packets in ([`Vbox::push`]) and takes them out
//! ([`Kernel::engine_send`]).

mod forward;
mod icmp;
mod instance;
mod tcp;
mod udp;

use std::collections::{BTreeMap, VecDeque};

pub use forward::Rule;
use instance::Instance;
pub use instance::Settings;

use super::{Errno, Kernel, Step};
use crate::id::{FlowId, NodeId};
use crate::limits;

/// The process.
#[derive(Clone, Debug, Default)]
pub struct Vbox {
    engines: BTreeMap<NodeId, Instance>,
    queue: VecDeque<(NodeId, Vec<u8>)>,
    /// Flow entries that nothing stands for any more.
    ended: Vec<FlowId>,
}

impl Vbox {
    /// A process without an engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// It works for this engine from now on.
    pub fn add_engine(&mut self, engine: NodeId, settings: Settings) {
        self.engines.insert(engine, Instance::new(engine, settings));
    }

    /// The engine is gone: its sockets are closed.
    pub fn remove_engine(&mut self, kernel: &mut dyn Kernel, engine: NodeId) {
        if let Some(mut instance) = self.engines.remove(&engine) {
            instance.end(kernel);
        }
        self.queue.retain(|(of, _)| *of != engine);
    }

    /// Whether it works for any engine.
    pub fn is_idle(&self) -> bool {
        self.engines.is_empty()
    }

    /// The guest's DHCP lease: where rules without a guest's address lead.
    pub fn set_guest(&mut self, engine: NodeId, guest: core::net::Ipv4Addr) {
        if let Some(instance) = self.engines.get_mut(&engine) {
            instance.settings.guest = guest;
        }
    }

    /// Opens a forwarding rule's socket.
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `ENFILE` as the socket's; `ENOENT` for an engine that is not there; `EEXIST` when a
    /// rule has that name.
    pub fn open_forward(&mut self, kernel: &mut dyn Kernel, engine: NodeId, rule: Rule) -> Result<(), Errno> {
        self.engines.get_mut(&engine).ok_or(Errno::ENOENT)?.open_forward(kernel, rule)
    }

    /// Closes a forwarding rule's socket, and connections that came through it.
    pub fn close_forward(&mut self, kernel: &mut dyn Kernel, engine: NodeId, name: &str) {
        if let Some(instance) = self.engines.get_mut(&engine) {
            instance.close_forward(kernel, name);
        }
    }

    /// The rules of an engine whose sockets are open.
    pub fn rules(&self, engine: NodeId) -> impl Iterator<Item = &Rule> {
        self.engines.get(&engine).into_iter().flat_map(Instance::rules)
    }

    /// Whether a guest's packet is this process's affair rather than the kernel's.
    pub fn wants(&self, engine: NodeId, packet: &[u8]) -> bool {
        self.engines.get(&engine).is_some_and(|instance| instance.wants(packet))
    }

    /// Takes a guest's packet; `false` when too many wait.
    pub fn push(&mut self, engine: NodeId, packet: Vec<u8>) -> bool {
        let room = self.queue.len() < limits::ENGINE_QUEUE_MAX;
        if room {
            self.queue.push_back((engine, packet));
        }
        room
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        for flow in self.ended.drain(..) {
            kernel.flow_del(flow);
        }
        while let Some((engine, packet)) = self.queue.pop_front() {
            if let Some(instance) = self.engines.get_mut(&engine) {
                instance.packet_in(kernel, &packet);
            }
        }
        for instance in self.engines.values_mut() {
            instance.poll(kernel);
            self.ended.append(&mut instance.ended);
        }
        for flow in self.ended.drain(..) {
            kernel.flow_del(flow);
        }
        Step::Running
    }
}
