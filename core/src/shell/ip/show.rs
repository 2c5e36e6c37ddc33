//! `ip addr show` and `ip link show`: which interfaces and addresses are meant, and their lines.

use core::net::IpAddr;

use super::args::{Args, Fail, Net, Prefix, ScopeWord, matches, prefix, scope};
use super::iface::{self, details, flags, link_type, qdisc, state};
use super::json::Json;
use super::print::{Color, Printer, print_json};
use super::{Family, Options};
use crate::programs::{IfaceCounters, Kernel};
use crate::shell::meaning;
use crate::view::{AddrRow, IfaceRow};

/// Which interfaces and addresses are meant.
#[derive(Default)]
pub(super) struct Filter {
    family: Family,
    dev: Option<String>,
    up: bool,
    to: Option<Prefix>,
    scope: Option<ScopeWord>,
    label: Option<String>,
    dynamic: Option<bool>,
    secondary: Option<bool>,
    tentative: Option<bool>,
    kind: Option<String>,
    /// Link modes are shown: by `ip link`, not by `ip -0 addr`.
    link_mode: bool,
}

impl Filter {
    /// Everything of a family.
    pub(super) fn all(family: Family) -> Self {
        Self { family, ..Self::default() }
    }

    /// As `ip link` shows interfaces.
    #[must_use]
    pub(super) fn with_link_mode(self) -> Self {
        Self { link_mode: true, ..self }
    }

    /// Reads the words after `show` or `flush`.
    pub(super) fn parse(family: Family, args: &mut Args<'_>, usage: &str) -> Result<Self, Fail> {
        let mut filter = Self::all(family);
        while let Some(word) = args.take() {
            match word {
                "to" => {
                    let to = prefix(args.value()?, filter.family)?;
                    filter.family = match to.net {
                        Net::V6(..) => Family::Inet6,
                        Net::V4(_) => Family::Inet,
                        Net::All => filter.family,
                    };
                    filter.to = Some(to);
                }
                "scope" => {
                    let name = args.value()?;
                    let wrong = || Fail::wrong(name, "invalid \"scope\"\n");
                    filter.scope = if name == "all" { None } else { Some(scope(name).ok_or_else(wrong)?) };
                }
                "up" => filter.up = true,
                "dynamic" => filter.dynamic = Some(true),
                "permanent" => filter.dynamic = Some(false),
                "secondary" | "temporary" => filter.secondary = Some(true),
                "primary" => filter.secondary = Some(false),
                "tentative" => filter.tentative = Some(true),
                "-tentative" => filter.tentative = Some(false),
                "label" => filter.label = Some(args.value()?.to_owned()),
                "type" => filter.kind = Some(args.value()?.to_owned()),
                "nomaster" => {}
                "group" => {
                    args.value()?;
                }
                "master" => {
                    return Err(Fail::wrong(args.value()?, "Device does not exist\n"));
                }
                "vrf" => {
                    return Err(Fail::wrong(args.value()?, "Not a valid VRF name\n"));
                }
                word => {
                    let name = if word == "dev" { args.value()? } else { word };
                    if word != "dev" && matches(name, "help") {
                        return Err(Fail::usage(usage));
                    }
                    if filter.dev.is_some() {
                        return Err(Fail::garbage("dev", name));
                    }
                    filter.dev = Some(name.to_owned());
                }
            }
        }
        Ok(filter)
    }

    /// The interfaces that the words name.
    ///
    /// # Errors
    /// A name that no interface has.
    pub(super) fn ifaces(&self, kernel: &dyn Kernel) -> Result<Vec<IfaceRow>, Fail> {
        let mut rows = kernel.ifaces();
        if let Some(dev) = &self.dev {
            if !rows.iter().any(|row| row.name == *dev) {
                return Err(Fail::new(1, format!("Device \"{dev}\" does not exist.")));
            }
            rows.retain(|row| row.name == *dev);
        }
        // No interface here has a link type of its own (bridge, veth …).
        rows.retain(|row| (!self.up || row.up) && self.kind.is_none());
        Ok(rows)
    }

    /// Whether the interface's own lines are printed: not when only addresses with another label are meant.
    fn takes_link(&self, name: &str) -> bool {
        self.label.as_ref().is_none_or(|label| self.family != Family::Any || glob(label, name))
    }

    /// Whether an address of an interface named `name` is meant.
    pub(super) fn takes(&self, row: &AddrRow, name: &str) -> bool {
        let family = match self.family {
            Family::Any => true,
            Family::Inet => row.addr.is_ipv4(),
            Family::Inet6 => row.addr.is_ipv6(),
            Family::Packet => false,
        };
        let to = match (self.to.map(|to| to.net), row.addr) {
            (None | Some(Net::All), _) => true,
            (Some(Net::V4(net)), IpAddr::V4(addr)) => net.prefix <= row.prefix && net.contains(addr),
            (Some(Net::V6(net, length)), IpAddr::V6(addr)) => {
                let shift = 128_u32.saturating_sub(u32::from(length));
                let part = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                length <= row.prefix && part(net.to_bits()) == part(addr.to_bits())
            }
            _ => false,
        };
        let scope = match &self.scope {
            None => true,
            Some(ScopeWord::Known(scope)) => *scope == row.scope,
            Some(ScopeWord::Other) => false,
        };
        let label = self.label.as_ref().is_none_or(|label| glob(label, row.label.as_deref().unwrap_or(name)));
        let flag = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        family
            && to
            && scope
            && label
            && flag(self.dynamic, row.dynamic || row.valid_until.is_some())
            && flag(self.secondary, row.secondary)
            && flag(self.tentative, row.tentative)
    }
}

/// Whether `text` fits a shell pattern, of which `*` and `?` are known.
pub(in crate::shell) fn glob(pattern: &str, text: &str) -> bool {
    // Where a mismatch may go back to: behind the last star, and one letter further in the text each time.
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|c| *c == '*')
}

/// Seconds that an address is still valid, as `ip` counts them; none for ever.
fn lifetime(row: &AddrRow, kernel: &dyn Kernel) -> Option<u64> {
    row.valid_until.map(|until| until.since(kernel.now()).as_secs())
}

/// Prints what the filter takes: addresses for `ip addr`, links alone for `ip link`.
pub(super) fn run(options: &Options, filter: &Filter, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let links_only = filter.family == Family::Packet;
    let mut shown: Vec<(IfaceRow, Vec<AddrRow>)> = Vec::new();
    let addrs = if links_only { Vec::new() } else { kernel.addrs() };
    for iface in filter.ifaces(kernel)? {
        let all: Vec<&AddrRow> = addrs.iter().filter(|row| row.iface == iface.index).collect();
        let taken: Vec<AddrRow> =
            all.iter().filter(|row| filter.takes(row, &iface.name)).map(|row| (*row).clone()).collect();
        // An interface without any address is shown when no family was asked for (iproute2's ipaddr_filter).
        let bare =
            all.is_empty() && matches!(filter.family, Family::Any | Family::Packet) && filter.takes_link(&iface.name);
        if bare || !taken.is_empty() {
            shown.push((iface, taken));
        }
    }
    if options.json {
        let rows = shown.iter().map(|(iface, addrs)| json_row(options, filter, iface, addrs, kernel)).collect();
        print_json(&Json::List(rows), options, kernel);
        return Ok(());
    }
    let mut out = Printer::new(options);
    for (iface, addrs) in &shown {
        if options.brief {
            brief(&mut out, iface, addrs, links_only);
            continue;
        }
        if links_only || (!options.oneline && filter.takes_link(&iface.name)) {
            link_lines(&mut out, options, filter, iface);
            if !options.oneline {
                out.put("\n");
            }
        }
        for addr in addrs {
            addr_lines(&mut out, options, iface, addr, lifetime(addr, kernel));
        }
        if options.stats > 0 && (links_only || !options.oneline) {
            if options.oneline {
                out.inner_line();
            }
            stats_lines(&mut out, options.stats, kernel.counters(iface.index), iface.up);
        }
        if links_only && options.oneline && options.stats == 0 {
            out.put("\n");
        }
    }
    out.print(kernel);
    Ok(())
}

fn state_color(state: &str) -> Option<Color> {
    match state {
        "UP" => Some(Color::Up),
        "DOWN" => Some(Color::Down),
        _ => None,
    }
}

fn family_color(addr: &IpAddr) -> Option<Color> {
    Some(if addr.is_ipv4() { Color::Inet } else { Color::Inet6 })
}

/// The first line, and the second with the MAC, without the last line end.
fn link_lines(out: &mut Printer, options: &Options, filter: &Filter, iface: &IfaceRow) {
    let family = filter.family;
    let rows_of_links = family != Family::Inet6;
    out.word(iface.index.to_string(), meaning::IFACE_INDEX).put(": ");
    out.paint(Some(Color::Iface), &iface.name, ": ", meaning::IFACE_NAME);
    out.word(format!("<{}>", flags(iface).join(",")), meaning::IFACE_FLAGS);
    out.put(" ").word(format!("mtu {}", iface.mtu), meaning::MTU).put(" ");
    if rows_of_links {
        out.word(format!("qdisc {}", qdisc(iface)), meaning::QDISC).put(" ");
    }
    let state = state(iface);
    out.put("state ").paint(state_color(state), state, " ", meaning::IFACE_STATE);
    if filter.link_mode {
        out.word("mode DEFAULT", meaning::LINK_MODE).put(" ");
    }
    if rows_of_links {
        out.word("group default", meaning::IFACE_GROUP).put(" ");
    }
    out.word("qlen 1000", meaning::QLEN);
    if matches!(family, Family::Any | Family::Packet) {
        out.inner_line().put("    ").word(format!("link/{}", link_type(iface)), meaning::LINK_TYPE).put(" ");
        out.paint(Some(Color::Mac), iface.mac.to_string(), "", meaning::MAC_ADDRESS).put(" brd ");
        out.paint(Some(Color::Mac), iface::broadcast(iface), "", meaning::MAC_BROADCAST);
    }
    if options.details {
        out.word(details(iface), meaning::LINK_DETAILS);
    }
}

/// One address, with its line ends.
fn addr_lines(out: &mut Printer, options: &Options, iface: &IfaceRow, row: &AddrRow, secs: Option<u64>) {
    if options.oneline {
        out.word(iface.index.to_string(), meaning::IFACE_INDEX).put(": ").word(&iface.name, meaning::IFACE_NAME);
    }
    let family = if row.addr.is_ipv4() { "inet" } else { "inet6" };
    out.put("    ").word(family, meaning::ADDRESS_FAMILY).put(" ");
    out.paint(family_color(&row.addr), row.addr.to_string(), "", meaning::IP_ADDRESS);
    out.word(format!("/{}", row.prefix), meaning::IP_ADDRESS).put(" ");
    if let Some(broadcast) = row.broadcast {
        out.put("brd ").paint(Some(Color::Inet), broadcast.to_string(), " ", meaning::BROADCAST);
    }
    out.word(format!("scope {}", row.scope.name()), meaning::SCOPE).put(" ");
    for (set, name) in [
        (row.secondary, if row.addr.is_ipv4() { "secondary" } else { "temporary" }),
        (row.dad_failed, "dadfailed"),
        (row.tentative, "tentative"),
        (row.dynamic || row.valid_until.is_some(), "dynamic"),
    ] {
        if set {
            out.word(name, meaning::ADDRESS_FLAGS).put(" ");
        }
    }
    if row.addr.is_ipv4() {
        out.word(row.label.as_deref().unwrap_or(&iface.name), meaning::ADDRESS_LABEL);
    }
    let word = secs.map_or("forever".to_owned(), |secs| format!("{secs}sec"));
    out.inner_line().put("       ");
    out.word(format!("valid_lft {word}"), meaning::LIFETIME).put(" ");
    out.word(format!("preferred_lft {word}"), meaning::LIFETIME).put("\n");
}

/// One line of `-br`.
fn brief(out: &mut Printer, iface: &IfaceRow, addrs: &[AddrRow], links_only: bool) {
    let pad = |text: &str, width: usize| " ".repeat((width + 1).saturating_sub(text.chars().count()).max(1));
    let state = state(iface);
    out.paint(Some(Color::Iface), &iface.name, &pad(&iface.name, 16), meaning::IFACE_NAME);
    out.paint(state_color(state), state, &pad(state, 14), meaning::IFACE_STATE);
    if links_only {
        out.paint(Some(Color::Mac), iface.mac.to_string(), " ", meaning::MAC_ADDRESS);
        out.word(format!("<{}>", flags(iface).join(",")), meaning::IFACE_FLAGS).put(" ");
    }
    for row in addrs {
        out.paint(family_color(&row.addr), row.addr.to_string(), "", meaning::IP_ADDRESS);
        out.word(format!("/{}", row.prefix), meaning::IP_ADDRESS).put(" ");
    }
    out.put("\n");
}

/// `-s`: columns grow with their numbers, the same for both directions. With `-s -s` errors by kind, which are none here.
fn stats_lines(out: &mut Printer, level: u8, counters: IfaceCounters, up: bool) {
    let c = counters;
    let rows = [[c.rx_bytes, c.rx_frames, 0, c.rx_dropped, 0, 0], [c.tx_bytes, c.tx_frames, 0, c.tx_dropped, 0, 0]];
    // Least widths: "*X errors:", "packets", "errors", "dropped", "heartbt", "overrun" (ip/ipaddress.c).
    let mut widths = [10, 7, 6, 7, 7, 7];
    for row in &rows {
        for (width, value) in widths.iter_mut().zip(row) {
            *width = (*width).max(value.to_string().len());
        }
    }
    let [w0, w1, w2, w3, w4, w5] = widths;
    let heads = [["missed", "mcast"], ["carrier", "collsns"]];
    let kinds = [["length", "crc", "frame", "fifo", "overrun"], ["aborted", "fifo", "window", "heartbt", "transns"]];
    for (i, way) in ["RX", "TX"].iter().enumerate() {
        let [a, b] = heads[i];
        let bytes = w0 - 4;
        let head = format!(
            "    {way}: {:>bytes$} {:>w1$} {:>w2$} {:>w3$} {a:>w4$} {b:>w5$} {:10}",
            "bytes", "packets", "errors", "dropped", ""
        );
        out.word(head, meaning::HEADING);
        out.inner_line().put("    ");
        for (value, width) in rows[i].iter().zip(widths) {
            out.put(" ".repeat(width.saturating_sub(value.to_string().len())));
            out.word(value.to_string(), meaning::COUNTER).put(" ");
        }
        if level > 1 {
            let [k1, k2, k3, k4, k5] = kinds[i];
            out.inner_line();
            out.word(
                format!("    {way} errors:{:w$} {k1:>w1$} {k2:>w2$} {k3:>w3$} {k4:>w4$} {k5:>w5$}", "", w = w0 - 10),
                meaning::HEADING,
            );
            let last = u8::from(i == 1 && up);
            out.inner_line().put(format!("    {:w0$} {:>w1$} {:>w2$} {:>w3$} {:>w4$} {last:>w5$} ", "", 0, 0, 0, 0));
        }
        if i == 0 {
            out.inner_line();
        }
    }
    out.put("\n");
}

/// One interface as JSON.
fn json_row(options: &Options, filter: &Filter, iface: &IfaceRow, addrs: &[AddrRow], kernel: &dyn Kernel) -> Json {
    let links_only = filter.family == Family::Packet;
    let flags = Json::List(flags(iface).into_iter().map(Json::text).collect());
    let mut row = Vec::new();
    if options.brief {
        row.extend([("ifname", Json::text(&iface.name)), ("operstate", Json::text(state(iface)))]);
        if links_only {
            row.extend([("address", Json::text(iface.mac)), ("flags", flags)]);
        }
    } else {
        row.extend([
            ("ifindex", Json::Number(u64::from(iface.index))),
            ("ifname", Json::text(&iface.name)),
            ("flags", flags),
            ("mtu", Json::Number(u64::from(iface.mtu))),
        ]);
        let rows_of_links = filter.family != Family::Inet6;
        if rows_of_links {
            row.push(("qdisc", Json::text(qdisc(iface))));
        }
        row.push(("operstate", Json::text(state(iface))));
        if filter.link_mode {
            row.push(("linkmode", Json::text("DEFAULT")));
        }
        if rows_of_links {
            row.push(("group", Json::text("default")));
        }
        row.push(("txqlen", Json::Number(1_000)));
        if matches!(filter.family, Family::Any | Family::Packet) {
            row.extend([
                ("link_type", Json::text(link_type(iface))),
                ("address", Json::text(iface.mac)),
                ("broadcast", Json::text(iface::broadcast(iface))),
            ]);
        }
    }
    if !links_only {
        let addrs = addrs.iter().map(|addr| json_addr(options, iface, addr, lifetime(addr, kernel))).collect();
        row.push(("addr_info", Json::List(addrs)));
    }
    if options.stats > 0 && !options.brief {
        row.push(("stats64", json_stats(kernel.counters(iface.index))));
    }
    Json::Object(row)
}

fn json_addr(options: &Options, iface: &IfaceRow, row: &AddrRow, secs: Option<u64>) -> Json {
    let mut fields = Vec::new();
    if !options.brief {
        fields.push(("family", Json::text(if row.addr.is_ipv4() { "inet" } else { "inet6" })));
    }
    fields.extend([("local", Json::text(row.addr)), ("prefixlen", Json::Number(u64::from(row.prefix)))]);
    if options.brief {
        return Json::Object(fields);
    }
    if let Some(broadcast) = row.broadcast {
        fields.push(("broadcast", Json::text(broadcast)));
    }
    fields.push(("scope", Json::text(row.scope.name())));
    let dynamic = row.dynamic || row.valid_until.is_some();
    let flags = [
        (row.secondary, "secondary"),
        (row.dad_failed, "dadfailed"),
        (row.tentative, "tentative"),
        (dynamic, "dynamic"),
    ];
    for (set, name) in flags {
        if set {
            fields.push((name, Json::Bool(true)));
        }
    }
    if row.addr.is_ipv4() {
        fields.push(("label", Json::text(row.label.as_deref().unwrap_or(&iface.name))));
    }
    let secs = secs.unwrap_or(u64::from(u32::MAX));
    fields.extend([("valid_life_time", Json::Number(secs)), ("preferred_life_time", Json::Number(secs))]);
    Json::Object(fields)
}

fn json_stats(c: IfaceCounters) -> Json {
    let way = |bytes, packets, dropped, others: [&'static str; 2]| {
        let [a, b] = others;
        let mut fields = vec![("bytes", Json::Number(bytes)), ("packets", Json::Number(packets))];
        fields.extend([("errors", Json::Number(0)), ("dropped", Json::Number(dropped))]);
        fields.extend([(a, Json::Number(0)), (b, Json::Number(0))]);
        Json::Object(fields)
    };
    Json::Object(vec![
        ("rx", way(c.rx_bytes, c.rx_frames, c.rx_dropped, ["over_errors", "multicast"])),
        ("tx", way(c.tx_bytes, c.tx_frames, c.tx_dropped, ["carrier_errors", "collisions"])),
    ])
}
