//! What makes the hypervisors of a lab sound: their objects, and the networks that cards name.

use std::collections::BTreeSet;

use super::check::Check;
use super::*;
use crate::error::UserError;
use crate::hypervisor::{
    DEFAULT_HOST_ONLY, DEFAULT_NAT_NETWORK, HostOnly, NatNet, NatNetworkChange, NetworkDhcp, check_host_only_address,
    forward,
};
use crate::view::Mode;

/// Where a host says which host-only networks it allows.
const NETWORKS_CONF: &str = "/etc/vbox/networks.conf";

/// The lab file's code for what the hypervisor itself refuses.
fn lab_code(code: &str) -> &'static str {
    match code {
        "hv-natnetwork-network" => "lab-natnetwork",
        "hv-forward-exists" => "lab-forward-twice",
        "hv-forward-taken" => "lab-forward-taken",
        "hv-forward-port" => "lab-forward-port",
        "hv-forward-privileged" => "lab-forward-privileged",
        "hv-forward-proto" => "lab-forward-proto",
        "hv-forward-guest" => "lab-forward-guest",
        "hv-hostonly-range" => "lab-hostonly-range",
        "hv-dhcp-range" => "lab-hv-dhcp-range",
        "hv-dhcp-option" => "lab-dhcp-option",
        "hv-name" => "lab-object-name",
        _ => "lab-object-many",
    }
}

impl<'a> Check<'a> {
    /// Passes on what the hypervisor refuses, with its place in the file.
    fn refused(&mut self, place: &str, result: Result<(), UserError>) {
        if let Err(error) = result {
            let start = UserError::new(lab_code(&error.code)).with("place", place);
            self.errors.push(error.args.iter().fold(start, |all, (name, value)| all.with(name, value)));
        }
    }

    pub(super) fn hypervisors(&mut self) {
        let mut hosts = BTreeSet::new();
        for hypervisor in &self.lab.hypervisors {
            let place = format!("hypervisor of \"{}\"", hypervisor.host);
            match self.lab.machine(&hypervisor.host) {
                Some(host) if host.kind == MachineKind::Host => {}
                Some(_) => self.error_with("lab-host-kind", &place, "host", &hypervisor.host),
                None => self.error_with("lab-host-unknown", &place, "host", &hypervisor.host),
            }
            if !hosts.insert(&hypervisor.host) {
                self.error_with("lab-name-twice", &place, "name", &hypervisor.host);
            }
            self.nat_networks(&place, hypervisor);
            self.host_only(&place, hypervisor);
            self.dhcp_servers(&place, hypervisor);
        }
    }

    fn nat_networks(&mut self, place: &str, hypervisor: &HypervisorSpec) {
        let mut names = BTreeSet::new();
        for spec in &hypervisor.nat_networks {
            let place = format!("{place}, nat_network \"{}\"", spec.name);
            if !names.insert(&spec.name) {
                self.error_with("lab-name-twice", &place, "name", &spec.name);
            }
            self.refused(&place, crate::hypervisor::check_name(&spec.name));
            let mut net = NatNet::new(spec.network);
            let change = NatNetworkChange {
                network: Some(spec.network),
                add_forwards: spec.forwards.clone(),
                ..NatNetworkChange::default()
            };
            self.refused(&place, net.change(&change));
        }
    }

    fn host_only(&mut self, place: &str, hypervisor: &HypervisorSpec) {
        let host = self.lab.machine(&hypervisor.host);
        let conf = host.and_then(|host| host.files.get(NETWORKS_CONF)).map(String::as_str);
        let mut names = BTreeSet::new();
        for spec in &hypervisor.host_only {
            let place = format!("{place}, host_only \"{}\"", spec.name);
            if HostOnly::number_of(&spec.name).is_none() {
                self.error_with("lab-hostonly-name", &place, "name", &spec.name);
            }
            if !names.insert(&spec.name) {
                self.error_with("lab-name-twice", &place, "name", &spec.name);
            }
            self.refused(&place, check_host_only_address(spec.address, conf));
        }
    }

    fn dhcp_servers(&mut self, place: &str, hypervisor: &HypervisorSpec) {
        let mut names = BTreeSet::new();
        for spec in &hypervisor.dhcp_servers {
            let place = format!("{place}, dhcp_server of \"{}\"", spec.network);
            if !names.insert(&spec.network) {
                self.error_with("lab-name-twice", &place, "name", &spec.network);
            }
            self.refused(&place, crate::hypervisor::check_name(&spec.network));
            let server = NetworkDhcp::new(spec.address, spec.first, spec.last);
            self.refused(&place, server.and_then(|mut server| server.change(&spec.change())));
            if spec.lease_secs == Some(0) {
                self.error("lab-scope-lease", place.clone());
            }
            spec.options.iter().for_each(|option| self.dhcp_option(&place, option));
        }
    }

    /// A card's port forwarding, and the network that it names.
    pub(super) fn card(&mut self, place: &str, vm: &VmSpec, nic: &NicSpec) {
        let mut rules = Vec::new();
        for rule in &nic.forwards {
            self.refused(&format!("{place}, forward \"{}\"", rule.name), forward::add(&mut rules, rule));
        }
        let hypervisor = self.lab.hypervisors.iter().find(|hypervisor| hypervisor.host == vm.host);
        let known: Vec<&str> = match nic.mode {
            Mode::NatNetwork => {
                let own = hypervisor.into_iter().flat_map(|h| &h.nat_networks).map(|net| net.name.as_str());
                own.chain([DEFAULT_NAT_NETWORK]).collect()
            }
            Mode::HostOnly => {
                let own = hypervisor.into_iter().flat_map(|h| &h.host_only).map(|iface| iface.name.as_str());
                own.chain([DEFAULT_HOST_ONLY]).collect()
            }
            Mode::Internal => return self.refused(place, crate::hypervisor::check_name_or_none(&nic.network)),
            _ => return,
        };
        if !nic.network.is_empty() && !known.contains(&nic.network.as_str()) {
            let error = UserError::new("lab-network-unknown").with("place", place).with("name", &nic.network);
            self.errors.push(error.with("known", known.join(", ")));
        }
    }
}
