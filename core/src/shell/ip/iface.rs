//! One interface as `ip link` describes it: flags, queueing discipline, state. Which of them Linux would show.

use super::args::Fail;
use crate::programs::Kernel;
use crate::view::IfaceRow;

/// The interface of that name.
pub(super) fn find(kernel: &dyn Kernel, name: &str) -> Option<IfaceRow> {
    kernel.ifaces().into_iter().find(|iface| iface.name == name)
}

/// The interface's index, for commands that change something.
pub(super) fn index(kernel: &dyn Kernel, name: &str) -> Result<u32, Fail> {
    find(kernel, name).map(|iface| iface.index).ok_or_else(|| Fail::no_device(name))
}

/// The name of an index, or `if7` as iproute2 calls what it does not find.
pub(super) fn name(ifaces: &[IfaceRow], index: u32) -> String {
    ifaces.iter().find(|iface| iface.index == index).map_or_else(|| format!("if{index}"), |iface| iface.name.clone())
}

/// The words between `<` and `>`.
pub(super) fn flags(iface: &IfaceRow) -> Vec<&'static str> {
    let mut flags = Vec::new();
    let carrier = iface.carrier || iface.loopback;
    if iface.up && !carrier {
        flags.push("NO-CARRIER");
    }
    if iface.loopback {
        flags.push("LOOPBACK");
    } else {
        flags.extend(["BROADCAST", "MULTICAST"]);
    }
    if iface.promisc {
        flags.push("PROMISC");
    }
    if iface.up {
        flags.push("UP");
        if carrier {
            flags.push("LOWER_UP");
        }
    }
    flags
}

/// Operational state. A loopback has none to report (RFC 2863: unknown).
pub(super) fn state(iface: &IfaceRow) -> &'static str {
    match (iface.up, iface.loopback, iface.carrier) {
        (false, ..) | (true, false, false) => "DOWN",
        (true, true, _) => "UNKNOWN",
        (true, false, true) => "UP",
    }
}

/// Queueing discipline: Debian 12 sets `net.core.default_qdisc=fq_codel`; an interface that is down has `noop` (one that
/// was up before keeps its last one, which rows do not tell).
pub(super) fn qdisc(iface: &IfaceRow) -> &'static str {
    match (iface.up, iface.loopback) {
        (false, _) => "noop",
        (true, true) => "noqueue",
        (true, false) => "fq_codel",
    }
}

/// `link/ether` …
pub(super) fn link_type(iface: &IfaceRow) -> &'static str {
    if iface.loopback { "loopback" } else { "ether" }
}

/// The link-level broadcast address.
pub(super) fn broadcast(iface: &IfaceRow) -> &'static str {
    if iface.loopback { "00:00:00:00:00:00" } else { "ff:ff:ff:ff:ff:ff" }
}

/// What `ip -d link` adds. For an Ethernet card, VirtualBox's e1000 on the PCI slot that its name tells.
pub(super) fn details(iface: &IfaceRow) -> String {
    const QUEUES: &str = "numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535";
    if iface.loopback {
        return format!(
            " promiscuity 0  allmulti 0 minmtu 0 maxmtu 0 addrgenmode eui64 {QUEUES} tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 "
        );
    }
    let slot = iface.name.strip_prefix("enp0s").and_then(|slot| slot.parse::<u8>().ok());
    let parent = slot.map_or(String::new(), |slot| format!("parentbus pci parentdev 0000:00:{slot:02x}.0 "));
    format!(
        " promiscuity {}  allmulti 0 minmtu 46 maxmtu 16110 addrgenmode eui64 {QUEUES} tso_max_size 65536 tso_max_segs 65535 gro_max_size 65536 {parent}",
        u8::from(iface.promisc)
    )
}
