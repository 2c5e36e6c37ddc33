//! `ip neighbour`: the table of who has which MAC.

use core::net::Ipv4Addr;

use super::addr::report_flush;
use super::args::{Args, Fail, Prefix, address, link_address, matches, prefix, unavailable};
use super::json::Json;
use super::print::{Color, Printer, print_json};
use super::{Family, Options, iface};
use crate::addr::MacAddr;
use crate::programs::{Errno, Kernel, PutMode};
use crate::shell::meaning;
use crate::view::{IfaceRow, NeighRow, NeighState};

const USAGE: &str = include_str!("usage_neigh.txt");

/// Runs `ip neighbour`.
pub(super) fn run(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let Some(word) = args.take() else { return show(options, args, kernel) };
    let is = |name: &str| matches(word, name);
    match () {
        () if is("add") => modify(options, args, kernel, Some(PutMode::Create)),
        () if is("change") || word == "chg" => modify(options, args, kernel, Some(PutMode::Change)),
        () if is("replace") => modify(options, args, kernel, Some(PutMode::Replace)),
        () if is("delete") => modify(options, args, kernel, None),
        () if is("get") => get(options, args, kernel),
        () if is("show") || word == "lst" || is("list") => show(options, args, kernel),
        () if is("flush") => flush(options, args, kernel),
        () if is("help") => Err(Fail::usage(USAGE)),
        () => Err(Fail::new(255, format!("Command \"{word}\" is unknown, try \"ip neigh help\"."))),
    }
}

/// A state's name (`nud_state_a2n`); `Ok(None)` for `none` and `noarp`, which no neighbour here has.
fn state(text: &str) -> Result<Option<NeighState>, Fail> {
    const STATES: &[(&str, Option<NeighState>)] = &[
        ("permanent", Some(NeighState::Permanent)),
        ("reachable", Some(NeighState::Reachable)),
        ("noarp", None),
        ("none", None),
        ("stale", Some(NeighState::Stale)),
        ("incomplete", Some(NeighState::Incomplete)),
        ("delay", Some(NeighState::Delay)),
        ("probe", Some(NeighState::Probe)),
        ("failed", Some(NeighState::Failed)),
    ];
    let found = STATES.iter().find(|(name, _)| matches(text, name));
    found.map(|(_, state)| *state).ok_or_else(|| Fail::wrong(text, "nud state is bad"))
}

fn modify(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel, mode: Option<PutMode>) -> Result<(), Fail> {
    let (mut dev, mut dst, mut mac): (Option<&str>, Option<Option<Ipv4Addr>>, Option<Vec<u8>>) = (None, None, None);
    let mut nud = Some(NeighState::Permanent);
    while let Some(word) = args.take() {
        match word {
            "nud" => nud = state(args.value()?)?,
            "dev" => dev = Some(args.value()?),
            "router" | "managed" | "use" | "extern_learn" => return Err(unavailable(&format!("ip neigh {word}"))),
            _ if matches(word, "lladdr") => mac = Some(link_address(args.value()?)?),
            _ if matches(word, "proxy") || matches(word, "protocol") => {
                return Err(unavailable(&format!("ip neigh {word}")));
            }
            word => {
                let text = if matches(word, "to") { args.value()? } else { word };
                if matches(text, "help") {
                    return Err(Fail::usage(USAGE));
                }
                if dst.is_some() {
                    return Err(Fail::garbage("to", text));
                }
                dst = Some(address(text, options.family)?);
            }
        }
    }
    let (Some(dev), Some(dst)) = (dev, dst) else {
        return Err(Fail::new(255, "Device and destination are required arguments."));
    };
    let iface = iface::index(kernel, dev)?;
    let Some(dst) = dst else { return Err(Fail::errno(Errno::EOPNOTSUPP)) };
    let Some(mode) = mode else { return kernel.neigh_del(iface, dst).map_err(Fail::errno) };
    let mac = match mac {
        Some(bytes) if bytes.len() != 6 => return Err(Fail::kernel("Invalid link address.")),
        Some(bytes) => MacAddr::from_slice(&bytes),
        None => None,
    };
    let Some(nud) = nud else { return Err(unavailable("ip neigh nud none|noarp")) };
    let known = kernel.neighs().iter().any(|row| row.iface == iface && row.addr == dst && row.mac.is_some());
    if mac.is_none() && !known && !matches!(nud, NeighState::Incomplete | NeighState::Failed) && mode != PutMode::Change
    {
        return Err(Fail::kernel("No link layer address given."));
    }
    kernel.neigh_put(iface, dst, mac, nud, mode).map_err(Fail::errno)
}

/// Which neighbours are meant.
#[derive(Default)]
struct Filter {
    dev: Option<String>,
    to: Option<Prefix>,
    /// None: what the command means without a word.
    states: Option<Vec<NeighState>>,
}

impl Filter {
    fn parse(options: &Options, args: &mut Args<'_>) -> Result<Self, Fail> {
        const ALL: [NeighState; 7] = [
            NeighState::Incomplete,
            NeighState::Reachable,
            NeighState::Stale,
            NeighState::Delay,
            NeighState::Probe,
            NeighState::Failed,
            NeighState::Permanent,
        ];
        let mut filter = Self::default();
        while let Some(word) = args.take() {
            match word {
                "dev" => filter.dev = Some(args.value()?.to_owned()),
                "nud" => {
                    let name = args.value()?;
                    let states = filter.states.get_or_insert_default();
                    if name == "all" {
                        states.extend(ALL);
                    } else {
                        states.extend(state(name)?);
                    }
                }
                "nomaster" | "unused" => {}
                "master" | "vrf" => return Err(Fail::wrong(args.value()?, "Device does not exist\n")),
                "proxy" | "protocol" => return Err(unavailable(&format!("ip neigh {word}"))),
                word => {
                    let text = if matches(word, "to") { args.value()? } else { word };
                    if matches(text, "help") {
                        return Err(Fail::usage(USAGE));
                    }
                    filter.to = Some(prefix(text, options.family)?);
                }
            }
        }
        Ok(filter)
    }

    /// The neighbours that are meant; `default` says of a state whether it is when no state was named.
    fn select(
        &self,
        options: &Options,
        kernel: &dyn Kernel,
        default: impl Fn(NeighState) -> bool,
    ) -> Result<Vec<NeighRow>, Fail> {
        let dev = self.dev.as_deref().map(|dev| iface::index(kernel, dev)).transpose()?;
        if options.family == Family::Inet6 {
            return Ok(Vec::new());
        }
        let mut rows = kernel.neighs();
        rows.retain(|row| {
            dev.is_none_or(|dev| dev == row.iface)
                && self.to.is_none_or(|to| to.v4().is_some_and(|net| net.contains(row.addr)))
                && self.states.as_ref().map_or_else(|| default(row.state), |states| states.contains(&row.state))
        });
        Ok(rows)
    }
}

fn show(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let filter = Filter::parse(options, args)?;
    let rows = filter.select(options, kernel, |_| true)?;
    print_rows(options, &rows, filter.dev.is_none(), kernel);
    Ok(())
}

fn get(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    let (mut dev, mut dst): (Option<&str>, Option<Option<Ipv4Addr>>) = (None, None);
    while let Some(word) = args.take() {
        match word {
            "dev" => dev = Some(args.value()?),
            "proxy" => return Err(unavailable("ip neigh proxy")),
            word => {
                let text = if matches(word, "to") { args.value()? } else { word };
                if matches(text, "help") {
                    return Err(Fail::usage(USAGE));
                }
                if dst.is_some() {
                    return Err(Fail::garbage("to", text));
                }
                dst = Some(address(text, options.family)?);
            }
        }
    }
    let (Some(dev), Some(dst)) = (dev, dst) else {
        return Err(Fail::new(1, "Device and address are required arguments."));
    };
    let iface = iface::index(kernel, dev)?;
    let mut rows = kernel.neighs();
    rows.retain(|row| row.iface == iface && Some(row.addr) == dst);
    if rows.is_empty() {
        return Err(Fail::kernel("Neighbour entry not found."));
    }
    print_rows(options, &rows, true, kernel);
    Ok(())
}

fn print_rows(options: &Options, rows: &[NeighRow], with_dev: bool, kernel: &mut dyn Kernel) {
    let ifaces = kernel.ifaces();
    if options.json {
        let rows = rows.iter().map(|row| json_row(options, row, with_dev, &ifaces)).collect();
        print_json(&Json::List(rows), options, kernel);
        return;
    }
    let mut out = Printer::new(options);
    for row in rows {
        let (addr, dev) = (row.addr.to_string(), iface::name(&ifaces, row.iface));
        if options.brief {
            out.paint(Some(Color::Inet), &addr, &" ".repeat(40_usize.saturating_sub(addr.len())), meaning::IP_ADDRESS);
            if with_dev {
                out.paint(
                    Some(Color::Iface),
                    &dev,
                    &" ".repeat(17_usize.saturating_sub(dev.len())),
                    meaning::IFACE_NAME,
                );
            }
            if let Some(mac) = row.mac {
                out.paint(Some(Color::Mac), mac.to_string(), "", meaning::MAC_ADDRESS);
            }
            out.put("\n");
            continue;
        }
        out.paint(Some(Color::Inet), &addr, " ", meaning::IP_ADDRESS);
        if with_dev {
            out.put("dev ").paint(Some(Color::Iface), &dev, " ", meaning::IFACE_NAME);
        }
        if let Some(mac) = row.mac {
            out.put("lladdr ").paint(Some(Color::Mac), mac.to_string(), " ", meaning::MAC_ADDRESS);
        }
        out.word(row.state.name(), meaning::NEIGH_STATE).put(" \n");
    }
    out.print(kernel);
}

fn json_row(options: &Options, row: &NeighRow, with_dev: bool, ifaces: &[IfaceRow]) -> Json {
    let mut fields = vec![("dst", Json::text(row.addr))];
    if with_dev {
        fields.push(("dev", Json::text(iface::name(ifaces, row.iface))));
    }
    fields.extend(row.mac.map(|mac| ("lladdr", Json::text(mac))));
    if !options.brief {
        fields.push(("state", Json::List(vec![Json::text(row.state.name())])));
    }
    Json::Object(fields)
}

fn flush(options: &Options, args: &mut Args<'_>, kernel: &mut dyn Kernel) -> Result<(), Fail> {
    if args.peek().is_none() {
        return Err(Fail::new(1, "Flush requires arguments."));
    }
    let filter = Filter::parse(options, args)?;
    let rows = filter.select(options, kernel, |state| state != NeighState::Permanent)?;
    let mut deleted = 0;
    for row in rows {
        match kernel.neigh_del(row.iface, row.addr) {
            Ok(()) => deleted += 1,
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Fail::errno(errno)),
        }
    }
    report_flush(options, deleted, "entries", kernel);
    Ok(())
}
