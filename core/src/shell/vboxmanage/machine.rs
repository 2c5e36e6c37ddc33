//! `modifyvm`, `controlvm`, `startvm`, `createvm`, `unregistervm`: a VM's cards, and the VM itself.

use std::collections::BTreeMap;

use super::errors::{Failure, locked, no_machine, not_running, only_said};
use super::options::on_off;
use super::{Plan, Report, info};
use crate::addr::MacAddr;
use crate::hypervisor::{HypervisorCommand, HypervisorView, NatNetwork, NicChange, VmView, forward, parse_mac};
use crate::lab::{ForwardSpec, derived_mac};
use crate::limits::ADAPTERS_MAX;
use crate::view::{Mode, Promiscuous};

/// The VM that the first word names.
pub(super) fn vm<'v>(command: &str, args: &[&str], view: &'v HypervisorView) -> Result<&'v VmView, Failure> {
    let name = args.first().ok_or_else(|| Failure::syntax(command, "Not enough parameters"))?;
    let by_uuid = |vm: &&VmView| info::uuid(&vm.name) == *name;
    view.vm(name).or_else(|| view.vms.iter().find(by_uuid)).ok_or_else(|| no_machine(name))
}

/// What `modifyvm` says of one adapter.
#[derive(Default)]
struct Adapter {
    remove: bool,
    change: NicChange,
    forwards: Vec<HypervisorCommand>,
}

/// `modifyvm NAME --nicN … `: a VM that is switched off.
pub(super) fn modify(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let vm = vm("modifyvm", args, view)?;
    if vm.running {
        return Err(locked(&vm.name));
    }
    let mut adapters: BTreeMap<u8, Adapter> = BTreeMap::new();
    let mut rest = args.get(1..).unwrap_or_default().iter().copied();
    while let Some(arg) = rest.next() {
        let (name, inline) = arg.split_once('=').map_or((arg, None), |(name, value)| (name, Some(value)));
        let (option, number) = numbered(name);
        let unknown = || Failure::syntax("modifyvm", format!("Unknown option: {arg}"));
        let option = option.strip_prefix("--").ok_or_else(unknown)?;
        let adapter = nic_number(number)?;
        let missing = || Failure::syntax("modifyvm", format!("Missing argument to '{name}'"));
        let value = inline.or_else(|| rest.next()).ok_or_else(missing)?;
        let second = if value == "delete" { rest.next() } else { None };
        set(adapters.entry(adapter).or_default(), &vm.name, adapter, (option, value, second), unknown)?;
    }
    if adapters.is_empty() && args.len() < 2 {
        return Err(Failure::syntax("modifyvm", "Not enough parameters"));
    }
    let commands = adapters.into_iter().flat_map(|(adapter, wanted)| commands_of(vm, adapter, wanted));
    Ok(Plan::Do(commands.collect(), Report::Silent))
}

/// The commands that bring an adapter to what is wanted.
fn commands_of(vm: &VmView, adapter: u8, wanted: Adapter) -> Vec<HypervisorCommand> {
    let (name, there) = (vm.name.clone(), vm.nics.contains_key(&adapter));
    let Adapter { remove, change, forwards } = wanted;
    let mut commands = Vec::new();
    if remove && there {
        return vec![HypervisorCommand::RemoveNic { vm: name, adapter }];
    }
    if !there && change.mode.is_some() {
        commands.push(HypervisorCommand::AddNic { vm: name, adapter, change });
    } else if there && change != NicChange::default() {
        commands.push(HypervisorCommand::SetNic { vm: name, adapter, change });
    }
    if there || !commands.is_empty() {
        commands.extend(forwards);
    }
    commands
}

/// Takes one option of `modifyvm` in: its name, its value, and one more word where there is one.
fn set(
    adapter: &mut Adapter,
    vm: &str,
    number: u8,
    (option, value, second): (&str, &str, Option<&str>),
    unknown: impl Fn() -> Failure,
) -> Result<(), Failure> {
    let change = &mut adapter.change;
    match option {
        "nic" if value == "none" => adapter.remove = true,
        "nic" => {
            let invalid = || Failure::argument(format!("Invalid type '{value}' specfied for NIC {number}"));
            change.mode = Some(mode(value).ok_or_else(invalid)?);
        }
        "bridge-adapter" | "bridgeadapter" => remember(change, Mode::Bridged, value),
        "intnet" => remember(change, Mode::Internal, value),
        "host-only-adapter" | "hostonlyadapter" => remember(change, Mode::HostOnly, value),
        "nat-network" | "natnetwork" => remember(change, Mode::NatNetwork, value),
        "mac-address" | "macaddress" => change.mac = Some(mac(vm, number, value)?),
        "cable-connected" | "cableconnected" => {
            change.cable =
                Some(on_off(value).ok_or_else(|| Failure::syntax("modifyvm", format!("Invalid value: {value}")))?);
        }
        "nic-promisc" | "nicpromisc" => change.promiscuous = Some(policy(value)?),
        "nat-net" | "natnet" if value == "default" => change.nat_net = Some(NatNetwork::usual_network(number)),
        "nat-net" | "natnet" => {
            let wrong = || Failure::argument(format!("Invalid NAT network '{value}'"));
            change.nat_net = Some(value.parse().map_err(|_| wrong())?);
        }
        "nat-pf" | "natpf" => {
            let (vm, adapter_number) = (vm.to_owned(), number);
            adapter.forwards.push(if value == "delete" {
                let name = second.ok_or_else(|| Failure::syntax("modifyvm", "Not enough parameters"))?.to_owned();
                HypervisorCommand::RemoveForward { vm, adapter: adapter_number, name }
            } else {
                HypervisorCommand::AddForward { vm, adapter: adapter_number, rule: rule("modifyvm", option, value)? }
            });
        }
        _ => return Err(unknown()),
    }
    Ok(())
}

fn remember(change: &mut NicChange, mode: Mode, name: &str) {
    change.remember.push((mode, name.to_owned()));
}

fn mac(vm: &str, adapter: u8, text: &str) -> Result<MacAddr, Failure> {
    if text == "auto" {
        return Ok(derived_mac([8, 0, 0x27], vm, &adapter.to_string()));
    }
    parse_mac(text).map_err(|_| Failure::argument("Invalid MAC address format"))
}

fn policy(text: &str) -> Result<Promiscuous, Failure> {
    Promiscuous::from_name(text).ok_or_else(|| Failure::argument(format!("Unknown promiscuous mode policy '{text}'")))
}

/// VirtualBox's names of modes.
fn mode(text: &str) -> Option<Mode> {
    match text {
        "null" => Some(Mode::NotAttached),
        "nat" => Some(Mode::Nat),
        "bridged" | "hostif" => Some(Mode::Bridged),
        "intnet" => Some(Mode::Internal),
        "hostonly" => Some(Mode::HostOnly),
        "natnetwork" => Some(Mode::NatNetwork),
        "generic" => Some(Mode::UdpTunnel),
        _ => None,
    }
}

/// A name and the number at its end.
fn numbered(name: &str) -> (&str, &str) {
    name.split_at(name.trim_end_matches(|c: char| c.is_ascii_digit()).len())
}

fn nic_number(text: &str) -> Result<u8, Failure> {
    let number = text.parse().ok().filter(|number| (1..=ADAPTERS_MAX).contains(number));
    number.ok_or_else(|| Failure::argument(format!("Invalid NIC number '{text}'.")))
}

fn rule(command: &str, option: &str, text: &str) -> Result<ForwardSpec, Failure> {
    let proto = text.split(',').nth(1).map(str::trim).unwrap_or_default();
    if !proto.is_empty() && !proto.eq_ignore_ascii_case("tcp") && !proto.eq_ignore_ascii_case("udp") {
        let message = format!("Wrong rule proto '{proto}' specified -- only 'udp' and 'tcp' are allowed.");
        return Err(Failure::syntax(command, message));
    }
    let wrong = || Failure::syntax(command, format!("Missing or invalid argument to '{option}'."));
    forward::parse_nic_rule(text).ok_or_else(wrong)
}

/// `controlvm NAME …`: a VM that is running.
pub(super) fn control(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let vm = vm("controlvm", args, view)?;
    let what = args.get(1).ok_or_else(|| Failure::syntax("controlvm", "Not enough parameters"))?;
    if !vm.running {
        return Err(not_running(&vm.name));
    }
    let value = args.get(2).copied();
    let name = vm.name.clone();
    if *what == "poweroff" {
        return Ok(Plan::Do(vec![HypervisorCommand::PowerOff { name }], Report::Progress));
    }
    let (option, number) = numbered(what);
    let known = ["setlinkstate", "natpf", "nicpromisc", "nic"];
    if !known.contains(&option) {
        return Err(Failure::syntax("controlvm", format!("Invalid parameter '{what}'")));
    }
    let adapter = nic_number(number)?;
    let value = value.ok_or_else(|| Failure::syntax("controlvm", format!("Missing argument to '{what}'.")))?;
    let disabled = |thing: &str| {
        only_said(format!("The NIC {adapter} is currently disabled and thus its {thing} can't be changed."))
    };
    let there = vm.nics.contains_key(&adapter);
    let mut change = NicChange::default();
    match option {
        "setlinkstate" => {
            let wrong = || Failure::syntax("controlvm", format!("Invalid link state '{value}'."));
            change.cable = Some(on_off(value).ok_or_else(wrong)?);
        }
        "natpf" => return port_forward(name, adapter, what, &args[2..]),
        "nicpromisc" if !there => return Err(disabled("promiscuous mode")),
        "nicpromisc" => {
            let wrong = || Failure::syntax("controlvm", format!("Unknown promiscuous mode policy '{value}'."));
            change.promiscuous = Some(Promiscuous::from_name(value).ok_or_else(wrong)?);
        }
        _ if !there => return Err(disabled("attachment type")),
        _ => {
            let wrong = || Failure::syntax("controlvm", format!("Invalid type '{value}' specfied for NIC {adapter}."));
            let mode = mode(value).ok_or_else(wrong)?;
            let missing = || Failure::syntax("controlvm", format!("Missing argument to '{value}'."));
            if !matches!(mode, Mode::NotAttached | Mode::Nat) {
                change.network = Some(args.get(3).ok_or_else(missing)?.to_string());
            }
            change.mode = Some(mode);
        }
    }
    Ok(Plan::Do(vec![HypervisorCommand::SetNic { vm: name, adapter, change }], Report::Silent))
}

fn port_forward(vm: String, adapter: u8, what: &str, args: &[&str]) -> Result<Plan, Failure> {
    let command = match args {
        ["delete", name, ..] => HypervisorCommand::RemoveForward { vm, adapter, name: (*name).to_owned() },
        [text, ..] if *text != "delete" => {
            HypervisorCommand::AddForward { vm, adapter, rule: rule("controlvm", what, text)? }
        }
        _ => return Err(Failure::argument(format!("Missing argument to '{what}'."))),
    };
    Ok(Plan::Do(vec![command], Report::Silent))
}

/// `startvm NAME`
pub(super) fn start(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let names: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let vm = vm("startvm", &names, view)?;
    let name = vm.name.clone();
    let words = format!("Waiting for VM \"{name}\" to power on...\nVM \"{name}\" has been successfully started.\n");
    Ok(Plan::Do(vec![HypervisorCommand::StartVm { name }], Report::Say(words)))
}

/// `createvm --name NAME --register`
pub(super) fn create(args: &[&str]) -> Result<Plan, Failure> {
    let mut name = None;
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        match arg.split_once('=').unwrap_or((arg, "")) {
            ("--name", "") => name = rest.next(),
            ("--name", value) => name = Some(value),
            ("--register" | "--default", _) => {}
            ("--ostype" | "--groups" | "--basefolder" | "--uuid", value) => {
                if value.is_empty() {
                    rest.next();
                }
            }
            _ => return Err(Failure::syntax("createvm", format!("Unknown option: {arg}"))),
        }
    }
    let name = name.ok_or_else(|| Failure::syntax("createvm", "Parameter --name is required"))?.to_owned();
    let words = format!(
        "Virtual machine '{name}' is created and registered.\nUUID: {}\nSettings file: '{}'\n",
        info::uuid(&name),
        info::settings_file(&name)
    );
    Ok(Plan::Do(vec![HypervisorCommand::AddVm { name }], Report::Say(words)))
}

/// `unregistervm NAME [--delete]`
pub(super) fn unregister(args: &[&str], view: &HypervisorView) -> Result<Plan, Failure> {
    let names: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let vm = vm("unregistervm", &names, view)?;
    let report = if args.iter().any(|arg| arg.starts_with("--delete")) { Report::Progress } else { Report::Silent };
    Ok(Plan::Do(vec![HypervisorCommand::RemoveVm { name: vm.name.clone() }], report))
}
