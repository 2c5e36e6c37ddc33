//! `ip`, as iproute2 6.1.0 (Debian 12) parses its words and prints its tables.
//!
//! Owns global options and the choice of an object; each object is a file of its own. Words are compared in iproute2's
//! own order, because abbreviations depend on it: `ip l s lo` sets (nothing), `ip a s lo` shows.

mod addr;
mod args;
mod iface;
mod json;
mod link;
mod neigh;
mod print;
mod route;
mod route_get;
mod route_show;
mod show;

use args::{Args, Fail, matches, unavailable};
pub(super) use show::glob;

use super::complete::{Grammar, Slot};
use super::out::complain;
use crate::programs::Kernel;

/// Which addresses are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Family {
    #[default]
    Any,
    Inet,
    Inet6,
    Packet,
}

/// Global options.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    family: Family,
    brief: bool,
    oneline: bool,
    /// How often `-s` was given.
    stats: u8,
    details: bool,
    json: bool,
    pretty: bool,
    color: bool,
}

const USAGE: &str = include_str!("usage_ip.txt");

/// Objects in the order in which an abbreviation is compared with them (iproute2 ip/ip.c).
const OBJECTS: &[&str] = &[
    "address",
    "addrlabel",
    "maddress",
    "route",
    "rule",
    "neighbor",
    "neighbour",
    "ntable",
    "ntbl",
    "link",
    "l2tp",
    "fou",
    "ila",
    "macsec",
    "tunnel",
    "tunl",
    "tuntap",
    "tap",
    "token",
    "tcpmetrics",
    "tcp_metrics",
    "monitor",
    "xfrm",
    "mroute",
    "mrule",
    "netns",
    "netconf",
    "vrf",
    "sr",
    "nexthop",
    "mptcp",
    "ioam",
    "help",
    "stats",
];

/// Runs `ip`.
pub(super) fn run(argv: &[String], kernel: &mut dyn Kernel) -> i32 {
    let mut args = Args::new(argv.get(1..).unwrap_or(&[]));
    match dispatch(&mut args, kernel) {
        Ok(()) => 0,
        Err(fail) => {
            if !fail.message.is_empty() {
                complain(kernel, &fail.message);
            }
            fail.exit
        }
    }
}

fn dispatch(args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let Some(options) = options(args, kernel)? else { return Ok(()) };
    let Some(object) = args.take() else { return Err(Fail::usage(USAGE)) };
    match OBJECTS.iter().find(|name| matches(object, name)).copied() {
        None => Err(Fail::new(1, format!("Object \"{object}\" is unknown, try \"ip help\"."))),
        Some("address") => addr::run(&options, args, kernel),
        Some("link") => link::run(&options, args, kernel),
        Some("route") => route::run(&options, args, kernel),
        Some("neighbor" | "neighbour") => neigh::run(&options, args, kernel),
        Some("help") => Err(Fail::usage(USAGE)),
        Some(other) => Err(unavailable(&format!("ip {other}"))),
    }
}

/// Reads what stands before the object; `None` when that was all (`-V`).
fn options(args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<Option<Options>, Fail> {
    let mut options = Options::default();
    while let Some(word) = args.peek().filter(|word| word.starts_with('-')) {
        args.skip();
        if word == "--" {
            break;
        }
        let opt = if word.starts_with("--") { &word[1..] } else { word };
        let is = |name: &str| matches(opt, name);
        match opt {
            "-4" => options.family = Family::Inet,
            "-6" => options.family = Family::Inet6,
            "-0" => options.family = Family::Packet,
            _ if is("-loops") => {
                args.value_or(|| Fail::usage(USAGE))?;
            }
            _ if is("-family") => options.family = family(args.value_or(|| Fail::usage(USAGE))?)?,
            "-M" | "-B" => return Err(unavailable(&format!("ip {opt}"))),
            _ if is("-human-readable") || is("-human") || is("-iec") => {}
            _ if is("-stats") || is("-statistics") => options.stats = options.stats.saturating_add(1),
            _ if is("-details") => options.details = true,
            _ if is("-resolve") => {}
            _ if is("-oneline") => options.oneline = true,
            _ if is("-timestamp") || is("-tshort") => {}
            _ if is("-Version") => {
                super::out::say(kernel, "ip utility, iproute2-6.1.0, libbpf 1.1.2\n");
                return Ok(None);
            }
            _ if is("-force") => {}
            _ if is("-batch") => {
                args.value_or(|| Fail::usage(USAGE))?;
                return Err(unavailable("ip -batch"));
            }
            _ if is("-brief") => options.brief = true,
            _ if is("-json") => options.json = true,
            _ if is("-rcvbuf") => {
                args.value_or(|| Fail::usage(USAGE))?;
            }
            _ if color(opt, kernel, &mut options) => {}
            _ if is("-help") => return Err(Fail::usage(USAGE)),
            _ if is("-netns") => {
                let name = args.value_or(|| Fail::usage(USAGE))?;
                return Err(Fail::new(
                    255,
                    format!("Cannot open network namespace \"{name}\": No such file or directory"),
                ));
            }
            _ if is("-pretty") => options.pretty = true,
            _ if is("-Numeric") || is("-all") => {}
            _ => return Err(Fail::new(255, format!("Option \"{word}\" is unknown, try \"ip -help\"."))),
        }
    }
    // JSON knows neither colours nor single lines.
    options.color &= !options.json;
    options.oneline &= !options.json;
    Ok(Some(options))
}

fn family(name: &str) -> Result<Family, Fail> {
    match name {
        "inet" => Ok(Family::Inet),
        "inet6" => Ok(Family::Inet6),
        "link" => Ok(Family::Packet),
        "any" => Ok(Family::Any),
        _ => Err(Fail::wrong(name, "invalid protocol family")),
    }
}

/// `-c`, `-color`, `-color=always|auto|never`.
fn color(opt: &str, kernel: &dyn Kernel, options: &mut Options) -> bool {
    let (name, when) = opt.split_once('=').unwrap_or((opt, "always"));
    if !matches(name, "-color") {
        return false;
    }
    match when {
        "always" => options.color = true,
        "auto" => options.color = kernel.tty_columns().is_some(),
        "never" => options.color = false,
        _ => return false,
    }
    true
}

const SCOPES: Slot = Slot::OneOf(&["global", "link", "host"]);
const STATES: Slot =
    Slot::OneOf(&["permanent", "reachable", "stale", "delay", "probe", "failed", "incomplete", "noarp", "none", "all"]);
const NO: Grammar = Grammar { options: &[], keywords: &[], subcommands: &[], operand: None };

const ADDR_MODIFY: Grammar = Grammar {
    options: &[],
    keywords: &[
        ("dev", Slot::Iface),
        ("broadcast", Slot::OneOf(&["+", "-"])),
        ("brd", Slot::OneOf(&["+", "-"])),
        ("scope", SCOPES),
        ("label", Slot::Free),
        ("valid_lft", Slot::OneOf(&["forever"])),
        ("preferred_lft", Slot::OneOf(&["forever"])),
    ],
    subcommands: &[],
    operand: None,
};
const ADDR_SHOW: Grammar = Grammar {
    options: &["up", "permanent", "dynamic", "secondary", "primary"],
    keywords: &[("dev", Slot::Iface), ("to", Slot::Addr), ("scope", SCOPES), ("label", Slot::Free)],
    subcommands: &[],
    operand: Some(Slot::Iface),
};
const ADDR: Grammar = Grammar {
    subcommands: &[
        (&["add"], &ADDR_MODIFY),
        (&["change", "chg"], &ADDR_MODIFY),
        (&["replace"], &ADDR_MODIFY),
        (&["delete", "del"], &ADDR_MODIFY),
        (&["show", "lst", "list", "ls"], &ADDR_SHOW),
        (&["flush"], &ADDR_SHOW),
        (&["help"], &NO),
    ],
    ..NO
};
const LINK_SET: Grammar = Grammar {
    options: &["up", "down"],
    keywords: &[("dev", Slot::Iface), ("mtu", Slot::Free), ("address", Slot::Free), ("name", Slot::Free)],
    subcommands: &[],
    operand: Some(Slot::Iface),
};
const LINK_SHOW: Grammar =
    Grammar { options: &["up"], keywords: &[("dev", Slot::Iface)], subcommands: &[], operand: Some(Slot::Iface) };
const LINK: Grammar = Grammar {
    subcommands: &[(&["set"], &LINK_SET), (&["show", "lst", "list", "ls"], &LINK_SHOW), (&["help"], &NO)],
    ..NO
};
const ROUTE_MODIFY: Grammar = Grammar {
    options: &["default", "onlink"],
    keywords: &[
        ("via", Slot::Addr),
        ("dev", Slot::Iface),
        ("src", Slot::Addr),
        ("metric", Slot::Free),
        ("proto", Slot::OneOf(&["kernel", "boot", "static", "dhcp"])),
        ("scope", SCOPES),
    ],
    subcommands: &[],
    operand: None,
};
const ROUTE_SHOW: Grammar = Grammar {
    options: &["default"],
    keywords: &[
        ("dev", Slot::Iface),
        ("via", Slot::Addr),
        ("src", Slot::Addr),
        ("proto", Slot::OneOf(&["kernel", "boot", "static", "dhcp"])),
        ("scope", SCOPES),
        ("table", Slot::OneOf(&["main", "local", "default", "all"])),
        ("match", Slot::Addr),
        ("exact", Slot::Addr),
        ("root", Slot::Addr),
    ],
    subcommands: &[],
    operand: None,
};
const ROUTE_GET: Grammar = Grammar {
    options: &["fibmatch"],
    keywords: &[("from", Slot::Addr), ("oif", Slot::Iface), ("dev", Slot::Iface), ("to", Slot::Addr)],
    subcommands: &[],
    operand: Some(Slot::Addr),
};
const ROUTE: Grammar = Grammar {
    subcommands: &[
        (&["list"], &ROUTE_SHOW),
        (&["show", "lst", "ls"], &ROUTE_SHOW),
        (&["get"], &ROUTE_GET),
        (&["add"], &ROUTE_MODIFY),
        (&["change", "chg"], &ROUTE_MODIFY),
        (&["replace"], &ROUTE_MODIFY),
        (&["append"], &ROUTE_MODIFY),
        (&["delete", "del"], &ROUTE_MODIFY),
        (&["flush"], &ROUTE_SHOW),
        (&["help"], &NO),
    ],
    ..NO
};
const NEIGH_MODIFY: Grammar = Grammar {
    keywords: &[("dev", Slot::Iface), ("lladdr", Slot::Free), ("nud", STATES)],
    operand: Some(Slot::Addr),
    ..NO
};
const NEIGH_SHOW: Grammar =
    Grammar { keywords: &[("dev", Slot::Iface), ("nud", STATES), ("to", Slot::Addr)], operand: Some(Slot::Addr), ..NO };
const NEIGH: Grammar = Grammar {
    subcommands: &[
        (&["add"], &NEIGH_MODIFY),
        (&["change", "chg"], &NEIGH_MODIFY),
        (&["replace"], &NEIGH_MODIFY),
        (&["delete", "del"], &NEIGH_MODIFY),
        (&["get"], &NEIGH_MODIFY),
        (&["show", "lst", "list", "ls"], &NEIGH_SHOW),
        (&["flush"], &NEIGH_SHOW),
        (&["help"], &NO),
    ],
    ..NO
};

/// Words of `ip`, for completion.
pub(super) const GRAMMAR: Grammar = Grammar {
    options: &["-4", "-6", "-br", "-brief", "-o", "-s", "-d", "-j", "-p", "-c", "-V"],
    subcommands: &[
        (&["address"], &ADDR),
        (&["route"], &ROUTE),
        (&["neighbour", "neighbor"], &NEIGH),
        (&["link"], &LINK),
        (&["help"], &NO),
    ],
    ..NO
};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
