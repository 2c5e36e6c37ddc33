//! Commands: what users ask for becomes what happens.

use super::World;
use super::command::{CableState, Command};
use super::node::Body;
use crate::error::UserError;
use crate::event::Fact;
use crate::id::{JobId, NodeId, Port};
use crate::limits;
use crate::machine::Machine;
use crate::machine::ctx::Ctx;

impl World {
    /// Carries a command out.
    pub(super) fn apply(&mut self, command: &Command) -> Result<(), UserError> {
        if self.inputs as usize >= limits::SESSION_INPUTS_MAX {
            return Err(UserError::new("session-too-long").with("max", limits::SESSION_INPUTS_MAX));
        }
        match command {
            Command::Run { machine, line, tty, stdin } => self.run_line(machine, line, *tty, *stdin)?,
            Command::Signal { machine, job, signal } => {
                let id = self.simulated(machine)?;
                self.with_machine(id, |machine, ctx| machine.signal_job(ctx, *job, *signal));
            }
            Command::Input { machine, job, text } => {
                let id = self.simulated(machine)?;
                check_length(text)?;
                self.with_machine(id, |machine, ctx| machine.job_input(ctx, *job, Some(text)));
            }
            Command::InputEnd { machine, job } => {
                let id = self.simulated(machine)?;
                self.with_machine(id, |machine, ctx| machine.job_input(ctx, *job, None));
            }
            Command::Attach { vm, adapter, mode, network } => self.attach(vm, *adapter, *mode, network)?,
            Command::Cable { machine, iface, state } => self.change_cable(machine, iface, *state)?,
            Command::Link { a, b, setting } => self.change_link(a, b.as_deref(), setting)?,
            Command::Switch { switch, setting } => self.change_switch(switch, setting)?,
            Command::Service { machine, service, start } => self.change_service(machine, service, *start)?,
            Command::Scope { machine, service, scope, to } => {
                self.change_scope(machine, service, *scope, to.as_deref())?;
            }
            Command::Hypervisor { host, change } => {
                let host = self.hypervisor_host(host)?;
                self.hypervise(host, change)?;
            }
            Command::AttachTap { vm, adapter, device } => {
                self.attach_tap(vm, *adapter, device)?;
            }
        }
        self.settle();
        let index = self.inputs;
        self.inputs += 1;
        self.mix(u64::from(index) + 1);
        let fingerprint = self.fingerprint();
        self.emit(Fact::InputDone { index, fingerprint });
        Ok(())
    }

    fn run_line(&mut self, machine: &str, line: &str, tty: Option<u16>, stdin: bool) -> Result<(), UserError> {
        let id = self.simulated(machine)?;
        check_length(line)?;
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.with_machine(id, |machine, ctx| machine.start_job(ctx, job, line, tty, stdin));
        Ok(())
    }

    /// The number that the next command line's job will have.
    pub fn next_job(&self) -> JobId {
        JobId(self.next_job)
    }

    fn change_cable(&mut self, machine: &str, iface: &str, state: CableState) -> Result<(), UserError> {
        let id = self.machine_id(machine)?;
        let index = self
            .machine(machine)
            .and_then(|machine| machine.ifaces().by_name(iface))
            .map(|iface| iface.index)
            .ok_or_else(|| UserError::new("unknown-interface").with("machine", machine).with("name", iface))?;
        let port = Port::new(id, index);
        let nic = self.nics.values_mut().find(|nic| nic.row.vm == id && nic.row.iface == index);
        if let Some(nic) = nic {
            nic.row.cable = state != CableState::Off;
            let row = nic.row.clone();
            self.put(crate::view::Row::Nic(row));
        }
        // A card that is not attached has no cable to break, only one to remember for the next mode.
        let outside = self.outside(port);
        if let Some((link, end)) = self.cable_at(outside) {
            // Seen from the machine, whose end a bridge of the hypervisor may stand for.
            self.set_cable(link, if outside == port { end } else { 1 - end }, state);
        }
        if outside != port {
            self.plug_inner(outside, state != CableState::Off);
        }
        Ok(())
    }

    /// The machine with this name, simulated or real.
    pub(super) fn machine_id(&self, name: &str) -> Result<NodeId, UserError> {
        let id = self.node_named(name).filter(|id| matches!(self.node(*id).map(|n| &n.body), Some(Body::Machine(_))));
        id.ok_or_else(|| UserError::new("unknown-machine").with("name", name))
    }

    /// The machine with this name, whose inside we simulate.
    pub(super) fn simulated(&self, name: &str) -> Result<NodeId, UserError> {
        let id = self.machine_id(name)?;
        match self.node(id) {
            Some(node) if node.row.real => Err(UserError::new("machine-is-real").with("name", name)),
            Some(node) if node.row.off => Err(UserError::new("machine-is-off").with("name", name)),
            _ => Ok(id),
        }
    }

    /// Lets a machine act.
    pub(super) fn with_machine(&mut self, id: NodeId, act: impl FnOnce(&mut Machine, &mut Ctx<'_>)) {
        self.with_node(id, |node, ctx| {
            if let Body::Machine(machine) = &mut node.body {
                act(machine, ctx);
            }
        });
    }
}

/// What is typed at once has a length.
fn check_length(text: &str) -> Result<(), UserError> {
    if text.chars().count() > limits::COMMAND_LINE_CHARS_MAX {
        return Err(UserError::new("command-line-too-long").with("max", limits::COMMAND_LINE_CHARS_MAX));
    }
    Ok(())
}
