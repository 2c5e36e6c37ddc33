//! What users change while a lab runs: cables and switches.

use core::time::Duration;

use super::World;
use super::build::security_config;
use super::command::{CableState, LinkSetting, SwitchSetting};
use super::networks::Network;
use super::node::Body;
use super::topology::link_row;
use crate::error::UserError;
use crate::id::{LinkId, NodeId, Port};
use crate::limits;
use crate::link::LinkConfig;
use crate::switch::{PORT_PRIORITY_MAX, PortConfig, StpConfig, path_cost};
use crate::view::Row;

/// What an end of a cable names: one port, or any of a switch's.
#[derive(Clone, Copy)]
enum End {
    Port(Port),
    Any(NodeId),
}

impl End {
    fn is(self, port: Port) -> bool {
        match self {
            Self::Port(own) => own == port,
            Self::Any(node) => node == port.node,
        }
    }
}

impl World {
    /// Changes what a cable is like; frames on their way arrive as foreseen.
    ///
    /// # Errors
    /// `link-unknown-end`, `link-unknown`, `link-which`, `link-setting`; nothing has changed then.
    pub(super) fn change_link(&mut self, a: &str, b: Option<&str>, setting: &LinkSetting) -> Result<(), UserError> {
        let id = self.find_link(a, b)?;
        let Some(cable) = self.links.get_mut(id.0 as usize).and_then(Option::as_mut) else { return Ok(()) };
        let config = changed(cable.link.config(), setting)?;
        if config != *cable.link.config() {
            cable.link.set_config(config);
            cable.row = link_row(id, cable.ends, &config, cable.row.up, cable.row.mute);
            let (row, ends) = (cable.row.clone(), cable.ends);
            self.put(Row::Link(row));
            for port in ends {
                let cost = path_cost(config.rate_bps);
                self.with_switch(port.node, |switch, ctx| switch.set_link_cost(ctx.now, port.index, cost));
            }
        }
        if let Some(up) = setting.up {
            let ends = self.links.get(id.0 as usize).and_then(Option::as_ref).map(|cable| cable.ends);
            for port in ends.into_iter().flatten() {
                self.plug_inner(port, up);
            }
            self.plug_cable(id, up);
        }
        Ok(())
    }

    /// The port at which a host's card is really plugged in: while VMs are bridged to it, the hypervisor's bridge is
    /// between the two.
    pub(super) fn outside(&self, port: Port) -> Port {
        let far = |network: &Network| network.bridged.filter(|(host, ..)| *host == port).map(|(_, far, _)| far);
        self.networks.values().find_map(far).unwrap_or(port)
    }

    /// The carrier of a host's card follows its cable, also with the hypervisor's bridge between the two.
    pub(super) fn plug_inner(&mut self, far: Port, up: bool) {
        let host = |network: &Network| network.bridged.filter(|(_, port, _)| *port == far).map(|(host, ..)| host);
        let Some(host) = self.networks.values().find_map(host) else { return };
        if let Some((link, end)) = self.cable_at(host) {
            self.set_cable(link, end, if up { CableState::On } else { CableState::Off });
        }
    }

    fn plug_cable(&mut self, id: LinkId, up: bool) {
        let nic = self.nics.values_mut().find(|nic| nic.link == Some(id));
        if let Some(nic) = nic {
            nic.row.cable = up;
            let row = nic.row.clone();
            self.put(Row::Nic(row));
        }
        self.set_cable(id, 0, if up { CableState::On } else { CableState::Off });
    }

    fn find_link(&self, a: &str, b: Option<&str>) -> Result<LinkId, UserError> {
        let first = self.end(a)?;
        let second = b.map(|b| self.end(b)).transpose()?;
        let joins = |ends: &[Port; 2]| match second {
            None => ends.iter().any(|port| first.is(*port)),
            Some(second) => first.is(ends[0]) && second.is(ends[1]) || first.is(ends[1]) && second.is(ends[0]),
        };
        let mut found = self.links.iter().flatten().filter(|cable| joins(&cable.ends)).map(|cable| cable.row.id);
        let unknown = || UserError::new("link-unknown").with("end", a).with("other", b.unwrap_or("—"));
        let id = found.next().ok_or_else(unknown)?;
        // A switch's name alone is enough where the switch has one cable only.
        if second.is_none() && found.next().is_some() {
            return Err(UserError::new("link-which").with("end", a));
        }
        Ok(id)
    }

    /// `host:eth0`, `office:3`, `office`.
    fn end(&self, text: &str) -> Result<End, UserError> {
        let unknown = || UserError::new("link-unknown-end").with("end", text);
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let id = self.node_named(name).ok_or_else(unknown)?;
        match (self.node(id).map(|node| &node.body), port) {
            (Some(Body::Switch(_)), None) => Ok(End::Any(id)),
            (Some(Body::Switch(_)), Some(port)) => {
                port.parse().map(|port| End::Port(Port::new(id, port))).map_err(|_| unknown())
            }
            (Some(Body::Machine(machine)), Some(iface)) => {
                let iface = machine.ifaces().by_name(iface).ok_or_else(unknown)?;
                Ok(End::Port(self.outside(Port::new(id, iface.index))))
            }
            _ => Err(unknown()),
        }
    }

    /// Changes a setting of a switch.
    ///
    /// # Errors
    /// `unknown-switch`, `switch-port-unknown`, `switch-setting`; nothing has changed then.
    pub(super) fn change_switch(&mut self, name: &str, setting: &SwitchSetting) -> Result<(), UserError> {
        let id = self.node_named(name).filter(|id| self.switch(*id).is_some());
        let id = id.ok_or_else(|| UserError::new("unknown-switch").with("name", name))?;
        let Some(switch) = self.switch(id) else { return Ok(()) };
        let stp = switch.config().stp;
        let secs = |field, secs: u32, min, max| {
            let bad = || UserError::new("switch-setting").with("field", field).with("min", min).with("max", max);
            if (min..=max).contains(&secs) { Ok(Duration::from_secs(u64::from(secs))) } else { Err(bad()) }
        };
        let changed = match setting {
            SwitchSetting::Stp { on } => StpConfig { enabled: *on, ..stp },
            SwitchSetting::Priority { value } => StpConfig { priority: *value, ..stp },
            SwitchSetting::Hello { secs: n } => StpConfig { hello_time: secs("hello", *n, 1, 10)?, ..stp },
            SwitchSetting::ForwardDelay { secs: n } => {
                StpConfig { forward_delay: secs("forward-delay", *n, 2, 30)?, ..stp }
            }
            SwitchSetting::MaxAge { secs: n } => StpConfig { max_age: secs("max-age", *n, 6, 40)?, ..stp },
            SwitchSetting::Ageing { secs: n } => {
                let ageing = secs("ageing", *n, 1, 1_000_000)?;
                self.with_switch(id, |switch, ctx| switch.set_ageing(ctx.now, ageing));
                return Ok(());
            }
            SwitchSetting::Open { port }
            | SwitchSetting::Cost { port, .. }
            | SwitchSetting::PortPriority { port, .. }
            | SwitchSetting::Security { port, .. } => {
                let port = self.switch_port(id, port)?;
                return self.change_switch_port(port, setting);
            }
        };
        self.with_switch(id, |switch, ctx| switch.set_stp(ctx.now, changed));
        Ok(())
    }

    fn change_switch_port(&mut self, port: Port, setting: &SwitchSetting) -> Result<(), UserError> {
        let mut config =
            self.switch(port.node).and_then(|switch| switch.port_config(port.index)).cloned().unwrap_or_default();
        let range = |field, min: u32, max: u32| {
            UserError::new("switch-setting").with("field", field).with("min", min).with("max", max)
        };
        match setting {
            SwitchSetting::Cost { cost, .. } => {
                if cost.is_some_and(|cost| !(1..=65_535).contains(&cost)) {
                    return Err(range("cost", 1, 65_535));
                }
                config.cost = *cost;
            }
            SwitchSetting::PortPriority { value, .. } => {
                if *value > PORT_PRIORITY_MAX {
                    return Err(range("priority", 0, u32::from(PORT_PRIORITY_MAX)));
                }
                config.priority = *value;
            }
            SwitchSetting::Security { security, .. } => {
                let max = limits::PORT_SECURITY_MACS_MAX;
                let sound = security.as_ref().is_none_or(|security| {
                    (1..=max).contains(&security.max) && security.allowed.len() as u64 <= u64::from(security.max)
                });
                if !sound {
                    return Err(range("security", 1, max));
                }
                config.security = security.as_ref().map(security_config);
            }
            _ => {
                self.with_switch(port.node, |switch, ctx| switch.reopen_port(ctx.now, port.index));
                return Ok(());
            }
        }
        self.set_switch_port(port, config);
        Ok(())
    }

    fn set_switch_port(&mut self, port: Port, config: PortConfig) {
        self.with_switch(port.node, |switch, ctx| switch.configure_port(ctx.now, port.index, config));
    }

    /// A switch's port by its number or by what is at the other end of its cable.
    fn switch_port(&self, switch: NodeId, text: &str) -> Result<Port, UserError> {
        let name = self.node(switch).map(|node| node.row.name.as_str()).unwrap_or_default();
        let unknown = || UserError::new("switch-port-unknown").with("switch", name).with("port", text);
        if let Ok(index) = text.parse() {
            let port = Port::new(switch, index);
            return self.cable_at(port).map(|_| port).ok_or_else(unknown);
        }
        let far = self.end(text).map_err(|_| unknown())?;
        let own_end = |[a, b]: [Port; 2]| {
            let is = |own: Port, other: Port| own.node == switch && far.is(other);
            if is(a, b) || far.is(a) && a.node == switch {
                Some(a)
            } else {
                Some(b).filter(|_| is(b, a) || far.is(b) && b.node == switch)
            }
        };
        self.links.iter().flatten().find_map(|cable| own_end(cable.ends)).ok_or_else(unknown)
    }
}

/// A cable with some of its numbers changed.
fn changed(config: &LinkConfig, setting: &LinkSetting) -> Result<LinkConfig, UserError> {
    const MICROS_MAX: u32 = 60_000_000;
    let bad = |field, min: u64, max: u64| {
        Err(UserError::new("link-setting").with("field", field).with("min", min).with("max", max))
    };
    let mut new = *config;
    if let Some(micros) = setting.delay_us {
        if !(1..=MICROS_MAX).contains(&micros) {
            return bad("delay", 1, u64::from(MICROS_MAX));
        }
        new.delay = Duration::from_micros(u64::from(micros));
    }
    if let Some(micros) = setting.jitter_us {
        if micros > MICROS_MAX {
            return bad("jitter", 0, u64::from(MICROS_MAX));
        }
        new.jitter = Duration::from_micros(u64::from(micros));
    }
    if let Some(rate) = setting.rate_bps {
        // Slower than a bit a second would keep a frame on the wire for hours.
        if rate > 0 && !(1_000..=1_000_000_000_000).contains(&rate) {
            return bad("rate", 1_000, 1_000_000_000_000);
        }
        new.rate_bps = Some(rate).filter(|rate| *rate > 0);
    }
    if let Some(loss) = setting.loss_ppm {
        if loss > 1_000_000 {
            return bad("loss", 0, 1_000_000);
        }
        new.loss_ppm = loss;
    }
    if let Some(frames) = setting.queue_frames {
        if frames == 0 || frames as usize > limits::LINK_QUEUE_FRAMES_MAX {
            return bad("queue", 1, limits::LINK_QUEUE_FRAMES_MAX as u64);
        }
        new.queue_frames = frames as usize;
    }
    Ok(new)
}
