//! `ip link`: setting; what is shown is in [`super::show`].

use super::args::{Args, Fail, link_address, matches, number, unavailable};
use super::show::{self, Filter};
use super::{Family, Options, iface};
use crate::addr::MacAddr;
use crate::programs::{Errno, Kernel, LinkChange};

const USAGE: &str = include_str!("usage_link.txt");
/// Bytes of an interface's name at most (IFNAMSIZ without the final zero).
const NAME_BYTES_MAX: usize = 15;
/// Smallest MTU that Linux allows an Ethernet interface with IPv4 (ETH_MIN_MTU).
const MTU_MIN: u32 = 68;

/// Runs `ip link`.
pub(super) fn run(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let Some(word) = args.take() else {
        return show::run(options, &Filter::all(Family::Packet).with_link_mode(), kernel);
    };
    let is = |name: &str| matches(word, name);
    match () {
        () if is("add") => add(args),
        () if is("set") || is("change") => set(args, kernel),
        () if is("replace") => Err(unavailable("ip link replace")),
        () if is("delete") => delete(args, kernel),
        () if is("show") || word == "lst" || is("list") => {
            show::run(options, &Filter::parse(Family::Packet, args, USAGE)?.with_link_mode(), kernel)
        }
        () if is("xstats") || is("afstats") || is("property") => Err(unavailable(&format!("ip link {word}"))),
        () if is("help") => Err(Fail::usage(USAGE)),
        () => Err(Fail::new(255, format!("Command \"{word}\" is unknown, try \"ip link help\"."))),
    }
}

fn add(args: &mut Args<'_>) -> Result<(), Fail> {
    while let Some(word) = args.take() {
        if word == "type" {
            let kind = args.value()?;
            return Err(unavailable(&format!("ip link add type {kind}")));
        }
        if matches(word, "help") {
            return Err(Fail::usage(USAGE));
        }
    }
    Err(Fail::new(1, "Not enough information: \"type\" argument is required"))
}

fn delete(args: &mut Args<'_>, kernel: &dyn Kernel) -> Result<(), Fail> {
    let mut name = args.take();
    if name == Some("dev") {
        name = Some(args.value()?);
    }
    let Some(name) = name else { return Err(no_dev()) };
    if matches(name, "help") {
        return Err(Fail::usage(USAGE));
    }
    iface::index(kernel, name)?;
    // A card cannot be deleted, nor can a loopback.
    Err(Fail::errno(Errno::EOPNOTSUPP))
}

fn no_dev() -> Fail {
    Fail::new(255, "Not enough information: \"dev\" argument is required.")
}

/// What this lab's interfaces do not have.
const MISSING: &[&str] = &[
    "index",
    "link",
    "xdp",
    "xdpgeneric",
    "xdpdrv",
    "xdpoffload",
    "netns",
    "multicast",
    "allmulticast",
    "trailers",
    "arp",
    "vf",
    "carrier",
    "dynamic",
    "group",
    "mode",
    "state",
    "numtxqueues",
    "numrxqueues",
    "addrgenmode",
    "link-netns",
    "link-netnsid",
    "protodown",
    "protodown_reason",
    "gso_max_size",
    "gso_max_segs",
    "gro_max_size",
    "parentdev",
    "master",
    "vrf",
    "nomaster",
    "alias",
    "type",
    "qlen",
    "txqlen",
    "broadcast",
    "brd",
];

fn set(args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let mut change = LinkChange::default();
    let mut mac: Option<Vec<u8>> = None;
    let mut dev: Option<&str> = None;
    while let Some(word) = args.take() {
        match word {
            "up" => change.up = Some(true),
            "down" => change.up = Some(false),
            "mtu" => {
                let value = args.value()?;
                if change.mtu.is_some() {
                    return Err(Fail::duplicate("mtu", value));
                }
                change.mtu = Some(mtu(value)?);
            }
            "name" => {
                let name = args.value()?;
                let bad = |c: char| c == '/' || c.is_whitespace();
                if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(bad) {
                    return Err(Fail::wrong(name, "\"name\" not a valid ifname"));
                }
                change.name = Some(name.to_owned());
            }
            "promisc" => {
                change.promisc = Some(match args.value()? {
                    "on" => true,
                    "off" => false,
                    other => {
                        let said = format!("Error: argument of \"promisc\" must be \"on\" or \"off\", not \"{other}\"");
                        return Err(Fail::new(1, &said));
                    }
                });
            }
            _ if matches(word, "address") => mac = Some(link_address(args.value()?)?),
            _ if MISSING.contains(&word) || matches(word, "txqueuelen") => {
                return Err(unavailable(&format!("ip link set {word}")));
            }
            word => {
                let name = if word == "dev" { args.value()? } else { word };
                if matches(name, "help") {
                    return Err(Fail::usage(USAGE));
                }
                if dev.is_some() {
                    return Err(Fail::garbage("dev", name));
                }
                dev = Some(name);
            }
        }
    }
    let Some(iface) = iface::find(kernel, dev.ok_or_else(no_dev)?) else {
        return Err(Fail::no_device(dev.unwrap_or_default()));
    };
    if let Some(bytes) = mac {
        let whole = MacAddr::from_slice(&bytes).filter(|_| bytes.len() == 6);
        change.mac = Some(
            whole.ok_or_else(|| Fail::new(1, format!("Invalid address length {} - must be 6 bytes", bytes.len())))?,
        );
    }
    if change == LinkChange::default() {
        return Ok(());
    }
    let mtu = change.mtu;
    kernel.link_set(iface.index, change).map_err(|errno| refused(errno, mtu))
}

/// The kernel's words for a refusal.
fn refused(errno: Errno, mtu: Option<u32>) -> Fail {
    match (errno, mtu) {
        (Errno::EINVAL, Some(mtu)) if mtu < MTU_MIN || mtu > i32::MAX as u32 => {
            Fail::kernel("mtu less than device minimum.")
        }
        (Errno::EINVAL, Some(_)) => Fail::kernel("mtu greater than device maximum."),
        (errno, _) => Fail::errno(errno),
    }
}

/// A signed number in iproute2; a negative one is refused by the kernel as too small.
fn mtu(text: &str) -> Result<u32, Fail> {
    match text.strip_prefix('-') {
        Some(digits) => number(digits).map(|_| 0),
        None => number(text),
    }
    .ok_or_else(|| Fail::wrong(text, "Invalid \"mtu\" value\n"))
}
