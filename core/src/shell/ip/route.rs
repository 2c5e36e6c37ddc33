//! `ip route`: adding, changing, deleting. What is shown or flushed is in [`super::route_show`], `get` in
//! [`super::route_get`].

use super::args::{Args, Fail, Net, ScopeWord, address, matches, number, prefix, scope, unavailable};
use super::{Family, Options, iface, route_get, route_show};
use crate::addr::Cidr;
use crate::programs::{Errno, Kernel, PutMode, RouteSpec};
use crate::view::RouteProto;

pub(super) const USAGE: &str = include_str!("usage_route.txt");

/// Runs `ip route`.
pub(super) fn run(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let Some(word) = args.take() else { return route_show::show(options, args, kernel) };
    let is = |name: &str| matches(word, name);
    match () {
        () if is("list") || is("show") || word == "lst" => route_show::show(options, args, kernel),
        () if is("get") => route_get::run(options, args, kernel),
        () if is("add") => modify(options, args, kernel, Some(PutMode::Create)),
        () if is("change") || word == "chg" => modify(options, args, kernel, Some(PutMode::Change)),
        () if is("replace") => modify(options, args, kernel, Some(PutMode::Replace)),
        () if is("prepend") => Err(unavailable("ip route prepend")),
        () if is("append") => modify(options, args, kernel, Some(PutMode::Append)),
        () if is("test") => Err(unavailable("ip route test")),
        () if is("delete") => modify(options, args, kernel, None),
        () if is("flush") => route_show::flush(options, args, kernel),
        () if is("save") || is("restore") || is("showdump") => Err(unavailable(&format!("ip route {word}"))),
        () if is("help") => Err(Fail::usage(USAGE)),
        () => Err(Fail::new(255, format!("Command \"{word}\" is unknown, try \"ip route help\"."))),
    }
}

/// The name or number of who made a route (/etc/iproute2/rt_protos).
pub(super) fn proto(text: &str) -> Option<Option<RouteProto>> {
    match text {
        "kernel" | "2" => Some(Some(RouteProto::Kernel)),
        "boot" | "3" => Some(Some(RouteProto::Boot)),
        "static" | "4" => Some(Some(RouteProto::Static)),
        "dhcp" | "16" => Some(Some(RouteProto::Dhcp)),
        "unspec" | "redirect" | "gated" | "ra" | "mrt" | "zebra" | "bird" | "babel" | "dnrouted" | "xorp" | "ntk"
        | "keepalived" | "bgp" | "isis" | "ospf" | "rip" | "eigrp" => Some(None),
        _ => number(text).filter(|n| *n < 256).map(|_| None),
    }
}

/// Route types other than `unicast`.
pub(super) const TYPES: &[&str] =
    &["local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"];

/// What `ip route add` knows and this lab's routes do not have.
const MISSING: &[&str] = &[
    "as",
    "from",
    "tos",
    "dsfield",
    "expires",
    "mtu",
    "hoplimit",
    "advmss",
    "reordering",
    "rtt",
    "rttvar",
    "window",
    "cwnd",
    "initcwnd",
    "initrwnd",
    "features",
    "quickack",
    "congctl",
    "rto_min",
    "realms",
    "nexthop",
    "nhid",
    "pref",
    "encap",
    "vrf",
    "fastopen_no_cookie",
    "ttl-propagate",
    "weight",
    "ssthresh",
    "mpath",
];

/// Words as they are read.
struct Request<'a> {
    dst: Option<Net>,
    spec: RouteSpec,
    dev: Option<&'a str>,
    has_v6: bool,
}

fn modify(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel, mode: Option<PutMode>) -> Result<(), Fail> {
    let spec = RouteSpec {
        dst: Cidr::DEFAULT,
        via: None,
        iface: None,
        src: None,
        metric: None,
        proto: None,
        scope: None,
        onlink: false,
    };
    let mut request = Request { dst: None, spec, dev: None, has_v6: false };
    while let Some(word) = args.take() {
        request.word(word, options.family, args)?;
    }
    let Some(dst) = request.dst else { return Err(Fail::usage(USAGE)) };
    if let Some(dev) = request.dev {
        request.spec.iface = Some(iface::index(kernel, dev)?);
    }
    if request.has_v6 || options.family == Family::Inet6 {
        return Err(Fail::errno(Errno::EOPNOTSUPP));
    }
    if let Net::V4(cidr) = dst {
        request.spec.dst = cidr;
    }
    match mode {
        None => kernel.route_del(request.spec).map_err(Fail::errno),
        Some(mode) => put(request.spec, mode, kernel),
    }
}

/// Asks the kernel; refusals in the words of Linux 6.1 (net/ipv4/fib_semantics.c, fib_frontend.c).
fn put(spec: RouteSpec, mode: PutMode, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    if spec.dst.network() != spec.dst {
        return Err(Fail::kernel("Invalid prefix for given prefix length."));
    }
    if spec.iface.is_none() && spec.via.is_none() {
        return Err(Fail::errno(Errno::ENODEV));
    }
    if spec.onlink && spec.iface.is_none() {
        return Err(Fail::kernel("Nexthop device required for onlink."));
    }
    let (via, src) = (spec.via, spec.src);
    kernel.route_put(spec, mode).map_err(|errno| match errno {
        Errno::ENETUNREACH if via.is_some() => Fail::kernel("Nexthop has invalid gateway."),
        Errno::ENETDOWN => Fail::kernel("Device for nexthop is not up."),
        Errno::EINVAL if src.is_some() => Fail::kernel("Invalid prefsrc address."),
        errno => Fail::errno(errno),
    })
}

impl<'a> Request<'a> {
    fn word(&mut self, word: &'a str, family: Family, args: &mut Args<'a>) -> Result<(), Fail> {
        match word {
            "src" => {
                let family = if family == Family::Any { Family::Inet } else { family };
                self.spec.src = address(args.value()?, family)?;
            }
            "via" => self.via(family, args)?,
            "dev" | "oif" => self.dev = Some(args.value()?),
            "onlink" => self.spec.onlink = true,
            "scope" => {
                let name = args.value()?;
                match scope(name) {
                    Some(ScopeWord::Known(scope)) => self.spec.scope = Some(scope),
                    Some(ScopeWord::Other) => return Err(unavailable(&format!("ip route scope {name}"))),
                    None => return Err(Fail::wrong(name, "invalid \"scope\" value\n")),
                }
            }
            _ if word == "preference" || matches(word, "metric") || matches(word, "priority") => {
                let text = args.value()?;
                let wrong = || Fail::wrong(text, "\"metric\" value is invalid\n");
                self.spec.metric = Some(number(text).ok_or_else(wrong)?);
            }
            _ if MISSING.contains(&word) => return Err(unavailable(&format!("ip route {word}"))),
            _ if matches(word, "protocol") => {
                let name = args.value()?;
                let known = proto(name).ok_or_else(|| Fail::wrong(name, "\"protocol\" value is invalid\n"))?;
                let missing = || unavailable(&format!("ip route proto {name}"));
                self.spec.proto = Some(known.ok_or_else(missing)?);
            }
            _ if matches(word, "table") => {
                let name = args.value()?;
                if name != "main" && name != "254" {
                    return Err(route_show::table_error(name, "\"table\" value is invalid\n"));
                }
            }
            word => self.destination(word, family, args)?,
        }
        Ok(())
    }

    fn via(&mut self, family: Family, args: &mut Args<'a>) -> Result<(), Fail> {
        if self.spec.via.is_some() {
            return Err(Fail::wrong("via", "use nexthop syntax to specify multiple via\n"));
        }
        let mut text = args.value()?;
        let mut family = family;
        if text == "inet" || text == "inet6" {
            family = if text == "inet" { Family::Inet } else { Family::Inet6 };
            text = args.value()?;
        }
        self.spec.via = address(text, family)?;
        self.has_v6 |= self.spec.via.is_none();
        Ok(())
    }

    fn destination(&mut self, word: &'a str, family: Family, args: &mut Args<'a>) -> Result<(), Fail> {
        let mut text = if word == "to" { args.value()? } else { word };
        if TYPES.contains(&text) {
            return Err(unavailable(&format!("ip route add {text}")));
        }
        if text == "unicast" {
            text = args.value()?;
        }
        if matches(text, "help") {
            return Err(Fail::usage(USAGE));
        }
        if self.dst.is_some() {
            return Err(Fail::garbage("to", text));
        }
        let net = prefix(text, family)?.net;
        self.has_v6 |= matches!(net, Net::V6(..));
        self.dst = Some(net);
        Ok(())
    }
}
