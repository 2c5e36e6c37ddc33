//! `list …`: what there is.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeSet;

use super::errors::Failure;
use super::{Plan, info};
use crate::addr::Cidr;
use crate::hypervisor::{HostOnly, HypervisorView, NatNet, NetworkDhcp, forward};
use crate::lab::{DhcpOptionSpec, DhcpOptionValue};
use crate::programs::Kernel;
use crate::shell::out::Text;
use crate::view::{Mode, Scope};

/// `list [-l] WHAT`
pub(super) fn plan(args: &[&str], view: &HypervisorView, kernel: &mut dyn Kernel) -> Result<Plan, Failure> {
    let long = args.iter().any(|arg| matches!(*arg, "-l" | "--long"));
    let words: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let flags = ["-l", "--long", "-s", "--sorted"];
    if let Some(unknown) = args.iter().find(|arg| arg.starts_with('-') && !flags.contains(arg)) {
        return Err(Failure::syntax("list", format!("Unknown option: {unknown}")));
    }
    let [what] = words[..] else {
        let message = if words.is_empty() {
            "Missing subcommand for \"list\" command.\n"
        } else {
            "Too many subcommands for \"list\" command.\n"
        };
        return Err(Failure::syntax("list", message));
    };
    let text = match what {
        "vms" => vms(view, long, |_| true),
        "runningvms" => vms(view, long, |vm| vm.running),
        "natnets" | "natnetworks" => nat_networks(view, long),
        "hostonlyifs" => host_only_ifaces(view, kernel),
        "bridgedifs" => view.bridgeable.iter().map(|name| iface_block(name, None, kernel)).collect(),
        "intnets" => internal_networks(view),
        "dhcpservers" => dhcp_servers(view),
        other => return Err(Failure::syntax("list", format!("Unknown subcommand \"{other}\".\n"))),
    };
    let mut out = Text::new();
    out.put(text);
    Ok(Plan::Print(out))
}

fn vms(view: &HypervisorView, long: bool, wanted: impl Fn(&crate::hypervisor::VmView) -> bool) -> String {
    let vms = view.vms.iter().filter(|vm| wanted(vm));
    vms.map(
        |vm| {
            if long { info::human(vm) + "\n\n" } else { format!("\"{}\" {{{}}}\n", vm.name, info::uuid(&vm.name)) }
        },
    )
    .collect()
}

fn yes(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

/// `list natnets`
fn nat_networks(view: &HypervisorView, long: bool) -> String {
    view.inventory.nat_networks.iter().map(|(name, net)| nat_network(name, net, long)).collect()
}

/// `natnetwork list [PATTERN]`
pub(super) fn nat_networks_found(view: &HypervisorView, pattern: Option<&str>) -> Text {
    let nets = view.inventory.nat_networks.iter();
    let found: Vec<_> = nets.filter(|(name, _)| pattern.is_none_or(|pattern| matches(pattern, name))).collect();
    let blocks: String = found.iter().map(|(name, net)| nat_network(name, net, true)).collect();
    let noun = if found.len() == 1 { "network" } else { "networks" };
    let mut text = Text::new();
    text.put(format!("NAT Networks:\n\n{blocks}{} {noun} found\n", found.len()));
    text
}

/// Whether a name fits a pattern with `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Which beginnings of the name the pattern so far fits.
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for wanted in pattern {
        let before = fits.clone();
        for at in 0..=name.len() {
            fits[at] = match wanted {
                '*' => before[at] || (at > 0 && fits[at - 1]),
                '?' => at > 0 && before[at - 1],
                letter => at > 0 && before[at - 1] && name[at - 1] == letter,
            };
        }
    }
    fits.last().copied().unwrap_or_default()
}

fn nat_network(name: &str, net: &NatNet, long: bool) -> String {
    let [_, b, c, _] = net.network.addr.octets();
    let enabled = if long { format!("Enabled:      {}\n", yes(net.enabled)) } else { String::new() };
    // The IPv6 prefix is made of the network's second and third byte (NATNetworkImpl.cpp `i_recalculateIPv6Prefix`).
    let prefix = format!("fd17:625c:f037:{:x}::/64", u16::from_be_bytes([b, c]));
    let mut text = format!(
        "Name:         {name}\n{enabled}Network:      {}\nGateway:      {}\nDHCP Server:  {}\nIPv6:         No\n\
         IPv6 Prefix:  {prefix}\nIPv6 Default: No\n",
        net.network,
        net.gateway(),
        yes(net.dhcp)
    );
    if long {
        if !net.forwards.is_empty() {
            text.push_str("Port-forwarding (ipv4)\n");
            text.extend(net.forwards.iter().map(|rule| format!("        {}\n", forward::network_rule(rule))));
        }
        if !net.loopback.is_empty() {
            text.push_str("loopback mappings (ipv4)\n");
            text.extend(net.loopback.iter().map(|(addr, host)| format!("        {addr}={host}\n")));
        }
    }
    text.push('\n');
    text
}

/// `list intnets`: every name that a card has had.
fn internal_networks(view: &HypervisorView) -> String {
    let cards = view.vms.iter().flat_map(|vm| vm.nics.values());
    let names: BTreeSet<&String> = cards.filter_map(|nic| nic.remembered.get(&Mode::Internal)).collect();
    names.iter().map(|name| format!("Name:        {name}\n")).collect()
}

fn host_only_ifaces(view: &HypervisorView, kernel: &dyn Kernel) -> String {
    view.inventory.host_only.iter().map(|(name, iface)| iface_block(name, Some(iface), kernel)).collect()
}

/// A host interface as `list bridgedifs` and `list hostonlyifs` show it.
fn iface_block(name: &str, host_only: Option<&HostOnly>, kernel: &dyn Kernel) -> String {
    let rows = kernel.ifaces();
    let Some(row) = rows.iter().find(|row| row.name == name) else { return String::new() };
    let addrs = kernel.addrs();
    let own = || addrs.iter().filter(|addr| addr.iface == row.index);
    let ipv4 = own().find_map(|addr| match addr.addr {
        IpAddr::V4(ip) => Some(Cidr::new(ip, addr.prefix)),
        IpAddr::V6(_) => None,
    });
    // An interface that the host has not configured yet shows what it will get.
    let ipv4 = ipv4.or_else(|| host_only.map(|iface| iface.address));
    let (ip, mask) = ipv4.map_or((Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED), |cidr| (cidr.addr, cidr.netmask()));
    let ipv6 = own().find(|addr| addr.addr.is_ipv6() && addr.scope == Scope::Link);
    let (ipv6, length) = ipv6.map_or((String::new(), 0), |addr| (addr.addr.to_string(), addr.prefix));
    format!(
        "Name:            {name}\nGUID:            {}\nDHCP:            Disabled\nIPAddress:       {ip}\n\
         NetworkMask:     {mask}\nIPV6Address:     {ipv6}\nIPV6NetworkMaskPrefixLength: {length}\n\
         HardwareAddress: {}\nMediumType:      Ethernet\nWireless:        No\nStatus:          {}\n\
         VBoxNetworkName: HostInterfaceNetworking-{name}\n\n",
        guid(name, row.mac.0),
        row.mac,
        if row.up { "Up" } else { "Down" },
    )
}

/// VirtualBox makes an interface's GUID of its name and its MAC (Main/src-server/linux/NetIf-linux.cpp).
fn guid(name: &str, mac: [u8; 6]) -> String {
    let letter = |at: usize| name.as_bytes().get(at).copied().unwrap_or_default();
    let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(letter);
    let mac: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let version = u16::from_be_bytes([h, g]) & 0x0fff | 0x4000;
    let (variant, last) = (letter(8) & 0x3f | 0x80, letter(9));
    format!("{d:02x}{c:02x}{b:02x}{a:02x}-{f:02x}{e:02x}-{version:04x}-{variant:02x}{last:02x}-{mac}")
}

/// `list dhcpservers`
fn dhcp_servers(view: &HypervisorView) -> String {
    let defined = view.inventory.dhcp_servers.iter().map(|(network, server)| dhcp_server(&network.vbox(), server));
    defined.collect::<Vec<_>>().join("\n")
}

fn dhcp_server(network: &str, server: &NetworkDhcp) -> String {
    let secs = |value: Option<u32>| value.map_or("default".to_owned(), |secs| format!("{secs} sec"));
    let mask = DhcpOptionSpec { code: 1, value: DhcpOptionValue::Addresses(vec![server.address.netmask()]) };
    let options: String = core::iter::once(&mask).chain(server.options.values()).map(option).collect();
    let mut text = format!(
        "NetworkName:    {network}\nDhcpd IP:       {}\nLowerIPAddress: {}\nUpperIPAddress: {}\nNetworkMask:    {}\n\
         Enabled:        {}\nGlobal Configuration:\n    minLeaseTime:     {}\n    defaultLeaseTime: {}\n    \
         maxLeaseTime:     {}\n    Forced options:   None\n    Suppressed opts.: None\n{options}\
         Groups:               None\n",
        server.address.addr,
        server.first,
        server.last,
        server.address.netmask(),
        yes(server.enabled),
        secs(server.lease_min),
        secs(server.lease_default),
        secs(server.lease_max),
    );
    if server.fixed.is_empty() {
        text.push_str("Individual Configs:   None\n");
    }
    for (mac, addr) in &server.fixed {
        text.push_str(&format!(
            "Individual Config:    MAC {mac}\n    Fixed Address:    {addr}\n    minLeaseTime:     default\n    \
             defaultLeaseTime: default\n    maxLeaseTime:     default\n    Forced options:   None\n    \
             Suppressed opts.: None\n    DHCP options:     None\n"
        ));
    }
    text
}

fn option(option: &DhcpOptionSpec) -> String {
    let (kind, value) = match &option.value {
        DhcpOptionValue::Addresses(list) => {
            ("legacy:", list.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(" "))
        }
        DhcpOptionValue::Text(text) => ("legacy:", text.clone()),
        DhcpOptionValue::U8(number) => ("legacy:", number.to_string()),
        DhcpOptionValue::U16(number) => ("legacy:", number.to_string()),
        DhcpOptionValue::U32(number) => ("legacy:", number.to_string()),
        DhcpOptionValue::Flag(flag) => ("legacy:", u8::from(*flag).to_string()),
        DhcpOptionValue::I32(number) => ("legacy:", number.to_string()),
        DhcpOptionValue::U16s(list) => ("legacy:", list.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")),
        DhcpOptionValue::Names(names) => ("legacy:", names.join(" ")),
        // VirtualBox has no words for these: it takes them as bytes.
        DhcpOptionValue::Routes(_) => {
            ("hex:   ", option.value.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
        }
        DhcpOptionValue::Hex(digits) => ("hex:   ", digits.clone()),
    };
    format!("      {:3}/{kind} {value}\n", option.code)
}
