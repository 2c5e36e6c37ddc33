//! `ip route show` and `flush`: which routes are meant, and their lines.

use core::net::{IpAddr, Ipv4Addr};

use super::addr::report_flush;
use super::args::{Args, Fail, Net, ScopeWord, address, matches, number, prefix, scope, unavailable};
use super::json::Json;
use super::print::{Color, Printer, print_json};
use super::route::{TYPES, USAGE, proto};
use super::{Family, Options, iface};
use crate::addr::Cidr;
use crate::programs::{Errno, Kernel, RouteSpec};
use crate::shell::meaning;
use crate::view::{IfaceRow, RouteProto, RouteRow, Scope};

/// One line.
struct Line {
    row: RouteRow,
    kind: &'static str,
}

/// Which table is meant.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Table {
    #[default]
    Main,
    Local,
    All,
    /// A table that has nothing.
    Empty,
}

/// Which routes are meant.
#[derive(Default)]
struct Filter {
    family: Family,
    table: Table,
    dev: Option<String>,
    via: Option<Ipv4Addr>,
    src: Option<Ipv4Addr>,
    metric: Option<u32>,
    /// `Some(None)`: one that no route here has.
    proto: Option<Option<RouteProto>>,
    scope: Option<ScopeWord>,
    kind: Option<String>,
    /// Networks that lie within this one.
    root: Option<Cidr>,
    /// Networks that contain this one.
    within: Option<Cidr>,
}

/// The error for a table's name that is not `main`.
pub(super) fn table_error(name: &str, why: &str) -> Fail {
    match number(name) {
        None if !matches!(name, "local" | "default" | "all" | "cache") => Fail::wrong(name, why),
        _ => unavailable(&format!("ip route table {name}")),
    }
}

impl Filter {
    fn parse(options: &Options, args: &mut Args<'_>) -> Result<Self, Fail> {
        let mut filter = Self { family: options.family, ..Self::default() };
        while let Some(word) = args.take() {
            filter.word(word, args)?;
        }
        Ok(filter)
    }

    fn word(&mut self, word: &str, args: &mut Args<'_>) -> Result<(), Fail> {
        match word {
            _ if matches(word, "table") => {
                self.table = match args.value()? {
                    "main" | "254" => Table::Main,
                    "local" | "255" => Table::Local,
                    "all" | "0" => Table::All,
                    "default" | "253" | "cache" => Table::Empty,
                    other if number(other).is_some() => {
                        return Err(Fail::new(2, "Error: ipv4: FIB table does not exist.\nDump terminated"));
                    }
                    other => return Err(Fail::wrong(other, "table id value is invalid\n")),
                }
            }
            "cache" | "cached" | "cloned" => self.table = Table::Empty,
            "vrf" | "tos" | "dsfield" | "mark" | "realms" | "from" | "iif" => {
                return Err(unavailable(&format!("ip route show {word}")));
            }
            _ if matches(word, "protocol") => {
                let name = args.value()?;
                let wrong = || Fail::wrong(name, "invalid \"protocol\"\n");
                self.proto = if name == "all" { None } else { Some(proto(name).ok_or_else(wrong)?) };
            }
            _ if matches(word, "scope") => {
                let name = args.value()?;
                let wrong = || Fail::wrong(name, "invalid \"scope\"\n");
                self.scope = if name == "all" { None } else { Some(scope(name).ok_or_else(wrong)?) };
            }
            _ if matches(word, "type") => {
                let name = args.value()?;
                if name != "unicast" && !TYPES.contains(&name) {
                    return Err(Fail::wrong(name, "node type value is invalid\n"));
                }
                self.kind = Some(name.to_owned());
            }
            "dev" | "oif" => self.dev = Some(args.value()?.to_owned()),
            "via" => self.via = address(args.value()?, self.family)?,
            "src" => self.src = address(args.value()?, self.family)?,
            "preference" => self.metric(args)?,
            _ if matches(word, "metric") || matches(word, "priority") => self.metric(args)?,
            word => {
                let word = if matches(word, "to") { args.value()? } else { word };
                if matches(word, "root") {
                    self.root = self.net(args.value()?)?;
                } else if matches(word, "match") {
                    self.within = self.net(args.value()?)?;
                } else {
                    let text = if matches(word, "exact") { args.value()? } else { word };
                    if matches(text, "help") {
                        return Err(Fail::usage(USAGE));
                    }
                    self.root = self.net(text)?;
                    self.within = self.root;
                }
            }
        }
        Ok(())
    }

    /// Nothing but the family and table `main` was asked for.
    fn is_open(&self) -> bool {
        let Self { family: _, table, dev, via, src, metric, proto, scope, kind, root, within } = self;
        let ends = dev.is_none() && via.is_none() && src.is_none() && root.is_none() && within.is_none();
        *table == Table::Main && ends && metric.is_none() && proto.is_none() && scope.is_none() && kind.is_none()
    }

    fn metric(&mut self, args: &mut Args<'_>) -> Result<(), Fail> {
        let text = args.value()?;
        self.metric = Some(number(text).ok_or_else(|| Fail::wrong(text, "\"metric\" value is invalid\n"))?);
        Ok(())
    }

    fn net(&mut self, text: &str) -> Result<Option<Cidr>, Fail> {
        let prefix = prefix(text, self.family)?;
        self.family = match prefix.net {
            Net::V6(..) => Family::Inet6,
            Net::V4(_) => Family::Inet,
            Net::All => self.family,
        };
        Ok(prefix.v4())
    }

    fn takes(&self, line: &Line, dev: Option<u32>) -> bool {
        let row = &line.row;
        let same = |wanted: Option<Ipv4Addr>, is: Option<Ipv4Addr>| wanted.is_none() || wanted == is;
        dev.is_none_or(|dev| dev == row.iface)
            && same(self.via, row.via)
            && same(self.src, row.src)
            && self.metric.is_none_or(|metric| metric == row.metric)
            && self.proto.is_none_or(|proto| proto == Some(row.proto))
            && match &self.scope {
                None => true,
                Some(ScopeWord::Known(scope)) => *scope == row.scope,
                Some(ScopeWord::Other) => false,
            }
            && self.kind.as_ref().is_none_or(|kind| kind == line.kind)
            && self.root.is_none_or(|root| root.prefix <= row.dst.prefix && root.contains(row.dst.addr))
            && self.within.is_none_or(|net| row.dst.prefix <= net.prefix && row.dst.contains(net.addr))
    }

    /// The routes that are meant.
    fn select(&self, kernel: &dyn Kernel) -> Result<Vec<Line>, Fail> {
        let dev = self.dev.as_deref().map(|dev| iface::index(kernel, dev)).transpose()?;
        if matches!(self.family, Family::Inet6 | Family::Packet) {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        if matches!(self.table, Table::Main | Table::All) {
            lines.extend(kernel.routes().into_iter().map(|row| Line { row, kind: "unicast" }));
        }
        if matches!(self.table, Table::Local | Table::All) {
            lines.extend(local_table(kernel));
        }
        lines.retain(|line| self.takes(line, dev));
        Ok(lines)
    }
}

/// Table `local`, which the kernel derives from the addresses of interfaces that are up (fib_frontend.c, fib_add_ifaddr).
fn local_table(kernel: &dyn Kernel) -> Vec<Line> {
    let ifaces = kernel.ifaces();
    let mut lines: Vec<Line> = Vec::new();
    let addrs = kernel.addrs();
    for addr in &addrs {
        let (IpAddr::V4(local), Some(iface)) =
            (addr.addr, ifaces.iter().find(|iface| iface.index == addr.iface && iface.up))
        else {
            continue;
        };
        let net = Cidr::new(local, addr.prefix);
        // Packets of a secondary address still come from the primary one of its network.
        let primary = addrs.iter().find_map(|other| match other.addr {
            IpAddr::V4(first) if other.iface == addr.iface && !other.secondary && other.prefix == addr.prefix => {
                net.contains(first).then_some(first)
            }
            _ => None,
        });
        let src = if addr.secondary { primary.or(Some(local)) } else { Some(local) };
        let mut add = |kind, dst, scope, linkdown| {
            let row = RouteRow {
                node: addr.node,
                dst,
                via: None,
                iface: addr.iface,
                src,
                metric: 0,
                proto: RouteProto::Kernel,
                scope,
                linkdown,
            };
            if !lines.iter().any(|line| line.row.dst == dst && line.kind == kind) {
                lines.push(Line { row, kind });
            }
        };
        add("local", Cidr::new(local, 32), Scope::Host, false);
        if iface.loopback {
            add("local", net.network(), Scope::Host, false);
        }
        let dead = !iface.carrier && !iface.loopback;
        let broadcast = if addr.prefix < 31 { Some(net.broadcast()) } else { None };
        for dst in addr.broadcast.into_iter().chain(broadcast) {
            add("broadcast", Cidr::new(dst, 32), Scope::Link, dead);
        }
    }
    lines.sort_by_key(|line| (line.row.dst.addr, line.row.dst.prefix));
    lines
}

/// `ip route show`.
pub(super) fn show(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let filter = Filter::parse(options, args)?;
    let lines = filter.select(kernel)?;
    let ifaces = kernel.ifaces();
    if options.json {
        let rows = lines.iter().map(|line| json_row(options, &filter, line, &ifaces)).collect();
        print_json(&Json::List(rows), options, kernel);
        return Ok(());
    }
    let mut out = Printer::new(options);
    for line in &lines {
        route_line(&mut out, options, &filter, line, &ifaces);
    }
    if filter.family == Family::Inet6 && filter.is_open() {
        v6_lines(&mut out, &ifaces, kernel);
    }
    out.print(kernel);
    Ok(())
}

/// IPv6 routes are not modelled; what the kernel makes of the addresses that are there is shown.
fn v6_lines(out: &mut Printer, ifaces: &[IfaceRow], kernel: &dyn Kernel) {
    let mut nets: Vec<(core::net::Ipv6Addr, u8, u32)> = Vec::new();
    for row in kernel.addrs() {
        if let IpAddr::V6(addr) = row.addr
            && ifaces.iter().any(|iface| iface.index == row.iface && iface.up && !iface.loopback)
        {
            let mask = u128::MAX.checked_shl(128 - u32::from(row.prefix.min(128))).unwrap_or(0);
            nets.push((core::net::Ipv6Addr::from_bits(addr.to_bits() & mask), row.prefix, row.iface));
        }
    }
    nets.sort_by_key(|(net, ..)| (net.is_unicast_link_local(), *net));
    nets.dedup();
    for (net, length, index) in nets {
        let dst = if length == 128 { net.to_string() } else { format!("{net}/{length}") };
        out.paint(Some(Color::Inet6), dst, " ", meaning::ROUTE_DST);
        out.word("dev", meaning::ROUTE_DEV).put(" ");
        out.paint(Some(Color::Iface), iface::name(ifaces, index), " ", meaning::ROUTE_DEV);
        out.word("proto kernel", meaning::ROUTE_PROTO)
            .put(" ")
            .word("metric 256", meaning::ROUTE_METRIC)
            .put(" pref medium\n");
    }
}

/// A route's destination: a single machine without its prefix length.
fn destination(dst: Cidr) -> String {
    match dst.prefix {
        0 if dst.addr.is_unspecified() => "default".to_owned(),
        32 => dst.addr.to_string(),
        _ => dst.to_string(),
    }
}

fn proto_name(proto: RouteProto) -> &'static str {
    match proto {
        RouteProto::Boot => "boot",
        RouteProto::Kernel => "kernel",
        RouteProto::Static => "static",
        RouteProto::Dhcp => "dhcp",
    }
}

/// What the filter fixes is not printed again, as in iproute2.
fn route_line(out: &mut Printer, options: &Options, filter: &Filter, line: &Line, ifaces: &[IfaceRow]) {
    let row = &line.row;
    if line.kind != "unicast" || options.details {
        out.word(line.kind, meaning::ROUTE_TYPE).put(" ");
    }
    let dst = destination(row.dst);
    match dst.as_str() {
        "default" => out.word("default", meaning::ROUTE_DEFAULT).put(" "),
        dst => out.paint(Some(Color::Inet), dst, " ", meaning::ROUTE_DST),
    };
    if let Some(via) = row.via.filter(|_| filter.via.is_none()) {
        out.word("via", meaning::ROUTE_VIA).put(" ").paint(Some(Color::Inet), via.to_string(), " ", meaning::ROUTE_VIA);
    }
    if filter.dev.is_none() {
        let name = iface::name(ifaces, row.iface);
        out.word("dev", meaning::ROUTE_DEV).put(" ").paint(Some(Color::Iface), name, " ", meaning::ROUTE_DEV);
    }
    if filter.table == Table::All && line.kind != "unicast" {
        out.put("table local ");
    }
    if (row.proto != RouteProto::Boot || options.details) && filter.proto.is_none() {
        out.word(format!("proto {}", proto_name(row.proto)), meaning::ROUTE_PROTO).put(" ");
    }
    if (row.scope != Scope::Global || options.details) && filter.scope.is_none() {
        out.word(format!("scope {}", row.scope.name()), meaning::SCOPE).put(" ");
    }
    if let Some(src) = row.src.filter(|_| filter.src.is_none()) {
        out.word("src", meaning::ROUTE_SRC).put(" ").paint(Some(Color::Inet), src.to_string(), " ", meaning::ROUTE_SRC);
    }
    if row.metric != 0 && filter.metric.is_none() {
        out.word(format!("metric {}", row.metric), meaning::ROUTE_METRIC).put(" ");
    }
    if row.linkdown {
        out.word("linkdown", meaning::ROUTE_FLAGS).put(" ");
    }
    out.put("\n");
}

fn json_row(options: &Options, filter: &Filter, line: &Line, ifaces: &[IfaceRow]) -> Json {
    let row = &line.row;
    let mut fields = Vec::new();
    if line.kind != "unicast" || options.details {
        fields.push(("type", Json::text(line.kind)));
    }
    fields.push(("dst", Json::text(destination(row.dst))));
    if let Some(via) = row.via.filter(|_| filter.via.is_none()) {
        fields.push(("gateway", Json::text(via)));
    }
    if filter.dev.is_none() {
        fields.push(("dev", Json::text(iface::name(ifaces, row.iface))));
    }
    if filter.table == Table::All && line.kind != "unicast" {
        fields.push(("table", Json::text("local")));
    }
    if (row.proto != RouteProto::Boot || options.details) && filter.proto.is_none() {
        fields.push(("protocol", Json::text(proto_name(row.proto))));
    }
    if (row.scope != Scope::Global || options.details) && filter.scope.is_none() {
        fields.push(("scope", Json::text(row.scope.name())));
    }
    if let Some(src) = row.src.filter(|_| filter.src.is_none()) {
        fields.push(("prefsrc", Json::text(src)));
    }
    if row.metric != 0 && filter.metric.is_none() {
        fields.push(("metric", Json::Number(u64::from(row.metric))));
    }
    fields.push(("flags", Json::List(if row.linkdown { vec![Json::text("linkdown")] } else { Vec::new() })));
    Json::Object(fields)
}

/// `ip route flush`.
pub(super) fn flush(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    if args.peek().is_none() {
        return Err(Fail::new(1, "\"ip route flush\" requires arguments."));
    }
    let filter = Filter::parse(options, args)?;
    let lines = filter.select(kernel)?;
    let mut deleted = 0;
    for line in lines.into_iter().filter(|line| line.kind == "unicast") {
        let row = line.row;
        let spec = RouteSpec {
            dst: row.dst,
            via: row.via,
            iface: Some(row.iface),
            src: row.src,
            metric: Some(row.metric),
            proto: Some(row.proto),
            scope: Some(row.scope),
            onlink: false,
        };
        match kernel.route_del(spec) {
            Ok(()) => deleted += 1,
            Err(Errno::ESRCH) => {}
            Err(errno) => return Err(Fail::errno(errno)),
        }
    }
    report_flush(options, deleted, "entries", kernel);
    Ok(())
}
