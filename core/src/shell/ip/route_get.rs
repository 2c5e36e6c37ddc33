//! `ip route get`: how a packet to one destination would travel.

use core::net::Ipv4Addr;

use super::args::{Args, Fail, Net, address, matches, prefix, unavailable};
use super::json::Json;
use super::print::{Color, Printer, print_json};
use super::route::USAGE;
use super::{Family, Options, iface};
use crate::programs::{Errno, Kernel, RouteChoice};
use crate::shell::meaning;
use crate::shell::out::complain;

/// Runs `ip route get`.
pub(super) fn run(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let (mut dst, mut from, mut dev): (Option<Net>, Option<Ipv4Addr>, Option<&str>) = (None, None, None);
    let mut family = options.family;
    while let Some(word) = args.take() {
        match word {
            "tos" | "dsfield" | "iif" | "mark" | "vrf" | "uid" | "ipproto" | "sport" | "dport" | "fibmatch"
            | "notify" => {
                return Err(unavailable(&format!("ip route get {word}")));
            }
            "oif" | "dev" => dev = Some(args.value()?),
            _ if matches(word, "from") => from = address(args.value()?, family)?,
            word => {
                let text = if word == "to" { args.value()? } else { word };
                if matches(text, "help") {
                    return Err(Fail::usage(USAGE));
                }
                let parsed = prefix(text, family)?;
                if let Net::V4(cidr) = parsed.net
                    && cidr.prefix != 32
                {
                    complain(
                        kernel,
                        format!("Warning: /{} as prefix is invalid, only /32 (or none) is supported.", cidr.prefix),
                    );
                }
                family = if matches!(parsed.net, Net::V6(..)) { Family::Inet6 } else { Family::Inet };
                dst = Some(parsed.net);
            }
        }
    }
    let Some(dst) = dst else { return Err(Fail::new(1, "need at least a destination address")) };
    let iface = dev.map(|dev| iface::index(kernel, dev)).transpose()?;
    let dst = match dst {
        Net::V4(cidr) => cidr.addr,
        Net::All => Ipv4Addr::UNSPECIFIED,
        Net::V6(..) => return Err(Fail::errno(Errno::ENETUNREACH)),
    };
    // A packet cannot come from an address that is not ours.
    if from.is_some_and(|from| !kernel.addrs().iter().any(|row| row.addr == from)) {
        return Err(Fail::errno(Errno::ENETUNREACH));
    }
    let choice = kernel.route_get(dst, iface).map_err(Fail::errno)?;
    let line = Line { dst, from, choice };
    if options.json {
        print_json(&Json::List(vec![line.json(kernel)]), options, kernel);
    } else {
        let mut out = Printer::new(options);
        line.text(&mut out, options, kernel);
        out.print(kernel);
    }
    Ok(())
}

struct Line {
    dst: Ipv4Addr,
    from: Option<Ipv4Addr>,
    choice: RouteChoice,
}

impl Line {
    fn kind(&self) -> Option<&'static str> {
        match (self.choice.local, self.choice.broadcast) {
            (true, _) => Some("local"),
            (_, true) => Some("broadcast"),
            _ => None,
        }
    }

    /// Flags of the cache entry.
    fn cache(&self) -> &'static [&'static str] {
        match self.kind() {
            Some("local") => &["local"],
            Some(_) => &["local", "brd"],
            None => &[],
        }
    }

    /// A packet to ourselves goes through the loopback, whichever interface has the address.
    fn device(&self, kernel: &dyn Kernel) -> String {
        let ifaces = kernel.ifaces();
        let loopback = ifaces.iter().find(|iface| iface.loopback).filter(|_| self.choice.local);
        loopback.map_or_else(|| iface::name(&ifaces, self.choice.iface), |iface| iface.name.clone())
    }

    fn text(&self, out: &mut Printer, options: &Options, kernel: &dyn Kernel) {
        let kind = self.kind().or(options.details.then_some("unicast"));
        if let Some(kind) = kind {
            out.word(kind, meaning::ROUTE_TYPE).put(" ");
        }
        out.paint(Some(Color::Inet), self.dst.to_string(), " ", meaning::ROUTE_DST);
        if let Some(from) = self.from {
            out.word("from", meaning::ROUTE_SRC).put(" ").paint(
                Some(Color::Inet),
                from.to_string(),
                " ",
                meaning::ROUTE_SRC,
            );
        }
        if let Some(via) = self.choice.via {
            out.word("via", meaning::ROUTE_VIA).put(" ").paint(
                Some(Color::Inet),
                via.to_string(),
                " ",
                meaning::ROUTE_VIA,
            );
        }
        out.word("dev", meaning::ROUTE_DEV).put(" ");
        out.paint(Some(Color::Iface), self.device(kernel), " ", meaning::ROUTE_DEV);
        if options.details {
            out.put(if self.kind().is_some() { "table local " } else { "table main " });
        }
        if self.from.is_none() {
            out.word("src", meaning::ROUTE_SRC).put(" ");
            out.paint(Some(Color::Inet), self.choice.src.to_string(), " ", meaning::ROUTE_SRC);
        }
        out.word("uid 0", meaning::ROUTE_UID).put(" ").inner_line().put("    cache ");
        if !self.cache().is_empty() {
            out.word(format!("<{}>", self.cache().join(",")), meaning::ROUTE_FLAGS).put(" ");
        }
        if let Some((mtu, until)) = self.choice.mtu {
            let left = until.since(kernel.now()).as_secs();
            out.word(format!("expires {left}sec"), meaning::ROUTE_CACHE).put(" ");
            out.word(format!("mtu {mtu}"), meaning::ROUTE_CACHE).put(" ");
        }
        out.put("\n");
    }

    fn json(&self, kernel: &dyn Kernel) -> Json {
        let mut fields = Vec::new();
        fields.extend(self.kind().map(|kind| ("type", Json::text(kind))));
        fields.push(("dst", Json::text(self.dst)));
        fields.extend(self.from.map(|from| ("from", Json::text(from))));
        fields.extend(self.choice.via.map(|via| ("gateway", Json::text(via))));
        fields.push(("dev", Json::text(self.device(kernel))));
        if self.from.is_none() {
            fields.push(("prefsrc", Json::text(self.choice.src)));
        }
        fields.extend([("flags", Json::List(Vec::new())), ("uid", Json::Number(0))]);
        fields.push(("cache", Json::List(self.cache().iter().map(Json::text).collect())));
        if let Some((mtu, until)) = self.choice.mtu {
            fields.push(("expires", Json::Number(until.since(kernel.now()).as_secs())));
            fields.push(("metrics", Json::List(vec![Json::Object(vec![("mtu", Json::Number(u64::from(mtu)))])])));
        }
        Json::Object(fields)
    }
}
