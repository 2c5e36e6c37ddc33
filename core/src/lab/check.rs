//! What makes a lab sound. Every error names the place (`machine "host", interface "eth0"`) and its text the cure.

use std::collections::{BTreeMap, BTreeSet};

use core::net::Ipv4Addr;

use super::*;
use crate::addr::{Cidr, L4Proto};
use crate::dhcp::option::kind;
use crate::error::UserError;
use crate::limits::{DHCP_POOL_MAX, LINK_QUEUE_FRAMES_MAX, NODES_MAX, PORT_SECURITY_MACS_MAX};
use crate::machine::sysctl::try_all;
use crate::programs::Errno;
use crate::switch::PORT_PRIORITY_MAX;

/// Whether this program can read that version.
pub(super) fn version(found: u32) -> Result<(), UserError> {
    if found == FORMAT_VERSION {
        Ok(())
    } else {
        Err(UserError::new("lab-format-version").with("found", found).with("known", FORMAT_VERSION))
    }
}

/// All faults, in the order of the file.
pub(super) fn check(lab: &Lab) -> Vec<UserError> {
    let mut check = Check { lab, errors: Vec::new(), used: BTreeSet::new() };
    check.errors.extend(version(lab.format_version).err());
    check.head();
    check.names();
    lab.machines.iter().for_each(|machine| check.machine(machine));
    lab.switches.iter().for_each(|switch| check.switch(switch));
    lab.cables.iter().for_each(|cable| check.cable(cable));
    lab.vms.iter().for_each(|vm| check.vm(vm));
    check.hypervisors();
    check.errors
}

/// A scope by itself, at a machine with these interfaces and their addresses.
///
/// # Errors
/// The first fault, with the place.
pub fn check_scope(place: &str, ifaces: &[(String, Vec<Cidr>)], scope: &ScopeSpec) -> Result<(), UserError> {
    let lab = Lab::empty();
    let mut check = Check { lab: &lab, errors: Vec::new(), used: BTreeSet::new() };
    let addresses = ifaces.iter().map(|(name, list)| (name.as_str(), list.as_slice())).collect();
    check.scope(&Ports { place: String::new(), addresses }, place, scope);
    check.errors.into_iter().next().map_or(Ok(()), Err)
}

pub(super) struct Check<'a> {
    pub(super) lab: &'a Lab,
    pub(super) errors: Vec<UserError>,
    /// Interfaces that already have a cable.
    used: BTreeSet<(&'a str, &'a str)>,
}

/// What the interfaces of a machine or a VM have in common.
struct Ports<'a> {
    place: String,
    addresses: BTreeMap<&'a str, &'a [Cidr]>,
}

impl Ports<'_> {
    /// Whether some interface's network holds `addr`.
    fn on_link(&self, addr: Ipv4Addr) -> bool {
        self.addresses.values().any(|list| list.iter().any(|cidr| cidr.contains(addr)))
    }
}

impl<'a> Check<'a> {
    pub(super) fn error(&mut self, code: &str, place: String) {
        self.errors.push(UserError::new(code).with("place", place));
    }

    pub(super) fn error_with(&mut self, code: &str, place: &str, name: &str, value: impl core::fmt::Display) {
        self.errors.push(UserError::new(code).with("place", place).with(name, value));
    }

    fn head(&mut self) {
        if !is_name(&self.lab.name) {
            self.error_with("lab-name", "name", "text", &self.lab.name);
        }
        for lang in ["en", "ru"] {
            if self.lab.title.get(lang).is_none_or(|title| title.trim().is_empty()) {
                self.error_with("lab-title", "title", "lang", lang);
            }
        }
        let nodes = self.lab.machines.len() + self.lab.switches.len() + self.lab.vms.len();
        if nodes > NODES_MAX {
            self.errors.push(UserError::new("lab-too-many-nodes").with("found", nodes).with("max", NODES_MAX));
        }
    }

    /// Names are words, and no two nodes share one.
    fn names(&mut self) {
        let lab = self.lab;
        let machines = lab.machines.iter().map(|m| ("machine", &m.name));
        let switches = lab.switches.iter().map(|s| ("switch", &s.name));
        let vms = lab.vms.iter().map(|v| ("vm", &v.name));
        let mut seen = BTreeSet::new();
        for (kind, name) in machines.chain(switches).chain(vms) {
            let place = format!("{kind} \"{name}\"");
            if !is_name(name) {
                self.error_with("lab-name", &place, "text", name);
            }
            if !seen.insert(name) {
                self.error_with("lab-name-twice", &place, "name", name);
            }
        }
    }

    fn machine(&mut self, machine: &'a MachineSpec) {
        let place = format!("machine \"{}\"", machine.name);
        let mut ports = Ports { place, addresses: BTreeMap::new() };
        for iface in &machine.interfaces {
            let place = format!("{}, interface \"{}\"", ports.place, iface.name);
            if !is_iface_name(&iface.name) {
                self.error_with("lab-iface-name", &place, "text", &iface.name);
            }
            if ports.addresses.insert(&iface.name, &iface.address).is_some() {
                self.error_with("lab-name-twice", &place, "name", &iface.name);
            }
            if iface.mac.is_some_and(|mac| !mac.is_unicast()) {
                self.error("lab-mac", place.clone());
            }
            self.addresses(&place, &iface.address, iface.mtu);
        }
        self.inside(&ports, &machine.routes, &machine.masquerade, &machine.services);
        self.settings(&ports, &machine.files, &machine.sysctl);
    }

    fn vm(&mut self, vm: &'a VmSpec) {
        let place = format!("vm \"{}\"", vm.name);
        match self.lab.machine(&vm.host) {
            Some(host) if host.kind == MachineKind::Host => {}
            Some(_) => self.error_with("lab-host-kind", &place, "host", &vm.host),
            None => self.error_with("lab-host-unknown", &place, "host", &vm.host),
        }
        let mut ports = Ports { place, addresses: BTreeMap::new() };
        for nic in &vm.nics {
            let place = format!("{}, adapter {}", ports.place, nic.adapter);
            let Some(name) = guest_iface_name(nic.adapter) else {
                self.error_with("lab-adapter", &place, "adapter", nic.adapter);
                continue;
            };
            if ports.addresses.insert(name, &nic.address).is_some() {
                self.error_with("lab-adapter-twice", &place, "adapter", nic.adapter);
            }
            if nic.mac.is_some_and(|mac| !mac.is_unicast()) {
                self.error("lab-mac", place.clone());
            }
            self.addresses(&place, &nic.address, nic.mtu);
            self.card(&place, vm, nic);
        }
        self.inside(&ports, &vm.routes, &vm.masquerade, &vm.services);
        self.settings(&ports, &vm.files, &vm.sysctl);
    }

    fn addresses(&mut self, place: &str, addresses: &[Cidr], mtu: u32) {
        for cidr in addresses {
            let (addr, network) = (cidr.addr, cidr.network().addr);
            let edge = cidr.prefix < 31 && (addr == network || addr == cidr.broadcast());
            if cidr.prefix == 0 || edge || addr.is_multicast() || addr.is_loopback() || addr.is_unspecified() {
                self.error_with("lab-address", place, "address", cidr);
            }
        }
        // 68 is IPv4's least (RFC 791); 9000 the largest frame that links carry.
        if !(68..=9_000).contains(&mtu) {
            self.error_with("lab-mtu", place, "mtu", mtu);
        }
    }

    fn inside(&mut self, ports: &Ports<'_>, routes: &[RouteFileSpec], masquerade: &[String], services: &[ServiceSpec]) {
        for iface in masquerade {
            self.known_iface(ports, &format!("{}, masquerade", ports.place), iface);
        }
        for route in routes {
            let place = format!("{}, route to {}", ports.place, route.to);
            if let Some(dev) = &route.dev {
                self.known_iface(ports, &place, dev);
            }
            match route.via {
                Some(via) if !ports.on_link(via) => self.error_with("lab-gateway", &place, "via", via),
                None if route.dev.is_none() => self.error("lab-route-nowhere", place),
                _ => {}
            }
            if route.to.0.network() != route.to.0 {
                let place = format!("{}, route to {}", ports.place, route.to);
                self.error_with("lab-route-to", &place, "network", route.to.0.network());
            }
        }
        let mut names = BTreeSet::new();
        for service in services {
            let place = format!("{}, service \"{}\"", ports.place, service.name);
            if !is_name(&service.name) {
                self.error_with("lab-name", &place, "text", &service.name);
            }
            if !names.insert(&service.name) {
                self.error_with("lab-name-twice", &place, "name", &service.name);
            }
            self.service(ports, &place, service);
        }
    }

    fn known_iface(&mut self, ports: &Ports<'_>, place: &str, iface: &str) {
        if !ports.addresses.contains_key(iface) {
            let known: Vec<&str> = ports.addresses.keys().copied().collect();
            self.errors.push(
                UserError::new("lab-iface-unknown")
                    .with("place", place)
                    .with("iface", iface)
                    .with("known", known.join(", ")),
            );
        }
    }

    fn service(&mut self, ports: &Ports<'_>, place: &str, service: &ServiceSpec) {
        let stray = |present: bool, kind: ServiceKind| present && service.kind != kind;
        for (field, wrong) in [
            ("records", stray(!service.records.is_empty(), ServiceKind::Dns)),
            ("pages", stray(!service.pages.is_empty(), ServiceKind::Http)),
            ("scope", stray(!service.scopes.is_empty(), ServiceKind::Dhcp)),
            ("proto", stray(service.proto.is_some(), ServiceKind::Echo)),
        ] {
            if wrong {
                self.error_with("lab-service-field", place, "field", field);
            }
        }
        if service.proto == Some(L4Proto::Icmp) {
            self.error_with("lab-service-field", place, "field", "proto");
        }
        if service.port == Some(0) {
            self.error("lab-port", place.to_owned());
        }
        if service.kind == ServiceKind::Dhcp && service.scopes.is_empty() {
            self.error("lab-scope-missing", place.to_owned());
        }
        service.scopes.iter().for_each(|scope| self.scope(ports, place, scope));
    }

    fn scope(&mut self, ports: &Ports<'_>, place: &str, scope: &ScopeSpec) {
        let place = format!("{place}, scope {}", scope.first);
        self.known_iface(ports, &place, &scope.dev);
        let (first, last) = (scope.first.to_bits(), scope.last.to_bits());
        if first > last || last - first >= DHCP_POOL_MAX {
            self.error_with("lab-scope-range", &place, "max", DHCP_POOL_MAX);
        }
        let nets = ports.addresses.get(scope.dev.as_str()).copied().unwrap_or_default();
        let inside = |addr| nets.iter().any(|net| net.contains(addr));
        // Without a network the interface itself is at fault, and that was said.
        if let [_, ..] = nets
            && !(inside(scope.first) && inside(scope.last))
        {
            self.error_with("lab-scope-network", &place, "dev", &scope.dev);
        }
        if scope.lease_secs == 0 {
            self.error("lab-scope-lease", place.clone());
        }
        scope.options.iter().for_each(|option| self.dhcp_option(&place, option));
        self.scope_limits(&place, scope);
    }

    pub(super) fn dhcp_option(&mut self, place: &str, option: &DhcpOptionSpec) {
        let hex_ok = match &option.value {
            DhcpOptionValue::Hex(hex) => hex.len() % 2 == 0 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
            _ => true,
        };
        if matches!(option.code, 0 | 255) || !hex_ok {
            self.error_with("lab-dhcp-option", place, "code", option.code);
        } else if !option.value.suits(kind(option.code)) {
            let name = crate::dhcp::option::name(option.code);
            self.error_with("lab-dhcp-option-type", place, "name", name);
        }
    }

    fn settings(&mut self, ports: &Ports<'_>, files: &BTreeMap<String, String>, sysctl: &BTreeMap<String, String>) {
        let place = ports.place.as_str();
        for path in files.keys().filter(|path| !path.starts_with('/')) {
            self.error_with("lab-file-path", place, "path", path);
        }
        let settings = sysctl.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Err((name, errno)) = try_all(ports.addresses.keys().copied(), settings) {
            let code = if errno == Errno::ENOENT { "lab-sysctl-unknown" } else { "lab-sysctl-value" };
            let value = sysctl.get(name).map_or("", String::as_str);
            let error = UserError::new(code).with("place", place).with("name", name);
            self.errors.push(if errno == Errno::ENOENT { error } else { error.with("value", value) });
        }
    }

    fn switch(&mut self, switch: &SwitchSpec) {
        let place = format!("switch \"{}\"", switch.name);
        // The ranges of IEEE 802.1D-1998, table 8-3, which Linux keeps to (net/bridge/br_private.h).
        for (field, value, min, max) in [
            ("hello_secs", switch.hello_secs, 1, 10),
            ("forward_delay_secs", switch.forward_delay_secs, 2, 30),
            ("max_age_secs", switch.max_age_secs, 6, 40),
            ("ageing_secs", switch.ageing_secs, 1, 1_000_000),
        ] {
            if let Some(found) = value.filter(|value| !(min..=max).contains(value)) {
                let error = UserError::new("lab-switch-timer").with("place", &place).with("field", field);
                self.errors.push(error.with("found", found).with("min", min).with("max", max));
            }
        }
        if let Some(max) = switch.macs_per_port {
            self.macs(&place, max, 0);
        }
        let mut seen = BTreeSet::new();
        for port in &switch.ports {
            let place = format!("{place}, port to {}", port.to);
            if !seen.insert(&port.to) {
                self.error("lab-switch-port-twice", place.clone());
            }
            let here = |end: &CableEnd| end.node == switch.name;
            let joins =
                |cable: &CableSpec| here(&cable.a) && cable.b == port.to || here(&cable.b) && cable.a == port.to;
            if !self.lab.cables.iter().any(joins) {
                self.error_with("lab-switch-port", &place, "end", &port.to);
            }
            if let Some(priority) = port.priority.filter(|priority| *priority > PORT_PRIORITY_MAX) {
                self.error_with("lab-switch-port-priority", &place, "found", priority);
            }
            if port.cost.is_some_and(|cost| !(1..=65_535).contains(&cost)) {
                self.error("lab-switch-port-cost", place.clone());
            }
            if let Some(security) = &port.security {
                self.macs(&place, security.max, security.allowed.len());
                if security.allowed.iter().any(|mac| !mac.is_unicast()) {
                    self.error("lab-mac", place.clone());
                }
            }
        }
    }

    /// Port security takes so many addresses, those that are allowed by name among them.
    fn macs(&mut self, place: &str, max: u32, allowed: usize) {
        if max == 0 || max > PORT_SECURITY_MACS_MAX || allowed as u64 > u64::from(max) {
            let error = UserError::new("lab-switch-security").with("place", place).with("found", max);
            self.errors.push(error.with("allowed", allowed).with("max", PORT_SECURITY_MACS_MAX));
        }
    }

    fn scope_limits(&mut self, place: &str, scope: &ScopeSpec) {
        let (min, max) = (scope.lease_secs_min.unwrap_or(1), scope.lease_secs_max.unwrap_or(u32::MAX));
        // A lease of no time at all was said already.
        let outside = scope.lease_secs != 0 && !(min..=max).contains(&scope.lease_secs);
        if min == 0 || min > max || outside {
            self.error("lab-scope-lease-range", place.to_owned());
        }
        let long = |text: &Option<String>, max| text.as_ref().is_some_and(|text| text.len() > max);
        if long(&scope.server_name, 63) || long(&scope.boot_file, 127) {
            self.error("lab-scope-text", place.to_owned());
        }
        let hex = |id: &str| id.split(':').all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
        for reservation in &scope.reservations {
            let ids = (reservation.mac.is_some(), reservation.client_id.as_deref());
            if !matches!(ids, (true, None)) && !matches!(ids, (false, Some(id)) if hex(id)) {
                self.error_with("lab-reservation", place, "address", reservation.address);
            }
        }
        for range in scope.exclusions.iter().filter(|range| range.first > range.last) {
            self.error_with("lab-scope-exclusion", place, "first", range.first);
        }
    }

    fn cable(&mut self, cable: &'a CableSpec) {
        let place = format!("cable {} – {}", cable.a, cable.b);
        for end in [&cable.a, &cable.b] {
            self.cable_end(&place, end);
        }
        if cable.a.node == cable.b.node && cable.a.iface.is_some() {
            self.error("lab-cable-self", place.clone());
        }
        if cable.delay_us == 0 || cable.delay_us > 60_000_000 {
            self.error_with("lab-cable-delay", &place, "delay", cable.delay_us);
        }
        if cable.rate_mbit == Some(0) {
            self.error("lab-cable-rate", place.clone());
        }
        if cable.loss_ppm > 1_000_000 {
            self.error_with("lab-cable-loss", &place, "loss", cable.loss_ppm);
        }
        if cable.jitter_us > 60_000_000 {
            self.error_with("lab-cable-jitter", &place, "jitter", cable.jitter_us);
        }
        match cable.queue_frames {
            Some(0) => self.error("lab-cable-queue", place.clone()),
            Some(frames) if frames as usize > LINK_QUEUE_FRAMES_MAX => self.error("lab-cable-queue", place.clone()),
            Some(_) if cable.rate_mbit.is_none() => self.error("lab-cable-queue-rate", place.clone()),
            _ => {}
        }
    }

    fn cable_end(&mut self, place: &str, end: &'a CableEnd) {
        if self.lab.switches.iter().any(|switch| switch.name == end.node) {
            if end.iface.is_some() {
                self.error_with("lab-cable-switch", place, "end", end);
            }
            return;
        }
        let Some(machine) = self.lab.machine(&end.node) else {
            // A VM's virtual cable is its NIC's mode: it is never drawn by hand.
            let code = if self.lab.vm(&end.node).is_some() { "lab-cable-vm" } else { "lab-cable-node" };
            self.error_with(code, place, "end", end);
            return;
        };
        let Some(iface) = machine.interfaces.iter().find(|i| Some(&i.name) == end.iface.as_ref()) else {
            let known: Vec<_> = machine.interfaces.iter().map(|i| format!("{}:{}", machine.name, i.name)).collect();
            self.errors.push(
                UserError::new("lab-cable-iface").with("place", place).with("end", end).with("known", known.join(", ")),
            );
            return;
        };
        if !self.used.insert((&machine.name, &iface.name)) {
            self.error_with("lab-cable-twice", place, "end", end);
        }
    }
}

/// What can be a node's, a service's, a lab's name: it is typed in scripts and shown in prompts.
pub fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What Linux takes as an interface's name (net/core/dev.c, `dev_valid_name`), and is not the loopback's.
fn is_iface_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 16
        && name != "lo"
        && !matches!(name, "." | "..")
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':')
}
