//! Where a machine meets the NAT engines that the hypervisor built on it: their processes, whose sockets are sockets of
//! this machine like any other, and what the engines hand over.

use std::collections::BTreeMap;

use super::Machine;
use super::ctx::{Ctx, Effect, Handoff, PacketBuf};
use super::process::INIT;
use super::syscall::Sys;
use crate::drop_reason::DropReason;
use crate::frame::ipv4::Ipv4;
use crate::id::{FlowId, NodeId, Pid};
use crate::programs::vbox::{Rule, Settings, Vbox};
use crate::programs::{Errno, Kernel, Program};
use crate::view::{FlowRow, ForwardRow, Key, Row};

/// Flow entries of processes are numbered from here, those of the kernel's NAT from 1.
const FIRST_FLOW: u64 = 1 << 32;

/// The engines of a machine.
#[derive(Clone, Debug)]
pub(super) struct Engines {
    /// By engine: its process.
    processes: BTreeMap<NodeId, Pid>,
    /// Flow entries that the processes show.
    flows: BTreeMap<FlowId, FlowRow>,
    next_flow: u64,
}

impl Default for Engines {
    fn default() -> Self {
        Self { processes: BTreeMap::new(), flows: BTreeMap::new(), next_flow: FIRST_FLOW }
    }
}

impl Engines {
    pub(super) fn new_flow(&mut self) -> FlowId {
        self.next_flow += 1;
        FlowId(self.next_flow - 1)
    }

    pub(super) fn put(&mut self, row: FlowRow) {
        self.flows.insert(row.id, row);
    }

    pub(super) fn del(&mut self, flow: FlowId) -> Option<FlowRow> {
        self.flows.remove(&flow)
    }
}

impl Machine {
    /// Starts a process of the hypervisor.
    pub fn start_vbox(&mut self, ctx: &mut Ctx<'_>, argv: Vec<String>) -> Option<Pid> {
        self.start_process(ctx, INIT, None, None, argv, Program::Vbox(Box::new(Vbox::new())))
    }

    /// Ends a process of the hypervisor.
    pub fn stop_vbox(&mut self, ctx: &mut Ctx<'_>, pid: Pid) {
        let of_process = |(engine, owner): (&NodeId, &Pid)| (*owner == pid).then_some(*engine);
        for engine in self.engines.processes.iter().filter_map(of_process).collect::<Vec<_>>() {
            self.remove_engine(ctx, engine);
        }
        self.end_process(ctx, pid, 0);
        self.run(ctx);
    }

    fn vbox(&self, engine: NodeId) -> Option<&Vbox> {
        let pid = self.engines.processes.get(&engine)?;
        match self.processes.table.get(pid)?.program.as_ref()? {
            Program::Vbox(vbox) => Some(vbox),
            _ => None,
        }
    }

    /// Lets a process of the hypervisor act, outside of its turn.
    fn with_vbox<T>(
        &mut self,
        ctx: &mut Ctx<'_>,
        pid: Pid,
        act: impl FnOnce(&mut Vbox, &mut dyn Kernel) -> T,
    ) -> Option<T> {
        let mut program = self.processes.table.get_mut(&pid)?.program.take()?;
        let result = match &mut program {
            Program::Vbox(vbox) => Some(act(vbox, &mut Sys::new(self, ctx, pid))),
            _ => None,
        };
        if let Some(process) = self.processes.table.get_mut(&pid) {
            process.program = Some(program);
        }
        self.processes.wake(pid);
        self.run(ctx);
        result
    }

    /// A process of the hypervisor works for this engine from now on.
    pub fn add_engine(&mut self, ctx: &mut Ctx<'_>, pid: Pid, engine: NodeId, settings: Settings) {
        self.engines.processes.insert(engine, pid);
        self.with_vbox(ctx, pid, |vbox, _| vbox.add_engine(engine, settings));
    }

    /// An engine is gone: its sockets are closed, its flows end.
    pub fn remove_engine(&mut self, ctx: &mut Ctx<'_>, engine: NodeId) {
        for rule in self.forward_rows(Some(engine)) {
            ctx.del(Key::Forward(rule.key()));
        }
        if let Some(pid) = self.engines.processes.remove(&engine) {
            self.with_vbox(ctx, pid, |vbox, kernel| vbox.remove_engine(kernel, engine));
        }
        // What a process that was killed has left behind.
        for flow in self.engines.flows.extract_if(.., |_, row| row.engine == Some(engine)).collect::<Vec<_>>() {
            ctx.del(Key::Flow(flow.1.key()));
        }
        self.remove_realm(ctx, engine);
    }

    /// Opens the socket of a forwarding rule.
    ///
    /// # Errors
    /// As [`Vbox::open_forward`].
    pub fn open_forward(&mut self, ctx: &mut Ctx<'_>, engine: NodeId, rule: Rule) -> Result<(), Errno> {
        let pid = self.engines.processes.get(&engine).copied().ok_or(Errno::ENOENT)?;
        let name = rule.name.clone();
        let opened = self.with_vbox(ctx, pid, |vbox, kernel| vbox.open_forward(kernel, engine, rule));
        opened.unwrap_or(Err(Errno::ESRCH))?;
        for row in self.forward_rows(Some(engine)).into_iter().filter(|row| row.name == name) {
            ctx.put(Row::Forward(row));
        }
        Ok(())
    }

    /// Closes the socket of a forwarding rule.
    pub fn close_forward(&mut self, ctx: &mut Ctx<'_>, engine: NodeId, name: &str) {
        let Some(pid) = self.engines.processes.get(&engine).copied() else { return };
        for row in self.forward_rows(Some(engine)).into_iter().filter(|row| row.name == name) {
            ctx.del(Key::Forward(row.key()));
        }
        self.with_vbox(ctx, pid, |vbox, kernel| vbox.close_forward(kernel, engine, name));
    }

    /// Forwarding rules whose sockets are open, of one engine or all.
    pub(super) fn forward_rows(&self, only: Option<NodeId>) -> Vec<ForwardRow> {
        let engines = self.engines.processes.keys().filter(|engine| only.is_none_or(|only| only == **engine));
        let rules = engines.filter_map(|engine| Some((*engine, self.vbox(*engine)?)));
        rules.flat_map(|(engine, vbox)| vbox.rules(engine).map(move |rule| forward_row(engine, rule))).collect()
    }

    /// Flow entries of the hypervisor's processes.
    pub(super) fn engine_flow_rows(&self) -> impl Iterator<Item = FlowRow> + '_ {
        self.engines.flows.values().cloned()
    }

    /// What a NAT engine hands over.
    pub fn handle_handoff(&mut self, ctx: &mut Ctx<'_>, handoff: Handoff) {
        match handoff {
            Handoff::FromInside { engine, packet, own } => self.take_from_engine(ctx, engine, packet, own),
            Handoff::Leased { engine, guest } => {
                ctx.account.delivered += 1;
                if let Some(pid) = self.engines.processes.get(&engine).copied() {
                    self.with_vbox(ctx, pid, |vbox, _| vbox.set_guest(engine, guest));
                }
            }
            Handoff::ToInside { packet } | Handoff::ToGuest { packet } | Handoff::NoService { packet } => {
                ctx.dropped(packet.parent, None, DropReason::NatProtocol);
            }
            Handoff::Refused { packet, .. } => ctx.dropped(packet.parent, None, DropReason::NatProtocol),
        }
        self.run(ctx);
    }

    fn take_from_engine(&mut self, ctx: &mut Ctx<'_>, engine: NodeId, packet: PacketBuf, own: bool) {
        let pid = self.engines.processes.get(&engine).copied();
        if let (Some(pid), true) = (pid, self.vbox(engine).is_some_and(|vbox| vbox.wants(engine, packet.packet()))) {
            let len = Ipv4::parse(packet.packet()).map_or(0, |packet| packet.total_len);
            let bytes = packet.packet().get(..len).unwrap_or_default().to_vec();
            let program = self.processes.table.get_mut(&pid).and_then(|process| process.program.as_mut());
            let taken = match program {
                Some(Program::Vbox(vbox)) => vbox.push(engine, bytes),
                _ => false,
            };
            if !taken {
                return ctx.dropped(packet.parent, None, DropReason::SocketQueueFull);
            }
            let name = self.command_of(pid);
            ctx.delivered(packet.parent, &name);
            return self.processes.wake(pid);
        }
        if own {
            // For an address of the engine's, and nobody there expects it.
            ctx.forwarded();
            return ctx.effects.push(Effect::Handoff(engine, Handoff::NoService { packet }));
        }
        self.send_for_engine(ctx, engine, packet);
    }
}

fn forward_row(engine: NodeId, rule: &Rule) -> ForwardRow {
    ForwardRow { engine, name: rule.name.clone(), proto: rule.proto, host: rule.host, guest: rule.guest }
}
