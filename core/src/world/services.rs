//! Services of machines: started, stopped, and a DHCP server's scopes changed. Must not know what a service does.

use super::World;
use crate::addr::Cidr;
use crate::error::UserError;
use crate::id::NodeId;
use crate::lab::{ScopeSpec, ServiceKind, ServiceSpec, check_scope};
use crate::limits;
use crate::programs::Program;
use crate::view::{Key, Row, ServiceRow};

impl World {
    /// Starts those services of a machine that run from the start. What was changed of one since it was defined stays
    /// changed.
    pub(super) fn start_services(&mut self, id: NodeId, services: &[ServiceSpec]) {
        for spec in services {
            let key = (id, spec.name.clone());
            let spec = self.services.entry(key).or_insert_with(|| spec.clone()).clone();
            self.put(Row::Service(ServiceRow::of(id, &spec)));
            if spec.start {
                self.start_service(id, &spec);
            }
        }
    }

    fn start_service(&mut self, id: NodeId, spec: &ServiceSpec) {
        self.with_machine(id, |machine, ctx| {
            let Some(program) = Program::service(spec, machine) else { return };
            machine.start_service(ctx, &spec.name, vec![spec.program().to_owned()], program);
        });
    }

    /// The services of a machine that is gone.
    pub(super) fn forget_services(&mut self, id: NodeId) {
        let own = (id, String::new())..(NodeId(id.0.saturating_add(1)), String::new());
        let keys: Vec<_> = self.services.range(own).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.services.remove(&key);
            self.del(Key::Service(key));
        }
    }

    /// The rows of all services.
    pub(super) fn service_rows(&self) -> impl Iterator<Item = ServiceRow> + '_ {
        self.services.iter().map(|((node, _), spec)| ServiceRow::of(*node, spec))
    }

    fn service(&self, machine: &str, service: &str) -> Result<(NodeId, ServiceSpec), UserError> {
        let id = self.simulated(machine)?;
        let spec = self.services.get(&(id, service.to_owned())).cloned();
        let unknown = || UserError::new("unknown-service").with("machine", machine).with("name", service);
        Ok((id, spec.ok_or_else(unknown)?))
    }

    pub(super) fn change_service(&mut self, machine: &str, service: &str, start: bool) -> Result<(), UserError> {
        let (id, spec) = self.service(machine, service)?;
        if start {
            self.start_service(id, &spec);
        } else {
            self.with_machine(id, |machine, ctx| machine.stop_service(ctx, service));
        }
        Ok(())
    }

    /// Changes, adds or removes a scope of a DHCP service. If it runs, it is restarted, as dhcpd has to be for a new
    /// configuration: it reads its lease file again, and leases that are in no pool any more are not taken over.
    ///
    /// # Errors
    /// `unknown-machine`, `machine-is-real`, `machine-is-off`, `unknown-service`, `scope-not-dhcp`, `scope-unknown`,
    /// `scope-many`, and those of a lab file's scope; nothing has changed then.
    pub(super) fn change_scope(
        &mut self,
        machine: &str,
        service: &str,
        scope: u32,
        to: Option<&ScopeSpec>,
    ) -> Result<(), UserError> {
        let (id, mut spec) = self.service(machine, service)?;
        let place = format!("machine \"{machine}\", service \"{service}\"");
        if spec.kind != ServiceKind::Dhcp {
            return Err(UserError::new("scope-not-dhcp").with("place", place));
        }
        let at = scope as usize;
        match to {
            Some(to) if at < spec.scopes.len() => spec.scopes[at] = to.clone(),
            Some(_) if spec.scopes.len() >= limits::DHCP_SCOPES_MAX => {
                return Err(UserError::new("scope-many").with("place", place).with("max", limits::DHCP_SCOPES_MAX));
            }
            Some(to) if at == spec.scopes.len() => spec.scopes.push(to.clone()),
            None if at < spec.scopes.len() => drop(spec.scopes.remove(at)),
            _ => return Err(UserError::new("scope-unknown").with("place", place).with("scope", scope)),
        }
        if spec.scopes.is_empty() {
            return Err(UserError::new("lab-scope-missing").with("place", place));
        }
        if let Some(to) = to {
            let ports: Vec<(String, Vec<Cidr>)> = self.machine(machine).map_or_else(Vec::new, |machine| {
                let addrs = |iface: &crate::machine::iface::Iface| iface.addrs.iter().map(|addr| addr.cidr).collect();
                machine.ifaces().iter().map(|iface| (iface.name.clone(), addrs(iface))).collect()
            });
            check_scope(&place, &ports, to)?;
        }
        self.services.insert((id, service.to_owned()), spec.clone());
        self.put(Row::Service(ServiceRow::of(id, &spec)));
        let mut runs = false;
        self.with_machine(id, |machine, ctx| {
            runs = machine.runs_service(service);
            if runs {
                machine.stop_service(ctx, service);
            }
        });
        if runs {
            self.start_service(id, &spec);
        }
        Ok(())
    }
}
