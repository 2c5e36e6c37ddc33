//! What VBoxManage knows, for its help and for completion: the commands about networks and cards, of VirtualBox 7.0's.

use crate::shell::complete::{Grammar, Slot};
use crate::shell::out::Text;

/// The version whose behaviour this is.
const VERSION: &str = "7.0.20r163906";

const GENERAL: &str = "\
Usage - VirtualBox's command-line interface:

  VBoxManage [-V | --version] [--dump-build-type] [-q | --nologo] [subcommand]

  VBoxManage help [subcommand]

Here are:

  list, showvminfo, createvm, unregistervm, startvm, controlvm, modifyvm, natnetwork, hostonlyif, dhcpserver
";

const LIST: &str = "\
Usage - View system information and VM configuration details:

  VBoxManage list [--long] [bridgedifs | dhcpservers | hostonlyifs | intnets | natnets | natnetworks | runningvms | vms]
";

const SHOW: &str = "\
Usage - Show configuration information or log file contents for a virtual machine:

  VBoxManage showvminfo <uuid | vmname> [--details] [--machinereadable]
";

const CREATE: &str = "\
Usage - Create a new virtual machine:

  VBoxManage createvm <--name=name> [--register]
";

const UNREGISTER: &str = "\
Usage - Unregister a virtual machine:

  VBoxManage unregistervm <uuid | vmname> [--delete]
";

const START: &str = "\
Usage - Start a virtual machine:

  VBoxManage startvm <uuid | vmname> [--type=gui | headless | sdl | separate]
";

const CONTROL: &str = "\
Usage - Change state and settings for a running virtual machine:

  VBoxManage controlvm <uuid | vmname> poweroff

  VBoxManage controlvm <uuid | vmname> setlinkstateN <on | off>

  VBoxManage controlvm <uuid | vmname> nicN <null | nat | bridged | intnet | hostonly | generic | natnetwork> [device-name]

  VBoxManage controlvm <uuid | vmname> nicpromiscN <deny | allow-vms | allow-all>

  VBoxManage controlvm <uuid | vmname> natpfN <[rulename] ,tcp | udp, [host-IP], hostport, [guest-IP], guestport>

  VBoxManage controlvm <uuid | vmname> natpfN delete <rulename>
";

const MODIFY: &str = "\
Usage - Change settings for a virtual machine that is stopped:

  VBoxManage modifyvm <uuid | vmname> [--nicN=none | null | nat | bridged | intnet | hostonly | generic | natnetwork]
      [--bridge-adapterN=none | device-name] [--host-only-adapterN=none | device-name] [--intnetN=network-name]
      [--nat-networkN=network-name] [--mac-addressN=auto | MAC-address] [--cable-connectedN=on | off]
      [--nic-promiscN=deny | allow-vms | allow-all] [--nat-netN=network | default]
      [--nat-pfN=[rulename],tcp|udp,[host-IP],hostport,[guest-IP],guestport] [--nat-pfN=delete rulename]
";

const NAT: &str = "\
Usage - Create, modify, and manage a NAT network:

  VBoxManage natnetwork add [--disable | --enable] <--netname=name> <--network=network> [--dhcp=on|off] [--ipv6=on|off]
      [--loopback-4=rule] [--port-forward-4=rule]

  VBoxManage natnetwork list [filter-pattern]

  VBoxManage natnetwork modify [--dhcp=on|off] [--disable | --enable] <--netname=name> <--network=network>
      [--ipv6=on|off] [--loopback-4=rule] [--port-forward-4=rule]

  VBoxManage natnetwork remove <--netname=name>

  VBoxManage natnetwork start <--netname=name>

  VBoxManage natnetwork stop <--netname=name>
";

const HOST_ONLY: &str = "\
Usage - Manage host-only network interfaces:

  VBoxManage hostonlyif ipconfig <ifname> [--dhcp | --ip=IPv4-address [--netmask=IPv4-netmask]]

  VBoxManage hostonlyif create

  VBoxManage hostonlyif remove <ifname>
";

const DHCP: &str = "\
Usage - DHCP server management:

  VBoxManage dhcpserver add <--network=netname | --interface=ifname> <--server-ip=address> <--netmask=mask>
      <--lower-ip=address> <--upper-ip=address> <--enable | --disable>
      [--global | --vm=name|uuid --nic=1-N | --mac-address=MAC] [--set-opt=dhcp-opt-no value...]
      [--set-opt-hex=dhcp-opt-no hexstring...] [--min-lease-time=seconds] [--default-lease-time=seconds]
      [--max-lease-time=seconds] [--fixed-address=address]

  VBoxManage dhcpserver modify <--network=netname | --interface=ifname> [--server-ip=address] [--lower-ip=address]
      [--upper-ip=address] [--netmask=mask] [--enable | --disable] [--del-opt=dhcp-opt-no...] [--zap-options] ...

  VBoxManage dhcpserver remove <--network=netname | --interface=ifname>

  VBoxManage dhcpserver start <--network=netname | --interface=ifname>

  VBoxManage dhcpserver restart <--network=netname | --interface=ifname>

  VBoxManage dhcpserver stop <--network=netname | --interface=ifname>

  VBoxManage dhcpserver findlease <--network=netname | --interface=ifname> <--mac-address=mac>
";

/// What `VBoxManage` alone prints.
pub(super) fn general() -> Text {
    text(GENERAL)
}

/// What `--version` prints.
pub(super) fn version() -> Text {
    text(&format!("{VERSION}\n"))
}

/// A command's usage.
pub(super) fn of(command: &str) -> Option<Text> {
    let usage = match command {
        "list" => LIST,
        "showvminfo" => SHOW,
        "createvm" => CREATE,
        "unregistervm" => UNREGISTER,
        "startvm" => START,
        "controlvm" => CONTROL,
        "modifyvm" => MODIFY,
        "natnetwork" | "natnet" => NAT,
        "hostonlyif" => HOST_ONLY,
        "dhcpserver" => DHCP,
        _ => return None,
    };
    Some(text(usage))
}

fn text(words: &str) -> Text {
    let mut text = Text::new();
    text.put(words);
    text
}

const NOTHING: Grammar = Grammar { options: &[], keywords: &[], subcommands: &[], operand: None };

const fn words(list: &'static [&'static str]) -> Grammar {
    Grammar { operand: Some(Slot::OneOf(list)), ..NOTHING }
}

const LIST_WORDS: Grammar =
    words(&["vms", "runningvms", "natnets", "hostonlyifs", "intnets", "dhcpservers", "bridgedifs"]);
const CONTROL_WORDS: Grammar = words(&["poweroff", "nic1", "setlinkstate1", "natpf1", "nicpromisc1"]);
const NAT_WORDS: Grammar = Grammar {
    keywords: &[
        ("--netname", Slot::Free),
        ("--network", Slot::Free),
        ("--dhcp", Slot::OneOf(&["on", "off"])),
        ("--port-forward-4", Slot::Free),
    ],
    options: &["--enable", "--disable"],
    operand: Some(Slot::OneOf(&["add", "list", "modify", "remove", "start", "stop"])),
    ..NOTHING
};
const HOST_ONLY_WORDS: Grammar = Grammar {
    keywords: &[("--ip", Slot::Free), ("--netmask", Slot::Free)],
    operand: Some(Slot::OneOf(&["create", "remove", "ipconfig", "vboxnet0"])),
    ..NOTHING
};
const DHCP_WORDS: Grammar = Grammar {
    keywords: &[
        ("--network", Slot::Free),
        ("--interface", Slot::Iface),
        ("--server-ip", Slot::Free),
        ("--netmask", Slot::Free),
        ("--lower-ip", Slot::Free),
        ("--upper-ip", Slot::Free),
        ("--mac-address", Slot::Free),
        ("--fixed-address", Slot::Free),
        ("--set-opt", Slot::Free),
    ],
    options: &["--enable", "--disable"],
    operand: Some(Slot::OneOf(&["add", "modify", "remove", "start", "stop", "restart", "findlease"])),
    ..NOTHING
};
const READABLE: Grammar = Grammar { options: &["--machinereadable"], ..NOTHING };

/// What may follow `VBoxManage`.
pub const GRAMMAR: Grammar = Grammar {
    options: &["--version", "--help"],
    subcommands: &[
        (&["list"], &LIST_WORDS),
        (&["showvminfo"], &READABLE),
        (&["modifyvm"], &NOTHING),
        (&["controlvm"], &CONTROL_WORDS),
        (&["startvm"], &NOTHING),
        (&["createvm"], &NOTHING),
        (&["unregistervm"], &NOTHING),
        (&["natnetwork"], &NAT_WORDS),
        (&["hostonlyif"], &HOST_ONLY_WORDS),
        (&["dhcpserver"], &DHCP_WORDS),
    ],
    ..NOTHING
};
