//! Port-forwarding rules: their two notations in VirtualBox, and what a set of them must keep to.

use core::net::Ipv4Addr;

use super::objects::check_name;
use crate::addr::L4Proto;
use crate::error::UserError;
use crate::lab::ForwardSpec;
use crate::limits;

/// Below this only root may listen (ip(7), `net.ipv4.ip_unprivileged_port_start`), and VMs do not run as root.
const FIRST_FREE_PORT: u16 = 1_024;

/// Adds a rule to a set (Main/NATEngineImpl.cpp and NATNetworkImpl.cpp).
///
/// # Errors
/// `hv-forward-exists`, `hv-forward-taken`, `hv-forward-port`, `hv-forward-privileged`, `hv-forward-proto`, `hv-name`,
/// `hv-too-many`.
pub fn add(rules: &mut Vec<ForwardSpec>, rule: &ForwardSpec) -> Result<(), UserError> {
    check_name(&rule.name)?;
    if rules.iter().any(|other| other.name == rule.name) {
        return Err(UserError::new("hv-forward-exists").with("rule", &rule.name));
    }
    let same = |other: &&ForwardSpec| {
        (other.proto, other.host_address, other.host_port) == (rule.proto, rule.host_address, rule.host_port)
    };
    if let Some(other) = rules.iter().find(same) {
        return Err(UserError::new("hv-forward-taken").with("rule", &rule.name).with("other", &other.name));
    }
    check(rule)?;
    if rules.len() >= limits::HYPERVISOR_OBJECTS_MAX {
        return Err(UserError::new("hv-too-many").with("max", limits::HYPERVISOR_OBJECTS_MAX));
    }
    rules.push(rule.clone());
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// A rule by itself.
fn check(rule: &ForwardSpec) -> Result<(), UserError> {
    if rule.proto == L4Proto::Icmp {
        return Err(UserError::new("hv-forward-proto").with("rule", &rule.name));
    }
    if rule.host_port == 0 || rule.guest_port == 0 {
        return Err(UserError::new("hv-forward-port").with("rule", &rule.name));
    }
    if rule.host_port < FIRST_FREE_PORT {
        return Err(UserError::new("hv-forward-privileged").with("rule", &rule.name).with("port", rule.host_port));
    }
    Ok(())
}

/// Removes a rule from a set.
///
/// # Errors
/// `hv-forward-unknown`.
pub fn remove(rules: &mut Vec<ForwardSpec>, name: &str) -> Result<(), UserError> {
    let at = rules.iter().position(|rule| rule.name == name);
    rules.remove(at.ok_or_else(|| UserError::new("hv-forward-unknown").with("rule", name))?);
    Ok(())
}

/// The notation of a card's rules: `name,proto,hostip,hostport,guestip,guestport`.
pub fn parse_nic_rule(text: &str) -> Option<ForwardSpec> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [name, proto, host_address, host_port, guest_address, guest_port] = parts[..] else { return None };
    build(name, proto, address(host_address)?, host_port, address(guest_address)?, guest_port)
}

/// The notation of a NAT network's rules: `name:proto:[hostip]:hostport:[guestip]:guestport`.
pub fn parse_network_rule(text: &str) -> Option<ForwardSpec> {
    let (name, rest) = text.split_once(':')?;
    let (proto, rest) = rest.split_once(':')?;
    let (host_address, rest) = bracketed(rest)?;
    let (host_port, rest) = rest.split_once(':')?;
    let (guest_address, guest_port) = bracketed(rest)?;
    build(name, proto, address(host_address)?, host_port, address(guest_address)?, guest_port)
}

fn bracketed(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('[')?.split_once("]:")
}

/// No text is no address: `Some(None)`.
fn address(text: &str) -> Option<Option<Ipv4Addr>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

fn build(
    name: &str,
    proto: &str,
    host_address: Option<Ipv4Addr>,
    host_port: &str,
    guest_address: Option<Ipv4Addr>,
    guest_port: &str,
) -> Option<ForwardSpec> {
    let proto = match proto.to_ascii_lowercase().as_str() {
        "tcp" => L4Proto::Tcp,
        "udp" => L4Proto::Udp,
        _ => return None,
    };
    let (host_port, guest_port) = (host_port.parse().ok()?, guest_port.parse().ok()?);
    let text = |addr: Option<Ipv4Addr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
    // VirtualBox makes a name of the rest where none is given (NATEngineImpl.cpp `addRedirect`).
    let name = if name.is_empty() {
        format!("{}_{}_{host_port}_{}_{guest_port}", proto.name(), text(host_address), text(guest_address))
    } else {
        name.to_owned()
    };
    Some(ForwardSpec { name, proto, host_address, host_port, guest_address, guest_port })
}

/// A card's rule as VirtualBox prints it.
pub fn nic_rule(rule: &ForwardSpec) -> String {
    let text = |addr: Option<Ipv4Addr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
    format!(
        "{},{},{},{},{},{}",
        rule.name,
        rule.proto.name(),
        text(rule.host_address),
        rule.host_port,
        text(rule.guest_address),
        rule.guest_port
    )
}

/// A NAT network's rule as VirtualBox prints it.
pub fn network_rule(rule: &ForwardSpec) -> String {
    let text = |addr: Option<Ipv4Addr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
    format!(
        "{}:{}:[{}]:{}:[{}]:{}",
        rule.name,
        rule.proto.name(),
        text(rule.host_address),
        rule.host_port,
        text(rule.guest_address),
        rule.guest_port
    )
}
