//! `showvminfo`: what identifies a VM, and its cards.

use super::errors::Failure;
use super::{Plan, machine};
use crate::hypervisor::{HypervisorView, NicView, VmView, forward};
use crate::lab::fnv1a;
use crate::limits::ADAPTERS_MAX;
use crate::programs::isc_date::{EPOCH_DAY, civil};
use crate::shell::out::Text;
use crate::time::SimTime;
use crate::view::Mode;

/// A VM's UUID: the same for the same name, in every run. (VirtualBox draws one.)
pub(super) fn uuid(name: &str) -> String {
    let (a, b) = (fnv1a(name.as_bytes()), fnv1a(format!("{name}/uuid").as_bytes()));
    let version = (a & 0x0fff) | 0x4000;
    let variant = ((b >> 48) & 0x3fff) | 0x8000;
    format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, b & 0xffff_ffff_ffff)
}

/// Where a VM's settings are.
pub(super) fn settings_file(name: &str) -> String {
    format!("/root/VirtualBox VMs/{name}/{name}.vbox")
}

/// An instant of lab time, as IPRT prints it.
pub(super) fn instant(at: SimTime) -> String {
    let secs = at.as_secs();
    let (year, month, day) = civil(EPOCH_DAY + secs / 86_400);
    let nanos = at.as_nanos() % 1_000_000_000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{nanos:09}Z", secs / 3600 % 24, secs / 60 % 60, secs % 60)
}

/// Seconds since 1970 of an instant of lab time.
pub(super) fn unix(at: SimTime) -> u64 {
    EPOCH_DAY * 86_400 + at.as_secs()
}

/// `showvminfo NAME [--machinereadable]`
pub(super) fn plan(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let readable = args.contains(&"--machinereadable");
    let known = ["--machinereadable", "--details"];
    if let Some(unknown) = args.iter().find(|arg| arg.starts_with('-') && !known.contains(arg)) {
        return Err(Failure::syntax("showvminfo", format!("Unknown option: {unknown}")));
    }
    let names: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    if names.is_empty() {
        return Err(Failure::syntax("showvminfo", "VM name or UUID required"));
    }
    let vm = machine::vm("showvminfo", &names, view)?;
    let mut text = Text::new();
    text.put(if readable { machine_readable(vm) } else { human(vm) });
    Ok(Plan::Print(text))
}

/// A card's MAC as VirtualBox writes it.
fn mac(nic: &NicView) -> String {
    nic.row.mac.0.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn on(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

/// For people.
pub(super) fn human(vm: &VmView) -> String {
    let line = |key: &str, value: &str| format!("{key:<28} {value}\n");
    let id = uuid(&vm.name);
    let mut text = [
        line("Name:", &vm.name),
        line("Groups:", "/"),
        line("Guest OS:", "Debian (64-bit)"),
        line("UUID:", &id),
        line("Config file:", &settings_file(&vm.name)),
        line("Hardware UUID:", &id),
        // VMs run from the lab's beginning on.
        line("State:", if vm.running { "running" } else { "powered off" }),
    ]
    .concat();
    for adapter in 1..=ADAPTERS_MAX {
        let name = format!("NIC {adapter}:");
        match vm.nics.get(&adapter) {
            None => text.push_str(&line(&name, "disabled")),
            Some(nic) => text.push_str(&human_nic(&name, adapter, nic)),
        }
    }
    text
}

fn human_nic(name: &str, adapter: u8, nic: &NicView) -> String {
    let network = &nic.row.network;
    let attachment = match nic.row.mode {
        Mode::NotAttached => "none".to_owned(),
        Mode::Nat => "NAT".to_owned(),
        Mode::Bridged => format!("Bridged Interface '{network}'"),
        Mode::Internal => format!("Internal Network '{network}'"),
        Mode::HostOnly => format!("Host-only Interface '{network}'"),
        Mode::NatNetwork => format!("NAT Network '{network}'"),
        Mode::UdpTunnel => "Generic 'UDPTunnel' {  }".to_owned(),
    };
    let mut text = format!(
        "{name:<28} MAC: {}, Attachment: {attachment}, Cable connected: {}, Trace: off (file: none), Type: 82540EM, \
         Reported speed: 0 Mbps, Boot priority: 0, Promisc Policy: {}, Bandwidth group: none\n",
        mac(nic),
        on(nic.row.cable),
        nic.row.promiscuous.name(),
    );
    if nic.row.mode == Mode::Nat {
        text.push_str(&format!(
            "NIC {adapter} Settings:  MTU: 0, Socket (send: 64, receive: 64), TCP Window (send:64, receive: 64)\n"
        ));
        for (at, rule) in nic.row.forwards.iter().enumerate() {
            let addr = |addr: Option<core::net::Ipv4Addr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
            text.push_str(&format!(
                "NIC {adapter} Rule({at}):   name = {}, protocol = {}, host ip = {}, host port = {}, guest ip = {}, \
                 guest port = {}\n",
                rule.name,
                rule.proto.name(),
                addr(rule.host_address),
                rule.host_port,
                addr(rule.guest_address),
                rule.guest_port
            ));
        }
    }
    text
}

/// For scripts.
fn machine_readable(vm: &VmView) -> String {
    let id = uuid(&vm.name);
    let mut text = format!(
        "name=\"{}\"\ngroups=\"/\"\nostype=\"Debian (64-bit)\"\nUUID=\"{id}\"\nCfgFile=\"{}\"\nhardwareuuid=\"{id}\"\n\
         VMState=\"{}\"\n",
        vm.name,
        settings_file(&vm.name),
        if vm.running { "running" } else { "poweroff" }
    );
    for adapter in 1..=ADAPTERS_MAX {
        match vm.nics.get(&adapter) {
            None => text.push_str(&format!("nic{adapter}=\"none\"\n")),
            Some(nic) => text.push_str(&readable_nic(adapter, nic)),
        }
    }
    text
}

fn readable_nic(adapter: u8, nic: &NicView) -> String {
    let network = &nic.row.network;
    let (attachment, before) = match nic.row.mode {
        Mode::NotAttached => ("null", String::new()),
        Mode::Nat => ("nat", nat_net(adapter, nic)),
        Mode::Bridged => ("bridged", format!("bridgeadapter{adapter}=\"{network}\"\n")),
        Mode::Internal => ("intnet", format!("intnet{adapter}=\"{network}\"\n")),
        Mode::HostOnly => ("hostonly", format!("hostonlyadapter{adapter}=\"{network}\"\n")),
        Mode::NatNetwork => ("natnetwork", format!("nat-network{adapter}=\"{network}\"\n")),
        Mode::UdpTunnel => ("Generic", format!("generic{adapter}=\"UDPTunnel\"\n")),
    };
    let mut text = format!(
        "{before}macaddress{adapter}=\"{}\"\ncableconnected{adapter}=\"{}\"\nnic{adapter}=\"{attachment}\"\n\
         nictype{adapter}=\"82540EM\"\nnicspeed{adapter}=\"0\"\n",
        mac(nic),
        on(nic.row.cable)
    );
    if nic.row.mode == Mode::Nat {
        text.push_str("mtu=\"0\"\nsockSnd=\"64\"\nsockRcv=\"64\"\ntcpWndSnd=\"64\"\ntcpWndRcv=\"64\"\n");
        let rules = nic.row.forwards.iter().enumerate();
        text.extend(rules.map(|(at, rule)| format!("Forwarding({at})=\"{}\"\n", forward::nic_rule(rule))));
    }
    text
}

/// The private network, or `nat` for the usual one.
fn nat_net(adapter: u8, nic: &NicView) -> String {
    let network = nic.row.nat_net.map_or("nat".to_owned(), |network| network.to_string());
    format!("natnet{adapter}=\"{network}\"\n")
}
