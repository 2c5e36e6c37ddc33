//! `dhcpserver …`: the servers of internal and host-only networks.

use core::net::Ipv4Addr;

use super::errors::{Failure, no_interface, no_lease};
use super::options::{Item, Known, Options, Takes};
use super::{Plan, Report, info};
use crate::addr::{Cidr, MacAddr};
use crate::hypervisor::{
    DhcpServerChange, HypervisorCommand, HypervisorView, NetworkDhcp, NetworkName, Run, parse_mac,
};
use crate::lab::{DhcpOptionSpec, DhcpOptionValue};
use crate::shell::out::Text;
use crate::time::SimTime;
use crate::view::{LeaseRow, LeaseState};

const COMMON: [Known; 2] =
    [(&["--network", "--netname", "-t"], Takes::Value), (&["--interface", "--ifname", "-f"], Takes::Value)];

const FIND: &[Known] = &[COMMON[0], COMMON[1], (&["--mac-address"], Takes::Value)];
const CHANGE: &[Known] = &[
    COMMON[0],
    COMMON[1],
    (&["--server-ip", "--ip", "-ip", "-a"], Takes::Value),
    (&["--netmask", "-netmask", "-m"], Takes::Value),
    (&["--lower-ip", "--lowerip", "-lowerip", "-l"], Takes::Value),
    (&["--upper-ip", "--upperip", "-upperip", "-u"], Takes::Value),
    (&["--enable", "-enable", "-e"], Takes::Nothing),
    (&["--disable", "-disable", "-d"], Takes::Nothing),
    (&["--global", "-g"], Takes::Nothing),
    (&["--mac-address"], Takes::Value),
    (&["--vm"], Takes::Value),
    (&["--nic"], Takes::Value),
    (&["--fixed-address"], Takes::Value),
    (&["--set-opt"], Takes::Value),
    (&["--set-opt-hex"], Takes::Value),
    (&["--del-opt"], Takes::Value),
    (&["--zap-options"], Takes::Nothing),
    (&["--min-lease-time"], Takes::Value),
    (&["--default-lease-time"], Takes::Value),
    (&["--max-lease-time"], Takes::Value),
    (&["--remove-config"], Takes::Nothing),
];

/// `dhcpserver add|modify|remove|start|stop|restart|findlease …`
pub(super) fn plan(args: &[&str], view: &HypervisorView, now: SimTime) -> Result<Plan, Failure> {
    let syntax = |message: String| Failure::syntax("dhcpserver", message);
    let (what, rest) = args.split_first().ok_or_else(|| syntax("No subcommand specified".to_owned()))?;
    match *what {
        "add" | "modify" => change(*what == "add", rest, view),
        "findlease" => find_lease(rest, view, now),
        "remove" | "start" | "stop" | "restart" => {
            let mut options = Options::new("dhcpserver", &COMMON, rest);
            let mut which = Which::default();
            while let Some(item) = options.next()? {
                which.take(&options, &item)?;
            }
            let network = which.server(view)?.0.clone();
            let run = |run| HypervisorCommand::RunDhcpServer { network: network.clone(), run };
            let (command, failed) = match *what {
                "remove" => {
                    (HypervisorCommand::RemoveDhcpServer { network: network.clone() }, "Failed to remove server")
                }
                "start" => (run(Run::Start), "Failed to start the server"),
                "stop" => (run(Run::Stop), "Failed to stop the server"),
                _ => (run(Run::Restart), "Failed to restart the server"),
            };
            Ok(Plan::Do(vec![command], Report::Dhcp(failed)))
        }
        other => Err(syntax(format!("Invalid subcommand '{other}'"))),
    }
}

/// Which server is meant.
#[derive(Default)]
struct Which {
    network: Option<String>,
    interface: Option<String>,
}

impl Which {
    /// Takes one of the common options in; says whether it was one.
    fn take(&mut self, options: &Options<'_>, item: &Item<'_>) -> Result<bool, Failure> {
        match item {
            Item::Option("--network", value) => self.network = Some((*value).to_owned()),
            Item::Option("--interface", value) => self.interface = Some((*value).to_owned()),
            Item::Option(..) => return Ok(false),
            Item::Word(word) => return Err(options.wrong(format!("Invalid parameter '{word}'"))),
        }
        Ok(true)
    }

    fn name(&self, view: &HypervisorView) -> Result<NetworkName, Failure> {
        let message = "You need to specify either --network or --interface to identify the DHCP server";
        match (&self.network, &self.interface) {
            (Some(network), _) => Ok(NetworkName::of_vbox(network)),
            (None, Some(interface)) if view.inventory.host_only.contains_key(interface) => {
                Ok(NetworkName::HostOnly(interface.clone()))
            }
            (None, Some(interface)) => Err(no_interface(interface)),
            (None, None) => Err(Failure::syntax("dhcpserver", message)),
        }
    }

    fn server<'v>(&self, view: &'v HypervisorView) -> Result<(&'v NetworkName, &'v NetworkDhcp), Failure> {
        let name = self.name(view)?;
        let found = view.inventory.dhcp_servers.get_key_value(&name);
        found.ok_or_else(|| Failure::argument("DHCP server does not exist"))
    }
}

/// What the options of `add` and `modify` say.
#[derive(Default)]
struct Wanted {
    server: Option<Ipv4Addr>,
    mask: Option<Ipv4Addr>,
    first: Option<Ipv4Addr>,
    last: Option<Ipv4Addr>,
    change: DhcpServerChange,
    /// The card that the next options are about.
    card: Option<MacAddr>,
    vm: Option<String>,
}

fn change(add: bool, args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let mut options = Options::new("dhcpserver", CHANGE, args);
    let (mut which, mut wanted) = (Which::default(), Wanted::default());
    while let Some(item) = options.next()? {
        if !which.take(&options, &item)?
            && let Item::Option(name, value) = item
        {
            wanted.take(&mut options, name, value, add, view)?;
        }
    }
    let network = which.name(view)?;
    if !add {
        let before = which.server(view)?.1;
        let address = (wanted.server.is_some() || wanted.mask.is_some()).then(|| {
            let prefix = wanted.mask.and_then(Cidr::prefix_of_mask).unwrap_or(before.address.prefix);
            Cidr::new(wanted.server.unwrap_or(before.address.addr), prefix)
        });
        let change = DhcpServerChange { address, first: wanted.first, last: wanted.last, ..wanted.change };
        let command = HypervisorCommand::SetDhcpServer { network, change };
        return Ok(Plan::Do(vec![command], Report::Silent));
    }
    let missing = |option: &str| options.wrong(format!("Missing required option: {option}"));
    let server = wanted.server.ok_or_else(|| missing("--ip"))?;
    let mask = wanted.mask.ok_or_else(|| missing("--netmask"))?;
    let first = wanted.first.ok_or_else(|| missing("--lowerip"))?;
    let last = wanted.last.ok_or_else(|| missing("--upperip"))?;
    let failed = || Failure::argument(format!("Failed to set configuration ({server}, {mask}, {first}, {last})"));
    let address = Cidr::new(server, Cidr::prefix_of_mask(mask).ok_or_else(failed)?);
    let command = HypervisorCommand::AddDhcpServer { network, address, first, last, change: wanted.change };
    Ok(Plan::Do(vec![command], Report::Silent))
}

impl Wanted {
    fn take(
        &mut self,
        options: &mut Options<'_>,
        name: &str,
        value: &str,
        add: bool,
        view: &HypervisorView,
    ) -> Result<(), Failure> {
        let addr =
            || value.parse::<Ipv4Addr>().map_err(|_| Failure::argument(format!("Invalid IPv4 address '{value}'")));
        let secs = || value.parse::<u32>().map_err(|_| Failure::argument(format!("Invalid argument format: {value}")));
        match name {
            "--server-ip" => self.server = Some(addr()?),
            "--netmask" => self.mask = Some(addr()?),
            "--lower-ip" => self.first = Some(addr()?),
            "--upper-ip" => self.last = Some(addr()?),
            "--enable" => self.change.enabled = Some(true),
            "--disable" => self.change.enabled = Some(false),
            "--global" => self.card = None,
            "--mac-address" => {
                self.card = Some(parse_mac(value).map_err(|_| Failure::argument("Invalid MAC address"))?)
            }
            "--vm" => self.vm = Some(value.to_owned()),
            "--nic" => self.card = Some(self.mac_of(options, value, view)?),
            "--fixed-address" => {
                let message = "--fixed-address can only be applied to a VM NIC or an MAC address";
                let card = self.card.ok_or_else(|| options.wrong(message))?;
                self.change.fixed.push((card, if value.is_empty() { None } else { Some(addr()?) }));
            }
            "--remove-config" => {
                let message = "--remove-config cannot be applied to the global config";
                let card = self.card.take().ok_or_else(|| options.wrong(message))?;
                self.change.fixed.push((card, None));
            }
            _ if self.card.is_some() => {
                return Err(Failure::argument(format!("Here {name} applies to the global config only")));
            }
            "--set-opt" | "--set-opt-hex" => {
                let code = option_code(value)?;
                let text = options.value(name)?;
                let hex = name == "--set-opt-hex";
                let malformed = || Failure::argument(format!("Malformed value given to {name} {code}: {text}"));
                let value = if hex { hex_value(text) } else { typed_value(code, text) }.ok_or_else(malformed)?;
                self.change.options.push(DhcpOptionSpec { code, value });
            }
            "--del-opt" if add => return Err(options.wrong("--del-opt does not apply to the 'add' subcommand")),
            "--del-opt" => self.change.remove_options.push(option_code(value)?),
            "--zap-options" if add => return Err(options.wrong("--zap-options does not apply to the 'add' subcommand")),
            "--zap-options" => self.change.clear_options = true,
            "--min-lease-time" => self.change.lease_min = Some(secs()?),
            "--default-lease-time" => self.change.lease_default = Some(secs()?),
            _ => self.change.lease_max = Some(secs()?),
        }
        Ok(())
    }

    /// The MAC of the card that `--vm` and `--nic` name.
    fn mac_of(&self, options: &Options<'_>, number: &str, view: &HypervisorView) -> Result<MacAddr, Failure> {
        let message = "--nic option requires a --vm preceeding selecting the VM it should apply to";
        let name = self.vm.as_ref().ok_or_else(|| options.wrong(message))?;
        let vm = view.vm(name).ok_or_else(|| super::errors::no_machine(name))?;
        let nic = number.parse().ok().and_then(|number: u8| vm.nics.get(&number));
        nic.map(|nic| nic.row.mac).ok_or_else(|| options.wrong(format!("invalid NIC number: {number}")))
    }
}

fn option_code(text: &str) -> Result<u8, Failure> {
    text.parse().map_err(|_| Failure::argument(format!("Invalid argument format: {text}")))
}

fn hex_value(text: &str) -> Option<DhcpOptionValue> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let sound = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then_some(DhcpOptionValue::Hex(digits))
}

/// A value as the option with this number takes it (RFC 2132; NetworkServices/Dhcpd/DhcpOptions.h).
fn typed_value(code: u8, text: &str) -> Option<DhcpOptionValue> {
    match code {
        12 | 14 | 15 | 17 | 18 | 40 | 47 | 60 | 62 | 64 | 66 | 67 | 119 => Some(DhcpOptionValue::Text(text.to_owned())),
        2 | 24 | 35 | 38 | 51 | 58 | 59 => text.parse().ok().map(DhcpOptionValue::U32),
        13 | 22 | 26 | 57 => text.parse().ok().map(DhcpOptionValue::U16),
        23 | 37 | 46 => text.parse().ok().map(DhcpOptionValue::U8),
        19 | 20 | 27 | 29 | 30 | 31 | 34 | 36 | 39 => match text {
            "0" => Some(DhcpOptionValue::Flag(false)),
            "1" => Some(DhcpOptionValue::Flag(true)),
            _ => None,
        },
        1..=11 | 16 | 21 | 28 | 32 | 33 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 68..=76 => {
            let list: Option<Vec<Ipv4Addr>> = text.split([' ', ',']).map(|word| word.parse().ok()).collect();
            list.filter(|list| !list.is_empty()).map(DhcpOptionValue::Addresses)
        }
        _ => Some(DhcpOptionValue::Text(text.to_owned())),
    }
}

/// `findlease --mac-address MAC`
fn find_lease(args: &[&str], view: &HypervisorView, now: SimTime) -> Result<Plan, Failure> {
    let mut options = Options::new("dhcpserver", FIND, args);
    let (mut which, mut mac) = (Which::default(), None);
    while let Some(item) = options.next()? {
        if !which.take(&options, &item)?
            && let Item::Option(_, value) = item
        {
            mac = Some(parse_mac(value).map_err(|_| Failure::argument("Invalid MAC address"))?);
        }
    }
    let mac = mac.ok_or_else(|| options.wrong("You need to specify a MAC address too look for"))?;
    let (network, server) = which.server(view)?;
    let found = view
        .leases
        .iter()
        .find(|(mode, name, lease)| (*mode, name.as_str(), lease.mac) == (network.mode(), network.name(), mac));
    let (.., lease) = found.ok_or_else(|| no_lease(mac))?;
    let mut text = Text::new();
    text.put(lease_block(lease, server, now));
    Ok(Plan::Print(text))
}

fn lease_block(lease: &LeaseRow, server: &NetworkDhcp, now: SimTime) -> String {
    let state = match lease.state {
        LeaseState::Offered => "offered",
        LeaseState::Bound => "acked",
        LeaseState::Released => "released",
        _ => "expired",
    };
    let length = core::time::Duration::from_secs(u64::from(server.config().lease_secs));
    let issued = lease.since.unwrap_or(lease.expires - length);
    let (ttl, left) = (lease.expires.since(issued).as_secs(), lease.expires.since(now).as_secs());
    format!(
        "IP Address:  {}\nMAC Address: {}\nState:       {state}\nIssued:      {} ({})\nExpire:      {} ({})\n\
         TTL:         {ttl} sec, currently {left} sec left\n",
        lease.addr,
        lease.mac,
        info::instant(issued),
        info::unix(issued),
        info::instant(lease.expires),
        info::unix(lease.expires),
    )
}
