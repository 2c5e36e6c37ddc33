//! What VBoxManage says when it refuses. Messages are VirtualBox's; of the third line that real ones often have ("Context:
//! … at line … of file …") only those are printed whose numbers are known from real output.

use super::{Report, usage};
use crate::error::UserError;
use crate::event::{Span, Stream};
use crate::programs::{Kernel, Step};

/// Exit status of a failed request (IPRT's `RTEXITCODE_FAILURE`).
const FAILURE: i32 = 1;
/// Exit status of a wrong command line (`RTEXITCODE_SYNTAX`).
const SYNTAX: i32 = 2;

/// Why VBoxManage ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    status: i32,
    /// Printed before the message.
    usage: String,
    /// Each after `VBoxManage: error: `.
    lines: Vec<String>,
}

impl Failure {
    /// A wrong command line: the command's usage, and why.
    pub(super) fn syntax(command: &str, message: impl Into<String>) -> Self {
        let usage = usage::of(command).map(|text| text.to_plain() + "\n").unwrap_or_default();
        Self { status: SYNTAX, usage, lines: vec![message.into()] }
    }

    /// A wrong argument, without usage (`errorArgument`).
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self { status: SYNTAX, usage: String::new(), lines: vec![message.into()] }
    }

    /// A request that VirtualBox itself refused.
    pub(super) fn com(message: &str, code: &Com, context: Option<&str>) -> Self {
        let Com(name, number, component, interface) = code;
        let details = format!(
            "Details: code {name} (0x{number:08x}), component {component}, interface {interface}, callee nsISupports"
        );
        let context = context.map(|context| format!("Context: {context}"));
        Self {
            status: FAILURE,
            usage: String::new(),
            lines: [message.to_owned(), details].into_iter().chain(context).collect(),
        }
    }

    fn and(mut self, line: impl Into<String>, status: i32) -> Self {
        self.lines.push(line.into());
        self.status = status;
        self
    }

    /// Prints it.
    pub(super) fn print(self, kernel: &mut dyn Kernel) -> Step {
        let lines = self.lines.iter().map(|line| format!("VBoxManage: error: {line}\n"));
        let text = core::iter::once(self.usage).chain(lines).collect::<String>();
        kernel.write(Stream::Stderr, vec![Span::plain(text)]);
        Step::Exited(self.status)
    }
}

/// A COM error: its name and number, and where it came from.
pub(super) struct Com(&'static str, u32, &'static str, &'static str);

const NOT_FOUND: Com = Com("VBOX_E_OBJECT_NOT_FOUND", 0x80bb_0001, "VirtualBoxWrap", "IVirtualBox");
const LOCKED: Com = Com("VBOX_E_INVALID_OBJECT_STATE", 0x80bb_0007, "MachineWrap", "IMachine");
const MACHINE_FAILED: Com = Com("NS_ERROR_FAILURE", 0x8000_4005, "SessionMachine", "IMachine");

/// No such command.
pub(super) fn unknown_command(command: &str) -> Failure {
    Failure {
        status: SYNTAX,
        usage: usage::general().to_plain() + "\n",
        lines: vec![format!("Invalid command '{command}'")],
    }
}

/// Said as an error, though the command succeeds.
pub(super) fn only_said(message: impl Into<String>) -> Failure {
    Failure { status: 0, usage: String::new(), lines: vec![message.into()] }
}

/// No such VM.
pub(super) fn no_machine(name: &str) -> Failure {
    Failure::com(&format!("Could not find a registered machine named '{name}'"), &NOT_FOUND, None)
}

/// A VM that is running cannot be changed so.
pub(super) fn locked(name: &str) -> Failure {
    let message = format!("The machine '{name}' is already locked for a session (or being unlocked)");
    let context = "\"LockMachine(a->session, LockType_Write)\" at line 641 of file VBoxManageModifyVM.cpp";
    Failure::com(&message, &LOCKED, Some(context))
}

/// A VM that is not running cannot be controlled.
pub(super) fn not_running(name: &str) -> Failure {
    Failure {
        status: FAILURE,
        usage: String::new(),
        lines: vec![format!("Machine '{name}' is not currently running.")],
    }
}

/// No such host interface.
pub(super) fn no_interface(name: &str) -> Failure {
    let code = Com("NS_ERROR_INVALID_ARG", 0x8007_0057, "HostWrap", "IHost");
    Failure::com(&format!("The host network interface named '{name}' could not be found"), &code, None)
}

/// What the hypervisor refused, in VBoxManage's words.
pub(super) fn refused(report: &Report, error: &UserError) -> Failure {
    let arg = |name: &str| {
        error.args.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let nat = Com("NS_ERROR_FAILURE", 0x8000_4005, "NATNetworkWrap", "INATNetwork");
    let rule = match report {
        Report::NatNetwork(_) => Com("NS_ERROR_INVALID_ARG", 0x8007_0057, "NATNetworkWrap", "INATNetwork"),
        _ => Com("NS_ERROR_INVALID_ARG", 0x8007_0057, "NATEngineWrap", "INATEngine"),
    };
    let failure = match error.code.as_str() {
        "hv-vm-unknown" => return no_machine(arg("name")),
        "hv-vm-running" | "hv-vm-locked" => return locked(arg("name")),
        "hv-vm-not-running" => return not_running(arg("name")),
        "hv-vm-exists" => {
            let code = Com("VBOX_E_FILE_ERROR", 0x80bb_0004, "MachineWrap", "IMachine");
            let name = arg("name");
            let message = format!("Machine settings file '/root/VirtualBox VMs/{name}/{name}.vbox' already exists");
            return Failure::com(&message, &code, None);
        }
        "hv-natnetwork-exists" => return Failure::argument("NATNetwork server already exists"),
        "hv-natnetwork-unknown" if matches!(report, Report::NatNetwork(_)) => {
            return Failure::argument("NATNetwork server does not exist");
        }
        "hv-natnetwork-unknown" => {
            let message = format!("NAT network '{}' does not exist", arg("name"));
            return Failure::com(&message, &MACHINE_FAILED, None);
        }
        "hv-hostonly-unknown" | "unknown-interface" => return no_interface(arg("name")),
        "hv-dhcp-exists" => return Failure::argument("DHCP server already exists"),
        "hv-dhcp-unknown" => return Failure::argument("DHCP server does not exist"),
        "hv-hostonly-range" => {
            let context = "Context: \"EnableStaticIPConfig(Bstr(pszIp).raw(), Bstr(pszNetmask).raw())\" at line 242 of file \
                VBoxManageHostonly.cpp";
            let first = "Code E_ACCESSDENIED (0x80070005) - Access denied (extended info not available)".to_owned();
            return Failure { status: FAILURE, usage: String::new(), lines: vec![first, context.to_owned()] };
        }
        "hv-natnetwork-running" => {
            Failure::com("Unable to change settings while NATNetwork instance is running", &nat, None)
        }
        "hv-natnetwork-network" => Failure::com(&nat_network_message(arg("network")), &nat, None),
        "hv-forward-exists" => Failure::com("A NAT rule of this name already exists", &rule, None),
        "hv-forward-taken" => {
            Failure::com("A NAT rule for this host port and this host IP already exists", &rule, None)
        }
        "hv-dhcp-range" => {
            let words = [arg("address"), arg("first"), arg("last")].join(", ");
            return Failure::argument(format!("Failed to set configuration ({words})"));
        }
        // What the real one refuses without words of its own, or only here.
        code => {
            let words: Vec<_> = error.args.iter().map(|(name, value)| format!("{name} {value}")).collect();
            Failure::argument(format!("{} ({})", plain(code), words.join(", ")))
        }
    };
    match report {
        Report::NatNetwork(last) | Report::Dhcp(last) => failure.and(*last, SYNTAX),
        _ => failure,
    }
}

/// Why a network is none for NAT (Main/NATNetworkImpl.cpp `setNetwork`).
fn nat_network_message(network: &str) -> String {
    match network.rsplit_once('/').and_then(|(_, prefix)| prefix.parse::<u8>().ok()) {
        Some(0) => format!("{network} specifies zero prefix"),
        Some(31..) => format!("{network} network is too small"),
        _ => format!("{network}: the specified address is longer than the specified prefix"),
    }
}

/// The gist of a refusal that VirtualBox has no message for.
fn plain(code: &str) -> &'static str {
    match code {
        "hv-forward-privileged" => "Cannot listen on a host port below 1024 as an ordinary user",
        "hv-forward-port" => "Invalid port number",
        "hv-forward-unknown" => "The given argument is not a redirection rule",
        "hv-forward-guest" => "The guest IP is mandatory in a NAT network's rule",
        "hv-nat-net" => "Invalid NAT network",
        "hv-mac" => "Invalid MAC address format",
        "hv-loopback" => "invalid loopback string",
        "hv-hostonly-many" => "No more host-only interfaces can be created",
        "hv-adapter" | "unknown-adapter" => "Invalid NIC number",
        "mode-not-available" => "This attachment type is not available here",
        "hv-vm-name" | "hv-name" => "Invalid name",
        _ => "The request was refused",
    }
}

/// No lease of this card.
pub(super) fn no_lease(mac: crate::addr::MacAddr) -> Failure {
    let code = Com("VBOX_E_OBJECT_NOT_FOUND", 0x80bb_0001, "DHCPServerWrap", "IDHCPServer");
    Failure::com(&format!("Could not find a lease for {mac}"), &code, None)
}
