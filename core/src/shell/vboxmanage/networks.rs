//! `natnetwork` and `hostonlyif`.

use core::net::Ipv4Addr;

use super::errors::{Failure, no_interface};
use super::options::{Item, Known, Options, Takes, on_off};
use super::{Plan, Report, list};
use crate::addr::Cidr;
use crate::hypervisor::{HypervisorCommand, HypervisorView, NatNetworkChange, forward};

const NAT: &[Known] = &[
    (&["--netname", "-t"], Takes::Value),
    (&["--network", "--ipv4-prefix", "-n"], Takes::Value),
    (&["--dhcp", "-h"], Takes::Value),
    (&["--ipv6", "--ipv6-enable", "-6"], Takes::Value),
    (&["--ipv6-default"], Takes::Value),
    (&["--ipv6-prefix"], Takes::Value),
    (&["--enable", "-e"], Takes::Nothing),
    (&["--disable", "-d"], Takes::Nothing),
    (&["--port-forward-4", "-p"], Takes::Value),
    (&["--loopback-4", "-l"], Takes::Value),
];

/// What the options of `natnetwork` say.
#[derive(Default)]
struct Nat<'a> {
    name: Option<&'a str>,
    change: NatNetworkChange,
    network: Option<&'a str>,
}

/// `natnetwork add|modify|remove|start|stop|list …`
pub(super) fn nat(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let syntax = |message: &str| Failure::syntax("natnetwork", message);
    let (what, rest) = args.split_first().ok_or_else(|| syntax("Not enough parameters"))?;
    match *what {
        "list" => return Ok(Plan::Print(list::nat_networks_found(view, rest.first().copied()))),
        "add" | "modify" | "remove" | "start" | "stop" => {}
        other => return Err(syntax(&format!("Invalid parameter '{other}'"))),
    }
    if rest.is_empty() {
        return Err(syntax("Not enough parameters"));
    }
    let nat = nat_options(what, rest)?;
    let name = nat.name.ok_or_else(|| syntax("You need to specify the --netname option"))?.to_owned();
    let not_valid = |text: &str| Failure::argument(format!("{text} is not a valid IPv4 CIDR notation"));
    let network = nat.network.map(|text| cidr(text).ok_or_else(|| not_valid(text))).transpose()?;
    let (command, last) = match *what {
        "add" => {
            let network = network.ok_or_else(|| syntax("You need to specify the --network option"))?;
            let dhcp = Some(nat.change.dhcp.unwrap_or(true));
            let change = NatNetworkChange { dhcp, ..nat.change };
            (HypervisorCommand::AddNatNetwork { name, network, change }, "Failed to set configuration")
        }
        "modify" => {
            let change = NatNetworkChange { network, ..nat.change };
            (HypervisorCommand::SetNatNetwork { name, change }, "Failed to set configuration")
        }
        "remove" => (HypervisorCommand::RemoveNatNetwork { name }, "Failed to remove nat network"),
        "start" => (HypervisorCommand::RunNatNetwork { name, start: true }, "Failed to start network"),
        _ => (HypervisorCommand::RunNatNetwork { name, start: false }, "Failed to stop network"),
    };
    Ok(Plan::Do(vec![command], Report::NatNetwork(last)))
}

/// A network in CIDR notation; a bare address has /32, as IPRT reads it.
fn cidr(text: &str) -> Option<Cidr> {
    if text.contains('/') { text.parse().ok() } else { text.parse().ok().map(|addr| Cidr::new(addr, 32)) }
}

fn nat_options<'a>(what: &str, args: &'a [&'a str]) -> Result<Nat<'a>, Failure> {
    let mut options = Options::new("natnetwork", NAT, args);
    let mut nat = Nat::default();
    while let Some(item) = options.next()? {
        let Item::Option(name, value) = item else {
            let Item::Word(word) = item else { continue };
            return Err(options.wrong(format!("Invalid parameter '{word}'")));
        };
        let once = |taken: bool, text: &str| if taken { Err(options.wrong(text)) } else { Ok(()) };
        match name {
            "--netname" => {
                once(nat.name.is_some(), "You can only specify --netname only once.")?;
                nat.name = Some(value);
            }
            "--network" => {
                once(nat.network.is_some(), "You can only specify --network only once.")?;
                nat.network = Some(value);
            }
            "--enable" | "--disable" => {
                once(nat.change.enabled.is_some(), "You can specify either --enable or --disable once.")?;
                nat.change.enabled = Some(name == "--enable");
            }
            "--dhcp" => {
                once(nat.change.dhcp.is_some(), "You can specify --dhcp only once.")?;
                let wrong = || options.wrong(format!("Invalid argument format: {value}"));
                nat.change.dhcp = Some(on_off(value).ok_or_else(wrong)?);
            }
            "--port-forward-4" if value == "delete" => {
                if what != "modify" {
                    return Err(options.wrong("Port-forward could be deleted on modify\n"));
                }
                nat.change.remove_forwards.push(options.value(name)?.to_owned());
            }
            "--port-forward-4" => {
                let wrong = || options.wrong(format!("Invalid port-forward rule {value}\n"));
                nat.change.add_forwards.push(forward::parse_network_rule(value).ok_or_else(wrong)?);
            }
            "--loopback-4" if value == "delete" => {
                let addr = options.value(name)?;
                nat.change.loopback.push((loopback(addr)?, 0));
            }
            "--loopback-4" => {
                let (addr, host) = value.split_once('=').ok_or_else(|| Failure::argument("invalid loopback string"))?;
                let host = host.parse().map_err(|_| Failure::argument("invalid loopback string"))?;
                nat.change.loopback.push((loopback(addr)?, host));
            }
            "--ipv6" | "--ipv6-default" if on_off(value) != Some(false) => {
                return Err(Failure::argument("IPv6 is not available in this lab"));
            }
            _ => {}
        }
    }
    Ok(nat)
}

fn loopback(text: &str) -> Result<Ipv4Addr, Failure> {
    text.parse().map_err(|_| Failure::argument("invalid loopback string"))
}

const CREATE: &[Known] = &[(&["--machinereadable", "-M"], Takes::Nothing)];
const IPCONFIG: &[Known] = &[
    (&["--dhcp", "-dhcp"], Takes::Nothing),
    (&["--ip", "-ip"], Takes::Value),
    (&["--netmask", "-netmask"], Takes::Value),
    (&["--ipv6", "-ipv6"], Takes::Value),
    (&["--netmasklengthv6", "-netmasklengthv6"], Takes::Value),
];

/// `hostonlyif create|remove|ipconfig …`
pub(super) fn host_only(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let syntax = |message: String| Failure::syntax("hostonlyif", message);
    let (what, rest) = args.split_first().ok_or_else(|| syntax("No sub-command specified".to_owned()))?;
    match *what {
        "create" => {
            let mut options = Options::new("hostonlyif", CREATE, rest);
            let mut bare = false;
            while let Some(item) = options.next()? {
                match item {
                    Item::Option(..) => bare = true,
                    Item::Word(word) => return Err(options.wrong(format!("Invalid parameter '{word}'"))),
                }
            }
            Ok(Plan::Do(vec![HypervisorCommand::AddHostOnly], Report::HostOnly { bare }))
        }
        "remove" => {
            let name = only_word(Options::new("hostonlyif", &[], rest))?;
            let name = name.ok_or_else(|| syntax("No interface name was specified".to_owned()))?;
            known(view, name)?;
            Ok(Plan::Do(vec![HypervisorCommand::RemoveHostOnly { name: name.to_owned() }], Report::Progress))
        }
        "ipconfig" => ip_config(rest, view),
        other => Err(syntax(format!("Unknown sub-command '{other}'"))),
    }
}

fn known(view: &HypervisorView, name: &str) -> Result<(), Failure> {
    if view.inventory.host_only.contains_key(name) { Ok(()) } else { Err(no_interface(name)) }
}

/// The only word, if there is one.
fn only_word<'a>(mut options: Options<'a>) -> Result<Option<&'a str>, Failure> {
    let mut name = None;
    while let Some(item) = options.next()? {
        if let Item::Word(word) = item
            && name.replace(word).is_some()
        {
            return Err(options.wrong("Only one interface name can be specified"));
        }
    }
    Ok(name)
}

fn ip_config(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let mut options = Options::new("hostonlyif", IPCONFIG, args);
    let (mut name, mut ip, mut mask, mut dhcp, mut ipv6) = (None, None, None, false, false);
    while let Some(item) = options.next()? {
        match item {
            Item::Option("--ip", value) => ip = Some(value),
            Item::Option("--netmask", value) => mask = Some(value),
            Item::Option("--dhcp", _) => dhcp = true,
            Item::Option(..) => ipv6 = true,
            Item::Word(_) if name.is_some() => {
                return Err(options.wrong("Only one interface name can be specified"));
            }
            Item::Word(word) => name = Some(word),
        }
    }
    if dhcp && (ip.is_some() || mask.is_some() || ipv6) {
        let message = "You can not use --dhcp with static ip configuration parameters: --ip, --netmask, --ipv6 and \
            --netmasklengthv6.";
        return Err(options.wrong(message));
    }
    if ipv6 && (ip.is_some() || mask.is_some()) {
        let message = "You can not use ipv4 configuration (--ip and --netmask) with ipv6 (--ipv6 and --netmasklengthv6) \
            simultaneously.";
        return Err(options.wrong(message));
    }
    let name = name.unwrap_or_default();
    known(view, name)?;
    if dhcp || ipv6 {
        return Err(Failure::argument("Only a static IPv4 configuration is available in this lab"));
    }
    let ip = ip.ok_or_else(|| options.wrong("Neither -dhcp nor -ip nor -ipv6 was specfified"))?;
    let failed = || Failure::argument(format!("Code E_FAIL (0x80004005) - Unspecified error: {ip}"));
    let mask: Ipv4Addr = mask.unwrap_or("255.255.255.0").parse().map_err(|_| failed())?;
    let address = Cidr::new(ip.parse().map_err(|_| failed())?, Cidr::prefix_of_mask(mask).ok_or_else(failed)?);
    Ok(Plan::Do(vec![HypervisorCommand::SetHostOnly { name: name.to_owned(), address }], Report::Silent))
}
