//! The hypervisor's processes on its host, and the sockets of its port-forwarding rules.

use core::net::Ipv4Addr;

use super::World;
use super::node::Body;
use crate::addr::Endpoint;
use crate::error::UserError;
use crate::hypervisor::NatNetwork;
use crate::id::{NodeId, Pid};
use crate::lab::ForwardSpec;
use crate::programs::Errno;
use crate::programs::vbox::{Rule, Settings};

/// Where Debian's packages put VirtualBox's programs.
const PROGRAMS: &str = "/usr/lib/virtualbox";

impl World {
    /// Starts the process of a running VM on its host: `VBoxHeadless`.
    pub(super) fn start_vm_process(&mut self, vm: NodeId) {
        let Some((host, name)) = self.node(vm).and_then(|node| Some((node.row.host?, node.row.name.clone()))) else {
            return;
        };
        let argv = [&format!("{PROGRAMS}/VBoxHeadless"), "--comment", &name, "--startvm", &name];
        self.start_hypervisor_process(host, vm, argv.iter().map(|word| (*word).to_owned()).collect());
    }

    /// Starts the process of a NAT network on its host: `VBoxNetNAT`. It belongs to the network's engine.
    pub(super) fn start_network_process(&mut self, host: NodeId, engine: NodeId, name: &str) {
        let argv = [&format!("{PROGRAMS}/VBoxNetNAT"), "--comment", name, "--network", name];
        self.start_hypervisor_process(host, engine, argv.iter().map(|word| (*word).to_owned()).collect());
    }

    fn start_hypervisor_process(&mut self, host: NodeId, of: NodeId, argv: Vec<String>) {
        if self.hypervisor_processes.contains_key(&of) {
            return;
        }
        let mut pid = None;
        self.with_machine(host, |machine, ctx| pid = machine.start_vbox(ctx, argv));
        if let Some(pid) = pid {
            self.hypervisor_processes.insert(of, (host, pid));
        }
    }

    /// Ends the process of a VM or a NAT network's engine.
    pub(super) fn stop_hypervisor_process(&mut self, of: NodeId) {
        if let Some((host, pid)) = self.hypervisor_processes.remove(&of) {
            self.with_machine(host, |machine, ctx| machine.stop_vbox(ctx, pid));
        }
    }

    /// The process on the host that stands for a VM or a NAT network's engine.
    pub fn hypervisor_process(&self, of: NodeId) -> Option<Pid> {
        self.hypervisor_processes.get(&of).map(|(_, pid)| *pid)
    }

    /// An engine was built: the process of `of` works for it.
    pub(super) fn engine_built(&mut self, of: NodeId, engine: NodeId, numbers: &NatNetwork) {
        let Some((host, pid)) = self.hypervisor_processes.get(&of).copied() else { return };
        let settings = Settings {
            network: numbers.network,
            gateway: numbers.gateway,
            dns: numbers.dns,
            loopback: numbers.loopback,
            sockets: numbers.sockets,
            guest: numbers.first,
        };
        self.with_machine(host, |machine, ctx| machine.add_engine(ctx, pid, engine, settings));
    }

    /// Opens the socket of a port-forwarding rule on the host.
    ///
    /// # Errors
    /// `forward-exists`, `forward-port-taken` (a socket of the host has the port, be it another rule's),
    /// `forward-address` (not one of the host's), `forward-refused`.
    pub(super) fn open_forward(&mut self, engine: NodeId, spec: &ForwardSpec) -> Result<(), UserError> {
        let host = match self.node(engine).map(|node| &node.body) {
            Some(Body::Engine(engine)) => engine.host(),
            _ => return Err(UserError::new("forward-refused").with("rule", &spec.name)),
        };
        let any = Ipv4Addr::UNSPECIFIED;
        let rule = Rule {
            name: spec.name.clone(),
            proto: spec.proto,
            host: Endpoint::new(spec.host_address.unwrap_or(any), spec.host_port),
            guest: Endpoint::new(spec.guest_address.unwrap_or(any), spec.guest_port),
        };
        let at = rule.host;
        let mut opened = Ok(());
        self.with_machine(host, |machine, ctx| opened = machine.open_forward(ctx, engine, rule));
        opened.map_err(|errno| {
            let error = |code: &str| UserError::new(code).with("rule", &spec.name);
            match errno {
                Errno::EEXIST => error("forward-exists"),
                Errno::EADDRINUSE => error("forward-port-taken").with("proto", spec.proto.name()).with("at", at),
                Errno::EADDRNOTAVAIL => error("forward-address").with("address", at.addr),
                _ => error("forward-refused"),
            }
        })
    }

    /// Closes the socket of a port-forwarding rule.
    pub(super) fn close_forward(&mut self, engine: NodeId, name: &str) {
        let host = match self.node(engine).map(|node| &node.body) {
            Some(Body::Engine(engine)) => engine.host(),
            _ => return,
        };
        self.with_machine(host, |machine, ctx| machine.close_forward(ctx, engine, name));
    }
}
