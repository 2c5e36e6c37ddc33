//! "The same at a terminal": the command lines that do what a change does. Only lines that the product itself understands:
//! `VBoxManage` on the host, and the script language for cables, switches and services. A test runs them.

use core::net::Ipv4Addr;

use netmodes_core::addr::Cidr;
use netmodes_core::hypervisor::{
    DhcpServerChange, HypervisorCommand, NatNetworkChange, NetworkName, NicChange, Run, forward,
};
use netmodes_core::lab::DhcpOptionValue;
use netmodes_core::script::Action;
use netmodes_core::view::{LabView, Mode};
use netmodes_core::world::Command;

use crate::store::edit::Plan;

/// Where a line is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this machine's terminal.
    Machine(String),
    /// In a script for `netmodes sim`.
    Script,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

/// The lines that do what a plan does; none for what no command line of the product can do.
pub fn lines(view: &LabView, plan: &Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut power = Power { view, turned: Vec::new() };
    for command in plan.commands.iter().chain(&plan.finally) {
        match command {
            Command::Hypervisor { host, change } => {
                let texts = manage(&mut power, change);
                lines.extend(
                    texts
                        .into_iter()
                        .map(|words| Line { place: Place::Machine(host.clone()), text: format!("VBoxManage {words}") }),
                );
            }
            other => lines.extend(script(other).map(|text| Line { place: Place::Script, text })),
        }
    }
    lines
}

fn script(command: &Command) -> Option<String> {
    let action = match command.clone() {
        Command::Link { a, b, setting } => Action::Link { a, b, setting },
        Command::Switch { switch, setting } => Action::Switch { switch, setting },
        Command::Cable { machine, iface, state } => Action::Cable { machine, iface, state },
        Command::Service { machine, service, start } => Action::Service { machine, service, start },
        _ => return None,
    };
    Some(action.to_string())
}

/// Whether VMs are on: as the view says, and as the lines so far have made it.
struct Power<'a> {
    view: &'a LabView,
    turned: Vec<(String, bool)>,
}

impl Power<'_> {
    fn is_on(&self, vm: &str) -> bool {
        let turned = self.turned.iter().rev().find(|(name, _)| name == vm).map(|(_, on)| *on);
        turned.unwrap_or_else(|| self.view.nodes.values().any(|node| node.name == vm && !node.off))
    }

    fn mode(&self, vm: &str, adapter: u8) -> Option<Mode> {
        let node = self.view.nodes.values().find(|node| node.name == vm)?;
        Some(self.view.nics.get(&(node.id, adapter))?.mode)
    }
}

/// The words after `VBoxManage`, line by line.
fn manage(power: &mut Power<'_>, change: &HypervisorCommand) -> Vec<String> {
    use HypervisorCommand as C;
    let one = |text: String| vec![text];
    match change {
        C::AddVm { name } => {
            power.turned.push((name.clone(), false));
            one(format!("createvm --name {} --register", quoted(name)))
        }
        C::RemoveVm { name } => one(format!("unregistervm {} --delete", quoted(name))),
        C::StartVm { name } => {
            power.turned.push((name.clone(), true));
            one(format!("startvm {} --type headless", quoted(name)))
        }
        C::PowerOff { name } => {
            power.turned.push((name.clone(), false));
            one(format!("controlvm {} poweroff", quoted(name)))
        }
        C::AddNic { vm, adapter, change } => one(modify(vm, *adapter, change.mode, change)),
        C::RemoveNic { vm, adapter } => one(format!("modifyvm {} --nic{adapter} none", quoted(vm))),
        C::SetNic { vm, adapter, change } => {
            let mode = change.mode.or_else(|| change.network.as_ref().and_then(|_| power.mode(vm, *adapter)));
            if power.is_on(vm) { control(vm, *adapter, mode, change) } else { one(modify(vm, *adapter, mode, change)) }
        }
        C::AddForward { vm, adapter, rule } => {
            let rule = quoted(&forward::nic_rule(rule));
            one(if power.is_on(vm) {
                format!("controlvm {} natpf{adapter} {rule}", quoted(vm))
            } else {
                format!("modifyvm {} --nat-pf{adapter} {rule}", quoted(vm))
            })
        }
        C::RemoveForward { vm, adapter, name } => one(if power.is_on(vm) {
            format!("controlvm {} natpf{adapter} delete {}", quoted(vm), quoted(name))
        } else {
            format!("modifyvm {} --nat-pf{adapter} delete {}", quoted(vm), quoted(name))
        }),
        other => one(network(other)),
    }
}

fn network(change: &HypervisorCommand) -> String {
    use HypervisorCommand as C;
    match change {
        C::AddNatNetwork { name, network, change } => {
            format!("natnetwork add --netname {} --network {network}{}", quoted(name), nat_options(change))
        }
        C::SetNatNetwork { name, change } => {
            let network = change.network.map(|network| format!(" --network {network}")).unwrap_or_default();
            format!("natnetwork modify --netname {}{network}{}", quoted(name), nat_options(change))
        }
        C::RemoveNatNetwork { name } => format!("natnetwork remove --netname {}", quoted(name)),
        C::RunNatNetwork { name, start } => {
            format!("natnetwork {} --netname {}", if *start { "start" } else { "stop" }, quoted(name))
        }
        C::AddHostOnly => "hostonlyif create".to_owned(),
        C::SetHostOnly { name, address } => {
            let mask = mask(*address);
            format!("hostonlyif ipconfig {} --ip {} --netmask {mask}", quoted(name), address.addr)
        }
        C::RemoveHostOnly { name } => format!("hostonlyif remove {}", quoted(name)),
        C::AddDhcpServer { network, address, first, last, change } => format!(
            "dhcpserver add {} --server-ip {} --netmask {} --lower-ip {first} --upper-ip {last}{}",
            server(network),
            address.addr,
            mask(*address),
            dhcp_options(change)
        ),
        C::SetDhcpServer { network, change } => {
            let mut text = format!("dhcpserver modify {}", server(network));
            if let Some(address) = change.address {
                text += &format!(" --server-ip {} --netmask {}", address.addr, mask(address));
            }
            text += &change.first.map(|first| format!(" --lower-ip {first}")).unwrap_or_default();
            text += &change.last.map(|last| format!(" --upper-ip {last}")).unwrap_or_default();
            text + &dhcp_options(change)
        }
        C::RemoveDhcpServer { network } => format!("dhcpserver remove {}", server(network)),
        C::RunDhcpServer { network, run } => {
            let run = match run {
                Run::Start => "start",
                Run::Stop => "stop",
                Run::Restart => "restart",
            };
            format!("dhcpserver {run} {}", server(network))
        }
        // All others are a VM's or a card's.
        _ => String::new(),
    }
}

fn nat_options(change: &NatNetworkChange) -> String {
    let mut text = String::new();
    if let Some(on) = change.enabled {
        text += if on { " --enable" } else { " --disable" };
    }
    if let Some(dhcp) = change.dhcp {
        text += if dhcp { " --dhcp on" } else { " --dhcp off" };
    }
    for name in &change.remove_forwards {
        text += &format!(" --port-forward-4 delete {}", quoted(name));
    }
    for rule in &change.add_forwards {
        text += &format!(" --port-forward-4 {}", quoted(&forward::network_rule(rule)));
    }
    text
}

fn dhcp_options(change: &DhcpServerChange) -> String {
    let mut text = String::new();
    if let Some(on) = change.enabled {
        text += if on { " --enable" } else { " --disable" };
    }
    let times = [("min", change.lease_min), ("default", change.lease_default), ("max", change.lease_max)];
    for (name, secs) in times {
        text += &secs.map(|secs| format!(" --{name}-lease-time {secs}")).unwrap_or_default();
    }
    for code in &change.remove_options {
        text += &format!(" --del-opt {code}");
    }
    for option in &change.options {
        if let DhcpOptionValue::Addresses(list) = &option.value {
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            text += &format!(" --set-opt {} {}", option.code, quoted(&list.join(" ")));
        }
    }
    for (mac, addr) in &change.fixed {
        text += &match addr {
            Some(addr) => format!(" --mac-address {mac} --fixed-address {addr}"),
            None => format!(" --mac-address {mac} --remove-config"),
        };
    }
    text
}

fn server(network: &NetworkName) -> String {
    match network {
        NetworkName::HostOnly(iface) => format!("--interface {}", quoted(iface)),
        NetworkName::Internal(name) => format!("--network {}", quoted(name)),
    }
}

/// VBoxManage's word for a mode.
const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::NotAttached => "null",
        Mode::Nat => "nat",
        Mode::Bridged => "bridged",
        Mode::Internal => "intnet",
        Mode::HostOnly => "hostonly",
        Mode::NatNetwork => "natnetwork",
        Mode::UdpTunnel => "generic",
    }
}

/// The option that names a mode's network.
const fn network_option(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Bridged => Some("bridge-adapter"),
        Mode::Internal => Some("intnet"),
        Mode::HostOnly => Some("host-only-adapter"),
        Mode::NatNetwork => Some("nat-network"),
        _ => None,
    }
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A VM that is off: one line for everything.
fn modify(vm: &str, adapter: u8, mode: Option<Mode>, change: &NicChange) -> String {
    let mut text = format!("modifyvm {}", quoted(vm));
    text += &change.mode.map(|mode| format!(" --nic{adapter} {}", mode_word(mode))).unwrap_or_default();
    if let (Some(option), Some(network)) = (mode.and_then(network_option), &change.network) {
        text += &format!(" --{option}{adapter} {}", quoted(network));
    }
    text += &change
        .mac
        .map(|mac| format!(" --mac-address{adapter} {}", mac.to_string().replace(':', "")))
        .unwrap_or_default();
    text += &change.cable.map(|on| format!(" --cable-connected{adapter} {}", on_off(on))).unwrap_or_default();
    text += &change.promiscuous.map(|policy| format!(" --nic-promisc{adapter} {}", policy.name())).unwrap_or_default();
    text + &change.nat_net.map(|network| format!(" --nat-net{adapter} {network}")).unwrap_or_default()
}

/// A VM that runs: a line for each thing.
fn control(vm: &str, adapter: u8, mode: Option<Mode>, change: &NicChange) -> Vec<String> {
    let begin = format!("controlvm {}", quoted(vm));
    let mut lines = Vec::new();
    if let Some(mode) = mode.filter(|_| change.mode.is_some() || change.network.is_some()) {
        let network = change.network.as_ref().filter(|network| !network.is_empty() && network_option(mode).is_some());
        let network = network.map(|network| format!(" {}", quoted(network))).unwrap_or_default();
        lines.push(format!("{begin} nic{adapter} {}{network}", mode_word(mode)));
    }
    lines.extend(change.cable.map(|on| format!("{begin} setlinkstate{adapter} {}", on_off(on))));
    lines.extend(change.promiscuous.map(|policy| format!("{begin} nicpromisc{adapter} {}", policy.name())));
    lines
}

fn mask(address: Cidr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.mask_bits())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
